//go:build !race

package fieldcrypt

import "testing"

// TestAllocations: two a token, whatever is done with it.
func TestAllocations(t *testing.T) {
	value := []byte("0123456789abcdef0123456789abcdef")
	r := newRing(t, Fernet)
	token := newTokenOf(t, r)
	for name, f := range map[string]func(){
		"encrypt": func() { _, _ = r.Encrypt(value, Context{}) },
		"decrypt": func() { _, _ = r.Decrypt(token, Context{}) },
	} {
		if n := testing.AllocsPerRun(200, f); n > 2 {
			t.Errorf("%s makes %v allocations, want 2 at most", name, n)
		}
	}
}
