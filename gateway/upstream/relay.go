package upstream

import (
	"errors"
	"io"
	"net/http"
)

// relay writes the response.
func (e *exchange) relay() error {
	h := &e.head
	out := e.w.Header()
	bodiless := h.bodiless(e.r.Method)
	e.copyHeader(out)
	if !h.typed && !bodiless && h.length != 0 && len(out["Content-Type"]) == 0 {
		out["Content-Type"] = nil // or net/http would guess one
	}
	if f := e.u.opts.Response; f != nil {
		f(out, e.r, h.status)
	}
	if e.sender != nil {
		e.closeClient()
	}
	e.wrote, e.inBody = true, true
	e.w.WriteHeader(h.status)

	// An upstream that was asked to upgrade and did not may be of two minds.
	reuse := !h.close && e.upgrade == "" && !e.oddBody()
	var err error
	switch {
	case bodiless:
		// What an upstream announced here it may also send, and it would be
		// read as the next response.
		reuse = reuse && !h.chunked && h.length <= 0
	case h.chunked:
		e.live, e.dirty = true, true
		err = e.relayChunked()
	case h.length >= 0:
		e.live, e.dirty = h.stream, h.stream
		if h.length > smallBuffer && e.large == nil && e.lo == e.hi {
			e.grow()
		}
		err = e.copyN(h.length)
	default:
		e.live, e.dirty = true, true
		reuse = false
		err = e.relayToEnd()
	}
	if err != nil {
		return e.why("relay the body", err)
	}
	// Bytes after the end were not asked for.
	e.reuse = reuse && e.lo == e.hi
	return nil
}

// copyHeader adds what is to be relayed of the response's header to out.
func (e *exchange) copyHeader(out http.Header) {
	h := &e.head
	n := 1
	for i := range h.fields {
		f := &h.fields[i]
		if f.name == "Trailer" && (!h.chunked || !e.r.ProtoAtLeast(1, 1)) {
			f.drop = true
		}
		if !f.drop {
			n++
		}
	}
	values := make([]string, n) // one allocation for all
	i := 0
	if h.length >= 0 && h.status != http.StatusNoContent && h.status != http.StatusSwitchingProtocols {
		values[0] = h.lengthS
		out["Content-Length"] = values[:1:1]
		i = 1
	}
	for j := range h.fields {
		f := &h.fields[j]
		if f.drop {
			continue
		}
		if had, ok := out[f.name]; ok && f.name != "Date" {
			out[f.name] = append(had, f.value)
			continue
		}
		values[i] = f.value
		out[f.name] = values[i : i+1 : i+1]
		i++
	}
}

// write writes to the client.
func (e *exchange) write(p []byte) error {
	e.dirty = true
	if _, err := e.w.Write(p); err != nil {
		return &Error{Op: "write to the client", Status: http.StatusBadGateway, Err: err}
	}
	return nil
}

// copyN relays n bytes.
func (e *exchange) copyN(n int64) error {
	for n > 0 {
		if e.lo == e.hi {
			if err := e.fill(); err != nil {
				return err
			}
		}
		p := e.buf[e.lo:e.hi]
		if int64(len(p)) > n {
			p = p[:n]
		}
		if err := e.write(p); err != nil {
			return err
		}
		e.lo += len(p)
		n -= int64(len(p))
	}
	return nil
}

// relayToEnd relays a response that ends with the connection.
func (e *exchange) relayToEnd() error {
	for {
		if e.lo == e.hi {
			err := e.fill()
			if errors.Is(err, io.EOF) { // over TLS, only after a close_notify
				return nil
			}
			if err != nil {
				return err
			}
		}
		if err := e.write(e.buf[e.lo:e.hi]); err != nil {
			return err
		}
		e.lo = e.hi
	}
}

// line reads a line of at most limit bytes and returns it without its end,
// until the next read.
func (e *exchange) line(limit int) ([]byte, error) {
	at := 0
	for {
		b := e.buf[e.lo:e.hi]
		for i := at; i < len(b); i++ {
			if b[i] != '\n' {
				continue
			}
			if i == 0 || b[i-1] != '\r' {
				return nil, errBareLF
			}
			if i >= limit {
				return nil, errChunk
			}
			e.lo += i + 1
			return b[:i-1], nil
		}
		if at = len(b); at >= limit {
			return nil, errChunk
		}
		if err := e.fill(); err != nil {
			return nil, err
		}
	}
}

// relayChunked relays a chunked body and its trailers.
func (e *exchange) relayChunked() error {
	for {
		line, err := e.line(maxChunkLine)
		if err != nil {
			return err
		}
		size, ok := parseChunk(line)
		if !ok {
			return errChunk
		}
		if size == 0 {
			return e.relayTrailers()
		}
		if err := e.copyN(size); err != nil {
			return err
		}
		if line, err = e.line(2); err != nil {
			return err
		}
		if len(line) != 0 {
			return errChunk
		}
	}
}

// relayTrailers relays the trailers that may be relayed.
func (e *exchange) relayTrailers() error {
	var kept http.Header
	left := e.u.opts.MaxResponseHeader
	for n := 0; ; n++ {
		line, err := e.line(left)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		if n == maxFields {
			return errManyFields
		}
		left -= len(line) + 2
		f, err := parseField(string(line))
		if err != nil {
			return err
		}
		if forbiddenTrailer(f.name) {
			continue
		}
		if kept == nil {
			kept = http.Header{}
		}
		kept[f.name] = append(kept[f.name], f.value)
	}
	if kept == nil {
		return nil
	}
	// Flushed now, or net/http would see that the body is all there, send it
	// with a Content-Length and have no place for trailers.
	if err := http.NewResponseController(e.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return &Error{Op: "write to the client", Status: http.StatusBadGateway, Err: err}
	}
	out := e.w.Header()
	for name, values := range kept {
		out[http.TrailerPrefix+name] = values
	}
	return nil
}
