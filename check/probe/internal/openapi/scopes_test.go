package openapi

import (
	"fmt"
	"testing"
)

func TestScopes(t *testing.T) {
	d, err := Parse([]byte(`{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"o":["base"]}],
	"components":{"securitySchemes":{"o":{"type":"oauth2","flows":{"password":{"tokenUrl":"/token","scopes":{}}}},"k":{"type":"apiKey","in":"header","name":"X-Key"}}},
	"paths":{
	"/own":{"get":{"security":[{"o":["items:read","me"]}],"responses":{}}},
	"/either":{"get":{"security":[{"o":["a"]},{"o":["b"]},{"k":[]}],"responses":{}}},
	"/any":{"get":{"security":[{"o":["a"]},{"o":[]}],"responses":{}}},
	"/open":{"get":{"security":[{"o":["a"]},{}],"responses":{}}},
	"/key":{"get":{"security":[{"k":["a"]}],"responses":{}}},
	"/base":{"get":{"responses":{}}},
	"/none":{"get":{"security":[],"responses":{}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"/own": "[[items:read me]]", "/either": "[[a] [b]]", "/base": "[[base]]"}
	for _, op := range d.Operations {
		w := want[op.Path]
		if w == "" {
			w = "[]"
		}
		if got := fmt.Sprint(d.Scopes(op)); got != w {
			t.Errorf("%s: %s, want %s", op.Path, got, w)
		}
	}
}
