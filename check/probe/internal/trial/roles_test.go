package trial_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// named is a user of a role; the token is the name.
func named(name, role, id string) *identity.Identity {
	who := trialtest.Bearer(name, name)
	who.Role, who.ID = role, id
	return who
}

const depotDocument = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/loads":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["title"],"properties":{"title":{"type":"string"}}}}}},"responses":{}}},
"/loads/{load_id}":{"parameters":[{"name":"load_id","in":"path","required":true,"schema":{"type":"integer"}}],"get":{"responses":{}}},
"/loads/{load_id}/bids":{"parameters":[{"name":"load_id","in":"path","required":true,"schema":{"type":"integer"}}],"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["amount"],"properties":{"amount":{"type":"integer"}}}}}},"responses":{}}},
"/quotes":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["load_id"],"properties":{"load_id":{"type":"integer"}}}}}},"responses":{}}},
"/routes":{"get":{"responses":{}}},"/audits":{"get":{"responses":{}}},
"/carriers/{carrier_id}":{"parameters":[{"name":"carrier_id","in":"path","required":true,"schema":{"type":"integer"}}],"get":{"responses":{}}}}}`

// depot has loads of shippers, and bids of carriers on them.
func depot() http.Handler {
	var mu sync.Mutex
	n := 5000
	loads := map[string]bool{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		role, _, _ := strings.Cut(user, "-")
		made := func() string {
			n++
			say(w, 201, map[string]any{"id": n})
			return fmt.Sprint(n)
		}
		part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		only := func(allowed ...string) bool {
			if !slices.Contains(allowed, role) {
				say(w, 403, nil)
				return false
			}
			return true
		}
		switch {
		case user == "":
			say(w, 401, nil)
		case part[0] == "routes":
			if only("carrier", "admin") {
				say(w, 200, nil)
			}
		case part[0] == "audits":
			if only("admin") {
				say(w, 200, nil)
			}
		case part[0] == "carriers":
			say(w, map[bool]int{true: 200, false: 404}[strings.HasPrefix(part[1], "80")], nil)
		case part[0] == "quotes":
			if only("carrier") && loads[fmt.Sprint(in(r)["load_id"])] {
				made()
			} else if role == "carrier" {
				say(w, 404, nil)
			}
		case len(part) == 1:
			if only("shipper") {
				loads[made()] = true
			}
		case !loads[part[1]]:
			say(w, 404, nil)
		case len(part) == 2:
			say(w, 200, map[string]any{"id": part[1]})
		default:
			if only("carrier") {
				made()
			}
		}
	})
}

// TestRolesCovered: what the first user is refused is asked as one of another
// role, about objects that the first one makes.
func TestRolesCovered(t *testing.T) {
	carrier, second := named("carrier-1", "carrier", "801"), named("carrier-2", "carrier", "802")
	tr := trialtest.New(t, depotDocument, depot(), named("shipper-1", "shipper", "701"), named("shipper-2", "shipper", "702"), carrier, second, named("admin-1", "admin", ""))
	if _, uncovered := tr.Run(t.Context(), nil); len(uncovered) > 0 {
		t.Errorf("%v", uncovered)
	}
	for name, who := range map[string]string{
		"POST /loads": "shipper-1", "POST /loads/{load_id}/bids": "carrier-1", "POST /quotes": "carrier-1",
		"GET /routes": "carrier-1", "GET /audits": "admin-1", "GET /carriers/{carrier_id}": "shipper-1",
	} {
		if got := tr.Caller(operation(t, tr, name)).Name; got != who {
			t.Errorf("%s is asked as %s, want %s", name, got, who)
		}
	}
	if d, err := tr.Draft(t.Context(), operation(t, tr, "GET /carriers/{carrier_id}"), second, values.Full); err != nil || d.Path["carrier_id"] != "802" {
		t.Errorf("%v: not the carrier's own: %+v", err, d)
	}
	bid := operation(t, tr, "POST /loads/{load_id}/bids")
	d, err := tr.Draft(t.Context(), bid, carrier, values.Full)
	if err != nil || len(d.Made) != 1 || d.Made[0].Of(carrier) || d.Made[0].Who.Name != "shipper-1" {
		t.Errorf("%v: the load is not the shipper's: %+v", err, d)
	}
	// Whoever is let make none has none of its own.
	if o, err := tr.Create(t.Context(), operation(t, tr, "POST /loads"), carrier); err == nil {
		t.Errorf("%v is of %s", o, o.Who.Name)
	}
	if o, err := tr.Create(t.Context(), bid, carrier); err != nil || !o.Of(carrier) || len(o.Parents) != 1 || o.Parents[0].Of(carrier) {
		t.Errorf("%v %+v", err, o)
	}
	for name, first := range map[string]string{"POST /loads": "shipper-1", "POST /loads/{load_id}/bids": "carrier-1", "GET /audits": "shipper-1"} {
		if a, b, ok := tr.PairFor(operation(t, tr, name)); !ok || a.Name != first || b.Role != a.Role || a == b {
			t.Errorf("the pair of %s is %v", name, a.Name)
		}
	}
	if pairs := tr.Pairs(bid); len(pairs) != 2 || pairs[0][0] != carrier || pairs[1][0].Role != "shipper" {
		t.Errorf("%v", pairs)
	}
}

// TestSubjects: what may lock an account out is done to one that was registered
// for it, whoever asks, and whatever made those that are in use.
func TestSubjects(t *testing.T) {
	const text = `{"type": "string"}`
	body := `"requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["username", "password"], "properties": {"username": ` + text + `, "password": ` + text + `}}}}}, "responses": {}`
	for _, register := range []string{"/auth/register", "/users"} {
		for _, given := range []bool{true, false} {
			param := func(name string) string {
				return `"parameters": [{"name": "` + name + `", "in": "path", "required": true, "schema": ` + text + `}]`
			}
			doc, err := openapi.Parse([]byte(`{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "security": [{"b": []}], "components": {"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}}, "paths": {
				"` + register + `": {"post": {"security": [], ` + body + `}}, "/login": {"post": {"security": [], ` + body + `}}, "/me": {"get": {"responses": {}}},
				"/admin/users/{user_id}/suspend": {` + param("user_id") + `, "post": {"responses": {}}}, "/admin/users/{id}/reinstate": {` + param("id") + `, "post": {"responses": {}}},
				"/people/{username}/ban": {` + param("username") + `, "post": {"responses": {}}},
				"/users/{user_id}": {` + param("user_id") + `, "get": {"responses": {}}, "delete": {"responses": {}}},
				"/users/{user_id}/lock": {` + param("user_id") + `, "put": {"responses": {}}}}}`))
			if err != nil {
				t.Fatal(err)
			}
			ids := map[string]string{"1": "root", "2": "ann", "3": "ben"} // to names
			gone := map[string]bool{}                                     // by name
			passwords := map[string]any{}
			var mu sync.Mutex
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
				part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
				b := in(r)
				name := fmt.Sprint(b["username"])
				at := part[len(part)-1]
				if len(part) > 2 {
					at = part[len(part)-2]
				}
				switch {
				case r.URL.Path == register:
					if passwords[name] != nil {
						say(w, 409, nil)
						return
					}
					id := fmt.Sprint(len(ids) + 1)
					ids[id], passwords[name] = name, b["password"]
					say(w, 201, map[string]any{"id": id, "username": name})
				case r.URL.Path == "/login":
					if passwords[name] == nil || passwords[name] != b["password"] || gone[name] {
						say(w, 401, nil)
						return
					}
					say(w, 200, map[string]any{"token": "token-of-" + name})
				case user == "" || gone[strings.TrimPrefix(user, "token-of-")]:
					say(w, 401, nil)
				case r.URL.Path == "/me":
					say(w, 200, map[string]any{"name": strings.TrimPrefix(user, "token-of-")})
				case part[0] == "admin" && user != "root":
					say(w, 403, nil)
				case part[0] == "people":
					gone[at] = true
				case ids[at] == "":
					say(w, 404, nil)
				case len(part) > 2:
					gone[ids[at]] = part[len(part)-1] != "reinstate"
					say(w, 200, nil)
				case r.Method == http.MethodDelete:
					gone[ids[at]] = true
					w.WriteHeader(204)
				default:
					say(w, 200, map[string]any{"id": at})
				}
			}))
			base, _ := url.Parse(srv.URL)
			client := traffic.New(traffic.Options{Base: base, Run: "test"})
			who := []*identity.Identity{named("ann", "user", ""), named("ben", "user", ""), named("root", "admin", "")}
			if given {
				who, _, err = identity.Complete(t.Context(), client, doc, who, 1)
			} else {
				who, _, err = identity.All(t.Context(), client, doc, nil, nil, 1)
				who = append(who, named("root", "admin", ""))
			}
			if err != nil || len(who) != 3 {
				t.Fatal(err, len(who))
			}
			tr := trial.New(trial.Options{Client: client, Document: doc, Identities: who, Seed: 1})
			_, uncovered := tr.Run(t.Context(), nil)
			for _, u := range uncovered {
				if !given || u.Where != "POST /login" { // of those who were given no password is known
					t.Errorf("%s, given %v: %v", register, given, u)
				}
			}
			for name := range gone {
				if slices.ContainsFunc(who, func(i *identity.Identity) bool { return i.Name == name || i.Username == name }) {
					t.Errorf("%s, given %v: %s was locked out", register, given, name)
				}
			}
			if n := len(ids); n > 3+2+12 {
				t.Errorf("%d users", n)
			}
			tr.Close()
			client.Close()
			srv.Close()
		}
	}
}
