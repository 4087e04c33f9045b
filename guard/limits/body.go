package limits

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// A body is a request's body that is counted, in size and in time, as it is
// read.
type body struct {
	io.ReadCloser
	x     *exchange
	over  *guard.Overruler
	limit int64 // bytes; -1 is unlimited
	count int64 // bytes that came
	dec   *decoder
	err   error // what Read returns from now on
	watch watch
}

func newBody(g *Guard, r *http.Request, s settings, x *exchange, over *guard.Overruler) *body {
	b := &body{ReadCloser: r.Body, x: x, over: over, limit: s.body}
	b.watch = watch{body: b, total: s.bodyRead, grace: g.policy.BodyGrace, rate: int64(g.policy.BodyRate)}
	if c, ok := codingOf(r); ok && c != identity && s.body >= 0 && !g.policy.InsecureUncountedEncodings {
		b.dec = newDecoder(b, c, s.body, int64(g.policy.MaxRatio))
	}
	return b
}

// Read reads what the client sent, not decoded, and no byte of it whose
// decoded form has not been counted.
func (b *body) Read(p []byte) (int, error) {
	if b.dec != nil {
		return b.dec.Read(p)
	}
	return b.readCounted(p)
}

// readCounted reads and counts. Like [http.MaxBytesReader] it asks for one
// byte more than is allowed, and that byte is what breaks the limit: a body
// without a Content-Length (chunked, HTTP/2) tells its size in no other way.
func (b *body) readCounted(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	left := b.limit - b.count
	if b.limit >= 0 && int64(len(p))-1 > left {
		p = p[:left+1]
	}
	n, err := b.watch.read(p)
	b.count += int64(n)
	if b.limit >= 0 && b.count > b.limit {
		if refused := b.over.Raise(tooLarge(b.limit, "the body went on past the limit")); refused != nil {
			b.err = refused
			return int(left), refused
		}
		b.limit = -1 // only observed
	}
	b.err = err
	return n, err
}

// Close closes the body.
func (b *body) Close() error {
	b.watch.stop()
	return b.ReadCloser.Close()
}

// end is called when the handler has returned.
func (b *body) end() { b.watch.stop() }

// hurry is called when the response begins. net/http reads up to 256 KiB of a
// body that the handler left unread before it sends the response, and a
// client that sends those slowly would hold the connection in spite of the
// refusal that it got. A handler that goes on reading gets its time back.
func (b *body) hurry() { b.watch.hurry() }

// A watch bounds how long the client may take to send a body: so long in all,
// and after a grace period not slower than a rate, as Kestrel does it. Only
// time in which somebody waits for the client counts. A timer ends the
// waiting, rather than a read deadline set beforehand: a deadline that has
// passed breaks a chunked body for good, and the verdict may be that the
// request goes on.
type watch struct {
	body         *body
	total, grace time.Duration // total 0 is no limit
	rate         int64

	mu      sync.Mutex
	timer   *time.Timer
	reading bool
	since   time.Time     // when the read began
	waited  time.Duration // by all former reads
	count   int64         // bytes that came by them
	done    bool          // the body ended, or failed
	hurried bool          // a read deadline is set
	late    error         // what ended the waiting
}

func (w *watch) read(p []byte) (int, error) {
	w.start()
	n, err := w.body.ReadCloser.Read(p)
	if late := w.finish(n, err); late != nil {
		return n, late
	}
	return n, err
}

func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reading, w.since = true, time.Now()
	if w.hurried {
		w.hurried = false
		w.deadline(w.body.x.life.until())
	}
	if d, ok := w.budget(w.since); ok {
		if w.timer == nil {
			w.timer = time.AfterFunc(d, w.fire)
		} else {
			w.timer.Reset(d)
		}
	}
}

// budget returns how long the client may take from now to send one more byte.
func (w *watch) budget(now time.Time) (time.Duration, bool) {
	d, ok := time.Duration(0), false
	if w.total > 0 {
		// The bytes that came buy time at the rate; the division comes first
		// and loses less than a second of what nobody needs.
		earned := time.Duration(min(w.count/w.rate, int64(w.total/time.Second)+1)) * time.Second
		d, ok = min(w.grace+earned, w.total)-w.waited, true
	}
	if end := w.body.x.life.until(); !end.IsZero() {
		if left := end.Sub(now); !ok || left < d {
			d, ok = left, true
		}
	}
	return d, ok
}

func (w *watch) finish(n int, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reading = false
	if w.timer != nil {
		w.timer.Stop()
	}
	w.waited += time.Since(w.since)
	w.count += int64(n)
	w.done = w.done || err != nil
	return w.late
}

// fire is called when the client's time is over, or a moment later.
func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	d, ok := w.budget(w.since)
	if !w.reading || w.late != nil || !ok || now.Sub(w.since) < d {
		return // a read ended at the same moment
	}
	if w.body.x.life.passed() {
		w.late = context.DeadlineExceeded
	} else {
		waited := w.waited + now.Sub(w.since)
		w.late = w.body.over.Raise(&guard.Refusal{
			Rule: "limits/slow-body", Status: http.StatusRequestTimeout, Code: "REQUEST_TIMEOUT",
			Detail: "The body arrived too slowly.",
			Reason: fmt.Sprintf("%d bytes of the body in %s", w.count, waited.Round(time.Millisecond)),
			Close:  true,
		})
		if w.late == nil { // only observed
			w.total = 0
			if d, ok := w.budget(now); ok {
				w.timer.Reset(d)
			}
			w.since = now
			w.waited = waited
			return
		}
	}
	w.deadline(time.Unix(1, 0)) // past: the read that waits returns
}

// deadline sets the connection's read deadline. Where there is none to set,
// no client is at the other end.
func (w *watch) deadline(t time.Time) {
	_ = http.NewResponseController(w.body.x.ResponseWriter).SetReadDeadline(t)
}

func (w *watch) hurry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done || w.reading || w.late != nil || w.total == 0 || w.body.x.req.ProtoMajor >= 2 {
		return
	}
	w.hurried = true
	w.deadline(time.Now().Add(w.grace))
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}

var errMalformed = errors.New("limits: the body is not in its Content-Encoding")
