package limits

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/promise"
)

// somewhere is a path that no service has.
const somewhere = "/pavise-probe"

// slack is how much longer than promised a test waits, for the network's
// sake.
const slack = 5 * time.Second

// Promises returns what a client outside can rely on.
func (g *Guard) Promises() []promise.Promise {
	p := &g.policy
	s := g.settings(somewhere)
	var all []promise.Promise
	add := func(kept bool, id string, intrusive, conn bool, test func(context.Context, promise.Caller) error) {
		if !kept {
			return
		}
		for _, rule := range Rules() {
			if rule.ID == id {
				all = append(all, promise.Promise{ID: id, Claim: rule.Claim, Refs: rule.Refs, Intrusive: intrusive, Conn: conn, Test: test})
			}
		}
	}
	add(s.body >= 0, "limits/body", false, false, func(ctx context.Context, call promise.Caller) error {
		return testBody(ctx, call, s.body)
	})
	add(!p.InsecureUncountedEncodings, "limits/encoding", false, false, testEncoding)
	add(!p.InsecureUnlimitedHeaders, "limits/headers", false, false, func(ctx context.Context, call promise.Caller) error {
		return testHeaders(ctx, call, int(p.HeaderBytes), p.HeaderCount)
	})
	add(!p.InsecureUnlimitedURL, "limits/url", false, false, func(ctx context.Context, call promise.Caller) error {
		long := somewhere + "/" + strings.Repeat("a", int(p.URL))
		return promise.Refused(call, promise.NewRequest(ctx, http.MethodGet, long, ""),
			promise.NewRequest(ctx, http.MethodGet, somewhere+"/a", ""), 414)
	})
	add(!p.InsecureUnlimitedQuery, "limits/query", false, false, func(ctx context.Context, call promise.Caller) error {
		return promise.Refused(call, promise.NewRequest(ctx, http.MethodGet, somewhere+query(p.QueryParameters+1), ""),
			promise.NewRequest(ctx, http.MethodGet, somewhere+query(1), ""), 400, 414)
	})
	add(!p.InsecureUnlimitedConcurrency, "limits/concurrency", true, false, func(ctx context.Context, call promise.Caller) error {
		return testConcurrency(ctx, call, p.Concurrency, p.QueueWait, s.body)
	})
	add(s.bodyRead > 0, "limits/slow-body", true, true, func(ctx context.Context, call promise.Caller) error {
		return testSlowBody(ctx, call, min(p.BodyGrace, s.bodyRead))
	})
	add(!p.InsecureSlowHeaders, "limits/slow-headers", true, true, func(ctx context.Context, call promise.Caller) error {
		return testSlowHeaders(ctx, call, p.HeaderRead)
	})
	return all
}

// query returns a query of n parameters with names of their own.
func query(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(strconv.FormatInt(int64(i), 36))
		b.WriteByte('=')
	}
	return b.String()
}

const (
	form = "application/x-www-form-urlencoded"
	json = "application/json"
)

// post returns the head of a request with a body of so many bytes, and the
// part of the body that is sent.
func post(ctx context.Context, media string, length int64, sent string) *http.Request {
	return promise.RawRequest(ctx, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: {host}\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", somewhere, media, length, sent))
}

// testBody announces one byte more than is allowed, and sends none. It is a
// form, since whoever parses JSON may have a limit of his own.
func testBody(ctx context.Context, call promise.Caller, limit int64) error {
	control, err := promise.Ask(call, post(ctx, form, 2, "a="))
	if err != nil {
		return fmt.Errorf("the harmless twin: %w", err)
	}
	if control.Status == http.StatusRequestEntityTooLarge {
		return errors.New("a body of two bytes is answered 413 too")
	}
	short, cancel := context.WithTimeout(ctx, slack)
	defer cancel()
	attack := post(short, form, limit+1, "")
	res, err := promise.Ask(call, attack)
	switch {
	case err != nil && ctx.Err() == nil && short.Err() != nil:
		return promise.Broken(attack, fmt.Sprintf("no answer in %s: the body was waited for", slack), "status 413 before the body")
	case err != nil:
		return err
	case res.Status != http.StatusRequestEntityTooLarge:
		return promise.Broken(attack, fmt.Sprintf("status %d", res.Status), "status 413 before the body")
	}
	return nil
}

func testEncoding(ctx context.Context, call promise.Caller) error {
	request := func(mediaType, body, coding string) *http.Request {
		req := promise.NewRequest(ctx, http.MethodPost, somewhere, body)
		req.Header.Set("Content-Type", mediaType)
		if coding != "" {
			req.Header.Set("Content-Encoding", coding)
		}
		return req
	}
	for _, coding := range []string{"zstd", "gzip, gzip"} {
		// A form first: JSON would be refused by whoever parses it. But there
		// are APIs that take no forms.
		err := promise.Refused(call, request(form, "a=1", coding), request(form, "a=1", ""), 415)
		var broken *promise.BrokenError
		if err != nil && !errors.As(err, &broken) {
			err = promise.Refused(call, request(json, "{}", coding), request(json, "{}", ""), 415)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func testHeaders(ctx context.Context, call promise.Caller, size, count int) error {
	request := func(size, count int) *http.Request {
		req := promise.NewRequest(ctx, http.MethodGet, somewhere, "")
		for i := range count {
			req.Header.Set("X-Probe-"+strconv.Itoa(i), "a")
		}
		if size > 0 {
			req.Header.Set("X-Probe", strings.Repeat("a", size))
		}
		return req
	}
	// 400 is what nginx and others say to it.
	if err := promise.Refused(call, request(size, 0), request(1, 0), 431, 400); err != nil {
		return err
	}
	return promise.Refused(call, request(0, count+1), request(0, 1), 431, 400)
}

// testSlowBody sends the first byte of a body and no other.
func testSlowBody(ctx context.Context, call promise.Caller, wait time.Duration) error {
	control, err := promise.Ask(call, post(ctx, json, 2, "{}"))
	if err != nil {
		return fmt.Errorf("the harmless twin: %w", err)
	}
	long, cancel := context.WithTimeout(ctx, wait+slack)
	defer cancel()
	attack := post(long, json, 64, "{")
	res, err := promise.Ask(call, attack)
	switch {
	case err != nil && ctx.Err() == nil && long.Err() != nil:
		return promise.Broken(attack, fmt.Sprintf("no answer in %s: the body is waited for", wait+slack), fmt.Sprintf("status 408 after about %s", wait))
	case err != nil:
		return err
	case res.Status == http.StatusRequestTimeout && control.Status != http.StatusRequestTimeout:
		return nil
	}
	return fmt.Errorf("answered %d without waiting for the body", res.Status)
}

// testSlowHeaders sends half a head.
func testSlowHeaders(ctx context.Context, call promise.Caller, wait time.Duration) error {
	const head = "GET " + somewhere + " HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
	if _, err := promise.Ask(call, promise.RawRequest(ctx, head+"\r\n")); err != nil {
		return fmt.Errorf("the harmless twin: %w", err)
	}
	long, cancel := context.WithTimeout(ctx, wait+slack)
	defer cancel()
	attack := promise.RawRequest(long, head+"X-Probe: ")
	res, err := promise.Ask(call, attack)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil && long.Err() != nil:
		return promise.Broken(attack, fmt.Sprintf("a connection that is still open after %s", wait+slack), fmt.Sprintf("its end after about %s", wait))
	case err != nil:
		return nil // closed: whole heads are answered, as the twin shows
	case res.Status < 400:
		return promise.Broken(attack, fmt.Sprintf("status %d to half a head", res.Status), "an end of the connection, or an error")
	}
	return nil
}

// mostHeld is how many requests a test of concurrency holds at most.
const mostHeld = 5000

// testConcurrency holds one request more than may be in flight, each with a
// body that does not go on, and enough of it to be waited for. A limit of
// rate slows the test down, and does not stop it.
func testConcurrency(ctx context.Context, call promise.Caller, limit int, wait time.Duration, body int64) error {
	if limit > mostHeld {
		return fmt.Errorf("%d requests at once are more than this test holds", limit)
	}
	control, err := promise.Ask(call, promise.NewRequest(ctx, http.MethodGet, somewhere, ""))
	if err != nil {
		return fmt.Errorf("the harmless twin: %w", err)
	}
	if control.Status == http.StatusServiceUnavailable {
		return errors.New("the service is not available before the test either")
	}
	ctx, cancel := context.WithTimeout(ctx, 45*time.Second+wait)
	defer cancel()
	// A string that does not end: whoever parses as it arrives waits too.
	sent := `"` + strings.Repeat("a", 9000)
	// Announced as so large that no server drains it before it refuses.
	length := int64(300_000)
	if body >= 0 {
		length = min(length, max(body, 10_000))
	}
	held := limit + 3
	type answer struct {
		res *promise.Answer
		err error
	}
	answers := make(chan answer)
	hold := func() {
		res, err := promise.Ask(call, post(ctx, json, length, sent))
		select {
		case answers <- answer{res, err}:
		case <-ctx.Done():
		}
	}
	// Sent in steps, so that a listener's backlog does not drop them.
	started, limited := 0, 0
	start := time.NewTicker(2 * time.Millisecond)
	defer start.Stop()
	var settle <-chan time.Time
	for {
		select {
		case <-start.C:
			if started < held {
				started++
				go hold()
			} else if settle == nil {
				settle = time.After(wait + slack)
			}
		case a := <-answers:
			switch {
			case a.err != nil:
				return fmt.Errorf("holding %d requests: %w", started, a.err)
			case a.res.Status == http.StatusServiceUnavailable:
				if n, err := strconv.Atoi(a.res.Header.Get("Retry-After")); err != nil || n < 0 || len(a.res.Header.Values("Retry-After")) != 1 {
					return promise.Broken(a.res.Req, fmt.Sprintf("status 503 with Retry-After %q", a.res.Header.Values("Retry-After")), "one Retry-After in seconds")
				}
				return nil
			case a.res.Status == http.StatusTooManyRequests && limited < 3*mostHeld:
				limited++
				started--
				settle = nil
				select { // at the pace that the limit of rate allows
				case <-time.After(8 * time.Millisecond):
				case <-ctx.Done():
				}
			default:
				return fmt.Errorf("status %d: the service does not wait for bodies, so no request can be held", a.res.Status)
			}
		case <-settle:
			return promise.Broken(post(ctx, json, length, ""), fmt.Sprintf("%d requests in flight at once", held), fmt.Sprintf("status 503 beyond %d", limit))
		case <-ctx.Done():
			return fmt.Errorf("could not hold %d requests at once: %w", held, ctx.Err())
		}
	}
}
