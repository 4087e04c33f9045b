package contract_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/checks/contract"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

// TestQuantities: an order of less than nothing is a refund that nobody owes.
func TestQuantities(t *testing.T) {
	doc := func(member string) string {
		return `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/orders":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["` +
			member + `"],"properties":{"` + member + `":{"type":"integer"}}}}}},"responses":{"201":{"description":""}}}}}}`
	}
	for name, c := range map[string]struct {
		member string
		serve  func(n float64) (status int, answer any)
		want   trial.Verdict
	}{
		"it is kept":       {"quantity", func(n float64) (int, any) { return 201, map[string]any{"quantity": n} }, trial.Fail},
		"a part of a name": {"seatsBooked", func(n float64) (int, any) { return 201, map[string]any{"seats": n, "total": 7 * n} }, trial.Fail},
		"it is refused": {"quantity", func(n float64) (int, any) {
			if n < 1 {
				return 422, nil
			}
			return 201, map[string]any{"quantity": n}
		}, trial.Pass},
		"it is made to fit":     {"quantity", func(n float64) (int, any) { return 201, map[string]any{"quantity": max(n, 1)} }, trial.Pass},
		"money may be negative": {"amount_cents", func(n float64) (int, any) { return 201, map[string]any{"amount_cents": n} }, trial.Suspect},
	} {
		tr := trialtest.New(t, doc(c.member), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var m map[string]float64
			_ = json.NewDecoder(r.Body).Decode(&m)
			status, v := c.serve(m[c.member])
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(v)
		}))
		results := trialtest.Run(t, tr, contract.Checks(), "probe/negative-quantity")
		if len(results) != 1 || results[0].Verdict != c.want {
			t.Errorf("%s: %+v, want %s", name, results, c.want)
		}
	}
	// What may be negative is not asked for.
	tr := trialtest.New(t, doc("temperature"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) }))
	if results := trialtest.Run(t, tr, contract.Checks(), "probe/negative-quantity"); len(results) != 0 {
		t.Errorf("%+v", results)
	}
}
