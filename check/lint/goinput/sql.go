package goinput

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

// query looks at a call that runs SQL.
func query(p *analysis.Pass, c *gomodel.Call) {
	i, condition := queryAt(p, c)
	text := c.Arg(i)
	if text == nil {
		return
	}
	if condition {
		if t := c.File.TypeOf(text); t != "string" && t != "" {
			return
		}
	}
	judge(p, c, c.File, text, condition, map[*gomodel.Var]bool{})
}

// judge says what is wrong with the text of a query. A text that a function
// is given is judged where it is made.
func judge(p *analysis.Pass, at *gomodel.Call, f *gomodel.File, text ast.Expr, condition bool, seen map[*gomodel.Var]bool) {
	parts := f.Parts(text)
	if len(parts) == 1 && parts[0].Expr != nil {
		if v := f.VarOf(parts[0].Expr); v != nil && v.Param && !seen[v] && v.Func != nil {
			seen[v] = true
			if sites := p.Go.Sites(v); len(sites) > 0 {
				for _, s := range sites {
					judge(p, s.Call, s.File, s.Arg, condition, seen)
				}
				return
			}
		}
	}
	before := ""
	for _, part := range parts {
		if part.Expr == nil {
			before += part.Text
			continue
		}
		switch {
		case part.File.Reaches(part.Expr, gomodel.SQL):
			problem := "%s, which a client sends, is part of the text of SQL"
			if condition && len(parts) == 1 {
				problem = "%s, which a client sends, is a condition of SQL: a text is taken as one"
			}
			p.GoAt(injection, at.File, at, problem, what(part.Expr))
			return
		case len(parts) > 1 && !strings.Contains(at.File.Path, "migration") && value(before) && unknown(p, part, strings.HasSuffix(strings.TrimRight(before, "%"), "'")):
			p.GoSeverity(injection, finding.Medium, at.File, at, "%s is put into the text of SQL as a value", what(part.Expr))
			return
		}
		before += "?"
	}
}

// value tells whether what follows in a statement is a value: of a name, only
// what a client sends is told.
func value(before string) bool {
	upper := strings.ToUpper(before)
	if !slices.ContainsFunc([]string{"SELECT ", "INSERT ", "UPDATE ", "DELETE ", " WHERE "}, func(w string) bool { return strings.Contains(upper, w) }) {
		return false
	}
	trimmed := strings.TrimRight(upper, " %")
	if strings.HasSuffix(trimmed, "'") {
		return strings.Count(before, "'")%2 == 1
	}
	return strings.HasSuffix(trimmed, "=") || strings.HasSuffix(trimmed, "LIKE")
}

// unknown tells whether a part may be any text: a parameter, or a field of
// one, of a function that is not called here, or that others may call too.
func unknown(p *analysis.Pass, part gomodel.Part, quoted bool) bool {
	if part.Verb != 0 && part.Verb != 's' && part.Verb != 'v' && part.Verb != 'q' || part.File.Level(part.Expr) == gomodel.Typed {
		return false
	}
	if t := p.Go.Underlying(part.File.TypeOf(part.Expr)); t != "string" {
		return false
	}
	e := part.Expr
	for {
		switch x := e.(type) {
		case *ast.Ident:
			v := part.File.VarOf(x)
			if v == nil || !v.Param || v.Func == nil {
				return false
			}
			return len(p.Go.Sites(v)) == 0 || quoted && ast.IsExported(v.Func.Name)
		case *ast.SelectorExpr:
			if v := part.File.VarOf(x.X); v != nil && v.Receiver() {
				return false // a setting of its own
			}
			e = x.X
		default:
			return false
		}
	}
}

var databases = []string{"database/sql.DB", "database/sql.Tx", "database/sql.Conn", "github.com/jmoiron/sqlx.DB", "github.com/jmoiron/sqlx.Tx", "github.com/jmoiron/sqlx.Ext", "github.com/jmoiron/sqlx.ExtContext", "github.com/jmoiron/sqlx.Queryer", "github.com/jmoiron/sqlx.Execer", "github.com/jmoiron/sqlx.QueryerContext"}

var pools = []string{"github.com/jackc/pgx.Conn", "github.com/jackc/pgx.Tx", "github.com/jackc/pgx/pgxpool.Pool", "github.com/jackc/pgx/pgxpool.Conn", "github.com/jackc/pgx/pgxpool.Tx"}

var builders = []string{"github.com/Masterminds/squirrel.SelectBuilder", "github.com/Masterminds/squirrel.UpdateBuilder", "github.com/Masterminds/squirrel.DeleteBuilder", "github.com/uptrace/bun.SelectQuery", "github.com/uptrace/bun.UpdateQuery", "github.com/uptrace/bun.DeleteQuery"}

var mappers = []string{"gorm.io/gorm.DB", "github.com/jinzhu/gorm.DB"}

// queryAt is the argument that is SQL, and whether it is a condition which a
// mapper takes in several forms; -1 is none.
func queryAt(p *analysis.Pass, c *gomodel.Call) (at int, condition bool) {
	switch {
	case suffixed(c.Name, databases, "Query", "QueryRow", "Exec", "Prepare", "Queryx", "QueryRowx", "MustExec", "NamedExec", "NamedQuery", "Preparex", "PrepareNamed"):
		return 0, false
	case suffixed(c.Name, databases, "QueryContext", "QueryRowContext", "ExecContext", "PrepareContext", "QueryxContext", "QueryRowxContext", "MustExecContext", "NamedExecContext", "PreparexContext", "Get", "Select"),
		suffixed(c.Name, pools, "Query", "QueryRow", "Exec"):
		return 1, false
	case suffixed(c.Name, databases, "GetContext", "SelectContext"), c.Name == "github.com/jmoiron/sqlx.Get", c.Name == "github.com/jmoiron/sqlx.Select", suffixed(c.Name, pools, "Prepare"):
		return 2, false
	case suffixed(c.Name, mappers, "Raw", "Exec"):
		return 0, false
	case suffixed(c.Name, mappers, "Where", "Or", "Not", "Having", "Order", "Group", "Select", "Joins", "Table", "Pluck", "Distinct"), c.Name == "gorm.io/gorm.Expr", c.Name == "github.com/Masterminds/squirrel.Expr":
		return 0, true
	case suffixed(c.Name, builders, "Where", "OrderBy", "GroupBy", "Having", "From", "Columns", "Suffix", "Prefix", "Join", "LeftJoin", "OrderExpr", "ColumnExpr", "TableExpr", "GroupExpr"):
		return 0, true
	case suffixed(c.Name, mappers, "First", "Find", "Last", "Take", "Delete"):
		return 1, true
	}
	return guessed(p, c), false
}

// guessed is the argument of a method whose type is not known, or is an
// interface, and that is called as those of databases are.
func guessed(p *analysis.Pass, c *gomodel.Call) int {
	switch c.Method() {
	case "Query", "QueryRow", "Exec", "QueryContext", "QueryRowContext", "ExecContext", "Raw", "Queryx", "Get", "Select", "MustExec":
	default:
		return -1
	}
	recv := c.Receiver()
	if recv == nil || len(c.Targets()) > 0 {
		return -1
	}
	if t := c.File.TypeOf(recv); t != "" {
		sig, in := p.Go.Interface(t, c.Method())
		if sig == nil || sig.Params == nil || len(sig.Params.List) == 0 {
			return -1
		}
		if _, variadic := sig.Params.List[len(sig.Params.List)-1].Type.(*ast.Ellipsis); !variadic {
			return -1
		}
		if in.TypeExpr(sig.Params.List[0].Type) == "context.Context" {
			return 1
		}
	}
	for i := range min(len(c.Args), 3) {
		if head, hole := starts(c.File, c.Args[i]); hole != nil && statement(head) {
			return i
		}
	}
	return -1
}

// statement tells whether a text begins as SQL does.
func statement(head string) bool {
	upper := strings.ToUpper(strings.TrimSpace(head))
	return slices.ContainsFunc([]string{"SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH "}, func(w string) bool { return strings.HasPrefix(upper, w) })
}
