// Package summary makes one report of what all checks have to say: by area,
// with a grade whose arithmetic is shown, and what to do first.
package summary

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/finding"
)

// An Area is what one check has to say.
type Area struct {
	// Name of the check: audit, leaks, lint, promises or probe.
	Name     string            `json:"name"`
	Findings []finding.Finding `json:"findings"`
	Unknowns []finding.Unclear `json:"could_not_tell"`
	// Kept is how much is as it should be, and Of what is counted: rules,
	// dependencies, promises.
	Kept int    `json:"kept"`
	Of   string `json:"of"`
	// Skipped says why the area was not looked at; empty means that it was.
	Skipped string        `json:"skipped,omitempty"`
	Notes   []string      `json:"notes,omitempty"`
	Took    time.Duration `json:"took"`

	looked, mostlyUnknown bool // see measure
}

// Broken is how many findings of the area count.
func (a *Area) Broken() int { return len(a.Findings) }

// An Ignore lets findings be, with a reason, until a day.
type Ignore struct {
	// Rule is a rule, or a pattern of rules with *.
	Rule string
	// Where is a pattern of the file, or of the operation; empty means
	// everywhere.
	Where  string
	Reason string
	// Until is the last day that it holds; the zero time means for good.
	Until time.Time
}

// A Report is the whole.
type Report struct {
	Tool    string `json:"tool"`
	Version string `json:"version"`
	Project string `json:"project"`
	Areas   []Area `json:"areas"`
	Grade   Grade  `json:"grade"`
	// Top are the findings to mend first, ten at the most.
	Top []finding.Finding `json:"top"`
	// Known are findings of the baseline, Ignored those that the policy lets
	// be; neither counts.
	Known   int                     `json:"known"`
	Ignored int                     `json:"ignored"`
	Since   string                  `json:"since,omitempty"`
	Before  *Grade                  `json:"before,omitempty"`
	Rules   map[string]finding.Rule `json:"-"`
}

// All are the findings of all areas.
func (r *Report) All() []finding.Finding {
	var out []finding.Finding
	for _, a := range r.Areas {
		out = append(out, a.Findings...)
	}
	return out
}

// Unknowns are those of all areas.
func (r *Report) Unknowns() []finding.Unclear {
	var out []finding.Unclear
	for _, a := range r.Areas {
		for _, u := range a.Unknowns {
			u.Where = a.Name + ": " + u.Where
			out = append(out, u)
		}
	}
	return out
}

// Options of [New].
type Options struct {
	Project, Version string
	Areas            []Area
	// Policy is the file that the ignores are in.
	Policy  string
	Ignores []Ignore
	// Known are the ids of findings that do not count.
	Known map[string]bool
	// Changed are the files that findings are asked of; nil means all. A
	// finding that is of no file counts.
	Changed map[string]bool
	Since   string
	Now     time.Time
	Rules   map[string]finding.Rule
	Before  *Grade
}

// Stale is the rule of an ignore that does nothing.
const Stale = "check/stale-ignore"

// New puts a report together.
func New(o Options) *Report {
	r := &Report{Tool: "pavise check", Version: o.Version, Project: o.Project, Since: o.Since, Rules: o.Rules}
	if o.Before != nil && o.Before.None == "" {
		r.Before = o.Before
	}
	used := make([]bool, len(o.Ignores))
	for _, a := range o.Areas {
		a.measure()
		ids := map[string]int{}
		var left []finding.Finding
		for _, f := range a.Findings {
			id, file := ID(f), fileOf(f.Where)
			ids[id]++
			known := o.Known[fmt.Sprintf("%s:%d", id, ids[id])]
			ignored := false
			for i, ig := range o.Ignores {
				if ig.lets(f) {
					used[i] = true
					ignored = ignored || !ig.expired(o.Now)
				}
			}
			switch {
			case o.Changed != nil && file != "" && !o.Changed[file]:
			case known:
				r.Known++
			case ignored:
				r.Ignored++
			default:
				left = append(left, f)
			}
		}
		finding.Sort(left)
		a.Findings = left
		r.Areas = append(r.Areas, a)
	}
	if stale := staleIgnores(o, r.Areas, used); len(stale) > 0 {
		r.Areas = append(r.Areas, Area{Name: "policy", Findings: stale, Of: "ignores"})
	}
	r.Grade = grade(r)
	r.Top = top(r)
	return r
}

func staleIgnores(o Options, areas []Area, used []bool) []finding.Finding {
	var out []finding.Finding
	for i, ig := range o.Ignores {
		var problem string
		switch {
		case ig.expired(o.Now):
			problem = fmt.Sprintf("check.ignore[%d]: %s was let be until %s", i, ig.Rule, ig.Until.Format(time.DateOnly))
		case !used[i] && o.Changed == nil && !ig.ofMissing(areas):
			problem = fmt.Sprintf("check.ignore[%d]: nothing of %s is found that could be let be", i, ig.Rule)
		default:
			continue
		}
		out = append(out, finding.Finding{Rule: Stale, Where: o.Policy, Problem: problem, Fix: "take the ignore away, or look at what it was for again", Severity: finding.Low, Refs: []string{"CWE-1164"}})
	}
	return out
}

// ofMissing tells whether what is let be may be in an area that could not be
// looked at. The promises' rules have the names of guards.
func (i *Ignore) ofMissing(areas []Area) bool {
	of, _, _ := strings.Cut(i.Rule, "/")
	named := slices.ContainsFunc(areas, func(a Area) bool { return a.Name == of })
	return slices.ContainsFunc(areas, func(a Area) bool {
		return a.missing() && (a.Name == of || !named && (a.Name == "promises" || strings.ContainsAny(of, "*?[")))
	})
}

func (i *Ignore) expired(now time.Time) bool {
	return !i.Until.IsZero() && !now.Before(i.Until.AddDate(0, 0, 1))
}

func (i *Ignore) lets(f finding.Finding) bool {
	if ok, _ := path.Match(i.Rule, f.Rule); !ok {
		return false
	}
	if i.Where == "" {
		return true
	}
	file := fileOf(f.Where)
	for p := file; p != "." && p != "/" && p != ""; p = path.Dir(p) {
		for _, s := range []string{p, path.Base(p)} {
			if ok, _ := path.Match(i.Where, s); ok {
				return true
			}
		}
	}
	return strings.Contains(f.Where, i.Where) || strings.HasPrefix(operation(f.Where), i.Where)
}

var host = regexp.MustCompile(`https?://[^/ ]+`)

// operation is a Where without the address of the API, which is another one
// each time: GET /orders.
func operation(where string) string { return host.ReplaceAllString(where, "") }

// fileOf is the file of a Where; empty when it is of none.
func fileOf(where string) string {
	if file := finding.FileOf(where); file != "" {
		return path.Clean(file)
	}
	return ""
}

var digits = regexp.MustCompile(`\d+`)

// ID is the same for the same finding, whatever comes and goes around it.
func ID(f finding.Finding) string {
	problem, _, _ := strings.Cut(f.Problem, "; shown by ")
	where := finding.FileOf(f.Where)
	if where == "" {
		where = operation(f.Where)
	}
	sum := sha256.Sum256([]byte(f.Rule + "\x00" + where + "\x00" + digits.ReplaceAllString(problem, "0")))
	return hex.EncodeToString(sum[:12])
}

type baselineFile struct {
	Version  int             `json:"version"`
	Findings []baselineEntry `json:"findings"`
}

type baselineEntry struct {
	Rule string `json:"rule"`
	ID   string `json:"id"`
}

// EncodeBaseline writes the findings that are known from now on.
func EncodeBaseline(r *Report) []byte {
	f := baselineFile{Version: 1, Findings: []baselineEntry{}}
	for _, a := range r.Areas {
		ids := map[string]int{}
		for _, x := range a.Findings {
			id := ID(x)
			ids[id]++
			f.Findings = append(f.Findings, baselineEntry{x.Rule, fmt.Sprintf("%s:%d", id, ids[id])})
		}
	}
	slices.SortFunc(f.Findings, func(a, b baselineEntry) int { return strings.Compare(a.Rule+a.ID, b.Rule+b.ID) })
	out, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic("summary: a baseline cannot be encoded") // it holds texts alone
	}
	return append(out, '\n')
}

// ParseBaseline reads what is known.
func ParseBaseline(data []byte) (map[string]bool, error) {
	var f baselineFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("is no baseline: %w", err)
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("is of version %d, and 1 is what is read", f.Version)
	}
	out := map[string]bool{}
	for _, e := range f.Findings {
		out[e.ID] = true
	}
	return out, nil
}

// ParseBefore reads the grade of an earlier report in JSON, which may be that
// there was none.
func ParseBefore(data []byte) (*Grade, error) {
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("is no report: %w", err)
	}
	if r.Tool != "pavise check" || r.Grade.Letter == "" && r.Grade.None == "" {
		return nil, errors.New("is no report that pavise check wrote with --format json")
	}
	return &r.Grade, nil
}

// weight is a finding's severity. One that nobody scored is not taken to be
// small.
func weight(f finding.Finding) finding.Severity {
	if f.Severity == finding.Unknown {
		return finding.Medium
	}
	return f.Severity
}

// top are the findings to mend first: the worst, and of these the ones that
// are proved before those that are read.
func top(r *Report) []finding.Finding {
	order := []string{"probe", "promises", "leaks", "audit", "lint"}
	type ranked struct {
		f    finding.Finding
		area int
	}
	var all []ranked
	for _, a := range r.Areas {
		for _, f := range a.Findings {
			if weight(f) >= finding.Low {
				all = append(all, ranked{f, slices.Index(order, a.Name)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		if x, y := weight(a.f), weight(b.f); x != y {
			return int(y - x)
		}
		return a.area - b.area
	})
	var out []finding.Finding
	seen := map[string]bool{}
	for _, x := range all {
		// One of a rule says it; the others are in the areas. Of dependencies
		// each has to be updated: the problem begins with its name.
		what := x.f.Rule
		if strings.HasPrefix(what, "audit/") {
			name, _, _ := strings.Cut(x.f.Problem, " ")
			what += " " + name
		}
		if len(out) < 10 && !seen[what] {
			seen[what] = true
			out = append(out, x.f)
		}
	}
	return out
}
