package tree_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pavise-dev/pavise/check/internal/tree"
)

func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func list(t *testing.T, dir string, exclude ...string) tree.List {
	t.Helper()
	l, err := tree.Files(context.Background(), dir, exclude, func(name string, err error) { t.Errorf("%s: %v", name, err) })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b/c.py", "a.py", "node_modules/x.js", ".venv/x.py", "b/d/e.py", "b-c.py")
	if got := list(t, dir); !slices.Equal(got.Files, []string{"a.py", "b-c.py", "b/c.py", "b/d/e.py"}) || got.Repository {
		t.Errorf("%+v", got)
	}
	if got := list(t, dir, "d", "a.*"); !slices.Equal(got.Files, []string{"b-c.py", "b/c.py"}) {
		t.Errorf("%+v", got)
	}
	if got := list(t, dir, "./b/"); !slices.Equal(got.Files, []string{"a.py", "b-c.py"}) {
		t.Errorf("%+v", got)
	}
	if err := os.Symlink(filepath.Join(dir, "a.py"), filepath.Join(dir, "link.py")); err == nil {
		if got := list(t, dir); slices.Contains(got.Files, "link.py") {
			t.Error("a link is followed")
		}
	}
	if _, err := tree.Files(context.Background(), filepath.Join(dir, "nosuch"), nil, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := tree.Files(ctx, dir, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestGit(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.py", "ignored.py", "sub/b.py", "sub/ignored.py", "gone.py", "node_modules/kept.js")
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("ignored.py\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"add", "-f", "sub/ignored.py"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if err := os.Remove(filepath.Join(dir, "gone.py")); err != nil {
		t.Fatal(err)
	}
	_ = os.Symlink("a.py", filepath.Join(dir, "link.py"))
	got := list(t, dir)
	// What is tracked is the project's, wherever it is.
	if !slices.Equal(got.Files, []string{".gitignore", "a.py", "node_modules/kept.js", "sub/b.py", "sub/ignored.py"}) || !got.Repository {
		t.Errorf("%+v", got)
	}
	if got := list(t, filepath.Join(dir, "sub")); !slices.Equal(got.Files, []string{"b.py", "ignored.py"}) || got.Repository {
		t.Errorf("%+v", got)
	}
}

func TestIgnoredFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.py", "data/b.py")
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("data\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := list(t, dir); !slices.Equal(got.Files, []string{".gitignore", "a.py"}) {
		t.Errorf("%+v", got)
	}
	// It was asked for by its name.
	if got := list(t, filepath.Join(dir, "data")); !slices.Equal(got.Files, []string{"b.py"}) {
		t.Errorf("%+v", got)
	}
}

func TestBadPattern(t *testing.T) {
	if p, bad := tree.BadPattern([]string{"a*", "[", "]["}); !bad || p != "[" {
		t.Errorf("%q, %v", p, bad)
	}
	if _, bad := tree.BadPattern([]string{"a*", "b?"}); bad {
		t.Error("good patterns are told to be bad")
	}
}
