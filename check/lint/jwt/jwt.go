// Package jwt finds tokens that are not verified, do not expire, or are signed
// with what others know.
package jwt

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

var verifyOff = &analysis.Rule{
	ID: "lint/jwt-verify-off", Title: "A token's signature is not verified", Severity: finding.Critical,
	Refs: []string{"CWE-347", "API2", "V9.1.1", "RFC 8725 section 2.1"},
	Text: "Without its signature a token is a text that anybody writes: the client says who it is.",
	Fix:  "Call jwt.decode(token, key, algorithms=[\"…\"]) and leave the options out.",
	Bad:  "import jwt\n\n\ndef user(token):\n    return jwt.decode(token, options={\"verify_signature\": False})[\"sub\"]\n",
	Good: "import jwt\n\n\ndef user(token, key):\n    return jwt.decode(token, key, algorithms=[\"HS256\"])[\"sub\"]\n",
}

var claimsOff = &analysis.Rule{
	ID: "lint/jwt-claims-off", Title: "A token's expiry or audience is not checked", Severity: finding.High,
	Refs: []string{"CWE-613", "API2", "V9.2.1", "V9.2.3", "V10.3.1"},
	Text: "A token that was stolen once is good for ever, or one that was made for another service is good here.",
	Fix:  "Leave verify_exp, verify_aud and verify_nbf alone, and name the audience.",
	Bad:  "import jwt\n\n\ndef user(token, key):\n    return jwt.decode(token, key, algorithms=[\"HS256\"], options={\"verify_exp\": False})\n",
	Good: "import jwt\n\n\ndef user(token, key):\n    return jwt.decode(token, key, algorithms=[\"HS256\"], options={\"require\": [\"exp\"]})\n",
}

var algorithms = &analysis.Rule{
	ID: "lint/jwt-algorithms", Title: "The token says by which algorithm it is verified", Severity: finding.High,
	Refs: []string{"CWE-327", "CWE-347", "API2", "V9.1.2", "RFC 8725 section 3.1"},
	Text: "Where the list is missing, holds none, or mixes HMAC with public keys, the sender chooses: no signature, or one made with the public key as if it were a secret.",
	Fix:  "Name the one algorithm that you sign with: algorithms=[\"HS256\"], or [\"EdDSA\"].",
	Bad:  "from jose import jwt\n\n\ndef user(token, key):\n    return jwt.decode(token, key)\n",
	Good: "from jose import jwt\n\n\ndef user(token, key):\n    return jwt.decode(token, key, algorithms=[\"RS256\"])\n",
}

var noExpiry = &analysis.Rule{
	ID: "lint/jwt-no-expiry", Title: "A token never expires", Severity: finding.High,
	Refs: []string{"CWE-613", "API2", "V7.3.2"},
	Text: "A token without exp is good until the key changes, for whoever has it.",
	Fix:  "Put exp into the payload: minutes for an access token.",
	Bad:  "import jwt\n\n\ndef make(user, key):\n    return jwt.encode({\"sub\": user.name}, key, algorithm=\"HS256\")\n",
	Good: "import jwt\n\n\ndef make(user, key, expires):\n    return jwt.encode({\"sub\": user.name, \"exp\": expires}, key, algorithm=\"HS256\")\n",
}

var longExpiry = &analysis.Rule{
	ID: "lint/jwt-long-expiry", Title: "A token lives for more than a month", Severity: finding.Low,
	Refs: []string{"CWE-613", "API2", "V7.3.2"},
	Text: "What cannot be taken back must be short.",
	Fix:  "Let access tokens live for minutes, and refresh them with one that can be revoked.",
	Bad:  "from datetime import datetime, timedelta\n\nimport jwt\n\n\ndef make(user, key):\n    return jwt.encode({\"sub\": user, \"exp\": datetime.now() + timedelta(days=365)}, key)\n",
	Good: "from datetime import datetime, timedelta\n\nimport jwt\n\n\ndef make(user, key):\n    return jwt.encode({\"sub\": user, \"exp\": datetime.now() + timedelta(minutes=15)}, key)\n",
}

var weakKey = &analysis.Rule{
	ID: "lint/jwt-weak-key", Title: "Tokens are signed with a key in the source", Severity: finding.High,
	Refs:   []string{"CWE-798", "CWE-321", "API2", "V11.5.1", "V13.3.1", "RFC 7518 section 3.2"},
	Text:   "Whoever has read the source, or guesses a short key from one token, makes tokens for any user.",
	Fix:    "Take the key from the environment, 32 random bytes or more: pavise token makes one.",
	Pavise: "settings, pavise leaks",
	Bad:    "import jwt\n\n\ndef make(payload):\n    payload[\"exp\"] = later()\n    return jwt.encode(payload, \"change-this-key\", algorithm=\"HS256\")\n",
	Good:   "import jwt\n\nfrom .settings import settings\n\n\ndef make(payload):\n    payload[\"exp\"] = later()\n    return jwt.encode(payload, settings.jwt_key, algorithm=\"HS256\")\n",
}

var kind = &analysis.Rule{
	ID: "lint/jwt-kind", Title: "A token of one kind is good for another", Severity: finding.Medium,
	Refs:   []string{"CWE-287", "CWE-613", "API2", "V9.2.2", "RFC 8725 section 3.12"},
	Text:   "Tokens of access, of refresh and of mails have the same key, and nothing asks which it is: one that lives for weeks, or that a link held, lets in like a short one.",
	Fix:    "Compare the claim where tokens let in, or give each kind an audience or a key of its own.",
	Pavise: "probe/token-kind",
	Bad:    two + "def current_user(token: str = Depends(scheme)):\n    return jwt.decode(token, KEY, algorithms=[\"HS256\"])[\"sub\"]\n\n\n@app.get(\"/me\")\ndef me(user=Depends(current_user)):\n    return user\n",
	Good:   two + "def current_user(token: str = Depends(scheme)):\n    claims = jwt.decode(token, KEY, algorithms=[\"HS256\"])\n    if claims[\"type\"] != \"access\":\n        raise HTTPException(401)\n    return claims[\"sub\"]\n\n\n@app.get(\"/me\")\ndef me(user=Depends(current_user)):\n    return user\n",
}

const two = `import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer

from .settings import KEY, later

app = FastAPI()
scheme = OAuth2PasswordBearer(tokenUrl="token")


def access(name):
    return jwt.encode({"sub": name, "type": "access", "exp": later(minutes=15)}, KEY, algorithm="HS256")


def refresh(name):
    return jwt.encode({"sub": name, "type": "refresh", "exp": later(days=14)}, KEY, algorithm="HS256")


`

// Analyzer looks at JSON Web Tokens.
var Analyzer = &analysis.Analyzer{Name: "jwt", Rules: []*analysis.Rule{verifyOff, claimsOff, algorithms, noExpiry, longExpiry, weakKey, kind}, Run: run}

func run(p *analysis.Pass) {
	l := newLifetimes(p)
	w := &switches{p: p, seen: map[switched]bool{}, said: map[pyast.Node]bool{}}
	p.Calls(func(c *pymodel.Call) {
		if h := c.Handed(); h != nil {
			later(p, c, h)
		}
		switch c.Name() {
		case "jwt.decode", "jose.jwt.decode", "jwt.decode_complete", "jwt.PyJWT.decode", "jwt.api_jwt.PyJWT.decode":
			decode(p, c)
			w.decoded(c)
		case "jose.jwt.get_unverified_claims", "jose.jws.get_unverified_claims":
			if !verified(c) {
				p.PythonAt(verifyOff, c.Module, c, "claims are read without the signature")
			}
		case "jwt.encode", "jose.jwt.encode", "jwt.PyJWT.encode", "authlib.jose.jwt.encode":
			encode(p, l, c)
		}
	})
	l.run()
	p.Funcs(func(f *pymodel.Func) { unsigned(p, f) })
	kinds(p)
}

// verified tells whether the function verifies the token too: what is read
// before says which key it is verified with.
func verified(c *pymodel.Call) bool {
	f := c.Scope.Enclosing()
	if f == nil {
		return false
	}
	for _, other := range f.Calls {
		if other.Call != c.Call && (other.Is("jwt.decode", "jose.jwt.decode", "jwt.PyJWT.decode") && !signatureOff(other) || other.Method() == "verify" || strings.Contains(other.Method(), "verify_")) {
			return true
		}
	}
	return false
}

// later tells of a call of jwt.decode without the signature that is made later,
// or elsewhere: partial(jwt.decode, options={…}), to_thread(jwt.decode, …).
func later(p *analysis.Pass, c, h *pymodel.Call) {
	if !h.Is("jwt.decode", "jose.jwt.decode", "jwt.decode_complete") || !signatureOff(h) || verified(c) {
		return
	}
	// Under a name it may be what says by which key the token is verified.
	used, alone := false, false
	if c.Method() == "partial" {
		p.Calls(func(use *pymodel.Call) {
			if n, ok := use.Func.(*pyast.Name); ok && use.Scope.Made(n) == c.Call {
				used, alone = true, alone || !verified(use)
			}
		})
	}
	if !used || alone {
		p.PythonAt(verifyOff, c.Module, c, "jwt.decode does not verify the signature")
	}
}

func option(c *pymodel.Call, name string) (pyast.Expr, *pymodel.Scope) {
	e, s := c.Keyword("options"), c.Scope
	for _, k := range c.Keywords {
		// jwt.decode(token, **HOW)
		if d, at := s.Dict(k.Value); e == nil && k.Name == "" && d != nil {
			e, s = at.Entry(d, "options"), at
		}
	}
	if e == nil {
		return nil, nil
	}
	return setting(s, e, name, 0)
}

// setting is what options say under a name: those of a dict, of dict(…), of two
// that are put together, and of what a function gives.
func setting(s *pymodel.Scope, e pyast.Expr, name string, depth int) (pyast.Expr, *pymodel.Scope) {
	if e == nil || depth > 6 {
		return nil, nil
	}
	depth++
	if or, ok := e.(*pyast.BinOp); ok && or.Op == pyast.BitOr {
		if v, at := setting(s, or.Right, name, depth); v != nil {
			return v, at
		}
		return setting(s, or.Left, name, depth)
	}
	if made := s.Made(e); made != nil && s.Qualified(made.Func) == "builtins.dict" {
		if v := pymodel.Keyword(made, name); v != nil {
			return v, s
		}
		if len(made.Args) > 0 {
			return setting(s, made.Args[0], name, depth)
		}
		return nil, nil
	} else if made != nil {
		// A function that gives one of several is no answer.
		if b := s.Symbol(made.Func).Binding; b != nil && b.Func != nil {
			if list := b.Func.Results(); len(list) == 1 {
				return setting(b.Func.Scope, list[0], name, depth)
			}
		}
		return nil, nil
	}
	d, at := s.Dict(e)
	if d == nil {
		// OPTIONS = BASE | {…}
		if b := s.Symbol(e).Binding; b != nil && b.Count == 1 && !b.Part {
			if or, ok := b.Value.(*pyast.BinOp); ok {
				return setting(s.Symbol(e).Scope, or, name, depth)
			}
		}
		return nil, nil
	}
	// The last one counts.
	for i, k := range slices.Backward(d.Keys) {
		if k == nil {
			if v, in := setting(at, d.Values[i], name, depth); v != nil {
				return v, in
			}
		} else if text, ok := at.Text(k); ok && text == name {
			return d.Values[i], at
		}
	}
	return nil, nil
}

func signatureOff(c *pymodel.Call) bool {
	if c.Scope.Is(c.Keyword("verify"), pyast.False) {
		return true
	}
	e, at := option(c, "verify_signature")
	return e != nil && at.Is(e, pyast.False)
}

func decode(p *analysis.Pass, c *pymodel.Call) {
	if signatureOff(c) {
		if !verified(c) {
			p.PythonAt(verifyOff, c.Module, c, "jwt.decode does not verify the signature")
		}
		return
	}
	for _, claim := range []string{"verify_exp", "verify_aud", "verify_nbf"} {
		if e, at := option(c, claim); e != nil && at.Is(e, pyast.False) {
			// An audience that nobody sets is not there to be checked.
			if claim != "verify_aud" {
				p.PythonAt(claimsOff, c.Module, c, "%s is off", claim)
			}
		}
	}
	if c.Module.Test || pymodel.HasStars(c.Call) {
		return
	}
	list := c.Arg(2, "algorithms")
	key(p, c, 1)
	if list == nil {
		p.PythonAt(algorithms, c.Module, c, "jwt.decode names no algorithms")
		return
	}
	names, all := c.Scope.Texts(list)
	if one, ok := c.Scope.Text(list); ok {
		names, all = []string{one}, true
	}
	if !all && analysis.Mentions(list, func(id string) bool { return id == "alg" }) {
		p.PythonSeverity(algorithms, finding.Critical, c.Module, c, "the algorithm is the one that the token names")
		return
	}
	hmac, public := false, false
	for _, n := range names {
		if strings.EqualFold(n, "none") {
			p.PythonSeverity(algorithms, finding.Critical, c.Module, c, "the algorithms hold none: a token without a signature is accepted")
			return
		}
		hmac = hmac || strings.HasPrefix(n, "HS")
		public = public || strings.HasPrefix(n, "RS") || strings.HasPrefix(n, "ES") || strings.HasPrefix(n, "PS") || n == "EdDSA"
	}
	if hmac && public {
		p.PythonAt(algorithms, c.Module, c, "the algorithms mix HMAC with public keys")
	}
}

// key tells of a key that is written in the call. One behind a name that says
// what it is is told of where it stands.
func key(p *analysis.Pass, c *pymodel.Call, i int) {
	e := c.Arg(i, "key")
	if e == nil {
		return
	}
	text, ok := c.Scope.Text(e)
	if !ok {
		return
	}
	if _, written := e.(*pyast.Constant); !written && analysis.Secret(analysis.Leaf(e)) {
		return
	}
	if strings.Contains(text, "BEGIN PUBLIC KEY") || strings.Contains(text, "BEGIN CERTIFICATE") {
		return
	}
	if len(text) < 32 {
		p.PythonAt(weakKey, c.Module, e, "the key is in the source, and of %d bytes; HS256 needs 32", len(text))
	} else {
		p.PythonAt(weakKey, c.Module, e, "the key is in the source")
	}
}

func encode(p *analysis.Pass, l *lifetimes, c *pymodel.Call) {
	if c.Name() == "authlib.jose.jwt.encode" {
		key(p, c, 2)
		return
	}
	key(p, c, 1)
	if alg, ok := c.Scope.Text(c.Keyword("algorithm")); ok && strings.EqualFold(alg, "none") {
		p.PythonSeverity(algorithms, finding.Critical, c.Module, c, "the token is made without a signature")
		return
	}
	payload := c.Arg(0, "payload")
	if payload == nil {
		payload = c.Keyword("claims")
	}
	if payload == nil || pymodel.HasStars(c.Call) {
		return
	}
	where := pyast.Node(c)
	if f := c.Scope.Enclosing(); f != nil {
		where = f.FunctionDef
	}
	long(l, c, where)
	if expires(where) || !endless(p, c, payload) {
		return
	}
	p.PythonAt(noExpiry, c.Module, c, "the payload has no exp")
}

// expires tells whether exp is set somewhere.
func expires(n pyast.Node) bool {
	found := false
	pyast.Inspect(n, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Constant:
			found = found || n.Kind == pyast.Str && n.Value == "exp"
		case *pyast.Keyword:
			found = found || n.Name == "exp"
		}
		return !found
	})
	return found
}

func setsExpiry(m *pymodel.Module) bool {
	for _, f := range m.Funcs {
		if expires(f.FunctionDef) {
			return true
		}
	}
	return false
}

// long tells of a lifetime of more than 31 days in the function that makes a
// token.
func long(l *lifetimes, c *pymodel.Call, where pyast.Node) {
	f := c.Scope.Enclosing()
	if f == nil || lasting(f.Name) {
		return
	}
	pyast.Inspect(where, func(n pyast.Node) bool {
		if call, ok := n.(*pyast.Call); ok && c.Scope.Qualified(call.Func) == "datetime.timedelta" {
			l.delta(f.Scope, call)
		}
		return true
	})
}
