package crosssite

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/finding"
)

const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"servers":[{"url":"https://api.example.com"}],
"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"},"c":{"type":"apiKey","in":"cookie","name":"session"}}},
"paths":{
"/me":{"get":{"security":[{"b":[]},{"c":[]}],"responses":{"200":{}}}},
"/notes":{"post":{"security":[{"b":[]},{"c":[]}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},"responses":{"201":{}}}},
"/internal/stats":{"get":{"security":[{"b":[]}],"responses":{"200":{}}}},
"/public":{"get":{"responses":{"200":{}}}},
"/login":{"post":{"requestBody":{"required":true,"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","required":["username","password"],"properties":{"username":{"type":"string"},"password":{"type":"string"},"next":{"type":"string"}}}}}},"responses":{}}},
"/forgot":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["email"],"properties":{"email":{"type":"string"}}}}}},"responses":{}}},
"/go":{"get":{"parameters":[{"name":"next","in":"query","required":true,"schema":{"type":"string"}}],"responses":{"302":{}}}}}}`

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func in(r *http.Request) bool {
	c, err := r.Cookie("session")
	return r.Header.Get("Authorization") == "Bearer token-of-a" || err == nil && c.Value == "0123456789abcdef0123"
}

// app is well made; the hooks are what is changed about it.
type app struct {
	before func(w http.ResponseWriter, r *http.Request) bool // true: answered
}

func (a app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.before != nil && a.before(w, r) {
		return
	}
	switch {
	case r.Method == "OPTIONS":
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/me" || r.URL.Path == "/internal/stats":
		if !in(r) {
			w.WriteHeader(401)
			return
		}
		answer(w, map[string]string{"name": "alice", "path": r.URL.Path})
	case r.URL.Path == "/notes" && r.Method == "POST":
		switch {
		case !in(r):
			w.WriteHeader(401)
		case r.Header.Get("Content-Type") != "application/json":
			w.WriteHeader(415)
		default:
			w.WriteHeader(201)
			_, _ = io.WriteString(w, `{"id":1}`)
		}
	case r.URL.Path == "/public":
		answer(w, map[string]string{"hello": "world"})
	case r.URL.Path == "/go":
		if next := r.URL.Query().Get("next"); strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") && !strings.Contains(next, `\`) {
			w.Header().Set("Location", next)
			w.WriteHeader(302)
			return
		}
		w.WriteHeader(400)
	default:
		w.WriteHeader(404)
	}
}

func bearer() *identity.Identity { return trialtest.Bearer("a", "token-of-a") }

func withCookie() *identity.Identity {
	return &identity.Identity{Name: "a", Cookies: []*http.Cookie{{Name: "session", Value: "0123456789abcdef0123"}}}
}

type wanted struct {
	verdict  trial.Verdict
	severity finding.Severity
	got      string
}

func check(t *testing.T, id string, h http.Handler, who *identity.Identity, want wanted) {
	t.Helper()
	tr := trialtest.New(t, doc, h, who)
	judge(t, id, tr, want)
}

func judge(t *testing.T, id string, tr *trial.Trial, want wanted) {
	t.Helper()
	results := trialtest.Run(t, tr, Checks(), id)
	r := trialtest.Worst(results)
	severity := r.Severity
	if r.Verdict == trial.Fail && severity == finding.Unknown {
		severity = r.Check.Severity
	}
	if r.Verdict != want.verdict || want.severity != 0 && severity != want.severity || !strings.Contains(r.Got, want.got) {
		t.Errorf("%s: %v %v, got %q, reason %q; want %v %v %q", id, r.Verdict, severity, r.Got, r.Reason, want.verdict, want.severity, want.got)
	}
	if r.Verdict == trial.Fail && len(r.Shown) == 0 {
		t.Errorf("%s: nothing shows it", id)
	}
}

func TestWellMadePasses(t *testing.T) {
	hosts := app{before: func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.Host, "127.0.0.1:") {
			w.WriteHeader(421)
			return true
		}
		return false
	}}
	for _, who := range []*identity.Identity{bearer(), withCookie()} {
		tr := trialtest.New(t, doc, hosts, who)
		for _, c := range Checks() {
			for _, r := range trialtest.Run(t, tr, Checks(), c.ID) {
				if r.Verdict == trial.Fail || r.Verdict == trial.Suspect {
					t.Errorf("%s %s: %v %s", c.ID, r.Operation, r.Verdict, r.Got)
				}
			}
		}
	}
}

// cors answers with what a function makes of the origin.
func cors(allow func(origin string) string, credentials bool, vary bool) http.Handler {
	return app{before: func(w http.ResponseWriter, r *http.Request) bool {
		if vary {
			w.Header().Add("Vary", "Origin")
		}
		if v := allow(r.Header.Get("Origin")); v != "" {
			w.Header().Set("Access-Control-Allow-Origin", v)
			if credentials {
				w.Header().Set("Access-Control-Allow-Credentials", "true")
			}
		}
		return false
	}}
}

func TestCORS(t *testing.T) {
	only := func(origin string) string {
		if origin == "https://app.example.com" {
			return origin
		}
		return ""
	}
	when := func(f func(string) bool) func(string) string {
		return func(origin string) string {
			if f(origin) {
				return origin
			}
			return ""
		}
	}
	for name, c := range map[string]struct {
		h    http.Handler
		want wanted
	}{
		"reflected with credentials": {cors(func(o string) string { return o }, true, true), wanted{trial.Fail, finding.High, "with credentials"}},
		"reflected":                  {cors(func(o string) string { return o }, false, true), wanted{trial.Fail, finding.Medium, "without credentials"}},
		"star with credentials":      {cors(func(string) string { return "*" }, true, false), wanted{trial.Fail, finding.High, "*"}},
		"star":                       {cors(func(string) string { return "*" }, false, false), wanted{trial.Fail, finding.Low, "*"}},
		"null":                       {cors(when(func(o string) bool { return o == "null" }), true, true), wanted{trial.Fail, finding.High, "null"}},
		"suffix": {cors(when(func(o string) bool {
			return strings.HasSuffix(o, "app.example.com") && strings.HasPrefix(o, "https://")
		}), false, true), wanted{trial.Fail, finding.Medium, "ends as"}},
		"prefix":      {cors(when(func(o string) bool { return strings.HasPrefix(o, "https://app.example.com") }), true, true), wanted{trial.Fail, finding.High, "begins as"}},
		"bare dot":    {cors(when(func(o string) bool { return o == "https://app.example.com" || o == "https://appxexample.com" }), true, true), wanted{trial.Fail, finding.High, "another character"}},
		"without TLS": {cors(when(func(o string) bool { return strings.HasSuffix(o, "://app.example.com") }), true, true), wanted{trial.Fail, finding.High, "without TLS"}},
		"subdomains": {cors(when(func(o string) bool {
			return o == "https://app.example.com" || strings.HasPrefix(o, "https://") && strings.HasSuffix(o, ".app.example.com")
		}), true, true), wanted{trial.Suspect, finding.Low, "subdomain"}},
		"one alone":   {cors(only, true, true), wanted{verdict: trial.Pass}},
		"a fixed one": {cors(func(string) string { return "https://app.example.com" }, true, false), wanted{verdict: trial.Pass}},
		"none":        {app{}, wanted{verdict: trial.Pass}},
	} {
		t.Run(name, func(t *testing.T) { check(t, "probe/cors-origin", c.h, bearer(), c.want) })
	}
	check(t, "probe/cors-vary", cors(only, true, false), bearer(), wanted{trial.Fail, finding.Low, "without Vary"})
	check(t, "probe/cors-vary", cors(only, true, true), bearer(), wanted{verdict: trial.Pass})
	check(t, "probe/cors-vary", cors(func(string) string { return "*" }, false, false), bearer(), wanted{verdict: trial.NotApplicable})
}

// Some libraries say * until there is a cookie.
func TestCORSWithCookieOnly(t *testing.T) {
	h := app{before: func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		if r.Header.Get("Cookie") != "" {
			w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		}
		return false
	}}
	check(t, "probe/cors-origin", h, bearer(), wanted{trial.Fail, finding.High, "by name, with credentials"})
}

func TestPreflight(t *testing.T) {
	answering := func(methods, headers, age string) http.Handler {
		return app{before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Origin") == "https://app.example.com" {
				w.Header().Set("Access-Control-Allow-Origin", "https://app.example.com")
				w.Header().Set("Access-Control-Allow-Methods", methods)
				if headers == "echo" {
					headers = r.Header.Get("Access-Control-Request-Headers")
				}
				w.Header().Set("Access-Control-Allow-Headers", headers)
				w.Header().Set("Access-Control-Max-Age", age)
			}
			return false
		}}
	}
	for _, c := range []struct {
		h    http.Handler
		want wanted
	}{
		{answering("GET, POST", "content-type, authorization", "7200"), wanted{verdict: trial.Pass}},
		{answering("*", "content-type", "600"), wanted{trial.Fail, finding.Low, "methods"}},
		{answering("GET, DELETE", "content-type", "600"), wanted{trial.Fail, finding.Low, "DELETE"}},
		{answering("GET", "*", "600"), wanted{trial.Fail, finding.Low, "any header field"}},
		{answering("GET", "content-type", "86400"), wanted{trial.Fail, finding.Low, "86400"}},
		{app{}, wanted{verdict: trial.Pass}},
	} {
		check(t, "probe/cors-preflight", c.h, bearer(), c.want)
	}
}

func TestCookies(t *testing.T) {
	setting := func(cookie string) http.Handler {
		return app{before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/me" {
				w.Header().Add("Set-Cookie", cookie)
			}
			return false
		}}
	}
	const secret = "=0123456789abcdef0123"
	for _, c := range []struct {
		cookie string
		want   wanted
	}{
		{"session" + secret, wanted{trial.Fail, finding.Medium, "HttpOnly, SameSite"}},
		{"session" + secret + "; HttpOnly", wanted{trial.Fail, finding.Medium, "without SameSite"}},
		{"session" + secret + "; HttpOnly; SameSite=None; Secure", wanted{trial.Fail, finding.Medium, "SameSite other than None"}},
		{"session" + secret + "; HttpOnly; SameSite=Lax", wanted{verdict: trial.Pass}},
		{"csrftoken" + secret, wanted{verdict: trial.NotApplicable}},
		{"theme=dark", wanted{verdict: trial.NotApplicable}},
		{"session=; Max-Age=0", wanted{verdict: trial.NotApplicable}},
	} {
		check(t, "probe/cookie-flags", setting(c.cookie), bearer(), c.want)
	}
	for cookie, want := range map[string]wanted{
		"session" + secret + "; HttpOnly; SameSite=Lax":                        {trial.Fail, finding.Medium, "Secure"},
		"session" + secret + "; HttpOnly; SameSite=Lax; Secure":                {trial.Fail, finding.Low, ""},
		"__Host-session" + secret + "; HttpOnly; SameSite=Lax; Secure; Path=/": {verdict: trial.Pass},
	} {
		srv := httptest.NewTLSServer(setting(cookie))
		defer srv.Close()
		judge(t, "probe/cookie-flags", trialtest.At(t, srv, doc, bearer()), want)
	}
}

func TestCSRF(t *testing.T) {
	lenient := func(refuse func(r *http.Request) bool, sameSite string) http.Handler {
		return app{before: func(w http.ResponseWriter, r *http.Request) bool {
			if sameSite != "" && r.URL.Path == "/me" {
				w.Header().Set("Set-Cookie", "session=0123456789abcdef0123; HttpOnly; SameSite="+sameSite)
			}
			if r.URL.Path != "/notes" || !in(r) {
				return false
			}
			if refuse(r) {
				w.WriteHeader(403)
				return true
			}
			w.WriteHeader(201)
			_, _ = io.WriteString(w, `{"id":1}`)
			return true
		}}
	}
	never := func(*http.Request) bool { return false }
	for _, c := range []struct {
		h    http.Handler
		who  *identity.Identity
		want wanted
	}{
		{lenient(never, ""), withCookie(), wanted{trial.Fail, finding.High, "form of another site"}},
		{lenient(never, "None"), withCookie(), wanted{trial.Fail, finding.High, ""}},
		{lenient(never, "Lax"), withCookie(), wanted{trial.Fail, finding.Low, "SameSite"}},
		{lenient(func(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") == "cross-site" }, ""), withCookie(), wanted{verdict: trial.Pass}},
		{lenient(func(r *http.Request) bool { return r.Header.Get("Origin") != "" }, ""), withCookie(), wanted{verdict: trial.Pass}},
		{app{}, withCookie(), wanted{verdict: trial.Pass}}, // 415
	} {
		check(t, "probe/csrf", c.h, c.who, c.want)
	}
	if results := trialtest.Run(t, trialtest.New(t, doc, lenient(never, ""), bearer()), Checks(), "probe/csrf"); len(results) != 0 {
		t.Errorf("who calls with a token was judged: %v", results)
	}
	// A token against it is sent by the identity, and not by the attacker.
	guarded := withCookie()
	guarded.Header = http.Header{"X-Csrf-Token": {"abcdef0123456789"}}
	check(t, "probe/csrf", lenient(func(r *http.Request) bool { return r.Header.Get("X-Csrf-Token") == "" }, ""), guarded, wanted{verdict: trial.Pass})
}

func TestHosts(t *testing.T) {
	link := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/public" {
			answer(w, map[string]string{"self": "http://" + r.Host + "/public"})
			return true
		}
		return false
	}
	slash := func(w http.ResponseWriter, r *http.Request) bool {
		if path, ok := strings.CutSuffix(r.URL.Path, "/"); ok && path != "" {
			w.Header().Set("Location", "http://"+r.Host+path)
			w.WriteHeader(307)
			return true
		}
		return false
	}
	allow := func(next func(http.ResponseWriter, *http.Request) bool, forwardedToo bool) app {
		return app{before: func(w http.ResponseWriter, r *http.Request) bool {
			host := r.Host
			if v := r.Header.Get("X-Forwarded-Host"); v != "" && forwardedToo {
				host = v
			}
			if !strings.HasPrefix(host, "127.0.0.1:") {
				w.WriteHeader(400)
				return true
			}
			return next != nil && next(w, r)
		}}
	}
	elsewhere := app{before: func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.Host, "127.0.0.1:") {
			_, _ = io.WriteString(w, "a page for other hosts")
			return true
		}
		return false
	}}
	check(t, "probe/unknown-host", app{}, bearer(), wanted{trial.Fail, finding.Low, "200 to a Host"})
	check(t, "probe/unknown-host", app{before: link}, bearer(), wanted{trial.Fail, finding.Medium, "comes back"})
	check(t, "probe/unknown-host", app{before: slash}, bearer(), wanted{trial.Fail, finding.Medium, "redirect leads to it"})
	check(t, "probe/unknown-host", allow(link, false), bearer(), wanted{verdict: trial.Pass})
	check(t, "probe/unknown-host", allow(nil, true), bearer(), wanted{trial.Fail, finding.Low, "X-Forwarded-Host"})
	absolute := app{before: func(w http.ResponseWriter, r *http.Request) bool { // Host is looked at, and the target is used
		if r.URL.Host != "" {
			answer(w, map[string]string{"hello": r.URL.Host})
			return r.URL.Path == "/public"
		}
		if !strings.HasPrefix(r.Host, "127.0.0.1:") {
			w.WriteHeader(400)
			return true
		}
		return false
	}}
	check(t, "probe/unknown-host", absolute, bearer(), wanted{trial.Fail, finding.Low, "target of another host"})
	check(t, "probe/unknown-host", elsewhere, bearer(), wanted{verdict: trial.Pass})
}

// believing is an API that asks a field where it should ask the connection.
func believing(field string, trusted func(remote string) bool, use func(w http.ResponseWriter, r *http.Request, value string) bool) http.Handler {
	return app{before: func(w http.ResponseWriter, r *http.Request) bool {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if v := r.Header.Get(field); v != "" && trusted(host) {
			return use(w, r, v)
		}
		return use(w, r, "")
	}}
}

func TestForwarded(t *testing.T) {
	all := func(string) bool { return true }
	proxy := func(remote string) bool { return remote == "127.0.0.1" }
	client := func(w http.ResponseWriter, r *http.Request, v string) bool {
		if r.URL.Path != "/public" {
			return false
		}
		if v == "" {
			v, _, _ = net.SplitHostPort(r.RemoteAddr)
		}
		answer(w, map[string]string{"client": v})
		return true
	}
	absolute := func(scheme, host string, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/public" {
			answer(w, map[string]string{"next": scheme + "://" + host + "/public?page=2"})
			return true
		}
		return false
	}
	host := func(w http.ResponseWriter, r *http.Request, v string) bool {
		if v == "" {
			v = r.Host
		}
		return absolute("http", v, w, r)
	}
	scheme := func(w http.ResponseWriter, r *http.Request, v string) bool {
		if v == "" {
			v = "http"
		}
		return absolute(v, r.Host, w, r)
	}
	dump := app{before: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/public" {
			answer(w, r.Header)
			return true
		}
		return false
	}}
	check(t, "probe/forwarded-trusted", believing("X-Forwarded-For", all, client), bearer(), wanted{trial.Fail, finding.Medium, "X-Forwarded-For"})
	check(t, "probe/forwarded-trusted", believing("X-Real-Ip", all, client), bearer(), wanted{trial.Fail, finding.Medium, "X-Real-Ip"})
	check(t, "probe/forwarded-trusted", believing("X-Forwarded-Host", all, host), bearer(), wanted{trial.Fail, finding.Medium, "the API's name is what X-Forwarded-Host"})
	check(t, "probe/forwarded-trusted", believing("X-Forwarded-Proto", all, scheme), bearer(), wanted{trial.Fail, finding.Medium, "the scheme is what X-Forwarded-Proto"})
	check(t, "probe/forwarded-trusted", believing("X-Forwarded-For", proxy, client), bearer(), wanted{verdict: trial.Pass})
	check(t, "probe/forwarded-trusted", believing("X-Forwarded-Proto", proxy, scheme), bearer(), wanted{verdict: trial.Pass})
	check(t, "probe/forwarded-trusted", dump, bearer(), wanted{verdict: trial.Pass})
	reset := app{before: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/forgot" {
			answer(w, map[string]string{"continue_at": "http://" + r.Header.Get("X-Forwarded-Host") + "/reset"})
			return true
		}
		return false
	}}
	check(t, "probe/forwarded-trusted", reset, bearer(), wanted{trial.Fail, finding.Medium, "the API's name is what X-Forwarded-Host"})
}

func TestLimitCountedByField(t *testing.T) {
	limited := func(field string) http.Handler {
		var mu sync.Mutex
		used := map[string]int{}
		return app{before: func(w http.ResponseWriter, r *http.Request) bool {
			key, _, _ := net.SplitHostPort(r.RemoteAddr)
			if v := r.Header.Get(field); field != "" && v != "" {
				key = v
			}
			mu.Lock()
			defer mu.Unlock()
			used[key]++
			w.Header().Set("X-RateLimit-Remaining", fmt.Sprint(1000-used[key]))
			return false
		}}
	}
	check(t, "probe/forwarded-trusted", limited("X-Forwarded-For"), bearer(), wanted{trial.Fail, finding.Medium, "limit is counted"})
	check(t, "probe/forwarded-trusted", limited(""), bearer(), wanted{verdict: trial.Pass})
}

func TestAddresses(t *testing.T) {
	all := func(string) bool { return true }
	local := func(w http.ResponseWriter, r *http.Request, v string) bool {
		if r.URL.Path != "/internal/stats" {
			return false
		}
		if v == "" {
			v, _, _ = net.SplitHostPort(r.RemoteAddr)
		}
		if v == "127.0.0.1" || in(r) {
			answer(w, map[string]int{"users": 3})
			return true
		}
		w.WriteHeader(403)
		return true
	}
	served := app{before: func(w http.ResponseWriter, r *http.Request) bool { // by any field at all
		if r.URL.Path == "/internal/stats" && r.Header.Get("X-Forwarded-For") != "" {
			answer(w, map[string]int{"users": 3})
			return true
		}
		return false
	}}
	rewriting := app{before: func(w http.ResponseWriter, r *http.Request) bool {
		if v := r.Header.Get("X-Original-Url"); v == "/me" {
			answer(w, map[string]string{"name": "alice", "path": "/me"})
			return true
		}
		return false
	}}
	check(t, "probe/address-authorises", believing("X-Forwarded-For", all, local), bearer(), wanted{trial.Fail, finding.High, "127.0.0.1"})
	check(t, "probe/address-authorises", believing("X-Real-Ip", all, local), bearer(), wanted{trial.Fail, finding.High, "127.0.0.1"})
	check(t, "probe/address-authorises", rewriting, bearer(), wanted{trial.Fail, finding.High, "X-Original-URL"})
	check(t, "probe/address-authorises", app{}, bearer(), wanted{verdict: trial.Pass})
	check(t, "probe/address-authorises", served, bearer(), wanted{verdict: trial.Pass})
	check(t, "probe/address-authorises", believing("X-Forwarded-For", func(string) bool { return false }, func(_ http.ResponseWriter, _ *http.Request, _ string) bool { return false }), bearer(), wanted{verdict: trial.Pass})
}

func TestRedirects(t *testing.T) {
	to := func(ok func(string) bool) http.Handler {
		return app{before: func(w http.ResponseWriter, r *http.Request) bool {
			next := r.URL.Query().Get("next")
			if r.URL.Path != "/go" || !ok(next) {
				return false
			}
			w.Header().Set("Location", next)
			w.WriteHeader(302)
			return true
		}}
	}
	for _, c := range []struct {
		h    http.Handler
		want wanted
	}{
		{to(func(string) bool { return true }), wanted{trial.Fail, finding.Medium, "https://HOST"}},
		{to(func(s string) bool { return strings.HasPrefix(s, "/") }), wanted{trial.Fail, finding.Medium, "//HOST"}},
		{to(func(s string) bool { return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") }), wanted{trial.Fail, finding.Medium, `/\HOST`}},
		{to(func(s string) bool { return strings.HasPrefix(s, "https://127.0.0.1") }), wanted{trial.Fail, finding.Medium, "@HOST"}},
		{app{before: func(w http.ResponseWriter, r *http.Request) bool { // after a login
			if r.URL.Path != "/login" {
				return false
			}
			next := r.PostFormValue("next")
			if !strings.HasPrefix(next, "/") {
				next = "/home"
			}
			w.Header().Set("Location", next)
			w.WriteHeader(303)
			return true
		}}, wanted{trial.Fail, finding.Medium, "//HOST"}},
		{app{}, wanted{verdict: trial.Pass}},
		{app{before: func(w http.ResponseWriter, r *http.Request) bool { // always home
			if r.URL.Path == "/go" {
				w.Header().Set("Location", "/home?from="+r.URL.Query().Get("next"))
				w.WriteHeader(302)
				return true
			}
			return false
		}}, wanted{verdict: trial.Pass}},
		{app{before: func(w http.ResponseWriter, r *http.Request) bool { // a slash is taken away
			if path, ok := strings.CutSuffix(r.URL.Path, "/"); ok && path != "" {
				w.Header().Set("Location", path)
				w.WriteHeader(301)
				return true
			}
			return false
		}}, wanted{trial.Fail, finding.Medium, "begins with //"}},
	} {
		check(t, "probe/open-redirect", c.h, bearer(), c.want)
	}
}

func TestLeads(t *testing.T) {
	for location, want := range map[string]bool{
		"https://x.invalid": true, "//x.invalid/a": true, `/\x.invalid`: true, `\\x.invalid`: true, "https:x.invalid": true, "HTTPS:///x.invalid": true, " //x.invalid": true, "/\t/x.invalid": true,
		"https://api@x.invalid/": true, "https://api.x.invalid": true,
		"/x.invalid": false, "https://api/x.invalid": false, "https://api?x.invalid": false, "https://api#@x.invalid": false, "https://xx.invalid.api": false, "x.invalid": false, "": false, "https://ax.invalid": false,
	} {
		if got := leads(location, "x.invalid"); got != want {
			t.Errorf("%q: %v", location, got)
		}
	}
}
