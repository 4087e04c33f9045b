// Package headers puts the security headers on every response and takes from
// it what tells strangers which software answers.
//
// It stands outermost, so that refusals, 404s and crashes carry the headers
// too. For each header that the policy names, whatever the handler set is
// deleted first, in any spelling: a browser that gets two X-Frame-Options or
// two Referrer-Policy values may honour the weaker one or neither.
//
//	guard, err := headers.New(headers.Policy{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	http.ListenAndServe("127.0.0.1:8000", guard.Wrap(mux))
//
// The zero Policy is for an API: its responses may not run, frame, embed or
// leak anything. A site of HTML pages takes the preset web, or sets its own
// Content-Security-Policy.
//
// Do not use it to describe single resources. A header that only one handler
// can know, such as Content-Type, ETag or Vary, belongs to that handler.
package headers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A Policy says which headers responses carry. The zero Policy is the preset
// api. Header names are matched without regard to case; each may be given
// once, in one of Set, Default, Append, Remove and Keep.
type Policy struct {
	// Preset is where the values come from that nothing else here names: api
	// (the default; for responses that are no pages), web (for sites of HTML
	// pages), guide (a widely copied hardening guide's values to the letter)
	// or oshp (the OWASP Secure Headers Project's proposal).
	Preset string `yaml:"preset,omitempty"`
	// Set gives headers these values, whatever the handler sent.
	Set map[string]string `yaml:"set,omitempty"`
	// Default gives headers these values unless the handler sent exactly one
	// of its own.
	Default map[string]string `yaml:"default,omitempty"`
	// Append adds these values to the handler's, as one comma-separated list.
	// It is for list headers, such as Vary and Content-Security-Policy, of
	// which a browser then enforces both.
	Append map[string]string `yaml:"append,omitempty"`
	// Remove names headers that no response carries, from us or the handler.
	Remove []string `yaml:"remove,omitempty"`
	// Keep names headers that are left as the handler sent them. It is the way
	// to let pass a header that is removed otherwise, such as Server.
	Keep []string `yaml:"keep,omitempty"`
	// HSTS is Strict-Transport-Security, which is sent over TLS only.
	HSTS HSTS `yaml:"hsts,omitempty"`
	// NoStore says which responses no cache may keep.
	NoStore NoStore `yaml:"no_store,omitempty"`
	// ReportingEndpoints maps names to the https URLs to which browsers send
	// reports; it is the header Reporting-Endpoints.
	ReportingEndpoints map[string]string `yaml:"reporting_endpoints,omitempty"`
	// ReportTo is the one of ReportingEndpoints that gets the violations of
	// every Content-Security-Policy; empty means that none are reported.
	ReportTo string `yaml:"report_to,omitempty"`
	// InsecureCSPReportOnly sends every Content-Security-Policy as
	// Content-Security-Policy-Report-Only: violations are reported and
	// nothing is stopped. It is for trying a policy out.
	InsecureCSPReportOnly bool `yaml:"insecure_csp_report_only,omitempty"`
	// CookieFlags are attributes that every Set-Cookie gets that lacks them:
	// Secure, HttpOnly, and one of SameSite=Strict, SameSite=Lax and
	// SameSite=None. Empty leaves cookies as they are. A cookie with Secure
	// that is set over plain HTTP is dropped by browsers.
	CookieFlags []string `yaml:"cookie_flags,omitempty"`
	// Routes override the rest for some paths. The most specific one counts.
	Routes []Route `yaml:"routes,omitempty"`
}

// HSTS describes Strict-Transport-Security (RFC 6797). The zero value is the
// preset's own: two years and all subdomains, and preload in guide only.
type HSTS struct {
	// MaxAge is for how long browsers use TLS only, in seconds; 0 means
	// 63072000, two years. To make browsers forget, set the header
	// Strict-Transport-Security to max-age=0.
	MaxAge int `yaml:"max_age,omitempty"`
	// AllowInsecureSubdomains leaves subdomains out.
	AllowInsecureSubdomains bool `yaml:"allow_insecure_subdomains,omitempty"`
	// Preload asks for the domain to be built into browsers
	// (hstspreload.org). That is nearly irrevocable and covers all
	// subdomains, so it needs them included and at least a year.
	Preload bool `yaml:"preload,omitempty"`
}

// NoStore says which responses are sent with Cache-Control: no-store. Its
// rules stand above what the rest of the policy says of Cache-Control; only a
// route that names Cache-Control is exempt from Paths.
type NoStore struct {
	// Paths are the patterns of the paths that no cache may keep; empty means
	// /api/, and everything in the preset oshp.
	Paths []string `yaml:"paths,omitempty"`
	// IgnoreCase matches Paths without regard to ASCII case, for a service
	// whose router does so.
	IgnoreCase bool `yaml:"ignore_case,omitempty"`
	// Credentials are further request headers that make a response private,
	// besides Authorization, Proxy-Authorization, Cookie, X-Api-Key and
	// X-Auth-Token.
	Credentials []string `yaml:"credentials,omitempty"`
	// AllowCachedPaths switches off the rule for Paths.
	AllowCachedPaths bool `yaml:"allow_cached_paths,omitempty"`
	// AllowCachedAuthenticated leaves caching to the handler where the
	// request has credentials or the response sets a cookie.
	AllowCachedAuthenticated bool `yaml:"allow_cached_authenticated,omitempty"`
}

// A Route overrides the policy for the paths of one pattern.
type Route struct {
	// Path is the pattern: /exact, /tree/ or with {wildcards}.
	Path string `yaml:"path"`
	// Profile is a preset's name, or one of: docs (Swagger UI and ReDoc as
	// FastAPI serves them), oauth2-redirect (Swagger UI's popup), logout
	// (clears the browser's cookies, storage and cache). Empty keeps the
	// policy's own values.
	Profile string `yaml:"profile,omitempty"`
	// Set is [Policy.Set] for this route, and so are the others.
	Set map[string]string `yaml:"set,omitempty"`
	// Default is [Policy.Default] for this route.
	Default map[string]string `yaml:"default,omitempty"`
	// Append is [Policy.Append] for this route.
	Append map[string]string `yaml:"append,omitempty"`
	// Remove is [Policy.Remove] for this route.
	Remove []string `yaml:"remove,omitempty"`
	// Keep is [Policy.Keep] for this route.
	Keep []string `yaml:"keep,omitempty"`
}

// WithDocs returns a copy of p with the values that Swagger UI and ReDoc need
// on these exact paths, except where p has a route for the same path. A path
// that ends in oauth2-redirect gets those of Swagger UI's popup.
func (p Policy) WithDocs(paths ...string) Policy {
	p.Routes = slices.Clone(p.Routes)
	for _, path := range paths {
		if slices.ContainsFunc(p.Routes, func(r Route) bool { return r.Path == path }) {
			continue
		}
		profile := profileDocs
		if strings.HasSuffix(path, "/oauth2-redirect") {
			profile = profilePopup
		}
		p.Routes = append(p.Routes, Route{Path: path, Profile: profile})
	}
	return p
}

// A Guard writes the headers. It is safe for concurrent use.
type Guard struct {
	compiled
}

// New returns a guard for the policy. Its error joins every mistake in it.
func New(p Policy) (*Guard, error) {
	c, errs := compile(p)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Guard{compiled: *c}, nil
}

// Wrap returns a handler whose responses carry the headers.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r, facts := guard.WithFacts(r)
		w := &writer{ResponseWriter: rw, g: g, facts: facts, path: r.URL.Path, credentials: g.hasCredentials(r)}
		if g.nonces {
			r = r.WithContext(context.WithValue(r.Context(), nonceKey{}, &w.nonce))
		}
		w.r = r
		// Deferred, so that a response that an outer handler writes after a
		// panic carries the headers too.
		defer w.finish()
		next.ServeHTTP(w, r)
	})
}

// Apply writes the headers of the response to r onto h, for a response that
// does not go through [Guard.Wrap]'s response writer, such as a 101 that is
// written to a hijacked connection. The status makes no difference today.
// Applying twice is applying once.
func (g *Guard) Apply(h http.Header, r *http.Request, _ int) {
	n, _ := r.Context().Value(nonceKey{}).(*nonce)
	if n == nil {
		n = new(nonce)
	}
	g.apply(h, &exchange{
		url: r.URL, path: r.URL.Path, secure: guard.Secure(r), credentials: g.hasCredentials(r), nonce: n,
	}, nil)
}

// hasCredentials reports whether the answer to r may be one person's own.
func (g *Guard) hasCredentials(r *http.Request) bool {
	for _, name := range g.credentials {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return r.TLS != nil && len(r.TLS.PeerCertificates) > 0
}
