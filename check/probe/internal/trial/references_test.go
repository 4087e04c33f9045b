package trial_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// A bank has cards, and asks for them in other places than paths.
type bank struct {
	mu     sync.Mutex
	closed bool // no card can be made, and somebody else's is listed
	cards  map[string]string
	asked  []string
}

const bankDocument = `{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "security": [{"b": []}], "components": {"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}}, "paths": {
"/cards": {"get": {"responses": {}}, "post": {"responses": {}}},
"/card-status": {"get": {"parameters": [{"name": "card_id", "in": "query", "required": true, "schema": {"type": "integer"}, "example": 3}], "responses": {}}},
"/card-limit": {"get": {"parameters": [{"name": "X-Card-Id", "in": "header", "required": true, "schema": {"type": "string"}}], "responses": {}}},
"/card-sums": {"get": {"parameters": [{"name": "card_ids", "in": "query", "required": true, "schema": {"type": "array", "items": {"type": "integer"}}}], "responses": {}}},
"/card-owner": {"get": {"parameters": [{"name": "user_id", "in": "query", "schema": {"type": "string"}}], "responses": {}}},
"/payments": {"get": {"parameters": [{"name": "card_id", "in": "query", "schema": {"type": "integer"}}], "responses": {}}},
"/card-kinds": {"get": {"parameters": [{"name": "card_id", "in": "query", "required": true, "schema": {"type": "string", "enum": ["debit"]}}], "responses": {}}},
"/card-tokens": {"get": {"parameters": [{"name": "card_id", "in": "query", "required": true, "schema": {"type": "string", "format": "uuid"}}], "responses": {}}},
"/freeze": {"post": {"parameters": [{"name": "card_id", "in": "query", "required": true, "schema": {"type": "integer"}, "example": 900}], "responses": {}}}}}`

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	who := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	b.asked = append(b.asked, r.Method+" "+r.RequestURI)
	own := func(id string) bool { return b.cards[id] == who }
	q := r.URL.Query()
	ok := false
	switch r.Method + " " + r.URL.Path {
	case "POST /cards":
		if b.closed {
			w.WriteHeader(500)
			return
		}
		id := fmt.Sprint(100 + len(b.cards))
		b.cards[id] = who
		w.WriteHeader(201)
		fmt.Fprintf(w, `{"id": %s}`, id)
		return
	case "GET /cards":
		_ = json.NewEncoder(w).Encode([]any{map[string]any{"id": 900}})
		return
	case "GET /card-status", "POST /freeze":
		ok = own(q.Get("card_id"))
	case "GET /payments":
		ok = !q.Has("card_id") || own(q.Get("card_id"))
	case "GET /card-limit":
		ok = own(r.Header.Get("X-Card-Id"))
	case "GET /card-sums":
		ok = len(q["card_ids"]) == 1 && own(q["card_ids"][0])
	case "GET /card-owner":
		ok = q.Get("user_id") == who
	case "GET /card-kinds":
		ok = q.Get("card_id") == "debit"
	case "GET /card-tokens":
		ok = len(q.Get("card_id")) == 36
	}
	if !ok {
		w.WriteHeader(404)
	}
}

func (b *bank) trial(t *testing.T) *trial.Trial {
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	doc, err := openapi.Parse([]byte(bankDocument))
	if err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse(srv.URL)
	client := traffic.New(traffic.Options{Base: base, Total: 200})
	t.Cleanup(client.Close)
	alice := &identity.Identity{Name: "alice", ID: "alice", Header: http.Header{"Authorization": {"Bearer alice"}}}
	return trial.New(trial.Options{Client: client, Document: doc, Identities: []*identity.Identity{alice}, Seed: 1})
}

// TestNamed: an object that the query or the header names is one's own.
func TestNamed(t *testing.T) {
	b := &bank{cards: map[string]string{"900": "somebody"}}
	tr := b.trial(t)
	if _, uncovered := tr.Run(t.Context(), nil); len(uncovered) > 0 {
		t.Error(uncovered)
	}
	// No card was made for what may be left out, and the last one is taken.
	last := fmt.Sprint(100 + len(b.cards) - 1)
	d, err := tr.Draft(t.Context(), operation(t, tr, "GET /payments"), tr.Identities[0], 0)
	if err != nil || len(d.Query) != 1 || d.Query[0].Value != last {
		t.Errorf("%v %+v, want %s", err, d.Query, last)
	}
	// No card is called so.
	for name, want := range map[string]string{"GET /card-kinds": "debit", "GET /card-tokens": "-"} {
		d, err := tr.Draft(t.Context(), operation(t, tr, name), tr.Identities[0], 0)
		if err != nil || len(d.Query) != 1 || !strings.Contains(d.Query[0].Value, want) {
			t.Errorf("%s: %v %+v", name, err, d.Query)
		}
	}
}

// TestNamedByWrite: what writes is never sent about what is another's, whether
// the list shows it or the document has it for an example.
func TestNamedByWrite(t *testing.T) {
	b := &bank{closed: true, cards: map[string]string{"900": "somebody"}}
	tr := b.trial(t)
	_, uncovered := tr.Run(t.Context(), nil)
	if !slices.ContainsFunc(uncovered, func(u finding.Unclear) bool {
		return u.Where == "POST /freeze" && strings.Contains(u.Problem, "no object could be made")
	}) {
		t.Error(uncovered)
	}
	if slices.ContainsFunc(b.asked, func(s string) bool { return strings.HasPrefix(s, "POST /freeze") }) {
		t.Error(b.asked)
	}
}
