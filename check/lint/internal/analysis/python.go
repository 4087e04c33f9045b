package analysis

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// Modules calls f for each module of Python that is not part of the tests.
func (p *Pass) Modules(f func(*pymodel.Module)) {
	for _, m := range p.Python.Modules {
		if !m.Test {
			f(m)
		}
	}
}

// Calls calls f for each call in them.
func (p *Pass) Calls(f func(*pymodel.Call)) {
	p.Modules(func(m *pymodel.Module) {
		for _, c := range m.Calls {
			f(c)
		}
	})
}

// Funcs calls f for each function in them.
func (p *Pass) Funcs(f func(*pymodel.Func)) {
	p.Modules(func(m *pymodel.Module) {
		for _, fn := range m.Funcs {
			f(fn)
		}
	})
}

// Classes calls f for each class in them.
func (p *Pass) Classes(f func(*pymodel.Class)) {
	p.Modules(func(m *pymodel.Module) {
		for _, c := range m.Classes {
			f(c)
		}
	})
}

// Apps calls f for each application that is no test's.
func (p *Pass) Apps(f func(*pymodel.App)) {
	for _, a := range p.Python.Apps {
		if !a.Module.Test {
			f(a)
		}
	}
}

// MainApps are the applications that are not mounted in another: what an
// application lacks is asked of them.
func (p *Pass) MainApps() []*pymodel.App {
	mounted := map[*pyast.Call]bool{}
	p.Calls(func(c *pymodel.Call) {
		if c.Method() == "mount" {
			if made := c.Scope.Made(c.Arg(1, "app")); made != nil {
				mounted[made] = true
			}
		}
	})
	var out []*pymodel.App
	seen := map[string]bool{}
	p.Apps(func(a *pymodel.App) {
		// Of several in a module, made under different conditions, one speaks.
		if !mounted[a.Call.Call] && !seen[a.Module.Path] {
			seen[a.Module.Path] = true
			out = append(out, a)
		}
	})
	return out
}

// Routes calls f for each route that is no test's.
func (p *Pass) Routes(f func(*pymodel.Route)) {
	for _, r := range p.Python.Routes {
		if !r.Func.Module.Test {
			f(r)
		}
	}
}

// Names tells whether an identifier holds one of the words; a word with a
// space stands for words that follow each other.
func Names(identifier string, words ...string) bool {
	// Nearly always none of the words is there in any form: two letters that
	// follow each other in a word have to in the identifier.
	there := pairs(identifier)
	have := ""
	for _, w := range words {
		if !may(there, w) {
			continue
		}
		if have == "" {
			have = pymodel.Spaced(identifier)
		}
		if strings.Contains(have, " "+w+" ") {
			return true
		}
	}
	return false
}

// pairs are the letters of an identifier that follow each other, as a set of
// pair; all of them where some are not of ASCII.
func pairs(identifier string) uint64 {
	var out uint64
	before := byte(0)
	for i := range len(identifier) {
		c := identifier[i]
		switch {
		case c >= utf8.RuneSelf:
			return ^uint64(0)
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		out |= pair(before, c)
		before = c
	}
	return out
}

// may tells whether what has these pairs may hold a word, or the first of some.
func may(there uint64, word string) bool {
	for i := 1; i < len(word) && word[i] != ' '; i++ {
		if there&pair(word[i-1], word[i]) == 0 {
			return false
		}
	}
	return true
}

// pair is a bit for two letters.
func pair(a, b byte) uint64 { return 1 << ((a*7 + b*13) & 63) }

// Secret tells whether an identifier names a value that nobody else may know.
func Secret(identifier string) bool {
	words := pymodel.Words(identifier)
	if len(words) == 0 {
		return false
	}
	// What is about a secret is none.
	switch words[len(words)-1] {
	case "url", "uri", "path", "file", "name", "type", "length", "len", "expires", "expire", "seconds", "minutes", "hours", "days", "ttl", "lifetime", "id", "ids", "prefix", "header", "algorithm", "hash", "hashed", "field", "regex", "pattern", "enabled", "policy", "limit", "min", "max", "cookie", "endpoint", "class", "format", "version", "scheme", "at", "in", "count", "field_name", "param", "location", "model", "provider", "backend", "rounds", "salt", "timeout", "required", "validator", "manager", "service", "store", "resource", "arn", "size", "budget", "tokens", "usage", "region", "host", "label", "title", "description", "text", "message", "error", "help":
		return false
	}
	return Names(identifier, "password", "passwd", "pwd", "passphrase", "secret", "token", "api key", "apikey", "private key", "secret key", "access key", "signing key", "encryption key", "credentials", "jwt key", "fernet key", "master key", "dsn", "pepper", "auth key") &&
		!Names(identifier, "public", "csrf", "reset password", "forgot", "page", "next", "max")
}

// Mentions tells whether a name stands in what is written.
func Mentions(n pyast.Node, f func(identifier string) bool) bool {
	found := false
	pyast.Inspect(n, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Name:
			found = found || f(n.ID)
		case *pyast.Attribute:
			found = found || f(n.Attr)
		case *pyast.Constant:
			found = found || n.Kind == pyast.Str && len(n.Value) < 40 && f(n.Value)
		}
		return !found
	})
	return found
}

// Leaf is the last name of an expression: of a name, an attribute, a call or a
// subscript by a text.
func Leaf(e pyast.Expr) string {
	switch e := e.(type) {
	case *pyast.Name:
		return e.ID
	case *pyast.Attribute:
		return e.Attr
	case *pyast.Call:
		if a, ok := e.Func.(*pyast.Attribute); ok && (a.Attr == "encode" || a.Attr == "get_secret_value" || a.Attr == "strip" || a.Attr == "decode" || a.Attr == "lower") {
			return Leaf(a.Value)
		}
		if len(e.Args) > 0 {
			if a, ok := e.Func.(*pyast.Attribute); ok && a.Attr == "get" {
				if c, ok := e.Args[0].(*pyast.Constant); ok && c.Kind == pyast.Str {
					return c.Value
				}
			}
		}
		return Leaf(e.Func)
	case *pyast.Subscript:
		if c, ok := e.Slice.(*pyast.Constant); ok && c.Kind == pyast.Str {
			return c.Value
		}
	case *pyast.Await:
		return Leaf(e.Value)
	}
	return ""
}

// Built tells whether a text is put together from parts that are not known:
// an f-string, %, + or format.
func Built(s *pymodel.Scope, e pyast.Expr) bool { return built(s, e, 0) }

// maxBuilt bounds how far names are followed: x = x + y goes round.
const maxBuilt = 8

func built(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if _, known := s.Text(e); known || depth > maxBuilt {
		return false
	}
	switch e := e.(type) {
	case *pyast.JoinedStr:
		for _, v := range e.Values {
			if f, ok := v.(*pyast.FormattedValue); ok {
				if _, known := s.Const(f.Value); !known {
					return true
				}
			}
		}
	case *pyast.BinOp:
		switch e.Op {
		case pyast.Mod:
			_, ok := s.Text(e.Left)
			return ok || built(s, e.Left, depth+1)
		case pyast.Add:
			return textual(s, e.Left) || textual(s, e.Right) || built(s, e.Left, depth+1) || built(s, e.Right, depth+1)
		}
	case *pyast.Call:
		if a, ok := e.Func.(*pyast.Attribute); ok && a.Attr == "format" {
			_, known := s.Text(a.Value)
			return known || built(s, a.Value, depth+1)
		}
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		return b != nil && b.Value != nil && !b.Part && !b.With && at.Func != nil && at == scopeOf(s) && built(at, b.Value, depth+1)
	}
	return false
}

// Joined is a node that puts a text together from parts: an f-string, an
// operation such as + and %, or a call of format. It is nil for others.
func Joined(n pyast.Node) pyast.Expr {
	switch n := n.(type) {
	case *pyast.JoinedStr:
		return n
	case *pyast.BinOp:
		return n
	case *pyast.Call:
		if a, ok := n.Func.(*pyast.Attribute); ok && a.Attr == "format" {
			return n
		}
	}
	return nil
}

// textual tells whether an expression is a text, or a name that is one at
// first.
func textual(s *pymodel.Scope, e pyast.Expr) bool {
	if _, known := s.Text(e); known {
		return true
	}
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	_, at := s.Lookup(n.ID)
	return at != nil && at.Func != nil && at == scopeOf(s) && slices.ContainsFunc(at.Defs, func(d pymodel.Def) bool {
		_, known := at.Text(d.Value)
		return d.Name == n.ID && known
	})
}

func scopeOf(s *pymodel.Scope) *pymodel.Scope {
	if f := s.Enclosing(); f != nil {
		return f.Scope
	}
	return nil
}

// Within tells whether an expression is, or holds, one of a kind.
func Within(n pyast.Node, is func(pyast.Expr) bool) bool {
	found := false
	pyast.Inspect(n, func(n pyast.Node) bool {
		if e, ok := n.(pyast.Expr); ok && is(e) {
			found = true
		}
		return !found
	})
	return found
}
