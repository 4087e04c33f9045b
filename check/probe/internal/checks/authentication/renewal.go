package authentication

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// signatures: what renews tokens often reads them by other code than what asks
// who calls.
func (s *state) signatures(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	s.signature(ctx, t, report)
	t.Each(func(op *openapi.Operation) {
		if field := trial.RenewField(op); field != "" && !trial.Ends(op) && !trial.Destroys(op) {
			report(renewal(ctx, t, op, field))
		}
	})
}

// flipped is the token with another signature. It is not the last character
// that differs: its low bits may stand for nothing.
func (j *jwt) flipped() string {
	sig := []byte(j.sig)
	if len(sig) > 2 {
		if m := len(sig) / 2; sig[m] == 'A' {
			sig[m] = 'B'
		} else {
			sig[m] = 'A'
		}
	}
	return j.rawHead + "." + j.rawBody + "." + string(sig)
}

// raised is the token with other claims and the old signature.
func (j *jwt) raised() string {
	raised := map[string]any{"pv": "1"}
	for name, v := range map[string]any{"role": "admin", "roles": []any{"admin"}, "admin": true, "is_admin": true, "isAdmin": true} {
		if _, ok := j.claims[name]; ok {
			raised[name] = v
		}
	}
	return j.rawHead + "." + part(with(j.claims, raised)) + "." + j.sig
}

// unsigned is the token with an algorithm that needs no key.
func (j *jwt) unsigned() string {
	return part(with(j.head, map[string]any{"alg": "none"})) + "." + j.rawBody + "."
}

// A request is a valid request for new tokens that was not sent yet.
type request struct {
	d     *trial.Draft
	field string
	j     *jwt
	token string
}

// fresh is one with the token of a login of its own; ok is false when that is
// no JWT.
func fresh(ctx context.Context, t *trial.Trial, b *trial.Baseline, field string) (r request, ok bool, err error) {
	d, err := t.Fresh(ctx, b)
	if err != nil {
		return r, false, err
	}
	fields, _ := d.Body.(map[string]any)
	r = request{d: d, field: field}
	r.token, _ = fields[field].(string)
	if r.j, ok = parse(r.token); ok {
		t.Hide(fmt.Sprintf("REFRESH_SIGNATURE_%d", len(t.Secrets())), r.j.sig)
	}
	return r, ok, nil
}

// ask sends another token in the place of the request's own, and tells whether
// a new one was given for it.
func (r request) ask(ctx context.Context, t *trial.Trial, token string) (bool, *traffic.Exchange, error) {
	d := r.d.Clone()
	if fields, ok := d.Body.(map[string]any); ok {
		fields[r.field] = token
	}
	e, err := t.Try(ctx, d.Request())
	if err != nil {
		return false, nil, err
	}
	return renewed(e, token), e, nil
}

// renewed tells whether an answer holds a token that is not the one that was
// sent.
func renewed(e *traffic.Exchange, sent string) bool {
	is := func(name, v string) bool {
		name = strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
		named := strings.Contains(name, "token") || strings.Contains(name, "jwt") || slices.Contains([]string{"access", "refresh", "session", "sessionid"}, name)
		return named && !strings.Contains(name, "type") && !strings.Contains(name, "expir") && len(v) >= 16 && v != sent && !strings.ContainsAny(v, " \r\n")
	}
	if !e.OK() {
		return false
	}
	for at, v := range trial.Leaves(e) {
		if is(at[strings.LastIndexByte(at, '/')+1:], v) {
			return true
		}
	}
	return slices.ContainsFunc((&http.Response{Header: e.Header}).Cookies(), func(c *http.Cookie) bool { return is(c.Name, c.Value) })
}

// renewal sends tokens that renew others with signatures that are wrong.
func renewal(ctx context.Context, t *trial.Trial, op *openapi.Operation, field string) trial.Result {
	r := trial.Result{Operation: op.Name(), Want: "401"}
	unclear := func(reason string) trial.Result {
		r.Verdict, r.Reason = trial.Inconclusive, reason
		return r
	}
	b, err := t.Baseline(ctx, op, t.Caller(op))
	if err != nil {
		return unclear(trial.Reason(err))
	}
	if !renewed(b.Last, "") {
		return unclear("a valid request is answered with no token")
	}
	own, ok, err := fresh(ctx, t, b, field)
	if err != nil {
		return unclear(trial.Reason(err))
	}
	if !ok {
		r.Verdict, r.Reason = trial.NotApplicable, "the token that renews others is no JWT"
		return r
	}
	in, e, err := own.ask(ctx, t, credential{token: own.token}.noise(t.Seed))
	switch {
	case err != nil:
		return unclear(trial.Reason(err))
	case in || e.OK() || e.Status >= 500:
		return unclear(fmt.Sprintf("it answers %d to a token of random characters", e.Status))
	}
	r.Verdict = trial.Pass
	for _, f := range []struct {
		name string
		of   func(j *jwt) string
	}{
		{"whose signature has one other character", (*jwt).flipped},
		{"whose claims were changed, with the old signature", (*jwt).raised},
		{`of algorithm "none" without a signature`, (*jwt).unsigned},
	} {
		in, e, err := own.ask(ctx, t, f.of(own.j))
		if err != nil {
			return unclear(trial.Reason(err))
		}
		if e.Status >= 500 && r.Verdict == trial.Pass {
			r.Verdict, r.Severity, r.Got = trial.Suspect, finding.Medium, fmt.Sprintf("%d for a token that renews others, %s", e.Status, f.name)
			r.Shown = []*traffic.Exchange{e}
		}
		if !in {
			continue
		}
		// It may have been used up by that.
		if own, ok, err = fresh(ctx, t, b, field); err != nil || !ok {
			return unclear("there is no other token to try it again")
		}
		if in, e, err = own.ask(ctx, t, f.of(own.j)); err != nil || !in {
			continue
		}
		r.Verdict, r.Severity, r.Got = trial.Fail, finding.Unknown, fmt.Sprintf("%d and new tokens for a token that renews others, %s", e.Status, f.name)
		r.Shown = []*traffic.Exchange{e}
		if own, ok, err = fresh(ctx, t, b, field); err != nil || !ok {
			return unclear("there is no other token to compare it with")
		}
		break
	}
	// Without this, the others may have been refused for any reason.
	if in, e, err := own.ask(ctx, t, own.token); err != nil || !in {
		reason := "the valid token is refused after the others"
		if e != nil {
			reason += fmt.Sprintf(": it is answered %d", e.Status)
		}
		r.Shown, r.Got = nil, ""
		return unclear(reason)
	}
	return r
}
