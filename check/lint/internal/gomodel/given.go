package gomodel

import (
	"go/ast"
	"strings"
)

// A Given is a value, and the file that it stands in.
type Given struct {
	File *File
	Expr ast.Expr
}

// Given are the values that the program gives to a field of a struct of its
// own, to a parameter, to a variable, or to the variable of a loop; all tells
// that it gives no others.
func (f *File) Given(e ast.Expr) (list []Given, all bool) {
	if f.Test || e == nil {
		return nil, false
	}
	e = unparen(e)
	if sel, ok := e.(*ast.SelectorExpr); ok && f.VarOf(e) == nil {
		t := f.TypeOf(sel.X)
		if !strings.Contains(t, ".") { // nobody knows it, or it is called T
			t = f.shaped(f.VarOf(sel.X))
		}
		return f.Project.givenField(t, sel.Sel.Name)
	}
	v := f.VarOf(e)
	if v == nil {
		return nil, false
	}
	all = true
	for _, d := range v.defs {
		switch {
		case d.value == nil || d.field != "" || d.form == filled || d.form == added || d.form == keyed:
			all = false
		case d.form == ranged:
			in, only := v.File.Only(d.value)
			lit, ok := only.(*ast.CompositeLit)
			if !ok {
				return nil, false
			}
			for _, x := range lit.Elts {
				if kv, ok := x.(*ast.KeyValueExpr); ok {
					x = kv.Value
				}
				list = append(list, Given{in, x})
			}
		default:
			list = append(list, Given{v.File, d.value})
		}
	}
	if v.Param {
		sites := f.Project.Sites(v)
		all = all && len(sites) > 0
		for _, s := range sites {
			list = append(list, Given{s.File, s.Arg})
		}
	}
	return list, all && len(list) > 0
}

// shaped is the one type of the project that has all the members which are
// taken of a variable: the type of what a generic function gives.
func (f *File) shaped(v *Var) string {
	if v == nil || v.Func == nil {
		return ""
	}
	names := map[string]bool{}
	ast.Inspect(v.Func.Root().Node, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && f.VarOf(sel.X) == v {
			names[sel.Sel.Name] = true
		}
		return true
	})
	if len(names) < 2 {
		return ""
	}
	found := ""
	for name, t := range f.Project.types {
		if _, ok := t.Expr.(*ast.StructType); !ok || strings.Contains(name, "struct:") {
			continue // each struct has a name of its own besides
		}
		has := true
		for m := range names {
			has = has && (f.Project.field(name, m) != nil || f.Project.method(name, m) != nil)
		}
		switch {
		case has && found != "":
			return ""
		case has:
			found = name
		}
	}
	return found
}

func (p *Project) givenField(t, name string) (list []Given, all bool) {
	own := p.types[t]
	if own == nil {
		return nil, false
	}
	all = true
	for _, f := range p.Files {
		if f.Test || !ast.IsExported(name) && f.Package != own.File.Package {
			continue
		}
		for _, l := range f.Literals {
			if l.Type != t {
				continue
			}
			for i, x := range l.Elts {
				if kv, ok := x.(*ast.KeyValueExpr); ok {
					if written(kv.Key) == name {
						list = append(list, Given{f, kv.Value})
					}
				} else if fields := own.direct(); i < len(fields) && fields[i].Name == name {
					list = append(list, Given{f, x})
				}
			}
		}
		for _, s := range f.stores {
			for i, l := range s.Lhs {
				sel, ok := l.(*ast.SelectorExpr)
				switch {
				case !ok || sel.Sel.Name != name || f.TypeOf(sel.X) != t:
				case len(s.Lhs) == len(s.Rhs):
					list = append(list, Given{f, s.Rhs[i]})
				default:
					all = false
				}
			}
		}
	}
	return list, all && len(list) > 0
}

// Texts are the texts that an expression may stand for: one that is written, or
// those that the program gives to what it names; nil when others are possible.
func (f *File) Texts(e ast.Expr) []string { return f.texts(e, 0) }

func (f *File) texts(e ast.Expr, depth int) []string {
	if e == nil || depth > 4 {
		return nil
	}
	if text, ok := f.Text(e); ok {
		return []string{text}
	}
	list, all := f.Given(e)
	if !all {
		return nil
	}
	var out []string
	for _, g := range list {
		texts := g.File.texts(g.Expr, depth+1)
		if texts == nil {
			return nil
		}
		out = append(out, texts...)
	}
	return out
}
