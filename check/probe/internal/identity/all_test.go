package identity

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// TestComplete: an administrator alone is given two ordinary users, who come
// first; two of one role are enough.
func TestComplete(t *testing.T) {
	text := `{"type": "string"}`
	u := &users{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		if _, ok := u.add(str(in["username"]), in); !ok {
			say(w, 409, nil)
			return
		}
		say(w, 201, nil)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		if !u.is(str(in["username"]), in["password"]) {
			say(w, 401, nil)
			return
		}
		say(w, 200, map[string]any{"token": "token-of-" + str(in["username"])})
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	client := traffic.New(traffic.Options{Base: base})
	defer client.Close()
	doc := document(t, `{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, `+bearer+`, "paths": {
		"/register": {"post": `+op(false, jsonBody(`"username","password"`, `"username": `+text+`, "password": `+text))+`},
		"/login": {"post": `+op(false, jsonBody(`"username","password"`, `"username": `+text+`, "password": `+text))+`},
		"/me": {"get": `+op(true, "")+`}}}`)
	given := func(name, role string) *Identity {
		return &Identity{Name: name, Role: role, Header: http.Header{"Authorization": {"Bearer x"}}}
	}
	for _, c := range []struct {
		who  []*Identity
		want []string
	}{
		{[]*Identity{given("root", "admin")}, []string{"user-a", "user-b", "root"}},
		{[]*Identity{given("root", "admin"), given("a", "user"), given("b", "user")}, []string{"a", "b", "root"}},
		{[]*Identity{given("a", "editor"), given("b", "viewer")}, []string{"user-a", "user-b", "a", "b"}},
	} {
		who, _, err := Complete(t.Context(), client, doc, c.who, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range c.want {
			if len(who) != len(c.want) || who[i].Name != name || !who[i].Registers() {
				t.Fatalf("%d users, %s; want %v", len(who), who[i].Name, c.want)
			}
		}
	}
}
