package godata

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// insides are packages whose errors name tables, statements, paths and
// addresses.
var insides = []string{"database/sql.", "gorm.io/gorm.", "github.com/jinzhu/gorm.", "github.com/jmoiron/sqlx.", "github.com/jackc/pgx", "github.com/lib/pq.", "go.mongodb.org/mongo-driver/", "github.com/redis/go-redis", "github.com/go-redis/redis", "os/exec."}

// inner says what the text of an error in an expression may hold, where that
// is more than what a client did wrong: an error of a database, which a
// function gives back as it is or within one of its own.
func inner(f *gomodel.File, e ast.Expr) string {
	what := ""
	ast.Inspect(e, func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		if !ok || what != "" {
			return what == ""
		}
		if isError(f, x) && !sorted(f, x) {
			if from := maker(f, x, 0); from != "" {
				what = "the text of " + gomodel.Written(x) + ", which may be that of " + from + ","
			}
		}
		if id, ok := x.(*ast.Ident); ok && what == "" { // msg := err.Error()
			if in, only := f.Only(id); only != ast.Expr(id) {
				if _, call := only.(*ast.CallExpr); call && f.TypeOf(id) == "string" {
					what = inner(in, only)
				}
			}
		}
		return what == ""
	})
	return what
}

// sorted tells whether an error was looked at before it is used: it is one of
// the program's own then.
func sorted(f *gomodel.File, e ast.Expr) bool {
	v := f.VarOf(e)
	if v == nil {
		return false
	}
	around := f.Around(e)
	for i, n := range around {
		switch n := n.(type) {
		case *ast.IfStmt:
			if n.Body.Pos() < e.Pos() && e.Pos() < n.Body.End() && compares(f, n.Cond, v) {
				return true
			}
		case *ast.CaseClause:
			if slices.ContainsFunc(n.List, func(x ast.Expr) bool { return compares(f, x, v) }) {
				return true
			}
			if i > 1 { // switch err { case errGone: … }
				if s, ok := around[i-2].(*ast.SwitchStmt); ok && s.Tag != nil && f.VarOf(s.Tag) == v && len(n.List) > 0 {
					return true
				}
			}
		case *ast.BlockStmt: // if !errors.Is(err, errGone) { return }
			for _, s := range n.List {
				cond, ok := s.(*ast.IfStmt)
				if !ok || cond.End() > e.Pos() || !compares(f, cond.Cond, v) {
					continue
				}
				if u, ok := cond.Cond.(*ast.UnaryExpr); ok && u.Op == token.NOT {
					return true
				}
			}
		}
	}
	return false
}

// compares tells whether a condition asks which error it is.
func compares(f *gomodel.File, cond ast.Expr, v *gomodel.Var) bool {
	found := false
	ast.Inspect(cond, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			found = found || slices.ContainsFunc(n.Args, func(a ast.Expr) bool { return f.VarOf(a) == v })
		case *ast.BinaryExpr:
			for _, pair := range [][2]ast.Expr{{n.X, n.Y}, {n.Y, n.X}} {
				id, isNil := pair[1].(*ast.Ident)
				if (n.Op == token.EQL || n.Op == token.NEQ) && f.VarOf(pair[0]) == v && (!isNil || id.Name != "nil") {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// maker is the function of the inside that may have made an error, or "".
func maker(f *gomodel.File, e ast.Expr, depth int) string {
	if depth > 6 || e == nil {
		return ""
	}
	depth++
	switch e := e.(type) {
	case *ast.ParenExpr:
		return maker(f, e.X, depth)
	case *ast.Ident:
		v := f.VarOf(e)
		if v == nil || v.Func == nil || v.Param {
			return ""
		}
		// The last value before, which is nearly always the one that holds.
		list, _ := v.Values()
		var last ast.Expr
		for _, x := range list {
			if x.Pos() < e.Pos() && (last == nil || last.Pos() < x.Pos()) {
				last = x
			}
		}
		return maker(f, last, depth)
	case *ast.SelectorExpr: // result.Error
		if f.TypeOf(e.X) == "gorm.io/gorm.DB" && e.Sel.Name == "Error" {
			return "the database"
		}
	case *ast.CallExpr:
		return calledMaker(f, e, depth)
	}
	return ""
}

func calledMaker(f *gomodel.File, e *ast.CallExpr, depth int) string {
	c := f.CallOf(e)
	if c == nil {
		return ""
	}
	for _, in := range insides {
		if strings.HasPrefix(c.Name, in) {
			return gomodel.Written(c.Fun)
		}
	}
	if c.Method() == "Scan" && c.Receiver() != nil { // of the row that a query gave
		in, row := f.Only(c.Receiver())
		if q := in.CallOf(row); q != nil && slices.ContainsFunc(insides, func(p string) bool { return strings.HasPrefix(q.Name, p) }) {
			return gomodel.Written(q.Fun)
		}
	}
	switch c.Name {
	case "fmt.Errorf", "errors.Join", "github.com/pkg/errors.Wrap", "github.com/pkg/errors.Wrapf", "github.com/pkg/errors.WithMessage", "github.com/pkg/errors.WithStack":
		for _, a := range c.Args {
			if isError(f, a) && !sorted(f, a) {
				if from := maker(f, a, depth); from != "" {
					return from
				}
			}
		}
		return ""
	}
	if len(c.Targets()) != 1 {
		return ""
	}
	to := c.Targets()[0]
	for _, r := range to.Returns() {
		if len(r.Results) == 0 {
			continue
		}
		x := r.Results[len(r.Results)-1]
		if sorted(to.File, x) {
			continue
		}
		var from string
		if v := parameter(to.File, x); v != nil { // it gives back what it was given
			a := argument(c, v)
			if a == nil && len(c.Args) == 1 { // f(g()), where g gives several
				a = c.Args[0]
			}
			from = maker(f, a, depth)
		} else {
			from = maker(to.File, x, depth)
		}
		if from != "" {
			return from
		}
	}
	return ""
}
