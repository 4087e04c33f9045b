package exposure

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// columnwise tells of a dict that is made of all columns of a row, but for
// those that a condition leaves out:
// {c.name: getattr(user, c.name) for c in User.__table__.columns}.
func columnwise(s *pymodel.Scope, x *pyast.DictComp) string {
	if len(x.Generators) != 1 {
		return ""
	}
	g := x.Generators[0]
	table, key := columnsIn(s, g.Iter)
	if table == nil {
		return ""
	}
	// What the value is of, the column says.
	name := analysis.Leaf(g.Target)
	if t, ok := g.Target.(*pyast.Tuple); ok && len(t.Elts) > 0 {
		name = analysis.Leaf(t.Elts[0])
	}
	if !key {
		c, ok := x.Value.(*pyast.Call)
		if !ok || len(c.Args) < 2 || s.Qualified(c.Func) != "builtins.getattr" || !pymodel.Uses(c.Args[1], name) {
			return ""
		}
	}
	var drop []string
	for _, test := range g.Ifs {
		out, known := leftOut(s, test, name)
		if !known {
			return ""
		}
		drop = append(drop, out...)
	}
	for _, f := range table.AllFields() {
		if leaky(f.Name) && !hidesColumn(table, f) && !slices.Contains(drop, f.Name) {
			return "all columns of " + table.Name + ", with " + f.Name
		}
	}
	return ""
}

// columnsIn is the table whose columns a loop goes through; key tells that it
// goes through the names and values of a row.
func columnsIn(s *pymodel.Scope, e pyast.Expr) (table *pymodel.Class, key bool) {
	of := func(e pyast.Expr) *pymodel.Class {
		if sym := s.Symbol(e); sym.Binding != nil && sym.Binding.Class != nil && sym.Binding.Class.IsTable() {
			return sym.Binding.Class
		}
		return rows(s, e, 0)
	}
	switch x := e.(type) {
	case *pyast.Attribute: // User.__table__.columns, inspect(User).mapper.column_attrs
		inner, ok := x.Value.(*pyast.Attribute)
		switch {
		case x.Attr != "columns" && x.Attr != "c" && x.Attr != "column_attrs" && x.Attr != "attrs":
		case ok && (inner.Attr == "__table__" || inner.Attr == "__mapper__"):
			return of(inner.Value), false
		default:
			from := x.Value
			if ok && inner.Attr == "mapper" {
				from = inner.Value
			}
			if c, ok := from.(*pyast.Call); ok && len(c.Args) == 1 && analysis.Leaf(c.Func) == "inspect" {
				return of(c.Args[0]), false
			}
		}
	case *pyast.Call:
		a, ok := x.Func.(*pyast.Attribute)
		if !ok || len(x.Args) > 0 {
			break
		}
		switch a.Attr {
		case "keys":
			return columnsIn(s, a.Value)
		case "items": // user.__dict__.items(), vars(user).items()
			switch v := a.Value.(type) {
			case *pyast.Attribute:
				if v.Attr == "__dict__" {
					return of(v.Value), true
				}
			case *pyast.Call:
				if len(v.Args) == 1 && s.Qualified(v.Func) == "builtins.vars" {
					return of(v.Args[0]), true
				}
			}
		}
	}
	return nil, false
}

// leftOut are the columns that a condition leaves out; known tells that it is
// understood.
func leftOut(s *pymodel.Scope, test pyast.Expr, name string) (out []string, known bool) {
	switch x := test.(type) {
	case *pyast.Compare:
		if len(x.Ops) != 1 || !pymodel.Uses(x.Left, name) {
			return nil, false
		}
		switch x.Ops[0] {
		case pyast.NotIn:
			return s.Texts(x.Comparators[0])
		case pyast.NotEq:
			text, ok := s.Text(x.Comparators[0])
			return []string{text}, ok
		case pyast.IsNot:
			return nil, s.Is(x.Comparators[0], pyast.None)
		}
	case *pyast.UnaryOp: // not k.startswith("_")
		c, ok := x.Operand.(*pyast.Call)
		if !ok || x.Op != pyast.Not || len(c.Args) != 1 {
			return nil, false
		}
		text, ok := s.Text(c.Args[0])
		return nil, ok && strings.HasPrefix(text, "_") && analysis.Leaf(c.Func) == "startswith"
	case *pyast.BoolOp:
		if x.Op != pyast.And {
			return nil, false
		}
		for _, v := range x.Values {
			more, ok := leftOut(s, v, name)
			if !ok {
				return nil, false
			}
			out = append(out, more...)
		}
		return out, true
	}
	return nil, false
}

// takenOut tells whether what is leaked is taken out of a dict afterwards:
// data.pop("password_hash"), del data["password_hash"].
func takenOut(at *pymodel.Scope, name, leaked string) bool {
	if at.Func == nil {
		return false
	}
	key := leaked[strings.LastIndexByte(leaked, ' ')+1:]
	found := false
	pyast.Walk(at.Func.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Call:
			a, ok := n.Func.(*pyast.Attribute)
			if ok && a.Attr == "pop" && len(n.Args) > 0 && analysis.Leaf(a.Value) == name {
				// A loop over what is taken out says it in its list.
				text, known := at.Text(n.Args[0])
				found = found || !known || text == key
			}
		case *pyast.Delete:
			for _, t := range n.Targets {
				if sub, ok := t.(*pyast.Subscript); ok && analysis.Leaf(sub.Value) == name {
					text, known := at.Text(sub.Slice)
					found = found || !known || text == key
				}
			}
		}
		return !found
	})
	return found
}

// spares tells whether jsonable_encoder leaves a field out.
func spares(s *pymodel.Scope, e pyast.Expr, field string) bool {
	c, ok := e.(*pyast.Call)
	if !ok || s.Qualified(c.Func) != "fastapi.encoders.jsonable_encoder" {
		return false
	}
	if in := pymodel.Keyword(c, "include"); in != nil {
		list, known := s.Texts(in)
		return !known || !slices.Contains(list, field)
	}
	if out := pymodel.Keyword(c, "exclude"); out != nil {
		list, known := s.Texts(out)
		return !known || slices.Contains(list, field)
	}
	return false
}
