// Package analysis is what the analyzers of pavise lint are made of: a rule is
// data, an analyzer a function over a project, and a pass what the function
// sees and where it says what it found.
package analysis

import (
	"fmt"
	"sync"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// A Kind tells what a rule is about.
type Kind uint8

// The kinds of rules.
const (
	// Vulnerability is a line that is wrong.
	Vulnerability Kind = iota
	// Posture is something that the application lacks, said once.
	Posture
)

func (k Kind) String() string { return [...]string{"vulnerability", "posture"}[k] }

// A Rule says what is looked for, and why.
type Rule struct {
	// ID is lint/claim, stable for ever.
	ID    string
	Title string
	// Severity of a finding that does not say otherwise.
	Severity finding.Severity
	Kind     Kind
	// Refs are CWE, OWASP API Top-10 2023 (API1…), ASVS 5.0 (V…) and pages.
	Refs []string
	// Text says what goes wrong, Fix what to do.
	Text, Fix string
	// Pavise names the policy key or the package that solves it; may be empty.
	Pavise string
	// Guard is the section of the policy that makes a posture hold in front
	// of the application; empty means none does.
	Guard string
	// Bad and Good are samples, of a file called File (app/main.py when
	// empty). They are tests.
	File, Bad, Good string
}

// An Analyzer looks for what a few rules say.
type Analyzer struct {
	Name  string
	Rules []*Rule
	Run   func(*Pass)
}

// A Project is what all analyzers look at.
type Project struct {
	Python *pymodel.Project
	Go     *gomodel.Project
	Deploy *deploy.Project
	// Guards are the sections of the policy that stand in front of the
	// application; nil means that there is no policy.
	Guards map[string]bool

	shared sync.Map // by name
}

// Shared is what several analyzers need of a project: the first that asks
// works it out, and nobody changes it.
func Shared[T any](p *Project, name string, f func() T) T {
	once, _ := p.shared.LoadOrStore(name, sync.OnceValue(f))
	return once.(func() T)()
}

// A Finding is what an analyzer found.
type Finding struct {
	Rule     *Rule
	Severity finding.Severity
	File     string
	Line     int // from 1
	Column   int // in bytes, from 1
	Problem  string
	Edits    []Edit
}

// Where is file:line:column.
func (f *Finding) Where() string { return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column) }

// An Edit replaces a part of a file that is a mechanical fix. A file that is
// not there is one of no bytes.
type Edit struct {
	File     string
	From, To int // bytes of the text as pyast and deploy decoded it
	Text     string
}

// A Pass is one analyzer's look at a project.
type Pass struct {
	*Project
	Report func(Finding)
}

// PythonAt reports a node of a module.
func (p *Pass) PythonAt(r *Rule, m *pymodel.Module, n pyast.Node, format string, args ...any) {
	p.PythonSeverity(r, r.Severity, m, n, format, args...)
}

// PythonSeverity reports a node with a severity of its own.
func (p *Pass) PythonSeverity(r *Rule, s finding.Severity, m *pymodel.Module, n pyast.Node, format string, args ...any) {
	line, column := m.File.Position(n.Pos())
	p.Report(Finding{Rule: r, Severity: s, File: m.Path, Line: line, Column: column, Problem: fmt.Sprintf(format, args...)})
}

// PythonFix reports a node and how it is mended.
func (p *Pass) PythonFix(r *Rule, m *pymodel.Module, n pyast.Node, edits []Edit, format string, args ...any) {
	line, column := m.File.Position(n.Pos())
	for i := range edits {
		edits[i].File = m.Path
	}
	p.Report(Finding{Rule: r, Severity: r.Severity, File: m.Path, Line: line, Column: column, Problem: fmt.Sprintf(format, args...), Edits: edits})
}

// At reports a place of another file.
func (p *Pass) At(r *Rule, file string, line, column int, format string, args ...any) {
	p.Report(Finding{Rule: r, Severity: r.Severity, File: file, Line: max(line, 1), Column: max(column, 1), Problem: fmt.Sprintf(format, args...)})
}

// GoAt reports a node of Go.
func (p *Pass) GoAt(r *Rule, f *gomodel.File, n gomodel.Node, format string, args ...any) {
	p.GoSeverity(r, r.Severity, f, n, format, args...)
}

// GoSeverity reports a node of Go with a severity of its own.
func (p *Pass) GoSeverity(r *Rule, s finding.Severity, f *gomodel.File, n gomodel.Node, format string, args ...any) {
	at := f.Position(n.Pos())
	p.Report(Finding{Rule: r, Severity: s, File: f.Path, Line: at.Line, Column: at.Column, Problem: fmt.Sprintf(format, args...)})
}

// Guarded tells whether the policy makes a rule's posture hold.
func (p *Pass) Guarded(r *Rule) bool { return r.Guard != "" && p.Guards[r.Guard] }
