package access

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// choices are the values of which an expression is one: a or b, a if c else b,
// or a name that is bound to such, once.
func choices(s *pymodel.Scope, e pyast.Expr) []pyast.Expr {
	switch x := e.(type) {
	case *pyast.BoolOp:
		if x.Op == pyast.Or {
			return x.Values
		}
	case *pyast.IfExp:
		return []pyast.Expr{x.Body, x.Orelse}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil || b.Param || b.Part || b.Count != 1 || b.Value == nil {
			break
		}
		switch b.Value.(type) {
		case *pyast.BoolOp, *pyast.IfExp:
			return choices(at, b.Value)
		}
	}
	return []pyast.Expr{e}
}

// instead tells of a list whose owner is the current user unless the client
// names another: owner_id or user.id. Of what was sent nothing else is asked.
func instead(p *analysis.Pass, h *handler.Handler) bool {
	if len(h.Users) == 0 || h.Func.Class != nil {
		return false
	}
	s := h.Func.Scope
	other := func(e pyast.Expr) (sent pyast.Expr) {
		list := choices(s, e)
		if len(list) < 2 || !slices.ContainsFunc(list, func(x pyast.Expr) bool { return mentionsUser(h, x) }) {
			return nil
		}
		for _, x := range list {
			if ownID(analysis.Leaf(x)) && !mentionsUser(h, x) && client(p, h, x) && !asked(h, x, list) {
				return x
			}
		}
		return nil
	}
	said := false
	say := func(n pyast.Node, sent pyast.Expr) {
		if sent == nil || said {
			return
		}
		said = true
		severity := finding.Medium
		if h.Writes() {
			severity = finding.High
		}
		p.PythonSeverity(ownerFromBody, severity, h.Func.Module, n, "%s takes %s from what the client sent instead of the current user, and asks nothing more of it", h.Func.Name, analysis.Leaf(sent))
	}
	for _, c := range h.Func.Calls {
		for _, k := range c.Keywords {
			if ownID(k.Name) {
				say(k.Value, other(k.Value))
			}
		}
		for _, a := range c.Args {
			cmp, ok := a.(*pyast.Compare)
			if !ok || len(cmp.Ops) != 1 || cmp.Ops[0] != pyast.Eq {
				continue
			}
			for _, side := range [][2]pyast.Expr{{cmp.Left, cmp.Comparators[0]}, {cmp.Comparators[0], cmp.Left}} {
				if _, column := side[0].(*pyast.Attribute); column && ownID(analysis.Leaf(side[0])) {
					say(cmp, other(side[1]))
				}
			}
		}
	}
	return said
}

// asked tells whether what was sent is looked at outside of the choice: it is
// compared, or handed on.
func asked(h *handler.Handler, sent pyast.Expr, among []pyast.Expr) bool {
	name := pymodel.Dotted(sent)
	within := func(n pyast.Node) bool {
		return slices.ContainsFunc(among, func(x pyast.Expr) bool { return x.Pos() <= n.Pos() && n.End() <= x.End() })
	}
	used := func(e pyast.Expr) bool {
		return analysis.Within(e, func(x pyast.Expr) bool { return pymodel.Dotted(x) == name && !within(x) })
	}
	found := name == ""
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare:
			if len(n.Comparators) == 1 && h.Func.Scope.Is(n.Comparators[0], pyast.None) {
				break
			}
			found = found || used(n)
		case *pyast.Call:
			found = found || slices.ContainsFunc(arguments(n), used)
		}
		return !found
	})
	return found
}
