package accounts

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// revocations tells of arguments by which what lets in leaves out whether the
// token was ended.
func revocations(p *analysis.Pass) {
	s := handler.Read(p)
	guards := map[*pymodel.Func]bool{}
	for _, h := range s.Handlers {
		for _, f := range h.Guards {
			guards[f] = true
		}
	}
	p.Funcs(func(f *pymodel.Func) {
		if !guards[f] || f.Module.Test {
			return
		}
		for _, x := range f.Params {
			if !switchesOff(f, x.Name) {
				continue
			}
			for _, o := range p.Python.Given(f, x.Name) {
				in := o.Scope.Enclosing()
				// What logs out, or refreshes, looks by itself.
				if in != nil && guards[in] && o.Scope.Is(o.Expr, pyast.False) && !analysis.Names(in.Name, "logout", "refresh", "revoke", "optional") {
					p.PythonAt(revocationOff, o.Scope.Module, o.Expr, "%s takes tokens that have ended: %s is off", in.Name, x.Name)
				}
			}
		}
	})
}

// switchesOff tells whether a parameter says whether a function refuses tokens
// that have ended.
func switchesOff(f *pymodel.Func, name string) bool {
	ended := func(id string) bool {
		return analysis.Names(id, "revoked", "revocation", "revocations", "blacklist", "blacklisted", "denylist", "denied", "blocklist", "logged out")
	}
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		branch, ok := n.(*pyast.If)
		if !ok {
			return !found
		}
		is := func(e pyast.Expr) bool { n, ok := e.(*pyast.Name); return ok && n.ID == name }
		if both, ok := branch.Test.(*pyast.BoolOp); ok && both.Op == pyast.And {
			found = found || slices.ContainsFunc(both.Values, is) && analysis.Mentions(both, ended) && raises(branch.Body)
			return !found
		}
		if !is(branch.Test) {
			return true
		}
		pyast.Walk(branch.Body, func(n pyast.Node) bool {
			if in, ok := n.(*pyast.If); ok {
				found = found || analysis.Mentions(in.Test, ended) && raises(in.Body)
			}
			return !found
		})
		return !found
	})
	return found
}
