package settings

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A strength is how surely a name says that its value is a secret.
type strength uint8

const (
	none strength = iota
	weak          // a token, which may be a word of a grammar as well
	strong
	own // a key that the application itself trusts: any text will do for it
)

// about are words that make of a secret something that is about it.
var about = strings.Fields("hashed hash encrypted public publishable cookie header env environ var reset invalid wrong bad incorrect missing no not label prompt placeholder mask masked redacted error err msg message field column form route path scope permission event action type kind mode grant claim metric prefix suffix name url uri link forgot change update template subject page view sentry expired unknown require requires has is use uses hide show set usage per")

// wrappers are words behind a name that say how a value is written.
var wrappers = strings.Fields("bytes str string value raw encoded text default b plain literal base64 b64 hex")

func core(id string) []string {
	words := pymodel.Words(id)
	for len(words) > 1 && slices.Contains(wrappers, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	return words
}

// named is how surely an identifier names a secret.
func named(id string) strength {
	words := core(id)
	if len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return slices.Contains(about, w) }) {
		return none
	}
	last, before := words[len(words)-1], ""
	if len(words) > 1 {
		before = words[len(words)-2]
	}
	is := func(w string, list string) bool { return slices.Contains(strings.Fields(list), w) }
	switch last {
	case "secret":
		if len(words) == 1 || is(before, "jwt app session auth signing token cookie application hmac flask django") {
			return own
		}
		return strong
	case "key":
		switch {
		case is(before, "secret jwt signing encryption fernet master hmac aes crypto cipher") && !is(words[0], "aws stripe s3 minio recaptcha turnstile"):
			return own
		case is(before, "secret api private access auth account storage"):
			return strong
		case analysis.Names(id, "encryption", "signing", "jwt", "fernet"):
			return own
		}
	case "password", "passwd", "passphrase", "pwd", "pepper":
		if is(before, "admin superuser root") {
			return own
		}
		return strong
	case "pass":
		if is(before, "db database user admin smtp mail email redis mysql postgres pg root basic auth ftp mongo rabbitmq") {
			return strong
		}
	case "apikey", "pin":
		if last == "apikey" {
			return strong
		}
	case "token":
		if is(before, "csrf xsrf") {
			return none
		}
		if is(before, "access auth bearer api bot refresh admin service internal webhook github slack deploy master") {
			return strong
		}
		return weak
	}
	if len(words) > 1 && is(last, "credentials dsn") {
		return weak
	}
	return none
}

// placeholder tells whether a text stands where a secret is to be put.
func placeholder(text string) bool {
	lower := strings.ToLower(text)
	for _, p := range []string{"your", "example", "placeholder", "changeme", "change-me", "change_me", "change me", "changethis", "change-this", "change_this", "change this", "change-in", "replace", "xxx", "todo", "fixme", "***", "redacted", "insert", "dummy", "fake", "none", "null", "foo", "bar", "test", "sample", "not-set", "notset", "unset", "unused", "n/a", "..."} {
		if strings.HasPrefix(lower, p) || len(p) > 7 && strings.Contains(lower, p) {
			return true
		}
	}
	return strings.Contains(lower, "your-") || strings.Contains(lower, "your_") || strings.Contains(lower, "changeme") || distinct(text) < 3
}

func distinct(text string) int {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen)
}

// possible tells whether a text may be a secret at all.
func possible(text string) bool {
	if len(text) < 4 || len(text) > 8192 || strings.Contains(text, "://") || strings.ContainsAny(text, "\t\r") {
		return false
	}
	if strings.Contains(text, "\n") {
		return strings.Contains(text, "PRIVATE KEY")
	}
	for _, p := range []string{"/", ".", "~/", "arn:", "{", "$", "%(", "<", "[", "projects/", "vault:", "ref:", "op:"} {
		if strings.HasPrefix(text, p) {
			return false
		}
	}
	return true
}

// random tells whether a text looks like what a machine or a careful person
// made up.
func random(text string) bool {
	if len(text) < 8 || strings.ContainsAny(text, " /:") || strings.Count(text, ".") > 1 {
		return false
	}
	var digits, upper, lower, other int
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'A' && r <= 'Z':
			upper++
		case r >= 'a' && r <= 'z':
			lower++
		case r != '_' && r != '-' && r != '.':
			other++
		}
	}
	switch {
	case upper > 0 && lower == 0 && strings.Contains(text, "_"):
		return false // the name of a variable
	case lower > 0 && digits > 0 && digits <= 2 && upper == 0 && other == 0 && len(text) < 20 && strings.ContainsAny(text, "_-."):
		return false // oauth2_token
	}
	return digits > 0 && (upper > 0 && lower > 0 || (lower > 0 || upper > 0) && len(text) >= 10 || other > 0) || other > 0 && upper > 0 && lower > 0
}

// homemade are words that people write into secrets, and not into names.
var homemade = []string{"super", "my", "mysecret", "supersecret", "dev", "development", "insecure", "very", "change", "prod", "production", "secure", "local", "hardcoded", "random", "long", "please", "do", "ultra", "unsafe", "demo", "strong", "not"}

// name tells whether a text is what a field, a header or a variable is called,
// and not what it holds.
func name(id, text string) bool {
	upper := strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
	if upper && strings.Contains(text, "_") {
		return true // of the environment
	}
	words := pymodel.Words(text)
	joined, called := strings.Join(words, ""), strings.Join(pymodel.Words(id), "")
	if joined == called || strings.HasSuffix(called, joined) || strings.HasPrefix(called, joined) {
		return true
	}
	if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(homemade, w) }) {
		return false
	}
	letters := strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.: ") == ""
	if !letters {
		return strings.HasSuffix(joined, called)
	}
	if named(id) == own && strings.ContainsAny(text, "-_ ") && len(words) > 1 {
		return false // SECRET_KEY = "correct-horse-battery"
	}
	// What is made of words, one of which says secret, names one.
	if strings.Contains(joined, called) && len(called) > 4 {
		return true
	}
	secretWord := slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains(strings.Fields("password passwd token secret key auth credentials apikey pass pwd login user oauth bearer jwt api access refresh id"), w)
	})
	return secretWord && len(words) > 1 || slices.Contains([]string{"bearer", "basic", "string", "optional", "required", "password", "implicit", "authorization", "client_credentials", "disabled", "enabled", "default", "refresh"}, strings.ToLower(text))
}

// common are passwords that are tried first.
var common = map[string]bool{"admin": true, "password": true, "root": true, "123456": true, "12345678": true, "letmein": true, "admin123": true, "password123": true, "password1": true, "qwerty": true, "secret": true}

// telling tells whether a text that a name is given is a secret.
func telling(id, text string) bool {
	s := named(id)
	if s == own && common[strings.ToLower(text)] && analysis.Names(id, "password", "passwd", "pwd") {
		return true
	}
	if s == none || !possible(text) || name(id, text) {
		return false
	}
	if strings.Contains(text, "PRIVATE KEY") {
		return len(text) > 200
	}
	if strings.Contains(strings.TrimSpace(text), " ") || placeholder(text) {
		return false
	}
	switch s {
	case weak:
		return random(text)
	case own:
		return len(text) >= 6
	}
	return len(text) >= 8 || len(text) >= 6 && strings.ContainsAny(text, "0123456789!@#$%&*")
}
