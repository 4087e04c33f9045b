package hosts

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
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

func request(host string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	r.Host = host
	return r
}

var listing = Policy{Allow: []string{"a", "api.example.com", "*.example.com"}}

// TestHosts is about the Host of a request that net/http let through.
func TestHosts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy Policy
		host   string
		status int    // 0: served
		want   string // the host that the next handler sees
	}{
		{"listed", listing, "a", 0, "a"},
		{"any port", listing, "a:8443", 0, "a:8443"},
		{"redundant port", listing, "a:80", 0, "a"},
		{"root's dot", listing, "api.example.com.", 0, "api.example.com"},
		{"root's dot and port", listing, "api.example.com.:8000", 0, "api.example.com:8000"},
		{"case", listing, "API.EXAMPLE.COM", 0, "api.example.com"},
		{"one label below", listing, "x.example.com", 0, "x.example.com"},
		{"two labels below", listing, "y.x.example.com", 0, "y.x.example.com"},
		{"longest name", listing, strings.Repeat("a.", 120) + "example.com", 0, strings.Repeat("a.", 120) + "example.com"},
		{"underscore", listing, "my_app.example.com", 0, "my_app.example.com"},

		{"the parent of a wildcard", listing, "example.com", 421, ""},
		{"not at a label", listing, "evilexample.com", 421, ""},
		{"suffix of another", listing, "api.example.com.evil.com", 421, ""},
		{"stranger", listing, "evil.com", 421, ""},
		{"loopback where names are listed", listing, "localhost", 421, ""},
		{"unlisted address", listing, "[::1]:8080", 421, ""},

		{"missing", listing, "", 400, ""},
		{"user information", listing, "api.example.com:80@evil.com", 400, ""},
		{"port of letters", listing, "api.example.com:evil", 400, ""},
		{"empty port", listing, "api.example.com:", 400, ""},
		{"two ports", listing, "api.example.com:80:80", 400, ""},
		{"port 0", listing, "api.example.com:0", 400, ""},
		{"port with a zero", listing, "api.example.com:080", 400, ""},
		{"port too large", listing, "api.example.com:65536", 400, ""},
		{"port with a sign", listing, "api.example.com:+80", 400, ""},
		{"zone", listing, "[::1%25eth0]", 400, ""},
		{"zone unescaped", listing, "[::1%eth0]", 400, ""},
		{"name in brackets", listing, "[evil.com]:80", 400, ""},
		{"IPv4 in brackets", listing, "[127.0.0.1]", 400, ""},
		{"text after brackets", listing, "[::1]api.example.com", 400, ""},
		{"IPvFuture", listing, "[v1.a]", 400, ""},
		{"open bracket", listing, "[::1", 400, ""},
		{"IPv6 without brackets", listing, "::1", 400, ""},
		{"slash", listing, "evil.com/api.example.com", 400, ""},
		{"fragment", listing, "evil.com#.example.com", 400, ""},
		{"query", listing, "evil.com?.example.com", 400, ""},
		{"BadHost", listing, "x/?.example.com", 400, ""},
		{"backslash", listing, `evil.com\.example.com`, 400, ""},
		{"comma", listing, "evil.com,api.example.com", 400, ""},
		{"space", listing, "api.example.com evil", 400, ""},
		{"tab", listing, "api.example.com\t", 400, ""},
		{"NUL", listing, "api.example.com\x00", 400, ""},
		{"percent", listing, "%61pi.example.com", 400, ""},
		{"sub-delim", listing, "a'b.example.com", 400, ""},
		{"empty label", listing, "a..example.com", 400, ""},
		{"leading dot", listing, ".example.com", 400, ""},
		{"two dots", listing, "api.example.com..", 400, ""},
		{"dot", listing, ".", 400, ""},
		{"hyphen first", listing, "-a.example.com", 400, ""},
		{"hyphen last", listing, "a-.example.com", 400, ""},
		{"star", listing, "*.example.com", 400, ""},
		{"not ASCII", listing, "bücher.example.com", 400, ""},
		{"raw byte", listing, "\xff.example.com", 400, ""},
		{"label too long", listing, strings.Repeat("a", 64) + ".example.com", 400, ""},
		{"name too long", listing, strings.Repeat("a.", 122) + "example.com.", 400, ""},
		{"short address", Policy{}, "127.1", 400, ""},
		{"octal address", Policy{}, "0177.0.0.1", 400, ""},
		{"hex address", Policy{}, "0x7f.1", 400, ""},
		{"number", Policy{}, "2130706433", 400, ""},
		{"hex number", Policy{}, "0x7f000001", 400, ""},
		{"name that ends in a number", listing, "api.example.com.1", 400, ""},
		{"name that ends in 0x", listing, "api.example.com.0x", 400, ""},

		{"default localhost", Policy{}, "localhost", 0, "localhost"},
		{"default below localhost", Policy{}, "api.LOCALHOST.:8000", 0, "api.localhost:8000"},
		{"default IPv4", Policy{}, "127.0.0.1:8000", 0, "127.0.0.1:8000"},
		{"default IPv4 net", Policy{}, "127.9.9.9", 0, "127.9.9.9"},
		{"default IPv6", Policy{}, "[0:0::1]:80", 0, "[::1]"},
		{"default mapped", Policy{}, "[::ffff:127.0.0.1]", 421, ""},
		{"default unspecified", Policy{}, "0.0.0.0:8000", 421, ""},
		{"default unspecified 6", Policy{}, "[::]", 421, ""},
		{"default rebound name", Policy{}, "rebind.evil.com", 421, ""},
		{"default not localhost", Policy{}, "notlocalhost", 421, ""},
		{"listen address", Policy{Listen: "192.0.2.1:8000"}, "192.0.2.1:8000", 0, "192.0.2.1:8000"},
		{"listen name", Policy{Listen: "Api.Internal:8000"}, "api.internal", 0, "api.internal"},
		{"listen IPv6", Policy{Listen: "[2001:DB8::1]:8000"}, "[2001:db8:0::1]", 0, "[2001:db8::1]"},
		{"listen everywhere", Policy{Listen: "0.0.0.0:8000"}, "0.0.0.0:8000", 421, ""},
		{"listen does not widen a list", Policy{Listen: "192.0.2.1:8000", Allow: []string{"a"}}, "192.0.2.1", 421, ""},

		{"port listed", Policy{Allow: []string{"a:8443", "a:9443"}}, "a:9443", 0, "a:9443"},
		{"another port", Policy{Allow: []string{"a:8443"}}, "a:8444", 421, ""},
		{"no port where one is listed", Policy{Allow: []string{"a:8443"}}, "a", 421, ""},
		{"implied port", Policy{Allow: []string{"a:80"}}, "a", 0, "a"},
		{"implied port is not TLS's", Policy{Allow: []string{"a:443"}}, "a", 421, ""},
		{"wildcard port", Policy{Allow: []string{"*.a:81"}}, "b.a:81", 0, "b.a:81"},
		{"IPv6 listed", Policy{Allow: []string{"[::1]:8080"}}, "[::1]:8080", 0, "[::1]:8080"},
		{"IPv4 listed", Policy{Allow: []string{"192.0.2.1"}}, "192.0.2.1", 0, "192.0.2.1"},
		{"Unicode listed", Policy{Allow: []string{"*.Bücher.example"}}, "A.XN--BCHER-KVA.example", 0, "a.xn--bcher-kva.example"},

		{"any", Policy{DangerouslyAllowAny: true}, "EVIL.com", 0, "evil.com"},
		{"any is well-formed", Policy{DangerouslyAllowAny: true}, "evil.com?", 400, ""},
		{"malformed allowed", Policy{Allow: []string{"a"}, DangerouslyAllowMalformed: true}, "a?", 421, ""},
		{"missing allowed", Policy{DangerouslyAllowMalformed: true}, "", 421, ""},
		{"both allowed", Policy{DangerouslyAllowAny: true, DangerouslyAllowMalformed: true}, "A?", 0, "A?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := mustNew(t, tt.policy)
			r := request(tt.host)
			got := ""
			called := false
			rec := httptest.NewRecorder()
			g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called, got = true, r.Host })).ServeHTTP(rec, r)
			if called != (tt.status == 0) || called && got != tt.want || !called && rec.Code != tt.status {
				t.Fatalf("host %q: called %v with %q, status %d; want status %d, host %q", tt.host, called, got, rec.Code, tt.status, tt.want)
			}
			if r.Host != tt.host {
				t.Errorf("the caller's request was changed to %q", r.Host)
			}
			err := g.Check(request(tt.host))
			if (err == nil) != called {
				t.Errorf("Check says %v", err)
			}
			var ref *guard.Refusal
			if err != nil && (!errors.As(err, &ref) || !slices.ContainsFunc(Rules(), func(r guard.Rule) bool { return r.ID == ref.Rule })) {
				t.Errorf("Check's error is %#v", err)
			}
		})
	}
}

func TestTLSPort(t *testing.T) {
	g := mustNew(t, Policy{Allow: []string{"a:443"}})
	for host, want := range map[string]string{"a": "a", "a:443": "a"} {
		r := request(host)
		r.TLS = &tls.ConnectionState{}
		var got string
		g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Host })).ServeHTTP(httptest.NewRecorder(), r)
		if got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

// TestDisagreement is about a request that names two hosts.
func TestDisagreement(t *testing.T) {
	g := mustNew(t, Policy{Allow: []string{"a", "evil.com"}})
	for _, tt := range []struct {
		name   string
		target *url.URL
		fields []string
		tls    bool
		ok     bool
	}{
		{"origin form", &url.URL{Path: "/"}, nil, false, true},
		{"same", &url.URL{Scheme: "http", Host: "A.", Path: "/"}, nil, false, true},
		{"https over TLS", &url.URL{Scheme: "https", Host: "a", Path: "/"}, nil, true, true},
		{"https over plain", &url.URL{Scheme: "https", Host: "a", Path: "/"}, nil, false, false},
		{"other host", &url.URL{Scheme: "http", Host: "evil.com", Path: "/"}, nil, false, false},
		{"other port", &url.URL{Scheme: "http", Host: "a:99", Path: "/"}, nil, false, false},
		{"user information", &url.URL{Scheme: "http", Host: "a", User: url.User("x"), Path: "/"}, nil, false, false},
		{"other scheme", &url.URL{Scheme: "ftp", Host: "a", Path: "/"}, nil, false, false},
		{"scheme without host", &url.URL{Scheme: "http", Opaque: "a"}, nil, false, false},
		{"Host field agrees", &url.URL{Path: "/"}, []string{"A"}, false, true},
		{"Host field disagrees", &url.URL{Path: "/"}, []string{"evil.com"}, false, false},
		{"two Host fields", &url.URL{Path: "/"}, []string{"a", "a"}, false, false},
		{"empty Host field", &url.URL{Path: "/"}, []string{""}, false, false},
	} {
		r := request("a")
		r.URL = tt.target
		if tt.fields != nil {
			r.Header["Host"] = tt.fields
		}
		if tt.tls {
			r.TLS = &tls.ConnectionState{}
		}
		before := *tt.target
		var inner *http.Request
		rec := httptest.NewRecorder()
		g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inner = r })).ServeHTTP(rec, r)
		if (inner != nil) != tt.ok || !tt.ok && rec.Code != 400 {
			t.Errorf("%s: status %d, served %v", tt.name, rec.Code, inner != nil)
			continue
		}
		if before != *tt.target {
			t.Errorf("%s: the caller's URL was changed", tt.name)
		}
		if inner == nil {
			continue
		}
		if _, ok := inner.Header["Host"]; ok || inner.Host != "a" || inner.URL.Host != "" && inner.URL.Host != "a" {
			t.Errorf("%s: inner request has Host %q, field %q, URL %q", tt.name, inner.Host, inner.Header["Host"], inner.URL)
		}
	}
}

// TestWire sends bytes to net/http's own server.
func TestWire(t *testing.T) {
	srv := httptest.NewServer(mustNew(t, listing).Wrap(ok))
	defer srv.Close()
	for _, tt := range []struct {
		raw    string
		status int
	}{
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: \r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: api.example.com.\r\n\r\n", 200},
		{"GET / HTTP/1.1\r\nHost: API.EXAMPLE.COM\r\n\r\n", 200},
		{"GET / HTTP/1.1\r\nHost: api.example.com:80@evil.com\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: api.example.com:evil\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 421},
		{"GET / HTTP/1.1\r\nHost: [::1%25eth0]\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: [evil.com]:80\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: evil.com/api.example.com\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: evil.com#.example.com\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: evil.com?.example.com\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: evil.com,api.example.com\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: api.example.com evil\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: x/?.example.com\r\n\r\n", 400},
		// net/http forgets the Host field here, so that only the listener
		// can see the disagreement; the name itself is judged all the same.
		{"GET http://evil.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", 421},
		{"GET https://evil.com:99/x HTTP/1.1\r\nHost: api.example.com\r\n\r\n", 400},
		{"GET http://user:pw@evil.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", 400},
		{"GET ftp://evil.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", 400},
		{"GET http://API.example.com./ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", 200},
		{"GET / HTTP/1.0\r\n\r\n", 400},
		{"GET / HTTP/1.0\r\nHost: a\r\n\r\n", 200},
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, tt.raw)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%q: %v", tt.raw, err)
		} else if res.StatusCode != tt.status {
			t.Errorf("%q: status %d, want %d", tt.raw, res.StatusCode, tt.status)
		}
		_ = conn.Close()
	}
}

func TestObserve(t *testing.T) {
	g := mustNew(t, listing)
	for host, want := range map[string]string{
		"EVIL.com": "hosts/listed",
		"evil?":    "hosts/well-formed hosts/listed",
		"A":        "",
	} {
		var seen []string
		r := guard.Begin(request(host), &guard.Facts{Door: func(_ *http.Request, ref *guard.Refusal) bool {
			seen = append(seen, ref.Rule)
			return true
		}})
		called := false
		g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })).ServeHTTP(httptest.NewRecorder(), r)
		if got := strings.Join(seen, " "); !called || got != want {
			t.Errorf("%s: called %v, observed %q, want %q", host, called, got, want)
		}
	}
}

func TestNewErrors(t *testing.T) {
	_, err := New(Policy{
		Allow: []string{
			"a", "A.", "", "*", "https://a", "a/b", "10.0.0.0/8", "::1", "a.*.b", "*a.b", "*.10.0.0.1", "a:0", "a:x",
			"[::1%lo]", "127.1", "\u212a.example", "e\u0301.example", "☃.example", "xn--ü.example", "\xff", "ＡＢ.example", "a b", "ü?.example",
		},
		DangerouslyAllowAny: true,
	})
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 23 { // all entries but the first, and the contradiction
		t.Errorf("%d errors:\n%s", len(lines), err)
	}
	if _, err := New(Policy{Listen: "nonsense"}); err == nil {
		t.Error("a listen address without a port was accepted")
	}
	if _, err := New(Policy{Listen: "a?:80"}); err == nil {
		t.Error("a malformed listen address was accepted")
	}
}

func TestCopies(t *testing.T) {
	p := Policy{Allow: []string{"a"}}
	g := mustNew(t, p)
	p.Allow[0] = "evil.com"
	g.Answers()[0] = "evil.com"
	if g.Check(request("a")) != nil || g.Check(request("evil.com")) == nil || g.Answers()[0] != "a" {
		t.Error("the guard shares memory with its policy or its caller")
	}
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		policy Policy
		want   string
	}{
		{Policy{}, "localhost *.localhost 127.0.0.0/8 [::1]"},
		{Policy{Listen: "127.0.0.1:8000"}, "localhost *.localhost 127.0.0.0/8 [::1]"},
		{Policy{Listen: "unix:/run/x.sock"}, "localhost *.localhost 127.0.0.0/8 [::1]"},
		{Policy{Listen: ":8000"}, "localhost *.localhost 127.0.0.0/8 [::1]"},
		{Policy{Listen: "[2001:db8::1]:443"}, "localhost *.localhost 127.0.0.0/8 [::1] [2001:db8::1]"},
		{Policy{Listen: "host:443"}, "localhost *.localhost 127.0.0.0/8 [::1] host"},
		{Policy{Allow: []string{"B.example", "*.A.example:8443"}}, "b.example *.a.example:8443"},
		{Policy{DangerouslyAllowAny: true}, "*"},
	} {
		if got := strings.Join(mustNew(t, tt.policy).Answers(), " "); got != tt.want {
			t.Errorf("%+v answers %q, want %q", tt.policy, got, tt.want)
		}
	}
	got := strings.Join(Policy{Allow: []string{"B.example:1", "b.example:2", "?", "*.bücher.example"}}.Names(), " ")
	if want := "*.xn--bcher-kva.example b.example"; got != want {
		t.Errorf("Names: %q, want %q", got, want)
	}
}

func TestLoosened(t *testing.T) {
	if got := (Policy{Allow: []string{"a", "*.example.com", "*.internal"}}).Loosened(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	got := Policy{Allow: []string{"*.com"}, DangerouslyAllowAny: true, DangerouslyAllowMalformed: true}.Loosened()
	if len(got) != 3 || got[0].Key != "hosts.allow[0]" {
		t.Errorf("%v", got)
	}
}

// TestGolden pins the bytes of a refusal.
func TestGolden(t *testing.T) {
	g := mustNew(t, listing)
	var got bytes.Buffer
	for _, host := range []string{"evil.com", "evil.com?"} {
		rec := httptest.NewRecorder()
		g.Wrap(ok).ServeHTTP(rec, request(host))
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
	g := mustNew(t, listing)
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, host := range []string{"api.example.com", "x.example.com:8000"} {
		r := request(host)
		if n := testing.AllocsPerRun(100, func() { _ = g.Check(r); h.ServeHTTP(nil, r) }); n != 0 {
			t.Errorf("%s: %v allocations", host, n)
		}
	}
	r, g := request("[::1]:8000"), mustNew(t, Policy{})
	if n := testing.AllocsPerRun(100, func() { _ = g.Check(r) }); n != 0 {
		t.Errorf("%s: %v allocations", r.Host, n)
	}
}

func BenchmarkWrap(b *testing.B) {
	h := mustNew(b, listing).Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := request("x.example.com:8000")
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(nil, r)
	}
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })

// caller sends requests to srv as a probe does.
func caller(srv *httptest.Server, raw bool) promise.Caller {
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	addr := srv.Listener.Addr().String()
	return func(req *http.Request) (*http.Response, error) {
		if text, isRaw := promise.Raw(req); isRaw {
			if !raw {
				return nil, promise.ErrRawUnsupported
			}
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				return nil, err
			}
			if srv.TLS != nil {
				conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
			}
			context.AfterFunc(req.Context(), func() { _ = conn.Close() })
			_, _ = io.WriteString(conn, strings.ReplaceAll(text, "{host}", addr))
			return http.ReadResponse(bufio.NewReader(conn), req)
		}
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

func verdict(t *testing.T, h http.Handler, p promise.Promise) string {
	t.Helper()
	out := ""
	for _, start := range []func(http.Handler) *httptest.Server{httptest.NewServer, httptest.NewTLSServer} {
		for _, raw := range []bool{true, false} {
			srv := start(h)
			ctx, cancel := context.WithCancel(t.Context())
			err := p.Test(ctx, caller(srv, raw))
			cancel()
			srv.Close()
			got := "could not tell"
			var broken *promise.BrokenError
			if err == nil {
				got = "kept"
			} else if errors.As(err, &broken) {
				got = "broken"
			}
			if out != "" && out != got {
				t.Fatalf("%s is %s by one caller and %s by another: %v", p.ID, out, got, err)
			}
			out = got
		}
	}
	return out
}

func TestPromises(t *testing.T) {
	strict := mustNew(t, Policy{})
	promises := strict.Promises()
	if len(promises) != len(Rules()) {
		t.Fatalf("%d promises for %d rules", len(promises), len(Rules()))
	}
	loose := map[string]Policy{
		"hosts/well-formed": {DangerouslyAllowMalformed: true},
		"hosts/listed":      {DangerouslyAllowAny: true},
	}
	for _, p := range promises {
		if got := verdict(t, strict.Wrap(ok), p); got != "kept" {
			t.Errorf("%s is %s by the strict guard", p.ID, got)
		}
		if got := verdict(t, ok, p); got != "broken" {
			t.Errorf("%s is %s by a bare handler", p.ID, got)
		}
		g := mustNew(t, loose[p.ID])
		if got := verdict(t, g.Wrap(ok), p); got != "broken" {
			t.Errorf("%s is %s where it is switched off", p.ID, got)
		}
		if slices.ContainsFunc(g.Promises(), func(q promise.Promise) bool { return q.ID == p.ID }) {
			t.Errorf("%s is promised where it is switched off", p.ID)
		}
		for id := range loose {
			if id != p.ID && verdict(t, mustNew(t, loose[id]).Wrap(ok), p) != "kept" {
				t.Errorf("switching off %s breaks %s", id, p.ID)
			}
		}
	}
	// A service that sends everybody to its own name keeps the promise; one
	// that repeats the stranger's does not.
	for target, want := range map[string]string{"https://api.example.com/": "kept", "": "broken"} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if host, _, _ := net.SplitHostPort(r.Host); host == "127.0.0.1" {
				return
			}
			to := target
			if to == "" {
				to = "https://" + r.Host + "/"
			}
			http.Redirect(w, r, to, http.StatusPermanentRedirect)
		})
		if got := verdict(t, h, promises[1]); got != want {
			t.Errorf("redirect to %q: %s, want %s", target, got, want)
		}
	}
}

// FuzzCheck holds two laws: Check agrees with Wrap, and the host that goes on
// is canonical, listed, and one that net/url takes for the same host.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		"a", "A.", "a:80", "API.example.com.:8443", "x/?.example.com", "[::1]:80", "[::FFFF:1.2.3.4]", "127.1", "1.2.3.4.", "a:443", "xn--bcher-kva",
		"", "a@b", "a b", "[::1%25eth0]", "0x7f.0.0.1", "a..b", "-", "_a.b",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	listed := mustNew(f, Policy{Allow: []string{"a", "*.example.com", "[::1]", "1.2.3.4:80"}})
	anyHost := mustNew(f, Policy{DangerouslyAllowAny: true})
	f.Fuzz(func(t *testing.T, host string, all bool) {
		g := listed
		if all {
			g = anyHost
		}
		var inner *http.Request
		g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inner = r })).ServeHTTP(httptest.NewRecorder(), request(host))
		if (g.Check(request(host)) == nil) != (inner != nil) {
			t.Fatalf("%q: Check and Wrap disagree", host)
		}
		if inner == nil {
			return
		}
		var again *http.Request
		g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { again = r })).ServeHTTP(httptest.NewRecorder(), inner)
		if again == nil || again.Host != inner.Host {
			t.Fatalf("%q became %q, which is not canonical", host, inner.Host)
		}
		if strings.ToLower(inner.Host) != inner.Host || strings.ContainsAny(inner.Host, " /?#@\\%,*") {
			t.Fatalf("%q became %q", host, inner.Host)
		}
		u, err := url.ParseRequestURI("http://" + inner.Host + "/x?y")
		if err != nil || u.Host != inner.Host || u.Path != "/x" || u.User != nil {
			t.Fatalf("%q became %q, which a URL parser reads as %+v (%v)", host, inner.Host, u, err)
		}
	})
}
