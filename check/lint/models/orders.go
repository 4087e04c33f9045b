package models

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// buys tells whether a name is of where something is bought, or sent.
func buys(name string) bool {
	return analysis.Names(name, "order", "orders", "cart", "carts", "basket", "checkout", "purchase", "purchases", "booking", "bookings", "reservation", "reservations", "ticket", "tickets", "buy") &&
		!analysis.Names(name, "sort", "order by", "admin", "refund", "supplier", "vendor")
}

// priced tells whether a name is what something costs.
func priced(name string) bool {
	switch strings.Join(pymodel.Words(name), " ") {
	case "price", "unit price", "total", "total price", "total amount", "item price", "cost", "subtotal", "price cents", "unit cost":
		return true
	}
	return false
}

// ordered tells of amounts, and of prices, that a client orders with and that
// are kept as they come.
func ordered(p *analysis.Pass, list []body, said, priceSaid map[*pymodel.Field]bool) {
	p.Routes(func(r *pymodel.Route) {
		if !r.Writes() || !buys(r.Path+" "+r.Func.Name) && !slices.ContainsFunc(r.Func.Params, func(x *pymodel.Param) bool {
			return slices.ContainsFunc(classes(r.Func.Outer, x.Annotation), func(c *pymodel.Class) bool { return buys(c.Name) })
		}) {
			return
		}
		for _, x := range r.Func.Params {
			if _, dep := r.Func.ParamDep(x); dep {
				continue
			}
			for _, class := range classes(r.Func.Outer, x.Annotation) {
				for _, c := range withParts(class) {
					if !slices.ContainsFunc(list, func(b body) bool { return b.Class == c }) || analysis.Names(r.Path+" "+r.Func.Name, "admin", "staff", "search", "preview", "quote", "sort") {
						continue
					}
					order(p, r, x.Name, c, said, priceSaid)
				}
			}
		}
	})
}

// withParts are a model and those that its fields hold.
func withParts(c *pymodel.Class) []*pymodel.Class {
	out := []*pymodel.Class{c}
	for _, f := range c.AllFields() {
		for _, in := range classes(c.Outer, f.Annotation) {
			if !slices.Contains(out, in) {
				out = append(out, in)
			}
		}
	}
	return out
}

func order(p *analysis.Pass, r *pymodel.Route, param string, c *pymodel.Class, said, priceSaid map[*pymodel.Field]bool) {
	fields := c.AllFields()
	named := func(words ...string) bool {
		return slices.ContainsFunc(fields, func(f *pymodel.Field) bool { return analysis.Names(f.Name, words...) })
	}
	// Where prices are bid, they are the client's own.
	trade := named("side", "symbol", "bid", "limit", "pair", "ticker", "supplier")
	thing := named("item", "product", "sku", "article", "quantity", "qty", "seat", "seats", "room", "ticket", "book", "dish")
	for _, f := range fields {
		cost := priced(f.Name)
		if f.Annotation == nil || !cost && !counted(f.Name) || !numeric(c.Outer.Annotation(f.Annotation)) || !goesOn(r.Func, param, f.Name) {
			continue
		}
		if !said[f] && !bounded(c, f, bounds...) && !validated(c, f.Name) && !asked(r.Func, f.Name) {
			said[f] = true
			p.PythonAt(number, c.Module, f.Node, "%s.%s may be negative, and %s takes it", c.Name, f.Name, r.Func.Name)
		}
		if cost && thing && !trade && !priceSaid[f] && slices.Contains(r.Methods, "POST") && !asked(r.Func, f.Name) {
			priceSaid[f] = true
			p.PythonAt(price, c.Module, f.Node, "%s.%s is the client's, and %s takes it", c.Name, f.Name, r.Func.Name)
		}
	}
}

// goesOn tells whether a field is handed on, or set: by itself, or with the
// model that it is in.
func goesOn(f *pymodel.Func, param, field string) bool {
	is := func(e pyast.Expr) bool {
		switch e := e.(type) {
		case *pyast.Attribute:
			return e.Attr == field
		case *pyast.Call: // **body.model_dump()
			a, ok := e.Func.(*pyast.Attribute)
			return ok && (a.Attr == "model_dump" || a.Attr == "dict") && analysis.Leaf(a.Value) == param && len(e.Keywords) == 0
		case *pyast.Name:
			return e.ID == param
		}
		return false
	}
	goes := false
	for _, c := range f.Calls {
		switch c.Method() {
		case "print", "debug", "info", "warning", "error", "len", "isinstance", "max", "min", "abs", "items":
			continue
		}
		given := slices.ContainsFunc(c.Args, is) || slices.ContainsFunc(c.Keywords, func(k *pyast.Keyword) bool { return is(k.Value) })
		if given && analysis.Names(c.Method(), "validate", "valid", "check", "ensure", "verify") {
			return false
		}
		goes = goes || given
	}
	if goes {
		return true
	}
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Assign:
			_, sets := n.Targets[0].(*pyast.Attribute)
			a, of := n.Value.(*pyast.Attribute)
			found = found || sets && of && a.Attr == field
		case *pyast.Dict:
			found = found || slices.ContainsFunc(n.Values, func(e pyast.Expr) bool { a, ok := e.(*pyast.Attribute); return ok && a.Attr == field })
		}
		return !found
	})
	return found
}

// asked tells whether a function compares a field with something: with a
// bound, or with what is in the catalogue.
func asked(f *pymodel.Func, field string) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		if c, ok := n.(*pyast.Compare); ok {
			for _, e := range append(slices.Clone(c.Comparators), c.Left) {
				none := c.Ops[0] == pyast.Is || c.Ops[0] == pyast.IsNot
				a, of := e.(*pyast.Attribute)
				found = found || of && a.Attr == field && !none
			}
		}
		return !found
	})
	return found
}
