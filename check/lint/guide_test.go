package lint_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/lint"
)

var (
	expectation = regexp.MustCompile(`#\s*want(\+\d)?((?:\s+"[^"]*")+)`)
	quoted      = regexp.MustCompile(`"([^"]*)"`)
)

// wanted are the findings that the files below a folder say they have.
func wanted(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		for i, line := range strings.Split(string(data), "\n") {
			m := expectation.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			at := i + 1
			if m[1] != "" {
				at += int(m[1][1] - '0')
			}
			for _, q := range quoted.FindAllStringSubmatch(m[2], -1) {
				out = append(out, fmt.Sprintf("%s:%d %s", filepath.ToSlash(rel), at, q[1]))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// compare holds all rules to what the files of a folder say: each fault is
// found, and nothing else.
func compare(t *testing.T, dir string, o lint.Options) {
	t.Helper()
	want := wanted(t, dir)
	o.Paths = []string{dir}
	r := run(t, o)
	var got []string
	for _, f := range r.Found {
		rel, err := filepath.Rel(dir, filepath.FromSlash(f.File))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s:%d %s", filepath.ToSlash(rel), f.Line, f.Rule.ID))
	}
	slices.Sort(got)
	for _, w := range want {
		if i := slices.Index(got, w); i >= 0 {
			got = slices.Delete(got, i, i+1)
		} else {
			t.Errorf("not found: %s", w)
		}
	}
	for _, g := range got {
		t.Errorf("not wanted: %s", g)
	}
	for _, u := range r.Unknowns {
		t.Errorf("could not tell: %s: %s", u.Where, u.Problem)
	}
}

// TestGuide looks at the faults of the usual page of snippets, written down as
// small applications.
func TestGuide(t *testing.T) {
	projects, err := filepath.Glob("testdata/guide/*")
	if err != nil || len(projects) < 7 {
		t.Fatalf("%d projects, %v", len(projects), err)
	}
	for _, p := range projects {
		t.Run(filepath.Base(p), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(p)); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(dir, ".gitignore")); err != nil {
				compare(t, dir, lint.Options{})
				return
			}
			if out, err := exec.Command("git", "init", "-q", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			compare(t, dir, lint.Options{})
		})
	}
}

// enforced is what the policy of the example has in front of it.
var enforced = map[string]bool{
	"wire": true, "headers": true, "clientip": true, "https": true, "hosts": true, "limits": true, "apidocs": true,
	"origins": true, "contenttype": true, "jsonbody": true, "gateway": true,
}

// TestExample looks at the example as a user would: what its makers planted is
// found, what the policy in front holds is not asked of it, and nothing else is
// said.
func TestExample(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/fastapi")); err != nil {
		t.Fatal(err)
	}
	r := run(t, lint.Options{Paths: []string{dir}, Guards: enforced})
	var got []string
	for _, f := range r.Found {
		rel, err := filepath.Rel(dir, filepath.FromSlash(f.File))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.ToSlash(rel)+" "+strings.TrimPrefix(f.Rule.ID, "lint/"))
	}
	slices.Sort(got)
	want := []string{
		"Dockerfile image-no-digest", "Dockerfile image-root",
		"app/auth.py setting-default-secret", "app/auth.py timing-compare",
		"app/main.py cors-credentials",
		"app/routers/comments.py model-extra", "app/routers/comments.py no-auth-route", "app/routers/comments.py no-auth-route", "app/routers/comments.py xss",
		"app/routers/login.py cookie-flags", "app/routers/login.py login-unthrottled", "app/routers/login.py user-timing",
		"app/routers/misc.py open-redirect",
		"app/routers/orders.py idor-unused-user", "app/routers/orders.py idor-unused-user", // to change, to delete
		"app/routers/orders.py no-auth-route", "app/routers/orders.py no-auth-route", // to list, to read
		"app/routers/orders.py number-unbounded", "app/routers/orders.py number-unbounded", "app/routers/orders.py number-unbounded",
		"app/routers/orders.py price-from-client",
		"app/routers/streams.py websocket-no-auth",
		"app/routers/users.py no-auth-route", "app/routers/users.py no-auth-route", "app/routers/users.py password-policy",
		"app/store.py default-account", "app/store.py default-account", "app/store.py timing-compare", "app/store.py weak-pbkdf2",
		"requirements-2021.txt requirements-no-hash",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
