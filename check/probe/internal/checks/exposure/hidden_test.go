package exposure

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/finding"
)

func TestUnlistedOperations(t *testing.T) {
	serve := func(method, path string, open bool, kind, body string) *app {
		return with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method || r.URL.Path != path {
				return false
			}
			if !open && !in(r) {
				w.WriteHeader(401)
				return true
			}
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
			return true
		})
	}
	const json = "application/json"
	for name, c := range map[string]struct {
		method, path string
		h            *app
		want         wanted
	}{
		"open":                   {"GET", "/v2/sales", serve("GET", "/v2/sales", true, json, `{"sold":7,"of":9}`), wanted{trial.Fail, finding.Medium, "without credentials at GET /v2/sales, which the document lacks and main.py:7 serves"}},
		"open, for those inside": {"GET", "/v2/admin/jobs", serve("GET", "/v2/admin/jobs", true, json, `[{"job":1}]`), wanted{trial.Fail, finding.High, "/v2/admin/jobs"}},
		"open, with people":      {"GET", "/v2/people", serve("GET", "/v2/people", true, json, `[{"email":"a@example.com"}]`), wanted{trial.Fail, finding.High, "/v2/people"}},
		"open, and writes":       {"POST", "/v2/jobs", serve("POST", "/v2/jobs", true, json, `{"job":1}`), wanted{trial.Fail, finding.High, "POST /v2/jobs"}},
		"a page":                 {"GET", "/v2/tour", serve("GET", "/v2/tour", true, "text/html", "<html>hello</html>"), wanted{trial.Suspect, finding.Low, "/v2/tour"}},
		"closed":                 {"GET", "/v2/sales", serve("GET", "/v2/sales", false, json, `{"sold":7}`), wanted{verdict: trial.Pass}},
		"for all":                {"GET", "/v2/healthz", serve("GET", "/v2/healthz", true, json, `{"ok":true}`), wanted{verdict: trial.NotApplicable}},
		"not served":             {"GET", "/gone/away", with(nil), wanted{verdict: trial.NotApplicable}},
		"everything is answered": {"GET", "/v3/things", with(func(_ *app, w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/v2/") {
				return false
			}
			answer(w, 200, map[string]string{"detail": "nothing here"})
			return true
		}), wanted{verdict: trial.NotApplicable}},
	} {
		tr := trialtest.New(t, doc, c.h, bearer())
		if op := tr.Document.Hide(c.method, c.path, "main.py:7"); op == nil {
			t.Fatalf("%s: the document has it", name)
		}
		tr.Operations = tr.Document.Operations
		r := trialtest.Worst(trialtest.Run(t, tr, Checks(), "probe/unlisted-operations"))
		if r.Verdict != c.want.verdict || c.want.severity != 0 && r.Severity != c.want.severity || !strings.Contains(r.Got, c.want.got) {
			t.Errorf("%s: %v %v, got %q, reason %q; want %v %v %q", name, r.Verdict, r.Severity, r.Got, r.Reason, c.want.verdict, c.want.severity, c.want.got)
		}
		if with, all := tr.Coverage(); all != 6 || with > all {
			t.Errorf("%s: %d of %d operations are covered", name, with, all)
		}
	}
}
