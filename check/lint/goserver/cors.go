package goserver

import (
	"go/ast"
	"go/token"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

// A policy is what is said of CORS in one place.
type policy struct {
	all         bool // "*"
	any         bool // a function that says yes
	credentials bool
	weak        ast.Node // a function that looks at a part of the origin
}

// corsLiteral looks at a configuration of one of the libraries.
func corsLiteral(p *analysis.Pass, l *gomodel.Literal) {
	switch l.Type {
	case "github.com/rs/cors.Options", "github.com/go-chi/cors.Options", "github.com/gin-contrib/cors.Config", "github.com/labstack/echo/middleware.CORSConfig", "github.com/gofiber/fiber/middleware/cors.Config", "github.com/jub0bs/cors.Config":
	default:
		return
	}
	f := l.File
	var s policy
	for _, e := range l.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			s.set(f, gomodel.Written(kv.Key), kv.Value)
		}
	}
	assignments(f, func(_ *ast.AssignStmt, field string, of, value ast.Expr) {
		if holds(f, of, l.CompositeLit) {
			s.set(f, field, value)
		}
	})
	s.tell(p, f, l)
}

// set takes one setting of a policy.
func (s *policy) set(f *gomodel.File, key string, value ast.Expr) {
	switch key {
	case "AllowedOrigins", "AllowOrigins", "Origins":
		if text, ok := f.Text(value); ok { // fiber's are one text
			s.all = s.all || text == "*"
			return
		}
		in, lit := literalOf(f, value)
		if lit == nil {
			return
		}
		for _, e := range lit.Elts {
			text, ok := in.Text(e)
			s.all = s.all || ok && (text == "*" || text == "https://*" || text == "http://*")
		}
	case "AllowAllOrigins":
		s.all = s.all || f.True(value)
	case "AllowCredentials", "Credentialed", "UnsafeWildcardOriginWithAllowCredentials":
		s.credentials = s.credentials || f.True(value)
	case "AllowOriginFunc", "AllowOriginsFunc", "AllowOriginRequestFunc", "AllowOriginVaryRequestFunc", "AllowOriginWithContextFunc":
		for _, fn := range f.FuncsOf(value) {
			s.any = s.any || yes(fn)
			if n := part(fn); n != nil {
				s.weak = n
			}
		}
	}
}

// yes tells whether a function agrees to everything.
func yes(fn *gomodel.Func) bool {
	returns := fn.Returns()
	for _, r := range returns {
		if len(r.Results) == 0 || !fn.File.True(r.Results[0]) {
			return false
		}
	}
	return len(returns) > 0
}

// part is the test of a function that looks at a part of an origin only, where
// another site may have the same.
func part(fn *gomodel.Func) ast.Node {
	returns := fn.Returns()
	if len(returns) != 1 || len(returns[0].Results) == 0 {
		return nil
	}
	if c := fn.File.CallOf(returns[0].Results[0]); c != nil && loose(c) {
		return c
	}
	return nil
}

// loose tells whether a call finds a text anywhere in an origin.
func loose(c *gomodel.Call) bool {
	switch c.Name {
	case "strings.Contains", "strings.HasSuffix", "strings.HasPrefix":
		return slices.ContainsFunc(c.File.Texts(c.Arg(1)), func(text string) bool { return looseText(c, text) })
	}
	return false
}

func looseText(c *gomodel.Call, text string) bool {
	switch c.Name {
	case "strings.Contains":
		return true
	case "strings.HasSuffix":
		return !strings.HasPrefix(text, ".") && !strings.Contains(text, "://")
	case "strings.HasPrefix":
		host := text[strings.Index(text, "://")+len("://"):]
		return strings.Contains(text, "://") && host != "" && !strings.HasSuffix(text, ":") && !strings.HasSuffix(text, "/") || !strings.Contains(text, "://")
	}
	return false
}

func (s *policy) tell(p *analysis.Pass, f *gomodel.File, n ast.Node) {
	if analysis.GoSample(f.Path) {
		return
	}
	switch {
	case s.any && s.credentials:
		p.GoAt(origins, f, n, "every origin is agreed to, with credentials")
	case s.all && s.credentials:
		p.GoAt(origins, f, n, `the origin "*" is allowed together with credentials`)
	case s.weak != nil:
		p.GoSeverity(origins, finding.Medium, f, s.weak, "only a part of the origin is compared: another site can have the same")
	case s.any || s.all:
		p.GoSeverity(origins, finding.Low, f, n, "every origin may read the answers")
	}
}

// corsCall looks at a call that answers CORS, or that makes what does.
func corsCall(p *analysis.Pass, c *gomodel.Call) {
	f := c.File
	switch c.Name {
	case "github.com/rs/cors.AllowAll", "github.com/rs/cors.Default", "github.com/gin-contrib/cors.Default", "github.com/go-chi/cors.AllowAll", "github.com/labstack/echo/middleware.CORS":
		(&policy{all: true}).tell(p, f, c)
		return
	case "github.com/gofiber/fiber/middleware/cors.New":
		if len(c.Args) == 0 {
			(&policy{all: true}).tell(p, f, c)
		}
		return
	case "github.com/gin-contrib/cors.DefaultConfig":
		ginDefault(p, c)
		return
	case "github.com/gorilla/handlers.CORS":
		gorilla(p, c)
		return
	}
	header(p, c)
}

// ginDefault looks at what is made of gin's default.
func ginDefault(p *analysis.Pass, c *gomodel.Call) {
	f := c.File
	var s policy
	assignments(f, func(_ *ast.AssignStmt, field string, of, value ast.Expr) {
		if holds(f, of, c.CallExpr) {
			s.set(f, field, value)
		}
	})
	s.tell(p, f, c)
}

func gorilla(p *analysis.Pass, c *gomodel.Call) {
	var s policy
	for _, a := range c.Args {
		in, e := c.File.Only(a)
		o := in.CallOf(e)
		if o == nil {
			continue
		}
		switch o.Name {
		case "github.com/gorilla/handlers.AllowedOrigins":
			s.set(in, "AllowedOrigins", o.Arg(0))
		case "github.com/gorilla/handlers.AllowCredentials":
			s.credentials = true
		case "github.com/gorilla/handlers.AllowedOriginValidator":
			s.set(in, "AllowOriginFunc", o.Arg(0))
		}
	}
	s.tell(p, c.File, c)
}

// header looks at a call that sets Access-Control-Allow-Origin.
func header(p *analysis.Pass, c *gomodel.Call) {
	switch c.Method() {
	case "Set", "Add", "Header":
	default:
		return
	}
	f := c.File
	name, ok := f.Text(c.Arg(0))
	if !ok || !strings.EqualFold(name, "Access-Control-Allow-Origin") || c.Arg(1) == nil || c.Func == nil {
		return
	}
	root := c.Func.Root()
	s := policy{credentials: credentialed(root)}
	value := c.Args[1]
	text, known := f.Text(value)
	switch {
	case known && text == "*":
		s.all = true
		if s.credentials || !openData(p, root) {
			s.tell(p, f, c)
		}
	case known:
	case f.Level(value) != gomodel.Tainted: // it was checked, as far as names say
		if _, weak := compared(f, c, value); weak != nil && ofOrigin(f, value) {
			s.weak = weak
			s.tell(p, f, c)
		}
	default:
		looked, weak := compared(f, c, value)
		switch {
		case weak != nil:
			s.weak = weak
		case looked:
			return
		default:
			s.any = true
		}
		s.tell(p, f, c)
	}
}

// openData tells whether a function is the handler of routes that are only read,
// and that nobody has to say for who they are: what they answer is for all.
func openData(p *analysis.Pass, root *gomodel.Func) bool {
	some := false
	for _, r := range p.GoRoutes() {
		if !slices.ContainsFunc(r.Handlers, func(h *gomodel.Func) bool { return h.Root() == root }) {
			continue
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead || slices.ContainsFunc(r.Wrappers, func(w gomodel.Wrapper) bool { return w.Name == "" || auth(w.Name) }) {
			return false
		}
		some = true
	}
	// What looks at who asks is not for all.
	return some && !analysis.GoMentions(root.Node, func(id string) bool {
		return analysis.Names(id, "user", "session", "token", "claims", "authorization", "cookie", "account", "tenant")
	})
}

// credentialed tells whether a function allows credentials.
func credentialed(root *gomodel.Func) bool {
	for _, fn := range root.Within() {
		for _, c := range fn.Calls {
			if name, ok := c.File.Text(c.Arg(0)); ok && strings.EqualFold(name, "Access-Control-Allow-Credentials") {
				text, known := c.File.Text(c.Arg(1))
				return !known || text == "true"
			}
		}
	}
	return false
}

// ofOrigin tells whether a variable holds the origin that a client names.
func ofOrigin(f *gomodel.File, value ast.Expr) bool {
	v := f.VarOf(value)
	if v == nil {
		return false
	}
	list, _ := v.Values()
	return slices.ContainsFunc(list, func(x ast.Expr) bool {
		c := v.File.CallOf(x)
		if c == nil || c.Method() != "Get" && c.Method() != "GetHeader" {
			return false
		}
		name, ok := v.File.Text(c.Arg(0))
		return ok && strings.EqualFold(name, "Origin")
	})
}

// compared tells whether an origin was looked at before it is sent back, and
// which test of it is too weak.
func compared(f *gomodel.File, c *gomodel.Call, value ast.Expr) (looked bool, weak ast.Node) {
	v := f.VarOf(value)
	about := func(n ast.Node) bool {
		found := false
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				found = found || v != nil && f.VarOf(n) == v
			case *ast.CallExpr:
				if o := f.CallOf(n); o != nil && o.Method() == "Get" || o != nil && o.Method() == "GetHeader" {
					text, ok := f.Text(o.Arg(0))
					found = found || ok && strings.EqualFold(text, "Origin")
				}
			}
			return !found
		})
		return found
	}
	judge := func(cond ast.Expr) {
		ast.Inspect(cond, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op == token.LAND || n.Op == token.LOR {
					return true
				}
				if text, ok := f.Text(n.Y); (!ok || text != "") && about(n) {
					looked = true
				}
				return false
			case *ast.CallExpr:
				if o := f.CallOf(n); o != nil && about(n) {
					if loose(o) {
						weak = o
					} else if n := weakly(o); n != nil {
						weak = n
					} else {
						looked = true
					}
				}
				return false
			case *ast.IndexExpr:
				looked = looked || about(n.Index)
			case *ast.Ident: // ok of a map, or a flag
				if f.VarOf(n) != nil && f.VarOf(n) != v {
					looked = true
				}
			}
			return true
		})
	}
	ast.Inspect(c.Func.Root().Node, func(n ast.Node) bool {
		if s, ok := n.(*ast.IfStmt); ok {
			within := s.Body.Pos() < c.Pos() && c.End() <= s.Body.End()
			if within || s.End() < c.Pos() && leaves(s.Body) {
				judge(s.Cond)
			}
		}
		if s, ok := n.(*ast.CaseClause); ok && s.Pos() < c.Pos() && c.End() <= s.End() {
			for _, e := range s.List {
				looked = looked || f.Level(e) != gomodel.Tainted
			}
		}
		return true
	})
	if looked {
		weak = nil
	}
	return looked, weak
}

// weakly is the test by which a function of the project's own agrees to an
// origin, where it is too weak: what it asks for besides says nothing of the
// host.
func weakly(c *gomodel.Call) ast.Node {
	if len(c.Targets()) != 1 {
		return nil
	}
	to := c.Targets()[0]
	var last ast.Expr
	for _, r := range to.Returns() {
		switch {
		case len(r.Results) != 1, to.File.True(r.Results[0]):
			return nil
		case gomodel.Written(r.Results[0]) == "false":
		case last != nil:
			return nil
		default:
			last = r.Results[0]
		}
	}
	return weakest(to.File, last)
}

// weakest is the weak one of tests that must all hold; nil when another of
// them looks at the host.
func weakest(f *gomodel.File, e ast.Expr) ast.Node {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return weakest(f, e.X)
	case *ast.CallExpr:
		if c := f.CallOf(e); c != nil && loose(c) {
			return c
		}
	case *ast.BinaryExpr:
		if e.Op != token.LAND {
			return nil
		}
		x, y := weakest(f, e.X), weakest(f, e.Y)
		switch {
		case x != nil && (y != nil || beside(e.Y)):
			return x
		case y != nil && beside(e.X):
			return y
		}
	}
	return nil
}

// beside tells whether a test looks at an error or a scheme only.
func beside(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return beside(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.LAND {
			return beside(e.X) && beside(e.Y)
		}
		name := gomodel.Written(e.X)
		return gomodel.Written(e.Y) == "nil" || name == "err" || strings.HasSuffix(name, ".Scheme") || empty(e.Y)
	}
	return false
}

func empty(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Value == `""`
}

func leaves(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	_, ok := b.List[len(b.List)-1].(*ast.ReturnStmt)
	return ok
}
