package jwt

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// endless tells whether all that is in a payload is seen, and no exp is in it.
func endless(p *analysis.Pass, c *pymodel.Call, payload pyast.Expr) bool {
	f := c.Scope.Enclosing()
	if f != nil && kept(f.Name) && setsExpiry(c.Module) {
		return false // the one of several that is meant to last
	}
	r := &payloads{p: p, seen: map[seen]bool{}}
	return r.seenAll(c.Scope, payload, 0) && !r.foreign
}

// kept are tokens that are good until they are taken back.
func kept(name string) bool {
	return analysis.Names(name, "unsubscribe", "api key", "api token", "api tokens", "device", "personal", "license")
}

// payloads follows what a payload is made of.
type payloads struct {
	p       *analysis.Pass
	seen    map[seen]bool
	foreign bool // some of it is handed in by callers that are not known, and may set exp
}

// seenAll tells whether an expression is a dict, or a copy of one, of which all
// keys are seen, and exp is none of them.
func (r *payloads) seenAll(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if e == nil || depth > 8 {
		return false
	}
	depth++
	switch x := e.(type) {
	case *pyast.Dict:
		for i, k := range x.Keys {
			if k == nil { // **more
				if r.unknown(s, x.Values[i]) || !r.seenAll(s, x.Values[i], depth) {
					return false
				}
				continue
			}
			if text, ok := s.Text(k); !ok || text == "exp" {
				return false
			}
		}
		return true
	case *pyast.BinOp:
		return x.Op == pyast.BitOr && r.seenAll(s, x.Left, depth) && r.seenAll(s, x.Right, depth)
	case *pyast.IfExp:
		return r.seenAll(s, x.Body, depth) && r.seenAll(s, x.Orelse, depth)
	case *pyast.Call:
		return r.call(s, x, depth)
	case *pyast.Name:
		return r.name(s, x, depth)
	}
	return false
}

func (r *payloads) call(s *pymodel.Scope, c *pyast.Call, depth int) bool {
	if a, ok := c.Func.(*pyast.Attribute); ok && a.Attr == "copy" && len(c.Args) == 0 {
		return r.seenAll(s, a.Value, depth)
	}
	switch s.Qualified(c.Func) {
	case "builtins.dict":
		for _, k := range c.Keywords {
			if k.Name == "exp" || k.Name == "" && !r.seenAll(s, k.Value, depth) {
				return false
			}
		}
		return len(c.Args) == 0 || len(c.Args) == 1 && r.seenAll(s, c.Args[0], depth)
	case "copy.copy", "copy.deepcopy":
		return len(c.Args) == 1 && r.seenAll(s, c.Args[0], depth)
	}
	b := s.Symbol(c.Func).Binding
	if b == nil || b.Func == nil || expires(b.Func.FunctionDef) {
		return false
	}
	results := b.Func.Results()
	return len(results) > 0 && !slices.ContainsFunc(results, func(e pyast.Expr) bool { return !r.seenAll(b.Func.Scope, e, depth) })
}

func (r *payloads) name(s *pymodel.Scope, n *pyast.Name, depth int) bool {
	b, at := s.Lookup(n.ID)
	if b == nil || b.Import != "" || b.Func != nil || b.Class != nil || b.With || r.changed(at, n.ID, depth) {
		return false
	}
	v := seen{at, n.ID}
	if r.seen[v] {
		return true // to_encode = {**to_encode, …}: said of what it was before
	}
	r.seen[v] = true
	known := false
	for _, d := range at.Defs {
		if d.Name != n.ID || d.Held {
			continue
		}
		if !r.seenAll(at, d.Value, depth) {
			return false
		}
		known = true
	}
	if !b.Param || at.Func == nil {
		return known
	}
	return r.param(at.Func, n.ID, depth)
}

// param looks at what the callers hand in: one that sets no exp makes a token
// that never ends.
func (r *payloads) param(f *pymodel.Func, name string, depth int) bool {
	set := false
	for _, o := range r.p.Python.Given(f, name) {
		from := o.Scope.Enclosing()
		switch {
		case from != nil && expires(from.FunctionDef):
			set = true
		case r.seenAll(o.Scope, o.Expr, depth):
			return true
		}
	}
	r.foreign = r.foreign || set || setsExpiry(f.Module)
	return true
}

// unknown tells whether an expression is a parameter that no call of the
// project gives.
func (r *payloads) unknown(s *pymodel.Scope, e pyast.Expr) bool {
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	b, at := s.Lookup(n.ID)
	return b != nil && b.Param && at.Func != nil && len(r.p.Python.Given(at.Func, n.ID)) == 0
}

// changed tells whether something that is not seen may put exp into a dict.
func (r *payloads) changed(s *pymodel.Scope, name string, depth int) bool {
	if s.Func == nil {
		return false
	}
	is := func(e pyast.Expr) bool {
		n, ok := e.(*pyast.Name)
		return ok && n.ID == name
	}
	for _, c := range s.Func.Calls {
		if c.Receiver() != nil && is(c.Receiver()) {
			switch c.Method() {
			case "update":
				if len(c.Args) > 0 && !r.seenAll(c.Scope, c.Args[0], depth+1) {
					return true
				}
				if pymodel.HasStars(c.Call) {
					return true
				}
			case "setdefault":
				if _, ok := c.Scope.Text(c.Arg(0, "key")); !ok {
					return true
				}
			}
			continue
		}
		if !slices.ContainsFunc(c.Args, is) {
			continue
		}
		switch to := c.Target(); {
		case to != nil:
			if expires(to.FunctionDef) {
				return true
			}
		case c.Name() == "" && !slices.Contains([]string{"debug", "info", "warning", "error", "encode", "get", "append"}, c.Method()):
			return true
		}
	}
	for _, a := range s.Module.Assigns {
		if a.Scope != s {
			continue
		}
		for _, t := range a.Node.Targets {
			if sub, ok := t.(*pyast.Subscript); ok && is(sub.Value) {
				if text, ok := s.Text(sub.Slice); !ok || text == "exp" {
					return true
				}
			}
		}
	}
	return false
}
