package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/repair"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

func codesCheck() *trial.Check {
	return &trial.Check{
		ID: "probe/code-throttled", Claim: "wrong codes are slowed down or refused after some", Severity: finding.High,
		Refs: []string{"CWE-307", "API2", "V6.3.1", "V6.6.3"},
		Sure: "a code was asked for, for an account of this run's own; what a wrong one is answered is about the code, by its words or by what a malformed one is answered; and 15 wrong ones of the right form in a few seconds were all answered alike, in the same time; a code that is taken back without a word is not seen, so that it is suspected only",
		Fix:  "Take a code back after a few wrong ones, limit tries by account and by address, and answer 429; draw codes of 20 bits or more that end soon.", Pavise: "ratelimit; lint/weak-otp",
		Run: guessed,
	}
}

func guessed(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if t.ReadOnly() {
		return
	}
	for n, c := range redemptions(t) {
		if n == maxRedemptions {
			return
		}
		report(c.guess(ctx, t, fmt.Sprintf("spare-codes-%d", n+1)))
	}
}

// maxRedemptions is of how many operations codes are tried.
const maxRedemptions = 3

// guess asks for a code, and tries others.
func (c redemption) guess(ctx context.Context, t *trial.Trial, name string) trial.Result {
	r := trial.Result{Operation: c.op.Name(), Want: "429, 423, a growing delay, or a code that is taken back"}
	unclear := func(format string, args ...any) trial.Result {
		r.Verdict, r.Reason = trial.Inconclusive, fmt.Sprintf(format, args...)
		return r
	}
	pass := func(reason string) trial.Result {
		r.Verdict, r.Reason = trial.Pass, reason
		return r
	}
	if !c.mine() {
		return unclear("the code alone says whose it is, so that another's might be hit")
	}
	who, err := spare(ctx, t, name)
	if err != nil {
		return unclear("%s", trial.Reason(err))
	}
	asked, err := c.ask(ctx, t, who)
	if err != nil {
		return unclear("%s", trial.Reason(err))
	}
	told := map[string]bool{} // is not guessed
	for _, v := range trial.Leaves(asked) {
		told[v] = true
	}
	wrong := c.form.wrong(t.Maker(name), tries, told)
	if len(wrong) < tries {
		return unclear("no codes of the form that it takes could be made")
	}
	draft, err := c.draft(ctx, t, who)
	if err != nil {
		return unclear("%s", trial.Reason(err))
	}
	bad, err := t.Send(ctx, set(draft, c.code, "!").Request())
	switch {
	case err != nil:
		return unclear("%s", trial.Reason(err))
	case bad.Status == http.StatusTooManyRequests || bad.Status == http.StatusLocked:
		return pass("the tries before these used up what is allowed")
	}
	start := time.Now()
	var all []*traffic.Exchange
	var said []map[string]string
	for n, code := range wrong {
		e, err := t.Client.Once(ctx, set(draft, c.code, code).Request())
		switch {
		case err != nil:
			return unclear("%s", trial.Reason(err))
		case e.OK():
			return unclear("a wrong code is answered %d", e.Status)
		case e.Status == http.StatusTooManyRequests || e.Status == http.StatusLocked || e.Header.Get("Retry-After") != "":
			return pass("")
		}
		all, said = append(all, e), append(said, words(e, c.called(who), fmt.Sprint(code)))
		if n == 1 {
			// By now it is known what differs from one answer to the next.
			if reason := c.unrelated(all[0], said, words(bad, c.called(who), "!")); reason != "" {
				return unclear("%s", reason)
			}
		}
		switch {
		case e.Status != all[0].Status || trial.Shape(e) != trial.Shape(all[0]):
			return pass("")
		case bounded().MatchString(strings.Join(texts(said[n]), "\n")):
			return pass("the answers speak of a limit")
		case n > 2 && other(said[:3], said[n]):
			return pass("they are answered in other words after some")
		}
		if time.Since(start) > 10*time.Second {
			break
		}
	}
	switch {
	case len(all) < 10:
		return pass("they take so long that they are slowed down")
	case slowed(all):
		return pass("")
	}
	last := all[len(all)-1]
	// Some take a code back after a few tries and say nothing: only the right
	// code would tell, and that is in a letter.
	r.Verdict, r.Got = trial.Suspect, fmt.Sprintf("%d for each of %d wrong codes in a few seconds, unless the code is taken back without a word", last.Status, len(all))
	r.Shown = []*traffic.Exchange{last}
	return r
}

// called is how the account is named where the code is taken.
func (c redemption) called(who *identity.Identity) string {
	return calledIn(c.name, who)
}

func calledIn(member string, who *identity.Identity) string {
	switch lower := strings.ToLower(member); {
	case strings.Contains(lower, "mail") && who.Email != "":
		return who.Email
	case strings.Contains(lower, "user") && who.Username != "":
		return who.Username
	}
	return who.Login.Username
}

// ask has a code sent to the account.
func (c redemption) ask(ctx context.Context, t *trial.Trial, who *identity.Identity) (*traffic.Exchange, error) {
	as := identity.Anonymous()
	if len(c.asks.Security) > 0 {
		as = who
	}
	d, err := t.Draft(ctx, c.asks, as, values.Full)
	if err != nil {
		return nil, err
	}
	if c.to != "" {
		d = set(d, c.to, calledIn(c.to, who))
	}
	e, err := t.Send(ctx, d.Request())
	if err == nil && !e.OK() {
		err = &trial.ReasonError{Reason: fmt.Sprintf("no code could be asked for: %s answers %d", c.asks.Name(), e.Status)}
	}
	return e, err
}

// draft is a request that is valid but for its code.
func (c redemption) draft(ctx context.Context, t *trial.Trial, who *identity.Identity) (*trial.Draft, error) {
	as := identity.Anonymous()
	if len(c.op.Security) > 0 {
		as = who
	}
	d, err := t.Draft(ctx, c.op, as, values.Full)
	if err != nil {
		return nil, err
	}
	m := fields(d)
	if m == nil {
		return nil, errors.New("the body is no object")
	}
	password := t.Password("code " + who.Name)
	t.Hide("NEW_PASSWORD_CODE", password)
	for field, v := range m {
		if _, ok := v.(string); ok && identity.PasswordName(field) {
			m[field] = password
		}
	}
	if c.name != "" {
		m[c.name] = c.called(who)
	}
	return d, nil
}

// words are what an answer says, without what was sent.
func words(e *traffic.Exchange, name, code string) map[string]string {
	out := plain(e, name)
	for at, v := range out {
		if at != "status" && len(code) >= 4 {
			out[at] = strings.ReplaceAll(v, code, "CODE")
		}
	}
	return out
}

func texts(m map[string]string) []string {
	var out []string
	for at, v := range m {
		if at != "status" {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// other tells whether an answer differs from others in a part in which those
// are the same.
func other(same []map[string]string, m map[string]string) bool {
	for at, v := range same[0] {
		if !slices.ContainsFunc(same, func(o map[string]string) bool { return o[at] != v }) && m[at] != v {
			return true
		}
	}
	for at := range m {
		if _, there := same[0][at]; !there {
			return true
		}
	}
	return false
}

var (
	bounded = lazy.Regexp(`(?i)too many|attempt|\btries\b|locked|blocked|limit|remaining|\bwait\b|later`)
	ofCode  = lazy.Regexp(`(?i)\b(code|otp|pin|passcode)\b|_(code|otp|pin)\b|\b(code|otp|pin)_`)
	ofWrong = lazy.Regexp(`(?i)invalid|incorrect|wrong|expired|match|verif|token`)
)

// unrelated says why the answers to the first wrong codes are not about the
// code; it is empty when they are.
func (c redemption) unrelated(e *traffic.Exchange, wrong []map[string]string, malformed map[string]string) string {
	if !slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity}, e.Status) {
		return fmt.Sprintf("a wrong code is answered %d", e.Status)
	}
	said := strings.Join(texts(wrong[0]), "\n")
	// Invalid token is also what those are answered who do not say who they are.
	named := ofCode().MatchString(said) || bare(c.code) != "token" && strings.Contains(bare(said), bare(c.code))
	complaints := repair.Read(e, repair.Names(c.op.JSON().Schema))
	if len(complaints) > 0 && !slices.ContainsFunc(complaints, func(o repair.Complaint) bool { return o.Name() == c.code }) && !named {
		return "a wrong code is answered with a complaint of " + complaints[0].Name()
	}
	invalid := e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity
	differs := other(wrong, malformed)
	silent := strings.Trim(said, "<nil>\n ") == ""
	switch {
	case c.form.supposed && !differs:
		return "a wrong code is answered as a malformed one, and what codes look like is not said"
	case named, invalid && ofWrong().MatchString(said) && !strings.Contains(strings.ToLower(said), "password"), invalid && silent && differs:
		return ""
	}
	return fmt.Sprintf("a wrong code is answered %d, and nothing says that it is for the code", e.Status)
}
