package secret

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// URLSafe returns n random bytes as base64url without padding, as Python's
// secrets.token_urlsafe(n) does: 64 bytes give 86 characters. It panics if n
// is not between 1 and 1 MiB.
func URLSafe(n int) String { return New(base64.RawURLEncoding.EncodeToString(random(n))) }

// Hex returns n random bytes in hexadecimal, as Python's secrets.token_hex(n)
// does: 32 bytes give 64 characters. It panics if n is not between 1 and 1 MiB.
func Hex(n int) String { return New(hex.EncodeToString(random(n))) }

func random(n int) []byte {
	if n < 1 || n > 1<<20 {
		panic(fmt.Sprintf("secret: %d bytes: want 1 to %d", n, 1<<20))
	}
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
