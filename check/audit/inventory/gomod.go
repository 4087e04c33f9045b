package inventory

import (
	"bufio"
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/pavise-dev/pavise/check/audit/internal/gover"
)

// The names by which advisories call Go itself.
const (
	goStdlib    = "stdlib"
	goToolchain = "toolchain"
)

// readGoMod reads a go.mod. Since Go 1.17 it lists every module that the
// packages of the main module need, with the versions that are built; before,
// only go.sum has the rest.
func readGoMod(s *source) error {
	f, err := modfile.Parse(s.path, s.data, nil)
	if err != nil {
		// The file of a later Go may hold what is not known yet: what can be
		// read is, and the rest is said.
		lax, laxErr := modfile.ParseLax(s.path, s.data, nil)
		if laxErr != nil {
			return goFileError(s, laxErr)
		}
		s.problem(0, "%w", goFileError(s, err))
		f = lax
	}
	replace := f.Replace
	if w := s.run.workspaceOf(s.path); w != nil {
		replace = append(w, replace...) // a workspace's replacements win
	}
	for _, r := range f.Require {
		d := Dependency{Ecosystem: Go, Name: r.Mod.Path, Version: r.Mod.Version, Direct: !r.Indirect}
		if f.Module != nil && sameTree(f.Module.Mod.Path, d.Name) && replacedByFolder(d, replace) {
			s.excluded(r.Syntax.Start.Line, d, "is the project itself")
			continue
		}
		s.module(r.Syntax.Start.Line, d, replace)
	}
	s.goItself(f)
	if f.Go == nil || semver.Compare("v"+f.Go.Version, "v1.17") < 0 {
		s.beforePruning(f)
	}
	return nil
}

// sameTree tells whether one module's path is above the other's: they are of
// one repository. A copy of somebody else's module has another path, and stays
// what cannot be told.
func sameTree(a, b string) bool {
	return strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

func replacedByFolder(d Dependency, replace []*modfile.Replace) bool {
	i := slices.IndexFunc(replace, func(r *modfile.Replace) bool { return replaces(r, d) })
	return i >= 0 && replace[i].New.Version == ""
}

func replaces(r *modfile.Replace, d Dependency) bool {
	return r.Old.Path == d.Name && (r.Old.Version == "" || r.Old.Version == d.Version)
}

func goFileError(s *source, err error) error {
	var list modfile.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		return fmt.Errorf("line %d: %w", list[0].Pos.Line, list[0].Err)
	}
	return errors.New(strings.TrimPrefix(err.Error(), s.path+":"))
}

// module records a required module, or what replaces it.
func (s *source) module(line int, d Dependency, replace []*modfile.Replace) {
	for _, r := range replace {
		if !replaces(r, d) {
			continue
		}
		if r.New.Version == "" {
			d.Text = "=> " + r.New.Path
			s.unaudited(line, d, "is replaced by the folder %s: which version that is cannot be told", r.New.Path)
			return
		}
		d.Text = fmt.Sprintf("%s %s => %s %s", d.Name, d.Version, r.New.Path, r.New.Version)
		d.Name, d.Version = r.New.Path, r.New.Version
		break
	}
	s.audited(line, d)
}

// goItself records the standard library and the toolchain by the version that
// the module is built with at least: its toolchain line, else its go line. A
// newer Go may be installed; Options.GoVersion says so.
func (s *source) goItself(f *modfile.File) {
	name, line := "", 0
	switch {
	case s.run.options.GoVersion != "":
		name = s.run.options.GoVersion
		if f.Go != nil {
			line = f.Go.Syntax.Start.Line
		}
	case f.Toolchain != nil && f.Toolchain.Name != "default" && f.Toolchain.Name != "local":
		name, line = f.Toolchain.Name, f.Toolchain.Syntax.Start.Line
	case f.Go != nil:
		name, line = "go"+f.Go.Version, f.Go.Syntax.Start.Line
	}
	std := Dependency{Ecosystem: Go, Name: goStdlib, Text: name, Direct: true}
	if name == "" {
		s.unaudited(0, std, "there is neither a go nor a toolchain line")
		return
	}
	v, err := gover.Toolchain(name)
	switch {
	case err != nil:
		s.unaudited(line, std, "%w", err)
	case strings.Count(strings.TrimPrefix(name, "go"), ".") < 2 && f.Toolchain == nil && s.run.options.GoVersion == "" && !strings.ContainsAny(v, "-"):
		// "go 1.22" is a language version, and any release from it on builds
		// the module.
		s.unaudited(line, std, "the go line names the language version %s and no release: add a toolchain line, or give the version that builds it with --go", strings.TrimPrefix(name, "go"))
	default:
		std.Version = v
		s.audited(line, std)
		std.Name = goToolchain
		s.audited(line, std)
	}
}

// beforePruning reads the go.sum beside a go.mod that does not list all
// modules. It names every version that was looked at, of which the highest of
// each is an upper bound of what is built.
func (s *source) beforePruning(f *modfile.File) {
	known := map[string]bool{}
	for _, r := range f.Require {
		known[r.Mod.Path] = true
	}
	name := path.Join(path.Dir(s.path), "go.sum")
	data, err := readFile(filepath.FromSlash(name))
	if err != nil {
		s.problem(0, "go.mod is of a Go before 1.17 and lists only direct requirements, and go.sum, which has the rest, cannot be read: %w", unpath(err))
		return
	}
	sum := &source{run: s.run, path: name, data: data, format: "go.sum"}
	if abs, err := filepath.Abs(filepath.FromSlash(name)); err == nil {
		s.run.seen[abs] = true
	}
	s.run.found.Files = append(s.run.found.Files, File{Path: name, Format: "go.sum"})
	sum.sums(known)
}

// readGoSum reads a go.sum that stands alone. Beside a go.mod it says nothing
// more: versions in it that are not required were looked at and not chosen.
func readGoSum(s *source) error {
	if _, err := os.Stat(filepath.Join(filepath.Dir(filepath.FromSlash(s.path)), "go.mod")); err == nil {
		return nil
	}
	s.sums(nil)
	return nil
}

func (s *source) sums(known map[string]bool) {
	type entry struct {
		line    int
		version string
	}
	best := map[string]entry{}
	var order []string
	scan := bufio.NewScanner(bytes.NewReader(s.data))
	scan.Buffer(nil, 1<<20)
	for n := 1; scan.Scan(); n++ {
		fields := strings.Fields(scan.Text())
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 {
			s.problem(n, "is not a line of a go.sum: wanted a module, a version and a hash")
			continue
		}
		version, goModOnly := strings.CutSuffix(fields[1], "/go.mod")
		if goModOnly || known[fields[0]] {
			continue // its code is not part of the build, or it is listed above
		}
		e, ok := best[fields[0]]
		if !ok {
			order = append(order, fields[0])
		}
		if !ok || semver.Compare(version, e.version) > 0 {
			best[fields[0]] = entry{n, version}
		}
	}
	for _, name := range order {
		s.audited(best[name].line, Dependency{Ecosystem: Go, Name: name, Version: best[name].version, Text: "the highest version in go.sum"})
	}
}

// readGoWork reads a workspace: its modules, with its replacements.
func readGoWork(s *source) error {
	f, err := modfile.ParseWork(s.path, s.data, nil)
	if err != nil {
		return goFileError(s, err)
	}
	dir := path.Dir(s.path)
	for _, u := range f.Use {
		name := path.Join(dir, u.Path, "go.mod")
		if s.run.workspace == nil {
			s.run.workspace = map[string][]*modfile.Replace{}
		}
		s.run.workspace[name] = f.Replace
		if _, err := readFile(filepath.FromSlash(name)); err != nil {
			s.problem(u.Syntax.Start.Line, "the module in %s cannot be read: %w", u.Path, unpath(err))
			continue
		}
		s.run.read(filepath.FromSlash(name), format{name: "go.mod", read: readGoMod})
	}
	if f.Toolchain != nil || f.Go != nil {
		mod := &modfile.File{Go: f.Go, Toolchain: f.Toolchain}
		s.goItself(mod)
	}
	return nil
}

// workspaceOf returns the replacements of the workspace that a module is in.
func (r *run) workspaceOf(goMod string) []*modfile.Replace { return r.workspace[goMod] }

// isGoBinary knows executables by their first bytes: ELF, PE and Mach-O.
func isGoBinary(head []byte) bool {
	for _, m := range []string{"\x7fELF", "MZ", "\xfe\xed\xfa", "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\xca\xfe\xba\xbe"} {
		if bytes.HasPrefix(head, []byte(m)) {
			return true
		}
	}
	return false
}

// readGoBinary reads what a Go program says of its own build.
func (r *run) readGoBinary(name string) {
	shown := filepath.ToSlash(name)
	s := &source{run: r, path: shown, format: "Go binary"}
	info, err := buildinfo.ReadFile(name)
	if err != nil {
		r.problem(Place{File: shown}, fmt.Errorf("is no Go program with its build information: %w", unpath(err)))
		return
	}
	r.found.Files = append(r.found.Files, File{Path: shown, Format: s.format})
	main := Dependency{Ecosystem: Go, Name: info.Main.Path, Version: info.Main.Version, Direct: true}
	switch {
	case info.Main.Path == "":
		// Built from files, outside of a module.
	case info.Main.Version == "" || info.Main.Version == "(devel)":
		s.excluded(0, main, "is the project itself")
	default:
		s.audited(0, main)
	}
	for _, m := range info.Deps {
		d := Dependency{Ecosystem: Go, Name: m.Path, Version: m.Version}
		if m.Replace != nil {
			d.Text = fmt.Sprintf("%s %s => %s %s", m.Path, m.Version, m.Replace.Path, m.Replace.Version)
			if m.Replace.Version == "" || module.CheckPath(m.Replace.Path) != nil {
				s.unaudited(0, d, "is replaced by the folder %s: which version that is cannot be told", m.Replace.Path)
				continue
			}
			d.Name, d.Version = m.Replace.Path, m.Replace.Version
		}
		if d.Version == "(devel)" {
			d.Version = ""
		}
		s.audited(0, d)
	}
	std := Dependency{Ecosystem: Go, Name: goStdlib, Text: info.GoVersion, Direct: true}
	if std.Version, err = gover.Toolchain(info.GoVersion); err != nil {
		s.unaudited(0, std, "%w", err)
		return
	}
	s.audited(0, std)
}
