package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// sqlOf is the statement that a call hands over with its values; "" when it
// hands over none.
func sqlOf(c *pymodel.Call) string {
	if len(c.Args)+len(c.Keywords) < 2 {
		return ""
	}
	for _, a := range c.Args[:min(2, len(c.Args))] {
		if inner, ok := a.(*pyast.Call); ok && len(inner.Args) == 1 { // text("…")
			a = inner.Args[0]
		}
		if text, ok := c.Scope.Text(a); ok && isSQL(text) {
			return text
		}
	}
	return ""
}

func isSQL(text string) bool {
	verb, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), " ")
	switch verb {
	case "select", "insert", "update", "delete":
		return len(text) > 12
	}
	return false
}

// sqlTable is the table that a statement is about.
func sqlTable(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r != '_' && r != '.' && (r < '0' || r > '9' && r < 'a' || r > 'z')
	})
	for i, w := range words[:max(0, len(words)-1)] {
		if w == "from" || w == "into" || w == "update" && i == 0 {
			return words[i+1][strings.LastIndexByte(words[i+1], '.')+1:]
		}
	}
	return ""
}

// columnsOf are the words of a statement that may be columns.
func columnsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r != '_' && (r < '0' || r > '9' && r < 'a' || r > 'z')
	})
}

// sqlOwners are the tables of which some statement knows a column that says
// whose a row is.
func sqlOwners(p *analysis.Pass) map[string]bool {
	out := map[string]bool{}
	p.Modules(func(m *pymodel.Module) {
		pyast.Walk(m.File.Body, func(n pyast.Node) bool {
			c, ok := n.(*pyast.Constant)
			if !ok || c.Kind != pyast.Str || len(c.Value) < 20 {
				return true
			}
			lower := strings.ToLower(c.Value)
			if i := strings.Index(lower, "create table"); i >= 0 {
				for _, part := range strings.Split(lower[i:], "create table")[1:] {
					words := columnsOf(strings.TrimPrefix(strings.TrimSpace(part), "if not exists"))
					if len(words) > 1 && slices.ContainsFunc(words[1:], sqlOwner) {
						out[words[0]] = true
					}
				}
				return true
			}
			if !isSQL(c.Value) || strings.Contains(lower, " join ") {
				return true
			}
			if table := sqlTable(c.Value); table != "" && slices.ContainsFunc(columnsOf(c.Value), func(w string) bool { return w != table && sqlOwner(w) }) {
				out[table] = true
			}
			return true
		})
	})
	return out
}

func sqlOwner(column string) bool {
	return ownName(column) && column != "user" && column != "username" && column != "author"
}
