package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// values are the changes of single values: the first of each place, then the
// second. Of those that are asked of every operation there are at most so many.
// What cannot be undone is left out where it could keep others from being read:
// an object may be there although its making was answered with 500.
func (s *surveyor) values(b *trial.Baseline, undone bool) []probe {
	var places [][]probe
	if m := missing(b); len(m) > 0 {
		places = append(places, m)
	}
	longest := 0
	for _, slot := range s.slots(b) {
		list := s.forSlot(b, slot)
		places = append(places, list)
		longest = max(longest, len(list))
	}
	// Of the same change two places will do.
	seen := map[string]int{}
	var out []probe
	counted := 0
	for round := range max(longest, 2) {
		for _, list := range places {
			if round >= len(list) || seen[list[round].what] >= 2 {
				continue
			}
			p := list[round]
			if !undone && p.stays {
				continue
			}
			if p.kind == refuse || p.kind == hold {
				if counted >= perOperation {
					continue
				}
				counted++
			}
			seen[p.what]++
			out = append(out, p)
		}
	}
	return out
}

func missing(b *trial.Baseline) []probe {
	var out []probe
	for _, p := range b.Op.Params {
		if p.In == "query" && p.Required && (p.Schema == nil || p.Schema.Default == nil) {
			out = append(out, probe{kind: refuse, what: "a required parameter that is missing", where: "query " + p.Name, change: func(d *trial.Draft) *trial.Draft {
				d.Query = slices.DeleteFunc(d.Query, func(f trial.Field) bool { return f.Name == p.Name })
				return d
			}})
			break
		}
	}
	schema := bodySchema(b)
	fields, ok := b.Draft.Body.(map[string]any)
	if !ok || schema == nil {
		return out
	}
	for _, name := range slices.Sorted(slices.Values(schema.Required)) {
		p := schema.Property(name)
		if _, there := fields[name]; !there || p == nil || p.Default != nil || p.ReadOnly {
			continue
		}
		out = append(out, probe{kind: refuse, what: "a required member that is missing", where: "body /" + name, change: func(d *trial.Draft) *trial.Draft {
			if m, ok := d.Body.(map[string]any); ok {
				delete(m, name)
			}
			return d
		}})
		break
	}
	return out
}

func bodySchema(b *trial.Baseline) *openapi.Schema {
	for _, x := range b.Op.Bodies {
		if x.Type == b.Draft.Type {
			return x.Schema
		}
	}
	return nil
}

// only tells whether a schema allows one type alone, besides null.
func only(s *openapi.Schema, kind string) bool {
	return s != nil && len(s.OneOf) == 0 && slices.Contains(s.Types, kind) &&
		!slices.ContainsFunc(s.Types, func(t string) bool { return t != kind && t != "null" })
}

func (s *surveyor) forSlot(b *trial.Baseline, slot trial.Slot) []probe {
	var out []probe
	inJSON := slot.In == "body" && isJSON(b.Draft.Type)
	add := func(k kind, what string, value any) {
		out = append(out, probe{kind: k, what: what, where: slot.String(), change: func(d *trial.Draft) *trial.Draft { return d.With(slot, value) }})
	}
	// token is what no value of JSON can hold, written as it is.
	token := func(k kind, what, text string) {
		if inJSON {
			out = append(out, probe{kind: k, what: what, where: slot.String(), stays: !strings.HasPrefix(text, "\"") || strings.Contains(text, `\u`), change: func(d *trial.Draft) *trial.Draft { return token(d, slot, text) }})
		}
	}
	p := slot.Schema
	if slot.In == "header" {
		if p == nil || len(p.Types) == 0 || only(p, "string") {
			add(hold, wide, wideText)
		}
		return out
	}
	if p != nil && inJSON && !p.Nullable && len(p.Types) > 0 && !slices.Contains(p.Types, "null") && len(p.OneOf) == 0 {
		defer func() { add(refuse, "null where the schema has none", nil) }()
	}
	switch {
	case only(p, "integer") || only(p, "number"):
		whole := only(p, "integer")
		add(refuse, "a text where the schema has a number", "pvx")
		if len(p.Enum) > 0 {
			add(refuse, "a value that the enumeration lacks", 987654)
			break
		}
		step := 1.0
		if !math.IsNaN(p.Max) && math.Abs(p.Max) < 1<<52 {
			add(refuse, "a number above the maximum", number(p.Max+step, whole))
		}
		if !math.IsNaN(p.Min) && math.Abs(p.Min) < 1<<52 {
			add(refuse, "a number below the minimum", number(p.Min-step, whole))
		}
		if inJSON {
			if whole {
				add(hold, "the integer 2^63", json.Number("9223372036854775808"))
				add(coerce, "a text of digits for an integer", "1")
			}
			token(hold, "the number 1e999", "1e999")
			token(strict, "the number NaN", "NaN")
			if len(slot.Steps) == 1 {
				token(hold, "a number of 400 digits", strings.Repeat("9", 400))
			}
		} else {
			if whole {
				add(hold, "the integer 2^63", "9223372036854775808")
				add(hold, "the integer -2^63-1", "-9223372036854775809")
			}
			add(hold, "the number 1e999", "1e999")
		}
	case only(p, "boolean"):
		add(refuse, "a text where the schema has a boolean", "pvx")
		if inJSON {
			add(coerce, "a text for a boolean", "true")
			add(coerce, "a number for a boolean", 1)
		}
	case only(p, "string"):
		s.texts(slot, inJSON, add, token)
	case p == nil || len(p.Types) == 0:
		if slot.In != "body" {
			add(hold, wide, wideText)
			add(hold, "a text with a NUL", "pv\x00x")
		}
	}
	return out
}

func number(v float64, whole bool) any {
	if whole {
		return int64(v)
	}
	return v
}

func (s *surveyor) texts(slot trial.Slot, inJSON bool, add func(kind, string, any), token func(kind, string, string)) {
	p := slot.Schema
	if len(p.Enum) > 0 {
		add(refuse, "a value that the enumeration lacks", "pvnone")
		if inJSON {
			add(refuse, "an object where the schema has a text", map[string]any{"pv": "x"})
		}
		return
	}
	if p.MaxLength >= 0 && p.MaxLength <= 100_000 {
		add(refuse, "a text longer than the maximum", strings.Repeat("a", p.MaxLength+1))
	}
	add(hold, wide, wideText)
	add(hold, "a text with a NUL", "pv\x00x")
	if inJSON {
		add(refuse, "an object where the schema has a text", map[string]any{"pv": "x"})
		token(hold, "half of a surrogate pair", `"pv\ud800x"`)
	}
	if p.MinLength > 0 && (p.MinLength > 1 || inJSON) {
		add(refuse, "a text shorter than the minimum", strings.Repeat("a", p.MinLength-1))
	}
	if bad, ok := against(p.Pattern); ok {
		add(refuse, "a text that the pattern forbids", bad)
	}
	if p.Format != "" && p.Format != "password" {
		// A format may be no more than a note, yet nothing may fall over it.
		add(hold, "a text that is not of its format", "pv no "+p.Format)
	}
	switch {
	case slot.In == "body" && p.MaxLength < 0 && p.Format == "" && p.Pattern == "" && !wordIn(slot.Name, "content", "body", "text", "description", "message", "data"):
		add(long, "a text of 10,001 characters", strings.Repeat("a", 10_001))
	case slot.In == "query":
		add(hold, "a text of 4,000 characters", strings.Repeat("a", 4_000))
	}
	if inJSON {
		add(coerce, "a number for a text", 1)
		add(hold, "a text with a change of direction", "pv\u202e\u2066x")
		token(strict, "a text that is not UTF-8", "\"pv\xff\xfex\"")
		token(strict, "a text with an overlong form of UTF-8", "\"pv\xc0\x80x\"")
		add(refuse, "an array where the schema has a text", []any{"pvx"})
	}
}

// against is a text that a pattern does not match.
func against(pattern string) (string, bool) {
	re, err := regexp.Compile(pattern)
	if pattern == "" || err != nil {
		return "", false
	}
	for _, v := range []string{"pv !§%", "!!!!!!!!", "12345678", "abcdefgh", "\x01"} {
		if !re.MatchString(v) {
			return v, true
		}
	}
	return "", false
}

// token writes a draft, and puts a text in the place of one value.
func token(d *trial.Draft, slot trial.Slot, text string) *trial.Draft {
	const place = "pv-the-place-of-a-token"
	raw := d.With(slot, place).Request().Body
	if !bytes.Contains(raw, []byte(`"`+place+`"`)) {
		return nil
	}
	return d.WithBody(d.Type, bytes.Replace(raw, []byte(`"`+place+`"`), []byte(text), 1))
}

// whole are changes of a whole body of JSON. The first operations are asked
// all of them: it is one parser, most often.
func (s *surveyor) whole(b *trial.Baseline) []probe {
	const where = "the body"
	var out []probe
	raw := func(k kind, what string, f func(body []byte) []byte) {
		out = append(out, probe{kind: k, what: what, where: where, change: func(d *trial.Draft) *trial.Draft {
			body := f(d.Request().Body)
			if body == nil {
				return nil
			}
			return d.WithBody(d.Type, body)
		}})
	}
	fields, isObject := b.Draft.Body.(map[string]any)
	is := func(text string) func([]byte) []byte { return func([]byte) []byte { return []byte(text) } }
	schema := bodySchema(b)
	if isObject && schema != nil && only(schema, "object") {
		raw(refuse, "an array where the schema has an object", is(`[]`))
		if len(schema.Required) > 0 {
			raw(refuse, "null where the schema has an object", is(`null`))
		}
		if schema.Additional == nil && len(schema.Properties) > 0 {
			out = append(out, probe{kind: unknown, what: "an unknown member", where: where, change: func(d *trial.Draft) *trial.Draft {
				if m, ok := d.Body.(map[string]any); ok {
					m["pv_unknown"] = "pvx"
				}
				return d
			}})
		}
	}
	if s.json > enoughKept || !isObject {
		return out
	}
	raw(strict, "data after the end of the JSON", func(body []byte) []byte { return append(body, ` {"pv":1}`...) })
	raw(strict, "JSON with a comment", func(body []byte) []byte { return append([]byte("/* pv */ "), body...) })
	raw(hold, "JSON after a byte order mark", func(body []byte) []byte { return append([]byte("\xef\xbb\xbf"), body...) })
	for _, name := range sorted(fields) {
		if v, ok := fields[name].(string); ok && v != "" {
			raw(strict, "a member that comes twice", func(body []byte) []byte {
				// The last one, which most readers take, is the valid one.
				return append(fmt.Appendf(nil, `{%q:"pvtwice",`, name), body[1:]...)
			})
			break
		}
	}
	with := func(value string) func([]byte) []byte {
		return func(body []byte) []byte {
			if len(fields) == 0 {
				return []byte(`{"pv_deep":` + value + `}`)
			}
			return append([]byte(`{"pv_deep":`+value+`,`), body[1:]...)
		}
	}
	raw(hold, "JSON that nests 1,000 deep", with(strings.Repeat("[", 1_000)+strings.Repeat("]", 1_000)))
	raw(hold, "JSON that nests 20,000 deep", with(strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)))
	raw(hold, "an array of 10,000", with("["+strings.Repeat("0,", 9_999)+"0]"))
	return out
}

func sorted(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// types are other media types for a body of JSON. text/plain and forms are
// those that a page of another site may send without asking, so that a server
// that reads JSON from them has no say in it.
func (s *surveyor) types(b *trial.Baseline) []probe {
	var out []probe
	takes := func(kind string) bool {
		return slices.ContainsFunc(b.Op.Bodies, func(x *openapi.Body) bool { return x.Type == kind || strings.Contains(x.Type, "*") })
	}
	as := func(severity finding.Severity, kinds ...string) {
		base, _, _ := strings.Cut(kinds[0], ";")
		if takes(base) {
			return
		}
		what := "JSON as " + strings.Join(kinds, " and ")
		out = append(out, probe{kind: media, severity: severity, what: what, where: "Content-Type", change: func(d *trial.Draft) *trial.Draft {
			body := d.Request().Body
			if raw, ok := d.Body.([]byte); ok {
				body = raw
			}
			d = d.WithBody("", body)
			d.Header["Content-Type"] = kinds
			return d
		}})
	}
	as(finding.Medium, "text/plain")
	out = append(out, probe{kind: untyped, what: "JSON without Content-Type", where: "Content-Type", change: func(d *trial.Draft) *trial.Draft {
		body := d.Request().Body
		if raw, ok := d.Body.([]byte); ok {
			body = raw
		}
		d = d.WithBody("", body)
		d.Header.Del("Content-Type")
		return d
	}})
	as(finding.Medium, "text/xml")
	if s.json > enoughKept {
		return out
	}
	as(finding.Medium, "application/xml")
	as(finding.Medium, "application/octet-stream")
	as(finding.Medium, "text/html")
	as(finding.Medium, "application/x-www-form-urlencoded")
	as(finding.Medium, "text/plain; application/json")
	as(finding.Low, "application/jsonx")
	if s.json <= 1 {
		if !takes("text/plain") {
			out = append(out, probe{kind: media, severity: finding.Low, what: "JSON as application/json and text/plain", where: "Content-Type", change: func(d *trial.Draft) *trial.Draft {
				body := d.Request().Body
				if raw, ok := d.Body.([]byte); ok {
					body = raw
				}
				d = d.WithBody("", body)
				d.Header["Content-Type"] = []string{"application/json", "text/plain"}
				return d
			}})
		}
		out = append(out, probe{kind: media, severity: finding.Low, what: "JSON in UTF-8 as application/json; charset=utf-16", where: "Content-Type", change: func(d *trial.Draft) *trial.Draft {
			body := d.Request().Body
			if raw, ok := d.Body.([]byte); ok {
				body = raw
			}
			d = d.WithBody("", body)
			d.Header.Set("Content-Type", "application/json; charset=utf-16")
			return d
		}})
	}
	if fields, ok := b.Draft.Body.(map[string]any); ok && !takes("application/x-www-form-urlencoded") && flat(fields) {
		severity := finding.Low
		if len(b.Who.Cookies) > 0 { // a page of another site can send it with them
			severity = finding.Medium
		}
		out = append(out, probe{kind: media, severity: severity, what: "a form where the document has JSON", where: "Content-Type", change: func(d *trial.Draft) *trial.Draft {
			m, ok := d.Body.(map[string]any)
			if !ok {
				return nil
			}
			form := url.Values{}
			for k, v := range m {
				form.Set(k, fmt.Sprint(v))
			}
			return d.WithBody("application/x-www-form-urlencoded", []byte(form.Encode()))
		}})
	}
	return out
}

func flat(fields map[string]any) bool {
	for _, v := range fields {
		switch v.(type) {
		case map[string]any, []any, nil:
			return false
		}
	}
	return len(fields) > 0
}
