package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	linger     = 500 * time.Millisecond // for which an early answer's client may go on sending
	maxDrain   = 1 << 20                // bytes of a body that nobody wants
	chunkStart = 6                      // room for the size of a chunk: four digits and CRLF
	chunkEnd   = 7                      // and for its CRLF and the last chunk
)

// A sender sends a request's body while the response is read: the upstream
// may answer before it has the whole, or exchange both piece by piece.
type sender struct {
	c      *conn
	r      *http.Request
	length int64 // or -1: chunked
	idle   time.Duration
	header time.Duration

	headBy  time.Time             // until when the response has to begin, once all is sent; c.mu holds it
	readErr atomic.Pointer[error] // reading the body failed
	eof     atomic.Bool           // the body was read to its end; set before the upstream can know
	sent    bool                  // all is sent; to be read when done
	done    chan struct{}
}

func (e *exchange) startSender() {
	if e.r.ProtoMajor == 1 {
		// Without it net/http reads the rest of the body before it writes
		// the response's head.
		_ = http.NewResponseController(e.w).EnableFullDuplex()
	}
	e.timed = true
	e.sender = &sender{
		c: e.c, r: e.r, length: e.r.ContentLength, done: make(chan struct{}),
		idle: e.u.opts.BodyIdleTimeout, header: e.u.opts.ResponseHeaderTimeout,
	}
	go e.sender.run()
}

func (s *sender) run() {
	defer close(s.done)
	defer func() {
		// The body may be a guard's. Its panic would end the process here.
		if v := recover(); v != nil {
			s.fail(fmt.Errorf("panic: %v", v))
		}
	}()
	s.send()
}

// fail ends the exchange because the body cannot be read.
func (s *sender) fail(err error) {
	s.readErr.CompareAndSwap(nil, &err)
	s.c.cancel() // an unfinished request must never look finished
}

// readError returns what reading the body failed with.
func (s *sender) readError() error {
	if p := s.readErr.Load(); p != nil {
		return *p
	}
	return nil
}

func (s *sender) send() {
	buf := buffers.Get().(*[largeBuffer]byte)
	defer buffers.Put(buf)
	var sent int64
	var timed time.Time
	for empty := 0; ; {
		p := buf[chunkStart : len(buf)-chunkEnd]
		n, err := s.r.Body.Read(p)
		sent += int64(n)
		if n == 0 && err == nil {
			if empty++; empty > 100 {
				err = errStuckBody
			}
		} else {
			empty = 0
		}
		if s.length >= 0 {
			switch {
			case sent > s.length:
				err = errLongBody
			case sent == s.length && err == nil:
				// The last bytes are held back until the body says that it
				// was the end: a guard may refuse it there.
				if err = atEnd(s.r.Body); err == nil {
					err = io.EOF
				}
			case sent < s.length && errors.Is(err, io.EOF):
				err = io.ErrUnexpectedEOF
			}
		}
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			s.fail(err)
			return
		}
		if last {
			s.eof.Store(true)
		}
		out := p[:n]
		if s.length < 0 {
			out = s.chunk(buf, n, last)
		}
		if len(out) > 0 {
			if now := time.Now(); now.Sub(timed) > s.idle/4 {
				timed = now
				if !s.c.writeBy(now.Add(s.idle)) {
					s.drain(buf[:])
					return
				}
			}
			if _, err := s.c.Write(out); err != nil {
				// The response may tell why, so reading it goes on.
				if !last {
					s.drain(buf[:])
				}
				return
			}
		}
		if last {
			s.sent = true
			s.c.mu.Lock()
			s.headBy = time.Now().Add(s.header)
			if !s.c.cancelled {
				_ = s.c.SetReadDeadline(s.headBy)
			}
			s.c.mu.Unlock()
			return
		}
	}
}

// chunk frames the n bytes that are in buf.
func (s *sender) chunk(buf *[largeBuffer]byte, n int, last bool) []byte {
	from, to := chunkStart, chunkStart+n
	if n > 0 {
		var size [chunkStart]byte
		b := append(strconv.AppendInt(size[:0], int64(n), 16), "\r\n"...)
		from -= len(b)
		copy(buf[from:], b)
		to += copy(buf[to:], "\r\n")
	}
	if !last {
		return buf[from:to]
	}
	to += copy(buf[to:], "0\r\n")
	out := buf[from:to:to]
	// net/http fills in the announced trailers when it has read the body.
	for name, values := range s.r.Trailer {
		if !isToken(name) || forbiddenTrailer(http.CanonicalHeaderKey(name)) {
			continue
		}
		for _, v := range values {
			if isValue(v) {
				out = appendField(out, name, v)
			}
		}
	}
	return append(slices.Clip(out), "\r\n"...)
}

// drain reads what the client still sends, as many clients do not look at
// the response before they are done.
func (s *sender) drain(buf []byte) {
	for total := 0; total < maxDrain; {
		n, err := s.r.Body.Read(buf)
		total += n
		if errors.Is(err, io.EOF) {
			s.eof.Store(true)
		}
		if err != nil {
			return
		}
		if n == 0 {
			total++
		}
	}
}

// complete reports whether the whole request was sent.
func (s *sender) complete() bool {
	if s.eof.Load() {
		// It is on its last write, or past it.
		t := time.NewTimer(10 * time.Millisecond)
		defer t.Stop()
		select {
		case <-s.done:
		case <-t.C:
		}
	}
	select {
	case <-s.done:
		return s.sent
	default:
		return false
	}
}

// halt ends the sender, whose connection is closed unless it is complete. A
// client that is still sending when it has its response is listened to for a
// moment: a connection that is closed on unread bytes is reset, and the reset
// may overtake the response.
func (s *sender) halt(w http.ResponseWriter, r *http.Request, answered bool) {
	select {
	case <-s.done:
		return
	default:
	}
	if !s.eof.Load() {
		rc := http.NewResponseController(w)
		until := past
		if answered && r.ProtoMajor == 1 {
			_ = rc.Flush()
			until = time.Now().Add(linger)
		}
		if rc.SetReadDeadline(until) != nil {
			return // not a server's writer; the body is net/http's no more
		}
	}
	<-s.done
}
