package gocrypto

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// config looks at a literal that is a configuration of TLS.
func config(p *analysis.Pass, l *gomodel.Literal) {
	if l.Type != "crypto/tls.Config" {
		return
	}
	var off *ast.KeyValueExpr
	own := false
	for _, e := range l.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch gomodel.Written(kv.Key) {
		case "InsecureSkipVerify":
			if l.File.True(kv.Value) {
				off = kv
			}
		case "VerifyPeerCertificate", "VerifyConnection":
			own = true
		case "MinVersion", "MaxVersion":
			version(p, l.File, kv, gomodel.Written(kv.Key), kv.Value)
		case "CipherSuites":
			suites(p, l.File, kv.Value)
		}
	}
	if off != nil && !own && !chosen(l.File, off) {
		p.GoAt(verifyOff, l.File, off, "InsecureSkipVerify is true")
	}
}

// assigned looks at settings of TLS that are made later, and at secrets.
func assigned(p *analysis.Pass, f *gomodel.File, s *ast.AssignStmt) {
	for i, l := range s.Lhs {
		if len(s.Lhs) != len(s.Rhs) {
			return
		}
		sel, ok := l.(*ast.SelectorExpr)
		if ok && f.TypeOf(sel.X) == "crypto/tls.Config" {
			switch sel.Sel.Name {
			case "InsecureSkipVerify":
				if f.True(s.Rhs[i]) && !chosen(f, s) {
					p.GoAt(verifyOff, f, s, "InsecureSkipVerify is true")
				}
			case "MinVersion", "MaxVersion":
				version(p, f, s, sel.Sel.Name, s.Rhs[i])
			}
		}
		if !slices.ContainsFunc(f.Around(s), func(n ast.Node) bool {
			branch, ok := n.(*ast.IfStmt)
			return ok && missing(f, branch) && branch.Body.Pos() < s.Pos()
		}) {
			secret(p, f, s.Rhs[i], gomodel.Written(l), replaced(f, l))
		}
	}
}

// chosen tells whether a setting depends on what somebody says when the
// program runs.
func chosen(f *gomodel.File, n ast.Node) bool {
	for _, up := range slices.Backward(f.Around(n)) {
		switch up := up.(type) {
		case *ast.IfStmt:
			if up.Body.Pos() <= n.Pos() && n.End() <= up.Body.End() && analysis.GoMentions(up.Cond, func(id string) bool {
				return analysis.Names(id, "insecure", "skip", "verify", "tls", "dev", "development", "debug", "local", "self signed", "trust")
			}) {
				return true
			}
		case *ast.CaseClause:
			return true
		}
	}
	return false
}

func version(p *analysis.Pass, f *gomodel.File, at ast.Node, key string, value ast.Expr) {
	in, only := f.Only(value)
	switch name := in.Qualified(only); name {
	case "crypto/tls.VersionSSL30", "crypto/tls.VersionTLS10", "crypto/tls.VersionTLS11":
		p.GoAt(oldTLS, f, at, "%s is %s", key, strings.TrimPrefix(name, "crypto/tls.Version"))
		return
	}
	if n, ok := f.Int(value); ok && n > 0 && n < 0x0303 {
		p.GoAt(oldTLS, f, at, "%s is below TLS 1.2", key)
	}
}

func suites(p *analysis.Pass, f *gomodel.File, e ast.Expr) {
	in, e := f.Only(e)
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return
	}
	for _, x := range lit.Elts {
		if name := in.Qualified(x); strings.HasPrefix(name, "crypto/tls.TLS_") && (strings.Contains(name, "_RC4_") || strings.Contains(name, "_3DES_")) {
			p.GoAt(oldTLS, in, x, "%s is among the cipher suites", strings.TrimPrefix(name, "crypto/tls."))
			return
		}
	}
}
