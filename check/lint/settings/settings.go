// Package settings finds secrets that are in the source, that have a default,
// that show themselves, and that are logged.
package settings

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

func run(p *analysis.Pass) {
	r := &reader{Pass: p, refused: refused(p), keys: keys(p), said: map[pyast.Node]bool{}}
	p.Classes(r.class)
	p.Modules(func(m *pymodel.Module) {
		if !analysis.Sample(m.Path) {
			r.read(m)
		}
	})
	p.Calls(func(c *pymodel.Call) { logs(p, c) })
}

// A reader looks at what is written in a project.
type reader struct {
	*analysis.Pass
	refused map[string]bool     // texts that the application does not start with
	keys    map[pyast.Expr]bool // values that are used as keys
	said    map[pyast.Node]bool
}

// class looks at the fields of a class that the environment fills.
func (r *reader) class(c *pymodel.Class) {
	if !c.IsSettings() || analysis.Names(c.Name, "test", "tests", "testing") {
		return
	}
	var bare []*pymodel.Field
	for _, f := range c.Fields {
		if f.Annotation != nil && named(f.Name) > none && c.Outer.Annotation(f.Annotation).Name == "builtins.str" && (!analysis.Names(f.Name, "dsn") || !analysis.Names(f.Name, "sentry")) {
			bare = append(bare, f)
		}
		if f.Value != nil && !development(c.Name) {
			r.fieldDefault(c, f)
		}
	}
	if len(bare) > 0 {
		more := ""
		if len(bare) > 1 {
			more = ", like others of the class"
		}
		r.PythonAt(plain, c.Module, bare[0].Node, "%s.%s is a str%s", c.Name, bare[0].Name, more)
	}
}

func (r *reader) fieldDefault(c *pymodel.Class, f *pymodel.Field) {
	value := f.Value
	if call, ok := value.(*pyast.Call); ok && strings.HasPrefix(c.Scope.Qualified(call.Func), "pydantic.") && analysis.Leaf(call.Func) == "Field" {
		value = pymodel.Arg(call, 0, "default")
		if made, ok := pymodel.Keyword(call, "default_factory").(*pyast.Lambda); ok {
			value = made.Body
		}
	}
	if value == nil {
		return
	}
	r.fallback(c.Module, c.Scope, value, f.Name, f.Name)
}

// fallback tells of a text that is taken where a secret is not set.
func (r *reader) fallback(m *pymodel.Module, s *pymodel.Scope, value pyast.Expr, id, called string) bool {
	text, ok := written(s, value)
	if !ok || r.refused[text] || r.said[value] {
		return false
	}
	if user, password, host, ok := address(text); ok {
		if severity := opens(user, password, host, false); severity != finding.Unknown {
			r.said[value] = true
			r.PythonSeverity(fallback, severity, m, value, "%s has an address with a password as its default", called)
			return true
		}
		return false
	}
	level := named(id)
	if level == none || !possible(text) || level != own && name(id, text) || name("", text) && strings.ToUpper(text) == text {
		return false
	}
	severity := fallback.Severity
	switch {
	case level == own && development(id):
		severity = finding.Medium // production has another way
	case level == own:
		// Whatever it is, the application trusts it.
	case placeholder(text), len(text) < 6, level == weak && !random(text):
		return false
	case !random(text) || len(text) < 16 || analysis.Names(id, "default"):
		// Another service refuses what is no secret of its own.
		severity = finding.Medium
	}
	r.said[value] = true
	r.PythonSeverity(fallback, severity, m, value, "%s has a default in the source", called)
	return true
}

// written is the text of a secret that is written in an expression.
func written(s *pymodel.Scope, e pyast.Expr) (string, bool) {
	switch e := e.(type) {
	case *pyast.Constant:
		return e.Value, e.Kind == pyast.Str || e.Kind == pyast.Bytes
	case *pyast.BinOp, *pyast.JoinedStr:
		return s.Text(e)
	case *pyast.Call:
		if a, ok := e.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "encode", "decode", "strip":
				return written(s, a.Value)
			case "b64decode", "urlsafe_b64decode", "fromhex", "unhexlify":
				return written(s, pymodel.Arg(e, 0, "s"))
			}
		}
		switch name := s.Qualified(e.Func); name[strings.LastIndexByte(name, '.')+1:] {
		case "SecretStr", "SecretBytes", "Secret", "bytes", "str", "b64decode", "PostgresDsn", "urlsafe_b64decode", "unhexlify", "bytearray":
			return written(s, pymodel.Arg(e, 0, "secret_value"))
		}
	}
	return "", false
}

// development tells whether a name is of what runs on a desk.
func development(id string) bool {
	return analysis.Names(id, "dev", "development", "local", "debug", "test", "testing", "tests", "devel")
}

// refused are the texts that settings are compared with, to raise when they
// are the same. What a request is compared with is none of them.
func refused(p *analysis.Pass) map[string]bool {
	out := map[string]bool{}
	p.Funcs(func(f *pymodel.Func) {
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			branch, ok := n.(*pyast.If)
			if !ok || !raises(f.Scope, branch.Body) {
				return true
			}
			pyast.Inspect(branch.Test, func(n pyast.Node) bool {
				cmp, ok := n.(*pyast.Compare)
				if !ok || cmp.Ops[0] != pyast.Eq && cmp.Ops[0] != pyast.In {
					return true
				}
				sides := []pyast.Expr{cmp.Left, cmp.Comparators[0]}
				if p.Python.Level(f.Scope, sides[0]) > pymodel.Clean || p.Python.Level(f.Scope, sides[1]) > pymodel.Clean {
					return true
				}
				for _, e := range sides {
					texts, all := f.Scope.Texts(e)
					if text, ok := f.Scope.Text(e); ok {
						texts, all = []string{text}, true
					}
					for _, t := range texts {
						out[t] = out[t] || all && len(t) > 3
					}
				}
				return true
			})
			return true
		})
	})
	return out
}

func raises(s *pymodel.Scope, body []pyast.Stmt) bool {
	found := false
	pyast.Walk(body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Raise:
			found = true
		case *pyast.Call:
			found = found || s.Qualified(n.Func) == "sys.exit"
		}
		return !found
	})
	return found
}

// uses are the functions whose argument is a key, and which it is.
var uses = map[string]int{
	"jwt.encode": 1, "jwt.decode": 1, "jose.jwt.encode": 1, "jose.jwt.decode": 1, "hmac.new": 0, "cryptography.fernet.Fernet": 0,
	"itsdangerous.URLSafeTimedSerializer": 0, "itsdangerous.URLSafeSerializer": 0, "itsdangerous.TimestampSigner": 0, "itsdangerous.Signer": 0, "itsdangerous.Serializer": 0,
	"Crypto.Cipher.AES.new": 0, "cryptography.hazmat.primitives.ciphers.algorithms.AES": 0, "cryptography.hazmat.primitives.ciphers.aead.AESGCM": 0, "cryptography.hazmat.primitives.ciphers.aead.ChaCha20Poly1305": 0,
}

// keys are values behind names that are used as keys.
func keys(p *analysis.Pass) map[pyast.Expr]bool {
	out := map[pyast.Expr]bool{}
	note := func(c *pymodel.Call, e pyast.Expr) {
		for {
			call, ok := e.(*pyast.Call)
			if !ok {
				break
			}
			a, ok := call.Func.(*pyast.Attribute)
			if !ok || a.Attr != "encode" && a.Attr != "get_secret_value" {
				return
			}
			e = a.Value
		}
		switch e.(type) {
		case *pyast.Name, *pyast.Attribute:
			if b := c.Scope.Symbol(e).Binding; b != nil && b.Value != nil && !b.Part {
				out[b.Value] = true
			}
		}
	}
	p.Calls(func(c *pymodel.Call) {
		if i, ok := uses[c.Name()]; ok {
			note(c, c.Arg(i, "key"))
		}
		if k := c.Keyword("secret_key"); k != nil && (c.Method() == "add_middleware" || strings.HasSuffix(c.Name(), "SessionMiddleware") || c.Method() == "Middleware") {
			note(c, k)
		}
	})
	return out
}

// asks tells whether a call reads a setting: os.getenv, config("X"), env.str.
func asks(s *pymodel.Scope, c *pyast.Call) bool {
	switch s.Qualified(c.Func) {
	case "os.getenv", "os.environ.get", "os.environ.setdefault", "os.environ.pop", "decouple.config", "starlette.config.Config", "builtins.getattr":
		return true
	}
	base := func(e pyast.Expr) bool {
		return analysis.Names(analysis.Leaf(e), "env", "environ", "environment", "config", "settings", "conf", "cfg", "configuration")
	}
	switch f := c.Func.(type) {
	case *pyast.Attribute:
		return slices.Contains([]string{"get", "str", "pop", "setdefault", "getenv", "read", "get_str", "value"}, f.Attr) && base(f.Value)
	case *pyast.Name:
		return base(f) || analysis.Names(f.ID, "getenv", "get env", "env")
	}
	return false
}
