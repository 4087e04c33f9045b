package fieldcrypt

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

// Format is a format of tokens, and of the keys for it.
type Format string

// The formats.
const (
	// V1 is XAES-256-GCM with associated data; see the package's guide for
	// the layout.
	V1 Format = "pavise"
	// Fernet is AES-128-CBC with HMAC-SHA-256, as the Fernet specification
	// and Python's cryptography have it.
	Fernet Format = "fernet"
)

// State says what a key is still for.
type State string

// The states.
const (
	Primary     State = "primary"      // seals and opens; a ring has exactly one
	DecryptOnly State = "decrypt-only" // opens what was sealed before
	Retired     State = "retired"      // does nothing; its id stays known
)

// keySize is that of both formats, in bytes.
const keySize = 32

// idSize is that of a key's id, in bytes.
const idSize = 4

// A Key is one key of a [Ring].
type Key struct {
	// ID is 8 hexadecimal digits that follow from the key itself.
	ID string
	// Format of the tokens that it seals.
	Format Format
	// Created is when the key was made, to the second, or zero if nobody
	// wrote that down.
	Created time.Time
	// State says what it is still for.
	State State

	material secret.Bytes
}

// NewKey makes a new key, primary, from the system's random source. Nothing
// else in this package makes keys: one that is made in passing, at start-up,
// seals data that nobody can open after the next start.
func NewKey(format Format, now time.Time) (Key, error) {
	material := make([]byte, keySize)
	_, _ = rand.Read(material) // never fails
	return newKey(format, Primary, now.UTC().Truncate(time.Second), material)
}

// ParseKey reads a key's material: 32 bytes in base64, standard or URL-safe,
// padded or not, as Fernet.generate_key() prints one. The error does not quote
// it.
func ParseKey(format Format, state State, created time.Time, text secret.String) (Key, error) {
	material, err := decodeMaterial(text.Expose())
	if err != nil {
		return Key{}, err
	}
	return newKey(format, state, created, material)
}

func newKey(format Format, state State, created time.Time, material []byte) (Key, error) {
	var errs []error
	if format != V1 && format != Fernet {
		errs = append(errs, fmt.Errorf("format %q is not %s or %s", format, V1, Fernet))
	}
	if state != Primary && state != DecryptOnly && state != Retired {
		errs = append(errs, fmt.Errorf("state %q is not %s, %s or %s", state, Primary, DecryptOnly, Retired))
	}
	if len(material) != keySize {
		errs = append(errs, fmt.Errorf("a key has %d bytes, not %d", keySize, len(material)))
	} else if repeated(material) {
		errs = append(errs, errors.New("the key is one byte again and again: it was not made at random"))
	}
	if err := errors.Join(errs...); err != nil {
		return Key{}, err
	}
	return Key{ID: idOf(format, material), Format: format, Created: created, State: state, material: secret.NewBytes(material)}, nil
}

// repeated finds the keys of examples: all zeros, all 'a'.
func repeated(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}

// idOf hashes a key to its id. 32 bits of a hash of 256 random ones tell
// nobody anything about them.
func idOf(format Format, material []byte) string {
	h := sha256.New()
	h.Write([]byte("pavise fieldcrypt key id\x00" + string(format) + "\x00"))
	h.Write(material)
	return hex.EncodeToString(h.Sum(nil)[:idSize])
}

// Export returns the key's material in padded URL-safe base64: what
// Python's Fernet takes, if it is a Fernet key.
func (k Key) Export() secret.String {
	return secret.New(base64.URLEncoding.EncodeToString(k.material.Expose()))
}

// with returns the key in another state.
func (k Key) with(s State) Key {
	k.State = s
	return k
}

// decodeMaterial reads what people's tools write: base64 in any dress.
func decodeMaterial(text string) ([]byte, error) {
	for _, e := range []*base64.Encoding{base64.URLEncoding, base64.StdEncoding, base64.RawURLEncoding, base64.RawStdEncoding} {
		if b, err := e.Strict().DecodeString(text); err == nil {
			if len(b) != keySize {
				return nil, fmt.Errorf("a key has %d bytes, not %d", keySize, len(b))
			}
			return b, nil
		}
	}
	return nil, errors.New("the key is not base64; pavise keys new makes one")
}
