package contenttype

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/guard"
)

// A judge reads a body in pieces. next judges a prefix of p and returns its
// length; what it leaves is shown again with more behind it, or for the last
// time with eof. It leaves only a bounded piece. A refusal is about the byte
// after the prefix.
type judge interface {
	next(p []byte, eof bool) (int, *guard.Refusal)
}

// judgeAll judges a whole body.
func judgeAll(j judge, body []byte) *guard.Refusal {
	_, ref := j.next(body, true)
	return ref
}

type coding uint8

const (
	identity coding = iota
	gzipped
	deflated
	unknownCoding
)

// checkEncoding judges Content-Encoding. Compressed requests are how a small
// body becomes a big one behind every byte limit, and how content passes a
// filter that does not decompress; no browser sends them.
func checkEncoding(r *http.Request, s *settings) (coding, error) {
	values := r.Header["Content-Encoding"]
	if len(values) == 0 || len(values) == 1 && strings.EqualFold(values[0], "identity") {
		return identity, nil
	}
	c := unknownCoding
	name := ""
	if len(values) == 1 {
		switch v := values[0]; {
		case strings.EqualFold(v, "gzip"), strings.EqualFold(v, "x-gzip"): // RFC 9110 section 8.4.1.3 says they are one
			c, name = gzipped, "gzip"
		case strings.EqualFold(v, "deflate"):
			c, name = deflated, "deflate"
		}
	}
	if s.allowAnyCoding {
		return c, nil
	}
	for _, e := range s.encodings {
		if e == name {
			return c, nil
		}
	}
	return unknownCoding, guard.Judge(r, &guard.Refusal{
		Rule: "contenttype/encoding", Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_CONTENT_ENCODING",
		Detail: "send the body in a content coding that Accept-Encoding of this response lists",
		Reason: "Content-Encoding " + quote(strings.Join(values, " + ")),
		// RFC 9110 section 15.5.16: so the client knows that it is the
		// coding and not the type.
		Header: http.Header{"Accept-Encoding": {s.acceptEncoding}},
	})
}

// A stream is a body of which a reader gets no byte before it was judged.
type stream struct {
	src        io.Reader
	raw        io.Closer
	judge      judge
	coding     coding
	maxDecoded int64
	raise      func(*guard.Refusal) error

	buf      []byte // [read:judged] may go out, [judged:filled] is held back
	read     int
	judged   int
	filled   int
	decoded  int64
	started  bool
	open     bool  // a refusal was only observed: the rest is not judged
	overflow bool  // the size was observed
	err      error // comes after what may go out
}

// streamBuffer is the least size of a stream's buffer. It has to hold what a
// judge leaves: a part's header, or a delimiter.
const streamBuffer = 32 << 10

// install puts the stream in the place of r's body.
func (s *stream) install(r *http.Request) {
	s.raw = r.Body
	r.Body = s
	if s.coding != identity {
		// What goes on is decoded, and its length is not known.
		h := r.Header.Clone()
		h.Del("Content-Encoding")
		h.Del("Content-Length")
		r.Header = h
		r.ContentLength = -1
	}
}

func (s *stream) Close() error { return s.raw.Close() }

func (s *stream) start() error {
	s.started = true
	size := streamBuffer
	if m, ok := s.judge.(*multipartJudge); ok {
		size = max(size, m.limits.MaxPartHeaderBytes+1<<10)
	}
	s.buf = make([]byte, size)
	var err error
	switch s.coding {
	case gzipped:
		s.src, err = gzip.NewReader(s.src)
	case deflated:
		s.src, err = zlib.NewReader(s.src)
	}
	if err != nil {
		return s.undecodable(err)
	}
	return nil
}

// undecodable returns the error for a body that is not in the coding that it
// declares. There are no bytes to go on with even if that is only observed.
func (s *stream) undecodable(err error) error {
	var ref *guard.Refusal
	if errors.As(err, &ref) {
		return ref
	}
	if verdict := s.raise(&guard.Refusal{
		Rule: "contenttype/encoding", Status: http.StatusBadRequest, Code: "INVALID_CONTENT_ENCODING",
		Detail: "the body is not in the content coding that it declares", Reason: "undecodable body", Close: true,
	}); verdict != nil {
		return verdict
	}
	return io.ErrUnexpectedEOF
}

func (s *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !s.started {
		if err := s.start(); err != nil {
			s.err = err
		}
	}
	for idle := 0; ; {
		if s.read < s.judged {
			n := copy(p, s.buf[s.read:s.judged])
			s.read += n
			return n, nil
		}
		if s.err != nil {
			return 0, s.err
		}
		if idle == 100 {
			return 0, io.ErrNoProgress
		}
		// Everything that may go out has: what is held back moves to the front.
		s.filled = copy(s.buf, s.buf[s.judged:s.filled])
		s.read, s.judged = 0, 0
		before := s.filled
		s.fill()
		if s.filled == before {
			idle++
		}
	}
}

// fill reads once and judges.
func (s *stream) fill() {
	n, err := s.src.Read(s.buf[s.filled:])
	s.filled += n
	eof := errors.Is(err, io.EOF)
	if err != nil && !eof && s.coding != identity {
		err = s.undecodable(err)
	}
	if s.coding != identity && !s.overflow {
		if s.decoded += int64(n); s.decoded > s.maxDecoded {
			if verdict := s.raise(&guard.Refusal{
				Rule: "contenttype/encoding", Status: http.StatusRequestEntityTooLarge, Code: "BODY_TOO_LARGE",
				Detail: "the decoded body is too large", Reason: "decoded body over max_decoded_bytes", Close: true,
			}); verdict != nil {
				s.err = verdict
				return
			}
			s.overflow = true
		}
	}
	if s.open {
		s.judged = s.filled
		s.err = err
		return
	}
	if err != nil && !eof {
		// The body broke off. What came is judged as a piece, not as a whole.
		s.err = err
	}
	m, ref := s.judge.next(s.buf[s.judged:s.filled], eof)
	s.judged += m
	if ref != nil {
		if verdict := s.raise(ref); verdict != nil {
			s.err = verdict
			return
		}
		s.open = true
		s.judged = s.filled
	}
	if eof {
		s.err = io.EOF
	}
}

// text checks that bytes are UTF-8 without NUL, across pieces. A service that
// decodes a field fails on what is not UTF-8, and what handles C strings or
// PostgreSQL text ends at a NUL.
type text struct {
	held [utf8.UTFMax]byte
	n    int
}

// add reports whether the text is well-formed so far.
func (t *text) add(p []byte) bool {
	for t.n > 0 && len(p) > 0 {
		t.held[t.n] = p[0]
		t.n++
		p = p[1:]
		if r, size := utf8.DecodeRune(t.held[:t.n]); r != utf8.RuneError || size > 1 {
			t.n = 0
		} else if utf8.FullRune(t.held[:t.n]) {
			return false
		}
	}
	for i := 0; i < len(p); {
		c := p[i]
		if c < utf8.RuneSelf {
			if c == 0 {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError && size == 1 {
			if utf8.FullRune(p[i:]) {
				return false
			}
			t.n = copy(t.held[:], p[i:])
			return true
		}
		i += size
	}
	return true
}

// end reports whether the text ends with a whole character, and begins anew.
func (t *text) end() bool {
	whole := t.n == 0
	t.n = 0
	return whole
}
