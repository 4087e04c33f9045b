package passwords

import (
	"context"
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/pavise-dev/pavise/secret"
)

// quick is a policy whose hashes take little.
func quick(t testing.TB) *Hasher {
	t.Helper()
	return hasher(t, Policy{Profile: "owasp-7"})
}

func hasher(t testing.TB, p Policy) *Hasher {
	t.Helper()
	h, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hashed(t testing.TB, h *Hasher, password string) string {
	t.Helper()
	s, err := h.Hash(t.Context(), secret.New(password))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The password of each is "password", or what the name says. They were made
// with the libraries themselves.
var stored = map[string]struct{ hash, password string }{
	"crypt spec 1": {"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1", "Hello world!"},
	"crypt spec 2": {"$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.", "Hello world!"},
	"bcrypt":       {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
}

func TestDefault(t *testing.T) {
	h := hasher(t, Policy{})
	s := hashed(t, h, "correct horse")
	if !strings.HasPrefix(s, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("%s", s)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false} {
		r, err := h.Verify(t.Context(), secret.New(password), s)
		if err != nil || r.OK != want || r.NeedsRehash || r.Scheme != "argon2id" {
			t.Errorf("%q: %+v, %v", password, r, err)
		}
	}
	if again := hashed(t, h, "correct horse"); again == s {
		t.Error("the same hash twice")
	}
}

func TestVectors(t *testing.T) {
	h := quick(t)
	for name, v := range stored {
		r, err := h.Verify(t.Context(), secret.New(v.password), v.hash)
		if err != nil || !r.OK || !r.NeedsRehash {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if r, err := h.Verify(t.Context(), secret.New(v.password+"x"), v.hash); err != nil || r.OK {
			t.Errorf("%s: another password: %+v, %v", name, r, err)
		}
	}
}

// TestBcryptIsExact: bcrypt looks at 72 bytes, and others let a longer
// password pass for its first 72.
func TestBcryptIsExact(t *testing.T) {
	h := quick(t)
	long, err := bcrypt.GenerateFromPassword([]byte(strings.Repeat("a", 72)), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := h.Verify(t.Context(), secret.New(strings.Repeat("a", 72)), string(long)); err != nil || !r.OK {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := h.Verify(t.Context(), secret.New(strings.Repeat("a", 73)), string(long)); err != nil || r.OK {
		t.Errorf("73 bytes pass for 72: %+v, %v", r, err)
	}
	for _, password := range []string{"U*U\x00", "U*U\x00rest"} {
		if r, err := h.Verify(t.Context(), secret.New(password), stored["bcrypt"].hash); err != nil || r.OK {
			t.Errorf("%q: %+v, %v", password, r, err)
		}
	}
}

// TestBcryptPaddingBits: the first hash is of Python's bcrypt; in the second
// the salt has a bit that is not used, as with passlib before 1.5.3.
func TestBcryptPaddingBits(t *testing.T) {
	for _, salt := range []string{"abcdefghijklmnopqrstuu", "abcdefghijklmnopqrstuv"} {
		hash := "$2b$04$" + salt + "W4.Qjw7lzyCUYE6IYwv0Pzmw6M6bm8u"
		if r, err := quick(t).Verify(t.Context(), secret.New("many quays"), hash); err != nil || !r.OK || !r.NeedsRehash {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// TestMalformed: each is a hash that some parser takes for a good one.
func TestMalformed(t *testing.T) {
	h := quick(t)
	good := hashed(t, h, "password")
	fields := strings.Split(good, "$")
	salt, tag := fields[4], fields[5]
	phc := func(kind, version, params, salt, tag string) string {
		return "$" + kind + "$" + version + "$" + params + "$" + salt + "$" + tag
	}
	const m = "m=7168,t=5,p=1"
	if r, err := h.Verify(t.Context(), secret.New("password"), phc("argon2id", "v=19", m, salt, tag)); err != nil || !r.OK {
		t.Fatalf("%+v, %v", r, err)
	}
	for name, s := range map[string]string{
		"empty":              "",
		"another order":      phc("argon2id", "v=19", "t=5,m=7168,p=1", salt, tag),
		"leading zero":       phc("argon2id", "v=19", "m=07168,t=5,p=1", salt, tag),
		"plus sign":          phc("argon2id", "v=19", "m=+7168,t=5,p=1", salt, tag),
		"no lanes":           phc("argon2id", "v=19", "m=7168,t=5,p=0", salt, tag),
		"no passes":          phc("argon2id", "v=19", "m=7168,t=0,p=1", salt, tag),
		"too little memory":  phc("argon2id", "v=19", "m=7,t=5,p=1", salt, tag),
		"huge number":        phc("argon2id", "v=19", "m=99999999999999999999,t=5,p=1", salt, tag),
		"old version":        phc("argon2id", "v=16", m, salt, tag),
		"no version":         "$argon2id$" + m + "$" + salt + "$" + tag,
		"another kind":       phc("argon2x", "v=19", m, salt, tag),
		"upper case":         phc("ARGON2ID", "v=19", m, salt, tag),
		"twice a parameter":  phc("argon2id", "v=19", "m=7168,m=7168,p=1", salt, tag),
		"unknown parameter":  phc("argon2id", "v=19", m+",data=eA", salt, tag),
		"padded":             phc("argon2id", "v=19", m, salt+"==", tag),
		"short tag":          phc("argon2id", "v=19", m, salt, "YWJjZA"),
		"no tag":             phc("argon2id", "v=19", m, salt, ""),
		"no salt":            phc("argon2id", "v=19", m, "", tag),
		"bits left over":     phc("argon2id", "v=19", m, salt[:len(salt)-1]+"_", tag),
		"line break":         good + "\n",
		"space":              good + " ",
		"behind":             good + "$",
		"NUL":                good + "\x00",
		"long":               good + strings.Repeat("a", 2000),
		"bcrypt cut":         stored["bcrypt"].hash[:59],
		"bcrypt cost 3":      strings.Replace(stored["bcrypt"].hash, "$05$", "$03$", 1),
		"bcrypt cost 32":     strings.Replace(stored["bcrypt"].hash, "$05$", "$32$", 1),
		"bcrypt cost of one": strings.Replace(stored["bcrypt"].hash, "$05$", "$5$", 1),
		"bcrypt 2x":          strings.Replace(stored["bcrypt"].hash, "$2a$", "$2x$", 1),
		"bcrypt alphabet":    stored["bcrypt"].hash[:30] + "+" + stored["bcrypt"].hash[31:],
		"crypt 999 rounds":   strings.Replace(stored["crypt spec 2"].hash, "10000", "999", 1),
		"crypt leading zero": strings.Replace(stored["crypt spec 2"].hash, "10000", "010000", 1),
		"crypt long salt":    strings.Replace(stored["crypt spec 1"].hash, "saltstring", "saltstringsaltstring", 1),
		"crypt bits":         stored["crypt spec 2"].hash[:len(stored["crypt spec 2"].hash)-1] + "z",
		"md5_crypt":          "$1$3azHgidD$SrJPt7B.9rekpmwJwtON31",
		"a plain one":        "hunter2hunter2",
		"pbkdf2 digest":      "$pbkdf2-md5$1000$c2FsdA$c2FsdHNhbHRzYWx0c2FsdA",
		"pbkdf2 no rounds":   "$pbkdf2-sha256$0$c2FsdA$" + base64.RawStdEncoding.EncodeToString(make([]byte, 32)),
		"pbkdf2 short key":   "$pbkdf2-sha256$1000$c2FsdA$c2FsdA",
		"scrypt not a power": "scrypt:30000:8:1$salt$" + strings.Repeat("00", 64),
		"scrypt r=0":         "scrypt:32768:0:1$salt$" + strings.Repeat("00", 64),
		"scrypt upper hex":   "scrypt:32768:8:1$salt$" + strings.Repeat("AB", 64),
	} {
		r, err := h.Verify(t.Context(), secret.New("password"), s)
		if !errors.Is(err, ErrMalformed) || r.OK {
			t.Errorf("%s: %+v, %v", name, r, err)
		} else if s != "" && strings.Contains(err.Error(), s) {
			t.Errorf("%s: the error quotes the hash", name)
		}
	}
}

// TestTooCostly: what a stored hash asks for is judged before anything is
// computed or any memory taken.
func TestTooCostly(t *testing.T) {
	h := quick(t)
	salt, tag := base64.RawStdEncoding.EncodeToString(make([]byte, 16)), base64.RawStdEncoding.EncodeToString(make([]byte, 32))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, s := range []string{
		"$argon2id$v=19$m=1048576,t=3,p=4$" + salt + "$" + tag,
		"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + tag,
		"$argon2i$v=19$m=8,t=4294967295,p=1$" + salt + "$" + tag,
		"$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"scrypt:2147483648:8:1$salt$" + strings.Repeat("00", 64),
		"scrypt:2:8:1048576$salt$" + strings.Repeat("00", 64),
		"$scrypt$ln=31,r=8,p=1$" + salt + "$" + tag,
		"pbkdf2_sha256$2147483647$salt$" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"$6$rounds=999999999$salt$" + strings.Repeat("a", 85) + "1",
	} {
		if r, err := h.Verify(t.Context(), secret.New("x"), s); !errors.Is(err, ErrTooCostly) || r.OK {
			t.Errorf("%s: %+v, %v", s, r, err)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

func TestPolicyMistakes(t *testing.T) {
	for want, p := range map[string]Policy{
		"is not known":      {Profile: "nosuch"},
		"weaker than OWASP": {Argon2: Argon2{Memory: 1024, Time: 1, Threads: 1}},
		"does not fit":      {MaxMemory: 1 << 20},
		"negative":          {MaxWait: -1},
		"the limits refuse": {Limits: Limits{Argon2Memory: 1024}},
		"less than 32":      {Peppers: map[string]secret.Bytes{"a": secret.NewBytes([]byte("short"))}},
		"letters and digit": {Peppers: map[string]secret.Bytes{"a,b": secret.NewBytes(make([]byte, 32))}},
		"is not there":      {Pepper: "a"},
		"8 KiB a lane":      {Argon2: Argon2{Memory: 1024, Time: 60, Threads: 255}},
	} {
		if _, err := New(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one with %q", err, want)
		}
	}
	for name := range profiles {
		if name != "rfc9106-high" {
			if _, err := New(Policy{Profile: name}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestPepper: a hash with a pepper is no good without it, and is made anew
// when another is for new hashes.
func TestPepper(t *testing.T) {
	a, b := secret.NewBytes([]byte(strings.Repeat("a", 32))), secret.NewBytes([]byte(strings.Repeat("b", 32)))
	with := func(primary string, peppers map[string]secret.Bytes) *Hasher {
		return hasher(t, Policy{Profile: "owasp-7", Peppers: peppers, Pepper: primary})
	}
	old := with("k1", map[string]secret.Bytes{"k1": a})
	s := hashed(t, old, "password")
	if !strings.Contains(s, ",keyid=azE$") {
		t.Errorf("%s", s)
	}
	verify := func(h *Hasher) (Result, error) { return h.Verify(t.Context(), secret.New("password"), s) }
	if r, err := verify(old); err != nil || !r.OK || r.NeedsRehash {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := verify(with("k2", map[string]secret.Bytes{"k1": a, "k2": b})); err != nil || !r.OK || !r.NeedsRehash {
		t.Errorf("with another for new hashes: %+v, %v", r, err)
	}
	if r, err := verify(with("k1", map[string]secret.Bytes{"k1": b})); err != nil || r.OK {
		t.Errorf("with another of the same name: %+v, %v", r, err)
	}
	if r, err := verify(quick(t)); !errors.Is(err, ErrPepper) || r.OK {
		t.Errorf("without: %+v, %v", r, err)
	}
	if r, err := old.Verify(t.Context(), secret.New("password"), hashed(t, quick(t), "password")); err != nil || !r.OK || !r.NeedsRehash {
		t.Errorf("of a hash without: %+v, %v", r, err)
	}
}

// TestVerifyAndUpdate: of two logins at once one saves, and a password that
// was changed meanwhile stays.
func TestVerifyAndUpdate(t *testing.T) {
	h := quick(t)
	var mu sync.Mutex
	inDB := stored["bcrypt"].hash
	save := func(_ context.Context, old, new string) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if inDB != old {
			return false, nil
		}
		inDB = new
		return true, nil
	}
	read := inDB
	var wg sync.WaitGroup
	var saved atomic.Int32
	for range 8 {
		wg.Go(func() {
			r, err := h.VerifyAndUpdate(t.Context(), secret.New("U*U"), read, save)
			if err != nil || !r.OK {
				t.Errorf("%+v, %v", r, err)
			}
			if !r.NeedsRehash {
				saved.Add(1)
			}
		})
	}
	wg.Wait()
	if saved.Load() != 1 || !strings.HasPrefix(inDB, "$argon2id$") {
		t.Errorf("%d saved, and %s is stored", saved.Load(), inDB)
	}
	if r, err := h.VerifyAndUpdate(t.Context(), secret.New("U*U"), inDB, func(context.Context, string, string) (bool, error) {
		t.Error("what is current was saved")
		return true, nil
	}); err != nil || !r.OK || r.NeedsRehash {
		t.Errorf("%+v, %v", r, err)
	}
	down := errors.New("the database is down")
	r, err := h.VerifyAndUpdate(t.Context(), secret.New("U*U"), stored["bcrypt"].hash, func(context.Context, string, string) (bool, error) { return false, down })
	if !errors.Is(err, down) || !r.OK || !r.NeedsRehash {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestUnknown: who has no account costs what one who has does. What is counted
// is the memory that is taken, which is the work.
func TestUnknown(t *testing.T) {
	h := quick(t)
	if err := h.VerifyUnknown(t.Context(), secret.New("x")); err != nil {
		t.Fatal(err)
	}
	r, err := h.Verify(t.Context(), secret.New(""), h.dummy())
	if err != nil || r.OK || r.Scheme != "argon2id" {
		t.Errorf("%+v, %v", r, err)
	}
	v, err := parse(h.dummy())
	if err != nil || v.(phc).params != h.own {
		t.Errorf("the dummy costs something else: %+v, %v", v, err)
	}
}

func TestLongPasswords(t *testing.T) {
	h := quick(t)
	long := secret.New(strings.Repeat("a", MaxBytes+1))
	if _, err := h.Hash(t.Context(), long); !errors.Is(err, ErrTooLong) {
		t.Errorf("%v", err)
	}
	if r, err := h.Verify(t.Context(), long, hashed(t, h, "x")); err != nil || r.OK {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestGate: memory is bounded, waiting ends, and who stands first is let in
// first.
func TestGate(t *testing.T) {
	g := newGate(100, 50*time.Millisecond)
	ctx := t.Context()
	if err := g.take(ctx, 60); err != nil {
		t.Fatal(err)
	}
	if err := g.take(ctx, 60); !errors.Is(err, ErrBusy) {
		t.Errorf("%v", err)
	}
	if err := g.take(ctx, 101); !errors.Is(err, ErrTooCostly) {
		t.Errorf("%v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := g.take(gone, 60); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	g.wait = time.Minute
	order := make(chan int, 2)
	stand := func(n int, size int64) {
		go func() {
			if err := g.take(ctx, size); err == nil {
				order <- n
			}
		}()
		for {
			g.mu.Lock()
			l := g.line.Len()
			g.mu.Unlock()
			if l == n {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	stand(1, 100)
	stand(2, 10) // would fit, but the other was there first
	g.release(60)
	if n := <-order; n != 1 {
		t.Errorf("%d was let in first", n)
	}
	g.release(100)
	if n := <-order; n != 2 {
		t.Error("the second was forgotten")
	}
	g.release(10)
	if g.used != 0 || g.line.Len() != 0 {
		t.Errorf("%d are used, %d wait", g.used, g.line.Len())
	}
}

// FuzzParse: what is read is written again as it was, so a hash has one text.
func FuzzParse(f *testing.F) {
	for _, v := range stored {
		f.Add(v.hash)
	}
	f.Add("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$dGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGE")
	f.Add("argon2$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$dGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGE")
	f.Add("$pbkdf2-sha256$29000$c2FsdA$dGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGE")
	f.Add("scrypt:32768:8:1$salt$" + strings.Repeat("00", 64))
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parse(s)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v", err)
			}
			return
		}
		if p, ok := v.(phc); ok {
			text := p.String()
			if p.django {
				text = "argon2" + text
			}
			if text != s {
				t.Fatalf("%q is written as %q", s, text)
			}
		}
		if v.scheme() == "" || len(v.want()) == 0 {
			t.Fatalf("%q: scheme %q, %d bytes", s, v.scheme(), len(v.want()))
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	h := hasher(b, Policy{})
	s := hashed(b, h, "password")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Verify(context.Background(), secret.New("password"), s); err != nil {
			b.Fatal(err)
		}
	}
}
