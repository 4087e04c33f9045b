package objects

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// TestGiven: what the API gives to each user is read by that user alone.
func TestGiven(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/v1/things":{"get":{"responses":{}}},
"/v0/things/{thing_id}":{"get":{"parameters":[{"name":"thing_id","in":"path","required":true,"schema":{"type":"string"}}],"responses":{}}}}}`
	all := map[string]map[string]any{
		"t-alice": {"id": "t-alice", "size": 41, "owner": "alice@example.com"},
		"t-bob":   {"id": "t-bob", "size": 42, "owner": "bob@example.com"},
	}
	for _, c := range []struct {
		name                 string
		open, shared, unsaid bool
		want                 trial.Verdict
	}{
		{"kept apart", false, false, false, trial.Pass},
		{"read by all", true, false, false, trial.Fail},
		{"read by all, of nobody", true, false, true, trial.Suspect},
		{"listed to all", true, true, false, trial.NotApplicable},
	} {
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			answer := func(status int, v any) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(v)
			}
			shown := func(m map[string]any) map[string]any {
				if c.unsaid {
					return map[string]any{"id": m["id"], "size": m["size"]}
				}
				return m
			}
			thing := all[strings.TrimPrefix(r.URL.Path, "/v0/things/")]
			switch {
			case user == "":
				answer(401, nil)
			case r.URL.Path == "/v1/things" && c.shared:
				answer(200, []any{all["t-alice"], all["t-bob"]})
			case r.URL.Path == "/v1/things":
				answer(200, []any{shown(all["t-"+user])})
			case thing == nil || !c.open && thing["id"] != "t-"+user:
				answer(404, map[string]any{"detail": "no such thing"})
			default:
				answer(200, shown(thing))
			}
		})
		alice, bob := who("alice", "", ""), who("bob", "", "")
		alice.Email, bob.Email = "alice@example.com", "bob@example.com"
		r, ok := find(run(t, api, doc, "probe/bola-read", false, alice, bob), "GET /v0/things/{thing_id}")
		if ok == (c.want == trial.NotApplicable) || ok && r.Verdict != c.want {
			t.Errorf("%s: %v %q %q, want %v", c.name, r.Verdict, r.Got, r.Reason, c.want)
		}
	}
}

// TestBelonging: the id of another's organisation in the query lists nothing.
func TestBelonging(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/me":{"get":{"responses":{}}},
"/tickets":{"get":{"parameters":[{"name":"organisation_id","in":"query","schema":{"type":"string"}}],"responses":{}},
 "post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},"responses":{}}},
"/tickets/{id}":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"responses":{}}}}}`
	for name, trusted := range map[string]bool{"believed": true, "ignored": false} {
		tickets := map[string]map[string]any{}
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			answer := func(status int, v any) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(v)
			}
			organisation := "org-" + user
			if asked := r.URL.Query().Get("organisation_id"); trusted && asked != "" {
				organisation = asked
			}
			switch ticket := tickets[strings.TrimPrefix(r.URL.Path, "/tickets/")]; {
			case user == "":
				answer(401, nil)
			case r.URL.Path == "/me":
				answer(200, map[string]any{"name": user, "organisation": map[string]any{"id": organisation}})
			case r.Method == http.MethodPost:
				var in map[string]any
				_ = json.NewDecoder(r.Body).Decode(&in)
				id := fmt.Sprintf("t-%d", len(tickets))
				tickets[id] = map[string]any{"id": id, "text": in["text"], "organisation": organisation}
				answer(201, map[string]any{"id": id, "text": in["text"]})
			case r.URL.Path == "/tickets":
				out := []any{}
				for _, t := range tickets {
					if t["organisation"] == organisation {
						out = append(out, map[string]any{"id": t["id"], "text": t["text"]})
					}
				}
				answer(200, out)
			case ticket == nil || ticket["organisation"] != "org-"+user:
				answer(404, nil)
			default:
				answer(200, map[string]any{"id": ticket["id"], "text": ticket["text"]})
			}
		})
		want := trial.Pass
		if trusted {
			want = trial.Fail
		}
		r, ok := find(run(t, api, doc, "probe/lists-scoped", false, who("alice", "", ""), who("bob", "", "")), "GET /tickets")
		if !ok || r.Verdict != want {
			t.Errorf("%s: %v %q %q, want %v", name, r.Verdict, r.Got, r.Reason, want)
		}
	}
}

// TestImpersonate: a field that says whose account it is is not believed.
func TestImpersonate(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/me":{"get":{"responses":{}}},
"/balance":{"get":{"parameters":[{"name":"X-Account-Id","in":"header","schema":{"type":"string"}}],"responses":{}}},
"/visits":{"get":{"parameters":[{"name":"userId","in":"query","schema":{"type":"string"}}],"responses":{}}}}}`
	for name, trusted := range map[string]bool{"believed": true, "ignored": false} {
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			w.Header().Set("Content-Type", "application/json")
			if user == "" {
				w.WriteHeader(401)
				return
			}
			if asked := r.Header.Get("X-Account-Id") + r.URL.Query().Get("userId"); trusted && asked != "" {
				user = strings.TrimPrefix(asked, "id-")
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"id": "id-" + user, "holder": strings.ToUpper(user), "now": fmt.Sprint(time.Now().UnixNano())})
		})
		for _, operation := range []string{"GET /balance", "GET /visits"} {
			want := trial.Pass
			if trusted {
				want = trial.Fail
			}
			r, ok := find(run(t, api, doc, "probe/bola-read", false, who("alice", "", ""), who("bob", "", "")), operation)
			if !ok || r.Verdict != want {
				t.Errorf("%s, %s: %v %q %q, want %v", name, operation, r.Verdict, r.Got, r.Reason, want)
			}
		}
	}
}
