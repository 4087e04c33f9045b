package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// facts writes what was found as one line for each, by place.
func facts(f *Found) map[string][]string {
	out := map[string][]string{}
	add := func(p Place, format string, args ...any) {
		line := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
		out[p.String()] = append(out[p.String()], line)
	}
	flag := func(on bool, word string) string {
		if on {
			return word
		}
		return ""
	}
	for _, a := range f.Apps {
		add(a.Place, "app %s in %s %s %s %s %s", a.Target, a.Dir, a.Framework, flag(a.Factory, "factory"), flag(a.Mounted, "mounted"), flag(a.DocsOff, "docs off"))
	}
	for _, c := range f.Commands {
		server := c.Server
		if server == "" {
			server = "unknown " + strings.Join(c.Argv, " ")
		}
		add(c.Place, "command %s %s host=%s port=%s workers=%s service=%s", server, c.Target, c.Host, c.Port, c.Workers, c.Service)
	}
	for _, m := range f.Mains {
		add(m.Place, "main %s %s", m.Dir, m.Framework)
	}
	for kind, list := range map[string][]Value{"host": f.Hosts, "origin": f.Origins, "forwarded": f.Forwarded, "root path": f.RootPaths, "port": f.Ports, "unclear": f.Unclear} {
		for _, v := range list {
			add(v.Place, "%s %s", kind, v.Value)
		}
	}
	for kind, list := range map[string][]Route{"login": f.Logins, "upload": f.Uploads, "websocket": f.WebSockets} {
		for _, r := range list {
			add(r.Place, "%s %s %s %s", kind, r.Method, r.Path, flag(!r.Whole, "end"))
		}
	}
	for _, lines := range out {
		slices.Sort(lines)
	}
	return out
}

// wants reads what a sample says about itself: `# want A | B` about its own
// line, and `# want-next A | B` about the next.
func wants(t *testing.T, fsys fs.FS) map[string][]string {
	out := map[string][]string{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		for i, line := range strings.Split(string(b), "\n") {
			n := i + 1
			_, want, ok := strings.Cut(line, " want ")
			if !ok {
				_, want, ok = strings.Cut(line, " want-next ")
				n++
			}
			if !ok {
				continue
			}
			at := Place{name, n}.String()
			for _, w := range strings.Split(want, " | ") {
				out[at] = append(out[at], strings.Join(strings.Fields(w), " "))
			}
			slices.Sort(out[at])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every project below testdata says in its own comments what is to be found,
// and nothing else may be.
func TestLook(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no samples", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			fsys := os.DirFS(dir)
			found, err := Look(fsys)
			if err != nil {
				t.Fatal(err)
			}
			got, want := facts(found), wants(t, fsys)
			for at, lines := range got {
				if !slices.Equal(lines, want[at]) {
					t.Errorf("%s\n got %q\nwant %q", at, lines, want[at])
				}
			}
			for at, lines := range want {
				if got[at] == nil {
					t.Errorf("%s\n got nothing\nwant %q", at, lines)
				}
			}
		})
	}
}

// The likeliest application comes first.
func TestFirstApp(t *testing.T) {
	for dir, want := range map[string]string{
		"template": "app.main:app in backend",
		"small":    "main:app in .",
		"factory":  "shop.asgi:app in src",
	} {
		found, err := Look(os.DirFS("testdata/" + dir))
		if err != nil {
			t.Fatal(err)
		}
		if got := found.Apps[0].Target + " in " + found.Apps[0].Dir; got != want {
			t.Errorf("%s: %s, want %s", dir, got, want)
		}
	}
}

func TestImportable(t *testing.T) {
	const app = "from fastapi import FastAPI\napp = FastAPI()\n"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a file", map[string]string{"main.py": app}, "main:app in ."},
		{"a package", map[string]string{"app/__init__.py": "", "app/main.py": app}, "app.main:app in ."},
		{"a directory that is no package", map[string]string{"app/main.py": app}, "app.main:app in ."},
		{"imports from beside it", map[string]string{"app/main.py": "import db\n" + app, "app/db.py": ""}, "main:app in app"},
		{"imports from above", map[string]string{"app/main.py": "from app.db import x\n" + app, "app/db.py": ""}, "app.main:app in ."},
		{"imports from above, deeper", map[string]string{"backend/app/main.py": "from app import db\n" + app, "backend/app/db.py": ""}, "app.main:app in backend"},
		{"relative imports", map[string]string{"app/main.py": "from .db import x\n" + app, "app/db.py": ""}, "app.main:app in ."},
		{"src", map[string]string{"src/shop/main.py": app}, "shop.main:app in src"},
		{"a name that is no module", map[string]string{"my-shop/main.py": app}, "main:app in my-shop"},
		{"the package itself", map[string]string{"app/__init__.py": app}, "app:app in ."},
		{"a command knows better", map[string]string{"app/main.py": app, "Procfile": "web: uvicorn main:app\n"}, "main:app in app"},
	} {
		fsys := fstest.MapFS{}
		for name, text := range tt.files {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		found, err := Look(fsys)
		if err != nil || len(found.Apps) != 1 {
			t.Errorf("%s: %v, %v", tt.name, found, err)
			continue
		}
		if got := found.Apps[0].Target + " in " + found.Apps[0].Dir; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestLimits(t *testing.T) {
	fsys := fstest.MapFS{
		"big.py":                           {Data: []byte(strings.Repeat("# fastapi\n", maxFile/10+1))},
		"compose.yaml":                     {Data: []byte("a: [")},
		"link.py":                          {Data: []byte("app"), Mode: fs.ModeSymlink},
		".venv/lib/app.py":                 {Data: []byte("from fastapi import FastAPI\napp = FastAPI()\n")},
		"myenv/pyvenv.cfg":                 {},
		"myenv/lib/app.py":                 {Data: []byte("from fastapi import FastAPI\napp = FastAPI()\n")},
		"tests/app.py":                     {Data: []byte("from fastapi import FastAPI\napp = FastAPI()\n")},
		"test_app.py":                      {Data: []byte("from fastapi import FastAPI\napp = FastAPI()\n")},
		"a/b/c/d/e/f/g/h/i/j/k/l/m/app.py": {Data: []byte("from fastapi import FastAPI\napp = FastAPI()\n")},
	}
	found, err := Look(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Apps) != 0 {
		t.Errorf("apps: %v", found.Apps)
	}
	if len(found.Unclear) != 2 || found.Unclear[0].File != "big.py" || found.Unclear[1].File != "compose.yaml" {
		t.Errorf("unclear: %v", found.Unclear)
	}
	if _, err := Look(os.DirFS(filepath.Join(t.TempDir(), "nowhere"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	if found, err := Look(fstest.MapFS{}); err != nil || len(facts(found)) != 0 {
		t.Errorf("an empty directory: %v, %v", found, err)
	}
}

// A YAML file whose aliases multiply, or go in circles, costs nothing.
func TestAliases(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 {command: uvicorn a:b}\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&b, "a%d: &a%d {<<: [%s*a%d]}\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 20), i-1)
	}
	// The near one comes first: what multiplies uses up the steps.
	b.WriteString("services:\n  near: {<<: *a1}\n  web: {<<: [*a39, *a38]}\n  self: &s {<<: *s}\n")
	found, err := Look(fstest.MapFS{"compose.yaml": {Data: []byte(b.String())}})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Commands) != 1 || found.Commands[0].Service != "near" {
		t.Errorf("%+v", found)
	}
}

func TestSimpleCommands(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string // words joined by |
	}{
		{`uvicorn a:b --port 80`, []string{"uvicorn|a:b|--port|80"}},
		{`a 'b c' "d e" f\ g ""`, []string{"a|b c|d e|f g|"}},
		{`"a\"b" 'c\d' "\x"`, []string{`a"b|c\d|\x`}},
		{"a && b; c | d & e\nf", []string{"a", "b", "c", "d", "e", "f"}},
		{`X=1 Y="2 3" exec a Z=4`, []string{"a|Z=4"}},
		{"a # b\nc#d", []string{"a", "c#d"}},
		{"a \\\n  b", []string{"a|b"}},
		{`a >/dev/null 2>&1 b`, []string{"a|b"}},
		{`a &>log b`, []string{"a|b"}},
		{`(cd x && a)`, []string{"cd|x", "a"}},
		{`if a; then b; fi`, []string{"a", "b", "fi"}},
		{"cat <<EOF >f\nuvicorn x:y\nEOF\na", []string{"cat", "a"}},
		{"cat <<-'EOF'\nuvicorn x:y\n\tEOF\na", []string{"cat", "a"}},
		{`a $PORT ${PORT} ${PORT:-1} ${NONE:-2} ${NONE} $NONE`, []string{"a|80|80|80|2|${NONE}|$NONE"}},
		{`a "$PORT:${NONE-x}" '$PORT'`, []string{"a|80:x|$PORT"}},
		{`a ${ $ "`, []string{"a|${|$|"}},
		{`a ${PORT:} ${PORT:`, []string{"a|${PORT:}|${PORT:"}},
	} {
		var got []string
		for _, c := range simpleCommands(tt.text, map[string]string{"PORT": "80"}) {
			got = append(got, strings.Join(c.words, "|"))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
}

func TestPyTokens(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{"a = 'x' # c\nb", "1:a = «x» 2:b"},
		{"'''a\n\"b''' + c\nd", "1:«a\n\"b» + c 3:d"},
		{`r'\d' b'x' f"{a}" '\n' "a\"b"`, `1:«\d» ? ? ? «a"b»`},
		{"f(a,\n  b)\nc", "1:f ( a , b ) 3:c"},
		{"if x:\n    y", "1:if x : 2:y"},
		{"a \\\n b", "1:a b"},
		{"'open\nb", "1:? 2:b"},
		{"x: str = 'é'", "1:x : str = «é»"},
		{"))]\na", "1:) ) ] 2:a"},
	} {
		var out []string
		for _, tok := range pyTokens(tt.src) {
			s := tok.text
			if tok.kind == pyString {
				if s = "«" + s + "»"; !tok.plain {
					s = "?"
				}
			}
			if tok.first {
				s = fmt.Sprintf("%d:%s", tok.line, s)
			}
			out = append(out, s)
		}
		if got := strings.Join(out, " "); got != tt.want {
			t.Errorf("%q\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

// The law: any project gives the same facts twice, at lines that exist.
func FuzzLook(f *testing.F) {
	for _, dir := range []string{"small", "template", "factory", "decoys"} {
		_ = fs.WalkDir(os.DirFS("testdata/"+dir), ".", func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				b, _ := os.ReadFile(filepath.Join("testdata", dir, name))
				f.Add(filepath.Base(name), string(b))
			}
			return nil
		})
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if !fs.ValidPath(name) || strings.Contains(name, "/") || name == "." {
			name = "main.py"
		}
		fsys := fstest.MapFS{name: {Data: []byte(text)}}
		a, err := Look(fsys)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := Look(fsys)
		if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
			t.Fatalf("first %s\nthen %s", x, y)
		}
		lines := strings.Count(text, "\n") + 1
		for at := range facts(a) {
			file, line, _ := strings.Cut(at, ":")
			var n int
			if _, err := fmt.Sscan(line, &n); err != nil || file != name || n < 1 || n > lines {
				t.Fatalf("%s of %d lines: a fact at %s", name, lines, at)
			}
		}
	})
}
