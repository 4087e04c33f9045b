package trial

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/finding"
)

// Run asks for a valid request of each operation first, and makes the checks
// then. The results are in the order of checks and operations.
func (t *Trial) Run(ctx context.Context, checks []*Check) ([]Result, []finding.Unclear) {
	var uncovered []finding.Unclear
	// What reads comes first, and what deletes last.
	ops := slices.Clone(t.Operations)
	rank := func(op *openapi.Operation) int {
		return slices.Index([]string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}, op.Method)
	}
	slices.SortStableFunc(ops, func(a, b *openapi.Operation) int { return rank(a) - rank(b) })
	for _, op := range ops {
		if err := t.cover(ctx, op); err != nil {
			uncovered = append(uncovered, finding.Unclear{Where: op.Name(), Problem: Reason(err)})
		}
		if ctx.Err() != nil {
			break
		}
	}
	slices.SortFunc(uncovered, func(a, b finding.Unclear) int { return strings.Compare(a.Where, b.Where) })
	var all []Result
	for _, c := range checks {
		if ctx.Err() != nil {
			break
		}
		var found []Result
		c.Run(ctx, t, func(r Result) {
			r.Check = c
			found = append(found, r)
		})
		slices.SortStableFunc(found, func(a, b Result) int { return cmp.Compare(t.index(a.Operation), t.index(b.Operation)) })
		if c.Once {
			found = collapse(found)
		}
		all = append(all, found...)
	}
	return all, uncovered
}

func (t *Trial) index(name string) int {
	return slices.IndexFunc(t.Operations, func(op *openapi.Operation) bool { return op.Name() == name })
}

// collapse makes one result of failures that say the same.
func collapse(found []Result) []Result {
	var out []Result
	for _, r := range found {
		i := slices.IndexFunc(out, func(o Result) bool { return o.Verdict == r.Verdict && o.Got == r.Got && o.Reason == r.Reason })
		if i < 0 {
			out = append(out, r)
		}
	}
	return out
}
