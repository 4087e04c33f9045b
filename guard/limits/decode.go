package limits

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A coding is a content coding that we can count.
type coding int

const (
	identity coding = iota
	gzipCoding
	deflateCoding // zlib, RFC 9110 section 8.4.1.2
)

// codingOf returns the coding of r's body, and false if there is one that we
// cannot count: an unknown one, or several, of which each may be a bomb
// inside the last.
func codingOf(r *http.Request) (coding, bool) {
	values := r.Header["Content-Encoding"]
	switch len(values) {
	case 0:
		return identity, true
	case 1:
	default:
		return identity, false
	}
	v := strings.Trim(values[0], " \t")
	switch {
	case strings.EqualFold(v, "gzip"), strings.EqualFold(v, "x-gzip"):
		return gzipCoding, true
	case strings.EqualFold(v, "deflate"):
		return deflateCoding, true
	case strings.EqualFold(v, "identity"):
		return identity, true
	}
	return identity, false
}

// A decoder decodes a body only to count it, and passes on the encoded bytes.
// It runs in the reader's goroutine: each Read decodes until there are
// encoded bytes whose decoded form was counted, and returns those. What the
// format itself still holds back is at most its window of 32 KiB.
type decoder struct {
	body  *body
	kind  coding
	in    io.Reader // the decoder proper; nil before the first byte
	limit int64     // of decoded bytes
	ratio int64
	count int64 // decoded bytes

	buf        [4 << 10]byte // encoded bytes that came
	start, end int           // of buf, what was not decoded yet
	ready      []byte        // encoded bytes that were decoded
	given      int           // of ready, what was returned
	failed     error         // how the client's bytes ended
	done       bool          // nothing is left to decode
	off        bool          // no longer counted: a refusal was only observed
	scratch    []byte
}

func newDecoder(b *body, kind coding, limit, ratio int64) *decoder {
	return &decoder{body: b, kind: kind, limit: limit, ratio: ratio, scratch: make([]byte, 4<<10)}
}

// window is how much may be held back for want of a decoded byte. A gzip
// header may have 64 KiB of extra field; more than this is no body but a way
// to fill memory.
const window = 128 << 10

var errHeldBack = errors.New("limits: too much encoded for nothing decoded")

// ReadByte gives the decoder its next byte. That it is given byte by byte is
// what keeps it from reading ahead: what it has taken it has decoded, but for
// its window.
func (d *decoder) ReadByte() (byte, error) {
	if d.start == d.end {
		if err := d.fill(); err != nil {
			return 0, err
		}
	}
	if len(d.ready)-d.given >= window {
		return 0, errHeldBack
	}
	c := d.buf[d.start]
	d.start++
	d.ready = append(d.ready, c)
	return c, nil
}

// take is ReadByte for several, which stored blocks are read by.
func (d *decoder) take(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := d.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	n := copy(p[1:], d.buf[d.start:d.end])
	d.ready = append(d.ready, d.buf[d.start:d.start+n]...)
	d.start += n
	return n + 1, nil
}

// source is the decoder as the flate package reads it.
type source struct{ *decoder }

func (s source) Read(p []byte) (int, error) { return s.take(p) }

var _ flate.Reader = source{}

func (d *decoder) fill() error {
	if d.failed != nil {
		return d.failed
	}
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = d.body.readCounted(d.buf[:])
	}
	d.start, d.end, d.failed = 0, n, err
	if n > 0 {
		return nil
	}
	return err
}

// Read returns encoded bytes that have been counted decoded.
func (d *decoder) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for d.given == len(d.ready) && !d.done && !d.off {
		d.ready, d.given = d.ready[:0], 0
		if err := d.step(); err != nil {
			d.ready, d.given = nil, 0
			d.done, d.body.err = true, err
			return 0, err
		}
	}
	if d.given < len(d.ready) {
		n := copy(p, d.ready[d.given:])
		d.given += n
		return n, nil
	}
	if d.off && d.start < d.end {
		n := copy(p, d.buf[d.start:d.end])
		d.start += n
		return n, nil
	}
	if d.failed != nil {
		return 0, d.failed
	}
	return d.body.readCounted(p) // off, or an end that is still to be seen
}

// step decodes a piece. Its error ends the body.
func (d *decoder) step() error {
	n, err := d.decode()
	d.count += int64(n)
	encoded := d.body.count - int64(d.end-d.start)
	switch {
	case d.count > d.limit:
		return d.raise(tooLarge(d.limit, "the decoded body went on past the limit"))
	case d.count > 1<<20 && d.count/d.ratio > encoded:
		return d.raise(tooLarge(d.limit, fmt.Sprintf("%d bytes decoded to more than %d", encoded, d.count)))
	case err == nil:
		return nil
	case err == io.EOF: //nolint:errorlint // as io.Reader asks for
		d.done = true
		return nil
	case d.failed != nil && d.failed != io.EOF: //nolint:errorlint // as io.Reader asks for
		return d.failed // the client, or another limit, ended it
	}
	return d.raise(&guard.Refusal{
		Rule: "limits/encoding", Status: http.StatusBadRequest, Code: "MALFORMED_ENCODING",
		Detail: "The body is not in its Content-Encoding.",
		Reason: fmt.Sprintf("the body does not decode: %.80q", err.Error()),
		Close:  true,
	})
}

// raise puts a refusal to the door; if the request may go on, the rest of the
// body does so uncounted.
func (d *decoder) raise(ref *guard.Refusal) error {
	err := d.body.over.Raise(ref)
	d.off = err == nil
	return err
}

func (d *decoder) decode() (int, error) {
	if d.in == nil {
		var err error
		if d.kind == gzipCoding {
			d.in, err = gzip.NewReader(source{d})
		} else {
			// "deflate" without the zlib frame is what some clients send. It
			// is refused: two servers could read its first bytes differently.
			d.in, err = zlib.NewReader(source{d})
		}
		switch {
		case err != nil && d.failed == io.EOF && d.body.count == 0: //nolint:errorlint // as io.Reader asks for
			return 0, io.EOF // no body at all
		case err == io.EOF: //nolint:errorlint // returned bare
			return 0, io.ErrUnexpectedEOF
		case err != nil:
			return 0, err
		}
	}
	n, err := d.in.Read(d.scratch)
	if err == io.EOF && d.kind == deflateCoding {
		// gzip members may follow each other, zlib streams may not.
		if _, more := d.ReadByte(); more == nil {
			return n, errMalformed
		}
		if d.failed != io.EOF { //nolint:errorlint // as io.Reader asks for
			return n, d.failed
		}
	}
	return n, err
}
