package pyast

// precedence of binary operators, from the loosest; 0 is none.
var precedence = [...]uint8{
	oVbar: 1, oCircumflex: 2, oAmper: 3,
	oLeftShift: 4, oRightShift: 4,
	oPlus: 5, oMinus: 5,
	oStar: 6, oAt: 6, oSlash: 6, oDoubleSlash: 6, oPercent: 6,
	oDoubleSlashEqual: 0,
}

var binaryOps = [...]Op{
	oVbar: BitOr, oCircumflex: BitXor, oAmper: BitAnd,
	oLeftShift: LShift, oRightShift: RShift,
	oPlus: Add, oMinus: Sub,
	oStar: Mult, oAt: MatMult, oSlash: Div, oDoubleSlash: FloorDiv, oPercent: Mod,
}

// starts tells which tokens an expression begins with.
var starts = [oDoubleSlashEqual + 1]bool{
	tName: true, tNumber: true, tString: true, tBad: true,
	kFalse: true, kNone: true, kTrue: true, kAwait: true, kLambda: true, kNot: true,
	oLpar: true, oLsqb: true, oLbrace: true, oEllipsis: true,
	oPlus: true, oMinus: true, oTilde: true, oStar: true,
}

func (p *parser) startsExpr() bool { return starts[p.k] }

// nothing stands for an expression that could not be read; the statement that
// it is in will be a Bad one.
func (p *parser) nothing() Expr { return &Name{} }

func (p *parser) starExpressions() Expr {
	from := p.from()
	e := p.starExpression()
	if p.k != oComma {
		return e
	}
	return p.tupleFrom(from, e, true)
}

// tupleFrom reads the rest of a tuple behind its first element.
func (p *parser) tupleFrom(from int32, first Expr, star bool) Expr {
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.accept(oComma) && p.startsExpr() {
		if star {
			p.exprs = append(p.exprs, p.starExpression())
		} else {
			p.exprs = append(p.exprs, p.expression())
		}
	}
	t := alloc(&p.arena.tuples)
	t.Elts = p.takeExprs(mark)
	t.Span = Span{from, p.prev}
	return t
}

func (p *parser) starExpression() Expr {
	if p.k == oStar {
		return p.starred()
	}
	return p.expression()
}

func (p *parser) starred() Expr {
	from := p.from()
	p.next()
	e := p.binary(1)
	return &Starred{Span{from, p.prev}, e, Load}
}

func (p *parser) starNamedExpression() Expr {
	if p.k == oStar {
		return p.starred()
	}
	return p.namedExpression()
}

func (p *parser) namedExpression() Expr {
	if p.k != tName || p.peek() != oColonEqual {
		return p.expression()
	}
	from := p.from()
	n := p.nameExpr()
	n.Ctx = Store
	p.next()
	e := p.expression()
	return &NamedExpr{Span{from, p.prev}, n, e}
}

func (p *parser) nameExpr() *Name {
	n := alloc(&p.arena.names)
	n.From = p.from()
	n.ID = p.name()
	n.To = p.prev
	return n
}

func (p *parser) expression() Expr {
	if !p.enter() {
		p.leave()
		return p.nothing()
	}
	defer p.leave()
	if p.k == kLambda {
		return p.lambda()
	}
	from := p.from()
	e := p.or()
	if p.k != kIf {
		return e
	}
	p.next()
	test := p.or()
	p.expect(kElse, "'else'")
	orelse := p.expression()
	return &IfExp{Span{from, p.prev}, test, e, orelse}
}

func (p *parser) lambda() Expr {
	from := p.from()
	p.next()
	args := p.parameters(oColon)
	p.expect(oColon, "':'")
	body := p.expression()
	return &Lambda{Span{from, p.prev}, args, body}
}

func (p *parser) yield() Expr {
	from := p.from()
	p.next()
	if p.accept(kFrom) {
		e := p.expression()
		return &YieldFrom{Span{from, p.prev}, e}
	}
	var e Expr
	if p.startsExpr() {
		e = p.starExpressions()
	}
	return &Yield{Span{from, p.prev}, e}
}

func (p *parser) or() Expr {
	from := p.from()
	e := p.and()
	if p.k != kOr {
		return e
	}
	mark := len(p.exprs)
	p.exprs = append(p.exprs, e)
	for p.accept(kOr) {
		p.exprs = append(p.exprs, p.and())
	}
	values := p.takeExprs(mark)
	return &BoolOp{Span{from, p.prev}, Or, values}
}

func (p *parser) and() Expr {
	from := p.from()
	e := p.not()
	if p.k != kAnd {
		return e
	}
	mark := len(p.exprs)
	p.exprs = append(p.exprs, e)
	for p.accept(kAnd) {
		p.exprs = append(p.exprs, p.not())
	}
	values := p.takeExprs(mark)
	return &BoolOp{Span{from, p.prev}, And, values}
}

func (p *parser) not() Expr {
	if p.k != kNot {
		return p.comparison()
	}
	from := p.from()
	if !p.enter() {
		p.leave()
		return p.nothing()
	}
	p.next()
	e := p.not()
	p.leave()
	return &UnaryOp{Span{from, p.prev}, Not, e}
}

func (p *parser) comparison() Expr {
	from := p.from()
	left := p.binary(1)
	op, words := p.comparisonOp()
	if op == NoOp {
		return left
	}
	c := alloc(&p.arena.compares)
	c.Left = left
	mark := len(p.exprs)
	for op != NoOp {
		for range words {
			p.next()
		}
		c.Ops = append(c.Ops, op)
		p.exprs = append(p.exprs, p.binary(1))
		op, words = p.comparisonOp()
	}
	c.Comparators = p.takeExprs(mark)
	c.Span = Span{from, p.prev}
	return c
}

func (p *parser) comparisonOp() (op Op, words int) {
	switch p.k {
	case oEqEqual:
		return Eq, 1
	case oNotEqual:
		return NotEq, 1
	case oLess:
		return Lt, 1
	case oLessEqual:
		return LtE, 1
	case oGreater:
		return Gt, 1
	case oGreaterEqual:
		return GtE, 1
	case kIn:
		return In, 1
	case kIs:
		if p.peek() == kNot {
			return IsNot, 2
		}
		return Is, 1
	case kNot:
		if p.peek() == kIn {
			return NotIn, 2
		}
	}
	return NoOp, 0
}

// binary climbs the precedences of binary operators.
func (p *parser) binary(least uint8) Expr {
	from := p.from()
	left := p.factor()
	for {
		k := p.k
		if int(k) >= len(precedence) || precedence[k] < least || precedence[k] == 0 {
			return left
		}
		p.next()
		right := p.binary(precedence[k] + 1)
		b := alloc(&p.arena.binOps)
		*b = BinOp{Span{from, p.prev}, left, binaryOps[k], right}
		left = b
	}
}

func (p *parser) factor() Expr {
	var op Op
	switch p.k {
	case oPlus:
		op = UAdd
	case oMinus:
		op = USub
	case oTilde:
		op = Invert
	default:
		return p.power()
	}
	from := p.from()
	if !p.enter() {
		p.leave()
		return p.nothing()
	}
	p.next()
	e := p.factor()
	p.leave()
	return &UnaryOp{Span{from, p.prev}, op, e}
}

func (p *parser) power() Expr {
	from := p.from()
	var base Expr
	if p.k == kAwait {
		p.next()
		e := p.primary()
		base = &Await{Span{from, p.prev}, e}
	} else {
		base = p.primary()
	}
	if p.k != oDoubleStar {
		return base
	}
	if !p.enter() {
		p.leave()
		return base
	}
	p.next()
	right := p.factor()
	p.leave()
	b := alloc(&p.arena.binOps)
	*b = BinOp{Span{from, p.prev}, base, Pow, right}
	return b
}

func (p *parser) primary() Expr {
	from := p.from()
	e := p.atom()
	for {
		switch p.k {
		case oDot:
			p.next()
			a := alloc(&p.arena.attributes)
			a.Value = e
			a.Attr = p.name()
			a.Span = Span{from, p.prev}
			e = a
		case oLpar:
			c := alloc(&p.arena.calls)
			c.Func = e
			c.Args, c.Keywords = p.arguments()
			c.Span = Span{from, p.prev}
			e = c
		case oLsqb:
			p.next()
			s := alloc(&p.arena.subscripts)
			s.Value = e
			s.Slice = p.slices()
			p.expect(oRsqb, "']'")
			s.Span = Span{from, p.prev}
			e = s
		default:
			return e
		}
	}
}

// arguments of a call, or of a class.
func (p *parser) arguments() ([]Expr, []*Keyword) {
	open := p.from()
	p.next()
	mark, kwMark := len(p.exprs), len(p.keywords)
	for p.k != oRpar && p.k != tEOF {
		from := p.from()
		switch {
		case p.k == oStar:
			p.next()
			e := p.expression()
			p.exprs = append(p.exprs, &Starred{Span{from, p.prev}, e, Load})
		case p.k == oDoubleStar:
			p.next()
			p.keyword(from, "")
		case p.k == tName && p.peek() == oEqual:
			name := p.name()
			p.next()
			p.keyword(from, name)
		default:
			e := p.namedExpression()
			if p.k == kFor || p.k == kAsync {
				g := &GeneratorExp{Elt: e, Generators: p.comprehensions()}
				g.Span = Span{from, p.prev}
				if p.k == oRpar && len(p.exprs) == mark && len(p.keywords) == kwMark {
					// The parentheses of the call are those of the generator.
					g.Span = Span{open, p.tokens[p.i].to}
				}
				e = g
			}
			p.exprs = append(p.exprs, e)
		}
		if !p.accept(oComma) {
			break
		}
	}
	if !p.accept(oRpar) && !p.failed {
		if starts[p.k] {
			p.fail("expected a comma between arguments")
		} else {
			p.fail("expected ')'")
		}
	}
	return p.takeExprs(mark), p.takeKeywords(kwMark)
}

func (p *parser) keyword(from int32, name string) {
	k := alloc(&p.arena.keywords)
	k.Name = name
	k.Value = p.expression()
	k.Span = Span{from, p.prev}
	p.keywords = append(p.keywords, k)
}

func (p *parser) slices() Expr {
	from := p.from()
	e := p.slice()
	if p.k != oComma {
		if _, ok := e.(*Starred); !ok {
			return e
		}
	}
	mark := len(p.exprs)
	p.exprs = append(p.exprs, e)
	for p.accept(oComma) && (p.startsExpr() || p.k == oColon) {
		p.exprs = append(p.exprs, p.slice())
	}
	t := alloc(&p.arena.tuples)
	t.Elts = p.takeExprs(mark)
	t.Span = Span{from, p.prev}
	return t
}

func (p *parser) slice() Expr {
	from := p.from()
	s := Slice{}
	if p.k != oColon {
		e := p.starNamedExpression()
		if p.k != oColon {
			return e
		}
		s.Lower = e
	}
	p.next()
	if p.startsExpr() {
		s.Upper = p.expression()
	}
	if p.accept(oColon) && p.startsExpr() {
		s.Step = p.expression()
	}
	s.Span = Span{from, p.prev}
	return &s
}
