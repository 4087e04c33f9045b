package gomodel

import (
	"go/ast"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// maxFollow bounds how many names, calls and embedded types are followed: a
// chain may go round.
const maxFollow = 12

// maxTargets bounds the methods that a call through an interface may reach: of
// more, nothing is known.
const maxTargets = 12

// A Field is one of a struct.
type Field struct {
	Name     string
	Type     string // in full
	Tag      string // of JSON: its name, "-" when it is left out, or ""
	Node     *ast.Field
	File     *File
	Embedded bool
}

// TypeExpr is the full name of a type, without its stars.
func (f *File) TypeExpr(e ast.Expr) string { return f.typeExpr(e, 0) }

func (f *File) typeExpr(e ast.Expr, depth int) string {
	if depth > maxFollow {
		return ""
	}
	depth++
	switch e := e.(type) {
	case *ast.StarExpr:
		return f.typeExpr(e.X, depth)
	case *ast.ParenExpr:
		return f.typeExpr(e.X, depth)
	case *ast.IndexExpr:
		return f.typeExpr(e.X, depth)
	case *ast.IndexListExpr:
		return f.typeExpr(e.X, depth)
	case *ast.Ellipsis:
		return "[]" + f.typeExpr(e.Elt, depth)
	case *ast.ArrayType:
		return "[]" + f.typeExpr(e.Elt, depth)
	case *ast.MapType:
		return "map[" + f.typeExpr(e.Key, depth) + "]" + f.typeExpr(e.Value, depth)
	case *ast.ChanType:
		return "chan " + f.typeExpr(e.Value, depth)
	case *ast.FuncType:
		return "func"
	case *ast.InterfaceType:
		if e.Methods == nil || len(e.Methods.List) == 0 {
			return "any"
		}
	case *ast.StructType:
		if t := f.shape(e); t != nil {
			return t.Name
		}
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		if !ok {
			return ""
		}
		if k := f.own[x.Name]; k != nil {
			return k.named(e.Sel.Name, depth)
		}
		if p := f.imports[x.Name]; p != "" {
			return p + "." + e.Sel.Name
		}
	case *ast.Ident:
		if t := f.locals[e]; t != nil {
			return t.Name
		}
		return f.Package.named(e.Name, depth)
	}
	return ""
}

// named is the full name of a type of the package; an alias is what it stands
// for. What the package does not declare is the language's own.
func (k *Package) named(name string, depth int) string {
	d := k.names[name]
	if d == nil || d.typ == nil {
		return name
	}
	if d.typ.alias {
		return d.typ.File.typeExpr(d.typ.Expr, depth)
	}
	return d.typ.Name
}

// shape is the type of a struct that has no name.
func (f *File) shape(e *ast.StructType) *Type {
	t := f.shapes[e]
	if t == nil && !f.frozen {
		t = &Type{Name: f.Package.full("struct:" + f.Path + ":" + strconv.Itoa(int(e.Pos()))), File: f, Expr: e}
		f.shapes[e] = t
		f.Project.types[t.Name] = t
	}
	return t
}

// Type is a type of the project by its full name, or nil.
func (p *Project) Type(name string) *Type { return p.types[name] }

// Underlying is what a type of the project is made of in the end.
func (p *Project) Underlying(name string) string {
	for range maxFollow {
		t := p.types[name]
		if t == nil {
			if known := shapes[name]; known != "" {
				return known
			}
			return name
		}
		switch t.Expr.(type) {
		case *ast.StructType, *ast.InterfaceType:
			return name
		}
		name = t.File.TypeExpr(t.Expr)
	}
	return ""
}

// Fields are those of a struct of the project, and those of what it embeds.
func (p *Project) Fields(name string) []*Field {
	t := p.types[p.Underlying(name)]
	if t == nil {
		return nil
	}
	if t.read {
		return t.fields
	}
	var out []*Field
	for _, up := range p.lineage(name) {
		out = append(out, p.types[up].direct()...)
	}
	if !t.File.frozen {
		t.fields, t.read = out, true
	}
	return out
}

// lineage is a struct of the project and those that it embeds, each once.
func (p *Project) lineage(name string) []string {
	var out []string
	for next := []string{name}; len(next) > 0; next = next[1:] {
		u := p.Underlying(next[0])
		t := p.types[u]
		if t == nil || slices.Contains(out, u) {
			continue
		}
		out = append(out, u)
		for _, f := range t.direct() {
			if f.Embedded {
				next = append(next, f.Type)
			}
		}
	}
	return out
}

// direct are the fields that are written in a struct.
func (t *Type) direct() []*Field {
	if t.own != nil {
		return *t.own
	}
	var out []*Field
	if st, ok := t.Expr.(*ast.StructType); ok && st.Fields != nil {
		for _, n := range st.Fields.List {
			out = append(out, t.File.field(n)...)
		}
	}
	if !t.File.frozen {
		t.own = &out
	}
	return out
}

func (f *File) field(n *ast.Field) []*Field {
	field := Field{Type: f.TypeExpr(n.Type), Node: n, File: f}
	if n.Tag != nil {
		tag, _ := unquoted(n.Tag.Value)
		if js, ok := reflect.StructTag(tag).Lookup("json"); ok {
			field.Tag, _, _ = strings.Cut(js, ",")
		}
	}
	if len(n.Names) == 0 {
		field.Name, field.Embedded = last(field.Type), true
		return []*Field{&field}
	}
	var out []*Field
	for _, id := range n.Names {
		one := field
		one.Name = id.Name
		out = append(out, &one)
	}
	return out
}

// last is what a full name ends with.
func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func (p *Project) field(t, name string) *Field {
	for _, f := range p.Fields(t) {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// method finds a method of a type of the project, or of what it embeds.
func (p *Project) method(t, name string) *Func {
	own := p.types[t]
	if own == nil {
		return nil
	}
	if fn := own.Methods[name]; fn != nil {
		return fn
	}
	for _, up := range p.lineage(t) {
		for _, f := range p.types[up].direct() {
			if f.Embedded && p.types[f.Type] != nil && p.types[f.Type].Methods[name] != nil {
				return p.types[f.Type].Methods[name]
			}
		}
	}
	return nil
}

// member is the full name of what a value of a type has: its own, or the
// first that an embedded type of others may have.
func (p *Project) member(t, name string) string {
	own := p.types[t]
	if own == nil || own.Methods[name] != nil {
		return t + "." + name
	}
	if fn := p.method(t, name); fn != nil {
		return fn.recvType + "." + name
	}
	switch own.Expr.(type) {
	case *ast.StructType:
		if p.field(t, name) != nil {
			return t + "." + name
		}
	case *ast.InterfaceType:
		return p.asked(t, name)
	}
	for _, up := range p.lineage(t) {
		for _, f := range p.types[up].direct() {
			if !f.Embedded || f.Type == "" {
				continue
			}
			if p.types[f.Type] == nil {
				return f.Type + "." + name
			}
			if found := p.asked(f.Type, name); !strings.HasPrefix(found, "@") || slices.Contains(p.interfaceMethods(f.Type, 0), name) {
				return found
			}
		}
	}
	return t + "." + name
}

// asked is the full name of a method of an interface: its own, or the first
// that an interface of others, which it embeds, may have.
func (p *Project) asked(t, name string) string {
	own := p.types[t]
	it, ok := own.Expr.(*ast.InterfaceType)
	if ok && it.Methods != nil && !slices.Contains(p.interfaceMethods(t, 0), name) {
		for _, m := range it.Methods.List {
			if up := own.File.TypeExpr(m.Type); len(m.Names) == 0 && p.types[up] == nil && strings.Contains(up, ".") {
				return up + "." + name
			}
		}
	}
	return t + "." + name
}

// interfaceMethods are the names of the methods that an interface asks for.
func (p *Project) interfaceMethods(t string, depth int) []string {
	own := p.types[t]
	if own == nil || depth > maxFollow {
		return nil
	}
	it, ok := own.Expr.(*ast.InterfaceType)
	if !ok || it.Methods == nil {
		return nil
	}
	var out []string
	for _, m := range it.Methods.List {
		for _, n := range m.Names {
			out = append(out, n.Name)
		}
		if len(m.Names) == 0 {
			out = append(out, p.interfaceMethods(own.File.TypeExpr(m.Type), depth+1)...)
		}
	}
	return out
}

// implementers are the methods of the project that a call through an
// interface may reach.
func (p *Project) implementers(t, name string) []*Func {
	wanted := p.interfaceMethods(t, 0)
	if !slices.Contains(wanted, name) {
		return nil
	}
	var out []*Func
	sig, _ := p.Interface(t, name)
	for _, fn := range p.methods[name] {
		if sig != nil && (sig.Params.NumFields() != fn.Type.Params.NumFields() || sig.Results.NumFields() != fn.Type.Results.NumFields()) {
			continue
		}
		has := func(m string) bool { return p.method(fn.recvType, m) != nil }
		if !slices.ContainsFunc(wanted, func(m string) bool { return !has(m) }) {
			out = append(out, fn)
		}
	}
	if len(out) > maxTargets {
		return nil
	}
	return out
}

// Interface is the signature of a method of an interface of the project.
func (p *Project) Interface(t, name string) (*ast.FuncType, *File) {
	own := p.types[t]
	if own == nil {
		return nil, nil
	}
	if it, ok := own.Expr.(*ast.InterfaceType); ok && it.Methods != nil {
		for _, m := range it.Methods.List {
			for _, n := range m.Names {
				if ft, ok := m.Type.(*ast.FuncType); ok && n.Name == name {
					return ft, own.File
				}
			}
		}
	}
	return nil, nil
}

// Scalar tells whether a type is a number, a truth, a time or an identifier of
// fixed form: no text of a client's choice.
func (p *Project) Scalar(t string) bool {
	switch u := p.Underlying(t); u {
	case "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "uintptr", "float32", "float64", "complex64", "complex128", "bool", "byte", "rune",
		"time.Time", "time.Duration", "time.Month", "time.Weekday", "github.com/google/uuid.UUID", "github.com/gofrs/uuid.UUID", "github.com/satori/go.uuid.UUID", "github.com/rs/xid.ID", "github.com/oklog/ulid.ULID",
		"database/sql.NullInt64", "database/sql.NullInt32", "database/sql.NullBool", "database/sql.NullFloat64", "database/sql.NullTime", "math/big.Int", "net/netip.Addr", "net.IP", "github.com/shopspring/decimal.Decimal":
		return true
	}
	return false
}

// Elem is what a slice, a map or a channel holds.
func Elem(t string) string {
	switch {
	case strings.HasPrefix(t, "[]"):
		return t[2:]
	case strings.HasPrefix(t, "chan "):
		return t[5:]
	case strings.HasPrefix(t, "map["):
		_, v := pair(t)
		return v
	case t == "string":
		return "rune"
	}
	return ""
}

// pair are the types of a map's keys and values.
func pair(t string) (key, value string) {
	depth := 0
	for i := len("map["); i < len(t); i++ {
		switch t[i] {
		case '[':
			depth++
		case ']':
			if depth == 0 {
				return t[len("map["):i], t[i+1:]
			}
			depth--
		}
	}
	return "", ""
}
