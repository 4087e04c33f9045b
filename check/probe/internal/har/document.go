package har

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// maxOperations bounds a document.
const maxOperations = 2000

// An operation is calls of one method below one template.
type operation struct {
	method, template string
	params           []string
	calls            []*call
	values           [][]string // of the path, by call
}

// used are the calls that say how it is meant: those that were answered well,
// or all of them where none was.
func (o *operation) used() []*call {
	good := slices.DeleteFunc(slices.Clone(o.calls), func(c *call) bool { return !c.good() })
	if len(good) > 0 {
		return good
	}
	return o.calls
}

type writer struct {
	secrets *secrets
	title   string
	ops     []*operation
	schemes map[string]any
	seen    bool // and not recorded: see Made
}

var placeholder = lazy.Regexp(`\{(\w+)\}`)

func (w *writer) group(calls []*call) {
	n := &naming{secrets: w.secrets, known: map[string]map[string]bool{}}
	// What stands behind an id is found when the id is known.
	for range 8 {
		if !n.learn(calls) {
			break
		}
	}
	byName := map[string]*operation{}
	for _, c := range calls {
		template, values := n.template(c.segments)
		o := byName[c.method+" "+template]
		if o == nil {
			if len(w.ops) >= maxOperations {
				continue
			}
			o = &operation{method: c.method, template: template}
			for _, m := range placeholder().FindAllStringSubmatch(template, -1) {
				o.params = append(o.params, m[1])
			}
			byName[c.method+" "+template] = o
			w.ops = append(w.ops, o)
		}
		o.calls, o.values = append(o.calls, c), append(o.values, values)
	}
	for _, o := range w.ops {
		// /items/ is another path than /items, for some servers.
		if first := o.used()[0]; first.slash && o.template != "/" {
			o.template += "/"
		}
	}
	// What was never there is no operation.
	w.ops = slices.DeleteFunc(w.ops, func(o *operation) bool {
		return !slices.ContainsFunc(o.calls, func(c *call) bool {
			return c.status != 404 && c.status != 405 && c.status != 410 && c.status < 500
		})
	})
}

func (w *writer) write() ([]byte, error) {
	w.schemes = map[string]any{}
	paths := map[string]map[string]any{}
	for _, o := range w.ops {
		if paths[o.template] == nil {
			paths[o.template] = map[string]any{}
		}
		paths[o.template][strings.ToLower(o.method)] = w.operation(o)
	}
	version, description := "recorded", "Made from recorded requests. What was sent with credentials is taken to need them: take security away where it does not, and x-pavise-recorded where it does."
	if w.seen {
		version, description = "crawled", "Made of what links, forms and answers of the API told."
	}
	doc := map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": w.title, "version": version, "description": description},
		"paths":   paths,
	}
	if len(w.schemes) > 0 {
		doc["components"] = map[string]any{"securitySchemes": w.schemes}
	}
	data, err := json.MarshalIndent(doc, "", "  ")
	return append(data, '\n'), err
}

func (w *writer) operation(o *operation) map[string]any {
	used := o.used()
	out := map[string]any{}
	var params []any
	for i, name := range o.params {
		s := newShape()
		s.hidden = true // an id of somebody's
		for _, v := range o.values {
			if !strings.HasPrefix(v[i], "{") { // it stands in a template that was told
				s.addTexts(v[i:i+1], w.secrets)
			}
		}
		schema := s.write(1)
		if len(s.kinds) > 1 {
			schema = map[string]any{"type": "string"}
		}
		p := map[string]any{"name": name, "in": "path", "required": true, "schema": schema}
		if v := w.public(o, i); v != "" {
			p["example"] = typedText(v)
		}
		params = append(params, p)
	}
	if f := o.form(); f != nil && f.Type == "" {
		params = append(params, f.params(w.secrets)...)
	} else {
		params = append(params, w.query(used)...)
	}
	params = append(params, w.headers(used)...)
	if len(params) > 0 {
		out["parameters"] = params
	}
	if body := w.body(used); body != nil {
		out["requestBody"] = body
	} else if f := o.form(); f != nil && f.Type != "" {
		out["requestBody"] = f.body(w.secrets)
	} else if w.seen && slices.Contains([]string{"POST", "PUT", "PATCH"}, o.method) {
		// What it takes is told by what it refuses.
		out["requestBody"] = (&Form{Type: "application/json"}).body(w.secrets)
	}
	out["responses"] = w.responses(o.calls)
	security := w.security(used)
	if w.seen && security == nil && o.closed() {
		security = []any{map[string][]string{w.challenged(o): {}}}
	}
	if near := w.guarded(o); near != nil {
		security = []any{map[string][]string{w.challenged(near): {}}}
	}
	if security != nil {
		out["security"] = security
		if !o.closed() {
			out["x-pavise-recorded"] = true
		}
	}
	return out
}

func (w *writer) query(calls []*call) []any {
	all := newShape()
	for _, c := range calls {
		form := url.Values{}
		for name, values := range c.query {
			if apiKeyName(name) == "" {
				form[name] = values
			}
		}
		all.addForm(form, nil, w.secrets)
	}
	var out []any
	for _, name := range slices.Sorted(maps.Keys(all.members)) {
		m := all.members[name]
		p := map[string]any{"name": name, "in": "query", "schema": m.write(1)}
		// A link shows how it can be asked, and not how it must.
		if m.n == len(calls) && !w.seen {
			p["required"] = true
		}
		if m.example != nil {
			p["example"] = m.example
		}
		out = append(out, p)
	}
	return out
}

// maxValues bounds the values that a header field is known to take.
const maxValues = 5

// headers are fields of the API's own that every call had: with any other
// value than those that were sent it might be refused.
func (w *writer) headers(calls []*call) []any {
	if w.seen {
		return nil // they are the probe's own
	}
	var out []any
	for _, name := range slices.Sorted(maps.Keys(calls[0].header)) {
		if !strings.HasPrefix(name, "x-") || strings.HasPrefix(name, "x-forwarded-") || credentialName(name) || apiKeyName(name) != "" || !w.secrets.name(name) || strings.ContainsAny(name, "$@:~") ||
			slices.Contains([]string{"x-requested-with", "x-real-ip", "x-request-id", "x-correlation-id", "x-client-data", "x-pavise-probe"}, name) {
			continue
		}
		var values []any
		always := true
		for _, c := range calls {
			v, ok := c.header[name]
			always = always && ok && w.secrets.example(v)
			if !slices.Contains(values, any(v)) {
				values = append(values, v)
			}
		}
		if always && len(values) <= maxValues {
			out = append(out, map[string]any{"name": name, "in": "header", "required": true, "schema": map[string]any{"type": "string", "enum": values}})
		}
	}
	return out
}

func (w *writer) body(calls []*call) map[string]any {
	kinds := map[string]*shape{}
	n := 0
	for _, c := range calls {
		if c.body == nil || !validType(c.body.kind) || !w.secrets.name(strings.ReplaceAll(strings.ReplaceAll(c.body.kind, "/", "-"), "+", "-")) {
			continue
		}
		n++
		s := kinds[c.body.kind]
		if s == nil {
			s = newShape()
			kinds[c.body.kind] = s
		}
		switch {
		case c.body.form != nil:
			s.addForm(c.body.form, c.body.files, w.secrets)
		case strings.Contains(c.body.kind, "json"):
			s.add(c.body.json, w.secrets, 0)
		default:
			s.hidden = true
			s.kinds["string"]++
			s.n++
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	content := map[string]any{}
	for kind, s := range kinds {
		content[kind] = map[string]any{"schema": s.write(1)}
	}
	out := map[string]any{"content": content}
	if n == len(calls) {
		out["required"] = true
	}
	return out
}

// enoughAnswers is how many answers have to have a member until it is taken to
// be always there: a document that says more than was seen makes faults up.
const enoughAnswers = 3

func (w *writer) responses(calls []*call) map[string]any {
	out := map[string]any{"default": map[string]any{"description": "not recorded"}}
	shapes := map[int]*shape{}
	for _, c := range calls {
		if c.status > 599 || c.status == 0 {
			continue
		}
		out[strconv.Itoa(c.status)] = map[string]any{"description": "recorded"}
		if c.answered {
			if shapes[c.status] == nil {
				shapes[c.status] = newShape()
			}
			shapes[c.status].add(c.answer, w.secrets, 0)
		}
	}
	for status, s := range shapes {
		out[strconv.Itoa(status)] = map[string]any{
			"description": "recorded", "content": map[string]any{"application/json": map[string]any{"schema": open(s.write(enoughAnswers))}},
		}
	}
	return out
}

// open lets every value of an answer be null as well, and leaves out what one
// answer alone is like: examples are for requests.
func open(s map[string]any) map[string]any {
	delete(s, "examples")
	if kind, ok := s["type"].(string); ok && kind != "object" && kind != "array" {
		s["type"] = []string{kind, "null"}
	}
	if members, ok := s["properties"].(map[string]any); ok {
		for name := range members {
			if m, ok := members[name].(map[string]any); ok {
				members[name] = open(m)
			}
		}
	}
	for _, name := range []string{"items", "additionalProperties"} {
		if m, ok := s[name].(map[string]any); ok {
			s[name] = open(m)
		}
	}
	return s
}

// security is how the calls showed who they were: one alternative for each way,
// and none at all where a call without was answered too.
func (w *writer) security(calls []*call) []any {
	seen := map[string][]string{}
	shown := false
	for _, c := range calls {
		names := w.credentials(c)
		if c.asUser && len(names) == 0 {
			names = []string{w.scheme("bearer")} // what they are does not matter
		}
		shown = shown || len(names) > 0
		seen[strings.Join(names, "\n")] = names
	}
	if !shown {
		return nil
	}
	var out []any
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		alternative := map[string][]string{}
		for _, name := range seen[key] {
			alternative[name] = []string{}
		}
		out = append(out, alternative)
	}
	return out
}

// apiKeyName is the name of a scheme for a header field or parameter that
// holds a key of an API; empty when it does not.
func apiKeyName(name string) string {
	switch plain := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name)); plain {
	case "apikey", "xapikey", "xauthtoken", "xaccesstoken", "xtoken", "xsessiontoken", "xsession", "accesstoken", "apitoken", "xapitoken", "xauth", "authtoken", "subscriptionkey", "ocpapimsubscriptionkey":
		return plain
	}
	return ""
}

// credentials are the schemes of a call, in order.
func (w *writer) credentials(c *call) []string {
	var out []string
	add := func(name string, scheme map[string]any) {
		w.schemes[name] = scheme
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.header)) {
		value := c.header[name]
		switch {
		case value == "":
		case name == "authorization":
			scheme, _, more := strings.Cut(value, " ")
			switch scheme = strings.ToLower(scheme); {
			case more && (scheme == "bearer" || scheme == "basic"):
				add(scheme, map[string]any{"type": "http", "scheme": scheme})
			default:
				add("authorization", map[string]any{"type": "apiKey", "in": "header", "name": "Authorization"})
			}
		case apiKeyName(name) != "":
			add(apiKeyName(name), map[string]any{"type": "apiKey", "in": "header", "name": name})
		}
	}
	for _, k := range c.cookies {
		if name := string(k.Name); sessionCookie(name) && w.secrets.name(name) {
			add("cookie_"+identifier().ReplaceAllString(name, "_"), map[string]any{"type": "apiKey", "in": "cookie", "name": name})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		if key := apiKeyName(name); key != "" {
			add("query_"+key, map[string]any{"type": "apiKey", "in": "query", "name": name})
		}
	}
	slices.Sort(out)
	return out
}

// sessionCookie tells whether a cookie of a name says who somebody is: one
// against forgery does not, nor what counts visits.
func sessionCookie(name string) bool {
	lower := strings.ToLower(name)
	if strings.Contains(lower, "csrf") || strings.Contains(lower, "xsrf") || strings.HasPrefix(lower, "_ga") || strings.HasPrefix(lower, "_gid") {
		return false
	}
	return credentialName(name) || strings.Contains(lower, "auth") || strings.HasSuffix(lower, "sid") || strings.Contains(lower, "sess") || strings.Contains(lower, "user")
}
