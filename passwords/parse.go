package passwords

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/passwords/internal/argon2"
)

// A verifier is a stored hash that was read.
type verifier interface {
	scheme() string
	// affordable says whether computing it is within limits. It is asked
	// before compute.
	affordable(Limits) error
	// compute returns what the stored hash would be of this password, or nil
	// if the scheme cannot have hashed it.
	compute(ctx context.Context, h *Hasher, password string) ([]byte, error)
	// want is the stored hash.
	want() []byte
}

// maxStored is the length of the longest hash that is read, in bytes.
const maxStored = 1024

// parse reads a stored hash. Each is read in the one form that its library
// writes: no other order, no leading zeros, nothing behind. A parser that is
// kind to others lets two texts be one hash, and hides a damaged database.
func parse(stored string) (verifier, error) {
	if len(stored) > maxStored {
		return nil, ErrMalformed
	}
	for _, c := range []byte(stored) {
		if c <= ' ' || c >= 0x7f {
			return nil, ErrMalformed
		}
	}
	var v verifier
	ok := false
	scheme, rest, _ := strings.Cut(stored, "$")
	switch {
	case scheme == "argon2":
		var p phc
		p, ok = parsePHC("$" + rest)
		p.django = true
		v, ok = p, ok && p.keyID == ""
	case scheme == "bcrypt" || scheme == "bcrypt_sha256":
		v, ok = parseDjangoBcrypt(scheme, rest)
	case scheme == "scrypt":
		v, ok = parseDjangoScrypt(rest)
	case scheme == "pbkdf2_sha256" || scheme == "pbkdf2_sha1":
		v, ok = parseDjangoPBKDF2(scheme, rest)
	case strings.HasPrefix(scheme, "scrypt:"):
		v, ok = parseWerkzeugScrypt(scheme, rest)
	case strings.HasPrefix(scheme, "pbkdf2:"):
		v, ok = parseWerkzeugPBKDF2(scheme, rest)
	case scheme != "":
	case strings.HasPrefix(rest, "argon2"):
		v, ok = parsePHC(stored)
	case strings.HasPrefix(rest, "2a$") || strings.HasPrefix(rest, "2b$") || strings.HasPrefix(rest, "2y$"):
		v, ok = parseBcrypt(stored)
	case strings.HasPrefix(rest, "bcrypt-sha256$"):
		v, ok = parsePasslibBcrypt(strings.TrimPrefix(rest, "bcrypt-sha256$"))
	case strings.HasPrefix(rest, "scrypt$"):
		v, ok = parsePasslibScrypt(strings.TrimPrefix(rest, "scrypt$"))
	case strings.HasPrefix(rest, "pbkdf2"):
		v, ok = parsePasslibPBKDF2(rest)
	case strings.HasPrefix(rest, "6$"):
		v, ok = parseSHA512Crypt(strings.TrimPrefix(rest, "6$"))
	}
	if !ok {
		return nil, ErrMalformed
	}
	return v, nil
}

// number reads a decimal as it is written by programs: digits, no leading
// zero.
func number(s string, high int64) (int64, bool) {
	if s == "" || len(s) > 1 && s[0] == '0' || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n <= high
}

// value reads "name=number".
func value(s, name string, high int64) (int64, bool) {
	text, ok := strings.CutPrefix(s, name+"=")
	if !ok {
		return 0, false
	}
	return number(text, high)
}

// b64 reads unpadded base64 without bits left over.
func b64(s string) ([]byte, bool) {
	b, err := base64.RawStdEncoding.Strict().DecodeString(s)
	return b, err == nil
}

// padded reads base64 with its padding.
func padded(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return b, err == nil
}

// lowerHex reads hexadecimal in lower case.
func lowerHex(s string) ([]byte, bool) {
	b, err := hex.DecodeString(s)
	return b, err == nil && s == strings.ToLower(s)
}

// within checks a length.
func within(b []byte, low, high int) bool { return len(b) >= low && len(b) <= high }

// phc is an argon2 hash:
//
//	$argon2id$v=19$m=65536,t=3,p=4$salt$tag
//	$argon2id$v=19$m=65536,t=3,p=4,keyid=dg$salt$tag
//
// keyid names the pepper, which is Argon2's secret input.
type phc struct {
	django bool
	kind   argon2.Kind
	params Argon2
	keyID  string
	salt   []byte
	tag    []byte
}

var kinds = map[string]argon2.Kind{"argon2d": argon2.D, "argon2i": argon2.I, "argon2id": argon2.ID}

func kindName(k argon2.Kind) string {
	for name, kind := range kinds {
		if kind == k {
			return name
		}
	}
	return ""
}

func parsePHC(s string) (p phc, ok bool) {
	fields := strings.Split(s, "$")
	if len(fields) != 6 || fields[0] != "" || fields[2] != "v=19" {
		return p, false
	}
	if p.kind, ok = kinds[fields[1]]; !ok {
		return p, false
	}
	params := strings.Split(fields[3], ",")
	if len(params) != 3 && len(params) != 4 {
		return p, false
	}
	m, ok1 := value(params[0], "m", 1<<32-1)
	t, ok2 := value(params[1], "t", 1<<32-1)
	threads, ok3 := value(params[2], "p", 255)
	if !ok1 || !ok2 || !ok3 || t < 1 || threads < 1 || m < 8*threads {
		return p, false
	}
	p.params = Argon2{uint32(m), uint32(t), uint8(threads)}
	if len(params) == 4 {
		text, ok := strings.CutPrefix(params[3], "keyid=")
		id, ok2 := b64(text)
		if p.keyID = string(id); !ok || !ok2 || !validPepperID(p.keyID) {
			return p, false
		}
	}
	p.salt, ok1 = b64(fields[4])
	p.tag, ok2 = b64(fields[5])
	return p, ok1 && ok2 && within(p.salt, 8, 64) && within(p.tag, 12, 64)
}

// String writes the hash as parsePHC reads it.
func (p phc) String() string {
	var b strings.Builder
	b.WriteString("$" + kindName(p.kind) + "$v=19$m=" + strconv.Itoa(int(p.params.Memory)) + ",t=" + strconv.Itoa(int(p.params.Time)) + ",p=" + strconv.Itoa(int(p.params.Threads)))
	if p.keyID != "" {
		b.WriteString(",keyid=" + base64.RawStdEncoding.EncodeToString([]byte(p.keyID)))
	}
	b.WriteString("$" + base64.RawStdEncoding.EncodeToString(p.salt) + "$" + base64.RawStdEncoding.EncodeToString(p.tag))
	return b.String()
}

func (p phc) scheme() string {
	if p.django {
		return "django-" + kindName(p.kind)
	}
	return kindName(p.kind)
}

func (p phc) affordable(l Limits) error {
	if p.params.Memory > l.Argon2Memory || p.params.Time > l.Argon2Time {
		return ErrTooCostly
	}
	return nil
}

func (p phc) compute(ctx context.Context, h *Hasher, password string) ([]byte, error) {
	if _, ok := h.peppers[p.keyID]; p.keyID != "" && !ok {
		return nil, ErrPepper
	}
	return h.argon2(ctx, p, password, len(p.tag))
}

func (p phc) want() []byte { return p.tag }
