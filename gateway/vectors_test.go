package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pavise-dev/pavise"
)

// seen is what reached the upstream.
type seen struct {
	Method, URI, Host, Body string
	Header, Trailer         http.Header
}

// recordingUpstream answers 200 and notes every request.
type recordingUpstream struct {
	mu   sync.Mutex
	list []seen
	url  string
}

func newRecordingUpstream(t *testing.T) *recordingUpstream {
	u := &recordingUpstream{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // a request that was cut short was not served
		}
		u.mu.Lock()
		u.list = append(u.list, seen{r.Method, r.RequestURI, r.Host, string(body), r.Header.Clone(), r.Trailer.Clone()})
		u.mu.Unlock()
		w.Header().Set("Server", "upstream/1.0")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"served":true}`)
	}))
	t.Cleanup(srv.Close)
	u.url = srv.URL
	return u
}

func (u *recordingUpstream) take() []seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := u.list
	u.list = nil
	return list
}

// start runs a gateway for the test's duration and returns its address.
func start(t *testing.T, p pavise.Policy, change func(*Options)) (addr string, gw *Gateway) {
	t.Helper()
	p.Gateway.Listen = "127.0.0.1:0"
	if p.Gateway.Admin == "" {
		p.Gateway.Admin = "off"
	}
	ready := make(chan net.Addr, 1)
	o := Options{Policy: p, Log: testLog(t), Ready: func(public, _ net.Addr) { ready <- public }}
	if change != nil {
		change(&o)
	}
	gw, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := testContext(t)
	done := make(chan error, 1)
	go func() { done <- gw.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the gateway ended with: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the gateway did not stop")
		}
	})
	select {
	case a := <-ready:
		return a.String(), gw
	case err := <-done:
		done <- nil
		t.Fatalf("the gateway did not start: %v", err)
		return "", nil
	}
}

// vectorPolicy is strict, but for plain HTTP under names that are not
// loopback's.
func vectorPolicy(upstream string) pavise.Policy {
	p := pavise.Policy{}
	p.Hosts.Allow = []string{"a", "api.example.com", "*.example.com"}
	p.HTTPS.InsecureAllowPlain = true
	p.Gateway.Upstream = upstream
	p.Gateway.GracefulTimeout = 2 * time.Second
	return p
}

// vector is one attack: the bytes that are sent, and what must come of them.
type vector struct {
	name   string
	raw    string
	status []int
	// served holds for statuses below 400: what the upstream must have seen.
	served func(t *testing.T, s seen)
}

func status(codes ...int) []int { return codes }

func sees(method, uri, host string) func(*testing.T, seen) {
	return func(t *testing.T, s seen) {
		if s.Method != method || s.URI != uri || s.Host != host {
			t.Errorf("the upstream saw %s %s of %s, want %s %s of %s", s.Method, s.URI, s.Host, method, uri, host)
		}
	}
}

func hasHeader(name, value string) func(*testing.T, seen) {
	return func(t *testing.T, s seen) {
		if got := s.Header.Values(name); len(got) != 1 || got[0] != value {
			t.Errorf("the upstream saw %s %q, want %q", name, got, value)
		}
	}
}

func hasBody(body string) func(*testing.T, seen) {
	return func(t *testing.T, s seen) {
		if s.Body != body {
			t.Errorf("the upstream saw the body %q, want %q", s.Body, body)
		}
	}
}

// spoofable are fields by which a client must not be able to say who or where
// it is.
var spoofable = []string{
	"Forwarded", "X-Real-Ip", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Uri",
	"X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override", "Client-Ip", "Cf-Connecting-Ip", "True-Client-Ip",
	"X_forwarded_for", "X_Forwarded_For",
}

func nothingSpoofed(t *testing.T, s seen) {
	for _, name := range spoofable {
		if v, ok := s.Header[name]; ok {
			t.Errorf("the upstream saw %s: %q", name, v)
		}
	}
	hasHeader("X-Forwarded-For", "127.0.0.1")(t, s)
	hasHeader("X-Forwarded-Proto", "http")(t, s)
	if v := s.Header.Values("X-Forwarded-Host"); len(v) > 1 || len(v) == 1 && v[0] != "a" {
		t.Errorf("the upstream saw X-Forwarded-Host %q", v)
	}
}

var vectors = []vector{
	// Host
	{"no Host", "GET / HTTP/1.1\r\n\r\n", status(400), nil},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", status(400), nil},
	{"empty Host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", status(400), nil},
	{"Host with a trailing dot", "GET / HTTP/1.1\r\nHost: api.example.com.\r\n\r\n", status(200), sees("GET", "/", "api.example.com")},
	{"Host in capitals", "GET / HTTP/1.1\r\nHost: API.EXAMPLE.COM\r\n\r\n", status(200), sees("GET", "/", "api.example.com")},
	{"Host with user information", "GET / HTTP/1.1\r\nHost: api.example.com:80@evil.com\r\n\r\n", status(400), nil},
	{"Host with a port that is a word", "GET / HTTP/1.1\r\nHost: api.example.com:evil\r\n\r\n", status(400), nil},
	{"Host is an address that is not listed", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", status(421), nil},
	{"Host with a zone", "GET / HTTP/1.1\r\nHost: [::1%25eth0]\r\n\r\n", status(400), nil},
	{"Host with a name in brackets", "GET / HTTP/1.1\r\nHost: [evil.com]:80\r\n\r\n", status(400), nil},
	{"Host with a path", "GET / HTTP/1.1\r\nHost: evil.com/api.example.com\r\n\r\n", status(400), nil},
	{"Host with a fragment", "GET / HTTP/1.1\r\nHost: evil.com#.example.com\r\n\r\n", status(400), nil},
	{"Host with a query", "GET / HTTP/1.1\r\nHost: evil.com?.example.com\r\n\r\n", status(400), nil},
	{"Host with a comma", "GET / HTTP/1.1\r\nHost: evil.com,api.example.com\r\n\r\n", status(400), nil},
	{"Host with a space", "GET / HTTP/1.1\r\nHost: api.example.com evil\r\n\r\n", status(400), nil},
	{"absolute form disagrees", "GET http://evil.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", status(400), nil},
	{"absolute form with https disagrees", "GET https://evil.com:99/x HTTP/1.1\r\nHost: api.example.com\r\n\r\n", status(400), nil},
	{"absolute form with user information", "GET http://user:pw@evil.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", status(400), nil},
	{"absolute form of another scheme", "GET ftp://evil.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", status(400), nil},
	{"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", status(400), nil},
	{"absolute form agrees", "GET http://api.example.com/x?y=1 HTTP/1.1\r\nHost: api.example.com\r\n\r\n", status(200), sees("GET", "/x?y=1", "api.example.com")},

	// forwarded
	{"every forwarding header", "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nForwarded: for=9.9.9.9\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /evil\r\nX_Forwarded_For: 7.7.7.7\r\nX-Original-URL: /admin\r\nX-HTTP-Method-Override: DELETE\r\n\r\n", status(200), nothingSpoofed},
	{"Connection names Authorization", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Forwarded-For, X-Real-IP, Authorization\r\nAuthorization: Bearer x\r\nX-Real-IP: 1.2.3.4\r\n\r\n", status(200), func(t *testing.T, s seen) {
		hasHeader("Authorization", "Bearer x")(t, s)
		nothingSpoofed(t, s)
	}},
	{"Connection names Cookie", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Cookie\r\nCookie: session=1\r\n\r\n", status(200), hasHeader("Cookie", "session=1")},

	// path
	{"two slashes", "GET //api/x HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"a dot segment", "GET /./api/x HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"two dots", "GET /x/../api/y HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"two escaped dots first", "GET /%2e%2e/api/x HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"two escaped dots", "GET /x/%2e%2e/api/y HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"an escaped letter", "GET /%61pi/x HTTP/1.1\r\nHost: a\r\n\r\n", status(200), sees("GET", "/api/x", "a")},
	{"another case", "GET /API/x HTTP/1.1\r\nHost: a\r\n\r\n", status(200), sees("GET", "/API/x", "a")},
	{"an escaped slash", "GET /api%2fx HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"escaped slashes and dots", "GET /x%2f..%2fapi/y HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"a path parameter", "GET /api;v=1/x HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"a backslash", "GET /api\\x HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"an escaped NUL", "GET /api/x%00.js HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"escaped line ends", "GET /api/x%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"a malformed escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"escaped bytes that are no UTF-8", "GET /api/%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"a raw byte that is no ASCII", "GET /api/\xff HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"docs with an escaped slash", "GET /docs%2f HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"a fragment", "GET /api/x#frag HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"a query that parsers split differently", "GET /x?a=1;b=2&c=%zz HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"no slash", "GET api/x HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"GET *", "GET *  HTTP/1.1\r\nHost: a\r\n\r\n", status(400), nil},
	{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", status(405), nil},
	{"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", status(405), nil},
	{"CONNECT", "CONNECT evil.com:443 HTTP/1.1\r\nHost: evil.com:443\r\n\r\n", status(405), nil},
	{"HEAD", "HEAD /api/x HTTP/1.1\r\nHost: a\r\n\r\n", status(200), sees("HEAD", "/api/x", "a")},
	{"an unknown method", "FOO /api/x HTTP/1.1\r\nHost: a\r\n\r\n", status(405, 501), nil},
	{"a method in lower case", "get /api/x HTTP/1.1\r\nHost: a\r\n\r\n", status(405, 501), nil},

	// framing
	{"Content-Length twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", status(400), nil},
	{"Content-Length as a list", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", status(400), nil},
	{"Content-Length and Transfer-Encoding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", status(400), nil},
	{"chunked, identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", status(400), nil},
	{"gzip, chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", status(400, 501), nil},
	{"a vertical tab before chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", status(400), nil},
	{"a space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", status(400), nil},
	{"Chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nContent-Type: application/json\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n", status(200), hasBody(`{"a":1}`)},
	{"Chunked and empty", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n", status(200), hasBody(`{}`)},
	{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status(400), nil},
	{"a line end in a chunk extension", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=\"a\r\nb\"\r\nhello\r\n0\r\n\r\n", status(400), nil},
	{"a bare LF after a chunk extension", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;\nhello\r\n0\r\n\r\n", status(400), nil},
	{"a bare LF after a chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", status(400), nil},
	{"no line end after chunk data", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n", status(400), nil},
	{"forbidden trailers", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-Forwarded-For, Authorization, Host\r\n\r\n7\r\n{\"a\":1}\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: x\r\n\r\n", status(200, 400), noTrailers},
	{"undeclared trailers", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\nContent-Length: 6\r\nX-Undeclared: 1\r\n\r\n", status(200, 400), noTrailers},
	{"a chunk size that overflows", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n", status(400, 413), nil},
	{"GET with a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", status(400), nil},
	{"GET with chunks", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status(400), nil},
	{"Expect: 100-continue", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}", status(200), hasBody(`{"a":1}`)},
	{"Expect: weird", "POST / HTTP/1.1\r\nHost: a\r\nExpect: weird\r\nContent-Length: 5\r\n\r\nhello", status(417), nil},
	{"a folded first field", "GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", status(400), nil},
	{"a folded field", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", status(400), nil},
	{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", status(400), nil},
	{"an underscore in a name", "GET / HTTP/1.1\r\nHost: a\r\nX_User: admin\r\nX-User: bob\r\n\r\n", status(200, 400), func(t *testing.T, s seen) {
		hasHeader("X-User", "bob")(t, s)
		for name := range s.Header {
			if strings.Contains(name, "_") {
				t.Errorf("the upstream saw the field %q", name)
			}
		}
	}},
	{"a WebSocket where the route has none", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", status(200), sees("GET", "/", "a")},
	{"an upgrade to h2c", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", status(200), func(t *testing.T, s seen) {
		for _, name := range []string{"Upgrade", "Http2-Settings"} {
			if v := s.Header.Values(name); len(v) > 0 {
				t.Errorf("the upstream saw %s: %q", name, v)
			}
		}
	}},
	{"an upgrade that is no token", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: evil\xe2\x98\x83\r\nConnection: Upgrade\r\n\r\n", status(400), nil},

	// content type
	{"a body without a type", "POST /j HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n{\"a\":1}", status(415), nil},
	{"two types", "POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}", status(400, 415), nil},
	{"a type with a malformed parameter", "POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: application/json;multipart/form-data\r\nContent-Length: 7\r\n\r\n{\"a\":1}", status(415), nil},
}

func noTrailers(t *testing.T, s seen) {
	for _, name := range []string{"Authorization", "Content-Length", "X-Undeclared", "Host"} {
		if v := s.Trailer.Values(name); len(v) > 0 {
			t.Errorf("the upstream saw the trailer %s: %q", name, v)
		}
	}
	if v := s.Header.Get("Authorization"); v != "" {
		t.Error("a trailer was merged into the header")
	}
	if v := s.Header.Values("X-Forwarded-For"); len(v) > 1 || slices.Contains(v, "6.6.6.6") || len(s.Trailer.Values("X-Forwarded-For")) > 0 {
		t.Errorf("the upstream saw X-Forwarded-For %q, trailers %v", v, s.Trailer)
	}
}

// TestVectors sends each attack as raw bytes on a connection of its own. What
// is refused must not reach the upstream, and every answer must carry the
// headers.
func TestVectors(t *testing.T) {
	up := newRecordingUpstream(t)
	addr, _ := start(t, vectorPolicy(up.url), nil)
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			up.take()
			res, body := exchangeRaw(t, addr, v.raw)
			if !slices.Contains(v.status, res.StatusCode) {
				t.Fatalf("status %d, want %v: %s", res.StatusCode, v.status, body)
			}
			requireHeaders(t, res)
			got := up.take()
			if res.StatusCode >= 400 {
				if len(got) > 0 {
					t.Errorf("a refused request reached the upstream: %+v", got)
				}
				if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
					t.Errorf("the refusal is of type %q", ct)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("the upstream saw %d requests, want 1", len(got))
			}
			if v.served != nil {
				v.served(t, got[0])
			}
		})
	}
}

// exchangeRaw sends bytes and reads one final response.
func exchangeRaw(t *testing.T, addr, raw string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	br := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("no answer: %v", err)
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		return res, string(body)
	}
}

// requireHeaders requires what every answer of the gateway carries.
func requireHeaders(t *testing.T, res *http.Response) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff",
		"X-Frame-Options":        "DENY",
		"Referrer-Policy":        "no-referrer",
	} {
		if got := res.Header.Values(name); len(got) != 1 || !strings.EqualFold(got[0], want) {
			t.Errorf("%d: %s is %q, want exactly one %q", res.StatusCode, name, got, want)
		}
	}
	if got := res.Header.Values("Content-Security-Policy"); len(got) != 1 || !strings.Contains(got[0], "default-src 'none'") {
		t.Errorf("%d: Content-Security-Policy is %q", res.StatusCode, got)
	}
	for _, name := range []string{"Server", "X-Powered-By"} {
		if got := res.Header.Values(name); len(got) > 0 {
			t.Errorf("%d: %s is %q", res.StatusCode, name, got)
		}
	}
}
