package goaccess

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/check/lint/internal/statement"
	"github.com/pavise-dev/pavise/finding"
)

// objects finds handlers that give any object to any user.
func objects(p *analysis.Pass, routes []*gomodel.Route, db *database) {
	for _, r := range routes {
		if len(r.Handlers) != 1 || r.Handlers[0].Body == nil || administrative(r.Path) || !loggedIn(r) {
			continue
		}
		h := r.Handlers[0]
		takes, queries, knows := false, false, false
		for _, fn := range h.Reached(2) {
			knows = knows || knowsUser(fn)
			for _, c := range fn.Calls {
				takes = takes || gomodel.PathParam(c.Name)
				switch c.Method() {
				case "QueryRow", "QueryRowContext", "Query", "QueryContext", "Exec", "ExecContext", "First", "Find", "Take", "Delete", "Get", "GetContext", "FindOne", "DeleteOne", "UpdateOne":
					queries = queries || strings.Contains(c.Name, "sql") || strings.Contains(c.Name, "gorm") || strings.Contains(c.Name, "pgx") || strings.Contains(c.Name, "mongo")
				}
			}
		}
		switch {
		case !takes || knows:
		case db.unowned(p, h) != "":
			p.GoSeverity(idor, finding.High, h.File, h.Node, "%s picks a row of %s by the identifier in the path alone", shown(r), db.unowned(p, h))
		case queries && private(r.Path):
			p.GoAt(idor, h.File, h.Node, "%s finds an object by the identifier in the path, and never looks at who asks", shown(r))
		}
	}
}

// loggedIn tells whether a login is all that is asked for before a handler.
func loggedIn(r *gomodel.Route) bool {
	logged := false
	for _, w := range r.Wrappers {
		if w.Name == "" || analysis.Names(w.Name, "admin", "role", "permission", "owner", "can", "acl", "policy", "casbin", "tenant", "scope") {
			return false
		}
		logged = logged || asks(w.Name) || deep(w)
	}
	return logged
}

// unowned is the table, and the column that is not asked for, of a row that a
// handler picks by its identifier alone, where the program keeps whose it is
// and elsewhere asks for it.
func (db *database) unowned(p *analysis.Pass, h *gomodel.Func) string {
	reached := h.Reached(3)
	for _, fn := range reached {
		for _, q := range db.of[fn] {
			by := identified(q)
			if by == nil || q.Joined || q.Verb == "insert" || q.Asks(func(c string) bool { return ownerColumn(c) || authorColumn(c) }) || q.Verb == "select" && db.listed[q.Table] {
				continue
			}
			if v := q.value(by.Place); v != nil && q.File.Level(v) == gomodel.Clean {
				continue
			}
			for _, column := range db.owners[q.Table] {
				if db.scoped[column] && ownerColumn(column) || q.Verb != "select" && authorColumn(column) {
					return q.Table + ", whose " + column + " nobody asks for,"
				}
			}
		}
	}
	for _, fn := range reached {
		for _, c := range fn.Calls {
			if t, column := db.mapped(p, c); column != "" {
				return t + ", whose " + column + " nobody asks for,"
			}
		}
	}
	return ""
}

// mapped is the type, and the field that is not asked for, of an object that a
// mapper finds by its key: db.First(&order, id).
func (db *database) mapped(p *analysis.Pass, c *gomodel.Call) (t, column string) {
	if !strings.HasSuffix(c.Name, "gorm.DB."+c.Method()) || len(c.Args) < 2 {
		return "", ""
	}
	switch c.Method() {
	case "First", "Take", "Delete", "Find":
	default:
		return "", ""
	}
	if c.File.Level(c.Args[len(c.Args)-1]) == gomodel.Clean {
		return "", ""
	}
	if text, ok := c.File.Text(c.Args[1]); ok {
		s := statement.Read("select * from t where " + text)
		if s == nil || !slices.Contains(s.Asked, "id") || len(s.Asked) != 1 {
			return "", ""
		}
	}
	t = c.File.TypeOf(c.Args[0])
	for _, f := range p.Go.Fields(t) {
		if col := snake(f.Name); ownerColumn(col) && db.scoped[col] {
			return t[strings.LastIndexByte(t, '.')+1:], f.Name
		}
	}
	return "", ""
}

// snake is the name of a field as that of a column: UserID is user_id.
func snake(field string) string {
	var b strings.Builder
	for i := range len(field) {
		c := field[i]
		upper := c >= 'A' && c <= 'Z'
		if upper && i > 0 && field[i-1] != '_' && (field[i-1] < 'A' || field[i-1] > 'Z' || i+1 < len(field) && field[i+1] >= 'a' && field[i+1] <= 'z') {
			b.WriteByte('_')
		}
		if upper {
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// knowsUser tells whether a function looks at who asks.
func knowsUser(fn *gomodel.Func) bool {
	return user(fn) || asksFor(fn, func(id string) bool {
		return analysis.Names(id, "owner", "owner id", "owned", "tenant", "claims", "principal", "session", "current", "viewer", "actor", "subject", "identity", "me", "ctx user", "auth user", "authorize", "can", "permission", "allowed", "acl", "is admin", "org id", "caller", "requester")
	})
}

// looks goes through a function, but for where a row is read into its fields
// and for what is only logged: neither says who may.
func looks(fn *gomodel.Func, see func(ast.Node) bool) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			name := gomodel.Written(c.Fun)
			if sel, ok := c.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Scan" {
				ast.Inspect(sel.X, see)
				return false
			}
			if strings.HasPrefix(name, "log.") || strings.HasPrefix(name, "slog.") {
				return false
			}
		}
		return see(n)
	})
}

// asksFor tells whether a name stands in a function.
func asksFor(fn *gomodel.Func, name func(string) bool) bool {
	found := false
	looks(fn, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			found = found || name(id.Name)
		}
		return !found
	})
	return found
}

// user tells whether a function looks at the user of the request: what is read
// from its context, or a column of the owner in SQL.
func user(fn *gomodel.Func) bool {
	found := false
	looks(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			lower := strings.ToLower(n.Value)
			if i := strings.Index(lower, " where "); i >= 0 && strings.Contains(lower[:i], "select ") {
				lower = lower[i:] // what is read says nothing of who may
			}
			found = found || strings.Contains(lower, "user_id") || strings.Contains(lower, "owner") || strings.Contains(lower, "tenant") || strings.Contains(lower, "account_id") || strings.Contains(lower, "customer_id") || strings.Contains(lower, "created_by") || strings.Contains(lower, "userid")
		case *ast.CallExpr:
			if c := fn.File.CallOf(n); c != nil {
				switch c.Method() {
				case "Value", "Locals", "MustGet", "GetString", "GetInt", "GetUint", "GetInt64":
					found = true
				case "Get":
					found = found || strings.HasSuffix(c.Name, "Context.Get")
				}
				found = found || analysis.Names(c.Method(), "user id", "user from", "current user", "get user id", "uid")
			}
		case *ast.Ident:
			found = found || n.Name == "userID" || n.Name == "userId" || n.Name == "UserID" || n.Name == "uid"
		}
		return !found
	})
	return found
}
