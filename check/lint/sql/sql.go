// Package sql finds statements for databases that are put together from what a
// client sends.
package sql

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// Analyzer looks at statements.
var Analyzer = &analysis.Analyzer{Name: "sql", Rules: []*analysis.Rule{injection, built, nosql, ldap}, Run: run}

func run(p *analysis.Pass) {
	p.Funcs(func(f *pymodel.Func) { ldapFilters(p, f) })
	said := map[pyast.Node]bool{}
	mongo := usesMongo(p)
	p.Made(func(c *pymodel.Call) {
		if migrates(c.Module.Path) {
			return
		}
		if e, sure := statement(c); e != nil {
			check(p, c, e, sure, said)
		}
		if mongo {
			filter(p, c)
		}
	})
}

// migrates tells whether a file changes the schema: it is run by who deploys.
func migrates(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(dir string) bool {
		return dir == "migrations" || dir == "alembic" || dir == "versions" || dir == "migration"
	})
}

// statement is the text that a call hands to a database; sure tells that it
// can be nothing else.
func statement(c *pymodel.Call) (e pyast.Expr, sure bool) {
	name := c.Name()
	switch name {
	case "sqlalchemy.text", "sqlalchemy.DDL", "sqlalchemy.literal_column", "sqlalchemy.sql.literal_column", "sqlalchemy.sql.expression.literal_column", "sqlalchemy.schema.DDL", "sqlalchemy.TextClause",
		"psycopg.sql.SQL", "psycopg2.sql.SQL", "django.db.models.expressions.RawSQL", "peewee.SQL", "tortoise.expressions.RawSQL":
		return c.Arg(0, "text"), true
	case "pandas.read_sql", "pandas.read_sql_query", "polars.read_database", "polars.read_database_uri", "duckdb.sql", "duckdb.query", "duckdb.execute":
		return c.Arg(0, "sql"), true
	}
	if c.Receiver() == nil || c.Target() != nil {
		return nil, false // one of the project's own is looked at where it does it
	}
	e = c.Arg(0, "")
	for _, name := range []string{"sql", "query", "statement", "stmt", "operation"} {
		if e == nil {
			e = c.Keyword(name)
		}
	}
	switch c.Method() {
	case "execute", "executemany", "executescript", "exec_driver_sql", "fetchrow", "fetchval", "fetch_all", "fetch_one", "fetch_val", "execute_query", "execute_query_dict", "execute_script",
		"execute_sql", "execute_fetchall", "copy_expert", "from_statement", "mogrify", "execute_insert":
		return e, ofDatabase(c)
	case "exec", "scalar", "scalars", "stream", "fetch", "iterate", "raw", "sql", "query", "prepare", "cursor", "extra", "queryfirst", "command", "read_sql":
		return e, false
	}
	return nil, false
}

// ofDatabase tells whether the receiver is a connection, a cursor or a session.
func ofDatabase(c *pymodel.Call) bool {
	t := c.Scope.TypeOf(c.Receiver()).Name
	for _, top := range []string{"sqlite3.", "psycopg", "asyncpg.", "pymysql.", "sqlalchemy.", "aiosqlite.", "databases.", "MySQLdb.", "mysql.", "duckdb.", "aiomysql.", "asyncmy.", "pyodbc.", "oracledb.", "cx_Oracle.", "tortoise."} {
		if strings.HasPrefix(t, top) {
			return true
		}
	}
	if t != "" && c.Scope.TypeOf(c.Receiver()).Class == nil {
		return false // of another library
	}
	is := func(id string) bool {
		return analysis.Names(id, "cursor", "cur", "conn", "con", "connection", "connect", "db", "database", "session", "engine", "pool", "acquire", "begin", "sqlite")
	}
	if is(analysis.Leaf(c.Receiver())) {
		return true
	}
	made := c.Scope.Made(c.Receiver())
	return made != nil && is(analysis.Leaf(made.Func))
}

// looks tells whether a text is one of SQL.
var looks = lazy.Regexp(`(?is)^\s*\(?(select\s|insert\s+(or\s+\w+\s+)?into\s|update\s+\S+.*\sset\s|delete\s+from|with\s+(recursive\s+)?\S+.*\sas\s|create\s+(table|view|index|database|user|role|schema)|drop\s+(table|view|index|database|user|role|schema)|alter\s+(table|user|role|system)|truncate\s|replace\s+into|merge\s+into|call\s|exec\s|pragma\s|copy\s|grant\s|explain\s|attach\s|match\s*\()|^(.*\s)?(where|from|and|or|order\s+by|group\s+by|having|limit|values|join|union)\b`)

func check(p *analysis.Pass, c *pymodel.Call, e pyast.Expr, sure bool, said map[pyast.Node]bool) {
	origins := p.Python.Origins(c.Scope, e)
	known := sure
	for _, o := range origins {
		known = known || looks().MatchString(texts(p, o.Scope, o.Expr, 0))
	}
	if !known {
		return
	}
	for _, o := range origins {
		if harmlessCall(o.Scope, o.Expr) {
			continue
		}
		at, node := c.Module, pyast.Node(c.Call)
		if o.Scope.Enclosing() != c.Scope.Enclosing() && o.Scope.Enclosing() != nil && isBuilt(o) {
			at, node = o.Scope.Module, o.Expr
		}
		if migrates(at.Path) || said[node] {
			continue
		}
		if trail := p.Python.Reaches(o.Scope, o.Expr, cut); trail != nil {
			if p.Refused(trail) {
				continue
			}
			said[node] = true
			p.PythonAt(injection, at, node, "%s is part of the statement", analysis.Written(at, trail.Leaf))
			continue
		}
		if value := unknown(p, o); value != nil {
			said[node] = true
			p.PythonAt(built, at, node, "%s is part of the statement's text", analysis.Written(at, *value))
		}
	}
}

func isBuilt(o pymodel.Origin) bool {
	pieces := o.Scope.Pieces(o.Expr)
	return len(pieces) > 1
}

// texts are the known parts of a text, in a row.
func texts(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) string {
	var b strings.Builder
	for _, piece := range s.Pieces(e) {
		if piece.Expr == nil {
			b.WriteString(piece.Text)
			continue
		}
		if name, ok := piece.Expr.(*pyast.Name); ok && depth < 3 && b.Len() == 0 {
			for _, o := range p.Python.Origins(piece.Scope, name) {
				if o.Expr != piece.Expr {
					b.WriteString(texts(p, o.Scope, o.Expr, depth+1))
					break
				}
			}
		}
		b.WriteString(" ? ")
	}
	return b.String()
}

// cut tells of what is no text of a client's choice: what a library composes
// and escapes, and another statement that is looked at where it is made.
func cut(s *pymodel.Scope, e pyast.Expr) bool { return harmlessCall(s, e) }

func harmlessCall(s *pymodel.Scope, e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	if !ok {
		return false
	}
	name := s.Qualified(c.Func)
	if strings.HasPrefix(name, "psycopg.sql.") || strings.HasPrefix(name, "psycopg2.sql.") || strings.HasPrefix(name, "sqlalchemy.") || strings.HasPrefix(name, "asyncpg.utils._quote") {
		return true
	}
	a, ok := c.Func.(*pyast.Attribute)
	if !ok {
		return strings.Contains(name, "quote_ident") || strings.HasSuffix(name, ".quote_identifier")
	}
	switch a.Attr {
	case "SQL", "Identifier", "Literal", "quote", "quote_ident", "quote_identifier", "quote_name", "escape_string", "escape", "mogrify", "bindparams", "where", "filter", "filter_by", "values", "select_from", "order_by", "limit", "offset", "returning", "literal":
		return true
	}
	// A statement that is composed: SQL("…").format(Identifier(name)).
	return a.Attr == "format" && harmlessCall(s, a.Value)
}
