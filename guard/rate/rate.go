// Package rate bounds how many requests one client may send in a time, over
// everything and on single routes such as a login.
//
// Without a bound one client can try every password, read the whole
// catalogue, or keep the service busy by itself. The limit is a GCRA (the
// generic cell rate algorithm, a leaky bucket that needs one number for each
// client): a client may send a burst at once, and then as many as the rate
// gives back. There is no window at whose edge it could send twice.
//
// Do not use it against attacks from many addresses at once, nor to count
// what a user paid for: a client is an address here, and an IPv6 network of
// 64 bits is one client.
//
//	g, err := rate.New(rate.Policy{
//		Routes: []rate.Route{{Path: "/login", Methods: []string{"POST"}, Limit: rate.Limit{Count: 5, Per: time.Minute}}},
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	http.ListenAndServe(addr, g.Wrap(mux))
package rate

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// A Guard holds clients to the limits of a policy. It is safe for concurrent
// use.
type Guard struct {
	policy Policy
	store  Store
	base   *limit // nil if there is none
	routes guard.Table[[]*limit]
	exempt guard.Table[struct{}]
}

// A limit is a named quota, ready to be used.
type limit struct {
	name     string
	quota    Quota
	methods  []string // empty is every method
	byPath   bool
	text     string // the name, quoted for a field
	announce string // the member of RateLimit-Policy, alone
	both     string // with that of the base limit
}

// New returns a guard for the policy. Its error joins every mistake in it.
func New(p Policy) (*Guard, error) {
	g := &Guard{policy: p.clone(), store: p.Store}
	if err := g.policy.check(g); err != nil {
		return nil, err
	}
	if g.store == nil {
		g.store = NewMemory(g.policy.MaxKeys)
	}
	return g, nil
}

// taken is what the limits said about one request.
type taken struct {
	base, route   *limit // nil if there is none
	first, second Verdict
}

// Check takes one request from the client's quotas, and returns a refusal if
// there is none left. It allocates nothing for a request that passes.
func (g *Guard) Check(r *http.Request) error {
	var t taken
	return g.check(r, &t)
}

func (g *Guard) check(r *http.Request, t *taken) error {
	path := r.URL.Path
	if _, ok := g.exempt.Lookup(path); ok {
		return nil
	}
	key := Key{Client: g.client(r)}
	// The limit for everything comes first: it is what bounds how many keys
	// one client can make us remember.
	if t.base = g.base; t.base != nil {
		if err := g.take(r, key, t.base, &t.first); err != nil {
			return refuse(t, err)
		}
	}
	group, _ := g.routes.Lookup(path)
	if t.route = pick(group, r.Method); t.route != nil {
		if t.route.byPath {
			key.Path = path
		}
		if err := g.take(r, key, t.route, &t.second); err != nil {
			return refuse(t, err)
		}
	}
	return nil
}

// pick returns the limit for the method: one that names it, or one for all.
func pick(group []*limit, method string) *limit {
	var any *limit
	for _, l := range group {
		if len(l.methods) == 0 {
			any = l
		} else if slices.Contains(l.methods, method) {
			return l
		}
	}
	return any
}

// client returns whom a request is counted for: the address, and of an IPv6
// address only the network. A provider gives every customer at least 64 bits
// (RFC 6177), so one who counted whole addresses would count nothing.
func (g *Guard) client(r *http.Request) netip.Addr {
	a := guard.Client(r)
	if a.Is4In6() {
		a = a.Unmap()
	}
	if !a.Is6() {
		return a
	}
	p, err := a.WithZone("").Prefix(g.policy.IPv6Prefix)
	if err != nil {
		return netip.Addr{} // not possible: New checked the length
	}
	return p.Addr()
}

// take asks the store. Its error is a refusal that has stood at the door.
func (g *Guard) take(r *http.Request, key Key, l *limit, v *Verdict) error {
	key.Limit = l.name
	var err error
	*v, err = g.store.Take(r.Context(), key, l.quota)
	if err != nil {
		*v = Verdict{Allowed: true, Remaining: l.quota.Burst}
		if g.policy.InsecureFailOpen {
			return nil
		}
		// Closed, since whoever can stop the store could otherwise try
		// passwords without end.
		return guard.Judge(r, &guard.Refusal{
			Rule: "rate/limited", Status: http.StatusServiceUnavailable, Code: "RATE_UNKNOWN",
			Detail: "The service cannot count requests at the moment. Try again.",
			Reason: fmt.Sprintf("the store of limit %q failed: %.200q", l.name, err.Error()),
			Header: http.Header{"Retry-After": {"1"}},
		})
	}
	if v.Allowed {
		return nil
	}
	return guard.Judge(r, &guard.Refusal{
		Rule: "rate/limited", Status: http.StatusTooManyRequests, Code: "RATE_LIMITED",
		Detail: "Too many requests. Try again later.",
		Reason: fmt.Sprintf("limit %q of %d requests, one more each %s, is used up", l.name, l.quota.Burst, l.quota.Interval),
		Header: http.Header{"Retry-After": {strconv.FormatInt(seconds(v.Retry), 10)}},
	})
}

// refuse adds what the limits said to a refusal.
func refuse(t *taken, err error) error {
	if ref, ok := err.(*guard.Refusal); ok { //nolint:errorlint // take returns it bare
		t.announce(ref.Header)
	}
	return err
}

// Wrap returns a handler that lets pass to next what is within the limits.
// The fields of the response cost two allocations.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var t taken
		if err := g.check(r, &t); err != nil {
			guard.Refuse(w, r, err)
			return
		}
		if !g.policy.AllowUnannounced {
			t.announce(w.Header())
		}
		next.ServeHTTP(w, r)
	})
}

// seconds rounds up, so that who waits so long waits long enough.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
