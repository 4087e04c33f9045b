package origins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/promise"
)

// Promises returns what a client outside can rely on under the policy. What
// the policy leaves to the app, or opens to every site, is not promised.
func (g *Guard) Promises() []promise.Promise {
	var out []promise.Promise
	for _, r := range Rules() {
		p := promise.Promise{ID: r.ID, Claim: r.Claim, Refs: slices.Clone(r.Refs)}
		switch r.ID {
		case ruleListed:
			if !g.anyOrigin && !g.p.AllowUpstreamCORS {
				p.Test = g.testListed
			}
		case rulePreflight:
			p.Test = g.testPreflight
		case ruleCrossSite:
			if !g.p.DangerouslyAllowCrossSite && !g.routed(func(r Route) bool { return r.DangerouslyAllowCrossSite }) {
				p.Test = testCrossSite
			}
		case ruleUpgrade:
			if !g.p.DangerouslyAllowCrossSiteUpgrades && !g.routed(func(r Route) bool { return r.DangerouslyAllowCrossSiteUpgrades }) {
				p.Test = testUpgrade
			}
		}
		if p.Test != nil {
			out = append(out, p)
		}
	}
	return out
}

// routed reports whether the path that the promises ask for is an exception.
func (g *Guard) routed(has func(Route) bool) bool {
	route, _ := g.routes.Lookup(nowhere)
	return has(route)
}

const (
	stranger = "https://pavise-probe.invalid" // RFC 6761: a name that nobody can have
	nowhere  = "/pavise-probe"                // unsafe requests go where they change nothing
)

// refusals are the statuses that say no to a client's request.
var refusals = []int{400, 401, 403, 404, 405, 406, 413, 414, 421, 422, 431, 501}

// strangers are origins that must not be allowed: one that has nothing to do
// with the API, the null origin, and look-alikes of those that are listed.
func (g *Guard) strangers() []string {
	out := []string{stranger, "null", "http://pavise-probe.invalid:8080"}
	near := func(origin string) {
		if !g.allow.match(origin) && !slices.Contains(out, origin) {
			out = append(out, origin)
		}
	}
	for i, o := range g.p.Allow {
		if i == 3 {
			break // a look-alike of each kind is enough
		}
		scheme, host, _ := strings.Cut(o, "://")
		bare := strings.TrimPrefix(host, "*.")
		near(scheme + "://" + bare + ".pavise-probe.invalid")
		near(scheme + "://pavise-probe-" + bare)
		near(scheme + "://pavise-probe." + bare)
		near(strings.ToUpper(scheme + "://" + bare))
		if scheme == "https" {
			near("http://" + bare)
		}
		if strings.HasPrefix(host, "*.") {
			near(scheme + "://pavise_probe." + bare)
			near(scheme + "://pavise-probe." + bare + ".pavise-probe.invalid")
			near(scheme + "://pavise-probe.invalid%60." + bare)
		}
	}
	return out
}

func (g *Guard) testListed(ctx context.Context, call promise.Caller) error {
	for _, origin := range g.strangers() {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			req := promise.NewRequest(ctx, method, "/", "")
			req.Header.Set("Origin", origin)
			if method == http.MethodOptions {
				req.Header.Set("Access-Control-Request-Method", http.MethodGet)
			}
			res, err := promise.Ask(call, req)
			if err != nil {
				return err
			}
			for _, v := range res.Header.Values("Access-Control-Allow-Origin") {
				v = strings.TrimSpace(v)
				if v == "*" || strings.EqualFold(v, origin) {
					return promise.Broken(req, fmt.Sprintf("Access-Control-Allow-Origin: %s for a page of %s", v, origin), "no permission for an origin that is not listed")
				}
			}
			if method == http.MethodOptions && res.Status < 300 {
				return promise.Broken(req, fmt.Sprintf("status %d to the preflight of %s", res.Status, origin), "a refusal of the preflight")
			}
		}
	}
	return nil
}

// bomb names a few more headers than a browser ever would, and few enough to
// be no load and to pass any limit on headers.
func bomb() string {
	var names []string
	for i := range 120 {
		names = append(names, fmt.Sprintf("x-probe-%03d", i))
	}
	return strings.Join(names, ",")
}

func (g *Guard) testPreflight(ctx context.Context, call promise.Caller) error {
	origin := stranger
	for _, o := range g.p.Allow {
		if o != "*" && !strings.Contains(o, "*") {
			origin = o
			break
		}
	}
	preflight := func(origin, headers string) *http.Request {
		req := promise.NewRequest(ctx, http.MethodOptions, "/", "")
		req.Header.Set("Origin", origin)
		req.Header.Set("Access-Control-Request-Method", http.MethodGet)
		if headers != "" {
			req.Header.Set("Access-Control-Request-Headers", headers)
		}
		return req
	}
	twin := promise.NewRequest(ctx, http.MethodOptions, "/", "")
	if err := promise.Refused(call, preflight(origin, bomb()), twin, refusals...); err != nil {
		return err
	}
	if g.anyOrigin || g.p.AllowUpstreamCORS {
		return nil
	}
	return promise.Refused(call, preflight(stranger, ""), twin, refusals...)
}

func testCrossSite(ctx context.Context, call promise.Caller) error {
	post := func(origin, site string) *http.Request {
		req := promise.NewRequest(ctx, http.MethodPost, nowhere, "")
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		if site != "" {
			req.Header.Set("Sec-Fetch-Site", site)
		}
		return req
	}
	for _, attack := range []*http.Request{
		post(stranger, "cross-site"),
		post("", "cross-site"),
		post(stranger, ""), // a browser before 2023, or an API over plain http
		post("null", "cross-site"),
		post("null", ""),
	} {
		if err := promise.Refused(call, attack, post("", "same-origin"), http.StatusForbidden); err != nil {
			return err
		}
	}
	return nil
}

func testUpgrade(ctx context.Context, call promise.Caller) error {
	harmless, _, err := upgrade(ctx, call, "", "", true)
	if err != nil {
		return fmt.Errorf("an upgrade without an origin: %w", err)
	}
	// ASGI applications answer a handshake 403 where they have no WebSocket,
	// whoever asks. Their servers answer one without a key 400 before they ask
	// the application (RFC 6455 section 4.2.2), and there the origin shows.
	byKey := harmless == http.StatusForbidden
	if byKey {
		status, _, err := upgrade(ctx, call, "", "", false)
		switch {
		case err != nil:
			return fmt.Errorf("an upgrade without an origin and a key: %w", err)
		case status == http.StatusForbidden:
			return errors.New("an upgrade that no page asked for is answered 403 too")
		}
	}
	for _, attack := range []struct{ origin, site string }{
		{stranger, ""},
		{"null", ""},
		{stranger, "cross-site"},
		{"", "cross-site"},
	} {
		status, req, err := upgrade(ctx, call, attack.origin, attack.site, true)
		switch {
		case err != nil:
			return err
		case status != http.StatusForbidden && status == harmless && status >= 400:
			// Such as behind a proxy that drops Upgrade: nobody can open one
			// here, and whether a page of another site could is not seen.
			return fmt.Errorf("an upgrade is answered %d, whoever asks", status)
		case status != http.StatusForbidden:
			return promise.Broken(req, fmt.Sprintf("status %d", status), "status 403")
		case !byKey:
			continue
		}
		status, _, err = upgrade(ctx, call, attack.origin, attack.site, false)
		switch {
		case err != nil:
			return err
		case status != http.StatusForbidden:
			return fmt.Errorf("an upgrade that no page asked for is answered 403 too, and one of another site without a key %d", status)
		}
	}
	return nil
}

// upgrade asks for a WebSocket and returns the status. It does not read on:
// a connection that was opened would never end.
func upgrade(ctx context.Context, call promise.Caller, origin, site string, key bool) (int, *http.Request, error) {
	fields := [][2]string{
		{"Connection", "Upgrade"},
		{"Upgrade", "websocket"},
		{"Sec-WebSocket-Version", "13"},
	}
	add := func(on bool, name, value string) {
		if on {
			fields = append(fields, [2]string{name, value})
		}
	}
	add(key, "Sec-WebSocket-Key", "cGF2aXNlLXByb2JlLWtleQ==")
	add(origin != "", "Origin", origin)
	add(site != "", "Sec-Fetch-Site", site)
	var raw strings.Builder
	raw.WriteString("GET " + nowhere + " HTTP/1.1\r\nHost: {host}\r\n")
	for _, f := range fields {
		raw.WriteString(f[0] + ": " + f[1] + "\r\n")
	}
	// Raw, because over TLS net/http may speak HTTP/2, which has no Upgrade.
	req := promise.RawRequest(ctx, raw.String()+"\r\n")
	res, err := call(req)
	if errors.Is(err, promise.ErrRawUnsupported) {
		req = promise.NewRequest(ctx, http.MethodGet, nowhere, "")
		for _, f := range fields {
			req.Header.Set(f[0], f[1])
		}
		res, err = call(req)
	}
	if err != nil {
		return 0, req, err
	}
	return res.StatusCode, req, res.Body.Close()
}
