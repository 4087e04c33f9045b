package passwords

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// bcrypted is a bcrypt hash, of the password itself or of a hash of it.
type bcrypted struct {
	name   string
	hash   string // $2b$12$ and 53 characters
	cost   int
	before func(password string) string // nil for the password itself
}

// maxBcrypt is how much of its input bcrypt looks at. Other implementations
// cut what is longer, so that a password's first 72 bytes are as good as all
// of it; here a longer one never is the right one.
const maxBcrypt = 72

// parseBcrypt takes a salt whose last character has bits that are not used:
// passlib wrote such hashes before version 1.5.3, and reads them still.
func parseBcrypt(s string) (b bcrypted, ok bool) {
	b = bcrypted{name: "bcrypt", hash: s}
	if len(s) != 60 || s[3] != '$' || s[6] != '$' || !isBcrypt64(s[7:]) || s[4] < '0' || s[4] > '3' || s[5] < '0' || s[5] > '9' {
		return b, false
	}
	b.cost = int(s[4]-'0')*10 + int(s[5]-'0')
	return b, b.cost >= bcrypt.MinCost && b.cost <= bcrypt.MaxCost
}

func isBcrypt64(s string) bool {
	for _, c := range []byte(s) {
		if c != '.' && c != '/' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// parseDjangoBcrypt reads bcrypt$$2b$12$… and bcrypt_sha256$$2b$12$…
func parseDjangoBcrypt(scheme, rest string) (verifier, bool) {
	b, ok := parseBcrypt(rest)
	b.name = "django-" + strings.ReplaceAll(scheme, "_", "-")
	if scheme == "bcrypt_sha256" {
		b.before = func(password string) string {
			sum := sha256.Sum256([]byte(password))
			return hex.EncodeToString(sum[:])
		}
	}
	return b, ok
}

// parsePasslibBcrypt reads passlib's bcrypt_sha256, of both versions:
//
//	$bcrypt-sha256$2b,12$salt$digest
//	$bcrypt-sha256$v=2,t=2b,r=12$salt$digest
func parsePasslibBcrypt(s string) (verifier, bool) {
	fields := strings.Split(s, "$")
	if len(fields) != 3 || len(fields[1]) != 22 || len(fields[2]) != 31 {
		return nil, false
	}
	typ, rounds, ok := strings.Cut(fields[0], ",")
	version2 := typ == "v=2"
	if version2 {
		typ, rounds, ok = strings.Cut(rounds, ",")
		t, okT := strings.CutPrefix(typ, "t=")
		r, okR := strings.CutPrefix(rounds, "r=")
		typ, rounds, ok = t, r, ok && okT && okR
	}
	if !ok || typ != "2a" && typ != "2b" && typ != "2y" {
		return nil, false
	}
	if _, ok := number(rounds, 31); !ok {
		return nil, false
	}
	if len(rounds) == 1 {
		rounds = "0" + rounds
	}
	b, ok := parseBcrypt("$" + typ + "$" + rounds + "$" + fields[1] + fields[2])
	b.name = "bcrypt-sha256"
	salt := fields[1]
	b.before = func(password string) string {
		var sum []byte
		if version2 {
			mac := hmac.New(sha256.New, []byte(salt))
			mac.Write([]byte(password))
			sum = mac.Sum(nil)
		} else {
			s := sha256.Sum256([]byte(password))
			sum = s[:]
		}
		return base64.StdEncoding.EncodeToString(sum)
	}
	return b, ok
}

func (b bcrypted) scheme() string { return b.name }

func (b bcrypted) affordable(l Limits) error {
	if b.cost > l.BcryptCost {
		return ErrTooCostly
	}
	return nil
}

// compute leaves the comparison to the library, which has the salt.
func (b bcrypted) compute(ctx context.Context, h *Hasher, password string) ([]byte, error) {
	if b.before != nil {
		password = b.before(password)
	}
	// C's implementations end at a NUL: no password with one was hashed whole.
	if len(password) > maxBcrypt || strings.Contains(password, "\x00") {
		return nil, nil
	}
	if err := h.gate.take(ctx, smallMemory); err != nil {
		return nil, err
	}
	defer h.gate.release(smallMemory)
	if bcrypt.CompareHashAndPassword([]byte(b.hash), []byte(password)) != nil {
		return nil, nil
	}
	return b.want(), nil
}

func (b bcrypted) want() []byte { return []byte(b.hash) }

// smallMemory is what a hash counts at the gate that needs time more than
// memory, in bytes: so many at once are as many as the processor can bear.
const smallMemory = 8 << 20
