package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/check/leaks"
	"github.com/pavise-dev/pavise/finding"
)

// leaksRun is one call of the command.
type leaksRun struct {
	t              *terminal
	policy         string
	o              leaks.Options
	stdin          bool
	baseline       string
	update         bool
	format, output string
	failOn         string
	strict, quiet  bool
	verifyAt       []string
	threshold      finding.Severity
}

func leaksCommand(t *terminal) *cobra.Command {
	r := &leaksRun{t: t}
	c := &cobra.Command{
		Use:   "leaks [PATH...]",
		Short: "Find secrets in files, in what is staged, and in git's history",
		Long: `Find secrets in files, in what is staged, and in git's history. In a repository, what
git ignores is passed over. No secret is ever printed: a finding says what kind of
secret stands where.

A line is let be by a comment on it, or on the line above, that names the rule and gives
a reason:

  token = "…"  # pavise:allow leaks/jwt it expired in 2019

--verify asks the providers that can be asked (` + leaksVerifiers() + `)
whether a secret is live. This sends the secret to its provider: to nobody else, at most
50 in a run, and never unless asked for on the command line. The verdict is valid,
invalid, unsupported (nobody can be asked) or failed (there was no answer).

Exit codes: 0 nothing found, 1 findings, 2 wrong usage, 3 could not tell.`,
		Example: `  pavise leaks
  pavise leaks --staged
  pavise leaks --history
  pavise leaks --baseline leaks.json --update-baseline`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return r.run(c, args) },
	}
	policyFlag(c, &r.policy)
	f := c.Flags()
	f.BoolVar(&r.o.Staged, "staged", false, "look at what is about to be committed")
	f.BoolVar(&r.o.History, "history", false, "look at all that was ever committed, on every branch")
	f.BoolVar(&r.stdin, "stdin", false, "look at standard input")
	f.StringSliceVar(&r.o.Exclude, "exclude", nil, "names and paths to pass over, with * and ?")
	f.IntVar(&r.o.Depth, "archives", 0, "look into archives (zip, wheel, tar, tar.gz), so many deep")
	f.StringVar(&r.baseline, "baseline", "", "a file of leaks that are known, which do not count")
	f.BoolVar(&r.update, "update-baseline", false, "write the leaks that are found into --baseline")
	f.StringVar(&r.format, "format", "text", strings.Join(runFormats(), ", "))
	f.StringVarP(&r.output, "output", "o", "", "write to a file")
	f.StringVar(&r.failOn, "fail-on", "any", "any, low, medium, high or critical: what fails the run")
	f.BoolVar(&r.strict, "strict", false, "a file that cannot be read fails the run with 3")
	f.BoolVar(&r.o.Verify, "verify", false, "ask providers whether secrets are live, which sends them the secrets")
	f.StringSliceVar(&r.verifyAt, "verify-url", nil, "PROVIDER=URL of this machine, for tests")
	_ = f.MarkHidden("verify-url") // it is there
	f.BoolVarP(&r.quiet, "quiet", "q", false, "text only if something was found")
	completeWords(c, "format", runFormats()...)
	completeWords(c, "fail-on", "any", "low", "medium", "high", "critical")
	return c
}

func leaksVerifiers() string { return strings.Join(leaks.Verifiers(), ", ") }

func (r *leaksRun) run(c *cobra.Command, args []string) error {
	loaded, err := loadPolicy(r.policy)
	if err != nil {
		return err
	}
	r.byPolicy(c, loaded)
	if err := r.settle(args); err != nil {
		return err
	}
	report, err := leaks.Run(c.Context(), r.o)
	switch {
	case errors.Is(err, leaks.ErrGit):
		return &exitError{code: exitUnknown, err: err, hint: "--staged and --history are for a folder of a git repository"}
	case errors.Is(err, context.Canceled):
		return &exitError{code: exitUnknown, err: err}
	case err != nil:
		return &exitError{code: exitUsage, err: err, hint: "see pavise leaks --help"}
	}
	if r.update {
		return r.writeBaseline(report)
	}
	out := finding.Run{Tool: "pavise leaks", Version: version(), Findings: report.Findings(), Unknowns: report.Unknowns, Rules: leaks.Descriptions()}
	out.Notes = append(out.Notes, fmt.Sprintf("looked at %d files, %d KB; passed over %d binary files", report.Files, report.Bytes>>10, report.Binary))
	if report.Known > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d known leaks of %s do not count", report.Known, r.baseline))
	}
	if v := report.Verdicts; v != nil {
		out.Notes = append(out.Notes, fmt.Sprintf("providers were asked: %d valid, %d invalid, %d unsupported, %d failed", v[finding.VerdictValid], v[finding.VerdictInvalid], v[finding.VerdictUnsupported], v[finding.VerdictFailed]))
	}
	if err := r.t.write(out, r.format, r.output, r.quiet); err != nil {
		return err
	}
	switch {
	case slices.ContainsFunc(out.Findings, func(f finding.Finding) bool { return f.Severity == finding.Unknown || f.Severity >= r.threshold }):
		return &exitError{code: exitFindings}
	case r.strict && len(out.Unknowns) > 0:
		return &exitError{code: exitUnknown}
	}
	return nil
}

// byPolicy takes from the policy file what no flag says.
func (r *leaksRun) byPolicy(c *cobra.Command, l *loaded) {
	p := l.policy.Leaks
	given := c.Flags().Changed
	r.o.Exclude = append(r.o.Exclude, p.Exclude...)
	if !given("baseline") && p.Baseline != "" {
		r.baseline = p.Baseline
		if l.file != "" {
			r.baseline = beside(filepath.Dir(l.file), p.Baseline)
		}
	}
	if !given("fail-on") && p.FailOn != "" {
		r.failOn = p.FailOn
	}
	if !given("archives") {
		r.o.Depth = p.Archives
	}
	r.strict = r.strict || p.Strict
}

func (r *leaksRun) settle(args []string) error {
	usage := func(format string, a ...any) error {
		return &exitError{code: exitUsage, err: fmt.Errorf(format, a...), hint: "see pavise leaks --help"}
	}
	r.o.Paths = args
	modes := 0
	for _, m := range []bool{r.o.Staged, r.o.History, r.stdin} {
		if m {
			modes++
		}
	}
	if modes > 1 {
		return usage("--staged, --history and --stdin exclude each other")
	}
	if modes == 1 && (r.stdin && len(args) > 0 || len(args) > 1) {
		return usage("--staged and --history take one folder, and --stdin none")
	}
	if r.o.Depth < 0 || r.o.Depth > 8 {
		return usage("--archives %d is not 0 to 8", r.o.Depth)
	}
	if r.stdin {
		r.o.Stdin = r.t.in
	}
	if !slices.Contains(runFormats(), r.format) {
		return usage("--format %q is not one of %s", r.format, strings.Join(runFormats(), ", "))
	}
	var err error
	if r.threshold, err = thresholdOf(r.failOn); err != nil {
		return usage("%w", err)
	}
	if r.update && r.baseline == "" {
		return usage("--update-baseline needs --baseline FILE")
	}
	if len(r.verifyAt) > 0 && !r.o.Verify {
		return usage("--verify-url is for --verify")
	}
	if r.o.Verify && r.update {
		return usage("--verify and --update-baseline exclude each other: what is known is not asked about")
	}
	r.o.VerifyAt = map[string]string{}
	for _, v := range r.verifyAt {
		id, address, _ := strings.Cut(v, "=")
		r.o.VerifyAt[id] = address
	}
	if r.baseline == "" || r.update {
		return nil
	}
	data, err := os.ReadFile(r.baseline)
	if err != nil {
		return usage("--baseline: %w", err)
	}
	if r.o.Baseline, err = leaks.ParseBaseline(data); err != nil {
		return usage("%s %w", r.baseline, err)
	}
	return nil
}

// writeBaseline adds what is found to the baseline, whose key stays.
func (r *leaksRun) writeBaseline(report *leaks.Report) error {
	b := leaks.NewBaseline()
	err := addKnown(r.baseline, func(data []byte) (err error) {
		b, err = leaks.ParseBaseline(data)
		return err
	}, func() []byte {
		b.Add(report.Leaks)
		return b.Encode()
	})
	if err != nil {
		return err
	}
	r.t.printf("%d leaks are known in %s\n", len(report.Leaks), printable(r.baseline))
	return nil
}
