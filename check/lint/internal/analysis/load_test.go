package analysis

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// wanted are names of a file of each kind.
var wanted = []string{
	"app/main.py", "app/__init__.py", "tests/test_a.py", "main.go", "main_test.go", "Dockerfile", "api.Containerfile", ".dockerignore", "compose.yaml", "deploy/api.yaml", "chart/templates/api.yaml",
	"kustomization.yaml", ".github/workflows/ci.yml", ".github/dependabot.yml", "action.yml", ".pre-commit-config.yaml", ".gitlab-ci.yml", ".circleci/config.yml", "traefik.yml", "traefik.toml",
	"nginx.conf", "Caddyfile", "pyproject.toml", "Procfile", "api.service", "supervisord.conf", "start.sh", ".gitignore", "requirements.txt", "pip.conf", "Makefile", "tox.ini",
}

func TestWanted(t *testing.T) {
	for _, name := range wanted {
		if !Wanted(name) {
			t.Errorf("%s is not wanted", name)
		}
	}
	for _, name := range []string{"README.md", "a.pyc", "main.rs", "data.json", "go.mod", "py", ""} {
		if Wanted(name) {
			t.Errorf("%s is wanted", name)
		}
	}
}

// TestLoad: what cannot be read is told by its line, three of a file at most,
// and the rest is looked at.
func TestLoad(t *testing.T) {
	p, unread := Load(context.Background(), []Source{
		{Path: "z.py", Data: []byte("x = = 1\ny = 2\n")},
		{Path: "many.py", Data: []byte(strings.Repeat("x = = 1\n", 9))},
		{Path: "a.go", Data: []byte("package a\n\nfunc f( {\n")},
		{Path: "b.go", Data: []byte("package b\n\nfunc F() {}\n")},
		{Path: "Dockerfile", Data: []byte("RUN true\n")},
		{Path: "requirements.txt", Data: []byte("a\n")},
	}, nil)
	var got []string
	for _, u := range unread {
		got = append(got, fmt.Sprintf("%s:%d", u.Path, u.Line))
	}
	if fmt.Sprint(got) != "[Dockerfile:0 a.go:0 many.py:1 many.py:2 many.py:3 many.py:4 z.py:1]" || unread[5].Problem != "and 6 more" {
		t.Errorf("unread are %v", unread)
	}
	if len(p.Python.Modules) != 2 || len(p.Go.Files) != 2 || len(p.Deploy.Requirements) != 1 {
		t.Errorf("read are %d, %d and %d", len(p.Python.Modules), len(p.Go.Files), len(p.Deploy.Requirements))
	}
}

// TestLoadStops: who is told to stop gets what was read.
func TestLoadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p, _ := Load(ctx, []Source{{Path: "a.py", Data: []byte("x = 1\n")}}, nil)
	if p.Python == nil || p.Go == nil || p.Deploy == nil {
		t.Errorf("it gets %v", p)
	}
}

// FuzzLoad: whatever a file holds, and whichever it is, loading ends, says of
// nothing but that file what cannot be read, on a line that it has, and says it
// again when it is asked again.
func FuzzLoad(f *testing.F) {
	for i := range wanted {
		f.Add(i, []byte("FROM a\nCMD [\"x\"]\n"))
	}
	f.Add(0, []byte("def f(:\n  x = (\n\x00\xff"))
	f.Add(3, []byte("package p\nfunc f(x int) { x++ ; }}\n"))
	f.Add(8, []byte("services: {a: &a [*a]}\n---\n- b\n"))
	f.Add(10, []byte("apiVersion: {{ .a }}\nkind: {{- if }}\n"))
	f.Add(12, []byte("on: {? [a] : b}\njobs: !!x &y {<<: *y}\n"))
	f.Add(22, []byte("[a]\nb = {c = 1979-05-27}\n"))
	f.Add(26, []byte("if a; then cat <<E\n$(\n"))
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		name := wanted[uint(kind)%uint(len(wanted))]
		said := ""
		for i := range 2 {
			p, unread := Load(t.Context(), []Source{{Path: name, Data: data}}, []string{name})
			if p.Python == nil || p.Go == nil || p.Deploy == nil {
				t.Fatalf("%s: a part is not there", name)
			}
			for _, u := range unread {
				if u.Path != name || u.Line < 0 || u.Line > strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data)), "\n")+1 || u.Problem == "" || strings.Contains(u.Problem, "\n") {
					t.Fatalf("%s of %q: %+v", name, data, u)
				}
			}
			if i > 0 && said != fmt.Sprint(unread) {
				t.Fatalf("%s of %q: %v, and then %v", name, data, said, unread)
			}
			said = fmt.Sprint(unread)
		}
	})
}

// FuzzNames: an identifier holds its own words, and Secret follows only what
// is spelled.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"api_key", "JWTSecret", "a.b c", "größe", "", "___", "A1b2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 200 {
			return // each word is asked for, and no name is so long
		}
		words := pymodel.Words(name)
		for i, w := range words {
			if w == "" || !strings.Contains(strings.ToLower(name), w) {
				t.Fatalf("%q is no word of %q", w, name)
			}
			if !Names(name, w) || !Names(name, strings.Join(words[i:], " ")) {
				t.Fatalf("%q does not hold its word %q", name, w)
			}
		}
		if Names(name, "no such word") {
			t.Fatalf("%q holds what it does not", name)
		}
		if Secret(name) && len(words) == 0 {
			t.Fatalf("%q without words is a secret", name)
		}
	})
}
