package server

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// python are the starts that are written in Python.
func (p *project) python() []*start {
	var out []*start
	p.Modules(func(m *pymodel.Module) {
		if deploy.Aside(m.Path) {
			return
		}
		for _, c := range m.Calls {
			if s := p.called(c); s != nil {
				out = append(out, s)
			}
		}
		out = append(out, p.options(m)...)
		if isConfig(m) {
			s := &start{project: p, server: "gunicorn", module: m, scope: m.Scope, values: map[string]value{}, node: &pyast.Name{}}
			config(m, s)
			out = append(out, s)
		}
	})
	return out
}

// isConfig tells whether a module is one that gunicorn reads.
func isConfig(m *pymodel.Module) bool {
	base := strings.NewReplacer("-", "_", ".", "_").Replace(strings.TrimSuffix(path.Base(m.Path), ".py"))
	return slices.Contains([]string{"gunicorn_conf", "gunicorn_config", "gunicorn_cfg", "gunicorn_settings", "conf_gunicorn", "config_gunicorn"}, base) ||
		path.Base(m.Path) == "gunicorn.py" && m.Scope.Names["bind"] != nil
}

// config takes what a module sets for gunicorn.
func config(m *pymodel.Module, s *start) {
	for name, b := range m.Scope.Names {
		if b.Value == nil || b.Part || b.With {
			continue
		}
		if _, given := s.values[name]; given {
			continue
		}
		v := value{expr: b.Value, in: m}
		if b.Count == 1 && !b.Cond {
			v.text, v.known = text(m.Scope, b.Value, 0)
			v.instead = m.Scope.FromEnvironment(b.Value)
		}
		s.values[name] = v
	}
}

// configured adds what a file says that the command reads.
func (s *start) configured() {
	name := "gunicorn.conf.py"
	v, given := s.values["config"]
	if given {
		name = path.Base(strings.TrimPrefix(v.text, "python:"))
	}
	for _, m := range s.Python.Modules {
		if path.Base(m.Path) == name || given && strings.HasPrefix(v.text, "python:") && strings.HasSuffix("."+m.Name, "."+name) {
			inherited := &start{project: s.project, values: map[string]value{}}
			config(m, inherited)
			for key, v := range inherited.values {
				// What the file says is said where the file is looked at.
				if !s.has(key) {
					v.known = v.known && key == "worker_class"
					s.values[key] = v
				}
			}
			return
		}
	}
	s.open = s.open || given
}

// called is the start that a call is; nil when it is none.
func (p *project) called(c *pymodel.Call) *start {
	s := &start{project: p, module: c.Module, scope: c.Scope, call: c.Call, node: c.Call, values: map[string]value{}}
	switch {
	case c.Is("uvicorn.run", "uvicorn.main.run", "uvicorn.Config", "uvicorn.config.Config"):
		s.server = "uvicorn"
	case c.Is("granian.Granian", "granian.server.Granian"):
		s.server = "granian"
	default:
		return nil
	}
	for _, k := range c.Keywords {
		if k.Name != "" {
			s.keyword(k.Name, c.Scope, k.Value)
			continue
		}
		d, at := c.Scope.Dict(k.Value)
		if d == nil {
			s.open = true
			continue
		}
		s.dict(d, at)
	}
	app := c.Arg(0, "app")
	if t, ok := c.Scope.Text(app); ok {
		s.app = t
	}
	return s
}

func (s *start) dict(d *pyast.Dict, at *pymodel.Scope) {
	for i, k := range d.Keys {
		if k == nil {
			s.open = true
		} else if name, ok := at.Text(k); ok {
			s.keyword(name, at, d.Values[i])
		}
	}
}

func (s *start) keyword(name string, at *pymodel.Scope, e pyast.Expr) {
	v := value{expr: e, in: at.Module}
	v.text, v.known = text(at, e, 0)
	_, written := at.Const(e)
	_, listed := at.Texts(e)
	v.instead = !written && !listed
	s.values[name] = v
}

// options are the starts of gunicorn by an application that is given a dict.
func (p *project) options(m *pymodel.Module) []*start {
	var out []*start
	pyast.Walk(m.File.Body, func(n pyast.Node) bool {
		d, ok := n.(*pyast.Dict)
		if !ok {
			return true
		}
		if m.Scope.Entry(d, "bind") != nil && (m.Scope.Entry(d, "worker_class") != nil || m.Scope.Entry(d, "workers") != nil) {
			s := &start{project: p, server: "gunicorn", module: m, scope: m.Scope, node: d, values: map[string]value{}}
			s.dict(d, m.Scope)
			out = append(out, s)
		}
		return true
	})
	return out
}

// text is what an expression is when nothing else is set: through what asks
// the environment, and the fields of settings.
func text(s *pymodel.Scope, e pyast.Expr, depth int) (string, bool) {
	if e == nil || depth > 8 {
		return "", false
	}
	if v, ok := s.Const(e); ok {
		switch v.Kind {
		case pyast.True:
			return "true", true
		case pyast.False:
			return "false", true
		case pyast.Str, pyast.Int, pyast.Float:
			return v.Text, true
		}
		return "", false
	}
	if list, ok := s.Texts(e); ok {
		return strings.Join(list, ","), true
	}
	switch e := e.(type) {
	case *pyast.BoolOp:
		if e.Op == pyast.Or && s.FromEnvironment(e.Values[0]) {
			return text(s, e.Values[len(e.Values)-1], depth+1)
		}
	case *pyast.Call:
		switch name := s.Qualified(e.Func); {
		case name == "os.getenv" || name == "os.environ.get":
			return text(s, pymodel.Arg(e, 1, "default"), depth+1)
		case name == "pydantic.Field":
			return text(s, pymodel.Arg(e, 0, "default"), depth+1)
		case name == "decouple.config" || s.TypeOf(e.Func).IsA("starlette.config.Config"):
			return text(s, pymodel.Keyword(e, "default"), depth+1)
		}
		if f, ok := e.Func.(*pyast.Name); ok && slices.Contains([]string{"int", "str", "float"}, f.ID) {
			return text(s, pymodel.Arg(e, 0, ""), depth+1)
		}
	case *pyast.Name, *pyast.Attribute:
		if d, at := parameter(s, e); d != nil {
			return text(at, d, depth+1)
		}
		sym := s.Symbol(e)
		if b := sym.Binding; b != nil && b.Value != nil && b.Count == 1 && !b.Cond && !b.Param && !b.Part && !b.With {
			return text(sym.Scope, b.Value, depth+1)
		}
	}
	return "", false
}

// parameter is the default of the parameter that a name is; nil when it is
// none.
func parameter(s *pymodel.Scope, e pyast.Expr) (pyast.Expr, *pymodel.Scope) {
	n, ok := e.(*pyast.Name)
	if !ok {
		return nil, nil
	}
	b, at := s.Lookup(n.ID)
	if b == nil || !b.Param || b.Count > 1 || at.Func == nil {
		return nil, nil
	}
	for _, p := range at.Func.Params {
		if p.Name == n.ID && p.Default != nil {
			return p.Default, at.Func.Outer
		}
	}
	return nil, nil
}

// pythonDevelopment is how bad it is to reload: it is started so by hand, unless
// others can reach it, or an image starts it.
func (s *start) pythonDevelopment() finding.Severity {
	if s.call == nil {
		return finding.Medium
	}
	for f := s.scope.Enclosing(); f != nil; f = f.Outer.Enclosing() {
		if deploy.Aside(f.Name) {
			return 0
		}
	}
	for _, test := range conditions(s.module, s.call) {
		if analysis.Mentions(test, func(name string) bool {
			return analysis.Names(name, "debug", "dev", "development", "local", "env", "environment", "reload", "stage", "production", "prod")
		}) {
			return 0
		}
	}
	if s.launched() || anyAddress(s.host()) && !s.other() {
		return finding.Medium
	}
	return finding.Low
}

// conditions are the tests of what a node stands under.
func conditions(m *pymodel.Module, at pyast.Node) []pyast.Expr {
	var out []pyast.Expr
	pyast.Walk(m.File.Body, func(n pyast.Node) bool {
		if n.Pos() > at.Pos() || n.End() < at.End() {
			return false
		}
		if i, ok := n.(*pyast.If); ok {
			out = append(out, i.Test)
		}
		return true
	})
	return out
}

// launched tells whether what is deployed runs the module.
func (s *start) launched() bool {
	if s.module == nil {
		return false
	}
	return slices.ContainsFunc(s.launches, func(words []string) bool { return runs(words, s.module) })
}

// other tells whether what is deployed starts another server: this one is for
// who works on it.
func (s *start) other() bool {
	if s.launched() {
		return false
	}
	for _, c := range s.Deploy.Commands {
		if !deploy.Aside(c.File) && !c.Dev() {
			return true
		}
	}
	for _, m := range s.Python.Modules {
		if m != s.module && slices.ContainsFunc(m.Calls, func(c *pymodel.Call) bool { return c.Is("uvicorn.run") }) &&
			slices.ContainsFunc(s.launches, func(words []string) bool { return runs(words, m) }) {
			return true
		}
	}
	return false
}

// runs tells whether words are a command that runs a module.
func runs(words []string, m *pymodel.Module) bool {
	file := "/" + m.Path
	for i, w := range words {
		if strings.HasSuffix(w, ".py") && (strings.HasSuffix(file, "/"+strings.TrimLeft(w, "./")) || strings.HasSuffix(w, file)) || i > 0 && words[i-1] == "-m" && (m.Name == w || strings.HasSuffix(m.Name, "."+w) || m.Name == w+".__main__") {
			return true
		}
	}
	return false
}

// launches are the commands by which what is deployed runs Python.
func launches(p *analysis.Pass) [][]string {
	var out [][]string
	add := func(commands []*deploy.ShellCommand) {
		for _, c := range commands {
			if slices.ContainsFunc(c.Words, func(w string) bool { return strings.HasPrefix(path.Base(w), "python") || w == "run" }) {
				out = append(out, c.Words)
			}
		}
	}
	for _, d := range p.Deploy.Dockerfiles {
		if deploy.Aside(d.File) {
			continue
		}
		for _, stage := range d.Images() {
			for i := range stage.Instructions {
				if in := &stage.Instructions[i]; in.Starts() {
					add(in.Commands())
				}
			}
		}
	}
	for _, l := range p.Deploy.Scripts {
		if !deploy.Aside(l.File) {
			add(deploy.Shell(string(l.Data)))
		}
	}
	for _, d := range p.Deploy.Compose {
		if !deploy.Aside(d.File) {
			d.Root.Get("services").Pairs(func(_, n *deploy.Node) { add([]*deploy.ShellCommand{{Words: n.Get("command").Words()}}) })
		}
	}
	return out
}

// flip is the edit that turns a True that is written out into a False, or the
// other way round.
func (s *start) flip(v value) []analysis.Edit {
	c, ok := v.expr.(*pyast.Constant)
	if !ok || c.Kind != pyast.True && c.Kind != pyast.False {
		return nil
	}
	other := "False"
	if c.Kind == pyast.False {
		other = "True"
	}
	return []analysis.Edit{{File: v.in.Path, From: c.Pos(), To: c.End(), Text: other}}
}

// argument is the edit that adds one to the call.
func (s *start) argument(written string) []analysis.Edit {
	if s.call == nil || s.open {
		return nil
	}
	end := 0
	for _, a := range s.call.Args {
		end = max(end, a.End())
	}
	for _, k := range s.call.Keywords {
		end = max(end, k.End())
	}
	if end == 0 {
		return nil
	}
	return []analysis.Edit{{File: s.module.Path, From: end, To: end, Text: ", " + written}}
}

// middleware looks at what does in an application what the server does.
func (p *project) middleware() {
	const name = "uvicorn.middleware.proxy_headers.ProxyHeadersMiddleware"
	say := func(m *pymodel.Module, s *pymodel.Scope, at pyast.Node, hosts pyast.Expr) {
		if t, ok := text(s, hosts, 0); ok && all(t) {
			p.PythonSeverity(allowAll, p.trust(), m, at, "ProxyHeadersMiddleware takes the client's address from whoever connects: trusted_hosts is %s", t)
		}
	}
	p.Apps(func(a *pymodel.App) {
		for _, m := range a.Middleware {
			if m.Name == name || strings.HasSuffix(m.Name, ".ProxyHeadersMiddleware") {
				say(m.Scope.Module, m.Scope, m.Call, m.Arg("trusted_hosts"))
			}
		}
	})
	p.Calls(func(c *pymodel.Call) {
		switch {
		case c.Is(name):
			say(c.Module, c.Scope, c.Call, c.Arg(1, "trusted_hosts"))
		case c.Is("os.environ.setdefault", "os.putenv"):
			p.variable(c.Module, c.Scope, c, c.Arg(0, "key"), c.Arg(1, "value"))
		}
	})
	p.Modules(func(m *pymodel.Module) {
		for _, a := range m.Assigns {
			for _, t := range a.Node.Targets {
				if sub, ok := t.(*pyast.Subscript); ok && a.Scope.Qualified(sub.Value) == "os.environ" {
					p.variable(m, a.Scope, a.Node, sub.Slice, a.Node.Value)
				}
			}
		}
	})
}

func (p *project) variable(m *pymodel.Module, s *pymodel.Scope, at pyast.Node, name, value pyast.Expr) {
	n, _ := s.Text(name)
	if v, ok := s.Text(value); ok && slices.Contains(variables, n) && all(v) {
		p.PythonSeverity(allowAll, p.trust(), m, at, "%s is %s: the client's address is taken from whoever connects", n, v)
	}
}
