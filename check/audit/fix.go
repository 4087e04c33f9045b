package audit

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/audit/inventory"
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
