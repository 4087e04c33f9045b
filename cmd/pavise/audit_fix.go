package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/pavise-dev/pavise/check/audit"
	"github.com/pavise-dev/pavise/check/audit/inventory"
	"github.com/pavise-dev/pavise/finding"
)

// repair updates what can be updated in place, and says what to run for the
// rest. What counts afterwards is a new audit.
func (r *auditRun) repair(ctx context.Context, report *audit.Report, threshold finding.Severity) error {
	fixes, err := audit.Plan(report, r.dropped)
	if err != nil {
		return &exitError{code: exitUnknown, err: err}
	}
	changed := false
	for _, f := range fixes {
		for _, n := range f.Notes {
			r.t.printf("%s: %s\n", printable(f.File), printable(n))
		}
		if f.After == nil {
			continue
		}
		changed = true
		r.t.change(f.Diff())
		if !strings.HasSuffix(f.File, "go.mod") {
			r.t.notef("whether the new versions fit together, an installer says: python -m pip install --dry-run -r %s", printable(f.File))
		}
		if r.dryRun {
			continue
		}
		if err := rewrite(f.File, f.Before, f.After); err != nil {
			return &exitError{code: exitUnknown, err: err, hint: "run pavise audit --fix again"}
		}
	}
	if r.dryRun {
		if changed {
			r.t.notef("nothing was written: leave out --dry-run to write it")
		}
		return r.remaining(report, threshold)
	}
	after, err := audit.Run(ctx, r.o)
	if err != nil {
		return auditError(err)
	}
	return r.remaining(after, threshold)
}

// remaining is the exit for what is left.
func (r *auditRun) remaining(report *audit.Report, threshold finding.Severity) error {
	r.t.printf("%d vulnerabilities remain\n", len(report.Vulnerabilities))
	switch {
	case report.Fails(threshold):
		return &exitError{code: exitFindings}
	case unknown(report, r.strict):
		return &exitError{code: exitUnknown}
	}
	return nil
}

// auditFindings is the report in the shape that all checks share.
func auditFindings(report *audit.Report) finding.Run {
	run := finding.Run{Tool: "pavise audit", Version: version(), Findings: report.Findings(), Notes: report.Notes, Rules: audit.Rules()}
	for _, u := range report.Unknowns() {
		run.Unknowns = append(run.Unknowns, finding.Unclear{Where: u.Where, Problem: u.Problem})
	}
	for i := range report.Ignored {
		v := &report.Ignored[i]
		run.Notes = append(run.Notes, fmt.Sprintf("ignored: %s %s: %s: %s (%s)", v.Package, v.Version, v.ID, v.Reason, v.By))
	}
	counts := []string{}
	for _, s := range []inventory.Status{inventory.Audited, inventory.Excluded, inventory.Unaudited} {
		counts = append(counts, fmt.Sprintf("%d %s", report.Inventory.Count(s), s))
	}
	run.Notes = append(run.Notes, "dependencies: "+strings.Join(counts, ", "))
	return run
}
