package deploy

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// A template is what became of one of Helm: YAML in which lines and columns
// stay where they are, and what its actions may do to it.
type template struct {
	data []byte
	// open are lines whose mapping or list an action adds to.
	open map[int]bool
	// cond are lines that are there under a condition.
	cond map[int]bool
}

// filled stands where an action writes a part of a line.
const filled = "\ue000"

// Templated tells whether a template decides a value.
func (n *Node) Templated() bool { return n != nil && strings.Contains(n.Value, filled) }

var action = lazy.Regexp(`(?s)\{\{-?\s*/\*.*?\*/\s*-?\}\}|\{\{.*?\}\}`)

var indented = lazy.Regexp(`indent\s+(\d+)`)

// untemplate makes YAML of a template: lines that are nothing but actions
// become empty, an action within a line becomes a word, and one that writes
// lines behind a key goes.
func untemplate(data []byte) *template {
	t := &template{open: map[int]bool{}, cond: map[int]bool{}}
	found := action().FindAllIndex(data, -1)
	var out []byte
	at := 0
	for _, f := range found {
		out = append(out, data[at:f[0]]...)
		if alone(data, found, f[0], f[1]) {
			out = bytes.TrimRight(out, " \t")
			out = append(out, bytes.Repeat([]byte("\n"), bytes.Count(data[f[0]:f[1]], []byte("\n")))...)
		} else {
			nothing := below(data, f)
			if nothing {
				t.open[bytes.Count(data[:f[0]], []byte("\n"))+1] = true
			}
			out = append(out, word(data[f[0]:f[1]], nothing)...)
		}
		at = f[1]
	}
	t.data = append(out, data[at:]...)
	t.follow(data, found)
	return t
}

// alone tells whether nothing but actions stands on the lines of one.
func alone(data []byte, found [][]int, from, to int) bool {
	start := bytes.LastIndexByte(data[:from], '\n') + 1
	end := len(data)
	if i := bytes.IndexByte(data[to:], '\n'); i >= 0 {
		end = to + i
	}
	for _, f := range found {
		if f[1] <= start || f[0] >= end {
			continue
		}
		if len(bytes.TrimSpace(data[min(start, f[0]):f[0]])) > 0 {
			return false
		}
		start = f[1]
	}
	return start >= end || len(bytes.TrimSpace(data[start:end])) == 0
}

// below tells whether an action writes lines below the key that it stands
// behind.
func below(data []byte, f []int) bool {
	line := data[bytes.LastIndexByte(data[:f[0]], '\n')+1 : f[0]]
	return bytes.HasSuffix(bytes.TrimSpace(line), []byte(":")) && bytes.Contains(data[f[0]:f[1]], []byte("nindent"))
}

// word is what stands for an action, with its line breaks and its length; a
// comment when nothing is to stand for it.
func word(text []byte, nothing bool) []byte {
	out := bytes.Repeat([]byte("x"), len(text))
	if nothing {
		out[0] = '#'
	} else {
		copy(out, filled)
	}
	for i, c := range text {
		if c == '\n' {
			out[i] = '\n'
			if i+1 < len(out) {
				out[i+1] = '#'
			}
		}
	}
	return out
}

// follow goes through the actions, and notes the lines that they decide about.
func (t *template) follow(data []byte, found [][]int) {
	lines := strings.Split(string(t.data), "\n")
	type block struct {
		line int
		cond bool
	}
	var blocks []block
	for _, f := range found {
		line := bytes.Count(data[:f[0]], []byte("\n")) + 1
		text := strings.Trim(string(data[f[0]+2:f[1]-2]), "- \t\r\n")
		keyword, _, _ := strings.Cut(text, " ")
		switch keyword {
		case "if", "with", "range":
			blocks = append(blocks, block{line, begun(lines, line)})
		case "define", "block":
			blocks = append(blocks, block{line, true})
		case "end":
			if len(blocks) == 0 {
				continue
			}
			last := blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
			if last.cond {
				for l := last.line; l <= line; l++ {
					t.cond[l] = true
				}
			}
		default:
			if alone(data, found, f[0], f[1]) && !strings.HasPrefix(text, "/*") && !strings.HasPrefix(text, "$") && keyword != "else" && keyword != "fail" {
				t.opens(lines, line, depth(data, f, text))
			}
		}
	}
}

// begun tells whether a document's content begins before a line: a condition
// around all of it decides whether it is there, not what it says.
func begun(lines []string, line int) bool {
	for i := line - 2; i >= 0; i-- {
		l := strings.TrimSpace(lines[i])
		if strings.HasPrefix(l, "---") {
			return false
		}
		if l != "" && l[0] != '#' {
			return true
		}
	}
	return false
}

// depth is how far what an action writes is indented.
func depth(data []byte, f []int, text string) int {
	if m := indented().FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return f[0] - bytes.LastIndexByte(data[:f[0]], '\n') - 1
}

// opens notes the line that what is written belongs to: the nearest before it
// that is indented less.
func (t *template) opens(lines []string, line, depth int) {
	for i := line - 2; i >= 0; i-- {
		content := strings.TrimLeft(lines[i], " ")
		if strings.TrimSpace(content) == "" || content[0] == '#' {
			continue
		}
		indent := len(lines[i]) - len(content)
		if indent < depth {
			t.open[i+1] = true
			return
		}
	}
}

// Open tells whether a template adds to a mapping or a list what is not known.
func (d *Document) Open(n *Node) bool {
	if n == nil || d.template == nil {
		return false
	}
	if n.Key != nil {
		return d.template.open[n.Key.Line]
	}
	return d.template.open[n.Line]
}

// Conditional tells whether a template decides that a node is there.
func (d *Document) Conditional(n *Node) bool {
	return n != nil && d.template != nil && d.template.cond[d.Place(n).Line]
}
