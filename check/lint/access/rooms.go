package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// callers are words for who calls, and for what tells it.
var callers = []string{"user", "users", "member", "members", "membership", "participant", "participants", "caller", "principal", "identity", "claims", "payload", "token", "account", "owner", "sub", "uid", "me"}

// room tells of a WebSocket that is about a row by its id, and lets in whoever
// is logged in, where other routes ask whose such a row is.
func room(p *analysis.Pass, s *handler.Set, h *handler.Handler, x *privacy) {
	if !h.Auth && !s.Middleware || h.Role || h.Unknown || h.Schemes {
		return
	}
	named := ids(h)
	for _, param := range h.Func.Params {
		name := param.Name
		table := x.called(name)
		if !named[name] || table == nil || !uses(h, name) || x.looked(h, table) || withCaller(h, name) {
			continue
		}
		p.PythonSeverity(idor, finding.Medium, h.Func.Module, h.Func, "%s lets in whoever is logged in, to any %s; other routes ask whose it is", h.Func.Name, table.Name)
		return
	}
}

// called is the table that an id is of by its name, where some route asks whose
// its rows are: booking_id of Booking.
func (x *privacy) called(id string) *pymodel.Class {
	words := pymodel.Words(id)
	if len(words) < 2 {
		return nil
	}
	var table *pymodel.Class
	for c := range x.some {
		// Of several of a name, always the same.
		if slices.Equal(pymodel.Words(c.Name), words[:len(words)-1]) && (table == nil || c.Module.Path < table.Module.Path) {
			table = c
		}
	}
	return table
}

// looked tells whether the handler, or what it calls, asks whose a row is.
func (x *privacy) looked(h *handler.Handler, table *pymodel.Class) bool {
	return slices.ContainsFunc(slices.Concat(h.Own, h.Guards), func(f *pymodel.Func) bool {
		return slices.Contains(asksOwner(f), table)
	})
}

// uses tells whether something is called with the id.
func uses(h *handler.Handler, name string) bool {
	return slices.ContainsFunc(h.Func.Calls, func(c *pymodel.Call) bool {
		return !logs(c) && slices.ContainsFunc(arguments(c.Call), func(e pyast.Expr) bool { return pymodel.Uses(e, name) })
	})
}

// withCaller tells whether the id and who calls come together: in a call, in
// what is called, or where the caller is compared.
func withCaller(h *handler.Handler, name string) bool {
	who := func(n pyast.Node) bool {
		return analysis.Mentions(n, func(id string) bool { return id != name && analysis.Names(id, callers...) })
	}
	for _, c := range h.Func.Calls {
		if logs(c) || strings.HasPrefix(c.Name(), "builtins.") {
			continue
		}
		args := arguments(c.Call)
		// What is sent to the others says who it is from, and asks nothing.
		if !slices.ContainsFunc(args, func(e pyast.Expr) bool { return pymodel.Uses(e, name) }) || analysis.Names(c.Method(), "publish", "broadcast", "send", "emit", "notify") {
			continue
		}
		if slices.ContainsFunc(args, func(e pyast.Expr) bool { return who(e) }) {
			return true
		}
		to := c.Target()
		if b := c.Scope.Symbol(c.Func).Binding; to == nil && b != nil && b.Class != nil {
			return true
		}
		if to != nil && analysis.Mentions(to.FunctionDef, func(id string) bool {
			return analysis.Names(id, "user", "token", "principal", "claims", "membership", "participant", "participants")
		}) {
			return true
		}
	}
	found := false
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		if cmp, ok := n.(*pyast.Compare); ok && len(cmp.Ops) == 1 && !h.Func.Scope.Is(cmp.Comparators[0], pyast.None) {
			found = found || who(cmp)
		}
		return !found
	})
	return found
}
