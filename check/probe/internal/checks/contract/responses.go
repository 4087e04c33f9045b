package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// responses compares what came with what the document says.
func responses(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	t.Each(func(op *openapi.Operation) {
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			return // told as uncovered
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass}
		defer func() { report(r) }()
		e := b.Last
		doc := op.Response(e.Status)
		if doc == nil {
			if len(op.Responses) == 0 {
				r.Verdict, r.Reason = trial.NotApplicable, "the document says nothing of responses"
				return
			}
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%d, which the document does not name", e.Status), "a status that the document names"
			r.Shown = append(r.Shown, e)
			return
		}
		if want := unnamed(op, doc, e); want != "" {
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%s with %d, and the document has %s", e.Type(), e.Status, want), "a media type that the document names"
			r.Shown = append(r.Shown, e)
			return
		}
		if doc.Schema == nil || !strings.Contains(e.Type(), "json") || e.Cut {
			return
		}
		var body any
		if err := json.Unmarshal(e.Body, &body); err != nil {
			if len(e.Body) > 0 {
				r.Verdict, r.Got, r.Want = trial.Fail, "a body that is no JSON as "+e.Type(), "JSON"
				r.Shown = append(r.Shown, e)
			}
			return
		}
		if why := differs(doc.Schema, body, "", 0); why != "" {
			r.Verdict, r.Got, r.Want = trial.Fail, why, "what the document says"
			r.Shown = append(r.Shown, e)
		}
	})
}

// unnamed are the media types that the document names for a status, where an
// answer is of none of them; empty is fine.
//
// A body that is not there is of no type, and nobody reads that of a redirect.
// What the document says of all other statuses is most often about errors.
func unnamed(op *openapi.Operation, doc *openapi.Response, e *traffic.Exchange) string {
	got := e.Type()
	if got == "" || len(e.Body) == 0 || op.Method == http.MethodHead || e.Status/100 != 2 || strings.EqualFold(doc.Status, "default") {
		return ""
	}
	for _, kind := range doc.Types {
		if sameType(bareType(kind), got) {
			return ""
		}
	}
	return strings.Join(doc.Types, " or ")
}

// sameType tells whether an answer of a type is what a document means by
// another: application/problem+json is JSON, text/xml is application/xml, and
// application/octet-stream is said of files of any kind.
func sameType(named, got string) bool {
	family, sub, ok := strings.Cut(named, "/")
	if !ok || named == "*/*" || named == "application/octet-stream" {
		return true // what is no media type says nothing
	}
	gotFamily, gotSub, _ := strings.Cut(got, "/")
	if sub == "*" {
		return family == gotFamily
	}
	if strings.Contains(sub, "json") && strings.Contains(gotSub, "json") {
		return true
	}
	text := func(s string) bool { return s == "text" || s == "application" }
	return syntax(sub) == syntax(gotSub) && (family == gotFamily || text(family) && text(gotFamily))
}

// syntax is what a subtype is written in: xml of atom+xml, yaml of x-yaml.
func syntax(sub string) string {
	if i := strings.LastIndexByte(sub, '+'); i >= 0 {
		sub = sub[i+1:]
	}
	return strings.TrimPrefix(sub, "x-")
}

func bareType(kind string) string {
	base, _, _ := strings.Cut(kind, ";")
	return strings.ToLower(strings.TrimSpace(base))
}

// differs says where a value is not what a schema says; empty is fine. Formats
// and what is not described do not count.
func differs(s *openapi.Schema, v any, at string, depth int) string {
	if s == nil || depth > 8 {
		return ""
	}
	if len(s.OneOf) > 0 {
		if !slices.ContainsFunc(s.OneOf, func(o *openapi.Schema) bool { return differs(o, v, at, depth+1) == "" }) && (v != nil || !s.Nullable) {
			return place(at) + " is none of what it may be"
		}
		return ""
	}
	if v == nil {
		if len(s.Types) == 0 || s.Nullable || slices.Contains(s.Types, "null") {
			return ""
		}
		return place(at) + " is null, and may not be"
	}
	kind := map[bool]string{true: "integer", false: "number"}
	is := ""
	switch x := v.(type) {
	case string:
		is = "string"
	case bool:
		is = "boolean"
	case float64:
		is = kind[x == float64(int64(x))]
	case []any:
		is = "array"
	case map[string]any:
		is = "object"
	}
	if len(s.Types) > 0 && !slices.Contains(s.Types, is) && (is != "integer" || !slices.Contains(s.Types, "number")) {
		return fmt.Sprintf("%s is of type %s, and the document has %s", place(at), is, strings.Join(s.Types, " or "))
	}
	switch x := v.(type) {
	case []any:
		for _, item := range x {
			if why := differs(s.Items, item, at+"/*", depth+1); why != "" {
				return why
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(slices.Values(s.Required)) {
			if _, ok := x[name]; !ok {
				if p := s.Property(name); p != nil && p.WriteOnly {
					continue
				}
				return place(at+"/"+name) + " is missing, and required"
			}
		}
		for _, name := range sorted(x) {
			if why := differs(s.Property(name), x[name], at+"/"+name, depth+1); why != "" {
				return why
			}
		}
	case string:
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, any(x)) {
			return place(at) + " is none of the enumeration"
		}
	}
	return ""
}

func place(at string) string {
	if at == "" {
		return "the body"
	}
	return at
}
