package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/audit"
	"github.com/pavise-dev/pavise/check/audit/inventory"
	"github.com/pavise-dev/pavise/check/leaks"
	"github.com/pavise-dev/pavise/check/lint"
	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/cmd/pavise/internal/summary"
	"github.com/pavise-dev/pavise/finding"
	"github.com/pavise-dev/pavise/gateway"
)

// areas looks at one after the other. What cannot be looked at is skipped with
// its reason: the others are looked at all the same.
func (r *checkRun) areas(ctx context.Context) ([]summary.Area, error) {
	var out []summary.Area
	for _, step := range []struct {
		name string
		look func(context.Context, *summary.Area) error
	}{{"audit", r.audit}, {"leaks", r.leaks}, {"lint", r.lint}} {
		out = append(out, r.step(ctx, step.name, step.look))
		if ctx.Err() != nil {
			return nil, &exitError{code: exitUnknown, err: errors.New("interrupted")}
		}
	}
	live, err := r.live(ctx)
	if ctx.Err() != nil {
		return nil, &exitError{code: exitUnknown, err: errors.New("interrupted")}
	}
	return append(out, live...), err
}

func (r *checkRun) step(ctx context.Context, name string, look func(context.Context, *summary.Area) error) summary.Area {
	a := summary.Area{Name: name}
	if slices.Contains(r.skip, name) {
		a.Skipped = "it is left out"
		return a
	}
	if !r.quiet {
		r.t.notef("looking at %s", name)
	}
	start := time.Now()
	if err := look(ctx, &a); err != nil {
		a.Skipped = err.Error()
		var exit *exitError
		if errors.As(err, &exit) && exit.hint != "" {
			a.Skipped += "; " + exit.hint
		}
	}
	a.Took = time.Since(start)
	return a
}

func (r *checkRun) audit(ctx context.Context, a *summary.Area) error {
	run := auditRun{t: r.t}
	run.o.Database = r.database
	c := auditCommand(r.t)
	if _, err := run.settle(c, r.loaded, []string{r.dir}); err != nil {
		return err
	}
	report, err := audit.Run(ctx, run.o)
	if err != nil {
		return auditError(err)
	}
	found := auditFindings(report)
	a.Findings, a.Unknowns, a.Notes, a.Of = found.Findings, found.Unknowns, found.Notes, "dependencies"
	bad := map[string]bool{}
	for _, v := range report.Vulnerabilities {
		bad[v.Package+" "+v.Version] = true
	}
	a.Kept = report.Inventory.Count(inventory.Audited) - len(bad)
	return nil
}

func (r *checkRun) leaks(ctx context.Context, a *summary.Area) error {
	p := r.loaded.policy.Leaks
	o := leaks.Options{Paths: []string{r.dir}, Exclude: p.Exclude, Depth: p.Archives}
	if p.Baseline != "" {
		data, err := os.ReadFile(beside(filepath.Dir(r.loaded.file), p.Baseline))
		if err != nil {
			return fmt.Errorf("leaks.baseline: %w", err)
		}
		if o.Baseline, err = leaks.ParseBaseline(data); err != nil {
			return fmt.Errorf("%s %w", p.Baseline, err)
		}
	}
	report, err := leaks.Run(ctx, o)
	if err != nil {
		return err
	}
	a.Findings, a.Unknowns, a.Of = report.Findings(), report.Unknowns, "files"
	a.Kept = report.Files - len(filesOf(a.Findings))
	return nil
}

// filesOf are the files that findings are in.
func filesOf(findings []finding.Finding) map[string]bool {
	out := map[string]bool{}
	for _, f := range findings {
		out[cmp.Or(finding.FileOf(f.Where), f.Where)] = true
	}
	return out
}

func (r *checkRun) lint(ctx context.Context, a *summary.Area) error {
	run := lintRun{t: r.t}
	run.byPolicy(lintCommand(r.t), r.loaded)
	run.o.Paths = []string{r.dir}
	if run.baseline != "" {
		data, err := os.ReadFile(run.baseline)
		if err != nil {
			return fmt.Errorf("lint.baseline: %w", err)
		}
		if run.o.Baseline, err = lint.ParseBaseline(data); err != nil {
			return fmt.Errorf("%s %w", run.baseline, err)
		}
	}
	report, err := lint.Run(ctx, run.o)
	if err != nil {
		return err
	}
	a.Findings, a.Unknowns, a.Of = report.Findings(), report.Unknowns, "rules"
	broken := map[string]bool{}
	for _, f := range report.Found {
		broken[f.Rule.ID] = true
	}
	if report.Files > 0 { // rules that had nothing to look at are not kept
		a.Kept = len(lint.Rules()) - len(broken)
	}
	return nil
}

// live are the areas that need the API itself.
func (r *checkRun) live(ctx context.Context) ([]summary.Area, error) {
	promises, api := summary.Area{Name: "promises"}, summary.Area{Name: "probe"}
	skipBoth := func(reason string) ([]summary.Area, error) {
		promises.Skipped, api.Skipped = reason, reason
		return []summary.Area{promises, api}, nil
	}
	target := r.url
	switch {
	case slices.Contains(r.skip, "promises") && slices.Contains(r.skip, "probe"):
		return skipBoth("it is left out")
	case target == "" && len(r.command) == 0:
		return skipBoth("no API was named: --url URL, or -- COMMAND")
	case target == "":
		stop, url, err := r.serve(ctx)
		if err != nil {
			return skipBoth(err.Error())
		}
		defer stop()
		target = url
	}
	promises = r.step(ctx, "promises", func(ctx context.Context, a *summary.Area) error {
		run := r.probe
		run.policy, run.promises = r.policy, true
		p, err := run.look(ctx, target)
		if err != nil {
			return err
		}
		found := p.findings()
		a.Findings, a.Unknowns, a.Of, a.Kept = found.Findings, found.Unknowns, "promises", p.promises.Count(probe.Kept)
		return nil
	})
	api = r.step(ctx, "probe", func(ctx context.Context, a *summary.Area) error {
		run := r.probe
		run.policy, run.only = r.policy, true
		routes, err := sourceRoutes(ctx, lint.Options{Paths: []string{r.dir}, Exclude: r.loaded.policy.Lint.Exclude})
		if err != nil {
			return err
		}
		run.api.Routes = routes
		p, err := run.look(ctx, target)
		if err != nil {
			return err
		}
		found := p.findings()
		a.Findings, a.Unknowns, a.Notes, a.Of, a.Kept = found.Findings, found.Unknowns, found.Notes, "checks of operations", p.api.Count("pass")
		return nil
	})
	return []summary.Area{promises, api}, nil
}

// serve starts the API behind the policy, as pavise up does, on a loopback
// port. The document that the policy closes is read before, through a gateway
// that opens it.
func (r *checkRun) serve(ctx context.Context) (stop func(), url string, err error) {
	if r.probe.api.Document == "" && !slices.Contains(r.skip, "probe") {
		if r.probe.api.Description, err = r.document(ctx); err != nil {
			return nil, "", err
		}
	}
	stop, url, err = r.start(ctx, false)
	if err != nil {
		return nil, "", err
	}
	if r.probe.o.Host == "" && len(r.loaded.policy.Hosts.Allow) > 0 {
		r.probe.o.Host = r.loaded.policy.Hosts.Allow[0]
	}
	return stop, url, nil
}

// document fetches the OpenAPI document. There may be none.
func (r *checkRun) document(ctx context.Context) ([]byte, error) {
	stop, url, err := r.start(ctx, true)
	if err != nil {
		return nil, err
	}
	defer stop()
	host := ""
	if len(r.loaded.policy.Hosts.Allow) > 0 {
		host = r.loaded.policy.Hosts.Allow[0]
	}
	data, err := probe.Document(ctx, url, host)
	if errors.Is(err, probe.ErrNoDocument) {
		return nil, nil
	}
	return data, err
}

// start runs a gateway in front of the command until stop is called.
func (r *checkRun) start(ctx context.Context, docs bool) (stop func(), url string, err error) {
	p := r.loaded.policy
	p.Gateway.Listen, p.Gateway.Admin, p.Gateway.AccessLog, p.Gateway.Plain = "127.0.0.1:0", "off", "off", ""
	p.Gateway.Command, p.Gateway.Upstream, p.Gateway.TLS = r.command, "", nil
	if docs {
		p.APIDocs.Open = true
	}
	// What the API writes is not part of the report.
	log, err := os.CreateTemp("", "pavise-check-*.log")
	if err != nil {
		return nil, "", err
	}
	drop := func() {
		_ = log.Close()
		_ = os.Remove(log.Name())
	}
	addr := make(chan net.Addr, 1)
	gw, err := gateway.New(gateway.Options{Policy: p, Log: slog.New(slog.DiscardHandler), Stdout: log, Stderr: log, Ready: func(public, _ net.Addr) { addr <- public }})
	if err != nil {
		drop()
		return nil, "", r.loaded.mistakes(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- gw.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			r.t.notef("the API did not stop as it should: %s", printable(err.Error()))
		}
		drop()
	}
	select {
	case a := <-addr:
		return stop, "http://" + a.String(), nil
	case err := <-done:
		cancel()
		if err == nil {
			err = errors.New("the API ended before it served anything")
		}
		said := lastLine(log.Name())
		drop()
		return nil, "", fmt.Errorf("the API could not be started: %w%s", err, said)
	}
}

// lastLine is the last thing that the API said.
func lastLine(name string) string {
	data, err := os.ReadFile(name)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if last := lines[len(lines)-1]; err == nil && last != "" {
		return ": it said " + printable(last)
	}
	return ""
}
