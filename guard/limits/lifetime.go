package limits

import (
	"context"
	"sync/atomic"
	"time"

	"sync"
)

// A lifetime is the context of a request that may take only so long. It costs
// nothing until somebody waits for its end: most handlers never do, and those
// that call Done get a context of the standard library's kind underneath, so
// that their own derived contexts need no goroutine.
type lifetime struct {
	parent   context.Context
	deadline time.Time // zero if there is none

	inner  atomic.Pointer[inner]
	mu     sync.Mutex // of what follows
	lifted bool       // the deadline no longer holds
	ended  bool
}

type inner struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // nil without a deadline
	passed atomic.Bool // the deadline ended it
}

// Deadline returns the earlier one of the request's and its parent's.
func (l *lifetime) Deadline() (time.Time, bool) {
	d, ok := l.parent.Deadline()
	if own := l.until(); !own.IsZero() && (!ok || own.Before(d)) {
		return own, true
	}
	return d, ok
}

// until returns the deadline that holds, or zero.
func (l *lifetime) until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lifted {
		return time.Time{}
	}
	return l.deadline
}

// passed reports whether the deadline has passed.
func (l *lifetime) passed() bool {
	d := l.until()
	return !d.IsZero() && !time.Now().Before(d)
}

// Value asks the context underneath once there is one: the standard library
// finds its own kind by that.
func (l *lifetime) Value(key any) any {
	if in := l.inner.Load(); in != nil {
		return in.Value(key)
	}
	return l.parent.Value(key)
}

// Done is where the context underneath begins.
func (l *lifetime) Done() <-chan struct{} {
	if in := l.inner.Load(); in != nil {
		return in.Done()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if in := l.inner.Load(); in != nil {
		return in.Done()
	}
	in := &inner{}
	in.Context, in.cancel = context.WithCancelCause(l.parent)
	switch {
	case l.ended:
		in.cancel(context.Canceled)
	case !l.lifted && !l.deadline.IsZero():
		in.timer = time.AfterFunc(time.Until(l.deadline), in.expire)
	}
	l.inner.Store(in)
	return in.Done()
}

func (in *inner) expire() {
	in.passed.Store(true)
	in.cancel(context.DeadlineExceeded)
}

// Err is context.DeadlineExceeded after the deadline.
func (l *lifetime) Err() error {
	if in := l.inner.Load(); in != nil {
		if err := in.Err(); err == nil || !in.passed.Load() {
			return err
		}
		return context.DeadlineExceeded
	}
	if err := l.parent.Err(); err != nil {
		return err
	}
	if l.passed() {
		// Err and Done must agree from now on.
		l.Done()
		if in := l.inner.Load(); in.Err() == nil {
			in.expire()
		}
		return context.DeadlineExceeded
	}
	return nil
}

// lift takes the deadline away: the request became a stream or a tunnel.
func (l *lifetime) lift() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lifted = true
	if in := l.inner.Load(); in != nil && in.timer != nil {
		in.timer.Stop()
	}
}

// end releases everything, as the return of a server's handler does.
func (l *lifetime) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if in := l.inner.Load(); in != nil {
		if in.timer != nil {
			in.timer.Stop()
		}
		in.cancel(context.Canceled)
	}
}
