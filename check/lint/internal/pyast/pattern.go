package pyast

// matchStmt reads a match statement, or nothing where match is a name.
func (p *parser) matchStmt() Stmt {
	switch p.peek() {
	case oEqual, oDot, oComma, oRpar, oColon, tNewline, oSemi, tEOF:
		return nil
	}
	before := p.save()
	s := &Match{Span: Span{From: p.from()}}
	p.next()
	from := p.from()
	if !p.startsExpr() {
		p.restore(before)
		return nil
	}
	s.Subject = p.starNamedExpression()
	if p.k == oComma {
		s.Subject = p.tupleFrom(from, s.Subject, true)
	}
	if p.failed || p.k != oColon || p.peek() != tNewline || p.peekAt(2) != tIndent {
		p.restore(before)
		return nil
	}
	p.next()
	p.next()
	p.next()
	if !p.soft("case") {
		p.restore(before)
		return nil
	}
	for p.soft("case") {
		s.Cases = append(s.Cases, p.matchCase())
	}
	if p.k != tDedent {
		p.fail("expected 'case'")
		return s
	}
	p.next()
	s.To = p.prev
	return s
}

func (p *parser) matchCase() *MatchCase {
	c := &MatchCase{Span: Span{From: p.from()}}
	p.next()
	from := p.from()
	c.Pattern = p.starPattern()
	if p.k == oComma {
		c.Pattern = p.sequence(from, c.Pattern, oColon)
	} else if star, ok := c.Pattern.(*MatchStar); ok {
		c.Pattern = &MatchSequence{star.Span, []Pattern{star}}
	}
	if p.accept(kIf) {
		c.Guard = p.namedExpression()
	}
	c.Body = p.block()
	c.To = p.prev
	return c
}

// sequence reads the rest of one behind its first pattern. A bracket that ends
// it is of the caller.
func (p *parser) sequence(from int32, first Pattern, end kind) *MatchSequence {
	s := &MatchSequence{Patterns: []Pattern{first}}
	for p.accept(oComma) && p.k != end && p.k != kIf && p.k != tEOF {
		s.Patterns = append(s.Patterns, p.starPattern())
	}
	s.Span = Span{from, p.prev}
	return s
}

func (p *parser) starPattern() Pattern {
	if p.k != oStar {
		return p.asPattern()
	}
	from := p.from()
	p.next()
	name := p.name()
	return &MatchStar{Span{from, p.prev}, wildcard(name)}
}

// wildcard is the name of a pattern that keeps nothing: none.
func wildcard(name string) string {
	if name == "_" {
		return ""
	}
	return name
}

func (p *parser) asPattern() Pattern {
	if !p.enter() {
		p.leave()
		return &MatchAs{}
	}
	defer p.leave()
	from := p.from()
	pattern := p.closedPattern()
	if p.k == oVbar {
		or := &MatchOr{Patterns: []Pattern{pattern}}
		for p.accept(oVbar) {
			or.Patterns = append(or.Patterns, p.closedPattern())
		}
		or.Span = Span{from, p.prev}
		pattern = or
	}
	if p.accept(kAs) {
		name := p.name()
		return &MatchAs{Span{from, p.prev}, pattern, name}
	}
	return pattern
}

func (p *parser) closedPattern() Pattern {
	from := p.from()
	switch p.k {
	case kNone:
		p.next()
		return &MatchSingleton{Span{from, p.prev}, None}
	case kTrue:
		p.next()
		return &MatchSingleton{Span{from, p.prev}, True}
	case kFalse:
		p.next()
		return &MatchSingleton{Span{from, p.prev}, False}
	case tNumber, oMinus:
		e := p.binary(5) // a complex number is a sum
		return &MatchValue{Span{from, p.prev}, e}
	case tString:
		e := p.strings()
		return &MatchValue{Span{from, p.prev}, e}
	case oLsqb:
		p.next()
		s := &MatchSequence{}
		if p.k != oRsqb {
			s = p.sequence(from, p.starPattern(), oRsqb)
		}
		p.expect(oRsqb, "']'")
		s.Span = Span{from, p.prev}
		return s
	case oLpar:
		p.next()
		if p.accept(oRpar) {
			return &MatchSequence{Span: Span{from, p.prev}}
		}
		inner := p.starPattern()
		_, star := inner.(*MatchStar)
		if p.k != oComma && !star {
			p.expect(oRpar, "')'")
			return inner
		}
		s := p.sequence(from, inner, oRpar)
		p.expect(oRpar, "')'")
		s.Span = Span{from, p.prev}
		return s
	case oLbrace:
		return p.mapping()
	case tName:
		return p.namePattern()
	}
	p.fail("expected a pattern")
	return &MatchAs{}
}

func (p *parser) mapping() Pattern {
	m := &MatchMapping{Span: Span{From: p.from()}}
	p.next()
	for p.k != oRbrace && p.k != tEOF {
		if p.accept(oDoubleStar) {
			m.Rest = p.name()
		} else {
			m.Keys = append(m.Keys, p.mappingKey())
			p.expect(oColon, "':'")
			m.Patterns = append(m.Patterns, p.asPattern())
		}
		if !p.accept(oComma) {
			break
		}
	}
	p.expect(oRbrace, "'}'")
	m.To = p.prev
	return m
}

func (p *parser) mappingKey() Expr {
	switch p.k {
	case kNone, kTrue, kFalse, tString:
		return p.atom()
	case tName:
		return p.dottedExpr()
	}
	return p.binary(5)
}

func (p *parser) dottedExpr() Expr {
	from := p.from()
	var e Expr = p.nameExpr()
	for p.accept(oDot) {
		attr := p.name()
		e = &Attribute{Span: Span{from, p.prev}, Value: e, Attr: attr}
	}
	return e
}

// namePattern is a name that is kept, a value with a dot, or a class.
func (p *parser) namePattern() Pattern {
	from := p.from()
	if p.peek() != oDot && p.peek() != oLpar {
		name := p.name()
		return &MatchAs{Span{from, p.prev}, nil, wildcard(name)}
	}
	e := p.dottedExpr()
	if !p.accept(oLpar) {
		return &MatchValue{Span{from, p.prev}, e}
	}
	c := &MatchClass{Span: Span{From: from}, Class: e}
	for p.k != oRpar && p.k != tEOF {
		if p.k == tName && p.peek() == oEqual {
			c.KwdAttrs = append(c.KwdAttrs, p.name())
			p.next()
			c.KwdPatterns = append(c.KwdPatterns, p.asPattern())
		} else {
			c.Patterns = append(c.Patterns, p.asPattern())
		}
		if !p.accept(oComma) {
			break
		}
	}
	p.expect(oRpar, "')'")
	c.To = p.prev
	return c
}
