package objects

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

const (
	needTwo   = "two users of the same role are needed"
	notThere  = "404, as for what is not there"
	noneShown = "another user is answered with 2xx, and nothing in it is of the object"
)

func read(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	_, _, ok := t.Pair()
	t.Each(func(op *openapi.Operation) {
		creator := t.Creator(op)
		if op.Method != http.MethodGet || creator == nil {
			return
		}
		if !op.Secured() && !creator.Secured() {
			return
		}
		if !ok {
			report(trial.Result{Operation: op.Name(), Reason: needTwo})
			return
		}
		a, b, _ := pairFor(ctx, t, op, creator)
		if !op.Secured() {
			report(readOpen(ctx, t, op, creator, a, b))
			return
		}
		r := readSecured(ctx, t, op, creator, a, b)
		report(r)
	})
	if a, b, ok := t.Pair(); ok {
		elsewhere(ctx, t, report)
		bulkRead(ctx, t, report)
		given(ctx, t, report)
		impersonate(ctx, t, report)
		others(ctx, t, a, b, report)
	}
}

// readOpen is for what the document leaves open although it takes credentials
// to make: an article, or an oversight.
func readOpen(ctx context.Context, t *trial.Trial, op, creator *openapi.Operation, a, b *identity.Identity) trial.Result {
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "a look at whether that is meant"}
	s := sceneOf(ctx, t, creator, a, b)
	if s.err != nil {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(s.err)
		return r
	}
	e, err := t.Send(ctx, about(t, op, s.to(op), identity.Anonymous()).Request())
	if err != nil {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		return r
	}
	if e.OK() && s.holds(e, true) && s.owner != "" && !s.public && personal(creator) {
		r.Verdict, r.Severity, r.Got = trial.Suspect, finding.High, fmt.Sprintf("nobody reads what %s made, and %s says whose it is: %d", a.Name, s.owner, e.Status)
		r.Shown = []*traffic.Exchange{s.object.Made, e}
	}
	return r
}

// to is what the path of another operation on the object needs.
func (s *scene) to(op *openapi.Operation) map[string]string {
	path := maps.Clone(s.path)
	params := op.PathParams()
	if len(params) > 0 {
		path[params[len(params)-1]] = s.object.ID
	}
	return path
}

func readSecured(ctx context.Context, t *trial.Trial, op, creator *openapi.Operation, a, b *identity.Identity) trial.Result {
	r := trial.Result{Operation: op.Name(), Want: notThere}
	s := sceneOf(ctx, t, creator, a, b)
	if s.err != nil {
		r.Reason = trial.Reason(s.err)
		return r
	}
	path := s.to(op)
	mine, err := t.Send(ctx, about(t, op, path, a).Request())
	if err != nil || !mine.OK() {
		r.Reason = "the owner cannot read the object"
		return r
	}
	// Below an object there may be nothing of it.
	whole := op == s.reader
	if !whole && !s.holds(mine, false) {
		return s.below(ctx, t, op, path, mine, r)
	}
	for range 2 {
		e, err := t.Send(ctx, about(t, op, path, b).Request())
		if err != nil {
			r.Reason = trial.Reason(err)
			return r
		}
		switch {
		case !e.OK():
			r.Verdict, r.Shown, r.Got = trial.Pass, nil, ""
			return r
		case s.holds(e, false):
		case len(s.object.Marks) == 0 && same(mine, e) >= 0.9:
			// There are no texts of ours in it: it must be all alike, and not
			// what is answered of everything.
			if f, err := t.Missing(ctx, op, b); err != nil || f.Is(e) {
				r.Reason = noneShown
				return r
			}
		default:
			r.Verdict, r.Reason = trial.Inconclusive, noneShown
			return r
		}
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s reads what %s made: %d", b.Name, a.Name, e.Status)
		r.Shown = []*traffic.Exchange{s.object.Made, e}
	}
	s.excuse(&r)
	// What is below an object that is shared is shared with it.
	if parent := t.Creator(creator); parent != nil && parent.Secured() && r.Verdict == trial.Fail {
		if p := sceneOf(ctx, t, parent, a, b); p.err == nil && p.other != nil && p.other.OK() {
			p.excuse(&r)
		}
	}
	s.borrowed(ctx, t, &r)
	return r
}

// below is for what a path below an object shows, of which we know no texts:
// that another is answered at all is judged by what the object itself is.
func (s *scene) below(ctx context.Context, t *trial.Trial, op *openapi.Operation, path map[string]string, mine *traffic.Exchange, r trial.Result) trial.Result {
	e, err := t.Send(ctx, about(t, op, path, s.b).Request())
	switch {
	case err != nil:
		r.Reason = trial.Reason(err)
	case !e.OK():
		r.Verdict = trial.Pass
	case s.other != nil && s.other.Refused() && same(mine, e) >= 0.9 && len(trial.Leaves(mine)) > 1:
		r.Verdict, r.Got = trial.Suspect, fmt.Sprintf("%s is answered %d below what %s made and %s may not read", s.b.Name, e.Status, s.a.Name, s.b.Name)
		r.Shown = []*traffic.Exchange{s.object.Made, e}
	default:
		r.Reason = noneShown
	}
	return r
}

// excuse takes back what may be meant.
func (s *scene) excuse(r *trial.Result) {
	if r.Verdict != trial.Fail {
		return
	}
	switch {
	case s.public:
		r.Verdict, r.Got, r.Shown, r.Reason = trial.NotApplicable, "", nil, "a field of the object says that all may see it"
	case account(s.creator):
		r.Verdict = trial.Suspect
		r.Got += "; accounts are shown to others in many APIs"
	case s.a.Tenant != "" && s.a.Tenant == s.b.Tenant && (s.listed || !s.listedToOwn):
		r.Verdict = trial.Suspect
		r.Got += "; both are of one tenant, which may share it"
	case !s.common():
	case s.owner != "" && personal(s.creator) && s.a.Tenant == "":
	case s.owner != "" || personal(s.creator):
		r.Verdict = trial.Suspect
		r.Got += "; the list shows it to all, too"
	default:
		r.Verdict, r.Got, r.Shown, r.Reason = trial.NotApplicable, "", nil, "the list shows it to all, and nothing says that it is somebody's"
	}
}

// oracle: 403 for what is there and 404 for what is not tells which is which.
func oracle(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if _, _, ok := t.Pair(); !ok {
		return
	}
	t.Each(func(op *openapi.Operation) {
		creator := t.Creator(op)
		if op.Method != http.MethodGet || creator == nil || !op.Secured() || !strings.HasSuffix(op.Path, "}") {
			return
		}
		a, b, _ := pairFor(ctx, t, op, creator)
		s := sceneOf(ctx, t, creator, a, b)
		if s.err != nil || s.own == nil || !s.own.OK() || s.other == nil || !s.other.Refused() || op != s.reader {
			return
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass}
		defer func() { report(r) }()
		param := op.PathParams()[len(op.PathParams())-1]
		var missing []*traffic.Exchange
		var ids []string
		for n := range 2 {
			path := maps.Clone(s.path)
			path[param] = unused(t, s.object.ID, n)
			e, err := t.Send(ctx, about(t, op, path, b).Request())
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			missing, ids = append(missing, e), append(ids, path[param])
		}
		if missing[0].Status != missing[1].Status {
			r.Verdict, r.Reason = trial.Inconclusive, "what is not there is answered in different ways"
			return
		}
		again, err := s.read(ctx, t, b)
		if err != nil || again.Status != s.other.Status {
			r.Verdict, r.Reason = trial.Inconclusive, "another user's object is answered in different ways"
			return
		}
		r.Shown = []*traffic.Exchange{missing[1], again}
		if again.Status != missing[0].Status {
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%d for another user's object, %d for what is not there", again.Status, missing[0].Status), "the same for both"
		} else if at := differs(s, again, missing, ids); at != "" {
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%d for both, and another %s in the body", again.Status, at), "the same for both"
		} else {
			r.Shown = nil
			return
		}
		// Numbers in order and random ones tell nothing; a name or an address
		// does.
		if !random(s.object.ID) {
			r.Severity = finding.Medium
		}
	})
}

// unused is an id that names nothing: the n-th.
func unused(t *trial.Trial, like string, n int) string {
	id := t.Unused(like)
	if n > 0 && id != "" { // another one, of the same kind
		b := []byte(id)
		for i := len(b) - 1; i >= 0; i-- {
			if b[i] >= '0' && b[i] <= '8' || b[i] >= 'a' && b[i] <= 'e' {
				b[i]++
				break
			}
		}
		return string(b)
	}
	return id
}

func random(id string) bool {
	return strings.Trim(id, "0123456789") == "" || len(id) >= 16 && strings.ContainsAny(id, "0123456789") && !strings.Contains(id, "@")
}

// differs finds a part of the body that tells another user's object from what
// is not there; ids that are repeated do not count, nor what differs anyway.
func differs(s *scene, again *traffic.Exchange, missing []*traffic.Exchange, ids []string) string {
	plain := func(e *traffic.Exchange, id string) map[string]string {
		out := trial.Leaves(e)
		for at, v := range out {
			out[at] = strings.ReplaceAll(v, id, "ID")
		}
		return out
	}
	first, second := plain(missing[0], ids[0]), plain(missing[1], ids[1])
	got, before := plain(again, s.object.ID), plain(s.other, s.object.ID)
	for _, at := range slices.Sorted(maps.Keys(first)) {
		if first[at] == second[at] && got[at] == before[at] && got[at] != first[at] {
			return "value at " + strings.Trim(at, "/")
		}
	}
	if len(got) != len(first) && len(first) == len(second) && len(got) == len(before) {
		return "shape"
	}
	return ""
}

func lists(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	t.Each(func(creator *openapi.Operation) {
		l := listerOf(t, creator)
		if creator.Method != http.MethodPost || !creator.Secured() || l == nil || !l.Secured() || ctx.Err() != nil {
			return
		}
		a, b, ok := t.PairFor(creator)
		if !ok {
			report(trial.Result{Operation: l.Name(), Reason: needTwo})
			return
		}
		report(listScoped(ctx, t, sceneOf(ctx, t, creator, a, b), l))
	})
}

func listerOf(t *trial.Trial, creator *openapi.Operation) *openapi.Operation {
	var found *openapi.Operation
	for _, op := range t.Operations {
		if op.Method != http.MethodGet {
			continue
		}
		if strings.TrimSuffix(op.Path, "/") == strings.TrimSuffix(creator.Path, "/") {
			return op
		}
		// What is made below something else is listed by itself: GET /visits of
		// POST /houses/{id}/visits.
		if found == nil && strings.Contains(creator.Path, "{") && !strings.Contains(op.Path, "{") && last(op.Path) == last(creator.Path) {
			found = op
		}
	}
	return found
}

func listScoped(ctx context.Context, t *trial.Trial, s *scene, l *openapi.Operation) trial.Result {
	r := trial.Result{Operation: l.Name(), Want: "a list without it"}
	switch {
	case s.err != nil:
		r.Reason = trial.Reason(s.err)
		return r
	case !s.listedToOwn:
		r.Reason = "the owner's own list does not show the object"
		return r
	case s.listed:
		again, err := s.list(ctx, t, s.b, true, nil)
		if err != nil || !s.holds(again, true) {
			again, err = s.list(ctx, t, s.b, false, nil)
		}
		if err != nil || !s.holds(again, true) {
			r.Reason = "the object was in another user's list once, and not again"
			return r
		}
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s is listed what %s made: %d", s.b.Name, s.a.Name, again.Status)
		r.Shown = []*traffic.Exchange{s.object.Made, again}
		switch {
		case s.public:
			r.Verdict, r.Got, r.Shown, r.Reason = trial.NotApplicable, "", nil, "a field of the object says that all may see it"
		case account(s.creator):
			r.Verdict = trial.Suspect
		case s.other != nil && s.other.Refused() && len(s.marks()) > 0 && s.a.Tenant == "":
			// What may not be read is listed. A list of names alone may be
			// meant.
			if !all(string(again.Body), s.marks()) {
				r.Verdict = trial.Suspect
			}
		case s.owner != "" && personal(s.creator) && s.a.Tenant == "":
		case s.owner != "" || personal(s.creator):
			r.Verdict = trial.Suspect
		default:
			r.Verdict, r.Got, r.Shown, r.Reason = trial.NotApplicable, "", nil, "nothing says that the objects are somebody's"
		}
		s.borrowed(ctx, t, &r)
		return r
	}
	r.Verdict = trial.Pass
	// It is the other user's own list. A filter must not make it anybody's.
	if s.public {
		return r
	}
	filters := url.Values{}
	me := self(ctx, t, s.a)
	for name, v := range map[string]string{"user_id": me["id"], "owner_id": me["id"], "user": me["username"], "username": me["username"], "email": me["email"]} {
		if v != "" {
			filters.Set(name, v)
		}
	}
	if s.owner != "" {
		filters.Set(s.owner, s.ownerValue)
		if flat(s.owner) == "owner" || flat(s.owner) == "user" {
			filters.Set(s.owner+"_id", s.ownerValue)
		}
	}
	tries := []url.Values{{"all": {"true"}}}
	if len(filters) > 0 {
		tries = append(tries, filters)
	}
	ids := belonging(ctx, t, s, l)
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		tries = append(tries, url.Values{name: {ids[name]}})
	}
	for _, more := range tries {
		n := 0
		for n < 2 {
			e, err := s.list(ctx, t, s.b, true, more)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return r
			}
			if !e.OK() || !s.holds(e, true) {
				break
			}
			if n++; n == 2 {
				r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s is listed what %s made, with %s in the query", s.b.Name, s.a.Name, strings.Join(slices.Sorted(maps.Keys(more)), ", "))
				r.Shown = []*traffic.Exchange{s.object.Made, e}
				if s.other != nil && s.other.OK() || s.reader != nil && !s.reader.Secured() {
					r.Verdict = trial.Suspect
					r.Got += "; others may read it"
				}
				return r
			}
		}
	}
	return r
}

// belonging are ids of the owner's, such as that of its organisation, for the
// parameters of a list that ask for one.
func belonging(ctx context.Context, t *trial.Trial, s *scene, l *openapi.Operation) map[string]string {
	out := map[string]string{}
	for _, p := range l.Params {
		if id := self(ctx, t, s.a)["id"]; p.In == "query" && id != "" && slices.Contains(owners(), flat(p.Name)) && len(out) < maxBelonging {
			out[p.Name] = id
		}
	}
	for _, p := range l.Params {
		if p.In != "query" || !strings.HasSuffix(flat(p.Name), "id") || len(out) == maxBelonging {
			continue
		}
		for _, leaves := range []map[string]string{trial.Leaves(s.look()), mirror(ctx, t, s.a)} {
			for _, at := range slices.Sorted(maps.Keys(leaves)) {
				parts := strings.Split(at, "/")
				name := flat(parts[len(parts)-1])
				if name == "id" && len(parts) > 2 {
					name = flat(parts[len(parts)-2]) + name // {"organisation": {"id": 3}}
				}
				if v := leaves[at]; name == flat(p.Name) && v != "" && v != "<nil>" && out[p.Name] == "" {
					out[p.Name] = v
				}
			}
		}
	}
	return out
}

// maxBelonging bounds the parameters of a list that are tried.
const maxBelonging = 4

func all(body string, marks []string) bool {
	return !slices.ContainsFunc(marks, func(m string) bool { return !strings.Contains(body, m) })
}

// tenants asks as a user of another tenant. Nothing that is shared by all users
// of one is an excuse.
func tenants(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	a, b := apart(t)
	if a == nil {
		return
	}
	for _, creator := range creators(t) {
		s := sceneOf(ctx, t, creator, a, b)
		if s.err != nil {
			report(trial.Result{Operation: creator.Name(), Reason: trial.Reason(s.err)})
			continue
		}
		if s.reader != nil && s.reader.Secured() {
			r := readSecured(ctx, t, s.reader, creator, a, b)
			if r.Verdict == trial.Suspect || r.Verdict == trial.NotApplicable && !s.public {
				r = trial.Result{Operation: r.Operation, Verdict: trial.Fail, Want: notThere, Got: fmt.Sprintf("%s of another tenant reads what %s made", b.Name, a.Name), Shown: []*traffic.Exchange{s.object.Made, s.other}}
			}
			report(r)
		}
		if s.lister != nil && s.lister.Secured() && s.listedToOwn && !s.public {
			r := trial.Result{Operation: s.lister.Name(), Verdict: trial.Pass, Want: "a list without it"}
			if s.listed {
				r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s of another tenant is listed what %s made", b.Name, a.Name)
				r.Shown = []*traffic.Exchange{s.object.Made, s.otherList}
			}
			report(r)
		}
	}
}

// apart are two users of different tenants.
func apart(t *trial.Trial) (a, b *identity.Identity) {
	users := t.Identities
	for i, x := range users {
		for _, y := range users[i+1:] {
			if x.Tenant != "" && y.Tenant != "" && x.Tenant != y.Tenant {
				return x, y
			}
		}
	}
	return nil, nil
}
