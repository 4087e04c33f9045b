// Package supervisor starts the processes behind the gateway and keeps them
// running: each worker listens at a private address of its own, is offered
// to the gateway once it is ready, is replaced after so many requests
// without one being dropped, is started again when it crashes, and is
// drained before it is stopped.
//
//	s, err := supervisor.New(supervisor.Options{
//		Command:  []string{"uvicorn", "app.main:app"},
//		Workers:  4,
//		Backends: pool,
//	})
//	...
//	err = s.Run(ctx) // until ctx is done, or the upstream cannot be kept up
//
// It is not an init system: what has nothing to do with answering HTTP
// requests (a queue's workers, a database) is started by something else. As
// process 1 of a container it reaps what its own children leave behind and
// nothing more.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Defaults of [Options].
const (
	DefaultStartTimeout = 30 * time.Second
	DefaultStopTimeout  = 30 * time.Second
	DefaultBackoff      = 100 * time.Millisecond
	DefaultMaxBackoff   = 10 * time.Second
	DefaultHealthyAfter = 30 * time.Second
	DefaultMaxFailures  = 5
	// MaxWorkers is the most that Options.Workers can be.
	MaxWorkers = 1024
)

// Backends is where the gateway keeps the upstreams that it sends requests
// to. Its methods are called from several goroutines at once, and must not
// call those of the Supervisor except Served and Ready.
type Backends interface {
	// Add offers an upstream that is ready. An id is never used twice.
	Add(id string, at Address)
	// Drain sends the upstream no new requests and returns when those that
	// it has are answered, or ctx is done. For an id that is not there (any
	// more) it returns nil.
	Drain(ctx context.Context, id string) error
	// Remove forgets the upstream. It is called once for every Add, also
	// right after its process crashed.
	Remove(id string)
}

// Options says what to run and how. Only Command and Backends are needed.
type Options struct {
	// Command starts one worker; see [Read] for what becomes of it.
	Command []string
	// Workers is how many processes run, up to MaxWorkers. Zero means as
	// many as the command's own flag (or WEB_CONCURRENCY, where the server
	// would read it) asks for, or else 1.
	Workers int
	// MaxRequests is after how many requests a worker is replaced by a fresh
	// one, against slow leaks of memory. Each worker is given up to a tenth
	// less, so that they do not all reach it together. Zero means as many as
	// the command's own flag asks for, or else never.
	MaxRequests int
	// Dir is the working directory of the processes. Empty means ours.
	Dir string
	// Env is their environment, as "KEY=value". Nil means ours. Placeholders
	// in it are filled in too.
	Env []string

	// StartTimeout is how long a process may take until it is ready. Zero
	// means 30 s.
	StartTimeout time.Duration
	// StopTimeout is how long a process may take to finish its requests and
	// end; after that it is killed. Zero means 30 s.
	StopTimeout time.Duration
	// Backoff is the wait before a crashed process is started again. It
	// doubles with each crash up to MaxBackoff, and is the first again after
	// HealthyAfter without one. Zero means 100 ms, 10 s and 30 s.
	Backoff, MaxBackoff, HealthyAfter time.Duration
	// MaxFailures is how often in a row a worker may end before it was ready
	// until Run gives up, if no other worker is ready either. Zero means 5.
	MaxFailures int
	// ReadyPath is a path such as "/healthz". If set, a worker is ready when
	// a GET of it is answered with a status below 500; otherwise when it
	// accepts a connection (for servers that listen before they have loaded
	// the application: when it answers a GET of "/" in any way).
	ReadyPath string

	// Logger is told what happens. Nil means slog.Default.
	Logger *slog.Logger
	// Stdout and Stderr get the processes' output. Nil means our own.
	Stdout, Stderr io.Writer
	// Backends is told which upstreams there are.
	Backends Backends
}

// New checks the options and makes a supervisor. Its error names every
// mistake. Nothing is started before Run.
func New(o Options) (*Supervisor, error) {
	var mistakes []error
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }

	o.Command = append([]string(nil), o.Command...)
	if o.Env == nil {
		o.Env = os.Environ()
	} else {
		o.Env = append([]string{}, o.Env...)
	}
	plan, err := Read(o.Command, o.Env)
	if err != nil {
		mistakes = append(mistakes, err)
	}
	if o.Dir != "" {
		if abs, err := filepath.Abs(o.Dir); err != nil {
			wrong("dir: %q: %w", o.Dir, err)
		} else if fi, err := os.Stat(abs); err != nil {
			wrong("dir: %w", err)
		} else if !fi.IsDir() {
			wrong("dir: %q is not a directory", o.Dir)
		} else {
			o.Dir = abs
		}
	}
	var program string
	if plan != nil {
		if program, err = lookPath(o.Command[0], o.Dir); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	if o.Workers < 0 || o.Workers > MaxWorkers {
		wrong("workers: %d is not between 0 and %d", o.Workers, MaxWorkers)
	}
	if o.MaxRequests < 0 {
		wrong("max_requests: %d is less than 0", o.MaxRequests)
	}
	if o.MaxFailures < 0 {
		wrong("max_failures: %d is less than 0", o.MaxFailures)
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		std   time.Duration
	}{
		{"start_timeout", &o.StartTimeout, DefaultStartTimeout},
		{"stop_timeout", &o.StopTimeout, DefaultStopTimeout},
		{"backoff", &o.Backoff, DefaultBackoff},
		{"max_backoff", &o.MaxBackoff, max(DefaultMaxBackoff, o.Backoff)},
		{"healthy_after", &o.HealthyAfter, DefaultHealthyAfter},
	} {
		if *d.value < 0 {
			wrong("%s: %v is less than 0", d.name, *d.value)
		} else if *d.value == 0 {
			*d.value = d.std
		}
	}
	if o.MaxBackoff > 0 && o.Backoff > o.MaxBackoff {
		wrong("backoff: %v is more than max_backoff, %v", o.Backoff, o.MaxBackoff)
	}
	if o.ReadyPath != "" && (!strings.HasPrefix(o.ReadyPath, "/") || strings.ContainsAny(o.ReadyPath, " \t\r\n\x00#")) {
		wrong("ready_path: %.80q is not the path of a URL that starts with /", o.ReadyPath)
	}
	if o.Backends == nil {
		wrong("backends: nil; there is nobody to offer the upstreams to")
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}

	if o.MaxFailures == 0 {
		o.MaxFailures = DefaultMaxFailures
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	notes := append([]string(nil), plan.Notes...)
	env, asked, envNotes := withoutUnset(o.Env, plan.Unset)
	o.Env, notes = env, append(notes, envNotes...)
	o.Workers = firstPositive(o.Workers, plan.Workers, asked, 1)
	if o.Workers > MaxWorkers {
		return nil, fmt.Errorf("workers: %d, from the command or its environment, is more than %d", o.Workers, MaxWorkers)
	}
	o.MaxRequests = firstPositive(o.MaxRequests, plan.MaxRequests, 0)
	return newSupervisor(o, plan, program, notes), nil
}

func firstPositive(ns ...int) int {
	for _, n := range ns {
		if n > 0 {
			return n
		}
	}
	return 0
}

// withoutUnset takes the variables away that would undo the plan. workers is
// the number of workers that one of them asked for, or 0.
func withoutUnset(env, unset []string) (kept []string, workers int, notes []string) {
	kept = make([]string, 0, len(env))
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		drop := false
		for _, u := range unset {
			drop = drop || key == u
		}
		if !drop {
			kept = append(kept, kv)
			continue
		}
		if key == "WEB_CONCURRENCY" || strings.HasSuffix(key, "_WORKERS") {
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				workers = max(workers, n)
			}
			notes = append(notes, key+" of the environment taken over: it is the number of processes, unless a flag says otherwise")
			continue
		}
		notes = append(notes, key+" of the environment is kept from the upstream: it would change where or how it listens")
	}
	return kept, workers, notes
}

// lookPath finds the program. exec.LookPath alone would look for a relative
// path from our directory, and os/exec then start it from Dir.
func lookPath(name, dir string) (string, error) {
	if dir != "" && strings.ContainsRune(name, filepath.Separator) && !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	found, err := exec.LookPath(name)
	if err == nil {
		if found, err = filepath.Abs(found); err == nil {
			return found, nil
		}
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("command[0]: there is no program %q in PATH; is the virtual environment active? Its path (.venv/bin/%s) works too", name, filepath.Base(name))
	}
	return "", fmt.Errorf("command[0]: %w", err)
}
