package crawl

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/har"
)

// Bounds of a body of JSON.
const (
	maxDepth = 24
	maxItems = 20 // of a list
	triedIDs = 2  // of a list
)

// idNames are members whose values may stand in a path, the likeliest first.
func idNames() []string { return []string{"id", "_id", "uuid", "guid", "uid", "slug", "key"} }

// linkNames are members that hold a reference, which may be relative.
func linkNames() []string {
	return []string{"href", "url", "uri", "next", "prev", "previous", "first", "last", "self", "link", "@id", "hydra:next", "hydra:first", "hydra:last", "hydra:previous", "hydra:view", "templated"}
}

func (r *reader) json(body []byte) {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return
	}
	r.walk("", v, 0)
	r.objects(v)
}

// plainPath is what a text that is a path looks like, and a sentence does not.
var plainPath = lazy.Regexp(`^/[\w~.%@:+,{}/-]*(?:\?[^\s"<>]*)?$`)

// walk looks for references: HAL, JSON:API, Hydra, Siren and whatever else
// names a path or a URL.
func (r *reader) walk(name string, v any, depth int) {
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case string:
		switch {
		case plainPath().MatchString(v) && len(v) > 1, strings.HasPrefix(v, "http://"), strings.HasPrefix(v, "https://"):
			r.either(v)
		case slices.Contains(linkNames(), name) && !strings.ContainsAny(v, " \t\n") && strings.Contains(v, "/"):
			r.either(v)
		}
	case []any:
		for _, x := range v[:min(len(v), maxItems)] {
			r.walk(name, x, depth+1)
		}
	case map[string]any:
		r.action(v)
		for _, k := range slices.Sorted(maps.Keys(v)) {
			r.walk(k, v[k], depth+1)
		}
	}
}

// action reads an object that says how something is asked for: an action of
// Siren, a template of HAL-FORMS, an operation of Hydra.
func (r *reader) action(v map[string]any) {
	method := text(v["method"])
	if method == "" {
		method = text(v["hydra:method"])
	}
	if method == "" {
		return
	}
	ref := ""
	for _, name := range []string{"href", "target", "url", "uri", "action", "path"} {
		if ref == "" {
			ref = text(v[name])
		}
	}
	if ref == "" || strings.EqualFold(method, http.MethodGet) {
		return
	}
	var form *har.Form
	for _, name := range []string{"fields", "properties"} {
		fields, ok := v[name].([]any)
		if !ok {
			continue
		}
		kind := text(v["type"])
		if kind == "" {
			kind = text(v["contentType"])
		}
		if !strings.Contains(kind, "/") {
			kind = "application/json"
		}
		form = &har.Form{Type: kind}
		for _, x := range fields {
			if m, ok := x.(map[string]any); ok && text(m["name"]) != "" {
				required, _ := m["required"].(bool)
				form.Fields = append(form.Fields, har.Field{Name: text(m["name"]), Required: required, Schema: kindOf(text(m["type"]))})
			}
		}
	}
	r.tell(method, ref, form)
}

func text(v any) string { s, _ := v.(string); return s }

// objects adds the paths of the first objects of a list, where such APIs have
// them: below the list.
func (r *reader) objects(v any) {
	items, ok := v.([]any)
	if m, is := v.(map[string]any); is {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if l, is := m[k].([]any); is && len(l) > 0 && !ok {
				items, ok = l, true
			}
		}
	}
	if !ok {
		return
	}
	tried := 0
	for _, x := range items {
		m, _ := x.(map[string]any)
		for _, name := range idNames() {
			var id string
			switch v := m[name].(type) {
			case string:
				id = v
			case json.Number:
				id = v.String()
			}
			if id == "" || len(id) > 64 || strings.ContainsAny(id, "/.? ") {
				continue
			}
			if p, ok := r.from.path(r.at, strings.TrimSuffix(r.at.EscapedPath(), "/")+"/"+url.PathEscape(id)); ok {
				r.add(link{method: http.MethodGet, path: p, guess: true})
				tried++
			}
			break
		}
		if tried == triedIDs {
			return
		}
	}
}
