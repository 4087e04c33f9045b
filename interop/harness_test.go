//go:build real

// Package interop runs the gateway in front of real servers: FastAPI under
// uvicorn and its kin, in versions of today and of years ago. scripts/test
// prepares them. A server that is missing is a failure.
package interop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// python returns the interpreter of a virtual environment that scripts/test
// has made.
func python(t *testing.T, env string) string {
	t.Helper()
	dir := os.Getenv(env)
	if dir == "" {
		t.Fatalf("%s is not set: run scripts/test", env)
	}
	return filepath.Join(dir, "bin", "python")
}

var (
	buildOnce sync.Once
	program   string
	buildErr  error
)

// TestMain takes away what the tests have built.
func TestMain(m *testing.M) {
	code := m.Run()
	if program != "" {
		_ = os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// pavise builds the program once.
func pavise(t *testing.T) string {
	t.Helper()
	buildOnce.Do(func() {
		dir, err := os.MkdirTemp("", "pavise-interop-")
		if err != nil {
			buildErr = err
			return
		}
		program = filepath.Join(dir, "pavise")
		cmd := exec.Command("go", "build", "-o", program, "../cmd/pavise")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return program
}

// process is a server that runs for a test.
type process struct {
	cmd  *exec.Cmd
	log  *logBuffer
	done chan error
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// launch starts a program; it is stopped at the end of the test, and its
// output shown if the test failed.
func launch(t *testing.T, dir string, argv ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), log: &logBuffer{}, done: make(chan error, 1)}
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-p.done:
			p.done <- err
		case <-time.After(20 * time.Second):
			t.Errorf("%s did not stop", argv[0])
		}
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		if t.Failed() {
			t.Logf("output of %s:\n%s", strings.Join(argv, " "), tail(p.log.String()))
		}
	})
	return p
}

func tail(s string) string {
	if len(s) > 8000 {
		return "…" + s[len(s)-8000:]
	}
	return s
}

// freePort returns a port that nobody listens at, from below those that the
// system gives to whoever does not care: one of them could be taken by any
// connection before the server has it.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// waitHTTP waits until something answers at addr.
func waitHTTP(t *testing.T, p *process, addr string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case err := <-p.done:
			p.done <- err
			t.Fatalf("the server ended: %v\n%s", err, tail(p.log.String()))
		default:
		}
		res, err := http.Get("http://" + addr + "/")
		if err == nil {
			res.Body.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not answer\n%s", addr, tail(p.log.String()))
}

// bare starts an ASGI application under uvicorn as most people do.
func bare(t *testing.T, interpreter, dir, app string, args ...string) (addr string, p *process) {
	t.Helper()
	port := freePort(t)
	p = launch(t, dir, append([]string{interpreter, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", port}, args...)...)
	addr = "127.0.0.1:" + port
	waitHTTP(t, p, addr)
	return addr, p
}

// upCommand starts pavise up with a command of its own, under a policy.
func upCommand(t *testing.T, dir, policy string, flags []string, command ...string) (addr string, p *process) {
	t.Helper()
	addr = "127.0.0.1:" + freePort(t)
	argv := append([]string{pavise(t), "up", "--listen", addr}, flags...)
	if policy != "" {
		file := filepath.Join(t.TempDir(), "pavise.yaml")
		if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		argv = append(argv, "--policy", file)
	}
	if !strings.Contains(strings.Join(flags, " ")+policy, "admin") {
		argv = append(argv, "--admin", "off")
	}
	p = launch(t, dir, append(append(argv, "--"), command...)...)
	waitHTTP(t, p, addr)
	return addr, p
}

// upFront starts pavise up in front of a server that runs.
func upFront(t *testing.T, upstream, policy string, flags ...string) (addr string, p *process) {
	t.Helper()
	addr = "127.0.0.1:" + freePort(t)
	argv := append([]string{pavise(t), "up", "--listen", addr, "--admin", "off", "--upstream", "http://" + upstream}, flags...)
	if policy != "" {
		file := filepath.Join(t.TempDir(), "pavise.yaml")
		if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		argv = append(argv, "--policy", file)
	}
	p = launch(t, "", argv...)
	waitHTTP(t, p, addr)
	return addr, p
}

// sendRaw writes bytes and reads one final response.
func sendRaw(ctx context.Context, addr, raw string) (*http.Response, string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, "", err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return exchange(conn, raw)
}

// exchange writes bytes to a connection and reads one final response.
func exchange(conn net.Conn, raw string) (*http.Response, string, error) {
	_, writeErr := io.WriteString(conn, raw) // a server that refuses early stops reading
	br := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			return nil, "", errors.Join(err, writeErr)
		}
		if res.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(res.Body)
		return res, string(body), err
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
