// Package gomodel knows what Go source means, from the source alone: what
// calls name across the packages of a module, the types of variables, fields
// and results, which values a client chose, and which handler answers which
// route. It needs neither a build nor the sources of what is imported.
package gomodel

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// Node is a node of go/ast.
type Node = ast.Node

// A Project is the files that are looked at together.
type Project struct {
	Files    []*File
	packages map[string]*Package // by folder
	imported map[string]*Package // by path of import
	types    map[string]*Type    // by full name
	methods  map[string][]*Func  // by name alone
	sites    map[*Func][]*Call
}

// A Package is the files of one folder that are no tests.
type Package struct {
	Dir, Name string
	Files     []*File
	names     map[string]*decl
}

// A decl is what a name at the top of a package stands for.
type decl struct {
	fn  *Func
	v   *Var
	typ *Type
}

// A Type is a type of the project's own.
type Type struct {
	// Name in full: @folder.Name of the project's own.
	Name    string
	File    *File
	Expr    ast.Expr
	Params  []string // of a generic type
	Methods map[string]*Func
	alias   bool
	own     *[]*Field
	fields  []*Field
	read    bool
}

// A File is a file of Go.
type File struct {
	Path    string
	AST     *ast.File
	Package *Package
	Project *Project
	// Test tells that the file is not part of the program; nothing but its
	// tree is known then.
	Test     bool
	Funcs    []*Func
	Calls    []*Call
	Literals []*Literal
	fset     *token.FileSet
	imports  map[string]string   // local name to path, without a version
	own      map[string]*Package // local name to a package of the project
	uses     map[*ast.Ident]*Var
	locals   map[*ast.Ident]*Type // types that are declared within functions
	shapes   map[*ast.StructType]*Type
	kinds    map[ast.Expr]string
	calls    map[*ast.CallExpr]*Call
	funcs    map[ast.Node]*Func // of a FuncDecl or a FuncLit
	stores   []*ast.AssignStmt  // those that a field gets something by
	frozen   bool
}

// A Func is a function, a method, or a function literal.
type Func struct {
	// Name is empty for a literal.
	Name   string
	Node   ast.Node
	Type   *ast.FuncType
	Body   *ast.BlockStmt
	File   *File
	Outer  *Func
	Recv   *Var
	Params []*Var // the receiver is not one of them
	Calls  []*Call
	// Variadic tells that the last parameter takes many.
	Variadic bool
	recvType string
	results  []*Var // those with names
	loops    []span
	defs     []*def // of a root: those of all functions within
	inner    []*Func
	returns  []*ast.ReturnStmt
	branches []branch
	sum      summary
	rounds   int
	queued   bool
}

// A Call is a call.
type Call struct {
	*ast.CallExpr
	File *File
	Func *Func // nil at the top of a file
	// Name is what is called, in full and without the version of a module:
	// net/http.ListenAndServe, database/sql.DB.Query, @store.Store.Find for
	// the project's own; "" when it is not known.
	Name    string
	targets []*Func
}

// A Literal is a composite literal.
type Literal struct {
	*ast.CompositeLit
	File *File
	Func *Func
	// Type is the full name of what is made.
	Type string
}

// A Var is a variable, a constant or a parameter.
type Var struct {
	Name   string
	File   *File
	Func   *Func // nil at the top of a package
	Pos    token.Pos
	Const  bool
	Param  bool
	Type   ast.Expr // as written; may be nil
	owner  *Func    // of a parameter
	index  int      // of a parameter
	defs   []*def
	iota   int
	taken  bool // a pointer to it was made
	kind   string
	busy   bool
	known  bool
	sorted bool
	in     value // what callers give to a parameter
	check  []check
}

type span struct{ from, to token.Pos }

func (s span) holds(p token.Pos) bool { return s.from <= p && p < s.to }

// A def is a place where a variable gets a value.
type def struct {
	v      *Var
	pos    token.Pos // from here it has it
	block  span      // where it certainly has it
	fn     *Func
	form   form
	value  ast.Expr // what it gets; nil is the zero value
	result int      // of a call with several
	field  string   // of a field only
	call   *Call    // that fills it
	arg    int      // the argument that is filled; -1 is the receiver
	val    value
}

type form uint8

const (
	assigned form = iota
	ranged        // an element of the value
	keyed         // a key or an index of the value
	added         // the value is joined to what it has
	filled        // a call fills it
)

// Method is the last word of what is called.
func (c *Call) Method() string { return leaf(c.Fun) }

func leaf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return leaf(e.X)
	case *ast.IndexListExpr:
		return leaf(e.X)
	case *ast.ParenExpr:
		return leaf(e.X)
	}
	return ""
}

// Receiver is the value whose method is called; nil of a function.
func (c *Call) Receiver() ast.Expr {
	sel, ok := unparen(c.Fun).(*ast.SelectorExpr)
	if !ok || c.File.imported(sel.X) {
		return nil
	}
	return sel.X
}

// Targets are the functions of the project that may be called.
func (c *Call) Targets() []*Func { return c.targets }

// Arg is the argument at a place, or nil.
func (c *Call) Arg(i int) ast.Expr {
	if i < 0 || i >= len(c.Args) {
		return nil
	}
	return c.Args[i]
}

// Position is where an offset is, whatever a line directive says.
func (f *File) Position(p token.Pos) token.Position { return f.fset.PositionFor(p, false) }

// Root is the function that is not within another.
func (fn *Func) Root() *Func {
	for fn.Outer != nil {
		fn = fn.Outer
	}
	return fn
}

// Within are the function and those in it.
func (fn *Func) Within() []*Func {
	out := []*Func{fn}
	for i := 0; i < len(out); i++ {
		out = append(out, out[i].inner...)
	}
	return out
}

// Receives is the full name of the type whose method it is.
func (fn *Func) Receives() string { return fn.recvType }

// Parse reads a file. What can be read of a broken one is read.
func Parse(name string, src []byte) (*File, error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if tree == nil {
		return nil, err
	}
	return &File{
		Path: name, AST: tree, fset: fset, Test: strings.HasSuffix(name, "_test.go") || strings.Contains("/"+name, "/testdata/"),
		imports: map[string]string{}, own: map[string]*Package{}, uses: map[*ast.Ident]*Var{}, locals: map[*ast.Ident]*Type{},
		shapes: map[*ast.StructType]*Type{}, kinds: map[ast.Expr]string{}, calls: map[*ast.CallExpr]*Call{}, funcs: map[ast.Node]*Func{},
	}, err
}

// New makes a project.
func New(files []*File) *Project {
	p := &Project{Files: files, packages: map[string]*Package{}, types: map[string]*Type{}, methods: map[string][]*Func{}, sites: map[*Func][]*Call{}}
	var program []*File
	for _, f := range files {
		f.Project = p
		if f.Test {
			f.Package = &Package{Name: name(f.AST.Name), names: map[string]*decl{}}
			continue
		}
		program = append(program, f)
		dir := path.Dir(f.Path)
		k := p.packages[dir]
		if k == nil {
			k = &Package{Dir: dir, Name: name(f.AST.Name), names: map[string]*decl{}}
			p.packages[dir] = k
		}
		k.Files = append(k.Files, f)
		f.Package = k
	}
	p.place(program)
	for _, f := range program {
		f.declare()
	}
	for _, f := range program {
		f.attach()
	}
	for _, t := range p.types {
		p.Fields(t.Name)
	}
	for _, f := range program {
		f.resolve()
	}
	for _, f := range program {
		f.link()
	}
	for _, f := range program {
		f.effects()
		f.checks()
	}
	p.solve(program)
	for _, f := range program {
		f.freeze()
	}
	return p
}

// freeze finds all that is found once: from here on nothing is changed, and
// many may ask at a time.
func (f *File) freeze() {
	for _, v := range f.uses {
		v.typeOf(0)
		v.sort()
	}
	for _, fn := range f.Funcs {
		for _, v := range append([]*Var{fn.Recv}, fn.Params...) {
			if v != nil {
				v.typeOf(0)
			}
		}
	}
	for _, l := range f.Literals {
		f.Project.Fields(l.Type)
	}
	f.frozen = true
}

func name(id *ast.Ident) string {
	if id == nil {
		return ""
	}
	return id.Name
}

// declare notes what the file gives to its package.
func (f *File) declare() {
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if st, ok := n.(*ast.StructType); ok {
			f.shape(st)
		}
		return true
	})
	for _, d := range f.AST.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			fn := f.newFunc(d, d.Name.Name, d.Type, d.Body, nil)
			if d.Recv == nil {
				f.Package.names[fn.Name] = &decl{fn: fn}
			}
		case *ast.GenDecl:
			f.general(d)
		}
	}
}

func (f *File) general(d *ast.GenDecl) {
	var last []ast.Expr
	for i, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			f.Package.names[s.Name.Name] = &decl{typ: f.newType(s, "")}
		case *ast.ValueSpec:
			if d.Tok == token.CONST {
				if len(s.Values) > 0 {
					last = s.Values
				}
			} else {
				last = s.Values
			}
			for j, n := range s.Names {
				v := &Var{Name: n.Name, File: f, Pos: n.Pos(), Const: d.Tok == token.CONST, Type: s.Type, iota: i}
				f.uses[n] = v
				if n.Name != "_" {
					f.Package.names[n.Name] = &decl{v: v}
				}
				v.begin(last, j, len(s.Names), nil, span{})
			}
		}
	}
}

// begin notes the value that a declaration gives.
func (v *Var) begin(values []ast.Expr, i, names int, fn *Func, block span) {
	d := &def{v: v, pos: v.Pos, block: block, fn: fn}
	switch {
	case len(values) == names:
		d.value = values[i]
	case len(values) == 1:
		d.value, d.result = values[0], i
	}
	if d.value != nil && fn != nil {
		d.pos = d.value.End()
	}
	v.add(d)
}

func (v *Var) add(d *def) {
	v.defs = append(v.defs, d)
	if d.fn != nil {
		root := d.fn.Root()
		root.defs = append(root.defs, d)
	}
}

func (f *File) newType(s *ast.TypeSpec, suffix string) *Type {
	t := &Type{Name: f.Package.full(s.Name.Name) + suffix, File: f, Expr: s.Type, Methods: map[string]*Func{}, alias: s.Assign.IsValid()}
	if s.TypeParams != nil {
		for _, field := range s.TypeParams.List {
			for _, n := range field.Names {
				t.Params = append(t.Params, n.Name)
			}
		}
	}
	f.Project.types[t.Name] = t
	return t
}

// full is the full name of what the package declares.
func (k *Package) full(name string) string {
	if k.Dir == "." {
		return "@." + name
	}
	return "@" + k.Dir + "." + name
}

func (f *File) newFunc(node ast.Node, name string, t *ast.FuncType, body *ast.BlockStmt, outer *Func) *Func {
	fn := &Func{Name: name, Node: node, Type: t, Body: body, File: f, Outer: outer}
	if outer != nil {
		outer.inner = append(outer.inner, fn)
	}
	f.funcs[node] = fn
	f.Funcs = append(f.Funcs, fn)
	if t.Params != nil {
		for _, field := range t.Params.List {
			_, fn.Variadic = field.Type.(*ast.Ellipsis)
			if len(field.Names) == 0 {
				fn.Params = append(fn.Params, fn.param(nil, field))
			}
			for _, n := range field.Names {
				fn.Params = append(fn.Params, fn.param(n, field))
			}
		}
	}
	for i, v := range fn.Params {
		v.index = i
	}
	if t.Results != nil {
		for _, field := range t.Results.List {
			for _, n := range field.Names {
				v := &Var{Name: n.Name, File: f, Func: fn, Pos: n.Pos(), Type: field.Type}
				f.uses[n] = v
				fn.results = append(fn.results, v)
			}
		}
	}
	return fn
}

func (fn *Func) param(n *ast.Ident, field *ast.Field) *Var {
	v := &Var{Name: "_", File: fn.File, Func: fn, Pos: field.Pos(), Param: true, Type: field.Type, owner: fn}
	if n != nil {
		v.Name, v.Pos = n.Name, n.Pos()
		fn.File.uses[n] = v
	}
	return v
}

// attach gives the methods of the file to their types.
func (f *File) attach() {
	for _, fn := range f.Funcs {
		d, ok := fn.Node.(*ast.FuncDecl)
		if !ok || d.Recv == nil || len(d.Recv.List) == 0 {
			continue
		}
		field := d.Recv.List[0]
		var id *ast.Ident
		if len(field.Names) > 0 {
			id = field.Names[0]
		}
		fn.Recv = fn.param(id, field)
		fn.recvType = f.TypeExpr(field.Type)
		if t := f.Project.types[fn.recvType]; t != nil {
			t.Methods[fn.Name] = fn
			f.Project.methods[fn.Name] = append(f.Project.methods[fn.Name], fn)
		}
	}
}

func unparen(e ast.Expr) ast.Expr {
	for {
		p, ok := e.(*ast.ParenExpr)
		if !ok {
			return e
		}
		e = p.X
	}
}

func unquoted(lit string) (string, bool) {
	s, err := strconv.Unquote(lit)
	return s, err == nil
}
