package objects

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// TestSafe: an invitation is not revoked by a GET.
func TestSafe(t *testing.T) {
	id := `"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}]`
	doc := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/invites":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},"responses":{}}},
"/invites/{id}":{` + id + `,"get":{"responses":{}}},
"/invites/{id}/revoke":{` + id + `,"get":{"responses":{}}}}}`
	for name, changes := range map[string]bool{"revokes": true, "asks whether to": false} {
		status := map[string]string{}
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := func(code int, v any) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(code)
				_ = json.NewEncoder(w).Encode(v)
			}
			id := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
			switch {
			case r.Header.Get("Authorization") == "":
				answer(401, nil)
			case r.Method == http.MethodPost:
				n := len(status) + 1
				status[fmt.Sprint(n)] = "open"
				answer(201, map[string]any{"id": n, "status": "open"})
			case status[id[1]] == "":
				answer(404, nil)
			default:
				if len(id) == 3 && changes {
					status[id[1]] = "revoked"
				}
				answer(200, map[string]any{"id": id[1], "status": status[id[1]]})
			}
		})
		want := trial.Pass
		if changes {
			want = trial.Fail
		}
		r, ok := find(run(t, api, doc, "probe/get-is-safe", false, who("alice", "", ""), who("bob", "", "")), "GET /invites/{id}/revoke")
		if !ok || r.Verdict != want {
			t.Errorf("%s: %v %q %q, want %v", name, r.Verdict, r.Got, r.Reason, want)
		}
	}
}

// TestInstead: what administrators make is changed by them alone.
func TestInstead(t *testing.T) {
	body := `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["title"],"properties":{"title":{"type":"string"}}}}}},`
	doc := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/admin/news":{"post":{` + body + `"responses":{}}},
"/admin/news/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"put":{` + body + `"responses":{}}}}}`
	for name, open := range map[string]bool{"for all": true, "for administrators": false} {
		n := 0
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := func(code int, v any) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(code)
				_ = json.NewEncoder(w).Encode(v)
			}
			admin := r.Header.Get("Authorization") == "Bearer root"
			switch {
			case r.Header.Get("Authorization") == "":
				answer(401, nil)
			case !admin && (r.Method == http.MethodPost || !open):
				answer(403, nil)
			case r.Method == http.MethodPost:
				n++
				answer(201, map[string]any{"id": n})
			default:
				answer(200, map[string]any{"id": n})
			}
		})
		want := trial.Pass
		if open {
			want = trial.Fail
		}
		results := run(t, api, doc, "probe/function-level", false, who("alice", "", ""), who("bob", "", ""), who("root", "admin", ""))
		r, ok := find(results, "PUT /admin/news/{id}")
		if open && (!ok || r.Verdict != want) || !open && ok && r.Verdict == trial.Fail {
			t.Errorf("%s: %v %q %q, want %v", name, r.Verdict, r.Got, r.Reason, want)
		}
	}
}
