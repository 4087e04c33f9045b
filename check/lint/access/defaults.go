package access

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// allows tells of a table of rules on whose an object is, where what has no
// rule is allowed to anybody: RULES.get(action, lambda user, row: True).
func allows(p *analysis.Pass, c *pymodel.Call) {
	if c.Method() != "get" || len(c.Args) != 2 || c.Receiver() == nil {
		return
	}
	otherwise, ok := c.Args[1].(*pyast.Lambda)
	if !ok || !anybody(c.Scope, otherwise.Body) {
		return
	}
	rules, at := c.Scope.Dict(c.Receiver())
	if rules == nil || !slices.ContainsFunc(rules.Values, func(e pyast.Expr) bool { return comparesOwner(at, e, 0) }) {
		return
	}
	p.PythonAt(defaultAllow, c.Module, otherwise, "%s has rules on whose an object is, and what is not in it is allowed", analysis.Leaf(c.Receiver()))
}

// anybody tells whether a rule holds for all, or for all who are logged in.
func anybody(s *pymodel.Scope, e pyast.Expr) bool {
	if s.Is(e, pyast.True) {
		return true
	}
	c, ok := e.(*pyast.Compare)
	if !ok || len(c.Ops) != 1 || c.Ops[0] != pyast.IsNot || !s.Is(c.Comparators[0], pyast.None) {
		return false
	}
	_, named := c.Left.(*pyast.Name)
	return named
}

// comparesOwner tells whether a rule, or a function that it calls, compares the
// owner of a row.
func comparesOwner(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 3 {
		return false
	}
	asks := func(body pyast.Node) bool {
		return analysis.Within(body, func(e pyast.Expr) bool {
			switch x := e.(type) {
			case *pyast.Compare:
				a, ok := x.Left.(*pyast.Attribute)
				b, also := x.Comparators[0].(*pyast.Attribute)
				return ok && ownName(a.Attr) || also && ownName(b.Attr)
			case *pyast.Call:
				return comparesOwner(s, x.Func, depth+1)
			}
			return false
		})
	}
	switch x := e.(type) {
	case *pyast.Lambda:
		return asks(x.Body)
	case *pyast.Name, *pyast.Attribute:
		b := s.Symbol(x).Binding
		return b != nil && b.Func != nil && slices.ContainsFunc(b.Func.Body, func(s pyast.Stmt) bool { return asks(s) })
	}
	return false
}
