package goaccess

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// filled looks at a call that fills a struct with what was sent.
func filled(p *analysis.Pass, c *gomodel.Call, routes []*gomodel.Route) {
	if c.Func == nil || len(c.Args) == 0 {
		return
	}
	f := c.File
	to := c.Args[len(c.Args)-1]
	own := len(c.Targets()) > 0
	if own && !fills(c) || !own && !gomodel.Filler(c.Method()) {
		return
	}
	if u, ok := to.(*ast.UnaryExpr); ok && u.Op == token.AND {
		to = u.X
	}
	v := f.VarOf(to)
	if v == nil || v.Func == nil || v.Param {
		return
	}
	t := f.TypeOf(to)
	for range 2 {
		if strings.HasPrefix(t, "[]") {
			t = gomodel.Elem(t)
		}
	}
	field := privileged(p, t)
	if field == "" || f.Level(to) != gomodel.Tainted && !own && !fromRequest(c) {
		return
	}
	root := c.Func.Root()
	if overwritten(root, c, v, field) || !storedAs(f, c, v, root) || forAdministrators(root, routes) {
		return
	}
	p.GoAt(assignment, f, c, "%s of %s may be set by whoever sends the request, and is stored", field, gomodel.Written(to))
}

// fills tells whether a function of the project decodes a request into its last
// argument.
func fills(c *gomodel.Call) bool {
	request := false
	for _, a := range c.Args {
		request = request || gomodel.Request(c.File.TypeOf(a))
	}
	for _, to := range c.Targets() {
		if !request || len(to.Params) != len(c.Args) {
			return false
		}
		last := to.Params[len(to.Params)-1]
		for _, in := range to.Within() {
			for _, o := range in.Calls {
				if gomodel.Filler(o.Method()) && len(o.Args) > 0 && o.File.VarOf(o.Args[len(o.Args)-1]) == last {
					return true
				}
			}
		}
	}
	return false
}

// fromRequest tells whether a decoder reads the body of a request.
func fromRequest(c *gomodel.Call) bool {
	recv := c.Receiver()
	if recv == nil {
		return false
	}
	return gomodel.Request(c.File.TypeOf(recv)) || c.File.Level(recv) == gomodel.Tainted
}

// privileged is a field that JSON may fill and a client may not choose.
func privileged(p *analysis.Pass, t string) string {
	own := p.Go.Type(t)
	if own == nil || own.Methods["UnmarshalJSON"] != nil {
		return ""
	}
	name := t[strings.LastIndexByte(t, '.')+1:]
	if analysis.Names(name, "request", "req", "input", "payload", "params", "dto", "form", "body", "command", "cmd", "args", "message", "msg", "config", "response") {
		return "" // it is made for what is sent
	}
	for _, f := range p.Go.Fields(t) {
		if f.Tag == "-" || !ast.IsExported(f.Name) {
			continue
		}
		if analysis.Names(f.Name, "role", "roles", "is admin", "admin", "is staff", "is superuser", "superuser", "balance", "credits", "is verified", "verified", "email verified", "permissions", "scopes", "is moderator", "privileges", "access level", "user type", "password hash") {
			return f.Name
		}
	}
	return ""
}

// overwritten tells whether the field is set by the program before it is kept.
func overwritten(root *gomodel.Func, c *gomodel.Call, v *gomodel.Var, field string) bool {
	found := false
	ast.Inspect(root.Node, func(n ast.Node) bool {
		if s, ok := n.(*ast.AssignStmt); ok && s.Pos() > c.Pos() {
			for _, l := range s.Lhs {
				if sel, ok := l.(*ast.SelectorExpr); ok && sel.Sel.Name == field && c.File.VarOf(sel.X) == v {
					found = true
				}
			}
		}
		// It is looked at, and refused.
		if b, ok := n.(*ast.IfStmt); ok && b.Pos() > c.Pos() {
			ast.Inspect(b.Cond, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == field && c.File.VarOf(sel.X) == v {
					found = true
				}
				return !found
			})
		}
		return !found
	})
	if found {
		return true
	}
	for _, o := range root.Calls { // db.Omit("Role"), db.Select("Name")
		if m := o.Method(); o.Pos() > c.Pos() && (m == "Omit" || m == "Select") {
			return true
		}
	}
	return false
}

// storedAs tells whether a variable as a whole is put where it stays.
func storedAs(f *gomodel.File, c *gomodel.Call, v *gomodel.Var, root *gomodel.Func) bool {
	about := func(e ast.Expr) bool {
		switch x := e.(type) {
		case *ast.UnaryExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		}
		return f.VarOf(e) == v
	}
	found := false
	ast.Inspect(root.Node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			o := f.CallOf(n)
			if o == nil || n == c.CallExpr || n.Pos() < c.Pos() {
				return true
			}
			for i, a := range n.Args {
				switch {
				case about(a):
					found = found || i > 0 && o.Name == "append" || keeps(o)
				// INSERT … VALUES ($1), u.Name, u.Role
				case sql(o):
					sel, ok := a.(*ast.SelectorExpr)
					found = found || ok && f.VarOf(sel.X) == v && privilegedName(sel.Sel.Name)
				}
			}
		case *ast.AssignStmt:
			for i, r := range n.Rhs {
				if i >= len(n.Lhs) || !about(r) || n.Pos() < c.Pos() {
					continue
				}
				_, index := n.Lhs[i].(*ast.IndexExpr)
				_, deref := n.Lhs[i].(*ast.StarExpr)
				found = found || index || deref
			}
		}
		return !found
	})
	if found {
		return true
	}
	// What is stored was filled over: db.First(&u); Bind(&u); db.Save(&u) is
	// found above; a pointer into a map is stored as it is.
	list, _ := v.Values()
	for _, x := range list {
		if u, ok := x.(*ast.UnaryExpr); ok {
			x = u.X
		}
		if _, ok := x.(*ast.IndexExpr); ok && x != nil && isPointer(x, list) {
			return true
		}
	}
	return false
}

// isPointer tells whether what was taken out of a map or a slice is its place.
func isPointer(x ast.Expr, list []ast.Expr) bool {
	for _, v := range list {
		if u, ok := v.(*ast.UnaryExpr); ok && u.Op == token.AND && u.X == x {
			return true
		}
	}
	return false
}

func privilegedName(name string) bool {
	return analysis.Names(name, "role", "roles", "is admin", "admin", "is staff", "balance", "credits", "verified", "is verified", "permissions")
}

func sql(c *gomodel.Call) bool {
	switch c.Method() {
	case "Exec", "ExecContext", "NamedExec", "QueryRow", "QueryRowContext":
		return c.Receiver() != nil
	}
	return false
}

func keeps(c *gomodel.Call) bool {
	if c.Receiver() == nil && len(c.Targets()) == 0 {
		return false
	}
	return analysis.Names(c.Method(), "create", "insert", "save", "store", "add", "put", "updates", "update", "upsert", "insert one", "persist", "replace one", "named exec", "register", "replace")
}

// forAdministrators tells whether a handler is one that only they reach.
func forAdministrators(root *gomodel.Func, routes []*gomodel.Route) bool {
	if analysis.Names(root.Name+"_"+root.Receives(), "admin") {
		return true
	}
	some, all := false, true
	for _, r := range routes {
		if !slices.ContainsFunc(r.Handlers, func(h *gomodel.Func) bool { return h.Root() == root }) {
			continue
		}
		some = true
		all = all && (administrative(r.Path) || slices.ContainsFunc(r.Wrappers, func(w gomodel.Wrapper) bool {
			return analysis.Names(w.Name, "admin", "role", "permission", "staff", "rbac", "superuser")
		}))
	}
	if some && all {
		return true
	}
	for _, c := range root.Calls {
		if analysis.Names(c.Method(), "admin", "role", "permission", "superuser") && strings.HasPrefix(strings.ToLower(c.Method()), "re") || analysis.Names(c.Method(), "is admin", "check admin", "has role") {
			return true
		}
	}
	return false
}
