package origins

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// Check returns nil if the policy lets r pass, or the *[guard.Refusal] if
// not. A preflight that is granted passes too: [Guard.Wrap] answers it and
// does not call the next handler.
func (g *Guard) Check(r *http.Request) error {
	_, err := g.judge(r)
	return err
}

// A course says what Wrap does with a request that was not refused.
type course int

const (
	pass    course = iota
	grant          // a preflight to be answered here
	passAll        // a preflight that was refused and waived: the app's answer to it stands
)

func (g *Guard) judge(r *http.Request) (course, error) {
	if g.foreignUpgrade(r) && !g.exempt(r, true) {
		if err := guard.Judge(r, &guard.Refusal{
			Rule:   ruleUpgrade,
			Status: http.StatusForbidden,
			Code:   "CROSS_SITE_UPGRADE",
			Detail: "Pages of this origin may not open a connection to this API.",
			Reason: "upgrade by a page of another site: " + seen(r),
		}); err != nil {
			return pass, err
		}
	}
	if g.crossSite(r) && !g.exempt(r, false) {
		if err := guard.Judge(r, &guard.Refusal{
			Rule:   ruleCrossSite,
			Status: http.StatusForbidden,
			Code:   "CROSS_SITE_REQUEST",
			Detail: "Pages of this origin may not send requests that change something to this API.",
			Reason: "unsafe request by a page of another site: " + seen(r),
		}); err != nil {
			return pass, err
		}
	}
	if isPreflight(r) {
		return g.preflight(r)
	}
	return pass, nil
}

// Wrap returns a handler that refuses what the policy does not allow, answers
// preflights, and calls next for everything else, with the response's CORS
// headers being ours alone.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what, err := g.judge(r)
		switch {
		case err != nil:
			if !g.p.AllowUpstreamCORS {
				g.varyRefusal(w.Header(), r)
			}
			guard.Refuse(w, r, err)
		case what == grant:
			g.answer(w, r)
		case g.p.AllowUpstreamCORS:
			next.ServeHTTP(w, r)
		default:
			rw := &writer{ResponseWriter: w, g: g, r: r, asked: what == passAll, keep: what == passAll}
			// Deferred, so that the headers are right also for whoever
			// answers in the place of a handler that panicked.
			defer rw.fix(http.StatusOK)
			next.ServeHTTP(rw, r)
		}
	})
}

// varyRefusal keeps a cache from answering one origin with what was meant for
// another.
func (g *Guard) varyRefusal(h http.Header, r *http.Request) {
	switch {
	case isPreflight(r):
		h.Add("Vary", varyPreflight)
	case g.vary:
		h.Add("Vary", "Origin")
	}
}

// crossSite reports whether r could change something and was sent by a page
// that may not do that. Attack: a page that the user visits posts a form or
// calls fetch, and the browser adds the user's cookies, client certificate or
// place in the network (CWE-352).
func (g *Guard) crossSite(r *http.Request) bool {
	if !isUnsafe(r.Method) {
		return false
	}
	origins, sites := r.Header["Origin"], r.Header["Sec-Fetch-Site"]
	if len(origins) == 0 && len(sites) == 0 {
		return false // not a browser of this decade
	}
	if len(origins) > 1 || len(sites) > 1 {
		return true // no browser does that, and two readers would take two different ones
	}
	if len(origins) == 1 && g.trusts(origins[0]) {
		return false
	}
	refused := g.cop.Check(r) != nil
	if len(origins) == 1 && origins[0] != "" && (len(sites) == 0 || sites[0] == "") {
		// Browsers leave out Sec-Fetch-Site where the API itself is plain
		// http. CrossOriginProtection compares host and port alone then, so
		// that a page over http could act on the https site of the same name
		// in an older browser, and "null" equals an empty Host. We compare
		// the scheme too, and read a default port that a proxy added to Host.
		refused = !sameOrigin(r, origins[0])
	}
	return refused
}

// foreignUpgrade reports whether r asks for another protocol and was sent by
// a page that may not. Attack: cross-site WebSocket hijacking (CWE-1385). The
// handshake is a GET, to which neither the same-origin policy nor
// CrossOriginProtection applies; browsers send it with cookies, and always
// with Origin.
func (g *Guard) foreignUpgrade(r *http.Request) bool {
	if len(r.Header["Upgrade"]) == 0 {
		return false
	}
	origins, sites := r.Header["Origin"], r.Header["Sec-Fetch-Site"]
	if len(origins) > 1 || len(sites) > 1 {
		return true
	}
	site := ""
	if len(sites) == 1 {
		site = sites[0]
	}
	if len(origins) == 0 {
		return site != "" && site != "same-origin" && site != "none"
	}
	if g.trusts(origins[0]) {
		return false
	}
	return !sameOrigin(r, origins[0]) || site == "cross-site"
}

// trusts reports whether pages of origin may act for their visitors. "*" in
// Allow is no reason: it is about reading.
func (g *Guard) trusts(origin string) bool {
	return g.allow.match(origin) || g.trust.match(origin)
}

// exempt reports whether the policy lets every site do what r does.
func (g *Guard) exempt(r *http.Request, upgrade bool) bool {
	route, _ := g.routes.Lookup(r.URL.Path)
	if upgrade {
		return g.p.DangerouslyAllowCrossSiteUpgrades || route.DangerouslyAllowCrossSiteUpgrades
	}
	return g.p.DangerouslyAllowCrossSite || route.DangerouslyAllowCrossSite
}

// isUnsafe reports whether a method may change something, as far as the
// standard library's protection judges it.
func isUnsafe(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// sameOrigin reports whether origin is that of the request itself.
//
// A page over http is never the same as a request over TLS. The other way
// round is let pass: where a proxy that the policy does not know as trusted
// ended the TLS, the request looks plain, and the page is the stronger of the
// two.
func sameOrigin(r *http.Request, origin string) bool {
	scheme, host, _ := strings.Cut(origin, "://")
	port := ":443"
	switch scheme {
	case "https":
	case "http":
		if guard.Secure(r) {
			return false
		}
		port = ":80"
	default: // "null" is nobody's
		return false
	}
	return host != "" && strings.EqualFold(strings.TrimSuffix(host, port), strings.TrimSuffix(r.Host, port))
}

// seen describes, for the log, what was judged.
func seen(r *http.Request) string {
	return fmt.Sprintf("Origin %.80q, Sec-Fetch-Site %.80q, Host %.80q", first(r, "Origin"), first(r, "Sec-Fetch-Site"), r.Host)
}

// first returns the first value of a field, and says so if there are more.
func first(r *http.Request, name string) string {
	v := r.Header[name]
	switch len(v) {
	case 0:
		return ""
	case 1:
		return v[0]
	}
	return fmt.Sprintf("(%d values) %s", len(v), v[0])
}

// readable reports whether pages of the request's one origin may read the
// answer, and returns the value for Access-Control-Allow-Origin.
func (g *Guard) readable(r *http.Request) (allow string, ok bool) {
	if g.anyOrigin {
		return "*", true
	}
	origins := r.Header["Origin"]
	if len(origins) != 1 || !g.allow.match(origins[0]) {
		return "", false
	}
	return origins[0], true
}

// mayUse reports whether a preflight may be granted for a method.
func (g *Guard) mayUse(r *http.Request, method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		if !slices.Contains(g.p.Methods, method) {
			return false
		}
	}
	// A preflight promises nothing that the request itself would be refused:
	// "*" in Allow does not make a page one that may act.
	return !isUnsafe(method) || g.trusts(r.Header["Origin"][0]) || g.exempt(r, false)
}
