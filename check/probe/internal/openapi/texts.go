package openapi

import "strings"

// Texts are the texts of the document that hold another, wherever they stand.
func (d *Document) Texts(part string) []string {
	var out []string
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		switch v := v.(type) {
		case map[string]any:
			if depth > maxDepth {
				return
			}
			for _, k := range keys(v) {
				walk(v[k], depth+1)
			}
		case []any:
			for _, x := range v {
				walk(x, depth+1)
			}
		case string:
			if strings.Contains(v, part) {
				out = append(out, v)
			}
		}
	}
	walk(d.root, 0)
	return out
}
