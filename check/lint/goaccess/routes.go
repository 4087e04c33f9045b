package goaccess

import (
	"go/ast"
	"net/http"
	"path"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

// open finds routes that nothing stands before, where their like are closed.
func open(p *analysis.Pass, routes []*gomodel.Route) {
	closed := map[*gomodel.Route]bool{}
	any := false
	for _, r := range routes {
		for _, w := range r.Wrappers {
			if w.Name == "" || asks(w.Name) || deep(w) {
				closed[r] = true
			}
		}
		any = any || closed[r]
	}
	said := map[string]bool{}
	for _, r := range routes {
		if closed[r] || public(r) || !receiverKnown(r) {
			continue
		}
		key := r.Path + " " + r.Method
		if said[key] || r.File.Package == nil {
			continue
		}
		switch {
		case administrative(r.Path) && !checksItself(r):
			s := finding.High
			if !any {
				s = finding.Medium // perhaps something in front asks
			}
			said[key] = true
			p.GoSeverity(noAuth, s, r.File, r.Call, "%s is for administrators by its name, and nothing asks who is there", shown(r))
		case any && writes(r.Method):
			if like := sibling(r, routes, closed); like != nil && !checksItself(r) {
				said[key] = true
				p.GoAt(noAuth, r.File, r.Call, "%s is open, while %s asks who is there", shown(r), shown(like))
			}
		}
	}
}

// deep tells whether a middleware asks, whatever it is called.
func deep(w gomodel.Wrapper) bool {
	for _, fn := range w.Funcs {
		for _, in := range fn.Reached(1) {
			if reads(in) {
				return true
			}
			if analysis.GoMentions(in.Node, func(id string) bool { return id == "StatusUnauthorized" || id == "StatusForbidden" }) {
				return true
			}
		}
	}
	return false
}

func shown(r *gomodel.Route) string {
	return strings.TrimSpace(r.Method + " " + r.Path)
}

func writes(method string) bool {
	switch method {
	case "POST", "PUT", "PATCH", "DELETE":
		return true
	}
	return false
}

// segments are the words of a path that are not parameters.
func segments(p string) []string {
	var out []string
	for s := range strings.SplitSeq(strings.Trim(p, "/"), "/") {
		if s != "" && !param(s) {
			out = append(out, s)
		}
	}
	return out
}

func param(s string) bool { return s[0] == '{' || s[0] == ':' || s[0] == '*' || s[0] == '<' }

func administrative(p string) bool {
	for _, s := range segments(p) {
		if analysis.Names(strings.ReplaceAll(s, "-", "_"), "admin", "administration", "administrator", "superuser", "backoffice") {
			return true
		}
	}
	return false
}

// public tells whether a route is one that everybody may use, by its name.
func public(r *gomodel.Route) bool {
	for _, s := range segments(r.Path) {
		if analysis.Names(strings.ReplaceAll(s, "-", "_"), "login", "signin", "sign in", "register", "signup", "sign up", "registration", "health", "healthz", "readyz", "livez", "ready", "live", "ping", "metrics", "webhook", "webhooks", "hook", "hooks", "callback", "oauth", "oauth2", "static", "assets", "docs", "swagger", "forgot", "reset", "refresh", "public", "version", "logout", "token", "tokens", "contact", "newsletter", "verify", "activate", "confirm", "captcha", "auth", "sso", "saml", "oidc", "status", "setup", "bootstrap", "events", "track", "search", "favicon.ico", "connect", "session", "sessions", "otp", "password") {
			return true
		}
	}
	if len(r.Handlers) > 0 && analysis.Names(r.Handlers[0].Name, "login", "signin", "sign in", "register", "signup", "sign up", "webhook", "callback", "index", "page") {
		return true
	}
	return false
}

// sibling is a route of the same thing that is closed: the same path with
// another method that writes or reads, or with a parameter more or less.
func sibling(r *gomodel.Route, routes []*gomodel.Route, closed map[*gomodel.Route]bool) *gomodel.Route {
	own := strings.Join(segments(r.Path), "/")
	if own == "" {
		return nil
	}
	for _, o := range routes {
		if !closed[o] || o.File.Package != r.File.Package || o == r {
			continue
		}
		if strings.Join(segments(o.Path), "/") != own {
			continue
		}
		// To create is often open where to change is not, and the other way
		// round is a mistake.
		if r.Method != http.MethodPost || o.Method == http.MethodPost || o.Method == http.MethodGet || o.Method == "" {
			return o
		}
	}
	return nil
}

// private tells whether what a path names is somebody's, by its words.
func private(p string) bool {
	list := segments(p)
	params := false
	for s := range strings.SplitSeq(strings.Trim(p, "/"), "/") {
		params = params || s != "" && param(s)
	}
	if !params {
		return false
	}
	for _, s := range list {
		if analysis.Names(strings.ReplaceAll(s, "-", "_"), "order", "orders", "account", "accounts", "invoice", "invoices", "document", "documents", "note", "notes", "message", "messages", "payment", "payments", "card", "cards", "profile", "profiles", "transaction", "transactions", "address", "addresses", "file", "files", "report", "reports", "todo", "todos", "task", "tasks", "booking", "bookings", "ticket", "tickets", "wallet", "wallets", "medical", "record", "records", "statement", "statements", "cart", "carts", "subscription", "subscriptions", "user", "users", "patient", "patients", "customer", "customers", "appointment", "appointments", "prescription", "prescriptions", "loan", "loans", "photo", "photos", "album", "albums", "contract", "contracts", "receipt", "receipts") {
			return true
		}
	}
	return false
}

// logins tells once an application of a login that nothing slows down.
func logins(p *analysis.Pass, routes []*gomodel.Route) {
	if p.Guarded(unthrottled) {
		return
	}
	var first *gomodel.Route
	for _, r := range routes {
		if loginRoute(r) && first == nil {
			first = r
		}
	}
	if first == nil || slowed(p) {
		return
	}
	p.GoAt(unthrottled, first.File, first.Call, "%s may be called as often as one likes", shown(first))
}

func loginRoute(r *gomodel.Route) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return false
	}
	last := strings.ReplaceAll(path.Base(r.Path), "-", "_")
	if analysis.Names(last, "login", "signin", "sign in", "authenticate") {
		return !strings.Contains(r.Path, "oauth")
	}
	if len(r.Handlers) != 1 {
		return false
	}
	name := r.Handlers[0].Name
	return analysis.Names(name, "login", "sign in", "signin", "authenticate") && !analysis.Names(name, "page", "form", "callback", "oauth") && (r.Method == http.MethodPost || analysis.Names(last, "token", "session", "sessions"))
}

// slowed tells whether something in the program counts attempts.
func slowed(p *analysis.Pass) bool {
	for _, f := range p.Go.Files {
		if f.Test {
			continue
		}
		if f.Imports("golang.org/x/time/rate", "github.com/ulule/limiter", "github.com/didip/tollbooth", "github.com/go-chi/httprate", "github.com/gofiber/fiber/middleware/limiter", "github.com/throttled/throttled", "go.uber.org/ratelimit", "github.com/sethvargo/go-limiter/httplimit", "github.com/JGLTechnologies/gin-rate-limit", "github.com/go-redis/redis_rate", "github.com/juju/ratelimit") {
			return true
		}
		found := false
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				found = found || analysis.Names(id.Name, "rate limit", "rate limiter", "ratelimit", "ratelimiter", "limiter", "throttle", "throttled", "throttler", "attempts", "lockout", "locked until", "failed logins", "failed attempts", "login failures", "too many", "captcha", "brute force", "rate")
			}
			return !found
		})
		if found {
			return true
		}
	}
	return false
}
