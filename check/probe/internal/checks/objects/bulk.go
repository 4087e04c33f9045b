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

// A bulk is an operation that takes a list of ids: whoever looks at the first
// alone, or at none because the query has no place for it, lets the others
// through.
type bulk struct {
	op      *openapi.Operation
	name    string // of the member that is the list
	creator *openapi.Operation
}

// maxBulk bounds how many are looked into.
const maxBulk = 6

// bulks are those of an API: ids of POST /orders/export are of what is posted
// to /orders, and order_ids are wherever they stand.
func bulks(t *trial.Trial) []bulk {
	var out []bulk
	t.Each(func(op *openapi.Operation) {
		b := op.JSON()
		if b == nil || b.Schema == nil || !op.Secured() || len(out) == maxBulk {
			return
		}
		for _, p := range b.Schema.All() {
			if p.Schema == nil || p.Schema.Items == nil || !p.Schema.Items.Is("string") && !p.Schema.Items.Is("integer") {
				continue
			}
			nouns := nouns(strings.TrimSuffix(p.Name, "s"))
			if slices.Contains([]string{"ids", "uuids"}, flat(p.Name)) {
				nouns = strings.Split(strings.Trim(op.Path, "/"), "/")
			}
			if !strings.HasSuffix(flat(p.Name), "ids") {
				continue
			}
			for _, noun := range slices.Backward(nouns) {
				i := slices.IndexFunc(makers(t), func(m maker) bool {
					return m.op != op && len(t.On(m.op)) > 0 && m.of(noun)
				})
				if i >= 0 {
					out = append(out, bulk{op, p.Name, makers(t)[i].op})
					return
				}
			}
		}
	})
	return out
}

// deletes tells whether an operation takes away what it is given.
func (k bulk) deletes() bool {
	return k.op.Method == http.MethodDelete || k.op.Says("delete", "remove", "destroy", "trash", "archive")
}

func (k bulk) ask(ctx context.Context, t *trial.Trial, who *identity.Identity, ids ...string) (*traffic.Exchange, error) {
	d, err := t.Draft(ctx, k.op, who, values.Full)
	if err != nil {
		return nil, err
	}
	fields, ok := d.Body.(map[string]any)
	if !ok {
		return nil, &trial.ReasonError{Reason: "the body is no object"}
	}
	var list []any
	for _, id := range ids {
		list = append(list, trial.Typed(id, k.op.JSON().Schema.Property(k.name).Items))
	}
	fields[k.name] = list
	return t.Send(ctx, d.Request())
}

// bulkRead asks for another user's object among one's own.
func bulkRead(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	for _, k := range bulks(t) {
		if k.deletes() || ctx.Err() != nil {
			continue
		}
		a, b, _ := pairFor(ctx, t, k.op, k.creator)
		s, own := sceneOf(ctx, t, k.creator, a, b), sceneOf(ctx, t, k.creator, b, a)
		if s.err != nil || own.err != nil {
			continue
		}
		mine, err := k.ask(ctx, t, a, s.object.ID)
		if err != nil || !mine.OK() || !s.holds(mine, false) {
			continue
		}
		r := trial.Result{Operation: k.op.Name(), Verdict: trial.Pass, Want: notThere}
		for _, ids := range [][]string{{s.object.ID}, {own.object.ID, s.object.ID}} {
			n := 0
			for range 2 {
				e, err := k.ask(ctx, t, b, ids...)
				if err != nil {
					r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
					break
				}
				if !e.OK() || !s.holds(e, false) {
					break
				}
				n++
				r.Got, r.Shown = fmt.Sprintf("%s reads what %s made by its id in %s: %d", b.Name, a.Name, k.name, e.Status), []*traffic.Exchange{s.object.Made, e}
			}
			if n == 2 {
				r.Verdict = trial.Fail
				s.excuse(&r)
				s.borrowed(ctx, t, &r)
				break
			}
			r.Got, r.Shown = "", nil
		}
		report(r)
	}
}

// bulkDelete has another user's object deleted among one's own.
func bulkDelete(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	for _, k := range bulks(t) {
		if !k.deletes() || ctx.Err() != nil {
			continue
		}
		a, b, _ := pairFor(ctx, t, k.op, k.creator)
		if r, ok := k.taken(ctx, t, a, b); ok {
			report(r)
		}
	}
}

// taken tells whether an object of a's is gone by a request of b's. It tells
// nothing where b's own would not be.
func (k bulk) taken(ctx context.Context, t *trial.Trial, a, b *identity.Identity) (trial.Result, bool) {
	r := trial.Result{Operation: k.op.Name(), Verdict: trial.Pass, Want: notThere}
	s := sceneOf(ctx, t, k.creator, a, b)
	gone := func(o *trial.Object) bool {
		_, is, err := look(ctx, t, s, o)
		o.Gone = o.Gone || err == nil && is
		return err == nil && is
	}
	create := func(who *identity.Identity) *trial.Object {
		o, err := t.Create(ctx, k.creator, who)
		if err != nil || gone(o) {
			return nil
		}
		return o
	}
	control := create(b)
	if s.err != nil || control == nil {
		return r, false
	}
	if e, err := k.ask(ctx, t, b, control.ID); err != nil || !e.OK() || !gone(control) {
		return r, false
	}
	for _, beside := range []bool{false, true} {
		n := 0
		for range 2 {
			theirs, own := create(a), create(b)
			if theirs == nil || own == nil {
				return r, false
			}
			ids := []string{theirs.ID}
			if beside {
				ids = []string{own.ID, theirs.ID}
			}
			e, err := k.ask(ctx, t, b, ids...)
			if err != nil || !gone(theirs) {
				gone(own)
				break
			}
			gone(own)
			n++
			r.Got, r.Shown = fmt.Sprintf("what %s made is gone after a request of %s with its id in %s: %d", a.Name, b.Name, k.name, e.Status), []*traffic.Exchange{theirs.Made, e}
		}
		if n == 2 {
			r.Verdict = trial.Fail
			return r, true
		}
		r.Got, r.Shown = "", nil
	}
	return r, true
}
