package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/check/audit"
	"github.com/pavise-dev/pavise/check/leaks"
	"github.com/pavise-dev/pavise/check/lint"
	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/cmd/pavise/internal/summary"
	"github.com/pavise-dev/pavise/finding"
)

// checkRun is one call of the command.
type checkRun struct {
	t                         *terminal
	dir, policy, url          string
	database                  string
	probe                     probeRun
	skip                      []string
	baseline, since, previous string
	writeBaseline             bool
	failOn, format            string
	outputs                   []string
	strict, quiet             bool
	command                   []string
	loaded                    *loaded
	threshold                 finding.Severity
	known, changed            map[string]bool
	before                    *summary.Grade
	ignores                   []summary.Ignore
}

func checkCommand(t *terminal) *cobra.Command {
	r := &checkRun{t: t}
	c := &cobra.Command{
		Use:   "check [DIR] [flags] [-- COMMAND...]",
		Short: "Audit, leaks, lint and probe in one run, with a grade",
		Long: `Look at everything in one run: the dependencies, secrets in the source, what is wrong
in the source, the policy's promises, and a security checklist put to the API. The API
either runs already (--url), or is started here behind the policy: the words after -- are
its command. With neither, promises and checklist are left out, and the grade says so.

The grade begins with 100 points, and its arithmetic is shown. What could not be told is
never counted as fine; where nothing at all could be looked at there is no grade, and the
run ends with 3.

Exit codes: 0 nothing from --fail-on on, 1 findings, 2 wrong usage or policy, 3 could not
tell.`,
		Example: `  pavise check
  pavise check -- uvicorn app.main:app
  pavise check backend --url http://127.0.0.1:8000 --since origin/main
  pavise check --format markdown --output html=pavise.html --output sarif=pavise.sarif
  pavise check --baseline check.json --write-baseline`,
		RunE: func(c *cobra.Command, args []string) error {
			dash := c.ArgsLenAtDash()
			if dash >= 0 {
				args, r.command = args[:dash], args[dash:]
			}
			if len(args) > 1 {
				return &exitError{code: exitUsage, err: fmt.Errorf("%q is one folder too many", args[1]), hint: "pavise check [DIR] -- COMMAND"}
			}
			r.dir = "."
			if len(args) == 1 {
				r.dir = args[0]
			}
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return r.run(ctx, c)
		},
	}
	policyFlag(c, &r.policy)
	dbFlag(c, &r.database)
	f := c.Flags()
	f.StringVar(&r.url, "url", "", "the root of the API, which runs already")
	f.StringSliceVar(&r.skip, "skip", nil, "areas to leave out: "+strings.Join(areaNames(), ", "))
	f.StringVar(&r.probe.api.Document, "openapi", "", "the OpenAPI document: a file, or a path of the API")
	f.StringVar(&r.probe.auth, "auth", "", "who calls: a file in the format of Web Fuzzing Commons' auth.yaml")
	f.StringVar(&r.probe.o.Host, "host", "", "the Host to ask for, where it is not the URL's")
	f.StringSliceVar(&r.probe.api.Authorize, "authorize", nil, "a host besides loopback ones that may be attacked; may be repeated")
	f.Uint64Var(&r.probe.api.Seed, "seed", 0, "the same seed sends the same requests")
	f.BoolVar(&r.probe.o.Intrusive, "intrusive", false, "also test what loads the service or trips its limits")
	f.StringVar(&r.baseline, "baseline", "", "a file of findings that are known, which do not count")
	f.BoolVar(&r.writeBaseline, "write-baseline", false, "write what is found into --baseline")
	f.StringVar(&r.since, "since", "", "count findings in files alone that changed since a revision of git")
	f.StringVar(&r.previous, "previous", "", "an earlier report, in JSON, to compare the grade with")
	f.StringVar(&r.failOn, "fail-on", "high", "any, low, medium, high or critical: what fails the run")
	f.BoolVar(&r.strict, "strict", false, "also fail, with 3, for what could not be told")
	f.StringVar(&r.format, "format", "text", strings.Join(summary.Formats(), ", "))
	f.StringArrayVarP(&r.outputs, "output", "o", nil, "write to a file: NAME, in the format of --format, or FORMAT=NAME; may be repeated")
	f.BoolVarP(&r.quiet, "quiet", "q", false, "no progress")
	completeWords(c, "format", summary.Formats()...)
	completeWords(c, "fail-on", "any", "low", "medium", "high", "critical")
	completeWords(c, "skip", areaNames()...)
	return c
}

func areaNames() []string { return []string{"audit", "leaks", "lint", "promises", "probe"} }

func (r *checkRun) run(ctx context.Context, c *cobra.Command) error {
	if err := r.settle(c); err != nil {
		return err
	}
	outputs, err := r.files()
	if err != nil {
		return err
	}
	areas, err := r.areas(ctx)
	if err != nil {
		return err
	}
	rules := audit.Rules()
	for _, more := range []map[string]finding.Rule{leaks.Descriptions(), lint.Descriptions(), probe.Descriptions()} {
		maps.Copy(rules, more)
	}
	report := summary.New(summary.Options{
		Project: titleOf(r.dir), Version: version(), Areas: areas, Policy: filepath.ToSlash(r.loaded.file), Ignores: r.ignores, Known: r.known, Changed: r.changed, Since: r.since,
		Now: time.Now(), Rules: rules, Before: r.before,
	})
	if r.writeBaseline {
		if err := replaceFile(r.baseline, summary.EncodeBaseline(report)); err != nil {
			return &exitError{code: exitUnknown, err: err, hint: "is the folder there, and writable?"}
		}
		r.t.printf("%d findings are known in %s\n", len(report.All()), printable(r.baseline))
		return nil
	}
	for _, o := range outputs {
		var b bytes.Buffer
		if err := summary.Write(&b, o.format, report); err != nil {
			return &exitError{code: exitUnknown, err: err}
		}
		if o.file == "" {
			_, _ = r.t.out.Write(b.Bytes())
			continue
		}
		if err := writeReport(o.file, b.Bytes()); err != nil {
			return err
		}
	}
	switch {
	case slices.ContainsFunc(report.All(), func(f finding.Finding) bool { return f.Severity == finding.Unknown || f.Severity >= r.threshold }):
		return &exitError{code: exitFindings}
	case r.unknown(report), report.Grade.None != "":
		return &exitError{code: exitUnknown}
	}
	return nil
}

// titleOf is what a folder is called.
func titleOf(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return filepath.Base(abs)
	}
	return filepath.ToSlash(dir)
}

// beside is a file that the policy file names: seen from its own folder.
func beside(base, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(base, name)
}

// unknown tells whether what could not be told fails the run: an area that was
// asked for and could not be looked at always does.
func (r *checkRun) unknown(report *summary.Report) bool {
	return slices.ContainsFunc(report.Areas, func(a summary.Area) bool {
		live := a.Name == "promises" || a.Name == "probe"
		asked := !slices.Contains(r.skip, a.Name) && (r.strict || !live || r.url != "" || len(r.command) > 0)
		return asked && a.Skipped != "" || r.strict && len(a.Unknowns) > 0
	})
}

// settle brings flags and policy together.
func (r *checkRun) settle(c *cobra.Command) error {
	usage := func(format string, a ...any) error {
		return &exitError{code: exitUsage, err: fmt.Errorf(format, a...), hint: "see pavise check --help"}
	}
	if name := filepath.Join(r.dir, defaultPolicy); r.policy == "" && isFile(name) {
		r.policy = name
	}
	var err error
	if r.loaded, err = loadPolicy(r.policy); err != nil {
		return err
	}
	base := filepath.Dir(r.loaded.file)
	p := r.loaded.policy.Check
	given := c.Flags().Changed
	from := func(flag string, to *string, value string) {
		if !given(flag) && value != "" {
			*to = beside(base, value)
		}
	}
	from("baseline", &r.baseline, p.Baseline)
	from("openapi", &r.probe.api.Document, p.OpenAPI)
	from("auth", &r.probe.auth, p.Auth)
	if !given("fail-on") && p.FailOn != "" {
		r.failOn = p.FailOn
	}
	r.strict = r.strict || p.Strict
	r.skip = append(r.skip, p.Skip...)
	for _, s := range r.skip {
		if !slices.Contains(areaNames(), s) {
			return usage("%q is no area: want %s", s, strings.Join(areaNames(), ", "))
		}
	}
	if info, err := os.Stat(r.dir); err != nil {
		return usage("%w", err)
	} else if !info.IsDir() {
		return usage("%s is no folder", r.dir)
	}
	switch {
	case r.url != "" && len(r.command) > 0:
		return usage("--url and a command exclude each other")
	case r.writeBaseline && r.baseline == "":
		return usage("--write-baseline needs --baseline FILE")
	}
	if r.threshold, err = thresholdOf(r.failOn); err != nil {
		return usage("%w", err)
	}
	if err := r.settleIgnores(p.Ignore); err != nil {
		return err
	}
	if r.baseline != "" && !r.writeBaseline {
		data, err := os.ReadFile(r.baseline)
		if err != nil {
			return usage("--baseline: %w", err)
		}
		if r.known, err = summary.ParseBaseline(data); err != nil {
			return usage("%s %w", r.baseline, err)
		}
	}
	if r.previous != "" {
		data, err := os.ReadFile(r.previous)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // the first run has none
			return usage("--previous: %w", err)
		}
		if err == nil {
			if r.before, err = summary.ParseBefore(data); err != nil {
				return usage("%s %w", r.previous, err)
			}
		}
	}
	if r.since != "" {
		if r.changed, err = changedSince(r.dir, r.since); err != nil {
			return usage("--since %s: %w", r.since, err)
		}
	}
	r.probe.t, r.probe.format, r.probe.failOn, r.probe.o.Timeout, r.probe.crawl = r.t, "text", "low", 30*time.Second, true
	return r.probe.settle()
}

func (r *checkRun) settleIgnores(list []pavise.CheckIgnore) error {
	var mistakes []error
	for i, ig := range list {
		s := summary.Ignore{Rule: ig.Rule, Where: ig.Where, Reason: ig.Reason}
		if strings.TrimSpace(ig.Reason) == "" {
			mistakes = append(mistakes, fmt.Errorf("check.ignore[%d].reason: say why %s is let be", i, ig.Rule))
		}
		if ig.Until != "" {
			day, err := time.Parse(time.DateOnly, ig.Until)
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("check.ignore[%d].until: %q is no date such as 2027-01-31", i, ig.Until))
			}
			s.Until = day
		}
		r.ignores = append(r.ignores, s)
	}
	if len(mistakes) > 0 {
		return r.loaded.mistakes(errors.Join(mistakes...))
	}
	return nil
}

// files are where the report goes, in which formats.
func (r *checkRun) files() ([]output, error) {
	var out []output
	elsewhere := false
	for _, o := range r.outputs {
		format, file, named := strings.Cut(o, "=")
		if !named {
			format, file, elsewhere = r.format, o, true
		}
		out = append(out, output{format, file})
	}
	if !elsewhere {
		out = append(out, output{r.format, ""})
	}
	for _, o := range out {
		if !slices.Contains(summary.Formats(), o.format) {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("format %q is not one of %s", o.format, strings.Join(summary.Formats(), ", ")), hint: "pavise check --output html=report.html"}
		}
	}
	return out, nil
}

// changedSince are the files that differ from a revision, as the checks name
// them, and those that git does not know yet.
func changedSince(dir, revision string) (map[string]bool, error) {
	if strings.HasPrefix(revision, "-") {
		return nil, errors.New("it is no revision")
	}
	out := map[string]bool{}
	for _, args := range [][]string{{"diff", "--name-only", "-z", "--relative", revision, "--"}, {"ls-files", "-z", "--others", "--exclude-standard"}} {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...) //nolint:gosec // git is asked about the user's own repository
		listed, err := cmd.Output()
		if err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				first, _, _ := strings.Cut(strings.TrimSpace(string(exit.Stderr)), "\n")
				err = errors.New(first)
			}
			return nil, err
		}
		for name := range strings.SplitSeq(strings.TrimRight(string(listed), "\x00"), "\x00") {
			out[filepath.ToSlash(filepath.Join(dir, filepath.FromSlash(name)))] = true
		}
	}
	return out, nil
}
