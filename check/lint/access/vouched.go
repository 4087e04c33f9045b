package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// guarding are the functions that say who may pass: dependencies on who calls,
// and what refuses.
func guarding(s *handler.Set) map[*pymodel.Func]bool {
	out := map[*pymodel.Func]bool{}
	for _, h := range s.Handlers {
		for _, f := range h.Guards {
			out[f] = true
		}
		for _, f := range h.Own {
			for _, c := range f.Calls {
				if handler.Refuses(c.Scope, c.Call) {
					out[f] = true
				}
			}
		}
	}
	for f := range s.Dependencies {
		out[f] = out[f] || slices.ContainsFunc(handler.Chain(f), func(f *pymodel.Func) bool {
			return slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool { return handler.Refuses(c.Scope, c.Call) })
		})
	}
	return out
}

// provesHeader tells whether a function asks whoever sends the header for more:
// that a token is verified in another branch is none of it.
func provesHeader(f *pymodel.Func) bool {
	if slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool { return strings.HasSuffix(c.Name(), "compare_digest") }) {
		return true
	}
	return analysis.Mentions(f.FunctionDef, func(id string) bool {
		return analysis.Names(id, "proxy secret", "gateway secret", "internal secret", "shared secret", "service secret", "trusted proxies", "trusted proxy", "signature", "internal token", "service token", "gateway token")
	})
}

// vouches tells whether a header is one by which services tell each other who
// they are. What holds a secret is another matter.
func vouches(name string) bool {
	if !strings.HasPrefix(name, "x-") || handler.Identity(name) {
		return false
	}
	return analysis.Names(name, "service", "internal", "caller", "gateway", "trusted", "worker", "cron", "system", "source", "client", "from", "app", "component", "origin", "privileged", "auth", "authenticated", "verified", "staff", "employee", "agent", "node", "peer") &&
		!secretHeader(name)
}

// secretHeader tells whether a header holds what others do not know, or
// something that has nothing to do with who calls.
func secretHeader(name string) bool {
	return analysis.Names(name, "token", "key", "secret", "signature", "sign", "password", "hmac", "jwt", "authorization", "version", "cert", "csrf", "ip", "addr", "for", "proto", "host", "port", "platform", "device", "language", "timezone", "zone", "trace", "request id", "correlation", "certificate", "credential", "code", "otp", "nonce", "timestamp", "cloud", "google", "github", "gitlab", "hub", "amz", "goog", "type", "requested with", "if match", "idempotency", "mode", "preview", "accept", "content", "user agent", "dry run", "http method", "method")
}

// gives tells whether a branch returns something made: a user.
func gives(body []pyast.Stmt) bool {
	r, ok := body[len(body)-1].(*pyast.Return)
	if !ok {
		return false
	}
	switch r.Value.(type) {
	case *pyast.Call, *pyast.Dict:
		return true
	}
	return false
}

// vouched finds a header that opens the way: its value is one of a list, or
// is there at all, and whoever sends it passes.
func vouched(f *pymodel.Func) (pyast.Node, string) {
	var at pyast.Node
	said := ""
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		var test pyast.Expr
		passes, grants := false, false
		switch n := n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef:
			return false
		case *pyast.If:
			test, passes = n.Test, returnsGood(n.Body) || passesEarly(f, n) || refusesIn(f, n.Body) || len(n.Orelse) > 0 && refusesIn(f, n.Orelse)
			grants = returnsGood(n.Body) && gives(n.Body)
		case *pyast.Return:
			if analysis.Names(f.Name, "is", "allowed", "authorized", "trusted", "internal", "authenticated") {
				test, passes = n.Value, true
			}
		}
		if test == nil || !passes || at != nil {
			return at == nil
		}
		for _, e := range conditions(test) {
			side := e
			if cmp, ok := e.(*pyast.Compare); ok && len(cmp.Ops) == 1 {
				side = cmp.Left
				if headerName(f.Scope, side, 0) == "" {
					side = cmp.Comparators[0]
				}
				other := cmp.Comparators[0]
				if side == other {
					other = cmp.Left
				}
				// A secret is compared.
				if analysis.Mentions(other, func(id string) bool { return analysis.Secret(id) || analysis.Names(id, "token", "secret", "key") }) {
					continue
				}
			}
			name := headerName(f.Scope, side, 0)
			// Whatever it is called, it stands for a user.
			stands := grants && strings.HasPrefix(name, "x-") && !secretHeader(name) && !handler.Identity(name)
			if (vouches(name) || stands) && !missing(f, e, n) {
				at, said = n, name
				if _, isIf := n.(*pyast.If); isIf {
					at = readAt(f.Scope, side)
				}
				return false
			}
		}
		return true
	})
	return at, said
}

// readAt is where the header is read.
func readAt(s *pymodel.Scope, e pyast.Expr) pyast.Node {
	if n, ok := e.(*pyast.Name); ok {
		if b, at := s.Lookup(n.ID); b != nil && at.Func != nil && b.Value != nil && !b.Param {
			return b.Value
		}
	}
	return e
}

// missing tells of: if not header: raise, where more is asked afterwards. It
// is asked for, and not yet believed.
func missing(f *pymodel.Func, e pyast.Expr, n pyast.Node) bool {
	branch, ok := n.(*pyast.If)
	if !ok {
		return false
	}
	if _, isCompare := e.(*pyast.Compare); isCompare {
		return false
	}
	if _, not := branch.Test.(*pyast.UnaryOp); !not || len(branch.Orelse) > 0 {
		return false
	}
	last := f.Body[len(f.Body)-1]
	return pyast.Node(last) != n
}

// headerName is the header that a value comes from.
func headerName(s *pymodel.Scope, e pyast.Expr, depth int) string {
	if depth > 5 || e == nil {
		return ""
	}
	if name := headerRead(s, e); name != "" {
		return name
	}
	switch x := e.(type) {
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok && len(x.Args) == 0 {
			switch a.Attr {
			case "lower", "strip", "upper":
				return headerName(s, a.Value, depth+1)
			}
		}
	case *pyast.BoolOp:
		return headerName(s, x.Values[0], depth+1)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil {
			return ""
		}
		if b.Param {
			return headerParam(at.Func, x.ID)
		}
		if b.Value != nil && !b.Part && b.Count == 1 {
			return headerName(at, b.Value, depth+1)
		}
	}
	return ""
}

// returnsGood tells whether a branch ends with somebody, or with yes.
func returnsGood(body []pyast.Stmt) bool {
	if len(body) == 0 {
		return false
	}
	r, ok := body[len(body)-1].(*pyast.Return)
	if !ok {
		return false
	}
	if r.Value == nil {
		return true
	}
	c, ok := r.Value.(*pyast.Constant)
	return !ok || c.Kind == pyast.True || c.Kind == pyast.Str
}

// passesEarly tells of `if header in SERVICES: return None` ahead of what
// refuses everybody else: a guard that says nothing lets in.
func passesEarly(f *pymodel.Func, branch *pyast.If) bool {
	r, ok := branch.Body[len(branch.Body)-1].(*pyast.Return)
	cmp, compares := branch.Test.(*pyast.Compare)
	if !ok || !compares || len(cmp.Ops) != 1 || cmp.Ops[0] != pyast.In && cmp.Ops[0] != pyast.Eq || !f.Scope.Is(r.Value, pyast.None) || f.Scope.Is(cmp.Comparators[0], pyast.None) {
		return false
	}
	return slices.ContainsFunc(f.Body, func(s pyast.Stmt) bool {
		return s.Pos() > branch.Pos() && refusesIn(f, []pyast.Stmt{s})
	})
}

func refusesIn(f *pymodel.Func, body []pyast.Stmt) bool {
	found := false
	pyast.Walk(body, func(n pyast.Node) bool {
		if c, ok := n.(*pyast.Call); ok && handler.Refuses(f.Scope, c) {
			found = true
		}
		return !found
	})
	return found
}
