package har

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Seen is a request that was answered, or one that something told of.
type Seen struct {
	Method string
	// Path is escaped, with the query; {name} stands where a template has it.
	Path string
	// Header of the request, and AsUser whether credentials were sent.
	Header http.Header
	AsUser bool
	// Status, Answer and Body are what came back; 0 is a request that was not
	// sent.
	Status int
	Answer http.Header
	Body   []byte
	// Object tells that the last segment names one of many.
	Object bool
	// Page tells that the operation is one although it answers with a page.
	Page bool
	// Form describes what is sent; nil is nothing.
	Form *Form
}

// A Form is what a request takes.
type Form struct {
	// Type of the body; empty means that the fields are parameters.
	Type   string
	Fields []Field
}

// A Field of a form.
type Field struct {
	Name     string
	Schema   map[string]any
	Required bool
}

// Made makes a document of what was seen, as Read does of a recording. What
// the secrets say is in no text of it. It is nil when nothing is an operation.
func Made(seen []Seen, target *url.URL, title string, hide []string) (*Result, error) {
	s := newSecrets()
	for _, v := range hide {
		s.add(v)
	}
	r := &Result{Entries: len(seen)}
	var calls []*call
	for _, x := range seen {
		// Parsed as it was sent: url.Parse would not take every path.
		path, query, _ := strings.Cut(x.Path, "?")
		plain, err := url.PathUnescape(path)
		if err != nil {
			plain = path
		}
		c := x.reading().read(&url.URL{Scheme: target.Scheme, Host: target.Host, Path: plain, RawPath: path, RawQuery: query}, s)
		c.form, c.object, c.page, c.asUser = x.Form, x.Object, x.Page, x.AsUser
		if c.status == 0 || c.wanted("") || c.page && slices.Contains([]string{"GET", "POST"}, c.method) {
			calls = append(calls, c)
		}
	}
	r.Calls = len(calls)
	w := &writer{secrets: s, title: title, seen: true}
	w.group(calls)
	if r.Operations = len(w.ops); r.Operations == 0 {
		return nil, ErrNone
	}
	var err error
	r.Document, err = w.write()
	return r, err
}

func (x *Seen) reading() *reading {
	e := &reading{}
	e.Request.Method = text(x.Method)
	for name, values := range x.Header {
		for _, v := range values {
			e.Request.Headers = append(e.Request.Headers, pair{Name: text(name), Value: text(v)})
		}
	}
	e.Response.Status = text(strconv.Itoa(x.Status))
	for name, values := range x.Answer {
		for _, v := range values {
			e.Response.Headers = append(e.Response.Headers, pair{Name: text(name), Value: text(v)})
		}
	}
	e.Response.Content.Type, e.Response.Content.Text = text(x.Answer.Get("Content-Type")), text(x.Body)
	return e
}

// form is what describes an operation; nil when nothing does.
func (o *operation) form() *Form {
	for _, c := range o.calls {
		if c.form != nil {
			return c.form
		}
	}
	return nil
}

// closed tells whether an operation refused a stranger: that credentials are
// needed is known then.
func (o *operation) closed() bool {
	return slices.ContainsFunc(o.calls, func(c *call) bool {
		return !c.asUser && (c.status == http.StatusUnauthorized || c.status == http.StatusForbidden)
	})
}

// guarded is an operation on the same path, above or below it, that refused a
// stranger: one that was told of and never asked for is taken to refuse them,
// too. Whoever takes a password asks strangers.
func (w *writer) guarded(o *operation) *operation {
	asked := slices.ContainsFunc(o.calls, func(c *call) bool { return c.status != 0 })
	if f := o.form(); !w.seen || asked || f != nil && slices.ContainsFunc(f.Fields, func(x Field) bool { return strings.Contains(strings.ToLower(x.Name), "pass") }) {
		return nil
	}
	own := strings.TrimSuffix(o.template, "/")
	for _, p := range w.ops {
		other := strings.TrimSuffix(p.template, "/")
		if other != "" && p.closed() && (own == other || strings.HasPrefix(own, other+"/{") || strings.HasPrefix(other, own+"/{")) {
			return p
		}
	}
	return nil
}

// challenged is the scheme that an operation asks for (RFC 9110 section 11.6.1).
func (w *writer) challenged(o *operation) string {
	for _, c := range o.calls {
		if strings.HasPrefix(strings.ToLower(c.challenge), "basic") {
			return w.scheme("basic")
		}
	}
	return w.scheme("bearer")
}

// scheme declares one of HTTP's.
func (w *writer) scheme(name string) string {
	w.schemes[name] = map[string]any{"type": "http", "scheme": name}
	return name
}

// public is the value of a path's parameter that a stranger was shown, as an
// example for those who read; empty when there is none.
func (w *writer) public(o *operation, param int) string {
	if !w.seen || o.method != http.MethodGet {
		return ""
	}
	for i, c := range o.calls {
		if v := o.values[i][param]; !c.asUser && c.good() && !w.secrets.holds(v) {
			return v
		}
	}
	return ""
}

// maxFields bounds a form.
const maxFields = 100

// named are the fields that may be written.
func (f *Form) named(s *secrets) []Field {
	out := slices.DeleteFunc(slices.Clone(f.Fields), func(x Field) bool { return x.Name == "" || len(x.Name) > 64 || s.holds(x.Name) })
	return out[:min(len(out), maxFields)]
}

func (f *Form) params(s *secrets) []any {
	var out []any
	for _, x := range f.named(s) {
		if apiKeyName(x.Name) == "" {
			out = append(out, map[string]any{"name": x.Name, "in": "query", "required": x.Required, "schema": x.schema(s)})
		}
	}
	return out
}

func (f *Form) body(s *secrets) map[string]any {
	members, required := map[string]any{}, []string{}
	for _, x := range f.named(s) {
		members[x.Name] = x.schema(s)
		if x.Required && !slices.Contains(required, x.Name) {
			required = append(required, x.Name)
		}
	}
	schema := map[string]any{"type": "object"}
	if len(members) > 0 {
		schema["properties"], schema["required"] = members, required
	}
	return map[string]any{"required": true, "content": map[string]any{f.Type: map[string]any{"schema": schema}}}
}

// schema is that of a field, without values that open something.
func (x *Field) schema(s *secrets) map[string]any {
	out := map[string]any{}
	for name, v := range x.Schema {
		switch v := v.(type) {
		case string:
			if name != "default" || !credentialName(x.Name) && s.example(v) {
				out[name] = v
			}
		case []string:
			safe := slices.DeleteFunc(slices.Clone(v), func(t string) bool { return !s.example(t) })
			if len(safe) > 0 {
				out[name] = safe
			}
		default:
			out[name] = v
		}
	}
	return out
}
