package objects

import (
	"io"
	"net/http"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// TestPersonal: what strangers are told of people.
func TestPersonal(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/boats":{"get":{"responses":{}}}}}`
	for name, c := range map[string]struct {
		body string
		want trial.Verdict
	}{
		"a name":                    {`[{"id":1,"owner":{"name":"Anna"}}]`, trial.Pass},
		"an account":                {`[{"id":1,"owner":{"name":"Anna","email":"anna@mail.test","payoutIban":"DE02120300000000202051"}}]`, trial.Fail},
		"an identity":               {`[{"id":1,"ssn":"078-05-1120","date_of_birth":"1980-02-03"}]`, trial.Fail},
		"an account that is hidden": {`[{"id":1,"owner":{"name":"Anna","iban":"****","email":null}}]`, trial.Pass},
		"an address of people":      {`[{"id":1,"owner":{"name":"Anna","email":"anna@mail.test"}}]`, trial.Suspect},
		"an address of a firm":      {`[{"id":1,"yard":{"email":"office@yard.test","phone":"+49 30 123456"}}]`, trial.Pass},
		"authors of books":          {`[{"id":1,"author":{"name":"Anna","birthday":"yes"}}]`, trial.Suspect},
	} {
		api := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, c.body)
		})
		r, ok := find(run(t, api, doc, "probe/personal-data", false), "GET /boats")
		if !ok || r.Verdict != c.want {
			t.Errorf("%s: %v %v %q %q, want %v", name, ok, r.Verdict, r.Got, r.Reason, c.want)
		}
	}
}
