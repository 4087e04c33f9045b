package goserver

import (
	"go/ast"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

// profiles finds debugging pages that are served to everybody.
func profiles(p *analysis.Pass) {
	routes := p.GoRoutes()
	// The default mux, by its import.
	public, app := defaultMux(p, routes)
	for _, f := range p.Go.Files {
		if f.Test {
			continue
		}
		for _, imp := range f.AST.Imports {
			switch name, _ := strconv.Unquote(imp.Path.Value); {
			case public == nil:
			case name == "net/http/pprof" && app:
				p.GoAt(pprof, f, imp, "pprof is on the default mux, which is served together with the application")
			case name == "net/http/pprof":
				p.GoSeverity(pprof, finding.Low, f, imp, "pprof is on the default mux, which is served on every address of the machine")
			case name == "expvar" && app:
				p.GoSeverity(debug, finding.Low, f, imp, "expvar is on the default mux: /debug/vars tells the command line and the memory")
			}
		}
	}
	mounted := imported(p, "net/http/pprof")
	index := map[*gomodel.File]bool{}
	for _, r := range routes {
		if page(r) == "net/http/pprof.Index" {
			index[r.File] = true
		}
	}
	for _, r := range routes {
		h := page(r)
		if h == "" || protected(r) || !shared(r, routes) {
			continue
		}
		switch {
		case h == "expvar.Handler":
			p.GoSeverity(debug, finding.Low, r.File, r, "%s is open to everybody", r.Path)
		case h == "net/http.DefaultServeMux":
			if mounted && (strings.Contains(r.Path, "debug") || strings.Contains(r.Path, "pprof") || r.Path == "/*" || r.Path == "/") {
				p.GoAt(pprof, r.File, r, "%s leads to the default mux, which pprof is on", r.Path)
			}
		case strings.HasSuffix(h, ".Index") || !index[r.File]:
			if !strings.HasSuffix(h, ".Index") {
				index[r.File] = true // once is enough
			}
			p.GoAt(pprof, r.File, r, "%s is open to everybody", r.Path)
		}
	}
	p.GoCalls(func(c *gomodel.Call) {
		switch c.Name {
		case "github.com/gin-contrib/pprof.Register", "github.com/gin-contrib/pprof.RouteRegister", "github.com/labstack/echo-contrib/pprof.Register", "github.com/gofiber/fiber/middleware/pprof.New":
			if !careful(c) {
				p.GoAt(pprof, c.File, c, "pprof is put on the router of the application")
			}
		case "github.com/go-chi/chi.Router.Mount", "github.com/go-chi/chi.Mux.Mount", "github.com/gofiber/fiber.App.Use", "github.com/gofiber/fiber.Router.Use":
			if mounted && c.Arg(1) != nil && within(c.File, c.Args[1]) == "net/http.DefaultServeMux" && !careful(c) {
				p.GoAt(pprof, c.File, c, "the default mux, which pprof is on, is put on the router of the application")
			}
		case "github.com/go-chi/chi/middleware.Profiler":
			for _, up := range c.File.Calls {
				if (up.Method() == "Mount" || up.Method() == "Handle") && up.Arg(1) == c.CallExpr && !careful(up) {
					p.GoAt(pprof, c.File, c, "pprof is put on the router of the application")
				}
			}
		}
	})
}

// imported tells whether the program imports a package, if only for what that
// does.
func imported(p *analysis.Pass, name string) bool {
	for _, f := range p.Go.Files {
		for _, imp := range f.AST.Imports {
			if path, _ := strconv.Unquote(imp.Path.Value); path == name && !f.Test {
				return true
			}
		}
	}
	return false
}

// page is the debugging page that a route leads to, "" for none: what is
// registered, or what its handler calls.
func page(r *gomodel.Route) string {
	for _, a := range r.Args {
		if h := within(r.File, a); h != "" {
			return h
		}
	}
	for _, fn := range r.Handlers {
		if fn.Body == nil || len(fn.Body.List) > 3 {
			continue // it may ask who is there
		}
		for _, c := range fn.Calls {
			if strings.HasPrefix(c.Name, "net/http/pprof.") {
				return c.Name
			}
			if recv := c.Receiver(); recv != nil && c.Method() == "ServeHTTP" {
				if h := within(c.File, recv); h != "" {
					return h
				}
			}
		}
	}
	return ""
}

// within is the debugging page that is named in an expression, however it is
// wrapped: gin.WrapF(pprof.Index).
func within(f *gomodel.File, e ast.Expr) string {
	found := ""
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.SelectorExpr:
			if name := f.Qualified(n); strings.HasPrefix(name, "net/http/pprof.") || name == "expvar.Handler" || name == "net/http.DefaultServeMux" {
				found = name
			}
		}
		return found == ""
	})
	return found
}

// careful tells whether a router is one for those who may, or only some run
// with it.
func careful(c *gomodel.Call) bool {
	for _, n := range c.File.Around(c) {
		if s, ok := n.(*ast.IfStmt); ok && s.Body.Pos() < c.Pos() {
			return true
		}
	}
	if c.Arg(0) != nil && analysis.Names(gomodel.Written(c.Args[0]), "admin", "debug", "internal", "auth", "private") {
		return true
	}
	if recv := c.Receiver(); recv != nil {
		name := gomodel.Written(recv)
		v := c.File.VarOf(recv)
		if analysis.Names(name, "admin", "internal", "auth", "private") || analysis.Names(name, "debug") && (v == nil || groupOf(v) == nil) {
			return true
		}
	}
	if c.Func == nil {
		return false
	}
	for _, o := range c.Func.Calls {
		if o.Method() == "Use" && o.Pos() < c.Pos() && analysis.GoMentions(o.CallExpr, auth) {
			return true
		}
	}
	return false
}

// defaultMux is the call that serves the default mux to more than this
// machine, and whether the application is on it.
func defaultMux(p *analysis.Pass, routes []*gomodel.Route) (serves *gomodel.Call, app bool) {
	p.GoCalls(func(c *gomodel.Call) {
		var handler ast.Expr
		switch c.Name {
		case "net/http.ListenAndServe", "net/http.Serve":
			handler = c.Arg(1)
		case "net/http.ListenAndServeTLS":
			handler = c.Arg(3)
		}
		if handler == nil || local(c) || !onDefault(c.File, handler) {
			return
		}
		if text, ok := c.File.Text(c.Args[0]); !ok && analysis.Names(gomodel.Written(c.Args[0])+"_"+text, "debug", "pprof", "metrics", "admin", "profile", "profiling", "internal") || ok && loopback(text) {
			return
		}
		serves = c
	})
	for _, f := range p.Go.Files {
		for _, l := range f.Literals {
			if l.Type == "net/http.Server" && setting(l.CompositeLit, "Addr") != nil && setting(l.CompositeLit, "Handler") == nil && serves == nil {
				if text, _ := f.Text(setting(l.CompositeLit, "Addr")); text != "" && !loopback(text) {
					later := false
					assignments(f, func(_ *ast.AssignStmt, field string, of, _ ast.Expr) {
						later = later || field == "Handler" && f.TypeOf(of) == "net/http.Server"
					})
					if !later {
						serves = &gomodel.Call{File: f}
					}
				}
			}
		}
	}
	for _, r := range routes {
		recv := r.Receiver()
		if recv == nil && strings.HasPrefix(r.Name, "net/http.Handle") || recv != nil && r.File.Qualified(recv) == "net/http.DefaultServeMux" {
			app = app || !strings.HasPrefix(r.Path, "/debug") && r.Path != "/metrics" && !strings.HasPrefix(r.Path, "/health")
		}
	}
	return serves, app
}

// onDefault tells whether a handler is the default mux, or what wraps it.
func onDefault(f *gomodel.File, e ast.Expr) bool {
	if isNil(e) {
		return true
	}
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(*ast.SelectorExpr); ok && f.Qualified(x) == "net/http.DefaultServeMux" {
			found = true
		}
		return !found
	})
	return found
}

// shared tells whether a route is on a router with routes of the application,
// or on a group of one.
func shared(r *gomodel.Route, routes []*gomodel.Route) bool {
	own := base(r.File, r.Receiver())
	for _, o := range routes {
		if strings.HasPrefix(o.Path, "/debug") || o.Path == "/metrics" || strings.Contains(o.Path, "health") || page(o) != "" {
			continue
		}
		if other := base(o.File, o.Receiver()); own == other && (own != root{} || r.Receiver() == nil && o.Receiver() == nil) {
			return true
		}
	}
	return false
}

// A root is a router that is no group of another: a variable, or a field.
type root struct {
	v     *gomodel.Var
	field string
	file  *gomodel.File
}

func base(f *gomodel.File, e ast.Expr) root {
	for range 6 {
		if c := f.CallOf(e); e != nil && c != nil && c.Receiver() != nil {
			e = c.Receiver()
			continue
		}
		v := f.VarOf(e)
		if v == nil {
			break
		}
		up := groupOf(v)
		if up == nil {
			return root{v: v}
		}
		f, e = v.File, up
	}
	if _, ok := e.(*ast.SelectorExpr); ok {
		return root{field: gomodel.Written(e), file: f}
	}
	return root{}
}

// groupOf is the router that a variable holds a group of, or nil: it is what a
// router gave, or what a router gives to a function within.
func groupOf(v *gomodel.Var) ast.Expr {
	if v.Param && v.Func != nil && v.Func.Outer != nil {
		for _, c := range v.Func.Outer.Calls {
			for _, a := range c.Args {
				if a == v.Func.Node && (c.Method() == "Route" || c.Method() == "Group") {
					return c.Receiver()
				}
			}
		}
	}
	list, _ := v.Values()
	for _, x := range list {
		if c := v.File.CallOf(x); c != nil && c.Receiver() != nil {
			switch c.Method() {
			case "Group", "Route", "With", "PathPrefix", "Subrouter", "Party":
				return c.Receiver()
			}
		}
	}
	return nil
}
