package pyast

func (n *MatchValue) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
	}
}

func (n *MatchSingleton) inspect(w walker) { w(n) }
func (n *MatchStar) inspect(w walker)      { w(n) }

func (n *MatchSequence) inspect(w walker) {
	if w(n) {
		w.patterns(n.Patterns)
	}
}

func (n *MatchMapping) inspect(w walker) {
	if w(n) {
		for i, p := range n.Patterns {
			w.expr(n.Keys[i])
			Inspect(p, w)
		}
	}
}

func (n *MatchClass) inspect(w walker) {
	if w(n) {
		w.expr(n.Class)
		w.patterns(n.Patterns)
		w.patterns(n.KwdPatterns)
	}
}

func (n *MatchAs) inspect(w walker) {
	if w(n) && n.Pattern != nil {
		n.Pattern.inspect(w)
	}
}

func (n *MatchOr) inspect(w walker) {
	if w(n) {
		w.patterns(n.Patterns)
	}
}

func (n *Arguments) inspect(w walker) {
	if !w(n) {
		return
	}
	// A parameter, then its default, as they stand in the source.
	plain := len(n.PosOnly) + len(n.Args)
	for i := range plain {
		if i < len(n.PosOnly) {
			n.PosOnly[i].inspect(w)
		} else {
			n.Args[i-len(n.PosOnly)].inspect(w)
		}
		if d := i - (plain - len(n.Defaults)); d >= 0 {
			w.expr(n.Defaults[d])
		}
	}
	if n.Vararg != nil {
		n.Vararg.inspect(w)
	}
	for i, a := range n.KwOnly {
		a.inspect(w)
		w.expr(n.KwDefaults[i])
	}
	if n.Kwarg != nil {
		n.Kwarg.inspect(w)
	}
}

func (n *Arg) inspect(w walker) {
	if w(n) {
		w.expr(n.Annotation)
	}
}

func (n *Keyword) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
	}
}

func (n *Alias) inspect(w walker) { w(n) }

func (n *WithItem) inspect(w walker) {
	if w(n) {
		w.expr(n.Context)
		w.expr(n.Vars)
	}
}

func (n *MatchCase) inspect(w walker) {
	if w(n) {
		Inspect(n.Pattern, w)
		w.expr(n.Guard)
		w.stmts(n.Body)
	}
}

func (n *ExceptHandler) inspect(w walker) {
	if w(n) {
		w.expr(n.Type)
		w.stmts(n.Body)
	}
}

func (n *Comprehension) inspect(w walker) {
	if w(n) {
		w.expr(n.Target)
		w.expr(n.Iter)
		w.exprs(n.Ifs)
	}
}

func (n *TypeParam) inspect(w walker) {
	if w(n) {
		w.expr(n.Bound)
		w.expr(n.Default)
	}
}

func (n *Comment) inspect(w walker) { w(n) }
