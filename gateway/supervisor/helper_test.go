package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The test binary is also the upstream: started with PAVISE_TEST_UPSTREAM it
// is a small HTTP server whose modes are the troubles of real ones.
func TestMain(m *testing.M) {
	if mode := os.Getenv("PAVISE_TEST_UPSTREAM"); mode != "" {
		os.Exit(upstream(mode, os.Args[1]))
	}
	os.Exit(m.Run())
}

func upstream(modes, addr string) int {
	var crashAfter int64 = -1
	listen, obey, answer := true, true, true
	for _, mode := range strings.Split(modes, ",") {
		name, arg, _ := strings.Cut(mode, "=")
		n, _ := strconv.Atoi(arg)
		switch name {
		case "ok":
		case "exit": // before it listens
			for i := range 25 {
				fmt.Fprintf(os.Stderr, "line %d\n", i)
			}
			return n
		case "crash": // during request n
			crashAfter = int64(n)
		case "deaf": // never ready
			listen = false
		case "unwell": // listens, but answers 503
			answer = false
		case "stubborn": // ignores SIGTERM
			obey = false
		case "once": // only one process of this file ever starts well
			f, err := os.OpenFile(arg, os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return 9
			}
			_ = f.Close()
		case "litter": // starts a process that outlives it
			cmd := exec.Command("sleep", "600")
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				return 8
			}
			_ = os.WriteFile(arg, []byte(strconv.Itoa(cmd.Process.Pid)), 0o600)
		}
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	usr := make(chan os.Signal, 1)
	signal.Notify(usr, syscall.SIGUSR1)
	var signals atomic.Int64
	go func() {
		for range usr {
			signals.Add(1)
		}
	}()
	var served atomic.Int64
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := served.Add(1); crashAfter >= 0 && n > crashAfter {
			os.Exit(7)
		}
		if !answer {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if d, err := time.ParseDuration(r.URL.Query().Get("sleep")); err == nil {
			time.Sleep(d)
		}
		_, _ = fmt.Fprintf(w, "%d %d %s", os.Getpid(), signals.Load(), os.Getenv("SHOW"))
	})}
	if listen {
		network := "unix"
		if !strings.Contains(addr, "/") {
			network, addr = "tcp", "127.0.0.1:"+addr
		}
		l, err := net.Listen(network, addr)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 6
		}
		go func() { _ = srv.Serve(l) }()
	}
	for {
		<-term
		if !obey {
			continue
		}
		_ = srv.Shutdown(context.Background())
		return 0
	}
}

// pool is a small gateway: least pending first, and it drains.
type pool struct {
	mu     sync.Mutex
	cond   *sync.Cond
	all    map[string]*backend
	served func(id string)
	log    []string
}

type backend struct {
	addr     Address
	pending  int
	draining bool
	client   *http.Client
}

func newPool() *pool {
	p := &pool{all: map[string]*backend{}}
	p.cond = sync.NewCond(&p.mu)
	return p
}

func (p *pool) Add(id string, at Address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all[id] != nil {
		panic("added twice: " + id)
	}
	p.log = append(p.log, "add "+id)
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, at.Network, at.Address)
		},
	}
	p.all[id] = &backend{addr: at, client: &http.Client{Transport: t}}
	p.cond.Broadcast()
}

func (p *pool) Drain(ctx context.Context, id string) error {
	stop := context.AfterFunc(ctx, p.cond.Broadcast)
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.all[id]
	if b == nil {
		return nil
	}
	p.log = append(p.log, "drain "+id)
	b.draining = true
	for b.pending > 0 && ctx.Err() == nil {
		p.cond.Wait()
	}
	return ctx.Err()
}

func (p *pool) Remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all[id] == nil {
		panic("removed but not there: " + id)
	}
	p.log = append(p.log, "remove "+id)
	p.all[id].client.CloseIdleConnections()
	delete(p.all, id)
}

func (p *pool) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all)
}

var errNobody = errors.New("no upstream")

// get sends one request to the least busy upstream. It returns the id too.
func (p *pool) get(path string) (body, id string, err error) {
	p.mu.Lock()
	var best *backend
	for i, b := range p.all {
		if !b.draining && (best == nil || b.pending < best.pending) {
			best, id = b, i
		}
	}
	if best == nil {
		p.mu.Unlock()
		return "", "", errNobody
	}
	best.pending++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		best.pending--
		p.cond.Broadcast()
		p.mu.Unlock()
		if p.served != nil {
			p.served(id)
		}
	}()
	res, err := best.client.Get("http://upstream" + path)
	if err != nil {
		return "", id, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return string(b), id, err
}

// lockedBuffer collects output of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a supervisor that runs.
type rig struct {
	*Supervisor
	t      *testing.T
	pool   *pool
	out    *lockedBuffer
	cancel context.CancelFunc
	result chan error
}

// start runs a supervisor of test upstreams. change may be nil.
func start(t *testing.T, mode string, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, pool: newPool(), out: new(lockedBuffer), result: make(chan error, 1)}
	o := Options{
		Command: []string{os.Args[0], "{socket}"},
		// Without this every process under -race takes a second to end.
		Env:      append(os.Environ(), "PAVISE_TEST_UPSTREAM="+mode, "GORACE=atexit_sleep_ms=0"),
		Backends: r.pool,
		Backoff:  5 * time.Millisecond,
		Logger:   slog.New(slog.NewTextHandler(r.out, nil)),
		Stdout:   r.out, Stderr: r.out,
		StartTimeout: 20 * time.Second,
		StopTimeout:  20 * time.Second,
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.Supervisor, r.pool.served = s, s.Served
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	go func() { r.result <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-r.result:
			r.result <- err
		case <-time.After(30 * time.Second):
			t.Error("Run does not return")
		}
		if t.Failed() {
			t.Log(r.out)
		}
	})
	return r
}

func (r *rig) up() *rig {
	r.t.Helper()
	select {
	case <-r.Started():
	case err := <-r.result:
		r.result <- err
		r.t.Fatalf("Run returned %v\n%s", err, r.out)
	case <-time.After(30 * time.Second):
		r.t.Fatalf("not started\n%s", r.out)
	}
	return r
}

// stop ends the context and returns what Run returned.
func (r *rig) stop() error {
	r.cancel()
	return r.wait()
}

func (r *rig) wait() error {
	r.t.Helper()
	select {
	case err := <-r.result:
		r.result <- err
		return err
	case <-time.After(30 * time.Second):
		r.t.Fatalf("Run does not return\n%s", r.out)
		return nil
	}
}

func (r *rig) get(path string) (body, id string) {
	r.t.Helper()
	body, id, err := r.pool.get(path)
	if err != nil {
		r.t.Fatal(err)
	}
	return body, id
}

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// alive says whether a process exists that is not a zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, os.ErrNotExist) {
		return syscall.Kill(pid, 0) == nil && !isLinux()
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

func isLinux() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}
