package jsonbody

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/guard"
)

const (
	// firstRead is the size of a buffer to begin with. It grows with what
	// arrives, not with what Content-Length announces.
	firstRead = 4 << 10
	// keepBuffer is the size up to which a buffer is used again.
	keepBuffer = 64 << 10
)

// judged is a body that was read: its bytes, which go out once.
type judged struct {
	mu      sync.Mutex // a proxy may read in one goroutine and close in another
	data    []byte
	at      int
	buf     *[]byte
	pool    *sync.Pool
	src     io.Closer
	decoded bool
}

// recycle gives the buffer back. Nobody reads after it: Read copies.
func (b *judged) recycle() {
	if b.buf != nil && cap(*b.buf) <= keepBuffer {
		*b.buf = (*b.buf)[:0]
		b.pool.Put(b.buf)
	}
	b.buf, b.data, b.at = nil, nil, 0
}

func (b *judged) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	n := copy(p, b.data[b.at:])
	b.at += n
	if n == 0 {
		b.recycle()
		return 0, io.EOF
	}
	return n, nil
}

func (b *judged) Close() error {
	b.mu.Lock()
	b.recycle()
	b.mu.Unlock()
	return b.src.Close()
}

// replace puts the judged bytes in the place of r's body, and describes them
// as they are: of this length, in no coding.
func (b *judged) replace(r *http.Request) {
	length := int64(len(b.data))
	if r.ContentLength < 0 && len(r.Trailer) > 0 {
		// Trailers come behind chunks only: with a length they would be lost
		// on the way to an upstream.
		if b.decoded {
			r.Header = r.Header.Clone()
			r.Header.Del("Content-Encoding")
		}
		r.Body = b
		return
	}
	if b.decoded || r.ContentLength != length {
		h := r.Header.Clone()
		h.Set("Content-Length", strconv.FormatInt(length, 10))
		if b.decoded {
			h.Del("Content-Encoding")
		}
		r.Header = h
	}
	r.ContentLength = length
	r.TransferEncoding = nil
	r.Body = b
}

// rest is a body of which a part was read already; it is for requests that
// pass although they were not judged.
type rest struct {
	io.Reader
	io.Closer
}

// read reads the whole body. If complete is false and err nil, the request
// may pass without being judged, and r.Body still has every byte.
func (g *Guard) read(r *http.Request, s *settings) (b *judged, complete bool, err error) {
	if r.ContentLength > s.bytes {
		return nil, false, tooLarge(r, s) // not a byte read, and none needed
	}
	src, coding, ok := codingOf(r)
	if !ok {
		// It cannot be judged, so only whoever lets anything pass lets it pass.
		if s.off&checkSyntax != 0 {
			return nil, false, nil
		}
		return nil, false, guard.Judge(r, &guard.Refusal{
			Rule: "jsonbody/strict-syntax", Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_CONTENT_ENCODING",
			Detail: "JSON is accepted as it is, or in gzip or deflate", Reason: "JSON in an unknown content coding",
			Header: http.Header{"Accept-Encoding": {"identity, gzip, deflate"}},
		})
	}
	var raw *keeper
	if coding {
		raw = &keeper{src: r.Body, max: s.bytes}
		src, err = openDecoder(r, raw)
		if err != nil {
			return nil, false, g.unreadable(r, err, raw.all())
		}
	}

	buf := g.buffers.Get().(*[]byte)
	data := (*buf)[:0]
	var readErr error
	for idle := 0; readErr == nil && int64(len(data)) <= s.bytes; {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		var n int
		n, readErr = src.Read(data[len(data):min(int64(cap(data)), s.bytes+1)])
		data = data[:len(data)+n]
		if n > 0 {
			idle = 0
		} else if idle++; idle == 100 && readErr == nil {
			readErr = io.ErrNoProgress
		}
	}
	*buf = data
	b = &judged{data: data, buf: buf, pool: &g.buffers, src: r.Body, decoded: coding}
	switch {
	case int64(len(data)) > s.bytes, errors.Is(readErr, errLong):
		if err := tooLarge(r, s); err != nil {
			b.recycle()
			return nil, false, err
		}
		// What goes on is what came.
		back := io.MultiReader(bytes.NewReader(data), r.Body)
		if coding {
			back = raw.all()
		}
		r.Body = rest{back, r.Body}
		return nil, false, nil
	case errors.Is(readErr, io.EOF):
		return b, true, nil
	}
	back := io.MultiReader(bytes.NewReader(data), failed{readErr})
	if coding {
		back = raw.all()
	}
	if err := g.unreadable(r, readErr, back); err != nil {
		b.recycle()
		return nil, false, err
	}
	return nil, false, nil
}

// failed is the end of a body that broke off.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// keeper keeps what a decoder reads, so that it can go on undecoded. It is
// bounded by itself: a coded body need not decode to anything.
type keeper struct {
	src  io.Reader
	max  int64
	kept bytes.Buffer
}

var errLong = errors.New("jsonbody: the coded body is too long")

func (k *keeper) Read(p []byte) (int, error) {
	if int64(k.kept.Len()) > k.max {
		return 0, errLong
	}
	n, err := k.src.Read(p)
	k.kept.Write(p[:n])
	return n, err
}

func (k *keeper) all() io.Reader { return io.MultiReader(&k.kept, k.src) }

// codingOf says how r's body is coded: not at all, in a coding that can be
// decoded, or in another.
func codingOf(r *http.Request) (src io.Reader, coding, ok bool) {
	values := r.Header["Content-Encoding"]
	if len(values) == 0 || len(values) == 1 && strings.EqualFold(values[0], "identity") {
		return r.Body, false, true
	}
	if len(values) > 1 {
		return nil, false, false
	}
	switch strings.ToLower(values[0]) {
	case "gzip", "x-gzip", "deflate":
		return nil, true, true
	}
	return nil, false, false
}

func openDecoder(r *http.Request, raw io.Reader) (io.Reader, error) {
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "deflate") {
		return zlib.NewReader(raw)
	}
	return gzip.NewReader(raw)
}

// unreadable judges a body that did not arrive whole. back is put in its
// place if the request may pass.
func (g *Guard) unreadable(r *http.Request, err error, back io.Reader) error {
	var ref *guard.Refusal
	if errors.As(err, &ref) {
		return ref // the verdict of a guard that counts the body's bytes
	}
	var large *http.MaxBytesError
	ref = &guard.Refusal{
		Rule: "jsonbody/strict-syntax", Status: http.StatusBadRequest, Code: "BODY_UNREADABLE",
		Detail: "the body did not arrive whole", Reason: "reading the body failed", Close: true,
	}
	if errors.As(err, &large) {
		ref = largeRefusal()
	}
	if verdict := guard.Judge(r, ref); verdict != nil {
		return verdict
	}
	r.Body = rest{back, r.Body}
	return nil
}

// tooLarge judges a body above the size.
func tooLarge(r *http.Request, s *settings) error {
	if s.oversize {
		return nil
	}
	return guard.Judge(r, largeRefusal())
}

func largeRefusal() *guard.Refusal {
	return &guard.Refusal{
		Rule: "jsonbody/size", Status: http.StatusRequestEntityTooLarge, Code: "BODY_TOO_LARGE",
		Detail: "the JSON body is too large", Reason: "a JSON body over max_bytes", Close: true,
	}
}
