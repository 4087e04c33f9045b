// Package access finds routes that let in whom they should not: nobody asks
// who calls, what they may do, or whose the object is.
package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at who may call what.
var Analyzer = &analysis.Analyzer{
	Name:  "access",
	Rules: []*analysis.Rule{noAuth, idor, unused, adminNoRole, ownerFromBody, massAssignment, hidden, webSocket, clientIP, headerIdentity, sideEffect, race, webSocketOrigin, decoratorOrder, signatureOptional, defaultAllow},
	Run:   run,
}

func run(p *analysis.Pass) {
	s := handler.Read(p)
	stored := map[pyast.Node]bool{}
	rows, parts, asked := sqlOwners(p), tenants(p, s), privacies(p, s)
	for _, h := range s.Handlers {
		if h.WebSocket {
			socket(p, s, h)
			crossSite(p, h)
			room(p, s, h, asked)
			continue
		}
		open := !h.Auth && !s.Middleware
		if open || h.Schemes && !s.Middleware {
			unguarded(p, s, h)
		}
		hiddenRoute(p, s, h)
		said := admin(p, s, h)
		if !owners(p, h) && !said && !strangers(p, h) && !firstOnly(p, h) && !nested(p, h, asked) && !bodyNamed(p, h, asked) {
			objects(p, h, rows, parts, asked)
		}
		assignments(p, h, stored)
		effects(p, h)
	}
	addresses(p)
	limits(p)
	identities(p, s)
	p.Calls(func(c *pymodel.Call) { allows(p, c) })
	p.Funcs(func(f *pymodel.Func) {
		races(p, f)
		outside(p, f)
		optionalSignatures(p, s, f)
		answered(p, f, stored)
	})
}

// public are routes that ask nobody by their nature.
var public = []string{
	"login", "signin", "sign in", "signup", "sign up", "register", "registration", "token", "refresh", "logout", "signout", "sign out", "forgot", "reset", "recover", "recovery", "verify", "verification", "confirm", "confirmation", "activate", "activation", "resend",
	"webhook", "webhooks", "hook", "hooks", "callback", "callbacks", "oauth", "oauth2", "oidc", "sso", "saml", "authorize", "auth", "authenticate", "otp", "magic", "passwordless", "invite", "invitation", "accept", "unsubscribe", "subscribe", "newsletter",
	"health", "healthz", "healthcheck", "health check", "livez", "readyz", "ready", "live", "liveness", "readiness", "ping", "status", "version", "docs", "redoc", "openapi", "swagger", "static", "favicon", "robots", "sitemap", "well known", "home", "index", "root",
	"contact", "feedback", "csp", "report", "graphql", "search", "query", "public", "track", "tracking", "analytics", "event", "events", "ingest", "waitlist", "demo", "example", "predict", "echo", "captcha", "consent", "session", "sessions", "account exists", "available", "availability", "validate", "check", "setup", "install", "onboarding", "share", "shared", "portal",
	"checkout", "checkouts", "guest", "view", "views", "locale", "language", "languages", "countries", "preview", "calculate", "quote", "convert", "test",
}

var inner = []string{"admin", "administration", "administrator", "debug", "internal", "superuser", "staff", "backoffice", "back office", "maintenance", "impersonate", "impersonation", "sudo", "root console"}

var personal = []string{"user", "users", "profile", "profiles", "account", "accounts", "customer", "customers", "patient", "patients", "order", "orders", "invoice", "invoices", "payment", "payments", "transaction", "transactions", "message", "messages", "notification", "notifications", "address", "addresses", "card", "cards", "wallet", "wallets", "balance", "statement", "statements", "medical", "prescription", "prescriptions", "salary", "salaries", "payroll", "employee", "employees", "document", "documents", "export", "audit", "logs", "secret", "secrets", "key", "keys", "config", "settings", "me"}

// unguarded tells of a route that is open while its neighbours are not.
func unguarded(p *analysis.Pass, s *handler.Set, h *handler.Handler) {
	m := h.Func.Module
	if h.Schemes {
		// The scheme asks for a token, and takes any.
		if !h.Says("login", "logout", "docs", "openapi") {
			p.PythonSeverity(noAuth, finding.High, m, h.Func, "%s asks for a credential that nothing verifies", h.Func.Name)
		}
		return
	}
	if !s.Auth && !h.Says(inner...) {
		return
	}
	if h.Hidden && !h.Writes() {
		return // lint/hidden-route tells
	}
	inside := h.Says(inner...) || tagged(h, inner)
	if inside && !h.Says("login", "health", "healthz", "ping", "docs", "openapi", "redoc", "static", "favicon") {
		if !s.Auth && !h.Writes() && !h.Says("admin", "debug", "internal") {
			return
		}
		p.PythonSeverity(noAuth, finding.High, m, h.Func, "%s is one for administrators by its name, and asks nobody who they are", label(h))
		return
	}
	dangerous := h.Writes() && h.Says("config", "configuration", "settings", "delete user", "delete users", "ban", "role", "roles", "permissions", "promote") || slices.Contains(h.Methods, "DELETE") && h.Says("user", "users", "account", "accounts")
	if h.Says(public...) && !dangerous || signsUp(h) {
		return
	}
	if commented(h) {
		p.PythonSeverity(noAuth, finding.High, m, h.Func, "%s asks nobody who they are: the dependency is commented out", label(h))
		return
	}
	guarded, near := neighbours(s, h)
	switch {
	case !near:
	case dangerous:
		p.PythonSeverity(noAuth, finding.High, m, h.Func, "%s asks nobody who they are, and %s does", label(h), guarded.Func.Name)
	case h.Writes() && touches(h):
		p.PythonAt(noAuth, m, h.Func, "%s asks nobody who they are, and %s does", label(h), guarded.Func.Name)
	case h.Reads() && h.Says(personal...) && h.Path != "" && (h.Says("user", "users", "me", "profile", "account", "accounts", "orders", "export") || strings.Contains(h.Path, "{")) && touches(h):
		p.PythonAt(noAuth, m, h.Func, "%s gives personal data, asks nobody who they are, and %s does", label(h), guarded.Func.Name)
	case h.Reads() && reveals(h.Func):
		p.PythonAt(noAuth, m, h.Func, "%s gives the addresses of all, asks nobody who they are, and %s does", label(h), guarded.Func.Name)
	}
}

// reveals tells whether a handler goes through rows and gives out how their
// owners are reached.
func reveals(f *pymodel.Func) bool {
	reached := func(body []pyast.Stmt, name string) bool {
		found := false
		pyast.Walk(body, func(n pyast.Node) bool {
			a, ok := n.(*pyast.Attribute)
			if ok && a.Ctx == pyast.Load && analysis.Names(a.Attr, "email", "phone", "telephone", "mobile", "phone number", "birthday", "date of birth", "home address", "iban") && analysis.Leaf(root(a)) == name {
				found = true
			}
			return !found
		})
		return found
	}
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.For:
			found = found || tableOf(f, n.Iter) && reached(n.Body, analysis.Leaf(n.Target))
		case *pyast.ListComp:
			g := n.Generators[0]
			found = found || tableOf(f, g.Iter) && reached([]pyast.Stmt{&pyast.ExprStmt{Value: n.Elt}}, analysis.Leaf(g.Target))
		}
		return !found
	})
	return found
}

// tableOf tells whether an expression asks for rows of a table, at once or by
// the variable that holds them.
func tableOf(f *pymodel.Func, e pyast.Expr) bool {
	if n, ok := e.(*pyast.Name); ok {
		if b, at := f.Scope.Lookup(n.ID); b != nil && at == f.Scope && b.Value != nil && !b.Param {
			e = b.Value
		}
	}
	c, ok := e.(*pyast.Call)
	return ok && tableIn(&pymodel.Call{Call: c, Scope: f.Scope}) != nil
}

// signsUp tells whether a route is how users come to be.
func signsUp(h *handler.Handler) bool {
	end := h.Path[strings.LastIndexByte(strings.TrimSuffix(h.Path, "/"), '/')+1:]
	switch strings.TrimSuffix(end, "/") {
	case "users", "user", "accounts", "customers", "members":
		return slices.Contains(h.Methods, "POST")
	}
	return false
}

// commented tells whether a dependency on who calls stands in a comment of
// the function's decorators or parameters.
func commented(h *handler.Handler) bool {
	f := h.Func
	if len(f.Body) == 0 {
		return false
	}
	from, to := f.Pos(), f.Body[0].Pos()
	for _, d := range f.Decorators {
		from = min(from, d.Pos())
	}
	for i := range f.Module.File.Comments {
		c := &f.Module.File.Comments[i]
		if c.Pos() < from || c.Pos() > to {
			continue
		}
		text := f.Module.File.Text(c)
		for _, word := range []string{"Depends(", "Security("} {
			if _, rest, ok := strings.Cut(text, word); ok && analysis.Names(strings.FieldsFunc(rest+" ", func(r rune) bool { return r == ')' || r == '(' })[0], "user", "auth", "token", "admin", "role", "current user", "superuser", "verify", "permission", "key", "require") {
				return true
			}
		}
	}
	return false
}

// touches tells whether a handler does something: one that returns a constant
// gives nothing away.
func touches(h *handler.Handler) bool {
	return len(h.Func.Calls) > 0 || len(h.Func.Params) > 0 && len(h.Func.Body) > 1 || slices.ContainsFunc(h.Func.Body, func(s pyast.Stmt) bool {
		found := false
		pyast.Inspect(s, func(n pyast.Node) bool {
			if sub, ok := n.(*pyast.Subscript); ok && sub.Ctx != pyast.Store {
				found = true
			}
			return !found
		})
		return found
	})
}

func label(h *handler.Handler) string {
	if len(h.Methods) == 1 && h.Path != "" {
		return h.Methods[0] + " " + h.Path
	}
	return h.Func.Name
}

// tagged tells whether the router is one of administrators by its variable.
func tagged(h *handler.Handler, words []string) bool {
	return h.Router != nil && analysis.Names(pymodel.Dotted(h.Router), words...)
}

// neighbours finds a guarded route of the same router. Where most of a router
// is open, it is meant to be.
func neighbours(s *handler.Set, h *handler.Handler) (*handler.Handler, bool) {
	key := func(x *handler.Handler) string {
		if x.Router == nil {
			return ""
		}
		if q := x.Scope.Qualified(x.Router); q != "" {
			return q
		}
		return x.Func.Module.Name + "." + pymodel.Dotted(x.Router)
	}
	mine := key(h)
	if mine == "" {
		return nil, false
	}
	var guarded *handler.Handler
	same, on, open := false, 0, 0
	for _, o := range s.Handlers {
		if o == h || o.WebSocket || key(o) != mine {
			continue
		}
		switch {
		case o.Auth && !o.Says("login", "logout", "token"):
			on++
			// The route on the same path speaks first.
			if guarded == nil || !same {
				guarded, same = o, top(o.Path) == top(h.Path)
			}
		case !o.Says(public...):
			open++
		}
	}
	if guarded == nil {
		return elsewhereGuarded(s, h)
	}
	if !same && open >= on+2 {
		return nil, false
	}
	return guarded, true
}

// elsewhereGuarded is a guarded route of another router, where nearly all are,
// and what this one is about is personal.
func elsewhereGuarded(s *handler.Set, h *handler.Handler) (*handler.Handler, bool) {
	if !h.Says(personal...) || h.Unknown {
		return nil, false
	}
	var guarded *handler.Handler
	on, open := 0, 0
	for _, o := range s.Handlers {
		switch {
		case o == h || o.WebSocket || o.Says(public...):
		case o.Auth:
			on++
			if guarded == nil {
				guarded = o
			}
		default:
			open++
		}
	}
	return guarded, guarded != nil && on >= 3 && on >= 3*open
}

// top is a path without what stands for ids, up to two parts.
func top(path string) string {
	var out []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part[0] != '{' {
			out = append(out, part)
		}
	}
	if len(out) > 2 {
		out = out[:2]
	}
	return strings.Join(out, "/")
}

// privileged are acts of administrators, by the names of their functions.
var privileged = []string{"promote", "promote user", "demote", "ban user", "unban", "unban user", "impersonate", "grant role", "set role", "change role", "update role", "assign role", "make admin", "grant admin", "set admin", "delete any", "update user role", "change user role", "set user role"}

// admin tells of a route of administrators that any user calls, and whether it
// said something.
func admin(p *analysis.Pass, s *handler.Set, h *handler.Handler) bool {
	if !h.Auth || h.Role || h.Schemes || h.Unknown && !plainUser(h) {
		return false
	}
	if !h.Says("admin", "admins", "administration", "superuser", "backoffice", "impersonate") && !analysis.Names(h.Func.Name, privileged...) && !tagged(h, []string{"admin"}) {
		if field := raises(h); field != "" && len(h.Users)+len(h.Fields) > 0 && !cares(h, ids(h)) {
			p.PythonAt(adminNoRole, h.Func.Module, h.Func, "%s sets %s of the user who is named, and any user who is logged in passes", label(h), field)
			return true
		}
		return clerk(p, s, h)
	}
	if h.Says("login", "logout", "token", "request admin", "contact", "health") || escapes(h) || s.Middleware && len(h.Guards) == 0 {
		return false
	}
	// Who is admin may be what the guards are about.
	if len(h.Guards) == 0 && len(h.Users) == 0 && !h.Unknown {
		return false
	}
	for _, d := range h.Deps {
		if analysis.Names(d.Name, "admin", "superuser", "internal", "secret", "master", "key", "basic") || analysis.Names(analysis.Leaf(d.Expr), "admin", "superuser", "key", "basic", "secret") {
			return false
		}
	}
	p.PythonAt(adminNoRole, h.Func.Module, h.Func, "%s is one for administrators by its name, and any user who is logged in passes", label(h))
	return true
}

// plainUser tells whether what cannot be looked into is the current user by
// its name.
func plainUser(h *handler.Handler) bool {
	n := 0
	for _, d := range h.Deps {
		if d.Func != nil || d.Class != nil {
			continue
		}
		name := analysis.Leaf(d.Expr)
		switch {
		case analysis.Names(name, "current user", "get user", "current active user", "logged in user"):
			n++
		case d.Authenticates() && !d.Scheme:
			return false
		}
	}
	return n > 0
}

// escapes tells whether the current user goes where it is not seen.
func escapes(h *handler.Handler) bool {
	for _, u := range h.Users {
		for _, c := range h.Func.Calls {
			if c.Target() != nil || constructs(c) || logs(c) {
				continue
			}
			for _, a := range arguments(c.Call) {
				if n, ok := a.(*pyast.Name); ok && n.ID == u.Name {
					return true
				}
			}
		}
	}
	return false
}

func constructs(c *pymodel.Call) bool {
	sym := c.Scope.Symbol(c.Func)
	return sym.Binding != nil && sym.Binding.Class != nil
}

func logs(c *pymodel.Call) bool {
	switch c.Method() {
	case "print", "debug", "info", "warning", "error", "exception", "critical", "log":
		return true
	}
	return false
}

func arguments(c *pyast.Call) []pyast.Expr {
	out := slices.Clone(c.Args)
	for _, k := range c.Keywords {
		out = append(out, k.Value)
	}
	return out
}

// socket tells of a WebSocket that anybody opens.
func socket(p *analysis.Pass, s *handler.Set, h *handler.Handler) {
	if h.Auth || s.Middleware || !s.Auth || h.Says("health", "public", "ping", "echo", "test") {
		return
	}
	accepts := false
	for _, f := range h.Own {
		for _, c := range f.Calls {
			accepts = accepts || c.Method() == "accept" || c.Method() == "connect"
			if asksWho(c) {
				return
			}
		}
		// A token, a cookie or an origin that is looked at.
		if analysis.Mentions(f.FunctionDef, func(id string) bool {
			return analysis.Names(id, "token", "cookies", "cookie", "origin", "authorization", "api key", "ticket", "jwt", "session token") && !analysis.Names(id, "expire", "tokenizer", "tokens")
		}) {
			return
		}
	}
	if accepts {
		p.PythonAt(webSocket, h.Func.Module, h.Func, "%s accepts whoever connects", h.Func.Name)
	}
}

// asksWho tells whether a call is about who connects, by its name. A session of
// a database is not.
func asksWho(c *pymodel.Call) bool {
	name := c.Method()
	if analysis.Names(name, "session") && !analysis.Names(name, "verify", "auth", "validate", "load session", "check", "user session", "session user") {
		return false
	}
	if name == "decode" || name == "encode" { // of bytes
		return len(c.Args) > 0 && !textual(c)
	}
	if analysis.Names(name, "user", "users") && !analysis.Names(name, "current user", "get user", "user from", "authenticate user", "load user", "find user", "require user", "verify user", "decode user", "user id", "fetch user", "resolve user", "ws user", "websocket user", "socket user") {
		return analysis.Names(name, "auth", "authenticate", "token", "verify")
	}
	return analysis.Names(name, "auth", "authenticate", "token", "user", "verify", "decode", "session")
}

func textual(c *pymodel.Call) bool {
	text, ok := c.Scope.Text(c.Args[0])
	return ok && strings.HasPrefix(strings.ToLower(text), "utf")
}

// hiddenRoute tells of a route that only its path hides.
func hiddenRoute(p *analysis.Pass, s *handler.Set, h *handler.Handler) {
	if !h.Hidden || h.Auth || s.Middleware {
		return
	}
	m := h.Func.Module
	if h.Says(inner...) || h.Says("dump", "shell", "console", "env", "trace", "profiler", "sql") {
		p.PythonSeverity(hidden, finding.Medium, m, h.Func, "%s is left out of the documentation, and open", label(h))
		return
	}
	if !s.Auth || h.Path == "" || h.Path == "/" || !h.Writes() && !touches(h) || h.Says(public...) || h.Says("metrics", "page", "html", "ui", "app", "spa", "assets", "catch all", "fallback", "redirect", "not found", "manifest", "service worker", "full path", "path") {
		return
	}
	// A page is no API.
	for _, c := range h.Func.Calls {
		if strings.HasPrefix(c.Name(), "starlette.templating.") || c.Is("starlette.responses.FileResponse", "starlette.responses.RedirectResponse", "starlette.responses.HTMLResponse") || c.Method() == "TemplateResponse" {
			return
		}
	}
	p.PythonAt(hidden, m, h.Func, "%s is left out of the documentation, and open", label(h))
}
