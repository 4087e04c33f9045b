package goserver

import (
	"go/ast"
	"path"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

// folders are the functions that serve a folder, and the argument that says
// which.
var folders = map[string]int{
	"net/http.FileServer": 0, "net/http.FileServerFS": 0, "github.com/gin-gonic/gin.Engine.Static": 1, "github.com/gin-gonic/gin.RouterGroup.Static": 1, "github.com/gin-gonic/gin.Engine.StaticFS": 1, "github.com/gin-gonic/gin.RouterGroup.StaticFS": 1,
	"github.com/labstack/echo.Echo.Static": 1, "github.com/labstack/echo.Group.Static": 1, "github.com/gofiber/fiber.App.Static": 1, "github.com/gofiber/fiber.Router.Static": 1, "github.com/gofiber/fiber/middleware/static.New": 0, "github.com/labstack/echo/middleware.Static": 0,
}

// serving looks at a call that serves the files of a folder.
func serving(p *analysis.Pass, c *gomodel.Call) {
	i, ok := folders[c.Name]
	if !ok || c.Arg(i) == nil || analysis.GoSample(c.File.Path) {
		return
	}
	dir, lists, ok := folder(c.File, c.Args[i])
	if !ok {
		return
	}
	lists = lists || c.Method() == "FileServer" || c.Method() == "FileServerFS"
	if len(c.Args) == i+2 && strings.HasPrefix(c.Name, "github.com/gofiber") {
		if in, lit := literalOf(c.File, c.Args[i+1]); lit != nil {
			b := setting(lit, "Browse")
			lists = lists || b != nil && in.True(b)
		}
	}
	tell(p, c.File, c, dir, lists)
}

func tell(p *analysis.Pass, f *gomodel.File, n ast.Node, dir string, lists bool) {
	clean := path.Clean(dir)
	switch {
	case clean == "." || clean == ".." || clean == "/" || clean == "/etc" || clean == "/root" || clean == "/home" || clean == "/var" || clean == "/proc" || clean == "/app":
		p.GoAt(files, f, n, "%q is served: the source, the configuration and whatever else is there", dir)
	case lists && analysis.Names(strings.ReplaceAll(clean, "/", "_"), "upload", "uploads", "files", "media", "data", "documents", "backup", "backups", "storage", "attachments", "invoices", "private", "tmp", "exports", "reports", "logs"):
		p.GoSeverity(files, finding.Low, f, n, "the files of %q are listed for everybody", dir)
	}
}

// folder is the folder that an expression stands for.
func folder(f *gomodel.File, e ast.Expr) (dir string, lists, ok bool) {
	if text, ok := f.Text(e); ok {
		return text, false, true
	}
	in, e := f.Only(e)
	if c := in.CallOf(e); c != nil {
		switch in.Qualified(c.Fun) {
		case "net/http.Dir", "os.DirFS":
			text, ok := in.Text(c.Arg(0))
			return text, true, ok
		case "net/http.FS":
			return folder(in, c.Arg(0))
		case "github.com/gin-gonic/gin.Dir":
			text, ok := in.Text(c.Arg(0))
			return text, len(c.Args) == 2 && in.True(c.Args[1]), ok
		}
	}
	return "", false, false
}

// listing looks at a configuration of files that are served.
func listing(p *analysis.Pass, l *gomodel.Literal) {
	switch l.Type {
	case "github.com/labstack/echo/middleware.StaticConfig", "github.com/gofiber/fiber/middleware/filesystem.Config":
	default:
		return
	}
	root := setting(l.CompositeLit, "Root")
	if root == nil {
		return
	}
	if dir, _, ok := folder(l.File, root); ok {
		b := setting(l.CompositeLit, "Browse")
		tell(p, l.File, l, dir, b != nil && l.File.True(b))
	}
}

// protected tells whether something before a handler may ask who is there.
func protected(r *gomodel.Route) bool {
	for _, w := range r.Wrappers {
		if auth(w.Name) {
			return true
		}
	}
	return careful(r.Call)
}

func auth(name string) bool {
	return analysis.Names(name, "auth", "authenticate", "authenticated", "authorize", "authorized", "require", "jwt", "token", "login", "admin", "protect", "protected", "guard", "secured", "internal", "local", "permission", "role")
}

// debugCall looks at a call that turns debugging on.
func debugCall(p *analysis.Pass, c *gomodel.Call) {
	if c.Name != "github.com/gin-gonic/gin.SetMode" || c.Arg(0) == nil || analysis.GoSample(c.File.Path) {
		return
	}
	in, e := c.File.Only(c.Args[0])
	text, _ := in.Text(e)
	if in.Qualified(e) == "github.com/gin-gonic/gin.DebugMode" || text == "debug" {
		for _, n := range c.File.Around(c) {
			switch n.(type) {
			case *ast.IfStmt, *ast.CaseClause:
				return
			}
		}
		p.GoAt(debug, c.File, c, "gin runs in debug mode")
	}
}
