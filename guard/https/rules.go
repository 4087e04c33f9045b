package https

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/promise"
)

// Rules documents what the guard enforces.
func Rules() []guard.Rule {
	return []guard.Rule{
		{
			ID:     ruleRequired,
			Claim:  "nothing is served over plain HTTP",
			Attack: "Whoever sits on the way reads credentials and data of plain HTTP and changes what he likes, such as the first redirect (SSL stripping).",
			Refs:   []string{"CWE-319", "ASVS 5.0 V12.2.1", "ASVS 5.0 V4.1.2", "OWASP API8:2023"},
			Loosen: "https:\n  insecure_allow_plain: true\n",
			Cost:   "Requests and answers cross the network in clear. It is harmless only where TLS ends at a proxy that listens for plain HTTP nowhere.",
		},
		{
			ID:     ruleRedirectHost,
			Claim:  "the redirect to https never leads to a name that the client made up",
			Attack: "A redirect to the client's own Host, kept by a cache or put into a link, sends others to the attacker's site under our name.",
			Refs:   []string{"CWE-601", "OWASP API8:2023"},
			Loosen: "https:\n  dangerously_redirect_any_host: true\n",
			Cost:   "Any Host is repeated in the Location of a redirect.",
		},
	}
}

// Loosened returns every place where p is weaker than the zero Policy.
func (p Policy) Loosened() []guard.Loosening {
	var out []guard.Loosening
	for i, path := range p.Exempt {
		out = append(out, guard.Loosening{Rule: ruleRequired, Key: fmt.Sprintf("https.exempt[%d]", i), Effect: path + " is served over plain HTTP"})
	}
	if p.InsecureAllowPlain {
		out = append(out, guard.Loosening{Rule: ruleRequired, Key: "https.insecure_allow_plain", Effect: "requests and answers may cross the network in clear"})
	}
	if p.DangerouslyRedirectAnyHost {
		out = append(out, guard.Loosening{Rule: ruleRedirectHost, Key: "https.dangerously_redirect_any_host", Effect: "redirects lead wherever the client's Host says"})
	}
	return out
}

// Promises returns what a client outside can rely on.
func (g *Guard) Promises() []promise.Promise {
	var out []promise.Promise
	for _, rule := range Rules() {
		p := promise.Promise{ID: rule.ID, Claim: rule.Claim, Refs: rule.Refs}
		switch {
		case g.plain:
			continue
		case rule.ID == ruleRequired:
			p.Test = g.testRequired
		case !g.anyHost:
			p.Test = testRedirectHost
		default:
			continue
		}
		out = append(out, p)
	}
	return out
}

// stranger is a name that nobody can have (RFC 6761 section 6.4).
const stranger = "pavise-probe.invalid"

// plainRequest is a request over plain HTTP whatever the API's own scheme.
// The path is an unlikely one: / may well be exempt.
func plainRequest(ctx context.Context, method, host string) *http.Request {
	req := promise.NewRequest(ctx, method, "/pavise-probe", "")
	req.URL.Scheme = "http"
	req.Host = host
	return req
}

// closed reports whether nothing listens for plain HTTP at all, which keeps
// the promise best.
func closed(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// testRequired wants a refusal that is about the scheme: a redirect to https,
// 403, or 426. That a name is not answered (421), or a path not found, says
// nothing about what plain HTTP gets by other names.
func (g *Guard) testRequired(ctx context.Context, call promise.Caller) error {
	host := g.canonical
	if host == "" {
		// No list is needed to refuse, and a loopback name would be exempt.
		host = stranger
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		req := plainRequest(ctx, method, host)
		got, err := promise.Ask(call, req)
		if closed(err) {
			return nil
		}
		if err != nil {
			return err
		}
		const want = "a redirect to https, or status 403 or 426"
		switch got.Status {
		case http.StatusForbidden, http.StatusUpgradeRequired:
		case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			u, err := location(got)
			if err != nil {
				return promise.Broken(req, err.Error(), want)
			}
			if u.Scheme != "https" || u.Host == "" {
				return promise.Broken(req, fmt.Sprintf("a redirect to %q", u.Redacted()), want)
			}
		default:
			return promise.Broken(req, fmt.Sprintf("status %d over plain HTTP", got.Status), want)
		}
	}
	return nil
}

// testRedirectHost asks under a name that cannot be the service's.
func testRedirectHost(ctx context.Context, call promise.Caller) error {
	req := plainRequest(ctx, http.MethodGet, stranger)
	got, err := promise.Ask(call, req)
	if closed(err) {
		return nil
	}
	if err != nil {
		return err
	}
	switch got.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		const want = "a redirect to the service's own name, or none"
		u, err := location(got)
		if err != nil {
			return promise.Broken(req, err.Error(), want)
		}
		// A Location without a host leads back to the name that was asked.
		if h := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."); h == "" || h == stranger {
			return promise.Broken(req, fmt.Sprintf("a redirect to %q, the name that the client made up", u.Redacted()), want)
		}
		return nil
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMisdirectedRequest, http.StatusUpgradeRequired:
		return nil
	}
	return fmt.Errorf("plain HTTP under a made-up name is answered %d, neither redirected nor refused", got.Status)
}

func location(a *promise.Answer) (*url.URL, error) {
	values := a.Header.Values("Location")
	if len(values) != 1 {
		return nil, fmt.Errorf("a redirect with %d Location fields", len(values))
	}
	u, err := url.Parse(values[0])
	if err != nil {
		return nil, errors.New("a redirect whose Location is no URL")
	}
	return u, nil
}
