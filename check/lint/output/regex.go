package output

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// patterns looks at calls of re and of compiled patterns.
func patterns(p *analysis.Pass, c *pymodel.Call) {
	library, method, _ := strings.Cut(c.Name(), ".")
	switch {
	case library != "re" && library != "regex":
		// PATTERN.match(text)
		if a, ok := c.Func.(*pyast.Attribute); ok && len(c.Args) > 0 {
			compiled(p, c, a)
		}
	case method == "compile":
		theirs(p, c)
	case method == "match" || method == "search" || method == "fullmatch" || method == "findall" || method == "finditer" || method == "split":
		theirs(p, c)
		applied(p, c, c.Scope, c.Arg(0, "pattern"), c.Arg(1, "string"), method, pyast.Expr(c.Call))
	case method == "sub" || method == "subn":
		theirs(p, c)
		applied(p, c, c.Scope, c.Arg(0, "pattern"), c.Arg(2, "string"), method, pyast.Expr(c.Call))
	}
}

// theirs tells of a pattern that the client writes.
func theirs(p *analysis.Pass, c *pymodel.Call) {
	if e := c.Arg(0, "pattern"); raw(p, c.Scope, e, 0) && !p.Python.Checked(c.Scope, e) {
		p.PythonAt(redos, c.Module, c, "the pattern is text of the request")
	}
}

func compiled(p *analysis.Pass, c *pymodel.Call, a *pyast.Attribute) {
	switch a.Attr {
	case "match", "search", "fullmatch", "findall", "finditer", "split", "sub", "subn":
	default:
		return
	}
	made, at := madeAt(c.Scope, a.Value)
	if made == nil || at.Qualified(made.Func) != "re.compile" {
		return
	}
	text := c.Arg(0, "string")
	if strings.HasPrefix(a.Attr, "sub") {
		text = c.Arg(1, "string")
	}
	applied(p, c, at, pymodel.Arg(made, 0, "pattern"), text, a.Attr, c.Call)
}

func madeAt(s *pymodel.Scope, e pyast.Expr) (*pyast.Call, *pymodel.Scope) {
	if c, ok := e.(*pyast.Call); ok {
		return c, s
	}
	sym := s.Symbol(e)
	if sym.Binding == nil || sym.Scope == nil || sym.Binding.Count != 1 {
		return nil, s
	}
	c, _ := sym.Binding.Value.(*pyast.Call)
	return c, sym.Scope
}

func applied(p *analysis.Pass, c *pymodel.Call, at *pymodel.Scope, pattern, text pyast.Expr, method string, node pyast.Node) {
	re, ok := at.Text(pattern)
	if !ok || !sent(p, c.Scope, text, 0) {
		return
	}
	if part := exponential(re, method == "fullmatch"); part != "" {
		p.PythonAt(redos, c.Module, node, "%s can match the same text in many ways, and is asked of text of the request", part)
	}
}

// sent tells whether a value is a text of the request. That it is compared with
// a pattern makes it harmless elsewhere, and not here.
func sent(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) bool {
	level := p.Python.Level(s, e)
	if level != pymodel.Typed || depth > 5 {
		return level == pymodel.Tainted
	}
	text := func(t pymodel.Type, written pyast.Expr) bool {
		return written == nil || t.Name == "builtins.str" || t.Name == "pydantic.EmailStr"
	}
	switch e := e.(type) {
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		if b.Param {
			return text(at.Annotation(b.Annotation), b.Annotation)
		}
		return slices.ContainsFunc(defs(s, e), func(d pyast.Expr) bool { return sent(p, at, d, depth+1) })
	case *pyast.Attribute:
		class := s.TypeOf(e.Value).Class
		if class == nil {
			return false
		}
		for _, f := range class.AllFields() {
			if f.Name == e.Attr {
				return f.Annotation != nil && text(class.Outer.Annotation(f.Annotation), f.Annotation)
			}
		}
	}
	return false
}

// models looks at patterns of fields and parameters. Those of pydantic 2 are
// matched by an engine that takes no such time, unless it is told otherwise;
// but they stand in openapi.json too, and clients match them.
func models(p *analysis.Pass) {
	python := false
	p.Modules(func(m *pymodel.Module) {
		pyast.Walk(m.File.Body, func(n pyast.Node) bool {
			if k, ok := n.(*pyast.Constant); ok && k.Kind == pyast.Str && k.Value == "python-re" {
				python = true
			}
			return true
		})
	})
	p.Calls(func(c *pymodel.Call) {
		switch c.Name() {
		case "pydantic.Field", "pydantic.constr", "pydantic.StringConstraints", "sqlmodel.Field", "fastapi.Query", "fastapi.Path", "fastapi.Form", "fastapi.Header", "fastapi.Body", "fastapi.Cookie":
		default:
			return
		}
		severity := finding.Low
		e := c.Keyword("pattern")
		if e == nil {
			e = c.Keyword("regex")
		}
		if c.Keyword("regex") != nil || python {
			severity = finding.Medium
		}
		re, ok := c.Scope.Text(e)
		if !ok {
			return
		}
		if part := exponential(re, false); part != "" {
			p.PythonSeverity(redos, severity, c.Module, c, "%s can match the same text in many ways: pydantic 1, python-re and clients that read openapi.json take time that doubles with each character", part)
		}
	})
}
