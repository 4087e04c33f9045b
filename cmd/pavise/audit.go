package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/check/audit"
	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/check/audit/inventory"
	"github.com/pavise-dev/pavise/finding"
)

// auditRun is one call of the command.
type auditRun struct {
	t       *terminal
	policy  string
	format  string
	outputs []string
	failOn  string
	strict  bool
	quiet   bool
	verbose bool
	product string
	fix     bool
	dryRun  bool
	dropped bool
	maxAge  int
	o       audit.Options
}

// auditFormats are what a report can be written as.
func auditFormats() []string {
	return []string{"text", "json", "sarif", "cyclonedx", "markdown", "junit", "html", "openvex"}
}

func auditCommand(t *terminal) *cobra.Command {
	r := &auditRun{t: t}
	c := &cobra.Command{
		Use:   "audit [PATH...]",
		Short: "Compare the dependencies with the known vulnerabilities",
		Long: `Compare what a project depends on with the known vulnerabilities, and account for
every line that says so: requirements files, pyproject.toml, the lock files of uv,
Poetry, PDM, Pipenv and PEP 751, installed environments, Go modules, workspaces and
binaries, CycloneDX and SPDX bills of materials. A folder is searched; none named
means this one.

Nothing is asked of the network: pavise db update brings the advisories. What could
not be compared is listed, and fails the run with --strict. Ignores, with their
reasons, stand in the policy file under audit.ignore.

Exit codes: 0 nothing found, 1 findings, 2 wrong usage or policy, 3 could not tell.`,
		Example: `  pavise audit
  pavise audit requirements.txt --python 3.12 --platform linux
  pavise audit --env .venv --reach --desc
  pavise audit --format sarif --output audit.sarif --output cyclonedx=bom.json
  pavise audit --fix --dry-run`,
		RunE: func(c *cobra.Command, args []string) error { return r.run(c, args) },
	}
	policyFlag(c, &r.policy)
	dbFlag(c, &r.o.Database)
	f := c.Flags()
	in := &r.o.Inventory
	f.StringSliceVar(&in.Environments, "env", nil, "a Python environment: its folder, site-packages or interpreter")
	f.StringSliceVar(&in.Exclude, "exclude", nil, "names and paths not to search, with * and ?")
	f.StringVar(&in.Python, "python", "", "evaluate environment markers for this Python, such as 3.12")
	f.StringVar(&in.Platform, "platform", "", "evaluate environment markers for linux, darwin or windows")
	f.StringVar(&in.GoVersion, "go", "", "the Go that builds the project, such as go1.26.8 (default: what go.mod says)")
	f.StringSliceVar(&in.Extras, "extra", nil, "the project's extras that count (default: all)")
	f.StringVar(&r.failOn, "fail-on", "", "fail from this severity on: any (the default), low, medium, high or critical")
	f.BoolVar(&r.strict, "strict", false, "also fail for what could not be told")
	f.IntVar(&r.maxAge, "max-age", 0, "days after which the database counts as old (default 7)")
	f.StringVar(&r.format, "format", "text", strings.Join(auditFormats(), ", "))
	f.StringArrayVarP(&r.outputs, "output", "o", nil, "write to a file: NAME, in the format of --format, or FORMAT=NAME; may be repeated")
	f.BoolVar(&r.o.Details, "desc", false, "add the advisories' texts")
	f.BoolVar(&r.o.Reach, "reach", false, "look whether what is vulnerable is called or imported")
	f.StringVar(&r.o.EPSS, "epss", "", "FIRST's EPSS scores, a CSV file, to order the findings")
	f.StringVar(&r.o.KEV, "kev", "", "CISA's catalogue of exploited vulnerabilities, a JSON file")
	f.StringSliceVar(&r.o.VEX, "vex", nil, "OpenVEX statements about the project")
	f.StringVar(&r.product, "product", "", "the project's package URL, for openvex")
	f.BoolVar(&r.fix, "fix", false, "update pins to the smallest safe version")
	f.BoolVar(&r.dryRun, "dry-run", false, "with --fix: show what would change")
	f.BoolVar(&r.dropped, "drop-hashes", false, "with --fix: also update pins that have hashes, without their hashes")
	f.BoolVarP(&r.quiet, "quiet", "q", false, "no progress, and text only if something was found")
	f.BoolVarP(&r.verbose, "verbose", "v", false, "also list what was excluded and ignored")
	completeWords(c, "format", auditFormats()...)
	completeWords(c, "fail-on", "any", "low", "medium", "high", "critical")
	completeWords(c, "platform", "linux", "darwin", "windows")
	return c
}

func (r *auditRun) run(c *cobra.Command, args []string) error {
	loaded, err := loadPolicy(r.policy)
	if err != nil {
		return err
	}
	threshold, err := r.settle(c, loaded, args)
	if err != nil {
		return err
	}
	outputs, err := r.settleOutputs()
	if err != nil {
		return err
	}
	collectMore()
	p := r.t.spinner(r.quiet)
	r.o.Progress = p.step
	report, err := audit.Run(c.Context(), r.o)
	p.done()
	if err != nil {
		return auditError(err)
	}
	if r.fix {
		return r.repair(c.Context(), report, threshold)
	}
	for _, out := range outputs {
		if err := r.write(report, out); err != nil {
			return err
		}
	}
	switch {
	case report.Fails(threshold):
		return &exitError{code: exitFindings}
	case unknown(report, r.strict):
		return &exitError{code: exitUnknown}
	}
	return nil
}

// unknown tells whether what could not be told fails the run.
func unknown(report *audit.Report, strict bool) bool {
	return slices.ContainsFunc(report.Unknowns(), func(u audit.Unknown) bool { return u.Always || strict })
}

func auditError(err error) error {
	exit := &exitError{code: exitUsage, err: err, hint: "see pavise audit --help"}
	switch {
	case errors.Is(err, advisories.ErrNone):
		exit.code, exit.hint = exitUnknown, "pavise db update fetches the advisories; --from reads them from a folder"
	case errors.Is(err, audit.ErrDatabase):
		exit.code, exit.hint = exitUnknown, "pavise db update makes a new one"
	case errors.Is(err, inventory.ErrNothing):
		exit.code, exit.hint = exitUnknown, "name a file, such as requirements.txt, or an environment with --env"
	case errors.Is(err, context.Canceled):
		exit.code, exit.hint = exitUnknown, ""
	}
	return exit
}

// settle brings flags and policy together: a flag that was given counts, then
// the policy file.
func (r *auditRun) settle(c *cobra.Command, l *loaded, args []string) (threshold finding.Severity, err error) {
	usage := func(format string, a ...any) error {
		return &exitError{code: exitUsage, err: fmt.Errorf(format, a...), hint: "see pavise audit --help"}
	}
	a := l.policy.Audit
	base := "."
	if l.file != "" {
		base = filepath.Dir(l.file)
	}
	in := &r.o.Inventory
	in.Paths = args
	if len(args) == 0 && len(in.Environments) == 0 {
		for _, p := range a.Paths {
			in.Paths = append(in.Paths, beside(base, p))
		}
	}
	in.Exclude = append(in.Exclude, a.Exclude...)
	given := c.Flags().Changed
	if !given("python") {
		in.Python = a.Python
	}
	if !given("platform") {
		in.Platform = a.Platform
	}
	if !given("fail-on") {
		r.failOn = a.FailOn
	}
	if !given("max-age") {
		r.maxAge = a.MaxAgeDays
	}
	r.strict = r.strict || a.Strict
	for _, v := range a.VEX {
		r.o.VEX = append(r.o.VEX, beside(base, v))
	}
	if r.maxAge < 0 {
		return 0, usage("--max-age %d is negative", r.maxAge)
	}
	r.o.MaxAge = time.Duration(r.maxAge) * 24 * time.Hour
	if r.dryRun && !r.fix || r.dropped && !r.fix {
		return 0, usage("--dry-run and --drop-hashes belong to --fix")
	}
	if threshold, err = thresholdOf(r.failOn); err != nil {
		return 0, usage("%w", err)
	}
	var mistakes []error
	for i, ig := range a.Ignore {
		ignore := audit.Ignore(ig)
		if err := ignore.Check(); err != nil {
			mistakes = append(mistakes, fmt.Errorf("audit.ignore[%d]: %w", i, err))
		}
		r.o.Ignores = append(r.o.Ignores, ignore)
	}
	if len(mistakes) > 0 {
		return 0, l.mistakes(errors.Join(mistakes...))
	}
	return threshold, nil
}

// An output is a format and where it goes; an empty file is the terminal.
type output struct{ format, file string }

func (r *auditRun) settleOutputs() ([]output, error) {
	known := func(f string) error {
		if !slices.Contains(auditFormats(), f) {
			return &exitError{code: exitUsage, err: fmt.Errorf("format %q is not one of %s", f, strings.Join(auditFormats(), ", ")), hint: "pavise audit --format json"}
		}
		return nil
	}
	if err := known(r.format); err != nil {
		return nil, err
	}
	var out []output
	elsewhere := false // the result of --format goes to a file
	for _, o := range r.outputs {
		format, file, named := strings.Cut(o, "=")
		if !named || !slices.Contains(auditFormats(), format) {
			if elsewhere {
				return nil, &exitError{code: exitUsage, err: fmt.Errorf("--output %q: two files for one format: name the second one's, as in sarif=%s", o, o), hint: "see pavise audit --help"}
			}
			format, file, elsewhere = r.format, o, true
		}
		if file == "" {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("--output %q names no file", o), hint: "pavise audit --output sarif=audit.sarif"}
		}
		out = append(out, output{format, file})
	}
	if !elsewhere {
		out = append(out, output{r.format, ""})
	}
	return out, nil
}

func (r *auditRun) write(report *audit.Report, o output) error {
	if o.file == "" {
		if r.quiet && o.format == "text" && len(report.Findings()) == 0 && !unknown(report, r.strict) {
			return nil
		}
		return r.encode(r.t.out, report, o.format, r.t.coloured())
	}
	var b bytes.Buffer
	if err := r.encode(&b, report, o.format, false); err != nil {
		return err
	}
	return writeReport(o.file, b.Bytes())
}

func (r *auditRun) encode(w io.Writer, report *audit.Report, format string, colour bool) error {
	now := time.Now()
	switch format {
	case "text":
		return report.WriteText(w, audit.TextOptions{Width: r.t.width(), Colour: colour, Details: r.o.Details, Verbose: r.verbose})
	case "json":
		return report.WriteJSON(w, version())
	case "cyclonedx":
		return report.WriteCycloneDX(w, version(), now)
	case "openvex":
		return report.WriteVEX(w, r.product, now)
	}
	return finding.Write(w, finding.Format(format), auditFindings(report))
}
