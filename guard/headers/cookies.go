package headers

import (
	"net/http"
	"strings"
)

// cookieFlags are the attributes that cookies get that lack them.
type cookieFlags struct {
	secure, httpOnly bool
	sameSite         string // Strict, Lax, None or nothing
}

func (f cookieFlags) any() bool { return f != cookieFlags{} }

func checkCookieFlags(flags []string, bad func(key, format string, args ...any)) (f cookieFlags) {
	for _, flag := range flags {
		switch flag {
		case "Secure":
			f.secure = true
		case "HttpOnly":
			f.httpOnly = true
		case "SameSite=Strict", "SameSite=Lax", "SameSite=None":
			if f.sameSite != "" {
				bad("cookie_flags", "SameSite is given twice")
			}
			f.sameSite = strings.TrimPrefix(flag, "SameSite=")
		default:
			bad("cookie_flags", "%q is not one of Secure, HttpOnly, SameSite=Strict, SameSite=Lax and SameSite=None", flag)
		}
	}
	if f.sameSite == "None" && !f.secure {
		bad("cookie_flags", "SameSite=None needs Secure: browsers drop the cookie otherwise")
	}
	return f
}

// harden adds the missing attributes to each cookie that h sets. A value that
// is there already stays: the handler knows its cookie better.
func (f cookieFlags) harden(h http.Header) {
	lines := h[hSetCookie]
	hardened := make([]string, len(lines))
	for i, line := range lines {
		var secure, httpOnly, sameSite bool
		_, attributes, _ := strings.Cut(line, ";")
		for attributes != "" {
			var a string
			a, attributes, _ = strings.Cut(attributes, ";")
			a, _, _ = strings.Cut(a, "=")
			switch strings.ToLower(strings.Trim(a, " \t")) {
			case "secure":
				secure = true
			case "httponly":
				httpOnly = true
			case "samesite":
				sameSite = true
			}
		}
		if f.secure && !secure {
			line += "; Secure"
		}
		if f.httpOnly && !httpOnly {
			line += "; HttpOnly"
		}
		if f.sameSite != "" && !sameSite {
			line += "; SameSite=" + f.sameSite
		}
		hardened[i] = line
	}
	h[hSetCookie] = hardened
}
