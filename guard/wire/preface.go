package wire

import (
	"bytes"
	"errors"
	"net/http"
)

// Preface has block, which is whole field lines, written behind the status
// line of the response to r, in front of what net/http makes of its header
// map. It reports whether it will be; else the fields have to go into the map.
//
// Call it right before the response's header is written to net/http's own
// response writer, and with nil when a request begins, so that a block that
// was never sent cannot meet another response.
//
// It is for fields that every response has. In the map they cost more than
// all else that the guards do: net/http copies the map, sorts it, and checks
// each field for line breaks, for every response.
func (g *Guard) Preface(r *http.Request, block []byte) bool {
	c := connOf(r)
	if c == nil {
		return false
	}
	c.ahead = nil
	// With a body, a "100 Continue" may be written by whoever reads it, at the
	// same time.
	if len(block) == 0 || r.ContentLength != 0 {
		return false
	}
	c.ahead = block
	return true
}

// errNoHead ends a connection on which not a response's head came next.
var errNoHead = errors.New("wire: a response does not begin with a status line")

// Write writes to the client. net/http's first write of a response holds the
// whole status line, as its buffer is empty then and larger.
func (c *conn) Write(p []byte) (int, error) {
	if c.ahead == nil {
		return c.Conn.Write(p)
	}
	block := c.ahead
	c.ahead = nil
	line := bytes.IndexByte(p, '\n') + 1
	if line < 2 || p[line-2] != '\r' || !bytes.HasPrefix(p, []byte("HTTP/1.")) {
		return 0, errNoHead // rather no response than one without the fields
	}
	// One write, and so one TLS record and one packet if it fits.
	out := c.g.buffers.get()
	out = append(out, p[:line]...)
	out = append(out, block...)
	out = append(out, p[line:]...)
	n, err := c.Conn.Write(out)
	c.g.buffers.put(out)
	return min(n, line) + max(n-line-len(block), 0), err
}
