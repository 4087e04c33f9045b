package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A guard is a condition under which something is done.
type guard struct {
	test pyast.Expr
	not  bool // it is done when the condition does not hold
	// match tells that it is what a case is of: match key: case "name".
	match bool
}

// guards are the conditions under which a node in a loop's body is reached.
func guards(body []pyast.Stmt, at pyast.Node) []guard {
	in := func(list []pyast.Stmt) bool {
		return len(list) > 0 && list[0].Pos() <= at.Pos() && at.End() <= list[len(list)-1].End()
	}
	var out []guard
	for _, s := range body {
		if s.Pos() > at.Pos() {
			break
		}
		switch s := s.(type) {
		case *pyast.If:
			switch {
			case in(s.Body):
				return append(append(out, guard{test: s.Test}), guards(s.Body, at)...)
			case in(s.Orelse):
				return append(append(out, guard{test: s.Test, not: true}), guards(s.Orelse, at)...)
			case skips(s.Body):
				out = append(out, guard{test: s.Test, not: true})
			case skips(s.Orelse):
				out = append(out, guard{test: s.Test})
			}
		case *pyast.Assert:
			out = append(out, guard{test: s.Test})
		case *pyast.For:
			out = append(out, guards(s.Body, at)...)
		case *pyast.With:
			out = append(out, guards(s.Body, at)...)
		case *pyast.Try:
			out = append(out, guards(s.Body, at)...)
		case *pyast.Match:
			for _, c := range s.Cases {
				if in(c.Body) {
					// What a case lets through is not looked into.
					return append(append(out, guard{test: s.Subject, match: true}), guards(c.Body, at)...)
				}
			}
		}
	}
	return out
}

// skips tells whether a branch goes no further.
func skips(body []pyast.Stmt) bool {
	if len(body) == 0 {
		return false
	}
	switch body[len(body)-1].(type) {
	case *pyast.Raise, *pyast.Continue, *pyast.Return, *pyast.Break:
		return true
	}
	return false
}

// facts are the comparisons that are known to hold, or not to, where the
// guards let through. Of what holds in part only, nothing is known.
func facts(g guard) (known []guard, all bool) {
	switch x := g.test.(type) {
	case *pyast.UnaryOp:
		if x.Op == pyast.Not {
			return facts(guard{test: x.Operand, not: !g.not})
		}
	case *pyast.BoolOp:
		if (x.Op == pyast.And) == g.not {
			return nil, false
		}
		all = true
		for _, v := range x.Values {
			more, whole := facts(guard{test: v, not: g.not})
			known, all = append(known, more...), all && whole
		}
		return known, all
	}
	return []guard{g}, true
}

// A screen is what keys of a client's choice are let through.
type screen struct {
	p      *analysis.Pass
	s      *pymodel.Scope
	key    string
	object pyast.Expr // whose attributes are set; nil when that is not known
	from   string     // the dict that the keys are looked up in
}

// about tells whether an expression is the key.
func (c screen) about(e pyast.Expr) bool {
	if call, ok := e.(*pyast.Call); ok { // key.lower()
		if a, method := call.Func.(*pyast.Attribute); method && len(call.Args) == 0 {
			e = a.Value
		}
	}
	return analysis.Leaf(e) == c.key || first(e) == c.key
}

// passes tells which keys are left out, and whether others than a list's come
// through.
func (c screen) passes(list []guard) (drop []string, wide bool) {
	for _, g := range list {
		known, all := facts(g)
		if !all && c.mentioned(g.test) {
			return nil, false
		}
		for _, f := range known {
			names, ok := c.lets(f)
			if !ok {
				return nil, false
			}
			drop = append(drop, names...)
		}
	}
	return drop, true
}

// mentioned tells whether a condition compares the key with something.
func (c screen) mentioned(e pyast.Expr) bool {
	found := false
	pyast.Inspect(e, func(n pyast.Node) bool {
		if cmp, ok := n.(*pyast.Compare); ok && c.about(cmp.Left) && !anyField(c.s, cmp, c.object) {
			found = true
		}
		return !found
	})
	return found
}

// lets tells which keys a comparison leaves out; it is not ok when it lets
// through only some.
func (c screen) lets(g guard) (drop []string, ok bool) {
	if g.match {
		return nil, !c.about(g.test)
	}
	if call, is := g.test.(*pyast.Call); is {
		// What editable(key) says is not looked into.
		switch c.s.Qualified(call.Func) {
		case "builtins.hasattr", "builtins.isinstance", "builtins.getattr", "builtins.len":
			return nil, true
		}
		return nil, !slices.ContainsFunc(arguments(call), c.about)
	}
	cmp, is := g.test.(*pyast.Compare)
	if !is || len(cmp.Ops) != 1 {
		return nil, true
	}
	op, other := cmp.Ops[0], cmp.Comparators[0]
	if !c.about(cmp.Left) {
		if !c.about(other) || op != pyast.Eq && op != pyast.NotEq {
			return nil, true
		}
		other = cmp.Left // "id" != key
	}
	switch op {
	case pyast.In, pyast.NotIn:
		// Whether the object has such a field, or whether it was sent.
		sent := c.from != "" && pymodel.Dotted(other) == c.from
		if sent || anyField(c.s, cmp, c.object) {
			return nil, true
		}
		if (op == pyast.NotIn) == g.not {
			return nil, false
		}
		names, all := c.texts(other)
		return names, all && len(names) > 0
	case pyast.Eq, pyast.NotEq:
		if (op == pyast.NotEq) == g.not {
			return nil, false
		}
		text, known := c.s.Text(other)
		return []string{text}, known
	}
	return nil, true
}

// texts are those of a list; of a parameter, those that it has when nothing
// else is given.
func (c screen) texts(e pyast.Expr) ([]string, bool) {
	if n, ok := e.(*pyast.Name); ok && c.p != nil {
		if b, at := c.s.Lookup(n.ID); b != nil && b.Param && at.Func != nil {
			for _, x := range at.Func.Params {
				if x.Name == n.ID && x.Default != nil && len(c.p.Python.Given(at.Func, n.ID)) == 0 {
					return at.Func.Outer.Texts(x.Default)
				}
			}
		}
	}
	return c.s.Texts(e)
}

// enough tells whether what is left out is all that a client may not set: of
// the object's class, or of any where that is not known.
func enough(class *pymodel.Class, drop []string) bool {
	if len(drop) == 0 {
		return false
	}
	if class != nil {
		some := false
		for _, f := range class.AllFields() {
			if !sensitive(f.Name) {
				continue
			}
			if !slices.Contains(drop, f.Name) {
				return false
			}
			some = true
		}
		if some {
			return true
		}
	}
	return slices.ContainsFunc(drop, func(name string) bool { return !keyed(name) })
}

// sensitive tells whether a column says what its row's user may do, or whose
// the row is.
func sensitive(name string) bool {
	w := strings.Join(pymodel.Words(name), " ")
	return reserved(name) || slices.Contains([]string{"tenant id", "organization id", "organisation id", "org id", "user id", "token version"}, w)
}

// keyed tells whether a name is of what the database makes itself: to leave
// that out is no care for what else is there.
func keyed(name string) bool {
	switch strings.Join(pymodel.Words(name), " ") {
	case "id", "pk", "uuid", "created at", "updated at", "created", "updated", "version", "modified at":
		return true
	}
	return strings.HasPrefix(name, "__")
}

// keyOf is the name of the key in a loop over a dict.
func keyOf(target pyast.Expr) string {
	if t, ok := target.(*pyast.Tuple); ok && len(t.Elts) > 0 {
		return analysis.Leaf(t.Elts[0])
	}
	return analysis.Leaf(target)
}

// ifs are the conditions of a comprehension.
func ifs(list []pyast.Expr) []guard {
	var out []guard
	for _, e := range list {
		out = append(out, guard{test: e})
	}
	return out
}

// refusals are the conditions by which a loop's body refuses.
func refusals(body []pyast.Stmt) []guard {
	var out []guard
	for _, s := range body {
		if branch, ok := s.(*pyast.If); ok && leavesBy(branch.Body) {
			out = append(out, guard{test: branch.Test, not: true})
		}
	}
	return out
}
