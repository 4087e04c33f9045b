package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/check/lint"
	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/finding"
)

// probeRun is one call of the command.
type probeRun struct {
	t              *terminal
	policy         string
	o              probe.Options
	api            probe.APIOptions
	auth           string
	source         string
	crawl          bool // where there is no document
	promises, only bool // the promises alone, the API alone
	minCoverage    float64
	format, output string
	failOn         string
	threshold      finding.Severity
}

// probed is what a run has to say.
type probed struct {
	promises *probe.Report
	api      *probe.APIReport
	notes    []string
}

func probeCommand(t *terminal) *cobra.Command {
	r := &probeRun{t: t}
	c := &cobra.Command{
		Use:   "probe URL",
		Short: "Put the policy's promises, and a security checklist, to a live API",
		Long: `Put the policy's promises to a live API, and then a security checklist to each of its
operations: who may call them, whose objects they give away, what they do with input that
no client should send.

The operations are read from the API's OpenAPI document: from where frameworks serve it,
or from --openapi. Where there is none, the API is crawled by GET and OPTIONS alone:
links, forms, scripts and bodies tell what it serves, and checks of what a document says
are left out. Valid requests come first: nothing is judged about an operation that did not
answer two of them with 2xx. Objects are made for the run, and only these are changed and
deleted. The API is asked as anonymous, as two users that register themselves, or as those
of --auth. Every request carries X-Pavise-Probe.

The checklist is put to loopback addresses, and to hosts that --authorize names; every
other host is asked for the promises alone. What loads the service or trips its limits is
left out unless --intrusive is given; but a login of an account of the run is tried
fifteen times with a wrong password.

The URL is the API's root. Where the API answers to another name than the URL's, give it
with --host.

Exit codes: 0 all kept, 1 something broken, 2 wrong usage or policy, 3 could not tell.`,
		Example: `  pavise probe http://127.0.0.1:8000
  pavise probe https://10.0.0.7 --host api.example.com --policy pavise.yaml
  pavise probe http://127.0.0.1:8000 --openapi openapi.json --auth auth.yaml
  pavise probe https://staging.example.com --authorize staging.example.com --seed 7
  pavise probe http://127.0.0.1:8000 --api --dry-run
  pavise probe http://127.0.0.1:8000 --api --crawl=false`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return r.run(c.Context(), args[0]) },
	}
	r.flags(c)
	c.Flags().BoolVar(&r.crawl, "crawl", true, "where there is no document, find out what the API serves by following its links")
	c.AddCommand(replayCommand(t), recordCommand(t))
	return c
}

// flags are those of every run that puts the checklist.
func (r *probeRun) flags(c *cobra.Command) {
	policyFlag(c, &r.policy)
	f := c.Flags()
	f.StringVar(&r.format, "format", "text", strings.Join(runFormats(), ", "))
	f.StringVarP(&r.output, "output", "o", "", "write to a file")
	f.StringVar(&r.o.Host, "host", "", "the Host to ask for, where it is not the URL's")
	f.BoolVar(&r.o.Intrusive, "intrusive", false, "also test what loads the service or trips its limits")
	f.BoolVar(&r.o.InsecureSkipVerify, "insecure-skip-verify", false, "accept any certificate")
	f.DurationVar(&r.o.Timeout, "timeout", 30*time.Second, "for the test of one promise")
	f.BoolVar(&r.promises, "promises", false, "the policy's promises alone")
	f.BoolVar(&r.only, "api", false, "the API's operations alone")
	f.StringVar(&r.api.Document, "openapi", "", "the OpenAPI document: a file, or a path of the API")
	f.StringVar(&r.source, "source", "", "the folder of the API's source: what it serves and the document lacks is tested too")
	f.StringVar(&r.auth, "auth", "", "who calls: a file in the format of Web Fuzzing Commons' auth.yaml")
	f.StringSliceVar(&r.api.Authorize, "authorize", nil, "a host besides loopback ones that may be attacked; may be repeated")
	f.StringSliceVar(&r.api.Only, "only", nil, "the checks to make, such as bola-*; all by default")
	f.StringSliceVar(&r.api.Skip, "skip", nil, "checks not to make")
	f.Uint64Var(&r.api.Seed, "seed", 0, "the same seed sends the same requests")
	f.Float64Var(&r.api.Rate, "rate", 0, "requests a second at the most (default 200)")
	f.IntVar(&r.api.Total, "max-requests", 0, "requests of the checklist at the most (default 5000)")
	f.BoolVar(&r.api.ReadOnly, "read-only", false, "send nothing that writes")
	f.BoolVar(&r.api.DryRun, "dry-run", false, "print what would be asked, and ask nothing")
	f.Float64Var(&r.minCoverage, "min-coverage", 0, "fail with 3 if fewer operations answer a valid request, such as 0.8")
	f.StringVar(&r.failOn, "fail-on", "low", "any, low, medium, high or critical: what of the checklist fails the run")
	c.MarkFlagsMutuallyExclusive("promises", "api")
	completeWords(c, "format", runFormats()...)
	completeWords(c, "fail-on", "any", "low", "medium", "high", "critical")
}

func (r *probeRun) run(ctx context.Context, target string) error {
	if err := r.settle(); err != nil {
		return err
	}
	p, err := r.look(ctx, target)
	if err != nil {
		return err
	}
	if err := r.write(p); err != nil {
		return err
	}
	return r.verdict(p)
}

func (r *probeRun) settle() (err error) {
	usage := func(format string, a ...any) error {
		return &exitError{code: exitUsage, err: fmt.Errorf(format, a...), hint: "see pavise probe --help"}
	}
	switch {
	case !slices.Contains(runFormats(), r.format):
		return usage("--format %q is not one of %s", r.format, strings.Join(runFormats(), ", "))
	case r.o.Timeout <= 0:
		return usage("--timeout %s is not more than zero", r.o.Timeout)
	case r.minCoverage < 0 || r.minCoverage > 1:
		return usage("--min-coverage %g is not from 0 to 1", r.minCoverage)
	case r.api.DryRun:
		r.only = true
	}
	r.api.NoCrawl = !r.crawl
	if r.threshold, err = thresholdOf(r.failOn); err != nil {
		return usage("%w", err)
	}
	if r.auth != "" {
		if r.api.Identities, err = os.ReadFile(r.auth); err != nil {
			return usage("--auth: %w", err)
		}
	}
	return nil
}

// look asks for the promises, and then puts the checklist.
func (r *probeRun) look(ctx context.Context, target string) (*probed, error) {
	p := &probed{}
	if !r.only {
		loaded, err := loadPolicy(r.policy)
		if err != nil {
			return nil, err
		}
		guard, err := loaded.guard()
		if err != nil {
			return nil, err
		}
		r.o.URL, r.o.Promises = target, guard.Promises()
		if len(r.o.Promises) == 0 {
			return nil, &exitError{code: exitUnknown, err: fmt.Errorf("%s promises nothing: everything is only observed", loaded.name()), hint: "pavise enforce RULE makes a promise of a rule"}
		}
		if p.promises, err = probe.Run(ctx, r.o); err != nil {
			return nil, probeError(err)
		}
	}
	if r.promises {
		return p, nil
	}
	asked := r.only || r.api.Document != "" || r.api.Description != nil || r.auth != ""
	if !asked && !probe.MayAttack(target, r.api.Authorize) {
		p.notes = append(p.notes, "the API's operations were not tested: --authorize HOST allows it")
		return p, nil
	}
	if r.source != "" {
		routes, err := sourceRoutes(ctx, lint.Options{Paths: []string{r.source}})
		if err != nil {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("--source: %w", err), hint: "pavise probe URL --source backend"}
		}
		r.api.Routes = routes
	}
	r.api.URL, r.api.Host, r.api.Intrusive, r.api.InsecureSkipVerify = target, r.o.Host, r.o.Intrusive, r.o.InsecureSkipVerify
	var err error
	p.api, err = probe.API(ctx, r.api)
	switch {
	case errors.Is(err, probe.ErrNoDocument) && !asked:
		p.notes = append(p.notes, "the API's operations were not tested: "+err.Error())
	case err != nil:
		return nil, probeError(err)
	}
	return p, nil
}

func probeError(err error) error {
	switch {
	case errors.Is(err, probe.ErrIdentities):
		return &exitError{code: exitUsage, err: err, hint: "mend the file of --auth: docs/guides/probe.md shows one"}
	case errors.Is(err, probe.ErrOptions):
		return &exitError{code: exitUsage, err: err, hint: "pavise probe http://127.0.0.1:8000"}
	case errors.Is(err, probe.ErrNoDocument):
		return &exitError{code: exitUnknown, err: err, hint: "a file will do: pavise probe URL --openapi openapi.json; or what clients ask for: pavise probe record"}
	}
	return &exitError{code: exitUnknown, err: err, hint: "is the API running, and is the URL its root?"}
}

// findings are in the shape that all checks share.
func (p *probed) findings() finding.Run {
	run := finding.Run{Tool: "pavise probe", Version: version(), Notes: p.notes, Rules: probe.Descriptions()}
	if p.promises != nil {
		run.Findings = append(run.Findings, p.promises.Findings()...)
		for _, res := range p.promises.Results {
			if res.Verdict == probe.CouldNotTell {
				run.Unknowns = append(run.Unknowns, finding.Unclear{Where: res.ID, Problem: res.Reason})
			}
		}
		run.Notes = append(run.Notes, fmt.Sprintf("%d promises are kept", p.promises.Count(probe.Kept)))
	}
	if p.api != nil {
		run.Findings = append(run.Findings, p.api.Findings()...)
		run.Unknowns = append(run.Unknowns, p.api.Uncovered...)
		run.Notes = append(run.Notes, p.api.Notes...)
		run.Notes = append(run.Notes, fmt.Sprintf("%d of %d operations answered a valid request; %d checks passed", p.api.Covered, p.api.Operations, p.api.Count("pass")))
	}
	return run
}

func (r *probeRun) write(p *probed) error {
	var b bytes.Buffer
	if err := r.encode(&b, p); err != nil {
		return &exitError{code: exitUnknown, err: err}
	}
	if r.output != "" {
		return writeReport(r.output, b.Bytes())
	}
	_, err := r.t.out.Write(b.Bytes())
	return err
}

func (r *probeRun) encode(w io.Writer, p *probed) error {
	switch r.format {
	case "text":
		if p.promises != nil {
			if err := p.promises.WriteText(w); err != nil {
				return err
			}
		}
		if p.api != nil {
			if p.promises != nil {
				_, _ = fmt.Fprintln(w)
			}
			if err := p.api.WriteText(w); err != nil {
				return err
			}
		}
		for _, n := range p.notes {
			if _, err := fmt.Fprintf(w, "note: %s\n", n); err != nil {
				return err
			}
		}
		return nil
	case "json":
		return writeProbeJSON(w, p)
	}
	return finding.Write(w, finding.Format(r.format), p.findings())
}

// writeProbeJSON writes the promises as they always were, and the API's
// results beside them.
func writeProbeJSON(w io.Writer, p *probed) error {
	out := map[string]any{}
	if p.promises != nil {
		var b bytes.Buffer
		if err := p.promises.WriteJSON(&b); err != nil {
			return err
		}
		if err := json.Unmarshal(b.Bytes(), &out); err != nil {
			return err
		}
	}
	if p.api != nil {
		out["api"] = p.api
	}
	if len(p.notes) > 0 {
		out["notes"] = p.notes
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// kept is the exit of a run of promises alone.
func kept(r *probe.Report) error {
	return (&probeRun{}).verdict(&probed{promises: r})
}

// verdict is the exit of a run that printed a report.
func (r *probeRun) verdict(p *probed) error {
	unknown := false
	if p.promises != nil {
		if p.promises.Count(probe.Broken) > 0 {
			return &exitError{code: exitFindings}
		}
		unknown = p.promises.Count(probe.CouldNotTell) > 0
	}
	if p.api != nil && !r.api.DryRun {
		if slices.ContainsFunc(p.api.Findings(), func(f finding.Finding) bool { return f.Severity >= r.threshold }) {
			return &exitError{code: exitFindings}
		}
		if p.api.Coverage() < r.minCoverage {
			return &exitError{code: exitUnknown, err: fmt.Errorf("%d of %d operations answered a valid request, and --min-coverage asks for %g", p.api.Covered, p.api.Operations, r.minCoverage), hint: "give identities with --auth, or examples in the OpenAPI document"}
		}
		unknown = unknown || p.api.Covered == 0
	}
	if unknown {
		return &exitError{code: exitUnknown}
	}
	return nil
}
