// Package middleware finds what an application's middleware lacks, and what is
// wrong in it: host check, HTTPS, headers, limits, and their order.
package middleware

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// Analyzer looks at middleware.
var Analyzer = &analysis.Analyzer{
	Name: "middleware",
	Rules: []*analysis.Rule{
		noHosts, noHTTPS, noHeaders, noBodyLimit,
		hostWildcard, corsInner, gzipSecrets, baseHTTP, headersPop, serverHeader, hstsShort, xssProtection, cspWeak, bodyLength,
	},
	Run: run,
}

func run(p *analysis.Pass) {
	postures(p)
	p.Apps(func(a *pymodel.App) {
		order(p, a)
		for _, m := range a.Middleware {
			if strings.HasSuffix(m.Name, ".TrustedHostMiddleware") {
				if hosts, _ := m.Scope.Texts(m.Arg("allowed_hosts")); len(hosts) == 1 && hosts[0] == "*" {
					p.PythonAt(hostWildcard, m.Scope.Module, m.Call, `allowed_hosts is ["*"]`)
				}
			}
		}
	})
	baseClasses(p)
	lengths(p)
	p.Modules(func(m *pymodel.Module) {
		headerUse(p, m)
		contentPolicies(p, m)
	})
}

// named tells whether a middleware's name holds one of the words.
func named(m *pymodel.Middleware, words ...string) bool {
	return analysis.Names(m.Name[strings.LastIndexByte(m.Name, '.')+1:], words...)
}

// postures are told once an application: of what stands in front of it, the
// policy knows.
func postures(p *analysis.Pass) {
	facts := read(p)
	for _, a := range p.MainApps() {
		has := func(words ...string) bool {
			for _, m := range a.Middleware {
				if named(m, words...) {
					return true
				}
			}
			return false
		}
		known := true
		for _, m := range a.Middleware {
			known = known && m.Name != ""
		}
		say := func(r *analysis.Rule, format string) {
			if !p.Guarded(r) && known {
				p.PythonAt(r, a.Module, a, "%s", format)
			}
		}
		if !has("trusted host", "host", "hosts", "allowed hosts") && !facts.hosts {
			say(noHosts, "nothing checks the Host header: no TrustedHostMiddleware, and no policy in front")
		}
		if !has("https", "ssl", "https redirect", "tls") && !facts.https {
			say(noHTTPS, "nothing refuses or redirects plain HTTP")
		}
		if !has("security headers", "secure headers", "headers", "secure", "helmet", "csp", "hsts") && !facts.headers {
			say(noHeaders, "nothing sets security headers")
		}
		if !has("body", "size", "limit", "content length", "max", "upload") && !facts.limits && !a.BoundsBodies() {
			say(noBodyLimit, "nothing bounds the size of a request's body")
		}
	}
}

// facts are what the project's own code does elsewhere.
type facts struct{ hosts, https, headers, limits bool }

func read(p *analysis.Pass) facts {
	var f facts
	p.Modules(func(m *pymodel.Module) {
		for _, b := range m.Scope.Names {
			if strings.HasPrefix(b.Import, "secure.") || b.Import == "secure" || strings.HasPrefix(b.Import, "secweb") || strings.HasPrefix(b.Import, "Secweb") {
				f.headers = true
			}
		}
		for _, a := range m.Assigns {
			for _, t := range a.Node.Targets {
				if sub, ok := t.(*pyast.Subscript); ok {
					if name, ok := a.Scope.Text(sub.Slice); ok && strings.EqualFold(name, "X-Content-Type-Options") {
						f.headers = true
					}
				}
			}
		}
		for _, c := range m.Calls {
			for _, arg := range c.Args {
				text, ok := arg.(*pyast.Constant)
				if !ok || text.Kind != pyast.Str {
					continue
				}
				switch strings.ToLower(text.Value) {
				case "x-content-type-options":
					f.headers = true
				case "content-length":
					if c.Method() == "get" {
						f.limits = true
					}
				}
			}
		}
		// Headers from a table.
		pyast.Walk(m.File.Body, func(n pyast.Node) bool {
			if d, ok := n.(*pyast.Dict); ok {
				for _, k := range d.Keys {
					if c, ok := k.(*pyast.Constant); ok && c.Kind == pyast.Str && strings.EqualFold(c.Value, "X-Content-Type-Options") {
						f.headers = true
					}
				}
			}
			return !f.headers
		})
	})
	for _, n := range p.Deploy.Nginx {
		f.limits = f.limits || len(n.All("client_max_body_size")) > 0
		for _, h := range n.All("add_header") {
			f.headers = f.headers || strings.EqualFold(h.Arg(0), "X-Content-Type-Options")
		}
		for _, l := range n.All("listen") {
			f.https = f.https || strings.Contains(strings.Join(l.Words, " "), "ssl")
		}
	}
	if len(p.Deploy.Caddy) > 0 || len(p.Deploy.Traefik) > 0 {
		f.https = true
	}
	for _, c := range p.Deploy.Commands {
		f.https = f.https || c.Has("--ssl-keyfile", "--keyfile", "--ssl-certfile", "--certfile")
	}
	return f
}

// order: of those that are added, the last is the outermost; of those that are
// listed, the first.
func order(p *analysis.Pass, a *pymodel.App) {
	var outer []*pymodel.Middleware // from the outermost
	for _, m := range slices.Backward(a.Middleware) {
		if !m.Listed {
			outer = append(outer, m)
		}
	}
	for _, m := range a.Middleware {
		if m.Listed {
			outer = append(outer, m)
		}
	}
	for i, m := range outer {
		switch {
		case strings.HasSuffix(m.Name, ".CORSMiddleware"):
			for _, before := range outer[:i] {
				if before.Scope.Module == m.Scope.Module && refuses(before) {
					p.PythonAt(corsInner, m.Scope.Module, m.Call, "CORSMiddleware stands within %s, whose refusals carry no CORS headers", last(before.Name))
					break
				}
			}
		case strings.HasSuffix(m.Name, ".GZipMiddleware"):
			if p.Guards["headers"] {
				break
			}
			if r := secretReflected(p); r != nil {
				p.PythonAt(gzipSecrets, m.Scope.Module, m.Call, "responses are compressed, and %s puts a token beside what the client sent", r.Func.Name)
			}
		}
	}
}

func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// refuses tells whether a middleware answers by itself.
func refuses(m *pymodel.Middleware) bool {
	return named(m, "auth", "authentication", "jwt", "rate", "limit", "limiter", "slow api", "session auth", "csrf", "api key", "ip", "firewall", "throttle", "maintenance") ||
		m.Func != nil && answers(m.Func)
}

// answers tells whether a function makes a response of its own.
func answers(f *pymodel.Func) bool {
	for _, c := range f.Calls {
		if c.Is("starlette.responses.JSONResponse", "starlette.responses.Response", "starlette.responses.PlainTextResponse") {
			return true
		}
	}
	return false
}

// secretReflected is a route that returns a token next to a text of the client.
func secretReflected(p *analysis.Pass) *pymodel.Route {
	var found *pymodel.Route
	p.Routes(func(r *pymodel.Route) {
		if found != nil {
			return
		}
		pyast.Walk(r.Func.Body, func(n pyast.Node) bool {
			ret, ok := n.(*pyast.Return)
			if !ok {
				return true
			}
			d, ok := ret.Value.(*pyast.Dict)
			if !ok {
				return true
			}
			token, echo := false, false
			for i, k := range d.Keys {
				if k == nil {
					continue
				}
				name, _ := r.Func.Scope.Text(k)
				token = token || analysis.Names(name, "csrf", "csrf token", "token", "secret")
				echo = echo || p.Python.Level(r.Func.Scope, d.Values[i]) == pymodel.Tainted
			}
			if token && echo {
				found = r
			}
			return true
		})
	})
	return found
}

// baseClasses tells of BaseHTTPMiddleware once.
func baseClasses(p *analysis.Pass) {
	said := false
	say := func(m *pymodel.Module, n pyast.Node, what string) {
		if !said {
			said = true
			p.PythonAt(baseHTTP, m, n, "%s is a BaseHTTPMiddleware", what)
		}
	}
	p.Classes(func(c *pymodel.Class) {
		if c.IsA("starlette.middleware.base.BaseHTTPMiddleware") {
			say(c.Module, c, c.Name)
		}
	})
	p.Apps(func(a *pymodel.App) {
		for _, m := range a.Middleware {
			if m.Func != nil {
				say(m.Func.Module, m.Call, m.Func.Name)
			}
		}
	})
}

var headerMaps = []string{"starlette.responses.Response", "starlette.responses.JSONResponse", "starlette.responses.StreamingResponse", "starlette.responses.HTMLResponse", "starlette.responses.PlainTextResponse", "starlette.responses.FileResponse"}

// isResponse tells whether an expression is a response of Starlette: by its
// type, or as what call_next gives.
func isResponse(s *pymodel.Scope, e pyast.Expr) bool {
	if s.TypeOf(e).IsA(headerMaps...) {
		return true
	}
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	b, _ := s.Lookup(n.ID)
	if b == nil || b.Value == nil {
		return false
	}
	v := b.Value
	if a, ok := v.(*pyast.Await); ok {
		v = a.Value
	}
	c, ok := v.(*pyast.Call)
	return ok && analysis.Leaf(c.Func) == "call_next"
}

// headersOf is the response whose headers an expression is; nil when it is
// something else.
func headersOf(s *pymodel.Scope, e pyast.Expr) pyast.Expr {
	a, ok := e.(*pyast.Attribute)
	if ok && a.Attr == "headers" && isResponse(s, a.Value) {
		return a.Value
	}
	return nil
}

func headerUse(p *analysis.Pass, m *pymodel.Module) {
	for _, c := range m.Calls {
		recv := c.Receiver()
		if recv == nil || headersOf(c.Scope, recv) == nil {
			continue
		}
		switch c.Method() {
		case "pop", "popitem", "clear":
			p.PythonAt(headersPop, m, c, "the headers of a response of Starlette have no %s", c.Method())
		case "setdefault", "append", "__setitem__":
			if len(c.Args) > 1 {
				header(p, m, c.Scope, c.Call, c.Args[0], c.Args[1])
			}
		}
	}
	for _, a := range m.Assigns {
		for _, t := range a.Node.Targets {
			if sub, ok := t.(*pyast.Subscript); ok && headersOf(a.Scope, sub.Value) != nil {
				header(p, m, a.Scope, a.Node, sub.Slice, a.Node.Value)
			}
		}
	}
	for _, f := range m.Funcs {
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.FunctionDef, *pyast.ClassDef:
				return false
			case *pyast.Delete:
				for _, t := range n.Targets {
					if sub, ok := t.(*pyast.Subscript); ok && headersOf(f.Scope, sub.Value) != nil {
						if name, ok := f.Scope.Text(sub.Slice); ok && strings.EqualFold(name, "server") {
							p.PythonAt(serverHeader, m, n, "the server header is deleted where it is not yet set")
						}
					}
				}
			}
			return true
		})
	}
	// Headers from a table.
	pyast.Walk(m.File.Body, func(n pyast.Node) bool {
		if d, ok := n.(*pyast.Dict); ok {
			for i, k := range d.Keys {
				if k != nil {
					header(p, m, m.Scope, d.Values[i], k, d.Values[i])
				}
			}
		}
		return true
	})
}

// header judges a header's value.
func header(p *analysis.Pass, m *pymodel.Module, s *pymodel.Scope, at pyast.Node, key, value pyast.Expr) {
	name, ok := s.Text(key)
	if !ok {
		return
	}
	text, ok := s.Text(value)
	if !ok {
		return
	}
	switch strings.ToLower(name) {
	case "strict-transport-security":
		if age, ok := maxAge(text); ok && age < 31536000 {
			p.PythonAt(hstsShort, m, at, "max-age is %d seconds, and a year is 31536000", age)
		}
	case "x-xss-protection":
		if strings.HasPrefix(strings.TrimSpace(text), "1") {
			p.PythonAt(xssProtection, m, at, "X-XSS-Protection is switched on")
		}
	}
}

func maxAge(text string) (int, bool) {
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if ok && strings.EqualFold(name, "max-age") {
			n := 0
			for _, c := range strings.Trim(value, `"`) {
				if c < '0' || c > '9' || n > 1<<40 {
					return 0, false
				}
				n = n*10 + int(c-'0')
			}
			return n, true
		}
	}
	return 0, false
}
