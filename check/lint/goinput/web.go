package goinput

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// dials are the functions that connect, and the argument that says where.
var dials = map[string]int{
	"net/http.Get": 0, "net/http.Head": 0, "net/http.Post": 0, "net/http.PostForm": 0, "net/http.NewRequest": 1, "net/http.NewRequestWithContext": 2,
	"net/http.Client.Get": 0, "net/http.Client.Head": 0, "net/http.Client.Post": 0, "net/http.Client.PostForm": 0, "net/http/httputil.NewSingleHostReverseProxy": 0,
	"net.Dial": 1, "net.DialTimeout": 1, "net.Dialer.Dial": 1, "net.Dialer.DialContext": 2, "crypto/tls.Dial": 1,
	"github.com/gorilla/websocket.Dialer.Dial": 0, "github.com/go-resty/resty.Request.Get": 0, "github.com/go-resty/resty.Request.Post": 0, "github.com/go-resty/resty.Request.Put": 0, "github.com/go-resty/resty.Request.Delete": 0, "github.com/go-resty/resty.Request.Patch": 0, "github.com/go-resty/resty.Request.Execute": 1,
	"github.com/gofiber/fiber.Get": 0, "github.com/gofiber/fiber.Post": 0, "github.com/gofiber/fiber.Client.Get": 0, "github.com/gofiber/fiber.Client.Post": 0, "github.com/valyala/fasthttp.Get": 1, "github.com/valyala/fasthttp.Post": 1, "golang.org/x/net/websocket.Dial": 0, "github.com/gofiber/fiber/middleware/proxy.Do": 1, "github.com/gofiber/fiber/middleware/proxy.Forward": 0,
}

// requests looks at a call that connects.
func requests(p *analysis.Pass, c *gomodel.Call) {
	i, ok := dials[c.Name]
	if !ok || c.Arg(i) == nil {
		return
	}
	if hole := host(c.File, c.Args[i]); hole != nil && hole.File.Reaches(hole.Expr, gomodel.URL) && c.File.Reaches(c.Args[i], gomodel.URL) {
		p.GoAt(ssrf, c.File, c, "%s, which a client sends, says where the server connects to", what(hole.Expr))
	}
}

// host is the part that decides where an address leads; nil when that is
// written.
func host(f *gomodel.File, e ast.Expr) *gomodel.Part {
	head, hole := starts(f, e)
	if hole == nil {
		return nil
	}
	rest := head
	if _, after, ok := strings.Cut(head, "://"); ok {
		rest = after
	} else {
		rest = strings.TrimPrefix(rest, "//")
	}
	if strings.ContainsAny(rest, "/?#") || strings.HasSuffix(rest, ":") && len(rest) > 1 {
		return nil // behind the host, or its port
	}
	return hole
}

// checksAddresses tells whether the program looks at the addresses that it
// connects to.
func checksAddresses(p *analysis.Pass) bool {
	for _, f := range p.Go.Files {
		for _, c := range f.Calls {
			switch c.Method() {
			case "IsPrivate", "IsLoopback", "IsLinkLocalUnicast", "IsGlobalUnicast":
				return true
			}
		}
	}
	return false
}

// redirects looks at a call that sends a client elsewhere.
func redirects(p *analysis.Pass, c *gomodel.Call) {
	at := -1
	switch c.Name {
	case "net/http.Redirect":
		at = 2
	case "github.com/gin-gonic/gin.Context.Redirect", "github.com/labstack/echo.Context.Redirect":
		at = 1
	case "github.com/gofiber/fiber.Ctx.Redirect":
		at = 0
	case "net/http.Header.Set", "github.com/gin-gonic/gin.Context.Header":
		if name, ok := c.File.Text(c.Arg(0)); !ok || !strings.EqualFold(name, "Location") {
			return
		}
		at = 1
	}
	to := c.Arg(at)
	if to == nil {
		return
	}
	head, hole := starts(c.File, to)
	if hole == nil || strings.HasPrefix(head, "/") && head != "/" || strings.HasPrefix(head, "?") {
		return
	}
	// "/" and a text that begins with a slash are two. A part of a path is none.
	slashed := head == "/" && hole.File.Reaches(hole.Expr, gomodel.Serve) && !analysis.GoMentions(to, func(id string) bool { return strings.HasPrefix(id, "Trim") || id == "Clean" })
	if (slashed || host(c.File, to) != nil) && c.File.Reaches(to, gomodel.Redirect) && hole.File.Reaches(hole.Expr, gomodel.Redirect) {
		p.GoAt(redirect, c.File, c, "%s, which a client sends, says where the answer leads to", what(hole.Expr))
	}
}

// pages looks at a call that writes an answer.
func pages(p *analysis.Pass, c *gomodel.Call) {
	f := c.File
	switch c.Name {
	case "html/template.HTML", "html/template.JS", "html/template.HTMLAttr":
		if a := c.Arg(0); a != nil && f.Reaches(a, gomodel.HTML) {
			p.GoAt(xss, f, c, "%s, which a client sends, is called safe by template.%s", what(a), c.Method())
		}
		return
	case "text/template.Template.Execute", "text/template.Template.ExecuteTemplate":
		if w := c.Arg(0); w != nil && answers(f, w) && contentType(c.Func) != other {
			p.GoAt(xss, f, c, "a page is written with text/template, which escapes nothing")
		} else if data := c.Arg(len(c.Args) - 1); len(c.Args) > 1 && f.Reaches(data, gomodel.HTML) && sentAsPage(c, w) {
			p.GoAt(xss, f, c, "what a client sends is put into a page with text/template, which escapes nothing")
		}
		return
	}
	parts, kind := answer(c)
	var before strings.Builder
	for _, part := range parts {
		switch {
		case part.Expr == nil:
			before.WriteString(part.Text)
			continue
		case !part.File.Reaches(part.Expr, gomodel.HTML) || part.Verb == 'q' || part.Verb == 'd' || part.Verb == 'x':
		// Without a Content-Type net/http looks at how the answer begins.
		case kind == html || kind == unset && (markup(before.String()) || before.Len() == 0 && first(c) && !written(part)):
			p.GoAt(xss, f, c, "%s, which a client sends, is written into a page as it is", what(part.Expr))
			return
		}
		before.WriteString("?")
	}
}

// sentAsPage tells whether a buffer that a template is written into is answered
// with as a page.
func sentAsPage(c *gomodel.Call, w ast.Expr) bool {
	if u, ok := w.(*ast.UnaryExpr); ok {
		w = u.X
	}
	v := c.File.VarOf(w)
	if v == nil || v.Func == nil || c.Func == nil {
		return false
	}
	return slices.ContainsFunc(c.Func.Root().Within(), func(fn *gomodel.Func) bool {
		return slices.ContainsFunc(fn.Calls, func(o *gomodel.Call) bool {
			if o.Pos() < c.Pos() || !slices.ContainsFunc(o.Args, func(a ast.Expr) bool { return mentions(c.File, a, v) }) {
				return false
			}
			_, as := answer(o)
			return as == html
		})
	})
}

func mentions(f *gomodel.File, e ast.Expr, v *gomodel.Var) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && f.VarOf(id) == v
		return !found
	})
	return found
}

// written tells whether a part is what another package made: nobody knows how
// it begins.
func written(part gomodel.Part) bool {
	in, e := part.File.Only(part.Expr)
	c := in.CallOf(e)
	if c == nil || len(c.Targets()) > 0 {
		return false
	}
	module, _, _ := strings.Cut(c.Name, "/")
	recv := c.Receiver()
	return strings.Contains(module, ".") && strings.Contains(c.Name, "/") && (recv == nil || !gomodel.Request(in.TypeOf(recv))) && !gomodel.PathParam(c.Name)
}

type kind uint8

const (
	unset kind = iota
	html
	other
)

// answer is what a call writes to the client, and as what.
func answer(c *gomodel.Call) ([]gomodel.Part, kind) {
	f := c.File
	switch c.Name {
	case "fmt.Fprintf":
		if len(c.Args) > 1 && answers(f, c.Args[0]) {
			return f.Formatted(c.Args[1], c.Args[2:]), contentType(c.Func)
		}
	case "fmt.Fprint", "fmt.Fprintln", "io.WriteString":
		if len(c.Args) > 1 && answers(f, c.Args[0]) {
			return parts(f, c.Args[1:]), contentType(c.Func)
		}
	case "net/http.ResponseWriter.Write":
		return parts(f, c.Args), contentType(c.Func)
	case "github.com/labstack/echo.Context.HTML":
		return parts(f, c.Args[min(1, len(c.Args)):]), html
	case "github.com/gin-gonic/gin.Context.Data", "github.com/labstack/echo.Context.Blob":
		if text, ok := f.Text(c.Arg(1)); ok && strings.HasPrefix(text, "text/html") && len(c.Args) == 3 {
			return parts(f, c.Args[2:]), html
		}
	case "github.com/gin-gonic/gin.Context.String":
		if len(c.Args) > 1 && contentType(c.Func) == html {
			return f.Formatted(c.Args[1], c.Args[2:]), html
		}
	case "github.com/gofiber/fiber.Ctx.SendString", "github.com/gofiber/fiber.Ctx.Send":
		if contentType(c.Func) == html {
			return parts(f, c.Args), html
		}
	}
	return nil, other
}

func parts(f *gomodel.File, list []ast.Expr) []gomodel.Part {
	var out []gomodel.Part
	for _, e := range list {
		out = append(out, f.Parts(e)...)
	}
	return out
}

// answers tells whether a writer is that of an answer.
func answers(f *gomodel.File, w ast.Expr) bool {
	t := f.TypeOf(w)
	return t == "net/http.ResponseWriter" || t == "github.com/gin-gonic/gin.ResponseWriter"
}

// contentType is what the function says that it answers with.
func contentType(fn *gomodel.Func) kind {
	out := unset
	for ; fn != nil; fn = fn.Outer {
		for _, c := range fn.Calls {
			var text string
			var ok bool
			switch c.Method() {
			case "Set", "Add", "Header":
				if name, known := c.File.Text(c.Arg(0)); !known || !strings.EqualFold(name, "Content-Type") {
					continue
				}
				text, ok = c.File.Text(c.Arg(1))
			case "Type":
				text, ok = c.File.Text(c.Arg(0))
			default:
				continue
			}
			switch {
			case !ok:
				return other
			case strings.Contains(text, "html") || strings.Contains(text, "svg"):
				return html
			}
			out = other
		}
	}
	return out
}

// markup tells whether a text is part of a page.
func markup(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		c := s[i+1] | 0x20
		if s[i] == '<' && (c >= 'a' && c <= 'z' || s[i+1] == '!' || s[i+1] == '/') {
			return true
		}
	}
	return false
}

// first tells whether nothing is written before by the function.
func first(c *gomodel.Call) bool {
	if c.Func == nil {
		return false
	}
	for _, before := range c.Func.Calls {
		if before.Pos() < c.Pos() {
			if list, _ := answer(before); list != nil {
				return false
			}
		}
	}
	return true
}
