package output

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// hostLinks tells of links whose host is a header of the request, once a
// function.
func hostLinks(p *analysis.Pass) {
	if p.Guarded(hostLink) {
		return
	}
	named := trusts(p)
	p.Funcs(func(f *pymodel.Func) {
		// To send the browser to the same host by HTTPS harms nobody, and a
		// request that is passed on has its own sender.
		if f.Module.Test || slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool {
			return c.Is("starlette.responses.RedirectResponse") || strings.HasPrefix(c.Name(), "httpx.") || strings.HasPrefix(c.Name(), "requests.")
		}) {
			return
		}
		said := false
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			switch n.(type) {
			case *pyast.FunctionDef, *pyast.ClassDef:
				return false
			}
			e := analysis.Joined(n)
			if e == nil || said {
				return !said
			}
			before := ""
			for _, piece := range f.Scope.Pieces(e) {
				if piece.Expr == nil {
					before += piece.Text
					continue
				}
				if strings.HasSuffix(before, "://") {
					if name := hostHeader(p, piece.Scope, piece.Expr, 0); name != "" && (name != "host" || !named) {
						said = true
						p.PythonAt(hostLink, f.Module, e, "the host of a link is what the header %s says", name)
						return false
					}
				}
				before = ""
			}
			return true
		})
	})
}

// trusts tells whether the framework compares the Host header with a list.
// It looks at no other.
func trusts(p *analysis.Pass) bool {
	found := false
	p.Apps(func(a *pymodel.App) {
		for _, m := range a.Middleware {
			if strings.HasSuffix(m.Name, ".TrustedHostMiddleware") {
				hosts, all := m.Scope.Texts(m.Arg("allowed_hosts"))
				found = found || !all || !slices.Contains(hosts, "*")
			}
		}
	})
	return found
}

// hostHeader is the header by which a value names a host.
func hostHeader(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) string {
	if e == nil || depth > 6 {
		return ""
	}
	depth++
	first := func(list ...pyast.Expr) string {
		for _, x := range list {
			if name := hostHeader(p, s, x, depth); name != "" {
				return name
			}
		}
		return ""
	}
	read := func(from, key pyast.Expr) string {
		a, ok := from.(*pyast.Attribute)
		if !ok || a.Attr != "headers" || !s.IsRequest(a.Value) && !analysis.Names(analysis.Leaf(a.Value), "request", "req") {
			return ""
		}
		switch text, _ := s.Text(key); strings.ToLower(text) {
		case "host", "x-forwarded-host", "x-forwarded-server", "x-original-host", "x-host":
			return strings.ToLower(text)
		}
		return ""
	}
	switch x := e.(type) {
	case *pyast.BoolOp:
		return first(x.Values...)
	case *pyast.IfExp:
		return first(x.Body, x.Orelse)
	case *pyast.Subscript:
		return read(x.Value, x.Slice)
	case *pyast.Call:
		a, ok := x.Func.(*pyast.Attribute)
		switch {
		case !ok:
		case a.Attr == "get" && len(x.Args) > 0:
			if name := read(a.Value, x.Args[0]); name != "" {
				return name
			}
			return first(x.Args[1:]...)
		case a.Attr == "strip" || a.Attr == "lower":
			return first(a.Value)
		}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil || p.Python.Checked(s, x) || compared(at.Func, x.ID) {
			return ""
		}
		if b.Param {
			return hostParam(at.Func, x.ID)
		}
		if b.Value != nil && !b.Part {
			return hostHeader(p, at, b.Value, depth)
		}
	}
	return ""
}

// hostParam is the header that fills a parameter: host: str = Header().
func hostParam(f *pymodel.Func, name string) string {
	if !fromHeader(f, name) {
		return ""
	}
	switch name {
	case "host", "x_forwarded_host", "x_forwarded_server", "x_original_host":
		return strings.ReplaceAll(name, "_", "-")
	}
	return ""
}

// compared tells whether a function compares a name with something.
func compared(f *pymodel.Func, name string) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if c, ok := n.(*pyast.Compare); ok && !f.Scope.Is(c.Comparators[0], pyast.None) && pymodel.Uses(c, name) {
			found = true
		}
		return !found
	})
	return found
}
