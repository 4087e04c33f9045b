package supervisor

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// An ExitError says how an upstream process ended for good. It is what Run
// returns when it gives up, and when a process did not stop well.
type ExitError struct {
	Program string         // the command's first word
	Code    int            // its exit status, or -1 if a signal ended it
	Signal  syscall.Signal // the signal that ended it, or 0
	// Ready says whether it had been ready for requests.
	Ready bool
	// Why is what the supervisor knows beyond that, such as "it was not
	// ready within 30s"; may be empty.
	Why string
	// Stderr is the last that it wrote there: at most 20 lines. It is the
	// application's own text and was passed through already.
	Stderr []string
	// Err is set if it could not even be started.
	Err error
}

func (e *ExitError) Error() string {
	var b strings.Builder
	b.WriteString(e.Program)
	switch {
	case e.Err != nil:
		fmt.Fprintf(&b, " could not be started: %v", e.Err)
	case e.Signal != 0:
		fmt.Fprintf(&b, " was ended by signal %d (%v)", int(e.Signal), e.Signal)
	case e.Code < 0:
		b.WriteString(" did not become ready")
	default:
		fmt.Fprintf(&b, " ended with exit status %d", e.Code)
	}
	if !e.Ready && (e.Signal != 0 || e.Code >= 0) {
		b.WriteString(" before it was ready")
	}
	if e.Why != "" {
		b.WriteString(": " + e.Why)
	}
	return b.String()
}

// Unwrap returns the error of a failed start.
func (e *ExitError) Unwrap() error { return e.Err }

// ExitCode is the exit status with which the whole gateway should end: the
// process's own, 128 + n for signal n as shells do, and never 0. (hypercorn
// exits with 0 when it cannot load the application.)
func (e *ExitError) ExitCode() int {
	switch {
	case e.Signal != 0:
		return 128 + int(e.Signal)
	case e.Code > 0:
		return e.Code
	}
	return 1
}

// fateOf reads the state of a process that was waited for.
func fateOf(program string, state *os.ProcessState, err error) *ExitError {
	e := &ExitError{Program: program, Code: -1}
	if state == nil {
		e.Err = err
		return e
	}
	e.Code = state.ExitCode()
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Signal = ws.Signal()
	}
	return e
}

// stopped says whether a process that we asked to stop did so well: by
// itself, or by the very signal that it was sent.
func (e *ExitError) stopped() bool {
	return e.Err == nil && (e.Code == 0 || e.Signal == syscall.SIGTERM || e.Code == 128+int(syscall.SIGTERM))
}
