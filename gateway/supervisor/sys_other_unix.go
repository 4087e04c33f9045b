//go:build unix && !linux

package supervisor

import "syscall"

// attributes puts the process into a group of its own, so that a Ctrl-C on
// the terminal reaches us alone and the group can be ended as a whole.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
