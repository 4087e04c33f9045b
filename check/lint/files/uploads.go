package files

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

const uploadFile = "starlette.datastructures.UploadFile"

// uploads looks at bodies that are read as a whole.
func uploads(p *analysis.Pass) {
	if p.Guarded(unbounded) || bounded(p) {
		return
	}
	bodies := 0
	p.Calls(func(c *pymodel.Call) {
		r := c.Receiver()
		f := c.Scope.Enclosing()
		if r == nil || f == nil {
			return
		}
		switch c.Method() {
		case "read":
			if len(c.Args) > 0 || len(c.Keywords) > 0 || !upload(c.Scope, r) || looksAtSize(f) {
				return
			}
			p.PythonAt(unbounded, c.Module, c.Call, "%s is read without a limit", analysis.Written(c.Module, pymodel.Origin{Expr: r, Scope: c.Scope}))
		case "body":
			// Said once: where one is, there are often many.
			if bodies == 0 && len(c.Args) == 0 && c.Scope.IsRequest(r) && !looksAtSize(f) {
				bodies++
				p.PythonAt(unbounded, c.Module, c.Call, "the body is read without a limit")
			}
		}
	})
	p.Routes(func(r *pymodel.Route) {
		for _, x := range r.Func.Params {
			if x.Annotation == nil || r.Func.Outer.Annotation(x.Annotation).Name != "builtins.bytes" || looksAtSize(r.Func) {
				continue
			}
			if isFile(r.Func, x) {
				p.PythonAt(unbounded, r.Func.Module, x.Node, "%s is an upload as bytes: all of it is in memory", x.Name)
			}
		}
	})
}

// isFile tells whether a parameter is filled from File().
func isFile(f *pymodel.Func, x *pymodel.Param) bool {
	is := func(s *pymodel.Scope, e pyast.Expr) bool {
		c, ok := e.(*pyast.Call)
		return ok && s.Qualified(c.Func) == "fastapi.File"
	}
	list, at := f.Outer.Annotated(x.Annotation)
	return is(f.Outer, x.Default) || slices.ContainsFunc(list, func(e pyast.Expr) bool { return is(at, e) })
}

// upload tells whether a value is an upload, or the file of one.
func upload(s *pymodel.Scope, e pyast.Expr) bool {
	if a, ok := e.(*pyast.Attribute); ok && a.Attr == "file" {
		e = a.Value
	}
	if s.TypeOf(e).Name == uploadFile {
		return true
	}
	// for file in files, where files: list[UploadFile]
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	b, at := s.Lookup(n.ID)
	if b == nil || !b.Part || b.Value == nil {
		return false
	}
	of, ok := b.Value.(*pyast.Name)
	if !ok {
		return false
	}
	list, in := at.Lookup(of.ID)
	if list == nil || list.Annotation == nil {
		return false
	}
	found := false
	pyast.Inspect(list.Annotation, func(n pyast.Node) bool {
		if x, ok := n.(*pyast.Name); ok && in.Qualified(x) == uploadFile {
			found = true
		}
		return !found
	})
	return found
}

// looksAtSize tells whether a function asks for the size before it reads.
func looksAtSize(f *pymodel.Func) bool {
	found := false
	pyast.Inspect(f.FunctionDef, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Attribute:
			found = found || n.Attr == "size" && n.Ctx == pyast.Load
		case *pyast.Constant:
			found = found || n.Kind == pyast.Str && strings.EqualFold(n.Value, "content-length")
		case *pyast.Call:
			found = found || analysis.Names(analysis.Leaf(n.Func), "check size", "validate size", "file size", "check file size", "validate file size", "max size", "validate file", "check limit", "limit", "limited")
		}
		return !found
	})
	return found
}

// bounded tells whether the application has a middleware that bounds bodies.
func bounded(p *analysis.Pass) bool {
	found := false
	p.Apps(func(a *pymodel.App) {
		found = found || a.BoundsBodies()
		for _, m := range a.Middleware {
			name := m.Name[strings.LastIndexByte(m.Name, '.')+1:]
			words := pymodel.Words(name)
			about := slices.ContainsFunc(words, func(w string) bool {
				return w == "body" || w == "upload" || w == "content" || w == "request" || w == "payload" || w == "max"
			})
			size := slices.ContainsFunc(words, func(w string) bool { return w == "size" || w == "length" || w == "limit" || w == "limiter" })
			if about && size && !slices.Contains(words, "rate") {
				found = true
			}
			var body pyast.Node
			if m.Class != nil {
				body = m.Class.ClassDef
			} else if m.Func != nil {
				body = m.Func.FunctionDef
			}
			if body != nil && analysis.Mentions(body, func(id string) bool {
				return strings.EqualFold(id, "content-length") || strings.EqualFold(id, "max_body_size")
			}) {
				found = true
			}
		}
	})
	return found
}

// types looks at what a function goes by when it takes an upload in.
func types(p *analysis.Pass, f *pymodel.Func) {
	var at pyast.Node
	looked, stored := false, false
	uses := false
	for _, x := range f.Params {
		uses = uses || f.Scope.TypeOf(&pyast.Name{ID: x.Name}).Name == uploadFile
	}
	if !uses {
		return
	}
	pyast.Inspect(f.FunctionDef, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare:
			if a := claimed(f, n.Left); a && at == nil {
				at = n
			}
		case *pyast.Call:
			leaf := analysis.Leaf(n.Func)
			if a, ok := n.Func.(*pyast.Attribute); ok && a.Attr == "startswith" && claimed(f, a.Value) && at == nil {
				at = n
			}
			name := f.Scope.Qualified(n.Func)
			for _, top := range []string{"magic.", "filetype.", "imghdr.", "puremagic.", "PIL.", "cv2.", "zipfile.", "csv.", "json.", "pandas.", "openpyxl.", "pypdf.", "PyPDF2.", "fitz.", "docx.", "soundfile.", "xml.", "defusedxml."} {
				looked = looked || strings.HasPrefix(name, top)
			}
			looked = looked || analysis.Names(leaf, "magic", "sniff", "mime", "validate", "verify", "check", "detect", "signature", "is image", "scan", "parse", "process", "decode", "inspect", "startswith") && leaf != "startswith"
			stored = stored || analysis.Names(leaf, "save", "store", "upload", "write", "copyfileobj", "put object", "upload fileobj", "put", "open", "write bytes", "add")
		case *pyast.Attribute:
			looked = looked || n.Attr == "suffix" || n.Attr == "suffixes"
		case *pyast.Constant:
			// The first bytes of a kind of file.
			looked = looked || n.Kind == pyast.Bytes && len(n.Value) > 1
		}
		return true
	})
	if at != nil && stored && !looked {
		p.PythonSeverity(contentType, finding.Low, f.Module, at, "content_type is the only check of what comes")
	}
}

// claimed tells whether an expression is the type that the client says.
func claimed(f *pymodel.Func, e pyast.Expr) bool {
	a, ok := e.(*pyast.Attribute)
	return ok && a.Attr == "content_type" && f.Scope.TypeOf(a.Value).Name == uploadFile
}

// unpacked looks at archives that are taken apart.
func unpacked(p *analysis.Pass, c *pymodel.Call) {
	switch c.Method() {
	case "unpack_archive":
		if c.Is("shutil.unpack_archive") && c.Keyword("filter") == nil {
			if isSent(p, c.Scope, c.Arg(0, "filename")) || takesUpload(c) {
				p.PythonAt(zipSlip, c.Module, c.Call, "an archive that a client sent is unpacked")
			}
		}
		return
	case "extractall", "extract":
	default:
		return
	}
	r := c.Receiver()
	if r == nil {
		return
	}
	made := c.Scope.Made(r)
	if made == nil {
		return
	}
	sent := takesUpload(c) || slices.ContainsFunc(append(slices.Clone(made.Args), values(made)...), func(e pyast.Expr) bool { return isSent(p, c.Scope, e) })
	switch c.Scope.Qualified(made.Func) {
	case "tarfile.open", "tarfile.TarFile", "tarfile.TarFile.open":
		if c.Keyword("filter") != nil || chosen(c, made) || filters(c) {
			if text, ok := c.Scope.Text(c.Keyword("filter")); !ok || text != "fully_trusted" {
				return
			}
		}
		if sent {
			p.PythonAt(zipSlip, c.Module, c.Call, "a tar that a client sent is unpacked without filter=\"data\"")
		} else if c.Method() == "extractall" {
			p.PythonSeverity(zipSlip, finding.Medium, c.Module, c.Call, "a tar is unpacked without filter=\"data\"")
		}
	case "zipfile.ZipFile":
		// zipfile drops .. from names, but writes as much as it is told.
		if sent && c.Method() == "extractall" && !sizes(c) {
			p.PythonSeverity(zipSlip, finding.Medium, c.Module, c.Call, "a zip that a client sent is unpacked, whatever its files' sizes are")
		}
	case "py7zr.SevenZipFile", "rarfile.RarFile":
		if sent {
			p.PythonAt(zipSlip, c.Module, c.Call, "an archive that a client sent is unpacked")
		}
	}
}

// chosen tells whether members are chosen by their names: not all that are in
// the archive, and not all of a kind.
func chosen(c *pymodel.Call, archive *pyast.Call) bool {
	e, s := c.Arg(1, "members"), c.Scope
	if c.Method() == "extract" {
		return false
	}
	if c.Keyword("members") != nil {
		e = c.Keyword("members")
	}
	for range 6 {
		switch x := e.(type) {
		case nil:
			return false
		case *pyast.Constant:
			return x.Kind != pyast.None
		case *pyast.Name:
			if s.Made(x) == archive {
				return false // members=tar
			}
			b, at := s.Lookup(x.ID)
			if b == nil || b.Value == nil || b.Part || b.Count != 1 {
				return true
			}
			e, s = b.Value, at
		case *pyast.Call:
			if a, ok := x.Func.(*pyast.Attribute); ok {
				return a.Attr != "getmembers" && a.Attr != "infolist"
			}
			if name := s.Qualified(x.Func); len(x.Args) != 1 || name != "builtins.list" && name != "builtins.iter" && name != "builtins.tuple" {
				return true
			}
			e = x.Args[0]
		case *pyast.ListComp:
			return named(x.Generators)
		case *pyast.GeneratorExp:
			return named(x.Generators)
		default:
			return true
		}
	}
	return true
}

// named tells whether a condition of a comprehension asks for more than what
// kind of member it is.
func named(gens []*pyast.Comprehension) bool {
	for _, g := range gens {
		for _, e := range g.Ifs {
			c, ok := e.(*pyast.Call)
			if !ok {
				return true
			}
			if a, ok := c.Func.(*pyast.Attribute); !ok || a.Attr != "isfile" && a.Attr != "isreg" && a.Attr != "isdir" {
				return true
			}
		}
	}
	return false
}

// isSent tells whether a value is an upload, or a path made for one: not a text
// that says which of the files here is meant.
func isSent(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr) bool {
	t := p.Python.Reaches(s, e, nil)
	if t == nil {
		return false
	}
	switch leaf := t.Leaf.Expr.(type) {
	case *pyast.Attribute:
		return leaf.Attr == "filename" || upload(t.Leaf.Scope, leaf)
	case *pyast.Name:
		b, at := t.Leaf.Scope.Lookup(leaf.ID)
		if b == nil || b.Annotation == nil {
			return false
		}
		name := at.Annotation(b.Annotation).Name
		return name == "builtins.bytes" || upload(t.Leaf.Scope, leaf)
	}
	return true // request.body(), request.stream()
}

func values(c *pyast.Call) []pyast.Expr {
	var out []pyast.Expr
	for _, k := range c.Keywords {
		out = append(out, k.Value)
	}
	return out
}

// takesUpload tells whether the function gets an upload: what is unpacked in it
// is what came.
func takesUpload(c *pymodel.Call) bool {
	f := c.Scope.Enclosing()
	if f == nil {
		return false
	}
	return slices.ContainsFunc(f.Params, func(x *pymodel.Param) bool {
		return x.Annotation != nil && f.Outer.Annotation(x.Annotation).Name == uploadFile
	})
}

// filters tells whether tarfile itself is told to filter, or each name is
// looked at.
func filters(c *pymodel.Call) bool {
	f := c.Scope.Enclosing()
	if f == nil {
		return false
	}
	t := pymodel.Trail{Funcs: []*pymodel.Func{f}}
	return contained(&t) || analysis.Mentions(f.FunctionDef, func(id string) bool { return id == "extraction_filter" || id == "data_filter" })
}

// sizes tells whether the sizes in an archive are asked for.
func sizes(c *pymodel.Call) bool {
	f := c.Scope.Enclosing()
	return f != nil && analysis.Mentions(f.FunctionDef, func(id string) bool { return id == "file_size" })
}
