package pymodel

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// An App is an application that is made.
type App struct {
	*Call
	// Middleware that is added, in the order of the source.
	Middleware []*Middleware
}

// BoundsBodies tells whether the application is made with a largest body, which
// the framework itself keeps.
func (a *App) BoundsBodies() bool {
	size := a.Keyword("max_body_size")
	if c, ok := size.(*pyast.Constant); ok && c.Kind == pyast.None {
		return false
	}
	return size != nil
}

// A Middleware is one that is added to an application.
type Middleware struct {
	Name string // in full
	Call *pyast.Call
	// Args are the keyword arguments of the middleware itself.
	Args  []*pyast.Keyword
	Scope *Scope
	Class *Class // when it is the project's own
	// Func is set when it is a function under @app.middleware("http").
	Func *Func
	// Listed tells that it stands in middleware=[…], where the first is the
	// outermost; of those that are added, the last is.
	Listed bool
	Cond   bool
}

// A Route is a path and the function that answers it.
type Route struct {
	Path    string
	Methods []string
	Func    *Func
	// At is the call that makes it.
	At     *pyast.Call
	Scope  *Scope
	Hidden bool // include_in_schema=False
	Cond   bool // under an if
	// Router is the expression that it is added to.
	Router pyast.Expr
	// Deps are the functions and classes that it depends on, in all ways.
	Deps []Dep
	// Response is what response_model says; nil when it is not given.
	Response pyast.Expr
	// WebSocket tells that it is one.
	WebSocket bool
}

var appTypes = []string{"fastapi.FastAPI", "starlette.applications.Starlette"}

var verbs = []string{"get", "post", "put", "patch", "delete", "head", "options", "trace"}

// routerInfo is what is known of a router: where it is included, and with what.
type routerInfo struct {
	prefix string
	deps   []Dep
	hidden bool
}

// routes finds applications, what is added to them, and routes.
func (p *Project) routes() {
	apps := map[*pyast.Call]*App{}
	routers := map[string]*routerInfo{}
	for _, m := range p.Modules {
		for _, c := range m.Calls {
			if isApp(c) {
				a := &App{Call: c}
				p.Apps = append(p.Apps, a)
				apps[c.Call] = a
				a.listed()
			}
		}
	}
	for range 3 { // routers in routers
		for _, m := range p.Modules {
			for _, c := range m.Calls {
				if c.Method() == "include_router" && c.Arg(0, "router") != nil {
					p.include(c, routers)
				}
			}
		}
	}
	for _, m := range p.Modules {
		for _, c := range m.Calls {
			switch c.Method() {
			case "add_middleware":
				if a := p.appOf(c, apps); a != nil && len(c.Args) > 0 {
					a.Middleware = append(a.Middleware, c.middleware(c.Args[0], c.Keywords, false))
				}
			case "add_api_route", "add_route":
				if len(c.Args) > 1 || c.Keyword("endpoint") != nil {
					if sym := c.Scope.Symbol(c.Arg(1, "endpoint")); sym.Binding != nil && sym.Binding.Func != nil {
						p.route(c, sym.Binding.Func, routers)
					}
				}
			case "Route", "APIRoute":
				if c.Is("starlette.routing.Route", "fastapi.routing.APIRoute") && len(c.Args) > 1 {
					if sym := c.Scope.Symbol(c.Args[1]); sym.Binding != nil && sym.Binding.Func != nil {
						p.route(c, sym.Binding.Func, routers)
					}
				}
			}
		}
		for _, f := range m.Funcs {
			for _, d := range f.Decorators {
				c, ok := d.(*pyast.Call)
				if !ok {
					continue
				}
				attr, ok := c.Func.(*pyast.Attribute)
				if !ok {
					continue
				}
				call := &Call{Call: c, Module: m, Scope: f.Outer, Cond: f.Cond}
				switch {
				case attr.Attr == "middleware":
					if a := p.appOf(call, apps); a != nil {
						a.Middleware = append(a.Middleware, &Middleware{Name: m.Name + "." + f.Name, Call: c, Scope: f.Outer, Func: f, Cond: f.Cond})
					}
				case slices.Contains(verbs, attr.Attr), attr.Attr == "api_route", attr.Attr == "route", attr.Attr == "websocket", attr.Attr == "websocket_route":
					t := f.Outer.TypeOf(attr.Value).Name
					text, isText := f.Outer.Text(Arg(c, 0, "path"))
					known := slices.Contains(appTypes, t) || strings.HasSuffix(t, "Router")
					if known || isText && (text == "" || text[0] == '/') && (t == "" || !strings.Contains(t, "Client")) {
						p.route(call, f, routers)
					}
				}
			}
		}
	}
	for _, a := range p.Apps {
		slices.SortStableFunc(a.Middleware, func(x, y *Middleware) int {
			if x.Scope.Module != y.Scope.Module {
				return 0
			}
			return x.Call.Pos() - y.Call.Pos()
		})
	}
}

func isApp(c *Call) bool {
	if c.Is(appTypes...) {
		return true
	}
	sym := c.Scope.Symbol(c.Func)
	return sym.Binding != nil && sym.Binding.Class != nil && sym.Binding.Class.IsA(appTypes...)
}

// listed reads middleware=[Middleware(…), …].
func (a *App) listed() {
	e := a.Keyword("middleware")
	if e == nil {
		return
	}
	list, at := a.Scope.List(e)
	for _, x := range list {
		if c, ok := x.(*pyast.Call); ok && at.Qualified(c.Func) == "starlette.middleware.Middleware" && len(c.Args) > 0 {
			m := (&Call{Call: c, Scope: at}).middleware(c.Args[0], c.Keywords, true)
			a.Middleware = append(a.Middleware, m)
		}
	}
}

func (c *Call) middleware(class pyast.Expr, args []*pyast.Keyword, listed bool) *Middleware {
	m := &Middleware{Call: c.Call, Args: args, Scope: c.Scope, Listed: listed, Cond: c.Cond}
	sym := c.Scope.Symbol(class)
	m.Name = sym.Name
	if sym.Binding != nil {
		m.Class = sym.Binding.Class
	}
	return m
}

// Arg is an argument of the middleware.
func (m *Middleware) Arg(name string) pyast.Expr {
	for _, k := range m.Args {
		if k.Name == name {
			return k.Value
		}
	}
	return nil
}

// appOf is the application whose method is called: the one that the name
// stands for, or the only one.
func (p *Project) appOf(c *Call, apps map[*pyast.Call]*App) *App {
	if made := c.Scope.Made(c.Receiver()); made != nil && apps[made] != nil {
		return apps[made]
	}
	var only *App
	for _, a := range p.Apps {
		if a.Module == c.Module || !a.Module.Test {
			if only != nil && only.Module != a.Module {
				return nil
			}
			if only == nil {
				only = a
			}
		}
	}
	return only
}

// Made is the call that a value is made by, through names; nil when none is.
func (s *Scope) Made(e pyast.Expr) *pyast.Call {
	if e == nil {
		return nil
	}
	for range maxFollow {
		switch x := e.(type) {
		case *pyast.Call:
			return x
		case *pyast.Name, *pyast.Attribute:
			sym := s.Symbol(e)
			if sym.Binding == nil || sym.Binding.Value == nil {
				return nil
			}
			e, s = sym.Binding.Value, sym.Scope
		default:
			return nil
		}
	}
	return nil
}

// routerKey names a router: by what makes it, where that is known.
func (s *Scope) routerKey(e pyast.Expr) string {
	if sym := s.Symbol(e); sym.Name != "" {
		return sym.Name
	}
	return ""
}

// include notes where a router goes.
func (p *Project) include(c *Call, routers map[string]*routerInfo) {
	key := c.Scope.routerKey(c.Arg(0, "router"))
	if key == "" {
		return
	}
	info := &routerInfo{hidden: c.Scope.Is(c.Keyword("include_in_schema"), pyast.False)}
	// From the outermost in: where the receiver goes, its own prefix, and that
	// which this call gives.
	if up := routers[c.Scope.routerKey(c.Receiver())]; up != nil {
		info.prefix = up.prefix
		info.deps = append(info.deps, up.deps...)
		info.hidden = info.hidden || up.hidden
	}
	if made := c.Scope.Made(c.Receiver()); made != nil {
		sym := c.Scope.Symbol(c.Receiver())
		at := c.Scope
		if sym.Scope != nil {
			at = sym.Scope
		}
		if prefix, ok := at.Text(Keyword(made, "prefix")); ok {
			info.prefix += prefix
		}
		info.deps = append(info.deps, at.depsIn(Keyword(made, "dependencies"))...)
		info.hidden = info.hidden || at.Is(Keyword(made, "include_in_schema"), pyast.False)
	}
	if prefix, ok := c.Scope.Text(c.Keyword("prefix")); ok {
		info.prefix += prefix
	}
	info.deps = append(info.deps, c.Scope.depsIn(c.Keyword("dependencies"))...)
	routers[key] = info
}

func (p *Project) route(c *Call, f *Func, routers map[string]*routerInfo) {
	r := &Route{Func: f, At: c.Call, Scope: c.Scope, Cond: c.Cond, Router: c.Receiver(), Response: c.Keyword("response_model")}
	r.Path, _ = c.Scope.Text(c.Arg(0, "path"))
	switch method := c.Method(); {
	case slices.Contains(verbs, method):
		r.Methods = []string{strings.ToUpper(method)}
	case strings.HasPrefix(method, "websocket"):
		r.WebSocket = true
	default:
		r.Methods, _ = c.Scope.Texts(c.Keyword("methods"))
		if len(r.Methods) == 0 {
			r.Methods = []string{"GET"}
		}
	}
	r.Hidden = c.Scope.Is(c.Keyword("include_in_schema"), pyast.False)
	if r.Router != nil {
		sym := c.Scope.Symbol(r.Router)
		at := c.Scope
		if sym.Scope != nil {
			at = sym.Scope
		}
		if made := c.Scope.Made(r.Router); made != nil {
			if prefix, ok := at.Text(Keyword(made, "prefix")); ok {
				r.Path = prefix + r.Path
			}
			r.Deps = append(r.Deps, at.depsIn(Keyword(made, "dependencies"))...)
			r.Hidden = r.Hidden || at.Is(Keyword(made, "include_in_schema"), pyast.False)
		}
		if info := routers[c.Scope.routerKey(r.Router)]; info != nil {
			r.Path = info.prefix + r.Path
			r.Deps = append(r.Deps, info.deps...)
			r.Hidden = r.Hidden || info.hidden
		}
	}
	r.Deps = append(r.Deps, c.Scope.depsIn(c.Keyword("dependencies"))...)
	for _, d := range slices.Clone(r.Deps) {
		r.Deps = d.below(r.Deps, 0)
	}
	r.Deps = f.allDeps(r.Deps, 0)
	if f.Class != nil {
		r.Deps = f.Class.fieldDeps(r.Deps, 0)
	}
	p.Routes = append(p.Routes, r)
}

// Writes tells whether the route's methods change something.
func (r *Route) Writes() bool {
	return slices.ContainsFunc(r.Methods, func(m string) bool { return m != "GET" && m != "HEAD" && m != "OPTIONS" && m != "TRACE" })
}

// Reads tells whether GET reaches it.
func (r *Route) Reads() bool { return slices.Contains(r.Methods, "GET") }
