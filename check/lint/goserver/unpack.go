package goserver

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// unpacked looks at a call that reads to the end what is unpacked from what a
// client sent: a bound on the body is none on what it unpacks to.
func unpacked(p *analysis.Pass, c *gomodel.Call) {
	from := drained(c)
	if from == nil || c.Func == nil || analysis.GoSample(c.File.Path) || c.File.Level(from) != gomodel.Tainted {
		return
	}
	if what := unpacks(c.File, from, 0); what != "" && !measured(c) {
		p.GoAt(unpack, c.File, c, "%s reads all that %s unpacks from what a client sends", gomodel.Written(c.Fun), what)
	}
}

// drained is the reader that a call reads to its end, or nil.
func drained(c *gomodel.Call) ast.Expr {
	switch c.Name {
	case "io.ReadAll", "io/ioutil.ReadAll", "encoding/json.NewDecoder", "encoding/xml.NewDecoder", "encoding/gob.NewDecoder", "encoding/csv.NewReader":
		return c.Arg(0)
	case "io.Copy", "io.CopyBuffer":
		// What goes straight on to somebody is kept nowhere.
		switch c.File.TypeOf(c.Arg(0)) {
		case "net/http.ResponseWriter":
			return nil
		}
		if c.File.Qualified(c.Arg(0)) == "io.Discard" {
			return nil
		}
		return c.Arg(1)
	case "bytes.Buffer.ReadFrom":
		return c.Arg(0)
	}
	return nil
}

// unpacks is what a reader is unpacked by, "" where it is not, or where
// something bounds it behind that.
func unpacks(f *gomodel.File, e ast.Expr, depth int) string {
	if e == nil || depth > 8 {
		return ""
	}
	depth++
	if v := f.VarOf(e); v != nil && v.Func != nil {
		list, _ := v.Values()
		for _, x := range list {
			if what := unpacks(v.File, x, depth); what != "" {
				return what
			}
		}
		if v.Param {
			for _, s := range f.Project.Sites(v) {
				if what := unpacks(s.File, s.Arg, depth); what != "" && !measured(s.Call) {
					return what
				}
			}
		}
		return ""
	}
	c := f.CallOf(e)
	if c == nil {
		return ""
	}
	switch c.Name {
	case "compress/gzip.NewReader", "compress/zlib.NewReader", "compress/flate.NewReader", "compress/bzip2.NewReader", "compress/lzw.NewReader", "compress/zlib.NewReaderDict", "compress/flate.NewReaderDict",
		"github.com/klauspost/compress/gzip.NewReader", "github.com/klauspost/compress/zlib.NewReader", "github.com/klauspost/compress/flate.NewReader", "github.com/klauspost/pgzip.NewReader", "github.com/andybalholm/brotli.NewReader", "github.com/pierrec/lz4.NewReader", "github.com/ulikunitz/xz.NewReader", "github.com/golang/snappy.NewReader", "github.com/klauspost/compress/snappy.NewReader", "github.com/klauspost/compress/s2.NewReader":
		return gomodel.Written(c.Fun)
	case "github.com/klauspost/compress/zstd.NewReader":
		if len(c.Args) == 1 { // WithDecoderMaxMemory bounds it
			return gomodel.Written(c.Fun)
		}
	case "archive/zip.File.Open":
		return "an entry of a zip"
	case "archive/zip.Reader.Open":
		return "an entry of a zip"
	case "bufio.NewReader", "bufio.NewReaderSize", "io.NopCloser", "io.TeeReader", "archive/tar.NewReader":
		return unpacks(f, c.Arg(0), depth)
	}
	if len(c.Targets()) == 1 && !strings.Contains(strings.ToLower(c.Method()), "limit") {
		to := c.Targets()[0]
		for _, r := range to.Returns() {
			if len(r.Results) > 0 {
				if what := unpacks(to.File, r.Results[0], depth); what != "" {
					return what
				}
			}
		}
	}
	return ""
}

// measured tells whether a function, or all who call it, look at how large
// something is said to be before it is read: archive/zip and archive/tar give
// no more than that.
func measured(c *gomodel.Call) bool {
	if c.Func == nil {
		return false
	}
	root := c.Func.Root()
	if measures(c) {
		return true
	}
	sites := root.Sites()
	return len(sites) > 0 && !slices.ContainsFunc(sites, func(s *gomodel.Call) bool { return s.Func == nil || !measures(s) })
}

func measures(c *gomodel.Call) bool {
	found := false
	ast.Inspect(c.Func.Root().Node, func(n ast.Node) bool {
		if n != nil && n.Pos() > c.Pos() {
			return false
		}
		b, ok := n.(*ast.BinaryExpr)
		if !ok {
			return !found
		}
		for _, x := range []ast.Expr{b.X, b.Y} {
			ast.Inspect(x, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					found = found || strings.HasPrefix(sel.Sel.Name, "UncompressedSize") || sel.Sel.Name == "Size" && c.File.TypeOf(sel.X) == "archive/tar.Header"
				}
				return !found
			})
		}
		return !found
	})
	return found
}
