package files

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// inlines tells of answers whose type is what was kept of an upload.
func inlines(p *analysis.Pass) {
	columns := keptTypes(p)
	if len(columns) == 0 {
		return
	}
	p.Made(func(c *pymodel.Call) {
		f := c.Scope.Enclosing()
		if f == nil || f.Module.Test || !c.Is("starlette.responses.Response", "starlette.responses.StreamingResponse", "starlette.responses.FileResponse") {
			return
		}
		kind, harmless := served(c)
		name := analysis.Leaf(kind)
		switch kind.(type) {
		case *pyast.Attribute, *pyast.Subscript:
		default:
			return
		}
		if !columns[name] || harmless || upload(c.Scope, base(kind)) || vets(f) {
			return
		}
		p.PythonAt(inline, c.Module, c.Call, "the upload is answered inline, as the %s that its sender gave it", name)
	})
}

func base(e pyast.Expr) pyast.Expr {
	switch x := e.(type) {
	case *pyast.Attribute:
		return x.Value
	case *pyast.Subscript:
		return x.Value
	}
	return nil
}

// served is the type of an answer; harmless tells that a browser keeps it, or
// runs nothing of it.
func served(c *pymodel.Call) (kind pyast.Expr, harmless bool) {
	kind = c.Keyword("media_type")
	if c.Is("starlette.responses.FileResponse") && c.Keyword("filename") != nil {
		how, ok := c.Scope.Text(c.Keyword("content_disposition_type"))
		harmless = !ok || how != "inline"
	}
	headers := c.Keyword("headers")
	d, at := c.Scope.Dict(headers)
	if d == nil {
		return kind, harmless || headers != nil
	}
	for i, k := range d.Keys {
		if k == nil {
			harmless = true // what else there is, is not known
			continue
		}
		name, _ := at.Text(k)
		text := ""
		for _, piece := range at.Pieces(d.Values[i]) {
			text += piece.Text
			if piece.Expr != nil {
				text += "?"
			}
		}
		switch strings.ToLower(name) {
		case "content-type":
			kind = d.Values[i]
		case "content-disposition":
			harmless = harmless || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(text)), "inline")
		case "content-security-policy":
			harmless = true
		}
	}
	return kind, harmless
}

// keptTypes are the columns into which the type of an upload goes as its sender
// named it.
func keptTypes(p *analysis.Pass) map[string]bool {
	out := map[string]bool{}
	p.Calls(func(c *pymodel.Call) {
		f := c.Scope.Enclosing()
		b := c.Scope.Symbol(c.Func).Binding
		if f == nil || b == nil || b.Class == nil || f.Module.Test {
			return
		}
		for _, k := range c.Keywords {
			if k.Name != "" && senderType(c.Scope, k.Value, 0) && !vets(f) {
				out[k.Name] = true
			}
		}
	})
	p.Modules(func(m *pymodel.Module) {
		for _, a := range m.Assigns {
			f := a.Scope.Enclosing()
			if f == nil || m.Test {
				continue
			}
			for _, t := range a.Node.Targets {
				if attr, ok := t.(*pyast.Attribute); ok && senderType(a.Scope, a.Node.Value, 0) && !vets(f) {
					out[attr.Attr] = true
				}
			}
		}
	})
	return out
}

// senderType tells whether a value is the type that came with an upload.
func senderType(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if e == nil || depth > 6 {
		return false
	}
	depth++
	switch x := e.(type) {
	case *pyast.Attribute:
		return x.Attr == "content_type" && upload(s, x.Value)
	case *pyast.Subscript:
		return senderType(s, x.Value, depth)
	case *pyast.BoolOp:
		return slices.ContainsFunc(x.Values, func(v pyast.Expr) bool { return senderType(s, v, depth) })
	case *pyast.IfExp:
		return senderType(s, x.Body, depth) || senderType(s, x.Orelse, depth)
	case *pyast.Call:
		a, ok := x.Func.(*pyast.Attribute)
		return ok && (a.Attr == "lower" || a.Attr == "strip") && senderType(s, a.Value, depth)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil || b.Param {
			return false
		}
		return slices.ContainsFunc(at.Defs, func(d pymodel.Def) bool {
			return d.Name == x.ID && !d.Part && !pymodel.Uses(d.Value, x.ID) && senderType(at, d.Value, depth)
		})
	}
	return false
}
