package traffic

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// longest is how much of a body a shell line repeats.
const longest = 2 << 10

// Secrets are values that are never shown, by the names of the variables that
// stand for them.
type Secrets map[string]string

// Curl is a line for a POSIX shell that sends the request again. Secrets are
// variables in it.
func (c *Client) Curl(r *Request, secrets Secrets) string {
	if r.Raw != "" {
		return c.rawLine(r, secrets)
	}
	var b strings.Builder
	pipe := ""
	b.WriteString("curl -si --path-as-is")
	if r.From != "" {
		b.WriteString(" --interface " + Quote(r.From))
	}
	if c.o.InsecureSkipVerify && c.o.Base.Scheme == "https" {
		b.WriteString(" -k")
	}
	b.WriteString(r.Certificate.line())
	switch r.Method {
	case http.MethodGet:
	case http.MethodHead:
		b.WriteString(" -I")
	default:
		b.WriteString(" -X " + Quote(r.Method))
	}
	host := r.Host
	if host == "" {
		host = c.o.Host
	}
	if host != "" && host != c.o.Base.Host {
		b.WriteString(" -H " + Quote("Host: "+host))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			if v == "" {
				b.WriteString(" -H " + Quote(name+";"))
				continue
			}
			b.WriteString(" -H " + secrets.hide(Quote(name+": "+v)))
		}
	}
	if r.Chunked {
		b.WriteString(" -H 'Transfer-Encoding: chunked'")
	}
	if len(r.Body) > 0 {
		if _, typed := r.Header["Content-Type"]; !typed {
			b.WriteString(" -H 'Content-Type:'") // curl would add one
		}
		text := string(r.Body)
		switch {
		case len(squeeze(text)) > longest:
			fmt.Fprintf(&b, " --data-binary @file-of-%d-bytes", len(text))
		case utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' }) && text[0] != '@':
			b.WriteString(" --data-binary " + secrets.hide(Quote(text)))
		default: // no word of a shell can hold a NUL, and a line no line break
			pipe = "printf " + secrets.hide(Quote(PrintfEscape(text))) + " | "
			b.WriteString(" --data-binary @-")
		}
	}
	base := c.o.Base.Scheme + "://" + c.o.Base.Host
	path := r.Path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return pipe + b.String() + " " + secrets.hide(Quote(base+path))
}

// hide puts variables in the place of secrets in a word that is quoted. The
// longest first: one may be a part of another.
func (s Secrets) hide(quoted string) string {
	for _, name := range s.names() {
		quoted = strings.ReplaceAll(quoted, s[name], `'"$`+name+`"'`)
		// In a form or a query it is written in another way.
		for _, encoded := range []string{url.QueryEscape(s[name]), url.PathEscape(s[name])} {
			if encoded != s[name] {
				quoted = strings.ReplaceAll(quoted, encoded, `'"$`+name+`_ENCODED"'`)
			}
		}
	}
	return strings.TrimSuffix(squeeze(quoted), "''")
}

// run is from how many times the same letter is written as a command.
const run = 256

// squeeze writes what is the same letter many times, within single quotes, as
// what makes it.
func squeeze(quoted string) string {
	if len(quoted) < run {
		return quoted
	}
	var b strings.Builder
	for i := 0; i < len(quoted); {
		c := quoted[i]
		j := i
		for j < len(quoted) && quoted[j] == c {
			j++
		}
		if n := j - i; n >= run && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			fmt.Fprintf(&b, `'"$(printf '%%%ds' '' | tr ' ' %c)"'`, n, c)
		} else {
			b.WriteString(quoted[i:j])
		}
		i = j
	}
	return b.String()
}

// Mask takes secrets out of a text that is shown.
func (s Secrets) Mask(text string) string {
	for _, name := range s.names() {
		text = strings.ReplaceAll(text, s[name], "$"+name)
		if encoded := url.QueryEscape(s[name]); encoded != s[name] {
			text = strings.ReplaceAll(text, encoded, "$"+name+"_ENCODED")
		}
	}
	return text
}

func (s Secrets) names() []string {
	names := slices.Sorted(maps.Keys(s))
	names = slices.DeleteFunc(names, func(n string) bool { return len(s[n]) < 4 })
	slices.SortStableFunc(names, func(a, b string) int { return len(s[b]) - len(s[a]) })
	return names
}

// Quote makes s one word of a POSIX shell.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// PrintfEscape writes s for the format argument of printf(1).
func PrintfEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch ch := s[i]; {
		case ch == '\r':
			b.WriteString(`\r`)
		case ch == '\n':
			b.WriteString(`\n`)
		case ch == '%':
			b.WriteString("%%")
		case ch == '\\':
			b.WriteString(`\\`)
		case ch < 0x20 || ch >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, ch)
		default:
			b.WriteByte(ch)
		}
	}
	if out := b.String(); strings.HasPrefix(out, "-") {
		return `\055` + out[1:] // no option
	}
	return b.String()
}
