package lint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/internal/tree"
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const (
	// maxFile bounds a file: what is larger is data, or generated.
	maxFile = 8 << 20
	// maxProject bounds what is held in memory at once.
	maxProject = 256 << 20
	// maxRead is how many files are read before they are counted.
	maxRead = 32
)

// A project is a folder.
type project struct {
	root string
	only map[string]bool // files that are asked for; nil means all
}

// projects are the folders that the paths name. A file is looked at with all
// that is around it, since what its names mean is said there.
func (o *Options) projects() ([]*project, error) {
	paths := o.Paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	var out []*project
	of := func(root string) *project {
		root = filepath.Clean(root)
		for _, p := range out {
			if p.root == root {
				return p
			}
		}
		p := &project{root: root, only: map[string]bool{}}
		out = append(out, p)
		return p
	}
	for _, name := range paths {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		switch {
		case info.IsDir():
			of(name).only = nil
		case filepath.IsLocal(name):
			if p := of("."); p.only != nil {
				p.only[filepath.ToSlash(filepath.Clean(name))] = true
			}
		default:
			if p := of(filepath.Dir(name)); p.only != nil {
				p.only[filepath.Base(name)] = true
			}
		}
	}
	return out, nil
}

// shown is a path below the root as the user would write it.
func (p *project) shown(rel string) string {
	return path.Join(filepath.ToSlash(p.root), rel)
}

func (p *project) run(ctx context.Context, o Options, report *Report) error {
	unknown := func(rel string, line int, problem string) {
		where := p.shown(rel)
		if line > 0 {
			where = fmt.Sprintf("%s:%d", where, line)
		}
		report.Unknowns = append(report.Unknowns, finding.Unclear{Where: where, Problem: problem})
	}
	list, err := tree.Files(ctx, p.root, o.Exclude, func(rel string, err error) { unknown(rel, 0, reason(err)) })
	if err != nil {
		return err
	}
	// A file that is named is looked at, whatever git thinks of it.
	names := list.Files
	for rel := range p.only {
		if !slices.Contains(names, rel) {
			names = append(names, rel)
		}
	}
	slices.Sort(names)
	sources, err := p.read(ctx, names, unknown)
	if err != nil {
		return err
	}
	byPath := map[string][]byte{}
	for _, s := range sources {
		byPath[s.Path] = s.Data
		if p.wants(s.Path) {
			report.Files++
			report.Bytes += int64(len(s.Data))
		}
	}
	loaded, unread := analysis.Load(ctx, sources, names)
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, u := range unread {
		if p.wants(u.Path) {
			unknown(u.Path, u.Line, u.Problem)
		}
	}
	loaded.Guards = o.Guards
	loaded.Deploy.Repository = list.Repository
	found, err := analyze(ctx, loaded, o.asked)
	if err != nil {
		return err
	}
	allows := map[string]*allows{}
	counted := map[string]int{}
	for _, f := range found {
		if !p.wants(f.File) {
			continue
		}
		if allows[f.File] == nil {
			allows[f.File] = allowsIn(byPath[f.File])
		}
		a := allows[f.File]
		if a.allow(f.Rule.ID, f.Line) || p.lets(o, f.Rule.ID, f.File) {
			report.Allowed++
			continue
		}
		known := strings.Join(strings.Fields(a.line(f.Line)), " ")
		key := f.Rule.ID + "\x00" + f.File + "\x00" + known
		counted[key]++
		report.Found = append(report.Found, Finding{
			Rule: f.Rule, Severity: f.Severity, File: p.shown(f.File), Line: f.Line, Column: f.Column, Problem: f.Problem,
			known: fmt.Sprintf("%s\x00%d", known, counted[key]), root: p.root, edits: f.Edits,
		})
		for _, e := range f.Edits {
			report.sources[p.shown(e.File)] = byPath[e.File]
		}
	}
	if o.asked(unusedAllow) {
		p.unused(o, sources, allows, report)
	}
	return nil
}

func (p *project) wants(rel string) bool { return p.only == nil || p.only[rel] }

// read reads the files that are looked at.
func (p *project) read(ctx context.Context, names []string, unknown func(rel string, line int, problem string)) ([]analysis.Source, error) {
	wanted := slices.DeleteFunc(slices.Clone(names), func(rel string) bool { return !analysis.Wanted(rel) })
	var out []analysis.Source
	total := 0
	for some := range slices.Chunk(wanted, maxRead) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		files, errs := p.contents(some)
		for i, rel := range some {
			data, err := files[i], errs[i]
			if err == nil && total+len(data) > maxProject {
				err = fmt.Errorf("the project has more than %d MB of source: name a folder of it", maxProject>>20)
			}
			if err != nil {
				if p.wants(rel) {
					unknown(rel, 0, reason(err))
				}
				continue
			}
			total += len(data)
			out = append(out, analysis.Source{Path: rel, Data: data})
		}
	}
	return out, nil
}

// contents reads some files, several at a time.
func (p *project) contents(names []string) ([][]byte, []error) {
	files, errs := make([][]byte, len(names)), make([]error, len(names))
	var next atomic.Int32
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				files[i], errs[i] = readFile(filepath.Join(p.root, filepath.FromSlash(names[i])))
			}
		})
	}
	wg.Wait()
	return files, errs
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var data bytes.Buffer
	if info, err := f.Stat(); err == nil {
		data.Grow(int(min(info.Size(), maxFile)) + bytes.MinRead) // what is read to know that there is no more
	}
	_, err = data.ReadFrom(io.LimitReader(f, maxFile+1))
	if err == nil && data.Len() > maxFile {
		err = fmt.Errorf("it is larger than %d MB", maxFile>>20)
	}
	return data.Bytes(), err
}

// reason is an error without the path, which is told anyway.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}

// lets tells whether the policy lets a finding be: by its path below the
// folder that is looked at, or as the user would write it.
func (p *project) lets(o Options, rule, rel string) bool {
	return slices.ContainsFunc(o.Allow, func(a Allow) bool {
		patterns := []string{a.Path}
		return matches([]string{a.Rule}, rule) && (a.Path == "" || tree.Excluded(rel, patterns) || tree.Excluded(p.shown(rel), patterns))
	})
}

const allowWord = "pavise:allow"

// allowComment lets a line be: it names the rule, and gives a reason.
var allowComment = lazy.Regexp(`(?:#|//|<!--|--)[ \t]*` + allowWord + `[ \t]+(lint/[a-z0-9-]+)[ \t]*([^\n]*)`)

// An allowed is a comment that lets a line, or the one below it, be.
type allowed struct {
	rule, reason string
	line, column int
	used         bool
}

type allows struct {
	lines    []string
	comments []*allowed
}

func allowsIn(data []byte) *allows {
	a := &allows{}
	if data == nil {
		return a
	}
	a.lines = strings.Split(string(data), "\n")
	if !bytes.Contains(data, []byte(allowWord)) {
		return a
	}
	comment := allowComment()
	for i, l := range a.lines {
		for rest, from := l, 0; ; {
			m := comment.FindStringSubmatchIndex(rest)
			if m == nil {
				break
			}
			why := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest[m[4]:m[5]]), "-->"))
			// Another one may follow: its text is no reason.
			next := strings.Index(why, allowWord)
			if next >= 0 {
				why = strings.TrimRight(why[:next], "#/ \t")
			}
			a.comments = append(a.comments, &allowed{rule: rest[m[2]:m[3]], reason: why, line: i + 1, column: from + m[0] + 1})
			rest, from = rest[m[3]:], from+m[3]
		}
	}
	return a
}

func (a *allows) line(n int) string {
	if n < 1 || n > len(a.lines) {
		return ""
	}
	return a.lines[n-1]
}

func (a *allows) allow(rule string, line int) bool {
	for _, c := range a.comments {
		if c.rule == rule && c.reason != "" && (c.line == line || c.line == line-1) {
			c.used = true
			return true
		}
	}
	return false
}

// unused tells of comments that allow nothing.
func (p *project) unused(o Options, sources []analysis.Source, seen map[string]*allows, report *Report) {
	rules := map[string]*Rule{}
	for _, r := range Rules() {
		rules[r.ID] = r
	}
	for _, s := range sources {
		if !p.wants(s.Path) {
			continue
		}
		a := seen[s.Path]
		if a == nil {
			if !bytes.Contains(s.Data, []byte(allowWord)) {
				continue // as nearly all files
			}
			a = allowsIn(s.Data)
		}
		for _, c := range a.comments {
			r := rules[c.rule]
			problem := ""
			switch {
			case c.used:
			case r == nil:
				problem = c.rule + " is no rule"
			case c.reason == "":
				problem = "the comment gives no reason, and lets nothing be"
			case o.asked(r):
				problem = "there is no " + c.rule + " here"
			}
			if problem != "" && !p.lets(o, unusedAllow.ID, s.Path) {
				report.Found = append(report.Found, Finding{
					Rule: unusedAllow, Severity: unusedAllow.Severity, File: p.shown(s.Path), Line: c.line, Column: c.column,
					Problem: problem, known: c.rule + problem,
				})
			}
		}
	}
}
