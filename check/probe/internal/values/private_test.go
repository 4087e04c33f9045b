package values

import (
	"regexp"
	"strings"
	"testing"
)

// kinds is a text with each letter replaced by its kind.
func kinds(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9': // a mark has both
			return 'a'
		case r >= 'A' && r <= 'Z':
			return 'A'
		}
		return r
	}, s)
}

// A password that nobody may guess is none that the seed or the document
// gives, and what APIs ask of passwords holds of it all the same.
func TestPrivate(t *testing.T) {
	for name, text := range map[string]string{
		"by its name": `{"type": "string"}`, "by its format": `{"type": "string", "format": "password"}`, "short": `{"type": "string", "maxLength": 8}`,
		"long": `{"type": "string", "minLength": 40}`, "a pattern": `{"type": "string", "pattern": "^[A-Za-z0-9@$!]{8,20}$"}`,
		"a strange pattern": `{"type": "string", "pattern": "^[A-Z][a-z]{6}\\d{4}$", "minLength": 11, "maxLength": 11}`,
		"a default":         `{"type": "string", "default": "changeme"}`, "an example": `{"type": "string", "example": "Secret123!"}`,
	} {
		s := schema(t, `{"type": "object", "required": ["password"], "properties": {"password": `+text+`}}`)
		make := func(secret string) string {
			m := Private(7, "user-a", secret)
			m.How = Given
			return m.Value(s, "").(map[string]any)["password"].(string)
		}
		first, again, other := make("one"), make("one"), make("two")
		if first != again || first == other || first == make("") {
			t.Errorf("%s: %q, then %q, with another secret %q, without %q", name, first, again, other, make(""))
		}
		if err := valid(s.Property("password"), first, 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if kinds(first) != kinds(other) {
			t.Errorf("%s: %q is of another kind than %q", name, first, other)
		}
	}
	if a, b := New(7, "a"), Private(7, "a", ""); a.Password() != b.Password() || a.UUID() != b.UUID() || b.IsPrivate() {
		t.Error("without a secret it is another Maker")
	}
	a, b := New(7, "a"), Private(7, "a", "s")
	if x, y := a.Mark(), b.Mark(); x == y || !regexp.MustCompile(`^pv[a-z2-7]{7}$`).MatchString(y) {
		t.Errorf("the mark %s, then %s", x, y)
	}
	if x, y := a.Password(), b.Password(); len(x) != len(y) || !strings.HasPrefix(y, "Pv7!pv") {
		t.Errorf("the password %s, then %s", x, y)
	}
}
