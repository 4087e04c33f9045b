package exposure

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// unlisted: a route that is kept out of the document is often taken for one
// that nobody finds, and is guarded by nothing else.
func unlisted(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	t.Each(func(op *openapi.Operation) {
		if op.Hidden {
			report(answersStrangers(ctx, t, op))
		}
	})
}

func answersStrangers(ctx context.Context, t *trial.Trial, op *openapi.Operation) trial.Result {
	r := trial.Result{Operation: op.Name()}
	if forAll(op) {
		r.Verdict, r.Reason = trial.NotApplicable, "it is one for strangers, by its name"
		return r
	}
	anonymous := identity.Anonymous()
	// Who may call knows which objects there are.
	b, err := t.Baseline(ctx, op, t.Caller(op))
	if err != nil && !t.Caller(op).IsAnonymous() {
		b, err = t.Baseline(ctx, op, anonymous)
	}
	if err != nil {
		r.Reason = trial.Reason(err)
		for _, status := range []string{"401", "403"} {
			if strings.HasSuffix(r.Reason, "answers "+status) {
				r.Verdict, r.Reason = trial.Pass, ""
			}
		}
		for _, status := range []string{"404", "405"} {
			if strings.HasSuffix(r.Reason, "answers "+status) {
				r.Verdict, r.Reason = trial.NotApplicable, "it is not served here"
			}
		}
		return r
	}
	var last *traffic.Exchange
	var sent *trial.Draft
	for range 2 {
		d, err := t.Fresh(ctx, b)
		if err != nil {
			r.Reason = trial.Reason(err)
			return r
		}
		d = d.As(anonymous)
		e, err := t.Send(ctx, d.Request())
		if err != nil {
			r.Reason = trial.Reason(err)
			return r
		}
		if !e.OK() {
			r.Verdict = trial.Pass
			return r
		}
		t.Adopt(d, e)
		last, sent = e, d
	}
	// A server that answers everything says nothing of this route.
	beside := sent.Request()
	beside.Path = besides(op, beside.Path, t.Maker("unlisted").Mark())
	if e, err := t.Send(ctx, beside); err != nil || e.OK() && trial.Shape(e) == trial.Shape(last) {
		r.Verdict, r.Reason = trial.NotApplicable, "a path that is not there is answered alike"
		if err != nil {
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		}
		return r
	}
	r.Verdict, r.Severity, r.Want, r.Shown = trial.Fail, finding.Medium, "401 or 404", []*traffic.Exchange{last}
	r.Got = fmt.Sprintf("%d without credentials at %s, which the document lacks", last.Status, op.Name())
	if op.Source != "" {
		r.Got += " and " + op.Source + " serves"
	}
	switch {
	case op.Writes(), inside(op), personal(last) != "":
		r.Severity = finding.High
	case page(last), len(strings.TrimSpace(string(last.Body))) == 0:
		// Pages are in no document anyway.
		r.Verdict, r.Severity = trial.Suspect, finding.Low
	}
	return r
}

// besides is a path that nobody has: the last segment that is no parameter is
// another.
func besides(op *openapi.Operation, path, mark string) string {
	path, query, asked := strings.Cut(path, "?")
	template, sent := strings.Split(op.Path, "/"), strings.Split(path, "/")
	offset := len(sent) - len(template)
	for i, s := range slices.Backward(template) {
		if s != "" && !strings.Contains(s, "{") && i+offset >= 0 {
			sent[i+offset] += mark
			break
		}
	}
	path = strings.Join(sent, "/")
	if asked {
		path += "?" + query
	}
	return path
}

// forAll tells whether an operation is for strangers by its nature: what asks
// for health, signs somebody in, or is called by other services that sign.
func forAll(op *openapi.Operation) bool {
	if op.Method == http.MethodGet && strings.Trim(op.Path, "/") == "" {
		return true
	}
	return says(op.Path, "health", "healthz", "healthcheck", "livez", "readyz", "ready", "live", "liveness", "readiness", "ping", "status", "version", "metrics", "docs", "redoc", "openapi", "swagger", "static", "assets", "favicon", "robots", "sitemap", "well-known", "manifest",
		"login", "signin", "logout", "signout", "signup", "register", "token", "refresh", "forgot", "recover", "verify", "confirm", "activate", "oauth", "oauth2", "sso", "saml", "oidc", "callback", "webhook", "webhooks", "hook", "hooks", "csp", "contact", "newsletter", "unsubscribe", "subscribe", "captcha", "public", "about", "home", "index", "legal", "terms", "privacy")
}

// inside tells whether an operation is for those who run the service.
func inside(op *openapi.Operation) bool {
	return says(op.Path, "admin", "administration", "debug", "internal", "staff", "superuser", "backoffice", "config", "dump", "backup", "secrets", "env")
}

// says tells whether a segment of a path, or a part of one, is one of the words.
func says(path string, words ...string) bool {
	for s := range strings.SplitSeq(strings.ToLower(path), "/") {
		name, _, _ := strings.Cut(s, ".")
		if s != "" && (slices.Contains(words, s) || slices.Contains(words, name) || slices.Contains(words, strings.TrimPrefix(s, "."))) {
			return true
		}
		if slices.ContainsFunc(strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '_' }), func(part string) bool { return slices.Contains(words, part) }) {
			return true
		}
	}
	return false
}
