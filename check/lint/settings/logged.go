package settings

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

var levels = strings.Fields("debug info warning warn error exception critical fatal log trace success")

// writes tells whether a call writes into a log, or on what becomes one.
func writes(c *pymodel.Call) bool {
	switch c.Name() {
	case "builtins.print", "pprint.pprint", "sys.stdout.write", "sys.stderr.write", "rich.print":
		return !command(c.Module)
	}
	if !slices.Contains(levels, c.Method()) {
		return false
	}
	if strings.HasPrefix(c.Name(), "logging.") || strings.HasPrefix(c.Name(), "loguru.logger.") {
		return true
	}
	return c.Receiver() != nil && analysis.Names(analysis.Leaf(c.Receiver()), "log", "logger", "logging", "getlogger", "get logger", "bind") && !command(c.Module)
}

// command tells whether a module is a program that talks to who started it.
func command(m *pymodel.Module) bool {
	for d := range strings.SplitSeq(strings.TrimSuffix(m.Path, ".py"), "/") {
		switch d {
		case "scripts", "script", "cli", "bin", "tools", "commands", "management", "dev", "examples", "manage":
			return true
		}
	}
	for _, b := range m.Scope.Names {
		switch top, _, _ := strings.Cut(b.Import, "."); top {
		case "argparse", "click", "typer", "fire", "getpass":
			return true
		}
	}
	return false
}

func logs(p *analysis.Pass, c *pymodel.Call) {
	if !writes(c) {
		return
	}
	said := false
	tell := func(id string) {
		if !said {
			said = true
			p.PythonAt(logged, c.Module, c, "%s is logged", id)
		}
	}
	for _, a := range c.Args {
		shown(c, a, tell, 0)
	}
	for _, k := range c.Keywords {
		if k.Name == "exc_info" || k.Name == "stack_info" || k.Name == "file" {
			continue
		}
		if spoken(c, k.Name) && !aside(k.Name) {
			if _, constant := c.Scope.Const(k.Value); !constant && value(c.Scope, k.Value) {
				tell(k.Name)
				continue
			}
		}
		shown(c, k.Value, tell, 0)
	}
}

// value tells whether an expression may be a secret by itself: not a number, a
// comparison, or what is made of it.
func value(s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.Name:
		return true
	case *pyast.Attribute:
		return spokenName(e.Attr)
	case *pyast.Subscript:
		_, sliced := e.Slice.(*pyast.Slice)
		return !sliced
	case *pyast.Call:
		return analysis.Leaf(e.Func) == "get_secret_value" || s.Qualified(e.Func) == "builtins.str"
	}
	return false
}

// aside are names of what is about a secret, or none.
func aside(id string) bool {
	return analysis.Names(id, "hash", "hashed", "masked", "redacted", "encrypted", "valid", "type", "has", "is", "count", "tokens", "status", "public", "push", "device", "cancel", "cancellation", "next", "page", "prefix", "suffix", "last4", "fingerprint", "length", "reset url", "error", "name", "names", "cursor", "continuation", "sync", "strategy", "policy")
}

func spokenName(id string) bool {
	return (analysis.Secret(id) || named(id) >= strong || analysis.Names(id, "otp", "totp", "otp code", "verification code", "reset code", "auth code", "authorization code", "recovery code", "recovery codes", "backup codes", "magic link", "reset link", "card number", "cvv", "cvc", "ssn")) && !aside(id)
}

// spoken tells whether a name is of a secret where the call stands.
func spoken(c *pymodel.Call, id string) bool {
	if id == "code" || id == "pin" {
		f := c.Scope.Enclosing()
		return f != nil && analysis.Names(f.Name, "otp", "verification", "verify", "2fa", "mfa", "reset", "sms", "login code", "two factor", "send code")
	}
	if id == "token" && analysis.Names(c.Module.Name, "push", "device", "devices") {
		return false // the address of a telephone
	}
	return spokenName(id)
}

// opaque are functions of which little of what they are given comes out.
var opaque = strings.Fields("len bool type id isinstance hash mask masked redact hashed hash_token sha256 md5 sha1 hexdigest any all sum count truncate obfuscate hide scrub sanitize fingerprint startswith endswith encrypt")

// shown calls tell for each secret that an expression shows.
func shown(c *pymodel.Call, e pyast.Expr, tell func(string), depth int) {
	if e == nil || depth > 12 {
		return
	}
	s := c.Scope
	each := func(list ...pyast.Expr) {
		for _, x := range list {
			shown(c, x, tell, depth+1)
		}
	}
	switch e := e.(type) {
	case *pyast.Name:
		switch {
		case headers(s, e):
			tell(e.ID)
		case spoken(c, e.ID) && textual(s, e):
			if _, constant := s.Const(e); !constant {
				tell(e.ID)
			}
		case model(s, e) != "":
			tell(model(s, e) + " of " + e.ID)
		default:
			// message = f"token: {token}"
			if b, at := s.Lookup(e.ID); b != nil && b.Value != nil && b.Count == 1 && !b.Part && !b.With && at.Func != nil {
				switch b.Value.(type) {
				case *pyast.JoinedStr, *pyast.BinOp:
					shown(c, b.Value, tell, depth+1)
				}
			}
		}
	case *pyast.Attribute:
		switch {
		case headers(s, e):
			tell(pymodel.Dotted(e))
		case spoken(c, e.Attr) && textual(s, e):
			if _, constant := s.Const(e); !constant {
				tell(pymodel.Dotted(e))
			}
		case model(s, e) != "":
			tell(model(s, e) + " of " + e.Attr)
		}
	case *pyast.Subscript:
		if _, sliced := e.Slice.(*pyast.Slice); sliced {
			return // a few of its letters
		}
		if id := analysis.Leaf(e); id != "" && (spoken(c, id) || strings.EqualFold(id, "authorization")) {
			tell(id)
		}
	case *pyast.Call:
		called(c, e, tell, each)
	case *pyast.JoinedStr:
		each(e.Values...)
	case *pyast.FormattedValue:
		each(e.Value)
	case *pyast.BinOp:
		each(e.Left, e.Right)
	case *pyast.BoolOp:
		each(e.Values...)
	case *pyast.IfExp:
		each(e.Body, e.Orelse)
	case *pyast.Tuple:
		each(e.Elts...)
	case *pyast.List:
		each(e.Elts...)
	case *pyast.Dict:
		for i, v := range e.Values {
			if k, ok := e.Keys[i].(*pyast.Constant); ok && spoken(c, k.Value) && value(s, v) {
				tell(k.Value)
				continue
			}
			each(v)
		}
	case *pyast.Await:
		each(e.Value)
	case *pyast.Starred:
		each(e.Value)
	}
}

func called(c *pymodel.Call, e *pyast.Call, tell func(string), each func(...pyast.Expr)) {
	id := analysis.Leaf(e.Func)
	switch a, isAttribute := e.Func.(*pyast.Attribute); {
	case id == "get_secret_value":
		tell("the value of a secret")
	case slices.Contains(opaque, id) || aside(id):
	case isAttribute && id == "get" && len(e.Args) > 0:
		if key, ok := c.Scope.Text(e.Args[0]); ok && (spoken(c, key) || strings.EqualFold(key, "authorization")) {
			tell(key)
		}
	case isAttribute && slices.Contains([]string{"dict", "model_dump", "model_dump_json", "json"}, id):
		if pymodel.Keyword(e, "exclude") == nil && pymodel.Keyword(e, "include") == nil {
			if field := model(c.Scope, a.Value); field != "" {
				tell(field + " of " + analysis.Leaf(a.Value))
			}
		}
	case isAttribute && id == "format":
		each(a.Value)
		each(e.Args...)
		for _, k := range e.Keywords {
			each(k.Value)
		}
	case isAttribute && slices.Contains([]string{"encode", "decode", "strip", "lower", "upper"}, id):
		each(a.Value)
	case slices.Contains([]string{"str", "repr", "dumps", "dict", "join", "pformat", "bytes", "print", "vars"}, id):
		each(e.Args...)
		for _, k := range e.Keywords {
			each(k.Value)
		}
	case c.Scope.Qualified(e.Func) == "os.getenv" && len(e.Args) > 0:
		if key, ok := c.Scope.Text(e.Args[0]); ok && spoken(c, key) {
			tell(key)
		}
	}
}

// textual tells whether a value may be a text: what is known to be an object,
// a number or a SecretStr shows no secret.
func textual(s *pymodel.Scope, e pyast.Expr) bool {
	t := s.TypeOf(e)
	if t.Class != nil {
		return false
	}
	switch t.Name {
	case "builtins.int", "builtins.bool", "builtins.float", "pydantic.SecretStr", "pydantic.SecretBytes", "starlette.datastructures.Secret", "pydantic_core.SecretStr", "uuid.UUID", "datetime.datetime":
		return false
	}
	// By a field of a class, when that is known.
	if a, ok := e.(*pyast.Attribute); ok {
		if class := s.TypeOf(a.Value).Class; class != nil {
			for _, f := range class.AllFields() {
				if f.Name == a.Attr && f.Annotation != nil {
					name := class.Outer.Annotation(f.Annotation).Name
					return name == "" || name == "builtins.str" || name == "builtins.bytes" || strings.HasSuffix(name, ".Mapped")
				}
			}
		}
	}
	return true
}

// headers tells whether a value is all headers of a request, Authorization
// and cookies among them.
func headers(s *pymodel.Scope, e pyast.Expr) bool {
	a, ok := e.(*pyast.Attribute)
	return ok && (a.Attr == "headers" || a.Attr == "cookies") && s.TypeOf(a.Value).IsA("starlette.requests.Request", "starlette.requests.HTTPConnection", "starlette.websockets.WebSocket")
}

// model is the field of a model that is shown with it, and is a secret in a
// plain text.
func model(s *pymodel.Scope, e pyast.Expr) string {
	class := s.TypeOf(e).Class
	if class == nil || !class.IsA("pydantic.BaseModel", "pydantic_settings.BaseSettings", "sqlmodel.SQLModel") || class.Scope.Names["__repr__"] != nil || class.Scope.Names["__str__"] != nil {
		return ""
	}
	for _, f := range class.AllFields() {
		if f.Annotation == nil || class.Outer.Annotation(f.Annotation).Name != "builtins.str" || named(f.Name) < strong {
			continue
		}
		if call, ok := f.Value.(*pyast.Call); ok {
			if r := pymodel.Keyword(call, "repr"); r != nil {
				continue
			}
		}
		return f.Name
	}
	return ""
}
