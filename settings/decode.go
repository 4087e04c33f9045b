package settings

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

// ByteSize is a number of bytes, read from "512", "64KiB", "10MB" or "1.5 GiB".
type ByteSize int64

var units = map[string]float64{
	"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// UnmarshalText reads a size. K, M, G and T alone are binary, as in Docker and
// nginx; with a B they are decimal.
func (s *ByteSize) UnmarshalText(t []byte) error {
	i := strings.IndexFunc(string(t), func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	number, unit := string(t), ""
	if i >= 0 {
		number, unit = string(t[:i]), strings.TrimSpace(string(t[i:]))
	}
	n, err := strconv.ParseFloat(number, 64)
	factor, ok := units[strings.ToLower(unit)]
	if err != nil || !ok || n*factor >= math.MaxInt64 {
		return errors.New("want a size such as 64KiB or 10MB")
	}
	*s = ByteSize(n * factor)
	return nil
}

// rule is why a value cannot be used. It does not hold the value.
type rule string

func (r rule) Error() string { return string(r) }

// decode puts a value into dst. Its error is a rule.
func decode(dst reflect.Value, v any) error {
	if dst.Kind() == reflect.Pointer {
		if v == nil {
			dst.SetZero()
			return nil
		}
		p := reflect.New(dst.Type().Elem())
		if err := decode(p.Elem(), v); err != nil {
			return err
		}
		dst.Set(p)
		return nil
	}
	switch v := v.(type) {
	case text:
		return decodeString(dst, string(v), true)
	case string:
		return decodeString(dst, v, false)
	case bool:
		if dst.Kind() == reflect.Bool {
			dst.SetBool(v)
			return nil
		}
	case json.Number:
		if isNumber(dst.Kind()) || dst.Type() == reflect.TypeFor[ByteSize]() {
			return decodeString(dst, v.String(), false)
		}
	case []any:
		return decodeList(dst, v)
	case map[string]any:
		return decodeMap(dst, v)
	}
	return want(dst.Type())
}

// want says what a type takes.
func want(t reflect.Type) rule {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "want a duration such as 5s or 1m30s"
	case t == reflect.TypeFor[url.URL]():
		return "want a URL with a scheme and a host"
	case t == reflect.TypeFor[secret.String](), t == reflect.TypeFor[secret.Bytes]():
		return "want a secret"
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return rule("want the text of a " + t.String())
	}
	switch t.Kind() {
	case reflect.Bool:
		return "want true or false (or 1, 0, yes, no, on, off)"
	case reflect.String:
		return "want a string"
	case reflect.Slice, reflect.Array:
		return "want a JSON array"
	case reflect.Map:
		return "want a JSON object"
	case reflect.Float32, reflect.Float64:
		return "want a number"
	}
	if isNumber(t.Kind()) {
		low, high := "0", strconv.FormatUint(math.MaxUint64>>(64-t.Bits()), 10)
		if t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64 {
			low, high = strconv.FormatInt(math.MinInt64>>(64-t.Bits()), 10), strconv.FormatInt(math.MaxInt64>>(64-t.Bits()), 10)
		}
		return rule("want a whole number from " + low + " to " + high)
	}
	return rule("want a " + t.String())
}

func isNumber(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Float64 }

// decodeString reads a text. From a variable it may also be JSON, for what is
// made of several values.
func decodeString(dst reflect.Value, s string, variable bool) error {
	t := dst.Type()
	switch p := dst.Addr().Interface().(type) {
	case *time.Duration:
		d, err := time.ParseDuration(strings.TrimSpace(s))
		if err != nil {
			return want(t)
		}
		*p = d
		return nil
	case *url.URL:
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" && u.Path == "" {
			return want(t)
		}
		*p = *u
		return nil
	case encoding.TextUnmarshaler:
		if err := p.UnmarshalText([]byte(s)); err != nil {
			return want(t) // the type's own error may quote the text
		}
		return nil
	}
	switch k := dst.Kind(); {
	case k == reflect.String:
		dst.SetString(s)
		return nil
	case k == reflect.Bool:
		b, ok := booleans[strings.ToLower(s)]
		if !ok {
			return want(t)
		}
		dst.SetBool(b)
		return nil
	case isNumber(k):
		return decodeNumber(dst, s)
	case variable && (k == reflect.Slice || k == reflect.Array || k == reflect.Map):
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) != nil || dec.More() {
			return want(t)
		}
		return decode(dst, v)
	}
	return want(t)
}

var booleans = map[string]bool{
	"1": true, "true": true, "t": true, "yes": true, "y": true, "on": true,
	"0": false, "false": false, "f": false, "no": false, "n": false, "off": false,
}

// decodeNumber reads numbers as pydantic does: spaces around, a sign, digits
// with single underscores between; a whole number may end in ".0".
func decodeNumber(dst reflect.Value, s string) error {
	s = strings.TrimSpace(s)
	if strings.Contains(s, "_") {
		if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
			return want(dst.Type())
		}
		s = strings.ReplaceAll(s, "_", "")
	}
	bits := dst.Type().Bits()
	if dst.Kind() == reflect.Float32 || dst.Kind() == reflect.Float64 {
		f, err := strconv.ParseFloat(s, bits)
		// NaN and infinity compare with nothing, or with everything.
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(s, "xXpP") {
			return want(dst.Type())
		}
		dst.SetFloat(f)
		return nil
	}
	if whole, zeros, ok := strings.Cut(s, "."); ok && zeros != "" && strings.Trim(zeros, "0") == "" {
		s = whole
	}
	digits := strings.TrimLeft(s, "+-")
	if digits == "" || len(s)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		return want(dst.Type())
	}
	if dst.CanInt() {
		n, err := strconv.ParseInt(s, 10, bits)
		if err != nil {
			return want(dst.Type())
		}
		dst.SetInt(n)
		return nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "+"), 10, bits)
	if err != nil {
		return want(dst.Type())
	}
	dst.SetUint(n)
	return nil
}

func decodeList(dst reflect.Value, list []any) error {
	switch dst.Kind() {
	case reflect.Slice:
		dst.Set(reflect.MakeSlice(dst.Type(), len(list), len(list)))
	case reflect.Array:
		if len(list) != dst.Len() {
			return rule(fmt.Sprintf("want a JSON array of %d", dst.Len()))
		}
	default:
		return want(dst.Type())
	}
	for i, v := range list {
		if err := decode(dst.Index(i), v); err != nil {
			return rule(fmt.Sprintf("item %d: %s", i, err))
		}
	}
	return nil
}

func decodeMap(dst reflect.Value, m map[string]any) error {
	if dst.Kind() != reflect.Map {
		return want(dst.Type())
	}
	out := reflect.MakeMapWithSize(dst.Type(), len(m))
	for _, k := range sortedKeys(m) {
		v := reflect.New(dst.Type().Elem()).Elem()
		if err := decode(v, m[k]); err != nil {
			// The key is a part of the value.
			return rule(fmt.Sprintf("one of its values: %s", err))
		}
		out.SetMapIndex(reflect.ValueOf(k).Convert(dst.Type().Key()), v)
	}
	dst.Set(out)
	return nil
}

// isJSON reports whether a variable's text is JSON.
func isJSON(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map) && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func isMap(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Map
}

// fill puts what was found into the struct, and notes what is missing.
func (l *loader) fill(f *field, n *node, dst reflect.Value) {
	for _, c := range f.children {
		into := dst.Field(c.index)
		found := &node{}
		if n != nil && n.children[c.path[len(c.path)-1]] != nil {
			found = n.children[c.path[len(c.path)-1]]
		}
		if c.children != nil {
			if found.set {
				l.problem(c.name(), found.source, "want a JSON object, or a variable for each of its fields")
				continue
			}
			l.fill(c, found, into)
			continue
		}
		l.fillField(c, found, into)
	}
}

func (l *loader) fillField(f *field, n *node, dst reflect.Value) {
	value, source := n.value, n.source
	if n.object && !n.set && isMap(f.typ) {
		value = mapOf(n)
	} else if !n.set {
		switch {
		case f.def != nil:
			value, source = text(*f.def), "default"
		case f.optional:
			l.explain(f, "not set", dst)
			return
		default:
			l.problem(f.name(), "", "is required: set %s", l.variable(f))
			return
		}
	}
	if err := decode(dst, value); err != nil {
		l.problem(f.name(), source, "%s", err.Error())
		return
	}
	if len(f.oneof) > 0 && !slices.Contains(f.oneof, fmt.Sprint(reflect.Indirect(dst).Interface())) {
		l.problem(f.name(), source, "want one of %s", strings.Join(f.oneof, ", "))
		return
	}
	if l.options.Production {
		if why := weak(f, dst); why != "" {
			l.problem(f.name(), source, "%s", why)
			return
		}
	}
	l.explain(f, source, dst)
}

// mapOf makes a map of its members.
func mapOf(n *node) map[string]any {
	m := map[string]any{}
	for k, c := range n.children {
		if c.set {
			m[k] = c.value
		} else {
			m[k] = mapOf(c)
		}
	}
	return m
}

// variable is the name of the variable that a field is read from.
func (l *loader) variable(f *field) string {
	if f.env != nil {
		return f.env[0]
	}
	name := l.options.Prefix + strings.Join(f.path, l.nested())
	if !l.options.CaseSensitive {
		name = strings.ToUpper(name)
	}
	return name
}
