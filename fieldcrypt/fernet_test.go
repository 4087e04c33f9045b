package fieldcrypt

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

// specKey and specToken are those of the Fernet specification's own vectors.
const (
	specKey   = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
	specToken = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
)

var specTime = time.Date(1985, 10, 26, 1, 20, 0, 0, time.FixedZone("", -7*3600))

func fernetRing(t testing.TB, keys ...string) *Ring {
	t.Helper()
	r, err := ParseRing(secret.New(strings.Join(keys, ",")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newRing(t testing.TB, format Format) *Ring {
	t.Helper()
	k, err := NewKey(format, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRing(k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFernetSpec(t *testing.T) {
	r := fernetRing(t, specKey)
	for _, open := range []func() ([]byte, error){
		func() ([]byte, error) { return r.Decrypt(specToken, Context{}) },
		func() ([]byte, error) { return r.Compat().Decrypt(specToken, Context{}) },
		func() ([]byte, error) {
			return r.DecryptFresh(specToken, Context{}, time.Minute, specTime.Add(time.Second))
		},
	} {
		if got, err := open(); err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// TestFernetAge: both limits are inclusive, as in Python, whose skew is a
// minute.
func TestFernetAge(t *testing.T) {
	r := fernetRing(t, specKey)
	for after, want := range map[time.Duration]bool{
		0: true, 60 * time.Second: true, 61 * time.Second: false, time.Hour: false,
		-60 * time.Second: true, -61 * time.Second: false,
	} {
		_, err := r.DecryptFresh(specToken, Context{}, time.Minute, specTime.Add(after))
		if (err == nil) != want || err != nil && !errors.Is(err, ErrDecrypt) {
			t.Errorf("%s later: %v, want it to open: %v", after, err, want)
		}
	}
	v1 := newRing(t, V1)
	token, err := v1.Encrypt([]byte("x"), Context{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v1.DecryptFresh(token, Context{}, time.Hour, time.Now()); !errors.Is(err, ErrDecrypt) {
		t.Errorf("a token without a time is fresh: %v", err)
	}
}

// forge makes a token with a right HMAC around any insides.
func forge(t testing.TB, r *Ring, insides []byte) string {
	t.Helper()
	raw := append([]byte{}, insides...)
	raw = append(raw, make([]byte, 32)...)
	w := r.boxes[0].fernet.get()
	w.hash(insides)
	copy(raw[len(insides):], w.sum[:])
	return base64.URLEncoding.EncodeToString(raw)
}

// TestFernetInsides: what is signed but malformed does not open, and does not
// panic.
func TestFernetInsides(t *testing.T) {
	r := fernetRing(t, specKey)
	raw, err := base64.URLEncoding.DecodeString(specToken)
	if err != nil {
		t.Fatal(err)
	}
	good := raw[:len(raw)-32]
	if got, err := r.Decrypt(forge(t, r, good), Context{}); err != nil || string(got) != "hello" {
		t.Fatalf("the forge is wrong: %q, %v", got, err)
	}
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte{}, good...)) }
	for name, insides := range map[string][]byte{
		"version":            change(func(b []byte) []byte { b[0] = 0x81; return b }),
		"no block":           good[:25],
		"half a block":       good[:33],
		"one byte":           good[:1],
		"nothing":            {},
		"padding":            change(func(b []byte) []byte { b[24] ^= 1; return b }),
		"padding of 17":      change(func(b []byte) []byte { b[24] ^= 11 ^ 17; return b }),
		"padding of 0":       change(func(b []byte) []byte { b[24] ^= 11; return b }),
		"a block and a byte": append(append([]byte{}, good...), 0),
	} {
		for _, ring := range []*Ring{r, r.Compat()} {
			if got, err := ring.Decrypt(forge(t, r, insides), Context{}); !errors.Is(err, ErrDecrypt) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
}

// TestFernetForms: other texts of the same token. Python opens these, a ring
// does so only if told to.
func TestFernetForms(t *testing.T) {
	r := fernetRing(t, specKey)
	std := strings.NewReplacer("-", "+", "_", "/").Replace(specToken)
	for name, token := range map[string]string{
		"line breaks":        specToken[:40] + "\r\n" + specToken[40:],
		"spaces":             " " + specToken + " ",
		"standard alphabet":  std,
		"other characters":   specToken[:10] + "!*~" + specToken[10:],
		"text behind":        specToken + "AAAA",
		"more padding":       specToken + "==",
		"bits left over":     strings.Replace(specToken, "qDA==", "qDB==", 1),
		"padding in between": specToken[:4] + "=" + specToken[4:],
	} {
		if got, err := r.Decrypt(token, Context{}); !errors.Is(err, ErrDecrypt) {
			t.Errorf("%s: %q, %v: a second text of one token", name, got, err)
		}
		if got, err := r.Compat().Decrypt(token, Context{}); err != nil || string(got) != "hello" {
			t.Errorf("%s in Compat: %q, %v", name, got, err)
		}
	}
	for name, token := range map[string]string{
		"no padding":    strings.TrimRight(specToken, "="),
		"half of it":    strings.TrimSuffix(specToken, "="),
		"not ASCII":     specToken[:10] + "é" + specToken[10:],
		"nothing":       "",
		"a single byte": "g",
		"cut":           specToken[:len(specToken)-8],
		"another key's": newTokenOf(t, newRing(t, Fernet)),
	} {
		for _, ring := range []*Ring{r, r.Compat()} {
			if got, err := ring.Decrypt(token, Context{}); !errors.Is(err, ErrDecrypt) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
}

func newTokenOf(t testing.TB, r *Ring) string {
	t.Helper()
	token, err := r.Encrypt([]byte("value"), Context{Table: "t"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestRoundTrip: values of every length around a block and a chunk's, in both
// formats; no two tokens of a value are alike.
func TestRoundTrip(t *testing.T) {
	for _, format := range []Format{V1, Fernet} {
		r := newRing(t, format)
		c := Context{"tenant", "users", "ssn", "7"}
		seen := map[string]bool{}
		for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 4096, 1 << 20} {
			want := make([]byte, n)
			for i := range want {
				want[i] = byte(rand.Uint32())
			}
			token, err := r.Encrypt(want, c)
			if err != nil {
				t.Fatal(err)
			}
			if len(token) != Width(format, n) {
				t.Errorf("%s: a token of %d bytes has %d characters, and Width says %d", format, n, len(token), Width(format, n))
			}
			if FormatOf(token) != format {
				t.Errorf("%s: its first bytes say %q", format, FormatOf(token))
			}
			got, err := r.Decrypt(token, c)
			if err != nil || !bytes.Equal(got, want) || got == nil {
				t.Errorf("%s: %d bytes: %v", format, n, err)
			}
			if id, err := r.KeyOf(token); err != nil || id != r.Primary().ID {
				t.Errorf("%s: made by %q, %v", format, id, err)
			}
			again, err := r.Encrypt(want, c)
			if err != nil || seen[token] || again == token {
				t.Errorf("%s: the same token twice, %v", format, err)
			}
			seen[token] = true
		}
	}
}

// FuzzOneText: of each token there is one text. Whatever opens is exactly what
// was made.
func FuzzOneText(f *testing.F) {
	fr, vr := fernetRing(f, specKey), newRing(f, V1)
	v1 := newTokenOf(f, vr)
	both, err := NewRing(vr.Primary(), fr.Primary().with(DecryptOnly))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{specToken, v1, specToken + "=", v1 + "A", strings.ToLower(v1), specToken[:50] + "\n" + specToken[50:], ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		_, err := both.Decrypt(token, Context{Table: "t"})
		if (err == nil) != (token == specToken || token == v1) {
			t.Fatalf("%q opens: %v", token, err)
		}
		if err != nil && err != ErrDecrypt { //nolint:errorlint // there is one error, and it is not wrapped
			t.Fatalf("an error that tells more: %v", err)
		}
		// Compat opens all that strict does.
		if err == nil {
			if _, err := both.Compat().Decrypt(token, Context{Table: "t"}); err != nil {
				t.Fatal("Compat is stricter")
			}
		}
	})
}

func BenchmarkFernet(b *testing.B)   { benchmark(b, Fernet) }
func BenchmarkPaviseV1(b *testing.B) { benchmark(b, V1) }

func benchmark(b *testing.B, format Format) {
	r := newRing(b, format)
	c := Context{Table: "users", Column: "ssn", PrimaryKey: "1234567"}
	value := []byte("0123456789abcdef0123456789abcdef")
	token, err := r.Encrypt(value, c)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encrypt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Encrypt(value, c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decrypt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Decrypt(token, c); err != nil {
				b.Fatal(err)
			}
		}
	})
}
