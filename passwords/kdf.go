package passwords

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // people's hashes were made with it
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// pbkdf is a PBKDF2 hash.
type pbkdf struct {
	name       string
	digest     func() hash.Hash
	iterations int
	salt       []byte
	key        []byte
}

var digests = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

const maxIterations = 1<<31 - 1

// parsePasslibPBKDF2 reads $pbkdf2-sha256$29000$salt$key; without a digest it
// is SHA-1. passlib's base64 has a '.' for the '+'.
func parsePasslibPBKDF2(s string) (verifier, bool) {
	fields := strings.Split(s, "$")
	if len(fields) != 4 {
		return nil, false
	}
	digest := "sha1"
	if fields[0] != "pbkdf2" {
		var ok bool
		if digest, ok = strings.CutPrefix(fields[0], "pbkdf2-"); !ok || digest == "sha1" {
			return nil, false
		}
	}
	ab64 := func(s string) ([]byte, bool) {
		if strings.Contains(s, "+") {
			return nil, false
		}
		return b64(strings.ReplaceAll(s, ".", "+"))
	}
	salt, ok1 := ab64(fields[2])
	key, ok2 := ab64(fields[3])
	return newPBKDF("pbkdf2-"+digest, digest, fields[1], salt, key, ok1 && ok2)
}

// parseDjangoPBKDF2 reads pbkdf2_sha256$260000$salt$key.
func parseDjangoPBKDF2(scheme, rest string) (verifier, bool) {
	fields := strings.Split(rest, "$")
	if len(fields) != 3 {
		return nil, false
	}
	digest := strings.TrimPrefix(scheme, "pbkdf2_")
	key, ok := padded(fields[2])
	return newPBKDF("django-pbkdf2-"+digest, digest, fields[0], []byte(fields[1]), key, ok)
}

// parseWerkzeugPBKDF2 reads pbkdf2:sha256:600000$salt$key.
func parseWerkzeugPBKDF2(scheme, rest string) (verifier, bool) {
	parts, fields := strings.Split(scheme, ":"), strings.Split(rest, "$")
	if len(parts) != 3 || len(fields) != 2 {
		return nil, false
	}
	key, ok := lowerHex(fields[1])
	return newPBKDF("werkzeug-pbkdf2-"+parts[1], parts[1], parts[2], []byte(fields[0]), key, ok)
}

func newPBKDF(name, digest, iterations string, salt, key []byte, ok bool) (verifier, bool) {
	p := pbkdf{name: name, digest: digests[digest], salt: salt, key: key}
	n, okN := number(iterations, maxIterations)
	if !ok || !okN || n < 1 || p.digest == nil || len(salt) > 1024 || len(key) != p.digest().Size() {
		return nil, false
	}
	p.iterations = int(n)
	return p, true
}

func (p pbkdf) scheme() string { return p.name }
func (p pbkdf) want() []byte   { return p.key }

func (p pbkdf) affordable(l Limits) error {
	if p.iterations > l.PBKDF2Iterations {
		return ErrTooCostly
	}
	return nil
}

func (p pbkdf) compute(ctx context.Context, h *Hasher, password string) ([]byte, error) {
	if err := h.gate.take(ctx, smallMemory); err != nil {
		return nil, err
	}
	defer h.gate.release(smallMemory)
	key, err := pbkdf2.Key(p.digest, password, p.salt, p.iterations, len(p.key))
	if err != nil {
		return nil, fmt.Errorf("passwords: %w", err)
	}
	return key, nil
}

// scrypted is a scrypt hash.
type scrypted struct {
	name    string
	n, r, p int
	salt    []byte
	key     []byte
}

// parsePasslibScrypt reads $scrypt$ln=16,r=8,p=1$salt$key.
func parsePasslibScrypt(s string) (verifier, bool) {
	fields := strings.Split(s, "$")
	if len(fields) != 3 {
		return nil, false
	}
	params := strings.Split(fields[0], ",")
	if len(params) != 3 {
		return nil, false
	}
	ln, ok1 := value(params[0], "ln", 31)
	r, ok2 := value(params[1], "r", 1<<20)
	p, ok3 := value(params[2], "p", 1<<20)
	salt, ok4 := b64(fields[1])
	key, ok5 := b64(fields[2])
	return newScrypt("scrypt", int64(1)<<max(ln, 0), r, p, salt, key, ok1 && ok2 && ok3 && ok4 && ok5)
}

// parseDjangoScrypt reads scrypt$16384$salt$8$5$key.
func parseDjangoScrypt(rest string) (verifier, bool) {
	fields := strings.Split(rest, "$")
	if len(fields) != 5 {
		return nil, false
	}
	n, ok1 := number(fields[0], 1<<31)
	r, ok2 := number(fields[2], 1<<20)
	p, ok3 := number(fields[3], 1<<20)
	key, ok4 := padded(fields[4])
	return newScrypt("django-scrypt", n, r, p, []byte(fields[1]), key, ok1 && ok2 && ok3 && ok4)
}

// parseWerkzeugScrypt reads scrypt:32768:8:1$salt$key.
func parseWerkzeugScrypt(scheme, rest string) (verifier, bool) {
	parts, fields := strings.Split(scheme, ":"), strings.Split(rest, "$")
	if len(parts) != 4 || len(fields) != 2 {
		return nil, false
	}
	n, ok1 := number(parts[1], 1<<31)
	r, ok2 := number(parts[2], 1<<20)
	p, ok3 := number(parts[3], 1<<20)
	key, ok4 := lowerHex(fields[1])
	return newScrypt("werkzeug-scrypt", n, r, p, []byte(fields[0]), key, ok1 && ok2 && ok3 && ok4)
}

func newScrypt(name string, n, r, p int64, salt, key []byte, ok bool) (verifier, bool) {
	if !ok || n < 2 || n&(n-1) != 0 || r < 1 || p < 1 || r*p >= 1<<30 || len(salt) > 1024 || !within(key, 16, 128) {
		return nil, false
	}
	return scrypted{name, int(n), int(r), int(p), salt, key}, true
}

func (s scrypted) scheme() string { return s.name }
func (s scrypted) want() []byte   { return s.key }
func (s scrypted) memory() int64  { return 128 * int64(s.r) * (int64(s.n) + int64(s.p)) }

// affordable counts p too: it costs time, not memory.
func (s scrypted) affordable(l Limits) error {
	if s.memory() > l.ScryptMemory || int64(s.p)*s.memory() > 16*l.ScryptMemory {
		return ErrTooCostly
	}
	return nil
}

func (s scrypted) compute(ctx context.Context, h *Hasher, password string) ([]byte, error) {
	if err := h.gate.take(ctx, s.memory()); err != nil {
		return nil, err
	}
	defer h.gate.release(s.memory())
	key, err := scrypt.Key([]byte(password), s.salt, s.n, s.r, s.p, len(s.key))
	if err != nil {
		return nil, fmt.Errorf("passwords: %w", err)
	}
	return key, nil
}
