package pymodel

import (
	"math"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// checks are names that were checked, and where in the function that ceases to
// hold.
type checks map[string]int

// whole is a check that holds throughout.
const whole = math.MaxInt

func (c checks) note(e pyast.Expr, until int) {
	if name := Dotted(e); name != "" {
		c[name] = max(c[name], until)
	}
}

// holds tells whether a name is checked where it stands.
func (c checks) holds(name string, at pyast.Node) bool {
	until, ok := c[name]
	return ok && at.Pos() <= until
}

// found are the comparisons of a condition that hold where its body is reached:
// x in ALLOWED, or that and more.
func found(test pyast.Expr) []*pyast.Compare {
	switch x := test.(type) {
	case *pyast.Compare:
		if len(x.Ops) == 1 && x.Ops[0] == pyast.In {
			return []*pyast.Compare{x}
		}
	case *pyast.BoolOp:
		if x.Op == pyast.And {
			var out []*pyast.Compare
			for _, v := range x.Values {
				out = append(out, found(v)...)
			}
			return out
		}
	}
	return nil
}

// leaves tells whether a body ends by leaving the function, or the round of a
// loop.
func leaves(body []pyast.Stmt) bool {
	switch body[len(body)-1].(type) {
	case *pyast.Return, *pyast.Raise, *pyast.Continue, *pyast.Break:
		return true
	}
	return false
}

// checked are the names that are compared with a list of what is allowed, or
// with a pattern as a whole. Behind `if x in LIST: return` comes what is not in
// the list.
func (f *Func) checked() checks {
	out := checks{}
	note := func(e pyast.Expr) { out.note(e, whole) }
	until := map[*pyast.Compare]int{}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.If:
			if leaves(n.Body) {
				for _, c := range found(n.Test) {
					until[c] = n.Body[len(n.Body)-1].End()
				}
			}
		case *pyast.Compare:
			for i, op := range n.Ops {
				left := n.Left
				if i > 0 {
					left = n.Comparators[i-1]
				}
				if op == pyast.In || op == pyast.NotIn {
					switch n.Comparators[i].(type) {
					case *pyast.Constant:
					default:
						end := whole
						if e, ok := until[n]; ok {
							end = e
						}
						out.note(left, end)
						if c, ok := left.(*pyast.Call); ok {
							if a, ok := c.Func.(*pyast.Attribute); ok {
								out.note(a.Value, end) // x.lower() in ALLOWED
							}
						}
					}
				}
			}
		case *pyast.Call:
			a, method := n.Func.(*pyast.Attribute)
			switch exprName(n.Func) {
			case "fullmatch":
				for _, a := range n.Args {
					note(a)
				}
			case "match":
				if f.wholly(n) {
					for _, a := range n.Args {
						note(a)
					}
				}
			case "isidentifier", "isalnum", "isdigit", "isdecimal", "isnumeric", "isalpha":
				if method {
					note(a.Value)
				}
			}
		case *pyast.FunctionDef, *pyast.ClassDef:
			return false
		}
		return true
	})
	return out
}

// anchored tells whether a pattern is of the whole of a text, and lets only
// some characters in.
func anchored(pattern string) bool {
	open := strings.HasPrefix(pattern, "^") || strings.HasPrefix(pattern, `\A`)
	closed := strings.HasSuffix(pattern, "$") || strings.HasSuffix(pattern, `\Z`)
	return open && closed && !strings.Contains(pattern, ".*") && !strings.Contains(pattern, ".+") && !strings.Contains(pattern, "[^")
}

// wholly tells whether a call of match is with a pattern of the whole: of re,
// or of what re.compile made.
func (f *Func) wholly(c *pyast.Call) bool {
	a, ok := c.Func.(*pyast.Attribute)
	if !ok {
		return false
	}
	pattern := Arg(c, 0, "pattern")
	s := f.Outer
	if f.Scope != nil {
		s = f.Scope
	}
	if s.Qualified(c.Func) != "re.match" {
		made := s.Made(a.Value)
		if made == nil {
			return false
		}
		pattern = Arg(made, 0, "pattern")
		if sym := s.Symbol(a.Value); sym.Scope != nil {
			s = sym.Scope
		}
	}
	text, ok := s.Text(pattern)
	return ok && anchored(text)
}

// patterned tells whether Query(…), Path(…) or Field(…) lets only texts of a
// pattern in.
func (s *Scope) patterned(e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	if !ok {
		return false
	}
	for _, name := range []string{"pattern", "regex"} {
		if text, ok := s.Text(Keyword(c, name)); ok && anchored(text) {
			return true
		}
	}
	return false
}

// restricted tells whether a field of a model holds only what a pattern or a
// validator lets in.
func (c *Class) restricted(f *Field) bool {
	if c.Outer.patterned(f.Value) {
		return true
	}
	if list, at := c.Outer.Annotated(f.Annotation); slices.ContainsFunc(list, at.patterned) {
		return true
	}
	for _, stmt := range c.Body {
		def, ok := stmt.(*pyast.FunctionDef)
		if !ok || !slices.ContainsFunc(def.Decorators, func(d pyast.Expr) bool { return validatorOf(d, f.Name) }) {
			continue
		}
		b := c.Scope.Names[def.Name]
		if b == nil || b.Func == nil || len(b.Func.Params) == 0 {
			continue
		}
		checked := b.Func.checked()
		if params := b.Func.given(); len(params) > 0 && checked[params[0].Name] > 0 {
			return true
		}
	}
	return false
}

func validatorOf(d pyast.Expr, field string) bool {
	c, ok := d.(*pyast.Call)
	if !ok || !strings.HasSuffix(exprName(c.Func), "validator") {
		return false
	}
	return slices.ContainsFunc(c.Args, func(a pyast.Expr) bool {
		text, ok := a.(*pyast.Constant)
		return ok && text.Value == field
	})
}
