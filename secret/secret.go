// Package secret holds values that do not print.
//
// A [String] or [Bytes] keeps its value where neither fmt, nor an encoder, nor
// reflection finds it: in the closure of a function. Whatever prints one
// prints [Redacted]. Expose is the one way out, so that a search for it finds
// every place where a secret is used.
//
// It guards against accidents of printing, not against code that means to
// read the process's memory.
package secret

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// Redacted is what is printed in place of a secret that is not empty.
const Redacted = "**********"

var (
	// ErrRedacted is the error of reading a secret whose text is [Redacted]: it
	// was written by printing one, and the secret itself is not there.
	ErrRedacted = errors.New("secret: this is the redaction of a secret and not the secret; a dump of a configuration is no configuration")
	// ErrNotText is the error of reading a secret from JSON that is no string.
	// It does not say what was there.
	ErrNotText = errors.New("secret: want a JSON string")
	// ErrGob is the error of reading a secret with encoding/gob.
	ErrGob = errors.New("secret: a secret does not travel by gob; send what Expose returns where that is meant")
)

// A String is a text that does not print. The zero String is empty. Two
// cannot be compared with ==, whose time would tell how much of them is
// alike; use [String.Equal].
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
func (s String) IsZero() bool { return s.IsEmpty() }

// Equal reports whether both hold the same text, in a time that depends on
// their lengths only.
func (s String) Equal(t String) bool { return equal([]byte(s.Expose()), []byte(t.Expose())) }

// String returns [Redacted], or nothing for an empty String.
func (s String) String() string { return redacted(s.IsEmpty()) }

// GoString is [String.String], for %#v.
func (s String) GoString() string { return s.String() }

// Format writes what [String.String] returns, whatever the verb: that of %x
// would be as good as the text itself.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue is for [log/slog].
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns what [String.String] does, and no error.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text over, for environments, YAML, XML and flags.
// Its error is [ErrRedacted].
func (s *String) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return ErrRedacted
	}
	*s = New(string(text))
	return nil
}

// UnmarshalJSON takes a JSON string over; null changes nothing. Its error,
// [ErrNotText] or [ErrRedacted], does not quote what was there, as that of
// encoding/json can.
func (s *String) UnmarshalJSON(data []byte) error {
	text, err := fromJSON(data)
	if err != nil || text == nil {
		return err
	}
	return s.UnmarshalText([]byte(*text))
}

// GobEncode returns [Redacted]: without it, gob would refuse every struct with
// a secret in it.
func (s String) GobEncode() ([]byte, error) { return s.MarshalText() }

// GobDecode returns [ErrGob].
func (s *String) GobDecode([]byte) error { return ErrGob }

// Set is for [flag.Value].
func (s *String) Set(text string) error { return s.UnmarshalText([]byte(text)) }

// Bytes is a [String] of bytes. What it reads as text are the bytes of that
// text.
type Bytes struct{ reveal func() []byte }

// NewBytes returns a Bytes that holds a copy of b.
func NewBytes(b []byte) Bytes {
	if len(b) == 0 {
		return Bytes{}
	}
	kept := bytes.Clone(b)
	return Bytes{reveal: func() []byte { return kept }}
}

// Expose returns the bytes themselves, which the caller must not change.
func (b Bytes) Expose() []byte {
	if b.reveal == nil {
		return nil
	}
	return b.reveal()
}

// Wipe overwrites the bytes with zeros, for all copies of b. What Expose
// returned before is the same memory, and so wiped too.
func (b Bytes) Wipe() { clear(b.Expose()) }

// IsEmpty reports whether there are no bytes.
func (b Bytes) IsEmpty() bool { return b.reveal == nil }

// IsZero is [Bytes.IsEmpty] under the name that encoders look for.
func (b Bytes) IsZero() bool { return b.IsEmpty() }

// Equal reports whether both hold the same bytes, in a time that depends on
// their lengths only.
func (b Bytes) Equal(c Bytes) bool { return equal(b.Expose(), c.Expose()) }

// String returns [Redacted], or nothing for an empty Bytes.
func (b Bytes) String() string { return redacted(b.IsEmpty()) }

// GoString is [Bytes.String], for %#v.
func (b Bytes) GoString() string { return b.String() }

// Format writes what [Bytes.String] returns, whatever the verb.
func (b Bytes) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(b.String())) }

// LogValue is for [log/slog].
func (b Bytes) LogValue() slog.Value { return slog.StringValue(b.String()) }

// MarshalText returns what [Bytes.String] does, and no error.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText takes the text's bytes over. Its error is [ErrRedacted].
func (b *Bytes) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return ErrRedacted
	}
	*b = NewBytes(text)
	return nil
}

// UnmarshalJSON is [String.UnmarshalJSON].
func (b *Bytes) UnmarshalJSON(data []byte) error {
	text, err := fromJSON(data)
	if err != nil || text == nil {
		return err
	}
	return b.UnmarshalText([]byte(*text))
}

// GobEncode returns [Redacted].
func (b Bytes) GobEncode() ([]byte, error) { return b.MarshalText() }

// GobDecode returns [ErrGob].
func (b *Bytes) GobDecode([]byte) error { return ErrGob }

// Set is for [flag.Value].
func (b *Bytes) Set(text string) error { return b.UnmarshalText([]byte(text)) }

func redacted(empty bool) string {
	if empty {
		return ""
	}
	return Redacted
}

// equal compares hashes, which have one length: a comparison of the values
// themselves ends at once where their lengths differ, and so tells them.
func equal(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// fromJSON returns a JSON string's text, or nil for null.
func fromJSON(data []byte) (*string, error) {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil {
		return nil, ErrNotText
	}
	return text, nil
}
