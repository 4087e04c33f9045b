package crawl

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/pavise-dev/pavise/check/probe/internal/har"
)

// maxToken bounds one token of a page.
const maxToken = 1 << 20

// A pageForm is a form that is being read.
type pageForm struct {
	method, action, kind string
	fields               []har.Field
	bad                  bool
	choice               string // the name of the select that is being read
}

// html reads a page as its tokens come: no browser's repairs are needed for
// what names a place.
func (r *reader) html(body string) {
	z := html.NewTokenizer(strings.NewReader(body))
	z.SetMaxBuf(maxToken)
	var form *pageForm
	program := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			r.submit(form)
			return
		case html.TextToken:
			if program {
				r.script(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			attr := func(name string) string { return attribute(t, name) }
			program = t.Data == "script" && (attr("type") == "" || strings.Contains(attr("type"), "javascript") || attr("type") == "module")
			switch t.Data {
			case "base":
				if u, err := r.at.Parse(strings.TrimSpace(attr("href"))); err == nil && u.Host != "" && r.from.is(u) {
					r.at = u
				}
			case "a", "area":
				r.follow(attr("href"))
			case "link":
				if rel := strings.ToLower(attr("rel")); !strings.Contains(rel, "icon") && !strings.Contains(rel, "stylesheet") && !strings.Contains(rel, "dns") && !strings.Contains(rel, "connect") {
					r.follow(attr("href"))
				}
			case "script", "iframe", "frame", "embed":
				r.follow(attr("src"))
			case "meta":
				if strings.EqualFold(attr("http-equiv"), "refresh") {
					if _, ref, ok := strings.Cut(attr("content"), "="); ok {
						r.follow(strings.Trim(ref, ` '"`))
					}
				}
			case "form":
				r.submit(form)
				form = newForm(t)
			default:
				form.field(t)
			}
			r.attributes(t)
		case html.EndTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "form":
				r.submit(form)
				form = nil
			case "select":
				if form != nil {
					form.choice = ""
				}
			}
			program = false
		}
	}
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(t html.Token, name string) bool {
	return slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// attributes are those by which programs are told what to ask for.
func (r *reader) attributes(t html.Token) {
	for _, a := range t.Attr {
		if method, ok := strings.CutPrefix(strings.TrimPrefix(a.Key, "data-"), "hx-"); ok {
			switch method {
			case "get":
				r.follow(a.Val)
			case "post", "put", "patch", "delete":
				r.tell(method, a.Val, nil)
			}
			continue
		}
		if strings.HasPrefix(a.Key, "data-") && plainPath().MatchString(a.Val) && len(a.Val) > 1 {
			r.follow(a.Val)
		}
	}
}

func newForm(t html.Token) *pageForm {
	f := &pageForm{method: strings.ToUpper(strings.TrimSpace(attribute(t, "method"))), action: attribute(t, "action"), kind: "application/x-www-form-urlencoded"}
	switch f.method {
	case "", http.MethodGet:
		f.method, f.kind = http.MethodGet, ""
	case http.MethodPost:
	default:
		f.bad = true // dialog closes one
	}
	switch strings.ToLower(attribute(t, "enctype")) {
	case "multipart/form-data":
		if f.kind != "" {
			f.kind = "multipart/form-data"
		}
	case "text/plain":
		f.bad = true
	}
	return f
}

// submit adds the operation of a form, which is not sent.
func (r *reader) submit(f *pageForm) {
	if f == nil || f.bad {
		return
	}
	ref := f.action
	if strings.TrimSpace(ref) == "" {
		ref = r.at.EscapedPath()
	}
	if f.method == http.MethodGet {
		if len(f.fields) > 0 {
			r.tell(f.method, ref, &har.Form{Fields: f.fields})
		}
		return
	}
	r.tell(f.method, ref, &har.Form{Type: f.kind, Fields: f.fields})
}

// field adds what an element of a form sends.
func (f *pageForm) field(t html.Token) {
	if f == nil {
		return
	}
	name, value := attribute(t, "name"), attribute(t, "value")
	kind := strings.ToLower(attribute(t, "type"))
	required := has(t, "required")
	// Another method than the form's own does what nobody can tell.
	if lower := strings.ToLower(name); lower == "_method" || lower == "x-http-method-override" {
		f.bad = true
	}
	switch t.Data {
	case "option":
		if f.choice != "" && value != "" {
			f.add(f.choice, map[string]any{"type": "string", "enum": []string{value}}, false)
		}
		return
	case "textarea":
		kind = "text"
	case "select":
		f.choice = name
		kind = "select"
	case "input":
	default:
		return
	}
	schema := kindOf(kind)
	switch kind {
	case "submit", "button", "image", "reset":
		return
	case "radio", "hidden":
		if value != "" {
			schema["enum"] = []string{value}
		}
		required = required || kind == "hidden"
	case "checkbox":
		if value == "" {
			value = "on"
		}
		schema["enum"] = []string{value}
	case "file":
		if f.kind != "" {
			f.kind = "multipart/form-data"
		}
	}
	for attr, key := range map[string]string{"maxlength": "maxLength", "minlength": "minLength"} {
		if n, err := strconv.Atoi(attribute(t, attr)); err == nil && n >= 0 && schema["type"] == "string" {
			schema[key] = n
		}
	}
	if kind == "number" || kind == "range" {
		for attr, key := range map[string]string{"max": "maximum", "min": "minimum"} {
			if n, err := strconv.Atoi(attribute(t, attr)); err == nil {
				schema[key] = n
			}
		}
		if step := attribute(t, "step"); step != "" && step != "1" {
			schema["type"] = "number"
		}
	}
	f.add(name, schema, required)
}

// add joins the values of several elements of one name.
func (f *pageForm) add(name string, schema map[string]any, required bool) {
	if name == "" {
		return
	}
	i := slices.IndexFunc(f.fields, func(x har.Field) bool { return x.Name == name })
	if i < 0 {
		f.fields = append(f.fields, har.Field{Name: name, Schema: schema, Required: required})
		return
	}
	old := &f.fields[i]
	old.Required = old.Required || required
	more, _ := schema["enum"].([]string)
	values, _ := old.Schema["enum"].([]string)
	for _, v := range more {
		if !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	if len(values) > 0 {
		old.Schema["enum"] = values
	}
}

// kindOf is the schema of an input's type.
func kindOf(kind string) map[string]any {
	switch strings.ToLower(kind) {
	case "number", "range":
		return map[string]any{"type": "integer"}
	case "email":
		return map[string]any{"type": "string", "format": "email"}
	case "url":
		return map[string]any{"type": "string", "format": "uri"}
	case "date":
		return map[string]any{"type": "string", "format": "date"}
	case "file":
		return map[string]any{"type": "string", "format": "binary"}
	}
	return map[string]any{"type": "string"}
}
