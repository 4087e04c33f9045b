package identity

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// guild registers users who say of which kind they are.
func guild(u *users, refuses string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		if refuses != "" && in["role"] == refuses {
			say(w, 403, map[string]any{"detail": "ask us"})
			return
		}
		id, ok := u.add(str(in["username"]), in)
		if !ok {
			say(w, 409, nil)
			return
		}
		say(w, 201, map[string]any{"id": id})
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		if !u.is(str(in["username"]), in["password"]) {
			say(w, 401, nil)
			return
		}
		say(w, 200, map[string]any{"token": "token-of-" + str(in["username"])})
	})
	mux.HandleFunc("GET /users/me", func(w http.ResponseWriter, r *http.Request) {
		u.Lock()
		defer u.Unlock()
		name := strings.TrimPrefix(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "token-of-")
		say(w, 200, map[string]any{"id": 90 + len(name), "name": name})
	})
	return mux
}

// guildDocument is its document; the member that says the kind is given.
func guildDocument(member string) string {
	text := `{"type": "string"}`
	return `{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, ` + bearer + `, "paths": {
		"/register": {"post": ` + op(false, jsonBody(`"username","password"`, `"username": `+text+`, "password": `+text+`, `+member)) + `},
		"/login": {"post": ` + op(false, jsonBody(`"username","password"`, `"username": `+text+`, "password": `+text)) + `},
		"/users/me": {"get": ` + op(true, "") + `}}}`
}

// TestKinds: two of each kind that strangers may be are registered, and two in
// all where there is none to choose.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		member, refuses string
		want            []string // roles
		note            string
	}{
		{`"role": {"type": "string", "enum": ["shipper", "carrier"]}`, "", []string{"shipper", "shipper", "carrier", "carrier"}, ""},
		{`"role": {"type": "string", "enum": ["shipper", "carrier"], "default": "carrier"}`, "", []string{"carrier", "carrier", "shipper", "shipper"}, ""},
		{`"role": {"anyOf": [{"type": "string", "enum": ["seller", "buyer"]}, {"type": "null"}]}`, "", []string{"buyer", "buyer", "seller", "seller"}, ""},
		{`"account_type": {"type": "string", "pattern": "^(tenant|landlord)$"}`, "", []string{"tenant", "tenant", "landlord", "landlord"}, ""},
		{`"userType": {"type": "string", "enum": ["a", "b", "c", "d"]}`, "", []string{"a", "a", "b", "b", "c", "c"}, ""},
		{`"role": {"type": "string", "enum": ["shipper", "carrier", "broker"]}`, "carrier", []string{"shipper", "shipper"}, "carrier-a could not be registered: POST /register answers 403"},
		{`"role": {"type": "string", "enum": ["admin", "user", "superuser"]}`, "", []string{"", ""}, ""},
		{`"role": {"type": "string"}`, "", []string{"", ""}, ""},
		{`"colour": {"type": "string", "enum": ["red", "green"]}`, "", []string{"", ""}, ""},
		{`"type": {"type": "string", "pattern": "^[a-z]+$"}`, "", []string{"", ""}, ""},
	} {
		u := &users{}
		srv := httptest.NewServer(guild(u, c.refuses))
		base, _ := url.Parse(srv.URL)
		client := traffic.New(traffic.Options{Base: base})
		who, notes, err := All(t.Context(), client, document(t, guildDocument(c.member)), nil, env, 1)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range who {
			got = append(got, i.Role)
			u.Lock()
			in := u.all[i.Username]
			if said := fmt.Sprint(in["role"], in["account_type"], in["userType"]); i.Role != "" && !strings.Contains(said, i.Role) {
				t.Errorf("%s: %s registered as %s", c.member, i.Role, said)
			}
			u.Unlock()
		}
		if !slices.Equal(got, c.want) || who[0].Name != "user-a" || who[1].Name != "user-b" || len(u.all) != len(who) {
			t.Errorf("%s: %q, want %q, %d registered", c.member, got, c.want, len(u.all))
		}
		if all := strings.Join(notes, "\n"); !strings.Contains(all, c.note) || strings.Contains(all, "could not") != (c.note != "") {
			t.Errorf("%s: %s", c.member, all)
		}
		// More like one are of its kind.
		last := who[len(who)-1]
		if spare, err := last.Another(t.Context(), client, "spare"); err != nil || spare.Role != last.Role {
			t.Errorf("%s: %v %v", c.member, spare, err)
		}
		client.Close()
		srv.Close()
	}
}

// TestMates: a role that one user alone has gets another, whoever has a pair
// already; and the ids of those who were given are known.
func TestMates(t *testing.T) {
	given := func(name, role string) *Identity {
		return &Identity{Name: name, Role: role, Header: http.Header{"Authorization": {"Bearer " + name}}}
	}
	for _, c := range []struct {
		who  []*Identity
		want string
	}{
		{[]*Identity{given("ann", "shipper"), given("ben", "shipper"), given("root", "admin"), given("cleo", "Carrier")}, "ann ben cleo carrier-b root"},
		{[]*Identity{given("ann", "shipper"), given("cleo", "carrier")}, "ann cleo shipper-b carrier-b"},
		{[]*Identity{given("ann", "shipper"), given("ben", "shipper"), given("eve", "auditor")}, "ann ben eve"},
		{[]*Identity{given("root", "admin")}, "user-a user-b carrier-a carrier-b root"},
	} {
		srv := httptest.NewServer(guild(&users{}, ""))
		base, _ := url.Parse(srv.URL)
		client := traffic.New(traffic.Options{Base: base})
		doc := document(t, guildDocument(`"role": {"type": "string", "enum": ["shipper", "carrier"]}`))
		who, notes, err := Complete(t.Context(), client, doc, c.who, 1)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, i := range who {
			names = append(names, i.Name)
			if i.Name == "carrier-b" && !strings.EqualFold(i.Role, "carrier") || !i.Registers() {
				t.Errorf("%s is a %s", i.Name, i.Role)
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s, want %s: %q", got, c.want, notes)
		}
		if ann := given("ann", ""); ann.refused(t.Context(), client, doc) != "" || ann.ID != "93" {
			t.Errorf("the id is %q", ann.ID)
		}
		client.Close()
		srv.Close()
	}
}
