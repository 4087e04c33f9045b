package pavise

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// secretWords are what the keys of secrets are made of. A key is redacted if
// one of its words is among these: words end at whatever is no letter or
// digit, and where small letters go over into capitals (user[password],
// X-Amz-Signature, authCode).
var secretWords = [...]string{
	"token", "tokens", "key", "apikey", "password", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets",
	"code", "state", "signature", "sig", "hmac", "auth", "authorization", "bearer", "credential", "credentials", "creds",
	"session", "sessionid", "sid", "jwt", "otp", "pin", "ticket", "assertion", "samlresponse", "samlrequest", "cookie",
}

// secretPieces make a key one of a secret wherever they stand in it, since
// not everyone ends words: sessiontoken, jsessionid, myapikey.
var secretPieces = [...]string{"token", "secret", "passw", "apikey", "accesskey", "privatekey", "sessid", "sessionid", "signature", "credential"}

// maxLoggedQuery bounds what one request can write to the log.
const maxLoggedQuery = 1 << 10

const redacted = "**********"

type redactor struct {
	words map[string]bool
	keys  map[string]bool // whole keys, in small letters
}

func newRedactor(more []string) redactor {
	r := redactor{words: map[string]bool{}, keys: map[string]bool{}}
	for _, w := range secretWords {
		r.words[w] = true
	}
	for _, k := range more {
		r.keys[strings.ToLower(k)] = true
	}
	return r
}

func (r redactor) secret(key string) bool {
	key = unescaped(key)
	low := strings.ToLower(key)
	if r.keys[low] || r.words[low] {
		return true
	}
	for _, piece := range secretPieces {
		if strings.Contains(low, piece) {
			return true
		}
	}
	start := 0
	for i := 0; i <= len(key); i++ {
		switch {
		case i < len(key) && !alphanumeric(key[i]), i == len(key):
			if r.word(low[start:i]) {
				return true
			}
			start = i + 1
		case i > start && capital(key[i]) && !capital(key[i-1]):
			if r.word(low[start:i]) {
				return true
			}
			start = i
		}
	}
	return false
}

func (r redactor) word(w string) bool { return r.words[w] || r.keys[w] }

func alphanumeric(c byte) bool { return 'a' <= c && c <= 'z' || capital(c) || '0' <= c && c <= '9' }

func capital(c byte) bool { return 'A' <= c && c <= 'Z' }

// unescaped undoes percent-encoding, twice: a URL within a query is encoded
// once more.
func unescaped(s string) string {
	for range 2 {
		plain, err := url.QueryUnescape(s)
		if err != nil || plain == s {
			break
		}
		s = plain
	}
	return s
}

// query returns a raw query for the log: the values of secret keys are
// replaced, and so are values that hold one (next=/x?token=1) or look like
// one, and a pair without a key, which could be a bare token.
func (r redactor) query(raw string) string {
	var b strings.Builder
	for i, pair := range strings.Split(raw, "&") {
		if i > 0 {
			b.WriteByte('&')
		}
		if b.Len() > maxLoggedQuery {
			b.WriteString("…")
			break
		}
		key, value, valued := strings.Cut(pair, "=")
		switch {
		case pair == "":
		case !valued || len(key) > 100 || looksSecret(key):
			b.WriteString(redacted)
		case r.secret(key) || r.holdsSecret(value):
			b.WriteString(key + "=" + redacted)
		default:
			b.WriteString(clip(pair))
		}
	}
	return b.String()
}

// holdsSecret reports whether a value is a secret by its looks, or has a pair
// with a secret key in it, as a URL does that was put into a query.
func (r redactor) holdsSecret(value string) bool {
	value = unescaped(value)
	if looksSecret(value) {
		return true
	}
	if !strings.ContainsAny(value, "=:") {
		return false
	}
	for _, pair := range strings.FieldsFunc(value, func(c rune) bool { return strings.ContainsRune("?&;#,{} ", c) }) {
		if i := strings.IndexAny(pair, "=:"); i > 0 && r.secret(pair[:i]) {
			return true
		}
	}
	// https://user:password@host/
	_, rest, ok := strings.Cut(value, "://")
	authority, _, _ := strings.Cut(rest, "/")
	return ok && strings.Contains(authority, "@")
}

// looks are the shapes of secrets that are known by their shape: JSON Web
// Tokens, and the keys of GitHub, GitLab, Slack, Stripe, OpenAI, AWS and
// Google.
var looks = regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]{2,}\.|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|[sr]k[_-](?:live|test|proj)?[_-]?)\w{10}|\b(?:AKIA|ASIA|AIza)[\w-]{12}|(?i)\b(?:bearer|basic)[ +]\S`)

func looksSecret(s string) bool { return looks.MatchString(s) }

func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// panicText describes a recovered value without quoting what a request may
// have put into it: errors and strings often hold input.
func panicText(p any) string {
	if err, ok := p.(interface{ RuntimeError() }); ok {
		return fmt.Sprint(err) // the runtime's own texts quote indices and types only
	}
	return fmt.Sprintf("a value of type %T", p)
}
