package contenttype

import (
	"bytes"
	"mime"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/guard"
)

// multipartJudge judges multipart/form-data, RFC 7578 on RFC 2046 section 5.1:
//
//	body = "--" boundary CRLF head CRLF data *( CRLF "--" boundary CRLF head CRLF data )
//	       CRLF "--" boundary "--" [ CRLF ]
//
// RFC 2046 also allows a preamble, an epilogue and blanks after a delimiter.
// No client of an API sends those; parsers differ on them, and
// python-multipart logs a line for each byte of an epilogue (CVE-2024-53981).
// They are refused.
type multipartJudge struct {
	limits   Multipart
	dash     []byte // "--" boundary
	state    state
	scanned  int  // of a head: how far it was searched for its end
	last     byte // before what data is shown
	parts    int
	size     int64 // of this part's data
	maxSize  int64
	checkUTF bool
	text     text
}

type state uint8

const (
	atStart state = iota
	inHead
	inData
	afterLast
	atEnd
)

func newMultipartJudge(boundary string, limits Multipart) *multipartJudge {
	return &multipartJudge{limits: limits, dash: []byte("--" + boundary)}
}

func (m *multipartJudge) next(p []byte, eof bool) (int, *guard.Refusal) {
	n := 0
	for {
		used, more, ref := m.step(p[n:], eof)
		n += used
		if ref != nil || !more {
			return n, ref
		}
	}
}

// step judges one thing at the start of q. It returns whether the next thing
// can be judged without more bytes.
func (m *multipartJudge) step(q []byte, eof bool) (used int, more bool, ref *guard.Refusal) {
	switch m.state {
	case atStart:
		k := min(len(q), len(m.dash))
		if !bytes.Equal(q[:k], m.dash[:k]) {
			return 0, false, badMultipart("the body does not begin with its boundary")
		}
		if len(q) < len(m.dash)+2 {
			return 0, false, truncated(eof)
		}
		if ref := m.delimiter(q[len(m.dash):]); ref != nil {
			return 0, false, ref
		}
		return len(m.dash) + 2, true, nil
	case inHead:
		return m.head(q, eof)
	case inData:
		return m.data(q, eof)
	case afterLast:
		// A lone CR at the very end is no line end.
		const end = "\r\n"
		k := min(len(q), len(end))
		if string(q[:k]) != end[:k] || eof && k == 1 {
			return 0, false, badMultipart("bytes after the last delimiter")
		}
		if k < len(end) {
			return 0, false, nil
		}
		m.state = atEnd
		return len(end), true, nil
	default: // atEnd
		if len(q) > 0 {
			return 0, false, badMultipart("bytes after the last delimiter")
		}
		return 0, false, nil
	}
}

func truncated(eof bool) *guard.Refusal {
	if eof {
		return badMultipart("the last delimiter is missing")
	}
	return nil
}

// delimiter judges the two bytes after a boundary.
func (m *multipartJudge) delimiter(q []byte) *guard.Refusal {
	switch string(q[:2]) {
	case "\r\n":
		m.state, m.scanned = inHead, 0
		if m.parts++; m.parts > m.limits.MaxParts {
			return bigMultipart("too many parts")
		}
	case "--":
		m.state = afterLast
	default:
		// "--boundaryX" is data to one parser and a delimiter to another.
		return badMultipart("a boundary is followed by something else than a line end")
	}
	return nil
}

// head waits for the whole head of a part, which is bounded.
func (m *multipartJudge) head(q []byte, eof bool) (int, bool, *guard.Refusal) {
	if len(q) >= 2 && q[0] == '\r' && q[1] == '\n' {
		return 0, false, badMultipart("a part without a header")
	}
	i := bytes.Index(q[m.scanned:], []byte("\r\n\r\n"))
	end := m.scanned + i + 4
	if i < 0 {
		end = len(q)
	}
	if end > m.limits.MaxPartHeaderBytes {
		return 0, false, bigMultipart("a part's header is too large")
	}
	if i < 0 {
		m.scanned = max(0, len(q)-3)
		return 0, false, truncated(eof)
	}
	if ref := m.fields(q[:end-2]); ref != nil {
		return 0, false, ref
	}
	m.state, m.size, m.last = inData, 0, '\n'
	return end, true, nil
}

// fields judges a part's header fields, each ended by CRLF.
func (m *multipartJudge) fields(h []byte) *guard.Refusal {
	if !utf8.Valid(h) {
		return badMultipart("a part's header is not UTF-8")
	}
	var disposition, typ, transfer string
	for count := 0; len(h) > 0; count++ {
		if count == m.limits.MaxPartHeaders {
			return bigMultipart("a part has too many header fields")
		}
		i := bytes.Index(h, []byte("\r\n"))
		line := string(h[:i])
		h = h[i+2:]
		name, value, ok := strings.Cut(line, ":")
		// A folded line begins with a blank, which is no token.
		if !ok || !isToken(name) || !plain(value) {
			return badMultipart("a part's header is malformed")
		}
		value = strings.Trim(value, " \t")
		var field *string
		switch {
		case strings.EqualFold(name, "Content-Disposition"):
			field = &disposition
		case strings.EqualFold(name, "Content-Type"):
			field = &typ
		case strings.EqualFold(name, "Content-Transfer-Encoding"):
			field = &transfer
		default:
			continue
		}
		if *field != "" || value == "" {
			return badMultipart("a part's header field is empty or stands twice")
		}
		*field = value
	}
	file, ok := parseDisposition(disposition)
	if !ok {
		return badMultipart("a part needs one Content-Disposition of form-data with a name, and a file name without a path")
	}
	// Whatever type a field declares, frameworks hand it over as text:
	// Starlette reads one of application/octet-stream that is not UTF-8 as
	// Latin-1, NULs and all.
	m.checkUTF = !file
	if typ != "" {
		t, ok := parseMediaType(typ)
		if !ok {
			return badMultipart("a part's Content-Type is malformed")
		}
		if len(t.typ) >= 10 && strings.EqualFold(t.typ[:10], "multipart/") {
			// RFC 7578 section 4.3 deprecates it, and who counts parts
			// counts only the outer ones.
			return badMultipart("a part is multipart itself")
		}
		if !file && t.hasCharset && !strings.EqualFold(t.charset, "utf-8") {
			return badMultipart("a field is not in UTF-8")
		}
	}
	// RFC 7578 section 4.7 deprecates it. Go decodes quoted-printable by
	// itself and others do not, so both would read another file.
	if transfer != "" && !strings.EqualFold(transfer, "7bit") && !strings.EqualFold(transfer, "8bit") && !strings.EqualFold(transfer, "binary") {
		return badMultipart("a part has a transfer encoding")
	}
	// Starlette before 0.40 held fields in memory without bound
	// (CVE-2024-47874), and wrote files to disk in the event loop
	// (CVE-2025-54121).
	m.maxSize = m.limits.MaxFieldBytes
	if file {
		m.maxSize = m.limits.MaxFileBytes
	}
	m.text = text{}
	return nil
}

// plain reports whether a header value has no control characters, such as a
// bare CR or LF.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// data searches for the delimiter that ends the part. So much is held back
// that a delimiter and the CRLF before it are always seen together.
func (m *multipartJudge) data(q []byte, eof bool) (int, bool, *guard.Refusal) {
	for from := 0; ; {
		i := bytes.Index(q[from:], m.dash)
		if i < 0 {
			break
		}
		i += from
		if i >= 2 && q[i-2] == '\r' && q[i-1] == '\n' {
			if len(q) < i+len(m.dash)+2 {
				// The data goes out; the delimiter stays until it is whole.
				if eof {
					return 0, false, truncated(true)
				}
				if ref := m.add(q[:i-2]); ref != nil {
					return 0, false, ref
				}
				return i - 2, false, nil
			}
			if ref := m.add(q[:i-2]); ref != nil {
				return 0, false, ref
			}
			if m.checkUTF && !m.text.end() {
				return 0, false, badMultipart("a field is not UTF-8")
			}
			if ref := m.delimiter(q[i+len(m.dash):]); ref != nil {
				return 0, false, ref
			}
			return i + len(m.dash) + 2, true, nil
		}
		// At the start of a line that CRLF did not begin, or right after
		// the header, some parsers see a delimiter and some see data.
		before := m.last
		if i > 0 {
			before = q[i-1]
		}
		if before == '\n' || before == '\r' {
			return 0, false, badMultipart("a boundary without CRLF before it")
		}
		// Only what follows a CR or LF can matter, so that data that is full
		// of boundaries is searched once.
		j := bytes.IndexAny(q[i:], "\r\n")
		if j < 0 {
			break
		}
		from = i + j + 1
	}
	if eof {
		return 0, false, truncated(true)
	}
	n := max(0, len(q)-len(m.dash)-1)
	if ref := m.add(q[:n]); ref != nil {
		return 0, false, ref
	}
	return n, false, nil
}

// add counts and checks data that goes out.
func (m *multipartJudge) add(p []byte) *guard.Refusal {
	if len(p) > 0 {
		m.last = p[len(p)-1]
	}
	if m.size += int64(len(p)); m.size > m.maxSize {
		return bigMultipart("a part is too large")
	}
	if m.checkUTF && !m.text.add(p) {
		return badMultipart("a field has a NUL or is not UTF-8")
	}
	return nil
}

// parseDisposition parses a part's Content-Disposition and reports whether
// the part is a file: one with a plain filename, since frameworks that do not
// know filename* take the part for a field and hold it in memory.
//
//	"form-data" 1*( OWS ";" OWS name "=" ( token / DQUOTE *safe DQUOTE ) )
//
// A backslash in a quoted string is an escape to some parsers and itself to
// others (browsers send it as itself), so it is refused. So are names of
// parameters in another case and RFC 2231 pieces (name*0): parsers differ.
//
// Of filename and filename* some versions of python-multipart take the one
// and some the other. They may differ, as an ASCII fallback does, but not in
// the extension, by which apps say what a file may be.
func parseDisposition(v string) (file, ok bool) {
	kind, rest, _ := strings.Cut(v, ";")
	if !strings.EqualFold(strings.TrimRight(kind, " \t"), "form-data") {
		return false, false
	}
	var seen [maxParams]string
	n := 0
	hasName := false
	var plainName, extName *string
	for more := len(rest) > 0; more; {
		rest = strings.TrimLeft(rest, " \t")
		i := 0
		for i < len(rest) && tchar[rest[i]] {
			i++
		}
		if i == 0 || i == len(rest) || rest[i] != '=' || n == maxParams {
			return false, false
		}
		name := rest[:i]
		rest = rest[i+1:]
		var value string
		if strings.HasPrefix(rest, `"`) {
			j := strings.IndexByte(rest[1:], '"')
			if j < 0 {
				return false, false
			}
			value, rest = rest[1:1+j], rest[2+j:]
			if strings.IndexByte(value, '\\') >= 0 {
				return false, false
			}
		} else {
			j := 0
			for j < len(rest) && tchar[rest[j]] {
				j++
			}
			if j == 0 {
				return false, false
			}
			value, rest = rest[:j], rest[j:]
		}
		for _, s := range seen[:n] {
			if strings.EqualFold(s, name) {
				return false, false
			}
		}
		seen[n] = name
		n++
		switch {
		case name == "name":
			hasName = value != ""
		case name == "filename":
			file = true
			plainName = &value
			if !safeFilename(value) {
				return false, false
			}
		case name == "filename*":
			decoded, good := parseExtValue(value)
			if !good || !safeFilename(decoded) {
				return false, false
			}
			extName = &decoded
		case strings.EqualFold(name, "name"), strings.EqualFold(name, "filename"), strings.IndexByte(name, '*') >= 0:
			return false, false
		}
		rest = strings.TrimLeft(rest, " \t")
		if rest == "" {
			break
		}
		if rest[0] != ';' {
			return false, false
		}
		rest = rest[1:]
	}
	if plainName != nil && extName != nil && !sameExtension(*plainName, *extName) {
		return false, false
	}
	return file, hasName
}

// sameExtension reports whether two names of one file end alike. .NET writes
// a name that is not ASCII as an encoded word of RFC 2047.
func sameExtension(a, b string) bool {
	if strings.HasPrefix(a, "=?") {
		if plain, err := new(mime.WordDecoder).DecodeHeader(a); err == nil {
			a = plain
		}
	}
	return strings.EqualFold(path.Ext(a), path.Ext(b))
}

// parseExtValue decodes RFC 8187's charset'language'value, in UTF-8 only.
func parseExtValue(v string) (string, bool) {
	charset, rest, ok1 := strings.Cut(v, "'")
	_, enc, ok2 := strings.Cut(rest, "'")
	if !ok1 || !ok2 || !strings.EqualFold(charset, "utf-8") {
		return "", false
	}
	s, ok := percentDecode(enc)
	return s, ok && utf8.ValidString(s)
}

func percentDecode(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if len(s)-i < 3 {
				return "", false
			}
			hi, ok1 := unhex(s[i+1])
			lo, ok2 := unhex(s[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			c = hi<<4 | lo
			i += 2
		}
		b = append(b, c)
	}
	return string(b), true
}

// safeFilename refuses names that leave their folder or end early where an
// app joins them to a path (CWE-22), as they are and once more decoded, since
// browsers percent-encode in file names and some frameworks decode.
func safeFilename(name string) bool {
	for range 2 {
		if name == "." || name == ".." || strings.ContainsAny(name, "/\\") || !plain(name) {
			return false
		}
		name = looseDecode(name)
	}
	return true
}

// looseDecode decodes what is an escape and keeps what is not: "100%.txt" is
// a name.
func looseDecode(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && len(s)-i >= 3 {
			if d, ok := percentDecode(s[i : i+3]); ok {
				b = append(b, d...)
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func badMultipart(reason string) *guard.Refusal {
	return &guard.Refusal{
		Rule: "contenttype/multipart", Status: http.StatusBadRequest, Code: "INVALID_MULTIPART",
		Detail: "the multipart body is malformed: " + reason, Reason: "multipart: " + reason, Close: true,
	}
}

func bigMultipart(reason string) *guard.Refusal {
	return &guard.Refusal{
		Rule: "contenttype/multipart", Status: http.StatusRequestEntityTooLarge, Code: "MULTIPART_TOO_LARGE",
		Detail: "the multipart body is too large: " + reason, Reason: "multipart: " + reason, Close: true,
	}
}
