package gomodel_test

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

func load(t testing.TB, files map[string]string) *gomodel.Project {
	t.Helper()
	var list []*gomodel.File
	for name, src := range files {
		f, err := gomodel.Parse(name, []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, f)
	}
	return gomodel.New(list)
}

// TestSamples holds the model to what stands behind the calls in testdata:
// show(x) is followed by the level of x, path(x) by whether it may be opened,
// kind(x) by its type, called(x) by its name, and text(x) by its parts.
func TestSamples(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range txtar.Parse(data).Files {
				files[f.Name] = string(f.Data)
			}
			asked := 0
			for _, f := range load(t, files).Files {
				lines := strings.Split(files[f.Path], "\n")
				for _, c := range f.Calls {
					if got, ok := answer(f, c); ok {
						asked++
						at := f.Position(c.Pos())
						_, want, _ := strings.Cut(lines[at.Line-1], "// ")
						if got != strings.TrimSpace(want) {
							t.Errorf("%s:%d: %s: got %s", f.Path, at.Line, strings.TrimSpace(lines[at.Line-1]), got)
						}
					}
				}
			}
			if asked < 5 && name != "testdata/routes.txtar" {
				t.Errorf("only %d questions", asked)
			}
		})
	}
}

func answer(f *gomodel.File, c *gomodel.Call) (string, bool) {
	if len(c.Args) != 1 {
		return "", false
	}
	x := c.Args[0]
	switch c.Method() {
	case "show":
		return [...]string{"clean", "typed", "tainted"}[f.Level(x)], true
	case "path":
		if f.Reaches(x, gomodel.Path) {
			return "unsafe", true
		}
		return "safe", true
	case "kind":
		return f.TypeOf(x), true
	case "called":
		return f.Qualified(x), true
	case "text":
		var out strings.Builder
		for _, p := range f.Parts(x) {
			switch {
			case p.Expr == nil:
				out.WriteString(p.Text)
			case p.Verb != 0:
				fmt.Fprintf(&out, "<%s %%%c>", word(p.Expr), p.Verb)
			default:
				fmt.Fprintf(&out, "<%s>", word(p.Expr))
			}
		}
		return out.String(), true
	}
	return "", false
}

func word(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return word(e.X) + "." + e.Sel.Name
	case *ast.CallExpr:
		return word(e.Fun) + "()"
	}
	return fmt.Sprintf("%T", e)
}

func TestRoutes(t *testing.T) {
	data, err := os.ReadFile("testdata/routes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range txtar.Parse(data).Files {
		files[f.Name] = string(f.Data)
	}
	var got []string
	for _, r := range load(t, files).Routes() {
		line := r.File.Path + " " + r.Method + " " + r.Path + " "
		for _, h := range r.Handlers {
			line += h.Name + "."
		}
		for _, w := range r.Wrappers {
			line += " " + w.Name
		}
		got = append(got, line)
	}
	slices.Sort(got)
	want := []string{
		"chi/main.go DELETE /admin/users/{id} get. logs auth limit",
		"chi/main.go GET /open get. logs",
		"chi/main.go GET /sub/a get. logs",
		"chi/main.go POST /admin/users get. logs auth",
		"chi/main.go PUT /me get. logs auth",
		"echo/main.go GET /y get. logs",
		"echo/main.go POST /admin/x get. logs auth limit",
		"gin/main.go DELETE /v1/users/:id get. auth admin",
		"gin/main.go GET /open/x .",
		"gin/main.go GET /v1/me get. auth",
		"gin/main.go POST /login get.",
		"gorilla/main.go  /api/late login. logs s.auth",
		"gorilla/main.go DELETE /x login. logs",
		"gorilla/main.go GET /api/me login. logs s.auth",
		"gorilla/main.go POST /login login. logs",
		"gorilla/main.go PUT /api/me login. logs s.auth",
		"std/main.go  /admin/stats get. logAll requireAuth",
		"std/main.go  /any get. logAll requireAuth2 logged",
		"std/main.go  /default .",
		"std/main.go GET /users/{id} get. logAll",
		"std/main.go POST /users create. logAll requireAuth",
	}
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("got  %s\nwant %s", g, w)
		}
	}
}
