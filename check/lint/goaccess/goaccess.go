// Package goaccess finds where a Go service lets in whom it should not: routes
// without a login, credentials in the source, addresses that decide, objects
// of others, fields that a client may not set, amounts that are checked and
// changed later, and logins that are never slowed down.
package goaccess

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// Analyzer finds where anybody gets in.
var Analyzer = &analysis.Analyzer{Name: "goaccess", Rules: []*analysis.Rule{noAuth, idor, clientIP, clientRole, adminRole, checked, unthrottled, hardcoded, assignment}, Run: run}

func run(p *analysis.Pass) {
	var routes []*gomodel.Route
	for _, r := range p.GoRoutes() {
		if !analysis.GoSample(r.File.Path) {
			routes = append(routes, r)
		}
	}
	open(p, routes)
	db := databaseOf(p)
	objects(p, routes, db)
	administration(p, routes)
	races(p, db)
	logins(p, routes)
	for _, f := range p.Go.Files {
		if f.Test || analysis.GoSample(f.Path) {
			continue
		}
		conditions(p, f)
		for _, c := range f.Calls {
			filled(p, c, routes)
			basic(p, c)
		}
	}
}

// Asks tells whether something before a route, or the handler itself, asks who
// is there.
func Asks(r *gomodel.Route) bool {
	if slices.ContainsFunc(r.Wrappers, func(w gomodel.Wrapper) bool { return w.Name != "" && asks(w.Name) || deep(w) }) {
		return true
	}
	return len(r.Handlers) > 0 && checksItself(r)
}

// asks tells whether a name is of what asks who somebody is.
func asks(name string) bool {
	return analysis.Names(name, "auth", "authn", "authz", "authenticate", "authenticated", "authentication", "authorize", "authorized", "authorization", "jwt", "token", "bearer", "session", "sessions", "login", "logged", "user", "current user", "principal", "identity", "claims", "account", "member",
		"require", "requires", "required", "protect", "protected", "guard", "secured", "access control", "check access", "allowlist", "whitelist", "ip allow", "permission", "permissions", "role", "roles", "rbac", "acl", "admin", "can", "allowed", "api key", "apikey", "basic auth", "verify", "oauth", "oidc", "owner", "signed", "signature", "hmac", "casbin", "keycloak", "clerk", "private", "restricted", "restrict", "scope", "scopes", "must", "ensure", "internal", "local", "localhost")
}

// checksItself tells whether a handler asks by itself: it or what it calls reads
// a credential, or calls what says so by its name.
func checksItself(r *gomodel.Route) bool {
	if len(r.Handlers) == 0 {
		return true // nobody knows
	}
	for _, h := range r.Handlers {
		if slices.ContainsFunc(h.Reached(1), reads) {
			return true
		}
	}
	return false
}

// reads tells whether a function reads who is asking.
func reads(fn *gomodel.Func) bool {
	for _, c := range fn.Calls {
		switch c.Method() {
		case "BasicAuth", "Cookie", "Cookies", "MustGet":
			return true
		case "Get", "GetHeader", "GetString", "GetInt", "GetUint", "GetInt64", "Locals", "Value", "Header", "FormValue", "Query", "QueryParam":
			if len(c.Args) > 0 {
				name, ok := c.File.Text(c.Arg(0))
				if !ok {
					name = gomodel.Written(c.Args[0])
				}
				if c.Method() == "Value" || c.Method() == "Locals" || analysis.Names(name, "authorization", "token", "user", "user id", "claims", "session", "api key", "role", "auth", "username", "uid", "signature", "key", "secret", "admin") {
					return true
				}
			}
		}
		name := gomodel.Written(c.Fun)
		name = name[strings.LastIndexByte(name, '.')+1:]
		if authority(name) {
			return true
		}
	}
	return false
}

// authority tells whether a function is called as those are which ask who is
// there; users that are listed or deleted are none.
func authority(name string) bool {
	if analysis.Names(name, "auth", "authenticate", "authenticated", "authorize", "authorized", "jwt", "session", "principal", "identity", "claims", "permission", "permissions", "current user", "logged in", "is admin", "api key", "forbidden", "unauthorized", "can access", "has role", "verify token", "check token", "validate token", "parse token", "constant time compare") {
		return true
	}
	return analysis.Names(name, "require", "check", "ensure", "must", "verify", "assert") && analysis.Names(name, "user", "admin", "role", "token", "access", "owner", "key", "login")
}

// receiverKnown tells whether it is known what stands before a router: one that
// a library is given is not.
func receiverKnown(r *gomodel.Route) bool {
	recv := r.Receiver()
	if recv == nil {
		return true
	}
	for {
		c, ok := recv.(*ast.CallExpr)
		if !ok {
			break
		}
		sel, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		recv = sel.X
	}
	v := r.File.VarOf(recv)
	if v == nil {
		return true
	}
	if v.Param && v.Func != nil && v.Func.Outer == nil {
		return len(r.File.Project.Sites(v)) > 0
	}
	return true
}
