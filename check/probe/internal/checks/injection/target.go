package injection

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// Bounds: of slots of an operation, of requests for one, and for all.
const (
	maxSlots     = 12
	perOperation = 40
	perRun       = 1500
	// slowly is what intrusive checks may send more.
	slowly = 60
)

// errEnough says that an operation got as many requests as it is worth.
var errEnough = &trial.ReasonError{Reason: "as many requests were sent as one operation is worth"}

// A target is an operation and its slots.
type target struct {
	t  *trial.Trial
	op *openapi.Operation
	// base is a valid request; nil when none is known, and then only what
	// proves itself is judged: the draft may be refused for other reasons.
	base  *trial.Baseline
	draft *trial.Draft
	// status is how the draft is answered.
	status int
	why    string
	slots  []*slot
	make   *values.Maker
	sent   int
	pool   *int
	dirty  bool
	login  bool
	quiet  int // slots that were asked for engines on suspicion
	// marked are requests that hold markup, for what is stored.
	stored []stored
}

type stored struct {
	object *trial.Object
	marks  []string
}

// A kind is what a slot takes.
type kind int

const (
	free kind = iota
	typed
	email
	address // a URL
	file
)

// A slot is a place, and what came back when it held what is none of its
// business.
type slot struct {
	trial.Slot
	kind kind
	max  int // characters, -1 means no bound

	// The answer to a text that many languages stumble over, and the mark and
	// the factors in it.
	mark   string
	a, b   int
	answer *traffic.Exchange
	// First is the answer to all of that text, and answer may be one to a
	// part of it that was not refused.
	first *traffic.Exchange
	// Refused tells that it takes nothing but what it should.
	refused bool
	err     error
}

func (s *slot) is(words ...string) bool { return holds(strings.ToLower(s.Name), words...) }

func holds(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// reads tells whether conditions may be sent: of what reads, the worst is that
// it reads more.
func (g *target) reads() bool { return !g.op.Writes() }

// targets are the operations that are tried, found once for all checks.
func targets(ctx context.Context, t *trial.Trial) []*target {
	return trial.Shared(t, "injection targets", func() []*target {
		var out []*target
		pool := perRun
		t.Each(func(op *openapi.Operation) {
			if trial.Destroys(op) || touchy(t, op) || op.Method == http.MethodOptions || op.Method == http.MethodHead || ctx.Err() != nil {
				return
			}
			g := &target{t: t, op: op, pool: &pool, make: t.Maker("injection " + op.Name())}
			g.find(ctx)
			if g.draft == nil && len(op.Params) == 0 && len(op.Bodies) == 0 {
				return
			}
			out = append(out, g)
			if g.draft != nil {
				g.slots = g.places()
				g.scout(ctx)
				g.restore(ctx)
			}
		})
		return out
	})
}

// touchy operations change what the caller signs in with: after them others
// would have no credentials left.
func touchy(t *trial.Trial, op *openapi.Operation) bool {
	return op.Writes() && !t.Caller(op).IsAnonymous() && holds(strings.ToLower(op.Path+" "+op.ID), "password", "passwd", "passphrase", "mfa", "2fa", "totp", "otp")
}

// signsIn tells whether an operation is one that gives credentials.
func signsIn(op *openapi.Operation) bool {
	if op.Method != http.MethodPost || len(op.PathParams()) > 0 {
		return false
	}
	last := strings.Trim(op.Path, "/")
	last = strings.ToLower(last[strings.LastIndexByte(last, '/')+1:])
	return slices.Contains([]string{"login", "signin", "sign-in", "sign_in", "log-in", "token", "access-token", "session", "sessions", "authenticate", "auth"}, last)
}

// find finds a valid request.
func (g *target) find(ctx context.Context) {
	who := g.t.Caller(g.op)
	g.login = signsIn(g.op)
	if g.login && g.signIn(ctx) {
		return
	}
	b, err := g.t.Baseline(ctx, g.op, who)
	if err == nil {
		g.base, g.draft, g.status = b, b.Draft, b.Last.Status
		if g.op.Method == http.MethodDelete {
			// What it was about is gone. What follows is about one object more.
			g.draft, err = g.t.Fresh(ctx, b)
		}
		if err == nil && g.reads() {
			err = g.t.Mask(ctx, b)
		}
		if err != nil {
			g.base, g.draft, g.why = nil, nil, trial.Reason(err)
		}
		return
	}
	g.why = trial.Reason(err)
	if g.op.Method != http.MethodGet && g.op.Method != http.MethodPost {
		return
	}
	d, err := g.t.Draft(ctx, g.op, who, values.Full)
	if err != nil {
		return
	}
	e, err := g.t.Send(ctx, d.Request())
	if err != nil {
		return
	}
	g.t.Adopt(d, e)
	g.draft, g.status = d, e.Status
}

// signIn makes a valid request of an operation that gives credentials, with
// those of an identity.
func (g *target) signIn(ctx context.Context) bool {
	for _, who := range g.t.Identities {
		l := who.Login
		if l == nil || l.Raw != "" || l.Username == "" || strings.TrimSuffix(l.Path, "/") != strings.TrimSuffix(g.t.Document.Base+g.op.Path, "/") {
			continue
		}
		d, err := g.t.Draft(ctx, g.op, identity.Anonymous(), values.Least)
		if err != nil {
			return false
		}
		fields, ok := d.Body.(map[string]any)
		if !ok {
			return false
		}
		fields[l.UsernameField], fields[l.PasswordField] = l.Username, l.Password
		var last *traffic.Exchange
		for range 2 {
			e, err := g.t.Send(ctx, d.Request())
			if err != nil || !e.OK() {
				return false
			}
			last = e
		}
		g.base = &trial.Baseline{Op: g.op, Who: identity.Anonymous(), Draft: d, Last: last}
		g.draft, g.status = d, last.Status
		return true
	}
	return false
}

// places are the slots of an operation, with parameters of the query and the
// header that a valid request leaves out.
func (g *target) places() []*slot {
	all := g.draft.Slots()
	if g.op.Method == http.MethodDelete {
		all = slices.DeleteFunc(all, func(s trial.Slot) bool { return s.In != "path" })
	} else {
		for _, p := range g.op.Params {
			if p.In != "query" && p.In != "header" || slices.ContainsFunc(all, func(s trial.Slot) bool { return s.In == p.In && s.Name == p.Name }) ||
				strings.EqualFold(p.Name, "authorization") || g.credential(p) {
				continue
			}
			if p.Schema != nil && !p.Schema.Is("string") && len(p.Schema.OneOf) == 0 {
				continue
			}
			all = append(all, trial.Slot{In: p.In, Name: p.Name, Schema: p.Schema})
		}
	}
	var out []*slot
	for _, s := range all {
		x := &slot{Slot: s, max: -1}
		x.kind = kindOf(s)
		if s.Schema != nil {
			x.max = s.Schema.MaxLength
		}
		if g.op.Writes() && !g.login && x.is("password", "passwd", "passphrase") {
			continue // no policy takes it, and it is hashed
		}
		if g.op.Method != http.MethodPost && g.op.Writes() && s.In == "body" && len(g.op.PathParams()) == 0 && x.is("email", "username", "login", "role") {
			continue // it may be the caller's own
		}
		if s.Name == "grant_type" || s.In == "header" && holds(strings.ToLower(s.Name), "if-", "accept", "content-", "range", "cookie", "host") {
			continue
		}
		out = append(out, x)
	}
	// What takes a text is worth more than what takes a number.
	slices.SortStableFunc(out, func(a, b *slot) int { return worth(a) - worth(b) })
	return out[:min(len(out), maxSlots)]
}

func worth(s *slot) int {
	if s.kind != typed || s.In == "path" || s.In == "query" {
		return 0
	}
	return 1
}

func (g *target) credential(p *openapi.Param) bool {
	for _, s := range g.t.Document.Schemes {
		if s.Type == "apiKey" && s.In == p.In && strings.EqualFold(s.Key, p.Name) {
			return true
		}
	}
	return false
}

func kindOf(s trial.Slot) kind {
	if _, ok := s.Value.(trial.File); ok {
		return file
	}
	if _, text := s.Value.(string); s.Value != nil && !text {
		return typed
	}
	x := s.Schema
	if x == nil {
		return free
	}
	if len(x.Enum) > 0 {
		return typed
	}
	if len(x.Types) > 0 && !x.Is("string") {
		return typed
	}
	if len(x.Types) == 0 && len(x.OneOf) > 0 && !slices.ContainsFunc(x.OneOf, func(o *openapi.Schema) bool {
		return o.Is("string") && len(o.Enum) == 0 && kindOf(trial.Slot{Schema: o}) == free
	}) {
		return typed
	}
	switch x.Format {
	case "uuid", "uuid4", "date", "date-time", "time", "duration", "ipv4", "ipv6", "byte", "base64", "binary", "decimal":
		return typed
	case "email", "idn-email":
		return email
	case "uri", "url", "iri":
		return address
	}
	return free
}

// number is a slot's value as a whole number.
func (s *slot) number() (int, bool) {
	if s.Value == nil {
		return 0, false
	}
	n, err := strconv.Atoi(fmt.Sprint(s.Value))
	return n, err == nil && n >= 0 && n < 1<<40
}

// fresh is a valid request that was not sent yet, with texts of its own.
func (g *target) fresh() *trial.Draft {
	if g.login || g.op.Method == http.MethodDelete {
		return g.draft.Clone()
	}
	b := g.base
	if b == nil {
		b = &trial.Baseline{Op: g.op, Who: g.draft.Who, Draft: g.draft}
	}
	return g.t.Again(b)
}

// with is a fresh request with another value in a slot. Wrong passwords are
// those of nobody: a user's would lock it out.
func (g *target) with(s *slot, v any) *trial.Draft {
	d := g.fresh()
	if g.login && s.is("pass") {
		for _, other := range g.slots {
			if other != s && other.kind != typed && other.Value != nil {
				d = d.With(other.Slot, other.quoted(g.make.Mark(), ""))
			}
		}
	}
	return d.With(s.Slot, v)
}

// send sends one, within bounds.
func (g *target) send(ctx context.Context, d *trial.Draft) (*traffic.Exchange, error) {
	if g.sent >= perOperation || *g.pool <= 0 {
		return nil, errEnough
	}
	*g.pool--
	return g.slow(ctx, d)
}

// slow is send for intrusive checks.
func (g *target) slow(ctx context.Context, d *trial.Draft) (*traffic.Exchange, error) {
	if g.sent >= perOperation+slowly {
		return nil, errEnough
	}
	g.sent++
	g.dirty = true
	e, err := g.t.Send(ctx, d.Request())
	if err != nil {
		return nil, err
	}
	if e.Status == http.StatusTooManyRequests {
		return nil, &trial.ReasonError{Reason: "a rate limit answers"}
	}
	g.t.Adopt(d, e)
	if g.login && e.OK() {
		// It holds credentials of a user.
		c := *e
		c.Body = []byte("(not shown: it holds credentials)")
		c.Header = e.Header.Clone()
		c.Header.Del("Set-Cookie")
		return &c, nil
	}
	return e, nil
}

// try is send with a value in a slot.
func (g *target) try(ctx context.Context, s *slot, v any) (*traffic.Exchange, error) {
	return g.send(ctx, g.with(s, v))
}

// restore puts back what a request changed of the one thing that the path
// names: the caller's own profile, the settings.
func (g *target) restore(ctx context.Context) {
	if !g.dirty || g.base == nil {
		return
	}
	g.dirty = false
	if (g.op.Method == http.MethodPut || g.op.Method == http.MethodPatch) && len(g.op.PathParams()) == 0 {
		_, _ = g.t.Send(ctx, g.base.Draft.Request()) // the next one says what is wrong
	}
}

// accepted tells whether an answer is like that to a valid request.
func (g *target) accepted(e *traffic.Exchange) bool { return e.OK() || e.Status == g.status }

// refuses tells whether an answer says that the value is of no use here.
func refuses(e *traffic.Exchange) bool {
	return e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity
}

// factors are two numbers whose product nobody else would write.
func (g *target) factors() (a, b int) {
	r := g.make.Rand()
	return 1100 + r.IntN(8800), 1100 + r.IntN(8800)
}

// ordered are two numbers of five digits, the lower first.
func (g *target) ordered() (low, high int) {
	r := g.make.Rand()
	return 11000 + r.IntN(30000), 55000 + r.IntN(40000)
}

// computed tells whether a text has a mark with the product after it, in
// whatever way a locale groups digits.
func computed(body, mark string, product int) bool {
	for rest := body; ; {
		_, after, ok := strings.Cut(rest, mark)
		if !ok {
			return false
		}
		digits := grouping().ReplaceAllString(after[:min(len(after), 32)], "$1")
		if strings.HasPrefix(digits, strconv.Itoa(product)) {
			return true
		}
		rest = after
	}
}

var grouping = lazy.Regexp(`(\d)(?:[,.'’_ ]|\x{00a0}|\x{202f}|&#44;|&nbsp;)(?:\b)`)

// polyglot is a text that ends strings and groups of most languages, has
// markup, and asks template engines for a product.
func polyglot(mark string, a, b, limit int) string {
	v := mark + `'"<pv1>)(\`
	for _, open := range []string{"{{%d*%d}}", "${%d*%d}", "#{%d*%d}", "<%%=%d*%d%%>"} {
		next := v + mark + fmt.Sprintf(open, a, b)
		if limit >= 0 && len(next) > limit {
			break
		}
		v = next
	}
	if limit >= 0 && len(v) > limit {
		return mark[:max(0, min(len(mark), limit-1))] + "'"
	}
	return v
}

// scout learns how each slot answers to the polyglot; all free ones at once
// first, since most take it as the text that it is.
func (g *target) scout(ctx context.Context) {
	prepare := func(s *slot) string {
		s.mark = g.make.Mark()
		s.a, s.b = g.factors()
		return polyglot(s.mark, s.a, s.b, s.max)
	}
	var together []*slot
	for _, s := range g.slots {
		if s.kind == free && s.In != "path" && !g.login {
			together = append(together, s)
		}
	}
	if len(together) > 1 {
		d := g.fresh()
		for _, s := range together {
			d = d.With(s.Slot, prepare(s))
		}
		e, err := g.send(ctx, d)
		if err == nil && g.accepted(e) && e.Status < 500 && !speaks(e) {
			for _, s := range together {
				s.answer, s.first = e, e
			}
			g.remember(d, e, together)
		}
	}
	numbers := 0
	for _, s := range g.slots {
		if s.answer != nil || s.kind == file {
			continue
		}
		if s.kind == free {
			d := g.with(s, prepare(s))
			s.answer, s.err = g.send(ctx, d)
			if s.err != nil {
				continue
			}
			s.first = s.answer
			g.remember(d, s.answer, []*slot{s})
			if !refuses(s.answer) || speaks(s.answer) || s.In == "path" {
				continue
			}
		}
		if s.kind == typed && s.In == "body" {
			if numbers++; numbers > 3 {
				s.refused = true // it is as the others are
				continue
			}
		}
		mark := g.make.Mark()
		e, err := g.try(ctx, s, s.quoted(mark, "'"))
		if err != nil {
			s.err = err
			continue
		}
		s.refused = refuses(e) && !speaks(e)
		if s.answer == nil {
			s.mark = mark
		}
		if s.answer == nil || !s.refused {
			s.answer = e
		}
	}
}

// remember keeps what was stored with markup in it.
func (g *target) remember(d *trial.Draft, e *traffic.Exchange, of []*slot) {
	if !g.op.Writes() || !e.OK() {
		return
	}
	st := stored{}
	for _, s := range of {
		st.marks = append(st.marks, s.mark)
	}
	objects := g.t.Objects()
	switch {
	case g.op.Method == http.MethodPost && len(objects) > 0 && objects[len(objects)-1].Creator == g.op:
		st.object = objects[len(objects)-1]
	case len(d.Made) > 0:
		st.object = d.Made[len(d.Made)-1]
	}
	g.stored = append(g.stored, st)
}

// quoted is a value of the slot's kind with something at its end.
func (s *slot) quoted(mark, end string) string {
	switch s.kind {
	case email:
		return mark + end + "x@example.com"
	case address:
		return "https://example.com/" + mark + end
	case typed:
		return fmt.Sprint(s.Value) + end
	}
	if s.max >= 0 && len(mark)+len(end) > s.max {
		mark = mark[:max(0, s.max-len(end))]
	}
	return mark + end
}

// settled tells that nothing is to be learned of a slot any more, and why.
func (s *slot) settled() (*outcome, bool) {
	switch {
	case s.err != nil:
		return unclear(s.err), true
	case s.answer == nil, s.refused:
		return nil, true
	}
	return nil, false
}

// crashed tells whether an answer is one of a server that failed.
func crashed(e *traffic.Exchange) bool {
	return e.Status >= 500 && e.Status != http.StatusServiceUnavailable && e.Status != http.StatusNotImplemented
}
