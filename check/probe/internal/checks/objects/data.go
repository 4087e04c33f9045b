package objects

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// hashes are forms that nothing but a password's hash has, and private keys.
var hashes = lazy.Regexp(`^(\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}|\$argon2(id|i|d)\$.+|\$scrypt\$.+|scrypt:\d+:.+|\$?pbkdf2[_:-]sha\d+.+|\{?SSHA\}.+|\$[156]\$[^$]+\$[./A-Za-z0-9]{22,})$|-----BEGIN [A-Z ]*PRIVATE KEY-----`)

// hidden tells whether a value stands for one that is not shown.
func hidden(v string) bool {
	v = strings.TrimSpace(v)
	return v == "" || v == "<nil>" || v == "true" || v == "false" || strings.Trim(v, "*•xX.#-") == "" || strings.HasPrefix(v, "***") || strings.HasSuffix(v, "***") ||
		strings.Contains(strings.ToLower(v), "redacted") || strings.Contains(strings.ToLower(v), "hidden") || strings.Contains(strings.ToLower(v), "masked")
}

// The names that leave no doubt, and those that mean several things.
func passwordNames() []string {
	return []string{"password", "passwd", "passwordhash", "hashedpassword", "passwordhashed", "pwdhash", "passhash", "encryptedpassword", "passworddigest", "passwordsalt", "plainpassword"}
}

func keyNames() []string {
	return []string{"secretkey", "privatekey", "clientsecret", "mfasecret", "totpsecret", "otpsecret", "resettoken", "passwordresettoken", "refreshtoken", "apikey", "accesstoken", "sessiontoken", "verificationtoken", "cvv", "cvc", "cvv2", "pin", "secret", "otp"}
}

func secrets(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	n := 0
	t.Each(func(op *openapi.Operation) {
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "a response without it"}
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			return // it is told where it matters
		}
		answer := filled(ctx, t, b)
		leaves := trial.Leaves(answer)
		for _, at := range slices.Sorted(maps.Keys(leaves)) {
			name, v := flat(at[strings.LastIndexByte(at, '/')+1:]), leaves[at]
			if hidden(v) {
				continue
			}
			where := strings.Trim(at, "/")
			switch {
			case hashes().MatchString(v):
				r.Verdict, r.Severity, r.Got = trial.Fail, finding.Unknown, "a password's hash or a private key at "+where
			case slices.Contains(passwordNames(), name) && len(v) < 256:
				r.Verdict, r.Severity, r.Got = trial.Fail, finding.Unknown, "a password at "+where
				if strings.HasPrefix(v, "Pv7!") && op.Secured() && !ofUsers(op) {
					r.Verdict, r.Got = trial.Suspect, "the password that was sent, at "+where // of something that is kept
				}
			case r.Verdict == trial.Pass && op.Method == http.MethodGet && slices.Contains(keyNames(), name) && !strings.HasPrefix(v, "pv") && !gives(op):
				r.Verdict, r.Got = trial.Suspect, "what may be a secret at "+where
			default:
				continue
			}
			// The value is not for a report.
			n++
			t.Hide(fmt.Sprintf("SECRET_IN_RESPONSE_%d", n), v)
			r.Shown = []*traffic.Exchange{answer}
			if r.Verdict == trial.Fail {
				break
			}
		}
		report(r)
	})
}

// filled is the answer to a valid request, with something in it where that is a
// list: what is posted there is made first, and no filter is left that finds
// nothing.
func filled(ctx context.Context, t *trial.Trial, b *trial.Baseline) *traffic.Exchange {
	if b.Op.Method != http.MethodGet || len(trial.Items(b.Last, last(b.Op.Path))) > 0 || strings.HasSuffix(b.Op.Path, "}") {
		return b.Last
	}
	d := b.Draft.Clone()
	d.Query = nil
	for _, op := range t.Operations {
		if op.Method != http.MethodPost || strings.TrimSuffix(op.Path, "/") != strings.TrimSuffix(b.Op.Path, "/") || trial.Destroys(op) {
			continue
		}
		if o, err := t.Create(ctx, op, b.Who); err == nil && o.Path != nil {
			d.Path = maps.Clone(o.Path)
		}
	}
	for _, p := range b.Op.Params {
		if p.In != "query" || !p.Required {
			continue
		}
		// A text that is searched for: one letter is in most that there are.
		v := fmt.Sprint(t.Maker("filled "+b.Op.Name()).Value(p.Schema, p.Name))
		if p.Schema != nil && p.Schema.Is("string") && p.Schema.Format == "" && len(p.Schema.Enum) == 0 && p.Schema.MinLength <= 1 {
			v = "a"
		}
		d = d.WithQuery(p.Name, v)
	}
	e, err := t.Send(ctx, d.Request())
	if err != nil || !e.OK() || len(trial.Items(e, last(b.Op.Path))) == 0 {
		return b.Last
	}
	return e
}

// ofUsers tells whether an operation is about accounts.
func ofUsers(op *openapi.Operation) bool {
	return slices.ContainsFunc([]string{"user", "account", "member", "customer", "profile", "/me", "regist", "signup"}, func(w string) bool { return strings.Contains(strings.ToLower(op.Path), w) })
}

// gives tells whether an operation is there to give credentials out.
func gives(op *openapi.Operation) bool {
	name := strings.ToLower(op.Path + " " + op.ID)
	return slices.ContainsFunc([]string{"login", "token", "key", "auth", "session", "secret", "credential", "jwks", "otp", "2fa", "mfa"}, func(w string) bool { return strings.Contains(name, w) })
}

func undocumented(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	t.Each(func(op *openapi.Operation) {
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			return
		}
		res := op.Response(b.Last.Status)
		if res == nil || res.Schema == nil {
			return
		}
		v, s := decode(b.Last), res.Schema
		if l, ok := v.([]any); ok && s.Items != nil && len(l) > 0 {
			v, s = l[0], s.Items
		}
		m, ok := v.(map[string]any)
		if !ok || len(s.Properties) == 0 || s.Additional != nil || len(s.OneOf) > 0 {
			return
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass}
		var more []string
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if s.Property(name) == nil && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "$") && !strings.HasPrefix(name, "@") {
				more = append(more, name)
			}
		}
		if len(more) > 0 {
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%s in the answer", strings.Join(more, ", ")), "what the document says"
			r.Shown = []*traffic.Exchange{b.Last}
		}
		report(r)
	})
}
