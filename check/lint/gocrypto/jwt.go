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

// library is the rest of a name that belongs to a package of tokens.
func library(name string) string {
	for _, p := range []string{"github.com/golang-jwt/jwt.", "github.com/dgrijalva/jwt-go.", "github.com/form3tech-oss/jwt-go."} {
		if rest, ok := strings.CutPrefix(name, p); ok {
			return rest
		}
	}
	return ""
}

// tokens looks at a call that makes or reads a token.
func tokens(p *analysis.Pass, c *gomodel.Call) {
	f := c.File
	switch library(c.Name) {
	case "Parse", "Parser.Parse":
		parse(p, c, c.Arg(1), min(2, len(c.Args)))
	case "ParseWithClaims", "Parser.ParseWithClaims":
		parse(p, c, c.Arg(2), min(3, len(c.Args)))
	case "Parser.ParseUnverified", "ParseUnverified":
		if c.Func == nil || !verified(c.Func.Root()) {
			p.GoSeverity(jwt, finding.Critical, f, c, "claims are read without the signature")
		}
	case "New", "NewWithClaims":
		if a := c.Arg(0); a != nil && library(f.Qualified(a)) == "SigningMethodNone" {
			p.GoSeverity(jwt, finding.Critical, f, c, "the token is made without a signature")
		}
	case "WithoutClaimsValidation":
		p.GoAt(jwt, f, c, "the expiry of tokens is not checked")
	case "Token.SignedString":
		if a := c.Arg(0); a != nil {
			inline(p, f, a)
		}
	}
}

// verified tells whether a function verifies a token too: what is read before
// says with which key.
func verified(root *gomodel.Func) bool {
	for _, fn := range root.Within() {
		for _, c := range fn.Calls {
			switch library(c.Name) {
			case "Parse", "ParseWithClaims", "Parser.Parse", "Parser.ParseWithClaims":
				return true
			}
			if lower := strings.ToLower(c.Method()); strings.HasPrefix(lower, "verify") || strings.HasPrefix(lower, "validate") {
				return true
			}
		}
	}
	return false
}

// parse looks at the function that gives the key of a token, and at what is
// asked of the token besides.
func parse(p *analysis.Pass, c *gomodel.Call, key ast.Expr, options int) {
	f := c.File
	if key == nil {
		return
	}
	methods := strings.Contains(c.Name, ".Parser.") && limited(f, c.Receiver())
	for _, o := range c.Args[options:] {
		if oc := f.CallOf(o); oc == nil || library(oc.Name) == "WithValidMethods" {
			methods = true
		}
	}
	fns := f.FuncsOf(key)
	checked := methods || len(fns) == 0 || c.Func != nil && asksMethod(c.Func.Root(), nil)
	for _, fn := range fns {
		ast.Inspect(fn.Node, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if n.Sel.Name == "UnsafeAllowNoneSignatureType" {
					p.GoSeverity(jwt, finding.Critical, fn.File, n, "a token without a signature is accepted")
					checked = true
				}
			case *ast.ReturnStmt:
				if len(n.Results) > 0 {
					inline(p, fn.File, n.Results[0])
				}
			}
			return true
		})
		if at := unsignedKey(fn); at.Expr != nil {
			p.GoSeverity(jwt, finding.Critical, at.File, at.Expr, "a token without a signature is accepted")
			checked = true
		}
		if len(fn.Params) > 0 {
			checked = checked || asksMethod(fn, fn.Params[0]) || handedOn(fn, fn.Params[0], 0)
		}
		if at := confused(fn); at != nil && !methods {
			p.GoAt(jwt, fn.File, at, "the token says whether its key is one of RSA or of HMAC: signed with the public key as a secret, it is accepted")
			return
		}
		checked = checked || typedKey(fn)
	}
	if !checked {
		p.GoSeverity(jwt, finding.Medium, f, c, "nothing says which algorithm a token must be signed with")
	}
}

// limited tells whether a parser may be one for which methods are named.
func limited(f *gomodel.File, parser ast.Expr) bool {
	in, e := f.Only(parser)
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.AND {
		e = u.X
	}
	switch e := e.(type) {
	case *ast.CallExpr:
		for _, o := range e.Args {
			if oc := in.CallOf(o); oc == nil || library(oc.Name) == "WithValidMethods" {
				return true
			}
		}
		return len(e.Args) > 0 && e.Ellipsis.IsValid()
	case *ast.CompositeLit:
		return slices.ContainsFunc(e.Elts, func(x ast.Expr) bool {
			kv, ok := x.(*ast.KeyValueExpr)
			return ok && gomodel.Written(kv.Key) == "ValidMethods"
		})
	}
	return true
}

// inline tells of a key that is written where it is used. One behind a name
// that says what it is is told of where it stands.
func inline(p *analysis.Pass, f *gomodel.File, e ast.Expr) {
	text, ok := f.Text(e)
	if !ok || text == "" || strings.Contains(text, "BEGIN PUBLIC KEY") || strings.Contains(text, "BEGIN CERTIFICATE") {
		return
	}
	if v := f.VarOf(analysis.GoBare(e)); v != nil && strong(v.Name) {
		return
	}
	p.GoAt(jwt, f, e, "the key of tokens is in the source")
}

// claims looks at the claims of a token that is made.
func claims(p *analysis.Pass, l *gomodel.Literal) {
	f := l.File
	kind := library(l.Type)
	if kind != "MapClaims" && kind != "RegisteredClaims" && kind != "StandardClaims" || l.Func == nil {
		return
	}
	root := l.Func.Root()
	signs := slices.ContainsFunc(root.Within(), func(fn *gomodel.Func) bool {
		return slices.ContainsFunc(fn.Calls, func(c *gomodel.Call) bool { return library(c.Name) == "NewWithClaims" })
	})
	if !signs || len(l.Elts) == 0 {
		return
	}
	expires := false
	ast.Inspect(root.Node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			expires = expires || n.Value == `"exp"`
		case *ast.Ident:
			expires = expires || n.Name == "ExpiresAt"
		}
		return !expires
	})
	if !expires {
		p.GoAt(expiry, f, l, "the claims have no expiry")
	}
}

// unread looks at a function that takes a token apart by hand.
func unread(p *analysis.Pass, fn *gomodel.Func) {
	if fn.Outer != nil {
		return
	}
	var split *gomodel.Call
	decodes, parses := false, false
	for _, in := range fn.Within() {
		for _, c := range in.Calls {
			switch c.Name {
			case "strings.Split", "strings.SplitN":
				if sep, ok := c.File.Text(c.Arg(1)); ok && sep == "." && (c.File.Level(c.Args[0]) == gomodel.Tainted || analysis.GoMentions(c.Args[0], func(id string) bool { return analysis.Names(id, "token", "jwt", "bearer", "auth") })) {
					split = c
				}
			case "encoding/base64.Encoding.DecodeString", "encoding/base64.Encoding.Decode":
				decodes = true
			case "encoding/json.Unmarshal", "encoding/json.Decoder.Decode":
				parses = true
			}
		}
	}
	if split == nil || !decodes || !parses {
		return
	}
	for _, in := range fn.Reached(2) {
		for _, c := range in.Calls {
			lower := strings.ToLower(c.Method())
			if strings.HasPrefix(c.Name, "crypto/") && c.Name != "crypto/rand.Read" || strings.Contains(lower, "verify") || strings.Contains(lower, "sign") && !strings.Contains(lower, "assign") {
				return
			}
		}
	}
	p.GoSeverity(jwt, finding.Critical, fn.File, split, "a token is taken apart, and its claims are read without the signature")
}

// unsigned looks at a branch for tokens whose algorithm is none.
func unsigned(p *analysis.Pass, f *gomodel.File, s *ast.IfStmt) {
	none := false
	ast.Inspect(s.Cond, func(n ast.Node) bool {
		var x, y ast.Expr
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL {
				x, y = n.X, n.Y
			}
		case *ast.CallExpr:
			if c := f.CallOf(n); c != nil && c.Name == "strings.EqualFold" {
				x, y = c.Arg(0), c.Arg(1)
			}
		}
		if x != nil && y != nil {
			text, ok := f.Text(y)
			none = none || ok && strings.EqualFold(text, "none") && analysis.Names(analysis.GoLeaf(f, x), "alg", "algorithm", "method")
		}
		return true
	})
	if !none || len(s.Body.List) == 0 {
		return
	}
	r, ok := s.Body.List[len(s.Body.List)-1].(*ast.ReturnStmt)
	if !ok || len(r.Results) == 0 {
		return
	}
	if last, ok := r.Results[len(r.Results)-1].(*ast.Ident); ok && (last.Name == "nil" || last.Name == "true") {
		p.GoSeverity(jwt, finding.Critical, f, s, "a token whose algorithm is none is accepted")
	}
}
