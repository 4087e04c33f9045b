//go:build real

package data

import (
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/passwords"
	"github.com/pavise-dev/pavise/secret"
)

// TestPeoplesHashes: what each library hashes is verified here, and a wrong
// password is not; all of it is due for a new hash.
func TestPeoplesHashes(t *testing.T) {
	p := startPeer(t)
	h, err := passwords.New(passwords.Policy{Profile: "owasp-7"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("long ", 14) // 70 bytes
	for scheme, want := range map[string]string{
		"passlib/argon2": "argon2id", "passlib/bcrypt": "bcrypt", "passlib/bcrypt_sha256": "bcrypt-sha256",
		"passlib/scrypt": "scrypt", "passlib/pbkdf2_sha1": "pbkdf2-sha1", "passlib/pbkdf2_sha256": "pbkdf2-sha256",
		"passlib/pbkdf2_sha512": "pbkdf2-sha512", "passlib/sha512_crypt": "sha512-crypt",
		"argon2/d": "argon2d", "argon2/i": "argon2i", "argon2/id": "argon2id",
		"pwdlib/recommended": "argon2id",
		"werkzeug/scrypt":    "werkzeug-scrypt", "werkzeug/pbkdf2:sha256:1000": "werkzeug-pbkdf2-sha256", "werkzeug/pbkdf2:sha512:1000": "werkzeug-pbkdf2-sha512",
		"django/pbkdf2_sha256": "django-pbkdf2-sha256", "django/pbkdf2_sha1": "django-pbkdf2-sha1", "django/argon2": "django-argon2id",
		"django/bcrypt_sha256": "django-bcrypt-sha256", "django/bcrypt": "django-bcrypt", "django/scrypt": "django-scrypt",
	} {
		t.Run(scheme, func(t *testing.T) {
			for _, password := range []string{"correct horse", "Zoë's pässwörd ☃", "x", long} {
				var stored string
				p.ask(t, &stored, "password_hash", scheme, password)
				r, err := h.Verify(t.Context(), secret.New(password), stored)
				if err != nil || !r.OK || !r.NeedsRehash || r.Scheme != want {
					t.Errorf("%s: %+v, %v", stored, r, err)
				}
				for _, wrong := range []string{"", password + "x", strings.ToUpper(password), "correct horsf"} {
					if r, err := h.Verify(t.Context(), secret.New(wrong), stored); err != nil || r.OK || r.NeedsRehash {
						t.Errorf("%q passes for %q: %+v, %v", wrong, password, r, err)
					}
				}
			}
		})
	}
}

// TestOurHashes: Python's libraries verify what is hashed here.
func TestOurHashes(t *testing.T) {
	p := startPeer(t)
	h, err := passwords.New(passwords.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"correct horse", "Zoë's pässwörd ☃", ""} {
		stored, err := h.Hash(t.Context(), secret.New(password))
		if err != nil {
			t.Fatal(err)
		}
		for _, scheme := range []string{"passlib/argon2", "argon2/id", "pwdlib/recommended"} {
			var ok bool
			if p.ask(t, &ok, "password_verify", scheme, password, stored); !ok {
				t.Errorf("%s does not verify %s", scheme, stored)
			}
			if p.ask(t, &ok, "password_verify", scheme, password+"x", stored); ok {
				t.Errorf("%s verifies another password", scheme)
			}
		}
	}
}
