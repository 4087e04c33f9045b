package access

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// outside tells of decorators that guard a function and stand above the one
// that makes a route of it: decorators are applied from the lowest up, and what
// the route keeps is the function as it was then.
func outside(p *analysis.Pass, f *pymodel.Func) {
	last := -1
	for i, d := range f.Decorators {
		if routes(f, d) {
			last = i
		}
	}
	for i := range max(last, 0) {
		d := f.Decorators[i]
		if routes(f, d) {
			continue
		}
		if name, what := wrapsGuard(f, d); what != "" {
			p.PythonAt(decoratorOrder, f.Module, d, "%s stands above the route, which calls %s without it: %s", name, f.Name, what)
			return
		}
	}
}

// routes tells whether a decorator makes a route.
func routes(f *pymodel.Func, d pyast.Expr) bool {
	c, ok := d.(*pyast.Call)
	if !ok {
		return false
	}
	a, ok := c.Func.(*pyast.Attribute)
	if !ok {
		return false
	}
	switch a.Attr {
	case "get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket", "websocket_route":
	default:
		return false
	}
	if t := f.Outer.TypeOf(a.Value); t.IsA("fastapi.FastAPI", "starlette.applications.Starlette", "flask.Flask", "flask.Blueprint", "quart.Quart", "quart.Blueprint") || strings.HasSuffix(t.Name, "Router") {
		return true
	}
	// A router that is a parameter, or comes from what is not here.
	path, ok := f.Outer.Text(pymodel.Arg(c, 0, "path"))
	return ok && strings.HasPrefix(path, "/") && analysis.Names(analysis.Leaf(a.Value), "app", "router", "blueprint", "bp", "api")
}

// wrapsGuard says what a decorator would have asked; "" when it asks nothing,
// or only marks the function, which holds in any order.
func wrapsGuard(f *pymodel.Func, d pyast.Expr) (name, what string) {
	called := d
	if c, ok := d.(*pyast.Call); ok {
		called = c.Func
	}
	name = analysis.Leaf(called)
	sym := f.Outer.Symbol(called)
	if b := sym.Binding; b != nil && b.Func != nil {
		return name, guardsBy(b.Func)
	}
	on := ""
	if a, ok := called.(*pyast.Attribute); ok {
		on = analysis.Leaf(a.Value)
	}
	switch {
	case analysis.Names(name, "exempt", "public", "optional", "no", "not", "skip", "anonymous", "http methods"):
	case analysis.Names(name, "limit", "limits", "shared limit", "ratelimit", "rate limit", "rate limited", "throttle") && (analysis.Names(name, "rate", "ratelimit", "throttle") || analysis.Names(on, "limiter", "rate", "throttle")):
		return name, "nothing is limited"
	case sym.Name == "starlette.authentication.requires", analysis.Names(name, "login required", "auth required", "authenticated", "jwt required", "token required", "requires auth", "require auth", "require login", "requires login", "require user", "require token",
		"admin required", "admin only", "require admin", "requires admin", "staff only", "require staff", "superuser required", "roles required", "role required", "roles accepted", "require role", "require roles", "requires role", "requires roles",
		"permission required", "permissions required", "require permission", "require permissions", "requires permission", "requires permissions", "scopes required", "require scope", "require scopes"):
		return name, "nobody is asked"
	}
	return name, ""
}

// guardsBy says what a decorator of the project asks before it calls what it
// wraps.
func guardsBy(f *pymodel.Func) string {
	limits := false
	for _, in := range f.Module.Funcs {
		if in == f || !inside(in, f) {
			continue
		}
		mapped := mapsErrors(in)
		for _, own := range handler.Chain(in) {
			for _, c := range own.Calls {
				if mapped[c.Call] {
					continue
				}
				if handler.Refuses(c.Scope, c.Call) {
					return "nobody is asked"
				}
				status := c.Keyword("status_code")
				if status == nil && len(c.Args) > 0 && c.Is("starlette.exceptions.HTTPException", "flask.abort", "werkzeug.exceptions.abort") {
					status = c.Args[0]
				}
				limits = limits || status != nil && tooMany(c.Scope, status)
			}
		}
	}
	if limits {
		return "nothing is limited"
	}
	return ""
}

// mapsErrors are the calls by which a wrapper answers what went wrong in what
// it wraps: they ask nothing.
func mapsErrors(wrapper *pymodel.Func) map[*pyast.Call]bool {
	out := map[*pyast.Call]bool{}
	pyast.Walk(wrapper.Body, func(n pyast.Node) bool {
		t, ok := n.(*pyast.Try)
		if !ok || !callsOuter(wrapper, t.Body) {
			return true
		}
		for _, caught := range t.Handlers {
			pyast.Walk(caught.Body, func(n pyast.Node) bool {
				if c, ok := n.(*pyast.Call); ok {
					out[c] = true
				}
				return true
			})
		}
		return true
	})
	return out
}

// callsOuter tells whether a body calls a parameter of a function around: the
// handler that is wrapped.
func callsOuter(f *pymodel.Func, body []pyast.Stmt) bool {
	found := false
	pyast.Walk(body, func(n pyast.Node) bool {
		if c, ok := n.(*pyast.Call); ok {
			if name, ok := c.Func.(*pyast.Name); ok {
				b, at := f.Scope.Lookup(name.ID)
				found = found || b != nil && b.Param && at != f.Scope
			}
		}
		return !found
	})
	return found
}

// inside tells whether a function stands in another.
func inside(f, outer *pymodel.Func) bool {
	for s := f.Outer; s != nil; s = s.Parent {
		if s == outer.Scope {
			return true
		}
	}
	return false
}

func tooMany(s *pymodel.Scope, status pyast.Expr) bool {
	if n, ok := s.Number(status); ok {
		return n == 429
	}
	return strings.Contains(analysis.Leaf(status), "429")
}
