package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/guard/rate"
)

// TestForwardedChain looks at the one address that the upstream is told. What
// stands left of the right-most untrusted hop is anybody's invention.
func TestForwardedChain(t *testing.T) {
	up := newRecordingUpstream(t)
	many := strings.Repeat("127.0.0.9, ", 199) + "127.0.0.9"
	for _, tt := range []struct {
		name, header string
		lines        []string // whole fields
		want         string   // any of these, separated by |
	}{
		{"nothing said", "", nil, "127.0.0.1"},
		{"one hop", "", []string{"X-Forwarded-For: 203.0.113.9"}, "203.0.113.9"},
		{"the client lies to the proxy", "", []string{"X-Forwarded-For: 1.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		{"a trusted hop between", "", []string{"X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.0.0.1"}, "203.0.113.9"},
		{"two lines are one list", "", []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 203.0.113.9"}, "203.0.113.9"},
		{"a mapped address", "", []string{"X-Forwarded-For: ::ffff:203.0.113.9"}, "203.0.113.9"},
		{"a mapped trusted address", "", []string{"X-Forwarded-For: 203.0.113.9, ::ffff:127.0.0.1"}, "203.0.113.9"},
		{"a port", "", []string{"X-Forwarded-For: 203.0.113.9:80"}, "203.0.113.9"},
		{"IPv6 with a port", "", []string{"X-Forwarded-For: [2001:db8::1]:1"}, "2001:db8::1"},
		{"a zone", "", []string{"X-Forwarded-For: fe80::1%eth0"}, "fe80::1"},
		{"hexadecimal", "", []string{"X-Forwarded-For: 203.0.113.9, 0x7f.1"}, "127.0.0.1"},
		{"short", "", []string{"X-Forwarded-For: 203.0.113.9, 127.1, 10.0.0.2"}, "10.0.0.2"},
		{"octal", "", []string{"X-Forwarded-For: 203.0.113.9, 0177.0.0.1"}, "127.0.0.1"},
		{"every odd form", "", []string{"X-Forwarded-For: ::ffff:127.0.0.1, 127.0.0.1:80, [::1]:1, 0x7f.1, 127.1, 0177.0.0.1, fe80::1%eth0, ,\t"}, "127.0.0.1|fe80::1"},
		{"two hundred entries", "", []string{"X-Forwarded-For: " + many}, "127.0.0.9|127.0.0.1"},
		{"a stranger beyond the walk", "", []string{"X-Forwarded-For: 203.0.113.9, " + many}, "127.0.0.9|127.0.0.1|203.0.113.9"},
		{"hidden hops", "forwarded", []string{`Forwarded: for="[2001:db8::1%25eth0]:4711";host=evil;proto=https, for=_hidden, for=unknown, for="10.0.0.1"`}, "10.0.0.1"},
		{"RFC 7239", "forwarded", []string{`Forwarded: for=1.1.1.1, for="[2001:db8::1]:4711";proto=https`}, "2001:db8::1"},
		{"the other header is nobody's", "forwarded", []string{"X-Forwarded-For: 203.0.113.9"}, "127.0.0.1"},
		{"the headers disagree", "both", []string{"X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.10"}, "127.0.0.1"},
		{"the headers agree", "both", []string{"X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9"}, "203.0.113.9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := vectorPolicy(up.url)
			p.ClientIP.Trust = []string{"127.0.0.0/8", "10.0.0.0/8"}
			p.ClientIP.Header = tt.header
			addr, _ := start(t, p, nil)
			up.take()
			lines := strings.Join(append(tt.lines, "Connection: close", "", ""), "\r\n")
			res, body := exchangeRaw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n"+lines)
			if res.StatusCode != 200 {
				t.Fatalf("status %d: %s", res.StatusCode, body)
			}
			got := up.take()
			if len(got) != 1 {
				t.Fatalf("the upstream saw %d requests", len(got))
			}
			v := got[0].Header.Values("X-Forwarded-For")
			if len(v) != 1 || !slices.Contains(strings.Split(tt.want, "|"), v[0]) {
				t.Errorf("X-Forwarded-For is %q, want %q", v, tt.want)
			}
			if v := got[0].Header.Values("Forwarded"); len(v) > 0 {
				t.Errorf("Forwarded reached the upstream: %q", v)
			}
			if v := got[0].Header.Values("X-Forwarded-Host"); len(v) != 1 || v[0] != "a" {
				t.Errorf("X-Forwarded-Host is %q", v)
			}
		})
	}
}

// TestForwardedKey sends as many clients as one peer can invent: they are all
// that peer to the rate.
func TestForwardedKey(t *testing.T) {
	up := newRecordingUpstream(t)
	p := vectorPolicy(up.url)
	p.Rate.Limit, p.Rate.Burst = rate.Limit{Count: 2, Per: time.Hour}, 2
	addr, _ := start(t, p, nil)
	last := 0
	for i := range 4 {
		res, _ := exchangeRaw(t, addr, fmt.Sprintf("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.%d\r\nForwarded: for=203.0.113.%d\r\nX-Real-IP: 203.0.113.%d\r\nConnection: close\r\n\r\n", i, i, i))
		requireHeaders(t, res)
		last = res.StatusCode
	}
	if last != 429 {
		t.Errorf("the fourth of two requests is answered %d", last)
	}
}

// TestPreflightBomb: libraries split, trim, sort and join 60,000 names for
// everyone who asks.
func TestPreflightBomb(t *testing.T) {
	up := newRecordingUpstream(t)
	p := vectorPolicy(up.url)
	p.Origins.Allow = []string{"https://example.com"}
	p.Origins.RequestHeaders = []string{"X-A"}
	addr, _ := start(t, p, nil)
	ask := func(names string) (*http.Response, string) {
		return exchangeRaw(t, addr, "OPTIONS /api/x HTTP/1.1\r\nHost: a\r\nOrigin: https://example.com\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: "+names+"\r\nConnection: close\r\n\r\n")
	}
	began := time.Now()
	for _, n := range []int{65, 1_000, 10_000, 60_000} {
		res, body := ask(strings.Repeat(",", n))
		requireRefusal(t, res, body, 403, 431, 400)
		if v := res.Header.Values("Access-Control-Allow-Origin"); len(v) > 0 {
			t.Errorf("%d commas: the refusal grants %q", n, v)
		}
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("the refusals took %v", d)
	}
	if res, body := ask("x-a"); res.StatusCode != 204 {
		t.Errorf("an honest preflight is answered %d: %s", res.StatusCode, body)
	} else {
		requireHeaders(t, res)
	}
	if got := up.take(); len(got) > 0 {
		t.Errorf("preflights reached the upstream: %v", got)
	}
}

// TestCORSOrigins: look-alikes of a listed origin may not read, and nothing
// that a client sends comes back as a grant.
func TestCORSOrigins(t *testing.T) {
	up := newRecordingUpstream(t)
	p := vectorPolicy(up.url)
	p.Origins.Allow = []string{"https://example.com", "https://*.example.com"}
	p.Origins.AllowCredentials = true
	addr, _ := start(t, p, nil)
	ask := func(method, origin string) *http.Response {
		more := ""
		if method == "OPTIONS" {
			more = "Access-Control-Request-Method: POST\r\n"
		}
		res, _ := exchangeRaw(t, addr, method+" /api/x HTTP/1.1\r\nHost: a\r\nOrigin: "+origin+"\r\n"+more+"Connection: close\r\n\r\n")
		requireHeaders(t, res)
		return res
	}
	for _, origin := range []string{
		"https://example.com.evil.com", "https://evilexample.com", "null", "https://example.com:443", "HTTPS://EXAMPLE.COM",
		"https://example.com%60.evil.com", "https://a.example.com_.evil.com", "https://a.example.com%60.evil.com",
		"http://example.com", "https://example.com.", "https://.example.com", "https://evil.com/.example.com",
		"https://evil.com#.example.com", "https://a@evil.com", "https://example.com, https://evil.com", "https://EXAMPLE.com", "*",
	} {
		for _, method := range []string{"GET", "OPTIONS"} {
			res := ask(method, origin)
			if v := res.Header.Values("Access-Control-Allow-Origin"); len(v) > 0 {
				t.Errorf("%s from %s is granted: %q", method, origin, v)
			}
			if v := res.Header.Values("Access-Control-Allow-Credentials"); len(v) > 0 {
				t.Errorf("%s from %s is granted credentials: %q", method, origin, v)
			}
		}
	}
	for _, origin := range []string{"https://example.com", "https://a.example.com", "https://b.a.example.com"} {
		for _, method := range []string{"GET", "OPTIONS"} {
			res := ask(method, origin)
			if v := res.Header.Values("Access-Control-Allow-Origin"); len(v) != 1 || v[0] != origin {
				t.Errorf("%s from the listed %s: Access-Control-Allow-Origin is %q", method, origin, v)
			}
			if v := strings.Join(res.Header.Values("Vary"), ","); !strings.Contains(v, "Origin") {
				t.Errorf("%s from %s: Vary is %q", method, origin, v)
			}
		}
	}
}

// TestSimpleRequestForgery: what a page of another site can send without a
// preflight.
func TestSimpleRequestForgery(t *testing.T) {
	up := newRecordingUpstream(t)
	addr, _ := start(t, vectorPolicy(up.url), nil)
	for _, fields := range []string{
		"Sec-Fetch-Site: cross-site\r\nContent-Type: text/plain;application/json",
		"Sec-Fetch-Site: cross-site\r\nContent-Type: application/json",
		"Sec-Fetch-Site: same-site\r\nContent-Type: application/x-www-form-urlencoded",
		"Origin: https://evil.com\r\nContent-Type: application/x-www-form-urlencoded",
		"Origin: null\r\nContent-Type: multipart/form-data; boundary=x",
		"Origin: http://a\r\nOrigin: https://evil.com\r\nContent-Type: application/json",
		"Content-Type: text/plain;application/json",
		"Content-Type: text/plain",
	} {
		res, body := exchangeRaw(t, addr, "POST /api/x HTTP/1.1\r\nHost: a\r\nCookie: session=1\r\n"+fields+"\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}")
		requireRefusal(t, res, body, 403, 415, 400)
	}
	if got := up.take(); len(got) > 0 {
		t.Errorf("the upstream saw %v", got)
	}
	res, body := exchangeRaw(t, addr, "POST /api/x HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nSec-Fetch-Site: same-origin\r\nCookie: session=1\r\nContent-Type: application/json\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}")
	if res.StatusCode != 200 {
		t.Errorf("the site's own request is answered %d: %s", res.StatusCode, body)
	}
}

// TestRedirects: a redirect from plain HTTP leads to a configured name only,
// and repeats neither Host nor port of the client.
func TestRedirects(t *testing.T) {
	up := newRecordingUpstream(t)
	p := vectorPolicy(up.url)
	p.HTTPS.InsecureAllowPlain = false
	p.Hosts.Allow = []string{"api.example.com"}
	addr, _ := start(t, p, nil)
	for _, tt := range []struct {
		name, method, target, host string
		status                     []int
		location                   string
	}{
		{"two slashes", "GET", "//evil.com/%2f..", "api.example.com", status(400), ""},
		{"a backslash", "GET", "/\\evil.com", "api.example.com", status(400), ""},
		{"an escaped backslash", "GET", "/%5cevil.com", "api.example.com", status(400), ""},
		{"another host", "GET", "/", "evil.com", status(403, 421, 400), ""},
		{"another host by HEAD", "HEAD", "/", "evil.com", status(403, 421, 400), ""},
		{"POST", "POST", "/x", "api.example.com", status(403), ""},
		{"DELETE", "DELETE", "/x", "api.example.com", status(403), ""},
		{"OPTIONS", "OPTIONS", "/x", "api.example.com", status(403), ""},
		{"GET", "GET", "/x?y=1", "api.example.com", status(308), "https://api.example.com/x?y=1"},
		{"HEAD", "HEAD", "/x", "api.example.com", status(308), "https://api.example.com/x"},
		{"the client's port", "GET", "/x", "api.example.com:8080", status(308), "https://api.example.com/x"},
		{"case", "GET", "/x", "API.example.COM.", status(308), "https://api.example.com/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, body := exchangeRaw(t, addr, tt.method+" "+tt.target+" HTTP/1.1\r\nHost: "+tt.host+"\r\nConnection: close\r\n\r\n")
			if !slices.Contains(tt.status, res.StatusCode) {
				t.Fatalf("status %d, want %v: %s", res.StatusCode, tt.status, body)
			}
			requireAllHeaders(t, res, false)
			if got := res.Header.Get("Location"); got != tt.location {
				t.Errorf("Location is %q, want %q", got, tt.location)
			}
			if strings.Contains(body, "evil.com") {
				t.Errorf("the answer repeats the client's words: %s", body)
			}
		})
	}
	if got := up.take(); len(got) > 0 {
		t.Errorf("plain HTTP reached the upstream: %v", got)
	}
}

// TestHiddenDocs asks for the description by every spelling that some router
// takes for it.
func TestHiddenDocs(t *testing.T) {
	up := newRecordingUpstream(t)
	addr, _ := start(t, vectorPolicy(up.url), nil)
	for _, target := range []string{
		"/docs", "/docs/", "/DOCS", "/docs%2f", "/./docs", "//docs", "/docs;x", "/docs/oauth2-redirect", "/%6fpenapi.json",
		"/redoc", "/openapi.json", "/api/v1/openapi.json", "/api/v1/docs", "/Redoc/", "/docs?x=1", "/openapi.json/", "/%64ocs", "/docs%3bx", "/docs/.", "/x/../docs",
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			res, body := exchangeRaw(t, addr, method+" "+target+" HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /docs\r\nConnection: close\r\n\r\n")
			if res.StatusCode != 404 && res.StatusCode != 400 {
				t.Errorf("%s %s: status %d: %s", method, target, res.StatusCode, body)
			}
			requireHeaders(t, res)
		}
	}
	if got := up.take(); len(got) > 0 {
		t.Errorf("the upstream saw %v", got)
	}
	// The prefix makes no document of what is none.
	if res, _ := exchangeRaw(t, addr, "GET /api/x HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /docs\r\nConnection: close\r\n\r\n"); res.StatusCode != 200 {
		t.Errorf("an ordinary path is answered %d", res.StatusCode)
	}
	if got := up.take(); len(got) != 1 || got[0].Header.Get("X-Forwarded-Prefix") != "" {
		t.Errorf("the upstream saw %v", got)
	}
}

// TestFramingCloses: where it is in doubt where a request ends, nothing that
// follows on the connection is read as a request.
func TestFramingCloses(t *testing.T) {
	up := newRecordingUpstream(t)
	addr, _ := start(t, vectorPolicy(up.url), nil)
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, v := range vectors {
		if v.served != nil || !strings.HasPrefix(v.raw, "POST / ") && !strings.HasPrefix(v.raw, "CONNECT") {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			up.take()
			c := dial(t, addr)
			c.send(v.raw + smuggled)
			res, body := c.answer("POST")
			if !slices.Contains(v.status, res.StatusCode) {
				t.Fatalf("status %d: %s", res.StatusCode, body)
			}
			if res.StatusCode == 417 || res.StatusCode == 415 {
				return // the framing is in order
			}
			if !c.closed() {
				t.Error("the connection lives on")
			}
			if got := up.take(); len(got) > 0 {
				t.Errorf("the upstream saw %v", got)
			}
		})
	}
}

// TestPipelining is legal: the answers come in order.
func TestPipelining(t *testing.T) {
	app := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.URL.Path)
	}))
	addr, _ := start(t, app, nil)
	c := dial(t, addr)
	var all strings.Builder
	for i := range 20 {
		fmt.Fprintf(&all, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
		if i%5 == 0 {
			all.WriteString(post(fmt.Sprintf("/p%d", i), "application/json", `{"a":1}`))
		}
	}
	c.send(all.String())
	for i := range 20 {
		if res, body := c.answer("GET"); res.StatusCode != 200 || body != fmt.Sprintf("/%d", i) {
			t.Fatalf("answer %d is %d %q", i, res.StatusCode, body)
		}
		if i%5 == 0 {
			if res, body := c.answer("POST"); res.StatusCode != 200 || body != fmt.Sprintf("/p%d", i) {
				t.Fatalf("answer %d is %d %q", i, res.StatusCode, body)
			}
		}
	}
}

// TestRowsToTheLetter sends the framing rows that are legal without anything
// added.
func TestRowsToTheLetter(t *testing.T) {
	up := newRecordingUpstream(t)
	addr, _ := start(t, vectorPolicy(up.url), nil)
	res, body := exchangeRaw(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n")
	if res.StatusCode != 200 {
		t.Errorf("an empty chunked body is answered %d: %s", res.StatusCode, body)
	}
	for _, raw := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Forwarded-For, Authorization, Host\r\n\r\n5\r\nhello\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 6\r\nX-Undeclared: 1\r\n\r\n",
	} {
		res, body := exchangeRaw(t, addr, raw)
		requireRefusal(t, res, body, 400, 415)
	}
	res, body = exchangeRaw(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
	requireRefusal(t, res, body, 415) // a body without a type, at once
}
