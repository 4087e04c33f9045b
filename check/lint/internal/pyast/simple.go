package pyast

// simple reads the simple statements of a line.
func (p *parser) simple() {
	for {
		p.push(p.simpleStmt())
		if !p.accept(oSemi) || p.k == tNewline {
			break
		}
	}
	if p.k != tNewline {
		p.unexpected()
		return
	}
	p.next()
}

func (p *parser) unexpected() {
	if p.k == tName || p.k == tString || p.k == tNumber {
		p.fail("expected an operator or the end of the statement")
		return
	}
	p.fail("invalid syntax")
}

func (p *parser) simpleStmt() Stmt {
	from := p.from()
	switch p.k {
	case kReturn:
		p.next()
		s := alloc(&p.arena.returns)
		if p.startsExpr() {
			s.Value = p.starExpressions()
		}
		s.Span = Span{from, p.prev}
		return s
	case kImport:
		return p.importStmt()
	case kFrom:
		return p.importFrom()
	case kRaise:
		p.next()
		s := &Raise{}
		if p.startsExpr() {
			s.Exc = p.expression()
			if p.accept(kFrom) {
				s.Cause = p.expression()
			}
		}
		s.Span = Span{from, p.prev}
		return s
	case kPass:
		p.next()
		return &Pass{Span{from, p.prev}}
	case kBreak:
		p.next()
		return &Break{Span{from, p.prev}}
	case kContinue:
		p.next()
		return &Continue{Span{from, p.prev}}
	case kDel:
		p.next()
		s := &Delete{}
		mark := len(p.exprs)
		for p.startsExpr() {
			e := p.binary(1)
			p.setCtx(e, Del)
			p.exprs = append(p.exprs, e)
			if !p.accept(oComma) {
				break
			}
		}
		if s.Targets = p.takeExprs(mark); s.Targets == nil {
			p.fail("expected what to delete")
		}
		s.Span = Span{from, p.prev}
		return s
	case kAssert:
		p.next()
		s := &Assert{Test: p.expression()}
		if p.accept(oComma) {
			s.Msg = p.expression()
		}
		s.Span = Span{from, p.prev}
		return s
	case kGlobal:
		p.next()
		names := p.names()
		return &Global{Span{from, p.prev}, names}
	case kNonlocal:
		p.next()
		names := p.names()
		return &Nonlocal{Span{from, p.prev}, names}
	case tName:
		if p.soft("type") && p.peek() == tName && (p.peekAt(2) == oEqual || p.peekAt(2) == oLsqb) {
			return p.typeAlias()
		}
	}
	return p.exprStmt()
}

func (p *parser) names() []string {
	out := []string{p.name()}
	for p.accept(oComma) {
		out = append(out, p.name())
	}
	return out
}

func (p *parser) typeAlias() Stmt {
	s := &TypeAlias{Span: Span{From: p.from()}}
	p.next()
	n := p.nameExpr()
	n.Ctx = Store
	s.Name = n
	s.TypeParams = p.typeParams()
	p.expect(oEqual, "'='")
	s.Value = p.expression()
	s.To = p.prev
	return s
}

func (p *parser) importStmt() Stmt {
	s := &Import{Span: Span{From: p.from()}}
	p.next()
	for {
		a := alloc(&p.arena.aliases)
		a.From = p.from()
		a.Name = p.dotted()
		if p.accept(kAs) {
			a.AsName = p.name()
		}
		a.To = p.prev
		s.Names = append(s.Names, a)
		if !p.accept(oComma) {
			break
		}
	}
	s.To = p.prev
	return s
}

func (p *parser) importFrom() Stmt {
	s := &ImportFrom{Span: Span{From: p.from()}}
	p.next()
	for ; p.k == oDot || p.k == oEllipsis; p.next() {
		if s.Level++; p.k == oEllipsis {
			s.Level += 2
		}
	}
	if p.k == tName || s.Level == 0 {
		s.Module = p.dotted()
	}
	p.expect(kImport, "'import'")
	if p.k == oStar {
		a := alloc(&p.arena.aliases)
		*a = Alias{Span: Span{From: p.from()}, Name: "*"}
		p.next()
		a.To = p.prev
		s.Names = []*Alias{a}
		s.To = p.prev
		return s
	}
	parentheses := p.accept(oLpar)
	for p.k == tName {
		a := alloc(&p.arena.aliases)
		a.From = p.from()
		a.Name = p.name()
		if p.accept(kAs) {
			a.AsName = p.name()
		}
		a.To = p.prev
		s.Names = append(s.Names, a)
		if !p.accept(oComma) {
			break
		}
	}
	if len(s.Names) == 0 {
		p.fail("expected a name to import")
	}
	if parentheses {
		p.expect(oRpar, "')'")
	}
	s.To = p.prev
	return s
}

// value is what may stand on the right of an assignment.
func (p *parser) value() Expr {
	if p.k == kYield {
		return p.yield()
	}
	return p.starExpressions()
}

func (p *parser) exprStmt() Stmt {
	from := p.from()
	parenthesis := p.k == oLpar
	e := p.value()
	switch {
	case p.k == oEqual:
		mark := len(p.exprs)
		for p.k == oEqual {
			p.setCtx(e, Store)
			p.exprs = append(p.exprs, e)
			p.next()
			e = p.value()
		}
		s := alloc(&p.arena.assigns)
		s.Targets = p.takeExprs(mark)
		s.Value = e
		s.Span = Span{from, p.prev}
		return s
	case p.k == oColon:
		s := &AnnAssign{Target: e}
		switch e.(type) {
		case *Name:
			s.Simple = !parenthesis
		case *Attribute, *Subscript:
		default:
			p.fail("only a name, an attribute or an element has an annotation")
		}
		p.setCtx(e, Store)
		p.next()
		s.Annotation = p.expression()
		if p.accept(oEqual) {
			s.Value = p.value()
		}
		s.Span = Span{from, p.prev}
		return s
	case augmented(p.k) != NoOp:
		s := &AugAssign{Target: e, Op: augmented(p.k)}
		switch e.(type) {
		case *Name, *Attribute, *Subscript:
		default:
			p.failFrom(int(from), "this cannot be assigned to")
		}
		p.setCtx(e, Store)
		p.next()
		s.Value = p.value()
		s.Span = Span{from, p.prev}
		return s
	}
	s := alloc(&p.arena.exprStmts)
	*s = ExprStmt{Span{from, p.prev}, e}
	return s
}

// setCtx tells the parts of a target what is done to them.
func (p *parser) setCtx(e Expr, ctx Ctx) {
	switch e := e.(type) {
	case *Name:
		e.Ctx = ctx
	case *Attribute:
		e.Ctx = ctx
	case *Subscript:
		e.Ctx = ctx
	case *Starred:
		e.Ctx = ctx
		p.setCtx(e.Value, ctx)
	case *Tuple:
		e.Ctx = ctx
		for _, x := range e.Elts {
			p.setCtx(x, ctx)
		}
	case *List:
		e.Ctx = ctx
		for _, x := range e.Elts {
			p.setCtx(x, ctx)
		}
	default:
		p.failFrom(e.Pos(), "this cannot be assigned to")
	}
}
