// Package trialtest runs checks against small servers in tests.
package trialtest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// New is a trial of a handler that a document describes.
func New(t *testing.T, doc string, h http.Handler, who ...*identity.Identity) *trial.Trial {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return At(t, srv, doc, who...)
}

// At is a trial of a server that runs already.
func At(t *testing.T, srv *httptest.Server, doc string, who ...*identity.Identity) *trial.Trial {
	t.Helper()
	d, err := openapi.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base, Run: "test", Total: 5000, InsecureSkipVerify: base.Scheme == "https"})
	t.Cleanup(client.Close)
	return trial.New(trial.Options{Client: client, Document: d, Identities: who, Seed: 1, Intrusive: true})
}

// Bearer is a user who calls with a token.
func Bearer(name, token string) *identity.Identity {
	return &identity.Identity{Name: name, Header: http.Header{"Authorization": {"Bearer " + token}}}
}

// Run makes one check of those given, and returns what it found.
func Run(t *testing.T, tr *trial.Trial, checks []*trial.Check, id string) []trial.Result {
	t.Helper()
	for _, c := range checks {
		if c.ID == id {
			results, _ := tr.Run(t.Context(), []*trial.Check{c})
			return results
		}
	}
	t.Fatalf("%s is no check", id)
	return nil
}

// Worst is the result that matters most: a failure of the highest severity,
// else a suspicion, else what could not be told, else what passed.
func Worst(results []trial.Result) trial.Result {
	rank := func(r trial.Result) int {
		switch r.Verdict {
		case trial.Fail:
			s := r.Severity
			if s == 0 && r.Check != nil {
				s = r.Check.Severity
			}
			return 100 + int(s)
		case trial.Suspect:
			return 50
		case trial.Inconclusive:
			return 10
		case trial.Pass:
			return 5
		}
		return 1
	}
	var worst trial.Result
	best := -1
	for _, r := range results {
		if n := rank(r); n > best {
			worst, best = r, n
		}
	}
	return worst
}
