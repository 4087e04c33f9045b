package pymodel

import (
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// fieldNames tells whether an expression gives, one after the other, the names
// of a model's fields: those are of the source, whatever a client sends, unless
// the model takes others too.
func (s *Scope) fieldNames(e pyast.Expr, depth int) bool {
	if depth > maxFollow {
		return false
	}
	switch e := e.(type) {
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		if b != nil && b.Param && b.Count == 1 && at.Func != nil && at.Func.Args.Kwarg != nil && at.Func.Args.Kwarg.Name == e.ID {
			return true // **values: the calls name them
		}
		return b != nil && b.Value != nil && !b.Part && !b.With && b.Count == 1 && at.fieldNames(b.Value, depth+1)
	case *pyast.Call:
		a, ok := e.Func.(*pyast.Attribute)
		if !ok {
			switch s.Qualified(e.Func) {
			case "builtins.list", "builtins.sorted", "builtins.tuple", "builtins.set", "builtins.reversed":
				return len(e.Args) > 0 && s.fieldNames(e.Args[0], depth+1)
			}
			return false
		}
		switch a.Attr {
		case "keys":
			return s.fieldNames(a.Value, depth+1)
		case "model_dump", "dict":
			c := s.TypeOf(a.Value).Class
			return c != nil && c.IsA("pydantic.BaseModel", "sqlmodel.SQLModel") && !c.takesMore()
		}
	}
	return false
}

// names tells whether a name is bound to names of fields: of a loop over them,
// or over x.items().
func (s *Scope) names(d Def) bool {
	if d.Key {
		return s.fieldNames(d.Value.(*pyast.Call).Func.(*pyast.Attribute).Value, 0)
	}
	return d.Part && !d.Held && s.fieldNames(d.Value, 0)
}

// joinsNames tells whether a call gives names of fields, and nothing of what
// they hold: ", ".join(values), sorted(values), values.keys().
func (s *Scope) joinsNames(c *pyast.Call) bool {
	a, ok := c.Func.(*pyast.Attribute)
	switch {
	case !ok:
		return len(c.Args) == 1 && s.fieldNames(c, 0)
	case a.Attr == "join":
		return len(c.Args) == 1 && s.fieldNames(c.Args[0], 0)
	}
	return a.Attr == "keys" && len(c.Args) == 0 && s.fieldNames(a.Value, 0)
}

// takesMore tells whether a model takes fields that it does not describe.
func (c *Class) takesMore() bool {
	for _, k := range append(c.above(), c) {
		if b := k.Scope.Names["model_config"]; b != nil {
			var extra pyast.Expr
			switch v := b.Value.(type) {
			case *pyast.Call:
				extra = Keyword(v, "extra")
			case *pyast.Dict:
				extra = k.Scope.Entry(v, "extra")
			}
			if text, known := k.Scope.Text(extra); extra != nil && (!known || text == "allow") {
				return true
			}
		}
		if b := k.Scope.Names["Config"]; b != nil && b.Class != nil {
			if x := b.Class.Scope.Names["extra"]; x != nil {
				if text, known := b.Class.Scope.Text(x.Value); !known || text == "allow" {
					return true
				}
			}
		}
	}
	return false
}
