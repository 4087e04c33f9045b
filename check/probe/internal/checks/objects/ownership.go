package objects

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// ownership names another user as the owner of what is made.
func ownership(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	for _, creator := range creators(t) {
		a, b, ok := t.PairFor(creator)
		body := creator.JSON()
		if body == nil || account(creator) {
			continue
		}
		r := trial.Result{Operation: creator.Name(), Verdict: trial.Pass, Want: "the caller as owner, or 422"}
		if !ok {
			r.Verdict, r.Reason = trial.Inconclusive, needTwo
			report(r)
			continue
		}
		sa, sb := sceneOf(ctx, t, creator, a, b), sceneOf(ctx, t, creator, b, a)
		if sa.err != nil || sb.err != nil {
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(errors.Join(sa.err, sb.err))
			report(r)
			continue
		}
		if sa.owner == "" || sa.owner != sb.owner || sa.ownerValue == sb.ownerValue || sa.ownerValue == "" {
			continue // nothing shows whose it is
		}
		own(ctx, t, sa, sb, body, &r)
		report(r)
	}
}

func own(ctx context.Context, t *trial.Trial, sa, sb *scene, body *openapi.Body, r *trial.Result) {
	field := sa.owner
	// Where the document has the client say it, that may be what it is for.
	asked := body.Schema.Property(field) != nil
	var value any = sb.ownerValue
	if p := body.Schema.Property(field); p.Is("integer") || p == nil && strings.Trim(sb.ownerValue, "0123456789") == "" {
		var n int64
		if _, err := fmt.Sscan(sb.ownerValue, &n); err == nil {
			value = n
		}
	}
	for _, place := range []string{"body", "query"} {
		for n := range 2 {
			d, err := t.Draft(ctx, sa.creator, sa.a, values.Full)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			fields, isObject := d.Body.(map[string]any)
			if !isObject {
				return
			}
			if place == "query" {
				d = d.WithQuery(field, sb.ownerValue)
			} else {
				fields[field] = value
			}
			e, err := t.Send(ctx, d.Request())
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return
			}
			o := t.Adopt(d, e)
			if o == nil {
				break // refused
			}
			_, now := ownerIn(e, sa.a)
			seen := e
			if sa.reader != nil {
				params := sa.reader.PathParams()
				path := maps.Clone(o.Path)
				if path == nil {
					path = map[string]string{}
				}
				path[params[len(params)-1]] = o.ID
				for _, who := range []*identity.Identity{sa.a, sb.a} {
					if x, err := t.Send(ctx, about(t, sa.reader, path, who).Request()); err == nil && x.OK() {
						_, now = ownerIn(x, who)
						break
					}
				}
			}
			if now != sb.ownerValue {
				break
			}
			o.Who = sb.a // it is for the owner to clean up
			if n == 0 {
				continue
			}
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s makes an object whose %s is %s, by %s in the %s", sa.a.Name, field, sb.a.Name, field, place)
			r.Shown = []*traffic.Exchange{seen}
			if asked {
				r.Verdict = trial.Suspect
				r.Got += "; the document asks for it"
			}
			return
		}
	}
}
