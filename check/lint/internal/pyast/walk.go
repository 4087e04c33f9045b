package pyast

// Inspect calls f for a node and, as long as f says so, for all that is below
// it, in the order of the source but for decorators, which come first, and
// conditions of comprehensions and conditional expressions, which come in the
// order in which they are evaluated.
func Inspect(n Node, f func(Node) bool) {
	if n != nil {
		n.inspect(f)
	}
}

// Walk inspects a list of statements.
func Walk(body []Stmt, f func(Node) bool) { walker(f).stmts(body) }

// Each kind of node inspects itself: to ask what kind a node is would take
// longer than all the rest of a walk.
type walker func(Node) bool

func (w walker) expr(e Expr) {
	if e != nil {
		e.inspect(w)
	}
}

func (w walker) exprs(list []Expr) {
	for _, e := range list {
		if e != nil {
			e.inspect(w)
		}
	}
}

func (w walker) stmts(list []Stmt) {
	for _, s := range list {
		s.inspect(w)
	}
}

func (w walker) patterns(list []Pattern) {
	for _, p := range list {
		p.inspect(w)
	}
}

func parts[T Node](w walker, list []T) {
	for _, n := range list {
		n.inspect(w)
	}
}

func (n *BoolOp) inspect(w walker) {
	if w(n) {
		w.exprs(n.Values)
	}
}

func (n *NamedExpr) inspect(w walker) {
	if w(n) {
		w.expr(n.Target)
		w.expr(n.Value)
	}
}

func (n *BinOp) inspect(w walker) {
	if w(n) {
		w.expr(n.Left)
		w.expr(n.Right)
	}
}

func (n *UnaryOp) inspect(w walker) {
	if w(n) {
		w.expr(n.Operand)
	}
}

func (n *Lambda) inspect(w walker) {
	if w(n) {
		n.Args.inspect(w)
		w.expr(n.Body)
	}
}

func (n *IfExp) inspect(w walker) {
	if w(n) {
		w.expr(n.Test)
		w.expr(n.Body)
		w.expr(n.Orelse)
	}
}

func (n *Dict) inspect(w walker) {
	if w(n) {
		for i, v := range n.Values {
			w.expr(n.Keys[i])
			w.expr(v)
		}
	}
}

func (n *Set) inspect(w walker) {
	if w(n) {
		w.exprs(n.Elts)
	}
}

func (n *ListComp) inspect(w walker) {
	if w(n) {
		parts(w, n.Generators)
		w.expr(n.Elt)
	}
}

func (n *SetComp) inspect(w walker) {
	if w(n) {
		parts(w, n.Generators)
		w.expr(n.Elt)
	}
}

func (n *DictComp) inspect(w walker) {
	if w(n) {
		parts(w, n.Generators)
		w.expr(n.Key)
		w.expr(n.Value)
	}
}

func (n *GeneratorExp) inspect(w walker) {
	if w(n) {
		parts(w, n.Generators)
		w.expr(n.Elt)
	}
}

func (n *Await) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
	}
}

func (n *Yield) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
	}
}

func (n *YieldFrom) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
	}
}

func (n *Compare) inspect(w walker) {
	if w(n) {
		w.expr(n.Left)
		w.exprs(n.Comparators)
	}
}

func (n *Call) inspect(w walker) {
	if w(n) {
		w.expr(n.Func)
		w.exprs(n.Args)
		parts(w, n.Keywords)
	}
}

func (n *FormattedValue) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
		w.expr(n.FormatSpec)
	}
}

func (n *Interpolation) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
		w.expr(n.FormatSpec)
	}
}

func (n *JoinedStr) inspect(w walker) {
	if w(n) {
		w.exprs(n.Values)
	}
}

func (n *TemplateStr) inspect(w walker) {
	if w(n) {
		w.exprs(n.Values)
	}
}

func (n *Constant) inspect(w walker) { w(n) }

func (n *Attribute) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
	}
}

func (n *Subscript) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
		w.expr(n.Slice)
	}
}

func (n *Starred) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
	}
}

func (n *Name) inspect(w walker) { w(n) }

func (n *List) inspect(w walker) {
	if w(n) {
		w.exprs(n.Elts)
	}
}

func (n *Tuple) inspect(w walker) {
	if w(n) {
		w.exprs(n.Elts)
	}
}

func (n *Slice) inspect(w walker) {
	if w(n) {
		w.expr(n.Lower)
		w.expr(n.Upper)
		w.expr(n.Step)
	}
}

func (n *FunctionDef) inspect(w walker) {
	if w(n) {
		w.exprs(n.Decorators)
		parts(w, n.TypeParams)
		n.Args.inspect(w)
		w.expr(n.Returns)
		w.stmts(n.Body)
	}
}

func (n *ClassDef) inspect(w walker) {
	if w(n) {
		w.exprs(n.Decorators)
		parts(w, n.TypeParams)
		w.exprs(n.Bases)
		parts(w, n.Keywords)
		w.stmts(n.Body)
	}
}

func (n *Return) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
	}
}

func (n *Delete) inspect(w walker) {
	if w(n) {
		w.exprs(n.Targets)
	}
}

func (n *Assign) inspect(w walker) {
	if w(n) {
		w.exprs(n.Targets)
		w.expr(n.Value)
	}
}

func (n *TypeAlias) inspect(w walker) {
	if w(n) {
		w.expr(n.Name)
		parts(w, n.TypeParams)
		w.expr(n.Value)
	}
}

func (n *AugAssign) inspect(w walker) {
	if w(n) {
		w.expr(n.Target)
		w.expr(n.Value)
	}
}

func (n *AnnAssign) inspect(w walker) {
	if w(n) {
		w.expr(n.Target)
		w.expr(n.Annotation)
		w.expr(n.Value)
	}
}

func (n *For) inspect(w walker) {
	if w(n) {
		w.expr(n.Target)
		w.expr(n.Iter)
		w.stmts(n.Body)
		w.stmts(n.Orelse)
	}
}

func (n *While) inspect(w walker) {
	if w(n) {
		w.expr(n.Test)
		w.stmts(n.Body)
		w.stmts(n.Orelse)
	}
}

func (n *If) inspect(w walker) {
	if w(n) {
		w.expr(n.Test)
		w.stmts(n.Body)
		w.stmts(n.Orelse)
	}
}

func (n *With) inspect(w walker) {
	if w(n) {
		parts(w, n.Items)
		w.stmts(n.Body)
	}
}

func (n *Match) inspect(w walker) {
	if w(n) {
		w.expr(n.Subject)
		parts(w, n.Cases)
	}
}

func (n *Raise) inspect(w walker) {
	if w(n) {
		w.expr(n.Exc)
		w.expr(n.Cause)
	}
}

func (n *Try) inspect(w walker) {
	if w(n) {
		w.stmts(n.Body)
		parts(w, n.Handlers)
		w.stmts(n.Orelse)
		w.stmts(n.Finalbody)
	}
}

func (n *Assert) inspect(w walker) {
	if w(n) {
		w.expr(n.Test)
		w.expr(n.Msg)
	}
}

func (n *Import) inspect(w walker) {
	if w(n) {
		parts(w, n.Names)
	}
}

func (n *ImportFrom) inspect(w walker) {
	if w(n) {
		parts(w, n.Names)
	}
}

func (n *ExprStmt) inspect(w walker) {
	if w(n) {
		w.expr(n.Value)
	}
}

func (n *Global) inspect(w walker)   { w(n) }
func (n *Nonlocal) inspect(w walker) { w(n) }
func (n *Pass) inspect(w walker)     { w(n) }
func (n *Break) inspect(w walker)    { w(n) }
func (n *Continue) inspect(w walker) { w(n) }
func (n *Bad) inspect(w walker)      { w(n) }
