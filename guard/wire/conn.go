package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// Where a connection is in its input.
type state uint8

const (
	atHead    state = iota // before or within a request's head
	inBody                 // within a body of known length
	inChunks               // within a chunked body
	atUpgrade              // behind a request that asks for another protocol, until it is known whether it got it
	isRaw                  // another protocol has the connection
	isRefused              // the refusal's stand-in was handed out; what comes is discarded
	isDead                 // a body went wrong; nothing more can be read
)

const (
	bufferSize = 4 << 10
	maxLine    = 8 << 10 // of a request line, RFC 9112 section 3 asks for at least 8000 bytes
	maxMethod  = 64
	maxFields  = 200
	maxDrain   = 256 << 10
	lingerTime = 500 * time.Millisecond
	maxPending = 64 << 10 // bytes that may wait behind a request to upgrade
)

// conn hands net/http only requests that have one meaning. It is the only
// parser that sees the client's bytes: whatever Read returns was written by
// it, but for the bytes of bodies and, after an upgrade, of the other
// protocol.
//
// net/http calls Read from one goroutine at a time, the deadlines' methods
// and Close from any.
type conn struct {
	net.Conn
	g       *Guard
	secure  bool // inside TLS
	maxHead int

	state  state
	waited bool // a Read has returned while atUpgrade
	served bool // a request was handed out before
	head   head
	chunk  chunk
	left   uint64 // bytes of the body, or of the chunk, that are still to come

	in  []byte // what came from the client and is not yet used up, from r on; nil between requests
	r   int
	out []byte // what net/http gets next, from o on
	o   int
	// ready ends the part of out that may be handed out. The end of a chunked
	// body waits behind it until its trailers are known to be good.
	ready int

	refusal atomic.Pointer[guard.Refusal] // why the stand-in was handed out
	broken  atomic.Pointer[guard.Refusal] // why the body ended in the middle
	linger  atomic.Bool                   // the client may still be sending: close gently
	closed  atomic.Bool
	raw     atomic.Bool // set with isRaw, for Close

	ahead []byte // goes behind the next response's status line; see Preface

	mu          sync.Mutex
	deadline    time.Time     // as net/http set it
	headBy      time.Time     // when the head that has begun must be complete; zero if none
	headTimeout time.Duration // the server's ReadHeaderTimeout
}

// standIn is the request that stands in for one that is refused, so that the
// answer takes its turn behind the answers to earlier requests, and goes the
// way of all answers. The field that marks it is taken out of every request
// that a client sends.
const (
	standIn = " / HTTP/1.1\r\nHost: refused.invalid\r\n" + marker + ": 1\r\nConnection: close\r\n\r\n"
	marker  = "Pavise-Refused"
)

// errAhead ends a connection whose client does not wait for its upgrade.
var errAhead = errors.New("wire: too many bytes sent ahead of an upgrade")

// poison is what net/http's chunk reader fails on, both where it expects a
// chunk's size and where it expects a chunk's end. Unlike an error from
// Read it does not make net/http believe that the client is gone.
const poison = "--\r\n"

// Read returns the next bytes of the request for net/http.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := 0
	for {
		if c.o < c.ready {
			m := copy(p[n:], c.out[c.o:c.ready])
			n += m
			if c.o += m; c.o == len(c.out) {
				c.dropOut()
			}
			if n == len(p) {
				return n, nil
			}
		}
		// One Read never returns bytes of two messages, and does not wait for
		// more when it has some.
		if n > 0 && c.state != inBody && c.state != inChunks {
			return n, nil
		}
		switch c.state {
		case atHead:
			done, ref := c.parseHead()
			if ref != nil {
				c.refuse(ref)
				continue
			}
			if done {
				if ref := c.lookAhead(); ref != nil {
					c.refuse(ref)
				} else {
					c.release()
				}
				continue
			}
			if c.state != atHead {
				continue // HTTP/2
			}
			if err := c.fill(p); err != nil {
				if ref := c.stopsShort(err); ref != nil {
					c.refuse(ref)
					continue
				}
				return 0, err
			}

		case inBody:
			m, err := c.payload(p[n:], n == 0)
			n += m
			if err != nil {
				return n, c.cut(err)
			}
			if c.left == 0 {
				c.endMessage()
			} else if m == 0 || n == len(p) {
				return n, nil
			}

		case inChunks:
			if c.chunk.phase == chunkData {
				m, err := c.payload(p[n:], n == 0)
				n += m
				if err != nil {
					return n, c.cut(err)
				}
				if c.left == 0 {
					c.chunk.phase = chunkDataCR
				} else if m == 0 {
					return n, nil
				}
				if n == len(p) {
					return n, nil
				}
				continue
			}
			ref := c.chunks()
			c.release()
			switch {
			case ref != nil:
				c.spoil(ref)
			case c.state != inChunks || c.chunk.phase == chunkData || c.o < c.ready:
			case n > 0:
				return n, nil
			default:
				if err := c.fill(p); err != nil {
					return 0, c.cut(err)
				}
			}

		case atUpgrade:
			// net/http reads one byte ahead while the handler runs, and for
			// more only when the handler is done and did not take the
			// connection. Only then is what follows a request.
			if c.waited || len(p) > 1 {
				c.state = atHead
				continue
			}
			for {
				err := errAhead
				if len(c.in)-c.r < maxPending {
					err = c.fill(p)
				}
				if err != nil {
					c.waited = true
					return 0, err
				}
			}

		case isRaw:
			if c.r < len(c.in) {
				n := copy(p, c.in[c.r:])
				if c.r += n; c.r == len(c.in) {
					c.dropIn()
				}
				return n, nil
			}
			return c.Conn.Read(p)

		case isRefused:
			// The rest is read, for a while, so that the client gets to read
			// its answer: a connection that is closed with bytes unread is
			// reset.
			return 0, c.drain()

		default:
			return 0, io.EOF
		}
	}
}

// payload copies bytes of a body to p. It reads from the connection only if
// it may.
func (c *conn) payload(p []byte, read bool) (int, error) {
	if uint64(len(p)) > c.left {
		p = p[:c.left]
	}
	if c.r < len(c.in) {
		n := copy(p, c.in[c.r:])
		c.left -= uint64(n)
		if c.r += n; c.r == len(c.in) {
			c.dropIn()
		}
		return n, nil
	}
	if !read {
		return 0, nil
	}
	n, err := c.Conn.Read(p)
	c.left -= uint64(n)
	if n > 0 {
		err = nil // it will come again
	}
	return n, err
}

// lookAhead judges as much of a chunked body as has come together with the
// head, before the head is handed out: what is already known to be wrong
// never reaches a handler.
func (c *conn) lookAhead() *guard.Refusal {
	for c.state == inChunks && c.r < len(c.in) {
		if c.chunk.phase == chunkData {
			m := min(uint64(len(c.in)-c.r), c.left)
			c.out = append(c.out, c.in[c.r:c.r+int(m)]...)
			c.r += int(m)
			if c.left -= m; c.left == 0 {
				c.chunk.phase = chunkDataCR
			}
			continue
		}
		at := c.r
		if ref := c.chunks(); ref != nil {
			return ref
		}
		if c.r == at {
			break // a trailer line waits for its end
		}
	}
	if c.r == len(c.in) {
		c.dropIn()
	}
	return nil
}

// release lets what was written to out be handed out.
func (c *conn) release() {
	c.ready = len(c.out)
	if c.state == inChunks && c.chunk.phase >= trailerLine {
		c.ready = c.chunk.last
	}
}

// endMessage is called when a request was read to its end.
func (c *conn) endMessage() {
	c.state = atHead
	c.linger.Store(false)
	c.newHead()
}

// refuse replaces the request whose head was being read by the stand-in.
func (c *conn) refuse(ref *guard.Refusal) {
	method := "GET"
	if c.head.isHEAD {
		method = "HEAD" // its answer has no body
	}
	c.refusal.Store(ref)
	c.linger.Store(true)
	c.dropIn()
	if c.out == nil {
		c.out = c.g.buffers.get()
	}
	c.out, c.o = append(append(c.out[:0], method...), standIn...), 0
	c.state = isRefused
	c.release()
	c.clearHeadBy()
}

// spoil ends a chunked body with what net/http refuses too. The handler's
// half puts the refusal in the place of net/http's error.
func (c *conn) spoil(ref *guard.Refusal) {
	c.broken.Store(ref)
	c.dropIn()
	if c.out == nil {
		c.out = c.g.buffers.get()
	}
	c.out = append(c.out[:c.ready], poison...)
	c.state = isDead
	c.release()
}

// cut notes why a body ended before its end.
func (c *conn) cut(err error) error {
	if errors.Is(err, io.EOF) {
		c.broken.Store(refusal("wire/framing", 400, "INCOMPLETE_BODY",
			"The connection ended before the request's body did.", "the body stops short"))
		c.state = isDead
		return io.ErrUnexpectedEOF
	}
	return err
}

// stopsShort returns the refusal of a head that does not come to its end, or
// nil if none has begun or net/http only wants its Read back.
func (c *conn) stopsShort(err error) *guard.Refusal {
	if !c.headBegun() {
		return nil
	}
	switch {
	case errors.Is(err, io.EOF):
		return refusal("wire/request-line", 400, "INCOMPLETE_REQUEST",
			"The connection ended before the request's head did.", "the head stops short")
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.mu.Lock()
		wanted := c.deadline.IsZero() || past(c.deadline)
		c.mu.Unlock()
		if wanted {
			return nil
		}
		return refusal("wire/request-line", 408, "REQUEST_TIMEOUT",
			"The request's head did not arrive in time.", "the head did not arrive in time")
	}
	return nil
}

// fill waits for more input. Between requests it holds no buffer: it borrows
// the caller's.
func (c *conn) fill(p []byte) error {
	if c.in == nil {
		p = p[:min(len(p), bufferSize)]
		n, err := c.Conn.Read(p)
		if n == 0 {
			return err
		}
		c.in = append(c.g.buffers.get(), p[:n]...)
		c.r = 0
		return nil
	}
	if c.state == atHead && c.headBegun() {
		c.setHeadBy()
	}
	if c.r > 0 {
		c.compact()
	}
	if len(c.in) == cap(c.in) {
		grown := make([]byte, len(c.in), 4*cap(c.in))
		copy(grown, c.in)
		c.g.buffers.put(c.in)
		c.in = grown
	}
	n, err := c.Conn.Read(c.in[len(c.in):cap(c.in)])
	c.in = c.in[:len(c.in)+n]
	if n > 0 {
		return nil
	}
	return err
}

// compact moves what is left of the input to the buffer's beginning.
func (c *conn) compact() {
	n := copy(c.in, c.in[c.r:])
	c.in = c.in[:n]
	c.head.scan -= c.r
	c.head.start -= c.r
	c.r = 0
}

// takeOver makes the connection transparent. It is called when the handler
// has hijacked it, so no Read is under way.
func (c *conn) takeOver() {
	c.state = isRaw
	c.raw.Store(true)
}

// past reports whether t is the moment long ago by which net/http takes back
// a Read that it no longer wants.
func past(t time.Time) bool { return !t.IsZero() && t.Unix() < 1<<30 }

// SetReadDeadline sets the deadline of Read. While the head of a further
// request on the connection is under way, the time that a head may take
// counts, from its first byte on, and not the time that the connection may
// be idle, which net/http goes on to wait for until the head is complete.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.setDeadlineLocked()
}

func (c *conn) setDeadlineLocked() error {
	t := c.deadline
	if !c.headBy.IsZero() && !t.IsZero() && !past(t) {
		t = c.headBy
	}
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *conn) setHeadBy() {
	if !c.served || !c.headBy.IsZero() {
		return // net/http's own deadline is that of the first head
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.headTimeout > 0 {
		c.headBy = time.Now().Add(c.headTimeout)
		if !c.deadline.IsZero() {
			_ = c.setDeadlineLocked() // a connection that has none fails at Read
		}
	}
}

func (c *conn) clearHeadBy() {
	if c.headBy.IsZero() {
		return
	}
	c.mu.Lock()
	c.headBy = time.Time{}
	c.mu.Unlock()
}
