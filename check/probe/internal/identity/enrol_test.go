package identity

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// users is an API's memory of them, by name.
type users struct {
	sync.Mutex
	all map[string]map[string]any
	n   int
}

func fields(r *http.Request) map[string]any {
	var in map[string]any
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		return map[string]any{}
	}
	return in
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// add registers by a key; it is false when that is taken.
func (u *users) add(key string, in map[string]any) (int, bool) {
	u.Lock()
	defer u.Unlock()
	if u.all == nil {
		u.all = map[string]map[string]any{}
	}
	if _, there := u.all[key]; there || key == "" || key == "<nil>" {
		return 0, false
	}
	u.n++
	in["id"] = u.n
	u.all[key] = in
	return u.n, true
}

func (u *users) is(key string, password any) bool {
	u.Lock()
	defer u.Unlock()
	return u.all[key] != nil && u.all[key]["password"] == password && password != ""
}

func str(v any) string { return fmt.Sprint(v) }

const bearer = `"components": {"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}}`

func op(security bool, body string) string {
	s := `"security": []`
	if security {
		s = `"security": [{"b": []}]`
	}
	if body != "" {
		s += `, "requestBody": {"required": true, "content": {` + body + `}}`
	}
	return `{` + s + `, "responses": {"200": {}}}`
}

func jsonBody(required, properties string) string {
	return `"application/json": {"schema": {"type": "object", "required": [` + required + `], "properties": {` + properties + `}}}`
}

func TestEnrol(t *testing.T) {
	text := `{"type": "string"}`
	for name, api := range map[string]struct {
		doc    string
		routes func(mux *http.ServeMux, u *users)
		want   string // what a request of user-a carries, without what differs
	}{
		"e-mail and JSON": {
			`"/api/auth/register": {"post": ` + op(false, jsonBody(`"email","password","password_confirmation"`, `"email": {"type": "string", "format": "email"}, "password": `+text+`, "password_confirmation": `+text+`, "role": `+text)) + `},
			 "/api/auth/login": {"post": ` + op(false, jsonBody(`"email","password"`, `"email": `+text+`, "password": `+text)) + `},
			 "/api/auth/forgot-password": {"post": ` + op(false, jsonBody(`"email"`, `"email": `+text)) + `}`,
			func(mux *http.ServeMux, u *users) {
				mux.HandleFunc("POST /api/auth/register", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					if in["password"] != in["password_confirmation"] || in["role"] != nil {
						say(w, 400, map[string]any{"message": "the passwords differ"})
						return
					}
					id, ok := u.add(str(in["email"]), in)
					if !ok {
						say(w, 400, map[string]any{"message": "this e-mail is already in use"})
						return
					}
					say(w, 201, map[string]any{"data": map[string]any{"id": id}})
				})
				mux.HandleFunc("POST /api/auth/login", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					if !u.is(str(in["email"]), in["password"]) {
						say(w, 401, nil)
						return
					}
					say(w, 200, map[string]any{"data": map[string]any{"tokens": map[string]any{"accessToken": "token-of-" + str(in["email"])}}})
				})
			},
			"Authorization: Bearer token-of-",
		},
		"a name of another kind": {
			`"/register": {"post": ` + op(false, jsonBody(`"handle","email","password"`, `"handle": `+text+`, "email": `+text+`, "password": `+text)) + `},
			 "/login": {"post": ` + op(false, jsonBody(`"handle","password"`, `"handle": `+text+`, "password": `+text+`, "device": `+text)) + `}`,
			func(mux *http.ServeMux, u *users) {
				mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					if _, ok := u.add(str(in["handle"]), in); !ok {
						say(w, 409, nil)
						return
					}
					say(w, 201, nil)
				})
				mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					if !u.is(str(in["handle"]), in["password"]) {
						say(w, 401, nil)
						return
					}
					say(w, 200, map[string]any{"refresh": "refresh-of-" + str(in["handle"]), "access": "token-of-" + str(in["handle"])})
				})
			},
			"Authorization: Bearer token-of-",
		},
		"a number that the API gives": {
			`"/register": {"post": ` + op(false, jsonBody(`"name","password"`, `"name": `+text+`, "password": `+text)) + `},
			 "/login": {"post": ` + op(false, jsonBody(`"customer_number","password"`, `"customer_number": `+text+`, "password": `+text)) + `}`,
			func(mux *http.ServeMux, u *users) {
				mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					number := "C-" + str(in["name"])
					if _, ok := u.add(number, in); !ok {
						say(w, 409, nil)
						return
					}
					say(w, 201, map[string]any{"customer": map[string]any{"customer_number": number}})
				})
				mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					if !u.is(str(in["customer_number"]), in["password"]) {
						say(w, 401, nil)
						return
					}
					say(w, 200, map[string]any{"token": "token-of-" + str(in["customer_number"])})
				})
			},
			"Authorization: Bearer token-of-",
		},
		"form with a username, rules that no document holds": {
			`"/users": {"post": ` + op(false, jsonBody(`"username","password"`, `"username": `+text+`, "password": `+text)) + `},
			 "/token": {"post": ` + op(false, `"application/x-www-form-urlencoded": {"schema": {"type": "object", "required": ["username", "password"], "properties": {"username": `+text+`, "password": `+text+`, "grant_type": {"const": "password"}}}}`) + `}`,
			func(mux *http.ServeMux, u *users) {
				mux.HandleFunc("POST /users", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					if in["full_name"] == nil {
						say(w, 422, map[string]any{"detail": []any{map[string]any{"loc": []any{"body", "full_name"}, "type": "missing", "msg": "Field required"}}})
						return
					}
					if len(str(in["username"])) > 8 {
						say(w, 422, map[string]any{"detail": []any{map[string]any{"loc": []any{"body", "username"}, "type": "string_too_long", "msg": "long", "ctx": map[string]any{"max_length": 8}}}})
						return
					}
					if _, ok := u.add(str(in["username"]), in); !ok {
						say(w, 409, nil)
						return
					}
					w.WriteHeader(201)
				})
				mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
					if !u.is(r.FormValue("username"), r.FormValue("password")) {
						say(w, 400, nil)
						return
					}
					say(w, 200, map[string]any{"access_token": "token-of-" + r.FormValue("username")})
				})
			},
			"Authorization: Bearer token-of-",
		},
		"all in a member, and another scheme": {
			`"/users": {"post": ` + op(false, jsonBody(`"user"`, `"user": {"type": "object", "required": ["email", "username", "password"], "properties": {"email": `+text+`, "username": `+text+`, "password": `+text+`}}`)) + `},
			 "/users/login": {"post": ` + op(false, jsonBody(`"user"`, `"user": {"type": "object", "required": ["email", "password"], "properties": {"email": `+text+`, "password": `+text+`}}`)) + `}`,
			func(mux *http.ServeMux, u *users) {
				inner := func(r *http.Request) map[string]any { m, _ := fields(r)["user"].(map[string]any); return m }
				mux.HandleFunc("POST /users", func(w http.ResponseWriter, r *http.Request) {
					in := inner(r)
					if _, ok := u.add(str(in["email"]), in); !ok {
						say(w, 422, map[string]any{"errors": map[string]any{"email": []any{"has already been taken"}}})
						return
					}
					say(w, 201, map[string]any{"user": map[string]any{"email": in["email"]}})
				})
				mux.HandleFunc("POST /users/login", func(w http.ResponseWriter, r *http.Request) {
					in := inner(r)
					if !u.is(str(in["email"]), in["password"]) {
						say(w, 422, nil)
						return
					}
					say(w, 200, map[string]any{"user": map[string]any{"token": "token-of-" + str(in["email"])}})
				})
				mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
					if !strings.HasPrefix(r.Header.Get("Authorization"), "Token token-of-") {
						w.WriteHeader(401)
						return
					}
					say(w, 200, map[string]any{"id": 77, "email": strings.TrimPrefix(r.Header.Get("Authorization"), "Token token-of-")})
				})
			},
			"Authorization: Token token-of-",
		},
		"a cookie": {
			`"/signup": {"post": ` + op(false, jsonBody(`"login","password"`, `"login": `+text+`, "password": `+text)) + `},
			 "/session": {"post": ` + op(false, jsonBody(`"login","password"`, `"login": `+text+`, "password": `+text)) + `}`,
			func(mux *http.ServeMux, u *users) {
				mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					if _, ok := u.add(str(in["login"]), in); !ok {
						w.WriteHeader(500) // nobody thought of that
						return
					}
					w.WriteHeader(204)
				})
				mux.HandleFunc("POST /session", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					if !u.is(str(in["login"]), in["password"]) {
						w.WriteHeader(401)
						return
					}
					http.SetCookie(w, &http.Cookie{Name: "sid", Value: "cookie-of-" + str(in["login"]), HttpOnly: true})
				})
			},
			"Cookie: sid=cookie-of-",
		},
		"who registers is logged in": {
			`"/register": {"post": ` + op(false, jsonBody(`"email","password"`, `"email": `+text+`, "password": `+text)) + `}`,
			func(mux *http.ServeMux, u *users) {
				mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
					in := fields(r)
					if _, ok := u.add(str(in["email"]), in); !ok {
						w.WriteHeader(409)
						return
					}
					say(w, 201, map[string]any{"token": "token-of-" + str(in["email"])})
				})
			},
			"Authorization: Bearer token-of-",
		},
	} {
		t.Run(name, func(t *testing.T) {
			u, mux := &users{}, http.NewServeMux()
			api.routes(mux, u)
			srv := httptest.NewServer(mux)
			defer srv.Close()
			me := ""
			if _, pattern := mux.Handler(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/me", nil)); pattern != "" {
				me = `"/me": {"get": ` + op(true, "") + `},`
			}
			doc := document(t, `{"openapi": "3.1.0", "paths": {`+me+`"/things": {"post": `+op(true, jsonBody(`"a"`, `"a": `+text))+`},`+api.doc+`}, `+bearer+`}`)
			base, _ := url.Parse(srv.URL)
			for run := range 2 {
				// A second run with the same seed finds its users there.
				client := traffic.New(traffic.Options{Base: base, Run: fmt.Sprint("run", run)})
				who, notes, err := All(t.Context(), client, doc, nil, env, 5)
				if err != nil || len(who) != 2 || who[0].Name != "user-a" || who[1].Name != "user-b" {
					t.Fatalf("%d identities, %q, %v", len(who), notes, err)
				}
				var got [2]string
				for n, i := range who {
					r := &traffic.Request{Method: "GET", Path: "/things"}
					i.Apply(r)
					for _, name := range []string{"Authorization", "Cookie"} {
						if v := r.Header.Get(name); v != "" {
							got[n] = name + ": " + v
						}
					}
					if !strings.HasPrefix(got[n], api.want) || !i.Enrolled || i.Registered == nil {
						t.Errorf("%q, want %q", got[n], api.want)
					}
					if line := client.Curl(r, i.Secrets()); strings.Contains(line, "-of-") {
						t.Errorf("a secret is in %s", line)
					}
					for _, note := range notes {
						for _, secret := range hiddenIn(i.Secrets()) {
							if strings.Contains(note, secret) {
								t.Errorf("a secret is in %s", note)
							}
						}
					}
				}
				if got[0] == got[1] {
					t.Error("the two are one")
				}
				if me != "" && who[0].ID != "77" {
					t.Errorf("id %q", who[0].ID)
				}
				other, err := who[0].Another(t.Context(), client, fmt.Sprint("spare-", run))
				if err != nil || other.IsAnonymous() || other.Email != "" && other.Email == who[0].Email {
					t.Errorf("no other: %v", err)
				}
				if sent := client.Sent(); sent > 40 {
					t.Errorf("%d requests", sent)
				}
				client.Close()
			}
		})
	}
}

func TestEnrolNobody(t *testing.T) {
	var asked int
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		say(w, 403, map[string]any{"detail": "registration is closed"})
	}))
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	client := traffic.New(traffic.Options{Base: base})
	for doc, want := range map[string]string{
		`{"openapi": "3.1.0", "paths": {"/a": {"get": {}}}}`: "asks nobody",
		`{"openapi": "3.1.0", "paths": {"/a": {"get": ` + op(true, "") + `}, "/login": {"post": ` + op(false, jsonBody(`"email"`, `"email": {}, "password": {}`)) + `}}}`:    "--auth FILE",
		`{"openapi": "3.1.0", "paths": {"/a": {"get": ` + op(true, "") + `}, "/register": {"post": ` + op(false, jsonBody(`"email"`, `"email": {}, "password": {}`)) + `}}}`: "answers 403: {\"detail\":\"registration is closed\"}; give two users with --auth FILE",
	} {
		who, notes, err := All(t.Context(), client, document(t, doc), nil, env, 1)
		if err != nil || len(who) != 0 || len(notes) != 1 || !strings.Contains(notes[0], want) {
			t.Errorf("%v %q %v, want %q", who, notes, err, want)
		}
	}
	if asked > 4 {
		t.Errorf("%d requests for nothing", asked)
	}
}
