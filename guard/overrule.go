package guard

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
)

// An Overruler is a response writer for verdicts that come while the
// request's body streams: once a refusal has been raised, the refusal is the
// response, whatever the handler makes of the read error, unless the handler
// had already begun to answer.
type Overruler struct {
	http.ResponseWriter
	req    *http.Request
	before []string                // names that guards further out had set
	raised atomic.Pointer[Refusal] // the body is often read by another goroutine than the handler's
	began  bool
	over   bool
}

// NewOverruler returns an Overruler of w for r.
func NewOverruler(w http.ResponseWriter, r *http.Request) *Overruler {
	h := w.Header()
	before := make([]string, 0, len(h))
	for name := range h {
		before = append(before, name)
	}
	return &Overruler{ResponseWriter: w, req: r, before: before}
}

// Raise puts ref to the request's [Door]. If the request may go on it returns
// nil; if not, the error that the body's Read has to return.
func (o *Overruler) Raise(ref *Refusal) error {
	err := Judge(o.req, ref)
	if err != nil {
		o.raised.CompareAndSwap(nil, ref)
	}
	return err
}

// Raised returns the refusal that stands, or nil.
func (o *Overruler) Raised() *Refusal { return o.raised.Load() }

// Finish is to be called when the handler has returned: it writes a refusal
// that nothing has written yet.
func (o *Overruler) Finish() {
	if !o.began {
		o.overrule()
	}
}

// overrule writes the raised refusal, if there is one, and reports whether it did.
func (o *Overruler) overrule() bool {
	ref := o.raised.Load()
	if ref == nil {
		return false
	}
	o.began, o.over = true, true
	// What the handler prepared, a cookie say, belongs to an answer that is
	// not given.
	h := o.Header()
	for name := range h {
		if !slices.Contains(o.before, name) {
			delete(h, name)
		}
	}
	Refuse(o.ResponseWriter, o.req, ref)
	return true
}

// WriteHeader begins the response, with the refusal if one was raised.
func (o *Overruler) WriteHeader(status int) {
	if o.over {
		return
	}
	if status >= 200 && !o.began {
		if o.overrule() {
			return
		}
		o.began = true
	}
	o.ResponseWriter.WriteHeader(status)
}

// Write writes to the response, or nowhere if it was overruled.
func (o *Overruler) Write(p []byte) (int, error) {
	if !o.began {
		o.WriteHeader(http.StatusOK)
	}
	if o.over {
		return len(p), nil
	}
	return o.ResponseWriter.Write(p)
}

// FlushError flushes the response.
func (o *Overruler) FlushError() error {
	if !o.began {
		o.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(o.ResponseWriter).Flush()
}

// Flush is [Overruler.FlushError] for handlers that ask for an http.Flusher.
func (o *Overruler) Flush() { _ = o.FlushError() }

// Hijack takes over the connection, unless a refusal stands.
func (o *Overruler) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if o.raised.Load() != nil {
		return nil, nil, errors.New("guard: the request was refused")
	}
	c, rw, err := http.NewResponseController(o.ResponseWriter).Hijack()
	if err == nil {
		o.began = true
	}
	return c, rw, err
}

// Unwrap is for [http.ResponseController].
func (o *Overruler) Unwrap() http.ResponseWriter { return o.ResponseWriter }
