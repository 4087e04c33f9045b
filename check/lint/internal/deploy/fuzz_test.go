package deploy

import (
	"strings"
	"testing"
)

// names are of a file of each kind.
var names = []string{
	"Dockerfile", "compose.yaml", "deploy/api.yaml", "templates/api.yaml", ".github/workflows/ci.yml", ".pre-commit-config.yaml", ".gitlab-ci.yml", "traefik.yml",
	"nginx.conf", "Caddyfile", "pyproject.toml", "Procfile", "api.service", "supervisord.conf", "start.sh", ".gitignore", ".dockerignore", "requirements.txt",
	"action.yml", ".github/dependabot.yml", "pip.conf", "Makefile", ".circleci/config.yml",
}

// FuzzNew holds the readers to what is said of them: they never panic, a file is
// read or told as an error, and whatever is told of it stands in it.
func FuzzNew(f *testing.F) {
	for i, name := range names {
		f.Add(i, []byte(samples[name]))
	}
	f.Add(0, []byte("FROM a AS b\nFROM b AS a\nRUN <<A <<B\nx\nA\ny\nB\n"))
	f.Add(1, []byte("a: &a [*a, *a]\nservices:\n  <<: [*a, {b: c}]\n"))
	f.Add(2, []byte("apiVersion: v1\nkind: List\nitems: &i [{kind: List, items: *i}]\n"))
	f.Add(3, []byte("apiVersion: {{ a }}\nkind: {{- x\n}}\n{{- if }}\na: {{- nindent 2 }}\n  {{ end"))
	f.Add(8, []byte("a ${b} 'c\n' {\n}}"))
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		name := names[uint(kind)%uint(len(names))]
		p, errs := New([]Source{{name, data}}, []string{name})
		if read(p) == 0 && len(errs) == 0 && mustRead(name) {
			t.Fatalf("%s was neither read nor told as an error", name)
		}
		if read(p) > 0 && len(errs) > 0 {
			t.Fatalf("%s was read, and told as an error: %v", name, errs[0].Err)
		}
		lines := strings.Split(string(data), "\n")
		for _, at := range places(p) {
			if at.File != name || at.Line < 1 || at.Line > len(lines) || at.Column < 1 || at.Column > len(lines[at.Line-1])+1 {
				t.Fatalf("%v is no place of %q", at, data)
			}
		}
	})
}

// mustRead tells whether a file is one that is read whatever it holds, unless
// there is something wrong with it.
func mustRead(name string) bool {
	switch Kind(name) {
	case "dockerfile", "nginx", "caddy", "toml", "script", "gitignore", "dockerignore", "requirements", "pip", "tasks":
		return true
	}
	return false
}

// read counts the files that are read.
func read(p *Project) int {
	return len(p.Dockerfiles) + len(p.Compose) + len(p.Kubernetes) + len(p.Workflows) + len(p.PreCommit) + len(p.GitLab) + len(p.Traefik) +
		len(p.Nginx) + len(p.Caddy) + len(p.Scripts) + len(p.GitIgnore) + len(p.DockerIgnore) + len(p.Requirements) + len(p.TOML) + len(p.Actions) + len(p.Dependabot) + len(p.Pip) + len(p.Tasks)
}

// places are all that a project tells.
func places(p *Project) []Place {
	var out []Place
	for _, d := range p.Dockerfiles {
		for _, s := range d.Stages {
			out = append(out, s.From.Place)
			for _, in := range s.Instructions {
				out = append(out, in.Place, Place{in.File, in.End, 1})
				in.Commands()
				in.Pairs()
			}
		}
		for _, in := range d.Args {
			out = append(out, in.Place)
		}
		d.Chain(d.Last())
	}
	for _, docs := range [][]*Document{p.Compose, p.Kubernetes, p.Workflows, p.Actions, p.Dependabot, p.PreCommit, p.GitLab, p.Traefik} {
		for _, d := range docs {
			d.Containers()
			out = append(out, d.Place(nil))
			d.Root.Walk(func(n *Node) {
				out = append(out, d.Place(n), Place{d.File, n.Line, n.Column})
				d.Open(n)
				d.Conditional(n)
				n.Words()
				out = append(out, d.Line(n, 2), d.Find(n, "a"))
			})
		}
	}
	for _, c := range p.Commands {
		out = append(out, c.Place)
	}
	for _, e := range p.Env {
		out = append(out, e.Place)
	}
	var walk func(d *Directive)
	walk = func(d *Directive) {
		out = append(out, d.Place)
		for _, c := range d.Children {
			walk(c)
		}
	}
	for _, d := range append(p.Nginx, p.Caddy...) {
		walk(d)
	}
	for _, t := range p.TOML {
		out = append(out, Place{t.File, t.Line("name"), 1})
	}
	return out
}
