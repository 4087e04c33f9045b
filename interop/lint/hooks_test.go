//go:build real

package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestPreCommit runs the hook by pre-commit itself, in a small repository,
// with nothing but this repository's last commit and the cache of modules.
func TestPreCommit(t *testing.T) {
	peers := os.Getenv("PAVISE_AUDIT_PEERS")
	if peers == "" {
		t.Fatal("PAVISE_AUDIT_PEERS is not set: run scripts/test")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.py", "from fastapi import FastAPI\n\napp = FastAPI(debug=True)\n")
	write(".pre-commit-config.yaml", "repos:\n  - repo: "+root+"\n    rev: "+git(t, root, "rev-parse", "HEAD")+
		"\n    hooks:\n      - id: pavise-lint\n        args: [--only, debug-on]\n")
	git(t, dir, "init", "-q")
	git(t, dir, "add", ".")
	modcache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "home")
	commit := func() (string, error) {
		cmd := exec.Command(filepath.Join(peers, "bin", "pre-commit"), "run", "--color", "never")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PRE_COMMIT_HOME="+home, "GOMODCACHE="+strings.TrimSpace(string(modcache)), "GOFLAGS=-modcacherw", "GOPROXY=off")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := commit(); err == nil || !strings.Contains(out, "main.py:3:21") || !strings.Contains(out, "lint/debug-on") {
		t.Errorf("%v\n%s", err, out)
	}
	write("main.py", "from fastapi import FastAPI\n\napp = FastAPI()\n")
	git(t, dir, "add", ".")
	if out, err := commit(); err != nil || !strings.Contains(out, "Passed") {
		t.Errorf("%v\n%s", err, out)
	}
}
