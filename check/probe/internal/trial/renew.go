package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

// RenewField is the member of a body that takes a token which renews others;
// it is empty where an operation takes none.
func RenewField(op *openapi.Operation) string {
	if op.Method != http.MethodPost || len(op.PathParams()) > 0 || identity.LogsIn(op) > 0 {
		return ""
	}
	names := []string{"refreshtoken"}
	if op.Says("refresh") {
		names = append(names, "refresh", "token")
	}
	for _, want := range names {
		for _, b := range op.Bodies {
			if !b.IsJSON() && b.Type != "application/x-www-form-urlencoded" {
				continue
			}
			for _, p := range b.Schema.All() {
				if strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(p.Name)) == want {
					return p.Name
				}
			}
		}
	}
	return ""
}

// Most tokens renew once: each of them takes a login.
const (
	maxRenewals  = 60
	maxThrottled = 3 // logins that had to be waited for
)

// renewals are the sessions that were begun for the sake of their tokens.
type renewals struct {
	mu           sync.Mutex
	user         *identity.Identity
	n, throttled int
	none         bool // logins give no such token
}

var errNoRenewal = errors.New("the login gives no token that renews others")

// renew fills in a token that renews others. It is of a session of its own:
// what is used twice may end the session that it is of.
func (t *Trial) renew(ctx context.Context, d *Draft) error {
	name := RenewField(d.Op)
	fields, _ := d.Body.(map[string]any)
	if _, ok := fields[name].(string); !ok {
		return nil
	}
	if Ends(d.Op) || Destroys(d.Op) {
		// What ends a session is told which, and that must be the caller's.
		if token := t.given(d.Who); token != "" {
			fields[name] = token
		}
		return nil
	}
	who, token, err := t.renewal(ctx, d.Who)
	if errors.Is(err, errNoRenewal) {
		return nil
	}
	if err != nil {
		return err
	}
	fields[name] = token
	if d.Op.Secured() && !d.Who.IsAnonymous() {
		d.Who = who // whose token it is
	}
	return nil
}

// renewal logs in once more, as whoever asks or, in the place of those whose
// sessions are in use, as a user who was registered to be spent.
func (t *Trial) renewal(ctx context.Context, who *identity.Identity) (*identity.Identity, string, error) {
	r := Shared(t, "trial/renewals", func() *renewals { return &renewals{} })
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.none:
		return nil, "", errNoRenewal
	case r.n >= maxRenewals || r.throttled >= maxThrottled:
		return nil, "", reasonf("enough logins were made for tokens that renew others")
	}
	user := who
	if who.Login == nil || t.inUse(who) {
		if r.user == nil {
			r.user = t.renewer(ctx)
		}
		if user = r.user; user == nil {
			r.none = true
			return nil, "", errNoRenewal
		}
	}
	before := len(t.Client.Seen())
	session, token, err := user.Renewing(ctx, t.Client)
	for _, e := range t.Client.Seen()[before:] {
		if e.Status == http.StatusTooManyRequests {
			r.throttled++
		}
	}
	switch {
	case err != nil:
		return nil, "", reasonf("no token that renews others: %v", err)
	case token == "":
		r.none = true
		return nil, "", errNoRenewal
	}
	r.n++
	for name, value := range session.Secrets() {
		t.Hide(fmt.Sprintf("%s_RENEWS_%d", name, r.n), value)
	}
	t.Hide(fmt.Sprintf("REFRESH_TOKEN_%d", r.n), token)
	return session, token, nil
}

// renewer is whose sessions are begun for it.
func (t *Trial) renewer(ctx context.Context) *identity.Identity {
	if spare, err := t.Spare(ctx); err == nil && spare.Login != nil {
		return spare
	}
	for _, i := range slices.Backward(t.Identities) {
		if i.Login != nil {
			return i
		}
	}
	return nil
}

// inUse tells whether a user is one that other requests are sent as.
func (t *Trial) inUse(who *identity.Identity) bool {
	return slices.ContainsFunc(t.Identities, func(i *identity.Identity) bool {
		return i == who || i.Login != nil && who.Login != nil && i.Login.Username == who.Login.Username
	})
}

// given is the token that came with the credentials of a session that nothing
// else needs.
func (t *Trial) given(who *identity.Identity) string {
	_, token, _ := strings.Cut(who.Header.Get("Authorization"), " ")
	if token == "" || slices.Contains(t.Identities, who) {
		return ""
	}
	for _, e := range t.Client.Seen() {
		if !e.OK() || !bytes.Contains(e.Body, []byte(token)) {
			continue
		}
		if renewal := identity.Renewal(e); renewal != "" {
			t.Hide("REFRESH_TOKEN_OF_"+strings.ReplaceAll(strings.ToUpper(who.Name), "-", "_"), renewal)
			return renewal
		}
	}
	return ""
}
