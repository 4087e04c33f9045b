// Package trial is what the checks of an API share: its operations, who calls,
// valid requests and what they were answered, the objects that the probe made,
// and the rules of judging. No negative test is judged before a valid request
// was answered with 2xx twice.
package trial

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

// A Verdict is what became of a check of one operation.
type Verdict int

// The verdicts. Inconclusive is the zero value, and never the same as fine.
const (
	Inconclusive Verdict = iota
	Pass
	Fail
	Suspect
	NotApplicable
)

func (v Verdict) String() string {
	return [...]string{"inconclusive", "pass", "fail", "suspect", "not applicable"}[v]
}

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// A Check asks one thing of an API.
type Check struct {
	// ID is probe/claim, stable for ever.
	ID string
	// Claim is one sentence about the API that holds when the check passes.
	Claim    string
	Severity finding.Severity
	// Refs are CWE, OWASP API Top 10 2023 (API1…), ASVS 5.0 (V…), RFC.
	Refs []string
	// Sure says how it keeps from finding what is not there.
	Sure string
	// Fix says what to do, Pavise names the policy key or the package.
	Fix, Pavise string
	// Intrusive checks load the service, hold connections or trip limits.
	Intrusive bool
	// Once tells that it speaks of the API as a whole: the same fault on many
	// operations is one.
	Once bool
	Run  func(ctx context.Context, t *Trial, report func(Result))
}

// A Result is what became of a check of one operation.
type Result struct {
	Check *Check
	// Operation is METHOD /path; empty is the API as a whole.
	Operation string
	Verdict   Verdict
	// Severity of a failure that is not the check's own.
	Severity finding.Severity
	// Got and Want say what is wrong; Reason why it could not be told.
	Got, Want, Reason string
	// Shown are the exchanges that show it, in order; the last is the one.
	Shown []*traffic.Exchange
}

// Options say how a trial is made.
type Options struct {
	Client     *traffic.Client
	Document   *openapi.Document
	Identities []*identity.Identity
	Seed       uint64
	// Intrusive checks are run too.
	Intrusive bool
	// ReadOnly sends nothing that writes.
	ReadOnly bool
}

// A Trial is one run against one API. Its methods may be called from several
// checks at once.
type Trial struct {
	o          Options
	Client     *traffic.Client
	Document   *openapi.Document
	Operations []*openapi.Operation
	// Identities that have credentials, in the order in which they were given.
	Identities []*identity.Identity
	Seed       uint64

	mu        sync.Mutex
	baselines map[baselineKey]*once[*Baseline]
	missing   map[baselineKey]*once[*Fingerprint]
	objects   []*Object
	makers    int
	secrets   traffic.Secrets
	lessons   map[*openapi.Operation]*learned
	callers   map[*openapi.Operation]*identity.Identity
	futile    map[baselineKey]error // why an object could not be made
	nameless  []nameless
	spares    int
	enrolled  []*identity.Identity
	canary    *Canary
	shared    map[string]*once[any]
}

// New makes a trial.
func New(o Options) *Trial {
	t := &Trial{
		o: o, Client: o.Client, Document: o.Document, Operations: o.Document.Operations, Identities: o.Identities, Seed: o.Seed,
		baselines: map[baselineKey]*once[*Baseline]{}, missing: map[baselineKey]*once[*Fingerprint]{}, secrets: traffic.Secrets{},
		shared: map[string]*once[any]{}, futile: map[baselineKey]error{}, lessons: map[*openapi.Operation]*learned{}, callers: map[*openapi.Operation]*identity.Identity{},
	}
	for _, i := range o.Identities {
		for name, value := range i.Secrets() {
			t.secrets[name] = value
		}
		t.account(i)
	}
	return t
}

// ReadOnly tells whether nothing may be sent that writes.
func (t *Trial) ReadOnly() bool { return t.o.ReadOnly }

// Intrusive tells whether the service may be loaded.
func (t *Trial) Intrusive() bool { return t.o.Intrusive }

// Hide makes a value one that is never shown: a variable stands for it.
func (t *Trial) Hide(name, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secrets[name] = value
}

// Secrets are all values that are never shown.
func (t *Trial) Secrets() traffic.Secrets {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := traffic.Secrets{}
	for k, v := range t.secrets {
		out[k] = v
	}
	return out
}

// Maker makes values; each has marks of its own, and the same seed makes the
// same ones for the same name.
func (t *Trial) Maker(who string) *values.Maker { return values.New(t.Seed, who) }

// Password is one for an account, the same one in this run for the same name.
func (t *Trial) Password(who string) string {
	return values.Private(t.Seed, who, t.Client.Secret()).Password()
}

// maker makes the values of an operation's requests. Who an account is that
// may stay behind, and its password, must not follow from the seed where
// others reach the service.
func (t *Trial) maker(op *openapi.Operation, who string) *values.Maker {
	if identity.SetsPassword(op) {
		return values.Private(t.Seed, who, t.Client.Secret())
	}
	return t.Maker(who)
}

// Users are identities of ordinary users; of several with the same role and
// tenant these are the first ones.
func (t *Trial) Users() []*identity.Identity {
	return slices.DeleteFunc(slices.Clone(t.Identities), (*identity.Identity).Admin)
}

// Admins are identities of administrators.
func (t *Trial) Admins() []*identity.Identity {
	return slices.DeleteFunc(slices.Clone(t.Identities), func(i *identity.Identity) bool { return !i.Admin() })
}

// Send sends a request.
func (t *Trial) Send(ctx context.Context, r *traffic.Request) (*traffic.Exchange, error) {
	e, err := t.Client.Send(ctx, r)
	if err == nil {
		t.hideIn(e)
	}
	return e, err
}

// Try is Send for a request that is not valid: the waits for a rate limit that
// such requests run into are bounded for the whole run.
func (t *Trial) Try(ctx context.Context, r *traffic.Request) (*traffic.Exchange, error) {
	e, err := t.Client.Try(ctx, r)
	if err == nil {
		t.hideIn(e)
	}
	return e, err
}

// issued are tokens in an answer: they are secrets like those of the
// identities.
var issued = regexp.MustCompile(`"(?i:(?:access|refresh|id|auth|session)?_?token|jwt|api_?key|client_?secret)"\s*:\s*"([^"\\\s]{16,})"`)

func (t *Trial) hideIn(e *traffic.Exchange) {
	if len(e.Body) > 64<<10 || !e.OK() {
		return
	}
	var found []string
	for _, m := range issued.FindAllSubmatch(e.Body, 8) {
		found = append(found, string(m[1]))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, v := range found {
		known := false
		for _, old := range t.secrets {
			known = known || old == v
		}
		if !known && len(t.secrets) < maxSecrets {
			t.secrets[fmt.Sprintf("ISSUED_%d", len(t.secrets))] = v
		}
	}
}

const maxSecrets = 1000

// once is a value that is found once, and asked for by many.
type once[T any] struct {
	sync.Once
	value T
	err   error
}

type baselineKey struct {
	op  *openapi.Operation
	who string
}

// A ReasonError says why something could not be told.
type ReasonError struct {
	Reason string
	// Err is what made it so, where a check goes on by it.
	Err error
}

func (e *ReasonError) Error() string { return e.Reason }

func (e *ReasonError) Unwrap() error { return e.Err }

func reasonf(format string, args ...any) error {
	return &ReasonError{Reason: fmt.Sprintf(format, args...)}
}

// Reason is why it could not be told, for a report.
func Reason(err error) string {
	var r *ReasonError
	switch {
	case errors.As(err, &r):
		return r.Reason
	case errors.Is(err, traffic.ErrSpent), errors.Is(err, traffic.ErrDown):
		return err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "no answer: " + err.Error()
}

// Each calls f for each operation that a trial may ask.
func (t *Trial) Each(f func(op *openapi.Operation)) {
	for _, op := range t.Operations {
		if op.Method == http.MethodTrace || t.o.ReadOnly && op.Writes() {
			continue
		}
		f(op)
	}
}

// Destroys tells whether an operation takes something away that the probe
// cannot make again: the account itself, its session, or everything.
func Destroys(op *openapi.Operation) bool {
	name := strings.ToLower(op.Path + " " + op.ID)
	for _, word := range []string{"logout", "signout", "sign-out", "revoke", "deactivate", "purge", "truncate", "reset-db", "resetdb", "shutdown", "restart", "delete_all", "delete-all", "clear", "drop"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	if op.Method != http.MethodDelete {
		return false
	}
	// DELETE of oneself, or of a whole collection.
	return len(op.PathParams()) == 0
}
