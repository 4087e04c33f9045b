package trial_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

// TestBelow: a review is made of a book that the shop has, and the book is not
// closed.
func TestBelow(t *testing.T) {
	body := `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},`
	id := `"parameters":[{"name":"book_id","in":"path","required":true,"schema":{"type":"integer"}}],`
	doc := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/books":{"get":{"responses":{}},"post":{` + body + `"responses":{}}},
"/books/{book_id}":{` + id + `"get":{"responses":{}},"put":{` + body + `"responses":{}}},
"/books/{book_id}/reviews":{` + id + `"post":{` + body + `"responses":{"201":{}}}},
"/books/{book_id}/close":{` + id + `"post":{"responses":{"200":{}}}}}}`
	var mu sync.Mutex
	var changed []string
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := func(status int, v any) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(v)
		}
		switch {
		case r.Header.Get("Authorization") == "":
			answer(401, nil)
		case r.URL.Path == "/books" && r.Method == http.MethodPost:
			answer(403, nil)
		case r.URL.Path == "/books":
			answer(200, []any{map[string]any{"id": 7, "title": "a book"}})
		case !strings.HasPrefix(r.URL.Path, "/books/7"):
			answer(404, nil)
		case r.Method == http.MethodGet:
			answer(200, map[string]any{"id": 7, "title": "a book"})
		case strings.HasSuffix(r.URL.Path, "/reviews"):
			answer(201, map[string]any{"id": 1})
		default:
			mu.Lock()
			defer mu.Unlock()
			changed = append(changed, fmt.Sprint(r.Method, " ", r.URL.Path))
			answer(200, nil)
		}
	})
	tr := trialtest.New(t, doc, api, trialtest.Bearer("a", "token"))
	for _, op := range tr.Operations {
		_, err := tr.Baseline(t.Context(), op, tr.Identities[0])
		want := op.Method == http.MethodGet || strings.HasSuffix(op.Path, "/reviews")
		if (err == nil) != want {
			t.Errorf("%s: %v", op.Name(), err)
		}
	}
	if len(changed) > 0 {
		t.Error("what is not ours was changed:", changed)
	}
}
