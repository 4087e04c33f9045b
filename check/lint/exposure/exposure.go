// Package exposure finds routes that give out what is nobody's business:
// hashes of passwords, and rows as they are.
package exposure

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// Analyzer looks at what routes answer.
var Analyzer = &analysis.Analyzer{Name: "exposure", Rules: []*analysis.Rule{leaks, ormReturned, noModel, cachePublic}, Run: run}

func run(p *analysis.Pass) {
	x := &exposure{Pass: p, seen: map[*pymodel.Func]bool{}, schemas: schemas(p)}
	p.Routes(func(r *pymodel.Route) {
		if r.WebSocket || x.seen[r.Func] {
			return
		}
		x.seen[r.Func] = true
		x.route(r)
	})
	caches(p)
	if x.row != nil {
		p.PythonAt(noModel, x.row.Func.Module, x.row.Func, "%s returns rows of %s without a response model, as %d routes do", x.row.Func.Name, x.table.Name, x.rows)
	}
}

type exposure struct {
	*analysis.Pass
	seen  map[*pymodel.Func]bool
	row   *pymodel.Route
	table *pymodel.Class
	rows  int
	// schemas are the columns of tables that SQL makes.
	schemas map[string][]string
}

// leaky tells whether a name is of a secret that a user's row keeps.
func leaky(name string) bool {
	words := pymodel.Words(name)
	if len(words) == 0 {
		return false
	}
	switch words[0] {
	case "has", "is", "no", "needs", "require", "requires", "must", "reset", "forgot", "change", "min", "max", "new", "can", "last", "allow", "use", "with", "one", "temporary", "generated":
		return false
	}
	switch strings.Join(words, " ") {
	case "password", "passwd", "pwd", "hashed password", "password hash", "hashed pw", "pw hash", "passwordhash", "hashedpassword", "hash password", "encrypted password", "user password", "password digest", "password salt", "salt", "pass hash", "hashed pass", "password encrypted",
		"totp secret", "otp secret", "mfa secret", "two factor secret", "twofa secret", "tfa secret", "recovery codes", "backup codes", "reset token", "password reset token", "reset code", "reset password token", "ssn", "social security number", "cvv", "cvc", "card number", "pin code", "security answer", "pin hash", "api key hash", "secret answer":
		return true
	}
	return false
}

// gives tells whether it is the route's work to give out a secret, or to show
// one that was made for it.
func gives(r *pymodel.Route) bool {
	return analysis.Names(r.Path+" "+r.Func.Name, "login", "token", "totp", "mfa", "2fa", "otp", "generate", "setup", "enroll", "enable", "recovery", "backup codes", "keys", "api key", "api keys", "rotate", "secret", "secrets", "vault", "reveal", "credentials", "connection", "card", "cards", "payment methods")
}

func (x *exposure) route(r *pymodel.Route) {
	m := r.Func.Module
	filtered := r.Response != nil && !r.Scope.Is(r.Response, pyast.None)
	shape, at := r.Response, r.Scope
	if !filtered && r.Func.Returns != nil {
		shape, at = r.Func.Returns, r.Func.Outer
	}
	if shape != nil && !gives(r) {
		if class, field := secretField(at, shape, 0, map[*pymodel.Class]bool{}); field != "" {
			x.PythonAt(leaks, m, r.Func, "%s answers with %s, which has %s", r.Func.Name, class.Name, field)
			return
		}
	}
	modelled := filtered || r.Func.Returns != nil && typed(r.Func)
	said := false
	pyast.Walk(r.Func.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return false
		case *pyast.Return:
			if n.Value != nil && !said {
				said = x.returned(r, n.Value, modelled)
			}
		}
		return true
	})
}

// typed tells whether the return annotation is a model that filters.
func typed(f *pymodel.Func) bool {
	t := f.Outer.Annotation(f.Returns)
	if t.Class != nil {
		return true
	}
	switch t.Name {
	case "", "builtins.dict", "typing.Dict", "typing.Any", "typing.Mapping":
		return t.Name == "" && !none(f.Returns)
	case "builtins.list", "typing.List", "typing.Sequence":
		sub, ok := f.Returns.(*pyast.Subscript)
		if !ok {
			return false
		}
		elem := f.Outer.Annotation(sub.Slice)
		return elem.Name != "builtins.dict" && elem.Name != "typing.Dict" && elem.Name != "typing.Any"
	}
	return true
}

// none tells whether an annotation is None; a name that cannot be followed is a
// model, for what is known.
func none(e pyast.Expr) bool {
	c, ok := e.(*pyast.Constant)
	return ok && c.Kind == pyast.None
}

// secretField is a field of a model that an annotation is made of, which
// holds a secret.
func secretField(s *pymodel.Scope, e pyast.Expr, depth int, seen map[*pymodel.Class]bool) (*pymodel.Class, string) {
	if depth > 6 || e == nil {
		return nil, ""
	}
	switch x := e.(type) {
	case *pyast.Subscript:
		if class, f := secretField(s, x.Slice, depth+1, seen); f != "" {
			return class, f
		}
		return secretField(s, x.Value, depth+1, seen)
	case *pyast.Tuple:
		for _, elt := range x.Elts {
			if class, f := secretField(s, elt, depth+1, seen); f != "" {
				return class, f
			}
		}
	case *pyast.BinOp:
		if class, f := secretField(s, x.Left, depth+1, seen); f != "" {
			return class, f
		}
		return secretField(s, x.Right, depth+1, seen)
	case *pyast.Constant:
		if inner := pymodel.Forward(x); inner != nil {
			return secretField(s, inner, depth+1, seen)
		}
	case *pyast.Name, *pyast.Attribute:
		sym := s.Symbol(e)
		if sym.Binding == nil {
			return nil, ""
		}
		if sym.Binding.Class == nil {
			if sym.Binding.Value != nil && sym.Scope.Func == nil {
				return secretField(sym.Scope, sym.Binding.Value, depth+1, seen)
			}
			return nil, ""
		}
		class := sym.Binding.Class
		if seen[class] || !class.IsA("pydantic.BaseModel", "sqlmodel.SQLModel", "typing.TypedDict") && !dataclass(class) {
			return nil, ""
		}
		seen[class] = true
		for _, f := range class.AllFields() {
			if f.Annotation == nil {
				continue
			}
			if leaky(f.Name) && !hides(class, f) {
				return class, f.Name
			}
		}
		for _, f := range class.AllFields() {
			if f.Annotation != nil && !hides(class, f) {
				if inner, name := secretField(class.Outer, f.Annotation, depth+1, seen); name != "" {
					return inner, name
				}
			}
		}
	}
	return nil, ""
}

func dataclass(c *pymodel.Class) bool {
	return slices.ContainsFunc(c.Decorators, func(d pyast.Expr) bool { return strings.Contains(analysis.Leaf(d), "dataclass") })
}

// hides tells whether a field does not go out: it is excluded, masked, or no
// text.
func hides(c *pymodel.Class, f *pymodel.Field) bool {
	switch t := c.Outer.Annotation(f.Annotation); t.Name {
	case "pydantic.SecretStr", "pydantic.SecretBytes", "builtins.bool", "typing.ClassVar", "builtins.int", "datetime.datetime":
		return t.Name != "builtins.int" || !analysis.Names(f.Name, "cvv", "cvc", "ssn", "pin code")
	}
	calls := []pyast.Expr{f.Value}
	list, at := c.Outer.Annotated(f.Annotation)
	calls = append(calls, list...)
	for _, e := range calls {
		if call, ok := e.(*pyast.Call); ok && at.Is(pymodel.Keyword(call, "exclude"), pyast.True) {
			return true
		}
	}
	// A serializer of its own, or a property that masks.
	for _, b := range c.Scope.Names {
		if b.Func == nil {
			continue
		}
		for _, d := range b.Func.Decorators {
			if call, ok := d.(*pyast.Call); ok && strings.Contains(analysis.Leaf(call.Func), "serializer") {
				for _, a := range call.Args {
					if text, ok := c.Outer.Text(a); ok && text == f.Name {
						return true
					}
				}
			}
		}
	}
	return false
}

// returned judges what is returned, and tells whether it said something.
func (x *exposure) returned(r *pymodel.Route, e pyast.Expr, modelled bool) bool {
	s, m := r.Func.Scope, r.Func.Module
	// What is a response already, no model filters.
	if c, ok := e.(*pyast.Call); modelled && (!ok || !strings.HasPrefix(s.Qualified(c.Func), "starlette.responses.")) {
		return false
	}
	if field := dumped(s, e, 0); field != "" && !gives(r) {
		x.PythonAt(leaks, m, e, "%s answers with %s", r.Func.Name, field)
		return true
	}
	if column := x.fetched(r.Func, e, 0); column != "" && !gives(r) {
		x.PythonAt(leaks, m, e, "%s answers with rows as they are, with %s", r.Func.Name, column)
		return true
	}
	table := rows(s, e, 0)
	if table == nil {
		return false
	}
	chosen := false
	for _, f := range table.AllFields() {
		switch {
		case !leaky(f.Name) || hidesColumn(table, f):
		case spares(s, e, f.Name):
			chosen = true
		default:
			x.PythonAt(ormReturned, m, e, "%s returns a row of %s, with %s", r.Func.Name, table.Name, f.Name)
			return true
		}
	}
	if chosen {
		return false
	}
	x.rows++
	if x.row == nil {
		x.row, x.table = r, table
	}
	return true
}

func hidesColumn(c *pymodel.Class, f *pymodel.Field) bool {
	return f.Annotation != nil && hides(c, f)
}
