package objects

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// A scene is what is known of the objects that a creator makes: whether they
// are somebody's, and who is shown them. That another user sees an object is a
// fault in a shop's orders and the purpose of a forum; what tells them apart
// is how the API treats the same object in its other operations.
type scene struct {
	creator     *openapi.Operation
	reader      *openapi.Operation // GET of one
	lister      *openapi.Operation // GET of all
	a, b        *identity.Identity
	object      *trial.Object
	path        map[string]string // that leads to the object
	own         *traffic.Exchange // a reads it
	other       *traffic.Exchange // b reads it
	ownList     *traffic.Exchange
	otherList   *traffic.Exchange
	owner       string // the leaf that says whose it is
	ownerValue  string
	public      bool // a field of it says that all may see it
	err         error
	listedToOwn bool
	// listed tells that the other's list holds the object.
	listed bool
}

// sceneOf finds it out once, and is asked by every check.
func sceneOf(ctx context.Context, t *trial.Trial, creator *openapi.Operation, a, b *identity.Identity) *scene {
	key := "objects/scene/" + creator.Name() + "/" + a.Name + "/" + b.Name
	return trial.Shared(t, key, func() *scene {
		s := &scene{creator: creator, a: a, b: b}
		s.find(ctx, t)
		return s
	})
}

func (s *scene) find(ctx context.Context, t *trial.Trial) {
	for _, op := range t.On(s.creator) {
		if op.Method == http.MethodGet && strings.HasSuffix(strings.TrimSuffix(op.Path, "/"), "}") {
			s.reader = op
			break
		}
	}
	s.lister = listerOf(t, s.creator)
	s.object, s.err = t.Create(ctx, s.creator, s.a)
	if s.err != nil {
		return
	}
	s.path = maps.Clone(s.object.Path)
	if s.path == nil {
		s.path = map[string]string{}
	}
	if s.reader != nil {
		params := s.reader.PathParams()
		s.path[params[len(params)-1]] = s.object.ID
		if s.own, s.err = s.read(ctx, t, s.a); s.err != nil {
			return
		}
		if s.reader.Secured() {
			if s.other, s.err = s.read(ctx, t, s.b); s.err != nil {
				return
			}
		}
	}
	s.owner, s.ownerValue = ownerIn(s.look(), s.a)
	if slices.Contains(s.object.Marks, s.ownerValue) {
		s.owner, s.ownerValue = "", "" // the owner of a pet, whom we named
	}
	s.public = public(s.look())
	if s.lister == nil || !s.lister.Secured() {
		return
	}
	for _, wide := range []bool{false, true} {
		if s.ownList, s.err = s.list(ctx, t, s.a, wide, nil); s.err != nil {
			return
		}
		if s.listedToOwn = s.ownList.OK() && s.holds(s.ownList, true); s.listedToOwn {
			if s.otherList, s.err = s.list(ctx, t, s.b, wide, nil); s.err != nil {
				return
			}
			s.listed = s.otherList.OK() && s.holds(s.otherList, true)
			return
		}
	}
}

// read reads the object as somebody.
func (s *scene) read(ctx context.Context, t *trial.Trial, who *identity.Identity) (*traffic.Exchange, error) {
	return t.Send(ctx, about(t, s.reader, s.path, who).Request())
}

// about is a request without a body about what a path names.
func about(t *trial.Trial, op *openapi.Operation, path map[string]string, who *identity.Identity) *trial.Draft {
	d := &trial.Draft{Op: op, Who: who, Base: t.Document.Base, Path: maps.Clone(path), Header: http.Header{}}
	m := t.Maker("look " + op.Name())
	for _, p := range op.Params {
		if !p.Required {
			continue
		}
		switch v := fmt.Sprint(m.Value(p.Schema, p.Name)); p.In {
		case "query":
			d.Query = append(d.Query, trial.Field{Name: p.Name, Value: v})
		case "header":
			if !strings.EqualFold(p.Name, "Authorization") {
				d.Header.Set(p.Name, v)
			}
		}
	}
	return d
}

// list lists the collection as somebody: what is on the first page, or as
// much as may be asked for.
func (s *scene) list(ctx context.Context, t *trial.Trial, who *identity.Identity, wide bool, more url.Values) (*traffic.Exchange, error) {
	d := about(t, s.lister, s.object.Path, who)
	if wide {
		d = widen(d, s.lister)
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		d = d.WithQuery(name, more.Get(name))
	}
	return t.Send(ctx, d.Request())
}

// widen asks for a long page.
func widen(d *trial.Draft, op *openapi.Operation) *trial.Draft {
	for _, p := range op.Params {
		if p.In == "query" && slices.Contains([]string{"limit", "size", "per_page", "page_size", "pagesize", "perpage", "count", "take"}, strings.ToLower(p.Name)) {
			top := 1000.0
			if p.Schema != nil && p.Schema.Max > 0 && p.Schema.Max < top {
				top = p.Schema.Max
			}
			return d.WithQuery(p.Name, fmt.Sprint(int(top)))
		}
	}
	return d.WithQuery("limit", "1000")
}

// marks are texts of ours in the object that are not its name.
func (s *scene) marks() []string { return marksOf(s.object) }

func marksOf(o *trial.Object) []string {
	return slices.DeleteFunc(slices.Clone(o.Marks), func(m string) bool { return m == o.ID })
}

// holds tells whether an answer shows the object. One that holds no texts is
// known by its id, in a list where ids stand, if that is allowed.
func (s *scene) holds(e *traffic.Exchange, byID bool) bool {
	if holds(string(e.Body), s.object.Marks) {
		return true
	}
	if len(s.object.Marks) > 0 || !byID {
		return false
	}
	for at, v := range trial.Leaves(e) {
		name := at[strings.LastIndexByte(at, '/')+1:]
		if v == s.object.ID && (strings.EqualFold(name, "id") || strings.EqualFold(name, "_id") || strings.EqualFold(name, "uuid") || strings.HasSuffix(strings.ToLower(name), "_id") && len(v) > 8) {
			return true
		}
	}
	return false
}

func holds(body string, marks []string) bool {
	return slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(body, m) })
}

// owners are names of fields that say whose an object is. Who made it last,
// or reviewed it, is not who owns it.
func owners() []string {
	return []string{"owner", "ownerid", "user", "userid", "accountid", "customerid", "author", "authorid", "username", "useremail", "owneremail", "memberid", "clientid", "patientid", "sellerid", "createdbyuser"}
}

// flat is a name without what joins its words.
func flat(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(name))
}

// ownerIn finds the field that says whose an object is.
func ownerIn(e *traffic.Exchange, who *identity.Identity) (name, value string) {
	leaves := trial.Leaves(e)
	for _, at := range slices.Sorted(maps.Keys(leaves)) {
		parts := strings.Split(at, "/")
		last := parts[len(parts)-1]
		if len(parts) > 2 && slices.Contains([]string{"id", "username", "email"}, strings.ToLower(last)) {
			// {"owner": {"id": 7}}
			if slices.Contains(owners(), flat(parts[len(parts)-2])) {
				return parts[len(parts)-2], leaves[at]
			}
		}
		if v := leaves[at]; slices.Contains(owners(), flat(last)) && v != "" && v != "<nil>" {
			return last, v
		}
	}
	// A field of any name that holds the user's own id or name.
	for _, at := range slices.Sorted(maps.Keys(leaves)) {
		v := leaves[at]
		if len(v) >= 8 && (v == who.ID || v == who.Email || v == who.Username) {
			return at[strings.LastIndexByte(at, '/')+1:], v
		}
	}
	return "", ""
}

// public tells whether a field of an object says that all may see it.
func public(e *traffic.Exchange) bool {
	for at, v := range trial.Leaves(e) {
		v = strings.ToLower(v)
		switch flat(at[strings.LastIndexByte(at, '/')+1:]) {
		case "public", "ispublic", "shared", "isshared", "published", "ispublished":
			if v == "true" {
				return true
			}
		case "private", "isprivate":
			if v == "false" {
				return true
			}
		case "visibility", "access", "privacy", "audience":
			if v == "public" || v == "everyone" || v == "shared" || v == "internal" || v == "all" || v == "members" {
				return true
			}
		case "status", "state":
			if v == "published" {
				return true
			}
		}
	}
	return false
}

// account tells whether what a creator makes are accounts: others may see who
// else there is.
func account(creator *openapi.Operation) bool {
	if b := creator.JSON(); b != nil && b.Schema != nil {
		for _, p := range b.Schema.Properties {
			if strings.Contains(strings.ToLower(p.Name), "password") {
				return true
			}
		}
	}
	name := strings.ToLower(last(creator.Path))
	return name == "users" || name == "accounts" && creator.JSON() == nil || name == "register" || name == "signup"
}

func last(p string) string {
	p = strings.Trim(p, "/")
	return p[strings.LastIndexByte(p, '/')+1:]
}

// personal tells whether things of a name are nobody else's business, whatever
// the application.
func personal(creator *openapi.Operation) bool { return intimate(last(creator.Path)) }

func intimate(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{
		"order", "invoice", "payment", "card", "wallet", "cart", "basket", "note", "message", "inbox", "mail", "address", "transaction", "transfer", "receipt",
		"prescription", "booking", "reservation", "appointment", "secret", "credential", "medical", "patient", "payroll", "salar", "diary", "journal", "notification", "favorite", "favourite", "api-key", "apikey", "api_key", "passwords", "vault",
	}, func(w string) bool { return strings.Contains(name, w) })
}

// common tells whether the API shows the objects to all users on purpose, as
// far as can be seen: its list does, and holds all that reading one tells.
func (s *scene) common() bool {
	if !s.listed {
		return false
	}
	if s.other == nil || !s.other.OK() {
		return s.other == nil
	}
	for _, m := range s.marks() {
		if strings.Contains(string(s.other.Body), m) && !strings.Contains(string(s.otherList.Body), m) {
			return false // reading one tells more
		}
	}
	return true
}

// owned tells whether something says that the objects are somebody's.
func (s *scene) owned() bool {
	return s.owner != "" || s.listedToOwn && !s.listed || s.other != nil && s.other.Refused()
}

// same is how much of one answer another repeats, from 0 to 1.
func same(want, got *traffic.Exchange) float64 {
	b := &trial.Baseline{Last: want}
	return b.Same(got)
}

// creators are operations that make objects which other operations name, and
// that ask who calls.
func creators(t *trial.Trial) []*openapi.Operation {
	var out []*openapi.Operation
	t.Each(func(op *openapi.Operation) {
		if op.Method == http.MethodPost && op.Secured() && len(t.On(op)) > 0 {
			out = append(out, op)
		}
	})
	return out
}

// decode is an answer's value.
func decode(e *traffic.Exchange) any {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(e.Body)))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// self is what an API says of who calls: the members of an answer of an
// operation such as GET /me.
func self(ctx context.Context, t *trial.Trial, who *identity.Identity) map[string]string {
	return trial.Shared(t, "objects/self/"+who.Name, func() map[string]string {
		out := map[string]string{}
		for name, v := range map[string]string{"id": who.ID, "email": who.Email, "username": who.Username} {
			if v != "" {
				out[name] = v
			}
		}
		for _, op := range t.Operations {
			if op.Method != http.MethodGet || !op.Secured() || len(op.PathParams()) > 0 || !isSelf(op) {
				continue
			}
			d, err := t.Draft(ctx, op, who, values.Least)
			if err != nil {
				continue
			}
			e, err := t.Send(ctx, d.Request())
			if err != nil || !e.OK() {
				continue
			}
			leaves := trial.Leaves(e)
			for _, at := range slices.Sorted(maps.Keys(leaves)) {
				name, v := flat(at[strings.LastIndexByte(at, '/')+1:]), leaves[at]
				if name == "userid" || name == "sub" {
					name = "id"
				}
				if out[name] == "" && slices.Contains([]string{"id", "email", "username"}, name) && strings.Count(at, "/") <= 2 {
					out[name] = v
				}
			}
			break
		}
		return out
	})
}

// isSelf tells whether an operation is about who calls.
func isSelf(op *openapi.Operation) bool {
	return slices.Contains([]string{"me", "self", "profile", "account", "whoami", "userinfo", "current"}, strings.ToLower(last(op.Path)))
}
