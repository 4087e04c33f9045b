package fieldcrypt

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A Ring is an ordered set of keys. It does not change and may be used by many
// goroutines at once.
type Ring struct {
	keys   []Key
	boxes  []box // of keys, in the same order
	memory *buffers
	// last is the Fernet key that opened the last token. Most tokens of a
	// table are of one key, and each wrong one that is tried costs an HMAC.
	last   *atomic.Int32
	compat bool
	legacy *legacy
}

// box is what a key can do: one of the two, or neither if it is retired.
type box struct {
	id     [idSize]byte
	xaes   *xaes
	fernet *fernet
}

// NewRing returns a ring of keys, of which the primary one is put first and
// the others stay in their order. Its error joins every mistake: no key, no
// primary one or several, the same key twice.
func NewRing(keys ...Key) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("fieldcrypt: a ring without a key; pavise keys new makes one")
	}
	var errs []error
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b Key) int {
		if a.State == b.State || a.State != Primary && b.State != Primary {
			return 0
		}
		if a.State == Primary {
			return -1
		}
		return 1
	})
	r := &Ring{keys: keys, boxes: make([]box, len(keys)), memory: new(buffers), last: new(atomic.Int32)}
	seen := map[string]bool{}
	primaries := 0
	for i, k := range keys {
		if k.material.IsEmpty() {
			errs = append(errs, fmt.Errorf("key %d has no material: NewKey and ParseKey make one", i))
			continue
		}
		if seen[k.ID] {
			errs = append(errs, fmt.Errorf("key %s is there twice", k.ID))
		}
		seen[k.ID] = true
		if k.State == Primary {
			primaries++
		}
		b := &r.boxes[i]
		_, _ = hex.Decode(b.id[:], []byte(k.ID))
		var err error
		switch {
		case k.State == Retired:
		case k.Format == V1:
			b.xaes, err = valueCipher(k.material.Expose())
		default:
			b.fernet, err = newFernet(k.material.Expose())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("key %s: %w", k.ID, err))
		}
	}
	if primaries != 1 {
		errs = append(errs, fmt.Errorf("%d keys are %s: a ring has one; pavise keys promote chooses it", primaries, Primary))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("fieldcrypt: the key ring does not hold together: %w", err)
	}
	return r, nil
}

// valueCipher derives the cipher of single values, so that a key's other uses,
// streams and indexes, share nothing with it.
func valueCipher(material []byte) (*xaes, error) {
	key, err := hkdf.Key(sha256.New, material, nil, "pavise fieldcrypt value v1", keySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return newXAES(key)
}

// Compat returns a ring of the same keys that opens each Fernet token that
// Python's cryptography opens. That accepts many texts of one token: without
// padding's end, with characters between that are skipped, with others behind.
// Without Compat each token has one text.
func (r *Ring) Compat() *Ring {
	c := *r
	c.compat = true
	return &c
}

// Keys returns the ring's keys, the primary one first.
func (r *Ring) Keys() []Key { return slices.Clone(r.keys) }

// Primary returns the key that seals.
func (r *Ring) Primary() Key { return r.keys[0] }

// Encrypt seals a value in its place with the primary key. A Fernet key takes
// no notice of the place. The token is ASCII, without a character that has to
// be escaped in a URL, a header or a quoted string.
func (r *Ring) Encrypt(plaintext []byte, c Context) (string, error) {
	return r.encrypt(plaintext, c, time.Now())
}

func (r *Ring) encrypt(plaintext []byte, c Context, now time.Time) (string, error) {
	b := &r.boxes[0]
	if b.fernet != nil {
		return b.fernet.seal(r.memory, plaintext, now), nil
	}
	return b.seal(plaintext, c)
}

// Decrypt opens a token. Its only error is [ErrDecrypt].
func (r *Ring) Decrypt(token string, c Context) ([]byte, error) {
	plaintext, _, err := r.open(token, c)
	return plaintext, err
}

// DecryptFresh opens a Fernet token that is not older than maxAge, and not
// from more than a minute in the future. Other tokens have no time, and are
// refused. Its only error is [ErrDecrypt].
func (r *Ring) DecryptFresh(token string, c Context, maxAge time.Duration, now time.Time) ([]byte, error) {
	made, ok := r.timeOf(token)
	if !ok || !fresh(made, maxAge, now) {
		return nil, ErrDecrypt
	}
	return r.Decrypt(token, c)
}

// Rotate returns the token of the same value under the primary key, and
// whether that is another one: a token that the primary key made is returned
// as it is, so that a second pass over a table changes nothing. Where both
// are Fernet tokens the new one keeps the time of the old, as Python's
// MultiFernet.rotate does. Its only error is [ErrDecrypt].
func (r *Ring) Rotate(token string, c Context) (rotated string, changed bool, err error) {
	return r.RotateFunc(token, c, func([]byte) {})
}

// RotateFunc is [Ring.Rotate], and calls see with the value of a token that is
// changed, which is wiped afterwards: who keeps books on what a rotation did
// need not open the token again.
func (r *Ring) RotateFunc(token string, c Context, see func(plaintext []byte)) (rotated string, changed bool, err error) {
	plaintext, i, made, err := r.openTimed(token, c)
	if err != nil {
		return "", false, err
	}
	defer clear(plaintext)
	if i == 0 {
		return token, false, nil
	}
	if made.IsZero() {
		made = time.Now()
	}
	rotated, err = r.encrypt(plaintext, c, made)
	if err != nil {
		return "", false, err
	}
	see(plaintext)
	return rotated, true, nil
}

// KeyOf returns the id of the key that made a token. A [V1] token names it; it
// need not be one of the ring's, and whether the token opens is not said. For
// a Fernet token the ring's keys are tried. Its only error is [ErrDecrypt].
func (r *Ring) KeyOf(token string) (id string, err error) {
	if raw, ok := decodeV1(nil, token); ok {
		return hex.EncodeToString(raw[:idSize]), nil
	}
	raw, buf, ok := r.decodeFernet(token)
	defer r.memory.put(buf)
	if ok {
		if i, ok := r.whose(raw); ok {
			return r.keys[i].ID, nil
		}
	}
	if r.legacy != nil {
		if plaintext, ok := r.legacy.open(token); ok {
			clear(plaintext)
			return r.legacy.engine.id(), nil
		}
	}
	return "", ErrDecrypt
}

// FormatOf returns the format that a token has by its first bytes, or nothing
// if it has neither.
func FormatOf(token string) Format {
	switch {
	case strings.HasPrefix(token, v1Prefix):
		return V1
	case strings.HasPrefix(token, "gAAAA"): // version 0x80 and a time before the year 2106
		return Fernet
	}
	return ""
}

// decodeFernet returns a token's bytes, in memory that is to be given back.
func (r *Ring) decodeFernet(token string) (raw []byte, buf *[]byte, ok bool) {
	buf = r.memory.get(2 * len(token))
	text, room := (*buf)[:len(token)], (*buf)[len(token):]
	copy(text, token)
	decode := decodeFernet
	if r.compat {
		decode = decodeCompat
	}
	raw, ok = decode(room, text)
	return raw, buf, ok
}

// timeOf returns the time that a Fernet token says it was made at.
func (r *Ring) timeOf(token string) (seconds uint64, ok bool) {
	raw, buf, ok := r.decodeFernet(token)
	defer r.memory.put(buf)
	if !ok {
		return 0, false
	}
	return fernetTime(raw), true
}

// open returns the plaintext and the index of the key that opened it.
func (r *Ring) open(token string, c Context) ([]byte, int, error) {
	plaintext, i, _, err := r.openTimed(token, c)
	return plaintext, i, err
}

// openTimed is open, with the time of a Fernet token if time.Time holds it.
func (r *Ring) openTimed(token string, c Context) (plaintext []byte, i int, made time.Time, err error) {
	if strings.HasPrefix(token, v1Prefix) {
		plaintext, i, err = r.openV1(token, c)
		return plaintext, i, time.Time{}, err
	}
	raw, buf, ok := r.decodeFernet(token)
	defer r.memory.put(buf)
	if ok {
		if s := fernetTime(raw); s < 1<<62 {
			made = time.Unix(int64(s), 0)
		}
		if i, ok := r.whose(raw); ok {
			plaintext, ok := r.boxes[i].fernet.decrypt(raw)
			if !ok {
				return nil, 0, time.Time{}, ErrDecrypt
			}
			return plaintext, i, made, nil
		}
	}
	if r.legacy != nil {
		if plaintext, ok := r.legacy.open(token); ok {
			return plaintext, len(r.keys), made, nil // behind all keys
		}
	}
	return nil, 0, time.Time{}, ErrDecrypt
}

// whose finds the key that a decoded Fernet token is authentic under, of which
// there is one at most: the one that was right the last time is tried first.
func (r *Ring) whose(raw []byte) (int, bool) {
	last := int(r.last.Load())
	if f := r.boxes[last].fernet; f != nil && f.authentic(raw) {
		return last, true
	}
	for i := range r.boxes {
		if f := r.boxes[i].fernet; i != last && f != nil && f.authentic(raw) {
			r.last.Store(int32(i))
			return i, true
		}
	}
	return 0, false
}

// v1Prefix begins each token of the format. The dot is in no base64, so no
// other token begins like it.
const v1Prefix = "pv1."

var v1Encoding = base64.RawURLEncoding.Strict()

// label begins the associated data of a token, and separates it from whatever
// else the key is used for.
const v1Label = "pavise fieldcrypt v1"

func (b *box) data(dst []byte, c Context) []byte {
	dst = append(dst, v1Label...)
	dst = append(dst, b.id[:]...)
	return c.append(dst)
}

// seal makes a token: key id, nonce, ciphertext, tag.
func (b *box) seal(plaintext []byte, c Context) (string, error) {
	var data [256]byte
	raw := make([]byte, idSize+nonceSize, idSize+nonceSize+len(plaintext)+tagSize)
	copy(raw, b.id[:])
	_, _ = rand.Read(raw[idSize:])
	raw, err := b.xaes.seal(raw, raw[idSize:], plaintext, b.data(data[:0], c))
	if err != nil {
		return "", fmt.Errorf("fieldcrypt: %w", err)
	}
	text := make([]byte, len(v1Prefix)+v1Encoding.EncodedLen(len(raw)))
	copy(text, v1Prefix)
	v1Encoding.Encode(text[len(v1Prefix):], raw)
	return string(text), nil
}

func (r *Ring) openV1(token string, c Context) ([]byte, int, error) {
	raw, ok := decodeV1(nil, token)
	if !ok {
		return nil, 0, ErrDecrypt
	}
	for i := range r.boxes {
		b := &r.boxes[i]
		if b.xaes == nil || string(b.id[:]) != string(raw[:idSize]) {
			continue
		}
		var data [256]byte
		plaintext, err := b.xaes.open(nil, raw[idSize:idSize+nonceSize], raw[idSize+nonceSize:], b.data(data[:0], c))
		if err != nil {
			return nil, 0, ErrDecrypt
		}
		if plaintext == nil {
			plaintext = []byte{} // an empty value is not a missing one
		}
		return plaintext, i, nil
	}
	return nil, 0, ErrDecrypt
}

// decodeV1 reads a token's text, of which there is one.
func decodeV1(dst []byte, token string) ([]byte, bool) {
	text, ok := strings.CutPrefix(token, v1Prefix)
	if !ok || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	raw, err := v1Encoding.AppendDecode(dst, []byte(text))
	if err != nil || len(raw) < idSize+nonceSize+tagSize {
		return nil, false
	}
	return raw, true
}
