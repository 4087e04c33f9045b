package responses

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// An answer is a response of a class.
type answer struct {
	class string // success, 404, preflight…
	op    *openapi.Operation
	e     *traffic.Exchange
	// private tells that credentials were sent because they are needed.
	private bool
}

// page tells whether browsers show it as a page.
func (a answer) page() bool {
	return a.class != "redirects" && len(a.e.Body) > 0 && (a.e.Type() == "text/html" || a.e.Type() == "application/xhtml+xml")
}

func succeeded(answers []answer) bool {
	return slices.ContainsFunc(answers, func(a answer) bool { return a.class == success })
}

const success = "what succeeds"

// survey asks for each class of responses, once for all checks.
func survey(ctx context.Context, t *trial.Trial) []answer {
	answers := trial.Shared(t, "responses", func() []answer { return ask(ctx, t) })
	// Crashes that happened since are not asked for.
	for _, e := range t.Client.Seen() {
		if e.Status >= 500 && e.Status != http.StatusNotImplemented && e.Status != http.StatusServiceUnavailable && e.Status < 505 &&
			!slices.ContainsFunc(answers, func(a answer) bool { return a.e.Status >= 500 }) {
			answers = append(answers, answer{class: fmt.Sprint(e.Status), op: t.Operation(e.Request), e: e})
		}
	}
	return answers
}

// documents are pages that frameworks serve about an API.
func documents() []string { return []string{"/docs", "/redoc", "/openapi.json"} }

func ask(ctx context.Context, t *trial.Trial) []answer {
	var out []answer
	add := func(class string, op *openapi.Operation, e *traffic.Exchange, err error) {
		if err != nil || e == nil {
			return
		}
		switch {
		case class != "":
		case e.Status >= 300 && e.Status < 400:
			class = "redirects"
		case e.Status >= 400:
			class = fmt.Sprint(e.Status)
		default:
			return // it was meant to be refused
		}
		out = append(out, answer{class: class, op: op, e: e})
	}
	var reads, posts *trial.Baseline // examples
	var secret *trial.Baseline
	t.Each(func(op *openapi.Operation) {
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			return
		}
		out = append(out, answer{class: success, op: op, e: b.Last, private: op.Secured() && !b.Who.IsAnonymous()})
		switch {
		case op.Method == http.MethodGet && reads == nil:
			reads = b
		case op.Method == http.MethodPost && op.JSON() != nil && posts == nil:
			posts = b
		}
		if op.Method == http.MethodGet && op.Secured() && secret == nil {
			secret = b
		}
	})
	send := func(r *traffic.Request) (*traffic.Exchange, error) { return t.Send(ctx, r) }
	mark := t.Maker("responses").Mark()
	for _, base := range uniq("", t.Document.Base) {
		e, err := send(&traffic.Request{Method: "GET", Path: base + "/" + mark})
		add("", nil, e, err)
	}
	for _, path := range documents() {
		e, err := send(&traffic.Request{Method: "GET", Path: path})
		if err == nil && e.OK() {
			add("documentation", nil, e, nil)
		}
	}
	if secret != nil {
		e, err := send(secret.Draft.As(identity.Anonymous()).Request())
		add("", secret.Op, e, err)
	}
	if reads != nil {
		r := reads.Draft.Request()
		head := r.Clone()
		head.Method = http.MethodHead
		if e, err := send(head); err == nil && e.OK() {
			add("HEAD", reads.Op, e, nil)
		}
		// PROPFIND only reads, and hardly any API has it.
		odd := r.Clone()
		odd.Method = "PROPFIND"
		e, err := send(odd)
		add("", reads.Op, e, err)
		slash := r.Clone()
		path, query, _ := strings.Cut(slash.Path, "?")
		if query != "" {
			query = "?" + query
		}
		slash.Path = strings.TrimSuffix(path, "/")
		if slash.Path == path {
			slash.Path += "/"
		}
		slash.Path += query
		if e, err := send(slash); err == nil && e.Status >= 300 && e.Status < 400 {
			add("", reads.Op, e, nil)
		}
		preflight := &traffic.Request{Method: http.MethodOptions, Path: path, Header: http.Header{
			"Origin": {"https://" + mark + ".invalid"}, "Access-Control-Request-Method": {"GET"}, "Access-Control-Request-Headers": {"authorization"},
		}}
		e, err = send(preflight)
		add("preflights", reads.Op, e, err)
	}
	t.Each(func(op *openapi.Operation) {
		params := op.PathParams()
		if op.Method == http.MethodGet && len(params) > 0 && !slices.ContainsFunc(out, func(a answer) bool { return a.class == "404" && a.op != nil }) {
			if _, err := t.Baseline(ctx, op, t.Caller(op)); err == nil {
				if f, err := t.Missing(ctx, op, t.Caller(op)); err == nil {
					add("", op, f.Shown, nil)
				}
			}
		}
	})
	if posts != nil {
		r := posts.Draft.Request()
		for _, kind := range []string{"application/json", "application/x-pavise"} {
			broken := r.Clone()
			broken.Body = []byte("{")
			broken.Header.Set("Content-Type", kind)
			e, err := send(broken)
			add("", posts.Op, e, err)
		}
		if e := tooLarge(ctx, t, r); e != nil && e.Status == http.StatusRequestEntityTooLarge {
			add("", posts.Op, e, nil)
		}
	}
	return out
}

// tooLarge announces a body of 100 MB and sends none of it: whoever bounds
// bodies answers at once, and whoever does not waits in vain.
func tooLarge(ctx context.Context, t *trial.Trial, r *traffic.Request) *traffic.Exchange {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: {host}\r\n{marker}\r\n", r.Method, r.Path)
	_ = r.Header.Write(&b)
	b.WriteString("Content-Length: 104857600\r\n\r\n")
	e, err := t.Send(ctx, &traffic.Request{Raw: b.String()})
	if err != nil {
		return nil
	}
	return e
}

func uniq(list ...string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// maxNamed is how many operations are named.
const maxNamed = 3

// where says on which classes of answers something is, of all there are.
func where(bad, all []answer) string {
	var classes []string
	for _, a := range bad {
		classes = append(classes, a.class)
	}
	classes = uniq(classes...)
	if len(bad) == len(all) {
		return "every response"
	}
	if !slices.ContainsFunc(all, func(a answer) bool {
		return len(a.e.Body) > 0 && !slices.ContainsFunc(bad, func(b answer) bool { return b.e == a.e })
	}) {
		return "every response that has a body"
	}
	for i, class := range classes {
		of := func(list []answer) []answer {
			return slices.DeleteFunc(slices.Clone(list), func(a answer) bool { return a.class != class })
		}
		some, every := of(bad), of(all)
		if len(some) == len(every) {
			continue
		}
		var names []string
		for _, a := range some {
			if a.op != nil {
				names = append(names, a.op.Name())
			}
		}
		names = uniq(names...)
		if len(names) > maxNamed {
			names = append(names[:maxNamed:maxNamed], fmt.Sprintf("%d more", len(names)-maxNamed))
		}
		if len(names) > 0 {
			classes[i] += " (" + strings.Join(names, ", ") + ")"
		}
	}
	return strings.Join(classes, ", ")
}
