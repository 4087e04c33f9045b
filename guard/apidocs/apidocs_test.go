package apidocs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/promise"
)

func must(t testing.TB, p Policy) *Guard {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// at is a request for a decoded path, as a router may see it.
func at(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.Path = path
	return r
}

func TestClosed(t *testing.T) {
	t.Parallel()
	g := must(t, Policy{})
	for _, path := range []string{
		"/docs", "/docs/", "/docs//", "/DOCS", "/Docs/", "//docs", "/./docs", "/docs/.", "/docs;x", "/docs;v=1/", "/docs/;x", `/docs\`,
		"/docs/oauth2-redirect", "/docs/oauth2-redirect/", "/docs/OAuth2-Redirect", "/docs/index.html",
		"/redoc", "/redoc/", "/ReDoc", "/redoc/static/x.js", "/redoc.html",
		"/openapi.json", "/openapi.json/", "/OpenAPI.JSON", "/openapi.yaml", "/openapi.yml", "/openapi3.1.json", "/openapi-v2.yaml",
		"/api/v1/openapi.json", "/api/v1/docs", "/sub/app/redoc", "/openapi", "/openapi/v1.json",
		"/swagger", "/swagger/", "/swagger/index.html", "/swagger.json", "/swagger/v1/swagger.json", "/swagger-ui", "/swagger-ui/",
		"/swagger-ui.html", "/swagger-ui/swagger-ui-bundle.js", "/swagger-resources", "/api-docs", "/v3/api-docs/swagger-config", "/apidocs", "/rapidoc",
		"/docs.", "/docs ",
	} {
		var ref *guard.Refusal
		if err := g.Check(at(path)); !errors.As(err, &ref) {
			t.Errorf("%q passes", path)
		} else if ref.Status != 404 || ref.Code != "NOT_FOUND" || ref.Rule != rule {
			t.Errorf("%q: %+v", path, ref)
		}
	}
	for _, path := range []string{
		"", "/", "/doc", "/docsx", "/xdocs", "/docs/17", "/docs/17/pages", "/users/docs/17", "/openapi.json.d/x", "/openapi.txt", "/openapis",
		"/my-openapi.json", "/swaggers", "/swag", "/oauth2-redirect", "/auth/oauth2-redirect", "/redocs", "/index.html", "/documents",
	} {
		if err := g.Check(at(path)); err != nil {
			t.Errorf("%q is refused", path)
		}
	}
}

// Whatever the method: HEAD would tell that and how long it is.
func TestMethods(t *testing.T) {
	t.Parallel()
	for _, m := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
		r := at("/openapi.json")
		r.Method = m
		if must(t, Policy{}).Check(r) == nil {
			t.Errorf("%s passes", m)
		}
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	from := func(path, addr string) *http.Request {
		r := at(path)
		r.RemoteAddr = addr
		return r
	}
	custom := Policy{Paths: []string{"/Internal/Schema", "/spec/", "/v/{n}/map"}, Except: []string{"/files/docs", "/spec/public/", "/internal/docs/"}}
	inside := Policy{OpenTo: []string{"10.0.0.0/8", "2001:db8::/32", "192.0.2.7"}}
	for _, tc := range []struct {
		p    Policy
		r    *http.Request
		open bool
	}{
		{Policy{Open: true}, at("/docs"), true},
		{custom, at("/docs"), false},
		{custom, at("/internal/schema"), false},
		{custom, at("/INTERNAL/schema"), false},
		{custom, at("/internal/schema/"), false},
		{custom, at("/internal/schema/x"), true},
		{custom, at("/spec"), true},
		{custom, at("/spec/a/b"), false},
		{custom, at("/spec/public/x"), true},
		{custom, at("/v/7/map"), false},
		{custom, at("/files/docs"), true},
		{custom, at("/files/DOCS"), true},
		{custom, at("/files/openapi.json"), false},
		{custom, at("/internal/docs/openapi.json"), true},
		{inside, from("/docs", "10.1.2.3:4711"), true},
		{inside, from("/docs", "[::ffff:10.1.2.3]:4711"), true},
		{inside, from("/docs", "[2001:db8::1]:4711"), true},
		{inside, from("/docs", "192.0.2.7:4711"), true},
		{inside, from("/docs", "192.0.2.8:4711"), false},
		{inside, from("/docs", "11.0.0.1:4711"), false},
		{inside, from("/docs", "@"), false},
		{inside, from("/docs", ""), false},
	} {
		if got := must(t, tc.p).Check(tc.r) == nil; got != tc.open {
			t.Errorf("%+v: %s from %q: open %v", tc.p, tc.r.URL.Path, tc.r.RemoteAddr, got)
		}
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	_, err := New(Policy{
		Open:   true,
		OpenTo: []string{"10.0.0.1/8", "0.0.0.0/0", "::/0", "localhost", "::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "fe80::1%eth0", "10.0.0.0/8", "10.0.0.0/8"},
		Paths:  []string{"docs", "/a?b", "/x", "/X", "/"},
		Except: []string{"/a//b", "/"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"apidocs.open: ", "open_to[0]", "open_to[1]", "open_to[2]", "open_to[3]", "open_to[4]", "open_to[5]", "open_to[6]", "open_to[8]",
		"paths[0]", "paths[1]", "paths[3]", "paths[4]", "except[0]", "except[1]",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 15 {
		t.Errorf("%d mistakes\n%v", n, err)
	}
}

func TestLoosened(t *testing.T) {
	t.Parallel()
	if l := (Policy{Paths: []string{"/x"}}).Loosened(); len(l) != 0 {
		t.Errorf("%v", l)
	}
	if l := (Policy{Open: true, OpenTo: []string{"10.0.0.0/8"}, Except: []string{"/a", "/b"}}).Loosened(); len(l) != 4 {
		t.Errorf("%v", l)
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	r, f := guard.WithFacts(at("/docs"))
	seen := ""
	f.Door = func(_ *http.Request, ref *guard.Refusal) bool { seen = ref.Rule; return true }
	if err := must(t, Policy{}).Check(r); err != nil || seen != rule {
		t.Errorf("err %v, seen %q", err, seen)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	rec := httptest.NewRecorder()
	must(t, Policy{}).Wrap(http.NotFoundHandler()).ServeHTTP(rec, at("/docs"))
	var b strings.Builder
	b.WriteString(rec.Result().Status + "\n")
	_ = rec.Result().Header.Write(&b)
	got := strings.ReplaceAll(b.String(), "\r\n", "\n") + "\n" + rec.Body.String()
	want, err := os.ReadFile("testdata/closed.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAllocs(t *testing.T) {
	g := must(t, Policy{})
	for _, path := range []string{"/", "/api/v1/users/17/orders"} {
		r := at(path)
		if n := testing.AllocsPerRun(200, func() { _ = g.Check(r) }); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	g, r := must(b, Policy{}), at("/api/v1/users/17/orders")
	b.ReportAllocs()
	for b.Loop() {
		_ = g.Check(r)
	}
}

// FuzzCheck: Check passes exactly what Wrap gives to next; and whatever is
// done to a closed path that some router undoes, it stays closed.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"/docs", "/docs/", "//DOCS", "/api/openapi.json", "/docs;x", "/docs/17", "", "/swagger/x", "/\x00docs", "/dOcs/%2e"} {
		f.Add(s)
	}
	g := must(f, Policy{Paths: []string{"/spec"}, Except: []string{"/files/docs"}})
	f.Fuzz(func(t *testing.T, path string) {
		called := false
		g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })).ServeHTTP(httptest.NewRecorder(), at(path))
		if (g.Check(at(path)) == nil) != called {
			t.Fatal("Check and Wrap differ")
		}
		if !looksLikeDocs(path) {
			return
		}
		for _, same := range []string{path + "/", path + "//", "/" + path, path + "/.", path + ";x", "/api/" + path, upper(path), lower(path)} {
			if !looksLikeDocs(same) {
				t.Fatalf("%q is closed and %q is not", path, same)
			}
		}
	})
}

func upper(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' {
			return c - 'a' + 'A'
		}
		return c
	}, s)
}

// caller sends promises' requests to h.
func caller(t testing.TB, h http.Handler) promise.Caller {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host = "http", srv.Listener.Addr().String()
		return client.Do(req)
	}
}

func verdict(t *testing.T, g *Guard, h http.Handler) string {
	t.Helper()
	ps := g.Promises()
	if len(ps) != 1 {
		t.Fatalf("%d promises", len(ps))
	}
	err := ps[0].Test(context.Background(), caller(t, h))
	var broken *promise.BrokenError
	switch {
	case err == nil:
		return "kept"
	case errors.As(err, &broken):
		return "broken"
	}
	return "could not tell"
}

func TestPromise(t *testing.T) {
	t.Parallel()
	only := func(path, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != path {
				http.NotFound(w, r)
				return
			}
			fmt.Fprint(w, body)
		})
	}
	doc := only("/openapi.json", `{"info":{"title":"openapi","x":["openapi"]},"openapi":"3.1.0"}`)
	for _, tc := range []struct {
		name string
		h    http.Handler
		want string
	}{
		{"bare, all 200", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }), "could not tell"},
		{"bare, nothing there", http.NotFoundHandler(), "kept"},
		{"document", doc, "broken"},
		{"document, cut off", only("/openapi.json", `{"openapi":"3.1.0","paths":{`), "broken"},
		{"document, late member", only("/openapi.json", `{"info":{"a":[1,{"b":2}],"c":null},"swagger":"2.0"}`), "broken"},
		{"YAML", only("/openapi.yaml", "# x\nopenapi: 3.1.0\n"), "broken"},
		{"page", only("/docs", `<!DOCTYPE html><link href="https://cdn/swagger-ui.css">`), "broken"},
		{"redoc", only("/redoc", `<html><redoc spec-url="/x"></redoc>`), "broken"},
		{"mounted", only("/api/v1/openapi.json", `{"openapi":"3.0.0"}`), "broken"},
		{"other JSON", only("/openapi.json", `{"a":"openapi","b":{"openapi":1}}`), "could not tell"},
		{"other page", only("/docs", `<html>Our documents</html>`), "could not tell"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := verdict(t, must(t, Policy{}), tc.h); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if got := verdict(t, must(t, Policy{}), must(t, Policy{}).Wrap(tc.h)); got != "kept" {
				t.Errorf("%s behind the guard", got)
			}
		})
	}
	if got := verdict(t, must(t, Policy{}), must(t, Policy{Open: true}).Wrap(doc)); got != "broken" {
		t.Errorf("%s with the rule off", got)
	}
	if ps := must(t, Policy{Open: true}).Promises(); len(ps) != 0 {
		t.Error("a promise of open docs")
	}
	custom := only("/spec", `{"openapi":"3.1.0"}`)
	if got := verdict(t, must(t, Policy{Paths: []string{"/spec"}}), custom); got != "broken" {
		t.Errorf("%s for a path of one's own", got)
	}
	docs := only("/api/docs", `{"openapi":"3.1.0"}`)
	if got := verdict(t, must(t, Policy{Except: []string{"/api/docs"}}), docs); got != "kept" {
		t.Errorf("%s for an exception", got)
	}
}
