package headers

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/pavise-dev/pavise/promise"
)

// caller asks one server, and follows no redirects.
func caller(t testing.TB, srv *httptest.Server) promise.Caller {
	t.Helper()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host = base.Scheme, base.Host
		return client.Do(req)
	}
}

// leaky answers 200 to everything and says what it is.
func leaky(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Server", "uvicorn")
	w.Header().Set("X-Powered-By", "x")
	_, _ = io.WriteString(w, "{}")
}

func verdicts(t testing.TB, h http.Handler, list []promise.Promise, overTLS bool) map[string]error {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	if overTLS {
		srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		srv.StartTLS()
	} else {
		srv.Start()
	}
	defer srv.Close()
	call := caller(t, srv)
	got := map[string]error{}
	for _, p := range list {
		asked := 0
		got[p.ID] = p.Test(context.Background(), func(r *http.Request) (*http.Response, error) {
			asked++
			return call(r)
		})
		if asked > 6 {
			t.Errorf("%s asks %d times", p.ID, asked)
		}
	}
	return got
}

func isBroken(err error) bool {
	var b *promise.BrokenError
	return errors.As(err, &b)
}

// TestPromises: a bare handler breaks each, the guard alone keeps each, over
// TLS. Over plain HTTP only HSTS is open.
func TestPromises(t *testing.T) {
	g := mustNew(t, Policy{})
	list := g.Promises()
	if len(list) != len(Rules()) {
		t.Errorf("%d promises for %d rules", len(list), len(Rules()))
	}
	for _, overTLS := range []bool{true, false} {
		for id, err := range verdicts(t, http.HandlerFunc(leaky), list, overTLS) {
			if id == "headers/hsts" && !overTLS {
				if err == nil || isBroken(err) {
					t.Errorf("%s over plain HTTP: %v", id, err)
				}
			} else if !isBroken(err) {
				t.Errorf("bare, TLS %v: %s: %v", overTLS, id, err)
			}
		}
		for id, err := range verdicts(t, g.Wrap(http.HandlerFunc(leaky)), list, overTLS) {
			if id == "headers/hsts" && !overTLS {
				if err == nil || isBroken(err) {
					t.Errorf("%s over plain HTTP: %v", id, err)
				}
			} else if err != nil {
				t.Errorf("guarded, TLS %v: %s: %v", overTLS, id, err)
			}
		}
	}
	// RFC 6797 section 7.2.
	wrong := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(hSTS, "max-age=63072000; includeSubDomains")
	})
	if err := verdicts(t, wrong, list, false)["headers/hsts"]; !isBroken(err) {
		t.Errorf("HSTS over plain HTTP: %v", err)
	}
}

// loosen reads a rule's snippet as the policy that it is.
func loosen(t testing.TB, text string) Policy {
	t.Helper()
	var whole struct {
		Headers Policy `yaml:"headers"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(text), &whole, yaml.Strict()); err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return whole.Headers
}

// TestLoosen: each snippet breaks its own promise and no other, and is
// reported.
func TestLoosen(t *testing.T) {
	list := mustNew(t, Policy{}).Promises()
	for _, r := range Rules() {
		t.Run(r.ID, func(t *testing.T) {
			p := loosen(t, r.Loosen)
			g := mustNew(t, p)
			for id, err := range verdicts(t, g.Wrap(http.HandlerFunc(leaky)), list, true) {
				if id == r.ID && !isBroken(err) {
					t.Errorf("not broken: %v", err)
				}
				if id != r.ID && err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
			var rules []string
			for _, l := range p.Loosened() {
				rules = append(rules, l.Rule)
				if !strings.HasPrefix(l.Key, "headers.") || l.Effect == "" {
					t.Errorf("%+v", l)
				}
			}
			if !slices.Equal(rules, []string{r.ID}) {
				t.Errorf("reported: %v", rules)
			}
			// What the loose policy still promises, it keeps.
			for id, err := range verdicts(t, g.Wrap(http.HandlerFunc(leaky)), g.Promises(), true) {
				if err != nil {
					t.Errorf("%s is promised and not kept: %v", id, err)
				}
			}
			if r.Claim == "" || r.Attack == "" || r.Cost == "" || len(r.Refs) == 0 {
				t.Errorf("%+v is not documented", r)
			}
		})
	}
}

// TestWhatPresetsPromise pins which rules hold under each preset, so that no
// promise is dropped unseen.
func TestWhatPresetsPromise(t *testing.T) {
	every := []string{}
	for _, r := range Rules() {
		every = append(every, r.ID)
	}
	without := func(ids ...string) []string {
		return slices.DeleteFunc(slices.Clone(every), func(id string) bool { return slices.Contains(ids, id) })
	}
	for name, want := range map[string][]string{
		presetAPI:   every,
		presetWeb:   every,
		presetGuide: without("headers/isolation", "headers/cross-domain-policies", "headers/dns-prefetch"),
		presetOSHP:  without("headers/xss-auditor"),
	} {
		p := Policy{Preset: name}
		g := mustNew(t, p)
		var got []string
		for _, p := range g.Promises() {
			got = append(got, p.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s promises %v, want %v", name, got, want)
		}
		for id, err := range verdicts(t, g.Wrap(http.HandlerFunc(leaky)), g.Promises(), true) {
			if err != nil {
				t.Errorf("%s: %s: %v", name, id, err)
			}
		}
	}
}

func TestLoosened(t *testing.T) {
	for _, c := range []struct {
		p    Policy
		want []string // rule and key
	}{
		{Policy{}, nil},
		{Policy{Preset: "api", Set: map[string]string{"X-Frame-Options": "deny", "X-Other": "x"}, HSTS: HSTS{Preload: true}}, nil},
		{Policy{NoStore: NoStore{Paths: []string{"/"}}}, nil},
		{Policy{NoStore: NoStore{Paths: []string{"/v1/"}}}, []string{"headers/no-store headers.no_store.paths"}},
		{Policy{Set: map[string]string{"X-Frame-Options": "SAMEORIGIN"}}, []string{"headers/framing headers.set.X-Frame-Options"}},
		{Policy{Default: map[string]string{"Referrer-Policy": "no-referrer"}}, []string{"headers/referrer headers.default.Referrer-Policy"}},
		{Policy{HSTS: HSTS{MaxAge: 300}}, []string{"headers/hsts headers.hsts.max_age"}},
		{Policy{HSTS: HSTS{AllowInsecureSubdomains: true}}, []string{"headers/hsts headers.hsts.allow_insecure_subdomains"}},
		{Policy{InsecureCSPReportOnly: true}, []string{"headers/framing headers.insecure_csp_report_only", "headers/csp headers.insecure_csp_report_only"}},
		{Policy{Preset: "web"}, []string{"headers/csp headers.preset", "headers/isolation headers.preset"}},
		{Policy{Preset: "oshp"}, []string{"headers/xss-auditor headers.preset", "headers/csp headers.preset", "headers/isolation headers.preset"}},
		{Policy{Preset: "guide"}, []string{
			"headers/permissions headers.preset", "headers/csp headers.preset", "headers/isolation headers.preset", "headers/referrer headers.preset",
			"headers/cross-domain-policies headers.preset", "headers/dns-prefetch headers.preset",
		}},
		{Policy{}.WithDocs("/docs"), []string{"headers/csp headers.routes[0].profile", "headers/isolation headers.routes[0].profile"}},
		{Policy{Routes: []Route{{Path: "/x", Keep: []string{"server", hCacheControl}}}}, []string{"headers/no-store headers.routes[0]", "headers/server-token headers.routes[0].keep[0]"}},
	} {
		var got []string
		for _, l := range c.p.Loosened() {
			got = append(got, l.Rule+" "+l.Key)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v:\ngot  %q\nwant %q", c.p, got, c.want)
		}
	}
}

// TestJudges: what a browser would not honour is not honoured by a judge.
func TestJudges(t *testing.T) {
	byID := map[string]rule{}
	for _, r := range rules(nil) {
		byID[r.ID] = r
	}
	for _, c := range []struct {
		id, name string
		values   []string
		ok       bool
	}{
		{"headers/nosniff", "X-Content-Type-Options", []string{"nosniff", "nosniff"}, false},
		{"headers/nosniff", "X-Content-Type-Options", []string{"NoSniff"}, true},
		{"headers/xss-auditor", "X-XSS-Protection", []string{"1; mode=block"}, false},
		{"headers/hsts", hSTS, []string{"max-age=0; includeSubDomains"}, false},
		{"headers/hsts", hSTS, []string{"includeSubDomains"}, false},
		{"headers/hsts", hSTS, []string{`max-age="31536000";includesubdomains;x=y`}, true},
		{"headers/hsts", hSTS, []string{"max-age=31536000; max-age=0; includeSubDomains"}, false},
		{"headers/csp", hCSP, []string{"default-src 'none'; base-uri 'none'; form-action 'none'; sandbox"}, true},
		{"headers/csp", hCSP, []string{"default-src *, default-src 'none'; base-uri 'none'; form-action 'none'; sandbox"}, true},
		{"headers/csp", hCSP, []string{"default-src none; base-uri 'none'; form-action 'none'; sandbox"}, false},
		{"headers/csp", hCSP, []string{"default-src 'none'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; sandbox"}, false},
		{"headers/csp", hCSP, []string{"default-src *; default-src 'none'; base-uri 'none'; form-action 'none'; sandbox"}, false},
		{"headers/csp", hCSP, []string{"default-src 'none'; base-uri 'none'; form-action 'none'; sandbox allow-scripts allow-same-origin"}, false},
		{"headers/referrer", "Referrer-Policy", []string{"no-referrer, unsafe-url"}, false},
		{"headers/referrer", "Referrer-Policy", []string{"unsafe-url, no-referrer"}, true},
		{"headers/permissions", hPermissions, []string{"camera=()"}, false},
		{"headers/no-store", hCacheControl, []string{"private, No-Store"}, true},
		{"headers/no-store", hCacheControl, []string{"no-cache"}, false},
		{"headers/no-store", hCacheControl, []string{"no-store", "public"}, false},
		{"headers/server-token", "Server", []string{""}, false},
		{"headers/server-token", "X-Whatever", []string{"nginx/1.27.0"}, false},
		{"headers/server-token", "X-Request-Id", []string{"abc"}, true},
	} {
		got, _ := byID[c.id].levels[0].judge(http.Header{http.CanonicalHeaderKey(c.name): c.values}, true)
		if (got == "") != c.ok {
			t.Errorf("%s: %q: %q", c.id, c.values, got)
		}
	}
}

// TestGuide runs every policy on the guard's page.
func TestGuide(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "headers.md"))
	if err != nil {
		t.Fatal(err)
	}
	fences := regexp.MustCompile("(?s)```yaml policy\n(.*?)```").FindAllSubmatch(page, -1)
	if len(fences) < 3 {
		t.Errorf("%d policies", len(fences))
	}
	for _, f := range fences {
		if _, err := New(loosen(t, string(f[1]))); err != nil {
			t.Errorf("%s%v", f[1], err)
		}
	}
	for _, r := range Rules() {
		if !strings.Contains(string(page), "`"+r.ID+"`") {
			t.Errorf("the page does not name %s", r.ID)
		}
	}
}
