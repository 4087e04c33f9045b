package gocrypto

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// randoms looks at a call that draws a number which can be guessed.
func randoms(p *analysis.Pass, c *gomodel.Call, said map[*gomodel.Func]bool) {
	rest, ok := strings.CutPrefix(c.Name, "math/rand.")
	if !ok || c.Func == nil || said[c.Func.Root()] {
		return
	}
	switch strings.TrimPrefix(rest, "Rand.") {
	case "Seed", "New", "NewSource", "NewPCG", "NewChaCha8", "Shuffle":
		return
	}
	if got := receives(c); got != "" {
		said[c.Func.Root()] = true
		p.GoAt(random, c.File, c, "%s is made of numbers from math/rand", got)
	}
}

// receives is the name of what is made of a number, and nobody may guess; ""
// is none.
func receives(c *gomodel.Call) string {
	root := c.Func.Root()
	if got := into(c, picks(c)); got != "" {
		return got
	}
	if !gives(root) {
		return ""
	}
	return becomes(root, picks(c), 0)
}

// becomes is what is made of what a function gives, by those who call it, and who
// call them where they give it on as it is.
func becomes(fn *gomodel.Func, picked bool, depth int) string {
	var on []*gomodel.Func
	for _, site := range fn.Sites() {
		if site.Func == nil || site.Func.Root() == fn {
			continue
		}
		if got := into(site, picked); got != "" {
			return got
		}
		if slices.ContainsFunc(site.File.Around(site.CallExpr), func(n ast.Node) bool { _, ok := n.(*ast.ReturnStmt); return ok }) && site.Func.Outer == nil {
			on = append(on, site.Func)
		}
	}
	for _, to := range on {
		if depth < 2 {
			if got := becomes(to, picked, depth+1); got != "" {
				return got
			}
		}
	}
	return ""
}

// into is the name of a secret that a call's value goes into.
func into(c *gomodel.Call, picked bool) string {
	names := c.File.Receivers(c)
	if got := first(names); got != "" || picked {
		return got
	}
	names = append(names, further(c)...)
	if i := slices.IndexFunc(names, entry); i >= 0 {
		return names[i][strings.LastIndexByte(names[i], '.')+1:]
	}
	return ""
}

// picks tells whether a number picks one of what is there, and not a letter of
// an alphabet.
func picks(c *gomodel.Call) bool {
	f := c.File
	child := ast.Node(c.CallExpr)
	for _, n := range slices.Backward(f.Around(c.CallExpr)) {
		if x, ok := n.(*ast.IndexExpr); ok && x.Index == child {
			if _, known := f.Text(x.X); known {
				return false
			}
			return !analysis.Names(gomodel.Written(x.X), "alphabet", "letters", "chars", "charset", "characters", "digits", "runes", "symbols", "bytes", "letter", "base32", "base36", "base58", "base62", "hex", "numbers", "crockford", "consonants", "upper", "alnum")
		}
		child = n
	}
	return false
}

// further are names of where a variable goes that gets a call's value: of
// functions that it is given to, keys, fields, and structs that hold it.
func further(c *gomodel.Call) []string {
	var out []string
	name := ""
	for _, n := range slices.Backward(c.File.Around(c.CallExpr)) {
		switch n := n.(type) {
		case *ast.CompositeLit:
			out = append(out, held(n, c.CallExpr))
		case *ast.AssignStmt:
			if id := named(n.Lhs[0]); id != nil && name == "" {
				name = id.Name
			}
		case *ast.ValueSpec:
			name = n.Names[0].Name
		}
	}
	if !analysis.Names(name, "code", "codes", "pin", "pins", "digits") {
		return out
	}
	var is func(e ast.Expr) bool
	is = func(e ast.Expr) bool {
		if call, ok := e.(*ast.CallExpr); ok {
			switch gomodel.Written(call.Fun) {
			case "string", "strconv.Itoa", "fmt.Sprintf", "fmt.Sprint", "strconv.FormatInt", "strings.ToUpper", "strings.Join", "int64", "int":
				return slices.ContainsFunc(call.Args, is)
			}
		}
		id, ok := e.(*ast.Ident)
		return ok && id.Name == name
	}
	ast.Inspect(c.Func.Root().Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if slices.ContainsFunc(n.Args, is) {
				out = append(out, gomodel.Written(n.Fun))
			}
		case *ast.CompositeLit:
			for _, e := range n.Elts {
				kv, ok := e.(*ast.KeyValueExpr)
				if !ok || !is(kv.Value) {
					continue
				}
				if text, ok := c.File.Text(kv.Key); ok {
					out = append(out, text)
				} else {
					out = append(out, gomodel.Written(kv.Key), held(n, kv.Value))
				}
			}
		case *ast.AssignStmt:
			for i, e := range n.Rhs {
				if is(e) && len(n.Lhs) == len(n.Rhs) {
					out = append(out, gomodel.Written(n.Lhs[i]))
				}
			}
		}
		return true
	})
	return out
}

// named is the variable that is assigned to, or an element of it.
func named(e ast.Expr) *ast.Ident {
	if x, ok := e.(*ast.IndexExpr); ok {
		e = x.X
	}
	id, _ := e.(*ast.Ident)
	return id
}

// held is a field with the struct that it is of: Voucher.Code.
func held(lit *ast.CompositeLit, value ast.Expr) string {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Value.Pos() <= value.Pos() && value.End() <= kv.Value.End() {
			if key, ok := kv.Key.(*ast.Ident); ok && lit.Type != nil {
				return gomodel.Written(lit.Type) + "." + key.Name
			}
		}
	}
	return ""
}

// entry tells whether a name, with what it is of, is that of a code which opens
// something to who has it.
func entry(name string) bool {
	if name == "" || !analysis.Names(name[strings.LastIndexByte(name, '.')+1:], "code", "codes", "pin", "pins") {
		return false
	}
	name = strings.ReplaceAll(name, ".", "_")
	return analysis.Names(name, "gate", "gates", "door", "doors", "access", "entry", "entrance", "lock", "locker", "lockers", "unlock", "pickup", "pick up", "collection", "redeem", "redemption", "gift", "giftcard", "voucher", "vouchers", "coupon", "coupons", "promo", "security", "one time", "sms", "mfa", "2fa", "backup", "recovery", "pairing", "pass", "visitor", "guest", "safe", "vault", "parking", "barrier", "alarm", "disarm", "claim", "login", "sign in", "signin", "keypad", "key box", "keybox", "garage", "delivery", "verification", "confirmation", "activation", "invite", "invitation", "device") &&
		!analysis.Names(name, "status", "error", "err", "exit", "http", "country", "bar", "zip", "postal", "postcode", "language", "lang", "test", "fake", "mock", "sample", "count", "length", "len", "size", "index", "retry", "jitter", "delay", "type", "color", "colour", "airport", "port")
}

// gives tells whether a function gives more than an error.
func gives(fn *gomodel.Func) bool {
	if fn.Type.Results == nil {
		return false
	}
	for _, field := range fn.Type.Results.List {
		if t := fn.File.TypeExpr(field.Type); t != "error" && t != "bool" && t != "time.Duration" {
			return true
		}
	}
	return false
}

// first is the first name that is of a secret.
func first(names []string) string {
	i := slices.IndexFunc(names, secretWords)
	if i < 0 {
		return ""
	}
	return names[i][strings.LastIndexByte(names[i], '.')+1:]
}
