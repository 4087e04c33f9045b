// Package identity is who a probe calls as: anonymous, users, roles.
//
// Users are given in the format of Web Fuzzing Commons' auth.yaml, which other
// testers of APIs read too, and what a probe needs to know besides:
//
//	auth:
//	  - name: alice
//	    loginEndpointAuth:
//	      payloadUserPwd: {username: alice, password: "${ALICE_PASSWORD}"}
//	  - name: bob                  # of the same role: who reads whose objects?
//	    oauth2: {username: bob, password: "file:secrets/bob"}
//	    owns: ["17"]               # where objects cannot be made
//	  - name: root
//	    role: admin
//	    fixedHeaders: [{name: Authorization, value: "Bearer ${ROOT_TOKEN}"}]
//	authTemplate:
//	  loginEndpointAuth:
//	    endpoint: /login
//	    verb: POST
//	    payloadUserPwd: {usernameField: user, passwordField: pass}
//	    token: {extractFrom: body, extractSelector: /access_token}
//
// Secrets are referred to, as ${NAME} of the environment or file:PATH:
// passwords, keys, raw payloads, and header fields that carry credentials by
// their name. Those that are written down are told of in a note. Without a file two users are registered, if
// strangers can be.
package identity

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// An Identity is one who calls. The zero value is anonymous.
type Identity struct {
	Name string
	// Role is what the identity may do, such as user or admin; empty is an
	// ordinary user.
	Role string
	// Tenant that it belongs to; empty means that there are none.
	Tenant string
	// Owns are ids of objects that are its own, for an API where none can be
	// created.
	Owns []string
	// Header, Cookies and Query are what is sent with each request.
	Header  http.Header
	Cookies []*http.Cookie
	Query   url.Values
	// Enrolled tells that the probe registered it, so that it may be changed
	// and locked out.
	Enrolled bool
	// Login is what it logs in with; nil when it has credentials already.
	Login *Login
	// Certificate is what it shows in the TLS handshake.
	Certificate *traffic.Certificate
	// ID of its own account, Email and Username, where they are known.
	ID, Email, Username string
	// Registered is the operation that made the account, when the probe did.
	Registered *openapi.Operation
	// Made is the answer to that.
	Made *traffic.Exchange

	fixed   fixed // what a login adds to
	hidden  []hidden
	more    *enrolment        // makes another like it
	fields  map[string]string // what it was registered with
	trouble string
}

// fixed are credentials that no login gave.
type fixed struct {
	header  http.Header
	cookies []*http.Cookie
	query   url.Values
}

// hidden is a secret that a variable of a name stands for.
type hidden struct{ name, value string }

func (i *Identity) hide(name, value string) { i.hidden = append(i.hidden, hidden{name, value}) }

// keep makes what is there what a login adds to.
func (i *Identity) keep() {
	i.fixed = fixed{i.Header.Clone(), slices.Clone(i.Cookies), cloneQuery(i.Query)}
}

// Clone is a copy that can be changed.
func (i *Identity) Clone() *Identity {
	c := *i
	c.Header, c.Cookies, c.Query = i.Header.Clone(), slices.Clone(i.Cookies), cloneQuery(i.Query)
	if i.Login != nil {
		l := *i.Login
		c.Login = &l
	}
	return &c
}

// Anonymous calls without credentials.
func Anonymous() *Identity { return &Identity{Name: "anonymous"} }

// IsAnonymous tells whether it has none.
func (i *Identity) IsAnonymous() bool {
	return len(i.Header) == 0 && len(i.Cookies) == 0 && len(i.Query) == 0 && i.Certificate == nil
}

// Admin tells whether its role is one of an administrator.
func (i *Identity) Admin() bool {
	role := strings.ToLower(i.Role)
	return slices.ContainsFunc([]string{"admin", "superuser", "root", "staff", "operator"}, func(w string) bool { return strings.Contains(role, w) })
}

// Apply puts the credentials into a request.
func (i *Identity) Apply(r *traffic.Request) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	for name, values := range i.Header {
		r.Header[name] = slices.Clone(values)
	}
	for _, c := range i.Cookies {
		old := r.Header.Get("Cookie")
		if old != "" {
			old += "; "
		}
		r.Header.Set("Cookie", old+c.Name+"="+c.Value)
	}
	if len(i.Query) > 0 {
		sep := "?"
		if strings.Contains(r.Path, "?") {
			sep = "&"
		}
		r.Path += sep + i.Query.Encode()
	}
	r.Certificate = i.Certificate
}

// Secrets are the values that are never shown, by the variables that stand for
// them: TOKEN_ALICE.
func (i *Identity) Secrets() traffic.Secrets {
	out := traffic.Secrets{}
	name := "TOKEN_" + variable(i.Name)
	add := func(value string) {
		if value == "" {
			return
		}
		for _, v := range out {
			if v == value {
				return // it has a name
			}
		}
		key := name
		for n := 2; out[key] != "" && out[key] != value; n++ {
			key = name + "_" + string(rune('0'+n))
		}
		out[key] = value
	}
	for n, h := range i.hidden {
		switch {
		case h.value == "":
		case h.name != "":
			out[h.name] = h.value
		default:
			out[fmt.Sprintf("SECRET_%s_%d", variable(i.Name), n+1)] = h.value
		}
	}
	for _, field := range slices.Sorted(maps.Keys(i.Header)) {
		if !secretField(field) {
			continue // X-Tenant: acme
		}
		for _, v := range i.Header[field] {
			_, token, ok := strings.Cut(v, " ")
			if !ok {
				token = v
			}
			add(token)
		}
	}
	for _, c := range i.Cookies {
		add(c.Value)
	}
	for _, field := range slices.Sorted(maps.Keys(i.Query)) {
		for _, v := range i.Query[field] {
			add(v)
		}
	}
	if i.Login != nil {
		name = "PASSWORD_" + variable(i.Name)
		add(i.Login.Password)
	}
	return out
}

// secretField tells whether a header field carries credentials by its name.
func secretField(name string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "cookie", "token", "key", "secret", "session", "password", "credential", "signature", "jwt"}, func(w string) bool { return strings.Contains(lower, w) })
}

// variable is a name of a shell's variable.
func variable(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}
