package objects

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

// privileges are members that say who may do what, as frameworks and tutorials
// name them, with what they are set to.
func privileges() map[string]any {
	return map[string]any{
		"role": "admin", "roles": []any{"admin"}, "is_admin": true, "isAdmin": true, "admin": true, "is_superuser": true, "is_staff": true, "permissions": []any{"admin"},
	}
}

// grave is how bad it is that a client sets a member.
func grave(name string) finding.Severity {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(flat(name), w) })
	}
	switch {
	case has("role", "admin", "superuser", "staff", "permission", "scope", "tenant", "organisation", "organization") || slices.Contains(owners(), flat(name)):
		return finding.Critical
	case has("balance", "credit", "price", "total", "amount", "discount", "paid", "verified", "approved", "status", "state", "plan", "active", "enabled", "confirmed", "quota", "points"):
		return finding.High
	case flat(name) == "id" || flat(name) == "uuid" || has("created", "updated", "date", "time"):
		return finding.Low
	}
	return finding.Medium
}

// extra are members of an answer that a request of an operation may not have,
// each with another value of its kind.
func extra(t *trial.Trial, op *openapi.Operation, leaves map[string]string) map[string]any {
	var schema *openapi.Schema
	if b := op.JSON(); b != nil {
		schema = b.Schema
	}
	m := t.Maker("assign " + op.Name())
	out := map[string]any{}
	for _, at := range slices.Sorted(maps.Keys(leaves)) {
		name := strings.TrimPrefix(at, "/")
		if name == "" || strings.Contains(name, "/") {
			continue
		}
		if p := schema.Property(name); p != nil && !p.ReadOnly {
			continue
		}
		if v := other(name, leaves[at], m); v != nil && !hides(name, v) {
			out[name] = v
		}
	}
	return out
}

// hides tells whether a flag takes away the object, or the account that writes
// it: what was set besides could not be seen any more.
func hides(name string, v any) bool {
	words := []string{"active", "enabled", "visible"}
	if v == true {
		words = []string{"deleted", "removed", "disabled", "inactive", "blocked", "banned", "locked", "suspended", "archived", "hidden"}
	} else if v != false {
		return false
	}
	last := flat(name)
	for _, is := range []string{"is", "was"} {
		last = strings.TrimPrefix(last, is)
	}
	return slices.Contains(words, last)
}

// other is a value of the same kind that is another.
func other(name, v string, m *values.Maker) any {
	switch {
	case v == "true":
		return false
	case v == "false":
		return true
	case strings.Contains(flat(name), "role"):
		return "admin"
	case len(v) < 16 && strings.Trim(v, "0123456789") == "" && v != "":
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return nil
		}
		if flat(name) == "id" {
			return 910_000_000 + n%1000
		}
		return n + 1337
	case strings.Trim(v, "-.0123456789") == "" && strings.Count(v, ".") == 1:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return nil
		}
		return f + 1337.5
	case len(v) == 36 && strings.Count(v, "-") == 4:
		return m.UUID()
	case len(v) >= 19 && v[4] == '-' && v[10] == 'T':
		return "2001-02-03T04:05:06Z"
	case v == "<nil>" || v == "":
		return nil // of what kind is not known
	}
	return m.Mark()
}

// taken are members of an object that hold what we wrote, and did not before.
// One that we invented is among them when the API keeps whatever it gets.
func taken(after, before map[string]string, sent map[string]any) (names []string, keepsAll bool) {
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		v := fmt.Sprint(sent[name])
		if l, ok := sent[name].([]any); ok {
			v = fmt.Sprint(l[0])
			if after["/"+name+"/0"] == v && before["/"+name+"/0"] != v {
				names = append(names, name)
			}
			continue
		}
		if got, ok := after["/"+name]; ok && before["/"+name] != v && alike(got, v) {
			if name == invented {
				keepsAll = true
				continue
			}
			names = append(names, name)
		}
	}
	return names, keepsAll
}

// alike compares values that may be written in two ways.
func alike(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err1 == nil && err2 == nil {
		return x == y
	}
	// A time comes back with an offset or fractions.
	return len(a) >= 19 && len(b) >= 19 && a[4] == '-' && a[:19] == b[:19]
}

// invented is a member that no API has.
const invented = "pv_invented"

// worst orders names by how bad they are.
func worst(names []string) (string, finding.Severity) {
	slices.SortStableFunc(names, func(a, b string) int { return int(grave(b)) - int(grave(a)) })
	return names[0], grave(names[0])
}

func assign(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if len(t.Identities) == 0 || t.ReadOnly() {
		return
	}
	a := t.Identities[0]
	if users := t.Users(); len(users) > 0 {
		a = users[0]
	}
	t.Each(func(op *openapi.Operation) {
		if op.JSON() == nil || !op.Secured() || trial.Destroys(op) {
			return
		}
		creator := t.Creator(op)
		switch {
		case op.Method == http.MethodPost && len(t.On(op)) > 0 && !account(op):
			report(assignTo(ctx, t, op, a, sceneFor(ctx, t, op, a), assignNew))
		case changing(op) && op.Method != http.MethodDelete && creator != nil && !account(creator) && strings.HasSuffix(op.Path, "}"):
			report(assignTo(ctx, t, op, a, sceneFor(ctx, t, creator, a), assignOld))
		case changing(op) && op.Method != http.MethodDelete && len(op.PathParams()) == 0 && isSelf(op):
			report(assignSelf(ctx, t, op, a))
		}
	})
	if !a.Enrolled && a.Registers() {
		if own, err := spare(ctx, t, a, "assign account"); err == nil {
			a = own
		}
	}
	if a.Enrolled && a.Registered != nil && a.Registered.JSON() != nil && a.Login != nil {
		report(assignAccount(ctx, t, a))
	}
}

// sceneFor is the scene that other checks know already, if there is one.
func sceneFor(ctx context.Context, t *trial.Trial, creator *openapi.Operation, a *identity.Identity) *scene {
	if x, y, ok := t.Pair(); ok && x == a {
		return sceneOf(ctx, t, creator, x, y)
	}
	return sceneOf(ctx, t, creator, a, a)
}

// tried is what a request with more members did.
type tried struct {
	e             *traffic.Exchange
	before, after map[string]string
	// weak tells that what came back is the answer itself, which may only
	// repeat what was sent.
	weak bool
}

type assigner func(ctx context.Context, t *trial.Trial, s *scene, op *openapi.Operation, more map[string]any) (tried, error)

func with(d *trial.Draft, more map[string]any) *trial.Draft {
	c := d.Clone()
	fields, _ := c.Body.(map[string]any)
	if fields == nil {
		fields = map[string]any{}
	}
	for name, v := range more {
		fields[name] = v
	}
	c.Body = fields
	return c
}

func assignNew(ctx context.Context, t *trial.Trial, s *scene, op *openapi.Operation, more map[string]any) (tried, error) {
	d, err := t.Draft(ctx, op, s.a, values.Full)
	if err != nil {
		return tried{}, err
	}
	d = with(d, more)
	e, err := t.Send(ctx, d.Request())
	if err != nil {
		return tried{}, err
	}
	out := tried{e: e, before: s.seen()}
	o := t.Adopt(d, e)
	if o == nil {
		return out, nil
	}
	if s.reader == nil {
		out.after, out.weak = seenIn(e), true
		return out, nil
	}
	out.after, _, err = look(ctx, t, s, o)
	return out, err
}

// seen is the object as its owner sees it.
func (s *scene) seen() map[string]string {
	if s.own != nil && s.own.OK() {
		return seenIn(s.own)
	}
	return seenIn(s.object.Made)
}

func assignOld(ctx context.Context, t *trial.Trial, s *scene, op *openapi.Operation, more map[string]any) (tried, error) {
	d, err := t.Draft(ctx, op, s.a, values.Full)
	if err != nil {
		return tried{}, err
	}
	if len(d.Made) == 0 || !d.Made[len(d.Made)-1].Of(d.Who) {
		return tried{}, &trial.ReasonError{Reason: "no object could be made"}
	}
	o := d.Made[len(d.Made)-1]
	before, _, err := look(ctx, t, s, o)
	if err != nil {
		return tried{}, err
	}
	out := tried{before: before}
	if out.e, err = t.Send(ctx, with(d, more).Request()); err != nil || !out.e.OK() {
		return out, err
	}
	out.after, _, err = look(ctx, t, s, o)
	return out, err
}

func assignTo(ctx context.Context, t *trial.Trial, op *openapi.Operation, a *identity.Identity, s *scene, do assigner) trial.Result {
	r := trial.Result{Operation: op.Name(), Want: "422, or that it is ignored"}
	if s.err != nil {
		r.Reason = trial.Reason(s.err)
		return r
	}
	if _, err := t.Baseline(ctx, op, a); err != nil {
		r.Reason = trial.Reason(err)
		return r
	}
	more := extra(t, op, s.seen())
	// Whose it is, is for probe/owner-from-token to say.
	maps.DeleteFunc(more, func(name string, _ any) bool { return slices.Contains(owners(), flat(name)) })
	sets := []map[string]any{more}
	all := maps.Clone(more)
	all[invented] = t.Maker("assign " + op.Name()).Mark()
	for name, v := range privileges() {
		if _, ok := all[name]; !ok && op.JSON().Schema.Property(name) == nil {
			all[name] = v
		}
	}
	sets[0] = all
	x, err := do(ctx, t, s, op, all)
	if err == nil && x.e.Refused() {
		// It refuses what it does not know, or one of them for its kind.
		sets = nil
		for _, name := range slices.Sorted(maps.Keys(more)) {
			if grave(name) >= finding.High && len(sets) < 4 {
				sets = append(sets, map[string]any{name: more[name]})
			}
		}
	}
	r.Verdict = trial.Pass
	for _, set := range sets {
		if try(ctx, t, s, op, set, do, &r); r.Verdict != trial.Pass {
			return r
		}
	}
	return r
}

// try writes members twice.
func try(ctx context.Context, t *trial.Trial, s *scene, op *openapi.Operation, set map[string]any, do assigner, r *trial.Result) {
	for range 2 {
		x, err := do(ctx, t, s, op, set)
		if err != nil {
			r.Verdict, r.Reason, r.Got, r.Shown = trial.Inconclusive, trial.Reason(err), "", nil
			if errors.Is(err, errBlind) {
				r.Reason = errBlind.Error()
			}
			return
		}
		names, keepsAll := taken(x.after, x.before, set)
		// What the object did not have before may be one more that is kept.
		if keepsAll {
			names = slices.DeleteFunc(names, func(n string) bool { _, had := x.before["/"+n]; return !had })
		}
		// What is so without us, too, was not set by us: whether it is the
		// first, or was edited.
		if len(names) > 0 {
			twin, err := do(ctx, t, s, op, nil)
			if err != nil {
				r.Verdict, r.Reason, r.Got, r.Shown = trial.Inconclusive, trial.Reason(err), "", nil
				return
			}
			names = slices.DeleteFunc(names, func(n string) bool {
				return twin.after["/"+n] == x.after["/"+n] && twin.after["/"+n+"/0"] == x.after["/"+n+"/0"]
			})
		}
		if len(names) == 0 {
			r.Verdict, r.Got, r.Shown, r.Severity = trial.Pass, "", nil, finding.Unknown
			return
		}
		name, severity := worst(names)
		r.Verdict, r.Severity = trial.Fail, severity
		r.Got = fmt.Sprintf("%s is set by a request that may not have it (%d)", strings.Join(names, ", "), x.e.Status)
		r.Shown = []*traffic.Exchange{x.e}
		if _, had := x.before["/"+name]; !had {
			r.Verdict = trial.Suspect
			r.Got += "; it was not there before"
		}
		if x.weak {
			r.Verdict = trial.Suspect
			r.Got += "; no operation reads the object again"
		}
	}
}

// assignSelf writes to an account that was registered for it: one that became
// an administrator is no ordinary user for other checks.
func assignSelf(ctx context.Context, t *trial.Trial, op *openapi.Operation, a *identity.Identity) trial.Result {
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "422, or that it is ignored"}
	c, err := spare(ctx, t, a, "assign "+op.Method)
	if err != nil {
		return trial.Result{Operation: op.Name(), Reason: "no user could be registered to be changed: " + err.Error()}
	}
	before := mirror(ctx, t, c)
	if len(before) == 0 {
		return trial.Result{Operation: op.Name(), Reason: "no operation shows users to themselves"}
	}
	more := extra(t, op, before)
	maps.DeleteFunc(more, func(name string, _ any) bool {
		// With another name its token may be nobody's, and in another state it
		// may be shut out.
		return identity.PasswordName(name) || slices.Contains([]string{"email", "username", "login", "id", "uuid", "sub", "status", "state"}, flat(name))
	})
	more[invented] = t.Maker("assign " + op.Name()).Mark()
	for name, v := range privileges() {
		if _, ok := more[name]; !ok && op.JSON().Schema.Property(name) == nil {
			more[name] = v
		}
	}
	for n := range 2 {
		if n > 0 {
			if c, err = spare(ctx, t, a, fmt.Sprintf("assign %s %d", op.Method, n)); err != nil {
				return trial.Result{Operation: op.Name(), Reason: "no user could be registered to be changed: " + err.Error()}
			}
		}
		d, err := t.Draft(ctx, op, c, values.Full)
		if err != nil {
			return trial.Result{Operation: op.Name(), Reason: trial.Reason(err)}
		}
		d.Type = op.JSON().Type
		// That an account was edited is no privilege.
		if _, err := t.Send(ctx, d.Request()); err != nil {
			return trial.Result{Operation: op.Name(), Reason: trial.Reason(err)}
		}
		before = mirror(ctx, t, c)
		d = with(d, more)
		e, err := t.Send(ctx, d.Request())
		if err != nil {
			return trial.Result{Operation: op.Name(), Reason: trial.Reason(err)}
		}
		after := mirror(ctx, t, c)
		names, keepsAll := taken(after, before, more)
		if keepsAll {
			names = slices.DeleteFunc(names, func(n string) bool { _, had := before["/"+n]; return !had })
		}
		// It refuses what it does not know, or one of them for its kind.
		for _, name := range gravest(more, before) {
			if len(names) > 0 || !e.Refused() && e.Status < 500 {
				break
			}
			one := map[string]any{name: more[name]}
			alone, err := t.Draft(ctx, op, c, values.Full)
			if err != nil {
				break
			}
			sent, err := t.Send(ctx, with(alone, one).Request())
			if err != nil {
				break
			}
			if names, _ = taken(mirror(ctx, t, c), before, one); len(names) > 0 {
				e = sent
			} else if sent.OK() {
				before = mirror(ctx, t, c)
			}
		}
		if len(names) == 0 && len(after) == 0 {
			return trial.Result{Operation: op.Name(), Reason: "the account could not be read any more after it was changed"}
		}
		if len(names) == 0 {
			return trial.Result{Operation: op.Name(), Verdict: trial.Pass}
		}
		_, r.Severity = worst(names)
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s of the user's own account is set by a request that may not have it (%d)", strings.Join(names, ", "), e.Status)
		r.Shown = []*traffic.Exchange{e}
	}
	return r
}

// maxAlone is how many members are tried alone.
const maxAlone = 6

// gravest are members that an account has, those first that matter most.
func gravest(more map[string]any, before map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(more)) {
		if _, had := before["/"+name]; had && flat(name) != "id" {
			out = append(out, name)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return int(grave(b)) - int(grave(a)) })
	return out[:min(len(out), maxAlone)]
}

// spare is one more user, whose secrets are not shown. It is of this run alone:
// one of an earlier run has what that one gave it.
func spare(ctx context.Context, t *trial.Trial, a *identity.Identity, name string) (*identity.Identity, error) {
	c, err := a.Another(ctx, t.Client, strings.ReplaceAll(strings.ToLower(name), " ", "-")+"-"+t.Client.Run())
	if err != nil {
		return nil, err
	}
	for variable, v := range c.Secrets() {
		t.Hide(variable, v)
	}
	return c, nil
}

// assignAccount registers with privileges, and looks at what became of them.
func assignAccount(ctx context.Context, t *trial.Trial, a *identity.Identity) trial.Result {
	op := a.Registered
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "422, or that it is ignored"}
	// A new user, as the one that is to come.
	twin := mirror(ctx, t, a)
	if c, err := spare(ctx, t, a, "assign twin"); err == nil {
		if m := mirror(ctx, t, c); len(m) > 0 {
			twin = m
		}
	}
	more := privileges()
	for name, v := range extra(t, op, twin) {
		if _, ok := more[name]; !ok && grave(name) >= finding.High {
			more[name] = v
		}
	}
	// A list or a word, as it is with an ordinary user.
	maps.DeleteFunc(more, func(name string, v any) bool {
		_, word := v.(string)
		_, list := v.([]any)
		got, is := twin["/"+name]
		_, isList := twin["/"+name+"/0"]
		return word && isList || list && is || is && (got == "true" || got == "false") && word
	})
	more[invented] = t.Maker("assign " + op.Name()).Mark()
	sets := []map[string]any{more}
	for n := 0; n < len(sets); n++ {
		for try := range 2 {
			d, err := t.Draft(ctx, op, identity.Anonymous(), values.Full)
			if err != nil {
				return trial.Result{Operation: op.Name(), Reason: trial.Reason(err)}
			}
			fields, _ := d.Body.(map[string]any)
			name, _ := fields[identity.LoginField(op)].(string)
			if l, ok := fields[a.Login.UsernameField].(string); ok {
				name = l
			}
			password := ""
			for _, k := range slices.Sorted(maps.Keys(fields)) {
				if p, ok := fields[k].(string); ok && identity.PasswordName(k) {
					if password == "" {
						password = p
					}
					fields[k] = password // and again, for confirmation
				}
			}
			t.Hide(fmt.Sprintf("PASSWORD_SPARE_%d_%d", n, try), password)
			d = with(d, sets[n])
			e, err := t.Send(ctx, d.Request())
			if err != nil {
				return trial.Result{Operation: op.Name(), Reason: trial.Reason(err)}
			}
			t.Adopt(d, e)
			if !e.OK() {
				if n == 0 && try == 0 { // strict, or one of them is of the wrong kind
					for _, one := range []string{"role", "is_admin", "admin", "is_superuser"} {
						if _, ok := twin["/"+one]; ok {
							sets = append(sets, map[string]any{one: more[one]})
						}
					}
				}
				break
			}
			c := a.Clone()
			c.Name, c.Login.Username, c.Login.Password = "the new user", name, password
			c, err = c.Again(ctx, t.Client)
			if err != nil {
				return trial.Result{Operation: op.Name(), Reason: "the new user cannot log in, so nothing shows what became of it"}
			}
			for variable, v := range c.Secrets() {
				t.Hide(variable, v)
			}
			after := mirror(ctx, t, c)
			if len(after) == 0 {
				after = trial.Leaves(e)
			}
			names, keepsAll := taken(after, twin, sets[n])
			if keepsAll {
				names = slices.DeleteFunc(names, func(n string) bool { _, had := twin["/"+n]; return !had })
			}
			if len(names) == 0 {
				r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
				break
			}
			_, r.Severity = worst(names)
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s of a new account is set by whoever registers (%d)", strings.Join(names, ", "), e.Status)
			r.Shown = []*traffic.Exchange{e}
		}
		if r.Verdict == trial.Fail {
			return r
		}
	}
	return r
}
