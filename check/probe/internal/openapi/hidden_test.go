package openapi

import "testing"

func TestHide(t *testing.T) {
	const paths = `"paths":{"/items/{item_id}":{"get":{"responses":{}}},"/shop/carts/{id}/lines":{"post":{"responses":{}}}}}`
	for _, c := range []struct{ servers, method, path, want string }{
		{"", "GET", "/items/{id}", ""},
		{"", "GET", "/items/{id}/", ""},
		{"", "", "/items/{id}", ""},
		{"", "DELETE", "/items/{id}", "DELETE /items/{id}"},
		{"", "", "/internal/dump", "GET /internal/dump"},
		{"", "POST", "/carts/{cart}/lines", ""}, // mounted below /shop
		{"", "GET", "/{rest}", ""},
		{"", "CONNECT", "/tunnel", ""},
		{"", "HEAD", "/internal/dump", ""},
		{`"servers":[{"url":"/api"}],`, "GET", "/api/items/{x}", ""},
		{`"servers":[{"url":"/api"}],`, "GET", "/items/{x}", ""},
		{`"servers":[{"url":"/api"}],`, "GET", "/api/secret", "GET /secret"},
		{`"servers":[{"url":"/api"}],`, "GET", "/items/{x}/notes", "GET /items/{x}/notes"},
		{`"servers":[{"url":"/api"}],`, "GET", "/healthz", ""},
	} {
		d, err := Parse([]byte(`{"openapi":"3.1.0","info":{"title":"t","version":"1"},` + c.servers + paths))
		if err != nil {
			t.Fatal(err)
		}
		before := len(d.Operations)
		got := ""
		if op := d.Hide(c.method, c.path, "main.go:7"); op != nil {
			got = op.Name()
			if !op.Hidden || op.Source != "main.go:7" || len(d.Operations) != before+1 || len(op.Params) != len(op.PathParams()) {
				t.Errorf("%+v", op)
			}
		}
		if got != c.want {
			t.Errorf("%s %s %s: %q, want %q", c.servers, c.method, c.path, got, c.want)
		}
	}
}
