package gomodel

import (
	"go/ast"
	"slices"
	"strings"
)

// A Route is a handler that is registered with a router.
type Route struct {
	*Call
	// Method is empty where the handler answers all.
	Method string
	// Path is the pattern with what stands before it, as far as it is known.
	Path     string
	Handlers []*Func
	// Wrappers are what a request passes before the handler: arguments, what
	// the handler is wrapped in, and what the router and those above it use.
	Wrappers []Wrapper
}

// A Wrapper is a middleware.
type Wrapper struct {
	Name  string // as it is written, words joined by dots
	Funcs []*Func
}

// A router is what routes are registered with: a variable, or a field.
type router struct {
	v     *Var
	field string // of a type, in full
}

// A place is where a router stands: behind which path, and behind what.
type place struct {
	key      router
	prefix   string
	wrappers []Wrapper
}

type mapper struct {
	p    *Project
	uses map[router][]Wrapper
	// mounts are the calls that put a router, or what a function makes, below
	// another.
	mounts map[router][]*Call
	made   map[*Func][]*Call
	verbs  map[*ast.CallExpr][]string // of gorilla's Methods
}

// Routes are those of the program.
func (p *Project) Routes() []*Route {
	m := &mapper{p: p, uses: map[router][]Wrapper{}, mounts: map[router][]*Call{}, made: map[*Func][]*Call{}, verbs: map[*ast.CallExpr][]string{}}
	for _, f := range p.Files {
		for _, c := range f.Calls {
			m.look(c)
		}
	}
	var out []*Route
	for _, f := range p.Files {
		for _, c := range f.Calls {
			out = append(out, m.route(c)...)
		}
	}
	return out
}

// framework is which router a type belongs to; "" is none.
func framework(t string) string {
	switch t {
	case "net/http.ServeMux", "net/http":
		return "http"
	case "github.com/gorilla/mux.Router", "github.com/gorilla/mux.Route":
		return "gorilla"
	case "github.com/go-chi/chi.Mux", "github.com/go-chi/chi.Router":
		return "chi"
	case "github.com/gin-gonic/gin.Engine", "github.com/gin-gonic/gin.RouterGroup", "github.com/gin-gonic/gin.IRouter", "github.com/gin-gonic/gin.IRoutes":
		return "gin"
	case "github.com/labstack/echo.Echo", "github.com/labstack/echo.Group":
		return "echo"
	case "github.com/gofiber/fiber.App", "github.com/gofiber/fiber.Router", "github.com/gofiber/fiber.Group":
		return "fiber"
	case "github.com/julienschmidt/httprouter.Router":
		return "httprouter"
	}
	return ""
}

// framework is the router whose method is called.
func (c *Call) framework() string {
	i := strings.LastIndexByte(c.Name, '.')
	if i < 0 {
		return ""
	}
	return framework(c.Name[:i])
}

func (m *mapper) key(f *File, e ast.Expr) router {
	e = unparen(e)
	if u, ok := e.(*ast.UnaryExpr); ok {
		e = u.X
	}
	if v := f.VarOf(e); v != nil {
		return router{v: v}
	}
	if sel, ok := e.(*ast.SelectorExpr); ok {
		if t := f.TypeOf(sel.X); strings.HasPrefix(t, "@") {
			return router{field: t + "." + sel.Sel.Name}
		}
	}
	return router{}
}

// look keeps what a call says of routers.
func (m *mapper) look(c *Call) {
	f := c.File
	fw := c.framework()
	method := c.Method()
	switch {
	case fw != "" && (method == "Use" || method == "Pre"):
		if recv := c.Receiver(); recv != nil {
			k := m.key(f, recv)
			for _, a := range c.Args {
				if _, ok := f.Text(a); !ok {
					m.uses[k] = append(m.uses[k], wrapper(f, a))
				}
			}
		}
		return
	case fw == "gorilla" && method == "Methods":
		verbs := c.verbs()
		for e := c.Receiver(); e != nil; {
			inner, ok := unparen(e).(*ast.CallExpr)
			if !ok || f.calls[inner] == nil {
				break
			}
			m.verbs[inner] = verbs
			e = f.calls[inner].Receiver()
		}
		return
	}
	for _, a := range c.Args {
		if k := m.key(f, a); k != (router{}) && framework(f.TypeOf(a)) != "" {
			m.mounts[k] = append(m.mounts[k], c)
		}
		if inner, ok := unparen(a).(*ast.CallExpr); ok {
			for _, to := range f.functions(inner.Fun, 0) {
				m.made[to] = append(m.made[to], c)
			}
		}
	}
}

// verbs are the methods that the arguments name.
func (c *Call) verbs() []string {
	var out []string
	for _, a := range c.Args {
		if v, ok := c.File.verb(a); ok {
			out = append(out, v)
		}
	}
	return out
}

// verb is the method of HTTP that an expression names.
func (f *File) verb(e ast.Expr) (string, bool) {
	name := f.Qualified(e)
	for _, p := range []string{"net/http.Method", "github.com/gofiber/fiber.Method"} {
		if rest, ok := strings.CutPrefix(name, p); ok {
			return strings.ToUpper(rest), true
		}
	}
	if rest, ok := strings.CutPrefix(name, "github.com/labstack/echo."); ok {
		return rest, true
	}
	text, ok := f.Text(e)
	return strings.ToUpper(text), ok && text != ""
}

// Verb is the method of HTTP that an expression names; "" when it names none.
func (f *File) Verb(e ast.Expr) string {
	v, _ := f.verb(e)
	switch v {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return v
	}
	return ""
}

// wrapper is a middleware as it is written.
func wrapper(f *File, e ast.Expr) Wrapper {
	w := Wrapper{Name: written(e)}
	x := unparen(e)
	if c, ok := x.(*ast.CallExpr); ok {
		w.Funcs = f.functions(c.Fun, 0)
	} else {
		w.Funcs = f.functions(x, 0)
	}
	return w
}

// written is the names of an expression.
func written(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return written(e.X) + "." + e.Sel.Name
	case *ast.CallExpr:
		return written(e.Fun)
	case *ast.ParenExpr:
		return written(e.X)
	case *ast.IndexExpr:
		return written(e.X)
	case *ast.UnaryExpr:
		return written(e.X)
	}
	return ""
}

// Written is the names of an expression, joined by dots.
func Written(e ast.Expr) string { return written(e) }

// place finds where a router stands.
func (m *mapper) place(f *File, e ast.Expr, depth int) place {
	if depth > maxFollow || e == nil {
		return place{}
	}
	depth++
	e = unparen(e)
	if c, ok := e.(*ast.CallExpr); ok {
		return m.derived(f.calls[c], depth)
	}
	k := m.key(f, e)
	out := place{key: k}
	if k == (router{}) {
		return out
	}
	if k.v != nil {
		switch v := k.v; {
		case v.Param && v.owner != nil:
			out = m.handed(v, depth)
		default:
			for _, d := range v.defs {
				if d.value == nil || d.form != assigned || d.field != "" {
					continue
				}
				switch unparen(d.value).(type) {
				case *ast.CallExpr, *ast.Ident, *ast.SelectorExpr, *ast.UnaryExpr:
					out = m.place(v.File, d.value, depth)
				}
			}
		}
	}
	out.key = k
	out.wrappers = slices.Concat(out.wrappers, m.uses[k])
	above := m.above(k, depth)
	out.prefix = above.prefix + out.prefix
	out.wrappers = slices.Concat(above.wrappers, out.wrappers)
	return out
}

// derived is the place of a router that a call makes of another.
func (m *mapper) derived(c *Call, depth int) place {
	if c == nil {
		return place{}
	}
	f, recv := c.File, c.Receiver()
	switch fw := c.framework(); {
	case fw != "" && recv != nil:
		up := m.place(f, recv, depth)
		args := c.Args
		switch c.Method() {
		case "Group", "Route", "PathPrefix", "Path":
			if len(args) > 0 {
				if text, ok := f.Text(args[0]); ok {
					up.prefix += text
					args = args[1:]
				}
			}
			if fw == "chi" || fw == "gorilla" {
				args = nil
			}
		case "With":
		default:
			args = nil
		}
		for _, a := range args {
			up.wrappers = append(slices.Clip(up.wrappers), wrapper(f, a))
		}
		return up
	case len(c.targets) == 1: // a function that makes it
		to := c.targets[0]
		for _, r := range to.returns {
			if len(r.Results) > 0 {
				return m.place(to.File, r.Results[0], depth)
			}
		}
	}
	return place{}
}

// handed is the place of a router that a function is given.
func (m *mapper) handed(v *Var, depth int) place {
	if lit, ok := v.owner.Node.(*ast.FuncLit); ok && v.owner.Outer != nil {
		for _, c := range v.owner.Outer.Calls {
			if slices.ContainsFunc(c.Args, func(a ast.Expr) bool { return unparen(a) == lit }) && c.framework() != "" {
				return m.derived(c, depth)
			}
		}
	}
	for _, c := range m.p.sites[v.owner] {
		if a := c.Arg(v.index); a != nil {
			return m.place(c.File, a, depth)
		}
	}
	// A method value that a router calls: r.Route("/x", s.routes).
	for _, f := range v.File.Package.Files {
		for _, c := range f.Calls {
			if fw := c.framework(); fw != "" && (c.Method() == "Route" || c.Method() == "Group") && len(c.Args) > 0 {
				if slices.Contains(f.functions(c.Args[len(c.Args)-1], 0), v.owner) {
					return m.derived(c, depth)
				}
			}
		}
	}
	return place{}
}

// above is what stands before a router that is mounted, or wrapped as a whole.
func (m *mapper) above(k router, depth int) place {
	var out place
	calls := slices.Clone(m.mounts[k])
	if k.v != nil && k.v.Func != nil { // what a function makes is used where it is called
		if fn := k.v.Func; slices.ContainsFunc(fn.returns, func(r *ast.ReturnStmt) bool {
			return len(r.Results) > 0 && m.key(fn.File, r.Results[0]) == k
		}) {
			calls = append(calls, m.made[fn]...)
		}
	}
	for _, c := range calls {
		out = m.outside(c, out, depth)
	}
	return out
}

// outside adds what a call that is given a router puts before it.
func (m *mapper) outside(c *Call, out place, depth int) place {
	if depth > maxFollow {
		return out
	}
	switch fw := c.framework(); {
	case fw != "":
		if recv := c.Receiver(); recv != nil {
			up := m.place(c.File, recv, depth+1)
			if text, ok := c.File.Text(c.Arg(0)); ok && len(c.Args) > 1 {
				up.prefix += strings.TrimSuffix(text, "/")
			}
			out.prefix = up.prefix
			out.wrappers = slices.Concat(up.wrappers, out.wrappers)
		}
	case strings.HasPrefix(c.Name, "net/http.ListenAndServe"), strings.HasPrefix(c.Name, "net/http.Serve"):
	case len(c.targets) > 0 && c.targets[0].Type.Results.NumFields() == 0:
	default:
		out.wrappers = append(slices.Clip(out.wrappers), wrapper(c.File, c.CallExpr))
		for _, f := range []*File{c.File} { // what is wrapped may be wrapped again
			for _, outer := range f.Calls {
				if slices.ContainsFunc(outer.Args, func(a ast.Expr) bool { return unparen(a) == c.CallExpr }) && outer.framework() != "" {
					out = m.outside(outer, out, depth+1)
				} else if slices.ContainsFunc(outer.Args, func(a ast.Expr) bool { return unparen(a) == c.CallExpr }) {
					out.wrappers = append(out.wrappers, wrapper(f, outer.CallExpr))
				}
			}
		}
	}
	return out
}

// route reads a call that registers handlers.
func (m *mapper) route(c *Call) []*Route {
	fw := c.framework()
	if fw == "" {
		return nil
	}
	f, args, method := c.File, c.Args, c.Method()
	r := Route{Call: c}
	switch {
	case fw == "gorilla" && (method == "HandlerFunc" || method == "Handler"):
		return m.spread(r, m.place(f, c.Receiver(), 0), args)
	case strings.ToUpper(method) == method && f.isVerb(method), fw == "chi" || fw == "fiber":
		if f.isVerb(strings.ToUpper(method)) {
			r.Method = strings.ToUpper(method)
			break
		}
		switch method {
		case "Handle", "HandleFunc", "All":
		case "Method", "MethodFunc", "Add":
			if len(args) == 0 {
				return nil
			}
			r.Method = f.Verb(args[0])
			args = args[1:]
		default:
			return nil
		}
	case method == "HandleFunc", fw == "gin" && method == "Any", fw == "echo" && method == "Any", method == "Handle" && (fw == "http" || fw == "gorilla"):
	case method == "Handle" && (fw == "gin" || fw == "httprouter"), method == "Add" && fw == "echo", fw == "httprouter" && (method == "HandlerFunc" || method == "Handler"):
		if len(args) == 0 {
			return nil
		}
		r.Method = f.Verb(args[0])
		args = args[1:]
	default:
		return nil
	}
	if len(args) < 2 {
		return nil
	}
	pattern, ok := f.Text(args[0])
	if !ok {
		return nil
	}
	if fw == "http" {
		if verb, rest, ok := strings.Cut(pattern, " "); ok {
			r.Method, pattern = verb, strings.TrimSpace(rest)
		}
		pattern = pattern[max(strings.IndexByte(pattern, '/'), 0):]
	}
	at := place{}
	if recv := c.Receiver(); recv != nil {
		at = m.place(f, recv, 0)
	} else {
		at.wrappers = m.uses[router{}]
	}
	at.prefix += pattern
	handlers := args[1:]
	switch fw {
	case "gin", "fiber":
		for _, a := range handlers[:len(handlers)-1] {
			at.wrappers = append(slices.Clip(at.wrappers), wrapper(f, a))
		}
		handlers = handlers[len(handlers)-1:]
	case "echo":
		for _, a := range handlers[1:] {
			at.wrappers = append(slices.Clip(at.wrappers), wrapper(f, a))
		}
		handlers = handlers[:1]
	}
	return m.spread(r, at, handlers[:1])
}

func (f *File) isVerb(s string) bool {
	switch s {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return true
	}
	return false
}

// spread makes one route of each method.
func (m *mapper) spread(r Route, at place, handlers []ast.Expr) []*Route {
	if len(handlers) == 0 {
		return nil
	}
	r.Path = at.prefix
	var inner []Wrapper
	r.Handlers, inner = r.File.handlers(handlers[0], 0)
	r.Wrappers = slices.Concat(at.wrappers, inner)
	if len(r.Handlers) == 0 && routed(r.File, handlers[0]) {
		return nil // a router of its own
	}
	verbs := m.verbs[r.CallExpr]
	for c := r.Call; c != nil && len(verbs) == 0; {
		if c.Method() == "Methods" {
			verbs = c.verbs()
		}
		inner, ok := unparen(c.Receiver()).(*ast.CallExpr)
		if !ok {
			break
		}
		c = r.File.calls[inner]
	}
	if len(verbs) == 0 {
		return []*Route{&r}
	}
	var out []*Route
	for _, v := range verbs {
		one := r
		one.Method = v
		out = append(out, &one)
	}
	return out
}
