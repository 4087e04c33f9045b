// Package crypto finds secrets that can be guessed, broken hashes and ciphers,
// nonces that are used again, short keys, and comparisons that take their time.
package crypto

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

func run(p *analysis.Pass) {
	randoms(p)
	predictables(p)
	hashes(p)
	p.Calls(func(c *pymodel.Call) {
		keyed(p, c)
		cipher(p, c)
		nonce(p, c)
		short(p, c)
	})
	p.Modules(func(m *pymodel.Module) { compared(p, m) })
}

// guessable tells whether a call makes numbers that can be guessed.
func guessable(c *pymodel.Call) bool {
	name := c.Name()
	module, function, _ := strings.Cut(name, ".")
	switch module {
	case "random":
		switch function {
		case "random", "randint", "choice", "choices", "sample", "randrange", "getrandbits", "randbytes", "shuffle", "uniform",
			"Random.random", "Random.randint", "Random.choice", "Random.choices", "Random.sample", "Random.randrange", "Random.getrandbits", "Random.randbytes":
			return true
		}
	case "numpy":
		switch function {
		case "random.randint", "random.choice", "random.rand", "random.random", "random.bytes", "random.random_sample":
			return true
		}
	case "uuid":
		return function == "uuid1"
	}
	return false
}

func randoms(p *analysis.Pass) {
	said := map[pyast.Node]bool{}
	what := func(c *pymodel.Call) string {
		if c.Name() == "uuid.uuid1" {
			return "uuid1, which is the time and the machine"
		}
		return c.Name()
	}
	trace(p, guessable, nil, func(at place, got purpose) {
		if statement := at.statement(); !said[statement] {
			said[statement] = true
			p.PythonAt(weakRandom, at.call.Module, at.call, "%s is made by %s", got.name, what(at.call))
		}
	}, func(at place, got purpose, made place) {
		p.PythonAt(weakRandom, at.call.Module, at.call, "%s is made by %s, which uses %s", got.name, at.call.Method(), what(made.call))
	})
}

func broken(c *pymodel.Call) bool {
	switch c.Name() {
	case "hashlib.md5", "hashlib.sha1", "Crypto.Hash.MD5.new", "Crypto.Hash.SHA1.new", "Crypto.Hash.SHA.new":
	case "hashlib.new":
		name, ok := c.Scope.Text(c.Arg(0, "name"))
		if l := strings.ToLower(name); !ok || l != "md5" && l != "sha1" && l != "md4" {
			return false
		}
	default:
		return false
	}
	return !c.Scope.Is(c.Keyword("usedforsecurity"), pyast.False)
}

func hashName(c *pymodel.Call) string {
	if strings.Contains(strings.ToLower(c.Name()), "md5") {
		return "MD5"
	}
	if name, ok := c.Scope.Text(c.Arg(0, "name")); ok && c.Name() == "hashlib.new" {
		return strings.ToUpper(name)
	}
	return "SHA-1"
}

// data is what is hashed.
func data(c *pymodel.Call) pyast.Expr {
	if c.Name() == "hashlib.new" {
		return c.Arg(1, "data")
	}
	return c.Arg(0, "data")
}

func password(id string) bool {
	return analysis.Names(id, "password", "passwd", "pwd", "passphrase") && !analysis.Names(id, "reset", "token")
}

func hashes(p *analysis.Pass) {
	// The rule of passwords speaks of them.
	theirs := func(c *pymodel.Call, got string) bool {
		f := c.Scope.Enclosing()
		return password(got) || data(c) != nil && (analysis.Mentions(data(c), password) || analysis.Names(analysis.Leaf(data(c)), "pin", "passcode", "security answer", "secret answer")) || f != nil && password(f.Name)
	}
	more := signatures
	trace(p, broken, more, func(at place, got purpose) {
		// Of what others know, no hash makes a secret: its rule speaks.
		told := reckoned(at.call) && guarded(got.name) && !at.signed()
		if !theirs(at.call, got.name) && !legacy(at.call) && !told {
			p.PythonAt(weakHash, at.call.Module, at.call, "%s is made by %s", got.name, hashName(at.call))
		}
	}, func(at place, got purpose, made place) {
		if !password(got.name) && !mentions(at.call.Args, password) {
			p.PythonAt(weakHash, at.call.Module, at.call, "%s is made by %s, which is %s", got.name, at.call.Method(), hashName(made.call))
		}
	})
	// What it is of, tells too.
	p.Modules(func(m *pymodel.Module) {
		for _, at := range places(m, broken) {
			d := data(at.call)
			got := at.purpose(more)
			if d == nil || got.name != "" || got.other || theirs(at.call, "") || legacy(at.call) {
				continue
			}
			if id := secretIn(d); id != "" {
				p.PythonAt(weakHash, m, at.call, "%s is hashed by %s", id, hashName(at.call))
			}
		}
	})
}

func mentions(list []pyast.Expr, f func(string) bool) bool {
	for _, e := range list {
		if analysis.Mentions(e, f) {
			return true
		}
	}
	return false
}

// secretIn is the name of a secret that is part of a text.
func secretIn(e pyast.Expr) string {
	found := ""
	pyast.Inspect(e, func(n pyast.Node) bool {
		id := ""
		switch n := n.(type) {
		case *pyast.Name:
			id = n.ID
		case *pyast.Attribute:
			id = n.Attr
		}
		if found == "" && id != "" && analysis.Secret(id) && !analysis.Names(id, "cache") {
			found = id
		}
		return true
	})
	return found
}

// legacy tells whether a protocol of others asks for a hash: lists of stolen
// passwords, OAuth 1, old payment services.
func legacy(c *pymodel.Call) bool {
	is := func(id string) bool {
		id = strings.ToLower(id)
		for _, w := range []string{"pwned", "hibp", "breach", "oauth1", "wechat", "weixin", "alipay", "twilio", "gravatar", "websocket_accept", "digest_auth", "cram", "lastfm", "subsonic", "robokassa", "mailchimp"} {
			if strings.Contains(id, w) {
				return true
			}
		}
		return false
	}
	f := c.Scope.Enclosing()
	return is(c.Module.Name) || f != nil && (is(f.Name) || f.Class != nil && is(f.Class.Name) || analysis.Mentions(f.FunctionDef, is))
}

// keyed looks at codes with a key.
func keyed(p *analysis.Pass, c *pymodel.Call) {
	var hash pyast.Expr
	switch c.Name() {
	case "hmac.new", "hmac.digest":
		hash = c.Arg(2, "digestmod")
		if d := c.Keyword("digest"); d != nil {
			hash = d
		}
	case "cryptography.hazmat.primitives.hmac.HMAC", "Crypto.Hash.HMAC.new":
		for _, a := range c.Args {
			if analysis.Mentions(a, func(id string) bool { return id == "MD5" }) {
				p.PythonSeverity(weakHash, finding.Medium, c.Module, c, "a message is signed with HMAC-MD5")
			}
		}
		return
	default:
		signs(p, c)
		return
	}
	if hash == nil {
		return
	}
	name, ok := c.Scope.Text(hash)
	if !ok {
		name = c.Scope.Qualified(hash)
		name = name[strings.LastIndexByte(name, '.')+1:]
	}
	switch strings.ToLower(name) {
	case "md5":
		p.PythonSeverity(weakHash, finding.Medium, c.Module, c, "a message is signed with HMAC-MD5")
	case "sha1":
		f := c.Scope.Enclosing()
		otp := func(id string) bool { return analysis.Names(id, "otp", "totp", "hotp") }
		if legacy(c) || f != nil && (otp(f.Name) || analysis.Mentions(f.FunctionDef, otp) || f.Class != nil && otp(f.Class.Name)) || otp(c.Module.Name) {
			return // RFC 6238 has it so
		}
		p.PythonSeverity(weakHash, finding.Low, c.Module, c, "a message is signed with HMAC-SHA-1")
	}
}

// signs looks at signatures with a private key over a broken hash.
func signs(p *analysis.Pass, c *pymodel.Call) {
	if m := c.Method(); m != "sign" && m != "verify" || len(c.Args) < 2 {
		return
	}
	for _, a := range c.Args {
		call, ok := a.(*pyast.Call)
		if !ok {
			continue
		}
		switch name := c.Scope.Qualified(call.Func); name {
		case "cryptography.hazmat.primitives.hashes.MD5", "cryptography.hazmat.primitives.hashes.SHA1":
			if c.Method() == "sign" || !legacy(c) {
				p.PythonAt(weakHash, c.Module, c, "a signature is over %s", name[strings.LastIndexByte(name, '.')+1:])
			}
		}
	}
}

func short(p *analysis.Pass, c *pymodel.Call) {
	name := c.Name()
	size := func(i int, key string) (int64, bool) { return c.Scope.Number(c.Arg(i, key)) }
	tell := func(what string, n int64, ok bool) {
		if ok && n > 0 && n < 2048 {
			p.PythonAt(weakKey, c.Module, c, "a key of %s has %d bits", what, n)
		}
	}
	const asymmetric = "cryptography.hazmat.primitives.asymmetric."
	switch name {
	case asymmetric + "rsa.generate_private_key":
		n, ok := size(1, "key_size")
		tell("RSA", n, ok)
	case asymmetric + "dsa.generate_private_key", asymmetric + "dsa.generate_parameters":
		n, ok := size(0, "key_size")
		tell("DSA", n, ok)
	case asymmetric + "dh.generate_parameters":
		n, ok := size(1, "key_size")
		tell("Diffie-Hellman", n, ok)
	case "Crypto.PublicKey.RSA.generate", "paramiko.RSAKey.generate":
		n, ok := size(0, "bits")
		tell("RSA", n, ok)
	case "Crypto.PublicKey.DSA.generate", "paramiko.DSSKey.generate":
		n, ok := size(0, "bits")
		tell("DSA", n, ok)
	case "rsa.newkeys", "rsa.key.newkeys":
		n, ok := size(0, "nbits")
		tell("RSA", n, ok)
	case "OpenSSL.crypto.PKey.generate_key":
		n, ok := size(1, "bits")
		tell("RSA", n, ok && c.Scope.Qualified(c.Arg(0, "type")) != "OpenSSL.crypto.TYPE_EC")
	case "jwcrypto.jwk.JWK.generate":
		n, ok := size(-1, "size")
		kty, _ := c.Scope.Text(c.Keyword("kty"))
		tell("RSA", n, ok && kty == "RSA")
	case asymmetric + "ec.SECP192R1", asymmetric + "ec.SECT163K1", asymmetric + "ec.SECT163R2":
		p.PythonAt(weakKey, c.Module, c, "the curve %s has less than 224 bits", c.Method())
	case asymmetric + "ec.generate_private_key", asymmetric + "ec.derive_private_key":
		for _, a := range c.Args {
			switch c.Scope.Qualified(a) {
			case asymmetric + "ec.SECP192R1", asymmetric + "ec.SECT163K1", asymmetric + "ec.SECT163R2":
				p.PythonAt(weakKey, c.Module, c, "the curve %s has less than 224 bits", analysis.Leaf(a))
			}
		}
	case "Crypto.PublicKey.ECC.generate":
		switch curve, _ := c.Scope.Text(c.Keyword("curve")); curve {
		case "P-192", "p192", "NIST P-192", "prime192v1", "secp192r1":
			p.PythonAt(weakKey, c.Module, c, "the curve %s has less than 224 bits", curve)
		}
	}
}
