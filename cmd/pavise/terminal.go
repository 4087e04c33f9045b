package main

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/finding"
)

// terminal is the one voice of the program. Results go to out. What is about
// the run goes to err: an error begins with "pavise: ", says what is wrong
// and where, and is followed by a line of its own that says what to do next.
// Sentences that stand alone have no full stop, and nothing is in capitals.
type terminal struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// sink is where results go. It remembers that one was lost.
type sink struct {
	w    io.Writer
	mu   sync.Mutex
	lost error
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.w.Write(p)
	if err != nil && s.lost == nil {
		s.lost = err
	}
	return n, err
}

func (s *sink) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// printf writes a piece of the result.
func (t *terminal) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(t.out, format, args...)
}

// notef writes a line about the run.
func (t *terminal) notef(format string, args ...any) {
	_, _ = fmt.Fprintf(t.err, "pavise: "+format+"\n", args...)
}

// fail writes an error, one line a mistake, and the hint.
func (t *terminal) fail(err error, hint string) {
	for line := range strings.SplitSeq(strings.TrimRight(err.Error(), "\n"), "\n") {
		_, _ = fmt.Fprintf(t.err, "pavise: %s\n", line)
	}
	if hint != "" {
		t.hint("%s", hint)
	}
}

// hint says what to do next.
func (t *terminal) hint(format string, args ...any) {
	_, _ = fmt.Fprintf(t.err, "  hint: "+format+"\n", args...)
}

// change writes a diff: as it is for whoever applies it, and at a terminal
// without what that would obey.
func (t *terminal) change(diff string) {
	if t.shown() {
		diff = harmless(diff)
	}
	t.printf("%s", diff)
}

func harmless(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = finding.Visible(strings.TrimSuffix(l, "\r"))
	}
	return strings.Join(lines, "\n")
}

func printable(s string) string { return finding.Printable(s) }
