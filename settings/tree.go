package settings

import (
	"encoding/json"
	"strings"
)

// node is what was found for a field: a value, or for a struct or a map those
// of its members.
type node struct {
	set      bool
	value    any    // text of a variable, or a value of JSON, YAML or TOML
	object   bool   // there are members, though there may be none
	source   string // where it came from
	children map[string]*node
}

// text is a value that came as text, as variables do.
type text string

// merge puts what n says over what t says: members over members one by one,
// anything else in the place of what was there.
func (t *node) merge(n *node) {
	if n.set {
		*t = *n
		return
	}
	if n.object {
		t.set, t.value, t.object, t.source = false, nil, true, n.source
	}
	for name, c := range n.children {
		t.child(name).merge(c)
	}
}

func (t *node) child(name string) *node {
	if t.children == nil {
		t.children = map[string]*node{}
	}
	if t.children[name] == nil {
		t.children[name] = &node{}
	}
	return t.children[name]
}

// closed reports whether the same source says of something above a field that
// it is no object, and so has no members.
func (t *node) closed(path []string) bool {
	for _, name := range path[:len(path)-1] {
		if t = t.children[name]; t == nil {
			return false
		}
		if t.set {
			return true
		}
	}
	return false
}

// at returns the node of a field. What is above it has members.
func (t *node) at(path []string) *node {
	for _, name := range path {
		t.object = true
		t = t.child(name)
	}
	return t
}

// put notes a text for a field. For a struct it is JSON, of whose members each
// is noted for its field; so are those of a map. Keys lead into a map.
func (l *loader) put(tree *node, f *field, keys []string, s, source string) {
	if len(keys) == 0 && strings.TrimSpace(s) == "null" && (f.children != nil || isJSON(f.typ)) {
		return // nothing is said
	}
	if tree.closed(f.path) {
		return
	}
	n := tree.at(f.path)
	for _, k := range keys {
		if n.set {
			return
		}
		n.object, n.source = true, source
		n = n.child(k)
	}
	if len(keys) > 0 || f.children == nil && !isMap(f.typ) {
		n.set, n.value, n.source = true, text(s), source
		return
	}
	var object map[string]any
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	err := dec.Decode(&object)
	switch {
	case err == nil && !dec.More() && object != nil && f.children == nil:
		n.members(object, source)
	case err == nil && !dec.More() && object != nil:
		l.putObject(tree, f, object, source)
	default: // judged only if nothing overrules it
		n.set, n.value, n.source = true, text(s), source
	}
}

// members notes those of an object for a map.
func (t *node) members(object map[string]any, source string) {
	t.object, t.source = true, source
	for k, v := range object {
		c := t.child(k)
		if inner, ok := v.(map[string]any); ok {
			c.members(inner, source)
			continue
		}
		c.set, c.value, c.source = true, v, source
	}
}

// putObject notes the members of an object for the fields of a struct.
func (l *loader) putObject(tree *node, f *field, object map[string]any, source string) {
	at := tree.at(f.path)
	at.object, at.source = true, source
	for name, value := range object {
		c := f.find([]string{name})
		if c == nil {
			where := name
			if len(f.path) > 0 {
				where = f.name() + "." + name
			}
			l.unknown(where, source)
			continue
		}
		if c.children != nil {
			if members, ok := value.(map[string]any); ok {
				l.putObject(tree, c, members, source)
			} else {
				n := tree.at(c.path)
				n.set, n.value, n.source = true, value, source
			}
			continue
		}
		n := tree.at(c.path)
		if members, ok := value.(map[string]any); ok && isMap(c.typ) {
			n.members(members, source)
			continue
		}
		n.set, n.value, n.source = true, value, source
	}
}

// unknown notes a name that no field has.
func (l *loader) unknown(name, source string) {
	switch l.options.Extra {
	case IgnoreExtra:
	case WarnExtra:
		l.explanation.Unknown = append(l.explanation.Unknown, Problem{name, source, "no field reads this"})
	default:
		l.problem(name, source, "no field reads this; is it misspelt?")
	}
}
