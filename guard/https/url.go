package https

import (
	"net/http"
	"net/netip"
	"strings"
)

// split reads a Host: a DNS name, an IPv4 address or an IPv6 address in
// brackets, and perhaps a port. The name is returned as it stands in a URL:
// lower case, without the root's dot, an IPv6 address in brackets.
//
// It is as strict as the hosts guard's reading, because the name may become
// part of a Location.
func split(s string) (name, port string, ok bool) {
	if s == "" || len(s) > 260 {
		return "", "", false
	}
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", "", false
		}
		addr, err := netip.ParseAddr(s[1:end])
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", "", false
		}
		rest, hasPort := strings.CutPrefix(s[end+1:], ":")
		if !hasPort && rest != "" || hasPort && !isPort(rest) {
			return "", "", false
		}
		return "[" + addr.String() + "]", rest, true
	}
	name, port, hasPort := strings.Cut(s, ":")
	name = strings.TrimSuffix(name, ".")
	if hasPort && !isPort(port) || name == "" || len(name) > 253 {
		return "", "", false
	}
	start := 0
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == '.' {
			if n := i - start; n == 0 || n > 63 || name[start] == '-' || name[i-1] == '-' {
				return "", "", false
			}
			if i < len(name) {
				start = i + 1
			}
			continue
		}
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return "", "", false
		}
	}
	if last := name[start:]; isNumber(last) {
		// "127.1" is an address to some and a name to others.
		if addr, err := netip.ParseAddr(name); err != nil || !addr.Is4() {
			return "", "", false
		}
	}
	return strings.ToLower(name), port, true
}

func isNumber(label string) bool {
	digits := "0123456789"
	if len(label) >= 2 && label[0] == '0' && label[1]|0x20 == 'x' {
		label, digits = label[2:], "0123456789abcdefABCDEF"
	}
	return strings.Trim(label, digits) == ""
}

func isPort(s string) bool {
	if s == "" || len(s) > 5 || s[0] == '0' {
		return false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n <= 65535
}

// pathAndQuery rebuilds what follows the host in a Location.
//
// It begins with one slash and no other separator: something in between may
// strip scheme and host off a Location that it takes for its own, and
// "//evil.com" or "/\evil.com" would then lead away (RFC 3986 section 4.2;
// browsers read '\' as '/').
func pathAndQuery(r *http.Request) string {
	path := r.URL.EscapedPath()
	for {
		switch {
		case strings.HasPrefix(path, "/"), strings.HasPrefix(path, "\\"):
			path = path[1:]
			continue
		case len(path) >= 3 && (strings.EqualFold(path[:3], "%2f") || strings.EqualFold(path[:3], "%5c")):
			path = path[3:]
			continue
		}
		break
	}
	if path == "*" {
		path = ""
	}
	out := make([]byte, 0, 1+len(path)+1+len(r.URL.RawQuery))
	out = append(out, '/')
	out = appendSafe(out, path)
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		out = append(out, '?')
		out = appendSafe(out, r.URL.RawQuery)
	}
	return string(out)
}

// appendSafe escapes what may not stand in a URL (RFC 3986 section 2), so
// that no byte of the request can end the field or begin another part.
func appendSafe(out []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~!$&'()*+,;=:@/?%", c) >= 0 {
			out = append(out, c)
			continue
		}
		out = append(out, '%', hex[c>>4], hex[c&15])
	}
	return out
}
