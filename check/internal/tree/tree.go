// Package tree lists the files of a project: what a check looks at, and what it
// passes over.
package tree

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// PassedOver tells by its name whether a folder holds what others wrote, where
// git does not say what is ignored.
func PassedOver(name string) bool {
	switch name {
	case ".git", ".hg", ".svn", "node_modules", "site-packages", "__pycache__", ".venv", "venv", ".tox", ".nox", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache":
		return true
	}
	return false
}

// A List is the files of a folder.
type List struct {
	// Files are regular files, by their slash-separated paths below the
	// folder, in order. A link is none: what it leads to within the folder is
	// there by its own name, and what is outside is not the folder's.
	Files []string
	// Repository tells that the folder is the top of a repository of git.
	Repository bool
}

// Files lists a folder. In a repository of git these are the files that are
// tracked, and those that are neither tracked nor ignored; a folder that git
// ignores as a whole is looked at when it is asked for by its name. What matches a
// pattern of exclude is passed over; unread is told of folders that could not
// be read. The error is the context's, or that the folder cannot be read.
func Files(ctx context.Context, root string, exclude []string, unread func(name string, err error)) (List, error) {
	var out List
	if _, err := os.Lstat(filepath.Join(root, ".git")); err == nil {
		out.Repository = true
	}
	cmd := exec.CommandContext(ctx, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if listed, err := cmd.Output(); err == nil && (len(listed) > 0 || !ignored(ctx, root)) {
		for name := range bytes.SplitSeq(listed, []byte{0}) {
			if len(name) == 0 || Excluded(string(name), exclude) {
				continue
			}
			info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(string(name))))
			switch {
			case errors.Is(err, fs.ErrNotExist):
				// What was removed and not committed is tracked, and not there.
			case err != nil:
				unread(string(name), err)
			case info.Mode().IsRegular():
				out.Files = append(out.Files, string(name))
			}
		}
		slices.Sort(out.Files)
		return out, ctx.Err()
	}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rel, relErr := filepath.Rel(root, name)
		if relErr != nil {
			return relErr
		}
		rel = filepath.ToSlash(rel)
		if err != nil {
			if rel == "." {
				return err
			}
			unread(rel, err)
			return nil
		}
		switch {
		case rel == ".":
		case d.IsDir() && (PassedOver(d.Name()) || Excluded(rel, exclude)):
			return filepath.SkipDir
		case d.Type().IsRegular() && !Excluded(rel, exclude):
			out.Files = append(out.Files, rel)
		}
		return nil
	})
	slices.Sort(out.Files)
	return out, err
}

func ignored(ctx context.Context, root string) bool {
	return exec.CommandContext(ctx, "git", "-C", root, "check-ignore", "-q", ".").Run() == nil
}

// Excluded tells whether a pattern of [path.Match] matches a path, its last
// element, or a folder that it is in.
func Excluded(rel string, patterns []string) bool {
	for _, pattern := range patterns {
		pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "./"), "/")
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

// BadPattern is the first pattern that is none.
func BadPattern(patterns []string) (string, bool) {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return p, true
		}
	}
	return "", false
}
