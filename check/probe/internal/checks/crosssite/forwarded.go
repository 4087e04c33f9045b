package crosssite

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// forwarding are fields by which proxies say for whom they ask.
func forwarding() []string {
	return []string{"X-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Originating-Ip", "X-Cluster-Client-Ip"}
}

// A claim is a group of fields that say the same.
type claim struct {
	what   string
	fields func(v string) [][2]string
	value  func(m *values.Maker) string
	// sign is what an answer has in it when the value was believed, and seen
	// tells whether it does so for that reason.
	sign func(v string) string
	seen func(e, plain *traffic.Exchange, v string) bool
	want string
}

func claims(t *trial.Trial) []claim {
	other := map[string]string{"http": "https", "https": "http"}[t.Client.Base().Scheme]
	same := func(v string) string { return v }
	return []claim{{
		what: "the client's address", want: "the address of the connection",
		fields: func(v string) [][2]string {
			var out [][2]string
			for _, name := range forwarding() {
				out = append(out, [2]string{name, v})
			}
			return append(out, [2]string{"Forwarded", "for=" + v})
		},
		value: func(m *values.Maker) string { return "203.0.113." + strconv.Itoa(2+m.Rand().IntN(250)) },
		sign:  same,
		seen: func(e, plain *traffic.Exchange, v string) bool {
			return mentions(e, v) && !mentions(plain, v)
		},
	}, {
		what: "the API's name", want: "the name that the API knows itself by",
		fields: func(v string) [][2]string {
			return [][2]string{{"X-Forwarded-Host", v}, {"X-Host", v}, {"X-Forwarded-Server", v}, {"X-Original-Host", v}, {"Forwarded", "host=" + v}}
		},
		value: func(m *values.Maker) string { return m.Mark() + ".invalid" },
		sign:  same,
		seen:  func(e, _ *traffic.Exchange, v string) bool { return mentions(e, v) },
	}, {
		what: "the scheme", want: t.Client.Base().Scheme,
		fields: func(string) [][2]string {
			return [][2]string{{"X-Forwarded-Proto", other}, {"X-Forwarded-Scheme", other}, {"X-Scheme", other}, {"Forwarded", "proto=" + other}}
		},
		value: func(*values.Maker) string { return other },
		sign:  func(v string) string { return v + "://" + t.Client.HostField() },
		seen: func(e, plain *traffic.Exchange, _ string) bool {
			self := "://" + t.Client.HostField()
			return mentions(e, other+self) && !mentions(plain, other+self) && mentions(plain, t.Client.Base().Scheme+self)
		},
	}}
}

// forwarded: whoever is believed about the client's address is not limited,
// blocked or logged by it; about the name and the scheme, sends others to
// where he wants.
func forwarded(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	all := reads(ctx, t)
	if len(all) == 0 {
		report(trial.Result{Reason: noReads})
		return
	}
	m := t.Maker("forwarded")
	src := stranger(ctx, t, all[len(all)-1].Draft.Request())
	var subjects []subject
	for _, b := range all {
		subjects = append(subjects, subject{request: b.Draft.Request()})
	}
	subjects = append(subjects, subject{request: slashed(all[len(all)-1])})
	// A link that resets a password leads where the API thinks it is.
	t.Each(func(op *openapi.Operation) {
		if !identity.Reminds(op) {
			return
		}
		if b, err := t.Baseline(ctx, op, identity.Anonymous()); err == nil {
			subjects = append(subjects, subject{request: b.Draft.Request()})
		}
	})
	for _, b := range linking(ctx, t) {
		subjects = append(subjects, subject{made: b})
	}
	found := map[string]bool{}
	for _, about := range subjects {
		list := claims(t)
		var fields []string
		var got []string
		var forward []string
		for _, c := range list {
			v := c.value(m)
			got = append(got, v)
			for _, f := range c.fields(v) {
				if f[0] == "Forwarded" {
					forward = append(forward, f[1])
					continue
				}
				fields = append(fields, f[0], f[1])
			}
		}
		fields = append(fields, "Forwarded", strings.Join(forward, ";"))
		e, err := about.send(ctx, t, src, fields...)
		if err != nil {
			continue
		}
		var plain *traffic.Exchange
		for i, c := range list {
			if found[c.what] {
				continue
			}
			// What a plain request shows is asked for when it matters.
			if !mentions(e, c.sign(got[i])) {
				continue
			}
			if plain == nil {
				if plain, err = about.send(ctx, t, src); err != nil {
					break
				}
			}
			if !c.seen(e, plain, got[i]) {
				continue
			}
			if r, ok := believed(ctx, t, m, about, plain, c, src); ok {
				found[c.what] = true
				if op := about.operation(t); op != nil {
					r.Operation = op.Name()
				}
				report(r)
			}
		}
	}
	if r, ok := countedBy(ctx, t, m, all[0], src); ok {
		report(r)
		return
	}
	if len(found) == 0 {
		report(trial.Result{Verdict: trial.Pass})
	}
}

// believed finds out which single field it is.
func believed(ctx context.Context, t *trial.Trial, m *values.Maker, about subject, plain *traffic.Exchange, c claim, src source) (trial.Result, bool) {
	// An operation that repeats all fields believes none.
	twin := m.Mark()
	if e, err := about.send(ctx, t, src, "X-"+twin, twin); err != nil || mentions(e, twin) {
		return trial.Result{}, false
	}
	for i := range c.fields("") {
		n := 0
		var shown *traffic.Exchange
		name := ""
		for range 2 {
			v := c.value(m)
			f := c.fields(v)[i]
			name = f[0]
			e, err := about.send(ctx, t, src, f[0], f[1])
			if err != nil || !c.seen(e, plain, v) {
				break
			}
			shown = e
			n++
		}
		if n == 2 {
			r := trial.Result{Verdict: trial.Fail, Got: c.what + " is what " + name + " says", Want: c.want, Shown: []*traffic.Exchange{shown}}
			if src.doubt {
				r.Verdict, r.Reason = trial.Suspect, "the probe calls from where a proxy may be"
			}
			return r, true
		}
	}
	return trial.Result{}, false
}

// remaining is what a response says is left of a limit.
func remaining(e *traffic.Exchange) (int, bool) {
	for _, name := range []string{"X-RateLimit-Remaining", "RateLimit-Remaining", "X-Rate-Limit-Remaining"} {
		if n, err := strconv.Atoi(strings.TrimSpace(e.Header.Get(name))); err == nil {
			return n, true
		}
	}
	// RateLimit: "default";r=49;t=50
	for part := range strings.SplitSeq(e.Header.Get("Ratelimit"), ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "r="); ok {
			if n, err := strconv.Atoi(v); err == nil {
				return n, true
			}
		}
	}
	return 0, false
}

// countedBy tells whether a limit is counted by what a field says: two names
// of clients have as much left as the first request had.
func countedBy(ctx context.Context, t *trial.Trial, m *values.Maker, b *trial.Baseline, src source) (trial.Result, bool) {
	if _, ok := remaining(b.Last); !ok {
		return trial.Result{}, false
	}
	left := func(fields ...string) (int, *traffic.Exchange) {
		r := with(b.Draft.Request(), fields...)
		r.From = src.address
		e, err := t.Send(ctx, r)
		if err != nil {
			return -1, nil
		}
		n, ok := remaining(e)
		if !ok {
			return -1, nil
		}
		return n, e
	}
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded"} {
		address := func() string {
			v := "203.0.113." + strconv.Itoa(2+m.Rand().IntN(250))
			if name == "Forwarded" {
				return "for=" + v
			}
			return v
		}
		first, _ := left()
		second, _ := left()
		one, _ := left(name, address())
		two, shown := left(name, address())
		last, _ := left()
		// Ours goes down and down; each of theirs begins anew.
		if first > second && second > last && last >= 0 && one > second && two >= one {
			r := trial.Result{Verdict: trial.Fail, Operation: b.Op.Name(), Got: "the limit is counted by what " + name + " says", Want: "the address of the connection", Shown: []*traffic.Exchange{shown}}
			if src.doubt {
				r.Verdict, r.Reason = trial.Suspect, "the probe calls from where a proxy may be"
			}
			return r, true
		}
	}
	return trial.Result{}, false
}

// addresses asks for what is refused with fields that name this machine, and
// for something else with fields that name what is refused: proxies that
// decide by one path let in another.
func addresses(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	all := reads(ctx, t)
	var probe *traffic.Request
	if len(all) > 0 {
		probe = all[len(all)-1].Draft.Request()
	}
	src := source{}
	if probe != nil {
		src = stranger(ctx, t, probe)
	}
	m := t.Maker("addresses")
	rewritten := 0
	nobody := identity.Anonymous
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet && op.Method != http.MethodPost {
			return
		}
		b, baseErr := t.Baseline(ctx, op, t.Caller(op))
		if baseErr != nil && op.Method != http.MethodGet || baseErr == nil && b.Who.IsAnonymous() {
			return
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass}
		// Each request has texts of its own: if it is served after all, it
		// makes an object, which is cleaned up.
		build := func() *trial.Draft {
			if baseErr == nil {
				return t.Again(b).As(nobody())
			}
			d, err := t.Draft(ctx, op, t.Caller(op), values.Full)
			if err != nil {
				return nil
			}
			return d
		}
		send := func(fields ...string) *traffic.Exchange {
			d := build()
			if d == nil {
				return nil
			}
			req := with(d.Request(), fields...)
			req.From = src.address
			e, err := t.Send(ctx, req)
			if err != nil {
				return nil
			}
			t.Adopt(d, e)
			return e
		}
		refused := func(e *traffic.Exchange) bool {
			return e != nil && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || baseErr != nil && e.Status == http.StatusNotFound)
		}
		plain := send()
		if !refused(plain) {
			return // others judge that
		}
		says := func(v string) []string {
			var out []string
			for _, name := range append(forwarding(), "X-Remote-Addr", "X-Remote-Ip") {
				out = append(out, name, v)
			}
			return append(out, "Forwarded", "for="+v)
		}
		e := send(says("127.0.0.1")...)
		if e != nil && e.OK() && refused(send(says("203.0.113.9")...)) {
			if again := send(says("127.0.0.1")...); again != nil && again.OK() && refused(send()) {
				r.Verdict, r.Got, r.Want, r.Shown = trial.Fail, fmt.Sprintf("%d with a field that names 127.0.0.1, and %d without", e.Status, plain.Status), fmt.Sprint(plain.Status), []*traffic.Exchange{again}
				if src.doubt {
					r.Verdict, r.Reason = trial.Suspect, "the probe calls from where a proxy may be"
				}
			}
		}
		report(r)
		if baseErr == nil && op.Method == http.MethodGet && rewritten < maxRewritten {
			rewritten++
			rewrite(ctx, t, b, all, m, report)
		}
	})
}

// maxRewritten is how many refused operations are asked for by another field.
const maxRewritten = 3

// rewrite asks for an open path, with fields that name a refused one.
func rewrite(ctx context.Context, t *trial.Trial, b *trial.Baseline, all []*trial.Baseline, m *values.Maker, report func(trial.Result)) {
	if t.Mask(ctx, b) != nil {
		return
	}
	target := b.Draft.As(identity.Anonymous()).Request().Path
	path := "/" + m.Mark()
	for _, op := range openTo(all) {
		if !strings.Contains(op.Path, "{") {
			path = t.Document.Base + op.Path
			break
		}
	}
	for _, p := range []string{path, "/"} {
		req := &traffic.Request{Method: http.MethodGet, Path: p}
		var shown *traffic.Exchange
		n := 0
		for range 2 {
			e, err := t.Send(ctx, with(req, "X-Original-Url", target, "X-Rewrite-Url", target))
			if err != nil || !e.OK() || b.Same(e) < 0.9 {
				break
			}
			shown = e
			n++
		}
		if n < 2 {
			continue
		}
		if plain, err := t.Send(ctx, req); err != nil || plain.OK() && b.Same(plain) >= 0.5 {
			continue
		}
		report(trial.Result{Operation: b.Op.Name(), Verdict: trial.Fail, Got: "it is served at another path, with X-Original-URL or X-Rewrite-URL that names it", Want: "these fields are not looked at", Shown: []*traffic.Exchange{shown}})
		return
	}
}
