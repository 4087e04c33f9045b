package accounts

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// logouts tells of a logout whose effect nobody reads.
func logouts(p *analysis.Pass, h *handler.Handler) {
	if h.WebSocket || !h.Writes() || !h.Auth || !h.Says("logout", "log out", "signout", "sign out", "revoke") {
		return
	}
	changed := map[*pymodel.Class]bool{}
	for _, f := range h.Own {
		// What a guard does is no logout.
		if slices.Contains(h.Guards, f) {
			continue
		}
		for _, c := range f.Calls {
			if t := alters(c); t != nil && session(t) {
				changed[t] = true
			}
		}
	}
	if len(changed) == 0 {
		return
	}
	var name string
	for t := range changed {
		if read(p, t, h.Func) {
			return
		}
		if name == "" || t.Name < name {
			name = t.Name
		}
	}
	p.PythonAt(logoutIdle, h.Func.Module, h.Func, "%s changes rows of %s, which nothing reads", h.Func.Name, name)
}

// session tells whether a table keeps sessions, or tokens that have ended.
func session(c *pymodel.Class) bool {
	return analysis.Names(c.Name, "session", "sessions", "token", "tokens", "revoked", "revocation", "blacklist", "blacklisted", "denylist", "blocklist", "jti") &&
		!analysis.Names(c.Name, "audit", "log", "history", "event")
}

// alters is the table of which a call deletes rows, or adds one.
func alters(c *pymodel.Call) *pymodel.Class {
	if b := c.Scope.Symbol(c.Func).Binding; b != nil && b.Class != nil && b.Class.IsTable() {
		return b.Class
	}
	if c.Target() != nil || c.Method() != "delete" && c.Method() != "update" {
		return nil
	}
	return tables(c.Scope, c.Call)
}

// tables is the first table that an expression names.
func tables(s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	var out *pymodel.Class
	pyast.Inspect(e, func(n pyast.Node) bool {
		if name, ok := n.(*pyast.Name); ok && out == nil {
			if b := s.Symbol(name).Binding; b != nil && b.Class != nil && b.Class.IsTable() {
				out = b.Class
			}
		}
		return out == nil
	})
	return out
}

// read tells whether a function other than the logout asks for rows of a table:
// it names the table in anything but what makes a row or deletes some.
func read(p *analysis.Pass, table *pymodel.Class, logout *pymodel.Func) bool {
	found := false
	p.Funcs(func(f *pymodel.Func) {
		if found || f == logout || f.Module.Test {
			return
		}
		// What only makes or deletes rows does not read them.
		var written []pyast.Node
		for _, c := range f.Calls {
			if alters(c) == table {
				if b := c.Scope.Symbol(c.Func).Binding; b != nil && b.Class == table {
					written = append(written, c.Func)
				} else {
					written = append(written, c.Call)
				}
			}
		}
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			name, ok := n.(*pyast.Name)
			if !ok || found || name.Ctx != pyast.Load {
				return !found
			}
			if b := f.Scope.Symbol(name).Binding; b == nil || b.Class != table {
				return true
			}
			found = !slices.ContainsFunc(written, func(w pyast.Node) bool { return w.Pos() <= n.Pos() && n.End() <= w.End() })
			return !found
		})
	})
	// Others may reach the rows by a relationship, or by a statement.
	if !found {
		p.Modules(func(m *pymodel.Module) {
			name, _ := table.Scope.Text(valueOf(table, "__tablename__"))
			pyast.Walk(m.File.Body, func(n pyast.Node) bool {
				c, ok := n.(*pyast.Constant)
				if ok && c.Kind == pyast.Str && (c.Value == table.Name || name != "" && c.Value != name && len(c.Value) > len(name)+6 && analysis.Names(c.Value, name)) {
					found = true
				}
				return !found
			})
		})
	}
	return found
}

func valueOf(c *pymodel.Class, name string) pyast.Expr {
	if b := c.Scope.Names[name]; b != nil {
		return b.Value
	}
	return nil
}
