package identity

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// The format is auth.yaml of Web Fuzzing Commons, and what a probe needs to
// know besides: role, tenant, owns, and shorter ways to say the usual.
type authFile struct {
	SchemaVersion string            `yaml:"schemaVersion"`
	Auth          []*entry          `yaml:"auth"`
	AuthTemplate  *entry            `yaml:"authTemplate"`
	Configs       map[string]string `yaml:"configs"` // of other tools
}

type entry struct {
	Name                string         `yaml:"name"`
	RequireMockHandling bool           `yaml:"requireMockHandling"` // of other tools
	FixedHeaders        []header       `yaml:"fixedHeaders"`
	Login               *loginEndpoint `yaml:"loginEndpointAuth"`

	Role   string   `yaml:"role"`
	Tenant string   `yaml:"tenant"`
	Owns   []string `yaml:"owns"`
	APIKey *apiKey  `yaml:"apiKey"`
	Basic  *userPwd `yaml:"basic"`
	OAuth2 *oauth2  `yaml:"oauth2"`
	MTLS   *mtls    `yaml:"mtls"`
}

type header struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

type loginEndpoint struct {
	Endpoint    string   `yaml:"endpoint"`
	External    string   `yaml:"externalEndpointURL"`
	Raw         string   `yaml:"payloadRaw"`
	UserPwd     *userPwd `yaml:"payloadUserPwd"`
	Headers     []header `yaml:"headers"`
	Verb        string   `yaml:"verb"`
	ContentType string   `yaml:"contentType"`
	Token       *token   `yaml:"token"`
	Cookies     *bool    `yaml:"expectCookies"`
}

type userPwd struct {
	Username      string `yaml:"username"`
	Password      string `yaml:"password"`
	UsernameField string `yaml:"usernameField"`
	PasswordField string `yaml:"passwordField"`
}

type token struct {
	From     string `yaml:"extractFrom"`
	Selector string `yaml:"extractSelector"`
	SendIn   string `yaml:"sendIn"`
	SendName string `yaml:"sendName"`
	Template string `yaml:"sendTemplate"`
	// Those of older versions.
	FromField  string `yaml:"extractFromField"`
	FromHeader string `yaml:"extractFromHeader"`
	HeaderName string `yaml:"httpHeaderName"`
	Prefix     string `yaml:"headerPrefix"`
	Postfix    string `yaml:"headerPostfix"`
}

// apiKey is sent where the document's scheme of type apiKey wants it, unless
// it says where.
type apiKey struct {
	Value string `yaml:"value"`
	In    string `yaml:"in"`
	Name  string `yaml:"name"`
}

// UnmarshalYAML takes the value alone, too.
func (k *apiKey) UnmarshalYAML(read func(any) error) error {
	if read(&k.Value) == nil {
		return nil
	}
	type plain apiKey
	return read((*plain)(k))
}

// oauth2 is the password flow (RFC 6749 section 4.3), which is what FastAPI
// and others declare.
type oauth2 struct {
	Username     string `yaml:"username"`
	Password     string `yaml:"password"`
	TokenURL     string `yaml:"tokenUrl"`
	ClientID     string `yaml:"clientId"`
	ClientSecret string `yaml:"clientSecret"`
	Scope        string `yaml:"scope"`
}

type mtls struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// maxAuth bounds a file, and maxSecret a secret.
const (
	maxAuth   = 1 << 20
	maxSecret = 64 << 10
)

// read decodes a file strictly: a key that is misspelt would silently make a
// user who is not logged in.
func read(data []byte) (f *authFile, tree *ast.File, err error) {
	defer func() {
		if recover() != nil { // the library's, on some malformed tags
			f, tree, err = nil, nil, errors.New("it is not YAML that can be read")
		}
	}()
	if len(data) > maxAuth {
		return nil, nil, fmt.Errorf("it is larger than %d KB", maxAuth>>10)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	f = &authFile{}
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := dec.Decode(f); err != nil && !errors.Is(err, io.EOF) {
		// Without the source: secrets may be in it.
		return nil, nil, errors.New(yaml.FormatError(err, false, false))
	}
	tree, err = parser.ParseBytes(data, 0)
	if err != nil {
		return nil, nil, errors.New(yaml.FormatError(err, false, false))
	}
	if len(f.Auth) == 0 {
		return nil, nil, errors.New(`it lists nobody under "auth"`)
	}
	return f, tree, nil
}

// fromFile makes the identities of a file, and does not log them in.
func fromFile(data []byte, doc *openapi.Document, base *url.URL, env func(string) (string, bool)) (who []*Identity, notes []string, err error) {
	f, tree, err := read(data)
	if err != nil {
		return nil, nil, fmt.Errorf("the file of identities: %w", err)
	}
	r := &reader{doc: doc, base: base, env: env, tree: tree}
	var out []*Identity
	for n, e := range f.Auth {
		r.at, r.label = fmt.Sprintf("$.auth[%d]", n), fmt.Sprintf("auth[%d]", n)
		if e == nil {
			r.problem("", "says nothing")
			continue
		}
		r.template(e, f.AuthTemplate)
		if e.Name != "" {
			r.label = e.Name
		}
		switch {
		case e.Name == "":
			r.problem("", "has no name")
		case slices.ContainsFunc(out, func(i *Identity) bool { return variable(i.Name) == variable(e.Name) }):
			r.problem(".name", "is a name that another one has")
		case strings.EqualFold(e.Name, "anonymous"):
			r.problem(".name", "is who has no credentials")
		}
		out = append(out, r.identity(e))
	}
	if len(r.problems) > 0 {
		return nil, nil, fmt.Errorf("the file of identities: %w", errors.Join(r.problems...))
	}
	return out, r.written, nil
}

type reader struct {
	doc       *openapi.Document
	base      *url.URL
	env       func(string) (string, bool)
	tree      *ast.File
	at, label string
	problems  []error
	written   []string // secrets that stand in the file, for a note
	who       *Identity
}

// problem notes what is wrong, with the line if it is in the entry itself.
func (r *reader) problem(where, format string, args ...any) {
	line := ""
	for path := r.at + where; path != "" && path != "$"; path = path[:max(0, strings.LastIndexByte(path, '.'))] {
		p, err := yaml.PathString(path)
		if err != nil || len(r.tree.Docs) == 0 {
			break
		}
		if n, err := p.FilterFile(r.tree); err == nil && n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
			line = fmt.Sprintf("[%d:%d] ", n.GetToken().Position.Line, n.GetToken().Position.Column)
			break
		}
	}
	name := strings.TrimPrefix(where, ".")
	if name != "" {
		name = ": " + name
	}
	r.problems = append(r.problems, fmt.Errorf("%s%s%s %s", line, r.label, name, fmt.Sprintf(format, args...)))
}

// template fills in what an entry does not say.
func (r *reader) template(e, t *entry) {
	if t == nil {
		return
	}
	if t.Name != "" {
		r.problem("", "gets its name from authTemplate: names are each one's own")
	}
	if e.FixedHeaders == nil {
		e.FixedHeaders = t.FixedHeaders
	}
	fill(&e.Role, t.Role)
	fill(&e.Tenant, t.Tenant)
	e.RequireMockHandling = e.RequireMockHandling || t.RequireMockHandling
	if e.Owns == nil {
		e.Owns = t.Owns
	}
	if t.APIKey != nil {
		e.APIKey = or(e.APIKey)
		fill(&e.APIKey.Value, t.APIKey.Value)
		fill(&e.APIKey.In, t.APIKey.In)
		fill(&e.APIKey.Name, t.APIKey.Name)
	}
	if t.Basic != nil {
		e.Basic = or(e.Basic)
		e.Basic.from(t.Basic)
	}
	if t.OAuth2 != nil {
		e.OAuth2 = or(e.OAuth2)
		fill(&e.OAuth2.Username, t.OAuth2.Username)
		fill(&e.OAuth2.Password, t.OAuth2.Password)
		fill(&e.OAuth2.TokenURL, t.OAuth2.TokenURL)
		fill(&e.OAuth2.ClientID, t.OAuth2.ClientID)
		fill(&e.OAuth2.ClientSecret, t.OAuth2.ClientSecret)
		fill(&e.OAuth2.Scope, t.OAuth2.Scope)
	}
	if t.MTLS != nil {
		e.MTLS = or(e.MTLS)
		fill(&e.MTLS.Cert, t.MTLS.Cert)
		fill(&e.MTLS.Key, t.MTLS.Key)
	}
	if t.Login != nil {
		e.Login = or(e.Login)
		e.Login.from(t.Login)
	}
}

func (l *loginEndpoint) from(t *loginEndpoint) {
	if l.Endpoint == "" && l.External == "" {
		l.Endpoint, l.External = t.Endpoint, t.External
	}
	if l.Raw == "" && l.UserPwd == nil {
		fill(&l.Raw, t.Raw)
	}
	if t.UserPwd != nil && l.Raw == "" {
		l.UserPwd = or(l.UserPwd)
		l.UserPwd.from(t.UserPwd)
	}
	if l.Headers == nil {
		l.Headers = t.Headers
	}
	fill(&l.Verb, t.Verb)
	fill(&l.ContentType, t.ContentType)
	if l.Cookies == nil {
		l.Cookies = t.Cookies
	}
	if t.Token != nil {
		l.Token = or(l.Token)
		l.Token.fill(t.Token)
	}
}

func (k *token) fill(t *token) {
	fill(&k.From, t.From)
	fill(&k.Selector, t.Selector)
	fill(&k.SendIn, t.SendIn)
	fill(&k.SendName, t.SendName)
	fill(&k.Template, t.Template)
	fill(&k.FromField, t.FromField)
	fill(&k.FromHeader, t.FromHeader)
	fill(&k.HeaderName, t.HeaderName)
	fill(&k.Prefix, t.Prefix)
	fill(&k.Postfix, t.Postfix)
}

func (u *userPwd) from(t *userPwd) {
	fill(&u.Username, t.Username)
	fill(&u.Password, t.Password)
	fill(&u.UsernameField, t.UsernameField)
	fill(&u.PasswordField, t.PasswordField)
}

func fill(to *string, from string) {
	if *to == "" {
		*to = from
	}
}

func or[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

func (r *reader) identity(e *entry) *Identity {
	who := &Identity{Name: e.Name, Role: e.Role, Tenant: e.Tenant, Owns: e.Owns, Header: http.Header{}, Query: url.Values{}}
	r.who = who
	ways := 0
	for n, h := range e.FixedHeaders {
		at := fmt.Sprintf(".fixedHeaders[%d]", n)
		who.Header[http.CanonicalHeaderKey(r.fieldName(at, h.Name))] = []string{r.header(at, h)}
		ways++
	}
	if e.APIKey != nil {
		r.apiKey(e.APIKey)
		ways++
	}
	if e.Basic != nil {
		if e.Basic.Username == "" || e.Basic.UsernameField != "" || e.Basic.PasswordField != "" {
			r.problem(".basic", "wants username and password, and nothing else")
		}
		user, password := r.value(".basic.username", e.Basic.Username, false), r.value(".basic.password", e.Basic.Password, true)
		who.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
		ways++
	}
	if e.MTLS != nil {
		cert, err := traffic.LoadCertificate(variable(e.Name), e.MTLS.Cert, e.MTLS.Key)
		if err != nil {
			r.problem(".mtls", "%v", err)
		}
		who.Certificate = cert
		ways++
	}
	switch {
	case e.Login != nil && e.OAuth2 != nil:
		r.problem(".oauth2", "and loginEndpointAuth are two logins: give one")
	case e.Login != nil:
		who.Login = r.login(e.Login)
		ways++
	case e.OAuth2 != nil:
		who.Login = r.oauth2(e.OAuth2)
		ways++
	}
	if ways == 0 {
		r.problem("", "has no credentials: give fixedHeaders, loginEndpointAuth, apiKey, basic, oauth2 or mtls")
	}
	who.keep()
	return who
}

func (r *reader) apiKey(k *apiKey) {
	value := r.value(".apiKey.value", k.Value, true)
	in, name := k.In, k.Name
	if in == "" && name == "" {
		for _, s := range r.doc.Sorted() {
			if s.Type == "apiKey" {
				in, name = s.In, s.Key
				break
			}
		}
		if name == "" {
			r.problem(".apiKey", "is sent nowhere: the document has no scheme of type apiKey; say in: header and name")
			return
		}
	}
	r.put(".apiKey", in, r.fieldName(".apiKey.name", name), value)
}

// put sets a credential that is sent with each request.
func (r *reader) put(where, in, name, value string) {
	switch in {
	case "", "header":
		r.who.Header.Set(name, value)
	case "query":
		r.who.Query.Set(name, value)
	case "cookie":
		r.who.Cookies = append(r.who.Cookies, cookie(name, value))
	default:
		r.problem(where, "is sent in header, query or cookie, and not in %q", in)
	}
}

func (r *reader) oauth2(o *oauth2) *Login {
	target := o.TokenURL
	if target == "" {
		for _, s := range r.doc.Sorted() {
			if s.TokenURL != "" {
				target = s.TokenURL
				break
			}
		}
	}
	if target == "" {
		r.problem(".oauth2", "has no tokenUrl, and the document declares none")
	}
	l := &Login{
		Method: http.MethodPost, Path: r.local(".oauth2.tokenUrl", tokenPath(r.doc, target)), Type: formType, UsernameField: "username", PasswordField: "password",
		Username: r.value(".oauth2.username", o.Username, false), Password: r.value(".oauth2.password", o.Password, true),
		More: map[string]string{"grant_type": "password"}, Extract: "/access_token",
	}
	if o.Scope != "" {
		l.More["scope"] = o.Scope
	}
	if o.ClientID != "" {
		l.More["client_id"] = r.value(".oauth2.clientId", o.ClientID, false)
	}
	if o.ClientSecret != "" {
		l.More["client_secret"] = r.value(".oauth2.clientSecret", o.ClientSecret, true)
	}
	return l
}

func (r *reader) login(e *loginEndpoint) *Login {
	l := &Login{Method: strings.ToUpper(e.Verb), Type: e.ContentType, Header: http.Header{}}
	switch l.Method {
	case "":
		l.Method = http.MethodPost
	case http.MethodPost, http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		r.problem(".loginEndpointAuth.verb", "is POST, GET, PUT, PATCH or DELETE")
	}
	switch {
	case e.External != "" && e.Endpoint != "":
		r.problem(".loginEndpointAuth", "has endpoint and externalEndpointURL: give one")
	case e.External != "":
		l.Path = r.local(".loginEndpointAuth.externalEndpointURL", e.External)
	case !strings.HasPrefix(e.Endpoint, "/"):
		r.problem(".loginEndpointAuth.endpoint", "is a path that begins with /")
	default:
		l.Path = e.Endpoint
	}
	for n, h := range e.Headers {
		at := fmt.Sprintf(".loginEndpointAuth.headers[%d]", n)
		l.Header[http.CanonicalHeaderKey(r.fieldName(at, h.Name))] = []string{r.header(at, h)}
	}
	switch {
	case e.Raw != "" && e.UserPwd != nil:
		r.problem(".loginEndpointAuth", "has payloadRaw and payloadUserPwd: give one")
	case e.Raw != "":
		// A payload that logs in holds what must not be written down.
		l.Raw = r.value(".loginEndpointAuth.payloadRaw", e.Raw, true)
		l.read()
	case e.UserPwd != nil:
		at := ".loginEndpointAuth.payloadUserPwd"
		u := e.UserPwd
		if u.Username == "" || u.UsernameField == "" || u.PasswordField == "" {
			r.problem(at, "wants username, usernameField, password and passwordField")
		}
		l.Username, l.Password = r.value(at+".username", u.Username, false), r.value(at+".password", u.Password, true)
		l.UsernameField, l.PasswordField = u.UsernameField, u.PasswordField
	}
	if l.Type == "" && (l.Raw != "" || l.UsernameField != "") {
		l.Type = jsonType
	}
	l.Cookies = e.Cookies != nil && *e.Cookies
	r.token(l, e.Token)
	return l
}

// token says where the token is taken from and how it is sent, in the words of
// either version of the format.
func (r *reader) token(l *Login, k *token) {
	at := ".loginEndpointAuth.token"
	switch {
	case k == nil && !l.Cookies:
		r.problem(".loginEndpointAuth", "says neither token nor expectCookies: how the credentials come back")
		return
	case k == nil:
		return
	}
	newer := k.From != "" || k.Selector != "" || k.SendIn != "" || k.SendName != "" || k.Template != ""
	older := k.FromField != "" || k.FromHeader != "" || k.HeaderName != "" || k.Prefix != "" || k.Postfix != ""
	if newer && older {
		r.problem(at, "mixes extractFrom, extractSelector and send… with extractFromField and header… of older versions")
		return
	}
	if older {
		l.From, l.Extract = "body", k.FromField
		if k.FromHeader != "" {
			l.From, l.Extract = "header", k.FromHeader
		}
		l.SendIn, l.SendName, l.Template = "header", k.HeaderName, k.Prefix+"{token}"+k.Postfix
	} else {
		l.From, l.Extract, l.SendIn, l.SendName, l.Template = k.From, k.Selector, k.SendIn, k.SendName, k.Template
	}
	if l.From == "" {
		l.From = "body"
	}
	if l.SendIn == "" {
		l.SendIn = "header"
	}
	if l.SendName == "" && l.SendIn == "header" {
		l.SendName = "Authorization"
		fill(&l.Template, "Bearer {token}")
	}
	fill(&l.Template, "{token}")
	switch {
	case l.From != "body" && l.From != "header":
		r.problem(at+".extractFrom", "is body or header")
	case l.Extract == "":
		r.problem(at+".extractSelector", "is missing: a JSON pointer into the answer, or the name of its header field")
	case l.From == "body" && !strings.HasPrefix(l.Extract, "/"):
		r.problem(at+".extractSelector", "is a JSON pointer, which begins with / (RFC 6901)")
	case !slices.Contains([]string{"header", "query", "cookie"}, l.SendIn):
		r.problem(at+".sendIn", "is header, query or cookie")
	case l.SendName == "":
		r.problem(at+".sendName", "is missing")
	case !strings.Contains(l.Template, "{token}"):
		r.problem(at+".sendTemplate", "has no {token} in it")
	}
}

var fieldNames = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$") // RFC 9110 section 5.6.2

func (r *reader) fieldName(where, name string) string {
	if !fieldNames.MatchString(name) {
		r.problem(where, "has a name that no header field may have")
	}
	return name
}

// header is a field's value. One that carries credentials by its name is a
// secret; X-Tenant: acme is none.
func (r *reader) header(where string, h header) string {
	v := r.value(where+".value", h.Value, secretField(h.Name))
	if strings.ContainsAny(v, "\r\n\x00") {
		r.problem(where, "has a value of several lines")
	}
	return v
}

var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// value reads what a text refers to: ${NAME} anywhere in it is a variable of
// the environment, file:PATH as a whole is what a file holds, without the last
// line's end. A secret that is written down is taken, since other tools write such
// files, and it is told of: the file would be committed one day.
func (r *reader) value(where, text string, secret bool) string {
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		f, err := os.Open(path)
		if err != nil {
			r.problem(where, "cannot be read: %v", err)
			return ""
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
		if err != nil || len(data) > maxSecret {
			r.problem(where, "cannot be read from %s: it is larger than %d KB, or no file", path, maxSecret>>10)
			return ""
		}
		v := strings.TrimRight(string(data), "\r\n")
		if v == "" {
			r.problem(where, "is empty in %s", path)
		}
		r.who.hide("", v)
		return v
	}
	if secret && !reference.MatchString(text) {
		if text == "" {
			r.problem(where, "is missing: give it as ${NAME} or file:PATH")
			return ""
		}
		r.written = append(r.written, fmt.Sprintf("%s: %s is written down in the file: give it as ${NAME} or file:PATH, so that it is not committed", r.label, strings.TrimPrefix(where, ".")))
		// Of a field such as Authorization: Bearer TOKEN the last word.
		r.who.hide("", text[strings.LastIndexByte(text, ' ')+1:])
		return text
	}
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		name := ref[2 : len(ref)-1]
		v, ok := r.env(name)
		if !ok || v == "" {
			r.problem(where, "refers to %s, and there is no such variable, or it is empty", ref)
		}
		if secret {
			r.who.hide(name, v)
		}
		return v
	})
}

// local is the path of a URL that must be the API's own: credentials are sent
// to no other host than the one that is tested.
func (r *reader) local(where, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		r.problem(where, "is no URL")
		return ""
	}
	if u.Host != "" && (!strings.EqualFold(u.Host, r.base.Host) || u.Scheme != r.base.Scheme) {
		r.problem(where, "is of %s, and credentials are sent to %s alone, which is tested: log in there yourself, and give the token as fixedHeaders with ${NAME}", u.Host, r.base.Host)
		return ""
	}
	return "/" + strings.TrimPrefix(u.RequestURI(), "/")
}

// tokenPath is where a token URL of the document leads; a relative one is
// below the API's own root.
func tokenPath(doc *openapi.Document, target string) string {
	if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "/") {
		return target
	}
	return doc.Base + "/" + strings.TrimPrefix(target, "./")
}
