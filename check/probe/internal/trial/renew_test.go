package trial_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// sessions are an API whose tokens renew others once: one that is sent again
// ends all that its user has.
type sessions struct {
	bare bool // logins give no token that renews others

	mu     sync.Mutex
	n      int
	owner  map[string]string // of tokens
	pair   map[string]string // what renews a token
	used   map[string]bool
	ended  map[string]bool // users
	logins map[string]int
}

func (a *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	issue := func(user string) map[string]any {
		a.n++
		access, refresh := fmt.Sprintf("access-0123456789-%d", a.n), fmt.Sprintf("refresh-0123456789-%d", a.n)
		a.owner[access], a.owner[refresh], a.pair[access] = user, user, refresh
		if a.bare {
			return map[string]any{"access_token": access}
		}
		return map[string]any{"access_token": access, "refresh_token": refresh}
	}
	var m map[string]string
	_ = json.NewDecoder(r.Body).Decode(&m)
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	caller := a.owner[token]
	refresh := m["refresh_token"]
	switch r.URL.Path {
	case "/register":
		answer(201, map[string]any{"ok": true})
	case "/login":
		a.logins[m["email"]]++
		answer(200, issue(m["email"]))
	case "/me":
		if caller == "" || a.ended[caller] {
			answer(401, nil)
			return
		}
		answer(200, map[string]any{"email": caller})
	case "/refresh", "/me/refresh":
		user := a.owner[refresh]
		switch {
		case user == "" || !strings.HasPrefix(refresh, "refresh"), r.URL.Path == "/me/refresh" && caller != user:
			answer(401, nil)
		case a.used[refresh]:
			a.ended[user] = true
			answer(401, nil)
		default:
			a.used[refresh] = true
			answer(200, issue(user))
		}
	case "/logout":
		if caller == "" || a.pair[token] != refresh {
			answer(401, nil)
			return
		}
		answer(200, map[string]any{"ok": true})
	}
}

// enrolled is a trial with two users of the API.
func (a *sessions) enrolled(t *testing.T) *trial.Trial {
	t.Helper()
	a.owner, a.pair, a.used, a.ended, a.logins = map[string]string{}, map[string]string{}, map[string]bool{}, map[string]bool{}, map[string]int{}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	base, _ := url.Parse(srv.URL)
	account := `{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["email","password"],"properties":{"email":{"type":"string","format":"email"},"password":{"type":"string"}}}}}}}}`
	renews := `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["refresh_token"],"properties":{"refresh_token":{"type":"string"}}}}}}`
	doc, err := openapi.Parse([]byte(`{"openapi":"3.1.0","components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
		"/register":` + account + `,"/login":` + account + `,"/me":{"get":{"security":[{"b":[]}]}},
		"/refresh":{"post":{` + renews + `}},"/me/refresh":{"post":{"security":[{"b":[]}],` + renews + `}},"/logout":{"post":{"security":[{"b":[]}],` + renews + `}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base})
	t.Cleanup(client.Close)
	ids, notes, err := identity.All(t.Context(), client, doc, nil, nil, 5)
	if err != nil || len(ids) != 2 {
		t.Fatalf("%d identities: %v %v", len(ids), err, notes)
	}
	return trial.New(trial.Options{Client: client, Document: doc, Identities: ids, Seed: 5})
}

func TestRenewals(t *testing.T) {
	a := &sessions{}
	tr := a.enrolled(t)
	for _, name := range []string{"POST /refresh", "POST /me/refresh", "POST /logout"} {
		op := operation(t, tr, name)
		b, err := tr.Baseline(t.Context(), op, tr.Caller(op))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// Its token was used: this ends the sessions of the user that it is of.
		if _, err := tr.Send(t.Context(), b.Draft.Request()); err != nil {
			t.Fatal(err)
		}
		for secret := range a.used {
			if !strings.Contains(tr.Client.Curl(b.Draft.Request(), tr.Secrets()), secret) {
				continue
			}
			t.Errorf("%s shows a token", name)
		}
	}
	if len(a.ended) == 0 {
		t.Error("no token was sent twice, and nothing is tested")
	}
	for _, who := range tr.Identities {
		if a.ended[who.Login.Username] || a.logins[who.Login.Username] != 1 {
			t.Errorf("%s: %d logins, ended %v", who.Name, a.logins[who.Login.Username], a.ended)
		}
	}
}

func TestRenewalsAreBounded(t *testing.T) {
	a := &sessions{}
	tr := a.enrolled(t)
	op := operation(t, tr, "POST /refresh")
	seen := map[string]bool{}
	var err error
	for range 100 {
		d, no := tr.Draft(t.Context(), op, identity.Anonymous(), values.Full)
		if err = no; err != nil {
			break
		}
		seen[string(d.Request().Body)] = true
	}
	if err == nil || len(seen) != 60 {
		t.Errorf("%d tokens, then %v", len(seen), err)
	}
}

// Where logins give no such token, that is found out once.
func TestNoRenewals(t *testing.T) {
	a := &sessions{bare: true}
	tr := a.enrolled(t)
	for range 5 {
		if _, err := tr.Draft(t.Context(), operation(t, tr, "POST /refresh"), identity.Anonymous(), values.Full); err != nil {
			t.Fatal(err)
		}
	}
	if all := len(a.logins); all != 3 { // the user who was registered to be spent logs in twice
		t.Errorf("%v", a.logins)
	}
	for _, n := range a.logins {
		if n > 2 {
			t.Errorf("%v", a.logins)
		}
	}
}

func TestRenewField(t *testing.T) {
	for _, c := range []struct{ path, method, kind, field, want string }{
		{"/session", "post", "application/json", "refresh_token", "refresh_token"},
		{"/session", "post", "application/x-www-form-urlencoded", "refreshToken", "refreshToken"},
		{"/token/refresh", "post", "application/json", "refresh", "refresh"},
		{"/token/refresh", "post", "application/json", "token", "token"},
		{"/push", "post", "application/json", "token", ""},
		{"/session", "put", "application/json", "refresh_token", ""},
		{"/session", "post", "multipart/form-data", "refresh_token", ""},
		{"/feeds/{id}/refresh", "post", "application/json", "token", ""},
	} {
		doc, err := openapi.Parse([]byte(fmt.Sprintf(`{"openapi":"3.1.0","paths":{%q:{%q:{"requestBody":{"content":{%q:{"schema":{"type":"object","properties":{%q:{"type":"string"}}}}}}}}}}`, c.path, c.method, c.kind, c.field)))
		if err != nil {
			t.Fatal(err)
		}
		if got := trial.RenewField(doc.Operations[0]); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
