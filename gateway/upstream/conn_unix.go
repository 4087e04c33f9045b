//go:build unix

package upstream

import (
	"net"
	"syscall"
)

// watch prepares [conn.quiet].
func (c *conn) watch(nc net.Conn) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	c.raw = raw
	c.peek = func(fd uintptr) bool {
		// The socket does not block. If a byte is read it is lost, but so is
		// the connection then.
		_, err := syscall.Read(int(fd), c.peekBuf[:])
		c.peekIdle = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	}
}

// quiet reports whether the socket is open and has nothing to read.
func (c *conn) quiet() bool {
	if c.raw == nil {
		return true
	}
	c.peekIdle = false
	return c.raw.Read(c.peek) == nil && c.peekIdle
}
