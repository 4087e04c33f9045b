package models

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

func sized(name string) bool {
	return analysis.Names(name, "limit", "page size", "per page", "size", "pagesize", "perpage", "count", "take", "first", "top", "n", "num", "max results", "rows", "max items")
}

var tops = []string{"le", "lt"}

// pages tells of a route whose client says how many rows are read.
func pages(p *analysis.Pass, r *pymodel.Route, said map[pyast.Node]bool) {
	if r.WebSocket {
		return
	}
	f := r.Func
	for _, prm := range f.Params {
		if d, ok := f.ParamDep(prm); ok {
			depends(p, r, prm, d, said)
			continue
		}
		if open(f, prm) && reads(f, prm.Name, 0) {
			p.PythonAt(page, f.Module, prm.Node, "%s may be any number, and %s reads so many rows", prm.Name, f.Name)
			continue
		}
		// params: Annotated[Page, Query()]
		if c := f.Outer.Annotation(prm.Annotation).Class; c != nil && c.IsA("pydantic.BaseModel") && !r.Writes() {
			members(p, f, prm.Name, c, said)
		}
	}
}

// open tells whether a parameter is a size that has no upper bound.
func open(f *pymodel.Func, prm *pymodel.Param) bool {
	return sized(prm.Name) && prm.Annotation != nil && f.Outer.Annotation(prm.Annotation).Name == "builtins.int" && !limited(f.Outer, prm.Annotation, prm.Default, tops...) && !capped(f, prm.Name)
}

// capped tells whether a function bounds a name itself: by min, or by a
// comparison.
func capped(f *pymodel.Func, name string) bool {
	found := false
	is := func(e pyast.Expr) bool { return pymodel.Dotted(e) == name }
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Call:
			leaf := analysis.Leaf(n.Func)
			if leaf == "min" || strings.Contains(leaf, "clamp") || strings.Contains(leaf, "valid") || strings.Contains(leaf, "check") || strings.Contains(leaf, "normalize") {
				found = found || slices.ContainsFunc(n.Args, is) && !slices.ContainsFunc(n.Args, func(e pyast.Expr) bool { return leaf == "min" && huge(f, e) })
			}
		case *pyast.Compare:
			for i, op := range n.Ops {
				left := n.Left
				if i > 0 {
					left = n.Comparators[i-1]
				}
				switch {
				case is(left) && (op == pyast.Gt || op == pyast.GtE || op == pyast.Lt || op == pyast.LtE || op == pyast.In || op == pyast.NotIn):
					v, known := f.Scope.Number(n.Comparators[i])
					found = found || (!known || v > 1) && !huge(f, n.Comparators[i])
				case is(n.Comparators[i]) && (op == pyast.Lt || op == pyast.LtE || op == pyast.Gt || op == pyast.GtE):
					v, known := f.Scope.Number(left)
					found = found || (!known || v > 1) && !huge(f, left)
				}
			}
		case *pyast.Assign:
			// limit = 100, under some condition.
			_, known := f.Scope.Number(n.Value)
			_, chosen := n.Value.(*pyast.IfExp)
			found = found || (known || chosen) && slices.ContainsFunc(n.Targets, is)
		}
		return !found
	})
	return found
}

// huge tells whether a number bounds no page: it keeps the database from
// overflowing, and lets the whole table out.
func huge(f *pymodel.Func, e pyast.Expr) bool {
	v, known := f.Scope.Number(e)
	if b, ok := e.(*pyast.BinOp); ok && !known && b.Op == pyast.Pow {
		base, _ := f.Scope.Number(b.Left)
		exponent, _ := f.Scope.Number(b.Right)
		return base >= 2 && exponent >= 17
	}
	return known && v >= 100_000
}

// reads tells whether a name says how many rows a query gives, here or in a
// function that it is handed to.
func reads(f *pymodel.Func, name string, depth int) bool {
	if depth > 3 {
		return false
	}
	is := func(e pyast.Expr) bool {
		if c, ok := e.(*pyast.Call); ok && analysis.Leaf(c.Func) == "min" { // min(limit, 2**62)
			return slices.ContainsFunc(c.Args, func(a pyast.Expr) bool { return pymodel.Dotted(a) == name })
		}
		return e != nil && pymodel.Dotted(e) == name
	}
	for _, c := range f.Calls {
		switch c.Method() {
		case "limit", "fetchmany", "fetch", "take", "to_list", "top", "limit_by":
			if c.Receiver() != nil && len(c.Args) > 0 && is(c.Args[0]) && c.Method() != "fetch" {
				return true
			}
			if is(c.Keyword("length")) {
				return true
			}
		case "slice":
			if len(c.Args) == 2 && analysis.Within(c.Args[1], is) {
				return true
			}
		case "execute", "text", "exec", "fetch_all", "fetchall", "exec_driver_sql":
			if len(c.Args) > 1 && limitSQL(f, c) && slices.ContainsFunc(c.Args[1:], func(a pyast.Expr) bool { return analysis.Within(a, is) }) {
				return true
			}
			if len(c.Args) > 0 && analysis.Within(written(f, c.Args[0]), is) && limitSQL(f, c) {
				return true
			}
		}
		to := c.Target()
		if to == nil || to == f {
			continue
		}
		params := to.Params
		if to.Class != nil && len(params) > 0 && (params[0].Name == "self" || params[0].Name == "cls") {
			params = params[1:]
		}
		for i, a := range c.Args {
			if i < len(params) && is(a) && !capped(to, params[i].Name) && reads(to, params[i].Name, depth+1) {
				return true
			}
		}
		for _, k := range c.Keywords {
			if is(k.Value) && !capped(to, k.Name) && reads(to, k.Name, depth+1) {
				return true
			}
		}
	}
	return false
}

func limitSQL(f *pymodel.Func, c *pymodel.Call) bool {
	return strings.Contains(strings.ToUpper(text(written(f, c.Args[0]))), "LIMIT")
}

// written is what a name of a query stands for.
func written(f *pymodel.Func, e pyast.Expr) pyast.Expr {
	if n, ok := e.(*pyast.Name); ok {
		if sym := f.Scope.Symbol(n); sym.Binding != nil && sym.Binding.Value != nil && !sym.Binding.Part {
			return sym.Binding.Value
		}
	}
	return e
}

// text is what is known of a text, in an f-string or a call around it.
func text(e pyast.Expr) string {
	out := ""
	pyast.Inspect(e, func(n pyast.Node) bool {
		if c, ok := n.(*pyast.Constant); ok && c.Kind == pyast.Str {
			out += c.Value
		}
		return true
	})
	return out
}

// members looks at the fields of a model that holds a page's parameters.
func members(p *analysis.Pass, f *pymodel.Func, name string, c *pymodel.Class, said map[pyast.Node]bool) {
	for _, field := range c.AllFields() {
		dotted := name + "." + field.Name
		if sized(field.Name) && field.Annotation != nil && c.Outer.Annotation(field.Annotation).Name == "builtins.int" && !bounded(c, field, tops...) && !validated(c, field.Name) && !capped(f, dotted) && reads(f, dotted, 0) && !said[field.Node] {
			said[field.Node] = true
			p.PythonAt(page, c.Module, field.Node, "%s.%s may be any number, and %s reads so many rows", c.Name, field.Name, f.Name)
		}
	}
}

// depends looks at a dependency that takes the page's parameters.
func depends(p *analysis.Pass, r *pymodel.Route, prm *pymodel.Param, d pymodel.Dep, said map[pyast.Node]bool) {
	from := d.Func
	if d.Class != nil {
		if d.Class.IsA("pydantic.BaseModel") {
			members(p, r.Func, prm.Name, d.Class, said)
			return
		}
		b := d.Class.Scope.Names["__init__"]
		if b == nil || b.Func == nil || d.Expr != nil && !isName(d.Expr) {
			return
		}
		from = b.Func
	}
	if from == nil || from.Module.Test {
		return
	}
	// What is handed on is a part of what the dependency gives: page["limit"],
	// page.limit.
	for _, c := range r.Func.Calls {
		if c.Method() != "limit" || len(c.Args) != 1 {
			continue
		}
		uses := analysis.Within(c.Args[0], func(e pyast.Expr) bool { n, ok := e.(*pyast.Name); return ok && n.ID == prm.Name })
		leaf := analysis.Leaf(c.Args[0])
		if !uses {
			continue
		}
		for _, q := range from.Params {
			if open(from, q) && (leaf == q.Name || leaf == prm.Name) && !said[q.Node] {
				said[q.Node] = true
				p.PythonAt(page, from.Module, q.Node, "%s may be any number, and %s reads so many rows", q.Name, r.Func.Name)
			}
		}
	}
}

func isName(e pyast.Expr) bool {
	switch e.(type) {
	case *pyast.Name, *pyast.Attribute:
		return true
	}
	return false
}
