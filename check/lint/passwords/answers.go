package passwords

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// otherwise is where a route that sends codes answers something else when there
// is no such user: a member that is fixed there, and is not where there is one.
func otherwise(r *pymodel.Route) pyast.Node {
	if !r.Writes() || !analysis.Names(r.Path+" "+r.Func.Name, "forgot", "forgotten", "recover", "recovery", "lost password", "password reset", "reset request", "request reset", "resend", "magic link") {
		return nil
	}
	s, body := r.Func.Scope, r.Func.Body
	last, ok := body[len(body)-1].(*pyast.Return)
	if !ok || last.Value == nil {
		return nil
	}
	for _, stmt := range body {
		branch, ok := stmt.(*pyast.If)
		if !ok || len(branch.Orelse) > 0 || !isMissing(s, branch.Test) {
			continue
		}
		early, ok := branch.Body[len(branch.Body)-1].(*pyast.Return)
		if !ok || early.Value == nil {
			continue
		}
		without, with := members(s, early.Value), members(s, last.Value)
		for name, e := range without {
			fixed, isFixed := s.Text(e)
			other, found := with[name]
			if !isFixed || !found {
				continue
			}
			if text, same := s.Text(other); !same || text != fixed {
				return early
			}
		}
	}
	return nil
}

// isMissing tells whether a condition is that what was looked up is not there.
func isMissing(s *pymodel.Scope, test pyast.Expr) bool {
	var e pyast.Expr
	switch x := test.(type) {
	case *pyast.UnaryOp:
		if x.Op == pyast.Not {
			e = x.Operand
		}
	case *pyast.Compare:
		if len(x.Ops) == 1 && x.Ops[0] == pyast.Is && s.Is(x.Comparators[0], pyast.None) {
			e = x.Left
		}
	}
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	b, _ := s.Lookup(n.ID)
	if b == nil || b.Param || b.Value == nil {
		return false
	}
	value := b.Value
	if w, ok := value.(*pyast.Await); ok {
		value = w.Value
	}
	_, ok = value.(*pyast.Call)
	return ok
}

// members are those of an answer that is made here, by their names.
func members(s *pymodel.Scope, e pyast.Expr) map[string]pyast.Expr {
	out := map[string]pyast.Expr{}
	switch x := e.(type) {
	case *pyast.Dict:
		for i, k := range x.Keys {
			if name, ok := s.Text(k); k != nil && ok {
				out[name] = x.Values[i]
			}
		}
	case *pyast.Call:
		if b := s.Symbol(x.Func).Binding; b == nil || b.Class == nil {
			break
		}
		for _, k := range x.Keywords {
			out[k.Name] = k.Value
		}
	}
	return out
}
