package jwt

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// unsigned tells of code that reads tokens by itself, and takes those that say
// that they have no signature: in a branch of its own, or by a table of
// algorithms that has none.
func unsigned(p *analysis.Pass, f *pymodel.Func) {
	if f.Module.Test {
		return
	}
	said := false
	say := func(n pyast.Node, what string) {
		if !said {
			said = true
			p.PythonSeverity(algorithms, finding.Critical, f.Module, n, "%s", what)
		}
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef:
			return false
		case *pyast.If:
			if isNone(f.Scope, n.Test) && accepts(n.Body) {
				say(n, "a token whose alg is none is taken without a signature")
			}
		case *pyast.Subscript:
			if n.Ctx == pyast.Load && hasNone(f.Scope, n.Value) && namesAlg(f.Scope, n.Slice, 0) {
				say(n, "the algorithms that a token may name hold none: it is taken without a signature")
			}
		case *pyast.Call:
			if a, ok := n.Func.(*pyast.Attribute); ok && a.Attr == "get" && len(n.Args) > 0 && hasNone(f.Scope, a.Value) && namesAlg(f.Scope, n.Args[0], 0) {
				say(n, "the algorithms that a token may name hold none: it is taken without a signature")
			}
		}
		return !said
	})
}

// isNone tells whether a condition asks whether the alg of a token is none.
func isNone(s *pymodel.Scope, test pyast.Expr) bool {
	cmp, ok := test.(*pyast.Compare)
	if !ok || len(cmp.Ops) != 1 {
		return false
	}
	switch cmp.Ops[0] {
	case pyast.Eq:
		text, known := s.Text(cmp.Comparators[0])
		return known && strings.EqualFold(text, "none") && namesAlg(s, cmp.Left, 0)
	case pyast.In:
		list, _ := s.Texts(cmp.Comparators[0])
		for _, text := range list {
			if strings.EqualFold(text, "none") {
				return namesAlg(s, cmp.Left, 0)
			}
		}
	}
	return false
}

// namesAlg tells whether a value is the alg of a token's header.
func namesAlg(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 6 || e == nil {
		return false
	}
	switch x := e.(type) {
	case *pyast.Subscript:
		text, ok := s.Text(x.Slice)
		return ok && text == "alg"
	case *pyast.BoolOp:
		return namesAlg(s, x.Values[0], depth+1)
	case *pyast.Call:
		a, ok := x.Func.(*pyast.Attribute)
		if !ok {
			return len(x.Args) == 1 && s.Qualified(x.Func) == "builtins.str" && namesAlg(s, x.Args[0], depth+1)
		}
		if a.Attr == "get" && len(x.Args) > 0 {
			text, ok := s.Text(x.Args[0])
			return ok && text == "alg"
		}
		return len(x.Args) == 0 && namesAlg(s, a.Value, depth+1) // .lower()
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		return b != nil && at.Func != nil && !b.Param && !b.Part && namesAlg(at, b.Value, depth+1)
	}
	return false
}

// accepts tells whether a branch gives something back, and does not refuse.
func accepts(body []pyast.Stmt) bool {
	gives := false
	for _, stmt := range body {
		switch x := stmt.(type) {
		case *pyast.Raise:
			return false
		case *pyast.Return:
			switch v := x.Value.(type) {
			case nil:
				return false
			case *pyast.Constant:
				return v.Kind == pyast.True
			}
			return true
		case *pyast.Assign:
			gives = true
		}
	}
	return gives
}

// hasNone tells whether a table has functions that sign, and one that does not.
func hasNone(s *pymodel.Scope, e pyast.Expr) bool {
	d, at := s.Dict(e)
	if d == nil {
		return false
	}
	signs, none := false, false
	for i, k := range d.Keys {
		text, ok := at.Text(k)
		if k == nil || !ok {
			continue
		}
		upper := strings.ToUpper(text)
		signs = signs || strings.HasPrefix(upper, "HS") || strings.HasPrefix(upper, "RS") || strings.HasPrefix(upper, "ES")
		none = none || upper == "NONE" && passes(at, d.Values[i])
	}
	return signs && none
}

// passes tells whether a function of a table gives a constant: it signs
// nothing, and finds every signature right.
func passes(s *pymodel.Scope, e pyast.Expr) bool {
	fixed := func(e pyast.Expr) bool {
		c, ok := e.(*pyast.Constant)
		return ok && (c.Kind == pyast.Bytes || c.Kind == pyast.Str || c.Kind == pyast.True)
	}
	if l, ok := e.(*pyast.Lambda); ok {
		return fixed(l.Body)
	}
	b := s.Symbol(e).Binding
	if b == nil || b.Func == nil {
		return false
	}
	list := b.Func.Results()
	for _, r := range list {
		if !fixed(r) {
			return false
		}
	}
	return len(list) > 0
}
