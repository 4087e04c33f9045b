// Package hosts answers only to the names that the service has.
//
// A client writes the Host header field, and applications build links,
// redirects, cache keys and routing from it. A foreign name in it becomes a
// password reset link to somebody else's site, a poisoned cache, or, when a
// web page has its own name resolve to 127.0.0.1 (DNS rebinding), a browser
// that reads a service which was meant for this machine only. So a name that
// is not listed is answered 421, one that is no name at all 400, and what
// passes goes on in one canonical form.
//
//	g, err := hosts.New(hosts.Policy{Allow: []string{"api.example.com", "*.example.org"}})
//	if err != nil {
//		log.Fatal(err)
//	}
//	http.ListenAndServe(":8000", g.Wrap(mux))
//
// It is of no use for a service that must answer to any name, such as a
// custom domain for each tenant, unless the list is made from the tenants.
package hosts

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A Policy lists the names that are answered. The zero Policy answers to
// loopback names only: localhost, names below it, 127.0.0.0/8 and [::1].
type Policy struct {
	// Allow lists names: "api.example.com", or "*.example.com" for every name
	// of one label or more below it (and not example.com itself), an IPv4
	// address, or an IPv6 address in brackets. A port may follow, and then
	// only that port is answered; without one, every port is. Names may be
	// written in Unicode. Empty means loopback names and the listen address.
	Allow []string `yaml:"allow,omitempty"`
	// Listen is the address that the server listens on, such as
	// "127.0.0.1:8000". Its host is answered too where Allow is empty; an
	// unspecified address such as ":8000" adds nothing. It is set by what
	// starts the server, and is no key of the policy file.
	Listen string `yaml:"-"`
	// DangerouslyAllowAny answers to every well-formed name.
	DangerouslyAllowAny bool `yaml:"dangerously_allow_any,omitempty"`
	// DangerouslyAllowMalformed does not refuse a Host for its form alone.
	// Such a Host matches no listed name, so that without
	// DangerouslyAllowAny it is still refused, as not listed.
	DangerouslyAllowMalformed bool `yaml:"dangerously_allow_malformed,omitempty"`
}

// The rules of this guard.
const (
	ruleWellFormed = "hosts/well-formed"
	ruleListed     = "hosts/listed"
)

// A Guard answers to the names of one policy. It is safe for concurrent use.
type Guard struct {
	any       bool
	malformed bool
	loopback  bool // nothing is listed: loopback names are answered
	names     map[string]ports
	below     map[string]ports // what follows "*."
	addrs     map[netip.Addr]ports
	answers   []string
}

// ports says which ports of a name are answered.
type ports struct {
	any  bool
	list []uint16
}

func (p ports) admit(port uint16) bool { return p.any || slices.Contains(p.list, port) }

func (p ports) with(port uint16) ports {
	if port == 0 {
		p.any = true
		return p
	}
	p.list = append(p.list, port)
	return p
}

// New returns a guard for the policy. Its error joins every mistake in it.
func New(p Policy) (*Guard, error) {
	g := &Guard{
		any:       p.DangerouslyAllowAny,
		malformed: p.DangerouslyAllowMalformed,
		names:     map[string]ports{},
		below:     map[string]ports{},
		addrs:     map[netip.Addr]ports{},
	}
	var errs []error
	seen := map[string]int{}
	for i, text := range p.Allow {
		e, err := parseEntry(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("hosts.allow[%d]: %q %w", i, text, err))
			continue
		}
		canon := e.String()
		if first, dup := seen[canon]; dup {
			errs = append(errs, fmt.Errorf("hosts.allow[%d]: %q is the same as hosts.allow[%d]", i, text, first))
			continue
		}
		seen[canon] = i
		g.add(e)
		g.answers = append(g.answers, canon)
	}
	if p.DangerouslyAllowAny && len(p.Allow) > 0 {
		errs = append(errs, errors.New("hosts.dangerously_allow_any: true makes hosts.allow meaningless: remove one of the two"))
	}
	if len(p.Allow) == 0 && !g.any {
		g.loopback = true
		g.answers = []string{"localhost", "*.localhost", "127.0.0.0/8", "[::1]"}
		if err := g.listen(p.Listen); err != nil {
			errs = append(errs, err)
		}
	}
	if g.any {
		g.answers = []string{"*"}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Guard) add(e entry) {
	switch {
	case e.addr.IsValid():
		g.addrs[e.addr] = g.addrs[e.addr].with(e.port)
	case e.wild:
		g.below[e.name] = g.below[e.name].with(e.port)
	default:
		g.names[e.name] = g.names[e.name].with(e.port)
	}
}

// listen adds the host of the listen address. A page on the web cannot make
// a browser send it: a rebound request carries the page's name.
//
// An unspecified address is left out: "0.0.0.0" in a Host comes from a page
// that reaches for services of this machine past the browser's rules for
// private networks, and from nobody else.
func (g *Guard) listen(listen string) error {
	if listen == "" || strings.HasPrefix(listen, "unix:") {
		return nil
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("hosts: the listen address %q is not host:port", listen)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.WithZone("")
		if !addr.IsUnspecified() && !isLoopback(addr) {
			g.add(entry{hostport: hostport{addr: addr}})
			g.answers = append(g.answers, hostport{addr: addr}.String())
		}
		return nil
	}
	if host == "" {
		return nil
	}
	h, ok := parse(host)
	if !ok {
		return fmt.Errorf("hosts: the listen address %q does not begin with a name or an address", listen)
	}
	if !isLocalhost(h.name) {
		g.add(entry{hostport: h})
		g.answers = append(g.answers, h.String())
	}
	return nil
}

// Answers returns the names that are answered, for the log at the start: the
// list of the policy, the loopback names, or "*".
func (g *Guard) Answers() []string { return slices.Clone(g.answers) }

// Names returns the listed names in canonical form (lower case, A-labels,
// "*." kept, ports left out), each once. Entries that [New] refuses are left
// out. It is for the https guard, which redirects to no other name.
func (p Policy) Names() []string {
	names := map[string]bool{}
	for _, text := range p.Allow {
		if e, err := parseEntry(text); err == nil {
			e.port = 0
			names[e.String()] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Check returns nil if r's host is answered, and otherwise a *guard.Refusal.
func (g *Guard) Check(r *http.Request) error {
	_, _, err := g.judge(r)
	return err
}

// Wrap answers requests for other names itself. What passes has its Host, and
// the host of an absolute-form target, in canonical form: lower case, no
// trailing dot, no port that its scheme implies.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, formed, err := g.judge(r)
		if err != nil {
			guard.Refuse(w, r, err)
			return
		}
		if formed {
			r = canonical(r, h)
		}
		next.ServeHTTP(w, r)
	})
}

// judge returns r's host in its parts, if it has a form.
func (g *Guard) judge(r *http.Request) (h hostport, formed bool, err error) {
	h, why := read(r)
	if why != "" && !g.malformed {
		if err := guard.Judge(r, &guard.Refusal{
			Rule:   ruleWellFormed,
			Status: http.StatusBadRequest,
			Code:   "BAD_HOST",
			Detail: "The request has to name one host, in one well-formed Host header field.",
			Reason: fmt.Sprintf("host %.80q: %s", r.Host, why),
		}); err != nil {
			return h, false, err
		}
	}
	// A Host without a form is on no list.
	if !g.any && (why != "" || !g.listed(h, guard.Secure(r))) {
		if err := guard.Judge(r, &guard.Refusal{
			Rule:   ruleListed,
			Status: http.StatusMisdirectedRequest,
			Code:   "MISDIRECTED_REQUEST",
			Detail: "This service does not answer to that host name.",
			Reason: fmt.Sprintf("host %.80q is not listed in hosts.allow", r.Host),
		}); err != nil {
			return h, false, err
		}
	}
	return h, why == "", nil
}

// read takes r's host apart. If it has no form, or not one, why says so.
//
// CVE-2026-48710 (BadHost) is why this is strict: Starlette built request.url
// by pasting Host before the path and parsing the whole again, so that
// "Host: x/?.example.com" made every path rule of the application look at
// "/" while the router served /api. A '/', '?', '#', '@', '\' or space in
// Host is never part of a name; here nothing but the letters of a name is.
func read(r *http.Request) (h hostport, why string) {
	if r.Host == "" {
		// RFC 9112 section 3.2 asks for 400; HTTP/1.0 clients may leave it
		// out, and then nobody knows whom they mean.
		return h, "there is none"
	}
	h, ok := parse(r.Host)
	if !ok {
		return h, "it is neither a name nor an address, with an optional port"
	}
	// HTTP/2 can carry :authority and Host. net/http takes the first and
	// leaves the second for whoever reads the header.
	if hs, ok := r.Header["Host"]; ok {
		if len(hs) != 1 {
			return h, "there are several Host fields"
		}
		if other, ok := parse(hs[0]); !ok || other != h {
			return h, "the Host field disagrees with it"
		}
	}
	if u := r.URL; u != nil && (u.Host != "" || u.Scheme != "" || u.User != nil) {
		switch {
		case u.Scheme == "" && r.Method == http.MethodConnect:
		case u.Scheme != "http" && u.Scheme != "https":
			return h, "the target is an absolute URL of another scheme"
		case u.Scheme == "https" && !guard.Secure(r):
			// RFC 9110 section 7.4: an https target over plain HTTP must not
			// be served.
			return h, "the target is an https URL and the connection is not secure"
		}
		if u.User != nil {
			// RFC 9110 section 4.2.4: the usual disguise of another host.
			return h, "the target holds user information"
		}
		if other, ok := parse(u.Host); !ok || other != h {
			return h, "the absolute target names another host"
		}
	}
	return h, ""
}

func (g *Guard) listed(h hostport, secure bool) bool {
	port := h.port
	if port == 0 {
		port = implied(secure)
	}
	if h.addr.IsValid() {
		return g.loopback && isLoopback(h.addr) || g.addrs[h.addr].admit(port)
	}
	if g.loopback && isLocalhost(h.name) || g.names[h.name].admit(port) {
		return true
	}
	if len(g.below) == 0 {
		return false
	}
	// Only at a dot: "evilexample.com" is not below example.com.
	for rest := h.name; ; {
		_, after, more := strings.Cut(rest, ".")
		if !more {
			return false
		}
		if g.below[after].admit(port) {
			return true
		}
		rest = after
	}
}

// canonical returns r with h as its host. It copies only what it changes.
func canonical(r *http.Request, h hostport) *http.Request {
	if h.port == implied(guard.Secure(r)) {
		h.port = 0
	}
	var buf [maxHost]byte
	text := h.append(buf[:0])
	_, field := r.Header["Host"]
	absolute := r.URL != nil && r.URL.Host != ""
	if r.Host == string(text) && !field && (!absolute || r.URL.Host == string(text)) {
		return r
	}
	r, _ = guard.WithFacts(r)
	r.Host = string(text)
	if absolute {
		u := *r.URL
		u.Host = r.Host
		r.URL = &u
	}
	if field {
		r.Header = maps.Clone(r.Header)
		delete(r.Header, "Host")
	}
	return r
}

// implied is the port that a Host without one means.
func implied(secure bool) uint16 {
	if secure {
		return 443
	}
	return 80
}

// isLocalhost reports whether name is one that RFC 6761 section 6.3 gives to
// loopback: no resolver lets a stranger own it.
func isLocalhost(name string) bool {
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// isLoopback leaves out IPv4-mapped addresses: they are a second spelling,
// and no browser needs them.
func isLoopback(a netip.Addr) bool { return a.IsLoopback() && !a.Is4In6() }

// String writes the canonical form.
func (h hostport) String() string { return string(h.append(nil)) }

func (h hostport) append(b []byte) []byte {
	switch {
	case h.addr.Is6():
		b = append(b, '[')
		b = h.addr.AppendTo(b)
		b = append(b, ']')
	case h.addr.IsValid():
		b = h.addr.AppendTo(b)
	default:
		b = append(b, h.name...)
	}
	if h.port != 0 {
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(h.port), 10)
	}
	return b
}
