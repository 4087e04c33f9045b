//go:build unix

package advisories

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock keeps other updates out until unlock is called, or the process ends.
// Readers need no lock: the file that they opened is never written to.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, fmt.Errorf("%s cannot be locked: %w", name, err)
	}
	return func() { f.Close() }, nil
}
