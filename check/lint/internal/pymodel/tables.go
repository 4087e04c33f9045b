package pymodel

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// Choices are the values that a table of the source may give: of TABLE["key"]
// the one under the key, of TABLE[kind] and TABLE.get(kind, other) all. It is
// nil for what takes nothing from a table that is known.
func (s *Scope) Choices(e pyast.Expr) []Origin {
	var table, key, other pyast.Expr
	switch x := e.(type) {
	case *pyast.Subscript:
		table, key = x.Value, x.Slice
	case *pyast.Call:
		a, ok := x.Func.(*pyast.Attribute)
		if !ok || a.Attr != "get" || len(x.Args) == 0 {
			return nil
		}
		table, key, other = a.Value, x.Args[0], Arg(x, 1, "default")
	default:
		return nil
	}
	d, at := s.Dict(table)
	if d == nil {
		return nil
	}
	if text, known := s.Text(key); known {
		if v := at.Entry(d, text); v != nil {
			return []Origin{{Expr: v, Scope: at}}
		}
	}
	var out []Origin
	for i, v := range d.Values {
		if d.Keys[i] != nil { // not {**others}
			out = append(out, Origin{Expr: v, Scope: at})
		}
	}
	if other != nil {
		out = append(out, Origin{Expr: other, Scope: s})
	}
	return out
}

// Chosen are the calls that a call of a function out of a table may be:
// READERS[kind](data). They stand in the scope of the table; what they are
// called with is the first call's. A lambda is what it calls with its first
// parameter.
func (c *Call) Chosen() []*Call {
	e, s := c.Func, c.Scope
	if n, ok := e.(*pyast.Name); ok {
		b, at := s.Lookup(n.ID)
		if b == nil || b.Value == nil || b.Part || b.With || b.Count != 1 {
			return nil
		}
		e, s = b.Value, at
	}
	var out []*Call
	for _, o := range s.Choices(e) {
		if made := o.Scope.callOf(o.Expr, c.Call); made != nil {
			out = append(out, &Call{Call: made, Module: o.Scope.Module, Scope: o.Scope, Cond: c.Cond, sym: Symbol{Name: o.Scope.Qualified(made.Func)}})
		}
	}
	return out
}

// callOf is the call of a function that is a value: by its name, as a partial,
// or as a lambda around it.
func (s *Scope) callOf(f pyast.Expr, c *pyast.Call) *pyast.Call {
	switch x := f.(type) {
	case *pyast.Name, *pyast.Attribute:
		return &pyast.Call{Span: c.Span, Func: f, Args: c.Args, Keywords: c.Keywords}
	case *pyast.Call:
		if s.Qualified(x.Func) == "functools.partial" && len(x.Args) > 0 && !HasStars(x) {
			return &pyast.Call{Span: c.Span, Func: x.Args[0], Args: slices.Concat(x.Args[1:], c.Args), Keywords: slices.Concat(x.Keywords, c.Keywords)}
		}
	case *pyast.Lambda:
		if made, ok := x.Body.(*pyast.Call); ok && len(made.Args) > 0 && len(x.Args.Args) > 0 && Uses(made.Args[0], x.Args.Args[0].Name) {
			return made
		}
	}
	return nil
}
