package origins

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

const (
	// A preflight names the headers that a script wants to set. Real ones
	// name a handful.
	maxNames     = 64
	maxNameBytes = 4096

	varyPreflight = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
)

// isPreflight implements "CORS-preflight request" of the Fetch standard.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Access-Control-Request-Method"]) > 0 && len(r.Header["Origin"]) > 0
}

// preflight judges a preflight. In enforce mode it is granted or refused: no
// app sees it, so that an app's own idea of CORS decides nothing.
func (g *Guard) preflight(r *http.Request) (course, error) {
	refuse := func(rule, code, detail, reason string) error {
		return guard.Judge(r, &guard.Refusal{Rule: rule, Status: http.StatusForbidden, Code: code, Detail: detail, Reason: reason})
	}
	// First of all and also for the app's own CORS: attack "preflight bomb",
	// 60,000 commas that libraries split, trim, sort and join for everyone
	// who asks (GHSA-vh9x-phq6-fx54, CWE-400). Only what is within the bounds is
	// ever split.
	if !bounded(r.Header["Access-Control-Request-Headers"]) {
		if err := refuse(rulePreflight, "CORS_REQUEST_HEADERS", "The preflight names too many request headers.",
			"Access-Control-Request-Headers is beyond 64 names or 4 KiB"); err != nil {
			return pass, err
		}
		return passAll, nil
	}
	if g.p.AllowUpstreamCORS {
		return pass, nil
	}
	if _, ok := g.readable(r); !ok {
		if err := refuse(ruleListed, "CORS_ORIGIN", "Pages of this origin may not read what this API answers.",
			"preflight from an origin that is not listed: "+seen(r)); err != nil {
			return pass, err
		}
		return passAll, nil
	}
	what := grant
	if m := r.Header["Access-Control-Request-Method"]; len(m) != 1 || len(r.Header["Origin"]) != 1 || !g.mayUse(r, m[0]) {
		if err := refuse(rulePreflight, "CORS_METHOD", "Pages of this origin may not use this method.",
			"preflight for a method that is not listed: "+fmt.Sprintf("%.80q", m)); err != nil {
			return pass, err
		}
		what = passAll
	}
	if name, ok := g.maySet(r.Header["Access-Control-Request-Headers"]); !ok {
		if err := refuse(rulePreflight, "CORS_REQUEST_HEADERS", "Pages of this origin may not set one of these request headers.",
			"preflight for a header that is not listed: "+fmt.Sprintf("%.80q", name)); err != nil {
			return pass, err
		}
		what = passAll
	}
	// Attack: a page on the internet uses the visitor's browser to reach into
	// the network that the visitor sits in.
	if len(r.Header["Access-Control-Request-Private-Network"]) > 0 && !g.p.AllowPrivateNetwork {
		if err := refuse(rulePreflight, "CORS_PRIVATE_NETWORK", "Pages on the public internet may not call this API inside a private network.",
			"preflight for private-network access"); err != nil {
			return pass, err
		}
		what = passAll
	}
	return what, nil
}

// bounded reports whether the lines together are at most 64 list elements,
// empty ones counted, and 4 KiB. It looks at no more than 4 KiB.
func bounded(lines []string) bool {
	if len(lines) > maxNames {
		return false
	}
	size, names := 0, 0
	for _, line := range lines {
		if size += len(line); size > maxNameBytes {
			return false
		}
		if names += 1 + strings.Count(line, ","); names > maxNames {
			return false
		}
	}
	return true
}

// maySet reports whether all names in the bounded lines are allowed, or the
// first that is not.
func (g *Guard) maySet(lines []string) (name string, ok bool) {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.Trim(name, " \t")
			if name == "" {
				continue // RFC 9110 section 5.6.1.2
			}
			lower := strings.ToLower(name)
			if _, ok := g.headers[lower]; ok && lower != "*" {
				continue
			}
			if !g.anyHeader || lower == "authorization" || !isToken(name) {
				return name, false
			}
		}
	}
	return "", true
}

// answer grants a preflight. Nothing of the request is written back except an
// origin and a method that are equal to one of ours.
func (g *Guard) answer(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", varyPreflight)
	origin, _ := g.readable(r)
	h["Access-Control-Allow-Origin"] = []string{origin}
	if g.p.AllowCredentials {
		h["Access-Control-Allow-Credentials"] = []string{"true"}
	}
	h["Access-Control-Allow-Methods"] = []string{r.Header["Access-Control-Request-Method"][0]}
	if g.allowHeaders != "" {
		h["Access-Control-Allow-Headers"] = []string{g.allowHeaders}
	}
	if g.p.AllowPrivateNetwork && len(r.Header["Access-Control-Request-Private-Network"]) > 0 {
		h["Access-Control-Allow-Private-Network"] = []string{"true"}
	}
	h["Access-Control-Max-Age"] = []string{g.maxAge}
	w.WriteHeader(http.StatusNoContent)
}
