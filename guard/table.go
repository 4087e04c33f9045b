package guard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Table finds the value of the most specific path pattern that matches a
// path. Patterns are matched against the canonical, decoded path, and by
// case:
//
//	/a/b        this path
//	/a/b/       every path below it, and itself
//	/a/{id}/b   any one segment in the place of {id}
//
// An exact pattern wins over a wildcard, a longer tree over a shorter one.
// The zero Table is empty.
type Table[T any] struct {
	exact    map[string]T
	patterns []pattern[T] // the most specific first
}

type pattern[T any] struct {
	segments []string // "" matches any one segment
	tree     bool     // matches everything below too
	literals int
	value    T
}

// Add adds a pattern. Its error says what is wrong with the pattern.
func (t *Table[T]) Add(path string, value T) error {
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("path %q does not begin with a slash", path)
	}
	if strings.ContainsAny(path, "?#*%\\;") || strings.Contains(path, "//") {
		return fmt.Errorf("path %q is not a plain decoded path: it may hold no query, fragment, escape, '*', ';' or empty segment (a tree is written /like/this/)", path)
	}
	p := pattern[T]{value: value}
	rest := path[1:]
	if strings.HasSuffix(path, "/") {
		p.tree = true
		rest = strings.TrimSuffix(rest, "/")
	}
	wild := false
	if rest != "" {
		for _, s := range strings.Split(rest, "/") {
			switch {
			case s == "." || s == "..":
				return fmt.Errorf("path %q has a dot segment, which no request that passes can have", path)
			case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") && len(s) > 2:
				wild = true
				p.segments = append(p.segments, "")
			case strings.ContainsAny(s, "{}"):
				return fmt.Errorf("path %q: a wildcard is a whole segment, such as {id}", path)
			default:
				p.literals++
				p.segments = append(p.segments, s)
			}
		}
	}
	if !wild && !p.tree {
		if _, dup := t.exact[path]; dup {
			return fmt.Errorf("path %q is given twice", path)
		}
		if t.exact == nil {
			t.exact = map[string]T{}
		}
		t.exact[path] = value
		return nil
	}
	for _, q := range t.patterns {
		if q.tree == p.tree && slices.Equal(q.segments, p.segments) {
			return fmt.Errorf("path %q is given twice", path)
		}
	}
	t.patterns = append(t.patterns, p)
	slices.SortStableFunc(t.patterns, func(a, b pattern[T]) int {
		return cmp.Or(
			cmp.Compare(len(b.segments), len(a.segments)),
			cmp.Compare(b.literals, a.literals),
			boolCompare(a.tree, b.tree), // a path itself before the tree below it
		)
	})
	return nil
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// Lookup returns the value of the most specific pattern that matches path.
func (t *Table[T]) Lookup(path string) (value T, ok bool) {
	if v, ok := t.exact[path]; ok {
		return v, true
	}
	for i := range t.patterns {
		if t.patterns[i].match(path) {
			return t.patterns[i].value, true
		}
	}
	return value, false
}

func (p *pattern[T]) match(path string) bool {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return false
	}
	if len(p.segments) == 0 {
		return p.tree
	}
	for i, want := range p.segments {
		s, after, more := strings.Cut(rest, "/")
		if s == "" || want != "" && s != want {
			return false
		}
		if i == len(p.segments)-1 {
			return more == p.tree
		}
		if !more {
			return false
		}
		rest = after
	}
	return false
}
