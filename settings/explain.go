package settings

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/pavise-dev/pavise/secret"
)

// An Explanation says where each value came from.
type Explanation struct {
	Values []Value
	// Unknown are variables that no field reads, with [WarnExtra].
	Unknown []Problem
}

// A Value is one field and its source.
type Value struct {
	Field  string
	Source string // "environment APP_DEBUG", "default", "not set"
	Text   string // as it is, or secret.Redacted
}

// String is a table of field, source and value.
func (x Explanation) String() string {
	var b strings.Builder
	for _, v := range x.Values {
		fmt.Fprintf(&b, "%-24s %-36s %s\n", v.Field, v.Source, v.Text)
	}
	for _, p := range x.Unknown {
		fmt.Fprintf(&b, "%s\n", p)
	}
	return b.String()
}

// Explain loads T and says where each value came from. It explains what could
// be loaded also if there is an error.
func Explain[T any](ctx context.Context, o Options) (Explanation, error) {
	_, x, err := load[T](ctx, o)
	return x, err
}

func (l *loader) explain(f *field, source string, v reflect.Value) {
	shown := ""
	if source != "not set" {
		switch {
		case f.secret():
			shown = secret.Redacted
		default:
			// A URL's password is a secret in a field that is none.
			shown = redactURL(fmt.Sprint(reflect.Indirect(v)))
		}
	}
	l.explanation.Values = append(l.explanation.Values, Value{f.name(), source, shown})
}

func redactURL(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return s
	}
	user, _, ok := strings.Cut(rest[:at], ":")
	if !ok {
		return s
	}
	return scheme + "://" + user + ":" + secret.Redacted + rest[at:]
}

// WriteExample writes a .env.example for T: each variable with its type, its
// default and its doc. Secrets have no value.
func WriteExample[T any](w io.Writer, o Options) error {
	return writeExample(w, reflect.TypeFor[T](), o)
}

func writeExample(w io.Writer, t reflect.Type, o Options) error {
	root, err := fieldsOf(t)
	if err != nil {
		return err
	}
	l := &loader{options: o, root: root}
	var b strings.Builder
	root.walk(func(f *field) {
		if f.children != nil {
			return
		}
		notes := []string{}
		if f.doc != "" {
			notes = append(notes, f.doc)
		}
		switch {
		case f.key > 0:
			notes = append(notes, fmt.Sprintf("a key of %d bytes or more: pavise token", f.key))
		case len(f.oneof) > 0:
			notes = append(notes, "one of "+strings.Join(f.oneof, ", "))
		default:
			notes = append(notes, strings.TrimPrefix(string(want(indirect(f.typ))), "want "))
		}
		if f.def == nil && !f.optional {
			notes = append(notes, "required")
		}
		fmt.Fprintf(&b, "# %s\n", strings.Join(notes, "; "))
		quoted, ok := "", false
		if f.def != nil {
			quoted, ok = quoteDotEnv(*f.def)
		}
		switch {
		case ok && !f.secret():
			fmt.Fprintf(&b, "%s=%s\n\n", l.variable(f), quoted)
		case f.optional || f.def != nil:
			fmt.Fprintf(&b, "# %s=\n\n", l.variable(f))
		default:
			fmt.Fprintf(&b, "%s=\n\n", l.variable(f))
		}
	})
	_, err = io.WriteString(w, strings.TrimSuffix(b.String(), "\n"))
	return err
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// Drift compares T with the text of its .env.example and of a .env file, of
// which either may be empty, and returns where they differ: variables of T
// that the example lacks, variables that T does not read, and those of the
// example that the .env lacks though they are required.
func Drift[T any](o Options, example, dotEnv string) ([]Problem, error) {
	return drift(reflect.TypeFor[T](), o, example, dotEnv)
}

func drift(t reflect.Type, o Options, example, dotEnv string) ([]Problem, error) {
	root, err := fieldsOf(t)
	if err != nil {
		return nil, err
	}
	l := &loader{options: o, root: root}
	fields := map[string]*field{}
	var order []string
	root.walk(func(f *field) {
		name := l.folded(l.variable(f))
		fields[name] = f
		for _, other := range f.env {
			fields[l.folded(other)] = f
		}
		if f.children == nil {
			order = append(order, name)
		}
	})
	read := func(s string) map[string]dotLine {
		lines, _ := parseDotEnv(s)
		m := map[string]dotLine{}
		for _, line := range lines {
			m[l.folded(line.name)] = line
		}
		return m
	}
	inExample, inEnv := read(example), read(dotEnv)
	// A variable that is commented out is in the example all the same.
	for line := range strings.Lines(example) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "#"); ok {
			if name, _, ok := strings.Cut(strings.TrimSpace(text), "="); ok && !strings.ContainsAny(name, " \t") {
				inExample[l.folded(name)] = dotLine{name: name}
			}
		}
	}
	var problems []Problem
	for _, name := range order {
		f := fields[name]
		if _, ok := inExample[name]; !ok && example != "" {
			problems = append(problems, Problem{f.name(), ".env.example", "lacks " + l.variable(f)})
		}
		if _, ok := inEnv[name]; !ok && dotEnv != "" && f.def == nil && !f.optional {
			problems = append(problems, Problem{f.name(), ".env", "lacks " + l.variable(f) + ", which is required"})
		}
	}
	for i, vars := range []map[string]dotLine{inExample, inEnv} {
		where := []string{".env.example", ".env"}[i]
		for _, name := range sortedKeys(vars) {
			if fields[name] == nil && !l.belongs(name, fields) {
				problems = append(problems, Problem{vars[name].name, where, "no field reads this"})
			}
		}
	}
	return problems, nil
}

// belongs reports whether a variable leads into a map or struct of a field.
func (l *loader) belongs(name string, fields map[string]*field) bool {
	for n, f := range fields {
		if (f.children != nil || isMap(f.typ)) && strings.HasPrefix(name, n+l.folded(l.nested())) {
			return true
		}
	}
	return false
}
