package crawl

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/har"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// Bounds of what is followed.
const (
	maxPath     = 512 // bytes
	maxSegments = 12
	maxRepeated = 2 // of one segment: /a/b/a/b/a
)

// An origin is where a crawl stays.
type origin struct {
	base *url.URL
	// host is another name of its own, which it may write into its links.
	host string
}

// path is where a reference of a page leads, escaped and with the query; ok is
// false when that is another origin, or no place to ask for.
func (o *origin) path(at *url.URL, ref string) (path string, ok bool) {
	ref = strings.TrimSpace(ref)
	// Browsers take \ for /, so that /\host is another host.
	if ref == "" || len(ref) > 4*maxPath || strings.ContainsRune(ref, '\\') {
		return "", false
	}
	u, err := url.Parse(ref)
	if err != nil || u.Opaque != "" || u.User != nil || u.Scheme != "" && u.Host == "" {
		return "", false
	}
	if u.Host != "" && !o.is(u) {
		return "", false
	}
	u = at.ResolveReference(u)
	path = u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	path = ascii(path)
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || len(path) > maxPath || winding(path) {
		return "", false
	}
	return path, true
}

// is tells whether a URL with a host is of the origin.
func (o *origin) is(u *url.URL) bool {
	if u.Scheme != "" && !strings.EqualFold(u.Scheme, o.base.Scheme) && o.host == "" {
		return false
	}
	if o.host != "" && strings.EqualFold(u.Host, o.host) {
		return true
	}
	if strings.EqualFold(place(u, o.base.Scheme), place(o.base, o.base.Scheme)) {
		return u.Scheme == "" || strings.EqualFold(u.Scheme, o.base.Scheme)
	}
	// localhost and 127.0.0.1 are one place.
	return traffic.Loopback(u.Hostname()) && traffic.Loopback(o.base.Hostname()) && u.Port() == o.base.Port()
}

// place is host:port.
func place(u *url.URL, scheme string) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// ascii escapes what must not be in a request line as it is.
func ascii(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// winding tells whether a path goes deeper than one that leads somewhere.
func winding(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	segments := strings.Split(strings.Trim(path, "/"), "/")
	if len(segments) > maxSegments {
		return true
	}
	count := map[string]int{}
	for _, s := range segments {
		if count[s]++; count[s] > maxRepeated {
			return true
		}
	}
	return false
}

// parent is the path above the last segment, without a slash at its end.
func parent(path string) string {
	path, _, _ = strings.Cut(path, "?")
	path = strings.TrimSuffix(path, "/")
	return path[:max(0, strings.LastIndexByte(path, '/'))]
}

// last is the last segment of a path.
func last(path string) string {
	path, _, _ = strings.Cut(path, "?")
	path = strings.TrimSuffix(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// names tells whether a segment is the name of one of many.
func names(segment string) bool {
	plain, err := url.PathUnescape(segment)
	return err != nil || strings.ContainsRune(plain, '{') || har.Identifies(plain)
}

// shape is what paths of one kind share: the days of a calendar, the pages of a
// list.
func shape(path string) string {
	path, query, _ := strings.Cut(path, "?")
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if names(s) {
			segments[i] = "{}"
		}
	}
	out := strings.Join(segments, "/")
	var fields []string
	for part := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(part, "="); name != "" && !slices.Contains(fields, name) {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return out + "?" + strings.Join(fields, "&")
}
