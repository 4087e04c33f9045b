package columns

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// decorator looks at a type of SQLAlchemy that encrypts.
func decorator(p *analysis.Pass, c *pymodel.Class) {
	if !c.IsA("sqlalchemy.types.TypeDecorator", "sqlalchemy.TypeDecorator", "sqlalchemy.types.UserDefinedType", "sqlalchemy.sql.type_api.TypeDecorator", "sqlalchemy.type_api.TypeDecorator") {
		return
	}
	ok := c.Scope.Names["cache_ok"]
	made := c.Scope.Names["__init__"]
	if ok == nil || ok.Value == nil || !c.Scope.Is(ok.Value, pyast.True) || made == nil || made.Func == nil || !encrypts(c) {
		return
	}
	init := made.Func
	kept := map[string]bool{}
	used := map[string]*pyast.Attribute{} // by what it is that a parameter goes into
	for _, s := range assigned(init) {
		for _, t := range s.targets {
			a, isAttribute := t.(*pyast.Attribute)
			if base, isName := attributeBase(a, isAttribute); !isName || base != init.Params[0].Name {
				continue
			}
			kept[a.Attr] = true
			pyast.Inspect(s.value, func(n pyast.Node) bool {
				if name, ok := n.(*pyast.Name); ok && used[name.ID] == nil {
					used[name.ID] = a
				}
				return true
			})
		}
	}
	for _, param := range init.Params[1:] {
		at := used[param.Name]
		if at == nil || kept[param.Name] {
			continue
		}
		into := at.Attr
		severity := finding.Medium
		if analysis.Names(param.Name, "key", "keys", "secret", "fernet", "cipher", "keyring", "ring", "password", "context", "aad", "box", "crypto", "engine", "aead", "purpose", "associated data") {
			severity = finding.High
		}
		p.PythonSeverity(cacheOK, severity, c.Module, at, "%s of %s is kept as %s, which is no part of SQLAlchemy's cache key", param.Name, c.Name, into)
		return
	}
}

func attributeBase(a *pyast.Attribute, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	n, ok := a.Value.(*pyast.Name)
	if !ok {
		return "", false
	}
	return n.ID, true
}

type assignment struct {
	targets []pyast.Expr
	value   pyast.Expr
}

// assigned are the assignments in a function.
func assigned(f *pymodel.Func) []assignment {
	var out []assignment
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Assign:
			out = append(out, assignment{n.Targets, n.Value})
		case *pyast.AnnAssign:
			if n.Value != nil {
				out = append(out, assignment{[]pyast.Expr{n.Target}, n.Value})
			}
		}
		return true
	})
	return out
}

func encrypts(c *pymodel.Class) bool {
	return analysis.Names(c.Name, "encrypted", "encrypt", "cipher", "sealed", "secret", "fernet", "encryption") ||
		analysis.Mentions(c.ClassDef, func(id string) bool {
			return analysis.Names(id, "encrypt", "decrypt", "fernet", "aesgcm", "cipher")
		})
}

// boxes are what is made of a key, and which argument that is.
var boxes = map[string]int{
	"cryptography.fernet.Fernet": 0, "cryptography.hazmat.primitives.ciphers.aead.AESGCM": 0, "cryptography.hazmat.primitives.ciphers.aead.ChaCha20Poly1305": 0,
	"cryptography.hazmat.primitives.ciphers.aead.AESGCMSIV": 0, "cryptography.hazmat.primitives.ciphers.aead.AESSIV": 0, "nacl.secret.SecretBox": 0,
}

// generates tells whether an expression makes a new key, or has one for when
// there is none: os.getenv("KEY") or Fernet.generate_key().
func generates(s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.Call:
		switch name := s.Qualified(e.Func); name {
		case "cryptography.fernet.Fernet.generate_key", "cryptography.hazmat.primitives.ciphers.aead.AESGCM.generate_key", "cryptography.hazmat.primitives.ciphers.aead.ChaCha20Poly1305.generate_key",
			"cryptography.hazmat.primitives.ciphers.aead.AESGCMSIV.generate_key", "os.urandom", "secrets.token_bytes", "nacl.utils.random":
			return true
		case "os.getenv", "os.environ.get":
			d := pymodel.Arg(e, 1, "default")
			return d != nil && generates(s, d)
		}
		if a, ok := e.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "decode", "encode":
				return generates(s, a.Value)
			case "urlsafe_b64encode", "b64encode":
				return len(e.Args) > 0 && generates(s, e.Args[0])
			case "get", "str":
				if asked := s.FromEnvironment(a.Value); asked || analysis.Names(analysis.Leaf(a.Value), "config", "env", "settings") {
					d := pymodel.Arg(e, 1, "default")
					return d != nil && generates(s, d)
				}
			}
		}
	case *pyast.BoolOp:
		return e.Op == pyast.Or && s.FromEnvironment(e.Values[0]) && generates(s, e.Values[len(e.Values)-1])
	case *pyast.IfExp:
		return s.FromEnvironment(e.Body) && generates(s, e.Orelse)
	}
	return false
}

func fernet(p *analysis.Pass) {
	var first *pymodel.Call
	multi, said := false, map[pyast.Node]bool{}
	tell := func(m *pymodel.Module, n pyast.Node, what string) {
		if !said[n] {
			said[n] = true
			p.PythonAt(generatedKey, m, n, "%s", what)
		}
	}
	for _, m := range p.Python.Modules {
		for name, b := range m.Scope.Names {
			multi = multi || name == "MultiFernet" || strings.HasSuffix(b.Import, ".MultiFernet")
		}
	}
	p.Calls(func(c *pymodel.Call) {
		multi = multi || strings.HasSuffix(c.Name(), "MultiFernet")
		if c.Is("cryptography.fernet.Fernet") && first == nil && !command(c.Module) {
			first = c
		}
		i, ok := boxes[c.Name()]
		key := c.Arg(i, "key")
		if !ok || key == nil {
			return
		}
		for {
			call, isCall := key.(*pyast.Call)
			if a, isAttribute := callee(call, isCall); isAttribute && a.Attr == "encode" {
				key = a.Value
				continue
			}
			break
		}
		if generates(c.Scope, key) {
			// One that is made and used in one breath cannot be kept.
			tell(c.Module, key, "a key is made here, and nowhere kept")
			return
		}
		switch key.(type) {
		case *pyast.Name, *pyast.Attribute:
		default:
			return
		}
		sym := c.Scope.Symbol(key)
		b := sym.Binding
		if b == nil {
			if e, m := ofSelf(c, key); e != nil {
				tell(m, e, "a key is made for each object, and nowhere kept")
			}
			return
		}
		made := generated(sym.Scope, key, b)
		if e, m := ofParameter(sym, key); e != nil {
			tell(m, e, "the key of what is encrypted is made when the program runs, and nowhere kept")
			return
		}
		if made == nil {
			if e := defaulted(sym.Scope, b.Value); e != nil {
				tell(sym.Scope.Module, e, "a setting makes a new key where there is none")
			}
			return
		}
		name, _ := key.(*pyast.Name)
		if sym.Scope.Func != nil && (name == nil || stored(sym.Scope.Func, name.ID)) || sym.Scope.Func == nil && sym.Scope.Class == nil && saved(sym.Scope.Module, analysis.Leaf(key)) {
			return
		}
		tell(sym.Scope.Module, made, "the key of what is encrypted is made when the program runs, and nowhere kept")
	})
	p.Classes(func(c *pymodel.Class) {
		if !c.IsSettings() {
			return
		}
		for _, f := range c.Fields {
			if f.Value != nil && cryptographic(c.Scope, f.Value) {
				tell(c.Module, f.Value, c.Name+"."+f.Name+" makes a new key where there is none")
			} else if e := defaulted(c.Scope, f.Value); e != nil {
				tell(c.Module, e, c.Name+"."+f.Name+" makes a new key where there is none")
			}
		}
	})
	if first != nil && !multi {
		p.PythonAt(noRotation, first.Module, first, "there is one Fernet, and no MultiFernet")
	}
}

func callee(c *pyast.Call, ok bool) (*pyast.Attribute, bool) {
	if !ok {
		return nil, false
	}
	a, ok := c.Func.(*pyast.Attribute)
	return a, ok
}

// cryptographic tells whether a value is made by generate_key, not by what
// makes any bytes.
func cryptographic(s *pymodel.Scope, e pyast.Expr) bool {
	return generates(s, e) && analysis.Mentions(e, func(id string) bool { return id == "generate_key" })
}

// generated is a new key that a name is given, at once or where there is none.
func generated(s *pymodel.Scope, key pyast.Expr, b *pymodel.Binding) pyast.Expr {
	if b.Value != nil && !b.Part && !b.With && generates(s, b.Value) {
		return b.Value
	}
	if name, ok := key.(*pyast.Name); ok && b.Count > 1 {
		for _, d := range s.Defs {
			if d.Name == name.ID && cryptographic(s, d.Value) {
				return d.Value
			}
		}
	}
	return nil
}

// defaulted is a key that a field makes: Field(default_factory=Fernet.generate_key).
func defaulted(s *pymodel.Scope, e pyast.Expr) pyast.Expr {
	call, ok := e.(*pyast.Call)
	if !ok || analysis.Leaf(call.Func) != "Field" {
		return nil
	}
	switch f := pymodel.Keyword(call, "default_factory").(type) {
	case *pyast.Lambda:
		if cryptographic(s, f.Body) {
			return f.Body
		}
	case *pyast.Attribute:
		if strings.HasSuffix(s.Qualified(f), "generate_key") {
			return f
		}
	}
	if d := pymodel.Arg(call, 0, "default"); d != nil && cryptographic(s, d) {
		return d
	}
	return nil
}

// ofParameter is a key that a parameter has where none is given: key=KEY, with
// KEY made when the module is read.
func ofParameter(sym pymodel.Symbol, key pyast.Expr) (pyast.Expr, *pymodel.Module) {
	name, ok := key.(*pyast.Name)
	if !ok || !sym.Binding.Param || sym.Scope.Func == nil {
		return nil, nil
	}
	f := sym.Scope.Func
	for _, p := range f.Params {
		if p.Name != name.ID || p.Default == nil {
			continue
		}
		if generates(f.Outer, p.Default) {
			return p.Default, f.Module
		}
		if to := f.Outer.Symbol(p.Default); to.Binding != nil && to.Scope.Func == nil && !saved(to.Scope.Module, analysis.Leaf(p.Default)) {
			return generated(to.Scope, p.Default, to.Binding), to.Scope.Module
		}
	}
	return nil, nil
}

// ofSelf is a key that __init__ puts into an attribute.
func ofSelf(c *pymodel.Call, key pyast.Expr) (pyast.Expr, *pymodel.Module) {
	a, ok := key.(*pyast.Attribute)
	f := c.Scope.Enclosing()
	if base, isName := attributeBase(a, ok); !isName || base != "self" || f == nil || f.Class == nil {
		return nil, nil
	}
	b := f.Class.Scope.Names["__init__"]
	if b == nil || b.Func == nil {
		return nil, nil
	}
	var found pyast.Expr
	for _, s := range assigned(b.Func) {
		for _, t := range s.targets {
			if at, ok := t.(*pyast.Attribute); ok && at.Attr == a.Attr {
				found = nil
				if generates(b.Func.Scope, s.value) {
					found = s.value
				}
			}
		}
	}
	// key or Fernet.generate_key() leaves the caller to keep it.
	return found, f.Module
}

// stored tells whether a function does more with a key than to encrypt: it
// writes, wraps or returns it.
func stored(f *pymodel.Func, id string) bool {
	out := false
	analysis.Surround(f.Body, func(n pyast.Node, in []pyast.Node) {
		name, ok := n.(*pyast.Name)
		if !ok || name.ID != id || name.Ctx != pyast.Load {
			return
		}
		for i := len(in) - 1; i >= 0; i-- {
			if call, ok := in[i].(*pyast.Call); ok {
				if _, box := boxes[f.Scope.Qualified(call.Func)]; box {
					return
				}
				if l := analysis.Leaf(call.Func); l == "encode" || l == "decode" {
					continue
				}
			}
			switch at := in[i].(type) {
			case *pyast.Attribute:
				continue
			case *pyast.UnaryOp, *pyast.Compare:
				return // if not key
			case *pyast.If:
				if pyast.Node(at.Test) == n {
					return
				}
			}
			break
		}
		out = true
	})
	return out
}

// saved tells whether a module writes a key somewhere.
func saved(m *pymodel.Module, id string) bool {
	for _, c := range m.Calls {
		switch c.Method() {
		case "write", "write_bytes", "write_text", "set_password", "dump", "save", "put", "set_secret", "store", "print", "echo":
		default:
			continue
		}
		for _, a := range c.Args {
			if analysis.Mentions(a, func(n string) bool { return n == id }) && (c.Method() != "print" || command(m)) {
				return true
			}
		}
	}
	return false
}

// command tells whether a module is a program that is started by hand.
func command(m *pymodel.Module) bool {
	for d := range strings.SplitSeq(strings.TrimSuffix(m.Path, ".py"), "/") {
		switch d {
		case "scripts", "script", "cli", "bin", "tools", "commands", "management", "examples", "manage":
			return true
		}
	}
	return false
}
