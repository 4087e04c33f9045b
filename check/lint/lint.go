// Package lint finds what is wrong in the source of an API before it runs: in
// Python, in Go, and in the files that deploy it.
package lint

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/internal/baseline"
	"github.com/pavise-dev/pavise/check/internal/tree"
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

// A Rule says what is looked for, and why.
type Rule = analysis.Rule

// The kinds of rules: a vulnerability is a line that is wrong, a posture what
// an application lacks, said once of it.
const (
	Vulnerability = analysis.Vulnerability
	Posture       = analysis.Posture
)

// A Baseline is a list of known findings.
type Baseline = baseline.Baseline

// NewBaseline makes an empty one.
func NewBaseline() *Baseline { return baseline.New(baseline.Findings) }

// ParseBaseline reads a file of one.
func ParseBaseline(data []byte) (*Baseline, error) { return baseline.Parse(baseline.Findings, data) }

// Options say what to look at.
type Options struct {
	// Paths are folders, each a project of its own, and files, which are
	// looked at with the folder that they are in; none means the current
	// folder. In a repository of git, what git ignores is passed over.
	Paths []string
	// Exclude are names and paths below a folder that are passed over, as
	// patterns of [path.Match].
	Exclude []string
	// Only and Skip are the rules that are asked, as patterns: lint/jwt-*.
	// Without Only all are.
	Only, Skip []string
	// Guards are the sections of the policy that stand in front of the
	// application; nil means that there is no policy.
	Guards map[string]bool
	// Allow are findings that are let be, by rule and path.
	Allow []Allow
	// Baseline holds findings that are known; nil means none.
	Baseline *Baseline
}

// An Allow lets findings be.
type Allow struct {
	// Rule is a rule, or a pattern of rules.
	Rule string
	// Path is a pattern of [path.Match], of a path, its last element, or a
	// folder; empty means everywhere.
	Path string
	// Reason is required.
	Reason string
}

// A Finding is what was found.
type Finding struct {
	Rule     *Rule
	Severity finding.Severity
	// File is as the user would write it; Line and Column count from 1, the
	// column in bytes.
	File         string
	Line, Column int
	Problem      string

	known string // what a baseline knows it by
	root  string
	edits []analysis.Edit
}

// Finding is the shape that every check reports.
func (f *Finding) Finding() finding.Finding {
	fix := f.Rule.Fix
	if f.Rule.Pavise != "" {
		fix = strings.TrimSuffix(fix, ".") + ". Pavise: " + f.Rule.Pavise
	}
	return finding.Finding{
		Rule: f.Rule.ID, Where: fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column), Problem: f.Problem, Fix: fix,
		Severity: f.Severity, Refs: f.Rule.Refs,
	}
}

// A Report is what was found.
type Report struct {
	// Found is in the order of files and lines.
	Found    []Finding
	Unknowns []finding.Unclear
	// Files and Bytes that were looked at.
	Files int
	Bytes int64
	// Known are findings that the baseline holds, Allowed those that a
	// comment or the policy lets be.
	Known, Allowed int

	sources map[string][]byte // of the files that a fix changes
}

// Findings are in the shape that every check reports.
func (r *Report) Findings() []finding.Finding {
	var out []finding.Finding
	for i := range r.Found {
		out = append(out, r.Found[i].Finding())
	}
	return out
}

// Add makes all that was found known.
func (r *Report) Add(b *Baseline) {
	for i := range r.Found {
		b.Add(r.Found[i].Rule.ID, r.Found[i].File, r.Found[i].known)
	}
}

// Run looks. Its error is about the options, or the context's.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	report := &Report{sources: map[string][]byte{}}
	projects, err := o.projects()
	if err != nil {
		return nil, err
	}
	for _, p := range projects {
		if err := p.run(ctx, o, report); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(report.Unknowns, func(a, b finding.Unclear) int { return strings.Compare(a.Where, b.Where) })
	if o.Baseline != nil {
		before := len(report.Found)
		report.Found = slices.DeleteFunc(report.Found, func(f Finding) bool { return o.Baseline.Holds(f.Rule.ID, f.File, f.known) })
		report.Known = before - len(report.Found)
	}
	return report, nil
}

// analyze asks every analyzer, several at a time, in an order of findings that
// does not depend on which is done first.
func analyze(ctx context.Context, project *analysis.Project, asked func(*Rule) bool) ([]analysis.Finding, error) {
	all := analyzers()
	results := make([][]analysis.Finding, len(all))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				if !slices.ContainsFunc(all[i].Rules, asked) {
					continue
				}
				all[i].Run(&analysis.Pass{Project: project, Report: func(f analysis.Finding) {
					if asked(f.Rule) {
						results[i] = append(results[i], f)
					}
				}})
			}
		})
	}
	for _, i := range longestFirst(all) {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found := slices.Concat(results...)
	slices.SortStableFunc(found, func(a, b analysis.Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Rule.ID, b.Rule.ID), int(b.Severity-a.Severity), strings.Compare(a.Problem, b.Problem))
	})
	// One rule says one thing of a place.
	return slices.CompactFunc(found, func(a, b analysis.Finding) bool {
		return a.Rule == b.Rule && a.File == b.File && a.Line == b.Line && a.Column == b.Column
	}), nil
}

// longestFirst is the order in which analyzers begin: who has many rules takes
// long, and is not to be waited for at the end.
func longestFirst(all []*analysis.Analyzer) []int {
	out := make([]int, len(all))
	for i := range all {
		out[i] = i
	}
	slices.SortStableFunc(out, func(a, b int) int { return len(all[b].Rules) - len(all[a].Rules) })
	return out
}

// asked tells whether the options ask for a rule.
func (o *Options) asked(r *Rule) bool {
	return (len(o.Only) == 0 || matches(o.Only, r.ID)) && !matches(o.Skip, r.ID)
}

func matches(patterns []string, id string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if !strings.HasPrefix(p, "lint/") {
			p = "lint/" + p
		}
		ok, _ := path.Match(p, id)
		return ok
	})
}

// check says what is wrong with the options.
func (o *Options) check() error {
	rules := Rules()
	named := func(what, pattern string) error {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%s %q is no pattern: %w", what, pattern, err)
		}
		if !slices.ContainsFunc(rules, func(r *Rule) bool { return matches([]string{pattern}, r.ID) }) {
			return fmt.Errorf("%s %q is no rule of lint; pavise explain lint lists them", what, pattern)
		}
		return nil
	}
	for _, p := range o.Only {
		if err := named("only", p); err != nil {
			return err
		}
	}
	for _, p := range o.Skip {
		if err := named("skip", p); err != nil {
			return err
		}
	}
	for i, a := range o.Allow {
		if err := named(fmt.Sprintf("lint.allow[%d].rule:", i), a.Rule); err != nil {
			return err
		}
		if strings.TrimSpace(a.Reason) == "" {
			return fmt.Errorf("lint.allow[%d].reason: say why %s is let be", i, a.Rule)
		}
		if _, err := path.Match(a.Path, ""); err != nil {
			return fmt.Errorf("lint.allow[%d].path: %q is no pattern: %w", i, a.Path, err)
		}
	}
	if p, bad := tree.BadPattern(o.Exclude); bad {
		return fmt.Errorf("exclude %q is no pattern: %w", p, path.ErrBadPattern)
	}
	return nil
}
