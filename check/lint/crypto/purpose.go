package crypto

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A purpose is what a value is made for, as far as names tell.
type purpose struct {
	// name is the secret's; empty when names say nothing of one.
	name string
	// other tells that they say that it is for something else.
	other bool
	// local is the variable that it goes into, when that says nothing.
	local string
}

var secrets = []string{"token", "password", "passwd", "passphrase", "pwd", "secret", "otp", "totp", "hotp", "pin", "session id", "sessionid", "session key", "session token", "sid", "api key", "apikey", "nonce", "salt", "csrf", "xsrf", "reset code", "verification code", "verify code", "confirmation code", "confirm code", "auth code", "authorization code", "access code", "activation code", "activation key", "login code", "invite code", "invitation code", "security code", "recovery code", "recovery codes", "backup code", "backup codes", "one time code", "mfa code", "2fa code", "two factor code", "sms code", "email code", "magic link", "magic code", "reset link", "reset url", "verification link", "verification url", "confirmation link", "confirmation url", "invite link", "activation link", "login link", "encryption key", "secret key", "private key", "signing key", "access key", "license key", "credential", "credentials", "passcode", "iv", "challenge", "jti", "code verifier", "oauth state", "client secret", "key material", "aes key"}

// signatures are what MD5 and SHA-1 do not guard, besides.
var signatures = []string{"signature", "sign", "signed", "sig", "hmac", "mac", "integrity", "signing", "tamper"}

// elsewhere are names of what needs no secrecy.
var elsewhere = []string{"cache", "etag", "gravatar", "avatar", "color", "colour", "filename", "file name", "delay", "jitter", "sleep", "backoff", "wait", "timeout", "length", "size", "count", "index", "idx", "seed", "dedup", "dedupe", "idempotency", "bucket", "shard", "partition", "sample", "checksum", "content hash", "file hash", "tokens", "tokenizer", "fixture", "mock", "fake", "example", "test", "display", "etags", "version", "lock", "element id", "html id", "advisory", "image", "path", "slug", "position", "weight", "price", "score", "time", "date", "product", "timestamp", "usage", "limit"}

func secretName(id string, more []string) bool {
	return analysis.Names(id, secrets...) || len(more) > 0 && analysis.Names(id, more...) || codeName(id)
}

func codeName(id string) bool { return strings.HasSuffix(id, "_otp") || strings.HasSuffix(id, "Otp") }

// ends are functions whose result has nothing of what they are given.
var ends = []string{"sleep", "range", "seed", "len", "wait", "isinstance", "uniform"}

// about says what the value of the innermost node is for, by the nodes that
// it stands in.
func about(f *pymodel.Func, in []pyast.Node, n pyast.Node, more []string) purpose {
	inner := n
	local := ""
	for i := len(in) - 1; i >= 0; i-- {
		switch at := in[i].(type) {
		case *pyast.Keyword:
			switch {
			case analysis.Names(at.Name, elsewhere...):
				return purpose{other: true}
			case secretName(at.Name, more), at.Name == "code" && (coded(f) || around(in[:i])):
				return purpose{name: at.Name}
			}
		case *pyast.Dict:
			for j, v := range at.Values {
				if k, ok := at.Keys[j].(*pyast.Constant); ok && pyast.Node(v) == inner && k.Kind == pyast.Str {
					if analysis.Names(k.Value, elsewhere...) {
						return purpose{other: true}
					}
					if secretName(k.Value, more) || k.Value == "code" && coded(f) {
						return purpose{name: k.Value}
					}
				}
			}
		case *pyast.Call:
			id := analysis.Leaf(at.Func)
			if pyast.Node(at.Func) == inner || analysis.Leaf(at) != id {
				break // x.encode()
			}
			if slices.Contains(ends, id) || analysis.Names(id, elsewhere...) {
				return purpose{other: true}
			}
			if _, keyword := inner.(*pyast.Keyword); !keyword && callsFor(id, more) {
				return purpose{name: id}
			}
			if key := keyOf(at, inner); key != "" && secretName(key, more) {
				return purpose{name: key}
			}
			if !transparent[id] {
				return purpose{} // what comes out is something else
			}
		case *pyast.JoinedStr:
			// f"…/reset?token={value}"
			for j, v := range at.Values {
				if c, ok := before(at.Values, j).(*pyast.Constant); ok && pyast.Node(v) == inner && strings.HasSuffix(c.Value, "=") {
					if key := c.Value[strings.LastIndexAny(c.Value[:len(c.Value)-1], "?&/ ")+1:]; secretName(key, more) {
						return purpose{name: strings.TrimSuffix(key, "=")}
					}
				}
			}
		case *pyast.Compare, *pyast.Assert, *pyast.Slice:
			return purpose{other: true}
		case *pyast.If:
			if pyast.Node(at.Test) == inner {
				return purpose{other: true}
			}
		case *pyast.IfExp:
			if pyast.Node(at.Test) == inner {
				return purpose{other: true}
			}
		case *pyast.While:
			if pyast.Node(at.Test) == inner {
				return purpose{other: true}
			}
		case *pyast.Assign:
			for _, t := range at.Targets {
				if p, ok := target(f, t, more); ok {
					return p
				}
				if name, ok := t.(*pyast.Name); ok {
					local = name.ID
				}
			}
		case *pyast.AnnAssign:
			if p, ok := target(f, at.Target, more); ok {
				return p
			}
			if name, ok := at.Target.(*pyast.Name); ok {
				local = name.ID
			}
		case *pyast.AugAssign:
			if p, ok := target(f, at.Target, more); ok {
				return p
			}
			if name, ok := at.Target.(*pyast.Name); ok {
				local = name.ID
			}
		case *pyast.NamedExpr:
			if p, ok := target(f, at.Target, more); ok {
				return p
			}
		case *pyast.FunctionDef:
			if analysis.Names(at.Name, elsewhere...) {
				return purpose{other: true}
			}
			if makes(at.Name, more) {
				return purpose{name: at.Name}
			}
			if f != nil && f.Class != nil && analysis.Names(at.Name, "generate", "create", "make", "new", "issue", "call") && secretName(f.Class.Name, more) {
				return purpose{name: f.Class.Name}
			}
			return purpose{local: local}
		}
		inner = in[i]
	}
	return purpose{local: local}
}

// transparent are functions whose result is what they are given, in another
// form.
var transparent = words("str repr join format encode decode hex md5 sha1 sha224 sha256 sha384 sha512 new update hexdigest digest b64encode urlsafe_b64encode b32encode hexlify list tuple bytes bytearray int abs chr ord upper lower zfill rjust ljust strip sorted map UUID to_bytes sample choices choice shuffle append extend replace title return_value dumps SecretStr")

func words(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

// keyOf is the text under which a call keeps another argument:
// set_cookie("session_id", value), redis.set(f"otp:{user}", value).
func keyOf(c *pyast.Call, inner pyast.Node) string {
	if len(c.Args) < 2 || pyast.Node(c.Args[0]) == inner {
		return ""
	}
	e := c.Args[0]
	if f, ok := e.(*pyast.JoinedStr); ok && len(f.Values) > 0 {
		e = f.Values[0]
	}
	if k, ok := e.(*pyast.Constant); ok && k.Kind == pyast.Str && len(k.Value) < 40 {
		return k.Value
	}
	return ""
}

func target(f *pymodel.Func, t pyast.Expr, more []string) (purpose, bool) {
	id := analysis.Leaf(t)
	switch {
	case analysis.Names(id, elsewhere...):
		return purpose{other: true}, true
	case secretName(id, more), (id == "code" || id == "key") && coded(f):
		return purpose{name: id}, true
	}
	return purpose{}, false
}

// coded tells whether a function is about codes that are typed in to log in.
func coded(f *pymodel.Func) bool {
	if f == nil {
		return false
	}
	is := func(id string) bool {
		return analysis.Names(id, "otp", "verification", "verify", "2fa", "mfa", "two factor", "reset", "confirmation", "confirm", "activation", "sms", "send code", "login", "auth", "passwordless", "magic")
	}
	return is(f.Name) || slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool { return is(c.Method()) })
}

// around tells whether a code is handed to what is about codes of a login.
func around(in []pyast.Node) bool {
	c, ok := in[len(in)-1].(*pyast.Call)
	return ok && analysis.Names(analysis.Leaf(c.Func), "otp", "verification", "invite", "invitation", "reset", "mfa", "two factor", "activation", "confirmation", "recovery")
}

func before(list []pyast.Expr, i int) pyast.Expr {
	if i == 0 {
		return nil
	}
	return list[i-1]
}

// makes tells whether a function is called like what makes a secret.
func makes(id string, more []string) bool {
	if !secretName(id, more) && !analysis.Names(id, "code", "key") {
		return false
	}
	// def generate_code() needs to say more than that it is one.
	if !secretName(id, more) {
		return false
	}
	words := pymodel.Words(id)
	last := words[len(words)-1]
	return analysis.Names(id, "generate", "gen", "create", "make", "new", "random", "get", "build", "issue", "mint", "generator", "compute", "calculate", "sign", "verify", "check", "hash", "derive", "send", "request", "forgot", "reset", "prepare", "for", "of", "rand") ||
		analysis.Names(last, secrets...) || len(more) > 0 && analysis.Names(last, more...) || last == "code" || last == "codes" || last == "key" || last == "id"
}

// callsFor tells whether a function takes a secret for what it is given.
func callsFor(id string, more []string) bool {
	return secretName(id, more) && analysis.Names(id, "set", "send", "save", "store", "hash", "encode", "create", "make", "build", "sign", "update", "add", "issue", "mail", "email", "verify")
}

// A place is a call, and what it stands in.
type place struct {
	call *pymodel.Call
	in   []pyast.Node
}

// places are the calls in a module that are wanted.
func places(m *pymodel.Module, wanted func(*pymodel.Call) bool) []place {
	calls := map[pyast.Node]*pymodel.Call{}
	for _, c := range m.Calls {
		if wanted(c) {
			calls[c.Call] = c
		}
	}
	if len(calls) == 0 {
		return nil
	}
	var out []place
	analysis.Surround(m.File.Body, func(n pyast.Node, in []pyast.Node) {
		if c := calls[n]; c != nil {
			out = append(out, place{c, slices.Clone(in)})
		}
	})
	return out
}

// purpose is what a call's value is for, at once or by the variable that it
// goes into.
func (p place) purpose(more []string) purpose {
	f := p.call.Scope.Enclosing()
	got := about(f, p.in, p.call.Call, more)
	if got.name != "" || got.other || got.local == "" {
		return got
	}
	body := p.call.Module.File.Body
	if f != nil {
		body = f.Body
	}
	// Where the variable is used says more.
	seen := map[string]bool{}
	todo := []string{got.local}
	for len(todo) > 0 && len(seen) < 8 && got.name == "" {
		id := todo[0]
		todo = todo[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		analysis.Surround(body, func(n pyast.Node, in []pyast.Node) {
			name, ok := n.(*pyast.Name)
			if !ok || name.ID != id || name.Ctx != pyast.Load || got.name != "" {
				return
			}
			use := about(f, in, n, more)
			got.name = use.name
			if use.local != "" {
				todo = append(todo, use.local)
			}
		})
	}
	return got
}

// given tells whether a function returns what a call makes.
func (p place) given() *pymodel.Func {
	f := p.call.Scope.Enclosing()
	if f == nil {
		return nil
	}
	for _, n := range p.in {
		if _, ok := n.(*pyast.Return); ok {
			return f
		}
	}
	local := about(nil, p.in, p.call.Call, nil).local
	if local == "" {
		return nil
	}
	returned := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if r, ok := n.(*pyast.Return); ok && r.Value != nil && analysis.Mentions(r.Value, func(id string) bool { return id == local }) {
			returned = true
		}
		return !returned
	})
	if returned {
		return f
	}
	return nil
}

// trace calls tell for each call that makes a secret: by itself, or through a
// function of the project that says nothing of what it is for.
func trace(p *analysis.Pass, wanted func(*pymodel.Call) bool, more []string, tell func(place, purpose), through func(at place, got purpose, made place)) {
	makers := map[*pymodel.Func]place{}
	var neutral []place
	p.Modules(func(m *pymodel.Module) {
		if analysis.Sample(m.Path) {
			return
		}
		for _, at := range places(m, wanted) {
			switch got := at.purpose(more); {
			case got.name != "":
				tell(at, got)
			case !got.other:
				neutral = append(neutral, at)
			}
		}
	})
	// A helper may be called by a helper.
	for range 3 {
		fresh := map[*pymodel.Func]place{}
		for _, at := range neutral {
			if f := at.given(); f != nil {
				if _, known := makers[f]; !known {
					made := at
					if to := at.call.Target(); to != nil {
						if first, ok := makers[to]; ok {
							made = first
						}
					}
					fresh[f] = made
				}
			}
		}
		if len(fresh) == 0 {
			return
		}
		for f, at := range fresh {
			makers[f] = at
		}
		neutral = nil
		p.Modules(func(m *pymodel.Module) {
			for _, at := range places(m, func(c *pymodel.Call) bool { _, ok := fresh[c.Target()]; return ok }) {
				switch got := at.purpose(more); {
				case got.name != "":
					through(at, got, fresh[at.call.Target()])
				case !got.other:
					neutral = append(neutral, at)
				}
			}
		})
	}
}
