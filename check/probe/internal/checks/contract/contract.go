// Package contract checks that an API takes what its document says and refuses
// the rest, and that nothing that a client writes makes it fall over.
package contract

import (
	"context"
	"fmt"
	"net/http"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// Checks are those of this package.
func Checks() []*trial.Check {
	const twice = "a valid request got 2xx before and after, and the other one was taken twice"
	return []*trial.Check{{
		ID: "probe/media-type", Claim: "bodies of another media type than the document names are refused", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-436", "CWE-352", "API8", "V3.5.2", "RFC 9110 section 15.5.16"},
		Sure: twice + "; a body of the same type that is no JSON was refused, so that the body is read",
		Fix:  "Answer 415 when the media type of a body is not one that the operation takes.", Pavise: "contenttype",
		Run: judge(media, "415"),
	}, {
		ID: "probe/media-type-required", Claim: "a body without a media type is refused", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-436", "CWE-352", "API8", "V3.5.2"},
		Sure: twice + "; a body that is no JSON was refused, so that the body is read",
		Fix:  "Answer 415 to a body without Content-Type: a page of another site can send such a body without asking.", Pavise: "contenttype",
		Run: judge(untyped, "415"),
	}, {
		ID: "probe/input-crash", Claim: "nothing that a client writes makes the API fail", Severity: finding.Medium,
		Refs: []string{"CWE-20", "CWE-248", "API8", "V2.2.1", "V16.5.3"},
		Sure: "it was answered with 5xx twice, and valid requests in between with 2xx, or as an operation does that redirects",
		Fix:  "Validate before the value is used, and answer 400 or 422.",
		Run:  crash,
	}, {
		ID: "probe/schema-enforced", Claim: "values that the document forbids are refused", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-20", "CWE-1284", "API8", "V2.2.1", "V2.2.2"}, Sure: twice,
		Fix: "Validate each request by the document's schemas.", Run: judge(refuse, "4xx"),
	}, {
		ID: "probe/text-bounded", Claim: "texts have a longest length", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-1284", "CWE-770", "API4", "V2.2.1"}, Sure: twice,
		Fix: "Give every text of a request a maxLength, in the document and in the code.", Run: judge(long, "4xx"),
	}, {
		ID: "probe/unknown-field", Claim: "members that the document does not know are refused", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-915", "CWE-20", "API3", "V2.2.1", "V15.3.3"}, Sure: twice,
		Fix: `Forbid unknown members: additionalProperties: false, extra="forbid", DisallowUnknownFields.`, Run: judge(unknown, "4xx"),
	}, {
		ID: "probe/type-coercion", Claim: "a value of another type is not made to fit", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-704", "API8", "V15.3.5"}, Sure: twice + "; 1.0 for an integer is none (JSON Schema takes it)",
		Fix: "Make the models strict.", Run: judge(coerce, "4xx"),
	}, {
		ID: "probe/json-strict", Claim: "what is no JSON, or can be read in two ways, is refused", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-436", "CWE-674", "API8", "V1.5.3", "RFC 8259"}, Sure: twice,
		Fix: "Refuse members that come twice, data after the end, and what is not UTF-8: two readers of it see different things.", Pavise: "jsonbody",
		Run: judge(strict, "400"),
	}, {
		ID: "probe/parameter-twice", Claim: "a parameter that comes twice does not go round its validation", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-235", "API8", "V15.3.7"},
		Sure: "the value alone is refused, and is taken both before and after one that is valid",
		Fix:  "Refuse a parameter that comes more often than the document says.", Run: pollution,
	}, {
		ID: "probe/paging-capped", Claim: "a list gives no more at once than a bound", Severity: finding.Medium,
		Refs: []string{"CWE-770", "API4", "V15.2.2"},
		Sure: "the answer repeats the bound that was asked for, or holds more than a thousand; without either it is a suspicion",
		Fix:  "Give the parameter a maximum, and refuse more.", Run: paging,
	}, {
		ID: "probe/head-as-get", Claim: "HEAD is guarded as GET is", Severity: finding.Medium,
		Refs: []string{"CWE-650", "CWE-306", "API5", "V8.2.1", "RFC 9110 section 9.3.2"},
		Sure: "without credentials GET was refused and HEAD was not, twice, and HEAD of what is not there was",
		Fix:  "Guard by the path and not by the method.", Run: head,
	}, {
		ID: "probe/response-schema", Claim: "responses are as the document says", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-684", "API9", "RFC 9110"}, Sure: "the answer to a valid request is compared with the schema and the media types; what the schema does not name is fine, and so is a type that is another name for the same, and a body that is not there",
		Fix: "Mend the document, or the answer.", Run: responses,
	}, {
		ID: "probe/upload-bounded", Claim: "uploads have a largest size", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-770", "CWE-400", "API4", "V5.2.1"}, Sure: "a small file was taken twice before; one of 12 MiB that is taken, too, is a suspicion, unless the document has a bound",
		Fix: "Bound the size of a file, and answer 413.", Pavise: "limits.body", Run: uploads,
	}, {
		ID: "probe/upload-type", Claim: "files that a browser would run are not taken for others", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-434", "V5.2.2"}, Sure: "never more than a suspicion: whether such files are wanted nobody outside can tell",
		Fix: "Take only the types of files that are wanted, judged by their content.", Run: uploadTypes,
	}, quantityCheck()}
}

// survey is what all checks of this package judge: each request is sent once.
func survey(ctx context.Context, t *trial.Trial) []*surveyed {
	return trial.Shared(t, "contract survey", func() []*surveyed { return (&surveyor{t: t, known: map[string]int{}}).all(ctx) })
}

// judge reports what was taken although it is of a kind that is refused: what
// is of the same weight together, at the first operation that took it.
func judge(k kind, want string) func(context.Context, *trial.Trial, func(trial.Result)) {
	return func(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
		told, reason := false, "no operation takes such a request"
		taken := map[finding.Severity]*trial.Result{}
		said := map[string]bool{}
		var order []finding.Severity
		for _, s := range survey(ctx, t) {
			if s.reason != "" {
				reason = s.reason
				continue
			}
			asked, failed := 0, false
			for _, a := range s.answers {
				if a.kind != k || a.e == nil {
					continue
				}
				if a.e.Status == http.StatusTooManyRequests {
					reason = limited // that says nothing of what was sent
					continue
				}
				asked++
				if !a.twice || !a.e.OK() {
					continue
				}
				failed = true
				r := taken[a.severity]
				if r == nil {
					r = &trial.Result{Operation: s.op.Name(), Verdict: trial.Fail, Severity: a.severity, Want: want}
					taken[a.severity] = r
					order = append(order, a.severity)
				}
				if !said[a.what] {
					said[a.what] = true
					if r.Got != "" {
						r.Got += "; "
					}
					r.Got += a.what
					// The one for all of them is what the report says first.
					if len(r.Shown) == 0 {
						r.Shown = append(r.Shown, a.e)
					}
				}
			}
			if asked > 0 {
				told = true
				if !failed {
					report(trial.Result{Operation: s.op.Name(), Verdict: trial.Pass})
				}
			}
		}
		for _, severity := range order {
			r := taken[severity]
			r.Got += fmt.Sprintf(": answered with %d", r.Shown[0].Status)
			report(*r)
		}
		if !told {
			report(trial.Result{Reason: reason})
		}
	}
}

const limited = "requests that are not valid run into a rate limit"

// crash reports what was answered with 5xx, and what took long.
func crash(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	for _, s := range survey(ctx, t) {
		r := trial.Result{Operation: s.op.Name(), Verdict: trial.Pass}
		if s.reason != "" {
			report(trial.Result{Operation: s.op.Name(), Reason: s.reason})
			continue
		}
		judged := len(s.answers) == 0 // nothing can be written otherwise
		for _, a := range s.answers {
			judged = judged || a.e == nil || a.e.Status != http.StatusTooManyRequests
			switch {
			case a.twice && a.e != nil && crashed(a.e.Status) && r.Verdict != trial.Fail:
				r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%s in %s answered with %d", a.what, a.where, a.e.Status), "4xx"
				r.Shown = append(r.Shown[:0], a.e)
			case a.dropped && r.Verdict == trial.Pass:
				r.Verdict, r.Got, r.Want = trial.Suspect, fmt.Sprintf("%s in %s: the connection is closed without an answer", a.what, a.where), "4xx"
			case a.slow && r.Verdict == trial.Pass:
				r.Verdict, r.Got, r.Want = trial.Suspect, fmt.Sprintf("%s answered in %.1f s", a.what, a.e.Elapsed.Seconds()), "an answer in less than a second"
				r.Shown = append(r.Shown[:0], a.e)
			}
		}
		if !judged {
			r.Verdict, r.Reason = trial.Inconclusive, limited
		}
		report(r)
	}
}

// crashed are statuses of a failure that nobody meant: not those that say that
// something is not there, or that the service is busy.
func crashed(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented && status != http.StatusServiceUnavailable && status != http.StatusHTTPVersionNotSupported
}

// foreign tells whether an operation speaks something else than resources:
// GraphQL and the like answer faults with 200.
func foreign(op *openapi.Operation) bool { return wordIn(op.Path, "graphql", "graph", "rpc", "ws") }
