package goserver

import (
	"go/ast"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

// addresses tells once an application that the address of a client is what
// the client says.
func addresses(p *analysis.Pass) {
	if p.Guarded(proxies) {
		return
	}
	var gin, used, real, header *gomodel.Call
	trusted, extractor := false, false
	for _, f := range p.Go.Files {
		assignments(f, func(_ *ast.AssignStmt, field string, _, _ ast.Expr) {
			extractor = extractor || field == "IPExtractor"
			trusted = trusted || field == "TrustedPlatform"
		})
	}
	p.GoCalls(func(c *gomodel.Call) {
		if analysis.GoSample(c.File.Path) {
			return
		}
		switch c.Name {
		case "github.com/gin-gonic/gin.Default", "github.com/gin-gonic/gin.New":
			gin = c
		case "github.com/gin-gonic/gin.Engine.SetTrustedProxies":
			if whole(c) {
				p.GoSeverity(proxies, finding.Medium, c.File, c, "every address is a trusted proxy: X-Forwarded-For is believed from anybody")
			}
			trusted = true
		case "github.com/gin-gonic/gin.Context.ClientIP":
			used = c
		case "github.com/labstack/echo.Context.RealIP":
			real = c
		}
		for _, a := range c.Args {
			if name := c.File.Qualified(a); name == "github.com/go-chi/chi/middleware.RealIP" || name == "github.com/gorilla/handlers.ProxyHeaders" {
				header = c
			}
		}
	})
	switch {
	case gin != nil && !trusted && used != nil:
		p.GoSeverity(proxies, finding.Medium, gin.File, gin, "gin trusts every proxy until SetTrustedProxies is called, and ClientIP is used")
	case gin != nil && !trusted:
		p.GoAt(proxies, gin.File, gin, "gin trusts every proxy until SetTrustedProxies is called")
	case real != nil && !extractor:
		p.GoSeverity(proxies, finding.Medium, real.File, real, "without an IPExtractor, echo's RealIP is what X-Forwarded-For says")
	case header != nil:
		p.GoSeverity(proxies, finding.Medium, header.File, header, "the address becomes what X-Forwarded-For or X-Real-IP says, whoever sent it")
	}
	for _, f := range p.Go.Files {
		for _, l := range f.Literals {
			if l.Type == "github.com/gofiber/fiber.Config" && setting(l.CompositeLit, "ProxyHeader") != nil && setting(l.CompositeLit, "EnableTrustedProxyCheck") == nil && setting(l.CompositeLit, "TrustProxy") == nil {
				p.GoSeverity(proxies, finding.Medium, f, l, "ProxyHeader is believed from anybody: EnableTrustedProxyCheck is off")
			}
		}
	}
}

// whole tells whether a list of proxies holds all addresses.
func whole(c *gomodel.Call) bool {
	in, lit := literalOf(c.File, c.Arg(0))
	if lit == nil {
		return false
	}
	for _, e := range lit.Elts {
		if text, ok := in.Text(e); ok && strings.HasSuffix(text, "/0") {
			return true
		}
	}
	return false
}

// sessionName tells whether a cookie stands for who somebody is.
func sessionName(name string) bool {
	return analysis.Names(name, "session", "sessions", "sid", "sess", "session id", "sessionid", "token", "auth", "jwt", "refresh", "access token", "remember", "remember me", "identity", "login", "user", "api key", "authorization") &&
		!analysis.Names(name, "csrf", "xsrf", "theme", "lang", "flash", "state")
}

// cookieLiteral looks at a cookie that is made.
func cookieLiteral(p *analysis.Pass, l *gomodel.Literal) {
	f := l.File
	only := "HttpOnly"
	switch l.Type {
	case "net/http.Cookie":
	case "github.com/gofiber/fiber.Cookie":
		only = "HTTPOnly"
	case "github.com/gorilla/sessions.Options":
		if len(l.Elts) > 0 && setting(l.CompositeLit, "MaxAge") != nil || setting(l.CompositeLit, "Path") != nil {
			lacking(p, l, "the session", only)
		}
		return
	default:
		return
	}
	if l.Func == nil || len(l.Elts) == 0 {
		return
	}
	name := setting(l.CompositeLit, "Name")
	if name == nil {
		return
	}
	id, ok := f.Text(name)
	if !ok {
		id = analysis.GoLeaf(f, name)
	}
	value := setting(l.CompositeLit, "Value")
	if text, ok := f.Text(value); value == nil || ok && text == "" {
		return // it is taken away
	}
	if age := setting(l.CompositeLit, "MaxAge"); age != nil {
		if u, ok := age.(*ast.UnaryExpr); ok && u.Op.String() == "-" {
			return
		}
	}
	if !sessionName(id) && !sessionName(analysis.GoLeaf(f, value)) || sent(l) {
		return
	}
	lacking(p, l, id, only)
}

// oneByOne looks at a cookie that begins empty.
func oneByOne(p *analysis.Pass, c *gomodel.Call) {
	if len(c.Args) == 0 {
		return
	}
	f, e := c.File, c.Args[len(c.Args)-1]
	if u, ok := e.(*ast.UnaryExpr); ok {
		e = u.X
	}
	v := f.VarOf(e)
	if v == nil || v.Param || v.Func == nil {
		return
	}
	list, _ := v.Values()
	for _, x := range list {
		if u, ok := x.(*ast.UnaryExpr); ok {
			x = u.X
		}
		lit, ok := x.(*ast.CompositeLit)
		if call := f.CallOf(x); (!ok || len(lit.Elts) > 0) && (call == nil || gomodel.Written(call.Fun) != "new") {
			return // the literal says it, or nobody knows
		}
	}
	set := map[string]ast.Expr{}
	assignments(f, func(_ *ast.AssignStmt, field string, of, value ast.Expr) {
		if f.VarOf(of) == v {
			set[field] = value
		}
	})
	if set["Name"] == nil || set["Value"] == nil {
		return
	}
	id, _ := f.Text(set["Name"])
	if text, ok := f.Text(set["Value"]); ok && text == "" || !sessionName(id) && !sessionName(analysis.GoLeaf(f, set["Value"])) {
		return
	}
	var lack []string
	for _, flag := range []string{"HttpOnly", "Secure"} {
		if set[flag] == nil || f.False(set[flag]) {
			lack = append(lack, flag)
		}
	}
	if len(lack) > 0 {
		p.GoAt(cookies, f, c, "the cookie %s is set without %s", id, strings.Join(lack, " and "))
	}
}

// sent tells whether a cookie goes with a request to another server.
func sent(l *gomodel.Literal) bool {
	for _, fn := range l.Func.Root().Within() {
		for _, c := range fn.Calls {
			if c.Method() == "AddCookie" || c.Method() == "SetCookies" {
				return true
			}
		}
	}
	return false
}

func lacking(p *analysis.Pass, l *gomodel.Literal, name, only string) {
	f := l.File
	later := map[string]bool{}
	assignments(f, func(_ *ast.AssignStmt, field string, of, value ast.Expr) {
		ours := holds(f, of, l.CompositeLit) || f.VarOf(of) == nil && f.TypeOf(of) == l.Type // store.Options.HttpOnly
		if ours && !f.False(value) {
			later[field] = true
		}
	})
	var lack []string
	for _, flag := range []string{only, "Secure"} {
		v := setting(l.CompositeLit, flag)
		if !later[flag] && (v == nil || f.False(v)) {
			lack = append(lack, flag)
		}
	}
	if len(lack) > 0 {
		p.GoAt(cookies, f, l, "the cookie %s is set without %s", name, strings.Join(lack, " and "))
	}
}

// cookieCall looks at cookies whose fields are given one by one, and at gin's
// SetCookie, whose flags have no names.
func cookieCall(p *analysis.Pass, c *gomodel.Call) {
	if c.Name == "net/http.SetCookie" || c.Name == "github.com/labstack/echo.Context.SetCookie" {
		oneByOne(p, c)
		return
	}
	if c.Name != "github.com/gin-gonic/gin.Context.SetCookie" || len(c.Args) != 7 {
		return
	}
	f := c.File
	id, ok := f.Text(c.Args[0])
	if !ok {
		id = analysis.GoLeaf(f, c.Args[0])
	}
	if text, ok := f.Text(c.Args[1]); ok && text == "" || !sessionName(id) && !sessionName(analysis.GoLeaf(f, c.Args[1])) {
		return
	}
	var lack []string
	if f.False(c.Args[6]) {
		lack = append(lack, "HttpOnly")
	}
	if f.False(c.Args[5]) {
		lack = append(lack, "Secure")
	}
	if len(lack) > 0 {
		p.GoAt(cookies, f, c, "the cookie %s is set without %s", id, strings.Join(lack, " and "))
	}
}
