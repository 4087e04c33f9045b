// Package accounts checks how users are registered, logged in, and told apart
// from those who are none. It comes last: it makes users of its own, and may
// have logins throttled.
package accounts

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

// Checks are those of this package, what locks out last.
func Checks() []*trial.Check {
	return []*trial.Check{
		{
			ID: "probe/user-enumeration", Claim: "answers do not tell whether an account exists", Severity: finding.Medium,
			Refs: []string{"CWE-204", "API2", "V6.3.8"},
			Sure: "an account that exists and two that do not were asked for twice; the two were answered alike, and the one otherwise, in a part that does not differ from one time to the next",
			Fix:  "Answer a login and a reset in the same words whether the account exists or not; tell the owner by e-mail.", Pavise: "lint/user-enumeration",
			Run: enumeration,
		},
		{
			ID: "probe/reset-code", Claim: "a code that resets a password is not in the response", Severity: finding.High,
			Refs: []string{"CWE-640", "API2", "V6.4.3"},
			Sure: "a member of the answer is named as a code and holds one, and the account was registered in this run",
			Fix:  "Send the code to the owner's address and nowhere else.", Pavise: "lint/reset-token-returned",
			Run: resetCode,
		},
		{
			ID: "probe/weak-passwords", Claim: "passwords that everybody tries are refused", Severity: finding.Medium,
			Refs: []string{"CWE-521", "API2", "V6.2.1", "V6.2.4"},
			Sure: "an account was made with the password, by the same request that makes one with a good one",
			Fix:  "Ask for 8 characters or more, and refuse those of a list of common passwords.", Pavise: "passwords.Rules; lint/password-policy",
			Run: weak,
		},
		{
			ID: "probe/long-passwords", Claim: "long passphrases and letters of all scripts are taken", Severity: finding.Low,
			Refs: []string{"CWE-521", "V6.2.5", "V6.2.9"},
			Sure: "the same request with another password made an account",
			Fix:  "Take at least 64 characters, and any of Unicode; hash what is too long for bcrypt in another way.", Pavise: "passwords.Rules",
			Run: long,
		},
		{
			ID: "probe/password-change-current", Claim: "who changes a password must know the old one", Severity: finding.Medium,
			Refs: []string{"CWE-620", "API2", "V6.2.3"},
			Sure: "a user of this run's own changed it without the old one or with a wrong one, and logged in with the new one",
			Fix:  "Ask for the current password, and verify it before the new one is set.", Pavise: "lint/password-change-no-current",
			Run: change,
		},
		{
			ID: "probe/password-change-revokes", Claim: "a new password ends the other sessions", Severity: finding.Low,
			Refs: []string{"CWE-613", "API2", "V7.4.3"},
			Sure: "a user of this run's own had two sessions, changed the password in one, and the other still worked twice, while the old password no longer did",
			Fix:  "End all other sessions when the password changes: count versions in the account, and compare that of the token.",
			Run:  revokes,
		},
		{
			ID: "probe/default-accounts", Claim: "no account has a password that is known", Severity: finding.High, Intrusive: true,
			Refs: []string{"CWE-1392", "CWE-798", "API2", "V6.3.2"},
			Sure: "the login was answered with 2xx, and one with an unknown name and the same password was not",
			Fix:  "Make no accounts with passwords in code, or delete them.", Pavise: "lint/default-account",
			Run: defaults,
		},
		{
			ID: "probe/user-timing", Claim: "a login takes as long for an account that exists as for one that does not", Severity: finding.Medium, Intrusive: true,
			Refs: []string{"CWE-208", "CWE-204", "API2", "V6.3.8"},
			Sure: "16 logins each, in turns: the medians differ by more than 30 ms and three times the spread in both halves, and those of two accounts that do not exist do not",
			Fix:  "Verify the password against a fixed hash where there is no account.", Pavise: "passwords.Hasher.VerifyUnknown; lint/user-timing",
			Run: timing,
		},
		codesCheck(),
		{
			ID: "probe/login-throttled", Claim: "wrong logins are slowed down or refused after some", Severity: finding.High,
			Refs: []string{"CWE-307", "API2", "API4", "V6.3.1"},
			Sure: "15 wrong logins of one account of this run's own in a few seconds were all answered in the same way and in the same time",
			Fix:  "Limit logins by account and by address, and answer 429 with Retry-After.", Pavise: "ratelimit; lint/login-unthrottled",
			Run: throttled,
		},
	}
}

// registrar is a user whom the probe can register more like.
func registrar(t *trial.Trial) *identity.Identity {
	for _, i := range t.Identities {
		if i.Registers() && !t.ReadOnly() {
			return i
		}
	}
	return nil
}

// spare is a user of this run whom nobody else needs.
func spare(ctx context.Context, t *trial.Trial, name string) (*identity.Identity, error) {
	r := registrar(t)
	if r == nil {
		return nil, &trial.ReasonError{Reason: "no user could be registered for it"}
	}
	c, err := r.Another(ctx, t.Client, name)
	if err != nil {
		return nil, &trial.ReasonError{Reason: "no user could be registered for it: " + err.Error(), Err: err}
	}
	if c.Login == nil {
		return nil, &trial.ReasonError{Reason: "the user has no login"}
	}
	for variable, v := range c.Secrets() {
		t.Hide(variable, v)
	}
	return c, nil
}

// victim is the user whose logins fail, the same one for all checks.
func victim(ctx context.Context, t *trial.Trial) (*identity.Identity, error) {
	type found struct {
		who *identity.Identity
		err error
	}
	f := trial.Shared(t, "accounts/victim", func() found {
		c, err := spare(ctx, t, "spare-login")
		return found{c, err}
	})
	return f.who, f.err
}

// login is a request of a user's login with another name and password.
func login(who *identity.Identity, username, password string) *traffic.Request {
	l := *who.Login
	l.Username, l.Password = username, password
	return l.Request()
}

// operation is the name of what a login asks.
func operation(t *trial.Trial, r *traffic.Request) string {
	if op := t.Operation(r); op != nil {
		return op.Name()
	}
	path, _, _ := strings.Cut(r.Path, "?")
	return r.Method + " " + path
}

// nobody is a name like another that no account has.
func nobody(t *trial.Trial, like string, n int) string {
	m := t.Maker(fmt.Sprintf("nobody %d", n))
	if _, host, ok := strings.Cut(like, "@"); ok {
		return m.Mark() + "@" + host
	}
	// A number is of the same length, and begins in the same way.
	if digits := strings.TrimPrefix(like, "+"); len(digits) >= 8 && strings.Trim(digits, "0123456789") == "" {
		if v, ok := m.Matching(fmt.Sprintf("^[0-9]{%d}$", 6), 6, 6); ok {
			return like[:len(like)-6] + v
		}
	}
	return m.Mark()
}

const wrong = "Pv7!wrong-Qz#9-password"

// plain is what an answer says, without the name that was sent.
func plain(e *traffic.Exchange, name string) map[string]string {
	out := trial.Leaves(e)
	for at, v := range out {
		out[at] = strings.ReplaceAll(v, name, "NAME")
	}
	out["status"] = fmt.Sprint(e.Status)
	return out
}

// tells finds a part of the answers that is always the same for those that do
// not exist, and never that for the account that does.
func tells(exists, none []map[string]string) string {
	for _, at := range append([]string{"status"}, slices.Sorted(maps.Keys(exists[0]))...) {
		stable := func(l []map[string]string) bool {
			for _, m := range l {
				if m[at] != l[0][at] {
					return false
				}
			}
			return true
		}
		if !stable(none) || slices.ContainsFunc(exists, func(m map[string]string) bool { return m[at] == none[0][at] }) {
			continue
		}
		// Another reference each time for an account, and none for no account,
		// tells as much.
		if stable(exists) || at != "status" {
			return at
		}
	}
	return ""
}

// compare asks for an account that exists and for two that do not, by turns.
func compare(t *trial.Trial, real string, ask func(name string) (*traffic.Exchange, error)) (at string, shown []*traffic.Exchange, err error) {
	var exists, none []map[string]string
	for n := range 2 {
		name := nobody(t, real, n)
		a, err := ask(real)
		if err != nil {
			return "", nil, err
		}
		b, err := ask(name)
		if err != nil {
			return "", nil, err
		}
		if a.Status == http.StatusTooManyRequests || b.Status == http.StatusTooManyRequests || a.Status >= 500 || b.Status >= 500 {
			return "", nil, &trial.ReasonError{Reason: fmt.Sprintf("it is answered %d and %d", a.Status, b.Status)}
		}
		exists, none = append(exists, plain(a, real)), append(none, plain(b, name))
		shown = []*traffic.Exchange{b, a}
	}
	return tells(exists, none), shown, nil
}

func enumeration(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	v, err := victim(ctx, t)
	if err != nil {
		report(trial.Result{Reason: trial.Reason(err)})
		return
	}
	judge := func(name string, severity finding.Severity, ask func(string) (*traffic.Exchange, error)) {
		r := trial.Result{Operation: name, Verdict: trial.Pass, Want: "the same answer for both"}
		at, shown, err := compare(t, v.Login.Username, ask)
		switch {
		case err != nil:
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		case at != "":
			r.Verdict, r.Severity, r.Shown = trial.Fail, severity, shown
			r.Got = fmt.Sprintf("%d for an account that exists, %d for one that does not", shown[1].Status, shown[0].Status)
			if at != "status" {
				r.Got += ", with another " + strings.Trim(at, "/")
			}
		}
		report(r)
	}
	judge(operation(t, v.Login.Request()), finding.Unknown, func(name string) (*traffic.Exchange, error) {
		return t.Send(ctx, login(v, name, wrong))
	})
	if op, field := resets(t); op != nil {
		judge(op.Name(), finding.Unknown, func(name string) (*traffic.Exchange, error) {
			d, err := t.Draft(ctx, op, identity.Anonymous(), values.Full)
			if err != nil {
				return nil, err
			}
			return t.Send(ctx, set(d, field, name).Request())
		})
	}
	// To register with a name that is taken must fail somehow; that the answer
	// says so is a choice that many make.
	if op := v.Registered; op != nil {
		if field := identity.LoginField(op); field != "" && !strings.Contains(field, "/") {
			r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "the same answer for both"}
			var got []*traffic.Exchange
			for _, taken := range []bool{false, true} {
				d, err := t.Draft(ctx, op, identity.Anonymous(), values.Full)
				if err != nil {
					break
				}
				if taken {
					for _, f := range []string{field, v.Login.UsernameField} {
						if _, ok := fields(d)[f]; ok {
							d = set(d, f, v.Login.Username)
							break
						}
					}
				}
				e, err := t.Send(ctx, hide(t, d).Request())
				if err != nil {
					break
				}
				t.Adopt(d, e)
				got = append(got, e)
			}
			switch {
			case len(got) < 2 || !got[0].OK():
				r.Verdict, r.Reason = trial.Inconclusive, "no valid request"
			case got[0].Status != got[1].Status:
				r.Verdict, r.Severity = trial.Fail, finding.Low
				r.Got = fmt.Sprintf("%d for an account that exists, %d for one that does not", got[1].Status, got[0].Status)
				r.Shown = got
			}
			report(r)
		}
	}
}

// fields are the members of a draft's body.
func fields(d *trial.Draft) map[string]any {
	m, _ := d.Body.(map[string]any)
	return m
}

func set(d *trial.Draft, name string, v any) *trial.Draft {
	c := d.Clone()
	if m := fields(c); m != nil {
		m[name] = v
	}
	return c
}

// hide makes the passwords of a body ones that are not shown.
func hide(t *trial.Trial, d *trial.Draft) *trial.Draft {
	for _, name := range slices.Sorted(maps.Keys(fields(d))) {
		if v, ok := fields(d)[name].(string); ok && identity.PasswordName(name) {
			t.Hide(fmt.Sprintf("NEW_PASSWORD_%d", len(t.Secrets())), v)
		}
	}
	return d
}
