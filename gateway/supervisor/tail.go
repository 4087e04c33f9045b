package supervisor

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	tailLines = 20  // how many lines of a process's stderr are kept
	tailWidth = 500 // bytes of one line
)

// A tail keeps the last lines that were written to it.
type tail struct {
	mu   sync.Mutex
	ring [tailLines]string
	n    int // lines that ended so far
	line []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range p {
		if c == '\n' {
			t.ring[t.n%tailLines] = string(t.line)
			t.n++
			t.line = t.line[:0]
		} else if len(t.line) < tailWidth {
			t.line = append(t.line, c)
		}
	}
	return len(p), nil
}

// lines returns the last lines, oldest first.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for i := max(0, t.n-tailLines); i < t.n; i++ {
		out = append(out, t.ring[i%tailLines])
	}
	if len(t.line) > 0 {
		out = append(out, string(t.line))
	}
	if len(out) > tailLines {
		out = out[len(out)-tailLines:]
	}
	for i, s := range out {
		out[i] = strings.ToValidUTF8(s, "\uFFFD")
	}
	return out
}

// A locked writer takes the output of several processes.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// A pipe carries one output stream of a process. It is our own and not that
// of os/exec: exec.Cmd.Wait would wait for every process that inherited the
// write end, and a crashed parent would look alive as long as they are.
type pipe struct {
	r, w *os.File
	done chan struct{}
}

// newPipe starts to copy to all of out.
func newPipe(out ...io.Writer) (*pipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &pipe{r: r, w: w, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		buf := make([]byte, 8<<10)
		for {
			n, err := r.Read(buf)
			for _, o := range out {
				// A closed terminal must not stop the process: it would
				// block as soon as the pipe is full.
				_, _ = o.Write(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return p, nil
}

// started closes our copy of the end that the process has now.
func (p *pipe) started() { _ = p.w.Close() }

// finish reads what is left, but does not wait for a process that was put
// into the background and keeps the stream open.
func (p *pipe) finish(wait time.Duration) {
	_ = p.w.Close()
	_ = p.r.SetReadDeadline(time.Now().Add(wait))
	<-p.done
	_ = p.r.Close()
}
