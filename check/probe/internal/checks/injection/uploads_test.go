package injection

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// TestUploadsFound: where a file is served is found by less than an address.
func TestUploadsFound(t *testing.T) {
	type store struct {
		mu   sync.Mutex
		data map[string][]byte
		kind map[string]string
		last string
	}
	asPage := func(w http.ResponseWriter) {}
	download := func(w http.ResponseWriter) { w.Header().Set("Content-Disposition", "attachment") }
	sandbox := func(w http.ResponseWriter) { w.Header().Set("Content-Security-Policy", "sandbox") }
	named := func(name string, _ int) any { return map[string]any{"filename": name} }
	for _, c := range []struct {
		name     string
		post     string
		get      string // where files are served, with {name} for one
		hidden   bool   // the document lacks that
		answer   func(name string, n int) any
		byNumber bool
		head     func(w http.ResponseWriter)
		want     trial.Verdict
		severity finding.Severity
	}{
		{name: "a name, and an operation for it", post: "/upload", get: "/media/{name}", answer: named, head: asPage, want: trial.Fail},
		{name: "a name in a list", post: "/upload", get: "/photos/{name}/raw", answer: func(n string, _ int) any { return map[string]any{"items": []any{map[string]any{"stored_as": n}}} }, head: asPage, want: trial.Fail},
		{name: "a name, and a download", post: "/upload", get: "/media/{name}", answer: named, head: download, want: trial.Pass},
		{name: "a name, and a sandbox", post: "/upload", get: "/media/{name}", answer: named, head: sandbox, want: trial.Fail, severity: finding.Low},
		{name: "a name, and plain text", post: "/upload", get: "/media/{name}", answer: named, head: func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/plain") }, want: trial.Pass},
		{name: "an id, and an operation for it", post: "/send", get: "/download/{name}", answer: func(_ string, n int) any { return map[string]any{"file_id": n} }, byNumber: true, head: asPage, want: trial.Fail},
		{name: "a name, and an operation for something else", post: "/send", get: "/articles/{name}", answer: named, head: asPage, want: trial.Inconclusive},
		{name: "a path without a slash in front", post: "/send", get: "/var/data/{name}", hidden: true, answer: func(n string, _ int) any { return map[string]any{"path": "var/data/" + n} }, head: asPage, want: trial.Fail},
		{name: "a name, below the upload", post: "/send", get: "/send/{name}", hidden: true, answer: named, head: asPage, want: trial.Fail},
		{name: "a name, where files often are", post: "/send", get: "/static/{name}", hidden: true, answer: named, head: asPage, want: trial.Fail},
		{name: "nothing, and the same path", post: "/me/avatar", get: "/me/avatar", answer: func(string, int) any { return map[string]any{"ok": true} }, head: asPage, want: trial.Fail},
		{name: "nothing", post: "/send", get: "/media/{name}", answer: func(string, int) any { return map[string]any{"ok": true} }, head: asPage, want: trial.Inconclusive},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := &store{data: map[string][]byte{}, kind: map[string]string{}}
			spec := inPath("name", "string")
			switch {
			case c.hidden:
				spec = "-"
			case !strings.Contains(c.get, "{"):
				spec = ""
			}
			routes := []route{
				{"POST " + c.post, upload, func(w http.ResponseWriter, r *http.Request) {
					f, h, err := r.FormFile("file")
					if err != nil {
						fail(w, 422)
						return
					}
					data, _ := io.ReadAll(f)
					st.mu.Lock()
					defer st.mu.Unlock()
					name := fmt.Sprintf("f%d%s", len(st.data)+1, path.Ext(h.Filename))
					if c.byNumber {
						name = fmt.Sprint(len(st.data) + 1)
					}
					st.data[name], st.kind[name], st.last = data, h.Header.Get("Content-Type"), name
					answer(w, 201, c.answer(name, len(st.data)))
				}},
				{"GET " + c.get, spec, func(w http.ResponseWriter, r *http.Request) {
					st.mu.Lock()
					defer st.mu.Unlock()
					name := r.PathValue("name")
					if name == "" {
						name = st.last
					}
					if st.data[name] == nil {
						fail(w, 404)
						return
					}
					w.Header().Set("Content-Type", st.kind[name])
					c.head(w)
					_, _ = w.Write(st.data[name])
				}},
			}
			for _, r := range verdicts(t, "probe/upload-inline", "POST "+c.post, false, routes...) {
				if r.Verdict != c.want || r.Severity != c.severity {
					t.Errorf("%v %v %q %q, want %v %v", r.Verdict, r.Severity, r.Got, r.Reason, c.want, c.severity)
				}
			}
		})
	}
}
