package exposure

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// schemas are the columns of tables that the project makes by SQL.
func schemas(p *analysis.Pass) map[string][]string {
	out := map[string][]string{}
	p.Modules(func(m *pymodel.Module) {
		if !mentions(m.File.Src, "create table") {
			return
		}
		pyast.Walk(m.File.Body, func(n pyast.Node) bool {
			if c, ok := n.(*pyast.Constant); ok && c.Kind == pyast.Str {
				schema(strings.ToLower(c.Value), out)
			}
			return true
		})
	})
	return out
}

// mentions tells whether a text holds another, which is in small letters. A
// whole file is not to be copied for that.
func mentions(text, other string) bool {
	for i := range len(text) - len(other) + 1 {
		if text[i]|0x20 == other[0] && strings.EqualFold(text[i:i+len(other)], other) {
			return true
		}
	}
	return false
}

func schema(text string, out map[string][]string) {
	for {
		_, rest, ok := strings.Cut(text, "create table")
		if !ok {
			return
		}
		text = rest
		head, body, ok := strings.Cut(rest, "(")
		words := strings.Fields(head)
		if !ok || len(words) == 0 {
			continue
		}
		if end := strings.Index(body, "create table"); end >= 0 {
			body = body[:end]
		}
		name := plain(words[len(words)-1])
		for part := range strings.SplitSeq(body, ",") {
			if w := strings.Fields(part); len(w) > 1 {
				out[name] = append(out[name], plain(w[0]))
			}
		}
	}
}

func plain(name string) string { return strings.Trim(name, "\"`[]'();") }

// selected is the secret column that a statement gives; "" when it gives none.
func (x *exposure) selected(sql string) string {
	_, rest, ok := strings.Cut(strings.ToLower(sql), "select ")
	if !ok {
		return ""
	}
	list, from, ok := strings.Cut(strings.Join(strings.Fields(rest), " "), " from ")
	if !ok {
		return ""
	}
	for part := range strings.SplitSeq(list, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		column := plain(words[len(words)-1])
		if i := strings.LastIndexByte(column, '.'); i >= 0 {
			column = column[i+1:]
		}
		if leaky(column) {
			return column
		}
		if column == "*" {
			if w := strings.Fields(from); len(w) > 0 {
				for _, c := range x.schemas[plain(w[0])] {
					if leaky(c) {
						return c
					}
				}
			}
		}
	}
	return ""
}

// fetched is the secret column of rows that a value is made of.
func (x *exposure) fetched(f *pymodel.Func, e pyast.Expr, depth int) string {
	s := f.Scope
	if depth > 8 || e == nil {
		return ""
	}
	switch v := e.(type) {
	case *pyast.Await:
		return x.fetched(f, v.Value, depth+1)
	case *pyast.ListComp:
		inner := v.Elt
		if c, ok := inner.(*pyast.Call); ok && (s.Qualified(c.Func) == "builtins.dict" || analysis.Leaf(c.Func) == "_asdict") {
			return x.fetched(f, v.Generators[0].Iter, depth+1)
		}
		if _, ok := inner.(*pyast.Name); ok {
			return x.fetched(f, v.Generators[0].Iter, depth+1)
		}
	case *pyast.IfExp:
		return x.fetched(f, v.Body, depth+1)
	case *pyast.Dict:
		for i, value := range v.Values {
			if v.Keys[i] != nil {
				if c := x.fetched(f, value, depth+1); c != "" {
					return c
				}
			}
		}
	case *pyast.Name:
		if value, part, at := follow(s, v); value != nil && !part && at == s {
			return x.fetched(f, value, depth+1)
		}
	case *pyast.Call:
		if name := s.Qualified(v.Func); (name == "builtins.dict" || name == "builtins.list" || strings.HasPrefix(name, "starlette.responses.")) && len(v.Args) == 1 {
			return x.fetched(f, v.Args[0], depth+1)
		}
		attr, ok := v.Func.(*pyast.Attribute)
		if !ok {
			return ""
		}
		switch attr.Attr {
		case "fetchone", "fetchall", "fetchrow", "fetch", "fetch_one", "fetch_all", "mappings", "all", "first", "one":
		default:
			return ""
		}
		// The statement stands in the call, before it, or in the function.
		for _, c := range f.Calls {
			if c.Call != v && c.Method() != "execute" {
				continue
			}
			for _, a := range c.Args {
				if inner, ok := a.(*pyast.Call); ok && analysis.Leaf(inner.Func) == "text" && len(inner.Args) > 0 {
					a = inner.Args[0]
				}
				text, ok := s.Text(a)
				if f, built := a.(*pyast.JoinedStr); built && !ok && len(f.Values) > 0 {
					text, _ = s.Text(f.Values[0])
				}
				if column := x.selected(text); column != "" {
					return column
				}
			}
		}
	}
	return ""
}
