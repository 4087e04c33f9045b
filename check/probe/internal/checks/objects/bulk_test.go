package objects

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// notebook keeps notes, exports them and deletes them by lists of ids.
type notebook struct {
	checks string // all, first or none of the ids of a list
	notes  map[string]map[string]any
	n      int
}

const notebookDocument = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/notes":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},"responses":{}}},
"/notes/{note_id}":{"get":{"parameters":[{"name":"note_id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{}}},
"/notes/export":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["ids"],"properties":{"ids":{"type":"array","items":{"type":"integer"}}}}}}},"responses":{}}},
"/archive":{"post":{"operationId":"delete_notes","requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["note_ids"],"properties":{"note_ids":{"type":"array","items":{"type":"integer"}}}}}}},"responses":{}}}}}`

func (b *notebook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	var body struct {
		Text    string
		IDs     []int
		NoteIDs []int `json:"note_ids"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	ids := append(body.IDs, body.NoteIDs...)
	for i, id := range ids {
		note := b.notes[fmt.Sprint(id)]
		if note == nil || b.checks == "all" && note["owner"] != user || b.checks == "first" && i == 0 && note["owner"] != user {
			answer(404, nil)
			return
		}
	}
	switch {
	case user == "":
		answer(401, nil)
	case r.URL.Path == "/notes":
		b.n++
		b.notes[fmt.Sprint(b.n)] = map[string]any{"id": b.n, "text": body.Text, "owner": user}
		answer(201, b.notes[fmt.Sprint(b.n)])
	case r.URL.Path == "/notes/export":
		var out []any
		for _, id := range ids {
			out = append(out, b.notes[fmt.Sprint(id)])
		}
		answer(200, out)
	case r.URL.Path == "/archive":
		for _, id := range ids {
			delete(b.notes, fmt.Sprint(id))
		}
		answer(200, map[string]any{"deleted": len(ids)})
	default:
		note := b.notes[strings.TrimPrefix(r.URL.Path, "/notes/")]
		if note == nil || note["owner"] != user {
			answer(404, nil)
			return
		}
		answer(200, note)
	}
}

// TestBulk: a list of ids is looked through to its end.
func TestBulk(t *testing.T) {
	for _, c := range []struct {
		checks string
		want   trial.Verdict
	}{{"all", trial.Pass}, {"first", trial.Fail}, {"none", trial.Fail}} {
		for check, operation := range map[string]string{"probe/bola-read": "POST /notes/export", "probe/bola-write": "POST /archive"} {
			api := &notebook{checks: c.checks, notes: map[string]map[string]any{}}
			results := run(t, api, notebookDocument, check, false, who("alice", "", ""), who("bob", "", ""))
			r, ok := find(results, operation)
			if !ok || r.Verdict != c.want {
				t.Errorf("%s of the ids checked, %s: %v %q %q, want %v", c.checks, operation, r.Verdict, r.Got, r.Reason, c.want)
			}
			if r.Verdict == trial.Fail && len(r.Shown) != 2 {
				t.Error("nothing shows it")
			}
		}
	}
}

// TestFilled: what a list tells is seen when there is something in it.
func TestFilled(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/tickets":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},"responses":{}}},
"/tickets/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"get":{"responses":{}}},
"/tickets/{id}/comments":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"get":{"responses":{}},
 "post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},"responses":{}}},
"/people":{"get":{"parameters":[{"name":"q","in":"query","required":true,"schema":{"type":"string"}}],"responses":{}}}}}`
	n, comments := 0, map[string][]any{}
	author := map[string]any{"id": 1, "password_hash": "abcdef0123456789"}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := func(status int, v any) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(v)
		}
		switch {
		case r.Header.Get("Authorization") == "":
			answer(401, nil)
		case r.URL.Path == "/people" && len(r.URL.Query().Get("q")) == 1:
			answer(200, []any{author})
		case r.URL.Path == "/people":
			answer(200, []any{})
		case r.Method == http.MethodPost:
			n++
			if strings.HasSuffix(r.URL.Path, "/comments") {
				comments[r.URL.Path] = append(comments[r.URL.Path], map[string]any{"id": n, "author": author})
			}
			answer(201, map[string]any{"id": n})
		case strings.HasSuffix(r.URL.Path, "/comments"):
			answer(200, append([]any{}, comments[r.URL.Path]...))
		default:
			answer(200, map[string]any{"id": n})
		}
	})
	results := run(t, api, doc, "probe/secrets-in-responses", false, who("alice", "", ""), who("bob", "", ""))
	for _, operation := range []string{"GET /tickets/{id}/comments", "GET /people"} {
		if r, ok := find(results, operation); !ok || r.Verdict != trial.Fail {
			t.Errorf("%s: %v %q", operation, r.Verdict, r.Reason)
		}
	}
}
