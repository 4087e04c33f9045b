//go:build !race

// The race detector keeps several bytes for each that the program has.

package passwords

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

// TestFloodStaysSmall: a hundred logins at once, at 64 MiB each, in a process
// of their own, whose memory the system measures.
func TestFloodStaysSmall(t *testing.T) {
	if os.Getenv("PAVISE_FLOOD") != "" {
		h := hasher(t, Policy{MaxWait: time.Minute})
		s := hashed(t, h, "password")
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if r, err := h.Verify(t.Context(), secret.New("password"), s); err != nil || !r.OK {
					t.Errorf("%+v, %v", r, err)
				}
			})
		}
		wg.Wait()
		data, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return // not Linux
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				var kib int
				if _, err := fmt.Sscan(text, &kib); err != nil || kib > 300*1000*1000/1024 {
					t.Errorf("%d KiB were resident, %v", kib, err)
				}
			}
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestFloodStaysSmall$")
	cmd.Env = append(os.Environ(), "PAVISE_FLOOD=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
