package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/cmd/pavise/internal/project"
	"github.com/pavise-dev/pavise/guard/hosts"
	"github.com/pavise-dev/pavise/guard/origins"
)

func initCommand(t *terminal) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a policy for a project, in observe mode",
		Long: `Look at a project and write pavise.yaml for it, in observe mode: everything is
logged and counted, and nothing is refused until you say so.

It looks for the FastAPI or Starlette application, for command lines of uvicorn,
gunicorn, hypercorn and granian in Dockerfile, compose and Procfile, for a Go
main package, and for what the code says of its hosts, origins, logins and
uploads. It says what it found and where. A file that is there is not
overwritten without --force.`,
		Example: "  pavise init\n  pavise init services/orders",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return initProject(t, dir, force)
		},
	}
	c.Flags().BoolVar(&force, "force", false, "overwrite a policy that is there")
	return c
}

func initProject(t *terminal, dir string, force bool) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return &exitError{code: exitUsage, err: err, hint: "name the folder of the project"}
	case !info.IsDir():
		return &exitError{code: exitUsage, err: fmt.Errorf("%s is not a folder", dir), hint: "name the folder of the project"}
	}
	name := filepath.Join(dir, defaultPolicy)
	if exists(name) && !force {
		return &exitError{code: exitUsage, err: fmt.Errorf("%s is there already", name), hint: "--force overwrites it; pavise policy validate checks it"}
	}
	found, err := project.Look(os.DirFS(dir))
	if err != nil {
		return &exitError{code: exitUnknown, err: fmt.Errorf("%s cannot be looked at: %w", dir, err)}
	}
	text := []byte(draft(found))
	// What is written must be a policy that holds together.
	p, err := pavise.Parse(text)
	if err == nil {
		_, err = pavise.New(p)
	}
	if err != nil {
		return fmt.Errorf("the draft does not hold together, and was not written: %w", err)
	}
	if err := replaceFile(name, text); err != nil {
		return &exitError{code: exitUnknown, err: fmt.Errorf("%s cannot be written: %w", name, err), hint: "nothing was changed; may you write there?"}
	}
	t.found(found)
	t.printf("\nwrote %s, in observe mode: nothing is refused yet\n\nnext\n", name)
	in := ""
	if dir != "." {
		in = "cd " + dir + " && "
	}
	if len(p.Gateway.Command) > 0 {
		t.printf("  %spavise up\n", in)
	} else {
		t.printf("  %spavise up --upstream http://127.0.0.1:9000   where your API runs\n", in)
	}
	t.printf("  pavise report                 after some use: what would have been refused\n")
	t.printf("  pavise probe http://%s\n", reachable(p.Gateway.Listen))
	t.printf("  pavise enforce all            when the report shows nothing that you need\n")
	return nil
}

// reachable is where an address that is listened on is reached from here.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return pavise.DefaultListen
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// found says what was found, and where.
func (t *terminal) found(f *project.Found) {
	line := func(at project.Place, format string, args ...any) {
		t.printf("found  %s:%d: %s\n", at.File, at.Line, fmt.Sprintf(format, args...))
	}
	for _, a := range f.Apps {
		what := a.Framework + " application " + a.Target
		if a.Factory {
			what += " (a factory)"
		}
		line(a.Place, "%s", what)
	}
	for _, c := range f.Commands {
		line(c.Place, "%s %s", c.Server, c.Target)
	}
	for _, m := range f.Mains {
		line(m.Place, "Go service in %s (%s)", m.Dir, m.Framework)
	}
	for _, group := range []struct {
		what   string
		values []project.Value
	}{
		{"host", f.Hosts}, {"origin", f.Origins}, {"trusted forwarder", f.Forwarded}, {"root path", f.RootPaths},
	} {
		for _, v := range group.values {
			line(v.Place, "%s %s", group.what, v.Value)
		}
	}
	for _, group := range []struct {
		what   string
		routes []project.Route
	}{
		{"login", f.Logins}, {"upload", f.Uploads}, {"WebSocket", f.WebSockets},
	} {
		for _, r := range group.routes {
			whole := ""
			if !r.Whole {
				whole = " (the path's beginning is not known)"
			}
			line(r.Place, "%s %s%s", group.what, r.Path, whole)
		}
	}
	for _, v := range f.Unclear {
		line(v.Place, "not understood: %s", v.Value)
	}
	if len(f.Apps)+len(f.Commands)+len(f.Mains) == 0 {
		t.printf("found no application and no command line of a server\n")
	}
}

// draft writes the policy, with a comment wherever something was found or is
// to be decided.
func draft(f *project.Found) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	w("# yaml-language-server: $schema=%s\n", pavise.SchemaURL)
	w("# The security policy of this API. What is not here has the strict default;\n# pavise policy show prints it, pavise explain RULE says what a rule is for.\nversion: 1\n\n")
	w("# observe logs and counts what would be refused, and lets it pass. Read\n# pavise report, then: pavise enforce RULE, or pavise enforce all.\nmode: observe\n\n")

	names := usable(f.Hosts, func(v string) error {
		_, err := hosts.New(hosts.Policy{Allow: []string{v}})
		return err
	})
	w("# The names that this API answers to. With none, only loopback names.\n")
	if len(names) > 0 {
		w("hosts:\n  allow:\n")
		for _, v := range names {
			w("    - %s # %s:%d\n", scalar(v.Value), v.File, v.Line)
		}
	} else {
		w("# hosts:\n#   allow: [api.example.com]\n")
	}

	w("\n# The proxies in front of us whose word about the client is believed: the load\n# balancer's network, and nothing wider.\n")
	for _, v := range f.Forwarded {
		if v.Value == "*" {
			w("# %s:%d trusts everyone (*): then anybody chooses the address that limits and\n# logs hold him to.\n", v.File, v.Line)
		} else {
			w("# %s:%d trusts %s.\n", v.File, v.Line, oneLine(v.Value))
		}
	}
	w("# clientip:\n#   trust: [10.0.0.0/8]\n")

	allowed := usable(f.Origins, func(v string) error {
		_, err := origins.New(origins.Policy{Allow: []string{v}})
		return err
	})
	w("\n# Pages of other origins that may read responses.\n")
	for _, v := range f.Origins {
		if v.Value == "*" {
			w("# %s:%d lets every origin in (*).\n", v.File, v.Line)
		}
	}
	switch {
	case len(allowed) > 0:
		w("origins:\n  allow:\n")
		for _, v := range allowed {
			w("    - %s # %s:%d\n", scalar(v.Value), v.File, v.Line)
		}
	default:
		w("# origins:\n#   allow: [https://app.example.com]\n")
	}

	section := func(found []project.Route, why, name, then string) {
		whole, ends := routes(found)
		if len(whole)+len(ends) == 0 {
			return
		}
		w("\n# %s\n", why)
		// A path whose beginning is computed is only suggested.
		mark := ""
		if len(whole) == 0 {
			mark = "# "
		}
		w("%s%s:\n%s  routes:\n", mark, name, mark)
		for _, r := range whole {
			w("    - path: %s # %s:%d\n%s", scalar(r.Path), r.File, r.Line, then)
		}
		for _, r := range ends {
			w("#     - path: %s # %s:%d, if that is the whole path\n# %s", scalar(r.Path), r.File, r.Line, strings.ReplaceAll(strings.TrimSuffix(then, "\n"), "\n", "\n# ")+"\n")
		}
	}
	section(f.Logins, "Where credentials are tried out, few tries are enough.", "rate", "      limit: 10/m\n")
	section(f.Uploads, "Where files are uploaded. Elsewhere a file may have 1 MiB, which a server holds\n# in memory.", "contenttype", "      multipart:\n        max_file_bytes: 10485760\n")

	w("\ngateway:\n")
	start := startCommand(f)
	listen := pavise.DefaultListen
	if start.Port != "" {
		host := start.Host
		if host == "" {
			host = "127.0.0.1"
		}
		if _, err := strconv.ParseUint(start.Port, 10, 16); err == nil {
			listen = net.JoinHostPort(host, start.Port)
		}
	}
	w("  listen: %s\n", scalar(listen))
	switch {
	case start.Argv != nil:
		w("  # from %s:%d; pavise up gives it a private socket instead of its own address\n  command: [%s]\n", start.File, start.Line, words(start.Argv))
	case len(f.Mains) > 0:
		w("  # A Go service can hold the policy itself: pavise.New(policy).Wrap(handler).\n  # upstream: http://127.0.0.1:9000\n")
	default:
		w("  # upstream: http://127.0.0.1:9000\n")
	}
	return b.String()
}

// startCommand finds the command that starts the application: one that the
// project uses, or else uvicorn with the application that was found.
func startCommand(f *project.Found) project.Command {
	for _, c := range f.Commands {
		if c.Server != "" && len(c.Argv) > 0 && !slices.ContainsFunc(c.Argv, func(s string) bool { return strings.ContainsAny(s, "$`\n") }) {
			return c
		}
	}
	for _, a := range f.Apps {
		if a.Mounted {
			continue
		}
		argv := []string{"uvicorn", a.Target}
		if a.Factory {
			argv = append(argv, "--factory")
		}
		if a.Dir != "" && a.Dir != "." {
			argv = append(argv, "--app-dir", a.Dir)
		}
		return project.Command{Place: a.Place, Argv: argv}
	}
	return project.Command{}
}

// usable are the values that the policy takes, each once. A wildcard for
// everything is none of them: that is to be decided, not taken over.
func usable(values []project.Value, check func(string) error) []project.Value {
	var out []project.Value
	for _, v := range values {
		if v.Value == "*" || slices.ContainsFunc(out, func(o project.Value) bool { return o.Value == v.Value }) {
			continue
		}
		if check(v.Value) == nil {
			out = append(out, v)
		}
	}
	return out
}

// routes returns the paths in a form that policies take, each once: those
// that are known whole, and those of which only the end is.
func routes(rs []project.Route) (whole, ends []project.Route) {
	var seen []string
	for _, r := range rs {
		if slices.Contains(seen, r.Path) || strings.ContainsAny(r.Path, "*?#%;:\\") || !strings.HasPrefix(r.Path, "/") {
			continue
		}
		seen = append(seen, r.Path)
		if r.Whole {
			whole = append(whole, r)
		} else {
			ends = append(ends, r)
		}
	}
	return whole, ends
}

// scalar writes a value so that YAML reads it back as it is.
func scalar(s string) string {
	text, err := yaml.Marshal(s)
	if err != nil {
		return fmt.Sprintf("%q", s)
	}
	return strings.TrimSpace(string(text))
}

func words(argv []string) string {
	quoted := make([]string, len(argv))
	for i, a := range argv {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	return strings.Join(quoted, ", ")
}

// oneLine keeps what a source file says inside its comment.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
