package contract_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/checks/contract"
	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

// TestDelicateLast: what is asked of the first operations alone is asked of
// those that can be asked all of it.
func TestDelicateLast(t *testing.T) {
	const body = `{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["title"],"properties":{"title":{"type":"string"}}}}}},"responses":{"200":{"description":""}}}`
	doc := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
		"/account":{"put":` + body + `},"/me":{"patch":` + body + `},"/me/profile":{"put":` + body + `},"/self":{"put":` + body + `},"/words":{"put":` + body + `}}}`
	for _, lax := range []bool{true, false} {
		tr := trialtest.New(t, doc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			dec := json.NewDecoder(r.Body)
			var m struct{ Title string }
			if dec.Decode(&m) != nil {
				w.WriteHeader(400)
			} else if _, err := dec.Token(); err != io.EOF && !lax {
				w.WriteHeader(400)
			}
		}))
		found := ""
		for _, r := range trialtest.Run(t, tr, contract.Checks(), "probe/json-strict") {
			if r.Verdict == trial.Fail {
				found += r.Operation + " " + r.Got
			}
		}
		if lax != (strings.HasPrefix(found, "PUT /words ") && strings.Contains(found, "data after the end")) {
			t.Errorf("%v: %q", lax, found)
		}
	}
}

// TestLimited: what is not valid does not wait for a rate limit again and
// again, and is not taken for refused by it.
func TestLimited(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/login":{"post":{
		"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["email","password"],"properties":{"email":{"type":"string"},"password":{"type":"string"}}}}}},
		"responses":{"200":{"description":""}}}}}}`
	var valid, limited atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ Email, Password string }
		if strings.Join(r.Header.Values("Content-Type"), ",") == "application/json" && json.NewDecoder(r.Body).Decode(&m) == nil && m.Password == "a right one" {
			valid.Add(1)
			return
		}
		limited.Add(1)
		w.Header().Set("Retry-After", "0.002")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	d, err := openapi.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base, Patience: time.Millisecond})
	defer client.Close()
	who := &identity.Identity{Name: "a", Email: "a@example.com", Login: &identity.Login{Username: "a@example.com", Password: "a right one"}, Header: http.Header{"Authorization": {"Bearer tok"}}}
	tr := trial.New(trial.Options{Client: client, Document: d, Identities: []*identity.Identity{who}, Seed: 1})
	results, uncovered := tr.Run(t.Context(), contract.Checks())
	if len(uncovered) > 0 || valid.Load() < 2 {
		t.Fatal(uncovered)
	}
	for _, r := range results {
		if strings.HasPrefix(r.Check.ID, "probe/media-type") || r.Check.ID == "probe/json-strict" || r.Check.ID == "probe/input-crash" {
			if r.Verdict != trial.Inconclusive || !strings.Contains(r.Reason, "rate limit") {
				t.Errorf("%s: %v %s %s", r.Check.ID, r.Verdict, r.Got, r.Reason)
			}
		}
	}
	// Each would come four times if it waited.
	if n := limited.Load(); n < 5 || n > 14 {
		t.Errorf("%d requests that are not valid", n)
	}
}
