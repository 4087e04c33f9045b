package supervisor

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// sweepTime is how long what a dead process left behind may take to end.
const sweepTime = 2 * time.Second

// A child is one process, from its start to its end.
type child struct {
	id     string
	addr   Address
	pid    int
	began  time.Time
	stderr *tail
	limit  int64 // requests until it is worn; 0 for no limit

	served atomic.Int64
	worn   chan struct{} // closed when limit is reached, or by expire
	wear   sync.Once

	// Guarded by Supervisor.mu: it is with the gateway; and counted as
	// ready; and never will be again.
	added, offered, forgotten bool

	gone    chan struct{} // closed when the process has ended
	done    chan struct{} // closed when its group is swept and its output read
	fate    *ExitError    // valid after gone
	process *os.Process
}

// serve counts a request.
func (c *child) serve() {
	if n := c.served.Add(1); c.limit > 0 && n >= c.limit {
		c.expire()
	}
}

// expire asks for the child to be replaced.
func (c *child) expire() { c.wear.Do(func() { close(c.worn) }) }

// launch starts a process. ended is called as soon as it is gone.
func (s *Supervisor) launch(id string, addr Address, ended func(*child)) (*child, error) {
	argv, extra := s.plan.At(addr)
	c := &child{
		id: id, addr: addr,
		stderr: new(tail),
		worn:   make(chan struct{}),
		gone:   make(chan struct{}),
		done:   make(chan struct{}),
		limit:  s.requestLimit(),
	}
	cmd := exec.Command(s.program) //nolint:gosec // the command is the user's own
	cmd.Args = argv
	cmd.Dir = s.o.Dir
	cmd.SysProcAttr = attributes()
	cmd.Env = make([]string, 0, len(s.plan.defaults)+len(s.o.Env)+len(extra))
	cmd.Env = append(cmd.Env, s.plan.defaults...)
	for _, kv := range s.o.Env {
		cmd.Env = append(cmd.Env, fill(kv, addr))
	}
	cmd.Env = append(cmd.Env, extra...)

	var pipes []*pipe
	open := func(out ...io.Writer) (*os.File, error) {
		p, err := newPipe(out...)
		if err != nil {
			return nil, err
		}
		pipes = append(pipes, p)
		return p.w, nil
	}
	finish := func(wait time.Duration) {
		for _, p := range pipes {
			p.finish(wait)
		}
	}
	var err error
	if f, ok := s.o.Stdout.(*os.File); ok {
		cmd.Stdout = f // and the process sees that it is a terminal
	} else if cmd.Stdout, err = open(s.stdout); err != nil {
		return nil, err
	}
	if cmd.Stderr, err = open(s.stderr, c.stderr); err != nil {
		finish(0)
		return nil, err
	}

	started := make(chan error)
	go func() {
		// The kernel sends the signal of Pdeathsig when the thread that
		// started the process ends, so that thread has to live as long as
		// the process: it is kept for this goroutine (golang/go#27505).
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		c.pid, c.process, c.began = cmd.Process.Pid, cmd.Process, time.Now()
		for _, p := range pipes {
			p.started()
		}
		started <- nil

		err := cmd.Wait()
		fate := fateOf(s.name, cmd.ProcessState, err)
		c.fate = fate
		ended(c)
		close(c.gone)
		sweep(c.pid, sweepTime)
		finish(500 * time.Millisecond)
		fate.Stderr = c.stderr.lines()
		if addr.Network == "unix" {
			_ = os.Remove(addr.Address) // uvicorn and hypercorn leave it
		}
		close(c.done)
	}()
	if err := <-started; err != nil {
		finish(0)
		return nil, err
	}
	return c, nil
}

// stop ends a child: SIGTERM to the process that we started, as it knows how
// to tell its own workers; after the deadline SIGKILL to the whole group. It
// returns the child's fate, and nil if it stopped well.
func (c *child) stop(ctx context.Context) *ExitError {
	_ = c.process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-ctx.Done():
		select {
		case <-c.gone: // only what it left behind still lives; sweep ends that
		default:
			_ = signalGroup(c.pid, syscall.SIGKILL)
			<-c.done
			c.fate.Why = "it did not stop in time and was killed"
			return c.fate
		}
		<-c.done
	}
	if c.fate.stopped() {
		return nil
	}
	return c.fate
}

// died is the child's fate, after it ended.
func (c *child) died() *ExitError {
	<-c.done
	return c.fate
}

func (c *child) String() string { return fmt.Sprintf("%s (process %d)", c.id, c.pid) }
