package gocrypto

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// asksMethod tells whether a function refuses tokens by the method that they
// are signed with. Where the token is a parameter of it, it is looked at there
// only; else functions within, which are asked for themselves, are passed over.
func asksMethod(fn *gomodel.Func, token *gomodel.Var) bool {
	if fn.Body == nil || !stops(fn.Body) {
		return false
	}
	found := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return token != nil
		case *ast.IfStmt:
			found = found || n.Init != nil && method(fn.File, n.Init) || method(fn.File, n.Cond) && stops(n)
		case *ast.SwitchStmt:
			found = found || (n.Tag != nil && method(fn.File, n.Tag) || n.Init != nil && method(fn.File, n.Init)) && stops(n)
			for _, s := range n.Body.List {
				if clause, ok := s.(*ast.CaseClause); ok {
					for _, e := range clause.List {
						found = found || method(fn.File, e)
					}
				}
			}
		case *ast.TypeSwitchStmt:
			found = found || method(fn.File, n.Assign)
		case *ast.IndexExpr: // keys[t.Method.Alg()]
			found = found || method(fn.File, n.Index)
		}
		return !found
	})
	return found
}

// method tells whether something looks at how a token is signed: at its method,
// at alg in its header, or at a variable that holds one of them. Other parts of
// the header choose a key, and a key is of one kind.
func method(f *gomodel.File, n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			switch name := n.Sel.Name; {
			case name == "Method" && !gomodel.Request(f.TypeOf(n.X)), strings.HasPrefix(name, "SigningMethod"):
				found = true
			case name == "Header":
				found = found || library(f.TypeOf(n.X)) == "Token"
			}
		case *ast.Ident:
			if v := f.VarOf(n); v != nil && v.Func != nil && !v.Param {
				list, _ := v.Values()
				found = found || slices.ContainsFunc(list, func(x ast.Expr) bool {
					_, literal := x.(*ast.FuncLit)
					return !literal && !strings.Contains(v.Name, "oken") && x.Pos() < n.Pos() && direct(f, x)
				})
			}
		}
		return !found
	})
	return found
}

// direct tells whether a value is a part of a token that says how it is signed.
func direct(f *gomodel.File, e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		found = found || ok && (sel.Sel.Name == "Method" && !gomodel.Request(f.TypeOf(sel.X)) || sel.Sel.Name == "Header" && library(f.TypeOf(sel.X)) == "Token")
		return !found
	})
	return found
}

// stops tells whether a statement leads to an error, or one behind it may.
func stops(n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ReturnStmt:
			found = found || refusal(n)
		case *ast.CallExpr: // c.AbortWithStatus(401), http.Error(…)
			name := gomodel.Written(n.Fun)
			found = found || strings.Contains(name, "Abort") || strings.HasSuffix(name, ".Error") || strings.HasSuffix(name, "WriteHeader") || name == "panic"
		case *ast.SelectorExpr:
			found = found || n.Sel.Name == "StatusUnauthorized"
		}
		return !found
	})
	return found
}

// refusal tells whether a return gives an error, or false.
func refusal(r *ast.ReturnStmt) bool {
	if len(r.Results) == 0 {
		return false
	}
	switch last := r.Results[len(r.Results)-1].(type) {
	case *ast.Ident:
		return last.Name != "nil" && last.Name != "true" && (len(r.Results) > 1 || last.Name == "false" || strings.HasPrefix(last.Name, "err") || strings.HasPrefix(last.Name, "Err"))
	case *ast.BasicLit:
		return false
	case *ast.CallExpr:
		return len(r.Results) > 1 || strings.Contains(strings.ToLower(gomodel.Written(last.Fun)), "err")
	case *ast.SelectorExpr:
		return len(r.Results) > 1 || strings.HasPrefix(last.Sel.Name, "Err") || strings.HasPrefix(last.Sel.Name, "Status")
	}
	return len(r.Results) > 1
}

// handedOn tells whether a function hands the token on, to what may look at
// how it is signed: what writes a log does not.
func handedOn(fn *gomodel.Func, token *gomodel.Var, depth int) bool {
	if depth > 3 {
		return false
	}
	return slices.ContainsFunc(fn.Calls, func(c *gomodel.Call) bool {
		i := slices.IndexFunc(c.Args, func(a ast.Expr) bool { return fn.File.VarOf(a) == token })
		switch {
		case i < 0:
			return false
		case len(c.Targets()) == 0:
			return !strings.HasPrefix(c.Name, "log") && !strings.HasPrefix(c.Name, "fmt.") && !strings.Contains(strings.ToLower(gomodel.Written(c.Fun)), "log")
		}
		return slices.ContainsFunc(c.Targets(), func(to *gomodel.Func) bool {
			return i >= len(to.Params) || asksMethod(to, to.Params[i]) || handedOn(to, to.Params[i], depth+1)
		})
	})
}

// confused is where a key function that makes a public key of a text gives the
// text itself for other tokens.
func confused(fn *gomodel.Func) ast.Node {
	var parsed []string
	for _, c := range fn.Calls {
		switch name := c.Method(); {
		case !strings.HasPrefix(name, "Parse") || len(c.Args) == 0:
		case strings.Contains(name, "PublicKey"), strings.Contains(name, "PKIX"), strings.Contains(name, "PKCS1"), strings.Contains(name, "Certificate"):
			parsed = append(parsed, gomodel.Written(analysis.GoBare(c.Args[0])))
		}
	}
	for _, r := range fn.Returns() {
		if len(r.Results) > 0 {
			e := r.Results[0]
			name := gomodel.Written(analysis.GoBare(e))
			if name != "" && slices.Contains(parsed, name) {
				return r
			}
			if fn.File.TypeOf(e) == "[]byte" && analysis.Names(analysis.GoLeaf(fn.File, e), "public", "pub", "pubkey") && !analysis.GoMentions(fn.Node, func(id string) bool { return strings.Contains(id, "Ed25519") || strings.Contains(id, "EdDSA") }) {
				return r
			}
		}
	}
	return nil
}

// unsignedKey is the key of no signature among those that a key function takes
// from a map.
func unsignedKey(fn *gomodel.Func) gomodel.Given {
	var out gomodel.Given
	ast.Inspect(fn.Node, func(n ast.Node) bool {
		x, ok := n.(*ast.IndexExpr)
		if !ok || out.Expr != nil {
			return out.Expr == nil
		}
		list, _ := fn.File.Given(x.X)
		for _, g := range list {
			in, e := g.File.Only(g.Expr)
			lit, ok := e.(*ast.CompositeLit)
			if !ok {
				continue
			}
			for _, el := range lit.Elts {
				if kv, ok := el.(*ast.KeyValueExpr); ok && library(in.Qualified(kv.Value)) == "UnsafeAllowNoneSignatureType" {
					out = gomodel.Given{File: in, Expr: kv.Value}
				}
			}
		}
		return true
	})
	return out
}

// typedKey tells whether all keys that a function gives are public keys of one
// kind: for tokens that are signed otherwise they are of the wrong type.
func typedKey(fn *gomodel.Func) bool {
	some := false
	for _, r := range fn.Returns() {
		if len(r.Results) == 0 {
			return false
		}
		if id, ok := r.Results[0].(*ast.Ident); ok && id.Name == "nil" {
			continue
		}
		switch t := fn.File.TypeOf(r.Results[0]); t {
		case "crypto/rsa.PublicKey", "crypto/ecdsa.PublicKey", "crypto/ed25519.PublicKey":
			some = true
		default:
			c := fn.File.CallOf(r.Results[0])
			if c == nil || !strings.HasPrefix(library(c.Name), "Parse") || !strings.Contains(c.Name, "PublicKeyFromPEM") {
				return false
			}
			some = true
		}
	}
	return some
}
