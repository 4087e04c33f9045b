// Package compose finds what is wrong with services that Docker Compose runs.
package compose

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at files of Compose that are not for development.
var Analyzer = &analysis.Analyzer{
	Name:  "compose",
	Rules: []*analysis.Rule{privileged, socket, host, plain, ports, limits, rooted},
	Run:   run,
}

func run(p *analysis.Pass) {
	folders := map[string][]*deploy.Document{}
	var order []string
	for _, d := range p.Deploy.Compose {
		if deploy.Aside(d.File) || development(d) {
			continue
		}
		dir := path.Dir(d.File)
		if folders[dir] == nil {
			order = append(order, dir)
		}
		folders[dir] = append(folders[dir], d)
		all := services(p, d)
		defaults(all)
		for _, s := range all {
			s.privileges()
			s.mounts()
			s.namespaces()
			s.secrets()
			s.ports()
		}
	}
	for _, dir := range order {
		posture(p, folders[dir])
	}
}

// A service is one of a file.
type service struct {
	*analysis.Pass
	*deploy.Node
	doc   *deploy.Document
	name  string
	image string // without registry, folder and tag
}

// services are those of a file that are not for development.
func services(p *analysis.Pass, d *deploy.Document) []*service {
	var out []*service
	d.Root.Get("services").Pairs(func(key, n *deploy.Node) {
		if !n.Map() || deploy.Aside(key.Value) || slices.ContainsFunc(n.Get("profiles").Items(), func(p *deploy.Node) bool { return deploy.Aside(p.Value) }) {
			return
		}
		s := &service{Pass: p, Node: n, doc: d, name: key.Value}
		if image, ok := deploy.ParseImage(n.Get("image").Text()); ok {
			s.image = path.Base(image.Name)
		}
		out = append(out, s)
	})
	return out
}

func (s *service) report(r *analysis.Rule, severity finding.Severity, at *deploy.Node, format string, args ...any) {
	place := s.doc.Place(at)
	s.Report(analysis.Finding{Rule: r, Severity: severity, File: place.File, Line: place.Line, Column: place.Column, Problem: fmt.Sprintf(format, args...)})
}

// is tells whether the service is one of tools, by its image or its name.
func (s *service) is(tools []string) bool {
	return slices.ContainsFunc(tools, func(t string) bool {
		return strings.Contains(s.image, t) || s.image == "" && strings.Contains(s.name, t)
	})
}

// agents watch the host, and have to see it.
var agents = []string{"node-exporter", "node_exporter", "cadvisor", "netdata", "datadog", "telegraf", "promtail", "alloy", "fluent", "vector", "filebeat", "metricbeat", "beszel", "glances", "opentelemetry-collector", "otel", "newrelic", "dynatrace", "falco", "wazuh", "scrutiny", "process-exporter", "zabbix-agent"}

// builders make containers within theirs.
var builders = []string{"docker", "dind", "buildkit", "buildkitd", "gitlab-runner", "act_runner", "drone-runner", "woodpecker-agent", "actions-runner"}

// managers steer other containers, which is what they are for.
var managers = []string{"traefik", "watchtower", "portainer", "nginx-proxy", "docker-gen", "caddy-docker-proxy", "dozzle", "autoheal", "dockge", "homepage", "diun", "ouroboros", "jenkins", "localstack", "ofelia", "swarm-cronjob", "yacht", "crowdsec", "coolify", "dokploy", "acme-companion", "letsencrypt"}

// proxies of the socket let through only what they are told to.
var proxies = []string{"socket-proxy", "docker-proxy", "dockerproxy"}

// holding are capabilities that hold the host.
var holding = []string{"ALL", "SYS_ADMIN"}

func (s *service) privileges() {
	severity := finding.High
	if s.is(agents) || s.is(builders) {
		severity = finding.Medium
	}
	if on := s.Get("privileged"); on.Is("true") {
		s.report(privileged, severity, on, "%s is privileged", s.name)
	}
	for _, c := range s.Get("cap_add").Items() {
		if name := strings.TrimPrefix(strings.ToUpper(c.Value), "CAP_"); slices.Contains(holding, name) {
			s.report(privileged, severity, c, "%s has the capability %s", s.name, name)
		}
	}
}

// sockets are those by which containers are steered.
var sockets = []string{"docker.sock", "podman.sock", "containerd.sock", "crio.sock"}

// folders of the host that give it away.
var folders = []string{"/", "/etc", "/root", "/run", "/var/run", "/var/lib/docker"}

func (s *service) mounts() {
	for _, v := range s.Get("volumes").Items() {
		source, readOnly := v.Get("source").Text(), v.Get("read_only").Is("true")
		if parts := split(v.Value); len(parts) > 1 {
			source = parts[0]
			readOnly = len(parts) > 2 && slices.Contains(strings.Split(parts[2], ","), "ro")
		}
		if slices.Contains(sockets, path.Base(strings.TrimRight(source, "}"))) {
			s.socket(v, readOnly)
			continue
		}
		if source == "" || !slices.Contains(folders, path.Clean(source)) || s.is(agents) && readOnly {
			continue
		}
		severity := finding.High
		if s.is(agents) || s.is(managers) {
			severity = finding.Medium
		}
		s.report(socket, severity, v, "%s has %s of the host", s.name, path.Clean(source))
	}
}

func (s *service) socket(at *deploy.Node, readOnly bool) {
	severity := finding.High
	switch {
	case s.is(proxies):
		return
	case s.is(managers), s.is(agents), s.is(builders):
		severity = finding.Medium
	}
	how := ""
	if readOnly {
		how = ", read-only, which keeps nobody from using it"
	}
	s.report(socket, severity, at, "%s has Docker's socket%s", s.name, how)
}

func (s *service) namespaces() {
	if s.is(agents) {
		return
	}
	for _, key := range []string{"network_mode", "pid", "ipc", "userns_mode", "uts"} {
		if n := s.Get(key); n.Is("host") {
			s.report(host, host.Severity, n, "%s has %s: host", s.name, key)
		}
	}
}

func (s *service) secrets() {
	say := func(name, value string, at *deploy.Node) {
		if strings.Contains(value, "$") {
			return
		}
		if _, _, in := deploy.Userinfo(value); !in && !isSecret(name) {
			return
		}
		switch s.judge(name, value) {
		case deploy.Real:
			s.report(plain, finding.High, at, "%s of %s is written down", name, s.name)
		case deploy.Weak:
			s.report(plain, finding.Medium, at, "%s of %s is a word that can be guessed", name, s.name)
		case deploy.Placeholder:
			s.report(plain, finding.Low, at, "%s of %s is a placeholder, with which it starts", name, s.name)
		}
	}
	s.Get("environment").Environment(say)
	s.Get("build", "args").Environment(say)
}

// isSecret tells whether a variable's value is one that nobody else may know.
func isSecret(name string) bool {
	return analysis.Secret(name) || strings.HasSuffix(strings.ToUpper(name), "_PASS")
}

// judge knows a value that is a name of the service as a default.
func (s *service) judge(name, value string) deploy.Literal {
	l := deploy.Judge(name, value)
	if l != deploy.Real {
		return l
	}
	same := strings.EqualFold(value, s.name) || strings.EqualFold(value, s.image)
	s.Get("environment").Environment(func(name, other string, _ *deploy.Node) {
		if analysis.Names(name, "user", "username", "db", "database", "name") && other == value {
			same = true
		}
	})
	if same {
		return deploy.Weak
	}
	return l
}

// posture says what the services of a folder lack, which other files of it may
// give them.
func posture(p *analysis.Pass, docs []*deploy.Document) {
	var base *deploy.Document
	limited, lessened := false, false
	for _, d := range docs {
		for _, s := range services(p, d) {
			if base == nil && (s.Has("image") || s.Has("build")) {
				base = d
			}
			limited = limited || s.Has("mem_limit") || s.Has("cpus") || s.Has("pids_limit") || s.Get("deploy", "resources", "limits").Map()
			lessened = lessened || s.Get("read_only").Is("true") || s.Has("user") || s.Has("cap_drop") ||
				slices.ContainsFunc(s.Get("security_opt").Items(), func(o *deploy.Node) bool { return strings.HasPrefix(o.Value, "no-new-privileges") })
		}
	}
	if base == nil {
		return
	}
	at := base.Place(base.Root.Get("services"))
	if !limited {
		p.At(limits, at.File, at.Line, at.Column, "no service has a limit of memory, processors or processes")
	}
	if !lessened {
		p.At(rooted, at.File, at.Line, at.Column, "no service has user, read_only, cap_drop or no-new-privileges")
	}
}

// split takes apart what stands between colons; those of ${NAME:-value} part
// nothing.
func split(s string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ':':
			if depth == 0 {
				out = append(out, s[from:i])
				from = i + 1
			}
		}
	}
	return append(out, s[from:])
}
