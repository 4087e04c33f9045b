package rate

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/promise"
)

// somewhere is a path that no service has. Paths that nobody serves count
// like all others.
const somewhere = "/pavise-probe"

// Promises returns what a client outside can rely on.
func (g *Guard) Promises() []promise.Promise {
	l := g.base
	if _, exempt := g.exempt.Lookup(somewhere); l == nil || exempt {
		return nil
	}
	var all []promise.Promise
	for _, rule := range Rules() {
		p := promise.Promise{ID: rule.ID, Claim: rule.Claim, Refs: rule.Refs}
		switch rule.ID {
		case "rate/limited":
			p.Intrusive = true
			p.Test = func(ctx context.Context, call promise.Caller) error { return testLimited(ctx, call, l.quota, false) }
		case "rate/not-spoofable":
			p.Intrusive = true
			p.Test = func(ctx context.Context, call promise.Caller) error { return testLimited(ctx, call, l.quota, true) }
		case "rate/announced":
			if g.policy.AllowUnannounced {
				continue
			}
			p.Test = testAnnounced
		}
		all = append(all, p)
	}
	return all
}

const (
	mostRequests = 1000 // that a test of a limit sends
	senders      = 64   // at once, so that a long way to the service does not slow the test below the limit
)

// testLimited sends requests until one is refused, or until so many were
// answered that one must have been: no limit of q lets pass more than its
// burst and what came back since. With spoofed set each request says that it
// was forwarded for somebody else.
func testLimited(ctx context.Context, call promise.Caller, q Quota, spoofed bool) error {
	if q.Burst >= mostRequests {
		return fmt.Errorf("a burst of %d is more than this test sends", q.Burst)
	}
	count := min(2*q.Burst+10, mostRequests)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work := make(chan int)
	var (
		mu      sync.Mutex
		passed  int
		refused *promise.Answer
		failed  error
		last    *http.Request
		wg      sync.WaitGroup
	)
	start := time.Now()
	for range min(senders, count) {
		wg.Go(func() {
			for i := range work {
				req := promise.NewRequest(ctx, http.MethodGet, somewhere, "")
				if spoofed {
					// Every usual way to say it, of documentation's networks.
					addr := fmt.Sprintf("198.51.%d.%d", 100+i/250, 1+i%250)
					req.Header.Set("X-Forwarded-For", addr)
					req.Header.Set("X-Real-IP", addr)
					req.Header.Set("Forwarded", "for="+addr)
				}
				res, err := promise.Ask(call, req)
				mu.Lock()
				switch {
				case err != nil:
					if refused == nil && failed == nil {
						failed = err
					}
					cancel()
				case res.Status == http.StatusTooManyRequests:
					if refused == nil {
						refused = res
					}
					cancel()
				default:
					passed++
					last = req
				}
				mu.Unlock()
			}
		})
	}
send:
	for i := range count {
		select {
		case work <- i:
		case <-ctx.Done():
			break send
		}
	}
	close(work)
	wg.Wait()
	switch {
	case refused != nil:
		retry := refused.Header.Values("Retry-After")
		if len(retry) == 1 {
			if n, err := strconv.Atoi(retry[0]); err == nil && n >= 1 {
				return nil
			}
		}
		return promise.Broken(refused.Req, fmt.Sprintf("status 429 with Retry-After %q", retry), "one Retry-After, in seconds")
	case failed != nil:
		return failed
	}
	most := q.Burst + int(time.Since(start)/q.Interval) + 1
	if passed <= most {
		return fmt.Errorf("only %d requests in %s: too slow to reach the limit", passed, time.Since(start).Round(time.Millisecond))
	}
	return promise.Broken(last, fmt.Sprintf("%d requests answered in %s", passed, time.Since(start).Round(time.Millisecond)), fmt.Sprintf("status 429 after at most %d", most))
}

// testAnnounced reads the policy from a response.
func testAnnounced(ctx context.Context, call promise.Caller) error {
	res, err := promise.Ask(call, promise.NewRequest(ctx, http.MethodGet, somewhere, ""))
	if err != nil {
		return err
	}
	const want = `one RateLimit-Policy such as "name";q=200;w=2, and one RateLimit such as "name";r=199;t=1`
	for _, f := range []struct{ name, first, second string }{{"RateLimit-Policy", "q", "w"}, {"RateLimit", "r", "t"}} {
		values := res.Header.Values(f.name)
		if len(values) != 1 || !quotas(values[0], f.first, f.second) {
			return promise.Broken(res.Req, fmt.Sprintf("%s %q", f.name, values), want)
		}
	}
	return nil
}

// quotas reports whether field is a list of quoted names, each with both
// parameters, which are whole numbers. It reads less of RFC 9651 than there
// is: what it does not read a client may stumble over too.
func quotas(field, first, second string) bool {
	for item := range strings.SplitSeq(field, ",") {
		name, params, ok := strings.Cut(strings.Trim(item, " \t")+";", ";")
		if !ok || len(name) < 3 || name[0] != '"' || name[len(name)-1] != '"' || strings.ContainsAny(name[1:len(name)-1], `"\`) {
			return false
		}
		seen := map[string]bool{}
		for param := range strings.SplitSeq(strings.TrimSuffix(params, ";"), ";") {
			key, value, _ := strings.Cut(strings.Trim(param, " "), "=")
			if key != first && key != second {
				continue
			}
			if n, err := strconv.ParseUint(value, 10, 50); err != nil || key == "q" && n == 0 {
				return false
			}
			seen[key] = true
		}
		if len(seen) != 2 {
			return false
		}
	}
	return true
}
