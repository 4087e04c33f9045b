package settings

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"

	"github.com/pavise-dev/pavise/secret"
)

// placeholders are what examples and templates have in the place of a secret.
var placeholders = []string{
	"changeme", "change-me", "change_me", "changethis", "change-this", "change_this", "replaceme", "replace-me", "replace_me", "your-", "your_",
	"yoursecret", "yourpassword", "example", "placeholder", "insert-", "insert_", "todo", "fixme", "xxxx", "<", "secret-key-here", "my-secret", "mysecret", "supersecret", "super-secret", "dummy",
}

// whole are placeholders only if there is nothing else.
var whole = []string{"secret", "password", "passwd", "admin", "test", "none", "null", "key", "token", "foo", "bar"}

// weak says why a secret must not be used in production, or nothing.
func weak(f *field, v reflect.Value) string {
	v = reflect.Indirect(v)
	if !v.IsValid() || !f.secret() {
		return ""
	}
	var s string
	switch x := v.Interface().(type) {
	case secret.String:
		s = x.Expose()
	case secret.Bytes:
		s = string(x.Expose())
	default:
		if v.Kind() != reflect.String {
			return ""
		}
		s = v.String()
	}
	lower := strings.ToLower(strings.TrimSpace(s))
	for _, p := range placeholders {
		// A random key may hold any few letters; a placeholder begins so, or
		// holds a whole one between separators.
		if strings.HasPrefix(lower, p) || len(p) > 5 && strings.Contains(lower, p) {
			return "is a placeholder: make one with pavise token"
		}
	}
	for _, p := range whole {
		if lower == p {
			return "is a placeholder: make one with pavise token"
		}
	}
	if f.key == 0 {
		return ""
	}
	if n := keyBytes(s); n < f.key {
		return fmt.Sprintf("has %d bytes, and a key needs %d: make one with pavise token", n, f.key)
	}
	if distinct(s) < min(8, f.key/2) {
		return "is a few characters again and again: make one with pavise token"
	}
	return ""
}

// keyBytes is how many bytes of a key there are: of hexadecimal half as many as
// digits, of base64 three quarters, of other text as many as it has.
func keyBytes(s string) int {
	if b, err := hex.DecodeString(s); err == nil && len(s) >= 32 {
		return len(b)
	}
	for _, e := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.StdEncoding} {
		// A text of words is no base64 to speak of, and counts in full.
		if b, err := e.DecodeString(s); err == nil && len(s) >= 32 && strings.ContainsAny(s, "0123456789") && strings.ToLower(s) != s {
			return len(b)
		}
	}
	return len(s)
}

func distinct(s string) int {
	seen := map[byte]bool{}
	for _, c := range []byte(s) {
		seen[c] = true
	}
	return len(seen)
}
