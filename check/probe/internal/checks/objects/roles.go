package objects

import (
	"context"
	"maps"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// pairFor is two users whose objects an operation is tried with: of the role
// that it answers, if that one makes such objects, else of the one that does.
func pairFor(ctx context.Context, t *trial.Trial, op, creator *openapi.Operation) (a, b *identity.Identity, ok bool) {
	a, b, ok = t.PairFor(op)
	if x, y, _ := t.PairFor(creator); ok && x.Role != a.Role && sceneOf(ctx, t, creator, a, b).err != nil {
		return x, y, ok
	}
	return a, b, ok
}

// borrowed takes back what may be meant below an object that is neither's, as
// where two support agents answer a customer. What the other user may read of
// it, such as the answers, may be for both, unless the API's own list keeps it
// apart: bids on a load that is open to all.
func (s *scene) borrowed(ctx context.Context, t *trial.Trial, r *trial.Result) {
	if r.Verdict != trial.Fail || s.listedToOwn && !s.listed {
		return
	}
	for _, parent := range s.object.Parents {
		if parent.Of(s.a) || s.kept(ctx, t, parent) {
			continue
		}
		r.Verdict = trial.Suspect
		r.Got += "; it is below what somebody else made, and may be for all who see that"
		return
	}
}

// kept tells whether the other user may not read an object.
func (s *scene) kept(ctx context.Context, t *trial.Trial, o *trial.Object) bool {
	for _, op := range t.On(o.Creator) {
		if op.Method != http.MethodGet || !strings.HasSuffix(strings.TrimSuffix(op.Path, "/"), "}") {
			continue
		}
		params := op.PathParams()
		path := maps.Clone(o.Path)
		if path == nil {
			path = map[string]string{}
		}
		path[params[len(params)-1]] = o.ID
		e, err := t.Send(ctx, about(t, op, path, s.b).Request())
		return err == nil && e.Refused()
	}
	return false
}
