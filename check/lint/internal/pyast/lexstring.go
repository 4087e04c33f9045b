package pyast

import "strings"

// prefix reads the letters before a string.
func prefix(s string) (raw, formatted, ok bool) {
	var b, u bool
	for i := range len(s) {
		var seen *bool
		switch s[i] | 0x20 {
		case 'r':
			seen = &raw
		case 'f', 't':
			seen = &formatted
		case 'b':
			seen = &b
		case 'u':
			seen = &u
		default:
			return false, false, false
		}
		if *seen {
			return false, false, false
		}
		*seen = true
	}
	return raw, formatted, (!u || len(s) == 1) && (!b || !formatted)
}

// str reads a string whose prefix began at from, and whose quote is at the
// position.
func (l *lexer) str(from int, raw, formatted bool) {
	q := l.src[l.pos]
	body := l.pos + 1
	triple := strings.HasPrefix(l.src[l.pos:l.end], tripled(q))
	if triple {
		body += 2
	}
	end, ok := l.stringEnd(body, q, triple, raw, formatted, 0)
	if !ok {
		if triple {
			l.fail(from, "unterminated triple-quoted string")
		} else {
			l.fail(from, "unterminated string")
		}
		l.emit(tBad, from, end)
	} else {
		l.emit(tString, from, end)
	}
	l.pos = end
}

func tripled(q byte) string {
	if q == '"' {
		return `"""`
	}
	return `'''`
}

// stringEnd finds where a string ends, behind its quotes. A string within a
// field of another is nested.
func (l *lexer) stringEnd(i int, q byte, triple, raw, formatted bool, nested int) (end int, ok bool) {
	if !formatted {
		return l.plainEnd(i, q, triple)
	}
	for i < l.end {
		switch c := l.src[i]; {
		case c == '\\':
			i++
			switch {
			case i < l.end && (l.src[i] == '{' || l.src[i] == '}'):
			case !raw && strings.HasPrefix(l.src[i:l.end], "N{"):
				if n := strings.IndexByte(l.src[i:l.end], '}'); n >= 0 {
					i += n
				}
				i++
			default:
				i++
			}
		case c == q && !triple:
			return i + 1, true
		case c == q && strings.HasPrefix(l.src[i:l.end], tripled(q)):
			return i + 3, true
		case c == '\n' && !triple:
			return i, false
		case c == '{':
			if i+1 < l.end && l.src[i+1] == '{' {
				i += 2
				continue
			}
			if i, ok = l.fieldEnd(i+1, q, triple, nested); !ok {
				return i, false
			}
		default:
			i++
		}
	}
	return l.end, false
}

func (l *lexer) plainEnd(i int, q byte, triple bool) (end int, ok bool) {
	if !triple {
		for ; i < l.end; i++ {
			switch l.src[i] {
			case '\\':
				i++
			case q:
				return i + 1, true
			case '\n':
				return i, false
			}
		}
		return l.end, false
	}
	for {
		n := strings.IndexByte(l.src[i:l.end], q)
		if n < 0 {
			return l.end, false
		}
		// A quote behind an odd number of backslashes is of the text.
		back := 0
		for j := i + n - 1; j >= i && l.src[j] == '\\'; j-- {
			back++
		}
		i += n
		if back%2 == 1 {
			i++
			continue
		}
		if strings.HasPrefix(l.src[i:l.end], tripled(q)) {
			return i + 3, true
		}
		i++
	}
}

// maxNested bounds fields within fields of an f-string.
const maxNested = 20

// fieldEnd finds where a field of an f-string ends, behind its brace.
func (l *lexer) fieldEnd(i int, q byte, triple bool, nested int) (end int, ok bool) {
	if nested > maxNested {
		return i, false
	}
	if i, ok = l.exprEnd(i, nested); !ok {
		return i, false
	}
	if l.src[i] == '!' {
		for i++; i < l.end && l.src[i] != ':' && l.src[i] != '}'; i++ {
			if l.src[i] == q || l.src[i] == '\n' {
				return i, false
			}
		}
	}
	for i < l.end {
		switch c := l.src[i]; {
		case c == '}':
			return i + 1, true
		case c == '{':
			if i, ok = l.fieldEnd(i+1, q, triple, nested+1); !ok {
				return i, false
			}
		case c == '\n' && !triple, c == q && (!triple || strings.HasPrefix(l.src[i:l.end], tripled(q))):
			return i, false
		default:
			i++
		}
	}
	return l.end, false
}

// exprEnd finds where the expression of a field ends: at a colon, an
// exclamation mark or a brace that is in no bracket and no string (PEP 701).
func (l *lexer) exprEnd(i, nested int) (end int, ok bool) {
	depth := 0
	for from := i; i < l.end; i++ {
		switch c := l.src[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']':
			depth--
		case '}':
			if depth == 0 {
				return i, true
			}
			depth--
		case ':':
			if depth == 0 {
				return i, true
			}
		case '!':
			if depth == 0 && (i+1 == l.end || l.src[i+1] != '=') {
				return i, true
			}
		case '#':
			n := strings.IndexByte(l.src[i:l.end], '\n')
			if n < 0 {
				return l.end, false
			}
			i += n
		case '\'', '"':
			start := i
			for start > from && i-start < 2 && classes[l.src[start-1]] == cIdent {
				start--
			}
			raw, formatted, isPrefix := prefix(l.src[start:i])
			if !isPrefix {
				raw, formatted = false, false
			}
			body := i + 1
			triple := strings.HasPrefix(l.src[i:l.end], tripled(c))
			if triple {
				body += 2
			}
			if end, ok = l.stringEnd(body, c, triple, raw, formatted, nested+1); !ok {
				return end, false
			}
			i = end - 1
		}
	}
	return l.end, false
}
