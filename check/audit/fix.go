package audit

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/pavise-dev/pavise/check/audit/inventory"
	"github.com/pavise-dev/pavise/check/internal/diff"
)

// A Remedy is what to do about one package in one file.
type Remedy struct {
	File      string
	Format    string
	Ecosystem inventory.Ecosystem
	Package   string
	// From is the version that is there, To the smallest safe one; To is
	// empty where none is known.
	From, To string
	Lines    []int
	// Command updates it, where the file is not to be edited by hand.
	Command string
	// Why says why nothing can be done, or what is left to do.
	Why string
}

// Editable tells whether pins in files of the format are rewritten in place.
func Editable(format string) bool { return format == "requirements" || format == "go.mod" }

// Remedies says for each vulnerable package of each file what to do.
func (r *Report) Remedies() []Remedy {
	format := map[string]string{}
	for _, f := range r.Inventory.Files {
		format[f.Path] = f.Format
	}
	type key struct {
		file, pkg, version string
		ecosystem          inventory.Ecosystem
	}
	var out []Remedy
	seen := map[key]int{}
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		for _, w := range v.Where {
			k := key{w.File, v.Package, v.Version, v.Ecosystem}
			j, ok := seen[k]
			if !ok {
				j = len(out)
				seen[k] = j
				rem := Remedy{File: w.File, Format: format[w.File], Ecosystem: v.Ecosystem, Package: v.Package, From: v.Version, To: v.Safe}
				switch {
				case v.Malicious:
					rem.To, rem.Why = "", "it is malicious: remove it"
				case v.Safe == "":
					rem.Why = "no safe version is known"
				case !Editable(rem.Format):
					rem.Command = command(rem)
				}
				out = append(out, rem)
			} else if v.Malicious {
				out[j].To, out[j].Command, out[j].Why = "", "", "it is malicious: remove it"
			}
			if w.Line > 0 && !slices.Contains(out[j].Lines, w.Line) {
				out[j].Lines = append(out[j].Lines, w.Line)
			}
		}
	}
	for i := range out {
		if strings.HasPrefix(out[i].Package, "stdlib") || out[i].Package == "toolchain" {
			goToolchain(&out[i])
		}
	}
	slices.SortStableFunc(out, func(a, b Remedy) int { return strings.Compare(a.File, b.File) })
	return out
}

// goToolchain: the standard library comes with Go, and is updated with it.
func goToolchain(r *Remedy) {
	if r.To == "" || r.Ecosystem != inventory.Go {
		return
	}
	version := strings.TrimPrefix(strings.TrimPrefix(r.To, "v"), "go")
	r.Command = "go get toolchain@go" + version
}

// command is what updates a package where a tool keeps the file.
func command(r Remedy) string {
	name := r.Package
	if r.Ecosystem == inventory.PyPI {
		name = inventory.NormalizeName(name)
	}
	pin := shellQuote(name + "==" + r.To)
	in := ""
	if dir := path.Dir(r.File); dir != "." {
		in = "cd " + shellQuote(dir) + " && "
	}
	switch r.Format {
	case "uv.lock":
		return in + "uv lock --upgrade-package " + pin
	case "poetry.lock":
		return in + "poetry update " + shellQuote(name) + "  # needs " + shellQuote(name+" = \">="+r.To+"\"") + " to be allowed by pyproject.toml"
	case "pdm.lock":
		return in + "pdm update --unconstrained " + shellQuote(name)
	case "Pipfile.lock":
		return in + "pipenv upgrade " + pin
	case "environment":
		return "python -m pip install " + pin
	case "pylock.toml":
		return in + "uv pip compile --format pylock.toml --upgrade-package " + pin + " …  # as it was made"
	case "pyproject.toml":
		return fmt.Sprintf("change %s in %s to %s", r.From, r.File, r.To)
	case "go.sum", "go.work", "Go binary":
		return in + "go get " + shellQuote(r.Package+"@v"+strings.TrimPrefix(r.To, "v")) + " && go mod tidy"
	}
	return ""
}

// shellQuote makes one word of a shell of what others wrote.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:@+~") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// A Fix is what becomes of one file.
type Fix struct {
	File string
	// Before and After are the file's content; After is nil where nothing is
	// changed.
	Before, After []byte
	// Notes say what is left to do, and what was dropped.
	Notes []string
}

// Plan works out the new content of each file that can be edited in place. It
// writes nothing.
func Plan(r *Report, dropHashes bool) ([]Fix, error) {
	var out []Fix
	byFile := map[string][]Remedy{}
	var files []string
	for _, rem := range r.Remedies() {
		if byFile[rem.File] == nil {
			files = append(files, rem.File)
		}
		byFile[rem.File] = append(byFile[rem.File], rem)
	}
	for _, file := range files {
		f := Fix{File: file}
		var edits []Remedy
		for _, rem := range byFile[file] {
			what := rem.Package + " " + rem.From
			switch {
			case rem.Why != "":
				f.Notes = append(f.Notes, what+": "+rem.Why)
			case rem.Command != "":
				f.Notes = append(f.Notes, what+": run "+rem.Command)
			case Editable(rem.Format):
				edits = append(edits, rem)
			default:
				f.Notes = append(f.Notes, fmt.Sprintf("%s: update it to %s", what, rem.To))
			}
		}
		if len(edits) > 0 {
			if err := f.edit(edits, dropHashes); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

func (f *Fix) edit(edits []Remedy, dropHashes bool) error {
	var err error
	if f.Before, err = os.ReadFile(filepath.FromSlash(f.File)); err != nil {
		return err
	}
	if edits[0].Format == "go.mod" {
		return f.editGoMod(edits)
	}
	var pins []inventory.Pin
	for _, e := range edits {
		for _, line := range e.Lines {
			pins = append(pins, inventory.Pin{Line: line, Name: e.Package, From: e.From, To: e.To})
		}
	}
	after, changes, err := inventory.Rewrite(f.Before, pins, dropHashes)
	if err != nil {
		return err
	}
	for _, c := range changes {
		switch {
		case c.Err != nil:
			f.Notes = append(f.Notes, fmt.Sprintf("%s %s at line %d stays: %v", c.Name, c.From, c.Line, c.Err))
		case len(c.Hashes) > 0:
			f.Notes = append(f.Notes, fmt.Sprintf("%s at line %d lost its hashes, which were of %s: %s; compile the file anew to get those of %s", c.Name, c.Line, c.From, strings.Join(c.Hashes, " "), c.To))
		}
	}
	if string(after) != string(f.Before) {
		f.After = after
	}
	return nil
}

// editGoMod raises the versions of requirements. What that asks of other
// modules is go mod tidy's to settle.
func (f *Fix) editGoMod(edits []Remedy) error {
	mod, err := modfile.Parse(f.File, f.Before, nil)
	if err != nil {
		return err
	}
	for _, e := range edits {
		to := "v" + strings.TrimPrefix(e.To, "v")
		found := false
		for _, r := range mod.Require {
			if r.Mod.Path != e.Package || r.Mod.Version != e.From {
				continue
			}
			found = true
			if err := mod.AddRequire(e.Package, to); err != nil {
				return err
			}
		}
		if !found {
			f.Notes = append(f.Notes, fmt.Sprintf("%s %s is not a requirement but a replacement: change it to %s", e.Package, e.From, to))
		}
	}
	after, err := mod.Format()
	if err != nil {
		return err
	}
	if string(after) != string(f.Before) {
		f.After = after
		f.Notes = append(f.Notes, "run go mod tidy, which brings go.sum and what else the new versions ask for")
	}
	return nil
}

// Diff is the change as a unified diff; empty where nothing is changed.
func (f *Fix) Diff() string {
	if f.After == nil {
		return ""
	}
	return diff.Unified(f.File, f.Before, f.After)
}
