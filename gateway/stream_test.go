package gateway

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/guard/limits"
)

// TestEvents: each event is there before the next one is sent.
func TestEvents(t *testing.T) {
	// One channel a client: the handler of one that has left may still wait.
	channels := map[string]chan string{"http": make(chan string), "https": make(chan string)}
	p := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		next := channels[r.URL.Query().Get("client")]
		for {
			select {
			case text := <-next:
				_, _ = fmt.Fprintf(w, "data: %s\n\n", text)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}))
	p.Limits.Total, p.Limits.Write = 300*time.Millisecond, 300*time.Millisecond // do not hold for events
	files, roots := pair(t, t.TempDir(), "a")
	plain, _ := start(t, p, nil)
	p.Gateway.TLS = &files
	secure, _ := start(t, p, nil)
	for name, c := range map[string]*http.Client{"http": client(t, plain, nil), "https": client(t, secure, &tls.Config{RootCAs: roots})} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, name+"://a/events?client="+name, nil)
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		requireAllHeaders(t, res, name == "https")
		br := bufio.NewReader(res.Body)
		for i := range 5 {
			channels[name] <- fmt.Sprint(i)
			line, err := br.ReadString('\n')
			if err != nil || line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("%s: event %d is %q, %v", name, i, line, err)
			}
			_, _ = br.ReadString('\n')
			if i == 2 {
				time.Sleep(400 * time.Millisecond) // longer than a request may take
			}
		}
		_ = res.Body.Close()
	}
}

// TestLargeBodies go through in both directions without being held.
func TestLargeBodies(t *testing.T) {
	const size = 80 << 20
	var got atomic.Int64
	p := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n, _ := io.Copy(io.Discard, r.Body)
			got.Store(n)
			return
		}
		block := make([]byte, 64<<10)
		for range size / len(block) {
			_, _ = w.Write(block)
		}
	}))
	p.Limits.Body = limits.Bytes(100 << 20)
	p.ContentType.Types = []string{"application/octet-stream"}
	addr, _ := start(t, p, nil)
	c := client(t, addr, nil)

	heap := watchHeap()
	res, err := c.Get("http://a/download")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Errorf("downloaded %d bytes, %v", n, err)
	}
	_ = res.Body.Close()
	for _, length := range []int64{size, -1} {
		req, _ := http.NewRequest(http.MethodPost, "http://a/upload", io.LimitReader(zeros{}, size))
		req.ContentLength = length
		req.Header.Set("Content-Type", "application/octet-stream")
		if res, body := do(t, c, req); res.StatusCode != 200 || got.Load() != size {
			t.Errorf("uploaded %d bytes: %d %s", got.Load(), res.StatusCode, body)
		}
	}
	if grown := heap.grown(); grown > 24 {
		t.Errorf("the heap grew by %d MiB", grown)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestTrailers(t *testing.T) {
	p := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Sent"))
	}))
	files, roots := pair(t, t.TempDir(), "a")
	plain, _ := start(t, p, nil)
	p.Gateway.TLS = &files
	secure, _ := start(t, p, nil)
	for name, c := range map[string]*http.Client{"http": client(t, plain, nil), "https": client(t, secure, &tls.Config{RootCAs: roots})} {
		req, _ := http.NewRequest(http.MethodPost, name+"://a/", io.MultiReader(strings.NewReader(`{"a":1}`)))
		req.Header.Set("Content-Type", "application/json")
		req.Trailer = http.Header{"X-Sent": {"sum"}}
		res, body := do(t, c, req)
		if res.StatusCode != 200 || body != `{"a":1}` || res.Trailer.Get("X-Sum") != "sum" {
			t.Errorf("%s: %d %q, trailers %v", name, res.StatusCode, body, res.Trailer)
		}
	}
}

func TestContinue(t *testing.T) {
	up := newRecordingUpstream(t)
	p := vectorPolicy(up.url)
	p.Limits.Body = limits.Bytes(100)
	addr, _ := start(t, p, nil)
	c := dial(t, addr)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n")
	if res := c.head("POST"); res.StatusCode != 100 {
		t.Fatalf("before the body there comes %d", res.StatusCode)
	}
	c.send(`{"a":1}`)
	if res, _ := c.answer("POST"); res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
	if got := up.take(); len(got) != 1 || got[0].Body != `{"a":1}` {
		t.Errorf("the upstream saw %v", got)
	}
	for fields, want := range map[string]int{
		"Content-Type: application/json\r\nContent-Length: 1000\r\n":                          413,
		"Content-Type: text/plain\r\nContent-Length: 7\r\n":                                   415,
		"Origin: https://evil.com\r\nContent-Type: application/json\r\nContent-Length: 7\r\n": 403,
	} {
		c := dial(t, addr)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + fields + "\r\n")
		res := c.head("POST") // the final one at once
		if res.StatusCode != want {
			t.Errorf("%q is answered %d at first", fields, res.StatusCode)
		}
		requireHeaders(t, res)
	}
}

// TestKeepAlive: one connection carries many requests, HEAD among them, and
// those behind it share the upstream's. Only a HEAD takes one of its own: what
// it announces the upstream could also send.
func TestKeepAlive(t *testing.T) {
	peers := make(chan string, 100)
	p := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			peers <- r.RemoteAddr
		}
		_, _ = io.WriteString(w, "hello")
	}))
	addr, _ := start(t, p, nil)
	c := dial(t, addr)
	for i := range 20 {
		method := []string{"GET", "HEAD"}[i/10]
		c.send(method + " / HTTP/1.1\r\nHost: a\r\n\r\n")
		res, body := c.answer(method)
		if res.StatusCode != 200 || res.Close || res.ContentLength != 5 || method == "GET" != (body == "hello") {
			t.Fatalf("%s: %d %q %v", method, res.StatusCode, body, res.Header)
		}
	}
	close(peers)
	seen := map[string]bool{}
	for p := range peers {
		seen[p] = true
	}
	if len(seen) != 1 {
		t.Errorf("10 requests took %d connections to the upstream", len(seen))
	}
}
