// Package gocrypto finds cryptography in Go that does not hold: numbers that
// can be guessed, hashes and ciphers that are broken, certificates and tokens
// that nobody verifies, and keys that stand in the source.
package gocrypto

import (
	"go/ast"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// Analyzer finds cryptography that does not hold.
var Analyzer = &analysis.Analyzer{
	Name:  "gocrypto",
	Rules: []*analysis.Rule{random, verifyOff, oldTLS, timing, weakHash, weakCipher, bcryptCost, jwt, expiry, literal, fallback, optional},
	Run:   run,
}

func run(p *analysis.Pass) {
	said := map[*gomodel.Func]bool{}
	for _, f := range p.Go.Files {
		if analysis.GoSample(f.Path) {
			continue
		}
		for _, c := range f.Calls {
			randoms(p, c, said)
			hashes(p, c)
			ciphers(p, c)
			costs(p, c)
			tokens(p, c)
			keys(p, c)
			fallbacks(p, c)
		}
		for _, l := range f.Literals {
			config(p, l)
			claims(p, l)
			option(p, l)
		}
		for _, fn := range f.Funcs {
			unread(p, fn)
			otherwise(p, fn)
		}
		walk(p, f)
	}
}

// walk looks at assignments and comparisons.
func walk(p *analysis.Pass, f *gomodel.File) {
	if f.Test {
		return
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			assigned(p, f, n)
		case *ast.BinaryExpr:
			compared(p, f, n)
		case *ast.IfStmt:
			defaulted(p, f, n)
			unsigned(p, f, n)
			skipped(p, f, n)
		case *ast.GenDecl:
			declared(p, f, n)
		case *ast.Field:
			tagged(p, f, n)
		case *ast.KeyValueExpr:
			if id, ok := n.Key.(*ast.Ident); ok {
				secret(p, f, n.Value, id.Name, false)
			}
		}
		return true
	})
}

// words tells whether a name is of something that nobody may guess.
func secretWords(name string) bool {
	name = name[strings.LastIndexByte(name, '.')+1:]
	return analysis.Names(name, "token", "tok", "secret", "password", "passwd", "passcode", "session", "session id", "sid", "otp", "totp", "nonce", "salt", "csrf", "xsrf", "api key", "apikey", "credential", "credentials", "invite", "pin", "private key", "signing key", "encryption key", "secret key", "session key", "auth key",
		"reset code", "verification code", "verify code", "auth code", "access code", "invite code", "login code", "recovery code", "confirmation code", "activation code", "generate code", "random code", "new code", "voucher", "coupon", "coupon code") &&
		!analysis.Names(name, "bucket", "jitter", "backoff", "roll", "percent", "chance", "delay", "sleep", "probability", "interval", "retry", "index", "mock", "fake", "test", "sample", "count", "limit", "size", "status", "type")
}
