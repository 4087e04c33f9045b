package access

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// raises is the field by which a handler gives somebody more rights; "" when it
// sets none.
func raises(h *handler.Handler) string {
	ids := ids(h)
	if len(ids) == 0 || !h.Writes() {
		return ""
	}
	rights := func(name string) bool {
		switch name {
		case "role", "roles", "is_admin", "is_staff", "is_superuser", "permissions", "is_moderator", "scopes", "user_role":
			return true
		}
		return false
	}
	found := ""
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Assign:
			a, ok := n.Targets[0].(*pyast.Attribute)
			if !ok || !rights(a.Attr) || h.Func.Scope.Is(n.Value, pyast.False) {
				break
			}
			if text, known := h.Func.Scope.Text(n.Value); known && !admins(text) {
				break
			}
			base, ok := a.Value.(*pyast.Name)
			if !ok || slices.ContainsFunc(h.Users, func(p *pymodel.Param) bool { return p.Name == base.ID }) {
				break
			}
			b, at := h.Func.Scope.Lookup(base.ID)
			if b == nil || at.Func != h.Func || b.Value == nil {
				break
			}
			value := b.Value
			if w, ok := value.(*pyast.Await); ok {
				value = w.Value
			}
			if made, ok := value.(*pyast.Call); ok && !constructs(&pymodel.Call{Call: made, Scope: at}) {
				found = a.Attr
			}
		case *pyast.Call:
			if analysis.Leaf(n.Func) == "values" {
				for _, k := range n.Keywords {
					if rights(k.Name) {
						found = k.Name
					}
				}
			}
		}
		return found == ""
	})
	return found
}

// clerks are acts of those who work for the application, and of users too
// where it is asked whose the thing is.
var clerks = []string{"refund", "payout", "ban", "suspend", "approve", "export all", "export users", "export customers", "export orders", "write off", "chargeback", "adjust balance", "adjust stock", "void", "reinstate", "unsuspend", "blacklist"}

// clerk tells of such an act that any user may do, where other routes ask for
// a role.
func clerk(p *analysis.Pass, s *handler.Set, h *handler.Handler) bool {
	if !analysis.Names(h.Func.Name, clerks...) || !h.Writes() && !h.Says("export") || s.Middleware || len(h.Users)+len(h.Fields) == 0 || h.Says("me", "my", "mine", "own", "request", "friend", "invitation", "preview", "status") {
		return false
	}
	names := ids(h)
	if !slices.ContainsFunc(s.Handlers, func(o *handler.Handler) bool { return o.Role && o.Auth }) || cares(h, names) || hidesUser(h) || h.Func.Class != nil && readsField(h) {
		return false
	}
	// lint/idor tells of a row that belongs to somebody.
	if slices.ContainsFunc(lookups(h.Func, names, 0), func(l lookup) bool { return owned(l.table) }) {
		return false
	}
	p.PythonSeverity(adminNoRole, finding.Medium, h.Func.Module, h.Func, "%s is for those who work for the application by its name, other routes ask for a role, and any user who is logged in passes", label(h))
	return true
}
