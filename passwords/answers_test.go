package passwords

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pavise-dev/pavise/secret"
)

// TestAnswers: hashes that Python's libraries and the C code beneath them
// made, many of them published; interop/data/answers.py writes them.
func TestAnswers(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "hashes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		NumberOfTests int
		Pepper        struct{ ID, Secret string }
		Tests         []struct {
			Scheme, Comment, Password, Hash, Result string
			Flags                                   []string
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	pepper, err := hex.DecodeString(file.Pepper.Secret)
	if err != nil {
		t.Fatal(err)
	}
	h := hasher(t, Policy{Profile: "owasp-9", Peppers: map[string]secret.Bytes{file.Pepper.ID: secret.NewBytes(pepper)}})
	seen := map[string]int{}
	for _, c := range file.Tests {
		seen[c.Scheme]++
		t.Run(c.Scheme+"/"+c.Comment, func(t *testing.T) {
			password, err := hex.DecodeString(c.Password)
			if err != nil {
				t.Fatal(err)
			}
			r, err := h.Verify(t.Context(), secret.New(string(password)), c.Hash)
			if r.Scheme != c.Scheme {
				t.Errorf("%s is read as %q", c.Hash, r.Scheme)
			}
			switch c.Result {
			case "valid":
				if err != nil || !r.OK || !r.NeedsRehash {
					t.Errorf("%s: %+v, %v", c.Hash, r, err)
				}
				wrong := wrongOnes(password)
				if slices.Contains(c.Flags, "Specification") || slices.Contains(c.Flags, "RFC7914") {
					wrong = wrong[:1] // these take long
				}
				for _, wrong := range wrong {
					if r, err := h.Verify(t.Context(), secret.New(string(wrong)), c.Hash); err != nil || r.OK {
						t.Errorf("%s: %x passes for %x: %+v, %v", c.Hash, wrong, password, r, err)
					}
				}
			case "invalid":
				if err != nil || r.OK || r.NeedsRehash {
					t.Errorf("%s: %+v, %v", c.Hash, r, err)
				}
			case "costly":
				if !errors.Is(err, ErrTooCostly) || r.OK {
					t.Errorf("%s: %+v, %v", c.Hash, r, err)
				}
			default:
				t.Errorf("the result %q", c.Result)
			}
			if slices.Contains(c.Flags, "Pepper") {
				if r, err := quick(t).Verify(t.Context(), secret.New(string(password)), c.Hash); !errors.Is(err, ErrPepper) || r.OK {
					t.Errorf("%s without its pepper: %+v, %v", c.Hash, r, err)
				}
			}
		})
	}
	if len(file.Tests) != file.NumberOfTests {
		t.Errorf("%d tests were read, of %d", len(file.Tests), file.NumberOfTests)
	}
	for _, scheme := range []string{
		"argon2d", "argon2i", "argon2id", "bcrypt", "bcrypt-sha256", "django-bcrypt-sha256", "scrypt", "django-scrypt", "werkzeug-scrypt", "sha512-crypt",
		"pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512", "django-pbkdf2-sha1", "django-pbkdf2-sha256", "werkzeug-pbkdf2-sha1", "werkzeug-pbkdf2-sha256", "werkzeug-pbkdf2-sha512",
	} {
		if seen[scheme] < 3 {
			t.Errorf("%d tests of %s", seen[scheme], scheme)
		}
	}
}

// wrongOnes are passwords beside the right one: one bit of its last byte, its
// first bit, which some code took for a sign, and its length.
func wrongOnes(password []byte) [][]byte {
	if len(password) == 0 {
		return [][]byte{[]byte("x")}
	}
	last, sign := slices.Clone(password), slices.Clone(password)
	last[len(last)-1] ^= 1
	sign[0] ^= 0x80
	return [][]byte{last, sign, append(slices.Clone(password), 'x'), password[:len(password)-1]}
}
