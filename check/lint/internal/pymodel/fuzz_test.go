package pymodel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// FuzzNew: whatever the files hold, the model is made, the same source gives
// the same answers, and what is written is no client's choice.
func FuzzNew(f *testing.F) {
	for _, part := range strings.Split(routed, "-- app/") {
		_, text, _ := strings.Cut(part, "--\n")
		f.Add(text, "from a.main import *\n")
	}
	names, err := filepath.Glob("../../*/testdata/*.py")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 4096 {
			f.Add(string(data), "import a.main as m\nm.f(m.x)\n")
		}
	}
	for _, s := range [][2]string{
		{"from .other import x\ny = x\n", "from .main import y\nx = y\n"},
		{"class A(B): pass\nclass B(A): pass\nclass C(C): a: 'C' = C\nC().a.a.b()\n", "from a.main import A as B\nclass A(B):\n  def f(self): return self.f(self.g)\n"},
		{"a = b = a\nb = lambda a: a\n[a for a in a if a]\n(a := a)\na, *b = a\n", "def f(*a, **b): f(*a, **b)\nasync def f(f=f): return await f(f)\n"},
		{"from fastapi import *\nr = APIRouter(prefix=r)\nr.include_router(r, prefix=f'{r}')\n@r.get(r)\ndef f(r=Depends(f)): return r\n", "x: 'x[' = 1\ny: \"Annotated[y, Depends(y)]\" = y\n"},
		{"import a.main.a as a\nfrom ....a import b\nfrom . import *\nimport a\n", "global x\ndel x\nwith x as x, y as (x, z): x.y[z] = x\ntry: pass\nexcept x as y: pass\n"},
		{"match x:\n  case [a, *b] | {**c}: a = b\n  case x.y(z=w) as v: pass\n", "type X = list[X]\ndef f[T: T](a: T) -> T: pass\nfor x.y in x: pass\n"},
		{"def f(request):\n  a = request.query_params\n  if a in L: a = g(a)\n  return f(a)\n", "from a.main import f\ndef g(x): return f(x)\n"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		first := fuzzed(one, two)
		if first == nil {
			return
		}
		if a, b := tells(t, first), tells(t, fuzzed(one, two)); a != b {
			t.Fatalf("two answers:\n%s\n%s", a, b)
		}
	})
}

// fuzzed is a project of two files; nil when they are no text.
func fuzzed(texts ...string) *Project {
	var sources []Source
	for i, text := range texts {
		tree, err := pyast.Parse([]byte(text))
		if err != nil {
			return nil
		}
		sources = append(sources, Source{Path: []string{"a/main.py", "a/other.py"}[i], File: tree})
	}
	return New(sources)
}

// tells is all that a model says of all that stands in its files, in one text.
func tells(t *testing.T, p *Project) string {
	var b strings.Builder
	ask := func(m *Module, s *Scope, e pyast.Expr) {
		if e == nil {
			return
		}
		if e.Pos() < 0 || e.End() > len(m.File.Src) {
			t.Fatalf("%d to %d is no place of %d bytes", e.Pos(), e.End(), len(m.File.Src))
		}
		v, known := s.Const(e)
		texts, all := s.Texts(e)
		l := p.Level(s, e)
		if _, literal := e.(*pyast.Constant); literal && l != Clean {
			t.Fatalf("a client chose %s", m.File.Text(e))
		}
		fmt.Fprintln(&b, m.Path, e.Pos(), s.Qualified(e), v, known, texts, all, l, s.TypeOf(e).Name, s.Annotation(e).Name, p.Checked(s, e), s.Made(e) != nil, s.FromEnvironment(e))
		s.Annotated(e)
		s.Dict(e)
	}
	for _, m := range p.Modules {
		for _, c := range m.Calls {
			fmt.Fprintln(&b, c.Name(), c.Method(), c.Cond, c.Target() != nil)
			ask(m, c.Scope, c.Call)
			ask(m, c.Scope, c.Func)
			for _, a := range c.Args {
				ask(m, c.Scope, a)
			}
			for _, k := range c.Keywords {
				ask(m, c.Scope, k.Value)
			}
		}
		for _, r := range m.Returns {
			ask(m, r.Scope, r.Node.Value)
		}
		for _, a := range m.Assigns {
			ask(m, a.Scope, a.Node.Value)
		}
		for _, c := range m.Classes {
			fmt.Fprintln(&b, c.Name, len(c.AllFields()), c.IsTable(), c.IsSettings(), c.IsA("x"))
		}
		for _, f := range m.Funcs {
			for _, param := range f.Params {
				d, ok := f.ParamDep(param)
				fmt.Fprintln(&b, f.Name, param.Name, d.Name, ok, d.Authenticates())
			}
		}
	}
	for _, r := range p.Routes {
		fmt.Fprintln(&b, r.Path, r.Methods, r.Func.Name, r.Hidden, r.Cond, r.WebSocket, len(r.Deps), r.Authenticated())
	}
	for _, a := range p.Apps {
		for _, m := range a.Middleware {
			fmt.Fprintln(&b, m.Name, m.Listed, m.Cond)
		}
	}
	return b.String()
}
