package objects

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// maxGiven bounds the operations that are looked into.
const maxGiven = 12

// given reads what an API gives to each user by itself, such as a card or an
// account, and no operation makes: an id that is in the list of one user and
// not in that of the other. It is read and never changed.
func given(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	n := 0
	t.Each(func(op *openapi.Operation) {
		params := op.PathParams()
		if op.Method != http.MethodGet || !op.Secured() || len(params) != 1 || t.Creator(op) != nil || userParam(op) != "" || n == maxGiven || ctx.Err() != nil {
			return
		}
		l := listing(t, op)
		if l == nil {
			return
		}
		n++
		// What is given to one role may not be to another.
		for _, pair := range t.Pairs(op) {
			mine := idsOf(ctx, t, l, pair[0], params[0])
			others := idsOf(ctx, t, l, pair[1], params[0])
			i := slices.IndexFunc(mine, func(id string) bool { return !slices.Contains(others, id) })
			if i < 0 {
				continue // both see the same, or there is nothing
			}
			if r, ok := givenOne(ctx, t, op, mine[i], pair[0], pair[1]); ok {
				report(r)
				return
			}
		}
	})
}

func givenOne(ctx context.Context, t *trial.Trial, op *openapi.Operation, id string, a, b *identity.Identity) (trial.Result, bool) {
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: notThere}
	d := about(t, op, map[string]string{op.PathParams()[0]: id}, a)
	own, err := t.Send(ctx, d.Request())
	if err != nil || !own.OK() || len(trial.Leaves(own)) < 2 || public(own) {
		return r, false
	}
	missing, err := t.Send(ctx, d.As(b).WithPath(op.PathParams()[0], t.Unused(id)).Request())
	if err != nil || !missing.Refused() {
		return r, false // it is not about the object
	}
	for range 2 {
		e, err := t.Send(ctx, d.As(b).Request())
		switch {
		case err != nil:
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
			return r, true
		case !e.OK() || same(own, e) < 0.9:
			return trial.Result{Operation: op.Name(), Verdict: trial.Pass}, true
		}
		r.Got, r.Shown = fmt.Sprintf("%s reads what only the list of %s holds: %d", b.Name, a.Name, e.Status), []*traffic.Exchange{own, e}
	}
	r.Verdict = trial.Suspect
	if owner, v := ownerIn(own, a); owner != "" && (v == a.ID || v == a.Email || v == a.Username) || intimate(last(op.Path)) || intimate(last(op.Path[:strings.IndexByte(op.Path, '{')])) {
		r.Verdict = trial.Fail
	} else {
		r.Got += "; nothing says that it is somebody's"
	}
	return r, true
}

// listing is the list that ids of an operation are in: the collection above it,
// or that of the same name in another version.
func listing(t *trial.Trial, op *openapi.Operation) *openapi.Operation {
	before := op.Path[:strings.IndexByte(op.Path, '{')]
	noun := last(before)
	var found *openapi.Operation
	for _, l := range t.Operations {
		if l.Method != http.MethodGet || !l.Secured() || strings.Contains(l.Path, "{") {
			continue
		}
		if strings.Trim(l.Path, "/") == strings.Trim(before, "/") {
			return l
		}
		if found == nil && noun != "" && last(l.Path) == noun {
			found = l
		}
	}
	return found
}

// idsOf are the ids in a user's list, by the name that a parameter has.
func idsOf(ctx context.Context, t *trial.Trial, l *openapi.Operation, who *identity.Identity, param string) []string {
	d, err := t.Draft(ctx, l, who, values.Least)
	if err != nil {
		return nil
	}
	e, err := t.Send(ctx, d.Request())
	if err != nil || !e.OK() {
		return nil
	}
	var out []string
	for _, item := range trial.Items(e, last(l.Path)) {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		for _, name := range []string{param, "id", "_id", "uuid", "number"} {
			if v, there := m[name]; there && v != nil {
				out = append(out, fmt.Sprint(v))
				break
			}
		}
	}
	return out
}
