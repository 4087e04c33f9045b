package pyast

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A dumper writes a tree as testdata/dump.py writes CPython's: each node with
// its fields in the order of their names, and where it stands.
type dumper struct {
	f      *File
	out    strings.Builder
	joined int
}

// Fields that have another name there.
var pythonNames = map[string]string{
	"posonly": "posonlyargs", "kwonly": "kwonlyargs", "decorators": "decoratorlist",
	"context": "contextexpr", "vars": "optionalvars", "class": "cls", "async": "isasync",
}

func dump(f *File) string {
	d := dumper{f: f}
	for _, s := range f.Body {
		d.node(s)
		d.out.WriteByte('\n')
	}
	return d.out.String()
}

func (d *dumper) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		d.out.WriteByte('[')
		for i := range v.Len() {
			d.value(v.Index(i))
			d.out.WriteByte(',')
		}
		d.out.WriteByte(']')
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			d.out.WriteByte('-')
			return
		}
		d.node(v.Interface().(Node))
	case reflect.String:
		if v.String() == "" {
			d.out.WriteByte('-')
			return
		}
		d.out.WriteString(v.String())
	case reflect.Bool:
		d.out.WriteString(map[bool]string{true: "1", false: "0"}[v.Bool()])
	case reflect.Int:
		fmt.Fprint(&d.out, v.Int())
	default:
		switch x := v.Interface().(type) {
		case Op:
			d.out.WriteString(opNames[x])
		case Ctx:
			d.out.WriteString([]string{"Load", "Store", "Del"}[x])
		case Kind:
			d.out.WriteString([]string{"None", "True", "False"}[x])
		}
	}
}

var opNames = []string{"-", "And", "Or", "Add", "Sub", "Mult", "MatMult", "Div", "Mod", "Pow", "LShift", "RShift",
	"BitOr", "BitXor", "BitAnd", "FloorDiv", "Invert", "Not", "UAdd", "USub", "Eq", "NotEq", "Lt", "LtE", "Gt",
	"GtE", "Is", "IsNot", "In", "NotIn"}

func (d *dumper) node(n Node) {
	v := reflect.ValueOf(n).Elem()
	name := v.Type().Name()
	switch x := n.(type) {
	case *FunctionDef:
		if x.Async {
			name = "Async" + name
		}
	case *For:
		if x.Async {
			name = "Async" + name
		}
	case *With:
		if x.Async {
			name = "Async" + name
		}
	case *Try:
		if x.Star {
			name = "TryStar"
		}
	case *ExprStmt:
		name = "Expr"
	}
	name = strings.ToLower(name)
	d.out.WriteString(name)
	d.out.WriteByte('(')
	_, isJoined := n.(*JoinedStr)
	if isJoined {
		d.joined++
	}
	if c, ok := n.(*Constant); ok {
		d.constant(c)
	} else {
		type field struct {
			name string
			v    reflect.Value
		}
		var fields []field
		for i := 1; i < v.NumField(); i++ {
			f := strings.ToLower(v.Type().Field(i).Name)
			switch {
			case f == "async" && name != "comprehension", f == "star" && name == "trystar", f == "typeparams", f == "mark",
				f == "star" && name == "try":
				continue
			case f == "name" && (name == "arg" || name == "keyword"):
				f = "arg"
			case f == "kind" && name == "matchsingleton":
				f = "value"
			case pythonNames[f] != "":
				f = pythonNames[f]
			}
			fields = append(fields, field{f, v.Field(i)})
		}
		slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
		for _, f := range fields {
			d.out.WriteString(f.name)
			d.out.WriteByte('=')
			d.value(f.v)
			d.out.WriteByte(';')
		}
	}
	d.out.WriteByte(')')
	if isJoined {
		d.joined--
	}
	switch name {
	case "arguments", "comprehension", "withitem", "matchcase":
		return // they have no place there
	}
	if d.joined > 0 {
		return // before 3.12, places inside an f-string are those of another text
	}
	fl, fc := d.f.Position(n.Pos())
	tl, tc := d.f.Position(n.End())
	fmt.Fprintf(&d.out, "@%d:%d-%d:%d", fl, fc-1, tl, tc-1)
}

func (d *dumper) constant(c *Constant) {
	switch c.Kind {
	case None:
		d.out.WriteString("None")
	case True:
		d.out.WriteString("True")
	case False:
		d.out.WriteString("False")
	case Ellipsis:
		d.out.WriteString("Ellipsis")
	case Str:
		d.out.WriteString("s" + hex.EncodeToString([]byte(c.Value)))
	case Bytes:
		d.out.WriteString("b" + hex.EncodeToString([]byte(c.Value)))
	case Int:
		text := strings.ReplaceAll(c.Value, "_", "")
		if strings.Trim(text, "0") == "" {
			text = "0"
		}
		i, ok := new(big.Int).SetString(text, 0)
		if !ok {
			d.out.WriteString("?" + c.Value) // 08, which CPython refuses
			break
		}
		d.out.WriteString("i" + i.Text(16))
	case Float, Imaginary:
		text := strings.TrimRight(strings.ReplaceAll(c.Value, "_", ""), "jJ")
		x, _ := strconv.ParseFloat(text, 64)
		fmt.Fprintf(&d.out, "%c%016x", map[Kind]byte{Float: 'f', Imaginary: 'j'}[c.Kind], math.Float64bits(x))
	}
}
