package contract_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/checks/contract"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

const wideDoc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
"/go":{"get":{"parameters":[{"name":"to","in":"query","schema":{"type":"string","default":"/"}}],"responses":{"302":{"description":""}}}},
"/search":{"get":{"parameters":[{"name":"q","in":"query","schema":{"type":"string"}},
 {"name":"X-Note","in":"header","schema":{"type":"string"}},{"name":"Authorization","in":"header","schema":{"type":"string"}}],"responses":{"200":{"description":""}}}},
"/words/{word}":{"get":{"parameters":[{"name":"word","in":"path","required":true,"schema":{"type":"string"}}],"responses":{"200":{"description":""}}}},
"/notes":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["title"],"properties":{"title":{"type":"string"}}}}}},"responses":{"201":{"description":""}}}},
"/forms":{"post":{"requestBody":{"required":true,"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","required":["title"],"properties":{"title":{"type":"string"}}}}}},"responses":{"201":{"description":""}}}}}}`

// narrow is a service that writes one place of its requests in Latin-1.
type narrow struct{ place string }

func (n narrow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	read := map[string]string{"query to": r.URL.Query().Get("to"), "query q": r.URL.Query().Get("q"), "header X-Note": r.Header.Get("X-Note"), "header Authorization": r.Header.Get("Authorization")}
	read["path word"], _ = strings.CutPrefix(r.URL.Path, "/words/")
	body, _ := io.ReadAll(r.Body)
	var m map[string]string
	if json.Unmarshal(body, &m) == nil {
		read["body /title"] = m["title"]
	} else if r.URL.Path == "/notes" {
		w.WriteHeader(400)
		return
	}
	if r.URL.Path == "/forms" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			w.WriteHeader(400)
			return
		}
		read["form title"] = form.Get("title")
	}
	if strings.ContainsFunc(read[n.place], func(c rune) bool { return c > 0xff }) {
		w.WriteHeader(500)
		return
	}
	switch {
	case r.URL.Path == "/go":
		w.Header().Set("Location", "/words/a")
		w.WriteHeader(302)
	case r.Method == http.MethodPost:
		w.WriteHeader(201)
	}
}

// TestWide: letters that Latin-1 lacks reach every place that a client writes,
// and an operation that redirects can fail over them as well.
func TestWide(t *testing.T) {
	for place, operation := range map[string]string{
		"query to": "GET /go", "query q": "GET /search", "header X-Note": "GET /search", "path word": "GET /words/{word}", "body /title": "POST /notes", "form title": "POST /forms",
		// Who calls is not to be written over, and nothing is found without a fault.
		"header Authorization": "", "": "",
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			tr := trialtest.New(t, wideDoc, narrow{place})
			failed := ""
			for _, r := range trialtest.Run(t, tr, contract.Checks(), "probe/input-crash") {
				switch r.Verdict {
				case trial.Fail:
					failed += r.Operation
					if where := strings.Replace(place, "form ", "body /", 1); r.Got != "a text outside Latin-1 in "+where+" answered with 500" || len(r.Shown) == 0 {
						t.Errorf("%q", r.Got)
					}
				case trial.Suspect, trial.Inconclusive:
					t.Errorf("%s: %v %s %s", r.Operation, r.Verdict, r.Got, r.Reason)
				}
			}
			if failed != operation {
				t.Errorf("%q fails, want %q", failed, operation)
			}
		})
	}
}
