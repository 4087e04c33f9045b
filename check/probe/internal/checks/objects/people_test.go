package objects

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

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// people is an API of accounts.
type people struct {
	registerRole, patchRole, passwordOfOthers, emailOfOthers bool
	// patchAny takes all that an account has: with another id its token is
	// nobody's, and without is_active it is shut out. fussy fails at flags.
	patchAny, fussy bool

	mu    sync.Mutex
	users map[string]map[string]any
}

const peopleDocument = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/register":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["username","email","password"],"properties":{"username":{"type":"string"},"email":{"type":"string"},"password":{"type":"string"}}}}}},"responses":{}}},
"/login":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["username","password"],"properties":{"username":{"type":"string"},"password":{"type":"string"}}}}}},"responses":{}}},
"/me":{"get":{"security":[{"b":[]}],"responses":{}},"patch":{"security":[{"b":[]}],"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"bio":{"type":"string"}}}}}},"responses":{}}},
"/users/{username}/password":{"put":{"security":[{"b":[]}],"parameters":[{"name":"username","in":"path","required":true,"schema":{"type":"string"}}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["password"],"properties":{"password":{"type":"string"}}}}}},"responses":{}}},
"/users/{username}/email":{"put":{"security":[{"b":[]}],"parameters":[{"name":"username","in":"path","required":true,"schema":{"type":"string"}}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["email"],"properties":{"email":{"type":"string"}}}}}},"responses":{}}}}}`

func (p *people) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	body := map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&body)
	name, _ := body["username"].(string)
	switch r.URL.Path {
	case "/register":
		if p.users[name] != nil || name == "" {
			answer(409, nil)
			return
		}
		u := map[string]any{"username": name, "email": body["email"], "password": body["password"], "role": "user", "bio": "", "id": 7, "is_active": true, "status": "active"}
		if v, ok := body["role"]; ok && p.registerRole {
			u["role"] = v
		}
		p.users[name] = u
		answer(201, map[string]any{"username": name})
		return
	case "/login":
		if u := p.users[name]; u == nil || u["password"] != body["password"] {
			answer(401, nil)
			return
		}
		answer(200, map[string]any{"access_token": "token-of-" + name})
		return
	}
	me := p.users[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer token-of-")]
	if me == nil || fmt.Sprint(me["id"]) != "7" || me["is_active"] != true || me["status"] != "active" {
		answer(401, nil)
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "me" && r.Method == "PATCH":
		if v, ok := body["bio"]; ok {
			me["bio"] = v
		}
		if v, ok := body["role"]; ok && p.patchRole {
			me["role"] = v
		}
		for k := range body {
			if _, has := me[k]; p.fussy && !has {
				answer(500, nil)
				return
			}
		}
		for k, v := range body {
			if _, has := me[k]; p.patchAny && has {
				me[k] = v
			}
		}
		fallthrough
	case parts[0] == "me":
		answer(200, map[string]any{"username": me["username"], "email": me["email"], "role": me["role"], "bio": me["bio"], "id": me["id"], "is_active": me["is_active"], "status": me["status"]})
	default:
		u := p.users[parts[1]]
		anybody := parts[2] == "password" && p.passwordOfOthers || parts[2] == "email" && p.emailOfOthers
		if u == nil || fmt.Sprint(u["username"]) != fmt.Sprint(me["username"]) && !anybody {
			answer(404, nil)
			return
		}
		u[parts[2]] = body[parts[2]]
		answer(200, nil)
	}
}

func TestPeople(t *testing.T) {
	for _, c := range []struct {
		name, check, operation string
		p                      *people
		want                   trial.Verdict
		severity               finding.Severity
	}{
		{"registers as administrator", "probe/mass-assignment", "POST /register", &people{registerRole: true}, trial.Fail, finding.Critical},
		{"registers as a user", "probe/mass-assignment", "POST /register", &people{}, trial.Pass, 0},
		{"becomes administrator", "probe/mass-assignment", "PATCH /me", &people{patchRole: true}, trial.Fail, finding.Critical},
		{"becomes anything", "probe/mass-assignment", "PATCH /me", &people{patchAny: true}, trial.Fail, finding.Critical},
		{"becomes anything that it knows", "probe/mass-assignment", "PATCH /me", &people{patchAny: true, fussy: true}, trial.Fail, finding.Critical},
		{"stays a user", "probe/mass-assignment", "PATCH /me", &people{}, trial.Pass, 0},
		{"another's password", "probe/bola-write", "PUT /users/{username}/password", &people{passwordOfOthers: true}, trial.Fail, finding.Critical},
		{"another's e-mail", "probe/bola-write", "PUT /users/{username}/email", &people{emailOfOthers: true}, trial.Fail, finding.Critical},
		{"one's own password alone", "probe/bola-write", "PUT /users/{username}/password", &people{}, trial.Pass, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.p.users = map[string]map[string]any{}
			srv := httptest.NewServer(c.p)
			defer srv.Close()
			base, _ := url.Parse(srv.URL)
			doc, err := openapi.Parse([]byte(peopleDocument))
			if err != nil {
				t.Fatal(err)
			}
			client := traffic.New(traffic.Options{Base: base})
			ids, notes, err := identity.All(t.Context(), client, doc, nil, nil, 1)
			if err != nil || len(ids) < 2 {
				t.Fatalf("%d identities: %v %v", len(ids), err, notes)
			}
			tr := trial.New(trial.Options{Client: client, Document: doc, Identities: ids, Seed: 1})
			defer tr.Close()
			results, _ := tr.Run(t.Context(), slices.DeleteFunc(Checks(), func(k *trial.Check) bool { return k.ID != c.check }))
			r, ok := find(results, c.operation)
			if !ok || r.Verdict != c.want || r.Severity != c.severity && c.severity != 0 {
				t.Fatalf("%v %v %v: got %q, reason %q", ok, r.Verdict, r.Severity, r.Got, r.Reason)
			}
		})
	}
}
