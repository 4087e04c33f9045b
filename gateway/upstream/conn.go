package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

// A conn is a connection to the upstream. It is used by one exchange at a
// time and is idle, with nothing in flight, in between.
type conn struct {
	net.Conn
	tls    *tls.Conn // Conn itself, if it is TLS
	reused bool
	since  time.Time // idle since

	// mu makes deadlines and cancellation exclude each other: without it a
	// deadline that is set just after a cancel would undo it.
	mu        sync.Mutex
	cancelled bool

	// The liveness check's closure is made once, because it would be
	// allocated each time.
	raw      syscall.RawConn
	peek     func(fd uintptr) bool
	peekBuf  [1]byte
	peekIdle bool
}

// dial opens a connection.
func (u *Upstream) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, u.opts.DialTimeout)
	defer cancel()
	var nc net.Conn
	var err error
	if u.opts.Dial != nil {
		nc, err = u.opts.Dial(ctx)
	} else {
		var d net.Dialer
		nc, err = d.DialContext(ctx, u.network, u.address)
	}
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc}
	if u.tls != nil {
		c.tls = tls.Client(nc, u.tls)
		if err := c.tls.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, err
		}
		c.Conn = c.tls
	}
	c.watch(nc)
	return c, nil
}

// take returns the connection that became idle last and is still good, or
// nil. The last one, so that a burst's surplus grows old and is closed.
func (u *Upstream) take(now time.Time) *conn {
	for {
		u.mu.Lock()
		n := len(u.idle)
		if n == 0 {
			u.mu.Unlock()
			return nil
		}
		c := u.idle[n-1]
		u.idle[n-1] = nil
		u.idle = u.idle[:n-1]
		u.mu.Unlock()
		if now.Sub(c.since) < u.opts.IdleTimeout && c.alive(now) {
			c.reused = true
			return c
		}
		c.Close()
	}
}

// put makes c idle. The caller vouches that nothing is in flight on it.
func (u *Upstream) put(c *conn, now time.Time) {
	c.since = now
	u.mu.Lock()
	if u.closed || len(u.idle) >= u.opts.MaxIdle {
		u.mu.Unlock()
		c.Close()
		return
	}
	u.idle = append(u.idle, c)
	if !u.reaping {
		u.reaping = true
		if u.reaper == nil {
			u.reaper = time.AfterFunc(u.opts.IdleTimeout, u.reap)
		} else {
			u.reaper.Reset(u.opts.IdleTimeout)
		}
	}
	u.mu.Unlock()
}

// reap closes what has been idle for too long. One timer serves all
// connections: the first of idle is always the oldest.
func (u *Upstream) reap() {
	now := time.Now()
	u.mu.Lock()
	n := 0
	for n < len(u.idle) && now.Sub(u.idle[n].since) >= u.opts.IdleTimeout {
		n++
	}
	old := slices.Clone(u.idle[:n])
	u.idle = slices.Delete(u.idle, 0, n)
	if len(u.idle) > 0 {
		u.reaper.Reset(u.opts.IdleTimeout - now.Sub(u.idle[0].since))
	} else {
		u.reaping = false
	}
	u.mu.Unlock()
	for _, c := range old {
		c.Close()
	}
}

// firstWait is how long a read waits before the exchange arms itself against
// a client that leaves. Most responses come sooner and are spared the cost.
const firstWait = 100 * time.Millisecond

// alive reports whether c, which was idle, can carry a request: the upstream
// has neither closed it nor sent anything. What it sent unasked would be
// taken for the response to the next request, whoever's that is.
func (c *conn) alive(now time.Time) bool {
	if c.tls != nil {
		// Decrypted bytes that were not asked for wait inside TLS. With a
		// deadline that is over it reads those only.
		if c.SetReadDeadline(past) != nil {
			return false
		}
		var b [1]byte
		if n, err := c.tls.Read(b[:]); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
	}
	return c.SetReadDeadline(now.Add(firstWait)) == nil && c.quiet()
}

// cancel makes every operation on c fail, now and later.
func (c *conn) cancel() {
	c.mu.Lock()
	c.cancelled = true
	_ = c.SetDeadline(past)
	c.mu.Unlock()
}

// readBy sets the deadline for reads. It reports false if c was cancelled.
func (c *conn) readBy(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.cancelled && c.SetReadDeadline(t) == nil
}

// writeBy sets the deadline for writes. It reports false if c was cancelled.
func (c *conn) writeBy(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.cancelled && c.SetWriteDeadline(t) == nil
}
