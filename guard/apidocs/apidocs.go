// Package apidocs keeps an API's own description from strangers: the pages
// and documents that FastAPI and other frameworks serve at /docs, /redoc,
// /openapi.json and their kin are answered 404 unless the policy opens them.
//
// The description lists every route, parameter and model, those that were
// never meant to be found too, and its pages run scripts from other hosts.
//
// # When not to use it
//
// It judges paths. A description that the app serves under a name of its own
// has to be named in [Policy.Paths]; an API whose routes only look like
// documentation is let through with [Policy.Except].
package apidocs

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A Policy says who may see the API's description. Its zero value lets nobody.
type Policy struct {
	// Open lets everyone see it.
	Open bool `yaml:"open,omitempty"`
	// OpenTo lists the networks (CIDR, such as "10.0.0.0/8") and addresses
	// whose clients may see it, as the client address is established for
	// limits and logs. Empty: none. Not with Open.
	OpenTo []string `yaml:"open_to,omitempty"`
	// Paths lists further paths that are documentation: an exact path, a tree
	// (/like/this/), or with wildcard segments (/like/{this}). Upper and
	// lower case are the same. Empty: only those that are known (see the
	// guide).
	Paths []string `yaml:"paths,omitempty"`
	// Except lists paths, written as in Paths, that are no documentation
	// although they look it: a route that serves a user's "docs". It wins
	// over Paths. Empty: none.
	Except []string `yaml:"except,omitempty"`
}

// A Guard enforces a [Policy].
type Guard struct {
	p      Policy // our own copy
	openTo []netip.Prefix
	paths  guard.Table[struct{}]
	except guard.Table[struct{}]
}

const rule = "apidocs/closed"

// New returns a guard that enforces p, or every mistake in p.
func New(p Policy) (*Guard, error) {
	p.OpenTo = slices.Clone(p.OpenTo)
	p.Paths = slices.Clone(p.Paths)
	p.Except = slices.Clone(p.Except)
	g := &Guard{p: p}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if p.Open && len(p.OpenTo) > 0 {
		bad("apidocs.open: true: not with apidocs.open_to: it opens to everyone, listed or not")
	}
	for i, s := range p.OpenTo {
		prefix, err := parsePrefix(s)
		if err == nil && slices.Contains(g.openTo, prefix) {
			err = errors.New("is listed twice")
		}
		if err != nil {
			bad("apidocs.open_to[%d]: %q: %w", i, s, err)
			continue
		}
		g.openTo = append(g.openTo, prefix)
	}
	for i, s := range p.Paths {
		if err := g.paths.Add(lower(s), struct{}{}); err != nil {
			bad("apidocs.paths[%d]: %w", i, err)
		} else if s == "/" {
			bad(`apidocs.paths[%d]: "/" is every path of the API`, i)
		}
	}
	for i, s := range p.Except {
		if err := g.except.Add(lower(s), struct{}{}); err != nil {
			bad("apidocs.except[%d]: %w", i, err)
		} else if s == "/" {
			bad(`apidocs.except[%d]: "/" is every path of the API: that is open: true`, i)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	addr, err := netip.ParseAddr(s)
	if err == nil {
		switch {
		case addr.Zone() != "":
			return netip.Prefix{}, errors.New("has a zone, which client addresses do not")
		case addr.Is4In6():
			return netip.Prefix{}, fmt.Errorf("write the IPv4 address: %q", addr.Unmap())
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, errors.New(`is neither a network such as "10.0.0.0/8" nor an address`)
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, errors.New("write the IPv4 network: client addresses are compared in that form")
	case prefix.Bits() == 0:
		return netip.Prefix{}, errors.New("is everyone: that is open: true")
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("has bits set behind its mask: %q is meant, or a longer mask", prefix.Masked())
	}
	return prefix, nil
}

// Check returns nil if the policy lets r pass, or the *[guard.Refusal] if not.
func (g *Guard) Check(r *http.Request) error {
	if g.p.Open || !g.documents(r.URL.Path) || g.invited(r) {
		return nil
	}
	// The same for every such path, whether or not the app has anything
	// there: the answer tells that there is a guard, not what it guards.
	return guard.Judge(r, &guard.Refusal{
		Rule:   rule,
		Status: http.StatusNotFound,
		Code:   "NOT_FOUND",
		Detail: "There is nothing at this address.",
		Reason: fmt.Sprintf("the API's description is closed: path %.80q", r.URL.Path),
	})
}

// Wrap returns a handler that answers 404 where [Guard.Check] refuses, and
// calls next for everything else.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.Check(r); err != nil {
			guard.Refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// invited reports whether r's client is in a listed network. A client without
// an address, behind a unix socket, is in none.
func (g *Guard) invited(r *http.Request) bool {
	if len(g.openTo) == 0 {
		return false
	}
	client := guard.Client(r)
	for _, p := range g.openTo {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

// documents reports whether path is documentation under the policy.
func (g *Guard) documents(path string) bool {
	known := looksLikeDocs(path)
	if !known && len(g.p.Paths) == 0 {
		return false
	}
	low := lower(path)
	if _, ok := g.except.Lookup(low); ok {
		return false
	}
	if known {
		return true
	}
	if _, ok := g.paths.Lookup(low); ok {
		return true
	}
	// "/spec/" is the app's "/spec" after a redirect, or at once.
	_, ok := g.paths.Lookup(strings.TrimRight(low, "/"))
	return ok
}

// lower folds ASCII letters alone: what any server that ignores case folds.
func lower(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; c >= 'A' && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// looksLikeDocs reports whether a decoded path is one where a framework
// serves a description, below any prefix: a root path, a mounted app, a
// version. It needs no canonical path to be right: attack, "/docs;x",
// "//docs", "/./docs", "/DOCS" and "/docs/" are "/docs" to some router.
func looksLikeDocs(path string) bool {
	last, before := "", ""
	for start, i := 0, 0; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' && path[i] != '\\' {
			continue
		}
		segment := path[start:i]
		start = i + 1
		if semicolon := strings.IndexByte(segment, ';'); semicolon >= 0 {
			segment = segment[:semicolon]
		}
		segment = strings.Trim(segment, " .")
		if segment == "" {
			continue
		}
		// Names that mean nothing else: the whole tree below is theirs.
		switch segment[0] | 0x20 {
		case 's', 'r', 'a', 'o': // a first look, cheap, since every request comes here
			if oneOf(segment, "swagger", "swagger-ui", "swagger-ui.html", "swagger-resources", "redoc", "rapidoc", "api-docs", "apidocs", "openapi") {
				return true
			}
		}
		before, last = last, segment
	}
	// "docs" may be a collection of documents: it is closed itself, and what
	// FastAPI and its kin serve below it, but not "/docs/17".
	if oneOf(last, "docs", "redoc.html", "swagger.html", "scalar", "elements.html", "rapidoc.html") {
		return true
	}
	if strings.EqualFold(before, "docs") && oneOf(last, "oauth2-redirect", "oauth2-redirect.html", "index.html") {
		return true
	}
	// openapi.json, openapi.yaml, swagger.json, openapi-v2.yml, openapi3.1.json
	dot := strings.LastIndexByte(last, '.')
	return dot >= 0 && (hasPrefixFold(last, "openapi") || hasPrefixFold(last, "swagger")) &&
		oneOf(last[dot+1:], "json", "yaml", "yml")
}

func oneOf(s string, names ...string) bool {
	for _, name := range names {
		if strings.EqualFold(s, name) {
			return true
		}
	}
	return false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// Rules documents what the guard enforces.
func Rules() []guard.Rule {
	return []guard.Rule{{
		ID:     rule,
		Claim:  "the API's own description is not shown to strangers",
		Attack: "Frameworks serve a full map of the API by default: every route, parameter and model, internal ones too, and a console to try them from. Scanners ask for it first.",
		Refs:   []string{"CWE-200", "CWE-497", "OWASP API9:2023", "ASVS 5.0 V13.4.5"},
		Loosen: "apidocs:\n  open: true\n",
		Cost:   "Everyone sees what the API consists of, and /docs and /redoc load scripts from another host unless the app was told otherwise.",
	}}
}

// Loosened lists every place where p is weaker than the zero policy.
func (p Policy) Loosened() []guard.Loosening {
	var out []guard.Loosening
	add := func(key, format string, args ...any) {
		out = append(out, guard.Loosening{Rule: rule, Key: "apidocs." + key, Effect: fmt.Sprintf(format, args...)})
	}
	if p.Open {
		add("open", "everyone sees the API's description")
	}
	for i, s := range p.OpenTo {
		add(fmt.Sprintf("open_to[%d]", i), "clients in %q see the API's description", s)
	}
	for i, s := range p.Except {
		add(fmt.Sprintf("except[%d]", i), "%q is shown to everyone, whatever the app serves there", s)
	}
	return out
}
