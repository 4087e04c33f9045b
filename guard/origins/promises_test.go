package origins

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/promise"
)

// caller sends promises' requests to h.
func caller(t *testing.T, h http.Handler) promise.Caller {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	addr := srv.Listener.Addr().String()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(req *http.Request) (*http.Response, error) {
		if raw, ok := promise.Raw(req); ok {
			c, err := (&net.Dialer{}).DialContext(req.Context(), "tcp", addr)
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { _ = c.Close() })
			if _, err := c.Write([]byte(strings.ReplaceAll(raw, "{host}", addr))); err != nil {
				return nil, err
			}
			return http.ReadResponse(bufio.NewReader(c), req)
		}
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host = "http", addr
		return client.Do(req)
	}
}

func verdict(err error) string {
	var broken *promise.BrokenError
	switch {
	case err == nil:
		return "kept"
	case errors.As(err, &broken):
		return "broken"
	}
	return "could not tell"
}

func judge(t *testing.T, g *Guard, h http.Handler) map[string]string {
	out := map[string]string{}
	for _, p := range g.Promises() {
		err := p.Test(context.Background(), caller(t, h))
		out[p.ID] = verdict(err)
		if err != nil {
			t.Logf("%s: %v", p.ID, err)
		}
	}
	return out
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }

func TestPromisesAreKept(t *testing.T) {
	t.Parallel()
	for _, p := range []Policy{
		{},
		{Allow: []string{"https://app.example.com", "https://*.pages.example.com"}, AllowCredentials: true},
		{Allow: []string{"*"}},
		{AllowUpstreamCORS: true},
		{DangerouslyAllowCrossSite: true, DangerouslyAllowCrossSiteUpgrades: true},
		{Routes: []Route{{Path: "/x", DangerouslyAllowCrossSite: true}}},
	} {
		g := must(t, p)
		for _, app := range []http.HandlerFunc{ok, reflecting, http.NotFound} {
			for id, v := range judge(t, g, g.Wrap(app)) {
				if v != "kept" {
					t.Errorf("%+v: %s: %s", p, id, v)
				}
			}
		}
	}
}

func TestPromisesAreNotVacuous(t *testing.T) {
	t.Parallel()
	for _, app := range []http.HandlerFunc{ok, reflecting} {
		got := judge(t, must(t, Policy{}), app)
		if len(got) != len(Rules()) {
			t.Errorf("%d promises for %d rules", len(got), len(Rules()))
		}
		for id, v := range got {
			if v != "broken" {
				t.Errorf("%s: %s against a bare handler", id, v)
			}
		}
	}
}

// Each rule's promise breaks when that rule is switched off, and only that,
// before an app that allows everything.
func TestLoosenBreaksThePromise(t *testing.T) {
	t.Parallel()
	strict := must(t, Policy{})
	for rule, p := range map[string]Policy{
		ruleListed:    {Allow: []string{"*"}},
		rulePreflight: {AllowUpstreamCORS: true},
		ruleCrossSite: {DangerouslyAllowCrossSite: true},
		ruleUpgrade:   {DangerouslyAllowCrossSiteUpgrades: true},
	} {
		got := judge(t, strict, must(t, p).Wrap(http.HandlerFunc(reflecting)))
		if got[rule] != "broken" {
			t.Errorf("%s: %s with its rule off", rule, got[rule])
		}
		for _, other := range []string{ruleCrossSite, ruleUpgrade} {
			if other != rule && got[other] != "kept" {
				t.Errorf("%s: %s with %s off", other, got[other], rule)
			}
		}
	}
}

func TestUpgradePromiseDoesNotHang(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = c.Close() })
		_, _ = c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
	})
	if v := verdict(testUpgrade(t.Context(), caller(t, h))); v != "broken" {
		t.Errorf("%s against a server that upgrades for everyone", v)
	}
	if v := verdict(testUpgrade(t.Context(), caller(t, must(t, Policy{}).Wrap(h)))); v != "kept" {
		t.Errorf("%s behind the guard", v)
	}
}

// An ASGI application answers 403 where it has no WebSocket. The promise can
// tell that from a refusal, and does not take it for one.
func TestUpgradePromiseBeforeASGI(t *testing.T) {
	t.Parallel()
	asgi := func(keyless int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Sec-WebSocket-Key") == "" {
				w.WriteHeader(keyless)
				return
			}
			w.WriteHeader(http.StatusForbidden)
		})
	}
	for _, tt := range []struct {
		keyless     int
		bare, guard string
	}{
		{http.StatusBadRequest, "could not tell", "kept"},
		{http.StatusUpgradeRequired, "could not tell", "kept"},
		{http.StatusForbidden, "could not tell", "could not tell"},
	} {
		if v := verdict(testUpgrade(t.Context(), caller(t, asgi(tt.keyless)))); v != tt.bare {
			t.Errorf("%d: %s against the application alone, want %s", tt.keyless, v, tt.bare)
		}
		if v := verdict(testUpgrade(t.Context(), caller(t, must(t, Policy{}).Wrap(asgi(tt.keyless))))); v != tt.guard {
			t.Errorf("%d: %s behind the guard, want %s", tt.keyless, v, tt.guard)
		}
		if v := verdict(testUpgrade(t.Context(), caller(t, must(t, Policy{DangerouslyAllowCrossSiteUpgrades: true}).Wrap(asgi(tt.keyless))))); v != "could not tell" {
			t.Errorf("%d: %s behind the guard without the rule", tt.keyless, v)
		}
	}
}

// Where nobody can open a WebSocket, nobody sees who would be refused.
func TestUpgradePromiseBehindAProxyThatDropsUpgrade(t *testing.T) {
	g, err := New(Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for status, isBroken := range map[int]bool{404: false, 400: false, 502: false, 200: true, 101: true} {
		for _, p := range g.Promises() {
			if p.ID != ruleUpgrade {
				continue
			}
			err := p.Test(t.Context(), func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}}, nil
			})
			var broken *promise.BrokenError
			if err == nil || errors.As(err, &broken) != isBroken {
				t.Errorf("%d to everybody: %v", status, err)
			}
		}
	}
}
