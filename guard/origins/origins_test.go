package origins

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

func must(t testing.TB, p Policy) *Guard {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// request makes a request to https://api.example.com (http if plain is among
// the fields) with the given header fields, "Name: value".
func request(method, path string, fields ...string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.Host = "api.example.com"
	r.TLS = &tls.ConnectionState{}
	for _, f := range fields {
		name, value, ok := strings.Cut(f, ": ")
		if !ok {
			r.TLS = nil
			continue
		}
		r.Header.Add(name, value)
	}
	return r
}

var ws = []string{"Connection: Upgrade", "Upgrade: websocket"}

func with(a []string, b ...string) []string { return append(slices.Clone(a), b...) }

func TestCheck(t *testing.T) {
	t.Parallel()
	listed := Policy{Allow: []string{"https://app.example.com", "https://*.pages.example.com"}, Trust: []string{"https://forms.example.net"}, Methods: []string{"PUT"}, RequestHeaders: []string{"Content-Type"}}
	preflight := []string{"Origin: https://app.example.com", "Access-Control-Request-Method: PUT"}
	for _, tc := range []struct {
		name   string
		policy Policy
		req    *http.Request
		rule   string
	}{
		{"no browser", Policy{}, request("POST", "/"), ""},
		{"same origin", Policy{}, request("POST", "/", "Origin: https://api.example.com", "Sec-Fetch-Site: same-origin"), ""},
		{"typed by the user", Policy{}, request("POST", "/", "Sec-Fetch-Site: none"), ""},
		{"cross-site read", Policy{}, request("GET", "/", "Origin: https://evil.com", "Sec-Fetch-Site: cross-site"), ""},
		{"cross-site post", Policy{}, request("POST", "/", "Origin: https://evil.com", "Sec-Fetch-Site: cross-site"), ruleCrossSite},
		{"cross-site post without origin", Policy{}, request("POST", "/", "Sec-Fetch-Site: cross-site"), ruleCrossSite},
		{"simple request", Policy{}, request("POST", "/", "Sec-Fetch-Site: cross-site", "Content-Type: text/plain;application/json", "Cookie: s=1"), ruleCrossSite},
		{"same-site post", Policy{}, request("POST", "/", "Origin: https://www.example.com", "Sec-Fetch-Site: same-site"), ruleCrossSite},
		{"odd method", Policy{}, request("PURGE", "/", "Origin: https://evil.com", "Sec-Fetch-Site: cross-site"), ruleCrossSite},
		{"old browser", Policy{}, request("POST", "/", "Origin: https://evil.com"), ruleCrossSite},
		{"old browser, null", Policy{}, request("POST", "/", "Origin: null"), ruleCrossSite},
		{"old browser, http page of our name", Policy{}, request("POST", "/", "Origin: http://api.example.com"), ruleCrossSite},
		{"old browser, our own page", Policy{}, request("POST", "/", "Origin: https://api.example.com"), ""},
		{"plain http, our own page", Policy{}, request("POST", "/", "plain", "Origin: http://api.example.com"), ""},
		{"plain http behind unknown TLS", Policy{}, request("POST", "/", "plain", "Origin: https://api.example.com"), ""},
		{"two origins", Policy{}, request("POST", "/", "Origin: https://api.example.com", "Origin: https://evil.com", "Sec-Fetch-Site: same-origin"), ruleCrossSite},
		{"two sites", Policy{}, request("POST", "/", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"), ruleCrossSite},
		{"listed", listed, request("POST", "/", "Origin: https://app.example.com", "Sec-Fetch-Site: cross-site"), ""},
		{"listed below", listed, request("POST", "/", "Origin: https://pr-1.pages.example.com", "Sec-Fetch-Site: cross-site"), ""},
		{"trusted", listed, request("POST", "/", "Origin: https://forms.example.net", "Sec-Fetch-Site: cross-site"), ""},
		{"listed but not this", listed, request("POST", "/", "Origin: https://app.example.com.evil.com", "Sec-Fetch-Site: cross-site"), ruleCrossSite},
		{"star is for reading", Policy{Allow: []string{"*"}}, request("POST", "/", "Origin: https://evil.com", "Sec-Fetch-Site: cross-site"), ruleCrossSite},
		{"route", Policy{Routes: []Route{{Path: "/saml/", DangerouslyAllowCrossSite: true}}}, request("POST", "/saml/acs", "Origin: https://idp.com", "Sec-Fetch-Site: cross-site"), ""},
		{"other route", Policy{Routes: []Route{{Path: "/saml/", DangerouslyAllowCrossSite: true}}}, request("POST", "/saml2", "Origin: https://idp.com", "Sec-Fetch-Site: cross-site"), ruleCrossSite},
		{"loosened", Policy{DangerouslyAllowCrossSite: true}, request("POST", "/", "Origin: https://evil.com", "Sec-Fetch-Site: cross-site"), ""},

		{"websocket of no browser", Policy{}, request("GET", "/ws", ws...), ""},
		{"websocket same origin", Policy{}, request("GET", "/ws", with(ws, "Origin: https://api.example.com")...), ""},
		{"websocket over http", Policy{}, request("GET", "/ws", with(ws, "plain", "Origin: http://api.example.com")...), ""},
		{"websocket foreign", Policy{}, request("GET", "/ws", with(ws, "Origin: https://evil.com", "Cookie: s=1")...), ruleUpgrade},
		{"websocket null", Policy{}, request("GET", "/ws", with(ws, "Origin: null")...), ruleUpgrade},
		{"websocket empty origin", Policy{}, request("GET", "/ws", with(ws, "Origin: ")...), ruleUpgrade},
		{"websocket http page", Policy{}, request("GET", "/ws", with(ws, "Origin: http://api.example.com")...), ruleUpgrade},
		{"websocket other port", Policy{}, request("GET", "/ws", with(ws, "Origin: https://api.example.com:8443")...), ruleUpgrade},
		{"websocket look-alike", Policy{}, request("GET", "/ws", with(ws, "Origin: https://api.example.com.evil.com")...), ruleUpgrade},
		{"websocket cross-site", Policy{}, request("GET", "/ws", with(ws, "Sec-Fetch-Site: cross-site")...), ruleUpgrade},
		{"websocket same-site without origin", Policy{}, request("GET", "/ws", with(ws, "Sec-Fetch-Site: same-site")...), ruleUpgrade},
		{"websocket contradiction", Policy{}, request("GET", "/ws", with(ws, "Origin: https://api.example.com", "Sec-Fetch-Site: cross-site")...), ruleUpgrade},
		{"websocket two origins", Policy{}, request("GET", "/ws", with(ws, "Origin: https://api.example.com", "Origin: https://evil.com")...), ruleUpgrade},
		{"websocket in odd case", Policy{}, request("GET", "/ws", "Upgrade: WebSocket", "Origin: https://evil.com"), ruleUpgrade},
		{"websocket listed", listed, request("GET", "/ws", with(ws, "Origin: https://app.example.com", "Sec-Fetch-Site: cross-site")...), ""},
		{"websocket with star", Policy{Allow: []string{"*"}}, request("GET", "/ws", with(ws, "Origin: https://evil.com")...), ruleUpgrade},
		{"websocket loosened", Policy{DangerouslyAllowCrossSiteUpgrades: true}, request("GET", "/ws", with(ws, "Origin: https://evil.com")...), ""},
		{"websocket route", Policy{Routes: []Route{{Path: "/ws", DangerouslyAllowCrossSiteUpgrades: true}}}, request("GET", "/ws", with(ws, "Origin: https://evil.com")...), ""},

		{"preflight", Policy{}, request("OPTIONS", "/", preflight...), ruleListed},
		{"plain OPTIONS", Policy{}, request("OPTIONS", "/", "Origin: https://evil.com"), ""},
		{"preflight listed", listed, request("OPTIONS", "/", preflight...), ""},
		{"preflight with header", listed, request("OPTIONS", "/", with(preflight, "Access-Control-Request-Headers: content-type")...), ""},
		{"preflight with spaces and nothing", listed, request("OPTIONS", "/", with(preflight, "Access-Control-Request-Headers:  ,content-type , ")...), ""},
		{"preflight with other header", listed, request("OPTIONS", "/", with(preflight, "Access-Control-Request-Headers: content-type,x-evil")...), rulePreflight},
		{"preflight asking for the asterisk", listed, request("OPTIONS", "/", with(preflight, "Access-Control-Request-Headers: *")...), rulePreflight},
		{"preflight with other method", listed, request("OPTIONS", "/", "Origin: https://app.example.com", "Access-Control-Request-Method: DELETE"), rulePreflight},
		{"preflight with lower-case method", listed, request("OPTIONS", "/", "Origin: https://app.example.com", "Access-Control-Request-Method: put"), rulePreflight},
		{"preflight with two methods", listed, request("OPTIONS", "/", with(preflight, "Access-Control-Request-Method: PUT")...), rulePreflight},
		{"preflight from trusted", listed, request("OPTIONS", "/", "Origin: https://forms.example.net", "Access-Control-Request-Method: POST"), ruleListed},
		{"preflight private network", listed, request("OPTIONS", "/", with(preflight, "Access-Control-Request-Private-Network: true")...), rulePreflight},
		{"preflight bomb", listed, request("OPTIONS", "/", with(preflight, "Access-Control-Request-Headers: "+strings.Repeat(",", 60000))...), rulePreflight},
		{"preflight bomb in lines", listed, request("OPTIONS", "/", with(preflight, slices.Repeat([]string{"Access-Control-Request-Headers: content-type"}, 65)...)...), rulePreflight},
		{"preflight long name", listed, request("OPTIONS", "/", with(preflight, "Access-Control-Request-Headers: "+strings.Repeat("x", 5000))...), rulePreflight},
		{"preflight bomb for the app", Policy{AllowUpstreamCORS: true}, request("OPTIONS", "/", with(preflight, "Access-Control-Request-Headers: "+strings.Repeat(",", 60000))...), rulePreflight},
		{"preflight for the app", Policy{AllowUpstreamCORS: true}, request("OPTIONS", "/", preflight...), ""},
		{"preflight star GET", Policy{Allow: []string{"*"}}, request("OPTIONS", "/", "Origin: https://x.com", "Access-Control-Request-Method: GET"), ""},
		{"preflight star POST", Policy{Allow: []string{"*"}}, request("OPTIONS", "/", "Origin: https://x.com", "Access-Control-Request-Method: POST"), rulePreflight},
		{"preflight any header", Policy{Allow: []string{"*"}, RequestHeaders: []string{"*"}}, request("OPTIONS", "/", "Origin: https://x.com", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: x-a"), ""},
		{"preflight any header but", Policy{Allow: []string{"*"}, RequestHeaders: []string{"*"}}, request("OPTIONS", "/", "Origin: https://x.com", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization"), rulePreflight},
		{"preflight any header and", Policy{Allow: []string{"*"}, RequestHeaders: []string{"*", "Authorization"}}, request("OPTIONS", "/", "Origin: https://x.com", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization"), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			err := must(t, tc.policy).Check(tc.req)
			var ref *guard.Refusal
			if errors.As(err, &ref) {
				got = ref.Rule
				if ref.Status != http.StatusForbidden {
					t.Errorf("status %d", ref.Status)
				}
			}
			if got != tc.rule {
				t.Errorf("refused by %q, want %q", got, tc.rule)
			}
		})
	}
}

// reflecting is an app that allows whoever asks.
func reflecting(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Allow-Credentials", "true")
	h["access-control-expose-headers"] = []string{"X-Secret"}
	h.Set("X-App", "1")
}

func TestResponse(t *testing.T) {
	t.Parallel()
	listed := Policy{Allow: []string{"https://app.example.com", "https://*.pages.example.com"}, AllowCredentials: true, ResponseHeaders: []string{"X-Total"}}
	for _, tc := range []struct {
		name   string
		policy Policy
		origin string
		want   string // ACAO|ACAC|ACEH|Vary
	}{
		{"nobody is listed", Policy{}, "https://evil.com", "|||"},
		{"no origin", Policy{}, "", "|||"},
		{"listed", listed, "https://app.example.com", "https://app.example.com|true|X-Total|Origin"},
		{"below", listed, "https://a.b.pages.example.com", "https://a.b.pages.example.com|true|X-Total|Origin"},
		{"listed, no origin", listed, "", "|||Origin"},
		{"suffix", listed, "https://app.example.com.evil.com", "|||Origin"},
		{"prefix", listed, "https://evilapp.example.com", "|||Origin"},
		{"null", listed, "null", "|||Origin"},
		{"default port", listed, "https://app.example.com:443", "|||Origin"},
		{"upper case", listed, "HTTPS://APP.EXAMPLE.COM", "|||Origin"},
		{"http", listed, "http://app.example.com", "|||Origin"},
		{"backtick", listed, "https://pages.example.com%60.evil.com", "|||Origin"},
		{"backtick below", listed, "https://evil.com%60.pages.example.com", "|||Origin"},
		{"underscore", listed, "https://a.pages.example.com_.evil.com", "|||Origin"},
		{"underscore below", listed, "https://evil.com_.pages.example.com", "|||Origin"},
		{"user below", listed, "https://x@a.pages.example.com", "|||Origin"},
		{"path below", listed, "https://evil.com/.pages.example.com", "|||Origin"},
		{"port below", listed, "https://a.pages.example.com:8443", "|||Origin"},
		{"no label", listed, "https://.pages.example.com", "|||Origin"},
		{"the base itself", listed, "https://pages.example.com", "|||Origin"},
		{"hyphen", listed, "https://-a.pages.example.com", "|||Origin"},
		{"list of origins", listed, "https://app.example.com https://evil.com", "|||Origin"},
		{"star", Policy{Allow: []string{"*"}}, "https://any.com", "*|||"},
		{"star, no origin", Policy{Allow: []string{"*"}}, "", "*|||"},
		{"the app's own", Policy{AllowUpstreamCORS: true}, "https://any.com", "https://any.com|true|X-Secret|"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET", "/")
			if tc.origin != "" {
				r.Header.Set("Origin", tc.origin)
			}
			for _, write := range []func(w http.ResponseWriter){
				func(http.ResponseWriter) {},
				func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
				func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) },
				func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
				func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
			} {
				rec := httptest.NewRecorder()
				must(t, tc.policy).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					reflecting(w, r)
					write(w)
				})).ServeHTTP(rec, r)
				h := rec.Result().Header
				all := func(name string) string {
					var out []string
					for k, v := range h {
						if strings.EqualFold(k, name) {
							out = append(out, v...)
						}
					}
					return strings.Join(out, ",")
				}
				got := strings.Join([]string{all("Access-Control-Allow-Origin"), all("Access-Control-Allow-Credentials"), all("Access-Control-Expose-Headers"), all("Vary")}, "|")
				if got != tc.want {
					t.Errorf("got %s, want %s", got, tc.want)
				}
				if h.Get("X-App") != "1" {
					t.Error("the app's other header is gone")
				}
			}
		})
	}
}

func TestVaryIsAddedOnce(t *testing.T) {
	t.Parallel()
	g := must(t, Policy{Allow: []string{"https://app.example.com"}})
	for _, tc := range []struct{ have, want []string }{
		{nil, []string{"Origin"}},
		{[]string{"Accept-Encoding"}, []string{"Accept-Encoding", "Origin"}},
		{[]string{"Accept, origin"}, []string{"Accept, origin"}},
		{[]string{"*"}, []string{"*"}},
		{[]string{"X-Origin"}, []string{"X-Origin", "Origin"}},
	} {
		rec := httptest.NewRecorder()
		g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for _, v := range tc.have {
				w.Header().Add("Vary", v)
			}
		})).ServeHTTP(rec, request("GET", "/"))
		if got := rec.Header()["Vary"]; !slices.Equal(got, tc.want) {
			t.Errorf("%q became %q, want %q", tc.have, got, tc.want)
		}
	}
}

// A recover further out answers with the same header map.
func TestPanicLeavesNoPermission(t *testing.T) {
	t.Parallel()
	rec := httptest.NewRecorder()
	func() {
		defer func() { _ = recover() }()
		must(t, Policy{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reflecting(w, r)
			panic("app")
		})).ServeHTTP(rec, request("GET", "/", "Origin: https://evil.com"))
	}()
	if v, ok := rec.Header()["Access-Control-Allow-Origin"]; ok {
		t.Errorf("left %q", v)
	}
}

// An informational response must not use up the treatment of the final one.
func TestEarlyHints(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(must(t, Policy{Allow: []string{"https://app.example.com"}}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reflecting(w, r)
		w.WriteHeader(http.StatusEarlyHints)
		reflecting(w, r)
		w.WriteHeader(http.StatusOK)
	})))
	defer srv.Close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	req.Header.Set("Origin", "https://evil.com")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if v := res.Header.Get("Access-Control-Allow-Origin"); v != "" {
		t.Errorf("permission %q after 103", v)
	}
	if v := res.Header.Values("Vary"); !slices.Equal(v, []string{"Origin"}) {
		t.Errorf("Vary %q", v)
	}
}

// In observe mode nothing changes for an app that has its own CORS, and every
// verdict reaches the door.
func TestObserve(t *testing.T) {
	t.Parallel()
	var rules []string
	door := func(_ *http.Request, ref *guard.Refusal) bool {
		rules = append(rules, ref.Rule)
		return true
	}
	ask := func(p Policy, r *http.Request) http.Header {
		rules = nil
		ctxed, f := guard.WithFacts(r)
		f.Door = door
		rec := httptest.NewRecorder()
		must(t, p).Wrap(http.HandlerFunc(reflecting)).ServeHTTP(rec, ctxed)
		if rec.Header().Get("X-App") != "1" {
			t.Errorf("%s did not reach the app", r.Method)
		}
		return rec.Header()
	}
	listed := Policy{Allow: []string{"https://app.example.com"}}
	for _, tc := range []struct {
		name  string
		p     Policy
		r     *http.Request
		rules []string
		acao  string
	}{
		{"read", Policy{}, request("GET", "/", "Origin: https://evil.com"), []string{ruleListed}, "https://evil.com"},
		{"listed read", listed, request("GET", "/", "Origin: https://app.example.com"), nil, "https://app.example.com"},
		{"read without origin", Policy{}, request("GET", "/"), nil, ""},
		{"preflight", Policy{}, request("OPTIONS", "/", "Origin: https://evil.com", "Access-Control-Request-Method: PUT"), []string{ruleListed}, "https://evil.com"},
		{"preflight with all", listed, request("OPTIONS", "/", "Origin: https://app.example.com", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x", "Access-Control-Request-Private-Network: true"), []string{rulePreflight, rulePreflight, rulePreflight}, "https://app.example.com"},
		{"post", Policy{}, request("POST", "/", "Sec-Fetch-Site: cross-site"), []string{ruleCrossSite}, ""},
		{"upgrade", Policy{}, request("POST", "/", with(ws, "Sec-Fetch-Site: cross-site")...), []string{ruleUpgrade, ruleCrossSite}, ""},
	} {
		h := ask(tc.p, tc.r)
		if got := h.Get("Access-Control-Allow-Origin"); got != tc.acao {
			t.Errorf("%s: Access-Control-Allow-Origin %q, want %q", tc.name, got, tc.acao)
		}
		if !slices.Equal(rules, tc.rules) {
			t.Errorf("%s: verdicts %q, want %q", tc.name, rules, tc.rules)
		}
	}
}

// dump is a response as it is compared with a golden file.
func dump(rec *httptest.ResponseRecorder) string {
	var b strings.Builder
	res := rec.Result()
	b.WriteString(res.Status + "\n")
	_ = res.Header.Write(&b)
	b.WriteString("\n" + rec.Body.String())
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

func TestGolden(t *testing.T) {
	t.Parallel()
	g := must(t, Policy{
		Allow: []string{"https://app.example.com"}, AllowCredentials: true, AllowPrivateNetwork: true,
		Methods: []string{"PUT"}, RequestHeaders: []string{"Content-Type", "X-Tag"}, ResponseHeaders: []string{"X-Total"}, MaxAge: time.Hour,
	})
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	var b strings.Builder
	for _, r := range []*http.Request{
		request("OPTIONS", "/", "Origin: https://app.example.com", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type", "Access-Control-Request-Private-Network: true"),
		request("OPTIONS", "/", "Origin: https://evil.com", "Access-Control-Request-Method: PUT"),
		request("PUT", "/", "Origin: https://app.example.com", "Sec-Fetch-Site: same-site"),
		request("PUT", "/", "Origin: https://evil.com", "Sec-Fetch-Site: cross-site"),
		request("GET", "/", with(ws, "Origin: https://evil.com")...),
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		b.WriteString(dump(rec) + "----\n")
	}
	want, err := os.ReadFile("testdata/responses.golden")
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestAllocs(t *testing.T) {
	// No test that counts allocations may run beside another.
	g := must(t, Policy{Allow: []string{"https://app.example.com", "https://*.pages.example.com"}, AllowCredentials: true})
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	wrapped := g.Wrap(next)
	for _, tc := range []struct {
		name  string
		r     *http.Request
		check float64
	}{
		{"no browser", request("POST", "/"), 0},
		{"same origin", request("POST", "/", "Origin: https://api.example.com", "Sec-Fetch-Site: same-origin"), 0},
		{"listed", request("POST", "/", "Origin: https://app.example.com", "Sec-Fetch-Site: same-site"), 0},
		{"below", request("GET", "/", "Origin: https://a.pages.example.com", "Sec-Fetch-Site: same-site"), 0},
	} {
		if n := testing.AllocsPerRun(200, func() { _ = g.Check(tc.r) }); n > tc.check {
			t.Errorf("%s: Check allocates %v times, want %v", tc.name, n, tc.check)
		}
		w := &discard{h: http.Header{}}
		if n := testing.AllocsPerRun(200, func() { clear(w.h); wrapped.ServeHTTP(w, tc.r) }); n > 1 {
			t.Errorf("%s: Wrap allocates %v times, want at most 1", tc.name, n)
		}
	}
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

func BenchmarkWrap(b *testing.B) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for name, r := range map[string]*http.Request{
		"no browser": request("GET", "/"),
		"listed":     request("POST", "/", "Origin: https://app.example.com", "Sec-Fetch-Site: same-site"),
	} {
		b.Run(name, func(b *testing.B) {
			h := must(b, Policy{Allow: []string{"https://app.example.com"}}).Wrap(next)
			w := &discard{h: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// What a guard was given may change afterwards.
func TestNewCopies(t *testing.T) {
	t.Parallel()
	p := Policy{Allow: []string{"https://app.example.com"}, Methods: []string{"PUT"}}
	g := must(t, p)
	p.Allow[0], p.Methods[0] = "https://evil.com", "DELETE"
	if err := g.Check(request("OPTIONS", "/", "Origin: https://app.example.com", "Access-Control-Request-Method: PUT")); err != nil {
		t.Error(err)
	}
}

func TestHijack(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(must(t, Policy{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = c.Write([]byte("HTTP/1.1 204 No Content\r\nX-Raw: 1\r\n\r\n"))
		_ = c.Close()
	})))
	defer srv.Close()
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, srv.URL, nil)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.Header.Get("X-Raw") != "1" {
		t.Error("the hijacked response did not arrive")
	}
}
