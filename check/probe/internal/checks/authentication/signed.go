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
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

func signatureCheck() *trial.Check {
	return &trial.Check{
		ID: "probe/signature-required", Claim: "a message without a signature is refused, as one with a wrong one is", Severity: finding.High,
		Refs: []string{"CWE-347", "CWE-306", "API2", "V4.1.5"},
		Sure: "with a wrong signature it was refused twice, and the same message without one was answered with 2xx twice; with 404 or 409, which only comes after the check, it is suspected",
		Fix:  "Refuse a message that has no signature before anything is compared: the header field is there, or the answer is 401.", Pavise: "lint/signature-optional",
		Run: signed,
	}
}

// signs tells whether a header field holds a signature of the message.
func signs(p *openapi.Param) bool {
	lower := strings.ToLower(p.Name)
	return p.In == "header" && slices.ContainsFunc([]string{"signature", "hmac", "x-sig", "digest"}, func(w string) bool { return strings.Contains(lower, w) })
}

// signed leaves the signature of webhooks out: code that compares one which is
// there often goes on where there is none.
func signed(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if t.ReadOnly() {
		return
	}
	t.Each(func(op *openapi.Operation) {
		i := slices.IndexFunc(op.Params, signs)
		if i < 0 || !op.Writes() || trial.Destroys(op) {
			return
		}
		name := op.Params[i].Name
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "401"}
		defer func() { report(r) }()
		reached := 0
		for range 2 {
			d, err := t.Draft(ctx, op, t.Caller(op), values.Full)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			wrong, err := t.Try(ctx, d.WithHeader(name, t.Maker("signature "+op.Name()).Mark()).Request())
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			if wrong.Status != http.StatusUnauthorized && wrong.Status != http.StatusForbidden {
				r.Verdict, r.Reason = trial.Inconclusive, fmt.Sprintf("a wrong signature is answered with %d", wrong.Status)
				return
			}
			without := d.Clone()
			without.Header.Del(name)
			e, err := t.Try(ctx, without.Request())
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			t.Adopt(without, e)
			switch {
			case e.OK():
			case e.Status == http.StatusNotFound || e.Status == http.StatusConflict:
				reached++
			default:
				return
			}
			r.Got, r.Shown = fmt.Sprintf("%d without %s, and %d with a wrong one", e.Status, name, wrong.Status), []*traffic.Exchange{wrong, e}
		}
		if r.Verdict = trial.Fail; reached > 0 {
			r.Verdict = trial.Suspect
		}
	})
}
