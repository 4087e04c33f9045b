package server

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// A start is a way in which a server is started.
type start struct {
	*project
	server, app string
	mode        string // of fastapi: run, dev
	// values by the names of arguments in Python.
	values map[string]value
	// open tells that there may be more, which is not seen.
	open bool

	// cmd is a command line, from which words may have been taken elsewhere;
	// call or at a place in a module.
	cmd    *deploy.Command
	module *pymodel.Module
	scope  *pymodel.Scope
	call   *pyast.Call
	node   pyast.Node
}

// A value is one of a start.
type value struct {
	text  string
	known bool
	word  string     // as written on a command line
	expr  pyast.Expr // in Python
	in    *pymodel.Module
	// instead tells that it holds where a setting says nothing else.
	instead bool
}

// is tells whether a value is known to be a text.
func (s *start) is(key, text string) bool {
	v, ok := s.values[key]
	return ok && v.known && strings.EqualFold(v.text, text)
}

// has tells whether one of the values is given, whatever it is.
func (s *start) has(keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { _, ok := s.values[k]; return ok })
}

// switches are flags with no value behind them.
var switches = []string{"reload", "use_reloader", "proxy_headers", "access_log", "server_header", "date_header", "use_colors", "preload", "preload_app", "debug", "daemon", "proxy_protocol", "factory", "server_name"}

// short are the short forms of gunicorn's flags, which hypercorn mostly shares.
var short = map[string]string{"-b": "bind", "-w": "workers", "-k": "worker_class", "-t": "timeout", "-c": "config", "-n": "name", "-D": "daemon", "-p": "port", "-R": "enable_stdio_inheritance", "-u": "user", "-g": "group"}

// commands are the starts on command lines.
func (p *project) commands() []*start {
	var out []*start
	for _, c := range p.Deploy.Commands {
		if deploy.Aside(c.File) || deploy.Aside(c.Owner) {
			continue
		}
		s := &start{project: p, server: c.Server, cmd: c, values: map[string]value{}}
		s.read(c.Args)
		for _, e := range c.Env {
			s.variable(e[0], e[1])
		}
		if s.server == "gunicorn" {
			s.configured()
		}
		out = append(out, s)
	}
	p.set = map[string]bool{}
	for _, e := range p.Deploy.Env {
		p.set[e.Name] = true
		if e.Name == "GUNICORN_CMD_ARGS" {
			for _, s := range out {
				if s.server == "gunicorn" {
					s.read(strings.Fields(e.Value))
				}
			}
		}
	}
	return out
}

// variable takes what is set in front of the command, where no flag says it.
func (s *start) variable(name, text string) {
	switch {
	case name == "GUNICORN_CMD_ARGS" && s.server == "gunicorn":
		s.read(strings.Fields(text))
	case name == "FORWARDED_ALLOW_IPS" && !s.has("forwarded_allow_ips"):
		s.put("forwarded_allow_ips", text, name)
	case strings.HasPrefix(name, "UVICORN_") && s.server == "uvicorn":
		if key := strings.ToLower(strings.TrimPrefix(name, "UVICORN_")); !s.has(key) {
			s.put(key, text, name)
		}
	}
}

func (s *start) put(key, text, word string) {
	text, known := shellDefault(text)
	s.values[key] = value{text: text, known: known, word: word}
}

// shellDefault is what a value is when nothing else is set. It is not known
// when something at run time decides it.
func shellDefault(text string) (string, bool) {
	if inner, ok := strings.CutPrefix(text, "${"); ok && strings.HasSuffix(inner, "}") {
		inner = strings.TrimSuffix(inner, "}")
		if i := strings.Index(inner, ":-"); i > 0 {
			return strings.Trim(inner[i+2:], `"'`), true
		}
	}
	return text, !strings.ContainsAny(text, "$`{") && !strings.Contains(text, "\ue000")
}

// read takes the words behind a server's name.
func (s *start) read(args []string) {
	for i := 0; i < len(args); i++ {
		word := args[i]
		name, text, given := strings.Cut(word, "=")
		key := short[name]
		if strings.HasPrefix(name, "--") {
			key = strings.ReplaceAll(name[2:], "-", "_")
		}
		switch {
		case strings.ContainsAny(name, "$`\ue000") && (key == "" || !given):
			s.open = s.open || s.app != "" || !strings.Contains(name, ":")
			if s.app == "" && strings.Contains(name, ":") {
				s.app = word
			}
		case key == "" && !strings.HasPrefix(name, "-"):
			if s.server == "fastapi" && s.mode == "" {
				s.mode = word
			} else if s.app == "" {
				s.app = word
			}
		case key == "":
		case strings.HasPrefix(key, "no_") && slices.Contains(switches, key[3:]):
			s.put(key[3:], "false", name)
		case slices.Contains(switches, key) && !given:
			s.put(key, "true", name)
		case given:
			s.put(key, text, name)
		case i+1 < len(args):
			i++
			s.put(key, args[i], name)
		}
	}
}

// say reports a value of the start, at the place where it is written.
func (s *start) say(r *analysis.Rule, severity finding.Severity, key string, edits []analysis.Edit, format string, args ...any) {
	problem := fmt.Sprintf(format, args...)
	v := s.values[key]
	switch {
	case v.expr != nil:
		line, column := v.in.File.Position(v.expr.Pos())
		s.Report(analysis.Finding{Rule: r, Severity: severity, File: v.in.Path, Line: line, Column: column, Problem: problem, Edits: edits})
	case s.cmd != nil:
		word := v.word
		if word == "" {
			word = key
		}
		at := s.cmd.Place
		if from, _, ok := s.find(word); ok {
			at.Line = 1 + strings.Count(string(s.cmd.Data[:from]), "\n")
			at.Column = from - strings.LastIndexByte(string(s.cmd.Data[:from]), '\n')
		}
		s.Report(analysis.Finding{Rule: r, Severity: severity, File: at.File, Line: at.Line, Column: at.Column, Problem: problem, Edits: edits})
	default:
		line, column := s.module.File.Position(s.node.Pos())
		s.Report(analysis.Finding{Rule: r, Severity: severity, File: s.module.Path, Line: line, Column: column, Problem: problem, Edits: edits})
	}
}

// development is the severity of what only those who develop need; 0 where it
// is for them.
func (s *start) development() finding.Severity {
	if s.cmd == nil {
		return s.pythonDevelopment()
	}
	if s.cmd.Cond || analysis.Names(strings.TrimSuffix(path.Base(s.cmd.File), path.Ext(s.cmd.File)), "reload", "watch", "dev") {
		return 0
	}
	if s.cmd.From == "compose" {
		return s.composeDevelopment()
	}
	return finding.Medium
}

func (s *start) composeDevelopment() finding.Severity {
	severity := finding.Medium
	for _, d := range s.Deploy.Compose {
		n := d.Root.Get("services", s.cmd.Owner)
		switch {
		case n == nil || path.Dir(d.File) != path.Dir(s.cmd.File):
		case d.File != s.cmd.File:
			// What is said for production replaces what is said here.
			if !deploy.Aside(d.File) && (n.Has("command") || n.Has("entrypoint")) {
				return 0
			}
		case n.Has("develop"), slices.ContainsFunc(n.Get("profiles").Items(), func(p *deploy.Node) bool { return deploy.Aside(p.Value) }),
			deploy.Aside(n.Get("build", "target").Text()), deploy.Aside(n.Get("build", "dockerfile").Text()), declared(n):
			return 0
		case mounted(n):
			severity = finding.Low
		}
	}
	return severity
}

// declared tells whether a variable says that a service is for development.
func declared(n *deploy.Node) bool {
	found := false
	n.Get("environment").Environment(func(name, value string, _ *deploy.Node) {
		found = found || analysis.Names(name, "env", "environment", "stage") && deploy.Aside(value)
	})
	return found
}

// mounted tells whether the source is mounted into a service.
func mounted(n *deploy.Node) bool {
	return slices.ContainsFunc(n.Get("volumes").Items(), func(v *deploy.Node) bool {
		source := v.Get("source").Text()
		if v.Value != "" {
			source, _, _ = strings.Cut(v.Value, ":")
		}
		if !strings.HasPrefix(source, ".") && !strings.HasPrefix(source, "${PWD}") && !strings.HasPrefix(source, "$PWD") {
			return false
		}
		base := path.Base(path.Clean(source))
		return slices.Contains([]string{".", "..", "${PWD}", "$PWD", "app", "src", "backend", "api", "server", "code"}, base)
	})
}
