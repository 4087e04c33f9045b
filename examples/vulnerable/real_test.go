//go:build real

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe"
)

// TestIntrusive: the checks that load the service find what they are for.
func TestIntrusive(t *testing.T) {
	s := start(t)
	o := fast(serve(t))
	o.Intrusive = true
	r := ask(t, o)
	all, hits := 0, 0
	for _, f := range flaws() {
		if f.how != intrusive {
			continue
		}
		all++
		if found, certain := f.found(r); found && certain {
			hits++
		} else {
			t.Logf("flaw %d, %s of %s, is not found: %s%s", f.n, f.check, f.at, f.why, reasons(r, f))
		}
	}
	t.Logf("recall of intrusive checks: %d of %d; %d requests in %s", hits, all, r.Requests, r.Duration)
	if 100*hits < 95*all {
		t.Errorf("%d of %d", hits, all)
	}
	for _, f := range falsely(sound(s), r) {
		t.Error("a false finding:", f)
	}
}

// TestSeeds: other values find the same. Each has a service of its own.
func TestSeeds(t *testing.T) {
	// Ten take four minutes: PAVISE_SEEDS=10 asks for them.
	seeds := 3
	if n, err := strconv.Atoi(os.Getenv("PAVISE_SEEDS")); err == nil && n > 1 {
		seeds = n
	}
	got := make([]string, seeds)
	t.Run("each", func(t *testing.T) {
		for i := range got {
			t.Run(fmt.Sprint(i+1), func(t *testing.T) {
				t.Parallel() // much of it is waiting
				o := fast(serve(t))
				o.Seed = uint64(i + 1)
				got[i] = fingerprint(ask(t, o))
			})
		}
	})
	for i := range got {
		if got[i] != got[0] {
			t.Errorf("seed %d finds other things than seed 1:\n%s", i+1, difference(got[0], got[i]))
		}
	}
	t.Logf("%d seeds, %d findings each", seeds, strings.Count(got[0], "\n")+1)
}

// TestBudget: an API of 50 operations is done with the default bounds, and 5,000
// requests at most. The time is logged: a minute is what is wanted of it.
func TestBudget(t *testing.T) {
	s := start(t)
	url := serve(t)
	some := s.routes()[:50]
	name := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(name, document(some), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ask(t, probe.APIOptions{URL: url, Document: name, Seed: 1})
	t.Logf("%d operations, %d covered: %d requests in %s", r.Operations, r.Covered, r.Requests, r.Duration.Round(time.Millisecond))
	if r.Operations != 50 || r.Requests > 5000 {
		t.Errorf("%d operations took %d requests, want at most 5,000", r.Operations, r.Requests)
	}
}
