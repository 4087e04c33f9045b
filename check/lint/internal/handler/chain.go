package handler

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

const (
	maxDepth = 5
	maxFuncs = 80
)

// Chain is functions, and those of the project that they call.
func Chain(roots ...*pymodel.Func) []*pymodel.Func {
	var out []*pymodel.Func
	level := roots
	for depth := 0; depth <= maxDepth && len(level) > 0; depth++ {
		var next []*pymodel.Func
		for _, f := range level {
			if slices.Contains(out, f) || len(out) > maxFuncs {
				continue
			}
			out = append(out, f)
			for _, c := range f.Calls {
				if to := c.Target(); to != nil {
					next = append(next, to)
				}
			}
		}
		level = next
	}
	return out
}

// Uses counts how often a function reads a name.
func Uses(f *pymodel.Func, name string) int {
	n := 0
	pyast.Walk(f.Body, func(x pyast.Node) bool {
		if id, ok := x.(*pyast.Name); ok && id.ID == name && id.Ctx == pyast.Load {
			n++
		}
		return true
	})
	return n
}

// bare tells whether a dependency is a scheme, which looks for a credential
// and does not verify it.
func bare(d pymodel.Dep) bool { return d.Scheme && d.Func == nil && d.Class == nil }

// unknown tells whether a dependency may be one on who calls, for what is
// known of it.
func unknown(d pymodel.Dep) bool {
	if d.Expr == nil || d.Class != nil {
		return false
	}
	name := analysis.Leaf(d.Expr)
	return !analysis.Names(name, "db", "session", "settings", "config", "cache", "redis", "service", "repo", "repository", "uow", "logger", "engine", "connection", "conn", "pagination", "paginate", "client", "database", "store", "limiter", "rate limiter", "params", "query")
}

func authName(d pymodel.Dep) bool {
	if strings.HasSuffix(d.Name, "Form") {
		return false // what is typed to log in
	}
	if d.Authenticates() {
		return true
	}
	if d.Name == "" && d.Expr != nil {
		return pymodel.Dep{Name: analysis.Leaf(d.Expr)}.Authenticates() // imported with *
	}
	return authWords(d.Name[strings.LastIndexByte(d.Name, '.')+1:])
}

func authWords(name string) bool {
	return analysis.Names(name, "auth", "authenticate", "authenticated", "authenticator", "authorize", "authorized", "authorization", "login required", "current user", "require login", "require user", "require auth", "require role", "require admin", "require token", "jwt required",
		"require", "requires", "protected", "permission", "permissions", "permission required", "verify token", "verify api key", "api key", "apikey", "verify jwt", "check access", "check token", "check permission", "check api key", "validate token", "verify signature", "verify webhook", "construct event", "get user from token", "user from token", "decode token", "decode access token", "superuser", "is admin", "admin required", "admin only", "logged in", "identity", "principal")
}

var roleWords = []string{"role", "roles", "is admin", "admin", "admins", "superuser", "is superuser", "is staff", "staff", "permission", "permissions", "perm", "perms", "scope", "scopes", "privilege", "privileges", "acl", "rbac", "authorize", "authorization", "enforce", "enforcer", "policy", "moderator", "can manage", "can edit", "can delete", "can access", "can", "is owner", "access level", "has access", "check access", "allowed", "forbidden"}

func roleWord(name string) bool {
	return analysis.Names(name, roleWords...)
}

// callMentions tells of require("admin") and RoleChecker(["admin"]).
func callMentions(e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	return ok && analysis.Mentions(c, roleWord)
}

// roleOnly tells whether a function checks, and gives nothing.
func roleOnly(f *pymodel.Func) bool {
	gives := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if r, ok := n.(*pyast.Return); ok && r.Value != nil {
			gives = true
		}
		return !gives
	})
	return !gives
}

// judges tells whether a function asks for a role: in a condition, or by
// calling what is called so. The roles of others do not count.
func judges(f *pymodel.Func, others map[string]bool) bool {
	found := false
	test := func(e pyast.Expr) { found = found || e != nil && asksRole(e, others) }
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.If:
			test(n.Test)
		case *pyast.IfExp:
			test(n.Test)
		case *pyast.Compare:
			test(n)
		case *pyast.Assert:
			test(n.Test)
		case *pyast.Match:
			test(n.Subject)
		case *pyast.Call:
			name := analysis.Leaf(n.Func)
			found = found || roleWord(name) && analysis.Names(name, "require", "check", "has", "is", "verify", "ensure", "assert", "can", "authorize", "enforce", "validate", "permission", "allowed")
			found = found || analysis.Names(name, "authorize", "enforce", "has permission", "can")
		}
		return !found
	})
	return found
}

// credential tells whether a parameter is a header or a cookie that says who
// calls.
func credential(f *pymodel.Func, p *pymodel.Param) bool {
	name, ok := Sent(f, p, "Header", "Cookie")
	return ok && (Identity(strings.ReplaceAll(strings.ToLower(name), "_", "-")) || analysis.Names(name, "authorization", "token", "session", "signature", "secret", "key", "jwt", "auth") || strings.Contains(strings.ToLower(name), "api"))
}

// asksRole tells whether an expression holds a word of roles, in what is not
// of one of the others: of doctor.role != "doctor", nothing.
func asksRole(e pyast.Expr, others map[string]bool) bool {
	if len(others) == 0 {
		return analysis.Mentions(e, roleWord)
	}
	found := false
	pyast.Inspect(e, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare:
			if _, known := n.Comparators[0].(*pyast.Constant); known && len(n.Comparators) == 1 && ofOther(n.Left, others) {
				return false
			}
		case *pyast.Attribute:
			if ofOther(n, others) {
				return false
			}
			found = found || roleWord(n.Attr)
		case *pyast.Name:
			found = found || roleWord(n.ID)
		case *pyast.Constant:
			found = found || n.Kind == pyast.Str && len(n.Value) < 40 && roleWord(n.Value)
		}
		return !found
	})
	return found
}

func ofOther(e pyast.Expr, others map[string]bool) bool {
	a, ok := e.(*pyast.Attribute)
	if !ok {
		return false
	}
	base, ok := a.Value.(*pyast.Name)
	return ok && others[base.ID]
}

// Sent is the name under which a client sends a parameter of one of the kinds:
// Query, Header, Cookie, Body, Form, Path.
func Sent(f *pymodel.Func, p *pymodel.Param, kinds ...string) (string, bool) {
	list := []pyast.Expr{p.Default}
	at := f.Outer
	if p.Annotation != nil {
		more, where := f.Outer.Annotated(p.Annotation)
		if len(more) > 0 {
			list, at = append(list, more...), where
		}
	}
	for _, e := range list {
		c, ok := e.(*pyast.Call)
		if !ok {
			continue
		}
		for _, k := range kinds {
			if at.Qualified(c.Func) == "fastapi."+k {
				if alias, ok := at.Text(pymodel.Keyword(c, "alias")); ok {
					return alias, true
				}
				return p.Name, true
			}
		}
	}
	return "", false
}

// asksFor tells whether a function asks who calls: it refuses with 401 or 403,
// or reads what only the caller has.
func asksFor(f *pymodel.Func, memo map[*pymodel.Func]bool) bool {
	if v, ok := memo[f]; ok {
		return v
	}
	memo[f] = false
	memo[f] = asks(f, nil)
	return memo[f]
}

// asksSocket tells the same of the function of a WebSocket. One that is closed
// where there is no such room refuses nobody.
func asksSocket(r *pymodel.Route) bool {
	others := sought(r.Func, func(p *pymodel.Param) bool {
		return strings.Contains(r.Path, "{"+p.Name+"}") || strings.Contains(r.Path, "{"+p.Name+":")
	})
	absent := map[*pyast.Call]bool{}
	analysis.Surround(r.Func.Body, func(n pyast.Node, in []pyast.Node) {
		c, ok := n.(*pyast.Call)
		if !ok || analysis.Leaf(c.Func) != "close" {
			return
		}
		for i := len(in) - 1; i >= 0; i-- {
			if branch, ok := in[i].(*pyast.If); ok {
				absent[c] = onlyOf(branch.Test, others)
				break
			}
			if caught, ok := in[i].(*pyast.ExceptHandler); ok {
				absent[c] = caught.Type != nil && analysis.Mentions(caught.Type, func(id string) bool {
					return analysis.Names(id, "not found", "does not exist", "no result found", "key error", "lookup error", "missing")
				})
				break
			}
		}
	})
	return asks(r.Func, absent)
}

// onlyOf tells whether a test is about nothing but the named.
func onlyOf(e pyast.Expr, names map[string]bool) bool {
	only := true
	pyast.Inspect(e, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Name:
			only = only && names[n.ID]
		case *pyast.Call:
			only = false
		}
		return only
	})
	return only
}

// asks leaves calls out that refuse nobody.
func asks(f *pymodel.Func, absent map[*pyast.Call]bool) bool {
	for _, c := range f.Calls {
		if Refuses(c.Scope, c.Call) && !absent[c.Call] || c.Is("jwt.decode", "jose.jwt.decode", "secrets.compare_digest", "hmac.compare_digest") {
			return true
		}
		if authWords(c.Method()) && c.Method() != "require" && !c.Is("fastapi.Depends") {
			return true
		}
	}
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Constant:
			if n.Kind == pyast.Str {
				switch strings.ToLower(n.Value) {
				case "authorization", "x-api-key", "x-token", "x-signature", "stripe-signature", "x-hub-signature-256", "access_token", "session_id":
					found = true
				default:
					found = found || Identity(strings.ToLower(n.Value))
				}
			}
		case *pyast.Attribute:
			base := analysis.Leaf(n.Value)
			found = found || (base == "request" || base == "websocket") && (n.Attr == "session" || n.Attr == "user" || n.Attr == "auth") || base == "state" && authState(n.Attr)
		}
		return !found
	})
	return found
}

func authState(attr string) bool {
	return analysis.Names(attr, "user", "auth", "user id", "principal", "identity", "claims", "token")
}

// Refuses tells whether a call makes an answer of 401 or 403.
func Refuses(s *pymodel.Scope, c *pyast.Call) bool {
	name := analysis.Leaf(c.Func)
	if analysis.Names(name, "unauthorized", "unauthorised", "forbidden", "not permitted", "unauthenticated", "permission denied", "access denied", "not authenticated", "credentials exception", "authentication error", "authorization error") {
		return true
	}
	for i, a := range c.Args {
		if i < 2 && refusal(s, a) {
			return true
		}
	}
	return refusal(s, pymodel.Keyword(c, "status_code")) || name == "close" && refusal(s, pymodel.Keyword(c, "code"))
}

func refusal(s *pymodel.Scope, e pyast.Expr) bool {
	if e == nil {
		return false
	}
	if n, ok := s.Number(e); ok {
		return n == 401 || n == 403 || n == 1008 || n >= 4000 && n < 5000 && n != 4404
	}
	if a, ok := e.(*pyast.Attribute); ok {
		return strings.Contains(a.Attr, "401") || strings.Contains(a.Attr, "403") || strings.Contains(a.Attr, "1008") || a.Attr == "UNAUTHORIZED" || a.Attr == "FORBIDDEN"
	}
	return false
}

// guards tells whether a middleware asks who calls.
func guards(m *pymodel.Middleware) bool {
	name := m.Name[strings.LastIndexByte(m.Name, '.')+1:]
	if analysis.Names(name, "auth", "authentication", "authorization", "jwt", "token", "api key", "login", "keycloak", "oauth", "subject", "user") {
		return true
	}
	var roots []*pymodel.Func
	if m.Func != nil {
		roots = append(roots, m.Func)
	}
	if m.Class != nil {
		for _, b := range m.Class.Scope.Names {
			if b.Func != nil {
				roots = append(roots, b.Func)
			}
		}
	}
	return slices.ContainsFunc(Chain(roots...), asksStrictly)
}

// asksStrictly: a middleware that hands on a header asks nobody, and one that
// counts refuses by 429.
func asksStrictly(f *pymodel.Func) bool {
	for _, c := range f.Calls {
		if Refuses(c.Scope, c.Call) || c.Is("jwt.decode", "jose.jwt.decode") {
			return true
		}
	}
	return false
}

// Identity tells whether a header is one that says who calls, or what they
// may do.
func Identity(name string) bool {
	switch name {
	case "x-user-id", "x-user", "x-userid", "x-username", "x-user-name", "x-user-email", "x-user-role", "x-user-roles", "x-role", "x-roles", "x-admin", "x-is-admin", "x-auth-user", "x-authenticated-user", "x-account-id", "x-customer-id", "x-permissions", "x-scopes", "x-impersonate", "x-impersonate-user", "x-act-as", "x-current-user", "x-forwarded-user", "x-remote-user", "remote-user", "x-superuser", "x-internal", "x-internal-request", "x-owner-id", "x-member-id", "x-auth-role", "x-auth-user-id", "x-user-admin":
		return true
	}
	return false
}
