// Package server finds what is wrong in how the servers of Python are started:
// on command lines, wherever they stand, in uvicorn.run and in gunicorn.conf.py.
package server

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at how servers are started.
var Analyzer = &analysis.Analyzer{
	Name:  "server",
	Rules: []*analysis.Rule{reload, allowAll, noList, banner, noLimits, gunicornNoLimits, timeoutOff, bindAll, noAccessLog, debugLog},
	Run: func(p *analysis.Pass) {
		pr := &project{Pass: p}
		pr.container = containers(p)
		pr.proxied = proxied(p)
		pr.overwritten = overwritten(p)
		pr.launches = launches(p)
		starts := pr.commands()
		written := pr.python()
		for _, s := range slices.Concat(starts, written) {
			s.reload()
			s.forwarded()
			s.timeout()
			s.bind()
			s.logs()
		}
		pr.environment()
		pr.middleware()
		if len(starts) == 0 {
			starts = written
		}
		pr.postures(starts)
	},
}

// A project is what all starts have around them.
type project struct {
	*analysis.Pass
	// container tells that it is made to run where only what is published can
	// be reached.
	container bool
	// proxied tells that nginx stands in front, which writes a Server header
	// of its own, and logs; overwritten that a proxy does which replaces what
	// a client says of its own address.
	proxied, overwritten bool
	// launches are the commands that run Python.
	launches [][]string
	// set are the variables that are set for some process.
	set map[string]bool
}

// platforms are files of those who run a process in a container of theirs.
var platforms = []string{"Procfile", "app.json", "fly.toml", "render.yaml", "railway.toml", "railway.json", "nixpacks.toml", "app.yaml", "serverless.yml", "vercel.json", "heroku.yml", "cloudbuild.yaml", "Chart.yaml", "apprunner.yaml", "koyeb.yaml", "Containerfile"}

func containers(p *analysis.Pass) bool {
	return len(p.Deploy.Dockerfiles) > 0 || len(p.Deploy.Kubernetes) > 0 ||
		slices.ContainsFunc(p.Deploy.Names, func(n string) bool { return slices.Contains(platforms, path.Base(n)) })
}

func proxied(p *analysis.Pass) bool {
	return slices.ContainsFunc(p.Deploy.Nginx, func(d *deploy.Directive) bool {
		return len(d.All("proxy_pass")) > 0 && !slices.ContainsFunc(d.All("proxy_pass_header"), func(h *deploy.Directive) bool { return strings.EqualFold(h.Arg(0), "server") })
	})
}

// overwritten: Traefik and Caddy replace X-Forwarded-For of who is not trusted;
// nginx does what it is told.
func overwritten(p *analysis.Pass) bool {
	if len(p.Deploy.Caddy) > 0 || len(p.Deploy.Traefik) > 0 {
		return true
	}
	for _, d := range p.Deploy.Compose {
		found := false
		d.Root.Get("services").Pairs(func(_, n *deploy.Node) {
			image, _ := deploy.ParseImage(n.Get("image").Text())
			found = found || slices.Contains([]string{"traefik", "caddy"}, path.Base(image.Name))
			n.Get("labels").Environment(func(name, _ string, _ *deploy.Node) { found = found || strings.HasPrefix(name, "traefik.http.") })
		})
		if found {
			return true
		}
	}
	return slices.ContainsFunc(p.Deploy.Nginx, func(d *deploy.Directive) bool {
		return slices.ContainsFunc(d.All("proxy_set_header"), func(h *deploy.Directive) bool {
			return strings.EqualFold(h.Arg(0), "x-forwarded-for") && h.Arg(1) == "$remote_addr"
		})
	})
}

// all tells whether a list of addresses holds everyone.
func all(list string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", []\"'", r) }), func(a string) bool {
		return a == "*" || a == "0.0.0.0/0" || a == "::/0"
	})
}

// any tells whether an address is that of all interfaces.
func anyAddress(host string) bool {
	switch host {
	case "0.0.0.0", "::", "[::]", "0":
		return true
	}
	return false
}

func (s *start) reload() {
	if s.server == "fastapi" && s.mode == "dev" {
		if severity := s.development(); severity != 0 {
			s.say(reload, severity, "dev", s.replace("dev", "run"), "fastapi dev reloads, and shows what a server for development shows")
		}
		return
	}
	for _, key := range []string{"reload", "use_reloader"} {
		if s.is(key, "true") {
			if severity := s.development(); severity != 0 {
				s.say(reload, severity, key, s.drop(key), "%s starts anew whenever a file changes", s.server)
			}
			return
		}
	}
}

func (s *start) forwarded() {
	v, ok := s.values["forwarded_allow_ips"]
	if !ok || !v.known || !all(v.text) {
		return
	}
	severity := s.trust()
	if v.instead {
		severity = min(severity, finding.Medium)
	}
	if s.cmd == nil && (s.is("reload", "true") && s.other() || s.development() == 0) {
		severity = finding.Low // it is for who works on it
	}
	s.say(allowAll, severity, "forwarded_allow_ips", nil, "%s takes the client's address from whoever connects: forwarded_allow_ips is %s", s.server, v.text)
}

// trust is how bad it is to trust everyone: less, where a proxy of the project
// replaces what clients say, as long as none goes past it.
func (p *project) trust() finding.Severity {
	if p.overwritten || p.Guarded(allowAll) {
		return finding.Medium
	}
	return allowAll.Severity
}

func (s *start) timeout() {
	if s.server == "gunicorn" && s.is("timeout", "0") {
		s.say(timeoutOff, timeoutOff.Severity, "timeout", nil, "timeout is 0: a worker that hangs is never replaced")
	}
	for _, key := range []string{"limit_request_line", "limit_request_field_size"} {
		if s.server == "gunicorn" && s.is(key, "0") {
			s.say(gunicornNoLimits, finding.Medium, key, nil, "%s is 0, which is no limit", key)
		}
	}
}

func (s *start) bind() {
	host := s.host()
	if !anyAddress(host) || s.container || s.cmd != nil && s.cmd.From != "systemd" && s.cmd.From != "script" {
		return
	}
	severity := bindAll.Severity
	if s.is("reload", "true") || s.is("use_reloader", "true") || s.is("debug", "true") {
		severity = finding.Medium
	}
	key := "host"
	for _, other := range []string{"bind", "address"} {
		if _, ok := s.values[other]; ok {
			key = other
		}
	}
	s.say(bindAll, severity, key, nil, "%s listens on all interfaces", s.server)
}

// host is the address that is listened on; "" when that is not known.
func (s *start) host() string {
	for _, key := range []string{"host", "bind", "address"} {
		v, ok := s.values[key]
		if !ok || !v.known {
			continue
		}
		host := v.text
		if i := strings.LastIndexByte(host, ':'); key == "bind" && i >= 0 && !strings.HasSuffix(host, "]") {
			host = host[:i]
			if host == "" {
				host = "0.0.0.0"
			}
		}
		return host
	}
	return ""
}

func (s *start) logs() {
	if s.is("access_log", "false") && !s.proxied && !s.logsItself() {
		s.say(noAccessLog, noAccessLog.Severity, "access_log", s.drop("access_log"), "%s writes no access log, and nothing else does", s.server)
	}
	for _, key := range []string{"log_level", "loglevel"} {
		if v := s.values[key]; v.known && slices.Contains([]string{"debug", "trace"}, strings.ToLower(v.text)) && s.development() != 0 {
			s.say(debugLog, debugLog.Severity, key, nil, "%s logs at the level %s", s.server, strings.ToLower(v.text))
		}
	}
}

// logsItself tells whether a middleware looks as if it logged requests.
func (p *project) logsItself() bool {
	for _, a := range p.Python.Apps {
		for _, m := range a.Middleware {
			name := m.Name
			if m.Func != nil {
				name = m.Func.Name
			}
			if analysis.Names(name[strings.LastIndexByte(name, '.')+1:], "log", "logs", "logger", "logging", "access", "audit", "telemetry", "trace", "tracing", "structlog", "open telemetry", "logfire", "prometheus", "metrics") {
				return true
			}
			found := false
			if m.Func != nil {
				for _, c := range m.Func.Calls {
					found = found || slices.Contains([]string{"debug", "info", "log", "warning", "bind"}, c.Method()) && strings.Contains(strings.ToLower(analysis.Leaf(c.Receiver())), "log")
				}
			}
			if found {
				return true
			}
		}
	}
	return false
}

// variables name the lists of proxies that are trusted.
var variables = []string{"FORWARDED_ALLOW_IPS", "UVICORN_FORWARDED_ALLOW_IPS"}

// environment looks at what is set for a server.
func (p *project) environment() {
	for _, e := range p.Deploy.Env {
		if deploy.Aside(e.File) {
			continue
		}
		value, _ := shellDefault(e.Value)
		switch {
		case slices.Contains(variables, e.Name) && all(value):
			p.Report(analysis.Finding{Rule: allowAll, Severity: p.trust(), File: e.File, Line: e.Line, Column: e.Column, Problem: e.Name + " is " + value + ": the client's address is taken from whoever connects"})
		case e.Name == "UVICORN_RELOAD" && slices.Contains([]string{"1", "true", "yes"}, strings.ToLower(value)) && e.From != "compose":
			p.At(reload, e.File, e.Line, e.Column, "UVICORN_RELOAD is on")
		}
	}
}
