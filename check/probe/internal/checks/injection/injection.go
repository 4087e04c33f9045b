// Package injection checks that what a client sends stays data: that no
// database, shell, template engine, file system, XML parser or browser takes it
// for its own language.
//
// No payload writes, deletes or stops anything. What is sent to operations that
// write holds no condition that could become wider, no comment and no
// semicolon, so that a statement that it gets into is either what it was or no
// statement at all.
package injection

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// Checks are those of this package.
func Checks() []*trial.Check {
	return slices.Concat(sqlChecks(), commandChecks(), templateChecks(), fileChecks(), outboundChecks(), markupChecks(), headerChecks(), deserializeChecks(), slowChecks())
}

// An outcome is what a check found in one place.
type outcome struct {
	verdict           trial.Verdict
	severity          finding.Severity
	got, want, reason string
	shown             []*traffic.Exchange
}

func failed(want, format string, args ...any) *outcome {
	return &outcome{verdict: trial.Fail, want: want, got: fmt.Sprintf(format, args...)}
}

func suspected(want, format string, args ...any) *outcome {
	return &outcome{verdict: trial.Suspect, want: want, got: fmt.Sprintf(format, args...)}
}

func unclear(err error) *outcome { return &outcome{reason: trial.Reason(err)} }

// by says what shows it: the twin first, the attack last.
func (o *outcome) by(shown ...*traffic.Exchange) *outcome {
	o.shown = slices.DeleteFunc(shown, func(e *traffic.Exchange) bool { return e == nil })
	return o
}

// maxNamed bounds how many places of one operation are looked into after the
// first that failed: they are named, and one is shown.
const maxNamed = 4

// bySlot makes a check that looks into the slots of an operation that it is
// about, each on its own.
func bySlot(about func(*target, *slot) bool, look func(context.Context, *target, *slot) *outcome) func(context.Context, *trial.Trial, func(trial.Result)) {
	return byTarget(func(g *target) bool {
		return slices.ContainsFunc(g.slots, func(s *slot) bool { return about(g, s) })
	}, func(ctx context.Context, g *target) *outcome {
		var first *outcome
		var also []string
		for _, s := range g.slots {
			if !about(g, s) || len(also) == maxNamed || ctx.Err() != nil {
				continue
			}
			o := look(ctx, g, s)
			switch {
			case o == nil:
			case first == nil || rank(o.verdict) > rank(first.verdict):
				first, also = o, nil
				if o.got != "" {
					o.got = s.String() + ": " + o.got
				}
			case o.verdict == first.verdict && o.verdict != trial.Inconclusive:
				also = append(also, s.String())
			}
		}
		if first != nil && len(also) > 0 {
			first.got += "; also in " + strings.Join(also, ", ")
		}
		return first
	})
}

func rank(v trial.Verdict) int {
	return slices.Index([]trial.Verdict{trial.NotApplicable, trial.Pass, trial.Inconclusive, trial.Suspect, trial.Fail}, v)
}

// byTarget makes a check that looks into an operation as a whole. That nothing
// was found is a pass only where a valid request is known.
func byTarget(about func(*target) bool, look func(context.Context, *target) *outcome) func(context.Context, *trial.Trial, func(trial.Result)) {
	return func(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
		for _, g := range targets(ctx, t) {
			if ctx.Err() != nil {
				return
			}
			if !about(g) {
				continue
			}
			r := trial.Result{Operation: g.op.Name()}
			if g.draft == nil {
				r.Reason = g.why
				report(r)
				continue
			}
			o := look(ctx, g)
			g.restore(ctx)
			switch {
			case o != nil:
				r.Verdict, r.Severity, r.Got, r.Want, r.Reason, r.Shown = o.verdict, o.severity, o.got, o.want, o.reason, o.shown
			case g.base == nil:
				r.Reason = g.why
			default:
				r.Verdict = trial.Pass
			}
			report(r)
		}
	}
}
