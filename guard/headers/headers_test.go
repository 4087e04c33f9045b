package headers

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/guard"
)

func mustNew(t testing.TB, p Policy) *Guard {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// serve answers one request and returns the response's header.
func serve(t testing.TB, g *Guard, r *http.Request, h http.HandlerFunc) http.Header {
	t.Helper()
	rec := httptest.NewRecorder()
	g.Wrap(h).ServeHTTP(rec, r)
	return rec.Result().Header
}

func get(target string) *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }

// own are the headers that net/http or the test's handler send.
func own(name string) bool {
	return slices.Contains([]string{"Date", "Content-Type", "Content-Length", "Connection"}, name)
}

// TestGolden pins the exact bytes of each preset, which were typed by hand
// from the specification of the preset.
func TestGolden(t *testing.T) {
	for _, name := range presets() {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile("testdata/" + name + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			srv := httptest.NewTLSServer(mustNew(t, Policy{Preset: name}).Wrap(http.HandlerFunc(ok)))
			defer srv.Close()
			res, err := srv.Client().Get(srv.URL + "/api/x")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var got strings.Builder
			for _, k := range slices.Sorted(maps.Keys(res.Header)) {
				for _, v := range res.Header[k] {
					if !own(k) {
						fmt.Fprintf(&got, "%s: %s\n", k, v)
					}
				}
			}
			if got.String() != string(want) {
				t.Errorf("got\n%swant\n%s", got.String(), want)
			}
		})
	}
}

// strict fails the test unless h is what the zero policy wants over TLS or
// over plain HTTP, whatever else is in it.
func strict(t testing.TB, h http.Header, secure bool) {
	t.Helper()
	for _, r := range rules(nil) {
		if r.ID == "headers/no-store" || r.ID == "headers/no-store-authenticated" {
			continue
		}
		if got, want := r.levels[0].judge(h, secure); got != "" {
			t.Errorf("%s: got %s, want %s", r.ID, got, want)
		}
	}
}

func TestEveryResponse(t *testing.T) {
	evil := func(h http.Header) {
		for name, values := range hostile() {
			h[name] = values
		}
		h["X-Frame-Options"] = []string{"SAMEORIGIN", "ALLOWALL"}
		h["x-frame-options"] = []string{"ALLOWALL"} // not by Header.Set
		h["SERVER"] = []string{"uvicorn"}
		h["x-PoweRed-by"] = []string{"x"}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"200":     func(w http.ResponseWriter, _ *http.Request) { evil(w.Header()); _, _ = io.WriteString(w, "x") },
		"nothing": func(w http.ResponseWriter, _ *http.Request) { evil(w.Header()) },
		"404":     func(w http.ResponseWriter, r *http.Request) { evil(w.Header()); http.NotFound(w, r) },
		"405":     func(w http.ResponseWriter, _ *http.Request) { evil(w.Header()); w.WriteHeader(405) },
		"413": func(w http.ResponseWriter, _ *http.Request) {
			evil(w.Header())
			http.Error(w, "", http.StatusRequestEntityTooLarge)
		},
		"500": func(w http.ResponseWriter, _ *http.Request) { evil(w.Header()); w.WriteHeader(500) },
		"304": func(w http.ResponseWriter, _ *http.Request) { evil(w.Header()); w.WriteHeader(304) },
		"204": func(w http.ResponseWriter, _ *http.Request) { evil(w.Header()); w.WriteHeader(204) },
		"101": func(w http.ResponseWriter, _ *http.Request) { evil(w.Header()); w.WriteHeader(101) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			evil(w.Header())
			http.Redirect(w, r, "/x", http.StatusPermanentRedirect)
		},
		"flush": func(w http.ResponseWriter, _ *http.Request) { evil(w.Header()); w.(http.Flusher).Flush() },
		"control": func(w http.ResponseWriter, _ *http.Request) {
			evil(w.Header())
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		},
		"copy": func(w http.ResponseWriter, _ *http.Request) {
			evil(w.Header())
			_, _ = io.Copy(w, strings.NewReader("x"))
		},
		"string": func(w http.ResponseWriter, _ *http.Request) { evil(w.Header()); _, _ = io.WriteString(w, "x") },
		"refusal": func(w http.ResponseWriter, r *http.Request) {
			evil(w.Header())
			guard.Refuse(w, r, &guard.Refusal{Rule: "x/y", Status: 403, Code: "X"})
		},
		"early": func(w http.ResponseWriter, _ *http.Request) {
			evil(w.Header())
			w.WriteHeader(103)
			evil(w.Header())
			w.WriteHeader(200)
		},
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "TRACE"} {
			t.Run(name+" "+method, func(t *testing.T) {
				rec := httptest.NewRecorder()
				r := httptest.NewRequest(method, "http://a/x", nil)
				mustNew(t, Policy{}).Wrap(handler).ServeHTTP(rec, r)
				strict(t, rec.Header(), false)
				strict(t, rec.Result().Header, false)
				r = httptest.NewRequest(method, "https://a/x", nil)
				strict(t, serve(t, mustNew(t, Policy{}), r, handler), true)
			})
		}
	}
}

// TestPanic: whoever recovers outside of the guard writes on a header that
// carries ours.
func TestPanic(t *testing.T) {
	h := mustNew(t, Policy{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "x")
		panic("x")
	}))
	rec := httptest.NewRecorder()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
			http.Error(rec, "", http.StatusInternalServerError)
		}()
		h.ServeHTTP(rec, get("/"))
	}()
	strict(t, rec.Result().Header, false)
}

// TestInformational: a 103 carries the headers and leaks nothing, and the
// final response is not disturbed by it.
func TestInformational(t *testing.T) {
	srv := httptest.NewServer(mustNew(t, Policy{Default: map[string]string{"X-One": "1"}}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("Server", "x")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("X-Powered-By", "x")
		w.Header().Set("X-Frame-Options", "ALLOWALL")
		_, _ = io.WriteString(w, "x")
	})))
	defer srv.Close()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	br := bufio.NewReader(c)
	for _, status := range []int{103, 200} {
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != status {
			t.Fatalf("status %d, want %d", res.StatusCode, status)
		}
		strict(t, res.Header, false)
		if got := res.Header.Values("X-One"); !slices.Equal(got, []string{"1"}) {
			t.Errorf("%d: X-One is %q", status, got)
		}
		if res.Header.Get("Link") == "" {
			t.Errorf("%d: Link is gone", status)
		}
	}
}

func TestHijack(t *testing.T) {
	srv := httptest.NewServer(mustNew(t, Policy{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "x")
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		res := http.Response{StatusCode: 101, ProtoMajor: 1, ProtoMinor: 1, Header: w.Header()}
		_ = res.Write(rw)
		_ = rw.Flush()
	})))
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 101 {
		t.Errorf("status %d", res.StatusCode)
	}
	strict(t, res.Header, false)
}

func TestApply(t *testing.T) {
	g := mustNew(t, Policy{})
	r := httptest.NewRequest("GET", "https://a/", nil)
	h := hostile()
	g.Apply(h, r, http.StatusSwitchingProtocols)
	strict(t, h, true)
	again := h.Clone()
	g.Apply(again, r, http.StatusSwitchingProtocols)
	if !maps.EqualFunc(h, again, slices.Equal) {
		t.Errorf("twice is not once: %v, %v", h, again)
	}
}

// TestTrailers: a trailer of a guarded name could be merged into the header.
func TestTrailers(t *testing.T) {
	srv := httptest.NewServer(mustNew(t, Policy{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Server, X-Sum, Content-Security-Policy")
		_, _ = io.WriteString(w, "x")
		w.(http.Flusher).Flush()
		w.Header().Set("Server", "x")
		w.Header().Set("Content-Security-Policy", "default-src *")
		w.Header().Set("X-Sum", "1")
		w.Header().Set(http.TrailerPrefix+"X-Frame-Options", "ALLOWALL")
		w.Header().Set(http.TrailerPrefix+"X-Other", "2")
	})))
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if want := (http.Header{"X-Sum": {"1"}, "X-Other": {"2"}}); !maps.EqualFunc(res.Trailer, want, slices.Equal) {
		t.Errorf("trailers %v, want %v", res.Trailer, want)
	}
	strict(t, res.Header, false)
}

// TestConnection: an upstream must not have the next proxy drop our headers.
func TestConnection(t *testing.T) {
	for in, want := range map[string][]string{
		"Strict-Transport-Security":                 nil,
		"close, X-Frame-Options":                    {"close"},
		"Upgrade, keep-alive":                       {"Upgrade, keep-alive"},
		"close,content-security-policy, keep-alive": {"close, keep-alive"},
	} {
		h := serve(t, mustNew(t, Policy{}), get("/"), func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", in) })
		if got := h.Values("Connection"); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestNotShared: what an outer handler edits is one response's alone.
func TestNotShared(t *testing.T) {
	g := mustNew(t, Policy{})
	inner := g.Wrap(http.HandlerFunc(ok))
	outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		for _, values := range w.Header() {
			values[0] = "edited"
			_ = append(values, "more")
		}
	})
	for range 2 {
		rec := httptest.NewRecorder()
		outer.ServeHTTP(rec, get("/api/x"))
		strict(t, rec.Result().Header, false)
	}
}

func TestHSTS(t *testing.T) {
	const plainHTTP, overTLS = "http://a/", "https://a/"
	// RFC 6797 section 7.2, and the handler's own goes too.
	h := serve(t, mustNew(t, Policy{}), get(plainHTTP), func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(hSTS, "max-age=1") })
	if got := h.Values(hSTS); got != nil {
		t.Errorf("over plain HTTP: %q", got)
	}
	// A guard further in finds out that a trusted proxy spoke TLS.
	h = serve(t, mustNew(t, Policy{}), get(plainHTTP), func(w http.ResponseWriter, r *http.Request) { guard.FactsOf(r).Secure = true })
	if got := h.Values(hSTS); len(got) != 1 {
		t.Errorf("behind a proxy: %q", got)
	}
	// What a client says of itself counts for nothing.
	r := get(plainHTTP)
	r.Header.Set("X-Forwarded-Proto", "https")
	if got := serve(t, mustNew(t, Policy{}), r, ok).Values(hSTS); got != nil {
		t.Errorf("for a lie: %q", got)
	}
	for want, p := range map[string]Policy{
		"max-age=63072000; includeSubDomains":          {},
		"max-age=63072000; includeSubDomains; preload": {HSTS: HSTS{Preload: true}},
		"max-age=63072000":                             {HSTS: HSTS{AllowInsecureSubdomains: true}},
		"max-age=300; includeSubDomains":               {HSTS: HSTS{MaxAge: 300}},
		"max-age=0":                                    {Set: map[string]string{"strict-transport-security": "max-age=0"}},
		"":                                             {Remove: []string{hSTS}},
	} {
		if got := serve(t, mustNew(t, p), get(overTLS), ok).Get(hSTS); got != want {
			t.Errorf("%+v: got %q, want %q", p.HSTS, got, want)
		}
	}
}

// TestHTTP2 sees the headers through net/http's other server.
func TestHTTP2(t *testing.T) {
	srv := httptest.NewUnstartedServer(mustNew(t, Policy{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["server"] = []string{"x"}
		ok(w, nil)
	})))
	srv.EnableHTTP2 = true
	srv.TLS = &tls.Config{NextProtos: []string{"h2"}}
	srv.StartTLS()
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 {
		t.Fatalf("HTTP/%d", res.ProtoMajor)
	}
	strict(t, res.Header, true)
}

type noHijack struct{ http.ResponseWriter }

func TestHijackUnsupported(t *testing.T) {
	rec := httptest.NewRecorder()
	mustNew(t, Policy{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("got %v", err)
		}
		if _, ok := w.(http.Pusher); ok {
			t.Error("the writer pushes")
		}
		w.WriteHeader(404)
	})).ServeHTTP(noHijack{rec}, get("/"))
	if rec.Code != 404 {
		t.Errorf("status %d", rec.Code)
	}
	strict(t, rec.Result().Header, false)
}

// discard is a response writer that costs nothing, so that what is counted
// is the guard's. Its header is emptied and used again: the growth of the map
// is net/http's, which makes a new one for each response.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// passing returns what serves a passing request once, as within the chain,
// where the facts are there already.
func passing(tb testing.TB, p Policy) func() {
	body := []byte("{}")
	h := mustNew(tb, p).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Content-Type"] = nil
		_, _ = w.Write(body)
	}))
	r, _ := guard.WithFacts(httptest.NewRequest("GET", "https://a/api/x", nil))
	r.Header.Set("Authorization", "Bearer x")
	w := &discard{http.Header{}}
	return func() {
		clear(w.h)
		h.ServeHTTP(w, r)
	}
}

func TestAllocations(t *testing.T) {
	for name, want := range map[string]float64{presetAPI: 1, presetWeb: 1, presetGuide: 1, presetOSHP: 1} {
		if got := testing.AllocsPerRun(100, passing(t, Policy{Preset: name})); got > want {
			t.Errorf("%s: %v allocations a response, want %v", name, got, want)
		}
	}
	p := Policy{Routes: []Route{{Path: "/docs", Profile: "docs"}, {Path: "/x/{id}/", Profile: "web"}}}
	if got := testing.AllocsPerRun(100, passing(t, p)); got > 1 {
		t.Errorf("with routes: %v allocations a response, want 1", got)
	}
}

func BenchmarkPassing(b *testing.B) {
	serve := passing(b, Policy{})
	b.ReportAllocs()
	for b.Loop() {
		serve()
	}
}

func TestPlain(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/a": true, "/a/": true, "/a/.b": true, "/a/..b": true, "/a.b/c": true, "/...": true,
		"": false, "*": false, "a": false, "//": false, "//a": false, "/a//b": false, "/.": false, "/a/..": false,
		"/a/./b": false, "/../a": false, "/a;b": false, "/a\\b": false, "/a%62": false, "/a\x00": false,
	} {
		if got := plain(&url.URL{Path: path}, path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
	if plain(&url.URL{Path: "/a/b", RawPath: "/a%2Fb"}, "/a/b") {
		t.Error("an encoded slash is plain")
	}
}
