package leaks

import (
	"bytes"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// passedOver are folders that hold what others wrote, where git does not say
// what is ignored.
var passedOver = []string{".git", ".hg", ".svn", "node_modules", "site-packages", "__pycache__", ".venv", "venv", ".tox", ".nox", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache"}

// list names the files below a folder: in a git repository those that are
// tracked, and those that are neither tracked nor ignored.
func (r *runner) list(root string) ([]string, error) {
	cmd := exec.CommandContext(r.ctx, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if out, err := cmd.Output(); err == nil {
		var names []string
		for name := range bytes.SplitSeq(out, []byte{0}) {
			if len(name) > 0 && !r.excluded(string(name)) {
				names = append(names, filepath.Join(root, filepath.FromSlash(string(name))))
			}
		}
		// What was removed and not committed is tracked, and not there.
		return slices.DeleteFunc(names, func(n string) bool { return !exists(n) }), nil
	}
	var names []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		if err != nil {
			r.unknown(filepath.ToSlash(name), err)
			return nil
		}
		rel, _ := filepath.Rel(root, name)
		switch {
		case rel == ".":
		case d.IsDir() && (slices.Contains(passedOver, d.Name()) || r.excluded(filepath.ToSlash(rel))):
			return filepath.SkipDir
		case d.Type().IsRegular() && !r.excluded(filepath.ToSlash(rel)):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// excluded tells whether a pattern matches the path, its last element, or a
// folder that it is in.
func (r *runner) excluded(rel string) bool {
	for _, pattern := range r.o.Exclude {
		pattern = strings.TrimSuffix(pattern, "/")
		for p := rel; p != "." && p != "/"; p = path.Dir(p) {
			for _, s := range []string{p, path.Base(p)} {
				if ok, _ := path.Match(pattern, s); ok {
					return true
				}
			}
		}
	}
	return false
}
