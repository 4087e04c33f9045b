package pyast

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A literal is a string token in its parts.
type literal struct {
	body                  int // offsets of the text between the quotes
	end                   int
	raw, bytes, formatted bool
	template              bool
}

func (p *parser) literal(t token) literal {
	var l literal
	i := int(t.from)
	for ; p.src[i] != '"' && p.src[i] != '\''; i++ {
		switch p.src[i] | 0x20 {
		case 'r':
			l.raw = true
		case 'b':
			l.bytes = true
		case 'f':
			l.formatted = true
		case 't':
			l.formatted, l.template = true, true
		}
	}
	n := 1
	if int(t.to)-i >= 6 && strings.HasPrefix(p.src[i:t.to], tripled(p.src[i])) {
		n = 3
	}
	l.body, l.end = i+n, int(t.to)-n
	return l
}

// strings reads one literal, or several that stand side by side and are one.
func (p *parser) strings() Expr {
	from := p.from()
	first := p.literal(p.tokens[p.i])
	if !first.formatted && p.peek() != tString {
		value := p.src[first.body:first.end]
		if !first.raw {
			value = unescape(value, first.bytes)
		}
		p.next()
		return p.stringConstant(from, first.bytes, value)
	}
	var text strings.Builder
	joined := joiner{}
	formatted, template := false, false
	for p.k == tString {
		l := p.literal(p.tokens[p.i])
		if l.bytes != first.bytes {
			p.fail("bytes and text cannot be joined")
			return p.nothing()
		}
		if l.formatted && !formatted {
			// What stood before is the first of its parts.
			formatted = true
			joined.add(text.String(), from, p.from())
		}
		template = template || l.template
		switch {
		case l.formatted:
			p.fields(&joined, l, l.body, l.end, 0)
			if p.failed {
				return p.nothing()
			}
		default:
			s := p.src[l.body:l.end]
			if !l.raw {
				s = unescape(s, l.bytes)
			}
			if formatted {
				joined.add(s, int32(l.body), int32(l.end))
			} else {
				text.WriteString(s)
			}
		}
		p.next()
	}
	if !formatted {
		return p.stringConstant(from, first.bytes, text.String())
	}
	values := joined.done()
	if template {
		return &TemplateStr{Span{from, p.prev}, values}
	}
	return &JoinedStr{Span{from, p.prev}, values}
}

func (p *parser) stringConstant(from int32, isBytes bool, value string) Expr {
	c := alloc(&p.arena.constants)
	*c = Constant{Span{from, p.prev}, Str, value}
	if isBytes {
		c.Kind = Bytes
	}
	return c
}

// A joiner collects the parts of an f-string: texts that touch become one.
type joiner struct {
	values   []Expr
	text     strings.Builder
	from, to int32
}

func (j *joiner) add(s string, from, to int32) {
	if s == "" {
		return
	}
	if j.text.Len() == 0 {
		j.from = from
	}
	j.to = to
	j.text.WriteString(s)
}

func (j *joiner) done() []Expr {
	if j.text.Len() > 0 {
		j.values = append(j.values, &Constant{Span{j.from, j.to}, Str, j.text.String()})
		j.text.Reset()
	}
	return j.values
}

// fields reads the text and the fields of an f-string between two offsets.
// In a format, which is nested in a field, a brace is not doubled.
func (p *parser) fields(j *joiner, l literal, i, end, nested int) {
	start := i
	flush := func(to int) {
		s := p.src[start:to]
		if !l.raw {
			s = unescape(s, false)
		}
		j.add(s, int32(start), int32(to))
	}
	for i < end && !p.failed {
		switch c := p.src[i]; {
		case c == '\\' && !l.raw && strings.HasPrefix(p.src[i:end], `\N{`):
			n := strings.IndexByte(p.src[i:end], '}')
			if n < 0 {
				p.failFrom(i, "malformed \\N escape")
				return
			}
			i += n + 1
		case c == '\\' && i+1 < end && p.src[i+1] != '{' && p.src[i+1] != '}':
			i += 2
		case c == '{' && nested == 0 && i+1 < end && p.src[i+1] == '{', c == '}' && nested == 0 && i+1 < end && p.src[i+1] == '}':
			flush(i + 1)
			i += 2
			start = i
		case c == '{':
			flush(i)
			i = p.field(j, l, i, end, nested)
			start = i
		case c == '}':
			p.failFrom(i, "f-string: single '}' is not allowed")
		default:
			i++
		}
	}
	if !p.failed {
		flush(end)
	}
}

// field reads one, and says where it ends.
func (p *parser) field(j *joiner, l literal, open, end, nested int) int {
	scan := lexer{src: p.src, end: end}
	stop, ok := scan.exprEnd(open+1, nested)
	if !ok || nested > maxNested {
		p.failFrom(open, "f-string: expected '}'")
		return end
	}
	to := stop
	text := p.src[open+1 : stop]
	// `{name=}` writes the expression, too.
	debug := false
	if s := strings.TrimRight(text, " \t\n\f"); len(s) > 1 && s[len(s)-1] == '=' && !strings.ContainsRune("=!<>", rune(s[len(s)-2])) {
		debug = true
		to = open + len(s)
		j.add(text, int32(open+1), int32(stop))
	}
	value := p.inner(open+1, to)
	conversion := -1
	i := stop
	if p.src[i] == '!' {
		i++
		from := i
		for i < end && p.src[i] != ':' && p.src[i] != '}' {
			i++
		}
		if c := strings.TrimSpace(p.src[from:i]); c == "r" || c == "s" || c == "a" {
			conversion = int(c[0])
		} else {
			p.failFrom(from, "f-string: invalid conversion: expected 's', 'r', or 'a'")
		}
	}
	var spec Expr
	if i < end && p.src[i] == ':' {
		from := i + 1
		i = p.specEnd(&scan, from, end, nested)
		inner := joiner{}
		if i < end && !p.failed {
			p.fields(&inner, l, from, i, nested+1)
		}
		spec = &JoinedStr{Span{int32(from), int32(i)}, inner.done()}
	} else if debug && conversion < 0 {
		conversion = 'r'
	}
	if p.failed || i >= end || p.src[i] != '}' {
		p.failFrom(open, "f-string: expected '}'")
		return end
	}
	i++
	span := Span{int32(open), int32(i)}
	j.done()
	if l.template {
		j.values = append(j.values, &Interpolation{span, value, strings.TrimRight(p.src[open+1:to], " \t\n\f"), conversion, spec})
	} else {
		j.values = append(j.values, &FormattedValue{span, value, conversion, spec})
	}
	return i
}

// specEnd finds the brace that ends a format.
func (p *parser) specEnd(scan *lexer, i, end, nested int) int {
	for i < end && p.src[i] != '}' {
		if p.src[i] != '{' {
			i++
			continue
		}
		// Quotes end the whole literal, which is known to go on.
		next, ok := scan.fieldEnd(i+1, 0, true, nested+1)
		if !ok {
			p.failFrom(i, "f-string: expected '}'")
			return end
		}
		i = next
	}
	return i
}

// inner reads the expression of a field, with tokens of its own.
func (p *parser) inner(from, to int) Expr {
	// Behind the tokens of what is around it there is room.
	l := lexer{src: p.src, pos: from, end: to, part: true, depth: 1, tokens: p.tokens[len(p.tokens):]}
	l.run()
	if len(l.errors) > 0 {
		p.failFrom(l.errors[0].Offset, l.errors[0].Message)
		return p.nothing()
	}
	if !p.enter() {
		p.leave()
		return p.nothing()
	}
	tokens, i, prev := p.tokens, p.i, p.prev
	p.tokens = l.tokens
	p.seek(0)
	e := p.value()
	if p.k != tEOF {
		p.fail("f-string: invalid syntax")
	}
	p.tokens, p.prev = tokens, prev
	if p.failed {
		p.failAt = i
		p.seek(len(tokens) - 1)
	} else {
		p.seek(i)
	}
	p.leave()
	return e
}

// unescape reads the escapes of a text (Python Language Reference, 2.4.1). One
// that there is none of stays, as in CPython.
func unescape(s string, isBytes bool) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for {
		b.WriteString(s[:i])
		s = s[i:]
		if len(s) == 1 {
			b.WriteByte('\\')
			return b.String()
		}
		n := 2
		switch c := s[1]; c {
		case '\n':
		case '\\', '\'', '"':
			b.WriteByte(c)
		case 'a':
			b.WriteByte('\a')
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'v':
			b.WriteByte('\v')
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v := 0
			for n = 1; n < 4 && n < len(s) && s[n] >= '0' && s[n] <= '7'; n++ {
				v = v*8 + int(s[n]-'0')
			}
			writeCode(&b, v, isBytes)
		default:
			width := 0
			switch {
			case c == 'x':
				width = 2
			case isBytes:
			case c == 'u':
				width = 4
			case c == 'U':
				width = 8
			case c == 'N' && strings.HasPrefix(s[2:], "{"):
				if end := strings.IndexByte(s, '}'); end > 0 {
					b.WriteRune(utf8.RuneError)
					n = end + 1
					width = -1
				}
			}
			if width < 0 {
				break
			}
			if width > 0 && 2+width <= len(s) {
				if v, err := strconv.ParseUint(s[2:2+width], 16, 32); err == nil {
					writeCode(&b, int(v), isBytes)
					n = 2 + width
					break
				}
			}
			b.WriteString(s[:2])
		}
		s = s[n:]
		if i = strings.IndexByte(s, '\\'); i < 0 {
			b.WriteString(s)
			return b.String()
		}
	}
}

// writeCode writes a byte or a character. Surrogates, which UTF-8 cannot hold,
// become the three bytes that they would have.
func writeCode(b *strings.Builder, v int, isBytes bool) {
	switch {
	case isBytes:
		b.WriteByte(byte(v))
	case v >= 0xd800 && v < 0xe000:
		b.Write([]byte{byte(0xe0 | v>>12), byte(0x80 | v>>6&0x3f), byte(0x80 | v&0x3f)})
	default:
		b.WriteRune(rune(v))
	}
}
