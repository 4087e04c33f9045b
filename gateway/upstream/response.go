package upstream

import (
	"errors"
	"net/http"
	"net/textproto"
	"strings"
)

const (
	maxFields        = 200  // of a response's head, and of its trailers
	maxListed        = 64   // names in the response's Connection fields
	maxInformational = 5    // 1xx responses before the final one
	maxChunkLine     = 4096 // a chunk's size and its extensions
)

// A field is one header line.
type field struct {
	name  string // canonical
	value string
	drop  bool // not to be relayed
}

// A head is a parsed response head. Its fields' storage is used again.
type head struct {
	status int
	fields []field

	length  int64  // of Content-Length, or -1
	lengthS string // the same as text
	chunked bool
	close   bool   // the upstream will close the connection, or says so
	upgrade string // the Upgrade field, if Connection lists it
	typed   bool   // has a Content-Type
	stream  bool   // is text/event-stream
	minor   byte   // of HTTP/1.x
}

// errors of parsing. They name no value: a response may hold secrets.
var (
	errStatusLine   = errors.New("the status line is malformed")
	errStatus       = errors.New("the status is not between 100 and 599")
	errBareLF       = errors.New("a line ends without CR")
	errFold         = errors.New("a header line is folded or begins with a space")
	errFieldName    = errors.New("a header name is malformed")
	errFieldValue   = errors.New("a header value has a control character")
	errManyFields   = errors.New("too many header fields")
	errManyListed   = errors.New("the Connection field lists too many names")
	errLength       = errors.New("the Content-Length is malformed")
	errLengths      = errors.New("two Content-Length fields differ")
	errBothFramings = errors.New("both Content-Length and Transfer-Encoding")
	errEncoding     = errors.New("the Transfer-Encoding is not exactly chunked")
	errEncoding10   = errors.New("Transfer-Encoding in an HTTP/1.0 response")
	errHeadTooLarge = errors.New("the head is too large")
	errChunk        = errors.New("a chunk is malformed")
	errTooManyInfo  = errors.New("too many informational responses")
	errUnasked101   = errors.New("switched protocols unasked")
	errWrong101     = errors.New("switched to another protocol than was asked for")
)

// parse parses a head: s is its lines, each ended by CRLF (the caller has
// split on them, so no other LF is in s), and the empty line.
//
// RFC 9112 lets a recipient repair much of what is refused here. A repair is
// a guess, and a cache or client behind us may guess differently: that is
// response splitting and response smuggling.
func (h *head) parse(s string) error {
	*h = head{fields: h.fields[:0], length: -1}
	line, s, _ := strings.Cut(s, "\r\n")
	if err := h.parseStatus(line); err != nil {
		return err
	}
	encodings := 0
	listed := 0
	for {
		line, s, _ = strings.Cut(s, "\r\n")
		if line == "" {
			break
		}
		f, err := parseField(line)
		if err != nil {
			return err
		}
		if len(h.fields) == maxFields {
			return errManyFields
		}
		switch f.name {
		case "Content-Length":
			n, ok := parseLength(f.value)
			if !ok {
				return errLength
			}
			if h.length >= 0 && h.length != n {
				return errLengths
			}
			h.length, h.lengthS = n, f.value
			f.drop = true
		case "Transfer-Encoding":
			encodings++
			if encodings > 1 || !strings.EqualFold(f.value, "chunked") {
				return errEncoding
			}
			h.chunked = true
			f.drop = true
		case "Connection":
			listed += 1 + strings.Count(f.value, ",")
			if listed > maxListed {
				return errManyListed
			}
			f.drop = true
		case "Keep-Alive", "Te":
			f.drop = true
		case "Upgrade":
			if h.upgrade != "" {
				f.value = h.upgrade + "," + f.value // matches no protocol
			}
			h.upgrade = f.value
			f.drop = true
		case "Content-Type":
			h.typed = true
			h.stream = len(f.value) >= 17 && strings.EqualFold(f.value[:17], "text/event-stream")
		case "Date":
			for i := range h.fields {
				if h.fields[i].name == "Date" {
					f.drop = true // exactly one, the first
				}
			}
		default:
			f.drop = strings.HasPrefix(f.name, "Proxy-")
		}
		h.fields = append(h.fields, f)
	}
	if h.chunked {
		if h.length >= 0 {
			return errBothFramings
		}
		if h.minor == 0 {
			return errEncoding10
		}
	}
	h.close = h.minor == 0
	upgrading := false
	if listed > 0 {
		for i := range h.fields {
			if h.fields[i].name == "Connection" {
				upgrading = h.unlist(h.fields[i].value) || upgrading
			}
		}
	}
	if !upgrading {
		h.upgrade = ""
	}
	return nil
}

// unlist obeys a Connection field: the fields that it names are for us and
// not relayed. That concerns what the upstream sent and nothing else, so it
// cannot remove a header that a guard writes later.
func (h *head) unlist(list string) (upgrading bool) {
	for list != "" {
		var name string
		name, list, _ = strings.Cut(list, ",")
		name = strings.Trim(name, " \t")
		switch {
		case strings.EqualFold(name, "close"):
			h.close = true
		case strings.EqualFold(name, "upgrade"):
			upgrading = true
		case name == "" || strings.EqualFold(name, "keep-alive"):
		default:
			for i := range h.fields {
				if strings.EqualFold(h.fields[i].name, name) {
					h.fields[i].drop = true
				}
			}
		}
	}
	return upgrading
}

// parseStatus parses "HTTP/1.1 200 OK".
func (h *head) parseStatus(line string) error {
	if len(line) < 12 || line[:7] != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return errStatusLine
	}
	h.minor = line[7] - '0'
	for _, c := range []byte(line[9:12]) {
		if c < '0' || c > '9' {
			return errStatusLine
		}
		h.status = h.status*10 + int(c-'0')
	}
	// The reason phrase is not relayed. Servers leave its space away.
	if len(line) > 12 && line[12] != ' ' || !isValue(line[12:]) {
		return errStatusLine
	}
	if h.status < 100 || h.status > 599 {
		return errStatus
	}
	return nil
}

// parseField parses one line, without its end.
func parseField(line string) (field, error) {
	if line[0] == ' ' || line[0] == '\t' {
		return field{}, errFold // RFC 9112 section 5.2
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || !isToken(name) { // so no space before the colon either, RFC 9112 section 5.1
		return field{}, errFieldName
	}
	if !isValue(value) {
		return field{}, errFieldValue
	}
	return field{name: textproto.CanonicalMIMEHeaderKey(name), value: strings.Trim(value, " \t")}, nil
}

// parseLength parses a Content-Length: digits, no more than fit, and no
// padding.
func parseLength(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// parseChunk parses the line before a chunk, without its end.
func parseChunk(line []byte) (size int64, ok bool) {
	i := 0
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			c = 0xff
		}
		if c == 0xff {
			break
		}
		if i == 15 {
			return 0, false // would not fit, or is padded with zeros
		}
		size = size<<4 | int64(c)
	}
	if i == 0 {
		return 0, false
	}
	ext := line[i:]
	if len(ext) == 0 {
		return size, true
	}
	// Extensions are dropped, but must be such.
	if j := strings.IndexFunc(string(ext), func(r rune) bool { return r != ' ' && r != '\t' }); j < 0 || ext[j] != ';' || !isValue(string(ext)) {
		return 0, false
	}
	return size, true
}

// bodiless reports whether a response has no body whatever its header says,
// RFC 9112 section 6.3.
func (h *head) bodiless(method string) bool {
	return method == http.MethodHead || h.status == http.StatusNoContent || h.status == http.StatusNotModified
}
