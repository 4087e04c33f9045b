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

// nested: a child is asked for below another parent, one that is the
// attacker's own, so that the check of the parent passes.
func nested(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	_, _, ok := t.Pair()
	t.Each(func(op *openapi.Operation) {
		params := op.PathParams()
		if op.Method != http.MethodGet && !changing(op) || len(params) < 2 || !op.Secured() || !strings.HasSuffix(op.Path, "}") {
			return
		}
		child := t.Creator(op)
		if child == nil && op.Method == http.MethodGet && len(params) == 2 && ok {
			if r, told := inside(ctx, t, op); told {
				report(r)
			}
			return
		}
		if child == nil || len(child.PathParams()) == 0 {
			return
		}
		parent := t.Creator(child)
		if parent == nil {
			return
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: notThere}
		defer func() { report(r) }()
		if !ok {
			r.Verdict, r.Reason = trial.Inconclusive, needTwo
			return
		}
		a, b, _ := pairFor(ctx, t, op, child)
		if changing(op) {
			r = nestedChange(ctx, t, op, sceneOf(ctx, t, child, a, b), parent, b)
			return
		}
		for range 2 {
			own, err := t.Draft(ctx, op, a, values.Full)
			if err != nil || len(own.Made) == 0 {
				r.Verdict, r.Reason = trial.Inconclusive, "no object could be made"
				return
			}
			o := own.Made[len(own.Made)-1]
			if !o.Of(own.Who) {
				r.Verdict, r.Reason = trial.Inconclusive, "the object is another's already"
				return
			}
			if mine, err := t.Send(ctx, own.Request()); err != nil || !mine.OK() || !holds(string(mine.Body), marksOf(o)) {
				r.Verdict, r.Reason = trial.Inconclusive, "the owner does not see texts of ours in the object"
				return
			}
			if direct, err := t.Send(ctx, own.As(b).Request()); err != nil || direct.OK() {
				r.Verdict, r.Reason = trial.NotApplicable, "another user reads it on its own path, too"
				return
			}
			bs, err := t.Create(ctx, parent, b)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			e, err := t.Send(ctx, own.As(b).WithPath(params[len(params)-2], bs.ID).Request())
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			if !e.OK() || !holds(string(e.Body), marksOf(o)) {
				r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
				return
			}
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s reads what %s made, below a parent of %s's own: %d", b.Name, a.Name, b.Name, e.Status)
			r.Shown = []*traffic.Exchange{o.Made, bs.Made, e}
		}
	})
}

// nestedChange changes or deletes a child in the same way. What another user
// may do to it on its own path is told of there.
func nestedChange(ctx context.Context, t *trial.Trial, op *openapi.Operation, s *scene, parent *openapi.Operation, b *identity.Identity) trial.Result {
	params := op.PathParams()
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: notThere}
	unclear := func(err error) trial.Result {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		return r
	}
	if s.err != nil {
		return unclear(s.err)
	}
	direct, err := attack(ctx, t, s, op, values.Full, b)
	if err != nil {
		return unclear(err)
	}
	if direct.blind || direct.what != "" {
		r.Verdict, r.Reason = trial.NotApplicable, "nobody sees what becomes of it, or another user may do so on its own path, too"
		return r
	}
	for range 2 {
		bs, err := t.Create(ctx, parent, b)
		if err != nil {
			return unclear(err)
		}
		done, err := attackBy(ctx, t, s, op, values.Full, func(d *trial.Draft) *trial.Draft {
			return d.As(b).WithPath(params[len(params)-2], bs.ID)
		})
		if err != nil {
			return unclear(err)
		}
		if done.what == "" {
			r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
			return r
		}
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("what %s made %s after a request of %s below a parent of its own: %d", s.a.Name, done.what, b.Name, done.sent.Status)
		r.Shown = []*traffic.Exchange{done.made, bs.Made, done.sent}
	}
	return r
}

// inside is for children that are made together with their parent, such as the
// items of an order: their ids are in what the parent shows.
func inside(ctx context.Context, t *trial.Trial, op *openapi.Operation) (trial.Result, bool) {
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: notThere}
	params := op.PathParams()
	before := strings.TrimSuffix(op.Path, "/{"+params[1]+"}")
	segment := last(before)
	i := slices.IndexFunc(t.Operations, func(o *openapi.Operation) bool {
		return o.Method == http.MethodGet && strings.TrimSuffix(o.Path, "/") == strings.TrimSuffix(before, "/"+segment)
	})
	if i < 0 || t.Creator(t.Operations[i]) == nil {
		return r, false
	}
	parent := t.Creator(t.Operations[i])
	a, b, _ := pairFor(ctx, t, op, parent)
	theirs, own := sceneOf(ctx, t, parent, a, b), sceneOf(ctx, t, parent, b, a)
	child := childIn(theirs, segment, params[1])
	if theirs.err != nil || own.err != nil || child == "" || child == childIn(own, segment, params[1]) {
		return r, false
	}
	ask := func(who *identity.Identity, parent, child string) (*traffic.Exchange, error) {
		return t.Send(ctx, about(t, op, map[string]string{params[0]: parent, params[1]: child}, who).Request())
	}
	mine, err := ask(a, theirs.object.ID, child)
	if err != nil || !mine.OK() || len(trial.Leaves(mine)) < 2 {
		return r, false
	}
	if direct, err := ask(b, theirs.object.ID, child); err != nil || direct.OK() {
		return r, false // another check tells of that
	}
	if missing, err := ask(b, own.object.ID, t.Unused(child)); err != nil || !missing.Refused() {
		return r, false
	}
	for range 2 {
		e, err := ask(b, own.object.ID, child)
		if err != nil {
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
			return r, true
		}
		if !e.OK() || !theirs.holds(e, false) && same(mine, e) < 0.9 {
			return trial.Result{Operation: op.Name(), Verdict: trial.Pass}, true
		}
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s reads a part of what %s made, below an object of %s's own: %d", b.Name, a.Name, b.Name, e.Status)
		r.Shown = []*traffic.Exchange{theirs.object.Made, e}
	}
	return r, true
}

// childIn is the id of the first child that an object shows.
func childIn(s *scene, segment, param string) string {
	if s.err != nil {
		return ""
	}
	leaves := seenIn(s.look())
	for _, name := range []string{param, "id", "uuid"} {
		if v := leaves["/"+segment+"/0/"+name]; v != "" {
			return v
		}
	}
	return ""
}
