package accounts

import (
	"context"
	"fmt"
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

// register makes an account with a password.
func register(ctx context.Context, t *trial.Trial, op *openapi.Operation, password string) (*traffic.Exchange, error) {
	d, err := t.Draft(ctx, op, identity.Anonymous(), values.Full)
	if err != nil {
		return nil, err
	}
	set := false
	var walk func(m map[string]any)
	walk = func(m map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			switch v := m[name].(type) {
			case map[string]any:
				walk(v)
			case string:
				if identity.PasswordName(name) {
					m[name], set = password, true
				}
			}
		}
	}
	walk(fields(d))
	if !set {
		return nil, &trial.ReasonError{Reason: "the request has no password"}
	}
	e, err := t.Send(ctx, d.Request())
	if err == nil {
		t.Adopt(d, e)
	}
	return e, err
}

// registers is the operation that made the users, if a good password passes.
func registers(ctx context.Context, t *trial.Trial) (*openapi.Operation, error) {
	type found struct {
		op  *openapi.Operation
		err error
	}
	f := trial.Shared(t, "accounts/registers", func() found {
		r := registrar(t)
		if r != nil && r.Registered == nil {
			r, _ = victim(ctx, t) // users of a file were registered by somebody else
		}
		if r == nil || r.Registered == nil {
			return found{nil, &trial.ReasonError{Reason: "no user could be registered"}}
		}
		good := t.Password("a good password")
		t.Hide("GOOD_PASSWORD", good)
		e, err := register(ctx, t, r.Registered, good)
		if err == nil && !e.OK() {
			err = &trial.ReasonError{Reason: fmt.Sprintf("no valid request: %s answers %d", r.Registered.Name(), e.Status)}
		}
		return found{r.Registered, err}
	})
	return f.op, f.err
}

func weak(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	op, err := registers(ctx, t)
	if op == nil {
		return // there is nothing to ask
	}
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "422"}
	defer func() { report(r) }()
	if err != nil {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		return
	}
	var taken []string
	for _, p := range []struct{ what, password string }{{"1 character", "k"}, {"7 characters", "kX4!q_z"}, {"Password1!", "Password1!"}, {"12345678", "12345678"}} {
		n := 0
		for n < 2 {
			e, err := register(ctx, t, op, p.password)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			if !e.OK() {
				break
			}
			if n++; n == 2 {
				taken = append(taken, p.what)
				r.Shown = []*traffic.Exchange{e}
			}
		}
	}
	if len(taken) > 0 {
		r.Verdict, r.Got = trial.Fail, "an account with a password of "+strings.Join(taken, ", of ")
	}
}

func long(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	op, err := registers(ctx, t)
	if op == nil || err != nil {
		return
	}
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "an account"}
	defer func() { report(r) }()
	for _, p := range []struct{ what, password string }{
		{"64 characters", "Quiet Otters 7 carry! violet lanterns over nineteen frozen rivers"[:64]},
		{"letters beyond ASCII", "Schl\u00fcsselbl\u00fcte 7! \u6c34\u5c71\u96ea \u0436\u0443\u043a"},
	} {
		for n := range 2 {
			e, err := register(ctx, t, op, p.password)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			if e.OK() {
				break
			}
			if n == 1 {
				r.Verdict, r.Got, r.Shown = trial.Fail, fmt.Sprintf("%d for a password of %s", e.Status, p.what), []*traffic.Exchange{e}
				if e.Status >= 500 {
					r.Severity = finding.Medium
				}
				return
			}
		}
	}
}

// changer is the operation by which users change their own passwords, and the
// members of the old and the new one; current is empty when none is asked for.
func changer(t *trial.Trial) (op *openapi.Operation, current string, news []string) {
	for _, o := range t.Operations {
		name := strings.ToLower(o.Path + " " + o.ID)
		if !o.Writes() || o.Method == http.MethodDelete || !o.Secured() || len(o.PathParams()) > 0 || o.JSON() == nil || !strings.Contains(name, "password") ||
			strings.Contains(name, "reset") || strings.Contains(name, "forgot") || strings.Contains(name, "recover") {
			continue
		}
		current, news = "", nil
		for _, p := range o.JSON().Schema.Properties {
			lower := strings.ToLower(p.Name)
			switch {
			case !identity.PasswordName(lower) && lower != "current" && lower != "old" && lower != "new":
			case strings.Contains(lower, "old") || strings.Contains(lower, "current") || strings.Contains(lower, "existing") || strings.Contains(lower, "previous"):
				current = p.Name
			default:
				news = append(news, p.Name)
			}
		}
		if len(news) > 0 {
			return o, current, news
		}
	}
	return nil, "", nil
}

// renew is a request that changes a password.
func renew(ctx context.Context, t *trial.Trial, op *openapi.Operation, who *identity.Identity, current, old string, news []string, password string) (*traffic.Exchange, error) {
	d, err := t.Draft(ctx, op, who, values.Full)
	if err != nil {
		return nil, err
	}
	m := fields(d)
	if m == nil {
		return nil, &trial.ReasonError{Reason: "the body is no object"}
	}
	for _, n := range news {
		m[n] = password
	}
	if current != "" {
		m[current] = old
		if old == "" {
			delete(m, current)
		}
	}
	return t.Send(ctx, d.Request())
}

func change(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	op, current, news := changer(t)
	if op == nil {
		return
	}
	r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "4xx"}
	defer func() { report(r) }()
	c, err := spare(ctx, t, "spare-change")
	if err != nil {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		return
	}
	olds := map[string]string{"without the old one": ""}
	if current != "" {
		olds["with a wrong one"] = wrong
	}
	for _, how := range slices.Sorted(maps.Keys(olds)) {
		for n := range 2 {
			password := t.Password(fmt.Sprintf("changed %s %d", how, n))
			t.Hide(fmt.Sprintf("NEW_PASSWORD_%d_%d", len(how), n), password)
			e, err := renew(ctx, t, op, c, current, olds[how], news, password)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			if !e.OK() {
				break
			}
			again := c.Clone()
			again.Login.Password = password
			if again, err = again.Again(ctx, t.Client); err != nil {
				break // nothing came of it
			}
			c = again
			if n == 1 {
				r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for a new password %s", e.Status, how)
				r.Shown = []*traffic.Exchange{e}
				return
			}
		}
	}
}

func revokes(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	op, current, news := changer(t)
	if op == nil {
		return
	}
	r := trial.Result{Operation: op.Name(), Want: "401 for the other session"}
	defer func() { report(r) }()
	c, err := spare(ctx, t, "spare-sessions")
	if err != nil {
		r.Reason = trial.Reason(err)
		return
	}
	second, err := c.Again(ctx, t.Client)
	if err != nil {
		r.Reason = "there is no second session: " + err.Error()
		return
	}
	for variable, v := range second.Secrets() {
		t.Hide(variable+"_SECOND", v)
	}
	var look *trial.Draft
	for _, o := range t.Operations {
		if o.Method != http.MethodGet || !o.Secured() || len(o.PathParams()) > 0 {
			continue
		}
		d, err := t.Draft(ctx, o, second, values.Least)
		if err != nil {
			continue
		}
		if e, err := t.Send(ctx, d.Request()); err == nil && e.OK() {
			look = d
			break
		}
	}
	if look == nil {
		r.Reason = "no operation answers the second session"
		return
	}
	password := t.Password("revoked")
	t.Hide("NEW_PASSWORD", password)
	if e, err := renew(ctx, t, op, c, current, c.Login.Password, news, password); err != nil || !e.OK() {
		r.Reason = "the password cannot be changed"
		return
	}
	if old, err := t.Send(ctx, c.Login.Request()); err != nil || old.OK() {
		r.Reason = "the old password still lets in"
		return
	}
	for range 2 {
		e, err := t.Send(ctx, look.Request())
		if err != nil {
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
			return
		}
		if !e.OK() {
			r.Verdict, r.Got, r.Shown = trial.Pass, "", nil
			return
		}
		r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for a session that began with the old password", e.Status)
		r.Shown = []*traffic.Exchange{e}
	}
}
