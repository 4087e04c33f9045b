package identity

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/repair"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// An enrolment is how users of an API are registered and log in: found out by
// the first, and used again by the next.
type enrolment struct {
	doc      *openapi.Document
	seed     uint64
	register []*openapi.Operation // most likely first
	logins   []*openapi.Operation
	tokenURL string // of the document's password flow
}

func newEnrolment(client *traffic.Client, doc *openapi.Document, seed uint64) *enrolment {
	n := &enrolment{doc: doc, seed: seed}
	score := map[*openapi.Operation]int{}
	for _, op := range doc.Operations {
		if s := registers(op); s > 0 {
			score[op] = s
			n.register = append(n.register, op)
		}
		if s := LogsIn(op); s > 0 {
			score[op] = s
			n.logins = append(n.logins, op)
		}
	}
	for _, s := range doc.Sorted() {
		if p, ok := own(client.Base(), tokenPath(doc, s.TokenURL)); ok && s.TokenURL != "" {
			n.tokenURL = p
			break
		}
	}
	byScore := func(a, b *openapi.Operation) int { return score[b] - score[a] }
	slices.SortStableFunc(n.register, byScore)
	slices.SortStableFunc(n.logins, byScore)
	return n
}

// registers scores an operation as one that makes an account.
func registers(op *openapi.Operation) int {
	if op.Method != http.MethodPost || op.Secured() || len(op.Bodies) == 0 || len(op.PathParams()) > 0 || passwordField(op) == "" {
		return 0
	}
	if op.Says("login", "signin", "sign-in", "sign_in", "reset", "forgot", "recover", "change", "verify", "confirm", "invite", "refresh", "logout", "token") {
		return 0
	}
	switch {
	case op.Says("register", "registration", "signup", "sign-up", "sign_up", "enrol", "join"):
		return 3
	case op.Says("user", "account", "member", "customer"):
		return 2
	}
	return 0
}

// LogsIn scores an operation as one that takes a password and gives
// credentials; 0 is none.
func LogsIn(op *openapi.Operation) int {
	if op.Method != http.MethodPost || op.Secured() || len(op.Bodies) == 0 || len(op.PathParams()) > 0 || passwordField(op) == "" || LoginField(op) == "" {
		return 0
	}
	if op.Says("register", "registration", "signup", "sign-up", "sign_up", "reset", "forgot", "recover", "change", "refresh", "logout", "revoke", "create_user", "createuser") {
		return 0
	}
	switch {
	case op.Says("login", "log-in", "log_in", "signin", "sign-in", "sign_in", "authenticate"):
		return 3
	case op.Says("token", "session", "auth", "jwt"):
		return 2
	}
	return 0
}

// PasswordName tells whether a field is a password by its name.
func PasswordName(name string) bool { return values.PasswordName(name) }

// SetsPassword tells whether an operation may give a password to an account.
func SetsPassword(op *openapi.Operation) bool { return LogsIn(op) == 0 && passwordField(op) != "" }

// Reminds tells whether an operation is for who forgot a password: it sends a
// code, and takes none.
func Reminds(op *openapi.Operation) bool {
	return op.Method == http.MethodPost && !op.Secured() && op.Says("forgot", "recover", "reset") && !SetsPassword(op)
}

// members are a body's fields, and those of a member that holds them all
// (user/email).
func members(op *openapi.Operation) []string {
	if len(op.Bodies) == 0 || op.Bodies[0].Schema == nil {
		return nil
	}
	var out []string
	for _, p := range op.Bodies[0].Schema.All() {
		out = append(out, p.Name)
		if p.Schema != nil && p.Schema.Is("object") && len(p.Schema.Types) > 0 {
			for _, q := range p.Schema.All() {
				out = append(out, p.Name+"/"+q.Name)
			}
		}
	}
	return out
}

func passwordField(op *openapi.Operation) string {
	for _, m := range members(op) {
		if PasswordName(path.Base(m)) {
			return m
		}
	}
	return ""
}

// loginNames are what the field is called that says who logs in, the most usual
// first.
func loginNames() []string {
	return []string{"email", "username", "user_name", "login", "identifier", "email_address", "emailaddress", "user", "name", "phone", "userid", "user_id"}
}

// LoginField is the field that says who logs in.
func LoginField(op *openapi.Operation) string {
	all := members(op)
	for _, want := range loginNames() {
		for _, m := range all {
			if strings.EqualFold(path.Base(m), want) {
				return m
			}
		}
	}
	for _, m := range all {
		if lower := strings.ToLower(path.Base(m)); strings.Contains(lower, "email") || strings.Contains(lower, "user") {
			return m
		}
	}
	// By whatever name: a handle, a number of a customer.
	only := ""
	for _, m := range all {
		if PasswordName(path.Base(m)) || !textual(op, m) {
			continue
		}
		if only != "" {
			return ""
		}
		only = m
	}
	return only
}

// textual tells whether a member of a body, or one of a member's, is a text
// that must be there.
func textual(op *openapi.Operation, member string) bool {
	s := op.Bodies[0].Schema
	outer, inner, nested := strings.Cut(member, "/")
	if nested {
		if s = s.Property(outer); s == nil {
			return false
		}
		outer = inner
	}
	p := s.Property(outer)
	return p != nil && p.Is("string") && s.Needs(outer)
}

// Another registers one more user like this one, which can be locked out, or
// have its password changed, without harm to those in use.
func (i *Identity) Another(ctx context.Context, client *traffic.Client, name string) (*Identity, error) {
	if i.more == nil {
		return nil, ErrNoLogin
	}
	who, _, err := i.more.user(ctx, client, name, i.Role)
	return who, err
}

// taken is how APIs say that somebody has that address already: one that an
// earlier run registered with the same seed.
var taken = regexp.MustCompile(`(?i)exist|taken|already|duplicate|registered|in use|unique|conflict`)

// user registers a user and logs it in, as one of a kind where there are
// several.
func (n *enrolment) user(ctx context.Context, client *traffic.Client, name, kind string) (*Identity, string, error) {
	var last error
	for _, op := range n.register[:min(len(n.register), 3)] {
		for _, suffix := range suffixes(client) {
			who, conflict, err := n.try(ctx, client, op, name, suffix, kind)
			if err == nil {
				how := fmt.Sprintf("%s was registered by %s", name, op.Name())
				if who.Login != nil {
					how += " and logged in by " + who.Login.Method + " " + pathOf(who.Login.Path)
				}
				if who.trouble != "" {
					how += "; " + who.trouble
				}
				return who, how, nil
			}
			last = err
			if !conflict || ctx.Err() != nil {
				break
			}
		}
	}
	return nil, "", last
}

// suffixes are what names are made of besides, one after the other. The same
// seed makes the same user: one of an earlier run may be there, with the same
// password unless a check changed it. Where passwords have a part that is
// random, nobody of an earlier run can log in, and each run has names of its
// own.
func suffixes(client *traffic.Client) []string {
	run := " " + client.Run()
	if client.Secret() != "" {
		return []string{run, run + " 2", run + " 3"}
	}
	return []string{"", " 2", " 3", run}
}

// try registers one user by one operation. conflict tells that another name
// may do.
func (n *enrolment) try(ctx context.Context, client *traffic.Client, op *openapi.Operation, name, suffix, kind string) (who *Identity, conflict bool, err error) {
	who = &Identity{Name: name, Header: http.Header{}, Query: url.Values{}, Enrolled: true, Registered: op, more: n}
	var e *traffic.Exchange
	var fields map[string]any
	status := 0
	for _, how := range []values.How{values.Full, values.Least} {
		m := values.Private(n.seed, "enrol "+name+suffix, client.Secret())
		m.How = how
		body := op.Bodies[0]
		v := m.Value(body.Schema, "")
		var ok bool
		if fields, ok = v.(map[string]any); !ok {
			return nil, false, fmt.Errorf("%s takes no fields", op.Name())
		}
		who.Role = choose(fields, op, kind)
		for range 4 {
			samePasswords(fields)
			if e, err = client.Send(ctx, n.write(op, fields)); err != nil {
				return nil, false, err
			}
			status = e.Status
			if e.OK() || status >= 500 || status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound {
				break
			}
			changed := false
			for _, c := range repair.Read(e, repair.Names(body.Schema)) {
				if c.In == "body" && c.Kind != repair.Taken {
					changed = c.Body(fields, body.Schema, m) || changed
				}
			}
			if !changed {
				break
			}
		}
		if e.OK() || status == http.StatusConflict || taken.Match(e.Body) {
			break
		}
	}
	who.fields = flat(fields)
	who.Email, who.Username = named(fields, "email", "email_address", "emailaddress", "mail"), named(fields, "username", "user_name", "login", "handle", "nickname")
	password := ""
	for _, at := range slices.Sorted(maps.Keys(flat(fields))) {
		if PasswordName(path.Base(at)) {
			password = flat(fields)[at]
			break
		}
	}
	if !e.OK() {
		conflict = status == http.StatusConflict || status >= 500 || taken.Match(e.Body)
		err = fmt.Errorf("%s answers %d%s", op.Name(), status, said(e, password))
		if !conflict {
			return nil, false, err
		}
	}
	var body any
	dec := json.NewDecoder(bytes.NewReader(e.Body))
	dec.UseNumber()
	_ = dec.Decode(&body)
	if e.OK() {
		who.ID, who.Made = idOf(body), e
	}
	if n.basic() {
		user := who.Username
		fill(&user, who.Email)
		who.Login = nil
		who.hide("PASSWORD_"+variable(name), password)
		who.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
		who.keep()
		who.trouble = who.refused(ctx, client, n.doc)
		return who, conflict && who.trouble != "", errIf(who.trouble != "" && err != nil, err)
	}
	ok, refused := n.logIn(ctx, client, who, password)
	if ok {
		return who, false, nil
	}
	if refused != nil {
		return nil, false, refused
	}
	if !e.OK() {
		return nil, conflict, err
	}
	// Many log in whom they register.
	if n.settle(ctx, client, who, e, &Login{}) {
		who.Login = nil
		who.keep()
		who.hide("PASSWORD_"+variable(name), password)
		return who, false, nil
	}
	return nil, false, fmt.Errorf("%s registers, and no operation was found that logs in with the same password", op.Name())
}

func errIf(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

// said is the beginning of what a refusal says.
func said(e *traffic.Exchange, password string) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(e.Body), "")), " ")
	if text == "" || !strings.Contains(e.Type(), "json") || strings.Contains(text, "Pv7!") || password != "" && strings.Contains(text, password) {
		return "" // nothing, a page, or an echo of the password
	}
	return ": " + text[:min(len(text), 160)]
}

// write is the request of a body's fields.
func (n *enrolment) write(op *openapi.Operation, fields map[string]any) *traffic.Request {
	r := &traffic.Request{Method: op.Method, Path: n.doc.Base + op.Path, Header: http.Header{"Accept": {"application/json, */*;q=0.5"}}}
	kind := op.Bodies[0].Type
	r.Header.Set("Content-Type", kind)
	if kind == formType || kind == "multipart/form-data" {
		form := url.Values{}
		for k, v := range fields {
			if s, ok := v.(string); ok || v != nil {
				if !ok {
					s = fmt.Sprint(v)
				}
				form.Set(k, s)
			}
		}
		r.Header.Set("Content-Type", formType) // most take it in place of the other
		r.Body = []byte(form.Encode())
		return r
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(fields)
	r.Body = bytes.TrimRight(b.Bytes(), "\n")
	return r
}

// samePasswords makes all passwords of a body the first: password and
// password_confirmation.
func samePasswords(fields map[string]any) {
	first := ""
	var walk func(m map[string]any)
	walk = func(m map[string]any) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			switch v := m[k].(type) {
			case map[string]any:
				walk(v)
			case string:
				if !PasswordName(k) {
					continue
				}
				if first == "" {
					first = v
				}
				m[k] = first
			}
		}
	}
	walk(fields)
}

// flat are the texts of a body by where they are.
func flat(fields map[string]any) map[string]string {
	out := map[string]string{}
	for k, v := range fields {
		switch v := v.(type) {
		case string:
			out[k] = v
		case map[string]any:
			for inner, x := range v {
				if s, ok := x.(string); ok {
					out[k+"/"+inner] = s
				}
			}
		}
	}
	return out
}

func named(fields map[string]any, names ...string) string {
	texts := flat(fields)
	for _, want := range names {
		for _, at := range slices.Sorted(maps.Keys(texts)) {
			if strings.EqualFold(path.Base(at), want) {
				return texts[at]
			}
		}
	}
	return ""
}

// basic tells whether the API takes passwords with each request, and no
// tokens.
func (n *enrolment) basic() bool {
	basic := false
	for _, s := range n.doc.Sorted() {
		if s.Type != "http" || s.Scheme != "basic" {
			return false
		}
		basic = true
	}
	return basic
}

// A ThrottledError says that a new user cannot log in, as the logins before
// its own used up what is allowed.
type ThrottledError struct {
	// Login is the request that is answered with 429.
	Login *traffic.Request
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("the logins before its own used up what is allowed: %s %s answers 429", e.Login.Method, pathOf(e.Login.Path))
}

// logIn tries the operations that log in. Its error tells that one of them
// takes no more logins for now.
func (n *enrolment) logIn(ctx context.Context, client *traffic.Client, who *Identity, password string) (bool, error) {
	var throttled error
	for _, l := range n.ways(who, password) {
		// An e-mail address is taken for a username by many.
		for _, user := range n.callThem(who, l.UsernameField) {
			l := *l
			l.Username = user
			r := l.Request()
			e, err := client.SendLogin(ctx, r)
			if err != nil {
				return false, nil //nolint:nilerr // whoever called sees it by the next request
			}
			if e.Status == http.StatusTooManyRequests {
				throttled = &ThrottledError{Login: r}
			}
			if !e.OK() && e.Status/100 != 3 {
				continue
			}
			if n.settle(ctx, client, who, e, &l) {
				return true, nil
			}
		}
	}
	return false, throttled
}

func (n *enrolment) callThem(who *Identity, field string) []string {
	first, second := who.Username, who.Email
	if strings.Contains(strings.ToLower(field), "mail") {
		first, second = second, first
	}
	same := who.called(field)
	var out []string
	for _, s := range []string{same, first, second} {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// called is what an account was registered with, or given, by the name of a
// field.
func (i *Identity) called(field string) string {
	given := map[string]any{}
	if i.Made != nil {
		_ = json.Unmarshal(i.Made.Body, &given) // or it says nothing of the kind
	}
	for _, texts := range []map[string]string{i.fields, flat(given)} {
		for _, at := range slices.Sorted(maps.Keys(texts)) {
			if strings.EqualFold(path.Base(at), path.Base(field)) {
				return texts[at]
			}
		}
	}
	return ""
}

// ways are the logins that an API may have, most likely first.
func (n *enrolment) ways(who *Identity, password string) []*Login {
	var out []*Login
	if n.tokenURL != "" {
		out = append(out, &Login{
			Method: http.MethodPost, Path: n.tokenURL, Type: formType, UsernameField: "username", PasswordField: "password", Password: password,
			More: map[string]string{"grant_type": "password"},
		})
	}
	for _, op := range n.logins[:min(len(n.logins), 4)] {
		at := n.doc.Base + op.Path
		if at == n.tokenURL {
			continue
		}
		b := op.Bodies[0]
		l := &Login{Method: op.Method, Path: at, Type: b.Type, UsernameField: LoginField(op), PasswordField: passwordField(op), Password: password, More: map[string]string{}}
		m := values.New(n.seed, "login "+who.Name)
		m.How = values.Least
		fields, _ := m.Value(b.Schema, "").(map[string]any)
		for k, v := range flat(fields) {
			switch {
			case k == l.UsernameField || k == l.PasswordField:
			case strings.EqualFold(path.Base(k), "email"):
				l.More[k] = who.Email
			case strings.EqualFold(path.Base(k), "username"):
				l.More[k] = who.Username
			default:
				l.More[k] = v
			}
		}
		out = append(out, l)
	}
	return out
}

// settle makes an answer to a login the credentials of an identity: how they
// are sent is tried out where the document does not say.
func (n *enrolment) settle(ctx context.Context, client *traffic.Client, who *Identity, e *traffic.Exchange, l *Login) bool {
	var candidates []Login
	way := func(change func(*Login)) {
		c := *l
		change(&c)
		candidates = append(candidates, c)
	}
	from, at, token := tokenIn(e)
	withToken := func(in, name, template string) {
		if token == "" {
			return
		}
		way(func(c *Login) { c.From, c.Extract, c.SendIn, c.SendName, c.Template = from, at, in, name, template })
	}
	got := cookies(e)
	withCookies := func() {
		if len(got) > 0 {
			way(func(c *Login) { c.Cookies = true })
		}
	}
	for _, s := range n.doc.Sorted() {
		switch {
		case s.Type == "http" && s.Scheme == "bearer", s.Type == "oauth2", s.Type == "openIdConnect":
			withToken("header", "Authorization", "Bearer {token}")
		case s.Type == "apiKey" && s.In == "cookie":
			if slices.ContainsFunc(got, func(c *http.Cookie) bool { return c.Name == s.Key }) {
				withCookies()
			}
			withToken("cookie", s.Key, "{token}")
		case s.Type == "apiKey" && strings.EqualFold(s.Key, "Authorization"):
			withToken("header", "Authorization", "Bearer {token}")
			withToken("header", "Authorization", "{token}")
			withToken("header", "Authorization", "Token {token}")
		case s.Type == "apiKey":
			withToken(s.In, s.Key, "{token}")
		}
	}
	withToken("header", "Authorization", "Bearer {token}")
	withCookies()
	withToken("header", "Authorization", "Token {token}")
	check := whoami(n.doc)
	for i, c := range candidates {
		if i > 0 && slices.ContainsFunc(candidates[:i], func(o Login) bool {
			return o.SendIn == c.SendIn && o.SendName == c.SendName && o.Template == c.Template && o.Cookies == c.Cookies && o.Extract == c.Extract
		}) {
			continue
		}
		who.Header, who.Cookies, who.Query = http.Header{}, nil, url.Values{}
		who.Login = &c
		if c.Cookies {
			who.Cookies = got
		}
		if c.Extract != "" {
			who.send(token)
		}
		if check == nil {
			return true
		}
		answer, err := who.ask(ctx, client, n.doc, check)
		if err != nil {
			return false
		}
		if answer.Status != http.StatusUnauthorized && answer.Status != http.StatusForbidden {
			who.recognize(answer)
			return true
		}
		if i == 0 {
			who.trouble = fmt.Sprintf("%s answers %d to it", check.Name(), answer.Status)
		}
	}
	if len(candidates) == 0 {
		return false
	}
	// It is logged in, and what was asked may be for others: the first way is
	// what the document says.
	first := candidates[0]
	who.Header, who.Cookies, who.Query, who.Login = http.Header{}, nil, url.Values{}, &first
	if first.Cookies {
		who.Cookies = got
	}
	if first.Extract != "" {
		who.send(token)
	}
	return true
}

// recognize takes the id of an account that an earlier run registered from what
// it says of itself.
func (i *Identity) recognize(e *traffic.Exchange) {
	says := func(name string) bool { return name != "" && bytes.Contains(e.Body, []byte(name)) }
	if i.ID != "" || !e.OK() || !says(i.Email) && !says(i.Username) {
		return
	}
	var body any
	dec := json.NewDecoder(bytes.NewReader(e.Body))
	dec.UseNumber()
	if dec.Decode(&body) != nil {
		return
	}
	if id := idOf(body); id != "" {
		i.ID, i.Made = id, e
	}
}

// tokenIn finds a token in an answer, and where it is.
func tokenIn(e *traffic.Exchange) (from, pointer, token string) {
	var body any
	dec := json.NewDecoder(bytes.NewReader(e.Body))
	dec.UseNumber()
	if dec.Decode(&body) == nil {
		for _, want := range []string{"accesstoken", "token", "jwt", "access", "authtoken", "bearertoken", "idtoken", "sessiontoken", "bearer", "authorization", "apikey", "key", "sessionid", "session"} {
			if p, v := search(body, want, "", 0); v != "" {
				return "body", p, v
			}
		}
	}
	if v := e.Header.Get("Authorization"); v != "" {
		if strings.HasPrefix(strings.ToLower(v), "bearer ") {
			v = v[len("bearer "):]
		}
		return "header", "Authorization", v
	}
	for _, name := range []string{"X-Auth-Token", "X-Access-Token"} {
		if v := e.Header.Get(name); v != "" {
			return "header", name, v
		}
	}
	return "", "", ""
}

// search finds a member by its name, without - and _, nearest first.
func search(v any, want, at string, depth int) (pointer, token string) {
	m, ok := v.(map[string]any)
	if !ok || depth > 4 {
		return "", ""
	}
	names := slices.Sorted(maps.Keys(m))
	for _, k := range names {
		if s, ok := m[k].(string); ok && len(s) >= 8 && strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(k)) == want {
			return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(k), s
		}
	}
	for _, k := range names {
		if p, s := search(m[k], want, at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(k), depth+1); s != "" {
			return p, s
		}
	}
	return "", ""
}

// idOf is the id of the account in the answer to a registration.
func idOf(body any) string {
	m, _ := body.(map[string]any)
	for _, k := range []string{"id", "_id", "uuid", "user_id", "userId"} {
		if id := scalar(m[k]); id != "" {
			return id
		}
	}
	for _, k := range []string{"user", "data", "account", "result"} {
		if inner, ok := m[k].(map[string]any); ok {
			if id := idOf(inner); id != "" {
				return id
			}
		}
	}
	return ""
}
