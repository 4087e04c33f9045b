package authentication

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// A credential is what of an identity says who calls, and where that is sent.
type credential struct {
	who *identity.Identity
	// in is header, cookie or query.
	in, name string
	// scheme is Bearer of Authorization: Bearer TOKEN; empty when the token is
	// all there is.
	scheme, token string
}

// credentialOf finds it: Authorization, a key of the document, a cookie, a
// parameter.
func credentialOf(doc *openapi.Document, who *identity.Identity) (credential, bool) {
	for _, name := range names(who.Header) {
		if v := who.Header.Get(name); v != "" && proves(doc, "header", name) {
			scheme, token, ok := strings.Cut(v, " ")
			if !ok {
				scheme, token = "", v
			}
			return credential{who, "header", name, scheme, token}, true
		}
	}
	for _, c := range who.Cookies {
		if proves(doc, "cookie", c.Name) {
			return credential{who, "cookie", c.Name, "", c.Value}, true
		}
	}
	for _, name := range names(who.Query) {
		if proves(doc, "query", name) {
			return credential{who, "query", name, "", who.Query.Get(name)}, true
		}
	}
	return credential{}, false
}

func names[V any](m map[string]V) []string {
	var out []string
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// proves tells whether a field is one that says who calls, and not a tenant or
// a guard against forged requests.
func proves(doc *openapi.Document, in, name string) bool {
	lower := strings.ToLower(name)
	if strings.Contains(lower, "csrf") || strings.Contains(lower, "xsrf") {
		return false
	}
	for _, s := range doc.Schemes {
		if s.Type == "apiKey" && s.In == in && strings.EqualFold(s.Key, name) {
			return true
		}
	}
	if in == "cookie" {
		return true
	}
	return slices.ContainsFunc([]string{"authorization", "token", "key", "session", "auth"}, func(w string) bool { return strings.Contains(lower, w) })
}

// as is the identity with another value where the credential was, and with no
// other credentials.
func (c credential) as(doc *openapi.Document, value string) *identity.Identity {
	i := c.who.Clone()
	i.Name += " with another credential"
	for _, name := range names(i.Header) {
		if proves(doc, "header", name) {
			delete(i.Header, name)
		}
	}
	i.Cookies = slices.DeleteFunc(i.Cookies, func(k *http.Cookie) bool { return proves(doc, "cookie", k.Name) })
	for _, name := range names(i.Query) {
		if proves(doc, "query", name) {
			delete(i.Query, name)
		}
	}
	switch c.in {
	case "header":
		if i.Header == nil {
			i.Header = http.Header{}
		}
		i.Header.Set(c.name, value)
	case "cookie":
		i.Cookies = append(i.Cookies, &http.Cookie{Name: c.name, Value: value}) //nolint:gosec // it is sent, not set
	case "query":
		if i.Query == nil {
			i.Query = map[string][]string{}
		}
		i.Query.Set(c.name, value)
	}
	return i
}

// with sends another token in the same way.
func (c credential) with(doc *openapi.Document, token string) *identity.Identity {
	if c.scheme != "" {
		token = c.scheme + " " + token
	}
	return c.as(doc, token)
}

// noise is a token of the same length and kind that nobody was given.
func (c credential) noise(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 0x6e6f697365)) // it must be wrong, not secret
	return strings.Map(func(ch rune) rune {
		switch {
		case ch >= '0' && ch <= '9':
			return rune('0' + r.IntN(10))
		case ch >= 'a' && ch <= 'z':
			return rune('a' + r.IntN(26))
		case ch >= 'A' && ch <= 'Z':
			return rune('A' + r.IntN(26))
		}
		return ch
	}, c.token)
}

// A witness is an operation that takes the credential and refuses noise in its
// place: what it says of other tokens means something.
type witness struct {
	b *trial.Baseline
	c credential
}

// try sends the witness's request as another; a request that writes is made
// anew.
func (w witness) try(ctx context.Context, t *trial.Trial, who *identity.Identity) (*traffic.Exchange, error) {
	d := w.b.Draft
	if w.b.Op.Writes() {
		var err error
		if d, err = t.Fresh(ctx, w.b); err != nil {
			return nil, err
		}
	}
	d = d.As(who)
	e, err := t.Send(ctx, d.Request())
	if err == nil {
		t.Adopt(d, e)
	}
	return e, err
}

// got in tells whether it was answered as its owner is: some APIs answer 200
// with an error in it.
func (w witness) gotIn(e *traffic.Exchange) bool {
	return e.OK() && (trial.Shape(e) == trial.Shape(w.b.Last) || w.b.Same(e) > 0.5)
}

// accepted tries a token twice; the exchange is the last one. It is true only
// when it got in both times.
func (w witness) accepted(ctx context.Context, t *trial.Trial, who *identity.Identity) (in bool, e *traffic.Exchange, err error) {
	for range 2 {
		if e, err = w.try(ctx, t, who); err != nil || !w.gotIn(e) {
			return false, e, err
		}
	}
	return true, e, nil
}

// maxWitnesses is on how many operations all forms of a token are tried.
const maxWitnesses = 3

// witnesses of the first identity. The error says why there are none.
func (s *state) witnesses(ctx context.Context, t *trial.Trial) ([]witness, error) {
	if s.found {
		return s.seen, s.noSeen
	}
	s.found = true
	s.seen, s.noSeen = findWitnesses(ctx, t)
	return s.seen, s.noSeen
}

func findWitnesses(ctx context.Context, t *trial.Trial) ([]witness, error) {
	if len(t.Identities) == 0 {
		return nil, &trial.ReasonError{Reason: "there are no credentials"}
	}
	c, ok := credentialOf(t.Document, t.Identities[0])
	if !ok {
		return nil, &trial.ReasonError{Reason: "no field of the credentials is known"}
	}
	var ops []*openapi.Operation
	t.Each(func(op *openapi.Operation) {
		if op.Secured() && op.Method != http.MethodDelete && op.Method != http.MethodHead && op.Method != http.MethodOptions && !gives(op) {
			ops = append(ops, op)
		}
	})
	rank := func(op *openapi.Operation) int {
		n := len(op.PathParams())
		if op.Writes() {
			n += 10
		}
		return n
	}
	slices.SortStableFunc(ops, func(a, b *openapi.Operation) int { return rank(a) - rank(b) })
	var out []witness
	var why error
	tried := 0
	for _, op := range ops {
		b, err := t.Baseline(ctx, op, c.who)
		if err != nil {
			continue
		}
		if tried++; tried > 2*maxWitnesses {
			break
		}
		w := witness{b, c}
		own, err := w.try(ctx, t, c.with(t.Document, c.token))
		if err != nil {
			return nil, err
		}
		if !w.gotIn(own) {
			why = &trial.ReasonError{Reason: "the credentials are in several places, and it is not clear which says who calls"}
			continue
		}
		noise, err := w.try(ctx, t, c.with(t.Document, c.noise(t.Seed)))
		if err != nil {
			return nil, err
		}
		if noise.OK() || noise.Status >= 500 {
			why = &trial.ReasonError{Reason: fmt.Sprintf("%s answers %d to a token of random bytes", op.Name(), noise.Status)}
			continue
		}
		if out = append(out, w); len(out) == maxWitnesses {
			break
		}
	}
	if len(out) == 0 && why == nil {
		why = &trial.ReasonError{Reason: "no operation that asks who calls answered a valid request"}
	}
	if len(out) > 0 {
		why = nil
	}
	return out, why
}

// gives tells whether an operation gives credentials out or takes them back.
func gives(op *openapi.Operation) bool {
	name := strings.ToLower(op.Path + " " + op.ID)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	return has("logout", "signout", "sign-out") || op.Method == http.MethodPost && has("login", "signin", "sign-in", "sign_in", "token", "signup", "sign-up", "sign_up", "register", "forgot", "reset", "refresh", "session", "oauth", "authenticate")
}

// open tells whether an operation is one that most APIs leave open.
func open(op *openapi.Operation) bool {
	if gives(op) || strings.Trim(op.Path, "/") == "" {
		return true
	}
	for seg := range strings.SplitSeq(strings.ToLower(op.Path), "/") {
		if slices.Contains([]string{"health", "healthz", "healthcheck", "ready", "readyz", "live", "livez", "ping", "status", "version", "openapi.json", "docs", ".well-known", "metrics", "public", "webhook", "webhooks", "callback"}, seg) {
			return true
		}
	}
	return false
}
