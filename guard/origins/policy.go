package origins

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// A Policy says which other sites may do what. Its zero value lets none do
// anything.
type Policy struct {
	// Allow lists the origins whose pages may read responses (CORS), send
	// unsafe requests and open WebSockets: "https://app.example.com", or
	// "https://*.example.com" for every name below it, at any depth. An entry
	// is what a browser sends: lower case, no default port, no path. The one
	// entry "*" lets every page read what it can get without credentials, and
	// nothing more. Empty: none.
	Allow []string `yaml:"allow,omitempty"`
	// Trust lists further origins, written as in Allow, whose pages may send
	// unsafe requests and open WebSockets, but not read responses: a site
	// whose forms post here. Empty: none.
	Trust []string `yaml:"trust,omitempty"`
	// AllowCredentials lets the pages of Allow send cookies and client
	// certificates and read what they get for them. An Authorization header
	// that a script sets itself does not need it, only an entry in
	// RequestHeaders. It cannot be had with Allow "*".
	AllowCredentials bool `yaml:"allow_credentials,omitempty"`
	// Methods lists the methods that the pages of Allow may use besides GET,
	// HEAD and POST, which browsers send without asking. Case matters.
	// Empty: no further ones.
	Methods []string `yaml:"methods,omitempty"`
	// RequestHeaders lists the request header fields that the pages of Allow
	// may set besides those that browsers let every page set. An API that
	// takes JSON from other origins needs "Content-Type". The entry "*"
	// stands for all but Authorization, and only without AllowCredentials.
	// Empty: no further ones.
	RequestHeaders []string `yaml:"request_headers,omitempty"`
	// ResponseHeaders lists the response header fields that the pages of
	// Allow may read besides those that every page may. The entry "*" stands
	// for all, and only without AllowCredentials. Empty: no further ones.
	ResponseHeaders []string `yaml:"response_headers,omitempty"`
	// MaxAge is how long a browser may remember the answer to a preflight:
	// whole seconds, from 1s to 2h. Zero means 10 minutes.
	MaxAge time.Duration `yaml:"max_age,omitempty"`
	// AllowPrivateNetwork lets the pages of Allow call this API from the
	// public internet when it lives in a private network, which browsers ask
	// about in the preflight. It cannot be had with Allow "*".
	AllowPrivateNetwork bool `yaml:"allow_private_network,omitempty"`

	// AllowUpstreamCORS leaves CORS to the app: preflights reach it and its
	// Access-Control-* headers stand. The bounds on preflights and the rules
	// about cross-site requests stay. Allow must be empty; origins that the
	// app allows and that send more than GET belong in Trust.
	AllowUpstreamCORS bool `yaml:"allow_upstream_cors,omitempty"`
	// DangerouslyAllowCrossSite lets pages of every site send unsafe
	// requests, with the cookies of whoever looks at them.
	DangerouslyAllowCrossSite bool `yaml:"dangerously_allow_cross_site,omitempty"`
	// DangerouslyAllowCrossSiteUpgrades lets pages of every site open
	// WebSockets, with the cookies of whoever looks at them.
	DangerouslyAllowCrossSiteUpgrades bool `yaml:"dangerously_allow_cross_site_upgrades,omitempty"`
	// DangerouslyAllowInsecureOrigins tolerates http:// origins in Allow and
	// Trust other than loopback ones. Whoever sits on the network can write
	// their pages.
	DangerouslyAllowInsecureOrigins bool `yaml:"dangerously_allow_insecure_origins,omitempty"`
	// DangerouslyAllowPublicSuffixes tolerates wildcards such as
	// "https://*.github.io", below which anyone can have a name.
	DangerouslyAllowPublicSuffixes bool `yaml:"dangerously_allow_public_suffixes,omitempty"`

	// Routes holds exceptions by path; the most specific pattern wins.
	Routes []Route `yaml:"routes,omitempty"`
}

// A Route is an exception for some paths. What it leaves false is as the
// policy says.
type Route struct {
	// Path is an exact path, a tree (/like/this/) or has wildcard segments
	// (/like/{this}).
	Path string `yaml:"path"`
	// DangerouslyAllowCrossSite lets pages of every site send unsafe requests
	// to this path. A sign-in whose provider answers with a cross-site form
	// post (SAML, OpenID Connect form_post) needs it, or an entry in Trust.
	DangerouslyAllowCrossSite bool `yaml:"dangerously_allow_cross_site,omitempty"`
	// DangerouslyAllowCrossSiteUpgrades lets pages of every site open
	// WebSockets at this path.
	DangerouslyAllowCrossSiteUpgrades bool `yaml:"dangerously_allow_cross_site_upgrades,omitempty"`
}

const (
	defaultMaxAge = 10 * time.Minute
	// Browsers cap it: Chromium at two hours, Firefox at a day. The longer a
	// grant is remembered, the longer one that was taken back stays in force.
	maxMaxAge = 2 * time.Hour
)

// A Guard enforces a [Policy].
type Guard struct {
	p    Policy // our own copy
	cop  *http.CrossOriginProtection
	vary bool // responses differ by the Origin of the request

	allow, trust  matcher
	anyOrigin     bool
	anyHeader     bool                // request headers: all but Authorization
	headers       map[string]struct{} // request headers, lower case
	allowHeaders  string
	exposeHeaders string
	maxAge        string
	routes        guard.Table[Route]
}

// New returns a guard that enforces p, or every mistake in p.
func New(p Policy) (*Guard, error) {
	p.Allow = slices.Clone(p.Allow)
	p.Trust = slices.Clone(p.Trust)
	p.Methods = slices.Clone(p.Methods)
	p.RequestHeaders = slices.Clone(p.RequestHeaders)
	p.ResponseHeaders = slices.Clone(p.ResponseHeaders)
	p.Routes = slices.Clone(p.Routes)

	g := &Guard{p: p, cop: http.NewCrossOriginProtection()}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	g.anyOrigin = slices.Contains(p.Allow, "*")
	if g.anyOrigin && len(p.Allow) > 1 {
		bad(`origins.allow: %q: "*" has to be the only entry: it covers the others, and gives them less than they would get by themselves`, p.Allow)
	}
	errs = append(errs, g.allow.compile("origins.allow", p.Allow, p, true)...)
	errs = append(errs, g.trust.compile("origins.trust", p.Trust, p, false)...)

	if g.anyOrigin && p.AllowCredentials {
		// Browsers refuse the pair literally, and libraries that "help" by
		// reflecting the origin let every page act as the user (CWE-942).
		bad(`origins.allow_credentials: true: not with allow "*": every page would read everything as whoever looks at it`)
	}
	if g.anyOrigin && p.AllowPrivateNetwork {
		bad(`origins.allow_private_network: true: not with allow "*": every page on the internet would reach into the private network`)
	}
	if p.AllowUpstreamCORS && len(p.Allow) > 0 {
		bad("origins.allow_upstream_cors: true: not with origins.allow: two authorities contradict each other; list the origins in one place")
	}
	if len(p.Allow) == 0 {
		for _, f := range []struct {
			key string
			set bool
		}{
			{"allow_credentials", p.AllowCredentials},
			{"methods", len(p.Methods) > 0},
			{"request_headers", len(p.RequestHeaders) > 0},
			{"response_headers", len(p.ResponseHeaders) > 0},
			{"max_age", p.MaxAge != 0},
			{"allow_private_network", p.AllowPrivateNetwork},
		} {
			if f.set {
				bad("origins.%s: has no effect without origins.allow", f.key)
			}
		}
	}
	errs = append(errs, g.compileMethods()...)
	errs = append(errs, g.compileRequestHeaders()...)
	errs = append(errs, g.compileResponseHeaders()...)

	age := p.MaxAge
	switch {
	case age == 0:
		age = defaultMaxAge
	case age < time.Second || age > maxMaxAge || age%time.Second != 0:
		bad("origins.max_age: %v: must be whole seconds from 1s to 2h; browsers remember no longer, and a grant that was taken back would outlive its policy", age)
	}
	g.maxAge = strconv.FormatInt(int64(age/time.Second), 10)

	for i, r := range p.Routes {
		if err := g.routes.Add(r.Path, r); err != nil {
			bad("origins.routes[%d].path: %w", i, err)
		}
		if !r.DangerouslyAllowCrossSite && !r.DangerouslyAllowCrossSiteUpgrades {
			bad("origins.routes[%d]: %q: changes nothing: set one of its keys or remove it", i, r.Path)
		}
	}
	// "*" is answered alike for all; everything else differs by Origin.
	g.vary = len(p.Allow) > 0 && !g.anyOrigin
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Guard) compileMethods() (errs []error) {
	seen := map[string]bool{}
	for i, m := range g.p.Methods {
		key := fmt.Sprintf("origins.methods[%d]: %q: ", i, m)
		switch upper := strings.ToUpper(m); {
		case m == "*":
			errs = append(errs, errors.New(key+"list the methods: with credentials browsers take the asterisk for a method's name, and without it the list is what a reader can check"))
		case !isToken(m):
			errs = append(errs, errors.New(key+"is not a method's name (RFC 9110 section 9.1)"))
		case upper == "CONNECT" || upper == "TRACE" || upper == "TRACK":
			errs = append(errs, errors.New(key+"browsers never send this method for a page, and TRACE gives away what they hide from scripts"))
		case m != upper:
			errs = append(errs, errors.New(key+"methods are case-sensitive: write "+upper))
		case g.anyOrigin && isUnsafe(m) && !g.p.DangerouslyAllowCrossSite:
			errs = append(errs, errors.New(key+`with allow "*" pages of other sites may only read; list the origins that may do more`))
		case seen[m]:
			errs = append(errs, errors.New(key+"is listed twice"))
		}
		seen[m] = true
	}
	return errs
}

func (g *Guard) compileRequestHeaders() (errs []error) {
	g.headers = make(map[string]struct{}, len(g.p.RequestHeaders))
	var names []string
	for i, name := range g.p.RequestHeaders {
		key := fmt.Sprintf("origins.request_headers[%d]: %q: ", i, name)
		lower := strings.ToLower(name)
		if _, dup := g.headers[lower]; dup {
			errs = append(errs, errors.New(key+"is listed twice"))
			continue
		}
		switch {
		case name == "*" && g.p.AllowCredentials:
			errs = append(errs, errors.New(key+"not with allow_credentials: browsers take the asterisk for a header's name then, and reflecting what is asked for would let a page set any header on a request with the user's cookies; list the names"))
		case name == "*":
			// By the Fetch standard the asterisk does not cover Authorization:
			// that has to be listed beside it.
			g.anyHeader = true
		case !isToken(name):
			errs = append(errs, errors.New(key+"is not a header field's name (RFC 9110 section 5.1)"))
		case forbiddenRequestHeader(lower):
			errs = append(errs, errors.New(key+"browsers never let a page set this header"))
		case strings.HasPrefix(lower, "access-control-"):
			errs = append(errs, errors.New(key+"belongs to CORS itself and has no place in a page's request"))
		case lower == "x-http-method-override" || lower == "x-http-method" || lower == "x-method-override":
			errs = append(errs, errors.New(key+"would make of an allowed method another one"))
		}
		g.headers[lower] = struct{}{}
		names = append(names, lower)
	}
	g.allowHeaders = strings.Join(names, ", ")
	return errs
}

func (g *Guard) compileResponseHeaders() (errs []error) {
	seen := map[string]bool{}
	for i, name := range g.p.ResponseHeaders {
		key := fmt.Sprintf("origins.response_headers[%d]: %q: ", i, name)
		lower := strings.ToLower(name)
		switch {
		case seen[lower]:
			errs = append(errs, errors.New(key+"is listed twice"))
		case name == "*" && g.p.AllowCredentials:
			errs = append(errs, errors.New(key+"not with allow_credentials: browsers take the asterisk for a header's name then; list the names"))
		case name == "*" && len(g.p.ResponseHeaders) > 1:
			errs = append(errs, errors.New(key+"covers the others: list it alone"))
		case name == "*":
		case !isToken(name):
			errs = append(errs, errors.New(key+"is not a header field's name (RFC 9110 section 5.1)"))
		case lower == "set-cookie" || lower == "set-cookie2":
			errs = append(errs, errors.New(key+"browsers never show this header to a page"))
		case slices.Contains(safelistedResponseHeaders, lower):
			errs = append(errs, errors.New(key+"every page that may read the response may read this header: remove it"))
		case strings.HasPrefix(lower, "access-control-") || lower == "origin":
			errs = append(errs, errors.New(key+"has no place in what a page reads"))
		}
		seen[lower] = true
	}
	g.exposeHeaders = strings.Join(g.p.ResponseHeaders, ", ")
	return errs
}

// safelistedResponseHeaders are those of the Fetch standard, "CORS-safelisted
// response-header name".
var safelistedResponseHeaders = []string{
	"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma",
}

// forbiddenRequestHeader implements "forbidden request-header" of the Fetch
// standard; lower is in lower case.
func forbiddenRequestHeader(lower string) bool {
	switch lower {
	case "accept-charset", "accept-encoding", "access-control-request-headers",
		"access-control-request-method", "access-control-request-private-network",
		"connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect",
		"host", "keep-alive", "origin", "referer", "set-cookie", "te", "trailer",
		"transfer-encoding", "upgrade", "via":
		return true
	}
	return strings.HasPrefix(lower, "proxy-") || strings.HasPrefix(lower, "sec-")
}

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// Loosened lists every place where p is weaker than the zero policy.
func (p Policy) Loosened() []guard.Loosening {
	var out []guard.Loosening
	add := func(rule, key, effect string) {
		out = append(out, guard.Loosening{Rule: rule, Key: "origins." + key, Effect: effect})
	}
	for i, o := range p.Allow {
		key := fmt.Sprintf("allow[%d]", i)
		if o == "*" {
			add(ruleListed, key, "every page may read what the API answers without credentials")
			continue
		}
		add(ruleListed, key, fmt.Sprintf("pages of %q may read responses", o))
		add(ruleCrossSite, key, fmt.Sprintf("pages of %q may send unsafe requests with the user's cookies", o))
		add(ruleUpgrade, key, fmt.Sprintf("pages of %q may open WebSockets with the user's cookies", o))
	}
	for i, o := range p.Trust {
		key := fmt.Sprintf("trust[%d]", i)
		add(ruleCrossSite, key, fmt.Sprintf("pages of %q may send unsafe requests with the user's cookies", o))
		add(ruleUpgrade, key, fmt.Sprintf("pages of %q may open WebSockets with the user's cookies", o))
	}
	if p.AllowCredentials {
		add(ruleListed, "allow_credentials", "allowed pages may read responses to requests with the user's cookies")
	}
	if p.AllowPrivateNetwork {
		add(rulePreflight, "allow_private_network", "allowed pages on the public internet may call the API inside a private network")
	}
	if len(p.Methods) > 0 {
		add(rulePreflight, "methods", "allowed pages may use further methods")
	}
	if len(p.RequestHeaders) > 0 {
		add(rulePreflight, "request_headers", "allowed pages may set further request headers")
	}
	if len(p.ResponseHeaders) > 0 {
		add(ruleListed, "response_headers", "allowed pages may read further response headers")
	}
	if p.AllowUpstreamCORS {
		add(ruleListed, "allow_upstream_cors", "whatever origin the app allows may read responses")
		add(rulePreflight, "allow_upstream_cors", "preflights reach the app")
	}
	if p.DangerouslyAllowCrossSite {
		add(ruleCrossSite, "dangerously_allow_cross_site", "pages of every site may send unsafe requests with the user's cookies")
	}
	if p.DangerouslyAllowCrossSiteUpgrades {
		add(ruleUpgrade, "dangerously_allow_cross_site_upgrades", "pages of every site may open WebSockets with the user's cookies")
	}
	if p.DangerouslyAllowInsecureOrigins {
		add(ruleListed, "dangerously_allow_insecure_origins", "whoever sits on the network between a user and an http:// origin may act as that origin")
	}
	if p.DangerouslyAllowPublicSuffixes {
		add(ruleListed, "dangerously_allow_public_suffixes", "whoever registers a name below a public suffix may be among the allowed origins")
	}
	for i, r := range p.Routes {
		if r.DangerouslyAllowCrossSite {
			add(ruleCrossSite, fmt.Sprintf("routes[%d].dangerously_allow_cross_site", i), fmt.Sprintf("pages of every site may send unsafe requests to %s", r.Path))
		}
		if r.DangerouslyAllowCrossSiteUpgrades {
			add(ruleUpgrade, fmt.Sprintf("routes[%d].dangerously_allow_cross_site_upgrades", i), fmt.Sprintf("pages of every site may open WebSockets at %s", r.Path))
		}
	}
	return out
}
