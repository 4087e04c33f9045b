package settings

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// read looks at what a module gives names to.
func (r *reader) read(m *pymodel.Module) {
	classes := map[*pyast.ClassDef]*pymodel.Class{}
	for _, c := range m.Classes {
		classes[c.ClassDef] = c
	}
	scopes := map[*pyast.Call]*pymodel.Scope{}
	for _, c := range m.Calls {
		scopes[c.Call] = c.Scope
	}
	funcs := map[*pyast.FunctionDef]*pymodel.Func{}
	for _, f := range m.Funcs {
		funcs[f.FunctionDef] = f
	}
	w := &word{reader: r, m: m}
	analysis.Surround(m.File.Body, func(n pyast.Node, in []pyast.Node) {
		w.node, w.in = n, in
		switch n := n.(type) {
		case *pyast.Assign:
			if !w.field(classes) {
				for _, t := range n.Targets {
					w.assign(t, n.Value)
				}
			}
		case *pyast.AnnAssign:
			if n.Value != nil && !w.field(classes) {
				w.assign(n.Target, n.Value)
			}
		case *pyast.NamedExpr:
			w.assign(n.Target, n.Value)
		case *pyast.BoolOp:
			if n.Op == pyast.Or && m.Scope.FromEnvironment(n.Values[0]) {
				w.orElse("", n.Values[0], n.Values[len(n.Values)-1])
			}
		case *pyast.Keyword:
			if _, ok := last(in).(*pyast.Call); ok && n.Name != "" {
				w.give(n.Name, n.Value)
			}
		case *pyast.Dict:
			w.dict(n)
		case *pyast.FunctionDef:
			w.function(funcs[n])
		case *pyast.Compare:
			w.compare(n)
		case *pyast.Call:
			if s := scopes[n]; s != nil {
				w.call(s, n)
			}
		case *pyast.Constant:
			w.shape(n)
		case *pyast.JoinedStr:
			if len(n.Values) > 1 {
				if c, ok := n.Values[0].(*pyast.Constant); ok {
					w.partial(c)
				}
			}
		}
	})
}

// A word is a place in a module.
type word struct {
	*reader
	m    *pymodel.Module
	node pyast.Node
	in   []pyast.Node
}

func last(in []pyast.Node) pyast.Node {
	if len(in) == 0 {
		return nil
	}
	return in[len(in)-1]
}

// field tells whether it stands right in a class whose fields are looked at
// elsewhere, or are names of what may be chosen.
func (w *word) field(classes map[*pyast.ClassDef]*pymodel.Class) bool {
	d, ok := last(w.in).(*pyast.ClassDef)
	if !ok {
		return false
	}
	c := classes[d]
	return c != nil && (c.IsSettings() || c.IsA("enum.Enum", "enum.StrEnum", "enum.IntEnum", "str") || development(c.Name) ||
		slices.ContainsFunc(c.Bases, func(b pyast.Expr) bool { return strings.HasSuffix(analysis.Leaf(b), "Enum") }))
}

// idle tells whether it is an example, a description, or of development.
func (w *word) idle() bool {
	example := func(id string) bool {
		return analysis.Names(id, "example", "examples", "schema extra", "openapi", "description", "help", "title", "summary", "responses", "detail", "deprecated", "message", "messages", "translations")
	}
	inner := w.node
	for i := len(w.in) - 1; i >= 0; i-- {
		switch n := w.in[i].(type) {
		case *pyast.Keyword:
			if example(n.Name) {
				return true
			}
		case *pyast.Dict:
			for j, v := range n.Values {
				if k, ok := n.Keys[j].(*pyast.Constant); ok && v == inner && example(k.Value) {
					return true
				}
			}
		case *pyast.Assign:
			for _, t := range n.Targets {
				if example(analysis.Leaf(t)) {
					return true
				}
			}
		case *pyast.If:
			if inDevelopment(n, inner) {
				return true
			}
		case *pyast.FunctionDef:
			if analysis.Names(n.Name, "example", "test", "mock", "fake") {
				return true
			}
		}
		inner = w.in[i]
	}
	return false
}

func inDevelopment(n *pyast.If, inner pyast.Node) bool {
	dev := analysis.Mentions(n.Test, development)
	if u, ok := n.Test.(*pyast.UnaryOp); ok && u.Op == pyast.Not {
		dev = false
	}
	if c, ok := n.Test.(*pyast.Compare); ok && (c.Ops[0] == pyast.NotEq || c.Ops[0] == pyast.NotIn) {
		dev = false
	}
	return dev && slices.ContainsFunc(n.Body, func(s pyast.Stmt) bool { return pyast.Node(s) == inner })
}

func (w *word) tell(at pyast.Node, format string, args ...any) {
	w.at(literal.Severity, at, format, args...)
}

func (w *word) at(s finding.Severity, at pyast.Node, format string, args ...any) {
	if w.said[at] || w.idle() {
		return
	}
	w.said[at] = true
	w.PythonSeverity(literal, s, w.m, at, format, args...)
}

// assign looks at a name that is given a value.
func (w *word) assign(target, value pyast.Expr) {
	if t, ok := target.(*pyast.Tuple); ok {
		if v, ok := value.(*pyast.Tuple); ok && len(v.Elts) == len(t.Elts) {
			for i := range t.Elts {
				w.assign(t.Elts[i], v.Elts[i])
			}
		}
		return
	}
	id := analysis.Leaf(target)
	if id == "" {
		return
	}
	if e, ok := value.(*pyast.BoolOp); ok && e.Op == pyast.Or && w.m.Scope.FromEnvironment(e.Values[0]) {
		w.orElse(id, e.Values[0], e.Values[len(e.Values)-1])
		return
	}
	if e, ok := value.(*pyast.IfExp); ok {
		if w.m.Scope.FromEnvironment(e.Body) {
			w.orElse(id, e.Body, e.Orelse)
		}
		return
	}
	if w.give(id, value) {
		return
	}
	text, ok := written(w.m.Scope, value)
	switch {
	case !ok:
		w.list(id, value)
	case issued(text):
		w.tell(value, "a token of a service is in the source")
	case w.keys[value] && len(text) > 0 && !strings.Contains(text, "PUBLIC KEY") && !strings.Contains(text, "CERTIFICATE"):
		if analysis.Secret(id) || named(id) > none {
			w.tell(value, "%s is a key, and in the source", id)
		}
	case named(id) == own && possible(text) && !name(id, text) && placeholder(text) && !w.refused[text]:
		w.tell(value, "%s is a placeholder that the application runs with", id)
	}
}

func (w *word) orElse(id string, asked, other pyast.Expr) {
	called := id
	if c, ok := asked.(*pyast.Call); ok && len(c.Args) > 0 {
		if key, ok := w.m.Scope.Text(c.Args[0]); ok {
			called = key
			if named(key) > named(id) {
				id = key
			}
		}
	}
	if !w.idle() {
		w.fallback(w.m, w.m.Scope, other, id, called)
	}
}

// give looks at a value behind a name, and tells whether it is a secret.
func (w *word) give(id string, value pyast.Expr) bool {
	text, ok := written(w.m.Scope, value)
	if !ok || !telling(id, text) || w.refused[text] || w.decoy() {
		return false
	}
	severity := literal.Severity
	if analysis.Names(id, "default") {
		severity = finding.Medium // it is to be changed
	}
	w.at(severity, value, "the value of %s is in the source", id)
	return true
}

// list looks at what holds several secrets: API_KEYS = {"…", "…"}.
func (w *word) list(id string, value pyast.Expr) {
	words := pymodel.Words(id)
	if len(words) == 0 {
		return
	}
	var keys, values bool
	switch words[len(words)-1] {
	case "keys":
		keys = analysis.Names(id, "api keys", "secret keys", "access keys", "valid keys", "signing keys", "client keys", "auth keys", "service keys", "partner keys")
		values = keys
	case "tokens", "secrets", "apikeys":
		keys, values = true, true
	case "passwords", "credentials", "users", "accounts", "logins":
		values = true
	default:
		return
	}
	if analysis.Names(id, "max", "num", "total", "public", "reserved", "fake") {
		return
	}
	check := func(e pyast.Expr) bool {
		text, ok := written(w.m.Scope, e)
		if ok && possible(text) && random(text) && !placeholder(text) && !strings.Contains(text, "@") {
			w.tell(e, "%s holds a secret in the source", id)
			return true
		}
		return false
	}
	switch v := value.(type) {
	case *pyast.Dict:
		for i := range v.Keys {
			if values && check(v.Values[i]) || keys && v.Keys[i] != nil && check(v.Keys[i]) {
				return
			}
		}
	case *pyast.Set, *pyast.List, *pyast.Tuple:
		elts, _ := w.m.Scope.List(v)
		for _, e := range elts {
			if keys && check(e) {
				return
			}
		}
	case *pyast.Call:
		if f := analysis.Leaf(v.Func); (f == "frozenset" || f == "set") && len(v.Args) == 1 {
			w.list(id, v.Args[0])
		}
	}
}

func (w *word) dict(d *pyast.Dict) {
	for i, k := range d.Keys {
		key, ok := k.(*pyast.Constant)
		if !ok || key.Kind != pyast.Str {
			continue
		}
		if w.give(key.Value, d.Values[i]) {
			continue
		}
		text, ok := written(w.m.Scope, d.Values[i])
		lower := strings.ToLower(key.Value)
		switch {
		case !ok || !possible(text) || placeholder(text):
		case lower == "authorization":
			scheme, rest, _ := strings.Cut(text, " ")
			if (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "basic") || strings.EqualFold(scheme, "token")) && random(strings.ReplaceAll(rest, ".", "")) && !placeholder(rest) {
				w.tell(d.Values[i], "an Authorization header is in the source")
			}
		case strings.HasPrefix(lower, "x-") && named(strings.TrimPrefix(lower, "x-")) > none && random(text):
			w.tell(d.Values[i], "the value of %s is in the source", key.Value)
		}
	}
}

// function looks at defaults of parameters, and at what is returned by one
// that is called like a secret.
func (w *word) function(f *pymodel.Func) {
	if f == nil {
		return
	}
	for _, p := range f.Params {
		text, ok := "", false
		if p.Default != nil {
			text, ok = written(f.Outer, p.Default)
		}
		if ok && telling(p.Name, text) && !w.refused[text] && !w.idle() && !w.said[p.Default] {
			w.said[p.Default] = true
			w.PythonAt(fallback, w.m, p.Default, "%s of %s has a default in the source", p.Name, f.Name)
		}
	}
	id := strings.TrimPrefix(strings.TrimPrefix(strings.TrimLeft(f.Name, "_"), "get_"), "load_")
	if named(id) < strong {
		return
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if ret, ok := n.(*pyast.Return); ok && ret.Value != nil {
			w.give(id, ret.Value)
		}
		return true
	})
}

func (w *word) compare(c *pyast.Compare) {
	if len(c.Ops) != 1 || c.Ops[0] != pyast.Eq && c.Ops[0] != pyast.NotEq {
		return
	}
	for _, pair := range [][2]pyast.Expr{{c.Left, c.Comparators[0]}, {c.Comparators[0], c.Left}} {
		id := analysis.Leaf(pair[0])
		if text, ok := written(w.m.Scope, pair[1]); ok && telling(id, text) && !w.refusedBy() {
			w.tell(pair[1], "%s is compared with a text in the source", id)
		}
		if strings.EqualFold(id, "authorization") {
			if text, ok := written(w.m.Scope, pair[1]); ok && random(strings.TrimPrefix(text, "Bearer ")) {
				w.tell(pair[1], "%s is compared with a text in the source", id)
			}
		}
	}
}

// refusedBy tells whether the comparison is a check of settings at start-up.
func (w *word) refusedBy() bool {
	for i := len(w.in) - 1; i >= 0; i-- {
		if f, ok := w.in[i].(*pyast.FunctionDef); ok {
			return strings.Contains(strings.ToLower(f.Name), "valid") || analysis.Names(f.Name, "check", "enforce", "ensure") && analysis.Names(f.Name, "default", "defaults", "settings", "config", "production")
		}
	}
	return false
}

// sinks are functions that are given a password, and which argument it is.
var sinks = map[string]int{
	"httpx.BasicAuth": 1, "requests.auth.HTTPBasicAuth": 1, "requests.auth.HTTPDigestAuth": 1, "aiohttp.BasicAuth": 1, "smtplib.SMTP.login": 1, "smtplib.SMTP_SSL.login": 1,
	"pydantic.SecretStr": 0, "starlette.datastructures.Secret": 0,
}

func (w *word) call(s *pymodel.Scope, c *pyast.Call) {
	full := s.Qualified(c.Func)
	arg := func(i int, key string) (string, pyast.Expr) {
		e := pymodel.Arg(c, i, key)
		if e == nil {
			return "", nil
		}
		text, _ := written(s, e)
		return text, e
	}
	if i, ok := sinks[full]; ok {
		if text, e := arg(i, "password"); possible(text) && len(text) >= 6 && !placeholder(text) && (i > 0 || random(text) && !w.asksFor()) {
			w.tell(e, "a password is in the source")
		}
	}
	if i, ok := uses[full]; ok && !strings.Contains(full, "jwt.") {
		if text, e := arg(i, "key"); len(text) >= 4 && !placeholder(text) {
			w.tell(e, "the key of %s is in the source", full[strings.LastIndexByte(full, '.')+1:])
		}
	}
	if full == "hmac.compare_digest" || full == "secrets.compare_digest" {
		w.constantTime(s, c)
	}
	if asks(s, c) {
		w.asked(s, c, full)
		return
	}
	for _, k := range c.Keywords {
		pair, ok := k.Value.(*pyast.Tuple)
		if !ok || k.Name != "auth" || len(pair.Elts) != 2 {
			continue
		}
		if text, ok := written(s, pair.Elts[1]); ok && len(text) >= 6 && possible(text) && !placeholder(text) {
			w.tell(pair.Elts[1], "a password is in the source")
		}
	}
	w.passed(s, c)
}

// constantTime looks at what is compared in constant time: that is a secret,
// whatever it is called.
func (w *word) constantTime(s *pymodel.Scope, c *pyast.Call) {
	if len(c.Args) != 2 {
		return
	}
	for i, a := range c.Args {
		other := c.Args[1-i]
		if text, ok := written(s, a); ok && len(text) >= 4 && !placeholder(text) && !analysis.Mentions(other, func(id string) bool {
			return analysis.Names(id, "username", "user", "name", "email", "login") && !analysis.Names(id, "password", "token", "key")
		}) {
			w.tell(a, "a secret is compared with a text in the source")
		}
	}
}

// asked looks at a setting that is asked for, with a default.
func (w *word) asked(s *pymodel.Scope, c *pyast.Call, full string) {
	i := 0
	if full == "builtins.getattr" {
		i = 1
	}
	key, ok := s.Text(pymodel.Arg(c, i, "key"))
	value := pymodel.Arg(c, i+1, "default")
	if d := pymodel.Keyword(c, "default"); d != nil {
		value = d
	}
	if !ok || value == nil || w.idle() {
		return
	}
	id := key
	// The name that it is given may say more than the variable's.
	for j := len(w.in) - 1; j >= 0; j-- {
		if a, ok := w.in[j].(*pyast.Assign); ok && len(a.Targets) == 1 && named(analysis.Leaf(a.Targets[0])) > named(key) {
			id = analysis.Leaf(a.Targets[0])
			break
		}
	}
	w.fallback(w.m, s, value, id, key)
}

// passed looks at what a function of the project is given by position.
func (w *word) passed(s *pymodel.Scope, c *pyast.Call) {
	if len(c.Args) == 0 {
		return
	}
	b := s.Symbol(c.Func).Binding
	if b == nil {
		return
	}
	var params []*pymodel.Param
	switch {
	case b.Func != nil:
		params = b.Func.Params
	case b.Class != nil && b.Class.Scope.Names["__init__"] != nil && b.Class.Scope.Names["__init__"].Func != nil:
		params = b.Class.Scope.Names["__init__"].Func.Params
	}
	if len(params) > 0 && (params[0].Name == "self" || params[0].Name == "cls") {
		params = params[1:]
	}
	for i, a := range c.Args {
		if _, star := a.(*pyast.Starred); star || i >= len(params) {
			return
		}
		w.give(params[i].Name, a)
	}
}
