package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// owners tells of an owner, or a role, that the client names, and whether it
// said something.
func owners(p *analysis.Pass, h *handler.Handler) bool {
	if h.Says("login", "register", "signup", "token", "reset", "forgot") || h.Func.Class != nil {
		return false
	}
	roles(p, h)
	if h.Auth && !h.Schemes && !h.Role && !h.Says(inner...) && instead(p, h) {
		return true
	}
	if !h.Auth || h.Schemes || h.Role || h.Says(inner...) || len(h.Users) == 0 {
		return false
	}
	given := func(e pyast.Expr) bool { return client(p, h, e) }
	if handsOn(h) || hidesUser(h) {
		return false
	}
	said := false
	say := func(n pyast.Node, what string) {
		if !said {
			said = true
			p.PythonAt(ownerFromBody, h.Func.Module, n, "%s takes %s from what the client sent, and not from the current user", h.Func.Name, what)
		}
	}
	for _, c := range h.Func.Calls {
		switch {
		case constructs(c):
			built(c, given, func(e pyast.Expr) source { return sources(h, h.Func, c.Scope, e, 0) }, func(e pyast.Expr) bool { return mentionsUser(h, e) }, say)
		case sqlOf(c) != "" || c.Target() == nil && len(c.Args) > 1 && (c.Method() == "execute" || strings.HasPrefix(c.Method(), "fetch")):
			owner := ownID
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(sqlOf(c))), "insert") {
				if owner = rowOwner; recorded(c) || slices.ContainsFunc(arguments(c.Call), func(e pyast.Expr) bool { return mentionsUser(h, e) }) {
					continue
				}
			}
			for _, a := range c.Args[1:] {
				pyast.Inspect(a, func(n pyast.Node) bool {
					if e, ok := n.(pyast.Expr); ok && owner(analysis.Leaf(e)) && given(e) {
						say(e, analysis.Leaf(e))
					}
					return true
				})
			}
		case c.Target() == nil && slices.Contains(filters, c.Method()) || c.Method() == "get":
			for _, a := range arguments(c.Call) {
				cmp, ok := a.(*pyast.Compare)
				if ok && ownID(analysis.Leaf(cmp.Left)) && len(cmp.Comparators) == 1 && given(cmp.Comparators[0]) {
					say(cmp, analysis.Leaf(cmp.Left))
				}
			}
			for _, k := range c.Keywords {
				if ownID(k.Name) && given(k.Value) {
					say(k.Value, k.Name)
				}
			}
			if n := len(c.Args); c.Method() == "get" && n > 0 && !request(c.Receiver()) && given(c.Args[n-1]) && ownID(analysis.Leaf(c.Args[n-1])) {
				say(c.Call, analysis.Leaf(c.Args[n-1]))
			}
		default:
			// Handed on, to where it is stored or asked for.
			if to := c.Target(); to != nil {
				for _, a := range arguments(c.Call) {
					if leaf := analysis.Leaf(a); ownID(leaf) && given(a) && reachesTable(c, to, a) {
						say(a, leaf)
					}
					if sentModel(h, a) {
						if field := passedOn(h, c, to, a, 0); field != "" {
							say(a, field+" of "+analysis.Leaf(a))
						}
					}
				}
			}
		}
	}
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Dict:
			for i, k := range n.Keys {
				if text, ok := h.Func.Scope.Text(k); ok && k != nil && ownID(text) && given(n.Values[i]) && h.Writes() {
					say(n.Values[i], text)
				}
			}
		case *pyast.Subscript:
			if n.Ctx == pyast.Load && given(n.Slice) && ownID(analysis.Leaf(n.Slice)) {
				if name, ok := n.Value.(*pyast.Name); ok {
					if _, at := h.Func.Scope.Lookup(name.ID); at != nil && at.Func == nil {
						say(n, analysis.Leaf(n.Slice))
					}
				}
			}
		case *pyast.Assign:
			for _, t := range n.Targets {
				if a, ok := t.(*pyast.Attribute); ok && ownID(a.Attr) && given(n.Value) {
					say(n, a.Attr)
				}
			}
		case *pyast.Return:
			return false // what is echoed
		}
		return !said
	})
	return said
}

// built tells of a row whose owner is what was sent. A row that also holds the
// current user says who made it, for whom.
func built(c *pymodel.Call, given func(pyast.Expr) bool, from func(pyast.Expr) source, user func(pyast.Expr) bool, say func(pyast.Node, string)) {
	class := c.Scope.Symbol(c.Func).Binding.Class
	if !class.IsTable() || slices.ContainsFunc(arguments(c.Call), user) {
		return
	}
	for _, k := range c.Keywords {
		switch {
		case k.Name == "":
			// Order(**body.model_dump())
			src := from(k.Value)
			if src.model == nil || src.model.IsTable() {
				continue
			}
			for _, f := range src.model.AllFields() {
				if rowOwner(f.Name) && !slices.Contains(src.drop, f.Name) && pymodel.Keyword(c.Call, f.Name) == nil && hasField(class, f.Name) {
					say(c.Call, f.Name)
				}
			}
		case rowOwner(k.Name) && given(k.Value):
			say(k.Value, k.Name)
		}
	}
}

func hasField(c *pymodel.Class, name string) bool {
	return slices.ContainsFunc(c.AllFields(), func(f *pymodel.Field) bool { return f.Name == name })
}

// rowOwner tells whether a column says whose a row is.
func rowOwner(name string) bool {
	if ownID(name) {
		return true
	}
	switch strings.Join(pymodel.Words(name), " ") {
	case "patient id", "buyer id", "created by id", "uploader id", "requester id", "applicant id", "borrower id", "renter id", "booker id", "guest id", "reviewer id", "profile id", "student id", "member id", "poster id":
		return true
	}
	return false
}

// passedOn is the field of a body that a function makes the owner of a row;
// empty when it makes none.
func passedOn(h *handler.Handler, c *pymodel.Call, to *pymodel.Func, body pyast.Expr, depth int) string {
	if depth > 3 {
		return ""
	}
	names := handed(c, to, func(e pyast.Expr) bool { return e == body })
	of := func(e pyast.Expr) bool {
		n, ok := e.(*pyast.Name)
		return ok && names[n.ID]
	}
	for _, in := range to.Calls {
		if constructs(in) {
			field := ""
			built(in, func(e pyast.Expr) bool {
				a, ok := e.(*pyast.Attribute)
				return ok && of(a.Value)
			}, func(e pyast.Expr) source { return sources(h, to, in.Scope, e, 0) }, func(pyast.Expr) bool { return false }, func(_ pyast.Node, name string) { field = name })
			if field != "" {
				return field
			}
			continue
		}
		if next := in.Target(); next != nil {
			for _, a := range arguments(in.Call) {
				if of(a) {
					if field := passedOn(h, in, next, a, depth+1); field != "" {
						return field
					}
				}
			}
		}
	}
	return ""
}

func reachesTable(c *pymodel.Call, to *pymodel.Func, a pyast.Expr) bool {
	names := handed(c, to, func(e pyast.Expr) bool { return e == a })
	if len(lookups(to, names, 1)) > 0 {
		return true
	}
	for _, in := range to.Calls {
		if constructs(in) && in.Scope.Symbol(in.Func).Binding.Class.IsTable() {
			for _, k := range in.Keywords {
				if x, ok := k.Value.(*pyast.Name); ok && names[x.ID] {
					return true
				}
			}
		}
	}
	return false
}

func ownID(name string) bool {
	w := strings.Join(pymodel.Words(name), " ")
	switch w {
	case "user id", "owner id", "author id", "customer id", "account id", "created by", "creator id", "sender id", "from account", "from account id", "from user", "from user id", "source account", "source account id", "owner", "username", "user email", "userid", "ownerid", "owner username":
		return true
	}
	return false
}

// client tells whether a value is a field of the body, or a parameter of the
// query: what stands in the path names the object.
func client(p *analysis.Pass, h *handler.Handler, e pyast.Expr) bool {
	switch x := e.(type) {
	case *pyast.Name:
		if inPath(h, x.ID) {
			return false
		}
		b, at := h.Func.Scope.Lookup(x.ID)
		if b == nil || at.Func != h.Func {
			return false
		}
		if b.Value != nil && !b.Part {
			return client(p, h, b.Value)
		}
		for _, param := range h.Func.Params {
			if param.Name == x.ID {
				if _, dep := h.Func.ParamDep(param); dep {
					return false
				}
				return b.Param && p.Python.Level(h.Func.Scope, e) > pymodel.Clean
			}
		}
	case *pyast.Attribute:
		return sentModel(h, x.Value)
	case *pyast.Subscript:
		return sentModel(h, x.Value) || fromRequest(h.Func.Scope, x.Value, 0)
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok && a.Attr == "get" {
			return sentModel(h, a.Value) || fromRequest(h.Func.Scope, a.Value, 0)
		}
		if len(x.Args) == 1 && h.Func.Scope.Qualified(x.Func) == "builtins.int" {
			return client(p, h, x.Args[0])
		}
	}
	return false
}

// sentModel tells whether an expression is a parameter that holds the body.
func sentModel(h *handler.Handler, e pyast.Expr) bool {
	n, ok := e.(*pyast.Name)
	if !ok {
		return false
	}
	for _, param := range h.Func.Params {
		if param.Name != n.ID {
			continue
		}
		if _, dep := h.Func.ParamDep(param); dep {
			return false
		}
		t := h.Func.Outer.Annotation(param.Annotation)
		if t.Class != nil {
			return t.Class.IsA("pydantic.BaseModel", "sqlmodel.SQLModel")
		}
		return t.Name == "builtins.dict" || t.Name == "typing.Dict" || t.Name == "" && param.Annotation != nil
	}
	return false
}

// fromRequest tells whether a value is what a request holds.
func fromRequest(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 5 {
		return false
	}
	switch x := e.(type) {
	case *pyast.Await:
		return fromRequest(s, x.Value, depth+1)
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok && (a.Attr == "json" || a.Attr == "form") {
			return analysis.Names(analysis.Leaf(a.Value), "request", "req")
		}
		return s.Qualified(x.Func) == "json.loads"
	case *pyast.Attribute:
		return x.Attr == "query_params" && analysis.Names(analysis.Leaf(x.Value), "request", "req")
	case *pyast.Name:
		if b, at := s.Lookup(x.ID); b != nil && at.Func != nil && b.Value != nil && !b.Part {
			return fromRequest(at, b.Value, depth+1)
		}
	}
	return false
}

// roles tells of a role that the client names, and that decides.
func roles(p *analysis.Pass, h *handler.Handler) {
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		var test pyast.Expr
		refuses := false
		switch n := n.(type) {
		case *pyast.If:
			test, refuses = n.Test, refusesIn(h.Func, n.Body)
		case *pyast.IfExp:
			test = n.Test
		}
		if test == nil {
			return true
		}
		for _, e := range conditions(test) {
			at := e
			if cmp, ok := e.(*pyast.Compare); ok && len(cmp.Ops) == 1 && (cmp.Ops[0] == pyast.Eq || cmp.Ops[0] == pyast.NotEq || cmp.Ops[0] == pyast.In || cmp.Ops[0] == pyast.NotIn) {
				text, known := h.Func.Scope.Text(cmp.Comparators[0])
				if (!known || !analysis.Names(text, "admin", "superuser", "staff", "root", "administrator")) && !h.Func.Scope.Is(cmp.Comparators[0], pyast.True) {
					continue
				}
				at = cmp.Left
			}
			// (x_role or user.role) != "admin"
			if slices.ContainsFunc(choices(h.Func.Scope, at), func(at pyast.Expr) bool {
				return analysis.Names(analysis.Leaf(at), "role", "is admin", "admin", "is superuser", "user role") && client(p, h, at)
			}) && (refuses || !h.Says("role", "roles", "invite", "member", "members", "users", "user")) {
				p.PythonAt(ownerFromBody, h.Func.Module, e, "%s asks the client whether it may", h.Func.Name)
				return false
			}
		}
		return true
	})
}

// conditions are the parts of a condition, without not.
func conditions(e pyast.Expr) []pyast.Expr {
	switch x := e.(type) {
	case *pyast.BoolOp:
		var out []pyast.Expr
		for _, v := range x.Values {
			out = append(out, conditions(v)...)
		}
		return out
	case *pyast.UnaryOp:
		if x.Op == pyast.Not {
			return conditions(x.Operand)
		}
	}
	return []pyast.Expr{e}
}
