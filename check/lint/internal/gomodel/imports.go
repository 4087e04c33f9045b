package gomodel

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// localName is what a package is most likely called: the last part of its
// path, without a version.
func localName(p string) string {
	base := path.Base(p)
	base = strings.TrimSuffix(base, ".go")
	base = strings.TrimPrefix(base, "go-")
	return strings.ReplaceAll(strings.TrimSuffix(base, "-go"), "-", "_")
}

// unversioned is the path of an import without the version of its module, and
// so the name by which all versions are known.
func unversioned(p string) string {
	parts := strings.Split(p, "/")
	out := parts[:0]
	for i, part := range parts {
		if i > 0 && version(part) {
			continue
		}
		if name, v, ok := strings.Cut(part, ".v"); ok && version("v"+v) {
			part = name
		}
		out = append(out, part)
	}
	return strings.Join(out, "/")
}

func version(part string) bool {
	return len(part) > 1 && part[0] == 'v' && strings.Trim(part[1:], "0123456789") == ""
}

// standard tells whether a path is one of the standard library.
func standard(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	switch first {
	case "archive", "bufio", "bytes", "cmp", "compress", "container", "context", "crypto", "database", "debug", "embed", "encoding", "errors", "expvar", "flag", "fmt", "go", "hash", "html", "image", "index", "io", "iter", "log", "maps", "math", "mime", "net", "os", "path", "plugin", "reflect", "regexp", "runtime", "slices", "sort", "strconv", "strings", "structs", "sync", "syscall", "testing", "text", "time", "unicode", "unique", "unsafe", "weak", "C":
		return true
	}
	return false
}

// A root is a folder and the path by which what is below it is imported.
type root struct{ module, dir string }

// place finds the packages that imports name. No go.mod is needed: the path
// of a package ends as its folder does, and what stands before is the module,
// the same one for all folders.
func (p *Project) place(files []*File) {
	byBase := map[string][]string{}
	for _, dir := range slices.Sorted(maps.Keys(p.packages)) {
		byBase[path.Base(dir)] = append(byBase[path.Base(dir)], dir)
	}
	paths := map[string]bool{}
	for _, f := range files {
		for _, imp := range f.AST.Imports {
			if full, err := strconv.Unquote(imp.Path.Value); err == nil && !standard(full) {
				paths[full] = true
			}
		}
	}
	votes := map[root]int{}
	for full := range paths {
		for _, dir := range byBase[path.Base(full)] {
			if r, ok := common(full, dir); ok {
				votes[r]++
			}
		}
	}
	// A module of others that only seems to be here is one whose packages are
	// not all here.
	for r, n := range votes {
		missing := 0
		for full := range paths {
			below, ok := strings.CutPrefix(full, r.module)
			if ok && (below == "" || below[0] == '/') {
				if k := p.packages[path.Join(r.dir, below)]; k == nil || k.Name == "main" {
					missing++
				}
			}
		}
		if missing >= n || hosted(r.module) {
			delete(votes, r)
		}
	}
	roots := slices.SortedFunc(maps.Keys(votes), func(a, b root) int {
		return cmp.Or(votes[b]-votes[a], len(a.dir)-len(b.dir), strings.Compare(a.module, b.module), strings.Compare(a.dir, b.dir))
	})
	p.imported = map[string]*Package{}
	for _, dir := range slices.Sorted(maps.Keys(p.packages)) {
		for _, r := range roots {
			if below, ok := under(dir, r.dir); ok {
				p.imported[path.Join(r.module, below)] = p.packages[dir]
				break
			}
		}
	}
	for _, f := range files {
		for _, imp := range f.AST.Imports {
			full, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				continue
			}
			to := p.imported[full]
			local := localName(unversioned(full))
			if to != nil {
				local = to.Name
			}
			if imp.Name != nil {
				local = imp.Name.Name
			}
			if to != nil {
				f.own[local] = to
			} else {
				f.imports[local] = unversioned(full)
			}
		}
	}
}

// hosted tells whether a path is too short to be a module: a host of many, and
// an owner.
func hosted(module string) bool {
	for _, host := range []string{"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"} {
		if rest, ok := strings.CutPrefix(module, host); ok {
			return strings.Count(rest, "/") < 2
		}
	}
	return strings.HasPrefix(module, "golang.org/x") || strings.HasPrefix(module, "google.golang.org") || strings.HasPrefix(module, "gorm.io") || strings.HasPrefix(module, "gopkg.in") || strings.HasPrefix(module, "go.uber.org")
}

// common takes the longest end that a path and a folder share off both.
func common(full, dir string) (root, bool) {
	a, b := strings.Split(full, "/"), strings.Split(dir, "/")
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	if n == 0 || n == len(a) || dir == "." {
		return root{}, false
	}
	r := root{strings.Join(a[:len(a)-n], "/"), strings.Join(b[:len(b)-n], "/")}
	if r.dir == "" {
		r.dir = "."
	}
	return r, true
}

func under(dir, top string) (string, bool) {
	switch {
	case top == ".":
		return dir, true
	case dir == top:
		return "", true
	}
	return strings.CutPrefix(dir, top+"/")
}

// Imports tells whether the file imports a package of another module, by its
// path without a version.
func (f *File) Imports(paths ...string) bool {
	for _, p := range f.imports {
		if slices.Contains(paths, p) {
			return true
		}
	}
	return false
}
