package pymodel

import (
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// A Value is what is known before the program runs.
type Value struct {
	Kind pyast.Kind
	Text string // of a text, of bytes, or the digits of a number
}

// Const is the value of an expression, through names that are bound once.
func (s *Scope) Const(e pyast.Expr) (Value, bool) { return s.constant(e, 0) }

func (s *Scope) constant(e pyast.Expr, depth int) (Value, bool) {
	if depth > maxFollow {
		return Value{}, false
	}
	switch e := e.(type) {
	case *pyast.Constant:
		return Value{e.Kind, e.Value}, true
	case *pyast.UnaryOp:
		v, ok := s.constant(e.Operand, depth+1)
		switch {
		case !ok:
		case e.Op == pyast.Not && (v.Kind == pyast.True || v.Kind == pyast.False):
			if v.Kind == pyast.True {
				return Value{Kind: pyast.False}, true
			}
			return Value{Kind: pyast.True}, true
		case e.Op == pyast.USub && v.Kind == pyast.Int:
			return Value{pyast.Int, "-" + v.Text}, true
		}
	case *pyast.BinOp:
		l, ok := s.constant(e.Left, depth+1)
		if !ok {
			return Value{}, false
		}
		r, ok := s.constant(e.Right, depth+1)
		if !ok || l.Kind != r.Kind {
			return Value{}, false
		}
		switch {
		case e.Op == pyast.Add && (l.Kind == pyast.Str || l.Kind == pyast.Bytes):
			return Value{l.Kind, l.Text + r.Text}, true
		case l.Kind == pyast.Int:
			a, aok := l.Int()
			b, bok := r.Int()
			if !aok || !bok || a > 1<<31 || b > 1<<31 || a < -1<<31 || b < -1<<31 {
				return Value{}, false
			}
			switch e.Op {
			case pyast.Add:
				return Value{pyast.Int, strconv.FormatInt(a+b, 10)}, true
			case pyast.Sub:
				return Value{pyast.Int, strconv.FormatInt(a-b, 10)}, true
			case pyast.Mult:
				return Value{pyast.Int, strconv.FormatInt(a*b, 10)}, true
			}
		}
	case *pyast.JoinedStr:
		var b strings.Builder
		for _, part := range e.Values {
			if f, ok := part.(*pyast.FormattedValue); ok {
				part = f.Value
			}
			v, ok := s.constant(part, depth+1)
			if !ok || v.Kind != pyast.Str {
				return Value{}, false
			}
			b.WriteString(v.Text)
		}
		return Value{pyast.Str, b.String()}, true
	case *pyast.Subscript:
		// OPTIONS["verify"], of a dict that is written once.
		key, ok := s.constant(e.Slice, depth+1)
		if _, named := e.Value.(*pyast.Name); !ok || !named || key.Kind != pyast.Str {
			return Value{}, false
		}
		if b := s.symbol(e.Value, depth+1).Binding; b == nil || b.Count != 1 {
			return Value{}, false
		}
		d, at := s.Dict(e.Value)
		if d == nil {
			return Value{}, false
		}
		if v := at.Entry(d, key.Text); v != nil {
			return at.constant(v, depth+1)
		}
	case *pyast.Name, *pyast.Attribute:
		sym := s.symbol(e, depth+1)
		b := sym.Binding
		if b == nil || b.Value == nil || b.Count != 1 || b.Param || b.With || b.Part {
			return Value{}, false
		}
		if sym.Scope.Class != nil && sym.Scope.Class.IsA(settings...) {
			return Value{}, false // the environment says
		}
		return sym.Scope.constant(b.Value, depth+1)
	}
	return Value{}, false
}

var settings = []string{"pydantic_settings.BaseSettings", "starlette.config.Config"}

// IsSettings tells whether a class is filled from the environment.
func (c *Class) IsSettings() bool { return c.IsA(settings...) }

// Int is the number that a value is.
func (v Value) Int() (int64, bool) {
	if v.Kind != pyast.Int {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(v.Text, "_", ""), 0, 64)
	return n, err == nil
}

// Is tells whether an expression is known to be True, False or None.
func (s *Scope) Is(e pyast.Expr, k pyast.Kind) bool {
	if e == nil {
		return false
	}
	v, ok := s.Const(e)
	return ok && v.Kind == k
}

// Text is the text that an expression is known to be.
func (s *Scope) Text(e pyast.Expr) (string, bool) {
	if e == nil {
		return "", false
	}
	v, ok := s.Const(e)
	return v.Text, ok && (v.Kind == pyast.Str || v.Kind == pyast.Bytes)
}

// Number is the number that an expression is known to be.
func (s *Scope) Number(e pyast.Expr) (int64, bool) {
	if e == nil {
		return 0, false
	}
	v, ok := s.Const(e)
	if !ok {
		return 0, false
	}
	return v.Int()
}

// List is what a list, a tuple or a set is written of, through names.
func (s *Scope) List(e pyast.Expr) ([]pyast.Expr, *Scope) {
	for range maxFollow {
		switch x := e.(type) {
		case *pyast.List:
			return x.Elts, s
		case *pyast.Tuple:
			return x.Elts, s
		case *pyast.Set:
			return x.Elts, s
		case *pyast.Name, *pyast.Attribute:
			sym := s.Symbol(e)
			if sym.Binding == nil || sym.Binding.Value == nil || sym.Binding.Count != 1 || sym.Binding.Part {
				return nil, s
			}
			e, s = sym.Binding.Value, sym.Scope
		default:
			return nil, s
		}
	}
	return nil, s
}

// Texts are the texts in a list; all tells that there is nothing else in it.
func (s *Scope) Texts(e pyast.Expr) (out []string, all bool) {
	if e == nil {
		return nil, false
	}
	list, at := s.List(e)
	for _, x := range list {
		if t, ok := at.Text(x); ok {
			out = append(out, t)
		}
	}
	return out, list != nil && len(out) == len(list)
}

// Dict is what a dict is written of, through names.
func (s *Scope) Dict(e pyast.Expr) (*pyast.Dict, *Scope) {
	for range maxFollow {
		switch x := e.(type) {
		case *pyast.Dict:
			return x, s
		case *pyast.Name, *pyast.Attribute:
			sym := s.Symbol(e)
			if sym.Binding == nil || sym.Binding.Value == nil || sym.Binding.Part {
				return nil, s
			}
			e, s = sym.Binding.Value, sym.Scope
		default:
			return nil, s
		}
	}
	return nil, s
}

// Entry is the value of a key that is a text, in a dict; nil when it is not
// there.
func (s *Scope) Entry(d *pyast.Dict, key string) pyast.Expr {
	for i, k := range d.Keys {
		if k == nil {
			continue
		}
		if t, ok := s.Text(k); ok && t == key {
			return d.Values[i]
		}
	}
	return nil
}

// FromEnvironment tells whether an expression asks the environment.
func (s *Scope) FromEnvironment(e pyast.Expr) bool {
	found := false
	pyast.Inspect(e, func(n pyast.Node) bool {
		if x, ok := n.(pyast.Expr); ok {
			switch s.Qualified(x) {
			case "os.getenv", "os.environ", "os.environ.get":
				found = true
			}
		}
		return !found
	})
	return found
}
