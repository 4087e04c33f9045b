package wire

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// sink is a connection that takes so many bytes and then fails.
type sink struct {
	net.Conn
	bytes.Buffer
	room int
}

func (s *sink) Write(p []byte) (int, error) {
	if len(p) > s.room {
		n, _ := s.Buffer.Write(p[:s.room])
		return n, errors.New("full")
	}
	return s.Buffer.Write(p)
}

func (s *sink) Read([]byte) (int, error) { return 0, errors.New("not read") }

func TestPreface(t *testing.T) {
	g, err := New(Policy{})
	if err != nil {
		t.Fatal(err)
	}
	const line, block, rest = "HTTP/1.1 200 OK\r\n", "A: b\r\nC: d\r\n", "Date: now\r\n\r\nbody"
	long := strings.Repeat("x", 2*bufferSize)
	for room := range len(line + block + rest) {
		s := &sink{room: room}
		c := g.conn(s)
		c.ahead = []byte(block)
		n, err := c.Write([]byte(line + rest))
		if err == nil || s.String() != (line + block + rest)[:room] {
			t.Fatalf("%d bytes of room: %q, %v", room, s.String(), err)
		}
		want := room
		if room > len(line) {
			want = max(len(line), room-len(block))
		}
		if n != want {
			t.Errorf("%d bytes of room: returns %d, want %d", room, n, want)
		}
	}
	s := &sink{room: 1 << 20}
	c := g.conn(s)
	c.ahead = []byte(block)
	for _, p := range []string{line + rest, line + long, long} { // once only
		if n, err := c.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if want := line + block + rest + line + long + long; s.String() != want {
		t.Errorf("%.200q", s.String())
	}
	// What is no head gets no block, and does not go out without one.
	for _, p := range []string{"body\r\n", "\n", "HTTP/1.1 200", "HTTP/1.1 200 OK\n", "5\r\nHTTP/"} {
		s := &sink{room: 1 << 20}
		c := g.conn(s)
		c.ahead = []byte(block)
		if n, err := c.Write([]byte(p)); n != 0 || err == nil || s.Len() != 0 {
			t.Errorf("%q: %d, %v, %q", p, n, err, s.String())
		}
	}
}

func TestPrefaceIsTaken(t *testing.T) {
	g, err := New(Policy{})
	if err != nil {
		t.Fatal(err)
	}
	c := g.conn(&sink{})
	with := func(r *http.Request, c *conn) *http.Request {
		return r.WithContext(context.WithValue(r.Context(), connKey{}, c))
	}
	get := httptest.NewRequest(http.MethodGet, "/", nil)
	if !g.Preface(with(get, c), []byte("A: b\r\n")) || c.ahead == nil {
		t.Error("not taken")
	}
	if g.Preface(with(get, c), nil) || c.ahead != nil {
		t.Error("an old block stays")
	}
	post := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	c.ahead = []byte("A: old\r\n")
	if g.Preface(with(post, c), []byte("A: b\r\n")) || c.ahead != nil {
		t.Error("taken beside a body, in whose reading a 100 is written")
	}
	if g.Preface(get, []byte("A: b\r\n")) {
		t.Error("taken without a connection")
	}
	two := with(httptest.NewRequest(http.MethodGet, "/", nil), c)
	two.ProtoMajor = 2
	if g.Preface(two, []byte("A: b\r\n")) || c.ahead != nil {
		t.Error("taken by HTTP/2")
	}
}
