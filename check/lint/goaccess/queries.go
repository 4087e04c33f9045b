package goaccess

import (
	"go/ast"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/check/lint/internal/statement"
)

// A query is a statement of SQL that a call hands to a database, or to a
// function of the project that does.
type query struct {
	*statement.Statement
	*gomodel.Call
	values []ast.Expr // of its placeholders
}

// A database is what the statements of a program say of its tables.
type database struct {
	of map[*gomodel.Func][]*query
	// owners are the columns that say whose a row is, by table; scoped are those
	// that some statement asks for.
	owners map[string][]string
	scoped map[string]bool
	// listed are the tables whose rows are given to anybody who may list them.
	listed map[string]bool
}

func databaseOf(p *analysis.Pass) *database {
	db := &database{of: map[*gomodel.Func][]*query{}, owners: map[string][]string{}, scoped: map[string]bool{}, listed: map[string]bool{}}
	p.GoCalls(func(c *gomodel.Call) {
		if c.Func == nil {
			return
		}
		for _, column := range conditioned(c) {
			db.scoped[column] = db.scoped[column] || ownerColumn(column)
		}
		q := queryOf(c)
		if q == nil {
			return
		}
		db.of[c.Func] = append(db.of[c.Func], q)
		for _, column := range q.Asked {
			db.scoped[column] = db.scoped[column] || ownerColumn(column)
		}
		if q.Joined {
			return
		}
		for _, column := range append(q.Columns, q.Asked...) {
			if ownerColumn(column) || authorColumn(column) {
				db.owners[q.Table] = append(db.owners[q.Table], column)
			}
		}
		if q.Verb == "select" && !q.Asks(ownerColumn) && identified(q) == nil && strings.Join(q.Columns, "") != "" {
			db.listed[q.Table] = true
		}
	})
	return db
}

// queryOf is the statement that a call hands over, or nil.
func queryOf(c *gomodel.Call) *query {
	if strings.HasPrefix(c.Name, "fmt.") || strings.HasPrefix(c.Name, "errors.") || strings.HasPrefix(c.Name, "strings.") || strings.HasPrefix(c.Name, "log") {
		return nil
	}
	for i, a := range c.Args[:min(4, len(c.Args))] {
		switch a.(type) {
		case *ast.BasicLit, *ast.Ident, *ast.SelectorExpr, *ast.BinaryExpr:
		default:
			continue
		}
		if text, ok := c.File.Text(a); ok {
			if s := statement.Read(text); s != nil {
				return &query{s, c, c.Args[i+1:]}
			}
		}
	}
	return nil
}

// conditioned are the columns that a condition of an object mapper names:
// db.Where("id = ? AND user_id = ?", …).
func conditioned(c *gomodel.Call) []string {
	if !strings.Contains(c.Name, "gorm.DB.") && !strings.Contains(c.Name, "bun.") {
		return nil
	}
	for _, a := range c.Args[:min(2, len(c.Args))] {
		text, ok := c.File.Text(a)
		if !ok {
			continue
		}
		if s := statement.Read("select * from t where " + text); s != nil {
			return s.Asked
		}
	}
	return nil
}

// value is what a placeholder is given, or nil.
func (q *query) value(place int) ast.Expr {
	if place < 1 || place > len(q.values) {
		return nil
	}
	return q.values[place-1]
}

// identified is the condition that picks one row by its identifier, or nil.
func identified(q *query) *statement.Condition {
	for i, c := range q.Where {
		switch c.Column {
		case "id", "uuid", "guid", "public_id", strings.TrimSuffix(q.Table, "s") + "_id", strings.TrimSuffix(q.Table, "s") + "_uuid":
			return &q.Where[i]
		}
	}
	return nil
}

// ownerColumn tells whether a column says whose a row is.
func ownerColumn(column string) bool {
	switch column {
	case "user_id", "userid", "user_uuid", "owner_id", "owner", "owned_by", "customer_id", "account_id", "member_id", "tenant_id", "org_id", "organization_id", "organisation_id", "workspace_id", "company_id":
		return true
	}
	return false
}

// authorColumn tells whether a column says who made a row, which others may
// read all the same.
func authorColumn(column string) bool {
	switch column {
	case "author_id", "created_by", "creator_id", "uploaded_by":
		return true
	}
	return false
}
