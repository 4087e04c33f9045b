package probe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/finding"
)

// A Route is one that the API's source serves.
type Route struct {
	// Method is empty where the handler takes any.
	Method string
	// Path from the root of the host, its parameters as {name}.
	Path string
	// Where is the line of the source, for a reader.
	Where string
}

// hide adds the routes that a document lacks. The notes say how many.
func hide(doc *openapi.Document, routes []Route) []string {
	added, left := 0, 0
	for _, r := range routes {
		if ruinous(r) {
			left++
			continue
		}
		if doc.Hide(r.Method, r.Path, r.Where) != nil {
			added++
		}
	}
	var notes []string
	if added > 0 {
		notes = append(notes, fmt.Sprintf("%d routes of the source are in no operation of the document, and were tested with the others", added))
	}
	if left > 0 {
		notes = append(notes, fmt.Sprintf("%d routes of the source were not asked for, because by their names they change the service as a whole", left))
	}
	return notes
}

// ruinous tells whether a route may do to the service what nothing undoes: of
// what nobody describes the name is all that is known.
func ruinous(r Route) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	return slices.ContainsFunc([]string{"reset", "wipe", "flush", "migrat", "seed", "restore", "reload", "reindex", "shutdown", "restart", "stop", "kill", "purge", "truncate", "drop", "clear", "cleanup", "deploy", "exec", "broadcast", "maintenance"}, func(w string) bool {
		return strings.Contains(strings.ToLower(r.Path), w)
	})
}

// unserved tells whether an operation is one of the source that the API does
// not serve, or elsewhere: nothing is missing then.
func unserved(doc *openapi.Document, u finding.Unclear) bool {
	return slices.ContainsFunc(doc.Operations, func(op *openapi.Operation) bool { return op.Hidden && op.Name() == u.Where }) &&
		(strings.HasSuffix(u.Problem, "answers 404") || strings.HasSuffix(u.Problem, "answers 405"))
}
