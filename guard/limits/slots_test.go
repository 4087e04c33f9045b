package limits

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// Who waits longest is next, a newcomer never overtakes, and the queue ends.
func TestSlotsAreFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, 3)
		if s.enter(t.Context(), time.Second) != entered {
			t.Fatal("the first did not enter")
		}
		var order []int
		for i := range 3 {
			go func() {
				if s.enter(t.Context(), time.Minute) == entered {
					order = append(order, i) // one at a time: the place is one
					time.Sleep(time.Second)
					s.leave()
				}
			}()
			synctest.Wait()
		}
		if o := s.enter(t.Context(), time.Second); o != full {
			t.Errorf("beyond the queue: %s", o)
		}
		s.leave()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(order) != 3 || order[0] != 0 || order[1] != 1 || order[2] != 2 {
			t.Errorf("the order was %v", order)
		}
		if s.taken != 0 || s.queue != 0 || s.first != nil || s.last != nil {
			t.Errorf("left behind: %+v", s)
		}
	})
}

func TestSlotsEndOfPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, 10)
		s.enter(t.Context(), time.Second)
		start := time.Now()
		if o := s.enter(t.Context(), time.Second); o != tooLong || time.Since(start) != time.Second {
			t.Errorf("%s after %s", o, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if o := s.enter(ctx, time.Minute); o != departed {
			t.Errorf("got %s", o)
		}
		// The place comes free at the very moment at which the client leaves.
		ctx, cancel2 := context.WithTimeout(t.Context(), time.Second)
		defer cancel2()
		go func() { time.Sleep(time.Second); s.leave() }()
		if s.enter(ctx, time.Minute) == entered {
			s.leave()
		}
		synctest.Wait()
		if s.taken != 0 || s.queue != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}

func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := must(t, Policy{Concurrency: 2, Queue: 1})
		h := g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Minute)
			if r.URL.Path == "/panic" {
				panic(http.ErrAbortHandler)
			}
		}))
		serve := func(path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			defer func() { _ = recover() }()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			return w
		}
		go serve("/panic")
		go serve("/")
		synctest.Wait()
		go func() {
			start := time.Now()
			if w := serve("/"); w.Code != 503 || w.Header().Get("Retry-After") != "1" || time.Since(start) != DefaultQueueWait {
				t.Errorf("in the queue: %d %v after %s", w.Code, w.Header(), time.Since(start))
			}
		}()
		synctest.Wait()
		if w := serve("/"); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("beyond the queue: %d %v", w.Code, w.Header())
		}
		time.Sleep(time.Hour)
		if inFlight(g) != 0 {
			t.Errorf("%d places were not given back", inFlight(g))
		}
	})
}

// A refusal that is only observed lets the request in beyond the limit, and
// the places add up afterwards.
func TestConcurrencyObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := must(t, Policy{Concurrency: 1, Queue: 1, QueueWait: time.Millisecond})
		h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) }))
		codes := make(chan int, 10)
		for range 10 {
			go func() {
				r, _ := observed(httptest.NewRequest(http.MethodGet, "/", nil))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				codes <- w.Code
			}()
		}
		for range 10 {
			if c := <-codes; c != 200 {
				t.Errorf("got %d", c)
			}
		}
		synctest.Wait()
		if inFlight(g) != 0 {
			t.Errorf("%d places were not given back", inFlight(g))
		}
	})
}

func TestEnteringAllocatesNothing(t *testing.T) {
	s := newSlots(2, 2)
	if n := testing.AllocsPerRun(100, func() {
		s.enter(t.Context(), time.Second)
		s.leave()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func inFlight(g *Guard) int {
	g.slots.mu.Lock()
	defer g.slots.mu.Unlock()
	return g.slots.taken
}
