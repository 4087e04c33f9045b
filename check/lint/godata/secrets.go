package godata

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// loggers are the packages and types whose functions write a log.
var loggers = []string{"log.", "log/slog.", "github.com/sirupsen/logrus.", "go.uber.org/zap.", "github.com/rs/zerolog", "k8s.io/klog.", "github.com/golang/glog.", "github.com/go-kit/log.", "github.com/apex/log.", "github.com/charmbracelet/log.", "github.com/labstack/gommon/log.", "github.com/gofiber/fiber/log."}

// log tells whether a call writes to a log.
func log(c *gomodel.Call) bool {
	for _, l := range loggers {
		if strings.HasPrefix(c.Name, l) {
			return true
		}
	}
	if pair(c.Method()) && c.Receiver() != nil && chained(c) {
		return true
	}
	// What is printed by a handler goes to the log.
	switch c.Name {
	case "fmt.Println", "fmt.Printf", "fmt.Print":
		return handled(c.Func)
	case "":
		recv := c.Receiver()
		if recv == nil {
			return false
		}
		name := gomodel.Written(recv)
		name = strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
		switch c.Method() {
		case "Printf", "Println", "Print", "Infof", "Info", "Debugf", "Debug", "Errorf", "Error", "Warn", "Warnf", "Infow", "Debugw", "Infoln":
			return name == "log" || name == "logger" || name == "l" || strings.HasSuffix(name, "logger")
		}
	}
	return false
}

// chained tells whether a call adds to an event of zerolog:
// logger.Info().Str("name", name).
func chained(c *gomodel.Call) bool {
	e := c.Receiver()
	for range 10 {
		call, ok := e.(*ast.CallExpr)
		if !ok {
			return c.File.TypeOf(e) == "github.com/rs/zerolog.Logger"
		}
		inner := c.File.CallOf(call)
		if inner == nil {
			return false
		}
		if e = inner.Receiver(); e == nil {
			return strings.HasPrefix(inner.Name, "github.com/rs/zerolog")
		}
	}
	return false
}

// handled tells whether a function, or one that it is in, answers requests.
func handled(fn *gomodel.Func) bool {
	for ; fn != nil; fn = fn.Outer {
		if fn.Handles() {
			return true
		}
	}
	return false
}

// logs looks at a call that writes a log.
func logs(p *analysis.Pass, c *gomodel.Call) {
	if !log(c) || c.Receiver() == nil && pair(c.Method()) {
		return
	}
	f := c.File
	key := ""
	if eachHeader(c) {
		p.GoAt(logged, f, c, "%s is written to the log", allHeaders)
		return
	}
	for _, a := range c.Args {
		if text, ok := f.Text(a); ok {
			if v := f.VarOf(a); v != nil && secret(v.Name) && !analysis.Names(v.Name, "msg", "format", "key") {
				p.GoAt(logged, f, c, "%s is written to the log", v.Name)
				return
			}
			key = text
			continue
		}
		if what := secretIn(p, f, a, key); what != "" {
			p.GoAt(logged, f, c, "%s is written to the log", what)
			return
		}
		key = ""
	}
}

// eachHeader tells whether a call logs the value of each header in turn, and
// none is passed over.
func eachHeader(c *gomodel.Call) bool {
	for _, n := range c.File.Around(c.CallExpr) {
		r, ok := n.(*ast.RangeStmt)
		if !ok || r.Value == nil || headers(c.File, r.X) == "" {
			continue
		}
		chosen := false
		ast.Inspect(r.Body, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.IfStmt, *ast.SwitchStmt:
				chosen = true
			}
			return !chosen
		})
		value := gomodel.Written(r.Value)
		return !chosen && value != "_" && slices.ContainsFunc(c.Args, func(a ast.Expr) bool {
			return analysis.GoMentions(a, func(id string) bool { return id == value })
		})
	}
	return false
}

// pair tells whether a function makes what is logged of a name and a value:
// that is looked at where it is logged.
func pair(method string) bool {
	switch method {
	case "String", "Any", "Str", "ByteString", "Interface", "Group", "Strings":
		return true
	}
	return false
}

// secretIn is the secret that a logged expression holds, "" for none.
func secretIn(p *analysis.Pass, f *gomodel.File, e ast.Expr, key string) string {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return secretIn(p, f, x.X, key)
	case *ast.StarExpr:
		return secretIn(p, f, x.X, key)
	case *ast.UnaryExpr:
		return secretIn(p, f, x.X, key)
	case *ast.BinaryExpr:
		if x.Op.String() != "+" {
			return ""
		}
		if what := secretIn(p, f, x.X, ""); what != "" {
			return what
		}
		return secretIn(p, f, x.Y, "")
	case *ast.CompositeLit:
		for _, el := range x.Elts {
			if kv, ok := el.(*ast.KeyValueExpr); ok {
				text, _ := f.Text(kv.Key)
				if what := secretIn(p, f, kv.Value, text); what != "" {
					return what
				}
			}
		}
		return ""
	case *ast.CallExpr:
		return secretCall(p, f, x)
	case *ast.IndexExpr: // r.Header["Authorization"]
		if name, ok := f.Text(x.Index); ok && credential(name) && f.TypeOf(x.X) == "net/http.Header" && f.Level(x.X) == gomodel.Tainted {
			return name
		}
	case *ast.Ident, *ast.SelectorExpr:
		if what := headers(f, e); what != "" {
			return what
		}
		if in, only := f.Only(e); only != e { // got := r.Header.Get("Authorization")
			if c, ok := only.(*ast.CallExpr); ok && taken(in, c) {
				if what := secretCall(p, in, c); what != "" {
					return what
				}
			}
		}
		id := analysis.GoLeaf(f, e)
		switch p.Go.Underlying(f.TypeOf(e)) {
		case "string", "[]byte":
			if (id == "token" || id == "tok") && !f.Imports("net/http", "github.com/gin-gonic/gin", "github.com/labstack/echo", "github.com/gofiber/fiber", "github.com/golang-jwt/jwt") {
				return "" // of a language
			}
			if secret(id) || analysis.GoPassword(id) && f.Level(e) == gomodel.Tainted || secret(key) && !strings.ContainsAny(key, " %:") && !about(key) {
				return id
			}
		case "":
			if _, ok := e.(*ast.SelectorExpr); ok && secret(id) {
				return id
			}
		default:
			return fields(p, f, e)
		}
	}
	return ""
}

func secretCall(p *analysis.Pass, f *gomodel.File, x *ast.CallExpr) string {
	c := f.CallOf(x)
	if c == nil {
		return ""
	}
	switch c.Method() {
	case "Get", "GetHeader", "FormValue", "PostFormValue", "PostForm", "Query", "QueryParam", "Cookie":
		if name, ok := f.Text(c.Arg(0)); ok && (secret(name) || credential(name)) && f.Level(x) == gomodel.Tainted {
			return name
		}
	case "Clone":
		return headers(f, c.Receiver())
	case "Cookies":
		if c.Name == "net/http.Request.Cookies" && f.Level(x) == gomodel.Tainted {
			return "all cookies of the request"
		}
	case "DumpRequest":
		if c.Name == "net/http/httputil.DumpRequest" && handled(c.Func) {
			return "the whole request, with Authorization and Cookie,"
		}
	case "Sprintf", "Sprint", "string", "Sprintln":
		for _, a := range c.Args {
			if what := secretIn(p, f, a, ""); what != "" {
				return what
			}
		}
	default: // slog.String("password", p)
		if name, ok := f.Text(c.Arg(0)); ok && len(c.Args) == 2 && pair(c.Method()) && log(c) {
			return secretIn(p, f, c.Args[1], name)
		}
	}
	if conv, ok := x.Fun.(*ast.ArrayType); ok && len(x.Args) == 1 && conv.Len == nil {
		return secretIn(p, f, x.Args[0], "")
	}
	return ""
}

// taken tells whether a call takes one thing of a request.
func taken(f *gomodel.File, x *ast.CallExpr) bool {
	c := f.CallOf(x)
	if c == nil {
		return false
	}
	switch c.Method() {
	case "Get", "GetHeader":
		name, ok := f.Text(c.Arg(0))
		return ok && credential(name)
	case "Cookies", "DumpRequest":
		return true
	}
	return false
}

// credential tells whether a header is one that lets its bearer in.
func credential(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "cookie", "x-api-key", "proxy-authorization", "x-auth-token":
		return true
	}
	return false
}

// allHeaders is what is said of a request's headers.
const allHeaders = "the header of the request as a whole, with Authorization and Cookie,"

// headers says that an expression is all headers of a request, from which none
// was taken out, or "".
func headers(f *gomodel.File, e ast.Expr) string {
	if e == nil || f.TypeOf(e) != "net/http.Header" || f.Level(e) != gomodel.Tainted {
		return ""
	}
	fn := f.FuncOf(e)
	if fn == nil {
		return ""
	}
	in, of := f.Only(e)
	for _, o := range fn.Root().Within() {
		for _, c := range o.Calls {
			if c.Method() != "Del" && c.Method() != "Set" || c.Receiver() == nil || c.Pos() > e.Pos() {
				continue
			}
			if same := gomodel.Written(c.Receiver()); same == gomodel.Written(e) || same == gomodel.Written(of) {
				return ""
			}
		}
	}
	if sel, ok := of.(*ast.SelectorExpr); ok && gomodel.Request(in.TypeOf(sel.X)) && sel.Sel.Name == "Header" {
		return allHeaders
	}
	if c, ok := of.(*ast.CallExpr); ok {
		if call := in.CallOf(c); call != nil && call.Method() == "Clone" {
			return headers(in, call.Receiver())
		}
	}
	return ""
}

// secret tells whether a name is of what nobody else may read.
func secret(id string) bool {
	return (analysis.GoPassword(id) || analysis.Secret(id) || analysis.Names(id, "otp code", "reset code", "card number", "cvv", "cvc", "ssn")) &&
		!analysis.Names(id, "masked", "mask", "redacted", "pass", "pin", "pw", "next token", "page token", "continuation", "cancellation", "cancel", "kind", "err", "error", "count", "index", "bad", "unexpected", "lexer", "parser", "connector", "conn id")
}

// about tells whether a key names something about a secret.
func about(key string) bool {
	return analysis.Names(key, "id", "connector", "type", "count", "length")
}

// fields is the secret in a struct that is logged as a whole.
func fields(p *analysis.Pass, f *gomodel.File, e ast.Expr) string {
	t := f.TypeOf(e)
	own := p.Go.Type(t)
	if own == nil || f.Level(e) != gomodel.Tainted {
		return ""
	}
	for _, m := range []string{"String", "GoString", "LogValue", "Format", "Error", "MarshalJSON", "MarshalText"} {
		if own.Methods[m] != nil {
			return ""
		}
	}
	for _, field := range p.Go.Fields(t) {
		if analysis.GoPassword(field.Name) && field.Type == "string" {
			return field.Name + " of " + gomodel.Written(e)
		}
	}
	return ""
}

// answers looks at a call that answers with a struct.
func answers(p *analysis.Pass, c *gomodel.Call) {
	_, body, ok := answer(c)
	if !ok {
		body = handedOn(c)
	}
	for _, e := range body {
		if what := given(p, c, e, 0); what != "" {
			p.GoAt(exposed, c.File, c, "%s is in the answer", what)
			return
		}
	}
}

// handedOn are the values that a function of the project is given to answer
// with: writeJSON(w, 200, user).
func handedOn(c *gomodel.Call) []ast.Expr {
	if len(c.Targets()) != 1 || len(c.Args) < 2 || !writer(c.File, c.Args[0]) {
		return nil
	}
	to := c.Targets()[0]
	for _, in := range to.Calls {
		_, body, ok := answer(in)
		if !ok {
			continue
		}
		for _, e := range body {
			if v := parameter(to.File, e); v != nil {
				if a := argument(c, v); a != nil {
					return []ast.Expr{a}
				}
			}
		}
	}
	return nil
}

// given is the secret field that JSON of an expression holds.
func given(p *analysis.Pass, c *gomodel.Call, e ast.Expr, depth int) string {
	f := c.File
	if depth > 3 {
		return ""
	}
	switch x := e.(type) {
	case *ast.UnaryExpr:
		return given(p, c, x.X, depth)
	case *ast.CallExpr:
		if call := f.CallOf(x); call != nil && call.Name == "os.Environ" {
			return "the environment of the process, with its secrets,"
		}
	case *ast.CompositeLit:
		if p.Go.Type(f.TypeOf(x)) != nil {
			return ""
		}
		for _, el := range x.Elts {
			if kv, ok := el.(*ast.KeyValueExpr); ok {
				if what := given(p, c, kv.Value, depth+1); what != "" {
					return what
				}
			}
		}
		return ""
	}
	t := f.TypeOf(e)
	for range 2 {
		if strings.HasPrefix(t, "[]") || strings.HasPrefix(t, "map[") {
			t = gomodel.Elem(t)
		}
	}
	own := p.Go.Type(t)
	if own == nil || own.Methods["MarshalJSON"] != nil {
		return ""
	}
	for _, field := range p.Go.Fields(t) {
		if field.Tag == "-" || !ast.IsExported(field.Name) || field.Type != "string" && field.Type != "[]byte" || !storedSecret(field.Name) && !storedSecret(field.Tag) {
			continue
		}
		if cleared(c, field.Name) {
			return ""
		}
		name := gomodel.Written(e)
		if name == "" {
			name = "what is sent"
		}
		return field.Name + " of " + name
	}
	return ""
}

// storedSecret tells whether a field is one of a stored user.
func storedSecret(name string) bool {
	return analysis.Names(name, "password", "passwd", "password hash", "hashed password", "pass hash", "totp secret", "mfa secret", "otp secret", "two factor secret") && !analysis.Names(name, "policy", "reset", "min", "max", "url", "hint", "length", "changed", "expires", "set", "has", "generated", "new", "temporary")
}

// cleared tells whether a function empties a field before it answers, or fills
// the value with fields that it chose.
func cleared(c *gomodel.Call, field string) bool {
	if c.Func == nil {
		return false
	}
	found := false
	ast.Inspect(c.Func.Root().Node, func(n ast.Node) bool {
		if s, ok := n.(*ast.AssignStmt); ok && s.Pos() < c.Pos() {
			for i, l := range s.Lhs {
				if sel, ok := l.(*ast.SelectorExpr); ok && sel.Sel.Name == field && i < len(s.Rhs) {
					text, known := c.File.Text(s.Rhs[i])
					id, isNil := s.Rhs[i].(*ast.Ident)
					found = found || known && (text == "" || strings.Trim(text, "*x") == "") || isNil && id.Name == "nil"
				}
			}
		}
		return !found
	})
	for _, o := range c.Func.Root().Calls {
		found = found || o.Pos() < c.Pos() && analysis.Names(o.Method(), "sanitize", "clear password", "hide", "redact", "omit")
	}
	return found
}
