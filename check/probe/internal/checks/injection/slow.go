package injection

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func slowChecks() []*trial.Check {
	const sure = "the answer came as much later as was asked for, 0, 1 and 2 seconds in turns, three times each, and never before"
	return []*trial.Check{{
		ID: "probe/sql-injection-time", Claim: "no value makes a database wait", Severity: finding.Critical, Intrusive: true,
		Refs: []string{"CWE-89", "V1.2.4"}, Sure: sure,
		Fix: "Bind values as parameters, and take names of columns from a list.", Pavise: "lint/sql-injection",
		Run: bySlot(waits, func(ctx context.Context, g *target, s *slot) *outcome {
			return g.sleeps(ctx, s, "a database", sleepsSQL(s))
		}),
	}, {
		ID: "probe/command-injection-time", Claim: "no value makes a shell wait", Severity: finding.Critical, Intrusive: true,
		Refs: []string{"CWE-78", "V1.2.5"}, Sure: sure,
		Fix: "Call the program without a shell, with the value as one argument after --.", Pavise: "lint/command-injection",
		Run: bySlot(textual, func(ctx context.Context, g *target, s *slot) *outcome {
			if s.kind != free {
				return nil
			}
			return g.sleeps(ctx, s, "a shell", []string{"pv|sleep %d|echo ", "pv'|sleep %d|echo '", `pv"|sleep %d|echo "`})
		}),
	}, {
		ID: "probe/redos", Claim: "no text keeps a regular expression busy", Severity: finding.Medium, Intrusive: true,
		Refs: []string{"CWE-1333", "API4", "V1.3.12"},
		Sure: "texts that are two characters longer took at least twice as long each, up to half a second, twice, and a text as long of other characters did not",
		Fix:  "Bound the length first, and write the expression without repetition in repetition, or use an engine that takes linear time.", Pavise: "limits",
		Run: bySlot(matched, redos),
	}}
}

// waits tells whether a database may be asked to wait: never within what
// writes.
func waits(g *target, s *slot) bool {
	_, number := s.number()
	return g.reads() && s.In != "body" && s.kind != file && (s.kind == free || number)
}

// sleepsSQL are expressions of PostgreSQL and MySQL, evaluated once and not
// for each row, and a statement of SQL Server.
func sleepsSQL(s *slot) []string {
	if n, ok := s.number(); ok {
		return []string{
			fmt.Sprintf("%d-(SELECT 0 FROM pg_sleep(%%d))", n),
			fmt.Sprintf("%d-(SELECT 0 FROM (SELECT SLEEP(%%d))x)", n),
			fmt.Sprintf("%d;WAITFOR DELAY '0:0:%%d'--", n),
		}
	}
	return []string{
		"pv'||(SELECT '' FROM pg_sleep(%d))||'",
		"pv' OR (SELECT 1 FROM (SELECT SLEEP(%d))x)='2",
		"pv';WAITFOR DELAY '0:0:%d'--",
	}
}

func (g *target) sleeps(ctx context.Context, s *slot, who string, forms []string) *outcome {
	if o, ok := s.settled(); ok {
		return o
	}
	for _, form := range forms {
		last, slept, err := g.dosed(ctx, func(dose int) *trial.Draft { return g.with(s, fmt.Sprintf(form, dose)) })
		if err != nil {
			return unclear(err)
		}
		if slept {
			return failed("an answer at once", "%s waits for as many seconds as the value says", who).by(last)
		}
	}
	return nil
}

// dosed is timed for a request that holds a dose, with the answer to the
// largest.
func (g *target) dosed(ctx context.Context, with func(dose int) *trial.Draft) (last *traffic.Exchange, slept bool, err error) {
	slept, err = timed(func(dose int) (time.Duration, error) {
		e, err := g.slow(ctx, with(dose))
		if err != nil {
			return 0, err
		}
		if dose == 2 {
			last = e
		}
		return e.Elapsed, nil
	})
	return last, slept, err
}

// errBusy says that nothing can be told from times.
var errBusy = &trial.ReasonError{Reason: "answers come so late, whatever is asked, that a wait cannot be told"}

// early is how much less than a second a second may be, by the clocks of two.
const early = 0.05

// timed tells whether an answer comes as much later as a dose says. Other load
// makes answers late and never early: one that comes before its dose is over
// tells that nobody waits, and of several the least is the most like a quiet
// machine's.
func timed(ask func(dose int) (time.Duration, error)) (bool, error) {
	var least [3]float64
	for round := range 6 {
		for _, dose := range []int{1, 2, 0} {
			d, err := ask(dose)
			if err != nil {
				return false, err
			}
			s := d.Seconds()
			if s < float64(dose)*(1-early) {
				return false, nil
			}
			if least[dose] == 0 || s < least[dose] {
				least[dose] = s
			}
		}
		switch {
		case round < 2:
		case follows(least):
			return true, nil
		case least[0] > 0.8:
			return false, errBusy // it is slow anyway
		}
	}
	return false, errBusy
}

// follows tells whether the times of the doses 0, 1 and 2 grow with them.
func follows(least [3]float64) bool {
	for dose := range 2 {
		if step := least[dose+1] - least[dose]; step < 0.8 || step > 1.3 {
			return false
		}
	}
	return least[0] < 0.5
}

// matched slots are texts that are held against an expression, as far as their
// schema or their name tells.
func matched(g *target, s *slot) bool {
	return textual(g, s) && s.In != "path" && (s.kind != free || s.Schema != nil && s.Schema.Pattern != "" || s.is("mail", "phone", "regex", "pattern", "version", "slug", "name", "url", "domain"))
}

// Bounds of a text that is matched, and of the time that it takes.
const (
	longest = 64
	busy    = 500 * time.Millisecond
	some    = 25 * time.Millisecond
)

func redos(ctx context.Context, g *target, s *slot) *outcome {
	if s.err != nil {
		return unclear(s.err)
	}
	for _, form := range []func(n int) string{
		func(n int) string { return strings.Repeat("a", n) + "!" },
		func(n int) string { return strings.Repeat("0", n) + "!" },
		func(n int) string { return "a@" + strings.Repeat("a", n) + "!" },
	} {
		var o *outcome
		uneven := 0
		for shown := 0; shown < 2; {
			var err error
			if o, err = g.grows(ctx, s, form); errors.Is(err, errBusy) && uneven < 2 {
				uneven++ // other load got between
				continue
			} else if err != nil {
				return unclear(err)
			}
			if o == nil {
				break
			}
			shown++
		}
		if o != nil {
			return o
		}
	}
	return nil
}

// least is the shorter time of two answers, for one that took some: the other
// may have waited for its turn.
func (g *target) least(ctx context.Context, s *slot, text string) (*traffic.Exchange, error) {
	e, err := g.slow(ctx, g.with(s, text))
	if err != nil || e.Elapsed < some {
		return e, err
	}
	again, err := g.slow(ctx, g.with(s, text))
	if err != nil || again.Elapsed < e.Elapsed {
		return again, err
	}
	return e, nil
}

// grows makes a text longer, in small steps as soon as it takes time, so that
// one that takes half a second is never followed by one that takes a minute.
func (g *target) grows(ctx context.Context, s *slot, form func(n int) string) (*outcome, error) {
	var took []time.Duration
	for n := 12; n+3 <= longest; {
		text := form(n)
		if s.max >= 0 && len(text) > s.max {
			return nil, nil
		}
		e, err := g.least(ctx, s, text)
		if err != nil {
			return nil, err
		}
		took = append(took, e.Elapsed)
		if last := len(took) - 1; e.Elapsed > busy {
			// As many characters, in an order that no repetition takes.
			twin, err := g.least(ctx, s, "!"+strings.Repeat(".-", len(text)/2))
			if err != nil || twin.Elapsed > busy/2 {
				return nil, err
			}
			if last < 2 || took[last] < 2*took[last-1] || took[last-1] < 3*took[last-2]/2 {
				return nil, errBusy
			}
			return failed("as much time for each character", "a text of %d characters takes %d ms, after %d ms for one two characters shorter", len(text), e.Elapsed.Milliseconds(), took[last-1].Milliseconds()).by(twin, e), nil
		}
		switch {
		case e.Elapsed > some:
			n += 2
		case n < 28:
			n += 4
		default:
			n += 11 // not exponential: what is left is a polynomial
		}
	}
	return nil, nil
}
