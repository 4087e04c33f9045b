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

// A privacy is of which tables some handler asks whose the rows are.
type privacy struct {
	asks map[*pymodel.Func][]*pymodel.Class
	// some are those asked of anywhere; read, where they are only read.
	some, read map[*pymodel.Class]bool
	// tables are the classes by the names that statements call them.
	tables map[string]*pymodel.Class
}

func privacies(p *analysis.Pass, s *handler.Set) *privacy {
	x := &privacy{tables: map[string]*pymodel.Class{}, asks: map[*pymodel.Func][]*pymodel.Class{}, some: map[*pymodel.Class]bool{}, read: map[*pymodel.Class]bool{}}
	p.Classes(func(c *pymodel.Class) {
		if b := c.Scope.Names["__tablename__"]; b != nil && c.IsTable() {
			if name, ok := c.Scope.Text(b.Value); ok {
				x.tables[strings.ToLower(name)] = c
			}
		}
	})
	seen := map[*pymodel.Func]bool{}
	for _, h := range s.Handlers {
		for _, f := range slices.Concat(h.Own, h.Guards) {
			if !seen[f] {
				seen[f] = true
				x.asks[f] = asksOwner(f)
			}
			for _, c := range x.asks[f] {
				x.some[c] = true
				x.read[c] = x.read[c] || h.Reads() && !h.WebSocket
			}
		}
	}
	return x
}

// asksOwner are the tables whose rows a function compares the owner of: the
// row's own, or that of what it belongs to, row.parent.owner_id.
func asksOwner(f *pymodel.Func) []*pymodel.Class {
	var out []*pymodel.Class
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		cmp, ok := n.(*pyast.Compare)
		if !ok || len(cmp.Ops) != 1 {
			return true
		}
		sides := [][2]pyast.Expr{{cmp.Left, cmp.Comparators[0]}, {cmp.Comparators[0], cmp.Left}}
		if cmp.Ops[0] == pyast.In || cmp.Ops[0] == pyast.NotIn { // user.id in (row.seller_id, row.buyer_id)
			list, _ := f.Scope.List(cmp.Comparators[0])
			for _, e := range list {
				sides = append(sides, [2]pyast.Expr{e, cmp.Left})
			}
		}
		for _, side := range sides {
			a, ok := side[0].(*pyast.Attribute)
			if _, fixed := side[1].(*pyast.Constant); !ok || fixed || !ownName(a.Attr) {
				continue
			}
			if c := rowClass(f.Scope, root(a)); c != nil && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
		return true
	})
	return out
}

// root is what an expression's attributes are of.
func root(e pyast.Expr) pyast.Expr {
	for {
		a, ok := e.(*pyast.Attribute)
		if !ok {
			return e
		}
		e = a.Value
	}
}

// rowClass is the table whose row a name is: by its type, or by the call that
// got it. A table itself is none of its rows.
func rowClass(s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	n, ok := e.(*pyast.Name)
	if !ok {
		return nil
	}
	if b, at := s.Lookup(n.ID); b != nil && at.Func != nil && b.Value != nil && !b.Part {
		value := b.Value
		if w, ok := value.(*pyast.Await); ok {
			value = w.Value
		}
		if c, ok := value.(*pyast.Call); ok {
			if t := tableIn(&pymodel.Call{Call: c, Scope: at}); t != nil {
				return t
			}
		}
	} else if at == nil || at.Func == nil {
		return nil
	}
	if c := s.TypeOf(n).Class; c != nil && c.IsTable() {
		return c
	}
	return nil
}

// A found is a row that a handler gets by one id and nothing else.
type found struct {
	table *pymodel.Class
	call  *pymodel.Call
	// name is the variable that it goes into; empty when only its being there
	// is asked.
	name string
}

// alone are the rows that a handler gets by an id that is wanted, and by that
// alone.
func alone(h *handler.Handler, wanted func(pyast.Expr) bool) []found {
	named := map[*pyast.Call]string{}
	for _, d := range h.Func.Scope.Defs {
		value := d.Value
		if w, ok := value.(*pyast.Await); ok {
			value = w.Value
		}
		for !d.Part {
			c, ok := value.(*pyast.Call)
			if !ok {
				break
			}
			named[c] = d.Name
			a, ok := c.Func.(*pyast.Attribute)
			if !ok {
				break
			}
			value = a.Value
		}
	}
	var out []found
	for _, c := range h.Func.Calls {
		if table := repositoryRow(c, wanted); table != nil {
			out = append(out, found{table: table, call: c, name: named[c.Call]})
			continue
		}
		if c.Target() != nil || c.Receiver() == nil || c.Method() != "get" && !slices.Contains(filters, c.Method()) || request(c.Receiver()) {
			continue
		}
		table := tableIn(c)
		if table == nil || !slices.ContainsFunc(arguments(c.Call), func(e pyast.Expr) bool { return byID(e, wanted) }) {
			continue
		}
		// Whatever else stands there may be who asks.
		from := root(c.Receiver())
		if analysis.Within(c.Call, func(e pyast.Expr) bool {
			n, ok := e.(*pyast.Name)
			if !ok || wanted(e) || e == from {
				return false
			}
			b, at := h.Func.Scope.Lookup(n.ID)
			return b != nil && at.Func != nil && !slices.ContainsFunc(arguments(c.Call), func(e pyast.Expr) bool { return byID(e, wanted) && within(e, n) })
		}) {
			continue
		}
		out = append(out, found{table: table, call: c, name: named[c.Call]})
	}
	return out
}

// repositoryRow is the table of a repository whose own method gets a row by an
// id that is wanted, and is given nothing else to ask by.
func repositoryRow(c *pymodel.Call, wanted func(pyast.Expr) bool) *pymodel.Class {
	to := c.Target()
	if to == nil || len(c.Args) != 1 || len(c.Keywords) > 0 || !wanted(c.Args[0]) || !analysis.Names(c.Method(), "get", "find", "fetch", "load", "read", "one", "by id") {
		return nil
	}
	if slices.ContainsFunc(handler.Chain(to), func(f *pymodel.Func) bool { return len(asksOwner(f)) > 0 }) {
		return nil
	}
	return handler.Generic(c.Scope, c.Call, to)
}

// loadedFor tells whether a dependency is given an id of the path together with
// who calls, as one that lets pass only to their own.
func loadedFor(h *handler.Handler) bool {
	return slices.ContainsFunc(slices.Concat(h.Own, h.Guards), func(f *pymodel.Func) bool {
		if f == h.Func || !slices.ContainsFunc(f.Params, func(p *pymodel.Param) bool { return inPath(h, p.Name) }) {
			return false
		}
		return slices.ContainsFunc(f.Params, func(p *pymodel.Param) bool {
			d, ok := f.ParamDep(p)
			return ok && !d.Scheme && d.Authenticates()
		})
	})
}

func within(n, part pyast.Node) bool { return n.Pos() <= part.Pos() && part.End() <= n.End() }

// byID tells whether an argument is an id that is wanted, or compares the
// column of ids with it.
func byID(e pyast.Expr, wanted func(pyast.Expr) bool) bool {
	if cmp, ok := e.(*pyast.Compare); ok && len(cmp.Ops) == 1 && cmp.Ops[0] == pyast.Eq {
		leaf := analysis.Leaf(cmp.Left)
		return (leaf == "id" || leaf == "uuid" || leaf == "pk") && wanted(cmp.Comparators[0])
	}
	return wanted(e)
}

// tied tells whether something is asked of a row: it is compared, or goes where
// that may be done.
func tied(h *handler.Handler, name string) bool {
	if name == "" {
		return false
	}
	is := map[string]bool{name: true}
	found := false
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare:
			if len(n.Comparators) != 1 || !h.Func.Scope.Is(n.Comparators[0], pyast.None) {
				found = found || anyName(n, is)
			}
		case *pyast.For:
			found = found || anyName(n.Iter, is)
		}
		return !found
	})
	for _, c := range h.Func.Calls {
		switch c.Method() {
		case "delete", "remove", "save", "add", "refresh", "merge", "model_validate", "from_orm", "setattr", "commit", "flush", "dict", "model_dump":
			continue
		}
		if logs(c) || constructs(c) || strings.HasPrefix(c.Name(), "starlette.responses.") {
			continue
		}
		if r := c.Receiver(); r != nil && anyName(root(r), is) && len(c.Args) > 0 {
			found = true // row.belongs_to(user)
		}
		for _, a := range arguments(c.Call) {
			if n, ok := a.(*pyast.Name); ok && n.ID == name {
				found = true
			}
		}
	}
	return found
}

// nested tells of a row that is got by the last id of a path, where an id
// before it says what it is to belong to, and only that is looked at.
func nested(p *analysis.Pass, h *handler.Handler, x *privacy) bool {
	if !h.Auth || h.Role || h.Schemes || h.Says(inner...) || h.Func.Class != nil || strings.Count(h.Path, "{") < 2 {
		return false
	}
	if !loadedFor(h) && !slices.ContainsFunc(slices.Concat(h.Own, h.Guards), func(f *pymodel.Func) bool { return len(x.asks[f]) > 0 }) {
		return false
	}
	last := h.Path[strings.LastIndexByte(h.Path, '{')+1:]
	last, _, _ = strings.Cut(strings.TrimSuffix(last, "}"), "}")
	last, _, _ = strings.Cut(last, ":")
	for _, f := range alone(h, func(e pyast.Expr) bool { n, ok := e.(*pyast.Name); return ok && n.ID == last }) {
		for _, field := range f.table.AllFields() {
			if field.Name == last || !inPath(h, field.Name) || tied(h, f.name) {
				continue
			}
			p.PythonSeverity(idor, finding.Medium, h.Func.Module, f.call, "%s gets a row of %s by %s alone: that its %s is the one in the path is not asked", label(h), f.table.Name, last, field.Name)
			return true
		}
	}
	return false
}

// bodyNamed tells of a row of a private table that the client names in a body, or
// in the query, and of which only its being there is asked.
func bodyNamed(p *analysis.Pass, h *handler.Handler, x *privacy) bool {
	if !h.Auth || h.Role || h.Schemes || !h.Writes() || h.Says(inner...) || len(h.Users) == 0 || h.Func.Class != nil {
		return false
	}
	sent := func(e pyast.Expr) bool {
		leaf := analysis.Leaf(e)
		if _, call := e.(*pyast.Call); call || !strings.HasSuffix(leaf, "_id") {
			return false
		}
		return client(p, h, e)
	}
	for _, f := range alone(h, sent) {
		if !x.read[f.table] || tied(h, f.name) || askedWith(h, f.call, sent) {
			continue
		}
		p.PythonSeverity(idor, finding.Medium, h.Func.Module, f.call, "%s takes a row of %s that the client names, whoever's it is; elsewhere its owner is asked for", label(h), f.table.Name)
		return true
	}
	return false
}

// askedWith tells whether the same id, or all that was sent, goes with the
// current user to a function.
func askedWith(h *handler.Handler, at *pymodel.Call, sent func(pyast.Expr) bool) bool {
	return slices.ContainsFunc(h.Func.Calls, func(c *pymodel.Call) bool {
		args := arguments(c.Call)
		return c != at && !constructs(c) && slices.ContainsFunc(args, func(e pyast.Expr) bool { return mentionsUser(h, e) }) &&
			slices.ContainsFunc(args, func(e pyast.Expr) bool { return analysis.Within(e, sent) || sentModel(h, e) })
	})
}

// firstOnly tells of several rows of which only the first is asked for its owner.
func firstOnly(p *analysis.Pass, h *handler.Handler) bool {
	var at pyast.Node
	list := ""
	others := false
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		cmp, ok := n.(*pyast.Compare)
		if !ok || len(cmp.Ops) != 1 || cmp.Ops[0] != pyast.NotEq && cmp.Ops[0] != pyast.Eq {
			return true
		}
		for _, side := range []pyast.Expr{cmp.Left, cmp.Comparators[0]} {
			a, ok := side.(*pyast.Attribute)
			if !ok || !ownName(a.Attr) {
				continue
			}
			sub, ok := root(a).(*pyast.Subscript)
			if !ok {
				others = true
				continue
			}
			name, isName := sub.Value.(*pyast.Name)
			if i, known := h.Func.Scope.Number(sub.Slice); isName && known && i == 0 && mentionsUser(h, cmp) {
				at, list = cmp, name.ID
			} else {
				others = true
			}
		}
		return true
	})
	if at == nil || others || h.Role || !many(h, list) {
		return false
	}
	is := map[string]bool{list: true}
	all := false
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.For:
			all = all || anyName(n.Iter, is)
		case *pyast.Comprehension:
			all = all || anyName(n.Iter, is)
		}
		return !all
	})
	if all {
		p.PythonSeverity(idor, finding.Medium, h.Func.Module, at, "%s asks of the first of %s whose it is, and goes through all", label(h), list)
	}
	return all
}

// many tells whether a name holds what several ids of the client are of.
func many(h *handler.Handler, name string) bool {
	b, at := h.Func.Scope.Lookup(name)
	if b == nil || at.Func != h.Func || b.Value == nil || b.Part {
		return false
	}
	return analysis.Within(b.Value, func(e pyast.Expr) bool {
		leaf := analysis.Leaf(e)
		_, call := e.(*pyast.Call)
		return !call && (leaf == "ids" || strings.HasSuffix(leaf, "_ids"))
	})
}
