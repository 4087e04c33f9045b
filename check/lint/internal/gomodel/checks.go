package gomodel

import (
	"go/ast"
	"go/token"
	"slices"
)

// A branch is a statement that may hold a check, and the block it stands in.
type branch struct {
	stmt  ast.Stmt
	block span
}

// A check says that from a place to another a variable was looked at before.
type check struct {
	span
	field string
	use   Use // 0 is any
}

// A subject is what a condition looks at.
type subject struct {
	v     *Var
	field string
	use   Use
}

// checked is a value after the checks that hold at a place.
func (v *Var) checked(cur value, p token.Pos, last *def) value {
	for _, c := range v.check {
		if !c.holds(p) || last != nil && last.pos > c.from {
			continue
		}
		part := cur
		if c.field != "" {
			part = cur.field(c.field)
		}
		if c.use == 0 {
			part = part.typed()
		} else {
			part = part.safeFor(c.use)
		}
		if c.field != "" {
			cur = cur.with(c.field, part)
		} else {
			cur = part
		}
	}
	return cur
}

// checks finds where the functions of the file look at values before they use
// them: lists of what is allowed, patterns, prefixes, parsers, and functions
// that say by their names what they are for.
func (f *File) checks() {
	for _, fn := range f.Funcs {
		for _, b := range fn.branches {
			switch s := b.stmt.(type) {
			case *ast.IfStmt:
				f.ifChecks(s, b.block)
			case *ast.SwitchStmt:
				f.switchChecks(s, b.block)
			}
		}
	}
}

func (f *File) ifChecks(s *ast.IfStmt, outer span) {
	yes, no := f.condition(s.Cond, 0)
	note(yes, spanOf(s.Body))
	if s.Else != nil {
		note(no, spanOf(s.Else))
	}
	after := span{s.End(), outer.to}
	for _, sub := range no {
		if ends(s.Body.List) || f.assigns(s.Body, sub.v) {
			note([]subject{sub}, after)
		}
	}
	if b, ok := s.Else.(*ast.BlockStmt); ok && ends(b.List) {
		note(yes, after)
	}
}

func (f *File) switchChecks(s *ast.SwitchStmt, outer span) {
	if s.Body == nil {
		return
	}
	var tag []subject
	if s.Tag != nil {
		tag = f.subjects(s.Tag, 0)
	}
	covered := false
	for _, c := range s.Body.List {
		clause, ok := c.(*ast.CaseClause)
		if !ok {
			continue
		}
		body := span{clause.Colon, clause.End() + 1}
		switch {
		case clause.List == nil:
			covered = ends(clause.Body)
		case s.Tag != nil:
			note(tag, body)
		default:
			yes, no := f.condition(clause.List[0], 0)
			if len(clause.List) == 1 {
				note(yes, body)
			}
			if ends(clause.Body) {
				note(no, span{clause.End(), outer.to})
			}
		}
	}
	if covered {
		note(tag, span{s.End(), outer.to})
	}
}

func note(subjects []subject, where span) {
	for _, s := range subjects {
		s.v.check = append(s.v.check, check{where, s.field, s.use})
	}
}

// ends tells whether what stands behind a block is not reached from it.
func ends(list []ast.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	switch s := list[len(list)-1].(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		return true
	case *ast.ExprStmt:
		if c, ok := s.X.(*ast.CallExpr); ok {
			switch name := leaf(c.Fun); name {
			case "panic", "Exit", "Fatal", "Fatalf", "Fatalln":
				return true
			}
		}
	}
	return false
}

func (f *File) assigns(body *ast.BlockStmt, v *Var) bool {
	return slices.ContainsFunc(v.defs, func(d *def) bool { return d.pos > body.Pos() && d.pos <= body.End() })
}

// condition tells what is known to be right where it holds, and where not.
func (f *File) condition(e ast.Expr, depth int) (yes, no []subject) {
	if depth > maxFollow {
		return nil, nil
	}
	depth++
	switch e := unparen(e).(type) {
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			no, yes = f.condition(e.X, depth)
			return yes, no
		}
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LAND, token.LOR:
			ay, an := f.condition(e.X, depth)
			by, bn := f.condition(e.Y, depth)
			if e.Op == token.LAND {
				return slices.Concat(ay, by), both(an, bn)
			}
			return both(ay, by), slices.Concat(an, bn)
		case token.EQL:
			return f.equal(e, depth)
		case token.NEQ:
			no, yes = f.equal(e, depth)
			return yes, no
		case token.GTR, token.GEQ:
			return nil, f.short(e.X)
		case token.LSS, token.LEQ:
			return f.short(e.X), nil
		}
	case *ast.IndexExpr:
		return f.subjects(e.Index, 0), nil
	case *ast.CallExpr:
		if c := f.calls[e]; c != nil {
			return c.verdict()
		}
	case *ast.Ident:
		return f.flag(e, depth)
	}
	return nil, nil
}

func both(a, b []subject) []subject {
	var out []subject
	for _, s := range a {
		for _, t := range b {
			if s.v == t.v && s.field == t.field {
				switch {
				case s.use == 0:
					s.use = t.use
				case t.use != 0:
					s.use = s.use.full() & t.use.full()
					if s.use == 0 {
						continue
					}
				}
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// equal is what is known where two values are the same.
func (f *File) equal(e *ast.BinaryExpr, depth int) (yes, no []subject) {
	x, y := unparen(e.X), unparen(e.Y)
	if id, ok := y.(*ast.Ident); ok && id.Name == "nil" {
		if c := f.definedBy(x); c != nil {
			return c.succeeded(), nil
		}
		return nil, nil
	}
	if at, ok := x.(*ast.IndexExpr); ok {
		return f.begins(at, y)
	}
	for range 2 {
		if text, ok := f.Text(y); ok && text != "" || f.listed(y) {
			if call, isCall := x.(*ast.CallExpr); isCall && !folds(leaf(call.Fun)) && !host(leaf(call.Fun)) {
				return nil, nil // of a part of it only
			}
			if sel, isSel := x.(*ast.SelectorExpr); isSel && (sel.Sel.Name == "Scheme" || sel.Sel.Name == "Method") {
				return nil, nil
			}
			return f.subjects(x, 0), nil
		}
		if sel, ok := x.(*ast.SelectorExpr); ok && host(sel.Sel.Name) {
			return f.subjects(x, URL|Redirect), nil
		}
		if call, ok := x.(*ast.CallExpr); ok && host(leaf(call.Fun)) {
			return f.subjects(x, URL|Redirect), nil
		}
		x, y = y, x
	}
	switch b := unparen(e.Y).(type) {
	case *ast.Ident:
		switch b.Name {
		case "true":
			return f.condition(e.X, depth)
		case "false":
			no, yes = f.condition(e.X, depth)
			return yes, no
		}
	}
	return nil, nil
}

// begins is what the first or second byte of a text tells of where it leads.
func (f *File) begins(x *ast.IndexExpr, y ast.Expr) (yes, no []subject) {
	lit, ok := y.(*ast.BasicLit)
	i, known := f.Int(x.Index)
	if !ok || !known || lit.Value != "'/'" {
		return nil, nil
	}
	switch i {
	case 0:
		return f.subjects(x.X, slash), nil
	case 1:
		return nil, f.subjects(x.X, single)
	}
	return nil, nil
}

// short are the texts whose length a condition asks for before it looks at
// their second byte.
func (f *File) short(e ast.Expr) []subject {
	if c, ok := unparen(e).(*ast.CallExpr); ok && leaf(c.Fun) == "len" && len(c.Args) == 1 {
		return f.subjects(c.Args[0], single)
	}
	return nil
}

func folds(name string) bool {
	switch name {
	case "ToLower", "ToUpper", "TrimSpace", "string", "String":
		return true
	}
	return false
}

func host(name string) bool { return name == "Host" || name == "Hostname" }

// listed tells whether a value is an element of a list that is gone through.
func (f *File) listed(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	if !ok || f.uses[id] == nil {
		return false
	}
	return slices.ContainsFunc(f.uses[id].defs, func(d *def) bool { return d.form == ranged })
}

// definedBy is the call that last gave a variable its value.
func (f *File) definedBy(e ast.Expr) *Call {
	id, ok := e.(*ast.Ident)
	if !ok || f.uses[id] == nil {
		return nil
	}
	var found *Call
	best := token.NoPos
	for _, d := range f.uses[id].defs {
		if d.pos <= id.Pos() && d.pos >= best && d.form == assigned {
			if c, ok := unparen(d.value).(*ast.CallExpr); ok {
				found, best = f.calls[c], d.pos
			} else {
				found, best = nil, d.pos
			}
		}
	}
	return found
}

// flag is what is known where a variable is true: of what a map has, of what
// a call said, or of what was compared where it became true.
func (f *File) flag(id *ast.Ident, depth int) (yes, no []subject) {
	v := f.uses[id]
	if v == nil {
		return nil, nil
	}
	for _, d := range v.defs {
		if d.value == nil || d.pos > id.Pos() {
			continue
		}
		switch x := unparen(d.value).(type) {
		case *ast.IndexExpr:
			yes = append(yes, f.subjects(x.Index, 0)...)
		case *ast.CallExpr:
			if c := f.calls[x]; c != nil {
				y, n := c.verdict()
				yes, no = append(yes, y...), append(no, n...)
			}
		case *ast.BinaryExpr, *ast.UnaryExpr:
			if d.form == assigned {
				y, n := f.condition(x, depth)
				yes, no = append(yes, y...), append(no, n...)
			}
		case *ast.Ident:
			if x.Name == "true" && d.fn != nil {
				for _, b := range d.fn.branches {
					if s, ok := b.stmt.(*ast.IfStmt); ok && spanOf(s.Body).holds(x.Pos()) {
						y, _ := f.condition(s.Cond, depth)
						yes = append(yes, y...)
					}
				}
			}
		}
	}
	return yes, no
}

// subjects are the variables that an expression looks at, and those that they
// were made of.
func (f *File) subjects(e ast.Expr, u Use) []subject {
	var out []subject
	f.subject(e, u, 0, &out)
	return out
}

func (f *File) subject(e ast.Expr, u Use, depth int, out *[]subject) {
	if depth > 4 || e == nil {
		return
	}
	depth++
	switch e := unparen(e).(type) {
	case *ast.Ident:
		v := f.uses[e]
		if v == nil || v.Func == nil {
			return
		}
		*out = append(*out, subject{v: v, use: u})
		for _, d := range v.defs {
			if d.pos > e.Pos() || d.form != assigned {
				continue
			}
			if _, ok := d.value.(*ast.CallExpr); ok && d.fn != nil { // what came with it
				for _, other := range d.fn.Root().defs {
					if other.value == d.value && other.v != v && other.form == assigned {
						*out = append(*out, subject{v: other.v, use: u})
					}
				}
			}
			if d.result != 0 {
				continue
			}
			if c, ok := unparen(d.value).(*ast.CallExpr); ok && (u != 0 || folds(leaf(c.Fun))) {
				for _, a := range c.Args {
					f.subject(a, u, depth, out)
				}
			}
		}
	case *ast.SelectorExpr:
		if host(e.Sel.Name) {
			f.subject(e.X, URL|Redirect, depth, out)
			return
		}
		if x, ok := unparen(e.X).(*ast.Ident); ok {
			if v := f.uses[x]; v != nil {
				*out = append(*out, subject{v: v, field: e.Sel.Name, use: u})
			}
		}
	case *ast.CallExpr:
		if sel, ok := unparen(e.Fun).(*ast.SelectorExpr); ok && !f.imported(sel.X) {
			if host(sel.Sel.Name) {
				u = URL | Redirect
			}
			f.subject(sel.X, u, depth, out)
		}
		for _, a := range e.Args {
			f.subject(a, u, depth, out)
		}
	case *ast.StarExpr:
		f.subject(e.X, u, depth, out)
	case *ast.UnaryExpr:
		f.subject(e.X, u, depth, out)
	}
}
