// Package probe asks a running API to keep its promises.
//
// It knows nothing of the guards that made them: a promise brings its own
// test, and the probe brings the connection, the pace and the report.
package probe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/finding"
	"github.com/pavise-dev/pavise/promise"
)

// Options say what to probe. URL and Promises are required.
type Options struct {
	// URL is the root of the API: scheme, host and perhaps a port.
	URL string
	// Host is sent as the Host header field in place of the URL's own, for an
	// API that is reached under another name or address than it answers to.
	Host string
	// Promises are put to the API, in this order.
	Promises []promise.Promise
	// Intrusive also runs promises that load the service or trip its limits.
	Intrusive bool
	// HandlerOnly leaves out promises about the connection below HTTP.
	HandlerOnly bool
	// InsecureSkipVerify accepts any certificate. What is proved then is
	// proved about whoever answered.
	InsecureSkipVerify bool
	// Timeout bounds one promise's test; zero means 30 s.
	Timeout time.Duration
}

// A Verdict is what became of one promise.
type Verdict int

// The verdicts. CouldNotTell is the zero value, and never the same as fine.
const (
	CouldNotTell Verdict = iota
	Kept
	Broken
)

func (v Verdict) String() string {
	switch v {
	case Kept:
		return "kept"
	case Broken:
		return "broken"
	default:
		return "could not tell"
	}
}

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// A Result is one promise and what became of it.
type Result struct {
	ID      string   `json:"id"`
	Claim   string   `json:"claim"`
	Verdict Verdict  `json:"verdict"`
	Got     string   `json:"got,omitempty"`
	Want    string   `json:"want,omitempty"`
	Shown   string   `json:"shown_by,omitempty"` // a shell line that shows it
	Reason  string   `json:"reason,omitempty"`   // why it could not be told
	Refs    []string `json:"refs,omitempty"`
}

// A Report holds one result a promise, in the promises' order.
type Report struct {
	URL     string   `json:"url"`
	Results []Result `json:"results"`
	// Left is how many promises were left out for being intrusive, beyond a
	// handler, or about TLS where the URL has none.
	Left int `json:"left_out"`
}

// Count returns how many results have verdict v.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, res := range r.Results {
		if res.Verdict == v {
			n++
		}
	}
	return n
}

// Findings returns the broken promises as findings.
func (r *Report) Findings() []finding.Finding {
	var out []finding.Finding
	for _, res := range r.Results {
		if res.Verdict != Broken {
			continue
		}
		out = append(out, finding.Finding{
			Rule:     res.ID,
			Where:    r.URL,
			Problem:  fmt.Sprintf("%s: got %s, want %s", res.Claim, res.Got, res.Want),
			Fix:      "pavise explain " + res.ID,
			Severity: finding.Medium,
			Refs:     res.Refs,
		})
	}
	finding.Sort(out)
	return out
}

// ErrCouldNotTell is wrapped by the error of [Check] when some promises could
// not be judged.
var ErrCouldNotTell = errors.New("could not tell")

// Check runs the probe as a check: broken promises are findings, and any that
// could not be judged make an error that wraps [ErrCouldNotTell].
func Check(ctx context.Context, o Options) ([]finding.Finding, error) {
	report, err := Run(ctx, o)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, res := range report.Results {
		if res.Verdict == CouldNotTell {
			errs = append(errs, fmt.Errorf("%s: %w: %s", res.ID, ErrCouldNotTell, res.Reason))
		}
	}
	return report.Findings(), errors.Join(errs...)
}

// ErrOptions is wrapped by the errors of [Run] and [Check] that are about the
// options and not about the API.
var ErrOptions = errors.New("wrong options")

// ErrIdentities is wrapped by the errors of [API] that are about who calls. It
// wraps ErrOptions.
var ErrIdentities = fmt.Errorf("%w: the identities", ErrOptions)

// parallel is how many promises are tested at a time: enough to hide a
// round trip, too few to be a load.
const parallel = 4

// Run puts the promises to the API. Its error is about the options or an API
// that cannot be reached at all; what a promise's test says is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	c, err := newCaller(o)
	if err != nil {
		return nil, wrongOptions{err}
	}
	defer c.close()
	if err := c.reach(ctx); err != nil {
		return nil, fmt.Errorf("%s does not answer: %w", o.URL, err)
	}

	timeout := o.Timeout
	if timeout <= 0 {
		timeout = 30 * time.Second
	}
	report := &Report{URL: o.URL}
	var gentle, intrusive []int
	var todo []promise.Promise
	for _, p := range o.Promises {
		switch {
		case p.Intrusive && !o.Intrusive, p.Conn && o.HandlerOnly, p.Secure && c.base.Scheme != "https":
			report.Left++
			continue
		case p.Intrusive:
			intrusive = append(intrusive, len(todo))
		default:
			gentle = append(gentle, len(todo))
		}
		todo = append(todo, p)
	}
	report.Results = make([]Result, len(todo))

	queue := make(chan int)
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for i := range queue {
				report.Results[i] = judge(ctx, todo[i], c, c.patient, timeout)
			}
		})
	}
	for _, i := range gentle {
		queue <- i
	}
	close(queue)
	wg.Wait()
	// One at a time, after the rest: they would spoil each other's answers.
	for _, i := range intrusive {
		report.Results[i] = judge(ctx, todo[i], c, c.call, timeout)
	}
	return report, ctx.Err()
}

// wrongOptions says what is wrong with the options, and no more.
type wrongOptions struct{ error }

func (wrongOptions) Is(target error) bool { return target == ErrOptions }

func judge(ctx context.Context, p promise.Promise, c *caller, call promise.Caller, timeout time.Duration) Result {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res := Result{ID: p.ID, Claim: p.Claim, Refs: p.Refs}
	err := p.Test(ctx, call)
	var broken *promise.BrokenError
	switch {
	case err == nil:
		res.Verdict = Kept
	case errors.As(err, &broken):
		res.Verdict = Broken
		res.Got, res.Want = broken.Got, broken.Want
		if broken.Req != nil {
			res.Shown = c.shell(broken.Req)
		}
	default:
		res.Verdict = CouldNotTell
		res.Reason = err.Error()
	}
	return res
}
