package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// variable is a name and a text, and where they stand.
type variable struct {
	name, text, source string
}

func (l *loader) environment(environ []string) *node {
	vars := make([]variable, 0, len(environ))
	for _, pair := range environ {
		name, value, ok := strings.Cut(pair, "=")
		if ok && name != "" {
			vars = append(vars, variable{name, value, "environment " + name})
		}
	}
	// Of the environment's other variables nobody says that they are ours.
	return l.variables(vars, l.options.Prefix != "")
}

// folded is a name as names are compared.
func (l *loader) folded(name string) string {
	if l.options.CaseSensitive {
		return name
	}
	return strings.ToLower(name)
}

func (l *loader) nested() string {
	if l.options.Nested == "" {
		return "__"
	}
	return l.options.Nested
}

// names are those of a top-level field's variables, the first that is there
// counts.
func (l *loader) names(f *field) []string {
	if f.env != nil {
		return f.env
	}
	return []string{l.options.Prefix + f.path[0]}
}

// variables finds the variable of each field. With ours, what no field has is
// noted; all of them have to begin with the prefix then.
func (l *loader) variables(vars []variable, ours bool) *node {
	tree := &node{}
	byName := map[string]variable{}
	for _, v := range vars {
		byName[l.folded(v.name)] = v // of two that differ by case the later one
	}
	read := map[string]bool{}
	for _, f := range l.root.children {
		l.topLevel(tree, f, byName, read)
	}
	// Names of their own may stand anywhere below.
	l.root.walk(func(f *field) {
		if len(f.path) < 2 || f.env == nil {
			return
		}
		for _, name := range f.env {
			if v, ok := byName[l.folded(name)]; ok {
				read[l.folded(name)] = true
				l.put(tree, f, nil, v.text, v.source)
				return
			}
		}
	})
	if !ours {
		return tree
	}
	prefix := l.folded(l.options.Prefix)
	for _, name := range sortedKeys(byName) {
		if !read[name] && strings.HasPrefix(name, prefix) {
			l.unknown(byName[name].name, byName[name].source)
		}
	}
	return tree
}

// topLevel finds the variables of a top-level field: its own, and those of what
// is nested in it, which go before.
func (l *loader) topLevel(tree *node, f *field, byName map[string]variable, read map[string]bool) {
	for _, name := range l.names(f) {
		if v, ok := byName[l.folded(name)]; ok {
			read[l.folded(name)] = true
			l.put(tree, f, nil, v.text, v.source)
			break
		}
	}
	if f.children == nil && !isMap(f.typ) {
		return
	}
	for _, name := range l.names(f) {
		prefix := l.folded(name + l.nested())
		for _, full := range sortedKeys(byName) {
			rest, ok := strings.CutPrefix(full, prefix)
			if !ok || rest == "" {
				continue
			}
			limit := -1
			if l.options.MaxSplit > 0 {
				limit = l.options.MaxSplit // the first separator is that of the prefix
			}
			keys := strings.SplitN(rest, l.folded(l.nested()), limit)
			if inner, below := l.descend(f, keys); inner != nil {
				read[full] = true
				l.put(tree, inner, below, byName[full].text, byName[full].source)
			}
		}
	}
}

// descend follows keys to a field. What is left of them leads into a map.
func (l *loader) descend(f *field, keys []string) (*field, []string) {
	for len(keys) > 0 && f.children != nil {
		var next *field
		for _, c := range f.children {
			if l.folded(c.path[len(c.path)-1]) == keys[0] && c.env == nil {
				next = c
			}
		}
		if next == nil {
			return nil, nil
		}
		f, keys = next, keys[1:]
	}
	if len(keys) > 0 && !isMap(f.typ) {
		return nil, nil
	}
	return f, keys
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// maxFile bounds each file that is read, in bytes.
const maxFile = 1 << 20

// readFile reads a file that may be missing.
func (l *loader) readFile(open func() (fs.File, error), name string) (data []byte, ok bool) {
	f, err := open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	if err == nil {
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	}
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("is larger than %d bytes", maxFile)
	}
	if err != nil {
		l.problem("*", name, "cannot be read: %s", reason(err))
		return nil, false
	}
	return data, true
}

// reason is an error without the path, which stands before it.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func (l *loader) dotEnv(name string) (vars []variable) {
	data, ok := l.readFile(func() (fs.File, error) { return os.Open(name) }, name)
	if !ok {
		return nil
	}
	s, err := decodeText(data, l.options.Encoding)
	if err != nil {
		l.problem("*", name, "%s", err.Error())
		return nil
	}
	lines, bad := parseDotEnv(s)
	for _, n := range bad {
		l.problem("*", fmt.Sprintf("%s:%d", name, n), "want NAME=value; a value with quotes ends with its quote")
	}
	if l.options.Expand {
		l.expand(lines)
	}
	for _, line := range lines {
		if line.set {
			vars = append(vars, variable{line.name, line.value, fmt.Sprintf("%s:%d %s", name, line.number, line.name)})
		}
	}
	return vars
}

// secretsDir reads a folder of files. Links that lead out of it are not
// followed: whoever can write to the folder could show any file through one.
// Kubernetes' own links stay within.
func (l *loader) secretsDir(dir string) (vars []variable) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		l.problem("*", dir, "cannot be read: %s", reason(err))
		return nil
	}
	defer root.Close()
	var total int
	var visit func(at string, depth int)
	visit = func(at string, depth int) {
		entries, err := fs.ReadDir(root.FS(), at)
		if err != nil {
			l.problem("*", path.Join(dir, at), "cannot be read: %s", reason(err))
			return
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				continue // ..data of Kubernetes, and what editors leave
			}
			name := path.Join(at, e.Name())
			info, err := root.Stat(name)
			if err != nil {
				l.problem("*", path.Join(dir, name), "cannot be read, or leads out of the folder")
				continue
			}
			if info.IsDir() {
				if depth < 8 {
					visit(name, depth+1)
				}
				continue
			}
			data, ok := l.readFile(func() (fs.File, error) { return root.Open(name) }, path.Join(dir, name))
			if !ok {
				continue
			}
			if total += len(data); total > 16*maxFile {
				l.problem("*", dir, "holds more than %d bytes", 16*maxFile)
				return
			}
			if !utf8.Valid(data) {
				l.problem("*", path.Join(dir, name), "is not UTF-8")
				continue
			}
			vars = append(vars, variable{strings.ReplaceAll(name, "/", l.nested()), strings.TrimSpace(string(data)), path.Join(dir, name)})
		}
	}
	visit(".", 0)
	return vars
}
