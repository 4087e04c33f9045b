package gomodel_test

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// FuzzModel: whatever a file holds, the model is made, each place that it
// tells of is within the file and, when nothing is broken, within its function, what is
// written is clean, and the same source gives the same answers.
func FuzzModel(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, one := range txtar.Parse(data).Files {
			f.Add(string(one.Data))
		}
	}
	for _, s := range []string{
		"package p\nfunc f(", "package p\ntype T struct { T }\nfunc (t T) m() { t.m().m() }", "package p\ntype A = B\ntype B = A\nvar x A",
		"package p\n//line other.go:900\nfunc f() { g() }", "package p\nvar a = b\nvar b = a\nfunc f() { a() ; b.c() }",
		"package p\nconst ( a = iota; b; c = 1 << a )\nfunc f[T any](x ...T) (y T) { switch z := any(x).(type) { case T: return z }; for i := range 3 { _ = i }; return }",
		"package p\nimport \"net/http\"\nfunc h(w http.ResponseWriter, r *http.Request) { for { x := r; x = nil; go func() { h(w, x) }() ; select { case a, ok := <-c: _ = a; _ = ok } } }",
		"package p\nfunc f(a, b int) (c int) { a, b = f(f(b, a), a); defer func() { c = a }(); return }\nfunc (f) g() {}",
		"package p\ntype I interface { I; m() I }\nfunc f(i I) { i.m().m(); var _ = struct{ x int }{1}.x; x.y.z[0].w = 1; *p = 2; (a).b++ }",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		first := model(src)
		if first == nil {
			return
		}
		_, broken := gomodel.Parse("main.go", []byte(src))
		if err := laws(first.Files[0], src, broken == nil); err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		if a, b := answers(first), answers(model(src)); a != b {
			t.Fatalf("two answers:\n%s\n%s\n%s", a, b, src)
		}
	})
}

func model(src string) *gomodel.Project {
	file, _ := gomodel.Parse("a/main.go", []byte(src))
	if file == nil {
		return nil
	}
	return gomodel.New([]*gomodel.File{file})
}

func laws(f *gomodel.File, src string, whole bool) error {
	lines := strings.Count(src, "\n") + 1
	within := func(n ast.Node, fn *gomodel.Func) error {
		at := f.Position(n.Pos())
		if at.Offset < 0 || at.Offset > len(src) || at.Line < 1 || at.Line > lines || at.Column < 1 || at.Filename != f.Path {
			return fmt.Errorf("%T is at %v of %d bytes and %d lines", n, at, len(src), lines)
		}
		if whole && fn != nil && (n.Pos() < fn.Node.Pos() || n.End() > fn.Node.End()) {
			return fmt.Errorf("%T at %v is not within its function", n, at)
		}
		return nil
	}
	for _, c := range f.Calls {
		if err := within(c.CallExpr, c.Func); err != nil {
			return err
		}
	}
	for _, l := range f.Literals {
		if err := within(l.CompositeLit, l.Func); err != nil {
			return err
		}
	}
	for _, fn := range f.Funcs {
		if err := within(fn.Node, fn.Outer); err != nil {
			return err
		}
	}
	var err error
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && f.Level(lit) != gomodel.Clean {
			err = fmt.Errorf("%s is not clean", lit.Value)
		}
		return err == nil
	})
	return err
}

// answers asks all there is to ask.
func answers(p *gomodel.Project) string {
	var out strings.Builder
	f := p.Files[0]
	ast.Inspect(f.AST, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		text, known := f.Text(e)
		num, isNum := f.Int(e)
		fmt.Fprint(&out, f.Level(e), f.Reaches(e, gomodel.SQL), f.TypeOf(e), f.Qualified(e), text, known, num, isNum, f.True(e), f.False(e), len(f.Parts(e)), len(f.FuncsOf(e)), "\n")
		for _, field := range p.Fields(f.TypeOf(e)) {
			fmt.Fprint(&out, field.Name, field.Type, "\n")
		}
		return true
	})
	for _, c := range f.Calls {
		fmt.Fprint(&out, c.Name, c.Method(), len(c.Targets()), "\n")
	}
	for _, r := range p.Routes() {
		fmt.Fprint(&out, r.Method, r.Path, len(r.Handlers), len(r.Wrappers), "\n")
	}
	return out.String()
}
