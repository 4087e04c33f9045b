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

// owns are names of columns that say whose a row is.
var owns = []string{"user id", "owner id", "owner", "author id", "author", "customer id", "created by", "created by id", "creator id", "member id", "patient id", "uploader id", "account id", "profile id", "seller id", "buyer id", "sender id", "employee id", "userid", "ownerid", "user email", "owner email", "username", "user", "owner username", "holder id", "recipient id", "borrower id", "student id", "requester id", "applicant id", "subscriber id", "payer id", "renter id"}

// groups are names of what somebody belongs to.
var groups = []string{"tenant", "tenant id", "organization id", "organisation id", "org id", "team id", "workspace id", "company id", "group id", "household id", "membership", "members", "member", "project id"}

func ownName(id string) bool {
	w := strings.Join(pymodel.Words(id), " ")
	return slices.Contains(owns, w)
}

// owned tells whether a table has a column that says whose a row is.
func owned(c *pymodel.Class) bool {
	return c != nil && slices.ContainsFunc(c.AllFields(), func(f *pymodel.Field) bool { return ownName(f.Name) })
}

// A lookup is where an object is got or changed by an id.
type lookup struct {
	f     *pymodel.Func
	at    pyast.Node
	table *pymodel.Class
	// kind is of what a collection in memory holds.
	kind *pymodel.Class
}

// ids are the parameters by which a client says which object.
func ids(h *handler.Handler) map[string]bool {
	out := map[string]bool{}
	for _, p := range h.Func.Params {
		if _, dep := h.Func.ParamDep(p); dep || !inPath(h, p.Name) {
			continue
		}
		words := pymodel.Words(p.Name)
		if len(words) == 0 {
			continue
		}
		last := words[len(words)-1]
		if len(words) == 1 && len(last) == 3 && strings.HasSuffix(last, "id") { // oid
			out[p.Name] = true
		}
		switch last {
		case "id", "uuid", "number", "pk", "key", "ref", "uid", "guid", "no", "username", "email":
			out[p.Name] = true
		}
	}
	return out
}

func inPath(h *handler.Handler, name string) bool {
	return strings.Contains(h.Path, "{"+name+"}") || strings.Contains(h.Path, "{"+name+":")
}

var getters = []string{"get", "get_or_404", "get_by_id", "find_one", "find_by_id", "fetch_one", "fetchrow", "fetchval", "get_one", "get_or_none", "find_one_and_update", "find_one_and_delete", "delete_one", "update_one", "replace_one", "execute", "fetch", "fetch_all", "delete", "pop", "get_object", "scalar"}

var filters = []string{"filter", "filter_by", "where", "exists", "delete", "update"}

// sentName is a field of a body, as it is written: body.order_id.
func sentName(e pyast.Expr) string {
	switch x := e.(type) {
	case *pyast.Attribute:
		if base := pymodel.Dotted(x.Value); base != "" {
			return base + "." + x.Attr
		}
	case *pyast.Subscript:
		c, ok := x.Slice.(*pyast.Constant)
		if base := pymodel.Dotted(x.Value); ok && base != "" && c.Kind == pyast.Str {
			return base + "." + c.Value
		}
	}
	return ""
}

// bodyIDs adds the fields of bodies, and the parameters of the query, by which
// a client says which object.
func bodyIDs(p *analysis.Pass, h *handler.Handler, names map[string]bool) {
	id := func(name string) bool {
		w := pymodel.Words(name)
		return len(w) > 1 && (w[len(w)-1] == "id" || w[len(w)-1] == "ids" || w[len(w)-1] == "uuid") || ownID(name) && name != "username" && name != "user_email"
	}
	for _, param := range h.Func.Params {
		if _, dep := h.Func.ParamDep(param); !dep && id(param.Name) && p.Python.Level(h.Func.Scope, &pyast.Name{ID: param.Name}) > pymodel.Clean {
			names[param.Name] = true
		}
	}
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		if e, ok := n.(pyast.Expr); ok {
			leaf := analysis.Leaf(e)
			if name := sentName(e); name != "" && (id(leaf) || h.Writes() && (leaf == "id" || leaf == "ids")) && client(p, h, e) {
				names[name] = true
			}
		}
		return true
	})
}

// lookups follows ids from the handler to where they are used.
func lookups(f *pymodel.Func, names map[string]bool, depth int) []lookup {
	var out []lookup
	if depth > 4 || len(names) == 0 {
		return nil
	}
	is := func(e pyast.Expr) bool {
		switch x := e.(type) {
		case *pyast.Name:
			return names[x.ID]
		case *pyast.Attribute, *pyast.Subscript:
			return names[sentName(x)]
		case *pyast.Call: // str(id), UUID(id), ObjectId(id)
			if len(x.Args) == 1 && len(x.Keywords) == 0 {
				n, ok := x.Args[0].(*pyast.Name)
				return ok && names[n.ID]
			}
		}
		return false
	}
	holds := func(e pyast.Expr) bool {
		found := false
		pyast.Inspect(e, func(n pyast.Node) bool {
			if x, ok := n.(pyast.Expr); ok && is(x) {
				found = true
			}
			return !found
		})
		return found
	}
	for _, c := range f.Calls {
		if to := c.Target(); to != nil {
			// query("SELECT …", (order_id,))
			if sql := sqlOf(c); sql != "" && !strings.HasPrefix(strings.ToLower(strings.TrimSpace(sql)), "insert") && slices.ContainsFunc(arguments(c.Call), holds) {
				out = append(out, lookup{f: f, at: c.Call})
				continue
			}
			out = append(out, lookups(to, handed(c, to, is), depth+1)...)
			continue
		}
		method := c.Method()
		if c.Receiver() == nil {
			continue
		}
		switch {
		case slices.Contains(filters, method) && slices.ContainsFunc(arguments(c.Call), holds):
			out = append(out, lookup{f: f, at: c.Call, table: tableIn(c)})
		case slices.Contains(getters, method) && slices.ContainsFunc(arguments(c.Call), holds) && !request(c.Receiver()):
			out = append(out, lookup{f: f, at: c.Call, table: tableIn(c), kind: elementClass(c.Scope, c.Receiver())})
		}
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Subscript:
			if is(n.Slice) && lasts(f, n.Value) {
				out = append(out, lookup{f: f, at: n, kind: elementClass(f.Scope, n.Value)})
			}
		// for order in ORDERS: if order.id == order_id
		case *pyast.For:
			if sought(f, n.Target, n.Iter, is, n) {
				out = append(out, lookup{f: f, at: n, kind: elementClass(f.Scope, n.Iter)})
			}
		case *pyast.GeneratorExp:
			if g := n.Generators[0]; sought(f, g.Target, g.Iter, is, g.Ifs...) {
				out = append(out, lookup{f: f, at: n, kind: elementClass(f.Scope, g.Iter)})
			}
		case *pyast.ListComp:
			if g := n.Generators[0]; sought(f, g.Target, g.Iter, is, g.Ifs...) {
				out = append(out, lookup{f: f, at: n, kind: elementClass(f.Scope, g.Iter)})
			}
		}
		return true
	})
	return out
}

func request(e pyast.Expr) bool {
	return analysis.Names(pymodel.Dotted(e), "request", "headers", "cookies", "query params", "redis", "cache", "client", "http", "httpx", "requests", "os", "environ", "config", "settings", "limiter")
}

// handed are the parameters of a function that get what is asked for.
func handed(c *pymodel.Call, to *pymodel.Func, is func(pyast.Expr) bool) map[string]bool {
	params := to.Params
	if to.Class != nil && len(params) > 0 && (params[0].Name == "self" || params[0].Name == "cls") {
		params = params[1:]
	}
	out := map[string]bool{}
	for i, a := range c.Args {
		if i < len(params) && is(a) {
			out[params[i].Name] = true
		}
	}
	for _, k := range c.Keywords {
		if k.Name != "" && is(k.Value) {
			out[k.Name] = true
		}
	}
	return out
}

// tableIn is the table that a call is about: in its arguments, or before it.
func tableIn(c *pymodel.Call) *pymodel.Class {
	var table *pymodel.Class
	pyast.Inspect(c.Call, func(n pyast.Node) bool {
		if name, ok := n.(*pyast.Name); ok && table == nil {
			if sym := c.Scope.Symbol(name); sym.Binding != nil && sym.Binding.Class != nil && sym.Binding.Class.IsTable() {
				table = sym.Binding.Class
			}
		}
		return table == nil
	})
	return table
}

// cares tells whether something looks at whose the object is: it compares an
// owner, or hands on the current user.
func cares(h *handler.Handler, names map[string]bool) bool {
	if h.Role {
		return true
	}
	if handsOn(h) {
		return true
	}
	isUser := func(e pyast.Expr) bool { return mentionsUser(h, e) }
	found := false
	for _, f := range h.Own {
		for _, c := range f.Calls {
			// A row that is written asks nothing.
			if constructs(c) && c.Scope.Symbol(c.Func).Binding.Class.IsTable() {
				continue
			}
			for _, k := range c.Keywords {
				if x, ok := k.Value.(*pyast.Name); !ok || !names[x.ID] {
					found = found || f != h.Func && ownName(k.Name) || analysis.Names(k.Name, groups...)
				}
			}
		}
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.Compare:
				sides := append([]pyast.Expr{n.Left}, n.Comparators...)
				given := slices.ContainsFunc(sides, func(e pyast.Expr) bool { x, ok := e.(*pyast.Name); return ok && names[x.ID] })
				if !given {
					for _, side := range sides {
						leaf := analysis.Leaf(side)
						found = found || ownName(leaf) && leaf != "user" || analysis.Names(leaf, groups...)
					}
				}
			case *pyast.Constant:
				if n.Kind == pyast.Str && len(n.Value) > 12 {
					lower := strings.ToLower(n.Value)
					_, where, ok := strings.Cut(lower, "where ")
					found = found || ok && (slices.ContainsFunc(columnsOf(where), tenantName) || strings.Contains(where, "user_id") || strings.Contains(where, "owner") || strings.Contains(where, "author_id") || strings.Contains(where, "customer_id") || strings.Contains(where, "tenant") || strings.Contains(where, "account_id") || strings.Contains(where, "created_by"))
				}
			case *pyast.Dict:
				if f == h.Func {
					for i, k := range n.Keys {
						text, _ := f.Scope.Text(k)
						found = found || k != nil && ownName(text) && isUser(n.Values[i])
					}
				}
			case *pyast.Call:
				name := analysis.Leaf(n.Func)
				found = found || analysis.Names(name, "check owner", "check ownership", "is owner", "ensure owner", "verify owner", "can", "assert owner", "authorize", "current user", "for user", "by user", "get readable statement", "visible")
			}
			return !found
		})
	}
	return found
}

// mentionsUser tells whether an expression holds the current user.
func mentionsUser(h *handler.Handler, e pyast.Expr) bool {
	found := false
	pyast.Inspect(e, func(n pyast.Node) bool {
		if id, ok := n.(*pyast.Name); ok && slices.ContainsFunc(h.Users, func(p *pymodel.Param) bool { return p.Name == id.ID }) {
			found = true
		}
		return !found
	})
	return found
}

// objects tells of an object that is got by its id alone.
func objects(p *analysis.Pass, h *handler.Handler, rows map[string]bool, t *tenancy, private *privacy) {
	names := ids(h)
	read := len(h.Users) == 0
	for _, u := range h.Users {
		read = read || handler.Uses(h.Func, u.Name) > 0
	}
	if h.Func.Class != nil {
		// A class of routes has the user in a field of its own.
		if len(h.Fields) == 0 || readsField(h) {
			return
		}
		read = false
	}
	if !read {
		bodyIDs(p, h, names)
	}
	if !h.Auth || h.Schemes || h.Says(inner...) {
		return
	}
	found := append(lookups(h.Func, names, 0), given(h)...)
	asked := h
	if h.Role && t.roles && !overall(h) {
		plain := *h
		plain.Role = false
		asked = &plain
	}
	if len(found) == 0 || cares(asked, names) {
		return
	}
	table := found[0].table
	belongs := false
	for _, l := range found {
		if owned(l.table) || private.read[l.table] || !read && private.some[l.table] {
			table, belongs = l.table, true
			break
		}
	}
	by := ""
	for _, l := range found {
		if belongs || placed(h) {
			break
		}
		if column := t.parted(h, l.table, 0); column != "" {
			table, belongs, by = l.table, true, column
		}
	}
	what := "an object"
	if table != nil {
		what = "a row of " + table.Name
	}
	for _, l := range found {
		if c, ok := l.at.(*pyast.Call); ok && table == nil {
			name := sqlTable(sqlOf(&pymodel.Call{Call: c, Scope: l.f.Scope}))
			if column := t.sql[name]; column != "" && !placed(h) {
				what, belongs, by = "a row of "+name, true, column
				break
			}
			if rows[name] {
				what, belongs = "a row of "+name, true
				break
			}
			if class := private.tables[name]; class != nil {
				table, what = class, "a row of "+class.Name
				belongs = owned(class) || private.read[class]
			}
		}
	}
	if h.Role && by == "" {
		return
	}
	// A dependency of its own may have looked.
	if h.Unknown && !plainUser(h) || hidesUser(h) {
		return
	}
	if h.Func.Class != nil && !belongs {
		return
	}
	named := len(h.Fields) > 0
	for _, u := range h.Users {
		named = named || !strings.HasPrefix(u.Name, "_")
	}
	mine := belongs || below(h, names) || table == nil && (h.Writes() || !common(found)) || h.Says("user", "users", "profile", "account", "accounts") && h.Writes()
	switch {
	case !read && mine && (named || belongs):
		also := ""
		if by != "" {
			also = "; other queries ask for the user's " + by
		}
		p.PythonAt(unused, h.Func.Module, h.Func, "%s takes the current user, does not read it, and gets %s by its id%s", label(h), what, also)
	case read && by != "":
		p.PythonSeverity(idor, finding.Medium, h.Func.Module, h.Func, "%s gets %s by its id, whoever asks; other queries ask for the user's %s", label(h), what, by)
	case read && len(h.Users) > 0 && belongs:
		p.PythonSeverity(idor, finding.Medium, h.Func.Module, h.Func, "%s gets %s by its id, whoever asks; the table says whose it is", label(h), what)
	case belongs || h.Says(personal...) && table == nil && (h.Writes() || !common(found)):
		p.PythonAt(idor, h.Func.Module, h.Func, "%s gets %s by its id, whoever asks", label(h), what)
	}
}
