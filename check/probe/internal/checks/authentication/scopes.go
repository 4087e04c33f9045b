package authentication

import (
	"context"
	"fmt"
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

func scopesCheck(s *state) *trial.Check {
	return &trial.Check{
		ID: "probe/scope-enforced", Claim: "a token does what its scopes allow, and no more", Severity: finding.High,
		Refs: []string{"CWE-862", "API5", "V10.3.2", "RFC 6750"},
		Sure: "the document names the scope; the same user's token with it was answered with 2xx twice, and one without it as well, while nobody and a token of random characters were refused; that it has not the scope is said by the server, or shown by another operation that refused it",
		Fix:  "Compare the scopes of the token with those that the operation needs before it does anything, and answer 403 with insufficient_scope.",
		Run:  s.scopes,
	}
}

// A narrow token has few scopes, or none.
type narrow struct {
	who    *identity.Identity
	scopes []string
	// told tells that the server said which it has: many give all that a user
	// may have, whatever is asked for.
	told bool
	// bounded tells that an operation refused it for want of a scope.
	bounded bool
}

// lacks tells whether none of the alternatives is had.
func (n *narrow) lacks(need [][]string) bool {
	return !slices.ContainsFunc(need, func(all []string) bool {
		return !slices.ContainsFunc(all, func(s string) bool {
			return !slices.ContainsFunc(n.scopes, func(has string) bool { return implies(has, s) })
		})
	})
}

// implies tells whether who has a scope may be meant to have another: items of
// items:read, and what stands for all.
func implies(has, want string) bool {
	if has == want || slices.Contains([]string{"*", "all", "admin", "full", "root"}, strings.ToLower(has)) {
		return true
	}
	has = strings.TrimRight(has, "*")
	for _, sep := range []string{":", ".", "/"} {
		if strings.HasPrefix(want, strings.TrimSuffix(has, sep)+sep) {
			return true
		}
	}
	// Who may write may read.
	return strings.NewReplacer("write", "read", "manage", "read").Replace(has) == want
}

// A tried operation is one that a narrow token was sent to.
type tried struct {
	n *narrow
	r trial.Result
	// in tells that it was let in.
	in bool
}

func (s *state) scopes(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	var ops []*openapi.Operation
	var all []string
	t.Each(func(op *openapi.Operation) {
		need := t.Document.Scopes(op)
		if need == nil || gives(op) || trial.Ends(op) || trial.Destroys(op) {
			return
		}
		ops = append(ops, op)
		for _, scope := range slices.Concat(need...) {
			if !slices.Contains(all, scope) {
				all = append(all, scope)
			}
		}
	})
	if len(ops) == 0 {
		return
	}
	slices.Sort(all)
	who := byPassword(t)
	if who == nil {
		report(trial.Result{Reason: "no user's token is of the password flow of OAuth 2.0, where scopes can be asked for"})
		return
	}
	full, _, err := who.Granted(ctx, t.Client, all)
	if err != nil {
		full = who.Clone() // it may not have them all
	}
	full.Name = who.Name + " with all scopes"
	hide(t, full)
	tokens := narrowTokens(ctx, t, who, all)
	var found []*tried
	for _, op := range ops {
		x := scoped(ctx, t, op, who, full, tokens)
		if x.n != nil && !x.in && x.r.Verdict == trial.Pass {
			x.n.bounded = true
		}
		found = append(found, x)
	}
	for _, x := range found {
		if x.in && !x.n.told && !x.n.bounded {
			x.r = trial.Result{Operation: x.r.Operation, Reason: "the token may have been given all scopes: the server does not say which it has, and no operation refused it"}
		}
		report(x.r)
	}
}

func hide(t *trial.Trial, who *identity.Identity) {
	for name, v := range who.Secrets() {
		t.Hide(name, v)
	}
}

// byPassword is a user who logs in at the document's token URL.
func byPassword(t *trial.Trial) *identity.Identity {
	for _, i := range append(t.Users(), t.Admins()...) {
		if i.Login == nil || i.Login.Raw != "" || i.Login.Extract == "" {
			continue
		}
		path, _, _ := strings.Cut(i.Login.Path, "?")
		for _, sc := range t.Document.Sorted() {
			u, err := url.Parse(sc.TokenURL)
			if err != nil || sc.Type != "oauth2" || sc.TokenURL == "" {
				continue
			}
			at := "/" + strings.Trim(strings.TrimPrefix(u.Path, "."), "/")
			if p := strings.TrimSuffix(path, "/"); p == at || p == t.Document.Base+at {
				return i
			}
		}
	}
	return nil
}

// narrowTokens are one with a scope that allows little, and one with none, as
// far as the server gives such ones.
func narrowTokens(ctx context.Context, t *trial.Trial, who *identity.Identity, all []string) []*narrow {
	wants := [][]string{{}}
	for _, words := range [][]string{{"profile", "openid", "whoami"}, {"me", "self"}, {"read", "view", "list"}} {
		i := slices.IndexFunc(all, func(s string) bool {
			return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }), func(w string) bool { return slices.Contains(words, w) })
		})
		if i >= 0 && len(all) > 1 {
			wants = [][]string{{all[i]}, {}}
			break
		}
	}
	var out []*narrow
	for n, want := range wants {
		token, grant, err := who.Granted(ctx, t.Client, want)
		if err != nil {
			continue // it refuses to, which is as well
		}
		token.Name = fmt.Sprintf("%s with fewer scopes %d", who.Name, n+1)
		hide(t, token)
		x := &narrow{who: token, scopes: want}
		if grant.Told {
			x.scopes, x.told = grant.Scopes, true
		}
		if c, ok := credentialOf(t.Document, token); ok {
			if j, ok := parse(c.token); ok {
				if claimed, ok := j.scopes(); ok {
					x.scopes, x.told = claimed, true
				}
			}
		}
		out = append(out, x)
	}
	return out
}

// scopes are those that a token says it has.
func (j *jwt) scopes() (all []string, ok bool) {
	for _, name := range []string{"scope", "scopes", "scp", "permissions"} {
		switch v := j.claims[name].(type) {
		case string:
			all, ok = append(all, strings.Fields(v)...), true
		case []any:
			ok = true
			for _, x := range v {
				all = append(all, fmt.Sprint(x))
			}
		}
	}
	return all, ok
}

// scoped asks for an operation with a token that lacks its scope.
func scoped(ctx context.Context, t *trial.Trial, op *openapi.Operation, who, full *identity.Identity, tokens []*narrow) *tried {
	x := &tried{r: trial.Result{Operation: op.Name(), Want: "403"}}
	i := slices.IndexFunc(tokens, func(n *narrow) bool { return n.lacks(t.Document.Scopes(op)) })
	if i < 0 {
		x.r.Verdict, x.r.Reason = trial.NotApplicable, "no token without its scope could be had"
		return x
	}
	b, err := t.Baseline(ctx, op, who)
	if err != nil {
		b, err = t.Baseline(ctx, op, full)
	}
	if err != nil {
		x.r.Reason = trial.Reason(err)
		return x
	}
	send := func(as *identity.Identity) (*traffic.Exchange, error) {
		d := b.Draft
		if op.Writes() {
			if d, err = t.Fresh(ctx, b); err != nil {
				return nil, err
			}
		}
		d = d.As(as)
		e, err := t.Send(ctx, d.Request())
		if err == nil {
			t.Adopt(d, e)
		}
		return e, err
	}
	x.n = tokens[i]
	var last *traffic.Exchange
	for range 2 {
		if last, err = send(x.n.who); err != nil {
			x.r.Reason = trial.Reason(err)
			return x
		}
		switch {
		case last.Status == http.StatusForbidden, last.Status == http.StatusUnauthorized && forScope(last):
			x.r.Verdict = trial.Pass
			return x
		case !last.OK():
			// It may be the token as a whole that is refused.
			x.n, x.r.Reason = nil, fmt.Sprintf("it answers %d to a token without its scope", last.Status)
			return x
		}
	}
	// Where anybody is let in, that is another fault.
	noise := identity.Anonymous()
	if c, ok := credentialOf(t.Document, x.n.who); ok {
		noise = c.with(t.Document, c.noise(t.Seed))
	}
	for _, as := range []*identity.Identity{identity.Anonymous(), noise} {
		e, err := send(as)
		if err != nil || e.OK() {
			x.n, x.r.Verdict, x.r.Reason = nil, trial.NotApplicable, "it lets strangers in"
			if err != nil {
				x.r.Verdict, x.r.Reason = trial.Inconclusive, trial.Reason(err)
			}
			return x
		}
	}
	x.in, x.r.Shown = true, []*traffic.Exchange{b.Last, last}
	has := "no scope"
	if len(x.n.scopes) > 0 {
		has = "the scope " + strings.Join(x.n.scopes, " ") + " alone"
	}
	x.r.Verdict, x.r.Got = trial.Fail, fmt.Sprintf("%d for a token with %s", last.Status, has)
	if trial.Shape(last) != trial.Shape(b.Last) && b.Same(last) < 0.5 {
		x.r.Verdict, x.r.Got = trial.Suspect, x.r.Got+", with another body"
	}
	return x
}

// forScope tells whether a 401 is for want of a scope, as some frameworks
// answer it.
func forScope(e *traffic.Exchange) bool {
	said := strings.ToLower(e.Header.Get("WWW-Authenticate") + " " + string(e.Body[:min(len(e.Body), 4<<10)]))
	return strings.Contains(said, "scope") || strings.Contains(said, "permission")
}
