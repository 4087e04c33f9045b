package traffic_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

func to(t *testing.T, root string) *traffic.Client {
	t.Helper()
	base, err := url.Parse(root)
	if err != nil {
		t.Fatal(err)
	}
	c := traffic.New(traffic.Options{Base: base, Run: "test", Total: 10})
	t.Cleanup(c.Close)
	return c
}

// TestRaw: bytes go as they are, with the marker after the first line, and
// count as a request.
func TestRaw(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := make(chan string, 2)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 4096)
			n, _ := conn.Read(b)
			got <- string(b[:n])
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
			conn.Close()
		}
	}()
	c := to(t, "http://"+listener.Addr().String())
	for raw, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n": "GET / HTTP/1.1\r\nX-Pavise-Probe: test\r\nHost: " + listener.Addr().String() + "\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\n\n":            "GET / HTTP/1.1\nX-Pavise-Probe: test\nHost: a\n\n",
	} {
		e, err := c.Raw(t.Context(), raw)
		if err != nil || e.Status != http.StatusNoContent {
			t.Fatal(e, err)
		}
		if sent := <-got; sent != want {
			t.Errorf("sent %q, want %q", sent, want)
		}
	}
	if c.Sent() != 2 {
		t.Errorf("%d requests counted", c.Sent())
	}
}

func TestWire(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Body", strings.TrimRight(string(body), " "))
	}))
	defer srv.Close()
	c := to(t, srv.URL)
	h, err := c.Wire(t.Context(), traffic.Wire{Raw: "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 105\r\n\r\nab", Pad: 100, Tail: "c", Drip: "de", Pause: time.Millisecond, Linger: time.Millisecond})
	if err != nil || len(h.Answers) != 1 || !strings.HasSuffix(h.Answers[0].Header.Get("X-Body"), "cde") || h.Closed {
		t.Errorf("got %+v %v", h, err)
	}
	h, err = c.Wire(t.Context(), traffic.Wire{Raw: "GET / HTTP/1.1\r\nHost: {host}\r\n", Wait: 50 * time.Millisecond})
	if err != nil || !h.Silent || h.Closed {
		t.Errorf("got %+v %v", h, err)
	}
	if _, err := h.First(); !errors.Is(err, traffic.ErrSilent) {
		t.Error(err)
	}
}

// TestKept: a connection that the server gave up is no answer to a request.
func TestKept(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
					time.Sleep(5 * time.Millisecond)
				}
			}()
		}
	}()
	c := to(t, "http://"+listener.Addr().String())
	for range 5 {
		if _, err := c.Send(t.Context(), &traffic.Request{Method: "POST", Path: "/"}); err != nil {
			t.Error(err)
		}
	}
}
