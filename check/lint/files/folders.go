package files

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A folder is where files lie: below what a name of the project stands for, or
// below where the program runs when root is empty.
type folder struct {
	root  string
	parts []string
}

func (f folder) holds(other folder) bool {
	return f.root == other.root && len(f.root)+len(f.parts) > 0 && len(other.parts) >= len(f.parts) && slices.Equal(f.parts, other.parts[:len(f.parts)])
}

// below is a folder with a path in it.
func (f folder) below(text string) folder {
	out := folder{f.root, slices.Clone(f.parts)}
	for part := range strings.SplitSeq(text, "/") {
		if part != "" && part != "." {
			out.parts = append(out.parts, part)
		}
	}
	return out
}

// folders are what a path is known to begin with, in all ways in which it can
// be named; whole tells that nothing unknown follows.
func folders(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) (out []folder, whole bool) {
	if e == nil || depth > 10 {
		return nil, false
	}
	depth++
	if text, ok := s.Text(e); ok {
		if strings.HasPrefix(text, "/") {
			out = append(out, folder{root: "/"}.below(text))
		} else {
			out = append(out, folder{}.below(text))
		}
		whole = true
	}
	if dir, ok := beside(s, e, 0); ok {
		return append(out, folder{root: "@", parts: dir}), true
	}
	// then adds what follows to each.
	then := func(base []folder, known bool, rest ...pyast.Expr) ([]folder, bool) {
		for _, r := range rest {
			text, ok := s.Text(r)
			if !known || !ok {
				return base, false
			}
			for i := range base {
				base[i] = base[i].below(text)
			}
		}
		return base, known
	}
	switch x := e.(type) {
	case *pyast.Name, *pyast.Attribute:
		if a, ok := x.(*pyast.Attribute); ok && (a.Attr == "parent" || a.Attr == "name") {
			return out, false
		}
		n, isName := x.(*pyast.Name)
		b, at := (*pymodel.Binding)(nil), (*pymodel.Scope)(nil)
		if isName {
			b, at = s.Lookup(n.ID)
		}
		if b != nil && at.Func != nil {
			if b.Param {
				for _, o := range p.Python.Given(at.Func, n.ID) {
					more, _ := folders(p, o.Scope, o.Expr, depth)
					out = append(out, more...)
				}
				return out, true
			}
			if b.Value != nil && !b.Part && !b.With {
				return folders(p, at, b.Value, depth)
			}
			return out, whole
		}
		sym := s.Symbol(x)
		if a, ok := x.(*pyast.Attribute); ok && (sym.Binding == nil || sym.Scope == nil) {
			// self.root is no name of the class.
			return append(out, ofSelf(p, s, a, depth)...), true
		}
		if sym.Binding != nil && sym.Binding.Func != nil && sym.Scope != nil && sym.Scope.Class != nil && property(sym.Binding.Func) {
			list, known := given(p, sym.Binding.Func, nil, s, depth)
			return append(append(out, folder{root: sym.Name}), list...), known
		}
		if sym.Binding != nil && sym.Binding.Value != nil && sym.Scope != nil && sym.Scope.Func == nil {
			more, _ := folders(p, sym.Scope, sym.Binding.Value, depth)
			return append(append(out, folder{root: sym.Name}), more...), true
		}
	case *pyast.BinOp:
		if x.Op == pyast.Div || x.Op == pyast.Add {
			base, known := folders(p, s, x.Left, depth)
			return then(base, known, x.Right)
		}
	case *pyast.JoinedStr:
		if len(x.Values) == 0 || whole {
			return out, whole
		}
		if c, ok := x.Values[0].(*pyast.Constant); ok {
			// Up to the last slash: what stands behind it begins a name.
			if dir, _, ok := cutLast(c.Value); ok {
				return folders(p, s, &pyast.Constant{Kind: pyast.Str, Value: dir}, depth)
			}
			return nil, false
		}
		v, ok := x.Values[0].(*pyast.FormattedValue)
		if !ok {
			return nil, false
		}
		base, _ := folders(p, s, v.Value, depth)
		if len(x.Values) > 1 {
			if c, ok := x.Values[1].(*pyast.Constant); ok {
				dir, _, _ := cutLast(c.Value)
				for i := range base {
					base[i] = base[i].below(dir)
				}
			}
		}
		return base, false
	case *pyast.Call:
		switch s.Qualified(x.Func) {
		case "pathlib.Path", "os.path.join", "builtins.str", "os.path.abspath", "os.path.realpath", "anyio.Path", "os.fspath", "os.getenv", "os.environ.get":
			if len(x.Args) > 0 {
				if strings.HasPrefix(s.Qualified(x.Func), "os.env") || s.Qualified(x.Func) == "os.getenv" {
					return folders(p, s, pymodel.Arg(x, 1, "default"), depth)
				}
				base, known := folders(p, s, x.Args[0], depth)
				return then(base, known, x.Args[1:]...)
			}
			return nil, false
		}
		if b := s.Symbol(x.Func).Binding; b != nil && b.Func != nil {
			return given(p, b.Func, x, s, depth)
		}
		if a, ok := x.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "resolve", "absolute", "expanduser", "as_posix":
				return folders(p, s, a.Value, depth)
			case "joinpath":
				base, known := folders(p, s, a.Value, depth)
				return then(base, known, x.Args...)
			}
		}
	}
	return out, whole
}

// property tells whether a method is read as an attribute.
func property(f *pymodel.Func) bool {
	return slices.ContainsFunc(f.Decorators, func(d pyast.Expr) bool {
		return slices.Contains([]string{"property", "cached_property", "computed_field"}, analysis.Leaf(d))
	})
}

// given are the folders of what a function returns. What begins with a
// parameter is in the folder that the call hands over.
func given(p *analysis.Pass, f *pymodel.Func, c *pyast.Call, s *pymodel.Scope, depth int) (out []folder, whole bool) {
	whole = true
	for _, r := range f.Results() {
		if name := begins(r); c != nil && slices.ContainsFunc(f.Params, func(x *pymodel.Param) bool { return x.Name == name && name != "self" }) {
			call := &pymodel.Call{Call: c, Scope: s, Module: s.Module}
			i := slices.IndexFunc(f.Params, func(x *pymodel.Param) bool { return x.Name == name })
			if f.Class != nil && f.Params[0].Name == "self" {
				i--
			}
			list, _ := folders(p, s, call.Arg(i, name), depth)
			out, whole = append(out, list...), false
			continue
		}
		list, known := folders(p, f.Scope, r, depth)
		out, whole = append(out, list...), whole && known
	}
	return out, whole
}

// begins is the name that a path begins with.
func begins(e pyast.Expr) string {
	switch x := e.(type) {
	case *pyast.Name:
		return x.ID
	case *pyast.BinOp:
		return begins(x.Left)
	case *pyast.JoinedStr:
		if len(x.Values) > 0 {
			if v, ok := x.Values[0].(*pyast.FormattedValue); ok {
				return begins(v.Value)
			}
		}
	case *pyast.Call:
		if len(x.Args) > 0 {
			return begins(x.Args[0])
		}
		if a, ok := x.Func.(*pyast.Attribute); ok {
			return begins(a.Value)
		}
	}
	return ""
}

// ofSelf are the folders that an object is given when it is made:
// self.root = Path("media").
func ofSelf(p *analysis.Pass, s *pymodel.Scope, a *pyast.Attribute, depth int) []folder {
	class := s.TypeOf(a.Value).Class
	if f := s.Enclosing(); class == nil && f != nil && f.Class != nil && analysis.Leaf(a.Value) == "self" {
		class = f.Class
	}
	if class == nil {
		return nil
	}
	out := []folder{{root: class.Module.Name + "." + class.Name + "." + a.Attr}}
	for _, set := range class.Module.Assigns {
		if set.Scope.Func == nil || set.Scope.Func.Class != class {
			continue
		}
		for _, t := range set.Node.Targets {
			if to, ok := t.(*pyast.Attribute); ok && to.Attr == a.Attr && analysis.Leaf(to.Value) == "self" {
				list, _ := folders(p, set.Scope, set.Node.Value, depth)
				out = append(out, list...)
			}
		}
	}
	return out
}

// beside is a folder that is told by where the source lies:
// os.path.dirname(__file__), Path(__file__).resolve().parent.
func beside(s *pymodel.Scope, e pyast.Expr, depth int) ([]string, bool) {
	if depth > 8 {
		return nil, false
	}
	depth++
	up := func(parts []string, ok bool, n int) ([]string, bool) {
		if !ok || n > len(parts) {
			return nil, false
		}
		return parts[:len(parts)-n], true
	}
	switch x := e.(type) {
	case *pyast.Name:
		return strings.Split(s.Module.Path, "/"), x.ID == "__file__"
	case *pyast.Attribute:
		if x.Attr == "parent" {
			parts, ok := beside(s, x.Value, depth)
			return up(parts, ok, 1)
		}
	case *pyast.Subscript:
		a, ok := x.Value.(*pyast.Attribute)
		n, known := s.Number(x.Slice)
		if ok && known && a.Attr == "parents" && n >= 0 && n < 10 {
			parts, ok := beside(s, a.Value, depth)
			return up(parts, ok, int(n)+1)
		}
	case *pyast.Call:
		switch s.Qualified(x.Func) {
		case "os.path.dirname":
			if len(x.Args) == 1 {
				parts, ok := beside(s, x.Args[0], depth)
				return up(parts, ok, 1)
			}
		case "pathlib.Path", "os.path.abspath", "os.path.realpath", "builtins.str":
			if len(x.Args) == 1 {
				return beside(s, x.Args[0], depth)
			}
		}
		if a, ok := x.Func.(*pyast.Attribute); ok && len(x.Args) == 0 && (a.Attr == "resolve" || a.Attr == "absolute") {
			return beside(s, a.Value, depth)
		}
	}
	return nil, false
}

func cutLast(text string) (dir, name string, ok bool) {
	i := strings.LastIndexByte(text, '/')
	if i < 0 {
		return "", text, false
	}
	return text[:i+1], text[i+1:], true
}
