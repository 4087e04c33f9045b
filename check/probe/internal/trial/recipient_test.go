package trial_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

// TestRecipient: what somebody gets goes to another user of ours.
func TestRecipient(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/transfers":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["recipient_email","toUsername","to"],
"properties":{"recipient_email":{"type":"string"},"toUsername":{"type":"string"},"to":{"type":"string"}}}}}},"responses":{}}}}}`
	user := func(name string) *identity.Identity {
		return &identity.Identity{Name: name, Username: name, Login: &identity.Login{Username: name + "@mail.test"}, Header: http.Header{"Authorization": {"Bearer " + name}}}
	}
	var sent map[string]string
	tr := trialtest.New(t, doc, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&sent)
	}), user("anna"), user("ben"))
	if _, uncovered := tr.Run(t.Context(), []*trial.Check{}); len(uncovered) > 0 {
		t.Fatal(uncovered)
	}
	if sent["recipient_email"] != "ben@mail.test" || sent["toUsername"] != "ben" || sent["to"] == "" || sent["to"] == "ben" {
		t.Errorf("%v", sent)
	}
}
