package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise"
)

const handshake = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nCookie: session=1\r\n"

// echo is an upstream whose /ws switches protocols and sends back what it
// gets, whatever anybody asked for. The rest answers 200 with the path.
func echo(t *testing.T) (p pavise.Policy, upgrades *atomic.Int64) {
	upgrades = new(atomic.Int64)
	p = serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" {
			_, _ = io.WriteString(w, r.URL.Path)
			return
		}
		upgrades.Add(1)
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nServer: echo/1\r\nX-Frame-Options: ALLOWALL\r\n\r\n")
		_, _ = io.Copy(c, rw)
	}))
	return p, upgrades
}

func TestWebSocket(t *testing.T) {
	p, _ := echo(t)
	addr, gw := start(t, p, nil)
	for name, origin := range map[string]string{"no browser": "", "the site's own page": "Origin: http://a\r\n"} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, addr)
			c.send(handshake + origin + "\r\n" + "early")
			res := c.head("GET")
			if res.StatusCode != 101 || res.Header.Get("Upgrade") != "websocket" || !strings.EqualFold(res.Header.Get("Connection"), "upgrade") {
				t.Fatalf("the handshake is answered %d %v", res.StatusCode, res.Header)
			}
			requireAllHeaders(t, res, false)
			for _, message := range []string{"early", "\x81\x05hello", "GET /docs HTTP/1.1\r\nHost: evil\r\n\r\n", strings.Repeat("z", 100_000)} {
				if message != "early" {
					c.send(message)
				}
				got := make([]byte, len(message))
				if _, err := io.ReadFull(c.br, got); err != nil || string(got) != message {
					t.Fatalf("the echo of %.20q is %.20q, %v", message, got, err)
				}
			}
			_ = c.Conn.(*net.TCPConn).CloseWrite()
			if rest, err := io.ReadAll(c.br); err != nil || len(rest) > 0 {
				t.Errorf("after the end there came %q, %v", rest, err)
			}
		})
	}
	eventually(t, "no tunnel is left", func() bool { return gw.inFlight.Load() == 0 && gw.backend.pending() == 0 })
}

// TestCrossSiteWebSocket: a page of another site opens a socket with its
// visitor's cookies.
func TestCrossSiteWebSocket(t *testing.T) {
	p, upgrades := echo(t)
	addr, _ := start(t, p, nil)
	for _, fields := range []string{
		"Origin: https://evil.com\r\n", "Origin: null\r\n", "Origin: http://a.evil.com\r\n", "Origin: http://a\r\nOrigin: https://evil.com\r\n",
		"Sec-Fetch-Site: cross-site\r\n", "Origin: http://a:81\r\n",
	} {
		c := dial(t, addr)
		c.send(handshake + fields + "\r\n")
		res, body := c.answer("GET")
		if res.StatusCode != 403 && (strings.Count(fields, "Origin") != 2 || res.StatusCode != 400) {
			t.Errorf("%q is answered %d: %s", fields, res.StatusCode, body)
		}
		requireHeaders(t, res)
		// What follows is a request again, and not a tunnel.
		_, _ = io.WriteString(c, "GET /docs HTTP/1.1\r\nHost: a\r\n\r\n")
		if res, err := http.ReadResponse(c.br, nil); err == nil && res.StatusCode != 404 {
			t.Errorf("%q: a request behind it is answered %d", fields, res.StatusCode)
		}
	}
	if n := upgrades.Load(); n > 0 {
		t.Errorf("%d handshakes reached the upstream", n)
	}
}

// TestFakeUpgrade: a proxy that takes the request for the answer makes a
// tunnel, and what is sent through it is judged by nobody.
func TestFakeUpgrade(t *testing.T) {
	for name, second := range map[string]string{
		"a forbidden path": "GET /docs HTTP/1.1\r\nHost: a\r\n\r\n",
		"a forbidden host": "POST /api/admin HTTP/1.1\r\nHost: evil.com\r\nContent-Length: 0\r\n\r\n",
		"smuggling":        "POST /api/admin HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			up := newRecordingUpstream(t)
			addr, _ := start(t, vectorPolicy(up.url), nil)
			c := dial(t, addr)
			c.send("GET /api/x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" + second)
			res, _ := c.answer("GET")
			if res.StatusCode != 200 {
				t.Fatalf("the first is answered %d", res.StatusCode)
			}
			requireHeaders(t, res)
			if res, err := http.ReadResponse(c.br, nil); err == nil {
				if res.StatusCode < 400 {
					t.Errorf("the second is answered %d", res.StatusCode)
				}
				requireHeaders(t, res)
			}
			if got := up.take(); len(got) != 1 || got[0].URI != "/api/x" {
				t.Errorf("the upstream saw %v", got)
			}
		})
	}
}

// TestUnaskedSwitch: an upstream that switches unasked would make a tunnel of
// the client's next requests.
func TestUnaskedSwitch(t *testing.T) {
	for name, request := range map[string]string{
		"nothing asked":    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"another protocol": strings.Replace(handshake, "/ws", "/", 1) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			through := make(chan string, 1)
			p := scripted(t, func(c net.Conn, _ string) {
				_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\n")
				_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
				more, _ := bufio.NewReader(c).ReadString('\n')
				through <- more
			})
			addr, _ := start(t, p, nil)
			c := dial(t, addr)
			c.send(request + "GET /docs HTTP/1.1\r\nHost: a\r\n\r\n")
			res, body := c.answer("GET")
			requireRefusal(t, res, body, 502)
			if got := <-through; got != "" {
				t.Errorf("through the tunnel came %q", got)
			}
		})
	}
}

// TestConnectPoisoning: a proxy that forwards CONNECT takes what follows for
// the tunnel's, and the upstream's pool takes it for an answer.
func TestConnectPoisoning(t *testing.T) {
	up := newRecordingUpstream(t)
	addr, _ := start(t, vectorPolicy(up.url), nil)
	for _, target := range []string{"evil.com:443", "a:80", "/", "http://a/"} {
		c := dial(t, addr)
		c.send("CONNECT " + target + " HTTP/1.1\r\nHost: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
		res, body := c.answer("GET")
		if p := requireRefusal(t, res, body, 405, 400); p.Status == 400 && target != "a:80" && target != "/" && target != "http://a/" {
			t.Errorf("CONNECT %s is answered %d", target, p.Status)
		}
		if !c.closed() {
			t.Errorf("CONNECT %s: the connection lives on", target)
		}
	}
	if got := up.take(); len(got) > 0 {
		t.Fatalf("the upstream saw %v", got)
	}
	for range 5 {
		if res, body := exchangeRaw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); res.StatusCode != 200 || body != `{"served":true}` {
			t.Errorf("another client is answered %d %q", res.StatusCode, body)
		}
	}
}
