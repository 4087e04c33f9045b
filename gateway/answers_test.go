package gateway

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard/limits"
	"github.com/pavise-dev/pavise/guard/rate"
)

// statuses is an app that answers /status/N with N, and with headers that
// contradict ours.
func statuses(t *testing.T) pavise.Policy {
	return serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Server", "app/1.0")
		h.Set("X-Powered-By", "app")
		h["X-Frame-Options"] = []string{"ALLOWALL", "SAMEORIGIN"}
		h["Content-Security-Policy"] = []string{"default-src *", "script-src 'unsafe-inline'"}
		h["Strict-Transport-Security"] = []string{"max-age=0"}
		h["Referrer-Policy"] = []string{"unsafe-url"}
		h["X-Content-Type-Options"] = []string{"sniff"}
		h.Set("Location", "/elsewhere")
		w.WriteHeader(n)
		if n >= 200 && n != 204 && n != 304 {
			_, _ = io.WriteString(w, "body")
		}
	}))
}

// TestRelayedStatuses: whatever the app answers, our headers are there once,
// by every protocol.
func TestRelayedStatuses(t *testing.T) {
	p := statuses(t)
	plain, _ := start(t, p, nil)
	files, roots := pair(t, t.TempDir(), "api.example.com")
	p.HTTPS.InsecureAllowPlain = false
	p.Gateway.TLS = &files
	secure, _ := start(t, p, nil)
	h2 := client(t, secure, &tls.Config{RootCAs: roots})
	h1 := client(t, secure, &tls.Config{RootCAs: roots})
	h1.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	h1.Transport.(*http.Transport).TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	for _, n := range []int{200, 201, 204, 206, 301, 304, 307, 400, 401, 403, 404, 405, 408, 409, 413, 415, 417, 421, 422, 429, 431, 500, 501, 502, 503, 504} {
		for _, method := range []string{"GET", "HEAD", "DELETE"} {
			for name, by := range map[string]*http.Client{"HTTP/1.1": client(t, plain, nil), "TLS": h1, "HTTP/2": h2} {
				scheme := "https"
				if name == "HTTP/1.1" {
					scheme = "http"
				}
				req, _ := http.NewRequest(method, scheme+"://api.example.com/status/"+strconv.Itoa(n), nil)
				res, body := do(t, by, req)
				if res.StatusCode != n {
					t.Errorf("%s %s: status %d, want %d: %s", name, method, res.StatusCode, n, body)
				}
				if name == "HTTP/2" != (res.ProtoMajor == 2) {
					t.Errorf("%s: the protocol is %s", name, res.Proto)
				}
				requireAllHeaders(t, res, scheme == "https")
				if method == "GET" && n != 204 && n != 304 && body != "body" {
					t.Errorf("%s: the body of a %d is %q", name, n, body)
				}
			}
		}
	}
}

// TestOwnAnswers makes the gateway answer by itself in every way it can.
func TestOwnAnswers(t *testing.T) {
	entered := make(chan struct{}, 10)
	release := make(chan struct{})
	p := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			<-r.Context().Done()
		case "/hold":
			entered <- struct{}{}
			<-release
		case "/panic":
			panic(http.ErrAbortHandler)
		case "/continue":
			_, _ = io.Copy(io.Discard, r.Body)
		}
	}))
	p.Gateway.UpstreamTimeout = 100 * time.Millisecond
	p.Limits.HeaderRead = 200 * time.Millisecond
	p.Limits.BodyGrace, p.Limits.BodyRead = 200*time.Millisecond, 300*time.Millisecond
	p.Limits.Body = limits.Bytes(1000)
	p.Origins.Allow = []string{"https://example.com"}
	p.Rate.Routes = []rate.Route{{Path: "/once", Limit: rate.Limit{Count: 1, Per: time.Hour}}}
	addr, _ := start(t, p, nil)

	one := func(t *testing.T, raw string, want int) *http.Response {
		t.Helper()
		c := dial(t, addr)
		c.send(raw)
		method, _, _ := strings.Cut(raw, " ")
		res, body := c.answer(method)
		if res.StatusCode != want {
			t.Fatalf("status %d, want %d: %s", res.StatusCode, want, body)
		}
		requireAllHeaders(t, res, false)
		if want >= 400 && method != "HEAD" {
			requireRefusal(t, res, body, want)
		}
		return res
	}
	const tail = " HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, tt := range []struct {
		name, raw string
		want      int
	}{
		{"200", "GET /" + tail, 200},
		{"204", "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://example.com\r\nAccess-Control-Request-Method: GET\r\n\r\n", 204},
		{"400 of the wire", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
		{"400 of HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
		{"505", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
		{"400 of noise", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"400 of JSON", post("/", "application/json", "{"), 400},
		{"403", "POST / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.com\r\nContent-Length: 0\r\n\r\n", 403},
		{"404", "GET /docs" + tail, 404},
		{"405", "TRACE /" + tail, 405},
		{"405 of *", "OPTIONS *" + tail, 405},
		{"408 of a head", "GET / HTTP/1.1\r\nHost: a\r\n", 408},
		{"408 of a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{", 408},
		{"413", post("/", "application/json", `"`+strings.Repeat("x", 2000)+`"`), 413},
		{"413 in chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + strings.Repeat(" ", 2000) + "\r\n0\r\n\r\n", 413},
		{"414", "GET /" + strings.Repeat("x", 9000) + tail, 414},
		{"415", post("/", "text/plain", "x"), 415},
		{"417", "POST / HTTP/1.1\r\nHost: a\r\nExpect: weird\r\nContent-Length: 0\r\n\r\n", 417},
		{"421", "GET / HTTP/1.1\r\nHost: evil.com\r\n\r\n", 421},
		{"the first", "GET /once" + tail, 200},
		{"429", "GET /once" + tail, 429},
		{"431", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 20_000) + "\r\n\r\n", 431},
		{"431 of the wire", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 100_000) + "\r\n\r\n", 431},
		{"431 of many", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: x\r\n", 1000) + "\r\n", 431},
		{"502", "GET /panic" + tail, 502},
		{"504", "GET /hang" + tail, 504},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := one(t, tt.raw, tt.want)
			if tt.want == 429 && (res.Header.Get("Retry-After") == "" || len(res.Header.Values("RateLimit")) != 1) {
				t.Errorf("a 429 without a time: %v", res.Header)
			}
			if tt.want == 405 && res.Header.Get("Allow") == "" {
				t.Error("a 405 without Allow")
			}
		})
	}

	t.Run("503", func(t *testing.T) {
		p := p
		p.Limits.Concurrency, p.Limits.Queue, p.Limits.QueueWait = 1, 1, 50*time.Millisecond
		p.Gateway.UpstreamTimeout = 5 * time.Second
		busy, _ := start(t, p, nil)
		first := dial(t, busy)
		first.send("GET /hold" + tail)
		<-entered
		second := dial(t, busy)
		second.send("GET /" + tail)
		res, body := second.answer("GET")
		requireRefusal(t, res, body, 503)
		requireAllHeaders(t, res, false)
		if res.Header.Get("Retry-After") == "" {
			t.Error("a 503 without Retry-After")
		}
		close(release)
		if res, _ := first.answer("GET"); res.StatusCode != 200 {
			t.Errorf("the one before is answered %d", res.StatusCode)
		}
	})

	t.Run("502 of nobody", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		dead := vectorPolicy("http://" + l.Addr().String())
		_ = l.Close()
		addr, _ := start(t, dead, nil)
		res, body := exchangeRaw(t, addr, "GET /"+tail)
		requireRefusal(t, res, body, 502)
		requireAllHeaders(t, res, false)
	})

	t.Run("500", func(t *testing.T) {
		var log logBuffer
		addr, _ := start(t, vectorPolicy(""), func(o *Options) {
			o.Log = log.logger()
			o.Upstream = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Security-Policy", "default-src *")
				panic("canary")
			})
		})
		res, body := exchangeRaw(t, addr, "GET /"+tail)
		requireRefusal(t, res, body, 500)
		requireAllHeaders(t, res, false)
		if strings.Contains(body, "canary") {
			t.Errorf("the client reads the panic: %s", body)
		}
		if !strings.Contains(log.String(), "the handler panicked") {
			t.Errorf("the log says nothing of it: %s", log.String())
		}
	})
}

// TestPlainOnTLSPort: a client that forgot the s.
func TestPlainOnTLSPort(t *testing.T) {
	up := newRecordingUpstream(t)
	p := vectorPolicy(up.url)
	files, _ := pair(t, t.TempDir(), "a")
	p.Gateway.TLS = &files
	addr, _ := start(t, p, nil)
	for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
		res, body := exchangeRaw(t, addr, method+" / HTTP/1.1\r\nHost: a\r\n\r\n")
		requireHeaders(t, res)
		if res.StatusCode != 400 {
			t.Errorf("%s: status %d: %s", method, res.StatusCode, body)
		}
	}
	res, _ := exchangeRaw(t, addr, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	requireHeaders(t, res)
	if got := up.take(); len(got) > 0 {
		t.Errorf("the upstream saw %v", got)
	}
}
