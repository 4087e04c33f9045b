package inventory

import "testing"

// TestTOMLLines: a header inside of a text, comments in arrays, dotted keys and
// inline tables do not shift the lines.
func TestTOMLLines(t *testing.T) {
	d, err := parseTOML([]byte(`# a
title = """
[[package]]
name = "no"
"""
[[package]]
name = "one"
deps = [
  # comment
  "x",
  { name = "y",
    "z" = 1 }, "w",
]
[package.source]
url = "u"
[[package]] # two
name = 'two'
a.b.c = 1
[x."y.z"]
k = []
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want int
		path []any
	}{
		{6, []any{"package", 0}}, {7, []any{"package", 0, "name"}}, {10, []any{"package", 0, "deps", 0}}, {11, []any{"package", 0, "deps", 1}},
		{12, []any{"package", 0, "deps", 2}}, {15, []any{"package", 0, "source", "url"}}, {16, []any{"package", 1}}, {17, []any{"package", 1, "name"}},
		{18, []any{"package", 1, "a", "b", "c"}}, {20, []any{"x", "y.z", "k"}}, {16, []any{"package", 1, "absent"}}, {0, []any{"absent"}},
	} {
		if got := d.line(c.path...); got != c.want {
			t.Errorf("%v: line %d, want %d", c.path, got, c.want)
		}
	}
}
