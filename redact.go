package pavise

import (
	"fmt"
	"net/url"
	"strings"
)

// secretKeys are query keys that usually carry what must not be in a log.
// A key is also redacted if it ends in one of them after "_" or "-".
var secretKeys = [...]string{
	"token", "key", "apikey", "password", "passwd", "pwd", "secret", "code", "state",
	"signature", "sig", "auth", "authorization", "credential", "session", "sessionid", "sid", "jwt", "otp", "pin",
}

// maxLoggedQuery bounds what one request can write to the log.
const maxLoggedQuery = 1 << 10

type redactor struct{ keys map[string]bool }

func newRedactor(more []string) redactor {
	r := redactor{keys: map[string]bool{}}
	for _, k := range secretKeys {
		r.keys[k] = true
	}
	for _, k := range more {
		r.keys[strings.ToLower(k)] = true
	}
	return r
}

func (r redactor) secret(key string) bool {
	if plain, err := url.QueryUnescape(key); err == nil {
		key = plain
	}
	key = strings.ToLower(key)
	if r.keys[key] {
		return true
	}
	if i := strings.LastIndexAny(key, "_-."); i >= 0 {
		return r.keys[key[i+1:]]
	}
	return strings.HasSuffix(key, "token") || strings.HasSuffix(key, "secret") || strings.HasSuffix(key, "password")
}

// query returns a raw query for the log: the values of secret keys are
// replaced, and so is a pair without a key, which could be a bare token.
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
		key, _, valued := strings.Cut(pair, "=")
		switch {
		case pair == "":
		case !valued || len(key) > 100:
			b.WriteString("**********")
		case r.secret(key):
			b.WriteString(key)
			b.WriteString("=**********")
		default:
			b.WriteString(clip(pair))
		}
	}
	return b.String()
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
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
