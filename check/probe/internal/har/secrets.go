package har

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// Removed stands where a credential was.
const Removed = "REMOVED"

// secrets are values that are never written, wherever they stand.
type secrets struct {
	values map[string]bool
	// many tells that there are more than can be looked for in every text.
	many bool
	safe map[string]bool // what was decided already
}

const (
	maxSecrets = 5000
	minSecret  = 4
	// minPart is from which length on a secret is looked for within others.
	minPart = 8
)

func newSecrets() *secrets { return &secrets{values: map[string]bool{}, safe: map[string]bool{}} }

func (s *secrets) add(value string) {
	value = strings.TrimSpace(value)
	if len(value) < minSecret || strings.Contains(value, Removed) || s.values[value] {
		return
	}
	if len(s.values) >= maxSecrets {
		s.many = true
		return
	}
	s.values[value] = true
}

// header learns from a header field, whose name is in lower case.
func (s *secrets) header(name, value string) {
	switch {
	case name == "authorization" || name == "proxy-authorization":
		s.add(value)
		scheme, rest, ok := strings.Cut(strings.TrimSpace(value), " ")
		if !ok {
			return
		}
		s.add(rest)
		if strings.EqualFold(scheme, "basic") {
			if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest)); err == nil {
				_, password, _ := strings.Cut(string(plain), ":")
				s.add(password)
			}
		}
	case name == "cookie":
		for _, k := range cookies(value) {
			s.cookie(string(k.Name), string(k.Value))
		}
	case credentialName(name):
		s.add(value)
		if _, rest, ok := strings.Cut(value, " "); ok {
			s.add(rest)
		}
	}
}

// cookie learns from a cookie. Short ones such as a language are none.
func (s *secrets) cookie(name, value string) {
	if value = strings.Trim(value, `"`); credentialName(name) || len(value) >= 16 {
		s.add(value)
	}
}

// field learns from a field of a body or a query. What is called a key or a
// session may be a word; what is called a password is one all the same.
func (s *secrets) field(name, value string) {
	if !credentialName(name) {
		return
	}
	lower := strings.ToLower(name)
	if len(value) >= 16 || strings.ContainsFunc(value, digit) || strings.Contains(lower, "pass") || strings.Contains(lower, "pwd") || strings.Contains(lower, "secret") {
		s.add(value)
	}
}

const maxDepth = 32

func (s *secrets) walk(name string, v any, depth int) {
	if depth > maxDepth {
		s.many = true // what is deeper is not looked at, and nothing is shown
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			s.walk(k, x, depth+1)
		}
	case []any:
		for _, x := range v {
			s.walk(name, x, depth+1)
		}
	case string:
		s.field(name, v)
	case json.Number:
		s.field(name, v.String())
	}
}

// credentialName tells whether a field of a name holds what opens something.
func credentialName(name string) bool {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	for _, w := range []string{"password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "accesskey", "privatekey", "session", "jwt", "credential", "authorization", "csrf", "xsrf", "signature", "bearer", "cookie", "recoverycode", "securityanswer", "cardnumber", "onetime"} {
		if strings.Contains(plain, w) {
			return true
		}
	}
	return slices.Contains([]string{"auth", "xauth", "pwd", "pass", "pin", "otp", "totp", "cvv", "cvc", "ssn", "iban", "sid", "sig", "key", "connectsid", "nonce", "mfa", "code"}, plain)
}

var (
	word  = lazy.Regexp(`^[A-Za-z0-9_.~$@:-]{1,64}$`)
	token = lazy.Regexp(`^eyJ[\w-]+\.|^[A-Za-z0-9+/_=.-]{20,}$`)
)

// holds tells whether a text is a secret, or one is in it.
func (s *secrets) holds(t string) bool {
	if s.values[t] {
		return true
	}
	if len(t) < minPart {
		return false
	}
	if s.many {
		return true
	}
	found, known := s.safe[t]
	if !known {
		for v := range s.values {
			if len(v) >= minPart && strings.Contains(t, v) {
				found = true
				break
			}
		}
		s.safe[t] = found
	}
	return found
}

// name tells whether a text may be written as a name of a member, a parameter
// or a segment of a path.
func (s *secrets) name(t string) bool {
	return word().MatchString(t) && !identifies(t) && !s.holds(t)
}

// example tells whether a value may be written as one: it opens nothing, and it
// is of nobody.
func (s *secrets) example(t string) bool {
	return t != "" && len(t) <= 64 && t != Removed && !strings.ContainsRune(t, '@') && !token().MatchString(t) && !identifies(t) && !s.holds(t) &&
		!strings.ContainsFunc(t, func(r rune) bool { return !unicode.IsPrint(r) })
}
