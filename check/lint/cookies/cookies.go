// Package cookies finds sessions in cookies that others read, or make the
// browser send.
package cookies

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at cookies that hold sessions.
var Analyzer = &analysis.Analyzer{Name: "cookies", Rules: []*analysis.Rule{flags, domain, session, csrf, csrfSibling}, Run: run}

func run(p *analysis.Pass) {
	p.Calls(func(c *pymodel.Call) {
		switch {
		case c.Method() == "set_cookie" && c.Receiver() != nil && len(c.Args)+len(c.Keywords) > 1:
			set(p, c)
		case strings.HasSuffix(c.Name(), "fastapi_users.authentication.CookieTransport"):
			transport(p, c)
		case c.Method() == "append" || c.Method() == "setdefault":
			if a, ok := c.Receiver().(*pyast.Attribute); ok && a.Attr == "headers" {
				header(p, c.Scope, c.Arg(0, "key"), c.Arg(1, "value"), c.Call)
			}
		}
		if d, at := c.Scope.Dict(c.Keyword("headers")); d != nil {
			for i, k := range d.Keys {
				header(p, at, k, d.Values[i], c.Call)
			}
		}
	})
	p.Modules(func(m *pymodel.Module) {
		for _, a := range m.Assigns {
			for _, t := range a.Node.Targets {
				if sub, ok := t.(*pyast.Subscript); ok {
					if of, ok := sub.Value.(*pyast.Attribute); ok && of.Attr == "headers" {
						header(p, a.Scope, sub.Slice, a.Node.Value, a.Node)
					}
				}
			}
		}
	})
	p.Apps(func(a *pymodel.App) {
		for _, m := range a.Middleware {
			if m.Name == "starlette.middleware.sessions.SessionMiddleware" {
				sessions(p, m)
			}
		}
	})
	forgery(p)
	siblings(p)
}

// holds tells whether a name is of a cookie that says who calls.
func holds(name string) bool {
	return analysis.Names(name, "session", "sessionid", "sid", "token", "jwt", "auth", "authorization", "access", "refresh", "remember", "user", "bearer", "sess", "credentials", "identity", "api key", "apikey") &&
		!analysis.Names(name, "csrf", "xsrf", "csrftoken", "xsrftoken", "theme", "lang", "language", "consent", "preferences", "method", "hint", "last", "redirect", "next", "state", "timezone")
}

// kind tells whether a cookie holds a session, and how it is called.
func kind(s *pymodel.Scope, key, value pyast.Expr) (name string, is bool) {
	name, known := s.Text(key)
	if !known {
		name = analysis.Leaf(key)
	}
	if known || holds(name) {
		return name, holds(name)
	}
	if analysis.Names(name, "csrf", "xsrf", "state", "consent", "theme") {
		return name, false
	}
	// set(response, name, value): what goes in, and what does it, tell.
	if holds(analysis.Leaf(value)) {
		return name, true
	}
	f := s.Enclosing()
	return name, f != nil && holds(f.Name)
}

// option is an argument of set_cookie, of which some may come as **options.
func option(c *pymodel.Call, i int, name string) (e pyast.Expr, s *pymodel.Scope, known bool) {
	if e := c.Arg(i, name); e != nil {
		return e, c.Scope, true
	}
	known = true
	for _, k := range c.Keywords {
		if k.Name != "" {
			continue
		}
		d, at := c.Scope.Dict(k.Value)
		if d == nil || slices.Contains(d.Keys, nil) {
			known = false
			continue
		}
		if e := at.Entry(d, name); e != nil {
			return e, at, true
		}
	}
	return nil, c.Scope, known
}

func set(p *analysis.Pass, c *pymodel.Call) {
	if r := analysis.Leaf(c.Receiver()); analysis.Names(r, "client", "driver", "browser", "jar") {
		return
	}
	name, is := kind(c.Scope, c.Arg(0, "key"), c.Arg(1, "value"))
	if !is {
		return
	}
	off := func(i int, key string) bool {
		e, s, known := option(c, i, key)
		if e == nil {
			return known
		}
		return s.Is(e, pyast.False) || s.Is(e, pyast.None)
	}
	secure := off(6, "secure")
	var lacks []string
	if secure {
		lacks = append(lacks, "Secure")
	}
	if off(7, "httponly") {
		lacks = append(lacks, "HttpOnly")
	}
	if e, s, _ := option(c, 8, "samesite"); e != nil {
		// samesite=None writes none at all.
		if t, ok := s.Text(e); ok && strings.EqualFold(t, "none") && secure || s.Is(e, pyast.None) {
			lacks = append(lacks, "SameSite")
		}
	}
	if len(lacks) > 0 {
		p.PythonAt(flags, c.Module, c, "the cookie %s lacks %s", label(name), strings.Join(lacks, " and "))
	}
	if e, s, _ := option(c, 5, "domain"); e != nil {
		if d, ok := s.Text(e); ok && strings.Contains(strings.TrimPrefix(d, "."), ".") {
			p.PythonAt(domain, c.Module, c, "the cookie %s goes to every host of %s", label(name), strings.TrimPrefix(d, "."))
		}
	}
}

func label(name string) string {
	if name == "" {
		return "of the session"
	}
	return name
}

func transport(p *analysis.Pass, c *pymodel.Call) {
	var lacks []string
	if c.Scope.Is(c.Keyword("cookie_secure"), pyast.False) {
		lacks = append(lacks, "Secure")
	}
	if c.Scope.Is(c.Keyword("cookie_httponly"), pyast.False) {
		lacks = append(lacks, "HttpOnly")
	}
	if len(lacks) > 0 {
		p.PythonAt(flags, c.Module, c, "the cookie of the session lacks %s", strings.Join(lacks, " and "))
	}
}

// header looks at a Set-Cookie that is written by hand.
func header(p *analysis.Pass, s *pymodel.Scope, key, value pyast.Expr, at pyast.Node) {
	if name, ok := s.Text(key); key == nil || !ok || !strings.EqualFold(name, "set-cookie") {
		return
	}
	text, all := written(s, value)
	name, rest, ok := strings.Cut(text, "=")
	if !all || !ok || !holds(name) {
		return
	}
	rest = strings.ToLower(rest)
	var lacks []string
	for _, f := range []string{"Secure", "HttpOnly"} {
		if !strings.Contains(rest, strings.ToLower(f)) {
			lacks = append(lacks, f)
		}
	}
	if len(lacks) > 0 {
		p.PythonAt(flags, s.Module, at, "the cookie %s lacks %s", name, strings.Join(lacks, " and "))
	}
}

// written is what is known of a text; all tells that the rest of it is values.
func written(s *pymodel.Scope, e pyast.Expr) (text string, all bool) {
	if n, ok := e.(*pyast.Name); ok {
		if b, at := s.Lookup(n.ID); b != nil && b.Value != nil && b.Count == 1 && !b.Part && at.Func != nil {
			return written(at, b.Value)
		}
	}
	for _, piece := range s.Pieces(e) {
		text += piece.Text
		if piece.Expr != nil {
			text += "?"
		}
	}
	return text, true
}

func sessions(p *analysis.Pass, m *pymodel.Middleware) {
	if slices.ContainsFunc(m.Args, func(k *pyast.Keyword) bool { return k.Name == "" }) {
		return
	}
	key := m.Arg("secret_key")
	if key != nil {
		if made, ok := key.(*pyast.Call); ok && m.Scope.FromEnvironment(made) {
			if d, known := m.Scope.Text(pymodel.Arg(made, 1, "default")); known && d != "" {
				p.PythonSeverity(session, finding.High, m.Scope.Module, m.Call, "sessions are signed with a key of the source where the environment has none")
			}
		} else if t, ok := m.Scope.Text(key); ok && t != "" {
			p.PythonSeverity(session, finding.High, m.Scope.Module, m.Call, "sessions are signed with a key that is in the source")
		}
	}
	if e := m.Arg("https_only"); e == nil || m.Scope.Is(e, pyast.False) {
		p.PythonAt(session, m.Scope.Module, m.Call, "the session's cookie goes over plain HTTP: https_only is not set")
	}
}

// forgery tells once of an application that knows its users by a cookie, and
// writes for them without asking where the request came from.
func forgery(p *analysis.Pass) {
	if p.Guarded(csrf) {
		return
	}
	writes := false
	p.Routes(func(r *pymodel.Route) { writes = writes || r.Writes() })
	if !writes || defended(p) {
		return
	}
	where, what := evidence(p)
	if where == nil {
		return
	}
	var app *pymodel.App
	nearest := -1
	for _, a := range p.MainApps() {
		if n := shared(a.Module.Path, where.Path); n > nearest {
			app, nearest = a, n
		}
	}
	if app != nil {
		p.PythonAt(csrf, app.Module, app, "%s says who calls (%s), and nothing asks where a write came from", what, where.Path)
	}
}

func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return strings.Count(a[:n], "/")
}

// defended tells whether the project knows of forgery: it names it somewhere,
// or its cookies are strict.
func defended(p *analysis.Pass) bool {
	found := false
	known := func(name string) bool {
		if !strings.ContainsAny(name, "fF") {
			return false // as nearly all
		}
		lower := strings.ToLower(name)
		return strings.Contains(lower, "csrf") || strings.Contains(lower, "xsrf") || strings.Contains(lower, "sec-fetch-site") || strings.Contains(lower, "sec_fetch_site")
	}
	p.Modules(func(m *pymodel.Module) {
		for _, b := range m.Scope.Names {
			found = found || known(b.Import)
		}
		pyast.Walk(m.File.Body, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.Constant:
				found = found || n.Kind == pyast.Str && len(n.Value) < 60 && known(n.Value)
			case *pyast.Name:
				found = found || known(n.ID)
			case *pyast.Attribute:
				found = found || known(n.Attr)
			case *pyast.FunctionDef:
				found = found || known(n.Name) || analysis.Names(n.Name, "verify origin", "check origin", "same origin", "require same origin")
			case *pyast.ClassDef:
				found = found || known(n.Name) || analysis.Names(n.Name, "origin middleware", "same origin")
			case *pyast.Keyword:
				if n.Name == "samesite" || n.Name == "same_site" || n.Name == "cookie_samesite" {
					if c, ok := n.Value.(*pyast.Constant); ok && strings.EqualFold(c.Value, "strict") {
						found = true
					}
				}
			}
			return !found
		})
	})
	return found
}

// evidence is where a cookie is read that says who calls.
func evidence(p *analysis.Pass) (where *pymodel.Module, what string) {
	say := func(m *pymodel.Module, text string) {
		if where == nil {
			where, what = m, text
		}
	}
	p.Calls(func(c *pymodel.Call) {
		switch {
		case c.Is("fastapi.security.APIKeyCookie"), strings.HasSuffix(c.Name(), "fastapi_users.authentication.CookieTransport"):
			say(c.Module, "a cookie")
		case c.Method() == "get" && len(c.Args) > 0:
			if name, ok := c.Scope.Text(c.Args[0]); ok && of(c.Receiver(), "cookies") && holds(name) && !reading(c.Module, c.Call) {
				say(c.Module, "the cookie "+name)
			}
			if name, ok := c.Scope.Text(c.Args[0]); ok && of(c.Receiver(), "session") && person(name) && !reading(c.Module, c.Call) {
				say(c.Module, "the session's cookie")
			}
		}
	})
	p.Modules(func(m *pymodel.Module) {
		pyast.Walk(m.File.Body, func(n pyast.Node) bool {
			sub, ok := n.(*pyast.Subscript)
			if !ok {
				return true
			}
			name, ok := m.Scope.Text(sub.Slice)
			switch {
			case ok && of(sub.Value, "cookies") && holds(name) && !reading(m, sub):
				say(m, "the cookie "+name)
			case ok && of(sub.Value, "session") && person(name) && !reading(m, sub):
				say(m, "the session's cookie")
			}
			return true
		})
		for _, f := range m.Funcs {
			for _, prm := range f.Params {
				list, at := f.Outer.Annotated(prm.Annotation)
				list, at2 := append(slices.Clone(list), prm.Default), f.Outer
				for i, e := range list {
					c, ok := e.(*pyast.Call)
					if !ok {
						continue
					}
					s := at
					if i == len(list)-1 {
						s = at2
					}
					if s.Qualified(c.Func) != "fastapi.Cookie" {
						continue
					}
					name := prm.Name
					if alias, ok := s.Text(pymodel.Keyword(c, "alias")); ok {
						name = alias
					}
					if holds(name) && !namedOnly(f, prm.Name) {
						say(m, "the cookie "+name)
					}
				}
			}
		}
	})
	return where, what
}

// of tells whether a value is an attribute of the request.
func of(e pyast.Expr, attr string) bool {
	a, ok := e.(*pyast.Attribute)
	if !ok || a.Attr != attr {
		return false
	}
	return analysis.Names(analysis.Leaf(a.Value), "request", "req", "websocket", "connection", "conn")
}

func person(key string) bool {
	return analysis.Names(key, "user", "userid", "username", "uid", "email", "account", "logged in", "authenticated", "admin", "login", "token", "role")
}
