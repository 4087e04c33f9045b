// Package responses checks what all responses have in common: header fields
// that protect, and none that tell too much.
//
// Each is judged on every class of responses that could be had: what succeeds,
// what is refused and why, redirects, preflights, HEAD, pages of
// documentation, crashes. Middleware that works on 200 alone is the usual
// mistake.
package responses

import (
	"context"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

const sure = "a field is there or is not; each class of responses is looked at, and those that lack it are named"

// Checks are those of this package.
func Checks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/nosniff", Claim: "every response forbids guessing its type", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-693", "API8", "V3.4.4"}, Sure: sure,
		Fix: "Send X-Content-Type-Options: nosniff once on every response, errors included.", Pavise: "headers",
		Run: judge(nosniff, "X-Content-Type-Options once, nosniff", withBody(finding.Medium)),
	}, {
		ID: "probe/framing", Claim: "no other site may show a response in a frame", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-1021", "API8", "V3.4.6"}, Sure: sure + "; where no page of HTML lacks it, it is of low severity",
		Fix: "Send X-Frame-Options: DENY, and Content-Security-Policy with frame-ancestors 'none'.", Pavise: "headers",
		Run: judge(framing, "X-Frame-Options: DENY, or frame-ancestors 'none' of Content-Security-Policy, and no two that disagree", pages),
	}, {
		ID: "probe/hsts", Claim: "browsers are told to use TLS only", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-319", "API8", "V3.4.1"}, Sure: sure + "; over plain HTTP the field means nothing, and it is not asked for",
		Fix: "Send Strict-Transport-Security: max-age=63072000; includeSubDomains on every response over TLS.", Pavise: "headers: hsts",
		Run: hsts,
	}, {
		ID: "probe/csp", Claim: "a response that is shown as a page may load and run nothing that it must not", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-693", "API8", "V3.4.3"}, Sure: sure + "; where no page of HTML lacks it, it is of low severity",
		Fix: "Send Content-Security-Policy: default-src 'none'; frame-ancestors 'none' with data, and pages name their scripts by nonce or hash.", Pavise: "headers",
		Run: judge(csp, "default-src 'none' for data; for pages, scripts without 'unsafe-inline', 'unsafe-eval', * and data:", pages),
	}, {
		ID: "probe/referrer-policy", Claim: "addresses of the API are not told to other sites", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-200", "API8", "V3.4.5"}, Sure: sure,
		Fix: "Send Referrer-Policy: no-referrer.", Pavise: "headers",
		Run: judge(referrer, "Referrer-Policy of no-referrer, same-origin, strict-origin or strict-origin-when-cross-origin", nil),
	}, {
		ID: "probe/permissions-policy", Claim: "a response that is shown as a page may not use camera, microphone and position", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-693", "API8"}, Sure: sure,
		Fix: "Send Permissions-Policy: camera=(), microphone=(), geolocation=() and the like.", Pavise: "headers",
		Run: judge(permissions, "Permissions-Policy that denies camera, microphone and geolocation to all", nil),
	}, {
		ID: "probe/xss-auditor", Claim: "the old filter of browsers against scripts stays off", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-693", "API8"}, Sure: "only a value that switches it on is one",
		Fix: "Send X-XSS-Protection: 0, or nothing: the filter itself could be used to attack pages.", Pavise: "headers",
		Run: judge(auditor, "X-XSS-Protection: 0, or none", nil),
	}, {
		ID: "probe/no-store", Claim: "no cache keeps what is answered to credentials", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-525", "API8", "V14.2.2", "V14.3.2", "RFC 9111"}, Sure: "only answers of 2xx to credentials that the document asks for, and such that hold a token",
		Fix: "Send Cache-Control: no-store on every response to a request with credentials.", Pavise: "headers: no_store",
		Run: noStore,
	}, {
		ID: "probe/server-banner", Claim: "no response says which server answers", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-200", "API8", "V13.4.6"}, Sure: "the field names a product that is known, or a version; the answer to what is no HTTP is read from the connection itself",
		Fix: "Switch the server's own Server field off (uvicorn --no-server-header, nginx server_tokens off), or overwrite it in front.", Pavise: "headers: remove",
		Run: banner,
	}, {
		ID: "probe/version-headers", Claim: "no header field says what the API is built with", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-200", "API8", "V13.4.6"}, Sure: "fields that frameworks name themselves in, and values like name/1.2; addresses and media types are none",
		Fix: "Remove X-Powered-By and its like.", Pavise: "headers: remove",
		Run: judge(versions, "none", nil),
	}, {
		ID: "probe/content-type", Claim: "a response is of the type that it says", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-436", "API8", "V4.1.1"}, Sure: "the whole body parses as an object or list of JSON, or begins as a page of HTML does, and another type is said",
		Fix: "Send Content-Type: application/json with JSON, and a charset with every text.", Pavise: "headers",
		Run: contentType,
	}, {
		ID: "probe/headers-survive-errors", Claim: "errors carry the same protection as what succeeds", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-693", "API8", "V3.4.1", "V3.4.4", "V3.4.6"}, Sure: "only fields that every success carries are missed on errors",
		Fix: "Set the fields outside of everything that can answer by itself: outermost middleware, or in front.", Pavise: "headers",
		Run: survive,
	}}
}

// judge makes a check of what is wrong with single responses: "" is nothing.
func judge(wrong func(answer) string, want string, severity func([]answer) finding.Severity) func(context.Context, *trial.Trial, func(trial.Result)) {
	return func(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
		report(verdict(survey(ctx, t), wrong, want, severity))
	}
}

// verdict judges answers together, and says which classes of them are wrong.
func verdict(answers []answer, wrong func(answer) string, want string, severity func([]answer) finding.Severity) trial.Result {
	if !succeeded(answers) {
		return trial.Result{Reason: "no valid request was answered with 2xx, so that its errors say little"}
	}
	var problems []string
	bad := map[string][]answer{}
	var all []answer
	for _, a := range answers {
		p := wrong(a)
		if p == "" {
			continue
		}
		if bad[p] == nil {
			problems = append(problems, p)
		}
		bad[p] = append(bad[p], a)
		all = append(all, a)
	}
	if len(all) == 0 {
		return trial.Result{Verdict: trial.Pass}
	}
	r := trial.Result{Verdict: trial.Fail, Want: want}
	for i, p := range problems {
		if i > 0 {
			r.Got += "; "
		}
		r.Got += p + " on " + where(bad[p], answers)
		if i < maxShown {
			r.Shown = append(r.Shown, bad[p][0].e)
		}
	}
	if severity != nil {
		r.Severity = severity(all)
	}
	return r
}

// maxShown is how many exchanges show one fault.
const maxShown = 3

// pages is medium where a page of HTML is affected, and else low: data is
// rarely shown in a frame.
func pages(bad []answer) finding.Severity {
	for _, a := range bad {
		if a.page() {
			return finding.Medium
		}
	}
	return finding.Low
}

// withBody is low where nothing that has a body is affected.
func withBody(s finding.Severity) func([]answer) finding.Severity {
	return func(bad []answer) finding.Severity {
		for _, a := range bad {
			if len(a.e.Body) > 0 {
				return s
			}
		}
		return finding.Low
	}
}
