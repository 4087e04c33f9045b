package upstream

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"testing"
	"time"
)

const smallJSON = `{"id":1,"name":"a small answer","tags":["a","b","c"]}`

// canned answers each request with the same bytes, as cheaply as can be.
func canned(tb testing.TB, raw string) string {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				n := 0
				for {
					m, err := c.Read(buf[n:])
					if err != nil {
						return
					}
					n += m
					if bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
						n = 0
						if _, err := io.WriteString(c, raw); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String()
}

// rawJSON is what uvicorn sends, lower-case names and all.
var rawJSON = "HTTP/1.1 200 OK\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\nserver: uvicorn\r\ncontent-length: " +
	strconv.Itoa(len(smallJSON)) + "\r\ncontent-type: application/json\r\n\r\n" + smallJSON

// sink is a response writer that costs nothing.
type sink struct {
	h http.Header
	n int
}

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }
func (s *sink) FlushError() error           { return nil }

func benignRequest() *http.Request {
	r := httptest.NewRequest("GET", "/api/items/1?q=a", nil)
	r.Header = http.Header{
		"User-Agent": {"curl/8"}, "Accept": {"*/*"}, "Authorization": {"Bearer abc"}, "Accept-Encoding": {"gzip"}, "Cookie": {"a=b"},
	}
	r.RemoteAddr = "192.0.2.1:1"
	return r
}

func forwarded(out http.Header, _ *http.Request) { out["X-Forwarded-Proto"] = https }

var https = []string{"https"}

func TestAllocations(t *testing.T) {
	u := newUpstream(t, Options{Target: canned(t, rawJSON), Rewrite: forwarded, IdleTimeout: time.Minute})
	r := benignRequest()
	w := &sink{h: http.Header{}}
	// The test's own: none. The head's text and the values' array are two.
	got := testing.AllocsPerRun(500, func() {
		clear(w.h)
		u.ServeHTTP(w, r)
	})
	if w.n == 0 {
		t.Fatal("nothing was relayed")
	}
	t.Logf("%.1f allocations a request", got)
	if got > 4 && !raceEnabled {
		t.Errorf("%.1f allocations a request", got)
	}
}

func BenchmarkHandler(b *testing.B) {
	target := canned(b, rawJSON)
	run := func(b *testing.B, h http.Handler) {
		b.ReportAllocs()
		r := benignRequest()
		w := &sink{h: http.Header{}}
		for b.Loop() {
			clear(w.h)
			h.ServeHTTP(w, r)
		}
	}
	b.Run("upstream", func(b *testing.B) {
		run(b, newUpstream(b, Options{Target: target, Rewrite: forwarded, IdleTimeout: time.Minute}))
	})
	b.Run("ReverseProxy", func(b *testing.B) { run(b, reverseProxy(target)) })
}

func reverseProxy(target string) http.Handler {
	t, _ := url.Parse(target)
	return &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(t); p.Out.Host = p.In.Host },
		Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true},
	}
}

// BenchmarkServer is the whole way through net/http's server, with eight
// clients that keep their connections.
func BenchmarkServer(b *testing.B) {
	target := canned(b, rawJSON)
	run := func(b *testing.B, h http.Handler) {
		srv := front(b, h)
		b.ReportAllocs()
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			c, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			req := []byte("GET /api/items/1?q=a HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8\r\nAccept: */*\r\nAuthorization: Bearer abc\r\n\r\n")
			buf := make([]byte, 4096)
			for pb.Next() {
				if _, err := c.Write(req); err != nil {
					b.Error(err)
					return
				}
				for n := 0; !bytes.HasSuffix(buf[:n], []byte(smallJSON)); {
					m, err := c.Read(buf[n:])
					if err != nil {
						b.Error(err)
						return
					}
					n += m
				}
			}
		})
	}
	b.Run("upstream", func(b *testing.B) {
		run(b, newUpstream(b, Options{Target: target, Rewrite: forwarded, IdleTimeout: time.Minute}))
	})
	b.Run("ReverseProxy", func(b *testing.B) { run(b, reverseProxy(target)) })
	b.Run("none", func(b *testing.B) {
		run(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, smallJSON)
		}))
	})
}
