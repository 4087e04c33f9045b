package contract_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/checks/contract"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

// TestResponseTypes compares the media type of an answer with those of the
// document.
func TestResponseTypes(t *testing.T) {
	const asJSON = `"200":{"content":{"application/json":{"schema":{}}}}`
	for _, tt := range []struct {
		responses, got string
		status         int
		body           string
		fails          bool
	}{
		{asJSON, "text/plain; charset=utf-8", 200, "a", true},
		{asJSON, "text/html", 200, "<p>a</p>", true},
		{asJSON, "application/octet-stream", 200, "a", true},
		{`"200":{"content":{"image/png":{}}}`, "image/jpeg", 200, "a", true},
		{`"200":{"content":{"text/csv":{},"application/json":{}}}`, "text/html", 200, "a", true},
		{`"2XX":{"content":{"application/json":{}}}`, "text/plain", 200, "a", true},

		{asJSON, "application/json; charset=utf-8", 200, "{}", false},
		{asJSON, "Application/JSON", 200, "{}", false},
		{asJSON, "application/hal+json", 200, "{}", false},
		{`"200":{"content":{"application/vnd.api+json; v=1":{"schema":{}}}}`, "application/json", 200, "{}", false},
		{`"200":{"content":{"text/csv":{},"application/json":{}}}`, "text/csv", 200, "a", false},
		{`"200":{"content":{"application/xml":{}}}`, "text/xml", 200, "<a/>", false},
		{`"200":{"content":{"application/xml":{}}}`, "application/atom+xml", 200, "<a/>", false},
		{`"200":{"content":{"application/x-yaml":{}}}`, "text/yaml", 200, "a: 1", false},
		{`"200":{"content":{"image/*":{}}}`, "image/png", 200, "a", false},
		{`"200":{"content":{"*/*":{}}}`, "text/html", 200, "a", false},
		{`"200":{"content":{"application/octet-stream":{}}}`, "image/png", 200, "a", false},
		// Nothing is said, or nothing is there.
		{`"200":{"description":""}`, "text/plain", 200, "a", false},
		{`"default":{"content":{"application/json":{}}}`, "text/plain", 200, "a", false},
		{asJSON, "text/plain", 200, "", false},
		{`"204":{"content":{"application/json":{}}}`, "text/plain", 204, "", false},
		{`"302":{"content":{"application/json":{}}}`, "text/html", 302, "<a href=/>Found</a>", false},
	} {
		doc := fmt.Sprintf(`{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"responses":{%s}}}}}`, tt.responses)
		tr := trialtest.New(t, doc, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tt.got)
			if tt.status == 302 {
				w.Header().Set("Location", "/a")
			}
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		r := trialtest.Worst(trialtest.Run(t, tr, contract.Checks(), "probe/response-schema"))
		if (r.Verdict == trial.Fail) != tt.fails || !tt.fails && r.Verdict != trial.Pass {
			t.Errorf("%s as %s: %v %q %q", tt.responses, tt.got, r.Verdict, r.Got, r.Reason)
		}
	}
}
