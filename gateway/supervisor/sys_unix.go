//go:build unix

package supervisor

import (
	"errors"
	"syscall"
	"time"
)

// signalGroup sends a signal to every process of a group.
func signalGroup(pid int, sig syscall.Signal) error { return syscall.Kill(-pid, sig) }

// sweep ends what a process that is gone left behind in its group: the
// workers of a master that crashed, the server that a shell started.
func sweep(pid int, wait time.Duration) {
	if errors.Is(signalGroup(pid, syscall.SIGTERM), syscall.ESRCH) {
		return
	}
	for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		reap(pid)
		if errors.Is(signalGroup(pid, 0), syscall.ESRCH) {
			return
		}
	}
	_ = signalGroup(pid, syscall.SIGKILL)
	reap(pid)
}

// reap takes the exit status of processes of the group whose parent is gone,
// if we are the one they were given to: process 1 of a container.
func reap(pid int) {
	for {
		got, err := syscall.Wait4(-pid, nil, syscall.WNOHANG, nil)
		if got <= 0 || err != nil {
			return
		}
	}
}
