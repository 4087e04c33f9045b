package har

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

var (
	digits  = lazy.Regexp(`^\d{1,20}$`)
	uuid    = lazy.Regexp(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	hash    = lazy.Regexp(`(?i)^[0-9a-f]{16,}$`)
	ulid    = lazy.Regexp(`^[0-9A-HJKMNP-TV-Z]{26}$`)
	typed   = lazy.Regexp(`^[A-Za-z]{2,10}_[A-Za-z0-9]{8,}$`)
	mixed   = lazy.Regexp(`^[A-Za-z0-9_=-]{16,}$`)
	date    = lazy.Regexp(`^\d{4}-\d{2}(?:-\d{2})?$`)
	version = lazy.Regexp(`^v\d+(?:\.\d+)*$`)
)

func count(s string, in func(rune) bool) int {
	n := 0
	for _, r := range s {
		if in(r) {
			n++
		}
	}
	return n
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

// identifies tells whether a text looks like the name of one object, and not
// like a word.
func identifies(s string) bool {
	n := count(s, digit)
	switch {
	case digits().MatchString(s), uuid().MatchString(s), hash().MatchString(s) && n > 0, ulid().MatchString(s) && n > 0, date().MatchString(s):
		return true
	case typed().MatchString(s):
		return n > 0
	}
	// Words that are joined have few digits.
	return mixed().MatchString(s) && n >= 3 && n*8 >= len(s)
}

// A naming knows which segments of paths are names of objects: those that look
// so, and those that an answer said.
type naming struct {
	secrets *secrets
	// known are ids by the path before them.
	known map[string]map[string]bool
}

// fixedWords are never names of objects, whatever an answer says.
var fixedWords = []string{"me", "self", "current", "search", "new", "count", "stats", "login", "logout", "register", "export", "import", "all", "batch", "bulk", "latest"}

// template is a path as OpenAPI writes it, and what stands in place of its
// parameters.
func (n *naming) template(segments []string) (path string, values []string) {
	var b strings.Builder
	var names []string
	previous := ""
	for i, s := range segments {
		if s == "" && len(segments) == 1 {
			return "/", nil
		}
		b.WriteByte('/')
		before := strings.TrimSuffix(b.String(), "/")
		// /2/users is of a version.
		looks := identifies(s) && (i > 0 || len(s) > 2)
		if version().MatchString(s) || !looks && n.secrets.name(s) && !strings.Contains(s, ":") && (!n.known[before][s] || slices.Contains(fixedWords, s)) {
			b.WriteString(s)
			previous = s
			continue
		}
		name := "id"
		if len(names) > 0 {
			name = noun(previous) + "_id"
			for k := 2; slices.Contains(names, name); k++ {
				name = fmt.Sprintf("%s_id%d", noun(previous), k)
			}
		}
		names, values = append(names, name), append(values, s)
		b.WriteString("{" + name + "}")
	}
	return b.String(), values
}

var identifier = lazy.Regexp(`\W+`)

// noun is what one of many is called.
func noun(s string) string {
	s = strings.Trim(identifier().ReplaceAllString(s, "_"), "_")
	switch {
	case s == "":
		return "object"
	case strings.HasSuffix(s, "ies"):
		return strings.TrimSuffix(s, "ies") + "y"
	case strings.HasSuffix(s, "sses"):
		return strings.TrimSuffix(s, "es")
	case strings.HasSuffix(s, "s") && !strings.HasSuffix(s, "ss"):
		return strings.TrimSuffix(s, "s")
	}
	return s
}

// idNames are members whose values may stand in a path.
var idNames = []string{"id", "_id", "uuid", "uid", "guid", "slug", "key", "name", "code", "handle", "username", "login", "number", "ref", "sku", "symbol"}

// learn reads from answers what objects are called: what a list names stands
// below the list's path, and an object is called as its own path ends.
func (n *naming) learn(calls []*call) (more bool) {
	note := func(at, value string) {
		if n.known[at] == nil {
			n.known[at] = map[string]bool{}
		}
		if !n.known[at][value] {
			n.known[at][value] = true
			more = true
		}
	}
	for _, c := range calls {
		if c.object && len(c.segments) > 1 {
			above, _ := n.template(c.segments[:len(c.segments)-1])
			note(above, c.segments[len(c.segments)-1])
		}
		if !c.good() || !c.answered {
			continue
		}
		at, _ := n.template(c.segments)
		if c.method == "GET" || c.method == "POST" {
			for _, v := range ids(c.answer) {
				note(at, v)
			}
		}
		if object, ok := c.answer.(map[string]any); ok && len(c.segments) > 1 {
			last := c.segments[len(c.segments)-1]
			for _, name := range idNames {
				if scalar(object[name]) == last {
					above, _ := n.template(c.segments[:len(c.segments)-1])
					note(above, last)
				}
			}
		}
	}
	return more
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// ids are what an answer calls objects: one, a list, or a list within.
func ids(answer any) []string {
	var out []string
	of := func(v any) {
		if object, ok := v.(map[string]any); ok {
			for _, name := range idNames {
				if s := scalar(object[name]); s != "" {
					out = append(out, s)
				}
			}
		}
	}
	list := func(v any) {
		items, _ := v.([]any)
		for _, x := range items {
			of(x)
		}
	}
	of(answer)
	list(answer)
	if object, ok := answer.(map[string]any); ok {
		for _, v := range object {
			list(v)
		}
	}
	return out
}

// Identifies tells whether a segment of a path looks like the name of one
// object, and not like a word.
func Identifies(s string) bool { return identifies(s) }
