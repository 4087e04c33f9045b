package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newPool(t *testing.T, o PoolOptions, us ...*Upstream) *Pool {
	t.Helper()
	p, err := NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range us {
		p.Add(u)
	}
	return p
}

// ask sends a request to h and returns the status.
func ask(h http.Handler, method string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
	return w
}

func named(t *testing.T, name string) *Upstream {
	return newUpstream(t, Options{Target: answers(t, "HTTP/1.1 200 OK\r\nX-Name: "+name+"\r\nContent-Length: 0\r\n\r\n").url()})
}

func TestPoolTakesTurns(t *testing.T) {
	p := newPool(t, PoolOptions{}, named(t, "a"), named(t, "b"), named(t, "c"))
	count := map[string]int{}
	for range 9 {
		count[ask(p, "GET").Header().Get("X-Name")]++
	}
	if count["a"] != 3 || count["b"] != 3 || count["c"] != 3 {
		t.Errorf("%v", count)
	}
}

func TestPoolLeastPending(t *testing.T) {
	release := make(chan struct{})
	slow := newUpstream(t, Options{Target: scripted(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		<-release
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Name: slow\r\nContent-Length: 0\r\n\r\n")
	}).url()})
	p := newPool(t, PoolOptions{}, slow)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { ask(p, "GET") })
	}
	for slow.Pending() != 2 {
		time.Sleep(time.Millisecond)
	}
	p.Add(named(t, "fast"))
	for range 5 {
		if n := ask(p, "GET").Header().Get("X-Name"); n != "fast" {
			t.Errorf("went to %q", n)
		}
	}
	if p.Pending() != 2 {
		t.Errorf("%d pending", p.Pending())
	}

	// Draining waits for what is pending.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if err := p.Drain(ctx, slow); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("drained with two pending: %v", err)
	}
	if p.Available() != 1 {
		t.Errorf("%d available", p.Available())
	}
	drained := make(chan error)
	go func() { drained <- p.Drain(context.Background(), slow) }()
	close(release)
	within(t, "draining", func() {
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	p.Remove(slow)
	if ask(p, "GET").Code != 200 {
		t.Error("the other one was lost")
	}
}

// TestPoolRefused: a backend that refuses connections costs no request, a
// POST with a body neither, since nothing was sent.
func TestPoolRefused(t *testing.T) {
	gone := answers(t, "")
	gone.Close()
	p := newPool(t, PoolOptions{}, newUpstream(t, Options{Target: gone.url()}), named(t, "b"))
	for range 6 {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("x")))
		if w.Code != 200 {
			t.Errorf("status %d", w.Code)
		}
	}
	for _, u := range p.members {
		if u.Pending() != 0 {
			t.Errorf("%d pending at %s", u.Pending(), u.Target())
		}
	}
	p = newPool(t, PoolOptions{Wait: 120 * time.Millisecond}, newUpstream(t, Options{Target: gone.url()}))
	if w := ask(p, "GET"); w.Code != 502 {
		t.Errorf("status %d", w.Code)
	}
	if p.Pending() != 0 {
		t.Errorf("%d pending", p.Pending())
	}
}

// TestPoolPoison: a request that ends the upstream which serves it on a kept
// connection is not given to the next one, which it would end too.
func TestPoolPoison(t *testing.T) {
	var first *script
	var poisoned atomic.Int32
	first = scripted(t, func(c net.Conn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if req.URL.Path == "/die" {
				poisoned.Add(1)
				first.Close()
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	second := scripted(t, func(_ net.Conn, r *bufio.Reader) {
		if req, err := http.ReadRequest(r); err == nil && req.URL.Path == "/die" {
			poisoned.Add(1)
		}
	})
	p := newPool(t, PoolOptions{}, newUpstream(t, Options{Target: first.url()}))
	if w := ask(p, "GET"); w.Code != 200 { // so that a connection is kept
		t.Fatalf("status %d", w.Code)
	}
	p.Add(newUpstream(t, Options{Target: second.url()}))
	p.next = 0
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest("GET", "/die", nil))
	if n := poisoned.Load(); w.Code != 502 || n != 1 {
		t.Errorf("status %d; %d upstreams were asked", w.Code, n)
	}
}

// TestPoolWaits: a request that comes while a worker is replaced is late, not lost.
func TestPoolWaits(t *testing.T) {
	p := newPool(t, PoolOptions{Wait: 50 * time.Millisecond})
	w := ask(p, "GET")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "SERVICE_UNAVAILABLE") {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	p = newPool(t, PoolOptions{Wait: 5 * time.Second})
	u := named(t, "a")
	time.AfterFunc(30*time.Millisecond, func() { p.Add(u) })
	if w := ask(p, "GET"); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
	// The same for one that is there and does not listen yet.
	var up atomic.Bool
	late := newUpstream(t, Options{Target: u.Target(), Dial: func(ctx context.Context) (net.Conn, error) {
		if !up.Load() {
			return nil, errors.New("refused")
		}
		var d net.Dialer
		return d.DialContext(ctx, u.network, u.address)
	}})
	p = newPool(t, PoolOptions{Wait: 5 * time.Second}, late)
	time.AfterFunc(80*time.Millisecond, func() { up.Store(true) })
	if w := ask(p, "GET"); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

// TestPoolReplaced: backends come and go under load and no request fails.
func TestPoolReplaced(t *testing.T) {
	first := named(t, "0")
	p := newPool(t, PoolOptions{}, first)
	stop := make(chan struct{})
	var failed, served atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if ask(p, "POST").Code != 200 {
					failed.Add(1)
				}
				served.Add(1)
			}
		})
	}
	old := first
	for range 10 {
		u := named(t, "x")
		p.Add(u)
		if err := p.Drain(context.Background(), old); err != nil {
			t.Error(err)
		}
		p.Remove(old)
		old = u
		time.Sleep(5 * time.Millisecond)
	}
	close(stop)
	wg.Wait()
	if failed.Load() != 0 || served.Load() == 0 {
		t.Errorf("%d of %d failed", failed.Load(), served.Load())
	}
}
