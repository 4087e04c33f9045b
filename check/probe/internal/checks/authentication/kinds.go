package authentication

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func kindsCheck(s *state) *trial.Check {
	return &trial.Check{
		ID: "probe/token-kind", Claim: "a token that renews others does not call the API", Severity: finding.Medium,
		Refs: []string{"CWE-287", "API2", "V9.2.2"},
		Sure: "the login gave a refresh token beside the token that works; sent in that one's place it was answered as the owner's twice, and a token of random characters was refused",
		Fix:  "Write into each token what it is for (typ, or a claim), and take those for access alone: a token that lives for weeks is not sent with every request.", Pavise: "lint/jwt-claims-off",
		Run: s.kinds,
	}
}

// renewing is the refresh token that a login gave together with a token. A user
// whose login was not seen logs in once more.
func renewing(ctx context.Context, t *trial.Trial, c credential) string {
	logins := givers(t, c.token)
	for _, e := range logins {
		if v := identity.Renewal(e); v != "" && v != c.token {
			return v
		}
	}
	if len(logins) == 0 && c.who.Login != nil && c.who.Login.Extract != "" {
		if _, v, err := c.who.Renewing(ctx, t.Client); err == nil && v != c.token {
			return v
		}
	}
	return ""
}

// givers are the answers that a token came with.
func givers(t *trial.Trial, token string) []*traffic.Exchange {
	return slices.DeleteFunc(t.Client.Seen(), func(e *traffic.Exchange) bool { return !e.OK() || !bytes.Contains(e.Body, []byte(token)) })
}

func (s *state) kinds(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	ws, err := s.witnesses(ctx, t)
	if err != nil {
		return // the others say why there are none
	}
	w := ws[0]
	token := renewing(ctx, t, w.c)
	if token == "" {
		return
	}
	t.Hide("REFRESH_TOKEN", token)
	r := trial.Result{Operation: w.b.Op.Name(), Verdict: trial.Pass, Want: "401"}
	in, e, err := w.accepted(ctx, t, w.c.with(t.Document, token))
	switch {
	case err != nil:
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
	case in:
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for the refresh token", e.Status)
		r.Shown = []*traffic.Exchange{e}
	}
	report(r)
}
