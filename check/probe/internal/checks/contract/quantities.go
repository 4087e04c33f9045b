package contract

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func quantityCheck() *trial.Check {
	return &trial.Check{
		ID: "probe/negative-quantity", Claim: "nobody orders less than nothing", Severity: finding.Medium,
		Refs: []string{"CWE-1284", "CWE-839", "API6", "V2.2.1", "V2.3.2"},
		Sure: "a valid request with a number that is negative was taken twice, and what it made holds that number; amounts, which a refund may have, are a suspicion",
		Fix:  "Give what is counted or paid a minimum, in the model and in the database: a negative one turns a payment round.", Pavise: "lint/number-unbounded",
		Run: quantities,
	}
}

// counted tells whether a member is a number of things, of which there are
// never less than none, or of money.
func counted(name string) (things, money bool) {
	words := strings.FieldsFunc(strings.ToLower(camel(name)), func(r rune) bool { return r == '_' || r == '-' })
	has := func(of ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(of, w) })
	}
	return has("quantity", "qty", "seats", "tickets", "guests", "nights", "units", "copies", "pieces", "count"),
		has("amount", "price", "cents", "fee", "tip", "sum")
}

// camel is unitPrice as unit_price.
func camel(name string) string {
	var b strings.Builder
	for i, c := range name {
		if i > 0 && c >= 'A' && c <= 'Z' && name[i-1] >= 'a' && name[i-1] <= 'z' {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func quantities(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if t.ReadOnly() {
		return
	}
	t.Each(func(op *openapi.Operation) {
		if !op.Writes() || op.Method == http.MethodDelete || op.JSON() == nil || trial.Ends(op) || trial.Destroys(op) {
			return
		}
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			return // it is told where it matters
		}
		r, any := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "422"}, false
		for _, s := range b.Draft.Slots() {
			things, money := counted(s.Name)
			n, err := strconv.ParseFloat(fmt.Sprint(s.Value), 64)
			if s.In != "body" || !things && !money || err != nil || n <= 0 {
				continue
			}
			any = true
			got := kept(ctx, t, b, s)
			if got == nil {
				continue
			}
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%s of a negative number is taken (%d)", s, got.Status)
			if !things {
				r.Verdict = trial.Suspect
			}
			r.Shown = []*traffic.Exchange{got}
			if things {
				break
			}
		}
		if any {
			report(r)
		}
	})
}

// kept is the answer to a request with a negative number, if it was taken twice
// and the answer holds the number. It is a small one: what it is taken from may
// not be ours.
func kept(ctx context.Context, t *trial.Trial, b *trial.Baseline, s trial.Slot) (last *traffic.Exchange) {
	for _, n := range []int{-2, -3} {
		d, err := t.Fresh(ctx, b)
		if err != nil {
			return nil
		}
		d = d.With(s, n)
		e, err := t.Try(ctx, d.Request())
		if err != nil || !e.OK() {
			return nil
		}
		t.Adopt(d, e)
		if !slices.ContainsFunc(slices.Collect(maps.Values(trial.Leaves(e))), func(v string) bool {
			got, err := strconv.ParseFloat(v, 64)
			return err == nil && got == float64(n)
		}) {
			return nil
		}
		last = e
	}
	return last
}
