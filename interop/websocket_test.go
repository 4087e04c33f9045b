//go:build real

package interop

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A socket is the client's end of a WebSocket (RFC 6455), as much of it as an
// echo needs.
type socket struct {
	net.Conn
	r *bufio.Reader
}

const (
	text   = 1
	blob   = 2
	closed = 8
	ping   = 9
	pong   = 10
)

// handshake asks for a WebSocket. The socket is nil if it is refused.
func handshake(t *testing.T, addr, path string, fields ...string) (*http.Response, string, *socket) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	lines := append([]string{"GET " + path + " HTTP/1.1", "Host: " + addr, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, fields...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res, "", &socket{conn, r}
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body), nil
}

// write sends a frame, masked as a client has to.
func (s *socket) write(op byte, last bool, payload []byte) error {
	head := []byte{op, 0x80}
	if last {
		head[0] |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		head[1] |= byte(n)
	case n < 1<<16:
		head[1] |= 126
		head = binary.BigEndian.AppendUint16(head, uint16(n))
	default:
		head[1] |= 127
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	mask := make([]byte, 4)
	_, _ = rand.Read(mask)
	frame := append(head, mask...)
	for i, b := range payload {
		frame = append(frame, b^mask[i%4])
	}
	_, err := s.Write(frame)
	return err
}

// read returns the next frame.
func (s *socket) read() (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return 0, nil, err
	}
	if head[0]&0x80 == 0 || head[1]&0x80 != 0 {
		return 0, nil, fmt.Errorf("a frame in pieces or masked: %x", head)
	}
	n := uint64(head[1])
	switch n {
	case 126:
		var b [2]byte
		if _, err := io.ReadFull(s.r, b[:]); err != nil {
			return 0, nil, err
		}
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		if _, err := io.ReadFull(s.r, b[:]); err != nil {
			return 0, nil, err
		}
		n = binary.BigEndian.Uint64(b[:])
	}
	if n > 1<<24 {
		return 0, nil, fmt.Errorf("a frame of %d bytes", n)
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(s.r, payload)
	return head[0] & 0xf, payload, err
}

// TestWebSocket: an echo works through the gateway for whoever may open it, and
// nobody else gets one.
func TestWebSocket(t *testing.T) {
	bareAddr := exampleBare(t)
	frontAddr, _ := exampleUp(t, "")
	for name, fields := range map[string][]string{
		"no browser":       nil,
		"the API's origin": {"Origin: http://" + frontAddr, "Sec-Fetch-Site: same-origin"},
		"a listed origin":  {"Origin: https://shop.example.com", "Sec-Fetch-Site: cross-site"},
	} {
		t.Run(name, func(t *testing.T) {
			res, body, s := handshake(t, frontAddr, "/ws", append(fields, "Sec-WebSocket-Protocol: echo, other")...)
			if s == nil {
				t.Fatalf("status %d: %s", res.StatusCode, body)
			}
			requireSecured(t, res)
			// RFC 6455 section 1.3 has this key and its answer.
			if got := res.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
				t.Errorf("Sec-WebSocket-Accept is %q", got)
			}
			if got := res.Header.Get("Sec-WebSocket-Protocol"); got != "echo" {
				t.Errorf("the subprotocol is %q", got)
			}
			for _, message := range []struct {
				op      byte
				payload string
			}{
				{text, "hello"}, {blob, "\x00\xff\r\n\r\n"}, {text, "größe 🏹"}, {text, ""},
				{blob, strings.Repeat("x", 126)}, {blob, strings.Repeat("y", 1<<16)}, {text, strings.Repeat("z", 900_000)},
			} {
				if err := s.write(message.op, true, []byte(message.payload)); err != nil {
					t.Fatal(err)
				}
				op, got, err := s.read()
				if err != nil || op != message.op || string(got) != message.payload {
					t.Fatalf("sent %d bytes of kind %d, got %d of %d, %v", len(message.payload), message.op, len(got), op, err)
				}
			}
			// In pieces, with a ping between them.
			for _, f := range []struct {
				op   byte
				last bool
				part string
			}{{text, false, "one "}, {ping, true, "still there?"}, {0, true, "two"}} {
				if err := s.write(f.op, f.last, []byte(f.part)); err != nil {
					t.Fatal(err)
				}
			}
			if op, got, err := s.read(); err != nil || op != pong || string(got) != "still there?" {
				t.Errorf("a ping is answered %d %q %v", op, got, err)
			}
			if op, got, err := s.read(); err != nil || op != text || string(got) != "one two" {
				t.Errorf("a message in pieces comes back as %d %q %v", op, got, err)
			}
			if err := s.write(text, true, []byte("bye")); err != nil {
				t.Fatal(err)
			}
			if op, got, err := s.read(); err != nil || op != closed || len(got) < 2 || binary.BigEndian.Uint16(got) != 1000 {
				t.Errorf("the end is %d %x %v", op, got, err)
			}
		})
	}
	for name, fields := range map[string][]string{
		"a foreign page":                    {"Origin: https://evil.example"},
		"a foreign page with the cookie":    {"Origin: https://evil.example", "Cookie: session=" + token, "Sec-Fetch-Site: cross-site"},
		"a page without an origin":          {"Origin: null"},
		"a look-alike of a listed origin":   {"Origin: https://shop.example.com.evil.example"},
		"a listed origin in the clear":      {"Origin: http://shop.example.com"},
		"our own name at another port":      {"Origin: http://127.0.0.1:1"},
		"a browser that hides the origin":   {"Sec-Fetch-Site: cross-site"},
		"an origin that contradicts it":     {"Origin: http://" + frontAddr, "Sec-Fetch-Site: cross-site"},
		"two origins, of which one is ours": {"Origin: http://" + frontAddr, "Origin: https://evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, s := handshake(t, bareAddr, "/ws", fields...); s == nil && len(fields) == 1 {
				t.Error("bare, the app refuses it: this proves nothing")
			}
			res, body, s := handshake(t, frontAddr, "/ws", fields...)
			if s != nil {
				t.Fatal("a connection was opened")
			}
			refused(t, res, body, 400, 403)
		})
	}
	t.Run("a path without a WebSocket", func(t *testing.T) {
		// After the refusal the next request is judged as one.
		res, _, s := handshake(t, frontAddr, "/health")
		if s != nil || res.StatusCode == 101 {
			t.Fatal("a tunnel was opened to a path that has none")
		}
		requireSecured(t, res)
	})
}
