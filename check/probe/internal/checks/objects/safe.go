package objects

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

func safeCheck() *trial.Check {
	return &trial.Check{
		ID: "probe/get-is-safe", Claim: "what only reads changes nothing", Severity: finding.Medium,
		Refs: []string{"CWE-650", "CWE-352", "V3.5.3"},
		Sure: "the object was made for it; its owner read it twice alike, sent the GET, and it was gone or had another value, with two objects",
		Fix:  "Take POST, PUT, PATCH or DELETE for what changes something: a GET is sent by any page, link and prefetch with the user's cookies (RFC 9110 section 9.2.1).", Pavise: "lint/get-side-effect",
		Run: safe,
	}
}

// acts tells whether the last part of a path says that something is done.
func acts(op *openapi.Operation) bool {
	return slices.ContainsFunc([]string{"delete", "remove", "revoke", "cancel", "approve", "reject", "accept", "decline", "activate", "deactivate", "enable", "disable", "publish", "unpublish", "archive", "close", "reopen", "lock", "unlock", "reset", "rotate", "toggle", "confirm", "complete", "finish", "pay", "mark"}, func(w string) bool {
		return strings.HasPrefix(strings.ToLower(last(op.Path)), w)
	})
}

// safe asks by GET for what sounds as if it did something.
func safe(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if len(t.Identities) == 0 {
		return
	}
	who := t.Identities[0]
	t.Each(func(op *openapi.Operation) {
		creator := t.Creator(op)
		if op.Method != http.MethodGet || creator == nil || strings.HasSuffix(strings.TrimSuffix(op.Path, "/"), "}") || !acts(op) || t.ReadOnly() {
			return
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "405, and no change"}
		defer func() { report(r) }()
		s := sceneOf(ctx, t, creator, who, who)
		if s.err != nil {
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(s.err)
			return
		}
		for range 2 {
			done, err := attackBy(ctx, t, s, op, values.Least, func(d *trial.Draft) *trial.Draft { return d })
			switch {
			case err != nil:
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			case done.blind:
				r.Verdict, r.Reason = trial.Inconclusive, errBlind.Error()
				return
			case done.what == "" || !done.sent.OK():
				r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
				return
			}
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("the object %s after a GET: %d", done.what, done.sent.Status)
			r.Shown = []*traffic.Exchange{done.made, done.sent}
		}
	})
}
