package settings

import (
	"encoding"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pavise-dev/pavise/secret"
)

// field is one field of the struct, or the struct itself.
type field struct {
	path     []string // names from the root
	index    int
	typ      reflect.Type
	env      []string // absolute names of variables
	def      *string
	optional bool
	oneof    []string
	key      int // least bytes of a key, 0 if it is none
	doc      string
	children []*field // of a struct
}

func (f *field) name() string { return strings.Join(f.path, ".") }

// secret reports whether the field's values do not print.
func (f *field) secret() bool {
	t := f.typ
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t == reflect.TypeFor[secret.String]() || t == reflect.TypeFor[secret.Bytes]() || f.key > 0
}

// walk visits every field that holds a value.
func (f *field) walk(visit func(*field)) {
	for _, c := range f.children {
		if c.children == nil {
			visit(c)
		} else {
			visit(c)
			c.walk(visit)
		}
	}
}

// find returns the field at a path below f, or nil.
func (f *field) find(path []string) *field {
	for _, name := range path {
		var next *field
		for _, c := range f.children {
			if c.path[len(c.path)-1] == name {
				next = c
			}
		}
		if next == nil {
			return nil
		}
		f = next
	}
	return f
}

// isStruct reports whether a type is filled field by field, and not from one
// text.
func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[url.URL]() && t != reflect.TypeFor[time.Time]() &&
		!reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func fieldsOf(t reflect.Type) (*field, error) {
	if !isStruct(t) {
		return nil, fmt.Errorf("%w: %s is no struct", errType, t)
	}
	root := &field{typ: t}
	return root, root.addChildren(map[reflect.Type]bool{t: true})
}

func (f *field) addChildren(above map[reflect.Type]bool) error {
	f.children = []*field{}
	names := map[string]string{}
	for i := range f.typ.NumField() {
		sf := f.typ.Field(i)
		if !sf.IsExported() {
			continue
		}
		name := sf.Tag.Get("setting")
		if name == "-" {
			continue
		}
		if name == "" {
			name = snake(sf.Name)
		}
		at := f.typ.String() + "." + sf.Name
		if strings.ContainsAny(name, ". =") {
			return fmt.Errorf("%w: %s: %q is no name", errType, at, name)
		}
		if other, twice := names[strings.ToLower(name)]; twice {
			return fmt.Errorf("%w: %s and %s have one name", errType, at, other)
		}
		names[strings.ToLower(name)] = sf.Name
		c := &field{path: append(append([]string(nil), f.path...), name), index: i, typ: sf.Type, optional: sf.Tag.Get("optional") == "true", doc: sf.Tag.Get("doc")}
		if text, ok := sf.Tag.Lookup("env"); ok {
			c.env = strings.Split(text, ",")
		}
		if text, ok := sf.Tag.Lookup("default"); ok {
			c.def = &text
		}
		if text, ok := sf.Tag.Lookup("oneof"); ok {
			c.oneof = strings.Fields(text)
		}
		if text, ok := sf.Tag.Lookup("key"); ok {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return fmt.Errorf("%w: %s: key:%q is no number of bytes", errType, at, text)
			}
			c.key = n
		}
		under := c.typ
		if under.Kind() == reflect.Pointer {
			under = under.Elem()
			c.optional = true
		}
		if isStruct(under) {
			if above[under] {
				return fmt.Errorf("%w: %s holds itself", errType, at)
			}
			above[under] = true
			c.typ = under
			if sf.Type.Kind() == reflect.Pointer {
				return fmt.Errorf("%w: %s: a struct is held by value", errType, at)
			}
			if err := c.addChildren(above); err != nil {
				return err
			}
			delete(above, under)
		} else if err := supported(under, at); err != nil {
			return err
		}
		f.children = append(f.children, c)
	}
	return nil
}

// supported refuses what decode cannot read.
func supported(t reflect.Type, at string) error {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || t == reflect.TypeFor[url.URL]() {
		return nil
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return nil
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return supported(t.Elem(), at)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return fmt.Errorf("%w: %s: the keys of a map are strings", errType, at)
		}
		return supported(t.Elem(), at)
	}
	return fmt.Errorf("%w: %s: a %s", errType, at, t)
}

// snake is a Go name in snake case: DatabaseURL is database_url.
func snake(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
