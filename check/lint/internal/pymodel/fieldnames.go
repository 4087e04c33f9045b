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
		return b != nil && b.Value != nil && !b.Part && !b.With && b.Count == 1 && at.fieldNames(b.Value, depth+1)
	case *pyast.Call:
		a, ok := e.Func.(*pyast.Attribute)
		if !ok {
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
