package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/pavise-dev/pavise/check/internal/tree"
)

// Options say what to read.
type Options struct {
	// Paths are files and folders; a folder is searched for files of the
	// formats that are known. None means the current folder.
	Paths []string
	// Environments are installed Python environments: a folder that holds
	// one (a virtual environment or a site-packages), or its interpreter.
	Environments []string
	// Exclude are folders and files not to search, as patterns of
	// [path.Match] against the name or the path below the searched folder.
	// They come on top of what is never searched; see LeavesOut.
	Exclude []string
	// Python is the version that environment markers are evaluated for, such
	// as "3.12"; empty means any, so that no marker excludes a dependency by
	// it.
	Python string
	// Platform is "linux", "darwin" or "windows"; empty means any.
	Platform string
	// GoVersion is the Go that builds the project, such as "go1.26.8"; empty
	// means what its files say.
	GoVersion string
	// Extras of the project itself whose dependencies count; "*", the
	// default, means all.
	Extras []string
}

// ErrNothing says that there was nothing to read.
var ErrNothing = errors.New("no file of a known format was found")

// Read makes the inventory. Files that cannot be read are its Problems; the
// error is about the options, or ErrNothing.
func Read(ctx context.Context, o Options) (*Inventory, error) {
	if p, bad := tree.BadPattern(o.Exclude); bad {
		return nil, fmt.Errorf("exclude %q is no pattern: %w", p, path.ErrBadPattern)
	}
	r := &run{options: o, seen: map[string]bool{}, includedBy: map[string][]string{}, constraints: map[string][]string{}}
	paths := o.Paths
	if len(paths) == 0 && len(o.Environments) == 0 {
		paths = []string{"."}
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			err = r.search(ctx, p)
		} else if f, ok := formatOf(filepath.ToSlash(p)); ok {
			r.read(p, f)
		} else if isGoBinary(head(p)) {
			r.readGoBinary(p)
		} else {
			err = fmt.Errorf("%s: its name is of no known format", p)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, e := range o.Environments {
		r.readEnvironment(e)
	}
	r.settleConstraints()
	r.settleLocks()
	r.found.sort()
	if len(r.found.Files) == 0 && len(r.found.Problems) == 0 {
		return nil, ErrNothing
	}
	return &r.found, nil
}

// head is the first bytes of a file.
func head(name string) []byte {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, 8)
	n, _ := f.Read(b)
	return b[:n]
}

func formatOf(p string) (format, bool) {
	all := formats()
	i := slices.IndexFunc(all, func(f format) bool { return f.matches(p) })
	if i < 0 {
		return format{}, false
	}
	return all[i], true
}

// search reads the files of a folder and of those in it. What git ignores is
// read too: a lock or a program that is not committed is what is installed.
func (r *run) search(ctx context.Context, root string) error {
	type file struct {
		path string
		f    format
	}
	var found []file
	first := func(f format) int {
		if f.name == "go.work" {
			return 1
		}
		return 0
	}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			r.problem(Place{File: filepath.ToSlash(p)}, err)
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if p != root && r.options.LeavesOut(root, p, d) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		if f, ok := formatOf(filepath.ToSlash(p)); ok {
			found = append(found, file{p, f})
		}
		return nil
	})
	if err != nil {
		return err
	}
	// A workspace says how its modules are read.
	slices.SortStableFunc(found, func(a, b file) int { return first(b.f) - first(a.f) })
	for _, f := range found {
		r.read(f.path, f.f)
	}
	return nil
}

// LeavesOut tells whether a search of the folder root passes over what is
// below it: by a pattern of Exclude, or because it was not written by the
// project, or is not its own to fix. A path that is named itself is read.
func (o Options) LeavesOut(root, name string, d fs.DirEntry) bool {
	if d.IsDir() && (tree.PassedOver(d.Name()) || d.Name() == "vendor" || d.Name() == "testdata") {
		return true
	}
	rel, err := filepath.Rel(root, name)
	return err == nil && tree.Excluded(filepath.ToSlash(rel), o.Exclude)
}
