package trial_test

import (
	"net/http"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

// TestAgain: what must be unique is, what names an object or opens the account
// stays.
func TestAgain(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
	 "/items":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name","email"],"properties":{"name":{"type":"string"},"email":{"type":"string","format":"email"}}}}}},"responses":{"201":{"description":"ok"}}}},
	 "/login":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["username","password"],"properties":{"username":{"type":"string"},"password":{"type":"string"}}}}}},"responses":{"200":{"description":"ok"}}}}}}`
	who := trialtest.Bearer("a", "tok")
	who.Login = &identity.Login{Path: "/login", Username: "alice", Password: "Pv7!pvabcdefg-Qz#9", UsernameField: "username", PasswordField: "password"}
	tr := trialtest.New(t, doc, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) }), who)
	for _, op := range tr.Operations {
		b, err := tr.Baseline(t.Context(), op, who)
		if err != nil {
			t.Fatal(err)
		}
		old, _ := b.Draft.Body.(map[string]any)
		again, _ := tr.Again(b).Body.(map[string]any)
		more, _ := tr.Again(b).Body.(map[string]any)
		login := op.Path == "/login"
		for k := range old {
			if same := again[k] == old[k]; same != login || (again[k] == more[k]) != login {
				t.Errorf("%s %s: %v, %v and %v", op.Name(), k, old[k], again[k], more[k])
			}
		}
		if tr.Delicate(b) != login {
			t.Errorf("%s is delicate: %t", op.Name(), tr.Delicate(b))
		}
	}
}
