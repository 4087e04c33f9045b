// Package repository finds what a repository lacks: what git must not take,
// versions that are held, and somebody who watches for known vulnerabilities.
package repository

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at what is ignored, required and watched.
var Analyzer = &analysis.Analyzer{
	Name:  "repository",
	Rules: []*analysis.Rule{ignored, unpinned, unhashed, unwatched, indexes, extra, gitRefs},
	Run: func(p *analysis.Pass) {
		r := &repo{Pass: p, said: map[string]bool{}}
		for _, l := range p.Deploy.Requirements {
			if rs, ok := parse(l); ok {
				r.files = append(r.files, rs)
			}
		}
		r.ignores()
		r.pins()
		r.watches()
		r.indexes()
		r.gits()
	},
}

// A repo is what is looked at.
type repo struct {
	*analysis.Pass
	files []*requirements
	said  map[string]bool
}

func (r *repo) say(rule *analysis.Rule, severity finding.Severity, at deploy.Place, format string, args ...any) {
	key := fmt.Sprint(rule.ID, at)
	if r.said[key] {
		return // one rule says one thing of a place
	}
	r.said[key] = true
	r.Report(analysis.Finding{Rule: rule, Severity: severity, File: at.File, Line: max(at.Line, 1), Column: max(at.Column, 1), Problem: fmt.Sprintf(format, args...)})
}

// serves tells whether the repository holds an application, or what makes an
// image.
func (r *repo) serves() bool {
	if slices.ContainsFunc(r.MainApps(), func(a *pymodel.App) bool { return !deploy.Aside(a.Module.Path) }) || slices.ContainsFunc(r.Deploy.Dockerfiles, func(d *deploy.Dockerfile) bool { return !deploy.Aside(d.File) }) {
		return true
	}
	program, http := false, false
	for _, f := range r.Go.Files {
		if f.Test || f.AST == nil || deploy.Aside(path.Dir(f.Path)) {
			continue
		}
		program = program || f.AST.Name.Name == "main"
		for _, i := range f.AST.Imports {
			http = http || i.Path.Value == `"net/http"`
		}
	}
	return program && http
}

// locks hold every version that is installed.
var locks = []string{"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "conda-lock.yml", "pylock.toml", "requirements.lock", "requirements-lock.txt", "requirements.lock.txt"}

// locked tells whether a lock stands beside a file, or above it.
func (r *repo) locked(file string) bool {
	return slices.ContainsFunc(r.Deploy.Names, func(n string) bool {
		base := path.Base(n)
		if !slices.Contains(locks, base) && (!strings.HasPrefix(base, "pylock.") || path.Ext(base) != ".toml") {
			return false
		}
		dir := path.Dir(n)
		return dir == "." || dir == path.Dir(file) || strings.HasPrefix(file, dir+"/")
	})
}

// has tells whether a file is there.
func (r *repo) has(name string) bool { return slices.Contains(r.Deploy.Names, name) }

// A requirements is a file of them.
type requirements struct {
	*deploy.Lines
	list    []requirement
	options []option
}

// A requirement is one package.
type requirement struct {
	line   int
	name   string
	spec   string // as ==1.2
	url    string // behind @, or by itself
	hashed bool
}

// An option is a line such as --index-url https://….
type option struct {
	line        int
	name, value string
}

// parse reads a file of pip; ok is false when it is none.
func parse(l *deploy.Lines) (rs *requirements, ok bool) {
	rs = &requirements{Lines: l}
	for i := 0; i < len(l.Lines); i++ {
		at := i + 1
		text := l.Lines[i]
		for strings.HasSuffix(text, "\\") && i+1 < len(l.Lines) {
			i++
			text = strings.TrimSuffix(text, "\\") + " " + l.Lines[i]
		}
		text = uncomment(strings.TrimPrefix(text, "\ufeff"))
		switch {
		case text == "":
		case strings.ContainsAny(text, "{}$%"):
			// A template, or the environment, says.
		case text[0] == '-':
			name, value, _ := strings.Cut(text, " ")
			if n, v, eq := strings.Cut(name, "="); eq {
				name, value = n, v+value
			}
			rs.options = append(rs.options, option{at, name, strings.Trim(strings.TrimSpace(value), `"'`)})
			if value = strings.TrimSpace(value); (name == "-e" || name == "--editable") && strings.Contains(value, "://") {
				rs.list = append(rs.list, requirement{line: at, url: value})
			}
		default:
			q, good := parseRequirement(text)
			if !good {
				return nil, false
			}
			q.line = at
			if q.name != "" || q.url != "" {
				rs.list = append(rs.list, q)
			}
		}
	}
	return rs, true
}

func uncomment(text string) string {
	if i := strings.Index(text, " #"); i >= 0 {
		text = text[:i]
	}
	if strings.HasPrefix(text, "#") {
		return ""
	}
	return strings.TrimSpace(text)
}

// parseRequirement reads one; a path of the project's own has neither a name
// nor a URL.
func parseRequirement(text string) (requirement, bool) {
	var q requirement
	if i := strings.Index(text, "--hash"); i >= 0 {
		q.hashed = true
		text = strings.TrimSpace(text[:i])
	}
	if i := strings.Index(text, " --"); i >= 0 { // --config-settings and the like
		text = text[:i]
	}
	first, _, _ := strings.Cut(text, "@")
	if strings.Contains(first, "://") {
		q.url = strings.Fields(text)[0]
		return q, true
	}
	if text[0] == '.' || text[0] == '/' || !strings.Contains(text, "://") && (strings.HasSuffix(text, ".whl") || strings.HasSuffix(text, ".tar.gz")) {
		return q, true
	}
	n := 0
	for n < len(text) && (text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z' || text[n] >= '0' && text[n] <= '9' || strings.IndexByte("._-", text[n]) >= 0) {
		n++
	}
	if n == 0 {
		return q, false
	}
	q.name = text[:n]
	rest := strings.TrimSpace(text[n:])
	if strings.HasPrefix(rest, "[") {
		_, behind, closed := strings.Cut(rest, "]")
		if !closed {
			return q, false
		}
		rest = strings.TrimSpace(behind)
	}
	if url, ok := strings.CutPrefix(rest, "@"); ok {
		url, _, _ = strings.Cut(strings.TrimSpace(url), " ")
		q.url = strings.TrimSuffix(url, ";")
		return q, true
	}
	rest, _, _ = strings.Cut(rest, ";")
	q.spec = strings.Trim(strings.TrimSpace(rest), "()")
	return q, q.spec == "" || strings.ContainsRune("=<>!~", rune(q.spec[0]))
}

// pinned tells whether a requirement names one version.
func (q *requirement) pinned() bool {
	return q.url != "" || strings.Contains(q.spec, "==") && !strings.Contains(q.spec, "*") && !strings.Contains(q.spec, "!==")
}

// others counts those that are not the first.
func others(n int) string {
	switch {
	case n < 1:
		return ""
	case n == 1:
		return ", nor does one other"
	}
	return fmt.Sprintf(", nor do %d others", n)
}
