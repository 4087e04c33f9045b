package openapi

import "strings"

// Scopes are those that the document says a token of OAuth 2.0 needs for an
// operation: all of one of the alternatives. It is nil where a token without
// any will do, or where nothing is said of it.
func (d *Document) Scopes(op *Operation) [][]string {
	m := object(object(d.resolve(object(d.root["paths"])[op.Path], 0))[strings.ToLower(op.Method)])
	security, given := m["security"]
	if !given {
		security = d.root["security"]
	}
	if m == nil || op.Hidden {
		return nil
	}
	var out [][]string
	for _, alternative := range list(security) {
		var scopes []string
		oauth := false
		for _, name := range keys(object(alternative)) {
			if s := d.Schemes[name]; s == nil || s.Type != "oauth2" {
				continue
			}
			oauth = true
			for _, scope := range list(object(alternative)[name]) {
				if text(scope) != "" {
					scopes = append(scopes, text(scope))
				}
			}
		}
		switch {
		case oauth && len(scopes) > 0:
			out = append(out, scopes)
		case oauth, len(object(alternative)) == 0:
			return nil
		}
	}
	return out
}
