// Package passwords hashes passwords, verifies hashes of many kinds, and says
// when one should be made anew.
//
//	hasher, err := passwords.New(passwords.Policy{})
//	...
//	result, err := hasher.VerifyAndUpdate(ctx, password, user.Hash, save)
//	if err != nil { ... } // busy, or the stored hash is damaged
//	if !result.OK { ... }
//
// The zero [Policy] is argon2id with 64 MiB, three passes and four lanes. The
// hashes of passlib, pwdlib, Django and werkzeug are verified too, so that a
// service can take over its users, each of whose hashes is replaced at the
// next login.
//
// How much memory all hashes take at once is bounded: a flood of logins waits,
// and is told so in time, instead of ending the process.
package passwords

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/passwords/internal/argon2"
	"github.com/pavise-dev/pavise/secret"
)

// Errors of a [Hasher].
var (
	// ErrBusy means that the memory for hashing is taken, and was for as long
	// as the caller could wait. A service answers 503 to it.
	ErrBusy = errors.New("passwords: too many hashes at once")
	// ErrMalformed means that a stored hash is none, or is written as no
	// library writes it. It does not quote the hash.
	ErrMalformed = errors.New("passwords: the stored hash is malformed")
	// ErrTooCostly means that a stored hash asks for more time or memory than
	// the policy allows. Nothing was computed.
	ErrTooCostly = errors.New("passwords: the stored hash asks for more than the policy allows")
	// ErrPepper means that a stored hash was made with a pepper that the
	// policy does not have.
	ErrPepper = errors.New("passwords: the stored hash was made with a pepper that is not there")
	// ErrTooLong means that a password has more than [MaxBytes] bytes.
	ErrTooLong = errors.New("passwords: the password is too long")
)

// MaxBytes is the length of the longest password that is hashed, in bytes:
// hashing it must not be an attack of its own.
const MaxBytes = 4096

// Argon2 are the parameters of argon2id.
type Argon2 struct {
	Memory  uint32 // KiB; 0 means 64 MiB
	Time    uint32 // passes; 0 means 3
	Threads uint8  // lanes; 0 means 4
}

// Profiles of argon2id, by name.
var profiles = map[string]Argon2{
	"":             {64 << 10, 3, 4},
	"default":      {64 << 10, 3, 4}, // RFC 9106 section 4, second choice
	"rfc9106-low":  {64 << 10, 3, 4}, // the same
	"rfc9106-high": {2 << 20, 1, 4},  // RFC 9106 section 4, first choice: 2 GiB
	"owasp-46":     {47104, 1, 1},    // OWASP Password Storage Cheat Sheet: 46 MiB
	"owasp-19":     {19456, 2, 1},    // 19 MiB
	"owasp-12":     {12288, 3, 1},    // 12 MiB
	"owasp-9":      {9216, 4, 1},     // 9 MiB
	"owasp-7":      {7168, 5, 1},     // 7 MiB
}

// A Policy says how passwords are hashed. The zero Policy is meant to be used.
type Policy struct {
	// Profile names parameters of argon2id: rfc9106-low (the default),
	// rfc9106-high, owasp-46, owasp-19, owasp-12, owasp-9, owasp-7.
	Profile string
	// Argon2 overrides the profile's parameters where it is not zero. Less
	// than OWASP's least is an error.
	Argon2 Argon2
	// MaxMemory bounds the memory of all hashes at once, in bytes; 0 means
	// 256 MiB, or a quarter of the cgroup's limit if that is less.
	MaxMemory int64
	// MaxWait is how long a hash may wait for memory, if its context allows
	// more; 0 means 5 s.
	MaxWait time.Duration
	// Limits of stored hashes, beyond which they are not computed.
	Limits Limits
	// Peppers are secrets that are not in the database, by id (1 to 16
	// letters and digits). They are needed to verify what was hashed with
	// them.
	Peppers map[string]secret.Bytes
	// Pepper is the id of the one that new hashes get; empty means none.
	Pepper string
}

// Limits bound what a stored hash can make the service do: whoever can write
// one to the database must not be able to stop the service with it.
type Limits struct {
	Argon2Memory     uint32 // KiB; 0 means 256 MiB, or the policy's own if that is more
	Argon2Time       uint32 // passes; 0 means 16
	BcryptCost       int    // 0 means 15
	ScryptMemory     int64  // 128·N·r, in bytes; 0 means 128 MiB
	PBKDF2Iterations int    // 0 means 5,000,000
	CryptRounds      int    // of sha512_crypt; 0 means 5,000,000
}

// Defaults.
const (
	defaultMaxMemory = 256 << 20
	defaultMaxWait   = 5 * time.Second
)

func (l Limits) filled(own Argon2) Limits {
	set := func(p *uint32, v uint32) {
		if *p == 0 {
			*p = v
		}
	}
	set(&l.Argon2Memory, max(256<<10, own.Memory))
	set(&l.Argon2Time, max(16, own.Time))
	for p, v := range map[*int]int{&l.BcryptCost: 15, &l.PBKDF2Iterations: 5_000_000, &l.CryptRounds: 5_000_000} {
		if *p == 0 {
			*p = v
		}
	}
	if l.ScryptMemory == 0 {
		l.ScryptMemory = 128 << 20
	}
	return l
}

// A Hasher hashes and verifies. It is safe for concurrent use; a process
// should have one, since it bounds the memory of its own hashes only.
type Hasher struct {
	own     Argon2
	limits  Limits
	peppers map[string]secret.Bytes
	pepper  string
	gate    *gate
	dummy   func() string // a hash of nothing, made when it is first needed
}

// New returns a Hasher. Its error joins every mistake in the policy.
func New(p Policy) (*Hasher, error) {
	var errs []error
	own, ok := profiles[p.Profile]
	if !ok {
		errs = append(errs, fmt.Errorf("profile %q is not known", p.Profile))
		own = profiles[""]
	}
	if p.Argon2.Memory != 0 {
		own.Memory = p.Argon2.Memory
	}
	if p.Argon2.Time != 0 {
		own.Time = p.Argon2.Time
	}
	if p.Argon2.Threads != 0 {
		own.Threads = p.Argon2.Threads
	}
	if !strong(own) {
		errs = append(errs, fmt.Errorf("argon2id with %d KiB and %d passes is weaker than OWASP's least, 7168 KiB and 5 passes", own.Memory, own.Time))
	}
	if own.Memory < 8*uint32(own.Threads) {
		errs = append(errs, fmt.Errorf("argon2id with %d KiB for %d lanes: want 8 KiB a lane at least", own.Memory, own.Threads))
	}
	if p.MaxMemory < 0 || p.MaxWait < 0 {
		errs = append(errs, errors.New("MaxMemory or MaxWait is negative"))
	}
	limits := p.Limits.filled(own)
	if limits.Argon2Memory < own.Memory || limits.Argon2Time < own.Time {
		errs = append(errs, errors.New("the limits refuse the policy's own hashes"))
	}
	total := p.MaxMemory
	if total == 0 {
		total = max(min(defaultMaxMemory, cgroupMemory()/4), int64(own.Memory)<<10)
	}
	if int64(own.Memory)<<10 > total {
		errs = append(errs, fmt.Errorf("one hash of %d KiB does not fit MaxMemory, %d bytes", own.Memory, total))
	}
	peppers := map[string]secret.Bytes{}
	for id, pepper := range p.Peppers {
		if !validPepperID(id) {
			errs = append(errs, fmt.Errorf("pepper %q: want an id of 1 to 16 letters and digits", id))
		}
		if len(pepper.Expose()) < 32 {
			errs = append(errs, fmt.Errorf("pepper %q has less than 32 bytes; pavise token makes one", id))
		}
		peppers[id] = pepper
	}
	if _, ok := peppers[p.Pepper]; p.Pepper != "" && !ok {
		errs = append(errs, fmt.Errorf("pepper %q is for new hashes, and is not there", p.Pepper))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("passwords: the policy does not hold together: %w", err)
	}
	wait := p.MaxWait
	if wait == 0 {
		wait = defaultMaxWait
	}
	h := &Hasher{own: own, limits: limits, peppers: peppers, pepper: p.Pepper, gate: newGate(total, wait)}
	h.dummy = sync.OnceValue(h.makeDummy)
	return h, nil
}

// strong reports whether parameters are at least one of OWASP's.
func strong(a Argon2) bool {
	for _, name := range []string{"owasp-46", "owasp-19", "owasp-12", "owasp-9", "owasp-7"} {
		if p := profiles[name]; a.Memory >= p.Memory && a.Time >= p.Time {
			return true
		}
	}
	return false
}

func validPepperID(id string) bool {
	if len(id) < 1 || len(id) > 16 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

const (
	saltLength = 16
	tagLength  = 32
)

// Hash returns the argon2id hash of a password, in the PHC form that passlib,
// pwdlib and argon2-cffi read if there is no pepper. Its errors are [ErrBusy],
// [ErrTooLong], and that of ctx.
func (h *Hasher) Hash(ctx context.Context, password secret.String) (string, error) {
	text := password.Expose()
	if len(text) > MaxBytes {
		return "", ErrTooLong
	}
	p := phc{kind: argon2.ID, params: h.own, keyID: h.pepper, salt: make([]byte, saltLength)}
	_, _ = rand.Read(p.salt)
	var err error
	if p.tag, err = h.argon2(ctx, p, text, tagLength); err != nil {
		return "", err
	}
	return p.String(), nil
}

// argon2 computes a tag in memory of the gate.
func (h *Hasher) argon2(ctx context.Context, p phc, password string, length int) ([]byte, error) {
	params := argon2.Params{Kind: p.kind, Time: p.params.Time, Memory: p.params.Memory, Threads: p.params.Threads, Length: uint32(length)}
	blocks := params.Blocks()
	memory, done, err := h.gate.memory(ctx, blocks)
	if err != nil {
		return nil, err
	}
	defer done()
	return argon2.Key(params, []byte(password), p.salt, h.peppers[p.keyID].Expose(), nil, memory), nil
}

// A Result is what became of a verification.
type Result struct {
	OK bool // the password is right
	// NeedsRehash says that the hash is not what the policy makes now: of
	// another scheme, other parameters, or another pepper. It is set only if
	// the password is right.
	NeedsRehash bool
	// Scheme of the stored hash, such as "argon2id" or "django-pbkdf2-sha256".
	Scheme string
}

// Verify reports whether password is the one whose hash is stored. A wrong
// password is no error. Errors are [ErrMalformed], [ErrTooCostly], [ErrPepper],
// [ErrBusy], and that of ctx; with each of them the password was not verified.
func (h *Hasher) Verify(ctx context.Context, password secret.String, stored string) (Result, error) {
	v, err := parse(stored)
	if err != nil {
		return Result{}, err
	}
	r := Result{Scheme: v.scheme()}
	if err := v.affordable(h.limits); err != nil {
		return r, err
	}
	text := password.Expose()
	if len(text) > MaxBytes {
		return r, nil // nobody could have set it
	}
	got, err := v.compute(ctx, h, text)
	if err != nil {
		return r, err
	}
	r.OK = got != nil && subtle.ConstantTimeCompare(got, v.want()) == 1
	r.NeedsRehash = r.OK && !h.current(v)
	return r, nil
}

// current reports whether the policy would make such a hash now.
func (h *Hasher) current(v verifier) bool {
	p, ok := v.(phc)
	return ok && !p.django && p.kind == argon2.ID && p.params == h.own && p.keyID == h.pepper && len(p.salt) >= saltLength && len(p.tag) >= tagLength
}

// VerifyUnknown takes the time of a verification and verifies nothing. It is
// for a name that nobody has: without it, the answer's time tells which names
// there are.
func (h *Hasher) VerifyUnknown(ctx context.Context, password secret.String) error {
	_, err := h.Verify(ctx, password, h.dummy())
	return err
}

// makeDummy returns a hash that no password has, of the cost of any other.
func (h *Hasher) makeDummy() string {
	p := phc{kind: argon2.ID, params: h.own, keyID: h.pepper, salt: make([]byte, saltLength), tag: make([]byte, tagLength)}
	_, _ = rand.Read(p.salt)
	_, _ = rand.Read(p.tag)
	return p.String()
}

// A Save replaces the stored hash of one user if it still is old, and reports
// whether it was:
//
//	UPDATE users SET hash = $new WHERE id = $id AND hash = $old
type Save func(ctx context.Context, old, new string) (saved bool, err error)

// VerifyAndUpdate is [Hasher.Verify], and if the password is right and its hash
// not current, a new hash is saved. If somebody else saved one meanwhile, as
// of two logins at once the first does, or a change of the password, that one
// stays. That the hash could not be made anew is no reason to refuse a login:
// then Result.NeedsRehash is still set, and the error of save is returned
// beside Result.OK.
func (h *Hasher) VerifyAndUpdate(ctx context.Context, password secret.String, stored string, save Save) (Result, error) {
	r, err := h.Verify(ctx, password, stored)
	if err != nil || !r.NeedsRehash {
		return r, err
	}
	next, err := h.Hash(ctx, password)
	if err != nil {
		return r, nil //nolint:nilerr // busy: the next login tries again
	}
	saved, err := save(ctx, stored, next)
	if err != nil {
		return r, fmt.Errorf("passwords: saving the new hash: %w", err)
	}
	r.NeedsRehash = !saved
	return r, nil
}
