package supervisor

import "syscall"

// attributes puts the process into a group of its own, so that a Ctrl-C on
// the terminal reaches us alone and the group can be ended as a whole; and
// has the kernel end it if we are killed, so that no orphan goes on serving.
// The kernel means by "we" the thread that started it: see child.run.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
