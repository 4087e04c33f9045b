package limits

import (
	"context"
	"sync"
	"time"
)

// slots are the places for requests in flight, and the queue for them. Who
// came first gets the next place that is free: a newcomer never overtakes
// somebody who waits. Entering without waiting allocates nothing.
type slots struct {
	mu    sync.Mutex
	taken int
	size  int
	first *waiter // the queue, oldest first
	last  *waiter
	queue int // how many wait
	most  int // how many may wait
}

// A waiter is somebody in the queue.
type waiter struct {
	turn       chan struct{} // closed when the place is his
	granted    bool
	prev, next *waiter
}

func newSlots(size, most int) *slots { return &slots{size: size, most: most} }

// An outcome is what became of a try to enter.
type outcome int

const (
	entered  outcome = iota
	full             // the queue was full too
	tooLong          // waited to the end of his patience
	departed         // the client left, or the request's time ended, while it waited
)

func (o outcome) String() string {
	switch o {
	case entered:
		return "entered"
	case full:
		return "the limit of requests in flight is reached, and the queue is full"
	case tooLong:
		return "the limit of requests in flight is reached, and no place came free in time"
	}
	return "the client left while its request waited for a place"
}

// enter takes a place, waiting for one at most so long. Who entered must
// leave.
func (s *slots) enter(ctx context.Context, patience time.Duration) outcome {
	s.mu.Lock()
	if s.taken < s.size && s.first == nil {
		s.taken++
		s.mu.Unlock()
		return entered
	}
	if s.queue >= s.most {
		s.mu.Unlock()
		return full
	}
	w := &waiter{turn: make(chan struct{}), prev: s.last}
	if s.last != nil {
		s.last.next = w
	} else {
		s.first = w
	}
	s.last = w
	s.queue++
	s.mu.Unlock()

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.turn:
		return entered
	case <-timer.C:
		if s.giveUp(w) {
			return tooLong
		}
		return entered // his turn came at the same moment
	case <-ctx.Done():
		if !s.giveUp(w) {
			s.leave() // nobody is there to use the place
		}
		return departed
	}
}

// giveUp takes w out of the queue, and reports false if his turn has come.
func (s *slots) giveUp(w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.granted {
		return false
	}
	s.unlink(w)
	return true
}

func (s *slots) unlink(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		s.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		s.last = w.prev
	}
	w.prev, w.next = nil, nil
	s.queue--
}

// force takes a place beyond the limit.
func (s *slots) force() {
	s.mu.Lock()
	s.taken++
	s.mu.Unlock()
}

// leave gives a place back: to the oldest who waits, if there is one and the
// place is not one beyond the limit.
func (s *slots) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if w := s.first; w != nil && s.taken < s.size {
		s.unlink(w)
		w.granted = true
		s.taken++
		close(w.turn)
	}
}
