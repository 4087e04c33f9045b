package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProbeCrawls runs the command at an API that describes itself nowhere.
func TestProbeCrawls(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"teas":"/teas?page=1","leave":"/logout"}`)
	})
	mux.HandleFunc("GET /teas", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Powered-By", "Kettle 3.1.4")
		_, _ = io.WriteString(w, `[{"id":71}]`)
	})
	mux.HandleFunc("GET /teas/71", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":71}`)
	})
	mux.HandleFunc("GET /logout", func(http.ResponseWriter, *http.Request) { t.Error("the logout was followed") })
	api, empty := httptest.NewServer(mux), httptest.NewServer(http.NotFoundHandler())
	defer api.Close()
	defer empty.Close()
	users := filepath.Join(t.TempDir(), "auth.yaml")
	if err := os.WriteFile(users, []byte("auth:\n  - nam: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{api.URL, "--dry-run"}, 0, []string{"GET /teas\n", "GET /teas/{id}\n", "note: there is no OpenAPI document: a crawl of "}},
		{[]string{api.URL, "--api", "--only", "version-headers", "--fail-on", "any"}, exitFindings, []string{"probe/version-headers", "3 of 3 operations", "found 3 operations"}},
		{[]string{api.URL, "--api", "--crawl=false"}, exitUnknown, []string{"no OpenAPI document was found at /openapi.json", "pavise probe record"}},
		{[]string{api.URL, "--api", "--auth", users}, exitUsage, []string{"wrong options: the identities: ", "nam", "mend the file of --auth"}},
		{[]string{empty.URL, "--api"}, exitUnknown, []string{"no OpenAPI document was found at /openapi.json", "found no operation either", "use pavise probe replay"}},
	} {
		var out, errs strings.Builder
		code := run(t.Context(), append([]string{"probe"}, c.args...), strings.NewReader(""), &out, &errs)
		said := out.String() + errs.String()
		if code != c.code {
			t.Errorf("%v: exit %d\n%s", c.args, code, said)
		}
		for _, want := range c.says {
			if !strings.Contains(said, want) {
				t.Errorf("%v does not say %q\n%s", c.args, want, said)
			}
		}
	}
}
