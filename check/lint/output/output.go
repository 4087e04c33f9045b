// Package output finds places where what a client sent is written into what
// something else reads as code: pages, redirects, headers, logs, XML and
// regular expressions.
package output

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// Analyzer finds text of requests that is put out as it came.
var Analyzer = &analysis.Analyzer{
	Name:  "output",
	Rules: []*analysis.Rule{xss, autoescape, redirect, header, logs, xxe, redos, hostLink, mailHead, formula},
	Run:   run,
}

func run(p *analysis.Pass) {
	p.Calls(func(c *pymodel.Call) {
		page(p, c)
		environment(p, c)
		answersAll(p, c)
		redirects(p, c)
		responseHeaders(p, c)
		xml(p, c)
		patterns(p, c)
		mails(p, c)
	})
	p.Modules(func(m *pymodel.Module) {
		for _, a := range m.Assigns {
			for _, t := range a.Node.Targets {
				if sub, ok := t.(*pyast.Subscript); ok {
					setHeader(p, a.Scope, sub, a.Node.Value)
				}
				if attr, ok := t.(*pyast.Attribute); ok && attr.Attr == "autoescape" && a.Scope.Is(a.Node.Value, pyast.False) {
					p.PythonAt(autoescape, m, a.Node, "autoescape is switched off")
				}
			}
		}
	})
	p.Routes(func(r *pymodel.Route) {
		if !r.Func.Module.Test {
			returns(p, r)
		}
	})
	logging(p)
	tables(p)
	models(p)
	hostLinks(p)
}

// raw tells whether text of the request is in a value as it came: what went
// through something that is called so is thought to be escaped.
func raw(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if e == nil || depth > 12 || p.Python.Level(s, e) != pymodel.Tainted {
		return false
	}
	depth++
	anyOf := func(list ...pyast.Expr) bool {
		return slices.ContainsFunc(list, func(x pyast.Expr) bool { return raw(p, s, x, depth) })
	}
	switch e := e.(type) {
	case *pyast.JoinedStr:
		for _, v := range e.Values {
			if f, ok := v.(*pyast.FormattedValue); ok && f.Conversion != 'r' && raw(p, s, f.Value, depth) {
				return true
			}
		}
		return false
	case *pyast.BinOp:
		return !isMarkup(e.Left) && anyOf(e.Left, e.Right)
	case *pyast.BoolOp:
		return anyOf(e.Values...)
	case *pyast.IfExp:
		return anyOf(e.Body, e.Orelse)
	case *pyast.Tuple:
		return anyOf(e.Elts...)
	case *pyast.List:
		return anyOf(e.Elts...)
	case *pyast.Await:
		return raw(p, s, e.Value, depth)
	case *pyast.Attribute:
		if list := given(s, e); len(list) > 0 {
			return slices.ContainsFunc(list, func(v value) bool { return raw(p, v.scope, v.expr, depth) })
		}
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		list := defs(s, e)
		if len(list) == 0 || b.Param {
			return !overwritten(at, e.ID)
		}
		return slices.ContainsFunc(list, func(x pyast.Expr) bool { return pymodel.Uses(x, e.ID) || raw(p, at, x, depth) })
	case *pyast.Call:
		if escapes(s, e) {
			return false
		}
		if to := callee(s, e); to != nil {
			out, any := false, false
			eachReturn(to, func(x pyast.Expr) {
				any = true
				out = out || raw(p, to.Scope, x, depth)
			})
			return any && out && handsRaw(p, s, e, depth)
		}
		if library(s, e) {
			return false
		}
		switch f := e.Func.(type) {
		case *pyast.Attribute:
			if f.Attr == "format" && isMarkup(f.Value) {
				return false
			}
			if f.Attr == "format" || f.Attr == "join" || f.Attr == "replace" {
				out := anyOf(e.Args...) || raw(p, s, f.Value, depth)
				for _, k := range e.Keywords {
					out = out || raw(p, s, k.Value, depth)
				}
				return out
			}
		case *pyast.Name:
			if f.ID == "str" {
				return anyOf(e.Args...)
			}
		}
	}
	return true
}

// A value is an expression and where it stands.
type value struct {
	scope *pymodel.Scope
	expr  pyast.Expr
}

// given are the values that an attribute has been given, of an object that a
// function of the project makes: mail(…) returns Mail(html=…).
func given(s *pymodel.Scope, a *pyast.Attribute) []value {
	n, ok := a.Value.(*pyast.Name)
	if !ok {
		return nil
	}
	var out []value
	for _, d := range defs(s, n) {
		if w, ok := d.(*pyast.Await); ok {
			d = w.Value
		}
		c, ok := d.(*pyast.Call)
		if !ok {
			continue
		}
		take := func(at *pymodel.Scope, e pyast.Expr) {
			if made, ok := e.(*pyast.Call); ok {
				if v := pymodel.Keyword(made, a.Attr); v != nil {
					out = append(out, value{at, v})
				}
			}
		}
		take(s, c)
		if to := callee(s, c); to != nil {
			eachReturn(to, func(e pyast.Expr) { take(to.Scope, e) })
		}
	}
	return out
}

// library tells whether a call is of a method of an object of a library, which
// gives something of its own: a receipt of what was sent, a row. Templates
// give a text.
func library(s *pymodel.Scope, c *pyast.Call) bool {
	a, ok := c.Func.(*pyast.Attribute)
	if !ok {
		return false
	}
	name := s.Qualified(c.Func)
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return false
	}
	class := name[strings.LastIndexByte(name[:i], '.')+1 : i]
	if class == "" || class[0] < 'A' || class[0] > 'Z' || slices.ContainsFunc([]string{"starlette.", "string.", "pathlib.", "yarl.", "httpx.URL"}, func(own string) bool { return strings.HasPrefix(name, own) }) {
		return false
	}
	if made, ok := a.Value.(*pyast.Call); ok && name == "jinja2.Template.render" {
		text, known := s.Text(pymodel.Arg(made, 0, "source"))
		return !known || strings.Contains(text, "|e") || strings.Contains(text, "| e")
	}
	return a.Attr != "render" && a.Attr != "substitute"
}

// isMarkup tells whether a value is Markup(…), which escapes what it is
// formatted with.
func isMarkup(e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	return ok && analysis.Leaf(c.Func) == "Markup"
}

// handsRaw tells whether a call hands on text of the request as it came, or
// nothing at all, so that the function has it from elsewhere.
func handsRaw(p *analysis.Pass, s *pymodel.Scope, c *pyast.Call, depth int) bool {
	handed := false
	for _, a := range c.Args {
		handed = handed || p.Python.Level(s, a) == pymodel.Tainted
		if raw(p, s, a, depth) {
			return true
		}
	}
	for _, k := range c.Keywords {
		handed = handed || p.Python.Level(s, k.Value) == pymodel.Tainted
		if raw(p, s, k.Value, depth) {
			return true
		}
	}
	return !handed
}

// overwritten tells whether a parameter is replaced by something escaped.
func overwritten(s *pymodel.Scope, name string) bool {
	return slices.ContainsFunc(s.Defs, func(d pymodel.Def) bool {
		c, ok := d.Value.(*pyast.Call)
		return ok && d.Name == name && escapes(s, c)
	})
}

// escapes tells whether a call is of something that makes a text harmless.
func escapes(s *pymodel.Scope, c *pyast.Call) bool {
	name := analysis.Leaf(c.Func)
	if a, ok := c.Func.(*pyast.Attribute); ok {
		name = a.Attr
		if name == "replace" || name == "translate" || name == "sub" {
			if t, ok := s.Text(pymodel.Arg(c, 0, "")); ok && strings.ContainsAny(t, "<\r\n\"") {
				return true
			}
			if name == "sub" || name == "translate" {
				return true
			}
			if inner, ok := a.Value.(*pyast.Call); ok {
				return escapes(s, inner)
			}
		}
	}
	return analysis.Names(name, "escape", "escaped", "sanitize", "sanitized", "sanitise", "sanitizer", "clean", "bleach", "quote", "slugify", "slug", "purify", "secure filename", "safe filename", "ascii", "b64encode", "urlencode", "hexdigest", "hash", "strip tags", "secure")
}

// defs are the values that a name of a function is bound to.
func defs(s *pymodel.Scope, n *pyast.Name) []pyast.Expr {
	_, at := s.Lookup(n.ID)
	if at == nil || at.Func == nil {
		return nil
	}
	var out []pyast.Expr
	for _, d := range at.Defs {
		if d.Name == n.ID {
			out = append(out, d.Value)
		}
	}
	return out
}

// eachReturn calls f for each value that a function returns itself.
func eachReturn(fn *pymodel.Func, f func(pyast.Expr)) {
	pyast.Walk(fn.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Return:
			if n.Value != nil {
				f(n.Value)
			}
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return false
		}
		return true
	})
}

// callee is the project's own function that is called.
func callee(s *pymodel.Scope, c *pyast.Call) *pymodel.Func {
	if sym := s.Symbol(c.Func); sym.Binding != nil {
		return sym.Binding.Func
	}
	return nil
}

// isResponse tells whether a call makes a response.
func isResponse(s *pymodel.Scope, c *pyast.Call) bool {
	name := s.Qualified(c.Func)
	if strings.HasPrefix(name, "starlette.responses.") || strings.HasSuffix(name, "Response") {
		return true
	}
	sym := s.Symbol(c.Func)
	return sym.Binding != nil && sym.Binding.Class != nil && sym.Binding.Class.IsA("starlette.responses.Response", "starlette.responses.JSONResponse", "starlette.responses.HTMLResponse")
}
