package values

import (
	"encoding/base32"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

// text makes a text: by its format, by its pattern, by what its name says, or
// a mark.
func (m *Maker) text(s *openapi.Schema, name string) string {
	format := ""
	if s != nil {
		format = s.Format
	}
	if v := m.formatted(format); v != "" {
		return m.sized(when(v, format, name), format, s)
	}
	if s != nil && s.Pattern != "" {
		if v, ok := m.matching(s.Pattern, s.MinLength, s.MaxLength, m.named(name)); ok {
			return v
		}
	}
	return fit(m.named(name), s)
}

// when moves a date to where its name wants it: who registers was born, and
// what ends does so after it began.
func when(v, format, name string) string {
	if format != "date" && format != "date-time" {
		return v
	}
	lower := strings.ToLower(name)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(lower, w) })
	}
	switch {
	case has("birth", "dob", "born"):
		return "1990" + v[4:]
	case has("expir", "due", "deadline", "valid"):
		return "2031" + v[4:]
	case has("end", "until", "departure", "checkout", "check_out", "return", "dropoff", "drop_off") || lower == "to" || strings.HasSuffix(lower, "_to"):
		// Some days after what begins, as a stay is.
		return fmt.Sprintf("2030-02-0%d", 1+(v[9]-'0')%7) + v[10:]
	case has("start", "begin", "arrival", "checkin", "check_in", "pickup", "pick_up", "from"):
		return "2030-01-2" + v[9:]
	}
	return v
}

// sized makes a text of a format as long as a schema wants it, where the
// format leaves room for that.
func (m *Maker) sized(v, format string, s *openapi.Schema) string {
	if s == nil || len(v) >= s.MinLength && (s.MaxLength < 0 || len(v) <= s.MaxLength) {
		return v
	}
	long := strings.Repeat("x", max(0, min(s.MinLength, 1<<16)-len(v)))
	switch format {
	case "email", "idn-email":
		if long == "" {
			for _, short := range []string{m.Mark() + "@a.de", m.Mark()[4:] + "@a.de", "a@b.de"} {
				if len(short) <= s.MaxLength {
					return short
				}
			}
		}
		return long + v
	case "uri", "url", "iri", "uri-reference":
		if long == "" && len("https://a.de/") <= s.MaxLength {
			return "https://a.de/"
		}
		return v + long
	case "binary", "password":
		return fit(v, s)
	case "hostname", "idn-hostname":
		return strings.ReplaceAll(long, "xxxxxxxxxx", "xxxxxxxxx.") + v
	}
	return v
}

func (m *Maker) formatted(format string) string {
	switch format {
	case "email", "idn-email":
		return m.Mark() + "@example.com"
	case "uuid", "uuid4":
		return m.UUID()
	case "date-time":
		return fmt.Sprintf("2030-01-%02dT12:00:00Z", 1+m.r.IntN(28))
	case "date":
		return fmt.Sprintf("2030-01-%02d", 1+m.r.IntN(28))
	case "time":
		return "12:00:00"
	case "duration":
		return "PT1H"
	case "uri", "url", "iri":
		return "https://example.com/" + m.Mark()
	case "uri-reference":
		return "/" + m.Mark()
	case "hostname", "idn-hostname":
		return m.Mark() + ".example.com"
	case "ipv4", "ip", "ipvanyaddress":
		return "192.0.2.1"
	case "ipv6":
		return "2001:db8::1"
	case "byte", "base64":
		return "cGF2aXNl"
	case "binary":
		return m.Mark()
	case "password":
		return m.Password()
	case "decimal":
		return "10.50"
	}
	return ""
}

// Format makes a text of a format; it is empty when that is not known.
func (m *Maker) Format(name string) string {
	if name == "phone" {
		return m.named(name)
	}
	return m.formatted(name)
}

// Matching makes a text that matches a pattern and is as long as it must be,
// if the pattern is simple enough. A high of -1 means no bound.
func (m *Maker) Matching(pattern string, low, high int) (string, bool) {
	return m.matching(pattern, low, high)
}

// UUID is a random one, version 4.
func (m *Maker) UUID() string {
	a, b := m.r.Uint64(), m.r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// Password is one that every policy takes, we hope; also its end alone, where
// only a few letters are taken.
func (m *Maker) Password() string {
	if m.secret == "" {
		return "Pv7!" + m.Mark() + "-Qz#9"
	}
	mark := m.Mark()
	end := letters(m.sum(fmt.Sprint("end ", m.n)), 2)
	return "Pv7!" + mark + "Q" + end + "#9"
}

// letters are n letters that follow from a sum.
func letters(sum []byte, n int) string {
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum))[:n]
}

// PasswordName tells whether a field is a password by its name.
func PasswordName(name string) bool {
	lower := strings.ToLower(name)
	return strings.Contains(lower, "password") || strings.Contains(lower, "passwd") || strings.Contains(lower, "passphrase") || lower == "pwd" || lower == "pass"
}

func (m *Maker) named(name string) string {
	lower := strings.ToLower(name)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(lower, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("password", "passwd", "passphrase"):
		return m.Password()
	case has("email", "e-mail", "mail_address"):
		return m.Mark() + "@example.com"
	case has("url", "uri", "webhook", "callback", "link"):
		return "https://example.com/" + m.Mark()
	case has("phone", "mobile", "telephone"):
		return fmt.Sprintf("+1555%07d", m.r.IntN(10_000_000))
	case has("uuid", "guid"):
		return m.UUID()
	case has("date", "birthday", "dob"):
		return when("2030-01-15", "date", name)
	case has("country"):
		return "DE"
	case has("currency"):
		return "EUR"
	case has("language", "locale", "lang"):
		return "en"
	case has("zip", "postal"):
		return "10115"
	case has("iban"):
		return "DE89370400440532013000"
	case has("color", "colour"):
		return "#336699"
	case lower == "ip" || has("ip_address", "ipaddress"):
		return "192.0.2.1"
	case lower == "grant_type":
		return "password"
	case lower == "sort" || lower == "order" || has("order_by", "sort_by"):
		return "id"
	}
	return m.Mark()
}

// fit makes a text as long as a schema wants it.
func fit(v string, s *openapi.Schema) string {
	if s == nil {
		return v
	}
	for len(v) < s.MinLength && len(v) < 1<<16 {
		v += "x"
	}
	if s.MaxLength >= 0 && len(v) > s.MaxLength {
		// The end tells marks apart.
		v = v[len(v)-s.MaxLength:]
	}
	return v
}

// matching makes a text for a pattern, if that is simple enough: one of those
// that are given, if they fit.
func (m *Maker) matching(pattern string, low, high int, given ...string) (string, bool) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return "", false
	}
	fits := func(v string) bool { return re.MatchString(v) && len(v) >= low && (high < 0 || len(v) <= high) }
	for _, v := range append(given, m.Mark()) {
		if fits(v) {
			return v, true
		}
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	for try := range 8 {
		var b strings.Builder
		m.expand(&b, parsed.Simplify(), try, 0)
		v := b.String()
		for len(v) < low && re.MatchString(v+"a") {
			v += "a"
		}
		if fits(v) {
			return v, true
		}
	}
	return "", false
}

// alike is another letter of the same kind within a range: what has a pattern
// is often a number that no two may have.
func (m *Maker) alike(letter, low, high rune) rune {
	for _, kind := range [][2]rune{{'a', 'z'}, {'A', 'Z'}, {'0', '9'}} {
		if kind[0] <= letter && letter <= kind[1] {
			low, high = max(low, kind[0]), min(high, kind[1])
			return low + rune(m.r.IntN(int(high-low)+1))
		}
	}
	return letter
}

func (m *Maker) expand(b *strings.Builder, re *syntax.Regexp, extra, depth int) {
	if depth > 40 || b.Len() > 4096 {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return
		}
		// A letter or a digit where the class has one.
		for _, want := range "ab1Z-_ " {
			for i := 0; i+1 < len(re.Rune); i += 2 {
				if re.Rune[i] <= want && want <= re.Rune[i+1] {
					b.WriteRune(m.alike(want, re.Rune[i], re.Rune[i+1]))
					return
				}
			}
		}
		b.WriteRune(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(byte('a' + m.r.IntN(26)))
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			m.expand(b, sub, extra, depth+1)
		}
	case syntax.OpAlternate:
		m.expand(b, re.Sub[extra%len(re.Sub)], extra, depth+1)
	case syntax.OpStar, syntax.OpQuest:
		for range extra {
			m.expand(b, re.Sub[0], extra, depth+1)
			if re.Op == syntax.OpQuest {
				return
			}
		}
	case syntax.OpPlus:
		for range extra + 1 {
			m.expand(b, re.Sub[0], extra, depth+1)
		}
	case syntax.OpRepeat:
		for range max(re.Min, min(extra, max(re.Max, 0))) {
			m.expand(b, re.Sub[0], extra, depth+1)
		}
	}
}
