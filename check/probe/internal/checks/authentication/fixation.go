package authentication

import (
	"context"
	"fmt"
	"net/http"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func fixationCheck(s *state) *trial.Check {
	return &trial.Check{
		ID: "probe/session-fixation", Claim: "a session that a client names is not taken over by its login", Severity: finding.High,
		Refs: []string{"CWE-384", "API2", "V7.2.4"},
		Sure: "a cookie of random characters was refused, a login was sent with it, and after that it was answered as the user's twice",
		Fix:  "Begin a new session with each login, with an id that the server draws, and forget the one that came with the request.",
		Run:  s.fixation,
	}
}

// fixation: who can give a victim a cookie, by a page of a sibling domain or a
// link, has the victim's session once the victim logs in with it.
func (s *state) fixation(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	ws, err := s.witnesses(ctx, t)
	if err != nil || ws[0].c.in != "cookie" || ws[0].c.who.Login == nil || !ws[0].c.who.Login.Cookies {
		return // there is no session in a cookie
	}
	w := ws[0]
	login := w.c.who.Login.Request()
	r := trial.Result{Operation: login.Method + " " + login.Path, Verdict: trial.Pass, Want: "a session of another id"}
	if op := t.Operation(login); op != nil {
		r.Operation = op.Name()
	}
	defer func() { report(r) }()
	// Another one than that which was tried without a login.
	chosen := w.c.noise(t.Seed + 1)
	t.Hide("SESSION_CHOSEN", chosen)
	fixed := w.c.with(t.Document, chosen)
	if before, err := w.try(ctx, t, fixed); err != nil || w.gotIn(before) {
		r.Verdict, r.Reason = trial.Inconclusive, "a cookie of random characters is taken before the login"
		return
	}
	login.Header.Set("Cookie", (&http.Cookie{Name: w.c.name, Value: chosen}).String()) //nolint:gosec // it is sent, not set
	e, err := t.Client.SendLogin(ctx, login)
	if err != nil || !e.OK() && e.Status/100 != 3 {
		r.Verdict, r.Reason = trial.Inconclusive, "a login with a cookie is refused"
		return
	}
	in, after, err := w.accepted(ctx, t, fixed)
	switch {
	case err != nil:
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
	case in:
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for the cookie that was sent with the login", after.Status)
		r.Shown = []*traffic.Exchange{e, after}
	}
}
