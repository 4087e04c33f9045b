package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/pavise-dev/pavise"
)

// slowPolicy has the times of the strict policy, but all of them short.
func slowPolicy(t *testing.T) pavise.Policy {
	big := bytes.Repeat([]byte("0123456789abcdef"), 10<<20/16)
	p := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		if r.URL.Path == "/big" {
			_, _ = w.Write(big)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	p.Limits.HeaderRead = 500 * time.Millisecond
	p.Limits.KeepAlive = 300 * time.Millisecond
	p.Limits.BodyGrace, p.Limits.BodyRead = 300*time.Millisecond, 600*time.Millisecond
	p.Limits.Write = 500 * time.Millisecond
	p.Limits.Total = 2 * time.Second
	p.Rate.InsecureUnlimited = true // or the attacks would end at the rate
	return p
}

// besieged runs an attack while an honest client goes on asking, and requires
// that each of its requests is served, soon, and that nothing is left behind.
func besieged(t *testing.T, addr string, gw *Gateway, mib uint64, goroutines int, attack func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	heap := watchHeap()
	done := make(chan struct{})
	var honest sync.WaitGroup
	var took []time.Duration
	honest.Go(func() {
		for {
			began := time.Now()
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Errorf("the honest client does not get in: %v", err)
				return
			}
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			all, err := io.ReadAll(c)
			_ = c.Close()
			if err != nil || !bytes.HasPrefix(all, []byte("HTTP/1.1 200 ")) {
				t.Errorf("the honest client gets %.60q, %v", all, err)
				return
			}
			took = append(took, time.Since(began))
			select {
			case <-done: // an attack may be over before the first answer
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	attack()
	peak := runtime.NumGoroutine()
	close(done)
	honest.Wait()
	grown := heap.grown()
	slices.Sort(took)
	if len(took) > 0 {
		// The median: one slow answer may be the machine's.
		usual := took[len(took)/2]
		t.Logf("%d honest requests, the slowest %v; heap +%d MiB, goroutines +%d", len(took), took[len(took)-1], grown, peak-before)
		if usual > 2*time.Second {
			t.Errorf("honest requests took %v", usual)
		}
	}
	if grown > mib {
		t.Errorf("the heap grew by %d MiB, more than %d", grown, mib)
	}
	if peak-before > goroutines {
		t.Errorf("%d goroutines more, more than %d", peak-before, goroutines)
	}
	eventually(t, "no request is in flight", func() bool { return gw.inFlight.Load() == 0 && gw.backend.pending() == 0 })
}

// dribble writes one byte at a time until the other end has enough, and says
// how long that took.
func dribble(c net.Conn, first, each string, every time.Duration) time.Duration {
	began := time.Now()
	_, _ = io.WriteString(c, first)
	go func() { _, _ = io.Copy(io.Discard, c) }()
	for time.Since(began) < 3*time.Second {
		if _, err := io.WriteString(c, each); err != nil {
			break
		}
		time.Sleep(every)
	}
	_ = c.Close()
	return time.Since(began)
}

func TestSlowHTTP1(t *testing.T) {
	for name, tt := range map[string]struct{ first, each string }{
		"a head":           {"GET / HTTP/1.1\r\nHost: a\r\nX: ", "x"},
		"a request line":   {"G", "x"},
		"a second head":    {"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nX: ", "x"},
		"a body":           {"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n", " "},
		"a body in chunks": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"},
		"a chunk's line":   {"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"},
		"a refused body":   {"POST /docs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n", " "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, gw := start(t, slowPolicy(t), nil)
			besieged(t, addr, gw, 60, 1500, func() {
				var all sync.WaitGroup
				for range 100 {
					c, err := net.Dial("tcp", addr)
					if err != nil {
						t.Fatal(err)
					}
					all.Go(func() {
						if d := dribble(c, tt.first, tt.each, 50*time.Millisecond); d > 2500*time.Millisecond {
							t.Errorf("a connection lived for %v", d)
						}
					})
				}
				all.Wait()
			})
		})
	}
}

// TestSlowReaders ask for a large response and do not read it.
func TestSlowReaders(t *testing.T) {
	t.Run("HTTP/1.1", func(t *testing.T) {
		addr, gw := start(t, slowPolicy(t), nil)
		besieged(t, addr, gw, 60, 600, func() {
			for range 50 {
				c := dial(t, addr)
				_ = c.Conn.(*net.TCPConn).SetReadBuffer(1 << 10)
				c.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
			}
			time.Sleep(100 * time.Millisecond)
			eventually(t, "all have been cut", func() bool { return gw.inFlight.Load() <= 1 })
		})
	})
	t.Run("a window of 1", func(t *testing.T) {
		p := slowPolicy(t)
		p.Gateway.H2C = true
		addr, gw := start(t, p, nil)
		besieged(t, addr, gw, 60, 1500, func() {
			for range 2 {
				c := dialH2(t, addr, nil, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
				for range 50 {
					c.request(true, usual("GET", "/big")...)
				}
				go func() { _, _ = io.Copy(io.Discard, c.Conn) }()
			}
			time.Sleep(100 * time.Millisecond)
			eventually(t, "all have been cut", func() bool { return gw.inFlight.Load() <= 1 })
		})
	})
}

func TestHTTP2Floods(t *testing.T) {
	withH2C := func(t *testing.T) (string, *Gateway) {
		p := slowPolicy(t)
		p.Gateway.H2C = true
		return start(t, p, nil)
	}
	t.Run("idle streams", func(t *testing.T) {
		addr, gw := withH2C(t)
		besieged(t, addr, gw, 80, 3000, func() {
			for range 2 {
				c := dialH2(t, addr, nil)
				go func() { _, _ = io.Copy(io.Discard, c.Conn) }()
				for range 1000 { // without the end of the stream: a body is to come
					c.request(false, append(usual("POST", "/"), "content-type: application/json")...)
				}
			}
			time.Sleep(100 * time.Millisecond)
			eventually(t, "all have been cut", func() bool { return gw.inFlight.Load() <= 1 })
		})
	})
	t.Run("resets", func(t *testing.T) {
		addr, gw := withH2C(t)
		besieged(t, addr, gw, 80, 3000, func() {
			for range 2 {
				c := dialH2(t, addr, nil)
				go func() { _, _ = io.Copy(io.Discard, c.Conn) }()
				for range 2000 {
					id := c.request(true, usual("GET", "/big")...)
					if c.fr.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
						break
					}
				}
			}
		})
	})
	for name, frame := range map[string]func(c *h2conn) error{
		"SETTINGS": func(c *h2conn) error {
			return c.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100})
		},
		"PING":           func(c *h2conn) error { return c.fr.WritePing(false, [8]byte{}) },
		"empty DATA":     func(c *h2conn) error { return c.fr.WriteData(1, false, nil) },
		"WINDOW_UPDATE":  func(c *h2conn) error { return c.fr.WriteWindowUpdate(0, 1) },
		"PRIORITY":       func(c *h2conn) error { return c.fr.WritePriority(1, http2.PriorityParam{Weight: 1}) },
		"unknown frames": func(c *h2conn) error { return c.fr.WriteRawFrame(0xfa, 0, 0, make([]byte, 100)) },
		"CONTINUATION": func(c *h2conn) error {
			return c.fr.WriteContinuation(1, false, c.block("x: "+strings.Repeat("x", 500)))
		},
		"tiny fragments":  func(c *h2conn) error { return c.fr.WriteContinuation(1, false, []byte{0x82}) },
		"no CONTINUATION": func(c *h2conn) error { return c.fr.WriteContinuation(1, false, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			addr, gw := withH2C(t)
			besieged(t, addr, gw, 60, 600, func() {
				c := dialH2(t, addr, nil)
				if strings.Contains(name, "CONT") || name == "tiny fragments" {
					_ = c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block(usual("GET", "/")...)})
				} else {
					c.request(false, append(usual("POST", "/"), "content-type: application/json")...)
				}
				// Nothing is read: what the frames make the server say piles up there.
				_ = c.SetWriteDeadline(time.Now().Add(time.Second))
				for range 20_000 {
					if frame(c) != nil {
						break
					}
				}
				_ = c.Close()
			})
		})
	}
}

// TestIdleConnections cost little, and go.
func TestIdleConnections(t *testing.T) {
	p := slowPolicy(t)
	addr, gw := start(t, p, nil)
	besieged(t, addr, gw, 40, 1500, func() {
		var conns []net.Conn
		for i := range 500 {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			if i%2 == 0 {
				_, _ = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			}
			conns = append(conns, c)
		}
		for _, c := range conns {
			if _, err := io.Copy(io.Discard, c); err != nil {
				t.Errorf("an idle connection does not end: %v", err)
			}
			_ = c.Close()
		}
	})
}
