package gateway

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/pavise-dev/pavise"
)

// h2conn is a client that sends frames as the test likes.
type h2conn struct {
	net.Conn
	t    *testing.T
	fr   *http2.Framer
	enc  *hpack.Encoder
	buf  bytes.Buffer
	next uint32
}

// dialH2 begins a connection: over TLS, or with prior knowledge without.
func dialH2(t *testing.T, addr string, config *tls.Config, settings ...http2.Setting) *h2conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if config != nil {
		config = config.Clone()
		config.NextProtos, config.ServerName = []string{"h2"}, "a"
		tc := tls.Client(c, config)
		if err := tc.Handshake(); err != nil {
			t.Fatal(err)
		}
		c = tc
	}
	h := &h2conn{Conn: c, t: t, next: 1}
	h.fr = http2.NewFramer(c, c)
	h.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	h.fr.AllowIllegalWrites = true
	h.enc = hpack.NewEncoder(&h.buf)
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := h.fr.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return h
}

// block encodes fields, "name: value" each.
func (h *h2conn) block(fields ...string) []byte {
	h.buf.Reset()
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		_ = h.enc.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	return bytes.Clone(h.buf.Bytes())
}

// request opens a stream. An error in writing is for the reader to explain.
func (h *h2conn) request(end bool, fields ...string) uint32 {
	id := h.next
	h.next += 2
	_ = h.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.block(fields...), EndHeaders: true, EndStream: end})
	return id
}

// outcome is what became of a stream.
type outcome struct {
	res  *http.Response // nil if it was reset, or the connection ended
	body string
	how  string
}

func (h *h2conn) await(id uint32) outcome {
	h.t.Helper()
	var o outcome
	var body strings.Builder
	for {
		f, err := h.fr.ReadFrame()
		if err != nil {
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				h.t.Fatalf("stream %d: nothing came of it", id)
			}
			if o.how = "the connection ended: " + err.Error(); o.res != nil {
				o.how += ", in the middle of the response"
			}
			return o
		}
		end := false
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = h.fr.WriteSettingsAck()
			}
		case *http2.GoAwayFrame:
			o.how = "GOAWAY " + f.ErrCode.String()
			if f.ErrCode != http2.ErrCodeNo {
				return o
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				o.how = "RST_STREAM " + f.ErrCode.String()
				return o
			}
		case *http2.MetaHeadersFrame:
			if f.StreamID != id {
				continue
			}
			if o.res == nil {
				o.res = &http.Response{ProtoMajor: 2, Header: http.Header{}, Trailer: http.Header{}}
				_, _ = fmt.Sscan(f.PseudoValue("status"), &o.res.StatusCode)
				for _, hf := range f.RegularFields() {
					o.res.Header.Add(hf.Name, hf.Value)
				}
				if o.res.StatusCode < 200 {
					o.res = nil
				}
			} else {
				for _, hf := range f.RegularFields() {
					o.res.Trailer.Add(hf.Name, hf.Value)
				}
			}
			end = f.StreamEnded()
		case *http2.DataFrame:
			if f.StreamID != id {
				continue
			}
			body.Write(f.Data())
			if n := uint32(len(f.Data())); n > 0 {
				_ = h.fr.WriteWindowUpdate(0, n)
				_ = h.fr.WriteWindowUpdate(id, n)
			}
			end = f.StreamEnded()
		}
		if end {
			o.body = body.String()
			return o
		}
	}
}

// byBoth runs a test over TLS and, with prior knowledge, without.
func byBoth(t *testing.T, p pavise.Policy, f func(t *testing.T, dial func(*testing.T, ...http2.Setting) *h2conn, gw *Gateway)) {
	t.Run("tls", func(t *testing.T) {
		p := p
		files, roots := pair(t, t.TempDir(), "a", "api.example.com")
		p.Gateway.TLS = &files
		addr, gw := start(t, p, nil)
		f(t, func(t *testing.T, s ...http2.Setting) *h2conn {
			return dialH2(t, addr, &tls.Config{RootCAs: roots}, s...)
		}, gw)
	})
	t.Run("h2c", func(t *testing.T) {
		p := p
		p.Gateway.H2C = true
		addr, gw := start(t, p, nil)
		f(t, func(t *testing.T, s ...http2.Setting) *h2conn { return dialH2(t, addr, nil, s...) }, gw)
	})
}

// usual are a request's pseudo-header fields.
func usual(method, path string) []string {
	return []string{":method: " + method, ":scheme: https", ":authority: a", ":path: " + path}
}

// TestHTTP2Malformed: what HTTP/1 framing refuses must not come in by HTTP/2
// and be written into HTTP/1 behind us (RFC 9113 section 10.3).
func TestHTTP2Malformed(t *testing.T) {
	up := newRecordingUpstream(t)
	with := func(fields ...string) []string { return append(usual("GET", "/"), fields...) }
	rows := []struct {
		name   string
		fields []string
		data   string // sent as the body, if the method is POST
		bare   bool   // net/http's HTTP/2 answers 400 itself, before any handler
	}{
		{"a space in the path", usual("GET", "/a b"), "", false},
		{"a request line in the path", usual("GET", "/ HTTP/1.1\r\nHost: evil\r\n\r\nGET /x"), "", false},
		{"a path without a slash", usual("GET", "api"), "", false},
		{"an empty path", usual("GET", ""), "", false},
		{"a URL as path", usual("GET", "http://evil.com/"), "", false},
		{"* as path", usual("GET", "*"), "", false},
		{"two slashes", usual("GET", "//evil.com"), "", false},
		{"dots", usual("GET", "/x/../docs"), "", false},
		{"an escaped slash", usual("GET", "/x%2f..%2fdocs"), "", false},
		{"a fragment", usual("GET", "/x#y"), "", false},
		{"docs", usual("GET", "/docs"), "", false},
		{"user information", []string{":method: GET", ":scheme: https", ":authority: a@b", ":path: /"}, "", false},
		{"another name", []string{":method: GET", ":scheme: https", ":authority: evil.com", ":path: /"}, "", false},
		{"a path in the authority", []string{":method: GET", ":scheme: https", ":authority: x/?.example.com", ":path: /"}, "", false},
		{"an empty authority", []string{":method: GET", ":scheme: https", ":authority: ", ":path: /"}, "", false},
		{"no authority", []string{":method: GET", ":scheme: https", ":path: /"}, "", false},
		{"another Host", with("host: evil.com"), "", false},
		{"two methods", []string{":method: GET", ":method: POST", ":scheme: https", ":authority: a", ":path: /"}, "", false},
		{"two paths", []string{":method: GET", ":scheme: https", ":authority: a", ":path: /", ":path: /docs"}, "", false},
		{"two authorities", []string{":method: GET", ":scheme: https", ":authority: a", ":authority: evil.com", ":path: /"}, "", false},
		{"an unknown pseudo-header", append([]string{":evil: 1"}, usual("GET", "/")...), "", false},
		{"a pseudo-header behind", []string{":method: GET", ":scheme: https", ":authority: a", "x: y", ":path: /"}, "", false},
		{"a method with a space", usual("GET / HTTP/1.1", "/"), "", false},
		{"a method in lower case", usual("get", "/"), "", false},
		{"TRACE", usual("TRACE", "/"), "", false},
		{"CONNECT", []string{":method: CONNECT", ":authority: a:443"}, "", false},
		{"CONNECT to a protocol", []string{":method: CONNECT", ":protocol: websocket", ":scheme: https", ":authority: a", ":path: /ws"}, "", false},
		{"a URL as scheme", []string{":method: GET", ":scheme: https://evil.com/?", ":authority: a", ":path: /"}, "", false},
		{"another scheme", []string{":method: GET", ":scheme: ftp", ":authority: a", ":path: /"}, "", false},
		{"an upper-case name", with("X-Upper: 1"), "", false},
		{"a space in a name", with("x y: 1"), "", false},
		{"a colon in a name", with("x:y: 1"), "", false},
		{"an empty name", with("\x00: 1"), "", false},
		{"CRLF in a value", with("x: a\r\ntransfer-encoding: chunked"), "", false},
		{"LF in a value", with("x: a\nb"), "", false},
		{"NUL in a value", with("x: a\x00b"), "", false},
		{"connection", with("connection: close"), "", true},
		{"keep-alive", with("keep-alive: 1"), "", true},
		{"proxy-connection", with("proxy-connection: close"), "", true},
		{"upgrade", with("upgrade: websocket"), "", true},
		{"transfer-encoding", with("transfer-encoding: chunked"), "", true},
		{"te: gzip", with("te: gzip"), "", true},
		{"an underscored framing field", with("content_length: 5"), "", false},
		{"content-length too small", append(usual("POST", "/"), "content-type: application/json", "content-length: 2"), `{"a":1}`, false},
		{"content-length too large", append(usual("POST", "/"), "content-type: application/json", "content-length: 20"), `{"a":1}`, false},
		{"content-length twice", append(usual("POST", "/"), "content-type: application/json", "content-length: 7", "content-length: 8"), `{"a":1}`, false},
		{"content-length that is none", append(usual("POST", "/"), "content-type: application/json", "content-length: +7"), `{"a":1}`, false},
		{"content-length without a body", append(usual("POST", "/"), "content-type: application/json", "content-length: 7"), "", false},
		{"two types", append(usual("POST", "/"), "content-type: text/plain", "content-type: application/json"), `{"a":1}`, false},
		{"a body without a type", usual("POST", "/"), `{"a":1}`, false},
		{"two keys", append(usual("POST", "/"), "content-type: application/json"), `{"a":1,"a":2}`, false},
		{"GET with a body", append(usual("GET", "/"), "content-type: application/json"), `{"a":1}`, false},
		{"expect: weird", append(usual("POST", "/"), "content-type: application/json", "expect: weird"), `{"a":1}`, false},
		{"a range of names", with(strings.Split(strings.Repeat("x: y|", 2000)+"x: y", "|")...), "", false},
	}
	byBoth(t, vectorPolicy(up.url), func(t *testing.T, dial func(*testing.T, ...http2.Setting) *h2conn, _ *Gateway) {
		for _, tt := range rows {
			t.Run(tt.name, func(t *testing.T) {
				up.take()
				c := dial(t)
				id := c.request(tt.data == "", tt.fields...)
				if tt.data != "" {
					_ = c.fr.WriteData(id, true, []byte(tt.data))
				}
				o := c.await(id)
				if o.res != nil && o.res.StatusCode < 400 && o.how == "" {
					t.Errorf("status %d", o.res.StatusCode)
				}
				if got := up.take(); len(got) > 0 {
					t.Fatalf("the upstream saw %+v", got)
				}
				switch {
				case o.res == nil || o.how != "":
					return // malformed, to the connection or the stream
				case tt.bare:
					return
				}
				requireRefusal(t, o.res, o.body, o.res.StatusCode)
				requireAllHeaders(t, o.res, strings.Contains(t.Name(), "/tls/"))
			})
		}
	})
}

// TestHTTP2Served: what is legal arrives, in the form that HTTP/1 has for it.
func TestHTTP2Served(t *testing.T) {
	up := newRecordingUpstream(t)
	byBoth(t, vectorPolicy(up.url), func(t *testing.T, dial func(*testing.T, ...http2.Setting) *h2conn, _ *Gateway) {
		c := dial(t)
		for _, tt := range []struct {
			fields []string
			data   string
			check  func(*testing.T, seen)
		}{
			{append(usual("GET", "/%61pi/x?y=1"), "te: trailers"), "", sees("GET", "/api/x?y=1", "a")},
			{append(usual("GET", "/"), "cookie: a=1", "cookie: b=2"), "", hasHeader("Cookie", "a=1; b=2")},
			{[]string{":method: GET", ":scheme: https", ":authority: API.example.com.", ":path: /"}, "", sees("GET", "/", "api.example.com")},
			{append(usual("GET", "/"), "x-forwarded-for: 6.6.6.6", "x_forwarded_for: 7.7.7.7", "forwarded: for=9.9.9.9", "x-real-ip: 1.1.1.1", "x-http-method-override: DELETE"), "", func(t *testing.T, s seen) {
				s.Header.Set("X-Forwarded-Proto", "http") // https over TLS
				nothingSpoofed(t, s)
			}},
			{append(usual("POST", "/"), "content-type: application/json", "content-length: 7"), `{"a":1}`, hasBody(`{"a":1}`)},
			{append(usual("POST", "/"), "content-type: application/json"), `{"a":1}`, hasBody(`{"a":1}`)},
			{append(usual("POST", "/"), "content-type: application/json", "expect: 100-continue"), `{"a":1}`, hasBody(`{"a":1}`)},
			{usual("HEAD", "/"), "", sees("HEAD", "/", "a")},
		} {
			id := c.request(tt.data == "", tt.fields...)
			if tt.data != "" {
				_ = c.fr.WriteData(id, true, []byte(tt.data))
			}
			o := c.await(id)
			if o.res == nil || o.res.StatusCode != 200 {
				t.Fatalf("%v: %+v %s", tt.fields, o.res, o.how)
			}
			requireAllHeaders(t, o.res, strings.Contains(t.Name(), "/tls"))
			got := up.take()
			if len(got) != 1 {
				t.Fatalf("the upstream saw %d requests", len(got))
			}
			tt.check(t, got[0])
		}
	})
}

// TestH2CIsOff unless the policy says so: neither by prior knowledge nor by
// an upgrade.
func TestH2CIsOff(t *testing.T) {
	up := newRecordingUpstream(t)
	addr, _ := start(t, vectorPolicy(up.url), nil)
	c := dial(t, addr)
	c.send(http2.ClientPreface)
	res, _ := c.answer("GET")
	requireHeaders(t, res)
	if res.StatusCode < 400 {
		t.Errorf("status %d", res.StatusCode)
	}
	if got := up.take(); len(got) > 0 {
		t.Errorf("the upstream saw %v", got)
	}
}
