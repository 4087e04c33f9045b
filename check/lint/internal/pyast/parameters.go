package pyast

// parameters of a function, up to its parenthesis, or of a lambda, up to its
// colon.
func (p *parser) parameters(end kind) *Arguments {
	a := alloc(&p.arena.parameters)
	a.From = p.from()
	star := false
	for p.k != end && p.k != tEOF {
		switch {
		case p.k == oSlash && !star && a.PosOnly == nil && len(a.Args) > 0:
			p.next()
			a.PosOnly, a.Args = a.Args, nil
		case p.k == oStar && !star:
			p.next()
			star = true
			if p.k != oComma {
				a.Vararg = p.arg(end, true)
			}
		case p.k == oDoubleStar && a.Kwarg == nil:
			p.next()
			a.Kwarg = p.arg(end, false)
		case p.k == tName && a.Kwarg == nil:
			arg := p.arg(end, false)
			var def Expr
			if p.accept(oEqual) {
				def = p.expression()
			}
			switch {
			case star:
				a.KwOnly = append(a.KwOnly, arg)
				a.KwDefaults = append(a.KwDefaults, def)
			default:
				a.Args = append(a.Args, arg)
				if def != nil {
					a.Defaults = append(a.Defaults, def)
				} else if len(a.Defaults) > 0 {
					p.fail("a parameter without a default follows one with a default")
				}
			}
		default:
			p.fail("expected a parameter")
		}
		if !p.accept(oComma) {
			break
		}
	}
	a.To = max(a.From, p.prev)
	return a
}

// arg is a parameter; a lambda's has no annotation.
func (p *parser) arg(end kind, star bool) *Arg {
	a := alloc(&p.arena.args)
	a.From = p.from()
	a.Name = p.name()
	if end == oRpar && p.accept(oColon) {
		if star {
			a.Annotation = p.starExpression()
		} else {
			a.Annotation = p.expression()
		}
	}
	a.To = p.prev
	return a
}
