package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// Check returns the verdict on r: that of the connection's half, if r stands
// in for a request that it refused, or on r's method, path, query and, for
// HTTP/2, header fields.
func (g *Guard) Check(r *http.Request) error { return g.check(r, connOf(r)) }

func (g *Guard) check(r *http.Request, c *conn) error {
	if _, ok := r.Header[marker]; ok {
		// No client can send this field to us by HTTP/1. What the connection
		// refused has no meaning that could be passed on, so that nobody is
		// asked whether it may.
		if c != nil {
			if ref := c.refusal.Load(); ref != nil {
				return ref
			}
		}
		return refusal("wire/header-syntax", 400, "BAD_HEADER", "The request was refused.", "the field "+marker+" from outside")
	}
	if err := g.checkTarget(r, c != nil); err != nil {
		return err
	}
	if c == nil {
		return g.checkFields(r)
	}
	return nil
}

// checkFields judges fields that the listener has judged for HTTP/1.
func (g *Guard) checkFields(r *http.Request) error {
	if !g.policy.AllowRepeatedFields {
		for name, values := range r.Header {
			if len(values) < 2 {
				continue
			}
			for _, s := range single {
				if strings.EqualFold(name, s) {
					ref := repeated(s)
					ref.Close = false
					if err := guard.Judge(r, ref); err != nil {
						return err
					}
				}
			}
		}
	}
	if r.ProtoMajor == 2 {
		if err := g.checkHTTP2(r); err != nil {
			return err
		}
	}
	if !g.policy.AllowUnderscores {
		for name := range r.Header {
			if !all(name, plain) && disguise([]byte(strings.ToLower(name))) {
				ref := targetRefusal("wire/underscores", "BAD_HEADER", "A header field's name has another character in the place of a hyphen.", "a framing field with other characters for hyphens")
				if err := guard.Judge(r, ref); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// checkHTTP2 judges what net/http's HTTP/2 takes as it comes.
func (g *Guard) checkHTTP2(r *http.Request) error {
	// A length that is not that of the body makes the request malformed (RFC
	// 9113 section 8.1.1). net/http believes the first of several, takes one
	// that is no number for 0, and ignores one without a body; an upstream
	// that gets such a length by HTTP/1 reads the next request in the wrong
	// place.
	if lengths := r.Header["Content-Length"]; len(lengths) > 0 {
		n, err := strconv.ParseUint(lengths[0], 10, 63)
		if len(lengths) > 1 || err != nil || int64(n) != r.ContentLength {
			// Like all framing, it is not put to the door.
			return refusal("wire/framing", 400, "BAD_CONTENT_LENGTH", "The Content-Length is not that of the body.", "a content-length by HTTP/2 that is not the body's")
		}
	}
	if expect := r.Header["Expect"]; len(expect) > 0 && !g.policy.InsecureIgnoreExpect {
		// net/http has taken 100-continue away.
		ref := refusal("wire/expect", http.StatusExpectationFailed, "EXPECTATION_FAILED", "Only 100-continue can be expected.", "another expectation than 100-continue")
		return guard.Judge(r, ref)
	}
	return nil
}

// Wrap returns a handler that passes to next what is not refused, its path in
// canonical form, and answers the rest.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := connOf(r)
		if err := g.check(r, c); err != nil {
			guard.Refuse(w, r, err)
			return
		}
		r = g.canonical(r, c)
		switch {
		case c == nil:
			next.ServeHTTP(w, r)
		case r.ContentLength != 0:
			serveBody(w, r, c, next)
		case len(r.Header["Upgrade"]) > 0:
			next.ServeHTTP(&upgrader{w, c}, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// canonical returns r as all further in are to see it. The path that policy
// is decided by and the one that the upstream gets are one: the decoded one,
// escaped anew.
func (g *Guard) canonical(r *http.Request, c *conn) *http.Request {
	if r.URL.RawPath != "" && !ambiguous(r.URL.RawPath) {
		r, _ = guard.WithFacts(r)
		u := *r.URL
		u.RawPath = ""
		r.URL = &u
		r.RequestURI = u.RequestURI()
	}
	if c == nil && !g.policy.AllowUnderscores {
		for name := range r.Header {
			if strings.Contains(name, "_") {
				r, _ = guard.WithFacts(r)
				r.Header = withoutUnderscores(r.Header)
				break
			}
		}
	}
	return r
}

// ambiguous reports whether a raw path has %2F or %3B, so that its decoded
// form says less. Such a path comes here only if the policy lets it.
func ambiguous(raw string) bool {
	for i := 0; i+2 < len(raw); i++ {
		if raw[i] == '%' && (raw[i+1] == '2' && raw[i+2]|0x20 == 'f' || raw[i+1] == '3' && raw[i+2]|0x20 == 'b') {
			return true
		}
	}
	return false
}

func withoutUnderscores(h http.Header) http.Header {
	kept := make(http.Header, len(h))
	for name, values := range h {
		if !strings.Contains(name, "_") {
			kept[name] = values
		}
	}
	return kept
}

// serveBody serves a request whose body may yet turn out to be malformed: the
// refusal is the answer then, if none has begun.
func serveBody(w http.ResponseWriter, r *http.Request, c *conn, next http.Handler) {
	r, facts := guard.WithFacts(r)
	o := guard.NewOverruler(w, r)
	r.Body = &body{ReadCloser: r.Body, c: c, o: o}
	defer func() {
		if p := recover(); p != nil {
			// A proxy gives up so when it cannot read the body.
			if o.Raised() == nil || p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
				panic(p)
			}
			if o.Finish(); facts.Refused != o.Raised() {
				panic(p) // the answer had begun
			}
			return
		}
		o.Finish()
	}()
	next.ServeHTTP(o, r)
}

type body struct {
	io.ReadCloser
	c *conn
	o *guard.Overruler
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		if ref := b.c.broken.Load(); ref != nil {
			if judged := b.o.Raise(ref); judged != nil {
				return n, judged
			}
			return n, ref // observed: but there is nothing more to read
		}
	}
	return n, err
}

// upgrader lets the handler take the connection over for another protocol,
// after which its bytes are no longer ours to judge.
type upgrader struct {
	http.ResponseWriter
	c *conn
}

func (u *upgrader) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err == nil {
		u.c.takeOver()
	}
	return nc, rw, err
}

func (u *upgrader) Flush() { _ = u.FlushError() }

func (u *upgrader) FlushError() error {
	err := http.NewResponseController(u.ResponseWriter).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

func (u *upgrader) Unwrap() http.ResponseWriter { return u.ResponseWriter }
