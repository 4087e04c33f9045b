package accounts

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// authenticates tells whether a function says who calls, by its name.
func authenticates(f *pymodel.Func) bool {
	return analysis.Names(f.Name, "current user", "authenticate", "authenticated", "verify token", "get user", "auth", "require auth", "require user", "verify jwt", "decode token", "check auth", "check token", "current active user", "require admin", "verify password", "verify credentials", "login", "get user from token", "current admin", "verify api key", "authorize", "check password", "validate token", "is authenticated", "get identity", "dispatch", "validate credentials", "check credentials", "get principal")
}

// around tells of a way around: a branch of a function that says who calls,
// which lets in whoever says a word.
func around(p *analysis.Pass, f *pymodel.Func) {
	if f.Module.Test || !authenticates(f) || !others(f) {
		return
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		branch, ok := n.(*pyast.If)
		if !ok {
			return true
		}
		if !letsIn(branch.Body) {
			return true
		}
		for _, e := range parts(branch.Test) {
			if what, s := key(f, e); what != "" {
				p.PythonSeverity(bypass, s, f.Module, branch, "%s lets in whoever calls %s", f.Name, what)
				return false
			}
		}
		return true
	})
}

// others tells whether a function has another way: one that only compares a
// key is not a way around.
func others(f *pymodel.Func) bool {
	calls := 0
	for _, c := range f.Calls {
		switch c.Method() {
		case "get", "HTTPException", "startswith", "lower", "strip", "split", "info", "debug", "warning":
			continue
		}
		calls++
	}
	return calls > 0
}

// letsIn tells whether a branch ends with a user, or with yes.
func letsIn(body []pyast.Stmt) bool {
	if len(body) == 0 || len(body) > 4 {
		return false
	}
	r, ok := body[len(body)-1].(*pyast.Return)
	if !ok || r.Value == nil {
		return false
	}
	switch v := r.Value.(type) {
	case *pyast.Constant:
		return v.Kind == pyast.True || v.Kind == pyast.Str && v.Value != ""
	case *pyast.Call, *pyast.Dict, *pyast.Name, *pyast.Await, *pyast.Subscript, *pyast.Attribute, *pyast.Tuple:
		return !refuses(r.Value)
	}
	return false
}

func refuses(e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	return ok && analysis.Names(analysis.Leaf(c.Func), "response", "json response", "error", "exception", "unauthorized", "none", "redirect response", "anonymous", "anonymous user", "anonymous subject", "call next")
}

// parts are the conditions of which one, or all, must hold.
func parts(e pyast.Expr) []pyast.Expr {
	if b, ok := e.(*pyast.BoolOp); ok {
		var out []pyast.Expr
		for _, v := range b.Values {
			out = append(out, parts(v)...)
		}
		return out
	}
	return []pyast.Expr{e}
}

// key says what opens the way, and how bad it is.
func key(f *pymodel.Func, e pyast.Expr) (string, finding.Severity) {
	if cmp, ok := e.(*pyast.Compare); ok && len(cmp.Ops) == 1 && (cmp.Ops[0] == pyast.Eq || cmp.Ops[0] == pyast.In) {
		for i, side := range []pyast.Expr{cmp.Left, cmp.Comparators[0]} {
			other := cmp.Comparators[0]
			if i == 1 {
				other = cmp.Left
			}
			header := headerOf(side)
			if header != "" && debugWord(header) {
				return "with the header " + header, finding.Critical
			}
			leaf := analysis.Leaf(side)
			if (tokenName(leaf) || header != "" && tokenName(header)) && known(f.Scope, other) {
				return "with a " + strings.ToLower(leaf) + " that is in the source", finding.Critical
			}
			if passwordName(leaf) && known(f.Scope, other) && cmp.Ops[0] == pyast.Eq {
				return "with a password that is in the source", finding.Critical
			}
		}
	}
	if header := headerOf(e); header != "" && debugWord(header) {
		return "with the header " + header, finding.Critical
	}
	if c, ok := e.(*pyast.Call); ok && analysis.Leaf(c.Func) == "startswith" && len(c.Args) == 1 {
		if a, ok := c.Func.(*pyast.Attribute); ok && tokenName(analysis.Leaf(a.Value)) {
			if text, ok := f.Scope.Text(c.Args[0]); ok && debugWord(text) {
				return "with a token that begins with a word in the source", finding.Critical
			}
		}
	}
	name := analysis.Leaf(e)
	if cmp, ok := e.(*pyast.Compare); ok && len(cmp.Comparators) == 1 && (cmp.Ops[0] == pyast.Eq || cmp.Ops[0] == pyast.Is) {
		if text, ok := f.Scope.Text(cmp.Comparators[0]); ok || f.Scope.Is(cmp.Comparators[0], pyast.True) {
			name = analysis.Leaf(cmp.Left)
			if analysis.Names(name, "env", "environment", "app env", "stage") && !analysis.Names(text, "dev", "development", "local", "debug", "staging", "test") {
				name = ""
			} else if analysis.Names(name, "env", "environment", "app env", "stage") {
				return "where the environment is " + text, finding.Medium
			}
		}
	}
	if analysis.Names(name, "debug", "disable auth", "skip auth", "auth disabled", "bypass auth", "bypass", "no auth", "auth bypass", "dev mode", "debug mode", "disable authentication", "skip authentication", "testing mode", "allow anonymous admin", "insecure", "test mode", "fake auth", "mock auth", "backdoor", "debug auth", "dev bypass", "auth off") {
		s := finding.Medium
		// What a client sends is no setting.
		if n, ok := e.(*pyast.Name); ok {
			if b, at := f.Scope.Lookup(n.ID); b != nil && b.Param && at.Func == f {
				s = finding.Critical
			}
		}
		if analysis.Names(name, "backdoor") {
			s = finding.Critical
		}
		return "where " + name + " is set", s
	}
	return "", 0
}

func tokenName(name string) bool {
	switch strings.Join(pymodel.Words(name), " ") {
	case "token", "api key", "access token", "x api key", "authorization", "auth header", "credentials", "bearer", "jwt", "auth token", "x token", "raw token", "key", "auth", "bearer token", "session token", "cookie", "x auth token":
		return true
	}
	return false
}

func debugWord(name string) bool {
	return analysis.Names(name, "debug", "bypass", "skip", "internal", "test", "dev", "backdoor", "override", "master", "magic", "auth bypass", "admin", "superuser", "impersonate")
}

// known tells whether a value is in the source.
func known(s *pymodel.Scope, e pyast.Expr) bool {
	if text, ok := literal(s, e, 0); ok {
		return len(text) > 2 && !strings.EqualFold(text, "bearer") && !strings.EqualFold(text, "null") && !strings.EqualFold(text, "none") && !strings.EqualFold(text, "undefined")
	}
	texts, all := s.Texts(e)
	return all && len(texts) > 0 && len(texts[0]) > 4
}

// headerOf is the header that an expression reads.
func headerOf(e pyast.Expr) string {
	switch x := e.(type) {
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok && a.Attr == "get" && analysis.Leaf(a.Value) == "headers" {
			return analysis.Leaf(x)
		}
	case *pyast.Subscript:
		if analysis.Leaf(x.Value) == "headers" {
			return analysis.Leaf(x)
		}
	case *pyast.Name:
		if strings.HasPrefix(x.ID, "x_") {
			return x.ID
		}
	}
	return ""
}
