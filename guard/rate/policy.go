package rate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// Defaults of [Policy].
const (
	DefaultCount      = 100 // in a second
	DefaultBurst      = 200
	DefaultIPv6Prefix = 64
	DefaultMaxKeys    = 1_000_000
)

// A Policy says how many requests a client may send. The zero Policy allows
// 100 a second with bursts of 200, over all paths together.
type Policy struct {
	// Limit for each client over everything; zero means 100/s.
	Limit Limit `yaml:"limit,omitempty"`
	// Burst is how many requests may come at once; 0 means 200 with the
	// default Limit, and else the Limit's own number.
	Burst int `yaml:"burst,omitempty"`
	// InsecureUnlimited lifts Limit. The limits of Routes still hold.
	InsecureUnlimited bool `yaml:"insecure_unlimited,omitempty"`
	// Routes have limits of their own, in addition to Limit.
	Routes []Route `yaml:"routes,omitempty"`
	// Exempt are path patterns that no limit holds for, such as a health
	// check.
	Exempt []string `yaml:"exempt,omitempty"`
	// IPv6Prefix is how many leading bits of an IPv6 address make a client,
	// from 32 to 128; 0 means 64.
	IPv6Prefix int `yaml:"ipv6_prefix,omitempty"`
	// MaxKeys bounds the memory: how many clients, times the limits that each
	// is under, are remembered at once, 36 bytes each; 0 means 1,000,000.
	// Only those who sent something lately need to be.
	MaxKeys int `yaml:"max_keys,omitempty"`
	// AllowUnannounced leaves RateLimit and RateLimit-Policy away from
	// responses that are no refusals.
	AllowUnannounced bool `yaml:"allow_unannounced,omitempty"`
	// InsecureFailOpen lets requests pass when the Store fails. They are
	// refused with 503 otherwise.
	InsecureFailOpen bool `yaml:"insecure_fail_open,omitempty"`
	// Store remembers; nil means this process's memory.
	Store Store `yaml:"-" json:"-"`
}

// A Route is a path with a limit of its own, for each client.
type Route struct {
	// Path is a pattern: /exact, /tree/ or /any/{segment}. The most specific
	// one counts, and only that.
	Path string `yaml:"path"`
	// Methods that the limit is for; empty means all. GET is for HEAD too.
	Methods []string `yaml:"methods,omitempty"`
	// Limit is the rate, such as 5/m. It must be given.
	Limit Limit `yaml:"limit"`
	// Burst is how many requests may come at once; 0 means the Limit's own
	// number.
	Burst int `yaml:"burst,omitempty"`
	// Name of the limit in response fields and logs; empty means the path,
	// after the methods if there are any.
	Name string `yaml:"name,omitempty"`
	// Key is what is counted: client (the default), all paths of the pattern
	// together, or client+path, each path by itself.
	Key string `yaml:"key,omitempty"`
}

func (p Policy) clone() Policy {
	p.Routes = slices.Clone(p.Routes)
	for i := range p.Routes {
		p.Routes[i].Methods = slices.Clone(p.Routes[i].Methods)
	}
	p.Exempt = slices.Clone(p.Exempt)
	if p.Burst == 0 {
		p.Burst = p.Limit.Count
	}
	if p.Limit.IsZero() {
		p.Limit = Limit{DefaultCount, time.Second}
		if p.Burst == 0 {
			p.Burst = DefaultBurst
		}
	}
	if p.IPv6Prefix == 0 {
		p.IPv6Prefix = DefaultIPv6Prefix
	}
	if p.MaxKeys == 0 {
		p.MaxKeys = DefaultMaxKeys
	}
	return p
}

const (
	mostBurst = 10_000_000
	mostKeys  = 100_000_000
	longest   = 366 * day // that a quota may take to come back
)

// check returns every mistake in the policy, and fills g's tables.
func (p Policy) check(g *Guard) error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("rate."+key+": "+format, args...))
	}
	// quota checks a limit and its burst.
	quota := func(key string, l Limit, burst int) (q Quota) {
		if err := l.check(); err != nil {
			bad(key+"limit", "%w", err)
			return q
		}
		if burst < 1 || burst > mostBurst {
			bad(key+"burst", "%d is not between 0 (the default) and %d", burst, mostBurst)
			return q
		}
		q = Quota{Interval: l.interval(), Burst: burst}
		if time.Duration(burst) > longest/q.Interval {
			bad(key+"burst", "%d requests take more than a year to come back at %s", burst, l)
		}
		return q
	}
	if p.IPv6Prefix < 32 || p.IPv6Prefix > 128 {
		bad("ipv6_prefix", "%d is not between 32 and 128: want 0 for the default of %d, or the bits that a client has", p.IPv6Prefix, DefaultIPv6Prefix)
	}
	if p.MaxKeys < 1 || p.MaxKeys > mostKeys {
		bad("max_keys", "%d is not between 0 (the default) and %d", p.MaxKeys, mostKeys)
	}
	names := map[string]bool{}
	if q := quota("", p.Limit, p.Burst); !p.InsecureUnlimited {
		g.base = &limit{name: "default", quota: q}
		g.base.prepare(nil)
		names["default"] = true
	}
	for i, path := range p.Exempt {
		if err := g.exempt.Add(path, struct{}{}); err != nil {
			bad(fmt.Sprintf("exempt[%d]", i), "%w", err)
		}
	}
	groups := map[string][]*limit{}
	for i, route := range p.Routes {
		key := fmt.Sprintf("routes[%d].", i)
		burst := route.Burst
		if burst == 0 {
			burst = max(route.Limit.Count, 1)
		}
		if route.Limit.IsZero() {
			bad(key+"limit", "is missing: a route is a path with a limit, such as 5/m")
			continue
		}
		l := &limit{name: route.name(), quota: quota(key, route.Limit, burst)}
		switch route.Key {
		case "", "client":
		case "client+path":
			l.byPath = true
		default:
			bad(key+"key", "%q is not client or client+path", route.Key)
		}
		for j, m := range route.Methods {
			if m == "" || strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
				bad(fmt.Sprintf("%smethods[%d]", key, j), "%q is not a method: want capital letters, such as POST", m)
			}
		}
		l.methods = slices.Clone(route.Methods)
		if slices.Contains(l.methods, "GET") && !slices.Contains(l.methods, "HEAD") {
			// The same handler does the same work.
			l.methods = append(l.methods, "HEAD")
		}
		switch {
		case l.name == "" || len(l.name) > 64 || strings.ContainsFunc(l.name, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }):
			bad(key+"name", "%q cannot stand in a response field: want 1 to 64 characters of printable ASCII without quotes and backslashes", l.name)
		case names[l.name]:
			bad(key+"name", "%q is the name of another limit too; give one of them another name", l.name)
		}
		names[l.name] = true
		for _, other := range groups[route.Path] {
			if len(l.methods) == 0 && len(other.methods) == 0 || slices.ContainsFunc(l.methods, func(m string) bool { return slices.Contains(other.methods, m) }) {
				bad(key+"path", "%q has a limit for the same method already", route.Path)
			}
		}
		l.prepare(g.base)
		groups[route.Path] = append(groups[route.Path], l)
	}
	for i, route := range p.Routes {
		if group := groups[route.Path]; group != nil {
			if err := g.routes.Add(route.Path, group); err != nil {
				bad(fmt.Sprintf("routes[%d].path", i), "%w", err)
			}
			groups[route.Path] = nil
		}
	}
	return errors.Join(errs...)
}

// name returns the route's name.
func (route Route) name() string {
	switch {
	case route.Name != "":
		return route.Name
	case len(route.Methods) > 0:
		return strings.Join(route.Methods, ",") + " " + route.Path
	}
	return route.Path
}

// Loosened returns every place where p is weaker than the zero policy. A
// limit of a route comes on top, and never is one.
func (p Policy) Loosened() []guard.Loosening {
	var all []guard.Loosening
	add := func(weaker bool, rule, key, effect string) {
		if weaker {
			all = append(all, guard.Loosening{Rule: rule, Key: "rate." + key, Effect: effect})
		}
	}
	full := p.clone()
	add(p.InsecureUnlimited, "rate/limited", "insecure_unlimited", "a client may send as many requests as it can")
	if full.Limit.check() == nil {
		add(full.Limit.interval() < time.Second/DefaultCount, "rate/limited", "limit", fmt.Sprintf("a client may send %s", full.Limit))
	}
	add(full.Burst > DefaultBurst, "rate/limited", "burst", fmt.Sprintf("a client may send %d requests at once", full.Burst))
	for i, path := range p.Exempt {
		add(true, "rate/limited", fmt.Sprintf("exempt[%d]", i), fmt.Sprintf("%s is answered without any limit", path))
	}
	add(full.IPv6Prefix > DefaultIPv6Prefix, "rate/limited", "ipv6_prefix", "one IPv6 customer counts as many clients")
	add(p.InsecureFailOpen, "rate/limited", "insecure_fail_open", "nothing is limited while the store fails")
	add(p.AllowUnannounced, "rate/announced", "allow_unannounced", "a well-behaved client cannot know the limit before it is refused")
	add(full.MaxKeys < DefaultMaxKeys && p.Store == nil, "rate/limited", "max_keys", fmt.Sprintf("beyond %d clients at once those nearest to a full quota are forgotten", full.MaxKeys))
	return all
}
