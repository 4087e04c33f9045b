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

// A command that is done before the first collection has none; from then on
// its heap grows by half.
func TestCollectMore(t *testing.T) {
	if os.Getenv("PAVISE_TEST_MORE") == "" {
		for _, env := range []string{"GOGC=", "GOGC=70"} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestCollectMore$", "-test.count=1")
			cmd.Env = append(os.Environ(), "PAVISE_TEST_MORE=1", "GOMEMLIMIT=", env)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%q: %v\n%s", env, err, out)
			}
		}
		return
	}
	collections := func() (done uint64, percent int) {
		now := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/gogc:percent"}}
		metrics.Read(now)
		return now[0].Value.Uint64(), int(now[1].Value.Uint64())
	}
	before, percent := collections()
	collectMore()
	if after, now := collections(); after != before || now != percent {
		t.Errorf("%d collections, and the pace went from %d to %d before there was one", after-before, percent, now)
	}
	want := 50
	if os.Getenv("GOGC") != "" {
		want = percent
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		if _, now := collections(); now == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the pace is not %d after a collection", want)
		}
	}
}

// A command that keeps what it builds has no collection before its heap is
// large; from then on its pace is Go's own.
func TestCollectLate(t *testing.T) {
	if os.Getenv("PAVISE_TEST_LATE") == "" {
		for _, env := range []string{"GOGC=", "GOGC=70"} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestCollectLate$", "-test.count=1")
			cmd.Env = append(os.Environ(), "PAVISE_TEST_LATE=1", "GOMEMLIMIT=", env)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%q: %v\n%s", env, err, out)
			}
		}
		return
	}
	read := func(name string) uint64 {
		now := []metrics.Sample{{Name: name}}
		metrics.Read(now)
		return now[0].Value.Uint64()
	}
	first, then := uint64(latePercent), uint64(minPercent)
	if os.Getenv("GOGC") != "" {
		first, then = 70, 70
	}
	collectLate()
	if now := read("/gc/gogc:percent"); now != first {
		t.Errorf("the pace is %d, want %d", now, first)
	}
	if goal := read("/gc/heap/goal:bytes"); first == latePercent && goal < 100<<20 {
		t.Errorf("the first collection is at %d bytes", goal)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		if read("/gc/gogc:percent") == then {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the pace is not %d after a collection", then)
		}
	}
}
