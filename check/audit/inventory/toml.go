package inventory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A document is a TOML file, and where its parts are.
type document struct {
	root  table
	lines map[string]int
}

// A table is a TOML table. Its accessors take what is of another type for
// absent: a lock file that was edited by hand costs the entry, and is said.
type table map[string]any

func (t table) text(key string) string {
	s, _ := t[key].(string)
	return s
}

func (t table) table(key string) table {
	switch v := t[key].(type) {
	case map[string]any:
		return v
	case table:
		return v
	}
	return nil
}

func (t table) list(key string) []any {
	l, _ := t[key].([]any)
	return l
}

func (t table) texts(key string) []string {
	var out []string
	for _, v := range t.list(key) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// tables of an array; nil stands for one that is none.
func (t table) tables(key string) []table {
	var out []table
	for _, v := range t.list(key) {
		m, _ := v.(map[string]any)
		out = append(out, m)
	}
	return out
}

// parseTOML reads a document. Its error says the line.
func parseTOML(data []byte) (*document, error) {
	d := &document{lines: map[string]int{}}
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	root := map[string]any{}
	if err := toml.Unmarshal(data, &root); err != nil {
		var bad *toml.DecodeError
		if errors.As(err, &bad) {
			row, column := bad.Position()
			return nil, fmt.Errorf("is not TOML: line %d, column %d: %w", row, column, err)
		}
		return nil, fmt.Errorf("is not TOML: %w", err)
	}
	d.root = root
	d.locate(data)
	return d, nil
}

// pathOf is where a value is: keys, and indexes of arrays.
func pathOf(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%v\x00", p)
	}
	return b.String()
}

// line of a value; of what it is in, where its own is not known.
func (d *document) line(parts ...any) int {
	for n := len(parts); n > 0; n-- {
		if l, ok := d.lines[pathOf(parts[:n]...)]; ok {
			return l
		}
	}
	return 0
}

// locate walks over the document once more, for the decoder tells no places.
func (d *document) locate(data []byte) {
	var p unstable.Parser
	p.Reset(data)
	offsets := lineOffsets(data)
	counts := map[string]int{} // of the tables of an array
	prefix := ""
	resolve := func(keys []string, array bool) string {
		path := ""
		for i, k := range keys {
			path += k + "\x00"
			n, isArray := counts[path]
			last := i == len(keys)-1
			if last && array {
				counts[path] = n + 1
				return path + fmt.Sprint(n) + "\x00"
			}
			if isArray {
				path += fmt.Sprint(n-1) + "\x00"
			}
		}
		return path
	}
	for p.NextExpression() {
		e := p.Expression()
		var keys []string
		at := -1
		for it := e.Key(); it.Next(); {
			keys = append(keys, string(it.Node().Data))
			if at < 0 {
				at = int(it.Node().Raw.Offset)
			}
		}
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			prefix = resolve(keys, e.Kind == unstable.ArrayTable)
			d.lines[prefix] = offsets.line(at)
		case unstable.KeyValue:
			path := prefix
			for _, k := range keys {
				path += k + "\x00"
			}
			d.lines[path] = offsets.line(at)
			d.locateValue(e.Value(), path, offsets)
		}
	}
}

func (d *document) locateValue(n *unstable.Node, path string, offsets lineOffset) {
	switch n.Kind {
	case unstable.Array:
		i := 0
		for it := n.Children(); it.Next(); {
			child := it.Node()
			if child.Kind == unstable.Comment {
				continue
			}
			at := path + fmt.Sprint(i) + "\x00"
			if l := first(child); l >= 0 {
				d.lines[at] = offsets.line(l)
			}
			d.locateValue(child, at, offsets)
			i++
		}
	case unstable.InlineTable:
		for it := n.Children(); it.Next(); {
			child := it.Node()
			at := path
			line := -1
			for k := child.Key(); k.Next(); {
				at += string(k.Node().Data) + "\x00"
				if line < 0 {
					line = int(k.Node().Raw.Offset)
				}
			}
			d.lines[at] = offsets.line(line)
			if v := child.Value(); v != nil {
				d.locateValue(v, at, offsets)
			}
		}
	}
}

// first is the offset of a value's first byte that is known.
func first(n *unstable.Node) int {
	if n.Raw.Length > 0 {
		return int(n.Raw.Offset)
	}
	for it := n.Children(); it.Next(); {
		child := it.Node()
		if child.Kind == unstable.KeyValue {
			for k := child.Key(); k.Next(); {
				return int(k.Node().Raw.Offset)
			}
		}
		if at := first(child); at >= 0 {
			return at
		}
	}
	return -1
}

// A lineOffset holds the offset of each line's end.
type lineOffset []int

func lineOffsets(data []byte) lineOffset {
	var out lineOffset
	for i, c := range data {
		if c == '\n' {
			out = append(out, i)
		}
	}
	return out
}

func (l lineOffset) line(offset int) int {
	if offset < 0 {
		return 0
	}
	low, high := 0, len(l)
	for low < high {
		mid := (low + high) / 2
		if l[mid] < offset {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low + 1
}
