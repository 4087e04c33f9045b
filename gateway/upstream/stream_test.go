package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// within fails the test if f takes long.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		buf := make([]byte, 1<<20)
		t.Fatalf("%s did not end\n%s", what, buf[:runtime.Stack(buf, true)])
	}
}

func TestBodies(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("the upstream could not read the body: %v", err)
		}
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		_, _ = w.Write(b)
	}))
	defer srv.Close()
	for _, h2 := range []bool{false, true} {
		u := newUpstream(t, Options{Target: srv.URL, IdleTimeout: time.Minute})
		f := httptest.NewUnstartedServer(u)
		f.EnableHTTP2 = h2
		f.StartTLS()
		defer f.Close()
		for _, n := range []int{0, 1, 100, smallBody, smallBody + 1, 100_000, 3_000_000} {
			for _, known := range []bool{true, false} {
				data := make([]byte, n)
				_, _ = rand.Read(data)
				var rd io.Reader = bytes.NewReader(data)
				if !known {
					rd = io.NopCloser(rd)
				}
				res, err := f.Client().Post(f.URL, "application/octet-stream", rd)
				if err != nil {
					t.Fatal(err)
				}
				if got := body(t, res); got != string(data) {
					t.Errorf("h2 %v, %d bytes, known %v: got %d bytes, status %d", h2, n, known, len(got), res.StatusCode)
				}
				if l := res.Header.Get("X-Length"); known && l != fmt.Sprint(n) {
					t.Errorf("%d bytes: Content-Length %s", n, l)
				}
				if res.Close {
					t.Errorf("h2 %v, %d bytes, known %v: the client's connection was closed", h2, n, known)
				}
			}
		}
		u.mu.Lock()
		if len(u.idle) != 1 {
			t.Errorf("%d idle connections: they were not used again", len(u.idle))
		}
		u.mu.Unlock()
	}
}

// TestBidirectional: what the client sends arrives, and is answered, before
// the client has sent all.
func TestBidirectional(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		_ = rc.Flush()
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			_, _ = w.Write(bytes.ToUpper(buf[:n]))
			_ = rc.Flush()
			if err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	u := newUpstream(t, Options{Target: srv.URL})
	f := front(t, u)
	pr, pw := io.Pipe()
	req, _ := http.NewRequest("POST", f.URL, pr)
	within(t, "the exchange", func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		buf := make([]byte, 100)
		for i := range 5 {
			msg := fmt.Sprintf("message %d", i)
			_, _ = io.WriteString(pw, msg)
			n, err := io.ReadFull(res.Body, buf[:len(msg)])
			if err != nil || string(buf[:n]) != strings.ToUpper(msg) {
				t.Errorf("got %q, %v", buf[:n], err)
			}
		}
		pw.Close()
		if rest, err := io.ReadAll(res.Body); err != nil || len(rest) != 0 {
			t.Errorf("rest %q, %v", rest, err)
		}
	})
}

// TestEarlyAnswer: an upstream that refuses a body without reading it is
// heard, and the rest of the body is never taken for a request.
func TestEarlyAnswer(t *testing.T) {
	s := scripted(t, func(c net.Conn, r *bufio.Reader) {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
		}
		_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
		time.Sleep(50 * time.Millisecond)
	})
	u := newUpstream(t, Options{Target: s.url()})
	var requests atomic.Int32
	f := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		u.ServeHTTP(w, r)
	}))
	for _, chunked := range []bool{false, true} {
		within(t, "the exchange", func() {
			requests.Store(0)
			c, err := net.Dial("tcp", f.Listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			smuggled := "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
			if chunked {
				fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
			} else {
				fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhello")
			}
			br := bufio.NewReader(c)
			res, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Error(err)
				return
			}
			b, _ := io.ReadAll(res.Body)
			if res.StatusCode != 413 || string(b) != "large" || !res.Close {
				t.Errorf("got %d %q, close %v", res.StatusCode, b, res.Close)
			}
			for range 20 {
				_, _ = io.WriteString(c, smuggled)
				time.Sleep(time.Millisecond)
			}
			rest, _ := io.ReadAll(br)
			if len(rest) != 0 || requests.Load() != 1 {
				t.Errorf("chunked %v: %d requests, %q", chunked, requests.Load(), rest)
			}
		})
	}
	if len(u.idle) != 0 {
		t.Error("the connection was kept")
	}
}

// failing is a body that fails after n bytes.
type failing struct {
	n   int
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.n == 0 {
		return 0, f.err
	}
	n := min(f.n, len(p))
	f.n -= n
	for i := range n {
		p[i] = 'x'
	}
	return n, nil
}

func (f *failing) Close() error { return nil }

// TestFailingBody: the upstream never sees a request that looks whole, and
// the refusal is the answer.
func TestFailingBody(t *testing.T) {
	type seen struct {
		n   int64
		err error
	}
	got := make(chan seen, 10)
	s := scripted(t, func(c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, req.Body)
		got <- seen{n, err}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	u := newUpstream(t, Options{Target: s.url()})
	refusal := &guard.Refusal{Rule: "jsonbody/duplicate-key", Status: 422, Code: "DUPLICATE_KEY"}
	for _, tc := range []struct {
		name   string
		length int64
		body   failing
		status int
		dials  bool
	}{
		{"small, refused", 100, failing{50, refusal}, 422, false},
		{"small, refused at the end", 100, failing{100, refusal}, 422, false},
		{"small, short", 100, failing{50, io.EOF}, 400, false},
		{"small, long", 100, failing{101, io.EOF}, 400, false},
		{"small, too large", 100, failing{50, &http.MaxBytesError{Limit: 5}}, 413, false},
		{"large, refused", 100_000, failing{50_000, fmt.Errorf("read: %w", refusal)}, 422, true},
		{"large, refused at the end", 100_000, failing{100_000, refusal}, 422, true},
		{"large, short", 100_000, failing{50_000, io.EOF}, 400, true},
		{"large, long", 100_000, failing{100_001, io.EOF}, 400, true},
		{"chunked, refused", -1, failing{100_000, refusal}, 422, true},
		{"chunked, refused at once", -1, failing{0, refusal}, 422, true},
		{"chunked, broken", -1, failing{100_000, io.ErrUnexpectedEOF}, 400, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", nil)
			b := tc.body
			r.Body, r.ContentLength = &b, tc.length
			w := httptest.NewRecorder()
			within(t, "the exchange", func() { u.ServeHTTP(w, r) })
			if w.Code != tc.status {
				t.Errorf("status %d, want %d: %s", w.Code, tc.status, w.Body)
			}
			if tc.dials {
				if s := <-got; s.err == nil {
					t.Errorf("the upstream saw a whole body of %d bytes", s.n)
				}
			}
		})
	}
	if len(got) != 0 {
		t.Error("the upstream saw a request whose small body was refused")
	}
	if len(u.idle) != 0 {
		t.Error("a connection was kept")
	}
}

// TestPanickingBody: a guard's panic while the body is sent must not end the process.
func TestPanickingBody(t *testing.T) {
	s := answers(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	u := newUpstream(t, Options{Target: s.url()})
	r := httptest.NewRequest("POST", "/", nil)
	r.Body, r.ContentLength = io.NopCloser(panicking{}), -1
	w := httptest.NewRecorder()
	u.ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("status %d", w.Code)
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("a guard's mistake") }

// TestEventStream: each event arrives when it is sent, and so does the head.
func TestEventStream(t *testing.T) {
	next := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		w.Header().Set("Content-Type", "text/event-stream")
		_ = rc.Flush()
		for i := range 3 {
			<-next
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = rc.Flush()
		}
	}))
	defer srv.Close()
	f := front(t, newUpstream(t, Options{Target: srv.URL}))
	within(t, "the stream", func() {
		res, err := http.Get(f.URL)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		br := bufio.NewReader(res.Body)
		for i := range 3 {
			next <- struct{}{}
			l, err := br.ReadString('\n')
			_, _ = br.ReadString('\n')
			if err != nil || l != fmt.Sprintf("data: %d\n", i) {
				t.Errorf("got %q, %v", l, err)
			}
			if i == 1 {
				time.Sleep(2 * firstWait) // the stream outlives the first wait
			}
		}
	})
}

func TestBodyIdleTimeout(t *testing.T) {
	s := scripted(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		_, _ = io.Copy(io.Discard, r)
	})
	f := front(t, newUpstream(t, Options{Target: s.url(), BodyIdleTimeout: 50 * time.Millisecond}))
	within(t, "the response", func() {
		res, err := http.Get(f.URL)
		if err == nil {
			_, err = io.ReadAll(res.Body)
			res.Body.Close()
		}
		if err == nil {
			t.Error("the client took it for whole")
		}
	})
}

// TestClientGone: an upstream's work for a client that left is ended, and
// nothing is left behind.
func TestClientGone(t *testing.T) {
	s := scripted(t, func(c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		switch req.URL.Path {
		case "/body":
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\nhello")
		case "/stream":
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		}
		_, _ = io.Copy(io.Discard, r) // until the gateway closes; this goroutine is counted too
	})
	u := newUpstream(t, Options{Target: s.url()})
	f := front(t, u)
	before := runtime.NumGoroutine()
	for i := range 100 {
		c, err := net.Dial("tcp", f.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		path := []string{"/head", "/body", "/stream", "/upload", "/long-upload"}[i%5]
		switch path {
		case "/upload":
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", path)
		case "/long-upload":
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello", path)
		default:
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
		}
		time.Sleep(time.Duration(i%4) * 5 * time.Millisecond)
		c.Close()
	}
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		runtime.Gosched()
		if u.Pending() == 0 && runtime.NumGoroutine() <= before+2 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if u.Pending() != 0 || len(u.idle) != 0 {
		t.Errorf("%d pending, %d idle", u.Pending(), len(u.idle))
	}
	if now := runtime.NumGoroutine(); now > before+2 {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines, %d before\n%s", now, before, buf[:runtime.Stack(buf, true)])
	}
}

// TestDeadlineInContext: a limit on the request's time is not the client's leaving.
func TestDeadlineInContext(t *testing.T) {
	s := scripted(t, func(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
	u := newUpstream(t, Options{Target: s.url()})
	ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
	defer cancel()
	w := httptest.NewRecorder()
	within(t, "the exchange", func() { u.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx)) })
	if w.Code != 504 {
		t.Errorf("status %d", w.Code)
	}
	cause := &guard.Refusal{Rule: "limits/time", Status: 503, Code: "SLOW"}
	cctx, ccancel := context.WithCancelCause(context.Background())
	time.AfterFunc(150*time.Millisecond, func() { ccancel(cause) })
	w = httptest.NewRecorder()
	within(t, "the exchange", func() { u.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(cctx)) })
	if w.Code != 503 {
		t.Errorf("status %d", w.Code)
	}
}

// upgraded is an upstream that upgrades and then echoes.
func upgraded(t *testing.T, head string) *script {
	return scripted(t, func(c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil || req.Header.Get("Upgrade") == "" {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain")
			return
		}
		_, _ = io.WriteString(c, head)
		_, _ = io.Copy(c, r)
		_, _ = io.WriteString(c, " bye")
	})
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\nServer: evil\r\nStrict-Transport-Security: max-age=0\r\n\r\n"

func upgrade(t *testing.T, f *httptest.Server, extra string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"+extra)
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	if err != nil {
		t.Fatal(err)
	}
	return c, br, res
}

func TestUpgrade(t *testing.T) {
	s := upgraded(t, switching+"hello ")
	u := newUpstream(t, Options{Target: s.url(), Response: func(h http.Header, r *http.Request, status int) {
		h.Del("Server")
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}})
	f := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Outer", "1")
		u.ServeHTTP(w, r)
	}))
	c, br, res := upgrade(t, f, "early ")
	if res.StatusCode != 101 {
		t.Fatalf("status %d", res.StatusCode)
	}
	for name, want := range map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Sec-Websocket-Accept": "x", "Server": "", "Strict-Transport-Security": "max-age=63072000", "X-Outer": "1"} {
		if v := res.Header.Get(name); v != want || len(res.Header.Values(name)) > 1 {
			t.Errorf("%s: %q", name, res.Header.Values(name))
		}
	}
	if u.Pending() != 1 {
		t.Errorf("%d pending", u.Pending())
	}
	_, _ = io.WriteString(c, "late")
	_ = c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(br); err != nil || string(got) != "hello early late bye" {
		t.Errorf("got %q, %v", got, err)
	}
	for range 100 {
		if u.Pending() == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if u.Pending() != 0 || len(u.tunnels) != 0 || len(u.idle) != 0 {
		t.Errorf("%d pending, %d tunnels, %d idle", u.Pending(), len(u.tunnels), len(u.idle))
	}
}

func TestUpgradeEnds(t *testing.T) {
	s := upgraded(t, switching)
	u := newUpstream(t, Options{Target: s.url(), TunnelIdleTimeout: 500 * time.Millisecond})
	f := front(t, u)
	t.Run("idle", func(t *testing.T) {
		c, br, _ := upgrade(t, f, "")
		start := time.Now()
		buf := make([]byte, 1)
		for range 7 { // traffic keeps it open
			time.Sleep(100 * time.Millisecond)
			_, _ = io.WriteString(c, "x")
			if _, err := br.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
		_, err := br.Read(buf)
		if d := time.Since(start); errors.Is(err, context.DeadlineExceeded) || d < 1000*time.Millisecond || d > 4*time.Second {
			t.Errorf("ended after %v: %v", d, err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		_, br, _ := upgrade(t, f, "")
		for range 100 {
			u.mu.Lock()
			n := len(u.tunnels)
			u.mu.Unlock()
			if n == 1 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		u.CloseTunnels()
		within(t, "reading", func() { _, _ = io.ReadAll(br) })
	})
}

// TestNoTunnel: only a 101 to the protocol that was asked for is one.
func TestNoTunnel(t *testing.T) {
	for name, tc := range map[string]struct {
		head   string
		status int
	}{
		"refused":          {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403},
		"other protocol":   {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 502},
		"two protocols":    {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n\r\n", 502},
		"not listed":       {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 502},
		"no protocol":      {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n", 502},
		"with a body":      {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello", 502},
		"chunked":          {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n", 502},
		"200 that tunnels": {"HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok", 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := upgraded(t, tc.head)
			u := newUpstream(t, Options{Target: s.url()})
			var requests atomic.Int32
			f := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				u.ServeHTTP(w, r)
			}))
			c, br, res := upgrade(t, f, "")
			if res.StatusCode != tc.status || res.Header.Get("Upgrade") != "" {
				t.Errorf("status %d, Upgrade %q", res.StatusCode, res.Header.Get("Upgrade"))
			}
			_, _ = io.Copy(io.Discard, res.Body)
			// What follows is the next request, judged as such.
			_, _ = io.WriteString(c, "POST /admin HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
			if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 200 || requests.Load() != 2 {
				t.Errorf("second: %v, %v, %d requests", res, err, requests.Load())
			}
			if len(u.idle) != 0 && tc.status == 502 {
				t.Error("the connection was kept")
			}
		})
	}
	t.Run("not allowed", func(t *testing.T) {
		s := upgraded(t, switching)
		f := front(t, newUpstream(t, Options{Target: s.url(), Upgrades: []string{}}))
		if _, _, res := upgrade(t, f, ""); res.StatusCode != 200 {
			t.Errorf("status %d", res.StatusCode)
		}
	})
}

func TestUpgradeTLS(t *testing.T) {
	s := upgraded(t, switching)
	f := httptest.NewTLSServer(newUpstream(t, Options{Target: s.url()}))
	defer f.Close()
	c, err := tls.Dial("tcp", f.Listener.Addr().String(), f.Client().Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello")
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	if err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	_ = c.CloseWrite()
	if got, err := io.ReadAll(br); err != nil || string(got) != "hello bye" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestEarlyAnswerHTTP2: the same over HTTP/2, where only the stream ends.
func TestEarlyAnswerHTTP2(t *testing.T) {
	s := scripted(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := r.ReadString('\n'); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
		time.Sleep(50 * time.Millisecond)
	})
	u := newUpstream(t, Options{Target: s.url()})
	f := httptest.NewUnstartedServer(u)
	f.EnableHTTP2 = true
	f.StartTLS()
	defer f.Close()
	for range 3 {
		pr, pw := io.Pipe()
		go func() { _, _ = pw.Write(make([]byte, 100_000)) }()
		within(t, "the exchange", func() {
			res, err := f.Client().Post(f.URL, "text/plain", pr)
			if err != nil {
				t.Error(err)
				return
			}
			b, err := io.ReadAll(res.Body)
			res.Body.Close()
			if res.ProtoMajor != 2 || res.StatusCode != 413 || string(b) != "large" || err != nil {
				t.Errorf("got %s %d %q, %v", res.Proto, res.StatusCode, b, err)
			}
		})
		pw.Close()
	}
	for range 200 {
		if u.Pending() == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d pending", u.Pending())
}
