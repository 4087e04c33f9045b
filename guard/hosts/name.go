package hosts

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// maxHost is the longest Host that can have a form: a name of 253 bytes
// (RFC 1035 section 3.1), the root's dot, a colon and a port.
const maxHost = 253 + 1 + 1 + 5

// A hostport is a Host in its parts. It is comparable: two spellings of one
// host are equal.
type hostport struct {
	name string     // lower case, without the root's dot; empty for an address
	addr netip.Addr // valid for an address
	port uint16     // 0 if none was given
}

// parse reads uri-host [ ":" port ] of RFC 9110 section 7.2, as far as it can
// be the host of a service: a DNS name, an IPv4 address or an IPv6 address in
// brackets. What RFC 3986 allows besides (percent-encoding, sub-delims,
// IPvFuture, an empty port) no client sends, and URL libraries read it in
// different ways.
func parse(s string) (h hostport, ok bool) {
	if s == "" || len(s) > maxHost {
		return h, false
	}
	port, hasPort := "", false
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return h, false
		}
		addr, err := netip.ParseAddr(s[1:end])
		// A zone names an interface of the client's machine (RFC 6874
		// section 1): it means nothing here.
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return h, false
		}
		h.addr = addr
		if rest := s[end+1:]; rest != "" {
			if rest[0] != ':' {
				return hostport{}, false
			}
			port, hasPort = rest[1:], true
		}
	} else {
		var name string
		name, port, hasPort = strings.Cut(s, ":")
		if h.name, h.addr, ok = parseName(name); !ok {
			return hostport{}, false
		}
	}
	if hasPort {
		if h.port, ok = parsePort(port); !ok {
			return hostport{}, false
		}
	}
	return h, true
}

// parsePort reads a port in its one spelling: digits, no leading zero, not 0.
func parsePort(s string) (uint16, bool) {
	if s == "" || len(s) > 5 || s[0] == '0' {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return uint16(n), n <= 65535
}

// parseName reads a DNS name of letters, digits, '-' and '_' (which DNS does
// not forbid, and container networks use), or an IPv4 address.
func parseName(s string) (name string, addr netip.Addr, ok bool) {
	// One trailing dot is the root: "a." and "a" are one host, and a list
	// that compares bytes is passed by the other spelling.
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return "", addr, false
	}
	start, upper := 0, false
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if n := i - start; n == 0 || n > 63 || s[start] == '-' || s[i-1] == '-' {
				return "", addr, false
			}
			if i < len(s) {
				start = i + 1
			}
			continue
		}
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		case 'A' <= c && c <= 'Z':
			upper = true
		default:
			return "", addr, false
		}
	}
	if isNumber(s[start:]) {
		// Browsers and inet_aton read "127.1", "0x7f.1", "0177.0.0.1" and
		// "2130706433" as addresses, others as names. Only the one form that
		// all read alike is an address here, and the rest is nothing.
		addr, err := netip.ParseAddr(s)
		if err != nil || !addr.Is4() {
			return "", netip.Addr{}, false
		}
		return "", addr, true
	}
	if upper {
		s = strings.ToLower(s)
	}
	return s, addr, true
}

// isNumber reports whether a name that ends in this label is an IPv4 address
// to the URL Standard ("ends in a number").
func isNumber(label string) bool {
	digits := "0123456789"
	if len(label) >= 2 && label[0] == '0' && label[1]|0x20 == 'x' {
		label, digits = label[2:], "0123456789abcdefABCDEF"
	}
	return strings.Trim(label, digits) == ""
}

// An entry is one line of the policy's list.
type entry struct {
	hostport
	wild bool // every name below, not the name itself
}

func (e entry) String() string {
	if e.wild {
		return "*." + e.hostport.String()
	}
	return e.hostport.String()
}

// parseEntry reads one line of the list. Its error goes on after the text of
// the line.
func parseEntry(s string) (entry, error) {
	switch {
	case s == "":
		return entry{}, errors.New("is empty: want a name such as api.example.com")
	case s == "*":
		return entry{}, errors.New("would answer to every name: list the names, or say hosts.dangerously_allow_any")
	case strings.Contains(s, "://"):
		return entry{}, errors.New("is a URL: want the host alone, such as api.example.com")
	case strings.Contains(s, "/"):
		return entry{}, errors.New("holds a slash: want a host, neither a path nor a network")
	case s[0] != '[' && strings.Count(s, ":") > 1:
		return entry{}, errors.New("has several colons: an IPv6 address is written in brackets, such as [::1]")
	}
	rest, wild := strings.CutPrefix(s, "*.")
	if strings.Contains(rest, "*") {
		return entry{}, errors.New(`has a '*' elsewhere than in a leading "*."`)
	}
	ascii, err := toASCII(rest)
	if err != nil {
		return entry{}, err
	}
	h, ok := parse(ascii)
	if !ok {
		return entry{}, errors.New("is not a host: want labels of letters, digits and '-', or an address, and perhaps a port from 1 to 65535")
	}
	if wild && h.addr.IsValid() {
		return entry{}, fmt.Errorf("has a wildcard before an address: write %s", h)
	}
	return entry{hostport: h, wild: wild}, nil
}
