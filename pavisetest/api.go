package pavisetest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe"
)

// Users are who calls the API besides nobody: with two of the same role it is
// tested whose objects are whose, with an administrator who may do what.
// Without any, two are registered, if the API lets strangers do that.
type Users []probe.User

// An APIOption changes how [API] asks.
type APIOption func(*probe.APIOptions)

// Document names the file of the OpenAPI document, for a handler that does not
// serve it.
func Document(file string) APIOption {
	return func(o *probe.APIOptions) { o.Document = file }
}

// Only are the checks that are made, such as "bola-*"; Skip those that are not.
func Only(patterns ...string) APIOption {
	return func(o *probe.APIOptions) { o.Only = append(o.Only, patterns...) }
}

// Skip are checks that are not made.
func Skip(patterns ...string) APIOption {
	return func(o *probe.APIOptions) { o.Skip = append(o.Skip, patterns...) }
}

// Seed sends other values; the same seed sends the same ones.
func Seed(seed uint64) APIOption { return func(o *probe.APIOptions) { o.Seed = seed } }

// API puts the security checklist of pavise probe to h, served on a loopback
// port: a sub-test for each check and operation, named probe/CHECK/METHOD_path.
// A check that could not be judged is skipped, with the reason; the test fails
// if no operation answered a valid request.
func API(t *testing.T, h http.Handler, users Users, options ...APIOption) {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	APIURL(t, srv.URL, users, options...)
}

// APIURL is [API] for a server that is running at url, which is a loopback
// address.
func APIURL(t *testing.T, url string, users Users, options ...APIOption) {
	t.Helper()
	o := probe.APIOptions{URL: url, Users: users}
	for _, f := range options {
		f(&o)
	}
	report, err := probe.API(t.Context(), o)
	if err != nil {
		t.Fatalf("pavisetest: %v", err)
	}
	if report.Covered == 0 {
		t.Errorf("no operation answered a valid request: %v", report.Uncovered)
	}
	for check, results := range byCheck(report) {
		t.Run(check, func(t *testing.T) {
			for _, res := range results {
				name := strings.ReplaceAll(res.Operation, " ", "_")
				if name == "" {
					name = "all"
				}
				t.Run(name, func(t *testing.T) { judge(t, res) })
			}
		})
	}
}

// byCheck is the results by their checks, in the order of the report.
func byCheck(r *probe.APIReport) func(func(string, []probe.APIResult) bool) {
	return func(yield func(string, []probe.APIResult) bool) {
		for i := 0; i < len(r.Results); {
			j := i
			for j < len(r.Results) && r.Results[j].Check == r.Results[i].Check {
				j++
			}
			if !yield(r.Results[i].Check, r.Results[i:j]) {
				return
			}
			i = j
		}
	}
}

func judge(t *testing.T, res probe.APIResult) {
	t.Helper()
	switch res.Verdict {
	case "fail":
		t.Errorf("%s is broken (%s): %s\n\tgot  %s\n\twant %s\n\ttry  %s\n\tfix  %s", res.Check, res.Severity, res.Claim, res.Got, res.Want, strings.Join(res.Steps, "\n\tthen "), res.Fix)
	case "suspect":
		t.Logf("suspected: %s: got %s, want %s", res.Claim, res.Got, res.Want)
	case "inconclusive":
		t.Skipf("could not tell: %s", res.Reason)
	}
}
