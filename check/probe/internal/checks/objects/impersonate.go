package objects

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// impersonate asks for what is one's own with another user's id in the query or
// the header: GET /balance with X-Account-Id. Only what the other user is told
// and oneself is not tells that it is the other's.
func impersonate(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	n := 0
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet || !op.Secured() || len(op.PathParams()) > 0 || n == maxGiven || ctx.Err() != nil {
			return
		}
		a, b, _ := t.PairFor(op)
		id := self(ctx, t, a)["id"]
		if id == "" {
			return
		}
		for _, p := range op.Params {
			if p.In != "query" && p.In != "header" || !slices.Contains(owners(), flat(p.Member())) {
				continue
			}
			n++
			if r, ok := asAnother(ctx, t, op, p, id, a, b); ok {
				report(r)
			}
		}
	})
}

func asAnother(ctx context.Context, t *trial.Trial, op *openapi.Operation, p *openapi.Param, id string, a, b *identity.Identity) (trial.Result, bool) {
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "one's own, or 403"}
	ask := func(who *identity.Identity, id string) (*traffic.Exchange, error) {
		d, err := t.Draft(ctx, op, who, values.Least)
		if err != nil {
			return nil, err
		}
		switch {
		case id == "" && !p.Required:
		case p.In == "header":
			d = d.WithHeader(p.Name, id)
		default:
			d = d.WithQuery(p.Name, id)
		}
		return t.Send(ctx, d.Request())
	}
	theirs, err := ask(a, id)
	if err != nil || !theirs.OK() {
		return r, false
	}
	own, err := ask(b, self(ctx, t, b)["id"])
	if err != nil || !own.OK() {
		return r, false
	}
	mine := slices.Collect(maps.Values(trial.Leaves(own)))
	var telling []string
	for _, v := range trial.Leaves(theirs) {
		if len(v) >= 3 && v != id && !slices.Contains(mine, v) {
			telling = append(telling, v)
		}
	}
	again, err := ask(a, id)
	if err != nil {
		return r, false
	}
	// What differs from one time to the next tells nothing.
	telling = slices.DeleteFunc(telling, func(v string) bool { return !containsAny(trial.Leaves(again), []string{v}) })
	if len(telling) == 0 {
		return r, false
	}
	for range 2 {
		e, err := ask(b, id)
		switch {
		case err != nil:
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
			return r, true
		case !e.OK() || !containsAny(trial.Leaves(e), telling):
			r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
			return r, true
		}
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s reads what is %s's, with %s of the %s: %d", b.Name, a.Name, p.Name, p.In, e.Status)
		r.Shown = []*traffic.Exchange{theirs, e}
	}
	return r, true
}
