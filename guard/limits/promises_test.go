package limits

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/goccy/go-yaml"

	"github.com/pavise-dev/pavise/promise"
)

// caller sends requests over the bubble's network.
func caller(t *testing.T, dial func() net.Conn) promise.Caller {
	tr := &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return dial(), nil },
		DisableCompression: true, DisableKeepAlives: true,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return func(req *http.Request) (*http.Response, error) {
		raw, ok := promise.Raw(req)
		if !ok {
			req.URL.Scheme, req.URL.Host = "http", "a"
			return tr.RoundTrip(req)
		}
		c := dial()
		context.AfterFunc(req.Context(), func() { _ = c.Close() })
		go func() { _, _ = io.WriteString(c, strings.ReplaceAll(raw, "{host}", "a")) }()
		res, err := http.ReadResponse(bufio.NewReader(c), req)
		if err != nil {
			_ = c.Close()
			return nil, err
		}
		return res, nil
	}
}

// reader answers 200 after it has read the body.
var reader = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })

// verdicts puts every promise of the zero policy to a server.
func verdicts(t *testing.T, dial func() net.Conn) map[string]error {
	all := map[string]error{}
	for _, p := range must(t, Policy{}).Promises() {
		ctx, cancel := context.WithCancel(t.Context())
		all[p.ID] = p.Test(ctx, caller(t, dial))
		cancel()
	}
	if len(all) != len(Rules()) {
		t.Errorf("%d promises, %d rules", len(all), len(Rules()))
	}
	return all
}

func TestPromisesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for id, err := range verdicts(t, serve(t, must(t, Policy{}), reader)) {
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}

// No promise is vacuous: a bare server breaks each, be it one that reads
// bodies or one that never looks at them. Requests of the latter kind cannot
// be held, so of those at once nobody can tell.
func TestBareServersBreakPromises(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"reads":   reader,
		"ignores": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }),
	} {
		synctest.Test(t, func(t *testing.T) {
			for id, err := range verdicts(t, serveWith(t, &http.Server{Handler: h})) {
				broken := (*promise.BrokenError)(nil)
				if !errors.As(err, &broken) && (err == nil || name != "ignores" || id != "limits/concurrency") {
					t.Errorf("%s: %s: %v", name, id, err)
				}
			}
		})
	}
}

// Each rule's key breaks its promise, and no other, and takes it back.
func TestLoosening(t *testing.T) {
	for _, rule := range Rules() {
		synctest.Test(t, func(t *testing.T) {
			var p struct {
				Limits      Policy
				ContentType map[string]any `yaml:"contenttype"`
			}
			if err := yaml.UnmarshalWithOptions([]byte(rule.Loosen), &p, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
			g := must(t, p.Limits)
			for id, err := range verdicts(t, serve(t, g, reader)) {
				broken := (*promise.BrokenError)(nil)
				if id == rule.ID && !errors.As(err, &broken) || id != rule.ID && err != nil {
					t.Errorf("loosened %s: %s: %v", rule.ID, id, err)
				}
			}
			for _, kept := range g.Promises() {
				if kept.ID == rule.ID {
					t.Errorf("%s is still promised", rule.ID)
				}
			}
			if l := p.Limits.Loosened(); len(l) != 1 || l[0].Rule != rule.ID {
				t.Errorf("%s: loosened %v", rule.ID, l)
			}
		})
	}
}
