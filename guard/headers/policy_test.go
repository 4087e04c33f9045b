package headers

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestMistakes: New tells all of them at once, each by its key.
func TestMistakes(t *testing.T) {
	_, err := New(Policy{
		Preset: "ape",
		Set: map[string]string{
			"X-Frame-Options":              "ALLOW-FROM https://a",
			"Bad Name":                     "x",
			"X-Evil":                       "a\r\nSet-Cookie: b=c",
			"X-Empty":                      "",
			"Content-Security-Policy":      "default-src none; scrpt-src 'self'; img-src 'self' 'none'; img-src *; style-src 'nonce-abc'; report-to csq",
			"Permissions-Policy":           "camera=(), micropone=(), camera=(), usb, midi=none",
			"Content-Length":               "3",
			"Cross-Origin-Opener-Policy":   "same-orign",
			"Referrer-Policy":              "no-referer",
			"Cross-Origin-Embedder-Policy": `require-corp; report-to="x"`,
		},
		Default:            map[string]string{"x-frame-options": "DENY", "Set-Cookie": "a=b"},
		Append:             map[string]string{"X-Content-Type-Options": "nosniff"},
		Remove:             []string{"X-Evil", "Transfer-Encoding"},
		Keep:               []string{"Server", "server"},
		HSTS:               HSTS{MaxAge: 300, AllowInsecureSubdomains: true, Preload: true},
		NoStore:            NoStore{Paths: []string{"api"}, Credentials: []string{"cookie", "X Y"}},
		ReportingEndpoints: map[string]string{"csp": "http://a/", "CSP": "https://a/"},
		ReportTo:           "cps",
		CookieFlags:        []string{"secure", "SameSite=None"},
		Routes: []Route{
			{Path: "/docs", Profile: "doc"},
			{Path: "docs", Set: map[string]string{"Strict-Transport-Security": "max-age=1"}},
			{Path: "/docs"},
		},
	})
	if err == nil {
		t.Fatal("no error")
	}
	got := err.Error()
	for _, want := range []string{
		`headers.preset: "ape" is not known (did you mean api?); there are api, web, guide and oshp`,
		`headers.set.X-Frame-Options: "ALLOW-FROM https://a": browsers ignore every value but DENY and SAMEORIGIN`,
		`headers.set.Bad Name: "Bad Name" is not a header name`,
		`headers.set.X-Evil: "a\r\nSet-Cookie: b=c" holds a control character`,
		`headers.set.X-Empty: "" is empty`,
		`headers.set.Content-Security-Policy: default-src: none needs single quotes: 'none'`,
		`headers.set.Content-Security-Policy: directive "scrpt-src" is not known (did you mean script-src?)`,
		`headers.set.Content-Security-Policy: img-src: 'none' stands alone or is ignored`,
		`headers.set.Content-Security-Policy: directive img-src is given twice`,
		`headers.set.Content-Security-Policy: style-src: a nonce that stands in a policy is known to everyone; write 'nonce-{nonce}'`,
		`headers.set.Content-Security-Policy: report-to names "csq", which is not in reporting_endpoints (did you mean csp?)`,
		`headers.set.Permissions-Policy: feature "micropone" is not known (did you mean microphone?)`,
		`headers.set.Permissions-Policy: feature camera is given twice`,
		`headers.set.Permissions-Policy: feature usb has no value: write usb=() to deny it`,
		`headers.set.Permissions-Policy: feature midi: "none" is not an allowlist`,
		`headers.set.Content-Length: Content-Length belongs to HTTP's own framing`,
		`headers.set.Cross-Origin-Opener-Policy: "same-orign" is not one of same-origin, same-origin-allow-popups, noopener-allow-popups, unsafe-none (did you mean same-origin?)`,
		`headers.set.Referrer-Policy: "no-referer" is not one of`,
		`headers.set.Cross-Origin-Embedder-Policy: " report-to=\"x\"" is not report-to="NAME"`,
		`headers.default.x-frame-options: X-Frame-Options is given already, as headers.set.X-Frame-Options`,
		`headers.default.Set-Cookie: Set-Cookie is a handler's to say`,
		`headers.append.X-Content-Type-Options: X-Content-Type-Options has one value`,
		`headers.remove[0]: X-Evil is given already, as headers.set.X-Evil`,
		`headers.remove[1]: Transfer-Encoding belongs to HTTP's own framing`,
		`headers.keep[1]: Server is given already, as headers.keep[0]`,
		`headers.hsts.preload: preload covers all subdomains, so it needs includeSubDomains`,
		`headers.hsts.preload: preload needs a max-age of at least 31536000, one year, and has 300`,
		`headers.no_store.paths[0]: path "api" does not begin with a slash`,
		`headers.no_store.credentials[0]: Cookie counts as a credential already`,
		`headers.no_store.credentials[1]: "X Y" is not a header name`,
		`headers.reporting_endpoints.csp: "http://a/" is not an https URL`,
		`headers.reporting_endpoints.CSP: "CSP" is not a key of a structured field`,
		`headers.report_to: "cps" is not in reporting_endpoints (did you mean csp?)`,
		`headers.cookie_flags: "secure" is not one of`,
		`headers.cookie_flags: SameSite=None needs Secure`,
		`headers.routes[0].profile: "doc" is not known (did you mean docs?)`,
		`headers.routes[1].path: the route speaks of Strict-Transport-Security`,
		`headers.routes[1].path: path "docs" does not begin with a slash`,
		`headers.routes[2].path: path "/docs" is given twice`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
	for _, p := range []Policy{
		{HSTS: HSTS{MaxAge: -1}},
		{Preset: "guide", HSTS: HSTS{MaxAge: 300}},
		{HSTS: HSTS{MaxAge: 300}, Remove: []string{hSTS}},
		{NoStore: NoStore{Paths: []string{"/x"}, AllowCachedPaths: true}},
		{InsecureCSPReportOnly: true, Set: map[string]string{hCSPReport: "default-src 'none'"}},
		{Set: map[string]string{hCSP: "default-src 'none', default-src 'self'"}},
		{Set: map[string]string{hCSP: " "}},
		{Set: map[string]string{hSTS: "includeSubDomains"}},
		{Set: map[string]string{"%d%s": "\n"}},
	} {
		if _, err := New(p); err == nil {
			t.Errorf("%+v: no error", p)
		} else if strings.Contains(err.Error(), "%!") {
			t.Error(err)
		}
	}
}

// TestPresetsAreValid holds our own values to our own rules.
func TestPresetsAreValid(t *testing.T) {
	for _, name := range presets() {
		for _, p := range preset(name) {
			if p.name != http.CanonicalHeaderKey(p.name) {
				t.Errorf("%s: %s is not canonical", name, p.name)
			}
			if p.value == "" {
				continue
			}
			for _, m := range checkValue(p.name, p.value, nil) {
				t.Errorf("%s: %s: %s", name, p.name, m)
			}
		}
		if n := len(preset(name)); n >= inline {
			t.Errorf("%s has %d headers, and room for %d", name, n, inline)
		}
	}
	for _, name := range []string{profileDocs, profilePopup, profileLogout} {
		for _, p := range profileOverlay(name) {
			if p.value != "" {
				for _, m := range checkValue(p.name, p.value, nil) {
					t.Errorf("%s: %s: %s", name, p.name, m)
				}
			}
		}
	}
	for _, name := range append(disclosing(), targeted()...) {
		if name != http.CanonicalHeaderKey(name) || !isToken(name) {
			t.Errorf("%s is not canonical", name)
		}
	}
}

func TestVerbs(t *testing.T) {
	p := Policy{
		Set:     map[string]string{"x-set": "ours"},
		Default: map[string]string{"x-default": "ours", "X-Two": "ours"},
		Append:  map[string]string{"Vary": "Origin", "X-List": "b"},
		Remove:  []string{"X-Gone", "X-XSS-Protection"},
		Keep:    []string{"server", "X-Frame-Options"},
	}
	for name, c := range map[string]struct {
		sent map[string][]string
		want map[string][]string
	}{
		"the handler says nothing": {
			nil,
			map[string][]string{"X-Set": {"ours"}, "X-Default": {"ours"}, "Vary": {"Origin"}, "X-Gone": nil, "X-Xss-Protection": nil, "Server": nil, "X-Frame-Options": nil},
		},
		"the handler says all": {
			map[string][]string{
				"X-Set": {"a", "b"}, "X-Default": {"its"}, "X-Two": {"its", "other"}, "Vary": {"Accept", "Cookie"},
				"X-List": {"a, B"}, "X-Gone": {"x"}, "Server": {"s"}, "X-Frame-Options": {"SAMEORIGIN"}, "X-Xss-Protection": {"1"},
			},
			map[string][]string{
				"X-Set": {"ours"}, "X-Default": {"its"}, "X-Two": {"ours"}, "Vary": {"Accept, Cookie, Origin"},
				"X-List": {"a, B"}, "X-Gone": nil, "Server": {"s"}, "X-Frame-Options": {"SAMEORIGIN"}, "X-Xss-Protection": nil,
			},
		},
		"in odd spelling": {
			map[string][]string{"x-set": {"a"}, "X-DEFAULT": {"its"}, "vary": {"Accept"}, "x-gone": {"x"}},
			map[string][]string{"X-Set": {"ours"}, "x-set": nil, "X-Default": {"its"}, "Vary": {"Accept, Origin"}, "vary": nil, "x-gone": nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			mustNew(t, p).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range c.sent {
					w.Header()[k] = v
				}
			})).ServeHTTP(rec, get("/"))
			for k, want := range c.want {
				if got := rec.Header()[k]; !slices.Equal(got, want) {
					t.Errorf("%s: got %q, want %q", k, got, want)
				}
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	g := mustNew(t, Policy{
		Set: map[string]string{"X-A": "1"},
		Routes: []Route{
			{Path: "/site/", Profile: "web", Set: map[string]string{"X-A": "2"}},
			{Path: "/plain/{id}", Remove: []string{"X-A"}, Set: map[string]string{hCacheControl: "max-age=60"}},
			{Path: "/api/public/", Keep: []string{hCacheControl}},
			{Path: "/logout", Profile: "logout"},
		},
	}.WithDocs("/docs", "/redoc", "/docs/oauth2-redirect", "/logout"))
	for _, c := range []struct{ path, name, want string }{
		{"/", "X-A", "1"},
		{"/site/x", "X-A", "2"},
		{"/site/x", "Cross-Origin-Embedder-Policy", ""},
		{"/site/x", hCSP, "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; upgrade-insecure-requests"},
		{"/sitex", "Cross-Origin-Embedder-Policy", "require-corp"},
		{"/plain/7", "X-A", ""},
		{"/plain/7", hCacheControl, "max-age=60"},
		{"/api/public/x", hCacheControl, "public"},
		{"/api/x", hCacheControl, "no-store"},
		{"/logout", "Clear-Site-Data", `"cache","cookies","storage"`},
		{"/x", "Clear-Site-Data", ""},
		{"/docs", "Cross-Origin-Opener-Policy", "same-origin-allow-popups"},
		{"/docs/oauth2-redirect", "Cross-Origin-Opener-Policy", "unsafe-none"},
		{"/redoc", "X-Frame-Options", "DENY"},
		// What another router could take for /site/x is nobody's route.
		{"//site/x", hCSP, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"},
		{"/site/../api/x", hCSP, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"},
		{"/site/%2e%2e/api/x", hCacheControl, "no-store"},
		{"/site%2fx", "X-A", "1"},
		{"//api/x", hCacheControl, "no-store"},
		{"/x/../api/y", hCacheControl, "no-store"},
		{"/%61pi/x", hCacheControl, "no-store"},
	} {
		h := serve(t, g, get("http://a"+c.path), func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(hCacheControl, "public") })
		if got := strings.Join(h.Values(c.name), "|"); got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.path, c.name, got, c.want)
		}
	}
	// Whoever rewrites the path cannot take a looser route's values along.
	h := serve(t, g, get("/site/x"), func(_ http.ResponseWriter, r *http.Request) { r.URL.Path = "/api/x" })
	if got := h.Get(hCSP); !strings.Contains(got, "sandbox") || h.Get(hCacheControl) != "no-store" {
		t.Errorf("rewritten: %q, %q", got, h.Get(hCacheControl))
	}
}

// TestDocs holds the docs profile to what FastAPI's pages load.
func TestDocs(t *testing.T) {
	h := serve(t, mustNew(t, Policy{}.WithDocs("/docs")), get("/docs"), ok)
	list, _ := parseCSP(h.Get(hCSP), nil)
	csp := map[string][]string{}
	for _, d := range list {
		csp[d.name] = d.values
	}
	for name, want := range map[string][]string{
		"script-src":  {"https://cdn.jsdelivr.net", "'unsafe-inline'"},
		"style-src":   {"https://cdn.jsdelivr.net", "https://fonts.googleapis.com", "'unsafe-inline'"},
		"font-src":    {"https://fonts.gstatic.com"},
		"img-src":     {"https://fastapi.tiangolo.com", "data:", "'self'"},
		"worker-src":  {"blob:"},
		"connect-src": {"'self'"},
	} {
		for _, w := range want {
			if !slices.Contains(csp[name], w) {
				t.Errorf("%s lacks %s", name, w)
			}
		}
	}
	if _, ok := csp["sandbox"]; ok || h.Get("Cross-Origin-Embedder-Policy") != "" {
		t.Error("the page cannot run")
	}
}

func TestNoStore(t *testing.T) {
	const its = "public, max-age=60"
	for name, c := range map[string]struct {
		p      Policy
		path   string
		header string // of the request
		cookie bool   // in the response
		want   string
	}{
		"api":               {Policy{}, "/api/x", "", false, "no-store"},
		"api itself":        {Policy{}, "/api/", "", false, "no-store"},
		"elsewhere":         {Policy{}, "/apix", "", false, its},
		"by case":           {Policy{}, "/API/x", "", false, its},
		"ignoring case":     {Policy{NoStore: NoStore{IgnoreCase: true}}, "/API/x", "", false, "no-store"},
		"ignoring its case": {Policy{NoStore: NoStore{IgnoreCase: true, Paths: []string{"/Api/"}}}, "/api/x", "", false, "no-store"},
		"own paths":         {Policy{NoStore: NoStore{Paths: []string{"/x/{id}"}}}, "/x/1", "", false, "no-store"},
		"own paths only":    {Policy{NoStore: NoStore{Paths: []string{"/x/{id}"}}}, "/api/x", "", false, its},
		"allowed":           {Policy{NoStore: NoStore{AllowCachedPaths: true}}, "/api/x", "", false, its},
		"token":             {Policy{}, "/", "Authorization", false, "no-store"},
		"cookie":            {Policy{}, "/", "Cookie", false, "no-store"},
		"key":               {Policy{}, "/", "X-Api-Key", false, "no-store"},
		"own key":           {Policy{NoStore: NoStore{Credentials: []string{"x-tenant-key"}}}, "/", "X-Tenant-Key", false, "no-store"},
		"set-cookie":        {Policy{}, "/", "", true, "no-store"},
		"authenticated":     {Policy{NoStore: NoStore{AllowCachedAuthenticated: true}}, "/", "Cookie", true, its},
		"path stands":       {Policy{NoStore: NoStore{AllowCachedAuthenticated: true}}, "/api/x", "Cookie", true, "no-store"},
		"oshp":              {Policy{Preset: "oshp"}, "/", "", false, "no-store, max-age=0"},
		"set loses":         {Policy{Set: map[string]string{hCacheControl: "public"}}, "/api/x", "", false, "no-store"},
		"set elsewhere":     {Policy{Set: map[string]string{hCacheControl: "private"}}, "/", "", false, "private"},
		"route loses":       {Policy{Routes: []Route{{Path: "/api/", Keep: []string{hCacheControl}}}}, "/api/x", "Cookie", false, "no-store"},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(c.path)
			if c.header != "" {
				r.Header.Set(c.header, "x")
			}
			h := serve(t, mustNew(t, c.p), r, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set(hCacheControl, its)
				w.Header().Set("CDN-Cache-Control", "max-age=60")
				if c.cookie {
					w.Header()["set-cookie"] = []string{"a=b"}
				}
			})
			if got := strings.Join(h.Values(hCacheControl), "|"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if forced := strings.HasPrefix(c.want, "no-store"); forced != (h.Get("CDN-Cache-Control") == "") {
				t.Errorf("CDN-Cache-Control: %q", h.Get("CDN-Cache-Control"))
			}
		})
	}
}

func TestNonce(t *testing.T) {
	g := mustNew(t, Policy{Preset: "web", Set: map[string]string{hCSP: "script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; object-src 'none'"}})
	seen := map[string]bool{}
	for range 100 {
		var fromContext, again string
		h := serve(t, g, get("/"), func(w http.ResponseWriter, r *http.Request) {
			fromContext, again = Nonce(r.Context()), Nonce(r.Context())
			w.Header().Set(hCacheControl, "public, max-age=60")
			extra := http.Header{}
			g.Apply(extra, r, 502)
			if !strings.Contains(extra.Get(hCSP), fromContext) {
				t.Error("Apply takes another nonce")
			}
		})
		raw, err := base64.RawURLEncoding.DecodeString(fromContext)
		if err != nil || len(raw) != 16 || seen[fromContext] || again != fromContext {
			t.Fatalf("nonce %q, then %q", fromContext, again)
		}
		seen[fromContext] = true
		if want := "script-src 'nonce-" + fromContext + "'; style-src 'nonce-" + fromContext + "'; object-src 'none'"; h.Get(hCSP) != want {
			t.Fatalf("got %q, want %q", h.Get(hCSP), want)
		}
		if got := h.Values(hCacheControl); !slices.Equal(got, []string{"no-store"}) {
			t.Fatalf("cached: %q", got)
		}
	}
	// Without a handler that asks, it is fresh all the same.
	if a, b := serve(t, g, get("/"), ok).Get(hCSP), serve(t, g, get("/"), ok).Get(hCSP); a == b || strings.Contains(a, "{") {
		t.Errorf("%q, %q", a, b)
	}
	serve(t, mustNew(t, Policy{}), get("/"), func(_ http.ResponseWriter, r *http.Request) {
		if n := Nonce(r.Context()); n != "" {
			t.Errorf("a nonce nobody will know: %q", n)
		}
	})
}

func TestReporting(t *testing.T) {
	p := Policy{
		ReportingEndpoints: map[string]string{"csp": "https://r.example.com/csp", "also": "https://r.example.com/2"},
		ReportTo:           "csp",
		Set:                map[string]string{hCSPReport: "default-src 'self'", "Cross-Origin-Opener-Policy": `same-origin; report-to="also"`},
	}
	h := serve(t, mustNew(t, p), get("/"), ok)
	for name, want := range map[string]string{
		hEndpoints: `also="https://r.example.com/2", csp="https://r.example.com/csp"`,
		hCSP:       "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox; report-to csp",
		hCSPReport: "default-src 'self'; report-to csp",
	} {
		if got := strings.Join(h.Values(name), "|"); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	h = serve(t, mustNew(t, Policy{InsecureCSPReportOnly: true}), get("/"), func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(hCSP, "default-src 'self'") })
	if got := h.Get(hCSPReport); !strings.HasPrefix(got, "default-src 'none'") || h.Get(hCSP) != "default-src 'self'" {
		t.Errorf("report only: %q, and %q in force", got, h.Get(hCSP))
	}
}

func TestCookieFlags(t *testing.T) {
	p := Policy{CookieFlags: []string{"Secure", "HttpOnly", "SameSite=Lax"}}
	h := serve(t, mustNew(t, p), get("/"), func(w http.ResponseWriter, _ *http.Request) {
		w.Header()[hSetCookie] = []string{"a=b", "c=d; Path=/; secure; SAMESITE=None", "e=httponly; HttpOnly", "f=Secure;;"}
	})
	want := []string{
		"a=b; Secure; HttpOnly; SameSite=Lax",
		"c=d; Path=/; secure; SAMESITE=None; HttpOnly",
		"e=httponly; HttpOnly; Secure; SameSite=Lax",
		"f=Secure;;; Secure; HttpOnly; SameSite=Lax",
	}
	if got := h.Values(hSetCookie); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCopied: what the caller changes later changes nothing.
func TestCopied(t *testing.T) {
	p := Policy{Set: map[string]string{"X-A": "1"}, Routes: []Route{{Path: "/x", Set: map[string]string{"X-A": "2"}}}}
	g := mustNew(t, p)
	p.Set["X-A"], p.Routes[0].Set["X-A"] = "evil", "evil"
	if a, b := serve(t, g, get("/"), ok).Get("X-A"), serve(t, g, get("/x"), ok).Get("X-A"); a != "1" || b != "2" {
		t.Errorf("got %q, %q", a, b)
	}
	base := Policy{Routes: make([]Route, 0, 4)}
	one, two := base.WithDocs("/a"), base.WithDocs("/b")
	if one.Routes[0].Path != "/a" || two.Routes[0].Path != "/b" {
		t.Error("WithDocs shares its routes")
	}
}
