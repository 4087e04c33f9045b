package execution

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// kept tells of code that a database keeps, and that is run when it is read.
func kept(p *analysis.Pass, c *pymodel.Call, e pyast.Expr) {
	if e == nil || vets(c.Scope.Enclosing()) {
		return
	}
	r := &rows{p: p, seen: map[pyast.Expr]bool{}}
	o := r.text(c.Scope, e, 0)
	if o == nil || vets(o.Scope.Enclosing()) {
		return
	}
	more := ""
	if c.Arg(1, "globals") != nil {
		more = "; taking the builtins away does not confine it"
	}
	p.PythonSeverity(code, finding.High, c.Module, c.Call, "%s, which the database keeps, is run as code%s", analysis.Written(c.Module, *o), more)
}

// vets tells whether a function looks at what is run: at its syntax tree, or by
// a pattern of the whole.
func vets(f *pymodel.Func) bool {
	if f == nil {
		return false
	}
	return slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool {
		switch c.Method() {
		case "fullmatch", "isalnum", "isidentifier", "isdigit", "compile_restricted", "NodeVisitor":
			return true
		}
		return c.Is("ast.parse", "ast.walk", "ast.literal_eval", "re.match")
	})
}

// rows finds what was read from a database.
type rows struct {
	p    *analysis.Pass
	seen map[pyast.Expr]bool
}

const maxRows = 20

func (r *rows) again(e pyast.Expr, depth int) bool {
	if e == nil || depth > maxRows || r.seen[e] {
		return true
	}
	r.seen[e] = true
	return false
}

// text is the column that a text is made of; nil when it is made of none.
func (r *rows) text(s *pymodel.Scope, e pyast.Expr, depth int) *pymodel.Origin {
	if depth > maxRows || e == nil {
		return nil
	}
	for _, o := range r.p.Python.Origins(s, e) {
		if got := r.column(o.Scope, o.Expr, depth+1); got != nil {
			return got
		}
	}
	return nil
}

func (r *rows) column(s *pymodel.Scope, e pyast.Expr, depth int) *pymodel.Origin {
	if r.again(e, depth) {
		return nil
	}
	switch x := e.(type) {
	case *pyast.JoinedStr, *pyast.BinOp:
		for _, piece := range s.Pieces(e) {
			if piece.Expr != nil && piece.Expr != e {
				if got := r.text(piece.Scope, piece.Expr, depth+1); got != nil {
					return got
				}
			}
		}
	case *pyast.Attribute:
		if r.field(s, x) {
			return &pymodel.Origin{Expr: e, Scope: s}
		}
	case *pyast.Subscript:
		if r.row(s, x.Value, depth+1) {
			return &pymodel.Origin{Expr: e, Scope: s}
		}
		return r.text(s, x.Value, depth+1)
	case *pyast.Name:
		// A variable of a loop over texts: for formula in db.scalars(…).
		if r.row(s, e, depth+1) {
			return &pymodel.Origin{Expr: e, Scope: s}
		}
	case *pyast.Call:
		switch s.Qualified(x.Func) {
		case "builtins.str", "builtins.compile", "json.loads", "textwrap.dedent", "base64.b64decode":
			return r.text(s, pymodel.Arg(x, 0, "source"), depth+1)
		case "builtins.getattr":
			if len(x.Args) > 0 && r.row(s, x.Args[0], depth+1) {
				return &pymodel.Origin{Expr: e, Scope: s}
			}
			return nil
		}
		if a, ok := x.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "strip", "lstrip", "rstrip", "decode", "encode", "replace", "format", "removeprefix", "removesuffix", "lower", "upper", "expandtabs":
				return r.text(s, a.Value, depth+1)
			}
		}
		if r.row(s, e, depth+1) {
			return &pymodel.Origin{Expr: e, Scope: s}
		}
	}
	return nil
}

// field tells whether an attribute is a column of texts.
func (r *rows) field(s *pymodel.Scope, e *pyast.Attribute) bool {
	class := s.TypeOf(e.Value).Class
	if n, ok := e.Value.(*pyast.Name); ok && n.ID == "self" {
		if f := s.Enclosing(); f != nil {
			class = f.Class
		}
	}
	if class == nil {
		return r.row(s, e.Value, 0)
	}
	return class.IsTable() && slices.ContainsFunc(class.AllFields(), func(f *pymodel.Field) bool { return f.Name == e.Attr })
}

// row tells whether a value is what a query gave, or a part of it.
func (r *rows) row(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if e == nil || depth > maxRows {
		return false
	}
	if class := s.TypeOf(e).Class; class != nil {
		return class.IsTable()
	}
	switch x := e.(type) {
	case *pyast.Await:
		return r.row(s, x.Value, depth+1)
	case *pyast.NamedExpr:
		return r.row(s, x.Value, depth+1)
	case *pyast.IfExp:
		return r.row(s, x.Body, depth+1) || r.row(s, x.Orelse, depth+1)
	case *pyast.BoolOp:
		return slices.ContainsFunc(x.Values, func(v pyast.Expr) bool { return r.row(s, v, depth+1) })
	case *pyast.Subscript:
		return r.row(s, x.Value, depth+1)
	case *pyast.Attribute:
		return r.row(s, x.Value, depth+1)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || b.Import != "" || b.Func != nil || b.Class != nil {
			return false
		}
		if slices.ContainsFunc(at.Defs, func(d pymodel.Def) bool {
			return d.Name == x.ID && !d.Held && !r.again(d.Value, depth) && r.row(at, d.Value, depth+1)
		}) {
			return true
		}
		return b.Param && at.Func != nil && r.handed(at.Func, x.ID, depth)
	case *pyast.Call:
		return r.asked(s, x, depth)
	}
	return false
}

// handed tells whether a parameter gets a row: from a caller, or a dependency.
func (r *rows) handed(f *pymodel.Func, name string, depth int) bool {
	for _, x := range f.Params {
		if d, ok := f.ParamDep(x); ok && x.Name == name && d.Func != nil {
			return r.gives(d.Func, depth)
		}
	}
	return slices.ContainsFunc(r.p.Python.Given(f, name), func(o pymodel.Origin) bool {
		return !r.again(o.Expr, depth) && r.row(o.Scope, o.Expr, depth+1)
	})
}

func (r *rows) gives(f *pymodel.Func, depth int) bool {
	return slices.ContainsFunc(f.Results(), func(e pyast.Expr) bool {
		return !r.again(e, depth) && r.row(f.Scope, e, depth+1)
	})
}

// asked tells whether a call asks a database, or takes what one gave apart.
func (r *rows) asked(s *pymodel.Scope, c *pyast.Call, depth int) bool {
	if b := s.Symbol(c.Func).Binding; b != nil && b.Func != nil {
		return r.gives(b.Func, depth)
	}
	if name := s.Qualified(c.Func); name == "builtins.dict" || name == "builtins.list" || name == "builtins.next" {
		return len(c.Args) > 0 && r.row(s, c.Args[0], depth+1)
	}
	a, ok := c.Func.(*pyast.Attribute)
	if !ok {
		return false
	}
	switch a.Attr {
	case "fetchone", "fetchall", "fetchmany", "fetchrow", "fetchval", "fetch_one", "fetch_all", "fetch_val", "find_one":
		return true
	case "get", "get_one", "first", "one", "one_or_none", "all", "scalar", "scalars", "scalar_one", "scalar_one_or_none", "unique", "mappings", "execute", "exec", "fetch", "get_or_none", "items", "values", "partitions", "stream", "stream_scalars":
		return r.row(s, a.Value, depth+1) || r.query(s, c, 0)
	}
	return false
}

// query tells whether a call names a table of the project, or holds SQL.
func (r *rows) query(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	found := false
	pyast.Inspect(e, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Constant:
			text := strings.ToUpper(strings.TrimSpace(n.Value))
			found = found || n.Kind == pyast.Str && strings.HasPrefix(text, "SELECT ")
		case *pyast.Name:
			sym := s.Symbol(n)
			switch b := sym.Binding; {
			case b == nil:
			case b.Class != nil:
				found = found || b.Class.IsTable()
			case b.Value != nil && !b.Part && depth < 4:
				// stmt = select(Tenant)…, and QUERY = "SELECT …".
				found = found || r.query(sym.Scope, b.Value, depth+1)
			}
		case *pyast.Lambda:
			return false
		}
		return !found
	})
	return found
}
