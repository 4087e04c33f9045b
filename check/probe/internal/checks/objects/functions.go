package objects

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// administrative tells whether an operation is for administrators, by what it
// is called, and whether its path leaves little doubt.
func administrative(op *openapi.Operation) (is, sure bool) {
	named := func(text string, words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(text), w) })
	}
	for seg := range strings.SplitSeq(op.Path, "/") {
		if strings.HasPrefix(seg, "{") {
			continue
		}
		if named(seg, "admin", "superuser", "backoffice", "back-office") {
			return true, true
		}
		is = is || named(seg, "internal", "management")
	}
	for _, tag := range op.Tags {
		is = is || named(tag, "admin", "superuser", "internal")
	}
	return is || named(op.ID, "admin") || named(op.Summary, "admin", "superuser"), false
}

// staffGroup is the path of a group that may be for those who work there, by a
// name that may mean other things too: the staff of a cinema may be a list for
// all. It is empty where an operation is in none.
func staffGroup(op *openapi.Operation) string {
	var before []string
	for seg := range strings.SplitSeq(op.Path, "/") {
		before = append(before, seg)
		if slices.Contains([]string{"staff", "moderation", "moderator", "operations", "ops", "support", "internal", "management", "manage", "console", "control"}, strings.ToLower(seg)) {
			return strings.Join(before, "/")
		}
	}
	return ""
}

// keptGroups are the groups of which an operation refuses an ordinary user what
// an administrator is given.
func keptGroups(ctx context.Context, t *trial.Trial, user *identity.Identity) map[string]bool {
	kept := map[string]bool{}
	if len(t.Admins()) == 0 {
		return kept
	}
	t.Each(func(op *openapi.Operation) {
		group := staffGroup(op)
		if group == "" || kept[group] {
			return
		}
		if _, err := t.Baseline(ctx, op, user); err == nil || !strings.HasSuffix(trial.Reason(err), "answers 403") {
			return
		}
		_, err := t.Baseline(ctx, op, t.Admins()[0])
		kept[group] = err == nil
	})
	return kept
}

func functions(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	users := t.Users()
	if len(users) == 0 {
		return
	}
	user := users[0]
	known := len(t.Admins()) > 0 || user.Role != ""
	kept := keptGroups(ctx, t, user)
	t.Each(func(op *openapi.Operation) {
		is, sure := administrative(op)
		if group := staffGroup(op); group != "" && kept[group] {
			is, sure = true, true
		}
		if !is {
			return
		}
		r := trial.Result{Operation: op.Name(), Want: "403"}
		defer func() { report(r) }()
		b, err := t.Baseline(ctx, op, user)
		if err != nil {
			if e := instead(ctx, t, op, user); e != nil {
				r.Verdict, r.Got, r.Shown = trial.Fail, fmt.Sprintf("%s, an ordinary user, is answered %d for what an administrator made", user.Name, e.Status), []*traffic.Exchange{e}
				return
			}
			r.Reason = trial.Reason(err)
			for _, refused := range []string{"answers 403", "answers 401", "answers 404"} {
				if strings.HasSuffix(r.Reason, refused) {
					r.Verdict, r.Reason = trial.Pass, ""
				}
			}
			return
		}
		r.Verdict, r.Got = trial.Suspect, fmt.Sprintf("%s, an ordinary user, is answered %d", user.Name, b.Last.Status)
		r.Shown = []*traffic.Exchange{b.Last}
		if made := b.Draft.Made; len(made) > 0 && made[len(made)-1].Who.Admin() {
			r.Verdict = trial.Fail
			r.Got += " for what an administrator made"
			return
		}
		if known && sure {
			r.Verdict = trial.Fail
			return
		}
		r.Got += "; that it is for administrators is told by its name alone"
	})
}

// instead sends an administrator's valid request as an ordinary user: that one
// may not make what the operation is about. It is nil unless that was answered
// with 2xx twice.
func instead(ctx context.Context, t *trial.Trial, op *openapi.Operation, user *identity.Identity) *traffic.Exchange {
	admins := t.Admins()
	if len(admins) == 0 || t.Creator(op) == nil {
		return nil
	}
	b, err := t.Baseline(ctx, op, admins[0])
	if err != nil {
		return nil
	}
	var e *traffic.Exchange
	for range 2 {
		d, err := t.Fresh(ctx, b)
		if err != nil || len(d.Made) == 0 || d.Made[len(d.Made)-1].Of(user) {
			return nil
		}
		if e, err = t.Send(ctx, d.As(user).Request()); err != nil || !e.OK() {
			return nil
		}
	}
	return e
}

// once tells whether an operation is one that each may do once.
func once(op *openapi.Operation) bool {
	name := strings.ToLower(op.Path + " " + op.ID)
	return slices.ContainsFunc([]string{"redeem", "coupon", "voucher", "apply", "claim", "withdraw", "vote", "like", "checkout", "cancel", "approve", "confirm", "activate"}, func(w string) bool { return strings.Contains(name, w) })
}

// oneShot: between looking whether it was done and doing it there is time.
func oneShot(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if len(t.Identities) == 0 {
		return
	}
	t.Each(func(op *openapi.Operation) {
		// On objects of ours alone: what is redeemed cannot be given back.
		if op.Method != http.MethodPost || !once(op) || len(op.PathParams()) == 0 || t.Creator(op) == nil || trial.Destroys(op) {
			return
		}
		r := trial.Result{Operation: op.Name(), Want: "one success"}
		defer func() { report(r) }()
		d, err := t.Draft(ctx, op, t.Caller(op), values.Full)
		if err != nil {
			r.Reason = trial.Reason(err)
			return
		}
		if len(d.Made) == 0 {
			r.Reason = "no object could be made"
			return
		}
		first, err := t.Send(ctx, d.Request())
		if err != nil || !first.OK() {
			r.Reason = "no valid request"
			return
		}
		second, err := t.Send(ctx, d.Request())
		if err != nil || !second.Refused() {
			r.Verdict, r.Reason = trial.NotApplicable, "it may be done again"
			return
		}
		for range 2 {
			d, err := t.Draft(ctx, op, t.Caller(op), values.Full)
			if err != nil {
				r.Reason = trial.Reason(err)
				return
			}
			done := together(ctx, t, d, 10)
			if len(done) < 2 {
				r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
				if len(done) == 0 {
					r.Verdict, r.Reason = trial.Inconclusive, "of ten requests at the same time none was answered with 2xx"
				}
				return
			}
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d of 10 requests at the same time were answered with 2xx", len(done))
			r.Shown = done[:1]
		}
	})
}

// together sends a request n times at once, and returns the answers of 2xx.
func together(ctx context.Context, t *trial.Trial, d *trial.Draft, n int) []*traffic.Exchange {
	var wg sync.WaitGroup
	answers := make([]*traffic.Exchange, n)
	start := make(chan struct{})
	for i := range n {
		r := d.Request()
		wg.Go(func() {
			<-start
			if e, err := t.Client.Once(ctx, r); err == nil && e.OK() {
				answers[i] = e
			}
		})
	}
	close(start)
	wg.Wait()
	return slices.DeleteFunc(answers, func(e *traffic.Exchange) bool { return e == nil })
}
