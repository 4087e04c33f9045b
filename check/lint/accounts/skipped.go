package accounts

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// skipped tells of a secret that is compared only if the client sends it, or
// sends it as a text: if body.pin and body.pin != card.pin: raise.
func skipped(p *analysis.Pass, h *handler.Handler) {
	if h.WebSocket || !h.Writes() {
		return
	}
	s := h.Func.Scope
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		branch, ok := n.(*pyast.If)
		if !ok || len(branch.Orelse) > 0 || len(branch.Body) == 0 {
			return true
		}
		// if x_signature: if not compare_digest(…): raise
		if e := asksFor(s, branch.Test); e != nil && unsent(h, e) && !elsewhere(h, e, branch) {
			for _, stmt := range branch.Body {
				if in, ok := stmt.(*pyast.If); ok && raises(in.Body) && differs(s, in.Test, e) {
					p.PythonAt(checkSkipped, h.Func.Module, branch, "%s compares %s only where it is sent", h.Func.Name, analysis.Leaf(e))
					return false
				}
			}
		}
		both, ok := branch.Test.(*pyast.BoolOp)
		if !ok || both.Op != pyast.And || !raises(branch.Body) {
			return true
		}
		for i, v := range both.Values {
			e := asksFor(s, v)
			if e == nil || !unsent(h, e) || elsewhere(h, e, branch) {
				continue
			}
			severity := finding.Medium
			if _, typed := v.(*pyast.Call); typed {
				severity = finding.High
			}
			for j, w := range both.Values {
				if i != j && differs(s, w, e) {
					p.PythonSeverity(checkSkipped, severity, h.Func.Module, branch, "%s compares %s only where it is sent as expected", h.Func.Name, analysis.Leaf(e))
					return false
				}
			}
		}
		return true
	})
}

// elsewhere tells whether another condition asks for what was sent: that it is
// there, for one.
func elsewhere(h *handler.Handler, e pyast.Expr, branch *pyast.If) bool {
	name := pymodel.Dotted(e)
	found := false
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		if other, ok := n.(*pyast.If); ok && other != branch && (other.Pos() < branch.Pos() || other.End() > branch.End()) {
			found = found || analysis.Within(other.Test, func(x pyast.Expr) bool { return pymodel.Dotted(x) == name })
		}
		return !found
	})
	return found
}

func raises(body []pyast.Stmt) bool {
	_, ok := body[len(body)-1].(*pyast.Raise)
	return ok
}

// asksFor is what a condition asks whether it is there, or is a text.
func asksFor(s *pymodel.Scope, e pyast.Expr) pyast.Expr {
	switch x := e.(type) {
	case *pyast.Name, *pyast.Attribute:
		return x
	case *pyast.Compare:
		if len(x.Ops) == 1 && x.Ops[0] == pyast.IsNot && s.Is(x.Comparators[0], pyast.None) {
			return x.Left
		}
	case *pyast.Call:
		if s.Qualified(x.Func) == "builtins.isinstance" && len(x.Args) == 2 {
			return x.Args[0]
		}
	}
	return nil
}

// unsent tells whether a client may leave out what is compared: a field of the
// body, or a header with a signature.
func unsent(h *handler.Handler, e pyast.Expr) bool {
	n, ok := e.(*pyast.Name)
	if !ok {
		return missing(h, e)
	}
	if !analysis.Names(n.ID, "signature", "sig", "hmac") {
		return false
	}
	return slices.ContainsFunc(h.Func.Params, func(x *pymodel.Param) bool {
		_, dep := h.Func.ParamDep(x)
		return x.Name == n.ID && !dep && x.Annotation != nil && loose(h.Func.Outer, x.Annotation)
	})
}

// missing tells whether a client may leave a secret out, or send another type:
// a field of a body that may be None, or anything.
func missing(h *handler.Handler, e pyast.Expr) bool {
	if !analysis.Names(analysis.Leaf(e), "pin", "otp", "passcode", "password", "passphrase", "secret", "totp", "cvv", "verification code", "reset code", "reset token", "security answer") {
		return false
	}
	a, ok := e.(*pyast.Attribute)
	if !ok {
		return false
	}
	n, ok := a.Value.(*pyast.Name)
	if !ok || !slices.ContainsFunc(h.Func.Params, func(x *pymodel.Param) bool { return x.Name == n.ID }) {
		return false
	}
	class := h.Func.Scope.TypeOf(n).Class
	if class == nil || !class.IsA("pydantic.BaseModel") {
		return false
	}
	for _, f := range class.AllFields() {
		if f.Name == a.Attr && f.Annotation != nil {
			return loose(class.Outer, f.Annotation)
		}
	}
	return false
}

// loose tells whether a type lets None, or anything, in.
func loose(s *pymodel.Scope, e pyast.Expr) bool {
	switch x := e.(type) {
	case *pyast.BinOp: // str | None
		return loose(s, x.Left) || loose(s, x.Right)
	case *pyast.Constant:
		return x.Kind == pyast.None
	case *pyast.Subscript:
		switch s.Qualified(x.Value) {
		case "typing.Optional":
			return true
		case "typing.Annotated", "typing.Union":
			if t, ok := x.Slice.(*pyast.Tuple); ok {
				return slices.ContainsFunc(t.Elts, func(e pyast.Expr) bool { return loose(s, e) })
			}
		}
		return false
	}
	return s.Qualified(e) == "typing.Any"
}

// differs tells whether a condition is that a secret is another than the one
// that is kept.
func differs(s *pymodel.Scope, e, sent pyast.Expr) bool {
	name := pymodel.Dotted(sent)
	holds := func(e pyast.Expr) bool {
		return name != "" && analysis.Within(e, func(x pyast.Expr) bool { return pymodel.Dotted(x) == name })
	}
	switch x := e.(type) {
	case *pyast.Compare:
		if len(x.Ops) != 1 || x.Ops[0] != pyast.NotEq {
			return false
		}
		_, left := s.Const(x.Left)
		_, right := s.Const(x.Comparators[0])
		// Two that were sent are typed twice.
		return !left && !right && holds(x.Left) != holds(x.Comparators[0]) && !sameBase(x.Left, x.Comparators[0])
	case *pyast.UnaryOp:
		c, ok := x.Operand.(*pyast.Call)
		return ok && x.Op == pyast.Not && len(c.Args) > 1 && slices.ContainsFunc(c.Args, holds) && (analysis.Leaf(c.Func) == "compare_digest" || analysis.Names(analysis.Leaf(c.Func), "verify", "check", "checkpw", "verify password", "check password"))
	}
	return false
}

func sameBase(a, b pyast.Expr) bool {
	x, ok := a.(*pyast.Attribute)
	y, also := b.(*pyast.Attribute)
	return ok && also && pymodel.Dotted(x.Value) == pymodel.Dotted(y.Value)
}
