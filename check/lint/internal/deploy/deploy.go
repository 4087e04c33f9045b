// Package deploy reads the files by which a service is deployed: Dockerfiles,
// Compose, Kubernetes, GitHub workflows, nginx, Traefik, Caddy, command lines
// of servers wherever they stand, and what is ignored and required.
package deploy

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// A Source is a file that was read.
type Source struct {
	Path string
	Data []byte
}

// A Document is one of a file of YAML.
type Document struct {
	File     string
	Root     *Node
	template *template
	lines    []string // of the file
}

// An Env is a variable that is set for a process.
type Env struct {
	Place
	Name, Value string
	From        string // as of a [Command]; build for what ARG gives
}

// A Lines is a file of lines.
type Lines struct {
	File  string
	Lines []string // without white space around them
	Data  []byte
}

// Has tells whether a line is one of the texts.
func (l *Lines) Has(texts ...string) bool {
	return slices.ContainsFunc(l.Lines, func(s string) bool { return slices.Contains(texts, s) })
}

// A Project is the deployment of one.
type Project struct {
	Dockerfiles  []*Dockerfile
	Compose      []*Document
	Kubernetes   []*Document
	Workflows    []*Document
	Actions      []*Document // of GitHub, made of steps
	Dependabot   []*Document
	PreCommit    []*Document
	GitLab       []*Document
	Traefik      []*Document
	Commands     []*Command
	Env          []*Env
	Nginx        []*Directive
	Caddy        []*Directive
	Scripts      []*Lines
	GitIgnore    []*Lines
	DockerIgnore []*Lines
	Requirements []*Lines
	TOML         []*TOML
	Pip          []*Lines // pip.conf
	Tasks        []*Lines // of tools that run others: Makefile, tox.ini, what other services build by
	// Names are all files of the project.
	Names []string
	// Repository tells that the project is the top of a repository of git.
	Repository bool
}

// An Error is a file that could not be read.
type Error struct {
	Path string
	Err  error
}

// aboutDockerfiles end the names of files that are about Dockerfiles, or become
// one.
var aboutDockerfiles = []string{".go", ".py", ".js", ".ts", ".rs", ".java", ".rb", ".sh", ".yaml", ".yml", ".json", ".toml", ".md", ".rst", ".txt", ".html", ".vim", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".mustache", ".hbs", ".in", ".bak", ".orig", ".lock"}

// tasks are files of tools that run others.
var tasks = []string{"makefile", "gnumakefile", "justfile", "tox.ini", "jenkinsfile"}

// taskFiles are those of YAML, by the end of their path.
var taskFiles = []string{".circleci/config.yml", "azure-pipelines.yml", "azure-pipelines.yaml", "bitbucket-pipelines.yml", ".travis.yml", ".appveyor.yml", ".drone.yml", ".woodpecker.yml", "taskfile.yml", "taskfile.yaml", "cloudbuild.yaml", "cloudbuild.yml", "buildspec.yml", "lefthook.yml", ".cirrus.yml"}

// taskDirs are folders of them.
var taskDirs = []string{".buildkite/", ".woodpecker/", ".circleci/", ".azure-pipelines/", ".semaphore/"}

// sites are folders of what nginx includes.
var sites = []string{"conf.d", "sites-available", "sites-enabled"}

// Kind is what a file is read as, by its name alone; "" when it is not.
func Kind(name string) string {
	base := path.Base(name)
	lower := strings.ToLower(base)
	ext := path.Ext(lower)
	switch {
	case ext == ".dockerignore":
		return "dockerignore"
	case lower == "dockerfile", lower == "containerfile", ext == ".dockerfile", ext == ".containerfile":
		return "dockerfile"
	case (strings.HasPrefix(lower, "dockerfile.") || strings.HasPrefix(lower, "containerfile.")) && !slices.Contains(aboutDockerfiles, ext):
		return "dockerfile"
	case ext == ".yaml", ext == ".yml":
		return "yaml"
	case lower == "procfile":
		return "procfile"
	case ext == ".service":
		return "systemd"
	case ext == ".sh", ext == ".bash":
		return "script"
	case base == ".gitignore":
		return "gitignore"
	case lower == "caddyfile", ext == ".caddyfile", ext == ".caddy":
		return "caddy"
	case strings.Contains(strings.ToLower(name), "nginx") && (ext == ".conf" || ext == ".template" || ext == ".nginx" || ext == ".vhost" || ext == ".j2"), lower == "default.conf", strings.HasSuffix(lower, "nginx.conf"):
		return "nginx"
	case slices.Contains(sites, path.Base(path.Dir(strings.ToLower(name)))) && (ext == ".conf" || ext == "" || ext == ".template" || ext == ".j2"):
		return "nginx"
	case ext == ".conf" && strings.Contains(lower, "supervisor"):
		return "supervisor"
	case ext == ".txt" && (strings.HasPrefix(lower, "requirements") || strings.Contains(strings.ToLower(path.Dir(name)), "requirements")):
		return "requirements"
	case lower == "pip.conf", lower == "pip.ini":
		return "pip"
	case slices.Contains(tasks, lower):
		return "tasks"
	case lower == "pyproject.toml", strings.Contains(lower, "traefik") && ext == ".toml":
		return "toml"
	}
	return ""
}

// New reads a project's files, and says which could not be.
func New(sources []Source, names []string) (*Project, []Error) {
	p := &Project{Names: names}
	var errs []Error
	for _, s := range sources {
		if err := p.add(s); err != nil {
			errs = append(errs, Error{s.Path, err})
		}
	}
	return p, errs
}

func (p *Project) add(s Source) error {
	switch Kind(s.Path) {
	case "dockerfile":
		d, err := dockerfile(s.Path, s.Data)
		if err != nil {
			return err
		}
		p.Dockerfiles = append(p.Dockerfiles, d)
		p.docker(d)
	case "yaml":
		return p.yaml(s)
	case "nginx":
		if apache(s.Data) {
			return nil
		}
		root, err := blocks(s.Path, unjinja(s.Data), false)
		if err != nil {
			return err
		}
		p.Nginx = append(p.Nginx, root)
	case "caddy":
		root, err := blocks(s.Path, s.Data, true)
		if err != nil {
			return err
		}
		p.Caddy = append(p.Caddy, root)
	case "toml":
		t, err := readTOML(s.Path, s.Data)
		if err != nil {
			return err
		}
		p.TOML = append(p.TOML, t)
	case "procfile":
		for i, l := range lines(s).Lines {
			if owner, line, ok := strings.Cut(l, ":"); ok && !strings.HasPrefix(l, "#") {
				p.line(Command{Place: Place{s.Path, i + 1, 1}, From: "procfile", Owner: owner, Data: s.Data, End: i + 1}, line)
			}
		}
	case "systemd":
		for _, l := range unfold(s.Data) {
			if line, ok := strings.CutPrefix(l.text, "ExecStart="); ok {
				p.line(Command{Place: Place{s.Path, l.from, 1}, From: "systemd", Data: s.Data, End: l.to}, strings.TrimLeft(line, "@-:+!"))
			}
			if env, ok := strings.CutPrefix(l.text, "Environment="); ok {
				for _, pair := range assigned(fields(env)) {
					p.Env = append(p.Env, &Env{Place{s.Path, l.from, 1}, pair[0], pair[1], "systemd"})
				}
			}
		}
	case "supervisor":
		for _, l := range unfold(s.Data) {
			if key, line, ok := strings.Cut(l.text, "="); ok && strings.TrimSpace(key) == "command" {
				p.line(Command{Place: Place{s.Path, l.from, 1}, From: "systemd", Data: s.Data, End: l.to}, line)
			}
		}
	case "script":
		p.Scripts = append(p.Scripts, lines(s))
		for _, l := range Shell(string(s.Data)) {
			p.words(Command{Place: Place{s.Path, l.Line, 1}, From: "script", Env: l.Env, Cond: l.Cond, Data: s.Data, End: l.end}, l.Words)
			if len(l.Words) == 0 {
				for _, e := range l.Env {
					p.Env = append(p.Env, &Env{Place{s.Path, l.Line, 1}, e[0], e[1], "script"})
				}
			}
		}
	case "gitignore":
		p.GitIgnore = append(p.GitIgnore, lines(s))
	case "dockerignore":
		p.DockerIgnore = append(p.DockerIgnore, lines(s))
	case "requirements":
		p.Requirements = append(p.Requirements, lines(s))
	case "pip":
		p.Pip = append(p.Pip, lines(s))
	case "tasks":
		p.Tasks = append(p.Tasks, lines(s))
		if strings.HasSuffix(strings.ToLower(path.Base(s.Path)), "makefile") {
			p.makefile(s)
		}
	}
	return nil
}

func lines(s Source) *Lines {
	out := &Lines{File: s.Path, Data: s.Data}
	for l := range strings.SplitSeq(string(s.Data), "\n") {
		out.Lines = append(out.Lines, strings.TrimSpace(l))
	}
	return out
}

// line adds what a line of a shell starts, which stands where a command says.
func (p *Project) line(at Command, line string) {
	for _, l := range Shell(strings.TrimSpace(line)) {
		c := at
		c.Env, c.Cond = l.Env, l.Cond
		p.words(c, l.Words)
	}
}

func (p *Project) words(at Command, words []string) {
	if c := command(words); c != nil {
		at.Server, at.Args, at.Env, at.Cond = c.Server, c.Args, append(at.Env, c.Env...), at.Cond || c.Cond
		p.Commands = append(p.Commands, &at)
	}
}

func (p *Project) docker(d *Dockerfile) {
	for _, s := range d.Stages {
		for i := range s.Instructions {
			in := &s.Instructions[i]
			switch in.Cmd {
			case "ENV":
				for _, kv := range in.Pairs() {
					p.Env = append(p.Env, &Env{in.Place, kv[0], kv[1], "dockerfile"})
				}
			case "ARG":
				for _, kv := range in.Pairs() {
					p.Env = append(p.Env, &Env{in.Place, kv[0], kv[1], "build"})
				}
			}
		}
	}
	for _, s := range d.Images() {
		p.starts(d, s)
	}
}

// starts adds what the image of a stage runs.
func (p *Project) starts(d *Dockerfile, s *Stage) {
	var entry, cmd *Instruction
	for _, c := range slices.Backward(d.Chain(s)) {
		for i := range c.Instructions {
			switch in := &c.Instructions[i]; in.Cmd {
			case "ENTRYPOINT":
				entry, cmd = in, nil
			case "CMD":
				cmd = in
			}
		}
	}
	at := func(in *Instruction) Command {
		return Command{Place: in.Place, From: "dockerfile", Owner: s.Name, Data: d.Data, End: in.End}
	}
	switch {
	case entry != nil && cmd != nil && entry.JSON && cmd.JSON:
		p.words(at(cmd), append(slices.Clone(entry.Args), cmd.Args...))
	default:
		for _, in := range []*Instruction{entry, cmd} {
			if in != nil {
				for _, c := range in.Commands() {
					to := at(in)
					to.Env, to.Cond = c.Env, c.Cond
					p.words(to, c.Words)
				}
			}
		}
	}
}

var workflowDir = []string{".github/workflows/", ".gitea/workflows/", ".forgejo/workflows/"}

// role is what a file of YAML is for.
func role(s Source) string {
	base := strings.ToLower(path.Base(s.Path))
	lower := strings.ToLower(s.Path)
	switch {
	case slices.ContainsFunc(taskFiles, func(f string) bool { return lower == f || strings.HasSuffix(lower, "/"+f) }), slices.ContainsFunc(taskDirs, func(d string) bool { return strings.HasPrefix(lower, d) }):
		return "tasks"
	case (base == "dependabot.yml" || base == "dependabot.yaml") && path.Base(path.Dir(s.Path)) == ".github":
		return "dependabot"
	case (base == "action.yml" || base == "action.yaml") && bytes.Contains(s.Data, []byte("\nruns:")):
		return "action"
	case slices.ContainsFunc(workflowDir, func(d string) bool { return strings.HasPrefix(s.Path, d) || strings.Contains(s.Path, "/"+d) }):
		return "workflow"
	case strings.HasPrefix(base, "docker-compose"), strings.HasPrefix(base, "compose."), strings.HasPrefix(base, "compose-"), strings.HasSuffix(base, ".compose.yml"), strings.HasSuffix(base, ".compose.yaml"):
		return "compose"
	case base == ".pre-commit-config.yaml":
		return "precommit"
	case base == ".gitlab-ci.yml":
		return "gitlab"
	case base == "kustomization.yaml", base == "kustomization.yml":
		return "kubernetes"
	case bytes.Contains(s.Data, []byte("apiVersion:")) && bytes.Contains(s.Data, []byte("kind:")):
		return "kubernetes"
	case strings.Contains(lower, "traefik") || bytes.Contains(s.Data, []byte("insecureSkipVerify:")) || bytes.Contains(s.Data, []byte("\nentryPoints:")) || bytes.HasPrefix(s.Data, []byte("entryPoints:")):
		return "traefik"
	}
	return ""
}

func (p *Project) yaml(s Source) error {
	r := role(s)
	switch r {
	case "":
		return nil
	case "tasks":
		p.Tasks = append(p.Tasks, lines(s))
		return nil
	}
	data := s.Data
	var t *template
	if r == "kubernetes" && bytes.Contains(data, []byte("{{")) {
		t = untemplate(data)
		data = t.data
	}
	docs, err := documents(data, t != nil)
	if err != nil {
		return err
	}
	written := strings.Split(string(data), "\n")
	for _, root := range docs {
		d := &Document{s.Path, root, t, written}
		switch r {
		case "action":
			p.Actions = append(p.Actions, d)
		case "dependabot":
			p.Dependabot = append(p.Dependabot, d)
		case "workflow":
			p.Workflows = append(p.Workflows, d)
		case "compose":
			if root.Has("services") {
				p.Compose = append(p.Compose, d)
				p.compose(d)
			}
		case "precommit":
			p.PreCommit = append(p.PreCommit, d)
		case "gitlab":
			p.GitLab = append(p.GitLab, d)
		case "traefik":
			p.Traefik = append(p.Traefik, d)
		case "kubernetes":
			p.resource(d)
		}
	}
	return nil
}

// Place of a node.
func (d *Document) Place(n *Node) Place {
	if n == nil {
		n = d.Root
	}
	if n.Key != nil {
		n = n.Key
	}
	return Place{d.File, n.Line, n.Column}
}

// end is the last line of what a key holds.
func (d *Document) end(n *Node) int {
	at := d.Place(n)
	for l := max(at.Line, n.Line); l < len(d.lines); l++ {
		text := strings.TrimLeft(d.lines[l], " ")
		if indent := len(d.lines[l]) - len(text); text != "" && (indent < at.Column-1 || indent == at.Column-1 && text[0] != '-') {
			return l
		}
	}
	return len(d.lines)
}

// Find is the place of a text in the lines of a scalar; that of the scalar when
// it does not stand there as it is.
func (d *Document) Find(n *Node, text string) Place {
	at := d.Place(n)
	if n == nil || text == "" {
		return at
	}
	for l := n.Line; l <= len(d.lines) && l <= n.Line+2*strings.Count(n.Value, "\n")+1; l++ {
		if i := strings.Index(d.lines[l-1], text); i >= 0 && !strings.HasPrefix(strings.TrimSpace(d.lines[l-1]), "#") {
			return Place{d.File, l, i + 1}
		}
	}
	return at
}

// Line is the place of a line of a scalar, counted from 1.
func (d *Document) Line(n *Node, line int) Place {
	written := strings.Split(n.Text(), "\n")
	if n == nil || line < 1 || line > len(written) {
		return d.Place(n)
	}
	text := strings.TrimSpace(written[line-1])
	if at := n.Line + line - 1; at <= len(d.lines) && strings.TrimSpace(d.lines[at-1]) == text {
		return Place{d.File, at, strings.Index(d.lines[at-1], text) + 1}
	}
	return d.Find(n, text)
}

func (p *Project) compose(d *Document) {
	d.Root.Get("services").Pairs(func(key, service *Node) {
		p.environment(d, service.Get("environment"), "compose")
		words := service.Get("entrypoint").Words()
		cmd := service.Get("command")
		n := cmd
		if n == nil {
			n = service.Get("entrypoint")
		}
		if words = append(words, cmd.Words()...); len(words) > 0 {
			p.words(Command{Place: d.Place(n), From: "compose", Owner: key.Value, Data: []byte(strings.Join(d.lines, "\n")), End: d.end(n), Items: n.List}, words)
		}
	})
}

// Environment calls f for the variables of a mapping, or of a list of
// NAME=value.
func (n *Node) Environment(f func(name, value string, at *Node)) {
	n.Pairs(func(k, v *Node) { f(k.Value, v.Value, v) })
	for _, item := range n.Items() {
		if name, value, ok := strings.Cut(item.Value, "="); ok {
			f(name, value, item)
		}
	}
}

func (p *Project) environment(d *Document, env *Node, from string) {
	env.Environment(func(name, value string, at *Node) {
		p.Env = append(p.Env, &Env{d.Place(at), name, value, from})
	})
}
