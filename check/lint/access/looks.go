package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// handsOn tells whether something that is done with the current user may be a
// question: it is compared, looked up by, or goes where it is not seen. To
// write down who it was is none.
func handsOn(h *handler.Handler) bool {
	return slices.ContainsFunc(h.Users, func(u *pymodel.Param) bool { return looks(h.Func, u.Name, 0) })
}

// looks tells the same of a function and one of its parameters.
func looks(f *pymodel.Func, name string, depth int) bool {
	if depth > 4 {
		return true
	}
	names := alsoNamed(f, name)
	holds := func(e pyast.Expr) bool { return e != nil && heldBy(f, e, names) }
	for _, c := range f.Calls {
		if constructs(c) {
			// A comment of one's own is put below what others wrote.
			if adds(c) && slices.ContainsFunc(arguments(c.Call), holds) {
				return true
			}
			continue
		}
		if logs(c) || writesDown(c) {
			continue
		}
		// user.may_see(order)
		if r, ok := c.Receiver().(*pyast.Name); ok && names[r.ID] && len(c.Args) > 0 {
			return true
		}
		if c.Scope.Enclosing() == f && buildsOnly(c) {
			continue
		}
		to := c.Target()
		for i, a := range c.Args {
			if holds(a) && (to == nil || looksAt(c, to, i, "", depth)) {
				return true
			}
		}
		for _, k := range c.Keywords {
			if holds(k.Value) && (to == nil || k.Name == "" || looksAt(c, to, -1, k.Name, depth)) {
				return true
			}
		}
	}
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare:
			if len(n.Comparators) == 1 && f.Scope.Is(n.Comparators[0], pyast.None) {
				break
			}
			found = found || anyName(n, names)
		case *pyast.Subscript:
			// ORDERS[user.id]
			if base, ok := n.Value.(*pyast.Name); !ok || !names[base.ID] {
				found = found || anyName(n.Slice, names)
			}
		case *pyast.If:
			found = found || attributeOf(n.Test, names)
		case *pyast.IfExp:
			found = found || attributeOf(n.Test, names)
		case *pyast.AugAssign:
			found = found || anyName(n.Value, names)
		case *pyast.For:
			found = found || attributeOf(n.Iter, names)
		case *pyast.Comprehension:
			found = found || attributeOf(n.Iter, names)
		}
		return !found
	})
	return found
}

// adds tells whether a call makes something that is kept, and is no record of
// what was done.
func adds(c *pymodel.Call) bool {
	class := c.Scope.Symbol(c.Func).Binding.Class
	return !class.IsA("pydantic.BaseModel") && !analysis.Names(class.Name, append([]string{"entry", "event", "access", "view", "record"}, records...)...)
}

// looksAt tells whether the function that is called looks at an argument.
func looksAt(c *pymodel.Call, to *pymodel.Func, i int, name string, depth int) bool {
	params := to.Params
	if to.Class != nil && len(params) > 0 && (params[0].Name == "self" || params[0].Name == "cls") {
		params = params[1:]
	}
	switch {
	case pymodel.HasStars(c.Call):
		return true
	case name == "" && i < len(params):
		return looks(to, params[i].Name, depth+1)
	case name != "" && slices.ContainsFunc(params, func(p *pymodel.Param) bool { return p.Name == name }):
		return looks(to, name, depth+1)
	}
	return true
}

// alsoNamed are the names by which a function calls a value, or a part of it:
// uid = user.id, where = {"owner": user.id}.
func alsoNamed(f *pymodel.Func, name string) map[string]bool {
	names := map[string]bool{name: true}
	for range 3 {
		n := len(names)
		for _, d := range f.Scope.Defs {
			if names[d.Name] || d.Value == nil {
				continue
			}
			switch x := d.Value.(type) {
			case *pyast.Call:
				if a, ok := x.Func.(*pyast.Attribute); ok && len(x.Args) == 0 {
					if anyName(a.Value, names) { // user.id.hex()
						names[d.Name] = true
					}
				} else if len(x.Args) == 1 && strings.HasPrefix(f.Scope.Qualified(x.Func), "builtins.") && anyName(x, names) {
					names[d.Name] = true
				}
			default:
				if heldBy(f, d.Value, names) {
					names[d.Name] = true
				}
			}
		}
		if len(names) == n {
			break
		}
	}
	return names
}

// heldBy tells whether an expression holds one of the names, outside of calls
// that are looked at themselves.
func heldBy(f *pymodel.Func, e pyast.Expr, names map[string]bool) bool {
	found := false
	pyast.Inspect(e, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Call:
			name := f.Scope.Qualified(n.Func)
			if a, method := n.Func.(*pyast.Attribute); strings.HasPrefix(name, "builtins.") || method && len(n.Args) == 0 && anyName(a.Value, names) {
				break
			}
			return false
		case *pyast.Name:
			found = found || names[n.ID]
		}
		return !found
	})
	return found
}

func anyName(n pyast.Node, names map[string]bool) bool {
	found := false
	pyast.Inspect(n, func(n pyast.Node) bool {
		if id, ok := n.(*pyast.Name); ok && names[id.ID] {
			found = true
		}
		return !found
	})
	return found
}

// attributeOf tells whether an attribute of one of the names is asked.
func attributeOf(e pyast.Expr, names map[string]bool) bool {
	found := false
	pyast.Inspect(e, func(n pyast.Node) bool {
		if a, ok := n.(*pyast.Attribute); ok {
			if id, ok := a.Value.(*pyast.Name); ok && names[id.ID] {
				found = true
			}
		}
		return !found
	})
	return found
}

// buildsOnly tells of str(user.id): what it is given to is looked at.
func buildsOnly(c *pymodel.Call) bool {
	switch c.Name() {
	case "builtins.str", "builtins.int", "builtins.dict", "builtins.repr", "builtins.len", "builtins.print", "builtins.getattr", "starlette.exceptions.HTTPException", "starlette.responses.JSONResponse":
		return true
	}
	switch c.Method() {
	case "model_validate", "from_orm", "model_dump", "format", "join":
		return true
	}
	return false
}

var records = []string{"audit", "log", "logs", "logger", "auditor", "history", "journal", "trail", "track", "telemetry", "metrics", "analytics", "activity", "activities"}

// writesDown tells whether a call only writes down who did what, or counts how
// often.
func writesDown(c *pymodel.Call) bool {
	name := c.Method()
	if c.Target() == nil {
		if analysis.Names(name, records...) || analysis.Names(name, "limit", "throttle", "notify", "publish", "emit", "capture") || analysis.Names(pymodel.Dotted(c.Receiver()), records...) {
			return true
		}
		if len(c.Args) > 0 && (name == "add_task" || name == "create_task" || name == "delay" || name == "send_task") {
			return analysis.Names(analysis.Leaf(c.Args[0]), append([]string{"notify", "send", "mail", "email"}, records...)...)
		}
		return recorded(c)
	}
	return analysis.Names(name, "limit", "throttle", "rate limit") || recorded(c)
}

// recorded tells of INSERT INTO audit_log …: it asks nothing.
func recorded(c *pymodel.Call) bool {
	sql := sqlOf(c)
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(sql)), "insert") && analysis.Names(sqlTable(sql), append([]string{"entries", "events", "access", "views", "event", "entry"}, records...)...)
}
