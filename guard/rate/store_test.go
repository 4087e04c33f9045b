package rate

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// naive is a store that remembers every request that it let pass, and lets
// one pass if no stretch of time that ends now would then hold more than the
// burst and what the rate gives in it.
type naive struct {
	now func() time.Duration
	log map[Key][]time.Duration
}

func (n *naive) Take(_ context.Context, key Key, q Quota) (Verdict, error) {
	now, log := n.now(), n.log[key]
	for i, since := range log {
		if time.Duration(len(log)-i+1)*q.Interval > time.Duration(q.Burst)*q.Interval+now-since {
			return Verdict{}, nil
		}
	}
	n.log[key] = append(log, now)
	return Verdict{Allowed: true}, nil
}

// Two stores agree, and so GCRA never lets pass more than the burst and the
// rate allow in any stretch of time. What it says about the future is true.
func FuzzStoresAgree(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 10, 1, 0, 2, 0, 255, 0, 0, 0}, uint16(10), uint8(3))
	f.Add([]byte(strings.Repeat("\x01\x00", 200)), uint16(3), uint8(1))
	f.Add([]byte(strings.Repeat("\x07\x00\x00\x01", 100)), uint16(65535), uint8(20))
	f.Fuzz(func(t *testing.T, steps []byte, interval uint16, burst uint8) {
		if len(steps) > 1000 {
			return
		}
		q := Quota{Interval: time.Duration(interval) + 1, Burst: int(burst) + 1}
		now := time.Duration(0)
		clock := func() time.Duration { return now }
		m := NewMemory(0)
		m.now = clock
		ref := &naive{clock, map[Key][]time.Duration{}}
		clients := [...]netip.Addr{{}, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::")}
		for i := 0; i+1 < len(steps); i += 2 {
			now += time.Duration(steps[i]) * time.Duration(interval) / 100
			key := Key{Limit: "a", Client: clients[int(steps[i+1])%len(clients)], Path: []string{"", "/a"}[steps[i+1]>>7]}
			got, err := m.Take(t.Context(), key, q)
			want, _ := ref.Take(t.Context(), key, q)
			if err != nil || got.Allowed != want.Allowed {
				t.Fatalf("step %d at %d: %v and %v, %v", i, now, got, want, err)
			}
			switch {
			case got.Allowed && (got.Remaining < 0 || got.Remaining >= q.Burst || got.Retry != 0):
				t.Fatalf("%+v", got)
			case !got.Allowed && (got.Remaining != 0 || got.Retry <= 0 || got.Retry > q.Interval):
				t.Fatalf("%+v", got)
			case got.Reset < 0 || got.Reset > q.span():
				t.Fatalf("%+v", got)
			}
			// As many as remain pass now, and not one more; after Retry one does.
			full := m.find(key)
			for n := 0; ; n++ {
				next, v := gcra(full, now, q)
				if !v.Allowed {
					if n != got.Remaining {
						t.Fatalf("%d pass, %d remained", n, got.Remaining)
					}
					if _, early := gcra(next, now+v.Retry-1, q); early.Allowed {
						t.Fatal("one passes before Retry")
					}
					if _, late := gcra(next, now+v.Retry, q); !late.Allowed {
						t.Fatal("none passes after Retry")
					}
					break
				}
				full = next
			}
		}
	})
}

// find returns what is remembered of a key.
func (m *Memory) find(key Key) time.Duration {
	a, b := hash(m.seeds[0], key), hash(m.seeds[1], key)
	return m.shards[a%shards].find(a, b, m.now()).full
}

func (m *Memory) size() (n int) {
	for i := range m.shards {
		m.shards[i].mu.Lock()
		n += len(m.shards[i].places) * ways
		m.shards[i].mu.Unlock()
	}
	return n
}

// manyth returns an address of its own for each number.
func manyth(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// A million clients are remembered exactly, in 36 bytes each; more of them cost
// no more memory.
func TestMillionKeys(t *testing.T) {
	now := time.Duration(0)
	m := NewMemory(0)
	m.now = func() time.Duration { return now }
	q := Quota{Interval: time.Hour, Burst: 1}
	const many = DefaultMaxKeys
	for i := range many {
		if v, _ := m.Take(t.Context(), Key{Limit: "a", Client: manyth(i)}, q); !v.Allowed {
			t.Fatalf("client %d is taken for another", i)
		}
	}
	for i := range many {
		if v, _ := m.Take(t.Context(), Key{Limit: "a", Client: manyth(i)}, q); v.Allowed {
			t.Fatalf("client %d was forgotten", i)
		}
	}
	for i := range 600_000 {
		_, _ = m.Take(t.Context(), Key{Limit: "b", Client: manyth(i)}, q)
	}
	if n := m.size(); n*24 > DefaultMaxKeys*36+shards*ways*24 {
		t.Errorf("%d entries", n)
	}
	// Those whose quota is full again need no room.
	before := m.size()
	for range 10 {
		now += 2 * time.Hour
		for i := range 100_000 {
			_, _ = m.Take(t.Context(), Key{Limit: "c", Client: manyth(i)}, q)
		}
	}
	if m.size() != before {
		t.Errorf("grew from %d to %d", before, m.size())
	}
}

func TestSmallStoreStaysSmall(t *testing.T) {
	now := time.Duration(0)
	m := NewMemory(0)
	m.now = func() time.Duration { return now }
	q := Quota{Interval: time.Second, Burst: 1}
	for i := range 300_000 {
		now += time.Second / 100 // a hundred clients a second, each gone after one
		_, _ = m.Take(t.Context(), Key{Limit: "a", Client: manyth(i)}, q)
	}
	if n := m.size(); n > 16*1024 {
		t.Errorf("%d entries for 100 keys in use", n)
	}
}

// A client cannot make the store forget that it is limited by coming from
// many other addresses, not even in the smallest store.
func TestFlushing(t *testing.T) {
	now := time.Duration(0)
	m := NewMemory(1)
	m.now = func() time.Duration { return now }
	q := Quota{Interval: 10 * time.Millisecond, Burst: 200}
	me := Key{Limit: "a", Client: netip.MustParseAddr("192.0.2.1")}
	for {
		if v, _ := m.Take(t.Context(), me, q); !v.Allowed {
			break
		}
	}
	for i := range 300_000 {
		_, _ = m.Take(t.Context(), Key{Limit: "a", Client: manyth(i)}, q)
	}
	if v, _ := m.Take(t.Context(), me, q); v.Allowed {
		t.Error("300,000 requests from other addresses gave a client its quota back")
	}
	if n := m.size(); n != shards*ways {
		t.Errorf("%d entries", n)
	}
}

func TestConcurrentTakes(t *testing.T) {
	m := NewMemory(0)
	now := m.now()
	m.now = func() time.Duration { return now }
	q := Quota{Interval: time.Hour, Burst: 1000}
	var wg sync.WaitGroup
	var mu sync.Mutex
	allowed := 0
	for range 8 {
		wg.Go(func() {
			for range 500 {
				if v, _ := m.Take(t.Context(), Key{Limit: "a"}, q); v.Allowed {
					mu.Lock()
					allowed++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if allowed != 1000 {
		t.Errorf("%d allowed", allowed)
	}
}

func TestKeysAreDifferent(t *testing.T) {
	m := NewMemory(0)
	seen := map[uint64]Key{}
	for _, k := range []Key{
		{}, {Limit: "a"}, {Limit: "b"}, {Limit: "a", Path: "/"}, {Limit: "a", Path: "/a"}, {Limit: "a/", Path: "a"},
		{Limit: "a", Client: netip.MustParseAddr("0.0.0.0")}, {Limit: "a", Client: netip.MustParseAddr("::")},
		{Limit: "a", Client: netip.MustParseAddr("::ffff:1.2.3.4")}, {Limit: "a", Client: netip.MustParseAddr("1.2.3.4")},
	} {
		h := hash(m.seeds[0], k)
		if other, dup := seen[h]; dup {
			t.Errorf("%v and %v are the same", k, other)
		}
		seen[h] = k
	}
}

// Printing and parsing a limit is the identity.
func FuzzLimit(f *testing.F) {
	for _, s := range []string{"100/s", "5/m", "1000/h", "1/d", "0/s", "-1/s", "1/w", "1", "/s", "01/s", "1000001/s", "1.5/s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var l, again Limit
		if l.UnmarshalText([]byte(s)) != nil {
			return
		}
		text, err := l.MarshalText()
		if err != nil || again.UnmarshalText(text) != nil || again != l {
			t.Fatalf("%q is %v, written %q, read %v, %v", s, l, text, again, err)
		}
		// Rounded to the safe side, by less than a nanosecond.
		if i, n := l.interval(), time.Duration(l.Count); i*n < l.Per || (i-1)*n >= l.Per {
			t.Fatalf("%s gives back one in %s", l, i)
		}
	})
}

// Check passes exactly what Wrap passes on: two guards, of which one is asked
// and the other one serves, never differ.
func FuzzCheckIsWrap(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07"), "/a", "POST")
	f.Add([]byte(strings.Repeat("\x00", 40)), "/login", "GET")
	f.Add([]byte(strings.Repeat("\x31", 40)), "/health", "HEAD")
	f.Fuzz(func(t *testing.T, steps []byte, path, method string) {
		now := time.Duration(0)
		p := Policy{
			Limit: Limit{10, time.Second}, Burst: 5, Exempt: []string{"/health"},
			Routes: []Route{{Path: "/login", Limit: Limit{2, time.Second}}, {Path: "/t/", Methods: []string{"GET"}, Limit: Limit{1, time.Second}, Key: "client+path"}},
		}
		var guards [2]*Guard
		for i := range guards {
			m := NewMemory(0)
			m.now = func() time.Duration { return now }
			p.Store = m
			guards[i] = must(t, p)
		}
		for _, s := range steps {
			now += time.Duration(s>>4) * 20 * time.Millisecond
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Method = method
			r.URL.Path = []string{path, "/login", "/t/a", "/health"}[s&3]
			r.RemoteAddr = []string{one, other, "", "[2001:db8::1]:1"}[s>>2&3]
			err := guards[0].Check(r)
			if w := send(guards[1], r); (w.Code == 200) != (err == nil) {
				t.Fatalf("Check says %v, Wrap answered %d", err, w.Code)
			}
		}
	})
}
