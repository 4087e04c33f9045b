package cookies

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A cookie that is taken for methods that change nothing, and not for others,
// lets no other site write: RFC 9110 section 9.2.1.
var (
	safe     = []string{"GET", "HEAD", "OPTIONS", "TRACE"}
	changing = []string{"POST", "PUT", "PATCH", "DELETE"}
)

// reading tells whether a value is read where only such methods come, or is
// given a name that is used nowhere else.
func reading(m *pymodel.Module, n pyast.Node) bool {
	f := around(m, n)
	if f == nil {
		return false
	}
	if only(f, func(x pyast.Node) bool { return x == n }) {
		return true
	}
	for _, d := range f.Scope.Defs {
		if pyast.Node(d.Value) == n && !d.Part {
			return namedOnly(f, d.Name)
		}
	}
	return false
}

// namedOnly tells whether a variable of a function is used where only methods
// that change nothing come.
func namedOnly(f *pymodel.Func, name string) bool {
	return only(f, func(x pyast.Node) bool {
		id, ok := x.(*pyast.Name)
		return ok && id.ID == name && id.Ctx == pyast.Load
	})
}

// around is the innermost function that a node stands in.
func around(m *pymodel.Module, n pyast.Node) *pymodel.Func {
	var out *pymodel.Func
	for _, f := range m.Funcs {
		if f.Pos() <= n.Pos() && n.End() <= f.End() && (out == nil || out.Pos() < f.Pos()) {
			out = f
		}
	}
	return out
}

// only tells whether some nodes of a function are one, and all of them stand
// where only methods that change nothing come.
func only(f *pymodel.Func, is func(pyast.Node) bool) bool {
	found, all := false, true
	analysis.Surround(f.Body, func(n pyast.Node, in []pyast.Node) {
		if is(n) {
			found = true
			all = all && (left(f, n) || slices.ContainsFunc(append(slices.Clone(in), n), func(x pyast.Node) bool { return branch(f.Scope, x, n) }))
		}
	})
	return found && all
}

// left tells whether a function is left before a node by all other methods.
func left(f *pymodel.Func, n pyast.Node) bool {
	for _, stmt := range f.Body {
		if stmt.End() > n.Pos() {
			break
		}
		if x, ok := stmt.(*pyast.If); ok && asks(f.Scope, x.Test, 0) < 0 && len(x.Body) > 0 {
			switch x.Body[len(x.Body)-1].(type) {
			case *pyast.Return, *pyast.Raise:
				return true
			}
		}
	}
	return false
}

// branch tells whether what is around a node lets it run for such methods only.
func branch(s *pymodel.Scope, around, n pyast.Node) bool {
	within := func(list ...pyast.Node) bool {
		return slices.ContainsFunc(list, func(x pyast.Node) bool { return x.Pos() <= n.Pos() && n.End() <= x.End() })
	}
	stmts := func(list []pyast.Stmt) bool {
		return slices.ContainsFunc(list, func(x pyast.Stmt) bool { return within(x) })
	}
	switch x := around.(type) {
	case *pyast.If:
		said := asks(s, x.Test, 0)
		return said > 0 && stmts(x.Body) || said < 0 && stmts(x.Orelse)
	case *pyast.IfExp:
		said := asks(s, x.Test, 0)
		return said > 0 && within(x.Body) || said < 0 && within(x.Orelse)
	case *pyast.BoolOp:
		for _, v := range x.Values {
			if within(v) {
				break
			}
			if said := asks(s, v, 0); x.Op == pyast.And && said > 0 || x.Op == pyast.Or && said < 0 {
				return true
			}
		}
	}
	return false
}

// asks tells what a condition says of the method: above 0, that it changes
// nothing where the condition holds; below 0, where it does not.
func asks(s *pymodel.Scope, e pyast.Expr, depth int) int {
	if e == nil || depth > 6 {
		return 0
	}
	depth++
	switch x := e.(type) {
	case *pyast.UnaryOp:
		if x.Op == pyast.Not {
			return -asks(s, x.Operand, depth)
		}
	case *pyast.BoolOp:
		// What holds of one side of `and` holds of both; of `or`, of neither.
		one := 1
		if x.Op == pyast.Or {
			one = -1
		}
		all := 0
		for i, v := range x.Values {
			said := asks(s, v, depth)
			if said == one {
				return one
			}
			if i == 0 {
				all = said
			} else if said != all {
				all = 0
			}
		}
		return all
	case *pyast.Compare:
		if len(x.Ops) != 1 || !method(s, x.Left, 0) {
			return 0
		}
		list := methods(s, x.Comparators[0], 0)
		said := 0
		switch {
		case len(list) == 0:
		case !slices.ContainsFunc(list, func(m string) bool { return !slices.Contains(safe, m) }):
			said = 1
		case !slices.ContainsFunc(changing, func(m string) bool { return !slices.Contains(list, m) }):
			said = -1
		}
		switch x.Ops[0] {
		case pyast.Eq, pyast.In:
			return said
		case pyast.NotEq, pyast.NotIn:
			return -said
		}
	case *pyast.Call:
		if b := s.Symbol(x.Func).Binding; b != nil && b.Func != nil {
			if results := b.Func.Results(); len(results) == 1 {
				return asks(b.Func.Scope, results[0], depth)
			}
		}
	}
	return 0
}

// method tells whether an expression is the request's.
func method(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	switch x := e.(type) {
	case *pyast.Attribute:
		return x.Attr == "method" && (s.IsRequest(x.Value) || analysis.Names(analysis.Leaf(x.Value), "request", "req", "connection", "conn"))
	case *pyast.Call:
		a, ok := x.Func.(*pyast.Attribute)
		return ok && (a.Attr == "upper" || a.Attr == "lower") && method(s, a.Value, depth)
	case *pyast.Subscript:
		text, ok := s.Text(x.Slice)
		return ok && text == "method" && analysis.Leaf(x.Value) == "scope"
	case *pyast.Name:
		if b, at := s.Lookup(x.ID); b != nil && b.Value != nil && b.Count == 1 && !b.Part && depth < 4 {
			return method(at, b.Value, depth+1)
		}
	}
	return false
}

// methods are the names that a text or a collection holds; none where not all
// are known.
func methods(s *pymodel.Scope, e pyast.Expr, depth int) []string {
	if text, ok := s.Text(e); ok {
		return []string{strings.ToUpper(text)}
	}
	if list, all := s.Texts(e); all {
		for i := range list {
			list[i] = strings.ToUpper(list[i])
		}
		return list
	}
	switch x := e.(type) {
	case *pyast.Call:
		if leaf := analysis.Leaf(x.Func); (leaf == "frozenset" || leaf == "set") && len(x.Args) == 1 {
			return methods(s, x.Args[0], depth)
		}
	case *pyast.Name, *pyast.Attribute:
		if sym := s.Symbol(x); sym.Binding != nil && sym.Binding.Value != nil && sym.Binding.Count == 1 && !sym.Binding.Part && depth < 4 {
			return methods(sym.Scope, sym.Binding.Value, depth+1)
		}
	}
	return nil
}
