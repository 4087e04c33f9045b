package guard

import (
	"strings"
	"testing"
)

func TestTableMostSpecificWins(t *testing.T) {
	var table Table[string]
	for _, p := range []string{"/", "/api/", "/api/orders", "/api/orders/", "/api/{id}", "/api/{id}/items", "/api/orders/{id}", "/files/{name}/"} {
		if err := table.Add(p, p); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"/":                    "/",
		"/x":                   "/",
		"/api":                 "/", // a tree is what lies below it
		"/api/":                "/api/",
		"/api/orders":          "/api/orders",
		"/api/orders/":         "/api/orders/",
		"/api/orders/7":        "/api/orders/{id}",
		"/api/orders/7/x":      "/api/orders/",
		"/api/users":           "/api/{id}",
		"/api/users/items":     "/api/{id}/items",
		"/api/users/7/y":       "/api/",
		"/files/a":             "/",
		"/files/a/":            "/files/{name}/",
		"/files/a/b/c":         "/files/{name}/",
		"/API/orders":          "/",
		"/api//items":          "/api/", // an empty segment is no id
		"/api/orders/7/items/": "/api/orders/",
	} {
		got, ok := table.Lookup(path)
		if !ok || got != want {
			t.Errorf("Lookup(%q) = %q, %v; want %q", path, got, ok, want)
		}
	}
	if _, ok := table.Lookup("api"); ok {
		t.Error("a path without a slash matched")
	}
}

func TestTableRefusesPatterns(t *testing.T) {
	for _, p := range []string{"", "api", "*", "/a*", "/a?x", "/a#x", "/a//b", "/a/../b", "/./a", "/%61", `/a\b`, "/a;b", "/{}", "/a{id}", "/{id", "/id}"} {
		var table Table[int]
		if err := table.Add(p, 1); err == nil {
			t.Errorf("Add(%q) was accepted", p)
		}
	}
	for _, pair := range [][2]string{{"/a", "/a"}, {"/a/", "/a/"}, {"/{x}/b", "/{y}/b"}} {
		var table Table[int]
		if err := table.Add(pair[0], 1); err != nil {
			t.Fatal(err)
		}
		if err := table.Add(pair[1], 2); err == nil {
			t.Errorf("%q and %q, which match the same, were both accepted", pair[0], pair[1])
		}
	}
}

func TestTableLookupAllocatesNothing(t *testing.T) {
	var table Table[int]
	for i, p := range []string{"/api/", "/api/{id}/items", "/x"} {
		if err := table.Add(p, i); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { table.Lookup("/api/7/items") }); n != 0 {
		t.Errorf("%v allocations a look-up, want 0", n)
	}
}

// FuzzTable holds Lookup to a plain reading of what patterns mean.
func FuzzTable(f *testing.F) {
	f.Add("/api/{id}/items", "/api/7/items")
	f.Add("/a/", "/a")
	f.Add("/", "//")
	f.Add("/a/{x}/", "/a//")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		var table Table[bool]
		if table.Add(pattern, true) != nil {
			return
		}
		_, got := table.Lookup(path)
		if want := matches(pattern, path); got != want {
			t.Errorf("pattern %q, path %q: got %v, want %v", pattern, path, got, want)
		}
	})
}

func matches(pattern, path string) bool {
	if !strings.HasPrefix(path, "/") {
		return false
	}
	want, got := strings.Split(pattern[1:], "/"), strings.Split(path[1:], "/")
	if want[len(want)-1] == "" { // a tree
		want = want[:len(want)-1]
		if len(got) < len(want)+1 {
			return false
		}
		got = got[:len(want)]
	}
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		wild := strings.HasPrefix(want[i], "{")
		if got[i] == "" || !wild && got[i] != want[i] {
			return false
		}
	}
	return true
}
