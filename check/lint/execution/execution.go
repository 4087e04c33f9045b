// Package execution finds what a client sends where it is run: as a command, as
// code, as a template, and as objects that are made of it.
package execution

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at what is run.
var Analyzer = &analysis.Analyzer{Name: "execution", Rules: []*analysis.Rule{command, shell, code, deserialization, template}, Run: run}

func run(p *analysis.Pass) {
	p.Made(func(c *pymodel.Call) {
		commands(p, c)
		evaluated(p, c)
		deserialized(p, c)
		templates(p, c)
	})
}

// tainted is how request data comes to an expression.
func tainted(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr) *pymodel.Trail {
	if e == nil {
		return nil
	}
	t := p.Python.Reaches(s, e, nil)
	if t != nil && p.Refused(t) {
		return nil
	}
	return t
}

// say tells of request data in a call; false where there is none.
func say(p *analysis.Pass, r *analysis.Rule, c *pymodel.Call, e pyast.Expr, what string) bool {
	t := tainted(p, c.Scope, e)
	if t == nil {
		return false
	}
	p.PythonAt(r, c.Module, c.Call, "%s %s", analysis.Written(c.Module, t.Leaf), what)
	return true
}

// commands looks at programs that are started.
func commands(p *analysis.Pass, c *pymodel.Call) {
	name := c.Name()
	first := c.Arg(0, "args")
	if first == nil {
		first = c.Keyword("cmd")
	}
	switch name {
	case "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell", "asyncio.subprocess.create_subprocess_shell", "anyio.run_process", "commands.getoutput", "popen2.popen2", "pexpect.run":
		if first == nil {
			first = c.Keyword("command")
		}
		if list, _ := c.Scope.List(first); list == nil {
			inShell(p, c, first)
			return
		}
		program(p, c, c.Scope, first)
	case "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen", "sh.bash", "invoke.run", "fabric.run":
		if isShell(c) || name == "invoke.run" {
			if list, at := c.Scope.List(first); len(list) > 0 {
				first, c = list[0], &pymodel.Call{Call: c.Call, Module: c.Module, Scope: at, Cond: c.Cond}
			}
			inShell(p, c, first)
			return
		}
		program(p, c, c.Scope, first)
	case "asyncio.create_subprocess_exec", "asyncio.subprocess.create_subprocess_exec", "os.execlp", "os.execl", "os.execle", "os.execlpe":
		argv(p, c, c.Scope, c.Args)
	case "os.execv", "os.execvp", "os.execve", "os.execvpe", "os.startfile", "pty.spawn", "pexpect.spawn":
		say(p, command, c, first, "chooses the program")
	case "os.spawnl", "os.spawnlp", "os.spawnv", "os.spawnvp", "os.posix_spawn", "os.posix_spawnp":
		say(p, command, c, c.Arg(1, "file"), "chooses the program")
	default:
		switch c.Method() {
		case "exec_command", "exec_run", "subprocess_shell": // paramiko, docker, a loop's
			if c.Receiver() != nil {
				say(p, command, c, first, "is part of a command")
			}
		}
	}
}

func isShell(c *pymodel.Call) bool {
	if v := c.Keyword("shell"); v != nil {
		return c.Scope.Is(v, pyast.True)
	}
	for _, k := range c.Keywords {
		if k.Name == "" {
			if d, at := c.Scope.Dict(k.Value); d != nil {
				if v := at.Entry(d, "shell"); v != nil {
					return at.Is(v, pyast.True)
				}
			}
		}
	}
	return false
}

func inShell(p *analysis.Pass, c *pymodel.Call, e pyast.Expr) {
	if e == nil || say(p, command, c, e, "is part of a command for a shell") {
		return
	}
	for _, o := range p.Python.Origins(c.Scope, e) {
		if value := open(p, o); value != nil {
			p.PythonAt(shell, c.Module, c.Call, "%s is part of a command for a shell", analysis.Written(c.Module, *value))
			return
		}
	}
}

// open is a value in a command of which nothing is known: one that a caller
// hands in.
func open(p *analysis.Pass, o pymodel.Origin) *pymodel.Origin {
	pieces := o.Scope.Pieces(o.Expr)
	if len(pieces) < 2 {
		return nil
	}
	for _, piece := range pieces {
		if piece.Expr != nil && handed(p, piece.Scope, piece.Expr, 0) {
			return &pymodel.Origin{Expr: piece.Expr, Scope: piece.Scope}
		}
	}
	return nil
}

// handed tells whether a value is a parameter, or made of one, that holds any
// text and that callers give more than constants.
func handed(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 6 || e == nil || p.Python.Level(s, e) == pymodel.Typed {
		return false
	}
	switch s.TypeOf(e).Name {
	case "builtins.int", "builtins.float", "builtins.bool", "uuid.UUID", "datetime.datetime", "datetime.date":
		return false
	}
	switch e := e.(type) {
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		if b == nil || at.Func == nil {
			return false
		}
		for _, d := range at.Defs {
			if d.Name == e.ID && handed(p, at, d.Value, depth+1) {
				return true
			}
		}
		if !b.Param || e.ID == "self" || e.ID == "cls" {
			return false
		}
		if b.Annotation != nil {
			switch at.Func.Outer.Annotation(b.Annotation).Name {
			case "builtins.int", "builtins.float", "builtins.bool", "typing.Literal", "uuid.UUID", "":
				return false
			}
		}
		given := p.Python.Given(at.Func, e.ID)
		if len(given) == 0 {
			return true
		}
		for _, o := range given {
			if handed(p, o.Scope, o.Expr, depth+1) {
				return true
			}
		}
		return false
	case *pyast.Attribute:
		if n, ok := e.Value.(*pyast.Name); ok && analysis.Names(n.ID, "self", "cls", "args", "settings", "config", "options") {
			return false
		}
		return handed(p, s, e.Value, depth+1)
	case *pyast.Subscript:
		return handed(p, s, e.Value, depth+1)
	case *pyast.BinOp:
		return handed(p, s, e.Left, depth+1) || handed(p, s, e.Right, depth+1)
	case *pyast.JoinedStr:
		for _, v := range e.Values {
			if f, ok := v.(*pyast.FormattedValue); ok && handed(p, s, f.Value, depth+1) {
				return true
			}
		}
	case *pyast.Call:
		switch name := s.Qualified(e.Func); name {
		case "builtins.str", "pathlib.Path", "os.path.join":
			for _, a := range e.Args {
				if handed(p, s, a, depth+1) {
					return true
				}
			}
		}
	}
	return false
}

var shells = map[string]bool{"sh": true, "bash": true, "zsh": true, "dash": true, "ash": true, "ksh": true, "cmd": true, "cmd.exe": true, "powershell": true, "pwsh": true, "ssh": true, "su": true, "eval": true, "perl": true, "python": true, "python3": true, "node": true, "ruby": true, "php": true}

// program looks at a command without a shell of ours.
func program(p *analysis.Pass, c *pymodel.Call, s *pymodel.Scope, e pyast.Expr) {
	if e == nil {
		return
	}
	if call, ok := e.(*pyast.Call); ok && s.Qualified(call.Func) == "shlex.split" && len(call.Args) > 0 {
		pieces := s.Pieces(call.Args[0])
		if pieces[0].Expr != nil {
			say(p, command, c, pieces[0].Expr, "chooses the program")
		}
		return
	}
	if list, at := s.List(e); list != nil {
		argv(p, c, at, list)
		return
	}
	for _, o := range p.Python.Origins(s, e) {
		if o.Held {
			continue
		}
		if o.Expr == e && o.Scope == s {
			pieces := s.Pieces(e)
			if b, ok := e.(*pyast.BinOp); ok && b.Op == pyast.Add {
				if list, at := s.List(b.Left); list != nil {
					argv(p, c, at, list)
					return
				}
			}
			if pieces[0].Expr != nil {
				say(p, command, c, pieces[0].Expr, "chooses the program")
			}
			return
		}
		program(p, c, o.Scope, o.Expr)
	}
}

// argv looks at a list of a program and its arguments.
func argv(p *analysis.Pass, c *pymodel.Call, s *pymodel.Scope, list []pyast.Expr) {
	if len(list) == 0 || s.Rest(list[0]) {
		return // which of a call's arguments is the program is not known
	}
	tell := func(e pyast.Expr, what string) {
		if t := tainted(p, s, e); t != nil {
			p.PythonAt(command, c.Module, c.Call, "%s %s", analysis.Written(c.Module, t.Leaf), what)
		}
	}
	name, ok := s.Text(list[0])
	if !ok {
		first := s.Pieces(list[0])
		if first[0].Expr != nil {
			tell(list[0], "chooses the program")
		}
		return
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	if name == "sudo" || name == "env" || name == "timeout" || name == "docker" {
		for _, a := range list[1:] {
			if text, ok := s.Text(a); ok && shells[text] {
				name = text
			}
		}
	}
	if !shells[name] {
		return
	}
	for i, a := range list[1:] {
		text, _ := s.Text(a)
		switch text {
		case "-c", "-lc", "-ec", "-xc", "-e", "/c", "/C", "-Command", "-r":
			if i+2 < len(list) {
				tell(list[i+2], "is part of a command for a shell")
				return
			}
		}
	}
	if name == "ssh" && len(list) > 2 {
		tell(list[len(list)-1], "is part of a command for a shell")
	}
}

// evaluated looks at code that is made at run time.
func evaluated(p *analysis.Pass, c *pymodel.Call) {
	switch c.Name() {
	case "builtins.eval", "builtins.exec", "builtins.compile", "pandas.eval", "numexpr.evaluate", "sympy.sympify", "sympy.parse_expr", "sympy.parsing.sympy_parser.parse_expr", "code.interact", "timeit.timeit", "cProfile.run":
		e := c.Arg(0, "source")
		if c.Name() == "builtins.compile" && passedOn(c) {
			return
		}
		if !say(p, code, c, e, "is run as code") && c.Name() != "builtins.compile" {
			kept(p, c, e)
		}
		return
	case "builtins.__import__", "importlib.import_module", "importlib.__import__", "runpy.run_module", "runpy.run_path", "pydoc.locate", "django.utils.module_loading.import_string", "werkzeug.utils.import_string":
		say(p, code, c, c.Arg(0, "name"), "chooses the module")
		return
	}
	// getattr(module, name)(…) and globals()[name](…).
	for _, o := range p.Python.Origins(c.Scope, c.Func) {
		switch f := o.Expr.(type) {
		case *pyast.Call:
			if o.Scope.Qualified(f.Func) == "builtins.getattr" {
				if e := pymodel.Arg(f, 1, ""); e != nil {
					if pieces := o.Scope.Pieces(e); pieces[0].Expr == nil && len(pieces) > 1 {
						continue // only methods of a prefix: handle_…
					}
					if t := tainted(p, o.Scope, e); t != nil {
						p.PythonAt(code, c.Module, c.Call, "%s chooses the function", analysis.Written(c.Module, t.Leaf))
					}
				}
			}
		case *pyast.Subscript:
			call, ok := f.Value.(*pyast.Call)
			if !ok {
				continue
			}
			switch o.Scope.Qualified(call.Func) {
			case "builtins.globals", "builtins.locals", "builtins.vars":
				if t := tainted(p, o.Scope, f.Slice); t != nil {
					p.PythonAt(code, c.Module, c.Call, "%s chooses the function", analysis.Written(c.Module, t.Leaf))
				}
			}
		}
	}
}

// passedOn tells whether compile only looks: compile(text, name, mode, flags)
// with ast.PyCF_ONLY_AST.
func passedOn(c *pymodel.Call) bool {
	return strings.HasSuffix(c.Scope.Qualified(c.Arg(3, "flags")), "PyCF_ONLY_AST")
}

// templates looks at templates that are made at run time.
func templates(p *analysis.Pass, c *pymodel.Call) {
	what := "is the template, or a part of it"
	switch c.Name() {
	case "jinja2.Template", "jinja2.environment.Template", "mako.template.Template", "django.template.Template", "tornado.template.Template", "flask.render_template_string", "jinja2.Environment.from_string", "jinja2.environment.Environment.from_string", "chameleon.PageTemplate", "Cheetah.Template.Template", "flask.templating.render_template_string":
		e := c.Arg(0, "source")
		for _, name := range []string{"text", "template_string"} {
			if e == nil {
				e = c.Keyword(name)
			}
		}
		say(p, template, c, e, what)
		return
	}
	switch c.Method() {
	case "from_string":
		if r := c.Receiver(); r != nil && !strings.Contains(c.Name(), "Sandbox") && (analysis.Names(analysis.Leaf(r), "env", "environment", "jinja", "jinja2", "templates") || strings.HasPrefix(c.Name(), "jinja2.")) {
			say(p, template, c, c.Arg(0, "source"), what)
		}
	case "format", "format_map":
		r := c.Receiver()
		if r == nil || len(c.Args)+len(c.Keywords) == 0 || c.Target() != nil {
			return
		}
		if t := tainted(p, c.Scope, r); t != nil && objects(c) {
			p.PythonSeverity(template, finding.Medium, c.Module, c.Call, "%s is a format: {x.__class__…} in it reads attributes of what is formatted", analysis.Written(c.Module, t.Leaf))
		}
	}
}

// objects tells whether something else than texts and numbers is formatted.
func objects(c *pymodel.Call) bool {
	list := append([]pyast.Expr{}, c.Args...)
	for _, k := range c.Keywords {
		list = append(list, k.Value)
	}
	for _, e := range list {
		if _, ok := c.Scope.Const(e); ok {
			continue
		}
		switch c.Scope.TypeOf(e).Name {
		case "builtins.str", "builtins.int", "builtins.float", "builtins.bool":
			continue
		}
		return true
	}
	return false
}
