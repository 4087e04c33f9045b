package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// notebook serves a page whose script knows its API, and describes none of it.
// Whose note it is, is not asked, and the search repeats what it was asked for.
func notebook() http.Handler {
	var mu sync.Mutex
	notes := map[string]map[string]any{}
	users := map[string]string{"Bearer token-of-alice-1": "alice", "Bearer token-of-bob-2": "bob"}
	write := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		user, id := users[r.Header.Get("Authorization")], strings.TrimPrefix(r.URL.Path, "/api/notes/")
		switch {
		case r.URL.Path == "/search":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = fmt.Fprintf(w, "<html><body><h1>Results</h1><p>%s</p></body></html>", r.URL.Query().Get("q"))
		case !strings.HasPrefix(r.URL.Path, "/api/"):
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, `<!doctype html><title>Notes</title><form action="/search"><input name="q" required></form><a href="/api/reset-all">x</a>
<script>fetch("/api/notes");fetch("/api/notes",{method:"POST",body:b});fetch("/api/notes/"+id);fetch(`+"`/api/notes/${id}`"+`,{method:"DELETE"})</script>
<p>`+html.EscapeString(r.URL.Path)+`</p>`)
		case r.URL.Path != "/api/notes" && id == r.URL.Path:
			write(w, 404, map[string]string{"detail": "not found"})
		case user == "":
			write(w, 401, map[string]string{"detail": "who is there"})
		case r.URL.Path == "/api/notes" && r.Method == http.MethodGet:
			list := []any{}
			for _, n := range notes {
				if n["owner"] == user {
					list = append(list, n)
				}
			}
			write(w, 200, list)
		case r.URL.Path == "/api/notes" && r.Method == http.MethodPost:
			var n struct {
				Text string `json:"text"`
			}
			if json.NewDecoder(r.Body).Decode(&n) != nil || n.Text == "" {
				write(w, 422, map[string]any{"detail": []any{map[string]any{"loc": []string{"body", "text"}, "msg": "Field required", "type": "missing"}}})
				return
			}
			id := fmt.Sprint(1000 + len(notes))
			notes[id] = map[string]any{"id": id, "text": n.Text, "owner": user}
			write(w, 201, notes[id])
		case notes[id] == nil:
			write(w, 404, map[string]string{"detail": "no such note"})
		case r.Method == http.MethodDelete:
			delete(notes, id)
			w.WriteHeader(http.StatusNoContent)
		default:
			write(w, 200, notes[id])
		}
	})
}

// TestCrawl: without a document the flaws are found all the same, and nothing
// is found that is none.
func TestCrawl(t *testing.T) {
	s := httptest.NewServer(notebook())
	defer s.Close()
	o := APIOptions{URL: s.URL, Users: []User{token("alice", "token-of-alice-1"), token("bob", "token-of-bob-2")},
		Only: []string{"bola-read", "reflected-xss", "mass-assignment", "anonymous-refused", "unlisted-*", "schema-enforced", "response-schema", "declared-security"}}
	report, err := API(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, r := range report.Results {
		if r.Verdict == "fail" || r.Verdict == "suspect" {
			failed = append(failed, r.Verdict+" "+r.Check+" "+r.Operation)
		}
		if slices.Contains(aboutDocument(), r.Check) {
			t.Errorf("%s is judged by a document that nobody wrote", r.Check)
		}
	}
	if want := []string{"fail probe/bola-read GET /api/notes/{id}", "suspect probe/mass-assignment POST /api/notes", "fail probe/reflected-xss GET /search"}; !slices.Equal(failed, want) {
		t.Errorf("found %q, want %q; %v", failed, want, report.Uncovered)
	}
	if report.Operations != 5 || report.Covered != 5 || report.Left != 0 {
		t.Errorf("%d of %d operations are covered, %d objects are left: %v", report.Covered, report.Operations, report.Left, report.Uncovered)
	}
	notes := strings.Join(report.Notes, "\n")
	for _, want := range []string{"there is no OpenAPI document: a crawl of ", " as a stranger and as the first user found 5 operations", "1 paths that the crawl met were not asked for", "were left out: undocumented-fields, "} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note says %q:\n%s", want, notes)
		}
	}
	o.DryRun = true
	plan, err := API(t.Context(), o)
	if err != nil || !slices.Contains(plan.Plan, "DELETE /api/notes/{id}") || !slices.Contains(plan.Plan, "GET /search") || plan.Requests == 0 {
		t.Errorf("%v: the plan is %q", err, plan.Plan)
	}
	o.NoCrawl = true
	if _, err := API(t.Context(), o); !errors.Is(err, ErrNoDocument) || strings.Contains(err.Error(), "crawl") {
		t.Errorf("not to be crawled: %v", err)
	}
}

// TestCrawlFindsNothing: the error says what was tried.
func TestCrawlFindsNothing(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	for _, o := range []APIOptions{{URL: s.URL}, {URL: s.URL, DryRun: true}, {URL: s.URL, Users: []User{token("alice", "token-of-alice-1")}}} {
		_, err := API(t.Context(), o)
		if !errors.Is(err, ErrNoDocument) || !strings.Contains(err.Error(), "--openapi FILE") || !strings.Contains(err.Error(), "pavise probe record") || !strings.Contains(err.Error(), "/robots.txt") {
			t.Errorf("%v", err)
		}
	}
}

// TestCrawlFindsDocument: one that a page names is as good as one at a usual
// place.
func TestCrawlFindsDocument(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<a href="/reference/spec.json">reference</a>`)
	})
	mux.HandleFunc("GET /reference/spec.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"openapi":"3.1.0","info":{"title":"Written","version":"1"},"paths":{"/there":{"get":{"responses":{"200":{"description":"x"}}}}}}`)
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	report, err := API(t.Context(), APIOptions{URL: s.URL, DryRun: true})
	if err != nil || report.Title != "Written" || !strings.Contains(strings.Join(report.Notes, "\n"), "was found at /reference/spec.json") || !slices.ContainsFunc(report.Plan, func(p string) bool { return strings.HasPrefix(p, "probe/response-schema") }) {
		t.Errorf("%v: %+v", err, report)
	}
}

func TestAboutDocument(t *testing.T) {
	for _, id := range aboutDocument() {
		if !slices.ContainsFunc(checks(), func(c *trial.Check) bool { return c.ID == id }) {
			t.Errorf("%s is no check", id)
		}
	}
}
