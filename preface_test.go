package pavise

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHeadersOnTheConnection asks a real server in each way in which a
// response can come about. Every response has every field once, whether it
// went through net/http's header map or not.
func TestHeadersOnTheConnection(t *testing.T) {
	g, err := NewWith(Policy{}, Options{ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/status/{status}", func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscan(r.PathValue("status"), &status)
		w.Header()["x-frame-options"] = []string{"ALLOWALL"}
		w.Header().Set("X-Content-Type-Options", "sniff")
		w.WriteHeader(status)
	})
	mux.HandleFunc("/api/silent", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/api/write", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "body") })
	mux.HandleFunc("/api/flush", func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "body")
	})
	mux.HandleFunc("/api/large", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 9000)) // more than net/http's buffer holds
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(make([]byte, 100<<10))
	})
	mux.HandleFunc("/api/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, "body")
	})
	mux.HandleFunc("/api/panic", func(http.ResponseWriter, *http.Request) { panic("no") })
	mux.HandleFunc("/api/read", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_, _ = io.Copy(w, r.Body)
	})
	type request struct {
		text   string
		method string
		status int
	}
	get := func(path string, status int) request {
		return request{"GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET", status}
	}
	requests := []request{
		get("/api/status/200", 200), get("/api/status/204", 204), get("/api/status/304", 304), get("/api/status/500", 500),
		get("/api/silent", 200), get("/api/write", 200), get("/api/flush", 200), get("/api/large", 200), get("/api/hints", 200),
		get("/api/panic", 500), get("/docs", 404), get("/nowhere", 404),
		{"HEAD /api/status/200 HTTP/1.1\r\nHost: localhost\r\n\r\n", "HEAD", 200},
		{"POST /api/read HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", "POST", 200},
		{"GET /api/write HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", "GET", 200},
		get("/api/status/200", 200),
		{"GET /api/write HTTP/1.1\r\nHost: elsewhere\r\n\r\n", "GET", 403},
		{"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET", 400}, // ends the connection
	}
	once := []string{
		"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Content-Security-Policy", "Permissions-Policy",
		"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Cross-Origin-Embedder-Policy", "Cache-Control", "Date",
	}
	middlewares := map[string]func(http.Handler) http.Handler{
		"bare":    func(h http.Handler) http.Handler { return h },
		"timeout": func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "") }, // holds responses back
	}
	for name, outer := range middlewares {
		for _, pipelined := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s pipelined=%v", name, pipelined), func(t *testing.T) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				srv := g.Server(mux)
				srv.Handler = outer(srv.Handler)
				go func() { _ = srv.Serve(g.Listener(l)) }()
				defer srv.Close()
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				if pipelined {
					go func() {
						for _, r := range requests {
							_, _ = io.WriteString(c, r.text)
						}
					}()
				}
				br := bufio.NewReader(c)
				for _, r := range requests {
					if !pipelined {
						_, _ = io.WriteString(c, r.text)
					}
					line, _, _ := strings.Cut(r.text, "\r\n")
					for { // informational ones come before
						res, err := http.ReadResponse(br, &http.Request{Method: r.method})
						if err != nil {
							t.Fatalf("%s: %v", line, err)
						}
						if res.StatusCode < 200 {
							continue
						}
						body, err := io.ReadAll(res.Body)
						if err != nil || res.StatusCode != r.status {
							t.Errorf("%s: status %d, %.80q, %v", line, res.StatusCode, body, err)
						}
						for _, field := range once {
							if field == "Cache-Control" && !strings.Contains(line, " /api/") {
								continue
							}
							if v := res.Header[field]; len(v) != 1 {
								t.Errorf("%s: %s is there %d times: %q", line, field, len(v), v)
							}
						}
						if v := res.Header["X-Frame-Options"]; !slices.Equal(v, []string{"DENY"}) {
							t.Errorf("%s: X-Frame-Options %q", line, v)
						}
						break
					}
				}
			})
		}
	}
}
