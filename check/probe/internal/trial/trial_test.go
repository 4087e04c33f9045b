package trial_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// probe is a trial of a shop, with two users that are registered, and the
// administrator if that is wanted.
func probe(t *testing.T, s *shop, o trial.Options, total int, others ...*identity.Identity) *trial.Trial {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	doc, err := openapi.Parse([]byte(s.document()))
	if err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse(srv.URL)
	o.Client, o.Document, o.Seed = traffic.New(traffic.Options{Base: base, Run: "test", Total: total}), doc, 3
	t.Cleanup(o.Client.Close)
	who, notes, err := identity.All(t.Context(), o.Client, doc, nil, os.LookupEnv, o.Seed)
	if err != nil || len(who) != 2 {
		t.Fatalf("%d identities, %q, %v", len(who), notes, err)
	}
	o.Identities = append(who, others...)
	return trial.New(o)
}

func operation(t *testing.T, tr *trial.Trial, name string) *openapi.Operation {
	t.Helper()
	for _, op := range tr.Operations {
		if op.Name() == name {
			return op
		}
	}
	t.Fatalf("no operation %s", name)
	return nil
}

func TestCoverage(t *testing.T) {
	s := newShop()
	s.users["root@example.com"] = map[string]any{"id": 0}
	s.sessions["token-of-root"] = "root@example.com"
	root := &identity.Identity{Name: "root", Role: "admin", Header: http.Header{"Authorization": {"Bearer token-of-root"}}}
	tr := probe(t, s, trial.Options{}, 1000, root)
	_, uncovered := tr.Run(t.Context(), nil)
	var left []string
	for _, u := range uncovered {
		left = append(left, u.Where)
	}
	// A redirect to a login is no valid answer, and nobody's account may be
	// banned.
	if want := []string{"GET /dashboard", "POST /moderators/{moderator_id}/ban"}; !slices.Equal(left, want) {
		t.Errorf("no valid request of %q, want %q: %v", left, want, uncovered)
	}
	if with, all := tr.Coverage(); with != all-2 {
		t.Errorf("%d of %d", with, all)
	}
	if tr.Caller(operation(t, tr, "GET /stats")) != root {
		t.Error("the administrator does not call what a user is refused")
	}
	// Those who are in use are still logged in, and can log in again.
	for _, who := range tr.Users() {
		r := &traffic.Request{Method: "GET", Path: "/me"}
		who.Apply(r)
		if e, err := tr.Send(t.Context(), r); err != nil || !e.OK() {
			t.Errorf("%s was logged out: %v %d", who.Name, err, e.Status)
		}
		if _, err := who.Again(t.Context(), tr.Client); err != nil {
			t.Error(err)
		}
	}
	if n := tr.Client.Sent(); n > 6*len(tr.Operations) {
		t.Errorf("%d requests for %d operations", n, len(tr.Operations))
	}
	// All is gone afterwards that can be deleted: not two uploads, and not the
	// two whom POST /register made as an operation like others.
	if n := tr.Cleanup(t.Context()); n != 4 {
		t.Errorf("%d objects are left", n)
	}
	for key, thing := range s.things {
		t.Errorf("%s is left: %v", key, thing)
	}
	var names []string
	for email := range s.users {
		names = append(names, email)
	}
	if len(names) > 3 || s.users["root@example.com"] == nil {
		t.Errorf("users are left: %q", names)
	}
}

// Objects are deleted even when the run was cancelled, or all requests that
// were allowed are spent.
func TestCleanupAlways(t *testing.T) {
	s := newShop()
	tr := probe(t, s, trial.Options{}, 14)
	ctx, cancel := context.WithCancel(t.Context())
	product := operation(t, tr, "POST /products")
	for range 10 {
		if _, err := tr.Create(ctx, product, tr.Identities[0]); err != nil {
			break
		}
	}
	if tr.Client.Left() != 0 || len(s.things) == 0 {
		t.Fatalf("%d requests left, %d objects", tr.Client.Left(), len(s.things))
	}
	cancel()
	if n := tr.Cleanup(context.WithoutCancel(ctx)); n != 0 || len(s.things) != 0 {
		t.Errorf("%d left, %v", n, s.things)
	}
}

func TestReadOnly(t *testing.T) {
	s := newShop()
	tr := probe(t, s, trial.Options{ReadOnly: true}, 0)
	before := len(s.asked)
	tr.Run(t.Context(), nil)
	for _, a := range s.asked[before:] {
		if !strings.HasPrefix(a, "GET ") {
			t.Errorf("%s was sent", a)
		}
	}
}

func TestObjects(t *testing.T) {
	tr := probe(t, newShop(), trial.Options{}, 0)
	a := tr.Identities[0]
	get := operation(t, tr, "GET /products/{product_id}")
	one, err := tr.Draft(t.Context(), get, a, values.Full)
	if err != nil {
		t.Fatal(err)
	}
	two, err := tr.Draft(t.Context(), get, a, values.Full)
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Made) != 1 || one.Made[0].ID == two.Made[0].ID || len(one.Made[0].Marks) == 0 || one.Made[0].Who != a {
		t.Errorf("%+v %+v", one.Made, two.Made)
	}
	if e, err := tr.Send(t.Context(), one.Request()); err != nil || !strings.Contains(string(e.Body), one.Made[0].Marks[0]) {
		t.Errorf("the object does not hold its marks: %v", err)
	}
	if tr.Creator(get).Name() != "POST /products" || tr.Creator(operation(t, tr, "GET /categories/{id}")).Name() != "POST /category" ||
		tr.Creator(operation(t, tr, "GET /settings/{name}")).Name() != "PUT /settings/{name}" || len(tr.On(tr.Creator(get))) != 3 {
		t.Error("creators")
	}
	// Each DELETE is of an object of its own.
	b, err := tr.Baseline(t.Context(), operation(t, tr, "DELETE /products/{product_id}"), a)
	if err != nil || !b.Draft.Made[0].Gone {
		t.Errorf("%v", err)
	}
	if !tr.Delete(t.Context(), one.Made[0]) || !one.Made[0].Gone {
		t.Error("it was not deleted")
	}
	if acc := tr.Account(a); acc != nil {
		t.Errorf("no operation names accounts, and there is %v", acc)
	}
}

func TestMaskAndMissing(t *testing.T) {
	tr := probe(t, newShop(), trial.Options{}, 0)
	a := tr.Identities[0]
	b, err := tr.Baseline(t.Context(), operation(t, tr, "GET /search"), a)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Mask(t.Context(), b); err != nil || !b.Volatile["/0"] {
		t.Errorf("%v %v", b.Volatile, err)
	}
	get := operation(t, tr, "GET /products/{product_id}")
	f, err := tr.Missing(t.Context(), get, a)
	if err != nil || f.Status != http.StatusNotFound {
		t.Fatalf("%+v %v", f, err)
	}
	own, err := tr.Baseline(t.Context(), get, a)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := tr.Send(t.Context(), own.Draft.Request())
	if err != nil || f.Is(mine) || own.Same(mine) != 1 {
		t.Errorf("%v: what is there looks like what is not, %v the same", err, own.Same(mine))
	}
	theirs, err := tr.Send(t.Context(), own.Draft.As(tr.Identities[1]).Request())
	if err != nil || !f.Is(theirs) {
		t.Errorf("%v: another's object looks not like what is not there", err)
	}
	if id := tr.Unused("17"); len(id) != 9 || tr.Unused("17") != id {
		t.Error(id)
	}
	if id := tr.Unused("00000000-0000-4000-8000-000000000000"); len(id) != 36 {
		t.Error(id)
	}
}

// The same seed asks for the same.
func TestSameSeed(t *testing.T) {
	run := func() []string {
		s := newShop()
		tr := probe(t, s, trial.Options{}, 0)
		tr.Run(t.Context(), nil)
		return s.asked
	}
	if a, b := run(), run(); !reflect.DeepEqual(a, b) {
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("request %d is %s, then %s", i, a[i], b[i])
			}
		}
		t.Fatalf("%d requests, then %d", len(a), len(b))
	}
}

// What an answer issues is a secret.
func TestIssued(t *testing.T) {
	tr := probe(t, newShop(), trial.Options{}, 0)
	b, err := tr.Baseline(t.Context(), operation(t, tr, "POST /login"), identity.Anonymous())
	if err != nil {
		t.Fatal(err)
	}
	if shown := tr.Secrets().Mask(string(b.Last.Body)); !strings.Contains(shown, "$ISSUED_") {
		t.Error(shown)
	}
	if line := tr.Client.Curl(b.Last.Request, tr.Secrets()); strings.Contains(line, "Pv7!") || !strings.Contains(line, "$PASSWORD_USER_A") {
		t.Error(line)
	}
}

// An account that is in use is neither deleted nor locked out, whoever asks.
func TestOwnAccount(t *testing.T) {
	users := map[string]string{} // id to e-mail
	password := map[string]string{}
	mux := http.NewServeMux()
	who := func(r *http.Request) string {
		return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer token-of-")
	}
	mux.HandleFunc("POST /users", func(w http.ResponseWriter, r *http.Request) {
		b := in(r)
		id := fmt.Sprint(len(users) + 1)
		users[id], password[fmt.Sprint(b["email"])] = fmt.Sprint(b["email"]), fmt.Sprint(b["password"])
		say(w, 201, map[string]any{"id": id, "email": b["email"]})
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		b := in(r)
		if password[fmt.Sprint(b["email"])] != b["password"] {
			w.WriteHeader(401)
			return
		}
		say(w, 200, map[string]any{"token": fmt.Sprint("token-of-", b["email"])})
	})
	one := func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("user_id")
		if users[id] == "" || r.Method != http.MethodDelete && users[id] != who(r) {
			w.WriteHeader(404)
			return
		}
		switch r.Method {
		case http.MethodPut:
			b := in(r)
			delete(password, users[id])
			users[id], password[fmt.Sprint(b["email"])] = fmt.Sprint(b["email"]), fmt.Sprint(b["password"])
		case http.MethodDelete: // of anybody
			delete(users, id)
		}
		say(w, 200, map[string]any{"id": id, "email": users[id]})
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		mux.HandleFunc(method+" /users/{user_id}", one)
	}
	var mu sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	body := `"security": [], "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["email", "password"], "properties": {"email": {"type": "string"}, "password": {"type": "string"}}}}}}`
	doc, err := openapi.Parse([]byte(`{"openapi": "3.1.0", "security": [{"b": []}], "paths": {"/users": {"post": {` + body + `}}, "/login": {"post": {` + body + `}},
		"/users/{user_id}": {"parameters": [{"name": "user_id", "in": "path", "schema": {"type": "string"}}], "get": {}, "delete": {}, "put": {` + strings.TrimPrefix(body, `"security": [], `) + `}}},
		"components": {"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse(srv.URL)
	client := traffic.New(traffic.Options{Base: base})
	t.Cleanup(client.Close)
	ids, _, err := identity.All(t.Context(), client, doc, nil, os.LookupEnv, 1)
	if err != nil || len(ids) != 2 || ids[0].ID != "1" {
		t.Fatalf("%v %+v", err, ids)
	}
	tr := trial.New(trial.Options{Client: client, Document: doc, Identities: ids})
	if _, uncovered := tr.Run(t.Context(), nil); len(uncovered) > 0 {
		t.Errorf("%v", uncovered)
	}
	own, err := tr.Draft(t.Context(), operation(t, tr, "GET /users/{user_id}"), ids[0], values.Full)
	if err != nil || own.Path["user_id"] != "1" || !own.Made[0].Account || len(own.Made[0].Marks) == 0 || own.Made[0].Made == nil {
		t.Errorf("%v %+v", err, own)
	}
	gone, err := tr.Draft(t.Context(), operation(t, tr, "DELETE /users/{user_id}"), ids[0], values.Full)
	if err != nil || gone.Path["user_id"] == "1" || gone.Who == ids[0] || !gone.Made[0].Account {
		t.Errorf("%v %+v", err, gone)
	}
	for _, i := range ids {
		if _, err := i.Again(t.Context(), client); err != nil {
			t.Error(err)
		}
	}
	if tr.Cleanup(t.Context()) != 0 || len(users) != 0 {
		t.Errorf("%v are left", users)
	}
}
