package injection

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// mayTakeXML tells whether a document in XML could be read: where the document
// says so, where it says JSON and the framework may take both, and in files.
func mayTakeXML(g *target) bool {
	return g.xml() != nil || g.jsonTwin() || slices.ContainsFunc(g.slots, func(s *slot) bool { return xmlFile(g, s) != nil })
}

// An xmlBody is how a document in XML is written and sent.
type xmlBody struct {
	kind, root string
	fields     []string
	example    any
	// value is the body in JSON that the document says the same as.
	value any
	// send is how it is sent, where that is not as the body.
	send func(data []byte) *trial.Draft
}

// xml is the body in XML; nil when the operation documents none.
func (g *target) xml() *xmlBody {
	for _, b := range g.op.Bodies {
		if b.Type == "application/xml" || b.Type == "text/xml" || strings.HasSuffix(b.Type, "+xml") {
			x := &xmlBody{kind: b.Type, root: rootOf(b.Schema), example: b.Example}
			if b.Schema != nil {
				for _, p := range b.Schema.Properties {
					if p.Schema == nil || p.Schema.Is("string") {
						x.fields = append(x.fields, p.Name)
					}
				}
			}
			return x
		}
	}
	return nil
}

// rootOf is the name of a document's element, as frameworks name it.
func rootOf(s *openapi.Schema) string {
	if s == nil || !nameOfXML(s.Title) {
		return "root"
	}
	return s.Title
}

func nameOfXML(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
}

// jsonTwin tells whether a valid body in JSON is known that can be written in
// XML. What signs in is left alone: it counts who fails.
func (g *target) jsonTwin() bool {
	if g.base == nil || g.login || g.op.Method == http.MethodDelete {
		return false
	}
	fields, ok := g.draft.Body.(map[string]any)
	return ok && len(fields) > 0 && (&openapi.Body{Type: g.draft.Type}).IsJSON()
}

// twin is the document in XML of the body in JSON.
func (g *target) twin(kind string) *xmlBody {
	x := &xmlBody{kind: kind, root: "root", value: g.fresh().Body}
	if b := g.op.JSON(); b != nil {
		x.root = rootOf(b.Schema)
	}
	return x
}

// xmlFile is a document in XML as a file, where a slot's name or its path tells
// of pictures or documents; nil elsewhere.
func xmlFile(g *target, s *slot) *xmlBody {
	f, ok := s.Value.(trial.File)
	if s.kind != file || !ok {
		return nil
	}
	x, end := &xmlBody{}, ""
	switch name := strings.ToLower(s.Name + " " + g.op.Path + " " + g.op.ID); {
	case strings.HasPrefix(f.Type, "image/") || holds(name, "image", "avatar", "photo", "picture", "logo", "icon", "svg", "thumbnail", "drawing"):
		x.kind, x.root, end = "image/svg+xml", "svg", ".svg"
	case holds(name, "xml", "document", "docs", "import", "feed", "rss", "invoice", "sitemap", "gpx", "kml", "saml", "metadata"):
		x.kind, x.root, end = "application/xml", "root", ".xml"
	default:
		return nil
	}
	x.send = func(data []byte) *trial.Draft {
		return g.with(s, trial.File{Name: g.make.Mark() + end, Type: x.kind, Data: data})
	}
	return x
}

// write writes a document with a text in every element that has one.
func (x *xmlBody) write(doctype, text string) []byte {
	const head = `<?xml version="1.0"?>`
	if s, ok := x.example.(string); ok {
		if _, after, found := strings.Cut(s, "?>"); found {
			s = after
		}
		// The first text of the example gives way.
		if i := strings.Index(s, "</"); i > 0 {
			if j := strings.LastIndexByte(s[:i], '>'); j >= 0 {
				return []byte(head + doctype + s[:j+1] + text + s[i:])
			}
		}
	}
	var b strings.Builder
	b.WriteString(head + doctype)
	switch {
	case x.root == "svg":
		b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><text x="0" y="8">` + text + "</text></svg>")
	case x.value != nil:
		x.element(&b, x.root, x.value, text, 0)
	default:
		b.WriteString("<" + x.root + ">")
		for _, f := range x.fields {
			b.WriteString("<" + f + ">" + text + "</" + f + ">")
		}
		if len(x.fields) == 0 {
			b.WriteString(text)
		}
		b.WriteString("</" + x.root + ">")
	}
	return []byte(b.String())
}

// element writes a value of JSON: members are elements, and a list is its
// element several times. Texts that a run made up give way to the text; others
// may be one of a few.
func (x *xmlBody) element(b *strings.Builder, name string, v any, text string, depth int) {
	if !nameOfXML(strings.Trim(name, "0123456789-.")) || depth > 6 {
		return
	}
	switch v := v.(type) {
	case nil:
	case []any:
		for _, one := range v[:min(len(v), 3)] {
			x.element(b, name, one, text, depth+1)
		}
	case map[string]any:
		b.WriteString("<" + name + ">")
		for _, k := range sorted(v) {
			x.element(b, k, v[k], text, depth+1)
		}
		b.WriteString("</" + name + ">")
	default:
		plain := xmlEscape(fmt.Sprint(v))
		// What a user signs in with stays as it is.
		if s, ok := v.(string); ok && made().MatchString(s) && !holds(strings.ToLower(name), "mail", "user", "login", "pass", "handle") {
			plain = text
		}
		b.WriteString("<" + name + ">" + plain + "</" + name + ">")
	}
}

// made is a text of the run's own.
var made = lazy.Regexp(`pv[a-z2-7]{7}`)

func xmlEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func sorted(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// xxe tries what the document says is XML, then the XML that says what a valid
// body in JSON says, then files.
func xxe(ctx context.Context, g *target) *outcome {
	if x := g.xml(); x != nil {
		return g.entities(ctx, x, true)
	}
	if g.jsonTwin() {
		for _, kind := range []string{"application/xml", "text/xml"} {
			x := g.twin(kind)
			read, err := g.readsXML(ctx, x)
			if err != nil {
				return unclear(err)
			}
			if read {
				return g.entities(ctx, x, false)
			}
		}
	}
	for _, s := range g.slots {
		if x := xmlFile(g, s); x != nil {
			if o := g.entities(ctx, x, false); o != nil {
				return o
			}
		}
	}
	if g.jsonTwin() {
		return &outcome{verdict: trial.NotApplicable, reason: "it reads no XML"}
	}
	return nil
}

// maxDeaf is how many operations may take a well-formed document for one that
// is not, before that is taken for what all of them do.
const maxDeaf = 5

// readsXML tells whether a document is read as XML where the API's names JSON
// alone: it is answered otherwise than one that is malformed, whether it is
// accepted or its members are not found.
func (g *target) readsXML(ctx context.Context, x *xmlBody) (bool, error) {
	deaf := trial.Shared(g.t, "deaf to XML", func() *int { return new(int) })
	data := string(x.write("", g.make.Mark()))
	send := func(data string) (*traffic.Exchange, error) {
		return g.send(ctx, g.fresh().WithBody(x.kind, []byte(data)))
	}
	e, err := send(data)
	if err != nil {
		return false, err
	}
	if !e.OK() && (!refuses(e) && !crashed(e) || *deaf >= maxDeaf) {
		return false, nil // 415, for one
	}
	broken, err := send(strings.Replace(data, "</", "<!", 1))
	if err != nil {
		return false, err
	}
	if broken.Status == e.Status && trial.Shape(broken) == trial.Shape(e) {
		*deaf++
		return false, nil
	}
	return true, nil
}

const wantNoDoctype = "400 or 422 to a document with a DOCTYPE"

// entities puts entities into a document: ones that are fetched from the
// canary, that are read from a file, and that it names itself.
func (g *target) entities(ctx context.Context, x *xmlBody, documented bool) *outcome {
	c, err := g.t.Canary()
	if err != nil {
		return unclear(err)
	}
	want, where := wantNoDoctype, ""
	switch {
	case x.send != nil:
		where = " of a file of type " + x.kind
	case !documented:
		want, where = "415 to a type that the document does not name", " of a body of type "+x.kind+", which the document does not name"
	}
	send := func(doctype, text string) (*traffic.Exchange, error) {
		if x.value != nil {
			x.value = g.fresh().Body // what must be unique is
		}
		data := x.write(doctype, text)
		if x.send != nil {
			return g.send(ctx, x.send(data))
		}
		return g.send(ctx, g.fresh().WithBody(x.kind, data))
	}
	root := "<!DOCTYPE " + x.root + " "
	if x.example != nil {
		root = "<!DOCTYPE pv "
	}
	twin, err := send("", g.make.Mark())
	if err != nil {
		return unclear(err)
	}
	// By a general entity, and by a parameter entity that needs no place.
	for _, form := range []string{`[<!ENTITY pv SYSTEM "%s">]>`, `[<!ENTITY %% pv SYSTEM "%s"> %%pv;]>`} {
		text := "&pv;"
		if strings.Contains(form, "%%") {
			text = "pv"
		}
		var last *traffic.Exchange
		for range 2 {
			token := c.Token(g.t)
			c.Serve(token, "text/plain", nil)
			e, err := send(root+fmt.Sprintf(form, c.URL(token)), text)
			if err != nil {
				return unclear(err)
			}
			last = nil
			if len(c.Wait(ctx, token, patience)) == 0 {
				break
			}
			last = e
		}
		if last != nil {
			return failed(want, "a loopback listener was asked for an entity%s", where).by(twin, last)
		}
	}
	const onDisk = `[<!ENTITY pv SYSTEM "file:///etc/passwd">]>`
	e, err := send(root+onDisk, "&pv;")
	if err != nil {
		return unclear(err)
	}
	if passwd().Match(e.Body) {
		if e, err = send(root+onDisk, "&pv;"); err == nil && passwd().Match(e.Body) {
			return failed(want, "a file of the system is read by an entity%s", where).by(twin, e)
		}
	}
	for round := range 2 {
		one, two := g.make.Mark(), g.make.Mark()
		e, err := send(root+fmt.Sprintf(`[<!ENTITY a "%s"><!ENTITY b "%s">]>`, one, two), "&a;&b;")
		if err != nil {
			return unclear(err)
		}
		if !strings.Contains(string(e.Body), one+two) {
			break
		}
		if round == 1 {
			// That is where a document of a kilobyte becomes one of gigabytes.
			o := failed(want, "entities that the document itself names are written out%s", where).by(twin, e)
			o.severity = finding.Medium
			return o
		}
	}
	if documented && !twin.OK() {
		return &outcome{reason: fmt.Sprintf("no valid document is known: %s answers %d", g.op.Name(), twin.Status)}
	}
	return nil
}
