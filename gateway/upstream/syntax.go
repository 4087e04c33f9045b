package upstream

import "strings"

// token says which bytes a token may have, RFC 9110 section 5.6.2.
var token = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !token[s[i]] {
			return false
		}
	}
	return s != ""
}

// isValue reports whether s may be a field value, RFC 9110 section 5.5: no
// control character but the tab.
func isValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isTarget reports whether s may stand in a request line.
func isTarget(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// validHost reports whether s may be a Host field: no byte that could end
// the host for one reader and not for another.
func validHost(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !token[c] && c != ':' && c != '[' && c != ']' {
			return false
		}
	}
	return s != ""
}

// hasToken reports whether the comma separated lists in values hold want,
// which is in lower case.
func hasToken(values []string, want string) bool {
	for _, v := range values {
		for v != "" {
			var t string
			t, v, _ = strings.Cut(v, ",")
			if strings.EqualFold(strings.Trim(t, " \t"), want) {
				return true
			}
		}
	}
	return false
}

// forbiddenTrailer reports whether a trailer named so (in canonical form)
// is dropped: whatever frames, routes, authenticates or describes the message
// must be known before its body (RFC 9110 section 6.5.1), and a policy that a
// guard writes is not to be repeated behind its back.
func forbiddenTrailer(name string) bool {
	for _, p := range [...]string{"Content-", "Proxy-", "Access-Control-", "Sec-", "Cross-Origin-", "If-", "X-Forwarded-", "Cf-", "X-Client-", "X-Cluster-", "X-Remote-", "X-Url-", "X-Original-", "X-Rewrite-", "X-Http-", "X-Method-", "X-Envoy-", "Fastly-", "Front-End-"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return true // a hyphen to some, and the name that of another field
		}
	}
	switch name {
	case "Transfer-Encoding", "Te", "Trailer", "Host", "Connection", "Keep-Alive", "Upgrade", "Proxy",
		"Authorization", "Www-Authenticate", "Authentication-Info", "Cookie", "Set-Cookie", "Origin", "Referer",
		"Forwarded", "X-Real-Ip", "Client-Ip", "True-Client-Ip", "X-Scheme", "X-Host",
		"Age", "Cache-Control", "Expect", "Expires", "Date", "Location", "Max-Forwards", "Pragma", "Range", "Retry-After", "Vary", "Warning",
		"Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "X-Xss-Protection",
		"Referrer-Policy", "Permissions-Policy", "Clear-Site-Data", "Alt-Svc", "Refresh", "Link", "Via":
		return true
	}
	return false
}
