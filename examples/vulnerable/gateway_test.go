//go:build real

package main

import (
	"context"
	_ "embed"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/gateway"
)

//go:embed pavise.yaml
var policyText []byte

// behind puts the gateway with this folder's policy in front of an API.
func behind(t testing.TB, upstream string) (url string) {
	t.Helper()
	p, err := pavise.Parse(policyText)
	if err != nil {
		t.Fatal(err)
	}
	p.Gateway.Listen, p.Gateway.Admin, p.Gateway.AccessLog, p.Gateway.Upstream = "127.0.0.1:0", "off", "off", upstream
	addr := make(chan net.Addr, 1)
	g, err := gateway.New(gateway.Options{Policy: p, Log: slog.New(slog.DiscardHandler), Ready: func(public, _ net.Addr) { addr <- public }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case a := <-addr:
		return "http://" + a.String()
	case err := <-done:
		t.Fatal(err)
		return ""
	}
}

// TestGateway: the same probe of the same service, with and without the
// gateway in front: what the service itself does not do is done there, and no
// valid request is broken by that.
func TestGateway(t *testing.T) {
	s := start(t)
	name := filepath.Join(t.TempDir(), "openapi.json") // the gateway closes it
	if err := os.WriteFile(name, document(s.routes()), 0o600); err != nil {
		t.Fatal(err)
	}
	look := func(url string, rate float64) *probe.APIReport {
		o := fast(url)
		o.Document, o.Rate = name, rate
		return ask(t, o)
	}
	bare, service := look(serve(t), 5000), serve(t)
	hard := look(behind(t, service), 190) // there is a limit
	t.Logf("bare: %d requests in %s; behind the gateway: %d in %s", bare.Requests, bare.Duration.Round(time.Millisecond), hard.Requests, hard.Duration.Round(time.Millisecond))

	// A check passes when it fails nowhere and was made.
	verdicts := func(r *probe.APIReport) (bad, good map[string]bool) {
		bad, good = map[string]bool{}, map[string]bool{}
		for _, res := range r.Results {
			switch res.Verdict {
			case failed:
				bad[res.Check] = true
			case "pass":
				good[res.Check] = true
			}
		}
		maps.DeleteFunc(good, func(c string, _ bool) bool { return bad[c] })
		return bad, good
	}
	before, _ := verdicts(bare)
	worse, after := verdicts(hard)
	var turned, left []string
	for _, c := range slices.Sorted(maps.Keys(before)) {
		if after[c] {
			turned = append(turned, c)
		} else {
			left = append(left, c)
		}
	}
	t.Logf("%d checks fail without the gateway and pass behind it: %s", len(turned), strings.Join(turned, ", "))
	t.Logf("%d are for the service itself: %s", len(left), strings.Join(left, ", "))
	if len(turned) < 12 {
		t.Errorf("%d checks were turned, want 12 at least", len(turned))
	}
	for _, c := range slices.Sorted(maps.Keys(worse)) {
		if !before[c] {
			for _, res := range hard.Results {
				if res.Check == c && res.Verdict == failed {
					t.Errorf("%s of %s fails behind the gateway alone: got %s, want %s", c, res.Operation, res.Got, res.Want)
				}
			}
		}
	}
	without := map[string]bool{}
	for _, u := range bare.Uncovered {
		without[u.Where] = true
	}
	for _, u := range hard.Uncovered {
		if !without[u.Where] {
			t.Errorf("a valid request is broken by the gateway: %s: %s", u.Where, u.Problem)
		}
	}
}
