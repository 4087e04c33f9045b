package repository

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// watchers are the names of what watches for known vulnerabilities of what is
// depended on, wherever they stand.
var watchers = []string{
	"pip-audit", "pip_audit", "pavise audit", "pavise-dev/pavise", "osv-scanner", "govulncheck", "safety check", "safety scan", "python-safety", "safety-action", "trivy", "grype", "anchore/scan-action", "snyk",
	"dependency-review", "dependency-check", "dependency-scanning", "nancy", "uv audit", "pysentry", "renovate", "jfrog", "whitesource", "fossa", "sonatype", "hooks-safety",
}

// renovates are files of a bot that renews.
var renovates = []string{"renovate.json", "renovate.json5", ".renovaterc", ".renovaterc.json", ".renovaterc.json5", ".snyk", ".whitesource", "osv-scanner.toml", ".pyup.yml"}

// ecosystems are Dependabot's, of Python and Go.
var ecosystems = []string{"pip", "uv", "gomod", "pipenv", "poetry", "pip-compile"}

// watches says that nobody watches for known vulnerabilities.
func (r *repo) watches() {
	if !r.Deploy.Repository {
		return
	}
	at, ok := r.depends()
	if !ok || r.watched() {
		return
	}
	r.say(unwatched, unwatched.Severity, at, "no workflow, hook or bot looks for known vulnerabilities of what is required here")
}

// depends is where it is said what the project needs.
func (r *repo) depends() (deploy.Place, bool) {
	var at []deploy.Place
	for _, f := range r.files {
		if !deploy.Aside(f.File) && len(f.list) > 0 {
			at = append(at, deploy.Place{File: f.File, Line: f.list[0].line, Column: 1})
		}
	}
	for _, t := range r.Deploy.TOML {
		if list := dependencies(t); len(list) > 0 && !deploy.Aside(path.Dir(t.File)) {
			at = append(at, deploy.Place{File: t.File, Line: t.Line("dependencies"), Column: 1})
		}
	}
	for _, n := range r.Deploy.Names {
		if path.Base(n) == "go.sum" && !deploy.Aside(path.Dir(n)) && r.has(path.Join(path.Dir(n), "go.mod")) {
			at = append(at, deploy.Place{File: path.Join(path.Dir(n), "go.mod"), Line: 1, Column: 1})
		}
	}
	if len(at) == 0 {
		return deploy.Place{}, false
	}
	return slices.MinFunc(at, func(a, b deploy.Place) int {
		if n := strings.Count(a.File, "/") - strings.Count(b.File, "/"); n != 0 {
			return n
		}
		return strings.Compare(a.File, b.File)
	}), true
}

// watched tells whether something does. That it can be passed over is another
// finding.
func (r *repo) watched() bool {
	if slices.ContainsFunc(r.Deploy.Names, func(n string) bool { return slices.Contains(renovates, path.Base(n)) }) {
		return true
	}
	for _, d := range r.Deploy.Dependabot {
		for _, u := range d.Root.Get("updates").Items() {
			if u.Get("package-ecosystem").Is(ecosystems...) {
				return true
			}
		}
	}
	for _, docs := range [][]*deploy.Document{r.Deploy.Workflows, r.Deploy.Actions, r.Deploy.GitLab, r.Deploy.PreCommit} {
		for _, d := range docs {
			found := false
			d.Root.Walk(func(n *deploy.Node) {
				found = found || watching(n.Text())
				// A workflow of others that is called so.
				if uses := strings.ToLower(n.Get("uses").Text()); strings.Contains(uses, ".github/workflows/") && (strings.Contains(uses, "audit") || strings.Contains(uses, "security") || strings.Contains(uses, "vuln")) {
					found = true
				}
			})
			if found {
				return true
			}
		}
	}
	for _, l := range slices.Concat(r.Deploy.Tasks, r.Deploy.Scripts) {
		for _, line := range l.Lines {
			if !strings.HasPrefix(line, "#") && watching(line) {
				return true
			}
		}
	}
	for _, d := range r.Deploy.Dockerfiles {
		for _, s := range d.Stages {
			for _, in := range s.Instructions {
				if in.Cmd == "RUN" && watching(in.Text) {
					return true
				}
			}
		}
	}
	for _, t := range r.Deploy.TOML {
		for _, tasks := range [][]string{{"tool", "poe"}, {"tool", "taskipy"}, {"tool", "pdm", "scripts"}, {"tool", "hatch", "envs"}, {"tool", "pixi", "tasks"}, {"tool", "tox"}} {
			if watching(fmt.Sprint(t.Get(tasks...))) {
				return true
			}
		}
	}
	return r.sessions()
}

// sessions tells whether those of nox or invoke do.
func (r *repo) sessions() bool {
	for _, m := range r.Python.Modules {
		if base := path.Base(m.Path); base != "noxfile.py" && base != "tasks.py" {
			continue
		}
		found := false
		for _, c := range m.Calls {
			pyast.Inspect(c.Call, func(n pyast.Node) bool {
				if s, ok := n.(*pyast.Constant); ok && s.Kind == pyast.Str {
					found = found || watching(s.Value)
				}
				return !found
			})
		}
		if found {
			return true
		}
	}
	return false
}

// watching tells whether a text names something that watches: a lone comment
// of a script is none.
func watching(text string) bool {
	for line := range strings.SplitSeq(strings.ToLower(text), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, w := range watchers {
			i := strings.Index(line, w)
			if i < 0 {
				continue
			}
			// Short names are words of their own.
			end := i + len(w)
			if (i == 0 || !letter(line[i-1])) && (end == len(line) || !letter(line[end])) {
				return true
			}
		}
	}
	return false
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' }
