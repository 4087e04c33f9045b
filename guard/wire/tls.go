package wire

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// maxHandshakes is how many handshakes may be under way at once. One more
// ends the oldest: an honest one takes milliseconds.
const maxHandshakes = 1024

// handshakeTimeout is how long one may take.
const handshakeTimeout = 10 * time.Second

// TLSListener is [Guard.Listener] with TLS. Handshakes are done here, so that
// a slow one delays nobody and net/http gets only connections that are ready:
// a guarded one for HTTP/1.1, the *tls.Conn itself for HTTP/2, which net/http
// needs to see. A config without NextProtos offers both.
//
// A client that speaks HTTP without TLS is told so.
func (g *Guard) TLSListener(l net.Listener, config *tls.Config) net.Listener {
	config = config.Clone()
	if len(config.NextProtos) == 0 {
		config.NextProtos = []string{"h2", "http/1.1"}
	} else {
		config.NextProtos = slices.Clone(config.NextProtos)
	}
	t := &tlsListener{
		Listener: l, g: g, config: config,
		ready: make(chan net.Conn), failed: make(chan error), done: make(chan struct{}),
	}
	go t.accept()
	return t
}

type tlsListener struct {
	net.Listener
	g      *Guard
	config *tls.Config
	ready  chan net.Conn
	failed chan error
	done   chan struct{}
	once   sync.Once

	mu      sync.Mutex
	pending list.List // of net.Conn, the oldest first
}

// accept hands connections to their handshakes until the listener fails.
func (t *tlsListener) accept() {
	for {
		c, err := t.Listener.Accept()
		if err != nil {
			select {
			case t.failed <- err:
			case <-t.done:
				return
			}
			var temporary interface{ Temporary() bool }
			if errors.As(err, &temporary) && temporary.Temporary() {
				continue // Accept's caller has waited a little
			}
			return
		}
		go t.handshake(c, t.begin(c))
	}
}

// begin notes that a handshake begins.
func (t *tlsListener) begin(c net.Conn) *list.Element {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending.Len() >= maxHandshakes {
		oldest := t.pending.Front()
		t.pending.Remove(oldest)
		_ = oldest.Value.(net.Conn).Close() // its handshake fails
	}
	return t.pending.PushBack(c)
}

func (t *tlsListener) handshake(c net.Conn, e *list.Element) {
	tc := tls.Server(c, t.config)
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	_ = c.SetDeadline(time.Now().Add(handshakeTimeout))
	err := tc.HandshakeContext(ctx)
	cancel()
	t.mu.Lock()
	t.pending.Remove(e) // does nothing if it was ended
	t.mu.Unlock()

	var ready net.Conn
	var plain tls.RecordHeaderError
	switch {
	case err == nil && !isHTTP1(tc.ConnectionState().NegotiatedProtocol):
		ready = tc // HTTP/2, or net/http closes it
	case err == nil:
		w := t.g.conn(tc)
		w.secure = true
		ready = &tlsConn{w, tc}
	case errors.As(err, &plain) && plain.Conn != nil && looksLikeHTTP(plain.RecordHeader):
		w := t.g.conn(plain.Conn)
		w.head.isHEAD = string(plain.RecordHeader[:]) == "HEAD "
		w.refuse(refusal("wire/request-line", 400, "TLS_REQUIRED",
			"This port speaks HTTPS.", "plain HTTP on the TLS port"))
		ready = w
	default:
		_ = c.Close()
		return
	}
	_ = c.SetDeadline(time.Time{})
	select {
	case t.ready <- ready:
	case <-t.done:
		_ = c.Close()
	}
}

func isHTTP1(protocol string) bool {
	return protocol == "" || protocol == "http/1.1" || protocol == "http/1.0"
}

// looksLikeHTTP reports whether five bytes that are no TLS record begin a
// request.
func looksLikeHTTP(b [5]byte) bool {
	switch string(b[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO", "PRI *":
		return true
	}
	return false
}

// Accept returns the next connection whose handshake is done.
func (t *tlsListener) Accept() (net.Conn, error) {
	select {
	case c := <-t.ready:
		return c, nil
	case err := <-t.failed:
		return nil, err
	case <-t.done:
		return nil, net.ErrClosed
	}
}

// Close stops listening, and ends the handshakes that are under way.
func (t *tlsListener) Close() error {
	err := net.ErrClosed
	t.once.Do(func() {
		close(t.done)
		err = t.Listener.Close()
		t.mu.Lock()
		defer t.mu.Unlock()
		for e := t.pending.Front(); e != nil; e = e.Next() {
			_ = e.Value.(net.Conn).Close()
		}
	})
	return err
}
