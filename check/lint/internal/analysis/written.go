package analysis

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// Written is an expression as it is written, cut short, with the file that it
// stands in where that is another than the one told of.
func Written(m *pymodel.Module, o pymodel.Origin) string {
	from := o.Scope.Module
	text := from.File.Text(o.Expr)
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 40 {
		text = string(r[:39]) + "…"
	}
	if from != m {
		text += " of " + from.Path
	}
	return text
}

// Made calls f for each call, and for those of functions that are handed over
// with their arguments.
func (p *Pass) Made(f func(*pymodel.Call)) {
	p.Calls(func(c *pymodel.Call) {
		f(c)
		if h := c.Handed(); h != nil {
			f(h)
		}
	})
}

// refuses tells whether a call hands request data to a function of the project
// that compares it with a list, and raises.
func (p *Pass) refuses(c *pymodel.Call) bool {
	f := c.Target()
	if f == nil {
		return false
	}
	params := f.Params
	if f.Class != nil && len(params) > 0 && (params[0].Name == "self" || params[0].Name == "cls") {
		params = params[1:]
	}
	for i, a := range c.Args {
		if i >= len(params) || p.Python.Level(c.Scope, a) == pymodel.Clean || !p.Python.Checked(f.Scope, &pyast.Name{ID: params[i].Name}) {
			continue
		}
		raises := false
		pyast.Inspect(f.FunctionDef, func(n pyast.Node) bool {
			if _, ok := n.(*pyast.Raise); ok {
				raises = true
			}
			return !raises
		})
		if raises {
			return true
		}
	}
	return false
}

// Refused tells whether a function on the way of request data has it compared
// with a list by another, which raises.
func (p *Pass) Refused(t *pymodel.Trail) bool {
	return slices.ContainsFunc(t.Funcs, func(f *pymodel.Func) bool { return slices.ContainsFunc(f.Calls, p.refuses) })
}

// Vetted tells whether a function on the way of request data hands some of it
// to one whose name says that it checks: verbs and things of it.
func (p *Pass) Vetted(t *pymodel.Trail, things ...string) bool {
	for _, f := range t.Funcs {
		for _, c := range f.Calls {
			name := c.Method()
			if p.refuses(c) {
				return true
			}
			if !Names(name, "allowed", "allow", "safe", "secure", "validate", "validated", "valid", "verify", "check", "ensure", "assert", "trusted", "guard", "sanitize", "sanitized", "clean", "require", "reject", "block", "blocked", "is", "resolve", "restrict", "inside", "within") || !Names(name, things...) || Names(name, "exists", "exist") {
				continue
			}
			if slices.ContainsFunc(c.Args, func(a pyast.Expr) bool { return p.Python.Level(c.Scope, a) > pymodel.Clean }) ||
				slices.ContainsFunc(c.Keywords, func(k *pyast.Keyword) bool { return p.Python.Level(c.Scope, k.Value) > pymodel.Clean }) {
				return true
			}
		}
	}
	return false
}
