package contenttype

import (
	"fmt"
	"strings"
)

// maxHeader bounds a Content-Type value. The longest that anyone needs is a
// vendor type, a charset and a boundary of 70 characters.
const maxHeader = 1024

// maxParams bounds the parameters of a Content-Type value.
const maxParams = 8

// mediaType is a parsed Content-Type. Its strings are pieces of the value and
// keep its case.
type mediaType struct {
	typ        string // "application/json"
	charset    string
	hasCharset bool
	boundary   string
}

// parseMediaType parses RFC 9110 section 8.3.1:
//
//	media-type = type "/" subtype *( OWS ";" OWS [ name "=" ( token / quoted-string ) ] )
//
// and is stricter where parsers differ: a parameter stands once, none has an
// asterisk in its name (RFC 2231 pieces, which some put together and some do
// not), a quoted string is ASCII without controls and quotes nothing but
// quotes and backslashes. It does not backtrack: python-multipart's regular
// expression did, so that a value such as a=\\\\\\… stopped the service
// (CVE-2024-24762).
//
// Where ok is false, m still holds what was read so far, for a policy that
// lets it pass.
func parseMediaType(v string) (m mediaType, ok bool) {
	typ, rest := v, ""
	if i := strings.IndexByte(v, ';'); i >= 0 {
		typ, rest = v[:i], v[i:]
	}
	m.typ = strings.Trim(typ, " \t")
	ok = len(v) <= maxHeader && v != "" && v[0] != ' ' && v[0] != '\t'
	major, minor, slash := strings.Cut(m.typ, "/")
	if !slash || !isToken(major) || !isToken(minor) {
		return m, false
	}
	var seen [maxParams]string
	n := 0
	for len(rest) > 0 {
		if rest[0] != ';' {
			return m, false
		}
		rest = strings.TrimLeft(rest[1:], " \t")
		if rest == "" || rest[0] == ';' {
			continue // RFC 9110 section 5.6.6 allows an empty parameter
		}
		name, value, after, good := parseParam(rest)
		if !good || n == maxParams || strings.IndexByte(name, '*') >= 0 {
			return m, false
		}
		for _, s := range seen[:n] {
			if strings.EqualFold(s, name) {
				return m, false // two charsets or boundaries are two readings
			}
		}
		seen[n] = name
		n++
		switch {
		case strings.EqualFold(name, "charset"):
			m.charset, m.hasCharset = value, true
		case strings.EqualFold(name, "boundary"):
			m.boundary = value
		}
		rest = strings.TrimLeft(after, " \t")
	}
	return m, ok
}

// cutType cuts a Content-Type field at its first comma outside quotes. A
// field without one is returned as it is, blanks and all.
func cutType(field string) (first, rest string, more bool) {
	if strings.IndexByte(field, ',') < 0 {
		return field, "", false
	}
	quoted := false
	for i := 0; i < len(field); i++ {
		switch c := field[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return strings.TrimRight(field[:i], " \t"), strings.TrimLeft(field[i+1:], " \t"), true
		}
	}
	return field, "", false
}

// parseParam parses name "=" value at the start of s, and returns the rest.
func parseParam(s string) (name, value, rest string, ok bool) {
	i := 0
	for i < len(s) && tchar[s[i]] {
		i++
	}
	if i == 0 || i == len(s) || s[i] != '=' {
		return "", "", "", false
	}
	name, s = s[:i], s[i+1:]
	if s != "" && s[0] == '"' {
		value, rest, ok = parseQuoted(s)
		return name, value, rest, ok
	}
	i = 0
	for i < len(s) && tchar[s[i]] {
		i++
	}
	return name, s[:i], s[i:], i > 0
}

// parseQuoted parses a quoted-string at the start of s.
func parseQuoted(s string) (value, rest string, ok bool) {
	escaped := false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			value = s[1:i]
			if escaped {
				value = unescape(value)
			}
			return value, s[i+1:], true
		case c == '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", "", false
			}
			escaped = true
		case c != '\t' && c < ' ' || c >= 0x7f:
			return "", "", false
		}
	}
	return "", "", false
}

func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// tchar are the characters of a token, RFC 9110 section 5.6.2.
var tchar = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
			c < 0x7f && strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0
	}
	return t
}()

func isToken(s string) bool {
	for i := range len(s) {
		if !tchar[s[i]] {
			return false
		}
	}
	return s != ""
}

// validBoundary is RFC 2046 section 5.1.1: 1 to 70 bchars, the last not a space.
func validBoundary(b string) bool {
	if len(b) == 0 || len(b) > 70 || b[len(b)-1] == ' ' {
		return false
	}
	for i := range len(b) {
		c := b[i]
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !alnum && strings.IndexByte("'()+_,-./:=? ", c) < 0 {
			return false
		}
	}
	return true
}

// quote makes a header value fit for the log: bounded, and on one line.
func quote(v string) string { return fmt.Sprintf("%.80q", v) }
