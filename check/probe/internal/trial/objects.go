package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// An Object is one that the probe made, and may change and delete.
type Object struct {
	// Collection is the path that it was posted to, filled in.
	Collection string
	Creator    *openapi.Operation
	ID         string
	Who        *identity.Identity
	// Marks are texts of ours that it holds: whoever sees one sees the object.
	Marks   []string
	Made    *traffic.Exchange
	Path    map[string]string // that of the collection
	Gone    bool
	Parents []*Object
	// Account tells that it is the account of Who.
	Account bool
	named   bool // a path names what its Creator makes
}

// makes tells whether an operation may make an object. A login makes a session,
// and may end the one in use.
func makes(op *openapi.Operation) bool {
	return op.Method == http.MethodPost && identity.LogsIn(op) == 0
}

// creator is the operation that makes what a path's parameter names: POST on
// the path before it.
func (t *Trial) creator(op *openapi.Operation, param string) *openapi.Operation {
	before, _, ok := strings.Cut(op.Path, "/{"+param+"}")
	if !ok {
		return nil
	}
	for _, c := range t.Operations {
		if strings.TrimSuffix(c.Path, "/") == strings.TrimSuffix(before, "/") && makes(c) {
			return c
		}
	}
	// POST /items/create, /items/new.
	for _, c := range t.Operations {
		if rest, ok := strings.CutPrefix(c.Path, strings.TrimSuffix(before, "/")+"/"); ok && makes(c) &&
			slices.Contains([]string{"create", "new", "add"}, strings.Trim(rest, "/")) {
			return c
		}
	}
	// POST /category makes what /categories/{id} names.
	parent, last := path.Split(strings.Trim(before, "/"))
	for _, c := range t.Operations {
		if above, own := path.Split(strings.Trim(c.Path, "/")); above == parent && !strings.Contains(own, "{") && noun(own) == noun(last) && makes(c) {
			return c
		}
	}
	// POST /orders/{id}/notes makes what /notes/{id} names.
	if !strings.Contains(last, "{") {
		if c := t.nested(noun(last)); c != nil && c.Path != op.Path && !strings.HasPrefix(c.Path, before+"/") {
			return c
		}
	}
	// PUT /settings/{name} makes what was not there.
	for _, c := range t.Operations {
		if c.Method == http.MethodPut && strings.TrimSuffix(c.Path, "/") == before+"/{"+param+"}" {
			if p := c.Param("path", param); p == nil || p.Schema.Is("string") {
				return c
			}
		}
	}
	return nil
}

// lister is GET on the path before a parameter.
func (t *Trial) lister(op *openapi.Operation, param string) *openapi.Operation {
	before, _, ok := strings.Cut(op.Path, "/{"+param+"}")
	if !ok {
		return nil
	}
	for _, c := range t.Operations {
		if c.Method == http.MethodGet && strings.TrimSuffix(c.Path, "/") == strings.TrimSuffix(before, "/") {
			return c
		}
	}
	return nil
}

// Lister is GET on the path before the parameter that ends an operation's path;
// nil when there is none.
func (t *Trial) Lister(op *openapi.Operation) *openapi.Operation {
	params := op.PathParams()
	if len(params) == 0 || !strings.HasSuffix(strings.TrimSuffix(op.Path, "/"), "{"+params[len(params)-1]+"}") {
		return nil
	}
	return t.lister(op, params[len(params)-1])
}

// Creator is the operation that makes what the last parameter of an
// operation's path names; nil when there is none.
func (t *Trial) Creator(op *openapi.Operation) *openapi.Operation {
	params := op.PathParams()
	if len(params) == 0 {
		return nil
	}
	return t.creator(op, params[len(params)-1])
}

// On are the operations on single objects of what a creator makes:
// GET, PUT, PATCH and DELETE of /items/{id}, and what is below.
func (t *Trial) On(creator *openapi.Operation) []*openapi.Operation {
	var out []*openapi.Operation
	for _, op := range t.Operations {
		if t.Creator(op) == creator {
			out = append(out, op)
		}
	}
	return out
}

// maxNested bounds objects that need others.
const maxNested = 4

// Create makes an object of its own for an identity. The error says why it
// could not.
func (t *Trial) Create(ctx context.Context, creator *openapi.Operation, who *identity.Identity) (*Object, error) {
	return t.create(ctx, creator, who, 0)
}

func (t *Trial) create(ctx context.Context, creator *openapi.Operation, who *identity.Identity, depth int) (*Object, error) {
	if creator == nil {
		return nil, reasonf("no operation makes such an object")
	}
	if t.o.ReadOnly {
		return nil, reasonf("nothing is written")
	}
	if depth > maxNested {
		return nil, reasonf("objects need each other in a circle")
	}
	// What could not be made once is not tried for each operation that needs
	// it.
	key := baselineKey{creator, who.Name}
	t.mu.Lock()
	before := t.futile[key]
	t.mu.Unlock()
	if before != nil {
		return nil, before
	}
	o, err := t.make(ctx, creator, who, depth)
	var no *refusedError
	if errors.As(err, &no) && ctx.Err() == nil {
		t.mu.Lock()
		t.futile[key] = err
		t.mu.Unlock()
	}
	return o, err
}

func (t *Trial) make(ctx context.Context, creator *openapi.Operation, who *identity.Identity, depth int) (*Object, error) {
	var last *traffic.Exchange
	for _, how := range []values.How{values.Full, values.Least, values.Given} {
		d, m, err := t.drafted(ctx, creator, who, how, depth)
		if err != nil {
			return nil, err
		}
		d, e, err := t.ask(ctx, d, m)
		if err != nil {
			return nil, err
		}
		last = e
		if !e.OK() {
			if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
				break
			}
			if e.Status < 500 && len(creator.Bodies) > 0 && creator.Bodies[0].Schema != nil && len(creator.Bodies[0].Schema.OneOf) > 1 {
				t.learn(creator, func(l *learned) { l.form++ })
			}
			continue
		}
		o := t.adopt(d, e)
		if o == nil {
			o = t.seek(ctx, d, e, depth)
		}
		if o == nil {
			return nil, &refusedError{ReasonError{Reason: fmt.Sprintf("%s answers %d, and no id is in the answer", creator.Name(), e.Status)}, e.Status}
		}
		return o, nil
	}
	return nil, &refusedError{ReasonError{Reason: fmt.Sprintf("%s answers %d to valid requests", creator.Name(), last.Status)}, last.Status}
}

// seek finds what was made by its texts in the list of all, when the answer
// does not say how it is called.
func (t *Trial) seek(ctx context.Context, d *Draft, made *traffic.Exchange, depth int) *Object {
	marks, names := marksIn(d.Body), t.idNames(d.Op)
	if len(marks) == 0 || len(names) == 0 || depth > maxNested {
		return nil
	}
	for _, op := range t.Operations {
		if op.Method != http.MethodGet || strings.TrimSuffix(op.Path, "/") != strings.TrimSuffix(d.Op.Path, "/") {
			continue
		}
		l := &Draft{Op: op, Who: d.Who, Base: d.Base, Path: d.Path}
		e, err := t.Send(ctx, l.Request())
		if err != nil || !e.OK() {
			return nil
		}
		for _, item := range slices.Backward(Items(e, path.Base(op.Path))) {
			m, ok := item.(map[string]any)
			if !ok || !slices.ContainsFunc(marksIn(m), func(x string) bool { return slices.Contains(marks, x) }) {
				continue
			}
			if id := idOf(m, append(slices.Clone(names), "id", "_id", "uuid")); id != "" {
				t.mu.Lock()
				t.nameless = slices.DeleteFunc(t.nameless, func(n nameless) bool { return n.e == made })
				t.mu.Unlock()
				return t.remember(d, made, id)
			}
		}
	}
	return nil
}

// nameless is a request that made something, and the answer does not say what
// its id is.
type nameless struct {
	d *Draft
	e *traffic.Exchange
}

// maxNameless bounds how many are looked for when all is cleaned up.
const maxNameless = 200

// adopt remembers an object that a request made.
func (t *Trial) adopt(d *Draft, e *traffic.Exchange) *Object {
	id := ""
	if d.Op.Method == http.MethodPut {
		if params := d.Op.PathParams(); len(params) > 0 {
			id = d.Path[params[len(params)-1]]
		}
	} else {
		id = idIn(d.Op, e, t.idNames(d.Op))
	}
	if id == "" {
		if len(t.idNames(d.Op)) > 0 {
			t.mu.Lock()
			t.nameless = append(t.nameless, nameless{d, e})
			t.mu.Unlock()
		}
		return nil
	}
	return t.remember(d, e, id)
}

func (t *Trial) remember(d *Draft, e *traffic.Exchange, id string) *Object {
	collection := d.Base + d.Op.Path
	if d.Op.Method == http.MethodPut {
		collection = path.Dir(strings.TrimSuffix(collection, "/"))
	}
	for name, v := range d.Path {
		collection = strings.ReplaceAll(collection, "{"+name+"}", v)
	}
	o := &Object{Collection: collection, Creator: d.Op, ID: id, Who: d.Who, Made: e, Path: d.Path, Marks: marksIn(d.Body), Parents: d.Made}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.objects = append(t.objects, o)
	return o
}

// Adopt is for checks that send a creating request themselves: what it made is
// cleaned up.
func (t *Trial) Adopt(d *Draft, e *traffic.Exchange) *Object {
	if d.Op == nil || !e.OK() || d.Op.Method != http.MethodPost && (d.Op.Method != http.MethodPut || t.Creator(d.Op) != d.Op) {
		return nil
	}
	return t.adopt(d, e)
}

// marksIn are our texts in a body.
func marksIn(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			out = append(out, marksIn(x)...)
		}
	case []any:
		for _, x := range v {
			out = append(out, marksIn(x)...)
		}
	case File:
		return append(marksIn(strings.TrimSuffix(v.Name, path.Ext(v.Name))), marksIn(string(v.Data))...)
	case string:
		if len(v) >= 9 && strings.HasPrefix(v, "pv") {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// idNames are the parameters by which other operations name what one makes.
func (t *Trial) idNames(creator *openapi.Operation) []string {
	var out []string
	for _, op := range t.Operations {
		params := op.PathParams()
		if len(params) > 0 && t.creator(op, params[len(params)-1]) == creator {
			if name := params[len(params)-1]; !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// idIn finds the id of what was made: by a link of the document, in the body,
// or in Location.
func idIn(op *openapi.Operation, e *traffic.Exchange, names []string) string {
	var body any
	dec := json.NewDecoder(strings.NewReader(string(e.Body)))
	dec.UseNumber()
	_ = dec.Decode(&body)
	if r := op.Response(e.Status); r != nil {
		for _, l := range r.Links {
			if pointer, ok := strings.CutPrefix(l.Expression, "$response.body#/"); ok {
				if id := scalar(at(body, pointer)); id != "" {
					return id
				}
			}
		}
	}
	one := singular(path.Base(strings.TrimSuffix(op.Path, "/")))
	sure := append(slices.Clone(names), "id", "_id", "uuid", "guid", one+"_id", one+"Id")
	wrappers := []string{"data", "result", "item", one, "object", "payload", "response", "created", "record"}
	if id := dig(body, sure, wrappers); id != "" {
		return id
	}
	if loc := e.Header.Get("Location"); loc != "" {
		loc, _, _ = strings.Cut(loc, "?")
		if last := path.Base(strings.TrimSuffix(loc, "/")); last != path.Base(op.Path) && last != "." && last != "/" {
			if plain, err := url.PathUnescape(last); err == nil {
				return plain
			}
		}
	}
	if id := dig(body, []string{"slug", "key", "code", "number", "username", "name"}, wrappers); id != "" && len(names) > 0 {
		return id
	}
	if id := scalar(body); id != "" && len(id) < 64 {
		return id
	}
	return ""
}

// dig looks for an id in a body and in what wraps it, or the first of a list.
func dig(body any, wanted, wrappers []string) string {
	for range 3 {
		if l, ok := body.([]any); ok && len(l) > 0 {
			body = l[0]
		}
		m, ok := body.(map[string]any)
		if !ok {
			return ""
		}
		if id := idOf(m, wanted); id != "" {
			return id
		}
		body = nil
		for _, w := range wrappers {
			switch inner := m[w].(type) {
			case map[string]any, []any:
				body = inner
			}
			if body != nil {
				break
			}
		}
		// A single list or object among the members is what was made.
		if body == nil {
			for _, k := range sortedKeys(m) {
				switch inner := m[k].(type) {
				case map[string]any, []any:
					if body != nil {
						return ""
					}
					body = inner
				}
			}
		}
	}
	return ""
}

// idOf is the first of the wanted members that holds one.
func idOf(m map[string]any, wanted []string) string {
	for _, name := range wanted {
		for _, key := range sortedKeys(m) {
			if strings.EqualFold(strings.ReplaceAll(key, "_", ""), strings.ReplaceAll(name, "_", "")) {
				if id := scalar(m[key]); id != "" {
					return id
				}
			}
		}
	}
	return ""
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// at follows a JSON pointer without its first slash.
func at(v any, pointer string) any {
	for part := range strings.SplitSeq(pointer, "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// property is what an object of an identity holds by the name of a parameter:
// GET /p/{slug} is of what was posted to /pages. No object is made for it.
func (t *Trial) property(name string, who *identity.Identity) string {
	if slices.Contains([]string{"id", "name", "type", "kind", "status", "year", "month", "date", "lang", "language", "locale", "format", "page", "version", "size", "path", "file", "filename"}, strings.ToLower(name)) {
		return ""
	}
	for _, o := range slices.Backward(t.Objects()) {
		if o.Gone || !who.IsAnonymous() && o.Who.Name != who.Name {
			continue
		}
		if v := o.Property(name); v != "" {
			return v
		}
	}
	return ""
}

// Property is what the answer that made an object says that it has by a name;
// empty when it says nothing.
func (o *Object) Property(name string) string {
	if o.Made == nil {
		return ""
	}
	var body any
	dec := json.NewDecoder(strings.NewReader(string(o.Made.Body)))
	dec.UseNumber()
	if dec.Decode(&body) != nil {
		return ""
	}
	return dig(body, []string{name}, []string{"data", "result", "item"})
}

// listed finds an id that is there already, to be read and never changed.
func (t *Trial) listed(ctx context.Context, op *openapi.Operation, param string, who *identity.Identity, depth int) string {
	l := t.lister(op, param)
	if l == nil {
		return ""
	}
	return t.firstOf(ctx, l, param, who, depth)
}

// firstOf is the id of the first in a list.
func (t *Trial) firstOf(ctx context.Context, l *openapi.Operation, param string, who *identity.Identity, depth int) string {
	item := t.firstItem(ctx, l, who, depth)
	m, _ := item.(map[string]any)
	for _, name := range []string{param, "id", "_id", "uuid", singular(path.Base(l.Path)) + "_id", "slug", "name"} {
		if id := scalar(m[name]); id != "" {
			return id
		}
	}
	return scalar(item)
}

// firstItem is the first in a list; nil when there is none.
func (t *Trial) firstItem(ctx context.Context, l *openapi.Operation, who *identity.Identity, depth int) any {
	if depth > maxNested {
		return nil
	}
	d, err := t.draft(ctx, l, who, values.Least, depth+1)
	if err != nil {
		return nil
	}
	e, err := t.Send(ctx, d.Request())
	if err != nil || !e.OK() {
		return nil
	}
	if all := Items(e, path.Base(l.Path)); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Items are those of a list, or of a page of one.
func Items(e *traffic.Exchange, name string) []any {
	var body any
	dec := json.NewDecoder(strings.NewReader(string(e.Body)))
	dec.UseNumber()
	if dec.Decode(&body) != nil {
		return nil
	}
	for range 2 {
		if l, ok := body.([]any); ok {
			return l
		}
		m, ok := body.(map[string]any)
		if !ok {
			return nil
		}
		body = nil
		for _, key := range []string{"items", "data", "results", "content", "rows", name, singular(name), "records", "list"} {
			if m[key] != nil {
				body = m[key]
				break
			}
		}
	}
	l, _ := body.([]any)
	return l
}

const cleanupTime = 30 * time.Second

// Cleanup deletes what the probe made, the last first. It returns how many
// objects are left.
//
// It must be done however a run ends. Its context is not that of the run, and
// it may send requests when all that were allowed are spent; it takes no
// longer than half a minute.
func (t *Trial) Cleanup(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	t.mu.Lock()
	unknown := slices.Clone(t.nameless)
	t.mu.Unlock()
	t.Client.Allow(len(unknown))
	left := 0
	for i, n := range unknown {
		if i == maxNameless || t.seek(ctx, n.d, n.e, 0) == nil {
			left++
		}
	}
	t.mu.Lock()
	objects := slices.Clone(t.objects)
	t.mu.Unlock()
	t.Client.Allow(4 * len(objects))
	slices.Reverse(objects)
	for _, o := range objects {
		if o.Gone {
			continue
		}
		if !t.remove(ctx, o) && !o.Account {
			left++
		}
	}
	// The accounts come last: the objects are theirs.
	t.mu.Lock()
	enrolled := slices.Clone(t.enrolled)
	t.mu.Unlock()
	t.Client.Allow(2 * len(enrolled))
	for _, who := range enrolled {
		if o := t.accountOf(who); o != nil && o.Gone {
			continue
		}
		if !t.leave(ctx, who) {
			left++
		}
	}
	return left
}

func (t *Trial) accountOf(who *identity.Identity) *Object {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.objects {
		if o.Account && o.Who == who {
			return o
		}
	}
	return nil
}

// leave deletes the account of a user that the probe registered, by the
// operation that is for oneself.
func (t *Trial) leave(ctx context.Context, who *identity.Identity) bool {
	for _, op := range t.Operations {
		if op.Method != http.MethodDelete || len(op.PathParams()) > 0 || len(op.Bodies) > 0 || !op.Says("/me", "profile", "account", "/self") {
			continue
		}
		d := &Draft{Op: op, Who: who, Base: t.Document.Base}
		e, err := t.Send(ctx, d.Request())
		if err == nil && e.Status == http.StatusUnauthorized && who.Login != nil && who.LogIn(ctx, t.Client) == nil {
			e, err = t.Send(ctx, d.Request()) // its session was ended
		}
		if err == nil && e.OK() {
			return true
		}
	}
	return false
}

func (t *Trial) remove(ctx context.Context, o *Object) bool {
	for _, op := range t.Operations {
		if op.Method != http.MethodDelete || t.Creator(op) != o.Creator {
			continue
		}
		params := op.PathParams()
		d := &Draft{Op: op, Who: o.Who, Base: t.Document.Base, Path: map[string]string{}}
		for name, v := range o.Path {
			d.Path[name] = v
		}
		if !strings.HasSuffix(strings.TrimSuffix(op.Path, "/"), "}") {
			continue // DELETE /orders/{id}/lock leaves the order
		}
		d.Path[params[len(params)-1]] = o.ID
		// What was made by nobody may be deleted by somebody alone.
		callers := []*identity.Identity{o.Who}
		if o.Who.IsAnonymous() {
			callers = append(callers, t.Identities[:min(len(t.Identities), 1)]...)
		}
		for _, d.Who = range append(callers, t.Admins()...) {
			e, err := t.Send(ctx, d.Request())
			if err != nil {
				return false
			}
			if e.OK() || e.Status == http.StatusNotFound || e.Status == http.StatusGone {
				o.Gone = true
				return true
			}
			if e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden {
				break
			}
		}
	}
	return false
}

// Delete deletes an object as its owner, and tells whether it went.
func (t *Trial) Delete(ctx context.Context, o *Object) bool { return t.remove(ctx, o) }

// Objects are those that were made.
func (t *Trial) Objects() []*Object {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.objects)
}

func (o *Object) String() string {
	return fmt.Sprintf("%s/%s", strings.TrimSuffix(o.Collection, "/"), o.ID)
}
