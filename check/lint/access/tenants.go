package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// tenantNames are columns that say to which customer of the application a row
// belongs, and its user.
var tenantNames = []string{"tenant id", "tenant", "organization id", "organisation id", "org id", "company id", "workspace id", "account id", "team id", "customer id", "firm id", "clinic id", "practice id", "school id", "hotel id", "shop id", "store id", "merchant id", "household id", "tenant uuid", "tenant key"}

// tenancy is what an application keeps apart by such a column.
type tenancy struct {
	tables map[string]*pymodel.Class // by the names that foreign keys call them
	// kept are the columns by which queries of a table ask whose a row is.
	kept map[*pymodel.Class][]string
	// sql are the same of statements, by the table's name.
	sql map[string]string
	// roles tells that routes which ask for a role ask so too: a role is one
	// within a customer.
	roles bool
}

// tenants reads how rows of one are kept from another. Where the session or
// the database does so itself, nothing is known.
func tenants(p *analysis.Pass, set *handler.Set) *tenancy {
	t := &tenancy{tables: map[string]*pymodel.Class{}, kept: map[*pymodel.Class][]string{}, sql: map[string]string{}}
	itself := false
	p.Modules(func(m *pymodel.Module) {
		for _, c := range m.Classes {
			if !c.IsTable() {
				continue
			}
			name := strings.ToLower(c.Name)
			if b := c.Scope.Names["__tablename__"]; b != nil {
				if text, ok := c.Scope.Text(b.Value); ok {
					name = text
				}
			}
			t.tables[name] = c
		}
		itself = itself || slices.ContainsFunc(m.File.Body, func(s pyast.Stmt) bool {
			return analysis.Mentions(s, func(id string) bool {
				id = strings.ToLower(id)
				return slices.Contains([]string{"with_loader_criteria", "do_orm_execute", "schema_translate_map", "before_compile"}, id) || strings.Contains(id, "row level security") || strings.Contains(id, "set_config(") || strings.Contains(id, "search_path") || strings.HasPrefix(id, "set local ") || strings.HasPrefix(id, "set app.")
			})
		})
	})
	if itself {
		return &tenancy{}
	}
	asking := map[*pymodel.Func]bool{}
	p.Funcs(func(f *pymodel.Func) {
		before := t.count()
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.Constant:
				if n.Kind == pyast.Str && isSQL(n.Value) {
					t.statement(n.Value)
				}
			case *pyast.Compare: // Shipment.tenant_id == user.tenant_id
				if len(n.Ops) == 1 && n.Ops[0] == pyast.Eq {
					t.asks(f.Scope, n.Left, n.Comparators[0])
					t.asks(f.Scope, n.Comparators[0], n.Left)
				}
			case *pyast.Call: // filter_by(tenant_id=user.tenant_id)
				if analysis.Leaf(n.Func) == "filter_by" {
					for _, k := range n.Keywords {
						if tenantName(k.Name) && similar(k.Name, k.Value) {
							t.keep(tableIn(&pymodel.Call{Call: n, Scope: f.Scope}), k.Name)
						}
					}
				}
			}
			return true
		})
		asking[f] = t.count() > before
	})
	for _, h := range set.Handlers {
		t.roles = t.roles || h.Role && !overall(h) && slices.ContainsFunc(slices.Concat(h.Own, h.Guards), func(f *pymodel.Func) bool { return asking[f] })
	}
	return t
}

func (t *tenancy) count() int {
	n := len(t.sql)
	for _, list := range t.kept {
		n += len(list)
	}
	return n
}

// statement notes the column by which a statement asks whose a row is.
func (t *tenancy) statement(text string) {
	_, where, ok := strings.Cut(strings.ToLower(text), "where ")
	if !ok || strings.Contains(strings.ToLower(text), " join ") {
		return
	}
	for _, column := range columnsOf(where) {
		if tenantName(column) && column != "tenant" {
			t.sql[sqlTable(text)] = column
		}
	}
}

// overall tells whether the role that is asked for is one over all customers.
func overall(h *handler.Handler) bool {
	words := func(id string) bool {
		return analysis.Names(id, "admin", "administrator", "superuser", "super", "staff", "platform", "root", "support", "operator", "operators", "internal", "system", "global", "owner", "service", "permission", "permissions", "scope", "scopes", "policy")
	}
	if h.Says(inner...) || analysis.Mentions(h.Func.FunctionDef, func(id string) bool {
		return words(id) || analysis.Names(id, "role", "roles")
	}) {
		return true
	}
	return slices.ContainsFunc(h.Deps, func(d pymodel.Dep) bool {
		return d.Expr != nil && analysis.Mentions(d.Expr, words) || words(d.Name[strings.LastIndexByte(d.Name, '.')+1:])
	})
}

func tenantName(name string) bool {
	return slices.Contains(tenantNames, strings.Join(pymodel.Words(name), " "))
}

// similar tells whether a value is called as its column is, or is the id of
// what that is about: user.tenant_id, tenant_id, tenant.id.
func similar(column string, e pyast.Expr) bool {
	if s, ok := e.(*pyast.Subscript); ok { // claims["tenant_id"]
		c, ok := s.Slice.(*pyast.Constant)
		return ok && c.Value == column
	}
	words := pymodel.Words(column)
	name := pymodel.Dotted(e)
	return analysis.Leaf(e) == column || strings.HasSuffix(name, "."+column) || len(words) == 2 && strings.HasSuffix(name, words[0]+".id")
}

// asks notes a comparison of a table's column with a value of that name.
func (t *tenancy) asks(s *pymodel.Scope, column, value pyast.Expr) {
	a, ok := column.(*pyast.Attribute)
	if !ok || !tenantName(a.Attr) || !similar(a.Attr, value) {
		return
	}
	sym := s.Symbol(a.Value)
	if sym.Binding != nil && sym.Binding.Class != nil && sym.Binding.Class.IsTable() {
		t.keep(sym.Binding.Class, a.Attr)
	}
}

func (t *tenancy) keep(c *pymodel.Class, column string) {
	if c != nil && hasField(c, column) {
		t.kept[c] = append(t.kept[c], column)
	}
}

// parted is the column by which a table's rows are kept apart, where the user
// has it too: its own, or that of the row that it is a part of.
func (t *tenancy) parted(h *handler.Handler, table *pymodel.Class, depth int) string {
	if t == nil || table == nil || depth > 2 {
		return ""
	}
	for _, column := range t.kept[table] {
		if ofUser(h, column) {
			return column
		}
	}
	// A table that no query asks by its column, in an application whose others
	// do: it has it for that.
	for _, f := range table.AllFields() {
		if tenantName(f.Name) && ofUser(h, f.Name) && t.usual(f.Name) {
			return f.Name
		}
	}
	for _, f := range table.AllFields() {
		if parent := t.refers(table, f); parent != nil && parent != table && !users(h, parent) {
			if column := t.parted(h, parent, depth+1); column != "" {
				return column
			}
		}
	}
	return ""
}

// usual tells whether two tables, at least, are kept apart by a column.
func (t *tenancy) usual(column string) bool {
	n := 0
	for _, list := range t.kept {
		if slices.Contains(list, column) {
			n++
		}
	}
	return n > 1
}

// refers is the table that a column is a foreign key to. One that may be empty
// does not make it a part.
func (t *tenancy) refers(table *pymodel.Class, f *pymodel.Field) *pymodel.Class {
	if f.Value == nil || f.Annotation != nil && analysis.Mentions(f.Annotation, func(id string) bool { return id == "Optional" || id == "None" }) || optional(f.Annotation) {
		return nil
	}
	var to *pymodel.Class
	pyast.Inspect(f.Value, func(n pyast.Node) bool {
		c, ok := n.(*pyast.Call)
		if !ok {
			return to == nil
		}
		key := pymodel.Keyword(c, "foreign_key")
		if analysis.Leaf(c.Func) == "ForeignKey" {
			key = pymodel.Arg(c, 0, "column")
		}
		if a, ok := key.(*pyast.Attribute); ok { // ForeignKey(Shipment.id)
			if b := table.Outer.Symbol(a.Value).Binding; b != nil {
				to = b.Class
			}
		}
		if text, ok := key.(*pyast.Constant); ok && text.Kind == pyast.Str {
			parts := strings.Split(text.Value, ".")
			if len(parts) > 1 {
				to = t.tables[parts[len(parts)-2]]
			}
		}
		return to == nil
	})
	return to
}

func optional(annotation pyast.Expr) bool {
	found := false
	if annotation != nil {
		pyast.Inspect(annotation, func(n pyast.Node) bool {
			c, ok := n.(*pyast.Constant)
			found = found || ok && c.Kind == pyast.None
			return !found
		})
	}
	return found
}

// ofUser tells whether the current user has a column of that name.
func ofUser(h *handler.Handler, column string) bool {
	return slices.ContainsFunc(h.Users, func(u *pymodel.Param) bool {
		c := userClass(h, u)
		return c != nil && hasField(c, column)
	})
}

// users tells whether a table is that of the current user.
func users(h *handler.Handler, table *pymodel.Class) bool {
	return slices.ContainsFunc(h.Users, func(u *pymodel.Param) bool { return userClass(h, u) == table }) || analysis.Names(table.Name, "user", "tenant", "organization", "account")
}

// userClass is the class of the current user.
func userClass(h *handler.Handler, u *pymodel.Param) *pymodel.Class {
	if c := h.Func.Outer.Annotation(u.Annotation).Class; u.Annotation != nil && c != nil {
		return c
	}
	if d, ok := h.Func.ParamDep(u); ok && d.Func != nil && d.Func.Returns != nil {
		return d.Func.Outer.Annotation(d.Func.Returns).Class
	}
	return nil
}

// placed tells whether the path, or a dependency, says which customer is
// meant: who may ask is then a matter of that.
func placed(h *handler.Handler) bool {
	group := func(name string) bool {
		return analysis.Names(name, "tenant", "organization", "organisation", "org", "workspace", "company", "membership")
	}
	for _, part := range strings.FieldsFunc(h.Path, func(r rune) bool { return r == '{' || r == '}' || r == '/' }) {
		if tenantName(part) {
			return true
		}
	}
	return slices.ContainsFunc(h.Deps, func(d pymodel.Dep) bool {
		return group(d.Name[strings.LastIndexByte(d.Name, '.')+1:]) || group(analysis.Leaf(d.Expr))
	})
}
