package crypto

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// slow are functions that hash passwords.
var slow = []string{"hashlib.pbkdf2_hmac", "hashlib.scrypt", "bcrypt.hashpw", "bcrypt.kdf", "crypt.crypt", "scrypt.hash", "argon2.low_level.hash_secret", "argon2.low_level.hash_secret_raw", "nacl.pwhash.argon2id.kdf", "nacl.pwhash.scrypt.kdf", "Crypto.Protocol.KDF.PBKDF2", "Crypto.Protocol.KDF.scrypt"}

// passwordHash tells whether a value is the hash of a password that is made
// here, to be compared with the one that is kept.
func passwordHash(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if e == nil || depth > 8 {
		return false
	}
	depth++
	switch e := e.(type) {
	case *pyast.Await:
		return passwordHash(s, e.Value, depth)
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		return b != nil && b.Value != nil && !b.Part && !b.With && at.Func != nil && passwordHash(at, b.Value, depth)
	case *pyast.BinOp:
		return e.Op == pyast.Add && (passwordHash(s, e.Left, depth) || passwordHash(s, e.Right, depth))
	case *pyast.JoinedStr:
		return slices.ContainsFunc(e.Values, func(v pyast.Expr) bool {
			f, ok := v.(*pyast.FormattedValue)
			return ok && passwordHash(s, f.Value, depth)
		})
	case *pyast.Call:
		if name := s.Qualified(e.Func); slices.Contains(slow, name) {
			return true
		} else if (strings.HasPrefix(name, "base64.") || name == "binascii.hexlify" || name == "builtins.str" || name == "builtins.bytes") && len(e.Args) > 0 {
			return passwordHash(s, e.Args[0], depth)
		}
		if b := s.Symbol(e.Func).Binding; b != nil && b.Func != nil {
			return hashesPasswords(b.Func.Name) || slices.ContainsFunc(b.Func.Results(), func(r pyast.Expr) bool { return passwordHash(b.Func.Scope, r, depth) })
		}
		switch f := e.Func.(type) {
		case *pyast.Name: // from a module that is not seen
			name := s.Qualified(e.Func)
			return hashesPasswords(f.ID) || hashesPasswords(name[strings.LastIndexByte(name, '.')+1:])
		case *pyast.Attribute:
			switch f.Attr {
			case "hex", "decode", "encode", "strip":
				return passwordHash(s, f.Value, depth)
			case "derive":
				made := s.Made(f.Value)
				return made != nil && strings.Contains(s.Qualified(made.Func), ".kdf.")
			}
			return hashesPasswords(f.Attr)
		}
	}
	return false
}

func hashesPasswords(name string) bool {
	return analysis.Names(name, "hash password", "password hash", "hash pw", "make password", "hash passwd", "encrypt password", "derive password") && !analysis.Names(name, "verify", "check", "is", "needs", "rehash", "update")
}

// handedOn tells whether a hash goes elsewhere too: what is stored first and
// compared then is no login.
func handedOn(s *pymodel.Scope, e pyast.Expr) bool {
	n, ok := e.(*pyast.Name)
	f := s.Enclosing()
	if !ok || f == nil {
		return false
	}
	return slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool {
		is := func(e pyast.Expr) bool { x, ok := e.(*pyast.Name); return ok && x.ID == n.ID }
		return slices.ContainsFunc(c.Args, is) || slices.ContainsFunc(c.Keywords, func(k *pyast.Keyword) bool { return is(k.Value) })
	})
}
