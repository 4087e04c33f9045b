package exposure

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// caches tells of answers that depend on who calls, and that say that shared
// caches may keep them.
func caches(p *analysis.Pass) {
	for _, h := range handler.Read(p).Handlers {
		f := h.Func
		if h.WebSocket || !h.Auth || !h.Reads() || f.Module.Test {
			continue
		}
		// What is the same for all who are logged in, may be kept for all.
		if !slices.ContainsFunc(h.Users, func(u *pymodel.Param) bool { return handler.Uses(f, u.Name) > 0 }) && !ownRow(h) && !slices.ContainsFunc(h.Fields, func(name string) bool {
			return analysis.Mentions(f.FunctionDef, func(id string) bool { return id == name })
		}) {
			continue
		}
		if at := shared(f); at != nil {
			p.PythonAt(cachePublic, f.Module, at, "%s answers by who calls, and lets caches keep the answer for everybody", f.Name)
		}
	}
}

// ownRow tells whether a handler reads what a dependency got for who calls.
func ownRow(h *handler.Handler) bool {
	return slices.ContainsFunc(h.Func.Params, func(x *pymodel.Param) bool {
		d, ok := h.Func.ParamDep(x)
		return ok && d.Func != nil && handler.Uses(h.Func, x.Name) > 0 && slices.ContainsFunc(d.Func.Params, func(y *pymodel.Param) bool {
			on, ok := d.Func.ParamDep(y)
			return ok && on.Func != nil && slices.Contains(h.Guards, on.Func) && handler.Uses(d.Func, y.Name) > 0
		})
	})
}

// shared is where a function lets shared caches keep its answer.
func shared(f *pymodel.Func) pyast.Node {
	s := f.Scope
	var at pyast.Node
	pair := func(n pyast.Node, key, value pyast.Expr) {
		name, ok := s.Text(key)
		if at == nil && key != nil && ok && strings.EqualFold(name, "cache-control") && public(s, value) {
			at = n
		}
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef:
			return false
		case *pyast.Assign:
			for _, t := range n.Targets {
				if sub, ok := t.(*pyast.Subscript); ok && analysis.Leaf(sub.Value) == "headers" {
					pair(n, sub.Slice, n.Value)
				}
			}
		case *pyast.Dict:
			for i, k := range n.Keys {
				pair(n.Values[i], k, n.Values[i])
			}
		case *pyast.Call:
			if a, ok := n.Func.(*pyast.Attribute); ok && len(n.Args) == 2 && (a.Attr == "append" || a.Attr == "setdefault") && analysis.Leaf(a.Value) == "headers" {
				pair(n, n.Args[0], n.Args[1])
			}
			if k := pymodel.Keyword(n, "headers"); k != nil {
				if d, in := s.Dict(k); d != nil && in != s { // HEADERS, of the module
					for i, key := range d.Keys {
						if key == nil {
							continue
						}
						name, _ := in.Text(key)
						if strings.EqualFold(name, "cache-control") && public(in, d.Values[i]) {
							at = n
						}
					}
				}
			}
		case *pyast.Name:
			// A block of header lines that is filled in.
			if text, ok := s.Text(n); ok && n.Ctx == pyast.Load && at == nil && block(text) {
				at = n
			}
		case *pyast.Constant:
			if n.Kind == pyast.Str && at == nil && block(n.Value) {
				at = n
			}
		}
		return at == nil
	})
	return at
}

// public tells whether a text lets shared caches keep an answer.
func public(s *pymodel.Scope, e pyast.Expr) bool {
	text := ""
	for _, piece := range s.Pieces(e) {
		text += piece.Text
	}
	return directives(text)
}

func directives(text string) bool {
	is := false
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "public", "s-maxage":
			is = true
		case "private", "no-store":
			return false
		}
	}
	return is
}

// block tells whether a text has lines of headers, with one that lets shared
// caches keep the answer.
func block(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(name), "cache-control") && directives(value) {
			return true
		}
	}
	return false
}
