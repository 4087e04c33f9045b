// Package values makes values that a schema allows, the same ones for the same
// seed.
package values

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

// How much of an object is made.
type How int

// The ways.
const (
	// Full has every property that may be written.
	Full How = iota
	// Least has what is required alone.
	Least
	// Given prefers the examples of the document.
	Given
)

// A Maker makes values. Marks in texts tell them apart: who made them, and for
// which field.
type Maker struct {
	r *rand.Rand
	// Run and Who are part of every mark.
	Run, Who string
	How      How
	// Known are values by the name of a property, such as the id of an object
	// that was made; they are preferred.
	Known map[string]any
	// Choice is which of several forms is taken, and Vary makes numbers differ
	// from one Maker to the next: for requests that were refused before.
	Choice int
	Vary   bool
	secret string // what marks follow from besides, where they may not be guessed
	n      int
	left   int // how many values may still be made for the one that is asked for
	nth    int // of the items of a list
}

// New makes a Maker. Two of the same seed and name make the same values.
func New(seed uint64, who string) *Maker {
	h := fnv.New64a()
	_, _ = h.Write([]byte(who)) // a hash does not fail
	run := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(binary.BigEndian.AppendUint64(nil, seed*0x9e3779b97f4a7c15))
	return &Maker{r: rand.New(rand.NewPCG(seed, h.Sum64())), Run: strings.ToLower(run[:5]), Who: who}
}

// Private makes a Maker like New whose values nobody can tell who knows the
// seed and not the secret: for accounts on a service that others reach. Without
// a secret it is New. Its values have the lengths and the kinds of letters of
// the other's.
func Private(seed uint64, who, secret string) *Maker {
	m := New(seed, who)
	if secret == "" {
		return m
	}
	m.secret = secret
	sum := m.sum("values")
	m.r = rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum), binary.BigEndian.Uint64(sum[8:])))
	return m
}

// IsPrivate tells whether it was made with a secret.
func (m *Maker) IsPrivate() bool { return m.secret != "" }

// sum is what follows from the secret for one purpose.
func (m *Maker) sum(what string) []byte {
	h := hmac.New(sha256.New, []byte(m.secret))
	fmt.Fprintf(h, "%s/%s/%s", m.Run, m.Who, what) //nolint:errcheck // a hash does not fail
	return h.Sum(nil)
}

// Mark is a text that nobody else writes: pv, the run, who made it, a number.
func (m *Maker) Mark() string {
	m.n++
	if m.secret != "" {
		return "pv" + letters(m.sum(fmt.Sprint("mark ", m.n)), 7)
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%s/%d", m.Run, m.Who, m.n) //nolint:errcheck // a hash does not fail
	s := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(binary.BigEndian.AppendUint32(nil, h.Sum32()))
	return "pv" + strings.ToLower(s)
}

// Rand is the source of what is random.
func (m *Maker) Rand() *rand.Rand { return m.r }

// maxDepth bounds schemas that are part of themselves.
const maxDepth = 8

// maxValues bounds what one value is made of. When half of them are made, what
// is not required is left out: a schema whose many members are of its own kind
// has no end.
const maxValues = 2000

// Value makes a value for a property of a name.
func (m *Maker) Value(s *openapi.Schema, name string) any {
	m.left = maxValues
	return m.value(s, name, 0)
}

func (m *Maker) value(s *openapi.Schema, name string, depth int) any {
	m.left--
	if m.left < -maxValues || depth > 4*maxDepth {
		return nil // no value fits a schema that needs itself
	}
	if v, ok := m.Known[name]; ok && (s == nil || fits(s, v)) {
		return v
	}
	if s == nil {
		return m.text(nil, name)
	}
	switch {
	case len(s.Enum) > 0:
		for i := range s.Enum {
			if v := s.Enum[(i+m.nth)%len(s.Enum)]; v != nil {
				return v
			}
		}
		return nil
	case m.How == Given && s.Example != nil && !m.hides(name):
		return s.Example
	case s.Default != nil && !marked(name) && !costly(s, name) && !m.hides(name):
		return s.Default
	case len(s.OneOf) > 0 && len(s.Types) == 0:
		return m.value(s.OneOf[m.Choice%len(s.OneOf)], name, depth+1)
	}
	kind := ""
	for _, t := range s.Types {
		if t != "null" {
			kind = t
			break
		}
	}
	if kind == "" {
		switch {
		case len(s.Properties) > 0:
			kind = "object"
		case s.Items != nil:
			kind = "array"
		default:
			kind = "string"
		}
	}
	switch kind {
	case "object":
		return m.object(s, depth)
	case "array":
		n := max(s.MinItems, 1)
		if depth >= maxDepth || s.MaxItems == 0 || m.How == Least && s.MinItems == 0 {
			n = s.MinItems
		}
		out := make([]any, 0, n)
		outer := m.nth
		for i := range min(n, maxItems) {
			m.nth = i
			out = append(out, m.value(s.Items, singular(name), depth+1))
		}
		m.nth = outer
		return out
	case "integer":
		return int64(m.number(s, name, true))
	case "number":
		return m.number(s, name, false)
	case "boolean":
		return false
	case "null":
		return nil
	}
	return m.text(s, name)
}

// maxItems bounds a list.
const maxItems = 256

// costly tells whether a default asks for more than a valid request needs:
// ten thousand items, a megabyte, seconds of waiting.
func costly(s *openapi.Schema, name string) bool {
	v, ok := s.Default.(float64)
	if n, isInt := s.Default.(uint64); isInt { // of YAML
		v, ok = float64(n), true
	}
	lower := strings.ToLower(name)
	if waits(lower) {
		return ok && v > 0
	}
	return ok && v > 100 && slices.ContainsFunc([]string{"limit", "size", "count", "items", "bytes", "length", "rows", "per_page", "perpage"}, func(w string) bool { return strings.Contains(lower, w) })
}

func waits(lower string) bool {
	return slices.ContainsFunc([]string{"second", "delay", "sleep", "wait", "interval"}, func(w string) bool { return strings.Contains(lower, w) })
}

// hides tells whether the document must not say what a value is: who reads it
// would know the password of an account.
func (m *Maker) hides(name string) bool { return m.secret != "" && PasswordName(name) }

// marked tells whether a default must give way to a text of ours.
func marked(name string) bool { return name == "" }

func (m *Maker) object(s *openapi.Schema, depth int) any {
	out := map[string]any{}
	for _, p := range s.Properties {
		if p.Schema != nil && p.Schema.ReadOnly {
			continue
		}
		needed := s.Needs(p.Name)
		if _, known := m.Known[p.Name]; !needed && !known && (m.How == Least || depth >= maxDepth || m.left < maxValues/2 || optionalAway(p)) {
			continue
		}
		out[p.Name] = m.value(p.Schema, p.Name, depth+1)
	}
	if len(s.Properties) == 0 && s.Additional != nil && m.How == Full && depth < maxDepth {
		out["key"] = m.value(s.Additional, "key", depth+1)
	}
	if len(s.OneOf) > 0 {
		// Members that all forms have, and those of one of them.
		form := s.OneOf[m.Choice%len(s.OneOf)]
		if v, ok := m.value(form, "", depth+1).(map[string]any); ok && form != s {
			for k, x := range v {
				if _, there := out[k]; !there {
					out[k] = x
				}
			}
			for _, p := range form.Properties {
				if _, there := out[p.Name]; there && p.Schema != nil && len(p.Schema.Enum) > 0 {
					out[p.Name] = p.Schema.Enum[0] // it tells the forms apart
				}
			}
		}
		for _, k := range form.Required {
			if _, there := out[k]; !there {
				out[k] = m.value(s.Property(k), k, depth+1)
			}
		}
	}
	return out
}

// optionalAway are optional properties that are better left out: references to
// what may not be there, and what says who may do what.
func optionalAway(p openapi.Property) bool {
	name := strings.ToLower(p.Name)
	if strings.HasSuffix(name, "_id") || strings.HasSuffix(p.Name, "Id") || name == "id" {
		return true
	}
	return slices.Contains([]string{"role", "roles", "is_admin", "isadmin", "admin", "is_superuser", "permissions", "scopes", "scope", "client_secret", "grant_type"}, name)
}

func singular(name string) string { return strings.TrimSuffix(name, "s") }

// number makes a number within the bounds, a small one where that costs less.
func (m *Maker) number(s *openapi.Schema, name string, whole bool) float64 {
	v := 1.0
	switch lower := strings.ToLower(name); {
	case waits(lower):
		v = 0
	case strings.Contains(lower, "year"):
		v = 2024
	case strings.Contains(lower, "price") || strings.Contains(lower, "amount"):
		v = 10
	case strings.Contains(lower, "limit") || strings.Contains(lower, "size") || strings.Contains(lower, "count"):
		v = 5
	case lower == "offset" || lower == "skip" || lower == "start" || lower == "from":
		v = 0 // what is on the first page must be seen
	}
	v += float64(m.nth)
	if m.Vary {
		v += float64(1 + m.r.IntN(1000))
	}
	step := s.MultipleOf
	switch {
	case step <= 0 || math.IsInf(step, 0) || math.IsNaN(step):
		step = 0
	case whole && step != math.Trunc(step):
		// Whole multiples of 0.5 are those of 1: of 2.5 those of 5.
		for n := 2.0; n <= 1000; n++ {
			if step*n == math.Trunc(step*n) {
				step *= n
				break
			}
		}
	}
	if whole && step == 0 {
		step = 1
	}
	low, high := s.Min, s.Max
	small := step // how far from an exclusive bound is enough
	if small == 0 {
		small = 0.5
		if !math.IsNaN(low) && !math.IsNaN(high) && high > low {
			small = min(small, (high-low)/4)
		}
	}
	above := func(v float64) bool { return math.IsNaN(low) || v > low || !s.ExclusiveMin && v == low }
	below := func(v float64) bool { return math.IsNaN(high) || v < high || !s.ExclusiveMax && v == high }
	if !above(v) || !below(v) {
		switch {
		case !above(v):
			v = low
			if !above(v) {
				v += small
			}
		default:
			v = high
			if !below(v) {
				v -= small
			}
		}
	}
	if step == 0 {
		return v
	}
	// The nearest multiple on the right side of the bounds.
	up := math.Ceil(v/step) * step
	for range 2 {
		if above(up) && below(up) {
			return up
		}
		up += step
	}
	down := math.Floor(v/step) * step
	for range 2 {
		if above(down) && below(down) {
			return down
		}
		down -= step
	}
	return math.Ceil(v/step) * step
}

// Of makes a value of a type.
func (m *Maker) Of(kind, name string) (any, bool) {
	switch kind {
	case "integer":
		return int64(m.number(openapi.Empty(), name, true)), true
	case "number":
		return m.number(openapi.Empty(), name, false), true
	case "boolean":
		return false, true
	case "string":
		return m.text(nil, name), true
	case "array":
		return []any{}, true
	case "object":
		return map[string]any{}, true
	}
	return nil, false
}

// fits tells whether a value is of a type that a schema allows.
func fits(s *openapi.Schema, v any) bool {
	for depth := 0; len(s.OneOf) > 0 && len(s.Types) == 0; depth++ {
		if i := slices.IndexFunc(s.OneOf, func(o *openapi.Schema) bool { return len(o.Types) > 0 && fits(o, v) }); i >= 0 {
			return true
		}
		if s = s.OneOf[0]; depth > maxDepth {
			return false
		}
	}
	switch v := v.(type) {
	case string:
		return s.Is("string")
	case bool:
		return s.Is("boolean")
	case float64:
		return s.Is("number") || s.Is("integer") && v == math.Trunc(v)
	case int64, int:
		return s.Is("integer") || s.Is("number")
	case map[string]any:
		return s.Is("object")
	case []any:
		return s.Is("array")
	}
	return false
}
