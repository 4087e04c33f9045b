package limits

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

const burst = 100

// tells are the header fields in which a limiter says what it allows.
func tells(e *traffic.Exchange) bool {
	for _, name := range []string{"RateLimit", "RateLimit-Policy", "RateLimit-Limit", "X-RateLimit-Limit", "X-Rate-Limit-Limit"} {
		if e.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// flood asks until it is refused, at most so often. The requests go side by
// side, as those of a client in a hurry.
func flood(ctx context.Context, t *trial.Trial, b *trial.Baseline, most int) (refused, last *traffic.Exchange, err error) {
	req := b.Draft.Request()
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for range next {
				e, sendErr := t.Client.Once(ctx, req)
				mu.Lock()
				switch {
				case sendErr != nil:
					err = sendErr
				case e.Status == http.StatusTooManyRequests:
					refused = e
				default:
					last = e
				}
				mu.Unlock()
			}
		})
	}
	for range most {
		mu.Lock()
		stop := refused != nil || err != nil
		mu.Unlock()
		if stop {
			break
		}
		next <- struct{}{}
	}
	close(next)
	wg.Wait()
	if refused != nil {
		err = nil
	}
	return refused, last, err
}

// calm waits until a limit is over, so that what follows is not refused.
func calm(ctx context.Context, e *traffic.Exchange) {
	wait, err := time.ParseDuration(e.Header.Get("Retry-After") + "s")
	if err != nil || wait < time.Second {
		wait = time.Second
	}
	select {
	case <-time.After(min(wait, time.Minute)):
	case <-ctx.Done():
	}
}

func rate(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	b, reason := reader(ctx, t)
	if b == nil {
		report(trial.Result{Reason: reason})
		return
	}
	r := trial.Result{Operation: b.Op.Name()}
	defer func() { report(r) }()
	refused, last, err := flood(ctx, t, b, burst)
	switch {
	case err != nil:
		r.Reason = trial.Reason(err)
	case refused != nil && refused.Header.Get("Retry-After") == "":
		r.Verdict, r.Severity, r.Got, r.Want = trial.Fail, finding.Low, "429 without Retry-After", "429 with Retry-After"
		r.Shown = append(r.Shown, refused)
	case refused != nil, tells(last):
		r.Verdict = trial.Pass
	case last.OK():
		r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%d requests at once are all answered with %d", burst, last.Status), "429 at some point, or fields that name the limit"
		r.Shown = append(r.Shown, last)
	default:
		r.Reason = fmt.Sprintf("the requests are answered with %d", last.Status)
	}
	if refused != nil {
		calm(ctx, refused)
	}
}

// rateAddress names other addresses once the limit is reached.
func rateAddress(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	b, reason := reader(ctx, t)
	if b == nil {
		report(trial.Result{Reason: reason})
		return
	}
	r := trial.Result{Operation: b.Op.Name()}
	defer func() { report(r) }()
	refused, _, err := flood(ctx, t, b, 2*burst)
	if err != nil {
		r.Reason = trial.Reason(err)
		return
	}
	if refused == nil {
		r.Verdict, r.Reason = trial.NotApplicable, "no limit is reached"
		return
	}
	defer calm(ctx, refused)
	for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded"} {
		shown := 0
		for n := range 2 {
			value := fmt.Sprintf("192.0.2.%d", 10+n)
			if name == "Forwarded" {
				value = "for=" + value
			}
			without, err := t.Client.Once(ctx, b.Draft.Request())
			if err != nil {
				r.Reason = trial.Reason(err)
				return
			}
			with, err := t.Client.Once(ctx, b.Draft.WithHeader(name, value).Request())
			if err != nil {
				r.Reason = trial.Reason(err)
				return
			}
			if without.Status != http.StatusTooManyRequests {
				r.Reason = "the limit does not last"
				return
			}
			if with.OK() {
				shown++
				r.Shown = []*traffic.Exchange{without, with}
			}
		}
		if shown == 2 {
			r.Verdict, r.Got, r.Want = trial.Fail, "429, and 200 to the same request with "+name, "429"
			return
		}
		r.Shown = nil
	}
	r.Verdict = trial.Pass
}

const (
	patience = 33 * time.Second
	drip     = 2 * time.Second
)

// slow holds three connections: one that dribbles a head, one a body, and one
// that says nothing.
func slow(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	slowFor(ctx, t, report, patience, drip)
}

func slowFor(ctx context.Context, t *trial.Trial, report func(trial.Result), patience, pause time.Duration) {
	b, reason := reader(ctx, t)
	if b == nil {
		report(trial.Result{Reason: reason})
		return
	}
	type kind struct {
		what     string
		severity finding.Severity
		wire     traffic.Wire
	}
	drips := strings.Repeat("a", int(patience/pause)+2)
	head := strings.TrimSuffix(b.Draft.Request().Head(""), "\r\n")
	kinds := []kind{
		{"a head of one byte every two seconds", finding.Medium, traffic.Wire{Raw: head + "X-Pv: ", Drip: drips}},
		{"nothing at all", finding.Low, traffic.Wire{}},
	}
	if bs, _ := writers(ctx, t, 1); len(bs) > 0 {
		req := t.Again(bs[0]).Request()
		kinds = append(kinds, kind{"a body of one byte every two seconds", finding.Medium,
			traffic.Wire{Raw: req.Head(fmt.Sprintf("Content-Length: %d\r\n", len(req.Body)+1000)) + string(req.Body), Drip: strings.Repeat(" ", len(drips))}})
	}
	results := make([]trial.Result, len(kinds))
	var wg sync.WaitGroup
	for i, k := range kinds {
		wg.Go(func() {
			k.wire.Pause, k.wire.Wait = pause, patience
			h, err := t.Client.Wire(ctx, k.wire)
			switch {
			case err != nil:
				results[i].Reason = trial.Reason(err)
			case h.Silent:
				results[i] = trial.Result{Verdict: trial.Fail, Severity: k.severity, Got: fmt.Sprintf("a connection with %s is open after %.0f s", k.what, patience.Seconds()), Want: "closed after at most 30 s"}
			default:
				results[i].Verdict = trial.Pass
			}
		})
	}
	wg.Wait()
	for _, r := range results {
		report(r)
	}
}

const held = 200

// connections holds many, each with the beginning of a head.
func connections(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	b, reason := reader(ctx, t)
	if b == nil {
		report(trial.Result{Reason: reason})
		return
	}
	var r trial.Result
	defer func() { report(r) }()
	for range 2 {
		var conns []net.Conn
		for range held {
			conn, err := t.Client.Dial(ctx)
			if err != nil {
				break
			}
			_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: "))
			conns = append(conns, conn)
		}
		// A connection of its own, and not one that is kept.
		h, err := t.Client.Wire(ctx, traffic.Wire{Raw: b.Draft.Request().Head("Connection: close\r\n"), Wait: 5 * time.Second})
		for _, conn := range conns {
			_ = conn.Close()
		}
		if err != nil {
			r = trial.Result{Reason: trial.Reason(err)}
			return
		}
		// There is a bound, or it is answered, or this client has too many.
		if len(conns) < held/2 || len(h.Answers) > 0 || h.Closed {
			r = trial.Result{Verdict: trial.Pass}
			return
		}
		after, err := t.Client.Wire(ctx, traffic.Wire{Raw: b.Draft.Request().Head("Connection: close\r\n"), Wait: 5 * time.Second})
		if err != nil || len(after.Answers) == 0 || !after.Answers[0].OK() {
			r = trial.Result{Reason: "valid requests are not answered afterwards, either"}
			return
		}
		r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("with %d connections that wait nobody else is answered in 5 s", len(conns)), "an answer"
		r.Shown = []*traffic.Exchange{after.Answers[0]}
	}
}
