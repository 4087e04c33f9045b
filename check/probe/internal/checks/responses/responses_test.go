package responses

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/finding"
)

const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},
"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},
"paths":{
"/items":{"get":{"security":[{"b":[]}],"responses":{"200":{}}},
 "post":{"security":[{"b":[]}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},"responses":{"201":{}}}},
"/items/{id}":{"get":{"security":[{"b":[]}],"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"responses":{"200":{}}}},
"/page":{"get":{"responses":{"200":{"content":{"text/html":{}}}}}}}}`

// app answers as a well-made API does, but for the header fields.
func app(html bool) http.Handler {
	problem := func(w http.ResponseWriter, status int) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"title":"no"}`)
	}
	write := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		private := strings.HasPrefix(r.URL.Path, "/items")
		switch {
		case r.Method == "OPTIONS":
			w.WriteHeader(http.StatusNoContent)
		case private && r.Header.Get("Authorization") != "Bearer t":
			w.Header().Set("WWW-Authenticate", "Bearer")
			problem(w, 401)
		case r.ContentLength > 1<<20:
			problem(w, 413)
		case r.URL.Path == "/page" && html:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<!doctype html><title>x</title>")
		case r.URL.Path == "/page":
			write(w, 200, map[string]int{"a": 1})
		case r.URL.Path == "/items/" || r.URL.Path == "/page/":
			http.Redirect(w, r, strings.TrimSuffix(r.URL.Path, "/"), http.StatusPermanentRedirect)
		case r.URL.Path == "/items" && r.Method == "POST":
			var body struct{ Name string }
			switch {
			case r.Header.Get("Content-Type") != "application/json":
				problem(w, 415)
			case json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body) != nil || body.Name == "":
				problem(w, 422)
			default:
				write(w, 201, map[string]string{"id": "1", "name": body.Name})
			}
		case r.URL.Path == "/items" && (r.Method == "GET" || r.Method == "HEAD"):
			write(w, 200, []string{"1"})
		case r.URL.Path == "/items":
			w.Header().Set("Allow", "GET, HEAD, POST")
			problem(w, 405)
		case r.URL.Path == "/items/1":
			write(w, 200, map[string]string{"id": "1"})
		default:
			problem(w, 404)
		}
	})
}

func strict() map[string]string {
	return map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
		"Permissions-Policy": "camera=(), microphone=(), geolocation=()", "Cache-Control": "no-store", "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
	}
}

// fields sets header fields on responses, and on those of errors too unless
// they are lost.
type fields struct {
	http.ResponseWriter
	h    map[string]string
	lost bool
	done bool
}

func (f *fields) WriteHeader(status int) {
	if !f.done && (status < 400 || !f.lost) {
		for name, v := range f.h {
			for i, one := range strings.Split(v, "|") {
				if i == 0 {
					f.Header().Set(name, one)
				} else {
					f.Header().Add(name, one)
				}
			}
		}
	}
	f.done = true
	f.ResponseWriter.WriteHeader(status)
}

func (f *fields) Write(b []byte) (int, error) {
	if !f.done {
		f.WriteHeader(200)
	}
	return f.ResponseWriter.Write(b)
}

func wrap(h http.Handler, change map[string]string, lost bool) http.Handler {
	set := strict()
	for name, v := range change {
		set[name] = v
		if v == "" {
			delete(set, name)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&fields{ResponseWriter: w, h: set, lost: lost}, r)
	})
}

func TestStrictAPIPasses(t *testing.T) {
	for _, tls := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(wrap(app(true), nil, false))
		if tls {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		defer srv.Close()
		tr := trialtest.At(t, srv, doc, trialtest.Bearer("a", "t"))
		for _, c := range Checks() {
			r := trialtest.Worst(trialtest.Run(t, tr, Checks(), c.ID))
			want := trial.Pass
			if c.ID == "probe/hsts" && !tls {
				want = trial.NotApplicable
			}
			if r.Verdict != want {
				t.Errorf("tls %v %s: %v, got %s, reason %s", tls, c.ID, r.Verdict, r.Got, r.Reason)
			}
		}
		var classes []string
		for _, a := range survey(t.Context(), tr) {
			classes = append(classes, a.class)
		}
		for _, want := range []string{success, "404", "401", "405", "413", "415", "422", "preflights", "HEAD", "redirects"} {
			if !strings.Contains(" "+strings.Join(classes, "  ")+" ", " "+want+" ") {
				t.Errorf("no answer of class %s: %q", want, classes)
			}
		}
	}
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		id       string
		change   map[string]string
		html     bool
		lost     bool
		want     trial.Verdict
		severity finding.Severity
		got      string
	}{
		{id: "probe/nosniff", change: map[string]string{"X-Content-Type-Options": ""}, want: trial.Fail, severity: finding.Medium, got: "on every response"},
		{id: "probe/nosniff", change: map[string]string{"X-Content-Type-Options": "nosniff|nosniff"}, want: trial.Fail, severity: finding.Medium, got: `"nosniff" and "nosniff"`},
		{id: "probe/nosniff", lost: true, want: trial.Fail, severity: finding.Medium, got: "404"},
		{id: "probe/nosniff", change: map[string]string{"X-Content-Type-Options": "NoSniff"}, want: trial.Pass},
		{id: "probe/headers-survive-errors", lost: true, want: trial.Fail, severity: finding.Medium, got: "X-Content-Type-Options, X-Frame-Options"},
		{id: "probe/framing", change: map[string]string{"X-Frame-Options": "", "Content-Security-Policy": ""}, want: trial.Fail, severity: finding.Low},
		{id: "probe/framing", change: map[string]string{"X-Frame-Options": "", "Content-Security-Policy": ""}, html: true, want: trial.Fail, severity: finding.Medium},
		{id: "probe/framing", change: map[string]string{"X-Frame-Options": "ALLOW-FROM https://example.com"}, want: trial.Fail, severity: finding.Low, got: "ALLOW-FROM"},
		{id: "probe/framing", change: map[string]string{"X-Frame-Options": "DENY|SAMEORIGIN"}, want: trial.Fail, severity: finding.Low, got: "SAMEORIGIN"},
		{id: "probe/framing", change: map[string]string{"Content-Security-Policy": "default-src 'none'; frame-ancestors *"}, want: trial.Fail, severity: finding.Low, got: "which wins"},
		{id: "probe/framing", change: map[string]string{"X-Frame-Options": ""}, want: trial.Pass},
		{id: "probe/framing", change: map[string]string{"Content-Security-Policy": ""}, want: trial.Pass},
		{id: "probe/csp", change: map[string]string{"Content-Security-Policy": ""}, want: trial.Fail, severity: finding.Low},
		{id: "probe/csp", change: map[string]string{"Content-Security-Policy": "default-src 'self'"}, want: trial.Fail, severity: finding.Low},
		{id: "probe/csp", change: map[string]string{"Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'"}, html: true, want: trial.Fail, severity: finding.Medium, got: "'unsafe-inline'"},
		{id: "probe/csp", change: map[string]string{"Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline' 'nonce-abc'"}, html: true, want: trial.Pass},
		{id: "probe/csp", change: map[string]string{"Content-Security-Policy": "script-src *|default-src 'none'"}, html: true, want: trial.Pass},
		{id: "probe/referrer-policy", change: map[string]string{"Referrer-Policy": "unsafe-url"}, want: trial.Fail, severity: finding.Low},
		{id: "probe/referrer-policy", change: map[string]string{"Referrer-Policy": "unsafe-url, strict-origin"}, want: trial.Pass},
		{id: "probe/permissions-policy", change: map[string]string{"Permissions-Policy": "camera=(), microphone=(self), geolocation=()"}, want: trial.Fail, severity: finding.Low, got: "microphone"},
		{id: "probe/xss-auditor", change: map[string]string{"X-Xss-Protection": "1; mode=block"}, want: trial.Fail, severity: finding.Low},
		{id: "probe/xss-auditor", change: map[string]string{"X-Xss-Protection": "0"}, want: trial.Pass},
		{id: "probe/no-store", change: map[string]string{"Cache-Control": ""}, want: trial.Fail, severity: finding.Medium},
		{id: "probe/no-store", change: map[string]string{"Cache-Control": "public, max-age=60"}, want: trial.Fail, severity: finding.High},
		{id: "probe/no-store", change: map[string]string{"Cache-Control": "private, no-cache"}, want: trial.Fail, severity: finding.Low},
		{id: "probe/server-banner", change: map[string]string{"Server": "nginx"}, want: trial.Fail, severity: finding.Low},
		{id: "probe/server-banner", change: map[string]string{"Server": "anything/1.2"}, want: trial.Fail, severity: finding.Low},
		{id: "probe/server-banner", change: map[string]string{"Server": "api"}, want: trial.Pass},
		{id: "probe/version-headers", change: map[string]string{"X-Powered-By": "x"}, want: trial.Fail, severity: finding.Low},
		{id: "probe/version-headers", change: map[string]string{"X-App": "shop/3.1"}, want: trial.Fail, severity: finding.Low},
		{id: "probe/version-headers", change: map[string]string{"X-Next": "https://example.com/v/1.2", "Link": "</a/1.2>; rel=next", "Upgrade": "HTTP/2.0"}, want: trial.Pass},
	} {
		tr := trialtest.New(t, doc, wrap(app(c.html), c.change, c.lost), trialtest.Bearer("a", "t"))
		r := trialtest.Worst(trialtest.Run(t, tr, Checks(), c.id))
		severity := r.Severity
		if r.Verdict == trial.Fail && severity == finding.Unknown {
			severity = r.Check.Severity
		}
		if r.Verdict != c.want || severity != c.severity || !strings.Contains(r.Got, c.got) {
			t.Errorf("%s %v html %v: %v %v, got %q, want %v %v %q", c.id, c.change, c.html, r.Verdict, severity, r.Got, c.want, c.severity, c.got)
		}
		if r.Verdict == trial.Fail && len(r.Shown) == 0 {
			t.Errorf("%s: nothing shows it", c.id)
		}
	}
}

func TestHSTS(t *testing.T) {
	for value, want := range map[string]trial.Verdict{
		"": trial.Fail, "max-age=0": trial.Fail, "max-age=3600": trial.Fail, "max-age=31536000": trial.Pass, "max-age=63072000; preload": trial.Fail,
		"max-age=63072000; includeSubDomains; preload": trial.Pass, "max-age=63072000|max-age=63072000": trial.Fail,
	} {
		srv := httptest.NewTLSServer(wrap(app(false), map[string]string{"Strict-Transport-Security": value}, false))
		defer srv.Close()
		tr := trialtest.At(t, srv, doc, trialtest.Bearer("a", "t"))
		if r := trialtest.Worst(trialtest.Run(t, tr, Checks(), "probe/hsts")); r.Verdict != want {
			t.Errorf("%q: %v %s", value, r.Verdict, r.Got)
		}
	}
}

func TestContentType(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		want       trial.Verdict
		severity   finding.Severity
	}{
		{"application/json", `{"a":1}`, trial.Pass, 0},
		{"application/problem+json", `{"a":1}`, trial.Pass, 0},
		{"text/html; charset=utf-8", `{"a":1}`, trial.Fail, finding.Medium},
		{"text/plain; charset=utf-8", `{"a":1}`, trial.Fail, finding.Low},
		{"text/plain; charset=utf-8", `{it is a note}`, trial.Pass, 0},
		{"text/plain", `hello`, trial.Fail, finding.Low},
		{"application/json", `<!doctype html><p>`, trial.Fail, finding.Medium},
		{"application/octet-stream", "\x00\x01", trial.Pass, 0},
		{"application/json", `"text"`, trial.Pass, 0},
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/page" || r.Method != "GET" {
				app(false).ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", c.kind)
			_, _ = io.WriteString(w, c.body)
		})
		tr := trialtest.New(t, doc, h, trialtest.Bearer("a", "t"))
		r := trialtest.Worst(trialtest.Run(t, tr, Checks(), "probe/content-type"))
		if r.Verdict != c.want || r.Severity != c.severity {
			t.Errorf("%s %q: %v %v %s", c.kind, c.body, r.Verdict, r.Severity, r.Got)
		}
	}
}

// Where nothing valid was answered, nothing is said.
func TestNoBaseline(t *testing.T) {
	tr := trialtest.New(t, doc, http.NotFoundHandler(), trialtest.Bearer("a", "t"))
	for _, c := range Checks() {
		if r := trialtest.Worst(trialtest.Run(t, tr, Checks(), c.ID)); r.Verdict == trial.Fail || r.Verdict == trial.Suspect {
			t.Errorf("%s: %v %s", c.ID, r.Verdict, r.Got)
		}
	}
}
