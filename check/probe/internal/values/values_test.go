package values

import (
	"encoding/json"
	"fmt"
	"math"
	"net/mail"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

// schema reads a schema as a document's.
func schema(t testing.TB, text string) *openapi.Schema {
	t.Helper()
	d, err := openapi.Parse([]byte(`{"openapi": "3.1.0", "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": ` + text + `}}}}}},
		"components": {"schemas": {"Node": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "next": {"$ref": "#/components/schemas/Node"},
		"a": {"$ref": "#/components/schemas/Node"}, "b": {"$ref": "#/components/schemas/Node"}, "c": {"$ref": "#/components/schemas/Node"}, "d": {"$ref": "#/components/schemas/Node"}}}}}}`))
	if err != nil {
		t.Skip(err)
	}
	return d.Operations[0].Bodies[0].Schema
}

// valid is a small validator: what it says no to does not fit.
func valid(s *openapi.Schema, v any, depth int) error {
	if s == nil || depth > 40 {
		return nil
	}
	if v == nil && (s.Nullable || s.Is("null")) {
		return nil
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e any) bool { return reflect.DeepEqual(e, v) }) {
		return fmt.Errorf("%v is none of %v", v, s.Enum)
	}
	if len(s.OneOf) > 0 && !slices.ContainsFunc(s.OneOf, func(o *openapi.Schema) bool { return valid(o, v, depth+1) == nil }) {
		return fmt.Errorf("%v is none of the forms", v)
	}
	is := func(kinds ...string) error {
		if len(s.Types) > 0 && !slices.ContainsFunc(kinds, s.Is) {
			return fmt.Errorf("%v (%T) is none of %v", v, v, s.Types)
		}
		return nil
	}
	number := func(f float64) error {
		switch {
		case f < s.Min || s.ExclusiveMin && f <= s.Min:
			return fmt.Errorf("%v is less than %v", f, s.Min)
		case f > s.Max || s.ExclusiveMax && f >= s.Max:
			return fmt.Errorf("%v is more than %v", f, s.Max)
		case s.MultipleOf > 0 && math.Abs(math.Remainder(f, s.MultipleOf)) > 1e-9:
			return fmt.Errorf("%v is no multiple of %v", f, s.MultipleOf)
		}
		return nil
	}
	switch v := v.(type) {
	case int64:
		if err := is("integer", "number"); err != nil {
			return err
		}
		return number(float64(v))
	case float64:
		if err := is("number"); err != nil {
			return err
		}
		return number(v)
	case bool:
		return is("boolean")
	case string:
		if err := is("string"); err != nil {
			return err
		}
		return text(s, v)
	case []any:
		if err := is("array"); err != nil {
			return err
		}
		if len(v) < s.MinItems || s.MaxItems >= 0 && len(v) > s.MaxItems {
			return fmt.Errorf("%d items", len(v))
		}
		for _, x := range v {
			if err := valid(s.Items, x, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := is("object"); err != nil {
			return err
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok && (s.Property(name) == nil || !s.Property(name).ReadOnly) {
				return fmt.Errorf("%s is missing", name)
			}
		}
		for name, x := range v {
			p := s.Property(name)
			if p == nil && s.Closed {
				return fmt.Errorf("%s is no member", name)
			}
			if err := valid(p, x, depth+1); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func text(s *openapi.Schema, v string) error {
	n := utf8.RuneCountInString(v)
	if n < s.MinLength || s.MaxLength >= 0 && n > s.MaxLength {
		return fmt.Errorf("%q is of %d characters, and %d to %d are wanted", v, n, s.MinLength, s.MaxLength)
	}
	if re, err := regexp.Compile(s.Pattern); err == nil && !re.MatchString(v) {
		return fmt.Errorf("%q does not match %s", v, s.Pattern)
	}
	var err error
	switch s.Format {
	case "email":
		_, err = mail.ParseAddress(v)
	case "date-time":
		_, err = time.Parse(time.RFC3339, v)
	case "date":
		_, err = time.Parse(time.DateOnly, v)
	case "uuid":
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(v) {
			err = fmt.Errorf("%q is no UUID", v)
		}
	}
	return err
}

func TestValueFits(t *testing.T) {
	for _, text := range []string{
		`{"type": "integer", "minimum": 5, "maximum": 5}`,
		`{"type": "integer", "exclusiveMinimum": 5}`,
		`{"type": "integer", "exclusiveMaximum": -5}`,
		`{"type": "integer", "minimum": 200, "maximum": 599, "multipleOf": 7}`,
		`{"type": "integer", "maximum": 10, "multipleOf": 2.5}`,
		`{"type": "integer", "minimum": 1.5}`,
		`{"type": "integer", "maximum": -1.5}`,
		`{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.25}`,
		`{"type": "number", "exclusiveMaximum": 1}`,
		`{"type": "number", "minimum": 0.05, "multipleOf": 0.1}`,
		`{"type": "string", "minLength": 40}`,
		`{"type": "string", "maxLength": 3}`,
		`{"type": "string", "maxLength": 0}`,
		`{"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4,6}$"}`,
		`{"type": "string", "pattern": "^(red|green)$"}`,
		`{"type": "string", "pattern": "^[a-z0-9_-]{3,16}$", "minLength": 3}`,
		`{"type": "string", "format": "email"}`,
		`{"type": "string", "format": "email", "maxLength": 12}`,
		`{"type": "string", "format": "email", "minLength": 30}`,
		`{"type": "string", "format": "password", "minLength": 30}`,
		`{"type": "string", "format": "uri", "minLength": 60}`,
		`{"type": "string", "format": "date-time"}`, `{"type": "string", "format": "date"}`, `{"type": "string", "format": "uuid"}`,
		`{"type": ["null", "integer"]}`, `{"const": "x"}`, `{"enum": [null, "a"]}`,
		`{"type": "boolean"}`,
		`{"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "integer", "minimum": 1}}`,
		`{"type": "array", "maxItems": 0, "items": {"type": "string"}}`,
		`{"type": "array", "minItems": 20, "items": {"enum": ["a", "b"]}}`,
		`{"type": "object", "additionalProperties": false, "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "number"}}}`,
		`{"oneOf": [{"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}, {"type": "string"}]}`,
		`{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}`,
		`{"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}, "oneOf": [{"properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["n"]}]}`,
		`{"allOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}, {"required": ["b"], "properties": {"b": {"type": "string"}}}]}`,
		`{"$ref": "#/components/schemas/Node"}`,
		`{"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Node"}}`,
		`{}`,
	} {
		s := schema(t, text)
		for _, how := range []How{Full, Least, Given} {
			m := New(7, "test")
			m.How = how
			v := m.Value(s, "field")
			if err := valid(s, v, 0); err != nil {
				t.Errorf("%s: %v", text, err)
			}
			m = New(7, "test")
			m.How = how
			if again := m.Value(s, "field"); !reflect.DeepEqual(v, again) {
				t.Errorf("%s: the same seed made %v and %v", text, v, again)
			}
		}
	}
}

// A schema that needs itself has no value, and one that may hold itself many
// times has no end.
func TestValueEnds(t *testing.T) {
	start := time.Now()
	b, err := json.Marshal(New(1, "a").Value(schema(t, `{"$ref": "#/components/schemas/Node"}`), ""))
	if err != nil || len(b) > 1<<20 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	self := openapi.Empty()
	self.OneOf = []*openapi.Schema{self, self}
	_ = New(1, "a").Value(self, "x")
	list := openapi.Empty()
	list.Types, list.MinItems, list.Items = []string{"array"}, 200, list
	_ = New(1, "a").Value(list, "x")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestMarks(t *testing.T) {
	seen := map[string]bool{}
	for _, who := range []string{"a", "b"} {
		m := New(3, who)
		for range 1000 {
			mark := m.Mark()
			if !regexp.MustCompile(`^pv[a-z2-7]{7}$`).MatchString(mark) || seen[mark] {
				t.Fatalf("%q", mark)
			}
			seen[mark] = true
		}
	}
	if New(3, "a").Mark() == New(4, "a").Mark() {
		t.Error("another seed makes the same marks")
	}
}

func TestNames(t *testing.T) {
	m := New(1, "a")
	obj, ok := m.Value(schema(t, `{"type": "object", "properties": {"email": {"type": "string"}, "password": {"type": "string"}, "role": {"type": "string"}, "owner_id": {"type": "integer"},
		"limit": {"type": "integer", "default": 10000}, "seconds": {"type": "number", "default": 1, "minimum": 0}, "offset": {"type": "integer"}, "id": {"type": "integer", "readOnly": true}}}`), "").(map[string]any)
	if !ok {
		t.Fatal("no object")
	}
	if !strings.Contains(fmt.Sprint(obj["email"]), "@") || len(fmt.Sprint(obj["password"])) < 15 {
		t.Errorf("%v", obj)
	}
	for _, away := range []string{"role", "owner_id", "id"} {
		if _, there := obj[away]; there {
			t.Errorf("%s is sent", away)
		}
	}
	if obj["limit"] != int64(5) || obj["seconds"] != 0.0 || obj["offset"] != int64(0) {
		t.Errorf("a valid request asks for more than it needs: %v", obj)
	}
	m.Known = map[string]any{"owner_id": int64(7)}
	if v := m.Value(schema(t, `{"type": "object", "required": ["owner_id"], "properties": {"owner_id": {"type": "integer"}}}`), "").(map[string]any); v["owner_id"] != int64(7) {
		t.Errorf("%v", v)
	}
}

// FuzzValue holds that a value of a simple schema fits it, that the same seed
// makes the same one, and that every schema's is made in bounded time.
func FuzzValue(f *testing.F) {
	f.Add(`{"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 4}`, uint64(1))
	f.Add(`{"type": "object", "required": ["x"], "properties": {"x": {"type": "array", "minItems": 2, "items": {"type": "string", "maxLength": 4}}}}`, uint64(2))
	f.Add(`{"anyOf": [{"$ref": "#/components/schemas/Node"}, {"type": "null"}]}`, uint64(3))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if len(text) > 8<<10 || !json.Valid([]byte(text)) {
			return
		}
		s := schema(t, text)
		v, again := New(seed, "fuzz").Value(s, "x"), New(seed, "fuzz").Value(s, "x")
		if !reflect.DeepEqual(v, again) {
			t.Fatalf("%v and %v", v, again)
		}
		if b, err := json.Marshal(v); err != nil || len(b) > 64<<20 {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
	})
}

// What has a pattern is often a number that no two accounts may have.
func TestPatternsDiffer(t *testing.T) {
	for name, pattern := range map[string]string{"phone": `^\+[1-9][0-9]{7,14}$`, "vin": `^[A-HJ-NPR-Z0-9]{17}$`, "code": `^[0-9]{6}$`} {
		s := &openapi.Schema{Types: []string{"string"}, Pattern: pattern, MaxLength: -1}
		re := regexp.MustCompile(pattern)
		seen := map[string]bool{}
		for i := range 5 {
			v, ok := New(1, fmt.Sprint("user", i)).Value(s, name).(string)
			if !ok || !re.MatchString(v) {
				t.Errorf("%s: %q does not match", name, v)
			}
			seen[v] = true
		}
		if len(seen) < 5 {
			t.Errorf("%s: %v", name, seen)
		}
		if a, b := New(1, "user").Value(s, name), New(1, "user").Value(s, name); a != b {
			t.Errorf("%s: the same seed gives %v and %v", name, a, b)
		}
	}
}
