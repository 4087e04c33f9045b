// Package authentication checks that nobody gets in without valid credentials.
package authentication

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// Checks are those of this package. What one of them found out, such as how an
// operation answers nobody, the others of the same call need not ask again.
func Checks() []*trial.Check {
	s := &state{anon: map[*openapi.Operation]*refusal{}}
	return []*trial.Check{
		{
			ID: "probe/anonymous-refused", Claim: "operations that ask who calls refuse those who do not say", Severity: finding.Critical,
			Refs: []string{"CWE-306", "API2", "V8.2.1"},
			Sure: "the same request was answered with 2xx with credentials twice, and without them twice, with a body that is made alike; operations that most APIs leave open are suspected only",
			Fix:  "Make the operation depend on who calls, and answer 401 with WWW-Authenticate.", Pavise: "lint/no-auth-route",
			Run: s.anonymous,
		},
		{
			ID: "probe/www-authenticate", Claim: "a refusal for want of credentials says which are wanted", Severity: finding.Low, Once: true,
			Refs: []string{"CWE-684", "RFC 9110"},
			Sure: "a valid request was answered with 2xx, and the same without credentials with 401; the field is there or is not",
			Fix:  `Send WWW-Authenticate: Bearer with every 401 (RFC 9110 section 15.5.2).`,
			Run:  s.challenge,
		},
		{
			ID: "probe/refusal-first", Claim: "who calls is asked before the body is read", Severity: finding.Low, Once: true,
			Refs: []string{"CWE-204", "API2"},
			Sure: "the valid body without credentials was refused with 401 or 403, and a wrong one with 400 or 422",
			Fix:  "Check credentials before the body, so that strangers learn nothing of what is taken and cost nothing.",
			Run:  s.order,
		},
		{
			ID: "probe/token-checked", Claim: "every operation refuses a token that nobody was given", Severity: finding.Critical,
			Refs: []string{"CWE-287", "API2", "V7.2.1", "V9.1.1"},
			Sure: "the token was of random characters, in the place of one that works, and the answer was as the owner's twice, while nobody at all was refused",
			Fix:  "Look the token up, or verify its signature, on every operation; that a field is there proves nothing.",
			Run:  s.random,
		},
		{
			ID: "probe/malformed-token", Claim: "malformed credentials are refused, and break nothing", Severity: finding.Medium,
			Refs: []string{"CWE-287", "CWE-248", "API2", "V16.5.3"},
			Sure: "the same operation took the valid credential, and answered each malformed one with 5xx twice",
			Fix:  "Answer 401 to whatever cannot be read as a credential: catch what reading it raises, and do not index into the parts of a header that was split.",
			Run:  s.malformed,
		},
		{
			ID: "probe/jwt-signature", Claim: "a token counts only with its signature", Severity: finding.Critical,
			Refs: []string{"CWE-347", "API2", "V9.1.1"},
			Sure: "the operation refuses a token of random characters, and answered the changed one as the owner's twice; one that renews tokens gave new ones for a changed token twice, for one of random characters none, and for the token of another login some",
			Fix:  "Verify the signature before a claim is read, with a library's one call that does both.", Pavise: "lint/jwt-verify-off",
			Run: s.signatures,
		},
		{
			ID: "probe/jwt-algorithm", Claim: "the server decides how tokens are signed, not the token", Severity: finding.Critical,
			Refs: []string{"CWE-347", "CWE-327", "API2", "V9.1.2"},
			Sure: "the operation refuses a token of random characters, and answered the one that was signed without the key as the owner's twice",
			Fix:  "Name the one algorithm that is taken, and take keys of its kind alone.", Pavise: "lint/jwt-algorithms",
			Run: s.algorithm,
		},
		{
			ID: "probe/jwt-key-source", Claim: "tokens are verified with the server's own keys alone", Severity: finding.Critical,
			Refs: []string{"CWE-347", "CWE-918", "API2", "V9.1.3"},
			Sure: "a token that was signed with a key of ours was answered as the owner's twice, or the address that it names was asked for",
			Fix:  "Ignore jku, jwk, x5u and x5c; take kid for a name in a list of keys and for nothing else.",
			Run:  s.keySource,
		},
		{
			ID: "probe/jwt-key", Claim: "the key that signs tokens cannot be guessed", Severity: finding.Critical,
			Refs: []string{"CWE-330", "CWE-1391", "API2", "V11.5.1"},
			Sure: "the key was found, and a token that was signed with it is taken",
			Fix:  "Use 32 random bytes from the environment, and no default; replace the key that is in use.", Pavise: "pavise token; settings; lint/jwt-weak-key",
			Run: s.guess,
		},
		{
			ID: "probe/jwt-claims", Claim: "tokens are taken in their time, by whom and for what they are meant", Severity: finding.High,
			Refs: []string{"CWE-613", "CWE-287", "API2", "V9.2.1", "V9.2.2", "V9.2.3", "V10.3.1"},
			Sure: "a token that was signed in the same way with its claims as they were is taken, and the one with a wrong claim was answered as the owner's twice",
			Fix:  "Verify exp, nbf, iss, aud and the kind of token, with a few seconds of leeway at most.", Pavise: "lint/jwt-claims-off",
			Run: s.claims,
		},
		{
			ID: "probe/jwt-expires", Claim: "tokens end", Severity: finding.Low, Once: true,
			Refs: []string{"CWE-613", "API2", "V7.3.2"},
			Sure: "the token that was given out is read: it has a time at which it ends, or not",
			Fix:  "Give tokens an exp of minutes, and renew them by one that can be revoked.",
			Run:  s.expires,
		},
		expiryCheck(s),
		{
			ID: "probe/token-in-query", Claim: "a token is not taken from the URL", Severity: finding.Medium, Once: true,
			Refs: []string{"CWE-598", "API2", "V14.2.1"},
			Sure: "the document says that it is sent elsewhere; a token of random characters in the same parameter was refused, and the real one was answered as in its place twice",
			Fix:  "Take tokens from the header alone: URLs are logged, kept in histories, and sent on as Referer.", Pavise: "lint/token-in-query",
			Run: s.query,
		},
		{
			ID: "probe/logout-revokes", Claim: "a session that was ended is refused", Severity: finding.Medium,
			Refs: []string{"CWE-613", "API2", "V7.4.1"},
			Sure: "a login of this run's own worked, its logout was answered with 2xx, and the old token still was twice",
			Fix:  "Remember ended sessions until their tokens end, or keep sessions on the server.",
			Run:  s.logout,
		},
		scopesCheck(s),
		kindsCheck(s),
		fixationCheck(s),
		signatureCheck(),
	}
}

// state is what the checks have found out in common.
type state struct {
	anon   map[*openapi.Operation]*refusal
	found  bool
	seen   []witness
	noSeen error
	// reading are more operations that answer the witnesses' user.
	reading []witness
	// key signs tokens, when it was guessed, and guesses is after how many;
	// cut tells that there was no time for all.
	key        []byte
	guesses    int
	tried, cut bool
}

// A refusal is how an operation answers who does not say who it is.
type refusal struct {
	b *trial.Baseline
	// d is the draft that was sent, which may be sent again if it was refused.
	d *trial.Draft
	e *traffic.Exchange
	// in counts how often it got in.
	in  int
	err error
}

// nobody sends an operation's valid request without credentials.
func (s *state) nobody(ctx context.Context, t *trial.Trial, op *openapi.Operation) *refusal {
	if r := s.anon[op]; r != nil {
		return r
	}
	r := &refusal{}
	s.anon[op] = r
	if r.b, r.err = t.Baseline(ctx, op, t.Caller(op)); r.err != nil {
		return r
	}
	if r.b.Who.IsAnonymous() {
		r.err = &trial.ReasonError{Reason: "there are no credentials to leave out"}
		return r
	}
	for range 2 {
		if r.d, r.err = t.Fresh(ctx, r.b); r.err != nil {
			return r
		}
		anon := r.d.As(identity.Anonymous())
		if r.e, r.err = t.Send(ctx, anon.Request()); r.err != nil {
			return r
		}
		t.Adopt(anon, r.e)
		if !r.e.OK() {
			return r
		}
		r.in++
	}
	return r
}

// secured calls f for each operation that says that it asks who calls.
func secured(t *trial.Trial, f func(op *openapi.Operation)) {
	t.Each(func(op *openapi.Operation) {
		if op.Secured() {
			f(op)
		}
	})
}

func (s *state) anonymous(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	secured(t, func(op *openapi.Operation) {
		r := trial.Result{Operation: op.Name(), Want: "401"}
		defer func() { report(r) }()
		n := s.nobody(ctx, t, op)
		switch {
		case n.err != nil:
			r.Reason = trial.Reason(n.err)
		case n.e.OK() && n.in < 2:
			r.Reason = "without credentials it was answered with 2xx once, and not again"
		case n.e.OK():
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d without credentials", n.e.Status)
			r.Shown = []*traffic.Exchange{n.b.Last, n.e}
			switch {
			case open(op):
				r.Verdict, r.Severity = trial.Suspect, finding.Low
				r.Got += ", on an operation that most APIs leave open: the document says otherwise"
			case listed(ctx, t, op, n.d):
				// Who calls may be asked for more than that: drafts of one's own.
				r.Verdict, r.Severity = trial.Suspect, finding.Low
				r.Got += ", of what is listed to all: the document says otherwise"
			case trial.Shape(n.e) != trial.Shape(n.b.Last) && n.b.Same(n.e) < 0.5:
				// Some answer 200 with an error in it, or with less.
				r.Verdict, r.Got = trial.Suspect, r.Got+", with another body"
			}
		case n.e.Status == http.StatusUnauthorized:
			r.Verdict = trial.Pass
		case n.e.Status == http.StatusForbidden:
			r.Verdict, r.Severity, r.Got = trial.Suspect, finding.Low, "403 without credentials"
			r.Shown = append(r.Shown, n.e)
		case n.e.Status >= 300 && n.e.Status < 400 && strings.Contains(strings.ToLower(n.e.Header.Get("Location")), "login"):
			r.Verdict = trial.Pass
		default:
			r.Reason = fmt.Sprintf("%d without credentials", n.e.Status)
		}
	})
}

// listed tells whether what a request is about is in a list that the document
// opens to all, and that strangers get.
func listed(ctx context.Context, t *trial.Trial, op *openapi.Operation, d *trial.Draft) bool {
	l := t.Lister(op)
	if op.Method != http.MethodGet || l == nil || l.Secured() {
		return false
	}
	params := op.PathParams()
	id := d.Path[params[len(params)-1]]
	b, err := t.Baseline(ctx, l, identity.Anonymous())
	if err != nil || id == "" {
		return false
	}
	plain := b.Draft.Clone()
	plain.Query = nil // no filter, and whatever is new
	for _, ask := range []*trial.Draft{b.Draft, plain} {
		e, err := t.Send(ctx, ask.Request())
		if err != nil || !e.OK() {
			continue
		}
		for at, v := range trial.Leaves(e) {
			if v == id && strings.HasSuffix(strings.ToLower(at), "id") {
				return true
			}
		}
	}
	return false
}

func (s *state) challenge(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	secured(t, func(op *openapi.Operation) {
		n := s.nobody(ctx, t, op)
		if n.err != nil || n.e.Status != http.StatusUnauthorized {
			return
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass}
		if n.e.Header.Get("WWW-Authenticate") == "" {
			r.Verdict, r.Got, r.Want = trial.Fail, "401 without WWW-Authenticate", "WWW-Authenticate with the scheme"
			r.Shown = append(r.Shown, n.e)
		}
		report(r)
	})
}

// order sends a body that no schema takes: who is told what is wrong with it
// was not asked who it is.
func (s *state) order(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	secured(t, func(op *openapi.Operation) {
		body := op.JSON()
		if body == nil || body.Schema == nil || len(body.Schema.Required) == 0 {
			return
		}
		n := s.nobody(ctx, t, op)
		if n.err != nil || n.e.Status != http.StatusUnauthorized && n.e.Status != http.StatusForbidden {
			return
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass}
		defer func() { report(r) }()
		e, err := t.Send(ctx, n.d.As(identity.Anonymous()).WithBody(body.Type, map[string]any{}).Request())
		if err != nil {
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
			return
		}
		if e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity {
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%d about the body, without credentials", e.Status), fmt.Sprint(n.e.Status)
			r.Shown = append(r.Shown, e)
		}
	})
}

// random: an API that only looks whether a token is there lets every token in.
func (s *state) random(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	secured(t, func(op *openapi.Operation) {
		n := s.nobody(ctx, t, op)
		if n.err != nil || n.e.OK() {
			return // probe/anonymous-refused speaks of it
		}
		c, ok := credentialOf(t.Document, n.b.Who)
		if !ok {
			return
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "401"}
		defer func() { report(r) }()
		d := n.d
		for range 2 {
			d = d.As(c.with(t.Document, c.noise(t.Seed)))
			e, err := t.Send(ctx, d.Request())
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			t.Adopt(d, e)
			switch {
			case e.Status >= 500:
				r.Verdict, r.Severity, r.Got = trial.Fail, finding.Medium, fmt.Sprintf("%d for a token of random characters", e.Status)
				r.Shown = []*traffic.Exchange{e}
			case !e.OK():
				r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
				return
			case trial.Shape(e) != trial.Shape(n.b.Last) && n.b.Same(e) < 0.5:
				r.Verdict, r.Got = trial.Suspect, fmt.Sprintf("%d for a token of random characters, with another body", e.Status)
				r.Shown = []*traffic.Exchange{e}
			default:
				r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for a token of random characters", e.Status)
				r.Shown = []*traffic.Exchange{e}
			}
			if d, err = t.Fresh(ctx, n.b); err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
		}
	})
}

// A form is a way in which a credential is wrong.
type form struct {
	name  string
	value string
	// whole tells that it is all of the header field, its scheme included.
	whole bool
}

func forms(c credential, seed uint64) []form {
	noise := c.noise(seed)
	out := []form{
		{"a token that is none", "not.a.token", false},
		{"nothing between dots", "...", false},
		{"8 kB", strings.Repeat("a", 8<<10), false},
		{"a NUL", "a%00b.c%00d.e", false},
		{"letters beyond ASCII", "t\u00f6ken.\u00fc.\u4e16", false},
		{"base64 of no JSON", "e30x.e30x.AAAA", false},
	}
	if c.in == "header" && c.scheme != "" {
		out = append(out,
			form{"the scheme alone", c.scheme, true},
			form{"an empty field", "", true},
			form{"the scheme in lower case, with a wrong token", strings.ToLower(c.scheme) + " " + noise, true},
			form{"Basic with no base64", "Basic !!!", true},
			form{"Basic", "Basic cHZ1c2VyOnB2cGFzcw==", true},
			form{"three words", c.scheme + " a b", true},
		)
	}
	return out
}

func (s *state) malformed(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	ws, err := s.witnesses(ctx, t)
	if err != nil {
		report(trial.Result{Reason: trial.Reason(err)})
		return
	}
	for _, w := range ws {
		report(w.malformed(ctx, t))
	}
}

func (w witness) malformed(ctx context.Context, t *trial.Trial) trial.Result {
	r := trial.Result{Operation: w.b.Op.Name(), Verdict: trial.Pass, Want: "401"}
	for _, f := range forms(w.c, t.Seed) {
		who := w.c.with(t.Document, f.value)
		if f.whole {
			who = w.c.as(t.Document, f.value)
		}
		bad := 0
		for bad < 2 {
			e, err := w.try(ctx, t, who)
			if err != nil {
				if ctx.Err() != nil || t.Client.Left() <= 0 {
					r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
					return r
				}
				break // a field that is too long may end the connection
			}
			if e.Status < 500 && !w.gotIn(e) {
				break
			}
			if bad++; bad < 2 {
				continue
			}
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for %s", e.Status, f.name)
			r.Shown = []*traffic.Exchange{e}
			if e.OK() {
				r.Severity = finding.Critical
				return r
			}
		}
		if r.Verdict == trial.Fail {
			return r
		}
	}
	return r
}
