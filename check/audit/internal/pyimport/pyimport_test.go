package pyimport

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for source, want := range map[string]string{
		"import a":                        "a",
		"import a.b as c, d ; import e\n": "a.b d e",
		"from a.b import c, d as e\n":     "a.b a.b.c a.b.d",
		"from a import (  # why\n    b,\n    c as d,\n)\nimport e": "a a.b a.c e",
		"from a import *\nimport b":                                "a b",
		"from . import a\nfrom .b import c\nimport d":              "d",
		"from a import b \\\n  , c":                                "a a.b a.c",
		"import a\\\n.b":                                           "a.b",
		"if x: import a\nelse: from b import c":                    "a b b.c",
		"try:\n\timport a\nexcept ImportError:\n\tb = None\n":      "a",
		"def f():\r\n    import a\r\n":                             "a",
		"'''\nimport no\n'''\nimport a":                            "a",
		`x = "import no"; y = 'from no import x'`:                  "",
		"# import no\nimport a # import no":                        "a",
		"x = f\"{y}\n\"\nimport a":                                 "a",
		"r'\\'\nimport no\n'":                                      "no",
		"x.import_ = 1\nimportant = 2\nfromage = 3":                "",
		"def g():\n    yield from h()\n":                           "",
		"raise E from e\nimport a":                                 "a",
		"importlib.import_module('a.b')":                           "a.b",
		"importlib.import_module(f'a.{x}')":                        "",
		"__import__(\"a\")\nimport_module(name)":                   "a",
		"importlib.util.find_spec('a')":                            "a",
		"x = [\n1,\n2]\nimport a":                                  "a",
		"x = {'a': 1}\nimport b":                                   "b",
		"import ä":                                                 "ä",
		"import":                                                   "",
		"from":                                                     "",
		"from a":                                                   "",
		"import a.":                                                "a",
		"":                                                         "",
	} {
		if got := strings.Join(Names(source), " "); got != want {
			t.Errorf("%q: got %q, want %q", source, got, want)
		}
	}
}

// FuzzNames: nothing crashes, and a statement that is put before or after
// whole lines is found.
func FuzzNames(f *testing.F) {
	f.Add("x = 1")
	f.Add("from a import (b,\nc)")
	f.Add("'''")
	f.Fuzz(func(t *testing.T, s string) {
		names := Names(s)
		seen := map[string]bool{}
		for _, n := range names {
			if n == "" || n[0] == '.' && strings.Trim(n, ".") == "" || seen[n] {
				t.Errorf("%q: %q", s, names)
			}
			seen[n] = true
		}
		got := Names("import before_it\n" + s)
		if len(got) == 0 || got[0] != "before_it" {
			t.Errorf("%q: %q", s, got)
		}
	})
}
