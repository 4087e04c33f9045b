// Package goserver finds what is wrong in how a Go service is set up: servers
// without limits, CORS, cookies, files and debugging pages that are open to
// everybody.
package goserver

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// Analyzer looks at how a service is set up.
var Analyzer = &analysis.Analyzer{
	Name:  "goserver",
	Rules: []*analysis.Rule{timeouts, bodyLimit, unpack, clients, proxies, origins, cookies, pprof, files, debug},
	Run:   run,
}

func run(p *analysis.Pass) {
	servers(p)
	bodies(p)
	outgoing(p)
	addresses(p)
	profiles(p)
	p.GoCalls(func(c *gomodel.Call) {
		serving(p, c)
		unpacked(p, c)
		cookieCall(p, c)
		corsCall(p, c)
		debugCall(p, c)
	})
	for _, f := range p.Go.Files {
		for _, l := range f.Literals {
			cookieLiteral(p, l)
			corsLiteral(p, l)
			listing(p, l)
		}
		assignments(f, func(s *ast.AssignStmt, field string, to, value ast.Expr) {
			if field == "Debug" && f.TypeOf(to) == "github.com/labstack/echo.Echo" && f.True(value) {
				p.GoAt(debug, f, s, "echo's Debug is true: its answers hold the errors")
			}
		})
	}
}

// assignments calls see for each field that is given a value.
func assignments(f *gomodel.File, see func(s *ast.AssignStmt, field string, of, value ast.Expr)) {
	if f.Test {
		return
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		s, ok := n.(*ast.AssignStmt)
		if !ok || len(s.Lhs) != len(s.Rhs) {
			return true
		}
		for i, l := range s.Lhs {
			if sel, ok := l.(*ast.SelectorExpr); ok {
				see(s, sel.Sel.Name, sel.X, s.Rhs[i])
			}
		}
		return true
	})
}

// setting is the value of a key of a literal, or nil.
func setting(l *ast.CompositeLit, key string) ast.Expr {
	for _, e := range l.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && gomodel.Written(kv.Key) == key {
			return kv.Value
		}
	}
	return nil
}

// literalOf is the literal that an expression stands for, and its file.
func literalOf(f *gomodel.File, e ast.Expr) (*gomodel.File, *ast.CompositeLit) {
	in, e := f.Only(e)
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.AND {
		in, e = in.Only(u.X)
	}
	lit, _ := e.(*ast.CompositeLit)
	return in, lit
}

// holds tells whether a variable is given a value where it is made.
func holds(f *gomodel.File, variable, value ast.Expr) bool {
	v := f.VarOf(variable)
	if v == nil {
		return false
	}
	list, _ := v.Values()
	return slices.ContainsFunc(list, func(x ast.Expr) bool {
		if u, ok := x.(*ast.UnaryExpr); ok {
			x = u.X
		}
		return x == value
	})
}

// servers tells once a program of servers that wait for slow clients.
func servers(p *analysis.Pass) {
	if p.Guarded(timeouts) {
		return
	}
	said := map[string]bool{}
	say := func(f *gomodel.File, n ast.Node, problem string) {
		if dir := path.Dir(f.Path); !said[dir] && !analysis.GoSample(f.Path) {
			said[dir] = true
			p.GoAt(timeouts, f, n, "%s", problem)
		}
	}
	for _, f := range p.Go.Files {
		later := map[string]bool{}
		assignments(f, func(_ *ast.AssignStmt, field string, of, _ ast.Expr) {
			if field == "ReadTimeout" || field == "ReadHeaderTimeout" {
				later[f.TypeOf(of)] = true
			}
		})
		for _, l := range f.Literals {
			if l.Type == "net/http.Server" && !later[l.Type] && setting(l.CompositeLit, "ReadTimeout") == nil && setting(l.CompositeLit, "ReadHeaderTimeout") == nil {
				say(f, l, "http.Server has neither ReadHeaderTimeout nor ReadTimeout")
			}
		}
		for _, c := range f.Calls {
			switch c.Name {
			case "net/http.ListenAndServe", "net/http.ListenAndServeTLS", "net/http.Serve", "net/http.ServeTLS":
				if !local(c) {
					say(f, c, gomodel.Written(c.Fun)+" makes a server without timeouts")
				}
			case "github.com/gin-gonic/gin.Engine.Run", "github.com/gin-gonic/gin.Engine.RunTLS", "github.com/gin-gonic/gin.Engine.RunListener":
				say(f, c, "gin's "+c.Method()+" makes a server without timeouts")
			case "github.com/labstack/echo.Echo.Start", "github.com/labstack/echo.Echo.StartTLS":
				if !later["net/http.Server"] && !later[""] {
					say(f, c, "echo's "+c.Method()+" makes a server without timeouts")
				}
			case "github.com/gofiber/fiber.New":
				in, lit := literalOf(f, c.Arg(0))
				if len(c.Args) == 0 || lit != nil && setting(lit, "ReadTimeout") == nil {
					say(in, c, "fiber's Config has no ReadTimeout")
				}
			}
		}
	}
}

// local tells whether a server of the debugging pages is for this machine only.
func local(c *gomodel.Call) bool {
	addr, ok := c.File.Text(c.Arg(0))
	return ok && loopback(addr) && isNil(c.Arg(1))
}

func loopback(addr string) bool {
	return strings.HasPrefix(addr, "localhost:") || strings.HasPrefix(addr, "127.") || strings.HasPrefix(addr, "[::1]")
}

func isNil(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "nil"
}

// outgoing tells once a service of clients that wait for ever.
func outgoing(p *analysis.Pass) {
	serves := false
	p.GoCalls(func(c *gomodel.Call) {
		serves = serves || strings.HasPrefix(c.Name, "net/http.ListenAndServe") || c.Name == "net/http.HandleFunc" || c.Name == "net/http.NewServeMux"
	})
	if !serves && len(p.GoRoutes()) == 0 {
		return
	}
	for _, f := range p.Go.Files {
		var first ast.Node
		problem := ""
		say := func(f *gomodel.File, n ast.Node, said string) {
			if !analysis.GoSample(f.Path) && (first == nil || n.Pos() < first.Pos()) {
				first, problem = n, said
			}
		}
		contexts := false
		timed := false
		for _, c := range f.Calls {
			contexts = contexts || c.Name == "net/http.NewRequestWithContext" || c.Name == "net/http.Request.WithContext"
		}
		assignments(f, func(_ *ast.AssignStmt, field string, of, _ ast.Expr) {
			timed = timed || field == "Timeout" && f.TypeOf(of) == "net/http.Client"
		})
		for _, c := range f.Calls {
			switch c.Name {
			case "net/http.Get", "net/http.Post", "net/http.Head", "net/http.PostForm":
				say(f, c, gomodel.Written(c.Fun)+" waits for ever")
			case "net/http.Client.Do", "net/http.Client.Get", "net/http.Client.Post":
				if !contexts && c.File.Qualified(c.Receiver()) == "net/http.DefaultClient" {
					say(f, c, "http.DefaultClient waits for ever")
				}
			}
		}
		for _, l := range f.Literals {
			if l.Type == "net/http.Client" && !contexts && !timed && setting(l.CompositeLit, "Timeout") == nil && (len(l.Elts) == 0 || setting(l.CompositeLit, "Transport") == nil) {
				say(f, l, "http.Client has no Timeout")
			}
		}
		if first != nil {
			p.GoAt(clients, f, first, "%s", problem)
			return
		}
	}
}
