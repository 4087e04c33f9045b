package goinput

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

// opens are the functions that open a file, and the argument that names it.
var opens = map[string]int{
	"os.Open": 0, "os.OpenFile": 0, "os.ReadFile": 0, "os.Create": 0, "os.WriteFile": 0, "os.Remove": 0, "os.RemoveAll": 0, "os.Rename": 1, "os.Mkdir": 0, "os.MkdirAll": 0, "os.ReadDir": 0, "os.DirFS": 0, "os.Symlink": 1, "os.Link": 1,
	"io/ioutil.ReadFile": 0, "io/ioutil.WriteFile": 0, "io/ioutil.ReadDir": 0, "html/template.ParseFiles": 0, "text/template.ParseFiles": 0,
	"github.com/labstack/echo.Context.File": 0, "github.com/labstack/echo.Context.Attachment": 0, "github.com/labstack/echo.Context.Inline": 0,
	"github.com/gofiber/fiber.Ctx.SendFile": 0, "github.com/gofiber/fiber.Ctx.Download": 0, "github.com/gofiber/fiber.Ctx.SaveFile": 1, "github.com/gin-gonic/gin.Context.SaveUploadedFile": 1,
}

// serves are those that refuse a request whose path holds two dots.
var serves = map[string]int{"net/http.ServeFile": 2, "github.com/gin-gonic/gin.Context.File": 0, "github.com/gin-gonic/gin.Context.FileAttachment": 0}

// flows are what was told of: of the paths that a function opens one after the
// other, and that are made of the same, the first is enough.
type flows map[flow]bool

type flow struct {
	fn *gomodel.Func
	of any // the variable, or where the value is made
}

// told tells whether a path was told of, and keeps that it is now.
func (s flows) told(c *gomodel.Call, f *gomodel.File, path ast.Expr) bool {
	if c.Func == nil {
		return false
	}
	from := flow{c.Func.Root(), origin(f, path, 0)}
	before := s[from] || s[flow{fn: from.fn}] && ofEntry(f, path, 0)
	s[from] = true
	return before
}

// origin is what a path is made of: a variable, or where it was put together.
func origin(f *gomodel.File, e ast.Expr, depth int) any {
	in, only := f.Only(e)
	if c, ok := only.(*ast.CallExpr); ok && len(c.Args) > 0 && depth < 4 {
		switch in.Qualified(c.Fun) {
		case "path/filepath.Dir", "path.Dir", "path/filepath.Clean", "path.Clean", "path/filepath.Abs", "path/filepath.EvalSymlinks":
			return origin(in, c.Args[0], depth+1)
		}
	}
	if v := in.VarOf(only); v != nil {
		return v
	}
	return only
}

// ofEntry tells whether a path is made of the name of an entry of an archive.
func ofEntry(f *gomodel.File, e ast.Expr, depth int) bool {
	if entryName(f, e, 0) {
		return true
	}
	in, only := f.Only(e)
	if added(f, e) != nil {
		return true
	}
	if c, ok := only.(*ast.CallExpr); ok && depth < 4 {
		for _, a := range c.Args {
			if ofEntry(in, a, depth+1) {
				return true
			}
		}
	}
	return false
}

// paths looks at a call that opens a file.
func paths(p *analysis.Pass, c *gomodel.Call, said flows) {
	f := c.File
	if i, ok := serves[c.Name]; ok && c.Arg(i) != nil {
		switch name := c.Args[i]; {
		case f.Reaches(name, gomodel.Serve) && !said.told(c, f, name):
			p.GoAt(traversal, f, c, "%s, which a client sends, is part of the path that is served", sent(f, name))
		case f.Reaches(name, gomodel.Path) && joined(f, name) && !ofURL(f, name) && !said.told(c, f, name):
			p.GoSeverity(traversal, finding.Medium, f, c, "%s, a part of the request's path, names the file: only a check of two dots in the whole path stands before", sent(f, name))
		}
		return
	}
	i, ok := opens[c.Name]
	if !ok || c.Arg(i) == nil {
		return
	}
	name := c.Args[i]
	switch {
	case f.Reaches(name, gomodel.Path):
		if !said.told(c, f, name) {
			p.GoAt(traversal, f, c, "%s, which a client sends, is part of the path", sent(f, name))
		}
	case writes(c.Name) && uploaded(f, name, 0):
		p.GoSeverity(traversal, finding.Medium, f, c, "an uploaded file is kept under the name that the client gave it: it replaces the file of another, with any extension")
	}
}

// joined tells whether a path is put together: what is a whole path by itself
// was most likely looked up.
func joined(f *gomodel.File, e ast.Expr) bool {
	in, e := f.Only(e)
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return true
	case *ast.CallExpr:
		name := in.Qualified(e.Fun)
		return name == "path/filepath.Join" || name == "path.Join" || name == "fmt.Sprintf"
	}
	return false
}

// ofURL tells whether it is the whole path of the request that is served, as
// is done with files of a page.
func ofURL(f *gomodel.File, e ast.Expr) bool {
	in, e := f.Only(e)
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		found = found || ok && sel.Sel.Name == "Path" && in.TypeOf(sel.X) == "net/url.URL"
		return !found
	})
	return found
}

// sent is the part of a path that a client sends.
func sent(f *gomodel.File, e ast.Expr) string {
	in, only := f.Only(e)
	name := ""
	ast.Inspect(only, func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		if ok && name == "" && x != only && in.Level(x) == gomodel.Tainted {
			name = gomodel.Written(x)
		}
		return name == ""
	})
	if name == "" {
		return what(e)
	}
	return name
}

func writes(name string) bool {
	switch name {
	case "os.Create", "os.OpenFile", "os.WriteFile", "io/ioutil.WriteFile", "github.com/gofiber/fiber.Ctx.SaveFile", "github.com/gin-gonic/gin.Context.SaveUploadedFile":
		return true
	}
	return false
}

// uploaded tells whether a path ends with the name of an upload.
func uploaded(f *gomodel.File, e ast.Expr, depth int) bool {
	if depth > 4 {
		return false
	}
	in, e := f.Only(e)
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name == "Filename" && in.TypeOf(e.X) == "mime/multipart.FileHeader"
	case *ast.BinaryExpr:
		// What stands before the name makes it one's own.
		if _, plain := in.Text(e.X); e.Op == token.ADD && (plain || separated(in, e.X)) {
			return uploaded(in, e.Y, depth+1)
		}
	case *ast.CallExpr:
		switch in.Qualified(e.Fun) {
		case "path/filepath.Join", "path.Join":
			return len(e.Args) > 0 && uploaded(in, e.Args[len(e.Args)-1], depth+1)
		case "path/filepath.Base", "path.Base":
			return len(e.Args) == 1 && uploaded(in, e.Args[0], depth+1)
		case "fmt.Sprintf":
			if format, ok := in.Text(e.Args[0]); ok && strings.HasSuffix(format, "/%s") {
				return uploaded(in, e.Args[len(e.Args)-1], depth+1)
			}
		}
	}
	return false
}

// separated tells whether a text ends with a slash.
func separated(f *gomodel.File, e ast.Expr) bool {
	parts := f.Parts(e)
	return len(parts) > 0 && strings.HasSuffix(parts[len(parts)-1].Text, "/")
}

// archives looks at a function that goes through an archive.
func archives(p *analysis.Pass, fn *gomodel.Func, said flows) {
	if fn.Outer != nil || !fn.File.Imports("archive/zip", "archive/tar") {
		return
	}
	var join ast.Node
	opened, checked := false, false
	for _, in := range fn.Within() {
		for _, c := range in.Calls {
			switch c.Name {
			case "path/filepath.Join", "path.Join":
				for _, a := range c.Args {
					if join == nil && entryName(fn.File, a, 0) {
						join = c.CallExpr
					}
				}
			case "os.Create", "os.OpenFile", "os.WriteFile", "os.MkdirAll", "os.Mkdir", "os.Symlink":
				opened = true
				if join == nil && len(c.Args) > 0 {
					join = added(fn.File, c.Args[0])
				}
			default:
				checked = checked || staysBelow(c)
				// Others of the project are given the path, and may look at it.
				name := strings.ToLower(c.Method())
				opened = opened || len(c.Targets()) > 0 && (strings.Contains(name, "extract") || strings.Contains(name, "write") || strings.Contains(name, "save"))
				checked = checked || strings.Contains(name, "safe") || strings.Contains(name, "sanit") || strings.Contains(name, "valid") || strings.Contains(name, "within") || strings.Contains(name, "secure")
			}
		}
	}
	if join != nil && !checked { // what it calls may open it, or look at it
		opened = opened || slices.ContainsFunc(fn.Reached(1), func(to *gomodel.Func) bool { return slices.ContainsFunc(to.Calls, creates) })
		checked = slices.ContainsFunc(fn.Reached(2), func(to *gomodel.Func) bool { return slices.ContainsFunc(to.Calls, staysBelow) })
	}
	if join != nil && opened && !checked {
		said[flow{fn: fn}] = true
		p.GoAt(zipSlip, fn.File, join, "the name of an entry is joined to a folder, and nothing looks whether it leaves it")
	}
}

func creates(c *gomodel.Call) bool {
	return c.Name == "os.Create" || c.Name == "os.OpenFile" || c.Name == "os.WriteFile"
}

// staysBelow tells whether a call looks whether a path leaves a folder. That a
// name does not begin with two dots says nothing of those further on, unless it
// was cleaned.
func staysBelow(c *gomodel.Call) bool {
	switch c.Name {
	case "strings.HasPrefix":
		text, ok := c.File.Text(c.Arg(1))
		return !ok || text != "/" && text != `\` && !strings.HasPrefix(text, "..") || cleaned(c.File, c.Arg(0), 0)
	case "path/filepath.IsLocal", "path/filepath.Rel", "strings.Contains", "path/filepath.Localize", "os.OpenRoot", "io/fs.ValidPath", "github.com/cyphar/filepath-securejoin.SecureJoin":
		return true
	}
	return false
}

// cleaned tells whether a path may have been brought into its shortest form:
// what is no name as it stands in an archive, or was given, is taken as one.
func cleaned(f *gomodel.File, e ast.Expr, depth int) bool {
	if v := f.VarOf(e); v != nil && depth < 5 {
		list, _ := v.Values()
		if len(list) > 0 {
			return slices.ContainsFunc(list, func(x ast.Expr) bool { return cleaned(f, x, depth+1) })
		}
		sites := f.Project.Sites(v)
		return len(sites) == 0 || slices.ContainsFunc(sites, func(s gomodel.Site) bool { return cleaned(s.File, s.Arg, depth+1) })
	}
	sel, ok := e.(*ast.SelectorExpr)
	return !ok || sel.Sel.Name != "Name"
}

// added is where a path is put together of a folder and the name of an entry
// by hand, or nil.
func added(f *gomodel.File, path ast.Expr) ast.Node {
	parts := f.Parts(path)
	for _, part := range parts {
		if len(parts) > 1 && part.Expr != nil && entryName(part.File, part.Expr, 0) {
			if in, only := f.Only(path); in == f {
				return only
			}
			return path
		}
	}
	return nil
}

// entryName tells whether an expression is the name of an entry of an archive.
func entryName(f *gomodel.File, e ast.Expr, depth int) bool {
	if depth > 4 {
		return false
	}
	in, e := f.Only(e)
	switch e := e.(type) {
	case *ast.SelectorExpr:
		switch in.TypeOf(e.X) {
		case "archive/zip.File", "archive/zip.FileHeader", "archive/tar.Header":
			return e.Sel.Name == "Name"
		}
	case *ast.CallExpr:
		switch name := in.Qualified(e.Fun); name {
		case "path/filepath.FromSlash", "path/filepath.Clean", "path.Clean", "strings.TrimPrefix", "strings.TrimLeft", "strings.ReplaceAll":
			return len(e.Args) > 0 && entryName(in, e.Args[0], depth+1)
		}
	}
	return false
}
