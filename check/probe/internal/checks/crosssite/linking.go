package crosssite

import (
	"context"
	"net/http"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// A subject is what is asked with fields of a proxy: one request, or one made
// anew each time where it makes something.
type subject struct {
	request *traffic.Request
	made    *trial.Baseline
}

// send sends it with fields, names and values in turn.
func (s subject) send(ctx context.Context, t *trial.Trial, src source, fields ...string) (*traffic.Exchange, error) {
	if s.made == nil {
		r := with(s.request, fields...)
		r.From = src.address
		return t.Send(ctx, r)
	}
	d, err := t.Fresh(ctx, s.made)
	if err != nil {
		return nil, err
	}
	r := with(d.Request(), fields...)
	r.From = src.address
	e, err := t.Send(ctx, r)
	if err == nil {
		t.Adopt(d, e)
	}
	return e, err
}

func (s subject) operation(t *trial.Trial) *openapi.Operation {
	if s.made != nil {
		return s.made.Op
	}
	return t.Operation(s.request)
}

// maxLinking is how many operations that make links are asked.
const maxLinking = 4

// absolute is the beginning of an address, as JSON may write it.
var absolute = lazy.Regexp(`https?:(?:/|\\/){2}`)

// linking are operations that make something and say at which address it is:
// a link to share leads where the API thinks it is, for whoever gets it. Those
// that name the API come first; an address may be one that was sent.
func linking(ctx context.Context, t *trial.Trial) []*trial.Baseline {
	var own, other []*trial.Baseline
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodPost || trial.Ends(op) || identity.Reminds(op) || len(own) == maxLinking {
			return
		}
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil || t.Delicate(b) {
			return
		}
		switch {
		case mentions(b.Last, "://"+t.Client.HostField()):
			own = append(own, b)
		case absolute().Match(b.Last.Body) || absolute().MatchString(b.Last.Header.Get("Location")):
			other = append(other, b)
		}
	})
	list := append(own, other...)
	return list[:min(len(list), maxLinking)]
}
