package trial

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// Draft makes a valid request of an operation for an identity, with objects of
// its own where the path names some. Requests that write are only ever about
// objects that the probe made.
func (t *Trial) Draft(ctx context.Context, op *openapi.Operation, who *identity.Identity, how values.How) (*Draft, error) {
	return t.draft(ctx, op, who, how, 0)
}

func (t *Trial) draft(ctx context.Context, op *openapi.Operation, who *identity.Identity, how values.How, depth int) (*Draft, error) {
	d, _, err := t.drafted(ctx, op, who, how, depth)
	return d, err
}

// drafted is draft, with the Maker of its values.
func (t *Trial) drafted(ctx context.Context, op *openapi.Operation, who *identity.Identity, how values.How, depth int) (*Draft, *values.Maker, error) {
	t.mu.Lock()
	t.makers++
	m := t.maker(op, fmt.Sprintf("%s %s %d", who.Name, op.Name(), t.makers))
	t.mu.Unlock()
	known := t.learned(op)
	m.How, m.Choice = how, known.form
	d := &Draft{Op: op, Who: who, Base: t.Document.Base, Path: map[string]string{}, Header: http.Header{}, Cookie: map[string]string{}}
	for _, name := range op.PathParams() {
		value, o, err := t.pathValue(ctx, d, name, m, depth)
		if err != nil {
			return nil, nil, err
		}
		d.Path[name] = value
		if o != nil {
			d.Made = append(d.Made, o)
		}
	}
	for _, p := range op.Params {
		guard := p.In == "header" && AntiForgery(p.Name) && len(d.Who.Cookies) > 0
		if p.In == "path" || !guard && !p.Required && (how == values.Least || p.In != "query") {
			continue
		}
		if credential(t.Document, p) {
			continue // it is the identity's
		}
		v := p.Example
		if v == nil || how != values.Given {
			v = m.Value(p.Schema, p.Name)
		}
		if guard {
			v = token(p, d.Who)
		}
		// What only sounds like the id of an object gets another chance, by the
		// example. What writes does not: an example's objects are not ours.
		if how != values.Given || op.Writes() {
			named, err := t.named(ctx, op, p, who, depth)
			if err != nil {
				return nil, nil, err
			}
			if named != nil {
				v = named
			}
		}
		if !p.Required && p.Schema != nil && p.Schema.Default == nil && len(p.Schema.Enum) == 0 && p.Schema.Is("string") && p.Schema.Format == "" {
			// An optional filter by a text of ours would find nothing.
			if strings.Contains(strings.ToLower(p.Name), "sort") || strings.Contains(strings.ToLower(p.Name), "order") || strings.Contains(strings.ToLower(p.Name), "cursor") {
				continue
			}
		}
		switch p.In {
		case "query":
			if list, ok := v.([]any); ok {
				for _, x := range list {
					d.Query = append(d.Query, Field{p.Name, plain(x)})
				}
				continue
			}
			d.Query = append(d.Query, Field{p.Name, plain(v)})
		case "header":
			d.Header.Set(p.Name, plain(v))
		case "cookie":
			d.Cookie[p.Name] = plain(v)
		}
	}
	if len(op.Bodies) > 0 && (op.BodyRequired || how != values.Least) {
		b := op.Bodies[known.body%len(op.Bodies)]
		d.Type = b.Type
		m.Known = t.references(ctx, b.Schema, who, depth)
		if b.Example != nil && how == values.Given && !m.IsPrivate() {
			d.Body = cloneValue(b.Example)
			if fields, ok := d.Body.(map[string]any); ok {
				for k := range fields {
					if v, ok := m.Known[k]; ok {
						fields[k] = v // an example's objects are not there
					}
				}
			}
		} else {
			d.Body = m.Value(b.Schema, "")
		}
	}
	t.finish(d, m)
	if err := t.renew(ctx, d); err != nil {
		return nil, nil, err
	}
	if s, ok := d.Body.(string); ok && d.Type != "" && !(&openapi.Body{Type: d.Type}).IsJSON() {
		d.Body = []byte(s)
	}
	return d, m, nil
}

// AntiForgery tells whether a header field is one that a page of the API's own
// sends with a cookie, and no page of another site can.
func AntiForgery(name string) bool {
	lower := strings.ToLower(name)
	return strings.Contains(lower, "csrf") || strings.Contains(lower, "xsrf") || lower == "x-requested-with"
}

// token is what such a field holds: the one value that is allowed, or what a
// cookie says.
func token(p *openapi.Param, who *identity.Identity) any {
	if s := p.Schema; s != nil {
		for _, v := range append(slices.Clone(s.Enum), s.Default, s.Example, p.Example) {
			if v != nil {
				return v
			}
		}
	}
	for _, c := range who.Cookies {
		if AntiForgery(c.Name) {
			return c.Value
		}
	}
	return "XMLHttpRequest"
}

// credential tells whether a parameter is a scheme's own.
func credential(doc *openapi.Document, p *openapi.Param) bool {
	if p.In == "header" && strings.EqualFold(p.Name, "Authorization") {
		return true
	}
	for _, s := range doc.Schemes {
		if s.Type == "apiKey" && s.In == p.In && strings.EqualFold(s.Key, p.Name) {
			return true
		}
	}
	return false
}

func (t *Trial) pathValue(ctx context.Context, d *Draft, name string, m *values.Maker, depth int) (string, *Object, error) {
	op := d.Op
	p := op.Param("path", name)
	if v := t.learned(op).path[name]; v != "" {
		d.free = append(d.free, name)
		return v, nil, nil
	}
	if p != nil && p.Schema != nil && len(p.Schema.Enum) > 0 {
		return plain(p.Schema.Enum[0]), nil, nil
	}
	creator := t.creator(op, name)
	if v, o, ok, err := t.accountIn(ctx, d, name, creator); ok {
		return v, o, err
	}
	if creator == op {
		return m.Mark(), nil, nil // PUT makes it
	}
	if creator == nil {
		if what, _, ok := nounOf(name); ok {
			creator = t.collection(http.MethodPost, what)
		}
	}
	// A path below one of an object is of that object.
	along := func(o *Object) (string, *Object, error) {
		if creator == t.creator(op, name) {
			for k, v := range o.Path {
				if _, above := d.Path[k]; above {
					d.Path[k] = v
				}
			}
		}
		return o.ID, o, nil
	}
	var refused error
	if creator != nil && creator != op && !t.o.ReadOnly {
		o, err := t.create(ctx, creator, d.Who, depth+1)
		if err == nil {
			return along(o)
		}
		refused = err
	}
	if refused != nil && op.Writes() {
		there := func() string { return t.below(ctx, op, name, d.Who, refused, depth) }
		// What somebody else has just made may not be for all to see yet.
		if m.How == values.Given {
			if id := there(); id != "" {
				return id, nil, nil
			}
		}
		if o, err := t.lent(ctx, creator, d.Who, refused, depth+1); err == nil {
			return along(o)
		}
		if id := there(); id != "" {
			return id, nil, nil
		}
		return "", nil, refused
	}
	if !op.Writes() {
		if v := t.property(name, d.Who); v != "" && creator == nil && (p == nil || idFits(p.Schema, v)) {
			return v, nil, nil
		}
		if v := t.known(op, name, d.Who); v != "" && creator == nil {
			return v, nil, nil
		}
		if len(d.Who.Owns) > 0 {
			return d.Who.Owns[0], nil, nil // it is not of this run: it is read, and never changed
		}
		if id := t.listed(ctx, op, name, d.Who, depth+1); id != "" {
			return id, nil, nil
		}
		if o, err := t.lent(ctx, creator, d.Who, refused, depth+1); err == nil {
			return along(o)
		}
		if creator == nil && namesUser(op, name) && !t.o.ReadOnly {
			if o := t.another(ctx, d); o != nil {
				return o.ID, o, nil
			}
		}
	}
	var schema *openapi.Schema
	if p != nil {
		schema = p.Schema
	}
	if id := t.below(ctx, op, name, d.Who, nil, depth); id != "" {
		return id, nil, nil
	}
	if op.Writes() && (op.Method != http.MethodPost || t.lister(op, name) != nil || names(name, schema)) {
		return "", nil, reasonf("no object could be made that %s may change", op.Name())
	}
	d.free = append(d.free, name)
	if p != nil && p.Example != nil {
		return plain(p.Example), nil, nil
	}
	v := plain(m.Value(schema, name))
	if v == "" {
		v = m.Mark() // an empty part of a path leads elsewhere
	}
	return v, nil, nil
}

// names tells whether a parameter names an object that is somebody's.
func names(name string, s *openapi.Schema) bool {
	lower := strings.ToLower(name)
	return lower == "id" || lower == "pk" || strings.HasSuffix(lower, "id") || s != nil && (s.Format == "uuid" || s.Is("integer") && len(s.Types) > 0)
}

// withFiles puts files where a form takes some.
func withFiles(body any, op *openapi.Operation, s *openapi.Schema, m *values.Maker) any {
	fields, ok := body.(map[string]any)
	if !ok {
		return body
	}
	for _, p := range s.Properties {
		file := func(x *openapi.Schema) bool { return x != nil && (x.Format == "binary" || x.Format == "byte") }
		one := aFile(p.Name+" "+op.Path, m)
		if _, wanted := fields[p.Name]; !wanted && !s.Needs(p.Name) {
			continue
		}
		switch {
		case file(p.Schema):
			fields[p.Name] = one
		case p.Schema != nil && file(p.Schema.Items):
			fields[p.Name] = []any{one}
		}
	}
	return fields
}

// aFile is a small one of the type that a field or a path asks for, and one of
// another type with each try where none does.
func aFile(name string, m *values.Maker) File {
	lower := strings.ToLower(name)
	asks := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(lower, w) })
	}
	switch {
	case asks("image", "avatar", "photo", "picture", "logo", "icon", "thumbnail", "cover", "banner"):
		return picture(m)
	case asks("csv"):
		return File{Name: m.Mark() + ".csv", Type: "text/csv", Data: []byte("name\n" + m.Mark() + "\n")}
	case asks("pdf"):
		return pdf(m)
	case m.How == values.Least:
		return picture(m)
	case m.How == values.Given:
		return pdf(m)
	}
	return File{Name: m.Mark() + ".txt", Type: "text/plain", Data: []byte(m.Mark())}
}

// picture is one of a single point.
func picture(m *values.Maker) File {
	return File{Name: m.Mark() + ".png", Type: "image/png", Data: []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
		"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82")}
}

// pdf is a document of one empty page.
func pdf(m *values.Maker) File {
	return File{Name: m.Mark() + ".pdf", Type: "application/pdf", Data: []byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")}
}

// A Baseline is a valid request of an operation and what it was answered.
type Baseline struct {
	Op    *openapi.Operation
	Who   *identity.Identity
	Draft *Draft
	// Last is the answer to the last of two.
	Last *traffic.Exchange
	// Volatile are places of the body that differ from one answer to the next.
	Volatile map[string]bool
	How      values.How
}

// Accepts tells whether an answer is one to a valid request: 2xx, or the
// redirect that the operation is there for.
func (b *Baseline) Accepts(e *traffic.Exchange) bool {
	return e.OK() || b.Last != nil && !b.Last.OK() && redirects(b.Op, e)
}

// Baseline finds a valid request of an operation for an identity: one that was
// answered with 2xx twice, or with 3xx where the operation is there to
// redirect. The error says why there is none. What a refusal complains of is
// repaired first; a request that ends a session or an account is sent as
// another user, who was registered to be spent.
func (t *Trial) Baseline(ctx context.Context, op *openapi.Operation, who *identity.Identity) (*Baseline, error) {
	key := baselineKey{op, who.Name}
	t.mu.Lock()
	o := t.baselines[key]
	if o == nil {
		o = &once[*Baseline]{}
		t.baselines[key] = o
	}
	t.mu.Unlock()
	o.Do(func() { o.value, o.err = t.baseline(ctx, op, who) })
	return o.value, o.err
}

// refusedError is a ReasonError with the status that says so.
type refusedError struct {
	ReasonError
	status int
}

func (e *refusedError) Unwrap() error { return &e.ReasonError }

func (t *Trial) baseline(ctx context.Context, op *openapi.Operation, who *identity.Identity) (*Baseline, error) {
	ends := Ends(op)
	if Destroys(op) && !ends {
		return nil, reasonf("%s may take away what cannot be made again", op.Name())
	}
	if t.o.ReadOnly && op.Writes() {
		return nil, reasonf("nothing is written")
	}
	status := 0
	var last *Draft
	for _, how := range []values.How{values.Full, values.Least, values.Given} {
		b, d, s, err := t.twice(ctx, op, who, how, ends)
		if err != nil || b != nil {
			return b, err
		}
		last, status = d, s
		if s == http.StatusUnsupportedMediaType && len(op.Bodies) > 1 {
			t.learn(op, func(l *learned) { l.body++ })
		}
		if s >= 400 && s < 500 && len(op.Bodies) > 0 && op.Bodies[0].Schema != nil && len(op.Bodies[0].Schema.OneOf) > 1 {
			t.learn(op, func(l *learned) { l.form++ })
		}
		if s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusNotImplemented || ends {
			break // another body does not change that
		}
		if s == http.StatusNotFound && len(op.Bodies) == 0 && len(op.Params) == len(op.PathParams()) {
			break
		}
	}
	if b := t.elsewhere(ctx, op, who, last, status); b != nil {
		return b, nil
	}
	return nil, &refusedError{ReasonError{Reason: fmt.Sprintf("no valid request: %s answers %d", op.Name(), status)}, status}
}

// twice sends a valid request twice. There is no baseline when one of them is
// refused.
func (t *Trial) twice(ctx context.Context, op *openapi.Operation, who *identity.Identity, how values.How, ends bool) (*Baseline, *Draft, int, error) {
	b := &Baseline{Op: op, Who: who, How: how}
	for n := range 2 {
		as := who
		if ends || op.Method == http.MethodDelete && t.ownAccount(op, who) {
			other, err := t.stand(ctx, op, who)
			if err != nil {
				return nil, nil, 0, err
			}
			as = other
		}
		d, m, err := t.drafted(ctx, op, as, how, 0)
		if err != nil {
			return nil, nil, 0, err
		}
		d, e, err := t.ask(ctx, d, m)
		if err != nil {
			return nil, nil, 0, err
		}
		if !e.OK() && !redirects(op, e) {
			return nil, d, e.Status, nil
		}
		t.Adopt(d, e)
		t.spent(op, d)
		if n == 1 {
			b.Draft, b.Last = d, e
		}
	}
	return b, b.Draft, b.Last.Status, nil
}

// ownAccount tells whether an operation on a single object is on the account
// of who sends it.
func (t *Trial) ownAccount(op *openapi.Operation, who *identity.Identity) bool {
	o := t.Account(who)
	return o != nil && t.Creator(op) == o.Creator
}

// redirects tells whether a redirect is the valid answer of an operation, and
// not one that leads to a login.
func redirects(op *openapi.Operation, e *traffic.Exchange) bool {
	to := strings.ToLower(e.Header.Get("Location"))
	// A form is answered with where to go next: back to it, or to what says
	// what is wrong, is a refusal.
	if op.Method == http.MethodPost && (e.Status == http.StatusSeeOther || e.Status == http.StatusFound) && len(op.Bodies) > 0 && op.Bodies[0].Type == "application/x-www-form-urlencoded" {
		at, _, _ := strings.Cut(strings.ToLower(e.Request.Path), "?")
		next, query, _ := strings.Cut(to, "?")
		return next != "" && !strings.HasSuffix(next, at) && !strings.Contains(next, "login") && !strings.Contains(next, "signin") && !strings.Contains(next, "sign-in") &&
			!strings.Contains(next+"?"+query, "error") && !strings.Contains(next+"?"+query, "invalid")
	}
	if op.Method != http.MethodGet || e.Status/100 != 3 || e.Status == http.StatusNotModified || to == "" ||
		strings.Contains(to, "login") || strings.Contains(to, "signin") || strings.Contains(to, "sign-in") {
		return false
	}
	if r := op.Response(e.Status); r != nil && r.Status != "default" || op.Says("redirect", "callback", "goto", "/out") {
		return true
	}
	return slices.ContainsFunc(op.Params, func(p *openapi.Param) bool {
		return p.In == "query" && slices.Contains([]string{"to", "next", "url", "goto", "dest", "destination", "target", "return", "return_to", "return_url", "redirect", "redirect_uri", "redirect_url", "continue"}, strings.ToLower(p.Name))
	})
}

// elsewhere tries other values of a path's parameter that names no object:
// GET /status/{code}.
func (t *Trial) elsewhere(ctx context.Context, op *openapi.Operation, who *identity.Identity, d *Draft, status int) *Baseline {
	if d == nil || len(d.free) == 0 || op.Writes() || status != http.StatusNotFound && status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
		return nil
	}
	name := d.free[len(d.free)-1]
	tries := []string{"1", "en", "test", "all"}
	if p := op.Param("path", name); p != nil && p.Schema.Is("integer") && len(p.Schema.Types) > 0 {
		tries = []string{"1", "200", "10", "100"}
	}
	for _, v := range tries {
		if v == d.Path[name] {
			continue
		}
		e, err := t.Send(ctx, d.WithPath(name, v).Request())
		if err != nil {
			return nil
		}
		if e.OK() {
			t.learn(op, func(l *learned) { l.path[name] = v })
			b, _, _, _ := t.twice(ctx, op, who, values.Full, false)
			if b == nil {
				b, _, _, _ = t.twice(ctx, op, who, values.Least, false)
			}
			return b
		}
	}
	return nil
}

// spent notes that what a DELETE was about is gone.
func (t *Trial) spent(op *openapi.Operation, d *Draft) {
	if op.Method == http.MethodDelete && len(op.PathParams()) == 0 {
		t.mu.Lock()
		t.enrolled = slices.DeleteFunc(t.enrolled, func(i *identity.Identity) bool { return i == d.Who })
		t.mu.Unlock()
	}
	if op.Method == http.MethodDelete && len(d.Made) > 0 && strings.HasSuffix(strings.TrimSuffix(op.Path, "/"), "}") {
		d.Made[len(d.Made)-1].Gone = true
	}
}

// Fresh is a valid request like a baseline's that was not sent yet: for
// operations that can be asked once for each object.
func (t *Trial) Fresh(ctx context.Context, b *Baseline) (*Draft, error) {
	return t.Draft(ctx, b.Op, b.Who, b.How)
}

// Coverage is how many operations of the document have a baseline for anybody,
// of how many.
func (t *Trial) Coverage() (with, all int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := map[*openapi.Operation]bool{}
	for key, o := range t.baselines {
		if o.value != nil && !key.op.Hidden {
			seen[key.op] = true
		}
	}
	for _, op := range t.Operations {
		if !op.Hidden {
			all++
		}
	}
	return len(seen), all
}
