// Package wire guards the connection: a request that two HTTP parsers could
// read differently never reaches net/http, nor whatever stands behind it.
//
// Request smuggling lives on what parsers forgive. One takes LF for a line's
// end and another does not; one believes Content-Length and another
// Transfer-Encoding; and what the first took for a body is a request to the
// second. The guard has two halves. [Guard.Listener] reads each HTTP/1
// request by the letter of RFC 9112, refuses what that calls an error or
// leaves to choice, and writes the request anew in its plainest form: what
// net/http and the upstream get was not written by the client.
// [Guard.Wrap] answers what the listener refused, and judges what holds for
// HTTP/2 too: methods, paths and queries.
//
//	guard, err := wire.New(wire.Policy{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	srv := &http.Server{Handler: guard.Wrap(mux), ConnContext: guard.ConnContext}
//	log.Fatal(srv.Serve(guard.Listener(l)))
//
// The two halves belong together. Wrap alone is of use where the server's
// listener is out of reach, such as behind a proxy that reads as strictly;
// the listener alone answers nothing that it refused.
//
// HTTP/2 has binary framing, and its own rules for what is malformed, which
// net/http keeps. Its connections pass untouched.
package wire

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// DefaultMaxHead is the MaxHead of a [Policy] that sets none.
const DefaultMaxHead = 64 << 10

// methods that are served without being listed: those that RFC 9110 defines
// and that mean something to an API, and PATCH.
var usualMethods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// A Policy says what is refused on the wire. The zero Policy is the strict
// one.
//
// Where a rule of the listener is loosened, the request is read in one
// certain way, and passed on in the plain form of that reading.
type Policy struct {
	// MaxHead is how many bytes the head of a request may have; 0 means
	// 65536. Between 1024 and 1048576.
	MaxHead int `yaml:"max_head,omitempty"`
	// Methods that are served besides GET, HEAD, POST, PUT, PATCH, DELETE and
	// OPTIONS, such as PROPFIND. CONNECT and TRACE cannot be listed.
	Methods []string `yaml:"methods,omitempty"`
	// AllowAnyMethod serves every method but CONNECT and TRACE.
	AllowAnyMethod bool `yaml:"allow_any_method,omitempty"`
	// Routes loosen rules for some paths only. The most specific path counts.
	Routes []Route `yaml:"routes,omitempty"`
	// AllowPathParams lets ";" stand in paths.
	AllowPathParams bool `yaml:"allow_path_params,omitempty"`
	// AllowEncodedSlash lets "%2F" stand in paths, which then reach the
	// upstream as they came.
	AllowEncodedSlash bool `yaml:"allow_encoded_slash,omitempty"`
	// InsecureLenientPath lets paths pass that have empty or dot segments,
	// backslashes, control characters, or are not UTF-8.
	InsecureLenientPath bool `yaml:"insecure_lenient_path,omitempty"`
	// InsecureLenientQuery lets queries pass that have ";", NUL, or a "%" that
	// begins no escape.
	InsecureLenientQuery bool `yaml:"insecure_lenient_query,omitempty"`
	// AllowGetBody lets GET and HEAD requests have a body.
	AllowGetBody bool `yaml:"allow_get_body,omitempty"`
	// AllowUnderscores passes on header fields whose names have underscores,
	// which are otherwise dropped, or refused if they are a framing field's.
	AllowUnderscores bool `yaml:"allow_underscores,omitempty"`
	// AllowRepeatedFields lets fields that have one value come twice.
	AllowRepeatedFields bool `yaml:"allow_repeated_fields,omitempty"`
	// AllowBareLF takes LF for the end of a line of the head.
	AllowBareLF bool `yaml:"allow_bare_lf,omitempty"`
	// AllowObsFold takes a header field that is folded over several lines for
	// one value.
	AllowObsFold bool `yaml:"allow_obs_fold,omitempty"`
	// InsecureLenientFraming takes Transfer-Encoding where there is also
	// Content-Length, and one of several equal Content-Lengths.
	InsecureLenientFraming bool `yaml:"insecure_lenient_framing,omitempty"`
	// InsecureLenientChunks does not look at the syntax of chunk extensions.
	InsecureLenientChunks bool `yaml:"insecure_lenient_chunks,omitempty"`
	// InsecureLenientTrailers drops framing fields in trailers in silence, and
	// takes folded trailers for one value.
	InsecureLenientTrailers bool `yaml:"insecure_lenient_trailers,omitempty"`
	// InsecureHostMismatch takes the host of a target in absolute form, with
	// or without user information, and lets the Host field say otherwise.
	InsecureHostMismatch bool `yaml:"insecure_host_mismatch,omitempty"`
	// InsecureLenientRequestLine takes every HTTP/1.x for HTTP/1.1 and lets
	// targets hold bytes that a URL may not.
	InsecureLenientRequestLine bool `yaml:"insecure_lenient_request_line,omitempty"`
	// InsecureIgnoreExpect drops expectations other than 100-continue.
	InsecureIgnoreExpect bool `yaml:"insecure_ignore_expect,omitempty"`
	// Upgrades are protocols that requests may upgrade to besides websocket,
	// such as "tls-psk". HTTP's own cannot be listed.
	Upgrades []string `yaml:"upgrades,omitempty"`
	// InsecureAnyUpgrade passes on every Upgrade field.
	InsecureAnyUpgrade bool `yaml:"insecure_any_upgrade,omitempty"`
	// AllowH2C lets HTTP/2 through on connections without TLS. The server has
	// to serve it.
	AllowH2C bool `yaml:"allow_h2c,omitempty"`
}

// A Route loosens rules for paths that match a pattern; see [guard.Table].
type Route struct {
	// Path is the pattern: /exact, /tree/ or /with/{id}.
	Path string `yaml:"path"`
	// AllowPathParams lets ";" stand in these paths.
	AllowPathParams bool `yaml:"allow_path_params,omitempty"`
	// AllowEncodedSlash lets "%2F" stand in these paths.
	AllowEncodedSlash bool `yaml:"allow_encoded_slash,omitempty"`
	// AllowGetBody lets GET and HEAD requests for these paths have a body.
	AllowGetBody bool `yaml:"allow_get_body,omitempty"`
}

// A Guard guards connections and the handler behind them. It is safe for
// concurrent use.
type Guard struct {
	policy    Policy
	methods   []string
	allow     string // the methods as an Allow field
	protocols []string
	routes    guard.Table[Route]
	buffers   bufferPool
	lingerers lingerers
}

// New returns a guard for the policy. Its error joins every mistake in it.
func New(p Policy) (*Guard, error) {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("wire."+key+": "+format, args...))
	}
	g := &Guard{policy: p, methods: slices.Clone(usualMethods[:]), protocols: []string{"websocket"}}
	g.policy.Methods, g.policy.Routes, g.policy.Upgrades = nil, nil, nil // copied below
	if p.MaxHead == 0 {
		g.policy.MaxHead = DefaultMaxHead
	} else if p.MaxHead < 1<<10 || p.MaxHead > 1<<20 {
		bad("max_head", "%d is not between 1024 and 1048576 bytes", p.MaxHead)
	}
	for i, m := range p.Methods {
		key := fmt.Sprintf("methods[%d]", i)
		switch {
		case !token(m):
			bad(key, "%q is not a method: want a token such as PROPFIND", m)
		case m == "CONNECT" || m == "TRACE":
			bad(key, "%s is never served: it makes a tunnel, or an echo, of an API", m)
		case m != strings.ToUpper(m):
			bad(key, "%q has lower-case letters; methods are case-sensitive, and nobody means this one", m)
		case slices.Contains(g.methods, m):
			bad(key, "%s is served already", m)
		default:
			g.methods = append(g.methods, m)
		}
	}
	g.allow = strings.Join(g.methods, ", ")
	for i, r := range p.Routes {
		if err := g.routes.Add(r.Path, r); err != nil {
			bad(fmt.Sprintf("routes[%d].path", i), "%v", err)
		}
	}
	for i, u := range p.Upgrades {
		key := fmt.Sprintf("upgrades[%d]", i)
		low := strings.ToLower(u)
		name, version, versioned := strings.Cut(low, "/")
		switch {
		case !token(name) || versioned && !token(version):
			bad(key, "%q is not a protocol: want a token, or two with a slash between", u)
		case name == "h2c" || name == "h2" || name == "http" || name == "tls":
			bad(key, "%q would let requests pass that nobody has judged; for HTTP/2 without TLS set wire.allow_h2c", u)
		case slices.Contains(g.protocols, low):
			bad(key, "%q is allowed already", u)
		default:
			g.protocols = append(g.protocols, low)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

// upgrades reports whether requests may upgrade to the protocol.
func (g *Guard) upgrades(protocol string) bool {
	for _, p := range g.protocols {
		if is([]byte(protocol), p) {
			return true
		}
	}
	return false
}

// methodRefusal is the verdict on a method that is not served.
func (g *Guard) methodRefusal(method string, closing bool) *guard.Refusal {
	return &guard.Refusal{
		Rule: "wire/methods", Status: http.StatusMethodNotAllowed, Code: "METHOD_NOT_ALLOWED",
		Detail: "This method is not served here.", Reason: fmt.Sprintf("method %.40q", method),
		Header: http.Header{"Allow": {g.allow}}, Close: closing,
	}
}
