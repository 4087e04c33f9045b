package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxSocketPath is the longest path of a unix socket that every system
// takes: sun_path has 104 bytes on macOS and 108 on Linux, with a NUL.
const maxSocketPath = 103

// A Supervisor keeps the upstream processes. Make one with [New].
type Supervisor struct {
	o       Options
	plan    *Plan
	program string // the path of what is started
	name    string // what it is called in messages
	notes   []string
	stdout  *locked
	stderr  *locked

	ran      atomic.Bool
	dir      string // of the sockets
	serial   atomic.Int64
	replace  chan struct{}                     // a token: one worker at a time is replaced
	children atomic.Pointer[map[string]*child] // those that live, by id; copied on write
	retiring sync.WaitGroup                    // replaced children that are being stopped
	offer    atomic.Int64                      // children that Backends has and that are not being drained
	unseen   atomic.Int64                      // workers that have not been ready yet
	started  chan struct{}                     // closed when unseen is 0
	patience context.Context                   // ends by Kill
	lose     context.CancelFunc

	mu sync.Mutex // of changes to children, and of what a child says it guards
}

func newSupervisor(o Options, plan *Plan, program string, notes []string) *Supervisor {
	s := &Supervisor{
		o: o, plan: plan, program: program, notes: notes,
		name:    filepath.Base(o.Command[0]),
		stdout:  &locked{w: o.Stdout},
		stderr:  &locked{w: o.Stderr},
		replace: make(chan struct{}, 1),
		started: make(chan struct{}),
	}
	if plan.Server != "" {
		s.name = plan.Server
	}
	s.patience, s.lose = context.WithCancel(context.Background())
	s.unseen.Store(int64(o.Workers))
	s.children.Store(&map[string]*child{})
	return s
}

// Workers is the number of processes that run.
func (s *Supervisor) Workers() int { return s.o.Workers }

// IdleTimeout is how long the gateway may keep an idle connection to an
// upstream, so that it is not the upstream that closes it first.
func (s *Supervisor) IdleTimeout() time.Duration {
	return max(s.plan.KeepAlive/5*4, time.Millisecond) // 0 would mean for ever to http.Transport
}

// Notes says, one sentence each, what the supervisor changed of the command
// or its environment, and what the user should know about it.
func (s *Supervisor) Notes() []string { return append([]string(nil), s.notes...) }

// Ready says whether at least one worker takes requests.
func (s *Supervisor) Ready() bool { return s.offer.Load() > 0 }

// Started is closed when every worker has been ready once.
func (s *Supervisor) Started() <-chan struct{} { return s.started }

// Served tells that the upstream with this id has answered a request. It
// takes no lock and allocates nothing.
func (s *Supervisor) Served(id string) {
	if c := (*s.children.Load())[id]; c != nil {
		c.serve()
	}
}

// Recycle replaces every worker by a fresh process, one after the other,
// without dropping a request. It does not wait for that. It is what brings
// new code or settings into use.
func (s *Supervisor) Recycle() {
	for _, c := range *s.children.Load() {
		c.expire()
	}
}

// Signal forwards a signal, such as SIGUSR1, to every upstream process.
// SIGHUP means Recycle for the servers that we know, most of which would
// simply end. SIGTERM, SIGINT, SIGQUIT and SIGKILL are not forwarded: to
// stop, end the context of Run.
func (s *Supervisor) Signal(sig os.Signal) error {
	switch {
	case sig == syscall.SIGTERM || sig == os.Interrupt || sig == syscall.SIGQUIT || sig == os.Kill:
		return fmt.Errorf("supervisor: %v is not forwarded; end the context of Run to stop", sig)
	case sig == syscall.SIGHUP && s.plan.rolls:
		s.Recycle()
		return nil
	}
	var errs []error
	for _, c := range *s.children.Load() {
		if err := c.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("supervisor: %v: %w", c, err))
		}
	}
	return errors.Join(errs...)
}

// Kill ends the wait for processes that are being stopped: they are killed,
// and so are those that will be. It does not by itself stop any; end the
// context of Run for that.
func (s *Supervisor) Kill() { s.lose() }

// Run starts the workers and keeps them until ctx is done; then it drains
// and stops them and returns nil if they ended well. If they cannot be kept
// running, or one did not stop well, it returns an [*ExitError]. It can be
// called once.
func (s *Supervisor) Run(ctx context.Context) error {
	if s.ran.Swap(true) {
		return errors.New("supervisor: Run was called before")
	}
	for _, note := range s.notes {
		s.o.Logger.LogAttrs(ctx, slog.LevelInfo, "upstream command", slog.String("note", note))
	}
	if s.plan.Network == "unix" {
		dir, err := socketDir()
		if err != nil {
			return fmt.Errorf("supervisor: a directory for the sockets: %w", err)
		}
		s.dir = dir
		defer func() { _ = os.RemoveAll(dir) }()
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	for i := range s.o.Workers {
		wg.Go(func() {
			if err := s.keep(ctx, i); err != nil {
				mu.Lock()
				if first == nil {
					first = err
				}
				mu.Unlock()
				cancel()
			}
		})
	}
	wg.Wait()
	s.retiring.Wait()
	mu.Lock()
	defer mu.Unlock()
	return first
}

// socketDir makes a directory that nobody else can look into, with a path
// short enough for a socket in it.
func socketDir() (string, error) {
	const longest = len("/1023-999999999.sock")
	dir, err := os.MkdirTemp("", "pavise-") // mode 0700
	if err == nil && len(dir)+longest > maxSocketPath {
		_ = os.Remove(dir)
		dir, err = os.MkdirTemp("/tmp", "pavise-")
	}
	return dir, err
}

// address chooses where the next process of a slot listens. Every start gets
// a new one, so nothing that an earlier process left behind can be in the
// way or be taken for it.
func (s *Supervisor) address(id string) (Address, error) {
	if s.plan.Network == "unix" {
		return Address{Network: "unix", Address: filepath.Join(s.dir, id+".sock")}, nil
	}
	// Between this and the process's own bind someone else might take the
	// port. The process then ends, and the next attempt takes another.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return Address{}, err
	}
	defer func() { _ = l.Close() }()
	return Address{Network: "tcp", Address: l.Addr().String()}, nil
}

func (s *Supervisor) requestLimit() int64 {
	n := int64(s.o.MaxRequests)
	if n == 0 {
		return 0
	}
	return n - rand.Int64N(n/10+1)
}

// keep runs one worker until ctx is done (nil, or its fate if it did not stop
// well) or it cannot be kept running.
func (s *Supervisor) keep(ctx context.Context, slot int) error {
	var (
		log      = s.o.Logger.With("worker", slot)
		seen     = false
		failures int // in a row, before it was ready
		crashes  int // in a row, without a healthy time in between
	)
	for {
		c, err := s.start(ctx, slot)
		switch {
		case ctx.Err() != nil && c == nil:
			return nil
		case err != nil:
			failures++
			crashes++
			log.Error("upstream did not start", "err", err, "failures", failures)
			// As long as another worker answers, a service at half its
			// strength is better than none.
			if failures >= s.o.MaxFailures && !s.Ready() {
				return err
			}
			if !s.sleep(ctx, crashes) {
				return nil
			}
			continue
		}
		failures = 0
		if !seen {
			seen = true
			if s.unseen.Add(-1) == 0 {
				close(s.started)
			}
		}
		c, err = s.tend(ctx, slot, log, c)
		if err == nil {
			return s.retire(c, log)
		}
		if time.Since(c.began) >= s.o.HealthyAfter {
			crashes = 0
		}
		crashes++
		log.Error("upstream crashed", "id", c.id, "err", err)
		if !s.sleep(ctx, crashes) {
			return nil
		}
	}
}

// tend watches a child and replaces it when it is worn. It returns when ctx
// is done, with the child that is to be stopped, or when one crashed.
func (s *Supervisor) tend(ctx context.Context, slot int, log *slog.Logger, c *child) (*child, error) {
	crashed := func() (*child, error) {
		fate := c.died()
		fate.Ready = true
		return c, fate
	}
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return c, nil
		case <-c.gone:
			return crashed()
		case <-c.worn:
		}
		// One at a time: starting is the expensive part, and while it goes
		// on there are two processes for one.
		select {
		case <-ctx.Done():
			return c, nil
		case <-c.gone:
			return crashed()
		case s.replace <- struct{}{}:
		}
		next, err := s.start(ctx, slot)
		<-s.replace
		if err != nil {
			if ctx.Err() != nil {
				return c, nil //nolint:nilerr // it was stopped: the old one is the slot's to stop
			}
			// The old one is still good.
			failures++
			log.Error("upstream not replaced: its successor did not start", "id", c.id, "err", err)
			select {
			case <-ctx.Done():
				return c, nil
			case <-c.gone:
				return crashed()
			case <-time.After(s.backoff(failures)):
			}
			continue
		}
		failures = 0
		log.Info("upstream replaced", "id", c.id, "by", next.id, "requests", c.served.Load())
		old := c
		s.retiring.Go(func() {
			if fate := s.retire(old, log); fate != nil {
				log.Warn("upstream did not stop well", "id", old.id, "err", fate)
			}
		})
		c = next
	}
}

// start starts a process, waits until it is ready and offers it. The error
// is an [*ExitError], or ctx's.
func (s *Supervisor) start(ctx context.Context, slot int) (*child, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	failed := func(err error) error { return &ExitError{Program: s.name, Code: -1, Err: err} }
	id := fmt.Sprintf("%d-%d", slot, s.serial.Add(1))
	addr, err := s.address(id)
	if err != nil {
		return nil, failed(err)
	}
	c, err := s.launch(id, addr, s.forget)
	if err != nil {
		return nil, failed(err)
	}
	soon, cancel := context.WithTimeout(ctx, s.o.StartTimeout)
	defer cancel()
	if err = s.ready(soon, c); err == nil {
		err = s.add(c)
	}
	var fate *ExitError
	switch {
	case err == nil:
		s.o.Logger.Info("upstream ready", "worker", slot, "id", id, "pid", c.pid, "after", time.Since(c.began).Round(time.Millisecond))
		return c, nil
	case errors.As(err, &fate):
		return nil, fate
	}
	stop, cancel := context.WithTimeout(s.patience, min(s.o.StopTimeout, 5*time.Second))
	defer cancel()
	_ = c.stop(stop)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, &ExitError{
		Program: s.name, Code: -1, Stderr: c.fate.Stderr,
		Why: fmt.Sprintf("nothing answered at %v within %v", addr.Network, s.o.StartTimeout),
	}
}

// add offers a child to the gateway, unless it has ended meanwhile.
func (s *Supervisor) add(c *child) error {
	if !s.offerUp(c) {
		return c.died()
	}
	return nil
}

func (s *Supervisor) offerUp(c *child) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.forgotten {
		return false
	}
	m := maps.Clone(*s.children.Load())
	m[c.id] = c
	s.children.Store(&m)
	c.added, c.offered = true, true
	s.offer.Add(1)
	s.o.Backends.Add(c.id, c.addr)
	return true
}

// withdraw stops counting a child as ready.
func (s *Supervisor) withdraw(c *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.offered {
		c.offered = false
		s.offer.Add(-1)
	}
}

// forget takes a child from the gateway: at the end of its drain, or as soon
// as its process is gone.
func (s *Supervisor) forget(c *child) {
	s.withdraw(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.forgotten = true
	if !c.added {
		return
	}
	c.added = false
	m := maps.Clone(*s.children.Load())
	delete(m, c.id)
	s.children.Store(&m)
	s.o.Backends.Remove(c.id)
}

// retire drains a child and stops it. It returns nil if it ended well.
func (s *Supervisor) retire(c *child, log *slog.Logger) error {
	// Not ended by the context of Run: that is done by now, which is why.
	ctx, cancel := context.WithTimeout(s.patience, s.o.StopTimeout)
	defer cancel()
	// The last quarter is for the process itself: connections that never
	// fall silent, such as WebSockets, must not use up all of it.
	drain, cancel := context.WithTimeout(ctx, s.o.StopTimeout/4*3)
	defer cancel()
	s.withdraw(c)
	if err := s.o.Backends.Drain(drain, c.id); err != nil {
		log.Warn("upstream still has requests", "id", c.id, "err", err)
	}
	s.forget(c)
	if fate := c.stop(ctx); fate != nil {
		fate.Ready = true
		return fate
	}
	return nil
}

// backoff is the wait after n failures in a row. The jitter keeps workers
// that failed together from starting together.
func (s *Supervisor) backoff(n int) time.Duration {
	d := s.o.Backoff
	for ; n > 1 && d < s.o.MaxBackoff; n-- {
		d *= 2
	}
	d = min(d, s.o.MaxBackoff)
	return d/2 + rand.N(d/2+1)
}

// sleep waits after n failures in a row; false if ctx is done.
func (s *Supervisor) sleep(ctx context.Context, n int) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(s.backoff(n)):
		return true
	}
}
