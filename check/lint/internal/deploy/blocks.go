package deploy

import (
	"bytes"
	"fmt"
	"strings"
)

// A Directive is one of nginx or of Caddy: words, and a block of others.
type Directive struct {
	Place
	Words    []string
	Children []*Directive
	Block    bool
	Parent   *Directive
}

// Name is the first word.
func (d *Directive) Name() string {
	if len(d.Words) == 0 {
		return ""
	}
	return d.Words[0]
}

// Arg is a word behind the name; "" when it is not there.
func (d *Directive) Arg(i int) string {
	if i+1 < len(d.Words) {
		return d.Words[i+1]
	}
	return ""
}

// All are the directives of a name, in the block and in the blocks below it.
func (d *Directive) All(name string) []*Directive {
	var out []*Directive
	for _, c := range d.Children {
		if c.Name() == name {
			out = append(out, c)
		}
		out = append(out, c.All(name)...)
	}
	return out
}

// Own are the directives of a name in the block itself.
func (d *Directive) Own(name string) []*Directive {
	var out []*Directive
	for _, c := range d.Children {
		if c.Name() == name {
			out = append(out, c)
		}
	}
	return out
}

// Effective is the nearest directive of a name: in the block, or in one that it
// stands in; nil when there is none.
func (d *Directive) Effective(name string) *Directive {
	for at := d; at != nil; at = at.Parent {
		if own := at.Own(name); len(own) > 0 {
			return own[len(own)-1]
		}
	}
	return nil
}

// A blockToken is a word, or one of { } ; and, of Caddy, the end of a line.
type blockToken struct {
	text         string
	quoted       bool
	line, column int
}

func blockTokens(data []byte, caddy bool) []blockToken {
	var out []blockToken
	line, start := 1, 0
	for i := 0; i < len(data); {
		c := data[i]
		column := i - start + 1
		switch {
		case c == '\n':
			if caddy {
				out = append(out, blockToken{"\n", false, line, column})
			}
			line++
			i++
			start = i
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#' && (!caddy || i == 0 || data[i-1] == ' ' || data[i-1] == '\t' || data[i-1] == '\n'):
			for i < len(data) && data[i] != '\n' {
				i++
			}
		case !caddy && (c == '{' || c == '}' || c == ';'):
			out = append(out, blockToken{string(c), false, line, column})
			i++
			if c == '{' && len(out) > 1 && strings.HasSuffix(out[len(out)-2].text, "_by_lua_block") {
				to := closing(data, i)
				line += bytes.Count(data[i:to], []byte("\n"))
				if last := bytes.LastIndexByte(data[i:to], '\n'); last >= 0 {
					start = i + last + 1
				}
				i = to
			}
		case c == '"' || c == '\'' && !caddy || c == '`' && caddy:
			at := line
			j := i + 1
			var b strings.Builder
			for j < len(data) && data[j] != c {
				if data[j] == '\\' && j+1 < len(data) && c != '`' {
					j++
				}
				if data[j] == '\n' {
					line++
					start = j + 1
				}
				b.WriteByte(data[j])
				j++
			}
			out = append(out, blockToken{b.String(), true, at, column})
			i = min(j+1, len(data))
		default:
			j := i
			depth := 0
			for j < len(data) && data[j] != ' ' && data[j] != '\t' && data[j] != '\r' && data[j] != '\n' {
				if !caddy {
					if data[j] == '$' && j+1 < len(data) && data[j+1] == '{' {
						depth++
						j++
					} else if depth > 0 && data[j] == '}' {
						depth--
						j++
						continue
					} else if depth == 0 && (data[j] == ';' || data[j] == '{' || data[j] == '}') {
						break
					}
				}
				j++
			}
			j = max(j, i+1)
			out = append(out, blockToken{string(data[i:min(j, len(data))]), false, line, column})
			i = j
		}
	}
	return out
}

// closing is where the block closes that holds another language.
func closing(data []byte, from int) int {
	depth := 1
	for i := from; i < len(data); i++ {
		switch data[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	return len(data)
}

// blocks reads a file of nested directives. Its error is about a block that is
// not closed, or closed twice.
func blocks(file string, data []byte, caddy bool) (*Directive, error) {
	root := &Directive{Place: Place{file, 1, 1}, Block: true}
	at := root
	var current *Directive
	end := func() {
		if current != nil {
			at.Children = append(at.Children, current)
			current = nil
		}
	}
	for _, t := range blockTokens(data, caddy) {
		switch {
		case t.quoted:
			if current == nil {
				current = &Directive{Place: Place{file, t.line, t.column}, Parent: at}
			}
			current.Words = append(current.Words, t.text)
		case t.text == ";" && !caddy, t.text == "\n" && caddy:
			end()
		case t.text == "{":
			if current == nil {
				current = &Directive{Place: Place{file, t.line, t.column}, Parent: at}
			}
			current.Block = true
			at.Children = append(at.Children, current)
			at, current = current, nil
		case t.text == "}":
			end()
			if at.Parent == nil {
				return nil, fmt.Errorf("line %d: a block is closed that was not opened", t.line)
			}
			at = at.Parent
		default:
			if current == nil {
				current = &Directive{Place: Place{file, t.line, t.column}, Parent: at}
			}
			current.Words = append(current.Words, t.text)
		}
	}
	end()
	if at != root {
		return nil, fmt.Errorf("line %d: the block of %.40q is not closed", at.Line, at.Name())
	}
	return root, nil
}

// apache tells whether a file is of the other server, which has tags.
func apache(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "<VirtualHost") || strings.HasPrefix(line, "<Directory") || strings.HasPrefix(line, "<IfModule") || strings.HasPrefix(line, "<Location") {
			return true
		}
	}
	return false
}

// unjinja makes directives of a template: what it writes becomes a word, and
// what it decides goes. Lines and columns stay where they are.
func unjinja(data []byte) []byte {
	if !bytes.Contains(data, []byte("{{")) && !bytes.Contains(data, []byte("{%")) {
		return data
	}
	out := bytes.Clone(data)
	for _, mark := range []struct {
		open, close string
		fill        byte
	}{{"{#", "#}", ' '}, {"{%", "%}", ' '}, {"{{", "}}", 'x'}} {
		for at := 0; ; {
			i := bytes.Index(out[at:], []byte(mark.open))
			if i < 0 {
				break
			}
			i += at
			j := bytes.Index(out[i:], []byte(mark.close))
			if j < 0 {
				break
			}
			at = i + j + len(mark.close)
			fill := mark.fill
			before := out[bytes.LastIndexByte(out[:i], '\n')+1 : i]
			after, _, _ := bytes.Cut(out[at:], []byte("\n"))
			if len(bytes.TrimSpace(before)) == 0 && len(bytes.TrimSpace(after)) == 0 {
				fill = ' '
			}
			for k := i; k < at; k++ {
				if out[k] != '\n' {
					out[k] = fill
				}
			}
		}
	}
	return out
}
