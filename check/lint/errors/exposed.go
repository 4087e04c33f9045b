package errors

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// exposed looks at what a route returns.
func exposed(p *analysis.Pass, r *pymodel.Route) {
	f := r.Func
	said := map[*analysis.Rule]bool{}
	say := func(rule *analysis.Rule, e pyast.Expr, format string, args ...any) {
		if !said[rule] {
			said[rule] = true
			p.PythonAt(rule, f.Module, e, format, args...)
		}
	}
	for _, e := range returned(f) {
		for _, x := range values(f.Scope, e, 0) {
			if what := settings(f.Scope, x); what != "" && !filtered(r) {
				say(env, x, "%s answers with %s", f.Name, what)
				continue
			}
			if what := system(f.Scope, x); what != "" && !r.Authenticated() {
				say(info, x, "%s tells strangers %s", f.Name, what)
			}
		}
	}
}

// filtered tells whether a model picks what is answered.
func filtered(r *pymodel.Route) bool {
	e := r.Response
	if e == nil {
		e = r.Func.Returns
	}
	if e == nil {
		return false
	}
	c := r.Func.Outer.Annotation(e).Class
	return c != nil && !c.IsSettings()
}

// values are what an answer is put together from: the entries of a dict, what
// a response holds, and names.
func values(s *pymodel.Scope, e pyast.Expr, depth int) []pyast.Expr {
	if e == nil || depth > 6 {
		return nil
	}
	depth++
	var out []pyast.Expr
	switch e := e.(type) {
	case *pyast.Dict:
		for _, v := range e.Values {
			out = append(out, values(s, v, depth)...)
		}
		return out
	case *pyast.List:
		for _, v := range e.Elts {
			out = append(out, values(s, v, depth)...)
		}
		return out
	case *pyast.JoinedStr:
		for _, v := range e.Values {
			out = append(out, values(s, v, depth)...)
		}
		return out
	case *pyast.FormattedValue:
		return values(s, e.Value, depth)
	case *pyast.Await:
		return values(s, e.Value, depth)
	case *pyast.Name:
		if _, at := s.Lookup(e.ID); at != nil && at.Func != nil {
			for _, d := range at.Defs {
				if d.Name == e.ID {
					out = append(out, values(at, d.Value, depth)...)
				}
			}
			return out
		}
	case *pyast.DictComp:
		// {k: v for k, v in os.environ.items()}
		if _, whole := e.Value.(*pyast.Name); whole || !environ(e.Generators) {
			return each(s, e.Generators)
		}
		return nil
	case *pyast.ListComp:
		return each(s, e.Generators)
	case *pyast.GeneratorExp:
		return each(s, e.Generators)
	case *pyast.Call:
		name := s.Qualified(e.Func)
		if a, ok := e.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "join":
				if len(e.Args) == 1 {
					return values(s, e.Args[0], depth)
				}
			case "decode", "strip", "splitlines", "split":
				return values(s, a.Value, depth)
			}
		}
		if name == "builtins.sorted" || name == "builtins.dict" || name == "builtins.str" || name == "builtins.list" || name == "fastapi.encoders.jsonable_encoder" || name == "json.dumps" || name == "builtins.repr" || isAnswer(s, e) {
			for _, a := range e.Args {
				out = append(out, values(s, a, depth)...)
			}
			for _, k := range e.Keywords {
				if k.Name == "content" || name == "builtins.dict" {
					out = append(out, values(s, k.Value, depth)...)
				}
			}
			return out
		}
	}
	return append(out, e)
}

// each are the values that a comprehension without conditions goes through.
func each(s *pymodel.Scope, list []*pyast.Comprehension) []pyast.Expr {
	if len(list) != 1 || len(list[0].Ifs) > 0 {
		return nil
	}
	e := list[0].Iter
	for range 3 { // sorted(os.environ.items())
		c, ok := e.(*pyast.Call)
		if !ok {
			break
		}
		if a, ok := c.Func.(*pyast.Attribute); ok && (a.Attr == "items" || a.Attr == "values") {
			e = a.Value
		} else if leaf := analysis.Leaf(c.Func); (leaf == "sorted" || leaf == "list") && len(c.Args) == 1 {
			e = c.Args[0]
		}
	}
	if s.Qualified(e) == "os.environ" || system(s, e) != "" {
		return []pyast.Expr{e}
	}
	return nil
}

func environ(list []*pyast.Comprehension) bool {
	return len(list) > 0 && analysis.Mentions(list[0].Iter, func(id string) bool { return id == "environ" })
}

// settings says which settings a value is; "" when it is none.
func settings(s *pymodel.Scope, e pyast.Expr) string {
	switch x := e.(type) {
	case *pyast.Name, *pyast.Attribute:
		if s.Qualified(e) == "os.environ" {
			return "the environment"
		}
		if isSettings(s, e) {
			return "all settings"
		}
		a, ok := e.(*pyast.Attribute)
		if !ok {
			return ""
		}
		if a.Attr == "__dict__" && isSettings(s, a.Value) {
			return "all settings"
		}
		if isSettings(s, a.Value) && private(a.Attr) {
			return "the setting " + a.Attr
		}
	case *pyast.Subscript:
		if t, ok := s.Text(x.Slice); ok && s.Qualified(x.Value) == "os.environ" && private(t) {
			return "the variable " + t
		}
	case *pyast.Call:
		name := s.Qualified(x.Func)
		if (name == "builtins.vars" || name == "dataclasses.asdict") && len(x.Args) == 1 && isSettings(s, x.Args[0]) {
			return "all settings"
		}
		if name == "os.getenv" || name == "os.environ.get" {
			if t, ok := s.Text(pymodel.Arg(x, 0, "key")); ok && private(t) {
				return "the variable " + t
			}
		}
		if isSettings(s, e) {
			return "all settings"
		}
		a, ok := x.Func.(*pyast.Attribute)
		if !ok {
			return ""
		}
		switch a.Attr {
		case "model_dump", "dict", "model_dump_json", "json":
			if isSettings(s, a.Value) && pymodel.Keyword(x, "include") == nil && pymodel.Keyword(x, "exclude") == nil {
				return "all settings"
			}
		case "copy", "items":
			if s.Qualified(a.Value) == "os.environ" {
				return "the environment"
			}
		case "get_secret_value":
			if inner, ok := a.Value.(*pyast.Attribute); ok && isSettings(s, inner.Value) {
				return "the setting " + inner.Attr
			}
		}
	}
	return ""
}

// isSettings tells whether a value is the application's settings.
func isSettings(s *pymodel.Scope, e pyast.Expr) bool {
	t := s.TypeOf(e)
	if t.Class != nil {
		switch t.Class.Name {
		case "Settings", "Config", "AppSettings", "AppConfig", "Configuration":
			if t.Class.IsSettings() {
				return true
			}
			if _, called := e.(*pyast.Call); called {
				return false
			}
			at := s.Symbol(e).Scope
			return at != nil && at.Func == nil && at.Class == nil
		}
		return t.Class.IsSettings() && !analysis.Names(t.Class.Name, "public", "client", "frontend")
	}
	if a, ok := e.(*pyast.Attribute); ok && (a.Attr == "settings" || a.Attr == "config") && analysis.Leaf(a.Value) == "state" {
		return true // app.state.settings
	}
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	b, at := s.Lookup(n.ID)
	// settings from elsewhere, or the module config itself.
	sym := s.Symbol(e)
	if sym.Module != nil {
		return n.ID == "settings" || n.ID == "config"
	}
	if c, ok := sym.Binding, sym.Binding != nil; ok && c.Value != nil {
		return false
	}
	return b != nil && at.Func == nil && b.Import != "" && (n.ID == "settings" || n.ID == "app_settings")
}

// private tells whether a setting is one that nobody else may know.
func private(name string) bool {
	return analysis.Secret(name) && !analysis.Names(name, "publishable", "site key", "client id", "mapbox", "sentry") || analysis.Names(name, "database url", "db url", "redis url", "dsn")
}

// system says what a value tells of the server.
func system(s *pymodel.Scope, e pyast.Expr) string {
	name := s.Qualified(e)
	if c, ok := e.(*pyast.Call); ok {
		name = s.Qualified(c.Func)
		switch name {
		case "platform.platform", "platform.uname", "platform.version", "platform.release", "platform.node", "os.uname", "platform.python_version", "socket.gethostname":
			return "which system it runs on"
		case "pkg_resources.working_set", "importlib.metadata.distributions":
			return "which packages it has"
		case "os.getcwd":
			return "where it lies"
		}
		if strings.HasPrefix(name, "subprocess.") {
			if list, _ := s.Texts(pymodel.Arg(c, 0, "args")); len(list) > 1 && list[len(list)-1] == "freeze" {
				return "which packages it has"
			}
		}
		return ""
	}
	if strings.HasPrefix(name, "sys.version_info.") {
		return "which Python it runs on"
	}
	switch name {
	case "pkg_resources.working_set":
		return "which packages it has"
	case "sys.version", "sys.version_info":
		return "which Python it runs on"
	case "sys.path", "sys.modules", "sys.argv", "sys.executable":
		return "where its code lies"
	}
	if sub, ok := e.(*pyast.Subscript); ok {
		return system(s, sub.Value)
	}
	if a, ok := e.(*pyast.Attribute); ok {
		if c, ok := a.Value.(*pyast.Call); ok && s.Qualified(c.Func) == "platform.uname" {
			return "which system it runs on"
		}
		if sub, ok := a.Value.(*pyast.Name); ok && sub.ID == "sys" && a.Attr == "version" {
			return "which Python it runs on"
		}
	}
	return ""
}
