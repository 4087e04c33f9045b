// Package openapi reads OpenAPI documents, 3.0 and 3.1, as leniently as
// possible: what cannot be read of one is a problem that is told, and the rest
// of it is used. References are followed within the document alone.
package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// A Document is an API's description.
type Document struct {
	Version, Title string
	// Base is the path that all paths are below, from the first server that
	// has one; empty means the root.
	Base       string
	Operations []*Operation
	Schemes    map[string]*Scheme
	// Problems are what could not be read.
	Problems []string

	root    map[string]any
	schemas map[string]*Schema // by reference
	read    int                // how many schemas were read
	later   []func()           // what is done when all are read
}

// An Operation is a method on a path.
type Operation struct {
	Method, Path string
	ID, Summary  string
	Tags         []string
	Params       []*Param
	// Bodies by media type: JSON first, then forms, then the rest.
	Bodies       []*Body
	BodyRequired bool
	Responses    []*Response
	// Security lists alternatives, each of schemes that are needed together;
	// an empty alternative means that anonymous is fine.
	Security   [][]string
	Deprecated bool
	// Hidden operations are known from elsewhere: the document lacks them.
	Hidden bool
	// Assumed tells that its security was seen in a recording: what was sent
	// with credentials may need none.
	Assumed bool
	// Source is the line of the source that a hidden one was found at.
	Source string
}

// Name is METHOD /path.
func (o *Operation) Name() string { return o.Method + " " + o.Path }

// Secured tells whether the document says that nobody may call without
// credentials.
func (o *Operation) Secured() bool {
	return len(o.Security) > 0 && !slices.ContainsFunc(o.Security, func(all []string) bool { return len(all) == 0 })
}

// Says tells whether one of the words is in the path or the id.
func (o *Operation) Says(words ...string) bool {
	name := strings.ToLower(o.Path + " " + o.ID)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
}

// Writes tells whether the method changes something.
func (o *Operation) Writes() bool {
	return !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace}, o.Method)
}

// Param is a parameter by its name and place; nil when there is none.
func (o *Operation) Param(in, name string) *Param {
	for _, p := range o.Params {
		if p.In == in && p.Name == name {
			return p
		}
	}
	return nil
}

// PathParams are the names in the path, in order.
func (o *Operation) PathParams() []string {
	var out []string
	for rest := o.Path; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return out
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok {
			return out
		}
		out = append(out, name)
		rest = tail
	}
}

// JSON is the body in JSON; nil when the operation takes none.
func (o *Operation) JSON() *Body {
	for _, b := range o.Bodies {
		if b.IsJSON() {
			return b
		}
	}
	return nil
}

// Response is what the document says of a status, or of its class, or of all;
// nil when it says nothing.
func (o *Operation) Response(status int) *Response {
	for _, want := range []string{fmt.Sprint(status), fmt.Sprintf("%dXX", status/100), "default"} {
		for _, r := range o.Responses {
			if strings.EqualFold(r.Status, want) {
				return r
			}
		}
	}
	return nil
}

// A Param is a parameter.
type Param struct {
	Name, In string // path, query, header or cookie
	Required bool
	Schema   *Schema
	Example  any
}

// Member is a parameter's name as that of a member would be: account_id of the
// header field X-Account-Id.
func (p *Param) Member() string {
	if p.In != "header" {
		return p.Name
	}
	return strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(p.Name), "-", "_"), "x_")
}

// A Body is one of the forms that a request's body may have.
type Body struct {
	Type    string
	Schema  *Schema
	Example any
}

// IsJSON tells whether it is JSON.
func (b *Body) IsJSON() bool {
	return b.Type == "application/json" || strings.HasSuffix(b.Type, "+json")
}

// A Response is what comes back.
type Response struct {
	Status string // 200, 2XX or default
	Types  []string
	Schema *Schema // of JSON; nil when it is not said
	// Links are values of the response that other operations take: by
	// operation, the parameter and the expression.
	Links []Link
}

// A Link is a value of a response that another operation takes.
type Link struct{ OperationID, Param, Expression string }

// A Scheme is a way to authenticate.
type Scheme struct {
	Name, Type   string // http, apiKey, oauth2, openIdConnect, mutualTLS
	Scheme       string // of http: bearer, basic
	In, Key      string // of apiKey
	TokenURL     string // of oauth2's password flow
	BearerFormat string
}

// Sorted are the schemes in the order of their names.
func (d *Document) Sorted() []*Scheme {
	out := make([]*Scheme, 0, len(d.Schemes))
	for _, s := range d.Schemes {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Scheme) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// maxDocument bounds a document, and maxDepth what nests in it.
const (
	maxDocument = 16 << 20
	maxDepth    = 64
	maxSchemas  = 200_000
	maxFlow     = 2000 // of brackets in YAML, whose reader calls itself
)

// Parse reads a document in JSON or YAML.
func Parse(data []byte) (*Document, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("it is larger than %d MB", maxDocument>>20)
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		if trimmed := bytes.TrimLeft(data, " \t\r\n\ufeff"); len(trimmed) > 0 && trimmed[0] == '{' {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
		if err := fromYAML(data, &root); err != nil {
			first, _, _ := strings.Cut(err.Error(), "\n")
			return nil, fmt.Errorf("it is neither JSON nor YAML: %s", first)
		}
	}
	version, _ := root["openapi"].(string)
	if version == "" {
		if _, old := root["swagger"]; old {
			return nil, errors.New("it is a document of Swagger 2, and OpenAPI 3.0 and 3.1 are what is read: convert it")
		}
		return nil, errors.New(`it has no member "openapi" that says which version it is of`)
	}
	if !strings.HasPrefix(version, "3.") {
		return nil, fmt.Errorf("it is of version %q, and 3.0 and 3.1 are what is read", version)
	}
	d := &Document{Version: version, Schemes: map[string]*Scheme{}, root: root, schemas: map[string]*Schema{}}
	d.Title = text(object(root["info"])["title"])
	d.Base = d.base(root["servers"])
	for name, raw := range object(object(root["components"])["securitySchemes"]) {
		d.Schemes[name] = d.scheme(name, d.resolve(raw, 0))
	}
	paths := object(root["paths"])
	for _, path := range keys(paths) {
		d.path(path, d.resolve(paths[path], 0))
	}
	if len(d.Operations) == 0 {
		return nil, errors.New("it has no operation")
	}
	for _, f := range d.later {
		f()
	}
	return d, nil
}

func fromYAML(data []byte, root *map[string]any) (err error) {
	defer func() {
		if recover() != nil { // the library's, on some malformed tags
			err = errors.New("it cannot be read")
		}
	}()
	depth := 0
	for line := range bytes.Lines(data) {
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			}
		}
		if depth > maxFlow || bytes.Count(line, []byte("- ")) > maxFlow || len(line)-len(bytes.TrimLeft(line, " ")) > 4*maxFlow {
			return errors.New("it is nested too deeply")
		}
	}
	return yaml.Unmarshal(data, root)
}

func (d *Document) base(servers any) string {
	for _, s := range list(servers) {
		u, err := url.Parse(text(object(s)["url"]))
		if err == nil && !strings.Contains(u.Path, "{") && strings.Trim(u.Path, "/") != "" {
			return "/" + strings.Trim(u.Path, "/")
		}
	}
	return ""
}

func (d *Document) scheme(name string, raw any) *Scheme {
	m := object(raw)
	s := &Scheme{Name: name, Type: text(m["type"]), Scheme: strings.ToLower(text(m["scheme"])), In: text(m["in"]), Key: text(m["name"]), BearerFormat: text(m["bearerFormat"])}
	s.TokenURL = text(object(object(m["flows"])["password"])["tokenUrl"])
	return s
}

// methods in the order in which they are asked: nothing is deleted before it
// was read.
func methods() []string {
	return []string{"get", "head", "options", "post", "put", "patch", "delete", "trace"}
}

func (d *Document) path(path string, raw any) {
	item := object(raw)
	shared := d.params(item["parameters"])
	for _, method := range methods() {
		m := object(item[method])
		if m == nil {
			continue
		}
		op := &Operation{Method: strings.ToUpper(method), Path: path, ID: text(m["operationId"]), Summary: text(m["summary"])}
		op.Deprecated, _ = m["deprecated"].(bool)
		op.Assumed, _ = m["x-pavise-recorded"].(bool)
		for _, t := range list(m["tags"]) {
			op.Tags = append(op.Tags, text(t))
		}
		op.Params = d.params(m["parameters"])
		for _, p := range shared {
			if op.Param(p.In, p.Name) == nil {
				op.Params = append(op.Params, p)
			}
		}
		for _, name := range op.PathParams() {
			if op.Param("path", name) == nil {
				d.Problems = append(d.Problems, fmt.Sprintf("%s does not describe its parameter %s", op.Name(), name))
				op.Params = append(op.Params, &Param{Name: name, In: "path", Required: true, Schema: &Schema{Types: []string{"string"}}})
			}
		}
		d.bodies(op, d.resolve(m["requestBody"], 0))
		responses := object(m["responses"])
		for _, status := range keys(responses) {
			op.Responses = append(op.Responses, d.response(status, d.resolve(responses[status], 0)))
		}
		security, given := m["security"]
		if !given {
			security = d.root["security"]
		}
		for _, alternative := range list(security) {
			op.Security = append(op.Security, keys(object(alternative)))
		}
		d.Operations = append(d.Operations, op)
	}
}

func (d *Document) params(raw any) []*Param {
	var out []*Param
	for _, x := range list(raw) {
		m := object(d.resolve(x, 0))
		p := &Param{Name: text(m["name"]), In: text(m["in"]), Example: example(m)}
		if p.Name == "" || p.In == "" {
			d.Problems = append(d.Problems, "a parameter has no name or no place")
			continue
		}
		p.Required, _ = m["required"].(bool)
		p.Required = p.Required || p.In == "path"
		schema := m["schema"]
		if schema == nil {
			content := object(m["content"])
			for _, kind := range keys(content) {
				schema = object(content[kind])["schema"]
			}
		}
		p.Schema = d.schema(schema, 0)
		out = append(out, p)
	}
	return out
}

func example(m map[string]any) any {
	if v, ok := m["example"]; ok {
		return v
	}
	examples := object(m["examples"])
	for _, name := range keys(examples) {
		if v, ok := object(examples[name])["value"]; ok {
			return v
		}
	}
	return nil
}

func (d *Document) bodies(op *Operation, raw any) {
	m := object(raw)
	if m == nil {
		return
	}
	op.BodyRequired, _ = m["required"].(bool)
	content := object(m["content"])
	for _, kind := range keys(content) {
		c := object(content[kind])
		base, _, _ := strings.Cut(kind, ";")
		op.Bodies = append(op.Bodies, &Body{Type: strings.ToLower(strings.TrimSpace(base)), Schema: d.schema(c["schema"], 0), Example: example(c)})
	}
	rank := func(b *Body) int {
		switch {
		case b.IsJSON():
			return 0
		case b.Type == "application/x-www-form-urlencoded":
			return 1
		case b.Type == "multipart/form-data":
			return 2
		}
		return 3
	}
	slices.SortStableFunc(op.Bodies, func(a, b *Body) int { return rank(a) - rank(b) })
}

func (d *Document) response(status string, raw any) *Response {
	m := object(raw)
	r := &Response{Status: status}
	content := object(m["content"])
	for _, kind := range keys(content) {
		r.Types = append(r.Types, kind)
		if r.Schema == nil && strings.Contains(kind, "json") {
			r.Schema = d.schema(object(content[kind])["schema"], 0)
		}
	}
	links := object(m["links"])
	for _, name := range keys(links) {
		l := object(d.resolve(links[name], 0))
		params := object(l["parameters"])
		for _, p := range keys(params) {
			if e, ok := params[p].(string); ok {
				r.Links = append(r.Links, Link{OperationID: text(l["operationId"]), Param: p, Expression: e})
			}
		}
	}
	return r
}

// resolve follows references within the document.
func (d *Document) resolve(raw any, depth int) any {
	ref, ok := object(raw)["$ref"].(string)
	if !ok {
		return raw
	}
	if depth > maxDepth {
		d.Problems = append(d.Problems, "references go round at "+ref)
		return nil
	}
	found, ok := d.lookup(ref)
	if !ok {
		d.Problems = append(d.Problems, "nothing is at "+ref)
		return nil
	}
	return d.resolve(found, depth+1)
}

// lookup finds what a JSON pointer of this document leads to (RFC 6901).
func (d *Document) lookup(ref string) (any, bool) {
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil, false
	}
	var at any = d.root
	for part := range strings.SplitSeq(pointer, "/") {
		if unescaped, err := url.PathUnescape(part); err == nil {
			part = unescaped
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		at, ok = object(at)[part]
		if !ok {
			return nil, false
		}
	}
	return at, true
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func list(v any) []any            { l, _ := v.([]any); return l }
func text(v any) string           { s, _ := v.(string); return s }

func keys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
