package output

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// stored tells whether a value is a text of a user that was kept: a column of
// a row, or a field of what is in a collection of the module.
func stored(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr) bool {
	var from pyast.Expr
	switch e := e.(type) {
	case *pyast.Attribute:
		from = e.Value
	case *pyast.Subscript:
		from = e.Value
	}
	name := analysis.Leaf(e)
	if from == nil || name == "" {
		return false
	}
	switch kind := kindOf(rowClass(s, from, 0), name); {
	case kind == "text":
		if analysis.Names(name, "status", "state", "kind", "type", "color", "colour", "currency", "slug", "id", "code", "token", "hash", "path", "uuid", "lang", "language", "locale", "timezone", "sha256", "role", "key", "level", "unit", "icon", "created", "updated", "date", "mime", "version", "template", "csrf", "xsrf", "nonce", "jti", "sid", "session") {
			return false
		}
	case kind != "" || !written(name):
		return false
	}
	return kept(p, s, from, 0) && !cleaned(p, name)
}

// cleaned tells whether what is put into fields of the name was escaped
// before: Post(html=nh3.clean(text)).
func cleaned(p *analysis.Pass, name string) bool {
	clean := func(s *pymodel.Scope, e pyast.Expr) bool {
		if n, ok := e.(*pyast.Name); ok {
			if list := defs(s, n); len(list) > 0 {
				e = list[len(list)-1]
			}
		}
		c, ok := e.(*pyast.Call)
		// What a row holds is escaped on its way out: here, and perhaps not
		// elsewhere.
		return ok && escapes(s, c) && !slices.ContainsFunc(c.Args, func(x pyast.Expr) bool {
			a, is := x.(*pyast.Attribute)
			return is && kept(p, s, a.Value, 0)
		})
	}
	found := false
	p.Modules(func(m *pymodel.Module) {
		found = found || slices.ContainsFunc(m.Calls, func(c *pymodel.Call) bool {
			k := c.Keyword(name)
			return k != nil && clean(c.Scope, k)
		}) || slices.ContainsFunc(m.Assigns, func(a pymodel.At[*pyast.Assign]) bool {
			return slices.ContainsFunc(a.Node.Targets, func(t pyast.Expr) bool {
				_, local := t.(*pyast.Name)
				return !local && analysis.Leaf(t) == name
			}) && clean(a.Scope, a.Node.Value)
		})
	})
	return found
}

// written tells whether a name is of what users write.
func written(name string) bool {
	return analysis.Names(name, "text", "body", "content", "comment", "message", "bio", "name", "title", "description", "username", "email", "subject", "note", "notes", "review", "nickname", "nick", "about", "summary", "author", "caption", "html", "msg", "signature", "question", "answer", "filename", "headline", "address", "city", "company", "reply", "feedback", "label", "tagline", "motto")
}

// kept tells whether a value is a row, or comes from a collection that
// requests fill.
func kept(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if e == nil || depth > 12 {
		return false
	}
	depth++
	next := func(e pyast.Expr) bool { return kept(p, s, e, depth) }
	switch e := e.(type) {
	case *pyast.Await:
		return next(e.Value)
	case *pyast.NamedExpr:
		return next(e.Value)
	case *pyast.BoolOp:
		return slices.ContainsFunc(e.Values, next)
	case *pyast.IfExp:
		return next(e.Body) || next(e.Orelse)
	case *pyast.ListComp:
		return next(e.Generators[0].Iter)
	case *pyast.GeneratorExp:
		return next(e.Generators[0].Iter)
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		if b == nil {
			return false
		}
		if at.Func == nil && at.Class == nil && at.Parent == nil {
			sym := s.Symbol(e)
			if sym.Binding == nil || sym.Scope == nil {
				return false
			}
			// An empty list or dict of the module is filled by requests.
			switch v := sym.Binding.Value.(type) {
			case *pyast.List:
				return len(v.Elts) == 0 || filled(p, e.ID)
			case *pyast.Dict:
				return len(v.Keys) == 0 || filled(p, e.ID)
			case *pyast.Call:
				return slices.Contains([]string{"builtins.list", "builtins.dict", "collections.defaultdict", "collections.OrderedDict", "collections.deque"}, sym.Scope.Qualified(v.Func))
			}
			return false
		}
		if b.Param && at.Func != nil {
			return handed(p, at.Func, e.ID, b, depth)
		}
		return slices.ContainsFunc(defs(s, e), func(d pyast.Expr) bool { return !pymodel.Uses(d, e.ID) && kept(p, at, d, depth) })
	case *pyast.Attribute:
		if collects(p, s, e) {
			return true
		}
		if c := rowClass(s, e.Value, 0); c != nil && c.IsTable() {
			return next(e.Value) // order.comments
		}
	case *pyast.Subscript:
		return next(e.Value)
	case *pyast.Call:
		if to := callee(s, e); to != nil {
			return slices.ContainsFunc(to.Results(), func(r pyast.Expr) bool { return kept(p, to.Scope, r, depth) })
		}
		switch s.Qualified(e.Func) {
		case "builtins.sorted", "builtins.list", "builtins.reversed", "builtins.enumerate", "builtins.next", "builtins.tuple", "builtins.iter":
			return len(e.Args) > 0 && next(e.Args[0])
		case "builtins.filter":
			return len(e.Args) > 1 && next(e.Args[1])
		}
		attr, ok := e.Func.(*pyast.Attribute)
		if !ok {
			return false
		}
		switch attr.Attr {
		case "query", "execute", "scalar", "scalars", "fetchone", "fetchall", "fetchrow", "fetch", "find_one", "fetch_one", "fetch_all", "fetchmany", "exec", "scalar_one", "scalar_one_or_none":
			return true
		case "find", "first", "all", "one", "one_or_none", "filter", "filter_by", "get", "values", "items", "mappings", "to_list", "order_by", "limit", "offset", "join", "options", "unique", "copy", "sort":
			return next(attr.Value) || (attr.Attr == "get" || attr.Attr == "find") && dbNamed(attr.Value)
		}
	}
	return false
}

// handed tells whether a parameter gets such a value: by its type, by a
// dependency, or by the project's calls.
func handed(p *analysis.Pass, f *pymodel.Func, name string, b *pymodel.Binding, depth int) bool {
	for _, x := range f.Params {
		if x.Name != name {
			continue
		}
		if d, ok := f.ParamDep(x); ok {
			return d.Func != nil && slices.ContainsFunc(d.Func.Results(), func(r pyast.Expr) bool { return kept(p, d.Func.Scope, r, depth) })
		}
	}
	if c := lastClass(f.Outer, b.Annotation); c != nil && c.IsTable() && !p.Python.FromRequest(f, name) {
		return true
	}
	return slices.ContainsFunc(p.Python.Given(f, name), func(o pymodel.Origin) bool { return kept(p, o.Scope, o.Expr, depth) }) ||
		slices.ContainsFunc(f.Module.Calls, func(c *pymodel.Call) bool {
			return c.Is("builtins.map") && mapped(c.Scope, c.Call) == f && kept(p, c.Scope, c.Args[1], depth)
		})
}

// mapped is the project's function that map calls for each element.
func mapped(s *pymodel.Scope, c *pyast.Call) *pymodel.Func {
	if len(c.Args) != 2 {
		return nil
	}
	if b := s.Symbol(c.Args[0]).Binding; b != nil {
		return b.Func
	}
	return nil
}

// collects tells whether an attribute is a collection of an object that lives
// as long as the process, and is filled while it does: store.comments.
func collects(p *analysis.Pass, s *pymodel.Scope, e *pyast.Attribute) bool {
	if in, ok := e.Value.(*pyast.Attribute); ok && in.Attr == "state" {
		return filled(p, e.Attr)
	}
	sym := s.Symbol(e)
	b := sym.Binding
	if b == nil || sym.Scope == nil || sym.Scope.Class == nil {
		// self.comments = {} is no name of the class.
		holder := s.TypeOf(e.Value).Class
		if f := s.Enclosing(); holder == nil && f != nil && f.Class != nil && analysis.Leaf(e.Value) == "self" {
			holder = f.Class
		}
		return holder != nil && !holder.IsTable() && initialized(holder, e.Attr) && filled(p, e.Attr)
	}
	if sym.Scope.Class.IsTable() || sym.Scope.Class.IsSettings() || sym.Scope.Class.IsA("pydantic.BaseModel") {
		return false
	}
	ann := analysis.Leaf(b.Annotation)
	if sub, ok := b.Annotation.(*pyast.Subscript); ok {
		ann = analysis.Leaf(sub.Value)
	}
	return slices.Contains([]string{"dict", "list", "Dict", "List", "defaultdict", "deque", "OrderedDict"}, ann) && filled(p, e.Attr)
}

// initialized tells whether a class makes an empty collection of the name.
func initialized(c *pymodel.Class, name string) bool {
	for _, a := range c.Module.Assigns {
		if a.Scope.Func == nil || a.Scope.Func.Class != c {
			continue
		}
		for _, t := range a.Node.Targets {
			if attr, ok := t.(*pyast.Attribute); ok && attr.Attr == name && empty(a.Node.Value) {
				return true
			}
		}
	}
	found := false
	pyast.Inspect(c.ClassDef, func(n pyast.Node) bool {
		if a, ok := n.(*pyast.AnnAssign); ok {
			attr, isAttr := a.Target.(*pyast.Attribute)
			found = found || isAttr && attr.Attr == name && a.Value != nil && empty(a.Value)
		}
		return !found
	})
	return found
}

func empty(e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.List:
		return len(e.Elts) == 0
	case *pyast.Dict:
		return len(e.Keys) == 0
	case *pyast.Call:
		return slices.Contains([]string{"dict", "list", "defaultdict", "deque", "OrderedDict"}, analysis.Leaf(e.Func))
	}
	return false
}

// filled tells whether something is put into a collection of the name by a
// function that is not how its object begins.
func filled(p *analysis.Pass, name string) bool {
	begins := func(s *pymodel.Scope) bool {
		f := s.Enclosing()
		return f == nil || f.Name == "__init__" || analysis.Names(f.Name, "load", "seed", "setup", "startup", "init", "lifespan", "register")
	}
	found := false
	p.Modules(func(m *pymodel.Module) {
		if found {
			return
		}
		found = slices.ContainsFunc(m.Assigns, func(a pymodel.At[*pyast.Assign]) bool {
			return !begins(a.Scope) && slices.ContainsFunc(a.Node.Targets, func(t pyast.Expr) bool {
				sub, ok := t.(*pyast.Subscript)
				return ok && analysis.Leaf(sub.Value) == name
			})
		}) || slices.ContainsFunc(m.Calls, func(c *pymodel.Call) bool {
			r := c.Receiver()
			if r == nil || begins(c.Scope) || !slices.Contains([]string{"append", "setdefault", "insert", "appendleft", "update"}, c.Method()) {
				return false
			}
			if sub, ok := r.(*pyast.Subscript); ok {
				r = sub.Value
			}
			return analysis.Leaf(r) == name
		})
	})
	return found
}

func dbNamed(e pyast.Expr) bool {
	return analysis.Names(analysis.Leaf(e), "db", "session", "database", "repo", "repository", "collection", "conn")
}
