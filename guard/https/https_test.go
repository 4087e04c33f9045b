package https

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/promise"
)

func mustNew(t testing.TB, p Policy) *Guard {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })

func request(method, host, target string) *http.Request {
	r := httptest.NewRequest(method, "/", nil)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		panic(err)
	}
	r.URL, r.RequestURI, r.Host = u, target, host
	return r
}

var listing = []string{"api.example.com", "*.example.org", "port.example.com:8443", "[2001:db8::1]", "192.0.2.9", "Bücher", "?"}

// TestPlain is about a request by plain HTTP from elsewhere.
func TestPlain(t *testing.T) {
	listed := Policy{Hosts: listing}
	canon := Policy{Hosts: listing, CanonicalHost: "WWW.example.com."}
	for _, tt := range []struct {
		name     string
		policy   Policy
		method   string
		host     string
		target   string
		status   int
		location string
	}{
		{"listed", listed, "GET", "api.example.com", "/x?y=1", 308, "https://api.example.com/x?y=1"},
		{"HEAD", listed, "HEAD", "api.example.com", "/x", 308, "https://api.example.com/x"},
		{"canonical form, no client's port", listed, "GET", "API.example.com.:1337", "/", 308, "https://api.example.com/"},
		{"wildcard", listed, "GET", "A.b.example.org", "/", 308, "https://a.b.example.org/"},
		{"listed with a port", listed, "GET", "port.example.com", "/", 308, "https://port.example.com/"},
		{"IPv6", listed, "GET", "[2001:DB8:0::1]:80", "/", 308, "https://[2001:db8::1]/"},
		{"IPv4", listed, "GET", "192.0.2.9", "/", 308, "https://192.0.2.9/"},
		{"port of TLS", Policy{Hosts: listing, Port: 8443}, "GET", "api.example.com:8000", "/", 308, "https://api.example.com:8443/"},
		{"canonical", canon, "GET", "evil.com", "/x", 308, "https://www.example.com/x"},

		{"POST", listed, "POST", "api.example.com", "/", 403, ""},
		{"PUT", canon, "PUT", "api.example.com", "/", 403, ""},
		{"OPTIONS", canon, "OPTIONS", "api.example.com", "/", 403, ""},
		{"refuse", Policy{Hosts: listing, CanonicalHost: "a", Refuse: true}, "GET", "api.example.com", "/", 403, ""},
		{"stranger", listed, "GET", "evil.com", "/", 403, ""},
		{"parent of a wildcard", listed, "GET", "example.org", "/", 403, ""},
		{"not at a label", listed, "GET", "evilexample.org", "/", 403, ""},
		{"nothing listed", Policy{}, "GET", "api.example.com", "/", 403, ""},
		{"loopback name from elsewhere", Policy{}, "GET", "localhost", "/", 403, ""},

		{"no host", canon, "GET", "", "/", 400, ""},
		{"no host at all like", canon, "GET", "x/?.example.org", "/", 400, ""},
		{"user information", canon, "GET", "a@evil.com", "/", 400, ""},
		{"comma", canon, "GET", "evil.com,api.example.com", "/", 400, ""},
		{"odd port", canon, "GET", "api.example.com:evil", "/", 400, ""},
		{"short address", canon, "GET", "127.1", "/", 400, ""},
		{"absolute of another host", canon, "GET", "api.example.com", "http://evil.com/", 400, ""},
		{"absolute with user information", canon, "GET", "api.example.com", "http://x@api.example.com/", 400, ""},
		{"absolute of another scheme", canon, "GET", "api.example.com", "ftp://api.example.com/", 400, ""},
		{"absolute", listed, "GET", "api.example.com", "http://API.example.com/x", 308, "https://api.example.com/x"},

		{"network path", listed, "GET", "api.example.com", "//evil.com/%2f..", 308, "https://api.example.com/evil.com/%2f.."},
		{"backslash", listed, "GET", "api.example.com", `/\evil.com`, 308, "https://api.example.com/evil.com"},
		{"escaped slash", listed, "GET", "api.example.com", "/%2Fevil.com", 308, "https://api.example.com/evil.com"},
		{"slashes and more", canon, "GET", "evil.com", `//\/%5c%2f//evil.com/a//b`, 308, "https://www.example.com/evil.com/a//b"},
		{"CR LF in the path", listed, "GET", "api.example.com", "/a%0d%0aSet-Cookie:%20x", 308, "https://api.example.com/a%0d%0aSet-Cookie:%20x"},
		{"odd bytes", listed, "GET", "api.example.com", "/ü\"?\"<ü>", 308, "https://api.example.com/%C3%BC%22?%22%3C%C3%BC%3E"},
		{"empty query", listed, "GET", "api.example.com", "/?", 308, "https://api.example.com/?"},

		{"exempt", Policy{Exempt: []string{"/healthz", "/.well-known/acme-challenge/"}}, "GET", "10.1.2.3:8000", "/healthz", 200, ""},
		{"exempt tree", Policy{Exempt: []string{"/.well-known/acme-challenge/"}}, "GET", "evil.com", "/.well-known/acme-challenge/x", 200, ""},
		{"not exempt", Policy{Exempt: []string{"/healthz"}}, "GET", "a", "/healthz/x", 403, ""},
		{"exempt tree left", Policy{Exempt: []string{"/open/"}}, "GET", "a", "/open/../secret", 403, ""},
		{"exempt tree left at the end", Policy{Exempt: []string{"/open/"}}, "GET", "a", "/open/..", 403, ""},
		{"exempt tree left by escapes", Policy{Exempt: []string{"/open/"}}, "GET", "a", "/open/%2e%2e/secret", 403, ""},
		{"exempt tree left by a slash", Policy{Exempt: []string{"/open/"}}, "GET", "a", "/open/..%2fsecret", 403, ""},

		{"plain allowed", Policy{InsecureAllowPlain: true}, "POST", "evil.com", "/", 200, ""},
		{"any host", Policy{DangerouslyRedirectAnyHost: true}, "GET", "evil.com:80", "/", 308, "https://evil.com/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := mustNew(t, tt.policy)
			rec := httptest.NewRecorder()
			g.Wrap(ok).ServeHTTP(rec, request(tt.method, tt.host, tt.target))
			if got := strings.Join(rec.Header().Values("Location"), ", "); rec.Code != tt.status || got != tt.location {
				t.Errorf("status %d, Location %q; want %d, %q", rec.Code, got, tt.status, tt.location)
			}
			err := g.Check(request(tt.method, tt.host, tt.target))
			if (err == nil) != (rec.Code == 200) {
				t.Errorf("Check says %v", err)
			}
			var ref *guard.Refusal
			if err != nil && (!errors.As(err, &ref) || ref.Rule != "https/required") {
				t.Errorf("Check's error is %#v", err)
			}
			// Over TLS all of it is for others to judge.
			r := request(tt.method, tt.host, tt.target)
			r.TLS = &tls.ConnectionState{}
			if err := g.Check(r); err != nil {
				t.Errorf("over TLS: %v", err)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	unix := func(r *http.Request) *http.Request {
		r.RemoteAddr = "@"
		return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.UnixAddr{Name: "/run/x", Net: "unix"}))
	}
	for _, tt := range []struct {
		name   string
		peer   string
		host   string
		facts  *guard.Facts
		unix   bool
		refuse bool
		served bool
	}{
		{name: "localhost", peer: "127.0.0.1:1", host: "localhost:8000", served: true},
		{name: "case and dot", peer: "[::1]:1", host: "LOCALHOST.", served: true},
		{name: "below localhost", peer: "127.0.0.1:1", host: "a.localhost", served: true},
		{name: "address", peer: "127.0.0.1:1", host: "127.8.8.8:8000", served: true},
		{name: "IPv6", peer: "[::1]:1", host: "[::1]:8000", served: true},
		{name: "mapped peer", peer: "[::ffff:127.0.0.1]:1", host: "localhost", served: true},
		{name: "this machine", peer: "127.0.0.1:1", host: "0.0.0.0:8000", served: true},
		{name: "odd port", peer: "127.0.0.1:1", host: "localhost:evil", served: true},
		{name: "unix socket", host: "localhost", unix: true, served: true},
		{name: "a proxy's client", peer: "127.0.0.1:1", host: "api.example.com"},
		{name: "looks like", peer: "127.0.0.1:1", host: "notlocalhost"},
		{name: "looks like too", peer: "127.0.0.1:1", host: "localhost.evil.com"},
		{name: "user information", peer: "127.0.0.1:1", host: "localhost@evil.com"},
		{name: "no host", peer: "127.0.0.1:1", host: ""},
		{name: "from elsewhere", peer: "192.0.2.1:1", host: "localhost"},
		{name: "peer unknown", peer: "@", host: "localhost"},
		{name: "trusted proxy", peer: "127.0.0.1:1", host: "localhost", facts: &guard.Facts{TrustedPeer: true}},
		{name: "trusted proxy over TLS", peer: "127.0.0.1:1", host: "localhost", facts: &guard.Facts{TrustedPeer: true, Secure: true}, served: true},
		{name: "strict", peer: "127.0.0.1:1", host: "localhost", refuse: true},
		{name: "strict unix socket", host: "localhost", unix: true, refuse: true},
	} {
		g := mustNew(t, Policy{RefuseLoopback: tt.refuse})
		r := request("POST", tt.host, "/")
		r.RemoteAddr = tt.peer
		if tt.unix {
			r = unix(r)
		}
		if tt.facts != nil {
			r = guard.Begin(r, tt.facts)
		}
		if err := g.Check(r); (err == nil) != tt.served {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestObserve(t *testing.T) {
	g := mustNew(t, Policy{})
	for _, host := range []string{"a", "", "a?"} {
		seen := ""
		r := guard.Begin(request("GET", host, "/"), &guard.Facts{Door: func(_ *http.Request, ref *guard.Refusal) bool { seen += ref.Rule; return true }})
		rec := httptest.NewRecorder()
		g.Wrap(ok).ServeHTTP(rec, r)
		if rec.Code != 200 || seen != "https/required" {
			t.Errorf("%q: status %d, observed %q", host, rec.Code, seen)
		}
	}
}

func TestNewErrors(t *testing.T) {
	for _, tt := range []struct {
		policy Policy
		n      int
	}{
		{Policy{CanonicalHost: "a:443", Port: 70000, Exempt: []string{"x", "/a/../b", "/ok"}, DangerouslyRedirectAnyHost: true, Refuse: true}, 5},
		{Policy{CanonicalHost: "https://a/"}, 1},
		{Policy{CanonicalHost: "*.example.com", Port: -1}, 2},
		{Policy{InsecureAllowPlain: true, Refuse: true}, 1},
		{Policy{Hosts: []string{"?", ""}}, 0},
	} {
		_, err := New(tt.policy)
		n := 0
		if err != nil {
			n = len(strings.Split(err.Error(), "\n"))
		}
		if n != tt.n {
			t.Errorf("%+v: %d errors, want %d:\n%v", tt.policy, n, tt.n, err)
		}
	}
}

func TestLoosened(t *testing.T) {
	if got := (Policy{CanonicalHost: "a", Port: 1, Refuse: true, RefuseLoopback: true, Hosts: listing}).Loosened(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := (Policy{Exempt: []string{"/a", "/b"}, InsecureAllowPlain: true, DangerouslyRedirectAnyHost: true}).Loosened(); len(got) != 4 || got[1].Key != "https.exempt[1]" {
		t.Errorf("%v", got)
	}
}

// TestGolden pins the bytes of a redirect and of a refusal.
func TestGolden(t *testing.T) {
	g := mustNew(t, Policy{CanonicalHost: "api.example.com", Port: 8443})
	var got bytes.Buffer
	for _, method := range []string{"GET", "POST"} {
		rec := httptest.NewRecorder()
		g.Wrap(ok).ServeHTTP(rec, request(method, "evil.com:99", "//evil.com/x?y=%20z"))
		_ = rec.Result().Write(&got)
	}
	want, err := os.ReadFile("testdata/refusals.golden")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.ReplaceAll(got.String(), "\r\n", "\n"); text != string(want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestAllocs(t *testing.T) {
	g := mustNew(t, Policy{Hosts: listing, Exempt: []string{"/healthz"}})
	secure := request("GET", "api.example.com", "/")
	secure.TLS = &tls.ConnectionState{}
	local := request("GET", "localhost:8000", "/")
	local.RemoteAddr = "127.0.0.1:1"
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, r := range []*http.Request{secure, local, request("GET", "api.example.com", "/healthz")} {
		if n := testing.AllocsPerRun(100, func() { _ = g.Check(r); h.ServeHTTP(nil, r) }); n != 0 {
			t.Errorf("%s %s: %v allocations", r.Host, r.URL, n)
		}
	}
}

func BenchmarkWrap(b *testing.B) {
	h := mustNew(b, Policy{}).Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := request("GET", "localhost:8000", "/")
	r.RemoteAddr = "127.0.0.1:1"
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(nil, r)
	}
}

// caller sends requests to srv as a probe does.
func caller(srv *httptest.Server) promise.Caller {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		base, _ := url.Parse(srv.URL)
		if req.URL.Scheme == "" {
			req.URL.Scheme = base.Scheme
		}
		if req.URL.Host == "" {
			req.URL.Host = base.Host
		}
		if req.Host == "" {
			req.Host = base.Host
		}
		return client.Do(req)
	}
}

func verdict(t *testing.T, call promise.Caller, p promise.Promise) string {
	t.Helper()
	err := p.Test(t.Context(), call)
	var broken *promise.BrokenError
	switch {
	case err == nil:
		return "kept"
	case errors.As(err, &broken):
		return "broken"
	}
	return "could not tell"
}

// misdirected stands for a service that only looks at names.
var misdirected = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMisdirectedRequest) })

func TestPromises(t *testing.T) {
	loose := map[string]Policy{
		"https/required":      {InsecureAllowPlain: true},
		"https/redirect-host": {DangerouslyRedirectAnyHost: true},
	}
	at := func(h http.Handler, p promise.Promise) string {
		srv := httptest.NewServer(h)
		defer srv.Close()
		return verdict(t, caller(srv), p)
	}
	for _, strict := range []Policy{{}, {Hosts: listing}, {CanonicalHost: "api.example.com"}, {Refuse: true}} {
		g := mustNew(t, strict)
		promises := g.Promises()
		if len(promises) != len(Rules()) {
			t.Fatalf("%d promises for %d rules", len(promises), len(Rules()))
		}
		for _, p := range promises {
			if got := at(g.Wrap(ok), p); got != "kept" {
				t.Errorf("%+v: %s is %s", strict, p.ID, got)
			}
			if got := at(ok, p); got == "kept" || p.ID == "https/required" && got != "broken" {
				t.Errorf("%+v: %s is %s by a bare handler", strict, p.ID, got)
			}
			g := mustNew(t, loose[p.ID])
			// Whatever stands behind this guard, a loosened one shows.
			for _, inner := range []http.Handler{ok, misdirected} {
				if got := at(g.Wrap(inner), p); got != "broken" {
					t.Errorf("%+v: %s is %s where it is switched off", strict, p.ID, got)
				}
			}
			if slices.ContainsFunc(g.Promises(), func(q promise.Promise) bool { return q.ID == p.ID }) {
				t.Errorf("%s is promised where it is switched off", p.ID)
			}
		}
		if got := at(mustNew(t, loose["https/redirect-host"]).Wrap(ok), promises[0]); got != "kept" {
			t.Errorf("switching off https/redirect-host leaves https/required %s", got)
		}
	}
	for name, tt := range map[string]struct {
		location string
		want     [2]string
	}{
		"to plain HTTP": {"http://api.example.com/", [2]string{"broken", "kept"}},
		"relative":      {"/x", [2]string{"broken", "broken"}},
		"none":          {"", [2]string{"broken", "broken"}},
		"elsewhere":     {"https://api.example.com/", [2]string{"kept", "kept"}},
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if tt.location != "" {
				w.Header().Set("Location", tt.location)
			}
			w.WriteHeader(http.StatusMovedPermanently)
		})
		for i, p := range mustNew(t, Policy{}).Promises() {
			if got := at(h, p); got != tt.want[i] {
				t.Errorf("a redirect %s: %s is %s, want %s", name, p.ID, got, tt.want[i])
			}
		}
	}
	for _, p := range mustNew(t, Policy{}).Promises() {
		refused := func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)})
		}
		if got := verdict(t, refused, p); got != "kept" {
			t.Errorf("%s is %s where nothing listens for plain HTTP", p.ID, got)
		}
		timeout := func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }
		if got := verdict(t, timeout, p); got != "could not tell" {
			t.Errorf("%s is %s where nothing is known", p.ID, got)
		}
	}
}

// FuzzCheck holds these laws: Check agrees with Wrap; plain HTTP from
// elsewhere is never served; a redirect is one URL that leads by https to a
// name of ours, whatever host and path the client wrote, also for who takes
// scheme and host off it.
func FuzzCheck(f *testing.F) {
	for _, host := range []string{"api.example.com", "a.example.org:1", "evil.com", "x/?.example.org", "", "[2001:db8::1]:80", "localhost"} {
		for _, target := range []string{"/x?y", "//evil.com/%2f..", `/\evil.com`, "/%5c%5cevil.com?\r\nX: y", "http://evil.com/", "*"} {
			f.Add(host, target, "a\"b", false)
			f.Add(host, target, "", true)
		}
	}
	listed := mustNew(f, Policy{Hosts: []string{"api.example.com", "*.example.org", "[2001:db8::1]"}})
	canon := mustNew(f, Policy{CanonicalHost: "api.example.com"})
	f.Fuzz(func(t *testing.T, host, target, query string, canonical bool) {
		g := listed
		if canonical {
			g = canon
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		u.RawQuery += query
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.URL = host, u
		called := false
		rec := httptest.NewRecorder()
		g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })).ServeHTTP(rec, r)
		if called != (g.Check(r) == nil) {
			t.Fatal("Check and Wrap disagree")
		}
		if called {
			t.Fatalf("%q %q was served by plain HTTP", host, target)
		}
		locations := rec.Header().Values("Location")
		if rec.Code != http.StatusPermanentRedirect {
			if len(locations) != 0 {
				t.Fatalf("status %d with %q", rec.Code, locations)
			}
			return
		}
		if len(locations) != 1 {
			t.Fatalf("%d Location fields", len(locations))
		}
		for i := range len(locations[0]) {
			if c := locations[0][i]; c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' {
				t.Fatalf("Location %q", locations[0])
			}
		}
		to, err := url.Parse(locations[0])
		if err != nil || to.Scheme != "https" || to.User != nil || to.Fragment != "" {
			t.Fatalf("Location %q: %v", locations[0], err)
		}
		if h := to.Host; h != "api.example.com" && (canonical || h != "[2001:db8::1]" && !strings.HasSuffix(h, ".example.org")) {
			t.Fatalf("%q is redirected to %q", host, h)
		}
		rest := strings.TrimPrefix(locations[0], "https://"+to.Host)
		if p, err := url.Parse(rest); err != nil || p.Host != "" || !strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "//") {
			t.Fatalf("the path of %q leads away: %v", locations[0], err)
		}
	})
}
