// Package https keeps plain HTTP from being served: a GET or HEAD is sent to
// the same path by https, everything else is refused.
//
// What matters is the client's own connection: one that ends TLS in front of
// us counts if the clientip guard trusts that proxy's word for it.
//
//	g, err := https.New(https.Policy{CanonicalHost: "api.example.com"})
//	if err != nil {
//		log.Fatal(err)
//	}
//	http.ListenAndServe(":80", g.Wrap(mux)) // mux is not reached
//
// It does not send Strict-Transport-Security, which is the headers guard's,
// and it is of no use where TLS ends at a proxy that says nothing about it.
package https

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A Policy says what becomes of plain HTTP. The zero Policy serves none of it
// but on loopback, and redirects to names that are listed.
type Policy struct {
	// CanonicalHost is the name that every redirect leads to, without a
	// port. Empty means the request's own host, if Hosts lists it.
	CanonicalHost string `yaml:"canonical_host,omitempty"`
	// Port is the port of https, from 1 to 65535; 0 means 443.
	Port int `yaml:"port,omitempty"`
	// Refuse also refuses GET and HEAD. A redirect hides from a client of an
	// API that it sends its credentials in clear each time (ASVS 4.1.2).
	Refuse bool `yaml:"refuse,omitempty"`
	// Exempt lists path patterns that are served over plain HTTP, such as
	// /healthz for a load balancer: /exact, /tree/ or /with/{one}/segment.
	// Empty means none.
	Exempt []string `yaml:"exempt,omitempty"`
	// RefuseLoopback treats loopback as any other connection. Without it a
	// request that does not leave the machine, and says so in Host, is
	// served: browsers treat it as secure too (Secure Contexts section 3.1).
	RefuseLoopback bool `yaml:"refuse_loopback,omitempty"`
	// InsecureAllowPlain serves plain HTTP.
	InsecureAllowPlain bool `yaml:"insecure_allow_plain,omitempty"`
	// DangerouslyRedirectAnyHost redirects to whatever host the client named.
	DangerouslyRedirectAnyHost bool `yaml:"dangerously_redirect_any_host,omitempty"`
	// Hosts are the names of the service, "api.example.com" or
	// "*.example.com", in lower case and A-labels; a port is ignored, and so
	// is what is no name. It is filled from the hosts guard's list, and is no
	// key of the policy file.
	Hosts []string `yaml:"-"`
}

// The rules of this guard.
const (
	ruleRequired     = "https/required"
	ruleRedirectHost = "https/redirect-host"
)

// A Guard keeps plain HTTP away from one service. It is safe for concurrent
// use.
type Guard struct {
	plain          bool
	refuse         bool
	refuseLoopback bool
	anyHost        bool
	canonical      string // as it stands in a URL
	port           string // ":8443", or "" for 443
	exempt         guard.Table[struct{}]
	names          map[string]bool // as they stand in a URL
	below          map[string]bool // what follows "*."
}

// New returns a guard for the policy. Its error joins every mistake in it.
func New(p Policy) (*Guard, error) {
	g := &Guard{
		plain:          p.InsecureAllowPlain,
		refuse:         p.Refuse,
		refuseLoopback: p.RefuseLoopback,
		anyHost:        p.DangerouslyRedirectAnyHost,
		names:          map[string]bool{},
		below:          map[string]bool{},
	}
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("https."+key+": "+format, args...))
	}
	if p.CanonicalHost != "" {
		name, port, ok := split(p.CanonicalHost)
		switch {
		case !ok:
			bad("canonical_host", "%q is not a host: want a name such as api.example.com, in A-labels, or an address", p.CanonicalHost)
		case port != "":
			bad("canonical_host", "%q has a port: it goes to https.port", p.CanonicalHost)
		default:
			g.canonical = name
		}
	}
	switch {
	case p.Port < 0 || p.Port > 65535:
		bad("port", "%d is not between 1 and 65535", p.Port)
	case p.Port != 0 && p.Port != 443:
		g.port = ":" + strconv.Itoa(p.Port)
	}
	for i, path := range p.Exempt {
		if err := g.exempt.Add(path, struct{}{}); err != nil {
			bad(fmt.Sprintf("exempt[%d]", i), "%w", err)
		}
	}
	if p.InsecureAllowPlain && (p.Refuse || p.RefuseLoopback || p.DangerouslyRedirectAnyHost || len(p.Exempt) > 0 || p.CanonicalHost != "" || p.Port != 0) {
		bad("insecure_allow_plain", "true makes every other key of https meaningless: remove it or them")
	}
	if p.Refuse && p.DangerouslyRedirectAnyHost {
		bad("dangerously_redirect_any_host", "true contradicts https.refuse, which never redirects")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, h := range p.Hosts {
		// The hosts guard reports mistakes in its list. What does not read
		// as a name here only means that nothing is redirected to it.
		rest, wild := strings.CutPrefix(h, "*.")
		if name, _, ok := split(rest); ok && wild {
			g.below[name] = true
		} else if ok {
			g.names[name] = true
		}
	}
	return g, nil
}

// Check returns nil if r may be served as it came, and otherwise a
// *guard.Refusal, whose status is 308 if the client is to come again by https.
func (g *Guard) Check(r *http.Request) error {
	if g.plain || guard.Secure(r) {
		return nil
	}
	name, _, ok := split(r.Host)
	if g.local(r) || g.isExempt(r) {
		return nil
	}
	if !ok || strange(r) {
		// There is no name to come back to. The hosts guard would say the
		// same, and is not asked before this one.
		return guard.Judge(r, &guard.Refusal{
			Rule:   ruleRequired,
			Status: http.StatusBadRequest,
			Code:   "BAD_HOST",
			Detail: "The request has to name one host, and to come by https.",
			Reason: fmt.Sprintf("plain HTTP with host %.80q, which is none", r.Host),
		})
	}
	// A redirect of anything but GET and HEAD would have the client send the
	// same body and credentials again, after they have crossed in clear once,
	// and nobody would notice.
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && !g.refuse {
		if target := g.target(name); target != "" {
			return guard.Judge(r, &guard.Refusal{
				Rule:   ruleRequired,
				Status: http.StatusPermanentRedirect,
				Code:   "HTTPS_REQUIRED",
				Detail: "Use https.",
				Reason: fmt.Sprintf("plain HTTP, redirected to %.80q", target),
				Header: http.Header{"Location": {"https://" + target + g.port + pathAndQuery(r)}},
			})
		}
	}
	return guard.Judge(r, &guard.Refusal{
		Rule:   ruleRequired,
		Status: http.StatusForbidden,
		Code:   "HTTPS_REQUIRED",
		Detail: "This service is reached by https only. What this request carried has crossed the network in clear: consider its secrets known.",
		Reason: fmt.Sprintf("plain HTTP with host %.80q", r.Host),
	})
}

// Wrap lets pass what [Guard.Check] does and answers the rest.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.Check(r); err != nil {
			guard.Refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// target returns the host that a request for name is redirected to, or "" for
// none.
//
// The client wrote name. A redirect to it unchecked makes us the opening of
// somebody's phishing link ("http://ours/" with his Host, in a shared cache),
// so only a name that is listed is ever repeated.
func (g *Guard) target(name string) string {
	if g.canonical != "" {
		return g.canonical
	}
	if g.anyHost || g.names[name] {
		return name
	}
	for rest := name; len(g.below) > 0; {
		_, after, more := strings.Cut(rest, ".")
		if !more {
			break
		}
		if g.below[after] {
			return name
		}
		rest = after
	}
	return ""
}

// local reports whether the request did not leave this machine and is meant
// for it.
//
// Both are needed: a reverse proxy on the same machine also connects from
// loopback, and forwards the Host of a client that is far away. A trusted
// proxy's peer is not local whatever its address.
//
// 0.0.0.0 and [::] reach this machine and no other as well. Whether they are
// answered is for the hosts guard to say.
func (g *Guard) local(r *http.Request) bool {
	if g.refuseLoopback {
		return false
	}
	if f := guard.FactsOf(r); f != nil && f.TrustedPeer {
		return false
	}
	if peer := guard.Peer(r); !peer.IsLoopback() && (peer.IsValid() || !unixSocket(r)) {
		return false
	}
	host := r.Host
	// Only what stands before the port counts: an odd port is for the hosts
	// guard to refuse.
	if host, ok := strings.CutPrefix(host, "["); ok {
		text, _, _ := strings.Cut(host, "]")
		return isLocalAddr(text)
	}
	host, _, _ = strings.Cut(host, ":")
	host = strings.TrimSuffix(host, ".")
	const localhost = "localhost"
	if n := len(host) - len(localhost); n >= 0 && strings.EqualFold(host[n:], localhost) && (n == 0 || host[n-1] == '.') {
		return true
	}
	// An address begins with a digit; parsing a name would cost an error.
	return host != "" && '0' <= host[0] && host[0] <= '9' && isLocalAddr(host)
}

func isLocalAddr(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && (a.Unmap().IsLoopback() || a.Unmap().IsUnspecified())
}

// unixSocket reports whether the server's end of the connection is a unix
// socket. The server says so, not the client.
func unixSocket(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && (a.Network() == "unix" || a.Network() == "unixpacket")
}

// isExempt looks only at paths that have one reading: "/health/../admin" is
// not below /health/.
func (g *Guard) isExempt(r *http.Request) bool {
	path := r.URL.Path
	if _, ok := g.exempt.Lookup(path); !ok {
		return false
	}
	if r.URL.RawPath != "" || strings.Contains(path, "//") || strings.ContainsAny(path, "\\;%") {
		return false
	}
	return !strings.Contains(path+"/", "/./") && !strings.Contains(path+"/", "/../")
}

// strange reports whether the target is an absolute URL of a kind that no
// service answers to, or of another host.
func strange(r *http.Request) bool {
	u := r.URL
	switch {
	case u.User != nil, u.Opaque != "":
		return true
	case u.Host == "":
		return u.Scheme != ""
	}
	a, aPort, ok := split(u.Host)
	b, bPort, _ := split(r.Host)
	return !ok || a != b || aPort != bPort || u.Scheme != "http" && u.Scheme != "https" && r.Method != http.MethodConnect
}
