package gocrypto

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

// ciphers looks at a call of a cipher.
func ciphers(p *analysis.Pass, c *gomodel.Call) {
	f := c.File
	switch c.Name {
	case "crypto/des.NewCipher", "crypto/des.NewTripleDESCipher":
		p.GoAt(weakCipher, f, c, "DES is used: its blocks are of 64 bits, and its keys short")
	case "crypto/rc4.NewCipher":
		p.GoAt(weakCipher, f, c, "RC4 is used: its key stream is not random")
	case "golang.org/x/crypto/blowfish.NewCipher":
		p.GoAt(weakCipher, f, c, "Blowfish is used: its blocks are of 64 bits")
	case "crypto/cipher.NewCBCEncrypter", "crypto/cipher.NewCTR", "crypto/cipher.NewCFBEncrypter", "crypto/cipher.NewOFB":
		if iv := c.Arg(1); iv != nil && fixed(f, iv) && (c.Method() != "NewCTR" || !zeros(f, iv) || !onceKey(c)) {
			p.GoAt(weakCipher, f, c, "the initialisation vector is always the same")
		}
	case "crypto/cipher.AEAD.Seal":
		if nonce := c.Arg(1); nonce != nil && fixed(f, nonce) {
			s := weakCipher.Severity
			if _, e := f.Only(nonce); e != nonce && c.Func != nil && oneMessage(f, c) {
				s = finding.Medium // where each key is for one message, that is right
			}
			p.GoSeverity(weakCipher, s, f, c, "the nonce is always the same: two messages give away their difference, and the key of GCM's tags")
		}
	case "crypto/cipher.Block.Encrypt":
		if looped(f, c) && !mixes(c.Func.Root()) {
			p.GoAt(weakCipher, f, c, "blocks are encrypted one by one, which is ECB: equal blocks stay equal")
		}
	}
}

// fixed tells whether a value is the same each time: it is written, or part of
// the key, or made of what is the same each time, or made and never filled.
func fixed(f *gomodel.File, e ast.Expr) bool { return constant(f, e, 0) }

func constant(f *gomodel.File, e ast.Expr, depth int) bool {
	if depth > 6 || e == nil {
		return false
	}
	depth++
	if _, ok := f.Text(e); ok {
		return true
	}
	if v := f.VarOf(e); v != nil && arrayOf(v) {
		list, more := v.Values()
		return len(list) == 0 && !more && !filled(f, v)
	}
	v := f.VarOf(e)
	in, only := f.Only(e)
	switch x := only.(type) {
	case *ast.SliceExpr:
		return analysis.Names(analysis.GoLeaf(in, x.X), "key") || constant(in, x.X, depth)
	case *ast.CompositeLit:
		return !slices.ContainsFunc(x.Elts, func(e ast.Expr) bool { _, ok := e.(*ast.BasicLit); return !ok }) && (v == nil || !filled(in, v))
	case *ast.BinaryExpr:
		return constant(in, x.X, depth) && constant(in, x.Y, depth)
	case *ast.Ident:
		v := in.VarOf(x)
		if v == nil || !v.Param || v.Receiver() {
			return false
		}
		sites := in.Project.Sites(v) // the label of what is sealed
		return len(sites) > 0 && !slices.ContainsFunc(sites, func(s gomodel.Site) bool { return !constant(s.File, s.Arg, depth) })
	case *ast.SelectorExpr:
		return fieldFixed(in, x, depth)
	case *ast.CallExpr:
		return callFixed(in, x, v, depth)
	}
	return false
}

// arrayOf tells whether a variable is declared as an array: it begins as zeros.
func arrayOf(v *gomodel.Var) bool {
	t, ok := v.Type.(*ast.ArrayType)
	return ok && t.Len != nil && !v.Param && v.Func != nil
}

// callFixed tells whether a call gives the same each time; v is the variable
// that keeps it.
func callFixed(in *gomodel.File, x *ast.CallExpr, v *gomodel.Var, depth int) bool {
	if gomodel.Written(x.Fun) == "make" {
		return v == nil || !filled(in, v)
	}
	c := in.CallOf(x)
	if c == nil {
		return false
	}
	if _, conversion := x.Fun.(*ast.ArrayType); conversion && len(x.Args) == 1 || algorithms[c.Name] != "" && len(x.Args) == 1 {
		// What is made of the key alone is the same for all that it seals.
		return analysis.Names(analysis.GoLeaf(in, x.Args[0]), "key") || constant(in, x.Args[0], depth)
	}
	switch c.Name {
	case "encoding/hex.DecodeString", "encoding/base64.Encoding.DecodeString", "strings.Repeat", "bytes.Repeat":
		return constant(in, x.Args[0], depth)
	case "hash.Hash.Sum", "crypto/hmac.Hash.Sum":
		return c.Receiver() != nil && sumFixed(in, c, depth)
	case "os.Getenv":
		return true
	}
	for _, to := range c.Targets() {
		returns := to.Returns()
		if len(returns) == 0 || slices.ContainsFunc(returns, func(r *ast.ReturnStmt) bool { return len(r.Results) == 0 || !constant(to.File, r.Results[0], depth) }) {
			return false
		}
	}
	return len(c.Targets()) > 0
}

// sumFixed tells whether all that is written into a hash is the same each time.
func sumFixed(f *gomodel.File, sum *gomodel.Call, depth int) bool {
	v := f.VarOf(sum.Receiver())
	if v == nil || v.Param || sum.Func == nil {
		return false
	}
	some := false
	for _, fn := range sum.Func.Root().Within() {
		for _, c := range fn.Calls {
			into, data := c.Receiver(), c.Arg(0)
			if c.Name == "io.WriteString" {
				into, data = c.Arg(0), c.Arg(1)
			}
			if into == nil || f.VarOf(into) != v || c == sum || data == nil {
				continue
			}
			if !constant(f, data, depth) {
				return false
			}
			some = true
		}
	}
	return some
}

// fieldFixed tells whether a field of the project's own only ever gets what is
// the same each time.
func fieldFixed(f *gomodel.File, x *ast.SelectorExpr, depth int) bool {
	t := f.TypeOf(x.X)
	if f.Project.Type(t) == nil {
		return false
	}
	some := false
	for _, field := range f.Project.Fields(t) { // an array begins as zeros
		a, ok := field.Node.Type.(*ast.ArrayType)
		some = some || ok && a.Len != nil && field.Name == x.Sel.Name
	}
	for _, in := range f.Project.Files {
		if in.Test {
			continue
		}
		for _, l := range in.Literals {
			if l.Type != t {
				continue
			}
			for _, el := range l.Elts {
				if kv, ok := el.(*ast.KeyValueExpr); !ok {
					return false
				} else if gomodel.Written(kv.Key) == x.Sel.Name {
					if !constant(in, kv.Value, depth) {
						return false
					}
					some = true
				}
			}
		}
		other := false
		ast.Inspect(in.AST, func(n ast.Node) bool { // it may be counted up, or filled
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, l := range n.Lhs {
					if i, ok := l.(*ast.IndexExpr); ok {
						l = i.X
					}
					sel, ok := l.(*ast.SelectorExpr)
					other = other || ok && sel.Sel.Name == x.Sel.Name && in.TypeOf(sel.X) == t
				}
			case *ast.IncDecStmt:
				other = other || strings.HasSuffix(gomodel.Written(n.X), "."+x.Sel.Name)
			case *ast.UnaryExpr: // whoever has its place may count it up
				other = other || n.Op == token.AND && strings.HasSuffix(gomodel.Written(n.X), "."+x.Sel.Name)
			case *ast.CallExpr:
				if c := in.CallOf(n); c != nil && c.Name != "crypto/cipher.AEAD.Seal" && c.Name != "crypto/cipher.AEAD.Open" && c.Name != "len" {
					for _, a := range n.Args {
						if s, ok := a.(*ast.SliceExpr); ok {
							a = s.X
						}
						sel, ok := a.(*ast.SelectorExpr)
						other = other || ok && sel.Sel.Name == x.Sel.Name && in.TypeOf(sel.X) == t
					}
				}
			}
			return !other
		})
		if other {
			return false
		}
	}
	return some
}

// zeros tells whether a value is an array that is never filled.
func zeros(f *gomodel.File, e ast.Expr) bool {
	if s, ok := e.(*ast.SliceExpr); ok {
		e = s.X
	}
	v := f.VarOf(e)
	return v != nil && arrayOf(v)
}

// onceKey tells whether the cipher is made in the same function, of what is not
// called a key: it may be one for this message.
func onceKey(c *gomodel.Call) bool {
	if c.Func == nil {
		return false
	}
	made := false
	for _, o := range c.Func.Root().Calls {
		if o.Name == "crypto/aes.NewCipher" && o.Arg(0) != nil {
			if analysis.GoMentions(o.Args[0], func(id string) bool { return analysis.Names(id, "key", "secret") }) {
				return false
			}
			made = true
		}
	}
	return made
}

// filled tells whether a variable is handed to anything that may fill it.
func filled(f *gomodel.File, v *gomodel.Var) bool {
	if v.Func == nil {
		return changed(v)
	}
	for _, fn := range v.Func.Root().Within() {
		for _, c := range fn.Calls {
			switch c.Name {
			case "crypto/cipher.AEAD.Seal", "crypto/cipher.AEAD.Open", "crypto/cipher.NewCBCEncrypter", "crypto/cipher.NewCTR", "append", "len", "string":
				continue
			case "copy":
				if from := c.Arg(1); from != nil {
					if _, ok := f.Text(from); ok {
						continue
					}
				}
			}
			for _, a := range c.Args {
				if mentionsVar(f, a, v) {
					return true
				}
			}
		}
	}
	stored := false
	ast.Inspect(v.Func.Root().Node, func(n ast.Node) bool {
		if s, ok := n.(*ast.AssignStmt); ok {
			for _, l := range s.Lhs {
				if x, ok := l.(*ast.IndexExpr); ok && mentionsVar(f, x.X, v) {
					stored = true
				}
			}
		}
		return !stored
	})
	return stored
}

// changed tells whether anything but the start of the program puts something
// into a variable of a package.
func changed(v *gomodel.Var) bool {
	for _, f := range v.File.Package.Files {
		for _, fn := range f.Funcs {
			if name := fn.Root().Name; f.Test || fn.Outer != nil || fn.Body == nil || name == "init" || name == "main" {
				continue
			}
			written := false
			ast.Inspect(fn.Node, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					for _, l := range n.Lhs {
						written = written || mentionsVar(f, l, v)
					}
				case *ast.IncDecStmt:
					written = written || mentionsVar(f, n.X, v)
				case *ast.CallExpr:
					if c := f.CallOf(n); c != nil && c.Name != "crypto/cipher.AEAD.Seal" && c.Name != "crypto/cipher.AEAD.Open" && c.Name != "len" && c.Name != "append" {
						for _, a := range n.Args {
							written = written || mentionsVar(f, a, v) && f.CallOf(a) == nil
						}
					}
				}
				return !written
			})
			if written {
				return true
			}
		}
	}
	return false
}

// oneMessage tells whether a key may be for this message only: it is what the
// function is given, and the nonce is made of zeros.
func oneMessage(f *gomodel.File, c *gomodel.Call) bool {
	in, e := f.Only(c.Args[1])
	made, ok := e.(*ast.CallExpr)
	return ok && in == f && gomodel.Written(made.Fun) == "make" && slices.ContainsFunc(c.Func.Root().Params, func(v *gomodel.Var) bool { return analysis.Names(v.Name, "key") || strings.HasSuffix(v.Name, "Key") })
}

func mentionsVar(f *gomodel.File, e ast.Expr, v *gomodel.Var) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && f.VarOf(id) == v
		return !found
	})
	return found
}

func looped(f *gomodel.File, c *gomodel.Call) bool {
	return c.Func != nil && slices.ContainsFunc(f.Around(c), func(n ast.Node) bool {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			return true
		}
		return false
	})
}

// mixes tells whether a function makes a mode of its own of a cipher.
func mixes(root *gomodel.Func) bool {
	found := false
	ast.Inspect(root.Node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			found = found || n.Op == token.XOR
		case *ast.AssignStmt:
			found = found || n.Tok == token.XOR_ASSIGN
		case *ast.SelectorExpr:
			found = found || n.Sel.Name == "XORBytes"
		}
		return !found
	})
	return found
}
