package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// script is an upstream that answers as it is told.
type script struct {
	net.Listener
	t     *testing.T
	conns atomic.Int32
}

// scripted listens, and calls serve for each connection.
func scripted(t *testing.T, serve func(c net.Conn, r *bufio.Reader)) *script {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{Listener: ln, t: t}
	var wg sync.WaitGroup
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			t.Cleanup(func() { c.Close() })
			go func() {
				defer c.Close()
				serve(c, bufio.NewReader(c))
			}()
		}
	})
	return s
}

// answers serves the same raw response to each request.
func answers(t *testing.T, raw string) *script {
	return scripted(t, func(c net.Conn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if _, err := io.WriteString(c, raw); err != nil {
				return
			}
		}
	})
}

func (s *script) url() string { return "http://" + s.Addr().String() }

func newUpstream(t testing.TB, o Options) *Upstream {
	t.Helper()
	u, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

// front serves h as the gateway would.
func front(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return res, body(t, res)
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("reading the body: %v", err)
	}
	return string(b)
}

func TestNewSaysAllThatIsWrong(t *testing.T) {
	_, err := New(Options{Target: "ftp://x", MaxIdle: -1, DialTimeout: -1, Upgrades: []string{"websocket", "h2c", "a b"}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"Target", "MaxIdle", "DialTimeout", "Upgrades[1]", "Upgrades[2]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s:\n%v", want, err)
		}
	}
	for _, target := range []string{"", "http://", "http://a:0", "http://a:99999", "http://a/b", "http://u:p@a", "http://a?x", "unix:", "unix:relative", "http://a b", "a:80"} {
		if _, err := New(Options{Target: target}); err == nil {
			t.Errorf("target %q: accepted", target)
		}
	}
	for _, target := range []string{"http://a", "http://a:8000/", "http://[::1]:8000", "https://a", "unix:/run/x.sock", "unix:///run/x.sock", "unix:@x"} {
		if _, err := New(Options{Target: target}); err != nil {
			t.Errorf("target %q: %v", target, err)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, r.RequestURI)
	})}}
	srv.Start()
	defer srv.Close()
	f := front(t, newUpstream(t, Options{Target: "unix:" + path}))
	if _, b := get(t, f.URL+"/a?b"); b != f.Listener.Addr().String()+"/a?b" {
		t.Errorf("got %q", b)
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	defer srv.Close()
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	f := front(t, newUpstream(t, Options{Target: srv.URL}))
	if res, _ := get(t, f.URL); res.StatusCode != 502 {
		t.Errorf("an unknown certificate: status %d", res.StatusCode)
	}
	u := newUpstream(t, Options{Target: srv.URL, TLS: srv.Client().Transport.(*http.Transport).TLSClientConfig})
	f = front(t, u)
	for range 3 {
		if res, b := get(t, f.URL); res.StatusCode != 200 || b != "HTTP/1.1" {
			t.Errorf("got %d %q", res.StatusCode, b)
		}
	}
	if len(u.idle) != 1 || !u.idle[0].reused {
		t.Error("the TLS connection was not kept")
	}
}

// TestRefusedResponses: each of these is malformed, and none may be relayed
// or its connection used again.
func TestRefusedResponses(t *testing.T) {
	long := strings.Repeat("a", 70<<10)
	many := strings.Repeat("X-A: b\r\n", 201)
	for name, raw := range map[string]string{
		"no status line":        "hello\r\n\r\n",
		"leading empty line":    "\r\nHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/2":                "HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.2":              "HTTP/1.2 200 OK\r\n\r\n",
		"two digits":            "HTTP/1.1 20 OK\r\n\r\n",
		"four digits":           "HTTP/1.1 2000 OK\r\n\r\n",
		"status 099":            "HTTP/1.1 099 OK\r\n\r\n",
		"status 600":            "HTTP/1.1 600 OK\r\n\r\n",
		"two spaces":            "HTTP/1.1  200 OK\r\n\r\n",
		"control in reason":     "HTTP/1.1 200 O\x00K\r\n\r\n",
		"bare LF":               "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"one bare LF":           "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n",
		"bare CR in value":      "HTTP/1.1 302 Found\r\nLocation: /\rSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
		"NUL in value":          "HTTP/1.1 200 OK\r\nA: b\x00c\r\nContent-Length: 0\r\n\r\n",
		"folded":                "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
		"space first":           "HTTP/1.1 200 OK\r\n A: b\r\nContent-Length: 0\r\n\r\n",
		"space before colon":    "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
		"no colon":              "HTTP/1.1 200 OK\r\nA\r\nContent-Length: 0\r\n\r\n",
		"empty name":            "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n",
		"name with a space":     "HTTP/1.1 200 OK\r\nA b: c\r\nContent-Length: 0\r\n\r\n",
		"CL and TE":             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two CL":                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"CL list":               "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
		"CL plus":               "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
		"CL negative":           "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
		"CL hex":                "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello",
		"CL empty":              "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
		"CL huge":               "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
		"TE gzip":               "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"TE identity":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello",
		"TE twice":              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"TE in 1.0":             "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"TE xchunked":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"long head":             "HTTP/1.1 200 OK\r\nA: " + long + "\r\nContent-Length: 0\r\n\r\n",
		"endless head line":     "HTTP/1.1 200 OK\r\nA: " + long,
		"many fields":           "HTTP/1.1 200 OK\r\n" + many + "\r\n",
		"101 unasked":           "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"103 flood":             strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 6) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"100 flood":             strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 6) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"many connection names": "HTTP/1.1 200 OK\r\nConnection: " + strings.Repeat("a,", 70) + "\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := answers(t, raw)
			u := newUpstream(t, Options{Target: s.url()})
			f := front(t, u)
			res, b := get(t, f.URL)
			if res.StatusCode != 502 || !strings.Contains(b, `"BAD_GATEWAY"`) || strings.Contains(b, "127.0.0.1") {
				t.Errorf("got %d %q", res.StatusCode, b)
			}
			for _, h := range []string{"A", "Location", "Set-Cookie", "Upgrade", "Link"} {
				if v := res.Header.Values(h); v != nil {
					t.Errorf("the upstream's %s was relayed: %q", h, v)
				}
			}
			if len(u.idle) != 0 {
				t.Error("the connection was kept")
			}
		})
	}
}

// TestAcceptedResponses: what is legal is relayed, and the connection kept if
// nothing is in doubt.
func TestAcceptedResponses(t *testing.T) {
	for name, tc := range map[string]struct {
		method, raw  string
		status       int
		body         string
		header       map[string][]string
		connectionOK bool
	}{
		"length":           {raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello", status: 200, body: "hello", header: map[string][]string{"X-A": {"1", "2"}, "Content-Type": nil, "Content-Length": {"5"}}, connectionOK: true},
		"same length":      {raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello", header: map[string][]string{"Content-Length": {"5"}}, connectionOK: true},
		"no reason":        {raw: "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", status: 404, connectionOK: true},
		"empty value":      {raw: "HTTP/1.1 200 OK\r\nX-A:\r\nContent-Length: 0\r\n\r\n", status: 200, header: map[string][]string{"X-A": {""}}, connectionOK: true},
		"chunked":          {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n00A\r\n, world...\r\n0\r\n\r\n", status: 200, body: "hello, world...", connectionOK: true},
		"chunked, lateral": {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX", status: 200},
		"to the end":       {raw: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", status: 200},
		"1.0":              {raw: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", status: 200, body: "hi"},
		"close":            {raw: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", status: 200, body: "hi"},
		"extra":            {raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", status: 200, body: "hi"},
		"204":              {raw: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, connectionOK: true},
		"204 with length":  {raw: "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", status: 204, header: map[string][]string{"Content-Length": nil}},
		"304 with body":    {raw: "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\nEtag: \"x\"\r\n\r\nabc", status: 304, header: map[string][]string{"Etag": {`"x"`}}},
		"304":              {raw: "HTTP/1.1 304 Not Modified\r\n\r\n", status: 304, connectionOK: true},
		"HEAD":             {method: "HEAD", raw: "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", status: 200, header: map[string][]string{"Content-Length": {"7"}}},
		"HEAD with body":   {method: "HEAD", raw: "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nabcdefg", status: 200, header: map[string][]string{"Content-Length": {"7"}}},
		"100 swallowed":    {raw: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", status: 200, connectionOK: true},
		"hop-by-hop": {
			raw:    "HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: x\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nTE: x\r\nContent-Length: 0\r\nDate: a\r\nDate: b\r\n\r\n",
			status: 200, connectionOK: true,
			header: map[string][]string{"Connection": nil, "X-Hop": nil, "Keep-Alive": nil, "Proxy-Authenticate": nil, "Proxy-Connection": nil, "Upgrade": nil, "Te": nil, "Date": {"a"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			closing := name == "to the end"
			s := scripted(t, func(c net.Conn, r *bufio.Reader) {
				for {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					_, _ = io.WriteString(c, tc.raw)
					if closing {
						return
					}
				}
			})
			u := newUpstream(t, Options{Target: s.url()})
			f := front(t, u)
			req, _ := http.NewRequest(tc.method, f.URL, nil)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if b := body(t, res); res.StatusCode != tc.status || b != tc.body {
				t.Errorf("got %d %q", res.StatusCode, b)
			}
			for k, want := range tc.header {
				if got := res.Header.Values(k); !slices.Equal(got, want) {
					t.Errorf("%s: got %q, want %q", k, got, want)
				}
			}
			time.Sleep(time.Millisecond) // the handler returns after the response
			u.mu.Lock()
			defer u.mu.Unlock()
			if kept := len(u.idle) == 1; kept != tc.connectionOK {
				t.Errorf("the connection was kept: %v", kept)
			}
		})
	}
}

// TestTruncation: a client must be able to tell a broken response from a
// whole one.
func TestTruncation(t *testing.T) {
	for name, raw := range map[string]string{
		"length":       "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
		"chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello",
		"last chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"trailer":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b",
		"bad size":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n-1\r\n\r\n",
		"0x size":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
		"huge size":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
		"bare LF":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
		"LF after":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
		"no CRLF":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
		"bad trailer":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA : b\r\n\r\n",
		"space before": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, func(c net.Conn, r *bufio.Reader) {
				if _, err := http.ReadRequest(r); err != nil {
					return
				}
				_, _ = io.WriteString(c, raw)
			})
			var aborted atomic.Value
			u := newUpstream(t, Options{Target: s.url(), Abort: func(_ *http.Request, err error) { aborted.Store(err.Error()) }})
			f := front(t, u)
			res, err := http.Get(f.URL)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if err == nil {
				t.Error("the client took it for whole")
			}
			if aborted.Load() == nil {
				t.Error("Abort was not called")
			}
			if len(u.idle) != 0 {
				t.Error("the connection was kept")
			}
		})
	}
}

// TestUnasked: an idle connection on which anything arrives carries no other
// request.
func TestUnasked(t *testing.T) {
	s := scripted(t, func(c net.Conn, r *bufio.Reader) {
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
			time.Sleep(10 * time.Millisecond)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
		}
	})
	u := newUpstream(t, Options{Target: s.url()})
	f := front(t, u)
	for range 3 {
		if _, b := get(t, f.URL); b != "hi" {
			t.Errorf("got %q", b)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if n := s.conns.Load(); n != 3 {
		t.Errorf("%d connections for 3 requests", n)
	}
}

// TestRequestHeader looks at what the upstream gets.
func TestRequestHeader(t *testing.T) {
	got := make(chan string, 1)
	s := scripted(t, func(c net.Conn, r *bufio.Reader) {
		tr := textproto.NewReader(r)
		var lines []string
		for {
			l, err := tr.ReadLine()
			if err != nil {
				return
			}
			if l == "" {
				break
			}
			lines = append(lines, l)
		}
		slices.Sort(lines[1:])
		got <- strings.Join(lines, "\n")
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	u := newUpstream(t, Options{Target: s.url(), Rewrite: func(out http.Header, in *http.Request) {
		out["X-Forwarded-For"] = []string{"192.0.2.1"}
		out.Del("X-Drop")
		out["Transfer-Encoding"] = []string{"chunked"} // a mistake that must not matter
	}})
	r := httptest.NewRequest("POST", "/a%2Fb?c=%20d", nil)
	r.Host = "api.example.com"
	r.Header = http.Header{
		"Connection":    {"close, Authorization, Cookie, X-Real"},
		"Authorization": {"Bearer x"},
		"Cookie":        {"a=1", "b=2"},
		"Te":            {"trailers"}, "Keep-Alive": {"5"}, "Proxy-Connection": {"x"}, "Proxy": {"evil"}, "Proxy-Authorization": {"x"},
		"Upgrade": {"h2c"}, "Http2-Settings": {"x"}, "Expect": {"100-continue"}, "Content-Length": {"9"}, "Trailer": {"X"},
		"X-Drop": {"x"}, "X-Two": {"1", "2"}, "Accept": {"*/*"},
	}
	u.ServeHTTP(httptest.NewRecorder(), r)
	want := `POST /a%2Fb?c=%20d HTTP/1.1
Accept: */*
Authorization: Bearer x
Content-Length: 0
Cookie: a=1; b=2
Host: api.example.com
X-Forwarded-For: 192.0.2.1
X-Two: 1
X-Two: 2`
	if g := <-got; g != want {
		t.Errorf("got\n%s\nwant\n%s", g, want)
	}
	if r.Header.Get("X-Drop") == "" || r.Header.Get("X-Forwarded-For") != "" {
		t.Error("Rewrite changed the client's request")
	}
}

// TestUnwritable: what cannot be written into a request without ambiguity is
// not sent.
func TestUnwritable(t *testing.T) {
	s := answers(t, "HTTP/1.1 204 No Content\r\n\r\n")
	u := newUpstream(t, Options{Target: s.url()})
	for name, change := range map[string]func(r *http.Request){
		"CONNECT":         func(r *http.Request) { r.Method = "CONNECT" },
		"method":          func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nA:" },
		"query space":     func(r *http.Request) { r.URL.RawQuery = "a b" },
		"query CRLF":      func(r *http.Request) { r.URL.RawQuery = "a\r\nb" },
		"query non-ASCII": func(r *http.Request) { r.URL.RawQuery = "\xff" },
		"relative path":   func(r *http.Request) { r.URL.Path = "a" },
		"host":            func(r *http.Request) { r.Host = "a\r\nb" },
		"host slash":      func(r *http.Request) { r.Host = "a/b" },
		"header name":     func(r *http.Request) { r.Header["A b"] = []string{"c"} },
		"header value":    func(r *http.Request) { r.Header["A"] = []string{"c\r\nd: e"} },
	} {
		r := httptest.NewRequest("GET", "/", nil)
		change(r)
		w := httptest.NewRecorder()
		u.ServeHTTP(w, r)
		if w.Code < 400 {
			t.Errorf("%s: status %d", name, w.Code)
		}
	}
	if n := s.conns.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

func TestErrors(t *testing.T) {
	silent := scripted(t, func(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
	dead := scripted(t, func(c net.Conn, r *bufio.Reader) {})
	gone := answers(t, "")
	gone.Close()
	for _, tc := range []struct {
		name   string
		o      Options
		status int
		code   string
	}{
		{"timeout", Options{Target: silent.url(), ResponseHeaderTimeout: 20 * time.Millisecond}, 504, "GATEWAY_TIMEOUT"},
		{"timeout after the first wait", Options{Target: silent.url(), ResponseHeaderTimeout: 150 * time.Millisecond}, 504, "GATEWAY_TIMEOUT"},
		{"closed", Options{Target: dead.url()}, 502, "BAD_GATEWAY"},
		{"refused", Options{Target: gone.url()}, 502, "BAD_GATEWAY"},
		{"dial timeout", Options{Dial: func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }, Target: gone.url(), DialTimeout: 20 * time.Millisecond}, 504, "GATEWAY_TIMEOUT"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, facts := guard.WithFacts(httptest.NewRequest("GET", "/", nil))
			w := httptest.NewRecorder()
			newUpstream(t, tc.o).ServeHTTP(w, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.code) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if facts.Refused == nil || facts.Refused.Reason == "" || facts.Refused.Rule != "gateway/upstream" {
				t.Errorf("the log would read %+v", facts.Refused)
			}
		})
	}
}

func TestErrorHook(t *testing.T) {
	s := answers(t, "no\r\n\r\n")
	var got error
	u := newUpstream(t, Options{Target: s.url(), Error: func(w http.ResponseWriter, _ *http.Request, err error) { got = err; w.WriteHeader(599) }})
	w := httptest.NewRecorder()
	u.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	var e *Error
	if w.Code != 599 || !errors.As(got, &e) || e.Op != "read head" || !errors.Is(got, errStatusLine) {
		t.Errorf("got %d, %v", w.Code, got)
	}
}

// TestRetry: a kept connection that turns out to be closed is nobody's fault.
func TestRetry(t *testing.T) {
	for _, tc := range []struct {
		method, body string
		want         int
	}{{"GET", "", 200}, {"DELETE", "", 200}, {"PUT", "x", 200}, {"POST", "x", 502}, {"PATCH", "", 502}} {
		var requests atomic.Int32
		s := scripted(t, func(c net.Conn, r *bufio.Reader) {
			for first := true; ; first = false {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				requests.Add(1)
				if !first {
					return // without an answer
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		u := newUpstream(t, Options{Target: s.url()})
		u.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		w := httptest.NewRecorder()
		u.ServeHTTP(w, httptest.NewRequest(tc.method, "/", strings.NewReader(tc.body)))
		if w.Code != tc.want {
			t.Errorf("%s: status %d, want %d", tc.method, w.Code, tc.want)
		}
		if n := requests.Load(); tc.want == 502 && n != 2 || n > 3 {
			t.Errorf("%s: sent %d times", tc.method, n-1)
		}
	}
}

func TestIdleConnections(t *testing.T) {
	s := answers(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	u := newUpstream(t, Options{Target: s.url(), IdleTimeout: 50 * time.Millisecond, MaxIdle: 2})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { u.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
	}
	wg.Wait()
	count := func() int { u.mu.Lock(); defer u.mu.Unlock(); return len(u.idle) }
	if n := count(); n < 1 || n > 2 {
		t.Errorf("%d idle connections", n)
	}
	for range 100 {
		if count() == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := count(); n != 0 {
		t.Errorf("%d idle connections after the timeout", n)
	}
	u.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if n := count(); n != 1 {
		t.Errorf("%d idle connections", n)
	}
	u.Close()
	u.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if n := count(); n != 0 || u.Pending() != 0 {
		t.Errorf("%d idle connections, %d pending after Close", n, u.Pending())
	}
}

func TestEarlyHints(t *testing.T) {
	s := answers(t, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nContent-Security-Policy: none\r\n\r\nHTTP/1.1 200 OK\r\nLink: </b>\r\nContent-Length: 0\r\n\r\n")
	f := front(t, newUpstream(t, Options{Target: s.url()}))
	req, _ := http.NewRequest("GET", f.URL, nil)
	var hints []textproto.MIMEHeader
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints = append(hints, h)
		return nil
	}}))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if len(hints) != 1 || hints[0].Get("Link") != "</a.css>; rel=preload" || hints[0].Get("Content-Security-Policy") != "" {
		t.Errorf("hints: %v", hints)
	}
	if l := res.Header.Values("Link"); len(l) != 1 || l[0] != "</b>" {
		t.Errorf("Link: %q", l)
	}
}

func TestTrailers(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum, Set-Cookie")
		fmt.Fprintf(w, "%s %v", b, r.Trailer)
		w.Header().Set("X-Sum", "42")
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set(http.TrailerPrefix+"X-Late", "1")
	}))
	defer srv.Close()
	f := front(t, newUpstream(t, Options{Target: srv.URL}))
	req, _ := http.NewRequest("POST", f.URL, io.NopCloser(strings.NewReader("hello")))
	req.Trailer = http.Header{"X-Req": {"7"}, "Authorization": {"x"}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if b := body(t, res); b != "hello map[X-Req:[7]]" {
		t.Errorf("body %q", b)
	}
	if res.Trailer.Get("X-Sum") != "42" || res.Trailer.Get("X-Late") != "1" || res.Trailer.Get("Set-Cookie") != "" {
		t.Errorf("trailers %v", res.Trailer)
	}
}

func TestResponseHook(t *testing.T) {
	s := answers(t, "HTTP/1.1 200 OK\r\nX-Powered-By: x\r\nX-Frame-Options: ALLOWALL\r\nContent-Length: 0\r\nConnection: X-Ours\r\nX-Ours: theirs\r\n\r\n")
	u := newUpstream(t, Options{Target: s.url(), Response: func(h http.Header, r *http.Request, status int) {
		h.Del("X-Powered-By")
		h.Set("X-Frame-Options", "DENY")
	}})
	f := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Ours", "ours") // what was there before is not the upstream's to remove
		u.ServeHTTP(w, r)
	}))
	res, _ := get(t, f.URL)
	if v := res.Header.Values("X-Frame-Options"); len(v) != 1 || v[0] != "DENY" {
		t.Errorf("X-Frame-Options %q", v)
	}
	if v := res.Header.Values("X-Ours"); len(v) != 1 || v[0] != "ours" {
		t.Errorf("X-Ours %q", v)
	}
	if res.Header.Get("X-Powered-By") != "" {
		t.Error("X-Powered-By was relayed")
	}
}

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}
