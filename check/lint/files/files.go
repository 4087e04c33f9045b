// Package files finds files that a client chooses: by a path, by the name of an
// upload, by an archive; and files that are open to more than they should be.
package files

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at files.
var Analyzer = &analysis.Analyzer{
	Name:  "files",
	Rules: []*analysis.Rule{traversal, filename, suffix, unbounded, contentType, staticRoot, zipSlip, mktemp, fileMode, inline},
	Run:   run,
}

func run(p *analysis.Pass) {
	said := map[string]bool{}
	p.Made(func(c *pymodel.Call) {
		for _, e := range paths(c) {
			traverses(p, c, e, said)
		}
		static(p, c)
		modes(p, c)
		unpacked(p, c)
	})
	uploads(p)
	endings(p)
	inlines(p)
	p.Funcs(func(f *pymodel.Func) { types(p, f) })
}

// pathArgs are the arguments of functions that are paths; -1 is all.
var pathArgs = map[string]int{
	"builtins.open": 0, "io.open": 0, "codecs.open": 0, "gzip.open": 0, "aiofiles.open": 0, "aiofiles.threadpool.open": 0, "anyio.open_file": 0, "os.open": 0,
	"starlette.responses.FileResponse": 0, "flask.send_file": 0, "sanic.response.file": 0, "aiohttp.web.FileResponse": 0,
	"os.remove": 0, "os.unlink": 0, "os.rmdir": 0, "os.removedirs": 0, "os.makedirs": 0, "os.mkdir": 0, "os.listdir": 0, "os.scandir": 0, "os.walk": 0, "os.rename": -1, "os.replace": -1, "os.link": -1, "os.symlink": -1,
	"shutil.copy": -1, "shutil.copy2": -1, "shutil.copyfile": -1, "shutil.copytree": -1, "shutil.move": -1, "shutil.rmtree": 0, "shutil.make_archive": -1,
	"aiofiles.os.remove": 0, "aiofiles.os.unlink": 0, "aiofiles.os.rename": -1, "aiofiles.os.listdir": 0, "aiofiles.os.mkdir": 0, "aiofiles.os.makedirs": 0, "aioshutil.rmtree": 0,
	"starlette.staticfiles.StaticFiles": 0, "starlette.templating.Jinja2Templates": 0, "pandas.read_csv": 0, "pandas.read_excel": 0, "pandas.read_parquet": 0, "numpy.loadtxt": 0, "logging.FileHandler": 0, "linecache.getlines": 0, "configparser.ConfigParser.read": 0,
}

// pathMethods are those of pathlib.Path that touch a file.
var pathMethods = []string{"open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "rmdir", "mkdir", "touch", "iterdir", "glob", "rename", "replace"}

var pathNames = []string{"path", "file", "src", "dst", "filename", "directory", "top"}

// paths are the arguments of a call that name files.
func paths(c *pymodel.Call) []pyast.Expr {
	if i, ok := pathArgs[c.Name()]; ok {
		if i < 0 {
			return slices.DeleteFunc(slices.Clone(c.Args), func(e pyast.Expr) bool { _, star := e.(*pyast.Starred); return star })
		}
		if e := c.Arg(i, ""); e != nil {
			return []pyast.Expr{e}
		}
		for _, name := range pathNames {
			if e := c.Keyword(name); e != nil {
				return []pyast.Expr{e}
			}
		}
		return nil
	}
	if r := c.Receiver(); r != nil && slices.Contains(pathMethods, c.Method()) && isPath(c.Scope, r, 0) {
		return []pyast.Expr{r}
	}
	return nil
}

// isPath tells whether a value is a path of pathlib.
func isPath(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 6 {
		return false
	}
	switch s.TypeOf(e).Name {
	case "pathlib.Path", "pathlib.PosixPath", "anyio.Path", "upath.UPath":
		return true
	}
	switch e := e.(type) {
	case *pyast.BinOp:
		return e.Op == pyast.Div
	case *pyast.Call:
		a, ok := e.Func.(*pyast.Attribute)
		return ok && slices.Contains([]string{"joinpath", "resolve", "absolute", "expanduser", "with_suffix", "with_name"}, a.Attr) || strings.HasPrefix(s.Qualified(e.Func), "pathlib.")
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		return b != nil && b.Value != nil && !b.Part && isPath(at, b.Value, depth+1)
	}
	return false
}

func traverses(p *analysis.Pass, c *pymodel.Call, e pyast.Expr, said map[string]bool) {
	if content(c.Scope, e) {
		return
	}
	t := p.Python.Reaches(c.Scope, e, cut)
	if t == nil || contained(t) || p.Vetted(t, "path", "file", "filename", "name", "key", "folder", "directory", "dir") {
		return
	}
	r := traversal
	what := "%s is part of the path"
	a, ok := t.Leaf.Expr.(*pyast.Attribute)
	switch {
	case ok && a.Attr == "filename" && !member(t.Leaf):
		r = filename
		what = "%s, which the client gave, is part of the path"
	case archive(t):
		r = zipSlip
		what = "a name in the archive %s is part of the path"
	}
	// One path that is opened, read and removed again is told of once.
	leaf := analysis.Written(c.Module, t.Leaf)
	key := r.ID + c.Module.Path + c.Scope.Enclosing().Name + " " + leaf
	if said[key] {
		return
	}
	said[key] = true
	severity := r.Severity
	if r == traversal && segment(p, t.Leaf) {
		if len(t.Funcs) > 1 && analysis.Names(analysis.Leaf(t.Leaf.Expr), "id", "uuid", "slug", "pk") {
			return // the name of a folder, which .. does not make one of
		}
		severity = finding.Medium
		what += "; it holds no slash, since it is one segment of the URL, but may be .. or hold a backslash"
	}
	p.PythonSeverity(r, severity, c.Module, c.Call, what, leaf)
}

// segment tells whether a value is one segment of the URL, as {name} is, and
// {name:path} is not.
func segment(p *analysis.Pass, leaf pymodel.Origin) bool {
	n, ok := leaf.Expr.(*pyast.Name)
	f := leaf.Scope.Enclosing()
	if !ok || f == nil {
		return false
	}
	found := false
	p.Routes(func(r *pymodel.Route) {
		found = found || r.Func == f && strings.Contains(r.Path, "{"+n.ID+"}")
	})
	return found
}

// content tells whether a value is a file itself, and not its name.
func content(s *pymodel.Scope, e pyast.Expr) bool {
	switch s.TypeOf(e).Name {
	case "io.BytesIO", "io.StringIO", uploadFile:
		return true
	}
	return upload(s, e)
}

// member tells whether a name is that of an entry of an archive.
func member(leaf pymodel.Origin) bool {
	a, ok := leaf.Expr.(*pyast.Attribute)
	if !ok || upload(leaf.Scope, a.Value) {
		return false
	}
	n, ok := a.Value.(*pyast.Name)
	if !ok {
		return false
	}
	b, at := leaf.Scope.Lookup(n.ID)
	if b == nil || b.Value == nil {
		return false
	}
	made := at.Made(b.Value)
	if made == nil {
		return false
	}
	f, ok := made.Func.(*pyast.Attribute)
	return ok && slices.Contains([]string{"infolist", "namelist", "getmembers", "getnames"}, f.Attr)
}

// archive tells whether a function on the way takes names out of an archive.
func archive(t *pymodel.Trail) bool {
	return slices.ContainsFunc(t.Funcs, func(f *pymodel.Func) bool {
		return slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool {
			return slices.Contains([]string{"infolist", "namelist", "getmembers", "getnames"}, c.Method())
		})
	})
}

// cut tells of what holds no folder of a client's choice.
func cut(s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.Name:
		// The content of a file, not its name.
		b, at := s.Lookup(e.ID)
		if b != nil && lastPart(at, e.ID) {
			return true
		}
		return b != nil && b.Param && b.Annotation != nil && at.Func != nil && at.Func.Outer.Annotation(b.Annotation).Name == "builtins.bytes" && !orPath(b.Annotation)
	case *pyast.Attribute:
		switch e.Attr {
		case "suffix", "stem":
			return true
		case "name":
			return isPath(s, e.Value, 0)
		}
	case *pyast.Subscript:
		call, ok := e.Value.(*pyast.Call)
		if !ok {
			return ending(s, e)
		}
		last := isLast(s, e.Slice)
		if s.Qualified(call.Func) == "os.path.splitext" || s.Qualified(call.Func) == "os.path.split" {
			return last
		}
		if a, ok := call.Func.(*pyast.Attribute); ok && last && (a.Attr == "split" || a.Attr == "rsplit" || a.Attr == "partition" || a.Attr == "rpartition") {
			sep, _ := s.Text(pymodel.Arg(call, 0, "sep"))
			return sep == "." || sep == "/"
		}
	case *pyast.Call:
		name := s.Qualified(e.Func)
		switch name {
		case "os.path.basename", "ntpath.basename", "posixpath.basename", "werkzeug.utils.safe_join", "flask.safe_join", "builtins.sorted", "slugify.slugify", "pathvalidate.sanitize_filename", "mimetypes.guess_extension":
			return true
		}
		if strings.HasPrefix(name, "hashlib.") || strings.HasPrefix(name, "uuid.") {
			return true
		}
		if a, ok := e.Func.(*pyast.Attribute); ok && a.Attr == "replace" && len(e.Args) == 2 {
			if from, _ := s.Text(e.Args[0]); from == "." || from == ".." || from == "/" {
				return true
			}
		}
		leaf := analysis.Leaf(e.Func)
		return analysis.Names(leaf, "secure filename", "safe join", "slugify", "slug", "sanitize", "sanitized", "safe filename", "safe path", "safe name", "clean filename", "generate filename", "hash", "hexdigest", "sniff", "detect", "guess extension", "guess type")
	}
	return false
}

func orPath(annotation pyast.Expr) bool {
	return analysis.Mentions(annotation, func(id string) bool { return id == "str" || id == "Path" })
}

func isLast(s *pymodel.Scope, e pyast.Expr) bool {
	n, ok := s.Number(e)
	return ok && (n == -1 || n == 1)
}

// contained tells whether a function on the way asks where the path leads.
func contained(t *pymodel.Trail) bool {
	for _, f := range t.Funcs {
		found := false
		resolved := false
		pyast.Inspect(f.FunctionDef, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.Call:
				a, ok := n.Func.(*pyast.Attribute)
				if !ok {
					break
				}
				switch a.Attr {
				case "is_relative_to", "relative_to", "commonpath", "commonprefix":
					found = true
				case "resolve", "realpath", "abspath", "normpath":
					resolved = true
				}
			case *pyast.Compare:
				// if ".." in name, if "/" in name, if base in path.parents
				if n.Ops[0] == pyast.In || n.Ops[0] == pyast.NotIn {
					if c, ok := n.Left.(*pyast.Constant); ok && (c.Value == ".." || c.Value == "/" || c.Value == "../") {
						found = true
					}
					if a, ok := n.Comparators[0].(*pyast.Attribute); ok && a.Attr == "parents" {
						found = true
					}
				}
			}
			return !found
		})
		if resolved && !found {
			found = startsWith(f)
		}
		if found {
			return true
		}
	}
	return false
}

// startsWith tells whether a resolved path is compared with its folder.
func startsWith(f *pymodel.Func) bool {
	return slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool { return c.Method() == "startswith" })
}

// static looks at folders that are served.
func static(p *analysis.Pass, c *pymodel.Call) {
	if !c.Is("starlette.staticfiles.StaticFiles") {
		return
	}
	e := c.Arg(0, "directory")
	if e == nil {
		return
	}
	if text, ok := c.Scope.Text(e); ok {
		switch strings.TrimRight(text, "/") {
		case "", ".", "..", "./.", "../..", "~", "/app", "/code", "/srv", "/home", "/etc", "/root", "/usr/src/app", "app", "./app", "src":
			p.PythonAt(staticRoot, c.Module, c.Call, "the folder %q is served", text)
		}
		return
	}
	if root(c.Scope, e, 0) {
		p.PythonAt(staticRoot, c.Module, c.Call, "the folder that the source is in is served")
	}
}

// root tells whether a path is the folder of a source file, or one above it.
func root(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 10 {
		return false
	}
	depth++
	switch e := e.(type) {
	case *pyast.Name, *pyast.Attribute:
		if a, ok := e.(*pyast.Attribute); ok && a.Attr == "parent" {
			return root(s, a.Value, depth) || file(s, a.Value, 0)
		}
		sym := s.Symbol(e)
		if b := sym.Binding; b != nil && b.Value != nil && b.Count == 1 && !b.Param {
			return root(sym.Scope, b.Value, depth)
		}
	case *pyast.Subscript:
		a, ok := e.Value.(*pyast.Attribute)
		return ok && a.Attr == "parents" && file(s, a.Value, 0)
	case *pyast.Call:
		switch s.Qualified(e.Func) {
		case "os.getcwd", "pathlib.Path.cwd", "pathlib.Path.home":
			return true
		case "os.path.dirname":
			return len(e.Args) == 1 && (file(s, e.Args[0], 0) || root(s, e.Args[0], depth))
		case "builtins.str", "pathlib.Path", "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.fspath":
			if len(e.Args) == 1 {
				text, ok := s.Text(e.Args[0])
				return ok && (text == "." || text == "/" || text == "..") || root(s, e.Args[0], depth)
			}
			return len(e.Args) == 0
		}
		if a, ok := e.Func.(*pyast.Attribute); ok && len(e.Args) == 0 && (a.Attr == "resolve" || a.Attr == "absolute" || a.Attr == "as_posix") {
			return root(s, a.Value, depth)
		}
	}
	return false
}

// file tells whether an expression is the path of the source file itself.
func file(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	switch e := e.(type) {
	case *pyast.Name:
		return e.ID == "__file__"
	case *pyast.Call:
		if len(e.Args) == 1 {
			return depth < 6 && file(s, e.Args[0], depth+1)
		}
		if a, ok := e.Func.(*pyast.Attribute); ok && len(e.Args) == 0 && depth < 6 {
			return file(s, a.Value, depth+1)
		}
	}
	return false
}

// modes looks at temporary names and at permissions.
func modes(p *analysis.Pass, c *pymodel.Call) {
	if c.Is("tempfile.mktemp") {
		p.PythonAt(mktemp, c.Module, c.Call, "tempfile.mktemp")
		return
	}
	var e pyast.Expr
	switch {
	case c.Is("os.chmod", "os.fchmod", "os.lchmod"):
		e = c.Arg(1, "mode")
	case c.Method() == "chmod" && c.Receiver() != nil && len(c.Args) == 1:
		e = c.Arg(0, "mode")
	case c.Is("os.umask"):
		if n, ok := c.Scope.Number(c.Arg(0, "")); ok && n == 0 {
			p.PythonAt(fileMode, c.Module, c.Call, "the mask is 0: what is made after it, everybody may write")
		}
		return
	default:
		return
	}
	if n, ok := c.Scope.Number(e); ok && n&0o002 != 0 && n&0o1000 == 0 {
		p.PythonAt(fileMode, c.Module, c.Call, "the mode is 0o%o", n)
		return
	}
	if e != nil && analysis.Mentions(e, func(id string) bool { return id == "S_IWOTH" || id == "S_IRWXO" }) {
		p.PythonAt(fileMode, c.Module, c.Call, "the mode lets others write")
	}
}
