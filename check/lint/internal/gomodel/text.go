package gomodel

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// maxParts bounds the parts of a text that is put together.
const maxParts = 200

// Text is the text that an expression stands for; ok tells that it is known:
// it is written, or a constant, or a variable that gets one text only.
func (f *File) Text(e ast.Expr) (string, bool) { return f.text(e, 0) }

func (f *File) text(e ast.Expr, depth int) (string, bool) {
	if depth > maxFollow || f.Test {
		return "", false
	}
	depth++
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.text(e.X, depth)
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return unquoted(e.Value)
		}
	case *ast.Ident, *ast.SelectorExpr:
		if in, value := f.only(e); value != nil {
			return in.text(value, depth)
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			l, lok := f.text(e.X, depth)
			r, rok := f.text(e.Y, depth)
			return l + r, lok && rok && len(l)+len(r) < 1<<16
		}
	case *ast.CallExpr: // []byte("…")
		if len(e.Args) == 1 && f.isType(e.Fun) {
			return f.text(e.Args[0], depth)
		}
	}
	return "", false
}

// only is the one value that a constant or a variable ever gets, and the file
// it is written in.
func (f *File) only(e ast.Expr) (*File, ast.Expr) {
	v := f.VarOf(e)
	if v == nil || v.Param || v.taken && !v.Const || len(v.defs) != 1 {
		return nil, nil
	}
	d := v.defs[0]
	if d.form != assigned || d.field != "" || d.value == nil || d.result != 0 {
		return nil, nil
	}
	return v.File, d.value
}

// Only is the one value that a name ever gets, and the file it is written in;
// of any other expression it is the expression itself.
func (f *File) Only(e ast.Expr) (*File, ast.Expr) {
	for range maxFollow {
		e = unparen(e)
		in, value := f.only(e)
		if value == nil {
			break
		}
		f, e = in, value
	}
	return f, e
}

// VarOf is the variable that a name stands for, here or in another package of
// the project; nil when it is none.
func (f *File) VarOf(e ast.Expr) *Var {
	switch e := unparen(e).(type) {
	case *ast.Ident:
		return f.uses[e]
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok && f.uses[x] == nil {
			if k := f.own[x.Name]; k != nil {
				if d := k.names[e.Sel.Name]; d != nil {
					return d.v
				}
			}
		}
	}
	return nil
}

// Values are what a variable is given where it is assigned as a whole; more
// tells that it may hold something else too.
func (v *Var) Values() (list []ast.Expr, more bool) {
	more = v.Param
	for _, d := range v.defs {
		switch {
		case d.form == assigned && d.field == "" && d.value != nil:
			list = append(list, d.value)
		case d.value != nil || d.form == filled:
			more = true
		}
	}
	return list, more
}

// Int is the number that an expression stands for; ok tells that it is known.
func (f *File) Int(e ast.Expr) (int64, bool) { return f.number(e, 0) }

func (f *File) number(e ast.Expr, depth int) (int64, bool) {
	if depth > maxFollow || f.Test {
		return 0, false
	}
	depth++
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.number(e.X, depth)
	case *ast.BasicLit:
		n, err := strconv.ParseInt(e.Value, 0, 64)
		return n, err == nil && e.Kind == token.INT
	case *ast.Ident, *ast.SelectorExpr:
		if in, value := f.only(e); value != nil {
			if v := f.VarOf(e); v.Const && mentions(value, "iota") {
				return 0, false
			}
			return in.number(value, depth)
		}
	case *ast.BinaryExpr:
		l, lok := f.number(e.X, depth)
		r, rok := f.number(e.Y, depth)
		if !lok || !rok {
			return 0, false
		}
		switch e.Op {
		case token.ADD:
			return l + r, true
		case token.SUB:
			return l - r, true
		case token.MUL:
			return l * r, true
		case token.SHL:
			return l << uint(r&63), r >= 0 && r < 63
		}
	case *ast.CallExpr:
		if len(e.Args) == 1 && f.isType(e.Fun) {
			return f.number(e.Args[0], depth)
		}
	}
	return 0, false
}

func mentions(e ast.Expr, name string) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return !found
	})
	return found
}

// True tells whether an expression is always true.
func (f *File) True(e ast.Expr) bool {
	in, e := f.Only(e)
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "true" && in.uses[id] == nil
}

// False tells whether an expression is always false.
func (f *File) False(e ast.Expr) bool {
	in, e := f.Only(e)
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.NOT {
		return in.True(u.X)
	}
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "false" && in.uses[id] == nil
}

// A Part is a piece of a text that is put together: what is written, or what
// is put in.
type Part struct {
	Text string
	// Expr is what is put in, of File; nil of what is written.
	Expr ast.Expr
	File *File
	Verb byte // of a format, else 0
}

// Parts takes a text apart: what is added, formatted, joined, or written into
// a builder, through variables and through functions of the project.
func (f *File) Parts(e ast.Expr) []Part {
	var out []Part
	if !f.Test {
		f.parts(e, 0, map[*def]bool{}, &out)
	}
	return out
}

// Formatted takes a format and what is put into it apart.
func (f *File) Formatted(format ast.Expr, args []ast.Expr) []Part {
	var out []Part
	if !f.Test {
		f.format(format, args, 0, map[*def]bool{}, &out)
	}
	return out
}

func (f *File) parts(e ast.Expr, depth int, seen map[*def]bool, out *[]Part) {
	if len(*out) >= maxParts {
		return
	}
	if text, ok := f.Text(e); ok {
		*out = append(*out, Part{Text: text, File: f})
		return
	}
	hole := func() { *out = append(*out, Part{Expr: e, File: f}) }
	if depth > maxFollow {
		hole()
		return
	}
	depth++
	switch x := e.(type) {
	case *ast.ParenExpr:
		f.parts(x.X, depth, seen, out)
	case *ast.BinaryExpr:
		if x.Op == token.ADD {
			f.parts(x.X, depth, seen, out)
			f.parts(x.Y, depth, seen, out)
			return
		}
		hole()
	case *ast.Ident:
		if v := f.uses[x]; v == nil || v.Param || v.Func == nil || v.looked(x.Pos()) || !v.parts(x.Pos(), depth, seen, out) {
			hole()
		}
	case *ast.CallExpr:
		if c := f.calls[x]; c == nil || !c.parts(depth, seen, out) {
			hole()
		}
	default:
		hole()
	}
}

// looked tells whether a variable was checked before a place: then it is what
// is put in, not what it was made of.
func (v *Var) looked(p token.Pos) bool {
	return slices.ContainsFunc(v.check, func(c check) bool { return c.holds(p) })
}

// parts are those of all that a variable may hold at a place.
func (v *Var) parts(p token.Pos, depth int, seen map[*def]bool, out *[]Part) bool {
	killer := -1
	for i, d := range v.defs {
		if d.pos <= p && d.whole() && d.block.holds(p) {
			killer = i
		}
	}
	var reach []*def
	for i, d := range v.defs {
		switch {
		case i < killer || d.pos > p || seen[d] || d.value == nil && d.form != filled:
			continue
		case d.field != "" || d.result > 0 || d.form == ranged || d.form == keyed || d.form == filled && !d.writes():
			return false
		}
		reach = append(reach, d)
	}
	for _, d := range reach {
		seen[d] = true
		switch {
		case d.form != filled:
			v.File.parts(d.value, depth, seen, out)
		case d.arg < 0:
			for _, a := range d.call.Args {
				d.call.File.parts(a, depth, seen, out)
			}
		default:
			d.call.File.format(d.call.Args[1], d.call.Args[2:], depth, seen, out)
		}
	}
	return len(reach) > 0
}

// writes tells whether a call adds to a text in a way that can be taken apart.
func (d *def) writes() bool {
	return d.arg < 0 && len(d.call.targets) == 0 || d.arg == 0 && d.call.Name == "fmt.Fprintf" && len(d.call.Args) > 1
}

func (c *Call) parts(depth int, seen map[*def]bool, out *[]Part) bool {
	f := c.File
	switch c.Name {
	case "fmt.Sprintf":
		if len(c.Args) > 0 {
			f.format(c.Args[0], c.Args[1:], depth, seen, out)
			return true
		}
	case "fmt.Sprint", "fmt.Sprintln":
		for _, a := range c.Args {
			f.parts(a, depth, seen, out)
		}
		return len(c.Args) > 0
	case "strings.TrimSpace", "strings.ToLower", "strings.ToUpper", "strings.TrimSuffix", "strings.TrimRight", "strings.TrimPrefix":
		if len(c.Args) > 0 {
			f.parts(c.Args[0], depth, seen, out)
			return true
		}
	case "strings.Builder.String", "bytes.Buffer.String":
		if recv, ok := c.Receiver().(*ast.Ident); ok {
			if v := f.uses[recv]; v != nil && !v.Param {
				return v.parts(c.Pos(), depth, seen, out)
			}
		}
	}
	if f.isType(c.Fun) && len(c.Args) == 1 {
		f.parts(c.Args[0], depth, seen, out)
		return true
	}
	if len(c.targets) == 1 && c.targets[0].plain() {
		to := c.targets[0]
		for _, r := range to.returns {
			to.File.parts(r.Results[0], depth, seen, out)
		}
		return true
	}
	return false
}

// plain tells whether the results of a function can be taken apart: it gives
// texts, and none that it was given as they are.
func (fn *Func) plain() bool {
	if len(fn.returns) == 0 || fn.File.TypeExpr(flat(fn.Type.Results, 0)) != "string" {
		return false
	}
	for _, r := range fn.returns {
		if len(r.Results) == 0 {
			return false
		}
	}
	return len(fn.sum.results) > 0 && !slices.ContainsFunc(fn.sum.results[0].whole().deps, func(d dep) bool { return !d.typed })
}

// format takes a format and its arguments apart.
func (f *File) format(format ast.Expr, args []ast.Expr, depth int, seen map[*def]bool, out *[]Part) {
	text, ok := f.Text(format)
	if !ok {
		f.parts(format, depth, seen, out)
		for _, a := range args {
			f.parts(a, depth, seen, out)
		}
		return
	}
	next := 0
	for text != "" {
		i := strings.IndexByte(text, '%')
		if i < 0 || i+1 == len(text) {
			break
		}
		if i > 0 {
			*out = append(*out, Part{Text: text[:i], File: f})
		}
		text = text[i+1:]
		verb := strings.IndexFunc(text, func(r rune) bool { return r == '%' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
		if verb < 0 {
			return
		}
		c := text[verb]
		if at, rest, ok := strings.Cut(text[:verb], "]"); ok && strings.HasPrefix(at, "[") && rest == "" {
			if n, err := strconv.Atoi(at[1:]); err == nil && n > 0 {
				next = n - 1
			}
		}
		text = text[verb+1:]
		if c == '%' {
			*out = append(*out, Part{Text: "%", File: f})
			continue
		}
		if next < len(args) {
			before := len(*out)
			f.parts(args[next], depth, seen, out)
			for j := before; j < len(*out); j++ {
				if (*out)[j].Verb == 0 {
					(*out)[j].Verb = c
				}
			}
		}
		next++
	}
	if text != "" {
		*out = append(*out, Part{Text: text, File: f})
	}
}
