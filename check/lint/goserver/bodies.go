package goserver

import (
	"go/ast"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// bodies tells once an application of bodies that are read without a bound.
func bodies(p *analysis.Pass) {
	if p.Guarded(bodyLimit) {
		return
	}
	if boundsAll(p) {
		outside(p)
		return
	}
	done := false
	p.GoCalls(func(c *gomodel.Call) {
		if done || c.Func == nil || analysis.GoSample(c.File.Path) {
			return
		}
		what := reader(c)
		if what != "" && !bounded(c.Func, 0, map[*gomodel.Func]bool{}) {
			done = true
			p.GoAt(bodyLimit, c.File, c, "%s reads all that a client sends", what)
		}
	})
}

// bounded tells whether a function, or all who call it, bound the body.
func bounded(fn *gomodel.Func, depth int, seen map[*gomodel.Func]bool) bool {
	root := fn.Root()
	if seen[root] || depth > 4 {
		return false
	}
	seen[root] = true
	for _, in := range root.Reached(2) {
		if slices.ContainsFunc(in.Calls, bounds) {
			return true
		}
	}
	callers := 0
	for _, site := range root.Sites() {
		if site.Func == nil {
			continue
		}
		callers++
		if !bounded(site.Func, depth+1, seen) {
			return false
		}
	}
	return callers > 0
}

func bounds(c *gomodel.Call) bool {
	switch c.Name {
	case "net/http.MaxBytesReader", "io.LimitReader", "net/http.MaxBytesHandler":
		return true
	}
	return false
}

// boundsAll tells whether something before the handlers bounds all bodies.
func boundsAll(p *analysis.Pass) bool {
	found := false
	p.GoCalls(func(c *gomodel.Call) {
		switch c.Name {
		case "net/http.MaxBytesHandler", "github.com/go-chi/chi/middleware.RequestSize", "github.com/labstack/echo/middleware.BodyLimit", "github.com/labstack/echo/middleware.BodyLimitWithConfig", "github.com/gin-contrib/size.RequestSizeLimiter":
			found = true
		case "net/http.MaxBytesReader":
			for fn := c.Func; fn != nil; fn = fn.Outer {
				found = found || middleware(fn)
			}
		}
	})
	return found
}

// middleware tells whether a function stands before handlers.
func middleware(fn *gomodel.Func) bool {
	for _, list := range []*ast.FieldList{fn.Type.Results, fn.Type.Params} {
		if list == nil {
			continue
		}
		for _, field := range list.List {
			switch fn.File.TypeExpr(field.Type) {
			case "net/http.Handler", "net/http.HandlerFunc", "github.com/gin-gonic/gin.HandlerFunc", "github.com/labstack/echo.HandlerFunc", "github.com/labstack/echo.MiddlewareFunc", "func":
				return true
			}
		}
	}
	// One of gin and its like goes on by itself.
	return slices.ContainsFunc(fn.Calls, func(c *gomodel.Call) bool { return c.Method() == "Next" || c.Method() == "ServeHTTP" })
}

// reader is what a call reads a body with, "" for none.
func reader(c *gomodel.Call) string {
	switch c.Name {
	case "encoding/json.NewDecoder", "encoding/xml.NewDecoder", "encoding/gob.NewDecoder", "io.ReadAll", "io/ioutil.ReadAll":
		if sel, ok := c.Arg(0).(*ast.SelectorExpr); ok && sel.Sel.Name == "Body" && c.File.TypeOf(sel.X) == "net/http.Request" && c.File.Level(sel) == gomodel.Tainted {
			return gomodel.Written(c.Fun)
		}
	case "io.Copy", "bytes.Buffer.ReadFrom":
		if sel, ok := c.Arg(len(c.Args) - 1).(*ast.SelectorExpr); ok && sel.Sel.Name == "Body" && c.File.TypeOf(sel.X) == "net/http.Request" && c.File.Level(sel) == gomodel.Tainted {
			return gomodel.Written(c.Fun)
		}
	case "github.com/labstack/echo.Context.Bind":
		return "Bind"
	}
	rest, ok := strings.CutPrefix(c.Name, "github.com/gin-gonic/gin.Context.")
	if ok && (strings.HasPrefix(rest, "ShouldBind") || strings.HasPrefix(rest, "Bind") || rest == "GetRawData") && !strings.HasSuffix(rest, "Query") && !strings.HasSuffix(rest, "Uri") {
		return rest
	}
	return ""
}

// outside tells of routes that are not behind what bounds the bodies of others.
func outside(p *analysis.Pass) {
	routes := p.GoRoutes()
	within := map[*gomodel.Route]bool{}
	for _, r := range routes {
		for _, w := range r.Wrappers {
			if w.Name == "" || limits(w) {
				within[r] = true
			}
		}
	}
	if len(within) == 0 || wrapsAll(p) {
		return // where it stands is not known, or it stands before all
	}
	for _, r := range routes {
		if within[r] || len(r.Handlers) != 1 || r.Handlers[0].Body == nil || analysis.GoSample(r.File.Path) || r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
			continue
		}
		for _, fn := range r.Handlers[0].Reached(1) {
			for _, c := range fn.Calls {
				if what := reader(c); what != "" && !bounded(fn, 0, map[*gomodel.Func]bool{}) {
					p.GoAt(bodyLimit, c.File, c, "%s reads all that a client sends: %s is outside of what bounds the bodies of other routes", what, strings.TrimSpace(r.Method+" "+r.Path))
					return
				}
			}
		}
	}
}

// limits tells whether a middleware bounds bodies.
func limits(w gomodel.Wrapper) bool {
	for _, fn := range w.Funcs {
		for _, in := range fn.Reached(1) {
			if slices.ContainsFunc(in.Calls, func(c *gomodel.Call) bool {
				return c.Name == "net/http.MaxBytesReader" || c.Name == "net/http.MaxBytesHandler"
			}) {
				return true
			}
		}
	}
	last := w.Name[strings.LastIndexByte(w.Name, '.')+1:]
	return analysis.Names(last, "body limit", "request size", "size limiter", "max bytes", "body size", "limit body", "limit bodies", "max body", "body limiter", "body limit with config", "limit reader")
}

// wrapsAll tells whether a handler that bounds bodies stands before the server,
// or may: it is made outside of what registers a route.
func wrapsAll(p *analysis.Pass) bool {
	in := map[*ast.CallExpr]bool{}
	for _, r := range p.GoRoutes() {
		ast.Inspect(r.CallExpr, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				in[c] = true
			}
			return true
		})
	}
	found := false
	p.GoCalls(func(c *gomodel.Call) {
		if c.Name == "net/http.MaxBytesHandler" && !in[c.CallExpr] && c.Arg(0) != nil {
			v := c.File.VarOf(c.Args[0])
			found = found || v == nil || !v.Param // that of a middleware is where it is used
		}
	})
	return found
}
