package headers

import (
	"net/http"
	"net/url"
	"strings"
)

// An exchange is what the headers of one response depend on.
type exchange struct {
	url         *url.URL
	path        string // as it was when the request came; url.Path may have been brought to another form since
	secure      bool
	credentials bool
	nonce       *nonce
	preface     prefacer // takes the block; nil means that all goes into the map
}

// apply brings h into the form that the policy wants for the response of x.
// Values go to buf as far as it has room: a slice that two responses shared
// could be edited by an outer handler, for everyone.
func (c *compiled) apply(h http.Header, x *exchange, buf []string) {
	prof := c.profileOf(x.url, x.path)
	noStore := c.mustNotStore(x.url, x.path)
	if now := x.url.Path; now != x.path {
		// A guard or handler further in has rewritten the path. Where both
		// forms have the same profile that one holds; where not, neither.
		if c.profileOf(x.url, now) != prof {
			prof = c.strict
		}
		noStore = noStore || c.mustNotStore(x.url, now)
	}
	noStore = noStore && !prof.ownsCache

	cookies, target := c.sweep(h, prof)
	if !c.policy.NoStore.AllowCachedAuthenticated && (x.credentials || cookies) {
		// What a shared cache keeps of one person's answer it may hand to the
		// next one, and a browser's disk to who sits there next (CWE-525).
		noStore = true
	}
	if cookies && c.cookies.any() {
		c.cookies.harden(h)
	}
	if prof.nonce {
		// A nonce out of a cache is one that an attacker can know.
		noStore = true
	}

	if n := len(prof.out) + 1; len(buf) < n {
		buf = make([]string, n)
	}
	// sweep has deleted the handler's own, whatever becomes of ours.
	ahead := x.preface != nil && len(prof.block) > 0 && x.preface.Preface(prof.block)
	for i := range prof.out {
		f := &prof.out[i]
		if f.block && ahead {
			continue
		}
		if f.tls && !x.secure {
			// RFC 6797 section 7.2: not over plain HTTP, where anyone on the
			// way could have written it.
			delete(h, f.name)
			continue
		}
		value := f.value
		if f.nonce {
			value = strings.ReplaceAll(value, placeholder, x.nonce.get())
		}
		switch f.verb {
		case verbDefault:
			if len(h[f.name]) == 1 {
				continue
			}
		case verbAppend:
			value = join(h[f.name], value)
		}
		buf[i] = value
		h[f.name] = buf[i : i+1 : i+1]
	}
	if noStore {
		if target {
			for _, name := range targeted() {
				delete(h, name)
			}
		}
		last := len(prof.out)
		buf[last] = c.noStoreText
		h[hCacheControl] = buf[last : last+1 : last+1]
	}
}

// sweep takes out of h what is not to be there. It reports whether h sets
// cookies, and whether it speaks to one kind of cache only.
func (c *compiled) sweep(h http.Header, prof *profile) (cookies, target bool) {
	odd := false
	for k := range h {
		name := http.CanonicalHeaderKey(k)
		if name != k {
			odd = odd || prof.touches(name)
			continue
		}
		switch prof.act[name] {
		case verbSet, verbRemove:
			delete(h, name)
			continue
		case verbTargeted:
			target = true
		}
		switch name {
		case hSetCookie:
			cookies = true
		case hConnection:
			onlyOwnOptions(h)
		case hTrailer:
			prof.dropTrailers(h)
		}
	}
	if odd {
		// Keys that Header.Set did not put there. net/http would write them
		// beside ours, as a second value.
		for k, values := range h {
			if name := http.CanonicalHeaderKey(k); name != k && prof.touches(name) {
				delete(h, k)
				h[name] = append(h[name][:len(h[name]):len(h[name])], values...)
			}
		}
		return c.sweep(h, prof)
	}
	return cookies, target
}

// touches reports whether the profile decides about a header.
func (p *profile) touches(name string) bool {
	switch name {
	case hSetCookie, hConnection, hTrailer, hCacheControl:
		return true
	}
	return p.act[name] != 0
}

// onlyOwnOptions leaves of Connection what HTTP itself says there. An
// upstream that sends "Connection: Strict-Transport-Security" asks the next
// proxy to drop our header.
func onlyOwnOptions(h http.Header) {
	filter(h, hConnection, func(option string) bool {
		return strings.EqualFold(option, "close") || strings.EqualFold(option, "keep-alive") || strings.EqualFold(option, "upgrade")
	})
}

// dropTrailers takes the guarded names out of the announced trailers: a
// trailer could be merged into the header later (RFC 9110 section 6.5.1),
// beside our value.
func (p *profile) dropTrailers(h http.Header) {
	filter(h, hTrailer, func(name string) bool { return !p.touches(http.CanonicalHeaderKey(name)) })
}

// filter keeps of a list header the members for which keep is true.
func filter(h http.Header, name string, keep func(string) bool) {
	var kept []string
	dropped := false
	for _, line := range h[name] {
		for _, member := range strings.Split(line, ",") {
			member = strings.Trim(member, " \t")
			switch {
			case member == "":
			case keep(member):
				kept = append(kept, member)
			default:
				dropped = true
			}
		}
	}
	switch {
	case !dropped:
	case len(kept) == 0:
		delete(h, name)
	default:
		h[name] = []string{strings.Join(kept, ", ")}
	}
}

// join returns a list header's lines as one, with add at its end if it is not
// among them.
func join(lines []string, add string) string {
	for _, line := range lines {
		for _, member := range strings.Split(line, ",") {
			if strings.EqualFold(strings.Trim(member, " \t"), add) {
				return strings.Join(lines, ", ")
			}
		}
	}
	all := strings.Join(lines, ", ")
	if all == "" {
		return add
	}
	return all + ", " + add
}
