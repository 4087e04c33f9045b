// Package limits bounds what one request may cost: bytes of body, header and
// URL, time on the connection, and a place among the requests in flight.
//
// A server without such bounds can be stopped by one client with one cheap
// request: a body without end, a body that arrives a byte a minute, a gzip
// body of a few kilobytes that fills the memory, or a thousand of any of
// these at once. The guard counts while bytes stream; it never buffers a
// body.
//
// Do not use it to bound what a request means: the depth of JSON, the parts
// of a multipart body and the number of requests a client may send are for
// the jsonbody, contenttype and rate guards.
//
//	g, err := limits.New(limits.Policy{Body: 1 << 20})
//	if err != nil {
//		log.Fatal(err)
//	}
//	t := g.ServerTimeouts()
//	srv := &http.Server{
//		Handler:           g.Wrap(mux),
//		ReadHeaderTimeout: t.HeaderRead,
//		IdleTimeout:       t.KeepAlive,
//	}
package limits

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// A Guard holds requests to the limits of a policy. It is safe for
// concurrent use.
type Guard struct {
	policy Policy // with every default filled in
	base   settings
	routes guard.Table[settings]
	routed bool
	slots  *slots // nil if concurrency is not limited
}

// New returns a guard for the policy. Its error joins every mistake in it.
func New(p Policy) (*Guard, error) {
	g := &Guard{routed: len(p.Routes) > 0}
	if err := p.check(&g.routes); err != nil {
		return nil, err
	}
	g.policy = p.filled()
	g.base = g.policy.settings()
	if !p.InsecureUnlimitedConcurrency {
		g.slots = newSlots(g.policy.Concurrency, g.policy.Queue)
	}
	return g, nil
}

// ServerTimeouts are the limits that an http.Server has to keep, since no
// handler can. Zero means none.
type ServerTimeouts struct {
	HeaderRead time.Duration // for ReadHeaderTimeout
	KeepAlive  time.Duration // for IdleTimeout
	// Total is a little more than the longest that any route may take, for
	// ReadTimeout and WriteTimeout: what reaches the guard is held to its own
	// time, and the moment more is for the 504.
	Total time.Duration
}

// moment is for the 504 after the total time.
const moment = 5 * time.Second

// ServerTimeouts returns the policy's timeouts for the server.
func (g *Guard) ServerTimeouts() ServerTimeouts {
	t := ServerTimeouts{HeaderRead: g.policy.HeaderRead, KeepAlive: g.policy.KeepAlive, Total: g.policy.Total}
	if g.policy.InsecureSlowHeaders {
		t.HeaderRead = 0
	}
	if g.policy.InsecureUnlimitedTotal {
		t.Total = 0
		return t
	}
	for _, route := range g.policy.Routes {
		t.Total = max(t.Total, route.Total)
	}
	t.Total += moment
	return t
}

// settings returns the limits for a path.
func (g *Guard) settings(path string) settings {
	if g.routed {
		if s, ok := g.routes.Lookup(path); ok {
			return s
		}
	}
	return g.base
}

// hasBody reports whether r may have a body. A server's request has one
// exactly if its ContentLength is not 0 (HTTP/2 requests without one still
// have a Body that is not http.NoBody); a request made by hand may have one
// of unknown length.
func hasBody(r *http.Request) bool {
	if r.Body == nil || r.Body == http.NoBody {
		return false
	}
	return r.ContentLength != 0 || r.ProtoMajor < 2
}

// Check judges everything that is known before the body is read. What the
// body turns out to be while it streams, and whether there is a place among
// the requests in flight, only Wrap can tell.
func (g *Guard) Check(r *http.Request) error {
	p := &g.policy
	// A URL is copied into logs, traces and cache keys, and each of those is
	// a cost that the client chooses. RequestURI is what was sent, also where
	// an outer guard brought the URL to another form.
	if !p.InsecureUnlimitedURL {
		if n := urlLength(r); n > int(p.URL) {
			if err := guard.Judge(r, &guard.Refusal{
				Rule: "limits/url", Status: http.StatusRequestURITooLong, Code: "URI_TOO_LONG",
				Detail: fmt.Sprintf("The URL is longer than %d bytes.", p.URL),
				Reason: fmt.Sprintf("a URL of %d bytes", n),
			}); err != nil {
				return err
			}
		}
	}
	// A thousand parameters in one query were enough to collide a hash table
	// (CVE-2011-4815 and its kin), and still cost an allocation each in every
	// framework. Counting separators needs no parser.
	if !p.InsecureUnlimitedQuery && r.URL.RawQuery != "" {
		if n := strings.Count(r.URL.RawQuery, "&") + strings.Count(r.URL.RawQuery, ";") + 1; n > p.QueryParameters {
			if err := guard.Judge(r, &guard.Refusal{
				Rule: "limits/query", Status: http.StatusBadRequest, Code: "TOO_MANY_PARAMETERS",
				Detail: fmt.Sprintf("The query has more than %d parameters.", p.QueryParameters),
				Reason: fmt.Sprintf("a query of %d parameters", n),
			}); err != nil {
				return err
			}
		}
	}
	if !p.InsecureUnlimitedHeaders {
		if err := g.checkHeaders(r); err != nil {
			return err
		}
	}
	if !hasBody(r) {
		return nil
	}
	s := g.settings(r.URL.Path)
	// What is compressed in a way that we cannot decode has a size that we
	// cannot know: 10 KB of zstd may be 10 GB (CWE-409).
	if !p.InsecureUncountedEncodings {
		if _, ok := codingOf(r); !ok {
			if err := guard.Judge(r, &guard.Refusal{
				Rule: "limits/encoding", Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_ENCODING",
				Detail: "The body may have one Content-Encoding: gzip or deflate, or none.",
				Reason: fmt.Sprintf("Content-Encoding %.80q", r.Header["Content-Encoding"]),
				Header: http.Header{"Accept-Encoding": {"gzip, deflate"}},
			}); err != nil {
				return err
			}
		}
	}
	// A length that is too large is refused before a byte of the body is
	// read, so a client that waits for 100 Continue never sends any.
	if s.body >= 0 && r.ContentLength > s.body {
		return guard.Judge(r, tooLarge(s.body, fmt.Sprintf("Content-Length %d", r.ContentLength)))
	}
	return nil
}

func tooLarge(limit int64, reason string) *guard.Refusal {
	return &guard.Refusal{
		Rule: "limits/body", Status: http.StatusRequestEntityTooLarge, Code: "PAYLOAD_TOO_LARGE",
		Detail: fmt.Sprintf("The body is larger than %d bytes.", limit),
		Reason: reason,
		// The rest of the body is still on its way, and not worth reading.
		Close: true,
	}
}

func urlLength(r *http.Request) int {
	if r.RequestURI != "" {
		return len(r.RequestURI)
	}
	return max(len(r.URL.Path), len(r.URL.RawPath)) + len(r.URL.RawQuery) + 1
}

// checkHeaders counts header fields as HTTP/1 would write them. Many small
// fields cost more than their bytes: each is a map entry and a string in
// every hop behind us.
func (g *Guard) checkHeaders(r *http.Request) error {
	fields, size := 1, len("Host: \r\n")+len(r.Host)
	for name, values := range r.Header {
		fields += len(values)
		for _, v := range values {
			size += len(name) + len(": \r\n") + len(v)
		}
	}
	var reason string
	switch {
	case fields > g.policy.HeaderCount:
		reason = fmt.Sprintf("%d header fields", fields)
	case size > int(g.policy.HeaderBytes):
		reason = fmt.Sprintf("%d bytes of header fields", size)
	default:
		return nil
	}
	return guard.Judge(r, &guard.Refusal{
		Rule: "limits/headers", Status: http.StatusRequestHeaderFieldsTooLarge, Code: "HEADERS_TOO_LARGE",
		Detail: fmt.Sprintf("The header has more than %d fields or %d bytes.", g.policy.HeaderCount, g.policy.HeaderBytes),
		Reason: reason,
	})
}

// Wrap returns a handler that holds requests to the limits before and while
// next serves them.
//
// A request without a body costs two allocations: the exchange, and the copy
// of the request that carries its deadline.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := hasBody(r)
		if err := g.Check(r); err != nil {
			if body {
				hurry(w, r, g.policy.BodyGrace)
			}
			guard.Refuse(w, r, err)
			return
		}
		if g.slots != nil {
			if outcome := g.slots.enter(r.Context(), g.policy.QueueWait); outcome != entered {
				err := guard.Judge(r, &guard.Refusal{
					Rule: "limits/concurrency", Status: http.StatusServiceUnavailable, Code: "TOO_MANY_REQUESTS_IN_FLIGHT",
					Detail: "The service is busy. Try again.",
					Reason: outcome.String(),
					Header: http.Header{"Retry-After": {"1"}},
				})
				if err != nil {
					if body {
						hurry(w, r, g.policy.BodyGrace)
					}
					guard.Refuse(w, r, err)
					return
				}
				g.slots.force() // only observed: it counts, beyond the limit
			}
			// Deferred, so that a panic gives the place back too.
			defer g.slots.leave()
		}
		g.serve(next, w, r, body)
	})
}

// hurry bounds how long the server may wait for the rest of a body that
// nobody will read: net/http reads up to 256 KiB of it before it answers.
func hurry(w http.ResponseWriter, r *http.Request, grace time.Duration) {
	if r.ProtoMajor == 1 && grace > 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(grace)) // a writer without deadlines has its own way
	}
}
