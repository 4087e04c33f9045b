package repository

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// pins finds requirements that do not say which version is installed.
func (r *repo) pins() {
	type spot struct {
		deploy.Place
		what string
	}
	var loose, plain []spot
	for _, f := range r.files {
		if deploy.Aside(f.File) || r.locked(f.File) || len(f.list) == 0 {
			continue
		}
		constrained, included := false, false
		for _, o := range f.options {
			constrained = constrained || o.name == "-c" || o.name == "--constraint"
			included = included || o.name == "--require-hashes"
		}
		if constrained {
			continue
		}
		before, hashes := len(loose), included
		for _, q := range f.list {
			if !q.pinned() {
				loose = append(loose, spot{deploy.Place{File: f.File, Line: q.line, Column: 1}, q.name})
			}
			hashes = hashes || q.hashed
		}
		if len(loose) == before && !hashes {
			plain = append(plain, spot{deploy.Place{File: f.File, Line: f.list[0].line, Column: 1}, path.Base(f.File)})
		}
	}
	if r.serves() {
		for _, t := range r.Deploy.TOML {
			if path.Base(t.File) != "pyproject.toml" || deploy.Aside(path.Dir(t.File)) || r.locked(t.File) || r.has(path.Join(path.Dir(t.File), "requirements.txt")) {
				continue
			}
			for _, d := range dependencies(t) {
				if !d.pinned() {
					loose = append(loose, spot{deploy.Place{File: t.File, Line: t.Line(d.name), Column: 1}, d.name})
				}
			}
		}
	}
	for _, d := range r.Deploy.Dockerfiles {
		if deploy.Aside(d.File) {
			continue
		}
		for _, s := range d.Stages {
			for i := range s.Instructions {
				in := &s.Instructions[i]
				if in.Cmd != "RUN" || deploy.Aside(s.Name) {
					continue
				}
				for _, c := range in.Commands() {
					for _, q := range installs(c.Words) {
						if !q.pinned() {
							loose = append(loose, spot{in.Place, q.name})
						}
					}
				}
			}
		}
	}
	if len(loose) > 0 {
		r.say(unpinned, unpinned.Severity, loose[0].Place, "%s does not say which version is installed, and no lock file does%s", loose[0].what, others(len(loose)-1))
	}
	if len(plain) > 0 {
		r.say(unhashed, unhashed.Severity, plain[0].Place, "%s names versions, and no hashes of what they are%s", plain[0].what, others(len(plain)-1))
	}
}

// tools are installed to install others.
var tools = []string{"pip", "setuptools", "wheel", "uv", "poetry", "pipenv", "pdm", "hatch", "pip-tools", "build", "virtualenv", "pipx"}

// installs are the packages that a command names.
func installs(words []string) []requirement {
	i := slices.Index(words, "install")
	if i < 1 || !slices.ContainsFunc(words[:i], func(w string) bool {
		return strings.HasPrefix(path.Base(w), "pip") && path.Base(w) != "pipx" && path.Base(w) != "pipenv"
	}) {
		return nil
	}
	var out []requirement
	skip := false
	for _, w := range words[i+1:] {
		switch {
		case skip:
			skip = false
		case strings.HasPrefix(w, "-"):
			if slices.Contains([]string{"-c", "--constraint", "--constraints"}, w) {
				return nil
			}
			skip = !strings.Contains(w, "=") && slices.Contains([]string{"-r", "--requirement", "--requirements", "-e", "--editable", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "-t", "--target", "--prefix", "--python", "--root", "--default-index", "--index", "--only-binary", "--no-binary", "--timeout", "--retries", "--progress-bar", "--cache-dir", "--platform", "--python-version", "--upgrade-strategy", "--index-strategy", "--config-settings", "--cert", "--proxy", "--log", "-p"}, w)
		case strings.ContainsAny(w, "$*{}`"), strings.HasPrefix(w, "/"), strings.HasPrefix(w, "."):
		default:
			if q, ok := parseRequirement(w); ok && q.name != "" && !slices.Contains(tools, strings.ToLower(q.name)) && !strings.ContainsAny(q.name, "/") {
				out = append(out, q)
			}
		}
	}
	return out
}

// dependencies are those that a project of Python needs to run.
func dependencies(t *deploy.TOML) []requirement {
	var out []requirement
	for _, text := range t.Texts("project", "dependencies") {
		if q, ok := parseRequirement(strings.TrimSpace(text) + " "); ok && q.name != "" {
			out = append(out, q)
		}
	}
	poetry, _ := t.Get("tool", "poetry", "dependencies").(map[string]any)
	var names []string
	for name := range poetry {
		if name != "python" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		q := requirement{name: name}
		switch v := poetry[name].(type) {
		case string:
			q.spec = v
		case map[string]any:
			q.spec, _ = v["version"].(string)
			for _, key := range []string{"git", "path", "url"} {
				if _, ok := v[key]; ok {
					q.url = key
				}
			}
		}
		if q.spec != "" && q.spec[0] >= '0' && q.spec[0] <= '9' {
			q.spec = "==" + q.spec // a version by itself is that one
		}
		out = append(out, q)
	}
	return out
}

// A ref is a dependency that comes from a repository of git.
type ref struct {
	deploy.Place
	url, at string // at is what it names: a commit, a tag, a branch, or nothing
	locked  bool
}

// gits finds what is installed from a repository of git, and is whatever that
// holds.
func (r *repo) gits() {
	var refs []ref
	add := func(at deploy.Place, text string, locked bool) {
		text = strings.Trim(text, `"'`)
		i := strings.Index(text, "git+")
		if i < 0 {
			if strings.HasPrefix(text, "git://") {
				refs = append(refs, ref{at, text, "", locked})
			}
			return
		}
		url, _, _ := strings.Cut(text[i+len("git+"):], "#")
		scheme, rest, ok := strings.Cut(url, "://")
		if !ok || scheme == "file" {
			return
		}
		which := ""
		// Behind the folder: a name before the host is no version.
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			if k := strings.LastIndexByte(rest[slash:], '@'); k >= 0 {
				which = rest[slash+k+1:]
				url = scheme + "://" + rest[:slash+k]
			}
		}
		refs = append(refs, ref{at, url, which, locked})
	}
	for _, f := range r.files {
		for _, q := range f.list {
			add(deploy.Place{File: f.File, Line: q.line, Column: 1}, q.url, false)
		}
	}
	for _, t := range r.Deploy.TOML {
		if path.Base(t.File) != "pyproject.toml" {
			continue
		}
		walk(t.Root, func(text string) {
			if strings.Contains(text, "git+") {
				add(deploy.Place{File: t.File, Line: t.Line(text), Column: 1}, text, r.locked(t.File))
			}
		}, func(m map[string]any) {
			url, _ := m["git"].(string)
			if url == "" {
				return
			}
			which := ""
			for _, key := range []string{"branch", "tag", "rev"} {
				if s, ok := m[key].(string); ok {
					which = s
				}
			}
			refs = append(refs, ref{deploy.Place{File: t.File, Line: t.Line(url), Column: 1}, url, which, r.locked(t.File)})
		})
	}
	r.commands(func(at deploy.Place, c *deploy.ShellCommand) {
		if !installer(c.Words) {
			return
		}
		for _, w := range c.Words {
			add(at, w, false)
		}
	})
	seen := map[string]bool{}
	for _, g := range refs {
		scheme, _, _ := strings.Cut(g.url, "://")
		key := fmt.Sprint(g.File, g.Line)
		if seen[key] || strings.ContainsAny(g.url+g.at, "${}") {
			continue
		}
		shown := shownURL(g.url)
		switch {
		case (scheme == "http" || scheme == "git") && !local(hostOf(g.url)):
			r.say(gitRefs, finding.High, g.Place, "%s is fetched without TLS: whoever is on the way decides what is installed", shown)
		case g.locked || commit(g.at):
			continue
		case version(g.at):
			r.say(gitRefs, finding.Low, g.Place, "%s is held by the tag %s, which can be moved", shown, g.at)
		case g.at != "":
			r.say(gitRefs, gitRefs.Severity, g.Place, "%s is whatever %s holds today", shown, g.at)
		default:
			r.say(gitRefs, gitRefs.Severity, g.Place, "%s is whatever its main branch holds today", shown)
		}
		seen[key] = true
	}
}

// installer tells whether a command installs packages of Python.
func installer(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		base := path.Base(w)
		return base == "uv" || base == "uvx" || base == "pdm" || base == "poetry" || strings.HasPrefix(base, "pip")
	})
}

// walk calls text for the texts in a file, and table for its tables.
func walk(v any, text func(string), table func(map[string]any)) {
	switch v := v.(type) {
	case string:
		text(v)
	case []any:
		for _, x := range v {
			walk(x, text, table)
		}
	case map[string]any:
		table(v)
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			walk(v[k], text, table)
		}
	}
}

// commit tells whether a version is one, or the beginning of one.
func commit(at string) bool {
	return len(at) >= 7 && len(at) <= 64 && strings.Trim(at, "0123456789abcdef") == "" && strings.ContainsAny(at, "0123456789")
}

// version tells whether a name is a tag's, as v1.2.3.
func version(at string) bool {
	at = strings.TrimPrefix(at[strings.LastIndexByte(at, '/')+1:], "v")
	return at != "" && at[0] >= '0' && at[0] <= '9' && strings.Contains(at, ".")
}
