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
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// query sends the token where logs keep it.
func (s *state) query(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	ws, err := s.witnesses(ctx, t)
	if err != nil {
		report(trial.Result{Reason: trial.Reason(err)})
		return
	}
	w := ws[0]
	if w.c.in != "header" {
		return
	}
	for _, sc := range t.Document.Schemes {
		if sc.In == "query" {
			return // the document says so
		}
	}
	params := []string{"access_token", "token", "api_key"}
	if !strings.EqualFold(w.c.name, "Authorization") {
		params = append(params, w.c.name)
	}
	r := trial.Result{Operation: w.b.Op.Name(), Verdict: trial.Pass, Want: "401"}
	defer func() { report(r) }()
	bare := w.c.as(t.Document, "")
	bare.Header.Del(w.c.name)
	for _, param := range params {
		ask := func(token string) (*traffic.Exchange, error) {
			who := bare.Clone()
			if who.Query == nil {
				who.Query = map[string][]string{}
			}
			who.Query.Set(param, token)
			return w.try(ctx, t, who)
		}
		for n := range 2 {
			e, err := ask(w.c.token)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			if !w.gotIn(e) {
				r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
				break
			}
			if n == 0 { // perhaps whoever has any is let in
				if twin, err := ask(w.c.noise(t.Seed)); err != nil || twin.OK() {
					break
				}
				continue
			}
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for a token in ?%s=", e.Status, param)
			r.Shown = []*traffic.Exchange{e}
			return
		}
	}
}

// logout ends a session that was begun for this, and uses it again.
func (s *state) logout(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	ws, err := s.witnesses(ctx, t)
	if err != nil {
		report(trial.Result{Reason: trial.Reason(err)})
		return
	}
	w := ws[0]
	var out *openapi.Operation
	t.Each(func(op *openapi.Operation) {
		name := strings.ToLower(op.Path + " " + op.ID)
		if out == nil && len(op.PathParams()) == 0 && (op.Method == http.MethodPost || op.Method == http.MethodDelete) &&
			(strings.Contains(name, "logout") || strings.Contains(name, "signout") || strings.Contains(name, "sign-out") || strings.Contains(name, "log-out") || strings.Contains(name, "sign_out")) &&
			!strings.Contains(name, "all") {
			out = op
		}
	})
	if out == nil {
		return
	}
	r := trial.Result{Operation: out.Name(), Want: "401 for the old token"}
	defer func() { report(r) }()
	// A user of its own, if there can be one: some servers give a user one
	// session at a time, or the same token to each login of a second.
	who, err := w.c.who.Another(ctx, t.Client, "spare-logout")
	if err != nil {
		who, err = w.c.who.Again(ctx, t.Client)
	}
	if err != nil {
		r.Reason = "it takes a login of its own: " + err.Error()
		return
	}
	for name, v := range who.Secrets() {
		t.Hide(name+"_AGAIN", v)
	}
	fresh, ok := credentialOf(t.Document, who)
	if !ok || fresh.token == w.c.token {
		r.Reason = "another login gives the same token, and that one is still needed"
		return
	}
	before, err := w.try(ctx, t, who)
	if err != nil || !before.OK() {
		r.Reason = "the token of another login does not work"
		return
	}
	// What is answered to this user is what counts.
	w.b = &trial.Baseline{Op: w.b.Op, Who: who, Draft: w.b.Draft, Last: before, How: w.b.How}
	others := working(ctx, t, who, fresh)
	d, err := t.Draft(ctx, out, who, values.Full)
	if err != nil {
		r.Reason = trial.Reason(err)
		return
	}
	ended, err := t.Send(ctx, d.Request())
	if err != nil || !ended.OK() {
		r.Reason = "no valid request"
		if err == nil {
			r.Reason = fmt.Sprintf("no valid request: it answers %d", ended.Status)
		}
		return
	}
	in, e, err := w.accepted(ctx, t, who)
	switch {
	case err != nil:
		r.Reason = trial.Reason(err)
	case in:
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for the token of a session that was ended", e.Status)
		r.Shown = []*traffic.Exchange{ended, e}
	default:
		r.Verdict = trial.Pass
		// One operation may ask another guard than the rest.
		for _, o := range others {
			if in, e, err := o.accepted(ctx, t, who); err == nil && in {
				r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for the token of a session that was ended, by %s", e.Status, o.b.Op.Name())
				r.Shown = []*traffic.Exchange{ended, e}
				return
			}
		}
	}
}

// maxWorking is how many operations are asked after a session has ended.
const maxWorking = 30

// working are operations that answer a user, and do not answer noise.
func working(ctx context.Context, t *trial.Trial, who *identity.Identity, c credential) []witness {
	var out []witness
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet || !op.Secured() || len(op.PathParams()) > 0 || gives(op) || len(out) == maxWorking {
			return
		}
		d, err := t.Draft(ctx, op, who, values.Least)
		if err != nil {
			return
		}
		w := witness{&trial.Baseline{Op: op, Who: who, Draft: d, How: values.Least}, c}
		if w.b.Last, err = w.try(ctx, t, who); err != nil || !w.b.Last.OK() {
			return
		}
		if noise, err := w.try(ctx, t, c.with(t.Document, c.noise(t.Seed))); err != nil || noise.OK() {
			return
		}
		out = append(out, w)
	})
	return out
}
