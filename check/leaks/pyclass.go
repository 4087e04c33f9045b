package leaks

import (
	"maps"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// A pyClass is what its source says of a class.
type pyClass struct {
	name, file string
	line       int
	bases      []string
	fields     []pyField
	config     map[string]string // expressions, by their keys
	// open tells that the class may have more fields than are seen.
	open bool
	// sources tells that values come from elsewhere, too.
	sources bool
	// first tells of the first version of pydantic, where BaseSettings was in.
	first bool
}

type pyField struct {
	name, typ string
	aliases   []string
	value     string // the default, as it is written; empty where there is none
	required  bool
	file      string
	line      int
}

// pyClasses reads the classes of a file.
func pyClasses(file, src string) []*pyClass {
	first := firstPydantic().MatchString(src)
	var out []*pyClass
	var stack []*pyClass
	var indents, bodies []int // of the classes in the stack; a body's is 0 until it is seen
	for _, l := range pyLines(src) {
		for len(stack) > 0 && l.indent <= indents[len(indents)-1] {
			stack, indents, bodies = stack[:len(stack)-1], indents[:len(indents)-1], bodies[:len(bodies)-1]
		}
		top := len(stack) - 1
		if top >= 0 && bodies[top] == 0 {
			bodies[top] = l.indent
		}
		inBody := top >= 0 && bodies[top] == l.indent
		if m := classLine().FindStringSubmatch(l.text); m != nil {
			head := pySplit(l.text[len("class"):], ':')
			c := &pyClass{name: m[1], file: file, line: l.line, config: map[string]string{}, first: first}
			if _, args, named, ok := pyCall(head[0]); ok {
				c.bases, c.config = args, named
			}
			if m[1] == "Config" && inBody {
				c = &pyClass{name: "Config", config: stack[top].config} // its names are keys of the class it is in
			} else {
				out = append(out, c)
			}
			stack, indents, bodies = append(stack, c), append(indents, l.indent), append(bodies, 0)
			if rest := strings.TrimSpace(strings.Join(head[1:], ":")); rest != "" {
				c.statement(rest, l.line)
			}
			continue
		}
		if inBody {
			stack[top].statement(l.text, l.line)
		}
	}
	return out
}

var (
	classLine     = lazy.Regexp(`^class\s+([A-Za-z_][A-Za-z0-9_]*)\s*[:(]`)
	firstPydantic = lazy.Regexp(`(?m)^\s*from\s+pydantic(?:\.v1)?\s+import\s[^\n]*\bBaseSettings\b|\bpydantic\.(?:v1\.)?BaseSettings\b`)
	compound      = lazy.Regexp(`^(?:if|for|while|with|try|match)\b`)
)

// statement is one of a class's body.
func (c *pyClass) statement(s string, line int) {
	if c.name == "Config" && c.file == "" {
		if name, _, value, ok := pyAssign(s); ok {
			c.config[name] = value
		}
		return
	}
	switch {
	case strings.Contains(s, "settings_customise_sources"):
		c.sources = true
	case compound().MatchString(s):
		c.open = true
	}
	name, typ, value, set := pyAssign(s)
	switch {
	case name == "model_config":
		c.configure(value)
	case name == "" || name[0] == '_' || strings.Contains(typ, "ClassVar") || typ == "" && !set:
	default:
		f := pyField{name: name, typ: typ, required: !set, file: c.file, line: line}
		f.describe(value, set)
		c.fields = append(c.fields, f)
	}
}

// configure reads SettingsConfigDict(key=value) and {"key": value}.
func (c *pyClass) configure(value string) {
	if _, args, named, ok := pyCall(value); ok {
		maps.Copy(c.config, named)
		c.open = c.open || len(args) > 0
		return
	}
	inner, ok := strings.CutPrefix(value, "{")
	if !ok || !strings.HasSuffix(inner, "}") {
		c.open, c.sources = true, true // made elsewhere
		return
	}
	for _, pair := range pySplit(strings.TrimSuffix(inner, "}"), ',') {
		if parts := pySplit(pair, ':'); len(parts) == 2 {
			if key, ok := pyText(parts[0]); ok {
				c.config[key] = parts[1]
			}
		}
	}
}

// describe reads the default and the other names of a field, out of its value
// and of Field(…) in its type.
func (f *pyField) describe(value string, set bool) {
	if inner, ok := strings.CutPrefix(strings.TrimPrefix(f.typ, "typing."), "Annotated["); ok {
		parts := pySplit(strings.TrimSuffix(inner, "]"), ',')
		f.typ = parts[0]
		for _, p := range parts[1:] {
			f.field(p)
		}
	}
	if set && !f.field(value) {
		f.required, f.value = value == "...", value
	}
}

// field reads a call of Field.
func (f *pyField) field(s string) bool {
	name, args, named, ok := pyCall(s)
	if !ok || name != "Field" {
		return false
	}
	first, positional := "...", len(args) > 0
	if positional {
		first = args[0]
	} else if d, ok := named["default"]; ok {
		first = d
	}
	_, made := named["default_factory"]
	f.required = first == "..." && !made
	if first != "..." {
		f.value = first
	}
	for _, key := range []string{"alias", "validation_alias", "env"} {
		if v, ok := named[key]; ok {
			if key == "validation_alias" {
				f.aliases = nil // which goes before alias
			}
			f.aliases = append(f.aliases, pyNames(v)...)
		}
	}
	return true
}

// pyNames are the names of an alias: a text, AliasChoices, the first of
// AliasPath, or a list.
func pyNames(s string) []string {
	if text, ok := pyText(s); ok {
		return []string{text}
	}
	var out []string
	name, args, _, ok := pyCall(s)
	switch {
	case ok && name == "AliasPath" && len(args) > 0:
		return pyNames(args[0])
	case ok && name == "AliasChoices":
	case strings.HasPrefix(s, "[") || strings.HasPrefix(s, "("):
		args = pySplit(s[1:len(s)-1], ',')
	default:
		return []string{""} // not known: reads what is not known
	}
	for _, a := range args {
		if a != "" {
			out = append(out, pyNames(a)...)
		}
	}
	return out
}
