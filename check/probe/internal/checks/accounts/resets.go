package accounts

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

// resets is the operation that sends a code to whoever forgot a password, and
// the member that names the account.
func resets(t *trial.Trial) (*openapi.Operation, string) {
	for _, op := range t.Operations {
		name := strings.ToLower(op.Path + " " + op.ID)
		if op.Method != http.MethodPost || op.Secured() || len(op.PathParams()) > 0 || op.JSON() == nil {
			continue
		}
		if !strings.Contains(name, "forgot") && !strings.Contains(name, "recover") && (!strings.Contains(name, "reset") || !strings.Contains(name, "pass")) {
			continue
		}
		field := ""
		for _, p := range op.JSON().Schema.Properties {
			if identity.PasswordName(p.Name) || strings.Contains(strings.ToLower(p.Name), "token") || strings.Contains(strings.ToLower(p.Name), "code") || strings.Contains(strings.ToLower(p.Name), "otp") {
				field = "" // the second step
				break
			}
			if slices.Contains([]string{"email", "username", "login", "identifier", "user"}, strings.ToLower(p.Name)) {
				field = p.Name
			}
		}
		if field != "" {
			return op, field
		}
	}
	return nil, ""
}

func resetCode(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	op, field := resets(t)
	if op == nil {
		return
	}
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "an answer without a code"}
	defer func() { report(r) }()
	// A code that works gives the account another password.
	who, err := spare(ctx, t, "spare-reset")
	if err != nil {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		return
	}
	name := who.Login.Username
	if strings.Contains(strings.ToLower(field), "mail") && who.Email != "" {
		name = who.Email
	}
	d, err := t.Draft(ctx, op, identity.Anonymous(), values.Full)
	if err != nil {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		return
	}
	e, err := t.Send(ctx, set(d, field, name).Request())
	if err != nil || !e.OK() {
		r.Verdict, r.Reason = trial.Inconclusive, "no valid request"
		return
	}
	leaves := trial.Leaves(e)
	tried := 0
	for _, at := range slices.Sorted(maps.Keys(leaves)) {
		last := strings.ToLower(at[strings.LastIndexByte(at, '/')+1:])
		code := leaves[at]
		if len(code) < 4 || strings.Contains(code, " ") || code == name || e.Cut {
			continue
		}
		named := slices.ContainsFunc([]string{"token", "otp", "pin", "reset_link", "resetlink", "reset_url", "link"}, func(w string) bool { return strings.Contains(last, w) }) ||
			slices.Contains([]string{"code", "reset_code", "resetcode", "verification_code", "recovery_code"}, last)
		if named && (strings.ContainsAny(code, "0123456789") || len(code) >= 16) {
			t.Hide("RESET_CODE", code)
			r.Verdict, r.Got = trial.Fail, "a code at "+strings.Trim(at, "/")
			r.Shown = []*traffic.Exchange{e}
			return
		}
		// By whatever name: what sets a password is a code.
		if tried++; tried > maxCodes {
			continue
		}
		if used := redeem(ctx, t, who, name, code); used != nil {
			t.Hide("RESET_CODE", code)
			r.Verdict, r.Severity, r.Got = trial.Fail, finding.Critical, strings.Trim(at, "/")+" of the answer sets a new password"
			r.Shown = []*traffic.Exchange{e, used}
			return
		}
	}
}

// maxCodes is how many texts of an answer are tried as codes.
const maxCodes = 6

// redeem sets a password with what may be a code, and logs in with it. It is
// nil when that does not work.
func redeem(ctx context.Context, t *trial.Trial, who *identity.Identity, name, code string) *traffic.Exchange {
	op, token := redeemer(t)
	if op == nil {
		return nil
	}
	d, err := t.Draft(ctx, op, identity.Anonymous(), values.Full)
	if err != nil {
		return nil
	}
	password := t.Password("reset " + who.Name)
	t.Hide("NEW_PASSWORD_RESET", password)
	m := fields(d)
	if m == nil {
		return nil
	}
	for field := range m {
		switch lower := strings.ToLower(field); {
		case field == token:
			m[field] = code
		case identity.PasswordName(field):
			m[field] = password
		case strings.Contains(lower, "mail") || strings.Contains(lower, "user") || lower == "login" || lower == "identifier":
			m[field] = name
		}
	}
	e, err := t.Send(ctx, d.Request())
	if err != nil || !e.OK() {
		return nil
	}
	again := who.Clone()
	again.Login.Password = password
	if _, err := again.Again(ctx, t.Client); err != nil {
		return nil
	}
	return e
}

// redeemer is the operation that takes a code and a new password, and the
// member that the code is in.
func redeemer(t *trial.Trial) (*openapi.Operation, string) {
	for _, op := range t.Operations {
		if !op.Writes() || op.Secured() || len(op.PathParams()) > 0 || op.JSON() == nil || !op.Says("reset", "recover", "forgot") {
			continue
		}
		token, password := "", false
		for _, p := range op.JSON().Schema.Properties {
			lower := strings.ToLower(p.Name)
			switch {
			case identity.PasswordName(p.Name):
				password = true
			case token == "" && slices.ContainsFunc([]string{"token", "code", "otp", "pin", "key", "reference", "ticket"}, func(w string) bool { return strings.Contains(lower, w) }):
				token = p.Name
			}
		}
		if token != "" && password {
			return op, token
		}
	}
	return nil, ""
}
