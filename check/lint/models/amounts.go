package models

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

func counted(name string) bool {
	return analysis.Names(name, "quantity", "qty", "amount", "price", "count", "units", "points", "credits", "pieces", "shares", "tickets", "discount")
}

func numeric(t pymodel.Type) bool {
	return t.Name == "builtins.int" || t.Name == "builtins.float" || t.Name == "decimal.Decimal"
}

var bounds = []string{"ge", "gt", "multiple_of", "minimum"}

// amounts tells of numbers that are reckoned with and may be below zero.
func amounts(p *analysis.Pass, list []body, told map[*pymodel.Field]bool) {
	said := map[*pymodel.Field]bool{}
	defer ordered(p, list, said, told)
	p.Funcs(func(f *pymodel.Func) {
		reckons := func(e pyast.Expr) {
			switch e := e.(type) {
			case *pyast.Attribute:
				if !counted(e.Attr) {
					return
				}
				class := f.Scope.TypeOf(e.Value).Class
				if class == nil {
					class = element(f.Scope, e.Value)
				}
				if class == nil || compared(f, e) || !slices.ContainsFunc(list, func(b body) bool { return b.Class == class }) {
					return
				}
				for _, field := range class.AllFields() {
					if field.Name == e.Attr && !said[field] && field.Annotation != nil && numeric(class.Outer.Annotation(field.Annotation)) && !bounded(class, field, bounds...) && !validated(class, field.Name) {
						said[field] = true
						p.PythonAt(number, class.Module, field.Node, "%s.%s may be negative, and %s reckons with it", class.Name, field.Name, f.Name)
					}
				}
			case *pyast.Name:
				if !counted(e.ID) || compared(f, e) || !handler(p, f) {
					return
				}
				for _, prm := range f.Params {
					if prm.Name == e.ID && prm.Annotation != nil && numeric(f.Outer.Annotation(prm.Annotation)) && !limited(f.Outer, prm.Annotation, prm.Default, bounds...) {
						p.PythonAt(number, f.Module, prm.Node, "%s may be negative, and %s reckons with it", prm.Name, f.Name)
					}
				}
			}
		}
		each(f, reckons)
		for _, c := range f.Calls {
			given(c, 0, reckons)
		}
	})
}

// maxGiven bounds how far an amount is followed from function to function.
const maxGiven = 3

// given calls f for the arguments of a call of the project's own function that
// reckons with them, or hands them on to one that does, and does not ask how
// much they are: accounts.take(user, body.amount).
func given(c *pymodel.Call, depth int, f func(pyast.Expr)) {
	to := c.Target()
	if to == nil || depth > maxGiven || pymodel.HasStars(c.Call) {
		return
	}
	reckoned := map[string]bool{}
	note := func(e pyast.Expr) {
		if n, ok := e.(*pyast.Name); ok && !compared(to, n) {
			reckoned[n.ID] = true
		}
	}
	each(to, note)
	for _, inner := range to.Calls {
		given(inner, depth+1, note)
	}
	params := to.Params
	if to.Class != nil && len(params) > 0 && (params[0].Name == "self" || params[0].Name == "cls") {
		params = params[1:]
	}
	for i, prm := range params {
		if e := c.Arg(i, prm.Name); e != nil && reckoned[prm.Name] {
			f(e)
		}
	}
}

// element is the model that a loop's name stands for: for item in body.items.
func element(s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	n, ok := e.(*pyast.Name)
	if !ok {
		return nil
	}
	b, at := s.Lookup(n.ID)
	if b == nil || !b.Part || b.Value == nil {
		return nil
	}
	a, ok := b.Value.(*pyast.Attribute)
	if !ok {
		return nil
	}
	class := at.TypeOf(a.Value).Class
	if class == nil {
		return nil
	}
	for _, f := range class.AllFields() {
		if f.Name == a.Attr {
			if list := classes(class.Outer, f.Annotation); len(list) == 1 {
				return list[0]
			}
		}
	}
	return nil
}

func handler(p *analysis.Pass, f *pymodel.Func) bool {
	return slices.ContainsFunc(p.Python.Routes, func(r *pymodel.Route) bool { return r.Func == f && r.Writes() })
}

// each calls f for the operands of what is reckoned in a function: of *, and
// of what is added to a balance or taken from it.
func each(fn *pymodel.Func, f func(pyast.Expr)) {
	seen := map[string]bool{}
	once := func(e pyast.Expr) {
		if d := pymodel.Dotted(e); d != "" && !seen[d] {
			seen[d] = true
			f(e)
		}
	}
	pyast.Walk(fn.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.BinOp:
			_, text := fn.Scope.Text(n.Left)
			if n.Op == pyast.Mult && !text || (n.Op == pyast.Sub || n.Op == pyast.Add) && (held(n.Left) || held(n.Right)) {
				once(n.Left)
				once(n.Right)
			}
		case *pyast.AugAssign:
			if n.Op == pyast.Mult || (n.Op == pyast.Sub || n.Op == pyast.Add) && held(n.Target) {
				once(n.Value)
			}
		case *pyast.FunctionDef, *pyast.ClassDef:
			return false
		}
		return true
	})
}

// held tells whether a value is what somebody has.
func held(e pyast.Expr) bool {
	if sub, ok := e.(*pyast.Subscript); ok && analysis.Leaf(e) == "" {
		e = sub.Value // balances[user]
	}
	return analysis.Names(analysis.Leaf(e), "balance", "balances", "stock", "credit", "credits", "points", "inventory", "wallet", "funds")
}

// compared tells whether a function asks how much it is.
func compared(f *pymodel.Func, e pyast.Expr) bool {
	name := pymodel.Dotted(e)
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare:
			for i, op := range n.Ops {
				left, right := n.Left, n.Comparators[i]
				if i > 0 {
					left = n.Comparators[i-1]
				}
				if op == pyast.Lt || op == pyast.LtE || op == pyast.Gt || op == pyast.GtE {
					_, l := f.Scope.Number(left)
					_, r := f.Scope.Number(right)
					// balance < amount is no question about the amount.
					found = found || pymodel.Dotted(left) == name && r || pymodel.Dotted(right) == name && l
				}
			}
		case *pyast.Call:
			if leaf := analysis.Leaf(n.Func); leaf == "max" || leaf == "abs" || strings.Contains(leaf, "valid") || strings.Contains(leaf, "check") || strings.Contains(leaf, "ensure") {
				for _, a := range n.Args {
					found = found || pymodel.Dotted(a) == name || strings.HasPrefix(name, pymodel.Dotted(a)+".") && pymodel.Dotted(a) != ""
				}
			}
		}
		return !found
	})
	return found
}
