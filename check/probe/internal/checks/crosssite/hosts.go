package crosssite

import (
	"context"
	"fmt"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// mentions tells whether an answer has a text in it, wherever; JSON may write a
// slash with a backslash.
func mentions(e *traffic.Exchange, text string) bool {
	if body := string(e.Body); strings.Contains(body, text) || strings.Contains(strings.ReplaceAll(body, `\/`, "/"), text) {
		return true
	}
	for _, values := range e.Header {
		for _, v := range values {
			if strings.Contains(v, text) {
				return true
			}
		}
	}
	return false
}

// hosts: links in mails and caches that are made from Host lead to where the
// sender wants, and a name that is rebound to a local address lets pages in.
func hosts(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	all := reads(ctx, t)
	if len(all) == 0 {
		report(trial.Result{Reason: noReads})
		return
	}
	b := all[len(all)-1] // one that is for everybody, if there is one
	m := t.Maker("hosts")
	r := trial.Result{Verdict: trial.Pass}
	served := 0
	for i := range 2 {
		mark := m.Mark()
		req := b.Draft.Request()
		req.Host = mark + ".invalid"
		if i == 1 {
			req.Host += ":8080"
		}
		e, err := t.Send(ctx, req)
		if err != nil {
			report(trial.Result{Reason: trial.Reason(err)})
			return
		}
		if !e.OK() || trial.Shape(e) != trial.Shape(b.Last) {
			break // refused, or another site's
		}
		if control, err := t.Send(ctx, b.Draft.Request()); err != nil || !control.OK() {
			report(trial.Result{Reason: "the right host is not answered alike"})
			return
		}
		served++
		r.Shown, r.Severity = []*traffic.Exchange{e}, finding.Low
		r.Got = fmt.Sprintf("%d to a Host that is not the API's", e.Status)
		if mentions(e, mark) {
			r.Severity, r.Got = finding.Medium, r.Got+", which comes back in the answer"
		}
	}
	if served == 2 {
		r.Verdict, r.Want = trial.Fail, "400 or 421"
		// Redirects that add a slash are made from Host.
		mark := m.Mark() + ".invalid"
		req := slashed(b)
		req.Host = mark
		if e, err := t.Send(ctx, req); err == nil && leads(e.Header.Get("Location"), mark) {
			r.Severity, r.Got, r.Shown = finding.Medium, r.Got+", and a redirect leads to it", []*traffic.Exchange{e}
		}
		report(r)
		return
	}
	report(r)
	// The name is looked at; is it the one that counts?
	forged := func(what string, echoed bool, build func(mark string) *traffic.Request) {
		var shown *traffic.Exchange
		for range 2 {
			mark := m.Mark()
			e, err := t.Send(ctx, build(mark))
			if err != nil || !e.OK() || trial.Shape(e) != trial.Shape(b.Last) || echoed && !mentions(e, mark) {
				return
			}
			shown = e
		}
		report(trial.Result{Verdict: trial.Fail, Severity: finding.Low, Got: fmt.Sprintf("%d to %s", shown.Status, what), Want: "400", Shown: []*traffic.Exchange{shown}})
	}
	forged("a Host that is not the API's, with its own in X-Forwarded-Host", false, func(mark string) *traffic.Request {
		req := with(b.Draft.Request(), "X-Forwarded-Host", t.Client.HostField())
		req.Host = mark + ".invalid"
		req.From = stranger(ctx, t, b.Draft.Request()).address
		return req
	})
	forged("two Host fields (RFC 9112 section 3.2)", false, func(mark string) *traffic.Request {
		return raw(b, "", "Host: {host}\r\nHost: "+mark+".invalid\r\n")
	})
	forged("a target of another host (RFC 9112 section 3.2.2), which comes back in the answer,", true, func(mark string) *traffic.Request {
		return raw(b, "http://"+mark+".invalid", "Host: {host}\r\n")
	})
}

// raw is a baseline's request in bytes, with Host fields of its own and what
// stands before the path.
func raw(b *trial.Baseline, origin, host string) *traffic.Request {
	r := b.Draft.Request()
	var s strings.Builder
	fmt.Fprintf(&s, "GET %s%s HTTP/1.1\r\n%s{marker}\r\n", origin, r.Path, host)
	_ = r.Header.Write(&s)
	s.WriteString("Connection: close\r\n\r\n")
	return &traffic.Request{Raw: s.String()}
}

// slashed is a request that many routers answer with a redirect: a path with
// one slash too many or too few.
func slashed(b *trial.Baseline) *traffic.Request {
	r := b.Draft.Request()
	path, query, _ := strings.Cut(r.Path, "?")
	if rest, ok := strings.CutSuffix(path, "/"); ok && rest != "" {
		path = rest
	} else {
		path += "/"
	}
	if query != "" {
		path += "?" + query
	}
	r.Path = path
	return r
}
