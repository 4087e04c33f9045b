package analysis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// load reads modules of Python, by their paths.
func load(t *testing.T, files map[string]string) *Project {
	t.Helper()
	var sources []Source
	var names []string
	for name, text := range files {
		sources = append(sources, Source{Path: name, Data: []byte(text)})
		names = append(names, name)
	}
	slices.Sort(names)
	slices.SortFunc(sources, func(a, b Source) int { return strings.Compare(a.Path, b.Path) })
	p, unread := Load(context.Background(), sources, names)
	if len(unread) > 0 {
		t.Fatalf("unread: %v", unread)
	}
	return p
}

func TestSecret(t *testing.T) {
	for _, name := range []string{"password", "DB_PASSWORD", "jwtSecret", "SECRET_KEY", "api_key", "apiKey", "access_token", "privateKey", "ENCRYPTION_KEY", "userPasswd", "DATABASE_DSN", "hmac_pepper", "AWS_SECRET_ACCESS_KEY"} {
		if !Secret(name) {
			t.Errorf("%s is no secret", name)
		}
	}
	for _, name := range []string{"", "user", "key", "keyboard", "token_url", "TOKEN_TYPE", "password_hash", "PASSWORD_MIN_LENGTH", "csrf_token", "next_page_token", "max_tokens", "public_key", "secret_name", "ACCESS_TOKEN_EXPIRE_MINUTES", "passwordless", "tokenizer", "reset_password_url", "secretary"} {
		if Secret(name) {
			t.Errorf("%s is a secret", name)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		identifier, words string
		want              bool
	}{
		{"api_key", "api key", true}, {"theApiKey2", "api key2", true}, {"key_api", "api key", false}, {"rapid_key", "api key", false},
		{"monkey", "key", false}, {"KEY", "key", true}, {"", "key", false}, {"monkey_key", "key", true}, {"a_key_b", "a,b", true}, {"apikeys", "apikey", false},
	} {
		if got := Names(c.identifier, strings.Split(c.words, ",")...); got != c.want {
			t.Errorf("%s holds %s: %v", c.identifier, c.words, got)
		}
	}
}

// TestBuilt asks which texts are put together from what is not known.
func TestBuilt(t *testing.T) {
	p := load(t, map[string]string{"a.py": `
NAME = "users"
QUERY = f"select 1 from {NAME}"


def f(x):
    probe("plain")  # false
    probe(QUERY)  # false
    probe(f"a {NAME}")  # false
    probe(f"a {x}")  # true
    probe("a %s" % x)  # true
    probe("a " + x)  # true
    probe(x + " a")  # true
    probe("a {}".format(x))  # true
    probe(x)  # false
    probe(x + x)  # false
    probe(x.format(1))  # false
    local = "a"
    local = local + x
    probe(local)  # true
    with open(f"{x}") as handle:
        probe(handle)  # false
    probe("a" + "b")  # false
    probe(f"{x}" "b" "c")  # true
`})
	asked(p, func(c *pymodel.Call, want string) {
		if got := fmt.Sprint(Built(c.Scope, c.Args[0])); got != want {
			t.Errorf("%s is built: %s", c.Module.File.Text(c.Args[0]), got)
		}
	})
}

// asked calls f for each call of probe, with what its line says.
func asked(p *Project, f func(c *pymodel.Call, says string)) {
	(&Pass{Project: p}).Calls(func(c *pymodel.Call) {
		line, _ := c.Module.File.Position(c.Pos())
		if _, says, ok := strings.Cut(strings.Split(c.Module.File.Src, "\n")[line-1], "  # "); ok && c.Method() == "probe" {
			f(c, says)
		}
	})
}

func TestLeaf(t *testing.T) {
	p := load(t, map[string]string{"a.py": `
probe(a)  # a
probe(a.b)  # b
probe(a.b())  # b
probe(a["k"])  # k
probe(a[1])  #
probe(a.get("k"))  # k
probe(a.get(k))  # get
probe(a.secret.get_secret_value())  # secret
probe(a.key.encode().strip())  # key
probe(1)  #
`})
	asked(p, func(c *pymodel.Call, want string) {
		if got := Leaf(c.Args[0]); got != strings.TrimSpace(want) {
			t.Errorf("the leaf of %s is %q, not %q", c.Module.File.Text(c.Args[0]), got, want)
		}
	})
}

func TestMentions(t *testing.T) {
	p := load(t, map[string]string{"a.py": "probe(a.b['c'] + d(e=f))\n"})
	for _, name := range []string{"a", "b", "c", "d", "f", "g"} {
		(&Pass{Project: p}).Calls(func(c *pymodel.Call) {
			if c.Method() != "probe" {
				return
			}
			if got := Mentions(c.Args[0], func(s string) bool { return s == name }); got != (name != "g") {
				t.Errorf("%s is mentioned: %v", name, got)
			}
		})
	}
}

// TestMainApps: what is mounted in another is none, nor what is a test's, and
// of several in a module one speaks.
func TestMainApps(t *testing.T) {
	p := load(t, map[string]string{
		"app/main.py":   "from fastapi import FastAPI\nfrom app.admin import admin\napp = FastAPI()\napp.mount('/admin', admin)\n",
		"app/admin.py":  "from fastapi import FastAPI\nadmin = FastAPI()\n",
		"app/two.py":    "from fastapi import FastAPI\nif x:\n    app = FastAPI(debug=True)\nelse:\n    app = FastAPI()\n",
		"tests/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
	})
	var got []string
	for _, a := range (&Pass{Project: p}).MainApps() {
		got = append(got, a.Module.Path)
	}
	if fmt.Sprint(got) != "[app/main.py app/two.py]" {
		t.Errorf("the applications are %v", got)
	}
}

// TestEach: tests are passed over by what goes through a project.
func TestEach(t *testing.T) {
	text := "from fastapi import FastAPI\napp = FastAPI()\nclass A: pass\n@app.get('/')\ndef f(): g()\n"
	p := load(t, map[string]string{"app.py": text, "tests/test_app.py": text})
	pass := &Pass{Project: p}
	var got []string
	note := func(what, path string) { got = append(got, what+" "+path) }
	pass.Modules(func(m *pymodel.Module) { note("module", m.Path) })
	pass.Funcs(func(f *pymodel.Func) { note("func", f.Module.Path) })
	pass.Classes(func(c *pymodel.Class) { note("class", c.Module.Path) })
	pass.Apps(func(a *pymodel.App) { note("app", a.Module.Path) })
	pass.Routes(func(r *pymodel.Route) { note("route", r.Func.Module.Path) })
	if fmt.Sprint(got) != "[module app.py func app.py class app.py app app.py route app.py]" {
		t.Errorf("what is gone through is %v", got)
	}
}

// TestPlaces: lines and columns count from 1, and edits are of the module.
func TestPlaces(t *testing.T) {
	p := load(t, map[string]string{"a.py": "x = 1\n\n  \nif x:\n    f(x)\n"})
	var found []Finding
	pass := &Pass{Project: p, Report: func(f Finding) { found = append(found, f) }}
	r := &Rule{ID: "lint/x", Severity: 3}
	pass.Calls(func(c *pymodel.Call) {
		pass.PythonAt(r, c.Module, c.Call, "%s", "is here")
		pass.PythonFix(r, c.Module, c.Call, []Edit{{From: c.Pos(), To: c.End(), Text: "g()"}}, "is here")
	})
	pass.At(r, "b.txt", 0, 0, "is there")
	if len(found) != 3 || found[0].Where() != "a.py:5:5" || found[0].Problem != "is here" || found[0].Severity != 3 || found[2].Where() != "b.txt:1:1" {
		t.Fatalf("found %v", found)
	}
	if e := found[1].Edits[0]; e.File != "a.py" || p.Python.Modules[0].File.Src[e.From:e.To] != "f(x)" {
		t.Errorf("the edit is %v", e)
	}
}

func TestGuarded(t *testing.T) {
	p := &Pass{Project: &Project{Guards: map[string]bool{"headers": true}}}
	if !p.Guarded(&Rule{Guard: "headers"}) || p.Guarded(&Rule{Guard: "rate"}) || p.Guarded(&Rule{}) {
		t.Error("what a policy makes hold is told wrongly")
	}
}
