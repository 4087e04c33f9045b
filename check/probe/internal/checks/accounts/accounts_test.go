package accounts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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

// app is an API of accounts. Each fault can be put into it on its own.
type app struct {
	unknownUser, unknownReset, codeShown, conflict bool
	anyPassword, shortOnly, asciiOnly              bool
	noCurrent, wrongCurrent, keepSessions          bool
	admin, slow, unthrottled, locks, delays        bool
	reference                                      bool // of a reset, which is its code
	allowed                                        int  // logins of all, when it is not 0

	mu       sync.Mutex
	users    map[string]*user
	sessions map[string]*user
	n, asked int
}

type user struct {
	email, password string
	reference       string
	failed, version int
}

const document = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/register":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["email","password"],"properties":{"email":{"type":"string","format":"email"},"password":{"type":"string"}}}}}},"responses":{}}},
"/login":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["email","password"],"properties":{"email":{"type":"string"},"password":{"type":"string"}}}}}},"responses":{}}},
"/forgot-password":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["email"],"properties":{"email":{"type":"string"}}}}}},"responses":{}}},
"/reset-password":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["code","password"],"properties":{"code":{"type":"string"},"password":{"type":"string"}}}}}},"responses":{}}},
"/me":{"get":{"security":[{"b":[]}],"responses":{}}},
"/me/password":{"post":{"security":[{"b":[]}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["current_password","new_password"],"properties":{"current_password":{"type":"string"},"new_password":{"type":"string"}}}}}},"responses":{}}}}}`

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	var m map[string]string
	_ = json.NewDecoder(r.Body).Decode(&m)
	good := func(p string) bool {
		switch {
		case a.asciiOnly && strings.ContainsFunc(p, func(c rune) bool { return c > 126 }), a.shortOnly && len(p) > 32:
			return false
		case a.anyPassword:
			return p != ""
		}
		return len(p) >= 8 && p != "Password1!" && p != "12345678"
	}
	switch r.URL.Path {
	case "/register":
		if !good(m["password"]) || m["email"] == "" {
			answer(422, nil)
			return
		}
		if a.users[m["email"]] != nil {
			if a.conflict {
				answer(409, nil)
				return
			}
		} else {
			a.users[m["email"]] = &user{email: m["email"], password: m["password"]}
		}
		answer(201, map[string]any{"message": "look into your mail"})
		return
	case "/login":
		if a.asked++; a.allowed > 0 && a.asked > a.allowed {
			w.Header().Set("Retry-After", "60")
			answer(429, nil)
			return
		}
		u := a.users[m["email"]]
		if a.slow && u != nil && u.password != m["password"] {
			a.mu.Unlock()
			time.Sleep(45 * time.Millisecond)
			a.mu.Lock()
		}
		if u == nil {
			if a.admin && m["email"] == "admin" && m["password"] == "admin123" {
				answer(200, map[string]any{"access_token": "of-the-admin"})
				return
			}
			detail := "wrong e-mail or password"
			if a.unknownUser {
				detail = "no account " + m["email"]
			}
			answer(401, map[string]any{"detail": detail, "trace": fmt.Sprint(time.Now().UnixNano())})
			return
		}
		if !a.unthrottled && u.failed >= 8 && u.password != m["password"] {
			switch {
			case a.delays:
				a.mu.Unlock()
				time.Sleep(350 * time.Millisecond)
				a.mu.Lock()
			case a.locks:
			default:
				w.Header().Set("Retry-After", "60")
				answer(429, nil)
				return
			}
		}
		if u.password != m["password"] || a.locks && u.failed > 8 {
			u.failed++
			answer(401, map[string]any{"detail": "wrong e-mail or password", "trace": fmt.Sprint(time.Now().UnixNano())})
			return
		}
		a.n++
		token := fmt.Sprintf("session-%d-%d", a.n, u.version)
		a.sessions[token] = u
		answer(200, map[string]any{"access_token": token})
		return
	case "/forgot-password":
		u := a.users[m["email"]]
		switch {
		case u == nil && a.unknownReset:
			answer(404, nil)
		case u == nil && a.reference:
			answer(200, map[string]any{"message": "a code was sent, if there is such an account", "reference": "none"})
		case u != nil && a.reference:
			a.n++
			u.reference = fmt.Sprintf("ref-%d-%d", a.n, len(u.email))
			answer(200, map[string]any{"message": "a code was sent, if there is such an account", "reference": u.reference})
		case u != nil && a.codeShown:
			answer(200, map[string]any{"message": "a code was sent", "reset_token": "739120"})
		default:
			answer(200, map[string]any{"message": "a code was sent, if there is such an account"})
		}
		return
	}
	if r.URL.Path == "/reset-password" {
		for _, u := range a.users {
			if u.reference != "" && u.reference == m["code"] {
				u.password, u.reference = m["password"], ""
				answer(204, nil)
				return
			}
		}
		answer(400, nil)
		return
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	u := a.sessions[token]
	if u == nil || !strings.HasSuffix(token, fmt.Sprintf("-%d", u.version)) && !a.keepSessions {
		answer(401, nil)
		return
	}
	switch r.URL.Path {
	case "/me":
		answer(200, map[string]any{"email": u.email})
	case "/me/password":
		current, given := m["current_password"]
		switch {
		case !good(m["new_password"]), !given && !a.noCurrent, given && current != u.password && !a.wrongCurrent:
			answer(422, nil)
			return
		}
		u.password = m["new_password"]
		u.version++
		answer(200, map[string]any{"ok": true})
	}
}

func run(t *testing.T, a *app, check string) []trial.Result {
	t.Helper()
	a.users, a.sessions = map[string]*user{}, map[string]*user{}
	srv := httptest.NewServer(a)
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	doc, err := openapi.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base})
	defer client.Close()
	ids, notes, err := identity.All(t.Context(), client, doc, nil, nil, 5)
	if err != nil || len(ids) < 2 {
		t.Fatalf("%d identities: %v %v", len(ids), err, notes)
	}
	tr := trial.New(trial.Options{Client: client, Document: doc, Identities: ids, Seed: 5, Intrusive: true})
	defer tr.Close()
	out, _ := tr.Run(t.Context(), slices.DeleteFunc(Checks(), func(c *trial.Check) bool { return c.ID != check && check != "" }))
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range out {
		for _, e := range r.Shown {
			line := client.Curl(e.Request, tr.Secrets())
			for _, u := range a.users {
				if len(u.password) > 12 && strings.Contains(line, u.password) && strings.HasPrefix(u.password, "Pv7!") {
					t.Errorf("%s shows a password: %s", r.Check.ID, line)
				}
			}
		}
	}
	t.Logf("%d requests", client.Sent())
	return out
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, check, operation string
		app                    *app
		want                   trial.Verdict
		severity               finding.Severity
	}{
		{"no account", "probe/user-enumeration", "POST /login", &app{unknownUser: true}, trial.Fail, 0},
		{"no account to reset", "probe/user-enumeration", "POST /forgot-password", &app{unknownReset: true}, trial.Fail, 0},
		{"an account is taken", "probe/user-enumeration", "POST /register", &app{conflict: true}, trial.Fail, finding.Low},
		{"one answer for all logins", "probe/user-enumeration", "POST /login", &app{}, trial.Pass, 0},
		{"one answer for all resets", "probe/user-enumeration", "POST /forgot-password", &app{}, trial.Pass, 0},
		{"a code", "probe/reset-code", "POST /forgot-password", &app{codeShown: true}, trial.Fail, 0},
		{"a reference that is the code", "probe/reset-code", "POST /forgot-password", &app{reference: true}, trial.Fail, finding.Critical},
		{"no reference for no account", "probe/user-enumeration", "POST /forgot-password", &app{reference: true}, trial.Fail, 0},
		{"no code", "probe/reset-code", "POST /forgot-password", &app{}, trial.Pass, 0},
		{"any password", "probe/weak-passwords", "POST /register", &app{anyPassword: true}, trial.Fail, 0},
		{"good passwords", "probe/weak-passwords", "POST /register", &app{}, trial.Pass, 0},
		{"short passwords alone", "probe/long-passwords", "POST /register", &app{shortOnly: true}, trial.Fail, 0},
		{"ASCII alone", "probe/long-passwords", "POST /register", &app{asciiOnly: true}, trial.Fail, 0},
		{"long passwords", "probe/long-passwords", "POST /register", &app{}, trial.Pass, 0},
		{"without the old one", "probe/password-change-current", "POST /me/password", &app{noCurrent: true}, trial.Fail, 0},
		{"with a wrong one", "probe/password-change-current", "POST /me/password", &app{wrongCurrent: true}, trial.Fail, 0},
		{"with the old one", "probe/password-change-current", "POST /me/password", &app{}, trial.Pass, 0},
		{"sessions are kept", "probe/password-change-revokes", "POST /me/password", &app{keepSessions: true}, trial.Fail, 0},
		{"sessions end", "probe/password-change-revokes", "POST /me/password", &app{}, trial.Pass, 0},
		{"admin, admin123", "probe/default-accounts", "POST /login", &app{admin: true}, trial.Fail, 0},
		{"no such account", "probe/default-accounts", "POST /login", &app{}, trial.Pass, 0},
		{"slower for who exists", "probe/user-timing", "POST /login", &app{slow: true, unthrottled: true}, trial.Fail, 0},
		{"as fast", "probe/user-timing", "POST /login", &app{unthrottled: true}, trial.Pass, 0},
		{"throttled too early to tell", "probe/user-timing", "POST /login", &app{}, trial.Inconclusive, 0},
		{"as often as one likes", "probe/login-throttled", "POST /login", &app{unthrottled: true}, trial.Fail, 0},
		{"429", "probe/login-throttled", "POST /login", &app{}, trial.Pass, 0},
		{"429 before a new user is in", "probe/login-throttled", "POST /login", &app{allowed: 2}, trial.Pass, 0},
		{"locked without a word", "probe/login-throttled", "POST /login", &app{locks: true}, trial.Pass, 0},
		{"slower and slower", "probe/login-throttled", "POST /login", &app{delays: true}, trial.Pass, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			results := run(t, c.app, c.check)
			i := slices.IndexFunc(results, func(r trial.Result) bool { return r.Operation == c.operation })
			if i < 0 {
				t.Fatalf("nothing of %s in %+v", c.operation, results)
			}
			r := results[i]
			if r.Verdict != c.want || c.severity != finding.Unknown && r.Severity != c.severity {
				t.Fatalf("%v %v, want %v: got %q, reason %q", r.Verdict, r.Severity, c.want, r.Got, r.Reason)
			}
			if r.Verdict == trial.Fail && len(r.Shown) == 0 {
				t.Error("nothing shows it")
			}
		})
	}
}

func TestWellMade(t *testing.T) {
	for _, r := range run(t, &app{}, "") {
		if r.Verdict == trial.Fail || r.Verdict == trial.Suspect {
			t.Errorf("%s %s: %v %s", r.Check.ID, r.Operation, r.Verdict, r.Got)
		}
	}
}

// Users of others are not locked out, nor is anything tried on their accounts.
func TestUsersOfOthers(t *testing.T) {
	a := &app{users: map[string]*user{"x@example.com": {email: "x@example.com", password: "secret-of-x"}}, sessions: map[string]*user{}}
	srv := httptest.NewServer(a)
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	doc, err := openapi.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base})
	who := &identity.Identity{Name: "x", Header: http.Header{"Authorization": {"Bearer x"}}, Login: &identity.Login{Path: "/login", Type: "application/json", Username: "x@example.com", Password: "secret-of-x", UsernameField: "email", PasswordField: "password", Extract: "/access_token"}}
	tr := trial.New(trial.Options{Client: client, Document: doc, Identities: []*identity.Identity{who}, Seed: 5, Intrusive: true})
	defer tr.Close()
	tr.Run(t.Context(), Checks())
	if u := a.users["x@example.com"]; u.failed != 0 || u.password != "secret-of-x" {
		t.Errorf("%+v", u)
	}
}
