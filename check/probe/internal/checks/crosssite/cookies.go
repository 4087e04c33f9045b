package crosssite

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// A session is a cookie that lets its bearer in, as it was set.
type session struct {
	cookie *http.Cookie
	shown  *traffic.Exchange
}

// sessions are those of the whole run, by name.
func sessions(t *trial.Trial) []session {
	var ours []string
	for _, i := range t.Identities {
		for _, c := range i.Cookies {
			ours = append(ours, c.Name)
		}
	}
	var out []session
	for _, e := range t.Client.Seen() {
		for _, c := range (&http.Response{Header: e.Header}).Cookies() {
			if c.MaxAge < 0 || c.Value == "" || !slices.Contains(ours, c.Name) && !looksLikeSession(c) {
				continue
			}
			if !slices.ContainsFunc(out, func(s session) bool { return s.cookie.Name == c.Name }) {
				out = append(out, session{c, e})
			}
		}
	}
	return out
}

// minSecret is how long a value is that nobody guesses.
const minSecret = 16

func looksLikeSession(c *http.Cookie) bool {
	name := strings.ToLower(c.Name)
	for _, word := range []string{"csrf", "xsrf", "consent", "locale", "lang", "theme", "analytics", "_ga"} {
		if strings.Contains(name, word) {
			return false // scripts read it, or it lets nobody in
		}
	}
	if len(c.Value) < minSecret {
		return false
	}
	for _, word := range []string{"sess", "auth", "token", "jwt", "access", "refresh", "remember", "login"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "__host-"), "__secure-")
	return name == "sid" || name == "connect.sid" || name == "id" || strings.HasSuffix(name, "_sid") || strings.HasSuffix(name, "-sid")
}

// cookies: without HttpOnly a script that gets in takes the session along;
// without SameSite other sites' requests have it; without Secure it goes over
// plain HTTP.
func cookies(_ context.Context, t *trial.Trial, report func(trial.Result)) {
	list := sessions(t)
	if len(list) == 0 {
		report(trial.Result{Verdict: trial.NotApplicable, Reason: "no cookie was set that lets anybody in"})
		return
	}
	tls := t.Client.Base().Scheme == "https"
	for _, s := range list {
		t.Hide("COOKIE_"+strings.Map(variable, s.cookie.Name), s.cookie.Value)
		r := trial.Result{Verdict: trial.Pass, Shown: []*traffic.Exchange{s.shown}}
		if op := t.Operation(s.shown.Request); op != nil {
			r.Operation = op.Name()
		}
		var faults []string
		if !s.cookie.HttpOnly {
			faults = append(faults, "HttpOnly")
		}
		switch s.cookie.SameSite {
		case http.SameSiteNoneMode:
			faults = append(faults, "SameSite other than None")
		case 0, http.SameSiteDefaultMode:
			faults = append(faults, "SameSite")
		}
		if tls && !s.cookie.Secure {
			faults = append(faults, "Secure")
		}
		switch {
		case len(faults) > 0:
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("the cookie %s without %s", s.cookie.Name, strings.Join(faults, ", "))
			r.Want = "HttpOnly and SameSite=Lax or Strict"
			if tls {
				r.Want = "Secure, " + r.Want
			} else {
				r.Want += "; Secure is not judged over plain HTTP"
			}
		case tls && !strings.HasPrefix(s.cookie.Name, "__Host-"):
			r.Verdict, r.Severity, r.Got, r.Want = trial.Fail, finding.Low, fmt.Sprintf("the cookie %s", s.cookie.Name), "__Host-"+s.cookie.Name+", which no subdomain can set"
		case !tls:
			r.Reason = "Secure is not judged over plain HTTP"
		}
		report(r)
	}
}

func variable(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - 'a' + 'A'
	case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return r
	}
	return '_'
}

// csrf sends what a form on another site's page can send: POST, three types of
// body, the user's cookies, and what browsers say of where it comes from.
func csrf(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodPost {
			return // other methods need a preflight
		}
		who := t.Caller(op)
		if len(who.Cookies) == 0 || who.Header.Get("Authorization") != "" {
			return
		}
		r := trial.Result{Operation: op.Name()}
		defer func() { report(r) }()
		b, err := t.Baseline(ctx, op, who)
		if err != nil {
			r.Reason = trial.Reason(err)
			return
		}
		// A foreign page cannot send the user's header fields, such as a token
		// against this very attack.
		victim := &identity.Identity{Name: who.Name, Role: who.Role, Cookies: who.Cookies}
		r.Verdict = trial.Pass
		var shown *traffic.Exchange
		for range 2 {
			d := t.Again(b).As(victim)
			req := d.Request()
			if d.Type != "" && d.Type != "application/x-www-form-urlencoded" && d.Type != "multipart/form-data" {
				req.Header.Set("Content-Type", "text/plain")
			}
			req = with(req, "Origin", "https://"+t.Maker("csrf").Mark()+".invalid", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
			for name := range req.Header {
				if trial.AntiForgery(name) {
					req.Header.Del(name)
				}
			}
			e, err := t.Send(ctx, req)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			t.Adopt(d, e)
			if !b.Accepts(e) {
				return
			}
			shown = e
		}
		r.Verdict, r.Shown = trial.Fail, []*traffic.Exchange{shown}
		r.Got, r.Want = fmt.Sprintf("%d to what a form of another site sends, with the cookie", shown.Status), "403, or 415 for a type that forms can send"
		for _, s := range sessions(t) {
			sameSite := s.cookie.SameSite == http.SameSiteLaxMode || s.cookie.SameSite == http.SameSiteStrictMode
			if sameSite && slices.ContainsFunc(who.Cookies, func(c *http.Cookie) bool { return c.Name == s.cookie.Name }) {
				r.Severity = finding.Low // only sites of the same domain remain
				r.Got += ", which is SameSite"
			}
		}
	})
}
