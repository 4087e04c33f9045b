package jsonbody

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// verbatim are the bytes that stand for themselves in a string.
var verbatim = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\'
	}
	return t
}()

// str judges the string that begins at s.i.
func (s *scanner) str() (e entry, pass, more bool) {
	data := s.data
	i := s.i + 1
	e.start = i
	surplus := 0 // so many more bytes than characters
	for {
		for i < len(data) && verbatim[data[i]] {
			i++
		}
		if i == len(data) {
			pass, more = s.broken("a string is not ended")
			return e, pass, more
		}
		switch c := data[i]; {
		case c == '"':
			e.end = i
			s.i = i + 1
			if i-e.start-surplus > s.bounds.str && !s.found(checkString, "a string is too long") {
				return e, false, false
			}
			return e, true, true
		case c == '\\':
			e.escaped = true
			size, chars, r := escape(data[i:])
			if size == 0 {
				pass, more = s.broken("an escape is malformed")
				return e, pass, more
			}
			// A lone surrogate is no character: some parsers replace it, some
			// keep it, and Python fails when it is written out again.
			if utf16.IsSurrogate(r) && !s.found(checkSurrogates, "a lone surrogate") {
				return e, false, false
			}
			// C strings and PostgreSQL text end at a NUL or refuse it.
			if r == 0 && !s.found(checkNUL, "a NUL character") {
				return e, false, false
			}
			i += size
			surplus += size - chars
		case c < ' ':
			pass, more = s.broken("a raw control character in a string")
			return e, pass, more
		default:
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size == 1 && !s.found(checkUTF8, "a string is not UTF-8") {
				return e, false, false
			}
			i += size
			surplus += size - 1
		}
	}
}

// escape reads the escape at the start of p. Its size is 0 if it is
// malformed; r is a surrogate if it is a lone one.
func escape(p []byte) (size, chars int, r rune) {
	if len(p) < 2 {
		return 0, 0, 0
	}
	switch p[1] {
	case '"', '\\', '/':
		return 2, 1, rune(p[1])
	case 'b':
		return 2, 1, '\b'
	case 'f':
		return 2, 1, '\f'
	case 'n':
		return 2, 1, '\n'
	case 'r':
		return 2, 1, '\r'
	case 't':
		return 2, 1, '\t'
	case 'u':
		r, ok := hex4(p[2:])
		if !ok {
			return 0, 0, 0
		}
		if utf16.IsSurrogate(r) && len(p) >= 12 && p[6] == '\\' && p[7] == 'u' {
			if low, ok := hex4(p[8:]); ok {
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					return 12, 1, full
				}
			}
		}
		return 6, 1, r
	}
	return 0, 0, 0
}

func hex4(p []byte) (r rune, ok bool) {
	if len(p) < 4 {
		return 0, false
	}
	for _, c := range p[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendUnescaped appends the characters of a judged string, lone surrogates
// as their three bytes, so that different keys stay different.
func appendUnescaped(dst, p []byte) []byte {
	for i := 0; i < len(p); {
		if p[i] != '\\' {
			dst = append(dst, p[i])
			i++
			continue
		}
		size, _, r := escape(p[i:])
		if size == 0 {
			return append(dst, p[i:]...)
		}
		if utf16.IsSurrogate(r) {
			dst = append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		i += size
	}
	return dst
}

// nonFinite returns the length of the word for a number that is none, as
// Python reads and writes it, at the start of p, or 0.
func nonFinite(p []byte) int {
	for _, word := range [...]string{"NaN", "Infinity", "-Infinity"} {
		if len(p) >= len(word) && string(p[:len(word)]) == word {
			return len(word)
		}
	}
	return 0
}

// number judges the number at s.i, RFC 8259 section 6.
func (s *scanner) number() (pass, more bool) {
	data, i := s.data, s.i
	digits := func() bool {
		from := i
		for i < len(data) && data[i] >= '0' && data[i] <= '9' {
			i++
		}
		return i > from
	}
	if data[i] == '-' {
		i++
	}
	if i < len(data) && data[i] == '0' {
		i++
	} else if !digits() {
		return s.broken("a number is malformed")
	}
	if i < len(data) && data[i] == '.' {
		i++
		if !digits() {
			return s.broken("a number is malformed")
		}
	}
	exponent := false
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		exponent = true
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if !digits() {
			return s.broken("a number is malformed")
		}
	}
	text := data[s.i:i]
	s.i = i
	// Reading a number of n digits takes Python n² steps (CVE-2020-10735).
	if len(text) > s.bounds.number {
		ok := s.found(checkNumbers, "a number has too many digits")
		return ok, ok
	}
	// 1e999 is infinite to JavaScript and Python, an error to Go, and exact
	// to others.
	if exponent || len(text) > 300 {
		if _, err := strconv.ParseFloat(string(text), 64); err != nil {
			ok := s.found(checkNumbers, "a number is too large for a float64")
			return ok, ok
		}
	}
	return true, true
}

// maxPointer bounds a pointer that goes into a response.
const maxPointer = 256

// pointer returns the JSON pointer (RFC 6901) to what is being judged, or to
// the innermost value around it of which the pointer is no longer than
// maxPointer.
func (s *scanner) pointer() string {
	var b strings.Builder
	for i := range s.frames {
		f := &s.frames[i]
		var token string
		switch {
		case !f.object:
			token = strconv.Itoa(f.count)
		case f.key.end == 0:
			return b.String() // the key itself is not known
		default:
			token = pointerToken(strings.ToValidUTF8(string(s.decoded(f.key, &s.other)), "\ufffd"))
		}
		if b.Len()+1+len(token) > maxPointer {
			break
		}
		b.WriteByte('/')
		b.WriteString(token)
	}
	return b.String()
}

func pointerToken(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
