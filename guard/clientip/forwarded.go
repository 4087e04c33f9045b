package clientip

import (
	"net/netip"
	"strings"
)

// An element is one hop of a Forwarded field.
type element struct {
	node   string // the value of for=, unquoted; "" if there was none
	proto  string // the value of proto=, unquoted
	broken bool   // stands for a line that does not follow the grammar
}

// walkForwarded is [Guard.walkXFF] for RFC 7239. An element is written by one
// proxy as a whole, so the client's scheme is that of the element in which
// the walk ends.
func (g *Guard) walkForwarded(lines []string, peer netip.Addr) (netip.Addr, scheme) {
	last, by := peer, schemeUnsaid
	hops := 0
	var elements []element
	for i := len(lines) - 1; i >= 0; i-- {
		elements = parseForwarded(elements[:0], lines[i])
		for j := len(elements) - 1; j >= 0; j-- {
			if hops++; hops > maxHops {
				return last, by
			}
			e := elements[j]
			if e.broken {
				return last, by
			}
			by = schemeUnsaid
			if e.proto != "" {
				by = protoOf(strings.ToLower(e.proto))
			}
			addr, ok := parseNode(e.node)
			if !ok {
				return last, by
			}
			last = addr
			if !g.trusts(addr) {
				return last, by
			}
		}
	}
	return last, by
}

// parseForwarded returns the elements of one line, RFC 7239 section 4, or one
// broken element if the line does not follow the grammar. Of many elements it
// returns the last. It uses out, which must be empty. It never guesses
// where an element ends: whoever opens a quote could move the end of the next
// proxy's element.
func parseForwarded(out []element, line string) []element {
	s := line
	var e element
	var seen [16]string // parameter names of this element; a name comes once
	names := 0
	broken := element{broken: true}
	s = strings.TrimLeft(s, " \t")
	for {
		// forwarded-pair = token "=" value, and may be left out.
		if n := tokenLen(s); n > 0 {
			name := strings.ToLower(s[:n])
			s = s[n:]
			if s == "" || s[0] != '=' {
				return append(out[:0], broken)
			}
			value, rest, ok := parseValue(s[1:])
			if !ok || names == len(seen) {
				return append(out[:0], broken)
			}
			s = rest
			for _, other := range seen[:names] {
				if other == name {
					return append(out[:0], broken)
				}
			}
			seen[names] = name
			names++
			switch name {
			case "for":
				e.node = value
			case "proto":
				e.proto = value
			}
		}
		if s != "" && s[0] == ';' {
			s = s[1:]
			continue
		}
		// The end of an element. An empty one says nothing, and ends the walk
		// as an unknown node does.
		s = strings.TrimLeft(s, " \t")
		out = append(out, e)
		if len(out) == 2*(maxHops+1) {
			// Only the right end is walked, and one more to see that there
			// is one: a field of commas must not become megabytes.
			out = out[:copy(out, out[maxHops+1:])]
		}
		if s == "" {
			return out
		}
		if s[0] != ',' {
			return append(out[:0], broken)
		}
		s = strings.TrimLeft(s[1:], " \t")
		e, names = element{}, 0
	}
}

// parseValue reads token / quoted-string, RFC 9110 section 5.6.
func parseValue(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		n := tokenLen(s)
		return s[:n], s[n:], n > 0
	}
	s = s[1:]
	var unescaped []byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if unescaped != nil {
				return string(unescaped), s[i+1:], true
			}
			return s[:i], s[i+1:], true
		case c == '\\':
			if unescaped == nil {
				unescaped = append(make([]byte, 0, len(s)), s[:i]...)
			}
			if i++; i == len(s) || !isText(s[i]) {
				return "", "", false
			}
			unescaped = append(unescaped, s[i])
		case !isText(c):
			return "", "", false
		case unescaped != nil:
			unescaped = append(unescaped, c)
		}
	}
	return "", "", false // the quote was never closed
}

// isText reports whether c may stand in a quoted-string.
func isText(c byte) bool { return c == '\t' || c >= 0x20 && c != 0x7f }

func tokenLen(s string) int {
	for i := range len(s) {
		if !isToken(s[i]) {
			return i
		}
	}
	return len(s)
}

func isToken(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// parseNode reads a node that is an address, RFC 7239 section 6: IPv4, or
// IPv6 in brackets, and perhaps a port, which may be obfuscated. "unknown"
// and "_names" are legal and are no address.
func parseNode(s string) (netip.Addr, bool) {
	if s == "" || len(s) > 128 {
		return netip.Addr{}, false
	}
	var name, port string
	hasPort := false
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return netip.Addr{}, false
		}
		name = s[1:end]
		if rest := s[end+1:]; rest != "" {
			if rest[0] != ':' {
				return netip.Addr{}, false
			}
			port, hasPort = rest[1:], true
		}
	} else {
		name, port, hasPort = strings.Cut(s, ":")
	}
	if hasPort && !isPort(port) && !isObfuscated(port) {
		return netip.Addr{}, false
	}
	if s[0] != '[' && !strings.Contains(name, ".") {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(name)
	if err != nil || addr.Is6() != (s[0] == '[') {
		return netip.Addr{}, false
	}
	return plain(addr), true
}

// isObfuscated is obfnode and obfport of RFC 7239 section 6.3.
func isObfuscated(s string) bool {
	if len(s) < 2 || s[0] != '_' {
		return false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
