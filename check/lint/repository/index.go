package repository

import (
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// A use is what an address of packages is used for.
type use uint8

const (
	only  use = iota // the one that packages come from
	added            // one more, where the highest version wins
	trust            // a host whose certificate is not looked at
	links            // pages of files
	first            // one more, which is asked first
)

// flags give addresses, by their names.
var flags = map[string]use{
	"-i": only, "--index-url": only, "--default-index": only, "--extra-index-url": added, "--trusted-host": trust, "--allow-insecure-host": trust,
	"-f": links, "--find-links": links, "--index": first, "--pypi-url": only,
}

// variables do so too.
var variables = map[string]use{
	"PIP_INDEX_URL": only, "PIP_EXTRA_INDEX_URL": added, "PIP_TRUSTED_HOST": trust, "PIP_FIND_LINKS": links,
	"UV_INDEX_URL": only, "UV_DEFAULT_INDEX": only, "UV_EXTRA_INDEX_URL": first, "UV_INDEX": first, "UV_INSECURE_HOST": trust, "UV_FIND_LINKS": links,
	"GOPROXY": only, "GOINSECURE": trust, "PDM_PYPI_URL": only, "PIPENV_PYPI_MIRROR": only,
}

// indexes finds addresses that packages are fetched from unseen.
func (r *repo) indexes() {
	for _, f := range r.files {
		hashed := slices.ContainsFunc(f.list, func(q requirement) bool { return q.hashed })
		for _, o := range f.options {
			if u, ok := flags[o.name]; ok {
				r.address(deploy.Place{File: f.File, Line: o.line, Column: 1}, u, o.value, hashed)
			}
		}
		for _, q := range f.list {
			if strings.HasPrefix(q.url, "http://") && !q.hashed && !strings.Contains(q.url, "#sha") {
				r.address(deploy.Place{File: f.File, Line: q.line, Column: 1}, links, q.url, false)
			}
		}
	}
	for _, l := range r.Deploy.Pip {
		key := ""
		for i, line := range l.Lines {
			line = uncomment(line)
			k, v, ok := strings.Cut(line, "=")
			if ok && !strings.Contains(k, "://") {
				key, line = strings.ReplaceAll(strings.TrimSpace(k), "_", "-"), v
			} else if strings.HasPrefix(line, "[") {
				key = ""
			}
			if u, known := flags["--"+key]; known {
				for _, word := range strings.Fields(line) {
					r.address(deploy.Place{File: l.File, Line: i + 1, Column: 1}, u, word, false)
				}
			}
		}
	}
	for _, e := range r.Deploy.Env {
		r.variable(e.Place, e.Name, e.Value)
	}
	for _, docs := range [][]*deploy.Document{r.Deploy.Workflows, r.Deploy.Actions, r.Deploy.GitLab} {
		for _, d := range docs {
			d.Root.Walk(func(n *deploy.Node) {
				for _, key := range []string{"env", "variables"} {
					n.Get(key).Pairs(func(k, v *deploy.Node) { r.variable(d.Place(v), k.Value, v.Value) })
				}
			})
		}
	}
	r.commands(r.command)
	for _, t := range r.Deploy.TOML {
		r.toml(t)
	}
}

// variable looks at one of the environment.
func (r *repo) variable(at deploy.Place, name, value string) {
	name = strings.ToUpper(name)
	if u, ok := variables[name]; ok {
		for word := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ' ' || r == ',' || r == '|' || r == '\n' }) {
			r.address(at, u, word, false)
		}
	}
	switch {
	case name == "GOFLAGS" && strings.Contains(value, "-insecure"):
		r.say(indexes, indexes.Severity, at, "-insecure fetches modules without TLS, and without a check of what they are")
	case name == "GOSUMDB" && value == "off", name == "GONOSUMDB" && value == "*", name == "GONOSUMCHECK" && value == "1":
		r.say(indexes, finding.Medium, at, "%s=%s: nothing checks that a module is the one that others get", name, value)
	}
}

// command looks at what a command is told.
func (r *repo) command(at deploy.Place, c *deploy.ShellCommand) {
	for _, e := range c.Env {
		r.variable(at, e[0], e[1])
	}
	words := deploy.Behind(c.Words)
	if len(words) == 0 {
		return
	}
	if !installer(words) {
		return
	}
	uv := path.Base(words[0]) == "uv" || path.Base(words[0]) == "uvx"
	unsafe := strings.Contains(strings.Join(words, " "), "unsafe-best-match")
	for i, w := range words {
		name, value, eq := strings.Cut(w, "=")
		if !eq && i+1 < len(words) {
			value = words[i+1]
		}
		u, ok := flags[name]
		if ok && len(name) == 2 && !slices.Contains(words[:i], "install") && !slices.Contains(words[:i], "download") && !slices.Contains(words[:i], "wheel") {
			continue
		}
		if !ok && slices.Contains(words[:i], "config") { // pip config set global.index-url
			_, key, _ := strings.Cut(w, ".")
			u, ok = flags["--"+key]
		}
		if !ok {
			continue
		}
		if u == added && uv && !unsafe {
			u = first
		}
		for _, word := range strings.Fields(value) {
			r.address(at, u, word, false)
		}
	}
}

// toml looks at the sources of uv, poetry and PDM.
func (r *repo) toml(t *deploy.TOML) {
	look := func(v any, u use) {
		if url, ok := v.(string); ok {
			r.address(deploy.Place{File: t.File, Line: t.Line(url), Column: 1}, u, url, false)
		}
	}
	for _, tool := range []string{"uv", "poetry", "pdm", "hatch"} {
		for _, key := range []string{"index", "source"} {
			list, _ := t.Get("tool", tool, key).([]any)
			for _, x := range list {
				source, _ := x.(map[string]any)
				look(source["url"], first)
				if verify, ok := source["verify_ssl"].(bool); ok && !verify {
					look(source["url"], trust)
				}
			}
		}
	}
	look(t.Get("tool", "uv", "index-url"), only)
	for key, u := range map[string]use{"extra-index-url": first, "allow-insecure-host": trust, "find-links": links} {
		for _, url := range t.Texts("tool", "uv", key) {
			look(url, u)
		}
	}
}

// public are indexes that anybody may ask, of packages that PyPI has not.
var public = []string{"pypi.org", "files.pythonhosted.org", "download.pytorch.org", "download-r2.pytorch.org", "pypi.nvidia.com", "pypi.ngc.nvidia.com", "www.piwheels.org", "data.pyg.org", "flashinfer.ai", "wheels.vllm.ai"}

// address says what is wrong with one, for its use.
func (r *repo) address(at deploy.Place, u use, text string, hashed bool) {
	text = strings.Trim(text, `"',`)
	if i := strings.Index(text, "=http"); i >= 0 { // uv's name=url
		text = text[i+1:]
	}
	if text == "" || strings.ContainsAny(text, "$%{}<>") {
		return
	}
	host := hostOf(text)
	if local(host) {
		return
	}
	severity := indexes.Severity
	if inner(host) {
		severity = finding.Medium
	}
	switch {
	case u == trust:
		r.say(indexes, severity, at, "the certificate of %s is not looked at: whoever is on the way decides what is installed", host)
	case strings.HasPrefix(text, "http://"):
		r.say(indexes, severity, at, "packages are fetched from %s without TLS: whoever is on the way decides what is installed", host)
	case u == added && strings.HasPrefix(text, "https://") && !hashed && !slices.Contains(public, host):
		r.say(extra, extra.Severity, at, "%s and PyPI are asked for every package, and the highest version wins", host)
	}
}

// hostOf is the host of an address, or what stands there by itself.
func hostOf(text string) string {
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	text, _, _ = strings.Cut(text, "/")
	text = text[strings.LastIndexByte(text, '@')+1:]
	if strings.HasPrefix(text, "[") {
		text, _, _ = strings.Cut(text[1:], "]")
		return text
	}
	text, _, _ = strings.Cut(text, ":")
	return strings.ToLower(text)
}

// shownURL is an address without a name and a password.
func shownURL(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	host, behind, _ := strings.Cut(rest, "/")
	return scheme + "://" + host[strings.LastIndexByte(host, '@')+1:] + "/" + behind
}

// local tells whether a host is the machine itself.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || host == "host.docker.internal" || strings.HasSuffix(host, ".localhost") || err == nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// inner tells whether a host is one that only its own network knows.
func inner(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsPrivate()
	}
	return !strings.Contains(host, ".") || slices.ContainsFunc([]string{".local", ".internal", ".lan", ".corp", ".intranet", ".home", ".svc", ".test", ".cluster.local"}, func(end string) bool { return strings.HasSuffix(host, end) })
}

// commands calls f for what images, scripts, workflows and pipelines run.
func (r *repo) commands(f func(at deploy.Place, c *deploy.ShellCommand)) {
	for _, d := range r.Deploy.Dockerfiles {
		for _, s := range d.Stages {
			for i := range s.Instructions {
				in := &s.Instructions[i]
				if in.Cmd != "RUN" {
					continue
				}
				for _, c := range in.Commands() {
					f(in.Place, c)
				}
			}
		}
	}
	for _, l := range r.Deploy.Scripts {
		for _, c := range deploy.Shell(string(l.Data)) {
			f(deploy.Place{File: l.File, Line: c.Line, Column: 1}, c)
		}
	}
	run := func(d *deploy.Document, n *deploy.Node) {
		text := n.Text()
		for strings.Contains(text, "${{") { // a shell's parser cannot read it
			before, rest, _ := strings.Cut(text, "${{")
			_, behind, ok := strings.Cut(rest, "}}")
			if !ok {
				return
			}
			text = before + "${EXPRESSION}" + behind
		}
		for _, c := range deploy.Shell(text) {
			f(d.Line(n, c.Line), c)
		}
	}
	for _, docs := range [][]*deploy.Document{r.Deploy.Workflows, r.Deploy.Actions} {
		for _, d := range docs {
			d.Root.Walk(func(n *deploy.Node) {
				if code := n.Get("run"); code.Text() != "" {
					run(d, code)
				}
			})
		}
	}
	for _, d := range r.Deploy.GitLab {
		d.Root.Walk(func(n *deploy.Node) {
			for _, key := range []string{"before_script", "script", "after_script"} {
				for _, line := range append(n.Get(key).Items(), n.Get(key)) {
					if line.Text() != "" {
						run(d, line)
					}
				}
			}
		})
	}
}
