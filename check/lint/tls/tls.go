// Package tls finds connections to others that are not verified, are of old
// versions, or wait for ever.
package tls

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at connections.
var Analyzer = &analysis.Analyzer{Name: "tls", Rules: []*analysis.Rule{verifyOff, oldVersion, noTimeout}, Run: run}

func run(p *analysis.Pass) {
	p.Calls(func(c *pymodel.Call) {
		unverified(p, c)
		ciphers(p, c)
		timeout(p, c)
		if h := c.Handed(); h != nil {
			unverified(p, h)
			if c.Method() != "partial" { // what is added later may bound it
				timeout(p, h)
			}
		}
	})
	p.Modules(func(m *pymodel.Module) {
		for _, a := range m.Assigns {
			assigned(p, m, a)
		}
		old(p, m)
	})
}

// passed is a keyword argument, also one in **options, and the scope that it is
// written in.
func passed(c *pymodel.Call, name string) (pyast.Expr, *pymodel.Scope) {
	for _, k := range c.Keywords {
		switch k.Name {
		case name:
			return k.Value, c.Scope
		case "":
			if d, at := c.Scope.Dict(k.Value); d != nil {
				if v := at.Entry(d, name); v != nil {
					return v, at
				}
			}
		}
	}
	return nil, nil
}

// is tells whether a value is known to be of a kind, or is a parameter that is
// unless the caller says otherwise.
func is(s *pymodel.Scope, e pyast.Expr, kind pyast.Kind) bool {
	if e == nil {
		return false
	}
	if s.Is(e, kind) {
		return true
	}
	if n, ok := e.(*pyast.Name); ok {
		if b, at := s.Lookup(n.ID); b != nil && b.Param && b.Count == 1 && at.Func != nil {
			for _, x := range at.Func.Params {
				if x.Name == n.ID {
					return x.Default != nil && at.Func.Outer.Is(x.Default, kind)
				}
			}
		}
	}
	return false
}

var verbs = []string{"get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "send", "ws_connect"}

// client tells whether a call is one of an HTTP client.
func client(c *pymodel.Call) bool {
	name := c.Name()
	for _, top := range []string{"requests.", "httpx.", "aiohttp.", "urllib3.", "niquests.", "curl_cffi."} {
		if strings.HasPrefix(name, top) {
			return true
		}
	}
	return name == "" && slices.Contains(verbs, c.Method())
}

// inModel tells whether a value is a field's default, in a part of settings.
func inModel(s *pymodel.Scope, e pyast.Expr) bool {
	if _, ok := e.(*pyast.Attribute); !ok {
		return false
	}
	at := s.Symbol(e).Scope
	return at != nil && at.Class != nil && at.Class.IsA("pydantic.BaseModel")
}

// unset tells whether a value is of a kind unless the environment says
// otherwise.
func unset(s *pymodel.Scope, e pyast.Expr, kind pyast.Kind) bool {
	return e != nil && s.UnsetIs(e, kind)
}

func unverified(p *analysis.Pass, c *pymodel.Call) {
	name := c.Name()
	say := func(what string) { p.PythonAt(verifyOff, c.Module, c.Call, "%s", what) }
	maybe := func(what string) {
		p.PythonSeverity(verifyOff, finding.Medium, c.Module, c.Call, "%s where the environment does not say otherwise", what)
	}
	switch name {
	case "ssl._create_unverified_context", "ssl._create_stdlib_context":
		say(name + " verifies nothing")
		return
	case "builtins.setattr":
		if attr, ok := c.Scope.Text(c.Arg(1, "")); ok && attr == "verify" && c.Scope.Is(c.Arg(2, ""), pyast.False) {
			say("verify is set to False")
		}
		return
	}
	if len(c.Keywords) == 0 || local(c) {
		return
	}
	if client(c) || strings.HasPrefix(name, "boto3.") || strings.HasPrefix(name, "hvac.") {
		for _, option := range []string{"verify", "ssl", "verify_ssl"} {
			if option == "ssl" && !strings.HasPrefix(name, "aiohttp.") && !imports(c.Module, "aiohttp") {
				continue
			}
			if v, at := passed(c, option); v != nil && is(at, v, pyast.False) && inModel(at, v) {
				maybe(option + " is False")
				return
			} else if v != nil && is(at, v, pyast.False) {
				say(option + "=False")
				return
			} else if v != nil && unset(at, v, pyast.False) {
				maybe(option + " is False")
				return
			}
		}
	}
	for _, o := range options {
		// A function of the project's own is looked at where it does it.
		if v, at := passed(c, o.name); v != nil && at.Is(v, o.bad) && c.Target() == nil {
			say(o.name + " is set so that nothing is verified")
			return
		} else if v != nil && unset(at, v, o.bad) && c.Target() == nil {
			maybe(o.name + " is set so that nothing is verified")
			return
		}
	}
	for _, option := range []string{"cert_reqs", "ssl_cert_reqs", "validate", "verify_mode"} {
		v, at := passed(c, option)
		if v == nil {
			continue
		}
		if text, ok := at.Text(v); ok && (text == "CERT_NONE" || text == "none") || none(at, v) || option == "ssl_cert_reqs" && at.Is(v, pyast.None) {
			say(option + " asks for no certificate")
			return
		}
	}
}

// options are those of clients of databases, queues and others.
var options = []struct {
	name string
	bad  pyast.Kind
}{
	{"verify_certs", pyast.False}, {"validate_certs", pyast.False}, {"verify_ssl", pyast.False}, {"ssl_verify", pyast.False}, {"ssl_verify_cert", pyast.False},
	{"check_hostname", pyast.False}, {"ssl_check_hostname", pyast.False},
	{"tlsAllowInvalidCertificates", pyast.True}, {"tlsAllowInvalidHostnames", pyast.True}, {"tlsInsecure", pyast.True}, {"tls_insecure", pyast.True},
}

func none(s *pymodel.Scope, e pyast.Expr) bool {
	name := s.Qualified(e)
	if a, ok := e.(*pyast.Attribute); ok && name == "" {
		name = pymodel.Dotted(a)
	}
	return strings.HasPrefix(name, "ssl.") && strings.HasSuffix(name, "CERT_NONE") || strings.HasSuffix(name, "SSL.VERIFY_NONE")
}

// local tells whether a request stays on the machine.
func local(c *pymodel.Call) bool {
	for _, a := range c.Args {
		pieces := c.Scope.Pieces(a)
		for _, host := range []string{"https://localhost", "https://127.0.0.1", "https://[::1]"} {
			if pieces[0].Expr == nil && strings.HasPrefix(pieces[0].Text, host) {
				return true
			}
		}
	}
	return false
}

func imports(m *pymodel.Module, name string) bool {
	for _, b := range m.Scope.Names {
		if b.Import == name || strings.HasPrefix(b.Import, name+".") {
			return true
		}
	}
	return false
}

// assigned looks at context.verify_mode = ssl.CERT_NONE and its like.
func assigned(p *analysis.Pass, m *pymodel.Module, a pymodel.At[*pyast.Assign]) {
	value := a.Node.Value
	for _, target := range a.Node.Targets {
		switch t := target.(type) {
		case *pyast.Attribute:
			switch {
			case t.Attr == "verify_mode" && none(a.Scope, value):
				p.PythonAt(verifyOff, m, a.Node, "verify_mode is CERT_NONE")
			case t.Attr == "check_hostname" && a.Scope.Is(value, pyast.False) && !alsoNone(a.Scope):
				p.PythonAt(verifyOff, m, a.Node, "check_hostname is False: a certificate of any host will do")
			case t.Attr == "verify" && a.Scope.Is(value, pyast.False) && session(a.Scope, t.Value):
				p.PythonAt(verifyOff, m, a.Node, "verify is set to False")
			case t.Attr == "verify" && unset(a.Scope, value, pyast.False) && session(a.Scope, t.Value):
				p.PythonSeverity(verifyOff, finding.Medium, m, a.Node, "verify is set to False where the environment does not say otherwise")
			case t.Attr == "_create_default_https_context":
				if strings.HasSuffix(a.Scope.Qualified(value), "_create_unverified_context") {
					p.PythonAt(verifyOff, m, a.Node, "nothing is verified in the whole program")
				}
			case t.Attr == "minimum_version" && oldVersions[analysis.Leaf(value)]:
				p.PythonAt(oldVersion, m, a.Node, "minimum_version is %s", analysis.Leaf(value))
			}
		case *pyast.Subscript:
			key, _ := a.Scope.Text(t.Slice)
			text, ok := a.Scope.Text(value)
			if ok && (key == "PYTHONHTTPSVERIFY" && text == "0" || (key == "CURL_CA_BUNDLE" || key == "REQUESTS_CA_BUNDLE") && text == "") {
				p.PythonAt(verifyOff, m, a.Node, "%s turns verification off", key)
			}
		}
	}
}

func session(s *pymodel.Scope, e pyast.Expr) bool {
	if t := s.TypeOf(e); t.Name != "" {
		return strings.HasPrefix(t.Name, "requests.") || strings.HasPrefix(t.Name, "httpx.") || t.IsA("requests.Session")
	}
	leaf := analysis.Leaf(e)
	return leaf == "s" || analysis.Names(leaf, "session", "client", "http", "requests")
}

// alsoNone tells whether CERT_NONE is set beside: it is said there.
func alsoNone(s *pymodel.Scope) bool {
	for _, a := range s.Module.Assigns {
		if t, ok := a.Node.Targets[0].(*pyast.Attribute); ok && a.Scope == s && t.Attr == "verify_mode" && none(a.Scope, a.Node.Value) {
			return true
		}
	}
	return false
}

var oldVersions = map[string]bool{"PROTOCOL_SSLv2": true, "PROTOCOL_SSLv3": true, "PROTOCOL_TLSv1": true, "PROTOCOL_TLSv1_1": true, "SSLv2_METHOD": true, "SSLv3_METHOD": true, "TLSv1_METHOD": true, "TLSv1_1_METHOD": true,
	"SSLv3": true, "TLSv1": true, "TLSv1_1": true, "MINIMUM_SUPPORTED": true}

// old looks at the names of versions, wherever they are used.
func old(p *analysis.Pass, m *pymodel.Module) {
	pyast.Walk(m.File.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare, *pyast.ImportFrom:
			return false
		case *pyast.Attribute:
			if oldVersions[n.Attr] && strings.Contains(n.Attr, "_") && n.Attr != "TLSv1_1" && n.Attr != "MINIMUM_SUPPORTED" {
				if base := pymodel.Dotted(n.Value); base == "ssl" || strings.HasSuffix(base, "SSL") {
					p.PythonAt(oldVersion, m, n, "%s is used", n.Attr)
				}
			}
		case *pyast.Name:
			if oldVersions[n.ID] && strings.HasPrefix(m.Scope.Qualified(n), "ssl.PROTOCOL_") {
				p.PythonAt(oldVersion, m, n, "%s is used", n.ID)
			}
		}
		return true
	})
}

// ciphers looks at lists in OpenSSL's form.
func ciphers(p *analysis.Pass, c *pymodel.Call) {
	e := c.Keyword("ssl_ciphers")
	if c.Method() == "set_ciphers" {
		e = c.Arg(0, "")
	}
	text, ok := c.Scope.Text(e)
	if !ok {
		return
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		upper := strings.ToUpper(word)
		if upper[0] == '!' || upper[0] == '-' {
			continue
		}
		for _, weak := range []string{"RC4", "3DES", "DES-CBC", "NULL", "EXPORT", "ADH", "MD5", "SECLEVEL=0"} {
			if strings.Contains(upper, weak) {
				p.PythonAt(oldVersion, c.Module, c.Call, "the ciphers hold %s", word)
				return
			}
		}
	}
}

// timeout looks at requests that may wait.
func timeout(p *analysis.Pass, c *pymodel.Call) {
	name := c.Name()
	switch {
	case strings.HasPrefix(name, "requests."):
		if !slices.Contains(verbs, c.Method()) || c.Method() == "send" || name != "requests."+c.Method() && !strings.HasPrefix(name, "requests.Session.") && !strings.HasPrefix(name, "requests.sessions.") && !strings.HasPrefix(name, "requests.session.") {
			return
		}
		v := c.Keyword("timeout")
		if v == nil && !pymodel.HasStars(c.Call) {
			p.PythonAt(noTimeout, c.Module, c.Call, "%s without a timeout", name)
		} else if v != nil && c.Scope.Is(v, pyast.None) {
			p.PythonAt(noTimeout, c.Module, c.Call, "timeout=None")
		}
	case strings.HasPrefix(name, "httpx."):
		if v := c.Keyword("timeout"); v != nil && (c.Scope.Is(v, pyast.None) || forEver(c.Scope, v)) {
			p.PythonAt(noTimeout, c.Module, c.Call, "timeout=None")
		}
	case name == "urllib.request.urlopen":
		if c.Arg(2, "timeout") == nil && !pymodel.HasStars(c.Call) {
			p.PythonAt(noTimeout, c.Module, c.Call, "urlopen without a timeout")
		}
	case name == "aiohttp.ClientTimeout":
		if v := c.Arg(0, "total"); v != nil && c.Scope.Is(v, pyast.None) && len(c.Keywords)+len(c.Args) == 1 {
			p.PythonAt(noTimeout, c.Module, c.Call, "total=None, and nothing else is bounded")
		}
	}
}

// forEver tells of httpx.Timeout(None).
func forEver(s *pymodel.Scope, e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	return ok && s.Qualified(c.Func) == "httpx.Timeout" && len(c.Keywords) == 0 && len(c.Args) == 1 && s.Is(c.Args[0], pyast.None)
}
