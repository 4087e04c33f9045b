package sql

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// before is how a statement goes on before a value; what stands elsewhere is a
// name of a table or of a column, which the source chooses nearly always.
var before = lazy.Regexp(`(?is)('%?|[=<>]\s*|\slike\s+|\sin\s*\(\s*|\svalues\s*\(\s*|\sbetween\s+)$`)

// unknown is a value in a statement of which nothing is known.
func unknown(p *analysis.Pass, o pymodel.Origin) *pymodel.Origin {
	pieces := o.Scope.Pieces(o.Expr)
	if len(pieces) < 2 || !looks().MatchString(texts(p, o.Scope, o.Expr, 0)) {
		return nil
	}
	text := ""
	for _, piece := range pieces {
		if piece.Expr == nil {
			text += piece.Text
			continue
		}
		if before().MatchString(text) && !harmless(p, piece.Scope, piece.Expr, 0) {
			return &pymodel.Origin{Expr: piece.Expr, Scope: piece.Scope}
		}
		text += "?"
	}
	return nil
}

// numbers are types that hold no quote.
var numbers = []string{"builtins.int", "builtins.float", "builtins.bool", "uuid.UUID", "datetime.datetime", "datetime.date", "datetime.timedelta", "decimal.Decimal", "typing.Literal"}

// harmless tells whether a value holds no text that somebody else chose.
func harmless(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 8 || e == nil {
		return true
	}
	depth++
	if _, known := s.Const(e); known || p.Python.Level(s, e) == pymodel.Typed {
		return true
	}
	if identifier(analysis.Leaf(e)) {
		return true
	}
	if t := s.TypeOf(e); slices.Contains(numbers, t.Name) || t.IsA("enum.Enum", "enum.StrEnum", "enum.IntEnum") {
		return true
	}
	switch e := e.(type) {
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		if b == nil || at.Func == nil || b.Import != "" {
			return true // of the module: the source chose it
		}
		for _, d := range at.Defs {
			if d.Name == e.ID && !harmless(p, at, d.Value, depth) {
				return false
			}
		}
		if !b.Param {
			return true
		}
		given := p.Python.Given(at.Func, e.ID)
		return len(given) > 0 && !slices.ContainsFunc(given, func(o pymodel.Origin) bool { return !harmless(p, o.Scope, o.Expr, depth) })
	case *pyast.Attribute:
		if e.Attr == "value" || strings.HasPrefix(e.Attr, "__") || strings.ToUpper(e.Attr) == e.Attr {
			return true
		}
		if n, ok := e.Value.(*pyast.Name); ok {
			if n.ID == "self" || n.ID == "cls" || analysis.Names(n.ID, "settings", "config", "cfg", "conf") {
				return true
			}
		}
		return harmless(p, s, e.Value, depth)
	case *pyast.Subscript:
		return harmless(p, s, e.Value, depth)
	case *pyast.Await:
		return false
	case *pyast.IfExp:
		return harmless(p, s, e.Body, depth) && harmless(p, s, e.Orelse, depth)
	case *pyast.Call:
		return harmlessValue(p, s, e, depth)
	case *pyast.BinOp:
		return harmless(p, s, e.Left, depth) && harmless(p, s, e.Right, depth)
	case *pyast.JoinedStr, *pyast.List, *pyast.Tuple, *pyast.BoolOp, *pyast.GeneratorExp, *pyast.ListComp:
		list := []pyast.Expr{}
		switch e := e.(type) {
		case *pyast.JoinedStr:
			for _, v := range e.Values {
				if f, ok := v.(*pyast.FormattedValue); ok {
					list = append(list, f.Value)
				}
			}
		case *pyast.List:
			list = e.Elts
		case *pyast.Tuple:
			list = e.Elts
		case *pyast.BoolOp:
			list = e.Values
		case *pyast.GeneratorExp:
			list = []pyast.Expr{e.Elt}
		case *pyast.ListComp:
			list = []pyast.Expr{e.Elt}
		}
		return !slices.ContainsFunc(list, func(x pyast.Expr) bool { return !harmless(p, s, x, depth) })
	}
	return true
}

func harmlessValue(p *analysis.Pass, s *pymodel.Scope, c *pyast.Call, depth int) bool {
	name := s.Qualified(c.Func)
	switch name {
	case "builtins.len", "builtins.int", "builtins.float", "builtins.bool", "builtins.range", "builtins.round", "builtins.enumerate":
		return true
	case "builtins.str", "builtins.sorted", "builtins.repr", "builtins.list", "builtins.tuple", "builtins.map":
		return !slices.ContainsFunc(c.Args, func(a pyast.Expr) bool { return !harmless(p, s, a, depth) })
	}
	for _, top := range []string{"uuid.", "secrets.", "hashlib.", "datetime.", "time."} {
		if strings.HasPrefix(name, top) {
			return true
		}
	}
	if a, ok := c.Func.(*pyast.Attribute); ok {
		switch a.Attr {
		case "isoformat", "strftime", "hexdigest", "total_seconds", "timestamp", "date", "hex", "format_map":
			return true
		case "join":
			return !slices.ContainsFunc(c.Args, func(x pyast.Expr) bool { return !harmless(p, s, x, depth) })
		}
	}
	return harmlessCall(s, c)
}

// identifier tells whether a name is that of a part of a statement which the
// source composes.
func identifier(name string) bool {
	return analysis.Names(name, "table", "tables", "tablename", "schema", "column", "columns", "col", "cols", "field", "fields", "placeholder", "placeholders", "params", "where", "clause", "clauses", "condition", "conditions", "sql", "subquery", "query", "index", "constraint", "order", "direction", "dialect", "alias", "sequence", "partition", "view", "trigger", "operator", "op", "filters", "values", "now", "today", "timestamp", "days", "hours", "minutes", "seconds", "interval", "limit", "offset", "enum", "type", "bindings", "marks", "id", "ids", "prefix")
}
