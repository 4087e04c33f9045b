package pymodel

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// Unset is what an expression is made of where the environment says nothing:
// it goes through fields of settings, os.getenv with a default and their like.
// It returns nil when the environment is not asked for it.
func (s *Scope) Unset(e pyast.Expr) (pyast.Expr, *Scope) {
	at, asked := s, false
	for range maxFollow {
		switch x := e.(type) {
		case *pyast.Name, *pyast.Attribute:
			sym := at.Symbol(e)
			if sym.Binding == nil {
				v, f := at.givenOnce(e)
				if v == nil {
					return nil, nil
				}
				e, at = v, f
				continue
			}
			b := sym.Binding
			if b.Value == nil || b.Count != 1 || b.Param || b.With || b.Part {
				return nil, nil
			}
			e, at = b.Value, sym.Scope
			if at.Class != nil && at.Class.IsSettings() {
				asked = true
				if c, ok := e.(*pyast.Call); ok {
					if e = at.fieldDefault(c); e == nil {
						return nil, nil
					}
				}
			}
		case *pyast.Call:
			d, known := at.envDefault(x)
			if !known || d == nil {
				return nil, nil
			}
			e, asked = d, true
		default:
			if !asked {
				return nil, nil
			}
			return e, at
		}
	}
	return nil, nil
}

// givenOnce is what self.name is given, when that is one value.
func (s *Scope) givenOnce(e pyast.Expr) (pyast.Expr, *Scope) {
	a, ok := e.(*pyast.Attribute)
	if !ok {
		return nil, nil
	}
	c := s.holder(a)
	if c == nil {
		return nil, nil
	}
	var found *givenAttr
	for i, g := range s.Module.project.given[c] {
		if g.name == a.Attr {
			if found != nil {
				return nil, nil
			}
			found = &s.Module.project.given[c][i]
		}
	}
	if found == nil {
		return nil, nil
	}
	return found.value, found.f.Scope
}

// fieldDefault is the default that Field gives.
func (s *Scope) fieldDefault(c *pyast.Call) pyast.Expr {
	if name := s.Qualified(c.Func); name != "pydantic.Field" && name != "dataclasses.field" {
		return c
	}
	if d := Arg(c, 0, "default"); d != nil {
		return d
	}
	if l, ok := Keyword(c, "default_factory").(*pyast.Lambda); ok {
		return l.Body
	}
	return nil
}

// envDefault is what a call that asks the environment gives where nothing is
// set; known tells that it is such a call. No default is nil.
func (s *Scope) envDefault(c *pyast.Call) (d pyast.Expr, known bool) {
	name := s.Qualified(c.Func)
	switch name {
	case "os.getenv", "os.environ.get":
		return Arg(c, 1, "default"), true
	case "decouple.config":
		return Arg(c, 1, "default"), true
	}
	if t := s.typeOf(c.Func, 0); t.Name == "starlette.config.Config" {
		return Arg(c, 2, "default"), true
	}
	if strings.HasPrefix(name, "environs.Env.") || strings.HasPrefix(name, "environ.Env.") {
		return Arg(c, 1, "default"), true
	}
	// The project's own: env_bool("VERIFY", False).
	if f := s.Symbol(c.Func).Binding; f != nil && f.Func != nil && len(c.Args)+len(c.Keywords) > 1 && len(f.Func.Params) > 1 && f.Func.asksEnvironment() {
		return Arg(c, 1, f.Func.Params[1].Name), true
	}
	return nil, false
}

func (f *Func) asksEnvironment() bool {
	return slices.ContainsFunc(f.Calls, func(c *Call) bool {
		return c.Name() == "os.getenv" || c.Name() == "os.environ.get"
	})
}

// UnsetConst is the value of an expression where the environment says nothing,
// when it asks the environment: os.getenv("VERIFY", "no") == "yes" is False.
func (s *Scope) UnsetConst(e pyast.Expr) (Value, bool) {
	v, asked, ok := s.unset(e, 0)
	return v, asked && ok
}

func (s *Scope) unset(e pyast.Expr, depth int) (v Value, asked, ok bool) {
	if depth > maxFollow || e == nil {
		return Value{}, false, false
	}
	if v, ok := s.Const(e); ok {
		return v, false, true
	}
	switch x := e.(type) {
	case *pyast.Name, *pyast.Attribute:
		if to, at := s.Unset(e); to != nil {
			v, _, ok = at.unset(to, depth+1)
			return v, true, ok
		}
		if sym := s.Symbol(e); sym.Binding != nil && sym.Binding.Value != nil && sym.Binding.Count == 1 && !sym.Binding.Param && !sym.Binding.With && !sym.Binding.Part {
			value := sym.Binding.Value
			settings := sym.Scope.Class != nil && sym.Scope.Class.IsSettings()
			if c, isCall := value.(*pyast.Call); isCall && settings {
				if value = sym.Scope.fieldDefault(c); value == nil {
					return Value{}, false, false
				}
			}
			v, asked, ok = sym.Scope.unset(value, depth+1)
			return v, asked || settings, ok
		}
		if to, at := s.givenOnce(e); to != nil {
			return at.unset(to, depth+1)
		}
	case *pyast.UnaryOp:
		if x.Op == pyast.Not {
			v, asked, ok = s.unset(x.Operand, depth+1)
			return Value{Kind: boolKind(!v.truth())}, asked, ok
		}
	case *pyast.BoolOp:
		for i, part := range x.Values {
			v, more, known := s.unset(part, depth+1)
			if !known {
				return Value{}, false, false
			}
			asked = asked || more
			if i == len(x.Values)-1 || v.truth() == (x.Op == pyast.Or) {
				return v, asked, true
			}
		}
	case *pyast.Compare:
		return s.unsetCompare(x, depth)
	case *pyast.Call:
		if d, known := s.envDefault(x); known {
			if d == nil {
				return Value{Kind: pyast.None}, true, len(x.Args) > 0
			}
			v, _, ok = s.unset(d, depth+1)
			return v, true, ok
		}
		if a, method := x.Func.(*pyast.Attribute); method && len(x.Args) == 0 {
			v, asked, ok = s.unset(a.Value, depth+1)
			switch {
			case !ok || v.Kind != pyast.Str:
				return Value{}, false, false
			case a.Attr == "lower" || a.Attr == "casefold":
				v.Text = strings.ToLower(v.Text)
			case a.Attr == "upper":
				v.Text = strings.ToUpper(v.Text)
			case a.Attr == "strip":
				v.Text = strings.TrimSpace(v.Text)
			default:
				return Value{}, false, false
			}
			return v, asked, true
		}
		if len(x.Args) != 1 {
			return Value{}, false, false
		}
		v, asked, ok = s.unset(x.Args[0], depth+1)
		switch name := s.Qualified(x.Func); {
		case name == "builtins.bool":
			return Value{Kind: boolKind(v.truth())}, asked, ok
		case name == "builtins.int" && v.Kind == pyast.Str:
			return Value{pyast.Int, v.Text}, asked, ok
		case name == "distutils.util.strtobool" || name == "json.loads" || strings.HasSuffix(name, "bool") && v.Kind == pyast.Str: // str_to_bool
			word, is := yesNo[strings.ToLower(v.Text)]
			return Value{Kind: boolKind(word)}, asked, ok && is
		}
	}
	return Value{}, false, false
}

// yesNo are the words that settings say yes and no by. What is compared with
// other words says more than that, such as where it runs.
var yesNo = map[string]bool{"true": true, "1": true, "yes": true, "on": true, "y": true, "t": true, "false": false, "0": false, "no": false, "off": false, "n": false, "f": false, "": false}

func (s *Scope) unsetCompare(x *pyast.Compare, depth int) (v Value, asked, ok bool) {
	if len(x.Ops) != 1 {
		return Value{}, false, false
	}
	l, asked, ok := s.unset(x.Left, depth+1)
	if !ok || l.Kind != pyast.Str && l.Kind != pyast.None {
		return Value{}, false, false
	}
	var words []string
	if t, known := s.Text(x.Comparators[0]); known {
		words = []string{t}
	} else if list, all := s.Texts(x.Comparators[0]); all {
		words = list
	}
	if len(words) == 0 {
		return Value{}, false, false
	}
	for _, w := range words {
		if _, is := yesNo[strings.ToLower(w)]; !is {
			return Value{}, false, false
		}
	}
	is := l.Kind == pyast.Str && slices.Contains(words, l.Text)
	switch x.Ops[0] {
	case pyast.Eq, pyast.In:
		return Value{Kind: boolKind(is)}, asked, true
	case pyast.NotEq, pyast.NotIn:
		return Value{Kind: boolKind(!is)}, asked, true
	}
	return Value{}, false, false
}

func boolKind(b bool) pyast.Kind {
	if b {
		return pyast.True
	}
	return pyast.False
}

func (v Value) truth() bool {
	switch v.Kind {
	case pyast.None, pyast.False:
		return false
	case pyast.Str, pyast.Bytes:
		return v.Text != ""
	case pyast.Int:
		return strings.Trim(v.Text, "0_") != ""
	}
	return true
}

// UnsetIs tells whether an expression is True, False or None unless the
// environment says otherwise.
func (s *Scope) UnsetIs(e pyast.Expr, k pyast.Kind) bool {
	v, ok := s.UnsetConst(e)
	return ok && v.Kind == k
}

// UnsetText is a text, unless the environment says otherwise.
func (s *Scope) UnsetText(e pyast.Expr) (string, bool) {
	v, ok := s.UnsetConst(e)
	return v.Text, ok && v.Kind == pyast.Str
}

// UnsetTexts are the texts in a list, unless the environment says otherwise: a
// list, or a text that is split.
func (s *Scope) UnsetTexts(e pyast.Expr) []string {
	for range maxFollow {
		if c, ok := e.(*pyast.Call); ok {
			a, method := c.Func.(*pyast.Attribute)
			if !method || a.Attr != "split" {
				break
			}
			text, known := s.UnsetText(a.Value)
			by, _ := s.Text(Arg(c, 0, "sep"))
			if !known {
				return nil
			}
			if by == "" {
				return strings.Fields(text)
			}
			return strings.Split(text, by)
		}
		if to, at := s.Unset(e); to != nil {
			texts, _ := at.Texts(to)
			return texts
		}
		sym := s.Symbol(e)
		if sym.Binding == nil || sym.Binding.Value == nil || sym.Binding.Count != 1 || sym.Binding.Param || sym.Binding.Part || sym.Binding.With {
			return nil
		}
		e, s = sym.Binding.Value, sym.Scope
	}
	return nil
}
