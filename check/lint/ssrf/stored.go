package ssrf

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// A column is where a URL is kept.
type column struct {
	table *pymodel.Class
	name  string
}

// columns are those into which requests write, and the functions that do.
type columns map[column][]*pymodel.Func

// stored tells of a request to an address that somebody stored before, when
// neither who stored it nor who asks looks at the host.
func stored(p *analysis.Pass, kept columns, c *pymodel.Call, e pyast.Expr) bool {
	f := c.Scope.Enclosing()
	if f == nil || e == nil {
		return false
	}
	for _, o := range p.Python.Origins(c.Scope, e) {
		in := o.Scope.Enclosing()
		a, ok := text(o.Scope, o.Expr).(*pyast.Attribute)
		if !ok || in == nil || looked(p, f) || looked(p, in) {
			continue
		}
		table := tableOf(p, o.Scope, a.Value)
		if table == nil {
			continue
		}
		for _, by := range kept[column{table, a.Attr}] {
			if !looked(p, by) {
				p.PythonSeverity(forged, finding.Medium, c.Module, c.Call, "%s of %s, which %s stores as a client sent it, chooses the host", a.Attr, table.Name, by.Name)
				return true
			}
		}
	}
	return false
}

// text is a value without what makes a text of it.
func text(s *pymodel.Scope, e pyast.Expr) pyast.Expr {
	if c, ok := e.(*pyast.Call); ok && len(c.Args) == 1 && s.Qualified(c.Func) == "builtins.str" {
		return c.Args[0]
	}
	return e
}

// looked tells whether a function, or one that it calls, looks at hosts.
func looked(p *analysis.Pass, f *pymodel.Func) bool {
	return vetted(p, &pymodel.Trail{Funcs: handler.Chain(f)})
}

// tableOf is the table whose row a value is.
func tableOf(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	if c := s.TypeOf(e).Class; c != nil && c.IsTable() {
		return c
	}
	for _, o := range p.Python.Origins(s, e) {
		if c := o.Scope.TypeOf(o.Expr).Class; c != nil && c.IsTable() {
			return c
		}
		var table *pymodel.Class
		pyast.Inspect(o.Expr, func(n pyast.Node) bool {
			if name, ok := n.(*pyast.Name); ok && table == nil {
				if b := o.Scope.Symbol(name).Binding; b != nil && b.Class != nil && b.Class.IsTable() {
					table = b.Class
				}
			}
			return table == nil
		})
		if table != nil {
			return table
		}
	}
	return nil
}

// addressed tells whether a column holds one, by its name.
func addressed(name string) bool {
	return analysis.Names(name, "url", "uri", "endpoint", "webhook", "callback", "target", "link", "href", "host", "address", "domain", "feed")
}

// writers finds what requests store: Hook(url=body.url), Hook(**body.model_dump()),
// hook.url = body.url, setattr(hook, key, value) for all that was sent.
func writers(p *analysis.Pass) columns {
	out := columns{}
	note := func(table *pymodel.Class, name string, f *pymodel.Func) {
		k := column{table, name}
		if addressed(name) && !slices.Contains(out[k], f) {
			out[k] = append(out[k], f)
		}
	}
	dump := func(s *pymodel.Scope, table *pymodel.Class, e pyast.Expr, f *pymodel.Func) {
		model := dumped(s, e)
		if table == nil || model == nil || !model.IsA("pydantic.BaseModel") {
			return
		}
		for _, field := range model.AllFields() {
			if addressed(field.Name) && field.Annotation != nil && !validated(model, field.Name) && slices.ContainsFunc(table.AllFields(), func(x *pymodel.Field) bool { return x.Name == field.Name }) {
				note(table, field.Name, f)
			}
		}
	}
	p.Calls(func(c *pymodel.Call) {
		f := c.Scope.Enclosing()
		if f == nil || f.Module.Test {
			return
		}
		if c.Is("builtins.setattr") && len(c.Args) == 3 {
			if loop := around(f, c); loop != nil {
				dump(c.Scope, tableOf(p, c.Scope, c.Args[0]), loop.Iter, f)
			}
			return
		}
		b := c.Scope.Symbol(c.Func).Binding
		if b == nil || b.Class == nil || !b.Class.IsTable() {
			return
		}
		for _, k := range c.Keywords {
			switch {
			case k.Name == "":
				dump(c.Scope, b.Class, k.Value, f)
			case addressed(k.Name) && p.Python.Level(c.Scope, k.Value) == pymodel.Tainted && !checkedField(c.Scope, k.Value):
				note(b.Class, k.Name, f)
			}
		}
	})
	p.Modules(func(m *pymodel.Module) {
		for _, a := range m.Assigns {
			f := a.Scope.Enclosing()
			for _, t := range a.Node.Targets {
				attr, ok := t.(*pyast.Attribute)
				if !ok || f == nil || m.Test || !addressed(attr.Attr) || p.Python.Level(a.Scope, a.Node.Value) != pymodel.Tainted || checkedField(a.Scope, a.Node.Value) {
					continue
				}
				if table := tableOf(p, a.Scope, attr.Value); table != nil {
					note(table, attr.Attr, f)
				}
			}
		}
	})
	return out
}

// around is the loop that a call stands in.
func around(f *pymodel.Func, c *pymodel.Call) *pyast.For {
	var out *pyast.For
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if loop, ok := n.(*pyast.For); ok && loop.Pos() <= c.Pos() && c.End() <= loop.End() {
			out = loop
		}
		return true
	})
	return out
}

// dumped is the model of which an expression has all fields.
func dumped(s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	for range 4 {
		c, ok := e.(*pyast.Call)
		if !ok {
			break
		}
		a, ok := c.Func.(*pyast.Attribute)
		if !ok {
			return nil
		}
		switch a.Attr {
		case "items":
		case "model_dump", "dict":
			if pymodel.Keyword(c, "include") != nil || pymodel.Keyword(c, "exclude") != nil {
				return nil
			}
			return s.TypeOf(a.Value).Class
		default:
			return nil
		}
		e = a.Value
	}
	if n, ok := e.(*pyast.Name); ok {
		if b, at := s.Lookup(n.ID); b != nil && at.Func != nil && b.Value != nil && !b.Part && !b.Param {
			if _, again := b.Value.(*pyast.Name); !again {
				return dumped(at, b.Value)
			}
		}
	}
	return nil
}

// checkedField tells whether a value is a field that its model looks at.
func checkedField(s *pymodel.Scope, e pyast.Expr) bool {
	a, ok := text(s, e).(*pyast.Attribute)
	if !ok {
		return false
	}
	class := s.TypeOf(a.Value).Class
	return class != nil && validated(class, a.Attr)
}

// validated tells whether a model has a validator for a field, which may look
// at the host.
func validated(c *pymodel.Class, field string) bool {
	for _, f := range c.AllFields() {
		if f.Name != field {
			continue
		}
		// Annotated[str, AfterValidator(public)]
		list, at := c.Outer.Annotated(f.Annotation)
		if slices.ContainsFunc(list, func(e pyast.Expr) bool {
			call, ok := e.(*pyast.Call)
			return ok && strings.HasSuffix(at.Qualified(call.Func), "Validator")
		}) {
			return true
		}
	}
	for _, b := range c.Scope.Names {
		if b.Func == nil {
			continue
		}
		for _, d := range b.Func.Decorators {
			call, ok := d.(*pyast.Call)
			if !ok || !strings.HasSuffix(analysis.Leaf(call.Func), "validator") {
				continue
			}
			if len(call.Args) == 0 || strings.HasPrefix(analysis.Leaf(call.Func), "model") || slices.ContainsFunc(call.Args, func(a pyast.Expr) bool {
				name, ok := c.Outer.Text(a)
				return ok && (name == field || name == "*")
			}) {
				return true
			}
		}
	}
	return false
}
