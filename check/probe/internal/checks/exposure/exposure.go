// Package exposure checks that an API tells and serves no more than it means
// to: errors without internals, no routes, methods and files besides those
// that its document names, and no second way to what is refused.
package exposure

import (
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// Checks are those of this package. They come last: what errors tell is judged
// on all that the others provoked.
func Checks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/docs-open", Claim: "strangers cannot read the API's documentation", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-200", "API9", "V13.4.5"},
		Sure: "what is served without credentials is an OpenAPI document or a page that shows one",
		Fix:  "Close the documentation in production (FastAPI: docs_url, redoc_url and openapi_url None), or ask for credentials.", Pavise: "apidocs",
		Run: documentation,
	}, {
		ID: "probe/debug-routes", Claim: "routes of operations and debugging are closed to strangers", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-497", "API8", "V13.4.5"},
		Sure: "the answer holds what such a page alone holds, and a path beside it that does not exist is answered otherwise",
		Fix:  "Serve them on another port that is not published, or ask for credentials.", Pavise: "lint/pprof-exposed",
		Run: debugRoutes,
	}, {
		ID: "probe/hidden-routes", Claim: "no route that the document lacks hands out data", Severity: finding.High, Once: true,
		Refs: []string{"CWE-1059", "CWE-425", "API9", "V8.2.1"},
		Sure: "the route is in no operation, its answer is JSON with secrets or people in it, and a path beside it that does not exist is answered otherwise; else it is a suspicion",
		Fix:  "Ask for credentials there too, or take the route away.", Pavise: "lint/no-auth-route",
		Run: hiddenRoutes,
	}, {
		ID: "probe/unlisted-operations", Claim: "what the source serves and the document lacks answers no stranger", Severity: finding.Medium,
		Refs: []string{"CWE-1059", "CWE-425", "API9", "V8.2.1"},
		Sure: "the route is in the source and in no operation; it was answered without credentials twice with 2xx, and a path beside it was answered otherwise; health, logins and the like are left out, pages a suspicion",
		Fix:  "Ask for credentials there too, describe it, or take it away.", Pavise: "lint/hidden-route",
		Run: unlisted,
	}, {
		ID: "probe/files-served", Claim: "no file of the repository, of settings or of backups is served", Severity: finding.High, Once: true,
		Refs: []string{"CWE-538", "API8", "V13.4.1", "V13.4.7"},
		Sure: "the answer has the content of such a file, whatever its status says elsewhere",
		Fix:  "Serve one directory that holds public files only.", Pavise: "lint/static-root",
		Run: files,
	}, {
		ID: "probe/directory-listing", Claim: "no directory is listed", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-548", "API8", "V13.4.3"},
		Sure: "the page is of the form that a server's listings have",
		Fix:  "Switch listings off (nginx autoindex off; Go: a file system whose directories do not open).", Pavise: "lint/directory-listing",
		Run: listings,
	}, {
		ID: "probe/unlisted-methods", Claim: "paths answer to the methods that the document names, and to no others", Severity: finding.Medium,
		Refs: []string{"CWE-749", "API9", "V4.1.4"},
		Sure: "a method that is not there is answered otherwise at the same path, and the same method at a path that is not there; bodies cannot be parsed, and only objects of this run are deleted",
		Fix:  "Take the method away, or describe and protect it; answer 405 with Allow to the rest.", Pavise: "gateway: routes",
		Run: methods,
	}, {
		ID: "probe/trace", Claim: "TRACE repeats no request", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-749", "API8", "V13.4.4"},
		Sure: "a header field of this run comes back in the body",
		Fix:  "Answer TRACE with 405.", Pavise: "wire",
		Run: trace,
	}, {
		ID: "probe/method-override", Claim: "a header field or parameter does not make another method of a request", Severity: finding.Medium,
		Refs: []string{"CWE-650", "API8", "V4.1.4"},
		Sure: "an object of this run was gone after a POST or GET that says DELETE beside, and was still there after the same without",
		Fix:  "Switch method override off.", Pavise: "wire",
		Run: override,
	}, {
		ID: "probe/old-versions", Claim: "no version of the API serves what the document does not name", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-1059", "API9"},
		Sure: "another version answers with the same form of data, or with people or secrets at a path that no operation has, twice, and neither a version nor a path that nobody has does; without people or secrets it is a suspicion",
		Fix:  "Switch off versions that are no longer described and looked after.", Pavise: "gateway: routes",
		Run: versions,
	}, {
		ID: "probe/path-normalisation", Claim: "what is refused is refused however its path is written", Severity: finding.High,
		Refs: []string{"CWE-863", "CWE-436", "API8", "V1.1.1"},
		Sure: "the plain path was refused, and another spelling of it was answered twice with what its owner gets",
		Fix:  "Decide by the route that is served, not by the text of the path; refuse paths that are not in normal form.", Pavise: "wire",
		Run: spellings,
	}, {
		ID: "probe/declared-security", Claim: "operations that the document opens to all are open", Severity: finding.Low,
		Refs: []string{"CWE-1059", "API9"},
		Sure: "the same valid request was answered with 401 without credentials and 2xx with them, twice; logins are left out",
		Fix:  "Declare the security scheme on the operation (FastAPI: Security or a class of fastapi.security).", Pavise: "lint/no-auth-route",
		Run: declared,
	}, {
		ID: "probe/debug-mode", Claim: "no debugging page answers", Severity: finding.High, Once: true,
		Refs: []string{"CWE-489", "API8", "V13.4.2"},
		Sure: "the page of a framework's debugger is known by its words",
		Fix:  "Switch debugging off.", Pavise: "lint/debug",
		Run: debugMode,
	}, {
		ID: "probe/verbose-errors", Claim: "errors tell nothing of what is inside", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-209", "API8", "V16.5.1"},
		Sure: "the text is one that a trace, a database or a path of the server has, and was not in the request",
		Fix:  "Answer with a fixed text and a number that finds the trace in the log.", Pavise: "lint/error-details",
		Run: verbose,
	}}
}

// get is a request of a stranger.
func get(path string) *traffic.Request {
	return &traffic.Request{Method: http.MethodGet, Path: path, Header: http.Header{"Accept": {"*/*"}}}
}

// request is all of what was sent, to look for texts that merely came back.
func request(r *traffic.Request) string {
	var b strings.Builder
	b.WriteString(unescape(r.Path))
	b.WriteString("\n")
	b.Write(r.Body)
	b.WriteString(r.Raw)
	for _, values := range r.Header {
		b.WriteString("\n" + strings.Join(values, "\n"))
	}
	return b.String()
}
