package output

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

var (
	// grows are methods by which a list or a file gets more.
	grows = []string{"append", "write", "extend", "insert", "appendleft", "writelines"}
	// fills are methods of a text that put their arguments in.
	fills = []string{"format", "format_map", "substitute", "safe_substitute"}
	// ordered give what they are given in some order.
	ordered = []string{"builtins.list", "builtins.tuple", "builtins.sorted", "builtins.reversed", "builtins.set"}
)

// pieces calls f for what a text is put together from.
func pieces(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int, f func(*pymodel.Scope, pyast.Expr)) {
	if e == nil || depth > 14 {
		return
	}
	depth++
	switch e := e.(type) {
	case *pyast.JoinedStr:
		for _, v := range e.Values {
			if x, ok := v.(*pyast.FormattedValue); ok && !measured(x) {
				pieces(p, s, x.Value, depth, f)
			}
		}
	case *pyast.BinOp:
		if e.Op == pyast.Add || e.Op == pyast.Mod {
			pieces(p, s, e.Left, depth, f)
			pieces(p, s, e.Right, depth, f)
		}
	case *pyast.Dict: // "%(text)s" % {…}
		for _, x := range e.Values {
			pieces(p, s, x, depth, f)
		}
	case *pyast.Tuple:
		for _, x := range e.Elts {
			pieces(p, s, x, depth, f)
		}
	case *pyast.List:
		for _, x := range e.Elts {
			pieces(p, s, x, depth, f)
		}
	case *pyast.ListComp:
		pieces(p, s, e.Elt, depth, f)
	case *pyast.GeneratorExp:
		pieces(p, s, e.Elt, depth, f)
	case *pyast.SetComp:
		pieces(p, s, e.Elt, depth, f)
	case *pyast.Await:
		pieces(p, s, e.Value, depth, f)
	case *pyast.NamedExpr:
		pieces(p, s, e.Value, depth, f)
	case *pyast.Starred:
		pieces(p, s, e.Value, depth, f)
	case *pyast.IfExp:
		pieces(p, s, e.Body, depth, f)
		pieces(p, s, e.Orelse, depth, f)
	case *pyast.BoolOp:
		for _, x := range e.Values {
			pieces(p, s, x, depth, f)
		}
	case *pyast.Name:
		list := defs(s, e)
		_, at := s.Lookup(e.ID)
		for _, d := range list {
			if !pymodel.Uses(d, e.ID) {
				pieces(p, at, d, depth, f)
			}
		}
		// What a function makes a page of, its callers hand over.
		if b, _ := s.Lookup(e.ID); b != nil && b.Param && at.Func != nil && len(list) == 0 {
			for _, o := range p.Python.Given(at.Func, e.ID) {
				pieces(p, o.Scope, o.Expr, depth, f)
			}
		}
		// A list of pieces grows by append.
		if at != nil && at.Func != nil {
			for _, c := range at.Func.Calls {
				if n, ok := c.Receiver().(*pyast.Name); ok && n.ID == e.ID && slices.Contains(grows, c.Method()) {
					pieces(p, at, c.Arg(len(c.Args)-1, ""), depth, f)
				}
			}
		}
	case *pyast.Call:
		attr, ok := e.Func.(*pyast.Attribute)
		switch {
		case ok && slices.Contains(fills, attr.Attr):
			pieces(p, s, attr.Value, depth, f)
			for _, x := range e.Args {
				pieces(p, s, x, depth, f)
			}
			for _, k := range e.Keywords {
				pieces(p, s, k.Value, depth, f)
			}
		case ok && attr.Attr == "join" && len(e.Args) == 1:
			pieces(p, s, e.Args[0], depth, f)
		case ok && attr.Attr == "replace" && !escapes(s, e) && len(e.Args) == 2: // PAGE.replace("@note", note)
			pieces(p, s, attr.Value, depth, f)
			pieces(p, s, e.Args[1], depth, f)
		case ok && shapes(attr.Attr), ok && len(e.Args) == 0 && (attr.Attr == "items" || attr.Attr == "values"):
			pieces(p, s, attr.Value, depth, f)
		case len(e.Args) == 1 && (s.Qualified(e.Func) == "builtins.str" || s.Qualified(e.Func) == "textwrap.dedent"):
			pieces(p, s, e.Args[0], depth, f)
		case escapes(s, e):
		case s.Qualified(e.Func) == "builtins.dict": // format(**dict(note=note))
			for _, k := range e.Keywords {
				pieces(p, s, k.Value, depth, f)
			}
		case len(e.Args) > 0 && slices.Contains(ordered, s.Qualified(e.Func)):
			pieces(p, s, e.Args[0], depth, f)
		case s.Qualified(e.Func) == "builtins.map":
			if to := mapped(s, e); to != nil {
				eachReturn(to, func(x pyast.Expr) { pieces(p, to.Scope, x, depth, f) })
			}
		default:
			if to := callee(s, e); to != nil {
				eachReturn(to, func(x pyast.Expr) { pieces(p, to.Scope, x, depth, f) })
			}
		}
	case *pyast.Subscript:
		if _, ok := e.Slice.(*pyast.Slice); ok {
			pieces(p, s, e.Value, depth, f)
			return
		}
		f(s, e)
	case *pyast.Attribute:
		f(s, e)
		ofSelf(p, s, e, depth, f)
	}
}

// ofSelf calls f for what the methods of an object put into a collection of
// it: self.parts.append(…).
func ofSelf(p *analysis.Pass, s *pymodel.Scope, a *pyast.Attribute, depth int, f func(*pymodel.Scope, pyast.Expr)) {
	in := s.Enclosing()
	is := func(e pyast.Expr) bool {
		x, ok := e.(*pyast.Attribute)
		return ok && x.Attr == a.Attr && analysis.Leaf(x.Value) == "self"
	}
	if in == nil || in.Class == nil || !is(a) {
		return
	}
	for _, set := range in.Module.Assigns {
		if at := set.Scope.Func; at != nil && at.Class == in.Class && slices.ContainsFunc(set.Node.Targets, is) {
			pieces(p, set.Scope, set.Node.Value, depth, f)
		}
	}
	for _, c := range in.Module.Calls {
		if at := c.Scope.Func; at != nil && at.Class == in.Class && is(c.Receiver()) && slices.Contains(grows, c.Method()) {
			pieces(p, c.Scope, c.Arg(len(c.Args)-1, ""), depth, f)
		}
	}
}

// shapes are methods of a text that leave its < and > as they are, in it or in
// its parts.
func shapes(method string) bool {
	switch method {
	case "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "swapcase", "removeprefix", "removesuffix", "ljust", "rjust", "center", "expandtabs", "encode", "decode", "getvalue",
		"split", "rsplit", "splitlines", "partition", "rpartition": // its parts are put together again
		return true
	}
	return false
}

// measured tells whether a value is written as a number or a date: a text is
// refused by such a format.
func measured(v *pyast.FormattedValue) bool {
	spec, ok := v.FormatSpec.(*pyast.JoinedStr)
	if !ok || len(spec.Values) == 0 {
		return false
	}
	last, ok := spec.Values[len(spec.Values)-1].(*pyast.Constant)
	if !ok || last.Value == "" {
		return false
	}
	return strings.ContainsRune("bcdeEfFgGnoxX%", rune(last.Value[len(last.Value)-1])) || strings.Contains(last.Value, "%")
}
