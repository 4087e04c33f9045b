package upstream

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// PoolOptions says how a [Pool] behaves when it has nobody to ask.
type PoolOptions struct {
	// Wait is how long a request waits for an upstream that can take it,
	// such as while a worker is replaced. Default 1 s.
	Wait time.Duration
	// Error answers a request for which there was no upstream. Nil means
	// guard.Refuse.
	Error func(w http.ResponseWriter, r *http.Request, err error)
}

// A Pool spreads requests over upstreams: each goes to the one with the
// fewest pending. Upstreams may be added and removed at any time. It is safe
// for concurrent use.
type Pool struct {
	opts PoolOptions

	mu      sync.Mutex
	members []*Upstream
	next    int           // where the search begins, so that equals take turns
	changed chan struct{} // closed when a wait may be over
}

const (
	downFor   = time.Second           // for which an upstream that refused a connection is asked last
	retryDial = 50 * time.Millisecond // until all that refused are asked again
)

var errNoUpstream = errors.New("no upstream is available")

// NewPool returns an empty pool.
func NewPool(o PoolOptions) (*Pool, error) {
	if o.Wait < 0 {
		return nil, errors.New("Wait: is negative")
	}
	if o.Wait == 0 {
		o.Wait = time.Second
	}
	return &Pool{opts: o, changed: make(chan struct{})}, nil
}

// Add lets u take requests. An upstream belongs to one pool.
func (p *Pool) Add(u *Upstream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.members, u) {
		p.members = append(p.members, u)
		p.notify()
	}
}

// Drain gives u no more requests and waits until it has none pending, or ctx
// is done. Tunnels are pending too; see [Upstream.CloseTunnels].
func (p *Pool) Drain(ctx context.Context, u *Upstream) error {
	u.draining.Store(true)
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if u.Pending() == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Remove gives u no more requests and closes it. Those that are pending go
// on. A removed upstream cannot be added again.
func (p *Pool) Remove(u *Upstream) {
	u.draining.Store(true)
	p.mu.Lock()
	p.members = slices.DeleteFunc(p.members, func(m *Upstream) bool { return m == u })
	p.mu.Unlock()
	u.Close()
}

// Pending returns how many requests are being served.
func (p *Pool) Pending() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, u := range p.members {
		n += u.Pending()
	}
	return n
}

// Available returns how many upstreams take requests.
func (p *Pool) Available() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, u := range p.members {
		if !u.draining.Load() {
			n++
		}
	}
	return n
}

// notify wakes who waits. p.mu is held.
func (p *Pool) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// ServeHTTP forwards r to an upstream.
func (p *Pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u := p.pick(nil)
	if u == nil {
		u = p.wait(r.Context())
	}
	if u == nil {
		if errors.Is(r.Context().Err(), context.Canceled) {
			panic(http.ErrAbortHandler) // nobody is left to answer
		}
		err := &Error{Op: "choose", Status: http.StatusServiceUnavailable, Err: errNoUpstream}
		if p.opts.Error != nil {
			p.opts.Error(w, r, err)
			return
		}
		guard.Refuse(w, r, err)
		return
	}
	serve(w, r, u, p)
}

// pick chooses an upstream that is not in tried and counts the request as
// pending there. It returns nil if there is none.
func (p *Pool) pick(tried []*Upstream) *Upstream {
	p.mu.Lock()
	defer p.mu.Unlock()
	var best *Upstream
	var bestDown bool
	var bestPending int64
	var now time.Time
	n := len(p.members)
	for i := range n {
		u := p.members[(p.next+i)%n]
		if u.draining.Load() || slices.Contains(tried, u) {
			continue
		}
		down := false
		if !u.downUntil.IsZero() {
			if now.IsZero() {
				now = time.Now()
			}
			if down = now.Before(u.downUntil); !down {
				u.downUntil = time.Time{}
			}
		}
		pending := u.pending.Load()
		if best == nil || bestDown && !down || bestDown == down && pending < bestPending {
			best, bestDown, bestPending = u, down, pending
		}
	}
	if best != nil {
		p.next++
		best.pending.Add(1)
	}
	return best
}

// wait waits until an upstream is there.
func (p *Pool) wait(ctx context.Context) *Upstream {
	t := time.NewTimer(p.opts.Wait)
	defer t.Stop()
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if u := p.pick(nil); u != nil {
			return u
		}
		select {
		case <-changed:
		case <-t.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// other moves e, of which nothing was sent yet because its upstream refused
// the connection, to another upstream. When all have refused it asks them
// again until Wait is over. It reports false if there is none.
func (p *Pool) other(e *exchange) bool {
	p.mu.Lock()
	e.u.downUntil = time.Now().Add(downFor)
	p.mu.Unlock()
	e.tried = append(e.tried, e.u)
	u := p.pick(e.tried)
	if u == nil && time.Since(e.began) < p.opts.Wait {
		t := time.NewTimer(retryDial)
		defer t.Stop()
		select {
		case <-t.C:
		case <-e.r.Context().Done():
			return false
		}
		clear(e.tried)
		e.tried = e.tried[:0]
		u = p.pick(nil)
	}
	if u == nil {
		return false
	}
	e.u.release(p)
	e.u = u
	return true
}

// release ends what pick, or ServeHTTP, has counted.
func (u *Upstream) release(p *Pool) {
	if u.pending.Add(-1) == 0 && p != nil && u.draining.Load() {
		p.mu.Lock()
		p.notify()
		p.mu.Unlock()
	}
}
