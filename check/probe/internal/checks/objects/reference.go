package objects

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// maxElsewhere bounds the operations that are looked into for ids in other
// places than paths.
const maxElsewhere = 24

// A reference is a parameter of the query or of the header, or a member of the
// body, that is the id of an object which a creator makes.
type reference struct {
	in, name string
	creator  *openapi.Operation
}

// refers finds one by its name: order_id is of what is posted to /orders, as
// from_order_id and X-Order-Id are, and so is whatever the path of
// GET /orders/{ref} calls it, if it is no bare id.
func refers(t *trial.Trial, op *openapi.Operation) (reference, bool) {
	find := func(name string) *openapi.Operation {
		for _, noun := range nouns(name) {
			for _, m := range makers(t) {
				if m.op != op && m.of(noun) {
					return m.op
				}
			}
		}
		for _, m := range makers(t) {
			if m.op != op && slices.Contains(m.names, flat(name)) {
				return m.op
			}
		}
		return nil
	}
	for _, p := range op.Params {
		if p.In == "query" || p.In == "header" {
			if c := find(p.Member()); c != nil {
				return reference{p.In, p.Name, c}, true
			}
		}
	}
	if b := op.JSON(); b != nil && b.Schema != nil && op.Method == http.MethodPost {
		for _, p := range b.Schema.Properties {
			if c := find(p.Name); c != nil {
				return reference{"body", p.Name, c}, true
			}
		}
	}
	return reference{}, false
}

// nouns are those that a name may be the id of: fromcard and card of
// from_card_id.
func nouns(name string) []string {
	noun, ok := strings.CutSuffix(flat(name), "id")
	if !ok || noun == "" {
		return nil
	}
	out := []string{noun}
	parts := strings.Split(name, "_")
	for i := 1; i < len(parts)-1; i++ {
		out = append(out, flat(strings.Join(parts[i:len(parts)-1], "_")))
	}
	return out
}

// A maker is an operation that makes objects, and what paths call them, if that
// is no bare id.
type maker struct {
	op    *openapi.Operation
	names []string
}

// of tells whether it makes what a noun names, in the singular or the plural.
func (m maker) of(noun string) bool {
	return strings.TrimSuffix(flat(last(m.op.Path)), "s") == strings.TrimSuffix(flat(noun), "s")
}

// makers are creators, and then operations of which no path names what they
// make: its id may be asked for in the query alone.
func makers(t *trial.Trial) []maker {
	return trial.Shared(t, "objects/makers", func() []maker {
		var out, others []maker
		t.Each(func(op *openapi.Operation) {
			if op.Method != http.MethodPost || !op.Secured() {
				return
			}
			m := maker{op: op}
			on := t.On(op)
			for _, x := range on {
				params := x.PathParams()
				if p := flat(params[len(params)-1]); !slices.Contains([]string{"id", "uuid", "name", "slug", "key"}, p) {
					m.names = append(m.names, p)
				}
			}
			switch {
			case len(on) > 0:
				out = append(out, m)
			case len(op.PathParams()) == 0 && identity.LogsIn(op) == 0 && !account(op) && !trial.Destroys(op) && !trial.Ends(op):
				others = append(others, m)
			}
		})
		return append(out, others...)
	})
}

// elsewhere asks for another user's object where its id is in the query, the
// header or the body.
func elsewhere(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	n := 0
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet && op.Method != http.MethodPost || !op.Secured() || trial.Destroys(op) || n == maxElsewhere || ctx.Err() != nil {
			return
		}
		ref, ok := refers(t, op)
		if !ok || t.Creator(op) == ref.creator {
			return
		}
		n++
		a, b, _ := pairFor(ctx, t, op, ref.creator)
		if r, ok := referred(ctx, t, op, ref, a, b); ok {
			report(r)
		}
	})
}

func referred(ctx context.Context, t *trial.Trial, op *openapi.Operation, ref reference, a, b *identity.Identity) (trial.Result, bool) {
	r := trial.Result{Operation: op.Name(), Want: notThere}
	s := sceneOf(ctx, t, ref.creator, a, b)
	if s.err != nil {
		r.Reason = trial.Reason(s.err)
		return r, true
	}
	ask := func(who *identity.Identity, id string) (*traffic.Exchange, error) {
		return ref.ask(ctx, t, op, who, id)
	}
	mine, err := ask(a, s.object.ID)
	if err != nil || !mine.OK() {
		return r, false
	}
	if !s.holds(mine, false) {
		return s.wordless(ctx, t, ref, ask, mine, r)
	}
	for range 2 {
		e, err := ask(b, s.object.ID)
		switch {
		case err != nil:
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
			return r, true
		case !e.OK() || !s.holds(e, false):
			r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
			return r, true
		}
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s reads what %s made by its %s in the %s: %d", b.Name, a.Name, ref.name, ref.in, e.Status)
		r.Shown = []*traffic.Exchange{s.object.Made, e}
	}
	s.excuse(&r)
	s.borrowed(ctx, t, &r)
	if r.Verdict == trial.Fail && !s.owned() && !personal(ref.creator) {
		r.Verdict = trial.Suspect
		r.Got += "; nothing says that it is somebody's"
	}
	return r, true
}

// ask sends a request of an operation as somebody, about an object by its id.
func (ref reference) ask(ctx context.Context, t *trial.Trial, op *openapi.Operation, who *identity.Identity, id string) (*traffic.Exchange, error) {
	d, err := t.Draft(ctx, op, who, values.Full)
	if err != nil {
		return nil, err
	}
	switch fields, ok := d.Body.(map[string]any); {
	case ref.in == "query":
		d = d.WithQuery(ref.name, id)
	case ref.in == "header":
		d = d.WithHeader(ref.name, id)
	case ok:
		fields[ref.name] = id
		if p := op.JSON().Schema.Property(ref.name); p.Is("integer") && !p.Is("string") {
			var n int64
			if _, err := fmt.Sscan(id, &n); err == nil {
				fields[ref.name] = n
			}
		}
	}
	e, err := t.Send(ctx, d.Request())
	if err == nil {
		t.Adopt(d, e)
	}
	return e, err
}

// wordless judges an answer that holds no texts of ours. It is judged only
// where the object itself is kept from the other user, who is refused for an id
// that is not there, and is told the same as the owner: it fails if that is a
// value that the owner's object has and the other's has not, and may be no more
// than what anybody is told of such objects otherwise.
func (s *scene) wordless(ctx context.Context, t *trial.Trial, ref reference, ask func(*identity.Identity, string) (*traffic.Exchange, error), mine *traffic.Exchange, r trial.Result) (trial.Result, bool) {
	own := s.telling(ctx, t, mine)
	hidden := s.other != nil && s.other.Refused() || s.other == nil && s.listedToOwn && !s.listed
	if !hidden || s.public || len(own) == 0 && len(trial.Leaves(mine)) < 2 {
		return r, false
	}
	missing, err := ask(s.b, t.Unused(s.object.ID))
	if err != nil || !missing.Refused() {
		return r, false // it is not about the object
	}
	for range 2 {
		e, err := ask(s.b, s.object.ID)
		if err != nil {
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
			return r, true
		}
		told := containsAny(trial.Leaves(e), own)
		switch {
		case !e.OK():
			r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
			return r, true
		case told:
			r.Verdict = trial.Fail
			r.Got = fmt.Sprintf("%s reads what %s made by its %s in the %s: %d", s.b.Name, s.a.Name, ref.name, ref.in, e.Status)
		case same(mine, e) >= 0.9 && len(trial.Leaves(mine)) > 1:
			r.Verdict = trial.Suspect
			r.Got = fmt.Sprintf("%s is told of what %s made and %s may not read, by its %s in the %s: %d", s.b.Name, s.a.Name, s.b.Name, ref.name, ref.in, e.Status)
		default:
			return trial.Result{}, false
		}
		r.Shown = []*traffic.Exchange{s.object.Made, e}
	}
	s.excuse(&r)
	s.borrowed(ctx, t, &r)
	return r, true
}

// telling are values of an answer that the owner's object has, and the other's
// has not: its number, its amount. Times are of whoever asks.
func (s *scene) telling(ctx context.Context, t *trial.Trial, answer *traffic.Exchange) []string {
	twin := sceneOf(ctx, t, s.creator, s.b, s.a)
	if twin.err != nil {
		return nil
	}
	others := slices.Collect(maps.Values(trial.Leaves(twin.look())))
	shown := slices.Collect(maps.Values(trial.Leaves(answer)))
	var out []string
	for at, v := range trial.Leaves(s.look()) {
		name := at[strings.LastIndexByte(at, '/')+1:]
		if len(v) >= 6 && v != s.object.ID && !timely(name) && !strings.Contains(strings.ToLower(name), "created") && !slices.Contains(others, v) && slices.Contains(shown, v) {
			out = append(out, v)
		}
	}
	return out
}

func containsAny(leaves map[string]string, wanted []string) bool {
	for _, v := range leaves {
		if slices.Contains(wanted, v) {
			return true
		}
	}
	return false
}

// look is what the object is to its owner.
func (s *scene) look() *traffic.Exchange {
	if s.own != nil && s.own.OK() {
		return s.own
	}
	return s.object.Made
}
