package wire

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/guard"
)

// badPath returns what is wrong with a decoded path, or "". Routers, proxies
// and file systems each bring such paths to another form, and whoever checks
// one form and serves the other can be walked around (CWE-22, CWE-180,
// CVE-2021-41773, CVE-2026-48710).
func badPath(path string) string {
	if path == "" || path[0] != '/' {
		return "the path does not begin with a slash"
	}
	segment := 1 // where the segment begins
	for i := 1; i <= len(path); i++ {
		if i < len(path) {
			switch b := path[i]; {
			case b == '\\':
				return "the path has a backslash"
			case b < 0x20 || b == 0x7f:
				return "the path has a control character"
			case b != '/':
				continue
			}
		}
		switch s := path[segment:i]; {
		case s == "" && i < len(path):
			return "the path has an empty segment"
		case s == "." || s == "..":
			return "the path has a dot segment"
		}
		segment = i + 1
	}
	if !utf8.ValidString(path) {
		return "the path is not UTF-8"
	}
	return ""
}

// badQuery returns what is wrong with a raw query, or "". A ';' separates
// pairs to some and is a byte of a value to others (CVE-2021-23336), a
// broken escape is dropped, kept or makes the whole query disappear, and NUL
// ends strings.
func badQuery(q string) string {
	for i := 0; i < len(q); i++ {
		switch q[i] {
		case ';':
			return "the query has a semicolon"
		case '%':
			if i+2 >= len(q) || class[q[i+1]]&hexdig == 0 || class[q[i+2]]&hexdig == 0 {
				return "the query has a '%' that begins no escape"
			}
			if q[i+1] == '0' && q[i+2] == '0' {
				return "the query has a NUL"
			}
			i += 2
		}
	}
	return ""
}

// hasEncodedSlash reports whether a raw path has %2F.
func hasEncodedSlash(raw string) bool {
	for i := 0; i+2 < len(raw); i++ {
		if raw[i] == '%' && raw[i+1] == '2' && raw[i+2]|0x20 == 'f' {
			return true
		}
	}
	return false
}

func targetRefusal(rule, code, detail, reason string) *guard.Refusal {
	return &guard.Refusal{Rule: rule, Status: http.StatusBadRequest, Code: code, Detail: detail, Reason: reason}
}

// checkTarget judges the method, path and query of r.
func (g *Guard) checkTarget(r *http.Request, guarded bool) error {
	if err := g.checkMethod(r); err != nil {
		return err
	}
	p := &g.policy
	if !guarded && !p.InsecureLenientRequestLine {
		// The listener has looked at HTTP/1's targets.
		if i := strings.IndexByte(r.RequestURI, '/'); i >= 0 {
			if wrong := badTarget(r.RequestURI[i:]); wrong != "" {
				if err := guard.Judge(r, targetRefusal("wire/request-line", "BAD_REQUEST_LINE", "The target holds a byte that a URL may only hold escaped, or a broken escape.", wrong)); err != nil {
					return err
				}
			}
		}
	}
	if !p.InsecureLenientPath {
		if wrong := badPath(r.URL.Path); wrong != "" {
			if err := guard.Judge(r, targetRefusal("wire/path", "BAD_PATH", "The path is not in its plain form: no empty or dot segments, backslashes or control characters, and UTF-8.", wrong)); err != nil {
				return err
			}
		}
	}
	params := !p.AllowPathParams && strings.IndexByte(r.URL.Path, ';') >= 0
	slash := !p.AllowEncodedSlash && r.URL.RawPath != "" && hasEncodedSlash(r.URL.RawPath)
	body := !p.AllowGetBody && r.ContentLength != 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	if params || slash || body {
		route, _ := g.routes.Lookup(r.URL.Path)
		if params && !route.AllowPathParams {
			// Java's servers cut the segment at ';', others do not.
			if err := guard.Judge(r, targetRefusal("wire/path-params", "BAD_PATH", "The path has a semicolon.", "the path has a semicolon")); err != nil {
				return err
			}
		}
		if slash && !route.AllowEncodedSlash {
			// Decoded before routing it is another path than decoded after.
			if err := guard.Judge(r, targetRefusal("wire/encoded-slash", "BAD_PATH", "The path has an escaped slash.", "the path has an escaped slash")); err != nil {
				return err
			}
		}
		if body && !route.AllowGetBody {
			// RFC 9110 section 9.3.1: the body of a GET has no meaning, and an
			// upstream that does not look for one reads it as the next request.
			ref := targetRefusal("wire/get-body", "BODY_NOT_ALLOWED", "A GET or HEAD request has no body.", r.Method+" with a body")
			ref.Close = true
			if err := guard.Judge(r, ref); err != nil {
				return err
			}
		}
	}
	if !p.InsecureLenientQuery {
		if wrong := badQuery(r.URL.RawQuery); wrong != "" {
			if err := guard.Judge(r, targetRefusal("wire/query", "BAD_QUERY", "The query has a ';', a NUL, or a '%' that begins no escape.", wrong)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkMethod judges the method. Methods are case-sensitive, and what an API
// does not serve need not reach it: TRACE echoes credentials (CWE-693), and
// CONNECT makes a tunnel.
func (g *Guard) checkMethod(r *http.Request) error {
	for _, m := range g.methods {
		if r.Method == m {
			if r.URL.Path == "*" {
				return g.methodRefusal(m+" *", false) // there is nothing that it could be passed on as
			}
			return nil
		}
	}
	switch {
	case r.Method == http.MethodConnect:
		return g.methodRefusal(r.Method, true)
	case g.policy.AllowAnyMethod && r.Method != http.MethodTrace:
		return nil
	}
	return guard.Judge(r, g.methodRefusal(r.Method, false))
}
