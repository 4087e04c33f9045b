package pyast

// Nodes are allocated many at a time: a tree lives and dies as a whole, and
// the collector has less to do.

type slab[T any] struct{ free []T }

// The first part of a slab is small, for a small file.
func alloc[T any](s *slab[T]) *T {
	if len(s.free) == 0 {
		s.free = make([]T, 128)
	}
	n := &s.free[0]
	s.free = s.free[1:]
	return n
}

// take copies the end of a stack to where it stays.
func take[T any](s *slab[T], from []T) []T {
	n := len(from)
	if n == 0 {
		return nil
	}
	if n > len(s.free) {
		if n > 64 {
			out := make([]T, n)
			copy(out, from)
			return out
		}
		s.free = make([]T, 256)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	copy(out, from)
	return out
}

type arena struct {
	names      slab[Name]
	attributes slab[Attribute]
	calls      slab[Call]
	constants  slab[Constant]
	keywords   slab[Keyword]
	subscripts slab[Subscript]
	tuples     slab[Tuple]
	lists      slab[List]
	binOps     slab[BinOp]
	compares   slab[Compare]
	args       slab[Arg]
	parameters slab[Arguments]
	functions  slab[FunctionDef]
	assigns    slab[Assign]
	exprStmts  slab[ExprStmt]
	returns    slab[Return]
	ifs        slab[If]
	aliases    slab[Alias]
	bad        slab[Bad]
	exprs      slab[Expr]
	stmts      slab[Stmt]
	pointers   slab[*Keyword]
}

func (p *parser) takeExprs(mark int) []Expr {
	out := take(&p.arena.exprs, p.exprs[mark:])
	p.exprs = p.exprs[:mark]
	return out
}

func (p *parser) takeStmts(mark int) []Stmt {
	out := take(&p.arena.stmts, p.stmts[mark:])
	p.stmts = p.stmts[:mark]
	return out
}

func (p *parser) takeKeywords(mark int) []*Keyword {
	out := take(&p.arena.pointers, p.keywords[mark:])
	p.keywords = p.keywords[:mark]
	return out
}
