package gocrypto

import (
	"go/ast"
	"go/token"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// declared looks at constants and variables at the top and within functions.
func declared(p *analysis.Pass, f *gomodel.File, d *ast.GenDecl) {
	if d.Tok != token.CONST && d.Tok != token.VAR {
		return
	}
	for _, s := range d.Specs {
		v, ok := s.(*ast.ValueSpec)
		if !ok || len(v.Values) != len(v.Names) {
			continue
		}
		for i, n := range v.Names {
			// Words in a group of constants are names of what may be chosen.
			if text, ok := f.Text(v.Values[i]); ok && d.Tok == token.CONST && len(d.Specs) > 2 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_-.") == "" {
				continue
			}
			secret(p, f, v.Values[i], n.Name, false)
		}
	}
}

// secret tells of a secret that is written where a name gets its value;
// replaced tells that it may get another.
func secret(p *analysis.Pass, f *gomodel.File, value ast.Expr, written string, replaced bool) {
	id := written[strings.LastIndexByte(written, '.')+1:]
	converted := false
	if c, ok := value.(*ast.CallExpr); ok {
		if _, ok := c.Fun.(*ast.ArrayType); !ok || len(c.Args) != 1 {
			return
		}
		converted = true
		value = c.Args[0]
	}
	lit, ok := value.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING || analysis.GoSample(f.Path) || ast.IsGenerated(f.AST) {
		return
	}
	text, ok := f.Text(lit)
	if !ok || !real(text) || alphabet(text) || strings.HasSuffix(text, "_") || strings.HasSuffix(text, "-") {
		return
	}
	switch {
	case strong(id), converted && analysis.Secret(id):
		if same(id, text) {
			return
		}
	case analysis.Secret(id) && !analysis.Names(id, "error", "err", "msg"):
		if !random8(text) {
			return
		}
	default:
		return
	}
	if replaced {
		p.GoAt(fallback, f, lit, "%s has a value in the source where it gets no other", id)
		return
	}
	p.GoAt(literal, f, lit, "the value of %s is in the source", id)
}

// replaced tells whether a variable gets another value besides, which is not
// written.
func replaced(f *gomodel.File, e ast.Expr) bool {
	v := f.VarOf(e)
	if v == nil {
		return false
	}
	list, _ := v.Values()
	return len(list) > 1 && slices.ContainsFunc(list, func(x ast.Expr) bool { _, ok := f.Text(x); return !ok })
}

// alphabet tells whether a text is one that others are made of.
func alphabet(text string) bool {
	lower := strings.ToLower(text)
	return strings.Contains(lower, "abcdefghijkl") || strings.Contains(lower, "0123456789abcdefg")
}

// strong tells whether a name says that its value is a key, and not what one
// is called.
func strong(id string) bool {
	words := strings.Fields(spaced(id))
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "secret", "password", "passwd", "pwd", "pass", "passphrase", "key", "token":
	default:
		return false
	}
	return (analysis.Secret(id) || analysis.Names(id, "hmac key", "aes key", "admin key", "cipher key", "db pass")) && !analysis.Names(id, "public") &&
		!analysis.Names(id, "ctx", "context", "header", "cookie", "env", "claim", "type", "name", "form", "query", "no", "invalid", "missing", "scope", "kind", "mode", "event", "action", "grant", "flag", "label", "default", "placeholder", "mask", "masked", "redacted", "column", "wrong", "bad", "incorrect", "metric", "prefix", "route", "permission", "provider", "forgot", "change", "update", "method", "auth password", "attr", "opt", "magic", "annotation")
}

// spaced is an identifier as words.
func spaced(id string) string {
	return strings.Join(pymodel.Words(id), " ")
}

// real tells whether a text may be a secret, and not a place for one.
func real(text string) bool {
	if len(text) < 4 || len(text) > 4096 || strings.ContainsAny(text, " \t\n<>{}$%\x00") && !strings.Contains(text, "PRIVATE KEY") {
		return false
	}
	lower := strings.ToLower(text)
	for _, place := range []string{"your", "example", "placeholder", "xxx", "todo", "***", "redacted", "http://", "https://", "/"} {
		if strings.HasPrefix(lower, place) {
			return false
		}
	}
	return true
}

// same tells whether a text is what the name says: the name of a setting, of a
// field, of a header.
func same(id, text string) bool {
	if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == "" && strings.Contains(text, "_") {
		return true // of the environment
	}
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return unicode.ToLower(r)
			}
			return -1
		}, s)
	}
	a, b := clean(id), clean(text)
	for _, own := range []string{"my", "super", "test", "dev", "the"} { // mysecretkey
		if rest, ok := strings.CutPrefix(b, own); ok && !strings.HasPrefix(a, own) && strings.Contains(rest, "secret") {
			return false
		}
	}
	return a == b || (strings.Contains(a, b) || strings.Contains(b, a)) && strings.Trim(text, "0123456789") == text && len(b) < len(a)+4 || strings.Count(text, ".") > 1 || strings.Contains(text, ":")
}

// random8 tells whether a text looks like what a machine or a careful person
// made up.
func random8(text string) bool {
	if len(text) < 8 || strings.Count(text, ".") > 1 || strings.Contains(text, ":") || strings.Contains(text, "/") {
		return false
	}
	var digit, upper, lower, other bool
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			digit = true
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case r != '_' && r != '-':
			other = true
		}
	}
	return digit && (upper && lower || lower && len(text) >= 12 || other) || other && upper && lower
}

// uses are the functions whose argument is a key.
var uses = map[string]int{
	"crypto/hmac.New": 1, "crypto/aes.NewCipher": 0, "golang.org/x/crypto/chacha20poly1305.New": 0,
	"github.com/gorilla/sessions.NewCookieStore": 0, "github.com/gorilla/securecookie.New": 0, "github.com/gorilla/csrf.Protect": 0, "github.com/go-chi/jwtauth.New": 1,
	"github.com/gin-contrib/sessions/cookie.NewStore": 0, "github.com/labstack/echo/middleware.JWT": 0, "github.com/labstack/echo-jwt.JWT": 0,
}

// opens are the functions that are given the address of a database.
var opens = map[string]int{
	"database/sql.Open": 1, "github.com/jmoiron/sqlx.Connect": 1, "github.com/jmoiron/sqlx.Open": 1, "github.com/jmoiron/sqlx.MustConnect": 1, "github.com/jackc/pgx/pgxpool.New": 1, "github.com/jackc/pgx.Connect": 1,
	"gorm.io/driver/postgres.Open": 0, "gorm.io/driver/mysql.Open": 0, "go.mongodb.org/mongo-driver/mongo/options.ClientOptions.ApplyURI": 0,
}

// written is the text that a key is made of, however it was hashed.
func written(f *gomodel.File, e ast.Expr) (string, bool) {
	for range 4 {
		if text, ok := f.Text(e); ok {
			return text, true
		}
		var only ast.Expr
		f, only = f.Only(e)
		switch x := only.(type) {
		case *ast.SliceExpr:
			e = x.X
		case *ast.CallExpr:
			c := f.CallOf(x)
			if c == nil || len(x.Args) != 1 || algorithms[c.Name] == "" {
				return "", false
			}
			e = x.Args[0]
		default:
			return "", false
		}
	}
	return "", false
}

// keys looks at a call that is given a key.
func keys(p *analysis.Pass, c *gomodel.Call) {
	f := c.File
	if analysis.GoSample(f.Path) {
		return
	}
	if i, ok := uses[c.Name]; ok && c.Arg(i) != nil {
		if text, ok := written(f, c.Args[i]); ok && text != "" {
			if v := f.VarOf(analysis.GoBare(c.Args[i])); v == nil || !strong(v.Name) {
				p.GoAt(literal, f, c, "the key of %s is in the source", gomodel.Written(c.Fun))
			}
		}
	}
	if i, ok := opens[c.Name]; ok && c.Arg(i) != nil {
		opened(p, f, c, c.Args[i], 0)
	}
}

// opened looks at the address of a database, through functions that are given it.
func opened(p *analysis.Pass, f *gomodel.File, at *gomodel.Call, dsn ast.Expr, depth int) {
	if text, ok := f.Text(dsn); ok {
		if withPassword(text) && !analysis.GoSample(f.Path) {
			p.GoAt(literal, f, at, "the password of a database is in the source")
		}
		return
	}
	if v := f.VarOf(dsn); v != nil && v.Param && depth < 3 {
		for _, s := range f.Project.Sites(v) {
			opened(p, s.File, s.Call, s.Arg, depth+1)
		}
	}
}

// withPassword tells whether an address of a database holds a password.
func withPassword(dsn string) bool {
	if u, err := url.Parse(dsn); err == nil && u.User != nil {
		pass, ok := u.User.Password()
		return ok && pass != ""
	}
	if _, rest, ok := strings.Cut(dsn, "://"); ok { // a password with a sign that stands for something else
		at := strings.LastIndexByte(rest, '@')
		user, pass, has := strings.Cut(rest[:max(at, 0)], ":")
		return has && user != "" && pass != "" && !strings.ContainsAny(user, "/?")
	}
	for field := range strings.FieldsSeq(dsn) {
		if pass, ok := strings.CutPrefix(field, "password="); ok && pass != "" {
			return true
		}
	}
	user, rest, ok := strings.Cut(dsn, "@")
	_, pass, has := strings.Cut(user, ":")
	return ok && has && pass != "" && (strings.HasPrefix(rest, "tcp(") || strings.HasPrefix(rest, "unix(") || strings.HasPrefix(rest, "/"))
}
