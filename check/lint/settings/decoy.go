package settings

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// A login that takes as long for a name that nobody has as for one that
// somebody has verifies against the hash of something. What that is opens
// nothing: there is no account that has it.

// decoys are words of what stands for an account that is not there.
func decoys(id string) bool {
	return analysis.Names(id, "dummy", "decoy", "fake", "unknown", "absent", "timing", "placeholder", "nonexistent", "missing user", "no user", "equalize", "equalise")
}

func hashes(c *pyast.Call) bool {
	return analysis.Names(analysis.Leaf(c.Func), "hash", "hashed", "hashpw", "hasher", "hash password", "derive")
}

func verifies(c *pyast.Call) bool {
	return analysis.Names(analysis.Leaf(c.Func), "verify", "checkpw", "check password", "check", "compare")
}

// decoy tells whether what stands here is hashed for a verification that takes
// its time and cannot succeed: into something that is called so, into nothing,
// as the other arm of a choice, or right in the call that verifies.
func (w *word) decoy() bool {
	inner := w.node
	if a, ok := inner.(*pyast.Assign); ok && len(a.Targets) == 1 {
		id := analysis.Leaf(a.Targets[0])
		return decoys(id) && w.onlyHashed(id)
	}
	c, hashed := inner.(*pyast.Call)
	hashed = hashed && hashes(c)
	for i := len(w.in) - 1; i >= 0; i-- {
		switch n := w.in[i].(type) {
		case *pyast.Call:
			switch {
			case verifies(n):
				return hashed
			case hashes(n):
				hashed = true
			case pyast.Node(n.Func) != inner: // not of .encode() behind it
				return false
			}
		case *pyast.IfExp:
			// user.password_hash if user else hash_password("…")
			other := n.Body
			if inner == pyast.Node(n.Body) {
				other = n.Orelse
			}
			if a, ok := other.(*pyast.Attribute); ok && hashed && analysis.Mentions(n.Test, func(id string) bool { return id == analysis.Leaf(a.Value) }) {
				return true
			}
		case *pyast.BoolOp:
		case *pyast.Assign:
			return hashed && len(n.Targets) == 1 && decoys(analysis.Leaf(n.Targets[0]))
		case *pyast.AnnAssign:
			return hashed && decoys(analysis.Leaf(n.Target))
		case *pyast.NamedExpr:
			return hashed && decoys(analysis.Leaf(n.Target))
		case *pyast.ExprStmt:
			return hashed
		case *pyast.Return:
		case *pyast.FunctionDef:
			_, returned := inner.(*pyast.Return)
			return hashed && returned && decoys(n.Name)
		case *pyast.Keyword, *pyast.Attribute, *pyast.Await, *pyast.Lambda:
		default:
			return false
		}
		inner = w.in[i]
	}
	return false
}

// onlyHashed tells whether a name of the module is used, and for nothing but
// to be hashed or verified.
func (w *word) onlyHashed(id string) bool {
	used, hashed := 0, 0
	is := func(e pyast.Expr) bool { n, ok := e.(*pyast.Name); return ok && n.ID == id && n.Ctx == pyast.Load }
	pyast.Walk(w.m.File.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Name:
			if is(n) {
				used++
			}
		case *pyast.Call:
			if hashes(n) || verifies(n) {
				for _, a := range n.Args {
					if is(a) {
						hashed++
					}
				}
			}
		}
		return true
	})
	return used > 0 && used == hashed
}
