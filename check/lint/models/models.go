// Package models finds what the models of requests let through: fields that
// they do not know, texts of any length, amounts below zero.
package models

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// Analyzer looks at models of requests.
var Analyzer = &analysis.Analyzer{Name: "models", Rules: []*analysis.Rule{extra, allow, unbounded, number, price, page}, Run: run}

func run(p *analysis.Pass) {
	b := bodies(p)
	fields(p, b)
	amounts(p, b, prices(p, b))
	said := map[pyast.Node]bool{}
	p.Routes(func(r *pymodel.Route) { pages(p, r, said) })
}

// A body is a model that a route takes.
type body struct {
	*pymodel.Class
	top bool // a body itself, and not a part of one
}

// bodies are the models of requests, in the order of the routes.
func bodies(p *analysis.Pass) []body {
	var out []body
	at := map[*pymodel.Class]int{}
	var add func(c *pymodel.Class, top bool)
	add = func(c *pymodel.Class, top bool) {
		if c == nil || c.Module.Test || !c.IsA("pydantic.BaseModel", "sqlmodel.SQLModel") || c.IsTable() || c.IsSettings() {
			return
		}
		if i, ok := at[c]; ok {
			out[i].top = out[i].top || top
			return
		}
		at[c] = len(out)
		out = append(out, body{c, top})
		for _, f := range c.AllFields() {
			for _, inner := range classes(c.Outer, f.Annotation) {
				add(inner, false)
			}
		}
	}
	p.Routes(func(r *pymodel.Route) {
		if !r.Writes() {
			return
		}
		for _, prm := range r.Func.Params {
			if _, ok := r.Func.ParamDep(prm); !ok {
				for _, c := range classes(r.Func.Outer, prm.Annotation) {
					add(c, true)
				}
			}
		}
	})
	return out
}

// classes are the project's own that an annotation names.
func classes(s *pymodel.Scope, e pyast.Expr) []*pymodel.Class {
	if e == nil {
		return nil
	}
	var out []*pymodel.Class
	pyast.Inspect(e, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Call:
			return false
		case *pyast.Constant:
			if inner := pymodel.Forward(n); inner != nil {
				out = append(out, classes(s, inner)...)
			}
		case *pyast.Name:
			if sym := s.Symbol(n); sym.Binding != nil {
				if sym.Binding.Class != nil {
					out = append(out, sym.Binding.Class)
				} else if sym.Binding.Value != nil && sym.Scope.Func == nil && sym.Scope.Class == nil {
					if _, ok := sym.Binding.Value.(*pyast.Subscript); ok && sym.Scope != s {
						out = append(out, classes(sym.Scope, sym.Binding.Value)...)
					}
				}
			}
		case *pyast.Attribute:
			if c := s.Annotation(n).Class; c != nil {
				out = append(out, c)
			}
			return false
		}
		return true
	})
	return out
}

// config is what a model's configuration says of a key: its own, or that of
// what it derives from.
func config(c *pymodel.Class, key string, depth int) (e pyast.Expr, at *pymodel.Scope) {
	for _, k := range c.Keywords {
		if k.Name == key {
			return k.Value, c.Outer
		}
	}
	if b := c.Scope.Names["model_config"]; b != nil && b.Value != nil {
		switch v := b.Value.(type) {
		case *pyast.Call:
			if e := pymodel.Keyword(v, key); e != nil {
				return e, c.Scope
			}
		case *pyast.Dict:
			if e := c.Scope.Entry(v, key); e != nil {
				return e, c.Scope
			}
		}
		if d, s := c.Scope.Dict(b.Value); d != nil {
			if e := s.Entry(d, key); e != nil {
				return e, s
			}
		}
	}
	if b := c.Scope.Names["Config"]; b != nil && b.Class != nil {
		if in := b.Class.Scope.Names[key]; in != nil && in.Value != nil {
			return in.Value, b.Class.Scope
		}
	}
	if depth > 8 {
		return nil, nil
	}
	for _, base := range c.Bases {
		if sub, ok := base.(*pyast.Subscript); ok {
			base = sub.Value
		}
		if up := c.Outer.Symbol(base); up.Binding != nil && up.Binding.Class != nil && up.Binding.Class != c {
			if e, at := config(up.Binding.Class, key, depth+1); e != nil {
				return e, at
			}
		}
	}
	return nil, nil
}

// extras is what a model does with fields that it does not know: forbid,
// allow, or ignore; "" when it cannot be told.
func extras(c *pymodel.Class) string {
	e, at := config(c, "extra", 0)
	if e == nil {
		return "ignore"
	}
	if t, ok := at.Text(e); ok {
		return t
	}
	if a, ok := e.(*pyast.Attribute); ok && analysis.Leaf(a.Value) == "Extra" {
		return a.Attr
	}
	return ""
}

func fields(p *analysis.Pass, list []body) {
	var loose, long *body
	var at *pymodel.Field
	looseCount, longCount, texts := 0, 0, 0
	for i := range list {
		b := &list[i]
		switch extras(b.Class) {
		case "ignore":
			looseCount++
			if loose == nil {
				loose = b
			}
		case "allow":
			if b.top && !analysis.Names(b.Name, "webhook", "event", "hook", "callback", "notification") {
				p.PythonAt(allow, b.Module, b.ClassDef, "%s takes any field that the client sends", b.Name)
			}
		}
		if e, _ := config(b.Class, "str_max_length", 0); e != nil {
			continue
		}
		if e, _ := config(b.Class, "max_anystr_length", 0); e != nil {
			continue
		}
		for _, f := range b.Fields {
			if !isText(b.Class, f) {
				continue
			}
			texts++
			if bounded(b.Class, f, "max_length", "pattern", "regex") || validated(b.Class, f.Name) {
				continue
			}
			longCount++
			if long == nil {
				long, at = b, f
			}
		}
	}
	if loose != nil {
		p.PythonAt(extra, loose.Module, loose.ClassDef, "%d of %d models of requests ignore fields that they do not know", looseCount, len(list))
	}
	if long != nil && !p.Guarded(unbounded) {
		p.PythonAt(unbounded, long.Module, at.Node, "%d of %d texts in models of requests have no max_length", longCount, texts)
	}
}

// isText tells whether a field is of any text.
func isText(c *pymodel.Class, f *pymodel.Field) bool {
	return f.Annotation != nil && f.Name != "model_config" && c.Outer.Annotation(f.Annotation).Name == "builtins.str"
}

// bounded tells whether Field, Query or a type that is made for it names one
// of the bounds.
func bounded(c *pymodel.Class, f *pymodel.Field, names ...string) bool {
	return limited(c.Scope, f.Annotation, f.Value, names...)
}

func limited(s *pymodel.Scope, annotation, value pyast.Expr, names ...string) bool {
	list, at := s.Annotated(annotation)
	for _, e := range append(slices.Clone(list), value) {
		c, ok := e.(*pyast.Call)
		if !ok {
			if e != nil && e != value {
				return true // MaxLen, or something that is made elsewhere
			}
			continue
		}
		if pymodel.HasStars(c) || slices.ContainsFunc(names, func(n string) bool { return pymodel.Keyword(c, n) != nil }) {
			return true
		}
		// What is not pydantic's or FastAPI's own may do as it likes.
		name := at.Qualified(c.Func)
		if e != value && !strings.HasSuffix(name, ".Field") && !strings.HasPrefix(name, "fastapi.") && !strings.HasSuffix(name, ".StringConstraints") {
			return true
		}
	}
	return false
}

// validated tells whether a class checks a field by a function of its own.
func validated(c *pymodel.Class, field string) bool {
	for _, b := range c.Scope.Names {
		if b.Func == nil {
			continue
		}
		for _, d := range b.Func.Decorators {
			call, ok := d.(*pyast.Call)
			if !ok {
				continue
			}
			name := analysis.Leaf(call.Func)
			if strings.HasSuffix(name, "model_validator") || strings.HasSuffix(name, "root_validator") {
				return true
			}
			if strings.HasSuffix(name, "validator") {
				names, all := texts(b.Func.Outer, call.Args)
				if !all || slices.Contains(names, field) || slices.Contains(names, "*") {
					return true
				}
			}
		}
	}
	return false
}

func texts(s *pymodel.Scope, list []pyast.Expr) (out []string, all bool) {
	for _, e := range list {
		if t, ok := s.Text(e); ok {
			out = append(out, t)
		}
	}
	return out, len(out) == len(list)
}
