package crypto

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// compared looks at comparisons of secrets with what was sent.
func compared(p *analysis.Pass, m *pymodel.Module) {
	if len(m.Compares) == 0 {
		return
	}
	wanted := map[pyast.Node]*pymodel.Scope{}
	for _, at := range m.Compares {
		cmp := at.Node
		if len(cmp.Ops) == 1 && (cmp.Ops[0] == pyast.Eq || cmp.Ops[0] == pyast.NotEq) && at.Scope.Enclosing() != nil {
			x, y := cmp.Left, cmp.Comparators[0]
			if secret(at.Scope, x) || secret(at.Scope, y) || passwordHash(at.Scope, x, 0) || passwordHash(at.Scope, y, 0) {
				wanted[cmp] = at.Scope
			}
		}
	}
	if len(wanted) == 0 {
		return
	}
	analysis.Surround(m.File.Body, func(n pyast.Node, in []pyast.Node) {
		if s := wanted[n]; s != nil && !query(in) {
			equals(p, m, s, n.(*pyast.Compare))
		}
	})
}

func equals(p *analysis.Pass, m *pymodel.Module, s *pymodel.Scope, cmp *pyast.Compare) {
	x, y := cmp.Left, cmp.Comparators[0]
	if passwordHash(s, x, 0) != passwordHash(s, y, 0) {
		if !plain(s, x) && !plain(s, y) && !column(s, x) && !column(s, y) && !handedOn(s, x) && !handedOn(s, y) {
			p.PythonAt(timing, m, cmp, "the hash of a password is compared by ==")
		}
		return
	}
	if plain(s, x) || plain(s, y) || column(s, x) || column(s, y) || passwords(x) || passwords(y) || changed(x) || changed(y) {
		return
	}
	for range 2 {
		if digest(s, x, 0) && (p.Python.Level(s, y) > pymodel.Clean || param(s, y)) {
			p.PythonSeverity(timing, finding.Medium, m, cmp, "%s is compared with a code that a key was used for", said(y))
			return
		}
		x, y = y, x
	}
	for range 2 {
		l, r := p.Python.Level(s, x), p.Python.Level(s, y)
		if secret(s, x) && (l > pymodel.Clean) != (r > pymodel.Clean) && !digested(s, y) && !digested(s, x) {
			p.PythonAt(timing, m, cmp, "%s is compared with what a client sent", said(x))
			return
		}
		x, y = y, x
	}
}

func said(e pyast.Expr) string {
	if id := analysis.Leaf(e); id != "" {
		return id
	}
	return "a secret"
}

// query tells whether a comparison is one that a database makes.
func query(in []pyast.Node) bool {
	for i := len(in) - 1; i >= 0; i-- {
		switch n := in[i].(type) {
		case *pyast.Call:
			switch analysis.Leaf(n.Func) {
			case "where", "filter", "filter_by", "and_", "or_", "not_", "join", "outerjoin", "select", "having", "find", "find_one", "exists", "case", "Q", "any", "has", "on", "delete", "update":
				return true
			}
		case pyast.Stmt:
			return false
		}
	}
	return false
}

// plain tells whether a side is one that there is nothing to guess of.
func plain(s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.Constant, *pyast.List, *pyast.Dict, *pyast.Tuple, *pyast.UnaryOp:
		return true
	case *pyast.Call:
		switch s.Qualified(e.Func) {
		case "builtins.len", "builtins.type", "builtins.hash", "builtins.id", "builtins.int", "builtins.bool":
			return true
		}
	case *pyast.Name, *pyast.Attribute:
		// TokenType.access, token_type
		sym := s.Symbol(e)
		if sym.Scope != nil && sym.Scope.Class != nil && sym.Scope.Class.IsA("enum.Enum", "enum.StrEnum", "enum.IntEnum") {
			return true
		}
		switch s.TypeOf(e).Name {
		case "builtins.int", "builtins.bool", "builtins.float", "uuid.UUID", "datetime.datetime":
			return true
		}
		if t := s.TypeOf(e).Class; t != nil && t.IsA("enum.Enum", "enum.StrEnum", "enum.IntEnum") {
			return true
		}
	}
	return false
}

// column tells whether a side is a column of a table, which is compared in a
// query.
func column(s *pymodel.Scope, e pyast.Expr) bool {
	a, ok := e.(*pyast.Attribute)
	if !ok {
		return false
	}
	if a.Attr == "c" {
		return true
	}
	if b := s.Symbol(a.Value).Binding; b != nil && b.Class != nil {
		return b.Class.IsTable()
	}
	name, ok := a.Value.(*pyast.Name)
	_, at := s.Lookup(said(a.Value))
	return ok && name.ID[0] >= 'A' && name.ID[0] <= 'Z' && strings.ToUpper(name.ID) != name.ID && at != nil && at.Func == nil && s.TypeOf(a.Value).Name == "" && s.Symbol(a.Value).Binding == nil
}

func passwords(e pyast.Expr) bool {
	return password(analysis.Leaf(e))
}

// changed tells whether a side is what was there before: what is asked is
// whether something is new.
func changed(e pyast.Expr) bool {
	return analysis.Names(analysis.Leaf(e), "existing", "old", "new", "previous", "confirm", "before", "after")
}

// param tells whether a value is handed in, and called like a signature.
func param(s *pymodel.Scope, e pyast.Expr) bool {
	name, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	b, at := s.Lookup(name.ID)
	return b != nil && b.Param && at.Func != nil
}

// secret tells whether a value is what a client proves itself with.
func secret(s *pymodel.Scope, e pyast.Expr) bool {
	id := analysis.Leaf(e)
	if id == "" {
		return false
	}
	if analysis.Names(id, "type", "kind", "public", "next", "page", "user id", "tokens", "status", "method") {
		return false
	}
	return analysis.Secret(id) || analysis.Names(id, "signature", "sig", "hmac", "mac", "digest", "hexdigest", "otp", "otp code", "verification code", "reset code", "csrf token", "x api key", "webhook secret") || digest(s, e, 0)
}

// digest tells whether a value is a code that a key was used for.
func digest(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 6 {
		return false
	}
	switch e := e.(type) {
	case *pyast.Call:
		if a, ok := e.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "hexdigest", "digest", "finalize":
				return macs(s, a.Value, depth)
			case "decode", "lower", "hex", "rstrip", "strip", "encode":
				return digest(s, a.Value, depth+1)
			}
		}
		switch name := s.Qualified(e.Func); name {
		case "hmac.digest":
			return true
		case "base64.b64encode", "base64.urlsafe_b64encode", "binascii.hexlify", "builtins.str":
			return len(e.Args) > 0 && digest(s, e.Args[0], depth+1)
		}
		if b := s.Symbol(e.Func).Binding; b != nil && b.Func != nil {
			return returns(b.Func, depth)
		}
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		return b != nil && b.Value != nil && !b.Part && !b.With && at.Func != nil && digest(at, b.Value, depth+1)
	case *pyast.BinOp:
		return e.Op == pyast.Add && digest(s, e.Right, depth+1) // "sha256=" + …
	case *pyast.JoinedStr:
		for _, v := range e.Values {
			if f, ok := v.(*pyast.FormattedValue); ok && digest(s, f.Value, depth+1) {
				return true
			}
		}
	}
	return false
}

// returns tells whether a function makes such a code.
func returns(f *pymodel.Func, depth int) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Return:
			if n.Value != nil && digest(f.Scope, n.Value, depth+2) {
				found = true
			}
		case *pyast.FunctionDef, *pyast.ClassDef:
			return false
		}
		return !found
	})
	return found
}

func macs(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 6 {
		return false
	}
	switch e := e.(type) {
	case *pyast.Call:
		switch s.Qualified(e.Func) {
		case "hmac.new", "hmac.HMAC", "cryptography.hazmat.primitives.hmac.HMAC", "Crypto.Hash.HMAC.new":
			return true
		case "hashlib.md5", "hashlib.sha1", "hashlib.sha256", "hashlib.sha512":
			return len(e.Args) > 0 && secretIn(e.Args[0]) != "" && mixed(e.Args[0])
		}
	case *pyast.Name:
		b, at := s.Lookup(e.ID)
		return b != nil && b.Value != nil && !b.Part && at.Func != nil && macs(at, b.Value, depth+1)
	}
	return false
}

// mixed tells whether a text is put together: a key and a message.
func mixed(e pyast.Expr) bool {
	found := false
	pyast.Inspect(e, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.BinOp:
			found = found || n.Op == pyast.Add
		case *pyast.JoinedStr:
			found = found || len(n.Values) > 1
		}
		return !found
	})
	return found
}

// digested tells whether a value is a hash: of what is hashed on both sides
// nothing is to be guessed letter by letter.
func digested(s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.Call:
		id := analysis.Leaf(e.Func)
		return id == "hexdigest" || id == "digest" || analysis.Names(id, "hash", "get token hash", "hash token")
	case *pyast.Name:
		if analysis.Names(e.ID, "hash", "hashed") {
			return true
		}
		b, at := s.Lookup(e.ID)
		if b != nil && b.Value != nil && at.Func != nil && !b.Part {
			_, call := b.Value.(*pyast.Call)
			return call && digested(at, b.Value)
		}
	case *pyast.Attribute:
		return analysis.Names(e.Attr, "hash", "hashed")
	}
	return false
}
