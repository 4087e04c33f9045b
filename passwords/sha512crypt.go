package passwords

import (
	"context"
	"crypto/sha512"
	"strings"
)

// crypted is a sha512_crypt hash of Unix's /etc/shadow and of passlib:
//
//	$6$rounds=656000$salt$86 characters
//	$6$salt$86 characters, of 5,000 rounds
//
// as Ulrich Drepper's specification of 2007 has it.
type crypted struct {
	rounds int
	salt   string
	hash   []byte
}

const (
	cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	cryptLength   = 86
	defaultRounds = 5000
)

func parseSHA512Crypt(s string) (verifier, bool) {
	c := crypted{rounds: defaultRounds}
	if text, ok := strings.CutPrefix(s, "rounds="); ok {
		text, rest, ok := strings.Cut(text, "$")
		n, okN := number(text, 999_999_999)
		if !ok || !okN || n < 1000 {
			return nil, false
		}
		c.rounds, s = int(n), rest
	}
	salt, hash, ok := strings.Cut(s, "$")
	if !ok || len(salt) > 16 || len(hash) != cryptLength || strings.Contains(hash, "$") {
		return nil, false
	}
	for _, ch := range []byte(salt + hash) {
		if strings.IndexByte(cryptAlphabet, ch) < 0 {
			return nil, false
		}
	}
	// The last two characters hold one byte, and no bits beyond.
	if strings.IndexByte(cryptAlphabet, hash[cryptLength-1]) > 3 {
		return nil, false
	}
	c.salt, c.hash = salt, []byte(hash)
	return c, true
}

func (c crypted) scheme() string { return "sha512-crypt" }
func (c crypted) want() []byte   { return c.hash }

func (c crypted) affordable(l Limits) error {
	if c.rounds > l.CryptRounds {
		return ErrTooCostly
	}
	return nil
}

// maxCryptPassword bounds the password: the work grows with its square.
const maxCryptPassword = 1024

func (c crypted) compute(ctx context.Context, h *Hasher, password string) ([]byte, error) {
	if len(password) > maxCryptPassword || strings.Contains(password, "\x00") {
		return nil, nil
	}
	if err := h.gate.take(ctx, smallMemory); err != nil {
		return nil, err
	}
	defer h.gate.release(smallMemory)
	return sha512Crypt([]byte(password), []byte(c.salt), c.rounds), nil
}

// sha512Crypt is the algorithm, whose steps are numbered as in the
// specification.
func sha512Crypt(password, salt []byte, rounds int) []byte {
	b := sha512.New() // 4 to 8
	b.Write(password)
	b.Write(salt)
	b.Write(password)
	alternate := b.Sum(nil)

	a := sha512.New() // 1 to 3, 9 to 12
	a.Write(password)
	a.Write(salt)
	a.Write(spread(alternate, len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			a.Write(alternate)
		} else {
			a.Write(password)
		}
	}
	sum := a.Sum(nil)

	d := sha512.New() // 13 to 16
	for range password {
		d.Write(password)
	}
	p := spread(d.Sum(nil), len(password))

	d.Reset() // 17 to 20
	for range 16 + int(sum[0]) {
		d.Write(salt)
	}
	s := spread(d.Sum(nil), len(salt))

	c := sha512.New() // 21
	for i := range rounds {
		c.Reset()
		if i%2 != 0 {
			c.Write(p)
		} else {
			c.Write(sum)
		}
		if i%3 != 0 {
			c.Write(s)
		}
		if i%7 != 0 {
			c.Write(p)
		}
		if i%2 != 0 {
			c.Write(sum)
		} else {
			c.Write(p)
		}
		sum = c.Sum(sum[:0])
	}

	out := make([]byte, 0, cryptLength) // 22
	put := func(b2, b1, b0 byte, n int) {
		for w := uint32(b2)<<16 | uint32(b1)<<8 | uint32(b0); n > 0; n-- {
			out = append(out, cryptAlphabet[w&0x3f])
			w >>= 6
		}
	}
	for g, i, j, k := 0, 0, 21, 42; g < 21; g++ {
		put(sum[i], sum[j], sum[k], 4)
		i, j, k = j+1, k+1, i+1
	}
	put(0, 0, sum[63], 2)
	return out
}

// spread repeats b until it has n bytes.
func spread(b []byte, n int) []byte {
	out := make([]byte, 0, n)
	for len(out) < n {
		out = append(out, b[:min(len(b), n-len(out))]...)
	}
	return out
}
