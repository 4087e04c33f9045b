package lint

import (
	"bytes"
	"cmp"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/internal/diff"
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
)

// A Fix is what changes in a file. A Before of nil is a file that is not
// there.
type Fix struct {
	File          string
	Before, After []byte
	// Rules that it satisfies.
	Rules []string
	// Left are the findings whose change would touch that of another: run it
	// again.
	Left int
}

// Fixes are the mechanical changes, by file.
func (r *Report) Fixes() []*Fix {
	type change struct {
		rule  string
		edits []analysis.Edit
	}
	byFile := map[string][]change{}
	for i := range r.Found {
		f := &r.Found[i]
		for _, e := range f.edits {
			name := path.Join(filepath.ToSlash(f.root), e.File)
			list := byFile[name]
			if n := len(list); n == 0 || list[n-1].rule != f.Rule.ID {
				list = append(list, change{rule: f.Rule.ID})
			}
			list[len(list)-1].edits = append(list[len(list)-1].edits, e)
			byFile[name] = list
		}
	}
	var out []*Fix
	for name, changes := range byFile {
		before := r.sources[name]
		bom := []byte("\xef\xbb\xbf")
		text := bytes.TrimPrefix(before, bom)
		if !utf8.Valid(text) {
			continue // what the edits are of was decoded
		}
		fix := &Fix{File: name, Before: before}
		var edits []analysis.Edit
		for _, c := range changes {
			if fits(edits, c.edits, len(text)) {
				edits = append(edits, c.edits...)
				fix.Rules = append(fix.Rules, c.rule)
			} else {
				fix.Left++
			}
		}
		after := apply(text, edits)
		if len(text) < len(before) {
			after = append(bytes.Clone(bom), after...)
		}
		if fix.After = after; !bytes.Equal(before, after) {
			out = append(out, fix)
		}
	}
	slices.SortFunc(out, func(a, b *Fix) int { return strings.Compare(a.File, b.File) })
	return out
}

// fits tells whether edits stand within the text, and touch none of those
// that are made. The same edit twice is one.
func fits(made, more []analysis.Edit, size int) bool {
	return !slices.ContainsFunc(more, func(e analysis.Edit) bool {
		return e.From < 0 || e.To < e.From || e.To > size || slices.ContainsFunc(made, func(m analysis.Edit) bool {
			return m != e && e.From <= m.To && m.From <= e.To
		})
	})
}

func apply(text []byte, edits []analysis.Edit) []byte {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b analysis.Edit) int { return cmp.Or(a.From-b.From, a.To-b.To, strings.Compare(a.Text, b.Text)) })
	edits = slices.Compact(edits)
	var out []byte
	at := 0
	for _, e := range edits {
		if e.From < at {
			continue // of one change whose edits overlap
		}
		out = append(out, text[at:e.From]...)
		out = append(out, e.Text...)
		at = e.To
	}
	return append(out, text[at:]...)
}

// Diff is the change as a unified diff, which patch and git apply read.
func (f *Fix) Diff() string { return diff.Unified(f.File, f.Before, f.After) }
