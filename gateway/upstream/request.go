package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// smallBody is up to how many bytes a body of known length is read before the
// upstream is bothered with its request. A slow client then holds no
// connection, and a body that a guard refuses is never seen by the upstream.
const smallBody = 16 << 10

var (
	errLongBody  = errors.New("the body is longer than announced")
	errStuckBody = errors.New("the body reads nothing, without an error")
)

// prepare makes e.req: the request's head, and its body if that is small. If
// the body is not, e.stream is set.
func (e *exchange) prepare() error {
	r, u := e.r, e.u
	if r.Method == http.MethodConnect || !isToken(r.Method) {
		return refused(http.StatusNotImplemented, "METHOD_NOT_IMPLEMENTED", "This method is not supported.", fmt.Sprintf("method %.20q", r.Method))
	}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	if path[0] != '/' && (path != "*" || r.Method != http.MethodOptions) || !isTarget(path) || !isTarget(r.URL.RawQuery) {
		return refused(http.StatusBadRequest, "BAD_REQUEST_TARGET", "The request target is malformed.", "a path or query that cannot be written into a request line")
	}
	host := r.Host
	if host == "" {
		host = u.host
	}
	if !validHost(host) {
		return refused(http.StatusBadRequest, "BAD_HOST", "The host is malformed.", fmt.Sprintf("host %.80q", host))
	}

	b := e.req[:0]
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, path...)
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		b = append(b, '?')
		b = append(b, r.URL.RawQuery...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)

	header := r.Header
	if u.opts.Rewrite != nil {
		for name, values := range r.Header {
			if !hopByHop(name) {
				e.out[name] = slices.Clip(values) // an append to it copies
			}
		}
		u.opts.Rewrite(e.out, r)
		header = e.out
	}
	for name, values := range header {
		if hopByHop(name) {
			continue
		}
		if !isToken(name) {
			return refused(http.StatusBadRequest, "BAD_HEADER", "A header field is malformed.", fmt.Sprintf("header name %.80q", name))
		}
		for _, v := range values {
			if !isValue(v) {
				return refused(http.StatusBadRequest, "BAD_HEADER", "A header field is malformed.", fmt.Sprintf("the value of header %.80q has a control character", name))
			}
		}
		if len(values) > 1 && strings.EqualFold(name, "Cookie") {
			// HTTP/2 splits the cookies into fields, RFC 9113 section 8.2.3.
			// HTTP/1.1 allows one field only, RFC 6265 section 5.4.
			b = append(b, "Cookie: "...)
			for i, v := range values {
				if i > 0 {
					b = append(b, "; "...)
				}
				b = append(b, v...)
			}
			b = append(b, "\r\n"...)
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}

	e.upgrade = u.upgradeOf(r)
	if e.upgrade != "" {
		b = appendField(b, "Connection", "Upgrade")
		b = appendField(b, "Upgrade", e.upgrade)
	}

	// Framing: ours alone. r.ContentLength is what net/http and the guards
	// have made of the client's.
	length := r.ContentLength
	if r.Body == nil || r.Body == http.NoBody {
		length = 0
	}
	switch {
	case length > 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
		e.stream = length > smallBody
	case length == 0:
		if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
			b = append(b, "Content-Length: 0\r\n"...)
		}
	default:
		e.stream = true
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		first := true
		for name := range r.Trailer {
			if !isToken(name) || forbiddenTrailer(textproto.CanonicalMIMEHeaderKey(name)) {
				continue
			}
			if first {
				b = append(b, "Trailer: "...)
				first = false
			} else {
				b = append(b, ", "...)
			}
			b = append(b, name...)
		}
		if !first {
			b = append(b, "\r\n"...)
		}
	}
	b = append(b, "\r\n"...)
	e.req = b
	if length > 0 && !e.stream {
		return e.readSmall(int(length))
	}
	return nil
}

// readSmall appends the whole body to e.req.
func (e *exchange) readSmall(n int) error {
	head := len(e.req)
	e.req = slices.Grow(e.req, n)[:head+n]
	if _, err := io.ReadFull(e.r.Body, e.req[head:]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return bodyError(err)
	}
	if err := atEnd(e.r.Body); err != nil {
		return bodyError(err)
	}
	return nil
}

// atEnd reads the EOF that must come now. A guard that judges a body does it
// there, so no request is complete before.
func atEnd(body io.Reader) error {
	var probe [1]byte
	for range 10 {
		n, err := body.Read(probe[:])
		switch {
		case n > 0:
			return errLongBody
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return errStuckBody
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// hopByHop reports whether a request header is for us alone, or is written by
// us. What the client's Connection field lists is not asked: it could name
// Authorization or a forwarding header and so have it removed
// (CVE-2022-31813).
func hopByHop(name string) bool {
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Host", "Expect", "Http2-Settings",
		"Proxy": // becomes HTTP_PROXY in a CGI environment, CVE-2016-5385
		return true
	}
	return len(name) > 6 && strings.EqualFold(name[:6], "Proxy-")
}

// upgradeOf returns the protocol, in lower case, to which r asks to upgrade
// and may, or "". Other requests to upgrade are served as if they had not
// asked, as RFC 9110 section 7.8 allows.
func (u *Upstream) upgradeOf(r *http.Request) string {
	values := r.Header["Upgrade"]
	if len(values) != 1 || r.ProtoMajor != 1 || r.ProtoMinor < 1 || r.Method != http.MethodGet ||
		r.ContentLength != 0 || !hasToken(r.Header["Connection"], "upgrade") {
		return ""
	}
	for _, p := range u.opts.Upgrades {
		if strings.EqualFold(values[0], p) {
			return p
		}
	}
	return ""
}

// oddBody reports whether the request has a body where an upstream may not
// look for one. It would read the body as the beginning of the next request,
// whoever sends that: no response says that it did (CWE-444, "CL.0").
func (e *exchange) oddBody() bool {
	if !e.stream && e.r.ContentLength <= 0 {
		return false
	}
	switch e.r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return false
	}
	return true
}

// replayable reports whether the request may be sent twice, RFC 9110 section
// 9.2.2, and can be.
func (e *exchange) replayable() bool {
	if e.stream {
		return false
	}
	switch e.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete, http.MethodTrace:
		return true
	}
	return false
}
