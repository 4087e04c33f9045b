package fieldcrypt

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

// The answers in testdata are Python's, not this package's:
// interop/data/answers.py writes them.

func answers(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // a member that is not looked at tests nothing
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// vectors is a file in the manner of Wycheproof's: T is a test, and G what
// those of a group share.
type vectors[G any] struct {
	Algorithm     string
	NumberOfTests int
	Notes         map[string]string
	Groups        []G
}

// about is what each test says of itself.
type about struct {
	TCID    int `json:"tcId"`
	Comment string
	Flags   []string
	Result  string
}

// each reads a file and runs its tests, of which there are so many.
func each[G, T any](t *testing.T, name string, test func(*testing.T, G, T), tests func(G) []T, tell func(T) about) {
	t.Helper()
	var v vectors[G]
	answers(t, name, &v)
	seen, used, results := 0, map[string]bool{}, map[string]int{}
	for _, g := range v.Groups {
		for _, c := range tests(g) {
			a := tell(c)
			seen++
			results[a.Result]++
			for _, f := range a.Flags {
				used[f] = true
			}
			if ok := t.Run(a.Comment, func(t *testing.T) { test(t, g, c) }); !ok {
				t.Logf("%s: test %d, %q", name, a.TCID, a.Flags)
			}
		}
	}
	if seen != v.NumberOfTests || results["valid"] == 0 || results["invalid"] == 0 || results["valid"]+results["invalid"] != seen {
		t.Errorf("%s: %d tests were read, of %d: %v", name, seen, v.NumberOfTests, results)
	}
	for f := range v.Notes {
		if !used[f] {
			t.Errorf("%s: no test is flagged %s", name, f)
		}
	}
}

// bin is bytes in hexadecimal.
type bin []byte

func (b *bin) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// where is a context's four fields.
type where [4]string

func (w where) context() Context { return Context{w[0], w[1], w[2], w[3]} }

// keyAnswer is a key of a ring.
type keyAnswer struct {
	Material string
	State    State
}

func ringOf(t *testing.T, format Format, keys ...keyAnswer) *Ring {
	t.Helper()
	var all []Key
	for _, k := range keys {
		key, err := ParseKey(format, k.State, time.Time{}, secret.New(k.Material))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, key)
	}
	r, err := NewRing(all...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drawn makes b what the random source gives next, until the test ends.
func drawn(t *testing.T, b []byte) {
	t.Helper()
	source := rand.Reader
	rand.Reader = bytes.NewReader(b)
	t.Cleanup(func() { rand.Reader = source })
}

func TestXAESAnswers(t *testing.T) {
	type test struct {
		about
		Nonce, AAD, Msg, Ct, Tag bin
	}
	type group struct {
		Key                         bin
		KeySize, NonceSize, TagSize int
		Tests                       []test
	}
	each(t, "vectors/xaes.json", func(t *testing.T, g group, c test) {
		x, err := newXAES(g.Key)
		if err != nil {
			t.Fatal(err)
		}
		sealed := slices.Concat(c.Ct, c.Tag)
		got, err := x.open(nil, c.Nonce, sealed, c.AAD)
		if c.Result == "invalid" {
			if err == nil || got != nil {
				t.Errorf("it opens to %x, %v", got, err)
			}
			return
		}
		if err != nil || !bytes.Equal(got, c.Msg) {
			t.Errorf("it opens to %x, %v", got, err)
		}
		if got, err := x.seal(nil, c.Nonce, c.Msg, c.AAD); err != nil || !bytes.Equal(got, sealed) {
			t.Errorf("sealed to %x, %v", got, err)
		}
	}, func(g group) []test { return g.Tests }, func(c test) about { return c.about })
}

func TestV1Answers(t *testing.T) {
	type test struct {
		about
		Context    where
		Token      string
		Msg, Nonce bin
	}
	type group struct {
		Ring  []keyAnswer
		Tests []test
	}
	each(t, "vectors/v1.json", func(t *testing.T, g group, c test) {
		r := ringOf(t, V1, g.Ring...)
		for _, r := range []*Ring{r, r.Compat()} { // which is for Fernet's tokens alone
			got, err := r.Decrypt(c.Token, c.Context.context())
			if c.Result == "invalid" {
				if err != ErrDecrypt || got != nil { //nolint:errorlint // one that wraps it would tell more
					t.Errorf("it opens to %q, %v", got, err)
				}
				continue
			}
			if err != nil || got == nil || !bytes.Equal(got, c.Msg) {
				t.Errorf("it opens to %q, %v", got, err)
			}
		}
		if c.Result == "invalid" {
			if s, changed, err := r.Rotate(c.Token, c.Context.context()); !errors.Is(err, ErrDecrypt) || changed || s != "" {
				t.Errorf("it is rotated to %q, %v", s, err)
			}
		}
		if _, err := r.DecryptFresh(c.Token, c.Context.context(), time.Hour, time.Now()); !errors.Is(err, ErrDecrypt) {
			t.Errorf("a token without a time is fresh: %v", err)
		}
		if c.Nonce != nil {
			drawn(t, c.Nonce)
			if got, err := r.Encrypt(c.Msg, c.Context.context()); err != nil || got != c.Token {
				t.Errorf("sealed to %s, %v", got, err)
			}
		}
	}, func(g group) []test { return g.Tests }, func(c test) about { return c.about })
}

func TestStreamAnswers(t *testing.T) {
	type test struct {
		about
		Context     where
		MsgSize     int // of bytes that count from 0 to 250 and again
		SealedHash  bin
		Pieces      []int // of what that is sealed to: 0 is the head, others are chunks
		Behind      bin
		Msg, Sealed bin
	}
	type group struct {
		Key   string
		Salt  bin
		Tests []test
	}
	each(t, "vectors/stream.json", func(t *testing.T, g group, c test) {
		r := ringOf(t, V1, keyAnswer{g.Key, Primary})
		open := func(sealed []byte) ([]byte, error) {
			plain, err := r.DecryptFrom(bytes.NewReader(sealed), c.Context.context())
			if err != nil {
				return nil, err
			}
			return io.ReadAll(plain)
		}
		seal := func(msg []byte) []byte {
			drawn(t, g.Salt)
			var sealed bytes.Buffer
			w, err := r.EncryptTo(&sealed, c.Context.context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(msg); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			return sealed.Bytes()
		}
		msg := []byte(c.Msg)
		if c.MsgSize > 0 {
			msg = make([]byte, c.MsgSize)
			for i := range msg {
				msg[i] = byte(i % 251)
			}
		}
		if c.Result == "invalid" {
			sealed := []byte(c.Sealed)
			if c.Pieces != nil {
				whole := seal(msg)
				const head = len(streamMagic) + idSize + saltSize
				parts := slices.Concat([][]byte{whole[:head]}, slices.Collect(slices.Chunk(whole[head:], chunkSize+tagSize)))
				for _, i := range c.Pieces {
					sealed = append(sealed, parts[i]...)
				}
				sealed = append(sealed, c.Behind...)
			}
			if got, err := open(sealed); err != ErrDecrypt { //nolint:errorlint // one that wraps it would tell more
				t.Errorf("it opens to %d bytes, %v", len(got), err)
			}
			return
		}
		sealed := seal(msg)
		sum := sha256.Sum256(sealed)
		if c.SealedHash != nil && !bytes.Equal(sum[:], c.SealedHash) || c.Sealed != nil && !bytes.Equal(sealed, c.Sealed) {
			t.Errorf("sealed to %d bytes with the hash %x", len(sealed), sum)
		}
		if got, err := open(sealed); err != nil || !bytes.Equal(got, msg) {
			t.Errorf("it opens to %d bytes, %v", len(got), err)
		}
	}, func(g group) []test { return g.Tests }, func(c test) about { return c.about })
}

func TestIndexAnswers(t *testing.T) {
	type test struct {
		about
		Context where
		Bits    int
		Value   bin
		Hashes  []string
	}
	type group struct {
		Comment string
		Ring    []keyAnswer
		Tests   []test
	}
	each(t, "vectors/index.json", func(t *testing.T, g group, c test) {
		x, err := ringOf(t, V1, g.Ring...).Index(c.Context.context(), c.Bits)
		if c.Result == "invalid" {
			if err == nil {
				t.Error("there is such an index")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := x.All(c.Value); !slices.Equal(got, c.Hashes) {
			t.Errorf("%s: got %q, want %q", g.Comment, got, c.Hashes)
		}
		if got := x.Of(c.Value); got != c.Hashes[0] {
			t.Errorf("%s: got %s, want %s", g.Comment, got, c.Hashes[0])
		}
	}, func(g group) []test { return g.Tests }, func(c test) about { return c.about })
}

// fernetAnswer is a test in the form of the Fernet specification's.
type fernetAnswer struct {
	Desc, Token, Src, Secret string
	Now                      time.Time
	TTL                      int   `json:"ttl_sec"`
	IV                       []int // as the specification writes it
	Flags                    []string
	// Opens lists what opens an invalid token all the same: "strict" and
	// "compat" if nobody asks for its age, "compat fresh" if somebody does.
	Opens []string
}

func fernetAnswers(t *testing.T, name string, test func(t *testing.T, c fernetAnswer, r *Ring)) {
	t.Helper()
	var all []fernetAnswer
	answers(t, "fernet/"+name+".json", &all)
	if len(all) == 0 {
		t.Fatal("no test")
	}
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.Desc+c.Token] {
			t.Errorf("%s: twice", c.Desc)
		}
		seen[c.Desc+c.Token] = true
		t.Run(c.Desc, func(t *testing.T) { test(t, c, ringOf(t, Fernet, keyAnswer{c.Secret, Primary})) })
	}
}

func (c fernetAnswer) fresh(r *Ring) ([]byte, error) {
	return r.DecryptFresh(c.Token, Context{}, time.Duration(c.TTL)*time.Second, c.Now)
}

// TestFernetGenerate: each is made anew, byte for byte.
func TestFernetGenerate(t *testing.T) {
	fernetAnswers(t, "generate", func(t *testing.T, c fernetAnswer, r *Ring) {
		var iv []byte
		for _, b := range c.IV {
			iv = append(iv, byte(b))
		}
		drawn(t, iv)
		if got, err := r.encrypt([]byte(c.Src), Context{Table: "ignored"}, c.Now); err != nil || got != c.Token {
			t.Errorf("sealed to %s, %v, want %s", got, err, c.Token)
		}
		for _, r := range []*Ring{r, r.Compat()} {
			if got, err := r.Decrypt(c.Token, Context{}); err != nil || string(got) != c.Src {
				t.Errorf("it opens to %q, %v", got, err)
			}
		}
		raw, err := base64.URLEncoding.DecodeString(c.Token)
		if err != nil || fernetTime(raw) != uint64(c.Now.Unix()) || len(c.Token) != Width(Fernet, len(c.Src)) {
			t.Errorf("it is of %d, and has %d characters: %v", fernetTime(raw), len(c.Token), err)
		}
		if strings.HasPrefix(c.Token, "gAAAA") != (FormatOf(c.Token) == Fernet) {
			t.Errorf("its first bytes say %q", FormatOf(c.Token))
		}
	})
}

func TestFernetVerify(t *testing.T) {
	fernetAnswers(t, "verify", func(t *testing.T, c fernetAnswer, r *Ring) {
		for _, r := range []*Ring{r, r.Compat()} {
			if got, err := c.fresh(r); err != nil || string(got) != c.Src {
				t.Errorf("got %q, %v", got, err)
			}
		}
	})
}

// TestFernetInvalid: none is fresh to a strict ring, and Compat opens what
// Python opens, no more and no less.
func TestFernetInvalid(t *testing.T) {
	lax := 0
	fernetAnswers(t, "invalid", func(t *testing.T, c fernetAnswer, r *Ring) {
		if len(c.Opens) > 0 {
			lax++
		}
		for name, open := range map[string]func() ([]byte, error){
			"strict fresh": func() ([]byte, error) { return c.fresh(r) },
			"compat fresh": func() ([]byte, error) { return c.fresh(r.Compat()) },
			"strict":       func() ([]byte, error) { return r.Decrypt(c.Token, Context{}) },
			"compat":       func() ([]byte, error) { return r.Compat().Decrypt(c.Token, Context{}) },
		} {
			got, err := open()
			if want := slices.Contains(c.Opens, name); (err == nil) != want || err != nil && err != ErrDecrypt { //nolint:errorlint // one that wraps it would tell more
				t.Errorf("%s: %q, %v, want it to open: %v", name, got, err, want)
			}
		}
		// Whose a token is, its HMAC alone says.
		if id, err := r.KeyOf(c.Token); err == nil && !slices.Contains(c.Opens, "strict") && !slices.Contains(c.Flags, "Signed") {
			t.Errorf("key %s made it", id)
		}
	})
	if lax < 10 {
		t.Errorf("only %d of them are opened by anything", lax)
	}
}
