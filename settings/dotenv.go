package settings

import (
	"errors"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// dotLine is a variable of a .env file.
type dotLine struct {
	name, value string
	set         bool // there is a '='
	number      int
}

// parseDotEnv reads a .env file as python-dotenv does: `export`, quotes with
// escapes that may span lines, comments behind white space. It returns the
// numbers of the lines that it cannot read.
func parseDotEnv(s string) (lines []dotLine, bad []int) {
	p := &dotParser{s: s, line: 1}
	for {
		p.skip(isSpace)
		if p.rest() == "" {
			return lines, bad
		}
		start := p.line
		line, comment, ok := p.binding()
		switch {
		case !ok:
			bad = append(bad, start)
			p.endOfLine()
		case !comment:
			line.number = start
			lines = append(lines, line)
		}
	}
}

type dotParser struct {
	s    string
	at   int
	line int
}

func (p *dotParser) rest() string { return p.s[p.at:] }

// take moves n bytes on.
func (p *dotParser) take(n int) string {
	t := p.s[p.at : p.at+n]
	p.at += n
	p.line += strings.Count(strings.ReplaceAll(strings.ReplaceAll(t, "\r\n", "\n"), "\r", "\n"), "\n")
	return t
}

// skip moves on while is holds.
func (p *dotParser) skip(is func(rune) bool) string {
	n := strings.IndexFunc(p.rest(), func(r rune) bool { return !is(r) })
	if n < 0 {
		n = len(p.rest())
	}
	return p.take(n)
}

// isSpace is white space as Python's \s has it.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func isBlank(r rune) bool    { return isSpace(r) && r != '\n' && r != '\r' }
func isNotEnd(r rune) bool   { return r != '\n' && r != '\r' }
func isNameChar(r rune) bool { return !isSpace(r) && r != '=' && r != '#' }

// endOfLine moves behind the line's end.
func (p *dotParser) endOfLine() {
	p.skip(isNotEnd)
	switch {
	case strings.HasPrefix(p.rest(), "\r\n"):
		p.take(2)
	case p.rest() != "":
		p.take(1)
	}
}

// binding reads a line, or several for a value in quotes.
func (p *dotParser) binding() (line dotLine, comment, ok bool) {
	if strings.HasPrefix(p.rest(), "export") {
		if r, _ := utf8.DecodeRuneInString(p.rest()[len("export"):]); isBlank(r) {
			p.take(len("export"))
			p.skip(isBlank)
		}
	}
	switch {
	case strings.HasPrefix(p.rest(), "#"):
		p.endOfLine()
		return line, true, true
	case strings.HasPrefix(p.rest(), "'"):
		end := strings.IndexByte(p.rest()[1:], '\'')
		if end < 1 {
			return line, false, false
		}
		line.name = p.take(end + 2)[1 : end+1]
	default:
		if line.name = p.skip(isNameChar); line.name == "" {
			return line, false, false
		}
	}
	p.skip(isBlank)
	if strings.HasPrefix(p.rest(), "=") {
		p.take(1)
		p.skip(isBlank)
		line.set = true
		if !p.value(&line) {
			return line, false, false
		}
	}
	// A comment, and the line's end.
	save := p.at
	p.skip(isBlank)
	if strings.HasPrefix(p.rest(), "#") {
		p.skip(isNotEnd)
	}
	p.skip(isBlank)
	if r := p.rest(); r != "" && isNotEnd(rune(r[0])) {
		p.at = save
		return line, false, false
	}
	p.endOfLine()
	return line, false, true
}

// value reads what stands behind the '='.
func (p *dotParser) value(line *dotLine) bool {
	if p.rest() == "" {
		return true
	}
	switch quote := p.rest()[0]; quote {
	case '\'', '"':
		end, escaped := 1, 0
		for end < len(p.rest()) && p.rest()[end] != quote {
			if p.rest()[end] == '\\' && end+1 < len(p.rest()) && p.rest()[end+1] == quote {
				end++
				escaped = end
			}
			end++
		}
		if end >= len(p.rest()) {
			// python-dotenv goes back to the last quote behind a backslash:
			// 'C:\' ends, if no other quote follows in the file.
			if end = escaped; end == 0 {
				return false
			}
		}
		line.value = unescape(p.take(end + 1)[1:end], quote)
	default:
		v := p.skip(isNotEnd)
		for i, r := range v {
			if r != '#' {
				continue
			}
			if before, _ := utf8.DecodeLastRuneInString(v[:i]); i > 0 && isSpace(before) {
				v = v[:i]
				break
			}
		}
		line.value = strings.TrimRightFunc(v, isSpace)
	}
	return true
}

var escapes = map[byte]string{'\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v"}

// unescape replaces the escapes of a value in quotes: in single ones only the
// quote's own and the backslash's.
func unescape(s string, quote byte) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if t, ok := escapes[s[i+1]]; ok && (quote == '"' || s[i+1] == '\\' || s[i+1] == '\'') {
				b.WriteString(t)
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// quoteDotEnv writes a value so that parseDotEnv, and python-dotenv, read it
// back. The format has no way to write some: those that need quotes and end in
// a backslash, which is taken for the quote's.
func quoteDotEnv(v string) (quoted string, ok bool) {
	plain := v == strings.TrimFunc(v, isSpace) && !strings.ContainsAny(v, "\r\n") && (v == "" || v[0] != '\'' && v[0] != '"')
	for i, r := range v {
		if before, _ := utf8.DecodeLastRuneInString(v[:i]); r == '#' && (i == 0 || isSpace(before)) {
			plain = false
		}
	}
	if plain {
		return v, true
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'", !strings.HasSuffix(v, `\`)
}

// expand replaces ${NAME} and ${NAME:-default} in place, by the variables
// before it in the file, or else by the environment.
func (l *loader) expand(lines []dotLine) {
	known := map[string]string{}
	environ := l.options.Environ
	if environ == nil {
		environ = os.Environ()
	}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		known[name] = value
	}
	for i := range lines {
		line := &lines[i]
		if !line.set {
			continue
		}
		line.value = expandText(line.value, known)
		known[line.name] = line.value
	}
}

func expandText(s string, known map[string]string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "${")
		if !ok {
			b.WriteString(s)
			return b.String()
		}
		inner, rest, ok := strings.Cut(after, "}")
		if !ok {
			b.WriteString(s)
			return b.String()
		}
		name, def, _ := strings.Cut(inner, ":-")
		b.WriteString(before)
		if v, ok := known[name]; ok {
			b.WriteString(v)
		} else {
			b.WriteString(def)
		}
		s = rest
	}
}

// decodeText makes a string of a file.
func decodeText(data []byte, encoding string) (string, error) {
	switch strings.ToLower(encoding) {
	case "", "utf-8", "utf8":
		data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
		if !utf8.Valid(data) {
			return "", errors.New("is not UTF-8; say which encoding it has")
		}
		return string(data), nil
	case "latin-1", "iso-8859-1":
		var b strings.Builder
		for _, c := range data {
			b.WriteRune(rune(c))
		}
		return b.String(), nil
	case "utf-16":
		if len(data) < 2 || len(data)%2 != 0 || (data[0] != 0xff || data[1] != 0xfe) && (data[0] != 0xfe || data[1] != 0xff) {
			return "", errors.New("is not UTF-16 with a byte order mark")
		}
		units := make([]uint16, 0, len(data)/2-1)
		for i := 2; i < len(data); i += 2 {
			low, high := data[i], data[i+1]
			if data[0] == 0xfe {
				low, high = high, low
			}
			units = append(units, uint16(low)|uint16(high)<<8)
		}
		return string(utf16.Decode(units)), nil
	}
	return "", errors.New("the encoding is not utf-8, utf-16 or latin-1")
}
