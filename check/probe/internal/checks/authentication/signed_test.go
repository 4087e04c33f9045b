package authentication

import (
	"net/http"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

// TestSigned: a signature that is left out is missed.
func TestSigned(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/hooks/paid":{"post":{"parameters":[{"name":"X-Pay-Signature","in":"header","required":true,"schema":{"type":"string"}}],
"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["order"],"properties":{"order":{"type":"string"}}}}}},"responses":{}}}}}`
	for name, c := range map[string]struct {
		wrong, without int
		want           trial.Verdict
	}{
		"it is missed":             {401, 401, trial.Pass},
		"it is wanted as a field":  {401, 422, trial.Pass},
		"it is not missed":         {401, 200, trial.Fail},
		"nor of what is not there": {403, 404, trial.Suspect},
		"it is not looked at":      {200, 200, trial.Inconclusive},
	} {
		tr := trialtest.New(t, doc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			status := c.wrong
			if r.Header.Get("X-Pay-Signature") == "" {
				status = c.without
			}
			w.WriteHeader(status)
		}))
		results := trialtest.Run(t, tr, Checks(), "probe/signature-required")
		if len(results) != 1 || results[0].Verdict != c.want {
			t.Errorf("%s: %+v, want %s", name, results, c.want)
		}
	}
}
