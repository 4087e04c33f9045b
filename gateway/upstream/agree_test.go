package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLikeReverseProxy: on benign traffic both ends see what they would see
// through net/http/httputil.ReverseProxy.
func TestLikeReverseProxy(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		case "/none":
			w.WriteHeader(http.StatusNoContent)
			return
		case "/not-modified":
			w.Header().Set("Etag", `"a"`)
			w.WriteHeader(http.StatusNotModified)
			return
		case "/big":
			_, _ = w.Write(bytes.Repeat([]byte("0123456789"), 50_000))
			return
		case "/flush":
			for i := range 10 {
				fmt.Fprint(w, i)
				_ = http.NewResponseController(w).Flush()
			}
			return
		}
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "%s %s %s %d %v\n", r.Method, r.RequestURI, r.Host, r.ContentLength, r.TransferEncoding)
		for _, k := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintln(w, k, r.Header[k])
		}
		_, _ = w.Write(b)
	}))
	defer srv.Close()
	ours := front(t, newUpstream(t, Options{Target: srv.URL, Abort: func(r *http.Request, err error) {
		t.Errorf("%s %s was aborted: %v", r.Method, r.URL, err)
	}}))
	theirs := front(t, reverseProxy(srv.URL))
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	ask := func(front *httptest.Server, method, path, payload string, chunked bool, h http.Header) string {
		var rd io.Reader
		if payload != "" {
			rd = strings.NewReader(payload)
			if chunked {
				rd = io.NopCloser(rd)
			}
		}
		req, err := http.NewRequest(method, front.URL+path, rd)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "api.example.com"
		for k, v := range h {
			req.Header[k] = v
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return fmt.Sprintf("broken off: %v", err)
		}
		b := string(raw)
		var out strings.Builder
		fmt.Fprintln(&out, res.Status, res.ContentLength, res.TransferEncoding, res.Close)
		res.Header.Del("Date")
		_ = res.Header.Write(&out)
		if path == "/flush" {
			// What is there at once we send at once, with its length.
			return res.Status + b
		}
		return out.String() + b
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		for _, path := range []string{"/", "/a%2Fb%20c?x=1&y=%20", "/a?", "/redirect", "/none", "/not-modified", "/big", "/flush", "/ü"} {
			for _, payload := range []string{"", "hello", strings.Repeat("x", 40_000)} {
				if method == "GET" && payload != "" || method == "HEAD" && payload != "" {
					continue
				}
				for _, chunked := range []bool{false, true} {
					h := http.Header{"X-A": {"1", "2"}, "Accept-Encoding": {"br"}, "User-Agent": {"test"}, "Cookie": {"a=b"}, "Authorization": {"x"}}
					a, b := ask(ours, method, path, payload, chunked, h), ask(theirs, method, path, payload, chunked, h)
					for i := 0; i < 3 && strings.HasPrefix(b, "broken off"); i++ {
						// http.Transport at times closes a connection of which
						// the response is still being read ("use of closed
						// network connection"). That is theirs, and once is
						// not allowed to us.
						b = ask(theirs, method, path, payload, chunked, h)
					}
					if a != b {
						t.Errorf("%s %s, %d bytes, chunked %v:\nours   %.600q\ntheirs %.600q", method, path, len(payload), chunked, a, b)
					}
				}
			}
		}
	}
}

// cannedConn is a connection whose other end has said all it will.
type cannedConn struct {
	net.Conn
	r *bytes.Reader
	w bytes.Buffer
}

func (c *cannedConn) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c *cannedConn) Write(p []byte) (int, error)      { return c.w.Write(p) }
func (c *cannedConn) Close() error                     { return nil }
func (c *cannedConn) SetDeadline(time.Time) error      { return nil }
func (c *cannedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *cannedConn) SetWriteDeadline(time.Time) error { return nil }

// seeds are the raw responses of the tests, and of testdata.
func seeds(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:2 \r\n\r\nhello",
		"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n00A\r\n, world...\r\n0\r\nX-T: 1\r\n\r\nrest",
		"HTTP/1.0 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\nConnection: X-A, close\r\nX-A: 1\r\n\r\nhello",
		"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	files, _ := filepath.Glob("testdata/responses/*")
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b, false)
		}
	}
}

// FuzzResponse: if we relay a response, http.ReadResponse reads it too, and
// the same: one parser's response is not two responses, or another, for the
// next.
func FuzzResponse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		c := &cannedConn{r: bytes.NewReader(raw)}
		u, err := New(Options{Target: "http://a", Dial: func(ctx context.Context) (net.Conn, error) { return c, nil }})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		aborted := false
		func() {
			defer func() {
				if v := recover(); v != nil {
					if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
						panic(v)
					}
					aborted = true
				}
			}()
			u.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		}()
		if aborted || w.Header().Get("Content-Type") == "application/problem+json" && w.Code == 502 {
			if len(u.idle) != 0 {
				t.Error("the connection of a broken response was kept")
			}
			return
		}
		br := bufio.NewReader(bytes.NewReader(raw))
		var res *http.Response
		for {
			if res, err = http.ReadResponse(br, &http.Request{Method: method}); err != nil {
				t.Fatalf("relayed %d, but http.ReadResponse says %v", w.Code, err)
			}
			if res.StatusCode >= 200 {
				break
			}
		}
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatalf("relayed %d, but reading the body says %v", w.Code, err)
		}
		if res.StatusCode != w.Code || !bytes.Equal(b, w.Body.Bytes()) {
			t.Errorf("relayed %d %q, http.ReadResponse reads %d %q", w.Code, w.Body, res.StatusCode, b)
		}
		// What is relayed of the header is what was in it.
		for k, v := range w.Result().Header {
			if k == "Content-Length" || k == "Date" || len(v) == 0 {
				continue
			}
			if strings.HasPrefix(k, http.TrailerPrefix) || res.Trailer[k] != nil || k == "Trailer" {
				continue
			}
			if !slices.Equal(v, res.Header[k]) {
				t.Errorf("%s: relayed %q, http.ReadResponse reads %q", k, v, res.Header[k])
			}
		}
		if len(u.idle) == 1 && (c.r.Len() > 0 || br.Buffered() > 0) {
			t.Errorf("the connection was kept with %d bytes left", c.r.Len()+br.Buffered())
		}
	})
}

// FuzzRequest: what we write, http.ReadRequest reads as the one request that
// was meant, and nothing is left over.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/a/b", "x=1", "api.example.com", "X-A", "1", []byte(""), false)
	f.Add("POST", "/", "", "[::1]:80", "Transfer-Encoding", "chunked", []byte("hello"), false)
	f.Add("POST", "/", "", "a", "Content-Length", "3", []byte("hello"), true)
	f.Add("PUT", "/a b\r\nX: y", "a b", "a\r\nb", "A\r\nB", "c\r\nd: e", []byte("hello"), true)
	f.Add("GET", "*", "?", "a", "Cookie", "x", []byte{}, false)
	f.Fuzz(func(t *testing.T, method, path, query, host, name, value string, payload []byte, chunked bool) {
		ours, theirs := net.Pipe()
		type seen struct {
			req  *http.Request
			body []byte
			err  error
			rest []byte
		}
		upstream := make(chan seen, 1)
		go func() {
			var s seen
			br := bufio.NewReader(theirs)
			if s.req, s.err = http.ReadRequest(br); s.err == nil {
				s.body, s.err = io.ReadAll(s.req.Body)
			}
			go func() { _, _ = io.WriteString(theirs, "HTTP/1.1 204 No Content\r\n\r\n") }()
			s.rest, _ = io.ReadAll(br)
			upstream <- s
		}()
		u, err := New(Options{Target: "http://a", ResponseHeaderTimeout: 2 * time.Second, Dial: func(context.Context) (net.Conn, error) { return ours, nil }})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.Host = method, host
		r.URL = &url.URL{Path: path, RawQuery: query}
		r.Header = http.Header{name: {value}}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(payload)), int64(len(payload))
		if chunked {
			r.ContentLength = -1
		}
		w := httptest.NewRecorder()
		u.ServeHTTP(w, r)
		u.Close()
		ours.Close()
		got := <-upstream
		if w.Code != http.StatusNoContent {
			if !errors.Is(got.err, io.EOF) {
				t.Errorf("refused with %d, but the upstream got %v, %v", w.Code, got.req, got.err)
			}
			return
		}
		if got.err != nil || len(got.rest) != 0 {
			t.Fatalf("http.ReadRequest: %v; %q is left", got.err, got.rest)
		}
		if !bytes.Equal(got.body, payload) {
			t.Errorf("body %q; want %q", got.body, payload)
		}
		req := got.req
		if req.Method != method || req.URL.RawQuery != query || path != "" && req.URL.Path != path {
			t.Errorf("%s %s?%s was read as %s %s?%s", method, path, query, req.Method, req.URL.Path, req.URL.RawQuery)
		}
		if host != "" && req.Host != host {
			t.Errorf("host %q was read as %q", host, req.Host)
		}
		for k, v := range req.Header {
			if k == "Content-Length" {
				continue
			}
			if !strings.EqualFold(k, name) || len(v) != 1 || v[0] != strings.Trim(value, " \t") {
				t.Errorf("header %q: %q was not sent, %q: %q was", k, v, name, value)
			}
		}
	})
}
