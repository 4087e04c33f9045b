package output

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

func redirects(p *analysis.Pass, c *pymodel.Call) {
	switch c.Name() {
	case "starlette.responses.RedirectResponse":
		target(p, c.Scope, c.Arg(0, "url"), c.Call)
	case "flask.redirect", "django.shortcuts.redirect", "aiohttp.web.HTTPFound", "aiohttp.web.HTTPSeeOther":
		target(p, c.Scope, c.Arg(0, "location"), c.Call)
	default:
		if sym := c.Scope.Symbol(c.Func); sym.Binding != nil && sym.Binding.Class != nil && sym.Binding.Class.IsA("starlette.responses.RedirectResponse") && sym.Binding.Class.Scope.Names["__init__"] == nil {
			target(p, c.Scope, c.Arg(0, "url"), c.Call)
		}
	}
}

func target(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, at pyast.Node) {
	if names(p, s, e, 0) {
		p.PythonAt(redirect, s.Module, at, "the request says where the browser is sent, and may name another host")
	}
}

// names tells whether text of the request may name the host of a URL.
func names(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if e == nil || depth > 12 || p.Python.Level(s, e) != pymodel.Tainted || ofURL(s, e) {
		return false
	}
	depth++
	anyOf := func(list ...pyast.Expr) bool {
		return slices.ContainsFunc(list, func(x pyast.Expr) bool { return names(p, s, x, depth) })
	}
	switch e := e.(type) {
	case *pyast.JoinedStr:
		return parts(p, s, e.Values, depth)
	case *pyast.BinOp:
		if e.Op == pyast.Mod {
			if text, ok := s.Text(e.Left); ok {
				before, _, _ := strings.Cut(text, "%")
				arg := e.Right
				if t, isTuple := arg.(*pyast.Tuple); isTuple && len(t.Elts) > 0 {
					arg = t.Elts[0]
				}
				return parts(p, s, []pyast.Expr{&pyast.Constant{Kind: pyast.Str, Value: before}, arg}, depth)
			}
		}
		return parts(p, s, sum(e), depth)
	case *pyast.BoolOp:
		return anyOf(e.Values...)
	case *pyast.IfExp:
		return anyOf(e.Body, e.Orelse)
	case *pyast.Await:
		return names(p, s, e.Value, depth)
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		if checks(s, e.ID) || at.Func != nil && fromHeader(at.Func, e.ID) {
			return false
		}
		list := defs(s, e)
		if len(list) == 0 || b.Param {
			return true
		}
		if b.Part && len(list) == 1 {
			// One of several that a call gives: it is not known which.
			x := list[0]
			if w, ok := x.(*pyast.Await); ok {
				x = w.Value
			}
			if c, ok := x.(*pyast.Call); ok {
				return callee(s, c) == nil && p.Python.Level(s, c.Func) == pymodel.Tainted
			}
		}
		return slices.ContainsFunc(list, func(x pyast.Expr) bool { return !pymodel.Uses(x, e.ID) && names(p, at, x, depth) })
	case *pyast.Attribute:
		return !checks(s, pymodel.Dotted(e)) && comes(p, s, e, depth)
	case *pyast.Subscript:
		return comes(p, s, e.Value, depth)
	case *pyast.Call:
		return called(p, s, e, depth)
	}
	return true
}

func called(p *analysis.Pass, s *pymodel.Scope, c *pyast.Call, depth int) bool {
	name := analysis.Leaf(c.Func)
	attr, isAttr := c.Func.(*pyast.Attribute)
	if isAttr {
		name = attr.Attr
	}
	if to := callee(s, c); to != nil {
		found := false
		eachReturn(to, func(x pyast.Expr) { found = found || names(p, to.Scope, x, depth) })
		return found
	}
	switch name {
	case "urlencode", "quote", "quote_plus", "url_for", "url_path_for", "include_query_params":
		return false
	case "format":
		if text, ok := s.Text(attr.Value); ok && len(c.Args) > 0 {
			before, _, _ := strings.Cut(text, "{")
			return parts(p, s, []pyast.Expr{&pyast.Constant{Kind: pyast.Str, Value: before}, c.Args[0]}, depth)
		}
	}
	if analysis.Names(name, "safe", "validate", "validated", "sanitize", "check", "checked", "allowed", "relative", "local", "internal") {
		return false
	}
	if isAttr && (name == "get" || name == "pop") {
		return !ofURL(s, attr.Value) && comes(p, s, attr.Value, depth)
	}
	if isAttr && p.Python.Level(s, attr.Value) == pymodel.Tainted {
		return names(p, s, attr.Value, depth)
	}
	if library(s, c) {
		return false
	}
	for _, a := range c.Args {
		if names(p, s, a, depth) {
			return true
		}
	}
	return slices.ContainsFunc(c.Keywords, func(k *pyast.Keyword) bool { return names(p, s, k.Value, depth) })
}

// comes tells whether an object whose part is taken is the client's: what a
// function of the project gives, as one of several, is not followed.
func comes(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 12 {
		return false
	}
	switch x := e.(type) {
	case *pyast.Attribute:
		return comes(p, s, x.Value, depth+1)
	case *pyast.Subscript:
		return comes(p, s, x.Value, depth+1)
	case *pyast.Await:
		return comes(p, s, x.Value, depth+1)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		list := defs(s, x)
		if len(list) == 0 || b.Param {
			return true
		}
		return slices.ContainsFunc(list, func(d pyast.Expr) bool { return !pymodel.Uses(d, x.ID) && comes(p, at, d, depth+1) })
	case *pyast.Call:
		if callee(s, x) != nil {
			return names(p, s, x, depth)
		}
		return !library(s, x)
	}
	return true
}

func sum(e pyast.Expr) []pyast.Expr {
	if b, ok := e.(*pyast.BinOp); ok && b.Op == pyast.Add {
		return append(sum(b.Left), sum(b.Right)...)
	}
	return []pyast.Expr{e}
}

// parts asks what stands before the first text of the request: behind a path
// that has begun no host can be named.
func parts(p *analysis.Pass, s *pymodel.Scope, list []pyast.Expr, depth int) bool {
	before := ""
	for _, x := range list {
		if f, ok := x.(*pyast.FormattedValue); ok {
			x = f.Value
		}
		if t, ok := s.Text(x); ok {
			before += t
			continue
		}
		if p.Python.Level(s, x) != pymodel.Tainted || ofURL(s, x) {
			before += "\x00" // something, of our own choice
			continue
		}
		switch {
		case before == "":
			if names(p, s, x, depth) {
				return true
			}
			before = "\x00"
			continue
		case before == "/":
			// A part of the path has no slash, and a backslash is quoted.
			return !inPath(s, x) && names(p, s, x, depth)
		case before == "//", strings.HasSuffix(before, "://"):
		default:
			scheme, host, ok := strings.Cut(before, "://")
			if !ok || strings.ContainsAny(host, "/?#\x00") || strings.ContainsAny(scheme, "/\x00") {
				return false
			}
		}
		n, isName := x.(*pyast.Name)
		return !isName || !checks(s, n.ID)
	}
	return false
}

// inPath tells whether a name is a parameter of the route's path that takes
// one part of it.
func inPath(s *pymodel.Scope, e pyast.Expr) bool {
	n, ok := e.(*pyast.Name)
	f := s.Enclosing()
	if !ok || f == nil {
		return false
	}
	return slices.ContainsFunc(f.Decorators, func(d pyast.Expr) bool {
		c, ok := d.(*pyast.Call)
		if !ok {
			return false
		}
		path, _ := s.Text(pymodel.Arg(c, 0, "path"))
		return strings.Contains(path, "{"+n.ID+"}")
	})
}

// ofURL tells whether a value is of the request's own address or its headers,
// which no link of another site writes.
func ofURL(s *pymodel.Scope, e pyast.Expr) bool {
	switch x := e.(type) {
	case *pyast.Call:
		if n, ok := x.Func.(*pyast.Name); ok && n.ID == "str" && len(x.Args) == 1 {
			return ofURL(s, x.Args[0])
		}
		return ofURL(s, x.Func)
	case *pyast.Attribute:
		if n, ok := x.Value.(*pyast.Name); ok && (n.ID == "request" || n.ID == "req" || s.TypeOf(n).IsA("starlette.requests.Request")) {
			switch x.Attr {
			case "url", "base_url", "headers", "url_for", "cookies":
				return true
			}
		}
		return ofURL(s, x.Value)
	case *pyast.Subscript:
		return ofURL(s, x.Value)
	case *pyast.Name:
		b, _ := s.Lookup(x.ID)
		if b == nil || b.Param {
			return false
		}
		own := false
		for _, d := range defs(s, x) {
			if _, isText := s.Text(d); isText {
				continue
			}
			if pymodel.Uses(d, x.ID) || !ofURL(s, d) {
				return false
			}
			own = true
		}
		return own
	}
	return false
}

// fromHeader tells whether a parameter is filled from a header or a cookie.
func fromHeader(f *pymodel.Func, name string) bool {
	for _, prm := range f.Params {
		if prm.Name != name {
			continue
		}
		list, at := f.Outer.Annotated(prm.Annotation)
		if prm.Default != nil {
			list = append(slices.Clone(list), prm.Default)
		}
		for _, e := range list {
			if c, ok := e.(*pyast.Call); ok {
				switch at.Qualified(c.Func) {
				case "fastapi.Header", "fastapi.Cookie":
					return true
				}
			}
		}
	}
	return false
}

// checks tells whether a function asks where a URL goes before it is used.
func checks(s *pymodel.Scope, dotted string) bool {
	f := s.Enclosing()
	if f == nil || dotted == "" {
		return false
	}
	is := func(e pyast.Expr) bool { return pymodel.Dotted(e) == dotted }
	about := func(c *pyast.Call) bool {
		return slices.ContainsFunc(c.Args, func(a pyast.Expr) bool { return analysis.Within(a, is) }) ||
			slices.ContainsFunc(c.Keywords, func(k *pyast.Keyword) bool { return analysis.Within(k.Value, is) })
	}
	slash, host, parsed, two, ok := false, false, false, false, false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Constant:
			two = two || n.Kind == pyast.Str && (n.Value == "//" || n.Value == "/\\" || n.Value == "://")
		case *pyast.Attribute:
			if n.Attr == "netloc" || n.Attr == "hostname" || n.Attr == "host" {
				host = true
				ok = ok || is(n.Value)
			}
		case *pyast.Subscript:
			if v, known := s.Number(n.Slice); known && v == 1 && is(n.Value) {
				two = true
			}
		case *pyast.Call:
			name := analysis.Leaf(n.Func)
			if a, isAttr := n.Func.(*pyast.Attribute); isAttr {
				name = a.Attr
				if name == "startswith" && is(a.Value) && len(n.Args) == 1 {
					one, path := begins(s, n.Args[0])
					slash, ok = slash || one, ok || path
				}
			}
			if !about(n) {
				break
			}
			switch name {
			case "urlparse", "urlsplit", "URL", "urlunsplit":
				parsed = true
			case "match", "fullmatch", "search":
				ok = ok || tellsHosts(s, n)
			}
			if analysis.Names(name, "safe", "valid", "validate", "is allowed", "allowed", "check", "trusted", "sanitize", "verify", "relative", "is local", "internal", "whitelisted", "allowlisted", "assert") {
				ok = true
			}
		case *pyast.FunctionDef:
			return false
		}
		return true
	})
	return ok || slash && two || parsed && host
}

// tellsHosts tells whether a pattern tells a URL of another host from a path:
// one of control characters does not. A pattern that is not known may.
func tellsHosts(s *pymodel.Scope, c *pyast.Call) bool {
	pattern := pymodel.Arg(c, 0, "pattern")
	if a, ok := c.Func.(*pyast.Attribute); ok && !strings.HasPrefix(s.Qualified(c.Func), "re.") {
		if made := s.Made(a.Value); made != nil {
			pattern = pymodel.Arg(made, 0, "pattern")
		}
	}
	text, known := s.Text(pattern)
	if !known {
		return true
	}
	rx, err := regexp.Compile(strings.ReplaceAll(text, `\Z`, `\z`))
	if err != nil {
		return true
	}
	matches := func(text string) bool {
		at := rx.FindStringIndex(text)
		switch {
		case at == nil:
			return false
		case analysis.Leaf(c.Func) == "fullmatch":
			return at[0] == 0 && at[1] == len(text)
		case analysis.Leaf(c.Func) == "match":
			return at[0] == 0
		}
		return true
	}
	return matches("//other.example/path") != matches("/path")
}

// begins judges what a URL is asked to begin with: with one slash, which two
// slashes begin with as well, or with a path or a host that has ended.
func begins(s *pymodel.Scope, e pyast.Expr) (one, path bool) {
	list, at := s.List(e)
	if list == nil {
		list, at = []pyast.Expr{e}, s
	}
	path = true
	for _, x := range list {
		t, known := at.Text(x)
		if !known {
			continue
		}
		if t == "/" {
			one = true
		}
		if _, host, ok := strings.Cut(t, "://"); ok && !strings.Contains(host, "/") || t == "/" || t == "//" || !ok && !strings.HasPrefix(t, "/") {
			path = false
		}
	}
	return one, path
}
