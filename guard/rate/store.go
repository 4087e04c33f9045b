package rate

import (
	"context"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// A Store remembers how much of their quotas clients have used. It may be
// shared between processes. It must be safe for concurrent use.
type Store interface {
	// Take takes one request from the key's quota if there is one left. An
	// error means that the store could not tell.
	Take(ctx context.Context, key Key, quota Quota) (Verdict, error)
}

// A Key is whom and what a quota is for.
type Key struct {
	Limit  string     // the limit's name
	Client netip.Addr // of an IPv6 address the network; the zero Addr for clients without one
	Path   string     // empty if the paths are counted together
}

// A Quota is a limit as GCRA knows it.
type Quota struct {
	Interval time.Duration // in which one request is given back
	Burst    int           // requests that may come at once, at least 1
}

// span is the time in which all of the quota comes back.
func (q Quota) span() time.Duration { return q.Interval * time.Duration(q.Burst) }

// A Verdict is what became of a Take.
type Verdict struct {
	Allowed   bool
	Remaining int           // requests that may come at once now
	Reset     time.Duration // until all may
	Retry     time.Duration // until one may again, if none was left
}

// gcra is the algorithm. All that it remembers is the time at which the
// quota will be full again (the theoretical arrival time): each request moves
// that on by an interval, and is allowed if it then is no further away than
// the whole quota takes. A time in the past is a full quota, whatever it is.
func gcra(full, now time.Duration, q Quota) (next time.Duration, v Verdict) {
	full = max(full, now)
	next = full + q.Interval
	if over := next - now - q.span(); over > 0 {
		return full, Verdict{Reset: full - now, Retry: over}
	}
	left := q.span() - (next - now)
	return next, Verdict{Allowed: true, Remaining: int(left / q.Interval), Reset: next - now}
}

// Memory is a Store in this process's memory. It is bounded: it begins small,
// grows with the keys that are in use at once, and never holds more than it
// was made for.
//
// A key whose quota is full again is the same as a key that never was, so its
// entry is free without anybody having to sweep. What is left are the keys in
// use. Each may stand in one of two places, of 16 entries each. If both are
// full of keys in use, and the store has grown as far as it may, the one of
// the 32 that is nearest to a full quota gives way: it loses the least by
// being forgotten.
//
// Nobody can flush his own limit that way cheaply. A client that is refused
// has the emptiest quota there is, so everybody else in the same places goes
// first; to be forgotten he would have to empty the quotas of all others
// there, from other addresses, without knowing which addresses share a place
// with him (the hash is keyed), before they fill again by themselves. That
// takes about a burst of requests for every key that the store can hold, and
// whoever commands so many addresses has their quotas to spend anyway.
type Memory struct {
	seeds  [2]maphash.Seed
	now    func() time.Duration // monotonic
	shards [shards]shard
}

const (
	shards = 64
	ways   = 16 // entries that share a place
)

// An entry is 24 bytes. The key is kept as 128 bits of keyed hash: two keys
// fall together once in 10^26 pairs.
type entry struct {
	a, b uint64
	full time.Duration // when the quota is full again; in the past: free
}

type place [ways]entry

type shard struct {
	mu     sync.Mutex
	places []place
	most   int      // places
	_      [88]byte // two cache lines a shard, so that one's lock does not slow the next
}

// NewMemory returns a store for so many keys in use at once; 0 means
// 1,000,000. It has room for half more, 36 bytes a key in all, since
// places fill unevenly, and for 1,024 at least.
func NewMemory(maxKeys int) *Memory {
	if maxKeys <= 0 {
		maxKeys = DefaultMaxKeys
	}
	start := time.Now()
	m := &Memory{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		now:   func() time.Duration { return time.Since(start) }, // reads the monotonic clock: setting the time changes nothing
	}
	for i := range m.shards {
		m.shards[i].most = (maxKeys+maxKeys/2)/(shards*ways) + 1
	}
	return m
}

// Take takes one request from the key's quota. It never fails and never
// blocks.
func (m *Memory) Take(_ context.Context, key Key, q Quota) (Verdict, error) {
	a, b := hash(m.seeds[0], key), hash(m.seeds[1], key)
	s := &m.shards[a%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	now := m.now() // under the lock, so that time does not go back for the key
	e := s.find(a, b, now)
	var v Verdict
	e.full, v = gcra(e.full, now, q)
	return v, nil
}

func hash(seed maphash.Seed, key Key) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	// The name cannot hold a zero byte, the address has a fixed length, and
	// the path is the rest: no two keys have the same bytes.
	h.WriteString(key.Limit)
	addr := key.Client.As16()
	kind := byte(0)
	if key.Client.Is4() {
		kind = 4
	} else if key.Client.Is6() {
		kind = 6
	}
	h.WriteByte(0)
	h.WriteByte(kind)
	_, _ = h.Write(addr[:])
	h.WriteString(key.Path)
	return h.Sum64()
}

// find returns the key's entry, which may be a free one that is now its.
func (s *shard) find(a, b uint64, now time.Duration) *entry {
	if len(s.places) == 0 {
		s.places = make([]place, 1)
	}
	for {
		first, second := s.at(b), s.at(a)
		for _, p := range [...]*place{first, second} {
			for i := range p {
				if p[i].a == a && p[i].b == b {
					return &p[i]
				}
			}
		}
		e := room(first, second, now)
		if e.full <= now || len(s.places) == s.most {
			*e = entry{a: a, b: b}
			return e
		}
		s.grow(now)
	}
}

// at returns the place of a hash: its upper 32 bits as a fraction.
func (s *shard) at(h uint64) *place {
	return &s.places[(h>>32)*uint64(len(s.places))>>32]
}

// room returns the entry that a new key gets: a free one, of the place that
// has more of them, or else the one that is nearest to a full quota.
func room(first, second *place, now time.Duration) *entry {
	a, free := first.least(now)
	b, more := second.least(now)
	if more > free || more == free && b.full < a.full {
		return b
	}
	return a
}

// least returns the entry whose quota is full first, and how many are free.
func (p *place) least(now time.Duration) (e *entry, free int) {
	e = &p[0]
	for i := range p {
		if p[i].full <= now {
			free++
		}
		if p[i].full < e.full {
			e = &p[i]
		}
	}
	return e, free
}

// grow doubles the places and moves the entries that are in use.
func (s *shard) grow(now time.Duration) {
	old := s.places
	s.places = make([]place, min(2*len(old), s.most))
	for i := range old {
		for _, e := range old[i] {
			if e.full <= now {
				continue
			}
			if r := room(s.at(e.b), s.at(e.a), now); r.full < e.full {
				*r = e // always, but for a crowd that no hash makes
			}
		}
	}
}
