package jsonbody

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A decoder puts a document that the scanner passed into Go values. It goes
// on after an error, so that a client learns of all of them at once.
type decoder struct {
	data    []byte
	i       int
	options Options
	bad     *DecodeError
	path    []step
	err     error // about the Go type: the programmer's, not the client's
	plans   map[reflect.Type]*plan
}

// A step of the path to a value: a member or an element.
type step struct {
	name  string
	index int // of an element, or -1
}

func (d *decoder) decode(into any) error {
	d.value(reflect.ValueOf(into).Elem(), limit{})
	return d.err
}

// fail notes what is wrong with the value at the path.
func (d *decoder) fail(rule, format string, args ...any) {
	if len(d.bad.Fields) == maxErrors {
		return
	}
	var b strings.Builder
	for _, s := range d.path {
		token := s.name
		if s.index >= 0 {
			token = strconv.Itoa(s.index)
		}
		token = pointerToken(token)
		if b.Len()+1+len(token) > maxPointer {
			break
		}
		b.WriteByte('/')
		b.WriteString(token)
	}
	d.bad.Fields = append(d.bad.Fields, FieldError{b.String(), rule, fmt.Sprintf(format, args...)})
}

// next returns the byte at which the next value begins.
func (d *decoder) next() byte {
	for d.data[d.i] == ' ' || d.data[d.i] == '\t' || d.data[d.i] == '\n' || d.data[d.i] == '\r' {
		d.i++
	}
	return d.data[d.i]
}

// text reads a string.
func (d *decoder) text() string {
	start := d.i + 1
	end := start
	escaped := false
	for d.data[end] != '"' {
		if d.data[end] == '\\' {
			escaped = true
			end++
		}
		end++
	}
	d.i = end + 1
	if !escaped {
		return string(d.data[start:end])
	}
	return string(appendUnescaped(nil, d.data[start:end]))
}

// raw reads any value and returns its text.
func (d *decoder) raw() []byte {
	c := d.next()
	start, depth := d.i, 0
	for {
		switch c {
		case '"':
			d.text()
		case '{', '[':
			depth++
			d.i++
		case '}', ']':
			depth--
			d.i++
		case ',', ':':
			d.i++
		default:
			for d.i < len(d.data) && strings.IndexByte(" \t\r\n,:]}", d.data[d.i]) < 0 {
				d.i++
			}
		}
		if depth == 0 {
			return d.data[start:d.i]
		}
		c = d.next()
	}
}

// elements calls each for every element or member; each has to read it.
func (d *decoder) elements(each func(name string, index int)) int {
	object := d.data[d.i] == '{'
	d.i++
	for n := 0; ; n++ {
		if c := d.next(); c == '}' || c == ']' {
			d.i++
			return n
		} else if c == ',' {
			d.i++
			d.next()
		}
		name, index := "", n
		if object {
			name, index = d.text(), -1
			d.next() // the colon
			d.i++
		}
		d.path = append(d.path, step{name, index})
		each(name, index)
		d.path = d.path[:len(d.path)-1]
	}
}

// kindOf names the JSON type of the value that begins with c.
func kindOf(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// value reads the next value into v.
func (d *decoder) value(v reflect.Value, l limit) {
	c := d.next()
	// wrong skips a value of another type than wanted.
	wrong := func(want string) bool {
		if kindOf(c) == want {
			return false
		}
		d.fail("type", "must be %s, not %s", want, kindOf(c))
		d.raw()
		return true
	}
	if v.Kind() == reflect.Pointer {
		if c == 'n' {
			d.raw()
			v.SetZero()
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		d.value(v.Elem(), l)
		return
	}
	if d.own(v, c) {
		return
	}
	switch kind := v.Kind(); kind {
	case reflect.String:
		if !wrong("a string") {
			v.SetString(d.string(l))
		}
	case reflect.Bool:
		if !wrong("a boolean") {
			v.SetBool(d.raw()[0] == 't')
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		if !wrong("a number") {
			d.number(v, string(d.raw()), l)
		}
	case reflect.Slice, reflect.Array:
		if !wrong("an array") {
			d.array(v, l)
		}
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			d.unfit(v.Type())
		} else if !wrong("an object") {
			d.mapping(v, l)
		}
	case reflect.Struct:
		if p := d.plan(v.Type()); p == nil {
			d.raw()
		} else if !wrong("an object") {
			d.object(v, p)
		}
	default:
		d.unfit(v.Type())
	}
}

// unfit notes a type that no JSON can be put into.
func (d *decoder) unfit(t reflect.Type) {
	if d.err == nil {
		d.err = fmt.Errorf("jsonbody: cannot decode into a %s", t)
	}
	d.raw()
}

// own leaves the value to v's own methods, if it has some.
func (d *decoder) own(v reflect.Value, c byte) bool {
	if v.Kind() == reflect.Interface && v.NumMethod() == 0 || v.Type() == reflect.TypeFor[[]byte]() {
		if c == 'n' && v.Kind() != reflect.Interface {
			return false
		}
		if err := json.Unmarshal(d.raw(), v.Addr().Interface()); err != nil {
			d.fail("value", "is not valid")
		}
		return true
	}
	switch u := v.Addr().Interface().(type) {
	case json.Unmarshaler:
		raw := d.raw()
		if c == 'n' {
			d.fail("type", "must not be null")
		} else if u.UnmarshalJSON(raw) != nil {
			d.fail("value", "is not valid")
		}
		return true
	case encoding.TextUnmarshaler:
		if c != '"' {
			d.fail("type", "must be a string, not %s", kindOf(c))
			d.raw()
		} else if u.UnmarshalText([]byte(d.text())) != nil {
			d.fail("value", "is not valid")
		}
		return true
	}
	return false
}

func (d *decoder) string(l limit) string {
	s := d.text()
	if !d.options.KeepSpace {
		s = strings.TrimSpace(s)
	}
	d.within(l, float64(utf8.RuneCountInString(s)), "characters")
	return s
}

// within judges a length or number against a field's own limits.
func (d *decoder) within(l limit, n float64, unit string) {
	if l.hasMin && n < l.min {
		d.fail("min", "must have at least %v %s", l.min, unit)
	}
	if l.hasMax && n > l.max {
		d.fail("max", "must have at most %v %s", l.max, unit)
	}
}

func (d *decoder) number(v reflect.Value, text string, l limit) {
	var err error
	var n float64
	bits := v.Type().Bits()
	switch {
	case v.CanFloat():
		n, err = strconv.ParseFloat(text, bits)
		v.SetFloat(n)
	case strings.ContainsAny(text, ".eE"):
		d.fail("type", "must be an integer")
		return
	case v.CanInt():
		var i int64
		i, err = strconv.ParseInt(text, 10, bits)
		n = float64(i)
		v.SetInt(i)
	default:
		if text == "-0" {
			text = "0"
		}
		var u uint64
		u, err = strconv.ParseUint(text, 10, bits)
		n = float64(u)
		v.SetUint(u)
	}
	switch {
	case err != nil:
		d.fail("range", "is out of range")
	case l.hasMin && n < l.min:
		d.fail("min", "must be at least %v", l.min)
	case l.hasMax && n > l.max:
		d.fail("max", "must be at most %v", l.max)
	}
}

func (d *decoder) array(v reflect.Value, l limit) {
	fixed := v.Kind() == reflect.Array
	out := v
	if !fixed {
		out = reflect.MakeSlice(v.Type(), 0, 0)
	}
	n := d.elements(func(_ string, i int) {
		switch {
		case fixed && i < v.Len():
			d.value(v.Index(i), limit{})
		case fixed:
			d.raw()
		default:
			out = reflect.Append(out, reflect.Zero(v.Type().Elem()))
			d.value(out.Index(i), limit{})
		}
	})
	if fixed && n != v.Len() {
		d.fail("length", "must have %d elements", v.Len())
	}
	if !fixed {
		v.Set(out)
	}
	d.within(l, float64(n), "elements")
}

func (d *decoder) mapping(v reflect.Value, l limit) {
	out := reflect.MakeMap(v.Type())
	n := d.elements(func(name string, _ int) {
		elem := reflect.New(v.Type().Elem()).Elem()
		d.value(elem, limit{})
		out.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), elem)
	})
	v.Set(out)
	d.within(l, float64(n), "members")
}

func (d *decoder) object(v reflect.Value, p *plan) {
	seen := make([]bool, len(p.fields))
	d.elements(func(name string, _ int) {
		i, ok := p.byName[name]
		if !ok {
			if !d.options.AllowUnknownFields {
				d.fail("unknown", "is not known")
			}
			d.raw()
			return
		}
		seen[i] = true
		f := &p.fields[i]
		d.value(fieldOf(v, f.index), f.limit)
	})
	for i, f := range p.fields {
		if f.limit.required && !seen[i] {
			d.path = append(d.path, step{f.name, -1})
			d.fail("required", "is missing")
			d.path = d.path[:len(d.path)-1]
		}
	}
}

// fieldOf returns a field, making the embedded structs on the way to it.
func fieldOf(v reflect.Value, index []int) reflect.Value {
	for i, n := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v
}

// A plan is how a struct is decoded.
type plan struct {
	fields []field
	byName map[string]int
}

type field struct {
	name  string
	index []int
	limit limit
}

// A limit is what a pavise tag says.
type limit struct {
	required, hasMin, hasMax bool
	min, max                 float64
}

// plan returns a struct's plan, or nil if its tags are wrong.
func (d *decoder) plan(t reflect.Type) *plan {
	if p, ok := d.plans[t]; ok {
		return p
	}
	p := &plan{byName: map[string]int{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		embedded := f.Anonymous && name == ""
		if name == "-" || !f.IsExported() || embedded && base(f.Type).Kind() == reflect.Struct {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if hidden(t, f.Index) {
			d.err = fmt.Errorf("jsonbody: field %s of %s is behind an embedded pointer that is not exported", f.Name, t)
			return nil
		}
		l, err := parseLimit(f.Tag.Get("pavise"))
		if err != nil {
			d.err = fmt.Errorf("jsonbody: field %s of %s: %w", f.Name, t, err)
			return nil
		}
		if i, dup := p.byName[name]; dup {
			if len(f.Index) < len(p.fields[i].index) {
				p.fields[i] = field{name, f.Index, l} // the outer one counts
			}
			continue
		}
		p.byName[name] = len(p.fields)
		p.fields = append(p.fields, field{name, f.Index, l})
	}
	if d.plans == nil {
		d.plans = map[reflect.Type]*plan{}
	}
	d.plans[t] = p
	return p
}

// hidden reports whether the way to a field goes through a pointer that
// cannot be set.
func hidden(t reflect.Type, index []int) bool {
	for _, n := range index[:len(index)-1] {
		f := base(t).Field(n)
		if f.Type.Kind() == reflect.Pointer && f.PkgPath != "" {
			return true
		}
		t = f.Type
	}
	return false
}

func base(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func parseLimit(tag string) (l limit, err error) {
	for _, part := range strings.Split(tag, ",") {
		key, text, _ := strings.Cut(part, "=")
		var n float64
		if key == "min" || key == "max" {
			if n, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(n) {
				return l, fmt.Errorf("pavise tag %q: %s needs a number", tag, key)
			}
		}
		switch key {
		case "":
		case "required":
			l.required = true
		case "min":
			l.hasMin, l.min = true, n
		case "max":
			l.hasMax, l.max = true, n
		default:
			return l, fmt.Errorf("pavise tag %q: %q is not required, min or max", tag, key)
		}
	}
	return l, nil
}
