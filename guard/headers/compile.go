package headers

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A verb is what is done with a header.
type verb uint8

const (
	verbSet verb = iota + 1
	verbDefault
	verbAppend
	verbRemove
	verbKeep
	verbTargeted // removed where no-store is forced
)

// An entry is a decision about one header, and the policy key that made it.
type entry struct {
	name  string // canonical
	verb  verb
	value string
	key   string
}

// A field is a header that is written.
type field struct {
	name  string
	value string
	verb  verb
	tls   bool // only over TLS
	nonce bool // the value holds the placeholder
	block bool // it is in the profile's block
}

// A profile is what is done to the responses of some paths.
type profile struct {
	act       map[string]verb // what becomes of the handler's own
	out       []field
	entries   []entry // what it was made of
	ownsCache bool    // the route itself says what becomes of Cache-Control
	nonce     bool
	block     []byte // the lines of the fields that never differ
}

// compiled is a policy in the form in which it is carried out.
type compiled struct {
	policy      Policy
	base        *profile
	strict      *profile // for paths that two routers could read differently
	routes      guard.Table[*profile]
	byRoute     []*profile
	noStore     guard.Table[struct{}]
	noStoreText string
	probePath   string // a path that must not be cached, for the promise
	credentials []string
	cookies     cookieFlags
	nonces      bool
}

// placeholder stands in a policy for a fresh nonce.
const placeholder = "{nonce}"

// verbs is the part that Policy and Route have in common.
type verbs struct {
	set, def, app map[string]string
	remove, keep  []string
}

// compile brings p into its form, as far as it makes sense, and returns every
// mistake in it.
func compile(p Policy) (*compiled, []error) {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("headers.%s: %w", key, fmt.Errorf(format, args...)))
	}
	p = p.clone()
	c := &compiled{policy: p}

	name := p.Preset
	if name == "" {
		name = presetAPI
	}
	if preset(name) == nil {
		bad("preset", "%q is not known%s; there are api, web, guide and oshp", name, suggest(name, presets()))
		name = presetAPI
	}

	groups := p.checkEndpoints(bad)
	own := p.verbs().entries("headers.", groups, bad)
	sts := p.HSTS.entry(name, own, bad)

	if e := find(own, hCSPReport); e != nil && p.InsecureCSPReportOnly {
		bad("insecure_csp_report_only", "the header has a value already, given as %s", e.key)
	}

	base := overlay(nil, pairs(preset(name), "headers.preset"))
	base = overlay(base, sts)
	base = overlay(base, own)
	c.base = p.finish(base)

	// A path that two routers could read differently gets the strictest
	// values: nobody can say which route's it is.
	strict := overlay(nil, pairs(preset(presetAPI), "headers.preset"))
	strict = overlay(strict, sts)
	for _, e := range own {
		if find(strict, e.name) == nil {
			strict = append(strict, e)
		}
	}
	c.strict = p.finish(strict)

	for i, r := range p.Routes {
		key := fmt.Sprintf("routes[%d].", i)
		var entries []entry
		switch {
		case r.Profile == "":
			entries = overlay(base, nil)
		case preset(r.Profile) != nil:
			entries = overlay(nil, pairs(preset(r.Profile), "headers."+key+"profile"))
			entries = overlay(entries, own)
		case profileOverlay(r.Profile) != nil:
			entries = overlay(base, pairs(profileOverlay(r.Profile), "headers."+key+"profile"))
		default:
			bad(key+"profile", "%q is not known%s; there are api, web, guide, oshp, docs, oauth2-redirect and logout", r.Profile, suggest(r.Profile, append(presets(), profileDocs, profilePopup, profileLogout)))
		}
		routes := r.verbs().entries("headers."+key, groups, bad)
		if find(routes, hSTS) != nil {
			bad(key+"path", "the route speaks of Strict-Transport-Security, which browsers apply to the whole host; set it for the whole policy")
		}
		entries = overlay(entries, routes)
		if e := find(base, hSTS); e != nil {
			entries = overlay(entries, []entry{*e})
		}
		prof := p.finish(entries)
		prof.ownsCache = find(routes, hCacheControl) != nil
		c.byRoute = append(c.byRoute, prof)
		if err := c.routes.Add(r.Path, prof); err != nil {
			bad(key+"path", "%w", err)
		}
	}
	for _, prof := range append([]*profile{c.base}, c.byRoute...) {
		c.nonces = c.nonces || prof.nonce
	}

	c.compileNoStore(name, bad)
	c.cookies = checkCookieFlags(p.CookieFlags, bad)
	return c, errs
}

func (c *compiled) compileNoStore(name string, bad func(key, format string, args ...any)) {
	n := c.policy.NoStore
	paths := n.Paths
	c.noStoreText = "no-store"
	if name == presetOSHP {
		c.noStoreText = "no-store, max-age=0" // OWASP's own words
	}
	if len(paths) == 0 {
		paths = []string{"/api/"}
		if name == presetOSHP {
			paths = []string{"/"}
		}
	}
	if n.AllowCachedPaths && len(n.Paths) > 0 {
		bad("no_store.paths", "given together with allow_cached_paths, which switches them off")
	}
	for i, path := range paths {
		if n.IgnoreCase {
			path = strings.ToLower(path)
		}
		if err := c.noStore.Add(path, struct{}{}); err != nil {
			bad(fmt.Sprintf("no_store.paths[%d]", i), "%w", err)
		}
	}
	c.probePath = paths[0]

	c.credentials = []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token"}
	for i, name := range n.Credentials {
		key := fmt.Sprintf("no_store.credentials[%d]", i)
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name):
			bad(key, "%q is not a header name", name)
		case slices.Contains(c.credentials, canonical):
			bad(key, "%s counts as a credential already", canonical)
		default:
			c.credentials = append(c.credentials, canonical)
		}
	}
}

// finish makes a profile of entries: the Content-Security-Policies get their
// report-to, or their other name.
func (p Policy) finish(entries []entry) *profile {
	entries = slices.Clone(entries)
	if len(p.ReportingEndpoints) > 0 && find(entries, hEndpoints) == nil {
		var list []string
		for _, name := range slices.Sorted(maps.Keys(p.ReportingEndpoints)) {
			list = append(list, name+`="`+p.ReportingEndpoints[name]+`"`)
		}
		entries = append(entries, entry{hEndpoints, verbSet, strings.Join(list, ", "), "headers.reporting_endpoints"})
	}
	for i, e := range entries {
		if (e.name == hCSP || e.name == hCSPReport) && e.value != "" && p.ReportTo != "" && !hasDirective(e.value, "report-to") {
			entries[i].value += "; report-to " + p.ReportTo
		}
	}
	if e := find(entries, hCSP); e != nil && p.InsecureCSPReportOnly && e.verb != verbKeep && e.verb != verbRemove {
		moved := *e
		moved.name, moved.key = hCSPReport, "headers.insecure_csp_report_only"
		*e = entry{name: hCSP, verb: verbKeep, key: moved.key} // a handler's own stays in force
		entries = overlay(entries, []entry{moved})
	}

	prof := &profile{act: map[string]verb{}, entries: entries}
	for _, name := range targeted() {
		prof.act[name] = verbTargeted
	}
	for _, name := range disclosing() {
		prof.act[name] = verbRemove
	}
	for _, e := range entries {
		prof.act[e.name] = e.verb
		if e.verb == verbRemove || e.verb == verbKeep {
			continue
		}
		f := field{name: e.name, value: e.value, verb: e.verb, tls: e.name == hSTS, nonce: strings.Contains(e.value, placeholder)}
		prof.nonce = prof.nonce || f.nonce
		prof.out = append(prof.out, f)
	}
	prof.makeBlock()
	return prof
}

// pairs makes entries of a preset's lines.
func pairs(list []pair, key string) []entry {
	var entries []entry
	for _, p := range list {
		e := entry{p.name, verbSet, p.value, key}
		if p.value == "" {
			e.verb = verbRemove
		}
		entries = append(entries, e)
	}
	return entries
}

// overlay returns base with the entries of top in the place of those of the
// same names.
func overlay(base, top []entry) []entry {
	all := slices.Clone(base)
	for _, e := range top {
		if old := find(all, e.name); old != nil {
			*old = e
		} else {
			all = append(all, e)
		}
	}
	return all
}

func find(entries []entry, name string) *entry {
	for i := range entries {
		if entries[i].name == name {
			return &entries[i]
		}
	}
	return nil
}

func presets() []string { return []string{presetAPI, presetWeb, presetGuide, presetOSHP} }

func (p Policy) verbs() verbs { return verbs{p.Set, p.Default, p.Append, p.Remove, p.Keep} }
func (r Route) verbs() verbs  { return verbs{r.Set, r.Default, r.Append, r.Remove, r.Keep} }

// clone copies everything that the caller could change later.
func (p Policy) clone() Policy {
	p.Set, p.Default, p.Append = maps.Clone(p.Set), maps.Clone(p.Default), maps.Clone(p.Append)
	p.Remove, p.Keep = slices.Clone(p.Remove), slices.Clone(p.Keep)
	p.ReportingEndpoints = maps.Clone(p.ReportingEndpoints)
	p.NoStore.Paths, p.NoStore.Credentials = slices.Clone(p.NoStore.Paths), slices.Clone(p.NoStore.Credentials)
	p.CookieFlags = slices.Clone(p.CookieFlags)
	p.Routes = slices.Clone(p.Routes)
	for i, r := range p.Routes {
		r.Set, r.Default, r.Append = maps.Clone(r.Set), maps.Clone(r.Default), maps.Clone(r.Append)
		r.Remove, r.Keep = slices.Clone(r.Remove), slices.Clone(r.Keep)
		p.Routes[i] = r
	}
	return p
}

// profileOf returns the profile for a path as a request states it.
func (c *compiled) profileOf(u *url.URL, path string) *profile {
	if len(c.byRoute) == 0 {
		return c.base
	}
	if !plain(u, path) {
		return c.strict
	}
	if prof, ok := c.routes.Lookup(path); ok {
		return prof
	}
	return c.base
}

// mustNotStore reports whether the path is one that no cache may keep.
func (c *compiled) mustNotStore(u *url.URL, path string) bool {
	if c.policy.NoStore.AllowCachedPaths {
		return false
	}
	if !plain(u, path) {
		return true
	}
	if c.policy.NoStore.IgnoreCase {
		path = strings.ToLower(path)
	}
	_, ok := c.noStore.Lookup(path)
	return ok
}

// plain reports whether every router reads path alike. A policy that looks at
// //api/x or /x/../api/y and a router that cleans it first disagree about
// what was asked for (CVE-2026-48710 is one such disagreement). The wire guard
// refuses these paths; this is for a chain without it, and for the refusal.
func plain(u *url.URL, path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	for i := 0; i < len(path); i++ {
		switch b := path[i]; {
		case b < 0x20 || b == 0x7f || b == '\\' || b == ';' || b == '%':
			return false
		case b == '/' && i+1 < len(path):
			rest := path[i+1:]
			if rest[0] == '/' {
				return false
			}
			if rest[0] == '.' && (rest == "." || rest == ".." || strings.HasPrefix(rest, "./") || strings.HasPrefix(rest, "../")) {
				return false
			}
		}
	}
	if u != nil && u.RawPath != "" {
		for i := 0; i+2 < len(u.RawPath); i++ {
			if u.RawPath[i] == '%' && u.RawPath[i+1] == '2' && (u.RawPath[i+2]|0x20) == 'f' {
				return false // an encoded slash
			}
		}
	}
	return true
}
