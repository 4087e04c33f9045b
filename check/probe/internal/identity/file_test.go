package identity

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// echo logs in whom it knows, and says at /me with what it was asked.
func echo(t *testing.T) *traffic.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ User, Pass string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		if in.Pass != "right horse" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"detail": "wrong: %s"}`, in.Pass)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "cookie-of-" + in.User})
		w.Header().Set("X-Token", "field-of-"+in.User)
		_, _ = fmt.Fprintf(w, `{"auth": {"to/ken": "token-of-%s"}}`, in.User)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("grant_type") != "password" || r.FormValue("password") != "right horse" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token": "oauth-of-%s"}`, r.FormValue("username"))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	base, _ := url.Parse(srv.URL)
	c := traffic.New(traffic.Options{Base: base, Run: "test"})
	t.Cleanup(c.Close)
	return c
}

func document(t *testing.T, text string) *openapi.Document {
	t.Helper()
	d, err := openapi.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const loginDoc = `{"openapi": "3.1.0", "paths": {"/x": {"get": {}}}, "components": {"securitySchemes": {
	"key": {"type": "apiKey", "in": "query", "name": "api_key"}, "o": {"type": "oauth2", "flows": {"password": {"tokenUrl": "token"}}}}}}`

func env(name string) (string, bool) {
	v, ok := map[string]string{"TOKEN_X": "token-of-env", "PASS": "right horse", "BAD": "wrong horse"}[name]
	return v, ok
}

func TestFile(t *testing.T) {
	client := echo(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("right horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := `
schemaVersion: "0.2.0"
configs: {maxTime: 5m}
auth:
  - name: fixed
    role: admin
    tenant: acme
    owns: ["7"]
    fixedHeaders:
      - {name: Authorization, value: "Bearer ${TOKEN_X}"}
      - {name: X-Tenant, value: acme}
    loginEndpointAuth: {token: {extractSelector: "/auth/to~1ken", sendIn: query, sendName: t, sendTemplate: "T{token}"}, payloadUserPwd: {username: fixed}}
  - name: older
    loginEndpointAuth: {payloadUserPwd: {username: older}, token: {extractFromField: /auth/to~1ken, httpHeaderName: Authorization, headerPrefix: "JWT "}}
  - name: cookie
    loginEndpointAuth: {payloadUserPwd: {username: cookie}, expectCookies: true}
  - name: field
    loginEndpointAuth: {payloadUserPwd: {username: field, password: "file:` + secret + `"}, token: {extractFrom: header, extractSelector: X-Token, sendIn: cookie, sendName: c}}
  - name: raw
    loginEndpointAuth: {payloadRaw: '{"user": "raw", "pass": "${PASS}"}', token: {extractFrom: body, extractSelector: "/auth/to~1ken"}}
authTemplate:
  loginEndpointAuth:
    endpoint: /login
    verb: POST
    contentType: application/json
    payloadUserPwd: {password: "${PASS}", usernameField: user, passwordField: pass}
`
	who, notes, err := All(t.Context(), client, document(t, loginDoc), []byte(text), env, 1)
	if err != nil || len(notes) != 0 {
		t.Fatal(err, notes)
	}
	others := `
auth:
  - {name: key, apiKey: "${TOKEN_X}"}
  - {name: keyed, apiKey: {value: "${TOKEN_X}", in: cookie, name: k}}
  - {name: basic, basic: {username: u, password: "${PASS}"}}
  - {name: oauth, oauth2: {username: oauth, password: "${PASS}"}}
`
	more, _, err := All(t.Context(), client, document(t, loginDoc), []byte(others), env, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"fixed":  `GET /x?t=Ttoken-of-fixed Authorization=Bearer token-of-env X-Tenant=acme`,
		"older":  `GET /x Authorization=JWT token-of-older`,
		"cookie": `GET /x Cookie=sid=cookie-of-cookie`,
		"field":  `GET /x Cookie=c=field-of-field`,
		"raw":    `GET /x Authorization=Bearer token-of-raw`,
		"key":    `GET /x?api_key=token-of-env`,
		"keyed":  `GET /x Cookie=k=token-of-env`,
		"basic":  `GET /x Authorization=Basic dTpyaWdodCBob3JzZQ==`,
		"oauth":  `GET /x Authorization=Bearer oauth-of-oauth`,
	}
	for _, i := range append(who, more...) {
		r := &traffic.Request{Method: "GET", Path: "/x"}
		i.Apply(r)
		got := r.Method + " " + r.Path
		for _, name := range []string{"Authorization", "X-Tenant", "Cookie"} {
			if v := r.Header.Get(name); v != "" {
				got += " " + name + "=" + v
			}
		}
		if got != want[i.Name] {
			t.Errorf("%s: %s, want %s", i.Name, got, want[i.Name])
		}
		// What is shown has no secret.
		line := client.Curl(r, i.Secrets())
		for _, s := range []string{"token-of", "cookie-of", "field-of", "oauth-of", "right horse", "dTpya"} {
			if strings.Contains(line, s) {
				t.Errorf("%s: %s", i.Name, line)
			}
		}
		if i.Login == nil {
			continue
		}
		if line := client.Curl(i.Login.Request(), i.Secrets()); strings.Contains(line, "right") {
			t.Errorf("%s: %s", i.Name, line)
		}
		again, err := i.Again(t.Context(), client)
		if err != nil || again.IsAnonymous() || again == i {
			t.Errorf("%s does not log in again: %v", i.Name, err)
		}
	}
	if f := who[0]; !f.Admin() || f.Tenant != "acme" || f.Owns[0] != "7" || f.Secrets()["TOKEN_X"] != "token-of-env" || slices.Contains(hiddenIn(f.Secrets()), "acme") {
		t.Errorf("%+v %v", f, f.Secrets())
	}
}

func hiddenIn(s traffic.Secrets) []string {
	var out []string
	for _, v := range s {
		out = append(out, v)
	}
	return out
}

func TestFileErrors(t *testing.T) {
	client := echo(t)
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":    {"auth:\n  - name: a\n    fixedHeader: []\n", "[3:5] unknown field \"fixedHeader\""},
		"nobody":         {"auth: []\n", "lists nobody"},
		"no credentials": {"auth:\n  - name: a\n", "[2:"},
		"no name":        {"auth:\n  - basic: {username: u, password: \"${PASS}\"}\n", "has no name"},
		"twice":          {"auth:\n  - {name: a, apiKey: \"${PASS}\"}\n  - {name: A, apiKey: \"${PASS}\"}\n", "[3:"},
		"no variable":    {"auth:\n  - {name: a, apiKey: \"${NOT_THERE}\"}\n", "${NOT_THERE}, and there is no such variable"},
		"no file":        {"auth:\n  - {name: a, apiKey: \"file:/not/there\"}\n", "cannot be read"},
		"other host":     {"auth:\n  - name: a\n    loginEndpointAuth: {externalEndpointURL: \"https://login.example/x\", verb: POST, payloadRaw: \"${PASS}\", expectCookies: true}\n", "is of login.example"},
		"other token":    {"auth:\n  - {name: a, oauth2: {username: a, password: \"${PASS}\", tokenUrl: \"https://login.example/x\"}}\n", "is of login.example"},
		"two payloads":   {"auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /x, payloadRaw: \"${PASS}\", payloadUserPwd: {username: a, password: \"${PASS}\", usernameField: u, passwordField: p}, expectCookies: true}\n", "give one"},
		"verb":           {"auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /x, verb: BREW, expectCookies: true}\n", "verb is POST"},
		"no token":       {"auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /x}\n", "neither token nor expectCookies"},
		"mixed":          {"auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /x, token: {extractSelector: /a, httpHeaderName: b}}\n", "mixes"},
		"pointer":        {"auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /x, token: {extractSelector: a}}\n", "begins with /"},
		"template":       {"auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /x, token: {extractSelector: /a, sendTemplate: Bearer}}\n", "{token}"},
		"mtls":           {"auth:\n  - {name: a, mtls: {cert: /not/there, key: /not/there}}\n", "mtls"},
		"field name":     {"auth:\n  - {name: a, fixedHeaders: [{name: \"a b\", value: c}]}\n", "no header field may have"},
		"wrong password": {"auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /login, payloadUserPwd: {username: a, password: \"${BAD}\", usernameField: user, passwordField: pass}, expectCookies: true}\n", "a cannot log in: POST /login answers 401"},
		"nothing there":  {"auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /login, payloadUserPwd: {username: a, password: \"${PASS}\", usernameField: user, passwordField: pass}, token: {extractSelector: /nope}}\n", "nothing is at /nope"},
		"tag":            {"auth: !!binary [\n", "file of identities"},
	} {
		who, _, err := All(t.Context(), client, document(t, loginDoc), []byte(c.text), env, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
			continue
		}
		for _, secret := range []string{"letmein-literal", "right horse", "wrong horse"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: a secret is in %v", name, err)
			}
		}
		_ = who
	}
}

// What other tools write into such files is taken, told of, and hidden.
func TestWrittenDown(t *testing.T) {
	doc, base := document(t, loginDoc), &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	for name, c := range map[string]struct{ text, note string }{
		"basic":  {"auth:\n  - name: a\n    basic:\n      username: u\n      password: letmein-literal\n", "a: basic.password is written down"},
		"header": {"auth:\n  - name: a\n    fixedHeaders:\n      - name: Authorization\n        value: Bearer letmein-literal\n", "is written down"},
		"raw":    {"auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /login, verb: POST, payloadRaw: 'x=letmein-literal', expectCookies: true}\n", "payloadRaw is written down"},
	} {
		who, notes, err := fromFile([]byte(c.text), doc, base, env)
		if err != nil || len(who) != 1 || len(notes) != 1 || !strings.Contains(notes[0], c.note) || strings.Contains(notes[0], "letmein") {
			t.Errorf("%s: %v %v %v", name, who, notes, err)
			continue
		}
		hidden := false
		for _, v := range who[0].Secrets() {
			hidden = hidden || strings.Contains(v, "letmein-literal") && !strings.Contains(v, " ")
		}
		if !hidden {
			t.Errorf("%s: it is not hidden", name)
		}
	}
}

// FuzzFile holds that no file makes the reader crash, and that a file that is
// taken makes only users with credentials.
func FuzzFile(f *testing.F) {
	f.Add([]byte("auth:\n  - {name: a, apiKey: \"${PASS}\"}\n"))
	f.Add([]byte("auth:\n  - name: a\nauthTemplate: {loginEndpointAuth: {endpoint: /x, payloadRaw: \"${PASS}\", token: {extractSelector: /a}}}\n"))
	doc, err := openapi.Parse([]byte(loginDoc))
	if err != nil {
		f.Fatal(err)
	}
	base, _ := url.Parse("http://127.0.0.1:1")
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "file:") {
			return // of this machine
		}
		who, _, err := fromFile(data, doc, base, env)
		if err != nil {
			return
		}
		for _, i := range who {
			if i.Name == "" || i.IsAnonymous() && i.Login == nil {
				t.Fatalf("%+v has no credentials", i)
			}
			if i.Login != nil {
				_ = i.Login.Request()
			}
		}
	})
}
