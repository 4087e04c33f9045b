// Package pymodel knows what the names in a project of Python mean: across
// its modules, by imports, aliases and constants, and by the classes that
// values are made of. It knows FastAPI's and Starlette's applications, routes
// and dependencies, and which values a client chose.
//
// It does not run anything: what is decided at run time is unknown, and what
// is unknown is not reported.
package pymodel

import (
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// A Project is the modules that are looked at together.
type Project struct {
	Modules  []*Module
	Apps     []*App
	Routes   []*Route
	named    map[string][]*Module // by the last part of their dotted names
	packages map[string]bool      // names of modules that are packages
	taint    func() *taint
	methods  func() map[string]*Func
	callers  func() map[*Func][]passed
	given    map[*Class][]givenAttr // by methods, to self
}

// A Module is a file of Python.
type Module struct {
	Path    string // with slashes
	Name    string // dotted, from the top of the project
	Package bool   // an __init__.py
	// Test tells that it is part of the tests, or of development only.
	Test     bool
	File     *pyast.File
	Scope    *Scope
	Funcs    []*Func
	Classes  []*Class
	Calls    []*Call
	Compares []At[*pyast.Compare]
	Assigns  []At[*pyast.Assign]
	Tries    []At[*pyast.Try]
	Returns  []At[*pyast.Return]
	Raises   []At[*pyast.Raise]
	stars    []string // modules that all names are imported from
	project  *Project
}

// At is a node and the scope that it stands in.
type At[T pyast.Node] struct {
	Node  T
	Scope *Scope
}

// A Call is a call.
type Call struct {
	*pyast.Call
	Module *Module
	Scope  *Scope
	// Cond tells that it stands under an if, in the function or the module.
	Cond   bool
	sym    Symbol // what is called
	target *Func
}

// A Scope is where names are bound.
type Scope struct {
	Module *Module
	Parent *Scope
	Func   *Func  // nil of a module's and a class's
	Class  *Class // of a class's own scope
	Names  map[string]*Binding
	// Defs are all values that names of this scope are bound to.
	Defs []Def
}

// A Def binds a value to a name.
type Def struct {
	Name  string
	Value pyast.Expr
	// Part tells that the name holds the value, or is made of it and more; Held
	// that it is a collection which gets the value.
	Part, Held bool
	// Key tells that the value is x.items(), and the name holds the keys of x.
	Key bool
}

// A Binding is what a name stands for.
type Binding struct {
	Import     string // dotted, with leading dots when relative
	Value      pyast.Expr
	Annotation pyast.Expr
	Func       *Func
	Class      *Class
	Param      bool
	With       bool // the value is a context, the name what it gives
	Part       bool // the value holds it: an element, or one of several
	Cond       bool // bound under an if
	Count      int  // how often it is bound
	Pos        int

	full     string  // its name in full
	imported *Symbol // what an import names; nil until it is known
}

// A Func is a function or a method.
type Func struct {
	*pyast.FunctionDef
	Module *Module
	Scope  *Scope
	Class  *Class // whose method it is
	Outer  *Scope // where it stands
	Cond   bool
	Params []*Param
	Calls  []*Call
}

// A Param is a parameter.
type Param struct {
	Name       string
	Annotation pyast.Expr
	Default    pyast.Expr
	Node       *pyast.Arg
}

// A Class is a class.
type Class struct {
	*pyast.ClassDef
	Module *Module
	Scope  *Scope
	Outer  *Scope
	Fields []*Field
}

// A Field is what stands in a class: `name: annotation = value`.
type Field struct {
	Name       string
	Annotation pyast.Expr
	Value      pyast.Expr
	Node       pyast.Stmt
}

// A Source is a file that was read.
type Source struct {
	Path string
	File *pyast.File
}

// New makes a project.
func New(sources []Source) *Project {
	p := &Project{named: map[string][]*Module{}, packages: map[string]bool{}}
	for _, s := range sources {
		m := &Module{Path: s.Path, File: s.File, project: p}
		name := strings.TrimSuffix(strings.TrimSuffix(s.Path, ".py"), ".pyi")
		if strings.HasSuffix(name, "/__init__") || name == "__init__" {
			name, m.Package = strings.TrimSuffix(strings.TrimSuffix(name, "__init__"), "/"), true
		}
		m.Name = strings.ReplaceAll(name, "/", ".")
		m.Test = isTest(s.Path)
		if m.Package {
			p.packages[m.Name] = true
		}
		p.Modules = append(p.Modules, m)
		last := m.Name[strings.LastIndexByte(m.Name, '.')+1:]
		p.named[last] = append(p.named[last], m)
	}
	parallel(p.Modules, func(m *Module) {
		(&builder{m: m}).run()
		m.nameAll()
	})
	p.resolveImports()
	p.given = map[*Class][]givenAttr{}
	for _, m := range p.Modules {
		for _, a := range m.attributes() {
			p.given[a.class] = append(p.given[a.class], a)
		}
	}
	parallel(p.Modules, func(m *Module) {
		for _, c := range m.Calls {
			c.sym = c.Scope.Symbol(c.Func)
			if c.sym.Binding != nil {
				c.target = c.sym.Binding.Func
			}
		}
	})
	// From now on nobody has to find out again.
	parallel(p.Modules, (*Module).mark)
	p.routes()
	p.methods = sync.OnceValue(p.unique)
	p.callers = sync.OnceValue(p.passes)
	// Following what clients send takes longest: who does not ask for it need
	// not wait.
	p.taint = sync.OnceValue(func() *taint { return newTaint(p) })
	go p.taint()
	return p
}

func (m *Module) scopes() []*Scope {
	out := []*Scope{m.Scope}
	for _, f := range m.Funcs {
		out = append(out, f.Scope)
	}
	for _, c := range m.Classes {
		out = append(out, c.Scope)
	}
	return out
}

// nameAll writes the names in full down: they are asked for again and again.
func (m *Module) nameAll() {
	for _, s := range m.scopes() {
		top := m.Name + "."
		if s.Class != nil {
			top += s.Class.Name + "."
		}
		for name, b := range s.Names {
			b.full = top + name
		}
	}
}

// mark notes on what is called which call it is of.
func (m *Module) mark() {
	for i, c := range m.Calls {
		switch f := c.Func.(type) {
		case *pyast.Name:
			f.Mark = uint32(i + 1)
		case *pyast.Attribute:
			f.Mark = uint32(i + 1)
		}
	}
}

// marked is the call whose function has a mark; nil when it is another one.
func (s *Scope) marked(mark uint32, f pyast.Expr) *Call {
	if mark == 0 || int(mark) > len(s.Module.Calls) {
		return nil
	}
	if c := s.Module.Calls[mark-1]; c.Scope == s && c.Func == f {
		return c
	}
	return nil
}

// resolveImports follows each import once: nearly every name leads to one.
func (p *Project) resolveImports() {
	type resolved struct {
		b *Binding
		s Symbol
	}
	found := make([][]resolved, len(p.Modules))
	index := map[*Module]int{}
	for i, m := range p.Modules {
		index[m] = i
	}
	parallel(p.Modules, func(m *Module) {
		for _, s := range m.scopes() {
			for _, b := range s.Names {
				if b.Import != "" {
					found[index[m]] = append(found[index[m]], resolved{b, m.imported(m.absolute(b.Import), 1)})
				}
			}
		}
	})
	for _, list := range found {
		for _, r := range list {
			r.b.imported = &r.s
		}
	}
}

func isTest(file string) bool {
	base := path.Base(file)
	if strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || base == "conftest.py" {
		return true
	}
	dirs := strings.Split(path.Dir(file), "/")
	return slices.ContainsFunc(dirs, func(d string) bool {
		return d == "tests" || d == "test" || d == "testing" || d == "__tests__"
	})
}

// find is the module of a dotted name, as the importing one sees it: of several
// that end so, the one that is nearest.
func (p *Project) find(dotted string, from *Module) *Module {
	last := dotted[strings.LastIndexByte(dotted, '.')+1:]
	var best *Module
	nearest := -1
	for _, m := range p.named[last] {
		if m.Name != dotted {
			// The folder above is one that modules are found in, not a package
			// itself: typing is not app.typing.
			root, ok := strings.CutSuffix(m.Name, "."+dotted)
			if !ok || p.packages[root] || last == dotted && folder(from.Name) != root {
				continue
			}
		}
		if n := common(m.Name, from.Name); n > nearest {
			best, nearest = m, n
		}
	}
	return best
}

func folder(dotted string) string { return dotted[:max(0, strings.LastIndexByte(dotted, '.'))] }

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return strings.Count(a[:n], ".")
}

// absolute makes a relative import absolute.
func (m *Module) absolute(dotted string) string {
	level := 0
	for level < len(dotted) && dotted[level] == '.' {
		level++
	}
	if level == 0 {
		return dotted
	}
	base := m.Name
	if m.Package {
		level--
	}
	for ; level > 0; level-- {
		if i := strings.LastIndexByte(base, '.'); i >= 0 {
			base = base[:i]
		} else {
			base = ""
		}
	}
	return strings.Trim(base+"."+strings.TrimLeft(dotted, "."), ".")
}

// Enclosing is the function that a scope is in; nil at the top of a module.
func (s *Scope) Enclosing() *Func {
	for ; s != nil; s = s.Parent {
		if s.Func != nil {
			return s.Func
		}
	}
	return nil
}

// Lookup finds what a name is bound to, by the rules of Python: from a
// function, the names of a class around it are not seen.
func (s *Scope) Lookup(name string) (*Binding, *Scope) {
	for at := s; at != nil; at = at.Parent {
		if at.Class != nil && at != s {
			continue
		}
		if b := at.Names[name]; b != nil {
			return b, at
		}
	}
	return nil, nil
}

// Name is what is called, in full, such as fastapi.FastAPI.add_middleware; ""
// when that is not known.
func (c *Call) Name() string { return c.sym.Name }

// Method is the last word of what is called.
func (c *Call) Method() string {
	switch f := c.Func.(type) {
	case *pyast.Attribute:
		return f.Attr
	case *pyast.Name:
		return f.ID
	}
	return ""
}

// Is tells whether one of the names is what is called.
func (c *Call) Is(names ...string) bool { return slices.Contains(names, c.Name()) }

// Receiver is the value whose method is called; nil when it is none.
func (c *Call) Receiver() pyast.Expr {
	if a, ok := c.Func.(*pyast.Attribute); ok {
		return a.Value
	}
	return nil
}

// Keyword is an argument by its name; nil when it is not given.
func (c *Call) Keyword(name string) pyast.Expr { return Keyword(c.Call, name) }

// Arg is an argument by its position, or by its name.
func (c *Call) Arg(i int, name string) pyast.Expr { return Arg(c.Call, i, name) }

// Keyword is an argument of a call by its name.
func Keyword(c *pyast.Call, name string) pyast.Expr {
	for _, k := range c.Keywords {
		if k.Name == name {
			return k.Value
		}
	}
	return nil
}

// Arg is an argument of a call by its position, or by its name.
func Arg(c *pyast.Call, i int, name string) pyast.Expr {
	if i >= 0 && i < len(c.Args) {
		for _, a := range c.Args[:i+1] {
			if _, ok := a.(*pyast.Starred); ok {
				return nil
			}
		}
		return c.Args[i]
	}
	if name == "" {
		return nil
	}
	return Keyword(c, name)
}

// HasStars tells whether arguments are passed that are not seen.
func HasStars(c *pyast.Call) bool {
	return slices.ContainsFunc(c.Args, func(e pyast.Expr) bool { _, ok := e.(*pyast.Starred); return ok }) ||
		slices.ContainsFunc(c.Keywords, func(k *pyast.Keyword) bool { return k.Name == "" })
}
