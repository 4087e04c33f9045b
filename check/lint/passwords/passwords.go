// Package passwords finds passwords that are kept, compared and asked for in
// ways that give them away.
package passwords

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// Analyzer looks at passwords.
var Analyzer = &analysis.Analyzer{
	Name:  "passwords",
	Rules: []*analysis.Rule{weakHash, plainText, weakArgon2, weakBcrypt, weakPBKDF2, passlib, jose, enumeration, timing, policy},
	Run:   run,
}

func run(p *analysis.Pass) {
	unmaintained(p)
	p.Calls(func(c *pymodel.Call) {
		hashed(p, c)
		helped(p, c)
		parameters(p, c)
		stored(p, c)
	})
	p.Modules(func(m *pymodel.Module) { compared(p, m) })
	enumerations(p)
	p.Funcs(func(f *pymodel.Func) { early(p, f) })
	policies(p)
}

// unmaintained tells of a library once.
func unmaintained(p *analysis.Pass) {
	said := map[*analysis.Rule]bool{}
	p.Modules(func(m *pymodel.Module) {
		pyast.Walk(m.File.Body, func(n pyast.Node) bool {
			var from string
			switch n := n.(type) {
			case *pyast.ImportFrom:
				if n.Level == 0 {
					from = n.Module
				}
			case *pyast.Import:
				from = n.Names[0].Name
			default:
				_, isStmt := n.(pyast.Stmt)
				return isStmt || n == nil
			}
			top, _, _ := strings.Cut(from, ".")
			for name, r := range map[string]*analysis.Rule{"passlib": passlib, "jose": jose} {
				if top == name && !said[r] {
					said[r] = true
					p.PythonAt(r, m, n, "%s is imported", from)
				}
			}
			return false
		})
	})
}

func password(identifier string) bool {
	return analysis.Names(identifier, "password", "passwd", "pwd", "passphrase") && !analysis.Names(identifier, "reset", "token", "url", "generator", "length", "policy")
}

// plain tells whether a name is of a password itself, not of its hash.
func plain(identifier string) bool {
	return password(identifier) && !analysis.Names(identifier, "hash", "hashed", "encrypted", "digest", "crypt", "enc", "hasher")
}

var fast = []string{"hashlib.md5", "hashlib.sha1", "hashlib.sha224", "hashlib.sha256", "hashlib.sha384", "hashlib.sha512", "hashlib.new", "hashlib.sha3_256", "hashlib.sha3_512", "hashlib.blake2b", "hashlib.blake2s",
	"Crypto.Hash.MD5.new", "Crypto.Hash.SHA1.new", "Crypto.Hash.SHA256.new", "crypt.crypt"}

func hashed(p *analysis.Pass, c *pymodel.Call) {
	var what pyast.Expr
	switch {
	case c.Is(fast...):
		i := 0
		if c.Name() == "hashlib.new" {
			i = 1
		}
		what = c.Arg(i, "data")
	case c.Method() == "update" && c.Scope.TypeOf(c.Receiver()).Name == "hashlib.Hash":
		what = c.Arg(0, "")
	case c.Is("werkzeug.security.generate_password_hash"):
		if method, ok := c.Scope.Text(c.Arg(1, "method")); ok && (method == "plain" || strings.HasPrefix(method, "md5") || strings.HasPrefix(method, "sha")) {
			p.PythonAt(weakHash, c.Module, c, "a password is hashed by %s", method)
		}
		return
	default:
		return
	}
	f := c.Scope.Enclosing()
	secret := what != nil && analysis.Mentions(what, plain)
	if what != nil && !secret && f != nil && plain(f.Name) {
		// def hash_password(value): the name says it.
		secret = analysis.Names(f.Name, "hash", "encrypt", "make", "get", "create", "verify", "check")
	}
	if what != nil && !secret && f != nil && analysis.Names(f.Name, "hash password", "password hash", "get password hash", "verify password") {
		secret = true
	}
	if !secret {
		shortHash(p, c, what, f)
	}
	if !secret || breached(c) {
		return
	}
	// What a slow hash gets, may be shortened by a fast one.
	if f != nil {
		for _, other := range f.Calls {
			if slowHash(other.Name()) {
				return
			}
		}
	}
	p.PythonAt(weakHash, c.Module, c, "a password is hashed by %s", last(c.Name()))
}

func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func slowHash(name string) bool {
	return strings.HasPrefix(name, "bcrypt.") || strings.HasPrefix(name, "argon2.") || strings.Contains(name, "scrypt") || strings.Contains(name, "pbkdf2")
}

// breached tells whether a hash is for asking a list of stolen passwords.
func breached(c *pymodel.Call) bool {
	f := c.Scope.Enclosing()
	about := func(s string) bool {
		s = strings.ToLower(s)
		return strings.Contains(s, "pwned") || strings.Contains(s, "hibp") || strings.Contains(s, "breach") || strings.Contains(s, "leaked") || strings.Contains(s, "compromised")
	}
	if about(c.Module.Name) || f == nil {
		return about(c.Module.Name)
	}
	return about(f.Name) || analysis.Mentions(f.FunctionDef, about)
}

var weakSchemes = map[string]bool{"plaintext": true, "hex_md5": true, "hex_sha1": true, "hex_sha256": true, "hex_sha512": true, "md5_crypt": true, "des_crypt": true, "sha1_crypt": true, "ldap_md5": true, "ldap_sha1": true, "ldap_plaintext": true, "lmhash": true, "nthash": true, "django_salted_md5": true, "django_salted_sha1": true, "mysql323": true, "unix_disabled": false, "apr_md5_crypt": true, "phpass": true}

func parameters(p *analysis.Pass, c *pymodel.Call) {
	number := func(i int, name string) (int64, bool) { return c.Scope.Number(c.Arg(i, name)) }
	switch c.Name() {
	case "argon2.PasswordHasher", "pwdlib.hashers.argon2.Argon2Hasher":
		argon2(p, c, number, "time_cost", "memory_cost")
	case "bcrypt.gensalt":
		if n, ok := number(0, "rounds"); ok && n < 10 {
			p.PythonAt(weakBcrypt, c.Module, c, "bcrypt has %d rounds", n)
		}
	case "pwdlib.hashers.bcrypt.BcryptHasher":
		if n, ok := number(0, "rounds"); ok && n < 10 {
			p.PythonAt(weakBcrypt, c.Module, c, "bcrypt has %d rounds", n)
		}
	case "passlib.context.CryptContext":
		schemes, _ := c.Scope.Texts(c.Arg(0, "schemes"))
		if len(schemes) > 0 && weakSchemes[schemes[0]] {
			p.PythonAt(weakHash, c.Module, c, "new passwords are hashed by %s", schemes[0])
		}
		argon2(p, c, number, "argon2__time_cost", "argon2__memory_cost")
		for _, key := range []string{"bcrypt__rounds", "bcrypt__default_rounds", "bcrypt__max_rounds"} {
			if n, ok := number(-1, key); ok && n < 10 {
				p.PythonAt(weakBcrypt, c.Module, c, "bcrypt has %d rounds", n)
			}
		}
	case "hashlib.pbkdf2_hmac":
		if n, ok := number(3, "iterations"); ok && n < 100_000 && c.Args != nil && analysis.Mentions(c.Call, password) {
			p.PythonAt(weakPBKDF2, c.Module, c, "PBKDF2 has %d iterations", n)
		}
	case "cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC":
		if n, ok := number(3, "iterations"); ok && n < 100_000 {
			p.PythonAt(weakPBKDF2, c.Module, c, "PBKDF2 has %d iterations", n)
		}
	}
}

func argon2(p *analysis.Pass, c *pymodel.Call, number func(int, string) (int64, bool), timeName, memoryName string) {
	passes, hasTime := number(-1, timeName)
	memory, hasMemory := number(-1, memoryName)
	if !hasTime {
		passes = 3
	}
	if !hasMemory {
		memory = 65536
	}
	if memory < 19456 && (hasMemory || hasTime) || passes < 2 && memory < 47104 {
		p.PythonAt(weakArgon2, c.Module, c, "argon2 has %d KiB and %d passes", memory, passes)
	}
}

// compared tells of a stored password that is compared with one that came.
func compared(p *analysis.Pass, m *pymodel.Module) {
	for _, at := range m.Compares {
		cmp := at.Node
		if len(cmp.Ops) != 1 || cmp.Ops[0] != pyast.Eq && cmp.Ops[0] != pyast.NotEq {
			continue
		}
		l, r := analysis.Leaf(cmp.Left), analysis.Leaf(cmp.Comparators[0])
		if !plain(l) || !plain(r) || twice(l) || twice(r) {
			continue
		}
		// Whether two objects are equal lets nobody in.
		if f := at.Scope.Enclosing(); f != nil && f.Class != nil && (f.Name == "__eq__" || f.Name == "__ne__") {
			continue
		}
		if hashesIt(at.Scope, cmp.Left) || hashesIt(at.Scope, cmp.Comparators[0]) {
			continue
		}
		// One side is kept somewhere.
		if !kept(at.Scope, cmp.Left) && !kept(at.Scope, cmp.Comparators[0]) || sameObject(cmp.Left, cmp.Comparators[0]) {
			continue
		}
		p.PythonAt(plainText, m, cmp, "a stored password is compared as it is")
	}
}

// twice tells whether a name is of a password that is typed again, or changed.
func twice(name string) bool {
	return analysis.Names(name, "confirm", "confirmation", "confirmed", "repeat", "repeated", "again", "new", "old", "retype", "verify", "second", "password2", "password1", "current") ||
		strings.HasSuffix(name, "2") || strings.HasSuffix(name, "1")
}

func hashesIt(s *pymodel.Scope, e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	return ok && s.Qualified(c.Func) != "" && analysis.Leaf(e) == analysis.Leaf(c.Func)
}

func kept(s *pymodel.Scope, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.Attribute:
		base := analysis.Leaf(e.Value)
		return base != "self" && base != "cls"
	case *pyast.Subscript:
		return true
	case *pyast.Call:
		return analysis.Leaf(e) != ""
	case *pyast.Name:
		_, at := s.Lookup(e.ID)
		return at != nil && at.Func == nil && at.Class == nil
	}
	return false
}

func sameObject(a, b pyast.Expr) bool {
	x, ok := a.(*pyast.Attribute)
	y, ok2 := b.(*pyast.Attribute)
	return ok && ok2 && pymodel.Dotted(x.Value) != "" && pymodel.Dotted(x.Value) == pymodel.Dotted(y.Value)
}

// stored tells of a password that goes into a table as it came.
func stored(p *analysis.Pass, c *pymodel.Call) {
	if c.Scope.Enclosing() == nil {
		return
	}
	if class := c.Scope.Symbol(c.Func).Binding; class != nil && class.Class != nil && class.Class.IsTable() {
		for _, k := range c.Keywords {
			if plain(k.Name) && plain(analysis.Leaf(k.Value)) && p.Python.Level(c.Scope, k.Value) == pymodel.Tainted && !hashesIt(c.Scope, k.Value) {
				p.PythonAt(plainText, c.Module, k.Value, "a password goes into the table of %s as it came", class.Class.Name)
			}
		}
		return
	}
	switch c.Method() {
	case "execute", "fetchrow", "fetchval", "exec_driver_sql":
	default:
		return
	}
	if len(c.Args) < 2 {
		return
	}
	sql, ok := c.Scope.Text(c.Args[0])
	if call, isCall := c.Args[0].(*pyast.Call); isCall && len(call.Args) > 0 {
		sql, ok = c.Scope.Text(call.Args[0])
	}
	if upper := strings.ToUpper(sql); !ok || !strings.Contains(upper, "INSERT") && !strings.Contains(upper, "UPDATE") || !strings.Contains(upper, "PASSW") {
		return
	}
	for _, a := range c.Args[1:] {
		var parts []pyast.Expr
		switch a := a.(type) {
		case *pyast.Tuple:
			parts = a.Elts
		case *pyast.List:
			parts = a.Elts
		case *pyast.Dict:
			parts = a.Values
		default:
			parts = []pyast.Expr{a}
		}
		for _, x := range parts {
			if plain(analysis.Leaf(x)) && p.Python.Level(c.Scope, x) == pymodel.Tainted && !hashesIt(c.Scope, x) {
				p.PythonAt(plainText, c.Module, x, "a password goes into the database as it came")
			}
		}
	}
}

// account tells whether a route is a login, or what is like one.
func account(r *pymodel.Route) bool {
	return analysis.Names(r.Path+" "+r.Func.Name, "login", "signin", "sign in", "token", "auth", "reset", "forgot", "recover", "password", "authenticate", "forgot password")
}

var unknownUser = []string{"user not found", "no such user", "unknown user", "user does not exist", "user doesn't exist", "email not found", "username not found", "unknown email", "account not found", "no account", "email not registered", "not registered", "user with this email does not exist", "invalid username", "invalid email", "wrong username", "username does not exist", "email does not exist", "user unknown"}

func enumerations(p *analysis.Pass) {
	p.Routes(func(r *pymodel.Route) {
		if !account(r) || r.Authenticated() && !login(r) {
			return
		}
		if told := otherwise(r); told != nil {
			p.PythonAt(enumeration, r.Func.Module, told, "%s answers otherwise where there is no such user", r.Func.Name)
			return
		}
		pyast.Walk(r.Func.Body, func(n pyast.Node) bool {
			var text pyast.Expr
			switch n := n.(type) {
			case *pyast.Call:
				if r.Func.Scope.Qualified(n.Func) != "starlette.exceptions.HTTPException" && r.Func.Scope.Qualified(n.Func) != "starlette.responses.JSONResponse" {
					return true
				}
				text = pymodel.Arg(n, 1, "detail")
				if d, ok := pymodel.Arg(n, 0, "content").(*pyast.Dict); ok && len(d.Values) > 0 {
					text = d.Values[len(d.Values)-1]
				}
			case *pyast.Return:
				if d, ok := n.Value.(*pyast.Dict); ok && len(d.Values) > 0 {
					text = d.Values[0]
				}
			default:
				return true
			}
			said, ok := r.Func.Scope.Text(text)
			if f, built := text.(*pyast.JoinedStr); built {
				for _, v := range f.Values {
					if c, isText := v.(*pyast.Constant); isText {
						said += c.Value
					}
				}
				ok = true
			}
			if !ok {
				return true
			}
			lower := strings.ToLower(said)
			for _, u := range unknownUser {
				if strings.Contains(lower, u) && !strings.Contains(lower, "or password") && !strings.Contains(lower, "or incorrect") && !strings.Contains(lower, "if ") {
					p.PythonAt(enumeration, r.Func.Module, n, "%s tells that there is no such user", r.Func.Name)
					break
				}
			}
			return false
		})
	})
}

func login(r *pymodel.Route) bool {
	return analysis.Names(r.Path+" "+r.Func.Name, "login", "signin", "sign in", "authenticate")
}

func verifies(c *pyast.Call) bool {
	name := analysis.Leaf(c.Func)
	return analysis.Names(name, "verify password", "check password", "checkpw", "verify and update", "check password hash", "password verify", "validate password") || name == "verify" && len(c.Args) == 2
}

// policies tells once of a model that takes a new password of any length.
func policies(p *analysis.Pass) {
	said := false
	p.Routes(func(r *pymodel.Route) {
		if said || !r.Writes() || login(r) || analysis.Names(r.Path+" "+r.Func.Name, "token") {
			return
		}
		for _, param := range r.Func.Params {
			class := r.Func.Outer.Annotation(param.Annotation).Class
			if class == nil || !class.IsA("pydantic.BaseModel", "sqlmodel.SQLModel") || analysis.Names(class.Name, "login", "credentials", "auth") {
				continue
			}
			for _, field := range class.AllFields() {
				if !plain(field.Name) || twice(field.Name) && !analysis.Names(field.Name, "new") || analysis.Names(field.Name, "current", "old") || bounded(class, field) {
					continue
				}
				said = true
				p.PythonAt(policy, class.Module, field.Node, "%s.%s may be one character", class.Name, field.Name)
				return
			}
		}
	})
}

// bounded tells whether a field says more than that it is a text, or the class
// checks it.
func bounded(c *pymodel.Class, f *pymodel.Field) bool {
	t := c.Outer.Annotation(f.Annotation)
	if extra, _ := c.Outer.Annotated(f.Annotation); len(extra) > 0 || t.Name != "builtins.str" && t.Name != "pydantic.SecretStr" {
		return true
	}
	if call, ok := f.Value.(*pyast.Call); ok && (pymodel.Keyword(call, "min_length") != nil || pymodel.Keyword(call, "pattern") != nil) {
		n, known := c.Scope.Number(pymodel.Keyword(call, "min_length"))
		return !known || n >= 8
	}
	for _, b := range c.Scope.Names {
		if b.Func == nil {
			continue
		}
		for _, d := range b.Func.Decorators {
			if call, ok := d.(*pyast.Call); ok && strings.Contains(analysis.Leaf(call.Func), "validator") {
				return true
			}
		}
	}
	return false
}
