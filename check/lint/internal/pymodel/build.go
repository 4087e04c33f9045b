package pymodel

import (
	"runtime"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

func parallel[T any](list []T, f func(T)) {
	var wg sync.WaitGroup
	next := make(chan T)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for x := range next {
				f(x)
			}
		})
	}
	for _, x := range list {
		next <- x
	}
	close(next)
	wg.Wait()
}

// A builder makes the scopes of a module.
type builder struct {
	m     *Module
	scope *Scope
	cond  int
}

func (b *builder) run() {
	b.m.Scope = &Scope{Module: b.m, Names: map[string]*Binding{}}
	b.scope = b.m.Scope
	b.body(b.m.File.Body)
}

func (b *builder) body(list []pyast.Stmt) { pyast.Walk(list, b.visit) }

func (b *builder) bind(name string, n *Binding) {
	n.Cond = b.cond > 0
	if n.Value != nil {
		b.scope.Defs = append(b.scope.Defs, Def{Name: name, Value: n.Value, Part: n.Part})
	}
	if old := b.scope.Names[name]; old != nil {
		n.Count = old.Count
		// A second value makes the first no constant, but the first import,
		// class or annotation tells more than nothing.
		if n.Value == nil && n.Import == "" && n.Func == nil && n.Class == nil {
			old.Count++
			return
		}
		if n.Annotation == nil {
			n.Annotation = old.Annotation
		}
		n.Param = old.Param
	}
	n.Count++
	b.scope.Names[name] = n
}

func (b *builder) target(t, value pyast.Expr, annotation pyast.Expr, part bool) {
	switch t := t.(type) {
	case *pyast.Name:
		b.bind(t.ID, &Binding{Value: value, Annotation: annotation, Part: part, Pos: t.Pos()})
	case *pyast.Tuple:
		b.targets(t.Elts, value, part)
	case *pyast.List:
		b.targets(t.Elts, value, part)
	case *pyast.Starred:
		b.target(t.Value, value, nil, true)
	case *pyast.Subscript:
		b.held(t.Value, value)
	}
}

// filled notes what a list, a set or a dict gets.
func (b *builder) filled(c *pyast.Call) {
	a, ok := c.Func.(*pyast.Attribute)
	if !ok {
		return
	}
	switch a.Attr {
	case "append", "extend", "insert", "add", "update", "appendleft", "write":
		for _, arg := range c.Args {
			b.held(a.Value, arg)
		}
		for _, k := range c.Keywords {
			b.held(a.Value, k.Value)
		}
	}
}

// held notes that a collection which is made here holds a value.
func (b *builder) held(e, value pyast.Expr) {
	name, ok := e.(*pyast.Name)
	if !ok || value == nil {
		return
	}
	n := b.scope.Names[name.ID]
	if n == nil || n.Value == nil || n.Part || n.With {
		return
	}
	switch v := n.Value.(type) {
	case *pyast.List, *pyast.Dict, *pyast.Set, *pyast.ListComp, *pyast.SetComp, *pyast.DictComp:
	case *pyast.Call:
		switch exprName(v.Func) {
		case "list", "dict", "set", "deque", "defaultdict":
			if _, ok := v.Func.(*pyast.Name); !ok {
				return
			}
		case "bytearray", "BytesIO", "StringIO": // bytes that come in pieces
		default:
			return
		}
	default:
		return
	}
	b.scope.Defs = append(b.scope.Defs, Def{Name: name.ID, Value: value, Part: true, Held: true})
}

func (b *builder) targets(list []pyast.Expr, value pyast.Expr, part bool) {
	var values []pyast.Expr
	switch v := value.(type) {
	case *pyast.Tuple:
		values = v.Elts
	case *pyast.List:
		values = v.Elts
	}
	for i, t := range list {
		if len(values) == len(list) {
			b.target(t, values[i], nil, part)
		} else {
			n := len(b.scope.Defs)
			b.target(t, value, nil, true)
			if i == 0 && len(list) == 2 && len(b.scope.Defs) == n+1 && isItems(value) {
				b.scope.Defs[n].Key = true
			}
		}
	}
}

func isItems(e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	if !ok || len(c.Args) > 0 {
		return false
	}
	a, ok := c.Func.(*pyast.Attribute)
	return ok && a.Attr == "items"
}

func (b *builder) under(list ...[]pyast.Stmt) {
	b.cond++
	for _, l := range list {
		b.body(l)
	}
	b.cond--
}

func (b *builder) visit(n pyast.Node) bool {
	switch n := n.(type) {
	case *pyast.FunctionDef:
		b.function(n)
		return false
	case *pyast.ClassDef:
		b.class(n)
		return false
	case *pyast.Lambda:
		b.lambda(n)
		return false
	case *pyast.If:
		pyast.Inspect(n.Test, b.visit)
		b.under(n.Body, n.Orelse)
		return false
	case *pyast.Match:
		pyast.Inspect(n.Subject, b.visit)
		b.cond++
		for _, c := range n.Cases {
			pyast.Inspect(c, b.visit)
		}
		b.cond--
		return false
	case *pyast.Call:
		c := &Call{Call: n, Module: b.m, Scope: b.scope, Cond: b.cond > 0}
		b.m.Calls = append(b.m.Calls, c)
		if f := b.scope.Enclosing(); f != nil {
			f.Calls = append(f.Calls, c)
		}
		b.filled(n)
	case *pyast.Assign:
		b.m.Assigns = append(b.m.Assigns, At[*pyast.Assign]{n, b.scope})
		for _, t := range n.Targets {
			b.target(t, n.Value, nil, false)
		}
		if b.scope.Class != nil && len(n.Targets) == 1 {
			if name, ok := n.Targets[0].(*pyast.Name); ok {
				b.scope.Class.Fields = append(b.scope.Class.Fields, &Field{Name: name.ID, Value: n.Value, Node: n})
			}
		}
	case *pyast.AnnAssign:
		b.target(n.Target, n.Value, n.Annotation, false)
		if name, ok := n.Target.(*pyast.Name); ok && b.scope.Class != nil {
			b.scope.Class.Fields = append(b.scope.Class.Fields, &Field{name.ID, n.Annotation, n.Value, n})
		}
	case *pyast.AugAssign:
		b.target(n.Target, n.Value, nil, true)
	case *pyast.NamedExpr:
		b.target(n.Target, n.Value, nil, false)
	case *pyast.TypeAlias:
		b.target(n.Name, n.Value, nil, false)
	case *pyast.For:
		b.target(n.Target, n.Iter, nil, true)
	case *pyast.Comprehension:
		b.target(n.Target, n.Iter, nil, true)
	case *pyast.WithItem:
		if name, ok := n.Vars.(*pyast.Name); ok {
			b.bind(name.ID, &Binding{Value: n.Context, With: true, Pos: name.Pos()})
		}
	case *pyast.Import:
		for _, a := range n.Names {
			if a.AsName != "" {
				b.bind(a.AsName, &Binding{Import: a.Name, Pos: a.Pos()})
			} else {
				first, _, _ := strings.Cut(a.Name, ".")
				b.bind(first, &Binding{Import: first, Pos: a.Pos()})
			}
		}
	case *pyast.ImportFrom:
		from := strings.Repeat(".", n.Level) + n.Module
		for _, a := range n.Names {
			if a.Name == "*" {
				b.m.stars = append(b.m.stars, from)
				continue
			}
			name := a.AsName
			if name == "" {
				name = a.Name
			}
			dotted := from + "." + a.Name
			if n.Module == "" {
				dotted = from + a.Name
			}
			b.bind(name, &Binding{Import: dotted, Pos: a.Pos()})
		}
	case *pyast.Compare:
		b.m.Compares = append(b.m.Compares, At[*pyast.Compare]{n, b.scope})
	case *pyast.Try:
		b.m.Tries = append(b.m.Tries, At[*pyast.Try]{n, b.scope})
	case *pyast.Return:
		b.m.Returns = append(b.m.Returns, At[*pyast.Return]{n, b.scope})
	case *pyast.Raise:
		b.m.Raises = append(b.m.Raises, At[*pyast.Raise]{n, b.scope})
	}
	return true
}

func params(a *pyast.Arguments) []*Param {
	var out []*Param
	plain := append(append([]*pyast.Arg{}, a.PosOnly...), a.Args...)
	for i, arg := range plain {
		p := &Param{Name: arg.Name, Annotation: arg.Annotation, Node: arg}
		if d := i - (len(plain) - len(a.Defaults)); d >= 0 {
			p.Default = a.Defaults[d]
		}
		out = append(out, p)
	}
	for i, arg := range a.KwOnly {
		out = append(out, &Param{arg.Name, arg.Annotation, a.KwDefaults[i], arg})
	}
	return out
}

func (b *builder) function(n *pyast.FunctionDef) {
	f := &Func{FunctionDef: n, Module: b.m, Class: b.scope.Class, Outer: b.scope, Cond: b.cond > 0}
	b.m.Funcs = append(b.m.Funcs, f)
	b.bind(n.Name, &Binding{Func: f, Pos: n.Pos()})
	for _, d := range n.Decorators {
		pyast.Inspect(d, b.visit)
	}
	pyast.Inspect(n.Args, b.visit)
	if n.Returns != nil {
		pyast.Inspect(n.Returns, b.visit)
	}
	f.Params = params(n.Args)
	f.Scope = &Scope{Module: b.m, Parent: b.scope, Func: f, Names: map[string]*Binding{}}
	b.inside(f.Scope, func() {
		for _, p := range f.Params {
			b.bind(p.Name, &Binding{Annotation: p.Annotation, Param: true, Pos: p.Node.Pos()})
		}
		for _, rest := range []*pyast.Arg{n.Args.Vararg, n.Args.Kwarg} {
			if rest != nil {
				b.bind(rest.Name, &Binding{Param: true, Pos: rest.Pos()})
			}
		}
		b.body(n.Body)
	})
}

// lambda has a scope, but is no function of the project.
func (b *builder) lambda(n *pyast.Lambda) {
	pyast.Inspect(n.Args, b.visit)
	b.inside(&Scope{Module: b.m, Parent: b.scope, Names: map[string]*Binding{}}, func() {
		for _, p := range params(n.Args) {
			b.bind(p.Name, &Binding{Param: true, Pos: p.Node.Pos()})
		}
		pyast.Inspect(n.Body, b.visit)
	})
}

func (b *builder) class(n *pyast.ClassDef) {
	c := &Class{ClassDef: n, Module: b.m, Outer: b.scope}
	b.m.Classes = append(b.m.Classes, c)
	b.bind(n.Name, &Binding{Class: c, Pos: n.Pos()})
	for _, list := range [][]pyast.Expr{n.Decorators, n.Bases} {
		for _, e := range list {
			pyast.Inspect(e, b.visit)
		}
	}
	for _, k := range n.Keywords {
		pyast.Inspect(k, b.visit)
	}
	c.Scope = &Scope{Module: b.m, Parent: b.scope, Class: c, Names: map[string]*Binding{}}
	b.inside(c.Scope, func() { b.body(n.Body) })
}

func (b *builder) inside(s *Scope, f func()) {
	outer, cond := b.scope, b.cond
	b.scope, b.cond = s, 0
	f()
	b.scope, b.cond = outer, cond
}
