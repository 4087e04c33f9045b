package statement

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]*Statement{
		"SELECT id, i.user_id, count(*) FROM invoices AS i WHERE i.id = ?": {
			Verb: "select", Table: "invoices", Columns: []string{"id", "user_id", ""}, Asked: []string{"id"}, Where: []Condition{{"id", 1}},
		},
		"select * from \"app\".\"Notes\" n join users u on u.id = n.user_id where n.id = $2 and u.id = $1 order by n.at": {
			Verb: "select", Table: "notes", Columns: []string{"*"}, Asked: []string{"id", "user_id", "id", "id"}, Where: []Condition{{"id", 2}, {"id", 1}}, Joined: true,
		},
		"SELECT uses FROM vouchers WHERE code = :code FOR UPDATE": {
			Verb: "select", Table: "vouchers", Columns: []string{"uses"}, Asked: []string{"code"}, Where: []Condition{{"code", 1}}, Locks: true,
		},
		"UPDATE vouchers SET uses = uses - 1, used_at = now(), note = ? WHERE code = ? AND uses > 0": {
			Verb: "update", Table: "vouchers", Asked: []string{"code", "uses"}, Where: []Condition{{"code", 2}},
			Set: []Set{{Column: "uses", Own: true}, {Column: "used_at"}, {Column: "note", Place: 1}},
		},
		"INSERT OR IGNORE INTO t (a, `b`) VALUES (?, ?) ON CONFLICT (a) DO NOTHING": {Verb: "insert", Table: "t", Columns: []string{"a", "b"}},
		"DELETE FROM notes WHERE id IN (SELECT note_id FROM shares WHERE user_id = $1) -- gone": {
			Verb: "delete", Table: "notes", Asked: []string{"id", "note_id", "shares", "user_id"}, Where: []Condition{{"user_id", 1}},
		},
		"Select a file to upload": nil, "update": nil, "selected from a": nil, "": nil,
	} {
		if got := Read(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n is %+v\nnot %+v", text, got, want)
		}
	}
}

// FuzzRead: letters may be large or small, and blanks more than one.
func FuzzRead(f *testing.F) {
	f.Add("SELECT a, b FROM t WHERE id = $1 AND x > 2")
	f.Add("update t set a = a - ? where \"id\" in (select 1)")
	f.Add("insert into t (a) values ('x') on conflict do nothing")
	f.Fuzz(func(t *testing.T, text string) {
		if slices.ContainsFunc([]byte(text), func(c byte) bool { return c >= 0x80 }) {
			return
		}
		got := Read(text)
		if other := Read(strings.ToUpper(text)); !reflect.DeepEqual(got, other) {
			t.Errorf("%q is %+v, and %+v in large letters", text, got, other)
		}
		if !strings.ContainsAny(text, "'\"`[-/") {
			if other := Read(strings.ReplaceAll(text, " ", "  ")); !reflect.DeepEqual(got, other) {
				t.Errorf("%q is %+v, and %+v with more blanks", text, got, other)
			}
		}
	})
}
