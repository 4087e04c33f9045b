package output

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// kindOf is what a field of a class is: a text, something else, or "" when
// that is not known.
func kindOf(c *pymodel.Class, name string) string {
	if c == nil {
		return ""
	}
	for _, f := range c.AllFields() {
		if f.Name != name {
			continue
		}
		e := f.Annotation
		if sub, ok := e.(*pyast.Subscript); ok && analysis.Leaf(sub.Value) == "Mapped" {
			e = sub.Slice
		}
		if e != nil {
			switch t := c.Outer.Annotation(e); {
			case t.Name == "builtins.str":
				return "text"
			case t.Name != "" && t.Name != "typing.Any":
				return t.Name
			}
			return ""
		}
		if made, ok := f.Value.(*pyast.Call); ok && analysis.Names(analysis.Leaf(made.Func), "column") {
			for _, a := range made.Args {
				switch leaf := analysis.Leaf(a); leaf {
				case "String", "Text", "Unicode", "UnicodeText", "VARCHAR", "TEXT":
					return "text"
				case "Integer", "BigInteger", "Numeric", "Float", "DateTime", "Date", "Boolean", "Uuid", "UUID", "Enum", "SmallInteger":
					return leaf
				}
			}
		}
		return ""
	}
	return ""
}

// rowClass is the project's class of a value, or of the elements of the
// collection that it is taken from.
func rowClass(s *pymodel.Scope, e pyast.Expr, depth int) *pymodel.Class {
	if e == nil || depth > 10 {
		return nil
	}
	depth++
	if c := s.TypeOf(e).Class; c != nil {
		return c
	}
	switch x := e.(type) {
	case *pyast.Await:
		return rowClass(s, x.Value, depth)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil {
			return nil
		}
		if c := lastClass(at, b.Annotation); c != nil {
			return c
		}
		if b.Value != nil {
			return rowClass(at, b.Value, depth)
		}
	case *pyast.Attribute: // store.comments
		if sym := s.Symbol(x); sym.Binding != nil && sym.Scope != nil {
			return lastClass(sym.Scope, sym.Binding.Annotation)
		}
	case *pyast.Subscript:
		return rowClass(s, x.Value, depth)
	case *pyast.ListComp:
		return rowClass(s, x.Generators[0].Iter, depth)
	case *pyast.GeneratorExp:
		return rowClass(s, x.Generators[0].Iter, depth)
	case *pyast.Call:
		if to := callee(s, x); to != nil {
			if c := lastClass(to.Outer, to.Returns); c != nil {
				return c
			}
			for _, r := range to.Results() {
				if c := rowClass(to.Scope, r, depth); c != nil {
					return c
				}
			}
			return nil
		}
		// session.scalars(select(Comment)…).all()
		var table *pymodel.Class
		pyast.Inspect(x, func(n pyast.Node) bool {
			if name, ok := n.(*pyast.Name); ok && table == nil {
				if b := s.Symbol(name).Binding; b != nil && b.Class != nil && b.Class.IsTable() {
					table = b.Class
				}
			}
			return table == nil
		})
		if table != nil {
			return table
		}
		if a, ok := x.Func.(*pyast.Attribute); ok {
			if c := rowClass(s, a.Value, depth); c != nil {
				return c
			}
		}
		if len(x.Args) > 0 {
			return rowClass(s, x.Args[0], depth)
		}
	}
	return nil
}

// lastClass is the project's class in an annotation, of dict[int, Comment] the
// last.
func lastClass(s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	if e == nil {
		return nil
	}
	var out *pymodel.Class
	pyast.Inspect(e, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Constant:
			if inner := pymodel.Forward(n); inner != nil {
				if c := lastClass(s, inner); c != nil {
					out = c
				}
			}
		case *pyast.Name:
			if b := s.Symbol(n).Binding; b != nil && b.Class != nil {
				out = b.Class
			}
		case *pyast.Attribute:
			if b := s.Symbol(n).Binding; b != nil && b.Class != nil {
				out = b.Class
			}
			return false
		}
		return true
	})
	return out
}
