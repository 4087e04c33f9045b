package headers

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
)

type nonceKey struct{}

// A nonce is one response's, made when somebody first asks for it.
type nonce struct {
	once sync.Once
	text string
}

// get returns 128 random bits, in the alphabet that needs no escaping in an
// HTML attribute or a URL. CSP Level 3 section 7.1 asks for as many.
func (n *nonce) get() string {
	n.once.Do(func() {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails (Go 1.24)
		n.text = base64.RawURLEncoding.EncodeToString(b[:])
	})
	return n.text
}

// Nonce returns the nonce of the response to the request with this context:
// what stands in its Content-Security-Policy in the place of {nonce}, and what
// the page's own <script nonce="…"> has to carry. It is empty if no
// Content-Security-Policy of the policy has a {nonce}.
//
// A response whose policy has a nonce is sent with Cache-Control: no-store.
func Nonce(ctx context.Context) string {
	n, _ := ctx.Value(nonceKey{}).(*nonce)
	if n == nil {
		return ""
	}
	return n.get()
}
