package openapi

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Schema says what a value looks like. References are followed, so that
// schemas may be part of themselves; allOf is folded in.
type Schema struct {
	Types      []string // none means any
	Format     string
	Pattern    string
	Title      string
	Enum       []any
	Default    any
	Example    any
	Properties []Property // by name
	Required   []string
	Items      *Schema
	// Closed tells that no other properties are taken; Additional is what
	// others look like, if that is said.
	Closed     bool
	Additional *Schema
	OneOf      []*Schema // and anyOf
	// Min and Max are bounds that a number may have; NaN means none.
	Min, Max             float64
	ExclusiveMin         bool
	ExclusiveMax         bool
	MultipleOf           float64
	MinLength, MaxLength int // MaxLength and MaxItems -1 mean none
	MinItems, MaxItems   int
	ReadOnly, WriteOnly  bool
	Nullable             bool
}

// A Property is a member of an object.
type Property struct {
	Name   string
	Schema *Schema
}

// Is tells whether a value may be of a type; a schema that says nothing allows
// all.
func (s *Schema) Is(kind string) bool {
	return s != nil && (len(s.Types) == 0 && kind != "null" || slices.Contains(s.Types, kind))
}

// Property is a member by its name; nil when it is not described.
func (s *Schema) Property(name string) *Schema {
	if s == nil {
		return nil
	}
	for _, p := range s.Properties {
		if p.Name == name {
			return p.Schema
		}
	}
	return s.among(name, 0)
}

// among looks in the forms that a value may have, which may be the schema's
// own.
func (s *Schema) among(name string, depth int) *Schema {
	if depth > 4 {
		return nil
	}
	for _, o := range s.OneOf {
		for _, p := range o.Properties {
			if p.Name == name {
				return p.Schema
			}
		}
		if p := o.among(name, depth+1); p != nil {
			return p
		}
	}
	return nil
}

// Needs tells whether a member must be there.
func (s *Schema) Needs(name string) bool { return slices.Contains(s.Required, name) }

// All are the members of an object, and of the first of several forms that it
// may have.
func (s *Schema) All() []Property {
	if s == nil {
		return nil
	}
	out := slices.Clone(s.Properties)
	for range 8 {
		if len(s.OneOf) == 0 {
			break
		}
		s = s.OneOf[0]
		for _, p := range s.Properties {
			if !slices.ContainsFunc(out, func(o Property) bool { return o.Name == p.Name }) {
				out = append(out, p)
			}
		}
	}
	return out
}

// Empty is a schema that says nothing: its zero value would forbid texts and
// lists with anything in them.
func Empty() *Schema { return empty() }

func empty() *Schema {
	return &Schema{Min: math.NaN(), Max: math.NaN(), MaxLength: -1, MaxItems: -1}
}

// schema reads one. What a reference names is read once.
func (d *Document) schema(raw any, depth int) *Schema {
	if b, ok := raw.(bool); ok && !b {
		s := empty()
		s.Closed = true
		return s
	}
	m := object(raw)
	if m == nil || depth > maxDepth {
		return empty()
	}
	// YAML can say a lot in little: lists of aliases of lists of aliases.
	if d.read++; d.read > maxSchemas {
		if d.read == maxSchemas+1 {
			d.Problems = append(d.Problems, fmt.Sprintf("it has more than %d schemas, and the rest is not read", maxSchemas))
		}
		return empty()
	}
	if ref, ok := m["$ref"].(string); ok {
		if s := d.schemas[ref]; s != nil {
			return s
		}
		s := empty()
		d.schemas[ref] = s
		found, ok := d.lookup(ref)
		if !ok {
			d.Problems = append(d.Problems, "nothing is at "+ref)
			return s
		}
		d.fill(s, object(found), depth+1)
		return s
	}
	s := empty()
	d.fill(s, m, depth+1)
	return s
}

func (d *Document) fill(s *Schema, m map[string]any, depth int) {
	if ref, ok := m["$ref"].(string); ok {
		*s = *d.schema(map[string]any{"$ref": ref}, depth)
		return
	}
	for _, part := range list(m["allOf"]) {
		s.merge(d.schema(part, depth))
	}
	switch t := m["type"].(type) {
	case string:
		s.Types = []string{t}
	case []any:
		s.Types = nil
		for _, x := range t {
			s.Types = append(s.Types, text(x))
		}
	}
	s.Nullable, _ = m["nullable"].(bool)
	s.take(m)
	tag := object(m["discriminator"])
	for _, kind := range []string{"oneOf", "anyOf"} {
		for _, part := range list(m[kind]) {
			p := d.schema(part, depth)
			if name := text(tag["propertyName"]); name != "" {
				p = d.tagged(p, name, tagOf(text(object(part)["$ref"]), object(tag["mapping"])))
			}
			if slices.Equal(p.Types, []string{"null"}) {
				s.Nullable = true
				continue
			}
			s.OneOf = append(s.OneOf, p)
		}
	}
	props := object(m["properties"])
	for _, name := range keys(props) {
		s.set(name, d.schema(props[name], depth))
	}
	for _, name := range list(m["required"]) {
		if n := text(name); n != "" && !slices.Contains(s.Required, n) {
			s.Required = append(s.Required, n)
		}
	}
	if items, ok := m["items"]; ok {
		s.Items = d.schema(items, depth)
	} else if first := list(m["prefixItems"]); len(first) > 0 {
		s.Items = d.schema(first[0], depth)
	}
	switch a := m["additionalProperties"].(type) {
	case bool:
		s.Closed = !a
	case map[string]any:
		s.Additional = d.schema(a, depth)
	}
	if len(s.Types) == 0 && len(s.OneOf) == 0 && len(s.Properties) > 0 {
		s.Types = []string{"object"}
	}
	// A choice of one is that one.
	if len(s.OneOf) == 1 && len(s.Types) == 0 {
		nullable, title := s.Nullable, s.Title
		def, ex := s.Default, s.Example
		*s = *s.OneOf[0]
		s.Nullable = s.Nullable || nullable
		if title != "" {
			s.Title = title
		}
		if def != nil {
			s.Default = def
		}
		if ex != nil {
			s.Example = ex
		}
	}
}

// tagOf is the value by which a discriminator names a schema: the mapping's,
// or the schema's own name.
func tagOf(ref string, mapping map[string]any) string {
	for _, value := range keys(mapping) {
		if to := text(mapping[value]); to == ref || ref != "" && strings.HasSuffix(ref, "/"+to) {
			return value
		}
	}
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// tagged is a form of a union with the member that tells it apart, where the
// form itself does not say. It is filled in when all is read: forms may hold
// the union.
func (d *Document) tagged(p *Schema, name, value string) *Schema {
	if value == "" {
		return p
	}
	s := empty()
	s.Types = []string{"object"}
	d.later = append(d.later, func() {
		*s = *p
		s.Properties, s.Required = slices.Clone(p.Properties), slices.Clone(p.Required)
		if old := s.Property(name); old == nil || len(old.Enum) == 0 {
			tag := empty()
			tag.Types, tag.Enum = []string{"string"}, []any{value}
			s.set(name, tag)
		}
		if !s.Needs(name) {
			s.Required = append(s.Required, name)
		}
	})
	return s
}

// take reads the words that hold no schemas.
func (s *Schema) take(m map[string]any) {
	str := func(key string, to *string) {
		if v, ok := m[key].(string); ok {
			*to = v
		}
	}
	str("format", &s.Format)
	str("pattern", &s.Pattern)
	str("title", &s.Title)
	if l := list(m["enum"]); len(l) > 0 {
		s.Enum = l
	}
	if c, ok := m["const"]; ok {
		s.Enum = []any{c}
	}
	if v, ok := m["default"]; ok {
		s.Default = v
	}
	if v, ok := m["example"]; ok {
		s.Example = v
	} else if l := list(m["examples"]); len(l) > 0 {
		s.Example = l[0]
	}
	// 3.1 says in other words what the formats binary and byte are.
	if s.Format == "" && (s.Types == nil || slices.Contains(s.Types, "string")) {
		switch encoding := text(m["contentEncoding"]); {
		case encoding == "base64" || encoding == "base64url":
			s.Format = "byte"
		case m["contentMediaType"] != nil && encoding == "" && text(m["contentMediaType"]) != "application/json":
			s.Format = "binary"
		}
	}
	number := func(key string, to *float64) {
		if v, ok := num(m[key]); ok {
			*to = v
		}
	}
	number("minimum", &s.Min)
	number("maximum", &s.Max)
	number("multipleOf", &s.MultipleOf)
	// 3.0 has a flag where 3.1 has a number.
	for key, bound := range map[string]struct {
		to   *float64
		flag *bool
	}{"exclusiveMinimum": {&s.Min, &s.ExclusiveMin}, "exclusiveMaximum": {&s.Max, &s.ExclusiveMax}} {
		switch v := m[key].(type) {
		case bool:
			*bound.flag = v
		default:
			if n, ok := num(v); ok {
				*bound.to, *bound.flag = n, true
			}
		}
	}
	count := func(key string, to *int) {
		if v, ok := num(m[key]); ok && v >= 0 && v < 1<<30 {
			*to = int(v)
		}
	}
	count("minLength", &s.MinLength)
	count("maxLength", &s.MaxLength)
	count("minItems", &s.MinItems)
	count("maxItems", &s.MaxItems)
	s.ReadOnly = s.ReadOnly || m["readOnly"] == true
	s.WriteOnly = s.WriteOnly || m["writeOnly"] == true
}

// num is a number of JSON or of YAML.
func num(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	}
	return 0, false
}

func (s *Schema) set(name string, p *Schema) {
	for i := range s.Properties {
		if s.Properties[i].Name == name {
			s.Properties[i].Schema = p
			return
		}
	}
	s.Properties = append(s.Properties, Property{name, p})
	slices.SortFunc(s.Properties, func(a, b Property) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}

// merge folds a part of allOf in.
func (s *Schema) merge(p *Schema) {
	for _, prop := range p.Properties {
		s.set(prop.Name, prop.Schema)
	}
	for _, r := range p.Required {
		if !slices.Contains(s.Required, r) {
			s.Required = append(s.Required, r)
		}
	}
	if len(s.Types) == 0 {
		s.Types = p.Types
	}
	if s.Items == nil {
		s.Items = p.Items
	}
	if s.Format == "" {
		s.Format = p.Format
	}
	if s.Pattern == "" {
		s.Pattern = p.Pattern
	}
	if s.Enum == nil {
		s.Enum = p.Enum
	}
	if s.Default == nil {
		s.Default = p.Default
	}
	if s.Example == nil {
		s.Example = p.Example
	}
	if p != s {
		s.OneOf = append(s.OneOf, p.OneOf...)
	}
	if s.Additional == nil {
		s.Additional = p.Additional
	}
	if p.MultipleOf > 0 {
		s.MultipleOf = p.MultipleOf
	}
	s.ReadOnly, s.WriteOnly = s.ReadOnly || p.ReadOnly, s.WriteOnly || p.WriteOnly
	s.Closed = s.Closed || p.Closed
	s.Nullable = s.Nullable || p.Nullable
	if !math.IsNaN(p.Min) {
		s.Min, s.ExclusiveMin = p.Min, p.ExclusiveMin
	}
	if !math.IsNaN(p.Max) {
		s.Max, s.ExclusiveMax = p.Max, p.ExclusiveMax
	}
	s.MinLength = max(s.MinLength, p.MinLength)
	if p.MaxLength >= 0 {
		s.MaxLength = p.MaxLength
	}
	s.MinItems = max(s.MinItems, p.MinItems)
	if p.MaxItems >= 0 {
		s.MaxItems = p.MaxItems
	}
}
