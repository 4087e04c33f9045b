package authentication

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
)

// An issuer gives tokens that end, with scopes.
type issuer struct {
	// jwt tokens say what they have, and told is said by the answer.
	jwt, told bool
	// ignores what is asked for, and gives all scopes.
	ignores bool
	// forgets are operations that do not compare scopes; strangers are let into
	// open ones, and any token into lax ones.
	forgets, open, lax []string
	refuse             int
	// lives is how long tokens do, if they end; endless ones are taken after
	// that.
	lives   time.Duration
	endless bool

	mu     sync.Mutex
	tokens map[string]granted
	logins int
}

type granted struct {
	scopes []string
	ends   time.Time
}

const scopedDocument = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},
"components":{"securitySchemes":{"o":{"type":"oauth2","flows":{"password":{"tokenUrl":"token","scopes":{"me":"","items:read":"","items:write":"","reports":""}}}}}},"paths":{
"/token":{"post":{"requestBody":{"required":true,"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","required":["username","password"],"properties":{"username":{"type":"string"},"password":{"type":"string"},"scope":{"type":"string"}}}}}},"responses":{}}},
"/me":{"get":{"security":[{"o":["me"]}],"responses":{}}},
"/items":{"get":{"security":[{"o":["items:read"]}],"responses":{}},"post":{"security":[{"o":["items:write"]}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},"responses":{}}},
"/reports":{"get":{"security":[{"o":["reports"]}],"responses":{}}}}}`

var needs = map[string]string{"GET /me": "me", "GET /items": "items:read", "POST /items": "items:write", "GET /reports": "reports"}

func (a *issuer) issue(scopes []string) (token string, life time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logins++
	life = time.Hour
	if a.lives > 0 {
		life = a.lives
	}
	now := time.Now()
	token = fmt.Sprintf("opaque-%d-0f3c9a51b7d24e86", a.logins)
	if a.jwt {
		claims := map[string]any{"sub": "alice", "jti": fmt.Sprint(a.logins), "iat": now.Unix(), "exp": now.Add(life).Unix()}
		if a.told {
			claims["scope"] = strings.Join(scopes, " ")
		}
		token = hs(map[string]any{"alg": "HS256", "typ": "JWT"}, claims, "HS256", []byte("0f3c9a51b7d24e86a2c1f7e95d3b8046-not-to-be-guessed"))
	}
	a.tokens[token] = granted{scopes, now.Add(life)}
	return token, life
}

func (a *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	name := r.Method + " " + r.URL.Path
	if name == "POST /token" {
		_ = r.ParseForm()
		if r.PostForm.Get("password") != "pw" {
			answer(400, map[string]string{"error": "invalid_grant"})
			return
		}
		scopes := strings.Fields(r.PostForm.Get("scope"))
		if a.ignores {
			scopes = []string{"me", "items:read", "items:write", "reports"}
		}
		token, life := a.issue(scopes)
		out := map[string]any{"access_token": token, "token_type": "bearer", "expires_in": life.Seconds()}
		if a.told {
			out["scope"] = strings.Join(scopes, " ")
		}
		answer(200, out)
		return
	}
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a.mu.Lock()
	g, ok := a.tokens[token]
	a.mu.Unlock()
	ok = ok && (a.endless || time.Now().Before(g.ends))
	switch {
	case needs[name] == "":
		answer(404, nil)
		return
	case slices.Contains(a.open, name), token != "" && slices.Contains(a.lax, name):
	case !ok:
		answer(401, map[string]string{"detail": "who are you"})
		return
	case !slices.Contains(g.scopes, needs[name]) && !slices.Contains(a.forgets, name):
		status := 403
		if a.refuse > 0 {
			status = a.refuse
		}
		answer(status, map[string]string{"detail": "not enough permissions"})
		return
	}
	if r.Method == "POST" {
		answer(201, map[string]any{"id": 1, "name": "x"})
		return
	}
	answer(200, map[string]any{"name": "alice", "path": r.URL.Path})
}

// runIssuer runs one check. The user's own login asks for all scopes, or for
// none.
func runIssuer(t *testing.T, a *issuer, check, scope string) (map[string]trial.Result, int) {
	t.Helper()
	a.tokens = map[string]granted{}
	srv := httptest.NewServer(a)
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	doc, err := openapi.Parse([]byte(scopedDocument))
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base})
	defer client.Close()
	who := &identity.Identity{Name: "alice", Login: &identity.Login{
		Path: "/token", Type: "application/x-www-form-urlencoded", Username: "alice", Password: "pw", UsernameField: "username", PasswordField: "password", Extract: "/access_token",
	}}
	if scope != "" {
		who.Login.More = map[string]string{"scope": scope}
	}
	if err := who.LogIn(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	tr := trial.New(trial.Options{Client: client, Document: doc, Identities: []*identity.Identity{who}, Seed: 5})
	defer tr.Close()
	results, _ := tr.Run(t.Context(), slices.DeleteFunc(Checks(), func(c *trial.Check) bool { return c.ID != check }))
	out := map[string]trial.Result{}
	for _, r := range results {
		out[r.Operation] = r
		for _, e := range r.Shown {
			line := client.Curl(e.Request, tr.Secrets())
			for token := range a.tokens {
				if strings.Contains(line, token) {
					t.Errorf("%s shows a token: %s", r.Check.ID, line)
				}
			}
		}
	}
	return out, a.logins
}

func TestScopes(t *testing.T) {
	const all = "me items:read items:write reports"
	forgets := []string{"GET /reports", "POST /items"}
	for _, c := range []struct {
		name, scope string
		app         *issuer
		// Of the two operations, and of one that does compare.
		reports, items, read trial.Verdict
	}{
		{"sound", all, &issuer{told: true, jwt: true}, trial.Pass, trial.Pass, trial.Pass},
		{"sound, and the user's own login asks for nothing", "", &issuer{told: true}, trial.Pass, trial.Pass, trial.Pass},
		{"sound, with 401", all, &issuer{refuse: 401}, trial.Pass, trial.Pass, trial.Pass},
		{"forgotten, and the token says so", all, &issuer{told: true, jwt: true, forgets: forgets}, trial.Fail, trial.Fail, trial.Pass},
		{"forgotten, and the user's own login asks for nothing", "", &issuer{told: true, forgets: forgets}, trial.Fail, trial.Fail, trial.Pass},
		{"forgotten, and another operation shows it", all, &issuer{forgets: forgets}, trial.Fail, trial.Fail, trial.Pass},
		{"nothing tells that a scope is missing", all, &issuer{forgets: []string{"GET /me", "GET /reports", "POST /items", "GET /items"}}, trial.Inconclusive, trial.Inconclusive, trial.Inconclusive},
		{"all scopes whatever is asked for, in silence", all, &issuer{ignores: true}, trial.Inconclusive, trial.Inconclusive, trial.Inconclusive},
		{"all scopes whatever is asked for, and it is said", all, &issuer{ignores: true, told: true}, trial.NotApplicable, trial.NotApplicable, trial.NotApplicable},
		{"open", all, &issuer{told: true, open: forgets}, trial.NotApplicable, trial.NotApplicable, trial.Pass},
		{"any token", all, &issuer{told: true, lax: forgets}, trial.NotApplicable, trial.NotApplicable, trial.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := runIssuer(t, c.app, "probe/scope-enforced", c.scope)
			for op, want := range map[string]trial.Verdict{"GET /reports": c.reports, "POST /items": c.items, "GET /items": c.read} {
				r, ok := got[op]
				if !ok || r.Verdict != want {
					t.Errorf("%s: %v, want %v: %s %s", op, r.Verdict, want, r.Got, r.Reason)
				}
				if r.Verdict == trial.Fail && (len(r.Shown) != 2 || !strings.Contains(r.Got, "scope me alone")) {
					t.Errorf("%s: %s", op, r.Got)
				}
			}
		})
	}
}

func TestImplies(t *testing.T) {
	for pair, want := range map[string]bool{
		"a a": true, "* x": true, "items items:read": true, "items:* items:read": true, "items:write items:read": true, "admin users": true,
		"items:read items:write": false, "me messages": false, "item items:read": false, "reports:read items:read": false,
	} {
		has, wanted, _ := strings.Cut(pair, " ")
		if implies(has, wanted) != want {
			t.Errorf("%s is not %v", pair, want)
		}
	}
}

func TestTokenEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		app  *issuer
		want trial.Verdict
	}{
		{"a JWT that ends", &issuer{jwt: true, lives: time.Second}, trial.Pass},
		{"a JWT that does not", &issuer{jwt: true, lives: time.Second, endless: true}, trial.Fail},
		{"a session that ends", &issuer{lives: time.Second}, trial.Pass},
		{"a session that does not", &issuer{lives: time.Second, endless: true}, trial.Fail},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !c.app.endless {
				c.app.lives = 3 * time.Second // so that the run has time to begin
			}
			got, _ := runIssuer(t, c.app, "probe/token-ends", "me items:read items:write reports")
			if r := got["GET /items"]; len(got) != 1 || r.Verdict != c.want || r.Verdict == trial.Fail && len(r.Shown) == 0 {
				t.Errorf("%v, want %v: %+v", r.Verdict, c.want, got)
			}
		})
	}
}

// What lives longer is neither waited for nor logged in for.
func TestTokenEndsLater(t *testing.T) {
	for _, a := range []*issuer{{endless: true}, {jwt: true, endless: true}, {jwt: true, lives: 11 * time.Second, endless: true}} {
		got, logins := runIssuer(t, a, "probe/token-ends", "")
		if len(got) > 0 || logins != 3 { // two of them are valid requests of the operation
			t.Errorf("%+v after %d logins", got, logins)
		}
	}
}
