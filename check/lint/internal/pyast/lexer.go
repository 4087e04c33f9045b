package pyast

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Classes of bytes.
const (
	cOther = iota
	cIdent // begins a name
	cDigit
	cSpace
	cQuote
	cHigh // not ASCII
)

var classes = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			t[c] = cIdent
		case c >= '0' && c <= '9':
			t[c] = cDigit
		case c == ' ', c == '\t', c == '\f':
			t[c] = cSpace
		case c == '\'', c == '"':
			t[c] = cQuote
		case c >= 0x80:
			t[c] = cHigh
		}
	}
	return t
}()

// maxIndent bounds how deep blocks may be, as CPython does.
const maxIndent = 100

type lexer struct {
	src      string
	pos      int
	end      int // of what is looked at
	depth    int // of open brackets
	tokens   []token
	indents  []indent
	comments []Comment
	errors   []Error
	part     bool // an expression within an f-string: lines and comments mean nothing
}

// indent is a block's depth, with tabs to each eighth column, and with tabs
// as one column: two lines that only one of them calls equal are ambiguous.
type indent struct{ column, alternative int }

func (l *lexer) fail(pos int, msg string) {
	l.errors = append(l.errors, Error{Offset: pos, Message: msg})
}

func (l *lexer) emit(k kind, from, to int) {
	l.tokens = append(l.tokens, token{k, int32(from), int32(to)})
}

// run makes tokens of everything.
func (l *lexer) run() {
	if !l.part {
		l.indents = append(l.indents, indent{})
		l.startLine()
	}
	for l.pos < l.end {
		l.next()
	}
	if l.part {
		l.emit(tEOF, l.end, l.end)
		return
	}
	if n := len(l.tokens); n > 0 && l.tokens[n-1].kind != tNewline && l.tokens[n-1].kind != tDedent {
		l.emit(tNewline, l.end, l.end)
	}
	for ; len(l.indents) > 1; l.indents = l.indents[:len(l.indents)-1] {
		l.emit(tDedent, l.end, l.end)
	}
	l.emit(tEOF, l.end, l.end)
}

// startLine reads the blanks that a line begins with, and says which blocks
// begin or end there. Lines without a statement are passed over.
func (l *lexer) startLine() {
	for l.pos < l.end {
		at := indent{}
		start := l.pos
		for ; l.pos < l.end; l.pos++ {
			switch l.src[l.pos] {
			case ' ':
				at.column++
				at.alternative++
				continue
			case '\t':
				at.column = (at.column/8 + 1) * 8
				at.alternative++
				continue
			case '\f':
				at = indent{}
				continue
			case '\\':
				// The statement goes on in the next line, whose blanks
				// do not count.
				if l.pos+1 < l.end && l.src[l.pos+1] == '\n' && l.pos > start {
					for l.pos += 2; l.pos < l.end && (l.src[l.pos] == ' ' || l.src[l.pos] == '\t'); l.pos++ {
					}
					l.pos--
					continue
				}
			}
			break
		}
		if l.pos == l.end {
			return
		}
		switch l.src[l.pos] {
		case '\n':
			l.pos++
			continue
		case '#':
			l.comment()
			continue
		}
		l.indentTo(at)
		return
	}
}

func (l *lexer) indentTo(at indent) {
	top := l.indents[len(l.indents)-1]
	if at == top {
		return
	}
	if at.column > top.column {
		if at.alternative <= top.alternative {
			l.fail(l.pos, "inconsistent use of tabs and spaces in indentation")
		}
		if len(l.indents) >= maxIndent {
			l.fail(l.pos, "too many levels of indentation")
			return
		}
		l.indents = append(l.indents, at)
		l.emit(tIndent, l.pos, l.pos)
		return
	}
	if at.column == top.column {
		l.fail(l.pos, "inconsistent use of tabs and spaces in indentation")
		return
	}
	for len(l.indents) > 1 && l.indents[len(l.indents)-1].column > at.column {
		l.indents = l.indents[:len(l.indents)-1]
		l.emit(tDedent, l.pos, l.pos)
	}
	if top = l.indents[len(l.indents)-1]; top.column != at.column {
		l.fail(l.pos, "unindent does not match any outer indentation level")
	} else if top.alternative != at.alternative {
		l.fail(l.pos, "inconsistent use of tabs and spaces in indentation")
	}
}

// comment reads up to the end of the line, which stays.
func (l *lexer) comment() {
	start := l.pos
	if i := strings.IndexByte(l.src[l.pos:l.end], '\n'); i >= 0 {
		l.pos += i
	} else {
		l.pos = l.end
	}
	if !l.part {
		l.comments = append(l.comments, Comment{Span{int32(start), int32(l.pos)}})
	}
}

// next reads one token, or what stands between two.
func (l *lexer) next() {
	c := l.src[l.pos]
	switch classes[c] {
	case cSpace:
		l.pos++
	case cIdent:
		l.word()
	case cHigh:
		l.word()
	case cDigit:
		l.number()
	case cQuote:
		l.str(l.pos, false, false)
	default:
		switch c {
		case '\n':
			l.newline()
		case '#':
			l.comment()
		case '\\':
			if l.pos+1 < l.end && l.src[l.pos+1] == '\n' {
				l.pos += 2
				return
			}
			l.bad("unexpected character after line continuation character")
		case '.':
			if l.pos+1 < l.end && classes[l.src[l.pos+1]] == cDigit {
				l.number()
				return
			}
			l.operator(c)
		default:
			l.operator(c)
		}
	}
}

func (l *lexer) bad(msg string) {
	l.fail(l.pos, msg)
	_, n := utf8.DecodeRuneInString(l.src[l.pos:l.end])
	l.emit(tBad, l.pos, l.pos+n)
	l.pos += n
}

func (l *lexer) newline() {
	at := l.pos
	l.pos++
	if l.part {
		return
	}
	if l.depth > 0 {
		if l.unclosed() {
			l.fail(at, "a bracket was not closed")
			l.depth = 0
			l.emit(tNewline, at, l.pos)
			l.startLine()
		}
		return
	}
	l.emit(tNewline, at, l.pos)
	l.startLine()
}

// unclosed tells whether a line within brackets begins with a word that stands
// in no expression, so that a bracket before it was not closed: the rest of
// the file is read then.
func (l *lexer) unclosed() bool {
	i := l.pos
	for i < l.end && classes[l.src[i]] == cSpace {
		i++
	}
	from := i
	for i < l.end && l.src[i] >= 'a' && l.src[i] <= 'z' {
		i++
	}
	if n := i - from; n < 3 || n > 8 || i == l.end || l.src[i] != ' ' && l.src[i] != '\n' && l.src[i] != ':' {
		return false
	}
	return statementOnly(keyword(l.src[from:i]))
}

func (l *lexer) word() {
	from := l.pos
	i := l.pos
	for {
		for i < l.end && (classes[l.src[i]] == cIdent || classes[l.src[i]] == cDigit) {
			i++
		}
		if i == l.end || classes[l.src[i]] != cHigh {
			break
		}
		r, n := utf8.DecodeRuneInString(l.src[i:l.end])
		if !identifier(r, i == from) {
			break
		}
		i += n
	}
	if i == from {
		l.bad("invalid character")
		return
	}
	l.pos = i
	if i < l.end && classes[l.src[i]] == cQuote && i-from <= 2 {
		if raw, formatted, ok := prefix(l.src[from:i]); ok {
			l.str(from, raw, formatted)
			return
		}
	}
	k := tName
	if n := i - from; n >= 2 && n <= 8 {
		k = keyword(l.src[from:i])
	}
	l.emit(k, from, i)
}

// identifier tells whether a character that is not ASCII stands in names
// (PEP 3131).
func identifier(r rune, first bool) bool {
	if unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start) {
		return true
	}
	return !first && unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)
}

func (l *lexer) digits(i int, ok func(byte) bool) int {
	for i < l.end && (ok(l.src[i]) || l.src[i] == '_' && i+1 < l.end && ok(l.src[i+1])) {
		i++
	}
	return i
}

func decimal(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) number() {
	from, i := l.pos, l.pos
	if l.src[i] == '0' && i+1 < l.end {
		var ok func(byte) bool
		switch l.src[i+1] | 0x20 {
		case 'x':
			ok = func(c byte) bool { return decimal(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
		case 'o':
			ok = func(c byte) bool { return c >= '0' && c <= '7' }
		case 'b':
			ok = func(c byte) bool { return c == '0' || c == '1' }
		}
		if ok != nil {
			l.pos = l.digits(i+2, ok)
			l.emit(tNumber, from, l.pos)
			return
		}
	}
	i = l.digits(i, decimal)
	if i < l.end && l.src[i] == '.' {
		i = l.digits(i+1, decimal)
	}
	if i < l.end && l.src[i]|0x20 == 'e' {
		j := i + 1
		if j < l.end && (l.src[j] == '+' || l.src[j] == '-') {
			j++
		}
		if j < l.end && decimal(l.src[j]) {
			i = l.digits(j, decimal)
		}
	}
	if i < l.end && l.src[i]|0x20 == 'j' {
		i++
	}
	l.pos = i
	l.emit(tNumber, from, i)
}

// operator reads an operator or a delimiter: the longest that there is.
func (l *lexer) operator(c byte) {
	from := l.pos
	var next, third byte
	if from+1 < l.end {
		next = l.src[from+1]
	}
	if from+2 < l.end {
		third = l.src[from+2]
	}
	k, n := tBad, 1
	// with is for an operator that may be followed by =.
	with := func(plain, equal kind) {
		if k = plain; next == '=' {
			k, n = equal, 2
		}
	}
	// twice is for one that may be doubled, too.
	twice := func(plain, equal, double, doubleEqual kind) {
		if next == c && third == '=' {
			k, n = doubleEqual, 3
		} else if next == c {
			k, n = double, 2
		} else {
			with(plain, equal)
		}
	}
	switch c {
	case '(':
		k = oLpar
		l.depth++
	case '[':
		k = oLsqb
		l.depth++
	case '{':
		k = oLbrace
		l.depth++
	case ')', ']', '}':
		switch c {
		case ')':
			k = oRpar
		case ']':
			k = oRsqb
		default:
			k = oRbrace
		}
		if l.depth > 0 {
			l.depth--
		}
	case ':':
		with(oColon, oColonEqual)
	case ',':
		k = oComma
	case ';':
		k = oSemi
	case '.':
		if k = oDot; next == '.' && third == '.' {
			k, n = oEllipsis, 3
		}
	case '@':
		with(oAt, oAtEqual)
	case '=':
		with(oEqual, oEqEqual)
	case '+':
		with(oPlus, oPlusEqual)
	case '-':
		if next == '>' {
			k, n = oArrow, 2
		} else {
			with(oMinus, oMinusEqual)
		}
	case '*':
		twice(oStar, oStarEqual, oDoubleStar, oDoubleStarEqual)
	case '/':
		twice(oSlash, oSlashEqual, oDoubleSlash, oDoubleSlashEqual)
	case '%':
		with(oPercent, oPercentEqual)
	case '|':
		with(oVbar, oVbarEqual)
	case '&':
		with(oAmper, oAmperEqual)
	case '^':
		with(oCircumflex, oCircumflexEqual)
	case '~':
		k = oTilde
	case '<':
		twice(oLess, oLessEqual, oLeftShift, oLeftShiftEqual)
	case '>':
		twice(oGreater, oGreaterEqual, oRightShift, oRightShiftEqual)
	case '!':
		with(oExclamation, oNotEqual)
	default:
		l.bad("invalid character")
		return
	}
	l.pos += n
	l.emit(k, from, l.pos)
}
