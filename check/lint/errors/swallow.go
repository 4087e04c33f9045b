package errors

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// decides tells whether a function says who may do what.
func decides(name string) bool {
	return analysis.Names(name, "authenticate", "authenticated", "authorize", "authorized", "authorise", "auth", "login", "permission", "permissions", "permitted", "access", "allowed", "token", "jwt", "signature", "credentials", "admin", "role", "roles", "owner", "password", "current user", "webhook", "csrf", "api key", "apikey", "hmac", "otp", "totp", "captcha", "scope", "scopes", "session", "verify", "can access", "signed", "ownership")
}

// asks tells whether a function is a check, and not one of what is decided.
func asks(name string) bool { return decides(name) && !beside(name) }

// beside tells whether a function is about what follows a decision, or may do
// without one.
func beside(name string) bool {
	return analysis.Names(name, "refresh", "create", "revoke", "cleanup", "log", "delete", "send", "update", "save", "optional", "cache", "expire", "touch", "record", "notify", "logout", "maybe", "try", "clear", "register", "test")
}

// checks tells of an except that lets a check pass.
func checks(p *analysis.Pass, f *pymodel.Func, t *pyast.Try) {
	if ignored(p, f, t) || !asks(f.Name) {
		return
	}
	for _, h := range t.Handlers {
		if h.Type != nil && !broad(f.Scope, h.Type) {
			continue
		}
		last := h.Body[len(h.Body)-1]
		switch last := last.(type) {
		case *pyast.Return:
			if truth(f.Scope, last.Value) && !falsehoodFirst(h.Body) {
				p.PythonAt(swallowed, f.Module, h, "%s says yes when its check raises", f.Name)
			}
			continue
		case *pyast.Raise:
			continue
		}
		if name := granted(f.Scope, h.Body); name != "" {
			p.PythonAt(swallowed, f.Module, h, "%s sets %s when its check raises", f.Name, name)
			continue
		}
		if !idle(h.Body) {
			continue
		}
		if open(f, t) {
			p.PythonAt(swallowed, f.Module, h, "%s goes on when its check raises", f.Name)
		}
	}
}

// ignored tells of a check that refuses by raising, whose refusal is caught and
// forgotten: try: verify_signature(…) except Exception: pass.
func ignored(p *analysis.Pass, f *pymodel.Func, t *pyast.Try) bool {
	checks := ""
	for _, s := range t.Body {
		x, ok := s.(*pyast.ExprStmt)
		if !ok {
			continue
		}
		e := x.Value
		if a, ok := e.(*pyast.Await); ok {
			e = a.Value
		}
		if c, ok := e.(*pyast.Call); ok {
			name := analysis.Leaf(c.Func)
			if analysis.Names(name, "verify", "authorize", "authenticate", "check", "require", "ensure", "validate", "enforce", "assert") && decides(name) && !analysis.Names(name, "email", "phone", "expiry", "exists", "health") {
				checks = name
			}
		}
	}
	if checks == "" || beside(f.Name) {
		return false
	}
	for _, h := range t.Handlers {
		if (h.Type == nil || broad(f.Scope, h.Type)) && idle(h.Body) && !refused(f, t) {
			p.PythonAt(swallowed, f.Module, h, "%s goes on when %s raises", f.Name, checks)
			return true
		}
	}
	return false
}

// refused tells whether what follows a try refuses, since the try would have
// returned if all was well.
func refused(f *pymodel.Func, t *pyast.Try) bool {
	leaves, refuses := false, false
	pyast.Walk(t.Body, func(n pyast.Node) bool {
		switch n.(type) {
		case *pyast.Return, *pyast.Continue, *pyast.Break:
			leaves = true
		case *pyast.Assign:
			leaves = true // ok = True
		}
		return true
	})
	pyast.Walk(t.Orelse, func(pyast.Node) bool { leaves = true; return true })
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Raise:
			refuses = refuses || n.Pos() > t.End()
		case *pyast.Return:
			refuses = refuses || n.Pos() > t.End() && !truth(f.Scope, n.Value)
		}
		return true
	})
	return leaves && refuses
}

// granted is the name that a handler sets to True: allowed, valid.
func granted(s *pymodel.Scope, body []pyast.Stmt) string {
	for _, x := range body {
		a, ok := x.(*pyast.Assign)
		if !ok || len(a.Targets) != 1 || !truth(s, a.Value) {
			continue
		}
		if name := analysis.Leaf(a.Targets[0]); analysis.Names(name, "allowed", "valid", "authorized", "authenticated", "verified", "ok", "permitted", "admin", "passed", "granted", "access", "matches", "trusted", "result") {
			return name
		}
	}
	return ""
}

func truth(s *pymodel.Scope, e pyast.Expr) bool { return e != nil && s.Is(e, pyast.True) }

// falsehoodFirst tells whether a handler returns in another way too.
func falsehoodFirst(body []pyast.Stmt) bool {
	n := 0
	pyast.Walk(body, func(x pyast.Node) bool {
		switch x.(type) {
		case *pyast.Return, *pyast.Raise:
			n++
		}
		return true
	})
	return n > 1
}

// idle tells whether a handler does nothing but log.
func idle(body []pyast.Stmt) bool {
	for _, s := range body {
		switch s := s.(type) {
		case *pyast.Pass, *pyast.Continue:
		case *pyast.ExprStmt:
			c, ok := s.Value.(*pyast.Call)
			if !ok {
				if _, text := s.Value.(*pyast.Constant); text {
					continue
				}
				return false
			}
			switch f := c.Func.(type) {
			case *pyast.Name:
				if f.ID != "print" {
					return false
				}
			case *pyast.Attribute:
				if !analysis.Names(analysis.Leaf(f.Value), "logger", "log", "logging") {
					return false
				}
			}
		default:
			return false
		}
	}
	return true
}

// open tells whether what follows a try says yes: it returns True and refuses
// nowhere, or there is nothing, and the function refuses by raising.
func open(f *pymodel.Func, t *pyast.Try) bool {
	refuses, yes, follows := false, false, false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		s, ok := n.(pyast.Stmt)
		if !ok {
			return true
		}
		if s.Pos() < t.End() {
			return true
		}
		follows = true
		switch s := s.(type) {
		case *pyast.Raise:
			refuses = true
		case *pyast.Return:
			if truth(f.Scope, s.Value) {
				yes = true
			} else {
				refuses = true
			}
		}
		return true
	})
	if follows {
		return yes && !refuses
	}
	// def require_admin(user): try: … raise … except Exception: pass
	raises, returns := false, false
	pyast.Walk(t.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Raise:
			raises = true
		case *pyast.Return:
			returns = true
		case *pyast.Call:
			if name := analysis.Leaf(n.Func); analysis.Names(name, "verify", "check", "require", "authorize", "decode", "validate", "assert") {
				raises = true
			}
		}
		return true
	})
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if r, ok := n.(*pyast.Return); ok && r.Value != nil {
			returns = true
		}
		return true
	})
	return raises && !returns
}
