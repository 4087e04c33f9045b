package fieldcrypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/secret"
)

// Engine names an engine of SQLAlchemy-Utils' EncryptedType and
// StringEncryptedType, whose columns a ring can read to take them over.
type Engine string

// The engines. Their key is the SHA-256 of a passphrase.
const (
	// EngineFernet is read and written by the ring's own Fernet: see
	// [KeyFromPassphrase].
	EngineFernet Engine = "fernet"
	// EngineAESGCM is sound, but binds a value to no place.
	EngineAESGCM Engine = "aes-gcm"
	// EngineAES is not: equal values have equal tokens, since the IV is a part
	// of the key, and nothing tells a token that was changed. Its columns
	// should be rotated at once.
	EngineAES Engine = "aes"
)

// Legacy opens what an engine of SQLAlchemy-Utils sealed. It cannot seal.
type Legacy struct {
	// Engine is [EngineAESGCM] or [EngineAES].
	Engine Engine
	// Passphrase is the application's key, as it was given to EncryptedType.
	Passphrase secret.String
	// Padding of EngineAES: naive (the default of the library), pkcs5,
	// oneandzeroes or zeroes.
	Padding string
}

// legacyID is what stands for a key's id in a census.
func (l Legacy) id() string { return "sqlalchemy-utils " + string(l.Engine) }

// Unsafe reports whether tokens of the engine can be changed unseen.
func (l Legacy) Unsafe() bool { return l.Engine == EngineAES }

// KeyFromPassphrase returns the Fernet key that SQLAlchemy-Utils' FernetEngine
// makes of a passphrase. It is as hard to guess as the passphrase is.
func KeyFromPassphrase(state State, passphrase secret.String) (Key, error) {
	if passphrase.IsEmpty() {
		return Key{}, errors.New("fieldcrypt: an empty passphrase")
	}
	sum := sha256.Sum256([]byte(passphrase.Expose()))
	defer clear(sum[:])
	return newKey(Fernet, state, time.Time{}, sum[:])
}

// WithLegacy returns a ring of the same keys that also opens what an engine of
// SQLAlchemy-Utils sealed. To Rotate such tokens are those of a former key.
func (r *Ring) WithLegacy(l Legacy) (*Ring, error) {
	if l.Passphrase.IsEmpty() {
		return nil, errors.New("fieldcrypt: an empty passphrase")
	}
	o := &legacy{engine: l}
	sum := sha256.Sum256([]byte(l.Passphrase.Expose()))
	defer clear(sum[:])
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, fmt.Errorf("fieldcrypt: %w", err)
	}
	switch l.Engine {
	case EngineAESGCM:
		if o.gcm, err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("fieldcrypt: %w", err)
		}
	case EngineAES:
		o.block = block
		o.iv = secret.NewBytes(sum[:aes.BlockSize])
		if o.unpad = paddings[l.Padding]; o.unpad == nil {
			return nil, fmt.Errorf("fieldcrypt: padding %q is not naive, pkcs5, oneandzeroes or zeroes", l.Padding)
		}
	default:
		return nil, fmt.Errorf("fieldcrypt: engine %q is not %s or %s; for FernetEngine use KeyFromPassphrase", l.Engine, EngineAESGCM, EngineAES)
	}
	c := *r
	c.legacy = o
	return &c, nil
}

type legacy struct {
	engine Legacy
	gcm    cipher.AEAD
	block  cipher.Block
	iv     secret.Bytes
	unpad  func([]byte) ([]byte, bool)
}

// open returns the plaintext of a token.
func (l *legacy) open(token string) ([]byte, bool) {
	if strings.ContainsAny(token, "\r\n") {
		return nil, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, false
	}
	if l.gcm != nil {
		// IV, tag, ciphertext; Go has the tag behind.
		const head = 12 + tagSize
		if len(raw) < head {
			return nil, false
		}
		sealed := append(bytes.Clone(raw[head:]), raw[12:head]...)
		plaintext, err := l.gcm.Open(sealed[:0], raw[:12], sealed, nil)
		return plaintext, err == nil
	}
	if len(raw) == 0 || len(raw)%aes.BlockSize != 0 {
		return nil, false
	}
	cipher.NewCBCDecrypter(l.block, l.iv.Expose()).CryptBlocks(raw, raw)
	plaintext, ok := l.unpad(raw)
	// That it is text is the only sign that the key was right, in Python as
	// here.
	return plaintext, ok && utf8.Valid(plaintext)
}

// paddings undo what the library's padding classes do. Naive padding cuts
// asterisks that belong to the value, too.
var paddings = map[string]func([]byte) ([]byte, bool){
	"":      naivePadding,
	"naive": naivePadding,
	"pkcs5": func(b []byte) ([]byte, bool) {
		n := int(b[len(b)-1])
		if n == 0 || n > aes.BlockSize || len(bytes.TrimRight(b[len(b)-n:], string(b[len(b)-1:]))) > 0 {
			return nil, false
		}
		return b[:len(b)-n], true
	},
	"oneandzeroes": func(b []byte) ([]byte, bool) {
		b = bytes.TrimRight(b, "\x00")
		if len(b) == 0 || b[len(b)-1] != 0x80 {
			return nil, false
		}
		return b[:len(b)-1], true
	},
	"zeroes": func(b []byte) ([]byte, bool) {
		n := int(b[len(b)-1])
		if n == 0 || n > aes.BlockSize || len(bytes.TrimRight(b[len(b)-n:len(b)-1], "\x00")) > 0 {
			return nil, false
		}
		return b[:len(b)-n], true
	},
}

func naivePadding(b []byte) ([]byte, bool) { return bytes.TrimRight(b, "*"), true }
