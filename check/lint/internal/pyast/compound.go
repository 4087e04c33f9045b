package pyast

func (p *parser) ifStmt() Stmt {
	first := alloc(&p.arena.ifs)
	last := first
	for {
		last.From = p.from()
		p.next()
		last.Test = p.namedExpression()
		last.Body = p.block()
		if p.k != kElif {
			break
		}
		elif := alloc(&p.arena.ifs)
		last.Orelse = []Stmt{elif}
		last = elif
	}
	if p.accept(kElse) {
		last.Orelse = p.block()
	}
	// All end where the last ends.
	for s := first; ; {
		s.To = p.prev
		if s == last {
			return first
		}
		s = s.Orelse[0].(*If)
	}
}

func (p *parser) whileStmt() Stmt {
	s := &While{Span: Span{From: p.from()}}
	p.next()
	s.Test = p.namedExpression()
	s.Body = p.block()
	if p.accept(kElse) {
		s.Orelse = p.block()
	}
	s.To = p.prev
	return s
}

func (p *parser) forStmt(from int32, async bool) Stmt {
	s := &For{Span: Span{From: from}, Async: async}
	p.next()
	s.Target = p.targets()
	p.expect(kIn, "'in'")
	s.Iter = p.starExpressions()
	s.Body = p.block()
	if p.accept(kElse) {
		s.Orelse = p.block()
	}
	s.To = p.prev
	return s
}

func (p *parser) tryStmt() Stmt {
	s := &Try{Span: Span{From: p.from()}}
	p.next()
	s.Body = p.block()
	for p.k == kExcept {
		h := &ExceptHandler{Span: Span{From: p.from()}}
		p.next()
		if p.accept(oStar) {
			s.Star = true
		}
		if p.k != oColon {
			from := p.from()
			h.Type = p.expression()
			if p.k == oComma { // PEP 758
				h.Type = p.tupleFrom(from, h.Type, false)
			}
			if p.accept(kAs) {
				h.Name = p.name()
			}
		}
		h.Body = p.block()
		h.To = p.prev
		s.Handlers = append(s.Handlers, h)
	}
	if p.accept(kElse) {
		s.Orelse = p.block()
	}
	if p.accept(kFinally) {
		s.Finalbody = p.block()
	} else if len(s.Handlers) == 0 && !p.failed {
		// What it holds can be read.
		p.errors = append(p.errors, Error{int(p.from()), "expected 'except' or 'finally'"})
	}
	s.To = p.prev
	return s
}

func (p *parser) withStmt(from int32, async bool) Stmt {
	s := &With{Span: Span{From: from}, Async: async}
	p.next()
	if p.k == oLpar {
		// Items in parentheses, or an item that begins with one.
		before := p.save()
		p.next()
		s.Items = p.withItems(oRpar)
		p.expect(oRpar, "')'")
		if p.failed || p.k != oColon || len(s.Items) == 0 {
			p.restore(before)
			s.Items = p.withItems(oColon)
		}
	} else {
		s.Items = p.withItems(oColon)
	}
	s.Body = p.block()
	s.To = p.prev
	return s
}

func (p *parser) withItems(end kind) []*WithItem {
	var items []*WithItem
	for p.k != end && p.k != tEOF {
		item := &WithItem{Span: Span{From: p.from()}}
		item.Context = p.expression()
		if p.accept(kAs) {
			item.Vars = p.target()
		}
		item.To = p.prev
		items = append(items, item)
		if !p.accept(oComma) {
			break
		}
	}
	if len(items) == 0 {
		p.fail("expected an expression")
	}
	return items
}

func (p *parser) functionDef(from int32, async bool, decorators []Expr) Stmt {
	s := alloc(&p.arena.functions)
	*s = FunctionDef{Span: Span{From: from}, Async: async, Decorators: decorators}
	p.next()
	s.Name = p.name()
	s.TypeParams = p.typeParams()
	p.expect(oLpar, "'('")
	s.Args = p.parameters(oRpar)
	p.expect(oRpar, "')'")
	if p.accept(oArrow) {
		s.Returns = p.expression()
	}
	s.Body = p.block()
	s.To = p.prev
	return s
}

func (p *parser) classDef(decorators []Expr) Stmt {
	s := &ClassDef{Span: Span{From: p.from()}, Decorators: decorators}
	p.next()
	s.Name = p.name()
	s.TypeParams = p.typeParams()
	if p.k == oLpar {
		s.Bases, s.Keywords = p.arguments()
	}
	s.Body = p.block()
	s.To = p.prev
	return s
}

// typeParams is `[T: int = str, *Ts, **P]` (PEP 695, PEP 696).
func (p *parser) typeParams() []*TypeParam {
	if p.k != oLsqb {
		return nil
	}
	p.next()
	var out []*TypeParam
	for p.k != oRsqb && p.k != tEOF {
		t := &TypeParam{Span: Span{From: p.from()}}
		switch {
		case p.accept(oStar):
			t.Stars = 1
		case p.accept(oDoubleStar):
			t.Stars = 2
		}
		t.Name = p.name()
		if p.accept(oColon) {
			t.Bound = p.expression()
		}
		if p.accept(oEqual) {
			t.Default = p.starExpression()
		}
		t.To = p.prev
		out = append(out, t)
		if !p.accept(oComma) {
			break
		}
	}
	p.expect(oRsqb, "']'")
	return out
}
