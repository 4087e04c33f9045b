package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// A Login is a request that gives credentials.
type Login struct {
	// Method and Path of the request; POST when Method is empty.
	Method, Path string
	// Type of the body: JSON, or a form.
	Type string
	// Username and Password, and the fields that they are sent in.
	Username, Password           string
	UsernameField, PasswordField string
	// More are other fields that are sent.
	More map[string]string
	// Raw is the whole body, in place of the fields.
	Raw    string
	Header http.Header
	// Cookies tells that the response sets the credentials.
	Cookies bool
	// Extract is a JSON pointer into the response's body, or the name of a
	// header field when From is header.
	From, Extract string
	// SendIn is header (the default), query or cookie, SendName the name, and
	// Template what is sent, with {token} in it.
	SendIn, SendName, Template string
}

// read takes a raw body apart where it is nothing but texts, one of them a
// password and one who has it: other checks log in with others of these. One
// that holds anything else that may be a secret stays hidden as a whole.
func (l *Login) read() {
	fields := map[string]string{}
	if strings.HasPrefix(l.Type, formType) {
		form, err := url.ParseQuery(l.Raw)
		if err != nil {
			return
		}
		for k, vs := range form {
			if len(vs) != 1 {
				return
			}
			fields[k] = vs[0]
		}
	} else if dec := json.NewDecoder(strings.NewReader(l.Raw)); dec.Decode(&fields) != nil || dec.More() {
		return
	}
	password, username := "", ""
	for k := range fields {
		if PasswordName(k) {
			if password != "" {
				return
			}
			password = k
		}
	}
	for _, want := range loginNames() {
		for k := range fields {
			if username == "" && k != password && strings.EqualFold(k, want) {
				username = k
			}
		}
	}
	if password == "" || username == "" {
		return
	}
	more := maps.Clone(fields)
	delete(more, username)
	delete(more, password)
	for k := range more {
		if !slices.Contains([]string{"grant_type", "scope", "remember", "remember_me"}, k) {
			return
		}
	}
	l.Username, l.Password, l.UsernameField, l.PasswordField, l.Raw = fields[username], fields[password], username, password, ""
	l.More = more
}

// Request is the request that logs in.
func (l *Login) Request() *traffic.Request {
	r := &traffic.Request{Method: l.Method, Path: l.Path, Header: http.Header{}}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	for name, vs := range l.Header {
		r.Header[name] = slices.Clone(vs)
	}
	r.Header.Set("Accept", "application/json, */*;q=0.5")
	fields := map[string]string{}
	for k, v := range l.More {
		fields[k] = v
	}
	if l.UsernameField != "" {
		fields[l.UsernameField], fields[l.PasswordField] = l.Username, l.Password
	}
	form := url.Values{}
	for k, v := range fields {
		form.Set(k, v)
	}
	switch {
	case l.Raw != "":
		r.Body = []byte(l.Raw)
	case len(fields) == 0:
		return r
	case r.Method == http.MethodGet:
		sep := "?"
		if strings.Contains(r.Path, "?") {
			sep = "&"
		}
		r.Path += sep + form.Encode()
		return r
	case strings.HasPrefix(l.Type, formType):
		r.Body = []byte(form.Encode())
	default:
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(nested(fields)) // texts can be encoded
		r.Body = bytes.TrimRight(b.Bytes(), "\n")
	}
	if l.Type != "" {
		r.Header.Set("Content-Type", l.Type)
	}
	return r
}

// nested makes user.email a member of a member.
func nested(fields map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range fields {
		outer, inner, ok := strings.Cut(k, "/")
		if !ok {
			out[k] = v
			continue
		}
		m, _ := out[outer].(map[string]any)
		if m == nil {
			m = map[string]any{}
			out[outer] = m
		}
		m[inner] = v
	}
	return out
}

// LogIn gets credentials by the login, in the place of those that an earlier
// one gave. Without a login it does nothing. Its error holds no secret.
func (i *Identity) LogIn(ctx context.Context, client *traffic.Client) error {
	if i.Login == nil {
		return nil
	}
	_, err := i.logIn(ctx, client)
	return err
}

func (i *Identity) logIn(ctx context.Context, client *traffic.Client) (*traffic.Exchange, error) {
	l := i.Login
	r := l.Request()
	r.Certificate = i.Certificate
	e, err := client.SendLogin(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("%s cannot log in at %s: %w", i.Name, pathOf(l.Path), err)
	}
	// A form in a browser is answered with a redirect.
	if !e.OK() && (!l.Cookies || e.Status/100 != 3) {
		return nil, fmt.Errorf("%s cannot log in: %s %s answers %d", i.Name, r.Method, pathOf(l.Path), e.Status)
	}
	i.Header, i.Cookies, i.Query = i.fixed.header.Clone(), slices.Clone(i.fixed.cookies), cloneQuery(i.fixed.query)
	if i.Header == nil {
		i.Header = http.Header{}
	}
	if l.Cookies {
		got := cookies(e)
		if len(got) == 0 && l.Extract == "" {
			return nil, fmt.Errorf("%s cannot log in: the answer of %s sets no cookie", i.Name, pathOf(l.Path))
		}
		i.Cookies = append(i.Cookies, got...)
	}
	if l.Extract == "" {
		return e, nil
	}
	token := ""
	if l.From == "header" {
		token = e.Header.Get(l.Extract)
	} else {
		var body any
		dec := json.NewDecoder(bytes.NewReader(e.Body))
		dec.UseNumber()
		if dec.Decode(&body) == nil {
			token = scalar(at(body, l.Extract))
		}
	}
	if token == "" {
		return nil, fmt.Errorf("%s cannot log in: nothing is at %s in the answer of %s", i.Name, l.Extract, pathOf(l.Path))
	}
	if strings.ContainsAny(token, "\r\n\x00") {
		return nil, fmt.Errorf("%s cannot log in: the token has several lines", i.Name)
	}
	i.send(token)
	return e, nil
}

// send puts a token where the login says.
func (i *Identity) send(token string) {
	l := i.Login
	name, template := l.SendName, l.Template
	if name == "" {
		name, template = "Authorization", "Bearer {token}"
	}
	if template == "" {
		template = "{token}"
	}
	if l.From == "header" && strings.HasPrefix(strings.ToLower(token), "bearer ") {
		token = token[len("bearer "):]
	}
	value := strings.ReplaceAll(template, "{token}", token)
	switch l.SendIn {
	case "query":
		if i.Query == nil {
			i.Query = url.Values{}
		}
		i.Query.Set(name, value)
	case "cookie":
		i.Cookies = append(i.Cookies, cookie(name, value))
	default:
		i.Header.Set(name, value)
	}
}

// ErrNoLogin says that an identity has no way to log in again.
var ErrNoLogin = errors.New("it has credentials and no way to get others")

// Again is the same identity with a session of its own, so that ending that
// leaves the other one alone.
func (i *Identity) Again(ctx context.Context, client *traffic.Client) (*Identity, error) {
	if i.Login == nil {
		return nil, ErrNoLogin
	}
	c := i.Clone()
	if err := c.LogIn(ctx, client); err != nil {
		return nil, err
	}
	return c, nil
}

// A Grant is what the answer to a login says of the token in it (RFC 6749
// section 5.1).
type Grant struct {
	// Scopes that the token has, where Told.
	Scopes []string
	Told   bool
	// Lives is how long it is taken; 0 where that is not said.
	Lives time.Duration
}

// Granted is Again, and says what was granted. Scopes that are not nil are
// asked for in place of the login's own.
func (i *Identity) Granted(ctx context.Context, client *traffic.Client, wanted []string) (*Identity, Grant, error) {
	if i.Login == nil {
		return nil, Grant{}, ErrNoLogin
	}
	c := i.Clone()
	if wanted != nil {
		c.Login.More = maps.Clone(c.Login.More)
		if c.Login.More == nil {
			c.Login.More = map[string]string{}
		}
		delete(c.Login.More, "scope") // an empty one is malformed (RFC 6749 section 3.3)
		if len(wanted) > 0 {
			c.Login.More["scope"] = strings.Join(wanted, " ")
		}
	}
	e, err := c.logIn(ctx, client)
	if err != nil {
		return nil, Grant{}, err
	}
	var g Grant
	var answer map[string]any
	dec := json.NewDecoder(bytes.NewReader(e.Body))
	dec.UseNumber()
	if dec.Decode(&answer) == nil { // what is no JSON says nothing of it
		g.Scopes, g.Told = scopes(answer["scope"])
		g.Lives = seconds(answer["expires_in"])
	}
	return c, g, nil
}

// scopes are a list in one text, as RFC 6749 has it, or in JSON.
func scopes(v any) (list []string, ok bool) {
	switch v := v.(type) {
	case string:
		return strings.Fields(v), true
	case []any:
		for _, x := range v {
			list = append(list, scalar(x))
		}
		return list, true
	}
	return nil, false
}

// seconds is a number of them, if that is one.
func seconds(v any) time.Duration {
	n, err := strconv.ParseFloat(scalar(v), 64)
	if err != nil || n <= 0 || n > 1e9 {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

// cookie is one that is sent. Its attributes are for what a server sets.
func cookie(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value} //nolint:gosec // it is no Set-Cookie
}

// cookies are those that a response sets, without those that it deletes.
func cookies(e *traffic.Exchange) []*http.Cookie {
	var out []*http.Cookie
	for _, c := range (&http.Response{Header: e.Header}).Cookies() {
		if c.Value == "" || c.MaxAge < 0 {
			continue
		}
		out = slices.DeleteFunc(out, func(o *http.Cookie) bool { return o.Name == c.Name })
		out = append(out, cookie(c.Name, c.Value))
	}
	return out
}

// pathOf leaves the query away: it may hold a password.
func pathOf(p string) string { p, _, _ = strings.Cut(p, "?"); return p }

// at follows a JSON pointer (RFC 6901).
func at(v any, pointer string) any {
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(x) {
				return nil
			}
			v = x[n]
		default:
			return nil
		}
	}
	return v
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

func cloneQuery(q url.Values) url.Values {
	out := url.Values{}
	for k, v := range q {
		out[k] = slices.Clone(v)
	}
	return out
}
