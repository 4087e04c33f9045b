package deploy

import (
	"strings"
)

// A folded is a line that goes on over others.
type folded struct {
	text     string
	from, to int // lines, from 1
}

// unfold puts lines together that end in a backslash.
func unfold(data []byte) []folded {
	var out []folded
	open := false
	for i, l := range strings.Split(string(data), "\n") {
		l = strings.TrimSpace(l)
		text, more := strings.CutSuffix(l, "\\")
		switch {
		case !open:
			out = append(out, folded{text, i + 1, i + 1})
		case strings.HasPrefix(l, "#") || strings.HasPrefix(l, ";"):
			continue // a comment in between
		default:
			last := &out[len(out)-1]
			last.text += " " + text
			last.to = i + 1
		}
		open = more
	}
	return out
}

// fields are the words of a line, of which one in quotes may hold spaces.
func fields(line string) []string {
	var out []string
	var b strings.Builder
	var quote byte
	within := false
	for i := range len(line) {
		switch c := line[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, within = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if within {
				out = append(out, b.String())
				b.Reset()
				within = false
			}
		default:
			b.WriteByte(c)
			within = true
		}
	}
	if within {
		out = append(out, b.String())
	}
	return out
}

// live are words of targets that start what serves others.
var live = []string{"prod", "production", "deploy", "release", "live"}

// makefile adds the commands of targets that are for production: the others are
// for who works on the project.
func (p *Project) makefile(s Source) {
	target := ""
	for i, l := range strings.Split(string(s.Data), "\n") {
		recipe, ok := strings.CutPrefix(l, "\t")
		if !ok {
			if name, _, ok := strings.Cut(l, ":"); ok && !strings.HasPrefix(l, "#") && !strings.HasPrefix(l, ".") {
				target = name
			}
			continue
		}
		for _, w := range strings.FieldsFunc(strings.ToLower(target), func(r rune) bool { return r < 'a' || r > 'z' }) {
			for _, word := range live {
				if w == word {
					p.line(Command{Place: Place{s.Path, i + 1, 1}, From: "makefile", Owner: target, Data: s.Data, End: i + 1}, strings.TrimLeft(recipe, "@- "))
				}
			}
		}
	}
}
