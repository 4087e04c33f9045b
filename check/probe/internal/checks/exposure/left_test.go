package exposure

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/finding"
)

// TestLeft: what old versions leave open, though no operation of today has it.
func TestLeft(t *testing.T) {
	person := map[string]any{"id": 1, "email": "bob@shop.test", "password_hash": "0123456789"}
	const both = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/v1/health":{"get":{"responses":{"200":{}}}},
"/v2/me":{"get":{"security":[{"b":[]}],"responses":{"200":{}}}},
"/v2/users/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"delete":{"security":[{"b":[]}],"responses":{"204":{}}}}}}`
	base := strings.Replace(strings.ReplaceAll(strings.ReplaceAll(both, "/v2/", "/"), "/v1/health", "/health"), `"paths"`, `"servers":[{"url":"/api/v3"}],"paths"`, 1)
	type served struct {
		at     func(path string) bool
		guard  bool
		answer any
		kind   string
	}
	is := func(paths ...string) func(string) bool {
		return func(p string) bool { return slices.Contains(paths, p) }
	}
	once := func(path string) func(string) bool {
		asked := 0
		return func(p string) bool {
			if p == path {
				asked++
			}
			return p == path && asked == 1
		}
	}
	for name, c := range map[string]struct {
		doc  string
		s    served
		want wanted
	}{
		"people, to strangers":                    {doc, served{at: is("/v1/users/1"), answer: person}, wanted{trial.Fail, finding.High, "strangers at /v1/users/1"}},
		"people, to callers":                      {doc, served{at: is("/v1/admin/users"), guard: true, answer: []any{person}}, wanted{trial.Fail, finding.Medium, "any caller at /v1/admin/users"}},
		"people, in a version that is described":  {both, served{at: is("/v1/users/1"), answer: person}, wanted{trial.Fail, finding.High, "/v1/users/1"}},
		"people, below a base":                    {base, served{at: is("/api/v2/customers/1"), answer: person}, wanted{trial.Fail, finding.High, "/api/v2/customers/1"}},
		"nothing that is anybody's":               {doc, served{at: is("/v1/users"), answer: []int{1, 2}}, wanted{trial.Suspect, finding.Low, "/v1/users"}},
		"who calls":                               {doc, served{at: is("/v1/users/me"), guard: true, answer: person}, wanted{trial.Suspect, finding.Low, "/v1/users/me"}},
		"who calls, by a number":                  {doc, served{at: is("/v1/users/1"), guard: true, answer: map[string]any{"email": "Alice@shop.test"}}, wanted{trial.Suspect, finding.Low, "/v1/users/1"}},
		"whatever the path":                       {doc, served{at: func(p string) bool { return strings.HasPrefix(p, "/v1/") }, answer: person}, wanted{verdict: trial.Pass}},
		"whatever the version":                    {doc, served{at: func(p string) bool { return strings.HasSuffix(p, "/users/1") }, answer: person}, wanted{verdict: trial.Pass}},
		"whatever the number of the version":      {doc, served{at: regexp.MustCompile(`^/v\d+/users/1$`).MatchString, answer: person}, wanted{verdict: trial.Pass}},
		"whatever the name of the version":        {doc, served{at: func(p string) bool { return strings.HasSuffix(p, "/users/1") && !strings.HasPrefix(p, "/v5") }, answer: person}, wanted{verdict: trial.Pass}},
		"a page":                                  {doc, served{at: is("/v1/users/1"), answer: person, kind: "text/html"}, wanted{verdict: trial.Pass}},
		"what an operation is":                    {both, served{at: is("/v2/users/1"), answer: person}, wanted{verdict: trial.Pass}},
		"a version that is neither near nor told": {doc, served{at: is("/v7/users/1"), answer: person}, wanted{verdict: trial.Pass}},
		"once": {doc, served{at: once("/v1/users/1"), answer: person}, wanted{verdict: trial.Pass}},
		"gone": {doc, served{at: is()}, wanted{verdict: trial.Pass}},
	} {
		t.Run(name, func(t *testing.T) {
			h := with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
				if r.Method != "GET" || !c.s.at(r.URL.Path) {
					return false
				}
				if c.s.guard && !in(r) {
					w.WriteHeader(401)
					return true
				}
				kind := "application/json"
				if c.s.kind != "" {
					kind = c.s.kind
				}
				answer(retyped{w, kind}, 200, c.s.answer)
				return true
			})
			who := trialtest.Bearer("a", "token-of-a")
			who.Email = "alice@shop.test"
			r := trialtest.Worst(trialtest.Run(t, trialtest.New(t, c.doc, h, who), Checks(), "probe/old-versions"))
			if r.Verdict != c.want.verdict || r.Severity != c.want.severity || !strings.Contains(r.Got, c.want.got) {
				t.Errorf("%v %v, got %q, reason %q; want %v %v %q", r.Verdict, r.Severity, r.Got, r.Reason, c.want.verdict, c.want.severity, c.want.got)
			}
		})
	}
}

// retyped writes another type than the one that is set.
type retyped struct {
	http.ResponseWriter
	kind string
}

func (w retyped) WriteHeader(status int) {
	w.Header().Set("Content-Type", w.kind)
	w.ResponseWriter.WriteHeader(status)
}
