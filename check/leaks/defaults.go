package leaks

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/finding"
)

// A default is in use wherever nobody sets what it is the default of. Where
// that is a key which the service itself trusts, a placeholder does not stop
// it: it signs with a word that stands in the source. The key of another
// service is refused there, and a placeholder of it does no harm.

var (
	// ownKey are names of keys that the service itself makes and checks with.
	ownKey = lazy.Regexp(`(?i)^(?:(?:app|application|auth|flask|django|fastapi|server|service|session|token|access_token|refresh_token|access|refresh|jwt)_)?(?:secret_key|secret|jwt_secret|jwt_key|jwt_secret_key|jwt_signing_key|signing_key|session_key|session_secret|hmac_key|hmac_secret|token_secret|cookie_secret|encryption_key|fernet_key)$`)
	// constant is a text that a name of a module is given.
	constant = lazy.Regexp(`^([A-Z][A-Z0-9_]*)(?:[ \t]*:[ \t]*[A-Za-z_][A-Za-z0-9_.\[\] ]*)?[ \t]*=[ \t]*(?:SecretStr\([ \t]*)?[bru]?("[^"\\\n]{4,200}"|'[^'\\\n]{4,200}')[ \t]*\)?[ \t]*(?:#[^\n]*)?\r?$`)
	// wordless are values that stand for none.
	wordless = lazy.Regexp(`(?i)^(?:none|null|nil|true|false|undefined|n/?a|default|empty|required|optional|string|token|key|bearer|basic)$`)
	// desk are classes of settings that are not in production.
	desk = lazy.Regexp(`(?i)dev|test|local|debug|example|mock|fake`)
	// compares is a condition that looks at what a value is.
	compares = lazy.Regexp(`^(?:if|elif|assert)\b.*(?:==|!=|\bin\b|startswith\(|len\(|lower\()`)
)

// A defaultKey is a placeholder that is the default of a key.
type defaultKey struct {
	file, name, value, of string
	line                  int
}

// defaults reports placeholders that are the default of a key, where nothing
// refuses to start with them.
func (r *runner) defaults(names []string, settings func() (*classes, []*settingsClass), add func(rule, where, problem, fix string, s finding.Severity)) {
	var sources []string
	for _, name := range names {
		if filepath.Ext(name) == ".py" && !inTests(r.below(name)) {
			sources = append(sources, name)
		}
	}
	if len(sources) == 0 {
		return
	}
	var found []defaultKey
	ofSettings, fields := false, false
	for _, name := range sources {
		data, err := os.ReadFile(name)
		if err != nil || len(data) > 1<<20 {
			continue // the scan of the file says so
		}
		ofSettings = ofSettings || bytes.Contains(data, []byte("BaseSettings"))
		eachKey(data, func(begin, end int, indented bool) {
			fields = fields || indented && bytes.ContainsRune(data[begin:end], '=')
			m := constant().FindSubmatch(data[begin:end])
			if m == nil {
				return
			}
			if key, value := string(m[1]), string(m[2][1:len(m[2])-1]); standIn(value) && !strings.EqualFold(key, value) {
				found = append(found, defaultKey{file: name, name: key, value: value, line: 1 + bytes.Count(data[:begin], []byte("\n"))})
			}
		})
	}
	if ofSettings && fields {
		found = append(r.defaultFields(settings), found...)
	}
	if len(found) == 0 {
		return
	}
	refused := make([]bool, len(found))
	for _, name := range sources {
		data, err := os.ReadFile(name)
		if err != nil || len(data) > 1<<20 {
			continue
		}
		for i, k := range found {
			refused[i] = refused[i] || k.refusedIn(name, data)
		}
	}
	for i, k := range found {
		if refused[i] {
			continue
		}
		of := k.name
		if k.of != "" {
			of = k.name + " of " + k.of
		}
		add(rulePlaceholder, filepath.ToSlash(k.file)+":"+strconv.Itoa(k.line), of+" is a placeholder wherever nobody sets it, and the service starts with it", "leave the default out, so that the service does not start without its secret: pavise token makes one", finding.High)
	}
}

// eachKey calls f for each line that gives a key of the service's own a type
// or a value; indented tells that it is in a class or a function.
func eachKey(data []byte, f func(begin, end int, indented bool)) {
	for begin := 0; begin < len(data); {
		end := len(data)
		if n := bytes.IndexByte(data[begin:], '\n'); n >= 0 {
			end = begin + n
		}
		from := begin
		for from < end && (data[from] == ' ' || data[from] == '\t') {
			from++
		}
		to := from
		for to < end && wordByte(data[to]) {
			to++
		}
		rest := data[to:end]
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
			rest = rest[1:]
		}
		if ends(data[from:to]) && len(rest) > 0 && (rest[0] == ':' || rest[0] == '=') && ownKey().Match(data[from:to]) {
			f(begin, end, from > begin)
		}
		begin = end + 1
	}
}

// ends tells whether a name may be that of a key: nearly none is.
func ends(name []byte) bool {
	if len(name) < len("secret") {
		return false
	}
	switch name[len(name)-1] {
	case 't', 'T', 'y', 'Y':
		return bytes.EqualFold(name[len(name)-3:], []byte("key")) || bytes.EqualFold(name[len(name)-6:], []byte("secret"))
	}
	return false
}

// defaultFields are the fields of settings whose default is a placeholder.
func (r *runner) defaultFields(settings func() (*classes, []*settingsClass)) []defaultKey {
	_, list := settings()
	var out []defaultKey
	seen := map[string]bool{}
	for _, s := range list {
		if desk().MatchString(s.name) {
			continue
		}
		for _, f := range s.fields {
			value, ok := pySecret(f.value)
			if !ok || !ownKey().MatchString(f.name) || !standIn(value) {
				continue
			}
			if where := f.file + ":" + strconv.Itoa(f.line); !seen[where] {
				seen[where] = true
				out = append(out, defaultKey{f.file, f.name, value, s.name, f.line})
			}
		}
	}
	return out
}

// standIn tells whether a value stands where a secret is to be put.
func standIn(value string) bool {
	return len(value) >= 4 && !wordless().MatchString(value) && (wanted().MatchString(value) || len(value) >= 8 && isPlaceholder(value)) && !strings.HasPrefix(value, "$")
}

// pySecret is the text of "…", b"…" and SecretStr("…").
func pySecret(s string) (string, bool) {
	if name, args, _, ok := pyCall(s); ok && len(args) == 1 && (name == "SecretStr" || name == "SecretBytes") {
		s = args[0]
	}
	return pyText(strings.TrimLeft(s, "bB"))
}

// refusedIn tells whether a file looks at the key, or knows the placeholder:
// it refuses to start with it.
func (k *defaultKey) refusedIn(file string, data []byte) bool {
	if file == k.file {
		begin, end := lineOf(data, k.line)
		if allowed(data, begin, end, "leaks/"+rulePlaceholder) {
			return true
		}
	}
	if !bytes.Contains(data, []byte(k.name)) && !bytes.Contains(data, []byte(k.value)) {
		return false
	}
	for _, l := range pyLines(string(data)) {
		if file == k.file && l.line == k.line {
			continue
		}
		condition := compares().MatchString(l.text)
		switch {
		case condition && (hasWord([]byte(l.text), k.name) || quotes(l.text, k.value)):
			return true
		case quotes(l.text, k.name) && (strings.Contains(l.text, "validator(") || strings.HasPrefix(l.text, "for ")):
			return true
		case quotes(l.text, k.value):
			// INSECURE = {"change-me", …}
			if _, _, list, ok := pyAssign(l.text); ok && (strings.ContainsAny(list[:min(1, len(list))], "{[(") || strings.HasPrefix(list, "frozenset(") || strings.HasPrefix(list, "set(")) {
				return true
			}
		}
	}
	return false
}

// quotes tells whether a text is written in a line as a string.
func quotes(line, text string) bool {
	return strings.Contains(line, `"`+text+`"`) || strings.Contains(line, `'`+text+`'`)
}

// lineOf is where a line begins and ends.
func lineOf(data []byte, line int) (begin, end int) {
	for n := 1; n < line; n++ {
		i := bytes.IndexByte(data[begin:], '\n')
		if i < 0 {
			break
		}
		begin += i + 1
	}
	if i := bytes.IndexByte(data[begin:], '\n'); i >= 0 {
		return begin, begin + i
	}
	return begin, len(data)
}
