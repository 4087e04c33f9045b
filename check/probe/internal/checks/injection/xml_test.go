package injection

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

var (
	entity = regexp.MustCompile(`<!ENTITY (\w+) "(\w+)">`)
	away   = regexp.MustCompile(`<!ENTITY (\w+) SYSTEM "(http[^"]+)">`)
	types  = regexp.MustCompile(`(?s)<!DOCTYPE.*\]>`)
)

// A parser of XML; what it does with entities is for each to say.
type parser struct{ fetches, expands, refuses bool }

// parse is the members of a document, of whatever name its root is.
func (p parser) parse(data []byte) (map[string]any, bool) {
	s := string(data)
	if p.refuses && strings.Contains(s, "<!DOCTYPE") {
		return nil, false
	}
	if m := away.FindStringSubmatch(s); m != nil && p.fetches && strings.Contains(s, "&"+m[1]+";") {
		if res, err := http.Get(m[2]); err == nil {
			res.Body.Close()
		}
	}
	for _, m := range entity.FindAllStringSubmatch(s, -1) {
		if p.expands {
			s = strings.ReplaceAll(s, "&"+m[1]+";", m[2])
		}
	}
	s = types.ReplaceAllString(s, "")
	dec := xml.NewDecoder(strings.NewReader(s))
	dec.Strict, dec.Entity = true, map[string]string{"pv": "", "a": "", "b": ""}
	out, name := map[string]any{}, ""
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return out, true
		}
		if err != nil {
			return nil, false
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			name = tok.Name.Local
		case xml.CharData:
			if text := strings.TrimSpace(string(tok)); text != "" {
				out[name] = text
			}
		}
	}
}

// orders takes JSON, and XML by its type where it has a parser.
func orders(p *parser, strict bool) route {
	return route{"POST /orders", body("name", "note"), func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		var got map[string]any
		switch kind := r.Header.Get("Content-Type"); {
		case strings.HasSuffix(kind, "/xml") && p != nil:
			var ok bool
			if got, ok = p.parse(data); !ok {
				answer(w, 400, map[string]string{"malformed": "yes"})
				return
			}
			if strict { // as a binder does that looks for members one level up
				got = nil
			}
		case strings.HasSuffix(kind, "/xml") && strict:
			fail(w, 415)
			return
		default:
			if json.Unmarshal(data, &got) != nil {
				fail(w, 400)
				return
			}
		}
		if got["name"] == nil || got["note"] == nil {
			fail(w, 422)
			return
		}
		answer(w, 201, map[string]any{"id": 1, "name": got["name"]})
	}}
}

// avatars takes pictures, and reads those in SVG where it has a parser.
func avatars(name string, p *parser) route {
	spec := strings.ReplaceAll(upload, `"file"`, `"`+name+`"`)
	return route{"POST /uploads", spec, func(w http.ResponseWriter, r *http.Request) {
		m, err := r.MultipartReader()
		var part *multipart.Part
		if err == nil {
			part, err = m.NextPart()
		}
		if err != nil {
			fail(w, 422)
			return
		}
		data, _ := io.ReadAll(part)
		if p != nil && bytes.Contains(data, []byte("<svg")) {
			if _, ok := p.parse(data); !ok {
				fail(w, 422)
				return
			}
		}
		answer(w, 201, map[string]any{"id": 1})
	}}
}

func TestXMLBesideTheDocument(t *testing.T) {
	for _, c := range []struct {
		name  string
		route route
		want  trial.Verdict
		says  string
	}{
		{"XML in the place of JSON, and entities are fetched", orders(&parser{fetches: true}, false), trial.Fail, "which the document does not name"},
		{"XML in the place of JSON, and entities are written out", orders(&parser{expands: true}, false), trial.Fail, "written out"},
		{"XML that is read and bound wrongly", orders(&parser{fetches: true}, true), trial.Fail, "asked for an entity"},
		{"XML in the place of JSON, without entities", orders(&parser{}, false), trial.Pass, ""},
		{"XML in the place of JSON, without a DOCTYPE", orders(&parser{refuses: true}, false), trial.Pass, ""},
		{"JSON alone, by its type", orders(nil, true), trial.NotApplicable, ""},
		{"JSON alone, whatever the type", orders(nil, false), trial.NotApplicable, ""},
		{"pictures in SVG", avatars("avatar", &parser{fetches: true}), trial.Fail, "of a file of type image/svg+xml"},
		{"pictures in SVG, without entities", avatars("avatar", &parser{}), trial.Pass, ""},
		{"pictures that are kept", avatars("avatar", nil), trial.Pass, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, name, _ := strings.Cut(c.route.name, " ")
			for _, r := range verdicts(t, "probe/xxe", "POST "+name, false, c.route) {
				if r.Verdict != c.want || !strings.Contains(r.Got, c.says) {
					t.Errorf("%v, want %v: %s %s", r.Verdict, c.want, r.Got, r.Reason)
				}
			}
		})
	}
}

// Files that are neither pictures nor documents by their name are not tried.
func TestXMLFilesByName(t *testing.T) {
	r := run(t, 1, false, avatars("backup", &parser{fetches: true}))
	for _, res := range r.results {
		if res.Check.ID == "probe/xxe" {
			t.Errorf("%v: %s", res.Verdict, res.Got)
		}
	}
}

func TestElement(t *testing.T) {
	x := &xmlBody{root: "order", value: map[string]any{"name": "pvabcdefg", "kind": "a&b", "n": 3, "lines": []any{map[string]any{"sku": "pvabcdefh"}, map[string]any{"sku": "x"}}, "no name": 1, "none": nil, "email": "pvabcdefg@example.com"}}
	const want = `<?xml version="1.0"?><order><email>pvabcdefg@example.com</email><kind>a&amp;b</kind><lines><sku>&pv;</sku></lines><lines><sku>x</sku></lines><n>3</n><name>&pv;</name></order>`
	if got := string(x.write("", "&pv;")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
