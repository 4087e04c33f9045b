package supervisor

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNewNamesEveryMistake(t *testing.T) {
	_, err := New(Options{
		Command:      []string{"gunicorn", "-D"},
		Workers:      -1,
		MaxRequests:  -2,
		MaxFailures:  -3,
		Dir:          filepath.Join(t.TempDir(), "nowhere"),
		StartTimeout: -time.Second,
		StopTimeout:  -time.Second,
		Backoff:      time.Minute,
		MaxBackoff:   time.Second,
		ReadyPath:    "healthz",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"command: -D", "workers: -1", "max_requests: -2", "max_failures: -3", "dir:", "start_timeout", "stop_timeout", "backoff: 1m0s", "ready_path", "backends"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
}

func TestProgramIsLookedFor(t *testing.T) {
	_, err := New(Options{Command: []string{"uvicorn-that-nobody-has", "a:b"}, Backends: newPool()})
	if err == nil || !strings.Contains(err.Error(), "in PATH") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error: %v", err)
	}
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"serve": 0o755, "notes": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	s, err := New(Options{Command: []string{"./serve"}, Dir: dir, Backends: newPool()})
	if err != nil || s.program != filepath.Join(dir, "serve") {
		t.Errorf("a path below Dir: %v", err)
	}
	if _, err := New(Options{Command: []string{"./notes"}, Dir: dir, Backends: newPool()}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a file that is no program: %v", err)
	}
	if _, err := New(Options{Command: []string{"./serve"}, Dir: filepath.Join(dir, "serve"), Backends: newPool()}); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a file as Dir: %v", err)
	}
}

func TestEnvironmentOfServers(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "uvicorn"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	env := []string{"A=1", "WEB_CONCURRENCY=3", "UVICORN_FD=7", "UVICORN_SSL_KEYFILE=/k"}
	for _, tt := range []struct {
		flags string
		own   int
		want  int
	}{
		{"", 0, 3},
		{"--workers 4", 0, 4},
		{"--workers 4", 2, 2},
	} {
		s, err := New(Options{Command: append([]string{"uvicorn", "a:b"}, strings.Fields(tt.flags)...), Env: env, Workers: tt.own, Backends: newPool()})
		if err != nil {
			t.Fatal(err)
		}
		if s.Workers() != tt.want {
			t.Errorf("%q, %d: %d workers, want %d", tt.flags, tt.own, s.Workers(), tt.want)
		}
		if !slices.Equal(s.o.Env, []string{"A=1"}) {
			t.Errorf("environment %q", s.o.Env)
		}
		notes := strings.Join(s.Notes(), "\n")
		for _, want := range []string{"WEB_CONCURRENCY", "UVICORN_FD", "UVICORN_SSL_KEYFILE"} {
			if !strings.Contains(notes, want) {
				t.Errorf("notes do not say %q: %s", want, notes)
			}
		}
		if strings.Contains(notes, "/k") {
			t.Error("a value is in the notes")
		}
	}
	if len(env) != 4 {
		t.Error("the options given were changed")
	}
}

// What we set for granian is a default: the user's own setting wins.
func TestDefaultsOfServers(t *testing.T) {
	plan, err := Read([]string{"granian", "a:b"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(plan.defaults, []string{"GRANIAN_WORKERS_KILL_TIMEOUT=5"}) {
		t.Errorf("defaults %q", plan.defaults)
	}
	const script = `#!/bin/sh
echo "timeout $GRANIAN_WORKERS_KILL_TIMEOUT" >&2
exit 3
`
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "granian"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for want, env := range map[string][]string{"timeout 5": nil, "timeout 60": {"GRANIAN_WORKERS_KILL_TIMEOUT=60"}} {
		s, err := New(Options{
			Command: []string{"granian", "a:b"}, Env: append(env, "PATH="+os.Getenv("PATH")), Backends: newPool(),
			MaxFailures: 1, Backoff: time.Millisecond, Logger: slog.New(slog.DiscardHandler), Stdout: io.Discard, Stderr: io.Discard,
		})
		if err != nil {
			t.Fatal(err)
		}
		var fate *ExitError
		if err := s.Run(t.Context()); !errors.As(err, &fate) || !slices.Contains(fate.Stderr, want) {
			t.Errorf("want %q of %v: %q", want, err, fate.Stderr)
		}
	}
}

func TestTail(t *testing.T) {
	var tl tail
	if got := tl.lines(); len(got) != 0 {
		t.Errorf("empty: %q", got)
	}
	for i := range 30 {
		_, _ = fmt.Fprintf(&tl, "line %d\n", i)
	}
	_, _ = tl.Write([]byte("no end \xff" + strings.Repeat("x", 2*tailWidth)))
	got := tl.lines()
	if len(got) != tailLines || got[0] != "line 11" || got[18] != "line 29" || !strings.HasPrefix(got[19], "no end \uFFFDx") || len(got[19]) > tailWidth+2 {
		t.Errorf("%q", got)
	}
}

func TestExitError(t *testing.T) {
	for _, tt := range []struct {
		e    ExitError
		text string
		code int
	}{
		{ExitError{Program: "uvicorn", Code: 3}, "uvicorn ended with exit status 3 before it was ready", 3},
		{ExitError{Program: "uvicorn", Code: 0, Ready: true}, "uvicorn ended with exit status 0", 1},
		{ExitError{Program: "uvicorn", Code: -1, Signal: 9, Ready: true, Why: "it did not stop in time and was killed"}, "uvicorn was ended by signal 9 (killed): it did not stop in time and was killed", 137},
		{ExitError{Program: "uvicorn", Code: -1, Why: "nothing answered"}, "uvicorn did not become ready: nothing answered", 1},
		{ExitError{Program: "uvicorn", Code: -1, Err: exec.ErrNotFound}, "uvicorn could not be started: executable file not found in $PATH", 1},
	} {
		if got := tt.e.Error(); got != tt.text {
			t.Errorf("%q, want %q", got, tt.text)
		}
		if got := tt.e.ExitCode(); got != tt.code {
			t.Errorf("%q: exit code %d, want %d", tt.text, got, tt.code)
		}
	}
}
