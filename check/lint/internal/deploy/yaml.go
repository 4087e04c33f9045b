package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A Node is a value of YAML, with its place. All methods may be called on nil,
// which is what is not there.
type Node struct {
	Line, Column int
	// Value of a scalar, as text; Null of one that is empty.
	Value  string
	Quoted bool
	Null   bool
	Keys   []*Node
	Values []*Node // of a mapping, or the items of a list
	List   bool
	// Key is where the key of this value stands; nil of an item.
	Key *Node
}

// maxAlias bounds how much anchors may unfold to.
const maxAlias = 20_000

type yamlReader struct {
	anchors map[string]ast.Node
	nodes   int
	lines   []string // of the file
	from    int      // the lines before the document
	err     error
}

var errAliases = errors.New("its aliases unfold to too much")

// documents reads all documents of a file, each by itself: of several, the
// parser leaves out what stands behind one that is empty. In what was a
// template, a key may stand twice, in either branch.
func documents(data []byte, template bool) ([]*Node, error) {
	var options []parser.Option
	if template {
		options = append(options, parser.AllowDuplicateMapKey())
	}
	var out []*Node
	lines := strings.Split(string(data), "\n")
	from := 0
	for i := range len(lines) + 1 {
		if i < len(lines) && (i == from || !marker(lines[i])) {
			continue
		}
		part := lines[from:i]
		r := &yamlReader{anchors: map[string]ast.Node{}, lines: lines, from: from}
		from = i
		if !slices.ContainsFunc(part, content) {
			continue
		}
		n, err := r.document(strings.Join(part, "\n"), options)
		if err != nil {
			return nil, err
		}
		if n != nil {
			out = append(out, n)
		}
	}
	return out, nil
}

// marker tells whether a document begins with a line.
func marker(line string) bool {
	rest, ok := strings.CutPrefix(line, "---")
	return ok && (rest == "" || strings.ContainsRune(" \t\r", rune(rest[0])))
}

// content tells whether a line has something of a document.
func content(line string) bool {
	line = strings.TrimSpace(line)
	return line != "" && line != "---" && line != "..." && line[0] != '#' && line[0] != '%'
}

// document reads the one document of a text; nil when it has none.
func (r *yamlReader) document(text string, options []parser.Option) (*Node, error) {
	f, err := parser.ParseBytes([]byte(text), 0, options...)
	if err != nil {
		return nil, r.short(err)
	}
	i := slices.IndexFunc(f.Docs, func(d *ast.DocumentNode) bool { return d.Body != nil })
	if i < 0 {
		return nil, nil
	}
	n := r.node(f.Docs[i].Body, 0)
	if r.nodes > maxAlias*10 {
		return nil, errAliases
	}
	return n, r.err
}

// short is the first line of an error.
func (r *yamlReader) short(err error) error {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil {
		return fmt.Errorf("line %d: %s", syntax.Token.Position.Line+r.from, syntax.Message)
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(first)
}

// at is a node where a token stands. What is not written, such as a value that
// is left out, stands behind what is.
func (r *yamlReader) at(t *token.Token) *Node {
	if t == nil || t.Position == nil {
		return &Node{Line: r.from + 1, Column: 1}
	}
	line := min(max(t.Position.Line+r.from, 1), len(r.lines))
	return &Node{Line: line, Column: min(max(t.Position.Column, 1), len(r.lines[line-1])+1)}
}

func (r *yamlReader) node(n ast.Node, depth int) *Node {
	r.nodes++
	if n == nil || depth > 100 || r.nodes > maxAlias*10 {
		return nil
	}
	depth++
	switch n := n.(type) {
	case *ast.MappingNode:
		out := r.at(n.GetToken())
		if len(n.Values) > 0 {
			out = r.at(n.Values[0].Key.GetToken())
		}
		r.pairs(out, n.Values, depth)
		return out
	case *ast.MappingValueNode:
		out := r.at(n.Key.GetToken())
		r.pairs(out, []*ast.MappingValueNode{n}, depth)
		return out
	case *ast.SequenceNode:
		out := r.at(n.GetToken())
		out.List = true
		for _, v := range n.Values {
			out.Values = append(out.Values, r.node(v, depth))
		}
		return out
	case *ast.AnchorNode:
		r.anchors[n.Name.GetToken().Value] = n.Value
		return r.node(n.Value, depth)
	case *ast.AliasNode:
		anchor, ok := r.anchors[n.Value.GetToken().Value]
		if !ok {
			r.err = fmt.Errorf("line %d: nothing has the anchor %.40q", n.GetToken().Position.Line+r.from, n.Value.GetToken().Value)
		}
		return r.node(anchor, depth)
	case *ast.TagNode:
		return r.node(n.Value, depth)
	case *ast.LiteralNode:
		out := r.at(n.Start) // that of its text may be of its end
		out.Line, out.Column = min(out.Line+1, len(r.lines)), 1
		out.Value, out.Quoted = n.Value.Value, true
		return out
	case *ast.NullNode:
		out := r.at(n.GetToken())
		out.Null = true
		return out
	case *ast.StringNode:
		out := r.at(n.GetToken())
		out.Value = n.Value
		out.Quoted = n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
		return out
	}
	out := r.at(n.GetToken())
	if s, ok := n.(ast.ScalarNode); ok {
		out.Value = fmt.Sprint(s.GetValue())
		if t := n.GetToken(); t != nil && t.Type != token.NullType {
			out.Value = t.Value
		}
	}
	return out
}

// pairs puts a mapping's own keys before those that are merged in, which count
// only where it has none.
func (r *yamlReader) pairs(out *Node, values []*ast.MappingValueNode, depth int) {
	var merged []*Node
	for _, v := range values {
		value := r.node(v.Value, depth)
		if v.Key.IsMergeKey() {
			if value != nil && value.List {
				merged = append(merged, value.Values...)
			} else {
				merged = append(merged, value)
			}
			continue
		}
		written := v.Key.GetToken()
		if m, ok := v.Key.(*ast.MappingKeyNode); ok && m.Value != nil {
			written = m.Value.GetToken()
		}
		key := r.at(written)
		key.Value = written.Value
		if value == nil {
			value = &Node{Null: true, Line: key.Line, Column: key.Column}
		}
		value.Key = key
		out.Keys = append(out.Keys, key)
		out.Values = append(out.Values, value)
	}
	for _, m := range merged {
		m.Pairs(func(key, value *Node) {
			if !out.Has(key.Value) {
				out.Keys = append(out.Keys, key)
				out.Values = append(out.Values, value)
			}
		})
	}
}

// Get is the value below a mapping's keys; nil when it is not there.
func (n *Node) Get(path ...string) *Node {
	for _, key := range path {
		if n == nil || n.List {
			return nil
		}
		var found *Node
		for i, k := range n.Keys {
			if k.Value == key {
				found = n.Values[i]
				break
			}
		}
		n = found
	}
	return n
}

// Has tells whether a key is there.
func (n *Node) Has(key string) bool { return n.Get(key) != nil }

// Text is a scalar's text; "" of what is none.
func (n *Node) Text() string {
	if n == nil {
		return ""
	}
	return n.Value
}

// Is tells whether a scalar is one of the texts.
func (n *Node) Is(texts ...string) bool {
	if n == nil {
		return false
	}
	for _, t := range texts {
		if n.Value == t {
			return true
		}
	}
	return false
}

// Items are those of a list.
func (n *Node) Items() []*Node {
	if n == nil || !n.List {
		return nil
	}
	out := n.Values[:0:0]
	for _, v := range n.Values {
		if v != nil {
			out = append(out, v)
		}
	}
	return out
}

// Pairs calls f for what a mapping holds.
func (n *Node) Pairs(f func(key, value *Node)) {
	if n == nil || n.List {
		return
	}
	for i, k := range n.Keys {
		f(k, n.Values[i])
	}
}

// Map tells whether it is a mapping that holds something.
func (n *Node) Map() bool { return n != nil && len(n.Keys) > 0 }

// Words are a list's texts, or a scalar's words as a shell splits them.
func (n *Node) Words() []string {
	if n == nil {
		return nil
	}
	if n.List {
		var out []string
		for _, i := range n.Items() {
			out = append(out, i.Value)
		}
		return out
	}
	return shellWords(n.Value)
}

// Walk calls f for the node and all below it.
func (n *Node) Walk(f func(*Node)) {
	if n == nil {
		return
	}
	f(n)
	for _, v := range n.Values {
		v.Walk(f)
	}
}
