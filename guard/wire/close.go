package wire

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

func (c *conn) drain() error {
	buf := c.g.buffers.get()
	defer c.g.buffers.put(buf)
	for total := 0; total < maxDrain; {
		n, err := c.Conn.Read(buf[:cap(buf)])
		if err != nil {
			return err
		}
		total += n
	}
	return io.EOF
}

// CloseWrite shuts down the sending side.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close closes the connection. If the client may still be sending it does so
// gently, in the background: it says that nothing more comes and reads on for
// half a second, for else the client would get a reset in the place of the
// answer (RFC 9112 section 9.6).
func (c *conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return net.ErrClosed
	}
	if !c.linger.Load() || c.raw.Load() || !c.g.lingerers.begin() {
		return c.Conn.Close()
	}
	_ = c.CloseWrite()
	_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
	go func() {
		defer c.g.lingerers.end()
		_ = c.drain()
		_ = c.Conn.Close()
	}()
	return nil
}

// lingerers counts connections that are being closed gently, and bounds them.
type lingerers struct{ n atomic.Int64 }

func (l *lingerers) begin() bool {
	if l.n.Add(1) > 1024 {
		l.n.Add(-1)
		return false
	}
	return true
}

func (l *lingerers) end() { l.n.Add(-1) }

func (c *conn) dropIn() {
	c.g.buffers.put(c.in)
	c.in, c.r = nil, 0
	c.head.start, c.head.scan = 0, 0
}

func (c *conn) dropOut() {
	c.g.buffers.put(c.out)
	c.out, c.o, c.ready = nil, 0, 0
}
