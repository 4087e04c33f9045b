package goaccess

import (
	"go/ast"
	"go/token"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// conditions looks at what a file compares.
func conditions(p *analysis.Pass, f *gomodel.File) {
	p = once(p)
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				literalCredential(p, f, n, n.X, n.Y)
				addressCompared(p, f, n, n.X, n.Y)
				roleCompared(p, f, n)
			}
		case *ast.CallExpr:
			called(p, f, n)
		case *ast.IndexExpr:
			if strings.HasPrefix(f.TypeOf(n.X), "map[") || admits(gomodel.Written(n.X)) {
				lookedUp(p, f, n, gomodel.Written(n.X), n.Index)
			}
		case *ast.SwitchStmt:
			switched(p, f, n)
		}
		return true
	})
}

func called(p *analysis.Pass, f *gomodel.File, n *ast.CallExpr) {
	c := f.CallOf(n)
	if c == nil {
		return
	}
	switch c.Name {
	case "crypto/subtle.ConstantTimeCompare", "crypto/hmac.Equal", "bytes.Equal", "strings.EqualFold":
		if len(c.Args) == 2 {
			literalCredential(p, f, n, analysis.GoBare(c.Args[0]), analysis.GoBare(c.Args[1]))
		}
	case "strings.HasPrefix", "strings.Contains":
		if len(c.Args) == 2 {
			addressCompared(p, f, n, c.Args[0], c.Args[1])
		}
	case "slices.Contains":
		if len(c.Args) == 2 {
			lookedUp(p, f, n, gomodel.Written(c.Args[0]), c.Args[1])
		}
	default:
		asked(p, c)
	}
}

func switched(p *analysis.Pass, f *gomodel.File, s *ast.SwitchStmt) {
	if s.Tag == nil || s.Body == nil {
		return
	}
	for _, st := range s.Body.List {
		clause, ok := st.(*ast.CaseClause)
		if !ok {
			continue
		}
		for _, e := range clause.List {
			addressCompared(p, f, e, s.Tag, e)
		}
	}
}

// literalCredential tells of a password that was sent and is compared with one
// in the source.
func literalCredential(p *analysis.Pass, f *gomodel.File, at ast.Node, x, y ast.Expr) {
	for range 2 {
		text, ok := f.Text(y)
		if _, also := f.Text(x); ok && !also && text != "" && len(text) < 200 && !strings.ContainsAny(text, " \n") {
			id := analysis.GoLeaf(f, x)
			if (analysis.GoPassword(id) || key(id) && long(text)) && credential(f, x) && !strings.EqualFold(text, id) && !placeholder(text) {
				p.GoAt(hardcoded, f, at, "%s is compared with a value in the source", id)
				return
			}
		}
		x, y = y, x
	}
}

// key tells whether a name is of a key that a client shows.
func key(id string) bool {
	return analysis.Names(strings.ReplaceAll(id, "-", "_"), "api key", "apikey", "x api key", "admin token", "access token", "auth token", "x auth token", "x admin token", "secret", "admin key", "admin secret", "token", "authorization", "internal token", "passcode") && !analysis.Names(id, "type", "grant", "csrf", "kind", "method", "token type", "prefix", "scheme", "lexer", "str", "next")
}

// long tells whether a text may be a key, and not a word.
func long(text string) bool {
	return len(text) >= 12 || len(text) >= 6 && strings.ContainsAny(text, "0123456789-_")
}

// placeholder tells whether a text is no secret, but a word of a protocol.
func placeholder(text string) bool {
	lower := strings.ToLower(text)
	return lower == "bearer" || lower == "basic" || lower == "null" || lower == "undefined" || lower == "true" || lower == "false" || lower == "-" || strings.Trim(text, "*x.") == "" || len(text) < 3
}

// credential tells whether a client sent a value: by the flow of values, or by
// what basic authentication gave.
func credential(f *gomodel.File, e ast.Expr) bool {
	if f.Level(e) == gomodel.Tainted {
		return true
	}
	v := f.VarOf(e)
	if v == nil {
		return false
	}
	list, _ := v.Values()
	for _, x := range list {
		if c := f.CallOf(x); c != nil && c.Method() == "BasicAuth" {
			return true
		}
	}
	// A function that is given both, as those of basic authentication are.
	if v.Param && v.Func != nil && analysis.GoPassword(v.Name) {
		for _, o := range v.Func.Params {
			if analysis.Names(o.Name, "user", "username", "name", "login", "email", "u") {
				return true
			}
		}
	}
	return false
}

// basic looks at accounts that are given to a library as they are written.
func basic(p *analysis.Pass, c *gomodel.Call) {
	at := 0
	switch c.Name {
	case "github.com/gin-gonic/gin.BasicAuth":
	case "github.com/gin-gonic/gin.BasicAuthForRealm":
	case "github.com/go-chi/chi/middleware.BasicAuth":
		at = 1
	case "github.com/gofiber/fiber/middleware/basicauth.New":
	default:
		return
	}
	in, e := c.File, c.Arg(at)
	if e == nil {
		return
	}
	in, e = in.Only(e)
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return
	}
	elements := lit.Elts
	for _, el := range elements { // fiber's Config
		if kv, ok := el.(*ast.KeyValueExpr); ok && gomodel.Written(kv.Key) == "Users" {
			if users, ok := kv.Value.(*ast.CompositeLit); ok {
				elements = users.Elts
			}
		}
	}
	for _, el := range elements {
		if kv, ok := el.(*ast.KeyValueExpr); ok {
			if text, ok := in.Text(kv.Value); ok && text != "" {
				p.GoAt(hardcoded, in, kv, "the password of an account is in the source")
				return
			}
		}
	}
}

// decides tells whether a condition lets somebody in or keeps him out: it is
// what a function answers, or a branch that refuses or goes on.
func decides(f *gomodel.File, at ast.Node) bool { return decided(f, at, 0) }

func decided(f *gomodel.File, at ast.Node, depth int) bool {
	around := f.Around(at)
	for i := len(around) - 1; i >= 0; i-- {
		switch n := around[i].(type) {
		case *ast.ReturnStmt:
			fn := f.FuncOf(n)
			if fn != nil && saysSo(fn, depth) {
				return true
			}
			return fn != nil && analysis.Names(fn.Root().Name, "admin", "allow", "allowed", "auth", "authorized", "trusted", "internal", "local", "permitted", "is admin", "access", "can", "loopback", "localhost", "private")
		case *ast.IfStmt:
			if refuses(n.Body) || n.Else != nil && refuses(n.Else) || grants(n.Body) || leaves(n.Body) && after(around, i) {
				return true
			}
			fn := f.FuncOf(n)
			return fn != nil && (leaves(n.Body) && saysSo(fn, depth) || marks(fn, n.Body))
		case *ast.SwitchStmt:
			return refuses(n) || grants(n.Body)
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				if analysis.Names(gomodel.Written(l), "admin", "allowed", "internal", "trusted", "local", "authorized", "is local", "is admin", "bypass") {
					return true
				}
			}
		}
	}
	return false
}

// saysSo tells whether what a function answers with true or false decides where
// it is called.
func saysSo(fn *gomodel.Func, depth int) bool {
	r := fn.Type.Results
	if depth > 2 || r == nil || len(r.List) != 1 || fn.File.TypeExpr(r.List[0].Type) != "bool" {
		return false
	}
	for _, c := range fn.Sites() {
		if decided(c.File, c.CallExpr, depth+1) {
			return true
		}
	}
	return false
}

// marks tells whether a branch sets what is looked at afterwards, to refuse.
func marks(fn *gomodel.Func, body *ast.BlockStmt) bool {
	for _, s := range body.List {
		a, ok := s.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
			continue
		}
		v := fn.File.VarOf(a.Lhs[0])
		if id, ok := a.Rhs[0].(*ast.Ident); !ok || v == nil || id.Name != "true" && id.Name != "false" {
			continue
		}
		found := false
		ast.Inspect(fn.Node, func(n ast.Node) bool {
			later, ok := n.(*ast.IfStmt)
			if ok && later.Pos() > a.Pos() && (refuses(later.Body) || later.Else != nil && refuses(later.Else)) {
				ast.Inspect(later.Cond, func(n ast.Node) bool {
					x, ok := n.(*ast.Ident)
					found = found || ok && fn.File.VarOf(x) == v
					return !found
				})
			}
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

func leaves(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	_, ok := b.List[len(b.List)-1].(*ast.ReturnStmt)
	return ok
}

// after tells whether what stands behind a branch refuses.
func after(around []ast.Node, i int) bool {
	for j := i - 1; j >= 0; j-- {
		if b, ok := around[j].(*ast.BlockStmt); ok {
			for _, s := range b.List {
				if s.Pos() > around[i].Pos() && refuses(s) {
					return true
				}
			}
			if j > 0 { // what stands behind a loop
				if _, loop := around[j-1].(*ast.RangeStmt); loop {
					continue
				}
			}
			return false
		}
	}
	return false
}

func refuses(n ast.Node) bool {
	return analysis.GoMentions(n, func(id string) bool {
		return id == "StatusForbidden" || id == "StatusUnauthorized" || analysis.Names(id, "forbidden", "unauthorized", "denied", "forbid", "deny", "err forbidden")
	}) || status(n)
}

func status(n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		found = found || ok && (lit.Value == "401" || lit.Value == "403")
		return !found
	})
	return found
}

// grants tells whether a branch goes on as one for those who may.
func grants(n ast.Node) bool {
	privilege := func(id string) bool {
		return analysis.Names(id, "serve http", "is admin", "admin", "authorized", "bypass", "next")
	}
	found := analysis.GoMentions(n, privilege)
	ast.Inspect(n, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && len(c.Args) > 1 { // c.Set("admin", true)
			lit, ok := c.Args[0].(*ast.BasicLit)
			found = found || ok && privilege(strings.Trim(lit.Value, "\""))
		}
		return !found
	})
	return found
}

// roleCompared tells of a role that the client itself names.
func roleCompared(p *analysis.Pass, f *gomodel.File, b *ast.BinaryExpr) {
	for x, y := range map[ast.Expr]ast.Expr{b.X: b.Y, b.Y: b.X} {
		text, ok := f.Text(y)
		if !ok || !analysis.Names(text, "admin", "administrator", "superuser", "root", "true", "1", "internal", "yes") {
			continue
		}
		in, e := f.Only(x)
		c := in.CallOf(e)
		if c == nil {
			continue
		}
		var name string
		switch c.Method() {
		case "Get", "GetHeader", "FormValue", "Query", "QueryParam", "PostForm", "Cookie", "Cookies":
			name, _ = in.Text(c.Arg(0))
		}
		name = strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(name), "x-"), "-", "_")
		if in.Level(e) != gomodel.Tainted || !analysis.Names(name, "role", "user role", "roles", "admin", "is admin", "isadmin", "internal", "internal request", "superuser", "authenticated", "is authenticated", "privileged") {
			continue
		}
		if decides(f, b) || inHandler(f, b) && strings.Contains(name, "admin") {
			p.GoAt(clientRole, f, b, "%s, which a client sends, says what it may", name)
		}
	}
}

func inHandler(f *gomodel.File, n ast.Node) bool {
	fn := f.FuncOf(n)
	return fn != nil && fn.Handles()
}
