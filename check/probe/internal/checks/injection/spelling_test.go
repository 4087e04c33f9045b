package injection

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// verdicts are what a check says of one operation, with two seeds.
func verdicts(t *testing.T, check, operation string, intrusive bool, routes ...route) []trial.Result {
	t.Helper()
	var out []trial.Result
	for seed := range uint64(2) {
		r := runOnly(t, check, seed, intrusive, routes...)
		for _, res := range r.results {
			if res.Check.ID == check && res.Operation == operation {
				out = append(out, res)
			}
		}
		if limit := 60 * len(routes); r.requests > limit && !intrusive {
			t.Errorf("%d requests for %d operations", r.requests, len(routes))
		}
	}
	if len(out) != 2 {
		t.Fatalf("%d results of %s of %s", len(out), check, operation)
	}
	return out
}

// fetcher asks for what passes a filter; loopback alone, since there is nobody
// else to ask in a test.
func fetcher(filter func(raw string, u *url.URL) bool, follow bool) route {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, _ := net.SplitHostPort(addr)
		if host = inet(host); host == "" {
			return nil, fmt.Errorf("nobody is at %s", addr)
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(host, port))
	}}}
	if !follow {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return route{"POST /preview", `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["url"],"properties":{"url":{"type":"string","default":"http://cdn.example/a.png"}}}}}}`,
		func(w http.ResponseWriter, r *http.Request) {
			raw := text(r, "url")
			u, err := url.Parse(raw)
			if err != nil || !filter(raw, u) {
				fail(w, 422)
				return
			}
			res, err := client.Get(raw)
			if err != nil {
				answer(w, 200, map[string]int{"status": 0})
				return
			}
			defer res.Body.Close()
			answer(w, 200, map[string]int{"status": res.StatusCode})
		}}
}

// inet reads an address as the C library does, if it is a loopback one.
func inet(host string) string {
	switch strings.ToLower(host) {
	case "localhost", "127.1", "0x7f000001", "0177.0.0.1", "2130706433", "0.0.0.0":
		return "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() {
		return host
	}
	return ""
}

func out(r *http.Request, w http.ResponseWriter, ok bool) {
	to := q(r, "next")
	if !ok && !strings.HasPrefix(to, "/") {
		to = "/"
	}
	w.Header().Set("Location", to)
	w.WriteHeader(302)
}

func TestSpellings(t *testing.T) {
	redirect := func(open bool) route {
		return route{"GET /out", query("next"), func(w http.ResponseWriter, r *http.Request) { out(r, w, open) }}
	}
	known := func(_ string, u *url.URL) bool {
		return !strings.HasPrefix(u.Hostname(), "127.0.0.1") && u.Hostname() != "localhost" && u.Hostname() != "::ffff:127.0.0.1" && u.Hostname() != "2130706433" && u.Host != ""
	}
	ours := func(follow bool) route {
		f := fetcher(func(string, *url.URL) bool { return true }, follow)
		handle := f.handle
		f.handle = func(w http.ResponseWriter, r *http.Request) {
			if u, err := url.Parse(fields2(r)["url"].(string)); err != nil || u.Host != r.Host {
				fail(w, 422)
				return
			}
			handle(w, r)
		}
		return f
	}
	without := func(names ...string) func(string, *url.URL) bool {
		return func(raw string, u *url.URL) bool {
			for _, n := range names {
				if u.Hostname() == n {
					return false
				}
			}
			return known(raw, u)
		}
	}
	for _, c := range []struct {
		name   string
		want   trial.Verdict
		routes []route
	}{
		{"the short form", trial.Fail, []route{fetcher(without("0.0.0.0", "LocalHost", "::1", "0x7f000001", "0177.0.0.1"), false)}},
		{"IPv6", trial.Fail, []route{fetcher(without("0.0.0.0", "LocalHost", "127.1", "0x7f000001", "0177.0.0.1"), false)}},
		{"another case", trial.Fail, []route{fetcher(without("0.0.0.0", "127.1", "::1", "0x7f000001", "0177.0.0.1"), false)}},
		{"the host that is allowed in front of an @", trial.Fail, []route{fetcher(func(raw string, _ *url.URL) bool { return strings.HasPrefix(raw, "http://cdn.example") }, false)}},
		{"the host that is allowed somewhere", trial.Fail, []route{fetcher(func(raw string, _ *url.URL) bool { return strings.HasSuffix(raw, "cdn.example") }, false)}},
		{"the end of a file's name", trial.Fail, []route{fetcher(func(_ string, u *url.URL) bool { return strings.HasSuffix(u.Path, ".png") }, false)}},
		{"a host by its name", trial.Pass, []route{fetcher(func(_ string, u *url.URL) bool { return u.Hostname() == "cdn.example" }, true)}},
		{"addresses as they are dialled", trial.Pass, []route{fetcher(func(_ string, u *url.URL) bool { return inet(u.Hostname()) == "" && u.Host != "" }, true)}},
		{"its own redirect", trial.Fail, []route{redirect(true), ours(true)}},
		{"its own redirect, not followed", trial.Inconclusive, []route{redirect(true), ours(false)}},
		{"its own redirect, to paths", trial.Inconclusive, []route{redirect(false), ours(true)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range verdicts(t, "probe/ssrf", "POST /preview", false, c.routes...) {
				if r.Verdict != c.want {
					t.Errorf("%v, want %v: %s %s", r.Verdict, c.want, r.Got, r.Reason)
				}
			}
		})
	}
}
