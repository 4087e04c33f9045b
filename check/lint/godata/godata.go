// Package godata finds where a Go service gives away what it should keep: the
// text of errors, passwords and tokens in logs, in answers and in the clear, and
// whether somebody has an account.
package godata

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// Analyzer finds where data are given away.
var Analyzer = &analysis.Analyzer{Name: "godata", Rules: []*analysis.Rule{errorDetail, plain, logged, exposed, enumeration}, Run: run}

func run(p *analysis.Pass) {
	told := map[ast.Node]bool{}
	enumerations(p)
	for _, f := range p.Go.Files {
		if analysis.GoSample(f.Path) {
			continue
		}
		for _, c := range f.Calls {
			details(p, c, told)
			logs(p, c)
			answers(p, c)
		}
		for _, l := range f.Literals {
			kept(p, l)
		}
		clear(p, f)
	}
	p.GoFuncs(func(fn *gomodel.Func) { inserted(p, fn) })
}

// answer is what a call writes to a client: its status, and what. ok tells
// that it is an answer.
func answer(c *gomodel.Call) (status ast.Expr, body []ast.Expr, ok bool) {
	method := c.Method()
	switch {
	case c.Name == "net/http.Error" && len(c.Args) == 3:
		return c.Args[2], c.Args[1:2], true
	case strings.HasPrefix(c.Name, "github.com/gin-gonic/gin.Context."), strings.HasPrefix(c.Name, "github.com/labstack/echo.Context."):
		switch method {
		case "JSON", "IndentedJSON", "PureJSON", "SecureJSON", "AsciiJSON", "JSONP", "XML", "YAML", "String", "HTML", "AbortWithStatusJSON", "AbortWithStatusPureJSON", "JSONPretty":
			if len(c.Args) > 1 {
				return c.Args[0], c.Args[1:], true
			}
		}
	case c.Name == "github.com/labstack/echo.NewHTTPError" && len(c.Args) > 1, c.Name == "github.com/gofiber/fiber.NewError" && len(c.Args) > 1:
		return c.Args[0], c.Args[1:], true
	case strings.HasPrefix(c.Name, "github.com/gofiber/fiber.Ctx.") || method == "JSON" || method == "SendString" || method == "Send":
		if method != "JSON" && method != "SendString" && method != "Send" || len(c.Args) == 0 {
			return nil, nil, false
		}
		recv := c.Receiver()
		if recv == nil {
			return nil, nil, false
		}
		if set := c.File.CallOf(recv); set != nil && set.Name == "github.com/gofiber/fiber.Ctx.Status" {
			return set.Arg(0), c.Args[:1], true
		}
		return nil, c.Args[:1], c.File.TypeOf(recv) == "github.com/gofiber/fiber.Ctx"
	case c.Name == "encoding/json.Encoder.Encode" && len(c.Args) == 1:
		if in, e := c.File.Only(c.Receiver()); e != nil {
			if made := in.CallOf(e); made != nil && made.Name == "encoding/json.NewEncoder" && writer(in, made.Arg(0)) {
				return written(c), c.Args, true
			}
		}
	case (c.Name == "fmt.Fprintf" || c.Name == "fmt.Fprint" || c.Name == "fmt.Fprintln" || c.Name == "io.WriteString") && len(c.Args) > 1 && writer(c.File, c.Args[0]):
		return written(c), c.Args[1:], true
	case (c.Name == "net/http.ResponseWriter.Write" || c.Name == "github.com/gin-gonic/gin.ResponseWriter.Write") && len(c.Args) == 1:
		return written(c), c.Args, true
	case c.Name == "github.com/go-chi/render.JSON" && len(c.Args) == 3:
		return nil, c.Args[2:], true
	}
	return nil, nil, false
}

func writer(f *gomodel.File, e ast.Expr) bool {
	switch f.TypeOf(e) {
	case "net/http.ResponseWriter", "github.com/gin-gonic/gin.ResponseWriter":
		return true
	}
	return false
}

// written is the status that was written before an answer, in its block or
// around it.
func written(c *gomodel.Call) ast.Expr {
	if c.Func == nil {
		return nil
	}
	var found ast.Expr
	around := c.File.Around(c)
	for _, o := range c.Func.Calls {
		if o.Method() != "WriteHeader" || o.Pos() > c.Pos() || o.Arg(0) == nil {
			continue
		}
		// It is in a block that the answer is in too.
		up := c.File.Around(o)
		i := len(up) - 1
		for i >= 0 {
			if _, ok := up[i].(*ast.BlockStmt); ok {
				break
			}
			if _, ok := up[i].(*ast.CaseClause); ok {
				break
			}
			i--
		}
		if i >= 0 && slices.Contains(around, up[i]) {
			found = o.Args[0]
		}
	}
	return found
}

// argument is what the caller gives where a function uses its parameter.
func argument(site *gomodel.Call, v *gomodel.Var) ast.Expr {
	for _, to := range site.Targets() {
		for i, have := range to.Params {
			if have == v {
				return site.Arg(i)
			}
		}
	}
	return nil
}

// parameter is the parameter that an expression names, or nil.
func parameter(f *gomodel.File, e ast.Expr) *gomodel.Var {
	if v := f.VarOf(e); v != nil && v.Param && !v.Receiver() {
		return v
	}
	return nil
}
