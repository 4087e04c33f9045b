// Package limits checks that one client cannot use up a service: the size of
// what it reads, how long it waits, and how often it answers.
package limits

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// Checks are those of this package.
func Checks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/body-limit", Claim: "bodies have a largest size", Severity: finding.High, Once: true,
		Refs: []string{"CWE-770", "CWE-400", "API4", "V15.2.2"},
		Sure: "a small body was taken, and one of more than 10 MiB was read to its end and taken twice",
		Fix:  "Bound bodies, by default 1 MiB, and answer 413 before the body is read.", Pavise: "limits.body", Run: bodies,
	}, {
		ID: "probe/decompression-limit", Claim: "compressed bodies are bounded by what comes out of them", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-409", "API4", "V15.2.2"},
		Sure: "a small compressed body was taken, and one of 10 kB that unpacks to 10 MiB was taken twice",
		Fix:  "Count what comes out of the decompression, or answer 415 to Content-Encoding.", Pavise: "limits.body and limits.max_ratio", Run: bombs,
	}, {
		ID: "probe/head-limit", Claim: "URLs and header fields have a largest size", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-770", "API4", "RFC 6585 section 5", "RFC 9110 section 15.5.15"},
		Sure: "the same request without it was answered with 2xx, and with it, too",
		Fix:  "Bound the URL to 8 KiB and all header fields to 32 KiB; answer 414 and 431.", Pavise: "limits.url, limits.header_bytes and limits.header_count", Run: heads,
	}, {
		ID: "probe/multipart-limit", Claim: "forms have a largest number of parts", Severity: finding.Low, Once: true,
		Refs: []string{"CWE-770", "API4"}, Sure: "a small form was taken, and one of 1,001 more parts twice",
		Fix: "Bound the parts of a form.", Run: parts,
	}, {
		ID: "probe/rate-limit", Claim: "one client is not answered without end", Severity: finding.Medium, Once: true, Intrusive: true,
		Refs: []string{"CWE-770", "API4", "V2.4.1", "RFC 6585 section 4"}, Sure: "a hundred requests were answered with 2xx, and none of them speaks of a limit",
		Fix: "Limit how often one client is answered, and say so: 429 with Retry-After.", Pavise: "rate.limit", Run: rate,
	}, {
		ID: "probe/rate-limit-address", Claim: "a client does not get away from its limit by naming another address", Severity: finding.Medium, Once: true, Intrusive: true,
		Refs: []string{"CWE-348", "API4", "V4.1.3", "V15.3.4"}, Sure: "in turns, twice: 429 without the field, 2xx with it",
		Fix: "Count by the address of the connection; believe X-Forwarded-For of your own proxies alone.", Pavise: "clientip", Run: rateAddress,
	}, {
		ID: "probe/slow-client", Claim: "connections that do not get on are closed", Severity: finding.Medium, Once: true, Intrusive: true,
		Refs: []string{"CWE-400", "API4"}, Sure: "a byte every two seconds, on a connection of its own: it is open after 33 seconds or it is not",
		Fix: "Set timeouts: 5 s for the header, 30 s for the body, 60 s idle.", Pavise: "limits.header_read and limits.body_read", Run: slow,
	}, {
		ID: "probe/many-connections", Claim: "connections that wait do not keep others from being served", Severity: finding.Medium, Once: true, Intrusive: true,
		Refs: []string{"CWE-770", "CWE-400", "API4"}, Sure: "with 200 connections that wait a valid request was not answered in five seconds, twice, and after they were closed it was",
		Fix: "Bound the connections of one client, and read heads without holding a worker.", Pavise: "limits.concurrency", Run: connections,
	}}
}

// tooLarge is more than any API takes that was not made for files.
const tooLarge = 10<<20 + 1

// writers are operations that take JSON, with a valid request each.
func writers(ctx context.Context, t *trial.Trial, most int) (out []*trial.Baseline, reason string) {
	reason = "no operation takes a body of JSON"
	t.Each(func(op *openapi.Operation) {
		if len(out) >= most || op.JSON() == nil || op.Method == http.MethodDelete || bulk(op.Path) || trial.Ends(op) || ctx.Err() != nil {
			return
		}
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			reason = trial.Reason(err)
			return
		}
		if _, ok := b.Draft.Body.(map[string]any); ok && !t.Delicate(b) && strings.Contains(b.Draft.Type, "json") {
			out = append(out, b)
		}
	})
	return out, reason
}

// bulk tells whether an operation may be made for much.
func bulk(path string) bool {
	path = strings.ToLower(path)
	return slices.ContainsFunc([]string{"bulk", "batch", "import", "upload", "ingest", "graphql"}, func(w string) bool { return strings.Contains(path, w) })
}

// reader is the operation that is only read with the shortest path.
func reader(ctx context.Context, t *trial.Trial) (best *trial.Baseline, reason string) {
	reason = "no operation is only read"
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet || ctx.Err() != nil || best != nil && len(best.Op.Path) <= len(op.Path) {
			return
		}
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			reason = trial.Reason(err)
			return
		}
		if b.Last.OK() { // one that redirects tells less
			best = b
		}
	})
	return best, reason
}

// bodies sends more than 10 MiB: first the length alone, which a server may
// refuse at once, and then the spaces that a valid body may end with.
func bodies(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	bs, reason := writers(ctx, t, 2)
	if len(bs) == 0 {
		report(trial.Result{Reason: reason})
	}
	for _, b := range bs {
		for _, chunked := range []bool{false, true} {
			r := oversized(ctx, t, b, chunked)
			r.Operation = b.Op.Name()
			report(r)
			if r.Verdict == trial.Fail {
				return // it is the application's
			}
		}
	}
}

func oversized(ctx context.Context, t *trial.Trial, b *trial.Baseline, chunked bool) (r trial.Result) {
	how := "with its length"
	if chunked {
		how = "in chunks"
	}
	for n := range 2 {
		req := t.Again(b).Request()
		body := string(req.Body)
		w := traffic.Wire{
			Raw: req.Head(fmt.Sprintf("Content-Length: %d\r\n", tooLarge)) + body,
			Pad: tooLarge - len(body), Wait: 20 * time.Second,
		}
		if chunked {
			w.Raw = req.Head("Transfer-Encoding: chunked\r\n") + fmt.Sprintf("%x\r\n%s\r\n%x\r\n", len(body), body, tooLarge)
			w.Pad, w.Tail = tooLarge, "\r\n0\r\n\r\n"
		}
		if !chunked && n == 0 {
			// What is refused by its length need not be sent.
			early := w
			early.Pad, early.Wait = 0, 2*time.Second
			h, err := t.Client.Wire(ctx, early)
			if err != nil {
				r.Reason = trial.Reason(err)
				return r
			}
			if len(h.Answers) > 0 {
				e := h.Answers[0]
				switch {
				case e.Status == http.StatusRequestEntityTooLarge || e.Status == http.StatusBadRequest || e.Status == http.StatusLengthRequired:
					r.Verdict = trial.Pass
				case e.OK():
					r.Reason = "the body is not read"
				default:
					r.Reason = fmt.Sprintf("a large body is answered with %d before it is read", e.Status)
				}
				return r
			}
			if h.Closed {
				r.Verdict = trial.Pass
				return r
			}
		}
		h, err := t.Client.Wire(ctx, w)
		if err != nil {
			r.Reason = trial.Reason(err)
			return r
		}
		e, err := h.First()
		whole := h.Written >= len(w.Raw)+w.Pad+len(w.Tail)
		switch {
		case errors.Is(err, traffic.ErrNoAnswer):
			r.Verdict = trial.Pass // closed before its end
			return r
		case err != nil:
			r.Reason = trial.Reason(err)
			return r
		case e.Status == http.StatusRequestEntityTooLarge || e.Status == http.StatusLengthRequired || chunked && e.Status == http.StatusNotImplemented:
			r.Verdict = trial.Pass
			return r
		case e.OK() && whole:
			adopt(t, b, e)
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("a body of 10 MiB and one byte, sent %s, is read to its end and answered with %d", how, e.Status), "413"
			r.Shown = []*traffic.Exchange{e}
		case e.OK():
			adopt(t, b, e)
			return trial.Result{Reason: "the body is not read"}
		case e.Refused() && !whole:
			r.Verdict = trial.Pass // before all was read
			return r
		default:
			return trial.Result{Verdict: trial.Suspect, Severity: finding.Low, Got: fmt.Sprintf("a body of 10 MiB and one byte, sent %s, is read to its end and answered with %d", how, e.Status), Want: "413", Shown: []*traffic.Exchange{e}}
		}
	}
	return r
}

// adopt has what a raw request made cleaned up.
func adopt(t *trial.Trial, b *trial.Baseline, e *traffic.Exchange) { t.Adopt(t.Again(b), e) }

func packed(body []byte, pad int) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(body)
	_, _ = w.Write(bytes.Repeat([]byte{' '}, pad))
	_ = w.Close()
	return b.Bytes()
}

// bombs sends little that becomes much.
func bombs(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	bs, reason := writers(ctx, t, 1)
	if len(bs) == 0 {
		report(trial.Result{Reason: reason})
		return
	}
	b := bs[0]
	r := trial.Result{Operation: b.Op.Name()}
	defer func() { report(r) }()
	send := func(pad int) (*traffic.Exchange, error) {
		d := t.Again(b)
		d = d.WithBody(d.Type, packed(d.Request().Body, pad)).WithHeader("Content-Encoding", "gzip")
		e, err := t.Send(ctx, d.Request())
		if err == nil {
			t.Adopt(d, e)
		}
		return e, err
	}
	e, err := send(0)
	if err != nil {
		r.Reason = trial.Reason(err)
		return
	}
	if !e.OK() {
		if r.Verdict = trial.Pass; e.Status >= 500 {
			r.Verdict, r.Reason = trial.Inconclusive, fmt.Sprintf("a compressed body is answered with %d", e.Status)
		}
		return
	}
	for range 2 {
		e, err := send(10 << 20)
		switch {
		case err != nil:
			r.Reason = trial.Reason(err)
			return
		case e.OK():
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("10 kB that unpack to 10 MiB are answered with %d", e.Status), "413 or 415"
			r.Shown = []*traffic.Exchange{e}
		case e.Refused():
			r.Verdict = trial.Pass
			return
		default:
			r.Verdict, r.Reason = trial.Inconclusive, fmt.Sprintf("10 kB that unpack to 10 MiB are answered with %d", e.Status)
			return
		}
	}
}

// heads sends heads that nobody needs.
func heads(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	b, reason := reader(ctx, t)
	if b == nil {
		report(trial.Result{Reason: reason})
		return
	}
	many := http.Header{}
	for i := range 500 {
		many.Set(fmt.Sprintf("X-Pv-%03d", i), "pv")
	}
	for _, c := range []struct {
		what   string
		change func(*traffic.Request)
	}{
		{"a URL of 16 KiB", func(r *traffic.Request) {
			sep := "?"
			if strings.Contains(r.Path, "?") {
				sep = "&"
			}
			r.Path += sep + "pv=" + strings.Repeat("a", 16<<10)
		}},
		{"a header field of 64 KiB", func(r *traffic.Request) { r.Header.Set("X-Pv", strings.Repeat("a", 64<<10)) }},
		{"500 header fields", func(r *traffic.Request) {
			for name, v := range many {
				r.Header[name] = v
			}
		}},
	} {
		r := trial.Result{Operation: b.Op.Name()}
		for range 2 {
			req := t.Again(b).Request()
			c.change(req)
			e, err := t.Send(ctx, req)
			if err != nil {
				// A server may close in the middle of what it does not want.
				if r.Verdict = trial.Pass; errors.Is(err, traffic.ErrSpent) || errors.Is(err, traffic.ErrDown) || errors.Is(err, context.DeadlineExceeded) {
					r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				}
				break
			}
			if !e.OK() {
				if r.Verdict = trial.Pass; !e.Refused() {
					r.Verdict, r.Reason = trial.Inconclusive, fmt.Sprintf("%s answered with %d", c.what, e.Status)
				}
				break
			}
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%s answered with %d", c.what, e.Status), "414 or 431"
			r.Shown = []*traffic.Exchange{e}
		}
		report(r)
	}
}

// parts sends a form of many parts.
func parts(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	done := false
	t.Each(func(op *openapi.Operation) {
		if done || ctx.Err() != nil || !slices.ContainsFunc(op.Bodies, func(b *openapi.Body) bool { return b.Type == "multipart/form-data" }) {
			return
		}
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil || b.Draft.Type != "multipart/form-data" {
			return
		}
		done = true
		r := trial.Result{Operation: op.Name()}
		defer func() { report(r) }()
		for range 2 {
			d := t.Again(b)
			fields, ok := d.Body.(map[string]any)
			if !ok {
				return
			}
			for i := range 1001 {
				fields[fmt.Sprintf("pv%04d", i)] = "x"
			}
			e, err := t.Send(ctx, d.Request())
			if err != nil {
				r.Reason = trial.Reason(err)
				return
			}
			t.Adopt(d, e)
			switch {
			case e.OK():
				r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("a form of more than 1,001 parts is answered with %d", e.Status), "400 or 413"
				r.Shown = []*traffic.Exchange{e}
			case e.Refused():
				r.Verdict = trial.Pass
				return
			default:
				r.Reason = fmt.Sprintf("a form of more than 1,001 parts is answered with %d", e.Status)
				return
			}
		}
	})
}
