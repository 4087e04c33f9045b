package gomodel

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
)

// A resolver finds which variable each name within functions is, and where
// variables get values.
type resolver struct {
	f     *File
	fn    *Func
	scope *scope
	block span
}

type scope struct {
	outer *scope
	names map[string]local
}

// A local is what a name within a function stands for.
type local struct {
	v   *Var
	typ *Type
}

// resolve goes through the file.
func (f *File) resolve() {
	r := &resolver{f: f}
	for _, d := range f.AST.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Body != nil {
				r.body(f.funcs[d])
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok {
					r.exprs(v.Values...)
				}
			}
		}
	}
}

func spanOf(n ast.Node) span { return span{n.Pos(), n.End()} }

func (r *resolver) push() func() {
	before, block := r.scope, r.block
	r.scope = &scope{outer: before, names: map[string]local{}}
	return func() { r.scope, r.block = before, block }
}

func (r *resolver) body(fn *Func) {
	outer := r.fn
	pop := r.push()
	r.fn, r.block = fn, spanOf(fn.Body)
	for _, v := range append(append([]*Var{fn.Recv}, fn.Params...), fn.results...) {
		if v != nil && v.Name != "_" {
			r.scope.names[v.Name] = local{v: v}
		}
	}
	r.stmts(fn.Body.List)
	pop()
	r.fn = outer
}

func (r *resolver) lookup(name string) (local, bool) {
	for s := r.scope; s != nil; s = s.outer {
		if l, ok := s.names[name]; ok {
			return l, true
		}
	}
	return local{}, false
}

func (r *resolver) define(id *ast.Ident) *Var {
	v := &Var{Name: id.Name, File: r.f, Func: r.fn, Pos: id.Pos()}
	r.f.uses[id] = v
	if id.Name != "_" && r.scope != nil {
		r.scope.names[id.Name] = local{v: v}
	}
	return v
}

func (r *resolver) exprs(list ...ast.Expr) {
	for _, e := range list {
		r.expr(e)
	}
}

// expr resolves the names in an expression, or in a type.
func (r *resolver) expr(e ast.Expr) {
	if e == nil {
		return
	}
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			r.expr(n.Type)
			fn := r.f.newFunc(n, "", n.Type, n.Body, r.fn)
			r.body(fn)
			return false
		case *ast.SelectorExpr:
			r.expr(n.X)
			return false
		case *ast.KeyValueExpr:
			if _, ok := n.Key.(*ast.Ident); !ok {
				r.expr(n.Key)
			} else if id := n.Key.(*ast.Ident); r.known(id.Name) {
				r.name(id)
			}
			r.expr(n.Value)
			return false
		case *ast.Field: // of a type that is written out
			r.expr(n.Type)
			return false
		case *ast.CallExpr:
			c := &Call{CallExpr: n, File: r.f, Func: r.fn}
			r.f.calls[n] = c
			r.f.Calls = append(r.f.Calls, c)
			if r.fn != nil {
				r.fn.Calls = append(r.fn.Calls, c)
			}
		case *ast.CompositeLit:
			r.f.Literals = append(r.f.Literals, &Literal{CompositeLit: n, File: r.f, Func: r.fn})
		case *ast.UnaryExpr:
			if id, ok := unparen(n.X).(*ast.Ident); ok && n.Op == token.AND {
				r.name(id)
				if v := r.f.uses[id]; v != nil {
					v.taken = true
				}
			}
		case *ast.Ident:
			r.name(n)
		}
		return true
	})
}

// known tells whether a key of a literal may be a variable: names of fields
// are those that no function declares.
func (r *resolver) known(name string) bool {
	l, ok := r.lookup(name)
	return ok && l.v != nil
}

func (r *resolver) name(id *ast.Ident) {
	if r.f.uses[id] != nil {
		return
	}
	if l, ok := r.lookup(id.Name); ok {
		if l.v != nil {
			r.f.uses[id] = l.v
		} else {
			r.f.locals[id] = l.typ
		}
		return
	}
	if d := r.f.Package.names[id.Name]; d != nil && d.v != nil {
		r.f.uses[id] = d.v
	}
}

func (r *resolver) stmts(list []ast.Stmt) {
	for _, s := range list {
		r.stmt(s)
	}
}

func (r *resolver) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.BlockStmt:
		defer r.push()()
		r.block = spanOf(s)
		r.stmts(s.List)
	case *ast.LabeledStmt:
		r.stmt(s.Stmt)
	case *ast.ExprStmt:
		r.expr(s.X)
	case *ast.SendStmt:
		r.exprs(s.Chan, s.Value)
	case *ast.IncDecStmt:
		r.expr(s.X)
	case *ast.AssignStmt:
		r.assign(s)
	case *ast.GoStmt:
		r.expr(s.Call)
	case *ast.DeferStmt:
		r.expr(s.Call)
	case *ast.ReturnStmt:
		r.exprs(s.Results...)
		r.fn.returns = append(r.fn.returns, s)
	case *ast.DeclStmt:
		r.declaration(s)
	case *ast.IfStmt:
		r.branch(s)
		r.ifs(s)
	case *ast.SwitchStmt:
		r.branch(s)
		defer r.push()()
		r.optional(s.Init)
		r.block = spanOf(s)
		r.expr(s.Tag)
		r.clauses(s.Body)
	case *ast.TypeSwitchStmt:
		r.typeSwitch(s)
	case *ast.SelectStmt:
		r.clauses(s.Body)
	case *ast.ForStmt:
		defer r.push()()
		r.block = spanOf(s)
		r.optional(s.Init)
		r.expr(s.Cond)
		r.optional(s.Post)
		r.loop(s.Body)
	case *ast.RangeStmt:
		r.ranges(s)
	}
}

func (r *resolver) optional(s ast.Stmt) {
	if s != nil {
		r.stmt(s)
	}
}

func (r *resolver) loop(body *ast.BlockStmt) {
	if body == nil {
		return
	}
	r.fn.loops = append(r.fn.loops, spanOf(body))
	r.stmt(body)
}

// branch keeps what may hold a check of a value.
func (r *resolver) branch(s ast.Stmt) { r.fn.branches = append(r.fn.branches, branch{s, r.block}) }

func (r *resolver) ifs(s *ast.IfStmt) {
	defer r.push()()
	r.optional(s.Init) // it is done whatever the condition says
	r.block = spanOf(s)
	r.expr(s.Cond)
	if s.Body != nil {
		r.stmt(s.Body)
	}
	r.optional(s.Else)
}

func (r *resolver) clauses(body *ast.BlockStmt) {
	if body == nil {
		return
	}
	for _, c := range body.List {
		pop := r.push()
		r.block = spanOf(c)
		switch c := c.(type) {
		case *ast.CaseClause:
			r.exprs(c.List...)
			r.stmts(c.Body)
		case *ast.CommClause:
			r.optional(c.Comm)
			r.stmts(c.Body)
		}
		pop()
	}
}

// typeSwitch gives each clause a variable of its own.
func (r *resolver) typeSwitch(s *ast.TypeSwitchStmt) {
	defer r.push()()
	r.block = spanOf(s)
	r.optional(s.Init)
	var id *ast.Ident
	var value ast.Expr
	switch a := s.Assign.(type) {
	case *ast.AssignStmt:
		if len(a.Lhs) == 1 && len(a.Rhs) == 1 {
			id, _ = a.Lhs[0].(*ast.Ident)
			value = a.Rhs[0]
		}
		r.exprs(a.Rhs...)
	case *ast.ExprStmt:
		r.expr(a.X)
	}
	if s.Body == nil {
		return
	}
	for _, c := range s.Body.List {
		clause, ok := c.(*ast.CaseClause)
		if !ok {
			continue
		}
		r.exprs(clause.List...)
		pop := r.push()
		r.block = spanOf(clause)
		if id != nil {
			v := &Var{Name: id.Name, File: r.f, Func: r.fn, Pos: clause.Colon}
			if len(clause.List) == 1 {
				v.Type = clause.List[0]
			}
			r.scope.names[id.Name] = local{v: v}
			v.add(&def{v: v, pos: clause.Colon, block: r.block, fn: r.fn, value: value})
		}
		r.stmts(clause.Body)
		pop()
	}
}

func (r *resolver) ranges(s *ast.RangeStmt) {
	defer r.push()()
	r.expr(s.X)
	if s.Body == nil {
		return
	}
	r.block = spanOf(s.Body)
	for i, e := range []ast.Expr{s.Key, s.Value} {
		how := ranged
		if i == 0 {
			how = keyed
		}
		if id, ok := e.(*ast.Ident); ok && s.Tok == token.DEFINE {
			v := r.define(id)
			v.add(&def{v: v, pos: s.Body.Pos(), block: r.block, fn: r.fn, form: how, value: s.X})
			continue
		}
		r.expr(e)
		if e != nil {
			r.store(e, &def{pos: s.Body.Pos(), form: how, value: s.X})
		}
	}
	r.loop(s.Body)
}

func (r *resolver) declaration(s *ast.DeclStmt) {
	d, ok := s.Decl.(*ast.GenDecl)
	if !ok {
		return
	}
	var last []ast.Expr
	for i, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			t := r.f.newType(spec, ":"+strconv.Itoa(int(spec.Pos())))
			r.scope.names[spec.Name.Name] = local{typ: t}
			r.expr(spec.Type)
		case *ast.ValueSpec:
			r.expr(spec.Type)
			r.exprs(spec.Values...)
			if d.Tok != token.CONST || len(spec.Values) > 0 {
				last = spec.Values
			}
			for j, n := range spec.Names {
				v := r.define(n)
				v.Const, v.Type, v.iota = d.Tok == token.CONST, spec.Type, i
				v.begin(last, j, len(spec.Names), r.fn, r.block)
			}
		}
	}
}

func (r *resolver) assign(s *ast.AssignStmt) {
	r.exprs(s.Rhs...)
	if slices.ContainsFunc(s.Lhs, func(l ast.Expr) bool { _, ok := l.(*ast.SelectorExpr); return ok }) {
		r.f.stores = append(r.f.stores, s)
	}
	for i, l := range s.Lhs {
		d := &def{pos: s.End()}
		switch {
		case len(s.Lhs) == len(s.Rhs):
			d.value = s.Rhs[i]
		case len(s.Rhs) == 1:
			d.value, d.result = s.Rhs[0], i
		}
		if s.Tok != token.ASSIGN && s.Tok != token.DEFINE {
			d.form = added
		}
		if id, ok := l.(*ast.Ident); ok && s.Tok == token.DEFINE {
			if have, ok := r.scope.names[id.Name]; !ok || have.v == nil {
				d.v = r.define(id)
				d.block, d.fn = r.block, r.fn
				d.v.add(d)
				continue
			}
		}
		r.expr(l)
		r.store(l, d)
	}
}

// store notes that a value is put where an expression says.
func (r *resolver) store(to ast.Expr, d *def) {
	d.block, d.fn = r.block, r.fn
	for {
		switch x := to.(type) {
		case *ast.Ident:
			if v := r.f.uses[x]; v != nil && x.Name != "_" {
				d.v = v
				v.add(d)
			}
			return
		case *ast.SelectorExpr:
			if d.field != "" && d.form == assigned {
				d.form = added // a part of the field only
			}
			d.field = x.Sel.Name
			to = x.X
		case *ast.IndexExpr:
			if d.form == assigned {
				d.form = added
			}
			to = x.X
		case *ast.StarExpr:
			if d.form == assigned && d.field == "" {
				d.form = added
			}
			to = x.X
		case *ast.ParenExpr:
			to = x.X
		default:
			return
		}
	}
}
