// Package repair reads what an API says is wrong with a request that should
// have been valid, and changes the request: many rules are in no document. It
// knows the errors of FastAPI and pydantic, problem details (RFC 9457) and the
// lists of fields and messages that other frameworks answer with.
package repair

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// A Kind is what is wrong with a value.
type Kind int

// The kinds. Want holds a number for those with a bound, a list for OneOf, a
// text for Type, Format and Pattern.
const (
	Missing Kind = iota + 1
	Extra
	Type
	Min
	Max
	Over  // more than
	Under // less than
	MinLength
	MaxLength
	MinItems
	MaxItems
	OneOf
	Format
	Pattern
	Multiple
	Taken
)

// A Complaint is what an API says about a part of a request.
type Complaint struct {
	// In is body, query, path, header or cookie.
	In string
	// Steps lead to a part of the body: texts and numbers. Of the others the
	// first is the name.
	Steps []any
	Kind  Kind
	Want  any
}

// Name is the last of the names that lead there.
func (c Complaint) Name() string {
	for _, s := range slices.Backward(c.Steps) {
		if n, ok := s.(string); ok {
			return n
		}
	}
	return ""
}

// A Name is one that a request's parts are known by.
type Name struct {
	In    string
	Name  string
	Steps []any
}

// maxNames bounds how many are looked for in a text.
const maxNames = 200

// Names are those of a body's parts.
func Names(s *openapi.Schema) []Name {
	var out []Name
	var walk func(s *openapi.Schema, steps []any, depth int)
	walk = func(s *openapi.Schema, steps []any, depth int) {
		if s == nil || depth > 4 || len(out) >= maxNames {
			return
		}
		for _, p := range s.All() {
			at := append(slices.Clone(steps), p.Name)
			out = append(out, Name{"body", p.Name, at})
			walk(p.Schema, at, depth+1)
		}
		if s.Items != nil {
			walk(s.Items, append(slices.Clone(steps), 0), depth+1)
		}
	}
	walk(s, nil, 0)
	// What is nearer to the top is meant more often.
	slices.SortStableFunc(out, func(a, b Name) int { return len(a.Steps) - len(b.Steps) })
	return out
}

// maxComplaints bounds what is read of one answer.
const maxComplaints = 40

// Read is what an answer complains of.
func Read(e *traffic.Exchange, names []Name) []Complaint {
	var body any
	text := string(e.Body[:min(len(e.Body), 64<<10)])
	if json.Unmarshal([]byte(text), &body) != nil {
		if strings.Contains(e.Type(), "html") {
			return nil
		}
		body = text
	}
	r := &reader{names: names}
	r.walk(body, "", 0)
	return r.out[:min(len(r.out), maxComplaints)]
}

type reader struct {
	names []Name
	out   []Complaint
}

func (r *reader) add(c Complaint) {
	for _, o := range r.out {
		if o.Kind == c.Kind && o.In == c.In && slices.Equal(o.Steps, c.Steps) {
			return
		}
	}
	r.out = append(r.out, c)
}

func (r *reader) walk(v any, key string, depth int) {
	if depth > 8 || len(r.out) >= maxComplaints {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		if r.pydantic(v) || r.pair(v) {
			return
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			r.walk(v[k], k, depth+1)
		}
	case []any:
		for _, x := range v {
			r.walk(x, key, depth+1)
		}
	case string:
		if n, ok := r.find(key); ok {
			r.message(n, v)
			return
		}
		r.text(v)
	}
}

// find is what a name in an answer means: email, body.email, /user/email,
// $.user.email, items[0].price, User.Email.
func (r *reader) find(name string) (Name, bool) {
	if name == "" {
		return Name{}, false
	}
	parts := strings.FieldsFunc(name, func(c rune) bool { return strings.ContainsRune("./[]$#\"' ", c) })
	for len(parts) > 0 {
		last := parts[len(parts)-1]
		if _, err := strconv.Atoi(last); err == nil && len(parts) > 1 {
			parts = parts[:len(parts)-1]
			continue
		}
		var found []Name
		for _, n := range r.names {
			if same(n.Name, last) {
				found = append(found, n)
			}
		}
		// Of several the one with the same parent.
		for _, n := range found {
			if len(parts) > 1 && len(n.Steps) > 1 {
				if parent, ok := n.Steps[len(n.Steps)-2].(string); ok && same(parent, parts[len(parts)-2]) {
					return n, true
				}
			}
		}
		if len(found) > 0 {
			return found[0], true
		}
		return Name{}, false
	}
	return Name{}, false
}

func same(a, b string) bool {
	norm := func(s string) string {
		return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
	}
	return norm(a) == norm(b)
}

// pydantic reads {"loc": ["body", "x"], "type": "missing", "ctx": {…}}, of
// version 2 and 1.
func (r *reader) pydantic(m map[string]any) bool {
	loc, ok := m["loc"].([]any)
	kind, typed := m["type"].(string)
	if !ok || !typed || len(loc) == 0 {
		return false
	}
	c := Complaint{In: "body"}
	if in, _ := loc[0].(string); in == "body" || in == "query" || in == "path" || in == "header" || in == "cookie" {
		c.In, loc = in, loc[1:]
	}
	for _, l := range loc {
		switch l := l.(type) {
		case string:
			c.Steps = append(c.Steps, l)
		case float64:
			c.Steps = append(c.Steps, int(l))
		}
	}
	// A union has the names of its types in the path.
	for len(c.Steps) > 1 {
		last, isText := c.Steps[len(c.Steps)-1].(string)
		if !isText || !slices.Contains([]string{"int", "str", "float", "bool", "date", "datetime", "dict", "list"}, last) && !strings.ContainsAny(last, "[(") {
			break
		}
		c.Steps = c.Steps[:len(c.Steps)-1]
	}
	ctx, _ := m["ctx"].(map[string]any)
	msg, _ := m["msg"].(string)
	bound := func(kind Kind, keys ...string) {
		for _, k := range append(keys, "limit_value") {
			if f, ok := ctx[k].(float64); ok {
				c.Kind, c.Want = kind, f
				return
			}
			if s, ok := ctx[k].(string); ok {
				if f, err := strconv.ParseFloat(s, 64); err == nil {
					c.Kind, c.Want = kind, f
					return
				}
			}
		}
	}
	of := func(kind Kind, want any) { c.Kind, c.Want = kind, want }
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(kind, w) })
	}
	switch {
	case kind == "missing", has("value_error.missing", "none.not_allowed", "missing_argument"):
		of(Missing, nil)
	case has("extra_forbidden", "value_error.extra"):
		of(Extra, nil)
	case has("string_too_short", "any_str.min_length"):
		bound(MinLength, "min_length")
	case has("string_too_long", "any_str.max_length"):
		bound(MaxLength, "max_length")
	case has("too_short", "min_items"):
		bound(MinItems, "min_length")
	case has("too_long", "max_items"):
		bound(MaxItems, "max_length")
	case has("greater_than_equal", "not_ge"):
		bound(Min, "ge")
	case has("greater_than", "not_gt"):
		bound(Over, "gt")
	case has("less_than_equal", "not_le"):
		bound(Max, "le")
	case has("less_than", "not_lt"):
		bound(Under, "lt")
	case has("multiple"):
		bound(Multiple, "multiple_of")
	case has("string_pattern_mismatch", "str.regex"):
		if p, ok := ctx["pattern"].(string); ok {
			of(Pattern, p)
		}
	case kind == "enum", kind == "literal_error", has("type_error.enum", "value_error.const"):
		if list := choices(fmt.Sprint(ctx["expected"])); len(list) > 0 && ctx["expected"] != nil {
			of(OneOf, list)
		} else if list, ok := ctx["enum_values"].([]any); ok && len(list) > 0 {
			of(OneOf, list)
		}
	case has("union_tag"):
		if list := choices(fmt.Sprint(ctx["expected_tags"])); len(list) > 0 && ctx["expected_tags"] != nil {
			if tag, ok := ctx["discriminator"].(string); ok {
				c.Steps = append(c.Steps, strings.Trim(tag, "'\""))
			}
			of(OneOf, list)
		}
	case has("datetime", "timezone"):
		of(Format, "date-time")
	case has("date"):
		of(Format, "date")
	case has("time_delta", "duration"):
		of(Format, "duration")
	case has("time_"):
		of(Format, "time")
	case has("uuid"):
		of(Format, "uuid")
	case has("url"):
		of(Format, "uri")
	case has("ip_v6", "ipv6"):
		of(Format, "ipv6")
	case has("ip_", "ipv"):
		of(Format, "ipv4")
	case has("decimal"):
		of(Format, "decimal")
	case has("value_error.email"):
		of(Format, "email")
	case has("int_", "integer"):
		of(Type, "integer")
	case has("float_", "type_error.float"):
		of(Type, "number")
	case has("bool"):
		of(Type, "boolean")
	case has("string_type", "type_error.str"):
		of(Type, "string")
	case has("list_type", "set_type", "tuple_type", "type_error.list"):
		of(Type, "array")
	case has("dict_type", "model_type", "model_attributes", "type_error.dict"):
		of(Type, "object")
	}
	if c.Kind == 0 && len(c.Steps) > 0 {
		c.Kind, c.Want = understand(msg, true)
	}
	if c.Kind == 0 {
		r.text(msg) // a rule of several fields names them
		return true
	}
	r.add(c)
	return true
}

// pair reads an object that names a field and says what is wrong with it.
func (r *reader) pair(m map[string]any) bool {
	field := ""
	for _, k := range []string{"field", "param", "parameter", "path", "pointer", "property", "propertyPath", "property_path", "location", "attribute", "key", "name", "fieldName", "loc", "instancePath"} {
		switch v := m[k].(type) {
		case string:
			field = v
		case []any:
			var parts []string
			for _, x := range v {
				parts = append(parts, fmt.Sprint(x))
			}
			field = strings.Join(parts, ".")
		}
		if field != "" {
			break
		}
	}
	if source, ok := m["source"].(map[string]any); ok && field == "" {
		field, _ = source["pointer"].(string)
		if field == "" {
			field, _ = source["parameter"].(string)
		}
	}
	n, ok := r.find(field)
	if !ok {
		return false
	}
	said := false
	for _, k := range []string{"message", "msg", "detail", "reason", "error", "description", "title", "rule", "tag", "code", "constraints", "messages"} {
		switch v := m[k].(type) {
		case string:
			said = r.message(n, v) || said
		case []any:
			for _, x := range v {
				if s, ok := x.(string); ok {
					said = r.message(n, s) || said
				}
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if s, ok := v[key].(string); ok {
					said = r.message(n, s) || said
				}
			}
		}
		if said {
			return true
		}
	}
	return said
}

func (r *reader) message(n Name, text string) bool {
	kind, want := understand(text, false)
	if kind == 0 {
		return false
	}
	r.add(Complaint{In: n.In, Steps: n.Steps, Kind: kind, Want: want})
	return true
}

var (
	words    = lazy.Regexp(`[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*`)
	goTagged = lazy.Regexp(`Field validation for '([^']+)' failed on the '([^']+)' tag`)
)

// text reads a sentence that names a field: "email must be an email".
func (r *reader) text(s string) {
	if len(s) > 4000 {
		return
	}
	if all := goTagged().FindAllStringSubmatch(s, -1); all != nil {
		for _, m := range all {
			if n, ok := r.find(m[1]); ok {
				r.message(n, m[2])
			}
		}
		return
	}
	for sentence := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == ';' || c == '\n' }) {
		for _, w := range words().FindAllString(sentence, 24) {
			n, ok := r.find(w)
			if !ok && strings.Contains(w, "_") {
				continue
			}
			if ok && r.message(n, sentence) {
				break
			}
		}
	}
	if len(r.names) > 0 && len(r.out) == 0 && len(r.names) == 1 {
		r.message(r.names[0], s)
	}
}

var (
	number    = `(-?\d+(?:\.\d+)?)`
	between   = lazy.Regexp(`(?i)(?:between|from|in (?:the )?range(?: of)?|want)\s*\(?\[?` + number + `\s*(?:and|to|-|,|\.\.|–)\s*` + number)
	atLeast   = lazy.Regexp(`(?i)(?:at least|minimum(?: length| value)?(?: is| of|:)?|no (?:less|fewer|shorter) than|greater than or equal to|>=|≥|not be less than)\s*` + number)
	atMost    = lazy.Regexp(`(?i)(?:at most|maximum(?: length| value)?(?: is| of|:)?|no (?:more|greater|longer) than|less than or equal to|<=|≤|not (?:be greater|be more|exceed)(?: than)?|up to)\s*` + number)
	more      = lazy.Regexp(`(?i)(?:greater than|more than|larger than|longer than|exceeds?|>)\s*` + number)
	less      = lazy.Regexp(`(?i)(?:less than|fewer than|smaller than|shorter than|<)\s*` + number)
	orMore    = lazy.Regexp(`(?i)` + number + ` or (?:more|greater|longer)`)
	lengthy   = lazy.Regexp(`(?i)char|length|long|short|letters`)
	oneOf     = lazy.Regexp(`(?i)(?:one of|must be in|allowed(?: values)?(?: are)?|valid values(?: are)?|expected|choose from|enum(?: values)?|following values)\s*:?\s*(.+)$`)
	tooX      = lazy.Regexp(`(?i)too (short|long|small|large|big|few|many)[^0-9]*` + number)
	longest   = lazy.Regexp(`(?i)(?:is|was) (?:longer|more) than (?:the )?(?:maximum|limit|allowed)`)
	takenWord = lazy.Regexp(`(?i)already|taken|exists|must be unique|duplicate|in use|not available`)
	missWord  = lazy.Regexp(`(?i)required|missing|blank|must not be (?:null|empty)|cannot be (?:null|empty)|can't be (?:null|empty)|should not be empty|is empty|mandatory|must be (?:provided|specified|present|given|set)|not (?:provided|specified|given|set)|need[s]?\b|may not be null|not be undefined|non-?empty`)
	extraWord = lazy.Regexp(`(?i)unknown|not allowed|unexpected|additional propert|should not exist|unrecogni[sz]ed|not permitted|unsupported (?:field|parameter)|extra (?:field|input)`)
)

// understand is what a sentence says about a value. known tells that it is
// surely about one.
func understand(s string, known bool) (Kind, any) {
	num := func(m []string, i int) float64 { f, _ := strconv.ParseFloat(m[i], 64); return f }
	length := lengthy().MatchString(s)
	if m := between().FindStringSubmatch(s); m != nil {
		lo, hi := num(m, 1), num(m, 2)
		if length {
			return MinLength, lo
		}
		return Min, clampInto{lo, hi}
	}
	if m := tooX().FindStringSubmatch(s); m != nil {
		switch strings.ToLower(m[1]) {
		case "short":
			return MinLength, num(m, 2)
		case "long":
			return MaxLength, num(m, 2)
		case "small":
			return Min, num(m, 2)
		case "few":
			return MinItems, num(m, 2)
		case "many":
			return MaxItems, num(m, 2)
		}
		return Max, num(m, 2)
	}
	if m := atLeast().FindStringSubmatch(s); m != nil {
		return pick(length, MinLength, Min), num(m, 1)
	}
	if m := orMore().FindStringSubmatch(s); m != nil {
		return pick(length, MinLength, Min), num(m, 1)
	}
	if m := atMost().FindStringSubmatch(s); m != nil {
		return pick(length, MaxLength, Max), num(m, 1)
	}
	if m := more().FindStringSubmatch(s); m != nil && strings.Contains(strings.ToLower(s), "must") {
		if length {
			return MinLength, num(m, 1) + 1
		}
		return Over, num(m, 1)
	}
	if m := less().FindStringSubmatch(s); m != nil && strings.Contains(strings.ToLower(s), "must") {
		if length {
			return MaxLength, num(m, 1) - 1
		}
		return Under, num(m, 1)
	}
	lower := strings.ToLower(s)
	has := func(ws ...string) bool {
		return slices.ContainsFunc(ws, func(w string) bool { return strings.Contains(lower, w) })
	}
	if strings.Contains(lower, "positive") {
		return Over, 0.0
	}
	if strings.Contains(lower, "negative") && !strings.Contains(lower, "must be negative") {
		return Min, 0.0
	}
	if m := oneOf().FindStringSubmatch(s); m != nil {
		if list := choices(m[1]); len(list) > 1 || len(list) == 1 && strings.ContainsAny(m[1], `'"[`) {
			return OneOf, list
		}
	}
	switch {
	case longest().MatchString(s):
		return MaxLength, 16.0
	case takenWord().MatchString(s):
		return Taken, nil
	case has("email", "e-mail") && has("valid", "must be", "format", "not an", "address"), lower == "email":
		return Format, "email"
	case has("uuid"):
		return Format, "uuid"
	case has("url", "uri") && has("valid", "must", "format"):
		return Format, "uri"
	case has("date-time", "datetime", "rfc3339", "rfc 3339", "timestamp", "iso 8601", "iso8601", "iso-8601"):
		return Format, "date-time"
	case has("date") && has("valid", "must", "format", "yyyy"):
		return Format, "date"
	case has("phone") && has("valid", "must", "format"):
		return Format, "phone"
	case missWord().MatchString(s):
		return Missing, nil
	case extraWord().MatchString(s):
		return Extra, nil
	case !known && !has("must", "should", "expected", "want", "not a", "type", "valid", "be a"):
		return 0, nil
	case has("integer", "whole number", "an int", "int64", "long value"):
		return Type, "integer"
	case has("number", "numeric", "decimal", "float", "double"):
		return Type, "number"
	case has("boolean", "a bool", "true or false"):
		return Type, "boolean"
	case has("array", "a list", "sequence"):
		return Type, "array"
	case has("object", "a map", "dictionary"):
		return Type, "object"
	case has("string", "a text"):
		return Type, "string"
	}
	return 0, nil
}

// clampInto is a range that a number must be in.
type clampInto struct{ low, high float64 }

func pick(first bool, a, b Kind) Kind {
	if first {
		return a
	}
	return b
}

var quoted = lazy.Regexp(`'([^']*)'|"([^"]*)"`)

// choices are the values of a list in a sentence: 'a', 'b' or 'c'; [a, b].
func choices(s string) []any {
	var out []any
	if all := quoted().FindAllStringSubmatch(s, 50); all != nil {
		for _, m := range all {
			if v := m[1] + m[2]; v != "" {
				out = append(out, v)
			}
		}
		return out
	}
	s = s[strings.LastIndexByte(s, ':')+1:] // the following values: a, b
	s = strings.Trim(strings.TrimSpace(s), "[](){}.")
	for _, part := range strings.FieldsFunc(strings.NewReplacer(" or ", ",", " and ", ",", "|", ",").Replace(s), func(c rune) bool { return c == ',' }) {
		part = strings.TrimSpace(part)
		if part == "" || strings.Contains(part, " ") || len(part) > 60 {
			return nil
		}
		if f, err := strconv.ParseFloat(part, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			out = append(out, f)
			continue
		}
		out = append(out, part)
	}
	return out
}

// Body changes a body as the complaint wants, and tells whether it did. The
// body itself is changed; one that is no object or list stays as it is.
func (c Complaint) Body(body any, s *openapi.Schema, m *values.Maker) bool {
	if len(c.Steps) == 0 {
		return false
	}
	at := body
	for i, step := range c.Steps[:len(c.Steps)-1] {
		var next any
		switch step := step.(type) {
		case string:
			s = s.Property(step)
			obj, ok := at.(map[string]any)
			if !ok {
				return false
			}
			if next, ok = obj[step]; !ok {
				// The whole of it is missing.
				if s == nil {
					return false
				}
				obj[step] = m.Value(s, step)
				return true
			}
		case int:
			if s != nil {
				s = s.Items
			}
			list, ok := at.([]any)
			if !ok || step < 0 || step >= len(list) {
				return false
			}
			next = list[step]
		}
		if _, isObject := next.(map[string]any); !isObject {
			if _, isList := next.([]any); !isList && i < len(c.Steps)-1 {
				return false
			}
		}
		at = next
	}
	switch step := c.Steps[len(c.Steps)-1].(type) {
	case string:
		obj, ok := at.(map[string]any)
		if !ok {
			return false
		}
		old, there := obj[step]
		if c.Kind == Extra {
			delete(obj, step)
			return there
		}
		v, ok := c.Value(old, there, s.Property(step), step, m)
		if ok {
			obj[step] = v
		}
		return ok
	case int:
		list, ok := at.([]any)
		if !ok || step < 0 || step >= len(list) {
			return false
		}
		if s != nil {
			s = s.Items
		}
		v, ok := c.Value(list[step], true, s, "", m)
		if ok {
			list[step] = v
		}
		return ok
	}
	return false
}

// Value is what a value must be in place of another one.
func (c Complaint) Value(old any, there bool, s *openapi.Schema, name string, m *values.Maker) (any, bool) {
	want, _ := c.Want.(float64)
	text, _ := old.(string)
	switch c.Kind {
	case Missing:
		if empty(old) || !there {
			v := m.Value(s, name)
			if empty(v) {
				v = m.Value(nil, name)
			}
			return v, !empty(v)
		}
		return nil, false
	case Taken:
		v := m.Value(s, name)
		return v, fmt.Sprint(v) != fmt.Sprint(old)
	case Type:
		kind, _ := c.Want.(string)
		v, ok := m.Of(kind, name)
		if kind == "array" && there && !empty(old) {
			v = []any{old}
		}
		return v, ok
	case Min, Max, Over, Under, Multiple:
		if r, ok := c.Want.(clampInto); ok {
			v := toNumber(old)
			if v < r.low || v > r.high || !there {
				return whole(r.low, old), true
			}
			return nil, false
		}
		v := toNumber(old)
		switch {
		case c.Kind == Min && v < want, c.Kind == Max && v > want:
			v = want
		case c.Kind == Over && v <= want:
			v = want + 1
		case c.Kind == Under && v >= want:
			v = want - 1
		case c.Kind == Multiple && want > 0:
			v = math.Ceil(v/want) * want
		default:
			return nil, false
		}
		return whole(v, old), true
	case MinLength:
		n := min(int(want), 1<<16)
		if len(text) >= n {
			return nil, false
		}
		if text == "" {
			text = m.Mark()
		}
		return text + strings.Repeat("x", max(0, n-len(text))), true
	case MaxLength:
		if n := int(want); n >= 0 && len(text) > n {
			return text[len(text)-n:], true // the end tells marks apart
		}
		return nil, false
	case MinItems:
		list, _ := old.([]any)
		var items *openapi.Schema
		if s != nil {
			items = s.Items
		}
		n := len(list)
		list = slices.Clone(list)
		for len(list) < min(int(want), 32) {
			list = append(list, m.Value(items, strings.TrimSuffix(name, "s")))
		}
		return list, len(list) > n
	case MaxItems:
		list, _ := old.([]any)
		if n := int(want); n >= 0 && len(list) > n {
			return slices.Clone(list[:n]), true
		}
		return nil, false
	case OneOf:
		list, _ := c.Want.([]any)
		if len(list) == 0 || slices.ContainsFunc(list, func(v any) bool { return fmt.Sprint(v) == fmt.Sprint(old) }) && there {
			return nil, false
		}
		return list[0], true
	case Format:
		kind, _ := c.Want.(string)
		v := m.Format(kind)
		return v, v != "" && v != text
	case Pattern:
		p, _ := c.Want.(string)
		low, high := 0, -1
		if s != nil {
			low, high = s.MinLength, s.MaxLength
		}
		v, ok := m.Matching(p, low, high)
		return v, ok && v != text
	}
	return nil, false
}

// whole is a number of the kind that the old one was.
func whole(v float64, old any) any {
	switch old.(type) {
	case int64, int:
		return int64(math.Ceil(v))
	case string:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return int64(v)
	}
	return v
}

func toNumber(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	case int:
		return float64(v)
	case string:
		f, _ := strconv.ParseFloat(v, 64)
		return f
	}
	return 0
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// String is what it says, for a comparison with others.
func (c Complaint) String() string {
	var at []string
	for _, s := range c.Steps {
		at = append(at, fmt.Sprint(s))
	}
	return fmt.Sprintf("%s %s %d %v", c.In, path.Join(at...), c.Kind, c.Want)
}
