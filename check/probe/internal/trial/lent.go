package trial

import (
	"context"
	"errors"
	"net/http"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

// Of tells whether an object is one that an identity made, or its account.
// What a draft is about may be somebody else's.
func (o *Object) Of(who *identity.Identity) bool { return o.Who.Name == who.Name }

// lent is an object that another identity makes, where the one who needs it may
// make none: a carrier bids on a load, and loads are made by shippers. It is the
// other's, and says so. There is none where nothing was refused.
func (t *Trial) lent(ctx context.Context, creator *openapi.Operation, who *identity.Identity, refused error, depth int) (*Object, error) {
	if refused == nil {
		return nil, reasonf("nobody was refused")
	}
	if !turnedAway(refused) || depth > maxNested {
		return nil, refused
	}
	others := append([]*identity.Identity{t.Caller(creator)}, t.instead(who)...)
	for i, other := range others {
		if other.Name == who.Name || other.IsAnonymous() || i > 0 && other == others[0] {
			continue
		}
		if o, err := t.create(ctx, creator, other, depth); err == nil {
			return o, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, refused
}

// turnedAway tells whether it failed for who asked.
func turnedAway(err error) bool {
	var no *refusedError
	return errors.As(err, &no) && (no.status == http.StatusForbidden || no.status == http.StatusUnauthorized)
}
