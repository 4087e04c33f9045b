package headers

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/promise"
)

// Promises returns what the policy lets clients rely on, whatever the handler
// sends. A rule that the policy weakens is promised as far as it still holds,
// or not at all.
func (g *Guard) Promises() []promise.Promise {
	var list []promise.Promise
	for _, r := range rules(g.kept()) {
		l, ok := g.level(r)
		if !ok {
			continue
		}
		p := promise.Promise{ID: r.ID, Claim: r.Claim, Refs: r.Refs}
		if l.claim != "" {
			p.Claim = l.claim
		}
		switch r.ID {
		case "headers/hsts":
			// Only a server that speaks TLS can keep it.
			p.Secure = true
			p.Test = everywhere(l.judge, true)
		case "headers/no-store":
			p.Test = underPath(l.judge, g.probePath)
		case "headers/no-store-authenticated":
			p.Test = withCredentials(l.judge)
		default:
			p.Test = everywhere(l.judge, false)
		}
		list = append(list, p)
	}
	return list
}

// kept returns the disclosing headers that the policy does not remove.
func (c *compiled) kept() (names []string) {
	for _, name := range disclosing() {
		for _, prof := range append([]*profile{c.base}, c.byRoute...) {
			if prof.act[name] != verbRemove {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// level returns the strictest level in which the guard keeps a rule against
// an upstream that wants it broken, on the paths that the promises ask for.
func (c *compiled) level(r rule) (level, bool) {
	for _, l := range r.levels {
		if c.holds(r.ID, l.judge) {
			return l, true
		}
	}
	return level{}, false
}

func (c *compiled) holds(id string, j judge) bool {
	paths := []string{"/", "/pavise-probe"}
	credentials := false
	switch id {
	case "headers/no-store":
		paths = []string{example(c.probePath)}
	case "headers/no-store-authenticated":
		paths, credentials = paths[:1], true
	}
	for _, path := range paths {
		h := hostile()
		c.apply(h, &exchange{url: &url.URL{Path: path}, path: path, secure: true, credentials: credentials, nonce: new(nonce)}, nil)
		if got, _ := j(h, true); got != "" {
			return false
		}
	}
	return true
}

// example returns a path that the pattern matches.
func example(pattern string) string {
	segments := strings.Split(pattern, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = "1"
		}
	}
	path := strings.Join(segments, "/")
	if strings.HasSuffix(path, "/") {
		path += "pavise-probe"
	}
	return path
}

// somewhere returns a path that no service is likely to have.
func somewhere() string { return "/pavise-probe-" + strings.ToLower(rand.Text()[:12]) }

// everywhere judges one response of each kind: one that is there, one that is
// not, one to a write, to a preflight's method, without a body, and a refusal.
func everywhere(j judge, tls bool) func(context.Context, promise.Caller) error {
	return func(ctx context.Context, call promise.Caller) error {
		path := somewhere()
		return judgeAll(call, j, tls,
			promise.NewRequest(ctx, http.MethodGet, "/", ""),
			promise.NewRequest(ctx, http.MethodGet, path, ""),
			promise.NewRequest(ctx, http.MethodPost, path, ""),
			promise.NewRequest(ctx, http.MethodOptions, "/", ""),
			promise.NewRequest(ctx, http.MethodHead, "/", ""),
			promise.NewRequest(ctx, http.MethodTrace, "/", ""),
		)
	}
}

func underPath(j judge, pattern string) func(context.Context, promise.Caller) error {
	return func(ctx context.Context, call promise.Caller) error {
		path := (&url.URL{Path: example(pattern)}).EscapedPath()
		return judgeAll(call, j, false,
			promise.NewRequest(ctx, http.MethodGet, path, ""),
			promise.NewRequest(ctx, http.MethodHead, path, ""),
		)
	}
}

func withCredentials(j judge) func(context.Context, promise.Caller) error {
	return func(ctx context.Context, call promise.Caller) error {
		token := promise.NewRequest(ctx, http.MethodGet, "/", "")
		token.Header.Set("Authorization", "Bearer pavise-probe")
		cookie := promise.NewRequest(ctx, http.MethodGet, "/", "")
		cookie.Header.Set("Cookie", "pavise_probe=1")
		return judgeAll(call, j, false, token, cookie)
	}
}

// judgeAll puts the requests one after another. A broken one is the verdict;
// if none is, one that got no answer leaves it open.
func judgeAll(call promise.Caller, j judge, tls bool, requests ...*http.Request) error {
	var unknown error
	for _, req := range requests {
		res, err := call(req)
		if err != nil {
			unknown = fmt.Errorf("%s %s: %w", req.Method, req.URL, err)
			continue
		}
		_ = res.Body.Close()
		secure := res.TLS != nil || res.Request != nil && res.Request.URL.Scheme == "https"
		if got, want := j(res.Header, secure); got != "" {
			return promise.Broken(req, got, want)
		}
		if tls && !secure && unknown == nil {
			unknown = fmt.Errorf("the API was asked over plain HTTP, where Strict-Transport-Security may not be sent: ask it over HTTPS")
		}
	}
	return unknown
}

// about reports whether a header decides the rule.
func (r rule) about(name string) bool { return slices.Contains(r.names, name) }
