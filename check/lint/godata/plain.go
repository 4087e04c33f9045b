package godata

import (
	"go/ast"
	"go/token"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// clear looks at comparisons of a password that was sent with one that is kept.
func clear(p *analysis.Pass, f *gomodel.File) {
	if f.Test {
		return
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				same(p, f, n, n.X, n.Y)
			}
		case *ast.CallExpr:
			if c := f.CallOf(n); c != nil && len(c.Args) == 2 {
				switch c.Name {
				case "crypto/subtle.ConstantTimeCompare", "crypto/hmac.Equal", "bytes.Equal", "strings.EqualFold":
					same(p, f, n, analysis.GoBare(n.Args[0]), analysis.GoBare(n.Args[1]))
				}
			}
		}
		return true
	})
}

// same tells of a password that is compared with a kept one as it is.
func same(p *analysis.Pass, f *gomodel.File, at ast.Node, x, y ast.Expr) {
	for range 2 {
		if sel, ok := y.(*ast.SelectorExpr); ok && (whole(sel.Sel.Name) || raw(f, x) && hashName(sel.Sel.Name)) && sent(f, x) && stored(p, f, sel) {
			p.GoAt(plain, f, at, "%s is compared as it was sent: it is kept in the clear", gomodel.Written(sel))
			return
		}
		// users[name] != password
		if ix, ok := indexed(f, y); ok && sent(f, x) && (p.Go.Underlying(f.TypeOf(ix)) == "string") && analysis.Names(gomodel.Written(ix.X), "users", "passwords", "accounts", "credentials", "user db", "user passwords") {
			if _, written := f.Text(ix.Index); !written {
				p.GoAt(plain, f, at, "a password of %s is compared as it was sent: it is kept in the clear", gomodel.Written(ix.X))
				return
			}
		}
		if id, ok := y.(*ast.Ident); ok && sent(f, x) && f.Level(y) != gomodel.Tainted && fromDatabase(f, id) {
			p.GoAt(plain, f, at, "%s is compared as it was sent: it is kept in the clear", id.Name)
			return
		}
		x, y = y, x
	}
}

// indexed is the element that an expression is, or that a variable was taken
// from: pw, ok := users[name].
func indexed(f *gomodel.File, e ast.Expr) (*ast.IndexExpr, bool) {
	if v := f.VarOf(e); v != nil && v.Func != nil {
		if list, more := v.Values(); len(list) == 1 && !more {
			e = list[0]
		}
	}
	ix, ok := e.(*ast.IndexExpr)
	return ix, ok
}

func hashName(name string) bool {
	return analysis.Names(name, "password hash", "hashed password", "pass hash", "hash")
}

// whole tells whether a name is of a password, not of its hash.
func whole(name string) bool {
	return analysis.Names(name, "password", "passwd", "pwd", "pass", "passphrase", "passcode") && !analysis.Names(name, "hash", "hashed", "digest", "encrypted", "confirm", "confirmation", "repeat", "again", "new", "old", "admin", "basic")
}

// sent tells whether a client sent a value, and calls it a password.
func sent(f *gomodel.File, e ast.Expr) bool {
	id := analysis.GoLeaf(f, e)
	if !analysis.GoPassword(id) || analysis.Names(id, "confirm", "confirmation", "repeat", "again", "new") {
		return false
	}
	if f.Level(e) == gomodel.Tainted {
		return true
	}
	v := f.VarOf(e)
	return v != nil && v.Param && v.Func != nil && strings.Contains(strings.ToLower(v.Func.Root().Name), "auth") // with no handler in sight
}

// stored tells whether a field is of something that was looked up: no setting,
// and not what was sent.
func stored(p *analysis.Pass, f *gomodel.File, sel *ast.SelectorExpr) bool {
	if f.Level(sel) == gomodel.Tainted {
		return false
	}
	if v := f.VarOf(sel.X); v == nil || v.Receiver() || v.Func == nil {
		return false
	}
	t := f.TypeOf(sel.X)
	if t != "" && p.Go.Type(t) == nil {
		return false
	}
	return !analysis.Names(t[strings.LastIndexByte(t, '.')+1:]+"_"+gomodel.Written(sel.X), "config", "cfg", "settings", "options", "opts", "conf", "env", "server", "basic auth")
}

// fromDatabase tells whether a variable is what a query was scanned into.
func fromDatabase(f *gomodel.File, id *ast.Ident) bool {
	v := f.VarOf(id)
	if v == nil || v.Func == nil || v.Param || !analysis.GoPassword(v.Name) && !analysis.Names(v.Name, "stored", "actual", "db pass") || analysis.Names(v.Name, "hash", "hashed") {
		return false
	}
	for _, fn := range v.Func.Root().Within() {
		for _, c := range fn.Calls {
			if c.Method() != "Scan" {
				continue
			}
			for _, a := range c.Args {
				if u, ok := a.(*ast.UnaryExpr); ok && f.VarOf(u.X) == v {
					return true
				}
			}
		}
	}
	return false
}

// kept looks at a struct that is made with a password that was sent.
func kept(p *analysis.Pass, l *gomodel.Literal) {
	if l.Func == nil || p.Go.Type(l.Type) == nil {
		return
	}
	f := l.File
	for _, e := range l.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok || !whole(gomodel.Written(kv.Key)) || !sent(f, analysis.GoBare(kv.Value)) {
			continue
		}
		if persists(l) && !hashes(p, l.Func.Root(), l.Type) {
			p.GoAt(plain, f, kv, "the password is kept as it was sent")
		}
	}
}

// persists tells whether a literal is put where it stays.
func persists(l *gomodel.Literal) bool {
	f := l.File
	around := f.Around(l)
	var holder *gomodel.Var
	for i := len(around) - 1; i >= 0; i-- {
		switch n := around[i].(type) {
		case *ast.CallExpr:
			if keeps(f, n) {
				return true
			}
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				if _, ok := to.(*ast.IndexExpr); ok {
					return true
				}
				if holder == nil {
					holder = f.VarOf(to)
				}
			}
		}
	}
	if holder == nil || holder.Func == nil {
		return false
	}
	return held(f, holder)
}

// held tells whether a variable is put where it stays.
func held(f *gomodel.File, v *gomodel.Var) bool {
	found := false
	about := func(e ast.Expr) bool {
		if u, ok := e.(*ast.UnaryExpr); ok {
			e = u.X
		}
		return f.VarOf(e) == v
	}
	ast.Inspect(v.Func.Root().Node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			for _, a := range n.Args {
				if about(a) && keeps(f, n) {
					found = true
				}
			}
		case *ast.AssignStmt:
			for i, r := range n.Rhs {
				if i < len(n.Lhs) && about(r) {
					_, ok := n.Lhs[i].(*ast.IndexExpr)
					found = found || ok
				}
			}
		}
		return !found
	})
	return found
}

// keeps tells whether what a call is given stays.
func keeps(f *gomodel.File, n *ast.CallExpr) bool {
	c := f.CallOf(n)
	if c == nil {
		return false
	}
	if c.Name == "append" {
		return true
	}
	if c.Receiver() == nil && len(c.Targets()) == 0 {
		return false
	}
	name := c.Method()
	return analysis.Names(name, "create", "insert", "save", "store", "add", "put", "updates", "update", "upsert", "insert one", "persist", "register", "replace") && !analysis.Names(name, "hash", "request", "token", "session")
}

// hashes tells whether a function, or what the type does before it is saved,
// hashes.
func hashes(p *analysis.Pass, root *gomodel.Func, t string) bool {
	fns := root.Reached(3)
	if own := p.Go.Type(t); own != nil {
		for _, m := range own.Methods {
			if strings.HasPrefix(m.Name, "Before") || strings.HasPrefix(m.Name, "Set") || strings.Contains(m.Name, "Hash") {
				fns = append(fns, m.Reached(2)...)
			}
		}
	}
	for _, fn := range fns {
		for _, c := range fn.Calls {
			lower := strings.ToLower(c.Name + " " + gomodel.Written(c.Fun))
			if strings.Contains(lower, "hash") || strings.Contains(lower, "bcrypt") || strings.Contains(lower, "argon") || strings.Contains(lower, "scrypt") || strings.Contains(lower, "pbkdf2") || strings.Contains(lower, "encrypt") || strings.Contains(lower, "crypto/sha") || strings.Contains(lower, "crypto/md5") {
				return true
			}
		}
	}
	return false
}

var insert = lazy.Regexp(`(?is)^\s*(insert\s+into|update)\s+\S*(user|account|member|customer|admin|login|credential|person|people|employee|client)\S*\s.*\b(password|passwd|pwd)\b`)

// inserted looks at SQL that puts a password into a table.
func inserted(p *analysis.Pass, fn *gomodel.Func) {
	for _, in := range fn.Within() {
		for _, c := range in.Calls {
			for i, a := range c.Args {
				text, ok := c.File.Text(a)
				if !ok || !insert().MatchString(text) {
					continue
				}
				for _, v := range c.Args[i+1:] {
					id := analysis.GoLeaf(c.File, v)
					if whole(id) && c.File.Level(v) == gomodel.Tainted && raw(c.File, v) && !hashes(p, fn, "") {
						p.GoAt(plain, c.File, c, "%s is put into the table as it was sent", id)
						return
					}
				}
			}
		}
	}
}

// raw tells whether a value is the password itself, and nothing made of it.
func raw(f *gomodel.File, e ast.Expr) bool {
	_, e = f.Only(e)
	switch e := e.(type) {
	case *ast.Ident, *ast.SelectorExpr:
		return true
	case *ast.CallExpr:
		switch c := f.CallOf(e); {
		case c == nil:
		case c.Method() == "FormValue", c.Method() == "PostFormValue", c.Method() == "PostForm", c.Method() == "Get", c.Method() == "Query", c.Method() == "QueryParam":
			return true
		}
	}
	return false
}
