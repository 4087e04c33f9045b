package exposure

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/finding"
)

const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},
"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},
"paths":{
"/v2/me":{"get":{"security":[{"b":[]}],"responses":{"200":{}}}},
"/v2/open":{"get":{"responses":{"200":{}}}},
"/v2/notes":{"get":{"security":[{"b":[]}],"responses":{"200":{}}},
 "post":{"security":[{"b":[]}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},"responses":{"201":{}}}},
"/v2/notes/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],
 "get":{"security":[{"b":[]}],"responses":{"200":{}}},"delete":{"security":[{"b":[]}],"responses":{"204":{}}}}}}`

// app is a well-made API of notes.
type app struct {
	mu     sync.Mutex
	notes  map[string]string
	n      int
	before func(a *app, w http.ResponseWriter, r *http.Request) bool // true: answered
}

func with(before func(a *app, w http.ResponseWriter, r *http.Request) bool) *app {
	return &app{notes: map[string]string{}, before: before}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func in(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer token-of-a" }

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.before != nil && a.before(a, w, r) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	no := func(status int) { answer(w, status, map[string]string{"detail": http.StatusText(status)}) }
	allow := func(methods string) { w.Header().Set("Allow", methods); no(405) }
	id, item := strings.CutPrefix(r.URL.Path, "/v2/notes/")
	switch {
	case r.URL.Path == "/v2/open":
		if r.Method != "GET" {
			allow("GET")
			return
		}
		answer(w, 200, map[string]string{"hello": "world", "of": "all"})
	case !strings.HasPrefix(r.URL.Path, "/v2/"):
		no(404)
	case !in(r):
		w.Header().Set("WWW-Authenticate", "Bearer")
		no(401)
	case r.URL.Path == "/v2/me":
		if r.Method != "GET" {
			allow("GET")
			return
		}
		answer(w, 200, map[string]string{"name": "alice", "town": "Ulm"})
	case r.URL.Path == "/v2/notes" && r.Method == "GET":
		answer(w, 200, []string{"a", "b"})
	case r.URL.Path == "/v2/notes" && r.Method == "POST":
		var body struct{ Text string }
		if json.NewDecoder(r.Body).Decode(&body) != nil || body.Text == "" {
			no(422)
			return
		}
		a.n++
		a.notes[fmt.Sprint(a.n)] = body.Text
		answer(w, 201, map[string]any{"id": a.n, "text": body.Text})
	case r.URL.Path == "/v2/notes":
		allow("GET, POST")
	case item && r.Method != "GET" && r.Method != "DELETE":
		allow("GET, DELETE")
	case item && a.notes[id] != "" && r.Method == "GET":
		answer(w, 200, map[string]any{"id": id, "text": a.notes[id]})
	case item && a.notes[id] != "":
		delete(a.notes, id)
		w.WriteHeader(204)
	default:
		no(404)
	}
}

func bearer() *identity.Identity { return trialtest.Bearer("a", "token-of-a") }

type wanted struct {
	verdict  trial.Verdict
	severity finding.Severity
	got      string
}

func check(t *testing.T, id string, h http.Handler, want wanted) {
	t.Helper()
	tr := trialtest.New(t, doc, h, bearer())
	r := trialtest.Worst(trialtest.Run(t, tr, Checks(), id))
	severity := r.Severity
	if r.Verdict == trial.Fail && severity == finding.Unknown {
		severity = r.Check.Severity
	}
	if r.Verdict != want.verdict || want.severity != 0 && severity != want.severity || !strings.Contains(r.Got, want.got) {
		t.Errorf("%s: %v %v, got %q, reason %q; want %v %v %q", id, r.Verdict, severity, r.Got, r.Reason, want.verdict, want.severity, want.got)
	}
	if r.Verdict == trial.Fail && len(r.Shown) == 0 {
		t.Errorf("%s: nothing shows it", id)
	}
}

func TestWellMadePasses(t *testing.T) {
	for name, h := range map[string]*app{
		"404 for the rest": with(nil),
		// A page of an application for all that is not the API's.
		"a page for the rest": with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/v2/") {
				return false
			}
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!doctype html><title>Swagger-free /debug/pprof/ profile [core] import x</title><script src=/main.js></script>")
			return true
		}),
		"JSON for the rest": with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/v2/") {
				return false
			}
			answer(w, 200, map[string]string{"detail": "nothing here", "email": "help@example.com"})
			return true
		}),
	} {
		tr := trialtest.New(t, doc, h, bearer())
		for _, c := range Checks() {
			for _, r := range trialtest.Run(t, tr, Checks(), c.ID) {
				if r.Verdict == trial.Fail || r.Verdict == trial.Suspect {
					t.Errorf("%s: %s %s: %v %s", name, c.ID, r.Operation, r.Verdict, r.Got)
				}
			}
		}
		if left := tr.Cleanup(t.Context()); left > 0 || len(h.notes) > 0 {
			t.Errorf("%s: %d objects are left, %d in the API", name, left, len(h.notes))
		}
	}
}

// at serves a body at a path.
func at(path, kind, body string) *app {
	return with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
		return true
	})
}

func TestPlaces(t *testing.T) {
	const plain = "text/plain; charset=utf-8"
	for _, c := range []struct {
		id, path, kind, body string
		want                 wanted
	}{
		{"probe/docs-open", "/docs", "text/html", `<html><div id="swagger-ui"></div></html>`, wanted{trial.Fail, finding.Medium, "/docs"}},
		{"probe/docs-open", "/openapi.json", "application/json", doc, wanted{trial.Fail, finding.Medium, "/openapi.json"}},
		{"probe/docs-open", "/v2/openapi.json", "application/json", doc, wanted{trial.Fail, finding.Medium, "/v2/openapi.json"}},
		{"probe/docs-open", "/docs", "text/html", `<html><h1>How to use our product</h1></html>`, wanted{verdict: trial.Pass}},
		{"probe/debug-routes", "/metrics", plain, "# HELP go_goroutines n\n# TYPE go_goroutines gauge\ngo_goroutines 7\n", wanted{trial.Fail, finding.Medium, "/metrics"}},
		{"probe/debug-routes", "/debug/pprof/", "text/html", "<html><head><title>/debug/pprof/</title></head>Types of profiles available", wanted{trial.Fail, finding.High, "pprof"}},
		{"probe/debug-routes", "/debug/vars", "application/json", `{"cmdline":["x"],"memstats":{}}`, wanted{trial.Fail, finding.High, "vars"}},
		{"probe/debug-routes", "/env", "application/json", `{"PATH":"/bin","HOME":"/root"}`, wanted{trial.Fail, finding.High, "/env"}},
		{"probe/debug-routes", "/metrics", "application/json", `{"orders":3}`, wanted{verdict: trial.Pass}},
		{"probe/debug-routes", "/debug/config", "application/json", `{"env":"production","smtp":{"user":"hub","password":"planted-pw"}}`, wanted{trial.Fail, finding.High, "/debug/config"}},
		{"probe/debug-routes", "/debug/vars", "application/json", `{"mail":"smtp://relay:planted-pw@mail.example:587"}`, wanted{trial.Fail, finding.High, "/debug/vars"}},
		{"probe/debug-routes", "/settings", "application/json", `{"theme":"dark","docs":"https://example.org/a@b"}`, wanted{verdict: trial.Pass}},
		{"probe/hidden-routes", "/admin/users", "application/json", `[{"id":1,"email":"a@example.com"}]`, wanted{trial.Fail, finding.High, "email"}},
		{"probe/hidden-routes", "/config", "application/json", `{"db":{"password":"hunter22"}}`, wanted{trial.Fail, finding.High, "password"}},
		{"probe/hidden-routes", "/internal", "application/json", `{"ok":true}`, wanted{trial.Suspect, finding.Low, "/internal"}},
		{"probe/hidden-routes", "/admin", "text/html", `<html>log in</html>`, wanted{verdict: trial.Pass}},
		{"probe/files-served", "/.git/HEAD", plain, "ref: refs/heads/main\n", wanted{trial.Fail, finding.High, "/.git/HEAD"}},
		{"probe/files-served", "/.env", plain, "# settings\nDATABASE_URL=postgres://x\n", wanted{trial.Fail, finding.Critical, "/.env"}},
		{"probe/files-served", "/backup.sql", plain, "CREATE TABLE users (id int);\n", wanted{trial.Fail, finding.Critical, "/backup.sql"}},
		{"probe/files-served", "/config.json", "application/json", `{"db_password": "hunter22"}`, wanted{trial.Fail, finding.Critical, "/config.json"}},
		{"probe/files-served", "/config.json", "application/json", `{"theme": "dark"}`, wanted{verdict: trial.Pass}},
		{"probe/files-served", "/.env", "text/html", "<html>\nPATH=/x\n</html>", wanted{verdict: trial.Pass}},
		{"probe/directory-listing", "/static/", "text/html", "<html><head><title>Index of /static/</title></head>", wanted{trial.Fail, finding.Low, "/static/"}},
		{"probe/directory-listing", "/files/", "text/html", "<pre>\n<a href=\"a.txt\">a.txt</a>\n</pre>", wanted{trial.Fail, finding.Low, "/files/"}},
	} {
		check(t, c.id, at(c.path, c.kind, c.body), c.want)
	}
}

func TestDocumentThatTheProbeReads(t *testing.T) {
	h := at("/secret-place.json", "application/json", doc)
	tr := trialtest.New(t, doc, h, bearer())
	if _, err := tr.Send(t.Context(), get("/secret-place.json")); err != nil {
		t.Fatal(err)
	}
	if r := trialtest.Worst(trialtest.Run(t, tr, Checks(), "probe/docs-open")); r.Verdict != trial.Fail || !strings.Contains(r.Got, "/secret-place.json") {
		t.Errorf("%v %s", r.Verdict, r.Got)
	}
}

// failing answers what cannot be read with a text.
func failing(status int, kind, text string) *app {
	return with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
		var body map[string]any
		if r.Method != "POST" || !in(r) {
			return false
		}
		data, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(data)))
		if json.Unmarshal(data, &body) == nil {
			return false
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(text, "{body}", string(data)))
		return true
	})
}

func TestErrors(t *testing.T) {
	const plain, page, data = "text/plain", "text/html", "application/json"
	for _, c := range []struct {
		id, kind, text string
		want           wanted
	}{
		{"probe/verbose-errors", plain, "Traceback (most recent call last):\n  File \"/srv/main.py\", line 3, in f\n", wanted{trial.Fail, finding.Medium, "Python"}},
		{"probe/verbose-errors", data, `{"detail":"File \"/srv/main.py\", line 3"}`, wanted{trial.Fail, finding.Medium, "Python"}},
		{"probe/verbose-errors", plain, "goroutine 7 [running]:\nmain.f()\n\t/src/main.go:12 +0x1d", wanted{trial.Fail, finding.Medium, "Go"}},
		{"probe/verbose-errors", plain, "java.lang.NullPointerException\n\tat com.shop.Order.get(Order.java:17)", wanted{trial.Fail, finding.Medium, "Java"}},
		{"probe/verbose-errors", page, "<pre>SyntaxError: Unexpected end<br> &nbsp; &nbsp;at JSON.parse (&lt;anonymous&gt;)<br> at parse (/srv/node/body.js:10:3)</pre>", wanted{trial.Fail, finding.Medium, "JavaScript"}},
		{"probe/verbose-errors", data, `{"detail":"(sqlite3.OperationalError) near \"pv\": syntax error"}`, wanted{trial.Fail, finding.Medium, "database"}},
		{"probe/verbose-errors", data, `{"detail":"UNIQUE constraint failed: users.email"}`, wanted{trial.Fail, finding.Medium, "database"}},
		{"probe/verbose-errors", data, `{"error":"dial tcp 10.0.0.3:5432: connect: connection refused"}`, wanted{trial.Fail, finding.Medium, "network"}},
		{"probe/verbose-errors", data, `{"error":"open /home/app/data/notes.db"}`, wanted{trial.Fail, finding.Medium, "path of the server"}},
		{"probe/verbose-errors", data, `{"error":"json: cannot unmarshal array into Go value of type main.note"}`, wanted{trial.Fail, finding.Low, "program's own"}},
		{"probe/verbose-errors", data, `{"detail":[{"type":"json_invalid","loc":["body",7],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting value"}}]}`, wanted{verdict: trial.Pass}},
		{"probe/verbose-errors", data, `{"detail":"Internal Server Error","id":"b1946ac9"}`, wanted{verdict: trial.Pass}},
		{"probe/verbose-errors", data, `{"detail":"the file at line 3 of your upload is no CSV; see /home/help"}`, wanted{verdict: trial.Pass}},
		{"probe/verbose-errors", plain, `what you sent was {body}`, wanted{verdict: trial.Pass}},
		{"probe/debug-mode", page, `<html><title>ValueError // Werkzeug Debugger</title>`, wanted{trial.Fail, finding.High, "Werkzeug"}},
		{"probe/debug-mode", page, `<p>You're seeing this error because you have <code>DEBUG = True</code> in your settings.</p>`, wanted{trial.Fail, finding.High, "Django"}},
		{"probe/debug-mode", page, `<html><title>Internal Server Error</title></html>`, wanted{verdict: trial.Pass}},
	} {
		check(t, c.id, failing(500, c.kind, c.text), c.want)
	}
}

// What an attack itself says is no word of the server.
func TestReflectedWordsAreNotOurs(t *testing.T) {
	h := failing(400, "text/plain", "{body}")
	tr := trialtest.New(t, doc, h, bearer())
	r := get("/v2/notes")
	r.Method, r.Body = "POST", []byte(`x' syntax error at or near "Traceback (most recent call last)" /etc/site-packages/x`)
	r.Header.Set("Authorization", "Bearer token-of-a")
	if _, err := tr.Send(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if r := trialtest.Worst(trialtest.Run(t, tr, Checks(), "probe/verbose-errors")); r.Verdict != trial.Pass {
		t.Errorf("%v %s", r.Verdict, r.Got)
	}
}

func TestEchoedPassword(t *testing.T) {
	h := failing(422, "application/json", `{"input":"{body}"}`)
	tr := trialtest.New(t, doc, h, bearer())
	r := get("/v2/notes")
	r.Method, r.Body = "POST", []byte(`password=correct-horse-battery`)
	r.Header.Set("Authorization", "Bearer token-of-a")
	if _, err := tr.Send(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if r := trialtest.Worst(trialtest.Run(t, tr, Checks(), "probe/verbose-errors")); r.Verdict != trial.Fail || r.Severity != finding.Low || strings.Contains(r.Got, "horse") {
		t.Errorf("%v %v %s", r.Verdict, r.Severity, r.Got)
	}
}

func TestMethods(t *testing.T) {
	on := func(method, path string, status int) *app {
		return with(func(a *app, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method || !strings.HasPrefix(r.URL.Path, path) || !in(r) {
				return false
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			answer(w, status, map[string]string{"a": "b"})
			return true
		})
	}
	check(t, "probe/unlisted-methods", on("PUT", "/v2/notes/", 200), wanted{trial.Fail, finding.Medium, "200 to PUT"})
	check(t, "probe/unlisted-methods", on("PATCH", "/v2/me", 422), wanted{trial.Fail, finding.Low, "422 to PATCH"})
	check(t, "probe/unlisted-methods", on("PUT", "/v2/me", 403), wanted{verdict: trial.Pass})
	check(t, "probe/unlisted-methods", with(func(_ *app, w http.ResponseWriter, r *http.Request) bool { // all bodies are looked at first
		if r.Method == "PUT" || r.Method == "PATCH" {
			answer(w, 400, "no JSON")
			return true
		}
		return false
	}), wanted{verdict: trial.Pass})
	check(t, "probe/unlisted-methods", with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "PUT" {
			w.WriteHeader(405)
			return true
		}
		return false
	}), wanted{trial.Fail, finding.Low, "405 without Allow"})
	check(t, "probe/trace", with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "TRACE" {
			_ = r.Header.Write(w)
			return true
		}
		return false
	}), wanted{trial.Fail, finding.Low, "TRACE"})
	override := func(methods ...string) *app {
		return with(func(a *app, w http.ResponseWriter, r *http.Request) bool {
			for _, m := range methods {
				if r.Method == m && r.Header.Get("X-Http-Method-Override") != "" {
					r.Method = r.Header.Get("X-Http-Method-Override")
				}
			}
			return false
		})
	}
	check(t, "probe/method-override", override("POST"), wanted{trial.Fail, finding.Medium, "POST with"})
	check(t, "probe/method-override", override("GET"), wanted{trial.Fail, finding.Medium, "GET with"})
	check(t, "probe/method-override", with(nil), wanted{verdict: trial.Pass})
}

// A path without parameters may be one of a template's with other methods.
func TestMethodsOfAnotherTemplate(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
"/items/me":{"get":{"responses":{"200":{}}}},
"/items/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"get":{"responses":{"200":{}}},"patch":{"responses":{"200":{}}}}}}`
	tr := trialtest.New(t, doc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/items/me" && r.Method == "GET":
			answer(w, 200, map[string]string{"a": "b"})
		case strings.HasPrefix(r.URL.Path, "/items/") && r.Method == "PATCH":
			answer(w, 422, "no")
		case strings.HasPrefix(r.URL.Path, "/items/"):
			w.Header().Set("Allow", "GET, PATCH")
			w.WriteHeader(405)
		default:
			w.WriteHeader(404)
		}
	}))
	if r := trialtest.Worst(trialtest.Run(t, tr, Checks(), "probe/unlisted-methods")); r.Verdict != trial.Pass {
		t.Errorf("%v %s", r.Verdict, r.Got)
	}
}

func TestVersions(t *testing.T) {
	old := func(guarded bool) *app {
		return with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/me" || guarded && !in(r) {
				return false
			}
			answer(w, 200, map[string]string{"name": "alice", "town": "Ulm"})
			return true
		})
	}
	check(t, "probe/old-versions", old(true), wanted{trial.Fail, finding.Low, "v1"})
	check(t, "probe/old-versions", old(false), wanted{trial.Fail, finding.High, "to strangers"})
	// Only a later operation, with a member more.
	check(t, "probe/old-versions", with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/v1/notes/") {
			return false
		}
		answer(w, 200, map[string]any{"id": 1, "text": "x", "password_hash": "y"})
		return true
	}), wanted{trial.Fail, finding.High, "to strangers"})
	check(t, "probe/old-versions", with(func(_ *app, w http.ResponseWriter, r *http.Request) bool { // whatever the version
		if strings.HasSuffix(r.URL.Path, "/me") && in(r) {
			answer(w, 200, map[string]string{"name": "alice", "town": "Ulm"})
			return true
		}
		return false
	}), wanted{verdict: trial.Inconclusive})
}

func TestSpellings(t *testing.T) {
	guardedBy := func(refused func(path string) bool, serve func(r *http.Request) string) *app {
		return with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
			if refused(r.URL.EscapedPath()) && !in(r) {
				w.WriteHeader(401)
				return true
			}
			if serve(r) == "/v2/me" {
				answer(w, 200, map[string]string{"name": "alice", "town": "Ulm"})
				return true
			}
			return false
		})
	}
	prefix := func(path string) bool {
		return strings.HasPrefix(path, "/v2/me") || strings.HasPrefix(path, "/v2/notes")
	}
	clean := func(r *http.Request) string {
		return "/" + strings.TrimLeft(strings.ReplaceAll(r.URL.Path, "/./", "/"), "/")
	}
	check(t, "probe/path-normalisation", guardedBy(prefix, clean), wanted{trial.Fail, finding.High, "at //v2/me"})
	check(t, "probe/path-normalisation", guardedBy(prefix, func(r *http.Request) string { return strings.ToLower(r.URL.Path) }), wanted{trial.Fail, finding.High, "at /V2/me"})
	check(t, "probe/path-normalisation", guardedBy(func(path string) bool { return strings.HasSuffix(path, "/me") }, func(r *http.Request) string { return strings.ToLower(r.URL.Path) }), wanted{trial.Fail, finding.High, "at /V2/ME"})
	check(t, "probe/path-normalisation", guardedBy(func(path string) bool { return path == "/v2/me" }, func(r *http.Request) string { return strings.TrimSuffix(r.URL.Path, "/") }), wanted{trial.Fail, finding.High, "at /v2/me/"})
	check(t, "probe/path-normalisation", with(nil), wanted{verdict: trial.Pass})
}

func TestDeclared(t *testing.T) {
	guarded := with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/open" && !in(r) {
			w.WriteHeader(401)
			return true
		}
		return false
	})
	check(t, "probe/declared-security", guarded, wanted{trial.Fail, finding.Low, "401"})
	check(t, "probe/declared-security", with(nil), wanted{verdict: trial.Pass})
}
