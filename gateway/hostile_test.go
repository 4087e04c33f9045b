package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHostileUpstream: an app that was taken over, or is only wrong, can
// neither take our headers away nor cost us more than one request.
func TestHostileUpstream(t *testing.T) {
	ok := func(fields string) string { return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 2\r\n\r\nok" }
	for _, tt := range []struct {
		name, answer string
		want         []int // 0: the connection may end without an answer's end
		body         string
		check        func(t *testing.T, res *http.Response)
	}{
		{"Connection names our headers", ok("Connection: Strict-Transport-Security, Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, Referrer-Policy\r\n"), status(200), "ok", nil},
		{"two policies", ok("Content-Security-Policy: default-src *\r\nContent-Security-Policy: script-src 'unsafe-inline'\r\ncontent-security-policy: x\r\n"), status(200), "ok", nil},
		{"X-Frame-Options: ALLOWALL", ok("X-Frame-Options: ALLOWALL\r\nx-frame-options: ALLOW-FROM evil\r\n"), status(200), "ok", nil},
		{"Server and X-Powered-By", ok("Server: nginx/1.0\r\nX-Powered-By: PHP/4\r\nX-AspNet-Version: 1\r\n"), status(200), "ok", func(t *testing.T, res *http.Response) {
			if v := res.Header.Get("X-AspNet-Version"); v != "" {
				t.Errorf("X-AspNet-Version is %q", v)
			}
		}},
		{"cookies without flags", ok("Set-Cookie: a=1\r\nSet-Cookie: b=2; Secure; SameSite=Lax; HttpOnly\r\n"), status(200), "ok", func(t *testing.T, res *http.Response) {
			v := res.Header.Values("Set-Cookie")
			if len(v) != 2 || v[0] != "a=1; Secure; HttpOnly; SameSite=Strict" || v[1] != "b=2; Secure; SameSite=Lax; HttpOnly" {
				t.Errorf("the cookies are %q", v)
			}
			if v := res.Header.Values("Cache-Control"); len(v) != 1 || !strings.Contains(v[0], "no-store") {
				t.Errorf("Cache-Control is %q where a cookie is set", v)
			}
		}},
		{"a bare LF in Location", "HTTP/1.1 302 Found\r\nLocation: /x\nSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n", status(502), "", nil},
		{"a bare CR in Location", "HTTP/1.1 302 Found\r\nLocation: /x\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n", status(502), "", nil},
		{"CRLF in Location", "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n<script>", status(302, 502), "?", nil},
		{"a NUL in a value", ok("X: a\x00b\r\n"), status(502), "", nil},
		{"a folded value", ok("X: a\r\n b\r\n"), status(502), "", nil},
		{"a space before the colon", ok("X : a\r\n"), status(502), "", nil},
		{"a flood of 100", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100_000) + ok(""), status(200, 502), "?", nil},
		{"a flood of 103", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nServer: x\r\nX-Frame-Options: ALLOWALL\r\n\r\n", 100_000) + ok(""), status(200, 502), "?", nil},
		{"one 103", "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nServer: x\r\nX-Frame-Options: ALLOWALL\r\n\r\n" + ok(""), status(200), "ok", nil},
		{"a huge field", ok("X: " + strings.Repeat("x", 1<<20) + "\r\n"), status(502), "", nil},
		{"many fields", ok(strings.Repeat("X: x\r\n", 100_000)), status(502), "", nil},
		{"a head without end", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: x\r\n", 2_000_000), status(502), "", nil},
		{"a status line without end", strings.Repeat("H", 8<<20), status(502), "", nil},
		{"304 with a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\npoison", status(304), "", nil},
		{"204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison", status(204), "", nil},
		{"204 in chunks", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n", status(204), "", nil},
		{"closed at once", "", status(502), "", nil},
		{"closed in the head", "HTTP/1.1 200 OK\r\nX: y\r\n", status(502), "", nil},
		{"no HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n", status(502), "", nil},
		{"HTTP/0.9", "hello", status(502), "", nil},
		{"HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", status(502), "", nil},
		{"a status of 999", "HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", status(502), "", nil},
		{"a status of 99", "HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n", status(502), "", nil},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!", status(502), "", nil},
		{"length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", status(502), "", nil},
		{"gzip, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", status(502), "", nil},
		{"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", status(502), "", nil},
		{"trailers that are headers of ours", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Frame-Options, Content-Security-Policy, X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Frame-Options: ALLOWALL\r\nContent-Security-Policy: default-src *\r\nX-Sum: 1\r\n\r\n", status(200), "ok", func(t *testing.T, res *http.Response) {
			if len(res.Trailer["X-Frame-Options"]) > 0 || len(res.Trailer["Content-Security-Policy"]) > 0 {
				t.Errorf("the trailers are %v", res.Trailer)
			}
		}},
		{"an answer behind the answer", ok("") + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", status(200), "ok", nil},
		{"the body stops short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok", status(200), "!", nil},
		{"the chunks stop short", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", status(200), "!", nil},
		{"a chunk that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", status(200), "!", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := scripted(t, func(c net.Conn, _ string) { _, _ = io.WriteString(c, tt.answer) })
			p.Headers.CookieFlags = []string{"Secure", "HttpOnly", "SameSite=Strict"}
			p.Gateway.UpstreamTimeout = time.Second
			addr, _ := start(t, p, nil)
			heap := watchHeap()
			c := dial(t, addr)
			path := "/keep"
			if strings.HasPrefix(tt.name, "closed") || tt.body == "!" || tt.name == "HTTP/0.9" || tt.body == "?" {
				path = "/" // of which scripted closes the connection
			}
			// Were the upstream's connection used again, the second would get
			// what is left on it.
			for range 2 {
				c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
				interim := 0
				var res *http.Response
				for {
					var err error
					if res, err = http.ReadResponse(c.br, nil); err != nil && tt.body == "!" {
						return // broken off before a byte of it went out
					} else if err != nil {
						t.Fatalf("no answer: %v", err)
					}
					if res.StatusCode >= 200 {
						break
					}
					if interim++; interim > 10 {
						t.Fatal("the flood is passed on")
					}
					if res.StatusCode == 103 && (res.Header.Get("Server") != "" || len(res.Header.Values("X-Frame-Options")) > 1 || res.Header.Get("X-Frame-Options") == "ALLOWALL") {
						t.Errorf("the hints carry %v", res.Header)
					}
				}
				found := false
				for _, w := range tt.want {
					found = found || w == res.StatusCode
				}
				if !found {
					t.Fatalf("status %d, want %v", res.StatusCode, tt.want)
				}
				requireAllHeaders(t, res, false)
				body, err := io.ReadAll(res.Body)
				switch {
				case tt.body == "!":
					if err == nil {
						t.Errorf("a body that stops short looks whole: %q", body)
					}
				case res.StatusCode == 502:
					if err != nil || !strings.Contains(string(body), "BAD_GATEWAY") {
						t.Errorf("the refusal is %q, %v", body, err)
					}
				case tt.body == "?":
				case err != nil || string(body) != tt.body:
					t.Errorf("the body is %q, %v", body, err)
				}
				if tt.check != nil {
					tt.check(t, res)
				}
				if v := res.Header.Values("Set-Cookie"); len(v) > 0 && strings.Contains(v[0], "evil") {
					t.Errorf("the response was split: %q", v)
				}
				if err != nil || res.Close || tt.body == "?" {
					c = dial(t, addr)
				}
			}
			if grown := heap.grown(); grown > 40 {
				t.Errorf("the heap grew by %d MiB", grown)
			}
		})
	}
}

// TestEndlessChunks: the response streams, and ends when the client goes.
func TestEndlessChunks(t *testing.T) {
	gone := make(chan struct{})
	p := scripted(t, func(c net.Conn, _ string) {
		defer close(gone)
		w := bufio.NewWriter(c)
		_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		chunk := fmt.Sprintf("%x\r\n%s\r\n", 32<<10, strings.Repeat("x", 32<<10))
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	addr, gw := start(t, p, nil)
	heap := watchHeap()
	c := dial(t, addr)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	res := c.head("GET")
	requireHeaders(t, res)
	if n, err := io.CopyN(io.Discard, res.Body, 32<<20); err != nil {
		t.Fatalf("after %d bytes: %v", n, err)
	}
	_ = c.Close()
	select {
	case <-gone:
	case <-time.After(3 * time.Second):
		t.Error("the upstream sends on to nobody")
	}
	if grown := heap.grown(); grown > 20 {
		t.Errorf("the heap grew by %d MiB", grown)
	}
	eventually(t, "nothing is in flight", func() bool { return gw.inFlight.Load() == 0 })
}

// TestSlowUpstream: an app that drips its head is given up.
func TestSlowUpstream(t *testing.T) {
	p := scripted(t, func(c net.Conn, _ string) {
		for range 100 {
			if _, err := io.WriteString(c, "H"); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	p.Gateway.UpstreamTimeout = 200 * time.Millisecond
	addr, _ := start(t, p, nil)
	began := time.Now()
	res, body := exchangeRaw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	requireRefusal(t, res, body, 504, 502)
	if d := time.Since(began); d > time.Second {
		t.Errorf("it took %v", d)
	}
}
