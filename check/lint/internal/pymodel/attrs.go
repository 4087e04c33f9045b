package pymodel

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// A givenAttr is a value that a method gives an attribute of its object.
type givenAttr struct {
	class *Class
	f     *Func
	name  string
	value pyast.Expr
}

// attributes are what methods assign to self: self.url = url.
func (m *Module) attributes() []givenAttr {
	var out []givenAttr
	for _, a := range m.Assigns {
		f := a.Scope.Func
		if f == nil || f.Class == nil {
			continue
		}
		for _, target := range a.Node.Targets {
			if attr, ok := target.(*pyast.Attribute); ok && isSelf(attr.Value) {
				out = append(out, givenAttr{f.Class, f, attr.Attr, a.Node.Value})
			}
		}
	}
	return out
}

func isSelf(e pyast.Expr) bool {
	n, ok := e.(*pyast.Name)
	return ok && n.ID == "self"
}

// keep notes how much of its object's attributes a client chose. All objects of
// a class are one.
func (t *taint) keep(f *Func) {
	if f.Class == nil {
		return
	}
	for _, a := range t.project.given[f.Class] {
		if a.f != f {
			continue
		}
		l := t.level(f.Scope, a.value, 0)
		if l <= t.attrs[f.Class][a.name] {
			continue
		}
		if t.attrs[f.Class] == nil {
			t.attrs[f.Class] = map[string]Level{}
		}
		t.attrs[f.Class][a.name] = l
		for _, g := range t.readers[a.name] {
			t.queue(g)
		}
	}
}

// reads are the attributes that a function looks at, of those that are given.
func (f *Func) reads(given map[string]bool) []string {
	var out []string
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if a, ok := n.(*pyast.Attribute); ok && a.Ctx == pyast.Load && given[a.Attr] && !slices.Contains(out, a.Attr) {
			out = append(out, a.Attr)
		}
		return true
	})
	return out
}

// holder is the class whose attribute is read.
func (s *Scope) holder(e *pyast.Attribute) *Class {
	if f := s.Enclosing(); f != nil && f.Class != nil && isSelf(e.Value) {
		return f.Class
	}
	return s.TypeOf(e.Value).Class
}

func (t *taint) kept(s *Scope, e *pyast.Attribute) Level {
	if len(t.attrs) == 0 {
		return Clean
	}
	l := Clean
	if c := s.holder(e); c != nil {
		l = t.attrs[c][e.Attr]
		for _, up := range c.above() {
			l = max(l, t.attrs[up][e.Attr])
		}
	}
	return l
}

func (r *reach) kept(s *Scope, e *pyast.Attribute) bool {
	c := s.holder(e)
	if c == nil || r.seen[visit{c.Scope, e.Attr}] {
		return false
	}
	r.seen[visit{c.Scope, e.Attr}] = true
	return slices.ContainsFunc(append(c.above(), c), func(c *Class) bool {
		return slices.ContainsFunc(r.p.given[c], func(a givenAttr) bool { return a.name == e.Attr && r.comes(a.f.Scope, a.value) })
	})
}

// above are the project's classes that a class derives from.
func (c *Class) above() []*Class {
	var out []*Class
	for range maxFollow {
		n := len(out)
		for _, base := range c.Bases {
			if up := c.Outer.Symbol(base).Binding; up != nil && up.Class != nil && up.Class != c && !slices.Contains(out, up.Class) {
				out = append(out, up.Class)
			}
		}
		if len(out) == n {
			break
		}
		c = out[n]
	}
	return out
}

// makes is the class that a function's only result is made of.
func (f *Func) makes(depth int) Type {
	if len(f.Body) > 4 {
		return Type{}
	}
	var only pyast.Expr
	for _, stmt := range f.Body {
		switch x := stmt.(type) {
		case *pyast.Return:
			only = x.Value
		case *pyast.If, *pyast.For, *pyast.While, *pyast.Try, *pyast.With, *pyast.Match:
			return Type{}
		}
	}
	if c, ok := only.(*pyast.Call); ok {
		if t := f.Scope.typeOf(c, depth); t.Class != nil {
			return t
		}
	}
	return Type{}
}

// attribute is the class of what methods give self.name, when they agree.
func (s *Scope) attribute(e *pyast.Attribute, depth int) Type {
	if depth > maxFollow {
		return Type{}
	}
	c := s.typeOf(e.Value, depth).Class
	if f := s.Enclosing(); f != nil && f.Class != nil && isSelf(e.Value) {
		c = f.Class
	}
	if c == nil {
		return Type{}
	}
	var found Type
	for _, up := range append([]*Class{c}, c.above()...) {
		for _, g := range s.Module.project.given[up] {
			if g.name != e.Attr {
				continue
			}
			t := g.f.Scope.typeOf(g.value, depth)
			if t.Class == nil || found.Class != nil && found.Class != t.Class {
				return Type{}
			}
			found = t
		}
	}
	return found
}
