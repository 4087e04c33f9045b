package handler

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// maxBases bounds how far a class is followed up.
const maxBases = 6

// Generic is the table whose row a method gives that is written for any:
// get(self, key) -> M of Repository[M], called on what derives from
// Repository[User].
func Generic(s *pymodel.Scope, c *pyast.Call, f *pymodel.Func) *pymodel.Class {
	a, ok := c.Func.(*pyast.Attribute)
	if !ok || f.Class == nil || f.Returns == nil {
		return nil
	}
	on := s.TypeOf(a.Value).Class
	if on == nil {
		return nil
	}
	var table *pymodel.Class
	params := variables(f.Class)
	pyast.Inspect(f.Returns, func(n pyast.Node) bool {
		if n, ok := n.(*pyast.Name); ok && table == nil {
			if i := slices.Index(params, n.ID); i >= 0 {
				table = tableOf(on, f.Class, i)
			}
		}
		return table == nil
	})
	return table
}

// tableOf is the table that a class gives for a variable of the generic
// one that it derives from.
func tableOf(c, of *pymodel.Class, i int) *pymodel.Class {
	e, at := argument(c, of, i, 0)
	if e == nil {
		return nil
	}
	if b := at.Outer.Symbol(e).Binding; b != nil && b.Class != nil && b.Class.IsTable() {
		return b.Class
	}
	return nil
}

// argument is what stands for a variable of a generic class in what derives
// from it, over as many classes between them.
func argument(c, of *pymodel.Class, i, depth int) (pyast.Expr, *pymodel.Class) {
	if depth > maxBases {
		return nil, nil
	}
	for _, base := range c.Bases {
		sub, given := base.(*pyast.Subscript)
		value := base
		if given {
			value = sub.Value
		}
		b := c.Outer.Symbol(value).Binding
		if b == nil || b.Class == nil || b.Class == c {
			continue
		}
		at := i
		if b.Class != of {
			e, where := argument(b.Class, of, i, depth+1)
			if e == nil {
				continue
			}
			n, ok := e.(*pyast.Name)
			if at = -1; ok {
				at = slices.Index(variables(b.Class), n.ID)
			}
			if at < 0 {
				return e, where
			}
		}
		if given {
			if list := bracketed(sub.Slice); at < len(list) {
				return list[at], c
			}
		}
	}
	return nil, nil
}

// variables are the names that a generic class is written with.
func variables(c *pymodel.Class) []string {
	var out []string
	for _, p := range c.TypeParams {
		out = append(out, p.Name)
	}
	if out != nil {
		return out
	}
	// Generic[…] gives the order; without it, it is that of the bases.
	for _, only := range []bool{true, false} {
		for _, base := range c.Bases {
			sub, ok := base.(*pyast.Subscript)
			if !ok || only && c.Outer.Qualified(sub.Value) != "typing.Generic" {
				continue
			}
			for _, e := range bracketed(sub.Slice) {
				n, ok := e.(*pyast.Name)
				if ok && c.Outer.TypeOf(n).Name == "typing.TypeVar" && !slices.Contains(out, n.ID) {
					out = append(out, n.ID)
				}
			}
		}
		if out != nil {
			break
		}
	}
	return out
}

// bracketed is what stands in brackets.
func bracketed(e pyast.Expr) []pyast.Expr {
	if t, ok := e.(*pyast.Tuple); ok {
		return t.Elts
	}
	return []pyast.Expr{e}
}
