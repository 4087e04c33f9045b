package leaks

import (
	"strings"
)

// What is read of Python here is no more than the classes of settings need:
// logical lines, the statements of a class's body, and the arguments of a call
// whose values are literals. Whatever is more than that is left alone. The
// parser of the linter is the linter's: checks do not import each other.

// A pyLine is a logical line, without its comment.
type pyLine struct {
	indent, line int
	text         string
}

// pyLines takes source apart: brackets and backslashes join lines, strings are
// kept as they are.
func pyLines(src string) []pyLine {
	var out []pyLine
	var b strings.Builder
	cur := pyLine{line: 1}
	depth, start := 0, true
	line := 1
	end := func() {
		if cur.text = strings.TrimSpace(b.String()); cur.text != "" {
			out = append(out, cur)
		}
		b.Reset()
		cur, start = pyLine{line: line}, true
	}
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == '\n':
			line++
			if depth == 0 {
				end()
			} else {
				b.WriteByte(' ')
			}
			i++
		case start && (c == ' ' || c == '\t' || c == '\r' || c == '\f'):
			if cur.indent++; c == '\t' {
				cur.indent += 7
			}
			i++
		case c == '#':
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case c == '\\' && i+1 < len(src) && (src[i+1] == '\n' || src[i+1] == '\r'):
			for i++; i < len(src) && src[i] == '\r'; {
				i++
			}
			if i < len(src) && src[i] == '\n' {
				i++
				line++
			}
			b.WriteByte(' ')
		case c == '"' || c == '\'':
			start = false
			n := pyString(src[i:])
			b.WriteString(src[i : i+n])
			line += strings.Count(src[i:i+n], "\n")
			i += n
		default:
			start = false
			switch c {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				depth = max(0, depth-1)
			}
			b.WriteByte(c)
			i++
		}
	}
	end()
	return out
}

// pyString is the length of the string that a text begins with. One that does
// not end goes to the end of its line, or of the text.
func pyString(s string) int {
	quote, triple := s[:1], false
	if len(s) >= 3 && s[1] == s[0] && s[2] == s[0] {
		quote, triple = s[:3], true
	}
	for i := len(quote); i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote)
		case s[i] == '\n' && !triple:
			return i
		}
	}
	return len(s)
}

// pySplit splits at a separator that stands in no bracket and no string.
func pySplit(s string, separator byte) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\'':
			i += pyString(s[i:]) - 1
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == separator && depth == 0:
			out = append(out, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(s[from:]))
}

// pyAssign takes "name: type = value" and "name = value" apart.
func pyAssign(s string) (name, typ, value string, assigned bool) {
	n := 0
	for n < len(s) && wordByte(s[n]) {
		n++
	}
	name, rest := s[:n], strings.TrimSpace(s[n:])
	switch {
	case name == "" || rest == "":
		return "", "", "", false
	case strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "=="):
		return name, "", strings.TrimSpace(rest[1:]), true
	case strings.HasPrefix(rest, ":") && !strings.HasPrefix(rest, ":="):
		parts := pySplit(rest[1:], '=')
		return name, parts[0], strings.TrimSpace(strings.Join(parts[1:], "=")), len(parts) > 1
	}
	return "", "", "", false
}

// pyCall takes "f(a, b=c)" apart: the last name of what is called, the
// arguments, and those with a name.
func pyCall(s string) (name string, args []string, named map[string]string, ok bool) {
	n := 0
	for n < len(s) && (wordByte(s[n]) || s[n] == '.') {
		n++
	}
	if n == 0 || n == len(s) || s[n] != '(' || !strings.HasSuffix(s, ")") {
		return "", nil, nil, false
	}
	name = s[strings.LastIndexByte(s[:n], '.')+1 : n]
	args, named = pyArgs(s[n+1 : len(s)-1])
	return name, args, named, true
}

func pyArgs(s string) (args []string, named map[string]string) {
	named = map[string]string{}
	for _, a := range pySplit(s, ',') {
		if key, typ, value, ok := pyAssign(a); ok && typ == "" {
			named[key] = value
		} else if a != "" {
			args = append(args, a)
		}
	}
	return args, named
}

// pyText is the value of a string literal without escapes.
func pyText(s string) (string, bool) {
	s = strings.TrimLeft(s, "rRuU")
	if len(s) < 2 || s[0] != '"' && s[0] != '\'' || pyString(s) != len(s) || strings.HasPrefix(s, s[:1]+s[:1]+s[:1]) || strings.Contains(s, "\\") {
		return "", false
	}
	return s[1 : len(s)-1], true
}
