package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// reserved are fields that a client must not set of itself.
func reserved(name string) bool {
	switch strings.Join(pymodel.Words(name), " ") {
	case "role", "roles", "is admin", "admin", "is superuser", "superuser", "is staff", "permissions", "balance", "credits", "is verified", "email verified", "account balance", "user role", "is premium", "access level", "privileges", "is super user", "is super admin", "isadmin", "credit limit", "role id", "owner id", "hashed password", "password hash", "is moderator", "wallet balance":
		return true
	}
	return false
}

// A source is what a client may send into a value: any fields, or those of a
// model.
type source struct {
	open  bool
	model *pymodel.Class
	drop  []string // excluded
}

// says what is wrong with it; "" when nothing is.
func (s source) problem() string {
	if s.open {
		return "any field that the client sends"
	}
	if s.model == nil {
		return ""
	}
	if extra(s.model) {
		return "any field that the client sends, for " + s.model.Name + " allows extra ones"
	}
	for _, f := range s.model.AllFields() {
		if reserved(f.Name) && !slices.Contains(s.drop, f.Name) && f.Annotation != nil && !harmless(s.model, f) {
			return f.Name + " of " + s.model.Name
		}
	}
	return ""
}

// harmless tells whether a field's type leaves no way to be more.
func harmless(c *pymodel.Class, f *pymodel.Field) bool {
	if f.Name == "owner_id" && c.IsTable() {
		return false
	}
	sub, ok := f.Annotation.(*pyast.Subscript)
	if ok && c.Outer.Qualified(sub.Value) == "typing.Literal" {
		return !analysis.Mentions(sub.Slice, admins)
	}
	t := c.Outer.Annotation(f.Annotation)
	if t.Class != nil && t.Class.IsA("enum.Enum", "enum.StrEnum") {
		return !slices.ContainsFunc(t.Class.Fields, func(m *pymodel.Field) bool { return admins(m.Name) })
	}
	return false
}

func admins(id string) bool {
	return analysis.Names(id, "admin", "administrator", "superuser", "staff", "root", "owner", "moderator", "manager")
}

// extra tells whether a model keeps fields that it does not name.
func extra(c *pymodel.Class) bool {
	for _, f := range c.AllFields() {
		if f.Name == "model_config" && f.Value != nil && configAllows(c, f.Value) {
			return true
		}
	}
	if b := c.Scope.Names["Config"]; b != nil && b.Class != nil {
		for _, f := range b.Class.Fields {
			if text, ok := b.Class.Scope.Text(f.Value); f.Name == "extra" && (ok && text == "allow" || analysis.Leaf(f.Value) == "allow") {
				return true
			}
		}
	}
	for _, k := range c.Keywords {
		if text, ok := c.Outer.Text(k.Value); ok && k.Name == "extra" && text == "allow" {
			return true
		}
	}
	return false
}

func configAllows(c *pymodel.Class, e pyast.Expr) bool {
	var v pyast.Expr
	switch x := e.(type) {
	case *pyast.Call:
		v = pymodel.Keyword(x, "extra")
	case *pyast.Dict:
		v = c.Scope.Entry(x, "extra")
	}
	if v == nil {
		return false
	}
	text, ok := c.Scope.Text(v)
	return ok && text == "allow"
}

// sources follows a value to what the client sent.
func sources(h *handler.Handler, f *pymodel.Func, s *pymodel.Scope, e pyast.Expr, depth int) source {
	if depth > 10 || e == nil {
		return source{}
	}
	next := func(e pyast.Expr) source { return sources(h, f, s, e, depth+1) }
	switch x := e.(type) {
	case *pyast.Await:
		return next(x.Value)
	case *pyast.Dict:
		for i, k := range x.Keys {
			if k == nil { // {**body}
				if src := next(x.Values[i]); src.open || src.model != nil {
					return src
				}
			}
			if text, ok := s.Text(k); ok && k != nil && strings.HasPrefix(text, "$") {
				return next(x.Values[i])
			}
		}
	case *pyast.DictComp:
		// {k: v for k, v in body.items() if k in ALLOWED}
		if len(x.Generators) == 1 {
			g := x.Generators[0]
			drop, wide := screen{s: s, key: keyOf(g.Target)}.passes(ifs(g.Ifs))
			if wide && !enough(nil, drop) {
				return next(g.Iter).with(drop)
			}
			if src := next(g.Iter); wide && !src.open {
				return src.with(drop)
			}
		}
	case *pyast.BinOp:
		// changes.keys() & columns: what is sent and there, and no list.
		for _, side := range [][2]pyast.Expr{{x.Left, x.Right}, {x.Right, x.Left}} {
			if l, ok := listed(s, side[0], 0); ok && x.Op == pyast.BitAnd && l.wide(nil) {
				return next(side[1])
			}
		}
	case *pyast.Attribute:
		if x.Attr == "__dict__" || x.Attr == "query_params" && fromRequest(s, x, 0) {
			if x.Attr == "query_params" {
				return source{open: true}
			}
			return next(x.Value)
		}
	case *pyast.Call:
		return called(h, f, s, x, depth)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil || at.Func != f || keysChecked(f, x) {
			return source{}
		}
		for _, d := range at.Defs {
			if d.Name == x.ID && !b.Part {
				if src := next(d.Value); src.open || src.model != nil {
					return src.with(popped(f, x.ID))
				}
			}
		}
		if !b.Param {
			return source{}
		}
		return parameter(h, f, x.ID, depth).with(popped(f, x.ID))
	}
	return source{}
}

func (s source) with(drop []string) source {
	s.drop = append(slices.Clone(s.drop), drop...)
	return s
}

// popped are keys that are taken out of a dict.
func popped(f *pymodel.Func, name string) []string {
	var out []string
	for _, c := range f.Calls {
		if r, ok := c.Receiver().(*pyast.Name); ok && r.ID == name && c.Method() == "pop" && len(c.Args) > 0 {
			if text, ok := c.Scope.Text(c.Args[0]); ok {
				out = append(out, text)
			}
		}
	}
	return out
}

// called is what a call makes of what was sent.
func called(h *handler.Handler, f *pymodel.Func, s *pymodel.Scope, c *pyast.Call, depth int) source {
	attr, method := c.Func.(*pyast.Attribute)
	if method {
		switch attr.Attr {
		case "items", "copy", "keys":
			return sources(h, f, s, attr.Value, depth+1)
		case "json":
			if fromRequest(s, c, 0) {
				return source{open: true}
			}
		case "dict", "model_dump":
			src := sources(h, f, s, attr.Value, depth+1)
			if pymodel.Keyword(c, "include") != nil {
				return source{}
			}
			if e := pymodel.Keyword(c, "exclude"); e != nil {
				names, all := s.Texts(e)
				if !all {
					return source{}
				}
				src = src.with(names)
			}
			return src
		}
	}
	switch s.Qualified(c.Func) {
	case "builtins.dict", "fastapi.encoders.jsonable_encoder", "builtins.vars", "json.loads":
		if fromRequest(s, c, 0) {
			return source{open: true}
		}
		for _, k := range c.Keywords {
			if k.Name == "" {
				return sources(h, f, s, k.Value, depth+1)
			}
		}
		if len(c.Args) > 0 {
			if inner, ok := c.Args[0].(*pyast.Call); ok && analysis.Leaf(inner.Func) == "body" && fromRequestBody(inner) {
				return source{open: true}
			}
			return sources(h, f, s, c.Args[0], depth+1)
		}
	}
	return source{}
}

func fromRequestBody(c *pyast.Call) bool {
	a, ok := c.Func.(*pyast.Attribute)
	return ok && analysis.Names(analysis.Leaf(a.Value), "request", "req")
}

// parameter is what comes into a function by a parameter: from the client, or
// from the functions that call it.
func parameter(h *handler.Handler, f *pymodel.Func, name string, depth int) source {
	for i, p := range f.Params {
		if p.Name != name {
			continue
		}
		if f == h.Func {
			if _, dep := f.ParamDep(p); dep || p.Annotation == nil || inPath(h, name) {
				return source{}
			}
			if dictType(f.Outer, p.Annotation) {
				return source{open: true}
			}
			if t := f.Outer.Annotation(p.Annotation); t.Class != nil && t.Class.IsA("pydantic.BaseModel", "sqlmodel.SQLModel") {
				return source{model: t.Class}
			}
			return source{}
		}
		if f.Class != nil && len(f.Params) > 0 && (f.Params[0].Name == "self" || f.Params[0].Name == "cls") {
			i--
		}
		for _, from := range h.Own {
			for _, c := range from.Calls {
				if c.Target() != f {
					continue
				}
				if src := sources(h, from, c.Scope, c.Arg(i, name), depth+1); src.open || src.model != nil {
					return src
				}
			}
		}
	}
	if f.Args.Kwarg == nil || f.Args.Kwarg.Name != name {
		return source{}
	}
	for _, from := range h.Own {
		for _, c := range from.Calls {
			if c.Target() != f {
				continue
			}
			for _, k := range c.Keywords {
				if k.Name == "" {
					return sources(h, from, c.Scope, k.Value, depth+1)
				}
			}
		}
	}
	return source{}
}

func dictType(s *pymodel.Scope, e pyast.Expr) bool {
	switch s.Annotation(e).Name {
	case "builtins.dict", "typing.Dict", "typing.Mapping", "collections.abc.Mapping":
		return true
	}
	return false
}
