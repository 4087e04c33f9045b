package objects

import (
	"net/http"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// TestStaff: what stands beside what is refused is meant to be refused, and a
// staff that all may see is only a list.
func TestStaff(t *testing.T) {
	const secured = `{"get":{"security":[{"b":[]}],"responses":{}}}`
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{"/api/staff/users":` + secured + `,"/api/staff/pay":` + secured + `}}`
	for name, c := range map[string]struct {
		closed []string
		want   trial.Verdict
		told   bool
	}{
		"one is forgotten": {[]string{"/api/staff/users"}, trial.Fail, true},
		"none is":          {[]string{"/api/staff/users", "/api/staff/pay"}, trial.Pass, true},
		"it is a list":     {nil, 0, false},
	} {
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for _, p := range c.closed {
				if r.URL.Path == p && r.Header.Get("Authorization") != "Bearer root" {
					w.WriteHeader(403)
					return
				}
			}
			_, _ = w.Write([]byte(`[]`))
		})
		r, ok := find(run(t, api, doc, "probe/function-level", false, who("alice", "user", ""), who("bob", "user", ""), who("root", "admin", "")), "GET /api/staff/pay")
		if ok != c.told || ok && r.Verdict != c.want {
			t.Errorf("%s: %v %v %q %q", name, ok, r.Verdict, r.Got, r.Reason)
		}
	}
}
