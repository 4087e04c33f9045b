package origins

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

var fuzzed = Policy{
	Allow:          []string{"https://app.example.com", "https://*.pages.example.com", "https://*.example.org:8443"},
	Trust:          []string{"https://forms.example.net"},
	Methods:        []string{"PUT"},
	RequestHeaders: []string{"content-type"},
}

// FuzzOrigin: an origin that is allowed is one that the standard library's
// URL parser reads as nothing but a scheme and a listed host, and it is
// written back as it came.
func FuzzOrigin(f *testing.F) {
	for _, s := range []string{
		"https://app.example.com", "https://a.pages.example.com", "https://a.b.example.org:8443", "null", "",
		"https://example.com.evil.com", "https://evilexample.com", "https://app.example.com:443", "HTTPS://APP.EXAMPLE.COM",
		"https://example.com%60.evil.com", "https://a.example.com_.evil.com", "https://evil.com\\.pages.example.com",
		"https://evil.com#.pages.example.com", "https://[::1].pages.example.com", "https://a@b.pages.example.com",
		"https://" + strings.Repeat("a.", 200) + "pages.example.com", "https://xn--.pages.example.com",
	} {
		f.Add(s)
	}
	g, err := New(fuzzed)
	if err != nil {
		f.Fatal(err)
	}
	h := g.Wrap(http.HandlerFunc(reflecting))
	f.Fuzz(func(t *testing.T, origin string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Origin"] = []string{origin}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		allowed := rec.Header()["Access-Control-Allow-Origin"]
		if len(allowed) == 0 {
			return
		}
		if len(allowed) != 1 || allowed[0] != origin {
			t.Fatalf("%q allowed as %q", origin, allowed)
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Scheme+"://"+u.Host != origin {
			t.Fatalf("%q was allowed and is no origin", origin)
		}
		name := "." + u.Hostname()
		switch {
		case origin == "https://app.example.com":
		case strings.HasSuffix(name, ".pages.example.com") && u.Port() == "":
		case strings.HasSuffix(name, ".example.org") && u.Port() == "8443":
		default:
			t.Fatalf("%q was allowed", origin)
		}
	})
}

// FuzzCheck: Check passes exactly what Wrap gives to the next handler or
// answers 204, and nothing passes that the standard library's protection
// refuses unless the policy or the request's own host says so.
func FuzzCheck(f *testing.F) {
	f.Add("POST", "https://evil.com", "cross-site", "", "", "", "api.example.com")
	f.Add("POST", "http://api.example.com", "", "", "", "", "api.example.com:80")
	f.Add("GET", "https://app.example.com", "", "websocket", "", "", "api.example.com")
	f.Add("OPTIONS", "https://app.example.com", "", "", "PUT", "content-type", "api.example.com")
	f.Add("OPTIONS", "https://x.pages.example.com", "same-site", "", "PUT", ",,,,x", "api.example.com")
	f.Add("OPTIONS", "null", "none", "h2c", "GET", strings.Repeat(",", 70), "")
	g, err := New(fuzzed)
	if err != nil {
		f.Fatal(err)
	}
	cop := http.NewCrossOriginProtection()
	f.Fuzz(func(t *testing.T, method, origin, site, upgrade, acrm, acrh, host string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method, r.Host = method, host
		for name, value := range map[string]string{"Origin": origin, "Sec-Fetch-Site": site, "Upgrade": upgrade, "Access-Control-Request-Method": acrm, "Access-Control-Request-Headers": acrh} {
			if value != "" {
				r.Header[name] = []string{value}
			}
		}
		called := false
		rec := httptest.NewRecorder()
		g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })).ServeHTTP(rec, r)
		err := g.Check(r)
		granted := rec.Code == http.StatusNoContent && !called
		if (err == nil) != (called || granted) {
			t.Fatalf("Check %v, called %v, status %d", err, called, rec.Code)
		}
		if granted && !isPreflight(r) {
			t.Fatal("answered what is no preflight")
		}
		if called && isPreflight(r) {
			t.Fatal("a preflight reached the app")
		}
		if acao := rec.Header().Get("Access-Control-Allow-Origin"); err != nil && acao != "" {
			t.Fatalf("refused and allowed %q", acao)
		}
		excused := g.trusts(origin) || site == "" && sameOrigin(r, origin)
		if called && cop.Check(r) != nil && !excused {
			t.Fatal("weaker than CrossOriginProtection")
		}
	})
}

// FuzzNew: what New accepts as an origin matches itself, byte for byte, and
// so is something that a browser can send.
func FuzzNew(f *testing.F) {
	for _, s := range []string{"https://app.example.com", "https://*.example.com", "http://[::1]:3000", "https://a:1", "*", "null", "https://*.a.b:1", "x://y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := New(Policy{Allow: []string{s}})
		if err != nil || s == "*" {
			return
		}
		origin := strings.Replace(s, "*.", "label.", 1)
		if !g.allow.match(origin) {
			t.Fatalf("%q does not allow %q", s, origin)
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme+"://"+u.Host != origin {
			t.Fatalf("%q was accepted and is no origin (%v)", s, err)
		}
	})
}
