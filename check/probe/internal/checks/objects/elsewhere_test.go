package objects

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// archive keeps documents in an envelope, and names them in other places than
// paths.
type archive struct {
	any, shared bool
	documents   []map[string]any
}

const archiveDocument = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/documents":{"get":{"responses":{}},"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["title"],"properties":{"title":{"type":"string"}}}}}},"responses":{}}},
"/documents/{ref}":{"get":{"parameters":[{"name":"ref","in":"path","required":true,"schema":{"type":"string"}}],"responses":{}},
"put":{"parameters":[{"name":"ref","in":"path","required":true,"schema":{"type":"string"}}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["title"],"properties":{"title":{"type":"string"}}}}}},"responses":{}}},
"/status":{"get":{"parameters":[{"name":"document_id","in":"query","required":true,"schema":{"type":"string"}}],"responses":{}}},
"/count":{"get":{"parameters":[{"name":"document_id","in":"query","required":true,"schema":{"type":"string"}}],"responses":{}}},
"/export":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["ref"],"properties":{"ref":{"type":"string"}}}}}},"responses":{}}}}}`

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	if user == "" {
		answer(401, nil)
		return
	}
	if r.URL.Path == "/documents" && r.Method == "POST" {
		d := map[string]any{"id": fmt.Sprintf("doc-%d", len(a.documents)), "owner_id": user, "title": body["title"], "approved": false}
		a.documents = append(a.documents, d)
		answer(201, map[string]any{"data": d})
		return
	}
	if r.URL.Path == "/documents" {
		out := []any{}
		for _, d := range a.documents {
			if d["owner_id"] == user || a.shared {
				out = append(out, d)
			}
		}
		answer(200, map[string]any{"data": out})
		return
	}
	name := r.URL.Query().Get("document_id") + strings.TrimPrefix(r.URL.Path, "/documents/")
	if r.URL.Path == "/export" {
		name, _ = body["ref"].(string)
	}
	for _, d := range a.documents {
		if !strings.HasPrefix(name, d["id"].(string)) || len(name) > len(d["id"].(string)) && name[len(d["id"].(string))] != '/' {
			continue
		}
		switch own := d["owner_id"] == user; {
		case !own && (!a.any && !a.shared || r.Method == "PUT"):
		case r.URL.Path == "/count":
			answer(200, map[string]any{"pages": 4})
			return
		case r.Method == "PUT":
			d["title"] = body["title"]
			if v, ok := body["approved"]; ok && a.any {
				d["approved"] = v
			}
			answer(200, map[string]any{"data": d})
			return
		case strings.HasPrefix(r.URL.Path, "/documents/") && !own && !a.shared:
		default:
			answer(200, map[string]any{"data": d})
			return
		}
	}
	answer(404, map[string]any{"detail": "not found"})
}

// TestElsewhere: ids in the query and in the body are ids, and what is in an
// envelope is what it would be without.
func TestElsewhere(t *testing.T) {
	for _, c := range []struct {
		name, check, operation string
		api                    archive
		want                   trial.Verdict
	}{
		{"in the query", "probe/bola-read", "GET /status", archive{any: true}, trial.Fail},
		{"in the body, by the name that the path has", "probe/bola-read", "POST /export", archive{any: true}, trial.Fail},
		{"refused in the query", "probe/bola-read", "GET /status", archive{}, trial.Pass},
		{"refused in the body", "probe/bola-read", "POST /export", archive{}, trial.Pass},
		{"what the list shows to all", "probe/bola-read", "GET /status", archive{any: true, shared: true}, trial.Suspect},
		{"a member within an envelope", "probe/mass-assignment", "PUT /documents/{ref}", archive{any: true}, trial.Fail},
		{"a member within an envelope that is left alone", "probe/mass-assignment", "PUT /documents/{ref}", archive{}, trial.Pass},
	} {
		api := c.api
		results := run(t, &api, archiveDocument, c.check, false, who("alice", "", ""), who("bob", "", ""))
		if r, ok := find(results, c.operation); !ok || r.Verdict != c.want {
			t.Errorf("%s: %v %q %q, want %v", c.name, r.Verdict, r.Got, r.Reason, c.want)
		}
		if r, ok := find(results, "GET /count"); ok && c.check == "probe/bola-read" {
			t.Errorf("%s: an answer without texts of the object is judged: %v %s", c.name, r.Verdict, r.Got)
		}
	}
}

// TestOthers: what is below another user is read by his id.
func TestOthers(t *testing.T) {
	for _, c := range []struct {
		part string
		any  bool
		want trial.Verdict
	}{{"settings", true, trial.Fail}, {"profile", true, trial.Suspect}, {"settings", false, trial.Pass}} {
		document := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/me":{"get":{"responses":{}}},"/people/{user_id}/` + c.part + `":{"get":{"parameters":[{"name":"user_id","in":"path","required":true,"schema":{"type":"string"}}],"responses":{}}}}}`
		a, b := who("alice", "", ""), who("bob", "", "")
		a.Enrolled, b.Enrolled = true, true
		results := run(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			id := user
			if rest, ok := strings.CutPrefix(r.URL.Path, "/people/"); ok {
				id, _, _ = strings.Cut(rest, "/")
			}
			if user == "" || id != user && !c.any || id != "alice" && id != "bob" {
				w.WriteHeader(404)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"id": %q, "email": "pvmark%s@example.com"}`, id, id)
		}), document, "probe/bola-read", false, a, b)
		if r, ok := find(results, "GET /people/{user_id}/"+c.part); !ok || r.Verdict != c.want {
			t.Errorf("%+v: %v %q %q", c, r.Verdict, r.Got, r.Reason)
		}
	}
}
