package pyast

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// maxDepth bounds how deep expressions and blocks are nested: what a parser
// that calls itself could not hold on its stack.
const maxDepth = 1000

// A parser reads tokens by recursive descent. What fails stands at the end of
// the tokens from there on, so that every loop ends, and the list of statements
// that it was in goes on behind it.
type parser struct {
	src    string
	tokens []token
	i      int
	k      kind  // of tokens[i]
	prev   int32 // where the token before ended, blanks aside
	depth  int

	failed     bool
	failAt     int // the token
	failOffset int
	failText   string
	errors     []Error

	stacks
	arena *arena
}

// stacks hold what is read of lists that are not at their end.
type stacks struct {
	exprs    []Expr
	stmts    []Stmt
	keywords []*Keyword
}

func (p *parser) next() {
	if t := p.tokens[p.i]; t.kind > tDedent || t.kind == tEOF {
		p.prev = t.to
	}
	if p.i < len(p.tokens)-1 {
		p.i++
	}
	p.k = p.tokens[p.i].kind
}

func (p *parser) from() int32 { return p.tokens[p.i].from }

func (p *parser) peek() kind { return p.peekAt(1) }

func (p *parser) peekAt(n int) kind {
	if p.i+n < len(p.tokens) {
		return p.tokens[p.i+n].kind
	}
	return tEOF
}

// text is the source of the token that is next.
func (p *parser) text() string {
	t := p.tokens[p.i]
	return p.src[t.from:t.to]
}

// soft tells whether the token that is next is a word that is a keyword in
// some places.
func (p *parser) soft(word string) bool { return p.k == tName && p.text() == word }

func (p *parser) accept(k kind) bool {
	if p.k == k {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(k kind, what string) {
	if !p.accept(k) {
		p.fail("expected " + what)
	}
}

func (p *parser) fail(msg string) { p.failFrom(int(p.from()), msg) }

func (p *parser) failFrom(offset int, msg string) {
	if p.failed {
		return
	}
	p.failed, p.failAt, p.failOffset, p.failText = true, p.i, offset, msg
	p.seek(len(p.tokens) - 1)
}

func (p *parser) seek(i int) {
	p.i = i
	p.k = p.tokens[i].kind
}

// A state is what speculation goes back to.
type state struct {
	i, exprs, stmts, keywords, depth int
	prev                             int32
}

func (p *parser) save() state {
	return state{p.i, len(p.exprs), len(p.stmts), len(p.keywords), p.depth, p.prev}
}

func (p *parser) restore(s state) {
	p.failed = false
	p.exprs, p.stmts, p.keywords = p.exprs[:s.exprs], p.stmts[:s.stmts], p.keywords[:s.keywords]
	p.depth, p.prev = s.depth, s.prev
	p.seek(s.i)
}

func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxDepth {
		p.fail("too deeply nested")
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

func (p *parser) file() []Stmt {
	p.seek(0)
	mark := len(p.stmts)
	for p.k != tEOF {
		p.statements()
		if p.k == tDedent {
			p.next()
		}
	}
	return p.takeStmts(mark)
}

// statements reads up to the end of a block.
func (p *parser) statements() {
	for p.k != tDedent && p.k != tEOF {
		s := p.save()
		if p.k == tIndent {
			p.fail("unexpected indentation")
		} else {
			p.statement()
		}
		if p.failed {
			p.recover(s)
		}
	}
}

// recover goes on behind the line that could not be read. A block below it is
// read as if it were in its place.
func (p *parser) recover(s state) {
	p.errors = append(p.errors, Error{Offset: p.failOffset, Message: p.failText})
	at := p.failAt
	p.restore(s)
	from := p.from()
	p.seek(at)
	// Where a line is missing, that which stands there is not at fault.
	if at == s.i || p.tokens[at-1].kind > tDedent {
		for p.k != tNewline && p.k != tIndent && p.k != tDedent && p.k != tEOF {
			p.next()
		}
		if p.k == tNewline {
			p.next()
		}
	}
	bad := alloc(&p.arena.bad)
	bad.Span = Span{min(from, p.prev), p.prev} // what holds no token ends where the last one did
	p.stmts = append(p.stmts, bad)
	if p.k == tIndent {
		if p.enter() {
			p.next()
			p.statements()
			if p.k == tDedent {
				p.next()
			}
		} else {
			p.skipBlock()
		}
		p.leave()
	}
}

// skipBlock passes over a block that is too deep.
func (p *parser) skipBlock() {
	p.seek(p.failAt)
	p.failed = false
	for depth := 0; p.k != tEOF; p.next() {
		switch p.k {
		case tIndent:
			depth++
		case tDedent:
			if depth--; depth <= 0 {
				p.next()
				return
			}
		}
	}
}

// block is what stands behind a colon.
func (p *parser) block() []Stmt {
	p.expect(oColon, "':'")
	if p.failed {
		return nil
	}
	mark := len(p.stmts)
	if p.k != tNewline {
		p.simple()
		return p.takeStmts(mark)
	}
	p.next()
	if p.k != tIndent {
		p.fail("expected an indented block")
		return nil
	}
	if p.enter() {
		p.next()
		p.statements()
		if p.k == tDedent {
			p.next()
		}
	}
	p.leave()
	return p.takeStmts(mark)
}

func (p *parser) push(s Stmt) { p.stmts = append(p.stmts, s) }

func (p *parser) statement() {
	switch p.k {
	case kIf:
		p.push(p.ifStmt())
	case kWhile:
		p.push(p.whileStmt())
	case kFor:
		p.push(p.forStmt(p.from(), false))
	case kTry:
		p.push(p.tryStmt())
	case kWith:
		p.push(p.withStmt(p.from(), false))
	case kDef:
		p.push(p.functionDef(p.from(), false, nil))
	case kClass:
		p.push(p.classDef(nil))
	case oAt:
		p.decorated()
	case kAsync:
		p.async(nil)
	case tName:
		if p.soft("match") {
			if m := p.matchStmt(); m != nil {
				p.push(m)
				return
			}
		}
		p.simple()
	default:
		p.simple()
	}
}

func (p *parser) async(decorators []Expr) {
	from := p.from()
	p.next()
	switch {
	case p.k == kDef:
		p.push(p.functionDef(from, true, decorators))
	case p.k == kFor && decorators == nil:
		p.push(p.forStmt(from, true))
	case p.k == kWith && decorators == nil:
		p.push(p.withStmt(from, true))
	default:
		p.fail("expected 'def', 'for' or 'with' after 'async'")
	}
}

func (p *parser) decorated() {
	mark := len(p.exprs)
	for p.k == oAt {
		p.next()
		p.exprs = append(p.exprs, p.namedExpression())
		p.expect(tNewline, "a new line")
	}
	if p.failed {
		return
	}
	decorators := p.takeExprs(mark)
	switch p.k {
	case kDef:
		p.push(p.functionDef(p.from(), false, decorators))
	case kClass:
		p.push(p.classDef(decorators))
	case kAsync:
		p.async(decorators)
	default:
		p.fail("expected a function or a class behind its decorators")
	}
}

// name reads an identifier.
func (p *parser) name() string {
	if p.k != tName {
		p.fail("expected a name")
		return ""
	}
	s := normal(p.text())
	p.next()
	return s
}

// normal brings an identifier to the form in which names are compared
// (PEP 3131).
func normal(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return norm.NFKC.String(s)
		}
	}
	return s
}

// dotted is `a.b.c`.
func (p *parser) dotted() string {
	start := p.from()
	first := p.name()
	if p.k != oDot {
		return first
	}
	for p.accept(oDot) {
		p.name()
	}
	return normal(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\n' || r == '\\' {
			return -1
		}
		return r
	}, p.src[start:p.prev]))
}
