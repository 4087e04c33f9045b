// Package accounts finds what is wrong where users log in, register, and get
// their password back.
package accounts

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// Analyzer looks at accounts.
var Analyzer = &analysis.Analyzer{
	Name:  "accounts",
	Rules: []*analysis.Rule{unthrottled, loginUnlimited, inQuery, resetReturned, weakOTP, defaultAccount, hardcodedCheck, changeNoCurrent, bypass, logoutIdle, checkSkipped, revocationOff},
	Run:   run,
}

func run(p *analysis.Pass) {
	s := handler.Read(p)
	throttles(p, s)
	for _, h := range s.Handlers {
		queries(p, h)
		resets(p, h)
		changes(p, h)
		logouts(p, h)
		skipped(p, h)
	}
	p.Funcs(func(f *pymodel.Func) {
		if s.Dependencies[f] {
			parameters(p, f, nil)
		}
	})
	p.Calls(func(c *pymodel.Call) {
		urls(p, c)
		codes(p, c)
		seeds(p, c)
	})
	constants(p)
	revocations(p)
	p.Modules(func(m *pymodel.Module) { checks(p, m) })
	p.Funcs(func(f *pymodel.Func) { around(p, f) })
}

// throttles tells once of a login that nothing limits.
func throttles(p *analysis.Pass, s *handler.Set) {
	if p.Guarded(unthrottled) {
		return
	}
	limits, decorated := limiter(p)
	if decorated || !outside(p) && unlimited(p, s) {
		return
	}
	var login *handler.Handler
	best := 0
	for _, h := range s.Handlers {
		if n := rank(h); n > best {
			login, best = h, n
		}
	}
	if login == nil {
		return
	}
	if !limits && (outside(p) || counted(login)) || limited(login) {
		return
	}
	if limits {
		p.PythonAt(unthrottled, login.Func.Module, login.Func, "there is a limiter, and %s is not under it", login.Func.Name)
		return
	}
	p.PythonAt(unthrottled, login.Func.Module, login.Func, "nothing counts how often %s is tried", login.Func.Name)
}

// rank tells how much a route is the one by which users log in.
func rank(h *handler.Handler) int {
	switch {
	case !h.Writes() || h.Says("logout", "revoke", "refresh") || len(h.Users) > 0 || len(h.Guards) > 0:
		return 0
	case h.Says("login", "signin", "sign in", "authenticate"):
		return 3
	case h.Says("token", "access token"):
		return 2
	case h.Says("forgot", "otp", "reset password"):
		return 1
	}
	return 0
}

func limits(name string) bool {
	return analysis.Names(name, "limiter", "rate limit", "rate limiter", "ratelimit", "ratelimiter", "throttle", "throttled", "throttling", "lockout", "slowapi", "slow api", "brute force", "failed attempts", "login attempts", "attempts", "rate limited", "too many requests", "limit login", "fail count", "failed logins", "locked at", "locked until", "limit")
}

// limiter tells whether the project has a limiter, and whether it holds for
// all routes.
func limiter(p *analysis.Pass) (has, all bool) {
	p.Modules(func(m *pymodel.Module) {
		for _, b := range m.Scope.Names {
			for _, lib := range []string{"slowapi", "fastapi_limiter", "limits", "pyrate_limiter", "ratelimit", "aiolimiter", "throttled", "asgi_ratelimit", "fastapi_throttle", "fastapi_guard", "guard", "ratelimiter", "starlette_rate_limiter"} {
				top, _, _ := strings.Cut(b.Import, ".")
				has = has || top == lib
			}
		}
		for _, c := range m.Calls {
			if c.Keyword("default_limits") != nil || c.Keyword("application_limits") != nil {
				all = true
			}
		}
	})
	p.Apps(func(a *pymodel.App) {
		for _, m := range a.Middleware {
			switch n := m.Name[strings.LastIndexByte(m.Name, '.')+1:]; {
			case analysis.Names(n, "body", "size", "upload", "content length", "payload"):
				// It limits something else.
			case m.Func != nil: // @app.middleware("http"): what it does is seen
				all = all || limits(m.Func.Name) || turnsAway(m.Func)
			case m.Class != nil:
				all = all || limits(n) || slices.ContainsFunc(m.Class.Module.Funcs, func(f *pymodel.Func) bool { return f.Class == m.Class && turnsAway(f) })
			case n != "SlowAPIMiddleware" && n != "SlowAPIASGIMiddleware":
				all = all || n == "" || analysis.Names(n, "rate", "limiter", "rate limit", "throttle", "throttling", "guard", "ratelimit")
			}
		}
	})
	return has, all
}

// limited tells whether a limiter stands before a route, or in it.
func limited(h *handler.Handler) bool {
	for _, d := range h.Func.Decorators {
		if analysis.Mentions(d, limits) && d != pyast.Expr(h.At) {
			return true
		}
	}
	for _, d := range h.Deps {
		if limits(d.Name) || d.Expr != nil && analysis.Mentions(d.Expr, limits) {
			return true
		}
	}
	return counted(h)
}

// counted tells whether the handler counts tries by itself.
func counted(h *handler.Handler) bool { return slices.ContainsFunc(h.Own, turnsAway) }

// turnsAway tells whether a function counts, or answers 429.
func turnsAway(f *pymodel.Func) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Name:
			found = found || limits(n.ID) && n.ID != "limit"
		case *pyast.Attribute:
			found = found || limits(n.Attr) && n.Attr != "limit"
		case *pyast.Constant:
			found = found || n.Kind == pyast.Int && n.Value == "429"
		}
		return !found
	})
	return found
}

// outside tells whether what stands in front limits.
func outside(p *analysis.Pass) bool {
	if p.Deploy == nil {
		return false
	}
	for _, n := range p.Deploy.Nginx {
		if len(n.All("limit_req")) > 0 {
			return true
		}
	}
	return false
}

// secretParam tells whether a parameter is a secret by its name. A page_token
// is none.
func secretParam(name string) bool {
	switch strings.ToLower(strings.ReplaceAll(name, "-", "_")) {
	case "token", "access_token", "api_key", "apikey", "password", "passwd", "pwd", "secret", "jwt", "auth_token", "session_token", "refresh_token", "bearer_token", "api_token", "auth", "secret_key", "new_password", "old_password", "current_password", "x_api_key", "api_secret", "client_secret", "session_id", "admin_token", "admin_key", "user_password", "bearer", "private_key":
		return true
	}
	return false
}

// mailed are routes that a link in a mail leads to: its code is good once.
var mailed = []string{"verify", "verification", "confirm", "confirmation", "activate", "activation", "reset", "unsubscribe", "invite", "invitation", "invitations", "magic", "callback", "download", "share", "shared", "preview", "accept", "optout", "ical", "feed", "recover", "recovery", "email", "signed", "validate", "join", "stream", "webhook", "zip", "exports", "file", "files", "media"}

func queries(p *analysis.Pass, h *handler.Handler) { parameters(p, h.Func, h) }

// parameters tells of a secret that is a parameter of the query.
func parameters(p *analysis.Pass, f *pymodel.Func, h *handler.Handler) {
	if f.Module.Test {
		return
	}
	for i, param := range f.Params {
		if i == 0 && (param.Name == "self" || param.Name == "cls") {
			continue
		}
		name, written := handler.Sent(f, param, "Query")
		if !written {
			name = param.Name
			if !plainQuery(f, param) || h != nil && (strings.Contains(h.Path, "{"+name+"}") || strings.Contains(h.Path, "{"+name+":")) {
				continue
			}
			// A function that is no route's own may be called by others.
			if h == nil && called(p, f) {
				continue
			}
		}
		if !secretParam(name) {
			continue
		}
		once := name == "token" || name == "secret"
		if once && (h != nil && h.Says(mailed...) || h == nil && analysis.Names(f.Name, mailed...)) || name == "session_id" && h != nil {
			continue
		}
		if h != nil && h.WebSocket {
			p.PythonSeverity(inQuery, low, f.Module, param.Node, "%s takes %s from the address; browsers leave no other way but a cookie, or the first message", f.Name, name)
			continue
		}
		p.PythonAt(inQuery, f.Module, param.Node, "%s takes %s from the address", f.Name, name)
	}
}

// plainQuery tells whether FastAPI takes a parameter from the query without
// being told so.
func plainQuery(f *pymodel.Func, param *pymodel.Param) bool {
	if _, dep := f.ParamDep(param); dep {
		return false
	}
	if _, ok := param.Default.(*pyast.Call); ok {
		return false
	}
	if param.Annotation == nil {
		return false
	}
	if list, _ := f.Outer.Annotated(param.Annotation); len(list) > 0 {
		return false
	}
	return f.Outer.Annotation(param.Annotation).Name == "builtins.str"
}

// called tells whether a function is called, with arguments, by others.
func called(p *analysis.Pass, f *pymodel.Func) bool {
	found := false
	p.Calls(func(c *pymodel.Call) {
		if !found && c.Method() == f.Name && len(c.Args)+len(c.Keywords) > 0 && c.Target() == f {
			found = true
		}
	})
	return found
}

// urls tells of what is read from the query by hand.
func urls(p *analysis.Pass, c *pymodel.Call) {
	if c.Is("fastapi.security.APIKeyQuery", "fastapi.security.api_key.APIKeyQuery") {
		p.PythonAt(inQuery, c.Module, c, "APIKeyQuery takes the key from the address")
		return
	}
	if c.Method() != "get" || len(c.Args) == 0 || analysis.Leaf(c.Receiver()) != "query_params" {
		return
	}
	name, ok := c.Scope.Text(c.Args[0])
	f := c.Scope.Enclosing()
	if !ok || !secretParam(name) || f != nil && analysis.Names(f.Name, mailed...) {
		return
	}
	if a, ok := c.Receiver().(*pyast.Attribute); ok && analysis.Names(analysis.Leaf(a.Value), "websocket", "ws", "socket") {
		p.PythonSeverity(inQuery, low, c.Module, c, "%s is taken from the address", name)
		return
	}
	p.PythonAt(inQuery, c.Module, c, "%s is taken from the address", name)
}
