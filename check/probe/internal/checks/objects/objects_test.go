package objects

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// app keeps things of users. Each fault can be put into it on its own.
type app struct {
	noun                                    string // of the collection; orders
	readAny, listAll, listFilter, listNames bool
	writeAny, writeRefusedAndDone           bool
	deleteAny, deleteIdempotent             bool
	ownerBody, ownerQuery                   bool
	massBalance, massID, keepsAll, strict   bool
	oracle, oracleBody                      bool
	nestedAny, adminOpen, race              bool
	leak                                    map[string]any // members of each thing
	noOwner, public, openWrite              bool
	tenants                                 bool // things are shared within one
	counts                                  bool // each look changes a counter

	mu     *sync.Mutex
	next   int
	things map[int]*thing
	items  map[int]*thing
}

type thing struct {
	id, parent int
	owner      string
	fields     map[string]any
	redeemed   bool
	views      int
}

func (a *app) document() string {
	noun := a.noun
	secured := `"security":[{"b":[]}],`
	write := secured
	if a.openWrite {
		write = ""
	}
	id := `"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],`
	body := `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["title"],"properties":{"title":{"type":"string"},"secret_text":{"type":"string"},"quantity":{"type":"integer"}}}}}},`
	ok := `"responses":{"200":{"description":"","content":{"application/json":{"schema":{"type":"object","properties":{"id":{"type":"integer"},"title":{"type":"string"},"secret_text":{"type":"string"},"quantity":{"type":"integer"},"user_id":{"type":"integer"},"balance":{"type":"integer"},"views":{"type":"integer"},"public":{"type":"boolean"}}}}}}}`
	item := `"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}},{"name":"item","in":"path","required":true,"schema":{"type":"integer"}}],`
	return `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/` + noun + `":{"get":{` + secured + `"responses":{}},"post":{` + secured + body + ok + `}},
"/` + noun + `/{id}":{"get":{` + secured + id + ok + `},"patch":{` + write + id + body + ok + `},"delete":{` + write + id + `"responses":{}}},
"/` + noun + `/{id}/redeem":{"post":{` + secured + id + `"responses":{}}},
"/` + noun + `/{id}/items":{"post":{` + secured + id + body + ok + `}},
"/` + noun + `/{id}/items/{item}":{"get":{` + secured + item + ok + `}},
"/admin/stats":{"get":{` + secured + `"responses":{}}},
"/me":{"get":{` + secured + `"responses":{}}}}}`
}

func number(user string) int {
	return map[string]int{"alice": 7001, "bob": 7002, "carol": 7003, "dora": 7004, "root": 1}[user]
}

func tenantOf(user string) string {
	if user == "dora" {
		return "two"
	}
	return "one"
}

func (a *app) view(x *thing) map[string]any {
	out := map[string]any{"id": x.id, "balance": 5}
	if !a.noOwner {
		out["user_id"] = number(x.owner)
	}
	if a.public {
		out["public"] = true
	}
	for k, v := range x.fields {
		out[k] = v
	}
	for k, v := range a.leak {
		out[k] = v
	}
	if a.counts {
		x.views++
		out["views"] = x.views
	}
	return out
}

func (a *app) may(x *thing, user string) bool {
	return x.owner == user || a.tenants && tenantOf(x.owner) == tenantOf(user)
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if v != nil {
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if open := a.openWrite && (r.Method == "PATCH" || r.Method == "DELETE"); number(user) == 0 && !open {
		answer(401, nil)
		return
	}
	missing := map[string]any{"detail": "not found"}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	id := 0
	if len(parts) > 1 {
		id, _ = strconv.Atoi(parts[1])
	}
	x := a.things[id]
	body := map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&body)
	if a.strict {
		for k := range body {
			if !slices.Contains([]string{"title", "secret_text", "quantity"}, k) {
				answer(422, map[string]any{"detail": "unknown " + k})
				return
			}
		}
	}
	keep := func(x *thing) {
		for k, v := range body {
			if slices.Contains([]string{"title", "secret_text", "quantity"}, k) || a.massBalance && k == "balance" || a.keepsAll && k != "id" && k != "user_id" && k != "balance" {
				x.fields[k] = v
			}
		}
	}
	add := func(to map[int]*thing, parent int) *thing {
		a.next++
		x := &thing{id: a.next, owner: user, fields: map[string]any{}, parent: parent}
		keep(x)
		for name, n := range map[string]int{"alice": 7001, "bob": 7002} {
			if v, ok := body["user_id"].(float64); ok && a.ownerBody && int(v) == n || a.ownerQuery && r.URL.Query().Get("user_id") == fmt.Sprint(n) {
				x.owner = name
			}
		}
		to[x.id] = x
		return x
	}
	switch {
	case parts[0] == "me":
		answer(200, map[string]any{"id": number(user), "name": user})
	case parts[0] == "admin":
		if user != "root" && !a.adminOpen {
			answer(403, nil)
			return
		}
		answer(200, map[string]any{"users": 3})
	case len(parts) == 1 && r.Method == "POST":
		answer(201, a.view(add(a.things, 0)))
	case len(parts) == 1:
		out := []any{}
		for i := range a.next + 1 {
			x := a.things[i]
			if x == nil {
				continue
			}
			if a.may(x, user) || a.listAll || a.listFilter && r.URL.Query().Get("user_id") == fmt.Sprint(number(x.owner)) {
				v := a.view(x)
				if a.listNames {
					v = map[string]any{"id": x.id, "title": x.fields["title"]}
				}
				out = append(out, v)
			}
		}
		answer(200, out)
	case x == nil:
		answer(404, missing)
	case len(parts) == 4: // an item
		n, _ := strconv.Atoi(parts[3])
		it := a.items[n]
		if !a.may(x, user) || it == nil || it.parent != x.id && !a.nestedAny {
			answer(404, missing)
			return
		}
		answer(200, a.view(it))
	case r.Method == "GET":
		switch {
		case a.may(x, user) || a.readAny:
			answer(200, a.view(x))
		case a.oracle:
			answer(403, map[string]any{"detail": "not yours"})
		case a.oracleBody:
			answer(404, map[string]any{"detail": "not yours"})
		default:
			answer(404, missing)
		}
	case !a.may(x, user) && !a.writeAny && !a.openWrite && (r.Method != "DELETE" || !a.deleteAny):
		if a.writeRefusedAndDone && r.Method == "PATCH" {
			keep(x)
		}
		if a.deleteIdempotent && r.Method == "DELETE" {
			answer(204, nil)
			return
		}
		answer(404, missing)
	case len(parts) == 3 && parts[2] == "items":
		answer(201, a.view(add(a.items, x.id)))
	case len(parts) == 3:
		if x.redeemed {
			answer(409, nil)
			return
		}
		if a.race {
			a.mu.Unlock()
			time.Sleep(30 * time.Millisecond)
			a.mu.Lock()
		}
		x.redeemed = true
		answer(200, map[string]any{"ok": true})
	case r.Method == "PATCH":
		keep(x)
		if v, ok := body["id"].(float64); ok && a.massID {
			delete(a.things, x.id)
			x.id = int(v)
			a.things[x.id] = x
		}
		answer(200, a.view(x))
	case r.Method == "DELETE":
		delete(a.things, x.id)
		answer(204, nil)
	}
}

func who(name, role, tenant string) *identity.Identity {
	return &identity.Identity{Name: name, Role: role, Tenant: tenant, Header: http.Header{"Authorization": {"Bearer " + name}}}
}

func run(t *testing.T, h http.Handler, document, check string, intrusive bool, ids ...*identity.Identity) []trial.Result {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	doc, err := openapi.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base})
	defer client.Close()
	tr := trial.New(trial.Options{Client: client, Document: doc, Identities: ids, Seed: 5, Intrusive: intrusive})
	defer tr.Close()
	checks := slices.DeleteFunc(Checks(), func(c *trial.Check) bool { return c.ID != check && check != "" })
	out, _ := tr.Run(t.Context(), checks)
	return out
}

func (a *app) start() *app {
	a.mu = &sync.Mutex{}
	a.things, a.items = map[int]*thing{}, map[int]*thing{}
	if a.noun == "" {
		a.noun = "orders"
	}
	return a
}

func find(results []trial.Result, operation string) (trial.Result, bool) {
	for _, r := range results {
		if r.Operation == operation {
			return r, true
		}
	}
	return trial.Result{}, false
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, check, operation string
		app                    app
		want                   trial.Verdict
		severity               finding.Severity
	}{
		{name: "read of another's", check: "probe/bola-read", operation: "GET /orders/{id}", app: app{readAny: true}, want: trial.Fail},
		{name: "read of another's that all are shown", check: "probe/bola-read", operation: "GET /posts/{id}", app: app{noun: "posts", readAny: true, listAll: true}, want: trial.Suspect},
		{name: "read of orders that all are shown", check: "probe/bola-read", operation: "GET /orders/{id}", app: app{readAny: true, listAll: true}, want: trial.Fail},
		{name: "a list of names, and all of it to read", check: "probe/bola-read", operation: "GET /books/{id}", app: app{noun: "books", readAny: true, listAll: true, listNames: true}, want: trial.Fail},
		{name: "things of nobody", check: "probe/bola-read", operation: "GET /products/{id}", app: app{noun: "products", readAny: true, listAll: true, noOwner: true}, want: trial.NotApplicable},
		{name: "things that say they are public", check: "probe/bola-read", operation: "GET /orders/{id}", app: app{readAny: true, public: true}, want: trial.NotApplicable},
		{name: "read refused", check: "probe/bola-read", operation: "GET /orders/{id}", want: trial.Pass},

		{name: "403 and 404", check: "probe/existence-oracle", operation: "GET /orders/{id}", app: app{oracle: true}, want: trial.Fail},
		{name: "404 in other words", check: "probe/existence-oracle", operation: "GET /orders/{id}", app: app{oracleBody: true}, want: trial.Fail},
		{name: "404 for both", check: "probe/existence-oracle", operation: "GET /orders/{id}", want: trial.Pass},

		{name: "write to another's", check: "probe/bola-write", operation: "PATCH /orders/{id}", app: app{writeAny: true}, want: trial.Fail},
		{name: "write to another's while all is read", check: "probe/bola-write", operation: "PATCH /posts/{id}", app: app{noun: "posts", writeAny: true, readAny: true, listAll: true}, want: trial.Fail},
		{name: "things of nobody are written", check: "probe/bola-write", operation: "PATCH /products/{id}", app: app{noun: "products", noOwner: true, writeAny: true, readAny: true, listAll: true}, want: trial.Suspect},
		{name: "refused and yet done", check: "probe/bola-write", operation: "PATCH /orders/{id}", app: app{writeRefusedAndDone: true}, want: trial.Fail},
		{name: "write refused", check: "probe/bola-write", operation: "PATCH /orders/{id}", want: trial.Pass},
		{name: "looks are counted", check: "probe/bola-write", operation: "PATCH /orders/{id}", app: app{counts: true}, want: trial.Pass},
		{name: "delete of another's", check: "probe/bola-write", operation: "DELETE /orders/{id}", app: app{deleteAny: true}, want: trial.Fail},
		{name: "delete without effect", check: "probe/bola-write", operation: "DELETE /orders/{id}", app: app{deleteIdempotent: true}, want: trial.Pass},
		{name: "delete refused", check: "probe/bola-write", operation: "DELETE /orders/{id}", want: trial.Pass},

		{name: "nobody writes", check: "probe/anonymous-write", operation: "PATCH /orders/{id}", app: app{openWrite: true}, want: trial.Fail},
		{name: "nobody deletes", check: "probe/anonymous-write", operation: "DELETE /orders/{id}", app: app{openWrite: true}, want: trial.Fail},

		{name: "below another parent", check: "probe/nested-object", operation: "GET /orders/{id}/items/{item}", app: app{nestedAny: true}, want: trial.Fail},
		{name: "below its own parent alone", check: "probe/nested-object", operation: "GET /orders/{id}/items/{item}", want: trial.Pass},

		{name: "all are listed", check: "probe/lists-scoped", operation: "GET /orders", app: app{listAll: true}, want: trial.Fail},
		{name: "posts are listed", check: "probe/lists-scoped", operation: "GET /posts", app: app{noun: "posts", listAll: true, readAny: true}, want: trial.Suspect},
		{name: "products are listed", check: "probe/lists-scoped", operation: "GET /products", app: app{noun: "products", listAll: true, readAny: true, noOwner: true}, want: trial.NotApplicable},
		{name: "listed by a filter", check: "probe/lists-scoped", operation: "GET /orders", app: app{listFilter: true}, want: trial.Fail},
		{name: "a list of one's own", check: "probe/lists-scoped", operation: "GET /orders", want: trial.Pass},

		{name: "owner in the body", check: "probe/owner-from-token", operation: "POST /orders", app: app{ownerBody: true}, want: trial.Fail},
		{name: "owner in the query", check: "probe/owner-from-token", operation: "POST /orders", app: app{ownerQuery: true}, want: trial.Fail},
		{name: "owner of the token", check: "probe/owner-from-token", operation: "POST /orders", want: trial.Pass},

		{name: "a balance is set anew", check: "probe/mass-assignment", operation: "POST /orders", app: app{massBalance: true}, want: trial.Fail, severity: finding.High},
		{name: "a balance is set later", check: "probe/mass-assignment", operation: "PATCH /orders/{id}", app: app{massBalance: true}, want: trial.Fail, severity: finding.High},
		{name: "all is kept", check: "probe/mass-assignment", operation: "POST /orders", app: app{keepsAll: true}, want: trial.Pass},
		{name: "what is unknown is refused", check: "probe/mass-assignment", operation: "POST /orders", app: app{strict: true}, want: trial.Pass},
		{name: "what is unknown is ignored", check: "probe/mass-assignment", operation: "PATCH /orders/{id}", want: trial.Pass},

		{name: "a hash", check: "probe/secrets-in-responses", operation: "GET /orders/{id}", app: app{leak: map[string]any{"x": "$2b$12$" + strings.Repeat("a", 53)}}, want: trial.Fail},
		{name: "a password", check: "probe/secrets-in-responses", operation: "GET /orders/{id}", app: app{leak: map[string]any{"password": "hunter2"}}, want: trial.Fail},
		{name: "a password that is hidden", check: "probe/secrets-in-responses", operation: "GET /orders/{id}", app: app{leak: map[string]any{"password": "********", "password_set": true}}, want: trial.Pass},
		{name: "a reset token", check: "probe/secrets-in-responses", operation: "GET /orders/{id}", app: app{leak: map[string]any{"reset_token": "81c7a2"}}, want: trial.Suspect},

		{name: "more than is said", check: "probe/undocumented-fields", operation: "GET /orders/{id}", app: app{leak: map[string]any{"margin": 3}}, want: trial.Fail},
		{name: "what is said", check: "probe/undocumented-fields", operation: "GET /orders/{id}", want: trial.Pass},

		{name: "many at once", check: "probe/one-shot", operation: "POST /orders/{id}/redeem", app: app{race: true}, want: trial.Fail},
		{name: "one at once", check: "probe/one-shot", operation: "POST /orders/{id}/redeem", want: trial.Pass},

		{name: "an administrator's function, by its name", check: "probe/function-level", operation: "GET /admin/stats", app: app{adminOpen: true}, want: trial.Suspect},
		{name: "an administrator's function is refused", check: "probe/function-level", operation: "GET /admin/stats", want: trial.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := c.app
			a.start()
			results := run(t, &a, a.document(), c.check, true, who("alice", "", ""), who("bob", "", ""))
			r, ok := find(results, c.operation)
			if !ok {
				t.Fatalf("nothing of %s in %+v", c.operation, results)
			}
			if r.Verdict != c.want {
				t.Fatalf("%v, want %v: got %q, reason %q", r.Verdict, c.want, r.Got, r.Reason)
			}
			if c.severity != finding.Unknown && r.Severity != c.severity {
				t.Errorf("severity %v, want %v", r.Severity, c.severity)
			}
			if r.Verdict == trial.Fail && len(r.Shown) == 0 {
				t.Error("nothing shows it")
			}
		})
	}
}

// A well-made API has nothing to find, whoever calls.
func TestWellMade(t *testing.T) {
	for _, a := range []app{{}, {strict: true}, {counts: true}, {deleteIdempotent: true}, {tenants: true}} {
		x := a.start()
		tenant := ""
		if a.tenants {
			tenant = "one"
		}
		for _, r := range run(t, x, x.document(), "", true, who("alice", "", tenant), who("bob", "", tenant)) {
			if r.Verdict == trial.Fail || r.Verdict == trial.Suspect && !a.tenants {
				t.Errorf("%s %s: %v %s", r.Check.ID, r.Operation, r.Verdict, r.Got)
			}
			if r.Verdict == trial.Inconclusive {
				t.Errorf("%s %s: %s", r.Check.ID, r.Operation, r.Reason)
			}
		}
		x.mu.Lock()
		n := x.next
		x.mu.Unlock()
		t.Logf("%d objects", n)
	}
}

func TestTenants(t *testing.T) {
	a := (&app{readAny: true, listAll: true}).start()
	ids := []*identity.Identity{who("alice", "", "one"), who("bob", "", "one"), who("dora", "", "two")}
	results := run(t, a, a.document(), "probe/tenant-isolation", false, ids...)
	for _, op := range []string{"GET /orders", "GET /orders/{id}"} {
		if r, _ := find(results, op); r.Verdict != trial.Fail {
			t.Errorf("%s: %v %s", op, r.Verdict, r.Reason)
		}
	}
	a = (&app{tenants: true}).start()
	results = run(t, a, a.document(), "probe/tenant-isolation", false, ids...)
	for _, op := range []string{"GET /orders", "GET /orders/{id}"} {
		if r, _ := find(results, op); r.Verdict != trial.Pass {
			t.Errorf("%s: %v %s", op, r.Verdict, r.Got+r.Reason)
		}
	}
}

// Where the roles are known, an ordinary user who gets in is no suspicion.
func TestRoles(t *testing.T) {
	a := (&app{adminOpen: true}).start()
	results := run(t, a, a.document(), "probe/function-level", false, who("alice", "user", ""), who("root", "admin", ""))
	if r, _ := find(results, "GET /admin/stats"); r.Verdict != trial.Fail {
		t.Errorf("%v %s", r.Verdict, r.Reason)
	}
}

// One user alone tells nothing about another's objects.
func TestOneUser(t *testing.T) {
	a := (&app{readAny: true, writeAny: true, listAll: true}).start()
	for _, r := range run(t, a, a.document(), "", true, who("alice", "", "")) {
		if r.Verdict == trial.Fail || r.Verdict == trial.Suspect {
			t.Errorf("%s %s: %v", r.Check.ID, r.Operation, r.Verdict)
		}
	}
}
