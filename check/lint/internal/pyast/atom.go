package pyast

func (p *parser) atom() Expr {
	from := p.from()
	switch p.k {
	case tName:
		return p.nameExpr()
	case tNumber:
		return p.number()
	case tString:
		return p.strings()
	case kNone:
		return p.constant(None)
	case kTrue:
		return p.constant(True)
	case kFalse:
		return p.constant(False)
	case oEllipsis:
		return p.constant(Ellipsis)
	case oLpar:
		return p.parenthesis()
	case oLsqb:
		p.next()
		mark := len(p.exprs)
		if p.k != oRsqb {
			e := p.starNamedExpression()
			if p.k == kFor || p.k == kAsync {
				g := p.comprehensions()
				p.expect(oRsqb, "']'")
				return &ListComp{Span{from, p.prev}, e, g}
			}
			p.exprs = append(p.exprs, e)
			for p.accept(oComma) && p.startsExpr() {
				p.exprs = append(p.exprs, p.starNamedExpression())
			}
		}
		p.expect(oRsqb, "']'")
		l := alloc(&p.arena.lists)
		l.Elts = p.takeExprs(mark)
		l.Span = Span{from, p.prev}
		return l
	case oLbrace:
		return p.braces()
	case tBad:
		p.fail("invalid token")
	default:
		p.fail("expected an expression")
	}
	return p.nothing()
}

func (p *parser) constant(k Kind) Expr {
	c := alloc(&p.arena.constants)
	c.Kind = k
	c.From = p.from()
	p.next()
	c.To = p.prev
	return c
}

func (p *parser) number() Expr {
	s := p.text()
	k := Int
	last := s[len(s)-1]
	hex := len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x'
	switch {
	case hex:
	case last|0x20 == 'j':
		k = Imaginary
	default:
		for i := range len(s) {
			if c := s[i]; c == '.' || c|0x20 == 'e' {
				k = Float
				break
			}
		}
	}
	c := p.constant(k).(*Constant)
	c.Value = s
	return c
}

// parenthesis is a tuple, a generator, or an expression in parentheses.
func (p *parser) parenthesis() Expr {
	from := p.from()
	p.next()
	var e Expr
	switch p.k {
	case oRpar:
		p.next()
		t := alloc(&p.arena.tuples)
		t.Span = Span{from, p.prev}
		return t
	case kYield:
		e = p.yield()
	default:
		e = p.starNamedExpression()
		switch p.k {
		case kFor, kAsync:
			g := p.comprehensions()
			p.expect(oRpar, "')'")
			return &GeneratorExp{Span{from, p.prev}, e, g}
		case oComma:
			mark := len(p.exprs)
			p.exprs = append(p.exprs, e)
			for p.accept(oComma) && p.startsExpr() {
				p.exprs = append(p.exprs, p.starNamedExpression())
			}
			p.expect(oRpar, "')'")
			t := alloc(&p.arena.tuples)
			t.Elts = p.takeExprs(mark)
			t.Span = Span{from, p.prev}
			return t
		}
	}
	p.expect(oRpar, "')'")
	return e
}

// braces are a set or a dict, or a comprehension of one.
func (p *parser) braces() Expr {
	from := p.from()
	p.next()
	if p.accept(oRbrace) {
		return &Dict{Span: Span{from, p.prev}}
	}
	if p.k != oDoubleStar {
		e := p.starNamedExpression()
		if p.k != oColon {
			return p.set(from, e)
		}
		p.next()
		value := p.expression()
		if p.k == kFor || p.k == kAsync {
			g := p.comprehensions()
			p.expect(oRbrace, "'}'")
			return &DictComp{Span{from, p.prev}, e, value, g}
		}
		return p.dict(from, e, value)
	}
	p.next()
	return p.dict(from, nil, p.binary(1))
}

func (p *parser) set(from int32, first Expr) Expr {
	if p.k == kFor || p.k == kAsync {
		g := p.comprehensions()
		p.expect(oRbrace, "'}'")
		return &SetComp{Span{from, p.prev}, first, g}
	}
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.accept(oComma) && p.startsExpr() {
		p.exprs = append(p.exprs, p.starNamedExpression())
	}
	p.expect(oRbrace, "'}'")
	elts := p.takeExprs(mark)
	return &Set{Span{from, p.prev}, elts}
}

// dict reads the rest of one behind its first pair.
func (p *parser) dict(from int32, key, value Expr) Expr {
	// Keys and values are on the stack in turn.
	mark := len(p.exprs)
	p.exprs = append(p.exprs, key, value)
	for p.accept(oComma) && p.k != oRbrace && p.k != tEOF {
		if p.accept(oDoubleStar) {
			p.exprs = append(p.exprs, nil, p.binary(1))
			continue
		}
		k := p.expression()
		p.expect(oColon, "':'")
		p.exprs = append(p.exprs, k, p.expression())
	}
	p.expect(oRbrace, "'}'")
	pairs := p.exprs[mark:]
	n := len(pairs) / 2
	both := make([]Expr, 2*n)
	d := &Dict{Span{from, p.prev}, both[:n:n], both[n:]}
	for i := range n {
		d.Keys[i], d.Values[i] = pairs[2*i], pairs[2*i+1]
	}
	p.exprs = p.exprs[:mark]
	return d
}

func (p *parser) comprehensions() []*Comprehension {
	var out []*Comprehension
	for p.k == kFor || p.k == kAsync && p.peek() == kFor {
		c := &Comprehension{Span: Span{From: p.from()}}
		c.Async = p.accept(kAsync)
		p.next()
		c.Target = p.targets()
		p.expect(kIn, "'in'")
		c.Iter = p.or()
		mark := len(p.exprs)
		for p.accept(kIf) {
			p.exprs = append(p.exprs, p.or())
		}
		c.Ifs = p.takeExprs(mark)
		c.To = p.prev
		out = append(out, c)
	}
	if out == nil {
		p.fail("expected 'for'")
	}
	return out
}

// targets are what a loop assigns to.
func (p *parser) targets() Expr {
	from := p.from()
	e := p.starTarget()
	if p.k == oComma {
		mark := len(p.exprs)
		p.exprs = append(p.exprs, e)
		for p.accept(oComma) && p.startsExpr() {
			p.exprs = append(p.exprs, p.starTarget())
		}
		t := alloc(&p.arena.tuples)
		t.Elts = p.takeExprs(mark)
		t.Span = Span{from, p.prev}
		e = t
	}
	p.setCtx(e, Store)
	return e
}

func (p *parser) starTarget() Expr {
	if p.k == oStar {
		return p.starred()
	}
	return p.binary(1)
}

// target is what `as` assigns to.
func (p *parser) target() Expr {
	e := p.starTarget()
	p.setCtx(e, Store)
	return e
}
