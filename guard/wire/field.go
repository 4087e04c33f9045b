package wire

import (
	"fmt"

	"github.com/pavise-dev/pavise/guard"
)

// field reads one field line, RFC 9112 section 5, and writes it to out, but
// for the fields that say something about this connection or about framing:
// those are gathered, and written by endHead.
func (c *conn) field(line []byte) *guard.Refusal {
	h := &c.head
	p := &c.g.policy
	if h.lines++; h.lines > maxFields {
		return c.tooLarge("too many header fields")
	}
	colon := 0
	for colon < len(line) && class[line[colon]]&tchar != 0 {
		colon++
	}
	if colon == 0 || colon == len(line) || line[colon] != ':' {
		// Among others, whitespace before the colon: to some programs it is
		// part of the name.
		return c.badHead("A header field has no valid name.", "a field line without a valid name")
	}
	name, value := line[:colon], trimOWS(line[colon+1:])
	at := 0
	if len(value) > 0 {
		at = h.start + cap(line) - cap(value)
	}
	where := span{at, at + len(value)}

	var word [64]byte
	low := lowered(word[:0], name)
	for _, b := range low {
		if class[b]&plain != 0 || p.AllowUnderscores {
			continue
		}
		if disguise(low) {
			return refusal("wire/underscores", 400, "BAD_HEADER", "A header field's name has another character in the place of a hyphen.", fmt.Sprintf("field %.40q", string(low)))
		}
		if b == '_' {
			return nil // CGI's and WSGI's X_USER is X-User's: dropped
		}
	}
	switch string(low) {
	case "host":
		if !h.host.empty() {
			return c.badHost("There are two Host fields.", "two Host fields")
		}
		if !validHost(value) {
			return c.badHost("The Host field is not a host and optional port.", "malformed Host")
		}
		h.host = where
		return nil
	case "content-length":
		if !h.length.empty() {
			if p.InsecureLenientFraming && string(h.length.of(c.in)) == string(value) {
				return nil
			}
			return c.badFraming("There are two Content-Length fields.", "two Content-Length fields")
		}
		// No sign, no list, no base; and no leading zero, which some read as
		// octal. 18 digits fit every integer.
		if len(value) == 0 || len(value) > 18 || value[0] == '0' && len(value) > 1 || !digits(value) {
			return c.badFraming("Content-Length is not a plain decimal number.", "malformed Content-Length")
		}
		h.length = where
		return nil
	case "transfer-encoding":
		switch {
		case h.v10:
			// RFC 9112 section 6.1: faulty framing.
			return c.badFraming("Transfer-Encoding is not for HTTP/1.0.", "Transfer-Encoding in HTTP/1.0")
		case h.chunked:
			return c.badFraming("There are two Transfer-Encoding fields.", "two Transfer-Encoding fields")
		case !is(value, "chunked"):
			return c.badCoding(value)
		}
		h.chunked = true
		return nil
	case "connection":
		return c.options(value)
	case "keep-alive", "proxy-connection", "http2-settings", "pavise-refused",
		"proxy": // CGI makes HTTP_PROXY of it, CVE-2016-5385
		return nil
	case "te":
		for rest := value; len(rest) > 0; {
			var item []byte
			item, rest = nextItem(rest)
			h.trailers = h.trailers || is(item, "trailers")
		}
		return nil
	case "trailer":
		return c.declare(value)
	case "expect":
		if h.expect || !is(value, "100-continue") {
			if p.InsecureIgnoreExpect {
				return nil
			}
			return refusal("wire/expect", 417, "EXPECTATION_FAILED", "The only expectation that can be met is 100-continue.", "unknown expectation")
		}
		h.expect = true
		return nil
	case "upgrade":
		return c.protocols(value, where)
	}
	if i := indexSingle(low); i >= 0 {
		if h.singles&(1<<i) != 0 && !p.AllowRepeatedFields {
			return repeated(single[i])
		}
		h.singles |= 1 << i
	}
	c.out = append(append(c.out, name...), ": "...)
	c.out = append(append(c.out, value...), '\r', '\n')
	return nil
}

func repeated(name string) *guard.Refusal {
	return refusal("wire/single-fields", 400, "REPEATED_FIELD", "The header field "+name+" may be given once only.", "two fields "+name)
}

func indexSingle(low []byte) int {
	for i := range single {
		if len(single[i]) == len(low) && single[i] == string(low) {
			return i
		}
	}
	return -1
}

func digits(b []byte) bool {
	for _, d := range b {
		if d < '0' || d > '9' {
			return false
		}
	}
	return true
}

// lowered appends the name in lower case to dst. Names that do not fit are
// none that anybody asks for; they come back as they are.
func lowered(dst, name []byte) []byte {
	if len(name) > cap(dst) {
		return name
	}
	for _, b := range name {
		dst = append(dst, lower(b))
	}
	return dst
}

// nextItem cuts the first element off a list.
func nextItem(list []byte) (item, rest []byte) {
	for i, b := range list {
		if b == ',' {
			return trimOWS(list[:i]), list[i+1:]
		}
	}
	return trimOWS(list), nil
}

func (c *conn) badHost(detail, reason string) *guard.Refusal {
	return refusal("wire/host-header", 400, "BAD_HOST", detail, reason)
}

func (c *conn) badFraming(detail, reason string) *guard.Refusal {
	return refusal("wire/framing", 400, "AMBIGUOUS_FRAMING", detail, reason)
}

// badCoding answers a Transfer-Encoding that is not chunked alone.
func (c *conn) badCoding(value []byte) *guard.Refusal {
	n, known := 0, true
	var last []byte
	for rest := value; len(rest) > 0; n++ {
		last, rest = nextItem(rest)
		known = known && token(last) && (len(rest) == 0) == is(last, "chunked")
	}
	if n > 1 && known && is(last, "chunked") {
		return refusal("wire/framing", 501, "UNSUPPORTED_TRANSFER_CODING", "The only transfer coding that is supported is chunked.", "another transfer coding below chunked")
	}
	// RFC 9112 section 6.3: without chunked as the last coding a request has
	// no length.
	return c.badFraming("The only transfer coding that is supported is chunked.", "Transfer-Encoding is not chunked")
}

// options reads a Connection field. A client cannot make a proxy drop
// end-to-end fields such as Authorization or X-Forwarded-For by naming them
// there: only the options that concern this connection are kept.
func (c *conn) options(value []byte) *guard.Refusal {
	h := &c.head
	for rest := value; len(rest) > 0; {
		var item []byte
		item, rest = nextItem(rest)
		switch {
		case len(item) == 0:
		case !token(item):
			return c.badHead("A Connection option is malformed.", "malformed Connection option")
		case is(item, "close"):
			h.closing = true
		case is(item, "keep-alive"):
			h.keepAlive = true
		case is(item, "upgrade"):
			h.upgrading = true
		}
	}
	return nil
}

// declare reads a Trailer field.
func (c *conn) declare(value []byte) *guard.Refusal {
	for rest := value; len(rest) > 0; {
		var item []byte
		item, rest = nextItem(rest)
		if len(item) == 0 {
			continue
		}
		if !token(item) {
			return badTrailer("The Trailer field names no valid field.", "malformed Trailer field")
		}
		var word [64]byte
		if low := lowered(word[:0], item); forbiddenTrailer(string(low)) || c.wantsTrailer(low) {
			continue
		}
		if len(c.chunk.declared) > 0 {
			c.chunk.declared = append(c.chunk.declared, ", "...)
		}
		c.chunk.declared = append(c.chunk.declared, item...)
	}
	return nil
}

// protocols reads an Upgrade field: 1#( token [ "/" token ] ). The first
// protocol that the policy knows is kept.
func (c *conn) protocols(value []byte, where span) *guard.Refusal {
	h := &c.head
	if c.g.policy.InsecureAnyUpgrade {
		h.upgrade = where
		return nil
	}
	n := 0
	for rest := value; len(rest) > 0; {
		var item []byte
		item, rest = nextItem(rest)
		if len(item) == 0 {
			continue
		}
		n++
		slash := 0
		for slash < len(item) && item[slash] != '/' {
			slash++
		}
		if !token(item[:slash]) || slash < len(item) && !token(item[slash+1:]) {
			return badUpgrade()
		}
		if h.upgrade.empty() && c.g.upgrades(string(item)) {
			at := where.i + cap(value) - cap(item)
			h.upgrade = span{at, at + len(item)}
		}
	}
	if n == 0 {
		return badUpgrade()
	}
	return nil
}

func badUpgrade() *guard.Refusal {
	return refusal("wire/upgrade", 400, "BAD_UPGRADE", "The Upgrade field names no valid protocol.", "malformed Upgrade field")
}
