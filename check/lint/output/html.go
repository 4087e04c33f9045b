package output

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// page tells of a call that makes HTML.
func page(p *analysis.Pass, c *pymodel.Call) {
	switch name := c.Name(); {
	case name == "markupsafe.Markup" || name == "jinja2.Markup" || name == "flask.Markup" || name == "django.utils.safestring.mark_safe":
		html(p, c.Scope, c.Arg(0, "base"), "is marked as HTML that needs no escaping")
	case isHTML(c):
		html(p, c.Scope, c.Arg(0, "content"), "goes into HTML")
	case name == "aiohttp.web.Response" && isText(c.Scope, c.Keyword("content_type"), "html"):
		html(p, c.Scope, c.Keyword("text"), "goes into HTML")
	}
}

func isText(s *pymodel.Scope, e pyast.Expr, part string) bool {
	t, ok := s.Text(e)
	return ok && strings.Contains(strings.ToLower(t), part)
}

// isHTML tells whether a call makes a response of HTML, or of another type
// whose scripts a browser runs.
func isHTML(c *pymodel.Call) bool {
	if c.Is("starlette.responses.HTMLResponse") {
		return true
	}
	if sym := c.Scope.Symbol(c.Func); sym.Binding != nil && sym.Binding.Class != nil && sym.Binding.Class.IsA("starlette.responses.HTMLResponse") {
		return true
	}
	if !isResponse(c.Scope, c.Call) {
		return false
	}
	kind := c.Keyword("media_type")
	if kind == nil && c.Is("starlette.responses.Response") {
		kind = c.Arg(3, "media_type")
	}
	if kind == nil {
		if d, at := c.Scope.Dict(c.Keyword("headers")); d != nil {
			for i, k := range d.Keys {
				if t, ok := at.Text(k); ok && strings.EqualFold(t, "content-type") {
					kind = d.Values[i]
				}
			}
		}
	}
	return isText(c.Scope, kind, "html") || isText(c.Scope, kind, "image/svg")
}

func html(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, what string) {
	if e == nil {
		return
	}
	told := raw(p, s, e, 0)
	if told {
		p.PythonAt(xss, s.Module, e, "text of the request %s as it came", what)
	}
	// What others hand to a function that makes pages is told of where they
	// write it, once a function.
	said := map[*pymodel.Func]bool{}
	pieces(p, s, e, 0, func(in *pymodel.Scope, x pyast.Expr) {
		at, m, f := e, s.Module, s.Enclosing()
		if from := in.Enclosing(); from != f && from != nil && f != nil && uses(from, f, 0) {
			at, m, f = x, in.Module, from
		}
		if said[f] || told && f == s.Enclosing() || !stored(p, in, x) {
			return
		}
		said[f] = true
		p.PythonSeverity(xss, finding.Medium, m, at, "%s, which a user may have written, %s as it came", analysis.Leaf(x), what)
	})
}

// uses tells whether a function calls another, by itself or by those it calls.
func uses(f, other *pymodel.Func, depth int) bool {
	return slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool {
		to := c.Target()
		return to != nil && (to == other || depth < 3 && uses(to, other, depth+1))
	})
}

// returns tells of routes that answer with HTML by their response_class.
func returns(p *analysis.Pass, r *pymodel.Route) {
	class, at := pymodel.Keyword(r.At, "response_class"), r.Scope
	if class == nil && r.Router != nil {
		if made := at.Made(r.Router); made != nil {
			class = pymodel.Keyword(made, "default_response_class")
			if sym := at.Symbol(r.Router); sym.Scope != nil {
				at = sym.Scope
			}
		}
	}
	if class == nil {
		return
	}
	switch at.Qualified(class) {
	case "starlette.responses.HTMLResponse":
		eachReturn(r.Func, func(e pyast.Expr) {
			if !other(r.Func.Scope, e) {
				html(p, r.Func.Scope, e, "goes into HTML")
			}
		})
	case "starlette.responses.RedirectResponse":
		eachReturn(r.Func, func(e pyast.Expr) {
			if !other(r.Func.Scope, e) {
				target(p, r.Func.Scope, e, e)
			}
		})
	}
}

// other tells whether a value is no text but a response or a model.
func other(s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.Await:
		return other(s, e.Value)
	case *pyast.Call:
		name := analysis.Leaf(e.Func)
		if a, ok := e.Func.(*pyast.Attribute); ok {
			name = a.Attr
		}
		if name == "" || name[0] >= 'A' && name[0] <= 'Z' {
			return true
		}
		if f := callee(s, e); f != nil {
			is := false
			eachReturn(f, func(x pyast.Expr) {
				c, ok := x.(*pyast.Call)
				is = is || ok && isResponse(f.Scope, c)
			})
			return is
		}
	case *pyast.Name:
		for _, d := range defs(s, e) {
			if c, ok := d.(*pyast.Call); ok && isResponse(s, c) {
				return true
			}
		}
	case *pyast.Dict:
		return true
	}
	return false
}

// environment tells of templates for pages that do not escape.
func environment(p *analysis.Pass, c *pymodel.Call) {
	if !c.Is("jinja2.Environment", "jinja2.environment.Environment") || pymodel.HasStars(c.Call) {
		return
	}
	how := c.Keyword("autoescape")
	if how != nil && !c.Scope.Is(how, pyast.False) || !web(c.Module) && !elsewhere(p, c) {
		return
	}
	severity := finding.Medium
	if answers(c.Module) {
		severity = finding.High
	}
	if how != nil {
		p.PythonSeverity(autoescape, severity, c.Module, c, "autoescape is off")
		return
	}
	p.PythonSeverity(autoescape, severity, c.Module, c, "jinja2.Environment escapes nothing without autoescape")
}

// answersAll tells of Jinja2Templates whose escaping is switched off.
func answersAll(p *analysis.Pass, c *pymodel.Call) {
	if c.Is("starlette.templating.Jinja2Templates") && c.Scope.Is(c.Keyword("autoescape"), pyast.False) {
		p.PythonSeverity(autoescape, finding.High, c.Module, c, "autoescape is off")
	}
}

// elsewhere tells whether another module makes pages with the environment.
func elsewhere(p *analysis.Pass, c *pymodel.Call) bool {
	found := false
	p.Calls(func(use *pymodel.Call) {
		if !found && use.Method() == "get_template" && answers(use.Module) && use.Scope.Made(use.Receiver()) == c.Call {
			found = true
		}
	})
	return found
}

// web tells whether a module is about pages: it names one, or answers with one.
func web(m *pymodel.Module) bool {
	if answers(m) {
		return true
	}
	is, not := false, false
	pyast.Walk(m.File.Body, func(n pyast.Node) bool {
		if c, ok := n.(*pyast.Constant); ok && c.Kind == pyast.Str {
			text := strings.TrimSuffix(strings.TrimSuffix(c.Value, ".j2"), ".jinja2")
			is = is || strings.HasSuffix(text, ".html") || strings.HasSuffix(text, ".htm") || strings.Contains(text, "</")
			for _, end := range []string{".sql", ".yaml", ".yml", ".conf", ".py", ".md", ".txt", ".tex"} {
				not = not || strings.HasSuffix(text, end)
			}
		}
		return true
	})
	return is && !not
}

func answers(m *pymodel.Module) bool {
	return slices.ContainsFunc(m.Calls, func(c *pymodel.Call) bool {
		return c.Is("starlette.responses.HTMLResponse", "starlette.templating.Jinja2Templates")
	})
}
