// Package clientip establishes who is really calling.
//
// Behind a proxy the connection's other end is the proxy, and the client is
// what a header says. Anyone can send that header, so it is believed from
// trusted proxies alone, from right to left, and only as far as they go: the
// right-most address that is not a trusted proxy is the client. From
// everybody else such headers are dropped, so that neither this service nor
// what stands behind it can be told who somebody is.
//
//	g, err := clientip.New(clientip.Policy{Trust: []string{"10.0.0.0/8"}})
//	if err != nil {
//		log.Fatal(err)
//	}
//	http.ListenAndServe(":8000", g.Wrap(mux)) // guard.Client(r) is the client
//
// It needs no policy where clients connect directly. It cannot help where
// untrusted machines share the proxies' network: an address in Trust is
// believed whatever runs there. RemoteAddr is left as it is.
package clientip

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A Policy says which proxies are believed. The zero Policy believes none:
// the client is the peer.
type Policy struct {
	// Trust lists the proxies: networks such as "10.0.0.0/8", single
	// addresses, and "unix" for peers on unix sockets. Empty means none.
	Trust []string `yaml:"trust,omitempty"`
	// Header is the header that the proxies write: "x-forwarded-for" with
	// X-Forwarded-Proto, "forwarded" (RFC 7239), or "both", in which case
	// they must agree where both are there. Empty means x-forwarded-for.
	Header string `yaml:"header,omitempty"`
	// Emit is what an upstream gets: "xff" for X-Forwarded-For, -Proto and
	// -Host, "forwarded" for RFC 7239, or "none". Empty means xff.
	Emit string `yaml:"emit,omitempty"`
	// DangerouslyTrustEveryone believes every peer.
	DangerouslyTrustEveryone bool `yaml:"dangerously_trust_everyone,omitempty"`
}

// ruleUntrusted is the one rule of this guard. It refuses nothing: what a
// stranger says is dropped.
const ruleUntrusted = "clientip/untrusted-dropped"

// The values of the policy's words.
const (
	headerXFF       = "x-forwarded-for"
	headerForwarded = "forwarded"
	headerBoth      = "both"
	emitXFF         = "xff"
	emitForwarded   = "forwarded"
	emitNone        = "none"
)

// A Guard finds the client by one policy. It is safe for concurrent use.
type Guard struct {
	everyone bool
	unix     bool
	trusted  []netip.Prefix
	header   string
	emit     string
}

// New returns a guard for the policy. Its error joins every mistake in it.
func New(p Policy) (*Guard, error) {
	g := &Guard{everyone: p.DangerouslyTrustEveryone, header: p.Header, emit: p.Emit}
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("clientip."+key+": "+format, args...))
	}
	seen := map[string]int{}
	for i, text := range p.Trust {
		key := fmt.Sprintf("trust[%d]", i)
		canon := text
		if text == "unix" {
			g.unix = true
		} else {
			prefix, err := parseTrust(text)
			if err != nil {
				bad(key, "%q %w", text, err)
				continue
			}
			g.trusted = append(g.trusted, prefix)
			canon = prefix.String()
		}
		if first, dup := seen[canon]; dup {
			bad(key, "%q is the same as clientip.trust[%d]", text, first)
			continue
		}
		seen[canon] = i
	}
	if p.DangerouslyTrustEveryone && len(p.Trust) > 0 {
		bad("dangerously_trust_everyone", "true makes clientip.trust meaningless: remove one of the two")
	}
	switch p.Header {
	case "":
		g.header = headerXFF
	case headerXFF, headerForwarded, headerBoth:
	default:
		bad("header", "%q is not x-forwarded-for, forwarded or both", p.Header)
	}
	switch p.Emit {
	case "":
		g.emit = emitXFF
	case emitXFF, emitForwarded, emitNone:
	default:
		bad("emit", "%q is not xff, forwarded or none", p.Emit)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

// parseTrust reads a network or an address. Its error goes on after the text.
func parseTrust(s string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return prefix, errors.New(`is not a network such as 10.0.0.0/8, an address, or "unix"`)
		}
		if addr.Zone() != "" {
			return prefix, errors.New("has a zone: peers are compared without one")
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	switch {
	case prefix.Addr().Is4In6():
		return prefix, errors.New("is an IPv4 network in IPv6's clothes: write it as IPv4")
	case prefix.Bits() == 0:
		return prefix, errors.New("is everyone: name the networks of the proxies, or clientip.dangerously_trust_everyone")
	case prefix != prefix.Masked():
		return prefix, fmt.Errorf("has address bits beyond its length: write %s", prefix.Masked())
	}
	return prefix, nil
}

func (g *Guard) trusts(a netip.Addr) bool {
	if g.everyone {
		return true
	}
	for _, p := range g.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// trustsPeer reports whether r's connection comes from a trusted proxy.
func (g *Guard) trustsPeer(r *http.Request, peer netip.Addr) bool {
	if peer.IsValid() {
		return g.trusts(peer)
	}
	return g.everyone || g.unix && unixSocket(r)
}

// unixSocket reports whether the server's end of the connection is a unix
// socket. A peer without an address is not enough: the server says so.
func unixSocket(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && (a.Network() == "unix" || a.Network() == "unixpacket")
}

// Wrap establishes client and scheme in the request's [guard.Facts], and
// drops every header that says who the client is, which URL he meant or which
// method he meant, whoever sent it. What an upstream gets instead is written
// by [Guard.Emit]. Nothing is refused.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, facts := guard.WithFacts(r)
		peer := guard.Peer(r)
		facts.TrustedPeer = g.trustsPeer(r, peer)
		facts.Client = peer
		if facts.TrustedPeer {
			client, scheme := g.forwarded(r.Header, peer)
			facts.Client = client
			// A proxy that says nothing passes connections through, and then
			// its TLS is the client's.
			switch scheme {
			case schemeHTTPS:
				facts.Secure = true
			case schemeHTTP, schemeDisputed:
				facts.Secure = false
			}
		}
		r.Header = dropped(r.Header, facts.TrustedPeer)
		next.ServeHTTP(w, r)
	})
}

// dropped returns h without the fields that must not go on. h itself belongs
// to the server and stays as it is.
func dropped(h http.Header, trusted bool) http.Header {
	cloned := false
	out := h
	for name := range h {
		if !drops(name, trusted) {
			continue
		}
		if !cloned {
			out, cloned = maps.Clone(h), true
		}
		delete(out, name)
	}
	return out
}

// drops reports whether a field of this name goes no further.
//
// CGI, WSGI and their kin turn '-' and '_' into the same variable, so
// "X_Forwarded_For" is X-Forwarded-For to what stands behind; to some, such as
// lighttpd's CGI, "X.Forwarded.For" is too.
func drops(name string, trusted bool) bool {
	var buf [32]byte
	if len(name) < len("proxy") {
		return false
	}
	n := copy(buf[:], name)
	own := true // in the name's own spelling
	for i, c := range buf[:n] {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-':
		case 'A' <= c && c <= 'Z':
			buf[i] = c | 0x20
		default:
			buf[i] = '-'
			own = false
		}
	}
	const forwarded = "x-forwarded-"
	if n >= len(forwarded) && string(buf[:len(forwarded)]) == forwarded {
		// X-Forwarded-User and the like are how an authenticating proxy names
		// the user: a stranger may say none of it. A trusted one may, in the
		// name's own spelling.
		if !trusted || !own || strings.Contains(name, "_") {
			return true
		}
	}
	if len(name) > len(buf) {
		return false
	}
	return ours(string(buf[:n]))
}

// ours reports whether a name, in lower case and with dashes, is one that is
// dropped from everybody: [Guard.Emit] says it once, for all.
func ours(name string) bool {
	switch name {
	case
		// Who the client is. A second answer beside ours, even a proxy's,
		// would let limits, logs and the application each hold someone else
		// to account.
		"forwarded", "x-forwarded", "forwarded-for", "x-forwarded-for", "x-forward-for",
		"x-real-ip", "client-ip", "x-client-ip", "x-cluster-client-ip",
		"cf-connecting-ip", "cf-connecting-ipv6", "true-client-ip", "fastly-client-ip",
		"x-remote-ip", "x-remote-addr", "x-originating-ip", "proxy-client-ip", "wl-proxy-client-ip",
		"x-azure-clientip", "x-appengine-user-ip", "x-envoy-external-address",
		// By which scheme, host and port he came.
		"x-forwarded-proto", "x-forwarded-protocol", "x-forwarded-scheme", "x-forwarded-ssl",
		"x-forwarded-host", "x-forwarded-server", "x-forwarded-port", "x-forwarded-prefix",
		"x-forwarded-uri", "x-forwarded-path", "x-forwarded-method",
		"x-url-scheme", "x-scheme", "front-end-https", "x-host", "x-original-host",
		// Which URL or method he means in place of the one that was judged.
		"x-original-url", "x-original-uri", "x-rewrite-url", "x-original-method",
		"x-http-method-override", "x-http-method", "x-method-override",
		// httpoxy, CVE-2016-5385: CGI makes HTTP_PROXY of it.
		"proxy":
		return true
	}
	return false
}
