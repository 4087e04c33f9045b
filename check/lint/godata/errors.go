package godata

import (
	"go/ast"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// A reply is what is known of an answer while it is followed to those who
// give it.
type reply struct {
	p       *analysis.Pass
	told    map[ast.Node]bool
	formats bool
	// helper is the answer whose text callers give, where the status is its own:
	// that is the line to mend.
	helper *gomodel.Call
}

// details looks at an answer to an error of the server, and at those that
// callers give through functions which write it.
func details(p *analysis.Pass, c *gomodel.Call, told map[ast.Node]bool) {
	status, body, ok := answer(c)
	if ok && status != nil {
		r := &reply{p: p, told: told, formats: formats(c)}
		r.follow(c, 0, status, "", body, 0)
	}
}

// follow judges a call whose status is a number or an expression, and which
// says what is known already, or a body.
func (r *reply) follow(c *gomodel.Call, number int, status ast.Expr, what string, body []ast.Expr, depth int) {
	f := c.File
	var v *gomodel.Var
	if status != nil {
		n, known := analysis.GoStatus(f, status)
		if v = parameter(f, status); !known && v == nil {
			return
		}
		number = n
	}
	if depth > 3 {
		return
	}
	// What the client did wrong may be told, unless the text is of the inside.
	told := v == nil && number < 500
	if told {
		what = ""
	}
	var given []*gomodel.Var
	for _, e := range body {
		said, vars := says(f, e, 0)
		if said == "" && len(vars) == 0 && (r.formats || depth > 0) && isError(f, e) {
			said = "the text of " + gomodel.Written(e)
		}
		if told && said != "" {
			said = inner(f, e)
		}
		given = append(given, vars...)
		if what == "" {
			what = said
		}
	}
	switch {
	case v == nil && what != "":
		if r.helper != nil {
			c = r.helper
		}
		if !r.told[c.CallExpr] {
			r.told[c.CallExpr] = true
			r.p.GoAt(errorDetail, c.File, c, "%s is sent to the client", what)
		}
		return
	case what == "" && len(given) == 0 || c.Func == nil:
		return
	}
	if depth == 0 && v == nil {
		r.helper = c
	}
	for _, site := range c.Func.Root().Sites() {
		var from []ast.Expr
		for _, g := range given {
			a := argument(site, g)
			// JSON of an error is {}: only its text is something.
			if a != nil && (!isError(site.File, a) || g.Type != nil && f.TypeExpr(g.Type) == "error") {
				from = append(from, a)
			}
		}
		if v != nil {
			r.follow(site, 0, argument(site, v), what, from, depth+1)
		} else {
			r.follow(site, number, nil, what, from, depth+1)
		}
	}
}

// formats tells whether a call makes a text of what it is given.
func formats(c *gomodel.Call) bool {
	return strings.HasPrefix(c.Name, "fmt.Fprint") || c.Name == "github.com/gin-gonic/gin.Context.String"
}

// says tells what of the inside an expression holds, and which parameters it
// is made of that may hold more.
func says(f *gomodel.File, e ast.Expr, depth int) (what string, given []*gomodel.Var) {
	if e == nil || depth > 6 {
		return "", nil
	}
	depth++
	switch e := e.(type) {
	case *ast.ParenExpr:
		return says(f, e.X, depth)
	case *ast.UnaryExpr:
		return says(f, e.X, depth)
	case *ast.BinaryExpr:
		return both(f, depth, e.X, e.Y)
	case *ast.CompositeLit:
		var list []ast.Expr
		for _, x := range e.Elts {
			if kv, ok := x.(*ast.KeyValueExpr); ok {
				x = kv.Value
			}
			list = append(list, x)
		}
		return both(f, depth, list...)
	case *ast.Ident:
		if v := f.VarOf(e); v != nil && v.Param && v.Type != nil {
			switch f.TypeExpr(v.Type) {
			case "string", "error", "any", "[]byte", "[]any":
				return "", []*gomodel.Var{v}
			}
			return "", nil
		}
		if isError(f, e) {
			return "", nil // by itself: JSON of an error is {}
		}
		if in, only := f.Only(e); only != ast.Expr(e) {
			return says(in, only, depth)
		}
	case *ast.CallExpr:
		return called(f, e, depth)
	}
	return "", nil
}

func both(f *gomodel.File, depth int, list ...ast.Expr) (what string, given []*gomodel.Var) {
	for _, x := range list {
		w, vars := says(f, x, depth)
		given = append(given, vars...)
		if what == "" {
			what = w
		}
	}
	return what, given
}

func called(f *gomodel.File, e *ast.CallExpr, depth int) (what string, given []*gomodel.Var) {
	c := f.CallOf(e)
	if c == nil {
		return "", nil
	}
	switch c.Name {
	case "runtime/debug.Stack":
		return "a stack trace", nil
	case "fmt.Sprintf", "fmt.Sprint", "fmt.Sprintln", "fmt.Errorf":
		for _, a := range c.Args {
			if isError(f, a) {
				if v := parameter(f, a); v != nil {
					return "", []*gomodel.Var{v}
				}
				return "the text of " + gomodel.Written(a), nil
			}
		}
		return both(f, depth, c.Args...)
	}
	if recv := c.Receiver(); recv != nil && len(c.Args) == 0 && c.Method() == "Error" {
		if !isError(f, recv) {
			return "", nil
		}
		if v := parameter(f, recv); v != nil {
			return "", []*gomodel.Var{v}
		}
		return "the text of " + gomodel.Written(recv), nil
	}
	if _, conversion := e.Fun.(*ast.ArrayType); conversion || gomodel.Written(e.Fun) == "string" {
		return both(f, depth, e.Args...)
	}
	// What the project makes of it may be for clients, but for a literal.
	if len(c.Targets()) == 1 {
		for _, r := range c.Targets()[0].Returns() {
			for _, x := range r.Results {
				to := c.Targets()[0]
				w, vars := says(to.File, x, depth)
				if w != "" {
					return w, nil
				}
				for _, v := range vars {
					if a := argument(c, v); a != nil {
						w, more := says(f, a, depth)
						if w != "" {
							return w, nil
						}
						given = append(given, more...)
					}
				}
			}
		}
	}
	if strings.HasSuffix(c.Name, ".Map") && len(e.Args) == 1 {
		return both(f, depth, e.Args...)
	}
	return "", given
}

// isError tells whether a value is an error that anything may have made.
func isError(f *gomodel.File, e ast.Expr) bool {
	switch f.TypeOf(e) {
	case "error":
	case "":
		id, ok := e.(*ast.Ident)
		if !ok || id.Name != "err" && !strings.HasSuffix(id.Name, "Err") && id.Name != "e" {
			return false
		}
		v := f.VarOf(id)
		return v != nil && v.Func != nil // not one that has a name of its own
	default:
		return false
	}
	v := f.VarOf(e)
	return v == nil || v.Func != nil
}
