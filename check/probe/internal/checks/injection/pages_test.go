package injection

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// TestPagesBySlug: a page shows an object by another name than its id.
func TestPagesBySlug(t *testing.T) {
	for escapes, want := range map[bool]trial.Verdict{false: trial.Fail, true: trial.Pass} {
		var mu sync.Mutex
		texts := map[string]string{}
		make := route{"POST /tools", body("text"), func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			n := len(texts) + 1
			texts[fmt.Sprintf("tool-%d", n)] = text(r, "text")
			answer(w, 201, map[string]any{"id": n, "slug": fmt.Sprintf("tool-%d", n)})
		}}
		page := route{"GET /p/{slug}", inPath("slug", "string") + `,"responses":{"200":{"description":"","content":{"text/html":{}}}}`, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			text, ok := texts[r.PathValue("slug")]
			if !ok {
				fail(w, 404)
				return
			}
			if escapes {
				text = html.EscapeString(text)
			}
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<p>"+text+"</p>")
		}}
		r := runOnly(t, "probe/stored-xss", 1, false, make, page, route{"GET /tools/{id}", inPath("id", "integer"), func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, map[string]any{}) }})
		if len(r.results) != 1 || r.results[0].Verdict != want {
			t.Errorf("escapes %v: %+v", escapes, r.results)
		}
	}
}
