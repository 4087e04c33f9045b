// Package awaits finds checks that nobody waits for.
package awaits

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

var notAwaited = &analysis.Rule{
	ID: "lint/not-awaited", Title: "A check is not awaited", Severity: finding.High,
	Refs: []string{"CWE-573", "CWE-863"},
	Text: "What an async function gives before it is awaited is a coroutine, which is always true: everybody passes, and the check itself never runs.",
	Fix:  "Write await in front of the call.",
	Bad:  "from fastapi import HTTPException\n\n\nasync def may_read(user, item):\n    return item.owner == user.id\n\n\nasync def read(user, item):\n    if not may_read(user, item):\n        raise HTTPException(403)\n    return item\n",
	Good: "from fastapi import HTTPException\n\n\nasync def may_read(user, item):\n    return item.owner == user.id\n\n\nasync def read(user, item):\n    if not await may_read(user, item):\n        raise HTTPException(403)\n    return item\n",
}

// Analyzer finds coroutines that decide.
var Analyzer = &analysis.Analyzer{Name: "awaits", Rules: []*analysis.Rule{notAwaited}, Run: run}

func run(p *analysis.Pass) {
	p.Modules(func(m *pymodel.Module) {
		l := &look{p: p, m: m, calls: map[*pyast.Call]*pymodel.Call{}, said: map[*pyast.Call]bool{}}
		for _, c := range m.Calls {
			if coroutine(c.Target(), c) {
				l.calls[c.Call] = c
			}
		}
		l.module(len(l.calls) > 0)
	})
}

// plain are decorators that leave a coroutine function one.
func plain(f *pymodel.Func) bool {
	return !slices.ContainsFunc(f.Decorators, func(d pyast.Expr) bool {
		name := analysis.Leaf(d)
		if call, ok := d.(*pyast.Call); ok {
			name = analysis.Leaf(call.Func)
		}
		switch name {
		case "staticmethod", "classmethod", "abstractmethod", "override", "wraps", "final",
			"get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket", "middleware", "exception_handler":
			return false
		}
		return true
	})
}

// coroutine tells whether a call of a function gives a coroutine.
func coroutine(f *pymodel.Func, c *pymodel.Call) bool {
	return asynchronous(f) && c.Scope.Symbol(c.Func).Binding.Count == 1
}

func asynchronous(f *pymodel.Func) bool {
	if f == nil || !f.Async || f.Module.Test || !plain(f) {
		return false
	}
	yields := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n.(type) {
		case *pyast.Yield, *pyast.YieldFrom:
			yields = true
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return false
		}
		return !yields
	})
	return !yields
}

// A look is of one module.
type look struct {
	p     *analysis.Pass
	m     *pymodel.Module
	calls map[*pyast.Call]*pymodel.Call // that give coroutines
	said  map[*pyast.Call]bool
}

func (l *look) module(any bool) {
	if any {
		l.body(l.m.Scope, l.m.File.Body)
		for _, f := range l.m.Funcs {
			l.body(f.Scope, f.Body)
		}
	}
	// all(may_read(user, i) for i in items) and filter(may_read, items).
	for _, c := range l.m.Calls {
		if c.Receiver() != nil {
			continue
		}
		switch {
		case len(c.Args) == 0:
		case c.Is("builtins.any", "builtins.all"):
			switch x := c.Args[0].(type) {
			case *pyast.GeneratorExp:
				l.decides(c.Scope, x.Elt, nil)
			case *pyast.ListComp:
				l.decides(c.Scope, x.Elt, nil)
			case *pyast.List:
				for _, e := range x.Elts {
					l.decides(c.Scope, e, nil)
				}
			}
		case c.Is("builtins.filter"):
			if b := c.Scope.Symbol(c.Args[0]).Binding; b != nil && b.Count == 1 && asynchronous(b.Func) {
				l.p.PythonSeverity(notAwaited, severity(b.Func.Name), l.m, c, "%s is async, and filter does not await it: everything passes", b.Func.Name)
			}
		case c.Is("builtins.bool"):
			l.decides(c.Scope, c.Args[0], nil)
		}
	}
}

// body looks at the statements of a function, or of the top of a module.
func (l *look) body(s *pymodel.Scope, body []pyast.Stmt) {
	pyast.Walk(body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return false
		case *pyast.If:
			l.decides(s, n.Test, body)
		case *pyast.While:
			l.decides(s, n.Test, body)
		case *pyast.IfExp:
			l.decides(s, n.Test, body)
		case *pyast.Assert:
			l.decides(s, n.Test, body)
		case *pyast.Comprehension:
			for _, e := range n.Ifs {
				l.decides(s, e, body)
			}
		case *pyast.UnaryOp:
			if n.Op == pyast.Not {
				l.decides(s, n.Operand, body)
			}
		case *pyast.BoolOp:
			// `return cached or load()` gives the coroutine on to who awaits it.
			for _, e := range n.Values[:len(n.Values)-1] {
				l.decides(s, e, body)
			}
		case *pyast.Return:
			if f := s.Func; f != nil && f.Returns != nil && n.Value != nil && f.Outer.Annotation(f.Returns).Name == "builtins.bool" {
				l.decides(s, n.Value, body)
			}
		case *pyast.ExprStmt:
			if c, ok := n.Value.(*pyast.Call); ok && l.calls[c] != nil && !l.said[c] {
				l.said[c] = true
				name := l.calls[c].Target().Name
				l.p.PythonSeverity(notAwaited, severity(name), l.m, c, "%s is async, and is not awaited: it never runs", name)
			}
		}
		return true
	})
}

// decides looks at an expression whose truth decides.
func (l *look) decides(s *pymodel.Scope, e pyast.Expr, body []pyast.Stmt) {
	switch x := e.(type) {
	case *pyast.Call:
		l.tell(x, x)
	case *pyast.BoolOp:
		for _, v := range x.Values {
			l.decides(s, v, body)
		}
	case *pyast.UnaryOp:
		if x.Op == pyast.Not {
			l.decides(s, x.Operand, body)
		}
	case *pyast.Compare:
		for _, v := range append([]pyast.Expr{x.Left}, x.Comparators...) {
			if c, ok := v.(*pyast.Call); ok {
				l.tell(c, c)
			}
		}
	case *pyast.NamedExpr:
		if c, ok := x.Value.(*pyast.Call); ok && l.calls[c] != nil {
			if name, ok := x.Target.(*pyast.Name); ok && !waits(body, name.ID) {
				l.tell(c, c)
			}
		}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at != s || b.Count != 1 || b.Param || b.With || b.Part {
			return
		}
		if c, ok := b.Value.(*pyast.Call); ok && l.calls[c] != nil && !waits(body, x.ID) {
			l.tell(c, x)
		}
	}
}

// waits tells whether a variable is awaited, or handed to something that may
// await it.
func waits(body []pyast.Stmt, name string) bool {
	found := false
	is := func(n pyast.Node) bool {
		holds := false
		pyast.Inspect(n, func(n pyast.Node) bool {
			x, ok := n.(*pyast.Name)
			holds = holds || ok && x.ID == name
			return !holds
		})
		return holds
	}
	pyast.Walk(body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Await:
			found = found || is(n.Value)
		case *pyast.Call:
			for _, a := range n.Args {
				found = found || is(a)
			}
			for _, k := range n.Keywords {
				found = found || is(k.Value)
			}
		}
		return !found
	})
	return found
}

func (l *look) tell(c *pyast.Call, at pyast.Node) {
	call := l.calls[c]
	if call == nil || l.said[c] {
		return
	}
	l.said[c] = true
	name := call.Target().Name
	l.p.PythonSeverity(notAwaited, severity(name), l.m, at, "%s is async, and is not awaited: what it gives is always true", name)
}

// severity is high where the name says that somebody is let in or kept out.
func severity(name string) finding.Severity {
	if analysis.Names(name, "auth", "authorised", "authorized", "authorise", "authorize", "authenticate", "authenticated", "allow", "allowed", "allows", "permit", "permitted", "permission", "permissions", "verify", "verified", "verifies", "check", "checks", "can", "may", "is", "has", "require", "requires", "required", "ensure", "enforce", "valid", "validate", "access", "owns", "owner", "admin", "role", "scope", "scopes", "assert", "guard", "forbid", "deny", "match", "matches", "blocked", "banned", "revoked", "limit", "throttle") {
		return finding.High
	}
	return finding.Medium
}
