package access

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// crossSite tells of a WebSocket that knows its user by a cookie, and does not
// ask which page connects.
func crossSite(p *analysis.Pass, h *handler.Handler) {
	if p.Guarded(webSocketOrigin) {
		return
	}
	cookie, asked := false, false
	for _, f := range append(handler.Chain(h.Own...), h.Guards...) {
		asked = asked || asksOrigin(f.FunctionDef)
		cookie = cookie || cookieRead(f)
	}
	if !cookie || asked {
		return
	}
	p.Apps(func(a *pymodel.App) {
		for _, m := range a.Middleware {
			asked = asked || m.Class != nil && asksOrigin(m.Class.ClassDef) && analysis.Within(m.Class.ClassDef, func(e pyast.Expr) bool {
				c, ok := e.(*pyast.Constant)
				return ok && c.Kind == pyast.Str && strings.HasPrefix(c.Value, "websocket")
			})
		}
	})
	if !asked {
		p.PythonAt(webSocketOrigin, h.Func.Module, h.Func, "%s knows its user by a cookie, and asks no Origin", h.Func.Name)
	}
}

// asksOrigin tells whether code is about the Origin header.
func asksOrigin(n pyast.Node) bool {
	return analysis.Mentions(n, func(id string) bool { return analysis.Names(id, "origin", "origins") }) ||
		analysis.Within(n, func(e pyast.Expr) bool {
			c, ok := e.(*pyast.Constant)
			return ok && (c.Kind == pyast.Str || c.Kind == pyast.Bytes) && strings.EqualFold(c.Value, "origin")
		})
}

// cookieRead tells whether a function reads a cookie that may say who calls.
func cookieRead(f *pymodel.Func) bool {
	for _, x := range f.Params {
		list, at := f.Outer.Annotated(x.Annotation)
		for i, e := range append([]pyast.Expr{x.Default}, list...) {
			c, ok := e.(*pyast.Call)
			if !ok {
				continue
			}
			s := at
			if i == 0 {
				s = f.Outer
			}
			if s.Qualified(c.Func) == "fastapi.Cookie" {
				return true
			}
		}
	}
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if a, ok := n.(*pyast.Attribute); ok && a.Attr == "cookies" && analysis.Names(analysis.Leaf(a.Value), "ws", "websocket", "socket", "request", "connection", "conn") {
			found = true
		}
		return !found
	})
	return found
}
