package probe

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// doubt makes suspicions of what fails because an operation is open, where a
// recording alone says that it is not to be: clients send credentials to what
// is public too.
func doubt(ctx context.Context, t *trial.Trial, results []trial.Result) {
	open := map[string]bool{}
	for i := range results {
		r := &results[i]
		at := slices.IndexFunc(t.Operations, func(op *openapi.Operation) bool { return op.Name() == r.Operation })
		if r.Verdict != trial.Fail || at < 0 || !t.Operations[at].Assumed {
			continue
		}
		name := strings.TrimPrefix(r.Check.ID, "probe/")
		refusal := slices.Contains([]string{"anonymous-refused", "token-checked", "malformed-token"}, name)
		if !refusal && !strings.HasPrefix(name, "bola-read") && !strings.HasPrefix(name, "lists-") {
			continue
		}
		known, asked := open[r.Operation]
		if !asked {
			known = name == "anonymous-refused" || answersAnybody(ctx, t, t.Operations[at])
			open[r.Operation] = known
		}
		if known {
			r.Verdict = trial.Suspect
			r.Got += "; that credentials are needed is told by a recording alone, where they were sent"
		}
	}
}

// answersAnybody tells whether an operation that reads answers a stranger.
func answersAnybody(ctx context.Context, t *trial.Trial, op *openapi.Operation) bool {
	if op.Method != http.MethodGet {
		return false
	}
	b, err := t.Baseline(ctx, op, t.Caller(op))
	if err != nil {
		return false
	}
	e, err := t.Send(ctx, b.Draft.As(identity.Anonymous()).Request())
	return err == nil && e.OK()
}
