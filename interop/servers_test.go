//go:build real

package interop

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

type who struct {
	PID    int    `json:"pid"`
	Client string `json:"client"`
	Scheme string `json:"scheme"`
	Host   string `json:"host"`
}

func ask(addr string) (w who, status int, err error) {
	client := &http.Client{Timeout: 20 * time.Second}
	res, err := client.Get("http://" + addr + "/")
	if err != nil {
		return w, 0, err
	}
	defer res.Body.Close()
	return w, res.StatusCode, json.NewDecoder(res.Body).Decode(&w)
}

// Every server that is recognised is started by its plain command line, is
// told the real client, and keeps its promises.
func TestServers(t *testing.T) {
	bin := filepath.Dir(python(t, "PAVISE_SERVERS"))
	for name, command := range map[string][]string{
		"uvicorn":           {filepath.Join(bin, "uvicorn"), "app:app"},
		"python -m uvicorn": {filepath.Join(bin, "python"), "-m", "uvicorn", "app:app", "--host", "0.0.0.0", "--port", "8000"},
		"gunicorn":          {filepath.Join(bin, "gunicorn"), "-k", "uvicorn_worker.UvicornWorker", "app:app"},
		"hypercorn":         {filepath.Join(bin, "hypercorn"), "app:app"},
		"granian":           {filepath.Join(bin, "granian"), "--interface", "asgi", "app:app"},
		"a placeholder":     {filepath.Join(bin, "python"), "-m", "uvicorn", "app:app", "--port", "{port}"},
	} {
		t.Run(name, func(t *testing.T) {
			addr, p := upCommand(t, "servers", "", nil, command...)
			w, status, err := ask(addr)
			if err != nil || status != 200 {
				t.Fatalf("%d %v", status, err)
			}
			if w.Host != addr {
				t.Errorf("the application sees the host %q, want %q", w.Host, addr)
			}
			if strings.Contains(name, "uvicorn") && (w.Client != "127.0.0.1" || w.Scheme != "http") {
				t.Errorf("the application sees the client %q by %q", w.Client, w.Scheme)
			}
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-p.done:
				p.done <- err
				if err != nil {
					t.Errorf("after an orderly stop: %v", err)
				}
			case <-time.After(15 * time.Second):
				t.Error("did not stop")
			}
			if gone(w.PID) {
				return
			}
			t.Errorf("the application's process %d is still there", w.PID)
		})
	}
}

// gone waits a little for a process to end.
func gone(pid int) bool {
	for range 50 {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// Workers are recycled under load, and no request is lost by it.
func TestRecyclingLosesNoRequest(t *testing.T) {
	bin := filepath.Dir(python(t, "PAVISE_SERVERS"))
	policy := "rate:\n  limit: 100000/s\n  burst: 100000\n"
	addr, _ := upCommand(t, "servers", policy, []string{"--workers", "2", "--max-requests", "150"}, filepath.Join(bin, "uvicorn"), "app:app", "--log-level", "warning")
	var pids sync.Map
	met := func() (n int) {
		pids.Range(func(any, any) bool { n++; return true })
		return n
	}
	var failed, served atomic.Int32
	var wg sync.WaitGroup
	end := time.Now().Add(25 * time.Second)
	for range 8 {
		wg.Go(func() {
			// Until each of the two was replaced, and a good while longer.
			for time.Now().Before(end) && failed.Load() == 0 && (met() < 4 || served.Load() < 1500) {
				w, status, err := ask(addr)
				if err != nil || status != 200 {
					failed.Add(1)
					t.Logf("lost: %d %v", status, err)
					continue
				}
				pids.Store(w.PID, true)
				served.Add(1)
			}
		})
	}
	wg.Wait()
	if failed.Load() > 0 || met() < 4 {
		t.Errorf("%d requests were served by %d processes, and %d were lost", served.Load(), met(), failed.Load())
	}
}

// A worker that crashes is started again; meanwhile the other serves.
func TestCrashedWorkerComesBack(t *testing.T) {
	bin := filepath.Dir(python(t, "PAVISE_SERVERS"))
	addr, _ := upCommand(t, "servers", "", []string{"--workers", "2"}, filepath.Join(bin, "uvicorn"), "app:app", "--log-level", "warning")
	before := workers(t, addr, 2)
	res, err := http.Get("http://" + addr + "/die")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusBadGateway {
		t.Errorf("a request whose worker died is answered %d, want 502", res.StatusCode)
	}
	requireSecured(t, res)
	if w, status, err := ask(addr); err != nil || status != 200 || !before[w.PID] {
		t.Errorf("right after the crash: %d %v", status, err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if w, _, err := ask(addr); err == nil && w.PID != 0 && !before[w.PID] {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("no new worker came")
}

// workers asks until it has met n processes.
func workers(t *testing.T, addr string, n int) map[int]bool {
	t.Helper()
	met := map[int]bool{}
	var mu sync.Mutex
	for range 20 {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if w, status, err := ask(addr); err == nil && status == 200 {
					mu.Lock()
					met[w.PID] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(met) >= n {
			return met
		}
	}
	t.Fatalf("only %d workers are met, want %d", len(met), n)
	return nil
}

func requireSecured(t *testing.T, res *http.Response) {
	t.Helper()
	for _, name := range []string{"X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy"} {
		if got := res.Header.Values(name); len(got) != 1 {
			t.Errorf("%d: %s is %q", res.StatusCode, name, got)
		}
	}
	if got := res.Header.Values("Server"); len(got) > 0 {
		t.Errorf("%d: Server is %q", res.StatusCode, got)
	}
}

// SIGTERM lets what is in flight finish, refuses what comes, and ends with 0.
func TestDrain(t *testing.T) {
	bin := filepath.Dir(python(t, "PAVISE_SERVERS"))
	addr, p := upCommand(t, "servers", "", nil, filepath.Join(bin, "uvicorn"), "app:app", "--log-level", "warning")
	inFlight := make(chan error, 1)
	go func() {
		res, err := http.Get("http://" + addr + "/slow?seconds=2")
		if err == nil {
			res.Body.Close()
			if res.StatusCode != 200 {
				err = fmt.Errorf("status %d", res.StatusCode)
			}
		}
		inFlight <- err
	}()
	time.Sleep(500 * time.Millisecond)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	res, err := http.Get("http://" + addr + "/")
	if err != nil {
		t.Errorf("a new request while draining: %v", err)
	} else {
		res.Body.Close()
		if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
			t.Errorf("a new request while draining is answered %d %v", res.StatusCode, res.Header)
		}
		requireSecured(t, res)
	}
	if err := <-inFlight; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	select {
	case err := <-p.done:
		p.done <- err
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(15 * time.Second):
		t.Error("did not stop")
	}
}

// The program ends as its child does.
func TestFate(t *testing.T) {
	for name, tc := range map[string]struct {
		command []string
		code    int
		says    string
	}{
		"a command that ends":      {[]string{"sh", "-c", "echo broken configuration >&2; exit 5"}, 5, "broken configuration"},
		"an app that cannot start": {[]string{filepath.Join(filepath.Dir(python(t, "PAVISE_SERVERS")), "uvicorn"), "nosuch:app"}, 1, "nosuch"},
	} {
		t.Run(name, func(t *testing.T) {
			p := launch(t, "servers", append([]string{pavise(t), "up", "--listen", "127.0.0.1:0", "--admin", "off", "--"}, tc.command...)...)
			select {
			case err := <-p.done:
				p.done <- err
			case <-time.After(30 * time.Second):
				t.Fatal("does not end")
			}
			if code := p.cmd.ProcessState.ExitCode(); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if !strings.Contains(p.log.String(), tc.says) {
				t.Errorf("nothing about %q in:\n%s", tc.says, p.log)
			}
		})
	}
}
