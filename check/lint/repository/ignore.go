package repository

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// secrets are names of files that hold some, and the lines by which git passes
// them over.
var secrets = []struct{ name, lines string }{
	{".env", ".env"}, {".env.production", ".env.*\n!.env.example"}, {"server.pem", "*.pem"}, {"server.key", "*.key"},
}

// manifests stand where an application begins.
var manifests = []string{"pyproject.toml", "requirements.txt", "go.mod", "Pipfile", "setup.py", "manage.py"}

// ignores says which secrets git would take.
func (r *repo) ignores() {
	if !r.Deploy.Repository || !r.serves() {
		return
	}
	homes := map[string]bool{}
	for _, n := range r.Deploy.Names {
		if slices.Contains(manifests, path.Base(n)) && !deploy.Aside(path.Dir(n)) && strings.Count(n, "/") < 3 {
			homes[path.Dir(n)] = true
		}
	}
	if len(homes) == 0 {
		homes["."] = true
	}
	var taken, add []string
	severity := finding.Low
	for _, s := range secrets {
		if s.name == ".env.production" && r.variants() {
			continue
		}
		for home := range homes {
			if r.ignored(path.Join(home, s.name)) {
				continue
			}
			taken = append(taken, s.name)
			add = append(add, s.lines)
			if s.name == ".env" {
				severity = finding.Medium
			}
			break
		}
	}
	if len(taken) == 0 {
		return
	}
	var data []byte
	i := slices.IndexFunc(r.Deploy.GitIgnore, func(l *deploy.Lines) bool { return l.File == ".gitignore" })
	problem := "there is no .gitignore, and git would take "
	if i >= 0 {
		problem = "git would take "
		data = bytes.TrimPrefix(r.Deploy.GitIgnore[i].Data, []byte("\xef\xbb\xbf"))
	}
	text := strings.Join(add, "\n") + "\n"
	for _, n := range r.Deploy.Names {
		if base := path.Base(n); template(base) && base != ".env.example" {
			text = strings.ReplaceAll(text, "!.env.example\n", "!.env.example\n!"+base+"\n")
			break
		}
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		text = "\n" + text
	}
	r.Report(analysis.Finding{
		Rule: ignored, Severity: severity, File: ".gitignore", Line: 1, Column: 1, Problem: problem + list(taken),
		Edits: []analysis.Edit{{File: ".gitignore", From: len(data), To: len(data), Text: text}},
	})
}

func list(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return fmt.Sprintf("%s and %s", strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
}

// template tells whether a file is one to copy settings from.
func template(base string) bool {
	words := strings.Split(base, ".")
	return len(words) > 2 && words[0] == "" && words[1] == "env" && slices.ContainsFunc(words[2:], func(w string) bool {
		return slices.Contains([]string{"example", "sample", "template", "dist", "tmpl", "default", "defaults", "tpl"}, w)
	})
}

// variants tells whether settings of several environments are meant to be in
// the repository.
func (r *repo) variants() bool {
	return slices.ContainsFunc(r.Deploy.Names, func(n string) bool {
		base := path.Base(n)
		return strings.HasPrefix(base, ".env.") && !template(base)
	})
}

// ignored tells whether git passes a file over: of the patterns that match it,
// or a folder above it, the last decides, and that of the nearest .gitignore.
func (r *repo) ignored(file string) bool {
	parts := strings.Split(file, "/")
	for i := range parts {
		out := false
		for depth := 0; depth <= i; depth++ {
			dir := strings.Join(parts[:depth], "/")
			for _, l := range r.Deploy.GitIgnore {
				if path.Join(dir, ".gitignore") != l.File {
					continue
				}
				for _, p := range l.Lines {
					negated := strings.HasPrefix(p, "!")
					if matches(strings.TrimPrefix(p, "!"), strings.Join(parts[depth:i+1], "/"), i+1 < len(parts)) {
						out = !negated
					}
				}
			}
		}
		if out {
			return true
		}
	}
	return false
}

// matches tells whether a pattern of a .gitignore matches a path.
func matches(pattern, name string, folder bool) bool {
	pattern = strings.TrimRight(pattern, " \t\r")
	if pattern == "" || pattern[0] == '#' {
		return false
	}
	pattern = strings.TrimPrefix(pattern, "\\")
	if rest, ok := strings.CutSuffix(pattern, "/"); ok {
		if !folder {
			return false
		}
		pattern = rest
	}
	if !strings.Contains(pattern, "/") {
		ok, _ := path.Match(pattern, path.Base(name))
		return ok
	}
	return segments(strings.Split(strings.TrimPrefix(pattern, "/"), "/"), strings.Split(name, "/"))
}

// segments matches folder by folder; ** stands for any number of them.
func segments(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**":
		if len(pattern) == 1 {
			return len(name) > 0
		}
		for i := range len(name) + 1 {
			if segments(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	case len(name) == 0:
		return false
	}
	ok, _ := path.Match(pattern[0], name[0])
	return ok && segments(pattern[1:], name[1:])
}
