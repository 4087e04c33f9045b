package cookies

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// siblings tells of a write that asks for no token against forgery, where
// others that know their user by the same cookie do.
func siblings(p *analysis.Pass) {
	if p.Guarded(csrfSibling) {
		return
	}
	type group struct{ asks, not []*handler.Handler }
	var order []*pymodel.Func
	groups := map[*pymodel.Func]*group{}
	for _, h := range handler.Read(p).Handlers {
		if h.WebSocket || !h.Writes() || h.Func.Module.Test {
			continue
		}
		for _, x := range h.Func.Params {
			d, ok := h.Func.ParamDep(x)
			if !ok || d.Func == nil || !cookied(d.Func) {
				continue
			}
			g := groups[d.Func]
			if g == nil {
				g = &group{}
				groups[d.Func] = g
				order = append(order, d.Func)
			}
			if asksToken(h) {
				g.asks = append(g.asks, h)
			} else {
				g.not = append(g.not, h)
			}
		}
	}
	for _, f := range order {
		g := groups[f]
		if len(g.asks) == 0 || tokenIn(f) {
			continue
		}
		for _, h := range g.not {
			p.PythonAt(csrfSibling, h.Func.Module, h.Func, "%s writes for who has the cookie, and does not ask for the token that %s asks for", h.Func.Name, g.asks[0].Func.Name)
		}
	}
}

// cookied tells whether a dependency knows its user by a cookie alone.
func cookied(f *pymodel.Func) bool {
	is := false
	for _, x := range f.Params {
		d, ok := f.ParamDep(x)
		if ok && d.Scheme {
			return false // a header, which other sites cannot send
		}
		list, at := f.Outer.Annotated(x.Annotation)
		is = is || cookieCall(f.Outer, x.Default) || slices.ContainsFunc(list, func(e pyast.Expr) bool { return cookieCall(at, e) })
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if a, ok := n.(*pyast.Attribute); ok {
			is = is || of(a, "cookies")
		}
		return true
	})
	return is && !analysis.Mentions(f.FunctionDef, func(id string) bool { return analysis.Names(id, "authorization", "bearer") })
}

func cookieCall(s *pymodel.Scope, e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	return ok && s.Qualified(c.Func) == "fastapi.Cookie"
}

// asksToken tells whether a handler, or what it depends on, is about forgery.
func asksToken(h *handler.Handler) bool {
	return slices.ContainsFunc(slices.Concat(h.Own, h.Guards), func(f *pymodel.Func) bool { return tokenIn(f) }) ||
		slices.ContainsFunc(h.Deps, func(d pymodel.Dep) bool { return d.Expr != nil && analysis.Mentions(d.Expr, forgeryName) })
}

func tokenIn(f *pymodel.Func) bool {
	return slices.ContainsFunc(f.Params, func(x *pymodel.Param) bool { return forgeryName(x.Name) }) || analysis.Mentions(f.FunctionDef, forgeryName)
}

func forgeryName(id string) bool {
	lower := strings.ToLower(id)
	return strings.Contains(lower, "csrf") || strings.Contains(lower, "xsrf")
}
