package gomodel

import (
	"go/ast"
	"go/token"
	"strings"
)

// TypeOf is the full name of a value's type, without its stars; "" when it is
// not known.
func (f *File) TypeOf(e ast.Expr) string { return f.typeOf(e, 0) }

func (f *File) typeOf(e ast.Expr, depth int) string {
	if depth > maxFollow || e == nil {
		return ""
	}
	if t, ok := f.kinds[e]; ok {
		return t
	}
	t := f.infer(e, depth+1)
	if (t != "" || depth == 0) && !f.frozen {
		switch e.(type) {
		case *ast.SelectorExpr, *ast.CallExpr, *ast.BinaryExpr:
			f.kinds[e] = t
		}
	}
	return t
}

func (f *File) infer(e ast.Expr, depth int) string {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.typeOf(e.X, depth)
	case *ast.StarExpr:
		return f.typeOf(e.X, depth)
	case *ast.UnaryExpr:
		if e.Op == token.ARROW {
			return Elem(f.typeOf(e.X, depth))
		}
		if e.Op == token.NOT {
			return "bool"
		}
		return f.typeOf(e.X, depth)
	case *ast.BasicLit:
		switch e.Kind {
		case token.STRING:
			return "string"
		case token.INT:
			return "int"
		}
		return "float64"
	case *ast.BinaryExpr:
		switch e.Op {
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ, token.LAND, token.LOR:
			return "bool"
		}
		if t := f.typeOf(e.X, depth); t != "" {
			return t
		}
		return f.typeOf(e.Y, depth)
	case *ast.CompositeLit:
		return f.TypeExpr(e.Type)
	case *ast.TypeAssertExpr:
		return f.TypeExpr(e.Type)
	case *ast.FuncLit:
		return "func"
	case *ast.IndexExpr:
		if f.isType(e) || len(f.targetsOf(e.X)) > 0 {
			return ""
		}
		return Elem(f.Project.Underlying(f.typeOf(e.X, depth)))
	case *ast.SliceExpr:
		return f.typeOf(e.X, depth)
	case *ast.Ident:
		switch e.Name {
		case "true", "false":
			return "bool"
		}
		if v := f.uses[e]; v != nil {
			return v.typeOf(depth)
		}
	case *ast.SelectorExpr:
		return f.selected(e, depth)
	case *ast.CallExpr:
		return f.resultType(e, 0, depth)
	}
	return ""
}

func (f *File) selected(e *ast.SelectorExpr, depth int) string {
	if x, ok := e.X.(*ast.Ident); ok && f.uses[x] == nil {
		if k := f.own[x.Name]; k != nil {
			if d := k.names[e.Sel.Name]; d != nil && d.v != nil {
				return d.v.typeOf(depth)
			}
			return ""
		}
		if p := f.imports[x.Name]; p != "" {
			return values[p+"."+e.Sel.Name]
		}
	}
	t := f.typeOf(e.X, depth)
	if t == "" {
		return ""
	}
	if known := values[t+"."+e.Sel.Name]; known != "" {
		return known
	}
	if field := f.Project.field(t, e.Sel.Name); field != nil {
		return field.Type
	}
	if up := f.Project.member(t, e.Sel.Name); up != t+"."+e.Sel.Name {
		return values[up]
	}
	return ""
}

// typeOf is the type of a variable: as it is written, or as its first value.
func (v *Var) typeOf(depth int) string {
	if v.known || v.File.frozen {
		return v.kind
	}
	if v.busy || depth > maxFollow {
		return ""
	}
	v.busy = true
	defer func() { v.busy = false }()
	t := ""
	if v.Type != nil {
		t = v.File.TypeExpr(v.Type)
	} else {
		for _, d := range v.defs {
			if d.value == nil || d.form == added || d.form == filled || d.field != "" {
				continue
			}
			if t = d.typeOf(depth); t != "" {
				break
			}
		}
	}
	if t != "" || depth == 0 {
		v.kind, v.known = t, true
	}
	return t
}

func (d *def) typeOf(depth int) string {
	f := d.v.File
	switch d.form {
	case ranged:
		return Elem(f.Project.Underlying(f.typeOf(d.value, depth)))
	case keyed:
		t := f.Project.Underlying(f.typeOf(d.value, depth))
		switch {
		case strings.HasPrefix(t, "map["):
			key, _ := pair(t)
			return key
		case strings.HasPrefix(t, "[]"), t == "string", t == "int":
			return "int"
		}
		return ""
	}
	switch call := unparen(d.value).(type) {
	case *ast.CallExpr:
		return f.resultType(call, d.result, depth)
	case *ast.IndexExpr, *ast.TypeAssertExpr, *ast.UnaryExpr: // v, ok :=
		if d.result == 1 {
			return "bool"
		}
	}
	return f.typeOf(d.value, depth)
}

// resultType is the type of one of a call's results.
func (f *File) resultType(c *ast.CallExpr, i, depth int) string {
	if depth > maxFollow {
		return ""
	}
	if f.isType(c.Fun) {
		return f.TypeExpr(c.Fun)
	}
	if fns := f.targetsOf(c.Fun); len(fns) > 0 {
		return f.ownResult(c, fns[0], i)
	}
	name := f.Qualified(c.Fun)
	switch name {
	case "new", "make":
		if len(c.Args) > 0 {
			return f.TypeExpr(c.Args[0])
		}
	case "append", "min", "max":
		if len(c.Args) > 0 {
			return f.typeOf(c.Args[0], depth)
		}
	case "len", "cap", "copy":
		return "int"
	case "slices.Clone", "maps.Clone", "slices.Sorted", "cmp.Or":
		if len(c.Args) > 0 {
			return f.typeOf(c.Args[0], depth)
		}
	}
	if i > 0 {
		return results[name+"#"+string(rune('0'+i%10))]
	}
	if t := results[name]; t != "" {
		return t
	}
	if sel, ok := unparen(c.Fun).(*ast.SelectorExpr); ok {
		if t := f.typeOf(sel.X, depth); t != "" && chained[t] {
			return t
		}
		if ft, in := f.Project.Interface(f.typeOf(sel.X, depth), sel.Sel.Name); ft != nil {
			return in.TypeExpr(flat(ft.Results, i))
		}
	}
	return ""
}

// ownResult is the type of a result of the project's own function; a parameter
// of its type is what the call gives.
func (f *File) ownResult(c *ast.CallExpr, fn *Func, i int) string {
	e := flat(fn.Type.Results, i)
	if e == nil {
		return ""
	}
	if fn.Type.TypeParams != nil {
		at := 0
		for _, field := range fn.Type.TypeParams.List {
			for _, n := range field.Names {
				if id, ok := unstar(e).(*ast.Ident); ok && id.Name == n.Name {
					return f.typeArgument(c.Fun, at)
				}
				at++
			}
		}
	}
	return fn.File.TypeExpr(e)
}

func unstar(e ast.Expr) ast.Expr {
	if s, ok := e.(*ast.StarExpr); ok {
		return s.X
	}
	return e
}

func (f *File) typeArgument(fun ast.Expr, i int) string {
	switch fun := unparen(fun).(type) {
	case *ast.IndexExpr:
		if i == 0 {
			return f.TypeExpr(fun.Index)
		}
	case *ast.IndexListExpr:
		if i < len(fun.Indices) {
			return f.TypeExpr(fun.Indices[i])
		}
	}
	return ""
}

// flat is the type of the i-th of a list of fields.
func flat(list *ast.FieldList, i int) ast.Expr {
	if list == nil {
		return nil
	}
	for _, field := range list.List {
		n := max(len(field.Names), 1)
		if i < n {
			return field.Type
		}
		i -= n
	}
	return nil
}

// isType tells whether what is called is a type: the call is a conversion.
func (f *File) isType(e ast.Expr) bool {
	switch e := unparen(e).(type) {
	case *ast.ArrayType, *ast.MapType, *ast.InterfaceType, *ast.FuncType, *ast.ChanType, *ast.StructType:
		return true
	case *ast.StarExpr:
		return f.isType(e.X)
	case *ast.IndexExpr:
		return f.isType(e.X)
	case *ast.Ident:
		if f.locals[e] != nil {
			return true
		}
		if f.uses[e] != nil {
			return false
		}
		if d := f.Package.names[e.Name]; d != nil {
			return d.typ != nil
		}
		return f.Project.Scalar(e.Name) || e.Name == "string" || e.Name == "any" || e.Name == "error"
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		if !ok || f.uses[x] != nil {
			return false
		}
		if k := f.own[x.Name]; k != nil {
			d := k.names[e.Sel.Name]
			return d != nil && d.typ != nil
		}
		return conversions[f.imports[x.Name]+"."+e.Sel.Name]
	}
	return false
}

// imported tells whether an expression is the name of an imported package.
func (f *File) imported(e ast.Expr) bool {
	x, ok := e.(*ast.Ident)
	return ok && f.uses[x] == nil && (f.own[x.Name] != nil || f.imports[x.Name] != "")
}

// Qualified is the full name of what an expression names; "" when it is not
// known.
func (f *File) Qualified(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.Qualified(e.X)
	case *ast.IndexExpr:
		return f.Qualified(e.X)
	case *ast.IndexListExpr:
		return f.Qualified(e.X)
	case *ast.Ident:
		if v := f.uses[e]; v != nil {
			if v.Func == nil && v.File != nil && v.File.Package != nil {
				return v.File.Package.full(v.Name)
			}
			return ""
		}
		if f.Package.names[e.Name] != nil {
			return f.Package.full(e.Name)
		}
		return e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok && f.uses[x] == nil {
			if k := f.own[x.Name]; k != nil {
				return k.full(e.Sel.Name)
			}
			if p := f.imports[x.Name]; p != "" {
				return p + "." + e.Sel.Name
			}
		}
		if t := f.typeOf(e.X, 0); t != "" {
			return f.Project.member(t, e.Sel.Name)
		}
	}
	return ""
}

// link finds what the calls of the file call.
func (f *File) link() {
	for _, c := range f.Calls {
		c.Name = f.Qualified(c.Fun)
		c.targets = f.targetsOf(c.Fun)
		for _, to := range c.targets {
			f.Project.sites[to] = append(f.Project.sites[to], c)
		}
	}
	for _, l := range f.Literals {
		l.Type = f.TypeExpr(l.CompositeLit.Type)
	}
}

// FuncsOf are the functions of the project that an expression may stand for: a
// name, a method value, a literal, or a variable that holds one.
func (f *File) FuncsOf(e ast.Expr) []*Func { return f.targetsOf(e) }

func (f *File) targetsOf(e ast.Expr) []*Func { return f.functions(e, 0) }

func (f *File) functions(e ast.Expr, depth int) []*Func {
	if depth > maxFollow {
		return nil
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.functions(e.X, depth+1)
	case *ast.IndexExpr:
		return f.functions(e.X, depth+1)
	case *ast.IndexListExpr:
		return f.functions(e.X, depth+1)
	case *ast.FuncLit:
		if fn := f.funcs[e]; fn != nil {
			return []*Func{fn}
		}
	case *ast.Ident:
		if v := f.uses[e]; v != nil {
			var out []*Func
			for _, d := range v.defs {
				switch x := d.value.(type) {
				case *ast.FuncLit, *ast.Ident, *ast.SelectorExpr:
					if d.form == assigned && d.field == "" {
						out = append(out, v.File.functions(x, depth+1)...)
					}
				}
			}
			return out
		}
		if d := f.Package.names[e.Name]; d != nil && d.fn != nil {
			return []*Func{d.fn}
		}
	case *ast.SelectorExpr:
		return f.methods(e)
	}
	return nil
}

func (f *File) methods(e *ast.SelectorExpr) []*Func {
	if x, ok := e.X.(*ast.Ident); ok && f.uses[x] == nil {
		if k := f.own[x.Name]; k != nil {
			if d := k.names[e.Sel.Name]; d != nil && d.fn != nil {
				return []*Func{d.fn}
			}
			return nil
		}
		if f.imports[x.Name] != "" {
			return nil
		}
	}
	p := f.Project
	all := p.methods[e.Sel.Name]
	if len(all) == 0 {
		return nil
	}
	t := f.typeOf(e.X, 0)
	if fn := p.method(t, e.Sel.Name); fn != nil {
		return []*Func{fn}
	}
	if out := p.implementers(t, e.Sel.Name); out != nil {
		return out
	}
	// Of a type that nobody knows, a method that only one type has.
	if t == "" && len(all) == 1 && len(e.Sel.Name) > 4 {
		return all
	}
	return nil
}
