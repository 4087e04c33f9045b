package trial

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/repair"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// learned is what refusals taught about an operation: it makes later requests
// valid from the start.
type learned struct {
	fixes []repair.Complaint
	body  int               // which of the bodies is taken
	form  int               // which form of a union
	path  map[string]string // values of parameters that name no object
}

func (t *Trial) learned(op *openapi.Operation) learned {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.lessons[op]; l != nil {
		return *l
	}
	return learned{}
}

func (t *Trial) learn(op *openapi.Operation, f func(l *learned)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lessons[op]
	if l == nil {
		l = &learned{path: map[string]string{}}
		t.lessons[op] = l
	}
	f(l)
}

// rounds is how often a request is changed by what a refusal says.
const rounds = 4

// ask sends a draft that should be valid. When it is refused as being not, what
// the answer complains of is changed, and it is sent again. The draft that was
// sent last is returned with its answer.
func (t *Trial) ask(ctx context.Context, d *Draft, m *values.Maker) (*Draft, *traffic.Exchange, error) {
	names := t.names(d)
	var tried []repair.Complaint
	for round := 0; ; round++ {
		e, err := t.Send(ctx, d.Request())
		if err != nil {
			return nil, nil, err
		}
		if e.OK() {
			if len(tried) > 0 {
				t.learn(d.Op, func(l *learned) { l.fixes = append(l.fixes, tried...) })
			}
			return d, e, nil
		}
		if round == rounds || !slices.Contains([]int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity}, e.Status) {
			return d, e, nil
		}
		next := d.Clone()
		complaints := repair.Read(e, names)
		changed := false
		taken := e.Status == http.StatusConflict
		for _, c := range complaints {
			if c.Kind == repair.Taken {
				taken = true
				continue
			}
			if t.fix(next, c, m) {
				changed = true
				tried = append(tried, c)
			}
		}
		if !changed && taken && round < 2 && next.Body != nil {
			// Somebody has it: texts of our own once more, and other numbers.
			changed = t.other(next, m) && t.renew(ctx, next) == nil
		}
		if !changed {
			return d, e, nil
		}
		d = next
	}
}

// names are those that an operation's parts are known by.
func (t *Trial) names(d *Draft) []repair.Name {
	var out []repair.Name
	if b := d.schema(); b != nil {
		out = repair.Names(b)
	}
	for _, p := range d.Op.Params {
		if p.In == "path" && slices.ContainsFunc(d.Made, func(o *Object) bool { return o.ID == d.Path[p.Name] }) {
			continue
		}
		out = append(out, repair.Name{In: p.In, Name: p.Name, Steps: []any{p.Name}})
	}
	return out
}

// schema is that of the body; nil when there is none.
func (d *Draft) schema() *openapi.Schema {
	for _, b := range d.Op.Bodies {
		if b.Type == d.Type {
			return b.Schema
		}
	}
	return nil
}

// fix changes a draft as a complaint wants, and tells whether it did.
func (t *Trial) fix(d *Draft, c repair.Complaint, m *values.Maker) bool {
	if c.In == "body" {
		if len(c.Steps) == 0 {
			if d.Body == nil && len(d.Op.Bodies) > 0 && c.Kind == repair.Missing {
				b := d.Op.Bodies[0]
				d.Type, d.Body = b.Type, m.Value(b.Schema, "")
				return true
			}
			return false
		}
		return c.Body(d.Body, d.schema(), m)
	}
	name := c.Name()
	var schema *openapi.Schema
	if p := d.Op.Param(c.In, name); p != nil {
		schema = p.Schema
		if credential(t.Document, p) {
			return false
		}
	}
	set := func(old string, there bool, put func(string), drop func()) bool {
		if c.Kind == repair.Extra {
			drop()
			return there
		}
		v, ok := c.Value(old, there, schema, name, m)
		if ok {
			put(plain(v))
		}
		return ok && plain(v) != old
	}
	switch c.In {
	case "query":
		i := slices.IndexFunc(d.Query, func(f Field) bool { return f.Name == name })
		old := ""
		if i >= 0 {
			old = d.Query[i].Value
		}
		return set(old, i >= 0, func(v string) {
			if i >= 0 {
				d.Query[i].Value = v
			} else {
				d.Query = append(d.Query, Field{name, v})
			}
		}, func() { d.Query = slices.DeleteFunc(d.Query, func(f Field) bool { return f.Name == name }) })
	case "header":
		if d.Op.Param("header", name) == nil && !strings.HasPrefix(strings.ToLower(name), "x-") {
			name = strings.ReplaceAll(name, "_", "-")
		}
		if strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "Host") {
			return false
		}
		_, there := d.Header[http.CanonicalHeaderKey(name)]
		return set(d.Header.Get(name), there, func(v string) { d.Header.Set(name, v) }, func() { d.Header.Del(name) })
	case "cookie":
		_, there := d.Cookie[name]
		return set(d.Cookie[name], there, func(v string) { d.Cookie[name] = v }, func() { delete(d.Cookie, name) })
	case "path":
		old, there := d.Path[name]
		if !there || c.Kind == repair.Extra || !slices.Contains(d.free, name) {
			return false
		}
		return set(old, there, func(v string) { d.Path[name] = v }, func() {})
	}
	return false
}

// other makes the body of a draft anew, with other texts and numbers.
func (t *Trial) other(d *Draft, m *values.Maker) bool {
	s := d.schema()
	if s == nil {
		return false
	}
	m.Vary = true
	defer func() { m.Vary = false }()
	d.Body = m.Value(s, "")
	t.finish(d, m)
	return true
}

// finish is what is done to the body of every draft: files are put in, fields
// that say who one is hold what they must, and what was learned is used.
func (t *Trial) finish(d *Draft, m *values.Maker) {
	s := d.schema()
	if d.Type == "multipart/form-data" && s != nil {
		d.Body = withFiles(d.Body, d.Op, s, m)
	}
	t.mine(d)
	for _, c := range t.learned(d.Op).fixes {
		t.fix(d, c, m)
	}
}

// mine fills in who logs in, and what one's own account holds already: a valid
// request that changes it must not lock the identity out that all others are
// sent as.
func (t *Trial) mine(d *Draft) {
	fields, ok := d.Body.(map[string]any)
	if !ok {
		return
	}
	if identity.LogsIn(d.Op) > 0 {
		who := d.Who
		if who.Login == nil {
			i := slices.IndexFunc(t.Identities, func(i *identity.Identity) bool { return i.Login != nil && i.Login.Password != "" })
			if i < 0 {
				return
			}
			who = t.Identities[i]
		}
		credentials(fields, who, identity.LoginField(d.Op))
		return
	}
	if identity.Reminds(d.Op) {
		// What is there for whoever has an account is asked for with one.
		if i := slices.IndexFunc(t.Identities, func(i *identity.Identity) bool { return i.Enrolled && i.Login != nil }); i >= 0 {
			credentials(fields, t.Identities[i], identity.LoginField(d.Op))
		}
		return
	}
	if d.Op.Writes() && d.Who.Login != nil && t.self(d) {
		credentials(fields, d.Who, "")
		if Password(d.Op) {
			fresh := ""
			for _, k := range sortedKeys(fields) {
				if identity.PasswordName(k) && !old(k) {
					if fresh == "" {
						fresh = t.Password("new " + d.Who.Name)
					}
					fields[k] = fresh
				}
			}
		}
	}
}

// old tells whether a field is the password before it is changed.
func old(name string) bool {
	lower := strings.ToLower(name)
	return strings.Contains(lower, "old") || strings.Contains(lower, "current") || strings.Contains(lower, "existing") || lower == "password"
}

func credentials(fields map[string]any, who *identity.Identity, login string) {
	for _, k := range sortedKeys(fields) {
		at := k
		if inner, ok := fields[k].(map[string]any); ok {
			name, rest, nested := strings.Cut(login, "/")
			if nested && name == k {
				credentials(inner, who, rest)
			} else if login == "" {
				credentials(inner, who, "")
			} else if nested {
				continue
			}
			continue
		}
		if _, ok := fields[k].(string); !ok && fields[k] != nil {
			continue
		}
		lower := strings.ToLower(at)
		switch {
		case identity.PasswordName(k) && who.Login.Password != "":
			fields[k] = who.Login.Password
		case k == login && who.Login.Username != "":
			fields[k] = who.Login.Username
			if strings.Contains(lower, "mail") && who.Email != "" {
				fields[k] = who.Email
			}
		case strings.Contains(lower, "email") && who.Email != "":
			fields[k] = who.Email
		case (lower == "username" || lower == "user_name" || lower == "login") && who.Username != "":
			fields[k] = who.Username
		}
	}
}

// self tells whether a draft is about the account of who sends it.
func (t *Trial) self(d *Draft) bool {
	if len(d.Op.PathParams()) == 0 {
		return Password(d.Op) || d.Op.Says("/me", "profile", "account", "/self", "settings", "whoami", "current")
	}
	return slices.ContainsFunc(d.Made, func(o *Object) bool { return o.Account && o.Of(d.Who) })
}

// Password tells whether an operation changes the password of who calls.
func Password(op *openapi.Operation) bool {
	return op.Writes() && len(op.Security) > 0 && op.Says("password", "passwd") && !op.Says("reset", "forgot", "recover")
}

// Ends tells whether a valid request ends the session or the account of who
// sends it, or makes its login another one.
func Ends(op *openapi.Operation) bool {
	if Password(op) || op.Says("logout", "log-out", "log_out", "signout", "sign-out", "sign_out") {
		return true
	}
	return op.Method == http.MethodDelete && len(op.PathParams()) == 0 && op.Says("/me", "profile", "account", "/self", "session") ||
		op.Writes() && op.Says("deactivate", "/me/delet", "/account/delet", "/profile/delet", "delete-account", "delete_account", "deleteaccount", "close-account", "close_account", "/me/close", "/account/close", "/me/revoke", "token/revoke", "revoke-token", "revoke_token")
}

// stand is who a request is sent as that ends a session: another session, or
// another user, in the place of the one that is in use.
func (t *Trial) stand(ctx context.Context, op *openapi.Operation, who *identity.Identity) (*identity.Identity, error) {
	if who.IsAnonymous() {
		return nil, reasonf("%s may take away what cannot be made again", op.Name())
	}
	spare, err := t.Spare(ctx)
	if err == nil {
		return spare, nil
	}
	if op.Says("logout", "log-out", "log_out", "signout", "sign-out", "sign_out") && who.Login != nil {
		again, err := who.Again(ctx, t.Client)
		if err != nil {
			return nil, reasonf("%s would end the session in use, and %v", op.Name(), err)
		}
		for name, value := range again.Secrets() {
			t.Hide(name+"_AGAIN", value)
		}
		return again, nil
	}
	return nil, reasonf("%s may take away what cannot be made again: %s", op.Name(), Reason(err))
}

// singular is the noun of a collection: categories, boxes, orders.
func singular(s string) string {
	for _, end := range []struct{ plural, one string }{{"ies", "y"}, {"sses", "ss"}, {"xes", "x"}, {"ches", "ch"}, {"shes", "sh"}, {"ss", "ss"}, {"s", ""}} {
		if rest, ok := strings.CutSuffix(s, end.plural); ok && len(rest) > 1 {
			return rest + end.one
		}
	}
	return s
}

// noun is a name for a comparison with others: order-items, orderItem.
func noun(s string) string {
	return singular(strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s)))
}

// nounOf is what a reference is to: product of product_id, productIds, id_of
// nothing else.
func nounOf(name string) (what string, many, ok bool) {
	for _, end := range []string{"_ids", "Ids", "IDs", "_id", "Id", "ID", "_uuid", "Uuid"} {
		if rest, cut := strings.CutSuffix(name, end); cut && rest != "" {
			return rest, strings.HasSuffix(strings.ToLower(end), "ids"), true
		}
	}
	return "", false, false
}

// collection is the operation of a method on the collection of a noun. What is
// made below something else alone is posted there.
func (t *Trial) collection(method, what string) *openapi.Operation {
	for w := noun(what); w != ""; {
		for _, op := range t.Operations {
			last := path.Base(strings.TrimSuffix(op.Path, "/"))
			if op.Method == method && !strings.Contains(op.Path, "{") && noun(last) == w && (method != http.MethodPost || makes(op)) {
				return op
			}
		}
		if op := t.nested(w); method == http.MethodPost && op != nil {
			return op
		}
		// parent_category is a category.
		i := strings.IndexByte(what, '_')
		if i < 0 {
			break
		}
		what = what[i+1:]
		w = noun(what)
	}
	return nil
}

// nested is the operation that makes what a noun names below an object of
// another kind: POST /orders/{id}/notes. There is none where the noun has a
// collection of its own: an order's items are no items of the shop.
func (t *Trial) nested(w string) *openapi.Operation {
	var found *openapi.Operation
	for _, op := range t.Operations {
		if noun(path.Base(strings.TrimSuffix(op.Path, "/"))) != w {
			continue
		}
		if !strings.Contains(op.Path, "{") && op.Method == http.MethodGet {
			return nil
		}
		if makes(op) && strings.Contains(op.Path, "{") && (found == nil || len(op.PathParams()) < len(found.PathParams())) {
			found = op
		}
	}
	return found
}
