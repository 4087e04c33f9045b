package passwords

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// shorts are secrets that people keep in mind: all of a kind are tried in a
// moment.
var shorts = []string{"pin", "passcode", "pin code", "pincode", "security answer", "secret answer", "security answers", "recovery answer", "challenge answer", "mother maiden name"}

// codes are secrets that are printed once, and are often short too.
var codes = []string{"recovery code", "recovery codes", "backup code", "backup codes", "scratch code"}

func endsIn(identifier string, list []string) bool {
	if !analysis.Names(identifier, list...) {
		return false
	}
	words := pymodel.Words(identifier)
	return slices.ContainsFunc(list, func(s string) bool {
		end := pymodel.Words(s)
		return len(words) >= len(end) && slices.Equal(words[len(words)-len(end):], end)
	})
}

// A kind says how a short secret is called; "" when it is none.
func kind(identifier string) string {
	switch {
	case endsIn(identifier, shorts):
		return "a secret as short as " + identifier
	case endsIn(identifier, codes):
		return identifier
	}
	return ""
}

// leaves are the last names in what is hashed: of f"{salt}{body.pin}", salt and
// pin.
func leavesOf(e pyast.Expr, out []string) []string {
	switch x := e.(type) {
	case *pyast.Name:
		return append(out, x.ID)
	case *pyast.Attribute:
		return append(out, x.Attr)
	case *pyast.Subscript:
		return append(out, analysis.Leaf(x))
	case *pyast.BinOp:
		return leavesOf(x.Right, leavesOf(x.Left, out))
	case *pyast.JoinedStr:
		for _, v := range x.Values {
			if f, ok := v.(*pyast.FormattedValue); ok {
				out = leavesOf(f.Value, out)
			}
		}
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "encode", "strip", "lower", "upper", "casefold", "replace", "get_secret_value":
				return leavesOf(a.Value, out)
			}
		}
		for _, a := range x.Args {
			out = leavesOf(a, out)
		}
	}
	return out
}

// keyed tells whether a secret of the server goes in: who has the table alone
// cannot try.
func keyed(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return analysis.Names(n, "pepper", "secret", "secret key", "key", "hmac") && !analysis.Names(n, "answer")
	})
}

func salted(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return analysis.Names(n, "salt", "nonce") })
}

// shortHash tells of a PIN, an answer to a question or a printed code that a
// fast hash is made of.
func shortHash(p *analysis.Pass, c *pymodel.Call, what pyast.Expr, f *pymodel.Func) {
	if what == nil || c.Keyword("key") != nil || c.Method() == "update" && f != nil && slow(f) {
		return
	}
	names := leavesOf(what, nil)
	if keyed(names) || f != nil && (slow(f) || pinned(f)) {
		return
	}
	said := ""
	for _, n := range names {
		if k := kind(n); k != "" {
			said = n
		}
	}
	if said == "" && f != nil && len(f.Params) > 0 {
		// def hash_pin(value): the name says it.
		words := pymodel.Words(f.Name)
		if len(words) > 1 && slices.Contains([]string{"hash", "digest", "verify", "check", "encode"}, words[0]) && kind(f.Name) != "" {
			for _, n := range names {
				if slices.ContainsFunc(f.Params, func(p *pymodel.Param) bool { return p.Name == n && n != "self" }) {
					said = f.Name
				}
			}
		}
	}
	if said == "" || endsIn(said, codes) && salted(names) {
		return
	}
	s := finding.High
	if endsIn(said, codes) {
		s = finding.Medium
	}
	p.PythonSeverity(weakHash, s, c.Module, c, "%s is hashed by %s: all that it can be are tried at once", said, last(c.Name()))
}

// pinned tells whether a function is about certificates.
func pinned(f *pymodel.Func) bool {
	return analysis.Mentions(f.FunctionDef, func(id string) bool {
		return analysis.Names(id, "certificate", "cert", "spki", "public key", "x509", "der")
	})
}

// slow tells whether a function makes a slow hash, or one with a key.
func slow(f *pymodel.Func) bool {
	return slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool {
		return slowHash(c.Name()) || c.Is("hmac.new", "hmac.digest", "hmac.HMAC")
	})
}
