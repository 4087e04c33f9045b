package accounts

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

const low = finding.Low

// codes tells of a short one-time code.
func codes(p *analysis.Pass, c *pymodel.Call) {
	f := c.Scope.Enclosing()
	if f == nil {
		return
	}
	var span int64
	number := func(i int, name string) (int64, bool) { return power(c.Scope, c.Arg(i, name)) }
	switch c.Name() {
	case "random.randint", "random.randrange", "random.SystemRandom.randint":
		lo, ok := number(0, "a")
		hi, ok2 := number(1, "b")
		if !ok || !ok2 {
			return
		}
		span = hi - lo + 1
	case "secrets.randbelow":
		n, ok := number(0, "exclusive_upper_bound")
		if !ok {
			return
		}
		span = n
	case "random.choices":
		n, ok := c.Scope.Number(c.Keyword("k"))
		if !ok || !digits(c.Scope, c.Arg(0, "population")) {
			return
		}
		span = pow10(n)
	case "secrets.choice", "random.choice":
		// "".join(secrets.choice(digits) for _ in range(4))
		if !digits(c.Scope, c.Arg(0, "seq")) {
			return
		}
		n, ok := repeated(f, c)
		if !ok {
			return
		}
		span = pow10(n)
	default:
		return
	}
	if span <= 10 && c.Method() != "choice" && c.Method() != "choices" || span >= 900_000 {
		return // one digit of several
	}
	code := func(id string) bool {
		return analysis.Names(id, "otp", "code", "pin", "verification", "verify", "one time", "passcode", "mfa", "sms", "reset", "totp", "confirmation") && !analysis.Names(id, "status code", "country code", "zip code", "qr", "error code", "promo code", "coupon", "discount")
	}
	if !code(f.Name) && !slices.ContainsFunc(f.Scope.Defs, func(d pymodel.Def) bool { return code(d.Name) && contains(d.Value, c.Call) }) && !keyed(f, c.Call, code) {
		return
	}
	p.PythonAt(weakOTP, c.Module, c, "a code is one of %d", span)
}

// keyed tells whether a call stands at a place that is called so: a key, an
// attribute, an argument.
func keyed(f *pymodel.Func, c *pyast.Call, is func(string) bool) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Assign:
			for _, t := range n.Targets {
				if a, ok := t.(*pyast.Attribute); ok {
					found = found || is(a.Attr) && contains(n.Value, c)
				}
				if s, ok := t.(*pyast.Subscript); ok {
					found = found || (is(analysis.Leaf(s.Value)) || is(analysis.Leaf(s))) && contains(n.Value, c)
				}
			}
		case *pyast.Keyword:
			found = found || is(n.Name) && contains(n.Value, c)
		case *pyast.Dict:
			for i, k := range n.Keys {
				if text, ok := f.Scope.Text(k); ok && k != nil {
					found = found || is(text) && contains(n.Values[i], c)
				}
			}
		}
		return !found
	})
	return found
}

func contains(in pyast.Node, c *pyast.Call) bool {
	found := false
	pyast.Inspect(in, func(n pyast.Node) bool {
		found = found || n == pyast.Node(c)
		return !found
	})
	return found
}

func digits(s *pymodel.Scope, e pyast.Expr) bool {
	if e == nil {
		return false
	}
	if s.Qualified(e) == "string.digits" {
		return true
	}
	text, ok := s.Text(e)
	return ok && text != "" && strings.Trim(text, "0123456789") == ""
}

// repeated is how often a call in a comprehension runs.
func repeated(f *pymodel.Func, c *pymodel.Call) (int64, bool) {
	var n int64
	found := false
	pyast.Walk(f.Body, func(x pyast.Node) bool {
		var gens []*pyast.Comprehension
		switch x := x.(type) {
		case *pyast.GeneratorExp:
			gens = x.Generators
		case *pyast.ListComp:
			gens = x.Generators
		default:
			return true
		}
		if len(gens) == 1 && contains(x, c.Call) {
			if r, ok := gens[0].Iter.(*pyast.Call); ok && analysis.Leaf(r.Func) == "range" && len(r.Args) == 1 {
				n, found = f.Scope.Number(r.Args[0])
			}
		}
		return true
	})
	return n, found
}

func pow10(n int64) int64 {
	out := int64(1)
	for range min(n, 12) {
		out *= 10
	}
	return out
}

// power is a number that may be written 10**4.
func power(s *pymodel.Scope, e pyast.Expr) (int64, bool) {
	if n, ok := s.Number(e); ok {
		return n, true
	}
	b, ok := e.(*pyast.BinOp)
	if !ok {
		return 0, false
	}
	l, ok := power(s, b.Left)
	r, ok2 := power(s, b.Right)
	switch {
	case !ok || !ok2:
		return 0, false
	case b.Op == pyast.Pow && l == 10 && r >= 0:
		return pow10(r), true
	case b.Op == pyast.Sub:
		return l - r, true
	case b.Op == pyast.Add:
		return l + r, true
	}
	return 0, false
}

func passwordName(name string) bool {
	switch strings.Join(pymodel.Words(name), " ") {
	case "password", "hashed password", "password hash", "passwd", "pwd", "raw password", "plain password", "hashedpassword", "pass hash", "encrypted password", "user password":
		return true
	}
	return false
}

// seeds tells of an account that is made with a password in the source.
func seeds(p *analysis.Pass, c *pymodel.Call) {
	if c.Module.Test || fixture(c.Module) {
		return
	}
	if sql(p, c) {
		return
	}
	makes := analysis.Names(c.Method(), "create user", "create superuser", "add user", "create admin", "register user", "new user", "make user", "insert user", "create account", "create admin user", "add admin", "seed user", "ensure user", "create default admin", "ensure admin")
	sym := c.Scope.Symbol(c.Func)
	class := sym.Binding != nil && sym.Binding.Class != nil && analysis.Names(sym.Binding.Class.Name, "user", "account", "admin", "member", "employee", "customer", "operator") || analysis.Names(c.Method(), "user", "user create", "admin user", "admin") && c.Receiver() == nil && c.Method() != "" && c.Method()[0] >= 'A' && c.Method()[0] <= 'Z'
	if !makes && !class {
		return
	}
	for _, k := range c.Keywords {
		if passwordName(k.Name) {
			if text, ok := literal(c.Scope, k.Value, 0); ok && real(text) {
				p.PythonAt(defaultAccount, c.Module, c, "%s makes an account with a password in the source", c.Method())
				return
			}
		}
	}
	// create_user(db, "admin", "admin123")
	if !makes {
		return
	}
	if passwordGiven(c) {
		p.PythonAt(defaultAccount, c.Module, c, "%s makes an account with a password in the source", c.Method())
	}
}

// fixture tells whether a module is one of examples.
func fixture(m *pymodel.Module) bool {
	return slices.ContainsFunc(strings.Split(m.Name, "."), func(part string) bool {
		switch part {
		case "examples", "example", "docs", "fixtures", "factories", "dev_data", "benchmarks":
			return true
		}
		return false
	})
}

// literal is a text in the source, also one that is hashed here, or that the
// environment may replace.
func literal(s *pymodel.Scope, e pyast.Expr, depth int) (string, bool) {
	if depth > 5 || e == nil {
		return "", false
	}
	if text, ok := s.Text(e); ok {
		return text, true
	}
	switch x := e.(type) {
	case *pyast.Constant:
		if x.Kind == pyast.Bytes {
			return x.Value, true
		}
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok && (a.Attr == "encode" || a.Attr == "decode" || a.Attr == "hexdigest") {
			return literal(s, a.Value, depth+1)
		}
		switch s.Qualified(x.Func) {
		case "os.getenv", "os.environ.get":
			return literal(s, pymodel.Arg(x, 1, "default"), depth+1)
		}
		name := analysis.Leaf(x.Func)
		if analysis.Names(name, "hash", "hashpw", "hash password", "get password hash", "password hash", "generate password hash", "make password", "encrypt", "bcrypt", "sha256", "md5", "secret str") || name == "SecretStr" {
			return literal(s, pymodel.Arg(x, 0, "password"), depth+1)
		}
	case *pyast.Name:
		if b, at := s.Lookup(x.ID); b != nil && at.Func != nil && b.Value != nil && !b.Part && !b.Param && b.Count == 1 {
			return literal(at, b.Value, depth+1)
		}
	}
	return "", false
}

// real tells whether a text is a password: not nothing, nor what stands where
// none can be.
func real(text string) bool {
	switch text {
	case "", "!", "*", "x", "unusable", "disabled", "LDAP", "OIDC":
		return false
	}
	return !strings.HasPrefix(text, "!") && !strings.Contains(text, " ")
}

// sql tells of an account that a statement makes.
func sql(p *analysis.Pass, c *pymodel.Call) bool {
	if len(c.Args) == 0 || c.Method() != "execute" && c.Method() != "executescript" && c.Method() != "executemany" {
		return false
	}
	first := c.Args[0]
	if inner, ok := first.(*pyast.Call); ok && len(inner.Args) > 0 {
		first = inner.Args[0]
	}
	text, ok := c.Scope.Text(first)
	lower := strings.ToLower(text)
	if !ok || !strings.Contains(lower, "insert into") && !strings.Contains(lower, "insert or") || !strings.Contains(lower, "passw") {
		return false
	}
	_, values, ok := strings.Cut(lower, "values")
	if ok && strings.Count(values, "'") >= 4 && strings.Contains(values, "admin") {
		p.PythonAt(defaultAccount, c.Module, c, "a statement makes an account with a password in the source")
		return true
	}
	if len(c.Args) < 2 {
		return true
	}
	var n, named int
	pyast.Inspect(c.Args[1], func(x pyast.Node) bool {
		if e, ok := x.(pyast.Expr); ok {
			if text, ok := literal(c.Scope, e, 0); ok {
				n++
				if analysis.Names(text, "admin", "root", "administrator", "test", "user", "superuser") {
					named++
				}
				return false
			}
		}
		return true
	})
	if n >= 2 && named > 0 {
		p.PythonAt(defaultAccount, c.Module, c, "a statement makes an account with a password in the source")
	}
	return true
}

// constants tells of accounts in a dict, and of a first account's password
// that settings have a default for.
func constants(p *analysis.Pass) {
	p.Modules(func(m *pymodel.Module) {
		if fixture(m) {
			return
		}
		for _, a := range m.Assigns {
			if len(a.Node.Targets) != 1 {
				continue
			}
			name := analysis.Leaf(a.Node.Targets[0])
			if sub, ok := a.Node.Targets[0].(*pyast.Subscript); ok && a.Scope.Enclosing() != nil {
				// users["admin"] = {…}
				name = analysis.Leaf(sub.Value)
			} else if a.Scope != m.Scope {
				continue
			}
			if !analysis.Names(name, "user", "users", "accounts", "credentials", "admins", "db", "admin", "users db") {
				continue
			}
			if d, ok := a.Node.Value.(*pyast.Dict); ok && analysis.Names(name, "credentials", "passwords", "logins") && len(d.Values) > 0 {
				if text, ok := literal(m.Scope, d.Values[0], 0); ok && real(text) && d.Keys[0] != nil && analysis.Names(textOf(m, d.Keys[0]), "admin", "root", "user", "test", "alice", "bob") {
					p.PythonAt(defaultAccount, m, d, "accounts stand in the source, with their passwords")
					continue
				}
			}
			accounts(p, m, a.Node.Value, 0)
		}
	})
	p.Classes(func(c *pymodel.Class) {
		if !c.IsSettings() {
			return
		}
		for _, f := range c.Fields {
			if !analysis.Names(f.Name, "admin password", "superuser password", "first superuser password", "default password", "initial password", "root password", "default admin password", "admin pass", "initial admin password") {
				continue
			}
			value := f.Value
			if call, ok := value.(*pyast.Call); ok && c.Scope.Qualified(call.Func) == "pydantic.Field" {
				if value = pymodel.Arg(call, 0, "default"); value == nil {
					continue
				}
			}
			if text, ok := literal(c.Scope, value, 0); ok && real(text) {
				p.PythonAt(defaultAccount, c.Module, f.Node, "%s has a default", f.Name)
			}
		}
	})
}

func textOf(m *pymodel.Module, e pyast.Expr) string {
	text, _ := m.Scope.Text(e)
	return text
}

func accounts(p *analysis.Pass, m *pymodel.Module, e pyast.Expr, depth int) bool {
	var list []pyast.Expr
	switch x := e.(type) {
	case *pyast.Dict:
		for i, k := range x.Keys {
			key, ok := m.Scope.Text(k)
			if k == nil || !ok || !passwordName(key) {
				continue
			}
			text, ok := literal(m.Scope, x.Values[i], 0)
			if !ok || !real(text) || !named(m, x) || text == "string" || text == "str" || text == "text" || text == "password" && key == text {
				continue
			}
			if text[0] == '$' || strings.Contains(key, "hash") && written(x.Values[i]) {
				p.PythonSeverity(defaultAccount, finding.Medium, m, x.Values[i], "an account stands in the source, with the hash of its password")
			} else {
				p.PythonAt(defaultAccount, m, x.Values[i], "an account stands in the source, with its password")
			}
			return true
		}
		list = x.Values
		// {"admin": "admin123"}
	case *pyast.List:
		list = x.Elts
	}
	if depth > 1 {
		return false
	}
	for _, v := range list {
		if accounts(p, m, v, depth+1) {
			return true
		}
	}
	return false
}

// named tells whether a dict says whose password it holds; where it is the
// value of a name, that does.
func named(m *pymodel.Module, d *pyast.Dict) bool {
	for i, k := range d.Keys {
		if key, ok := m.Scope.Text(k); k != nil && ok && analysis.Names(key, "username", "user", "email", "login", "name", "role", "id", "user name") {
			text, ok := m.Scope.Text(d.Values[i])
			return !ok || text != "string" && text != "str"
		}
	}
	return false
}

func written(e pyast.Expr) bool {
	_, ok := e.(*pyast.Constant)
	return ok
}

// checks tells of a password that is compared with one in the source.
func checks(p *analysis.Pass, m *pymodel.Module) {
	if m.Test {
		return
	}
	said := map[*pymodel.Func]bool{}
	judge := func(s *pymodel.Scope, at pyast.Node, name string, other pyast.Expr) {
		f := s.Enclosing()
		if f == nil || said[f] || !secretName(name) {
			return
		}
		text, ok := literal(s, other, 0)
		if !ok || !real(text) || f.Class != nil && f.Class.IsSettings() || validates(f) || passwordTwice(other) {
			return
		}
		said[f] = true
		p.PythonAt(hardcodedCheck, m, at, "%s compares %s with a text in the source", f.Name, name)
	}
	for _, at := range m.Compares {
		cmp := at.Node
		if len(cmp.Ops) != 1 || cmp.Ops[0] != pyast.Eq && cmp.Ops[0] != pyast.NotEq {
			continue
		}
		judge(at.Scope, cmp, analysis.Leaf(cmp.Left), cmp.Comparators[0])
		judge(at.Scope, cmp, analysis.Leaf(cmp.Comparators[0]), cmp.Left)
	}
	for _, c := range m.Calls {
		if strings.HasSuffix(c.Name(), "compare_digest") && len(c.Args) == 2 {
			judge(c.Scope, c.Call, local(c.Scope, c.Args[0]), c.Args[1])
			judge(c.Scope, c.Call, local(c.Scope, c.Args[1]), c.Args[0])
		}
	}
}

// local is the name of a value, or of what it was made of.
func local(s *pymodel.Scope, e pyast.Expr) string {
	name := analysis.Leaf(e)
	if secretName(name) {
		return name
	}
	if n, ok := e.(*pyast.Name); ok {
		if b, at := s.Lookup(n.ID); b != nil && at.Func != nil && b.Value != nil && !b.Part {
			return analysis.Leaf(b.Value)
		}
	}
	return name
}

func passwordTwice(e pyast.Expr) bool { return analysis.Leaf(e) == "" && !written(e) && !isCall(e) }

func isCall(e pyast.Expr) bool {
	_, ok := e.(*pyast.Call)
	return ok
}

// secretName tells whether a name is of a secret that came.
func secretName(name string) bool {
	switch strings.Join(pymodel.Words(name), " ") {
	case "password", "passwd", "pwd", "user password", "pass word", "passphrase", "api key", "x api key", "apikey", "admin password", "admin key", "admin token", "x admin token", "x admin key", "input password", "plain password", "current password bytes", "x token", "master password", "given password", "secret key header", "x secret":
		return true
	}
	return false
}

// validates tells whether a function refuses a weak password.
func validates(f *pymodel.Func) bool {
	if analysis.Names(f.Name, "validate", "validator", "default", "check default", "strength", "warn", "config", "settings") {
		return true
	}
	for _, c := range f.Calls {
		if c.Is("builtins.ValueError", "warnings.warn", "builtins.RuntimeError") {
			return true
		}
	}
	return false
}
