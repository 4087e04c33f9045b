package pyast

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var places = regexp.MustCompile(`@\d+:\d+-\d+:\d+`)

// What is newer than the CPython that the other test asks.
func TestNewSyntax(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"type A[T: int = str, *Ts, **P] = T", "typealias(name=name(ctx=Store;id=A;);value=name(ctx=Load;id=T;);)"},
		{"def f[T](x: T) -> T: pass", "functiondef(args=arguments(args=[arg(annotation=name(ctx=Load;id=T;);arg=x;),];defaults=[];kwarg=-;kwdefaults=[];kwonlyargs=[];posonlyargs=[];vararg=-;);body=[pass(),];decoratorlist=[];name=f;returns=name(ctx=Load;id=T;);)"},
		{"class C[T](B): pass", "classdef(bases=[name(ctx=Load;id=B;),];body=[pass(),];decoratorlist=[];keywords=[];name=C;)"},
		{"type = 1", "assign(targets=[name(ctx=Store;id=type;),];value=constant(i1);)"},
		{"type(x)", "expr(value=call(args=[name(ctx=Load;id=x;),];func=name(ctx=Load;id=type;);keywords=[];);)"},
		{"match = {}\nmatch[1]", "assign(targets=[name(ctx=Store;id=match;),];value=dict(keys=[];values=[];);)\nexpr(value=subscript(ctx=Load;slice=constant(i1);value=name(ctx=Load;id=match;););)"},
		{`f"{d["k"]}"`, "expr(value=joinedstr(values=[formattedvalue(conversion=-1;formatspec=-;value=subscript(ctx=Load;slice=constant(s6b);value=name(ctx=Load;id=d;););),];);)"},
		{"f\"{f'{f\"{1}\"}'}\"", "expr(value=joinedstr(values=[formattedvalue(conversion=-1;formatspec=-;value=joinedstr(values=[formattedvalue(conversion=-1;formatspec=-;value=joinedstr(values=[formattedvalue(conversion=-1;formatspec=-;value=constant(i1);),];);),];);),];);)"},
		{"f'{x\n  # note }\n}'", "expr(value=joinedstr(values=[formattedvalue(conversion=-1;formatspec=-;value=name(ctx=Load;id=x;);),];);)"},
		{"try: pass\nexcept A, B: pass", "try(body=[pass(),];finalbody=[];handlers=[excepthandler(body=[pass(),];name=-;type=tuple(ctx=Load;elts=[name(ctx=Load;id=A;),name(ctx=Load;id=B;),];);),];orelse=[];)"},
		{"t'a{x!r}'", "expr(value=templatestr(values=[constant(s61),interpolation(conversion=114;formatspec=-;str=x;value=name(ctx=Load;id=x;);),];);)"},
	} {
		f, err := Parse([]byte(c.src))
		if err != nil || len(f.Errors) > 0 {
			t.Errorf("%q: %v %v", c.src, err, f.Errors)
			continue
		}
		got := strings.TrimSpace(places.ReplaceAllString(dump(f), ""))
		if got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

// names lists the functions that a file defines, and whether one could not be
// read between them.
func names(f *File) string {
	var out []string
	Walk(f.Body, func(n Node) bool {
		switch n := n.(type) {
		case *FunctionDef:
			out = append(out, n.Name)
		case *Bad:
			out = append(out, "!")
		}
		return true
	})
	return strings.Join(out, " ")
}

// One mistake must not hide what follows it.
func TestRecovery(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"def a(): pass\nx = = 1\ndef b(): pass\n", "a ! b"},
		{"def a():\n    x = (1,\n    y = 2\ndef b(): pass\n", "a ! b"},
		{"def a():\n    foo(1,\n\ndef b(): pass\n", "a ! b"},
		{"class A:\n    def a(self): return ]\n    def b(self): pass\n", "! b"},
		{"def a(:\n    def inner(): pass\ndef b(): pass\n", "! inner b"},
		{"print 'hello'\ndef b(): pass\n", "! b"},
		{"s = 'not ended\ndef b(): pass\n", "! b"},
		{"if x:\ndef b(): pass\n", "! b"},
		{"def a(): pass\n   def b(): pass\ndef c(): pass\n", "a ! b c"},
		{"def a(): pass\nx = f'{'\ndef b(): pass\n", "a ! b"},
		{"x = 1 $ 2\ndef b(): pass\n", "! b"},
	} {
		f, err := Parse([]byte(c.src))
		if err != nil {
			t.Errorf("%q: %v", c.src, err)
			continue
		}
		if got := names(f); got != c.want || len(f.Errors) == 0 {
			t.Errorf("%q: %s, want %s (%v)", c.src, got, c.want, f.Errors)
		}
	}
}

// What one file left in a reader is not in the next.
func TestReader(t *testing.T) {
	var r Reader
	var kept []*File
	sources := []string{"x = [1, f(a, b=2), f'{a[1]} {b:{c}}']", "def f(:\n  g(1, [2,\n", "f'{f(x, y=[1])}{'", "class A(B): a = b, c", "", "f(*a, **b)\nf'{a}{b}{f(c)}'"}
	for _, src := range sources {
		f, err := r.Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, f)
	}
	for i, src := range sources {
		alone, err := Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := dump(kept[i]), dump(alone); got != want || len(kept[i].Errors) != len(alone.Errors) {
			t.Errorf("%q:\n got %s\nwant %s", src, got, want)
		}
	}
}

func TestPosition(t *testing.T) {
	f, err := Parse([]byte("\ufeffa = 1\r\nbé = 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	a := f.Body[1].(*Assign)
	if line, col := f.Position(a.Value.Pos()); line != 2 || col != 7 {
		t.Errorf("at %d:%d, want 2:7", line, col)
	}
	if got := f.Text(a.Targets[0]); got != "bé" {
		t.Errorf("text %q", got)
	}
}

func TestEncodings(t *testing.T) {
	for src, want := range map[string]string{
		"# -*- coding: latin-1 -*-\nx = '\xe9'\n": "",
		"x = '\xe9'\n":                   "UTF-8",
		"# coding: koi8-r\nx = '\xe9'\n": "koi8-r",
		"x = 1\x00\n":                    "NUL",
	} {
		_, err := Parse([]byte(src))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
	}
}

// A file made to exhaust the stack is answered, not followed.
func TestDepth(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("(", 100_000),
		strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"x = " + strings.Repeat("not ", 100_000) + "x",
		"x = " + strings.Repeat("-", 100_000) + "x",
		"x = " + strings.Repeat("lambda: ", 100_000) + "x",
		"x = " + strings.Repeat("a if b else ", 100_000) + "x",
		"x = " + strings.Repeat("2 ** ", 100_000) + "x",
		"x = " + strings.Repeat("f'{", 10_000),
		"match x:\n case " + strings.Repeat("[", 100_000),
		deepBlocks(5000),
	} {
		f, err := Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Errors) == 0 {
			t.Errorf("%.20q…: no error", src)
		}
		Walk(f.Body, func(Node) bool { return true })
	}
	// Long is not deep.
	for _, src := range []string{
		"x = " + strings.Repeat("1 + ", 50_000) + "1",
		"x" + strings.Repeat(".y", 50_000),
		"if x: pass\n" + strings.Repeat("elif y: pass\n", 20_000),
	} {
		if f, err := Parse([]byte(src)); err != nil || len(f.Errors) > 0 {
			t.Errorf("%.20q…: %v %v", src, err, f.Errors)
		}
	}
}

func deepBlocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "if x:\n")
	}
	return b.String()
}

// laws checks what holds of every tree: nodes lie within those above them, and
// no two statements of a list overlap.
func laws(f *File) error {
	var outer []Node
	var err error
	var visit func(n Node) bool
	visit = func(n Node) bool {
		if err != nil {
			return false
		}
		if n.Pos() > n.End() || n.Pos() < 0 || n.End() > len(f.Src) {
			err = fmt.Errorf("%T spans %d to %d of %d", n, n.Pos(), n.End(), len(f.Src))
			return false
		}
		if len(outer) > 0 {
			up := outer[len(outer)-1]
			decorated := false
			switch up.(type) {
			case *FunctionDef, *ClassDef:
				decorated = true // decorators stand before it
			}
			_, placeless := n.(*Arguments)
			if !decorated && !placeless && (n.Pos() < up.Pos() || n.End() > up.End()) {
				err = fmt.Errorf("%T %d:%d is not within %T %d:%d", n, n.Pos(), n.End(), up, up.Pos(), up.End())
				return false
			}
		}
		if _, ok := n.(*Arguments); ok {
			return true
		}
		outer = append(outer, n)
		children(n, visit)
		outer = outer[:len(outer)-1]
		return false
	}
	last := 0
	for _, s := range f.Body {
		if s.Pos() < last {
			return fmt.Errorf("%T at %d begins before %d", s, s.Pos(), last)
		}
		last = s.End()
		Inspect(s, visit)
	}
	return err
}

// children visits what is right below a node.
func children(n Node, f func(Node) bool) {
	first := true
	Inspect(n, func(c Node) bool {
		if first {
			first = false
			return true
		}
		return f(c)
	})
}

// FuzzParse: any text gives a tree that keeps the laws, and a file that is read
// without a mistake is so, too, with a mistake behind it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"def f(a, /, b=1, *c, d, **e) -> int:\n    return f'{a!r:>{b}}' + (x := 3)\n",
		"match x:\n    case {'a': [1, *_], **rest} if y: pass\n    case C(a, b=1) | None: pass\n",
		"async def f():\n    async with a as b, c: await d\n    async for x in y: yield x\n",
		"with (a as b, c): pass\ntry: pass\nexcept* E as e: pass\nelse: pass\nfinally: pass\n",
		"x: int = 3; y += 1; del a, b; global c\nlambda *a, k=1: (yield)\n",
		"class A[T](B, metaclass=C):\n\t@d\n\tdef m(self): ...\n",
		"rb'\\x00' b'' \nt'{x}'\n'''a\nb'''\n[i for i in x if y for z in i]\n{**a, 'b': 1}\n",
		"if a:\n  b\n else\nelif (\n", "x = (\ndef f(): pass\n", "'\\N{DASH}\\ud800\\777'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		file, err := Parse([]byte(src))
		if err != nil {
			return
		}
		if err := laws(file); err != nil {
			t.Fatal(err)
		}
		if len(file.Errors) > 0 {
			return
		}
		// A new statement behind it changes nothing before it.
		more, err := Parse([]byte(file.Src + "\n)\n"))
		if err != nil {
			t.Fatal(err)
		}
		before, after := dump(file), dump(more)
		if len(more.Errors) == 0 || !strings.HasPrefix(after, before) && !strings.HasSuffix(strings.TrimRight(file.Src, " \t\f"), "\\") {
			t.Fatalf("%v\n%s\n%s", more.Errors, before, after)
		}
	})
}
