package models

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

func unitPrice(name string) bool {
	return analysis.Names(name, "price", "cost", "unit amount", "rate", "fare", "fee") && !analysis.Names(name, "min", "max", "old", "exchange", "interest", "tax", "conversion", "id", "limit", "range", "from", "to", "alert", "target", "bid", "offer", "sample", "frame", "heart", "growth", "discount")
}

func totalled(name string) bool {
	return analysis.Names(name, "total", "grand total", "total price", "total amount", "subtotal", "price", "amount due", "amount to pay", "total cents", "unit price", "amount", "amount cents", "price cents", "total cost") && !analysis.Names(name, "count", "pages", "items", "min", "max", "id", "discount")
}

// article tells whether a field says what is bought.
func article(name string) bool {
	return analysis.Names(name, "product", "product id", "item id", "article", "article id", "sku", "plan", "plan id", "course id", "ticket type", "ticket type id", "room id", "event id", "variant id", "flight id", "book id", "dish id", "menu item", "menu item id", "listing id", "cart", "lines", "basket", "order lines", "line items", "order items", "order id", "car id", "vehicle id", "service id", "package id", "movie id", "game id")
}

func many(name string) bool {
	return analysis.Names(name, "quantity", "qty", "count", "units", "pieces", "nights", "days", "hours", "seats", "tickets", "amount", "number", "num", "persons", "guests", "copies")
}

// prices tells of what is paid and comes from the request.
// It gives the fields that it told of.
func prices(p *analysis.Pass, list []body) map[*pymodel.Field]bool {
	told := map[*pymodel.Field]bool{}
	sent := func(class *pymodel.Class) bool {
		return class != nil && slices.ContainsFunc(list, func(b body) bool { return b.Class == class })
	}
	p.Funcs(func(f *pymodel.Func) {
		if manages(p, f) {
			return
		}
		said := false
		var last *pymodel.Field
		say := func(n pyast.Node, name string) {
			if !said {
				said, told[last] = true, true
				p.PythonSeverity(price, finding.Medium, f.Module, n, "%s reckons with %s, which the client sends", f.Name, name)
			}
		}
		// is tells whether an expression is a price of an article that the
		// client named.
		is := func(e pyast.Expr, named func(string) bool) bool {
			switch x := unwrap(f.Scope, e).(type) {
			case *pyast.Attribute:
				if !named(x.Attr) {
					return false
				}
				class := f.Scope.TypeOf(x.Value).Class
				if class == nil {
					class = loopElement(f.Scope, x.Value)
				}
				if !sent(class) || !namesArticle(class) {
					return false
				}
				for _, field := range class.AllFields() {
					if field.Name == x.Attr {
						last = field
						return true
					}
				}
			case *pyast.Subscript:
				text, ok := f.Scope.Text(x.Slice)
				return ok && named(text) && p.Python.Level(f.Scope, x) > pymodel.Clean && articleBeside(f, x.Value)
			case *pyast.Call:
				a, ok := x.Func.(*pyast.Attribute)
				if !ok || a.Attr != "get" || len(x.Args) == 0 {
					return false
				}
				text, ok := f.Scope.Text(x.Args[0])
				return ok && named(text) && p.Python.Level(f.Scope, x) > pymodel.Clean && articleBeside(f, a.Value)
			case *pyast.Name:
				for _, prm := range f.Params {
					if prm.Name == x.ID && named(x.ID) && prm.Annotation != nil && numeric(f.Outer.Annotation(prm.Annotation)) {
						return handler(p, f) && slices.ContainsFunc(f.Params, func(o *pymodel.Param) bool { return article(o.Name) })
					}
				}
			}
			return false
		}
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.FunctionDef, *pyast.ClassDef:
				return false
			case *pyast.BinOp:
				if n.Op != pyast.Mult {
					break
				}
				for _, pair := range [][2]pyast.Expr{{n.Left, n.Right}, {n.Right, n.Left}} {
					if is(pair[0], unitPrice) && many(analysis.Leaf(unwrap(f.Scope, pair[1]))) && !against(f, pair[0]) {
						say(n, analysis.Leaf(unwrap(f.Scope, pair[0])))
					}
				}
			}
			return !said
		})
		for _, c := range f.Calls {
			if said || !pays(c) {
				continue
			}
			for _, k := range c.Keywords {
				if !totalled(k.Name) {
					continue
				}
				if is(k.Value, func(name string) bool { return totalled(name) || unitPrice(name) }) && !against(f, k.Value) {
					say(k.Value, analysis.Leaf(unwrap(f.Scope, k.Value)))
					continue
				}
				for _, from := range choices(f.Scope, k.Value, 0) {
					if field := quoted(from, sent); field != nil && !said && knowsPrice(f, sent) && !against(from.f, from.e) && !against(f, from.e) {
						said, told[field] = true, true
						p.PythonSeverity(price, finding.Medium, from.f.Module, from.e, "%s takes %s, which the client sends, where it could reckon the price itself", f.Name, field.Name)
					}
				}
			}
		}
	})
	return told
}

// A choice is one of the values that an expression may be, and where it is
// read.
type choice struct {
	f *pymodel.Func
	e pyast.Expr
}

// choices are the values that an expression is one of: through names, through
// a or b, next(v for v in (a, b) …), and the project's own functions.
func choices(s *pymodel.Scope, e pyast.Expr, depth int) []choice {
	f := s.Enclosing()
	if e == nil || f == nil || depth > 8 {
		return nil
	}
	var out []choice
	add := func(s *pymodel.Scope, list ...pyast.Expr) {
		for _, e := range list {
			out = append(out, choices(s, e, depth+1)...)
		}
	}
	switch x := unwrap(s, e).(type) {
	case *pyast.Attribute:
		out = append(out, choice{f, x})
	case *pyast.Await:
		add(s, x.Value)
	case *pyast.NamedExpr:
		add(s, x.Value)
	case *pyast.BoolOp:
		add(s, x.Values...)
	case *pyast.IfExp:
		add(s, x.Body, x.Orelse)
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at != f.Scope || b.Param {
			break
		}
		for _, d := range at.Defs {
			if d.Name == x.ID && !d.Part && !d.Held {
				add(at, d.Value)
			}
		}
	case *pyast.Call:
		if to := s.Symbol(x.Func).Binding; to != nil && to.Func != nil {
			add(to.Func.Scope, to.Func.Results()...)
			break
		}
		if s.Qualified(x.Func) != "builtins.next" || len(x.Args) == 0 {
			break
		}
		if g, ok := x.Args[0].(*pyast.GeneratorExp); ok && len(g.Generators) == 1 && analysis.Leaf(g.Elt) == analysis.Leaf(g.Generators[0].Target) {
			list, at := s.List(g.Generators[0].Iter)
			add(at, list...)
		}
	}
	return out
}

// quoted is the field of a price that a client sends.
func quoted(c choice, sent func(*pymodel.Class) bool) *pymodel.Field {
	a, ok := c.e.(*pyast.Attribute)
	if !ok || !totalled(a.Attr) && !unitPrice(a.Attr) {
		return nil
	}
	class := c.f.Scope.TypeOf(a.Value).Class
	if !sent(class) {
		return nil
	}
	for _, field := range class.AllFields() {
		if field.Name == a.Attr {
			return field
		}
	}
	return nil
}

// knowsPrice tells whether a function has the price of what is bought at hand:
// of a row, and not of the request.
func knowsPrice(f *pymodel.Func, sent func(*pymodel.Class) bool) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if a, ok := n.(*pyast.Attribute); ok && a.Ctx == pyast.Load && unitPrice(a.Attr) {
			class := f.Scope.TypeOf(a.Value).Class
			n, named := a.Value.(*pyast.Name)
			if named && !sent(class) && (class == nil || class.IsTable()) {
				b, at := f.Scope.Lookup(n.ID)
				found = found || b != nil && at == f.Scope && !b.Param && b.Value != nil
			}
		}
		return !found
	})
	return found
}

// pays tells whether a call makes an order, or asks for the money.
func pays(c *pymodel.Call) bool {
	name := c.Method()
	if b := c.Scope.Symbol(c.Func).Binding; b != nil && b.Class != nil {
		return b.Class.IsTable() && analysis.Names(b.Class.Name, "order", "orders", "purchase", "booking", "reservation", "payment", "charge", "invoice", "sale", "subscription", "ticket", "checkout", "rental", "order line", "order item", "line item")
	}
	return analysis.Names(name, "charge", "pay", "create payment", "create charge", "capture payment", "create payment intent", "checkout", "create order") ||
		name == "create" && analysis.Names(pymodel.Dotted(c.Receiver()), "payment intent", "payment intents", "charge", "charges", "stripe")
}

// manages tells whether a handler is for those who set prices.
func manages(p *analysis.Pass, f *pymodel.Func) bool {
	if analysis.Names(f.Name, "admin", "product", "products", "quote", "estimate", "calculate", "calculator", "preview", "import", "simulate", "backtest", "portfolio") {
		return true
	}
	return slices.ContainsFunc(p.Python.Routes, func(r *pymodel.Route) bool {
		return r.Func == f && (analysis.Names(r.Path, "admin", "products", "quote", "estimate", "calculate", "preview", "internal", "webhook", "webhooks") || slices.ContainsFunc(r.Deps, func(d pymodel.Dep) bool {
			return analysis.Names(d.Name, "admin", "superuser", "staff", "role", "roles", "permission") || d.Expr != nil && analysis.Mentions(d.Expr, func(id string) bool { return analysis.Names(id, "admin", "staff", "superuser", "roles", "role") })
		}))
	})
}

// unwrap is what int(…), Decimal(…) or round(…) is given.
func unwrap(s *pymodel.Scope, e pyast.Expr) pyast.Expr {
	for range 3 {
		switch x := e.(type) {
		case *pyast.Call:
			switch s.Qualified(x.Func) {
			case "builtins.int", "builtins.float", "builtins.round", "builtins.str", "decimal.Decimal":
				if len(x.Args) > 0 {
					e = x.Args[0]
					continue
				}
			}
		case *pyast.BinOp:
			// price * 100, in cents
			if _, known := s.Number(x.Right); known && x.Op == pyast.Mult {
				e = x.Left
				continue
			}
		}
		break
	}
	return e
}

// loopElement is the model of what a loop gives: also for line in
// sorted(body.lines).
func loopElement(s *pymodel.Scope, e pyast.Expr) *pymodel.Class {
	if class := element(s, e); class != nil {
		return class
	}
	n, ok := e.(*pyast.Name)
	if !ok {
		return nil
	}
	b, at := s.Lookup(n.ID)
	if b == nil || b.Value == nil && !b.Param {
		return nil
	}
	for _, d := range at.Defs {
		if d.Name != n.ID || !d.Part {
			continue
		}
		from := d.Value
		if c, ok := from.(*pyast.Call); ok && len(c.Args) > 0 {
			switch at.Qualified(c.Func) {
			case "builtins.sorted", "builtins.list", "builtins.reversed", "builtins.enumerate", "builtins.tuple", "builtins.filter":
				from = c.Args[len(c.Args)-1]
			}
		}
		switch x := from.(type) {
		case *pyast.Attribute:
			class := at.TypeOf(x.Value).Class
			if class == nil {
				continue
			}
			for _, f := range class.AllFields() {
				if f.Name == x.Attr {
					if list := classes(class.Outer, f.Annotation); len(list) == 1 {
						return list[0]
					}
				}
			}
		case *pyast.Name: // lines: list[Line]
			if b, at := at.Lookup(x.ID); b != nil && b.Annotation != nil && at.Func != nil {
				if list := classes(at.Func.Outer, b.Annotation); len(list) == 1 {
					return list[0]
				}
			}
		}
	}
	return nil
}

// namesArticle tells whether a model says what is bought, whose price is known.
func namesArticle(c *pymodel.Class) bool {
	return !analysis.Names(c.Name, "product", "bid", "offer", "expense", "trade", "invoice", "quote", "supplier", "stock", "donation", "listing", "ad") && slices.ContainsFunc(c.AllFields(), func(f *pymodel.Field) bool {
		return article(f.Name) || f.Name == "items" || f.Name == "item"
	})
}

// articleBeside tells the same of a dict: an article is read of it beside.
func articleBeside(f *pymodel.Func, e pyast.Expr) bool {
	base := pymodel.Dotted(e)
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Subscript:
			text, ok := f.Scope.Text(n.Slice)
			found = found || ok && base != "" && pymodel.Dotted(n.Value) == base && (article(text) || many(text) || text == "id")
		case *pyast.Call:
			a, ok := n.Func.(*pyast.Attribute)
			if ok && a.Attr == "get" && len(n.Args) > 0 && base != "" && pymodel.Dotted(a.Value) == base {
				text, known := f.Scope.Text(n.Args[0])
				found = found || known && (article(text) || many(text))
			}
		}
		return !found
	})
	return found
}

// against tells whether a function compares a price with another that is known.
func against(f *pymodel.Func, e pyast.Expr) bool {
	leaf := analysis.Leaf(unwrap(f.Scope, e))
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		cmp, ok := n.(*pyast.Compare)
		if !ok || len(cmp.Ops) != 1 {
			return !found
		}
		for i, side := range []pyast.Expr{cmp.Left, cmp.Comparators[0]} {
			other := cmp.Comparators[0]
			if i == 1 {
				other = cmp.Left
			}
			if _, known := f.Scope.Number(other); !known && analysis.Leaf(unwrap(f.Scope, side)) == leaf {
				found = true
			}
		}
		return !found
	})
	return found || strings.HasPrefix(f.Name, "test")
}
