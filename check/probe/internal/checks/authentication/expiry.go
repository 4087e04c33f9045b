package authentication

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func expiryCheck(s *state) *trial.Check {
	return &trial.Check{
		ID: "probe/token-ends", Claim: "a token is refused when its time is over", Severity: finding.High,
		Refs: []string{"CWE-613", "API2", "V9.2.1"},
		Sure: "a token of a login of this run's own worked, was not used for as long as its server says that it lives and two seconds more, and was answered as before twice. Tokens that live longer than ten seconds are not waited for",
		Fix:  "Compare exp, or the time that is kept with the session, with the clock on every request.", Pavise: "lint/jwt-claims-off",
		Run: s.ends,
	}
}

// Bounds: of a life that is waited for, and of clocks that differ a little.
const (
	shortLife = 10 * time.Second
	leeway    = 2 * time.Second
)

// lives is how long a token is taken, as it says itself.
func (j *jwt) lives() time.Duration {
	at := func(name string) float64 {
		n, _ := j.claims[name].(json.Number)
		f, err := n.Float64()
		if err != nil {
			return 0
		}
		return f
	}
	exp, from := at("exp"), at("iat")
	if exp == 0 {
		return 0
	}
	if from == 0 {
		from = float64(time.Now().Unix())
	}
	return time.Duration((exp - from) * float64(time.Second))
}

// soon tells whether a token may be one of those that are waited for: another
// login for each API would be one too many.
func soon(t *trial.Trial, token string) bool {
	if j, ok := parse(token); ok {
		return j.claims["exp"] != nil && j.lives() <= shortLife
	}
	for _, e := range givers(t, token) {
		var answer struct {
			ExpiresIn json.Number `json:"expires_in"`
		}
		if json.Unmarshal(e.Body, &answer) == nil {
			n, err := answer.ExpiresIn.Float64()
			return err == nil && n > 0 && n <= shortLife.Seconds()
		}
	}
	return false
}

func (s *state) ends(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	ws, err := s.witnesses(ctx, t)
	if err != nil || ws[0].c.who.Login == nil || !soon(t, ws[0].c.token) {
		return // the others say why there are none
	}
	w := ws[0]
	who, grant, err := w.c.who.Granted(ctx, t.Client, nil)
	if err != nil {
		return
	}
	for name, v := range who.Secrets() {
		t.Hide(name+"_ENDING", v)
	}
	c, ok := credentialOf(t.Document, who)
	if !ok {
		return
	}
	life := grant.Lives
	if j, ok := parse(c.token); ok {
		life = j.lives()
		t.Hide("TOKEN_SIGNATURE_ENDING", j.sig)
	}
	if life <= 0 || life > shortLife {
		return
	}
	r := trial.Result{Operation: w.b.Op.Name(), Want: "401"}
	defer func() { report(r) }()
	before, err := w.try(ctx, t, who)
	if err != nil || !before.OK() {
		r.Reason = "the token of another login does not work"
		return
	}
	select {
	case <-time.After(life + leeway):
	case <-ctx.Done():
		r.Reason = "the end of the token was not waited for"
		return
	}
	in, e, err := w.accepted(ctx, t, who)
	switch {
	case err != nil:
		r.Reason = trial.Reason(err)
	case in:
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for a token that ended %d seconds ago", e.Status, int(leeway.Seconds()))
		r.Shown = []*traffic.Exchange{before, e}
	default:
		r.Verdict = trial.Pass
	}
}
