package project

import "strings"

type pyKind uint8

const (
	pyName pyKind = iota
	pyString
	pyNumber
	pyOp
)

// A pyToken is one token of Python source. Comments and white space are
// none, so that a commented-out line or a docstring is never taken for code.
type pyToken struct {
	kind  pyKind
	text  string // a string's value, if it is plain
	line  int
	first bool // of a logical line
	col   int  // of a first token: its indentation
	depth int  // how many brackets are open around it
	plain bool // of a string: text is its value, it is no f-string or bytes
}

// pyTokens splits Python source. It is exact about what matters here (where
// strings and comments begin and end, nesting, indentation) and does not
// judge the rest: any text gives tokens.
func pyTokens(src string) []pyToken {
	var (
		out   []pyToken
		line  = 1
		depth = 0
		first = true
		col   = 0
	)
	src = strings.TrimPrefix(src, "\ufeff")
	add := func(kind pyKind, text string, at int, plain bool) {
		out = append(out, pyToken{kind: kind, text: text, line: at, first: first, col: col, depth: depth, plain: plain})
		first = false
	}
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == '\n':
			i++
			line++
			if depth == 0 {
				first, col = true, 0
			}
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			i++
			if first {
				col++
			}
		case c == '\\' && i+1 < len(src) && (src[i+1] == '\n' || src[i+1] == '\r'):
			if i++; src[i] == '\r' {
				i++
			}
			if i < len(src) && src[i] == '\n' {
				i++
				line++
			}
		case c == '#':
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case c == '"' || c == '\'':
			value, plain, n, lines := pyStringAt(src[i:], "")
			add(pyString, value, line, plain)
			i += n
			line += lines
		case isNameByte(c, false) || c >= 0x80:
			j := i + 1
			for j < len(src) && (isNameByte(src[j], true) || src[j] >= 0x80) {
				j++
			}
			word := src[i:j]
			if j < len(src) && (src[j] == '"' || src[j] == '\'') && len(word) <= 2 && strings.Trim(strings.ToLower(word), "rbfut") == "" {
				value, plain, n, lines := pyStringAt(src[j:], strings.ToLower(word))
				add(pyString, value, line, plain)
				i = j + n
				line += lines
				continue
			}
			add(pyName, word, line, false)
			i = j
		case c >= '0' && c <= '9':
			j := i + 1
			for j < len(src) && (isNameByte(src[j], true) || src[j] == '.') {
				j++
			}
			add(pyNumber, src[i:j], line, false)
			i = j
		default:
			switch c {
			case '(', '[', '{':
				add(pyOp, src[i:i+1], line, false)
				depth++
			case ')', ']', '}':
				depth = max(0, depth-1)
				add(pyOp, src[i:i+1], line, false)
			case ';':
				add(pyOp, ";", line, false)
				if depth == 0 {
					first = true // the indentation is that of the line
				}
			default:
				n := 1
				for _, op := range []string{"==", "!=", "<=", ">=", ":=", "->"} {
					if strings.HasPrefix(src[i:], op) {
						n = 2
					}
				}
				add(pyOp, src[i:i+n], line, false)
				i += n - 1
			}
			i++
		}
	}
	return out
}

// pyStringAt reads the string literal at the start of s, whose prefix letters
// stood before it. It returns its value, whether that is all there is to it,
// its length, and how many line ends are in it.
func pyStringAt(s, prefix string) (value string, plain bool, n, lines int) {
	quote := s[:1]
	if strings.HasPrefix(s, strings.Repeat(quote, 3)) {
		quote = s[:3]
	}
	raw := strings.Contains(prefix, "r")
	plain = !strings.ContainsAny(prefix, "bft")
	var b strings.Builder
	for i := len(quote); i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], quote):
			return b.String(), plain, i + len(quote), lines
		case s[i] == '\\' && i+1 < len(s):
			if s[i+1] == '\n' {
				lines++
			}
			if raw {
				b.WriteString(s[i : i+2])
			} else if k := strings.IndexByte("\\'\"\n", s[i+1]); k >= 0 {
				if s[i+1] != '\n' {
					b.WriteByte(s[i+1])
				}
			} else {
				plain = false // an escape that no path and no host has
			}
			i += 2
		case s[i] == '\n' && len(quote) == 1:
			return b.String(), false, i, lines // not closed: an error in Python
		default:
			if s[i] == '\n' {
				lines++
			}
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String(), false, len(s), lines
}
