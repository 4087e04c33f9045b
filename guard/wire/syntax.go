package wire

import (
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// Classes of bytes, by bit.
const (
	tchar  = 1 << iota // RFC 9110 section 5.6.2
	pchar              // RFC 3986: unreserved, sub-delims, ':', '@', '/', and '%'
	qchar              // pchar, '?', and what the URL Standard leaves unescaped in a query
	text               // may stand in a header line: HTAB, SP, VCHAR, obs-text
	hexdig             // 0-9 A-F a-f
	rname              // may stand in a host name: letters, digits, '-', '.', '_'
	plain              // letters, digits and '-': what a field's name is made of
)

var class = classes()

func classes() (t [256]uint8) {
	set := func(bit uint8, chars string) {
		for i := 0; i < len(chars); i++ {
			t[chars[i]] |= bit
		}
	}
	const alnum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	set(tchar, alnum+"!#$%&'*+-.^_`|~")
	set(pchar, alnum+"-._~!$&'()*+,;=:@/%")
	set(qchar, alnum+"-._~!$&'()*+,;=:@/%?")
	// RFC 3986 wants these escaped. Browsers do not escape them in a query,
	// `?filter[a]=b` is common, and no parser ends a query at one.
	set(qchar, "[]{}|^`")
	set(hexdig, "0123456789ABCDEFabcdef")
	set(rname, alnum+"-._")
	set(plain, alnum+"-")
	t['\t'] |= text
	for b := 0x20; b < 0x100; b++ {
		if b != 0x7f {
			t[b] |= text
		}
	}
	return t
}

// all reports whether every byte of s is in the class.
func all[S []byte | string](s S, bit uint8) bool {
	for i := 0; i < len(s); i++ {
		if class[s[i]]&bit == 0 {
			return false
		}
	}
	return true
}

func token[S []byte | string](s S) bool { return len(s) > 0 && all(s, tchar) }

// trimOWS takes optional whitespace, SP and HTAB, off both ends.
func trimOWS(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// is reports whether b is the lower-case word, by ASCII case-insensitive
// match. Unicode folding has no place here: U+212A is not a k.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := 0; i < len(b); i++ {
		if lower(b[i]) != word[i] {
			return false
		}
	}
	return true
}

func sameFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// validHost reports whether h is a host and optional port as a Host field
// may have it: a name, an IPv4 address or a bracketed IPv6 address without a
// zone. Anything else that RFC 3986 allows in a host, such as '%', ',' or
// '@', is read differently by different programs and is no name that anyone
// serves.
func validHost(h []byte) bool {
	if len(h) == 0 || len(h) > 261 {
		return false
	}
	i := 0
	if h[0] == '[' {
		for i = 1; i < len(h) && h[i] != ']'; i++ {
			if b := h[i]; class[b]&hexdig == 0 && b != ':' && b != '.' {
				return false
			}
		}
		if i < 3 || i == len(h) {
			return false
		}
		i++
	} else {
		for i < len(h) && class[h[i]]&rname != 0 {
			i++
		}
		if i == 0 {
			return false
		}
	}
	if i == len(h) {
		return true
	}
	if h[i] != ':' {
		return false
	}
	port := 0
	for _, b := range h[i+1:] {
		if b < '0' || b > '9' {
			return false
		}
		if port = port*10 + int(b-'0'); port > 65535 {
			return false
		}
	}
	return true
}

// escapesOK reports whether every '%' begins an escape.
func escapesOK[S []byte | string](s S) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if i+2 >= len(s) || class[s[i+1]]&hexdig == 0 || class[s[i+2]]&hexdig == 0 {
				return false
			}
			i += 2
		}
	}
	return true
}

// badTarget returns what is wrong with the syntax of a path with an optional
// query, or "".
func badTarget[S []byte | string](s S) string {
	i := 0
	for i < len(s) && s[i] != '?' {
		if class[s[i]]&pchar == 0 {
			return "the path has a byte that must be escaped"
		}
		i++
	}
	if !escapesOK(s[:i]) {
		return "the path has a '%' that begins no escape"
	}
	if i < len(s) && !all(s[i:], qchar) {
		return "the query has a byte that must be escaped"
	}
	return ""
}

// single are the fields that have one value and that somebody decides by. A
// second line is not a list: one program takes the first, another the last.
var single = [...]string{
	"content-type", "authorization", "proxy-authorization", "origin", "range", "content-range",
	"content-location", "content-disposition", "if-range", "if-modified-since", "if-unmodified-since",
	"max-forwards", "referer", "user-agent", "access-control-request-method",
	"sec-fetch-site", "sec-fetch-mode", "sec-websocket-key", "sec-websocket-version",
}

// forbiddenTrailer reports whether a trailer field of this lower-case name
// is never passed on: it frames, routes, authenticates, describes the
// content or changes what is asked for, and whoever merged it into the
// header would be changed by it after the request was judged (RFC 9110
// section 6.5.1).
func forbiddenTrailer(name string) bool {
	switch name {
	case "content-digest", "content-md5": // what trailers are for
		return false
	case "host", "authorization", "cookie", "set-cookie", "age", "cache-control", "expires", "date", "location",
		"retry-after", "vary", "warning", "max-forwards", "range", "pragma", "forwarded", "via", "origin", "referer",
		"user-agent", "accept", "www-authenticate", "authentication-info", "client-ip", "true-client-ip", "priority",
		"keep-alive", "alt-svc", "from", "x-scheme", "x-host", "prefer", "http2-settings", "upgrade-insecure-requests", "x-csrf-token", "x-xsrf-token":
		return true
	}
	for _, p := range []string{"content-", "x-forwarded-", "x-real-", "x-original-", "x-rewrite-", "x-http-", "x-method-", "proxy-", "sec-", "if-", "accept-", "access-control-", "cf-", "x-client-", "x-cluster-", "x-remote-", "x-url-", "x-envoy-", "fastly-", "front-end-", "pavise-"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return framingField(name) || !all(name, plain)
}

// framingField reports whether a field delimits messages or belongs to the
// connection. In a trailer section it can only be an attack.
func framingField(name string) bool {
	switch name {
	case "content-length", "transfer-encoding", "host", "connection", "trailer", "te", "upgrade", "expect":
		return true
	}
	return false
}

// disguise reports whether a lower-case name is that of a field that frames
// or authenticates, but for characters in the place of its hyphens. Programs
// that map '-' and '_' to one character (CGI, WSGI) would take it for the real
// one, and some map whatever is no letter or digit (lighttpd's CGI).
func disguise(name []byte) bool {
	var word [32]byte
	if len(name) > len(word) || all(name, plain) {
		return false
	}
	for i, b := range name {
		if class[b]&plain == 0 {
			b = '-'
		}
		word[i] = b
	}
	switch string(word[:len(name)]) {
	case "content-length", "transfer-encoding", "content-type", "content-encoding", "proxy-authorization":
		return true
	}
	return false
}

// refusal builds a verdict after which the connection is closed.
func refusal(rule string, status int, code, detail, reason string) *guard.Refusal {
	return &guard.Refusal{Rule: rule, Status: status, Code: code, Detail: detail, Reason: reason, Close: true}
}
