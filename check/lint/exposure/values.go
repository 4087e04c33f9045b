package exposure

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// wrappers are what an answer is put into.
var wrappers = []string{"starlette.responses.JSONResponse", "starlette.responses.ORJSONResponse", "starlette.responses.UJSONResponse", "fastapi.encoders.jsonable_encoder", "builtins.list", "builtins.dict", "builtins.sorted", "builtins.str", "json.dumps", "builtins.vars", "builtins.repr"}

// follow is what a name was bound to, in a function.
func follow(s *pymodel.Scope, n *pyast.Name) (pyast.Expr, bool, *pymodel.Scope) {
	b, at := s.Lookup(n.ID)
	if b == nil || b.Value == nil || b.With || b.Import != "" {
		return nil, false, nil
	}
	return b.Value, b.Part, at
}

// rows is the table whose row, or list of rows, a value is.
func rows(s *pymodel.Scope, e pyast.Expr, depth int) *pymodel.Class {
	if depth > 10 || e == nil {
		return nil
	}
	if t := s.TypeOf(e); t.Class != nil && t.Class.IsTable() {
		return t.Class
	}
	switch x := e.(type) {
	case *pyast.Await:
		return rows(s, x.Value, depth+1)
	case *pyast.Name:
		value, _, at := follow(s, x)
		if value == nil {
			if b, at := s.Lookup(x.ID); b != nil && b.Annotation != nil {
				return element(at, b.Annotation)
			}
			return nil
		}
		return rows(at, value, depth+1)
	case *pyast.ListComp:
		if _, ok := x.Elt.(*pyast.Name); ok && len(x.Generators) == 1 {
			return rows(s, x.Generators[0].Iter, depth+1)
		}
	case *pyast.BoolOp:
		return rows(s, x.Values[0], depth+1)
	case *pyast.IfExp:
		if t := rows(s, x.Body, depth+1); t != nil {
			return t
		}
		return rows(s, x.Orelse, depth+1)
	case *pyast.List:
		if len(x.Elts) > 0 {
			return rows(s, x.Elts[0], depth+1)
		}
	case *pyast.Dict:
		for i, v := range x.Values {
			if x.Keys[i] == nil {
				continue
			}
			if t := rows(s, v, depth+1); t != nil {
				return t
			}
		}
	case *pyast.Call:
		if slices.Contains(wrappers, s.Qualified(x.Func)) && len(x.Args) > 0 {
			return rows(s, x.Args[0], depth+1)
		}
		if sym := s.Symbol(x.Func); sym.Binding != nil && sym.Binding.Func != nil {
			if t := returnedBy(sym.Binding.Func, depth); t != nil {
				return t
			}
			return handler.Generic(s, x, sym.Binding.Func)
		}
		return queried(s, x, depth)
	}
	return nil
}

// element is the table in list[User] or User | None.
func element(s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	if sub, ok := e.(*pyast.Subscript); ok {
		if t := s.Annotation(sub.Slice); t.Class != nil && t.Class.IsTable() {
			return t.Class
		}
	}
	if t := s.Annotation(e); t.Class != nil && t.Class.IsTable() {
		return t.Class
	}
	return nil
}

func returnedBy(f *pymodel.Func, depth int) *pymodel.Class {
	if f.Returns != nil {
		return element(f.Outer, f.Returns)
	}
	var table *pymodel.Class
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return false
		case *pyast.Return:
			if n.Value != nil && table == nil {
				table = rows(f.Scope, n.Value, depth+1)
			}
		}
		return table == nil
	})
	return table
}

// takes are methods that give rows, or lead to what gives them.
var takes = strings.Fields("first one all one_or_none scalar_one scalar_one_or_none scalars scalar get unique fetchall to_list get_or_404 find find_one find_all filter filter_by where order_by limit offset join options execute exec query select get_or_none create save insert prefetch_related distinct group_by with_for_update refresh load_only")

// queried is the table of a query: db.query(User).all(), select(User).
func queried(s *pymodel.Scope, c *pyast.Call, depth int) *pymodel.Class {
	table := func(e pyast.Expr) *pymodel.Class {
		sym := s.Symbol(e)
		if sym.Binding != nil && sym.Binding.Class != nil && sym.Binding.Class.IsTable() {
			return sym.Binding.Class
		}
		return nil
	}
	attr, ok := c.Func.(*pyast.Attribute)
	if !ok {
		if n := s.Qualified(c.Func); (n == "sqlalchemy.select" || n == "sqlmodel.select" || n == "sqlalchemy.future.select") && len(c.Args) == 1 {
			return table(c.Args[0])
		}
		return nil
	}
	if !slices.Contains(takes, attr.Attr) {
		return nil
	}
	switch attr.Attr {
	case "query", "get", "execute", "exec", "scalar", "scalars":
		if len(c.Args) > 0 {
			if t := table(c.Args[0]); t != nil {
				return t
			}
			if inner := rows(s, c.Args[0], depth+1); inner != nil && attr.Attr != "get" {
				return inner
			}
		}
	}
	if t := table(attr.Value); t != nil {
		return t
	}
	return rows(s, attr.Value, depth+1)
}

// dumped says which secret a value has: a key of a dict, an attribute that is
// put into one, a row that is made a dict of.
func dumped(s *pymodel.Scope, e pyast.Expr, depth int) string {
	if depth > 8 || e == nil {
		return ""
	}
	switch x := e.(type) {
	case *pyast.Await:
		return dumped(s, x.Value, depth+1)
	case *pyast.Dict:
		for i, k := range x.Keys {
			v := x.Values[i]
			if k == nil {
				if d := dumped(s, v, depth+1); d != "" {
					return d
				}
				continue
			}
			key, _ := s.Text(k)
			if attr := analysis.Leaf(v); taken(s, v) && (leaky(attr) || leaky(key) && attr != "") && !masks(v) {
				return "the " + key + " of a user"
			}
			if d := dumped(s, v, depth+1); d != "" {
				return d
			}
		}
	case *pyast.List:
		for _, elt := range x.Elts {
			if d := dumped(s, elt, depth+1); d != "" {
				return d
			}
		}
	case *pyast.ListComp:
		return dumped(s, x.Elt, depth+1)
	case *pyast.DictComp:
		return columnwise(s, x)
	case *pyast.Attribute:
		if x.Attr == "__dict__" {
			return whole(s, x.Value)
		}
		if leaky(x.Attr) && taken(s, x) {
			return "the " + x.Attr + " of a user"
		}
	case *pyast.Subscript:
		return entries(s, x.Value)
	case *pyast.IfExp:
		if d := dumped(s, x.Body, depth+1); d != "" {
			return d
		}
		return dumped(s, x.Orelse, depth+1)
	case *pyast.BoolOp:
		return dumped(s, x.Values[0], depth+1)
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "model_dump", "dict", "to_dict", "_asdict", "model_dump_json", "json":
				if len(x.Keywords) == 0 && len(x.Args) == 0 {
					return whole(s, a.Value)
				}
			case "get":
				return entries(s, a.Value)
			case "values", "items", "copy":
				return entries(s, a.Value)
			}
		}
		switch name := s.Qualified(x.Func); {
		case name == "builtins.vars" && len(x.Args) == 1:
			return whole(s, x.Args[0])
		case slices.Contains(wrappers, name):
			if len(x.Args) > 0 {
				return dumped(s, x.Args[0], depth+1)
			}
			if v := pymodel.Keyword(x, "content"); v != nil {
				return dumped(s, v, depth+1)
			}
		}
	case *pyast.Name:
		value, part, at := follow(s, x)
		switch {
		case value == nil:
			return echoed(s, x)
		case at.Func == nil:
			return entries(s, x)
		case !part:
			if d := dumped(at, value, depth+1); d != "" && !takenOut(at, x.ID, d) {
				return d
			}
		}
	}
	return ""
}

// echoed tells of a body that is answered with the password that it holds.
func echoed(s *pymodel.Scope, n *pyast.Name) string {
	b, at := s.Lookup(n.ID)
	if b == nil || !b.Param || at.Func == nil || b.Annotation == nil {
		return ""
	}
	t := at.Func.Outer.Annotation(b.Annotation)
	if t.Class == nil || t.Class.IsTable() || !t.Class.IsA("pydantic.BaseModel", "sqlmodel.SQLModel") {
		return ""
	}
	for _, f := range t.Class.AllFields() {
		if f.Annotation != nil && leaky(f.Name) && !hides(t.Class, f) {
			return "the body as it came, with " + f.Name
		}
	}
	return ""
}

// taken tells whether a value is of something that is kept: an attribute or an
// element, not what was just sent or made.
func taken(s *pymodel.Scope, e pyast.Expr) bool {
	var base pyast.Expr
	switch x := e.(type) {
	case *pyast.Attribute:
		base = x.Value
	case *pyast.Subscript:
		base = x.Value
	default:
		return false
	}
	name := analysis.Leaf(base)
	if analysis.Names(name, "settings", "config", "body", "form", "request", "payload", "data", "self") {
		return false
	}
	if t := s.TypeOf(base); t.Class != nil && !t.Class.IsTable() {
		return slices.ContainsFunc(t.Class.AllFields(), func(f *pymodel.Field) bool { return leaky(f.Name) }) && !isParam(s, base)
	}
	return true
}

func isParam(s *pymodel.Scope, e pyast.Expr) bool {
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	b, _ := s.Lookup(n.ID)
	return b != nil && b.Param && b.Value == nil
}

func masks(e pyast.Expr) bool {
	_, ok := e.(*pyast.Compare)
	return ok
}

// whole tells of a row that a dict is made of.
func whole(s *pymodel.Scope, e pyast.Expr) string {
	table := rows(s, e, 0)
	if table == nil {
		if n, ok := e.(*pyast.Name); ok {
			// for user in users
			if value, part, at := follow(s, n); part {
				table = rows(at, value, 0)
			}
		}
	}
	if table == nil {
		return ""
	}
	for _, f := range table.AllFields() {
		if leaky(f.Name) && !hidesColumn(table, f) {
			return "all columns of " + table.Name + ", with " + f.Name
		}
	}
	return ""
}

// entries tells of a dict of the module whose elements hold a secret.
func entries(s *pymodel.Scope, e pyast.Expr) string {
	n, ok := e.(*pyast.Name)
	if !ok {
		return ""
	}
	b, at := s.Lookup(n.ID)
	if b == nil || at.Func != nil {
		if b != nil && b.Value != nil && !b.Part && !b.Param {
			if inner, ok := b.Value.(*pyast.Name); ok {
				return entries(at, inner)
			}
		}
		return ""
	}
	sym := s.Symbol(n)
	if sym.Binding == nil || sym.Binding.Value == nil {
		return ""
	}
	var list []pyast.Expr
	switch v := sym.Binding.Value.(type) {
	case *pyast.Dict:
		list = v.Values
	case *pyast.List:
		list = v.Elts
	}
	for _, v := range list {
		d, ok := v.(*pyast.Dict)
		if !ok {
			continue
		}
		if text := leakyKey(sym.Scope, d); text != "" {
			return "the " + text + " in " + n.ID
		}
	}
	switch sym.Binding.Value.(type) {
	case *pyast.Dict, *pyast.List:
	default:
		return ""
	}
	return filled(sym.Scope.Module, n.ID)
}

func leakyKey(s *pymodel.Scope, d *pyast.Dict) string {
	for _, k := range d.Keys {
		if text, ok := s.Text(k); k != nil && ok && leaky(text) {
			return text
		}
	}
	return ""
}

// filled tells of a secret in what the module itself puts into a dict, or a
// list.
func filled(m *pymodel.Module, name string) string {
	what := func(s *pymodel.Scope, e pyast.Expr) string {
		switch x := e.(type) {
		case *pyast.Dict:
			return leakyKey(s, x)
		case *pyast.Call:
			a, ok := x.Func.(*pyast.Attribute)
			if !ok || a.Attr != "dict" && a.Attr != "model_dump" || len(x.Keywords) > 0 {
				return ""
			}
			e = a.Value
		}
		if t := s.TypeOf(e); t.Class != nil {
			for _, f := range t.Class.AllFields() {
				if f.Annotation != nil && leaky(f.Name) && !hides(t.Class, f) {
					return f.Name
				}
			}
		}
		return ""
	}
	for _, a := range m.Assigns {
		for _, t := range a.Node.Targets {
			sub, ok := t.(*pyast.Subscript)
			if !ok {
				continue
			}
			if n, ok := sub.Value.(*pyast.Name); ok && n.ID == name {
				value, at := a.Node.Value, a.Scope
				if v, ok := value.(*pyast.Name); ok {
					if b, where := at.Lookup(v.ID); b != nil && b.Value != nil && !b.Part {
						value, at = b.Value, where
					}
				}
				if text := what(at, value); text != "" {
					return "the " + text + " in " + name
				}
			}
		}
	}
	for _, c := range m.Calls {
		if n, ok := c.Receiver().(*pyast.Name); ok && n.ID == name && c.Method() == "append" && len(c.Args) == 1 {
			if text := what(c.Scope, c.Args[0]); text != "" {
				return "the " + text + " in " + name
			}
		}
	}
	return ""
}
