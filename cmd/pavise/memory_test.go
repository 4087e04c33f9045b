package main

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// The law: a heap grows to the floor or to twice what is live, whichever is
// more, and so costs no more than the floor beyond Go's default.
func TestPercentFor(t *testing.T) {
	for live := uint64(1 << 10); live < 1<<40; live += live/3 + 1 {
		p := uint64(percentFor(live))
		if p < minPercent || p > maxPercent {
			t.Fatalf("%d bytes: %d %%", live, p)
		}
		if goal, most := live+live*p/100, max(2*live, heapFloor); goal > most {
			t.Errorf("%d bytes: grows to %d, more than %d", live, goal, most)
		}
	}
	for live, want := range map[uint64]int{0: 800, 1 << 20: 800, 8 << 20: 300, 16 << 20: 100, 1 << 30: 100} {
		if got := percentFor(live); got != want {
			t.Errorf("%d bytes: %d %%, want %d", live, got, want)
		}
	}
}

// The collector's pace belongs to the process, so that the test has one of
// its own.
func TestPaceCollection(t *testing.T) {
	if os.Getenv("PAVISE_TEST_PACE") == "" {
		for _, env := range []string{"", "GOGC=50", "GOMEMLIMIT=1GiB"} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestPaceCollection$", "-test.count=1")
			cmd.Env = append(os.Environ(), "PAVISE_TEST_PACE=1", "GOGC=", "GOMEMLIMIT=", env)
			if env == "" {
				cmd.Env = cmd.Env[:len(cmd.Env)-1]
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%q: %v\n%s", env, err, out)
			}
		}
		return
	}
	current := func() int {
		now := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(now)
		return int(now[0].Value.Uint64())
	}
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		before := current()
		if paceCollection(); current() != before {
			t.Error("the pace that was asked for was changed")
		}
		return
	}
	reaches := func(want int) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for current() != want {
			if time.Now().After(deadline) {
				t.Fatalf("%d %%, want %d", current(), want)
			}
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
	}
	paceCollection()
	reaches(maxPercent)
	func() {
		kept := make([]byte, 64<<20)
		reaches(minPercent)
		runtime.KeepAlive(kept)
	}()
	reaches(maxPercent)
}
