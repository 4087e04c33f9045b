package middleware

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// lengths tells of a middleware that bounds bodies by Content-Length alone,
// where no other counts what comes.
func lengths(p *analysis.Pass) {
	if p.Guarded(bodyLength) {
		return
	}
	p.Apps(func(a *pymodel.App) {
		var by *pymodel.Func
		for _, m := range a.Middleware {
			var funcs []*pymodel.Func
			switch {
			case m.Func != nil:
				funcs = []*pymodel.Func{m.Func}
			case m.Class != nil:
				for _, f := range m.Class.Module.Funcs {
					if f.Class == m.Class {
						funcs = append(funcs, f)
					}
				}
			}
			switch {
			case slices.ContainsFunc(funcs, counts):
				return
			case m.Class == nil && m.Func == nil && named(m, "body", "size", "content length", "limit upload", "max"):
				return // one that is not seen may count
			}
			if i := slices.IndexFunc(funcs, measures); i >= 0 && by == nil {
				by = funcs[i]
			}
		}
		if by != nil && !by.Module.Test {
			p.PythonAt(bodyLength, by.Module, by, "%s bounds a body by its Content-Length, which a chunked one lacks", by.Name)
		}
	})
}

// measures tells whether a function compares Content-Length with a limit, and
// answers 413.
func measures(f *pymodel.Func) bool {
	header, larger, refuses := false, false, false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Constant:
			switch n.Kind {
			case pyast.Str, pyast.Bytes:
				header = header || strings.EqualFold(n.Value, "content-length")
			case pyast.Int:
				refuses = refuses || n.Value == "413"
			}
		case *pyast.Attribute:
			refuses = refuses || strings.HasPrefix(n.Attr, "HTTP_413")
		case *pyast.Compare:
			larger = larger || n.Ops[0] == pyast.Gt || n.Ops[0] == pyast.GtE
		}
		return true
	})
	return header && larger && refuses
}

// counts tells whether a function looks at what is received, or refuses what
// has no length.
func counts(f *pymodel.Func) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Call:
			leaf := analysis.Leaf(n.Func)
			found = found || leaf == "receive" || leaf == "stream" || leaf == "body" && len(n.Args) == 0
		case *pyast.Constant:
			found = found || n.Kind == pyast.Int && n.Value == "411" || n.Kind == pyast.Str && strings.EqualFold(n.Value, "transfer-encoding") || n.Kind == pyast.Bytes && strings.EqualFold(n.Value, "transfer-encoding")
		case *pyast.Attribute:
			found = found || strings.HasPrefix(n.Attr, "HTTP_411")
		}
		return !found
	})
	return found
}
