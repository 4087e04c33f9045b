package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// script is a connection that reads what it was given, in pieces.
type script struct {
	net.Conn
	rest  []byte
	piece int
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(s.rest), s.piece)
	copy(p, s.rest[:n])
	s.rest = s.rest[n:]
	return n, nil
}
func (*script) SetReadDeadline(time.Time) error { return nil }
func (*script) SetDeadline(time.Time) error     { return nil }
func (*script) Close() error                    { return nil }
func (*script) Write(p []byte) (int, error)     { return len(p), nil }

// pass returns what the guard makes of the input: the bytes that it hands
// out for whole requests, and the refusal that ended it, if one did.
func pass(g *Guard, input []byte, piece, want int) (out []byte, ref *guard.Refusal) {
	c := g.conn(&script{rest: input, piece: piece})
	buf := make([]byte, want)
	for {
		n, err := c.Read(buf)
		if n == 0 && err == nil {
			panic("Read returned nothing")
		}
		if ref = c.refusal.Load(); ref != nil {
			return out, ref
		}
		out = append(out, buf[:n]...)
		if ref = c.broken.Load(); ref != nil {
			return out, ref
		}
		if err != nil && c.state == atUpgrade {
			continue // as net/http does when the handler took no upgrade
		}
		if err != nil {
			return out, ref
		}
	}
}

// request is what a parser made of a request.
type request struct {
	line, host string
	fields     []string
	body       string
	trailers   []string
}

// modelled reads canonical requests with a second parser, as simple as can
// be: it believes that there is nothing to forgive.
func modelled(t *testing.T, b []byte) []request {
	var all []request
	cut := func(sep string) string {
		i := bytes.Index(b, []byte(sep))
		if i < 0 {
			t.Fatalf("no %q in %q", sep, b)
		}
		s := string(b[:i])
		b = b[i+len(sep):]
		return s
	}
	for len(b) > 0 {
		lines := strings.Split(cut("\r\n\r\n"), "\r\n")
		r := request{line: lines[0]}
		chunked := false
		length := 0
		for _, line := range lines[1:] {
			name, value, ok := strings.Cut(line, ": ")
			if !ok || name == "" {
				t.Fatalf("the line %q is no field", line)
			}
			switch strings.ToLower(name) {
			case "host":
				r.host = value
				continue
			case "transfer-encoding":
				chunked = true
				continue
			case "trailer":
				continue
			case "content-length":
				if _, err := fmt.Sscanf(value, "%d", &length); err != nil {
					t.Fatal(err)
				}
			}
			r.fields = append(r.fields, http.CanonicalHeaderKey(name)+"="+value)
		}
		if length > len(b) {
			return all // cut off
		}
		r.body = string(b[:length])
		b = b[length:]
		for chunked {
			if !bytes.Contains(b, []byte("\r\n")) {
				return all
			}
			var size int
			if _, err := fmt.Sscanf(cut("\r\n"), "%x", &size); err != nil {
				t.Fatal(err)
			}
			if size == 0 {
				for {
					line := cut("\r\n")
					if line == "" {
						break
					}
					name, value, _ := strings.Cut(line, ": ")
					r.trailers = append(r.trailers, http.CanonicalHeaderKey(name)+"="+value)
				}
				break
			}
			if len(b) < size+2 {
				return all
			}
			r.body += string(b[:size])
			if string(b[size:size+2]) != "\r\n" {
				t.Fatalf("no CRLF behind a chunk in %q", b)
			}
			b = b[size+2:]
		}
		all = append(all, r)
	}
	return all
}

// checkLaws holds what the guard makes of the input to its laws.
func checkLaws(t *testing.T, g *Guard, input []byte) {
	t.Helper()
	out, ref := pass(g, input, len(input)+1, 4096)

	// 1. How the input is split and how it is asked for make no difference.
	for _, how := range [][2]int{{1, 4096}, {3, 7}, {len(input) + 1, 1}, {1, 1}} {
		out2, ref2 := pass(g, input, how[0], how[1])
		if (ref == nil) != (ref2 == nil) || ref != nil && (ref.Rule != ref2.Rule || ref.Status != ref2.Status || ref.Reason != ref2.Reason) {
			t.Fatalf("in pieces of %d the verdict is %+v and not %+v\ninput %q", how[0], ref2, ref, input)
		}
		if ref == nil && !bytes.Equal(out, out2) {
			t.Fatalf("in pieces of %d the output is\n%q and not\n%q\ninput %q", how[0], out2, out, input)
		}
	}
	if ref != nil {
		return
	}

	// 2. What came out goes in again without a change.
	again, ref2 := pass(g, out, len(out)+1, 4096)
	if ref2 != nil || !bytes.Equal(again, out) {
		t.Fatalf("not a fixed point (%v):\n%q\n%q", ref2, out, again)
	}

	// 3. net/http and a parser that forgives nothing agree about it.
	br := bufio.NewReader(bytes.NewReader(out))
	for i, want := range modelled(t, out) {
		r, err := http.ReadRequest(br)
		if err != nil {
			t.Fatalf("net/http refuses request %d of %q: %v", i, out, err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatalf("net/http refuses the body of request %d of %q: %v", i, out, err)
		}
		got := request{line: r.Method + " " + r.RequestURI + " " + r.Proto, host: r.Host, body: string(body)}
		if got.line != want.line || got.host != want.host || got.body != want.body {
			t.Fatalf("net/http reads %+v and not %+v", got, want)
		}
		sameFields(t, "field", r.Header, want.fields)
		for name, values := range r.Trailer {
			if len(values) == 0 {
				delete(r.Trailer, name) // declared, and not sent
			}
		}
		sameFields(t, "trailer", r.Trailer, want.trailers)
	}
}

func sameFields(t *testing.T, what string, h http.Header, want []string) {
	t.Helper()
	n := 0
	for name, values := range h {
		if name == "Cache-Control" && h.Get("Pragma") == "no-cache" {
			continue // net/http makes it up
		}
		n += len(values)
	}
	seen := map[string]int{}
	for _, f := range want {
		name, value, _ := strings.Cut(f, "=")
		if name == "Cache-Control" && h.Get("Pragma") == "no-cache" {
			continue
		}
		n--
		i := seen[name]
		seen[name]++
		if values := h[name]; i >= len(values) || values[i] != value {
			t.Fatalf("%s %s: net/http has %q, want %q", what, name, h[name], value)
		}
	}
	if n != 0 {
		t.Fatalf("net/http has other %ss than were written: %v, %q", what, h, want)
	}
}

// lawful are requests that are passed on in several ways.
var lawful = []string{
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /x?y HTTP/1.1\r\nhost:a \r\nContent-Length:5\r\nX:\ty\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST http://a/x HTTP/1.1\r\nHost: A\r\nTransfer-Encoding: CHUNKED\r\nTrailer: x-a, x-b, Host\r\nConnection: TE, close, x\r\nTE: trailers\r\n\r\n5;a=\"b\"\r\nhello\r\n00\r\nX-A: 1\r\nX-C: 2\r\n\r\n",
	"PUT / HTTP/1.0\r\nHost: a:80\r\nConnection: Keep-Alive\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket, h2c\r\nConnection: upgrade\r\nPragma: no-cache\r\nCookie: a\r\nCookie: b\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\nDELETE /y HTTP/1.1\r\nHost: a\r\nX_Y: z\r\n\r\n",
	"GET /a?b HTTP/1.1\r\nHost: a\r\nTrailer: x\r\nKeep-Alive: 1\r\n\r\nGARBAGE",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nshort",
	"\r\nGET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
	"GET / HTTP/1.1\nHost: a\n\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}

// loosePolicies are held to the laws too: what a loosened guard passes on
// has one meaning all the same.
func lawPolicies(t testing.TB) []*Guard {
	return []*Guard{
		mustNew(t, Policy{}),
		mustNew(t, Policy{
			AllowBareLF: true, AllowObsFold: true, InsecureLenientFraming: true, InsecureLenientChunks: true,
			InsecureLenientTrailers: true, InsecureHostMismatch: true, InsecureIgnoreExpect: true, AllowUnderscores: true,
			AllowRepeatedFields: true, MaxHead: 1 << 10,
		}),
	}
}

func TestLaws(t *testing.T) {
	for _, g := range lawPolicies(t) {
		for _, s := range lawful {
			checkLaws(t, g, []byte(s))
		}
		for _, v := range vectors {
			if len(v.raw) < 20<<10 {
				checkLaws(t, g, []byte(v.raw))
			}
		}
	}
}

func FuzzLaws(f *testing.F) {
	for _, s := range lawful {
		f.Add([]byte(s), false)
	}
	for _, v := range vectors {
		if len(v.raw) < 1<<10 {
			f.Add([]byte(v.raw), v.want == 400)
		}
	}
	guards := lawPolicies(f)
	f.Fuzz(func(t *testing.T, input []byte, loose bool) {
		g := guards[0]
		if loose {
			g = guards[1]
		}
		checkLaws(t, g, input)
	})
}

// FuzzWrap holds Check and Wrap to the same verdict.
func FuzzWrap(f *testing.F) {
	f.Add("GET", "/a/b?c=d", "X-A", "b")
	f.Add("get", "/a//b", "X_A", "b")
	f.Add("OPTIONS", "*", "Pavise-Refused", "1")
	f.Add("GET", "/%2e%2e/;x?%", "Content_Length", "b")
	g := mustNew(f, Policy{})
	f.Fuzz(func(t *testing.T, method, target, name, value string) {
		r, err := http.NewRequest(method, "http://a/", nil)
		if err != nil {
			return
		}
		u, err := r.URL.Parse(target)
		if err != nil {
			return
		}
		r.URL, r.RequestURI = u, u.RequestURI()
		r.Header[name] = []string{value}
		want := g.Check(r) == nil
		called := false
		g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			called = true
			if p := r.URL.EscapedPath(); strings.Contains(p, "//") || strings.Contains(p, "/../") || strings.ContainsAny(p, "\\;") {
				t.Errorf("the path %q got through", p)
			}
			if r.URL.RawPath != "" {
				t.Errorf("raw path %q", r.URL.RawPath)
			}
		})).ServeHTTP(discard{}, r)
		if called != want {
			t.Fatalf("Check says %v, Wrap does %v", want, called)
		}
	})
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// TestPoison pins what net/http makes of the end of a broken body, wherever
// it stands.
func TestPoison(t *testing.T) {
	for _, body := range []string{poison, "5\r\nhello" + poison, "5\r\nhello\r\n" + poison} {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(chunkedPost + body)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r.Body); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q is read as %q, error %v", body, got, err)
		}
	}
}
