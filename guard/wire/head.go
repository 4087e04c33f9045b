package wire

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/pavise-dev/pavise/guard"
)

// span is a piece of in.
type span struct{ i, j int }

func (s span) of(b []byte) []byte { return b[s.i:s.j] }
func (s span) empty() bool        { return s.i == s.j }

// head is what is known so far about the request whose head is being read.
type head struct {
	start int  // of the line that is being read
	scan  int  // up to here the line was looked at
	end   int  // of a field line that may yet be folded
	cr    bool // the byte before scan is a CR
	fold  bool // end is set

	begun  bool // there was a request line
	blank  bool // there was an empty line before it
	isHEAD bool
	v10    bool // HTTP/1.0
	lines  int

	host      span // the Host field's value
	authority span // of a target in absolute form
	length    span // Content-Length
	upgrade   span // the protocol that is asked for
	absolute  bool
	chunked   bool
	expect    bool // 100-continue
	trailers  bool // TE: trailers
	closing   bool // Connection's options
	keepAlive bool
	upgrading bool
	singles   uint32 // which of the single fields were there
}

// lineTooLong is the rule of the refusal that line returns for its caller to
// replace.
const lineTooLong = "too long"

func (c *conn) newHead() {
	c.head = head{start: c.r, scan: c.r}
	c.chunk.declared = c.chunk.declared[:0]
}

// headBegun reports whether anything of a request was read.
func (c *conn) headBegun() bool {
	h := &c.head
	return h.begun || h.scan > h.start || c.in != nil && len(c.in) > h.scan
}

// line reads on to the end of the line that begins at head.start, which is
// to come before bound. The line is in[head.start:end] then, and head.scan is
// behind its CRLF. It looks at each byte once, however the input is split.
//
// A bare CR or LF, NUL and the other controls end no line for us: programs
// that take one of them for a line's end see other fields than those that do
// not (RFC 9112 section 2.2, CWE-444).
func (c *conn) line(bound int) (end int, ok bool, ref *guard.Refusal) {
	h := &c.head
	b := c.in
	limit := min(len(b), bound)
	for h.scan < limit {
		i := h.scan
		if h.cr {
			if b[i] != '\n' {
				return 0, false, refusal("wire/line-endings", 400, "BAD_LINE_ENDING", "A line has a CR that is not followed by LF.", "bare CR")
			}
			h.cr = false
			h.scan++
			return i - 1, true, nil
		}
		for i < limit && class[b[i]]&text != 0 {
			i++
		}
		h.scan = i
		if i == limit {
			break
		}
		switch b[i] {
		case '\r':
			h.cr = true
			h.scan++
		case '\n':
			if !c.g.policy.AllowBareLF {
				return 0, false, refusal("wire/line-endings", 400, "BAD_LINE_ENDING", "A line ends in LF without CR.", "bare LF")
			}
			h.scan++
			return i, true, nil
		default:
			return 0, false, refusal("wire/line-endings", 400, "CONTROL_CHARACTER", "A line has a control character.", fmt.Sprintf("control character %#02x", b[i]))
		}
	}
	if h.scan == bound {
		return 0, false, &guard.Refusal{Rule: lineTooLong}
	}
	return 0, false, nil
}

func (c *conn) badHead(detail, reason string) *guard.Refusal {
	return refusal("wire/header-syntax", 400, "BAD_HEADER", detail, reason)
}

// parseHead reads on in the head and writes it to out in canonical form. The
// first thing that is wrong, in the order of the bytes, is the verdict, so
// that it makes no difference how the input is split.
func (c *conn) parseHead() (done bool, ref *guard.Refusal) {
	h := &c.head
	if c.in == nil {
		return false, nil
	}
	if !h.begun && h.scan == h.start && c.r > 0 {
		c.compact()
	}
	if c.g.policy.AllowH2C && !c.served && !c.secure && !h.begun && !h.blank {
		if is, more := c.preface(); is {
			c.takeOver()
			return false, nil
		} else if more {
			return false, nil
		}
	}
	for {
		if h.fold {
			if h.scan == len(c.in) {
				return false, nil
			}
			if b := c.in[h.scan]; b != ' ' && b != '\t' {
				if ref := c.field(c.in[h.start:h.end]); ref != nil {
					return false, ref
				}
				h.start = h.scan
			} else if !c.g.policy.AllowObsFold {
				// RFC 9112 section 5.2: a folded line is one value to some, two
				// lines to others.
				return false, c.badHead("A header field is folded over two lines.", "obs-fold")
			} else {
				for i := h.end; i < h.scan; i++ {
					c.in[i] = ' '
				}
			}
			h.fold = false
		}
		bound := c.maxHead
		if !h.begun {
			bound = min(bound, h.start+maxLine)
		}
		end, ok, ref := c.line(bound)
		if !h.begun {
			h.isHEAD = c.asksHEAD()
		}
		if ref != nil {
			if ref.Rule != lineTooLong {
				return false, ref
			}
			if h.begun {
				return false, c.tooLarge("the head is too long")
			}
			if bytes.IndexByte(c.in[h.start:min(h.scan, h.start+maxMethod)], ' ') < 0 {
				return false, c.badLine("The request line does not begin with a method and a space.", "no method")
			}
			return false, refusal("wire/request-line", 414, "URI_TOO_LONG", "The request line is too long.", "the request line is too long")
		}
		if !ok {
			return false, nil
		}
		line := c.in[h.start:end]
		switch {
		case !h.begun && len(line) == 0:
			// RFC 9112 section 2.2: one empty line before a request is
			// ignored, since some clients send one behind a POST. A second is
			// none of theirs.
			if h.blank {
				return false, c.badLine("There are empty lines before the request.", "empty lines before the request line")
			}
			h.blank = true
			h.start = h.scan
		case !h.begun:
			if ref := c.requestLine(line); ref != nil {
				return false, ref
			}
			h.begun = true
			h.start = h.scan
		case len(line) > 0:
			if h.lines == 0 && (line[0] == ' ' || line[0] == '\t') {
				return false, c.badHead("There is whitespace before the first header field.", "the first field line begins with whitespace")
			}
			h.end, h.fold = end, true
		default:
			if ref := c.endHead(); ref != nil {
				return false, ref
			}
			return true, nil
		}
	}
}

// asksHEAD reports whether the request line, as far as it is there, asks for
// an answer without a body.
func (c *conn) asksHEAD() bool {
	const method = "HEAD "
	b := c.in[c.head.start:]
	return len(b) >= len(method) && string(b[:len(method)]) == method
}

// preface reports whether the input begins with HTTP/2's connection preface,
// or may yet.
func (c *conn) preface() (is, more bool) {
	const text = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	b := c.in[c.r:]
	n := min(len(b), len(text))
	if string(b[:n]) != text[:n] {
		return false, false
	}
	return n == len(text), n < len(text)
}

func (c *conn) tooLarge(reason string) *guard.Refusal {
	return refusal("wire/header-syntax", 431, "HEADER_TOO_LARGE", "The header fields are too long or too many.", reason)
}

func (c *conn) badLine(detail, reason string) *guard.Refusal {
	return refusal("wire/request-line", 400, "BAD_REQUEST_LINE", detail, reason)
}

// requestLine reads method SP target SP version, RFC 9112 section 3.
func (c *conn) requestLine(line []byte) *guard.Refusal {
	h := &c.head
	lenient := c.g.policy.InsecureLenientRequestLine
	m := 0
	for m < len(line) && class[line[m]]&tchar != 0 {
		m++
	}
	if m == 0 || m >= maxMethod || m == len(line) || line[m] != ' ' {
		return c.badLine("The request line does not begin with a method and a space.", "no method")
	}
	method := line[:m]
	t := m + 1
	for t < len(line) && line[t] != ' ' && line[t] != '\t' {
		t++
	}
	target := line[m+1 : t]
	if len(target) == 0 || t == len(line) || line[t] != ' ' {
		return c.badLine("The request line is not method, target and version with one space between.", "no target or no version")
	}
	v := line[t+1:]
	if len(v) != 8 || string(v[:5]) != "HTTP/" || v[5] < '0' || v[5] > '9' || v[6] != '.' || v[7] < '0' || v[7] > '9' {
		return c.badLine("The request line does not end in a version such as HTTP/1.1.", "malformed version")
	}
	switch {
	case v[5] == '1' && v[7] == '1':
	case v[5] == '1' && v[7] == '0':
		h.v10 = true
	case v[5] == '1' && lenient:
	default:
		// A higher minor version would be none of our business (RFC 9110
		// section 2.5), but nobody has defined one, and some programs read
		// HTTP/1.2 as 1.0. HTTP/2's preface comes here too.
		return refusal("wire/request-line", 505, "HTTP_VERSION_NOT_SUPPORTED", "This server speaks HTTP/1.1 and HTTP/1.0 here.", fmt.Sprintf("version %q", v))
	}
	if string(method) == "CONNECT" {
		// Whatever follows is no HTTP to the client; an upstream that refused
		// would read it as requests.
		return c.badMethod("CONNECT")
	}
	if c.out == nil {
		c.out = c.g.buffers.get()
	}
	c.out = append(append(c.out, method...), ' ')
	switch {
	case target[0] == '/':
	case string(target) == "*":
		if string(method) == "OPTIONS" {
			// net/http would answer by itself.
			return c.badMethod("OPTIONS *")
		}
		return c.badLine("The target * is for OPTIONS only.", "target * with another method")
	default:
		scheme := 7
		if len(target) < 8 || !is(target[:7], "http://") {
			scheme = 8
			if len(target) < 9 || !is(target[:8], "https://") {
				return c.badLine("The target is neither a path nor an http URL.", "the target begins with neither slash nor http scheme")
			}
		}
		a := scheme
		for a < len(target) && target[a] != '/' && target[a] != '?' {
			a++
		}
		h.absolute = true
		h.authority = span{h.start + m + 1 + scheme, h.start + m + 1 + a}
		target = target[a:]
		if len(target) == 0 && string(method) == "OPTIONS" {
			return c.badMethod("OPTIONS *") // RFC 9112 section 3.2.4
		}
		if len(target) == 0 || target[0] == '?' {
			c.out = append(c.out, '/')
		}
	}
	if wrong := badTarget(target); wrong != "" && (!lenient || !printable(target)) {
		return c.badLine("The target holds a byte that a URL may only hold escaped, or a broken escape.", wrong)
	}
	c.out = append(c.out, target...)
	if h.v10 {
		c.out = append(c.out, " HTTP/1.0\r\n"...)
	} else {
		c.out = append(c.out, " HTTP/1.1\r\n"...)
	}
	return nil
}

// printable reports whether net/http will parse a target that is not as RFC
// 3986 wants it.
func printable(target []byte) bool {
	path := target
	for i, b := range target {
		if b == '?' {
			path = target[:i]
			break
		}
	}
	return escapesOK(path)
}

// endHead judges the head as a whole and writes the rest of it.
func (c *conn) endHead() *guard.Refusal {
	h := &c.head
	p := &c.g.policy
	if h.host.empty() {
		// RFC 9112 section 3.2. HTTP/1.0 knew no Host, but which of our names
		// is meant cannot be told without.
		return c.badHost("There is no Host field.", "no Host field")
	}
	host := h.host.of(c.in)
	if h.absolute {
		authority := h.authority.of(c.in)
		if p.InsecureHostMismatch {
			for i := len(authority) - 1; i >= 0; i-- {
				if authority[i] == '@' {
					authority = authority[i+1:]
					break
				}
			}
			if !validHost(authority) {
				return c.badHost("The target's host is malformed.", "malformed authority in the target")
			}
			host = authority
		} else if !sameFold(authority, host) {
			return c.badHost("The target and the Host field name different hosts.", "absolute-form target disagrees with Host")
		}
	}
	if h.chunked && !h.length.empty() && !p.InsecureLenientFraming {
		// CL.TE and TE.CL: RFC 9112 section 6.1 calls it an attempt at
		// smuggling, and lets a server refuse.
		return c.badFraming("There are both Content-Length and Transfer-Encoding.", "Content-Length and Transfer-Encoding")
	}
	c.left = 0
	if !h.chunked && !h.length.empty() {
		n, err := strconv.ParseUint(string(h.length.of(c.in)), 10, 63)
		if err != nil {
			return c.badFraming("Content-Length is not a plain decimal number.", "malformed Content-Length")
		}
		c.left = n
	}
	body := h.chunked || c.left > 0
	// RFC 9110 section 7.8 lets a server ignore Upgrade. One that is not
	// listed in Connection, comes with a body, with HTTP/1.0 or with another
	// method than GET is none that we know; nor is h2c, behind which requests
	// would pass that nobody has judged.
	upgrade := !h.upgrade.empty() && (p.InsecureAnyUpgrade || h.upgrading && !h.v10 && !body && c.asksGET())

	c.out = append(append(append(c.out, "Host: "...), host...), '\r', '\n')
	sep := "Connection: "
	option := func(name string) {
		c.out = append(append(c.out, sep...), name...)
		sep = ", "
	}
	if h.closing {
		option("close")
	} else if h.keepAlive && h.v10 {
		option("keep-alive")
	}
	if upgrade {
		option("upgrade")
	}
	if h.trailers && !h.v10 {
		option("te")
	}
	if sep == ", " {
		c.out = append(c.out, '\r', '\n')
	}
	if upgrade {
		c.out = append(append(append(c.out, "Upgrade: "...), h.upgrade.of(c.in)...), '\r', '\n')
	}
	if h.trailers && !h.v10 {
		c.out = append(c.out, "TE: trailers\r\n"...)
	}
	if h.expect && body && !h.v10 {
		c.out = append(c.out, "Expect: 100-continue\r\n"...)
	}
	switch {
	case h.chunked:
		if len(c.chunk.declared) > 0 {
			c.out = append(append(append(c.out, "Trailer: "...), c.chunk.declared...), '\r', '\n')
		}
		c.out = append(c.out, "Transfer-Encoding: chunked\r\n"...)
	case !h.length.empty():
		c.out = append(append(append(c.out, "Content-Length: "...), h.length.of(c.in)...), '\r', '\n')
	}
	c.out = append(c.out, '\r', '\n')
	if len(c.out) > c.maxHead {
		return c.tooLarge("the head is too long")
	}

	c.r = h.scan
	switch {
	case h.chunked:
		c.state = inChunks
		c.chunk.phase, c.chunk.digits, c.chunk.ext = chunkSize, 0, 0
		c.linger.Store(true)
	case c.left > 0:
		c.state = inBody
		c.linger.Store(true)
	case upgrade:
		c.state, c.waited = atUpgrade, false
	}
	if c.state == atUpgrade || !body {
		c.newHead()
	}
	if c.r == len(c.in) {
		c.dropIn()
	}
	c.clearHeadBy()
	c.served = true
	return nil
}

// asksGET reports whether the request line that was written asks with GET.
func (c *conn) asksGET() bool { return len(c.out) > 4 && string(c.out[:4]) == "GET " }

func (c *conn) badMethod(what string) *guard.Refusal {
	return c.g.methodRefusal(what, true)
}
