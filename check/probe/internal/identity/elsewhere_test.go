package identity

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// Who stays behind on a service that others reach has a password that does not
// follow from the seed, and no run tries to be a user of the last one.
func TestEnrolElsewhere(t *testing.T) {
	u, mux := &users{}, http.NewServeMux()
	wrong := 0
	var emails, passwords []string
	mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		if len(str(in["password"])) > 12 {
			say(w, 422, map[string]any{"detail": []any{map[string]any{"loc": []any{"body", "password"}, "type": "string_too_long", "msg": "long", "ctx": map[string]any{"max_length": 12}}}})
			return
		}
		if _, ok := u.add(str(in["email"]), in); !ok {
			say(w, 409, map[string]any{"detail": "taken"})
			return
		}
		emails, passwords = append(emails, str(in["email"])), append(passwords, str(in["password"]))
		say(w, 201, map[string]any{"id": u.n})
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		if !u.is(str(in["email"]), in["password"]) {
			wrong++
			say(w, 401, nil)
			return
		}
		say(w, 200, map[string]any{"access_token": "token-of-" + str(in["email"])})
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	text := `"email": {"type": "string", "format": "email"}, "password": {"type": "string", "default": "changeme"}`
	doc := document(t, `{"openapi": "3.1.0", "paths": {"/things": {"get": `+op(true, "")+`}, "/register": {"post": `+op(false, jsonBody(`"email", "password"`, text))+
		`}, "/login": {"post": `+op(false, jsonBody(`"email", "password"`, text))+`}}, `+bearer+`}`)
	// The same run twice, so that it is the secret alone that differs.
	for _, secret := range []string{"one", "two"} {
		client := traffic.New(traffic.Options{Base: base, Run: "run", Secret: secret})
		who, notes, err := All(t.Context(), client, doc, nil, env, 5)
		if err != nil || len(who) != 2 {
			t.Fatalf("%d users, %q, %v", len(who), notes, err)
		}
		for _, i := range who {
			line := client.Curl(i.Login.Request(), i.Secrets())
			if !strings.Contains(line, "$PASSWORD_USER_") || slices.ContainsFunc(passwords, func(p string) bool { return strings.Contains(line, p) }) {
				t.Errorf("the password is in %s", line)
			}
			if known := values.New(5, "enrol "+i.Name).Password(); strings.HasSuffix(known, i.Login.Password) || i.Login.Password == "changeme" {
				t.Errorf("the password %s can be guessed", i.Login.Password)
			}
		}
		client.Close()
	}
	slices.Sort(emails)
	slices.Sort(passwords)
	if len(emails) != 4 || len(slices.Compact(emails)) != 4 || len(slices.Compact(passwords)) != 4 {
		t.Errorf("two runs make four users with passwords of their own: %q, %q", emails, passwords)
	}
	if wrong > 0 {
		t.Errorf("%d logins failed: somebody of another run was tried", wrong)
	}
}

func TestSuffixes(t *testing.T) {
	base, _ := url.Parse("http://127.0.0.1")
	for secret, want := range map[string][]string{"": {"", " 2", " 3", " r"}, "s": {" r", " r 2", " r 3"}} {
		if got := suffixes(traffic.New(traffic.Options{Base: base, Run: "r", Secret: secret})); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What a refusal says does not tell the password.
func TestSaidHidesThePassword(t *testing.T) {
	e := &traffic.Exchange{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"detail": "pvabcdefg is too common"}`)}
	if got := said(e, "pvabcdefg"); got != "" {
		t.Error(got)
	}
	if got := said(e, "other"); got == "" {
		t.Error("nothing is said")
	}
}
