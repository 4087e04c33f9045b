package openapi

import (
	"net/http"
	"slices"
	"strings"
)

// Hide adds an operation that the document lacks: nothing is known of it but
// its method, which may be empty where the handler takes any, and its path from
// the root of the host. It is nil when the document has it, or when it can be
// asked for below no base of the document's.
func (d *Document) Hide(method, path, source string) *Operation {
	// Where an application stands behind a prefix, its source does not say so.
	known := func(path string) bool {
		return slices.ContainsFunc(d.Operations, func(o *Operation) bool {
			return (method == "" || o.Method == method) && (sameShape(o.Path, path) || sameShape(d.Base+o.Path, path) || !o.Hidden && endsAlike(o.Path, path))
		})
	}
	if known(path) || strings.Trim(strings.Join(fixed(path), ""), "/") == "" {
		return nil
	}
	if d.Base != "" {
		below, ok := strings.CutPrefix(path, d.Base+"/")
		if ok {
			path = "/" + below
		}
		if !ok && !slices.ContainsFunc(d.Operations, func(o *Operation) bool { return strings.HasPrefix(o.Path, firstOf(path)) }) {
			return nil
		}
	}
	if method == "" {
		method = http.MethodGet
	}
	// HEAD and OPTIONS say nothing that GET does not.
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method) {
		return nil
	}
	op := &Operation{Method: method, Path: path, Hidden: true, Source: source}
	for _, name := range op.PathParams() {
		op.Params = append(op.Params, &Param{Name: name, In: "path", Required: true, Schema: d.schema(map[string]any{"type": "string"}, 0)})
	}
	if slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, method) {
		op.Bodies = []*Body{{Type: "application/json", Schema: d.schema(map[string]any{"type": "object"}, 0)}}
	}
	d.Operations = append(d.Operations, op)
	return op
}

// fixed are the segments of a path that are no parameters.
func fixed(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return strings.Contains(s, "{") })
}

// firstOf is a path's first segment, with the slashes around it.
func firstOf(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return "/" + first + "/"
}

// sameShape tells whether two templates are of the same paths.
func sameShape(a, b string) bool {
	x, y := strings.Split(strings.TrimSuffix(a, "/"), "/"), strings.Split(strings.TrimSuffix(b, "/"), "/")
	return slices.EqualFunc(x, y, func(s, t string) bool {
		return s == t || strings.Contains(s, "{") && strings.Contains(t, "{")
	})
}

// endsAlike tells whether a path is the end of another: that of an application
// which is mounted below a prefix. One segment says too little.
func endsAlike(long, short string) bool {
	x, y := strings.Split(strings.TrimSuffix(long, "/"), "/"), strings.Split(strings.TrimSuffix(short, "/"), "/")
	return len(y) > 2 && len(x) > len(y) && sameShape(strings.Join(x[len(x)-len(y)+1:], "/"), strings.Join(y[1:], "/"))
}
