package goaccess

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// A step is what a call does with a column: it or what it calls.
type step struct {
	*query
	site *gomodel.Call // in the function that is looked at
}

// races finds amounts that are read, compared, and written by a statement of
// its own, which does not look again: what is asked at the same time reads
// them too.
func races(p *analysis.Pass, db *database) {
	p.GoFuncs(func(fn *gomodel.Func) {
		if analysis.GoSample(fn.File.Path) || fn.File.Test {
			return
		}
		var reads, writes []step
		for _, c := range fn.Calls {
			for _, s := range db.steps(c) {
				switch {
				case s.Verb == "select" && !s.Locks:
					reads = append(reads, s)
				case s.Verb == "update":
					writes = append(writes, s)
				}
			}
		}
		if len(reads) == 0 || len(writes) == 0 {
			mappedRace(p, fn)
			return
		}
		for _, w := range writes {
			for _, set := range w.Set {
				if w.Asks(func(c string) bool { return c == set.Column || c == "version" }) {
					continue // it looks again
				}
				for _, r := range reads {
					if r.Table != w.Table || !slices.Contains(r.Columns, set.Column) && !slices.Contains(r.Columns, "*") || r.site.Pos() >= w.site.Pos() {
						continue
					}
					of := func(e ast.Expr) bool { return r.column(e, set.Column) }
					if !set.Own && !reckoned(fn, w.given(set.Place), of, w.site.Pos()) || !comparedBetween(fn, of, r.site.Pos(), w.site.Pos()) || within(fn, 0) {
						continue
					}
					p.GoAt(checked, fn.File, w.site, "%s of %s is read and compared before, and the statement does not look again: of two at the same time, both pass", set.Column, w.Table)
					return
				}
			}
		}
	})
}

// steps are the statements of a call, and of the functions that it calls.
func (db *database) steps(c *gomodel.Call) []step {
	var out []step
	for _, q := range db.of[c.Func] {
		if q.Call == c {
			return []step{{q, c}}
		}
	}
	for _, to := range c.Targets() {
		for _, q := range db.of[to] {
			out = append(out, step{q, c})
		}
	}
	return out
}

// given is what a placeholder gets, as the function that is looked at says it.
func (s step) given(place int) ast.Expr {
	e := s.value(place)
	if s.site == s.Call || e == nil {
		return e
	}
	v := s.File.VarOf(e)
	for _, to := range s.site.Targets() {
		if i := slices.Index(to.Params, v); v != nil && i >= 0 {
			return s.site.Arg(i)
		}
	}
	return nil
}

// column tells whether an expression is what a column was read into: by its
// name, or by its place in a Scan.
func (s step) column(e ast.Expr, column string) bool {
	switch e.(type) {
	case *ast.Ident, *ast.SelectorExpr:
	default:
		return false
	}
	written := gomodel.Written(e)
	if snake(written[strings.LastIndexByte(written, '.')+1:]) == column {
		return true
	}
	i := slices.Index(s.Columns, column)
	for _, c := range s.Func.Calls {
		if c.Method() == "Scan" && c.Receiver() != nil && i >= 0 && i < len(c.Args) && s.site == s.Call && covers(c.Receiver(), s.Call) {
			if u, ok := c.Args[i].(*ast.UnaryExpr); ok && gomodel.Written(u.X) == written {
				return true
			}
		}
	}
	return false
}

func covers(outer ast.Node, inner ast.Node) bool {
	return outer.Pos() <= inner.Pos() && inner.End() <= outer.End()
}

// reckoned tells whether a value is worked out of what was read: n-1, or n
// after n -= 1.
func reckoned(fn *gomodel.Func, e ast.Expr, of func(ast.Expr) bool, before token.Pos) bool {
	if e == nil {
		return false
	}
	_, e = fn.File.Only(e)
	if b, ok := e.(*ast.BinaryExpr); ok && arithmetic(b.Op) {
		return of(b.X) || of(b.Y)
	}
	if !of(e) {
		return false
	}
	found := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if n == nil || n.Pos() > before {
			return false
		}
		switch n := n.(type) {
		case *ast.IncDecStmt:
			found = found || of(n.X)
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if !of(l) || i >= len(n.Rhs) {
					continue
				}
				b, ok := n.Rhs[i].(*ast.BinaryExpr)
				found = found || n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN || ok && arithmetic(b.Op) && (of(b.X) || of(b.Y))
			}
		}
		return !found
	})
	return found
}

func arithmetic(op token.Token) bool {
	return op == token.ADD || op == token.SUB
}

// comparedBetween tells whether a condition between two places asks whether
// there is enough of something.
func comparedBetween(fn *gomodel.Func, of func(ast.Expr) bool, from, to token.Pos) bool {
	found := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		s, ok := n.(*ast.IfStmt)
		if !ok || s.Cond.Pos() < from || s.Cond.End() > to || !leaves(s.Body) && (to < s.Body.Pos() || s.Body.End() < to) {
			return !found
		}
		ast.Inspect(s.Cond, func(n ast.Node) bool {
			b, ok := n.(*ast.BinaryExpr)
			if !ok {
				return !found
			}
			switch b.Op {
			case token.LSS, token.LEQ, token.GTR, token.GEQ:
				found = found || holdsOne(b.X, of) || holdsOne(b.Y, of)
			case token.EQL, token.NEQ:
				n, known := fn.File.Int(b.Y)
				found = found || known && n == 0 && of(b.X)
			}
			return !found
		})
		return !found
	})
	return found
}

func holdsOne(e ast.Expr, of func(ast.Expr) bool) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		found = found || ok && of(x)
		return !found
	})
	return found
}

// within tells whether a function runs in a transaction or behind a lock, its
// own or that of all who call it.
func within(fn *gomodel.Func, depth int) bool {
	for _, v := range append([]*gomodel.Var{fn.Recv}, fn.Params...) {
		if v != nil && (strings.HasSuffix(fn.File.TypeExpr(v.Type), ".Tx") || v.Name == "tx") {
			return true
		}
	}
	for _, in := range fn.Within() {
		for _, c := range in.Calls {
			if c.Method() == "Lock" || analysis.Names(c.Method(), "begin", "begin tx", "beginx", "transaction", "transact", "tx", "in tx", "with tx", "run in tx", "in transaction", "atomic", "atomically", "serializable") {
				return true
			}
			recv := gomodel.Written(c.Receiver())
			if recv[strings.LastIndexByte(recv, '.')+1:] == "tx" {
				return true
			}
		}
	}
	sites := fn.Sites()
	if depth > 1 || len(sites) == 0 {
		return false
	}
	return !slices.ContainsFunc(sites, func(c *gomodel.Call) bool { return c.Func == nil || !within(c.Func.Root(), depth+1) })
}

// mappedRace is the same of an object mapper: what First read is compared,
// changed, and saved.
func mappedRace(p *analysis.Pass, fn *gomodel.Func) {
	f := fn.File
	for _, save := range fn.Calls {
		if !strings.HasSuffix(save.Name, "gorm.DB.Save") || len(save.Args) != 1 {
			continue
		}
		v := f.VarOf(bare(save.Args[0]))
		if v == nil {
			continue
		}
		for _, read := range fn.Calls {
			switch {
			case read.Pos() > save.Pos() || len(read.Args) == 0 || f.VarOf(bare(read.Args[0])) != v || !strings.HasSuffix(read.Name, "gorm.DB.First") && !strings.HasSuffix(read.Name, "gorm.DB.Take"):
				continue
			case strings.Contains(chain(read.Receiver()), "Clauses"): // SELECT … FOR UPDATE
				continue
			}
			for _, field := range p.Go.Fields(f.TypeOf(read.Args[0])) {
				of := func(e ast.Expr) bool {
					sel, ok := e.(*ast.SelectorExpr)
					return ok && sel.Sel.Name == field.Name && f.VarOf(sel.X) == v
				}
				if !changed(fn, of, save.Pos()) || !comparedBetween(fn, of, read.Pos(), save.Pos()) || within(fn, 0) {
					continue
				}
				p.GoAt(checked, f, save, "%s of %s is read and compared before, and saved as it was worked out: of two at the same time, both pass", field.Name, v.Name)
				return
			}
		}
	}
}

func changed(fn *gomodel.Func, of func(ast.Expr) bool, before token.Pos) bool {
	found := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IncDecStmt:
			found = found || n.Pos() < before && of(n.X)
		case *ast.AssignStmt:
			found = found || n.Pos() < before && slices.ContainsFunc(n.Lhs, of) && len(n.Rhs) == 1 && reckons(n, of)
		}
		return !found
	})
	return found
}

func reckons(s *ast.AssignStmt, of func(ast.Expr) bool) bool {
	b, ok := s.Rhs[0].(*ast.BinaryExpr)
	return s.Tok == token.ADD_ASSIGN || s.Tok == token.SUB_ASSIGN || ok && arithmetic(b.Op) && (of(b.X) || of(b.Y))
}

func bare(e ast.Expr) ast.Expr {
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.AND {
		return u.X
	}
	return e
}

// chain is the names of calls that follow each other: db.Clauses.Where.
func chain(e ast.Expr) string {
	if c, ok := e.(*ast.CallExpr); ok {
		if sel, ok := c.Fun.(*ast.SelectorExpr); ok {
			return chain(sel.X) + "." + sel.Sel.Name
		}
	}
	return gomodel.Written(e)
}
