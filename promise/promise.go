// Package promise states what a client outside can rely on, as claims that a
// client outside can test.
//
// Guards make promises; probes put them to a live API. Neither knows the
// other: a guard writes bytes, a promise judges what they mean, and the two
// share no text, so that a promise cannot pass merely because it repeats the
// guard.
package promise

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// A Promise is one claim that anyone outside can test.
type Promise struct {
	// ID is "guard/claim", such as "headers/nosniff". It is stable for ever.
	ID string
	// Claim is one sentence about the API, such as "responses forbid MIME sniffing".
	Claim string
	// Refs name the weaknesses and standards behind the claim, such as
	// "CWE-79", "ASVS 5.0 V3.4.4" or "RFC 9110 section 15.5.16".
	Refs []string
	// Intrusive tests load the service, hold connections or trip limits.
	// They are off unless asked for.
	Intrusive bool
	// Conn marks a claim about the connection below HTTP. Only a running
	// server can keep it: a handler by itself can not.
	Conn bool
	// Secure marks a claim about TLS connections. An API that is asked over
	// plain HTTP cannot keep it there.
	Secure bool
	// Test returns nil if the promise is kept, a *BrokenError if it is not,
	// and any other error if it could not tell.
	Test func(ctx context.Context, call Caller) error
}

// A Caller sends one request to the API under test and returns its response.
//
// A request's URL may lack scheme and host: the Caller fills them in. A Host
// set on the request is kept. Redirects are never followed, bodies are never
// decompressed, and requests made by [RawRequest] are written byte for byte
// on a connection of their own.
type Caller func(*http.Request) (*http.Response, error)

// A BrokenError says that a promise is broken. It is the only error of a
// test that does.
type BrokenError struct {
	Got  string        // what the API did, such as `two values: "DENY", "SAMEORIGIN"`
	Want string        // what it should have done, such as "exactly one value, nosniff"
	Req  *http.Request // the request that shows it, if there was one
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("got %s, want %s", e.Got, e.Want)
}

// Broken returns a *BrokenError about req, which may be nil.
func Broken(req *http.Request, got, want string) error {
	return &BrokenError{Got: got, Want: want, Req: req}
}

// ErrRawUnsupported is what a [Caller] returns for a [RawRequest] that it has
// no way to send byte for byte.
var ErrRawUnsupported = errors.New("this caller cannot send raw bytes")
