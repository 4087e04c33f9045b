package authentication

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/finding"
)

// TestListed: what is listed to all may be shown to all, whatever the document
// says of it.
func TestListed(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/tools":{"get":{"responses":{}},"post":{"security":[{"b":[]}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},"responses":{}}},
"/tools/{tool_id}":{"get":{"security":[{"b":[]}],"parameters":[{"name":"tool_id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{}}}}}`
	for _, public := range []bool{true, false} {
		var mu sync.Mutex
		var made []int
		tr := trialtest.New(t, doc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			w.Header().Set("Content-Type", "application/json")
			var id int
			switch _, err := fmt.Sscanf(r.URL.Path, "/tools/%d", &id); {
			case r.Method == http.MethodPost && r.Header.Get("Authorization") != "Bearer tok":
				w.WriteHeader(401)
			case r.Method == http.MethodPost:
				made = append(made, 40+len(made))
				w.WriteHeader(201)
				fmt.Fprintf(w, `{"id":%d}`, made[len(made)-1])
			case err != nil:
				var items []string
				for _, id := range made {
					if public {
						items = append(items, fmt.Sprintf(`{"id":%d}`, id))
					}
				}
				fmt.Fprintf(w, "[%s]", strings.Join(items, ","))
			case id < 40 || id >= 40+len(made):
				w.WriteHeader(404)
			default:
				fmt.Fprintf(w, `{"id":%d,"name":"saw"}`, id)
			}
		}), trialtest.Bearer("a", "tok"))
		want, severity := trial.Fail, finding.Unknown
		if public {
			want, severity = trial.Suspect, finding.Low
		}
		found := false
		for _, r := range trialtest.Run(t, tr, Checks(), "probe/anonymous-refused") {
			if r.Operation == "GET /tools/{tool_id}" {
				found = true
				if r.Verdict != want || r.Severity != severity {
					t.Errorf("public %v: %s %s %q %q", public, r.Verdict, r.Severity, r.Got, r.Reason)
				}
			}
		}
		if !found {
			t.Error("it was not asked")
		}
	}
}
