package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// acts are names of handlers that change something.
var acts = []string{"delete", "remove", "update", "create", "set", "add", "transfer", "send", "approve", "reject", "disable", "enable", "cancel", "purge", "promote", "change", "edit", "save", "insert", "buy", "pay", "withdraw", "deposit", "ban", "drop", "clear", "wipe", "destroy", "revoke", "grant", "toggle", "like", "follow", "archive"}

// once are handlers that a link in a mail, or a redirect, leads to.
var once = []string{"callback", "verify", "confirm", "confirmation", "activate", "unsubscribe", "oauth", "oauth2", "login", "logout", "auth", "sso", "saml", "magic", "magic link", "accept", "token", "authorize", "webhook", "verification", "invite", "invitation", "seen", "health", "export", "download", "redirect", "install", "cron", "preview"}

// effects tells of GET that changes something.
func effects(p *analysis.Pass, h *handler.Handler) {
	if len(h.Methods) != 1 || h.Methods[0] != "GET" || h.Says(once...) {
		return
	}
	act := h.Says(acts...)
	funcs := []*pymodel.Func{h.Func}
	if act {
		funcs = h.Own
	}
	for _, f := range funcs {
		for _, c := range f.Calls {
			what := changes(c, act)
			if what == "" {
				continue
			}
			p.PythonAt(sideEffect, h.Func.Module, h.Func, "%s is a GET, and %s", label(h), what)
			return
		}
		if gone := removes(f); gone && f == h.Func {
			p.PythonAt(sideEffect, h.Func.Module, h.Func, "%s is a GET, and deletes what is kept", label(h))
			return
		}
	}
}

// changes says what a call changes: what is deleted always counts, what is
// written where the handler is called so.
func changes(c *pymodel.Call, act bool) string {
	if c.Target() != nil || c.Receiver() == nil {
		return ""
	}
	on := analysis.Leaf(c.Receiver())
	store := analysis.Names(on, "db", "session", "conn", "connection", "cursor", "cur", "database", "collection", "tx", "pool", "engine") || strings.HasPrefix(c.Name(), "sqlalchemy.orm.Session.") || strings.HasPrefix(c.Name(), "sqlalchemy.ext.asyncio.AsyncSession.") || strings.HasPrefix(c.Name(), "sqlite3.")
	switch method := c.Method(); method {
	case "delete":
		if store && len(c.Args) > 0 || len(c.Args) == 0 && queries(c.Receiver()) {
			return "deletes a row"
		}
	case "delete_one", "delete_many":
		return "deletes a document"
	case "update_one", "update_many", "insert_one":
		if act {
			return "writes a document"
		}
	case "commit":
		if act && store {
			return "commits"
		}
	case "execute", "exec", "executemany":
		if len(c.Args) == 0 {
			return ""
		}
		verb := verbOf(c.Scope, c.Args[0])
		if verb == "delete" || verb == "drop" || verb == "truncate" || (verb == "update" || verb == "insert") && act {
			return "runs " + verb
		}
	}
	return ""
}

func queries(e pyast.Expr) bool {
	c, ok := e.(*pyast.Call)
	return ok && slices.Contains([]string{"filter", "filter_by", "where", "query"}, analysis.Leaf(c.Func))
}

// verbOf is what a statement does.
func verbOf(s *pymodel.Scope, e pyast.Expr) string {
	for depth := 0; depth < 8; depth++ {
		switch x := e.(type) {
		case *pyast.Call:
			name := s.Qualified(x.Func)
			switch name {
			case "sqlalchemy.delete", "sqlmodel.delete", "sqlalchemy.sql.delete":
				return "delete"
			case "sqlalchemy.update", "sqlmodel.update":
				return "update"
			case "sqlalchemy.insert":
				return "insert"
			case "sqlalchemy.text":
				if len(x.Args) > 0 {
					e = x.Args[0]
					continue
				}
			}
			a, ok := x.Func.(*pyast.Attribute)
			if !ok {
				return ""
			}
			e = a.Value
			continue
		case *pyast.JoinedStr:
			if len(x.Values) > 0 {
				e = x.Values[0]
				continue
			}
		case *pyast.BinOp:
			e = x.Left
			continue
		}
		text, _ := s.Text(e)
		word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), " ")
		return word
	}
	return ""
}

// removes tells whether a function deletes from a dict of the module.
func removes(f *pymodel.Func) bool {
	found := false
	global := func(e pyast.Expr) bool {
		n, ok := e.(*pyast.Name)
		if !ok {
			return false
		}
		b, at := f.Scope.Lookup(n.ID)
		return b != nil && at.Func == nil && at.Class == nil && b.Import == "" && !analysis.Names(n.ID, "cache", "queue", "jobs", "pending", "sessions", "state", "states")
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Delete:
			for _, t := range n.Targets {
				if sub, ok := t.(*pyast.Subscript); ok {
					found = found || global(sub.Value)
				}
			}
		case *pyast.Call:
			if a, ok := n.Func.(*pyast.Attribute); ok && (a.Attr == "pop" || a.Attr == "clear") && global(a.Value) {
				found = true
			}
		}
		return !found
	})
	return found
}

// amounts are what two requests at once must not both take.
var amounts = []string{"balance", "stock", "quantity", "credits", "credit", "inventory", "remaining", "uses", "used", "usage count", "used count", "redeemed", "seats", "available", "points", "tickets", "uses left", "available seats", "funds", "redemptions", "times used", "in stock", "capacity", "coins", "tokens left", "spent", "claimed by", "claimed at", "consumed by", "consumed at"}

// races tells of an amount that is checked and then changed.
func races(p *analysis.Pass, f *pymodel.Func) {
	if f.Module.Test {
		return
	}
	changed := map[string]pyast.Node{}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.AugAssign:
			if place := amount(n.Target); place != "" {
				changed[place] = n
			}
		case *pyast.Assign:
			for _, t := range n.Targets {
				place := amount(t)
				if place == "" {
					continue
				}
				c, isConst := n.Value.(*pyast.Constant)
				if isConst && c.Kind != pyast.True && c.Kind != pyast.False {
					continue
				}
				changed[place] = n
			}
		}
		return true
	})
	if len(changed) == 0 {
		statements(p, f)
		return
	}
	if locked(f) {
		return
	}
	said := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		branch, ok := n.(*pyast.If)
		if !ok || said {
			return !said
		}
		pyast.Inspect(branch.Test, func(n pyast.Node) bool {
			if c, ok := n.(*pyast.Compare); ok && (c.Ops[0] == pyast.Is || c.Ops[0] == pyast.IsNot) {
				// That there is no balance is no question of how much, and
				// redeemed_by is not None is what shuts the door.
				return onlyOnce(c) && leaves(branch.Body)
			}
			e, ok := n.(pyast.Expr)
			if !ok || said {
				return !said
			}
			if at := changed[amount(e)]; at != nil && at.Pos() > branch.Test.Pos() && loads(f, e) {
				said = true
				p.PythonAt(race, f.Module, at, "%s is checked in line %d, and changed without a lock", analysis.Leaf(e), line(f, branch))
			}
			return true
		})
		return true
	})
}

// onlyOnce tells of a comparison with None of what says who took something, or
// when: it is taken while there is none.
func onlyOnce(c *pyast.Compare) bool {
	words := pymodel.Words(analysis.Leaf(c.Left))
	if len(words) < 2 || c.Ops[0] != pyast.IsNot {
		return false
	}
	switch words[len(words)-1] {
	case "by", "at", "on":
		return slices.Contains([]string{"redeemed", "used", "spent", "claimed", "consumed"}, words[len(words)-2])
	}
	return false
}

// leaves tells whether a body ends by leaving the function.
func leaves(body []pyast.Stmt) bool {
	switch body[len(body)-1].(type) {
	case *pyast.Return, *pyast.Raise:
		return true
	}
	return false
}

// statements tells of an amount that is read, checked, and changed by a
// statement that does not ask again.
func statements(p *analysis.Pass, f *pymodel.Func) {
	var checked pyast.Expr
	var at *pyast.If
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		branch, ok := n.(*pyast.If)
		if !ok || checked != nil {
			return checked == nil
		}
		pyast.Inspect(branch.Test, func(n pyast.Node) bool {
			if e, ok := n.(pyast.Expr); ok && amount(e) != "" && loads(f, e) {
				checked, at = e, branch
			}
			return checked == nil
		})
		return true
	})
	if checked == nil || locked(f) {
		return
	}
	column := strings.ToLower(analysis.Leaf(checked))
	for _, c := range f.Calls {
		if c.Pos() < at.Pos() || len(c.Args) == 0 || c.Method() != "execute" {
			continue
		}
		first := c.Args[0]
		if inner, ok := first.(*pyast.Call); ok && len(inner.Args) > 0 {
			first = inner.Args[0]
		}
		text, _ := c.Scope.Text(first)
		lower := strings.ToLower(strings.Join(strings.Fields(text), " "))
		set, where, _ := strings.Cut(lower, " where ")
		if strings.HasPrefix(set, "update ") && strings.Contains(set, column) && !strings.Contains(where, column) {
			p.PythonAt(race, f.Module, c.Call, "%s is checked in line %d, and changed by a statement that does not ask again", column, line(f, at))
			return
		}
	}
}

func line(f *pymodel.Func, n pyast.Node) int {
	l, _ := f.Module.File.Position(n.Pos())
	return l
}

// amount is the place of an amount: what it is of, and its name.
func amount(e pyast.Expr) string {
	switch x := e.(type) {
	case *pyast.Attribute:
		if base := pymodel.Dotted(x.Value); base != "" && base != "self" && analysis.Names(x.Attr, amounts...) {
			return base + "." + x.Attr
		}
	case *pyast.Subscript:
		c, ok := x.Slice.(*pyast.Constant)
		if base := pymodel.Dotted(x.Value); ok && c.Kind == pyast.Str && base != "" && analysis.Names(c.Value, amounts...) {
			return base + "." + c.Value
		}
	}
	return ""
}

// loads tells whether the row, or the object, was fetched here.
func loads(f *pymodel.Func, e pyast.Expr) bool {
	var base pyast.Expr
	switch x := e.(type) {
	case *pyast.Attribute:
		base = x.Value
	case *pyast.Subscript:
		base = x.Value
	}
	n, ok := base.(*pyast.Name)
	if !ok {
		return false
	}
	b, at := f.Scope.Lookup(n.ID)
	return b != nil && at == f.Scope && !b.Part && (b.Value != nil || b.Param)
}

// locked tells whether something keeps others out.
func locked(f *pymodel.Func) bool {
	return analysis.Mentions(f.FunctionDef, func(id string) bool {
		return analysis.Names(id, "for update", "lock", "locked", "select for update", "mutex", "semaphore", "advisory", "version id", "serializable", "isolation level", "redlock", "lock for update")
	}) || sqlLocked(f)
}

func sqlLocked(f *pymodel.Func) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if k, ok := n.(*pyast.Keyword); ok && analysis.Names(k.Name, "for update", "lock") {
			found = true
		}
		if c, ok := n.(*pyast.Constant); ok && c.Kind == pyast.Str && strings.Contains(strings.ToUpper(c.Value), "FOR UPDATE") {
			found = true
		}
		return !found
	})
	return found
}
