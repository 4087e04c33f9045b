package pymodel

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// An Origin is an expression that a value may come from.
type Origin struct {
	Expr  pyast.Expr
	Scope *Scope
	// Held tells that it is an element of the collection that the value is.
	Held bool
}

// Given are the values that the project's calls give a parameter; of one that
// holds the rest, each is an element.
func (p *Project) Given(f *Func, param string) []Origin {
	held := f.rest(param)
	var out []Origin
	for _, c := range p.callers()[f] {
		for i, a := range c.args {
			if f.at(c.skip+i) == param {
				out = append(out, Origin{Expr: a, Scope: c.call.Scope, Held: held})
			}
		}
		for _, k := range c.keywords {
			if k.Name != "" && f.keyword(k.Name) == param || k.Name == "" && held && f.Args.Kwarg != nil && f.Args.Kwarg.Name == param {
				out = append(out, Origin{Expr: k.Value, Scope: c.call.Scope, Held: held})
			}
		}
	}
	return out
}

// FromRequest tells whether FastAPI fills a parameter of a function with what a
// client sends.
func (p *Project) FromRequest(f *Func, name string) bool {
	if !p.taint().seeds[f] {
		return false
	}
	for _, x := range f.Params {
		if x.Name == name {
			return f.source(x) == Tainted
		}
	}
	return false
}

// IsRequest tells whether an expression is the request itself.
func (s *Scope) IsRequest(e pyast.Expr) bool { return s.isRequestValue(e) }

// A Trail is how request text comes to a place.
type Trail struct {
	// Leaf is what takes it from the request.
	Leaf Origin
	// Funcs are the functions that it goes through.
	Funcs []*Func
}

// Reaches tells how a text of a client's choice comes to an expression. What
// cut says is harmless is not looked into. It returns nil when none comes.
func (p *Project) Reaches(s *Scope, e pyast.Expr, cut func(*Scope, pyast.Expr) bool) *Trail {
	r := &reach{p: p, cut: cut, seen: map[visit]bool{}}
	if e == nil || !r.comes(s, e) {
		return nil
	}
	return &r.trail
}

type visit struct {
	scope *Scope
	name  string
}

type reach struct {
	p     *Project
	cut   func(*Scope, pyast.Expr) bool
	seen  map[visit]bool
	trail Trail
	depth int
}

func (r *reach) leaf(s *Scope, e pyast.Expr) bool {
	r.trail.Leaf = Origin{Expr: e, Scope: s}
	return true
}

// comes tells whether request text comes to an expression. Level is quick, and
// sees more than there is: it prunes.
func (r *reach) comes(s *Scope, e pyast.Expr) bool {
	if e == nil || r.depth > 80 || r.p.Level(s, e) < Tainted || r.cut != nil && r.cut(s, e) {
		return false
	}
	r.depth++
	defer func() { r.depth-- }()
	var found bool
	switch e := e.(type) {
	case *pyast.Name:
		found = r.name(s, e)
	case *pyast.Attribute:
		if s.isRequestValue(e.Value) {
			found = r.leaf(s, e)
			break
		}
		if found = r.comes(s, e.Value); found && (r.uploads(s, e) || r.trail.Leaf.Expr == e.Value) {
			r.leaf(s, e)
		}
		found = found || r.kept(s, e)
	case *pyast.Subscript:
		if found = r.comes(s, e.Value); found && r.trail.Leaf.Expr == e.Value {
			r.leaf(s, e)
		}
	case *pyast.Call:
		found = r.call(s, e)
	case *pyast.ListComp:
		found = r.comes(s, e.Elt)
	case *pyast.SetComp:
		found = r.comes(s, e.Elt)
	case *pyast.GeneratorExp:
		found = r.comes(s, e.Elt)
	case *pyast.IfExp:
		found = r.any(s, e.Body, e.Orelse)
	case *pyast.DictComp:
		found = r.any(s, e.Key, e.Value)
	default:
		found = r.any(s, parts(e)...)
	}
	if f := s.Enclosing(); found && f != nil && !slices.Contains(r.trail.Funcs, f) {
		r.trail.Funcs = append(r.trail.Funcs, f)
	}
	return found
}

func (r *reach) uploads(s *Scope, e *pyast.Attribute) bool {
	return e.Attr == "filename" || s.TypeOf(e.Value).Name == "starlette.datastructures.UploadFile"
}

func (r *reach) any(s *Scope, list ...pyast.Expr) bool {
	return slices.ContainsFunc(list, func(e pyast.Expr) bool { return r.comes(s, e) })
}

// parts are the expressions right below one.
func parts(e pyast.Expr) []pyast.Expr {
	switch e := e.(type) {
	case *pyast.Starred:
		return []pyast.Expr{e.Value}
	case *pyast.Await:
		return []pyast.Expr{e.Value}
	case *pyast.NamedExpr:
		return []pyast.Expr{e.Value}
	case *pyast.BinOp:
		return []pyast.Expr{e.Left, e.Right}
	case *pyast.BoolOp:
		return e.Values
	case *pyast.JoinedStr:
		return e.Values
	case *pyast.FormattedValue:
		return []pyast.Expr{e.Value}
	case *pyast.List:
		return e.Elts
	case *pyast.Tuple:
		return e.Elts
	case *pyast.Set:
		return e.Elts
	case *pyast.Dict:
		return append(slices.Clone(e.Keys), e.Values...)
	}
	return nil
}

func (r *reach) name(s *Scope, e *pyast.Name) bool {
	b, at := s.Lookup(e.ID)
	if b == nil || r.seen[visit{at, e.ID}] {
		return false
	}
	r.seen[visit{at, e.ID}] = true
	var again, first []pyast.Expr
	for _, d := range at.Defs {
		switch {
		case d.Name != e.ID:
		case !d.Part && Uses(d.Value, e.ID):
			again = append(again, d.Value)
		default:
			first = append(first, d.Value)
		}
	}
	// x = clean(x): what was in it before is not what is used.
	delete(r.seen, visit{at, e.ID})
	for _, v := range again {
		if r.cut != nil && r.cut(at, v) || r.p.Level(at, v) < Tainted {
			return false
		}
	}
	r.seen[visit{at, e.ID}] = true
	if r.any(at, first...) || r.any(at, again...) {
		return true
	}
	if b.Param && at.Func != nil {
		if r.p.FromRequest(at.Func, e.ID) {
			return r.leaf(s, e)
		}
		for _, o := range r.p.Given(at.Func, e.ID) {
			if r.comes(o.Scope, o.Expr) {
				return true
			}
		}
		for _, x := range at.Func.Params {
			if d, ok := at.Func.ParamDep(x); ok && x.Name == e.ID {
				if f := d.runs(); f != nil {
					return r.returns(f)
				}
				// A class or a scheme that FastAPI fills.
				return r.p.taint().seeds[at.Func] && at.Func.source(x) == Tainted && r.leaf(s, e)
			}
		}
	}
	return false
}

func (r *reach) call(s *Scope, c *pyast.Call) bool {
	if f := s.Symbol(c.Func).called(); f != nil {
		return r.returns(f)
	}
	if f := s.duck(c); f != nil {
		return r.returns(f)
	}
	if a, ok := c.Func.(*pyast.Attribute); ok {
		if s.isRequestValue(a.Value) {
			return r.leaf(s, c)
		}
		if r.comes(s, a.Value) {
			return true
		}
	}
	if r.any(s, c.Args...) {
		return true
	}
	return slices.ContainsFunc(c.Keywords, func(k *pyast.Keyword) bool { return r.comes(s, k.Value) })
}

func (r *reach) returns(f *Func) bool {
	if r.seen[visit{f.Scope, "return"}] {
		return false
	}
	r.seen[visit{f.Scope, "return"}] = true
	return slices.ContainsFunc(f.Results(), func(e pyast.Expr) bool { return r.comes(f.Scope, e) })
}

// Results are what a function returns, and yields.
func (f *Func) Results() []pyast.Expr {
	var out []pyast.Expr
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Return:
			if n.Value != nil {
				out = append(out, n.Value)
			}
		case *pyast.Yield:
			if n.Value != nil {
				out = append(out, n.Value)
			}
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return false
		}
		return true
	})
	return out
}

// Origins are the expressions that a value may come from, through names,
// parameters and the project's own functions. An expression that builds one
// from others is not taken apart.
func (p *Project) Origins(s *Scope, e pyast.Expr) []Origin {
	var out []Origin
	seen := map[visit]bool{}
	var follow func(s *Scope, e pyast.Expr, depth int)
	follow = func(s *Scope, e pyast.Expr, depth int) {
		if e == nil || depth > 30 || len(out) > 200 {
			return
		}
		switch e := e.(type) {
		case *pyast.Await:
			follow(s, e.Value, depth+1)
			return
		case *pyast.NamedExpr:
			follow(s, e.Value, depth+1)
			return
		case *pyast.IfExp:
			follow(s, e.Body, depth+1)
			follow(s, e.Orelse, depth+1)
			return
		case *pyast.BoolOp:
			for _, v := range e.Values {
				follow(s, v, depth+1)
			}
			return
		case *pyast.Name:
			if b, at := s.Lookup(e.ID); b != nil && b.Import == "" && b.Func == nil && b.Class == nil {
				if seen[visit{at, e.ID}] {
					return
				}
				seen[visit{at, e.ID}] = true
				known := false
				for _, d := range at.Defs {
					if d.Name == e.ID {
						known = true
						from := len(out)
						follow(at, d.Value, depth+1)
						for i := from; d.Held && i < len(out); i++ {
							out[i].Held = true
						}
					}
				}
				if b.Param && at.Func != nil {
					given := p.Given(at.Func, e.ID)
					if p.FromRequest(at.Func, e.ID) || len(given) == 0 {
						out = append(out, Origin{Expr: e, Scope: s})
					}
					for _, o := range given {
						from := len(out)
						follow(o.Scope, o.Expr, depth+1)
						for i := from; o.Held && i < len(out); i++ {
							out[i].Held = true
						}
					}
					return
				}
				if known {
					return
				}
			}
			if sym := s.Symbol(e); sym.Binding != nil && sym.Binding.Value != nil && sym.Scope != nil && !seen[visit{sym.Scope, sym.Name}] {
				seen[visit{sym.Scope, sym.Name}] = true
				follow(sym.Scope, sym.Binding.Value, depth+1)
				return
			}
		case *pyast.Call:
			if f := s.Symbol(e.Func).called(); f != nil {
				if v := (visit{f.Scope, "return"}); !seen[v] {
					seen[v] = true
					for _, x := range f.Results() {
						follow(f.Scope, x, depth+1)
					}
				}
				return
			}
		}
		out = append(out, Origin{Expr: e, Scope: s})
	}
	follow(s, e, 0)
	return out
}
