package authentication

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

const renewalDocument = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/register":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["username","password"],"properties":{"username":{"type":"string"},"password":{"type":"string"}}}}}},"responses":{}}},
"/login":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["username","password"],"properties":{"username":{"type":"string"},"password":{"type":"string"}}}}}},"responses":{}}},
"/me":{"get":{"security":[{"b":[]}],"responses":{}}},
"/auth/refresh":{"post":{"requestBody":{"required":true,"content":{"%s":{"schema":{"type":"object","required":["%s"],"properties":{"%s":{"type":"string"}}}}}},"responses":{}}}}}`

// renewer renews tokens: each once, and whoever sends one again loses all
// sessions.
type renewer struct {
	decodes, none, claims, anyToken, soft, opaque, breaks bool
	unsealed                                              bool // what was signed is looked up, and not how
	strict                                                bool // no token works after one was wrong

	mu                sync.Mutex
	n                 int
	used, ended, seen map[string]bool
	wrong             bool
}

const renewalKey = "0f3c9a51b7d24e86a2c1f7e95d3b8046-not-to-be-guessed"

func (a *renewer) issue(user string) map[string]any {
	a.n++
	token := fmt.Sprintf("opaque-refresh-%s-%d", user, a.n)
	if !a.opaque {
		token = hs(map[string]any{"alg": "HS256", "typ": "JWT"}, map[string]any{"sub": user, "jti": fmt.Sprint(a.n), "role": "user"}, "HS256", []byte(renewalKey))
	}
	access := fmt.Sprintf("access.%s.%d-0123456789", user, a.n)
	a.seen[access], a.seen[token] = true, true
	return map[string]any{"access_token": access, "refresh_token": token, "token_type": "bearer"}
}

// owner is whose token it is, and which; empty is nobody's.
func (a *renewer) owner(token string) (user, id string) {
	if a.opaque {
		parts := strings.Split(token, "-")
		if !a.seen[token] || len(parts) != 4 {
			return "", ""
		}
		return parts[2], token
	}
	j, ok := parse(token)
	if !ok {
		return "", ""
	}
	good := a.seen[token] || a.decodes || a.none && j.alg() == "none" && j.sig == "" || a.claims && strings.HasSuffix(token, j.sig) && j.alg() == "HS256" && fmt.Sprint(j.claims["pv"]) == "1"
	for seen := range a.seen {
		good = good || a.unsealed && j.sig != "" && strings.HasPrefix(seen, j.rawHead+"."+j.rawBody+".")
	}
	if !good {
		return "", ""
	}
	return fmt.Sprint(j.claims["sub"]), fmt.Sprint(j.claims["jti"])
}

func (a *renewer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	m := map[string]string{}
	if strings.Contains(r.Header.Get("Content-Type"), "form") {
		_ = r.ParseForm()
		for k := range r.PostForm {
			m[k] = r.PostForm.Get(k)
		}
	} else {
		_ = json.NewDecoder(r.Body).Decode(&m)
	}
	switch r.URL.Path {
	case "/register":
		answer(201, map[string]any{"username": m["username"]})
	case "/login":
		answer(200, a.issue(m["username"]))
	case "/me":
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		user := strings.Split(token+"..", ".")[1]
		if !a.seen[token] || a.ended[user] {
			answer(401, nil)
			return
		}
		answer(200, map[string]any{"name": user})
	case "/auth/refresh":
		token := ""
		for _, name := range []string{"refresh_token", "refreshToken", "token"} {
			token += m[name]
		}
		user, id := a.owner(token)
		switch {
		case a.anyToken:
			answer(200, a.issue("anybody"))
		case user == "" && a.soft:
			answer(200, map[string]any{"error": "invalid token", "token": token})
		case a.breaks && !a.seen[token] && strings.HasPrefix(token, "eyJ"):
			answer(500, nil)
		case user == "" || a.strict && a.wrong:
			a.wrong = true
			answer(401, map[string]any{"detail": "invalid"})
		case a.used[id]:
			a.ended[user] = true
			answer(401, map[string]any{"detail": "used"})
		default:
			a.used[id] = true
			answer(200, a.issue(user))
		}
	}
}

func TestRenewals(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		app         *renewer
		kind, field string
		want        trial.Verdict
	}{
		"verified":              {&renewer{}, "application/json", "refresh_token", trial.Pass},
		"verified, in a form":   {&renewer{}, form, "refresh_token", trial.Pass},
		"decoded":               {&renewer{decodes: true}, "application/json", "refreshToken", trial.Fail},
		"decoded, in a form":    {&renewer{decodes: true}, form, "token", trial.Fail},
		"none is an algorithm":  {&renewer{none: true}, "application/json", "token", trial.Fail},
		"any signature":         {&renewer{unsealed: true}, "application/json", "refresh_token", trial.Fail},
		"other claims":          {&renewer{claims: true}, "application/json", "refresh_token", trial.Fail},
		"any token":             {&renewer{anyToken: true}, "application/json", "refresh_token", trial.Inconclusive},
		"200 for what is wrong": {&renewer{soft: true}, "application/json", "refresh_token", trial.Inconclusive},
		"breaks":                {&renewer{breaks: true}, "application/json", "refresh_token", trial.Suspect},
		"refuses all then":      {&renewer{strict: true}, "application/json", "refresh_token", trial.Inconclusive},
		"no JWT":                {&renewer{opaque: true}, "application/json", "refresh_token", trial.NotApplicable},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.app
			a.used, a.ended, a.seen = map[string]bool{}, map[string]bool{}, map[string]bool{}
			token := fmt.Sprint(a.issue("alice")["access_token"])
			who := trialtest.Bearer("alice", token)
			who.Login = &identity.Login{Path: "/login", Type: "application/json", Username: "alice", Password: "pw", UsernameField: "username", PasswordField: "password", Extract: "/access_token"}
			tr := trialtest.New(t, fmt.Sprintf(renewalDocument, c.kind, c.field, c.field), a, who)
			for _, r := range trialtest.Run(t, tr, Checks(), "probe/jwt-signature") {
				if r.Operation != "POST /auth/refresh" {
					continue
				}
				if r.Verdict != c.want {
					t.Fatalf("%v, want %v: got %q, reason %q", r.Verdict, c.want, r.Got, r.Reason)
				}
				if r.Verdict == trial.Fail {
					if len(r.Shown) != 1 {
						t.Error("nothing shows it")
					}
					for _, e := range r.Shown {
						body := string(e.Request.Body)
						for used := range a.seen {
							if len(used) > 30 && strings.Contains(body, used) {
								t.Error("it is shown by a token that works")
							}
						}
					}
				}
				return
			}
			t.Fatal("nothing of POST /auth/refresh")
		})
	}
}
