package supervisor

import (
	"bufio"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// If we are killed, the kernel ends the upstreams. The test binary is the
// supervisor that is killed, too.
func TestParentDeath(t *testing.T) {
	if os.Getenv("PAVISE_TEST_SUPERVISOR") != "" {
		p := newPool()
		s, err := New(Options{
			Command:  []string{os.Args[0], "{socket}"},
			Env:      append(os.Environ(), "PAVISE_TEST_UPSTREAM=ok"),
			Backends: p,
			Logger:   slog.New(slog.DiscardHandler),
			Stdout:   io.Discard, Stderr: io.Discard,
		})
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = s.Run(t.Context()) }()
		<-s.Started()
		body, _, _ := p.get("/")
		_, _ = os.Stdout.WriteString("upstream " + body + "\n")
		time.Sleep(time.Minute)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestParentDeath$")
	cmd.Env = append(os.Environ(), "PAVISE_TEST_SUPERVISOR=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) > 1 && f[0] == "upstream" {
			pid, _ = strconv.Atoi(f[1])
		}
	}
	if pid == 0 || !alive(pid) {
		t.Error("the upstream does not run to begin with")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if pid != 0 {
		until(t, "the upstream ends", func() bool { return !alive(pid) })
	}
}

// The signal of Pdeathsig comes when a thread ends, so an upstream must
// outlive threads that come and go.
func TestThreadDeath(t *testing.T) {
	r := start(t, "ok", nil).up()
	before, _ := r.get("/")
	for range 20 {
		done := make(chan struct{})
		go func() {
			runtime.LockOSThread() // never unlocked, so the thread ends
			close(done)
		}()
		<-done
	}
	time.Sleep(50 * time.Millisecond)
	if body, _ := r.get("/"); body != before {
		t.Error("the upstream was ended with a thread of ours")
	}
}
