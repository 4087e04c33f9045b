package accounts

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// known are names and passwords that are tried first by everybody.
func known() [][2]string {
	return [][2]string{
		{"admin", "admin"}, {"admin", "password"}, {"admin", "admin123"}, {"admin", "changeme"}, {"root", "root"}, {"test", "test"},
		{"user", "user"}, {"guest", "guest"}, {"demo", "demo"}, {"admin@example.com", "admin"}, {"admin@example.com", "password"}, {"administrator", "password"},
	}
}

// anyLogin is an identity that logs in.
func anyLogin(t *trial.Trial) *identity.Identity {
	for _, i := range t.Identities {
		if i.Login != nil && i.Login.Raw == "" && i.Login.UsernameField != "" {
			return i
		}
	}
	return nil
}

func defaults(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	who := anyLogin(t)
	if who == nil {
		return
	}
	r := trial.Result{Operation: operation(t, who.Login.Request()), Verdict: trial.Pass, Want: "401"}
	defer func() { report(r) }()
	twin, err := t.Client.Once(ctx, login(who, nobody(t, "admin", 2), "password"))
	if err != nil || twin.OK() {
		r.Verdict, r.Reason = trial.Inconclusive, "an unknown name with a wrong password is answered with 2xx"
		return
	}
	for _, pair := range known() {
		e, err := t.Client.Once(ctx, login(who, pair[0], pair[1]))
		if err != nil {
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
			return
		}
		if e.Status == http.StatusTooManyRequests || e.Status == http.StatusLocked {
			return // as it should be
		}
		if e.OK() && trial.Shape(e) != trial.Shape(twin) {
			r.Verdict, r.Got, r.Shown = trial.Fail, fmt.Sprintf("%d for the login of %s with a password that is known", e.Status, pair[0]), []*traffic.Exchange{e}
			return
		}
	}
}

// samples is how many logins of each kind are measured.
const samples = 16

func timing(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	v, err := victim(ctx, t)
	if err != nil {
		report(trial.Result{Reason: trial.Reason(err)})
		return
	}
	r := trial.Result{Operation: operation(t, v.Login.Request()), Want: "the same time for both"}
	defer func() { report(r) }()
	names := []string{v.Login.Username, nobody(t, v.Login.Username, 3), nobody(t, v.Login.Username, 4)}
	took := make([][]time.Duration, len(names))
	var shown *traffic.Exchange
	for n := range samples + 1 {
		for i, name := range names {
			e, err := t.Client.Once(ctx, login(v, name, wrong))
			if err != nil {
				r.Reason = trial.Reason(err)
				return
			}
			if e.Status == http.StatusTooManyRequests || e.Status == http.StatusLocked || e.OK() {
				r.Reason = fmt.Sprintf("a wrong login is answered %d before there is enough to measure", e.Status)
				return
			}
			if i == 0 {
				shown = e
			}
			if n > 0 { // the first ones open connections
				took[i] = append(took[i], e.Elapsed)
			}
		}
	}
	differ := func(a, b []time.Duration) bool {
		d := (median(a) - median(b)).Abs()
		return d > max(30*time.Millisecond, 3*max(spread(a), spread(b)))
	}
	half := samples / 2
	control := (median(took[1]) - median(took[2])).Abs()
	d := median(took[0]) - median(took[1])
	switch {
	case control > d.Abs()/3 && control > 10*time.Millisecond:
		r.Reason = "two accounts that do not exist differ, too"
	case differ(took[0][:half], took[1][:half]) && differ(took[0][half:], took[1][half:]):
		r.Verdict, r.Shown = trial.Fail, []*traffic.Exchange{shown}
		r.Got = fmt.Sprintf("%d ms for an account that exists, %d ms for one that does not", median(took[0]).Milliseconds(), median(took[1]).Milliseconds())
	case d.Abs() > 30*time.Millisecond:
		r.Verdict, r.Shown = trial.Suspect, []*traffic.Exchange{shown}
		r.Got = fmt.Sprintf("%d ms for an account that exists, %d ms for one that does not, with a wide spread", median(took[0]).Milliseconds(), median(took[1]).Milliseconds())
	default:
		r.Verdict = trial.Pass
	}
}

func median(l []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(l))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// spread is the median distance from the median, as a standard deviation of
// what is spread normally: one slow answer does not count for much.
func spread(l []time.Duration) time.Duration {
	m := median(l)
	var away []time.Duration
	for _, d := range l {
		away = append(away, (d - m).Abs())
	}
	return time.Duration(math.Round(1.4826 * float64(median(away))))
}

// tries is how many wrong logins must not be all alike.
const tries = 15

func throttled(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	const enough = "the logins before this one used up what is allowed"
	c, err := spare(ctx, t, "spare-throttled")
	if refused := (*identity.ThrottledError)(nil); errors.As(err, &refused) {
		// It could register just now, so that it is the logins that are bounded.
		report(trial.Result{Operation: operation(t, refused.Login), Verdict: trial.Pass, Reason: enough})
		return
	}
	if err != nil {
		report(trial.Result{Reason: trial.Reason(err)})
		return
	}
	r := trial.Result{Operation: operation(t, c.Login.Request()), Want: "429 with Retry-After, 423, or a growing delay"}
	defer func() { report(r) }()
	switch e, err := t.Send(ctx, c.Login.Request()); {
	case err == nil && e.Status == http.StatusTooManyRequests:
		// It was waited for as long as it asked for, if that was bearable: what
		// bounds all requests together would have let it through by then.
		r.Verdict, r.Reason = trial.Pass, enough
		return
	case err != nil || !e.OK():
		r.Reason = "the right login does not work"
		return
	}
	start := time.Now()
	var all []*traffic.Exchange
	for range tries {
		e, err := t.Client.Once(ctx, login(c, c.Login.Username, wrong))
		if err != nil {
			r.Reason = trial.Reason(err)
			return
		}
		if e.OK() {
			r.Reason = "a wrong password is answered with 2xx"
			return
		}
		all = append(all, e)
		if e.Status == http.StatusTooManyRequests || e.Status == http.StatusLocked || e.Status != all[0].Status || trial.Shape(e) != trial.Shape(all[0]) {
			r.Verdict = trial.Pass
			return
		}
		if time.Since(start) > 10*time.Second {
			break
		}
	}
	switch {
	case len(all) < 10:
		r.Verdict, r.Reason = trial.Pass, "logins take so long that they are slowed down"
	case slowed(all):
		r.Verdict = trial.Pass
	default:
		// Those who lock an account without a word show it now.
		if e, err := t.Send(ctx, c.Login.Request()); err != nil || !e.OK() {
			r.Verdict, r.Reason = trial.Pass, "after the wrong logins the right one is refused, too"
			return
		}
		last := all[len(all)-1]
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for each of %d wrong logins in a few seconds", last.Status, len(all))
		r.Shown = []*traffic.Exchange{last}
	}
}

// slowed tells whether the last answers took far longer than the first.
func slowed(all []*traffic.Exchange) bool {
	var early, late []time.Duration
	for _, e := range all[:len(all)/3] {
		early = append(early, e.Elapsed)
	}
	for _, e := range all[len(all)-len(all)/3:] {
		late = append(late, e.Elapsed)
	}
	return median(late) > 300*time.Millisecond && median(late) > 3*median(early)
}
