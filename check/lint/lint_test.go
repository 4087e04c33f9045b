package lint_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/lint"
	"github.com/pavise-dev/pavise/finding"
)

const debugApp = "from fastapi import FastAPI\n\napp = FastAPI(debug=True)\n"

// tree writes files below a new folder.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run looks for rules of one name, so that what is said of the whole
// application is not in the way.
func run(t testing.TB, o lint.Options) *lint.Report {
	t.Helper()
	r, err := lint.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func places(dir string, r *lint.Report) []string {
	var out []string
	for _, f := range r.Found {
		name := strings.TrimPrefix(f.File, filepath.ToSlash(dir)+"/")
		out = append(out, fmt.Sprintf("%s:%d:%d %s", name, f.Line, f.Column, f.Rule.ID))
	}
	return out
}

func want(t *testing.T, dir string, r *lint.Report, all ...string) {
	t.Helper()
	if got := places(dir, r); !slices.Equal(got, all) {
		t.Errorf("found %q, want %q", got, all)
	}
}

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range lint.Rules() {
		if seen[r.ID] {
			t.Errorf("there are two rules %s", r.ID)
		}
		seen[r.ID] = true
		for what, text := range map[string]string{"title": r.Title, "text": r.Text, "fix": r.Fix, "bad": r.Bad, "good": r.Good} {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s has no %s", r.ID, what)
			}
		}
	}
	if got := lint.Descriptions(); len(got) != len(seen) {
		t.Errorf("%d descriptions of %d rules", len(got), len(seen))
	}
}

func TestAllow(t *testing.T) {
	dir := tree(t, map[string]string{
		"same.py":   "from fastapi import FastAPI\napp = FastAPI(debug=True)  # pavise:allow lint/debug-on it is a demonstration\n",
		"above.py":  "from fastapi import FastAPI\n# pavise:allow lint/debug-on it is a demonstration\napp = FastAPI(debug=True)\n",
		"other.py":  "from fastapi import FastAPI\napp = FastAPI(debug=True)  # pavise:allow lint/docs-exposed it is a demonstration\n",
		"silent.py": "from fastapi import FastAPI\napp = FastAPI(debug=True)  # pavise:allow lint/debug-on\n",
		"far.py":    "from fastapi import FastAPI\n# pavise:allow lint/debug-on it is a demonstration\n\napp = FastAPI(debug=True)\n",
	})
	r := run(t, lint.Options{Paths: []string{dir}, Only: []string{"debug-on", "unused-allow"}})
	want(t, dir, r,
		"far.py:4:21 lint/debug-on", "other.py:2:21 lint/debug-on", "silent.py:2:21 lint/debug-on",
		"far.py:2:1 lint/unused-allow", "silent.py:2:28 lint/unused-allow")
	if r.Allowed != 2 {
		t.Errorf("%d are let be", r.Allowed)
	}
	r = run(t, lint.Options{Paths: []string{dir}, Only: []string{"debug-on"}, Allow: []lint.Allow{{Rule: "lint/debug-*", Path: "o*.py", Reason: "a demonstration"}}})
	want(t, dir, r, "far.py:4:21 lint/debug-on", "silent.py:2:21 lint/debug-on")
}

func TestUnusedAllow(t *testing.T) {
	dir := tree(t, map[string]string{
		"a.py": "x = 1  # pavise:allow lint/debug-on nothing is here\n",
		"b.py": "x = 1  # pavise:allow lint/no-such-rule nothing is here\n",
		"c.go": "package c // pavise:allow lint/debug-on nothing is here\n",
		"d.py": "x = \"pavise:allow lint/debug-on a text, no comment\"\n",
	})
	r := run(t, lint.Options{Paths: []string{dir}, Only: []string{"debug-on", "unused-allow"}})
	want(t, dir, r, "a.py:1:8 lint/unused-allow", "b.py:1:8 lint/unused-allow", "c.go:1:11 lint/unused-allow")
	// Nobody looked.
	if r = run(t, lint.Options{Paths: []string{dir}, Only: []string{"unused-allow"}}); len(r.Found) != 1 {
		t.Errorf("found %q", places(dir, r))
	}
}

func TestBaseline(t *testing.T) {
	dir := tree(t, map[string]string{"app.py": debugApp})
	o := lint.Options{Paths: []string{dir}, Only: []string{"debug-on"}}
	b := lint.NewBaseline()
	run(t, o).Add(b)
	file := b.Encode()
	if strings.Contains(string(file), "debug=True") || strings.Contains(string(file), ":3") {
		t.Errorf("the baseline tells what stands there:\n%s", file)
	}
	known, err := lint.ParseBaseline(file)
	if err != nil {
		t.Fatal(err)
	}
	// A thousand lines that come before change no byte.
	moved := strings.Repeat("# a comment\n", 1000) + debugApp
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Baseline = known
	r := run(t, o)
	want(t, dir, r)
	if r.Known != 1 {
		t.Errorf("%d are known", r.Known)
	}
	o.Baseline = nil
	run(t, o).Add(known)
	if !slices.Equal(known.Encode(), file) {
		t.Error("the same finding on another line changes the baseline")
	}
	// A second one of the same text is new.
	o.Baseline = known
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(debugApp+"app = FastAPI(debug=True)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, dir, run(t, o), "app.py:4:21 lint/debug-on")
}

func TestPaths(t *testing.T) {
	dir := tree(t, map[string]string{
		"app/main.py":    "from fastapi import FastAPI\nfrom .config import DEBUG\n\napp = FastAPI(debug=DEBUG)\n",
		"app/config.py":  "DEBUG = True\n",
		"other/main.py":  debugApp,
		"venv/lib/x.py":  debugApp,
		"skipped/x.py":   debugApp,
		"app/skipped.py": debugApp,
	})
	only := []string{"debug-on"}
	r := run(t, lint.Options{Paths: []string{dir}, Only: only, Exclude: []string{"skipped", "app/skip*.py"}})
	want(t, dir, r, "app/main.py:4:21 lint/debug-on", "other/main.py:3:21 lint/debug-on")
	if r.Files != 3 {
		t.Errorf("looked at %d files", r.Files)
	}
	// A file is looked at with what is around it.
	t.Chdir(dir)
	want(t, dir, run(t, lint.Options{Paths: []string{"app/main.py"}, Only: only}), "app/main.py:4:21 lint/debug-on")
	want(t, dir, run(t, lint.Options{Paths: []string{"app/config.py"}, Only: only}))
	r = run(t, lint.Options{Paths: []string{"app", "other"}, Only: only})
	want(t, dir, r, "app/main.py:4:21 lint/debug-on", "app/skipped.py:3:21 lint/debug-on", "other/main.py:3:21 lint/debug-on")
	if _, err := lint.Run(context.Background(), lint.Options{Paths: []string{"nosuch"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestGit(t *testing.T) {
	dir := tree(t, map[string]string{
		".gitignore": "ignored.py\n", "ignored.py": debugApp, "tracked.py": debugApp, "gone.py": debugApp, "new.py": debugApp,
	})
	for _, args := range [][]string{{"init", "-q"}, {"add", "tracked.py", "gone.py"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if err := os.Remove(filepath.Join(dir, "gone.py")); err != nil {
		t.Fatal(err)
	}
	r := run(t, lint.Options{Paths: []string{dir}, Only: []string{"debug-on"}})
	want(t, dir, r, "new.py:3:21 lint/debug-on", "tracked.py:3:21 lint/debug-on")
}

// A link may lead out of the tree: what others wrote is not looked at, and
// nothing is read that the user did not name.
func TestLinks(t *testing.T) {
	outside := tree(t, map[string]string{"out.py": debugApp})
	dir := tree(t, map[string]string{"in.py": debugApp})
	for name, to := range map[string]string{"file.py": filepath.Join(outside, "out.py"), "folder": outside} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip("this system has no links")
		}
	}
	want(t, dir, run(t, lint.Options{Paths: []string{dir}, Only: []string{"debug-on"}}), "in.py:3:21 lint/debug-on")
}

// What cannot be read or parsed is told, and the rest of it looked at.
func TestUnknown(t *testing.T) {
	dir := tree(t, map[string]string{
		"broken.py":  "from fastapi import FastAPI\n\ndef :\n\napp = FastAPI(debug=True)\n",
		"broken.go":  "package x\n\nfunc {\n",
		"broken.yml": "services:\n  web: [\n",
		"large.py":   "x = 1\n" + strings.Repeat("# a long comment\n", 1<<19),
	})
	if err := os.Rename(filepath.Join(dir, "broken.yml"), filepath.Join(dir, "compose.yml")); err != nil {
		t.Fatal(err)
	}
	r := run(t, lint.Options{Paths: []string{dir}, Only: []string{"debug-on"}})
	want(t, dir, r, "broken.py:5:21 lint/debug-on")
	var got []string
	for _, u := range r.Unknowns {
		got = append(got, strings.TrimPrefix(u.Where, filepath.ToSlash(dir)+"/"))
		if u.Problem == "" {
			t.Errorf("%s: no problem is told", u.Where)
		}
	}
	for _, name := range []string{"broken.py:3", "broken.go", "compose.yml", "large.py"} {
		if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, name) }) {
			t.Errorf("nothing is told of %s in %q", name, got)
		}
	}
}

func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("this user reads everything")
	}
	dir := tree(t, map[string]string{"a.py": debugApp})
	if err := os.Chmod(filepath.Join(dir, "a.py"), 0); err != nil {
		t.Fatal(err)
	}
	if r := run(t, lint.Options{Paths: []string{dir}}); len(r.Unknowns) != 1 {
		t.Errorf("told of %v", r.Unknowns)
	}
}

func TestOptions(t *testing.T) {
	for what, o := range map[string]lint.Options{
		"is no rule":    {Only: []string{"nosuch"}},
		"is no pattern": {Skip: []string{"["}},
		"say why":       {Allow: []lint.Allow{{Rule: "lint/debug-on"}}},
		"allow[0].path": {Allow: []lint.Allow{{Rule: "lint/debug-on", Path: "[", Reason: "it is fine"}}},
		"exclude \"[\"": {Exclude: []string{"["}},
	} {
		if _, err := lint.Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%+v: %v, want %q", o, err, what)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := lint.Run(ctx, lint.Options{Paths: []string{tree(t, map[string]string{"a.py": debugApp})}}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run: %v", err)
	}
}

// sampleFiles are the rules' bad samples, each in a folder of its own.
func sampleFiles() map[string]string {
	files := map[string]string{}
	for _, r := range lint.Rules() {
		if strings.HasPrefix(r.Bad, "-- ") {
			continue
		}
		name := r.File
		if name == "" {
			name = "main.py"
		}
		files[strings.TrimPrefix(r.ID, "lint/")+"/"+name] = r.Bad
	}
	return files
}

// The order of findings does not depend on which analyzer is done first.
func TestDeterministic(t *testing.T) {
	dir := tree(t, sampleFiles())
	first := run(t, lint.Options{Paths: []string{dir}})
	if len(first.Found) < len(lint.Rules())/2 {
		t.Errorf("only %d findings in the samples of %d rules", len(first.Found), len(lint.Rules()))
	}
	for range 5 {
		again := run(t, lint.Options{Paths: []string{dir}})
		if !reflect.DeepEqual(first.Findings(), again.Findings()) || !reflect.DeepEqual(first.Unknowns, again.Unknowns) {
			t.Fatal("two runs differ")
		}
	}
}

func TestFinding(t *testing.T) {
	dir := tree(t, map[string]string{"app.py": debugApp})
	t.Chdir(dir)
	r := run(t, lint.Options{Only: []string{"debug-on"}})
	f := r.Findings()[0]
	if f.Where != "app.py:3:21" || f.Severity != finding.High || f.Rule != "lint/debug-on" || !strings.Contains(f.Fix, "Pavise: ") || len(f.Refs) == 0 {
		t.Errorf("%+v", f)
	}
}

// TestFix holds the diff to git, and the change to the rule itself.
func TestFix(t *testing.T) {
	files := sampleFiles()
	dir := tree(t, files)
	t.Chdir(dir)
	if out, err := exec.Command("git", "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := run(t, lint.Options{})
	fixes := r.Fixes()
	if len(fixes) < 3 {
		t.Fatalf("only %d fixes", len(fixes))
	}
	for _, f := range fixes {
		cmd := exec.Command("git", "apply", "-")
		cmd.Stdin = strings.NewReader(f.Diff())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", f.File, err, out, f.Diff())
			continue
		}
		got, err := os.ReadFile(filepath.FromSlash(f.File))
		if err != nil || string(got) != string(f.After) {
			t.Errorf("%s: git made something else of the diff: %v\n%s", f.File, err, f.Diff())
		}
	}
	after := run(t, lint.Options{})
	for _, f := range fixes {
		for _, rule := range f.Rules {
			if f.Left == 0 && slices.ContainsFunc(after.Found, func(g lint.Finding) bool { return g.Rule.ID == rule && g.File == f.File }) {
				t.Errorf("%s: %s is found after its fix\n%s", f.File, rule, f.Diff())
			}
		}
	}
	for _, u := range after.Unknowns {
		if !slices.ContainsFunc(r.Unknowns, func(v finding.Unclear) bool { return v == u }) {
			t.Errorf("%s cannot be read after the fixes: %s", u.Where, u.Problem)
		}
	}
}

func TestFixKeepsTheMark(t *testing.T) {
	dir := tree(t, map[string]string{"a.py": "\ufeff" + debugApp, "b.py": "# -*- coding: latin-1 -*-\n# \xe9\n" + debugApp})
	t.Chdir(dir)
	r := run(t, lint.Options{Only: []string{"debug-on"}})
	fixes := r.Fixes()
	if len(r.Found) != 2 || len(fixes) != 1 {
		t.Fatalf("%d found, %d fixes", len(r.Found), len(fixes))
	}
	if got := string(fixes[0].After); got != "\ufeff"+strings.Replace(debugApp, "True", "False", 1) {
		t.Errorf("%q", got)
	}
}

// FuzzRun looks at any text as any kind of file: nothing fails, and two runs
// agree.
func FuzzRun(f *testing.F) {
	names := []string{"main.py", "main.go", "Dockerfile", "compose.yml", "nginx.conf", ".github/workflows/ci.yml", "k8s.yaml", "pyproject.toml", "requirements.txt", "Caddyfile", "traefik.yml", ".gitignore", "start.sh", "Procfile", "gunicorn.conf.py"}
	for name, text := range sampleFiles() {
		i := slices.Index(names, name[strings.IndexByte(name, '/')+1:])
		f.Add(byte(max(i, 0)), []byte(text))
	}
	f.Fuzz(func(t *testing.T, which byte, text []byte) {
		if len(text) > 1<<14 {
			return
		}
		dir := tree(t, map[string]string{names[int(which)%len(names)]: string(text)})
		a, b := run(t, lint.Options{Paths: []string{dir}}), run(t, lint.Options{Paths: []string{dir}})
		if !reflect.DeepEqual(a.Findings(), b.Findings()) || !reflect.DeepEqual(a.Unknowns, b.Unknowns) {
			t.Fatal("two runs differ")
		}
		for _, fix := range a.Fixes() {
			if len(fix.Diff()) == 0 {
				t.Fatal("a fix that changes something has no diff")
			}
		}
	})
}
