package project

import "strings"

// A pyFile is what one Python file says.
type pyFile struct {
	path    string
	toks    []pyToken
	imports map[string]pyImport // by local name
	lists   map[string][]Value  // module-level constants: strings and lists of them
	// Functions of the module that make an application, and variables of the
	// module that hold one, with what they call.
	makes map[string]bool
}

// A pyImport is `from module import name`, or `import module` without name.
type pyImport struct{ module, name string }

// at is the text of a token, "" beyond the end.
func (f *pyFile) at(i int) string {
	if i < 0 || i >= len(f.toks) || f.toks[i].kind == pyString {
		return ""
	}
	return f.toks[i].text
}

// attribute says whether the name at i is what follows a dot. The dots of an
// ellipsis on the line before are not meant.
func (f *pyFile) attribute(i int) bool { return f.at(i-1) == "." && !f.toks[i].first }

func (f *pyFile) place(i int) Place { return Place{f.path, f.toks[i].line} }

// dotted reads a.b.c from token i. It returns the text and the index after.
func (f *pyFile) dotted(i int) (string, int) {
	if i >= len(f.toks) || f.toks[i].kind != pyName {
		return "", i
	}
	text := f.toks[i].text
	for i++; f.at(i) == "." && i+1 < len(f.toks) && f.toks[i+1].kind == pyName; i += 2 {
		text += "." + f.toks[i+1].text
	}
	return text, i
}

func (f *pyFile) readImports() {
	for i, t := range f.toks {
		if !t.first || t.kind != pyName {
			continue
		}
		switch t.text {
		case "import":
			for j := i + 1; j < len(f.toks); {
				module, next := f.dotted(j)
				if module == "" {
					break
				}
				local := module
				if f.at(next) == "as" {
					local, next = f.at(next+1), next+2
				}
				f.imports[local] = pyImport{module: module}
				if f.at(next) != "," {
					break
				}
				j = next + 1
			}
		case "from":
			j, module := i+1, ""
			for ; f.at(j) == "."; j++ {
				module += "."
			}
			if f.at(j) != "import" {
				var rest string
				rest, j = f.dotted(j)
				module += rest
			}
			if f.at(j) != "import" {
				continue
			}
			if j++; f.at(j) == "(" {
				j++
			}
			for j < len(f.toks) && f.toks[j].kind == pyName && !f.toks[j].first {
				name, local := f.toks[j].text, f.toks[j].text
				if j++; f.at(j) == "as" {
					local, j = f.at(j+1), j+2
				}
				f.imports[local] = pyImport{module, name}
				if f.at(j) != "," {
					break
				}
				j++
			}
		}
	}
}

// readLists reads NAME = "text" and NAME = ["text", …] of the module.
func (f *pyFile) readLists() {
	for i, t := range f.toks {
		if !t.first || t.col != 0 || t.kind != pyName {
			continue
		}
		j := i + 1
		if f.at(j) == ":" {
			for j < len(f.toks) && f.at(j) != "=" && !f.toks[j].first {
				j++
			}
		}
		if f.at(j) != "=" {
			continue
		}
		end := j + 1
		for end < len(f.toks) && !f.toks[end].first {
			end++
		}
		if list, ok := f.literals(j+1, end); ok {
			f.lists[t.text] = list
		} else {
			delete(f.lists, t.text) // computed later on
		}
	}
}

// literals reads an expression between two tokens: a string, a list or tuple
// or set of strings, or a constant of the module that is one.
func (f *pyFile) literals(lo, hi int) ([]Value, bool) {
	if lo >= hi {
		return nil, false
	}
	if hi == lo+1 && f.toks[lo].kind == pyName {
		list, ok := f.lists[f.toks[lo].text]
		return list, ok
	}
	if open := f.at(lo); open == "[" || open == "(" || open == "{" {
		if f.closing(lo) != hi-1 {
			return nil, false
		}
		out := []Value{}
		for _, item := range f.items(lo) {
			v, ok := f.literals(item.lo, item.hi)
			if !ok || item.name != "" || len(v) != 1 {
				return nil, false
			}
			out = append(out, v[0])
		}
		return out, true
	}
	text := ""
	for i := lo; i < hi; i++ { // strings side by side are one
		if f.toks[i].kind != pyString || !f.toks[i].plain {
			return nil, false
		}
		text += f.toks[i].text
	}
	return []Value{{f.place(lo), text}}, true
}

func (f *pyFile) literal(lo, hi int) (string, bool) {
	list, ok := f.literals(lo, hi)
	if !ok || len(list) != 1 || f.at(lo) == "[" {
		return "", false
	}
	return list[0].Value, true
}

// closing is the index of the bracket that closes the one at i.
func (f *pyFile) closing(i int) int {
	depth := f.toks[i].depth
	for j := i + 1; j < len(f.toks); j++ {
		if f.toks[j].depth == depth && f.toks[j].kind == pyOp {
			return j
		}
	}
	return len(f.toks) - 1
}

// An item is one of those between brackets: an argument or an element.
type item struct {
	name   string // of name=value
	lo, hi int    // the tokens of the value
}

// items splits what is between the brackets of which the first is at i.
func (f *pyFile) items(i int) []item {
	var out []item
	end := f.closing(i)
	depth := f.toks[i].depth + 1
	for lo := i + 1; lo < end; {
		hi := lo
		for hi < end && (f.at(hi) != "," || f.toks[hi].depth != depth) {
			hi++
		}
		it := item{lo: lo, hi: hi}
		if hi-lo > 2 && f.toks[lo].kind == pyName && f.at(lo+1) == "=" {
			it.name, it.lo = f.toks[lo].text, lo+2
		}
		if hi > lo {
			out = append(out, it)
		}
		lo = hi + 1
	}
	return out
}

// argument is an argument of a call, by name or else by position (-1: by name
// only).
func argument(items []item, name string, position int) (item, bool) {
	for i, it := range items {
		if it.name == name || it.name == "" && i == position {
			return it, true
		}
	}
	return item{}, false
}

// means says what a name in this file stands for: "fastapi.FastAPI". The
// second value is false if it is not imported.
func (f *pyFile) means(name string) (string, bool) {
	head, rest, dotted := strings.Cut(name, ".")
	imp, ok := f.imports[head]
	if !ok {
		// `import a.b` has the local name a.b here.
		for local, imp := range f.imports {
			if tail, ok := strings.CutPrefix(name, local+"."); ok && imp.name == "" {
				return imp.module + "." + tail, true
			}
		}
		return name, false
	}
	full := imp.module
	if imp.name != "" {
		full += "." + imp.name
	}
	if dotted {
		full += "." + rest
	}
	return full, true
}

// constructor says which framework's application a name makes.
func (f *pyFile) constructor(name string) string {
	full, ok := f.means(name)
	if !ok {
		return ""
	}
	switch full {
	case "fastapi.FastAPI", "fastapi.applications.FastAPI":
		return "fastapi"
	case "starlette.applications.Starlette":
		return "starlette"
	}
	return ""
}

// scope follows, token by token, which function or class of the module one
// is in.
type scope struct {
	def   string // the function, "" at the level of the module
	class bool
	bare  bool // the function can be called without arguments
}

func (f *pyFile) enter(s *scope, i int) {
	t := f.toks[i]
	if !t.first || t.col != 0 || t.depth != 0 {
		return
	}
	*s = scope{}
	if t.text == "async" {
		i++
	}
	switch f.at(i) {
	case "class":
		s.class = true
	case "def":
		s.def = f.at(i + 1)
		s.bare = true
		if f.at(i+2) != "(" {
			return
		}
		for _, p := range f.items(i + 2) {
			optional := false
			for j := p.lo; j < p.hi; j++ {
				optional = optional || f.at(j) == "=" && f.toks[j].depth == 1 || f.at(j) == "*"
			}
			if p.name == "" && !optional {
				s.bare = false
			}
		}
	}
}

// assigned is the variable of a statement `name = …` or `name: type = …`
// whose value begins at token i, which need not be at the level of the
// module.
func (f *pyFile) assigned(i int) (string, bool) {
	if f.at(i-1) != "=" || f.toks[i-1].depth != 0 {
		return "", false
	}
	start := i - 1
	for start > 0 && !f.toks[start].first {
		start--
	}
	if f.toks[start].kind != pyName || f.at(start+1) != "=" && f.at(start+1) != ":" {
		return "", false
	}
	return f.toks[start].text, true
}
