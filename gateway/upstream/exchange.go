package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

const (
	smallBuffer = 4 << 10
	largeBuffer = 32 << 10
)

// An exchange is one request and its response.
type exchange struct {
	state
	// The rest is storage that the next exchange uses again.
	tried []*Upstream // by which a pool's dial was refused
	req   []byte      // the head and a small body, as sent
	out   http.Header // for Rewrite
	head  head
	small [smallBuffer]byte
}

// state is what each exchange begins with anew.
type state struct {
	w       http.ResponseWriter
	r       *http.Request
	u       *Upstream
	pool    *Pool
	began   time.Time
	c       *conn
	upgrade string // the protocol that was asked for
	stream  bool   // the body is sent by sender
	sender  *sender

	buf    []byte // what was read from the upstream is buf[lo:hi]
	lo, hi int
	large  *[largeBuffer]byte // to be given back

	disarm   func() bool // if set, a client that leaves cancels c
	timed    bool        // c has a deadline for writes
	inBody   bool        // the response's head was read
	progress bool        // the upstream was heard of since the deadline was set
	filled   bool        // the last read filled the buffer

	wrote    bool // the final response's head is written
	hijacked bool
	live     bool // flush whatever was written before waiting for more
	dirty    bool // something was written and not flushed
	reuse    bool // nothing is in flight on c
	resent   bool // sent once already, on a connection that had been closed
	finished bool // the handler did not panic
}

var (
	exchanges = sync.Pool{New: func() any { return &exchange{out: http.Header{}} }}
	buffers   = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
)

// serve forwards r to u, or if that cannot be reached to another of pool. It
// takes over u's pending count.
func serve(w http.ResponseWriter, r *http.Request, u *Upstream, pool *Pool) {
	e := exchanges.Get().(*exchange)
	e.w, e.r, e.u, e.pool = w, r, u, pool
	e.buf = e.small[:]
	defer e.end()
	if err := e.run(); err != nil {
		e.fail(err)
	}
	e.finished = true
}

func (e *exchange) run() error {
	if err := e.prepare(); err != nil {
		return err
	}
	e.began = time.Now()
	if err := e.connect(false); err != nil {
		return err
	}
	err := e.attempt()
	if errors.Is(err, errStale) {
		if e.disarm != nil {
			e.disarm()
			e.disarm = nil
		}
		e.c.Close()
		e.c = nil
		e.resent = true
		if err := e.connect(true); err != nil {
			return err
		}
		err = e.attempt()
	}
	return err
}

// connect gets a connection, a new one if fresh is set.
func (e *exchange) connect(fresh bool) error {
	for {
		if !fresh {
			if e.c = e.u.take(e.began); e.c != nil {
				return nil
			}
		}
		c, err := e.u.dial(e.r.Context())
		if err == nil {
			e.c = c
			if !c.readBy(time.Now().Add(firstWait)) {
				return failed("dial", errNoDeadline)
			}
			return nil
		}
		if e.r.Context().Err() != nil {
			return e.cancelled()
		}
		// Nothing of the request was sent, so any method may go elsewhere. A
		// request after which the upstream is gone may be what ended it, and
		// must not take the others with it, one after the other.
		if e.resent || e.pool == nil || !e.pool.other(e) {
			return failed("dial", err)
		}
	}
}

// errStale says that a connection had been closed before the request reached
// the upstream, as far as can be told, and that it may be sent again.
var errStale = errors.New("the kept connection was closed")

// attempt sends the request on e.c and relays the response.
func (e *exchange) attempt() error {
	if len(e.req) > smallBody { // less fits into the socket's buffer
		e.timed = true
		if !e.c.writeBy(e.began.Add(e.u.opts.ResponseHeaderTimeout)) {
			return failed("write", errNoDeadline)
		}
	}
	n, werr := e.c.Write(e.req)
	if werr != nil && e.c.reused && (n == 0 || e.replayable()) {
		return errStale
	}
	if e.stream && werr == nil {
		e.arm()
		e.startSender()
	}
	// Also after a failed write: the upstream may have answered and closed
	// before it had read all.
	if err := e.readHead(); err != nil {
		if e.sender == nil && e.c.reused && !e.progress && e.replayable() && closed(err) {
			return errStale
		}
		return e.why("read head", cmpErr(werr, err))
	}
	if e.head.status == http.StatusSwitchingProtocols {
		return e.tunnel()
	}
	return e.relay()
}

// closed reports whether err says that the upstream closed the connection.
func closed(err error) bool {
	return !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, errHeadTooLarge) && !errors.Is(err, errCancelled)
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// readHead reads the head of the final response, or of a 101.
func (e *exchange) readHead() error {
	for informational := 0; ; informational++ {
		n, err := e.headEnd()
		if err != nil {
			return err
		}
		s := string(e.buf[e.lo : e.lo+n]) // the only copy: names and values are parts of it
		e.lo += n
		if err := e.head.parse(s); err != nil {
			return err
		}
		h := &e.head
		if h.status >= 200 || h.status == http.StatusSwitchingProtocols {
			return nil
		}
		if informational == maxInformational {
			return errTooManyInfo
		}
		if h.status == http.StatusEarlyHints && e.r.ProtoAtLeast(1, 1) {
			e.earlyHints()
		}
	}
}

// headEnd reads until a whole head is in the buffer and returns its length.
func (e *exchange) headEnd() (int, error) {
	line, at := 0, 0 // relative to lo: where the current line begins, and where to search on
	for {
		b := e.buf[e.lo:e.hi]
		for {
			i := bytes.IndexByte(b[at:], '\n')
			if i < 0 {
				at = len(b)
				break
			}
			i += at
			if i == line || b[i-1] != '\r' {
				return 0, errBareLF
			}
			if i+1 > e.u.opts.MaxResponseHeader {
				return 0, errHeadTooLarge
			}
			if i == line+1 {
				if line == 0 {
					return 0, errStatusLine
				}
				return i + 1, nil
			}
			line, at = i+1, i+1
		}
		if len(b) >= e.u.opts.MaxResponseHeader {
			return 0, errHeadTooLarge
		}
		if err := e.fill(); err != nil {
			return 0, err
		}
	}
}

// earlyHints passes on a 103: its Link fields, which are all that clients
// use. Anything else could be a header that a guard writes.
func (e *exchange) earlyHints() {
	h := e.w.Header()
	before, had := h["Link"]
	var links []string
	for i := range e.head.fields {
		if f := &e.head.fields[i]; f.name == "Link" && !f.drop {
			links = append(links, f.value)
		}
	}
	if links == nil {
		return
	}
	h["Link"] = links
	e.w.WriteHeader(http.StatusEarlyHints)
	if had {
		h["Link"] = before
	} else {
		delete(h, "Link")
	}
}

// fill reads more into the buffer.
func (e *exchange) fill() error {
	switch {
	case e.lo == e.hi:
		e.lo, e.hi = 0, 0
		if e.filled && e.large == nil {
			e.grow() // a small buffer is for small responses, and for slow ones
		}
	case e.hi == len(e.buf):
		if e.lo > 0 {
			e.hi = copy(e.buf, e.buf[e.lo:e.hi])
			e.lo = 0
		} else {
			e.grow()
		}
	}
	if e.dirty && e.live {
		if err := http.NewResponseController(e.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return errGone
		}
		e.dirty = false
	}
	for idle := 0; ; {
		n, err := e.c.Read(e.buf[e.hi:])
		if n > 0 {
			e.hi += n
			e.progress = true
			e.filled = e.hi == len(e.buf)
			return nil // an err with it will come again
		}
		if err == nil {
			if idle++; idle > 10 {
				return io.ErrNoProgress
			}
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if err := e.waitOn(); err != nil {
			return err
		}
	}
}

// grow makes the buffer larger, and keeps what is in it.
func (e *exchange) grow() {
	if len(e.buf) < largeBuffer {
		e.large = buffers.Get().(*[largeBuffer]byte)
		copy(e.large[:], e.buf[e.lo:e.hi])
		e.buf = e.large[:]
	} else { // a head of more than 32 KiB
		b := make([]byte, 2*len(e.buf))
		copy(b, e.buf[e.lo:e.hi])
		e.buf = b
	}
	e.hi -= e.lo
	e.lo = 0
}

// errCancelled says that c was cancelled; [exchange.why] finds out the reason.
var errCancelled = errors.New("cancelled")

var errNoDeadline = errors.New("cannot set a deadline")

// waitOn is called when a read's deadline is over: it sets the next one, or
// says that the wait is over.
func (e *exchange) waitOn() error {
	now := time.Now()
	e.arm()
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if e.c.cancelled {
		return errCancelled
	}
	var next time.Time
	switch {
	case e.inBody:
		if !e.progress {
			return os.ErrDeadlineExceeded
		}
		e.progress = false
		next = now.Add(e.u.opts.BodyIdleTimeout)
	case e.sender != nil:
		next = e.sender.headBy // the zero time while the body is being sent
		if !next.IsZero() && !now.Before(next) {
			return os.ErrDeadlineExceeded
		}
	default:
		next = e.began.Add(e.u.opts.ResponseHeaderTimeout)
		if !now.Before(next) {
			return os.ErrDeadlineExceeded
		}
	}
	return e.c.SetReadDeadline(next)
}

// arm lets a client that leaves cancel the connection.
func (e *exchange) arm() {
	if e.disarm == nil {
		e.disarm = context.AfterFunc(e.r.Context(), e.c.cancel)
	}
}

// cancelled says why the request's context is done.
func (e *exchange) cancelled() error {
	ctx := e.r.Context()
	var ref *guard.Refusal
	switch cause := context.Cause(ctx); {
	case errors.As(cause, &ref):
		return ref
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return failed("wait", context.DeadlineExceeded)
	}
	return errGone
}

// why makes of err, on the way from the upstream, what the request failed with.
func (e *exchange) why(op string, err error) error {
	if e.sender != nil {
		// If the body could not be read, that is what cancelled the rest.
		if err := e.sender.readError(); err != nil {
			if e.r.Context().Err() != nil {
				return e.cancelled()
			}
			return bodyError(err)
		}
	}
	if errors.Is(err, errGone) {
		return err
	}
	if e.r.Context().Err() != nil && (errors.Is(err, errCancelled) || e.c.isCancelled()) {
		return e.cancelled()
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return failed(op, err)
}

// fail answers a request that failed, if that is still possible.
func (e *exchange) fail(err error) {
	o := &e.u.opts
	if e.hijacked {
		if o.Abort != nil {
			o.Abort(e.r, err)
		}
		return
	}
	if e.wrote || errors.Is(err, errGone) {
		if o.Abort != nil {
			o.Abort(e.r, err)
		}
		// The client must not take what it got for the whole response.
		panic(http.ErrAbortHandler)
	}
	if e.sender != nil {
		e.closeClient()
	}
	e.wrote = true
	if o.Error != nil {
		o.Error(e.w, e.r, err)
		return
	}
	guard.Refuse(e.w, e.r, err)
}

// closeClient ends the client's HTTP/1 connection after the response if the
// request's body has not been read to its end. net/http in full duplex would
// take the rest of the body for the next request.
func (e *exchange) closeClient() {
	if e.r.ProtoMajor == 1 && !e.sender.eof.Load() {
		e.w.Header()["Connection"] = []string{"close"}
	}
}

// end gives everything back. It runs also when the response panics.
func (e *exchange) end() {
	if e.disarm != nil && !e.disarm() {
		e.reuse = false // the cancel may still be on its way
	}
	if e.sender != nil && !e.sender.complete() {
		e.reuse = false
	}
	if e.c != nil {
		if e.reuse && e.timed && !e.c.writeBy(time.Time{}) {
			e.reuse = false
		}
		if e.reuse {
			e.u.put(e.c, time.Now())
		} else {
			e.c.Close()
		}
	}
	e.u.release(e.pool)
	if e.sender != nil {
		e.sender.halt(e.w, e.r, e.finished)
	}
	if e.large != nil {
		buffers.Put(e.large)
	}
	e.state = state{}
	clear(e.out)
	clear(e.head.fields[:cap(e.head.fields)]) // strings would keep whole heads alive
	e.head = head{fields: e.head.fields[:0]}
	clear(e.tried)
	e.tried = e.tried[:0]
	if cap(e.req) > 4*smallBody || len(e.out) > maxFields {
		return
	}
	e.req = e.req[:0]
	exchanges.Put(e)
}

// isCancelled reports whether cancel was called.
func (c *conn) isCancelled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cancelled
}
