package fieldcrypt

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// A KMS wraps the keys of a ring with a key of its own that never leaves it.
// When that key is rotated only the ring is wrapped again, and no row changes.
type KMS interface {
	// Wrap returns the key in a form that only Unwrap opens. It must not keep
	// key.
	Wrap(ctx context.Context, key []byte) ([]byte, error)
	// Unwrap returns the key. What it returns is wiped by the caller.
	Unwrap(ctx context.Context, wrapped []byte) ([]byte, error)
}

// TextWrapped returns the ring as JSON, with each key wrapped by the KMS: it
// may be kept where the data is.
func (r *Ring) TextWrapped(ctx context.Context, kms KMS) (string, error) {
	text, err := r.text(func(k Key, kt *keyText) error {
		wrapped, err := kms.Wrap(ctx, k.material.Expose())
		if err != nil {
			return fmt.Errorf("fieldcrypt: wrapping key %s: %w", k.ID, err)
		}
		kt.Wrapped = base64.StdEncoding.EncodeToString(wrapped)
		return nil
	})
	if err != nil {
		return "", err
	}
	return text, nil
}

// ParseWrapped reads what [Ring.TextWrapped] wrote.
func ParseWrapped(ctx context.Context, text string, kms KMS) (*Ring, error) {
	t, err := parseText(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	return t.ring(func(k keyText) ([]byte, error) {
		if k.Wrapped == "" || k.Material != "" {
			return nil, errors.New("is not wrapped")
		}
		wrapped, err := base64.StdEncoding.Strict().DecodeString(k.Wrapped)
		if err != nil {
			return nil, errors.New("wrapped: not base64")
		}
		return kms.Unwrap(ctx, wrapped)
	})
}

// Rewrap reads a wrapped ring with one KMS, or one version of its key, and
// wraps it with another.
func Rewrap(ctx context.Context, text string, from, to KMS) (string, error) {
	r, err := ParseWrapped(ctx, text, from)
	if err != nil {
		return "", err
	}
	return r.TextWrapped(ctx, to)
}

type ringKMS struct{ ring *Ring }

// RingKMS returns a KMS that wraps with a ring's own primary key: a ring whose
// one key comes from elsewhere wraps the ring that is kept with the data.
func RingKMS(r *Ring) KMS { return ringKMS{r} }

var wrapContext = Context{Table: "pavise key ring", Column: "key"}

func (k ringKMS) Wrap(_ context.Context, key []byte) ([]byte, error) {
	token, err := k.ring.Encrypt(key, wrapContext)
	return []byte(token), err
}

func (k ringKMS) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	return k.ring.Decrypt(string(wrapped), wrapContext)
}
