// Package pavisetest puts a policy's promises to a handler, or to a running
// server, inside the user's own go test.
//
//	func TestHardened(t *testing.T) {
//		policy := pavise.Policy{}
//		guard, err := pavise.New(policy)
//		if err != nil {
//			t.Fatal(err)
//		}
//		pavisetest.Keeps(t, guard.Wrap(mux), policy)
//	}
//
// A handler cannot keep promises about the connection below HTTP; those are
// left out by [Keeps] and judged by [KeepsURL] and by pavise probe.
package pavisetest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/promise"
)

// A Promiser makes promises: a pavise.Policy, a pavise.Guard, or one guard.
type Promiser interface {
	Promises() []promise.Promise
}

// Keeps fails the test for each promise of p that h, served on a loopback
// port, breaks or about which it cannot be told. Intrusive promises are left
// out.
func Keeps(t testing.TB, h http.Handler, p Promiser) {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	run(t, probe.Options{URL: srv.URL, Promises: p.Promises(), HandlerOnly: true})
}

// KeepsURL is [Keeps] for a server that is running at url, with the promises
// about its connections.
func KeepsURL(t testing.TB, url string, p Promiser) {
	t.Helper()
	run(t, probe.Options{URL: url, Promises: p.Promises()})
}

func run(t testing.TB, o probe.Options) {
	t.Helper()
	report, err := probe.Run(t.Context(), o)
	if err != nil {
		t.Fatalf("pavisetest: %v", err)
	}
	if len(report.Results) == 0 {
		t.Fatal("pavisetest: the policy makes no promise that could be put to this handler")
	}
	for _, res := range report.Results {
		switch res.Verdict {
		case probe.Broken:
			t.Errorf("%s is broken: %s\n\tgot  %s\n\twant %s\n\ttry  %s", res.ID, res.Claim, res.Got, res.Want, res.Shown)
		case probe.CouldNotTell:
			t.Errorf("%s: could not tell whether %s: %s", res.ID, res.Claim, res.Reason)
		}
	}
}
