package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// A listing is all fields that an object has, as its class tells them.
type listing struct {
	class *pymodel.Class // nil when it is not known
	drop  []string
}

// listed tells whether an expression lists the fields that a class has:
// User.model_fields, User.__table__.columns, vars(user).
func listed(s *pymodel.Scope, e pyast.Expr, depth int) (l listing, ok bool) {
	if depth > 8 || e == nil {
		return l, false
	}
	depth++
	switch x := e.(type) {
	case *pyast.Attribute:
		switch x.Attr {
		case "model_fields", "model_fields_set", "__fields__", "__fields_set__", "__annotations__", "__dataclass_fields__", "__dict__", "column_attrs", "mapper", "__mapper__", "__table__", "__sqlmodel_relationships__":
			return listing{class: classIn(s, x.Value)}, true
		case "columns", "c", "attrs":
			return listed(s, x.Value, depth)
		}
		if b := s.Symbol(x).Binding; b != nil && b.Value != nil && !b.Param && !b.Part {
			return listed(s.Symbol(x).Scope, b.Value, depth)
		}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b != nil && b.Value != nil && !b.Param && !b.Part && b.Count == 1 {
			return listed(at, b.Value, depth)
		}
	case *pyast.BinOp:
		if x.Op == pyast.Sub {
			l, ok = listed(s, x.Left, depth)
			names, all := s.Texts(x.Right)
			return listing{l.class, append(l.drop, names...)}, ok && all
		}
	case *pyast.SetComp:
		return listedBy(s, x.Elt, x.Generators, depth)
	case *pyast.ListComp:
		return listedBy(s, x.Elt, x.Generators, depth)
	case *pyast.GeneratorExp:
		return listedBy(s, x.Elt, x.Generators, depth)
	case *pyast.Call:
		name := s.Qualified(x.Func)
		switch name {
		case "builtins.set", "builtins.list", "builtins.frozenset", "builtins.tuple", "builtins.sorted", "builtins.iter":
			if len(x.Args) == 1 {
				return listed(s, x.Args[0], depth)
			}
		case "builtins.vars", "builtins.dir", "dataclasses.fields", "typing.get_type_hints", "sqlalchemy.inspect", "sqlalchemy.inspection.inspect", "inspect.get_annotations":
			if len(x.Args) == 1 {
				return listing{class: classIn(s, x.Args[0])}, true
			}
		}
		// columns_of(User)
		if b := s.Symbol(x.Func).Binding; b != nil && b.Func != nil {
			results := b.Func.Results()
			for _, r := range results {
				if l, ok = listed(b.Func.Scope, r, depth); !ok {
					return listing{}, false
				}
			}
			return l, len(results) > 0
		}
		if a, method := x.Func.(*pyast.Attribute); method && len(x.Args) == 0 && (a.Attr == "keys" || a.Attr == "copy" || a.Attr == "values") {
			return listed(s, a.Value, depth)
		}
	}
	return l, false
}

// listedBy is {column.name for column in …}.
func listedBy(s *pymodel.Scope, elt pyast.Expr, gens []*pyast.Comprehension, depth int) (listing, bool) {
	if len(gens) != 1 || len(gens[0].Ifs) > 0 || first(elt) != analysis.Leaf(gens[0].Target) {
		return listing{}, false
	}
	return listed(s, gens[0].Iter, depth)
}

// first is the name that an expression begins with.
func first(e pyast.Expr) string {
	name, _, _ := strings.Cut(pymodel.Dotted(e), ".")
	return name
}

// classIn is the project's class that an expression is, or is of: User,
// user.__class__, type(user).
func classIn(s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	switch x := e.(type) {
	case *pyast.Call:
		if len(x.Args) == 1 {
			return classIn(s, x.Args[0])
		}
	case *pyast.Attribute:
		if x.Attr == "__class__" {
			return classIn(s, x.Value)
		}
	}
	if sym := s.Symbol(e); sym.Binding != nil && sym.Binding.Class != nil {
		return sym.Binding.Class
	}
	return s.TypeOf(e).Class
}

// wide tells whether a list of fields lets through what no client may set: all
// that a row or the object itself has, or a model's with a role in it.
func (l listing) wide(object *pymodel.Class) bool {
	if l.class == nil {
		return len(l.drop) == 0
	}
	if (l.class.IsTable() || l.class == object) && len(l.drop) == 0 {
		return true
	}
	return source{model: l.class, drop: l.drop}.problem() != ""
}

// anyField tells whether a comparison asks of a key nothing but whether the
// object has such a field.
func anyField(s *pymodel.Scope, n *pyast.Compare, object pyast.Expr) bool {
	if len(n.Ops) != 1 || n.Ops[0] != pyast.In && n.Ops[0] != pyast.NotIn {
		return false
	}
	l, ok := listed(s, n.Comparators[0], 0)
	var of *pymodel.Class
	if object != nil {
		of = s.TypeOf(object).Class
	}
	return ok && l.wide(of)
}

// keysChecked tells whether a function asks of all keys of a dict whether they
// are in a list: set(changes) - EDITABLE, all(key in EDITABLE for key in changes).
func keysChecked(f *pymodel.Func, iter pyast.Expr) bool {
	if c, ok := iter.(*pyast.Call); ok {
		if a, method := c.Func.(*pyast.Attribute); method && len(c.Args) == 0 {
			iter = a.Value
		}
	}
	name, ok := iter.(*pyast.Name)
	if !ok {
		return false
	}
	// keys tells whether an expression is the keys of the dict.
	keys := func(e pyast.Expr) bool {
		if c, ok := e.(*pyast.Call); ok {
			if a, method := c.Func.(*pyast.Attribute); method && (a.Attr == "keys" || a.Attr == "items") {
				e = a.Value
			} else if len(c.Args) == 1 && (analysis.Leaf(c.Func) == "set" || analysis.Leaf(c.Func) == "list") {
				e = c.Args[0]
				if in, ok := e.(*pyast.Call); ok && analysis.Leaf(in.Func) == "keys" {
					e = in.Func.(*pyast.Attribute).Value
				}
			}
		}
		n, ok := e.(*pyast.Name)
		return ok && n.ID == name.ID
	}
	narrow := func(e pyast.Expr) bool {
		l, ok := listed(f.Scope, e, 0)
		return !ok || !l.wide(nil)
	}
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.For: // for key in changes: if key not in EDITABLE: raise
			if keys(n.Iter) {
				_, wide := screen{s: f.Scope, key: keyOf(n.Target)}.passes(refusals(n.Body))
				found = found || !wide
			}
		case *pyast.BinOp:
			found = found || n.Op == pyast.Sub && keys(n.Left) && narrow(n.Right)
		case *pyast.Compare:
			if len(n.Ops) == 1 {
				found = found || (n.Ops[0] == pyast.LtE || n.Ops[0] == pyast.Lt) && keys(n.Left) && narrow(n.Comparators[0]) ||
					(n.Ops[0] == pyast.GtE || n.Ops[0] == pyast.Gt) && keys(n.Comparators[0]) && narrow(n.Left)
			}
		case *pyast.Call:
			a, ok := n.Func.(*pyast.Attribute)
			if ok && len(n.Args) == 1 {
				found = found || (a.Attr == "issubset" || a.Attr == "difference") && keys(a.Value) && narrow(n.Args[0]) || a.Attr == "issuperset" && keys(n.Args[0]) && narrow(a.Value)
			}
			// any(key not in EDITABLE for key in changes)
			if g, ok := pymodel.Arg(n, 0, "").(*pyast.GeneratorExp); ok && (analysis.Leaf(n.Func) == "any" || analysis.Leaf(n.Func) == "all") && keys(g.Generators[0].Iter) {
				cmp, ok := g.Elt.(*pyast.Compare)
				found = found || ok && len(cmp.Ops) == 1 && (cmp.Ops[0] == pyast.In || cmp.Ops[0] == pyast.NotIn) && narrow(cmp.Comparators[0])
			}
		}
		return !found
	})
	return found
}

// reversed is the dict that a loop over an object's fields takes values from:
// for name in User.model_fields: setattr(user, name, changes[name]).
func reversed(s *pymodel.Scope, set *pyast.Call, key string) pyast.Expr {
	switch x := set.Args[2].(type) {
	case *pyast.Subscript:
		if first(x.Slice) == key {
			return x.Value
		}
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok && (a.Attr == "get" || a.Attr == "pop") && len(x.Args) > 0 && first(x.Args[0]) == key {
			return a.Value
		}
		if s.Qualified(x.Func) == "builtins.getattr" && len(x.Args) > 1 && first(x.Args[1]) == key {
			return x.Args[0]
		}
	}
	return nil
}

// answered tells of fields that another server's answer sets, all of them.
func answered(p *analysis.Pass, f *pymodel.Func, told map[pyast.Node]bool) {
	loops(p, f, func(at pyast.Node, iter pyast.Expr, _ []string) {
		set, ok := at.(*pyast.Call)
		if !ok || told[at] || analysis.Leaf(set.Func) != "setattr" || !answer(f.Scope, iter, 0) {
			return
		}
		switch name := first(set.Args[0]); name {
		case "self", "cls", "":
			return
		}
		// What is made here of the answer is no row.
		if made := f.Scope.Made(set.Args[0]); made != nil {
			if sym := f.Scope.Symbol(made.Func); sym.Binding != nil && sym.Binding.Class != nil && !sym.Binding.Class.IsTable() {
				return
			}
		}
		told[at] = true
		p.PythonSeverity(massAssignment, finding.Medium, f.Module, at, "setattr in a loop takes any field that another server answers with")
	})
}

// answer tells whether a value is what another server answered.
func answer(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 10 {
		return false
	}
	depth++
	switch x := e.(type) {
	case *pyast.Await:
		return answer(s, x.Value, depth)
	case *pyast.Subscript:
		return answer(s, x.Value, depth)
	case *pyast.BoolOp:
		return answer(s, x.Values[0], depth)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		return b != nil && at.Func != nil && b.Value != nil && !b.Part && answer(at, b.Value, depth)
	case *pyast.Call:
		if s.Qualified(x.Func) == "json.loads" && len(x.Args) == 1 {
			if a, ok := x.Args[0].(*pyast.Attribute); ok && (a.Attr == "text" || a.Attr == "content") {
				return response(s, a.Value, depth)
			}
			return false
		}
		if b := s.Symbol(x.Func).Binding; b != nil && b.Func != nil {
			return slices.ContainsFunc(b.Func.Results(), func(r pyast.Expr) bool { return answer(b.Func.Scope, r, depth) })
		}
		a, ok := x.Func.(*pyast.Attribute)
		if !ok {
			return false
		}
		switch a.Attr {
		case "items", "copy", "get", "keys":
			return answer(s, a.Value, depth)
		case "json":
			return response(s, a.Value, depth)
		}
	}
	return false
}

func response(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 12 {
		return false
	}
	depth++
	switch x := e.(type) {
	case *pyast.Await:
		return response(s, x.Value, depth)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		return b != nil && at.Func != nil && b.Value != nil && !b.Part && response(at, b.Value, depth)
	case *pyast.Call:
		name := s.Qualified(x.Func)
		for _, lib := range []string{"httpx.", "requests.", "aiohttp.", "urllib3."} {
			if strings.HasPrefix(name, lib) {
				return true
			}
		}
		a, ok := x.Func.(*pyast.Attribute)
		return ok && slices.Contains([]string{"get", "post", "put", "patch", "request", "send"}, a.Attr) && analysis.Names(analysis.Leaf(a.Value), "client", "http", "httpx", "requests", "http client")
	}
	return false
}
