package limits

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// serve lets next serve r within the limits of its route.
func (g *Guard) serve(next http.Handler, w http.ResponseWriter, r *http.Request, hasBody bool) {
	s := g.settings(r.URL.Path)
	x := &exchange{ResponseWriter: w, req: r, write: s.write}
	x.life.parent = r.Context()
	if s.total > 0 {
		x.life.deadline = time.Now().Add(s.total)
	}
	defer x.life.end()
	r = r.WithContext(&x.life) // a copy of our own, which may be changed
	if !hasBody {
		next.ServeHTTP(x, r)
		x.finish()
		return
	}
	over := guard.NewOverruler(x, r)
	x.body = newBody(g, r, s, x, over)
	defer x.body.end()
	r.Body = x.body
	next.ServeHTTP(over, r)
	over.Finish()
	x.finish()
}

// step is how much of a response is written between two renewals of the
// write deadline. A deadline holds for a whole write, however long that is, so
// without steps a large response would have to arrive in one deadline.
const step = 64 << 10

// renewal is how old a write deadline on an HTTP/1 connection may be before
// it is set again.
const renewal = time.Second

// An exchange is the response writer of one request. It gives every write its
// own deadline, against clients that ask for a large response and then do not
// read it (the slow read attack, CWE-400), and answers 504 in the handler's
// place if the request's time has passed before the handler began.
type exchange struct {
	http.ResponseWriter
	req   *http.Request // as it was given to the guard
	life  lifetime
	body  *body // nil if the request has none
	write time.Duration

	renewed  time.Time // when the write deadline was last set
	fixed    bool      // the server knows no deadlines
	began    bool
	over     bool // the response is the 504; the handler's goes nowhere
	hijacked bool
	endless  bool // a stream of events
	pending  int  // bytes that HTTP/2 still buffers
}

// until sets the write deadline.
func (x *exchange) until(t time.Time) {
	if !x.fixed && http.NewResponseController(x.ResponseWriter).SetWriteDeadline(t) != nil {
		x.fixed = true // such as a test's recorder, which no client reads slowly
	}
}

// extend gives what is written next its own deadline.
func (x *exchange) extend(force bool) {
	if x.write == 0 || x.fixed {
		return
	}
	now := time.Now()
	if !force && now.Sub(x.renewed) < min(renewal, x.write/4) {
		return
	}
	x.renewed = now
	t := now.Add(x.write)
	if d := x.life.until(); !d.IsZero() && d.Before(t) {
		t = d
	}
	x.until(t)
}

// relax takes the deadline away again where it would end the response by
// itself: net/http's HTTP/2 resets a stream whose write deadline passes, also
// if nothing is being written.
func (x *exchange) relax() {
	if x.write != 0 && x.req.ProtoMajor >= 2 {
		x.until(x.life.until())
		x.renewed = time.Time{}
	}
}

// begin notes what the response turns out to be.
func (x *exchange) begin() {
	x.began = true
	if x.body != nil {
		x.body.hurry()
	}
	if isEventStream(x.Header()) {
		x.endless = true
		x.life.lift()
		// The server's own timeouts are for requests that end.
		rc := http.NewResponseController(x.ResponseWriter)
		_ = rc.SetReadDeadline(time.Time{}) // without deadlines there is none to lift
		x.until(time.Time{})
		x.renewed = time.Time{}
	}
}

func isEventStream(h http.Header) bool {
	v := h["Content-Type"]
	const want = "text/event-stream"
	if len(v) == 0 || len(v[0]) < len(want) || !strings.EqualFold(v[0][:len(want)], want) {
		return false
	}
	return len(v[0]) == len(want) || v[0][len(want)] == ';' || v[0][len(want)] == ' '
}

// timeout answers 504. It is no verdict about the request, so it is not put
// to the door: the handler's context has ended, whatever the mode.
func (x *exchange) timeout() {
	x.began, x.over = true, true
	x.until(time.Now().Add(or(x.write, DefaultWrite)))
	if x.body != nil {
		x.body.hurry()
	}
	guard.Refuse(x.ResponseWriter, x.req, &guard.Refusal{
		Rule: "pavise/timeout", Status: http.StatusGatewayTimeout, Code: "TIMEOUT",
		Detail: "The service did not answer in time.",
		Reason: "the request's total time passed before the response began",
		Close:  true,
	})
}

// WriteHeader begins the response, with a 504 if that should have been
// earlier.
func (x *exchange) WriteHeader(status int) {
	if x.over {
		return
	}
	final := status >= 200 || status == http.StatusSwitchingProtocols
	if final && !x.began {
		if x.life.passed() {
			x.timeout()
			return
		}
		x.begin()
	}
	if !final {
		x.extend(false)
		defer x.relax() // an interim response is written at once
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write writes to the response, a step at a time.
func (x *exchange) Write(p []byte) (int, error) {
	if !x.began {
		x.WriteHeader(http.StatusOK)
	}
	if x.over {
		return len(p), nil
	}
	written := 0
	for {
		part := p[written:]
		part = part[:min(len(part), step)]
		n, err := x.writeStep(part)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// http2Buffer is how much net/http's HTTP/2 gathers before it writes. Writes
// that only gather need no deadline, which costs a message to the
// connection's goroutine there.
const http2Buffer = 4 << 10

func (x *exchange) writeStep(p []byte) (int, error) {
	if x.req.ProtoMajor < 2 {
		x.extend(false)
		return x.ResponseWriter.Write(p)
	}
	if x.pending += len(p); x.pending <= http2Buffer {
		return x.ResponseWriter.Write(p)
	}
	x.pending = 0
	x.extend(true)
	defer x.relax()
	return x.ResponseWriter.Write(p)
}

// buffers are for copying responses.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// ReadFrom keeps the way open for the kernel's copying from files, a step at
// a time. Other sources may be slow themselves, and the client is not to
// blame for that: their deadline begins with each write.
func (x *exchange) ReadFrom(src io.Reader) (int64, error) {
	if x.req.ProtoMajor >= 2 || !isFile(src) {
		buf, _ := buffers.Get().(*[32 << 10]byte)
		defer buffers.Put(buf)
		return io.CopyBuffer(writerOnly{x}, readerOnly{src}, buf[:])
	}
	if !x.began {
		x.WriteHeader(http.StatusOK)
	}
	if x.over {
		return io.Copy(io.Discard, src)
	}
	var written int64
	for {
		x.extend(false)
		n, err := io.CopyN(x.ResponseWriter, src, step)
		written += n
		if err == io.EOF { //nolint:errorlint // CopyN returns it bare
			return written, nil
		}
		if err != nil {
			return written, err
		}
	}
}

// writerOnly and readerOnly hide the methods by which io.Copy would come back
// to ReadFrom, or choose its own sizes.
type writerOnly struct{ io.Writer }
type readerOnly struct{ io.Reader }

func isFile(src io.Reader) bool {
	if l, ok := src.(*io.LimitedReader); ok {
		src = l.R
	}
	f, ok := src.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// FlushError flushes the response.
func (x *exchange) FlushError() error {
	if !x.began {
		x.WriteHeader(http.StatusOK)
	}
	if x.over {
		return nil
	}
	x.pending = 0
	x.extend(x.req.ProtoMajor >= 2)
	defer x.relax()
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Flush is FlushError for handlers that ask for an http.Flusher.
func (x *exchange) Flush() { _ = x.FlushError() }

// Hijack takes over the connection, and with it all limits of time. The
// request's place among those in flight stays taken until the handler
// returns.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err == nil {
		x.began, x.hijacked = true, true
		x.life.lift()
	}
	return c, rw, err
}

// Unwrap is for [http.ResponseController].
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// finish is called when the handler has returned, before the server flushes
// what it still buffers.
func (x *exchange) finish() {
	switch {
	case x.hijacked || x.over:
		return
	case !x.began && x.life.passed():
		x.timeout()
		return
	case !x.began:
		x.begin()
	}
	x.extend(x.req.ProtoMajor >= 2)
}
