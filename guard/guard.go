// Package guard holds what every guard shares: the [Refusal] that is the one
// error of every Check and how it is written, the [Facts] that are
// established about a request once, the [Door] through which a verdict must
// go before it takes effect, and the path patterns of policies.
//
// A guard is a package below this one with the same five parts: a Policy
// whose zero value is strict, New, Check, Wrap and Promises.
package guard

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
)

// A Rule documents one thing that a guard enforces.
type Rule struct {
	ID     string   // "guard/claim", stable for ever; also the promise's ID
	Claim  string   // one sentence about the API: "responses forbid MIME sniffing"
	Attack string   // what the rule stops, in one or two sentences
	Refs   []string // CWE, ASVS, RFC, CVE
	// Loosen is the piece of pavise.yaml that switches off this rule and no
	// other. It is run by tests: with it, the rule's promise must break.
	Loosen string
	// Cost is what is lost by that.
	Cost string
}

// A Loosening is a place where a policy is weaker than the zero policy.
type Loosening struct {
	Rule   string // the rule that is weakened
	Key    string // the policy key that does it, such as "jsonbody.allow_duplicate_keys"
	Effect string // what is now possible, one sentence
}

// Mode says what becomes of a refusal.
type Mode string

// The modes. The zero value means [Enforce].
const (
	Enforce Mode = "enforce" // the request is refused
	Observe Mode = "observe" // the refusal is logged and counted, and the request goes on
)

// A Door is asked about every verdict before it takes effect. It returns
// true to let the request pass all the same.
type Door func(r *http.Request, ref *Refusal) (pass bool)

// Judge puts a verdict to the request's [Door], if it has one. It returns nil
// if the request may pass, and ref if not. Guards return what Judge returns
// and go on with their next rule when that is nil.
func Judge(r *http.Request, ref *Refusal) error {
	if f := FactsOf(r); f != nil && f.Door != nil && f.Door(r, ref) {
		return nil
	}
	return ref
}

// Facts is what has been established about a request so far. One value
// belongs to one request; guards further in read what guards further out
// wrote.
type Facts struct {
	// RequestID identifies the request in logs and refusals. It is ours: a
	// client's own id is never taken over.
	RequestID string
	// Client is who is really calling, behind any trusted proxies. It is the
	// zero Addr until the clientip guard has run, and stays so for a unix
	// socket without a trusted forward.
	Client netip.Addr
	// TrustedPeer says that the connection comes from a trusted proxy.
	TrustedPeer bool
	// Secure says that the client's own connection is TLS: ours, or as told
	// by a trusted proxy.
	Secure bool
	// Door decides about verdicts; nil lets every refusal stand.
	Door Door
	// Refused is the refusal that was written as the response, if any.
	Refused *Refusal
	// Began says that the response's header has gone out.
	Began bool
	// Observed is the first refusal that the Door let pass, if any; see
	// [Facts.Observe].
	Observed *Refusal
	mu       sync.Mutex // of Observed: bodies are often read by another goroutine
	carrier  carrier    // of the one request that has these facts
}

// Observe notes a refusal that was let pass.
func (f *Facts) Observe(ref *Refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Observed == nil {
		f.Observed = ref
	}
}

type factsKey struct{}

// A carrier is the context of a request with facts. It is a part of them, so
// that both are one allocation.
type carrier struct {
	context.Context
	facts *Facts
}

func (c *carrier) Value(key any) any {
	if key == (factsKey{}) {
		return c.facts
	}
	return c.Context.Value(key)
}

// FactsOf returns the facts about r, or nil if none were established.
func FactsOf(r *http.Request) *Facts {
	f, _ := r.Context().Value(factsKey{}).(*Facts)
	return f
}

// WithFacts returns a request that has Facts, and these. If r has none it
// returns a shallow copy of r that the caller may change, as
// [http.Request.WithContext] does; otherwise r itself.
func WithFacts(r *http.Request) (*http.Request, *Facts) {
	if f := FactsOf(r); f != nil {
		return r, f
	}
	f := &Facts{Secure: r.TLS != nil}
	return Begin(r, f), f
}

// Begin returns a shallow copy of r whose facts are f. It is for what stands
// outside all guards; guards call [WithFacts]. The same facts begin once.
func Begin(r *http.Request, f *Facts) *http.Request {
	if f.carrier.Context != nil { // a second one would be its own parent
		return r.WithContext(context.WithValue(r.Context(), factsKey{}, f))
	}
	f.carrier = carrier{r.Context(), f}
	return r.WithContext(&f.carrier)
}

// Client returns the address to which limits and logs hold r: the one that
// the clientip guard established or else the peer's. It is the zero Addr for
// a peer without an address, such as a unix socket.
func Client(r *http.Request) netip.Addr {
	if f := FactsOf(r); f != nil && f.Client.IsValid() {
		return f.Client
	}
	return Peer(r)
}

// Peer returns the address of the other end of r's connection, IPv4-mapped
// addresses unmapped and without a zone, or the zero Addr if it has none.
func Peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// Secure reports whether the client's own connection is TLS, as far as that
// has been established.
func Secure(r *http.Request) bool {
	if f := FactsOf(r); f != nil {
		return f.Secure
	}
	return r.TLS != nil
}
