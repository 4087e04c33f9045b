package objects

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

// changing are operations that change or take away what a path names.
func changing(op *openapi.Operation) bool {
	return op.Method == http.MethodPut || op.Method == http.MethodPatch || op.Method == http.MethodDelete
}

// An effect is what a request of somebody else did to an object.
type effect struct {
	made, sent *traffic.Exchange
	// what changed, for a report; empty means nothing.
	what string
	// blind tells that the owner cannot look at the object.
	blind bool
}

// look is an object as its owner sees it.
func look(ctx context.Context, t *trial.Trial, s *scene, o *trial.Object) (leaves map[string]string, gone bool, err error) {
	if s.reader != nil {
		params := s.reader.PathParams()
		path := maps.Clone(o.Path)
		if path == nil {
			path = map[string]string{}
		}
		path[params[len(params)-1]] = o.ID
		e, err := t.Send(ctx, about(t, s.reader, path, o.Who).Request())
		if err != nil {
			return nil, false, err
		}
		if e.Status == http.StatusNotFound || e.Status == http.StatusGone {
			return nil, true, nil
		}
		if !e.OK() {
			return nil, false, &trial.ReasonError{Reason: fmt.Sprintf("the owner is answered %d", e.Status)}
		}
		return seenIn(e), false, nil
	}
	if s.lister == nil {
		return nil, false, errBlind
	}
	e, err := t.Send(ctx, widen(about(t, s.lister, o.Path, o.Who), s.lister).Request())
	if err != nil {
		return nil, false, err
	}
	if !e.OK() {
		return nil, false, errBlind
	}
	leaves, ok := element(decode(e), o)
	return leaves, !ok, nil
}

var errBlind = errors.New("no operation shows the object to its owner")

// element finds an object in a list.
func element(v any, o *trial.Object) (map[string]string, bool) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if found, ok := element(v[k], o); ok {
				return found, true
			}
		}
	case []any:
		for _, x := range v {
			m, ok := x.(map[string]any)
			if !ok {
				continue
			}
			leaves := map[string]string{}
			for k, x := range m {
				leaves["/"+k] = fmt.Sprint(x)
			}
			for _, at := range slices.Sorted(maps.Keys(leaves)) {
				if leaves[at] == o.ID && strings.Contains(strings.ToLower(at), "id") || slices.Contains(marksOf(o), leaves[at]) {
					return leaves, true
				}
			}
		}
	}
	return nil, false
}

// attack makes an object of a's, has somebody else send a request about it,
// and compares what the owner sees. What changes from one look to the next
// anyway does not count.
func attack(ctx context.Context, t *trial.Trial, s *scene, op *openapi.Operation, how values.How, other *identity.Identity) (effect, error) {
	return attackBy(ctx, t, s, op, how, func(d *trial.Draft) *trial.Draft { return d.As(other) })
}

// attackBy is attack by what is made of the owner's own request.
func attackBy(ctx context.Context, t *trial.Trial, s *scene, op *openapi.Operation, how values.How, twist func(*trial.Draft) *trial.Draft) (effect, error) {
	d, err := t.Draft(ctx, op, s.a, how)
	if err != nil {
		return effect{}, err
	}
	if len(d.Made) == 0 {
		return effect{}, &trial.ReasonError{Reason: "no object could be made"}
	}
	o := d.Made[len(d.Made)-1]
	if !o.Of(d.Who) {
		return effect{}, &trial.ReasonError{Reason: "the object is another's already"}
	}
	before, gone, err := look(ctx, t, s, o)
	out := effect{made: o.Made, blind: errors.Is(err, errBlind)}
	if err != nil && !out.blind {
		return out, err
	}
	if gone && !out.blind {
		return out, &trial.ReasonError{Reason: "the owner does not see the object"}
	}
	second := before
	if !out.blind {
		if second, _, err = look(ctx, t, s, o); err != nil {
			return out, err
		}
	}
	d = twist(different(d, before))
	if out.sent, err = t.Send(ctx, d.Request()); err != nil {
		return out, err
	}
	if out.blind {
		return out, nil
	}
	after, gone, err := look(ctx, t, s, o)
	if err != nil {
		return out, err
	}
	if gone {
		o.Gone = true
		out.what = "is gone"
		return out, nil
	}
	if op.Method == http.MethodDelete || op.Method == http.MethodPost && !out.sent.OK() {
		return out, nil // what is worked on goes on changing
	}
	written := scalars(d.Body)
	for _, at := range slices.Sorted(maps.Keys(after)) {
		if before[at] != second[at] || after[at] == before[at] {
			continue
		}
		name := at[strings.LastIndexByte(at, '/')+1:]
		if (op.Method == http.MethodPost || op.Method == http.MethodGet) && !timely(name) || slices.Contains(written[flat(name)], after[at]) || mark(after[at], d.Body) {
			out.what = "has another " + name
			return out, nil
		}
	}
	return out, nil
}

// timely tells whether a field changes by itself.
func timely(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"updated", "modified", "time", "_at", "date", "count", "views", "last", "version", "etag", "visit", "seen"}, func(w string) bool { return strings.Contains(name, w) })
}

// different makes numbers of a body others than those that are there, as far
// as the schema allows: a change to the same would not be seen.
func different(d *trial.Draft, before map[string]string) *trial.Draft {
	for _, slot := range d.Slots() {
		if slot.In != "body" || before["/"+slot.Name] != fmt.Sprint(slot.Value) {
			continue
		}
		switch v := slot.Value.(type) {
		case int64:
			if slot.Schema == nil || math.IsNaN(slot.Schema.Max) || float64(v+1) < slot.Schema.Max {
				d = d.With(slot, v+1)
			}
		case float64:
			if slot.Schema == nil || math.IsNaN(slot.Schema.Max) || v+1 < slot.Schema.Max {
				d = d.With(slot, v+1)
			}
		case bool:
			d = d.With(slot, !v)
		case string:
			if slot.Schema != nil && len(slot.Schema.Enum) > 1 {
				for _, x := range slot.Schema.Enum {
					if x != nil && fmt.Sprint(x) != v {
						d = d.With(slot, x)
						break
					}
				}
			}
		}
	}
	return d
}

// scalars are the values of a body by their names.
func scalars(v any) map[string][]string {
	out := map[string][]string{}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(k, x)
			}
		case []any:
			for _, x := range v {
				walk(name, x)
			}
		case nil:
		default:
			out[flat(name)] = append(out[flat(name)], fmt.Sprint(v))
		}
	}
	walk("", v)
	return out
}

// mark tells whether a value is a text of ours in a body.
func mark(value string, body any) bool {
	if !strings.Contains(value, "pv") || len(value) < 9 {
		return false
	}
	for _, vs := range scalars(body) {
		if slices.Contains(vs, value) {
			return true
		}
	}
	return false
}

func write(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	_, _, ok := t.Pair()
	t.Each(func(op *openapi.Operation) {
		creator := t.Creator(op)
		if creator == nil || !op.Writes() || !op.Secured() || creator == op {
			return
		}
		if op.Method == http.MethodPost && !action(t, op) {
			return
		}
		if !ok {
			report(trial.Result{Operation: op.Name(), Reason: needTwo})
			return
		}
		a, b, _ := pairFor(ctx, t, op, creator)
		if r, ok := writeOne(ctx, t, op, creator, a, b); ok {
			report(r)
		}
	})
	if ok {
		accounts(ctx, t, report)
		bulkDelete(ctx, t, report)
	}
}

// action tells whether a POST below an object does something to it, as
// POST /orders/{id}/cancel does, and does not make another object.
func action(t *trial.Trial, op *openapi.Operation) bool {
	return !strings.HasSuffix(op.Path, "}") && len(t.On(op)) == 0 && listerOf(t, op) == nil && !trial.Destroys(op)
}

func writeOne(ctx context.Context, t *trial.Trial, op, creator *openapi.Operation, a, b *identity.Identity) (trial.Result, bool) {
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "404 or 403, and no change"}
	s := sceneOf(ctx, t, creator, a, b)
	if s.err != nil {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(s.err)
		return r, true
	}
	// Who may not read what is somebody else's has nothing to do to it; to
	// like what one may read is something else.
	if op.Method == http.MethodPost && (s.other == nil || !s.other.Refused()) {
		return r, false
	}
	base, err := t.Baseline(ctx, op, a)
	if err != nil {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		return r, true
	}
	judge(ctx, t, s, op, base.How, b, &r)
	if r.Verdict == trial.Fail {
		r.Got = fmt.Sprintf("%s: what %s made %s", b.Name, a.Name, r.Got)
		switch {
		case account(creator):
			r.Verdict = trial.Suspect
			r.Got += "; accounts may be for each user to look after"
		case !s.owned() && !personal(creator):
			r.Verdict = trial.Suspect
			r.Got += "; nothing says that it is somebody's"
		case a.Tenant != "" && a.Tenant == b.Tenant && (s.listed || !s.listedToOwn):
			r.Verdict = trial.Suspect
			r.Got += "; both are of one tenant, which may share it"
		}
	}
	return r, true
}

// judge attacks twice.
func judge(ctx context.Context, t *trial.Trial, s *scene, op *openapi.Operation, how values.How, other *identity.Identity, r *trial.Result) {
	for range 2 {
		x, err := attack(ctx, t, s, op, how, other)
		switch {
		case err != nil:
			r.Verdict, r.Reason, r.Got, r.Shown = trial.Inconclusive, trial.Reason(err), "", nil
			return
		case x.what != "":
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s after a request that was answered %d", x.what, x.sent.Status)
			r.Shown = []*traffic.Exchange{x.made, x.sent}
		case x.blind && x.sent.OK():
			// A DELETE of what is not there may be answered in the same way.
			twin, err := t.Missing(ctx, op, other)
			if err != nil || twin.Is(x.sent) {
				r.Verdict, r.Reason = trial.Inconclusive, "the owner cannot look at the object, and what is not there is answered in the same way"
				return
			}
			r.Verdict, r.Got = trial.Suspect, fmt.Sprintf("is answered %d, and what is not there %d", x.sent.Status, twin.Status)
			r.Shown = []*traffic.Exchange{x.made, x.sent}
			return
		case x.sent.OK() && op.Method != http.MethodDelete:
			r.Verdict, r.Reason, r.Got, r.Shown = trial.Inconclusive, "it is answered with 2xx, and nothing changed", "", nil
			return
		default:
			r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
			return
		}
	}
}

// anonymousWrite is for operations of which the document says that anybody may
// call them, on what takes credentials to make.
func anonymousWrite(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if len(t.Identities) == 0 {
		return
	}
	t.Each(func(op *openapi.Operation) {
		creator := t.Creator(op)
		if creator == nil || !changing(op) || op.Secured() || !creator.Secured() {
			return
		}
		a := t.Caller(creator)
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "401"}
		s := sceneOf(ctx, t, creator, a, a)
		if s.err != nil {
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(s.err)
			report(r)
			return
		}
		judge(ctx, t, s, op, values.Full, identity.Anonymous(), &r)
		if r.Verdict == trial.Fail {
			r.Got = "nobody: what " + a.Name + " made " + r.Got
		}
		report(r)
	})
}

// accounts are what a path names by the user's own id or name. A user who was
// registered for this is changed, and nobody else.
func accounts(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	n := 0
	t.Each(func(op *openapi.Operation) {
		a, b, _ := t.PairFor(op)
		if !changing(op) || !op.Secured() || t.Creator(op) != nil || len(op.PathParams()) != 1 || n >= maxAccounts {
			return
		}
		kind := userParam(op)
		if kind == "" || !a.Registers() {
			return
		}
		n++
		report(account1(ctx, t, op, kind, n, a, b))
	})
}

// maxAccounts bounds how many users are registered.
const maxAccounts = 4

// userParam tells which of a user's names a path takes: id, username or email.
func userParam(op *openapi.Operation) string {
	name := op.PathParams()[0]
	before, _, _ := strings.Cut(op.Path, "/{")
	switch f := flat(name); {
	case f == "username" || f == "user" || f == "login":
		return "username"
	case strings.Contains(f, "email"):
		return "email"
	case f == "userid" || f == "accountid" || f == "id" && slices.Contains([]string{"users", "user", "accounts", "customers", "members"}, strings.ToLower(last(before))):
		return "id"
	}
	return ""
}

func account1(ctx context.Context, t *trial.Trial, op *openapi.Operation, kind string, n int, a, b *identity.Identity) trial.Result {
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "404 or 403, and no change"}
	inconclusive := func(format string, args ...any) trial.Result {
		return trial.Result{Operation: op.Name(), Reason: fmt.Sprintf(format, args...)}
	}
	c, err := a.Another(ctx, t.Client, fmt.Sprintf("spare-%d", n))
	if err != nil {
		return inconclusive("no user could be registered to be changed: %v", err)
	}
	for name, v := range c.Secrets() {
		t.Hide(name, v)
	}
	own := self(ctx, t, c)
	id := own[kind]
	if id == "" {
		return inconclusive("the user's own %s is not known", kind)
	}
	d := &trial.Draft{Op: op, Who: b, Base: t.Document.Base, Path: map[string]string{op.PathParams()[0]: id}, Header: http.Header{}}
	m := t.Maker(fmt.Sprintf("account %s %d", op.Name(), n))
	if len(op.Bodies) > 0 {
		d.Type, d.Body = op.Bodies[0].Type, m.Value(op.Bodies[0].Schema, "")
	}
	before := mirror(ctx, t, c)
	e, err := t.Send(ctx, d.Request())
	if err != nil {
		return inconclusive("%s", trial.Reason(err))
	}
	after := mirror(ctx, t, c)
	written := scalars(d.Body)
	for _, at := range slices.Sorted(maps.Keys(after)) {
		name := at[strings.LastIndexByte(at, '/')+1:]
		if before[at] != after[at] && slices.Contains(written[flat(name)], after[at]) {
			r.Got = "has another " + name
		}
	}
	// A password shows in whether the old one still lets in.
	if r.Got == "" && e.OK() && c.Login != nil {
		if _, err := c.Again(ctx, t.Client); err != nil {
			r.Got = "can no longer log in"
		}
	}
	if r.Got == "" {
		if e.OK() {
			return inconclusive("it is answered %d, and nothing changed that can be seen", e.Status)
		}
		return r
	}
	r.Verdict, r.Severity = trial.Fail, finding.Critical
	r.Got = fmt.Sprintf("%s: another user %s after a request that was answered %d", b.Name, r.Got, e.Status)
	r.Shown = []*traffic.Exchange{e}
	return r
}

// mirror is what an API says of who calls, in full.
func mirror(ctx context.Context, t *trial.Trial, who *identity.Identity) map[string]string {
	for _, op := range t.Operations {
		if op.Method != http.MethodGet || !op.Secured() || len(op.PathParams()) > 0 || !isSelf(op) {
			continue
		}
		d, err := t.Draft(ctx, op, who, values.Least)
		if err != nil {
			continue
		}
		if e, err := t.Send(ctx, d.Request()); err == nil && e.OK() {
			return seenIn(e)
		}
	}
	return nil
}
