package hosts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/promise"
)

// Rules documents what the guard enforces.
func Rules() []guard.Rule {
	return []guard.Rule{
		{
			ID:     ruleWellFormed,
			Claim:  "a request names one host, and one that is a host",
			Attack: "A Host such as \"x/?.example.com\" moves the path that an application reads out of its URL, so that its path rules look at another path than its router (BadHost); two hosts let a proxy and the application each believe another one.",
			Refs:   []string{"CWE-20", "CWE-436", "CWE-444", "OWASP API8:2023", "CVE-2026-48710", "RFC 9110 section 7.2", "RFC 9112 section 3.2"},
			Loosen: "hosts:\n  dangerously_allow_malformed: true\n",
			Cost:   "Whatever stands in Host reaches the list as it is, and the application where the list is switched off as well.",
		},
		{
			ID:     ruleListed,
			Claim:  "only the service's own names are answered",
			Attack: "A foreign Host becomes the link in a password reset mail or a poisoned cache entry; a page whose name is made to resolve to this machine reads the service with the victim's browser (DNS rebinding).",
			Refs:   []string{"CWE-350", "CWE-346", "OWASP API8:2023", "RFC 9110 section 7.4", "RFC 6761 section 6.3"},
			Loosen: "hosts:\n  dangerously_allow_any: true\n",
			Cost:   "Any well-formed name is answered: links, redirects and caches that are made from Host say what the client wants them to, and DNS rebinding reaches the service.",
		},
	}
}

// Loosened returns every place where p is weaker than the zero Policy. Names
// in Allow are the service's own and no loosening, unless one is a whole
// top-level domain.
func (p Policy) Loosened() []guard.Loosening {
	var out []guard.Loosening
	for i, text := range p.Allow {
		e, err := parseEntry(text)
		if err == nil && e.wild && !strings.Contains(e.name, ".") && !private(e.name) {
			out = append(out, guard.Loosening{Rule: ruleListed, Key: fmt.Sprintf("hosts.allow[%d]", i), Effect: "every name of a whole top-level domain is answered, also those of strangers"})
		}
	}
	if p.DangerouslyAllowAny {
		out = append(out, guard.Loosening{Rule: ruleListed, Key: "hosts.dangerously_allow_any", Effect: "every well-formed host name is answered, and DNS rebinding reaches the service"})
	}
	if p.DangerouslyAllowMalformed {
		out = append(out, guard.Loosening{Rule: ruleWellFormed, Key: "hosts.dangerously_allow_malformed", Effect: "a Host is not refused for its form"})
	}
	return out
}

// private reports whether a top-level domain is not delegated to strangers.
func private(tld string) bool {
	switch tld {
	case "localhost", "internal", "local", "test", "invalid", "onion":
		return true
	}
	return false
}

// Promises returns what a client outside can rely on.
func (g *Guard) Promises() []promise.Promise {
	var out []promise.Promise
	for _, rule := range Rules() {
		p := promise.Promise{ID: rule.ID, Claim: rule.Claim, Refs: rule.Refs}
		switch {
		case rule.ID == ruleWellFormed && !g.malformed:
			p.Test = testWellFormed
		case rule.ID == ruleListed && !g.any:
			// Both are names that nobody can have; a list that holds them all
			// the same makes the claim about the other. The second reaches
			// services on the prober's own machine.
			var strangers []string
			for _, s := range []string{"pavise-probe.invalid", "0.0.0.0"} {
				if h, ok := parse(s); ok && !g.listed(h, false) && !g.listed(h, true) {
					strangers = append(strangers, s)
				}
			}
			if len(strangers) == 0 {
				continue
			}
			p.Test = func(ctx context.Context, call promise.Caller) error { return testListed(ctx, call, strangers) }
		default:
			continue
		}
		out = append(out, p)
	}
	return out
}

func withHost(ctx context.Context, host string) *http.Request {
	req := promise.NewRequest(ctx, http.MethodGet, "/", "")
	req.Host = host
	return req
}

// testWellFormed sends what no list could hold. Most are disguises of a
// loopback name, since a service that also insists on TLS may let only those
// come this far.
func testWellFormed(ctx context.Context, call promise.Caller) error {
	twin := func() *http.Request { return promise.NewRequest(ctx, http.MethodGet, "/", "") }
	for _, bad := range []string{"localhost:evil", "localhost:80:80", "localhost:70000", "localhost,localhost", "a..localhost", "[localhost]", "127.1"} {
		if err := promise.Refused(call, withHost(ctx, bad), twin(), http.StatusBadRequest); err != nil {
			return err
		}
	}
	for _, raw := range []string{
		"GET / HTTP/1.1\r\nHost: x/?.{host}\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x@{host}\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
	} {
		err := promise.Refused(call, promise.RawRequest(ctx, raw), nil, http.StatusBadRequest)
		if err != nil && !errors.Is(err, promise.ErrRawUnsupported) {
			return err
		}
	}
	return nil
}

// testListed judges by what a stranger's name gets in the place of service:
// a refusal, or a redirect that leads elsewhere than to the stranger.
func testListed(ctx context.Context, call promise.Caller, strangers []string) error {
	for _, stranger := range strangers {
		req := withHost(ctx, stranger)
		got, err := promise.Ask(call, req)
		if err != nil {
			return err
		}
		switch got.Status {
		case http.StatusMisdirectedRequest, http.StatusBadRequest, http.StatusForbidden:
		case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			locations := got.Header.Values("Location")
			if len(locations) != 1 {
				return promise.Broken(req, fmt.Sprintf("a redirect with %d Location fields", len(locations)), "status 421")
			}
			if u, err := url.Parse(locations[0]); err != nil || u.Host == "" || strings.EqualFold(u.Hostname(), stranger) {
				return promise.Broken(req, "a redirect that keeps the stranger's name", "status 421, or a redirect to the service's own name")
			}
		default:
			return promise.Broken(req, fmt.Sprintf("status %d for a name that is not the service's", got.Status), "status 421")
		}
		control, err := promise.Ask(call, promise.NewRequest(ctx, http.MethodGet, "/", ""))
		if err != nil {
			return fmt.Errorf("the same request with the service's own name: %w", err)
		}
		if control.Status == got.Status {
			return fmt.Errorf("the service's own name is answered %d too", control.Status)
		}
	}
	return nil
}
