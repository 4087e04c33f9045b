package gocrypto

import (
	"go/ast"
	"go/token"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// compared looks at a comparison of two values.
func compared(p *analysis.Pass, f *gomodel.File, b *ast.BinaryExpr) {
	if b.Op == token.EQL || b.Op == token.NEQ {
		// strings.Compare(a, b) == 0 is a comparison by itself.
		if c := f.CallOf(b.X); c != nil && (c.Name == "strings.Compare" || c.Name == "bytes.Compare") {
			equals(p, f, b, c.Arg(0), c.Arg(1))
			return
		}
		equals(p, f, b, b.X, b.Y)
	}
}

// equals tells of a secret that is compared byte by byte with what was sent.
func equals(p *analysis.Pass, f *gomodel.File, at ast.Node, x, y ast.Expr) {
	if x == nil || y == nil || !textual(p, f, x) || !textual(p, f, y) {
		return
	}
	if lookedUp(f, at, x, y) {
		return
	}
	for range 2 {
		if _, written := f.Text(y); !written && guessable(f, x) && (f.Level(x) == gomodel.Tainted && f.Level(y) != gomodel.Tainted || f.Level(y) == gomodel.Tainted && f.Level(x) != gomodel.Tainted || digest(f, x) || digest(f, y)) {
			if _, also := f.Text(x); !also {
				p.GoAt(timing, f, at, "%s is compared by a function that stops at the first byte which differs", analysis.GoLeaf(f, x))
				return
			}
		}
		x, y = y, x
	}
}

// lookedUp tells whether what is compared was found by the same value, as a
// second look at what a database thinks is equal.
func lookedUp(f *gomodel.File, at ast.Node, x, y ast.Expr) bool {
	fn := f.FuncOf(at)
	if fn == nil {
		return false
	}
	for range 2 {
		v, sel := f.VarOf(x), ast.Expr(nil)
		if s, ok := y.(*ast.SelectorExpr); ok {
			sel = s.X
		}
		if found := f.VarOf(sel); v != nil && found != nil && found.Func != nil && !found.Param {
			for _, c := range fn.Calls {
				if c.Pos() > at.Pos() || c.Receiver() == nil {
					continue
				}
				for _, a := range c.Args {
					if f.VarOf(a) == v {
						return true
					}
				}
			}
		}
		x, y = y, x
	}
	return false
}

func textual(p *analysis.Pass, f *gomodel.File, e ast.Expr) bool {
	switch p.Go.Underlying(f.TypeOf(e)) {
	case "string", "[]byte", "any", "":
		id, ok := e.(*ast.Ident)
		return !ok || id.Name != "nil"
	}
	return false
}

// guessable tells whether a value is what a client proves itself with.
func guessable(f *gomodel.File, e ast.Expr) bool {
	id := analysis.GoLeaf(f, e)
	if analysis.GoPassword(id) {
		return false // there is worse to be said of it
	}
	if analysis.Names(id, "nonce", "token type", "token hint") {
		return false
	}
	return analysis.Secret(id) || digest(f, e) ||
		analysis.Names(id, "mac", "hmac", "signature", "sig", "otp", "reset code", "verification code", "checksum token", "x api key", "x auth token", "authorization", "token hash", "secret hash")
}

// digest tells whether a value is a code that a key was used for.
func digest(f *gomodel.File, e ast.Expr) bool {
	in, e := f.Only(e)
	for {
		c := in.CallOf(e)
		if c == nil {
			return false
		}
		switch c.Name {
		case "crypto/hmac.Hash.Sum":
			return true
		case "encoding/hex.EncodeToString", "encoding/base64.Encoding.EncodeToString", "[]byte", "string", "fmt.Sprintf":
			if len(c.Args) == 0 {
				return false
			}
			in, e = in.Only(c.Args[len(c.Args)-1])
			continue
		}
		// A function of the project that makes one.
		for _, to := range c.Targets() {
			for _, r := range to.Returns() {
				for _, x := range r.Results {
					if made := to.File.CallOf(x); made != nil && made.CallExpr != c.CallExpr && macs(to.File, x) {
						return true
					}
				}
			}
		}
		return false
	}
}

// macs tells whether a code is made right in an expression.
func macs(f *gomodel.File, e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(ast.Expr); ok {
			if c := f.CallOf(x); c != nil && c.Name == "crypto/hmac.Hash.Sum" {
				found = true
			}
		}
		return !found
	})
	return found
}
