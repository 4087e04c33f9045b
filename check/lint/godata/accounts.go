package godata

import (
	"go/ast"
	"go/token"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/check/lint/internal/statement"
)

// A located expression is one of a file.
type located struct {
	f *gomodel.File
	e ast.Expr
}

// enumerations finds logins and resets that answer differently where there is
// no such account.
func enumerations(p *analysis.Pass) {
	said := map[*gomodel.Func]bool{}
	look := func(fn *gomodel.Func, words string) {
		if said[fn] || fn.Body == nil || fn.File.Test || analysis.GoSample(fn.File.Path) {
			return
		}
		said[fn] = true
		switch {
		case analysis.Names(words, "confirm", "callback", "oauth", "admin", "change", "update", "delete", "invite"):
		case analysis.Names(words, "reset", "forgot", "forgotten", "recover", "recovery", "resend", "magic"):
			enumerated(p, fn, true)
		case analysis.Names(words, "login", "log in", "signin", "sign in", "authenticate"):
			enumerated(p, fn, false)
		}
	}
	for _, r := range p.GoRoutes() {
		last := r.Path[strings.LastIndexByte(strings.TrimSuffix(r.Path, "/"), '/')+1:]
		if r.Method != http.MethodGet && len(r.Handlers) == 1 {
			look(r.Handlers[0], strings.ReplaceAll(last, "-", "_")+"_"+r.Handlers[0].Name)
		}
	}
	p.GoFuncs(func(fn *gomodel.Func) {
		if fn.Handles() {
			look(fn, fn.Name)
		}
	})
}

// enumerated compares what a handler answers where there is no such account
// with what it answers otherwise: to a wrong password, or at its end.
func enumerated(p *analysis.Pass, fn *gomodel.Func, reset bool) {
	for _, c := range fn.Calls {
		if !looksUp(c) {
			continue
		}
		missing := missingBranch(fn, c)
		if missing == nil {
			continue
		}
		at, status, text := answerIn(fn, missing.Body)
		if at == nil || status >= 500 {
			return
		}
		otherwise, other, otherText := (*gomodel.Call)(nil), 0, ""
		what := "to a wrong password"
		if reset {
			what = "otherwise"
			otherwise, other, otherText = lastAnswer(fn, missing.End())
		} else if wrong := passwordBranch(fn, missing.End()); wrong != nil {
			otherwise, other, otherText = answerIn(fn, wrong.Body)
		}
		switch {
		case otherwise == nil || other >= 500 || reset && other >= 300:
		case status != other:
			p.GoAt(enumeration, fn.File, at, "it answers %d where there is no such account, and %d %s", status, other, what)
			return
		case text != "" && otherText != "" && text != otherText:
			p.GoAt(enumeration, fn.File, at, "it answers %q where there is no such account, and %q %s", text, otherText, what)
			return
		}
	}
}

// looksUp tells whether a call finds an account by what a client calls itself.
func looksUp(c *gomodel.Call) bool {
	f := c.File
	if q, values := lookup(c); q != nil {
		return q.Verb == "select" && q.Asks(func(col string) bool {
			return analysis.Names(col, "email", "username", "login", "phone", "user name")
		}) && slices.ContainsFunc(values, func(a ast.Expr) bool { return f.Level(a) != gomodel.Clean })
	}
	method := c.Method()
	if !analysis.Names(method, "user", "account", "member", "customer", "person", "email", "by mail", "username", "by name", "login", "phone") || analysis.Names(method, "create", "insert", "save", "update", "set", "send", "delete", "token", "code", "id", "new", "normalize", "validate", "valid", "check", "verify", "parse", "issue", "clear", "blocked", "hit") || len(c.Args) == 0 {
		return false
	}
	for _, a := range c.Args {
		if f.Level(a) != gomodel.Clean && analysis.Names(analysis.GoLeaf(f, a), "email", "username", "user name", "login", "name", "user", "phone", "mail", "address", "identifier", "handle") {
			return true
		}
	}
	return false
}

// lookup is the statement that a call hands to a database, and its values.
func lookup(c *gomodel.Call) (*statement.Statement, []ast.Expr) {
	switch c.Method() {
	case "QueryRow", "QueryRowContext", "Get", "GetContext", "Query", "QueryContext":
	default:
		return nil, nil
	}
	for i, a := range c.Args[:min(3, len(c.Args))] {
		if text, ok := c.File.Text(a); ok {
			if s := statement.Read(text); s != nil {
				return s, c.Args[i+1:]
			}
		}
	}
	return nil, nil
}

// missingBranch is the condition after a call that holds where nothing was
// found.
func missingBranch(fn *gomodel.Func, c *gomodel.Call) *ast.IfStmt {
	f := fn.File
	var results []*gomodel.Var
	for _, n := range f.Around(c.CallExpr) {
		if s, ok := n.(*ast.AssignStmt); ok {
			for _, l := range s.Lhs {
				if v := f.VarOf(l); v != nil {
					results = append(results, v)
				}
			}
		}
	}
	var found *ast.IfStmt
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		s, ok := n.(*ast.IfStmt)
		if !ok || found != nil {
			return found == nil
		}
		if s.Cond.Pos() > c.End() && absent(f, s.Cond, results) {
			found = s
		}
		return found == nil
	})
	return found
}

// absent tells whether a condition says that a lookup found nothing.
func absent(f *gomodel.File, cond ast.Expr, results []*gomodel.Var) bool {
	of := func(e ast.Expr) bool { return slices.Contains(results, f.VarOf(e)) && f.VarOf(e) != nil }
	switch e := cond.(type) {
	case *ast.ParenExpr:
		return absent(f, e.X, results)
	case *ast.UnaryExpr:
		return e.Op == token.NOT && of(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.LOR && passwordCall(f, e) == nil {
			return absent(f, e.X, results) || absent(f, e.Y, results)
		}
		id, ok := e.Y.(*ast.Ident)
		if ok && id.Name == "nil" && of(e.X) {
			return (e.Op == token.NEQ) == (f.TypeOf(e.X) == "error" || gomodel.Written(e.X) == "err")
		}
		return e.Op == token.EQL && of(e.X) && nothing(gomodel.Written(e.Y))
	case *ast.CallExpr: // errors.Is(err, sql.ErrNoRows)
		return len(e.Args) == 2 && of(e.Args[0]) && nothing(gomodel.Written(e.Args[1]))
	}
	return false
}

// nothing tells whether an error is that of what is not there.
func nothing(name string) bool {
	return analysis.Names(name[strings.LastIndexByte(name, '.')+1:], "not found", "no rows", "no documents", "not exist", "no such", "unknown", "missing", "no user", "nil")
}

// passwordBranch is the next condition that holds where a password is wrong.
func passwordBranch(fn *gomodel.Func, after token.Pos) *ast.IfStmt {
	var found *ast.IfStmt
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		s, ok := n.(*ast.IfStmt)
		if !ok || found != nil {
			return found == nil
		}
		if s.Pos() >= after && (passwordCall(fn.File, s.Cond) != nil || s.Init != nil && passwordCall(fn.File, s.Init) != nil) {
			found = s
		}
		return found == nil
	})
	return found
}

// passwordCall is the call in what is written that compares a password.
func passwordCall(f *gomodel.File, n ast.Node) *gomodel.Call {
	var found *gomodel.Call
	ast.Inspect(n, func(n ast.Node) bool {
		if x, ok := n.(*ast.CallExpr); ok && found == nil {
			c := f.CallOf(x)
			if c != nil && analysis.Names(c.Method(), "check", "compare", "verify", "match", "matches", "valid", "compare hash and password", "equal") &&
				(analysis.Names(c.Method(), "password") || slices.ContainsFunc(c.Args, func(a ast.Expr) bool { return analysis.GoPassword(analysis.GoLeaf(f, a)) })) {
				found = c
			}
		}
		return found == nil
	})
	return found
}

// answerIn is what a branch answers with before it leaves; nil where that is
// not known.
func answerIn(fn *gomodel.Func, body *ast.BlockStmt) (at *gomodel.Call, status int, text string) {
	if len(body.List) == 0 {
		return nil, 0, ""
	}
	if _, ok := body.List[len(body.List)-1].(*ast.ReturnStmt); !ok {
		return nil, 0, ""
	}
	for _, c := range fn.Calls {
		if c.Pos() < body.Pos() || c.End() > body.End() {
			continue
		}
		if n, t, ok := saidBy(c); ok {
			if at == nil || t != "" {
				at, text = c, t
			}
			if n != 0 {
				status = n
			}
		}
	}
	if status == 0 {
		return nil, 0, ""
	}
	return at, status, text
}

// lastAnswer is what a function answers with at its end.
func lastAnswer(fn *gomodel.Func, after token.Pos) (at *gomodel.Call, status int, text string) {
	for _, c := range fn.Calls {
		if c.Pos() < after {
			continue
		}
		if n, t, ok := saidBy(c); ok && n != 0 {
			at, status, text = c, n, t
		}
	}
	return at, status, text
}

// saidBy is the status and the text that a call answers with, as they are
// written, also where a function of the project writes them.
func saidBy(c *gomodel.Call) (status int, text string, ok bool) {
	at, body, ok := replyOf(c, 0)
	if !ok {
		return 0, "", false
	}
	status = exactly(at)
	for _, l := range body {
		if t, known := l.f.Text(l.e); known && text == "" {
			text = t
		}
	}
	return status, text, true
}

// replyOf are the status and the parts of the body that a call answers with.
func replyOf(c *gomodel.Call, depth int) (status located, body []located, ok bool) {
	f := c.File
	if at, parts, ok := answer(c); ok {
		for _, e := range parts {
			body = append(body, leaves(f, e, 0)...)
		}
		return located{f, at}, body, true
	}
	switch c.Method() {
	case "WriteHeader", "AbortWithStatus", "NoContent", "SendStatus":
		if len(c.Args) == 1 {
			return located{f, c.Args[0]}, nil, true
		}
	}
	if len(c.Targets()) != 1 || depth > 3 {
		return located{}, nil, false
	}
	to := c.Targets()[0]
	for _, inner := range to.Calls {
		s, b, there := replyOf(inner, depth+1)
		if !there {
			continue
		}
		if ok && s.e != nil && status.e != nil && gomodel.Written(s.e) != gomodel.Written(status.e) {
			return located{}, nil, false // it depends
		}
		ok = true
		if s.e != nil {
			status = s
		}
		body = append(body, b...)
	}
	status = from(c, status)
	for i := range body {
		body[i] = from(c, body[i])
	}
	return status, body, ok
}

// from is what a caller gives where a function uses its parameter.
func from(c *gomodel.Call, l located) located {
	if l.e == nil {
		return l
	}
	if v := parameter(l.f, l.e); v != nil {
		if a := argument(c, v); a != nil {
			// Of a value that is made of several, the first text is what is said.
			if list := leaves(c.File, a, 0); len(list) > 0 {
				return list[0]
			}
			return located{c.File, a}
		}
	}
	return l
}

// leaves are what a value is made of.
func leaves(f *gomodel.File, e ast.Expr, depth int) []located {
	lit, ok := e.(*ast.CompositeLit)
	if !ok || depth > 3 {
		return []located{{f, e}}
	}
	var out []located
	for _, x := range lit.Elts {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			x = kv.Value
		}
		out = append(out, leaves(f, x, depth+1)...)
	}
	return out
}

// exactly is the status that an expression stands for, 0 when it is not known.
func exactly(l located) int {
	if l.e == nil {
		return 0
	}
	if n, ok := l.f.Int(l.e); ok && n >= 100 && n < 600 {
		return int(n)
	}
	in, only := l.f.Only(l.e)
	full := in.Qualified(only)
	_, name, ok := strings.Cut(full[strings.LastIndexByte(full, '.')+1:], "Status")
	if !ok {
		return 0
	}
	for n := 200; n < 600; n++ {
		if text := http.StatusText(n); text != "" && strings.NewReplacer(" ", "", "-", "", "'", "").Replace(text) == name {
			return n
		}
	}
	return 0
}
