package gomodel

import (
	"go/ast"
	"slices"
)

// routed tells whether a router stands in an expression.
func routed(f *File, e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		if ok && f.Qualified(x) == "net/http.DefaultServeMux" {
			return false // what is on it is registered elsewhere
		}
		found = found || ok && framework(f.TypeOf(x)) != ""
		return !found
	})
	return found
}

// handlers are the functions that an expression handles requests with, and
// what they are wrapped in.
func (f *File) handlers(e ast.Expr, depth int) ([]*Func, []Wrapper) {
	if depth > maxFollow {
		return nil, nil
	}
	depth++
	e = unparen(e)
	if fns := f.functions(e, 0); len(fns) > 0 {
		return fns, nil
	}
	if in, only := f.Only(e); only != e {
		return in.handlers(only, depth)
	}
	if u, ok := e.(*ast.UnaryExpr); ok {
		e = u.X
	}
	if c, ok := e.(*ast.CallExpr); ok {
		return f.wrapped(c, depth)
	}
	if fn := f.Project.method(f.TypeOf(e), "ServeHTTP"); fn != nil {
		return []*Func{fn}, nil
	}
	return nil, nil
}

func (f *File) wrapped(c *ast.CallExpr, depth int) ([]*Func, []Wrapper) {
	if f.isType(c.Fun) && len(c.Args) == 1 {
		return f.handlers(c.Args[0], depth)
	}
	made := f.functions(c.Fun, 0)
	for _, a := range slices.Backward(c.Args) {
		if f.isHandler(a) {
			fns, inner := f.handlers(a, depth)
			w := wrapper(f, c)
			if sel, ok := unparen(c.Fun).(*ast.SelectorExpr); ok { // alice.New(a, b).Then(h)
				if chain, ok := unparen(sel.X).(*ast.CallExpr); ok {
					for _, m := range chain.Args {
						inner = append(inner, wrapper(f, m))
					}
				}
			}
			for _, other := range c.Args { // chain(h, auth, log)
				if other != a && len(f.functions(other, 0)) > 0 {
					inner = append(inner, wrapper(f, other))
				}
			}
			return fns, append([]Wrapper{w}, inner...)
		}
	}
	// A function that makes a handler.
	var out []*Func
	for _, to := range made {
		for _, r := range to.returns {
			if len(r.Results) > 0 {
				fns, _ := to.File.handlers(r.Results[0], depth)
				out = append(out, fns...)
			}
		}
	}
	return out, nil
}

// isHandler tells whether an argument is what is wrapped.
func (f *File) isHandler(e ast.Expr) bool {
	e = unparen(e)
	if c, ok := e.(*ast.CallExpr); ok {
		if name := f.Qualified(c.Fun); name == "net/http.HandlerFunc" {
			return true
		}
		fns := f.functions(c.Fun, 0)
		return len(fns) > 0 && handles(fns[0].File.TypeExpr(flat(fns[0].Type.Results, 0))) || slices.ContainsFunc(c.Args, f.isHandler)
	}
	for _, fn := range f.functions(e, 0) {
		if fn.Handles() {
			return true
		}
	}
	return f.Project.method(f.TypeOf(e), "ServeHTTP") != nil || handles(f.TypeOf(e))
}

func handles(t string) bool {
	switch t {
	case "net/http.Handler", "net/http.HandlerFunc", "func", "github.com/gin-gonic/gin.HandlerFunc", "github.com/labstack/echo.HandlerFunc", "github.com/gofiber/fiber.Handler":
		return true
	}
	return false
}

// Handles tells whether a function answers requests.
func (fn *Func) Handles() bool {
	for _, v := range fn.Params {
		switch t := v.typeOf(0); {
		case t == "net/http.ResponseWriter":
			return true
		case contexts[t] && t != "net/http.Request":
			return true
		}
	}
	return false
}

// Request is the parameter that a function gets the request by, or nil.
func (fn *Func) Request() *Var {
	for _, v := range fn.Params {
		if contexts[v.typeOf(0)] {
			return v
		}
	}
	return nil
}
