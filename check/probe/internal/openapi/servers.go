package openapi

import "slices"

// Servers are the addresses that the document says the API is at.
func (d *Document) Servers() []string {
	var out []string
	for _, s := range list(d.root["servers"]) {
		if u := text(object(s)["url"]); u != "" && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}
