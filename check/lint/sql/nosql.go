package sql

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// usesMongo tells whether a driver of MongoDB is imported somewhere.
func usesMongo(p *analysis.Pass) bool {
	found := false
	p.Modules(func(m *pymodel.Module) {
		for _, b := range m.Scope.Names {
			top, _, _ := strings.Cut(b.Import, ".")
			switch top {
			case "pymongo", "motor", "beanie", "mongoengine", "odmantic", "bson", "umongo":
				found = true
			}
		}
	})
	return found
}

// filter looks at what a collection is asked for.
func filter(p *analysis.Pass, c *pymodel.Call) {
	if c.Receiver() == nil {
		return
	}
	i := 0
	switch c.Method() {
	case "find", "find_one", "find_one_and_update", "find_one_and_delete", "find_one_and_replace", "update_one", "update_many", "delete_one", "delete_many", "replace_one", "count_documents", "aggregate":
	case "distinct":
		i = 1
	default:
		return
	}
	e := c.Arg(i, "filter")
	for _, name := range []string{"query", "pipeline"} {
		if e == nil {
			e = c.Keyword(name)
		}
	}
	if e == nil || p.Python.Level(c.Scope, c.Receiver()) == pymodel.Tainted {
		return // text.find(…)
	}
	for _, o := range p.Python.Origins(c.Scope, e) {
		if _, written := o.Expr.(*pyast.Name); written && o.Scope != c.Scope {
			continue
		}
		if leaf := open(p, o.Scope, o.Expr, 0); leaf != nil {
			p.PythonAt(nosql, c.Module, c.Call, "%s can hold operators, and is part of the filter", analysis.Written(c.Module, *leaf))
			return
		}
	}
}

// open is what in a filter can hold an operator that a client chose.
func open(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) *pymodel.Origin {
	if e == nil || depth > 10 {
		return nil
	}
	depth++
	switch e := e.(type) {
	case *pyast.List:
		for _, x := range e.Elts {
			if leaf := open(p, s, x, depth); leaf != nil {
				return leaf
			}
		}
		return nil
	case *pyast.Dict:
		for i, k := range e.Keys {
			key, _ := s.Text(k)
			var leaf *pymodel.Origin
			switch key {
			case "$eq", "$in", "$nin", "$regex", "$options", "$set", "$project", "$sort", "$limit", "$skip":
			case "$where", "$function", "$accumulator":
				if t := p.Python.Reaches(s, e.Values[i], nil); t != nil {
					leaf = &t.Leaf
				}
			default:
				leaf = open(p, s, e.Values[i], depth)
			}
			if leaf != nil {
				return leaf
			}
		}
		return nil
	}
	if t := p.Python.Reaches(s, e, func(s *pymodel.Scope, e pyast.Expr) bool { return text(p, s, e) }); t != nil {
		return &t.Leaf
	}
	return nil
}

// texts are types that hold no dict.
var textTypes = []string{"builtins.str", "builtins.bytes", "builtins.int", "pydantic.EmailStr", "pydantic.HttpUrl", "pydantic.AnyUrl", "pydantic.AnyHttpUrl", "pydantic.constr", "pydantic.SecretStr", "pydantic.StrictStr", "starlette.datastructures.UploadFile"}

// text tells whether a value is a text, and no dict that a client wrote.
func text(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.JoinedStr, *pyast.BinOp:
		return true
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		if b == nil || !b.Param || at.Func == nil {
			return false
		}
		if b.Annotation == nil {
			// FastAPI takes what has no type from the path or the query.
			return p.Python.FromRequest(at.Func, e.ID) && !bodied(at.Func, e.ID)
		}
		return typed(at.Func.Outer, b.Annotation)
	case *pyast.Attribute:
		if s.IsRequest(e.Value) {
			return true // headers, query_params, cookies hold texts
		}
		if class := s.TypeOf(e.Value).Class; class != nil {
			for _, f := range class.AllFields() {
				if f.Name == e.Attr && f.Annotation != nil {
					return typed(class.Outer, f.Annotation)
				}
			}
		}
		return e.Attr == "username" && strings.HasSuffix(s.TypeOf(e.Value).Name, "RequestForm")
	case *pyast.Call:
		name := s.Qualified(e.Func)
		last := name[strings.LastIndexByte(name, '.')+1:]
		if name == "builtins.str" || name == "builtins.repr" || last == "ObjectId" || last == "compile" || last == "escape" || last == "isoformat" {
			return true
		}
		if f := s.Symbol(e.Func).Binding; f != nil && f.Func != nil && f.Func.Returns != nil {
			return typed(f.Func.Outer, f.Func.Returns)
		}
		a, ok := e.Func.(*pyast.Attribute)
		if !ok {
			return last == "str"
		}
		switch a.Attr {
		case "strip", "lower", "upper", "format", "join", "encode", "decode", "title", "replace", "lstrip", "rstrip", "removeprefix":
			return true // a dict has none of them
		case "model_dump", "dict":
			if class := s.TypeOf(a.Value).Class; class != nil {
				return !slices.ContainsFunc(class.AllFields(), func(f *pymodel.Field) bool { return f.Annotation != nil && !typed(class.Outer, f.Annotation) })
			}
		}
	}
	return false
}

// typed tells whether a type holds no dict of any form.
func typed(s *pymodel.Scope, annotation pyast.Expr) bool {
	t := s.Annotation(annotation)
	if t.Class != nil {
		return !t.Class.IsA("pydantic.BaseModel", "typing.TypedDict") || t.Class.IsA("enum.Enum")
	}
	if sub, ok := annotation.(*pyast.Subscript); ok && (strings.HasSuffix(strings.ToLower(t.Name), "list") || strings.HasSuffix(strings.ToLower(t.Name), "set")) {
		return typed(s, sub.Slice)
	}
	return slices.Contains(textTypes, t.Name) || t.Name != "" && !strings.HasPrefix(t.Name, "builtins.") && !strings.HasPrefix(t.Name, "typing.") && !strings.HasPrefix(t.Name, "pydantic.Json")
}

// bodied tells whether a parameter is read from the body: x = Body().
func bodied(f *pymodel.Func, name string) bool {
	for _, x := range f.Params {
		if c, ok := x.Default.(*pyast.Call); ok && x.Name == name {
			return f.Outer.Qualified(c.Func) == "fastapi.Body"
		}
	}
	return false
}
