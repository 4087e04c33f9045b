package trial

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// A Draft is a request before it is written: its parts can be changed one at a
// time.
type Draft struct {
	Op     *openapi.Operation
	Method string
	Who    *identity.Identity
	Base   string
	Path   map[string]string
	Query  []Field
	Header http.Header
	Cookie map[string]string
	// Type of the body, and what is in it: a value of JSON, a map of fields
	// of a form, or bytes; nil is none.
	Type string
	Body any
	// Exact is a path that is sent as it is, in place of the operation's own.
	Exact string
	// Made are the objects that the path names.
	Made []*Object
	free []string // parameters of the path that name no object
}

// A Field is a name and a value, in order.
type Field struct{ Name, Value string }

// Clone is a deep copy.
func (d *Draft) Clone() *Draft {
	c := *d
	c.Path, c.Cookie = maps.Clone(d.Path), maps.Clone(d.Cookie)
	c.Query = slices.Clone(d.Query)
	c.Header = d.Header.Clone()
	c.Body = cloneValue(d.Body)
	c.Made, c.free = slices.Clone(d.Made), slices.Clone(d.free)
	return &c
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = cloneValue(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = cloneValue(x)
		}
		return out
	case []byte:
		return slices.Clone(v)
	}
	return v
}

// As is the same request of another.
func (d *Draft) As(who *identity.Identity) *Draft {
	c := d.Clone()
	c.Who = who
	return c
}

// WithQuery sets a parameter of the query.
func (d *Draft) WithQuery(name, value string) *Draft {
	c := d.Clone()
	for i := range c.Query {
		if c.Query[i].Name == name {
			c.Query[i].Value = value
			return c
		}
	}
	c.Query = append(c.Query, Field{name, value})
	return c
}

// WithPath sets a parameter of the path.
func (d *Draft) WithPath(name, value string) *Draft {
	c := d.Clone()
	if c.Path == nil {
		c.Path = map[string]string{}
	}
	c.Path[name] = value
	return c
}

// WithHeader sets a header field.
func (d *Draft) WithHeader(name, value string) *Draft {
	c := d.Clone()
	if c.Header == nil {
		c.Header = http.Header{}
	}
	c.Header.Set(name, value)
	return c
}

// WithBody replaces the body.
func (d *Draft) WithBody(kind string, body any) *Draft {
	c := d.Clone()
	c.Type, c.Body = kind, body
	return c
}

// A Slot is a place of a request that a client fills with a text or a number.
type Slot struct {
	// In is path, query, header, cookie, or body.
	In string
	// Name of the parameter, or the members of the body that lead there.
	Name   string
	Steps  []any // of the body: string or int
	Schema *openapi.Schema
	Value  any
}

func (s Slot) String() string {
	if s.In != "body" {
		return s.In + " " + s.Name
	}
	var b strings.Builder
	for _, step := range s.Steps {
		fmt.Fprintf(&b, "/%v", step)
	}
	return "body " + b.String()
}

// Slots are the places of a request, in a fixed order.
func (d *Draft) Slots() []Slot {
	var out []Slot
	for _, name := range slices.Sorted(maps.Keys(d.Path)) {
		s := Slot{In: "path", Name: name, Value: d.Path[name]}
		if p := d.Op.Param("path", name); p != nil {
			s.Schema = p.Schema
		}
		out = append(out, s)
	}
	for _, f := range d.Query {
		s := Slot{In: "query", Name: f.Name, Value: f.Value}
		if p := d.Op.Param("query", f.Name); p != nil {
			s.Schema = p.Schema
		}
		out = append(out, s)
	}
	for _, p := range d.Op.Params {
		if p.In == "header" && d.Header.Get(p.Name) != "" {
			out = append(out, Slot{In: "header", Name: p.Name, Value: d.Header.Get(p.Name), Schema: p.Schema})
		}
	}
	var schema *openapi.Schema
	for _, b := range d.Op.Bodies {
		if b.Type == d.Type {
			schema = b.Schema
		}
	}
	var walk func(v any, s *openapi.Schema, steps []any, depth int)
	walk = func(v any, s *openapi.Schema, steps []any, depth int) {
		if depth > 6 {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(v[name], s.Property(name), append(slices.Clone(steps), name), depth+1)
			}
		case []any:
			if len(v) == 0 {
				return
			}
			var items *openapi.Schema
			if s != nil {
				items = s.Items
			}
			walk(v[0], items, append(slices.Clone(steps), 0), depth+1) // the others are the same
		case []byte:
		case nil:
		default:
			name := ""
			if len(steps) > 0 {
				name = fmt.Sprint(steps[len(steps)-1])
			}
			out = append(out, Slot{In: "body", Name: name, Steps: steps, Schema: s, Value: v})
		}
	}
	walk(d.Body, schema, nil, 0)
	return out
}

// With fills a slot with another value.
func (d *Draft) With(s Slot, value any) *Draft {
	switch s.In {
	case "path":
		return d.WithPath(s.Name, fmt.Sprint(value))
	case "query":
		return d.WithQuery(s.Name, fmt.Sprint(value))
	case "header":
		return d.WithHeader(s.Name, fmt.Sprint(value))
	}
	c := d.Clone()
	c.Body = set(c.Body, s.Steps, value)
	return c
}

func set(at any, steps []any, value any) any {
	if len(steps) == 0 {
		return value
	}
	switch step := steps[0].(type) {
	case string:
		if m, ok := at.(map[string]any); ok {
			m[step] = set(m[step], steps[1:], value)
		}
	case int:
		if l, ok := at.([]any); ok && step < len(l) {
			l[step] = set(l[step], steps[1:], value)
		}
	}
	return at
}

// Request writes the draft.
func (d *Draft) Request() *traffic.Request {
	r := &traffic.Request{Method: d.Method, Header: http.Header{}}
	if r.Method == "" {
		r.Method = d.Op.Method
	}
	path := d.Exact
	if path == "" {
		path = d.Base + d.Op.Path
		for name, value := range d.Path {
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
		}
	}
	if len(d.Query) > 0 {
		var q strings.Builder
		for i, f := range d.Query {
			if i > 0 {
				q.WriteByte('&')
			}
			q.WriteString(url.QueryEscape(f.Name) + "=" + url.QueryEscape(f.Value))
		}
		path += "?" + q.String()
	}
	r.Path = path
	r.Header.Set("Accept", "application/json, */*;q=0.5")
	for name, vs := range d.Header {
		r.Header[name] = slices.Clone(vs)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Cookie)) {
		old := r.Header.Get("Cookie")
		if old != "" {
			old += "; "
		}
		r.Header.Set("Cookie", old+name+"="+d.Cookie[name])
	}
	r.Body, r.Header = d.write(r.Header)
	if d.Who != nil {
		d.Who.Apply(r)
	}
	return r
}

func (d *Draft) write(h http.Header) ([]byte, http.Header) {
	if d.Body == nil && d.Type == "" {
		return nil, h
	}
	if raw, ok := d.Body.([]byte); ok {
		if d.Type != "" {
			h.Set("Content-Type", d.Type)
		}
		return raw, h
	}
	switch d.Type {
	case "application/x-www-form-urlencoded":
		h.Set("Content-Type", d.Type)
		form := url.Values{}
		fields, _ := d.Body.(map[string]any)
		for name, v := range fields {
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			for _, x := range list {
				if x != nil {
					form.Add(name, plain(x))
				}
			}
		}
		return []byte(form.Encode()), h
	case "multipart/form-data":
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.SetBoundary("pavise-5f2c9e7d1b40") // so that a request can be sent again
		fields, _ := d.Body.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			d.part(w, name, fields[name])
		}
		_ = w.Close()
		h.Set("Content-Type", w.FormDataContentType())
		return b.Bytes(), h
	}
	h.Set("Content-Type", d.Type)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d.Body); err != nil {
		return nil, h
	}
	return bytes.TrimRight(b.Bytes(), "\n"), h
}

// A File is what a part of a form holds.
type File struct {
	Name, Type string
	Data       []byte
}

func (d *Draft) part(w *multipart.Writer, name string, v any) {
	switch v := v.(type) {
	case File:
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename=%q`, name, v.Name))
		h.Set("Content-Type", v.Type)
		if p, err := w.CreatePart(h); err == nil {
			_, _ = p.Write(v.Data)
		}
	case []any:
		for _, x := range v {
			d.part(w, name, x)
		}
	default:
		_ = w.WriteField(name, plain(v))
	}
}

func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any, []any:
		b, err := json.Marshal(v)
		if err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v)
}
