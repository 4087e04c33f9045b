package output

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// tables tells of rows of CSV that hold texts of others as they came: a
// spreadsheet reads one that begins with = as a formula.
func tables(p *analysis.Pass) {
	said := map[*pymodel.Func]bool{}
	p.Calls(func(c *pymodel.Call) {
		var rows pyast.Expr
		switch c.Method() {
		case "writerow":
			rows = c.Arg(0, "row")
		case "writerows":
			rows = c.Arg(0, "rows")
		case "to_csv":
			if made := c.Scope.Made(c.Receiver()); made != nil && c.Scope.Qualified(made.Func) == "pandas.DataFrame" {
				rows = pymodel.Arg(made, 0, "data")
			}
		}
		f := c.Scope.Enclosing()
		if rows == nil || f == nil || said[f] || c.Method() != "to_csv" && !writes(c) || !served(p, f, 0) || neutralises(f) {
			return
		}
		t := &cells{p: p}
		t.look(c.Scope, rows, 0)
		if t.found == nil {
			return
		}
		said[f] = true
		severity := finding.Low
		if t.sure {
			severity = formula.Severity
		}
		p.PythonSeverity(formula, severity, c.Module, c.Call, "%s goes into a cell as it came", analysis.Written(c.Module, pymodel.Origin{Expr: t.found, Scope: t.at}))
	})
}

// writes tells whether a call is of a writer of CSV.
func writes(c *pymodel.Call) bool {
	made := c.Scope.Made(c.Receiver())
	if made == nil {
		return false
	}
	name := c.Scope.Qualified(made.Func)
	return name == "csv.writer" || name == "csv.DictWriter"
}

// served tells whether what a function makes goes into an answer: it is a
// route's, or works for one.
func served(p *analysis.Pass, f *pymodel.Func, depth int) bool {
	if slices.ContainsFunc(p.Python.Routes, func(r *pymodel.Route) bool { return r.Func == f }) {
		return true
	}
	// A generator stands in the route that it is for.
	if outer := f.Outer.Enclosing(); outer != nil && served(p, outer, depth) {
		return true
	}
	if depth > 2 {
		return false
	}
	found := false
	p.Calls(func(c *pymodel.Call) {
		if from := c.Scope.Enclosing(); !found && c.Target() == f && from != nil && from != f {
			found = served(p, from, depth+1)
		}
	})
	return found
}

// neutralises tells whether a function looks how a text begins, or puts a
// quote before it.
func neutralises(f *pymodel.Func) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Attribute:
			found = found || n.Attr == "startswith"
		case *pyast.Constant:
			found = found || n.Kind == pyast.Str && (n.Value == "'" || n.Value == "\t" || strings.Contains(n.Value, "=") && strings.Contains(n.Value, "@") && strings.Contains(n.Value, "+"))
		case *pyast.Name:
			found = found || analysis.Names(n.ID, "formula", "formulas")
		}
		return !found
	})
	return found
}

// cells looks for a cell that holds a text of others.
type cells struct {
	p     *analysis.Pass
	found pyast.Expr
	at    *pymodel.Scope
	sure  bool
}

// look goes through rows down to their cells. What a function that is not seen
// gives is left alone: it may have made it harmless.
func (t *cells) look(s *pymodel.Scope, e pyast.Expr, depth int) {
	if e == nil || depth > 10 || t.sure {
		return
	}
	depth++
	each := func(list ...pyast.Expr) {
		for _, x := range list {
			t.look(s, x, depth)
		}
	}
	switch x := e.(type) {
	case *pyast.List:
		each(x.Elts...)
	case *pyast.Tuple:
		each(x.Elts...)
	case *pyast.Dict:
		each(x.Values...)
	case *pyast.Starred:
		each(x.Value)
	case *pyast.Await:
		each(x.Value)
	case *pyast.IfExp:
		each(x.Body, x.Orelse)
	case *pyast.BoolOp:
		each(x.Values...)
	case *pyast.ListComp:
		each(x.Elt)
	case *pyast.GeneratorExp:
		each(x.Elt)
	case *pyast.BinOp:
		if x.Op == pyast.Add {
			each(x.Left, x.Right)
		}
	case *pyast.JoinedStr: // how it begins, counts
		if len(x.Values) > 0 {
			if v, ok := x.Values[0].(*pyast.FormattedValue); ok && !measured(v) {
				each(v.Value)
			}
		}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b != nil && b.Param && at.Func != nil {
			if t.p.Python.FromRequest(at.Func, x.ID) {
				t.cell(s, x)
				return
			}
			for _, o := range t.p.Python.Given(at.Func, x.ID) {
				t.look(o.Scope, o.Expr, depth)
			}
		}
		if at == nil || at.Func == nil {
			return
		}
		for _, d := range at.Defs {
			if d.Name == x.ID && !pymodel.Uses(d.Value, x.ID) {
				t.look(at, d.Value, depth)
			}
		}
	case *pyast.Attribute:
		t.cell(s, x)
	case *pyast.Subscript:
		t.cell(s, x)
	case *pyast.Call:
		a, method := x.Func.(*pyast.Attribute)
		switch {
		case method && (shapes(a.Attr) || a.Attr == "values" && len(x.Args) == 0):
			each(a.Value)
		case len(x.Args) == 1 && slices.Contains([]string{"builtins.str", "builtins.list", "builtins.tuple", "builtins.dict"}, s.Qualified(x.Func)):
			each(x.Args[0])
		case s.Qualified(x.Func) == "builtins.dict":
			for _, k := range x.Keywords {
				each(k.Value)
			}
		default:
			to := callee(s, x)
			if to == nil || neutralises(to) {
				return
			}
			eachReturn(to, func(r pyast.Expr) {
				switch r.(type) {
				case *pyast.List, *pyast.Tuple, *pyast.Dict, *pyast.ListComp: // makes a row
					t.look(to.Scope, r, depth)
				}
			})
		}
	}
}

// cell looks at a value that is a cell.
func (t *cells) cell(s *pymodel.Scope, e pyast.Expr) {
	if a, ok := e.(*pyast.Attribute); ok {
		if kind := kindOf(rowClass(s, a.Value, 0), a.Attr); kind != "" && kind != "text" {
			return // a number, a date
		}
	}
	text := t.p.Python.Level(s, e) == pymodel.Tainted && t.p.Python.Reaches(s, e, nil) != nil
	sure := text
	if !text && stored(t.p, s, e) {
		text, sure = true, written(analysis.Leaf(e))
	}
	if text && (t.found == nil || sure) {
		t.found, t.at, t.sure = e, s, sure
	}
}
