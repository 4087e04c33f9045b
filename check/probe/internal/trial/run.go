package trial

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
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

// cover finds a valid request of an operation, and who may send it: the first
// user where the document forgets to say that one is needed, an administrator
// where a user is refused.
func (t *Trial) cover(ctx context.Context, op *openapi.Operation) error {
	_, err := t.Baseline(ctx, op, t.Caller(op))
	var refused *refusedError
	if err == nil || !errors.As(err, &refused) {
		return err
	}
	var others []*identity.Identity
	switch {
	case refused.status == http.StatusUnauthorized && t.Caller(op).IsAnonymous() && len(t.Identities) > 0 && identity.LogsIn(op) == 0:
		others = t.Identities[:1]
	case refused.status == http.StatusForbidden:
		others = t.Admins()
		if t.Caller(op).IsAnonymous() && len(t.Users()) > 0 {
			others = append(others, t.Users()[0])
		}
	}
	for _, who := range others[:min(len(others), 2)] {
		if who.Name == t.Caller(op).Name {
			continue
		}
		if _, other := t.Baseline(ctx, op, who); other == nil {
			t.mu.Lock()
			t.callers[op] = who
			t.mu.Unlock()
			return nil
		}
	}
	return err
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
