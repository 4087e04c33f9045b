package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/finding"
)

// TestProbe: what attacks a running API finds nothing of weight in this one,
// and gets through to nearly all of it.
func TestProbe(t *testing.T) {
	a := start(t)
	name := filepath.Join(t.TempDir(), "openapi.json") // the policy closes it
	if err := os.WriteFile(name, openAPI, 0o600); err != nil {
		t.Fatal(err)
	}
	// Its own limit of requests answers a faster one with 429.
	r, err := probe.API(t.Context(), probe.APIOptions{URL: a.url, Document: name, Seed: 1, Rate: 90})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d operations, %d covered: %d requests in %s; %d passed, %d inconclusive", r.Operations, r.Covered, r.Requests, r.Duration.Round(time.Millisecond), r.Count("pass"), r.Count("inconclusive"))
	for _, u := range r.Uncovered {
		t.Logf("%s is not covered: %s", u.Where, u.Problem)
	}
	for _, res := range r.Results {
		if res.Verdict != "fail" && res.Verdict != "suspect" {
			continue
		}
		if res.Verdict == "fail" && res.Severity >= finding.Medium {
			t.Errorf("%s of %s: got %s, want %s", res.Check, res.Operation, res.Got, res.Want)
		} else {
			t.Logf("%s %s %s of %s: got %s, want %s", res.Verdict, res.Severity, res.Check, res.Operation, res.Got, res.Want)
		}
	}
	if 10*r.Covered < 8*r.Operations {
		t.Errorf("%d of %d operations are covered: %v", r.Covered, r.Operations, r.Notes)
	}
	// The usual checklist: each question is answered as one would wish.
	for _, item := range probe.Checklist() {
		if got := r.Answer(item); got != "pass" {
			t.Errorf("%s %s%s", item.Question, got, why(r, item))
		}
	}
}

// why is what the checks of a question could not tell.
func why(r *probe.APIReport, item probe.ChecklistItem) string {
	out := ""
	for _, res := range r.Results {
		if slices.Contains(item.Checks, res.Check) && res.Verdict != "pass" {
			out += "\n\t" + res.Check + " of " + res.Operation + ": " + res.Verdict + ": " + res.Got + res.Reason
		}
	}
	return out
}
