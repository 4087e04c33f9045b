package passwords

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// helped tells of a password that a function hashes which is called so that
// nothing tells what it is for: def digest(text).
func helped(p *analysis.Pass, c *pymodel.Call) {
	f := c.Target()
	if f == nil || len(c.Args) == 0 || analysis.Names(f.Name, "password", "verify", "check") {
		return
	}
	for i, a := range c.Args {
		leaf := analysis.Leaf(a)
		short := kind(leaf) != "" && kind(f.Name) == ""
		if !plain(leaf) && !short {
			continue
		}
		params := f.Params
		if f.Class != nil && len(params) > 0 && (params[0].Name == "self" || params[0].Name == "cls") {
			params = params[1:]
		}
		if i >= len(params) || plain(params[i].Name) || short && kind(params[i].Name) != "" {
			return // said in the function
		}
		if by := hashedBy(f, params[i].Name); by != "" && !breached(c) {
			if short {
				p.PythonAt(weakHash, c.Module, c, "%s is hashed by %s, in %s", leaf, by, f.Name)
			} else {
				p.PythonAt(weakHash, c.Module, c, "a password is hashed by %s, in %s", by, f.Name)
			}
		}
		return
	}
}

// hashedBy is the fast hash that a function makes of a parameter; empty when
// it makes none, or a slow one besides.
func hashedBy(f *pymodel.Func, param string) string {
	by := ""
	for _, c := range f.Calls {
		if n := c.Name(); slowHash(n) || c.Method() == "new" && strings.HasPrefix(n, "hmac.") {
			return ""
		}
		if !c.Is(fast...) || analysis.Mentions(f.FunctionDef, func(id string) bool { return strings.Contains(strings.ToLower(id), "pwned") }) {
			continue
		}
		for _, a := range c.Args {
			pyast.Inspect(a, func(n pyast.Node) bool {
				if name, ok := n.(*pyast.Name); ok && name.ID == param {
					by = c.Name()[strings.LastIndexByte(c.Name(), '.')+1:]
				}
				return true
			})
		}
	}
	return by
}
