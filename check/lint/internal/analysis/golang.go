package analysis

import (
	"go/ast"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// GoCalls calls f for each call of Go in files that somebody runs.
func (p *Pass) GoCalls(f func(*gomodel.Call)) {
	for _, file := range p.Go.Files {
		for _, c := range file.Calls {
			f(c)
		}
	}
}

// GoFuncs calls f for each function of Go that is not within another.
func (p *Pass) GoFuncs(f func(*gomodel.Func)) {
	for _, file := range p.Go.Files {
		for _, fn := range file.Funcs {
			if fn.Outer == nil && fn.Body != nil {
				f(fn)
			}
		}
	}
}

// GoRoutes are the routes of the program, worked out once: nobody changes them.
func (p *Pass) GoRoutes() []*gomodel.Route { return Shared(p.Project, "go routes", p.Go.Routes) }

// GoLeaf is the last name of an expression, through conversions.
func GoLeaf(f *gomodel.File, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return GoLeaf(f, e.X)
	case *ast.StarExpr:
		return GoLeaf(f, e.X)
	case *ast.UnaryExpr:
		return GoLeaf(f, e.X)
	case *ast.SliceExpr:
		return GoLeaf(f, e.X)
	case *ast.IndexExpr:
		if text, ok := f.Text(e.Index); ok {
			return text
		}
		return GoLeaf(f, e.X)
	case *ast.CallExpr:
		c := f.CallOf(e)
		if c == nil {
			return gomodel.Written(e.Fun)
		}
		if len(e.Args) == 0 {
			if recv := c.Receiver(); recv != nil && c.Method() == "String" {
				return GoLeaf(f, recv)
			}
			return gomodel.Written(e.Fun)
		}
		if text, ok := f.Text(e.Args[0]); ok && text != "" && len(text) < 40 { // r.Header.Get("X-Api-Key")
			return text
		}
		switch c.Method() {
		case "string", "byte", "TrimSpace", "TrimPrefix", "TrimSuffix", "ToLower", "ToUpper", "EncodeToString", "DecodeString":
			return GoLeaf(f, e.Args[0])
		}
		if _, conversion := e.Fun.(*ast.ArrayType); conversion {
			return GoLeaf(f, e.Args[0])
		}
		return gomodel.Written(e.Fun)
	}
	written := gomodel.Written(e)
	return written[strings.LastIndexByte(written, '.')+1:]
}

// GoMentions tells whether a name for which f holds stands in what is written.
func GoMentions(n ast.Node, f func(identifier string) bool) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			found = found || f(id.Name)
		}
		return !found
	})
	return found
}

// GoPassword tells whether a name is that of a password.
func GoPassword(name string) bool {
	name = name[strings.LastIndexByte(name, '.')+1:]
	return Names(name, "password", "passwd", "pwd", "pass", "passphrase", "pw", "passcode", "pin") && !Names(name, "hash", "hashed", "by pass", "first pass", "second pass", "reset", "hint", "url", "min", "max", "length", "policy")
}

// GoSample tells whether a file is one that nobody runs.
func GoSample(path string) bool {
	for _, dir := range []string{"example/", "examples/", "_examples/", "mock/", "mocks/", "fixtures/", "testutil/", "testutils/", "testhelpers/", "conformance/", "test/", "tests/", "e2e/", "testing/"} {
		if strings.HasPrefix(path, dir) || strings.Contains(path, "/"+dir) {
			return true
		}
	}
	return strings.HasSuffix(path, "_mock.go") || strings.Contains(path[strings.LastIndexByte(path, '/')+1:], "_test_")
}

// GoStatus is the status that an expression stands for: 5xx as 500, others as
// they are or as 400; ok tells that it is known.
func GoStatus(f *gomodel.File, e ast.Expr) (status int, ok bool) {
	if e == nil {
		return 0, false
	}
	if n, ok := f.Int(e); ok {
		return int(n), n >= 100 && n < 600
	}
	in, only := f.Only(e)
	name := in.Qualified(only)
	i := strings.LastIndex(name, ".Status")
	if i < 0 || !strings.HasSuffix(name[:i], "net/http") && !strings.HasSuffix(name[:i], "/fiber") && !strings.HasSuffix(name[:i], "/fasthttp") {
		return 0, false
	}
	switch name[i+len(".Status"):] {
	case "InternalServerError", "NotImplemented", "BadGateway", "ServiceUnavailable", "GatewayTimeout", "InsufficientStorage", "LoopDetected":
		return 500, true
	case "OK", "Created", "Accepted", "NoContent":
		return 200, true
	}
	return 400, true
}

// GoBare is a value without the conversion to bytes around it.
func GoBare(e ast.Expr) ast.Expr {
	if c, ok := e.(*ast.CallExpr); ok && len(c.Args) == 1 {
		if _, conversion := c.Fun.(*ast.ArrayType); conversion {
			return c.Args[0]
		}
	}
	return e
}
