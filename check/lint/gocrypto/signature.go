package gocrypto

import (
	"go/ast"
	"go/token"
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

var optional = &analysis.Rule{
	ID: "lint/go-signature-optional", Title: "A signature is only checked where one was sent", Severity: finding.High,
	Refs: []string{"CWE-347", "CWE-306", "API2", "V11.6.1"},
	Text: "Whoever cannot sign leaves the header out, and what he sends is taken as it is.",
	Fix:  "Refuse what has no signature as you refuse a wrong one: compare in any case, an empty text is never right.",
	File: "hook.go",
	Bad: `package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
)

func hook(key []byte, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	if sig := r.Header.Get("X-Signature"); sig != "" {
		if !hmac.Equal([]byte(sig), []byte(hex.EncodeToString(mac.Sum(nil)))) {
			http.Error(w, "wrong signature", http.StatusUnauthorized)
			return
		}
	}
	take(body, err)
}
`,
	Good: `package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
)

func hook(key []byte, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	sig := r.Header.Get("X-Signature")
	if !hmac.Equal([]byte(sig), []byte(hex.EncodeToString(mac.Sum(nil)))) {
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	take(body, err)
}
`,
}

// skipped tells of a branch that checks a signature where a header holds one,
// and behind which a request goes on without.
func skipped(p *analysis.Pass, f *gomodel.File, s *ast.IfStmt) {
	v, rest := present(f, s.Cond)
	if v == nil || s.Else != nil || !fromHeader(v) {
		return
	}
	checks := rest == nil && refusing(f, s.Body, v) || rest != nil && leavesWith(s.Body) && verifies(f, rest, v)
	if !checks { // if sig != "" && !verify(body, sig) { refuse }
		return
	}
	fn := f.FuncOf(s)
	if fn == nil || fn.Body == nil || elsewhere(f, fn, s, v) {
		return
	}
	p.GoAt(optional, f, s.Cond, "without %s the signature is not checked", v.Name)
}

// present is the variable that a condition asks to be not empty, and what else
// it asks.
func present(f *gomodel.File, e ast.Expr) (*gomodel.Var, ast.Expr) {
	b, ok := e.(*ast.BinaryExpr)
	if !ok {
		return nil, nil
	}
	switch b.Op {
	case token.LAND:
		if v, more := present(f, b.X); v != nil && more == nil {
			return v, b.Y
		}
	case token.NEQ:
		if text, ok := f.Text(b.Y); ok && text == "" {
			return f.VarOf(b.X), nil
		}
	case token.GTR:
		if c, ok := b.X.(*ast.CallExpr); ok && gomodel.Written(c.Fun) == "len" && len(c.Args) == 1 && literalZero(b.Y) {
			return f.VarOf(c.Args[0]), nil
		}
	}
	return nil, nil
}

func literalZero(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Value == "0"
}

// fromHeader tells whether a variable holds a header that came in.
func fromHeader(v *gomodel.Var) bool {
	list, _ := v.Values()
	return slices.ContainsFunc(list, func(x ast.Expr) bool {
		c := v.File.CallOf(x)
		if c == nil || v.File.Level(x) != gomodel.Tainted {
			return false
		}
		return c.Method() == "GetHeader" || c.Method() == "Get"
	})
}

// refusing tells whether a branch within a block refuses by a signature.
func refusing(f *gomodel.File, body *ast.BlockStmt, v *gomodel.Var) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		s, ok := n.(*ast.IfStmt)
		found = found || ok && leavesWith(s.Body) && (verifies(f, s.Cond, v) || s.Init != nil && verifies(f, s.Init, v))
		return !found
	})
	return found
}

// leavesWith tells whether a block refuses and ends the function.
func leavesWith(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	_, ok := b.List[len(b.List)-1].(*ast.ReturnStmt)
	return ok && stops(b)
}

// verifies tells whether a condition compares a code of authentication with a
// variable: by itself, or by a function that is given it.
func verifies(f *gomodel.File, n ast.Node, v *gomodel.Var) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		x, ok := n.(*ast.CallExpr)
		if !ok || found {
			return !found
		}
		c := f.CallOf(x)
		if c == nil || !slices.ContainsFunc(c.Args, func(a ast.Expr) bool { return mentionsVar(f, a, v) }) {
			return true
		}
		found = compares(c) || slices.ContainsFunc(c.Targets(), func(to *gomodel.Func) bool {
			return slices.ContainsFunc(to.Reached(1), func(fn *gomodel.Func) bool { return slices.ContainsFunc(fn.Calls, compares) })
		})
		return !found
	})
	return found
}

func compares(c *gomodel.Call) bool {
	switch c.Name {
	case "crypto/hmac.Equal", "crypto/ed25519.Verify", "crypto/rsa.VerifyPKCS1v15", "crypto/rsa.VerifyPSS", "crypto/ecdsa.VerifyASN1":
		return true
	}
	return false
}

// elsewhere tells whether a function asks for the header before, or for
// another proof where it is missing.
func elsewhere(f *gomodel.File, fn *gomodel.Func, s *ast.IfStmt, v *gomodel.Var) bool {
	found := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		o, ok := n.(*ast.IfStmt)
		if ok && o != s && (o.End() < s.Pos() && mentionsVar(f, o.Cond, v) || o.Pos() > s.End() && stops(o.Body)) {
			found = true
		}
		return !found
	})
	if found {
		return true
	}
	// What stands behind it may refuse all the same.
	for _, st := range fn.Body.List {
		if st.Pos() > s.End() && refuses(st) {
			return true
		}
	}
	return slices.ContainsFunc(f.Around(s), func(n ast.Node) bool {
		_, branch := n.(*ast.IfStmt)
		_, clause := n.(*ast.CaseClause)
		return branch && n != ast.Node(s) || clause
	})
}

// refuses tells whether a statement by itself answers with a refusal.
func refuses(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ReturnStmt:
		return refusal(s)
	case *ast.ExprStmt:
		return stops(s)
	}
	return false
}
