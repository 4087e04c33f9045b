// Package handler knows what the handler of a route does: what it calls, who
// it asks for, and whether it looks at what they may do.
package handler

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A Handler is a route and what is reached from it.
type Handler struct {
	*pymodel.Route
	// Own are the function, what it calls, and dependencies that are not on
	// who calls.
	Own []*pymodel.Func
	// Guards are the dependencies on who calls, and what they call.
	Guards []*pymodel.Func
	// Users are the parameters that are filled with who calls.
	Users []*pymodel.Param
	// Fields are the same of the class that the function is a method of.
	Fields []string
	// Auth tells that something asks who calls.
	Auth bool
	// Role tells that something asks what the caller may do.
	Role bool
	// Unknown tells that a dependency could not be looked into.
	Unknown bool
	// Schemes tells that all that asks is a scheme of fastapi.security, whose
	// value nobody verifies.
	Schemes bool
}

// A Set is the handlers of a project.
type Set struct {
	Handlers []*Handler
	// Middleware tells that a middleware asks who calls.
	Middleware bool
	// Auth tells that some route does.
	Auth bool
	// Dependencies are the functions that routes depend on.
	Dependencies map[*pymodel.Func]bool
}

// Read reads the handlers, once for all analyzers: nobody changes what it gives.
func Read(p *analysis.Pass) *Set {
	return analysis.Shared(p.Project, "handlers", func() *Set { return readAll(p) })
}

func readAll(p *analysis.Pass) *Set {
	s := &Set{Dependencies: map[*pymodel.Func]bool{}}
	p.Apps(func(a *pymodel.App) {
		for _, m := range a.Middleware {
			s.Middleware = s.Middleware || guards(m)
		}
		// What the application asks of all routes.
		if all := a.Keyword("dependencies"); all != nil && analysis.Mentions(all, authWords) {
			s.Middleware = true
		}
	})
	p.Calls(func(c *pymodel.Call) {
		// Which routers a loop includes is not known.
		if c.Method() == "include_router" && len(c.Args) > 0 && looped(c.Scope, c.Args[0]) {
			if all := c.Keyword("dependencies"); all != nil && analysis.Mentions(all, authWords) || len(c.Keywords) > 0 && pymodel.HasStars(c.Call) {
				s.Middleware = true
			}
		}
	})
	asks := map[*pymodel.Func]bool{}
	seen := map[*pymodel.Func]*Handler{}
	p.Routes(func(r *pymodel.Route) {
		// A function under two paths is looked at once, of either.
		h := read(r, asks)
		if old := seen[r.Func]; old != nil {
			old.Auth, old.Role = old.Auth && h.Auth, old.Role && h.Role
			return
		}
		seen[r.Func] = h
		s.Handlers = append(s.Handlers, h)
		for _, d := range r.Deps {
			if d.Func != nil {
				s.Dependencies[d.Func] = true
			}
		}
		s.Auth = s.Auth || h.Auth
	})
	return s
}

// looped tells whether an expression is, or is of, the name of a loop.
func looped(s *pymodel.Scope, e pyast.Expr) bool {
	switch x := e.(type) {
	case *pyast.Attribute:
		return looped(s, x.Value)
	case *pyast.Name:
		b, _ := s.Lookup(x.ID)
		return b != nil && (b.Part || b.Param)
	}
	return false
}

// routed tells whether the router itself asks: by its own class, or by the
// class of its routes.
func routed(r *pymodel.Route) bool {
	if r.Router == nil {
		return false
	}
	made := r.Scope.Made(r.Router)
	if made != nil {
		if class := pymodel.Keyword(made, "route_class"); class != nil && analysis.Mentions(class, authWords) {
			return true
		}
	}
	class := r.Scope.TypeOf(r.Router).Class
	return class != nil && analysis.Mentions(class.ClassDef, func(id string) bool { return authWords(id) || analysis.Names(id, "user", "admin") })
}

// Says tells whether a route's path or function holds one of the words.
func (h *Handler) Says(words ...string) bool {
	return analysis.Names(h.Path+" "+h.Func.Name, words...)
}

func read(r *pymodel.Route, asks map[*pymodel.Func]bool) *Handler {
	h := &Handler{Route: r}
	verified, scheme := false, false
	roots := []*pymodel.Func{r.Func}
	for _, d := range r.Deps {
		inside, bare := Funcs(d), bare(d)
		on := !bare && (authName(d) || slices.ContainsFunc(inside, func(f *pymodel.Func) bool { return asksFor(f, asks) }))
		switch {
		case bare:
			scheme = true
		case on:
			verified = true
			h.Guards = append(h.Guards, Chain(inside...)...)
			h.Unknown = h.Unknown || len(inside) == 0
		case len(inside) == 0 && unknown(d):
			verified, h.Unknown = true, true
		default:
			roots = append(roots, inside...)
		}
		if roleWord(analysis.Leaf(d.Expr)) || roleWord(d.Name[strings.LastIndexByte(d.Name, '.')+1:]) || d.Expr != nil && callMentions(d.Expr) {
			h.Role = true
		}
	}
	for _, param := range r.Func.Params {
		d, ok := r.Func.ParamDep(param)
		if ok && (authName(d) || slices.ContainsFunc(Funcs(d), func(f *pymodel.Func) bool { return asksFor(f, asks) && !roleOnly(f) })) {
			h.Users = append(h.Users, param)
		}
		if ok && param.Annotation != nil && analysis.Mentions(param.Annotation, func(id string) bool { return roleWord(id) }) {
			h.Role = true
		}
		verified = verified || credential(r.Func, param)
	}
	if class := r.Func.Class; class != nil {
		in := &pymodel.Func{Outer: class.Scope}
		for _, field := range class.AllFields() {
			d, ok := in.ParamDep(&pymodel.Param{Name: field.Name, Annotation: field.Annotation, Default: field.Value})
			if ok && (authName(d) || slices.ContainsFunc(Funcs(d), func(f *pymodel.Func) bool { return asksFor(f, asks) && !roleOnly(f) })) {
				h.Fields = append(h.Fields, field.Name)
			}
		}
	}
	if routed(r) {
		verified, h.Unknown = true, true
	}
	h.Own = Chain(roots...)
	h.Auth = verified || scheme
	for _, f := range h.Own {
		if f == r.Func && r.WebSocket {
			if asksSocket(r) {
				h.Auth, verified = true, true
			}
		} else if asksFor(f, asks) {
			h.Auth, verified = true, true
		}
	}
	for _, d := range r.Func.Decorators {
		if c, ok := d.(*pyast.Call); ok && c == r.At {
			// The scopes of Security, and dependencies, were read.
			continue
		}
		name := analysis.Leaf(d)
		if c, ok := d.(*pyast.Call); ok {
			name = analysis.Leaf(c.Func)
		}
		if authWords(name) {
			h.Auth, verified = true, true
		}
		h.Role = h.Role || roleWord(name) || analysis.Names(name, "requires", "require")
	}
	h.Schemes = scheme && !verified && !h.reads()
	for _, f := range slices.Concat(h.Own, h.Guards) {
		if h.Role {
			break
		}
		var others map[string]bool
		if f == r.Func {
			others = sought(f, func(*pymodel.Param) bool { return true })
		}
		h.Role = judges(f, others)
	}
	return h
}

// sought are the variables of a handler that hold what the client asked for by
// an id: their role is not the caller's.
func sought(f *pymodel.Func, counts func(*pymodel.Param) bool) map[string]bool {
	out := map[string]bool{}
	sent := func(id string) bool {
		return slices.ContainsFunc(f.Params, func(p *pymodel.Param) bool {
			_, dep := f.ParamDep(p)
			return p.Name == id && !dep && counts(p)
		})
	}
	caller := func(id string) bool { // membership = find(project_id, user.id)
		return slices.ContainsFunc(f.Params, func(p *pymodel.Param) bool {
			d, dep := f.ParamDep(p)
			return p.Name == id && dep && (unknown(d) && !analysis.Names(id, "db", "session", "conn", "repo", "service", "uow") || authName(d))
		})
	}
	for _, d := range f.Scope.Defs {
		value := d.Value
		if a, ok := value.(*pyast.Await); ok {
			value = a.Value
		}
		if c, ok := value.(*pyast.Call); ok && !d.Part && sentTo(c, sent) && !sentTo(c, caller) {
			out[d.Name] = true
		}
	}
	for _, p := range f.Params {
		delete(out, p.Name)
	}
	return out
}

func sentTo(c *pyast.Call, sent func(string) bool) bool {
	found := false
	pyast.Inspect(c, func(n pyast.Node) bool {
		if id, ok := n.(*pyast.Name); ok && sent(id.ID) {
			found = true
		}
		return !found
	})
	return found
}

// reads tells whether some function reads what a scheme gave it.
func (h *Handler) reads() bool {
	return slices.ContainsFunc(h.Own, func(f *pymodel.Func) bool {
		return slices.ContainsFunc(f.Params, func(p *pymodel.Param) bool {
			d, ok := f.ParamDep(p)
			return ok && bare(d) && Uses(f, p.Name) > 0
		})
	})
}

// Funcs are the functions that a dependency runs.
func Funcs(d pymodel.Dep) []*pymodel.Func {
	if d.Func != nil {
		out := []*pymodel.Func{d.Func}
		// What a factory makes.
		if _, ok := d.Expr.(*pyast.Call); ok {
			for _, f := range d.Func.Module.Funcs {
				if f.Outer == d.Func.Scope {
					out = append(out, f)
				}
			}
		}
		return out
	}
	if d.Class != nil {
		var out []*pymodel.Func
		for _, name := range []string{"__call__", "__init__"} {
			if b := d.Class.Scope.Names[name]; b != nil && b.Func != nil {
				out = append(out, b.Func)
			}
		}
		return out
	}
	return nil
}
