package goaccess

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// A need is what is asked for before a route.
type need uint8

const (
	unsure need = iota // it cannot be told, or nothing is
	aLogin
	aRole
)

// An operation is a route that is for administrators by its name.
type operation struct {
	*gomodel.Route
	// family is what others of its like have in common with it.
	family string
	// soft tells that the name may mean something else: who works there.
	soft  bool
	needs need
}

// administration finds operations of administrators that a login is enough
// for, where others of their like ask for a role.
func administration(p *analysis.Pass, routes []*gomodel.Route) {
	families := map[string][]*operation{}
	for _, r := range routes {
		if o := operationOf(r); o != nil {
			families[o.family] = append(families[o.family], o)
		}
	}
	for _, family := range families {
		counts := [aRole + 1]int{}
		for _, o := range family {
			counts[o.needs]++
		}
		// Where more are open to all users than are not, that is meant.
		if counts[aRole] == 0 || counts[aLogin] > counts[aRole] {
			continue
		}
		for _, o := range family {
			if o.needs != aLogin {
				continue
			}
			i := slices.IndexFunc(family, func(other *operation) bool {
				return other.needs == aRole && (!o.soft || writes(o.Method) == writes(other.Method))
			})
			if i >= 0 {
				p.GoAt(adminRole, o.File, o.Call, "%s asks for a login only, while %s asks for a role", shown(o.Route), shown(family[i].Route))
			}
		}
	}
}

// operationOf tells whether a route is for administrators by its name.
func operationOf(r *gomodel.Route) *operation {
	if r.File.Package == nil || len(r.Handlers) == 0 {
		return nil
	}
	at := r.File.Package.Dir + " "
	for s := range strings.SplitSeq(strings.Trim(r.Path, "/"), "/") {
		words := strings.ReplaceAll(s, "-", "_")
		if analysis.Names(words, "login", "logout", "signin", "sign in", "me", "profile", "whoami", "session", "oauth", "callback", "health", "static", "assets", "docs") {
			return nil // of whoever is there
		}
	}
	prefix := ""
	for s := range strings.SplitSeq(strings.Trim(r.Path, "/"), "/") {
		prefix += "/" + s
		switch words := strings.ReplaceAll(s, "-", "_"); {
		case s == "" || param(s):
		case administrative(s):
			return &operation{Route: r, family: at + prefix, needs: needs(r)}
		case analysis.Names(words, "internal", "staff", "management", "manage"):
			return &operation{Route: r, family: at + prefix, soft: true, needs: needs(r)}
		}
	}
	if analysis.Names(r.Handlers[0].Name, "admin") {
		return &operation{Route: r, family: at, needs: needs(r)}
	}
	return nil
}

// needs is what is asked for before a handler, or in it.
func needs(r *gomodel.Route) need {
	out := unsure
	for _, w := range r.Wrappers {
		switch {
		case w.Name == "":
			return unsure
		case analysis.Names(w.Name, "admin", "admins", "administrator", "role", "roles", "permission", "permissions", "staff", "superuser", "rbac", "acl", "scope", "scopes", "owner", "can", "privilege"):
			return aRole
		case slices.ContainsFunc(w.Funcs, func(fn *gomodel.Func) bool { return slices.ContainsFunc(fn.Reached(1), asksRole) }):
			return aRole
		case slices.ContainsFunc(w.Funcs, forbids) && !analysis.Names(w.Name, "csrf", "cors", "origin", "host", "ip"):
			return aRole
		case len(w.Funcs) == 0 && analysis.Names(w.Name, "login", "logged in", "signed in", "auth", "authenticate", "authenticated", "authenticator", "jwt", "session", "user", "member", "token", "bearer"):
			out = aLogin
		case len(w.Funcs) == 0 && analysis.Names(w.Name, "authz", "authorize", "authorizer", "authorization", "access", "casbin", "enforce", "enforcer", "policy", "protect", "guard", "allow", "restrict", "group", "internal", "require", "only"):
			return unsure // of a library: it may look at more than the login
		case asks(w.Name) || deep(w):
			out = aLogin
		}
	}
	for _, h := range r.Handlers {
		if h.Body == nil {
			return unsure
		}
		if slices.ContainsFunc(h.Reached(2), asksRole) {
			return aRole
		}
	}
	return out
}

// forbids tells whether a middleware refuses those who are logged in: it
// answers that something is forbidden, and never that nobody is there.
func forbids(fn *gomodel.Func) bool {
	return analysis.GoMentions(fn.Node, func(id string) bool { return id == "StatusForbidden" }) &&
		!analysis.GoMentions(fn.Node, func(id string) bool { return id == "StatusUnauthorized" })
}

// asksRole tells whether a function decides by what somebody may do: in a
// condition, in what it calls, or in the condition of a statement.
func asksRole(fn *gomodel.Func) bool {
	if fn.Body == nil {
		return false
	}
	if analysis.Names(fn.Name, "require role", "require admin", "is admin", "has role", "has permission", "check permission") {
		return true
	}
	for _, c := range fn.Calls {
		if analysis.Names(c.Method(), "require role", "require admin", "is admin", "has role", "has any role", "has permission", "authorize", "enforce", "check permission", "check role", "check access", "ensure admin", "must be admin", "admin only", "can", "require permission", "require scope", "has scope") {
			return true
		}
		if q := queryOf(c); q != nil && q.Asks(roleWord) {
			return true
		}
	}
	found := false
	decides := func(e ast.Node) {
		ast.Inspect(e, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				return !found && !stored(fn, n.X)
			case *ast.Ident:
				found = found || roleWord(n.Name)
			case *ast.BasicLit: // claims["role"]
				found = found || roleWord(strings.Trim(n.Value, "\"`"))
			}
			return !found
		})
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			decides(n.Cond)
		case *ast.SwitchStmt:
			if n.Tag != nil {
				if stored(fn, n.Tag) {
					return false
				}
				decides(n.Tag)
			}
		case *ast.CaseClause:
			for _, e := range n.List {
				decides(e)
			}
		case *ast.BinaryExpr:
			decides(n)
		}
		return !found
	})
	return found
}

// stored tells whether a role is one that a client sends to be kept, in a row
// or a field: to look at it says nothing of who asks.
func stored(fn *gomodel.Func, role ast.Expr) bool {
	f, name := fn.File, gomodel.Written(role)
	switch role.(type) {
	case *ast.Ident, *ast.SelectorExpr:
	default:
		return false
	}
	if !roleWord(name[strings.LastIndexByte(name, '.')+1:]) || f.Level(role) != gomodel.Tainted {
		return false
	}
	found := false
	ast.Inspect(fn.Root().Node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			found = found || gomodel.Written(n.Value) == name
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				_, field := l.(*ast.SelectorExpr)
				found = found || field && len(n.Lhs) == len(n.Rhs) && gomodel.Written(n.Rhs[i]) == name
			}
		}
		return !found
	})
	return found
}

func roleWord(name string) bool {
	return analysis.Names(name, "role", "roles", "admin", "is admin", "superuser", "is staff", "permission", "permissions", "privileges", "scope", "scopes", "moderator", "access level", "user type", "capabilities", "group", "groups")
}
