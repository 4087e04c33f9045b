package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/check/lint"
	"github.com/pavise-dev/pavise/finding"
)

// lintRun is one call of the command.
type lintRun struct {
	t              *terminal
	policy         string
	o              lint.Options
	baseline       string
	update         bool
	fix, dryRun    bool
	format, output string
	failOn         string
	strict, quiet  bool
	threshold      finding.Severity
}

func lintCommand(t *terminal) *cobra.Command {
	r := &lintRun{t: t}
	c := &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Find what is wrong in Python, Go and deployment files",
		Long: `Find what is wrong in the source of an API before it runs: in Python (FastAPI,
Starlette) and Go (net/http and the usual routers), and in Dockerfiles, Compose,
Kubernetes, nginx, Traefik, Caddy, workflows and project files. In a repository, what git
ignores is passed over.

A folder is read as one project: what a name means is followed through its modules. What
the policy enforces in front of the application is not asked of the application.

A line is let be by a comment on it, or on the line above, that names the rule and gives
a reason:

  requests.get(url, verify=False)  # pavise:allow lint/tls-verify-off the appliance has no name

Exit codes: 0 nothing found, 1 findings, 2 wrong usage, 3 could not tell.`,
		Example: `  pavise lint
  pavise lint backend --fail-on high
  pavise lint --fix --dry-run
  pavise lint --baseline lint.json --update-baseline`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return r.run(c, args) },
	}
	policyFlag(c, &r.policy)
	f := c.Flags()
	f.StringSliceVar(&r.o.Exclude, "exclude", nil, "names and paths to pass over, with * and ?")
	f.StringSliceVar(&r.o.Only, "only", nil, "the rules to ask, such as jwt-*; all by default")
	f.StringSliceVar(&r.o.Skip, "skip", nil, "rules not to ask")
	f.BoolVar(&r.fix, "fix", false, "make the changes that are mechanical, and show them as a diff")
	f.BoolVar(&r.dryRun, "dry-run", false, "with --fix, show the diff and write nothing")
	f.StringVar(&r.baseline, "baseline", "", "a file of findings that are known, which do not count")
	f.BoolVar(&r.update, "update-baseline", false, "write what is found into --baseline")
	f.StringVar(&r.format, "format", "text", strings.Join(runFormats(), ", "))
	f.StringVarP(&r.output, "output", "o", "", "write to a file")
	f.StringVar(&r.failOn, "fail-on", "low", "any, low, medium, high or critical: what fails the run")
	f.BoolVar(&r.strict, "strict", false, "a file that cannot be read or parsed fails the run with 3")
	f.BoolVarP(&r.quiet, "quiet", "q", false, "text only if something was found")
	completeWords(c, "format", runFormats()...)
	completeWords(c, "fail-on", "any", "low", "medium", "high", "critical")
	return c
}

func (r *lintRun) run(c *cobra.Command, args []string) error {
	// A project has its policy with it.
	if _, err := os.Stat(defaultPolicy); r.policy == "" && len(args) == 1 && errors.Is(err, fs.ErrNotExist) {
		if name := filepath.Join(args[0], defaultPolicy); isFile(name) {
			r.policy = name
		}
	}
	loaded, err := loadPolicy(r.policy)
	if err != nil {
		return err
	}
	r.byPolicy(c, loaded)
	if err := r.settle(args); err != nil {
		return err
	}
	report, err := r.look(c.Context())
	switch {
	case err != nil:
		return err
	case r.update:
		return r.writeBaseline(report)
	case r.fix:
		return r.repair(c.Context(), report)
	}
	return r.answer(report)
}

func (r *lintRun) look(ctx context.Context) (*lint.Report, error) {
	collectLate()
	report, err := lint.Run(ctx, r.o)
	switch {
	case errors.Is(err, context.Canceled):
		return nil, &exitError{code: exitUnknown, err: err}
	case err != nil:
		return nil, &exitError{code: exitUsage, err: err, hint: "see pavise lint --help"}
	}
	return report, nil
}

func (r *lintRun) answer(report *lint.Report) error {
	out := finding.Run{Tool: "pavise lint", Version: version(), Findings: report.Findings(), Unknowns: report.Unknowns, Rules: lint.Descriptions()}
	out.Notes = append(out.Notes, fmt.Sprintf("looked at %d files, %d KB", report.Files, report.Bytes>>10))
	if report.Allowed > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d findings are let be by comments or the policy", report.Allowed))
	}
	if report.Known > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d known findings of %s do not count", report.Known, r.baseline))
	}
	if n := len(report.Fixes()); n > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("pavise lint --fix changes %d files", n))
	}
	if err := r.t.write(out, r.format, r.output, r.quiet); err != nil {
		return err
	}
	return r.verdict(report)
}

func (r *lintRun) verdict(report *lint.Report) error {
	switch {
	case slices.ContainsFunc(report.Found, func(f lint.Finding) bool { return f.Severity >= r.threshold }):
		return &exitError{code: exitFindings}
	case r.strict && len(report.Unknowns) > 0:
		return &exitError{code: exitUnknown}
	}
	return nil
}

// byPolicy takes from the policy file what no flag says. Where there is no
// file, nothing is known to stand in front of the application.
func (r *lintRun) byPolicy(c *cobra.Command, l *loaded) {
	p := l.policy.Lint
	given := c.Flags().Changed
	if l.file != "" {
		r.o.Guards = l.policy.InFront()
	}
	r.o.Exclude = append(r.o.Exclude, p.Exclude...)
	r.o.Skip = append(r.o.Skip, p.Skip...)
	for _, a := range p.Allow {
		r.o.Allow = append(r.o.Allow, lint.Allow{Rule: a.Rule, Path: a.Path, Reason: a.Reason})
	}
	if !given("baseline") && p.Baseline != "" {
		r.baseline = beside(filepath.Dir(l.file), p.Baseline)
	}
	if !given("fail-on") && p.FailOn != "" {
		r.failOn = p.FailOn
	}
	r.strict = r.strict || p.Strict
}

func (r *lintRun) settle(args []string) error {
	usage := func(format string, a ...any) error {
		return &exitError{code: exitUsage, err: fmt.Errorf(format, a...), hint: "see pavise lint --help"}
	}
	r.o.Paths = args
	if !slices.Contains(runFormats(), r.format) {
		return usage("--format %q is not one of %s", r.format, strings.Join(runFormats(), ", "))
	}
	var err error
	if r.threshold, err = thresholdOf(r.failOn); err != nil {
		return usage("%w", err)
	}
	switch {
	case r.update && r.baseline == "":
		return usage("--update-baseline needs --baseline FILE")
	case r.update && r.fix:
		return usage("--update-baseline and --fix exclude each other")
	case r.dryRun && !r.fix:
		return usage("--dry-run needs --fix")
	case r.fix && (r.format != "text" || r.output != ""):
		return usage("--fix shows a diff, and takes no --format or --output")
	case r.baseline == "" || r.update:
		return nil
	}
	data, err := os.ReadFile(r.baseline)
	if err != nil {
		return usage("--baseline: %w", err)
	}
	if r.o.Baseline, err = lint.ParseBaseline(data); err != nil {
		return usage("%s %w", r.baseline, err)
	}
	return nil
}

// repair shows what changes, and makes it so.
func (r *lintRun) repair(ctx context.Context, report *lint.Report) error {
	fixes := report.Fixes()
	for _, f := range fixes {
		r.t.change(f.Diff())
		if f.Left > 0 {
			r.t.notef("%s: %d changes touch others: run it again", printable(f.File), f.Left)
		}
		if r.dryRun {
			continue
		}
		if err := rewrite(f.File, f.Before, f.After); err != nil {
			return &exitError{code: exitUnknown, err: err, hint: "run pavise lint --fix again"}
		}
	}
	switch {
	case len(fixes) == 0:
		r.t.notef("nothing that was found has a mechanical fix")
	case r.dryRun:
		r.t.notef("nothing was written: leave out --dry-run to write it")
	default:
		after, err := r.look(ctx)
		if err != nil {
			return err
		}
		report = after
	}
	r.t.notef("%d findings remain", len(report.Found))
	return r.verdict(report)
}

// writeBaseline adds what is found to the baseline, whose key stays.
func (r *lintRun) writeBaseline(report *lint.Report) error {
	b := lint.NewBaseline()
	err := addKnown(r.baseline, func(data []byte) (err error) {
		b, err = lint.ParseBaseline(data)
		return err
	}, func() []byte {
		report.Add(b)
		return b.Encode()
	})
	if err != nil {
		return err
	}
	r.t.printf("%d findings are known in %s\n", len(report.Found), printable(r.baseline))
	return nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
