// Package pavise enforces one security policy in front of an HTTP API, and
// states what a client outside can rely on because of it.
//
//	guard, err := pavise.New(pavise.Policy{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	srv := guard.Server(mux) // an *http.Server with the policy's timeouts
//	l, err := net.Listen("tcp", "127.0.0.1:8000")
//	if err != nil {
//		log.Fatal(err)
//	}
//	log.Fatal(srv.Serve(guard.Listener(l)))
//
// A policy proves consistency, not strength: a weak one is kept perfectly.
// So the zero [Policy] is the strict one, and [Policy.Loosened] lists every
// place where another is weaker.
package pavise

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/guard/apidocs"
	"github.com/pavise-dev/pavise/guard/clientip"
	"github.com/pavise-dev/pavise/guard/contenttype"
	"github.com/pavise-dev/pavise/guard/headers"
	"github.com/pavise-dev/pavise/guard/hosts"
	"github.com/pavise-dev/pavise/guard/https"
	"github.com/pavise-dev/pavise/guard/jsonbody"
	"github.com/pavise-dev/pavise/guard/limits"
	"github.com/pavise-dev/pavise/guard/origins"
	"github.com/pavise-dev/pavise/guard/rate"
	"github.com/pavise-dev/pavise/guard/wire"
	"github.com/pavise-dev/pavise/promise"
)

// Options are what a guard reports to. The zero value reports to nobody.
type Options struct {
	// AccessLog gets one record a request; nil means no access log.
	AccessLog *slog.Logger
	// ErrorLog gets panics of the handler, with their stacks; nil means
	// [slog.Default].
	ErrorLog *slog.Logger
	// RedactQuery names further query keys whose values are not logged.
	RedactQuery []string
	// Verdict is called for each refusal, also for those that were observed
	// and not enforced. It must not keep r.
	Verdict func(r *http.Request, ref *guard.Refusal, observed bool)
	// Served is called after each request. It must not keep r.
	Served func(r *http.Request, e Exchange)
}

// A Guard stands in front of a handler. It is safe for concurrent use.
type Guard struct {
	policy  Policy
	options Options
	modes   modes

	wire        *wire.Guard
	headers     *headers.Guard
	clientip    *clientip.Guard
	https       *https.Guard
	hosts       *hosts.Guard
	limits      *limits.Guard
	rate        *rate.Guard
	apidocs     *apidocs.Guard
	origins     *origins.Guard
	contenttype *contenttype.Guard
	jsonbody    *jsonbody.Guard
	redact      redactor
}

// New returns a guard for the policy. Its error joins every mistake in the
// policy, each with its key.
func New(p Policy) (*Guard, error) { return NewWith(p, Options{}) }

// NewWith is [New] with somebody to report to.
func NewWith(p Policy, o Options) (*Guard, error) {
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	p = p.filled()
	g := &Guard{policy: p, options: o, redact: newRedactor(append(append([]string(nil), p.Gateway.RedactQuery...), o.RedactQuery...))}
	var errs []error
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if p.Version != 0 && p.Version != 1 {
		note(fmt.Errorf("version: %d is not known; this program reads version 1", p.Version))
	}
	var err error
	g.modes, err = newModes(p, Rules())
	note(err)
	g.wire, err = wire.New(p.Wire)
	note(err)
	g.headers, err = headers.New(p.Headers)
	note(err)
	g.clientip, err = clientip.New(p.ClientIP)
	note(err)
	g.https, err = https.New(p.HTTPS)
	note(err)
	g.hosts, err = hosts.New(p.Hosts)
	note(err)
	g.limits, err = limits.New(p.Limits)
	note(err)
	g.rate, err = rate.New(p.Rate)
	note(err)
	g.apidocs, err = apidocs.New(p.APIDocs)
	note(err)
	g.origins, err = origins.New(p.Origins)
	note(err)
	g.contenttype, err = contenttype.New(p.ContentType)
	note(err)
	g.jsonbody, err = jsonbody.New(p.JSONBody)
	note(err)
	note(p.Gateway.check())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

// Wrap returns a handler that lets pass to next what the policy lets pass.
//
// The order stands here once. A request goes through it from the bottom line
// to the top one.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	h := next
	h = g.jsonbody.Wrap(h)    // reads the whole body, so it comes after everything that can refuse without
	h = g.contenttype.Wrap(h) // says which parser a body is meant for
	h = g.origins.Wrap(h)     // answers preflights, which no app needs to see
	h = g.apidocs.Wrap(h)     // after the limits, so that nobody can search for documents for free
	h = g.rate.Wrap(h)        // after the address is known and the host is ours
	h = g.limits.Wrap(h)      // before anything reads a body
	h = g.hosts.Wrap(h)       // brings the host to one form, which all further in see
	h = g.https.Wrap(h)       // before hosts, since a redirect must not depend on a name that was not asked for in the clear
	h = g.clientip.Wrap(h)    // drops what nobody may say about himself, and finds the caller and his scheme
	h = g.wire.Wrap(h)        // answers what the listener refused, and brings the path to one form
	h = g.recover(h)          // inside headers, so that a crash's response carries them
	h = g.headers.Wrap(h)     // outermost but for the log, so that refusals, crashes and 404s carry them
	return g.exchange(h)      // request id, door, access log
}

// Listener returns a listener whose connections let no HTTP/1 request reach
// net/http that two parsers could read differently. It goes together with
// [Guard.Server], and with no other server.
func (g *Guard) Listener(l net.Listener) net.Listener { return g.wire.Listener(l) }

// TLSListener is [Guard.Listener] with TLS, by HTTP/1.1 and HTTP/2.
func (g *Guard) TLSListener(l net.Listener, config *tls.Config) net.Listener {
	return g.wire.TLSListener(l, config)
}

// Conn is [Guard.Listener] for one connection that was accepted elsewhere.
func (g *Guard) Conn(c net.Conn) net.Conn { return g.wire.Conn(c) }

// ConnContext ties a request to its guarded connection; it is for the
// ConnContext of a server that [Guard.Server] did not make.
func (g *Guard) ConnContext(ctx context.Context, c net.Conn) context.Context {
	return g.wire.ConnContext(ctx, c)
}

// Answer writes the policy's response headers for a response that does not go
// through [Guard.Wrap]'s response writer, such as a 101.
func (g *Guard) Answer(h http.Header, r *http.Request, status int) { g.headers.Apply(h, r, status) }

// Forward writes the forwarding headers of r, such as X-Forwarded-For, onto
// the header of a request that goes on to an upstream.
func (g *Guard) Forward(out http.Header, r *http.Request) { g.clientip.Emit(out, r) }

// Answers returns the host names that are answered, for the log at the start.
func (g *Guard) Answers() []string { return g.hosts.Answers() }

// Policy returns the policy that the guard enforces.
func (g *Guard) Policy() Policy { return g.policy }

// Mode returns what becomes of requests and responses against rule.
func (g *Guard) Mode(rule string) guard.Mode {
	if AlwaysEnforced(rule) {
		return guard.Enforce
	}
	return g.modes.of(rule)
}

// AlwaysEnforced reports whether a rule holds in observe mode too. Rules that
// refuse nothing do: those of response headers and of who the client is. And
// the rules of framing do, since what has two meanings cannot be passed on as
// one.
func AlwaysEnforced(rule string) bool {
	name, _, _ := strings.Cut(rule, "/")
	switch name {
	case "headers", "clientip":
		return true
	case "wire":
		return !wire.Observable(rule)
	}
	return rule == "rate/announced"
}

// Promises returns what a client outside can rely on. What is only observed
// is not promised.
func (g *Guard) Promises() []promise.Promise {
	var all []promise.Promise
	for _, ps := range [][]promise.Promise{
		g.wire.Promises(), g.headers.Promises(), g.clientip.Promises(), g.https.Promises(),
		g.hosts.Promises(), g.limits.Promises(), g.rate.Promises(), g.apidocs.Promises(),
		g.origins.Promises(), g.contenttype.Promises(), g.jsonbody.Promises(),
	} {
		all = append(all, ps...)
	}
	var kept []promise.Promise
	for _, p := range all {
		if g.Mode(p.ID) == guard.Enforce && g.shows(p.ID) {
			kept = append(kept, p)
		}
	}
	return kept
}

// shows reports whether a client outside could tell that a rule is kept. For
// whom the service takes its client shows only in what it does with the
// client's scheme: it turns plain HTTP away, or answers TLS with HSTS.
func (g *Guard) shows(rule string) bool {
	return rule != "clientip/untrusted-dropped" || g.Mode("https/required") == guard.Enforce || g.policy.Gateway.TLS != nil
}

// Rules documents everything that the guards enforce, in the order of the
// chain.
func Rules() []guard.Rule {
	var all []guard.Rule
	for _, rs := range [][]guard.Rule{
		wire.Rules(), headers.Rules(), clientip.Rules(), https.Rules(), hosts.Rules(), limits.Rules(),
		rate.Rules(), apidocs.Rules(), origins.Rules(), contenttype.Rules(), jsonbody.Rules(),
	} {
		all = append(all, rs...)
	}
	return all
}

// Loosened returns every place where the policy is weaker than the zero one.
func (p Policy) Loosened() []guard.Loosening {
	var all []guard.Loosening
	if p.Mode == guard.Observe {
		all = append(all, guard.Loosening{Key: "mode", Effect: "refusals are only logged and counted; every request goes on"})
	}
	for _, ls := range [][]guard.Loosening{
		p.Wire.Loosened(), p.Headers.Loosened(), p.ClientIP.Loosened(), p.HTTPS.Loosened(), p.Hosts.Loosened(),
		p.Limits.Loosened(), p.Rate.Loosened(), p.APIDocs.Loosened(), p.Origins.Loosened(),
		p.ContentType.Loosened(), p.JSONBody.Loosened(),
	} {
		all = append(all, ls...)
	}
	return all
}

func invalid(err error) promise.Promise {
	return promise.Promise{
		ID:    "policy/valid",
		Claim: "the policy holds together",
		Test:  func(context.Context, promise.Caller) error { return fmt.Errorf("the policy is wrong: %w", err) },
	}
}
