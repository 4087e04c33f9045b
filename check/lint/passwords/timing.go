package passwords

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// early: if not user, return; and only then the hash.
func early(p *analysis.Pass, f *pymodel.Func) {
	v := verifiers(f)
	if len(v) != 1 || analysis.Mentions(f.FunctionDef, func(id string) bool { return analysis.Names(id, "dummy", "fake") }) {
		return
	}
	if e := v.skips(f); e != nil {
		p.PythonAt(timing, f.Module, e, "%s hashes nothing when there is no user", f.Name)
		return
	}
	for i, s := range f.Body {
		branch, ok := s.(*pyast.If)
		if !ok || i == 0 || !leaves(branch.Body) || v.in(branch.Body) {
			continue
		}
		if !v.looked(f, absent(branch.Test)) {
			continue
		}
		if after := f.Body[i+1:]; v.in(after) {
			p.PythonAt(timing, f.Module, branch, "%s leaves before it hashes when there is no user", f.Name)
			return
		}
	}
}

// verifying are the calls of a function that verify a password.
type verifying map[*pyast.Call]bool

func verifiers(f *pymodel.Func) verifying {
	v := verifying{}
	for _, c := range f.Calls {
		if verifies(c.Call) || len(hashesOf(c.Call)) > 0 && proves(c.Target()) {
			v[c.Call] = true
		}
	}
	return v
}

// proves tells whether a function of the project hashes a password, by
// whatever name.
func proves(f *pymodel.Func) bool {
	return f != nil && slices.ContainsFunc(f.Calls, func(c *pymodel.Call) bool {
		if verifies(c.Call) || c.Is("hashlib.scrypt", "hashlib.pbkdf2_hmac", "bcrypt.hashpw") {
			return true
		}
		to := c.Target()
		return to != nil && to != f && slices.ContainsFunc(to.Calls, func(c *pymodel.Call) bool {
			return c.Is("hashlib.scrypt", "hashlib.pbkdf2_hmac", "bcrypt.hashpw", "bcrypt.checkpw")
		})
	})
}

// hashesOf are the names whose hashes a call gets: matches(password, found.hash).
func hashesOf(c *pyast.Call) []string {
	var out []string
	for _, e := range c.Args {
		if a, ok := e.(*pyast.Attribute); ok && analysis.Names(a.Attr, "password", "hash", "hashed", "pwd", "passwd", "secret hash", "digest") {
			out = append(out, analysis.Leaf(a.Value))
		}
	}
	return out
}

// looked tells whether a name is that of a user who was looked for.
func (v verifying) looked(f *pymodel.Func, name string) bool {
	b, _ := f.Scope.Lookup(name)
	if name == "" || b == nil || b.Param || b.Value == nil {
		return false
	}
	// What has a password of its own, and is nobody.
	thing := analysis.Names(name, "invoice", "link", "share", "document", "doc", "file", "room", "paste", "note", "item", "album", "meeting", "poll", "secret")
	for c := range v {
		if slices.Contains(hashesOf(c), name) && !thing {
			return true
		}
	}
	return analysis.Names(name, "user", "account", "db user", "member", "customer", "admin", "row", "person", "employee", "usr", "u")
}

// skips finds `user is None or not verify(…)`, and `user and verify(…)`: the
// second half is not run where there is no user.
func (v verifying) skips(f *pymodel.Func) pyast.Node {
	var found pyast.Node
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		both, ok := n.(*pyast.BoolOp)
		if !ok {
			return found == nil
		}
		gone := false
		for _, e := range both.Values {
			name := absent(e)
			if both.Op == pyast.And {
				name = present(e)
			}
			if gone && v.in([]pyast.Stmt{&pyast.ExprStmt{Value: e}}) {
				found = both
			}
			gone = gone || v.looked(f, name) || v.kept(e, both.Op)
		}
		return found == nil
	})
	return found
}

// kept tells whether a test asks whether a user is in the dict whose hash is
// verified then: name in USERS and checkpw(password, USERS[name].hash).
func (v verifying) kept(e pyast.Expr, op pyast.Op) bool {
	cmp, ok := e.(*pyast.Compare)
	if !ok || len(cmp.Ops) != 1 || cmp.Ops[0] != pyast.In && cmp.Ops[0] != pyast.NotIn || (cmp.Ops[0] == pyast.In) != (op == pyast.And) {
		return false
	}
	dict := pymodel.Dotted(cmp.Comparators[0])
	found := false
	for c := range v {
		for _, a := range c.Args {
			pyast.Inspect(a, func(n pyast.Node) bool {
				sub, ok := n.(*pyast.Subscript)
				found = found || ok && dict != "" && pymodel.Dotted(sub.Value) == dict
				return !found
			})
		}
	}
	return found
}

// present is the name that a test asks to be something.
func present(e pyast.Expr) string {
	switch e := e.(type) {
	case *pyast.Name:
		return e.ID
	case *pyast.Call:
		if n, ok := e.Func.(*pyast.Name); ok && n.ID == "bool" && len(e.Args) == 1 {
			return present(e.Args[0])
		}
	case *pyast.NamedExpr:
		if n, ok := e.Target.(*pyast.Name); ok {
			return n.ID
		}
	case *pyast.Compare:
		if len(e.Ops) == 1 && e.Ops[0] == pyast.IsNot {
			return present(e.Left)
		}
	}
	return ""
}

// absent is the name that a test asks to be nothing.
func absent(e pyast.Expr) string {
	switch e := e.(type) {
	case *pyast.UnaryOp:
		if e.Op == pyast.Not {
			return present(e.Operand)
		}
	case *pyast.Compare:
		if c, ok := e.Comparators[0].(*pyast.Constant); ok && len(e.Ops) == 1 && e.Ops[0] == pyast.Is && c.Kind == pyast.None {
			return present(e.Left)
		}
	}
	return ""
}

func leaves(body []pyast.Stmt) bool {
	if len(body) == 0 {
		return false
	}
	switch body[len(body)-1].(type) {
	case *pyast.Return, *pyast.Raise:
		return true
	}
	return false
}

func (v verifying) in(body []pyast.Stmt) bool {
	found := false
	pyast.Walk(body, func(n pyast.Node) bool {
		if c, ok := n.(*pyast.Call); ok && v[c] {
			found = true
		}
		return !found
	})
	return found
}
