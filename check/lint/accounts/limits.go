package accounts

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// tried tells whether a route is one where something short is guessed: a
// password, a code, a PIN; or that sends mails to whoever is named.
func tried(h *handler.Handler) bool {
	if !h.Writes() || h.WebSocket || h.Says("logout", "revoke", "refresh", "introspect", "webhook", "callback") {
		return false
	}
	// Who holds a stolen session guesses the second factor, or the PIN.
	code := h.Says("otp", "totp", "2fa", "mfa", "pin", "passcode", "verify code", "verification code", "login code", "check code", "sms code", "second factor", "backup code")
	if code && h.Says("verify", "check", "confirm", "login", "validate", "unlock", "redeem", "authenticate", "submit", "enter") || h.Says("verify code", "check code", "verify pin", "verify otp") {
		return true
	}
	if codeTaken(h) && (h.Says("verify", "check", "confirm", "validate", "redeem") || guessed(h)) {
		return true
	}
	if len(h.Users) > 0 || len(h.Guards) > 0 {
		return false
	}
	return code || h.Says("login", "signin", "sign in", "log in", "authenticate", "forgot", "reset password", "password reset", "forgot password", "recover password", "password recovery") || slices.Contains([]string{"token", "access-token", "access_token", "tokens", "reset"}, lastOf(h.Path)) && h.Says("token", "reset")
}

// codeTaken tells whether a client sends a code, or a PIN, that is short.
func codeTaken(h *handler.Handler) bool {
	short := func(name string) bool {
		return name == "code" || analysis.Names(name, "otp", "pin", "passcode", "totp", "sms code", "verification code")
	}
	for _, x := range h.Func.Params {
		if _, dep := h.Func.ParamDep(x); dep || x.Annotation == nil {
			continue
		}
		c := h.Func.Outer.Annotation(x.Annotation).Class
		if c == nil && short(x.Name) || c != nil && slices.ContainsFunc(c.AllFields(), func(f *pymodel.Field) bool { return short(f.Name) }) && !analysis.Names(h.Path+" "+h.Func.Name, "coupon", "discount", "promo", "voucher", "gift", "invite", "country", "postal", "zip", "address") {
			return true
		}
	}
	return false
}

// guessed tells whether what is kept is compared with a PIN or a code.
func guessed(h *handler.Handler) bool {
	found := false
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare:
			if len(n.Ops) == 1 && (n.Ops[0] == pyast.Eq || n.Ops[0] == pyast.NotEq) {
				_, known := h.Func.Scope.Const(n.Comparators[0])
				found = found || !known && analysis.Names(analysis.Leaf(n.Left), "pin", "otp", "passcode") && analysis.Leaf(n.Comparators[0]) != ""
			}
		case *pyast.Call:
			found = found || analysis.Leaf(n.Func) == "compare_digest" && analysis.Mentions(n, func(id string) bool { return analysis.Names(id, "pin", "otp", "passcode") })
		}
		return !found
	})
	return found
}

// lastOf is the last part of a path that stands for no id.
func lastOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i] != "" && parts[i][0] != '{' {
			return parts[i]
		}
	}
	return ""
}

// limitedBy tells whether a limiter stands before a route, as it does before
// others: a decorator, or a dependency.
func limitedBy(h *handler.Handler) bool {
	for _, d := range h.Func.Decorators {
		if d != pyast.Expr(h.At) && limitWords(d) {
			return true
		}
	}
	for _, d := range h.Deps {
		if d.Expr != nil && limitWords(d.Expr) || limitName(d.Name[strings.LastIndexByte(d.Name, '.')+1:]) {
			return true
		}
	}
	return false
}

func limitWords(n pyast.Node) bool { return analysis.Mentions(n, limitName) }

// limitName is narrower than limits: a limit of a page is none.
func limitName(name string) bool {
	return analysis.Names(name, "limiter", "rate limit", "rate limits", "rate limiter", "ratelimit", "ratelimiter", "throttle", "throttled", "throttling", "rate limited", "limit rate", "limit login", "limit requests", "limit attempts", "brute force", "lockout")
}

// unlimited tells of each route where something is guessed that is not under
// the limiter which others are under.
func unlimited(p *analysis.Pass, s *handler.Set) (said bool) {
	if !slices.ContainsFunc(s.Handlers, limitedBy) {
		return uncounted(p, s)
	}
	for _, h := range s.Handlers {
		if tried(h) && !limitedBy(h) && !counted(h) {
			said = true
			p.PythonAt(loginUnlimited, h.Func.Module, h.Func, "other routes are under a limiter, and %s is not", h.Func.Name)
		}
	}
	return said
}

// uncounted tells of a login that counts no tries, where another one does.
func uncounted(p *analysis.Pass, s *handler.Set) (said bool) {
	var other *handler.Handler
	for _, h := range s.Handlers {
		if rank(h) >= 2 && counted(h) {
			other = h
		}
	}
	if other == nil {
		return false
	}
	for _, h := range s.Handlers {
		if rank(h) >= 2 && !counted(h) && !limitedBy(h) && passwordTaken(h) {
			said = true
			p.PythonAt(loginUnlimited, h.Func.Module, h.Func, "%s counts how often it is tried, and %s does not", other.Func.Name, h.Func.Name)
		}
	}
	return said
}

// passwordTaken tells whether a login gets a password from its client.
func passwordTaken(h *handler.Handler) bool {
	password := func(name string) bool {
		return analysis.Names(name, "password", "passwd", "passphrase", "pwd")
	}
	return slices.ContainsFunc(h.Func.Params, func(x *pymodel.Param) bool {
		if password(x.Name) {
			return true
		}
		t := h.Func.Outer.Annotation(x.Annotation)
		return strings.HasSuffix(t.Name, "PasswordRequestForm") || t.Class != nil && slices.ContainsFunc(t.Class.AllFields(), func(f *pymodel.Field) bool { return password(f.Name) })
	})
}
