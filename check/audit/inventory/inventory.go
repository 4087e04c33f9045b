// Package inventory reads what a project depends on, and accounts for every
// line that says so.
//
// A dependency that cannot be audited is as much a part of the inventory as
// one that can: a scanner that forgets the line it could not read reports a
// vulnerable project as clean.
package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Ecosystem is where a package comes from, in OSV's spelling.
type Ecosystem string

// The ecosystems that are read.
const (
	PyPI Ecosystem = "PyPI"
	Go   Ecosystem = "Go"
)

// A Status is what can be done about a dependency.
type Status int

// The statuses. Unaudited is the zero value: whoever forgets to decide has
// not audited.
const (
	Unaudited Status = iota // cannot be compared with advisories; Reason says why
	Excluded                // need not be; Reason says why
	Audited                 // has a name and a version to compare
)

var statusNames = [...]string{"unaudited", "excluded", "audited"}

func (s Status) String() string {
	if s < Unaudited || s > Audited {
		return fmt.Sprintf("Status(%d)", int(s))
	}
	return statusNames[s]
}

// MarshalText writes the status's name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Place is a line of a file.
type Place struct {
	// File is a slash-separated path as the user would write it, or the name
	// of an environment or a binary.
	File string `json:"file"`
	// Line counts from 1; 0 means the file as a whole.
	Line int `json:"line,omitempty"`
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Compare orders places by file, then line.
func (p Place) Compare(q Place) int {
	return cmp.Or(strings.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line))
}

// A Dependency is one line of a file that names something to install, or one
// installed distribution.
type Dependency struct {
	Ecosystem Ecosystem `json:"ecosystem"`
	// Name as written; compare by [Dependency.Key]. Empty where the line
	// could not be read so far.
	Name string `json:"name,omitempty"`
	// Version that is installed or pinned, as written. Go versions begin with
	// v, those of stdlib and toolchain with go ("go1.22.3").
	Version string `json:"version,omitempty"`
	// Text is the line's own words where they say more than name and version:
	// a requirement, a URL. Credentials in it are replaced.
	Text string `json:"text,omitempty"`
	// Where the line is.
	Where Place `json:"where"`
	// Direct tells that the project names it itself, as far as the file says.
	Direct bool `json:"direct,omitempty"`
	// Unpinned tells that a direct dependency admits more than one version,
	// and nothing beside it says which.
	Unpinned bool `json:"unpinned,omitempty"`
	// Groups it belongs to, such as "dev" or an extra's name; none is the
	// project itself.
	Groups []string `json:"groups,omitempty"`
	// Via names what asks for it, where the file says so.
	Via []string `json:"via,omitempty"`

	Status Status `json:"status"`
	// Reason says why the status is not Audited.
	Reason string `json:"reason,omitempty"`
}

// Key is the name by which the ecosystem itself compares: PEP 503's for
// PyPI.
func (d Dependency) Key() string {
	if d.Ecosystem == PyPI {
		return NormalizeName(d.Name)
	}
	return d.Name
}

// NormalizeName is PEP 503's normal form of a distribution's name: lower case,
// with every run of -, _ and . as one hyphen.
func NormalizeName(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-' || c == '_' || c == '.':
			if len(b) == 0 || b[len(b)-1] != '-' {
				b = append(b, '-')
			}
			continue
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return string(b)
}

// A Problem is a file, or a part of one, that could not be read at all. What
// it holds is unknown, and so is the verdict about the project.
type Problem struct {
	Where Place  `json:"where"`
	Err   error  `json:"-"`
	Text  string `json:"problem"` // what Err says, for machines
}

// An Inventory is what was found.
type Inventory struct {
	// Files that were read, in order, with the name of their format.
	Files []File `json:"files"`
	// Dependencies, by place.
	Dependencies []Dependency `json:"dependencies"`
	// Problems, by place.
	Problems []Problem `json:"problems,omitempty"`
}

// A File is one that was read.
type File struct {
	Path   string `json:"path"`
	Format string `json:"format"` // "requirements", "poetry.lock", …
}

// Count tells how many dependencies have the status.
func (inv *Inventory) Count(s Status) (n int) {
	for _, d := range inv.Dependencies {
		if d.Status == s {
			n++
		}
	}
	return n
}

func (inv *Inventory) sort() {
	slices.SortStableFunc(inv.Dependencies, func(a, b Dependency) int { return a.Where.Compare(b.Where) })
	slices.SortStableFunc(inv.Problems, func(a, b Problem) int { return a.Where.Compare(b.Where) })
}
