package access

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// optionalSignatures tells of a signature that is verified only where the
// client sends one: whoever leaves it out passes.
func optionalSignatures(p *analysis.Pass, s *handler.Set, f *pymodel.Func) {
	handles := slices.ContainsFunc(s.Handlers, func(h *handler.Handler) bool { return h.Func == f })
	analysis.Surround(f.Body, func(n pyast.Node, in []pyast.Node) {
		branch, ok := n.(*pyast.If)
		if !ok || ownFunction(in) {
			return
		}
		for _, e := range both(branch.Test) {
			name, sent := signatureOf(f, e)
			if !sent {
				continue
			}
			switch {
			case refusesMissing(f, name):
			case verifiesBeside(f, branch.Test, e, name) && turnsAway(f, branch.Body) && !turnsAway(f, branch.Orelse),
				e == branch.Test && len(branch.Orelse) == 0 && verifiesIn(f, branch.Body, name):
				p.PythonAt(signatureOptional, f.Module, branch.Test, "%s verifies %s only where it is sent", f.Name, name)
				return
			}
		}
		if name, ok := absentSignature(f, branch.Test); ok && !handles && waves(f, branch.Body) && verifiesIn(f, f.Body, name) && raisesAny(f) {
			p.PythonAt(signatureOptional, f.Module, branch.Test, "%s lets pass where %s is not sent", f.Name, name)
		}
	})
}

// ownFunction tells whether a node stands in a function of its own.
func ownFunction(in []pyast.Node) bool {
	return slices.ContainsFunc(in, func(n pyast.Node) bool {
		switch n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return true
		}
		return false
	})
}

// both are the parts of a condition that all hold.
func both(e pyast.Expr) []pyast.Expr {
	if b, ok := e.(*pyast.BoolOp); ok && b.Op == pyast.And {
		var out []pyast.Expr
		for _, v := range b.Values {
			out = append(out, both(v)...)
		}
		return out
	}
	return []pyast.Expr{e}
}

// signatureOf is the name of a signature that an expression asks to be there:
// sig, or sig is not None.
func signatureOf(f *pymodel.Func, e pyast.Expr) (string, bool) {
	if c, ok := e.(*pyast.Compare); ok {
		if len(c.Ops) != 1 || c.Ops[0] != pyast.IsNot || !f.Scope.Is(c.Comparators[0], pyast.None) {
			return "", false
		}
		e = c.Left
	}
	return signature(f, e)
}

// absentSignature is the same of: not sig, or sig is None.
func absentSignature(f *pymodel.Func, e pyast.Expr) (string, bool) {
	switch x := e.(type) {
	case *pyast.UnaryOp:
		if x.Op == pyast.Not {
			return signature(f, x.Operand)
		}
	case *pyast.Compare:
		if len(x.Ops) == 1 && x.Ops[0] == pyast.Is && f.Scope.Is(x.Comparators[0], pyast.None) {
			return signature(f, x.Left)
		}
	}
	return "", false
}

// signature is a header, or a parameter, that holds what was signed.
func signature(f *pymodel.Func, e pyast.Expr) (string, bool) {
	name := headerName(f.Scope, e, 0)
	if name == "" {
		n, ok := e.(*pyast.Name)
		if !ok {
			return "", false
		}
		if b, at := f.Scope.Lookup(n.ID); b == nil || at != f.Scope || !b.Param {
			return "", false
		}
		name = n.ID
	}
	return name, analysis.Names(name, "signature", "sig", "hmac") && !analysis.Names(name, "key", "input", "algorithm", "version")
}

// verifies tells whether an expression compares the signature, or hands it to
// what verifies.
func verifies(f *pymodel.Func, e pyast.Node, name string) bool {
	found := false
	// A parameter may be called so for other reasons, such as the signature of
	// a function: only what compares secrets tells.
	param, _ := f.Scope.Lookup(name)
	sent := param == nil || headerParam(f, name) != ""
	pyast.Inspect(e, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Call:
			leaf := analysis.Leaf(n.Func)
			if leaf == "compare_digest" || sent && analysis.Names(leaf, "verify", "valid", "validate", "check", "matches") && analysis.Names(leaf, "signature", "hmac", "webhook", "digest", "sig", "verify") {
				found = found || slices.ContainsFunc(arguments(n), func(a pyast.Expr) bool { return speaksOf(f, a, name) })
			}
		case *pyast.Compare:
			if sent && len(n.Ops) == 1 && (n.Ops[0] == pyast.NotEq || n.Ops[0] == pyast.Eq) {
				_, l := n.Left.(*pyast.Constant)
				_, r := n.Comparators[0].(*pyast.Constant)
				found = found || !l && !r && (speaksOf(f, n.Left, name) || speaksOf(f, n.Comparators[0], name))
			}
		}
		return !found
	})
	return found
}

// speaksOf tells whether an expression holds the signature.
func speaksOf(f *pymodel.Func, e pyast.Expr, name string) bool {
	return analysis.Within(e, func(e pyast.Expr) bool {
		if n, ok := e.(*pyast.Name); ok && n.ID == name {
			return true
		}
		return headerName(f.Scope, e, 0) == name
	})
}

// verifiesBeside tells whether a condition verifies the signature, in what
// stands beside the question whether it is there.
func verifiesBeside(f *pymodel.Func, test, there pyast.Expr, name string) bool {
	return slices.ContainsFunc(both(test), func(e pyast.Expr) bool { return e != there && negative(e) && verifies(f, e, name) })
}

// negative tells whether a condition holds where the signature is wrong.
func negative(e pyast.Expr) bool {
	switch x := e.(type) {
	case *pyast.UnaryOp:
		return x.Op == pyast.Not
	case *pyast.Compare:
		return len(x.Ops) == 1 && x.Ops[0] == pyast.NotEq
	}
	return false
}

// verifiesIn tells whether a body turns away whose signature is wrong.
func verifiesIn(f *pymodel.Func, body []pyast.Stmt, name string) bool {
	found := false
	pyast.Walk(body, func(n pyast.Node) bool {
		if b, ok := n.(*pyast.If); ok && negative(b.Test) && verifies(f, b.Test, name) && turnsAway(f, b.Body) {
			found = true
		}
		return !found
	})
	return found
}

// refusesMissing tells whether a function turns away who sends no signature,
// wherever it asks.
func refusesMissing(f *pymodel.Func, name string) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		b, ok := n.(*pyast.If)
		if !ok {
			return !found
		}
		analysis.Within(b.Test, func(e pyast.Expr) bool {
			if missed, ok := absentSignature(f, e); ok && missed == name && (turnsAway(f, b.Body) || returnsNo(b.Body)) {
				found = true
			}
			return found
		})
		return !found
	})
	return found
}

// turnsAway tells whether a body refuses.
func turnsAway(f *pymodel.Func, body []pyast.Stmt) bool {
	return len(body) > 0 && (slices.ContainsFunc(body, func(s pyast.Stmt) bool { _, raises := s.(*pyast.Raise); return raises }) || refusesIn(f, body))
}

// returnsNo tells whether a body ends with what stands for no.
func returnsNo(body []pyast.Stmt) bool {
	r, ok := body[len(body)-1].(*pyast.Return)
	if !ok {
		return false
	}
	c, ok := r.Value.(*pyast.Constant)
	return ok && c.Kind == pyast.False
}

// waves tells whether a body ends the function as if all were well.
func waves(f *pymodel.Func, body []pyast.Stmt) bool {
	if turnsAway(f, body) {
		return false
	}
	r, ok := body[len(body)-1].(*pyast.Return)
	if !ok {
		return false
	}
	if r.Value == nil || f.Scope.Is(r.Value, pyast.None) {
		// Where something is given, nothing is no.
		return len(f.Results()) == 0 || !slices.ContainsFunc(f.Results(), func(e pyast.Expr) bool { return !f.Scope.Is(e, pyast.None) })
	}
	return f.Scope.Is(r.Value, pyast.True)
}

// raisesAny tells whether a function itself refuses.
func raisesAny(f *pymodel.Func) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		_, raises := n.(*pyast.Raise)
		found = found || raises
		return !found
	})
	return found
}
