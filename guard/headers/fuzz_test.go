package headers

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// FuzzApply: whatever an upstream sends, the response is what the zero policy
// wants, each guarded header once; what is not guarded is not touched; and
// applying twice is applying once.
func FuzzApply(f *testing.F) {
	f.Add("X-Frame-Options", "ALLOWALL", "x-frame-options", "SAMEORIGIN", "/api/x", true)
	f.Add("server", "uvicorn", "SERVER", "x", "/", false)
	f.Add("Connection", "close, Strict-Transport-Security", "Trailer", "Server, X", "//api/x", true)
	f.Add("set-Cookie", "a=b", "Cache-Control", "public", "/x", false)
	f.Add("Content-Security-Policy", "default-src *,", "content-security-policy", "", "/%2e", true)
	f.Add("X-Custom", "1", "x-custom", "2", "/", false)
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2, path string, secure bool) {
		g := mustNew(t, Policy{})
		h := http.Header{k1: {v1}}
		h[k2] = append(h[k2], v2, v2)
		before := h.Clone()
		r := httptest.NewRequest("GET", "http://a/", nil)
		if secure {
			r = httptest.NewRequest("GET", "https://a/", nil)
		}
		r.URL.Path = path
		g.Apply(h, r, 200)

		for _, rule := range rules(nil) {
			switch rule.ID {
			case "headers/no-store", "headers/no-store-authenticated", "headers/server-token":
				// server-token's judge also reads version numbers in headers
				// that nobody guards; the names are checked below.
				continue
			}
			if got, want := rule.levels[0].judge(h, secure); got != "" {
				t.Errorf("%s: got %s, want %s", rule.ID, got, want)
			}
		}
		for k := range h {
			name := http.CanonicalHeaderKey(k)
			if slices.Contains(disclosing(), name) {
				t.Errorf("%s is there", k)
			}
			if name != k && g.base.touches(name) {
				t.Errorf("%s is there in an odd spelling", k)
			}
		}
		for k, values := range before {
			if !g.base.touches(http.CanonicalHeaderKey(k)) && !slices.Equal(h[k], values) {
				t.Errorf("%s became %q", k, h[k])
			}
		}
		if strings.HasPrefix(path, "/api/") || h[hSetCookie] != nil {
			if got, _ := uncached(h, secure); got != "" {
				t.Errorf("%s: %s", path, got)
			}
		}
		again := h.Clone()
		g.Apply(again, r, 200)
		if !maps.EqualFunc(h, again, slices.Equal) {
			t.Errorf("twice is not once: %v, %v", h, again)
		}
	})
}

// FuzzCSP: what is accepted prints and parses to itself, and means to a
// browser's reading what it means to ours; nothing accepted can end a header.
func FuzzCSP(f *testing.F) {
	for _, name := range presets() {
		for _, p := range preset(name) {
			if p.name == hCSP {
				f.Add(p.value)
			}
		}
	}
	for _, p := range profileOverlay(profileDocs) {
		f.Add(p.value)
	}
	f.Add("script-src 'nonce-{nonce}' 'strict-dynamic'; object-src 'none'; ;")
	f.Add("img-src https://a.example.com:*/x *.b.example wss: 'sha256-RFWPLDbv2BY+rCkDzsE+0fr8ylGr2R2faWMhq4lfEQc='")
	f.Add("DEFAULT-SRC\t'SELF'")
	f.Fuzz(func(t *testing.T, text string) {
		if len(checkValue(hCSP, text, nil)) > 0 {
			return
		}
		if strings.ContainsAny(text, "\r\n\x00,") {
			t.Fatalf("%q was accepted", text)
		}
		list, _ := parseCSP(text, nil)
		printed := format(list)
		again, mistakes := parseCSP(printed, nil)
		if len(mistakes) > 0 || !reflect.DeepEqual(list, again) {
			t.Fatalf("%q became %q: %v", text, printed, mistakes)
		}
		browser := policies(text)
		if len(browser) != 1 || len(browser[0]) != len(list) {
			t.Fatalf("%q: a browser reads %v", text, browser)
		}
		for _, d := range list {
			want := d.values
			if got := browser[0][d.name]; !slices.EqualFunc(got, want, strings.EqualFold) {
				t.Fatalf("%q: %s is %q to a browser and %q to us", text, d.name, got, want)
			}
		}
	})
}

// FuzzPermissions: what is accepted and denies a feature does so to the
// judge's reading too, and the other way round.
func FuzzPermissions(f *testing.F) {
	f.Add(owaspPermissions)
	f.Add(`camera=(), microphone=(self "https://a.example.com"), geolocation=*`)
	f.Add("camera=( ),usb=self")
	f.Add("camera=(), camera=*")
	f.Fuzz(func(t *testing.T, text string) {
		if len(checkValue(hPermissions, text, nil)) > 0 {
			return
		}
		h := http.Header{hPermissions: {text}}
		for _, part := range strings.Split(text, ",") {
			name, value, _ := strings.Cut(strings.Trim(part, " \t"), "=")
			inner, _ := strings.CutPrefix(value, "(")
			inner, closed := strings.CutSuffix(inner, ")")
			denied := closed && strings.TrimSpace(inner) == ""
			got, _ := deniedFeatures(name)(h, true)
			if denied != (got == "") {
				t.Fatalf("%q: %s: denied %v, judged %q", text, name, denied, got)
			}
		}
	})
}

// format is the inverse of parseCSP.
func format(list []directive) string {
	var parts []string
	for _, d := range list {
		parts = append(parts, strings.Join(append([]string{d.name}, d.values...), " "))
	}
	return strings.Join(parts, "; ")
}
