package objects

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
)

// private are parts below a user that are for nobody else.
func private(op *openapi.Operation) bool {
	return slices.ContainsFunc([]string{"setting", "preference", "secur", "session", "device", "token", "key", "order", "invoice", "payment", "message", "notification", "address", "card", "wallet", "email", "private"}, func(w string) bool {
		name := strings.ToLower(last(op.Path))
		return !strings.HasPrefix(name, "{") && strings.Contains(name, w)
	})
}

// others reads what a path names by another user's own id or name. Who else
// there is, and what their profiles say, many APIs show to all.
func others(ctx context.Context, t *trial.Trial, a, b *identity.Identity, report func(trial.Result)) {
	n := 0
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet || !op.Secured() || t.Creator(op) != nil || len(op.PathParams()) != 1 || n == maxAccounts || !a.Enrolled || ctx.Err() != nil {
			return
		}
		kind := userParam(op)
		own := self(ctx, t, a)
		id := own[kind]
		if kind == "" || id == "" {
			return
		}
		n++
		r := trial.Result{Operation: op.Name(), Want: notThere}
		d := about(t, op, map[string]string{op.PathParams()[0]: id}, a)
		// The user's own texts, other than the one that was asked by.
		var marks []string
		for _, v := range mirror(ctx, t, a) {
			if len(v) >= 9 && strings.HasPrefix(v, "pv") && v != id {
				marks = append(marks, v)
			}
		}
		slices.Sort(marks)
		mine, err := t.Send(ctx, d.Request())
		if err != nil || !mine.OK() || !holds(string(mine.Body), marks) {
			r.Reason = "the user's own is not known by texts of ours"
			report(r)
			return
		}
		for range 2 {
			e, err := t.Send(ctx, d.As(b).Request())
			switch {
			case err != nil:
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				report(r)
				return
			case !e.OK() || !holds(string(e.Body), marks):
				r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
				report(r)
				return
			}
			r.Verdict, r.Got, r.Shown = trial.Fail, fmt.Sprintf("%s reads what is %s's: %d", b.Name, a.Name, e.Status), []*traffic.Exchange{mine, e}
		}
		if !private(op) {
			r.Verdict = trial.Suspect
			r.Got += "; accounts are shown to others in many APIs"
		}
		report(r)
	})
}

// seenIn are the leaves of an answer, and those of what an envelope such as
// {"data": {…}} holds by their own names.
func seenIn(e *traffic.Exchange) map[string]string {
	out := trial.Leaves(e)
	for _, wrapper := range []string{"data", "result", "item", "object", "payload", "response"} {
		inner := map[string]string{}
		for at, v := range out {
			if rest, ok := strings.CutPrefix(at, "/"+wrapper+"/"); ok && strings.Trim(rest[:1], "0123456789") != "" {
				inner["/"+rest] = v
			}
		}
		for at, v := range inner {
			if _, there := out[at]; !there {
				out[at] = v
			}
		}
		if len(inner) > 0 {
			break
		}
	}
	return out
}
