package jwt

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A switched is a parameter that switches the verification of a signature.
type switched struct {
	f    *pymodel.Func
	name string
	off  pyast.Kind // what switches it off
}

// switches follows such parameters to who gives them.
type switches struct {
	p    *analysis.Pass
	seen map[switched]bool
	said map[pyast.Node]bool
}

// decoded looks at a call that verifies, or not, as it is told.
func (w *switches) decoded(c *pymodel.Call) {
	f := c.Scope.Enclosing()
	if f == nil {
		return
	}
	e, at := option(c, "verify_signature")
	if e == nil {
		e, at = c.Keyword("verify"), c.Scope
	}
	if e == nil {
		w.options(c.Scope, f, c.Keyword("options"))
		w.branch(c, f)
		return
	}
	if at.UnsetIs(e, pyast.False) {
		w.p.PythonAt(verifyOff, c.Module, c, "jwt.decode does not verify the signature where the environment does not say otherwise")
		return
	}
	w.flag(at, e, pyast.False)
	w.branch(c, f)
}

// flag looks at what tells whether the signature is verified.
func (w *switches) flag(s *pymodel.Scope, e pyast.Expr, off pyast.Kind) {
	f := s.Enclosing()
	switch x := e.(type) {
	case *pyast.UnaryOp:
		if x.Op == pyast.Not {
			w.flag(s, x.Operand, other(off))
		}
	case *pyast.Call:
		if s.Qualified(x.Func) == "builtins.bool" && len(x.Args) == 1 {
			w.flag(s, x.Args[0], off)
		}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		switch {
		case b == nil || at.Func == nil || b.Count != 1:
		case b.Param:
			w.param(switched{at.Func, x.ID, off})
		case b.Value != nil && !b.Part:
			w.flag(at, b.Value, off)
		}
	case *pyast.Attribute:
		// self.verify, which __init__ was told.
		n, ok := x.Value.(*pyast.Name)
		if !ok || n.ID != "self" || f == nil || f.Class == nil {
			return
		}
		b := f.Class.Scope.Names["__init__"]
		if b == nil || b.Func == nil {
			return
		}
		for _, a := range f.Module.Assigns {
			if a.Scope.Func != b.Func || len(a.Node.Targets) != 1 {
				continue
			}
			if t, ok := a.Node.Targets[0].(*pyast.Attribute); ok && t.Attr == x.Attr && analysis.Leaf(t.Value) == "self" {
				w.flag(a.Scope, a.Node.Value, off)
			}
		}
	}
}

func other(k pyast.Kind) pyast.Kind {
	if k == pyast.False {
		return pyast.True
	}
	return pyast.False
}

// param looks at what callers give a parameter, and at its default.
func (w *switches) param(to switched) {
	if w.seen[to] || to.f.Module.Test {
		return
	}
	w.seen[to] = true
	given := w.p.Python.Given(to.f, to.name)
	var off []pymodel.Origin
	for _, o := range given {
		if o.Scope.Is(o.Expr, to.off) {
			off = append(off, o)
		} else if !o.Scope.Module.Test {
			w.flag(o.Scope, o.Expr, to.off)
		}
	}
	w.tell(to.f, off, to.name)
	for _, x := range to.f.Params {
		if x.Name == to.name && x.Default != nil && to.f.Outer.Is(x.Default, to.off) && w.defaults(to.f, len(given)) {
			w.say(to.f.Module, x.Default, "the signature is not verified unless a caller sets "+to.name)
		}
	}
}

// defaults tells whether a caller leaves a parameter as it is, or nobody calls
// the function here.
func (w *switches) defaults(f *pymodel.Func, given int) bool {
	n := w.calls(f)
	return n == 0 || n > given
}

func (w *switches) calls(f *pymodel.Func) int {
	n := 0
	w.p.Calls(func(c *pymodel.Call) {
		if c.Target() == f || f.Class != nil && f.Name == "__init__" && c.Scope.Symbol(c.Func).Binding != nil && c.Scope.Symbol(c.Func).Binding.Class == f.Class {
			n++
		}
	})
	return n
}

// tell tells of arguments that switch the verification off. What is read before
// the token is verified says which key it is.
func (w *switches) tell(f *pymodel.Func, off []pymodel.Origin, name string) {
	for _, o := range off {
		in := o.Scope.Enclosing()
		if in == nil || !slices.ContainsFunc(in.Calls, func(c *pymodel.Call) bool {
			if slices.ContainsFunc(off, func(o pymodel.Origin) bool {
				return o.Scope.Module == c.Module && c.Pos() <= o.Expr.Pos() && o.Expr.End() <= c.End()
			}) {
				return false
			}
			return c.Target() == f || c.Is("jwt.decode", "jose.jwt.decode", "jwt.PyJWT.decode") && !signatureOff(c) || c.Method() == "verify"
		}) {
			w.say(o.Scope.Module, o.Expr, name+" switches the verification of the signature off in "+f.Name)
		}
	}
}

func (w *switches) say(m *pymodel.Module, n pyast.Node, what string) {
	if !w.said[n] && !m.Test {
		w.said[n] = true
		w.p.PythonAt(verifyOff, m, n, "%s", what)
	}
}

// options looks at options that a caller hands in, or that a condition chooses.
func (w *switches) options(s *pymodel.Scope, f *pymodel.Func, e pyast.Expr) {
	switch x := e.(type) {
	case *pyast.IfExp:
		if unverified(s, x.Body) {
			w.flag(s, x.Test, pyast.True)
		}
		if unverified(s, x.Orelse) {
			w.flag(s, x.Test, pyast.False)
		}
	case *pyast.BoolOp:
		for _, v := range x.Values {
			w.options(s, f, v)
		}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func != f {
			return
		}
		if !b.Param {
			if b.Value != nil && !b.Part {
				if _, again := b.Value.(*pyast.Name); !again {
					w.options(at, f, b.Value)
				}
			}
			return
		}
		w.tell(f, slices.DeleteFunc(w.p.Python.Given(f, x.ID), func(o pymodel.Origin) bool { return !unverified(o.Scope, o.Expr) }), x.ID)
		for _, p := range f.Params {
			if p.Name == x.ID && p.Default != nil && unverified(f.Outer, p.Default) {
				w.say(f.Module, p.Default, "the signature is not verified unless a caller sets "+x.ID)
			}
		}
	}
}

// unverified tells whether a dict of options switches the signature off.
func unverified(s *pymodel.Scope, e pyast.Expr) bool {
	v, at := setting(s, e, "verify_signature", 0)
	return v != nil && at.Is(v, pyast.False)
}

// branch looks at an if that a parameter decides, around a call that does not
// verify, or around what makes its options so.
func (w *switches) branch(c *pymodel.Call, f *pymodel.Func) {
	name := ""
	if n, ok := c.Keyword("options").(*pyast.Name); ok {
		name = n.ID
	}
	off := func(list []pyast.Stmt) bool {
		return slices.ContainsFunc(list, func(stmt pyast.Stmt) bool {
			return signatureOff(c) && stmt.Pos() <= c.Pos() && c.End() <= stmt.End() || name != "" && disables(f.Scope, stmt, name)
		})
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if n, ok := n.(*pyast.If); ok {
			if off(n.Body) {
				w.flag(f.Scope, n.Test, pyast.True)
			} else if off(n.Orelse) {
				w.flag(f.Scope, n.Test, pyast.False)
			}
		}
		return true
	})
}

// disables tells whether a statement makes options that switch the signature
// off: options["verify_signature"] = False, options = {…}.
func disables(s *pymodel.Scope, stmt pyast.Stmt, name string) bool {
	switch n := stmt.(type) {
	case *pyast.Assign:
		switch t := n.Targets[0].(type) {
		case *pyast.Name:
			return t.ID == name && unverified(s, n.Value)
		case *pyast.Subscript:
			key, _ := s.Text(t.Slice)
			return analysis.Leaf(t.Value) == name && key == "verify_signature" && s.Is(n.Value, pyast.False)
		}
	case *pyast.ExprStmt:
		c, ok := n.Value.(*pyast.Call)
		if !ok || len(c.Args)+len(c.Keywords) == 0 {
			return false
		}
		a, ok := c.Func.(*pyast.Attribute)
		if !ok || a.Attr != "update" || analysis.Leaf(a.Value) != name {
			return false
		}
		return len(c.Args) > 0 && unverified(s, c.Args[0]) || s.Is(pymodel.Keyword(c, "verify_signature"), pyast.False)
	}
	return false
}
