package pyast

// Inspect calls f for a node and, as long as f says so, for all that is below
// it, in the order of the source but for decorators, which come first, and
// conditions of comprehensions and conditional expressions, which come in the
// order in which they are evaluated.
func Inspect(n Node, f func(Node) bool) {
	if n == nil || !f(n) {
		return
	}
	w := walker(f)
	switch n := n.(type) {
	case *BoolOp:
		w.exprs(n.Values)
	case *NamedExpr:
		w.expr(n.Target)
		w.expr(n.Value)
	case *BinOp:
		w.expr(n.Left)
		w.expr(n.Right)
	case *UnaryOp:
		w.expr(n.Operand)
	case *Lambda:
		w.node(n.Args)
		w.expr(n.Body)
	case *IfExp:
		w.expr(n.Test)
		w.expr(n.Body)
		w.expr(n.Orelse)
	case *Dict:
		for i, v := range n.Values {
			w.expr(n.Keys[i])
			w.expr(v)
		}
	case *Set:
		w.exprs(n.Elts)
	case *ListComp:
		w.comprehension(n.Generators, n.Elt)
	case *SetComp:
		w.comprehension(n.Generators, n.Elt)
	case *DictComp:
		w.comprehension(n.Generators, n.Key, n.Value)
	case *GeneratorExp:
		w.comprehension(n.Generators, n.Elt)
	case *Await:
		w.expr(n.Value)
	case *Yield:
		w.expr(n.Value)
	case *YieldFrom:
		w.expr(n.Value)
	case *Compare:
		w.expr(n.Left)
		w.exprs(n.Comparators)
	case *Call:
		w.expr(n.Func)
		w.exprs(n.Args)
		w.keywords(n.Keywords)
	case *FormattedValue:
		w.expr(n.Value)
		w.expr(n.FormatSpec)
	case *Interpolation:
		w.expr(n.Value)
		w.expr(n.FormatSpec)
	case *JoinedStr:
		w.exprs(n.Values)
	case *TemplateStr:
		w.exprs(n.Values)
	case *Attribute:
		w.expr(n.Value)
	case *Subscript:
		w.expr(n.Value)
		w.expr(n.Slice)
	case *Starred:
		w.expr(n.Value)
	case *List:
		w.exprs(n.Elts)
	case *Tuple:
		w.exprs(n.Elts)
	case *Slice:
		w.expr(n.Lower)
		w.expr(n.Upper)
		w.expr(n.Step)
	case Stmt:
		w.statement(n)
	case Pattern:
		w.pattern(n)
	default:
		w.part(n)
	}
}

// Walk inspects a list of statements.
func Walk(body []Stmt, f func(Node) bool) {
	for _, s := range body {
		Inspect(s, f)
	}
}

type walker func(Node) bool

func (w walker) node(n Node) { Inspect(n, w) }

func (w walker) expr(e Expr) {
	if e != nil {
		Inspect(e, w)
	}
}

func (w walker) exprs(list []Expr) {
	for _, e := range list {
		w.expr(e)
	}
}

func (w walker) stmts(list []Stmt) { Walk(list, w) }

func (w walker) keywords(list []*Keyword) {
	for _, k := range list {
		Inspect(k, w)
	}
}

func (w walker) typeParams(list []*TypeParam) {
	for _, t := range list {
		Inspect(t, w)
	}
}

func (w walker) comprehension(gens []*Comprehension, elts ...Expr) {
	for _, g := range gens {
		Inspect(g, w)
	}
	w.exprs(elts)
}

func (w walker) statement(n Stmt) {
	switch n := n.(type) {
	case *FunctionDef:
		w.exprs(n.Decorators)
		w.typeParams(n.TypeParams)
		w.node(n.Args)
		w.expr(n.Returns)
		w.stmts(n.Body)
	case *ClassDef:
		w.exprs(n.Decorators)
		w.typeParams(n.TypeParams)
		w.exprs(n.Bases)
		w.keywords(n.Keywords)
		w.stmts(n.Body)
	case *Return:
		w.expr(n.Value)
	case *Delete:
		w.exprs(n.Targets)
	case *Assign:
		w.exprs(n.Targets)
		w.expr(n.Value)
	case *TypeAlias:
		w.expr(n.Name)
		w.typeParams(n.TypeParams)
		w.expr(n.Value)
	case *AugAssign:
		w.expr(n.Target)
		w.expr(n.Value)
	case *AnnAssign:
		w.expr(n.Target)
		w.expr(n.Annotation)
		w.expr(n.Value)
	case *For:
		w.expr(n.Target)
		w.expr(n.Iter)
		w.stmts(n.Body)
		w.stmts(n.Orelse)
	case *While:
		w.expr(n.Test)
		w.stmts(n.Body)
		w.stmts(n.Orelse)
	case *If:
		w.expr(n.Test)
		w.stmts(n.Body)
		w.stmts(n.Orelse)
	case *With:
		for _, item := range n.Items {
			Inspect(item, w)
		}
		w.stmts(n.Body)
	case *Match:
		w.expr(n.Subject)
		for _, c := range n.Cases {
			Inspect(c, w)
		}
	case *Raise:
		w.expr(n.Exc)
		w.expr(n.Cause)
	case *Try:
		w.stmts(n.Body)
		for _, h := range n.Handlers {
			Inspect(h, w)
		}
		w.stmts(n.Orelse)
		w.stmts(n.Finalbody)
	case *Assert:
		w.expr(n.Test)
		w.expr(n.Msg)
	case *Import:
		w.aliases(n.Names)
	case *ImportFrom:
		w.aliases(n.Names)
	case *ExprStmt:
		w.expr(n.Value)
	}
}

func (w walker) aliases(list []*Alias) {
	for _, a := range list {
		Inspect(a, w)
	}
}

func (w walker) pattern(n Pattern) {
	switch n := n.(type) {
	case *MatchValue:
		w.expr(n.Value)
	case *MatchSequence:
		w.patterns(n.Patterns)
	case *MatchMapping:
		for i, p := range n.Patterns {
			w.expr(n.Keys[i])
			w.node(p)
		}
	case *MatchClass:
		w.expr(n.Class)
		w.patterns(n.Patterns)
		w.patterns(n.KwdPatterns)
	case *MatchAs:
		if n.Pattern != nil {
			w.node(n.Pattern)
		}
	case *MatchOr:
		w.patterns(n.Patterns)
	}
}

func (w walker) patterns(list []Pattern) {
	for _, p := range list {
		Inspect(p, w)
	}
}

func (w walker) part(n Node) {
	switch n := n.(type) {
	case *Arguments:
		// A parameter, then its default, as they stand in the source.
		plain := len(n.PosOnly) + len(n.Args)
		for i := range plain {
			if i < len(n.PosOnly) {
				w.node(n.PosOnly[i])
			} else {
				w.node(n.Args[i-len(n.PosOnly)])
			}
			if d := i - (plain - len(n.Defaults)); d >= 0 {
				w.expr(n.Defaults[d])
			}
		}
		if n.Vararg != nil {
			w.node(n.Vararg)
		}
		for i, a := range n.KwOnly {
			w.node(a)
			w.expr(n.KwDefaults[i])
		}
		if n.Kwarg != nil {
			w.node(n.Kwarg)
		}
	case *Arg:
		w.expr(n.Annotation)
	case *Keyword:
		w.expr(n.Value)
	case *WithItem:
		w.expr(n.Context)
		w.expr(n.Vars)
	case *MatchCase:
		w.node(n.Pattern)
		w.expr(n.Guard)
		w.stmts(n.Body)
	case *ExceptHandler:
		w.expr(n.Type)
		w.stmts(n.Body)
	case *Comprehension:
		w.expr(n.Target)
		w.expr(n.Iter)
		w.exprs(n.Ifs)
	case *TypeParam:
		w.expr(n.Bound)
		w.expr(n.Default)
	}
}
