package deploy

import (
	"slices"
	"strings"
	"unicode"
)

// A Literal is what a value that is written down gives away.
type Literal uint8

// The literals, from the least.
const (
	// Nothing is no secret: it is empty, a number, a switch, a path, or names
	// where the secret is.
	Nothing Literal = iota
	// Placeholder says itself that it is to be replaced.
	Placeholder
	// Weak is a word, as of a default: who wants to guess it can.
	Weak
	// Real reads as something that was generated, or chosen to be guessed by
	// nobody.
	Real
)

// references begin values that name where a secret is.
var references = []string{"$", "%", "{", "<", "arn:", "vault:", "ref+", "op://", "sops:", "secretref:", "ENC[", "projects/", "env:", "file:", "/run/", "/etc/", "/var/", "/secrets", "/app/", "/opt/", "/home/", "/root/", "/mnt/", "/tmp/", "/usr/", "./", "../", "~/", "@Microsoft.KeyVault"}

// switches are values that are no text.
var switches = []string{"true", "false", "yes", "no", "on", "off", "null", "none", "nil", "undefined", "~", "optional", "required", "disabled", "enabled"}

// placeholders are words, without what parts them, that ask to be replaced.
var placeholders = []string{"changeme", "changethis", "changeit", "replaceme", "replacethis", "replacewith", "yoursecret", "yourpassword", "yourtoken", "yourkey", "yourapi", "yourown", "placeholder", "example", "dummy", "fixme", "todo", "redacted", "insert", "fillin", "setme", "tobereplaced", "tobeset", "notasecret", "notreal", "fake", "foobar", "xxxx", "secrethere", "keyhere", "tokenhere", "passwordhere", "insecure", "donotuse"}

// parts are left out when words are compared.
var parts = strings.NewReplacer("-", "", "_", "", " ", "", ".", "")

// Judge tells what the value of a variable that is written down gives away.
func Judge(name, value string) Literal {
	v := strings.TrimSpace(value)
	if strings.Contains(v, "PRIVATE KEY-----") {
		return Real
	}
	lower := strings.ToLower(v)
	switch {
	case v == "", strings.ContainsAny(v, "\n"), strings.Contains(v, filled), strings.Contains(v, "${"), strings.Contains(v, "{{"):
		return Nothing
	case slices.ContainsFunc(references, func(p string) bool { return strings.HasPrefix(v, p) }), slices.Contains(switches, lower):
		return Nothing
	case len(v) < 6 && strings.Trim(v, "0123456789.-") == "", len(v) < 2:
		return Nothing
	}
	if user, password, ok := Userinfo(v); ok {
		if password == user {
			return min(Judge("", password), Weak)
		}
		return Judge("", password)
	}
	if strings.Contains(v, "://") {
		return Nothing
	}
	joined := parts.Replace(lower)
	if own := parts.Replace(strings.ToLower(name)); len(own) >= 6 && strings.HasPrefix(joined, own) {
		return Placeholder
	}
	if slices.ContainsFunc(placeholders, func(p string) bool { return strings.Contains(joined, p) }) || strings.HasPrefix(joined, "your") || len(v) > 3 && distinct(v) < 3 || strings.Contains(v, "...") {
		return Placeholder
	}
	if len(v) < 8 || distinct(v) < 6 || spoken(lower) {
		return Weak
	}
	return Real
}

// Userinfo is the name and the password in a URL.
func Userinfo(v string) (name, password string, ok bool) {
	_, rest, ok := strings.Cut(v, "://")
	if !ok {
		return "", "", false
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	i := strings.LastIndexByte(authority, '@')
	if i < 0 {
		return "", "", false
	}
	name, password, ok = strings.Cut(authority[:i], ":")
	return name, password, ok && password != ""
}

func distinct(v string) int {
	seen := map[rune]bool{}
	for _, r := range v {
		seen[r] = true
	}
	return len(seen)
}

// telling are words that are part of no generated value.
var telling = []string{"secret", "password", "passwd", "token", "admin", "postgres", "mysql", "mongo", "redis", "rabbit", "minio", "default", "root", "test", "local", "develop"}

// spoken tells whether a value is made of words, with nothing but numbers that
// count between or behind them.
func spoken(v string) bool {
	if slices.ContainsFunc(telling, func(w string) bool { return strings.Contains(v, w) }) {
		return true
	}
	words := strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("-_ .:/!?@#", r) })
	return !slices.ContainsFunc(words, func(w string) bool {
		letters := strings.TrimRightFunc(w, unicode.IsDigit)
		digits := w[len(letters):]
		if strings.ContainsFunc(letters, func(r rune) bool { return !unicode.IsLetter(r) }) {
			return true
		}
		if len(letters) > 20 || len(letters) > 5 && !strings.ContainsAny(letters, "aeiouy") {
			return true // nobody says it
		}
		return len(digits) > 4 && !strings.HasPrefix("1234567890", digits)
	})
}
