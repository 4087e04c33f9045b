package crypto

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

const ciphers = "cryptography.hazmat.primitives.ciphers."

// last is the last word of a dotted name.
func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func cipher(p *analysis.Pass, c *pymodel.Call) {
	name := c.Name()
	switch {
	case strings.HasPrefix(name, ciphers+"algorithms.") || strings.HasPrefix(name, "cryptography.hazmat.decrepit.ciphers.algorithms."):
		switch alg := last(name); alg {
		case "TripleDES", "ARC4", "Blowfish", "IDEA", "CAST5", "SEED", "RC2":
			p.PythonAt(weakCipher, c.Module, c, "%s is used", alg)
		}
	case name == ciphers+"modes.ECB":
		p.PythonAt(weakCipher, c.Module, c, "the mode is ECB")
	case strings.HasPrefix(name, "Crypto.Cipher.") && strings.HasSuffix(name, ".new"):
		alg := strings.TrimSuffix(strings.TrimPrefix(name, "Crypto.Cipher."), ".new")
		switch alg {
		case "DES", "DES3", "ARC4", "ARC2", "Blowfish", "CAST", "XOR":
			p.PythonAt(weakCipher, c.Module, c, "%s is used", alg)
		case "AES":
			mode := c.Arg(1, "mode")
			n, ok := c.Scope.Number(mode)
			if mode != nil && last(c.Scope.Qualified(mode)) == "MODE_ECB" || ok && n == 1 {
				p.PythonAt(weakCipher, c.Module, c, "the mode is ECB")
			}
		}
	case name == "pyDes.des" || name == "pyDes.triple_des":
		p.PythonAt(weakCipher, c.Module, c, "%s is used", last(name))
	}
}

// nonce looks at what must be new for each text.
func nonce(p *analysis.Pass, c *pymodel.Call) {
	name := c.Name()
	if name == "" && c.Method() == "encrypt" {
		// self.box.encrypt(…), where __init__ makes the box.
		for _, v := range given(c.Scope, c.Receiver()) {
			name = v.Scope.TypeOf(v.Node).Name + ".encrypt"
		}
	}
	var e pyast.Expr
	switch {
	case strings.HasPrefix(name, ciphers+"modes."):
		switch last(name) {
		case "CBC", "CTR", "GCM", "OFB", "CFB", "CFB8":
			e = c.Arg(0, "initialization_vector")
			if e == nil {
				e = c.Keyword("nonce")
			}
		}
	case name == ciphers+"algorithms.ChaCha20":
		e = c.Arg(1, "nonce")
	case strings.HasPrefix(name, ciphers+"aead.") && strings.HasSuffix(name, ".encrypt") && !strings.Contains(name, "AESSIV"):
		e = c.Arg(0, "nonce")
	case strings.HasPrefix(name, "Crypto.Cipher.") && strings.HasSuffix(name, ".new"):
		if e = c.Keyword("iv"); e == nil {
			e = c.Keyword("nonce")
		}
		if e == nil {
			e = c.Keyword("IV")
		}
		if e == nil && c.Arg(1, "") != nil && last(c.Scope.Qualified(c.Arg(1, "mode"))) != "MODE_ECB" {
			e = c.Arg(2, "")
		}
	case name == "nacl.secret.SecretBox.encrypt":
		e = c.Arg(1, "nonce")
	}
	if e == nil || decrypts(c) {
		return
	}
	switch {
	case fixed(c.Scope, e, 0):
		p.PythonAt(staticIV, c.Module, e, "the nonce is the same for every text")
	case fromKey(c.Scope, e):
		p.PythonAt(staticIV, c.Module, e, "the nonce is a part of the key")
	case once(c.Scope, e):
		p.PythonAt(staticIV, c.Module, e, "the nonce is made once, and used for every text")
	}
}

// decrypts tells whether a function only reads what others wrote.
func decrypts(c *pymodel.Call) bool {
	f := c.Scope.Enclosing()
	return f != nil && analysis.Names(f.Name, "decrypt", "unseal", "decipher") && !analysis.Names(f.Name, "encrypt")
}

// fixed tells whether bytes are known before the program runs.
func fixed(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 6 {
		return false
	}
	if _, ok := s.Text(e); ok {
		return true
	}
	switch e := e.(type) {
	case *pyast.BinOp:
		if e.Op == pyast.Mult {
			return fixed(s, e.Left, depth+1) || fixed(s, e.Right, depth+1)
		}
		return e.Op == pyast.Add && fixed(s, e.Left, depth+1) && fixed(s, e.Right, depth+1)
	case *pyast.Subscript:
		_, sliced := e.Slice.(*pyast.Slice)
		return sliced && fixed(s, e.Value, depth+1)
	case *pyast.Call:
		switch name := s.Qualified(e.Func); name {
		case "builtins.bytes", "builtins.bytearray":
			if len(e.Args) == 0 {
				return false
			}
			if list, at := s.List(e.Args[0]); list != nil {
				for _, x := range list {
					if _, ok := at.Number(x); !ok {
						return false
					}
				}
				return true
			}
			_, ok := s.Number(e.Args[0])
			return ok || fixed(s, e.Args[0], depth+1)
		case "builtins.bytes.fromhex", "base64.b64decode", "binascii.unhexlify", "builtins.bytearray.fromhex", "base64.urlsafe_b64decode":
			return len(e.Args) > 0 && fixed(s, e.Args[0], depth+1)
		}
		if a, ok := e.Func.(*pyast.Attribute); ok && (a.Attr == "encode" || a.Attr == "ljust" || a.Attr == "to_bytes") {
			if _, number := s.Number(a.Value); number {
				return true
			}
			return fixed(s, a.Value, depth+1)
		}
	case *pyast.Name, *pyast.Attribute:
		sym := s.Symbol(e)
		b := sym.Binding
		if b == nil {
			return ofSelf(s, e, depth)
		}
		if b.Param {
			// def encrypt(data, iv=b"…")
			return false
		}
		return b.Value != nil && b.Count == 1 && !b.Part && !b.With && fixed(sym.Scope, b.Value, depth+1)
	}
	return false
}

// ofSelf tells whether an attribute is given fixed bytes, and nothing else.
func ofSelf(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	values := given(s, e)
	for _, v := range values {
		if !fixed(v.Scope, v.Node, depth+1) {
			return false
		}
	}
	return len(values) > 0
}

// given are the values that methods of the class put into an attribute.
func given(s *pymodel.Scope, e pyast.Expr) []pymodel.At[pyast.Expr] {
	a, ok := e.(*pyast.Attribute)
	f := s.Enclosing()
	if !ok || f == nil || f.Class == nil || pymodel.Dotted(a.Value) != "self" {
		return nil
	}
	var out []pymodel.At[pyast.Expr]
	for _, assign := range f.Module.Assigns {
		in := assign.Scope.Enclosing()
		if in == nil || in.Class != f.Class {
			continue
		}
		for _, t := range assign.Node.Targets {
			if at, ok := t.(*pyast.Attribute); ok && at.Attr == a.Attr && pymodel.Dotted(at.Value) == "self" {
				out = append(out, pymodel.At[pyast.Expr]{Node: assign.Node.Value, Scope: assign.Scope})
			}
		}
	}
	return out
}

// fromKey: key[:16].
func fromKey(s *pymodel.Scope, e pyast.Expr) bool {
	if name, ok := e.(*pyast.Name); ok {
		if b, at := s.Lookup(name.ID); b != nil && b.Value != nil && b.Count == 1 && at.Func != nil && !b.Part {
			e = b.Value
		}
	}
	sub, ok := e.(*pyast.Subscript)
	if !ok {
		return false
	}
	slice, sliced := sub.Slice.(*pyast.Slice)
	return sliced && slice.Lower == nil && analysis.Names(analysis.Leaf(sub.Value), "key", "secret", "secret key") && !analysis.Names(analysis.Leaf(sub.Value), "derived", "material", "okm")
}

// once tells whether random bytes are made when a module is read.
func once(s *pymodel.Scope, e pyast.Expr) bool {
	switch e.(type) {
	case *pyast.Name, *pyast.Attribute:
	default:
		return false
	}
	sym := s.Symbol(e)
	if sym.Binding == nil || sym.Binding.Value == nil || sym.Scope.Func != nil || s.Enclosing() == nil || sym.Binding.Count != 1 {
		return false
	}
	call, ok := sym.Binding.Value.(*pyast.Call)
	if !ok {
		return false
	}
	switch sym.Scope.Qualified(call.Func) {
	case "os.urandom", "secrets.token_bytes", "Crypto.Random.get_random_bytes":
		return true
	}
	return false
}
