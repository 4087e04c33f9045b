// Package connection checks what is below the API: the framing of HTTP/1,
// upgrades, TLS, and endpoints that speak something else.
package connection

import (
	"context"
	"fmt"
	"net/http"
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
		ID: "probe/framing-length", Claim: "a request whose end can be read in two ways is refused", Severity: finding.High, Once: true,
		Refs: []string{"CWE-444", "API8", "V4.2.1", "RFC 9112 section 6.1", "RFC 9112 section 6.3"},
		Sure: "a legal request of the same form was answered; this one was, too, twice, and the connection was kept",
		Fix:  "Refuse it with 400 and close the connection: a proxy before the server may read another end.", Pavise: "wire", Run: framing(lengths()),
	}, {
		ID: "probe/framing-head", Claim: "header fields that can be read in two ways are refused", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-444", "API8", "V4.2.1", "RFC 9112 section 5"},
		Sure: "a legal request of the same form was answered, and this one, too, twice",
		Fix:  "Refuse it with 400 and close the connection.", Pavise: "wire", Run: framing(fields()),
	}, {
		ID: "probe/framing-chunks", Claim: "chunks that can be read in two ways are refused", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-444", "API8", "V4.2.1", "RFC 9112 section 7.1"},
		Sure: "the same body in legal chunks was taken, and in these, too, twice",
		Fix:  "Refuse it with 400 and close the connection.", Pavise: "wire", Run: chunks,
	}, {
		ID: "probe/host-field", Claim: "a request names one host", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-444", "CWE-436", "API8", "RFC 9112 section 3.2"},
		Sure: "a request with one host was answered, and this one as it was, twice",
		Fix:  "Refuse a request without Host, or with several, with 400.", Pavise: "wire", Run: framing(hosts()),
	}, {
		ID: "probe/request-smuggling", Claim: "no two servers in a row see different ends of a request", Severity: finding.Critical, Once: true,
		Refs: []string{"CWE-444", "API8", "V4.2.1", "RFC 9112 section 11.2"},
		Sure: "in turns, three times: a legal request of the same form is answered at once, and this one not in six seconds, although its head alone is no reason, since the second server waits for bytes that the first one kept",
		Fix:  "Refuse requests with both Content-Length and Transfer-Encoding where they come in, and speak HTTP/2 between the servers.", Pavise: "wire", Run: smuggling,
	}, {
		ID: "probe/upgrade", Claim: "no connection turns into a tunnel on request", Severity: finding.Medium, Once: true,
		Refs: []string{"CWE-444", "API8", "RFC 9110 section 7.8"},
		Sure: "an ordinary operation answered 101, twice",
		Fix:  "Drop Upgrade except on the routes that need it; h2c nowhere.", Pavise: "wire", Run: upgrades,
	}, {
		ID: "probe/tls-version", Claim: "TLS before 1.2 is refused", Severity: finding.High, Once: true,
		Refs: []string{"CWE-326", "API8", "V12.1.1", "RFC 8996"}, Sure: "the handshake was finished with that version",
		Fix: "Set the lowest version to TLS 1.2.", Pavise: "gateway.tls", Run: tlsVersions,
	}, {
		ID: "probe/tls-cipher", Claim: "weak cipher suites are refused", Severity: finding.High, Once: true,
		Refs: []string{"CWE-326", "CWE-327", "API8", "V12.1.2"}, Sure: "the handshake was finished with that suite, which was the only one offered",
		Fix: "Offer suites with forward secrecy and AEAD alone.", Pavise: "gateway.tls", Run: tlsCiphers,
	}, {
		ID: "probe/tls-certificate", Claim: "the certificate is valid, of this host, and strong", Severity: finding.High, Once: true,
		Refs: []string{"CWE-295", "CWE-326", "API8", "V12.2.2"}, Sure: "it is read from the handshake",
		Fix: "Renew the certificate, for the names that the API has, with a key of at least 2048 bits (RSA) or 256 (ECDSA).", Pavise: "gateway.tls", Run: certificate,
	}, {
		ID: "probe/https-only", Claim: "nothing is served over plain HTTP", Severity: finding.High, Once: true,
		Refs: []string{"CWE-319", "API8", "V12.2.1"}, Sure: "a request without TLS was answered with 2xx; a loopback address without TLS is not judged",
		Fix: "Serve HTTPS alone; answer plain HTTP with 308 to it, or not at all.", Pavise: "https", Run: plain,
	}, {
		ID: "probe/websocket-origin", Claim: "WebSockets are opened by pages of their own origin alone", Severity: finding.Medium,
		Refs: []string{"CWE-1385", "CWE-346", "V4.4.2", "RFC 6455 section 10.2"}, Sure: "the handshake with a foreign Origin was answered with 101, twice; with credentials in cookies it is more than a suspicion",
		Fix: "Compare Origin with a list before the upgrade.", Pavise: "origins", Run: sockets,
	}, {
		ID: "probe/websocket-anonymous", Claim: "WebSockets ask who calls as the operations beside them do", Severity: finding.Medium,
		Refs: []string{"CWE-306", "API2", "V8.2.1"}, Sure: "never more than a suspicion: a protocol may ask in its first message",
		Fix: "Authenticate before the upgrade.", Run: socketsAnonymous,
	}, {
		ID: "probe/graphql-introspection", Claim: "GraphQL does not describe itself to strangers", Severity: finding.Low,
		Refs: []string{"CWE-200", "API9", "V4.3.2"}, Sure: "it answered with its types",
		Fix: "Switch introspection off in production.", Run: graphql(introspection),
	}, {
		ID: "probe/graphql-bounds", Claim: "one request to GraphQL does the work of one", Severity: finding.Low,
		Refs: []string{"CWE-770", "API4", "V4.3.1"}, Sure: "all of it was answered, twice",
		Fix: "Bound batches, aliases and the depth of queries, or their cost.", Run: graphql(batches),
	}, {
		ID: "probe/graphql-suggestions", Claim: "GraphQL does not suggest names", Severity: finding.Info,
		Refs: []string{"CWE-200", "API9"}, Sure: "it names a field that was not asked for",
		Fix: "Switch suggestions off in production.", Run: graphql(suggestions),
	}}
}

// A vector is a request that can be read in two ways. %s is the path; {host}
// the host.
type vector struct {
	what     string
	severity finding.Severity
	raw      string
	// next tells that it is a fault only if what is left of the body by one
	// of the readings is answered as a second request.
	next bool
	// kept tells that it is a fault only if the connection is kept: RFC 9112
	// lets a server answer, and close.
	kept bool
}

const (
	post = "POST %s HTTP/1.1\r\nHost: {host}\r\n%s"
	// absolute is a target that RFC 9112 section 3.2.2 puts before Host.
	absolute = "an absolute URL of another host"
	legal    = "Content-Length: 5\r\n\r\nhello"
	chunked  = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)

func lengths() []vector {
	return []vector{
		// To go by Transfer-Encoding is what RFC 9112 wants, if the connection
		// is closed then: it is the server in front that may not.
		{what: "Content-Length and Transfer-Encoding", severity: finding.Low, raw: "Content-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", kept: true},
		{what: "Content-Length goes before Transfer-Encoding", severity: finding.High, raw: "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", next: true},
		{what: "two lengths that differ", severity: finding.High, raw: "Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello\r\n"},
		{what: "two lengths that are the same", severity: finding.Low, raw: "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
		{what: "a length with a sign", severity: finding.Medium, raw: "Content-Length: +5\r\n\r\nhello"},
		{what: "an encoding that nobody knows", severity: finding.Medium, raw: "Content-Length: 15\r\nTransfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", kept: true},
		{what: "chunked that is not the last encoding", severity: finding.Medium, raw: "Transfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n", kept: true},
		{what: "chunked after a vertical tab", severity: finding.Medium, raw: "Content-Length: 15\r\nTransfer-Encoding: \x0bchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", kept: true},
		{what: "Transfer-Encoding and a space before the colon", severity: finding.High, raw: "Content-Length: 15\r\nTransfer-Encoding : chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{what: "HTTP/1.0 with Transfer-Encoding", severity: finding.Low, kept: true},
	}
}

func fields() []vector {
	return []vector{
		{what: "a space before a colon", severity: finding.Medium, raw: "X-Pv : a\r\n" + legal},
		{what: "a field on two lines", severity: finding.Low, raw: "X-Pv: a\r\n b\r\n" + legal},
		{what: "a field without a colon", severity: finding.Low, raw: "X-Pv\r\n" + legal},
		{what: "a NUL in a field", severity: finding.Medium, raw: "X-Pv: a\x00b\r\n" + legal},
		{what: "a carriage return in a field", severity: finding.Medium, raw: "X-Pv: a\rX-Pv-B: b\r\n" + legal},
	}
}

func hosts() []vector {
	return []vector{
		{what: "two hosts", severity: finding.Medium, raw: "Host: pv.invalid\r\n" + legal},
		{what: "no host", severity: finding.Low},
		{what: absolute, severity: finding.Low}, // most servers pass it on, and the gateway in front of them decides
	}
}

// build is a vector's bytes.
func (v vector) build(path string) string {
	switch v.what {
	case "HTTP/1.0 with Transfer-Encoding":
		return "POST " + path + " HTTP/1.0\r\nHost: {host}\r\nConnection: keep-alive\r\n" + chunked
	case "no host":
		return "POST " + path + " HTTP/1.1\r\n" + legal
	case absolute:
		return "POST http://pv.invalid" + path + " HTTP/1.1\r\nHost: {host}\r\n" + legal
	}
	return fmt.Sprintf(post, path, v.raw)
}

// nowhere is a path that nothing is at: whatever is sent there has no effect.
func nowhere(t *trial.Trial, who string) string {
	return t.Document.Base + "/" + t.Maker("connection "+who).Mark()
}

// linger is how long a server may take to close a connection that it does not
// trust any more.
const linger = 700 * time.Millisecond

// framing sends vectors, each on a connection of its own, after legal requests
// of the same form.
func framing(vs []vector) func(context.Context, *trial.Trial, func(trial.Result)) {
	return func(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
		if t.ReadOnly() {
			report(trial.Result{Reason: "nothing is written"})
			return
		}
		path := nowhere(t, vs[0].what)
		control := func(form string) (*traffic.Exchange, error) {
			return t.Client.Raw(ctx, fmt.Sprintf(post, path, form))
		}
		plainControl, err := control(legal)
		if err != nil {
			report(trial.Result{Reason: "a legal request: " + trial.Reason(err)})
			return
		}
		chunkedControl, err := control(chunked)
		if err != nil {
			report(trial.Result{Reason: "a legal request in chunks: " + trial.Reason(err)})
			return
		}
		for _, v := range vs {
			c := plainControl
			if v.what == absolute {
				// Where any host is answered the form of its name is no matter.
				if e, err := t.Client.Raw(ctx, strings.Replace(fmt.Sprintf(post, path, legal), "{host}", "pv.invalid", 1)); err != nil || e.Status == c.Status {
					report(trial.Result{Verdict: trial.NotApplicable, Reason: "any host is answered"})
					continue
				}
			}
			if strings.Contains(v.what, "chunked") || strings.Contains(v.what, "Transfer-Encoding") {
				c = chunkedControl
			}
			report(frame(ctx, t, v, path, c))
			if ctx.Err() != nil {
				return
			}
		}
	}
}

func frame(ctx context.Context, t *trial.Trial, v vector, path string, control *traffic.Exchange) (r trial.Result) {
	if control.Status == http.StatusBadRequest || control.Status >= 500 || control.Status == http.StatusTooManyRequests {
		return trial.Result{Reason: fmt.Sprintf("a legal request is answered with %d", control.Status)}
	}
	for range 2 {
		w := traffic.Wire{Raw: v.build(path), Wait: 4 * time.Second}
		if v.kept {
			w.Linger = linger
		}
		if v.next {
			w.Answers, w.Wait = 2, 2*time.Second
		}
		h, err := t.Client.Wire(ctx, w)
		if err != nil {
			return trial.Result{Reason: trial.Reason(err)}
		}
		if v.next && len(h.Answers) == 1 {
			return trial.Result{Verdict: trial.Pass}
		}
		e, err := h.First()
		switch {
		case h.Silent && len(h.Answers) == 0:
			return trial.Result{Reason: v.what + ": " + trial.Reason(err)}
		case err != nil: // closed
			return trial.Result{Verdict: trial.Pass}
		case e.Status != control.Status:
			// Refused; that it is not the same answer tells that it was seen.
			r.Verdict = trial.Pass
			if e.OK() {
				r.Verdict, r.Reason = trial.Inconclusive, fmt.Sprintf("%s: answered with %d, and a legal request with %d", v.what, e.Status, control.Status)
			}
			return r
		case h.Closed && v.kept:
			return trial.Result{Verdict: trial.Pass}
		}
		how := ""
		if v.kept {
			how = ", and the connection is kept"
		}
		r = trial.Result{Verdict: trial.Fail, Severity: v.severity, Got: fmt.Sprintf("%s: answered with %d as a legal request is%s", v.what, e.Status, how), Want: "400", Shown: []*traffic.Exchange{control, e}}
	}
	return r
}

// chunks sends a valid body in chunks that are not. Where nothing takes a body
// nobody reads chunks, either.
func chunks(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	var b *trial.Baseline
	reason := "no operation takes a body of JSON"
	t.Each(func(op *openapi.Operation) {
		if b != nil || op.JSON() == nil || op.Method == http.MethodDelete || trial.Ends(op) || ctx.Err() != nil {
			return
		}
		found, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			reason = trial.Reason(err)
		} else if strings.Contains(found.Draft.Type, "json") && !t.Delicate(found) {
			b = found
		}
	})
	if b == nil {
		report(trial.Result{Reason: reason})
		return
	}
	send := func(body string) (*traffic.Heard, error) {
		d := t.Again(b)
		req := d.Request()
		text := string(req.Body)
		r := strings.NewReplacer("LEN", fmt.Sprintf("%x", len(text)), "BODY", text)
		h, err := t.Client.Wire(ctx, traffic.Wire{Raw: req.Head("Transfer-Encoding: chunked\r\n") + r.Replace(body), Wait: 4 * time.Second, Linger: linger})
		if err == nil && len(h.Answers) > 0 {
			t.Adopt(d, h.Answers[0])
		}
		return h, err
	}
	control, err := send("LEN\r\nBODY\r\n0\r\n\r\n")
	if err != nil || len(control.Answers) == 0 || !control.Answers[0].OK() {
		report(trial.Result{Operation: b.Op.Name(), Reason: "a valid body in legal chunks is not taken"})
		return
	}
	for _, v := range []vector{
		{what: "a chunk that is longer than it says", severity: finding.High, raw: "LEN\r\nBODYXX\r\n0\r\n\r\n"},
		{what: "a size that ends with a line feed alone", severity: finding.Low, raw: "LEN\nBODY\r\n0\r\n\r\n"},
		{what: "a chunk that ends with no line", severity: finding.Medium, raw: "LEN\r\nBODYXX0\r\n\r\n"},
		{what: "a size with 0x", severity: finding.Medium, raw: "0xLEN\r\nBODY\r\n0\r\n\r\n"},
		{what: "a size with a sign", severity: finding.Medium, raw: "+LEN\r\nBODY\r\n0\r\n\r\n"},
		{what: "a size of 17 digits", severity: finding.High, raw: "1000000000000000LEN\r\nBODY\r\n0\r\n\r\n"},
		{what: "a line feed in an extension", severity: finding.Medium, raw: "LEN;a\nb\r\nBODY\r\n0\r\n\r\n"},
	} {
		r := trial.Result{Operation: b.Op.Name()}
		for range 2 {
			h, err := send(v.raw)
			if err != nil {
				r.Reason = trial.Reason(err)
				break
			}
			e, err := h.First()
			if err != nil && !h.Silent || err == nil && !e.OK() {
				r.Verdict = trial.Pass
				break
			}
			if err != nil {
				r.Reason = v.what + ": " + trial.Reason(err)
				break
			}
			r.Verdict, r.Severity, r.Got, r.Want = trial.Fail, v.severity, fmt.Sprintf("%s: answered with %d", v.what, e.Status), "400"
			r.Shown = []*traffic.Exchange{e}
			if h.Closed {
				// A handler that reads a body up to the end of its JSON answers
				// before anybody sees what is wrong; then nothing more is read.
				r.Severity, r.Got = finding.Low, r.Got+", and the connection is closed"
			}
		}
		report(r)
	}
}

const patience = 6 * time.Second

// smuggling finds two servers in a row by what makes the second one wait. Of a
// server alone no such request asks for more than was sent.
func smuggling(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	smugglingWithin(ctx, t, report, patience)
}

func smugglingWithin(ctx context.Context, t *trial.Trial, report func(trial.Result), patience time.Duration) {
	if t.ReadOnly() {
		report(trial.Result{Reason: "nothing is written"})
		return
	}
	path := nowhere(t, "smuggling")
	ask := func(raw string) (*traffic.Heard, error) {
		return t.Client.Wire(ctx, traffic.Wire{Raw: fmt.Sprintf(post, path, raw), Wait: patience})
	}
	for _, te := range []string{"Transfer-Encoding: chunked", "Transfer-Encoding : chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: chunked\r\nTransfer-encoding: x"} {
		for _, v := range []vector{
			// The first server counts four bytes, and the second waits for
			// the rest of the chunks. The bad size ends it for a server alone.
			{what: "the first server goes by Content-Length, the second by Transfer-Encoding", raw: "Content-Length: 4\r\n" + te + "\r\n\r\n1\r\nA\r\nX\r\n\r\n"},
			// The first server sees the last chunk, and the second waits for
			// a sixth byte, which a server alone has.
			{what: "the first server goes by Transfer-Encoding, the second by Content-Length", raw: "Content-Length: 6\r\n" + te + "\r\n\r\n0\r\n\r\nX"},
		} {
			// A twin has the same head, and a body that is whole by either
			// reading: who drops requests for their head does not answer it.
			twin := "Content-Length: 15\r\n" + te + "\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
			silent := 0
			var shown, unanswered *traffic.Heard
			for range 3 {
				control, err := ask(legal)
				if err != nil || len(control.Answers) == 0 || control.Elapsed > patience/4 {
					report(trial.Result{Reason: "a legal request is not answered at once"})
					return
				}
				h, err := ask(v.raw)
				if err != nil {
					report(trial.Result{Reason: trial.Reason(err)})
					return
				}
				if !h.Silent || len(h.Answers) > 0 {
					break
				}
				if h, err := ask(twin); err != nil || h.Silent {
					report(trial.Result{Reason: "requests with both Content-Length and Transfer-Encoding are not answered at all"})
					return
				}
				silent++
				shown, unanswered = control, h
			}
			switch {
			case silent == 3:
				e := &traffic.Exchange{Request: unanswered.Request, Proto: "no answer"}
				report(trial.Result{Verdict: trial.Fail, Got: fmt.Sprintf("%s (%q)", v.what, te), Want: "400", Shown: []*traffic.Exchange{shown.Answers[0], e}})
				return
			case silent > 0:
				report(trial.Result{Verdict: trial.Inconclusive, Reason: "not answered once, and then answered"})
				return
			}
		}
	}
	report(trial.Result{Verdict: trial.Pass})
}

// upgrades asks ordinary operations for tunnels.
func upgrades(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	var b *trial.Baseline
	reason := "no operation is only read"
	t.Each(func(op *openapi.Operation) {
		if b != nil || op.Method != http.MethodGet || socketLike(op.Path) || ctx.Err() != nil {
			return
		}
		found, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			reason = trial.Reason(err)
			return
		}
		b = found
	})
	if b == nil {
		report(trial.Result{Reason: reason})
		return
	}
	for _, v := range []struct{ what, fields string }{
		{"h2c", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"},
		{"websocket", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"},
	} {
		r := trial.Result{Operation: b.Op.Name()}
		for range 2 {
			e, err := t.Client.Raw(ctx, b.Draft.Request().Head(v.fields))
			if err != nil {
				r.Reason = "Upgrade: " + trial.Reason(err)
				break
			}
			if e.Status != http.StatusSwitchingProtocols {
				r.Verdict = trial.Pass
				break
			}
			r.Verdict, r.Got, r.Want = trial.Fail, "101 to Upgrade: "+v.what, "an answer in HTTP/1.1"
			r.Shown = []*traffic.Exchange{e}
		}
		report(r)
	}
}
