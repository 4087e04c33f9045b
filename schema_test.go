package pavise_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/guard/limits"
)

var update = flag.Bool("update", false, "write generated files again")

// TestSchemaIsFresh makes the schema from the policy's types and comments and
// compares it with the committed one.
func TestSchemaIsFresh(t *testing.T) {
	fresh := makeSchema(t)
	if *update {
		if err := os.WriteFile("pavise.schema.json", fresh, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(fresh, pavise.Schema()) {
		t.Error("pavise.schema.json is stale; run: go test . -run TestSchemaIsFresh -update")
	}
}

func makeSchema(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		ExpandedStruct:             true,
		Mapper: func(rt reflect.Type) *jsonschema.Schema {
			switch rt {
			case reflect.TypeFor[time.Duration]():
				return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`, Examples: []any{"5s", "1m30s"}}
			case reflect.TypeFor[guard.Mode]():
				return &jsonschema.Schema{Type: "string", Enum: []any{"enforce", "observe"}}
			case reflect.TypeFor[limits.Bytes]():
				return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "integer", Minimum: "0"}, {Type: "string", Examples: []any{"10MiB", "512KiB"}}}}
			}
			if rt.Kind() == reflect.Struct && reflect.PointerTo(rt).Implements(reflect.TypeFor[interface{ UnmarshalText([]byte) error }]()) {
				return &jsonschema.Schema{Type: "string"}
			}
			return nil
		},
	}
	// The module's own types keep distinct names: every guard has a Policy.
	r.Namer = func(rt reflect.Type) string {
		if rt.Name() == "" {
			return "" // lists and maps, which stand in their places
		}
		pkg := rt.PkgPath()[strings.LastIndex(rt.PkgPath(), "/")+1:]
		if rt.PkgPath() == module {
			return rt.Name()
		}
		return pkg + "." + rt.Name()
	}
	if err := r.AddGoComments(module, "./"); err != nil {
		t.Fatal(err)
	}
	for key := range r.CommentMap {
		// Comments wrap at the width of source; descriptions do not.
		r.CommentMap[key] = strings.Join(strings.Fields(r.CommentMap[key]), " ")
	}
	s := r.Reflect(&pavise.Policy{})
	s.ID = jsonschema.ID(pavise.SchemaURL)
	s.Title = "Pavise policy"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// TestSchemaKnowsEveryKey walks the policy's types and looks for each key in
// the schema, with a description.
func TestSchemaKnowsEveryKey(t *testing.T) {
	var doc struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Description string `json:"description"`
			} `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(pavise.Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Defs) < 12 {
		t.Fatalf("the schema defines only %d types", len(doc.Defs))
	}
	var seen []string
	for name, def := range doc.Defs {
		for key, p := range def.Properties {
			seen = append(seen, name+"."+key)
			if p.Description == "" {
				t.Errorf("%s.%s has no description: give the field a comment", name, key)
			}
		}
	}
	if !slices.Contains(seen, "Gateway.listen") || !slices.Contains(seen, "hosts.Policy.allow") {
		t.Errorf("known keys are missing from the schema")
	}
}

// TestSchemaTakesWhatParseTakes holds the schema's types to those of the
// policy: an editor must not mark as wrong what is right.
func TestSchemaTakesWhatParseTakes(t *testing.T) {
	type node struct {
		Ref                  string           `json:"$ref"`
		Type                 string           `json:"type"`
		Items                *node            `json:"items"`
		Properties           map[string]*node `json:"properties"`
		AdditionalProperties json.RawMessage  `json:"additionalProperties"`
		OneOf                []*node          `json:"oneOf"`
	}
	var root struct {
		node
		Defs map[string]*node `json:"$defs"`
	}
	if err := json.Unmarshal(pavise.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	checked := 0
	var walk func(path string, rt reflect.Type, n *node)
	walk = func(path string, rt reflect.Type, n *node) {
		for n != nil && n.Ref != "" {
			n = root.Defs[strings.TrimPrefix(n.Ref, "#/$defs/")]
		}
		if n == nil {
			t.Errorf("%s: not in the schema", path)
			return
		}
		for rt.Kind() == reflect.Pointer {
			rt = rt.Elem()
		}
		checked++
		texts := reflect.PointerTo(rt).Implements(reflect.TypeFor[interface{ UnmarshalText([]byte) error }]()) || rt == reflect.TypeFor[time.Duration]()
		want := map[reflect.Kind]string{
			reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer", reflect.String: "string",
			reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object",
		}[rt.Kind()]
		if texts {
			want = "string"
		}
		switch {
		case len(n.OneOf) > 0 && texts:
			return
		case n.Type != want:
			t.Errorf("%s: the schema takes %q, the policy %q", path, n.Type, want)
		case texts:
		case rt.Kind() == reflect.Slice:
			walk(path+"[]", rt.Elem(), n.Items)
		case rt.Kind() == reflect.Map:
			var values node
			if err := json.Unmarshal(n.AdditionalProperties, &values); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			walk(path+".*", rt.Elem(), &values)
		case rt.Kind() == reflect.Struct:
			for i := range rt.NumField() {
				f := rt.Field(i)
				key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
				if f.IsExported() && key != "-" {
					walk(path+"."+key, f.Type, n.Properties[key])
				}
			}
		}
	}
	walk("", reflect.TypeFor[pavise.Policy](), &root.node)
	if checked < 150 {
		t.Errorf("only %d keys were checked", checked)
	}
}
