package trial_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// Accounts that requests make besides those who call have passwords that do not
// follow from the seed either, nor from the document; all else does.
func TestPasswordsElsewhere(t *testing.T) {
	fields := `"schema": {"type": "object", "required": ["email", "password"], "properties": {"email": {"type": "string"}, "password": {"type": "string"}}}, "example": {"email": "a@b.de", "password": "Secret123!"}`
	doc, err := openapi.Parse([]byte(`{"openapi": "3.1.0", "paths": {
		"/users": {"post": {"requestBody": {"required": true, "content": {"application/json": {` + fields + `}}}}},
		"/login": {"post": {"requestBody": {"required": true, "content": {"application/json": {` + fields + `}}}}},
		"/notes": {"post": {"requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}}}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse("http://127.0.0.1")
	body := func(secret, op string, how values.How) string {
		tr := trial.New(trial.Options{Client: traffic.New(traffic.Options{Base: base, Run: "test", Secret: secret}), Document: doc, Seed: 1})
		d, err := tr.Draft(t.Context(), operation(t, tr, op), identity.Anonymous(), how)
		if err != nil {
			t.Fatal(err)
		}
		return string(d.Request().Body)
	}
	for _, how := range []values.How{values.Full, values.Least, values.Given} {
		if one, two := body("one", "POST /users", how), body("two", "POST /users", how); one == two || strings.Contains(one, "Secret123!") {
			t.Errorf("%v: %s, then %s", how, one, two)
		}
		for _, op := range []string{"POST /login", "POST /notes"} {
			if one, none := body("one", op, how), body("", op, how); one != none {
				t.Errorf("%v: %s: %s, and without a secret %s", how, op, one, none)
			}
		}
	}
	a := trial.New(trial.Options{Client: traffic.New(traffic.Options{Base: base, Secret: "one"}), Document: doc, Seed: 1})
	b := trial.New(trial.Options{Client: traffic.New(traffic.Options{Base: base, Secret: "two"}), Document: doc, Seed: 1})
	first := a.Password("changed")
	if again, other := a.Password("changed"), b.Password("changed"); first == other || first != again {
		t.Error("a password that is set follows from the seed")
	}
}
