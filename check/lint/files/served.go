package files

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// servedFolders are those whose files a browser gets as what their names say.
func servedFolders(p *analysis.Pass) []folder {
	var out []folder
	p.Made(func(c *pymodel.Call) {
		switch {
		case c.Is("starlette.staticfiles.StaticFiles"):
			if list, whole := folders(p, c.Scope, c.Arg(0, "directory"), 0); whole {
				out = append(out, list...)
			}
		case c.Is("starlette.responses.FileResponse"):
			// With a filename it is an attachment.
			if c.Keyword("filename") == nil && c.Keyword("media_type") == nil && c.Keyword("headers") == nil {
				if list, whole := folders(p, c.Scope, c.Arg(0, "path"), 0); !whole {
					out = append(out, list...)
				}
			}
		}
	})
	return out
}

// ending tells whether an expression is the last part of a file's name, behind
// the dot.
func ending(s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.Attribute:
		return e.Attr == "suffix"
	case *pyast.Subscript:
		c, ok := e.Value.(*pyast.Call)
		if n, name := e.Value.(*pyast.Name); name { // parts[-1]
			if b, at := s.Lookup(n.ID); b != nil && at.Func != nil && b.Count == 1 && !b.Part {
				c, ok = b.Value.(*pyast.Call)
			}
		}
		if !ok || !isLast(s, e.Slice) {
			if a, ok := e.Value.(*pyast.Attribute); ok && a.Attr == "suffixes" {
				return true
			}
			return false
		}
		if s.Qualified(c.Func) == "os.path.splitext" {
			return true
		}
		a, ok := c.Func.(*pyast.Attribute)
		if !ok || !slices.Contains([]string{"split", "rsplit", "rpartition", "partition"}, a.Attr) {
			return false
		}
		sep, _ := s.Text(pymodel.Arg(c, 0, "sep"))
		return sep == "."
	}
	return false
}

// endings tells of uploads that keep the ending of the client's name, where
// they are served.
func endings(p *analysis.Pass) {
	served := servedFolders(p)
	if len(served) == 0 {
		return
	}
	said := map[*pymodel.Func]bool{}
	p.Calls(func(c *pymodel.Call) {
		f := c.Scope.Enclosing()
		if f == nil || said[f] {
			return
		}
		for _, e := range paths(c) {
			list, _ := folders(p, c.Scope, e, 0)
			if !slices.ContainsFunc(list, func(x folder) bool {
				return slices.ContainsFunc(served, func(s folder) bool { return s.holds(x) })
			}) || content(c.Scope, e) {
				continue
			}
			k := &keeper{Pass: p}
			if !k.keeps(c.Scope, e, 0) || slices.ContainsFunc(k.funcs, vetsEnding) || vetsEnding(f) || p.Python.Reaches(c.Scope, e, cut) != nil && fullName(p, c, e) {
				continue
			}
			said[f] = true
			p.PythonAt(suffix, c.Module, c.Call, "the upload keeps the ending that the client gave, and its folder is served")
			return
		}
	})
}

// fullName tells whether the whole name is the client's, of which
// lint/upload-filename tells.
func fullName(p *analysis.Pass, c *pymodel.Call, e pyast.Expr) bool {
	t := p.Python.Reaches(c.Scope, e, cut)
	a, ok := t.Leaf.Expr.(*pyast.Attribute)
	return ok && a.Attr == "filename"
}

// A keeper follows a path to the name that a client gave an upload.
type keeper struct {
	*analysis.Pass
	funcs []*pymodel.Func
}

func (k *keeper) any(s *pymodel.Scope, depth int, list ...pyast.Expr) bool {
	return slices.ContainsFunc(list, func(e pyast.Expr) bool { return k.keeps(s, e, depth) })
}

// keeps tells whether a path ends as the client's name does.
func (k *keeper) keeps(s *pymodel.Scope, e pyast.Expr, depth int) (found bool) {
	if e == nil || depth > 14 {
		return false
	}
	depth++
	defer func() {
		if f := s.Enclosing(); found && f != nil && !slices.Contains(k.funcs, f) {
			k.funcs = append(k.funcs, f)
		}
	}()
	if ending(s, e) {
		return k.named(s, e, depth)
	}
	switch x := e.(type) {
	case *pyast.JoinedStr:
		return k.any(s, depth, x.Values...)
	case *pyast.FormattedValue:
		return k.keeps(s, x.Value, depth)
	case *pyast.BinOp:
		return k.any(s, depth, x.Left, x.Right)
	case *pyast.BoolOp:
		return k.any(s, depth, x.Values...)
	case *pyast.IfExp:
		return k.any(s, depth, x.Body, x.Orelse)
	case *pyast.Await:
		return k.keeps(s, x.Value, depth)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil || k.Python.Checked(s, x) {
			return false
		}
		for _, d := range at.Defs {
			// _, ext = os.path.splitext(file.filename)
			if d.Name == x.ID && (k.keeps(at, d.Value, depth) || d.Part && lastPart(at, x.ID) && k.named(at, d.Value, depth)) {
				return true
			}
		}
		if b.Param {
			for _, o := range k.Python.Given(at.Func, x.ID) {
				if k.keeps(o.Scope, o.Expr, depth) {
					return true
				}
			}
		}
	case *pyast.Call:
		if b := s.Symbol(x.Func).Binding; b != nil && b.Func != nil {
			return k.any(b.Func.Scope, depth, b.Func.Results()...)
		}
		if a, ok := x.Func.(*pyast.Attribute); ok && k.keeps(s, a.Value, depth) {
			return true
		}
		return k.any(s, depth, x.Args...)
	}
	return false
}

// lastPart tells whether a name gets what stands behind the dot:
// _, ext = os.path.splitext(name).
func lastPart(at *pymodel.Scope, name string) bool {
	return at.Func != nil && slices.ContainsFunc(at.Module.Assigns, func(a pymodel.At[*pyast.Assign]) bool {
		t, ok := a.Node.Targets[0].(*pyast.Tuple)
		if !ok || a.Scope != at || len(t.Elts) < 2 || analysis.Leaf(t.Elts[len(t.Elts)-1]) != name {
			return false
		}
		c, ok := a.Node.Value.(*pyast.Call)
		if !ok {
			return false
		}
		if at.Qualified(c.Func) == "os.path.splitext" {
			return true
		}
		f, ok := c.Func.(*pyast.Attribute)
		sep, _ := at.Text(pymodel.Arg(c, 0, "sep"))
		return ok && sep == "." && slices.Contains([]string{"rsplit", "rpartition"}, f.Attr)
	})
}

// named tells whether a text is the name of an upload, or a part of it.
func (k *keeper) named(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if e == nil || depth > 14 {
		return false
	}
	depth++
	switch x := e.(type) {
	case *pyast.Attribute:
		if x.Attr == "filename" {
			return upload(s, x.Value) || analysis.Names(analysis.Leaf(x.Value), "file", "upload", "image", "photo", "avatar", "attachment", "picture", "document")
		}
		return k.named(s, x.Value, depth)
	case *pyast.Subscript:
		return k.named(s, x.Value, depth)
	case *pyast.BoolOp:
		return slices.ContainsFunc(x.Values, func(v pyast.Expr) bool { return k.named(s, v, depth) })
	case *pyast.IfExp:
		return k.named(s, x.Body, depth)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil {
			return false
		}
		for _, d := range at.Defs {
			if d.Name == x.ID && k.named(at, d.Value, depth) {
				return true
			}
		}
		return b.Param && slices.ContainsFunc(k.Python.Given(at.Func, x.ID), func(o pymodel.Origin) bool { return k.named(o.Scope, o.Expr, depth) })
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok && k.named(s, a.Value, depth) {
			return true
		}
		return slices.ContainsFunc(x.Args, func(a pyast.Expr) bool { return k.named(s, a, depth) })
	}
	return false
}

// vets tells whether a function looks at what an upload is.
func vets(f *pymodel.Func) bool { return looks(f, nil) }

// vetsEnding tells whether a function looks at what an upload is, beside what
// its sender says: image/png, and page.html.
func vetsEnding(f *pymodel.Func) bool {
	return looks(f, func(e pyast.Expr) bool { return said(f.Scope, e, 0) })
}

// looks tells whether a function looks at the kind of a file, by more than what
// is no sign of it.
func looks(f *pymodel.Func, no func(pyast.Expr) bool) bool {
	found := false
	about := func(e pyast.Expr) bool {
		return (no == nil || !no(e)) && analysis.Mentions(e, func(id string) bool {
			return analysis.Names(id, "suffix", "ext", "extension", "content type", "mime", "mimetype", "kind", "file type", "suffixes")
		})
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare:
			for i, op := range n.Ops {
				if c, ok := n.Comparators[i].(*pyast.Constant); (op == pyast.Eq || op == pyast.NotEq) && ok && c.Value == "" {
					continue // whether there is one
				}
				found = found || (op == pyast.In || op == pyast.NotIn || op == pyast.Eq || op == pyast.NotEq) && (about(n.Left) || about(n.Comparators[i]))
			}
		case *pyast.Subscript: // ENDINGS[file.content_type]
			found = found || about(n.Slice)
		case *pyast.Call:
			name := f.Scope.Qualified(n.Func)
			for _, top := range []string{"magic.", "filetype.", "imghdr.", "puremagic.", "PIL.", "cv2.", "pypdf.", "PyPDF2.", "fitz."} {
				found = found || strings.HasPrefix(name, top)
			}
			leaf := analysis.Leaf(n.Func)
			if a, ok := n.Func.(*pyast.Attribute); ok {
				leaf = a.Attr
				found = found || (leaf == "endswith" || leaf == "startswith") && (about(a.Value) || analysis.Leaf(a.Value) == "filename") || leaf == "get" && len(n.Args) > 0 && about(n.Args[0])
			}
			if leaf == "match" || leaf == "fullmatch" || leaf == "search" {
				found = found || !anyType(f.Scope, n)
				break
			}
			found = found || analysis.Names(leaf, "validate", "verify", "check", "allowed", "sniff", "detect", "inspect", "ensure", "scan", "guess extension", "is image", "safe", "sanitize", "require")
		}
		return !found
	})
	return found
}

// said tells whether a value is the type that the client said, or a part of it.
func said(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 6 {
		return false
	}
	depth++
	switch x := e.(type) {
	case *pyast.Attribute:
		return x.Attr == "content_type" && upload(s, x.Value)
	case *pyast.BoolOp:
		return said(s, x.Values[0], depth)
	case *pyast.Subscript:
		return said(s, x.Value, depth)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		return b != nil && at.Func != nil && b.Count == 1 && !b.Part && b.Value != nil && said(at, b.Value, depth)
	case *pyast.Call:
		a, ok := x.Func.(*pyast.Attribute)
		return ok && said(s, a.Value, depth) // .lower(), .split(";")
	}
	return false
}

// anyType tells whether a pattern lets the type of a page through, as one of
// what a type looks like does.
func anyType(s *pymodel.Scope, c *pyast.Call) bool {
	pattern := pymodel.Arg(c, 0, "pattern")
	if a, ok := c.Func.(*pyast.Attribute); ok && !strings.HasPrefix(s.Qualified(c.Func), "re.") {
		if made := s.Made(a.Value); made != nil {
			pattern = pymodel.Arg(made, 0, "pattern")
		}
	}
	text, known := s.Text(pattern)
	if !known {
		return false
	}
	rx, err := regexp.Compile(strings.ReplaceAll(text, `\Z`, `\z`))
	return err == nil && rx.MatchString("text/html")
}
