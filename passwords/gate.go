package passwords

import (
	"container/list"
	"context"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/passwords/internal/argon2"
)

// gate bounds the memory of all hashes at once. Who finds it taken waits in
// line, and goes away when his time is over.
type gate struct {
	total int64
	wait  time.Duration

	mu    sync.Mutex
	used  int64
	line  list.List // of *waiter, the longest waiting first
	spare [][]argon2.Block
}

type waiter struct {
	size  int64
	ready chan struct{}
}

func newGate(total int64, wait time.Duration) *gate { return &gate{total: total, wait: wait} }

// take waits for size bytes.
func (g *gate) take(ctx context.Context, size int64) error {
	g.mu.Lock()
	if size > g.total {
		g.mu.Unlock()
		return ErrTooCostly
	}
	if g.line.Len() == 0 && g.used+size <= g.total {
		g.used += size
		g.mu.Unlock()
		return nil
	}
	w := &waiter{size, make(chan struct{})}
	at := g.line.PushBack(w)
	g.mu.Unlock()
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	var err error
	select {
	case <-w.ready:
		return nil
	case <-timer.C:
		err = ErrBusy
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.ready: // in the same moment
		g.give(size)
	default:
		g.line.Remove(at)
		g.next() // somebody smaller may have stood behind
	}
	return err
}

// release gives size bytes back.
func (g *gate) release(size int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.give(size)
}

func (g *gate) give(size int64) {
	g.used -= size
	g.next()
}

// next lets in who stands first, so that nobody large waits for ever.
func (g *gate) next() {
	for e := g.line.Front(); e != nil; e = g.line.Front() {
		w := e.Value.(*waiter)
		if g.used+w.size > g.total {
			return
		}
		g.used += w.size
		g.line.Remove(e)
		close(w.ready)
	}
}

// memory waits for the memory of a hash. What earlier hashes had is used
// again: it is wiped, and the system need not find it anew. It never is more
// than the total.
func (g *gate) memory(ctx context.Context, blocks int) ([]argon2.Block, func(), error) {
	size := int64(blocks) * argon2.BlockSize
	if err := g.take(ctx, size); err != nil {
		return nil, nil, err
	}
	m := g.reuse(blocks)
	if m == nil {
		m = make([]argon2.Block, blocks)
	}
	return m, func() {
		g.mu.Lock()
		g.spare = append(g.spare, m)
		g.mu.Unlock()
		g.release(size)
	}, nil
}

// reuse returns memory of the right size, and forgets what is of another:
// that would be kept beyond the total.
func (g *gate) reuse(blocks int) []argon2.Block {
	g.mu.Lock()
	defer g.mu.Unlock()
	var m []argon2.Block
	kept := g.spare[:0]
	for _, s := range g.spare {
		switch {
		case len(s) != blocks:
		case m == nil:
			m = s
		default:
			kept = append(kept, s)
		}
	}
	clear(g.spare[len(kept):])
	g.spare = kept
	return m
}

// cgroupMemory is the memory limit of this process's cgroup, in bytes, or as
// much as there can be.
func cgroupMemory() int64 {
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil && n > 0 {
			return n
		}
	}
	return math.MaxInt64
}
