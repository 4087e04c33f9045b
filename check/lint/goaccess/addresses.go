package goaccess

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

// admits tells whether a list is of those who may.
func admits(name string) bool {
	return analysis.Names(name, "allowed", "allow", "allowlist", "allow list", "whitelist", "white list", "trusted", "admin", "admins", "internal", "permitted", "office", "vpn", "corp", "corporate", "network", "networks", "nets", "cidr", "cidrs", "subnet", "subnets", "ranges", "intranet", "lan", "management", "ops", "staff", "partner", "partners", "safe", "bypass", "exempt", "ips", "office ips", "addrs", "addresses", "prefixes", "prefix", "acl") && !refused(name)
}

// refused tells whether a list is of those who may not, or counts.
func refused(name string) bool {
	return analysis.Names(name, "block", "blocked", "blocklist", "banned", "ban", "bans", "deny", "denied", "denylist", "black", "blacklist", "bad", "limit", "limits", "limiters", "limiter", "rate", "rates", "hits", "visitors", "seen", "attempts", "count", "counts", "buckets", "clients", "cache", "sessions", "locked", "failures")
}

// once is a pass that tells of an address once a line: ip == a || ip == b.
func once(p *analysis.Pass) *analysis.Pass {
	said := map[int]bool{}
	q := *p
	q.Report = func(f analysis.Finding) {
		if f.Rule != clientIP || !said[f.Line] {
			said[f.Line] = said[f.Line] || f.Rule == clientIP
			p.Report(f)
		}
	}
	return &q
}

// lookedUp tells of an address that a client sends, and that is looked up in
// what says who may.
func lookedUp(p *analysis.Pass, f *gomodel.File, at ast.Node, list string, e ast.Expr) {
	if !refused(list) && address(f, e, 0) == "header" && decides(f, at) {
		p.GoAt(clientIP, f, at, "an address that a client sends in a header is looked up in %s", list)
	}
}

// asked looks at a call that is asked about an address: a network whether it
// holds it, the address whether it is private, a function whether it may.
func asked(p *analysis.Pass, c *gomodel.Call) {
	f := c.File
	switch c.Method() {
	case "Contains", "Has":
		if len(c.Args) == 1 && c.Receiver() != nil {
			lookedUp(p, f, c.CallExpr, gomodel.Written(c.Receiver()), c.Args[0])
		}
		return
	case "IsPrivate", "IsLoopback":
		if len(c.Args) == 0 && c.Receiver() != nil && address(f, c.Receiver(), 0) == "header" && decides(f, c.CallExpr) {
			p.GoAt(clientIP, f, c.CallExpr, "an address that a client sends in a header is asked whether it is of one's own network")
		}
		return
	}
	if len(c.Args) == 1 && len(c.Targets()) == 0 && admits(c.Method()) && !strings.Contains(c.Name, "net/http") && address(f, c.Args[0], 0) == "header" && decides(f, c.CallExpr) {
		p.GoAt(clientIP, f, c.CallExpr, "an address that a client sends in a header is asked whether it may")
	}
}

// proxied tells whether a header is only read of one's own proxy: the function
// names it, or looks at the connection before.
func proxied(f *gomodel.File, c *gomodel.Call) bool {
	fn := c.Func
	if fn == nil || fn.Body == nil {
		return false
	}
	if analysis.GoMentions(fn.Node, func(id string) bool {
		return analysis.Names(id, "proxy", "proxies", "trusted proxy", "hops", "load balancer", "peer")
	}) {
		return true
	}
	// if trusted(r.RemoteAddr) { … }
	for _, n := range f.Around(c.CallExpr) {
		if s, ok := n.(*ast.IfStmt); ok && s.Body.Pos() < c.Pos() && connection(f, s.Cond) {
			return true
		}
	}
	for _, s := range fn.Body.List { // if !trusted(r.RemoteAddr) { return … }
		if s, ok := s.(*ast.IfStmt); ok && s.End() < c.Pos() && leaves(s.Body) && connection(f, s.Cond) {
			return true
		}
	}
	return false
}

// connection tells whether a condition looks at the address of the connection.
func connection(f *gomodel.File, e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(ast.Expr); ok {
			switch x := x.(type) {
			case *ast.CallExpr:
				c := f.CallOf(x)
				found = found || c != nil && c.Method() == "RemoteIP"
			case *ast.SelectorExpr, *ast.Ident:
				found = found || address(f, x, plain) == "connection"
				if v := f.VarOf(x); v != nil && v.Func != nil {
					list, _ := v.Values()
					for _, value := range list {
						found = found || address(f, value, plain) == "connection"
						if c := f.CallOf(value); c != nil && c.Method() == "RemoteIP" {
							found = true
						}
					}
				}
			}
		}
		return !found
	})
	return found
}

// named tells whether the program names its proxies to the framework.
func named(p *gomodel.Project) bool {
	for _, f := range p.Files {
		for _, c := range f.Calls {
			switch c.Name {
			case "github.com/gin-gonic/gin.Engine.SetTrustedProxies":
				return true // what is too wide is told of there
			case "github.com/labstack/echo.ExtractIPDirect", "github.com/labstack/echo.ExtractIPFromXFFHeader", "github.com/labstack/echo.ExtractIPFromRealIPHeader":
				return true
			}
		}
	}
	return false
}

// addressCompared tells of an address that decides, and may be anybody's.
func addressCompared(p *analysis.Pass, f *gomodel.File, at ast.Node, x, y ast.Expr) {
	for range 2 {
		text, ok := f.Text(y)
		if ok && machine(text) {
			switch from := address(f, x, 0); {
			case from == "" || !decides(f, at):
			case from == "header":
				p.GoAt(clientIP, f, at, "an address that a client sends in a header is compared with %s", text)
				return
			default:
				p.GoSeverity(clientIP, finding.Medium, f, at, "the address of the connection is compared with %s: behind a proxy on the machine it is everybody's", text)
				return
			}
		}
		if list := ranged(f, y); list != "" && admits(list) {
			lookedUp(p, f, at, list, x)
			return
		}
		x, y = y, x
	}
}

// ranged is the list that a name is an element of, in a loop around it, or "".
func ranged(f *gomodel.File, e ast.Expr) string {
	id, ok := e.(*ast.Ident)
	if !ok {
		return ""
	}
	for _, n := range f.Around(id) {
		if r, ok := n.(*ast.RangeStmt); ok && r.Value != nil && gomodel.Written(r.Value) == id.Name {
			return gomodel.Written(r.X)
		}
	}
	return ""
}

// machine tells whether a text is an address of one's own machine or network.
func machine(text string) bool {
	for _, p := range []string{"127.", "10.", "192.168.", "172.16.", "172.17.", "::1", "[::1]", "localhost"} {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// forwarded tells whether a header is one that says where a request is from.
func forwarded(header string) bool {
	switch strings.ToLower(header) {
	case "x-forwarded-for", "x-real-ip", "x-client-ip", "x-originating-ip", "x-remote-ip", "x-remote-addr", "true-client-ip", "forwarded", "x-forwarded-host", "x-cluster-client-ip", "cf-connecting-ip", "fastly-client-ip", "client-ip", "x-forwarded":
		return true
	}
	return false
}

// maxDepth bounds how far an address is followed; from plain on, what stands
// before a header is not asked for again.
const (
	maxDepth = 8
	plain    = 100
)

// address tells where an address of a client is from: "header", which the
// client writes, "connection", or "" for what is none.
func address(f *gomodel.File, e ast.Expr, depth int) string {
	return (&trail{map[any]bool{}}).address(f, e, depth)
}

// A trail is what was followed already: each variable and function once.
type trail struct{ seen map[any]bool }

func (t *trail) again(x any) bool {
	before := t.seen[x]
	t.seen[x] = true
	return before
}

func (t *trail) address(f *gomodel.File, e ast.Expr, depth int) string {
	if depth > maxDepth && depth < plain || depth > plain+4 || e == nil {
		return ""
	}
	depth++
	switch e := e.(type) {
	case *ast.ParenExpr:
		return t.address(f, e.X, depth)
	case *ast.IndexExpr:
		return t.address(f, e.X, depth)
	case *ast.SliceExpr:
		return t.address(f, e.X, depth)
	case *ast.SelectorExpr:
		if e.Sel.Name == "RemoteAddr" && f.TypeOf(e.X) == "net/http.Request" {
			return "connection"
		}
	case *ast.Ident:
		v := f.VarOf(e)
		if v == nil || v.Func == nil || t.again(v) {
			return ""
		}
		out := ""
		list, _ := v.Values()
		for _, x := range list {
			out = stronger(out, t.address(f, x, depth))
		}
		if v.Param {
			for _, s := range f.Project.Sites(v) {
				out = stronger(out, t.address(s.File, s.Arg, depth))
			}
		}
		return out
	case *ast.CallExpr:
		c := f.CallOf(e)
		if c == nil {
			return ""
		}
		switch c.Method() {
		case "Get", "GetHeader":
			if depth < plain && proxied(f, c) {
				return "" // an own proxy wrote it
			}
			name, ok := f.Text(c.Arg(0))
			if !ok && c.Arg(0) != nil { // echo.HeaderXForwardedFor
				in, only := f.Only(c.Args[0])
				full := in.Qualified(only)
				switch full[strings.LastIndexByte(full, '.')+1:] {
				case "HeaderXForwardedFor", "HeaderXRealIP":
					return "header"
				}
			}
			if ok && forwarded(name) || !ok && slices.ContainsFunc(f.Texts(c.Arg(0)), forwarded) { // for _, h := range headers
				return "header"
			}
			return ""
		case "IPs":
			if c.Name == "github.com/gofiber/fiber.Ctx.IPs" {
				return "header"
			}
		case "ClientIP", "RealIP":
			if (strings.HasSuffix(c.Name, "Context.ClientIP") || strings.HasSuffix(c.Name, "Context.RealIP")) && !named(f.Project) {
				return "header"
			}
		case "SplitHostPort", "Split", "SplitN", "Cut", "TrimSpace", "ParseIP", "ParseAddr", "String", "TrimPrefix", "Fields", "ToLower", "LastIndex", "MustParseAddr", "Unmap", "FieldsFunc", "To4", "To16", "Trim", "Clone", "ParseAddrPort", "Addr":
			if len(c.Args) > 0 {
				return t.address(f, c.Args[0], depth)
			}
			return t.address(f, c.Receiver(), depth)
		}
		out := ""
		for _, to := range c.Targets() {
			if t.again(to) {
				continue
			}
			for _, r := range to.Returns() {
				if len(r.Results) > 0 {
					out = stronger(out, t.address(to.File, r.Results[0], depth))
				}
			}
		}
		return out
	}
	return ""
}

func stronger(a, b string) string {
	if a == "header" || b == "" {
		return a
	}
	return b
}
