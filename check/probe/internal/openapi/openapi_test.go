package openapi

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

const v30 = `
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers: [{url: "https://shop.example/v1"}]
security: [{key: []}]
paths:
  /items/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, minimum: 0, exclusiveMinimum: true}}
    get:
      operationId: getItem
      responses:
        200: {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Item"}}}}
    put:
      security: []
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/Item"}}
          application/json: {schema: {$ref: "#/components/schemas/Item"}}
      responses: {"204": {description: ok}}
  /items/{id}/parts/{part}:
    get: {responses: {default: {description: any}}}
  /pets:
    post:
      requestBody:
        content:
          application/json:
            schema:
              oneOf: [{$ref: "#/components/schemas/Cat"}, {$ref: "#/components/schemas/Dog"}]
              discriminator: {propertyName: kind, mapping: {woof: "#/components/schemas/Dog"}}
      responses: {"201": {description: ok}}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
    login: {type: oauth2, flows: {password: {tokenUrl: token, scopes: {}}}}
  schemas:
    Base: {type: object, required: [id], properties: {id: {type: string, format: uuid, readOnly: true}}}
    Item:
      allOf: [{$ref: "#/components/schemas/Base"}]
      required: [name]
      properties:
        name: {type: string, nullable: true, minLength: 2}
        price: {type: number, maximum: 10, exclusiveMaximum: true}
        parent: {$ref: "#/components/schemas/Item"}
    Cat: {type: object, properties: {kind: {type: string}, lives: {type: integer}, friend: {$ref: "#/components/schemas/Dog"}}}
    Dog: {type: object, properties: {kind: {type: string}, friend: {$ref: "#/components/schemas/Cat"}}}
`

func TestParse30(t *testing.T) {
	d := parse(t, v30)
	if d.Base != "/v1" || len(d.Operations) != 4 || d.Title != "Shop" {
		t.Fatalf("base %q, %d operations", d.Base, len(d.Operations))
	}
	get, put, post := find(d, "GET /items/{id}"), find(d, "PUT /items/{id}"), find(d, "POST /pets")
	if !get.Secured() || put.Secured() || get.ID != "getItem" {
		t.Error("security is not that of the document and its override")
	}
	if id := get.Param("path", "id").Schema; id.Min != 0 || !id.ExclusiveMin {
		t.Errorf("exclusiveMinimum: true: %+v", id)
	}
	if put.Bodies[0].Type != "application/json" || !put.BodyRequired {
		t.Error("JSON is not the first body")
	}
	item := put.Bodies[0].Schema
	if !item.Needs("id") || !item.Needs("name") || item.Property("id").Format != "uuid" || !item.Property("name").Nullable {
		t.Errorf("allOf was not folded in: %+v", item)
	}
	if item.Property("parent") != item {
		t.Error("a schema that is a part of itself is not the same one")
	}
	if p := item.Property("price"); p.Max != 10 || !p.ExclusiveMax || !math.IsNaN(p.Min) {
		t.Errorf("exclusiveMaximum: true: %+v", p)
	}
	if r := get.Response(200); r == nil || r.Schema != item {
		t.Error("a status that YAML reads as a number is lost")
	}
	forms := post.Bodies[0].Schema.OneOf
	if len(forms) != 2 || fmt.Sprint(forms[0].Property("kind").Enum) != "[Cat]" || fmt.Sprint(forms[1].Property("kind").Enum) != "[woof]" || !forms[1].Needs("kind") {
		t.Errorf("the discriminator is not told: %+v", forms)
	}
	if d.Schemes["login"].TokenURL != "token" || d.Sorted()[0].Name != "key" {
		t.Error("schemes")
	}
	if len(d.Problems) != 2 || !strings.Contains(d.Problems[0], "does not describe its parameter") {
		t.Errorf("problems: %q", d.Problems)
	}
}

func TestParse31(t *testing.T) {
	d := parse(t, `{"openapi": "3.1.0", "info": {}, "paths": {"/a": {"post": {"requestBody": {"content": {"multipart/form-data": {"schema": {
		"type": "object", "properties": {
			"n": {"type": ["integer", "null"], "exclusiveMinimum": 3, "exclusiveMaximum": 9},
			"u": {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}], "default": "x"},
			"c": {"const": "fixed"},
			"files": {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}},
			"b64": {"type": "string", "contentEncoding": "base64"},
			"never": false, "any": true,
			"pair": {"type": "array", "prefixItems": [{"type": "integer"}]}
		}}}}}, "responses": {"2XX": {}, "default": {"content": {"application/problem+json": {}}}}}}}}`)
	op := d.Operations[0]
	s := op.Bodies[0].Schema
	if n := s.Property("n"); n.Min != 3 || !n.ExclusiveMin || n.Max != 9 || !n.ExclusiveMax || !n.Is("integer") || !n.Is("null") {
		t.Errorf("n: %+v", n)
	}
	if u := s.Property("u"); u.Format != "email" || !u.Nullable || u.Default != "x" || len(u.OneOf) != 0 {
		t.Errorf("u: %+v", u)
	}
	if c := s.Property("c"); len(c.Enum) != 1 || c.Enum[0] != "fixed" {
		t.Errorf("c: %+v", c)
	}
	if s.Property("files").Items.Format != "binary" || s.Property("b64").Format != "byte" {
		t.Error("contentMediaType and contentEncoding are not read")
	}
	if !s.Property("never").Closed || s.Property("any").Closed || !s.Property("pair").Items.Is("integer") {
		t.Error("schemas that are true and false, prefixItems")
	}
	if op.Response(204).Status != "2XX" || op.Response(500).Status != "default" || op.Secured() {
		t.Error("responses")
	}
}

// Some documents are made to be hard to read.
func TestParseBounded(t *testing.T) {
	loops := `{"openapi": "3.0.0", "paths": {"/a": {"$ref": "#/paths/~1a"}, "/b": {"get": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}}},
		"components": {"schemas": {"A": {"allOf": [{"$ref": "#/components/schemas/A"}], "oneOf": [{"$ref": "#/components/schemas/A"}]}}}}`
	d := parse(t, loops)
	if s := d.Operations[0].Bodies[0].Schema; s.Property("x") != nil || len(s.All()) != 0 {
		t.Error("a schema of itself has members")
	}
	var bomb strings.Builder
	bomb.WriteString("openapi: 3.0.0\nx0: &x0 {type: string}\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&bomb, "x%d: &x%d {properties: {a: *x%d, b: *x%d}}\n", i, i, i-1, i-1)
	}
	bomb.WriteString("paths: {/a: {get: {requestBody: {content: {application/json: {schema: *x39}}}}}}\n")
	deep := "openapi: 3.0.0\nx: " + strings.Repeat("[", 1<<20)
	start := time.Now()
	if d := parse(t, bomb.String()); !slices.ContainsFunc(d.Problems, func(p string) bool { return strings.Contains(p, "the rest is not read") }) {
		t.Errorf("aliases of aliases: %q", d.Problems)
	}
	if _, err := Parse([]byte(deep)); err == nil {
		t.Error("a million brackets are read")
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                                  "openapi",
		`{`:                                 "no JSON",
		`{"swagger": "2.0"}`:                "Swagger 2",
		`{"openapi": "4.0"}`:                "4.0",
		`{"openapi": "3.1.0"}`:              "no operation",
		"\t:\n- [":                          "neither JSON nor YAML",
		`{"openapi": "3.1.0", "paths": []}`: "no operation",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParse holds that whatever is read is read to an end, and can be walked.
func FuzzParse(f *testing.F) {
	f.Add([]byte(v30))
	f.Add([]byte(`{"openapi": "3.1.0", "paths": {"/{a}/{b": {"get": {"parameters": [{"$ref": "#/x"}, {"name": "a", "in": "path", "content": {"a": {"schema": {"type": "string"}}}}]}}}}`))
	f.Add([]byte("openapi: 3.0.0\npaths: &a {/x: {get: *a}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		d, err := Parse(data)
		if err != nil {
			return
		}
		for _, op := range d.Operations {
			_, _ = op.PathParams(), op.Response(200)
			for _, b := range op.Bodies {
				_, _ = b.Schema.Property("x"), b.Schema.All()
			}
			for _, p := range op.Params {
				if p.Schema == nil || p.Name == "" {
					t.Fatal("a parameter without a name or a schema")
				}
			}
		}
	})
}

func parse(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func find(d *Document, name string) *Operation {
	for _, op := range d.Operations {
		if op.Name() == name {
			return op
		}
	}
	return nil
}
