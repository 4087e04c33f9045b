// Package errors finds what an application tells when it should not: the text
// of its errors, its settings, and that a check has passed which failed.
package errors

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at how errors are answered.
var Analyzer = &analysis.Analyzer{Name: "errors", Rules: []*analysis.Rule{detail, swallowed, env, info}, Run: run}

func run(p *analysis.Pass) {
	l := &leak{p: p, said: map[pyast.Node]bool{}, routes: map[*pymodel.Func]bool{}, admin: map[*pymodel.Func]bool{}}
	p.Routes(func(r *pymodel.Route) {
		l.routes[r.Func] = true
		l.admin[r.Func] = analysis.Names(r.Func.Module.Path, "admin", "backoffice")
		for _, d := range r.Deps {
			if analysis.Names(d.Name[strings.LastIndexByte(d.Name, '.')+1:], "admin", "superuser") {
				l.admin[r.Func] = true
			}
			if d.Func != nil {
				l.routes[d.Func] = true
			}
		}
	})
	l.services()
	p.Modules(func(m *pymodel.Module) {
		for _, t := range m.Tries {
			if f := t.Scope.Enclosing(); f != nil {
				for _, h := range t.Node.Handlers {
					l.handler(f, h)
				}
				checks(p, f, t.Node)
			}
		}
	})
	l.handlers()
	p.Routes(func(r *pymodel.Route) {
		exposed(p, r)
	})
}

// A leak looks for texts of errors in answers.
type leak struct {
	p      *analysis.Pass
	said   map[pyast.Node]bool
	routes map[*pymodel.Func]bool // functions whose return value is answered
	admin  map[*pymodel.Func]bool // routes of those who run the service
}

// services adds functions whose value a route returns as it is.
func (l *leak) services() {
	for range 2 {
		var more []*pymodel.Func
		for f := range l.routes {
			for _, e := range returned(f) {
				if c, ok := e.(*pyast.Call); ok {
					if sym := f.Scope.Symbol(c.Func); sym.Binding != nil && sym.Binding.Func != nil {
						more = append(more, sym.Binding.Func)
					}
				}
			}
		}
		for _, f := range more {
			l.routes[f] = true
		}
	}
}

// returned are the values that a function returns, through names.
func returned(f *pymodel.Func) []pyast.Expr {
	var out []pyast.Expr
	var add func(e pyast.Expr, depth int)
	add = func(e pyast.Expr, depth int) {
		if a, ok := e.(*pyast.Await); ok {
			e = a.Value
		}
		if n, ok := e.(*pyast.Name); ok && depth < 4 {
			made := false
			for _, d := range f.Scope.Defs {
				if d.Name == n.ID {
					made = true
					add(d.Value, depth+1)
				}
			}
			if made {
				return
			}
		}
		out = append(out, e)
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Return:
			if n.Value != nil {
				add(n.Value, 0)
			}
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return false
		}
		return true
	})
	return out
}

// broad are classes of errors that the application does not raise itself, or
// that anything may be.
func broad(s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case nil:
		return true
	case *pyast.Tuple:
		return slices.ContainsFunc(e.Elts, func(x pyast.Expr) bool { return broad(s, x) })
	}
	switch name := s.Qualified(e); name {
	case "builtins.Exception", "builtins.BaseException", "sqlite3.Error", "sqlite3.OperationalError", "sqlite3.IntegrityError", "sqlite3.DatabaseError",
		"asyncpg.PostgresError", "asyncpg.exceptions.PostgresError", "pymysql.Error", "pymysql.MySQLError", "redis.RedisError", "redis.exceptions.RedisError", "botocore.exceptions.ClientError",
		"psycopg2.Error", "psycopg.Error", "psycopg2.DatabaseError", "psycopg2.OperationalError", "psycopg2.IntegrityError":
		return true
	default:
		return strings.HasPrefix(name, "sqlalchemy.exc.") || strings.HasPrefix(name, "pymongo.errors.") || strings.HasPrefix(name, "psycopg2.errors.") || strings.HasPrefix(name, "sqlalchemy.orm.exc.")
	}
}

// handler looks at what an except answers.
func (l *leak) handler(f *pymodel.Func, h *pyast.ExceptHandler) {
	name := h.Name
	if !broad(f.Scope, h.Type) {
		name = "" // only a traceback is too much
	}
	l.body(f, h.Body, name)
	// error = str(e), which is returned further below.
	texts := textsOf(f, h.Body, name)
	delete(texts, name)
	if len(texts) == 0 || !l.routes[f] {
		return
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Return:
			if n.Value != nil && n.Pos() > h.End() {
				l.answer(f, n.Value, texts, n)
			}
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return false
		}
		return true
	})
}

// body looks at statements for answers with the text of the error that is
// called so; not at those under a test of what the error is, or of a setting.
func (l *leak) body(f *pymodel.Func, body []pyast.Stmt, name string) {
	texts := textsOf(f, body, name)
	pyast.Walk(body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.If:
			if narrows(n.Test, name) {
				l.body(f, n.Orelse, name)
				return false
			}
		case *pyast.Try, *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			// A try has its own handlers, which are looked at by themselves.
			if t, ok := n.(*pyast.Try); ok {
				l.body(f, t.Body, name)
				return false
			}
			return false
		case *pyast.Raise:
			if c, ok := n.Exc.(*pyast.Call); ok && (l.isHTTP(f.Scope, c) || l.makes(f.Scope, c)) {
				l.answer(f, c, texts, n)
			}
		case *pyast.ExprStmt:
			// fail(e), which raises.
			e := n.Value
			if a, ok := e.(*pyast.Await); ok {
				e = a.Value
			}
			if c, ok := e.(*pyast.Call); ok && slices.ContainsFunc(c.Args, func(a pyast.Expr) bool { return tells(f.Scope, a, texts) }) {
				if sym := f.Scope.Symbol(c.Func); sym.Binding != nil && sym.Binding.Func != nil {
					l.raises(sym.Binding.Func)
				}
			}
		case *pyast.Return:
			if n.Value != nil && (l.routes[f] || isAnswer(f.Scope, n.Value)) {
				l.answer(f, n.Value, texts, n)
			}
		case *pyast.Assign:
			// response = JSONResponse(…str(e))
			if c, ok := n.Value.(*pyast.Call); ok && isAnswer(f.Scope, c) {
				l.answer(f, c, texts, n)
			}
		}
		return true
	})
}

func (l *leak) isHTTP(s *pymodel.Scope, c *pyast.Call) bool {
	return s.Qualified(c.Func) == "starlette.exceptions.HTTPException" || s.TypeOf(c).IsA("starlette.exceptions.HTTPException")
}

// makes tells whether a function of the project makes an error of HTTP.
func (l *leak) makes(s *pymodel.Scope, c *pyast.Call) bool {
	sym := s.Symbol(c.Func)
	if sym.Binding == nil || sym.Binding.Func == nil {
		return false
	}
	return slices.ContainsFunc(returned(sym.Binding.Func), func(e pyast.Expr) bool {
		made, ok := e.(*pyast.Call)
		return ok && l.isHTTP(sym.Binding.Func.Scope, made)
	})
}

// raises tells of a function that is given an error, and raises one of HTTP
// with its text.
func (l *leak) raises(f *pymodel.Func) {
	names := map[string]bool{}
	for _, prm := range f.Params {
		names[prm.Name] = true
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if r, ok := n.(*pyast.Raise); ok {
			if c, ok := r.Exc.(*pyast.Call); ok && l.isHTTP(f.Scope, c) && tells(f.Scope, pymodel.Arg(c, 1, "detail"), names) {
				l.answer(f, c, names, r)
			}
		}
		return true
	})
}

// isAnswer tells whether a value is a response, with what is in it.
func isAnswer(s *pymodel.Scope, e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	if !ok {
		return false
	}
	name := s.Qualified(c.Func)
	return strings.HasPrefix(name, "starlette.responses.") && strings.HasSuffix(name, "Response") || s.TypeOf(c).IsA("starlette.responses.Response", "starlette.responses.JSONResponse") ||
		name == "flask.jsonify"
}

// textsOf are the names that hold the error or its text: its own, and those
// that are made of it.
func textsOf(f *pymodel.Func, body []pyast.Stmt, name string) map[string]bool {
	texts := map[string]bool{}
	if name != "" {
		texts[name] = true
	}
	for range 2 {
		pyast.Walk(body, func(n pyast.Node) bool {
			a, ok := n.(*pyast.Assign)
			if !ok || len(a.Targets) != 1 {
				return true
			}
			if to, ok := a.Targets[0].(*pyast.Name); ok && tells(f.Scope, a.Value, texts) {
				texts[to.ID] = true
			}
			return true
		})
	}
	return texts
}

// answer tells of an answer that holds the text of an error.
func (l *leak) answer(f *pymodel.Func, e pyast.Expr, texts map[string]bool, at pyast.Node) {
	if l.said[at] {
		return
	}
	var found bool
	if c, ok := e.(*pyast.Call); ok {
		for _, a := range c.Args {
			found = found || tells(f.Scope, a, texts)
		}
		for _, k := range c.Keywords {
			found = found || tells(f.Scope, k.Value, texts)
		}
		// A function of the project may do something else with it.
		if sym := f.Scope.Symbol(c.Func); found && sym.Binding != nil && sym.Binding.Func != nil {
			found = passes(sym.Binding.Func)
		}
	} else {
		found = tells(f.Scope, e, texts)
	}
	if found {
		l.said[at] = true
		severity := detail.Severity
		if l.admin[f] {
			severity = finding.Low
		}
		l.p.PythonSeverity(detail, severity, f.Module, at, "the client is told what went wrong, in the words of the error")
	}
}

// passes tells whether a function puts what it is given into what it returns.
func passes(f *pymodel.Func) bool {
	names := map[string]bool{}
	for _, prm := range f.Params {
		names[prm.Name] = true
	}
	return slices.ContainsFunc(returned(f), func(e pyast.Expr) bool { return tells(f.Scope, e, names) })
}

// tells tells whether the text of an error is in a value: of one that is
// called so, or a traceback.
func tells(s *pymodel.Scope, e pyast.Expr, texts map[string]bool) bool {
	found := false
	if e == nil {
		return false
	}
	pyast.Inspect(e, func(n pyast.Node) bool {
		if found {
			return false
		}
		switch n := n.(type) {
		case *pyast.Call:
			switch name := s.Qualified(n.Func); {
			case strings.HasPrefix(name, "traceback.format_"), name == "sys.exc_info" && len(texts) > 0:
				found = true
				return false
			case name == "builtins.type" || name == "builtins.getattr" || name == "builtins.isinstance" || name == "builtins.hasattr" || name == "builtins.id" || name == "builtins.len" || name == "builtins.bool":
				return false
			}
			if a, ok := n.Func.(*pyast.Attribute); ok {
				if base, ok := a.Value.(*pyast.Name); ok && texts[base.ID] && (a.Attr == "errors" || a.Attr == "get_status" || a.Attr == "split") {
					return false
				}
			}
			// What makes something of the error by the project's own rules.
			if n != e {
				if leaf := analysis.Leaf(n.Func); analysis.Names(leaf, "sanitize", "safe", "redact", "scrub", "mask", "classify", "map", "public", "friendly", "translate", "user message", "log", "logger") {
					return false
				}
			}
		case *pyast.IfExp:
			if !narrows(n.Test, "") {
				return true
			}
			found = tells(s, n.Orelse, texts)
			return false
		case *pyast.Compare:
			return false
		case *pyast.Attribute:
			base, ok := n.Value.(*pyast.Name)
			if !ok || !texts[base.ID] {
				return true
			}
			switch n.Attr {
			case "args", "orig", "message", "msg", "strerror", "filename", "statement", "params", "pgerror", "diag", "detail", "__cause__", "__traceback__", "response":
				found = true
			}
			return false
		case *pyast.Name:
			found = texts[n.ID]
		}
		return true
	})
	return found
}

// narrows tells whether a test asks what an error is, or for a setting that
// production has not.
func narrows(test pyast.Expr, name string) bool {
	found := false
	pyast.Inspect(test, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Call:
			if f, ok := n.Func.(*pyast.Name); ok && (f.ID == "isinstance" || f.ID == "issubclass") {
				found = true
			}
		case *pyast.Name:
			found = found || gate(n.ID)
		case *pyast.Attribute:
			found = found || gate(n.Attr)
			if b, ok := n.Value.(*pyast.Name); ok && b.ID == name && n.Attr != "args" {
				found = true // if e.code == …
			}
		}
		return !found
	})
	return found
}

func gate(id string) bool {
	return analysis.Names(id, "debug", "development", "dev", "environment", "env", "testing", "is local", "verbose", "is production", "production", "expose", "show")
}

// handlers looks at functions that the application calls for errors of every
// kind.
func (l *leak) handlers() {
	look := func(s *pymodel.Scope, kind pyast.Expr, f *pymodel.Func) {
		if f == nil || len(f.Params) == 0 || !every(s, kind) {
			return
		}
		// The error is the last parameter: (request, exc), (self, request, exc).
		l.routes[f] = true
		l.body(f, f.Body, f.Params[len(f.Params)-1].Name)
	}
	l.p.Modules(func(m *pymodel.Module) {
		for _, f := range m.Funcs {
			for _, d := range f.Decorators {
				if c, ok := d.(*pyast.Call); ok && analysis.Leaf(c.Func) == "exception_handler" && len(c.Args) > 0 {
					look(f.Outer, c.Args[0], f)
				}
			}
		}
		for _, c := range m.Calls {
			if c.Method() == "add_exception_handler" && len(c.Args) > 1 {
				if sym := c.Scope.Symbol(c.Args[1]); sym.Binding != nil {
					look(c.Scope, c.Args[0], sym.Binding.Func)
				}
			}
			d, at := c.Scope.Dict(c.Keyword("exception_handlers"))
			if d == nil {
				continue
			}
			for i, k := range d.Keys {
				if sym := at.Symbol(d.Values[i]); k != nil && sym.Binding != nil {
					look(at, k, sym.Binding.Func)
				}
			}
		}
	})
}

// every tells whether a handler is of all errors, or of a database's.
func every(s *pymodel.Scope, kind pyast.Expr) bool {
	if n, ok := s.Number(kind); ok {
		return n == 500
	}
	return kind != nil && broad(s, kind)
}
