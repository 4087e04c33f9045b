package clientip

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/promise"
)

// Rules documents what the guard enforces.
func Rules() []guard.Rule {
	return []guard.Rule{{
		ID:     ruleUntrusted,
		Claim:  "nobody can say by a header who he is or how he came",
		Attack: "A forged X-Forwarded-For gives an attacker a new address for each request, past limits and address lists and into the logs; a forged X-Forwarded-Proto makes plain HTTP pass for TLS; X-Original-URL and X-HTTP-Method-Override have the application serve another request than the one that was judged.",
		Refs:   []string{"CWE-290", "CWE-348", "ASVS 5.0 V4.1.3", "ASVS 5.0 V15.3.4", "RFC 7239 section 8.1", "CVE-2016-5385"},
		Loosen: "clientip:\n  dangerously_trust_everyone: true\n",
		Cost:   "Every client chooses the address that limits and logs hold it to, and says itself whether its connection is secure.",
	}}
}

// Loosened returns every place where p is weaker than the zero Policy. The
// service's own proxies are no loosening; a network that is larger than
// anybody's own is one.
func (p Policy) Loosened() []guard.Loosening {
	var out []guard.Loosening
	for i, text := range p.Trust {
		prefix, err := parseTrust(text)
		if err != nil {
			continue
		}
		if bits := prefix.Bits(); prefix.Addr().Is4() && bits < 8 || prefix.Addr().Is6() && !prefix.Addr().IsPrivate() && bits < 16 {
			out = append(out, guard.Loosening{Rule: ruleUntrusted, Key: fmt.Sprintf("clientip.trust[%d]", i), Effect: fmt.Sprintf("every machine in %s may say who the client is", prefix)})
		}
	}
	if p.DangerouslyTrustEveryone {
		out = append(out, guard.Loosening{Rule: ruleUntrusted, Key: "clientip.dangerously_trust_everyone", Effect: "every client chooses its own address and says whether it came by TLS"})
	}
	return out
}

// Promises returns what a client outside can rely on. It holds for clients
// that are no trusted proxies: put to the service from one, it breaks, and
// rightly so.
func (g *Guard) Promises() []promise.Promise {
	if g.everyone {
		return nil
	}
	rule := Rules()[0]
	return []promise.Promise{{ID: rule.ID, Claim: rule.Claim, Refs: rule.Refs, Test: testUntrusted}}
}

// A look is what can be seen from outside of what a service takes for the
// client's scheme.
type look struct {
	status int
	hsts   bool
	tls    bool // sent to https
}

func (l look) String() string {
	if l.hsts {
		return fmt.Sprintf("status %d with Strict-Transport-Security", l.status)
	}
	return fmt.Sprintf("status %d without Strict-Transport-Security", l.status)
}

func lookAt(call promise.Caller, req *http.Request) (look, error) {
	a, err := promise.Ask(call, req)
	if err != nil {
		return look{}, err
	}
	toTLS := a.Status/100 == 3 && strings.HasPrefix(strings.ToLower(a.Header.Get("Location")), "https://")
	return look{a.Status, len(a.Header.Values("Strict-Transport-Security")) > 0, toTLS}, nil
}

// testUntrusted asks twice: as it is, and with every header that would make a
// trusting service believe the opposite about the scheme. Both questions are
// put under the service's own name, and under one that nobody has, because
// services let loopback names pass over plain HTTP.
//
// That nothing changes proves something only where the scheme matters: where
// TLS shows (Strict-Transport-Security), or where plain HTTP is sent away: to
// https, or by a status that the service has for a far name and not for its
// own. One that answers 403 to everybody shows nothing.
func testUntrusted(ctx context.Context, call promise.Caller) error {
	matters := false
	var own look
	for _, host := range []string{"", "pavise-probe.invalid"} {
		ask := func(claim string) (*http.Request, look, error) {
			req := promise.NewRequest(ctx, http.MethodGet, "/", "")
			req.Host = host
			if claim != "" {
				for name, value := range map[string]string{
					"X-Forwarded-Proto": claim, "X-Forwarded-For": "192.0.2.7",
					"Forwarded": "for=192.0.2.7;proto=" + claim, "X-Url-Scheme": claim,
					"X-Forwarded-Ssl": map[string]string{"https": "on", "http": "off"}[claim],
				} {
					req.Header.Set(name, value)
				}
			}
			l, err := lookAt(call, req)
			return req, l, err
		}
		_, honest, err := ask("")
		if err != nil {
			return err
		}
		switch {
		case honest.hsts, honest.tls, honest.status == http.StatusUpgradeRequired:
			matters = true
		case host == "":
			own = honest
		case honest.status == http.StatusForbidden && own.status != honest.status:
			matters = true
		}
		for _, claim := range []string{"https", "http"} {
			req, forged, err := ask(claim)
			if err != nil {
				return err
			}
			if forged != honest {
				// Services do change their minds without being told to.
				_, honest2, err := ask("")
				if err != nil {
					return err
				}
				_, forged2, err := ask(claim)
				if err != nil {
					return err
				}
				if honest2 != honest || forged2 != forged {
					return errors.New("the same request is not answered alike twice")
				}
				return promise.Broken(req, fmt.Sprintf("%s, and %s when the client says it came by %s", honest, forged, claim), "the same answer whatever the client says of itself")
			}
		}
	}
	if !matters {
		return errors.New("the service answers alike by http and https, so that it cannot be seen what it believes")
	}
	return nil
}
