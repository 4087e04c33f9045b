package crypto

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A hash hides nothing of what everybody knows: who has the recipe reckons the
// token of anybody else.

// predictables tells of secrets that are reckoned from what others know.
func predictables(p *analysis.Pass) {
	said := map[pyast.Node]bool{}
	tell := func(at place, got purpose, call *pymodel.Call) {
		statement := at.statement()
		if said[statement] || !guarded(got.name) || at.signed() || at.mixed() {
			return
		}
		said[statement] = true
		what := "a hash of %s"
		switch {
		case strings.HasPrefix(call.Name(), "base64."):
			what = "%s in base64"
		case strings.HasPrefix(call.Name(), "uuid."):
			what = "a UUID of %s"
		}
		p.PythonAt(predictable, at.call.Module, at.call, "%s is "+what+", which others know or can count", got.name, common(call))
	}
	trace(p, reckoned, invitations, func(at place, got purpose) { tell(at, got, at.call) }, func(at place, got purpose, made place) { tell(at, got, made.call) })
}

// statement is the one that a place is in: it makes one secret.
func (p place) statement() pyast.Node {
	for i := len(p.in) - 1; i >= 0; i-- {
		if s, ok := p.in[i].(pyast.Stmt); ok {
			return s
		}
	}
	return p.call.Call
}

// signed tells whether a key comes to what is reckoned before it is handed out.
func (p place) signed() bool {
	f := p.call.Scope.Enclosing()
	return f != nil && slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool {
		name := c.Name()
		return strings.HasPrefix(name, "hmac.") || strings.HasPrefix(name, "itsdangerous.") || strings.HasPrefix(name, "jwt.") || strings.HasPrefix(name, "jose.") ||
			analysis.Names(c.Method(), "sign", "signed", "encrypt", "dumps") && c.Method() != "dumps" || strings.Contains(name, ".hmac.")
	})
}

// mixed tells whether it is put together with what is not known, which may be
// the secret: f"{uid}.{token}".
func (p place) mixed() bool {
	s := p.call.Scope
	unknown := func(in []pyast.Node) bool {
		return slices.ContainsFunc(in, func(n pyast.Node) bool {
			switch x := n.(type) {
			case *pyast.JoinedStr:
				return !(&knowing{}).all(s, x, 0)
			case *pyast.BinOp:
				return !(&knowing{}).all(s, x, 0)
			}
			return false
		})
	}
	if unknown(p.in) {
		return true
	}
	f := s.Enclosing()
	local := about(f, p.in, p.call.Call, invitations).local
	if f == nil || local == "" {
		return false
	}
	found := false
	analysis.Surround(f.Body, func(n pyast.Node, in []pyast.Node) {
		if x, ok := n.(*pyast.Name); ok && x.ID == local && x.Ctx == pyast.Load {
			found = found || unknown(in)
		}
	})
	return found
}

// invitations are names of what lets in, besides those of secrets.
var invitations = []string{"reset", "reset key", "invite", "invitation", "verification", "magic", "unsubscribe key"}

// guarded tells whether a name is of what lets in whoever has it, and not of
// what is public, or points to a page of a list.
func guarded(id string) bool {
	return analysis.Names(id, "token", "code", "otp", "reset", "invite", "invitation", "verification", "activation", "confirmation", "api key", "apikey", "access key", "activation key", "license key", "secret key", "session id", "sessionid", "sid", "session key", "nonce", "csrf", "xsrf", "secret", "magic", "pin", "passcode", "password", "jti") &&
		!analysis.Names(id, "page", "next", "cursor", "continuation", "sync", "pagination", "cache", "salt", "status code", "country code", "zip code", "error code", "hash", "push", "device", "link", "url")
}

// reckoned tells whether a call makes a text of what others know.
func reckoned(c *pymodel.Call) bool {
	var data pyast.Expr
	switch c.Name() {
	case "hashlib.md5", "hashlib.sha1", "hashlib.sha224", "hashlib.sha256", "hashlib.sha384", "hashlib.sha512", "hashlib.sha3_256", "hashlib.sha3_512", "hashlib.blake2b", "hashlib.blake2s":
		if c.Keyword("key") != nil || c.Keyword("salt") != nil {
			return false
		}
		data = c.Arg(0, "data")
	case "hashlib.new":
		data = c.Arg(1, "data")
	case "base64.b64encode", "base64.urlsafe_b64encode", "base64.standard_b64encode", "base64.b32encode", "base64.b16encode":
		data = c.Arg(0, "s")
	case "uuid.uuid3", "uuid.uuid5":
		// A namespace of one's own may be a secret.
		if space := c.Scope.Qualified(c.Arg(0, "namespace")); !strings.HasPrefix(space, "uuid.NAMESPACE_") {
			return false
		}
		data = c.Arg(1, "name")
	default:
		return false
	}
	if data == nil {
		return false
	}
	k := &knowing{}
	return k.all(c.Scope, data, 0) && len(k.found) > 0
}

// common is what a call makes a text of.
func common(c *pymodel.Call) string {
	data := c.Arg(0, "data")
	if len(c.Args) > 1 && (c.Name() == "hashlib.new" || strings.HasPrefix(c.Name(), "uuid.")) {
		data = c.Args[1]
	}
	k := &knowing{}
	k.all(c.Scope, data, 0)
	if n := len(k.found); n > 1 {
		return strings.Join(k.found[:n-1], ", ") + " and " + k.found[n-1]
	}
	return strings.Join(k.found, "")
}

// knowing gathers what a value is made of, as long as others know it.
type knowing struct {
	found []string
}

func (k *knowing) note(what string) bool {
	if !slices.Contains(k.found, what) {
		k.found = append(k.found, what)
	}
	return true
}

const theTime = "the time"

// all tells whether an expression is made of nothing but what others know.
func (k *knowing) all(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if e == nil || depth > 14 {
		return false
	}
	depth++
	each := func(list []pyast.Expr) bool {
		return !slices.ContainsFunc(list, func(x pyast.Expr) bool { return !k.all(s, x, depth) })
	}
	switch x := e.(type) {
	case *pyast.Constant:
		return true
	case *pyast.JoinedStr:
		return each(x.Values)
	case *pyast.FormattedValue:
		return k.all(s, x.Value, depth)
	case *pyast.BinOp:
		return k.all(s, x.Left, depth) && k.all(s, x.Right, depth)
	case *pyast.Tuple:
		return each(x.Elts)
	case *pyast.List:
		return each(x.Elts)
	case *pyast.Dict:
		return each(x.Values)
	case *pyast.Await:
		return k.all(s, x.Value, depth)
	case *pyast.Subscript:
		if _, part := x.Slice.(*pyast.Slice); part {
			return k.all(s, x.Value, depth)
		}
		return public(analysis.Leaf(x)) && k.note(analysis.Leaf(x))
	case *pyast.Attribute:
		return public(x.Attr) && k.note(analysis.Leaf(x.Value)+"."+x.Attr)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || analysis.Secret(x.ID) {
			return false
		}
		known := false
		for _, d := range at.Defs {
			if d.Name != x.ID || pymodel.Uses(d.Value, x.ID) {
				continue
			}
			if d.Part && !d.Held {
				known = false // one of several: its name tells
				break
			}
			if !k.all(at, d.Value, depth) {
				return false
			}
			known = true
		}
		return known || (b.Param || b.Part) && public(x.ID) && k.note(x.ID)
	case *pyast.Call:
		return k.call(s, x, depth)
	}
	return false
}

func (k *knowing) call(s *pymodel.Scope, c *pyast.Call, depth int) bool {
	name := s.Qualified(c.Func)
	switch {
	case slices.Contains(clocks, name):
		return k.note(theTime)
	case strings.HasPrefix(name, "hashlib.") || strings.HasPrefix(name, "base64."), name == "builtins.str", name == "builtins.int", name == "builtins.repr", name == "builtins.bytes", name == "builtins.round", name == "builtins.format", name == "json.dumps":
		return len(c.Args) > 0 && !slices.ContainsFunc(c.Args, func(x pyast.Expr) bool { return !k.all(s, x, depth) })
	}
	a, ok := c.Func.(*pyast.Attribute)
	if ok {
		switch a.Attr {
		case "join", "format":
			return !slices.ContainsFunc(append(slices.Clone(c.Args), a.Value), func(x pyast.Expr) bool { return !k.all(s, x, depth) })
		case "encode", "lower", "upper", "strip", "casefold", "isoformat", "timestamp", "strftime", "hexdigest", "digest", "hex", "decode", "total_seconds", "replace", "date", "timetuple":
			return k.all(s, a.Value, depth)
		}
	}
	if b := s.Symbol(c.Func).Binding; b != nil && b.Func != nil {
		results := b.Func.Results()
		return len(results) == 1 && k.all(b.Func.Scope, results[0], depth)
	}
	return false
}

var clocks = []string{"time.time", "time.time_ns", "time.monotonic", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today", "django.utils.timezone.now"}

// public tells whether a name is of what others know of somebody, or of the
// time.
func public(id string) bool {
	words := pymodel.Words(id)
	if len(words) == 0 || analysis.Secret(id) || analysis.Names(id, "token", "secret", "key", "password", "hash", "hashed", "nonce", "salt", "session", "random", "uuid", "guid", "jti", "seed", "pepper", "code", "request", "private") {
		return false
	}
	switch words[len(words)-1] {
	case "email", "mail", "username", "login", "user", "id", "uid", "pk", "phone", "timestamp", "now", "issued", "date", "ts", "ip":
		return true
	case "name":
		return len(words) == 1 || analysis.Names(id, "user name", "full name", "first name", "last name")
	case "address":
		return analysis.Names(id, "email address", "mail address", "ip address")
	case "at", "time", "on":
		return analysis.Names(id, "created", "issued", "updated", "expires", "requested", "current", "joined", "sent")
	}
	return false
}
