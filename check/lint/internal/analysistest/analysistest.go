// Package analysistest holds analyzers to their samples. What a sample says is
// in the sample: `# want "lint/x"` stands on a line where the rule must speak,
// `# ok "lint/x"` on one where it could be thought to and must not; want+1 and
// ok+1 are about the next line, for files that have no comments behind what
// they say. Nothing else may be found.
package analysistest

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var expectation = regexp.MustCompile(`(?:#|//)\s*(want|ok)(\+1)?((?:\s+"[^"]*")+)`)

var quoted = regexp.MustCompile(`"([^"]*)"`)

type want struct {
	file, pattern string
	line          int
	met           bool
}

// Run holds an analyzer to its rules' own samples and to those in testdata: a
// file is a project, and so is each top folder of a .txtar. Each rule needs
// three samples of either kind.
func Run(t *testing.T, a *analysis.Analyzer) {
	t.Helper()
	bad, good := map[string]int{}, map[string]int{}
	for _, r := range a.Rules {
		t.Run(strings.TrimPrefix(r.ID, "lint/"), func(t *testing.T) { Rule(t, a, r) })
		bad[r.ID]++
		good[r.ID]++
	}
	names, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for top, files := range projects(name, data) {
			t.Run(filepath.Base(name)+"/"+top, func(t *testing.T) {
				for id, n := range check(t, a, files) {
					if id[0] == '+' {
						bad[id[1:]] += n
					} else {
						good[id[1:]] += n
					}
				}
			})
		}
	}
	for _, r := range a.Rules {
		if bad[r.ID] < 3 || good[r.ID] < 3 {
			t.Errorf("%s has %d bad and %d good samples, and needs three of either", r.ID, bad[r.ID], good[r.ID])
		}
	}
}

// Rule holds a rule to its own samples.
func Rule(t *testing.T, a *analysis.Analyzer, r *analysis.Rule) {
	t.Helper()
	for kind, text := range map[string]string{"bad": r.Bad, "good": r.Good} {
		found, unread := Find(a, Sample(r, text), nil)
		if len(unread) > 0 {
			t.Errorf("the %s sample of %s cannot be read: %v", kind, r.ID, unread)
		}
		has := slices.ContainsFunc(found, func(f analysis.Finding) bool { return f.Rule == r })
		if has != (kind == "bad") {
			t.Errorf("the %s sample of %s: found %v\n%s", kind, r.ID, has, text)
		}
	}
	if r.Title == "" || r.Text == "" || r.Fix == "" || len(r.Refs) == 0 || r.Severity == finding.Unknown || !strings.HasPrefix(r.ID, "lint/") {
		t.Errorf("%s lacks a title, a text, a fix, a reference or a severity", r.ID)
	}
}

// Sample is a rule's sample as a project: one file, or a txtar.
func Sample(r *analysis.Rule, text string) map[string][]byte {
	if strings.HasPrefix(text, "-- ") {
		files := map[string][]byte{}
		for _, f := range txtar.Parse([]byte(text)).Files {
			files[f.Name] = f.Data
		}
		return files
	}
	name := r.File
	if name == "" {
		name = "app/main.py"
	}
	return map[string][]byte{name: []byte(text)}
}

// projects are those in a file of testdata.
func projects(name string, data []byte) map[string]map[string][]byte {
	if filepath.Ext(name) != ".txtar" {
		base := filepath.Base(name)
		if base == "main.go" {
			base = "cmd/main.go"
		}
		return map[string]map[string][]byte{base: {base: data}}
	}
	out := map[string]map[string][]byte{}
	for _, f := range txtar.Parse(data).Files {
		top, rest, _ := strings.Cut(f.Name, "/")
		if out[top] == nil {
			out[top] = map[string][]byte{}
		}
		out[top][rest] = f.Data
	}
	return out
}

// Find runs an analyzer over files.
func Find(a *analysis.Analyzer, files map[string][]byte, guards map[string]bool) ([]analysis.Finding, []analysis.Unread) {
	var sources []analysis.Source
	var names []string
	for name, data := range files {
		names = append(names, name)
		if analysis.Wanted(name) {
			sources = append(sources, analysis.Source{Path: name, Data: data})
		}
	}
	slices.Sort(names)
	slices.SortFunc(sources, func(a, b analysis.Source) int { return strings.Compare(a.Path, b.Path) })
	p, unread := analysis.Load(context.Background(), sources, names)
	p.Guards = guards
	p.Deploy.Repository = true
	var found []analysis.Finding
	a.Run(&analysis.Pass{Project: p, Report: func(f analysis.Finding) { found = append(found, f) }})
	return found, unread
}

// check compares, and counts samples: +id bad, -id good.
func check(t *testing.T, a *analysis.Analyzer, files map[string][]byte) map[string]int {
	t.Helper()
	counts := map[string]int{}
	var wants []*want
	for name, data := range files {
		for i, line := range strings.Split(string(data), "\n") {
			for _, m := range expectation.FindAllStringSubmatch(line, -1) {
				at := i + 1
				if m[2] != "" {
					at++
				}
				for _, q := range quoted.FindAllStringSubmatch(m[3], -1) {
					id, _, _ := strings.Cut(q[1], ":")
					if m[1] == "ok" {
						counts["-"+id]++
						continue
					}
					counts["+"+id]++
					wants = append(wants, &want{file: name, line: at, pattern: q[1]})
				}
			}
		}
	}
	found, unread := Find(a, files, guardsOf(files))
	for _, u := range unread {
		t.Errorf("%s:%d cannot be read: %s", u.Path, u.Line, u.Problem)
	}
	for _, f := range found {
		said := f.Rule.ID + ": " + f.Problem
		met := false
		for _, w := range wants {
			if !w.met && w.file == f.File && w.line == f.Line && strings.HasPrefix(said, w.pattern) {
				w.met, met = true, true
				break
			}
		}
		if !met {
			t.Errorf("%s: not wanted: %s", f.Where(), said)
		}
	}
	for _, w := range wants {
		if !w.met {
			t.Errorf("%s:%d: not found: %s", w.file, w.line, w.pattern)
		}
	}
	return counts
}

// guardsOf reads the sample's own policy: the names of its sections.
func guardsOf(files map[string][]byte) map[string]bool {
	var out map[string]bool
	for name, data := range files {
		if path.Base(name) != "pavise.yaml" {
			continue
		}
		out = map[string]bool{}
		for line := range strings.SplitSeq(string(data), "\n") {
			if key, _, ok := strings.Cut(line, ":"); ok && key != "" && key[0] != ' ' && key[0] != '#' {
				out[key] = true
			}
		}
	}
	return out
}
