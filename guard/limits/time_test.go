package limits

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A network is a listener whose connections are pipes, so that a real server
// runs in a bubble whose time is not real.
type network struct {
	conns chan net.Conn
	done  chan struct{}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}
func (n *network) Close() error {
	select {
	case <-n.done:
	default:
		close(n.done)
	}
	return nil
}
func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// serve runs h behind g in the bubble and returns how to connect.
func serve(t *testing.T, g *Guard, h http.Handler) (dial func() net.Conn) {
	st := g.ServerTimeouts()
	return serveWith(t, &http.Server{
		Handler: g.Wrap(h), ReadHeaderTimeout: st.HeaderRead, IdleTimeout: st.KeepAlive,
		ReadTimeout: st.Total, WriteTimeout: st.Total,
	})
}

func serveWith(t *testing.T, srv *http.Server) (dial func() net.Conn) {
	n := &network{conns: make(chan net.Conn), done: make(chan struct{})}
	srv.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(func() { time.Sleep(3 * time.Hour) }) // whoever sleeps wakes up before the bubble ends
	go func() { _ = srv.Serve(n) }()
	t.Cleanup(func() { _ = srv.Close() })
	return func() net.Conn {
		ours, theirs := net.Pipe()
		n.conns <- theirs
		t.Cleanup(func() { _ = ours.Close() })
		return ours
	}
}

// answer sends head and then, in a goroutine, more; it returns the response.
func answer(t *testing.T, c net.Conn, head string, more func()) *http.Response {
	t.Helper()
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	if more != nil {
		go more()
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

const chunked = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

func TestSlowBody(t *testing.T) {
	for name, c := range map[string]struct {
		head  string
		pause time.Duration // between two chunks of one byte
		n     int           // how many
		want  int
		after time.Duration // 0 is not asked
	}{
		"still":           {chunked, time.Hour, 1, 408, 5 * time.Second},
		"still, length":   {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1", time.Hour, 0, 408, 5 * time.Second},
		"dribble":         {chunked, time.Second, 100, 408, 5 * time.Second},
		"fast enough":     {chunked, 4 * time.Millisecond, 10000, 200, 0},
		"within grace":    {chunked, time.Second, 4, 200, 0},
		"longer than all": {chunked, 4 * time.Millisecond, 20000, 408, 60 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := serve(t, must(t, Policy{}), echo)()
				start := time.Now()
				res := answer(t, conn, c.head, func() {
					for range c.n {
						time.Sleep(c.pause)
						if _, err := io.WriteString(conn, "1\r\nx\r\n"); err != nil {
							return
						}
					}
					_, _ = io.WriteString(conn, "0\r\n\r\n")
				})
				if res.StatusCode != c.want {
					t.Errorf("status %d, want %d", res.StatusCode, c.want)
				}
				if took := time.Since(start); c.after != 0 && (took < c.after || took > c.after+time.Second) {
					t.Errorf("after %s, want %s", took, c.after)
				}
				if c.want == 408 && !res.Close {
					t.Error("the connection stays open")
				}
			})
		})
	}
}

// The time in which the handler does not read is not the client's.
func TestSlowHandlerIsNoSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, must(t, Policy{}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(5 * time.Minute)
			echo(w, r)
		}))()
		res := answer(t, conn, chunked, func() { _, _ = io.WriteString(conn, "2\r\nok\r\n0\r\n\r\n") })
		if b, _ := io.ReadAll(res.Body); string(b) != "ok" {
			t.Errorf("got %d %q", res.StatusCode, b)
		}
	})
}

// In observe mode a slow body is noted once and goes on, also chunked.
func TestSlowBodyObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen map[string]int
		g := must(t, Policy{})
		h := g.Wrap(echo)
		n := must(t, Policy{InsecureSlowBody: true, InsecureUnlimitedConcurrency: true})
		conn := serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r, seen = observed(r)
			h.ServeHTTP(w, r)
		}))()
		res := answer(t, conn, chunked, func() {
			for range 3 {
				time.Sleep(time.Minute)
				_, _ = io.WriteString(conn, "1\r\nx\r\n")
			}
			_, _ = io.WriteString(conn, "0\r\n\r\n")
		})
		if b, _ := io.ReadAll(res.Body); string(b) != "xxx" || seen["limits/slow-body"] != 1 {
			t.Errorf("got %d %q, seen %v", res.StatusCode, b, seen)
		}
	})
}

// net/http reads what a handler left of a small body before it answers. A
// client that does not send it gets its answer all the same, and no more.
func TestUnreadBodyIsNotWaitedFor(t *testing.T) {
	for name, head := range map[string]string{
		"by the handler": "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1",
		"by a refusal":   "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nContent-Encoding: br\r\n\r\n1",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := serve(t, must(t, Policy{}), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))()
				start := time.Now()
				answer(t, conn, head, nil)
				_, _ = io.Copy(io.Discard, conn) // to its end
				if took := time.Since(start); took > 11*time.Second {
					t.Errorf("held for %s", took)
				}
			})
		})
	}
}

// A handler that answers first and reads on, as a proxy does, keeps the time
// that a body has.
func TestReadingOnAfterTheAnswerBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, must(t, Policy{}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex()
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Second)
			echo(w, r)
		}))()
		res := answer(t, conn, chunked, func() {
			time.Sleep(22 * time.Second)
			_, _ = io.WriteString(conn, "2\r\nok\r\n0\r\n\r\n")
		})
		if b, err := io.ReadAll(res.Body); string(b) != "ok" {
			t.Errorf("got %q, %v", b, err)
		}
	})
}

// A client that does not read ends its request; one that reads slowly but
// steadily gets everything, however long that takes.
func TestSlowReader(t *testing.T) {
	const size = 1 << 20
	for name, c := range map[string]struct {
		pause time.Duration // for each 16 KiB
		whole bool
	}{"steady": {7 * time.Second, true}, "stopped": {time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failed := make(chan time.Duration, 1)
				conn := serve(t, must(t, Policy{}), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					start := time.Now()
					if _, err := w.Write(make([]byte, size)); err != nil {
						failed <- time.Since(start)
					}
				}))()
				res := answer(t, conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", nil)
				n := 0
				for {
					time.Sleep(c.pause)
					k, err := io.CopyN(io.Discard, res.Body, 16<<10)
					n += int(k)
					if err != nil {
						break
					}
				}
				if (n == size) != c.whole {
					t.Errorf("%d bytes of %d", n, size)
				}
				if !c.whole {
					if d := <-failed; d > time.Minute {
						t.Errorf("the write ended after %s", d)
					}
				}
			})
		})
	}
}

func TestTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := must(t, Policy{Total: time.Minute, Routes: []Route{{Path: "/long", Total: time.Hour}}})
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/events":
				w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
				for range 30 {
					if _, err := io.WriteString(w, "data: x\n\n"); err != nil {
						t.Error(err)
					}
					_ = http.NewResponseController(w).Flush()
					time.Sleep(time.Minute)
				}
				if r.Context().Err() != nil {
					t.Errorf("the stream's context: %v", r.Context().Err())
				}
			case "/late":
				time.Sleep(2 * time.Minute)
				_, _ = io.WriteString(w, "late")
			default:
				child, cancel := context.WithCancel(r.Context())
				defer cancel()
				start := time.Now()
				<-child.Done()
				if err := r.Context().Err(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				http.Error(w, fmt.Sprint(time.Since(start)), http.StatusBadGateway)
			}
		})
		for path, want := range map[string]struct {
			status int
			took   time.Duration
		}{"/": {504, time.Minute}, "/late": {504, 2 * time.Minute}, "/long": {504, time.Hour}, "/events": {200, 30 * time.Minute}} {
			start := time.Now()
			res := answer(t, serve(t, g, h)(), "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n", nil)
			b, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != want.status || time.Since(start) != want.took {
				t.Errorf("%s: %d after %s, %v", path, res.StatusCode, time.Since(start), err)
			}
			if want.status == 504 && !strings.Contains(string(b), `"error":"TIMEOUT"`) {
				t.Errorf("%s: %s", path, b)
			}
		}
	})
}

// An upgraded connection has no limits of time, and keeps its place.
func TestHijack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := must(t, Policy{Total: time.Minute})
		conn := serve(t, g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
			if b, err := rw.ReadByte(); b != '!' || err != nil {
				t.Errorf("%q %v", b, err)
			}
			if inFlight(g) != 1 || r.Context().Err() != nil {
				t.Errorf("%d taken, %v", inFlight(g), r.Context().Err())
			}
		}))()
		if res := answer(t, conn, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", nil); res.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("got %d", res.StatusCode)
		}
		time.Sleep(time.Hour)
		_, _ = io.WriteString(conn, "!")
		synctest.Wait()
		if inFlight(g) != 0 {
			t.Errorf("%d taken", inFlight(g))
		}
	})
}

// A client that waits for 100 Continue with a body that is too large never
// gets it.
func TestExpect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := must(t, Policy{Body: 10})
		for n, want := range map[int]int{10: 100, 11: 413} {
			res := answer(t, serve(t, g, echo)(), fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", n), nil)
			if res.StatusCode != want {
				t.Errorf("%d bytes: %d", n, res.StatusCode)
			}
		}
	})
}

// HTTP/2 without a pause between writes and with one, and a small window: its
// deadlines end a stream by themselves, so they must not outlive a write.
func TestHTTP2(t *testing.T) {
	g := must(t, Policy{})
	srv := httptest.NewUnstartedServer(g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.ProtoMajor != 2 {
			t.Errorf("%s: %v", r.Proto, err)
		}
		_, _ = w.Write(b)
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write(b)
	})))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	in := strings.Repeat("x", 1<<20)
	res, err := srv.Client().Post(srv.URL, "text/plain", unsized{strings.NewReader(in)})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != in+in {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
