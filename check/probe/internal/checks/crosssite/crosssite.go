// Package crosssite checks what other sites, and whoever chooses Host and
// forwarding fields, can make of an API: CORS, cookies, requests in a user's
// name, redirects.
package crosssite

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// Checks are those of this package.
func Checks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/cors-origin", Claim: "pages of strangers may not read what the API answers", Severity: finding.High, Once: true,
		Refs: []string{"CWE-942", "CWE-346", "API8", "V3.4.2"},
		Sure: "two origins of this run, which nobody can have allowed, were both allowed by name; an API for everybody with * and no credentials is a note only",
		Fix:  "List the origins that may read in full, and compare whole origins; never answer with the one that was sent.", Pavise: "origins",
		Run: origins,
	}, {
		ID: "probe/cors-preflight", Claim: "preflights allow no more than is needed", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-942", "API8", "V4.1.4"},
		Sure: "only answers that allow an origin; methods are too many when no operation has them, fields when one of this run is allowed",
		Fix:  "Name the methods and header fields that pages need, and a max-age of two hours at most.", Pavise: "origins: methods, request_headers",
		Run: preflight,
	}, {
		ID: "probe/cors-vary", Claim: "a cache does not answer one origin with what was for another", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-942", "API8"},
		Sure: "the same request was answered with different Access-Control-Allow-Origin for different origins",
		Fix:  "Send Vary: Origin whenever the answer depends on it, and when no origin is allowed too.", Pavise: "origins",
		Run: vary,
	}, {
		ID: "probe/cookie-flags", Claim: "cookies that let their bearer in are kept from scripts, other sites and plain HTTP", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-614", "CWE-1004", "CWE-1275", "API8", "V3.3.1", "V3.3.2", "V3.3.4"},
		Sure: "only cookies that an identity calls with, or whose name and length are those of sessions; not such as scripts must read",
		Fix:  "Set __Host-NAME with Secure, HttpOnly, Path=/ and SameSite=Lax or Strict, without Domain.", Pavise: "headers: cookie_flags",
		Run: cookies,
	}, {
		ID: "probe/csrf", Claim: "another site's page cannot write in a user's name", Severity: finding.High,
		Refs: []string{"CWE-352", "API8", "V3.5.1"},
		Sure: "a request as a foreign form sends it, with the cookie alone, was answered with 2xx twice; it is low where the cookie is SameSite",
		Fix:  "Refuse requests that change something when Sec-Fetch-Site or Origin name another site, and take JSON by its type only.", Pavise: "origins",
		Run: csrf,
	}, {
		ID: "probe/unknown-host", Claim: "the API answers to its own names only", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-346", "CWE-350", "API8"},
		Sure: "two names of this run were answered like the right one, in between which that one was; it is low unless the name comes back in the answer",
		Fix:  "List the names, and answer 400 or 421 to others.", Pavise: "hosts",
		Run: hosts,
	}, {
		ID: "probe/forwarded-trusted", Claim: "forwarding fields of strangers are not believed", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-348", "CWE-290", "API8", "V4.1.3"},
		Sure: "a value of this run came back twice where the API says who calls or where it is, and not where it repeats all fields; a local API is called from an address that no proxy has, or it is a suspicion only",
		Fix:  "Believe X-Forwarded-For, -Proto, -Host and Forwarded from the proxy's address only.", Pavise: "clientip",
		Run: forwarded,
	}, {
		ID: "probe/address-authorises", Claim: "nobody gets in by saying where the request comes from, or where it goes", Severity: finding.High,
		Refs: []string{"CWE-290", "CWE-348", "API5", "V4.1.3"},
		Sure: "what was refused was answered with 2xx twice with a field that names 127.0.0.1, and refused with one that names another address",
		Fix:  "Decide by who calls, not from where; take the client's address from the connection, or from the proxy.", Pavise: "clientip",
		Run: addresses,
	}, {
		ID: "probe/open-redirect", Claim: "the API sends nobody to where a stranger says", Severity: finding.Medium,
		Refs: []string{"CWE-601", "V3.7.2"},
		Sure: "Location led to two hosts of this run that cannot exist",
		Fix:  "Redirect to paths of your own, or to addresses from a list.", Pavise: "lint/open-redirect",
		Run: redirects,
	}}
}

// reads are the valid requests of operations that read, those that need
// credentials first.
func reads(ctx context.Context, t *trial.Trial) []*trial.Baseline {
	return trial.Shared(t, "crosssite reads", func() []*trial.Baseline {
		var secured, open []*trial.Baseline
		t.Each(func(op *openapi.Operation) {
			if op.Method != http.MethodGet {
				return
			}
			if b, err := t.Baseline(ctx, op, t.Caller(op)); err == nil {
				if op.Secured() {
					secured = append(secured, b)
				} else {
					open = append(open, b)
				}
			}
		})
		return append(secured, open...)
	})
}

const noReads = "no operation that reads was answered with 2xx"

// with is a request with header fields of its own: names and values in turn.
func with(r *traffic.Request, fields ...string) *traffic.Request {
	c := r.Clone()
	for i := 0; i+1 < len(fields); i += 2 {
		c.Header.Set(fields[i], fields[i+1])
	}
	return c
}

// A source is where requests come from whose forwarding fields nobody should
// believe.
type source struct {
	address string
	// doubt tells that it may be where a proxy is expected.
	doubt bool
}

// stranger finds an address to call from that is no proxy's. A server on this
// machine expects its proxy at 127.0.0.1, and rightly believes it.
func stranger(ctx context.Context, t *trial.Trial, r *traffic.Request) source {
	return trial.Shared(t, "crosssite source", func() source {
		host := t.Client.Base().Hostname()
		ip, err := netip.ParseAddr(host)
		if err == nil && !ip.Unmap().IsLoopback() || err != nil && host != "localhost" && !strings.HasSuffix(host, ".localhost") {
			return source{}
		}
		if err == nil && !ip.Unmap().Is4() {
			return source{doubt: true}
		}
		for _, address := range own() {
			c := r.Clone()
			c.From = address
			if e, err := t.Send(ctx, c); err == nil && e.OK() {
				return source{address: address, doubt: strings.HasPrefix(address, "127.")}
			}
		}
		return source{doubt: true}
	})
}

// own are addresses of this machine, those that others see first.
func own() []string {
	var out []string
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() && len(out) == 0 {
			out = append(out, n.IP.String())
		}
	}
	return append(out, "127.0.0.2")
}
