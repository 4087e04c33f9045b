package pymodel

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// Level is how much of a value a client chose.
func (p *Project) Level(s *Scope, e pyast.Expr) Level {
	if e == nil || s.Enclosing() == nil {
		return Clean
	}
	return p.taint().level(s, e, 0)
}

// Checked tells whether a name or an attribute is compared with a list of what
// is allowed in the function.
func (p *Project) Checked(s *Scope, e pyast.Expr) bool {
	f := s.Enclosing()
	if f == nil || p.taint().flows[f] == nil {
		return false
	}
	name := Dotted(e)
	return name != "" && p.taint().flows[f].checked.holds(name, e)
}

// requestParts are what a request gives that a client did not choose.
var requestParts = []string{"state", "app", "client", "scope", "session", "user", "auth", "method", "scheme", "receive", "send", "url_for", "is_disconnected"}

func (t *taint) level(s *Scope, e pyast.Expr, depth int) Level {
	if e == nil || depth > 60 {
		return Clean
	}
	depth++
	most := func(list ...pyast.Expr) Level {
		l := Clean
		for _, x := range list {
			if x != nil {
				l = max(l, t.level(s, x, depth))
			}
		}
		return l
	}
	switch e := e.(type) {
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		if b == nil || at.Func == nil {
			if at != nil && at.Parent != nil && at.Class == nil && b != nil && b.Value != nil {
				if b.Part && at.fieldNames(b.Value, 0) {
					return Typed
				}
				return t.level(at, b.Value, depth) // a comprehension's, in a lambda
			}
			return Clean
		}
		fl := t.flows[at.Func]
		if fl == nil {
			return Clean
		}
		if fl.checked.holds(e.ID, e) {
			return min(fl.vars[e.ID], Typed)
		}
		return fl.vars[e.ID]
	case *pyast.Attribute:
		if s.isRequestValue(e.Value) {
			if slices.Contains(requestParts, e.Attr) {
				return Clean
			}
			return Tainted
		}
		l := max(t.level(s, e.Value, depth), t.kept(s, e))
		if l == Tainted {
			if f := s.Enclosing(); f != nil && t.flows[f] != nil && t.flows[f].checked.holds(Dotted(e), e) {
				return Typed
			}
			if class := s.TypeOf(e.Value).Class; class != nil {
				for _, field := range class.AllFields() {
					if field.Name == e.Attr && field.Annotation != nil {
						if class.restricted(field) {
							return Typed
						}
						return min(l, class.Outer.typeLevel(field.Annotation))
					}
				}
			}
			switch e.Attr {
			case "id", "size":
				return Typed
			case "name", "suffix", "stem":
				if s.TypeOf(e.Value).Name == "pathlib.Path" {
					return Typed // without a folder
				}
			}
		}
		return l
	case *pyast.Subscript:
		return min(t.level(s, e.Value, depth), t.entry(s, e.Value, e.Slice))
	case *pyast.Starred:
		return t.level(s, e.Value, depth)
	case *pyast.Await:
		return t.level(s, e.Value, depth)
	case *pyast.NamedExpr:
		return t.level(s, e.Value, depth)
	case *pyast.BinOp:
		return most(e.Left, e.Right)
	case *pyast.BoolOp:
		return most(e.Values...)
	case *pyast.IfExp:
		return most(e.Body, e.Orelse)
	case *pyast.JoinedStr:
		return most(e.Values...)
	case *pyast.FormattedValue:
		return t.level(s, e.Value, depth)
	case *pyast.List:
		return most(e.Elts...)
	case *pyast.Tuple:
		return most(e.Elts...)
	case *pyast.Set:
		return most(e.Elts...)
	case *pyast.Dict:
		return max(most(e.Keys...), most(e.Values...))
	case *pyast.ListComp:
		return t.level(s, e.Elt, depth)
	case *pyast.SetComp:
		return t.level(s, e.Elt, depth)
	case *pyast.GeneratorExp:
		return t.level(s, e.Elt, depth)
	case *pyast.DictComp:
		return most(e.Key, e.Value)
	case *pyast.Call:
		return t.call(s, e, depth)
	}
	return Clean
}

func (s *Scope) isRequestValue(e pyast.Expr) bool {
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	b, at := s.Lookup(n.ID)
	if b == nil || !b.Param || at.Func == nil {
		return false
	}
	for _, p := range at.Func.Params {
		if p.Name == n.ID {
			return at.Func.isRequest(p)
		}
	}
	return false
}

// entry is how much a client chose of what **values holds under a key;
// Tainted when it is something else, or the key is not known.
func (t *taint) entry(s *Scope, e, key pyast.Expr) Level {
	n, ok := e.(*pyast.Name)
	if !ok {
		return Tainted
	}
	b, at := s.Lookup(n.ID)
	if b == nil || !b.Param || b.Count != 1 || at.Func == nil || at.Func.Args.Kwarg == nil || at.Func.Args.Kwarg.Name != n.ID {
		return Tainted
	}
	text, known := s.Text(key)
	fl := t.flows[at.Func]
	if !known || fl == nil {
		return Tainted
	}
	return max(fl.params[entry(n.ID, text)], fl.params[entry(n.ID, "")])
}

func (t *taint) call(s *Scope, c *pyast.Call, depth int) Level {
	name := s.Qualified(c.Func)
	if safe[name] {
		return min(t.arguments(s, c, depth), Typed)
	}
	if attr, ok := c.Func.(*pyast.Attribute); ok {
		switch attr.Attr {
		case "hexdigest", "digest", "startswith", "endswith", "isdigit", "isalnum", "count", "find", "index", "secure_filename":
			return min(t.arguments(s, c, depth), Typed)
		}
		if s.isRequestValue(attr.Value) {
			if slices.Contains(requestParts, attr.Attr) {
				return Clean
			}
			return Tainted
		}
		if l := t.level(s, attr.Value, depth); l > Clean {
			switch attr.Attr {
			case "get", "pop":
				if len(c.Args) > 0 {
					return min(l, max(t.entry(s, attr.Value, c.Args[0]), t.arguments(s, c, depth)))
				}
			case "keys":
				if s.joinsNames(c) {
					return Typed
				}
			case "read_text", "read_bytes", "exists", "is_file", "is_dir", "iterdir", "glob", "stat":
				return Clean // the file's, whose path the client chose
			}
			return l
		}
	}
	sym := s.Symbol(c.Func)
	if sym.Binding != nil {
		switch f := sym.called(); {
		case f != nil:
			return t.returned(f, s, c, depth)
		case sym.Binding.Class != nil:
			if sym.Binding.Class.carries() {
				return t.arguments(s, c, depth)
			}
			return Clean
		}
	}
	if f := s.duck(c); f != nil {
		return t.returned(f, s, c, depth)
	}
	if attr, ok := c.Func.(*pyast.Attribute); ok && (name == "" || sym.Binding != nil) {
		if !slices.Contains(keeps, attr.Attr) {
			return Clean // a method of what is not known: a database, a client
		}
		if !slices.Contains(joins, attr.Attr) {
			return Clean // what stands under a key that a client chose, it did not write
		}
	}
	if elsewhere(name) {
		return Clean
	}
	l := t.arguments(s, c, depth)
	if l == Tainted && s.joinsNames(c) {
		return Typed
	}
	return l
}

// returned is the level of what a call of the project's own function gives.
func (t *taint) returned(f *Func, s *Scope, c *pyast.Call, depth int) Level {
	if f.Returns != nil && f.Outer.typeLevel(f.Returns) == Typed {
		return Typed
	}
	fl := t.flows[f]
	if fl == nil {
		return Clean
	}
	args := t.arguments(s, c, depth)
	if args == Tainted || len(f.given()) == 0 || slices.ContainsFunc(f.Params, func(p *Param) bool { return f.isRequest(p) }) {
		return fl.returns
	}
	// What others hand in is not in what this call gives.
	return min(fl.returns, args)
}

func (t *taint) arguments(s *Scope, c *pyast.Call, depth int) Level {
	l := Clean
	for _, a := range c.Args {
		l = max(l, t.level(s, a, depth))
	}
	for _, k := range c.Keywords {
		l = max(l, t.level(s, k.Value, depth))
	}
	return l
}
