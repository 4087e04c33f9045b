package har

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// maxMembers bounds the members of an object: what has more is a table whose
// keys are values.
const maxMembers = 200

// A shape is what values at one place look like.
type shape struct {
	n       int
	kinds   map[string]int
	members map[string]*shape
	// others are members whose names are values.
	others  *shape
	items   *shape
	formats map[string]int
	example any
	hidden  bool // by its name
	file    bool
}

func newShape() *shape {
	return &shape{kinds: map[string]int{}, members: map[string]*shape{}, formats: map[string]int{}}
}

// add learns from a value.
func (s *shape) add(v any, sec *secrets, depth int) {
	s.n++
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case nil:
		s.kinds["null"]++
	case bool:
		s.kinds["boolean"]++
		s.show(v)
	case json.Number:
		kind := "number"
		if _, err := v.Int64(); err == nil {
			kind = "integer"
		}
		s.kinds[kind]++
		if !s.hidden && len(v) <= 12 && !sec.holds(v.String()) {
			s.show(v)
		}
	case string:
		s.kinds["string"]++
		if f := format(v); f != "" {
			s.formats[f]++
		}
		if !s.hidden && sec.example(v) {
			s.show(v)
		}
	case []any:
		s.kinds["array"]++
		if s.items == nil {
			s.items = newShape()
			s.items.hidden = s.hidden
		}
		for _, x := range v {
			s.items.add(x, sec, depth+1)
		}
	case map[string]any:
		s.kinds["object"]++
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if !sec.name(name) || s.members[name] == nil && len(s.members) >= maxMembers {
				if s.others == nil {
					s.others = newShape()
				}
				s.others.add(v[name], sec, depth+1)
				continue
			}
			s.member(name).add(v[name], sec, depth+1)
		}
	}
}

func (s *shape) member(name string) *shape {
	m := s.members[name]
	if m == nil {
		m = newShape()
		m.hidden = credentialName(name)
		s.members[name] = m
	}
	return m
}

func (s *shape) show(v any) {
	if s.example == nil && !s.hidden {
		s.example = v
	}
}

// addForm learns from the fields of a form or a query, which are all texts.
func (s *shape) addForm(form url.Values, files map[string]bool, sec *secrets) {
	s.n++
	s.kinds["object"]++
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if sec.name(name) && (s.members[name] != nil || len(s.members) < maxMembers) {
			s.member(name).addTexts(form[name], sec)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if sec.name(name) && len(s.members) < maxMembers {
			m := s.member(name)
			m.n++
			m.file = true
			m.kinds["string"]++
		}
	}
}

// addTexts learns from what a parameter was given; several values are a list.
func (s *shape) addTexts(texts []string, sec *secrets) {
	if len(texts) == 1 {
		s.add(typedText(texts[0]), sec, 0)
		return
	}
	list := make([]any, 0, len(texts))
	for _, t := range texts {
		list = append(list, typedText(t))
	}
	s.add(list, sec, 0)
}

// typedText is the value that a text stands for.
func typedText(t string) any {
	switch t {
	case "true":
		return true
	case "false":
		return false
	}
	// 007 and +4 are texts.
	if n, err := strconv.ParseInt(t, 10, 64); err == nil && strconv.FormatInt(n, 10) == t {
		return json.Number(t)
	}
	if decimal().MatchString(t) {
		return json.Number(t)
	}
	return t
}

var (
	decimal = lazy.Regexp(`^-?(?:0|[1-9]\d{0,14})\.\d{1,15}$`)
	email   = lazy.Regexp(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`)
)

func format(s string) string {
	switch {
	case uuid().MatchString(s):
		return "uuid"
	case email().MatchString(s):
		return "email"
	case len(s) == 10 && date().MatchString(s):
		return "date"
	case strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://"):
		return "uri"
	}
	if _, err := time.Parse(time.RFC3339, s); err == nil {
		return "date-time"
	}
	return ""
}

// write is the JSON Schema. Members that were always there are required where
// that can be told of an answer: from enough of them.
func (s *shape) write(enough int) map[string]any {
	out := map[string]any{}
	kinds := slices.Sorted(maps.Keys(s.kinds))
	if slices.Contains(kinds, "number") {
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return k == "integer" })
	}
	if len(kinds) == 1 && kinds[0] == "null" {
		kinds = nil // what it is else is not known
	}
	switch len(kinds) {
	case 0:
		return out
	case 1:
		out["type"] = kinds[0]
	default:
		out["type"] = kinds
	}
	if n := s.kinds["string"]; n > 0 {
		for f, of := range s.formats {
			if of == n {
				out["format"] = f
			}
		}
		if s.file {
			out["format"] = "binary"
		}
	}
	if s.kinds["object"] > 0 {
		members := map[string]any{}
		var required []string
		for _, name := range slices.Sorted(maps.Keys(s.members)) {
			m := s.members[name]
			members[name] = m.write(enough)
			if m.n == s.kinds["object"] && m.n >= enough {
				required = append(required, name)
			}
		}
		if len(members) > 0 {
			out["properties"] = members
		}
		if len(required) > 0 {
			out["required"] = required
		}
		if s.others != nil {
			out["additionalProperties"] = s.others.write(enough)
		}
	}
	if s.kinds["array"] > 0 {
		out["items"] = s.items.write(enough)
	}
	if s.example != nil && out["format"] == nil && !s.file {
		out["examples"] = []any{s.example}
	}
	return out
}
