package access

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// lasts tells whether a collection is one that lives as long as the process:
// of the module, or of an object that is.
func lasts(f *pymodel.Func, e pyast.Expr) bool {
	switch x := e.(type) {
	case *pyast.Name:
		_, at := f.Scope.Lookup(x.ID)
		return at != nil && at.Func == nil || global(f, x.ID)
	case *pyast.Attribute: // store.orders, self.orders
		base, ok := x.Value.(*pyast.Name)
		if !ok || request(x) {
			return false
		}
		b, at := f.Scope.Lookup(base.ID)
		if base.ID == "self" && f.Class != nil {
			return true
		}
		if b == nil || b.Class != nil {
			return false
		}
		if at.Func == nil {
			return true
		}
		// store: Store = Depends(get_store)
		return b.Param && b.Annotation != nil && analysis.Names(base.ID, "store", "storage", "repo", "repository", "database", "db")
	case *pyast.Call:
		// store.orders.values(), list(ORDERS)
		if a, ok := x.Func.(*pyast.Attribute); ok && len(x.Args) == 0 && (a.Attr == "values" || a.Attr == "items" || a.Attr == "copy") {
			return lasts(f, a.Value)
		}
		if name := f.Scope.Qualified(x.Func); len(x.Args) == 1 && (name == "builtins.list" || name == "builtins.enumerate" || name == "builtins.reversed") {
			return lasts(f, x.Args[0])
		}
	}
	return false
}

// elementClass is the project's class of what a collection holds, as its
// annotation says: dict[int, Order].
func elementClass(s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	if c, ok := e.(*pyast.Call); ok {
		switch a, method := c.Func.(*pyast.Attribute); {
		case method && len(c.Args) == 0:
			e = a.Value
		case len(c.Args) == 1:
			e = c.Args[0]
		}
	}
	sym := s.Symbol(e)
	if sym.Binding == nil || sym.Binding.Annotation == nil || sym.Scope == nil {
		return nil
	}
	var out *pymodel.Class
	pyast.Inspect(sym.Binding.Annotation, func(n pyast.Node) bool {
		x, ok := n.(pyast.Expr)
		if c, text := n.(*pyast.Constant); text {
			x = pymodel.Forward(c)
			ok = x != nil
		}
		if ok {
			if b := sym.Scope.Symbol(x).Binding; b != nil && b.Class != nil {
				out = b.Class
			}
		}
		return true
	})
	return out
}

// common tells whether all that is looked up belongs to nobody: a catalogue
// that everybody may read.
func common(list []lookup) bool {
	return !slices.ContainsFunc(list, func(l lookup) bool {
		return l.kind == nil || slices.ContainsFunc(l.kind.AllFields(), func(f *pymodel.Field) bool {
			return ownName(f.Name) || analysis.Names(f.Name, groups...)
		})
	})
}

// global tells whether a function says that a name is the module's.
func global(f *pymodel.Func, name string) bool {
	return slices.ContainsFunc(f.Body, func(s pyast.Stmt) bool {
		g, ok := s.(*pyast.Global)
		return ok && slices.Contains(g.Names, name)
	})
}

// sought tells whether a loop over such a collection asks for the element
// whose id is what the client chose.
func sought[N pyast.Node](f *pymodel.Func, target, iter pyast.Expr, is func(pyast.Expr) bool, in ...N) bool {
	if !lasts(f, iter) {
		return false
	}
	names := []string{analysis.Leaf(target)}
	if t, ok := target.(*pyast.Tuple); ok {
		names = nil
		for _, e := range t.Elts {
			names = append(names, analysis.Leaf(e))
		}
	}
	found := false
	for _, n := range in {
		pyast.Inspect(n, func(n pyast.Node) bool {
			cmp, ok := n.(*pyast.Compare)
			if ok && len(cmp.Ops) == 1 && (cmp.Ops[0] == pyast.Eq || cmp.Ops[0] == pyast.NotEq) {
				x, y := cmp.Left, cmp.Comparators[0]
				for range 2 {
					if is(x) && slices.Contains(names, element(y)) && !ownName(analysis.Leaf(y)) {
						found = true
					}
					x, y = y, x
				}
			}
			return !found
		})
	}
	return found
}

// element is the name whose attribute or entry an expression is.
func element(e pyast.Expr) string {
	switch x := e.(type) {
	case *pyast.Name:
		return x.ID
	case *pyast.Attribute:
		return first(x.Value)
	case *pyast.Subscript:
		return first(x.Value)
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok && a.Attr == "get" {
			return first(a.Value)
		}
	}
	return ""
}
