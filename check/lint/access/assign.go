package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// assignments tells of a client's fields that are all stored.
func assignments(p *analysis.Pass, h *handler.Handler, told map[pyast.Node]bool) {
	if !h.Writes() || h.Role || h.Says(inner...) || tagged(h, inner) {
		return
	}
	said := false
	say := func(m *pymodel.Module, n pyast.Node, src source, where string) {
		if why := src.problem(); why != "" && !said {
			said = true
			// A method of a repository is for all: it is the handler that hands
			// it too much.
			if f := methodOf(h, m, n); f != nil {
				m, n, where = h.Func.Module, h.Func, h.Func.Name+", by "+f.Name+","
			}
			if told[n] {
				return
			}
			told[n] = true
			p.PythonAt(massAssignment, m, n, "%s takes %s", where, why)
		}
	}
	for _, f := range h.Own {
		if f.Module.Test {
			continue
		}
		loops(p, f, func(at pyast.Node, iter pyast.Expr, drop []string) {
			what := "setattr in a loop"
			if c, ok := at.(*pyast.Call); !ok || analysis.Leaf(c.Func) != "setattr" {
				what = "a statement that is built in a loop"
			}
			say(f.Module, at, sources(h, f, f.Scope, iter, 0).with(drop), what)
		})
		for _, c := range f.Calls {
			stores(h, f, c, say)
		}
		for _, a := range f.Module.Assigns {
			if a.Scope != f.Scope || len(a.Node.Targets) != 1 {
				continue
			}
			// USERS[name] = body.dict()
			if sub, ok := a.Node.Targets[0].(*pyast.Subscript); ok && kept(f.Scope, sub) && !notes(sub) {
				src := sources(h, f, f.Scope, a.Node.Value, 0)
				if !src.open {
					say(f.Module, a.Node, src, "what is kept")
				}
			}
		}
	}
	if said {
		return
	}
	registers(p, h)
}

// notes tells whether a dict of the module is none of a kept kind.
func notes(sub *pyast.Subscript) bool {
	return analysis.Names(analysis.Leaf(sub.Value), "cache", "sessions", "session", "jobs", "tasks", "pending", "config", "settings")
}

// methodOf is the method, of another module, that a node stands in.
func methodOf(h *handler.Handler, m *pymodel.Module, n pyast.Node) *pymodel.Func {
	for _, f := range h.Own {
		if f.Module == m && m != h.Func.Module && f.Class != nil && f.Pos() <= n.Pos() && n.End() <= f.End() {
			return f
		}
	}
	return nil
}

// loops calls report for each loop over what was sent that sets attributes.
func loops(p *analysis.Pass, f *pymodel.Func, report func(pyast.Node, pyast.Expr, []string)) {
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch x := n.(type) {
		case *pyast.GeneratorExp:
			joined(f.Scope, x.Elt, x.Generators, report)
		case *pyast.ListComp:
			joined(f.Scope, x.Elt, x.Generators, report)
		}
		loop, ok := n.(*pyast.For)
		if !ok {
			return true
		}
		t, ok := loop.Target.(*pyast.Tuple)
		var key string
		if ok && len(t.Elts) == 2 {
			key = analysis.Leaf(t.Elts[0])
		} else if key = analysis.Leaf(loop.Target); key == "" {
			return true
		}
		var set pyast.Node
		pyast.Walk(loop.Body, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.Call:
				if f.Scope.Qualified(n.Func) == "builtins.setattr" && len(n.Args) == 3 && (analysis.Leaf(n.Args[1]) == key || first(n.Args[1]) == key) {
					set = n
				}
				if analysis.Leaf(n.Func) == "execute" && len(n.Args) > 0 && column(n.Args[0], key) {
					set = n
				}
			case *pyast.JoinedStr:
				if set == nil && column(n, key) {
					set = n
				}
			}
			return true
		})
		if set == nil {
			return true
		}
		iter := loop.Iter
		var object, from pyast.Expr
		if c, ok := set.(*pyast.Call); ok && analysis.Leaf(c.Func) == "setattr" {
			object = c.Args[0]
			if l, ok := listed(f.Scope, iter, 0); ok && l.wide(f.Scope.TypeOf(object).Class) {
				if from = reversed(f.Scope, c, key); from != nil {
					iter = from
				}
			}
		}
		if keysChecked(f, iter) {
			return true
		}
		// if key in ALLOWED
		screen := screen{p: p, s: f.Scope, key: key, object: object}
		if from != nil {
			screen.from = pymodel.Dotted(from)
		}
		drop, wide := screen.passes(guards(loop.Body, set))
		var class *pymodel.Class
		if object != nil {
			class = f.Scope.TypeOf(object).Class
		}
		if !wide || enough(class, drop) {
			return true
		}
		report(set, iter, drop)
		return true
	})
}

// joined is ", ".join(f"{k} = ?" for k in data).
func joined(s *pymodel.Scope, elt pyast.Expr, gens []*pyast.Comprehension, report func(pyast.Node, pyast.Expr, []string)) {
	if len(gens) != 1 {
		return
	}
	key := keyOf(gens[0].Target)
	var object pyast.Expr
	set := false
	// [setattr(user, key, value) for key, value in changes.items()]
	if c, ok := elt.(*pyast.Call); ok && len(c.Args) == 3 && s.Qualified(c.Func) == "builtins.setattr" {
		object, set = c.Args[0], analysis.Leaf(c.Args[1]) == key
	}
	drop, wide := screen{s: s, key: key, object: object}.passes(ifs(gens[0].Ifs))
	var class *pymodel.Class
	if set {
		class = s.TypeOf(object).Class
	}
	if wide && !enough(class, drop) && (set || column(elt, key)) {
		report(elt, gens[0].Iter, drop)
	}
}

// column tells whether a statement is built with the name of a column:
// f"UPDATE users SET {key} = ?", f"{key} = :{key}".
func column(e pyast.Expr, key string) bool {
	f, ok := e.(*pyast.JoinedStr)
	if !ok {
		return false
	}
	for i, v := range f.Values {
		part, ok := v.(*pyast.FormattedValue)
		if !ok || analysis.Leaf(part.Value) != key || i+1 >= len(f.Values) {
			continue
		}
		next, ok := f.Values[i+1].(*pyast.Constant)
		if !ok {
			continue
		}
		rest := strings.TrimSpace(next.Value)
		if strings.HasPrefix(rest, "=") && (strings.HasPrefix(strings.TrimSpace(rest[1:]), "?") || strings.HasPrefix(strings.TrimSpace(rest[1:]), ":") || strings.HasPrefix(strings.TrimSpace(rest[1:]), "%s") || strings.HasPrefix(strings.TrimSpace(rest[1:]), "$")) {
			return true
		}
	}
	return false
}

// stores tells of calls that store all fields.
func stores(h *handler.Handler, f *pymodel.Func, c *pymodel.Call, say func(*pymodel.Module, pyast.Node, source, string)) {
	from := func(e pyast.Expr) source { return sources(h, f, c.Scope, e, 0) }
	if constructs(c) {
		class := c.Scope.Symbol(c.Func).Binding.Class
		if !class.IsTable() {
			return
		}
		given := []string{}
		for _, k := range c.Keywords {
			given = append(given, k.Name)
		}
		for _, k := range c.Keywords {
			if k.Name == "" {
				src := from(k.Value)
				// Only what the table has, goes in.
				if src.open || src.model != nil && (extra(src.model) || has(class, src)) {
					say(f.Module, c.Call, src.with(given), class.Name+"(**…)")
				}
			}
		}
		return
	}
	method := c.Method()
	switch {
	case method == "model" || method == "model_class" || method == "_model":
		// A repository's own table.
		for _, k := range c.Keywords {
			if k.Name == "" {
				say(f.Module, c.Call, from(k.Value), method+"(**…)")
			}
		}
	case method == "model_validate" || method == "parse_obj" || method == "from_orm":
		if sym := c.Scope.Symbol(c.Receiver()); sym.Binding != nil && sym.Binding.Class != nil && sym.Binding.Class.IsTable() && len(c.Args) > 0 {
			src := from(c.Args[0])
			if d, at := c.Scope.Dict(c.Keyword("update")); d != nil {
				for _, k := range d.Keys {
					if text, ok := at.Text(k); k != nil && ok {
						src = src.with([]string{text})
					}
				}
			}
			if src.open || has(sym.Binding.Class, src) {
				say(f.Module, c.Call, src, sym.Binding.Class.Name+"."+method)
			}
		}
	case (method == "model_copy" || method == "copy") && c.Keyword("update") != nil:
		// Of the body itself, it is no row that changes.
		if n, ok := c.Receiver().(*pyast.Name); ok && !slices.ContainsFunc(f.Params, func(x *pymodel.Param) bool { return x.Name == n.ID }) {
			say(f.Module, c.Call, from(c.Keyword("update")), "."+method+"(update=…)")
		}
	case method == "sqlmodel_update" && len(c.Args) > 0:
		say(f.Module, c.Call, from(c.Args[0]), method)
	case method == "values" || method == "update":
		if c.Target() != nil || !statement(c) {
			return
		}
		for _, k := range c.Keywords {
			if k.Name == "" {
				say(f.Module, c.Call, from(k.Value), "."+method+"(**…)")
			}
		}
		if len(c.Args) == 1 {
			say(f.Module, c.Call, from(c.Args[0]), "."+method)
		}
	case slices.Contains([]string{"update_one", "insert_one", "find_one_and_update", "replace_one", "find_one_and_replace"}, method) && len(c.Args) > 0:
		last := c.Args[min(len(c.Args)-1, 1)]
		say(f.Module, c.Call, from(last), "."+method)
	}
}

func has(table *pymodel.Class, src source) bool {
	if src.model == nil {
		return false
	}
	for _, f := range src.model.AllFields() {
		if reserved(f.Name) && !slices.Contains(src.drop, f.Name) {
			return slices.ContainsFunc(table.AllFields(), func(t *pymodel.Field) bool { return t.Name == f.Name })
		}
	}
	return false
}

// statement tells whether update is one of a query, of a document, or of a
// dict that is kept.
func statement(c *pymodel.Call) bool {
	switch r := c.Receiver().(type) {
	case *pyast.Call:
		name := analysis.Leaf(r.Func)
		return name == "filter" || name == "where" || name == "filter_by" || name == "update" || name == "insert" || name == "values" || name == "get" && kept(c.Scope, r)
	case *pyast.Subscript:
		return kept(c.Scope, r)
	case *pyast.Name:
		b, at := c.Scope.Lookup(r.ID)
		if b == nil || at.Func == nil || b.Value == nil || b.Part {
			return false
		}
		return kept(at, b.Value) || at.TypeOf(b.Value).Class != nil && at.TypeOf(b.Value).Class.IsTable()
	}
	return false
}

// kept tells whether an expression is an element of a dict of the module.
func kept(s *pymodel.Scope, e pyast.Expr) bool {
	switch x := e.(type) {
	case *pyast.Subscript:
		e = x.Value
	case *pyast.Call:
		a, ok := x.Func.(*pyast.Attribute)
		if !ok || a.Attr != "get" {
			return false
		}
		e = a.Value
	default:
		return false
	}
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	b, at := s.Lookup(n.ID)
	return b != nil && at.Func == nil && at.Class == nil
}

// registers tells of a role that one gives oneself: in the model by which
// users register or change themselves.
func registers(p *analysis.Pass, h *handler.Handler) {
	for _, param := range h.Func.Params {
		if _, dep := h.Func.ParamDep(param); dep || param.Annotation == nil {
			continue
		}
		t := h.Func.Outer.Annotation(param.Annotation)
		if t.Class == nil || !t.Class.IsA("pydantic.BaseModel", "sqlmodel.SQLModel") {
			continue
		}
		self := h.Says("register", "registration", "signup", "sign up", "profile", "me", "create user", "create account") || strings.HasSuffix(h.Path, "/users") || strings.HasSuffix(h.Path, "/users/")
		if !self && !t.Class.IsTable() {
			continue
		}
		why := source{model: t.Class}.problem()
		if why == "" || !stored(h, param.Name, t.Class) {
			continue
		}
		p.PythonAt(massAssignment, h.Func.Module, h.Func, "%s stores %s, which whoever calls it chooses", h.Func.Name, why)
		return
	}
}

// stored tells whether the handler uses a reserved field, or hands on the
// model as a whole.
func stored(h *handler.Handler, name string, class *pymodel.Class) bool {
	is := func(e pyast.Expr) bool {
		n, ok := e.(*pyast.Name)
		return ok && n.ID == name
	}
	found := false
	for _, c := range h.Func.Calls {
		if logs(c) {
			continue
		}
		for _, a := range arguments(c.Call) {
			attr, ok := a.(*pyast.Attribute)
			if ok && is(attr.Value) && reserved(attr.Attr) {
				found = true
			}
			if is(a) && (class.IsTable() && (c.Method() == "add" || c.Method() == "save" || c.Method() == "merge") || !class.IsTable() && c.Target() != nil && usesReserved(c, name)) {
				found = true
			}
		}
	}
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		// Dumped whole, and handed on to what is not seen.
		if c, ok := n.(*pyast.Call); ok && handsDump(h, c, is) {
			found = true
		}
		if d, ok := n.(*pyast.Dict); ok {
			for i, v := range d.Values {
				attr, ok := v.(*pyast.Attribute)
				if ok && is(attr.Value) && reserved(attr.Attr) && d.Keys[i] != nil && analysis.Leaf(v) != "" && !returned(h, d) {
					found = true
				}
			}
		}
		if a, ok := n.(*pyast.Assign); ok && len(a.Targets) == 1 {
			if v, ok := a.Value.(*pyast.Attribute); ok && is(v.Value) && reserved(v.Attr) {
				if _, ok := a.Targets[0].(*pyast.Attribute); ok {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// handsDump tells whether a call gets all fields of the model, with reserved
// ones.
func handsDump(h *handler.Handler, c *pyast.Call, is func(pyast.Expr) bool) bool {
	attr, ok := c.Func.(*pyast.Attribute)
	if !ok || attr.Attr != "dict" && attr.Attr != "model_dump" || !is(attr.Value) {
		return false
	}
	src := sources(h, h.Func, h.Func.Scope, c, 0)
	if src.problem() == "" {
		return false
	}
	handed := func(e pyast.Expr) bool {
		if e == pyast.Expr(c) {
			return true
		}
		n, ok := e.(*pyast.Name)
		if !ok {
			return false
		}
		for _, d := range h.Func.Scope.Defs {
			if d.Name == n.ID && d.Value == pyast.Expr(c) {
				return src.with(popped(h.Func, n.ID)).problem() != ""
			}
		}
		return false
	}
	for _, in := range h.Func.Calls {
		if in.Target() != nil || constructs(in) || logs(in) || in.Receiver() == nil && in.Method() != "create_user" {
			continue
		}
		if slices.ContainsFunc(arguments(in.Call), handed) {
			return true
		}
	}
	return false
}

func returned(h *handler.Handler, d *pyast.Dict) bool {
	found := false
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		if r, ok := n.(*pyast.Return); ok && r.Value == pyast.Expr(d) {
			found = true
		}
		return !found
	})
	return found
}

// usesReserved tells whether the function that is called stores a reserved
// field of the model.
func usesReserved(c *pymodel.Call, name string) bool {
	to := c.Target()
	for param := range handed(c, to, func(e pyast.Expr) bool { n, ok := e.(*pyast.Name); return ok && n.ID == name }) {
		for _, in := range to.Calls {
			for _, a := range arguments(in.Call) {
				if attr, ok := a.(*pyast.Attribute); ok && reserved(attr.Attr) && analysis.Leaf(attr.Value) == param && !logs(in) {
					return true
				}
			}
		}
	}
	return false
}
