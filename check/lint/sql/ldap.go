package sql

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// ldapFilters tells of filters that are put together from what a client sends.
// What begins with (&(, (|( or (!( is one wherever it goes; a single condition
// is one where it is handed to a search.
func ldapFilters(p *analysis.Pass, f *pymodel.Func) {
	if f.Module.Test {
		return
	}
	said := map[pyast.Node]bool{}
	tell := func(e pyast.Expr) {
		if at, what := unescaped(p, f.Scope, e); at != nil && !said[e] {
			said[e] = true
			p.PythonAt(ldap, f.Module, at, "%s is part of the filter", what)
		}
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef:
			return false
		}
		e := analysis.Joined(n)
		if e == nil {
			return true
		}
		if first := f.Scope.Pieces(e)[0]; first.Expr == nil && combined(first.Text) {
			tell(e)
			return false
		}
		return true
	})
	for _, c := range f.Calls {
		e := c.Keyword("search_filter")
		if e == nil {
			e = c.Keyword("filterstr")
		}
		switch c.Method() {
		case "search_s", "search_ext", "search_ext_s", "search_st":
			if e == nil {
				e = c.Arg(2, "filterstr")
			}
		}
		if e == nil || c.Target() != nil {
			continue
		}
		if first := c.Scope.Pieces(e)[0]; first.Expr == nil && strings.HasPrefix(first.Text, "(") && !combined(first.Text) {
			tell(e)
		}
	}
}

func combined(text string) bool {
	return strings.HasPrefix(text, "(&(") || strings.HasPrefix(text, "(|(") || strings.HasPrefix(text, "(!(")
}

// unescaped is a piece of a filter, behind an =, that a client writes.
func unescaped(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr) (pyast.Node, string) {
	before := ""
	for _, piece := range s.Pieces(e) {
		if piece.Expr == nil {
			before += piece.Text
			continue
		}
		behind := strings.TrimRight(before, "*")
		if strings.HasSuffix(behind, "=") && p.Python.Level(piece.Scope, piece.Expr) == pymodel.Tainted && !escaped(piece.Scope, piece.Expr, 0) {
			return e, analysis.Written(s.Module, pymodel.Origin{Expr: piece.Expr, Scope: piece.Scope})
		}
		before = ""
	}
	return nil, ""
}

// escaped tells whether a value went through what escapes it.
func escaped(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 4 || e == nil {
		return false
	}
	switch x := e.(type) {
	case *pyast.Call:
		return analysis.Names(analysis.Leaf(x.Func), "escape", "escaped", "sanitize", "clean", "filter chars", "quote")
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil {
			return false
		}
		for _, d := range at.Defs {
			if d.Name == x.ID && escaped(at, d.Value, depth+1) {
				return true
			}
		}
	}
	return false
}
