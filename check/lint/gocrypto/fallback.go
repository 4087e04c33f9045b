package gocrypto

import (
	"go/ast"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// confidential tells whether a setting of this name is a secret.
func confidential(name string) bool {
	if analysis.Secret(name) {
		return true
	}
	return analysis.Names(name, "session key", "cookie key", "hmac key", "hash key", "block key", "aes key", "vault key", "cipher key", "crypt key", "data key", "webhook key", "jwt key", "app key", "csrf key", "jwt signing", "sign key", "jwtkey", "jwtsecret", "secretkey", "sessionkey", "signingkey", "hmac", "db pass", "smtp pass", "admin pass", "key encryption") &&
		!analysis.Names(name, "public", "path", "file", "id", "name", "header", "url", "algorithm", "alg", "ttl", "size", "length")
}

// address tells whether a setting of this name is the address of a database,
// which may hold a password.
func address(name string) bool {
	return analysis.Names(name, "dsn", "database url", "db url", "postgres url", "mysql url", "mongo url", "mongo uri", "mongodb uri", "redis url", "amqp url", "rabbitmq url", "database uri", "db uri", "database dsn", "connection string")
}

// standsIn tells whether a text that a secret falls back to is one itself.
func standsIn(name, value string) bool {
	switch {
	case address(name):
		return withPassword(value) && !everybodys(value)
	case !confidential(name) || !real(value) || same(name, value):
		return false
	}
	lower := strings.ToLower(value)
	return lower != "none" && lower != "null" && lower != "true" && lower != "false" && strings.Trim(value, "0123456789") != "" && !strings.HasPrefix(value, "./") && !strings.HasSuffix(lower, ".pem") && !strings.HasSuffix(lower, ".key") && lower != "latest"
}

// everybodys tells whether an address is of a database for trying out, on this
// machine and with a password that is none.
func everybodys(dsn string) bool {
	u, err := url.Parse(dsn)
	if err != nil || u.User == nil {
		return false
	}
	pass, _ := u.User.Password()
	host := u.Hostname()
	return (host == "localhost" || host == "127.0.0.1" || host == "::1") && (pass == u.User.Username() || slices.Contains([]string{"postgres", "password", "root", "test", "guest", "example"}, pass))
}

// fallbacks looks at a call that takes a secret from the environment, and
// another value where there is none: getEnv("JWT_SECRET", "secret"),
// viper.SetDefault("jwt.secret", "secret").
func fallbacks(p *analysis.Pass, c *gomodel.Call) {
	f := c.File
	if len(c.Args) < 2 {
		return
	}
	name, value := "", c.Args[len(c.Args)-1]
	switch c.Name {
	case "flag.String", "flag.FlagSet.String", "github.com/spf13/pflag.String", "github.com/spf13/pflag.FlagSet.String":
		name, value = text(f, c.Args[0]), c.Args[1]
	case "flag.StringVar", "flag.FlagSet.StringVar", "github.com/spf13/pflag.StringVar", "github.com/spf13/pflag.FlagSet.StringVar":
		if len(c.Args) > 2 {
			name, value = text(f, c.Args[1]), c.Args[2]
		}
	case "github.com/spf13/viper.SetDefault", "github.com/spf13/viper.Viper.SetDefault":
		name = text(f, c.Args[0])
	case "cmp.Or":
		for _, a := range c.Args {
			if n := setting(f, a); n != "" {
				name = n
			}
		}
	default:
		if inner := setting(f, c.Args[0]); inner != "" && len(c.Args) == 2 && chooses(c) {
			name = inner
		} else if key := text(f, c.Args[0]); key != "" && reads(c) {
			name = key
		}
	}
	given := text(f, value)
	if name == "" || given == "" {
		return
	}
	names := []string{name}
	for _, n := range f.Receivers(c) {
		if fn := f.FuncOf(c); fn == nil || n != fn.Root().Name {
			names = append(names, n[strings.LastIndexByte(n, '.')+1:])
		}
	}
	for _, n := range names {
		if standsIn(n, given) {
			p.GoAt(fallback, f, c, "without %s in the environment, a value in the source is used", name)
			return
		}
	}
}

// text is the text of an expression, or "".
func text(f *gomodel.File, e ast.Expr) string {
	t, _ := f.Text(e)
	return t
}

// setting is the name of the setting that an expression reads, or "".
func setting(f *gomodel.File, e ast.Expr) string {
	in, e := f.Only(analysis.GoBare(e))
	c := in.CallOf(e)
	if c == nil || len(c.Args) == 0 {
		return ""
	}
	switch c.Name {
	case "os.Getenv", "os.LookupEnv", "syscall.Getenv", "github.com/spf13/viper.GetString", "github.com/spf13/viper.Viper.GetString":
		return text(in, c.Args[0])
	case "strings.TrimSpace":
		return setting(in, c.Args[0])
	}
	if len(c.Targets()) > 0 && environment(c) {
		return text(in, c.Args[0])
	}
	return ""
}

// environment tells whether a function of the project reads the environment.
func environment(c *gomodel.Call) bool {
	for _, to := range c.Targets() {
		for _, fn := range to.Reached(1) {
			for _, in := range fn.Calls {
				switch in.Name {
				case "os.Getenv", "os.LookupEnv", "syscall.Getenv", "github.com/spf13/viper.GetString", "github.com/spf13/viper.Viper.GetString", "github.com/spf13/viper.IsSet":
					return true
				}
			}
		}
	}
	return false
}

// reads tells whether a call reads a setting, and gives what else it is given
// where there is none: by what it does, or by its name.
func reads(c *gomodel.Call) bool {
	if len(c.Targets()) > 0 && environment(c) {
		return true
	}
	lower := strings.ToLower(c.Method())
	return len(c.Args) == 2 && (strings.Contains(lower, "env") && !strings.HasPrefix(lower, "set") && !strings.HasPrefix(lower, "os.set") || analysis.Names(c.Method(), "or", "default", "fallback") && !analysis.Names(c.Method(), "set")) && c.Name != "os.Setenv" && !strings.HasSuffix(c.Method(), "Setenv")
}

// chooses tells whether a call gives the first of its arguments that is there.
func chooses(c *gomodel.Call) bool {
	lower := strings.ToLower(c.Method())
	return analysis.Names(c.Method(), "or", "default", "fallback", "coalesce", "first", "either", "empty") || strings.Contains(lower, "default") || strings.Contains(lower, "coalesce") || strings.Contains(lower, "fallback")
}

// defaulted looks at a branch that gives a secret which is missing a value.
func defaulted(p *analysis.Pass, f *gomodel.File, s *ast.IfStmt) {
	if !missing(f, s) || analysis.GoSample(f.Path) {
		return
	}
	for _, st := range s.Body.List {
		a, ok := st.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
			continue
		}
		value := text(f, a.Rhs[0])
		for _, name := range about(f, a.Lhs[0]) {
			if value != "" && standsIn(name, value) {
				p.GoAt(fallback, f, a, "where %s is empty, a value in the source is used", name)
				break
			}
		}
	}
}

// about are the names that tell what a variable holds: its own, those of the
// settings that it gets, and that of the function that gives it.
func about(f *gomodel.File, e ast.Expr) []string {
	out := []string{analysis.GoLeaf(f, e)}
	v := f.VarOf(e)
	if v == nil {
		return out
	}
	list, _ := v.Values()
	for _, x := range list {
		if name := setting(f, x); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// otherwise looks at a function that gives a secret of the environment, and
// another where there is none; and at a variable that is set before.
func otherwise(p *analysis.Pass, fn *gomodel.Func) {
	f := fn.File
	name := ""
	for _, c := range fn.Calls {
		if n := setting(f, c.CallExpr); n != "" && confidential(n) {
			name = n
		}
	}
	if name == "" || fn.Body == nil {
		return
	}
	if len(fn.Calls) < 8 { // it does little besides
		for _, r := range fn.Returns() {
			if len(r.Results) > 0 && len(fn.Returns()) > 1 {
				if v := text(f, r.Results[0]); v != "" && standsIn(name, v) {
					p.GoAt(fallback, f, r, "without %s in the environment, a value in the source is used", name)
				}
			}
		}
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
			return true
		}
		value := text(f, a.Rhs[0])
		v := f.VarOf(a.Lhs[0])
		if value == "" || v == nil || strong(v.Name) || analysis.Secret(v.Name) && random8(value) {
			return true // told of by its name
		}
		list, _ := v.Values()
		for _, x := range list {
			if s := loaded(f, x); s != "" && x.Pos() > a.End() && standsIn(s, value) {
				p.GoAt(fallback, f, a, "without %s in the environment, a value in the source is used", s)
				return true
			}
		}
		return true
	})
}

// loaded is the setting that a value is, through a variable that holds it.
func loaded(f *gomodel.File, e ast.Expr) string {
	e = analysis.GoBare(e)
	if s := setting(f, e); s != "" {
		return s
	}
	if v := f.VarOf(e); v != nil {
		list, _ := v.Values()
		for _, x := range list {
			if s := setting(f, x); s != "" {
				return s
			}
		}
	}
	return ""
}

// tagged looks at a field whose tag holds what it is without a setting.
func tagged(p *analysis.Pass, f *gomodel.File, field *ast.Field) {
	if field.Tag == nil || len(field.Names) == 0 || analysis.GoSample(f.Path) {
		return
	}
	raw, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return
	}
	tag := reflect.StructTag(raw)
	env := tag.Get("env") + tag.Get("envconfig")
	env, _, _ = strings.Cut(env, ",")
	for _, key := range []string{"envDefault", "env-default", "default"} {
		value, ok := tag.Lookup(key)
		if !ok {
			continue
		}
		if standsIn(field.Names[0].Name, value) || env != "" && standsIn(env, value) {
			p.GoAt(fallback, f, field, "%s has a value in the source where it gets no other", field.Names[0].Name)
		}
	}
}

// option looks at an option of a command whose value is a secret.
func option(p *analysis.Pass, l *gomodel.Literal) {
	if l.Type != "github.com/urfave/cli.StringFlag" {
		return
	}
	name, value := "", ""
	for _, e := range l.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			switch gomodel.Written(kv.Key) {
			case "Name":
				name = text(l.File, kv.Value)
			case "Value":
				value = text(l.File, kv.Value)
			}
		}
	}
	if value != "" && standsIn(strings.ReplaceAll(name, "-", "_"), value) {
		p.GoAt(fallback, l.File, l, "%s has a value in the source where it gets no other", name)
	}
}

// missing tells whether a branch is for a value that is empty.
func missing(f *gomodel.File, s *ast.IfStmt) bool {
	switch b := s.Cond.(type) {
	case *ast.UnaryExpr: // !ok
		return b.Op.String() == "!" && gomodel.Written(b.X) == "ok" && f.VarOf(b.X) != nil && sought(f, b.X)
	case *ast.BinaryExpr:
		switch b.Op.String() {
		case "==", "<":
		case "||":
			left, right := *s, *s
			left.Cond, right.Cond = b.X, b.Y
			return missing(f, &left) || missing(f, &right)
		default:
			return false
		}
		if n := f.CallOf(b.X); n != nil && n.Name == "len" {
			_, ok := f.Int(b.Y)
			return ok
		}
		text, ok := f.Text(b.Y)
		return ok && text == "" && b.Op.String() == "=="
	}
	return false
}

func sought(f *gomodel.File, ok ast.Expr) bool {
	list, _ := f.VarOf(ok).Values()
	return slices.ContainsFunc(list, func(x ast.Expr) bool { return setting(f, x) != "" })
}
