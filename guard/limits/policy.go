package limits

import (
	"errors"
	"fmt"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// Defaults of [Policy].
const (
	DefaultBody            Bytes = 10 << 20
	DefaultMaxRatio              = 100
	DefaultHeaderBytes     Bytes = 16 << 10
	DefaultHeaderCount           = 100
	DefaultURL             Bytes = 8000 // what RFC 9110 section 4.1 asks everybody to support
	DefaultQueryParameters       = 1000
	DefaultConcurrency           = 1000
	DefaultQueue                 = 100
	DefaultQueueWait             = time.Second
	DefaultHeaderRead            = 10 * time.Second
	DefaultKeepAlive             = 5 * time.Second // as uvicorn
	DefaultBodyRead              = 60 * time.Second
	DefaultBodyGrace             = 5 * time.Second // this and the next as Kestrel
	DefaultBodyRate        Bytes = 240
	DefaultWrite                 = 30 * time.Second
	DefaultTotal                 = 10 * time.Minute
)

// mostHead is the most that a server with the policy's timeouts reads as a
// request's head, so no limit on a part of it can be larger.
const mostHead = 1 << 20

// A Policy says what one request may cost. The zero Policy holds the defaults
// above. Zero numbers mean those, never "unlimited".
type Policy struct {
	// Body is the most bytes that a request body may have, as sent and as
	// decoded; 0 means 10 MiB.
	Body Bytes `yaml:"body,omitempty"`
	// MaxRatio is how many times larger a gzip or deflate body may become by
	// decoding, once it is past a mebibyte; 0 means 100.
	MaxRatio int `yaml:"max_ratio,omitempty"`
	// InsecureUnlimitedBody reads bodies of any size.
	InsecureUnlimitedBody bool `yaml:"insecure_unlimited_body,omitempty"`
	// InsecureUncountedEncodings passes on bodies whose Content-Encoding is
	// not decoded here, whatever they may decode to, and neither counts nor
	// checks those in gzip and deflate.
	InsecureUncountedEncodings bool `yaml:"insecure_uncounted_encodings,omitempty"`

	// HeaderBytes is the most bytes that all header fields may have together,
	// to 1 MiB; 0 means 16 KiB.
	HeaderBytes Bytes `yaml:"header_bytes,omitempty"`
	// HeaderCount is the most header fields; 0 means 100.
	HeaderCount int `yaml:"header_count,omitempty"`
	// InsecureUnlimitedHeaders leaves both to the server's 1 MiB.
	InsecureUnlimitedHeaders bool `yaml:"insecure_unlimited_headers,omitempty"`
	// URL is the most bytes of the request target, to 1 MiB; 0 means 8,000.
	URL Bytes `yaml:"url,omitempty"`
	// InsecureUnlimitedURL leaves it to the server's 1 MiB.
	InsecureUnlimitedURL bool `yaml:"insecure_unlimited_url,omitempty"`
	// QueryParameters is the most parameters of a query; 0 means 1,000.
	QueryParameters int `yaml:"query_parameters,omitempty"`
	// InsecureUnlimitedQuery does not count them.
	InsecureUnlimitedQuery bool `yaml:"insecure_unlimited_query,omitempty"`

	// Concurrency is the most requests in flight; 0 means 1,000. A request
	// that upgraded counts until its handler returns.
	Concurrency int `yaml:"concurrency,omitempty"`
	// Queue is how many more requests may wait for a place; 0 means 100.
	Queue int `yaml:"queue,omitempty"`
	// QueueWait is how long one may wait; 0 means 1 s.
	QueueWait time.Duration `yaml:"queue_wait,omitempty"`
	// InsecureUnlimitedConcurrency serves as many requests at once as arrive.
	InsecureUnlimitedConcurrency bool `yaml:"insecure_unlimited_concurrency,omitempty"`

	// HeaderRead is how long the server waits for a request's head; 0 means
	// 10 s.
	HeaderRead time.Duration `yaml:"header_read,omitempty"`
	// InsecureSlowHeaders waits for it as long as for the whole request.
	InsecureSlowHeaders bool `yaml:"insecure_slow_headers,omitempty"`
	// KeepAlive is how long the server keeps an idle connection; 0 means 5 s.
	KeepAlive time.Duration `yaml:"keep_alive,omitempty"`

	// BodyRead is how long the client may take altogether to send a body; 0
	// means 60 s. Time in which nobody reads does not count.
	BodyRead time.Duration `yaml:"body_read,omitempty"`
	// BodyGrace is how long a body may take before BodyRate holds; 0 means 5 s.
	BodyGrace time.Duration `yaml:"body_grace,omitempty"`
	// BodyRate is how many bytes a second a body must bring on average after
	// BodyGrace; 0 means 240.
	BodyRate Bytes `yaml:"body_rate,omitempty"`
	// InsecureSlowBody waits for a body as long as for the whole request.
	InsecureSlowBody bool `yaml:"insecure_slow_body,omitempty"`

	// Write is how long the client may take to accept the next 64 KiB of a
	// response; 0 means 30 s.
	Write time.Duration `yaml:"write,omitempty"`
	// InsecureSlowReaders lets it take as long as the whole request.
	InsecureSlowReaders bool `yaml:"insecure_slow_readers,omitempty"`

	// Total is how long a request may take from its head to the end of its
	// response; 0 means 10 min. The handler's context ends then, and the
	// answer is 504 if none has begun. It does not hold for upgraded
	// connections and text/event-stream responses.
	Total time.Duration `yaml:"total,omitempty"`
	// InsecureUnlimitedTotal lets it take for ever.
	InsecureUnlimitedTotal bool `yaml:"insecure_unlimited_total,omitempty"`

	// Routes are the paths that differ. The most specific path counts, and
	// only that.
	Routes []Route `yaml:"routes,omitempty"`
}

// A Route is a path with limits of its own. What is zero is as in the Policy.
type Route struct {
	// Path is a pattern: /exact, /tree/ or /any/{segment}.
	Path string `yaml:"path"`
	// Body is the most bytes that a body may have; 0 means as everywhere.
	Body Bytes `yaml:"body,omitempty"`
	// BodyRead is how long a body may take; 0 means as everywhere.
	BodyRead time.Duration `yaml:"body_read,omitempty"`
	// Write is how long the next 64 KiB of a response may take; 0 means as
	// everywhere.
	Write time.Duration `yaml:"write,omitempty"`
	// Total is how long a request may take; 0 means as everywhere.
	Total time.Duration `yaml:"total,omitempty"`
}

// settings are the limits that hold for one request.
type settings struct {
	body     int64         // -1 is unlimited
	bodyRead time.Duration // 0 is unlimited, here and below
	write    time.Duration
	total    time.Duration
}

// or returns v, or the default for zero.
func or[T ~int | ~int64](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// filled returns the policy with its defaults in the place of zeros, and
// sharing nothing.
func (p Policy) filled() Policy {
	p.Body = or(p.Body, DefaultBody)
	p.MaxRatio = or(p.MaxRatio, DefaultMaxRatio)
	p.HeaderBytes = or(p.HeaderBytes, DefaultHeaderBytes)
	p.HeaderCount = or(p.HeaderCount, DefaultHeaderCount)
	p.URL = or(p.URL, DefaultURL)
	p.QueryParameters = or(p.QueryParameters, DefaultQueryParameters)
	p.Concurrency = or(p.Concurrency, DefaultConcurrency)
	p.Queue = or(p.Queue, DefaultQueue)
	p.QueueWait = or(p.QueueWait, DefaultQueueWait)
	p.HeaderRead = or(p.HeaderRead, DefaultHeaderRead)
	p.KeepAlive = or(p.KeepAlive, DefaultKeepAlive)
	p.BodyRead = or(p.BodyRead, DefaultBodyRead)
	p.BodyGrace = or(p.BodyGrace, DefaultBodyGrace)
	p.BodyRate = or(p.BodyRate, DefaultBodyRate)
	p.Write = or(p.Write, DefaultWrite)
	p.Total = or(p.Total, DefaultTotal)
	p.Routes = append([]Route(nil), p.Routes...)
	return p
}

// settings returns what holds on every path. The policy must be filled.
func (p Policy) settings() settings {
	s := settings{body: int64(p.Body), bodyRead: p.BodyRead, write: p.Write, total: p.Total}
	if p.InsecureUnlimitedBody {
		s.body = -1
	}
	if p.InsecureSlowBody {
		s.bodyRead = 0
	}
	if p.InsecureSlowReaders {
		s.write = 0
	}
	if p.InsecureUnlimitedTotal {
		s.total = 0
	}
	return s
}

// on returns what holds on the route's paths. A route's own number holds also
// where everything else is unlimited.
func (route Route) on(s settings) settings {
	s.body = or(int64(route.Body), s.body)
	s.bodyRead = or(route.BodyRead, s.bodyRead)
	s.write = or(route.Write, s.write)
	s.total = or(route.Total, s.total)
	return s
}

// check returns every mistake in the policy, and fills routes.
func (p Policy) check(routes *guard.Table[settings]) error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("limits."+key+": "+format, args...))
	}
	count := func(key string, n, most int64) {
		if n < 0 || n > most {
			bad(key, "%d is not between 0 (the default) and %d", n, most)
		}
	}
	span := func(key string, d time.Duration) {
		// Below a millisecond nobody means it: a bare number is
		// nanoseconds in Go.
		if d < 0 || d > 0 && d < time.Millisecond || d > 24*time.Hour {
			bad(key, "%s is not 0 (the default) and not between 1ms and 24h; write a unit, such as 10s", d)
		}
	}
	const much = 1 << 50
	count("body", int64(p.Body), much)
	count("max_ratio", int64(p.MaxRatio), 1<<20)
	count("header_bytes", int64(p.HeaderBytes), mostHead)
	count("header_count", int64(p.HeaderCount), 1<<16)
	count("url", int64(p.URL), mostHead)
	count("query_parameters", int64(p.QueryParameters), mostHead)
	count("concurrency", int64(p.Concurrency), 1<<24)
	count("queue", int64(p.Queue), 1<<24)
	span("queue_wait", p.QueueWait)
	span("header_read", p.HeaderRead)
	span("keep_alive", p.KeepAlive)
	span("body_read", p.BodyRead)
	span("body_grace", p.BodyGrace)
	count("body_rate", int64(p.BodyRate), 1<<30)
	span("write", p.Write)
	span("total", p.Total)
	base := p.filled().settings()
	for i, route := range p.Routes {
		key := fmt.Sprintf("routes[%d].", i)
		if err := routes.Add(route.Path, route.on(base)); err != nil {
			bad(key+"path", "%w", err)
		}
		if route == (Route{Path: route.Path}) {
			bad(key+"path", "the route %q sets no limit of its own: want body, body_read, write or total", route.Path)
		}
		count(key+"body", int64(route.Body), much)
		span(key+"body_read", route.BodyRead)
		span(key+"write", route.Write)
		span(key+"total", route.Total)
	}
	return errors.Join(errs...)
}

// Loosened returns every place where p is weaker than the zero policy.
func (p Policy) Loosened() []guard.Loosening {
	var all []guard.Loosening
	add := func(weaker bool, rule, key, effect string) {
		if weaker {
			all = append(all, guard.Loosening{Rule: rule, Key: "limits." + key, Effect: effect})
		}
	}
	add(p.InsecureUnlimitedBody, "limits/body", "insecure_unlimited_body", "a body of any size is read")
	add(p.Body > DefaultBody, "limits/body", "body", fmt.Sprintf("bodies to %s are read", p.Body))
	add(p.MaxRatio > DefaultMaxRatio, "limits/body", "max_ratio", fmt.Sprintf("a compressed body may grow %d times", p.MaxRatio))
	add(p.InsecureUncountedEncodings, "limits/encoding", "insecure_uncounted_encodings", "a compressed body may decode to any size behind us")
	add(p.InsecureUnlimitedHeaders, "limits/headers", "insecure_unlimited_headers", "header fields to 1 MiB go on")
	add(p.HeaderBytes > DefaultHeaderBytes, "limits/headers", "header_bytes", fmt.Sprintf("%s of header fields go on", p.HeaderBytes))
	add(p.HeaderCount > DefaultHeaderCount, "limits/headers", "header_count", fmt.Sprintf("%d header fields go on", p.HeaderCount))
	add(p.InsecureUnlimitedURL, "limits/url", "insecure_unlimited_url", "URLs to 1 MiB go on")
	add(p.URL > DefaultURL, "limits/url", "url", fmt.Sprintf("URLs of %s go on", p.URL))
	add(p.InsecureUnlimitedQuery, "limits/query", "insecure_unlimited_query", "a query may have any number of parameters")
	add(p.QueryParameters > DefaultQueryParameters, "limits/query", "query_parameters", fmt.Sprintf("a query may have %d parameters", p.QueryParameters))
	add(p.InsecureUnlimitedConcurrency, "limits/concurrency", "insecure_unlimited_concurrency", "as many requests run at once as arrive")
	add(p.Concurrency > DefaultConcurrency, "limits/concurrency", "concurrency", fmt.Sprintf("%d requests run at once", p.Concurrency))
	add(p.Queue > DefaultQueue, "limits/concurrency", "queue", fmt.Sprintf("%d requests wait for a place", p.Queue))
	add(p.QueueWait > DefaultQueueWait, "limits/concurrency", "queue_wait", fmt.Sprintf("a request waits %s for a place", p.QueueWait))
	add(p.InsecureSlowHeaders, "limits/slow-headers", "insecure_slow_headers", "a head that arrives slowly holds a connection")
	add(p.HeaderRead > DefaultHeaderRead, "limits/slow-headers", "header_read", fmt.Sprintf("a head may take %s", p.HeaderRead))
	add(p.KeepAlive > DefaultKeepAlive, "limits/slow-headers", "keep_alive", fmt.Sprintf("an idle connection is kept for %s", p.KeepAlive))
	add(p.InsecureSlowBody, "limits/slow-body", "insecure_slow_body", "a body that arrives slowly holds a request")
	add(p.BodyRead > DefaultBodyRead, "limits/slow-body", "body_read", fmt.Sprintf("a body may take %s", p.BodyRead))
	add(p.BodyGrace > DefaultBodyGrace, "limits/slow-body", "body_grace", fmt.Sprintf("a body may stand still for %s", p.BodyGrace))
	add(p.BodyRate > 0 && p.BodyRate < DefaultBodyRate, "limits/slow-body", "body_rate", fmt.Sprintf("a body may come at %d bytes a second", p.BodyRate))
	add(p.InsecureSlowReaders, "", "insecure_slow_readers", "a client that does not read its response holds a request")
	add(p.Write > DefaultWrite, "", "write", fmt.Sprintf("a client may stop reading for %s", p.Write))
	add(p.InsecureUnlimitedTotal, "", "insecure_unlimited_total", "a request may take for ever")
	add(p.Total > DefaultTotal, "", "total", fmt.Sprintf("a request may take %s", p.Total))
	base := Policy{}.filled()
	for i, route := range p.Routes {
		key := fmt.Sprintf("routes[%d].", i)
		add(route.Body > base.Body, "limits/body", key+"body", fmt.Sprintf("bodies to %s are read at %s", route.Body, route.Path))
		add(route.BodyRead > base.BodyRead, "limits/slow-body", key+"body_read", fmt.Sprintf("a body may take %s at %s", route.BodyRead, route.Path))
		add(route.Write > base.Write, "", key+"write", fmt.Sprintf("a client may stop reading for %s at %s", route.Write, route.Path))
		add(route.Total > base.Total, "", key+"total", fmt.Sprintf("a request may take %s at %s", route.Total, route.Path))
	}
	return all
}
