package supervisor

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestServesAndStops(t *testing.T) {
	before := runtime.NumGoroutine()
	r := start(t, "ok", func(o *Options) {
		o.Workers = 3
		o.Env = append(o.Env, "SHOW={socket}")
	}).up()
	if !r.Ready() || r.pool.count() != 3 {
		t.Fatalf("ready %v, %d upstreams", r.Ready(), r.pool.count())
	}
	dir := r.dir
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the sockets' directory: %v, %v", fi.Mode(), err)
	}
	body, _ := r.get("/")
	fields := strings.Fields(body)
	if len(fields) != 3 || !strings.HasPrefix(fields[2], dir+"/") {
		t.Errorf("the upstream's environment has no socket: %q", body)
	}
	pid, _ := strconv.Atoi(fields[0])
	if pgid, err := syscall.Getpgid(pid); err != nil || pgid != pid {
		t.Errorf("process group %d of %d: %v", pgid, pid, err)
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if r.Ready() || r.pool.count() != 0 || len(*r.children.Load()) != 0 {
		t.Errorf("after the stop: ready %v, %d upstreams", r.Ready(), r.pool.count())
	}
	if alive(pid) {
		t.Error("the process lives on")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the sockets' directory is still there: %v", err)
	}
	if err := r.Run(t.Context()); err == nil {
		t.Error("a second Run is possible")
	}
	until(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before+1 })
}

func TestPort(t *testing.T) {
	r := start(t, "ok", func(o *Options) { o.Command[1] = "{port}" }).up()
	r.get("/")
	for _, b := range r.pool.all {
		if b.addr.Network != "tcp" || !strings.HasPrefix(b.addr.Address, "127.0.0.1:") {
			t.Errorf("address %v", b.addr)
		}
	}
}

// A request that is under way when Run is told to stop is answered.
func TestDrainsAtStop(t *testing.T) {
	r := start(t, "ok", nil).up()
	type answer struct {
		body string
		err  error
	}
	got := make(chan answer)
	go func() {
		body, _, err := r.pool.get("/?sleep=700ms")
		got <- answer{body, err}
	}()
	until(t, "the request is under way", func() bool {
		r.pool.mu.Lock()
		defer r.pool.mu.Unlock()
		for _, b := range r.pool.all {
			return b.pending == 1
		}
		return false
	})
	r.cancel()
	if a := <-got; a.err != nil {
		t.Errorf("the request was dropped: %v", a.err)
	}
	if err := r.wait(); err != nil {
		t.Error(err)
	}
}

// No request is dropped while processes are replaced under load.
func TestReplacedWithoutALostRequest(t *testing.T) {
	const limit = 40
	r := start(t, "ok", func(o *Options) {
		o.Workers = 2
		o.MaxRequests = limit
	}).up()
	var wg sync.WaitGroup
	var failed, total atomic.Int64
	var pids sync.Map
	for range 4 {
		wg.Go(func() {
			for range 150 {
				body, _, err := r.pool.get("/?sleep=2ms")
				total.Add(1)
				if err != nil {
					failed.Add(1)
					t.Logf("dropped: %v", err)
					continue
				}
				pid, _, _ := strings.Cut(body, " ")
				n, _ := pids.LoadOrStore(pid, new(atomic.Int64))
				n.(*atomic.Int64).Add(1)
			}
		})
	}
	wg.Wait()
	if failed.Load() != 0 {
		t.Errorf("%d of %d requests were dropped", failed.Load(), total.Load())
	}
	seen := 0
	pids.Range(func(_, _ any) bool { seen++; return true })
	if seen < 4 {
		t.Errorf("only %d processes served %d requests", seen, total.Load())
	}
	// The old one is drained only after the new one is there.
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	here, least := 0, 2
	for _, event := range r.pool.log[2:] {
		switch {
		case strings.HasPrefix(event, "add"):
			here++
		case strings.HasPrefix(event, "drain"):
			here--
		}
		least = min(least, here+2)
	}
	if least < 2 {
		t.Errorf("at some time only %d upstreams took requests: %v", least, r.pool.log)
	}
}

func TestRecycle(t *testing.T) {
	r := start(t, "ok", nil).up()
	before, _ := r.get("/")
	r.Recycle()
	until(t, "another process answers", func() bool {
		body, _, err := r.pool.get("/")
		return err == nil && body != before
	})
}

// A successor that does not start leaves the old process in place.
func TestReplacementFails(t *testing.T) {
	r := start(t, "ok,once="+filepath.Join(t.TempDir(), "once"), nil).up()
	before, _ := r.get("/")
	r.Recycle()
	until(t, "two attempts fail", func() bool {
		return strings.Count(r.out.String(), "its successor did not start") >= 2
	})
	if body, _ := r.get("/"); body != before || !r.Ready() {
		t.Errorf("the old process does not answer: %q", body)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestCrashIsRestarted(t *testing.T) {
	r := start(t, "crash=2", nil).up()
	for range 3 {
		var id string
		for n := 0; n < 2; n++ {
			_, id = r.get("/")
		}
		if _, _, err := r.pool.get("/"); err == nil {
			t.Fatal("the process did not crash")
		}
		until(t, "a new process is offered", func() bool {
			r.pool.mu.Lock()
			defer r.pool.mu.Unlock()
			return len(r.pool.all) == 1 && r.pool.all[id] == nil
		})
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestGivesUp(t *testing.T) {
	for _, tt := range []struct {
		mode       string
		code, exit int
	}{
		{"exit=3", 3, 3},
		{"exit=0", 0, 1}, // a server that ends without a reason has failed
	} {
		t.Run(tt.mode, func(t *testing.T) {
			r := start(t, tt.mode, func(o *Options) { o.Workers = 2; o.MaxFailures = 3 })
			err := r.wait()
			var fate *ExitError
			if !errors.As(err, &fate) {
				t.Fatalf("Run: %v", err)
			}
			if fate.Code != tt.code || fate.ExitCode() != tt.exit || fate.Ready {
				t.Errorf("%+v", fate)
			}
			if len(fate.Stderr) != 20 || fate.Stderr[0] != "line 5" || fate.Stderr[19] != "line 24" {
				t.Errorf("stderr: %q", fate.Stderr)
			}
			if !strings.Contains(err.Error(), "before it was ready") {
				t.Errorf("error: %v", err)
			}
			if !strings.Contains(r.out.String(), "line 0\n") {
				t.Error("stderr was not passed through")
			}
			if n := strings.Count(r.out.String(), "did not start"); n < 3 || n > 6 {
				t.Errorf("%d attempts", n)
			}
			select {
			case <-r.Started():
				t.Error("it says that it started")
			default:
			}
		})
	}
}

func TestNeverReady(t *testing.T) {
	for _, tt := range []struct {
		mode, path string
	}{
		{"deaf", ""},
		{"deaf,stubborn", ""},
		{"unwell", "/healthz"},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			r := start(t, tt.mode, func(o *Options) {
				o.StartTimeout = 300 * time.Millisecond
				o.StopTimeout = 300 * time.Millisecond
				o.MaxFailures = 1
				o.ReadyPath = tt.path
			})
			err := r.wait()
			var fate *ExitError
			if !errors.As(err, &fate) || fate.ExitCode() != 1 || !strings.Contains(err.Error(), "within 300ms") {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Run("ready path", func(t *testing.T) {
		start(t, "ok", func(o *Options) { o.ReadyPath = "/healthz" }).up()
	})
}

func TestStubbornIsKilled(t *testing.T) {
	r := start(t, "stubborn", func(o *Options) { o.StopTimeout = 400 * time.Millisecond }).up()
	body, _ := r.get("/")
	pid, _ := strconv.Atoi(strings.Fields(body)[0])
	begin := time.Now()
	err := r.stop()
	var fate *ExitError
	if !errors.As(err, &fate) || fate.Signal != syscall.SIGKILL || fate.ExitCode() != 137 || !fate.Ready {
		t.Errorf("Run: %v", err)
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	if alive(pid) {
		t.Error("it lives on")
	}
}

// Kill ends the wait for a process that does not stop, and leaves nothing.
func TestKill(t *testing.T) {
	r := start(t, "stubborn", nil).up()
	body, _ := r.get("/")
	pid, _ := strconv.Atoi(strings.Fields(body)[0])
	r.cancel()
	select {
	case err := <-r.result:
		r.result <- err
		t.Fatalf("it stopped by itself: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	r.Kill()
	select {
	case err := <-r.result:
		r.result <- err
		var fate *ExitError
		if !errors.As(err, &fate) || fate.Signal != syscall.SIGKILL {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits on")
	}
	if alive(pid) {
		t.Error("it lives on")
	}
	if _, err := os.Stat(r.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of its socket is left: %v", err)
	}
}

func TestStopWhileStarting(t *testing.T) {
	r := start(t, "deaf", nil)
	time.Sleep(100 * time.Millisecond)
	begin := time.Now()
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
}

// What a crashed process leaves in its group is ended with it.
func TestSweepsTheGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	r := start(t, "crash=0,litter="+file, nil).up()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(string(text))
	if !alive(pid) {
		t.Fatal("the litter is not there to begin with")
	}
	if _, _, err := r.pool.get("/"); err == nil {
		t.Fatal("the process did not crash")
	}
	until(t, "what it left behind ends", func() bool { return !alive(pid) })
}

func TestSignal(t *testing.T) {
	r := start(t, "ok", func(o *Options) { o.Workers = 2 }).up()
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt, os.Kill} {
		if err := r.Signal(sig); err == nil {
			t.Errorf("%v is forwarded", sig)
		}
	}
	if err := r.Signal(syscall.SIGUSR1); err != nil {
		t.Error(err)
	}
	until(t, "the signal arrives", func() bool {
		body, _ := r.get("/")
		return strings.Fields(body)[1] == "1"
	})
}

func TestServed(t *testing.T) {
	r := start(t, "ok", nil).up()
	_, id := r.get("/")
	if n := testing.AllocsPerRun(100, func() { r.Served(id); r.Served("nobody") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRequestLimit(t *testing.T) {
	s := &Supervisor{o: Options{MaxRequests: 100}}
	seen := map[int64]bool{}
	for range 2000 {
		n := s.requestLimit()
		if n < 90 || n > 100 {
			t.Fatalf("limit %d", n)
		}
		seen[n] = true
	}
	if len(seen) != 11 {
		t.Errorf("%d different limits", len(seen))
	}
	s.o.MaxRequests = 1
	if s.requestLimit() != 1 {
		t.Error("a limit of 1 is not 1")
	}
}

func TestBackoff(t *testing.T) {
	s := &Supervisor{o: Options{Backoff: 100 * time.Millisecond, MaxBackoff: 10 * time.Second}}
	for n, want := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 7: 6400 * time.Millisecond, 8: 10 * time.Second, 1 << 30: 10 * time.Second} {
		for range 100 {
			if d := s.backoff(n); d < want/2 || d > want {
				t.Fatalf("backoff(%d) = %v, want %v to %v", n, d, want/2, want)
			}
		}
	}
}

func TestSocketDir(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 90))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	dir, err := socketDir()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "1023-999999999.sock")
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		t.Fatalf("%d bytes: %v", len(path), err)
	}
	_ = l.Close()
}
