package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// A format is one kind of file.
type format struct {
	name string
	// matches tells by the path alone, slash-separated.
	matches func(path string) bool
	// read adds what the file says to the source. Its error means that the
	// file is not of the format, or is broken.
	read func(*source) error
}

// formats lists what can be read. The first that matches a path reads it.
func formats() []format {
	return []format{
		{"requirements", isRequirements, readRequirements},
		{"pyproject.toml", named("pyproject.toml"), readPyproject},
		{"Pipfile", named("Pipfile"), readPipfile},
		{"uv.lock", named("uv.lock"), readUV},
		{"poetry.lock", named("poetry.lock"), readPoetry},
		{"pdm.lock", named("pdm.lock"), readPDM},
		{"Pipfile.lock", named("Pipfile.lock"), readPipfileLock},
		{"pylock.toml", isPylock, readPylock},
		{"go.work", named("go.work"), readGoWork},
		{"go.mod", named("go.mod"), readGoMod},
		{"go.sum", named("go.sum"), readGoSum},
		{"CycloneDX", isCycloneDX, readCycloneDX},
		{"SPDX", isSPDX, readSPDX},
	}
}

// named matches files by one of their base names.
func named(names ...string) func(string) bool {
	return func(p string) bool {
		for _, n := range names {
			if ok, _ := path.Match(n, path.Base(p)); ok {
				return true
			}
		}
		return false
	}
}

// A source is a file that is being read.
type source struct {
	run    *run   // options, and the files read so far
	path   string // as shown, slash-separated
	data   []byte
	format string
	// constraint tells that the file says which versions, and not what.
	constraint bool
}

// A run is one reading of an inventory.
type run struct {
	options Options
	found   Inventory
	seen    map[string]bool // files that were read already, by absolute path

	// Requirements files: which ones include a file, and which constrain it.
	includedBy, constraints map[string][]string
	// Replacements of a Go workspace, by the go.mod of each of its modules.
	workspace map[string][]*modfile.Replace
}

// maxFile bounds a file: a lock file of ten thousand packages has 20 MB.
const maxFile = 128 << 20

// add records a dependency at a line of the source.
func (s *source) add(line int, d Dependency) {
	d.Where = Place{File: s.path, Line: line}
	s.run.found.Dependencies = append(s.run.found.Dependencies, d)
}

// audited records a dependency with a version. Without a name or a version it
// is unaudited.
func (s *source) audited(line int, d Dependency) {
	d.Status = Audited
	switch {
	case d.Name == "":
		d.Status, d.Reason = Unaudited, "no name is given"
	case d.Version == "":
		d.Status, d.Reason = Unaudited, "no version is given"
	}
	s.add(line, d)
}

// unaudited records a dependency that cannot be compared with advisories.
func (s *source) unaudited(line int, d Dependency, format string, args ...any) {
	d.Status, d.Reason = Unaudited, fmt.Errorf(format, args...).Error()
	s.add(line, d)
}

// excluded records a dependency that need not be audited.
func (s *source) excluded(line int, d Dependency, format string, args ...any) {
	d.Status, d.Reason = Excluded, fmt.Sprintf(format, args...)
	s.add(line, d)
}

// malformed records a line that is not what its format allows: it cannot be
// audited, and nothing can be said of the file as a whole.
func (s *source) malformed(line int, d Dependency, err error) {
	s.unaudited(line, d, "%w", err)
	s.problem(line, "%w", err)
}

// unpath is the cause of an error about a file, which is named beside it.
func unpath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// problem records a part of the source that could not be read.
func (s *source) problem(line int, format string, args ...any) {
	s.run.problem(Place{File: s.path, Line: line}, fmt.Errorf(format, args...))
}

func (r *run) problem(where Place, err error) {
	r.found.Problems = append(r.found.Problems, Problem{Where: where, Err: err, Text: err.Error()})
}

// read reads one file in the given format, once.
func (r *run) read(name string, f format) { r.readAs(name, f, false) }

func (r *run) readAs(name string, f format, constraint bool) {
	if abs, err := filepath.Abs(name); err == nil {
		if r.seen[abs] {
			return
		}
		r.seen[abs] = true
	}
	shown := filepath.ToSlash(name)
	data, err := readFile(name)
	if err != nil {
		r.problem(Place{File: shown}, unpath(err))
		return
	}
	r.found.Files = append(r.found.Files, File{Path: shown, Format: f.name})
	s := &source{run: r, path: shown, data: data, format: f.name, constraint: constraint}
	if err := f.read(s); err != nil {
		r.problem(Place{File: shown}, err)
	}
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("is not a regular file")
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("is of %d MB, more than the %d that are read", info.Size()>>20, maxFile>>20)
	}
	return os.ReadFile(name)
}
