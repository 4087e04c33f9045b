package gocrypto

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// hashes looks at a call that hashes something.
func hashes(p *analysis.Pass, c *gomodel.Call) {
	algorithm, data := hashed(c)
	if data == nil || c.Func == nil {
		if c.Name == "bytes.Equal" || c.Name == "reflect.DeepEqual" {
			equals(p, c.File, c, c.Arg(0), c.Arg(1))
		}
		return
	}
	f := c.File
	root := c.Func.Root()
	about := append(f.Receivers(c), root.Name)
	ofPassword := passwordIn(f, data, 0) || slices.ContainsFunc(about, hashesPassword)
	if ofPassword && protocol(root) {
		return
	}
	if ofPassword && !stretched(root) && !breached(root) {
		p.GoAt(weakHash, f, c, "a password is hashed with %s", algorithm)
		return
	}
	if fast(algorithm) && !ofPassword && !breached(root) && (analysis.GoMentions(data, func(id string) bool { return secretWords(id) && !analysis.Names(id, "salt") }) || slices.ContainsFunc(about, secretWords)) && !analysis.GoMentions(data, cacheWords) && !slices.ContainsFunc(about, cacheWords) && !protocol(root) {
		p.GoAt(weakHash, f, c, "a token is made with %s", algorithm)
	}
}

func fast(algorithm string) bool { return algorithm == "MD5" || algorithm == "SHA-1" }

func hashesPassword(name string) bool {
	return analysis.Names(name, "hash password", "password hash", "hashed password", "encrypt password", "hash pass", "password digest", "hash pwd")
}

func cacheWords(name string) bool {
	return analysis.Names(name, "cache", "etag", "checksum", "file", "content", "gravatar", "nonce", "challenge", "scramble")
}

var algorithms = map[string]string{
	"crypto/md5.Sum": "MD5", "crypto/sha1.Sum": "SHA-1", "crypto/sha256.Sum256": "SHA-256", "crypto/sha256.Sum224": "SHA-224", "crypto/sha512.Sum512": "SHA-512", "crypto/sha512.Sum384": "SHA-384",
	"crypto/md5.New": "MD5", "crypto/sha1.New": "SHA-1", "crypto/sha256.New": "SHA-256", "crypto/sha512.New": "SHA-512", "crypto/sha3.Sum256": "SHA3-256", "golang.org/x/crypto/sha3.Sum256": "SHA3-256", "golang.org/x/crypto/md4.New": "MD4",
}

// hashed is what a call hashes, and with what.
func hashed(c *gomodel.Call) (algorithm string, data ast.Expr) {
	f := c.File
	switch c.Name {
	case "hash.Hash.Write":
		return made(f, c.Receiver()), c.Arg(0)
	case "io.WriteString", "fmt.Fprintf", "fmt.Fprint", "io.Copy":
		if len(c.Args) > 1 && f.TypeOf(c.Args[0]) == "hash.Hash" {
			return made(f, c.Args[0]), c.Args[len(c.Args)-1]
		}
		return "", nil
	}
	if a := algorithms[c.Name]; a != "" && len(c.Args) == 1 {
		return a, c.Args[0]
	}
	return "", nil
}

func made(f *gomodel.File, e ast.Expr) string {
	in, e := f.Only(e)
	if c := in.CallOf(e); c != nil && algorithms[c.Name] != "" {
		return algorithms[c.Name]
	}
	return "a fast hash"
}

// passwordIn tells whether a value is made of a password: by its name, or by the
// names of what a helper is given.
func passwordIn(f *gomodel.File, e ast.Expr, depth int) bool {
	if depth > 3 {
		return false
	}
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr: // what is called is not what is hashed
			for _, a := range n.Args {
				found = found || carries(f, n) && passwordIn(f, a, depth)
			}
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok {
				found = found || passwordIn(f, sel.X, depth)
			} else if _, ok := n.Fun.(*ast.Ident); ok {
				found = found || len(n.Args) == 0 && analysis.GoPassword(gomodel.Written(n.Fun))
			}
			for _, a := range n.Args { // r.PostFormValue("password")
				text, ok := f.Text(a)
				found = found || ok && len(text) < 20 && analysis.GoPassword(text) && f.Level(n) == gomodel.Tainted
			}
			return false
		case *ast.SelectorExpr:
			found = found || analysis.GoPassword(n.Sel.Name)
		case *ast.Ident:
			found = found || analysis.GoPassword(n.Name) || heldPassword(f, n, depth)
		}
		return !found
	})
	return found
}

// carries tells whether a call gives what it is given in another form.
func carries(f *gomodel.File, e *ast.CallExpr) bool {
	c := f.CallOf(e)
	if _, conversion := e.Fun.(*ast.ArrayType); conversion || c == nil {
		return true
	}
	from, _, _ := strings.Cut(c.Name, ".")
	switch from {
	case "string", "append", "strings", "bytes", "fmt", "encoding/base64", "encoding/hex", "slices", "cmp":
		return true
	}
	return false
}

func heldPassword(f *gomodel.File, id *ast.Ident, depth int) bool {
	v := f.VarOf(id)
	if v == nil || v.Func == nil || v.Receiver() {
		return false
	}
	list, _ := v.Values()
	for _, x := range list {
		if passwordIn(v.File, x, depth+1) {
			return true
		}
	}
	for _, s := range f.Project.Sites(v) {
		if s.Func != nil && (protocol(s.Func.Root()) || wire(s.Func.Root())) {
			continue
		}
		if passwordIn(s.File, s.Arg, depth+1) {
			return true
		}
	}
	return false
}

// stretched tells whether what was hashed goes into a hash for passwords.
func stretched(root *gomodel.Func) bool {
	for _, fn := range root.Reached(2) {
		for _, c := range fn.Calls {
			for _, slow := range []string{"golang.org/x/crypto/bcrypt.", "golang.org/x/crypto/argon2.", "golang.org/x/crypto/scrypt.", "golang.org/x/crypto/pbkdf2.", "crypto/pbkdf2."} {
				if strings.HasPrefix(c.Name, slow) {
					return true
				}
			}
		}
	}
	return false
}

// protocol tells whether a function does what somebody else's format asks for,
// by what it and its file are called.
func protocol(root *gomodel.Func) bool {
	lower := strings.ToLower(root.Name + " " + root.File.Path + " " + root.Receives())
	return slices.ContainsFunc([]string{"legacy", "scram", "ed25519", "ntlm", "pkcs", "pem_", "bcrypt", "512crypt", "256crypt", "md5crypt"}, func(w string) bool { return strings.Contains(lower, w) }) ||
		(strings.Contains(lower, "kdf") || strings.Contains(lower, "derive")) && !kept(root)
}

// wire tells whether a function shows a password to a server as that asks for it.
func wire(root *gomodel.Func) bool {
	return strings.HasSuffix(root.Receives(), "Conn") || analysis.Names(root.Name, "handshake", "auth message", "digest auth", "rx") || analysis.GoMentions(root.Node, func(id string) bool {
		return analysis.Names(id, "realm", "ha1", "md5 salt", "conn", "auth plugin", "server nonce")
	})
}

// kept tells whether what a function derives of a password is kept to know it
// again, and no key for a cipher: it is a text, or its callers say so.
func kept(root *gomodel.Func) bool {
	if r := root.Type.Results; r != nil && len(r.List) > 0 && root.File.TypeExpr(r.List[0].Type) == "string" && !analysis.Names(root.Name, "key") {
		return true
	}
	return slices.ContainsFunc(root.Sites(), func(c *gomodel.Call) bool {
		return c.Func != nil && analysis.GoMentions(c.Func.Root().Node, hashesPassword)
	})
}

// breached tells whether a function asks whether a password is known to
// others: that is done with SHA-1.
func breached(root *gomodel.Func) bool {
	if strings.HasPrefix(root.Name, "Contains") {
		return true
	}
	if analysis.GoMentions(root.Node, func(id string) bool {
		lower := strings.ToLower(id)
		return strings.Contains(lower, "pwned") || strings.Contains(lower, "breach") || strings.Contains(lower, "hibp")
	}) {
		return true
	}
	lower := strings.ToLower(root.Name + root.File.Path + root.Receives())
	return strings.Contains(lower, "pwn") || strings.Contains(lower, "breach") || strings.Contains(lower, "hibp") || strings.Contains(lower, "leak")
}

// costs looks at the cost of bcrypt: below 4 the package takes its default.
func costs(p *analysis.Pass, c *gomodel.Call) {
	if c.Name != "golang.org/x/crypto/bcrypt.GenerateFromPassword" || c.Arg(1) == nil {
		return
	}
	if in, only := c.File.Only(c.Args[1]); in.Qualified(only) == "golang.org/x/crypto/bcrypt.MinCost" {
		p.GoAt(bcryptCost, c.File, c, "the cost is bcrypt.MinCost, which is 4")
		return
	}
	if n, ok := c.File.Int(c.Args[1]); ok && n >= 4 && n < 10 {
		p.GoAt(bcryptCost, c.File, c, "the cost is %d", n)
	}
}
