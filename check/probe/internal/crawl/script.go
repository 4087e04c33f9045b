package crawl

import (
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// around is how much of a program is looked at before and after a literal, for
// the call that it is in.
const around = 160

var (
	literal = lazy.Regexp("[\"'`]((?:https?://|/)[^\"'`\\s<>\\\\|^]{1,200})[\"'`]")
	// called is the end of what stands before an argument: fetch(, axios.post(.
	called   = lazy.Regexp(`(?:\bfetch|\baxios|\brequest|\bajax|\bhttp|\bhttpClient|\.(get|post|put|patch|delete|del))\(\s*$`)
	inObject = lazy.Regexp(`\b(?:url|path|endpoint)\s*:\s*$`)
	verb     = lazy.Regexp("\\b(?:method|type)[\"']?\\s*:\\s*[\"'`](GET|POST|PUT|PATCH|DELETE|get|post|put|patch|delete)[\"'`]")
	baseURL  = lazy.Regexp("(?i)\\bbase_?(?:url|path)[\"']?\\s*[:=]\\s*[\"'`]([^\"'`\\s]{1,200})[\"'`]")
	inserted = lazy.Regexp(`\$\{[^}]*\}`)
	variable = lazy.Regexp(`/:(\w{1,32})`)
)

// script looks for paths in a program. Only what is an argument of a call that
// asks for something is taken for an operation: the rest may be pages that the
// program draws itself.
func (r *reader) script(body string) {
	base := ""
	if m := baseURL().FindStringSubmatch(body); m != nil {
		if p, ok := r.from.path(r.from.base, m[1]); ok {
			base = strings.TrimSuffix(p, "/")
		}
	}
	for _, at := range literal().FindAllStringSubmatchIndex(body, 4*maxLinks) {
		ref := body[at[2]:at[3]]
		before, after := body[max(0, at[0]-around):at[0]], body[at[1]:min(len(body), at[1]+around)]
		if base != "" && strings.TrimSuffix(ref, "/") == base {
			continue // what others begin with
		}
		if !strings.ContainsFunc(ref, func(c rune) bool { return c >= 'a' && c <= 'z' }) || strings.ContainsAny(ref, "()[]*\\") {
			continue // a regular expression, or no path
		}
		method, asks := call(before, after)
		if asks && base != "" && strings.HasPrefix(ref, "/") && !strings.HasPrefix(ref, base+"/") {
			ref = base + ref
		}
		whole := variable().ReplaceAllString(inserted().ReplaceAllString(ref, "{id}"), "/{$1}")
		if strings.HasSuffix(whole, "/") && strings.HasPrefix(strings.TrimLeft(after, " "), "+") {
			whole += "{id}" // "/orders/" + id
		}
		switch {
		case !asks && strings.ContainsAny(whole, "{}"):
			// Routes of the program's own look like this.
		case strings.ContainsAny(whole, "{}"), method != http.MethodGet:
			if asks {
				r.tell(method, whole, nil)
			}
		default:
			r.follow(whole)
		}
	}
}

// call reads from what stands around a literal by which method it is asked for,
// if it is.
func call(before, after string) (method string, asks bool) {
	method = http.MethodGet
	m := called().FindStringSubmatch(before)
	object := inObject().MatchString(before)
	if m == nil && !object {
		return method, false
	}
	if m != nil && m[1] != "" {
		if m[1] == "del" {
			return http.MethodDelete, true
		}
		return strings.ToUpper(m[1]), true
	}
	// What follows belongs to the call up to the next one.
	if i := strings.Index(after, "fetch("); i >= 0 {
		after = after[:i]
	}
	if i := strings.IndexAny(after, ";"); i >= 0 {
		after = after[:i]
	}
	if v := verb().FindStringSubmatch(after); v != nil {
		return strings.ToUpper(v[1]), true
	}
	if object {
		before = before[strings.LastIndexByte(before, '{')+1:]
		if v := verb().FindStringSubmatch(before); v != nil {
			return strings.ToUpper(v[1]), true
		}
		// A table of routes is none of calls.
		return method, false
	}
	return method, true
}
