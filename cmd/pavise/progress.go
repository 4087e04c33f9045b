package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// A spinner tells a person at a terminal what takes longer than a second. In
// a pipe, in CI or with --quiet it writes nothing.
type spinner struct {
	w       io.Writer // nil: to nobody
	started time.Time
	last    time.Time
	shown   bool
}

func (t *terminal) spinner(quiet bool) *spinner {
	p := &spinner{started: time.Now()}
	if f, ok := t.err.(*os.File); ok && !quiet && term.IsTerminal(int(f.Fd())) {
		p.w = f
	}
	return p
}

// step is told how far something is; total is 0 where that is not known.
func (p *spinner) step(what string, done, total int64) {
	now := time.Now()
	if p.w == nil || now.Sub(p.started) < time.Second || now.Sub(p.last) < 100*time.Millisecond {
		return
	}
	p.last, p.shown = now, true
	line := what
	switch {
	case total > 1<<20:
		line += fmt.Sprintf("  %d of %d MB", done>>20, total>>20)
	case total > 0:
		line += fmt.Sprintf("  %d of %d", done, total)
	case done > 1<<20:
		line += fmt.Sprintf("  %d MB", done>>20)
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line) //nolint:errcheck // a courtesy
}

// done takes the line away again.
func (p *spinner) done() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K") //nolint:errcheck // a courtesy
		p.shown = false
	}
}

// coloured tells whether results may have colours: at a terminal, unless
// NO_COLOR is set (no-color.org) or the terminal says that it has none.
func (t *terminal) coloured() bool {
	return t.shown() && os.Getenv("NO_COLOR") == "" && !strings.EqualFold(os.Getenv("TERM"), "dumb")
}

// shown tells whether results go to a terminal.
func (t *terminal) shown() bool {
	s, ok := t.out.(*sink)
	if !ok {
		return false
	}
	f, ok := s.w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width of the terminal that results go to; 80 where they go elsewhere.
func (t *terminal) width() int {
	if s, ok := t.out.(*sink); ok {
		if f, ok := s.w.(*os.File); ok {
			if w, _, err := term.GetSize(int(f.Fd())); err == nil && w >= 40 {
				return min(w, 160)
			}
		}
	}
	return 80
}
