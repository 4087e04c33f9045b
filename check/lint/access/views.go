package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// given are the lookups of dependencies, which a handler gets its object from.
func given(h *handler.Handler) []lookup {
	var out []lookup
	for _, f := range h.Own {
		if f == h.Func || !slices.ContainsFunc(h.Deps, func(d pymodel.Dep) bool { return d.Func == f }) {
			continue
		}
		names := map[string]bool{}
		for _, p := range f.Params {
			if _, dep := f.ParamDep(p); !dep && inPath(h, p.Name) && (p.Name == "id" || strings.HasSuffix(p.Name, "_id") || strings.HasSuffix(p.Name, "_uuid")) {
				names[p.Name] = true
			}
		}
		out = append(out, lookups(f, names, 0)...)
	}
	return out
}

// below tells whether a route is about what belongs to the user in its path:
// /users/{user_id}/cards.
func below(h *handler.Handler, names map[string]bool) bool {
	for name := range names {
		if ownID(name) || name == "patient_id" || name == "member_id" {
			if _, rest, ok := strings.Cut(h.Path, "{"+name+"}/"); ok && rest != "" && rest[0] != '{' {
				return true
			}
		}
	}
	return false
}

// readsField tells whether something reads the field of the current user: a
// property that others use may.
func readsField(h *handler.Handler) bool {
	reads := func(b *pymodel.Binding) bool {
		return b.Func != nil && analysis.Mentions(b.Func.FunctionDef, func(id string) bool { return slices.Contains(h.Fields, id) })
	}
	for _, b := range h.Func.Class.Scope.Names {
		// Of what hands things to it, and of itself.
		if b.Func != nil && (b.Func == h.Func || len(b.Func.Decorators) == 0 || analysis.Leaf(b.Func.Decorators[0]) == "property" || analysis.Leaf(b.Func.Decorators[0]) == "cached_property") && reads(b) {
			return true
		}
	}
	return slices.ContainsFunc(h.Own, func(f *pymodel.Func) bool {
		return f.Class != nil && analysis.Mentions(f.FunctionDef, func(id string) bool { return slices.Contains(h.Fields, id) })
	})
}

// strangers tells of: if user and order.owner_id != user.id: raise. Who is not
// logged in is not asked.
func strangers(p *analysis.Pass, h *handler.Handler) bool {
	said := false
	for _, u := range h.Users {
		is := func(e pyast.Expr) bool {
			if cmp, ok := e.(*pyast.Compare); ok && len(cmp.Ops) == 1 && cmp.Ops[0] == pyast.IsNot && h.Func.Scope.Is(cmp.Comparators[0], pyast.None) {
				e = cmp.Left
			}
			n, ok := e.(*pyast.Name)
			return ok && n.ID == u.Name
		}
		var at pyast.Node
		asked := false
		pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
			branch, ok := n.(*pyast.If)
			if !ok {
				return true
			}
			both, ok := branch.Test.(*pyast.BoolOp)
			if !ok || both.Op != pyast.And || !is(both.Values[0]) {
				// if not user: raise, before or after it.
				asked = asked || anyName(branch.Test, map[string]bool{u.Name: true})
				return true
			}
			if len(branch.Orelse) > 0 || !leavesBy(branch.Body) {
				return true
			}
			for _, v := range both.Values[1:] {
				if cmp, ok := v.(*pyast.Compare); ok && len(cmp.Ops) == 1 && cmp.Ops[0] == pyast.NotEq && (ownName(analysis.Leaf(cmp.Left)) || ownName(analysis.Leaf(cmp.Comparators[0]))) && mentionsUser(h, cmp) && len(both.Values) == 2 {
					at = branch
				}
			}
			return true
		})
		if at != nil && !asked && mayBeNone(h.Func, u) && !said {
			said = true
			p.PythonSeverity(idor, finding.Medium, h.Func.Module, at, "%s asks whose it is of those who are logged in, and lets in all others", label(h))
		}
	}
	return said
}

// mayBeNone tells whether a parameter is declared to be nobody at times.
func mayBeNone(f *pymodel.Func, p *pymodel.Param) bool {
	found := false
	if p.Annotation != nil {
		pyast.Inspect(p.Annotation, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.Constant:
				found = found || n.Kind == pyast.None
			case *pyast.Name:
				found = found || n.ID == "Optional"
			}
			return !found
		})
	}
	d, ok := f.ParamDep(p)
	return found || ok && analysis.Names(d.Name+" "+analysis.Leaf(d.Expr), "optional", "maybe", "or none")
}

func leavesBy(body []pyast.Stmt) bool {
	if len(body) == 0 {
		return false
	}
	_, ok := body[len(body)-1].(*pyast.Raise)
	return ok
}

// hidesUser tells whether a dependency that is no question of who calls is
// made with the caller.
func hidesUser(h *handler.Handler) bool {
	for _, f := range h.Own {
		if f == h.Func {
			continue
		}
		for _, p := range f.Params {
			if d, ok := f.ParamDep(p); ok && d.Authenticates() {
				return true
			}
		}
	}
	for _, p := range h.Func.Params {
		d, ok := h.Func.ParamDep(p)
		if ok && d.Func == nil && d.Class == nil && d.Expr != nil && !d.Authenticates() && analysis.Names(analysis.Leaf(d.Expr), "service", "repo", "repository", "store", "uow", "manager") {
			return true
		}
	}
	return false
}
