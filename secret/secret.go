// Package secret holds values that do not print.
//
// A [String] or [Bytes] keeps its value where neither fmt, nor an encoder, nor
// reflection finds it: in the closure of a function. Whatever prints one
// prints [Redacted]. Expose is the one way out, so that a search for it finds
// every place where a secret is used.
//
//	key := secret.New(os.Getenv("API_KEY"))
//	log.Println("key:", key) // key: **********
//	client.Login(key.Expose())
//
// It guards against accidents of printing, not against code that is meant to
// read a process's memory.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Redacted is what is printed in place of a secret that is not empty.
const Redacted = "**********"

// A String is a text that does not print. The zero String is empty. Two
// cannot be compared with ==, which would tell by its time how much of them
// is alike; use [String.Equal].
type String struct{ reveal func() string }

// New returns a String that holds s.
func New(s string) String {
	if s == "" {
		return String{}
	}
	return String{reveal: func() string { return s }}
}

// Expose returns the text itself.
func (s String) Expose() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsEmpty reports whether there is no text.
func (s String) IsEmpty() bool { return s.reveal == nil }

// IsZero is [String.IsEmpty] under the name that encoders look for.
func (s String) IsZero() bool { return s.reveal == nil }

// Equal reports whether both hold the same text, in a time that depends on
// their lengths only.
func (s String) Equal(t String) bool {
	// Hashes have one length, so that no length leaks by an early return.
	a, b := sha256.Sum256([]byte(s.Expose())), sha256.Sum256([]byte(t.Expose()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns [Redacted], or nothing for an empty String.
func (s String) String() string {
	if s.IsEmpty() {
		return ""
	}
	return Redacted
}

// Format writes what [String.String] returns, whatever the verb.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue is for [log/slog].
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns what [String.String] does, and no error.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text over, for environments, JSON, YAML and flags.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}

// Set is for [flag.Value].
func (s *String) Set(text string) error { return s.UnmarshalText([]byte(text)) }

// Bytes is a [String] of bytes.
type Bytes struct{ reveal func() []byte }

// NewBytes returns a Bytes that holds a copy of b.
func NewBytes(b []byte) Bytes {
	if len(b) == 0 {
		return Bytes{}
	}
	kept := append([]byte(nil), b...)
	return Bytes{reveal: func() []byte { return kept }}
}

// Expose returns the bytes themselves, which the caller must not change.
func (b Bytes) Expose() []byte {
	if b.reveal == nil {
		return nil
	}
	return b.reveal()
}

// IsEmpty reports whether there are no bytes.
func (b Bytes) IsEmpty() bool { return b.reveal == nil }
