package origins

import (
	"strings"
	"testing"
	"time"
)

func TestNewErrors(t *testing.T) {
	t.Parallel()
	allow := func(s string) Policy { return Policy{Allow: []string{s}} }
	ok := []string{"https://app.example.com"}
	for _, tc := range []struct {
		name   string
		policy Policy
		want   []string // one substring for each mistake
	}{
		{"star with credentials", Policy{Allow: []string{"*"}, AllowCredentials: true}, []string{"origins.allow_credentials"}},
		{"star with others", Policy{Allow: []string{"*", "https://a.example.com"}}, []string{"only entry"}},
		{"star and private network", Policy{Allow: []string{"*"}, AllowPrivateNetwork: true}, []string{"origins.allow_private_network"}},
		{"star and methods", Policy{Allow: []string{"*"}, Methods: []string{"PUT"}}, []string{"origins.methods[0]"}},
		{"star in trust", Policy{Trust: []string{"*"}}, []string{"origins.trust[0]"}},
		{"null", allow("null"), []string{"origins.allow[0]: \"null\""}},
		{"null in trust", Policy{Trust: []string{"null"}}, []string{"origins.trust[0]: \"null\""}},
		{"http", allow("http://app.example.com"), []string{"dangerously_allow_insecure_origins"}},
		{"regular expression", allow(`https://.*\.example\.com`), []string{"no regular expressions"}},
		{"anchors", allow(`^https://app.example.com$`), []string{"no regular expressions"}},
		{"no scheme", allow("app.example.com"), []string{"no scheme"}},
		{"path", allow("https://app.example.com/"), []string{"no path"}},
		{"user", allow("https://me@app.example.com"), []string{"no user"}},
		{"default port", allow("https://app.example.com:443"), []string{"default port"}},
		{"default port http", allow("http://localhost:80"), []string{"default port"}},
		{"port 0", allow("https://app.example.com:0"), []string{"port"}},
		{"port plus", allow("https://app.example.com:+1"), []string{""}},
		{"port 65536", allow("https://app.example.com:65536"), []string{"port"}},
		{"port star", allow("https://app.example.com:*"), []string{"port"}},
		{"upper case", allow("https://App.example.com"), []string{"lower case"}},
		{"upper-case scheme", allow("HTTPS://app.example.com"), []string{"scheme"}},
		{"unicode", allow("https://bücher.example"), []string{"xn--"}},
		{"trailing dot", allow("https://app.example.com."), []string{"dot"}},
		{"underscore", allow("https://a_b.example.com"), []string{"DNS name"}},
		{"empty label", allow("https://a..example.com"), []string{"DNS name"}},
		{"no host", allow("https://"), []string{"DNS name"}},
		{"short IPv4", allow("https://127.1"), []string{"four decimal"}},
		{"long IPv6", allow("https://[0:0:0:0:0:0:0:1]"), []string{"shortest form"}},
		{"zone", allow("https://[fe80::1%eth0]"), []string{"shortest form"}},
		{"inner asterisk", allow("https://a*.example.com"), []string{"asterisk"}},
		{"asterisk not first", allow("https://a.*.example.com"), []string{"asterisk"}},
		{"two asterisks", allow("https://*.*.example.com"), []string{"asterisk"}},
		{"bare asterisk host", allow("https://*"), []string{"asterisk"}},
		{"wildcard address", allow("https://*.10.0.0.1"), []string{"address"}},
		{"public suffix com", allow("https://*.com"), []string{"dangerously_allow_public_suffixes"}},
		{"public suffix co.uk", allow("https://*.co.uk"), []string{"dangerously_allow_public_suffixes"}},
		{"public suffix github", allow("https://*.github.io"), []string{"dangerously_allow_public_suffixes"}},
		{"public suffix with port", allow("https://*.vercel.app:8443"), []string{"dangerously_allow_public_suffixes"}},
		{"public suffix region", allow("https://*.s3.eu-west-1.amazonaws.com"), []string{"dangerously_allow_public_suffixes"}},
		{"file", allow("file://x"), []string{"origin null"}},
		{"websocket scheme", allow("wss://app.example.com"), []string{"https://"}},
		{"wildcard app", allow("capacitor://*.example.com"), []string{"needs https"}},
		{"twice", Policy{Allow: []string{"https://a.example.com", "https://a.example.com"}}, []string{"origins.allow[1]"}},
		{"wildcard twice", Policy{Allow: []string{"https://*.example.com", "https://*.example.com"}}, []string{"origins.allow[1]"}},
		{"useless", Policy{AllowCredentials: true, Methods: []string{"PUT"}, RequestHeaders: []string{"X-A"}, ResponseHeaders: []string{"X-B"}, MaxAge: time.Minute, AllowPrivateNetwork: true},
			[]string{"origins.allow_credentials", "origins.methods", "origins.request_headers", "origins.response_headers", "origins.max_age", "origins.allow_private_network"}},
		{"two authorities", Policy{Allow: ok, AllowUpstreamCORS: true}, []string{"origins.allow_upstream_cors"}},
		{"methods", Policy{Allow: ok, Methods: []string{"TRACE", "trace", "CONNECT", "TRACK", "put", "*", "A B", "PUT", "PUT"}},
			[]string{"methods[0]", "methods[1]", "methods[2]", "methods[3]", "methods[4]", "methods[5]", "methods[6]", "methods[8]"}},
		{"request headers", Policy{Allow: ok, AllowCredentials: true, RequestHeaders: []string{"*", "Cookie", "Sec-X", "Proxy-X", "Host", "Access-Control-Allow-Origin", "X-HTTP-Method-Override", "A B", "X-A", "x-a"}},
			[]string{"request_headers[0]", "request_headers[1]", "request_headers[2]", "request_headers[3]", "request_headers[4]", "request_headers[5]", "request_headers[6]", "request_headers[7]", "request_headers[9]"}},
		{"response headers", Policy{Allow: ok, AllowCredentials: true, ResponseHeaders: []string{"*", "Set-Cookie", "Content-Type", "Access-Control-Max-Age", "Origin", "A B", "X-A", "x-a"}},
			[]string{"response_headers[0]", "response_headers[1]", "response_headers[2]", "response_headers[3]", "response_headers[4]", "response_headers[5]", "response_headers[7]"}},
		{"max age", Policy{Allow: ok, MaxAge: 2*time.Hour + time.Second}, []string{"origins.max_age"}},
		{"max age negative", Policy{Allow: ok, MaxAge: -time.Second}, []string{"origins.max_age"}},
		{"max age fraction", Policy{Allow: ok, MaxAge: 1500 * time.Millisecond}, []string{"origins.max_age"}},
		{"routes", Policy{Routes: []Route{{Path: "x", DangerouslyAllowCrossSite: true}, {Path: "/a"}, {Path: "/b", DangerouslyAllowCrossSite: true}, {Path: "/b", DangerouslyAllowCrossSite: true}}},
			[]string{"routes[0]", "routes[1]", "routes[3]"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tc.policy)
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tc.want) {
				t.Errorf("%d mistakes, want %d:\n%v", len(lines), len(tc.want), err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in\n%v", want, err)
				}
			}
		})
	}
}

func TestNewAccepts(t *testing.T) {
	t.Parallel()
	for _, p := range []Policy{
		{},
		{Allow: []string{"*"}},
		{Allow: []string{"*"}, RequestHeaders: []string{"*", "Authorization"}, ResponseHeaders: []string{"*"}},
		{Allow: []string{"*"}, Methods: []string{"PUT"}, DangerouslyAllowCrossSite: true},
		{Allow: []string{"https://app.example.com", "https://*.example.com", "https://*.example.com:8443", "https://app.example.com:8443"}, AllowCredentials: true, MaxAge: 2 * time.Hour},
		{Allow: []string{"http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000", "http://dev.localhost"}},
		{Allow: []string{"chrome-extension://abcdefghijklmnop", "capacitor://localhost"}},
		{Allow: []string{"https://10.0.0.1", "https://[2001:db8::1]:8443"}},
		{Allow: []string{"http://intranet.example.com"}, DangerouslyAllowInsecureOrigins: true},
		{Allow: []string{"https://*.github.io"}, DangerouslyAllowPublicSuffixes: true},
		{Allow: []string{"https://xn--bcher-kva.example"}, Methods: []string{"GET", "PATCH", "PURGE"}},
		{AllowUpstreamCORS: true, Trust: []string{"https://app.example.com"}},
	} {
		if _, err := New(p); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestLoosened(t *testing.T) {
	t.Parallel()
	if l := (Policy{}).Loosened(); len(l) != 0 {
		t.Errorf("the zero policy is loosened: %v", l)
	}
	p := Policy{
		Allow: []string{"https://a.example.com"}, Trust: []string{"https://b.example.com"}, AllowCredentials: true, Methods: []string{"PUT"},
		RequestHeaders: []string{"X"}, ResponseHeaders: []string{"X"}, AllowPrivateNetwork: true, AllowUpstreamCORS: true,
		DangerouslyAllowCrossSite: true, DangerouslyAllowCrossSiteUpgrades: true, DangerouslyAllowInsecureOrigins: true, DangerouslyAllowPublicSuffixes: true,
		Routes: []Route{{Path: "/x", DangerouslyAllowCrossSite: true, DangerouslyAllowCrossSiteUpgrades: true}},
	}
	known := map[string]bool{}
	for _, r := range Rules() {
		known[r.ID] = true
	}
	got := map[string]bool{}
	for _, l := range p.Loosened() {
		if !known[l.Rule] || l.Effect == "" {
			t.Errorf("%+v", l)
		}
		got[l.Key] = true
	}
	for _, key := range []string{"allow[0]", "trust[0]", "allow_credentials", "methods", "request_headers", "response_headers", "allow_private_network", "allow_upstream_cors", "dangerously_allow_cross_site", "dangerously_allow_cross_site_upgrades", "dangerously_allow_insecure_origins", "dangerously_allow_public_suffixes", "routes[0].dangerously_allow_cross_site", "routes[0].dangerously_allow_cross_site_upgrades"} {
		if !got["origins."+key] {
			t.Errorf("%s is not reported", key)
		}
	}
}
