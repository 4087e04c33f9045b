package project

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A composeDoc finds its way in the syntax tree of a compose file. It works
// on the tree and not on decoded values for the lines, and because aliases
// are then followed one by one: a file in which they multiply costs nothing.
type composeDoc struct {
	anchors map[string]ast.Node
	steps   *int // how many more mappings are looked into
}

// readCompose reads the services' commands, published ports and whom they
// trust to forward.
func (l *look) readCompose(name, text string) {
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		l.unclear(Place{name, 1}, "is not valid YAML")
		return
	}
	for _, d := range file.Docs {
		doc := composeDoc{anchors: map[string]ast.Node{}, steps: new(maxSteps)}
		if d.Body == nil {
			continue
		}
		ast.Walk(doc, d.Body)
		for _, service := range doc.entries(doc.get(d.Body, "services")) {
			l.composeService(name, doc, service)
		}
	}
}

func (l *look) composeService(name string, doc composeDoc, service *ast.MappingValueNode) {
	title := scalar(service.Key)
	built := doc.get(service.Value, "build") != nil
	place := func(n ast.Node) Place {
		if t := n.GetToken(); t != nil && t.Position != nil {
			return Place{name, t.Position.Line}
		}
		return Place{name, 1}
	}
	words := func(n ast.Node) []string {
		if n = doc.follow(n); n == nil {
			return nil
		}
		if seq, ok := n.(*ast.SequenceNode); ok {
			var out []string
			for _, v := range seq.Values {
				out = append(out, scalar(doc.follow(v)))
			}
			return out
		}
		// A string is split as a shell would, but no shell runs it.
		return dockerWords(scalar(n), nil)
	}
	entry, command := doc.get(service.Value, "entrypoint"), doc.get(service.Value, "command")
	switch {
	case command != nil:
		l.command(place(command), title, append(words(entry), words(command)...), built)
	case entry != nil:
		l.command(place(entry), title, words(entry), built)
	}
	if seq, ok := doc.get(service.Value, "ports").(*ast.SequenceNode); ok {
		for _, v := range seq.Values {
			port := scalar(doc.follow(v))
			if port == "" {
				port = joinPort(scalar(doc.get(v, "host_ip")), scalar(doc.get(v, "published")), scalar(doc.get(v, "target")))
			}
			if port != "" {
				keep(&l.found.Ports, Value{place(v), port})
			}
		}
	}
	env := doc.get(service.Value, "environment")
	if v := doc.get(env, "FORWARDED_ALLOW_IPS"); v != nil {
		keep(&l.found.Forwarded, Value{place(v), scalar(v)})
	}
	if seq, ok := env.(*ast.SequenceNode); ok {
		for _, v := range seq.Values {
			if ips, ok := strings.CutPrefix(scalar(doc.follow(v)), "FORWARDED_ALLOW_IPS="); ok {
				keep(&l.found.Forwarded, Value{place(v), ips})
			}
		}
	}
}

// joinPort writes the long form of a port as the short one.
func joinPort(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ":")
}

// Visit collects the anchors.
func (d composeDoc) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		d.anchors[a.Name.String()] = a.Value
	}
	return d
}

const (
	// maxFollow is how many aliases in a row are followed; they can be circular.
	maxFollow = 10
	// maxSteps is how many mappings of a document are looked into; merged
	// ones can multiply.
	maxSteps = 100_000
)

// follow goes through anchors, aliases and tags to a value; nil if there is
// none.
func (d composeDoc) follow(n ast.Node) ast.Node {
	for range maxFollow {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			n = d.anchors[v.Value.String()]
		case *ast.TagNode:
			n = v.Value
		case *ast.NullNode, nil:
			return nil
		default:
			return n
		}
	}
	return nil
}

// entries are the pairs of a mapping, without those of merge keys.
func (d composeDoc) entries(n ast.Node) []*ast.MappingValueNode {
	switch v := d.follow(n).(type) {
	case *ast.MappingNode:
		return v.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}
	}
	return nil
}

// get is the value of a key, its own or merged with <<; nil if there is none.
func (d composeDoc) get(n ast.Node, key string) ast.Node { return d.getIn(n, key, maxFollow) }

func (d composeDoc) getIn(n ast.Node, key string, depth int) ast.Node {
	if *d.steps--; depth == 0 || *d.steps < 0 {
		return nil
	}
	entries := d.entries(n)
	for _, e := range entries {
		if scalar(e.Key) == key {
			return d.follow(e.Value)
		}
	}
	for _, e := range entries {
		if _, merge := e.Key.(*ast.MergeKeyNode); !merge {
			continue
		}
		from := []ast.Node{e.Value}
		if seq, ok := d.follow(e.Value).(*ast.SequenceNode); ok {
			from = seq.Values
		}
		for _, f := range from {
			if v := d.getIn(f, key, depth-1); v != nil {
				return v
			}
		}
	}
	return nil
}

// scalar is the text of a string, number or boolean.
func scalar(n ast.Node) string {
	switch v := n.(type) {
	case nil:
		return ""
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value
	case *ast.AnchorNode:
		return scalar(v.Value)
	}
	return ""
}
