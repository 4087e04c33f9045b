package jwt

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// kindClaims are claims that say what a token is for.
var kindClaims = []string{"type", "typ", "use", "kind", "token_type", "token_use", "purpose"}

// kinds tells of a token of one kind that is good for another: several are
// made with the same key, and what lets in does not ask which it is.
func kinds(p *analysis.Pass) {
	made := map[string]map[string]bool{}
	var keys []string
	p.Calls(func(c *pymodel.Call) {
		if !c.Is("jwt.encode", "jose.jwt.encode", "jwt.PyJWT.encode") || c.Module.Test {
			return
		}
		e := c.Arg(1, "key")
		if e == nil {
			return
		}
		key := pymodel.Dotted(e)
		if key == "" {
			key = c.Module.File.Text(e)
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
		for _, o := range p.Python.Origins(c.Scope, c.Arg(0, "payload")) {
			d, at := o.Scope.Dict(o.Expr)
			if d == nil {
				continue
			}
			for _, claim := range kindClaims {
				e := at.Entry(d, claim)
				if e == nil {
					continue
				}
				for _, v := range append(p.Python.Origins(at, e), pymodel.Origin{Expr: e, Scope: at}) {
					if text, ok := v.Scope.Text(v.Expr); ok {
						if made[claim] == nil {
							made[claim] = map[string]bool{}
						}
						made[claim][text] = true
					}
				}
			}
		}
	})
	if len(keys) != 1 {
		return
	}
	var guards []*pymodel.Func
	for _, h := range handler.Read(p).Handlers {
		for _, f := range h.Guards {
			if !slices.Contains(guards, f) {
				guards = append(guards, f)
			}
		}
	}
	for _, claim := range kindClaims {
		if len(made[claim]) < 2 || slices.ContainsFunc(guards, func(f *pymodel.Func) bool { return asksKind(f, claim) }) {
			continue
		}
		for _, f := range guards {
			for _, c := range f.Calls {
				if c.Is("jwt.decode", "jose.jwt.decode", "jwt.PyJWT.decode") && !c.Module.Test {
					p.PythonAt(kind, c.Module, c, "tokens are of several kinds by their %s, and what lets in takes any", claim)
					return
				}
			}
		}
	}
}

// asksKind tells whether a function compares the claim, or makes a model of
// the claims, which may.
func asksKind(f *pymodel.Func, claim string) bool {
	is := func(e pyast.Expr) bool {
		switch x := e.(type) {
		case *pyast.Subscript:
			text, ok := f.Scope.Text(x.Slice)
			return ok && text == claim
		case *pyast.Call:
			a, ok := x.Func.(*pyast.Attribute)
			if !ok || a.Attr != "get" && a.Attr != "pop" || len(x.Args) == 0 {
				return false
			}
			text, ok := f.Scope.Text(x.Args[0])
			return ok && text == claim
		case *pyast.Attribute:
			return x.Attr == claim
		}
		return false
	}
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if e, ok := n.(pyast.Expr); ok {
			found = found || is(e)
		}
		return !found
	})
	return found || slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool {
		b := c.Scope.Symbol(c.Func).Binding
		if c.Method() == "model_validate" || c.Method() == "parse_obj" {
			b = c.Scope.Symbol(c.Receiver()).Binding
		}
		return b != nil && b.Class != nil && slices.ContainsFunc(b.Class.AllFields(), func(x *pymodel.Field) bool { return x.Name == claim })
	})
}
