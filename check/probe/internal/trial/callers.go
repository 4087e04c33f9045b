package trial

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

// Pair is two different users of the same role; ok is false when there are no
// two.
func (t *Trial) Pair() (a, b *identity.Identity, ok bool) {
	for _, x := range t.Users() {
		if y := t.mate(x); y != nil {
			return x, y, true
		}
	}
	return nil, nil, false
}

// PairFor is two users of the role that an operation answers. Where there are
// no two of that one, or anybody may call it, it is Pair.
func (t *Trial) PairFor(op *openapi.Operation) (a, b *identity.Identity, ok bool) {
	a, b, ok = t.Pair()
	who := t.Caller(op)
	if !ok || who.IsAnonymous() || who.Admin() || who.Role == a.Role {
		return a, b, ok
	}
	if y := t.mate(who); y != nil {
		return who, y, true
	}
	return a, b, ok
}

// Pairs are two users of each role that has two: first the one of PairFor.
func (t *Trial) Pairs(op *openapi.Operation) [][2]*identity.Identity {
	a, b, ok := t.PairFor(op)
	if !ok {
		return nil
	}
	out := [][2]*identity.Identity{{a, b}}
	for _, x := range t.ofEachRole() {
		if y := t.mate(x); y != nil && x.Role != a.Role && len(out) < maxRoles {
			out = append(out, [2]*identity.Identity{x, y})
		}
	}
	return out
}

// mate is another ordinary user of the same role.
func (t *Trial) mate(who *identity.Identity) *identity.Identity {
	for _, y := range t.Users() {
		if y.Name != who.Name && y.Role == who.Role {
			return y
		}
	}
	return nil
}

// maxRoles bounds how many roles are tried for something.
const maxRoles = 4

// ofEachRole is one user of each ordinary role.
func (t *Trial) ofEachRole() []*identity.Identity {
	var out []*identity.Identity
	for _, i := range t.Users() {
		if !slices.ContainsFunc(out, func(o *identity.Identity) bool { return o.Role == i.Role }) {
			out = append(out, i)
		}
	}
	return out
}

// instead are those who may be let do what somebody is refused: one user of
// each other role, and then administrators.
func (t *Trial) instead(who *identity.Identity) []*identity.Identity {
	others := slices.DeleteFunc(t.ofEachRole(), func(i *identity.Identity) bool {
		return !who.IsAnonymous() && (i.Name == who.Name || i.Role == who.Role)
	})
	others = others[:min(len(others), maxRoles)]
	admins := slices.DeleteFunc(t.Admins(), func(i *identity.Identity) bool { return i.Name == who.Name })
	return append(others, admins[:min(len(admins), 2)]...)
}

// Caller is who a valid request of an operation is sent as: anonymous where
// nobody is asked for, else the first user, or one of another role where that
// one was refused.
func (t *Trial) Caller(op *openapi.Operation) *identity.Identity {
	t.mu.Lock()
	who := t.callers[op]
	t.mu.Unlock()
	if who != nil {
		return who
	}
	if len(t.Identities) > 0 && (op.Secured() || op.Hidden || len(op.Security) > 0) {
		return t.Identities[0]
	}
	return identity.Anonymous()
}

// cover finds a valid request of an operation, and who may send it: the first
// user where the document forgets to say that one is needed, one of another
// role or an administrator where a user is refused.
func (t *Trial) cover(ctx context.Context, op *openapi.Operation) error {
	caller := t.Caller(op)
	_, err := t.Baseline(ctx, op, caller)
	var refused *refusedError
	if err == nil || !errors.As(err, &refused) {
		return err
	}
	var others []*identity.Identity
	switch {
	case refused.status == http.StatusUnauthorized && caller.IsAnonymous() && len(t.Identities) > 0 && identity.LogsIn(op) == 0:
		others = t.Identities[:1]
	case refused.status == http.StatusForbidden:
		others = t.instead(caller)
	}
	for _, who := range others {
		if who.Name == caller.Name {
			continue
		}
		if _, other := t.Baseline(ctx, op, who); other == nil {
			t.mu.Lock()
			t.callers[op] = who
			t.mu.Unlock()
			return nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return err
}
